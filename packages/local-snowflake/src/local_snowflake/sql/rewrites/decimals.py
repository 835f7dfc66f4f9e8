"""Arithmetic of NUMBERs with Snowflake's scales, where DuckDB would give a float or another scale.

Source: https://docs.snowflake.com/en/sql-reference/operators-arithmetic
"""

from sqlglot import exp

from local_snowflake.functions.python_calls import call
from local_snowflake.sql import trees
from local_snowflake.sql.types import MAX_TEXT, SfType
from local_snowflake.sql.typing.static_types import StaticTypes
from local_snowflake.sql.typing.value_types import (
    FLOAT,
    PRECISION,
    exact_in_floats,
    interpolated,
    is_number,
    number,
    quotient_scale,
    variance_scale,
)

_QUOTIENT = "quotient"
_ROUNDED, _ROUNDED_FLOAT = "rounded_half_up", "rounded_float"
# an argument of a macro is repeated where it is used: divisions in divisions would grow by powers
_DEEPEST = 3
# what is not to be evaluated more than once
_ONCE = (exp.Rand, exp.Query, exp.Subquery)
_MACROS = {_QUOTIENT, "number_of", "text_of", _ROUNDED, _ROUNDED_FLOAT, "exact_number_of", "round", "date_of"}
_MACROS |= {f"{_QUOTIENT}_long", "fitting_number", "float_of_number", "digits_of", "truth_of"}
# the variance that each standard deviation is the root of
_ROOTS: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.Stddev: exp.Variance,
    exp.StddevSamp: exp.Variance,
    exp.StddevPop: exp.VariancePop,
}
VARIANCES: tuple[type[exp.Expr], ...] = (exp.Variance, exp.VariancePop, *_ROOTS)
# digits of what DuckDB computes in 64 bits, and of the number of rows
_LONG = 18
_ROWS = 12


def computed(types: StaticTypes, node: exp.Expr) -> None:
    """A quotient or product of NUMBERs with its scale; whole numbers beyond 64 bits."""
    left, right = types.of(node.this), types.of(node.expression)
    if left is None or right is None or {left.name, right.name} != {"NUMBER"}:
        return
    kind = types.of(node)
    if kind is None or kind.name != "NUMBER":
        return
    if isinstance(node, exp.Div):
        scale = quotient_scale(left.scale)
        made = _quotient(node.this, left, node.expression, right, scale)
        types.note(made, number(scale))
        node.replace(made)
    elif isinstance(node, exp.Mul) and left.scale + right.scale > kind.scale:
        product = exp.Mul(this=node.this.copy(), expression=node.expression.copy())
        made = exp.cast(call("round", product, exp.Literal.number(kind.scale)), _type(kind.scale), dialect="duckdb")
        types.note(made, kind)
        node.replace(made)
    elif isinstance(node, (exp.Add, exp.Sub, exp.Mul)) and left.scale == right.scale == 0:
        long = max(left.precision, right.precision)
        if isinstance(node, exp.Mul) and long < PRECISION:
            long = left.precision + right.precision
        # a column of NUMBER(38,0) is stored in 64 bits: see the README
        if _LONG < long < PRECISION or any(_is_long(side) for side in (node.this, node.expression)):
            if _is_call(node.this, "fitting_number"):
                # one check for a chain of operators: DuckDB takes a limited depth
                node.set("this", exp.paren(node.this.unnest().expressions[0]))
            else:
                node.set("this", exp.cast(node.this, "HUGEINT", dialect="duckdb"))
            made = call("fitting_number", node.copy())
            types.note(made, kind)
            node.replace(made)


