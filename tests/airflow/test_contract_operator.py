"""The contract under Airflow: its own SQL check operator looks at every source, and what fails is told in words."""

from __future__ import annotations

import re

import pytest
from airflow.providers.snowflake.hooks.snowflake import SnowflakeHook
from airflow.sdk.exceptions import AirflowFailException

from snowloop.airflow.operators.contract import ContractOperator
from snowloop.lifecycle.data.validate import ContractReport

REPORT = ContractReport((), rows=100, failing=0)
CHECK = re.compile(r"SELECT '(\w+)' AS check_name")


@pytest.fixture
def asked(monkeypatch):
    """The queries of the check operator; each check passes but those whose name is in ``asked.bad``."""

    class Asked(list):
        def __init__(self):
            super().__init__()
            self.bad = set()

    asked = Asked()
    monkeypatch.setenv("AIRFLOW_CONN_SNOWFLAKE_DEFAULT", '{"conn_type": "snowflake", "extra": {"account": "local"}}')

    def get_records(_hook, sql, *_arguments, **_named):
        asked.append(sql)
        return [(name, 0 if name in asked.bad else 1) for name in CHECK.findall(sql)]

    monkeypatch.setattr(SnowflakeHook, "get_records", get_records)
    monkeypatch.setattr("snowloop.lifecycle.data.validate.check_contract", lambda *_given: REPORT)
    return asked


def operator(project):
    return ContractOperator(task_id="contract", project=project, target="dev")


def test_every_source_is_checked_and_the_report_is_recorded(session, context, asked):
    assert operator("credit_approval").execute(context) == REPORT.to_dict()
    assert all("check_table" in sql for sql in asked)
    tables = {table for sql in asked for table in re.findall(r"FROM (\S+)", sql) if "RAW" in table}
    assert {table.replace('"', "") for table in tables} == {
        "CREDIT_APPROVAL_DEV.RAW.APPLICATION_RECORD",
        "CREDIT_APPROVAL_DEV.RAW.CREDIT_RECORD",
    }
    assert session.closed == 1


def test_what_fails_is_told_in_words_and_not_retried(session, context, asked):
    asked.bad = {"amt_income_total_min"}
    with pytest.raises(AirflowFailException, match="AMT_INCOME_TOTAL must be at least 0"):
        operator("credit_approval").execute(context)
    assert "application_record" in context["ti"].pushed["reason"]


def test_an_empty_table_fails(session, context, asked):
    asked.bad = {"row_count"}
    with pytest.raises(AirflowFailException, match="application_record has rows"):
        operator("credit_approval").execute(context)
