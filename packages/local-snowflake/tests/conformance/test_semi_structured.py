"""Semi-structured values, generated rows, INFORMATION_SCHEMA and clones: the numbered semantics Q15 - Q24."""

from __future__ import annotations

import json
from typing import Any

import pytest
from snowflake.connector.errors import DatabaseError, IntegrityError
from snowflake.snowpark import Session
from tests.conformance.account import Account

DATABASE = "C_SEMI_STRUCTURED"


def test_q15_mixed_arrays(account: Account) -> None:
    """An array holds values of any types; the array functions take constructed arrays and columns alike."""
    assert account.json("ARRAY_CONSTRUCT(1, 'b', NULL, TRUE, [2, 'c'])") == [1, "b", None, True, [2, "c"]]
    account("CREATE OR REPLACE TABLE A (V ARRAY)")
    account("INSERT INTO A SELECT [1, 'b', 3]")
    found = account("SELECT ARRAY_SIZE(V), ARRAY_CONTAINS('b'::VARIANT, V), ARRAY_POSITION(3::VARIANT, V), V[1] FROM A")
    assert found == [(3, True, 2, '"b"')]
    for call, value in {
        "ARRAY_APPEND(V, 'x')": [1, "b", 3, "x"],
        "ARRAY_PREPEND(V, 0)": [0, 1, "b", 3],
        "ARRAY_CAT(V, ['y'])": [1, "b", 3, "y"],
        "ARRAY_SLICE(V, 1, 3)": ["b", 3],
        "ARRAY_DISTINCT(ARRAY_CAT(V, V))": [1, "b", 3],
        "ARRAY_FLATTEN([[1], ['z']])": [1, "z"],
    }.items():
        assert sorted(json.loads(account(f"SELECT {call} FROM A")[0][0]), key=str) == sorted(value, key=str), call
    assert account("SELECT ARRAY_TO_STRING(V, '-') FROM A") == [("1-b-3",)]


def test_q16_text_of_variants(account: Account) -> None:
    """In results VARIANT, OBJECT and ARRAY are indented JSON, keys in order; cast to VARCHAR they are compact."""
    account("CREATE OR REPLACE TABLE V (V VARIANT)")
    account("""INSERT INTO V SELECT PARSE_JSON('{"b": [1, {"ä": null}], "a": "x", "e": []}')""")
    shown = '{\n  "a": "x",\n  "b": [\n    1,\n    {\n      "ä": null\n    }\n  ],\n  "e": []\n}'
    assert account("SELECT V, V:a, V:b[0] FROM V") == [(shown, '"x"', "1")]
    assert account("SELECT PARSE_JSON('{\"a\": [1, 2]}')::VARCHAR") == [('{"a":[1,2]}',)]
    assert account("SELECT '[1]'::VARIANT, 'text'::VARIANT, TYPEOF(1::VARIANT), TYPEOF(V:b) FROM V") == [
        ('"[1]"', '"text"', "INTEGER", "ARRAY")
    ]


def test_q17_generated_rows(account: Account, snowflake_connection: dict[str, Any]) -> None:
    """Rows of GENERATOR are numbered in the order of SEQ8; so Snowpark's session.range works."""
    numbered = "SELECT (ROW_NUMBER() OVER (ORDER BY SEQ8()) - 1) * 2 + 1 AS N FROM TABLE(GENERATOR(ROWCOUNT => 3))"
    assert sorted(account(numbered)) == [(1,), (3,), (5,)]
    session = Session.builder.configs(snowflake_connection).create()
    try:
        assert sorted(row[0] for row in session.range(10, 0, -3).collect()) == [1, 4, 7, 10]
    finally:
        session.close()


def test_q18_information_schema(account: Account) -> None:
    """INFORMATION_SCHEMA lists procedures, functions, stages and file formats of the database."""
    account("CREATE OR REPLACE STAGE ST COMMENT = 'files'")
    account("CREATE OR REPLACE FILE FORMAT FF TYPE = CSV SKIP_HEADER = 1")
    account("CREATE OR REPLACE FUNCTION FN(A INT) RETURNS INT AS 'A + 1'")
    account("CREATE OR REPLACE PROCEDURE PR() RETURNS VARCHAR LANGUAGE SQL AS 'BEGIN RETURN 1; END'")
    where = "FROM INFORMATION_SCHEMA."
    assert account(f"SELECT STAGE_NAME, STAGE_TYPE, COMMENT {where}STAGES") == [("ST", "Internal Named", "files")]
    formats = f"SELECT FILE_FORMAT_NAME, FILE_FORMAT_TYPE, SKIP_HEADER::INT {where}FILE_FORMATS"
    assert account(formats) == [("FF", "CSV", 1)]
    functions = f"SELECT FUNCTION_NAME, ARGUMENT_SIGNATURE, DATA_TYPE, FUNCTION_LANGUAGE {where}FUNCTIONS"
    assert account(functions) == [("FN", "(A NUMBER)", "NUMBER", "SQL")]
    assert account(f"SELECT PROCEDURE_NAME, PROCEDURE_LANGUAGE, PROCEDURE_DEFINITION {where}PROCEDURES") == [
        ("PR", "SQL", "BEGIN RETURN 1; END")
    ]


