"""The SQL API, by plain requests."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import snowflake.connector
from tests.server.connections import run

from local_snowflake.protocol.statement_answers import PARTITION_ROWS

PATH = "/api/v2/statements"
DATABASE = "T_SQL_API"
# reads for so long that it is still there when a test cancels it
LONG = "SELECT COUNT(*) FROM TABLE(GENERATOR(ROWCOUNT => 1000000)) A, TABLE(GENERATOR(ROWCOUNT => 1000000)) B"
TAKES = (
    "CREATE PROCEDURE TAKES(SECONDS FLOAT) RETURNS INT LANGUAGE PYTHON RUNTIME_VERSION = '3.11' "
    "PACKAGES = ('snowflake-snowpark-python') HANDLER = 'f' AS $$\nimport time\n"
    "def f(session, seconds):\n    time.sleep(seconds)\n    return 7\n$$"
)


class Client:
    """A client of the SQL API."""

    def __init__(self, connection: dict[str, Any]) -> None:
        self.url = f"http://{connection['host']}:{connection['port']}"
        self.headers = {
            "Authorization": f"Bearer {connection['password']}",
            "X-Snowflake-Authorization-Token-Type": "PROGRAMMATIC_ACCESS_TOKEN",
        }

    def post(self, path: str, body: Any = None, **query: str) -> requests.Response:
        return requests.post(self.url + path, json=body, params=query, headers=self.headers, timeout=120)

    def get(self, handle: str, **query: Any) -> requests.Response:
        return requests.get(f"{self.url}{PATH}/{handle}", params=query, headers=self.headers, timeout=120)

    def submit(self, sql: str, query: dict[str, str] | None = None, **more: Any) -> requests.Response:
        body = {"statement": sql, "database": DATABASE, "schema": "PUBLIC", **more}
        return self.post(PATH, body, **(query or {}))

    def several(self, sql: str, count: int = 0, **more: Any) -> requests.Response:
        return self.submit(sql, parameters={"MULTI_STATEMENT_COUNT": count}, **more)

    def outcome(self, handle: str) -> requests.Response:
        """The answer of a statement once it has ended."""
        end = time.monotonic() + 60
        while (answer := self.get(handle)).status_code == 202:
            assert time.monotonic() < end, "still runs"
            time.sleep(0.05)
        return answer


@pytest.fixture(scope="module")
def connection(snowflake_connection: dict[str, Any]) -> Iterator[snowflake.connector.SnowflakeConnection]:
    with snowflake.connector.connect(**snowflake_connection) as made:
        run(made, f"CREATE OR REPLACE DATABASE {DATABASE}")
        run(made, TAKES)
        yield made


@pytest.fixture
def client(snowflake_connection: dict[str, Any], connection: snowflake.connector.SnowflakeConnection) -> Client:
    run(connection, "CREATE OR REPLACE TABLE RUNS (N INT)")
    return Client(snowflake_connection)


# -- results ----------------------------------------------------------------------------------------------------------


def test_a_statement_gives_its_rows_and_what_they_are(client: Client) -> None:
    request_id = str(uuid.uuid4())
    answer = client.submit("SELECT 1::NUMBER(5,2) AS N, 'é' AS S", {"requestId": request_id})
    body = answer.json()
    assert answer.status_code == 200
    assert body["data"] == [["1.00", "é"]]
    assert (body["code"], body["sqlState"], body["requestId"]) == ("090001", "00000", request_id)
    assert body["statementStatusUrl"].startswith(f"{PATH}/{body['statementHandle']}?requestId=")
    described = body["resultSetMetaData"]
    assert (described["numRows"], described["format"]) == (1, "jsonv2")
    assert [(c["name"], c["type"], c["precision"], c["scale"]) for c in described["rowType"]] == [
        ("N", "fixed", 5, 2),
        ("S", "text", None, None),
    ]
    assert [p["rowCount"] for p in described["partitionInfo"]] == [1]


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("12345678901234567890123::NUMBER(38,0) * 1", "12345678901234567890123"),
        ("-1.50::NUMBER(5,2)", "-1.50"),
        ("1.5::FLOAT", "1.5"),
        ("TRUE", "true"),
        ("'2024-01-31'::DATE", "19753"),
        ("'1969-12-31'::DATE", "-1"),
        ("'23:01:59.5'::TIME", "82919.500000000"),
        ("'2021-03-19 17:06:59.123456'::TIMESTAMP_NTZ", "1616173619.123456000"),
        ("'1969-12-31 23:59:58.5'::TIMESTAMP_NTZ", "-1.500000000"),
        ("TO_BINARY('ab01', 'HEX')", "AB01"),
        ("PARSE_JSON('[1, 2]')", "[\n  1,\n  2\n]"),
        ("NULL::INT", None),
    ],
)
def test_values_are_texts(client: Client, expression: str, text: str | None) -> None:
    assert client.submit(f"SELECT {expression}").json()["data"] == [[text]]


def test_null_is_a_text_where_the_client_asks_for_that(client: Client) -> None:
    assert client.submit("SELECT NULL, 1", {"nullable": "false"}).json()["data"] == [["null", "1"]]


def test_no_rows_are_one_empty_partition(client: Client) -> None:
    body = client.submit("SELECT N FROM RUNS").json()
    assert body["data"] == []
    assert [p["rowCount"] for p in body["resultSetMetaData"]["partitionInfo"]] == [0]


def test_a_large_result_comes_in_partitions(client: Client) -> None:
    rows = 2 * PARTITION_ROWS + 5
    body = client.submit(f"SELECT SEQ4() AS N FROM TABLE(GENERATOR(ROWCOUNT => {rows})) ORDER BY N").json()
    handle, described = body["statementHandle"], body["resultSetMetaData"]
    assert described["numRows"] == rows
    assert [p["rowCount"] for p in described["partitionInfo"]] == [PARTITION_ROWS, PARTITION_ROWS, 5]
    further = [client.get(handle, partition=n) for n in (1, 2)]
    assert [answer.headers["Content-Encoding"] for answer in further] == ["gzip", "gzip"]
    found = body["data"] + [row for answer in further for row in answer.json()["data"]]
    assert found == [[str(n)] for n in range(rows)]
    assert client.get(handle, partition=0).json()["data"] == body["data"]
    assert client.get(handle, partition=3).status_code == 400
    assert client.get(handle, partition="last").status_code == 400


def test_dml_says_how_many_rows_it_changed(client: Client) -> None:
    body = client.submit("INSERT INTO RUNS VALUES (1), (2)").json()
    assert body["data"] == [["2"]]
    assert body["stats"] == {"numRowsInserted": 2, "numRowsUpdated": 0, "numRowsDeleted": 0}


# -- bindings, context, parameters ------------------------------------------------------------------------------------


def test_bindings_take_the_places_of_question_marks(client: Client) -> None:
    bindings = {
        "1": {"type": "FIXED", "value": "123"},
        "2": {"type": "TEXT", "value": "it's"},
        "3": {"type": "DATE", "value": "1706659200000"},
        "4": {"type": "BOOLEAN", "value": "true"},
        "5": {"type": "TEXT", "value": None},
    }
    sql = "SELECT ?, ?, ?, ?, ?;"
    assert client.submit(sql, bindings=bindings).json()["data"] == [["123", "it's", "19753", "true", None]]


def test_a_statement_runs_in_the_context_of_its_request(client: Client) -> None:
    client.submit("CREATE OR REPLACE SCHEMA OTHER")
    sql = "SELECT CURRENT_DATABASE(), CURRENT_SCHEMA(), CURRENT_WAREHOUSE(), CURRENT_ROLE()"
    body = client.submit(sql, schema="OTHER", warehouse="WH", role="SYSADMIN").json()
    assert body["data"] == [[DATABASE, "OTHER", "WH", "SYSADMIN"]]


def test_names_of_the_context_have_the_case_that_they_are_written_in(client: Client) -> None:
    assert client.submit("SELECT CURRENT_DATABASE()", database=DATABASE.lower()).json()["data"] == [[None]]


def test_parameters_hold_for_the_request_alone(client: Client, connection: Any) -> None:
    moment = "SELECT '2024-01-31 12:00:00'::TIMESTAMP_LTZ::TEXT"
    body = client.submit(moment, parameters={"timezone": "Europe/Vienna", "query_tag": "mine"}).json()
    assert "+0100" in body["data"][0][0]
    assert "+0100" not in client.submit(moment).json()["data"][0][0]
    history = "SELECT QUERY_TAG FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY()) WHERE QUERY_ID = "
    assert run(connection, f"{history}'{body['statementHandle']}'") == [("mine",)]


def test_each_request_has_a_session_of_its_own(client: Client) -> None:
    assert client.submit("CREATE TEMPORARY TABLE MINE (N INT)").status_code == 200
    assert client.submit("SELECT N FROM MINE").json()["code"] == "002003"


# -- several statements -----------------------------------------------------------------------------------------------


def test_several_statements_share_a_session(client: Client) -> None:
    sql = "SET V = 'a;b'; CREATE TEMPORARY TABLE MINE AS SELECT $V AS S; -- a; comment\nSELECT S FROM MINE;"
    answer = client.several(sql, 3)
    body = answer.json()
    assert answer.status_code == 200
    assert body["data"] == [["Multiple statements executed successfully."]]
    assert len(body["statementHandles"]) == 3
    assert client.get(body["statementHandles"][2]).json()["data"] == [["a;b"]]


def test_a_block_is_one_of_several_statements(client: Client) -> None:
    block = "BEGIN LET n := 1; IF (n = 1) THEN INSERT INTO RUNS VALUES (:n); END IF; RETURN n; END"
    body = client.several(f"{block}; BEGIN; INSERT INTO RUNS VALUES (2); COMMIT; SELECT SUM(N) FROM RUNS").json()
    handles = body["statementHandles"]
    assert len(handles) == 5
    assert client.get(handles[0]).json()["data"] == [["1"]]
    assert client.get(handles[4]).json()["data"] == [["3"]]


def test_one_statement_of_a_variable_number_gives_its_rows(client: Client) -> None:
    body = client.several("SELECT 1;").json()
    assert body["data"] == [["1"]]
    assert "statementHandles" not in body


@pytest.mark.parametrize(("sql", "count"), [("SELECT 1; SELECT 2", 1), ("SELECT 1; SELECT 2", 3), ("SELECT 1", 2)])
def test_another_number_of_statements_is_refused(client: Client, sql: str, count: int) -> None:
    answer = client.several(sql, count)
    assert (answer.status_code, answer.json()["code"]) == (422, "000008")
    assert f"did not match the desired statement count {count}" in answer.json()["message"]


def test_the_statements_behind_one_that_fails_do_not_run(client: Client) -> None:
    answer = client.several("INSERT INTO RUNS VALUES (1); SELECT N FROM NOWHERE; INSERT INTO RUNS VALUES (2)")
    body = answer.json()
    assert (answer.status_code, body["code"], body["sqlState"]) == (422, "100132", "P0000")
    assert 'failed on statement "SELECT N FROM NOWHERE"' in body["message"]
    assert "NOWHERE' does not exist" in body["message"]
    assert client.submit("SELECT N FROM RUNS").json()["data"] == [["1"]]


def test_a_transaction_that_is_left_open_is_rolled_back(client: Client) -> None:
    assert client.several("BEGIN; INSERT INTO RUNS VALUES (1)").status_code == 200
    assert client.submit("SELECT COUNT(*) FROM RUNS").json()["data"] == [["0"]]


# -- statements that take long ----------------------------------------------------------------------------------------


def test_an_asynchronous_statement_is_asked_for_later(client: Client) -> None:
    begun = client.submit("CALL TAKES(2)", {"async": "true"})
    body = begun.json()
    assert (begun.status_code, body["code"]) == (202, "333334")
    running = client.get(body["statementHandle"])
    assert (running.status_code, running.json()["statementHandle"]) == (202, body["statementHandle"])
    assert client.outcome(body["statementHandle"]).json()["data"] == [["7"]]


def test_a_repeated_request_runs_once(client: Client) -> None:
    request = {"requestId": str(uuid.uuid4()), "async": "true"}
    begun = [client.submit("INSERT INTO RUNS VALUES (1)", request | more) for more in ({}, {"retry": "true"})]
    handles = {answer.json()["statementHandle"] for answer in begun}
    assert len(handles) == 1
    assert client.outcome(handles.pop()).json()["data"] == [["1"]]
    assert client.submit("SELECT COUNT(*) FROM RUNS").json()["data"] == [["1"]]


@pytest.mark.parametrize("sql", [LONG, f"SELECT 1; {LONG}; INSERT INTO RUNS VALUES (1)"])
def test_a_statement_is_cancelled(client: Client, sql: str) -> None:
    query = {"async": "true"}
    handle = client.submit(sql, query, parameters={"MULTI_STATEMENT_COUNT": "0"}).json()["statementHandle"]
    cancelled = client.post(f"{PATH}/{handle}/cancel")
    assert (cancelled.status_code, cancelled.json()["code"], cancelled.json()["sqlState"]) == (200, "000604", "57014")
    answer = client.outcome(handle)
    assert (answer.status_code, answer.json()["code"]) == (422, "000604")
    assert client.submit("SELECT COUNT(*) FROM RUNS").json()["data"] == [["0"]]
    again = client.post(f"{PATH}/{handle}/cancel")
    assert (again.status_code, again.json()["code"]) == (422, "000605")


def test_a_statement_ends_at_its_timeout(client: Client) -> None:
    answer = client.submit(LONG, timeout=1)
    assert (answer.status_code, answer.json()["code"]) == (408, "000630")


def test_a_timeout_of_0_is_the_longest_there_is(client: Client) -> None:
    sql = "SHOW PARAMETERS LIKE 'STATEMENT_TIMEOUT_IN_SECONDS'"
    assert client.submit(sql, timeout=0).json()["data"][0][1] == "604800"


# -- refusals ---------------------------------------------------------------------------------------------------------


def test_a_statement_that_fails_is_unprocessable(client: Client) -> None:
    answer = client.submit("SELECT N FROM NOWHERE")
    body = answer.json()
    assert (answer.status_code, body["code"], body["sqlState"]) == (422, "002003", "02000")
    assert "NOWHERE" in body["message"]
    assert client.get(body["statementHandle"]).json()["message"] == body["message"]


@pytest.mark.parametrize(
    ("sql", "more", "reason"),
    [
        ("PUT file:///tmp/a @~", {}, "PUT in the SQL API"),
        ("SELECT 1", {"parameters": {"NO_SUCH": 1}}, "parameter NO_SUCH"),
        (
            "SELECT ?; SELECT 2",
            {"parameters": {"MULTI_STATEMENT_COUNT": 2}, "bindings": {"1": {"type": "FIXED", "value": "1"}}},
            "bindings for several statements",
        ),
    ],
)
def test_what_the_sql_api_does_not_have_is_refused_by_name(
    client: Client, sql: str, more: dict[str, Any], reason: str
) -> None:
    answer = client.submit(sql, **more)
    assert (answer.status_code, answer.json()["code"]) == (422, "000002")
    assert reason in answer.json()["message"]


def test_no_statement_at_all_is_refused(client: Client) -> None:
    assert client.submit("-- nothing").json()["code"] == "000900"


@pytest.mark.parametrize(
    "body",
    [
        [1],
        {},
        {"statement": 1},
        {"statement": "\ud800"},
        {"statement": "SELECT 1", "bindings": [1]},
        {"statement": "SELECT ?", "bindings": {"1": "2"}},
        {"statement": "SELECT 1", "parameters": "TIMEZONE"},
        {"statement": "SELECT 1", "timeout": -1},
        {"statement": "SELECT 1", "database": 1},
    ],
)
def test_a_malformed_request_is_refused(client: Client, body: Any) -> None:
    answer = client.post(PATH, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "390142")


def test_a_handle_that_nobody_has_is_not_found(client: Client) -> None:
    handle = str(uuid.uuid4())
    for answer in (client.get(handle), client.post(f"{PATH}/{handle}/cancel")):
        assert (answer.status_code, answer.json()["code"]) == (404, "000709")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Authorization": ""}, "is missing"),
        ({"Authorization": "Basic YTpi"}, "is missing"),
        ({"Authorization": "Bearer wrong"}, "is not the password"),
        ({"X-Snowflake-Authorization-Token-Type": "OAUTH"}, "OAUTH are not supported"),
    ],
)
def test_who_does_not_sign_in_with_the_password_is_refused(
    client: Client, changes: dict[str, str], reason: str
) -> None:
    begun = client.submit("SELECT 1").json()["statementHandle"]
    client.headers |= changes
    for answer in (client.submit("SELECT 1"), client.get(begun), client.post(f"{PATH}/{begun}/cancel")):
        assert answer.status_code == 401
        assert reason in answer.json()["message"]
