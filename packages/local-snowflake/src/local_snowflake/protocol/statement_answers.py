"""Answers of the SQL API: the rows of a statement in partitions, or its error."""

import gzip
import json
import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from local_snowflake.errors import SnowflakeError
from local_snowflake.execution import results
from local_snowflake.execution.encoding import text_rows
from local_snowflake.execution.results import COPY, DML, Result

PATH = "/api/v2/statements"
# Snowflake chooses how large a partition is; a client cannot
PARTITION_ROWS = 10_000
_TIMED_OUT = 630
_MEDIA_TYPE = "application/json"
_COUNTED = re.compile(r"number of rows (inserted|updated|deleted)")


@dataclass(frozen=True)
class StatementAnswer:
    """How a statement ended: an HTTP status, a body, and the partitions of the rows behind those in the body."""

    status: HTTPStatus
    body: bytes
    # zipped
    further: Sequence[bytes] = ()

    def __len__(self) -> int:
        """The size in bytes."""
        return len(self.body) + sum(map(len, self.further))

    @property
    def partitions(self) -> int:
        """How many partitions there are; the first one is in the body."""
        return 1 + len(self.further)

    def response(self, partition: int) -> Response:
        """The HTTP response with a partition, counted from 0."""
        if partition == 0:
            return Response(self.body, self.status, media_type=_MEDIA_TYPE)
        headers = {"Content-Encoding": "gzip"}
        return Response(self.further[partition - 1], self.status, headers, media_type=_MEDIA_TYPE)


def result_set(result: Result, handle: str, request_id: str, null: str | None) -> StatementAnswer:
    """The answer with the rows of a statement; ``null`` stands for NULL.

    Args:
        result: the rows and their columns.
        handle: the statement's.
        request_id: the client's, empty if it gave none.
        null: None for JSON's null.
    """
    return _answer(result, handle, request_id, null, {})


def several(handle: str, request_id: str, handles: Sequence[str]) -> StatementAnswer:
    """The answer to a request of several statements: their handles, with which the client asks for their results."""
    return _answer(results.several(handle, handles, ()), handle, request_id, None, {"statementHandles": list(handles)})


def _answer(result: Result, handle: str, request_id: str, null: str | None, more: dict[str, Any]) -> StatementAnswer:
    rows = text_rows(result)
    if null is not None:
        rows = [[null if value is None else value for value in row] for row in rows]
    partitions = [rows[i : i + PARTITION_ROWS] for i in range(0, len(rows), PARTITION_ROWS)] or [[]]
    encoded = [json.dumps({"data": partition}).encode() for partition in partitions[1:]]
    further = [gzip.compress(partition) for partition in encoded]
    sizes = [len(json.dumps(partitions[0])), *map(len, encoded)]
    information: list[dict[str, int]] = [
        {"rowCount": len(partition), "uncompressedSize": size}
        for partition, size in zip(partitions, sizes, strict=True)
    ]
    for described, zipped in zip(information[1:], further, strict=True):
        described["compressedSize"] = len(zipped)
    body = {
        "resultSetMetaData": {
            "numRows": len(rows),
            "format": "jsonv2",
            "partitionInfo": information,
            "rowType": [column.row_type() for column in result.columns],
        },
        "data": partitions[0],
        "code": "090001",
        "message": "Statement executed successfully.",
        "requestId": request_id or str(uuid.uuid4()),
        **_location(handle),
        **_stats(result),
        **more,
    }
    return StatementAnswer(HTTPStatus.OK, json.dumps(body).encode(), further)


def _location(handle: str) -> dict[str, Any]:
    return {
        "sqlState": "00000",
        "statementHandle": handle,
        "statementStatusUrl": f"{PATH}/{handle}?requestId={uuid.uuid4()}",
        "createdOn": int(time.time() * 1000),
    }


def _stats(result: Result) -> dict[str, Any]:
    """How many rows a DML statement has changed."""
    if result.type_id < DML or result.type_id == COPY:
        return {}
    (row,) = result.table.to_pylist()
    counts = {match[1]: count for name, count in row.items() if (match := _COUNTED.fullmatch(name))}
    return {
        "stats": {f"numRows{kind.capitalize()}": counts.get(kind, 0) for kind in ("inserted", "updated", "deleted")}
    }


def status_of(handle: str, error: SnowflakeError) -> dict[str, Any]:
    """What the SQL API says of a statement that did not succeed."""
    return {**_location(handle), "code": f"{error.code:06d}", "sqlState": error.sqlstate, "message": error.message}


def failure(error: SnowflakeError, handle: str) -> StatementAnswer:
    """The answer of a statement that failed, or ran longer than its timeout."""
    timed_out = error.code == _TIMED_OUT
    http_status = HTTPStatus.REQUEST_TIMEOUT if timed_out else HTTPStatus.UNPROCESSABLE_ENTITY
    return StatementAnswer(http_status, json.dumps(status_of(handle, error)).encode())
