"""The protocol's requests: statements that take long, repeated and malformed requests, other sessions' statements."""

from __future__ import annotations

import gzip
import json
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import snowflake.connector
from snowflake.connector.errors import DatabaseError
from snowflake.snowpark import Session
from tests.server.connections import run

from local_snowflake.testing import LocalSnowflake

PERIOD = 1
IN_PROGRESS, IN_PROGRESS_ASYNC, GONE, MALFORMED = "333333", "333334", "390111", "390142"


class Client:
    """A client that speaks the protocol by hand."""

    def __init__(self, connection: dict[str, Any]) -> None:
        self.url = f"http://{connection['host']}:{connection['port']}"
        self.headers: dict[str, str] = {}
        credentials = {"LOGIN_NAME": connection["user"], "PASSWORD": connection["password"]}
        token = self.post("/session/v1/login-request", {"data": credentials})["data"]["token"]
        self.headers = {"Authorization": f'Snowflake Token="{token}"'}

    def post(self, path: str, body: Any) -> dict[str, Any]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._read(requests.post(self.url + path, raw, headers=self.headers, timeout=120))

    def get(self, path: str) -> dict[str, Any]:
        return self._read(requests.get(self.url + path, headers=self.headers, timeout=120))

    @staticmethod
    def _read(response: requests.Response) -> dict[str, Any]:
        assert response.status_code == 200
        return dict(response.json())

    def statement(self, sql: str, request_id: str = "", **more: Any) -> dict[str, Any]:
        path = f"/queries/v1/query-request?requestId={request_id or uuid.uuid4()}"
        return self.post(path, {"sqlText": sql, **more})

    def outcome(self, answer: dict[str, Any]) -> dict[str, Any]:
        """The last answer about a statement, asked for until there is one."""
        while answer["code"] in {IN_PROGRESS, IN_PROGRESS_ASYNC}:
            answer = self.get(answer["data"]["getResultUrl"])
        return answer


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The connection to a server that tells its clients after a second to ask again later."""
    options = ["--answer-seconds", str(PERIOD)]
    server = LocalSnowflake(tmp_path_factory.mktemp("impatient") / "data", options=options).start()
    yield server.connection()
    server.stop()


@pytest.fixture
def connection(impatient: dict[str, Any]) -> Iterator[snowflake.connector.SnowflakeConnection]:
    """A connector's session in a database with a procedure that writes a row and takes its time."""
    with snowflake.connector.connect(**impatient) as made:
        prepare(made, "T_PROTOCOL")
        yield made


@pytest.fixture
def client(impatient: dict[str, Any], connection: snowflake.connector.SnowflakeConnection) -> Client:
    """Another session, opened by hand."""
    made = Client(impatient)
    made.statement("USE SCHEMA T_PROTOCOL.PUBLIC")
    return made


def prepare(connection: snowflake.connector.SnowflakeConnection, database: str) -> None:
    run(connection, f"CREATE OR REPLACE DATABASE {database}")
    run(connection, "CREATE TABLE RUNS (N INT)")
    run(
        connection,
        "CREATE PROCEDURE TAKES(SECONDS FLOAT) RETURNS INT LANGUAGE PYTHON RUNTIME_VERSION = '3.11' "
        "PACKAGES = ('snowflake-snowpark-python') HANDLER = 'f' AS $$\nimport time\ndef f(session, seconds):\n"
        "    session.sql('INSERT INTO RUNS VALUES (1)').collect()\n    time.sleep(seconds)\n    return 7\n$$",
    )


def in_thread(work: Any) -> tuple[threading.Thread, list[Any]]:
    outcomes: list[Any] = []

    def collect() -> None:
        try:
            outcomes.append(work())
        except DatabaseError as error:
            outcomes.append(error)

    thread = threading.Thread(target=collect)
    thread.start()
    return thread, outcomes


# -- statements that take long ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_long_statement_is_asked_for_again_and_runs_once(client: Client) -> None:
    answers = [client.statement("CALL TAKES(4)")]
    while answers[-1]["code"] == IN_PROGRESS:
        answers.append(client.get(answers[-1]["data"]["getResultUrl"]))
    assert len(answers) >= 3
    assert answers[-1]["success"]
    assert len({a["data"]["queryId"] for a in answers}) == 1
    assert client.statement("SELECT N FROM RUNS")["data"]["total"] == 1


@pytest.mark.slow
def test_the_connector_gets_the_result_of_a_long_statement(
    connection: snowflake.connector.SnowflakeConnection,
) -> None:
    assert run(connection, "CALL TAKES(3)") == [(7,)]
    assert run(connection, "SELECT COUNT(*) FROM RUNS") == [(1,)]


def test_a_long_statement_fails_with_its_own_error(connection: snowflake.connector.SnowflakeConnection) -> None:
    with pytest.raises(DatabaseError) as caught:
        run(connection, "SELECT FROM WHERE")
    assert caught.value.errno == 1003
    run(connection, "ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = 3")
    with pytest.raises(DatabaseError, match="timeout of 3 second") as caught:
        run(connection, "CALL TAKES(60)")
    assert caught.value.errno == 630


