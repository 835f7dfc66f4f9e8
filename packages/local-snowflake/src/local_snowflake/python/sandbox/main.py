"""The life of one worker process: set up once, then one call after the other until the server closes the socket."""

import json
import os
import resource
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pyarrow as pa

from local_snowflake.python.sandbox.functions import evaluate_scalar
from local_snowflake.python.sandbox.modules import find_handler, prepare
from local_snowflake.python.sandbox.procedures import call_procedure
from local_snowflake.python.sandbox.scoring import evaluate_model
from local_snowflake.python.sandbox.tables import evaluate_aggregate, evaluate_table

_HERE = str(Path(__file__).parent)
_EVALUATORS = {
    "scalar": evaluate_scalar,
    "model": evaluate_model,
    "procedure": call_procedure,
    "table": evaluate_table,
    "aggregate": evaluate_aggregate,
}


def serve(connection: Connection, life: int) -> None:
    """Answer requests until the socket is closed.

    A request is a JSON header and, if the header has ``rows``, an arrow stream; so is an answer.

    Args:
        connection: the socket to the server.
        life: a pipe's end that turns readable when the server is gone: then the process ends, whatever it does.
    """
    # a model version's folder is imported from: nothing may be written next to its modules
    sys.dont_write_bytecode = True
    threading.Thread(target=_end_with_server, args=(life,), daemon=True).start()
    while True:
        try:
            header = json.loads(connection.recv_bytes())
            batch = read_table(connection.recv_bytes()) if header.get("rows") else pa.table({})
        except EOFError:
            return
        try:
            table = _answer(header, batch)
        except BaseException as error:  # noqa: BLE001 (a handler may raise anything, SystemExit too: it fails this call)
            connection.send_bytes(json.dumps(describe_error(error)).encode())
        else:
            connection.send_bytes(json.dumps({"ok": True, "rows": table is not None}).encode())
            if table is not None:
                connection.send_bytes(write_table(table))


def _answer(header: dict[str, Any], batch: pa.Table) -> pa.Table | None:
    if header["do"] == "setup":
        limit = header.get("memory")
        if limit:
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        prepare(header["imports"], header["code"])
        return None
    handler = find_handler(header["handler"])
    return _EVALUATORS[header["kind"]](handler, header, batch)


def _end_with_server(life: int) -> None:
    os.read(life, 1)
    # the handler's own children go with it
    os.killpg(0, signal.SIGKILL)


def describe_error(error: BaseException) -> dict[str, Any]:
    """An error as the server reports it: the traceback without the frames of this package."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(_HERE)]
    lines = traceback.format_exception_only(error)
    if frames:
        lines = ["Traceback (most recent call last):\n", *traceback.format_list(frames), *lines]
    if cause := error.__cause__:
        inner = describe_error(cause)["traceback"]
        lines = [inner, "\nThe above exception was the direct cause of the following exception:\n\n", *lines]
    return {"ok": False, "type": type(error).__name__, "traceback": "".join(lines).rstrip("\n")}


def read_table(data: bytes) -> pa.Table:
    """An arrow table of its stream."""
    with pa.ipc.open_stream(pa.py_buffer(data)) as reader:
        return reader.read_all()


def write_table(table: pa.Table) -> memoryview:
    """An arrow table as a stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return memoryview(sink.getvalue())
