"""Column types as Snowflake keeps them, and which of them can become another one without loss."""

import re
from collections.abc import Mapping
from typing import Any

_TYPE = re.compile(r"([A-Z][A-Z0-9_]*(?: PRECISION)?) *(?:\((\d+)(?:, *(\d+))?\))?")
_EXACT = ("NUMBER", "DECIMAL", "DEC", "NUMERIC")
_WHOLE = ("INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT")
_FLOAT = ("FLOAT", "FLOAT4", "FLOAT8", "DOUBLE", "DOUBLE PRECISION", "REAL")
_TEXT = ("VARCHAR", "STRING", "TEXT", "NVARCHAR", "NVARCHAR2")
_CHAR = ("CHAR", "CHARACTER", "NCHAR")
_BINARY = ("BINARY", "VARBINARY")
_MOMENT = {"DATETIME": "TIMESTAMP_NTZ", "TIMESTAMP": "TIMESTAMP_NTZ"}
"""TIMESTAMP is an alias of what TIMESTAMP_TYPE_MAPPING says, by default TIMESTAMP_NTZ."""


def stored_type(declared: str) -> str:
    """The type that Snowflake keeps for a declared one, with its length or precision.

    Source: https://docs.snowflake.com/en/sql-reference/intro-summary-data-types.

    Args:
        declared: Such as ``INT`` or ``VARCHAR(10)``.

    Returns:
        Such as ``NUMBER(38,0)``; a text, a binary or a time without a length or precision has its default.
    """
    match = _TYPE.fullmatch(declared.strip().upper())
    if match is None:
        return declared.strip().upper()
    name, size, scale = match.groups()
    if name in _EXACT:
        return f"NUMBER({size or 38},{scale or 0})"
    if name in _WHOLE:
        return "NUMBER(38,0)"
    if name in _FLOAT:
        return "FLOAT"
    if name in _TEXT:
        return f"VARCHAR({size})" if size else "VARCHAR"
    if name in _CHAR:
        return f"VARCHAR({size or 1})"
    if name in _BINARY:
        return f"BINARY({size})" if size else "BINARY"
    name = _MOMENT.get(name, name)
    return f"{name}({size})" if size and size != "9" else name


def observed_type(column: Mapping[str, Any]) -> str:
    """The type of a column, from its row of INFORMATION_SCHEMA.COLUMNS, in the form of ``stored_type``.

    A text of the greatest length has no length here, because that length depends on the account's age.
    """
    kind = str(column["DATA_TYPE"]).upper()
    length, precision, scale, digits = (
        column[name]
        for name in ("CHARACTER_MAXIMUM_LENGTH", "NUMERIC_PRECISION", "NUMERIC_SCALE", "DATETIME_PRECISION")
    )
    if kind == "NUMBER":
        return f"NUMBER({int(precision)},{int(scale)})"
    if kind in (*_TEXT, *_BINARY):
        name = "BINARY" if kind in _BINARY else "VARCHAR"
        longest = length is None or int(length) >= (8_388_608 if name == "BINARY" else 16_777_216)
        return name if longest else f"{name}({int(length)})"
    return kind if digits is None or int(digits) == 9 else f"{kind}({int(digits)})"


def is_wider(new: str, old: str) -> bool:
    """Whether a column of one type can be altered to another without loss: a longer text, or more digits of a number.

    Source: https://docs.snowflake.com/en/sql-reference/sql/alter-table-column.

    Args:
        new: The declared type, in the form of ``stored_type``.
        old: The type of the column.

    Returns:
        Whether ALTER COLUMN … SET DATA TYPE takes it and nothing is lost.
    """
    before, after = _TYPE.fullmatch(old), _TYPE.fullmatch(new)
    if before is None or after is None or before[1] != after[1] or old == new:
        return False
    if after[1] == "VARCHAR":
        return before[2] is not None and (after[2] is None or int(after[2]) > int(before[2]))
    if after[1] == "NUMBER":
        return int(after[2]) > int(before[2]) and after[3] == before[3]
    return False
