"""A temporary view is its session's: https://docs.snowflake.com/en/sql-reference/sql/create-view."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.unit.in_process import Runner, code

from local_snowflake.account import Account


@pytest.fixture
def run(account: Account) -> Iterator[Runner]:
    runner = Runner(account, account.sessions.open("TEST", "D"))
    runner("CREATE OR REPLACE SCHEMA TEMPORARY_VIEWS")
    runner("CREATE TABLE T AS SELECT 1 AS A")
    yield runner
    runner("DROP SCHEMA IF EXISTS D.TEMPORARY_VIEWS")
    account.sessions.close(runner.token)


@pytest.fixture
def other(run: Runner) -> Iterator[Runner]:
    """Another session in the same schema."""
    runner = Runner(run.account, run.account.sessions.open("TEST", "D", "TEMPORARY_VIEWS"))
    yield runner
    run.account.sessions.close(runner.token)


@pytest.mark.parametrize("word", ["TEMPORARY", "TEMP", "LOCAL TEMPORARY", "SECURE TEMP"])
def test_no_other_session_sees_it(run: Runner, other: Runner, word: str) -> None:
    run(f"CREATE OR REPLACE {word} VIEW V AS SELECT A FROM T")
    assert run("SELECT * FROM V") == [(1,)]
    assert code(other, "SELECT * FROM V") == 2003
    assert code(other, "DROP VIEW V") == 2003
    for shown in ("SHOW VIEWS", "SHOW COLUMNS IN SCHEMA", "SELECT 1 FROM INFORMATION_SCHEMA.COLUMNS"):
        assert len(run(shown)) == len(other(shown)) + 1


def test_it_ends_with_its_session(run: Runner, other: Runner) -> None:
    other("CREATE TEMPORARY VIEW V AS SELECT A FROM T")
    run.account.sessions.close(other.token)
    assert code(run, "SELECT * FROM V") == 2003
    other.token = run.account.sessions.open("TEST", "D", "TEMPORARY_VIEWS")
    assert code(other, "SELECT * FROM V") == 2003


def test_it_hides_a_permanent_one(run: Runner, other: Runner) -> None:
    run("CREATE VIEW V AS SELECT 'permanent' AS A")
    run("CREATE TEMPORARY VIEW V AS SELECT 'temporary' AS A")
    assert (run("SELECT A FROM V"), other("SELECT A FROM V")) == ([("temporary",)], [("permanent",)])
    run("CREATE OR REPLACE TEMP VIEW V AS SELECT 'replaced' AS A")
    other("CREATE OR REPLACE VIEW V AS SELECT 'changed' AS A")
    assert (run("SELECT A FROM V"), other("SELECT A FROM V")) == ([("replaced",)], [("changed",)])
    run("DROP VIEW V")
    assert run("SELECT A FROM V") == [("changed",)]
    run("DROP VIEW V")
    assert code(other, "SELECT A FROM V") == 2003


def test_it_hides_a_table_that_was_read_before(run: Runner, other: Runner) -> None:
    assert [run("SELECT A FROM T"), run("SELECT A FROM T")] == [[(1,)], [(1,)]]
    run("CREATE TEMPORARY VIEW T AS SELECT 2 AS A")
    assert (run("SELECT A FROM T"), other("SELECT A FROM T")) == ([(2,)], [(1,)])
    assert code(run, "INSERT INTO T VALUES (3)") == 1003
    run("DROP VIEW T")
    assert run("SELECT A FROM T") == [(1,)]


def test_names_are_shared_with_temporary_tables(run: Runner) -> None:
    run("CREATE TEMPORARY VIEW V AS SELECT A FROM T")
    run("CREATE TEMPORARY TABLE TT (A INT)")
    assert code(run, "CREATE TEMP VIEW V AS SELECT 1 AS A") == 2002
    assert code(run, "CREATE TEMP TABLE V (A INT)") == 2002
    assert code(run, "CREATE OR REPLACE TEMP VIEW TT AS SELECT 1 AS A") == 2002
    run("CREATE TEMP VIEW IF NOT EXISTS V AS SELECT 'other' AS A")
    assert run("SELECT A FROM V") == [(1,)]


def test_a_permanent_view_that_reads_it_is_of_use_to_its_session_alone(run: Runner, other: Runner) -> None:
    run("CREATE TEMPORARY VIEW V AS SELECT A FROM T")
    run("CREATE VIEW OVER_V AS SELECT A FROM V")
    assert run("SELECT A FROM OVER_V") == [(1,)]
    assert code(other, "SELECT A FROM OVER_V") == 2003


def test_what_else_is_done_to_it_stays_in_its_session(run: Runner, other: Runner) -> None:
    run("CREATE TEMPORARY VIEW V (B) COMMENT = 'one' AS SELECT A FROM T")
    run("COMMENT ON VIEW V IS 'two'")
    run("ALTER VIEW V SET CHANGE_TRACKING = TRUE")
    assert [row[6] for row in run("SHOW VIEWS")] == ["two"]
    assert run("SELECT B FROM V") == [(1,)]
    assert run("SELECT GET_DDL('VIEW', 'V')")[0][0].startswith("CREATE TEMPORARY VIEW V (B)")
    assert code(other, "DESCRIBE VIEW V") == 2003
    assert code(run, "CREATE STREAM S ON VIEW V") == 2


def test_it_goes_with_its_schema(run: Runner) -> None:
    run("CREATE SCHEMA INNER_ONE")
    run("CREATE TEMPORARY VIEW INNER_ONE.V AS SELECT 1 AS A")
    run("DROP SCHEMA INNER_ONE")
    run("CREATE SCHEMA INNER_ONE")
    assert code(run, "SELECT * FROM INNER_ONE.V") == 2003
    run("DROP SCHEMA INNER_ONE")


def test_making_it_commits_the_transaction(run: Runner, other: Runner) -> None:
    run("BEGIN")
    run("INSERT INTO T VALUES (2)")
    run("CREATE TEMPORARY VIEW V AS SELECT A FROM T")
    run("ROLLBACK")
    assert other("SELECT COUNT(*) FROM T") == [(2,)]