def averaged(types: StaticTypes, node: exp.Expr) -> None:
    """AVG of NUMBERs: the exact sum by the number of values.

    Over a window that slides it has three digits more, and what is behind them is cut off. Sources:
    https://docs.snowflake.com/en/sql-reference/functions/avg and, for the cut, the expected values of Snowpark's tests.
    """
    argument = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
    kind = types.of(argument)
    if kind is None or kind.name != "NUMBER":
        return
    if isinstance(node.parent, exp.Filter):
        types.note(node, FLOAT)
        return
    scale = quotient_scale(kind.scale)
    whole = node.parent if isinstance(node.parent, exp.Window) and node.arg_key == "this" else node
    parts = []
    for function in (exp.Sum, exp.Count):
        part = whole.copy()
        if part is not whole and isinstance(part, exp.Window):
            part.set("this", function(this=node.this.copy()))
        else:
            part = function(this=node.this.copy())
        parts.append(part)
    total, count = parts
    divisor = exp.Nullif(this=count, expression=exp.Literal.number(0))
    if trees.slides(whole):
        scale = interpolated(kind).scale
        cut = exp.IntDiv(this=_scaled(total, kind.scale, scale), expression=divisor)
        digits = exp.Mul(this=exp.cast(cut, _type(0), dialect="duckdb"), expression=_power(-scale))
        made: exp.Expr = exp.cast(digits, _type(scale), dialect="duckdb")
    else:
        summed = number(kind.scale, min(kind.precision + _ROWS, PRECISION))
        made = _quotient(total, summed, divisor, number(0), scale)
    types.note(made, number(scale))
    whole.replace(made)


def varied(types: StaticTypes, node: exp.Expr) -> None:
    """A variance of NUMBERs is a NUMBER; a standard deviation is the root of that one."""
    argument = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
    kind = types.of(argument)
    if kind is None or kind.name != "NUMBER" or isinstance(node.parent, exp.Filter):
        return
    scale = variance_scale(kind.scale)
    whole = node.parent if isinstance(node.parent, exp.Window) and node.arg_key == "this" else node
    variance = _ROOTS.get(type(node), type(node))(this=node.this.copy())
    if whole is not node:
        window = whole.copy()
        window.set("this", variance)
        variance = window
    made: exp.Expr = exp.cast(variance, _type(scale), dialect="duckdb")
    if type(node) in _ROOTS:
        made = exp.Sqrt(this=exp.cast(made, "DOUBLE", dialect="duckdb"))
    types.note(made, FLOAT if type(node) in _ROOTS else number(scale))
    whole.replace(made)


def cut_at(types: StaticTypes, node: exp.Expr) -> None:
    """FLOOR and CEIL of a NUMBER: exact, where DuckDB's of a whole number and a power of ten are floats."""
    kind, digits = types.of(node.this), node.args.get("decimals")
    if digits is None and kind is not None and kind.name == "NUMBER" and not kind.scale:
        digits = exp.Literal.number(0)
    sign = -1 if isinstance(digits, exp.Neg) else 1
    digits = digits.this if isinstance(digits, exp.Neg) else digits
    if kind is None or kind.name != "NUMBER" or not isinstance(digits, exp.Literal) or not digits.this.isdigit():
        return
    places = sign * int(digits.this)
    scale = min(max(places, 0), kind.scale)
    exact = exp.cast(node.this.copy(), _type(kind.scale), dialect="duckdb")
    if places >= kind.scale:
        made: exp.Expr = exact if kind.scale else node.this.copy()
    else:
        whole = type(node)(this=exp.Mul(this=exact, expression=_power(places)))
        made = exp.cast(exp.Mul(this=whole, expression=_power(-places)), _type(scale), dialect="duckdb")
    types.note(made, number(scale))
    node.replace(made)


def interpolated_argument(types: StaticTypes, node: exp.Expr) -> None:
    """The NUMBERs of MEDIAN and PERCENTILE_CONT with the scale of what is between two of them."""
    kind = types.of(node)
    if kind is None or kind.name != "NUMBER":
        return
    target = interpolated(kind)
    made = exp.cast(node.copy(), _type(target.scale), dialect="duckdb")
    # what they are taken of keeps its own type: that of the result follows from it
    types.note(made, kind)
    node.replace(made)


def beside_texts(types: StaticTypes, nodes: list[exp.Expr]) -> list[exp.Expr]:
    """Values of which some are NUMBERs and some are texts, which become numbers; what is left to convert is returned.

    A constant that is no number is an error only if it is the one that counts. Texts of columns become floats: a NUMBER
    with them is refused if a float has not all of its digits.
    """
    kinds = [types.of(node) for node in nodes]
    scale = max((kind.scale for kind in kinds if kind is not None and kind.name == "NUMBER"), default=0)
    constant = [isinstance(node, exp.Literal) and node.is_string for node in nodes]
    is_read = any(kind and kind.name == "VARCHAR" and not c for kind, c in zip(kinds, constant, strict=True))
    rest = []
    for node, kind in zip(nodes, kinds, strict=True):
        made = node
        if isinstance(node, exp.Literal) and node.is_string and not is_number(node.this):
            made = exp.cast(node.copy(), _type(scale), dialect="duckdb")
            types.note(made, number(scale))
        elif is_read and kind is not None and kind.name == "NUMBER" and not exact_in_floats(kind):
            made = call("float_of_number", node.copy())
            types.note(made, FLOAT)
        if made is not node:
            node.replace(made)
        rest.append(made)
    return rest


