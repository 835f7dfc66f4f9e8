"""Different names are different objects, inside DuckDB and on disk."""

from __future__ import annotations

import duckdb
import pytest
from tests.unit.in_process import Directory, Runner

from local_snowflake.account import Account
from local_snowflake.errors import SnowflakeError
from local_snowflake.sql import names
from local_snowflake.sql.names import quote

# each could be another one after an encoding that loses something
STRANGE = [
    *("A.B", "A%2EB", "A%B", "A%25B", "A/B", "A\\B", "A B", "A;B", "A'B", 'A"B', '"A"."B"', "A..B", ".", ".."),
    *("$META", "main", "temp", "é", "É", "A" * 255, "A" * 254),
]
KINDS = {
    "TABLE": "CREATE TABLE {0} AS SELECT {1} AS N",
    "VIEW": "CREATE VIEW {0} AS SELECT {1} AS N",
    "STREAM": "CREATE STREAM {0} ON TABLE D.PUBLIC.SOURCE COMMENT = '{1}'",
    "STAGE": "CREATE STAGE {0} COMMENT = '{1}'",
    "TASK": "CREATE TASK {0} COMMENT = '{1}' AS SELECT 1",
    "FUNCTION": "CREATE FUNCTION {0}() RETURNS INT AS '{1}'",
}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('"QA.QB"."QC"', 'QA."QB.QC"'),
        ('"QA%2EQB"."QC"', '"QA.QB"."QC"'),
        ('"QA%"."QC"', '"QA%25"."QC"'),
    ],
)
def test_schemas_are_apart(account: Account, one: str, other: str) -> None:
    run = Runner(account, account.sessions.open("TEST"))
    for schema in (one, other):
        run(f"CREATE OR REPLACE DATABASE {schema.rpartition(chr(46) + chr(34))[0]}")
        run(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        run(f"CREATE TABLE {schema}.T AS SELECT 'of ' || CURRENT_SCHEMA() AS S")
        run(f"CREATE TEMPORARY TABLE {schema}.TT AS SELECT 1 AS N")
    run(f"DROP SCHEMA {one}")
    assert run(f"SELECT COUNT(*) FROM {other}.T, {other}.TT") == [(1,)]
    with pytest.raises(SnowflakeError, match="does not exist"):
        run(f"SELECT * FROM {one}.T")


def test_objects_are_apart(directory: Directory) -> None:
    run = directory.open()
    run("CREATE TABLE SOURCE (A INT)")
    quoted = [quote(name) for name in STRANGE]
    for kind, create in KINDS.items():
        run(f"CREATE SCHEMA D.{kind}")
        for i, name in enumerate(quoted):
            run(create.format(name, i))
        for name in quoted[::2]:
            run(f"DROP {kind} {name}{'()' * (kind == 'FUNCTION')}")
    run = directory.open()
    for i, name in enumerate(quoted[1::2]):
        sql = f"SELECT (SELECT N FROM D.TABLE.{name}), (SELECT N FROM D.VIEW.{name}), D.FUNCTION.{name}()"
        assert run(sql) == [(2 * i + 1,) * 3]
    for kind in KINDS:
        run(f"USE SCHEMA D.{kind}")
        for i, name in enumerate(quoted):
            dropped = run(f"DROP {kind} IF EXISTS {name}{'()' * (kind == 'FUNCTION')}")[0][0]
            assert ("successfully dropped" in dropped) == (i % 2 == 1)


def test_strange_schemas_and_databases_are_apart(directory: Directory) -> None:
    run = directory.open()
    for i, name in enumerate(STRANGE):
        run(f"CREATE SCHEMA D.{quote(name)}")
        run(f"CREATE TABLE T AS SELECT {i} AS N")
    for i, name in enumerate(STRANGE[:8]):
        run(f"CREATE DATABASE {quote(name)}")
        run(f"CREATE TABLE T AS SELECT {100 + i} AS N")
    run = directory.open()
    for name in STRANGE[::2]:
        run(f"DROP SCHEMA D.{quote(name)}")
    for i, name in enumerate(STRANGE[1::2]):
        assert run(f"SELECT N FROM D.{quote(name)}.T") == [(2 * i + 1,)]
    for i, name in enumerate(STRANGE[:8]):
        assert run(f"SELECT N FROM {quote(name)}.PUBLIC.T") == [(100 + i,)]


@pytest.mark.parametrize("create", ['DATABASE "d"', 'SCHEMA D."public"', 'TABLE D.PUBLIC."kept" (A INT)'])
def test_names_that_differ_only_by_case_are_refused(directory: Directory, create: str) -> None:
    run = directory.open()
    run("CREATE TABLE KEPT AS SELECT 1 AS N")
    with pytest.raises(SnowflakeError, match="differs only by case from"):
        run(f"CREATE {create}")
    assert run("SELECT N FROM KEPT") == [(1,)]


def test_a_directory_whose_dotted_schemas_were_one_has_two(directory: Directory) -> None:
    columns = "(ID INT IDENTITY(5, 1), S VARCHAR NOT NULL DEFAULT 'x') CHANGE_TRACKING = TRUE"
    with pytest.MonkeyPatch.context() as patch:
        # as earlier versions named DuckDB's schemas
        patch.setattr(names, "joined", ".".join)
        run = directory.open()
        run('CREATE DATABASE "QA.QB"')
        run('CREATE SCHEMA "QA.QB".QC')
        run(f"CREATE TABLE ONE {columns}")
        run("CREATE DATABASE QA")
        run('CREATE SCHEMA QA."QB.QC"')
        run(f"CREATE TABLE OTHER {columns}")
        run('CREATE STREAM CHANGES ON TABLE "QA.QB".QC.ONE')
        run('INSERT INTO "QA.QB".QC.ONE (S) VALUES (1)')
        run("INSERT INTO OTHER (S) VALUES (2)")
        for i, database in enumerate(["A%B", "A%25B"]):
            run(f"CREATE DATABASE {quote(database)}")
            run(f"CREATE TABLE T AS SELECT {i} AS N")
    directory.close()
    with duckdb.connect(str(directory.file)) as duck:
        duck.execute('DROP TABLE "$META".format')
    run = directory.open()
    run('INSERT INTO "QA.QB".QC.ONE (S) VALUES (3)')
    assert run('SELECT ID, S FROM "QA.QB".QC.ONE ORDER BY ID') == [(5, "1"), (6, "3")]
    assert run('SELECT S FROM QA."QB.QC".CHANGES ORDER BY S') == [("1",), ("3",)]
    assert run('SELECT (SELECT N FROM "A%B".PUBLIC.T), (SELECT N FROM "A%25B".PUBLIC.T)') == [(0, 1)]
    run('DROP DATABASE "QA.QB"')
    run = directory.open()
    assert run('SELECT ID, S FROM QA."QB.QC".OTHER') == [(5, "2")]
