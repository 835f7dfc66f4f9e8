"""Answers of the protocol, and the bytes that clients get of them."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import Response, StreamingResponse

from local_snowflake.errors import SnowflakeError

IN_PROGRESS = "333333"
IN_PROGRESS_ASYNC = "333334"
_MEDIA_TYPE = "application/json"
_ROWS = "rowsetBase64"
# what is sent or encoded at once: in between, other sessions have their turn
_PIECE = 768 * 1024


def render(answer: dict[str, Any]) -> bytes:
    """An answer as JSON of nothing but ASCII, whatever texts it holds; rows in bytes become base64."""
    data = dict(answer["data"])
    rows = data.pop(_ROWS, None)
    if rows is None:
        return json.dumps(answer).encode()
    # base64 needs no escapes: as a text it would be copied and searched, while all other threads wait
    head = json.dumps({**{k: v for k, v in answer.items() if k != "data"}, "data": data}).encode()
    view = memoryview(rows)
    pieces = (base64.b64encode(view[i : i + _PIECE]) for i in range(0, len(view), _PIECE))
    return b"".join((head.removesuffix(b"}}"), f', "{_ROWS}": "'.encode(), *pieces, b'"}}'))


def respond(body: bytes) -> Response:
    """The HTTP response with a rendered answer; a large one goes out piece by piece."""
    if len(body) <= _PIECE:
        return Response(body, media_type=_MEDIA_TYPE)
    return StreamingResponse(_pieces(body), media_type=_MEDIA_TYPE, headers={"Content-Length": str(len(body))})


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), _PIECE):
        yield body[start : start + _PIECE]


def succeeded(data: dict[str, Any]) -> Response:
    """The answer to a request that was done."""
    return respond(render({"data": data, "code": None, "message": None, "success": True}))


def refused(code: str, message: str) -> Response:
    """The answer to a request that was not done."""
    return respond(render({"data": {}, "code": code, "message": message, "success": False}))


def gone() -> Response:
    """The answer to a client without a session: it logs in again or gives up."""
    return refused("390111", "Session no longer exists. New login required to access the service.")


def in_progress(query_id: str, code: str = IN_PROGRESS) -> Response:
    """The answer about a statement that has not ended: the client asks again at the URL."""
    data = {"queryId": query_id, "getResultUrl": f"/queries/{query_id}/result", "queryAbortsAfterSecs": 300}
    return respond(render({"data": data, "code": code, "message": None, "success": True}))


def failed(error: SnowflakeError, query_id: str) -> dict[str, Any]:
    """The answer of a statement that failed."""
    code = f"{error.code:06d}"
    data = {"errorCode": code, "sqlState": error.sqlstate, "queryId": query_id, "internalError": False}
    return {"data": data, "code": code, "message": error.message, "success": False}