def cast(types: StaticTypes, node: exp.Expr) -> None:
    """Casts of a FLOAT to a whole number round half away from zero; of a text to VARCHAR(n) cut it."""
    kind, of_value = types.of(node), types.of(node.this)
    if kind is None:
        return
    if kind.name == "NUMBER" and kind.scale == 0 and _is_long(node.this):
        node.set("to", exp.DataType.build("HUGEINT", dialect="duckdb"))
    elif kind.name == "VARCHAR" and kind.length < MAX_TEXT and _has_size(node) and not isinstance(node.this, exp.Null):
        size = exp.Literal.number(kind.length)
        node.set("to", exp.DataType.build("VARCHAR"))
        node.replace(call("left", node.copy(), size))
    elif kind.name == "NUMBER" and kind.scale == 0 and not isinstance(node.this, exp.Null):
        # TRY_CAST would not see an error of what is inside
        unknown = of_value is None and not isinstance(node, exp.TryCast)
        if _is_call(node.this, _ROUNDED, _ROUNDED_FLOAT):
            return
        if unknown or (of_value is not None and of_value.name in {"FLOAT", "VARIANT"}):
            is_float = of_value is not None and of_value.name == "FLOAT"
            node.set("this", call(_ROUNDED_FLOAT if is_float else _ROUNDED, node.this))


def _is_call(node: exp.Expr, *names: str) -> bool:
    value = node.unnest()
    return isinstance(value, exp.Anonymous) and value.name in names


def _has_size(node: exp.Expr) -> bool:
    return bool(node.args["to"].expressions)


def _quotient(dividend: exp.Expr, left: SfType, divisor: exp.Expr, right: SfType, scale: int) -> exp.Expr:
    """``dividend / divisor`` as a NUMBER of a scale, computed in whole numbers; left and right are their types."""
    power = scale + right.scale - left.scale
    # whole numbers are stored in 64 bits
    is_long = left.scale and left.precision + power + left.scale >= PRECISION
    if is_long or (right.scale and right.precision + right.scale >= PRECISION):
        of_sides = (exp.Literal.number(10**left.scale), exp.Literal.number(10**right.scale))
        sides = (
            exp.cast(side.copy(), _type(kind.scale), dialect="duckdb")
            for side, kind in ((dividend, left), (divisor, right))
        )
        return call(f"{_QUOTIENT}_long", *sides, *of_sides, _power(power), _power(-scale))
    numerator = _scaled(dividend, left.scale, scale + right.scale)
    denominator = _scaled(divisor, right.scale, right.scale)
    # a call may be one of a function in Python
    once = any(_calls(side) or side.find(*_ONCE) or _depth(side) >= _DEEPEST for side in (dividend, divisor))
    return call(_QUOTIENT + ("_once" if once else ""), numerator, denominator, _power(-scale))


def _scaled(value: exp.Expr, scale: int, power: int) -> exp.Expr:
    """A value of a scale by a power of ten, as a whole number."""
    exact = exp.cast(value.copy(), _type(scale) if scale else "HUGEINT", dialect="duckdb")
    product = exact if power == 0 else exp.Mul(this=exact, expression=_power(power))
    return product if scale == 0 else exp.cast(product, "HUGEINT", dialect="duckdb")


def _power(power: int) -> exp.Expr:
    if power >= 0:
        return exp.Literal.number("1" + "0" * power)
    return exp.Literal.number("0." + "0" * (-power - 1) + "1")


def _type(scale: int) -> str:
    return f"DECIMAL({PRECISION}, {scale})"


def _depth(node: exp.Expr) -> int:
    """How many quotients there are in an expression."""
    return sum(1 for n in node.find_all(exp.Anonymous) if n.name == _QUOTIENT)


def _calls(node: exp.Expr) -> bool:
    return any(n.name not in _MACROS for n in node.find_all(exp.Anonymous))


def _is_long(node: exp.Expr) -> bool:
    if _is_call(node, "digits_of"):
        node = node.unnest().expressions[0]
    return isinstance(node, exp.Literal) and node.this.strip("-").isdigit() and len(node.this) > _LONG