@pytest.mark.parametrize("wait", [False, True], ids=["while it runs", "when it has ended"])
def test_a_repeated_request_gets_the_statement_that_it_has_started(client: Client, wait: bool) -> None:
    request_id = str(uuid.uuid4())
    first = client.statement("CALL TAKES(3)", request_id)
    if wait:
        client.outcome(first)
    second = client.outcome(client.statement("CALL TAKES(3)", f"{request_id}&clientStartTime=1&retryCount=1"))
    assert second == client.outcome(first)
    assert second["success"]
    assert client.statement("SELECT N FROM RUNS")["data"]["total"] == 1


def test_a_request_id_belongs_to_its_session(impatient: dict[str, Any], client: Client) -> None:
    request_id = str(uuid.uuid4())
    other = Client(impatient)
    first = client.statement("INSERT INTO RUNS VALUES (1)", request_id)
    second = other.statement("INSERT INTO T_PROTOCOL.PUBLIC.RUNS VALUES (1)", request_id)
    assert first["data"]["queryId"] != second["data"]["queryId"]
    assert client.statement("SELECT N FROM RUNS")["data"]["total"] == 2


def test_an_asynchronous_statement_of_snowpark_takes_long(impatient: dict[str, Any], client: Client) -> None:
    session = Session.builder.configs(impatient).create()
    try:
        job = session.sql("CALL T_PROTOCOL.PUBLIC.TAKES(3)").collect_nowait()
        assert not job.is_done()
        assert [tuple(row) for row in job.result()] == [(7,)]
    finally:
        session.close()
    assert client.statement("SELECT N FROM RUNS")["data"]["total"] == 1


def test_waiting_statements_keep_nobody_from_working(snowflake_connection: dict[str, Any]) -> None:
    """More statements wait for a lock than a pool has threads."""
    holder, waiter = Client(snowflake_connection), Client(snowflake_connection)
    holder.statement("CREATE OR REPLACE DATABASE T_WAITING")
    holder.statement("CREATE TABLE T AS SELECT 0 AS N")
    holder.statement("BEGIN")
    holder.statement("UPDATE T SET N = 1")
    update = "UPDATE T_WAITING.PUBLIC.T SET N = N + 1"
    waiting = [in_thread(lambda: waiter.outcome(waiter.statement(update))) for _ in range(300)]
    assert holder.statement("SELECT 1")["data"]["total"] == 1
    assert holder.statement("COMMIT")["success"]
    for thread, _ in waiting:
        thread.join()
    assert all(outcomes[0]["success"] for _, outcomes in waiting)


# -- cancelling -------------------------------------------------------------------------------------------------------


def test_a_statement_is_cancelled_by_its_request(
    client: Client, connection: snowflake.connector.SnowflakeConnection
) -> None:
    request_id = str(uuid.uuid4())
    begun = client.statement("CALL TAKES(300)", request_id)
    assert begun["code"] == IN_PROGRESS
    assert client.post("/queries/v1/abort-request", {"requestId": request_id})["success"]
    assert client.outcome(begun)["code"] == "000604"
    assert client.outcome(client.statement("CALL TAKES(300)", request_id))["code"] == "000604"


def test_a_statement_is_cancelled_by_its_id(connection: snowflake.connector.SnowflakeConnection) -> None:
    cursor = connection.cursor()
    cursor.execute_async("CALL TAKES(300)")
    assert connection.cursor().abort_query(str(cursor.sfqid))

    def fetch() -> None:
        # the first of them fails if the statement has ended by then
        cursor.get_results_from_sfqid(str(cursor.sfqid))
        cursor.fetchall()

    with pytest.raises(DatabaseError, match=r"canceled|ABORTED"):
        fetch()


def test_a_statement_that_waits_for_its_session_is_cancelled_alone(client: Client) -> None:
    running = client.statement("CALL TAKES(3)", asyncExec=True)
    request_id = str(uuid.uuid4())
    waiting = client.statement("INSERT INTO RUNS VALUES (2)", request_id, asyncExec=True)
    client.post("/queries/v1/abort-request", {"requestId": request_id})
    assert client.outcome(running)["success"]
    assert client.outcome(waiting)["code"] == "000604"
    state = client.get(f"/monitoring/queries/{waiting['data']['queryId']}")["data"]["queries"][0]
    assert (state["status"], state["errorCode"]) == ("ABORTED", "000604")
    assert client.statement("SELECT N FROM RUNS")["data"]["total"] == 1


# -- other sessions' statements ---------------------------------------------------------------------------------------


