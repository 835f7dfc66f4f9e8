"""A stage that fails ends the run with its name and the reason in words."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_missing_files_are_named(stack, tmp_path):
    ran = stack("run", "--project", "credit_approval", "--data", str(tmp_path))
    assert ran.code == 1
    assert "The run failed at load:" in ran.out
    assert "application_record" in ran.out
    assert "Traceback" not in ran.out + ran.err


def test_an_unknown_project_fails_with_the_declared_ones(stack):
    ran = stack("run", "--project", "no_such_project")
    assert ran.code == 1
    assert "there is no DAG no_such_project__life_cycle" in ran.err
    assert "credit_approval" in ran.err


def test_a_data_directory_that_does_not_exist_fails_at_once(stack, tmp_path):
    ran = stack("run", "--data", str(tmp_path / "nowhere"))
    assert ran.code == 1
    assert "nowhere is not a directory" in ran.err


def test_the_gate_refuses_the_worthless_model_of_the_real_credit_data(stack, shared_data):
    ran = stack("run", "--project", "credit_approval", "--data", str(shared_data("credit_approval")))
    assert ran.code == 1
    assert "The run failed at gate:" in ran.out
    assert "roc_auc" in ran.out
    assert "promote" not in ran.out
    page = next(line for line in ran.out.splitlines() if line.startswith("page of the report")).split()[-1]
    assert "was refused" in Path(page).with_suffix(".md").read_text().splitlines()[0]
    refused = stack.query("SELECT COUNT(*) FROM CREDIT_APPROVAL_DEV.OPS.VERDICTS WHERE NOT PASSED")
    assert refused[0][0] > 0
    assert stack.query("SELECT COUNT(*) FROM CREDIT_APPROVAL_DEV.OPS.LEDGER") == [(0,)]
