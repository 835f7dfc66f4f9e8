"""What clients send: read and checked, so that every request gets an answer of the protocol."""

import asyncio
import gzip
import io
import json
import logging
import re
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from local_snowflake.errors import log_failure
from local_snowflake.protocol.responses import refused
from local_snowflake.protocol.slow_clients import BODY_SECONDS

logger = logging.getLogger(__name__)
_LARGE = 64 * 1024
LARGEST_LOGIN, LARGEST_BODY = 256 * 1024, 256 * 1024**2
"""The bytes of a body, as it is sent and as it is read: of a client that has not signed in, and of one that has."""
Endpoint = Callable[[Request], Awaitable[Response]]
INTERNAL = "Internal error: the local Snowflake failed at this request; its log has the reason."


class MalformedRequestError(Exception):
    """A request that does not follow the protocol; the text says how."""


async def body_of(request: Request, largest: int = LARGEST_BODY) -> dict[str, Any]:
    """The JSON object that a request carries; an empty one if it carries nothing.

    Args:
        request: the client's.
        largest: how many bytes its body may have, compressed or not.

    Raises:
        MalformedRequestError: if it carries something else, more, or nothing for ``BODY_SECONDS``.
    """
    raw = await _received(request, largest)
    zipped = request.headers.get("Content-Encoding") == "gzip"
    # what is large, or may become so, holds up nobody else
    return await run_in_threadpool(_read, raw, zipped, largest) if zipped or len(raw) > _LARGE else _read(raw)


async def _received(request: Request, largest: int) -> bytes:
    parts: list[bytes] = []
    size, stream = 0, request.stream()
    while True:
        try:
            part = await asyncio.wait_for(anext(stream, None), BODY_SECONDS)
        except TimeoutError:
            raise MalformedRequestError(f"its body did not go on for {BODY_SECONDS:g} seconds") from None
        except ClientDisconnect:
            raise MalformedRequestError("the client ended the connection in the middle of the body") from None
        if part is None:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
        if size > largest:
            raise _too_large(largest)


def _too_large(largest: int) -> MalformedRequestError:
    return MalformedRequestError(f"the body has more than {largest} bytes: send less at once, large data by PUT")


def _read(raw: bytes, zipped: bool = False, largest: int = LARGEST_BODY) -> dict[str, Any]:
    try:
        if zipped and raw:
            raw = gzip.GzipFile(fileobj=io.BytesIO(raw)).read(largest + 1)
            if len(raw) > largest:
                raise _too_large(largest)
        body = json.loads(raw) if raw else {}
    except (OSError, EOFError, zlib.error):
        raise MalformedRequestError("the body is not compressed by gzip, or not whole") from None
    except RecursionError:
        raise MalformedRequestError("the body is nested too deeply") from None
    except ValueError as error:
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise MalformedRequestError(f"the body is no JSON{where}") from None
    if not isinstance(body, dict):
        raise MalformedRequestError("the body is no JSON object")
    return body


async def login_of(request: Request) -> dict[str, Any]:
    """What a client sends when it logs in.

    Raises:
        MalformedRequestError: if that is no object.
    """
    data = (await body_of(request, LARGEST_LOGIN)).get("data", {})
    if not isinstance(data, dict) or not isinstance(data.get("SESSION_PARAMETERS") or {}, dict):
        raise MalformedRequestError('"data" and its "SESSION_PARAMETERS" have to be objects')
    for key in ("LOGIN_NAME", "PASSWORD", "TOKEN"):
        _unicode(str(data.get(key) or ""), f'"{key}"')
    return data


async def statement_of(request: Request) -> dict[str, Any]:
    """A statement's text, bind values and parameters.

    Raises:
        MalformedRequestError: if the text is missing or no valid Unicode, or the others are no objects.
    """
    body = await body_of(request)
    _text(body, "sqlText")
    _bindings(body)
    _object(body, "parameters")
    return body


@dataclass(frozen=True)
class Submission:
    """What a client of the SQL API submits.

    Attributes:
        statement: the text of one statement or several.
        bindings: number -> {"type", "value"}, as in the client protocol.
        parameters: session parameters for the statement.
        context: the database, schema, warehouse and role to run it in, as far as they are given, in the case they have.
        timeout: after how many seconds it is canceled; 0 for the longest time there is, None for the parameter's.
    """

    statement: str
    bindings: dict[str, Any]
    parameters: dict[str, Any]
    context: dict[str, str]
    timeout: int | None


async def submission_of(request: Request) -> Submission:
    """The statement that a client of the SQL API submits.

    Raises:
        MalformedRequestError: if the text is missing or no valid Unicode, or another field is not of its type.
    """
    body = await body_of(request)
    names = {key: body.get(key) or "" for key in ("database", "schema", "warehouse", "role")}
    if wrong := [key for key, name in names.items() if not isinstance(name, str)]:
        raise MalformedRequestError(f'"{wrong[0]}" has to be a text')
    bindings = _bindings(body)
    timeout = body.get("timeout")
    if timeout is not None and not re.fullmatch(r"[0-9]{1,9}", str(timeout)):
        raise MalformedRequestError('"timeout" has to be a number of seconds, 0 or more')
    return Submission(
        statement=_text(body, "statement"),
        bindings=bindings,
        parameters=_object(body, "parameters"),
        context={key: name for key, name in names.items() if name},
        timeout=None if timeout is None else int(timeout),
    )


def _text(body: dict[str, Any], key: str) -> str:
    text = body.get(key)
    if not isinstance(text, str):
        raise MalformedRequestError(f'"{key}" has to be a text')
    return _unicode(text, f'"{key}"')


def _unicode(text: str, what: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise MalformedRequestError(f"{what} is no valid Unicode at character {error.start}") from None
    return text


def _bindings(body: dict[str, Any]) -> dict[str, Any]:
    """The bind values: by numbers from 1 on, a type and a text, none, or a list of those for many rows."""
    bindings = _object(body, "bindings")
    for number, binding in bindings.items():
        if not number.isdecimal():
            raise MalformedRequestError('"bindings" has to have numbers as its keys')
        if not isinstance(binding, dict) or not {"type", "value"} <= set(binding):
            raise MalformedRequestError(f'"bindings" has to have a "type" and a "value" for {number}')
        values = binding["value"] if isinstance(binding["value"], list) else [binding["value"]]
        if not isinstance(binding["type"], str) or any(isinstance(value, (dict, list)) for value in values):
            raise MalformedRequestError(f'"bindings" has to have texts as type and value for {number}')
        for value in values:
            _unicode(str(value), f"the bind value {number}")
    return bindings


def _object(body: dict[str, Any], key: str) -> dict[str, Any]:
    value = body.get(key) or {}
    if not isinstance(value, dict):
        raise MalformedRequestError(f'"{key}" has to be an object')
    return value


def answering(endpoint: Endpoint) -> Endpoint:
    """An endpoint that answers whatever happens: clients repeat a request that fails with HTTP 500."""

    @wraps(endpoint)
    async def guarded(request: Request) -> Response:
        try:
            return await endpoint(request)
        except MalformedRequestError as error:
            return refused("390142", f"Incoming request does not contain a valid payload: {error}")
        except Exception as error:  # noqa: BLE001 (it is logged, and answered)
            log_failure(logger, f"unexpected failure of {request.method} {request.scope['path']}", error)
            return refused("000603", INTERNAL)

    return guarded