def test_a_statement_is_nobody_elses(impatient: dict[str, Any], client: Client) -> None:
    request_id = str(uuid.uuid4())
    begun = client.statement("CALL TAKES(3)", request_id)
    path, query_id = begun["data"]["getResultUrl"], begun["data"]["queryId"]
    other = Client(impatient)
    assert other.get(path)["code"] == "000709"
    other.post("/queries/v1/abort-request", {"requestId": request_id})
    other.post(f"/queries/{query_id}/abort-request", {})
    other.headers = {}
    assert other.get(path)["code"] == GONE
    assert other.get(f"/monitoring/queries/{query_id}")["code"] == GONE
    assert other.post("/queries/v1/abort-request", {"requestId": request_id})["code"] == GONE
    assert other.post(f"/queries/{query_id}/abort-request", {})["code"] == GONE
    assert client.outcome(begun)["success"]
    assert client.get(f"/monitoring/queries/{query_id}")["data"]["queries"][0]["status"] == "SUCCESS"


# -- texts and bodies -------------------------------------------------------------------------------------------------


def test_an_error_that_is_no_valid_unicode_is_told_once(connection: snowflake.connector.SnowflakeConnection) -> None:
    run(
        connection,
        "CREATE PROCEDURE MISSES() RETURNS INT LANGUAGE PYTHON RUNTIME_VERSION = '3.11' "
        "PACKAGES = ('snowflake-snowpark-python') HANDLER = 'f' AS $$\ndef f(session):\n"
        "    session.sql('INSERT INTO RUNS VALUES (1)').collect()\n"
        "    raise FileNotFoundError(b'caf\\xe9.csv'.decode('utf-8', 'surrogateescape'))\n$$",
    )
    with pytest.raises(DatabaseError, match=r"caf\\udce9\.csv"):
        run(connection, "CALL MISSES()")
    assert run(connection, "SELECT COUNT(*) FROM RUNS") == [(1,)]
    rows = run(
        connection, "SELECT ERROR_MESSAGE FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY()) WHERE ERROR_CODE = 100357"
    )
    assert "udce9" in rows[0][0]


@pytest.mark.parametrize(
    "body",
    [b"garbage", b"[1]", b'{"data": null}', b'{"data": [1]}', b"\xff", b'{"data": {"SESSION_PARAMETERS": [1]}}'],
)
def test_a_malformed_login_is_refused(snowflake_connection: dict[str, Any], body: bytes) -> None:
    client = Client(snowflake_connection)
    assert client.post("/session/v1/login-request", body)["code"] == MALFORMED


@pytest.mark.parametrize(
    "body",
    [
        b"garbage",
        b"[1]",
        b"{}",
        b'{"sqlText": 1}',
        b'{"sqlText": "\\ud800"}',
        b'{"sqlText": "SELECT 1", "bindings": [1]}',
    ],
)
def test_a_malformed_statement_is_refused(snowflake_connection: dict[str, Any], body: bytes) -> None:
    client = Client(snowflake_connection)
    assert client.post(f"/queries/v1/query-request?requestId={uuid.uuid4()}", body)["code"] == MALFORMED


def test_a_body_that_is_not_zipped_as_it_says_is_refused(snowflake_connection: dict[str, Any]) -> None:
    client = Client(snowflake_connection)
    client.headers["Content-Encoding"] = "gzip"
    assert client.post("/queries/v1/query-request", b"SELECT 1")["code"] == MALFORMED
    assert client.post("/queries/v1/query-request", gzip.compress(b'{"sqlText": "SELECT 1"}'))["success"]


def test_a_binding_that_makes_no_sense_is_an_error_of_the_statement(snowflake_connection: dict[str, Any]) -> None:
    client = Client(snowflake_connection)
    answer = client.statement("SELECT ?", bindings={"1": {"type": "DATE", "value": "soon"}})
    assert not answer["success"]


def test_a_large_result_arrives_whole(snowflake_connection: dict[str, Any]) -> None:
    with snowflake.connector.connect(**snowflake_connection) as connection:
        sql = "SELECT SEQ4() AS N, REPEAT('é', 20) AS S FROM TABLE(GENERATOR(ROWCOUNT => 200000))"
        found = run(connection, sql)
    assert len(found) == 200_000
    assert {found[i][1] for i in (0, 100_000, 199_999)} == {"é" * 20}


def test_no_telemetry_is_kept_and_the_client_stops_sending_it(snowflake_connection: dict[str, Any]) -> None:
    """Snowpark hands its records to the connector, which sends them by the hundred, whatever the login has answered."""
    assert not Client(snowflake_connection).post("/telemetry/send", {"logs": []})["success"]
    with Session.builder.configs(snowflake_connection).create() as session:
        telemetry = session.connection._telemetry
        assert telemetry is not None
        telemetry.send_batch()
        for _ in range(3):
            session.sql("SELECT 1").collect()
        assert (telemetry.is_enabled(), telemetry.buffer_size()) == (False, 0)


# -- patience ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_statement_outlives_the_connectors_patience(snowflake_connection: dict[str, Any]) -> None:
    """The connector repeats a request after 60 seconds without an answer."""
    with snowflake.connector.connect(**snowflake_connection) as connection:
        prepare(connection, "T_PATIENCE")
        assert run(connection, "CALL TAKES(70)") == [(7,)]
        assert run(connection, "SELECT COUNT(*) FROM RUNS") == [(1,)]
