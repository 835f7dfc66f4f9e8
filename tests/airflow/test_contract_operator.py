"""The contract under Airflow: the lifecycle's report is the stage's result, and a violation fails it with its words."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowFailException

from snowloop.airflow.operators.stages import ContractOperator
from snowloop.errors import ContractViolation
from snowloop.lifecycle.data import validate
from snowloop.lifecycle.data.validate import ContractReport


@pytest.fixture
def operator():
    return ContractOperator(task_id="contract", project="credit_approval", target="staging")


def test_the_report_and_its_figures_are_given(session, context, operator, monkeypatch):
    checked = []

    def check_contract(workspace):
        checked.append((workspace.session, workspace.database))
        return ContractReport((), rows=100, failing=3)

    monkeypatch.setattr(validate, "check_contract", check_contract)
    assert operator.execute(context) == {"checks": [], "rows": 100, "failing": 3}
    assert context["ti"].pushed["summary"] == {"rows": 100, "failing": 3, "checks": 0, "passed": 0}
    assert checked == [(session, "CREDIT_APPROVAL_STAGING")]
    assert session.closed == 1


def test_a_violation_fails_with_its_words_and_is_not_retried(session, context, operator, monkeypatch):
    message = "application_record: AMT_INCOME_TOTAL must be at least 0: 7 of 100 rows do not"

    def check_contract(_workspace):
        raise ContractViolation(message)

    monkeypatch.setattr(validate, "check_contract", check_contract)
    with pytest.raises(AirflowFailException, match="AMT_INCOME_TOTAL must be at least 0"):
        operator.execute(context)
    assert context["ti"].pushed == {"reason": message}
    assert session.closed == 1
