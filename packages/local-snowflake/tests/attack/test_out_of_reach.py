"""DuckDB's own functions, settings and catalog: no statement of a client reaches them."""

from __future__ import annotations

import re

import pytest
from tests.unit.in_process import Runner, code

from local_snowflake.functions.names import SNOWFLAKES

UNKNOWN, UNKNOWN_TABLE_FUNCTION, UNSUPPORTED, SYNTAX, MISSING = 2140, 2142, 2, 1003, 2003
LIST = "SELECT DISTINCT lower(function_name) FROM duckdb_functions()"
# what would tell about the server, stop it, or run other text
HARMFUL = {
    *("getenv", "current_setting", "query", "query_table", "enable_logging", "checkpoint", "force_checkpoint"),
    *(
        "read_csv",
        "read_text",
        "read_blob",
        "read_parquet",
        "glob",
        "duckdb_settings",
        "duckdb_tables",
        "pragma_version",
    ),
    *(
        "pragma_database_size",
        "getvariable",
        "current_schemas",
        "arrow_scan",
        "write_log",
        "sql_auto_complete",
        "pg_sleep",
    ),
}


def foreign(run: Runner) -> list[str]:
    """The names of DuckDB's functions, the server's own macros among them, which are no function of Snowflake's."""
    names = {name for (name,) in run.duck(LIST) if re.fullmatch(r"[a-z_]\w*", name)} | HARMFUL
    return sorted(name for name in names if name.upper() not in SNOWFLAKES)


def test_every_function_of_duckdb_is_unknown(run: Runner) -> None:
    names = foreign(run)
    # the parser knows some of them as words of expressions: they are refused by it
    words = {"if", "map", "struct", "unnest", "exists", "any", "some"}
    reached = [n for n in names if code(run, f"SELECT {n}()") not in {UNKNOWN, SYNTAX} and n not in words]
    assert not reached
    # the list that is tried is DuckDB's
    assert len(names) > 700
    assert set(names) >= HARMFUL


@pytest.mark.parametrize("name", sorted(HARMFUL))
def test_what_would_harm_is_unknown_wherever_it_stands(run: Runner, name: str) -> None:
    run("CREATE OR REPLACE FUNCTION F() RETURNS VARCHAR AS '" + name + "(''threads'')'")
    run("CREATE OR REPLACE FUNCTION FT() RETURNS TABLE (A VARCHAR) AS 'SELECT * FROM " + name + "(''threads'')'")
    run(
        "CREATE OR REPLACE PROCEDURE P() RETURNS VARCHAR LANGUAGE SQL AS $$ BEGIN RETURN (SELECT "
        + name
        + "('a')); END $$"
    )
    call = f"{name}('threads')"
    for sql in (
        f"SELECT {call}",
        f'SELECT "{name}"(1)',
        f"SELECT main.{call}, system.main.{call}",
        f"SELECT * FROM {call}",
        f"SELECT * FROM main.{call}",
        f"SELECT * FROM T, LATERAL {call}",
        f"WITH C AS (SELECT * FROM {call}) SELECT * FROM C",
        f"SELECT * FROM T WHERE S = {call}",
        f"SELECT ROW_NUMBER() OVER (ORDER BY {call}) FROM T",
        f"SELECT [{call}], {{'a': {call}}}",
        f"INSERT INTO T VALUES (3, {call})",
        f"UPDATE T SET S = {call}",
        f"DELETE FROM T WHERE S = {call}",
        f"MERGE INTO T USING (SELECT 1 AS ID) U ON T.ID = U.ID WHEN MATCHED THEN UPDATE SET S = {call}",
        f"CREATE OR REPLACE VIEW V AS SELECT {call} AS C",
        f"CREATE OR REPLACE TABLE T2 AS SELECT {call} AS C",
        f"CREATE OR REPLACE TABLE T2 (A INT, B VARCHAR DEFAULT {call})",
        f"SET X = {call}",
        f"EXECUTE IMMEDIATE $$ SELECT {call} $$",
        f"BEGIN LET x := {call}; RETURN x; END",
        f"CALL {call}",
        "SELECT F()",
        "SELECT * FROM TABLE(FT())",
        "CALL P()",
    ):
        assert code(run, sql) == UNKNOWN, sql
    assert code(run, f"SELECT * FROM TABLE({call})") == UNKNOWN_TABLE_FUNCTION
    assert run("SELECT * FROM T ORDER BY ID") == [(1, "a"), (2, "b")]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("ATTACH 'x.db'", SYNTAX),
        ("DETACH x", UNSUPPORTED),
        ("COPY T TO '/tmp/x.csv'", UNSUPPORTED),
        ("INSTALL httpfs", UNSUPPORTED),
        ("LOAD httpfs", UNSUPPORTED),
        ("PRAGMA threads=1", UNSUPPORTED),
        ("PRAGMA database_list", UNSUPPORTED),
        ("EXPORT DATABASE '/tmp/x'", SYNTAX),
        ("IMPORT DATABASE '/tmp/x'", SYNTAX),
        ("CHECKPOINT", UNSUPPORTED),
        ("VACUUM", UNSUPPORTED),
        ("SELECT * FROM '/etc/passwd'", MISSING),
        ("SELECT * FROM duckdb_tables", MISSING),
        ("SELECT * FROM pg_catalog.pg_tables", MISSING),
        ('SELECT * FROM "$META".objects', MISSING),
        ('SELECT * FROM snowflake."$META".objects', MISSING),
        ("SELECT * FROM sqlite_master", MISSING),
    ],
)
def test_duckdbs_statements_and_catalog_are_out_of_reach(run: Runner, sql: str, expected: int) -> None:
    assert code(run, sql) == expected
    assert code(run, f"EXECUTE IMMEDIATE $$ {sql} $$") == expected


def test_set_sets_a_variable_of_the_session_and_no_setting(run: Runner) -> None:
    before = run.duck("SELECT current_setting('memory_limit')")
    run("SET memory_limit = '1KB'")
    assert run.duck("SELECT current_setting('memory_limit')") == before
    assert run("SELECT $memory_limit") == [("1KB",)]


def test_functions_of_snowflake_are_known_in_any_case_and_in_quotes(run: Runner) -> None:
    assert run('SELECT abs(-1), Abs(-2), "ABS"(-3)') == [(1, 2, 3)]
