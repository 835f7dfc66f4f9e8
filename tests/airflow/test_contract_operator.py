"""The contract under Airflow: its own SQL check operators look at every source, and what fails is told in words."""

from __future__ import annotations

import re

import pytest
from airflow.providers.snowflake.hooks.snowflake import SnowflakeHook
from airflow.sdk.exceptions import AirflowFailException

from snowloop.airflow.operators.contract import ContractOperator
from snowloop.lifecycle.validate import ContractReport

REPORT = ContractReport((), rows=100, failing=0)
CHECK = re.compile(r"SELECT '(\w+)' AS (?:check_name|col_name), (?:'(\w+)' AS check_type)?")


@pytest.fixture
def asked(monkeypatch):
    """The queries of the check operators; each check passes but those whose name is in ``asked.bad``."""

    class Asked(list):
        def __init__(self):
            super().__init__()
            self.bad = set()

    asked = Asked()
    monkeypatch.setenv("AIRFLOW_CONN_SNOWFLAKE_DEFAULT", '{"conn_type": "snowflake", "extra": {"account": "local"}}')

    def get_records(_hook, sql, *_arguments, **_named):
        asked.append(sql)
        rows = []
        for name, kind in CHECK.findall(sql):
            bad = name in asked.bad
            passing = {"min": 1e9, "max": -1e9}.get(kind, 0)
            rows.append((name, kind, -passing or 1 if bad else passing) if kind else (name, 0 if bad else 1))
        return rows

    monkeypatch.setattr(SnowflakeHook, "get_records", get_records)
    monkeypatch.setattr("snowloop.lifecycle.validate.check_contract", lambda *_given: REPORT)
    return asked


def operator(project):
    return ContractOperator(task_id="contract", project=project, target="dev")


def test_every_source_is_checked_and_the_report_is_recorded(session, context, asked):
    assert operator("credit_approval").execute(context) == REPORT.to_dict()
    tables = {table for sql in asked for table in re.findall(r"FROM (\S+)", sql) if "RAW" in table}
    assert {table.replace('"', "") for table in tables} == {
        "CREDIT_APPROVAL_DEV.RAW.APPLICATION_RECORD",
        "CREDIT_APPROVAL_DEV.RAW.CREDIT_RECORD",
    }
    assert session.closed == 1


def test_both_kinds_of_airflows_check_operators_are_used(session, context, asked):
    operator("bank_marketing").execute(context)
    assert sum("check_columns" in sql for sql in asked) == 1
    assert sum("check_table" in sql for sql in asked) == 1


def test_what_fails_is_told_in_words_and_not_retried(session, context, asked):
    asked.bad = {"amt_income_total_min"}
    with pytest.raises(AirflowFailException, match="AMT_INCOME_TOTAL must be at least 0"):
        operator("credit_approval").execute(context)
    assert "application_record" in context["ti"].pushed["reason"]


def test_an_empty_table_fails(session, context, asked):
    asked.bad = {"row_count"}
    with pytest.raises(AirflowFailException, match="application_record has rows"):
        operator("credit_approval").execute(context)
