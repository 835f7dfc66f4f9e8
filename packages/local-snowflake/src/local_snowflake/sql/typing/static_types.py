"""The types of expressions as a statement's text and the catalog give them, before anything runs.

What cannot be known, eg: the result of a function of the account, has no type here: None.

Source of the results' types: https://docs.snowflake.com/en/sql-reference/operators-arithmetic
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

from sqlglot import exp

from local_snowflake.catalog.objects import StreamProps
from local_snowflake.errors import SnowflakeError
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import SOURCE_COLUMNS
from local_snowflake.sql import trees
from local_snowflake.sql.names import Name
from local_snowflake.sql.types import SfType, parse_type
from local_snowflake.sql.typing.function_types import of_function
from local_snowflake.sql.typing.value_types import (
    BOOLEAN,
    DATE,
    FLOAT,
    PRECISION,
    TEXT,
    VARIANT,
    WHOLE,
    common,
    interpolated,
    is_number,
    number,
    of_cast,
    of_digits,
    of_time,
    product_scale,
    quotient_scale,
    united,
    variance_scale,
)

_OF_THEIR_ARGUMENT = (
    *(exp.Paren, exp.Alias, exp.Neg, exp.Window, exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls),
    *(exp.Max, exp.Min, exp.AnyValue, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue, exp.Distinct),
    *(exp.Abs, exp.TimestampTrunc, exp.DateTrunc, exp.Ordered, exp.ArgMax, exp.ArgMin, exp.Mode, exp.TimeSlice),
)
# the columns of FLATTEN
_FLATTENED = {"SEQ": WHOLE, "KEY": TEXT, "PATH": TEXT, "INDEX": WHOLE, "VALUE": VARIANT, "THIS": VARIANT}
# the columns of SPLIT_TO_TABLE
_SPLIT = {"SEQ": WHOLE, "INDEX": WHOLE, "VALUE": TEXT}
Columns = Mapping[str, SfType | None]
COLUMNS = "columns"  # those of a source, where who puts it into a tree knows them
_NOTHING: Columns = {}
# rows of VALUES whose types are asked for: Snowpark sends no more
_LOOKED_AT = 512


class StaticTypes:
    """The types of a statement's expressions, each found once.

    The names of the tree are upper case and its tables are not resolved, apart from a DML statement's target.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        # the nodes are kept with what is found: an id is a node's as long as the node is there
        self._kinds: dict[int, tuple[exp.Expr, SfType | None]] = {}
        self._sources: dict[int, tuple[exp.Expr, dict[str, Columns | None]]] = {}
        self._outputs: dict[int, tuple[exp.Expr, Columns | None]] = {}
        self._finders: dict[type[exp.Expr], Callable[[Any], SfType | None]] = {
            exp.Literal: lambda node: TEXT if node.is_string else of_digits(node.this),
            exp.Column: self._column,
            exp.Parameter: self._parameter,
            exp.Cast: self._cast,
            exp.ToVariant: self._variant,
            exp.ParseJSON: self._parsed,
            exp.Subquery: self._subquery,
            exp.Binary: self._arithmetic,
            **dict.fromkeys((exp.Median, exp.PercentileCont), self._between_values),
        }

    def of(self, node: exp.Expr) -> SfType | None:
        """The type of an expression."""
        if (found := self._kinds.get(id(node))) is None:
            # a column that refers to itself, eg: of a recursive query, has no type
            self._kinds[id(node)] = (node, None)
            found = self._kinds[id(node)] = (node, self._find(node))
        return found[1]

    def note(self, node: exp.Expr, kind: SfType | None) -> None:
        """Let an expression that was made have a type."""
        self._kinds[id(node)] = (node, kind)

    def _find(self, node: exp.Expr) -> SfType | None:
        kind = next((k for t, find in self._finders.items() if isinstance(node, t) and (k := find(node))), None)
        if kind is not None or isinstance(node, (exp.Column, exp.Cast, exp.Subquery, exp.All, exp.Any)):
            # what follows ALL or ANY is no value
            return kind
        if fixed := of_function(node):
            return fixed
        if isinstance(node, _OF_THEIR_ARGUMENT):
            return self.of(node.this) if isinstance(node.this, exp.Expr) else None
        return self._of_several(node)

    def _cast(self, node: exp.Cast) -> SfType | None:
        kind = of_cast(node.to)
        return self._variant(node) if kind == VARIANT else kind

    def _variant(self, node: exp.Expr) -> SfType:
        """What is made a VARIANT is still of its type."""
        kind = self.of(node.this)
        return replace(VARIANT, held=kind.held if kind == VARIANT else kind)

    def _parsed(self, node: exp.ParseJSON) -> SfType | None:
        """A number with an exponent is a DOUBLE in a VARIANT."""
        text = node.this.this.strip() if isinstance(node.this, exp.Literal) and node.this.is_string else ""
        return replace(VARIANT, held=FLOAT) if "e" in text.lower() and is_number(text) else None

    def _subquery(self, node: exp.Expr) -> SfType | None:
        columns = self.output(node.this)
        return next(iter(columns.values()), None) if columns else None

    def _of_several(self, node: exp.Expr) -> SfType | None:
        if alternatives := trees.alternatives(node):
            return self._common(alternatives)
        if isinstance(node, exp.Nullif):
            return self.of(node.this)
        if isinstance(node, (exp.Sum, exp.Avg, exp.Variance, exp.VariancePop)):
            return self._aggregate(node)
        if isinstance(node, (exp.Round, exp.Trunc, exp.Floor, exp.Ceil)):
            return self._rounded(node)
        if isinstance(node, exp.Reduce) and isinstance(node.args["merge"], exp.Lambda):
            return node.args["merge"].expressions[0].meta.get(trees.KIND) or self.of(node.args["initial"])
        if isinstance(node, exp.ToNumber):
            scale = node.args.get("scale")
            return number(int(scale.name) if isinstance(scale, exp.Literal) else 0)
        return of_time(node, self.of)

    def _common(self, nodes: Sequence[exp.Expr | None]) -> SfType | None:
        return common([self.of(n) for n in nodes if n is not None and not isinstance(n, exp.Null)])

    def _aggregate(self, node: exp.Expr) -> SfType | None:
        argument = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
        kind = self.of(argument)
        if kind is None or kind.name != "NUMBER":
            return None if kind is None else FLOAT
        if isinstance(node, exp.Avg):
            return interpolated(kind) if trees.slides(node.parent) else number(quotient_scale(kind.scale))
        return number(kind.scale if isinstance(node, exp.Sum) else variance_scale(kind.scale))

    def _between_values(self, node: exp.Expr) -> SfType | None:
        """MEDIAN and PERCENTILE_CONT."""
        group = node.parent
        ordered = group.expression.expressions if isinstance(group, exp.WithinGroup) else [node]
        kind = self.of(ordered[0].this)
        return interpolated(kind) if kind is not None and kind.name == "NUMBER" else None if kind is None else FLOAT

    def _rounded(self, node: exp.Expr) -> SfType | None:
        kind, digits = self.of(node.this), node.args.get("decimals")
        if isinstance(digits, exp.Neg):
            digits = exp.Literal.number(0)
        if kind is None or kind.name != "NUMBER" or (digits is not None and not isinstance(digits, exp.Literal)):
            return FLOAT if kind is not None else None
        return number(min(kind.scale, int(digits.name)) if digits is not None and digits.is_number else 0)

    def _arithmetic(self, node: exp.Binary) -> SfType | None:
        if not isinstance(node, (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)):
            return None
        left, right = self.of(node.this), self.of(node.expression)
        if left is None or right is None:
            return None
        names = {left.name, right.name}
        if names == {"NUMBER"}:
            if isinstance(node, exp.Mul):
                return number(product_scale(left.scale, right.scale), min(left.precision + right.precision, PRECISION))
            scale = quotient_scale(left.scale) if isinstance(node, exp.Div) else max(left.scale, right.scale)
            whole = max(left.precision - left.scale, right.precision - right.scale) + 1
            return number(scale, PRECISION if isinstance(node, exp.Div) else min(whole + scale, PRECISION))
        if names <= {"NUMBER", "FLOAT", "VARCHAR", "VARIANT", "BOOLEAN"}:
            if names == {"NUMBER", "BOOLEAN"}:
                return left if left.name == "NUMBER" else right
            return FLOAT
        if names == {"DATE", "NUMBER"}:
            return DATE
        return number(0) if names == {"DATE"} and isinstance(node, exp.Sub) else None

    # -- columns ------------------------------------------------------------------------------------------------------

    def _column(self, column: exp.Column) -> SfType | None:
        name, table = column.name, column.table
        if isinstance(column.this, exp.Parameter):
            return self._parameter(column.this)
        for scope in trees.scopes_around(column, name):
            if scope is None:
                parameter = trees.parameter(column, name)
                return None if parameter is None else parameter.meta.get(trees.KIND)
            sources = self.sources(scope)
            if table:
                if table in sources:
                    return (sources[table] or _NOTHING).get(name)
                continue
            found = [columns[name] for columns in sources.values() if columns is not None and name in columns]
            if found:
                return found[0]
            if any(columns is None for columns in sources.values()):
                return None
            if isinstance(scope, exp.Select) and (aliased := trees.aliased(scope, name)) is not None:
                return self.of(aliased)
        return None

    def _parameter(self, parameter: exp.Parameter) -> SfType | None:
        """``$1`` or ``t.$1``: a column by its position; ``$name``: a session variable."""
        if not parameter.name.isdigit():
            value = self._ctx.session.variables.get(parameter.name.upper())
            kinds = {bool: BOOLEAN, float: FLOAT, str: TEXT}
            return of_digits(str(value)) if type(value) in (int, Decimal) else kinds.get(type(value))
        select, place = parameter.find_ancestor(exp.Select), int(parameter.name)
        sources = self.sources(select) if select is not None else {}
        qualified = parameter.parent.table if isinstance(parameter.parent, exp.Column) else next(iter(sources), "")
        return dict(enumerate((sources.get(qualified) or _NOTHING).values(), start=1)).get(place)

    def sources(self, scope: exp.Expr) -> dict[str, Columns | None]:
        """The columns of all that a query or DML statement reads, by alias; None where they are not known."""
        if (found := self._sources.get(id(scope))) is None:
            self._sources[id(scope)] = (scope, {})
            found = self._sources[id(scope)] = (scope, dict(self._read(scope)))
        return found[1]

    def _read(self, scope: exp.Expr) -> Iterator[tuple[str, Columns | None]]:
        # the UPDATE of a MERGE's branch has no table of its own
        read = [scope.this] if isinstance(scope, (exp.Update, exp.Delete, exp.Merge)) and scope.this else []
        for clause in ("from_", "using"):
            value = scope.args.get(clause)
            sources = value if isinstance(value, list) else [value.this if isinstance(value, exp.From) else value]
            read += [s for s in sources if isinstance(s, exp.Expr)]
        for source in list(read):
            read += [join.this for join in source.args.get("joins") or ()]
        read += [join.this for join in scope.args.get("joins") or ()]
        read += scope.args.get("laterals") or ()
        for number_, source in enumerate(read):
            yield source.alias_or_name or f"${number_}", self._source(source)

    def _source(self, source: exp.Expr) -> Columns | None:
        if source.args.get("match"):
            return None
        if pivots := source.args.get("pivots"):
            return self._pivoted(source, pivots)
        if (noted := source.meta.get(COLUMNS)) is not None:
            return cast(Columns, noted)
        alias = source.args.get("alias")
        if source.find(exp.Explode, exp.Flatten) and not isinstance(source, exp.Subquery):
            return _FLATTENED
        if isinstance(source, (exp.TableFromRows, exp.Lateral)) and isinstance(source.this, exp.SplitToTable):
            return _SPLIT
        columns: Columns | None
        if isinstance(source, exp.Subquery):
            columns = self.output(source.this)
        elif isinstance(source, exp.Lateral) and isinstance(source.this, exp.Subquery):
            columns = self.output(source.this.this)
        elif isinstance(source, exp.Values):
            columns = self._values(source)
        elif isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
            columns = self._table(source)
        else:
            return None
        names = [i.name for i in alias.args.get("columns") or ()] if alias is not None else []
        return dict(zip(names, columns.values(), strict=False)) if columns is not None and names else columns

    def columns_of(self, source: exp.Expr) -> Columns | None:
        """The columns of what stands in FROM."""
        return self._source(source)

    def _pivoted(self, source: exp.Expr, pivots: list[exp.Expr]) -> Columns | None:
        pivot, below = pivots[0], source.copy()
        field = pivot.args["fields"][0] if pivot.args.get("fields") else None
        below.set("pivots", None)
        # where it reads tables its place counts: common table expressions may be around it
        below.parent = source.parent
        columns = self._source(below)
        if columns is None or len(pivots) > 1 or not isinstance(field, exp.In):
            return None
        if pivot.args.get("unpivot"):
            # eg: JAN, or JAN AS 'January'
            names = [(c.this if isinstance(c, (exp.Alias, exp.PivotAlias)) else c).name for c in field.expressions]
            made = {field.this.name: TEXT, pivot.expressions[0].name: common([columns.get(n) for n in names])}
        else:
            aggregate = pivot.expressions[0].unalias()
            names = [column.name for part in (field.this, aggregate) for column in part.find_all(exp.Column)]
            for column in aggregate.find_all(exp.Column):
                self.note(column, columns.get(column.name))
            one = len(pivot.expressions) == 1 and pivot.args.get("columns")
            if not one:
                return None
            made = {column.name: self.of(aggregate) for column in pivot.args["columns"]}
        found = {**{name: kind for name, kind in columns.items() if name not in names}, **made}
        alias = pivot.args.get("alias")
        renamed = [i.name for i in alias.args.get("columns") or ()] if alias is not None else []
        return dict(zip(renamed, found.values(), strict=False)) if renamed else found

    def _values(self, values: exp.Values) -> Columns:
        first = values.expressions[0].expressions if values.expressions else []
        # more rows are not looked at
        rows = [row.expressions for row in values.expressions[:_LOOKED_AT]]
        complete = len(values.expressions) <= len(rows) and all(len(row) == len(first) for row in rows)
        return {
            f"COLUMN{i}": self._common([row[i - 1] for row in rows]) if complete else None
            for i in range(1, len(first) + 1)
        }

    def _table(self, table: exp.Table) -> Columns | None:
        name: Name | None = table.meta.get("name")
        if name is None:
            if table.meta.get("physical"):
                return None
            if not table.args.get("db"):
                for ctes in trees.ctes_around(table):
                    if cte := next((c for c in ctes if c.alias == table.name), None):
                        names = [i.name for i in cte.args["alias"].args.get("columns") or ()]
                        columns = self.output(cte.this)
                        if columns is None or not names:
                            return columns
                        return dict(zip(names, columns.values(), strict=False))
            parts = [p for p in (table.args.get("catalog"), table.args.get("db"), table.this) if p is not None]
            try:
                name = self._ctx.resolve([p.name if isinstance(p, exp.Expr) else p for p in parts])
            except SnowflakeError:
                return None
        with self._ctx.rights.of_owner(table.meta.get(trees.OWNER)):
            relation = self._ctx.relation(name)
        if relation is None:
            return None
        if isinstance(relation.props, StreamProps):
            types = SOURCE_COLUMNS[relation.kind](self._ctx, relation)
        else:
            types = {column.name: column.type for column in relation.props.columns}
        return {column: parse_type(kind) for column, kind in types.items()}

    def output(self, query: exp.Expr) -> Columns | None:
        """The columns of a query's result; None if not all are known by name."""
        if (found := self._outputs.get(id(query))) is None:
            self._outputs[id(query)] = (query, None)
            found = self._outputs[id(query)] = (query, self._result(query))
        return found[1]

    def _result(self, query: exp.Expr) -> Columns | None:
        if isinstance(query, exp.Subquery):
            return self.output(query.this)
        if isinstance(query, exp.SetOperation):
            left = self.output(query.this)
            # a recursive query reads itself with the types of its anchor, but its variants may hold others
            anchor = None if left is None else {n: VARIANT if k == VARIANT else k for n, k in left.items()}
            self._outputs[id(query)] = (query, anchor)
            right = self.output(query.expression)
            return united(left, right, trees.null_places(query.this), trees.null_places(query.expression))
        if not isinstance(query, exp.Select):
            return None
        columns: dict[str, SfType | None] = {}
        for number_, projection in enumerate(query.expressions):
            if projection.is_star:
                star = projection.this if isinstance(projection, exp.Column) else projection
                sources = self.sources(query)
                read = [sources.get(projection.table)] if isinstance(projection, exp.Column) else [*sources.values()]
                if None in read:
                    return None
                columns |= self._star(star, [source for source in read if source is not None])
            else:
                name = projection.alias_or_name if isinstance(projection, (exp.Alias, exp.Column)) else ""
                columns[name if name and name not in columns else f"${number_}"] = self.of(projection)
        return columns

    def _star(self, star: exp.Expr, sources: list[Columns]) -> Columns:
        """The columns of ``*``, with its EXCLUDE, REPLACE and RENAME."""
        columns = {name: kind for source in sources for name, kind in source.items()}
        for excluded in star.args.get("except_") or ():
            columns.pop(excluded.name, None)
        for replaced in star.args.get("replace") or ():
            columns[replaced.alias] = self.of(replaced.this)
        renamed = {alias.this.name: alias.alias for alias in star.args.get("rename") or ()}
        return {renamed.get(name, name): kind for name, kind in columns.items()}
