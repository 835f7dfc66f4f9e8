"""Aggregates and windows: what they do with NULL and with nothing, and those that DuckDB does not have.

Source: https://docs.snowflake.com/en/sql-reference/functions-aggregation and
https://docs.snowflake.com/en/sql-reference/functions-analytic
"""

from sqlglot import exp

from local_snowflake.functions.python_calls import call, wrap

MACROS = (
    "array_of(xs) AS coalesce(to_json(list_filter(xs, lambda e: e IS NOT NULL)), CAST('[]' AS JSON))",
    "union_of(xss) AS coalesce(to_json(list_sort(list_distinct(flatten(xss)))), CAST('[]' AS JSON))",
    # the counts are exact
    """most_frequent(k, counts) AS list_extract(list_transform([counts], lambda m: to_json(list_transform(
    list_sort(list_transform(map_entries(m), lambda e: {n: -CAST(e.value AS BIGINT), v: e.key}))[:k],
    lambda p: json_array(p.v, -p.n)))), 1)""",
    "text_or_empty(x) AS coalesce(x, '')",
    # a change from or to NULL is none
    """changes_in(xs) AS len(list_filter(list_zip(xs[:-2], xs[2:]), lambda p: p[1] <> p[2]))""",
    """width_bucket(x, lo, hi, n) AS CASE WHEN x < lo THEN 0 WHEN x >= hi THEN CAST(n AS BIGINT) + 1
    ELSE CAST(floor((x - lo) * n / (hi - lo)) AS BIGINT) + 1 END""",
)


NODES = (
    *(exp.ArrayAgg, exp.ArrayUnionAgg, exp.GroupConcat, exp.Count, exp.CountIf, exp.Hll, exp.WidthBucket),
    exp.ApproxTopK,
    # window functions that sqlglot does not know
    exp.Anonymous,
)


def rewrite(tree: exp.Expr) -> None:
    """Rewrite aggregates and window functions, in place."""
    for array in list(tree.find_all(exp.ArrayAgg)):
        _array_agg(array)
    for union in list(tree.find_all(exp.ArrayUnionAgg)):
        union.replace(call("union_of", call("list", call("json_list", union.this))))
    for texts in list(tree.find_all(exp.GroupConcat)):
        if texts.args.get("separator") is None:
            texts.set("separator", exp.Literal.string(""))
        wrap("text_or_empty", _windowed(texts))
    for count in list(tree.find_all(exp.Count)):
        if count.expressions and not isinstance(count.this, exp.Distinct):
            counted = [value.copy().is_(exp.null()).not_() for value in (count.this, *count.expressions)]
            count.set("this", exp.Case(ifs=[exp.If(this=exp.and_(*counted, copy=False), true=exp.Literal.number(1))]))
            count.set("expressions", None)
    for conditional in list(tree.find_all(exp.CountIf)):
        conditional.replace(_count_where(conditional.this))
    _rewrite_others(tree)


def _count_where(condition: exp.Expr) -> exp.Count:
    """COUNT_IF: 0 of no rows, where DuckDB's own is NULL."""
    return exp.Count(this=exp.Case(ifs=[exp.If(this=condition, true=exp.Literal.number(1))]))


def _rewrite_others(tree: exp.Expr) -> None:
    """Those that DuckDB does not have, or by another name."""
    for distinct in list(tree.find_all(exp.Hll)):
        distinct.replace(call("approx_count_distinct", distinct.this))
    for top in list(tree.find_all(exp.ApproxTopK)):
        counts = call("histogram", top.this)
        top.replace(counts)
        wrap("most_frequent", _windowed(counts), top.args.get("expression") or exp.Literal.number(1))
    for bucket in list(tree.find_all(exp.WidthBucket)):
        arguments = (bucket.this, *(bucket.args[key] for key in ("min_value", "max_value", "num_buckets")))
        bucket.replace(call("width_bucket", *arguments))
    for node in list(tree.find_all(exp.Anonymous)):
        name = str(node.this).upper()
        if name == "BITCOUNT":
            node.set("this", "bit_count")
        elif name in _WINDOWS and len(node.expressions) == 1 and isinstance(node.parent, exp.Window):
            _WINDOWS[name](node.parent, node.expressions[0])


def _windowed(aggregate: exp.Expr) -> exp.Expr:
    """An aggregate with its window, if it has one."""
    node = aggregate
    while isinstance(node.parent, (exp.WithinGroup, exp.Filter, exp.IgnoreNulls)) or (
        isinstance(node.parent, exp.Window) and node.arg_key == "this"
    ):
        node = node.parent
    return node


def _array_agg(array: exp.ArrayAgg) -> None:
    """ARRAY_AGG: without NULLs, and an empty array of nothing."""
    values = array.this
    group = array.parent
    if isinstance(group, exp.WithinGroup):
        values = exp.Order(this=values, expressions=group.expression.expressions)
    else:
        group = array
    collected = call("list", values)
    group.replace(collected)
    wrap("array_of", _windowed(collected))


def _share(window: exp.Window, value: exp.Expr) -> None:
    """RATIO_TO_REPORT(x): x by the sum of its partition, whatever the order; NULL of a sum of zero.

    Source: https://docs.snowflake.com/en/sql-reference/functions/ratio_to_report
    """
    window.set("this", exp.Sum(this=value.copy()))
    window.set("order", None)
    holder = exp.Placeholder()
    window.replace(holder)
    total = exp.Nullif(this=window, expression=exp.Literal.number(0))
    holder.replace(
        exp.paren(exp.Div(this=exp.paren(value.copy()), expression=total, typed=False, safe=False), copy=False)
    )


def _up_to_the_row(window: exp.Window) -> None:
    """Count row by row: peers do not count together."""
    window.set("spec", exp.WindowSpec(kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="CURRENT ROW"))


def _true_events(window: exp.Window, condition: exp.Expr) -> None:
    window.set("this", _count_where(condition))
    _up_to_the_row(window)


def _change_events(window: exp.Window, value: exp.Expr) -> None:
    window.set("this", call("list", value))
    _up_to_the_row(window)
    wrap("changes_in", window)


_WINDOWS = {
    "RATIO_TO_REPORT": _share,
    "CONDITIONAL_TRUE_EVENT": _true_events,
    "CONDITIONAL_CHANGE_EVENT": _change_events,
}
