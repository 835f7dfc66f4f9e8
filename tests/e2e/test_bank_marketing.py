"""The whole job on the real 45,211 calls: trained on the first 60 %, the rest scored as it arrives."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

DATABASE = "BANK_MARKETING_DEV"
ROWS = 45_211
TRAINED = int(ROWS * 0.6)


@pytest.fixture(scope="module")
def ran(stack, shared_data):
    ended = stack("run", "--project", "bank_marketing", "--data", str(shared_data("bank_marketing")), timeout=1100)
    assert ended.code == 0, ended.out + ended.err
    with stack.served():
        yield ended


def test_at_least_three_files_arrive_and_are_scored_one_by_one(ran):
    assert all(int(ran.figures(f"arrive {number}")["loaded"].replace(",", "")) > 0 for number in (1, 2, 3))


def test_every_later_key_is_scored_or_quarantined_exactly_once(stack, ran):
    keys = stack.query(
        f"SELECT ROW_ID FROM {DATABASE}.SERVING.SCORED UNION ALL SELECT ROW_ID FROM {DATABASE}.SERVING.QUARANTINE"
    )
    assert sorted(int(key) for (key,) in keys) == list(range(TRAINED + 1, ROWS + 1))


def test_every_score_carries_the_champions_version_and_its_run(stack, ran):
    found = stack.query(f"SELECT DISTINCT MODEL_VERSION FROM {DATABASE}.SERVING.SCORED")
    assert found == stack.query(f"SELECT TO_VERSION FROM {DATABASE}.OPS.LEDGER")
    runs = stack.query(
        f"SELECT COUNT(DISTINCT RUN_ID) FROM {DATABASE}.SERVING.SCORED WHERE RUN_ID NOT IN "
        f"(SELECT RUN_ID FROM {DATABASE}.OPS.RUNS)"
    )
    assert runs == [(0,)]


def test_the_honest_metric_is_reported(ran):
    values = [float(ran.figures(f"evaluate {name}")["roc auc"]) for name in ("logistic", "boosting")]
    assert 0.55 < max(values) < 0.85
