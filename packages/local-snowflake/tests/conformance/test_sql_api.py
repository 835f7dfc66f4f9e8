"""The SQL API: the numbered semantics A1 - A4.

On a real account its token is the connection's password, a programmatic access token: it is skipped without one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from tests.conformance.account import Account
from tests.conformance.marks import deviates

Ask = Callable[..., requests.Response]
PATH = "/api/v2/statements"


@pytest.fixture
def ask(snowflake_connection: dict[str, Any], account: Account) -> Ask:
    """Sends a request: a statement's text and the fields of its body, or a path behind that of the statements."""
    settings = {"protocol": "https", "host": f"{snowflake_connection['account']}.snowflakecomputing.com", "port": 443}
    settings |= snowflake_connection
    if "password" not in settings:
        pytest.skip("the connection has no password: a programmatic access token")
    url = f"{settings['protocol']}://{settings['host']}:{settings['port']}{PATH}"
    headers = {
        "Authorization": f"Bearer {settings['password']}",
        "X-Snowflake-Authorization-Token-Type": "PROGRAMMATIC_ACCESS_TOKEN",
        "Accept": "application/json",
        "User-Agent": "conformance/1.0",
    }
    context = {"database": account.one("SELECT CURRENT_DATABASE()"), "schema": "PUBLIC"}
    context |= {key: settings[key] for key in ("warehouse", "role") if key in settings}

    def send(
        sql: str = "", path: str = "", cancel: bool = False, token_type: str = "", **more: Any
    ) -> requests.Response:
        used = headers | ({"X-Snowflake-Authorization-Token-Type": token_type} if token_type else {})
        query = {"async": more.pop("asynchronous", "false")} if sql else {}
        body = {"statement": sql, **context, **more} if sql else {}
        method = "POST" if sql or cancel else "GET"
        return requests.request(method, url + path, params=query, json=body or None, headers=used, timeout=120)

    return send


def test_a1_rows(ask: Ask) -> None:
    """A statement gives its rows as texts, and the types of its columns; bindings stand for question marks."""
    body = ask("SELECT ? AS N, '1970-01-03'::DATE AS D", bindings={"1": {"type": "FIXED", "value": "7"}}).json()
    assert body["data"] == [["7", "2"]]
    assert [(c["name"], c["type"]) for c in body["resultSetMetaData"]["rowType"]] == [("N", "fixed"), ("D", "date")]
    failed = ask("SELECT * FROM NOWHERE")
    assert (failed.status_code, failed.json()["code"]) == (422, "002003")


def test_a2_several_statements(ask: Ask) -> None:
    """Several statements of a request share a session and each has a handle; their number is that of the request."""
    sql = "CREATE TEMPORARY TABLE T AS SELECT 1 AS N; SELECT N FROM T"
    handles = ask(sql, parameters={"MULTI_STATEMENT_COUNT": "2"}).json()["statementHandles"]
    assert ask(path=f"/{handles[1]}").json()["data"] == [["1"]]
    assert "did not match the desired statement count 1" in ask(sql).json()["message"]


def test_a3_asynchronous_statements(ask: Ask) -> None:
    """An asynchronous statement is asked for by its handle, and cancelled by it."""
    begun = ask(
        "SELECT COUNT(*) FROM TABLE(GENERATOR(ROWCOUNT => 1000000)) A, TABLE(GENERATOR(ROWCOUNT => 1000000)) B",
        asynchronous="true",
    )
    assert begun.status_code == 202
    handle = begun.json()["statementHandle"]
    assert ask(path=f"/{handle}").status_code == 202
    assert ask(path=f"/{handle}/cancel", cancel=True).json()["code"] == "000604"


@deviates("a client signs in with a programmatic access token, the user's password, or a key pair's; OAuth is refused")
def test_a4_signing_in(ask: Ask) -> None:
    """A request signs in with a token; one whose token is wrong for its type gets HTTP 401."""
    assert ask("SELECT 1").status_code == 200
    assert ask("SELECT 1", token_type="KEYPAIR_JWT").status_code == 401
