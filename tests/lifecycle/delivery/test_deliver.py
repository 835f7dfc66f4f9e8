"""A version goes from target to target as it is: nothing is trained, what it needs travels, and it is asked again."""

import json
from pathlib import Path
from typing import Any

import pytest
from snowflake.snowpark import Session

from snowloop.errors import ApprovalRefused, DeliveryError, GateRefused, TargetRefused
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.approval import Approval
from snowloop.lifecycle.champion.promote import promote as set_champion
from snowloop.lifecycle.delivery.deliver import deliver, promote_from
from snowloop.lifecycle.delivery.records import measured_gaps, measured_groups
from snowloop.lifecycle.delivery.transfer import FILES
from snowloop.lifecycle.evaluation.parts import Interval
from snowloop.lifecycle.features.formula import recorded_formula
from snowloop.lifecycle.gate.verdict import Verdict
from snowloop.lifecycle.model_files import download, recorded_files, register_files
from snowloop.lifecycle.monitoring.verify import verify
from snowloop.lifecycle.versions import champion, versions
from snowloop.stage_files import upload
from snowloop.workspace import Workspace
from tests.support.copies import Copies
from tests.support.dying import Interrupted, KilledError
from tests.support.world import World

TRAINING = ("TRAIN_", "TRAINING_SET_", 'FEATURES"."BUILD_')


def promote(staging: Copies, prod: World, **chosen: Any) -> Any:
    return promote_from(staging.workspace, prod.workspace, **chosen)


@pytest.mark.slow
def test_the_very_version_serves_in_the_other_target(staging: Copies, prod: World):
    with prod.session.query_history() as history:
        done = promote(staging, prod)
    sent = [query.sql_text for query in history.queries]
    assert [text for text in sent if any(each in text for each in TRAINING)] == []
    assert (done.version_name, done.previous, done.kept) == ("GOOD", None, False)
    now, there = champion(prod.workspace), champion(staging.workspace)
    assert now is not None
    assert there is not None
    assert now.metrics == there.metrics
    assert {name: value for name, value in now.facts.items() if name != FILES} == there.facts
    assert recorded_formula(prod.workspace, now).text == recorded_formula(staging.workspace, there).text
    (entry,) = ledger.entries(prod.workspace)
    source = ledger.entries(staging.workspace)[-1]
    assert (entry.from_target, entry.from_account, entry.from_verdict_id) == (
        "lab_staging",
        "LOCAL-LOCAL",
        source.verdict_id,
    )
    assert entry.files == now.facts[FILES] == recorded_files(prod.workspace)["GOOD"]
    checks = {row["CHECK_NAME"]: row for row in prod.rows("SELECT * FROM {db}.OPS.VERDICTS")}
    assert checks.keys() >= {"FILES", "BOUND", "CONTRACT", "SKEW", "ROBUST", "ROW"}
    assert all(row["PASSED"] is not False for row in checks.values())
    assert checks["BOUND"]["REASON"].startswith("in lab_staging: roc_auc is 0.7000")
    assert "8 rows by SQL and by Python" in checks["SKEW"]["REASON"]
    assert prod.value("SELECT COUNT(*) FROM {db}.SERVING.SCORED") == 0
    assert verify(prod.workspace).faults == ()
    again = promote(staging, prod)
    assert (again.version_name, again.kept) == ("GOOD", True)
    assert len(ledger.entries(prod.workspace)) == 1


@pytest.mark.slow
def test_a_version_that_was_trained_on_all_rows_arrives_with_the_name_of_the_judged_one(staging: Copies, prod: World):
    facts = json.loads(staging.show()["GOOD"]["comment"]) | {"refit": {"of": "GOOD", "metrics": {"roc_auc": 0.7}}}
    staging.alter(f"ADD VERSION GOOD_REFIT FROM MODEL {staging.model} VERSION GOOD")
    try:
        staging.alter(f"MODIFY VERSION GOOD_REFIT SET COMMENT = '{json.dumps(facts)}'")
        staging.judge("GOOD_REFIT")
        assert promote(staging, prod, version="GOOD_REFIT").version_name == "GOOD_REFIT"
    finally:
        staging.alter("DROP VERSION GOOD_REFIT")
    now, entry = champion(prod.workspace), ledger.entries(prod.workspace)[-1]
    assert now is not None
    assert (now.judged_as, now.held_out_metrics) == ("GOOD", {"roc_auc": 0.7})
    assert (entry.to_version, entry.judged_version) == ("GOOD_REFIT", "GOOD")
    assert {row["JUDGED_VERSION"] for row in prod.rows("SELECT * FROM {db}.OPS.VERDICTS")} == {"GOOD"}