def _fill(account: Account, table: str) -> None:
    account(f"CREATE OR REPLACE TABLE {table} (ID INT IDENTITY(5, 2), S VARCHAR NOT NULL DEFAULT 'new', N INT)")
    account(f"INSERT INTO {table} (N) VALUES (1), (2)")


def test_q19_clones_of_definitions(account: Account) -> None:
    """A clone has its source's defaults, NOT NULL and identities; a schema's clone has its tasks, suspended."""
    account("CREATE OR REPLACE SCHEMA HOME")
    _fill(account, "SRC")
    for kind in ("TABLE", "TEMPORARY TABLE"):
        account(f"CREATE {kind} {kind[:4]}_CLONE CLONE SRC")
        account(f"INSERT INTO {kind[:4]}_CLONE (N) VALUES (3)")
        assert account(f"SELECT ID, S FROM {kind[:4]}_CLONE WHERE N = 3") == [(9, "new")]
    with pytest.raises(IntegrityError, match="NULL result in a non-nullable column"):
        account("INSERT INTO TABL_CLONE (S) VALUES (NULL)")
    account("CREATE TASK ROOT_TASK SCHEDULE = '60 MINUTE' AS SELECT 1")
    account("CREATE TASK NEXT_TASK AFTER ROOT_TASK AS SELECT 2")
    account("SELECT SYSTEM$TASK_DEPENDENTS_ENABLE('ROOT_TASK')")
    account("CREATE OR REPLACE SCHEMA COPY_ CLONE HOME")
    shown = f'SHOW TASKS IN SCHEMA {DATABASE}.COPY_ ->> SELECT "name", "state", "predecessors" FROM $1 ORDER BY 1'
    assert [(n, s, json.loads(p)) for n, s, p in account(shown)] == [
        ("NEXT_TASK", "suspended", [f"{DATABASE}.COPY_.ROOT_TASK"]),
        ("ROOT_TASK", "suspended", []),
    ]
    account("SELECT SYSTEM$TASK_DEPENDENTS_ENABLE('COPY_.ROOT_TASK')")
    account("DROP SCHEMA HOME")
    account("DROP SCHEMA COPY_")
    account(f"USE SCHEMA {DATABASE}.PUBLIC")


def test_q20_tables_move(account: Account) -> None:
    """A table renamed into another schema keeps its defaults, NOT NULL, identities and its streams."""
    account("CREATE OR REPLACE SCHEMA AWAY")
    account(f"USE SCHEMA {DATABASE}.PUBLIC")
    _fill(account, "MOVED")
    account("CREATE OR REPLACE STREAM MOVES ON TABLE MOVED")
    account("INSERT INTO MOVED (N) VALUES (3)")
    account("ALTER TABLE MOVED RENAME TO AWAY.MOVED")
    account("INSERT INTO AWAY.MOVED (N) VALUES (4)")
    account("UPDATE AWAY.MOVED SET N = 30 WHERE N = 3")
    assert account("SELECT ID, S, N FROM AWAY.MOVED ORDER BY ID")[2:] == [(9, "new", 30), (11, "new", 4)]
    assert account("SELECT ID, N, METADATA$ACTION FROM MOVES ORDER BY ID") == [(9, 30, "INSERT"), (11, 4, "INSERT")]
    with pytest.raises(IntegrityError, match="NULL result in a non-nullable column"):
        account("INSERT INTO AWAY.MOVED (S) VALUES (NULL)")


def test_q21_alter_schema(account: Account) -> None:
    """ALTER SCHEMA and ALTER DATABASE set and unset options; without a name they mean the current one."""
    account("ALTER SCHEMA SET COMMENT = 'here' DATA_RETENTION_TIME_IN_DAYS = 2")
    shown = f"""SHOW SCHEMAS LIKE 'PUBLIC' IN DATABASE {DATABASE} ->> SELECT "comment" FROM $1"""
    assert account(shown) == [("here",)]
    account("ALTER SCHEMA IF EXISTS PUBLIC UNSET COMMENT")
    assert account(shown) == [("",)]
    account("ALTER SCHEMA IF EXISTS NOBODY SET COMMENT = 'x'")
    with pytest.raises(DatabaseError, match="invalid property 'NONSENSE' for 'SCHEMA'"):
        account("ALTER SCHEMA PUBLIC SET NONSENSE = 1")
    with pytest.raises(DatabaseError, match="Unsupported feature"):
        account("ALTER SCHEMA PUBLIC RENAME TO OTHER")


