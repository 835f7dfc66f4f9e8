"""Everyday statements give the answers of Snowflake's documentation, or are listed as deviating or refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from tests.unit.answers.checks import AnswerCheck, read_checks, types, written
from tests.unit.in_process import Runner

from local_snowflake.account import Account
from local_snowflake.errors import SnowflakeError

CHECKS = read_checks()


@pytest.fixture(scope="module")
def run(account: Account) -> Iterator[Runner]:
    runner = Runner(account, account.sessions.open("TEST", "D"))
    runner("CREATE OR REPLACE SCHEMA ANSWERS")
    yield runner
    runner("DROP SCHEMA ANSWERS")
    account.sessions.close(runner.token)


@pytest.fixture(scope="module")
def prepared(run: Runner) -> set[tuple[str, str, str]]:
    """The setup statements that have run: file, page and text."""
    return set()


def answer(run: Runner, check: AnswerCheck) -> str:
    """What the statement gives here, as the files write it."""
    try:
        result = run.result(check.sql)
    except SnowflakeError as error:
        return f"ERROR {error.code} {error.message}"
    return f"{written(result)} :: {types(result)}" if check.types else written(result)


def agrees(check: AnswerCheck, found: str) -> bool:
    """Whether an answer is the expected one; of an error the code and the named part of its message."""
    if not check.expected.startswith("ERROR"):
        return found == (f"{check.expected} :: {check.types}" if check.types else check.expected)
    _, code, part = f"{check.expected}  ".split(" ", 2)
    return found.startswith(f"ERROR {code}".rstrip()) and part.strip() in found


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.area}:{check.line}")
def test_answer(run: Runner, prepared: set[tuple[str, str, str]], check: AnswerCheck) -> None:
    for statement in check.setup:
        if (key := (check.area, check.page, statement)) not in prepared:
            run(statement)
            prepared.add(key)
    found = answer(run, check)
    if check.status == "right":
        assert agrees(check, found), f"{check.sql}\n  expected {check.expected} {check.types}\n  found    {found}"
    else:
        assert not agrees(check, found), f"{check.sql} is right now: take its note away"
        assert found.startswith("ERROR") == (check.status == "refused"), f"not {check.status}: {found}"


def test_each_check_is_there_once() -> None:
    twice = [key for key, count in Counter((c.page, c.sql) for c in CHECKS).items() if count > 1]
    assert not twice
