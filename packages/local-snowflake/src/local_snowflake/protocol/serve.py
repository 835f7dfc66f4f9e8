"""The running server: its sockets, its files in the data directory, its start and stop."""

import asyncio
import contextlib
import gc
import json
import os
import secrets
import signal
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import uvicorn

from local_snowflake.account import Account, AccountSettings
from local_snowflake.protocol.certificates import ensure_certificate, write_private
from local_snowflake.protocol.connection import LOOPBACK, STATE, TOKEN
from local_snowflake.protocol.limits import limit_process
from local_snowflake.protocol.routes import ANSWER_SECONDS, Server, widen_thread_pool
from local_snowflake.protocol.slow_clients import PatientProtocol


class UnusableFileError(Exception):
    """A file of the data directory does not hold what it should; the text says which, and what to do."""


class ServerFailedError(Exception):
    """The server ended because its database does not answer any more."""


def serve(
    data_dir: Path,
    host: str,
    port: int,
    hostnames: Sequence[str],
    *,
    user: str,
    settings: AccountSettings,
    answer_seconds: float = ANSWER_SECONDS,
) -> None:
    """Serve an account until SIGINT or SIGTERM; prints one line when it is ready.

    HTTPS listens on ``host`` and ``port``, 0 for a free one; plain HTTP, for clients that cannot trust the certificate,
    on loopback only. A statement's client is asked to come back later after ``answer_seconds``.

    Raises:
        ServerFailedError: if the database does not answer any more.
        UnusableFileError: if the password's file holds none.
        ValueError: if the limit of its memory is none.
    """
    limit_process(os.environ)
    data_dir = data_dir.resolve()
    _make_private(data_dir)
    secret = secret_of(data_dir)
    certificate, key = ensure_certificate(data_dir, hostnames)
    account = Account(data_dir, settings)
    app = Server(account, user, secret, answer_seconds).app()
    common: dict[str, Any] = {
        "http": PatientProtocol,
        "log_level": "warning",
        "lifespan": "off",
        "timeout_graceful_shutdown": 5,
    }
    secure = uvicorn.Server(uvicorn.Config(app, ssl_certfile=str(certificate), ssl_keyfile=str(key), **common))
    plain = uvicorn.Server(uvicorn.Config(app, **common))
    _stop_on_signals(secure, plain)
    failures: list[str] = []

    def fail(reason: str) -> None:
        failures.append(reason)
        secure.should_exit = True

    account.on_failure = fail
    with _listening(host, port) as https, _listening(LOOPBACK, 0) as http:
        state = {
            "pid": os.getpid(),
            "created": psutil.Process().create_time(),  # distinguishes it from a later process with the same number
            "user": user,
            "account": settings.name.lower(),
            "host": "localhost",
            "port": https.getsockname()[1],
            "http_port": http.getsockname()[1],
        }
        account.start({"host": LOOPBACK, "port": state["http_port"]})
        gc.freeze()  # what is there for good is not looked through again and again
        try:
            asyncio.run(_run(secure, plain, (https, http), data_dir, state))
        finally:
            (data_dir / STATE).unlink(missing_ok=True)
            account.close()
    if failures:
        raise ServerFailedError(
            f"The local Snowflake ends, since its database runs no statement any more: {failures[0]}\n"
            f"What was committed is in {data_dir}. If the disk is full, free some space; then start it again."
        )


async def _run(
    secure: uvicorn.Server,
    plain: uvicorn.Server,
    sockets: Sequence[socket.socket],
    data_dir: Path,
    state: dict[str, Any],
) -> None:
    await widen_thread_pool()
    # uvicorn's serve() without its signal handlers: they raise the signal again, and nothing would be closed
    servers = zip((secure, plain), sockets, strict=True)
    tasks = [asyncio.create_task(server._serve([on])) for server, on in servers]
    # uvicorn shows only by a flag that it has started
    while not (secure.started and plain.started) and not any(t.done() for t in tasks):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    write_private(data_dir / STATE, json.dumps(state).encode())
    print(f"ready https://{state['host']}:{state['port']} data {data_dir}", flush=True)
    await tasks[0]
    plain.should_exit = True
    await tasks[1]


def _stop_on_signals(*servers: uvicorn.Server) -> None:
    """Let SIGINT and SIGTERM end the servers; a second one does not wait for their requests."""

    def stop(number: int, frame: object) -> None:
        for server in servers:
            server.force_exit = server.should_exit
            server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    # with the protocol named asyncio switches Nagle's delay off, which would cost 40 ms a statement
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    with contextlib.closing(listener):
        yield listener


def _make_private(data_dir: Path) -> None:
    """Make the directory, and let nobody else read it nor what the server and its workers write from now on."""
    os.umask(0o077)
    data_dir.mkdir(parents=True, exist_ok=True)
    # a mounted directory may be somebody else's
    if data_dir.stat().st_uid == os.getuid():
        data_dir.chmod(0o700)


def secret_of(data_dir: Path) -> str:
    """The password of the data directory, made at its first start.

    Raises:
        UnusableFileError: if its file holds none.
    """
    file = data_dir / TOKEN
    if not file.exists():
        write_private(file, secrets.token_urlsafe(32).encode())
    # clients send it in a header, and as a line of a shell
    secret = file.read_bytes().strip().decode("ascii", errors="replace")
    if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
        why = "is empty" if not secret else "is not one line of printable ASCII without blanks"
        raise UnusableFileError(
            f"{file}, the password of the account, {why}: write one into it, or delete it, and a new one is made."
        )
    return secret
