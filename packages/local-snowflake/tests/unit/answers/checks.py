"""Reads the files of checks, and writes values as those files do.

A file holds sections. A section begins with the page of Snowflake's documentation that its answers come from:

    ## sql-reference/functions/date_trunc
    ! CREATE TABLE T (D DATE)                         a statement that the checks below need
    DATE_TRUNC('month', '2024-01-05'::DATE) => 2024-01-01
    SELECT 1, 'x' UNION ALL SELECT 2, NULL ORDER BY 1 => 1, 'x'; 2, NULL
    1/0 => ERROR 100051
    5/2 => 2.500000 :: NUMBER(7,6) -- deviates: why, for an answer that is another one here
    HLL(D) => 1 -- refused: why, for a statement that is refused by name

What stands before ``=>`` is an expression, or a statement where it begins with SELECT, WITH, SHOW,
TABLE, VALUES, SET, CREATE, DROP, TRUNCATE TABLE, or is DML.
Values are written by type: ``'text'``, numbers with the digits of their scale, floats always with a point or an
exponent, TRUE, dates and times as ISO 8601 (with an offset where the type has one), JSON for VARIANT, OBJECT and ARRAY,
NULL. ``(none)`` is no row. The types of all columns may follow behind ``::``.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from local_snowflake.execution.results import Result
from local_snowflake.sql.types import SfType

HERE = Path(__file__).resolve().parent
DOCUMENTATION = "https://docs.snowflake.com/en/"
_STATEMENT = re.compile(
    r"(SELECT|WITH|SHOW|TABLE|VALUES|INSERT\s+(?:INTO|ALL|FIRST|OVERWRITE)|SET|UPDATE|DELETE|MERGE|CREATE|DROP|TRUNCATE\s+TABLE)\b",
    re.I,
)
_NOTE = re.compile(r"\s+-- (deviates|refused): (.+)$")
_TYPES = re.compile(r"\s+:: ([A-Z_]+(?:\([\d,]+\))?(?:, [A-Z_]+(?:\([\d,]+\))?)*)$")


@dataclass(frozen=True)
class AnswerCheck:
    """A statement and the answer that the documentation gives to it.

    Attributes:
        area: the name of the file.
        page: the page of the documentation, below ``DOCUMENTATION``.
        line: where it stands in the file.
        setup: the statements of its section that come before it.
        sql: the statement.
        expected: the answer as the file writes it, or ``ERROR`` with a code and a part of the message.
        types: the columns' types, where the check names them.
        status: right, deviates or refused.
        reason: why it deviates or is refused.
    """

    area: str
    page: str
    line: int
    setup: tuple[str, ...]
    sql: str
    expected: str
    types: str
    status: str = "right"
    reason: str = ""


def read_checks() -> list[AnswerCheck]:
    """All checks of all files, in order."""
    return [check for path in sorted(HERE.glob("*.answers")) for check in _read(path)]


def _read(path: Path) -> Iterator[AnswerCheck]:
    page = ""
    setup: tuple[str, ...] = ()
    for number, text in enumerate(path.read_text().splitlines(), 1):
        line = text.strip()
        if line.startswith("## "):
            page, setup = line[3:].strip(), ()
        elif line.startswith("! "):
            setup = (*setup, line[2:])
        elif line and not line.startswith("#"):
            yield _check(path.stem, page, number, setup, line)


def _check(area: str, page: str, number: int, setup: tuple[str, ...], line: str) -> AnswerCheck:
    status, reason = "right", ""
    if match := _NOTE.search(line):
        status, reason, line = match[1], match[2], line[: match.start()]
    sql, arrow, expected = line.rpartition(" => ")
    if not arrow or not page:
        raise ValueError(f"{area}.answers:{number}: a check is `statement => answer`, below a line `## page`: {line}")
    types = ""
    if match := _TYPES.search(expected):
        types, expected = match[1], expected[: match.start()]
    statement = sql if _STATEMENT.match(sql) else f"SELECT {sql}"
    return AnswerCheck(area, page, number, setup, statement, expected.strip(), types, status, reason)


def written(result: Result) -> str:
    """The rows of a result as the files write them."""
    kinds = [column.type for column in result.columns]
    rows = ([result.value(column, row) for column in range(len(kinds))] for row in range(result.table.num_rows))
    lines = [", ".join(_value(v, kind) for v, kind in zip(row, kinds, strict=True)) for row in rows]
    return "; ".join(lines) or "(none)"


def types(result: Result) -> str:
    """The types of a result's columns; a text's length is left out."""
    return ", ".join(c.type.name if c.type.name in {"VARCHAR", "BINARY"} else str(c.type) for c in result.columns)


def _value(value: Any, kind: SfType) -> str:
    if value is None:
        return "NULL"
    if kind.is_semi_structured:
        return _json(value)
    if kind.name == "NUMBER":
        return f"{Decimal(value):.{kind.scale}f}"
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, dt.datetime):
        offset = f" {value:%z}" if value.tzinfo else ""
        return f"{value:%Y-%m-%d %H:%M:%S}{_fraction(value.microsecond)}{offset}"
    if isinstance(value, dt.time):
        return f"{value:%H:%M:%S}{_fraction(value.microsecond)}"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    return f"'{value}'" if isinstance(value, str) else str(value).upper()


def _float(value: float) -> str:
    """Thirteen digits are compared: the last ones depend on the order of operations."""
    if not math.isfinite(value):
        return str(value)
    short = f"{value:.13g}"
    return short if re.search(r"[.e]", short) else f"{short}.0"


def _fraction(micros: int) -> str:
    return f".{micros:06d}".rstrip("0") if micros else ""


def _json(value: Any) -> str:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return json.dumps(value)
    return json.dumps(value, default=str, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
