"""Requests that no client sends: too large, half, without end, nonsense; each has an answer, and the server goes on."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
from collections.abc import Callable
from typing import Any

import pytest
import requests
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.testclient import TestClient
from tests.attack.conftest import LONG, SHORT
from tests.attack.test_statements import INTERNAL
from tests.server.test_protocol import Client

from local_snowflake.errors import log_failure
from local_snowflake.protocol import requests as bodies
from local_snowflake.protocol import slow_clients
from local_snowflake.protocol.routes import Server
from local_snowflake.protocol.slow_clients import PatientProtocol, WrongPasswords
from local_snowflake.testing import LocalSnowflake
from local_snowflake.users import key_pair_tokens

LOGIN, QUERY, SQL_API = "/session/v1/login-request", "/queries/v1/query-request", "/api/v2/statements"
PATHS = (LOGIN, QUERY, SQL_API, "/session", "/session/heartbeat", "/queries/v1/abort-request", "/telemetry/send")
OTHERS = (
    "/queries/x/result",
    "/monitoring/queries/x",
    f"{SQL_API}/x",
    f"{SQL_API}/x/cancel",
    "/stage-files/x/y",
    "/%00",
)
MALFORMED, WRONG, TOO_MANY, INVALID_TOKEN = "390142", "390100", "390422", "390144"
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)
KEYS = ("data", "sqlText", "bindings", "parameters", "statement", "timeout", "requestId", "describeOnly", "asyncExec")
objects = st.dictionaries(st.one_of(st.sampled_from(KEYS), st.text(max_size=6)), values, max_size=6)
logins = st.dictionaries(st.sampled_from(["LOGIN_NAME", "TOKEN", "SESSION_PARAMETERS", "CLIENT_APP_ID"]), values)
payloads = st.one_of(
    objects.map(lambda found: json.dumps(found).encode()),
    logins.map(lambda found: json.dumps({"data": found}).encode()),
    st.binary(max_size=60),
)


@pytest.fixture(scope="module")
def client(local_snowflake: LocalSnowflake) -> Client:
    return Client(local_snowflake.connection())


def has_an_answer(client: Client, method: str, path: str, body: bytes, headers: dict[str, str]) -> None:
    answer = requests.request(method, client.url + path, data=body, headers=headers, timeout=60)
    if answer.status_code == 200 and path != "/health":
        assert isinstance(answer.json(), dict)
    assert answer.status_code < 500
    assert not INTERNAL.search(answer.text)


REQUEST = {
    "method": st.sampled_from(["POST", "POST", "POST", "GET", "PUT", "DELETE"]),
    "path": st.one_of(st.sampled_from((*PATHS, *OTHERS)), st.text(max_size=10).map(lambda text: "/" + text)),
    "body": payloads,
    "zipped": st.sampled_from([None, "says", "is"]),
    "signed_in": st.booleans(),
}


def tried(client: Client, method: str, path: str, body: bytes, zipped: str | None, signed_in: bool) -> None:
    # a wrong password is answered late, which is a test of its own: here it is no text
    if path == LOGIN:
        body = body.replace(b"{", b'{"PASSWORD": "\\ud800", ') if b'"data": {' in body else b"x" + body
    headers = {"Content-Encoding": "gzip"} if zipped else {}
    if signed_in:
        headers |= client.headers
    has_an_answer(client, method, path, gzip.compress(body) if zipped == "is" else body, headers)


@settings(settings.get_profile("attack"), max_examples=SHORT, derandomize=True)
@given(**REQUEST)
def test_a_request_by_chance_has_an_answer(
    client: Client, method: str, path: str, body: bytes, zipped: str | None, signed_in: bool
) -> None:
    tried(client, method, path, body, zipped, signed_in)


@pytest.mark.slow
@pytest.mark.timeout(0)
@settings(settings.get_profile("attack"), max_examples=LONG)
@given(**REQUEST)
def test_many_requests_by_chance_have_answers(
    client: Client, method: str, path: str, body: bytes, zipped: str | None, signed_in: bool
) -> None:
    tried(client, method, path, body, zipped, signed_in)


def test_a_body_is_small_before_login(client: Client) -> None:
    large = json.dumps({"data": {"PASSWORD": "x" * bodies.LARGEST_LOGIN}}).encode()
    for body, headers in ((large, {}), (gzip.compress(large), {"Content-Encoding": "gzip"})):
        answer = requests.post(client.url + LOGIN, body, headers=headers, timeout=60).json()
        assert (answer["code"], "more than" in answer["message"]) == (MALFORMED, True)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_body_is_no_larger_than_the_limit_before_and_after_it_is_unzipped(zipped: bool) -> None:
    raw = json.dumps({"sqlText": "x" * 100_000}).encode()
    sent = gzip.compress(raw) if zipped else raw
    parts = [sent[i : i + 4096] for i in range(0, len(sent), 4096)]
    with pytest.raises(bodies.MalformedRequestError, match="more than 1000 bytes"):
        asyncio.run(bodies.body_of(_request(parts, zipped=zipped), 1000))
    assert asyncio.run(bodies.body_of(_request(parts, zipped=zipped), 200_000)) == json.loads(raw)


def test_a_body_that_does_not_go_on_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.01)
    with pytest.raises(bodies.MalformedRequestError, match="did not go on"):
        asyncio.run(bodies.body_of(_request([b"{"], ends=False), 1000))


def _request(parts: list[bytes], *, zipped: bool = False, ends: bool = True) -> Any:
    """A request whose body comes in parts, and ends or never does."""
    left = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    left += [{"type": "http.request", "body": b"", "more_body": False}] if ends else []

    async def receive() -> Any:
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    headers = [(b"content-encoding", b"gzip")] if zipped else []
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


@pytest.mark.parametrize("sent", [b"", b"POST /x HTTP/1.1\r\na: b\r\n", b"GET /x HTTP/1.1\r\n" + b"a: b\r\n" * 20_000])
def test_a_connection_that_sends_no_whole_request_is_closed(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(slow_clients, "HEAD_SECONDS", 0.2)

    def talk(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            try:
                connection.sendall(sent)
                return connection.recv(100)
            except ConnectionError:
                return b""

    assert _served(talk) == b""


def test_a_connection_with_requests_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_clients, "HEAD_SECONDS", 30)

    def talk(port: int) -> list[bytes]:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            found = []
            for _ in range(3):
                connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
                connection.sendall(b"\r\n")
                found.append(connection.recv(1000)[:12])
            return found

    assert _served(talk) == [b"HTTP/1.1 204"] * 3


def _served(talk: Callable[[int], Any]) -> Any:
    """What ``talk`` gets of an application that answers 204 over the server's protocol."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def run() -> Any:
        listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(app, http=PatientProtocol, log_level="error", lifespan="off", timeout_keep_alive=60)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve([listener]))
        try:
            return await asyncio.to_thread(talk, listener.getsockname()[1])
        finally:
            server.should_exit = server.force_exit = True
            await serving

    return asyncio.run(run())


