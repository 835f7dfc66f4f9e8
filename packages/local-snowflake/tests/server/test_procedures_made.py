"""How Python procedures are made: imports, packages, registration, description, and what outlives the server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import psutil
import pytest
import snowflake.connector
from snowflake.snowpark import Session
from snowflake.snowpark.exceptions import SnowparkSQLException
from snowflake.snowpark.types import IntegerType, StructField, StructType
from tests.server.procedures import PYTHON, one, procedure

from local_snowflake.testing import LocalSnowflake


def test_imports_of_one_name_do_not_mix(session: Session, tmp_path: Path) -> None:
    session.sql("CREATE OR REPLACE STAGE CODE").collect()
    for version in ("one", "two"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "helper.py").write_text(f"VALUE = '{version}'")
        (tmp_path / version / "main.py").write_text("import helper\ndef run(session):\n    return helper.VALUE")
        for file in ("helper.py", "main.py"):
            session.file.put(str(tmp_path / version / file), f"@CODE/{version}", auto_compress=False)
        session.sql(
            f"CREATE OR REPLACE PROCEDURE USES_{version}() RETURNS VARCHAR {PYTHON} HANDLER = 'main.run' "
            f"IMPORTS = ('@CODE/{version}/main.py', '@CODE/{version}/helper.py')"
        ).collect()
    assert [one(session, f"CALL USES_{v}()") for v in ("one", "two", "one")] == ["one", "two", "one"]


def test_a_handler_that_changes_its_import_leaves_the_stage_alone(session: Session, tmp_path: Path) -> None:
    session.sql("CREATE OR REPLACE STAGE KEPT").collect()
    (tmp_path / "data.txt").write_text("as it was")
    session.file.put(str(tmp_path / "data.txt"), "@KEPT", auto_compress=False)
    body = (
        "import os, sys\ndef run(session):\n"
        "    path = os.path.join(sys._xoptions['snowflake_import_directory'], 'data.txt')\n"
        "    try:\n        with open(path, 'a') as file:\n            file.write(' no more')\n"
        "    except OSError:\n        pass  # the file is out of reach for writing, where handlers are isolated\n"
        "    return open(path).read()"
    )
    session.sql(
        f"CREATE OR REPLACE PROCEDURE APPENDS() RETURNS VARCHAR {PYTHON} HANDLER = 'run' "
        f"IMPORTS = ('@KEPT/data.txt') AS $$\n{body}\n$$"
    ).collect()
    assert one(session, "CALL APPENDS()") in {"as it was no more", "as it was"}
    session.file.get("@KEPT/data.txt", str(tmp_path / "back"))
    assert (tmp_path / "back" / "data.txt").read_text() == "as it was"


def test_a_missing_import_is_named(session: Session) -> None:
    session.sql("CREATE OR REPLACE STAGE EMPTY").collect()
    with pytest.raises(SnowparkSQLException, match=r"EMPTY/nowhere\.py"):
        session.sql(
            f"CREATE PROCEDURE LOST() RETURNS VARCHAR {PYTHON} HANDLER = 'nowhere.run' IMPORTS = ('@EMPTY/nowhere.py')"
        ).collect()


@pytest.mark.parametrize(("package", "why"), [("pandas==0.1", "version"), ("no-such-package", "not installed")])
def test_packages_are_checked(session: Session, package: str, why: str) -> None:
    with pytest.raises(SnowparkSQLException, match=f"Please check your packages specification.*{package}.*{why}"):
        session.sql(
            f"CREATE PROCEDURE P() RETURNS VARCHAR LANGUAGE PYTHON RUNTIME_VERSION = '3.11' PACKAGES = ('{package}') "
            "HANDLER = 'run' AS 'def run(s): pass'"
        ).collect()
    found = session.sql("SELECT VERSION FROM INFORMATION_SCHEMA.PACKAGES WHERE PACKAGE_NAME = 'pandas'").collect()
    assert len(found) == 1


def test_registered_by_snowpark(session: Session) -> None:
    def double(_: Session, n: int) -> int:
        return 2 * n

    made = session.sproc.register(
        double, return_type=IntegerType(), input_types=[IntegerType()], packages=["snowflake-snowpark-python"]
    )
    assert made(21, session=session) == 42
    anonymous = session.sproc.register(
        double,
        return_type=IntegerType(),
        input_types=[IntegerType()],
        packages=["snowflake-snowpark-python"],
        anonymous=True,
    )
    assert anonymous(4, session=session) == 8
    frame = session.sproc.register(
        lambda s: s.create_dataframe([[1]], schema=["A"]),
        return_type=StructType([StructField("A", IntegerType())]),
        packages=["snowflake-snowpark-python"],
    )
    assert frame(session=session).collect()[0].A == 1


def test_a_large_closure_goes_through_the_stage(session: Session) -> None:
    ballast = os.urandom(20_000)
    made = session.sproc.register(
        lambda _: len(ballast), return_type=IntegerType(), packages=["snowflake-snowpark-python"]
    )
    assert made(session=session) == 20_000


def test_description_comment_and_rename(session: Session) -> None:
    session.sql(procedure("DESCRIBED(A VARCHAR, B INT)", "def run(s, a, b):\n    return a")).collect()
    session.sql("COMMENT ON PROCEDURE DESCRIBED(VARCHAR, INT) IS 'what it does'").collect()
    rows = {r.property: r.value for r in session.sql("DESCRIBE PROCEDURE DESCRIBED(VARCHAR, NUMBER)").collect()}
    assert (rows["signature"], rows["returns"], rows["execute as"]) == ("(A VARCHAR, B NUMBER)", "VARCHAR", "OWNER")
    assert "is_aggregate" not in rows
    session.sql("ALTER PROCEDURE DESCRIBED(VARCHAR, INT) RENAME TO RENAMED").collect()
    shown = session.sql("SHOW PROCEDURES LIKE 'RENAMED' IN SCHEMA T_PROCEDURES_MADE.PUBLIC").collect()[0].as_dict()
    assert (shown["arguments"], shown["description"]) == ("RENAMED(VARCHAR, NUMBER) RETURN VARCHAR", "what it does")
    assert one(session, "CALL RENAMED('x', 1)") == "x"


def test_status_tells_whether_it_was_made(session: Session) -> None:
    create = procedure("ONCE()", "def run(s):\n    pass").replace("OR REPLACE PROCEDURE", "PROCEDURE IF NOT EXISTS")
    assert one(session, create) == "Procedure ONCE successfully created."
    assert one(session, create) == "ONCE already exists, statement succeeded."


def test_a_statement_has_parameters_of_its_own(session: Session) -> None:
    session.sql(procedure("TAGGED()", "def run(s):\n    return s.sql('SELECT 1').collect()[0][0]")).collect()
    tag = uuid.uuid4().hex
    assert session.call("TAGGED", statement_params={"QUERY_TAG": tag, "NO_PARAMETER": 1}) == "1"
    history = session.sql(
        f"SELECT QUERY_TEXT FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY_BY_SESSION()) WHERE QUERY_TAG = '{tag}'"
    ).collect()
    assert any("TAGGED" in r[0] for r in history)
    assert one(session, "SHOW PARAMETERS LIKE 'QUERY_TAG'") == "QUERY_TAG"
    assert session.sql("SHOW PARAMETERS LIKE 'QUERY_TAG'").collect()[0]["value"] == ""


def test_what_is_not_there_is_refused_by_name(session: Session) -> None:
    with pytest.raises(SnowparkSQLException, match=r"(?s)002140.*Unknown function NOBODY"):
        session.sql("CALL NOBODY()").collect()
    with pytest.raises(SnowparkSQLException, match=r"(?s)002141.*T_PROCEDURES_MADE.PUBLIC.NOBODY"):
        session.sql("CALL PUBLIC.NOBODY()").collect()
    with pytest.raises(SnowparkSQLException, match="syntax error line 1 at position 18"):
        session.sql("CREATE PROCEDURE P() RETURNS INT LANGUAGE SQL AS 'BEGIN RETURN 1 END'").collect()
    with pytest.raises(SnowparkSQLException, match="LANGUAGE JAVASCRIPT"):
        session.sql("CREATE PROCEDURE P() RETURNS FLOAT LANGUAGE JAVASCRIPT AS 'return 1'").collect()
    with pytest.raises(SnowparkSQLException, match="SECRETS"):
        session.sql(procedure("P()", "def run(s): pass", options="SECRETS = ('a' = b)")).collect()


def calls_under_way(settings: dict[str, Any]) -> int:
    text = (
        "SELECT COUNT(*) FROM TABLE(BUSY.INFORMATION_SCHEMA.QUERY_HISTORY()) "
        "WHERE QUERY_TEXT LIKE 'CALL BUSY.%' AND EXECUTION_STATUS = 'RUNNING'"
    )
    with snowflake.connector.connect(**settings) as connection:
        return int(connection.cursor().execute(text).fetchone()[0])  # type: ignore[union-attr, index]


@pytest.mark.slow
def test_a_stopping_server_does_not_wait_for_a_call(own_snowflake: LocalSnowflake) -> None:
    settings = own_snowflake.connection()
    with snowflake.connector.connect(**settings) as connection:
        connection.cursor().execute("CREATE DATABASE BUSY")
        connection.cursor().execute(procedure("SLEEPS()", "import time\ndef run(session):\n    time.sleep(300)"))
    call = f"import snowflake.connector as c; c.connect(**{settings!r}).cursor().execute('CALL BUSY.PUBLIC.SLEEPS()')"
    client = subprocess.Popen([sys.executable, "-c", call], stderr=subprocess.DEVNULL)
    try:
        while not calls_under_way(settings):
            assert client.poll() is None
            time.sleep(0.1)
        began = time.monotonic()
        own_snowflake.stop()
        assert time.monotonic() - began < 30
    finally:
        client.kill()
        client.wait()


@pytest.mark.slow
def test_procedures_outlive_the_server_and_processes_do_not(own_snowflake: LocalSnowflake) -> None:
    with snowflake.connector.connect(**own_snowflake.connection()) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE DATABASE KEPT")
        # a number of its own: where a process is isolated it does not know its number in the system
        cursor.execute(
            procedure("NUMBER()", "import random\nN = random.random()\ndef run(session):\n    return N", "FLOAT")
        )
        numbers = [cursor.execute("CALL NUMBER()").fetchone() for _ in range(2)]  # type: ignore[union-attr]
    assert numbers[0] == numbers[1]
    children = psutil.Process(own_snowflake.pid).children(recursive=True)
    assert len(children) > 1
    own_snowflake.stop(how=signal.SIGKILL)
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive
    own_snowflake.start()
    with snowflake.connector.connect(**own_snowflake.connection()) as connection:
        assert connection.cursor().execute("CALL KEPT.PUBLIC.NUMBER()").fetchone() != numbers[0]  # type: ignore[union-attr]
