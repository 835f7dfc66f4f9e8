"""Implicit casts: text, numbers, dates, booleans and VARIANT become what an operator or a function takes.

Types are those that are known before the statement runs (``sql.typing.static_types``); what has none stays as it is.

Source: https://docs.snowflake.com/en/sql-reference/data-type-conversion#implicit-casting-coercion
"""

from collections.abc import Callable
from functools import partial

from sqlglot import exp

from local_snowflake.execution.context import Context
from local_snowflake.functions.python_calls import call
from local_snowflake.sql.rewrites import decimals, zoned_times
from local_snowflake.sql.rewrites.naming import exact
from local_snowflake.sql.types import SfType
from local_snowflake.sql.typing import value_types
from local_snowflake.sql.typing.static_types import StaticTypes
from local_snowflake.sql.typing.value_types import BOOLEAN, DATE, FLOAT, LTZ, NTZ, TEXT, VARIANT, WHOLE, number

_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.EqualNull)
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)
_ZONED = {"TIMESTAMP_LTZ", "TIMESTAMP_TZ"}
_TIMES = {"DATE", "TIMESTAMP_NTZ", *_ZONED}
_NUMBERS = {"NUMBER", "FLOAT"}

_T, _N, _D = "this", "expression", "expressions"
# the parameters that take text, numbers, and dates or timestamps
_TEXT_PARAMETERS: dict[type[exp.Expr], tuple[str, ...]] = {
    **dict.fromkeys((exp.Like, exp.ILike, exp.RegexpLike, exp.RegexpCount, exp.StartsWith, exp.EndsWith), (_T, _N)),
    **dict.fromkeys((exp.Contains, exp.RegexpExtract, exp.Levenshtein, exp.Split), (_T, _N)),
    **dict.fromkeys((exp.Upper, exp.Lower, exp.Trim, exp.Reverse, exp.Initcap, exp.Ascii, exp.Left, exp.Right), (_T,)),
    **dict.fromkeys((exp.MD5, exp.SHA, exp.SHA2, exp.Length, exp.Substring, exp.Repeat, exp.GroupConcat), (_T,)),
    **dict.fromkeys((exp.Soundex, exp.ParseJSON, exp.Unicode), (_T,)),
    **dict.fromkeys((exp.Concat, exp.ConcatWs), (_D,)),
    exp.DPipe: (_T, _N),
    exp.Pad: (_T, "fill_pattern"),
    **dict.fromkeys((exp.Replace, exp.RegexpReplace), (_T, _N, "replacement")),
    exp.SplitPart: (_T, "delimiter"),
    exp.Strtok: (_T, "delimiter"),
    exp.StrPosition: (_T, "substr"),
    exp.Translate: (_T, "from_", "to"),
}
_NUMBER_PARAMETERS: dict[type[exp.Expr], tuple[str, ...]] = {
    **dict.fromkeys((exp.Round, exp.Floor, exp.Ceil, exp.Trunc), (_T, "decimals")),
    **dict.fromkeys((exp.Abs, exp.Sign, exp.Sqrt, exp.Cbrt, exp.Exp, exp.Ln, exp.Sin, exp.Cos, exp.Tan), (_T,)),
    **dict.fromkeys((exp.Asin, exp.Acos, exp.Atan, exp.Degrees, exp.Radians, exp.Sum, exp.Avg), (_T,)),
    **dict.fromkeys((exp.Median, exp.Neg), (_T,)),
    **dict.fromkeys((exp.Log, exp.Pow, exp.Atan2), (_T, _N)),
}
_DATE_PARAMETERS: dict[type[exp.Expr], tuple[str, ...]] = {
    **dict.fromkeys((exp.Year, exp.Month, exp.Day, exp.Hour, exp.Minute, exp.Second, exp.Quarter, exp.Week), (_T,)),
    **dict.fromkeys((exp.DayOfWeek, exp.DayOfYear, exp.DayOfMonth, exp.DayOfWeekIso, exp.WeekOfYear), (_T,)),
    **dict.fromkeys((exp.LastDay, exp.Monthname, exp.Dayname, exp.AddMonths, exp.DateAdd, exp.TimestampTrunc), (_T,)),
    **dict.fromkeys((exp.NextDay, exp.PreviousDay), (_T,)),
    **dict.fromkeys((exp.DateDiff, exp.MonthsBetween), (_T, _N)),
    exp.Extract: (_N,),
}
# the parameters that take whole numbers
_WHOLE_PARAMETERS: dict[type[exp.Expr], tuple[str, ...]] = {
    **dict.fromkeys((exp.Left, exp.Right, exp.Pad), (_N,)),
    exp.Repeat: ("times",),
    exp.Substring: ("start", "length"),
    exp.SplitPart: ("part_index",),
}


