"""The types of values that are computed of others: scales of NUMBERs, and the type that several values have in common.

Source: https://docs.snowflake.com/en/sql-reference/operators-arithmetic
"""

import re
from collections.abc import Callable, Mapping, Set
from functools import cache

from sqlglot import exp

from local_snowflake.sql.types import SfType, parse_type

TEXT, FLOAT, BOOLEAN, DATE, BINARY = map(parse_type, ("VARCHAR", "FLOAT", "BOOLEAN", "DATE", "BINARY"))
NTZ, LTZ, TZ, TIME = (parse_type(name) for name in ("TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ", "TIME"))
VARIANT, ARRAY, OBJECT = (parse_type(name) for name in ("VARIANT", "ARRAY", "OBJECT"))
WHOLE = SfType("NUMBER", 18, 0)
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?")
# the parts that leave a date a date
_OF_DATES = {"YEAR", "QUARTER", "MONTH", "WEEK", "DAY"}
# what the parser reads and DuckDB computes in 128 bits
PRECISION = 38
_EXACT_IN_FLOATS = 15
_SCALE_OF_QUOTIENT, _LARGEST_SCALE = 6, 12


def number(scale: int, precision: int = PRECISION) -> SfType:
    """A NUMBER; a scale is at most as large as the precision."""
    return SfType("NUMBER", precision, min(scale, precision))


def exact_in_floats(kind: SfType) -> bool:
    """Whether a float has all digits of a NUMBER of a type."""
    return kind.precision <= _EXACT_IN_FLOATS


def quotient_scale(dividend: int) -> int:
    """The scale of a quotient, and of an average, of a NUMBER of a scale."""
    return max(dividend, min(dividend + _SCALE_OF_QUOTIENT, _LARGEST_SCALE))


def variance_scale(scale: int) -> int:
    """The scale of a variance of NUMBERs of a scale: a quotient of squares.

    Source: https://docs.snowflake.com/en/sql-reference/functions/var_pop
    """
    return quotient_scale(product_scale(scale, scale))


def interpolated(kind: SfType) -> SfType:
    """The type of a value between two NUMBERs.

    Source: https://docs.snowflake.com/en/sql-reference/functions/percentile_cont
    """
    return number(kind.scale + 3)


def product_scale(left: int, right: int) -> int:
    """The scale of a product of two NUMBERs."""
    return min(left + right, max(left, right, _LARGEST_SCALE))


def common(kinds: list[SfType | None]) -> SfType | None:
    """The type of what may be any of several values, eg: of COALESCE; None if one is not known."""
    if not kinds or None in kinds:
        return None
    names = {kind.name for kind in kinds if kind is not None}
    if names == {"NUMBER"}:
        return number(max(k.scale for k in kinds if k), max(k.precision - k.scale for k in kinds if k) + 20)
    for name in ("VARIANT", "FLOAT"):
        if name in names:
            return VARIANT if name == "VARIANT" else FLOAT
    if "NUMBER" in names:
        return FLOAT
    if "TIMESTAMP_TZ" in names:
        return TZ
    if len(names) == 1:
        return kinds[0]
    return None


def united(
    left: Mapping[str, SfType | None] | None,
    right: Mapping[str, SfType | None] | None,
    left_nulls: Set[int],
    right_nulls: Set[int],
) -> dict[str, SfType | None] | None:
    """The columns of a set operation, with the names of the left query; None if those of one are not known.

    Args:
        left: the columns of the left query.
        right: those of the right one.
        left_nulls: the places of the left query's columns that are NULL in all rows: they have the other's type.
        right_nulls: those of the right one.
    """
    if left is None or right is None or len(left) != len(right):
        return None
    columns: dict[str, SfType | None] = {}
    for place, ((name, kind), other) in enumerate(zip(left.items(), right.values(), strict=True)):
        columns[name] = other if place in left_nulls else kind if place in right_nulls else common([kind, other])
    return columns


def of_digits(text: str) -> SfType:
    """The type of a number as a statement writes it."""
    if not text.replace(".", "", 1).isdigit():
        return FLOAT
    whole, _, fraction = text.partition(".")
    precision = len(whole.lstrip("0")) + len(fraction)
    return number(len(fraction), max(precision, 1)) if precision <= PRECISION else FLOAT


def is_number(text: str) -> bool:
    """Whether a text is a number that a statement could write without quotes."""
    try:
        return float(text.strip()) not in {float("inf"), float("-inf")} and "_" not in text and "n" not in text.lower()
    except ValueError:
        return False


def is_iso_time(node: exp.Expr) -> bool:
    """Whether a node is a text that DuckDB reads as the same date or timestamp as an account does."""
    return isinstance(node, exp.Literal) and bool(_ISO.fullmatch(node.this))


def of_time(node: exp.Expr, of: Callable[[exp.Expr], SfType | None]) -> SfType | None:
    """The type of a function that makes a timestamp, or moves one; ``of`` gives the types of other expressions."""
    if isinstance(node, (exp.UnixToTime, exp.StrToTime)):
        target = node.args.get("target_type")
        return of_cast(target) if isinstance(target, exp.DataType) else None
    if isinstance(node, exp.ConvertTimezone):
        return TZ if node.args.get("source_tz") is None else NTZ
    sides = (node.this, node.expression) if isinstance(node, (exp.Add, exp.Sub)) else ()
    moved = node.this if isinstance(node, (exp.DateAdd, exp.TimeAdd, exp.TimestampAdd, exp.AddMonths)) else None
    if any(isinstance(side, exp.Interval) for side in sides):
        moved = next((side for side in sides if not isinstance(side, exp.Interval)), None)
    kind = of(moved) if moved is not None else None
    if kind is None or kind.name.startswith("TIMESTAMP") or kind.name == "TIME":
        return kind
    if kind.name == "DATE" and not sides:
        # a date plus hours is none
        return DATE if isinstance(node, exp.AddMonths) or node.text("unit").upper() in _OF_DATES else NTZ
    # what an interval's text makes of a date; a text becomes a TIMESTAMP_NTZ
    return None


@cache
def _name_of(kind: exp.DType) -> str:
    return exp.DataType(this=kind).sql(dialect="snowflake")


def _spelled(kind: exp.DataType) -> str:
    """The text of a type; to print the tree costs too much for what is asked of every cast in a statement."""
    others = [value for key, value in kind.args.items() if value and key not in {"this", "nested", "expressions"}]
    if others or not isinstance(kind.this, exp.DType):
        return kind.sql(dialect="snowflake")
    if not kind.expressions:
        return _name_of(kind.this)
    sizes = [size.name for size in kind.expressions if isinstance(size, exp.DataTypeParam) and not size.expression]
    if len(sizes) < len(kind.expressions):
        return kind.sql(dialect="snowflake")
    return f"{_name_of(kind.this)}({', '.join(sizes)})"


def of_cast(kind: exp.DataType) -> SfType | None:
    """The type that a cast names; None for one that the local Snowflake does not have."""
    text = _spelled(kind)
    if kind.this in {exp.DType.ARRAY, exp.DType.MAP, exp.DType.OBJECT}:
        text = text.split("(", 1)[0]
    try:
        return parse_type(text)
    except ValueError:
        return None
