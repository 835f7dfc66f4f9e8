"""A server that enforces privileges: the role of a connection and of a request, a procedure in Python, a model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests
import snowflake.connector
from sklearn.linear_model import LogisticRegression
from snowflake.connector.errors import DatabaseError, ProgrammingError
from snowflake.ml.registry import Registry
from snowflake.snowpark import Session
from tests.server.connections import run

from local_snowflake.testing import LocalSnowflake


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    server = LocalSnowflake(tmp_path_factory.mktemp("enforced"), enforce_privileges=True).start()
    arguments = server.connection()
    with snowflake.connector.connect(**arguments) as admin:
        for statement in (
            *("CREATE DATABASE D", "CREATE TABLE D.PUBLIC.T AS SELECT 1 AS A", "CREATE STAGE D.PUBLIC.ST"),
            *("CREATE ROLE R", "CREATE ROLE STRANGE", f"GRANT ROLE R TO USER {arguments['user']}"),
            *("GRANT USAGE ON DATABASE D TO ROLE R", "GRANT USAGE ON SCHEMA D.PUBLIC TO ROLE R"),
        ):
            run(admin, statement)
    yield arguments
    server.stop()


def test_a_connection_takes_a_role_of_its_user(connection: dict[str, Any]) -> None:
    with snowflake.connector.connect(**connection | {"role": "R"}) as opened:
        assert run(opened, "SELECT CURRENT_ROLE()") == [("R",)]
    for role in ("STRANGE", "NOT_THERE"):
        with pytest.raises(DatabaseError, match=f"Role '{role}' specified in the connect string") as caught:
            snowflake.connector.connect(**connection | {"role": role})
        assert caught.value.errno == 390189


def test_a_request_of_the_sql_api_takes_a_role_of_its_user(connection: dict[str, Any]) -> None:
    headers = {
        "Authorization": f"Bearer {connection['password']}",
        "X-Snowflake-Authorization-Token-Type": "PROGRAMMATIC_ACCESS_TOKEN",
    }

    def ask(role: str) -> dict[str, Any]:
        url = f"http://{connection['host']}:{connection['port']}/api/v2/statements"
        body = {"statement": "SELECT A FROM D.PUBLIC.T", "role": role}
        return dict(requests.post(url, json=body, headers=headers, timeout=120).json())

    assert ask("ACCOUNTADMIN")["data"] == [["1"]]
    assert ask("STRANGE")["code"] == "003013"
    assert "does not exist or not authorized" in ask("R")["message"]


PROCEDURE = """CREATE PROCEDURE D.PUBLIC.COUNTS() RETURNS INT LANGUAGE PYTHON RUNTIME_VERSION = '3.11'
PACKAGES = ('snowflake-snowpark-python') IMPORTS = ('@D.PUBLIC.ST/counting.py') HANDLER = 'counting.f' EXECUTE AS {}"""


def test_a_procedure_in_python_works_with_its_owners_or_its_callers_rights(
    connection: dict[str, Any], tmp_path: Path
) -> None:
    code = "def f(session):\n    return session.table('D.PUBLIC.T').count()\n"
    (tmp_path / "counting.py").write_text(code)
    with (
        snowflake.connector.connect(**connection) as admin,
        snowflake.connector.connect(**connection | {"role": "R"}) as opened,
    ):
        run(admin, f"PUT file://{tmp_path}/counting.py @D.PUBLIC.ST AUTO_COMPRESS = FALSE")
        with pytest.raises(ProgrammingError, match="not exist or not authorized"):
            run(opened, "LS @D.PUBLIC.ST")
        for rights in ("CALLER", "OWNER"):
            run(admin, PROCEDURE.format(rights).replace("CREATE", "CREATE OR REPLACE"))
            run(admin, "GRANT USAGE ON PROCEDURE D.PUBLIC.COUNTS() TO ROLE R")
            if rights == "CALLER":
                with pytest.raises(ProgrammingError, match="not exist or not authorized"):
                    run(opened, "CALL D.PUBLIC.COUNTS()")
            else:
                assert run(opened, "CALL D.PUBLIC.COUNTS()") == [(1,)]
        assert run(opened, "SELECT CURRENT_ROLE()") == [("R",)]


def test_a_model_is_called_with_usage_and_its_files_are_read_with_read(connection: dict[str, Any]) -> None:
    frame = pd.DataFrame({"AMOUNT": [1.0, 2.0, 30.0, 40.0]})
    with Session.builder.configs(connection | {"database": "D", "schema": "PUBLIC"}).create() as session:
        registry = Registry(session, database_name="D", schema_name="PUBLIC")
        fitted = LogisticRegression().fit(frame, [0, 0, 1, 1])
        registry.log_model(
            fitted, model_name="M", version_name="V1", sample_input_data=frame, target_platforms=["WAREHOUSE"]
        )
    call = "SELECT MODEL(D.PUBLIC.M, V1)!PREDICT(35.0):output_feature_0::INT"
    files = "LS 'snow://model/D.PUBLIC.M/versions/V1/'"
    with (
        snowflake.connector.connect(**connection) as admin,
        snowflake.connector.connect(**connection | {"role": "R"}) as opened,
    ):
        assert run(opened, "SHOW MODELS IN ACCOUNT") == []
        for statement in (call, files):
            with pytest.raises(ProgrammingError, match="not exist or not authorized"):
                run(opened, statement)
        for privilege, allowed, refused in (("USAGE", call, files), ("READ", files, call)):
            run(admin, f"GRANT {privilege} ON MODEL D.PUBLIC.M TO ROLE R")
            assert run(opened, allowed)
            for statement in (refused, "ALTER MODEL D.PUBLIC.M SET COMMENT = 'x'", "DROP MODEL D.PUBLIC.M"):
                with pytest.raises(ProgrammingError, match="Insufficient privileges to operate on model 'M'"):
                    run(opened, statement)
            run(admin, f"REVOKE {privilege} ON MODEL D.PUBLIC.M FROM ROLE R")