def test_wrong_passwords_are_answered_one_by_one_and_later_each_time() -> None:
    slept: list[float] = []
    at_once: list[int] = []
    time = 0.0

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        at_once.append(sum(1 for task in tasks if not task.done()))
        await asyncio.sleep(0)

    tasks: list[asyncio.Task[None]] = []

    async def guess(guard: WrongPasswords, count: int) -> bool:
        tasks.extend(asyncio.create_task(guard.delay()) for _ in range(count))
        await asyncio.sleep(0)
        many = guard.too_many
        await asyncio.gather(*tasks)
        return many

    guard = WrongPasswords(sleep, lambda: time)
    assert not asyncio.run(guess(guard, 6))
    assert slept == sorted(slept)
    assert slept[0] < slept[-1]
    assert at_once == [6, 5, 4, 3, 2, 1]
    time = 10_000.0
    slept.clear()
    tasks.clear()
    guard = WrongPasswords(sleep, lambda: time)
    assert asyncio.run(guess(guard, 40))
    assert not guard.too_many


def test_a_wrong_password_is_delayed_and_the_right_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    delayed: list[str] = []

    class Guard(WrongPasswords):
        async def delay(self) -> None:
            delayed.append("delayed")

    monkeypatch.setattr("local_snowflake.protocol.routes.WrongPasswords", Guard)
    account: Any = _NoAccount()
    client = TestClient(Server(account, "U", "secret").app())
    body = {"data": {"LOGIN_NAME": "U", "PASSWORD": "guess"}}
    assert client.post(LOGIN, json=body).json()["code"] == WRONG
    assert client.get(f"{SQL_API}/x", headers={"Authorization": "Bearer guess"}).status_code == 401
    forged = {"LOGIN_NAME": "U", "AUTHENTICATOR": "SNOWFLAKE_JWT", "TOKEN": "a.b.c"}
    assert client.post(LOGIN, json={"data": forged}).json()["code"] == INVALID_TOKEN
    # whoever names a key pair does not get in by the password
    assert client.post(LOGIN, json={"data": forged | {"PASSWORD": "secret"}}).json()["code"] == INVALID_TOKEN
    assert client.get(f"{SQL_API}/x", headers={"Authorization": "Bearer a.b.c"}).json()["code"] == INVALID_TOKEN
    assert delayed == ["delayed"] * 5
    assert client.get(f"{SQL_API}/x", headers={"Authorization": "Bearer secret"}).status_code == 404
    assert delayed == ["delayed"] * 5


class _NoAccount:
    """What the routes ask of an account before a client has signed in."""

    history = None

    class sessions:  # noqa: N801
        """None."""

        @staticmethod
        def find(_: str) -> None:
            return None

    @staticmethod
    def check_key_pair_token(token: str, user: str, oldest: float) -> None:
        """No user has a key."""
        key_pair_tokens.check(token, "LOCAL", user, {}, oldest)

    class transfers:  # noqa: N801
        """None."""

        @staticmethod
        def routes() -> list[Any]:
            return []


@pytest.mark.parametrize("level", [logging.WARNING, logging.DEBUG])
def test_the_log_has_a_value_only_where_it_is_asked_for(caplog: pytest.LogCaptureFixture, level: int) -> None:
    caplog.set_level(level)
    value = "of a client"
    try:
        raise KeyError(value)
    except KeyError as error:
        log_failure(logging.getLogger("x"), "statement 1 failed", error)
    assert "KeyError at" in caplog.text
    assert ("of a client" in caplog.text) == (level == logging.DEBUG)


@pytest.mark.parametrize(
    "bindings",
    [{"1": "x"}, {"x": {"type": "TEXT", "value": "1"}}, {"1": {"type": 1, "value": "1"}}, {"1": {"type": "TEXT"}}, [1]],
)
def test_malformed_binds_are_refused(client: Client, bindings: Any) -> None:
    answer = client.post(QUERY, {"sqlText": "SELECT ?", "bindings": bindings})
    assert answer["code"] == MALFORMED
    assert not INTERNAL.search(answer["message"])
