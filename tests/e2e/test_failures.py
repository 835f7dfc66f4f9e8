"""A stage that fails ends the run with its name and the reason in words."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_missing_files_are_named(stack, tmp_path):
    ran = stack("run", "--project", "credit_approval", "--data", str(tmp_path))
    assert ran.code == 1
    assert "no file matches 'application_record" in ran.err
    assert "DATA=folder" in ran.err
    assert "Traceback" not in ran.out + ran.err


def test_an_unknown_project_fails_with_the_declared_ones(stack):
    ran = stack("run", "--project", "no_such_project")
    assert ran.code == 1
    assert "no_such_project" in ran.err
    assert "credit_approval" in ran.err


def test_a_data_directory_that_does_not_exist_fails_at_once(stack, tmp_path):
    ran = stack("run", "--data", str(tmp_path / "nowhere"))
    assert ran.code == 1
    assert "nowhere is not a directory" in ran.err


def test_the_real_credit_data_trains_nothing_because_held_out_rows_repeat_training_rows(stack, shared_data):
    ran = stack("run", "--project", "credit_approval", "--data", str(shared_data("credit_approval")))
    assert ran.code == 1
    assert "The run failed at training set:" in ran.out
    assert "the same cases are in both parts" in ran.out
    refused = stack.query("SELECT COUNT(*) FROM CREDIT_APPROVAL_DEV.OPS.LEAKAGE_CHECKS WHERE NOT PASSED")
    assert refused[0][0] > 0
    assert stack.query("SELECT COUNT(*) FROM CREDIT_APPROVAL_DEV.OPS.LEDGER") == [(0,)]
