"""Answers as bytes: ASCII whatever they hold, rows as base64, sent in pieces."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from local_snowflake.protocol.responses import render, respond


@pytest.mark.parametrize("size", [0, 1, 768 * 1024, 2_000_001])
def test_rows_become_base64(size: int) -> None:
    rows = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    rendered = json.loads(render({"code": None, "data": {"total": 1, "rowsetBase64": rows}, "success": True}))
    assert base64.b64decode(rendered["data"].pop("rowsetBase64")) == rows
    assert rendered == {"code": None, "data": {"total": 1}, "success": True}


def test_texts_are_ascii() -> None:
    answer = {"data": {"text": "é\udce9"}, "success": True}
    assert render(answer).isascii()
    assert json.loads(render(answer)) == answer


@pytest.mark.parametrize("size", [10, 5_000_000])
def test_a_large_body_is_sent_in_pieces_of_a_known_length(size: int) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(dict(message))

    async def receive() -> Any:
        await asyncio.Event().wait()

    body = b"x" * size
    asyncio.run(respond(body)({"type": "http", "asgi": {"spec_version": "2.4"}}, receive, send))
    assert dict(sent[0]["headers"])[b"content-length"] == str(size).encode()
    pieces = [m["body"] for m in sent[1:]]
    assert b"".join(pieces) == body
    assert max(map(len, pieces)) < 1_000_000