def test_gaps_and_groups_of_an_evaluation_are_read_back(staging: Copies):
    details = """{"results": {"metrics": {"candidate": {"roc_auc": 0.7, "groups": 24}}, "gaps": [
    {"column": "SEX", "figure": "calibration", "one": "f", "other": "m", "value": 0.1, "low": 0.05, "high": 0.15,
    "wider": null}]}}"""
    staging.rows(
        f"INSERT INTO {{db}}.OPS.EVALUATION_DETAILS (EVALUATION_ID, DETAILS) SELECT 'E', PARSE_JSON('{details}')"
    )
    (gap,) = measured_gaps(staging.workspace, "E")
    assert (gap.column, gap.interval, gap.wider) == ("SEX", Interval(0.1, 0.05, 0.15), None)
    assert measured_gaps(staging.workspace, "none") == ()
    assert measured_groups(staging.workspace, "E") == 24.0
    assert measured_groups(staging.workspace, "none") is None


def test_a_target_accepts_only_the_declared_sources(staging: Copies, session: Session):
    dev = Workspace(session, staging.project, "lab_dev")
    prod = Workspace(session, staging.project, "lab_prod")
    with session.query_history() as history:
        with pytest.raises(TargetRefused, match=r"lab_prod of .*targets\.yaml accepts no version from lab_dev"):
            promote_from(dev, prod)
        with pytest.raises(TargetRefused, match="from lab_prod to itself"):
            promote_from(prod, prod)
    assert history.queries == []


def test_only_a_version_that_was_judged_is_promoted(staging: Copies, prod: World):
    with pytest.raises(GateRefused, match="BETTER is not promoted from lab_staging: the gate has not judged it"):
        promote(staging, prod, version="BETTER")
    with pytest.raises(DeliveryError, match="has no version or alias 'NONE': it has GOOD, BETTER"):
        promote(staging, prod, version="NONE")
    assert versions(prod.workspace) == []


@pytest.mark.slow
def test_what_fails_where_it_arrives_keeps_it_from_serving(staging: Copies, prod: World):
    prod.rows("UPDATE {db}.RAW.EVENTS SET X = -5 WHERE ID = 3")
    with pytest.raises(GateRefused, match=r"GOOD is not promoted into lab_prod: the data of project tiny .* X must be"):
        promote(staging, prod)
    prod.rows("DELETE FROM {db}.RAW.EVENTS")
    with pytest.raises(GateRefused, match="there is no row to score: none of TINY_LAB_PROD"):
        promote(staging, prod)
    assert champion(prod.workspace) is None
    assert ledger.entries(prod.workspace) == []


def test_another_version_of_the_same_name_is_not_taken_for_it(staging: Copies, prod: World, tmp_path: Path):
    files = download(staging.workspace, "GOOD", tmp_path)
    stage = '@"TINY_LAB_PROD"."MODELS"."CODE"/other/'
    for name, file in files.items():
        upload(prod.session, f"{stage}{name}", file.read_bytes() + b"\n" * (name == "MANIFEST.yml"))
    prod.rows(f"CREATE MODEL {{db}}.MODELS.TINY WITH VERSION GOOD FROM {stage}")
    with pytest.raises(DeliveryError, match=r"version GOOD of .* has other files"):
        promote(staging, prod)


@pytest.mark.slow
def test_an_approval_is_asked_for_where_it_is_declared(staging: Copies, prod: World):
    approval = prod.project.approval.model_copy(update={"targets": ("lab_prod",)})
    prod.project = prod.project.model_copy(update={"approval": approval})
    verdict = deliver(staging.workspace, prod.workspace)
    with pytest.raises(ApprovalRefused, match="GOOD"):
        set_champion(prod.workspace, verdict)
    set_champion(prod.workspace, Verdict.from_dict(verdict.to_dict()), Approval("GOOD", "ada", "seen"))
    (entry,) = ledger.entries(prod.workspace)
    assert (entry.approved_by, entry.from_target) == ("ada", "lab_staging")


def test_files_that_are_not_those_registered_in_the_source_are_not_copied(staging: Copies, prod: World):
    register_files(staging.workspace, "GOOD", "0" * 64)
    try:
        with pytest.raises(DeliveryError, match="GOOD is not copied from lab_staging: the files of GOOD are not those"):
            deliver(staging.workspace, prod.workspace)
    finally:
        staging.rows("DELETE FROM {db}.OPS.MODEL_FILES")
    assert versions(prod.workspace) == []


def killed() -> None:
    raise KilledError


@pytest.mark.slow
def test_a_promotion_that_is_killed_anywhere_is_completed_by_the_same_call(staging: Copies, prod: World):
    tables = [
        f'INSERT INTO "TINY_LAB_PROD"."OPS"."{name}"' for name in ("MODEL_FILES", "TRAINING_SETS", "VERDICTS", "LEDGER")
    ]
    for before in ("CREATE MODEL", "SET COMMENT", *tables, "SET DEFAULT_VERSION", "SET ALIAS"):
        session: Any = Interrupted(prod.session, before, killed)
        with pytest.raises(KilledError):
            promote_from(staging.workspace, Workspace(session, prod.project, prod.target))
    done = promote(staging, prod)
    assert (done.version_name, done.kept) == ("GOOD", False)
    assert [(entry.from_version, entry.to_version) for entry in ledger.entries(prod.workspace)] == [(None, "GOOD")]
    assert prod.value("SELECT COUNT(*) FROM {db}.OPS.TRAINING_SETS") == 1
