"""What breaks between a client and the server: nothing is half there, and nothing is done twice."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import snowflake.connector
from tests.server.connections import run
from tests.server.test_protocol import Client

from local_snowflake.testing import LocalSnowflake

ROWS, SIZE = 5, 200_000


class Proxy:
    """A proxy on loopback, which ends a connection after so many bytes of an answer as ``cuts`` says, one by one."""

    def __init__(self, port: int) -> None:
        self.cuts: list[int] = []
        self.cut = 0
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._port))
            for source, target, answers in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._copy, args=(source, target, answers), daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        try:
            while data := source.recv(65_536):
                if answers and self.cuts:
                    self.cut += 1
                    target.sendall(data[: self.cuts.pop(0)])
                    break
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture(scope="module")
def connection(local_snowflake: LocalSnowflake) -> Iterator[snowflake.connector.SnowflakeConnection]:
    with snowflake.connector.connect(**local_snowflake.connection()) as made:
        run(made, "CREATE OR REPLACE DATABASE T_FAULTS")
        run(made, "CREATE TABLE T (ID INT)")
        run(made, "CREATE STAGE ST")
        yield made


@pytest.mark.parametrize("through", [0, 1, 40])
def test_a_statement_whose_answer_is_cut_runs_once(
    local_snowflake: LocalSnowflake, connection: snowflake.connector.SnowflakeConnection, through: int
) -> None:
    run(connection, "TRUNCATE TABLE T")
    arguments = local_snowflake.connection()
    proxy = Proxy(arguments["port"])
    try:
        with snowflake.connector.connect(
            **{**arguments, "port": proxy.port}, database="T_FAULTS", schema="PUBLIC"
        ) as own:
            for number in range(ROWS):
                proxy.cuts = [through]
                run(own, f"INSERT INTO T VALUES ({number})")
            proxy.cuts = []
    finally:
        proxy.close()
    assert proxy.cut == ROWS
    assert run(connection, "SELECT ID FROM T ORDER BY ID") == [(number,) for number in range(ROWS)]


def upload_url(client: Client) -> str:
    """The URL of a file that a PUT statement opens."""
    client.statement("USE SCHEMA T_FAULTS.PUBLIC")
    data = client.statement("PUT 'file:///tmp/whole.csv' @ST AUTO_COMPRESS = FALSE OVERWRITE = TRUE")["data"]
    return str(data["stageInfo"].get("presignedUrl") or data["presignedUrls"][0])


def test_a_client_that_dies_during_put_leaves_nothing(
    local_snowflake: LocalSnowflake, connection: snowflake.connector.SnowflakeConnection, tmp_path: Path
) -> None:
    url = urlsplit(upload_url(Client(local_snowflake.connection())))
    head = f"PUT {url.path} HTTP/1.1\r\nHost: x\r\nContent-Length: {SIZE}\r\n\r\n".encode()
    for sent in (b"", b"1\n" * 10, b"1\n" * (SIZE // 4)):
        with socket.create_connection((url.hostname or "", url.port or 0)) as broken:
            broken.sendall(head + sent)
            broken.shutdown(socket.SHUT_WR)
            broken.recv(1000)
    assert run(connection, "LIST @ST") == []
    assert [file for file in local_snowflake.data_dir.rglob("*") if ".incoming" in file.parts and file.is_file()] == []
    whole = tmp_path / "whole.csv"
    whole.write_text("1\n2\n")
    run(connection, f"PUT 'file://{whole}' @ST AUTO_COMPRESS = FALSE")
    run(connection, "TRUNCATE TABLE T")
    run(connection, "COPY INTO T FROM @ST FILE_FORMAT = (TYPE = CSV)")
    run(connection, "COPY INTO T FROM @ST FILE_FORMAT = (TYPE = CSV)")
    assert run(connection, "SELECT ID FROM T ORDER BY ID") == [(1,), (2,)]


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD"])
def test_a_grant_that_is_none_opens_no_file(local_snowflake: LocalSnowflake, method: str) -> None:
    client = Client(local_snowflake.connection())
    for path in ("/stage-files/x/whole.csv", "/stage-files//token", "/stage-files/x/../../token"):
        answer = requests.request(method, client.url + path, data=b"x", timeout=60)
        assert answer.status_code in {400, 404, 405}


def test_a_session_that_has_ended_is_named_and_not_repeated(local_snowflake: LocalSnowflake) -> None:
    client = Client(local_snowflake.connection())
    client.post("/session?delete=true", {})
    answer: dict[str, Any] = client.statement("SELECT 1")
    assert (answer["success"], answer["code"]) == (False, "390111")