def test_q22_names_that_are_not_there(account: Account) -> None:
    """A column that is not there is an invalid identifier; without a current schema queries find those of PUBLIC."""
    account("CREATE OR REPLACE SCHEMA SHORT_LIVED")
    account("DROP SCHEMA SHORT_LIVED")
    with pytest.raises(DatabaseError, match="Cannot perform CREATE TABLE") as caught:
        account("CREATE OR REPLACE TABLE LOOSE (A INT)")
    assert caught.value.errno == 90106
    account(f"CREATE OR REPLACE TABLE {DATABASE}.PUBLIC.LOOSE (A INT)")
    assert account("SELECT CURRENT_SCHEMA(), COUNT(*) FROM LOOSE") == [(None, 0)]
    account("USE SCHEMA PUBLIC")
    for sql in ("SELECT NOWHERE FROM LOOSE", "INSERT INTO LOOSE (NOWHERE) VALUES (1)", "UPDATE LOOSE SET NOWHERE = 1"):
        with pytest.raises(DatabaseError, match="invalid identifier 'NOWHERE'") as caught:
            account(sql)
        assert caught.value.errno == 904
    for values in ("(A) VALUES (1, 2)", "SELECT 1, 2"):
        with pytest.raises(DatabaseError, match="column list expecting 1 but got 2") as caught:
            account(f"INSERT INTO LOOSE {values}")
        assert (caught.value.errno, caught.value.sqlstate) == (2020, "21S01")


def test_q23_declared_types(account: Account) -> None:
    """A table's columns keep in results the type, the length and the NOT NULL that they were declared with."""
    account("CREATE OR REPLACE TABLE KINDS (I INT NOT NULL, S VARCHAR(5), A ARRAY, N NUMBER(10, 2))")
    account.cursor.execute('SELECT *, I + 1 AS C, S AS "t" FROM (SELECT * FROM KINDS WHERE I > 0) LIMIT 1')
    shown = [(c.name, c.internal_size or c.precision, c.is_nullable) for c in account.cursor.description]
    assert (shown[0][2], shown[1][:2], shown[4][2], shown[5][:2]) == (False, ("S", 5), False, ("t", 5))
    assert [c.type_code for c in account.cursor.description[2:4]] == [10, 0]
    account.cursor.execute(f"SELECT * FROM {DATABASE}..KINDS")
    assert [c.is_nullable for c in account.cursor.description] == [False, True, True, True]
    account.cursor.execute("WITH KINDS AS (SELECT NULLIF(1, 2) AS I) SELECT I FROM KINDS")
    assert [c.is_nullable for c in account.cursor.description] == [True]


def test_q24_flatten(account: Account) -> None:
    """FLATTEN gives the members of an array or an object, also of what stands at PATH in it; OUTER keeps rows that
    have none, RECURSIVE expands what it finds, MODE chooses objects or arrays.
    """
    account("CREATE OR REPLACE TABLE F (V VARIANT)")
    account("""INSERT INTO F SELECT PARSE_JSON('{"k": [1, 2], "j": {"l": [5]}}')""")
    assert account("SELECT KEY FROM F, LATERAL FLATTEN(V) ORDER BY 1") == [("j",), ("k",)]
    path = "SELECT X.PATH, X.VALUE::INT FROM F, TABLE(FLATTEN(INPUT => V, PATH => 'k', OUTER => FALSE)) X ORDER BY 2"
    assert account(path) == [("k[0]", 1), ("k[1]", 2)]
    assert account("SELECT X.VALUE FROM F, LATERAL FLATTEN(F.V, 'j.l') X") == [("5",)]
    all_paths = "SELECT PATH FROM F, LATERAL FLATTEN(INPUT => V, RECURSIVE => TRUE) ORDER BY 1"
    assert account(all_paths) == [("j",), ("j.l",), ("j.l[0]",), ("k",), ("k[0]",), ("k[1]",)]
    objects = "SELECT PATH FROM F, LATERAL FLATTEN(INPUT => V, RECURSIVE => TRUE, MODE => 'OBJECT') ORDER BY 1"
    assert account(objects) == [("j",), ("j.l",), ("k",)]
    assert account("SELECT * FROM F, LATERAL FLATTEN(INPUT => V, MODE => 'ARRAY')") == []
    empty = "SELECT KEY, PATH, INDEX, VALUE, THIS FROM TABLE(FLATTEN(INPUT => PARSE_JSON('[]'), OUTER => TRUE))"
    assert account(empty) == [(None, "", None, None, "[]")]
    for wrong in ("MODE => 'SOME'", "OUTER => 1"):
        with pytest.raises(DatabaseError, match="FLATTEN's"):
            account(f"SELECT * FROM F, LATERAL FLATTEN(INPUT => V, {wrong})")
