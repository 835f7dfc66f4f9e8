"""PIVOT as groups, over values that the statement does not name too, and a default for what is missing.

Source: https://docs.snowflake.com/en/sql-reference/constructs/pivot
"""

from sqlglot import exp

from local_snowflake.errors import execution_error
from local_snowflake.execution.context import Context
from local_snowflake.sql import trees
from local_snowflake.sql.types import parse_type
from local_snowflake.sql.typing.static_types import StaticTypes


def pivots_of_snowflake(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Read the values of ``IN (ANY)`` and ``IN (SELECT …)``, and fill in ``DEFAULT ON NULL``.

    Raises 002140 if there are no values to pivot by.
    """
    for pivot in list(tree.find_all(exp.Pivot)):
        if pivot.args.get("unpivot") or not pivot.args.get("fields"):
            continue
        source = pivot.parent
        if isinstance(source, exp.Table | exp.Subquery):
            for field in pivot.args["fields"]:
                _read_values(ctx, tree, source, pivot, field)
                _name_casts(pivot, field)
            if default := pivot.args.get("default_on_null"):
                _fill(source, pivot, default)
    return tree


# aggregates of the values of a group that a condition chooses
_CHOOSING = (exp.Sum, exp.Avg, exp.Count, exp.Max, exp.Min, exp.AnyValue, exp.Median, exp.Stddev, exp.Variance)


def pivots_as_groups(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """PIVOT over constants -> a GROUP BY with an aggregate for each: so that types and scales are those of aggregates.

    A source whose columns the catalog and the text do not tell stays as it is, and so do two of them on one source.
    """
    types = StaticTypes(ctx)
    for pivot in list(tree.find_all(exp.Pivot)):
        source = pivot.parent
        if isinstance(source, exp.Table | exp.Subquery) and len(source.args["pivots"]) == 1:
            _group(types, source, pivot)
    return tree


def _group(types: StaticTypes, source: exp.Table | exp.Subquery, pivot: exp.Pivot) -> None:
    field = pivot.args["fields"][0] if len(pivot.args.get("fields") or ()) == 1 else None
    aggregate = pivot.expressions[0] if len(pivot.expressions) == 1 else None
    names = pivot.args.get("columns") or []
    if pivot.args.get("unpivot") or not isinstance(field, exp.In) or not isinstance(aggregate, _CHOOSING):
        return
    values = [v.this if isinstance(v, exp.Alias | exp.PivotAlias) else v for v in field.expressions]
    if not all(isinstance(v, exp.Literal) for v in values) or len(names) != len(values):
        return
    below = source.copy()
    for clause in ("pivots", "joins", "laterals"):
        below.set(clause, None)
    # where it reads tables its place counts: common table expressions may be around it
    below.parent = source.parent
    columns = types.columns_of(below)
    below.parent = None
    used = {column.name for part in (field.this, aggregate) for column in part.find_all(exp.Column)}
    keys = [name for name in columns or () if name not in used]
    if not columns or not keys or not used <= set(columns) or any(name.startswith("$") for name in columns):
        return
    default = pivot.args.get("default_on_null")
    made: list[exp.Expr] = []
    for value, name in zip(values, names, strict=True):
        one = aggregate.copy()
        counted = exp.Literal.number(1) if isinstance(one.this, exp.Star) else one.this.copy()
        chosen = exp.EQ(this=field.this.copy(), expression=value.copy())
        one.set("this", exp.Case(ifs=[exp.If(this=chosen, true=counted)]))
        filled = exp.Coalesce(this=one, expressions=[default.copy()]) if default else one
        made.append(exp.alias_(filled, name.copy()))
    grouped = exp.select(*(trees.column(key) for key in keys), *made).from_(below)
    grouped = grouped.group_by(*(trees.column(key) for key in keys))
    alias = pivot.args.get("alias") or trees.alias(source.alias_or_name or "PIVOTED")
    subquery = exp.Subquery(this=grouped, alias=alias.copy())
    for clause in ("joins", "laterals"):
        subquery.set(clause, source.args.get(clause))
    source.replace(subquery)


def _read_values(
    ctx: Context, tree: exp.Expression, source: exp.Table | exp.Subquery, pivot: exp.Pivot, field: exp.Expr
) -> None:
    from local_snowflake.sql.queries import run_query

    of_values = field.expressions[0] if isinstance(field, exp.In) and field.expressions else None
    if not isinstance(of_values, exp.PivotAny | exp.Query):
        return
    if isinstance(of_values, exp.PivotAny):
        below = source.copy()
        for clause in ("pivots", "joins", "laterals"):
            below.set(clause, None)
        query = exp.select(field.this.copy()).distinct().from_(below).where(field.this.copy().is_(exp.null()).not_())
        order = of_values.this
        query = query.order_by(*(order.expressions if isinstance(order, exp.Order) else [field.this.copy()]))
    else:
        query = exp.select("*").from_(exp.Subquery(this=of_values.copy(), alias=trees.alias("V")))
    if with_ := tree.args.get("with_"):
        query.set("with_", with_.copy())
    rows = run_query(ctx, query)
    found = list(dict.fromkeys(rows.value(0, row) for row in range(rows.table.num_rows)))
    values = [exp.convert(v if isinstance(v, int | float | str | bool) else str(v)) for v in found]
    if not values:
        raise execution_error("PIVOT finds no values to pivot by", 2140, "22000")
    field.set("expressions", values)
    pivot.set("columns", [trees.identifier(value.sql(dialect="snowflake")) for value in values])


def _name_casts(pivot: exp.Pivot, field: exp.Expr) -> None:
    """A column for ``1 :: INT`` is named with the type's full name: ``CAST(1 AS NUMBER(38,0))``."""
    names = pivot.args.get("columns") or []
    if not isinstance(field, exp.In) or len(names) != len(field.expressions):
        return
    for value, name in zip(field.expressions, names, strict=True):
        if isinstance(value, exp.Cast):
            kind = parse_type(value.to.sql(dialect="snowflake"))
            name.set("this", f"CAST({value.this.sql(dialect='snowflake')} AS {kind})")
            value.replace(exp.alias_(value.copy(), name.copy()))


def _fill(source: exp.Table | exp.Subquery, pivot: exp.Pivot, default: exp.Expr) -> None:
    """``… PIVOT (… DEFAULT ON NULL (d)) p`` -> a subquery that puts d where the pivot has NULL."""
    pivot.set("default_on_null", None)
    alias = pivot.args.get("alias") or trees.alias("PIVOTED")
    filled = [
        exp.alias_(exp.Coalesce(this=exp.column(name.copy()), expressions=[default.copy()]), name.copy())
        for name in pivot.args.get("columns") or []
    ]
    inner = source.copy()
    inner.set("joins", None)
    subquery = exp.Subquery(this=exp.select(exp.Star(replace=filled)).from_(inner), alias=alias.copy())
    subquery.set("joins", source.args.get("joins"))
    source.replace(subquery)
