"""How checks are counted for people, and the statement that records them."""

import json
import math
from types import SimpleNamespace
from typing import Any

from snowflake.snowpark import Session

from snowloop.checks import CONTRACT_CHECKS, VERDICTS, Check, counted, listed, record
from snowloop.lifecycle.data.environment import create_environment
from snowloop.project import load_project
from snowloop.workspace import Workspace

PASSED = Check.of("SUPPORT", passed=True, reason="30 rows", value=30, bound=20, subject="credit")
FAILED = Check.of("BOUND", passed=False, reason="too low", value=0.6, bound=0.65, baseline=0.5)
NOT_ASKED = Check("SLICES", "not_asked", "no slice declares a bound")


class Recorder:
    """A session that keeps statements and the values bound to them."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, list[Any]]] = []

    def sql(self, text: str, params: list[Any] | None = None) -> SimpleNamespace:
        self.sent.append((text, params or []))
        return SimpleNamespace(collect=list)


def recorded(*args: Any, **common: Any) -> list[tuple[str, list[Any]]]:
    session = Recorder()
    record(Workspace(session, load_project("credit_approval"), "dev"), *args, **common)  # type: ignore[arg-type]
    return session.sent


def test_a_check_that_was_not_asked_neither_passed_nor_failed():
    assert not NOT_ASKED.passed
    assert not NOT_ASKED.failed
    assert (PASSED.passed, PASSED.failed, FAILED.passed, FAILED.failed) == (True, False, False, True)


def test_checks_are_counted_by_their_outcome():
    assert counted([PASSED, FAILED]) == "1 of 2 passed"
    assert counted([PASSED, PASSED], " checks") == "2 of 2 checks passed"
    assert counted([PASSED, PASSED, NOT_ASKED], " checks") == "2 checks passed, 1 not asked"
    assert counted([PASSED, FAILED, NOT_ASKED]) == "1 passed, 1 failed, 1 not asked"


def test_every_value_of_a_recorded_check_is_bound():
    ((text, params),) = recorded(CONTRACT_CHECKS, [PASSED, NOT_ASKED], check_run="run '1'")
    assert "CHECK_RUN, CHECK_NAME, SOURCE, VALUE, BOUND, PASSED, REASON, CHECKED_AT" in " ".join(text.split())
    assert params[0] == "run '1'"
    assert [list(row.values()) for row in json.loads(params[1])] == [
        ["SUPPORT", "credit", "30.0", "20.0", None, True, "30 rows"],
        ["SLICES", None, None, None, None, None, NOT_ASKED.reason],
    ]
    assert text.count("?") == len(params) == 2


def test_checks_of_a_verdict_have_their_baseline_and_are_recorded_once():
    ((text, params),) = recorded(VERDICTS, [FAILED], verdict_id="v1d")
    (row,) = json.loads(params[1])
    assert list(row.values()) == ["BOUND", None, "0.6", "0.65", "0.5", False, "too low"]
    assert (params[0], params[2]) == ("v1d", "v1d")
    assert "WHERE NOT EXISTS" in text
    assert text.count("?") == len(params)


def test_the_statement_does_not_grow_with_the_checks():
    (few,), (many,) = (recorded(CONTRACT_CHECKS, [PASSED] * count, check_run="1") for count in (1, 1000))
    assert few[0] == many[0]


def test_a_check_is_read_back_as_it_was(session: Session):
    given = Workspace(session, load_project("credit_approval"), "checks")
    create_environment(given)
    reason = """a \\ "quoted" 'text' of {"two": [lines]}\nand \N{SNOWMAN}"""
    numbers = (0.1 + 0.2, 5e-324, -1.7976931348623157e308, math.inf, -math.inf, math.nan, None)
    checks = [Check.of("ODD", passed=True, reason=reason, value=each, bound=each, baseline=each) for each in numbers]
    for _ in range(2):  # recorded once
        record(given, VERDICTS, checks, verdict_id="v' \\ 1")
    columns = "VALUE, BOUND, BASELINE, PASSED, REASON"
    rows = session.sql(f"SELECT {columns} FROM {given.database}.OPS.VERDICTS").collect()
    expected = [(repr(each),) * 3 + (True, reason) for each in numbers]
    assert sorted((*map(repr, row[:3]), *row[3:]) for row in rows) == sorted(expected)


def test_nothing_is_recorded_of_no_check():
    assert recorded(CONTRACT_CHECKS, [], check_run="1") == []


def test_checks_are_listed_with_their_outcomes():
    assert listed([PASSED, NOT_ASKED]).splitlines() == [
        f"ok        SUPPORT: {PASSED.reason}", f"not asked SLICES: {NOT_ASKED.reason}",
    ]  # fmt: skip
    assert listed([FAILED], failed="FAULT") == f"FAULT     {FAILED.name}: {FAILED.reason}"
