"""FLATTEN's rows of one value: https://docs.snowflake.com/en/sql-reference/functions/flatten."""

import json
import re
from collections.abc import Iterator
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*\Z")


def expand(text: str, path: str, recursive: bool, mode: str) -> str:
    """The rows of a value as a JSON array of objects with the keys k, p, i, v and t.

    Args:
        text: the value as JSON.
        path: its path in the value that the statement names; the rows' paths start with it.
        recursive: whether nested values are expanded, too.
        mode: OBJECT, ARRAY or BOTH: what is expanded.
    """
    return json.dumps(list(_rows(json.loads(text), path, recursive, mode.upper())), ensure_ascii=False)


def _rows(value: Any, path: str, recursive: bool, mode: str) -> Iterator[dict[str, Any]]:
    for key, index, inner, below in _children(value, path, mode):
        yield {"k": key, "i": index, "p": below, "v": inner, "t": value}
        if recursive:
            yield from _rows(inner, below, recursive, mode)


def _children(value: Any, path: str, mode: str) -> Iterator[tuple[str | None, int | None, Any, str]]:
    if isinstance(value, dict) and mode != "ARRAY":
        for key in sorted(value):
            name = key if _PLAIN.match(key) else "['" + key.replace("'", "\\'") + "']"
            dot = "." if path and not name.startswith("[") else ""
            yield key, None, value[key], f"{path}{dot}{name}"
    if isinstance(value, list) and mode != "OBJECT":
        for index, inner in enumerate(value):
            yield None, index, inner, f"{path}[{index}]"
