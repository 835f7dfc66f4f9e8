"""What was compiled before is used again where that is safe, and only there. An account without a server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.in_process import Runner

from local_snowflake.account import Account
from local_snowflake.errors import SnowflakeError
from local_snowflake.sql import dialect
from local_snowflake.sql.statement import tokenize


@pytest.fixture
def run(account: Account, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    runner = Runner(account, account.sessions.open("TEST", "D"))
    to_duckdb = dialect.to_duckdb

    def counting(tree: Any) -> str:
        runner.translated += 1
        runner.compiled = to_duckdb(tree)
        return runner.compiled

    for module in ("queries", "dml"):
        monkeypatch.setattr(f"local_snowflake.sql.{module}.to_duckdb", counting)
    schema = request.node.name.split("[")[0]
    runner(f"CREATE OR REPLACE SCHEMA {schema}")
    runner("CREATE TABLE T (A INT, B VARCHAR)")
    runner("INSERT INTO T SELECT 1, 'x'")
    runner.translated = 0
    yield runner
    account.sessions.close(runner.token)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT A, B FROM T",
        "WITH Q AS (SELECT A + 1 AS N FROM T) SELECT COUNT(*), SUM(N) FROM q",
        "UPDATE T SET B = 'x' WHERE A = 1",
        "DELETE FROM T WHERE A = 2",
        "INSERT INTO T SELECT A, B FROM T WHERE A = 3",
    ],
)
def test_a_statement_over_tables_is_translated_once(run: Runner, sql: str) -> None:
    first = run(sql)
    translated = run.translated
    assert run(sql) == first
    assert run.translated == translated > 0


@pytest.mark.parametrize(
    ("sql", "values", "times"),
    [
        ("SELECT A + 1, COUNT(*) FROM T GROUP BY A", {}, 1),
        ("SELECT '!', A != 1, '->>', $$IDENTIFIER('x')$$ FROM T", {}, 1),
        ("INSERT INTO T VALUES (10, 'x')", {}, 1),
        # the text with its values is another one
        ("SELECT A FROM T WHERE A = ?", {"_1": ("FIXED", "1")}, 2),
        ("SELECT A FROM IDENTIFIER('T')", {}, 2),
    ],
)
def test_a_text_is_tokenized_once(
    run: Runner, monkeypatch: pytest.MonkeyPatch, sql: str, values: dict[str, Any], times: int
) -> None:
    texts: list[str] = []

    def counting(text: str) -> Any:
        texts.append(text)
        return tokenize(text)

    monkeypatch.setattr("local_snowflake.sql.statement.tokenize", counting)
    run(sql, **values)
    assert len(texts) == times
    run(sql, **values)
    assert len(texts) == times


def test_data_is_never_kept(run: Runner) -> None:
    assert run("SELECT COUNT(*) FROM T") == [(1,)]
    run("INSERT INTO T SELECT 2, 'y'")
    assert run("SELECT COUNT(*) FROM T") == [(2,)]


def test_a_changed_table_is_compiled_again(run: Runner) -> None:
    assert run("SELECT * FROM T") == [(1, "x")]
    run("ALTER TABLE T ADD COLUMN C INT")
    assert run("SELECT * FROM T") == [(1, "x", None)]
    run("ALTER TABLE T RENAME TO U")
    with pytest.raises(SnowflakeError, match="does not exist"):
        run("SELECT * FROM T")
    run("CREATE VIEW T AS SELECT 'view' AS V")
    assert run("SELECT * FROM T") == [("view",)]


def test_names_are_resolved_where_the_session_is(run: Runner) -> None:
    assert run("SELECT * FROM T") == [(1, "x")]
    run("CREATE OR REPLACE SCHEMA ELSEWHERE")
    run("CREATE TABLE T AS SELECT 'elsewhere' AS V")
    assert run("SELECT * FROM T") == [("elsewhere",)]


def test_a_temporary_table_hides_another(run: Runner) -> None:
    assert run("SELECT * FROM T") == [(1, "x")]
    run("CREATE TEMPORARY TABLE T AS SELECT 'temporary' AS V")
    assert run("SELECT * FROM T") == [("temporary",)]
    run("DROP TABLE T")
    assert run("SELECT * FROM T") == [(1, "x")]


def test_tracking_that_is_switched_on_is_kept_to(run: Runner) -> None:
    run("INSERT INTO T SELECT 5, 'before'")
    run("CREATE STREAM S ON TABLE T")
    run("INSERT INTO T SELECT 5, 'before'")
    run("UPDATE T SET B = 'z' WHERE A = 1")
    assert sorted(run("SELECT A, B, METADATA$ACTION FROM S")) == [
        (1, "x", "DELETE"),
        (1, "z", "INSERT"),
        (5, "before", "INSERT"),
    ]
    run("INSERT INTO T SELECT A, B FROM S WHERE FALSE")
    assert run("SELECT A FROM S") == []


def test_variables_and_functions_of_the_session_are_read_each_time(run: Runner) -> None:
    run("SET X = 1")
    assert run("SELECT $X, A FROM T") == [(1, 1)]
    run("SET X = 2")
    assert run("SELECT $X, A FROM T") == [(2, 1)]
    schema = run("SELECT CURRENT_SCHEMA()")
    run("CREATE OR REPLACE SCHEMA OTHER")
    assert run("SELECT CURRENT_SCHEMA()") == [("OTHER",)] != schema


def test_the_time_and_the_query_are_those_of_the_statement(run: Runner) -> None:
    for sql in ("SELECT CURRENT_TIMESTAMP()", "SELECT SYSDATE()", "SELECT LAST_QUERY_ID()", "SELECT UUID_STRING()"):
        assert run(sql) != run(sql)


def test_each_result_is_scanned(run: Runner) -> None:
    run("SELECT 1")
    assert run("SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))") == [(1,)]
    run("SELECT 2")
    assert run("SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))") == [(2,)]


def test_a_view_is_expanded_as_it_is_now(run: Runner) -> None:
    run("CREATE VIEW V AS SELECT 1 AS N")
    assert run("SELECT * FROM V") == [(1,)]
    run("CREATE OR REPLACE VIEW V AS SELECT CURRENT_TIMESTAMP() AS N")
    assert run("SELECT * FROM V") != run("SELECT * FROM V")


def test_a_function_that_is_replaced_is_called(run: Runner) -> None:
    run("CREATE FUNCTION F(X INT) RETURNS INT AS 'X + 1'")
    assert run("SELECT F(A) FROM T") == [(2,)]
    run("CREATE OR REPLACE FUNCTION F(X INT) RETURNS INT AS 'X + 10'")
    assert run("SELECT F(A) FROM T") == [(11,)]


def test_a_transaction_that_runs_again_knows_what_its_writes_read(run: Runner) -> None:
    run("CREATE TABLE SOURCE AS SELECT 1 AS N")
    other = Runner(run.account, run.account.sessions.open("OTHER", "D", run.token.session.schema))
    for _ in range(2):
        run("BEGIN")
        run("INSERT INTO T SELECT N, 'copied' FROM SOURCE")
        other("INSERT INTO SOURCE SELECT 2")
        with pytest.raises(SnowflakeError, match="SOURCE, which it reads, was changed by another session"):
            run("INSERT INTO T SELECT 'no number', ''")
    run.account.sessions.close(other.token)


def test_a_prepared_insert_is_translated_once(run: Runner) -> None:
    sql = "INSERT INTO T (A, B) VALUES (?, ?)"
    run(sql, _1=("FIXED", "2"), _2=("TEXT", "it's \\ $BIND_2$"))
    translated = run.translated
    run(sql, _1=("FIXED", "-3"), _2=("TEXT", "x\n"))
    assert run.translated == translated > 0
    run(sql, _1=("FIXED", None), _2=("TEXT", None))
    assert sorted(run("SELECT * FROM T WHERE A IS NULL OR A <> 1"), key=str) == [
        (-3, "x\n"),
        (2, "it's \\ $BIND_2$"),
        (None, None),
    ]


def test_a_prepared_insert_follows_its_table(run: Runner) -> None:
    sql = "INSERT INTO T VALUES (?, ?)"
    run(sql, _1=("FIXED", "2"), _2=("REAL", "1.5"))
    run("CREATE OR REPLACE TABLE T (A FLOAT, B FLOAT)")
    run(sql, _1=("FIXED", "2"), _2=("REAL", "1.5"))
    assert run("SELECT * FROM T") == [(2.0, 1.5)]


def test_what_is_no_query_is_named_by_its_words(run: Runner) -> None:
    with pytest.raises(SnowflakeError, match="Unsupported feature 'VACUUM T'"):
        run("VACUUM T")


def test_what_is_cast_twice_over_is_named_once_in_what_duckdb_binds(run: Runner):
    """A macro repeats its argument wherever it names it: macros of macros took seconds to bind."""
    sql = "SELECT LPAD((A::FLOAT / 3 * 1e12)::NUMBER(38,0)::VARCHAR, 13, '0') AS X FROM T"
    assert run(sql) == [("0333333333333",)]
    assert "rounded_half_up" not in run.compiled.lower()
    assert "text_of" not in run.compiled.lower()
