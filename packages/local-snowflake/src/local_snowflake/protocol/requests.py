"""What clients send: read and checked, so that every request gets an answer of the protocol."""

import gzip
import json
import logging
import zlib
from collections.abc import Awaitable, Callable
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
    text = body.get("sqlText")
    if not isinstance(text, str):
        raise MalformedRequestError('"sqlText" has to be a text')
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise MalformedRequestError(f'"sqlText" is no valid Unicode: {error}') from None
    for key in ("bindings", "parameters"):
        if not isinstance(body.get(key) or {}, dict):
            raise MalformedRequestError(f'"{key}" has to be an object')
    return body


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