def coerced(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Cast what an operator or a function of a tree takes as another type, in place."""
    types = StaticTypes(ctx)
    exact.check(types, tree)
    coercions = _Coercions(StaticTypes(ctx) if exact.keep_apart(types, tree) else types)
    nodes = [n for n in tree.walk(bfs=False) if type(n) in _COERCE or isinstance(n, zoned_times.NODES)]
    holder = exp.Paren(this=tree) if tree.parent is None and nodes and nodes[0] is tree else None
    # what is inside comes first: it has its type when what is around it is looked at
    for node in reversed(nodes):
        if isinstance(node, zoned_times.NODES):
            zoned_times.rewrite(coercions.types, node)
        if coerce := _COERCE.get(type(node)):
            coerce(coercions, node)
    return tree if holder is None else holder.this.pop()


class _Coercions:
    def __init__(self, types: StaticTypes) -> None:
        self.types = types

    # -- one value ----------------------------------------------------------------------------------------------------

    def put(self, node: exp.Expr, kind: SfType | None, make: Callable[[exp.Expr], exp.Expr]) -> None:
        """Replace an expression by one that is made of it and has a type."""
        holder = exp.Placeholder()
        node.replace(holder)
        made = make(node)
        self.types.note(made, kind)
        holder.replace(made)

    def to_text(self, node: exp.Expr) -> None:
        kind = self.types.of(node)
        if kind is None or kind.name in {"VARCHAR", "BINARY"} or isinstance(node, exp.Null):
            return
        self.put(node, TEXT, partial(call, "text_of_zoned") if kind.name == "TIMESTAMP_TZ" else _plain)

    def to_number(self, node: exp.Expr, *, exactly: bool = False) -> None:
        """``exactly``: whole numbers of any size compare exactly."""
        kind = self.types.of(node)
        if kind is None or kind.name in _NUMBERS:
            return
        if kind.name == "BOOLEAN":
            # an aggregate of truth values is an error, which the macro of numbers raises
            if isinstance(node.parent, (exp.Sum, exp.Avg, exp.Median)):
                return
            self.put(node, WHOLE, lambda x: exp.cast(x, "INT", dialect="duckdb"))
        elif isinstance(node, exp.Literal) and value_types.is_number(node.this):
            self.put(node, None, lambda x: exp.Literal.number(x.this.strip().lstrip("+")))
            # its type follows from its digits
        elif kind.name in {"VARCHAR", "VARIANT"}:
            function, made = ("exact_number_of", number(12)) if exactly else ("number_of", FLOAT)
            self.put(node, made, lambda x: call(function, _typed(_plain(x) if kind == VARIANT else x)))

    def to_whole(self, node: exp.Expr) -> None:
        kind = self.types.of(node)
        if kind is not None and (kind.name in {"FLOAT", "VARCHAR", "VARIANT"} or kind.scale):
            self.put(node, WHOLE, lambda x: call("rounded_half_up", _plain(x) if kind == VARIANT else x))

    def to_time(self, node: exp.Expr, target: SfType = NTZ) -> None:
        kind = self.types.of(node)
        if kind is None or kind.name not in {"VARCHAR", "VARIANT"}:
            return
        if target.name == "DATE":
            self.put(node, DATE, lambda x: call("date_of", _typed(_plain(x) if kind == VARIANT else x)))
        else:
            function = "timestamp_ltz_of" if target.name in _ZONED else "timestamp_ntz_of"
            zero = exp.Literal.number(0)
            self.put(node, target, lambda x: call(function, _typed(_plain(x) if kind == VARIANT else x), zero))

    def to_boolean(self, node: exp.Expr) -> None:
        kind = self.types.of(node)
        if kind is not None and kind.name in {"VARCHAR", "VARIANT"}:
            self.put(node, BOOLEAN, lambda x: exp.cast(call("truth_of", _plain(x)), "BOOLEAN", dialect="duckdb"))

    # -- values of one type -------------------------------------------------------------------------------------------

    def alike(self, nodes: list[exp.Expr], *, compared: bool) -> None:
        """Cast values that are compared, or of which one is returned, to the type that they have in common."""
        nodes = [n for n in nodes if not isinstance(n, exp.Null)]
        names = {kind.name for n in nodes if (kind := self.types.of(n)) is not None}
        if not compared and {"NUMBER", "VARCHAR"} <= names <= {"NUMBER", "VARCHAR", "BOOLEAN"}:
            nodes = decimals.beside_texts(self.types, nodes)
        if len(names) > 1 or (compared and names == {"VARIANT"}):
            convert = self._to_variant if not compared and "VARIANT" in names else self._converter(names, compared)
            known = all(self.types.of(n) is not None for n in nodes)
            for node in nodes:
                if convert is not None and (known or names != {"VARIANT"}):
                    convert(node)

    def _to_variant(self, node: exp.Expr) -> None:
        kind = self.types.of(node)
        if kind is not None and not kind.is_semi_structured:
            self.put(node, VARIANT, lambda x: call("to_json", call("hex", x) if kind.name == "BINARY" else _typed(x)))

    def _converter(self, names: set[str], compared: bool) -> Callable[[exp.Expr], None] | None:
        """What casts values of types with these names to the one that they have in common."""
        times = names & _TIMES
        if names & _NUMBERS and not names & {*_TIMES, "OBJECT", "ARRAY"}:
            return partial(self.to_number, exactly=compared and "FLOAT" not in names)
        if times:
            target = DATE if times == {"DATE"} else LTZ if times & _ZONED else NTZ
            # DuckDB reads a text that is compared with a time, but for its offset
            as_it_is = compared and not times & _ZONED
            return lambda node: None if as_it_is and value_types.is_iso_time(node) else self.to_time(node, target)
        if "BOOLEAN" in names:
            return self.to_boolean
        if names == {"VARIANT"}:
            return lambda node: self.put(node, None, lambda x: call("variant_order", x))
        return self.to_text if names == {"VARIANT", "VARCHAR"} else None

    def comparison(self, node: exp.Expr) -> None:
        if isinstance(node.expression, (exp.All, exp.Any)):
            self._against_rows(node.this, node.expression.this)
        elif not (isinstance(node.parent, exp.Update) and node.arg_key == "expressions"):
            # what is assigned has the column's type already
            self.alike([node.this, node.expression], compared=True)

    def between(self, node: exp.Expr) -> None:
        self.alike([node.this, node.args["low"], node.args["high"]], compared=True)

    def among(self, node: exp.Expr) -> None:
        query = node.args.get("query")
        if query is None:
            self.alike([node.this, *node.expressions], compared=True)
        else:
            self._against_rows(node.this, query)

    def _against_rows(self, node: exp.Expr, query: exp.Expr) -> None:
        """Cast a value to the type of a subquery's rows, with which it is compared."""
        columns = self.types.output(query)
        target = next(iter(columns.values()), None) if columns else None
        if target is None:
            return
        if target.name in _NUMBERS:
            self.to_number(node, exactly=target.name == "NUMBER")
        elif target.name == "VARCHAR":
            self.to_text(node)
        elif target.name in _TIMES - {"TIMESTAMP_TZ"}:
            self.to_time(node, target)

    def nullif(self, node: exp.Expr) -> None:
        kind = self.types.of(node.this)
        self.alike([node.this, node.expression], compared=True)
        if kind is not None and kind.name == "VARIANT":
            self.types.note(node, self.types.of(node.this))

    def either(self, node: exp.Expr) -> None:
        self.alike([node.this, *node.expressions], compared=False)

    def extreme_of_several(self, node: exp.Expr) -> None:
        """GREATEST and LEAST."""
        self.either(node)
        values = [node.this, *node.expressions]
        if all((kind := self.types.of(v)) is not None and kind.name == "VARIANT" for v in values):
            for value in values:
                self.put(value, VARIANT, lambda x: call("variant_ranked", x))
            self.put(node, VARIANT, lambda x: call("ranked_variant", x))

    def choice(self, node: exp.Expr) -> None:
        results = [i.args["true"] for i in node.args["ifs"]]
        if (default := node.args.get("default")) is not None:
            results.append(default)
        self.alike(results, compared=False)
        if node.this is not None:
            self.alike([node.this, *(i.this for i in node.args["ifs"])], compared=True)

    def condition(self, node: exp.Expr) -> None:
        if isinstance(node.parent, exp.Case) and node.arg_key == "ifs":
            return
        self.alike([n for n in (node.args.get("true"), node.args.get("false")) if n is not None], compared=False)

    def decode(self, node: exp.Expr) -> None:
        subject, *rest = node.expressions
        pairs = len(rest) // 2 * 2
        self.alike([subject, *rest[:pairs:2]], compared=True)
        rest = node.expressions[1:]
        self.alike([*rest[1:pairs:2], *rest[pairs:]], compared=False)

    # -- operators ----------------------------------------------------------------------------------------------------

    def arithmetic(self, node: exp.Expr) -> None:
        left, right = self.types.of(node.this), self.types.of(node.expression)
        names = {kind.name for kind in (left, right) if kind is not None}
        if isinstance(node, (exp.Add, exp.Sub)) and names & _TIMES:
            if "DATE" in names and names & _NUMBERS:
                self._days(node, left)
            elif left is not None and right is not None and isinstance(node, exp.Sub):
                self.alike([node.this, node.expression], compared=False)
            return
        if None not in (left, right) or names & {"VARCHAR", "VARIANT", "BOOLEAN"}:
            for side in (node.this, node.expression):
                if not isinstance(side, exp.Interval):
                    self.to_number(side)
        decimals.computed(self.types, node)

    def _days(self, node: exp.Expr, left: SfType | None) -> None:
        """A date and a number of days: DuckDB adds whole numbers of 32 bits alone."""
        date, days = (node.this, node.expression) if left == DATE else (node.expression, node.this)
        if not isinstance(days, exp.Literal) and (left == DATE or isinstance(node, exp.Add)):
            days = exp.Neg(this=exp.paren(days)) if isinstance(node, exp.Sub) else days
            self.put(node, DATE, lambda _: exp.DateAdd(this=date, expression=days, unit=exp.var("DAY")))

    def average(self, node: exp.Expr) -> None:
        self.parameters(node)
        decimals.averaged(self.types, node)

    def cut(self, node: exp.Expr) -> None:
        self.parameters(node)
        decimals.cut_at(self.types, node)

    def median(self, node: exp.Expr) -> None:
        self.parameters(node)
        decimals.interpolated_argument(self.types, node.this)

    def extreme(self, node: exp.Expr) -> None:
        """MAX and MIN of VARIANT."""
        kind = self.types.of(node.this)
        if kind is None or kind.name != "VARIANT":
            return
        self.types.note(node, VARIANT)
        self.put(node.this, VARIANT, lambda x: call("variant_ranked", x))
        whole = node.parent if isinstance(node.parent, exp.Window) else node
        self.put(whole, VARIANT, lambda x: call("ranked_variant", x))

    def ordered(self, node: exp.Expr) -> None:
        """ORDER BY of a VARIANT."""
        select = node.parent.parent if isinstance(node.parent, exp.Order) else None
        if isinstance(select, exp.WithinGroup) and isinstance(select.this, exp.PercentileCont):
            self.to_number(node.this)
            decimals.interpolated_argument(self.types, node.this)
            return
        key = node.this
        if isinstance(select, exp.Select):
            if select.args.get("distinct"):
                return
            if isinstance(key, exp.Literal) and not key.is_string and "." not in key.this:
                position = int(key.this) - 1
                if any(p.is_star for p in select.expressions) or not 0 <= position < len(select.expressions):
                    return
                key = select.expressions[position].unalias()
        elif not isinstance(select, exp.Window):
            return
        kind = self.types.of(key)
        if kind is not None and kind.name == "VARIANT":
            key = key.copy()
            if isinstance(select, exp.Select) and select.args.get("group") and not key.find(exp.AggFunc, exp.Anonymous):
                # DuckDB does not see that what a macro computes of a group's key has one value in the group
                key = exp.AnyValue(this=key)
            node.set("this", call("variant_order", key))

    def subscript(self, node: exp.Expr) -> None:
        """``v[i]`` with an expression as the index."""
        index = node.expressions[0] if len(node.expressions) == 1 else None
        if index is None or isinstance(index, (exp.Literal, exp.Slice)):
            return
        kind, of_index = self.types.of(node.this), self.types.of(index)
        if kind is not None and kind.is_semi_structured and of_index is not None and of_index.name == "NUMBER":
            node.replace(call("element_at_index", node.this, index))

    def cast(self, node: exp.Expr) -> None:
        decimals.cast(self.types, node)

    def made_object(self, node: exp.Expr) -> None:
        """Timestamps in an object are texts as a cast gives them."""
        for value in node.expressions or ([node.this] if isinstance(node.this, exp.Expr) else []):
            self._timestamp_as_text(
                value.expression if isinstance(value, (exp.JSONKeyValue, exp.PropertyEQ)) else value
            )

    def kept_as_json(self, node: exp.Expr) -> None:
        """Timestamps in what TRANSFORM and OBJECT_AGG make, too."""
        value = node.expression.this if isinstance(node, exp.Transform) else node.args.get("expression")
        self._timestamp_as_text(value or node.this.expressions[1])

    def _timestamp_as_text(self, value: exp.Expr) -> None:
        if (kind := self.types.of(value)) is not None and kind.name in {"TIMESTAMP_NTZ", *_ZONED}:
            self.to_text(value)

    def parameters(self, node: exp.Expr) -> None:
        kind = type(node)
        for parameters, convert in (
            (_TEXT_PARAMETERS, self.to_text),
            (_NUMBER_PARAMETERS, self.to_number),
            (_DATE_PARAMETERS, self.to_time),
            (_WHOLE_PARAMETERS, self.to_whole),
        ):
            for key in parameters.get(kind, ()):
                value = node.args.get(key)
                for argument in value if isinstance(value, list) else [value]:
                    if isinstance(argument, exp.Distinct):
                        convert(argument.expressions[0])
                    elif isinstance(argument, exp.Order):
                        convert(argument.this)
                    elif isinstance(argument, exp.Expr):
                        convert(argument)


def _plain(value: exp.Expr) -> exp.Expr:
    if isinstance(value, exp.JSONExtract) and isinstance(value.expression, exp.JSONPath):
        return exp.paren(exp.JSONExtractScalar(this=value.this, expression=value.expression))
    return call("text_of", value)


def _typed(value: exp.Expr) -> exp.Expr:
    """A literal with a type: DuckDB finds a macro by the types of its arguments."""
    return exp.cast(value, "VARCHAR") if isinstance(value, exp.Literal) and value.is_string else value


_COERCE: dict[type[exp.Expr], Callable[[_Coercions, exp.Expr], None]] = {
    **dict.fromkeys((*_TEXT_PARAMETERS, *_NUMBER_PARAMETERS, *_DATE_PARAMETERS), _Coercions.parameters),
    **dict.fromkeys(_COMPARISONS, _Coercions.comparison),
    **dict.fromkeys(_ARITHMETIC, _Coercions.arithmetic),
    **dict.fromkeys((exp.Greatest, exp.Least), _Coercions.extreme_of_several),
    **dict.fromkeys((exp.Max, exp.Min), _Coercions.extreme),
    **dict.fromkeys((exp.JSONObject, exp.Struct, exp.Array), _Coercions.made_object),
    **dict.fromkeys((exp.Transform, exp.ObjectAgg), _Coercions.kept_as_json),
    **dict.fromkeys((exp.Cast, exp.TryCast), _Coercions.cast),
    exp.Between: _Coercions.between,
    exp.In: _Coercions.among,
    exp.Coalesce: _Coercions.either,
    exp.Nullif: _Coercions.nullif,
    exp.Case: _Coercions.choice,
    exp.If: _Coercions.condition,
    exp.DecodeCase: _Coercions.decode,
    exp.Avg: _Coercions.average,
    exp.Median: _Coercions.median,
    **dict.fromkeys(decimals.VARIANCES, lambda coercions, node: decimals.varied(coercions.types, node)),
    **dict.fromkeys((exp.Floor, exp.Ceil), _Coercions.cut),
    exp.Ordered: _Coercions.ordered,
    exp.Bracket: _Coercions.subscript,
    exp.ArrayFilter: lambda coercions, node: coercions.to_boolean(node.expression.this),
}
