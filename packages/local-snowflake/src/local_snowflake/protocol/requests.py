"""What clients send: read and checked, so that every request gets an answer of the protocol."""

import gzip
import json
import logging
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from local_snowflake.protocol.responses import refused

logger = logging.getLogger(__name__)
_LARGE = 64 * 1024
Endpoint = Callable[[Request], Awaitable[Response]]


class MalformedRequestError(Exception):
    """A request that does not follow the protocol; the text says how."""


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON object that a request carries; an empty one if it carries nothing.

    Raises:
        MalformedRequestError: if it carries something else.
    """
    raw = await request.body()
    zipped = request.headers.get("Content-Encoding") == "gzip"
    return await run_in_threadpool(_read, raw, zipped) if len(raw) > _LARGE else _read(raw, zipped)


def _read(raw: bytes, zipped: bool) -> dict[str, Any]:
    try:
        body = json.loads(gzip.decompress(raw) if zipped else raw) if raw else {}
    except (ValueError, OSError, EOFError, zlib.error, RecursionError) as error:
        raise MalformedRequestError(f"the body is no JSON: {type(error).__name__}: {error}") from None
    if not isinstance(body, dict):
        raise MalformedRequestError("the body is no JSON object")
    return body


async def login_of(request: Request) -> dict[str, Any]:
    """What a client sends when it logs in.

    Raises:
        MalformedRequestError: if that is no object.
    """
    data = (await body_of(request)).get("data", {})
    if not isinstance(data, dict) or not isinstance(data.get("SESSION_PARAMETERS") or {}, dict):
        raise MalformedRequestError('"data" and its "SESSION_PARAMETERS" have to be objects')
    return data


async def statement_of(request: Request) -> dict[str, Any]:
    """A statement's text, bind values and parameters.

    Raises:
        MalformedRequestError: if the text is missing or no valid Unicode, or the others are no objects.
    """
    body = await body_of(request)
    _text(body, "sqlText")
    for key in ("bindings", "parameters"):
        _object(body, key)
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
    bindings = _object(body, "bindings")
    for number, binding in bindings.items():
        if not isinstance(binding, dict) or not {"type", "value"} <= set(binding):
            raise MalformedRequestError(f'"bindings" has to have a "type" and a "value" for {number}')
    timeout = body.get("timeout")
    if timeout is not None and not str(timeout).isdigit():
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
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise MalformedRequestError(f'"{key}" is no valid Unicode: {error}') from None
    return text


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
        except Exception as error:
            logger.exception("unexpected failure of %s %s", request.method, request.url.path)
            return refused("000603", f"Internal error: {type(error).__name__}: {error}")

    return guarded
