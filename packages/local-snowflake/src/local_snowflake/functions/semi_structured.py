"""VARIANT, OBJECT and ARRAY, which are JSON here: macros for Snowflake's functions of them.

Source: https://docs.snowflake.com/en/sql-reference/functions-semistructured
"""

from sqlglot import exp

from local_snowflake.errors import not_supported
from local_snowflake.functions.python_calls import call, lenient, python_call

MACROS = (
    # orders and compares as the value's type: numbers by size, text by its letters; NULL for a JSON null
    """variant_key(x, v) AS CASE WHEN json_type(x) <> 'NULL' THEN {k: CASE WHEN json_type(x) IN ('BIGINT', 'UBIGINT',
    'DOUBLE') THEN 'NUMBER' ELSE json_type(x) END, n: coalesce(TRY_CAST(x AS DOUBLE), 0),
    d: coalesce(TRY_CAST(x AS DECIMAL(38, 9)), 0), t: CASE WHEN json_type(x) IN ('BIGINT', 'UBIGINT', 'DOUBLE') THEN ''
    ELSE json_extract_string(x, '$') END, v: v} END""",
    "variant_order(x) AS variant_key(to_json(x), '')",
    "variant_ranked(x) AS variant_key(to_json(x), CAST(to_json(x) AS VARCHAR))",
    "ranked_variant(x) AS CAST(struct_extract(x, 'v') AS JSON)",
    "element_at_index(x, i) AS json_extract(to_json(x), CAST(i AS BIGINT))",
    """number_as_json(x) AS list_transform([x], lambda e: CASE WHEN e = trunc(e) AND abs(e) < 1e15
    THEN to_json(CAST(e AS BIGINT)) ELSE to_json(e) END)[1]""",
    "json_list(x) AS CAST(to_json(x) AS JSON[])",
    "array_flatten(x) AS to_json(flatten(CAST(to_json(x) AS JSON[][])))",
    """type_of(x) AS CASE json_type(to_json(x)) WHEN 'BIGINT' THEN 'INTEGER' WHEN 'UBIGINT' THEN 'INTEGER'
    WHEN 'DOUBLE' THEN CASE WHEN contains(CAST(to_json(x) AS VARCHAR), 'e') THEN 'DOUBLE' ELSE 'DECIMAL' END
    WHEN 'NULL' THEN 'NULL_VALUE' ELSE json_type(to_json(x)) END""",
    "json_texts(x) AS list_transform(CAST(to_json(x) AS JSON[]), lambda v: coalesce(v ->> '$', ''))",
    """to_object(x) AS CASE WHEN x IS NULL OR json_type(to_json(x)) = 'NULL' THEN NULL
    WHEN json_type(to_json(x)) = 'OBJECT' THEN to_json(x)
    ELSE CAST(CAST(CAST('$SNOWFLAKE|100071|22000|Failed to cast variant value ' || CAST(to_json(x) AS VARCHAR)
    || ' to OBJECT|$' AS BIGINT) AS VARCHAR) AS JSON) END""",
    """array_of_variant(x) AS CASE WHEN x IS NULL OR json_type(x) = 'NULL' THEN NULL
    WHEN json_type(x) = 'ARRAY' THEN x ELSE json_array(x) END""",
    "as_array(x) AS CASE WHEN json_type(to_json(x)) = 'ARRAY' THEN to_json(x) END",
    "as_object(x) AS CASE WHEN json_type(to_json(x)) = 'OBJECT' THEN to_json(x) END",
    """as_integer(x) AS CASE WHEN json_type(to_json(x)) IN ('BIGINT', 'UBIGINT', 'DOUBLE')
    THEN CAST(CAST(to_json(x) AS DECIMAL(38, 6)) AS BIGINT) END""",
    """as_decimal(x) AS CASE WHEN json_type(to_json(x)) IN ('BIGINT', 'UBIGINT', 'DOUBLE')
    THEN CAST(round(CAST(to_json(x) AS DECIMAL(38, 6))) AS DECIMAL(38, 0)) END""",
    "as_number(x) AS as_decimal(x)",
    # the digits of a number in JSON
    """number_in(x) AS list_transform([to_json(x)], lambda v: CASE WHEN json_type(v) IN ('BIGINT', 'UBIGINT', 'DOUBLE')
    THEN CAST(v AS VARCHAR) END)[1]""",
    "is_decimal(x) AS type_of(x) IN ('INTEGER', 'DECIMAL')",
    """as_double(x) AS CASE WHEN json_type(to_json(x)) IN ('BIGINT', 'UBIGINT', 'DOUBLE')
    THEN CAST(to_json(x) AS DOUBLE) END""",
    "as_real(x) AS as_double(x)",
    "as_varchar(x) AS CASE WHEN json_type(to_json(x)) = 'VARCHAR' THEN to_json(x) ->> '$' END",
    "as_char(x) AS as_varchar(x)",
    "as_boolean(x) AS CASE WHEN json_type(to_json(x)) = 'BOOLEAN' THEN CAST(to_json(x) AS BOOLEAN) END",
    "is_boolean(x) AS json_type(to_json(x)) = 'BOOLEAN'",
    "is_varchar(x) AS json_type(to_json(x)) = 'VARCHAR'",
    "is_char(x) AS json_type(to_json(x)) = 'VARCHAR'",
    "is_integer(x) AS json_type(to_json(x)) IN ('BIGINT', 'UBIGINT')",
    "is_double(x) AS json_type(to_json(x)) IN ('BIGINT', 'UBIGINT', 'DOUBLE')",
    "is_real(x) AS json_type(to_json(x)) IN ('BIGINT', 'UBIGINT', 'DOUBLE')",
    "is_object(x) AS json_type(to_json(x)) = 'OBJECT'",
    # a JSON pointer, which takes any key; a path takes none with a quote
    "keyed(x, k) AS json_extract(x, '/' || replace(replace(k, '~', '~0'), '/', '~1'))",
    # one member without its braces; the lambdas below, because an argument of a macro is repeated where it is used
    "member_text(k, v) AS CAST(json_object(CAST(k AS VARCHAR), v) AS VARCHAR)[2:-2]",
    """members_of(x, chosen) AS list_transform([{x: x, chosen: chosen}], lambda a: CASE WHEN a.x IS NOT NULL THEN
    CAST('{' || array_to_string(list_transform(a.chosen, lambda e: member_text(e, keyed(a.x, e))), ',') || '}' AS JSON)
    END)[1]""",
    """with_keys(x, ks) AS list_transform([{x: to_json(x), ks: ks}], lambda o:
    members_of(o.x, list_filter(json_keys(o.x), lambda e: list_contains(o.ks, e))))[1]""",
    """without_keys(x, ks) AS list_transform([{x: to_json(x), ks: ks}], lambda o:
    members_of(o.x, list_filter(json_keys(o.x), lambda e: NOT list_contains(o.ks, e))))[1]""",
    "get_ignore_case(x, k) AS keyed(x, list_filter(json_keys(x), lambda e: lower(e) = lower(k))[1])",
    "sorted_keys(x) AS to_json(list_sort(json_keys(to_json(x))))",
    """inserted(xs, i, v) AS list_concat(list_resize(xs[:i], i, CAST('null' AS JSON)), [v], xs[i + 1:])""",
    """place_in(i, size) AS CASE WHEN i >= 0 THEN i WHEN i + size >= 0 THEN i + size
    ELSE CAST('$SNOWFLAKE|2|0A000|Unsupported feature ''ARRAY_INSERT before the first value'''
    || ' in the local Snowflake: see COVERAGE.md.|$' AS BIGINT) END""",
    """array_with(x, i, v) AS list_transform([{xs: json_list(x), i: CAST(i AS BIGINT), v: to_json(v)}], lambda a:
    CASE WHEN a.xs IS NOT NULL AND a.i IS NOT NULL
    THEN to_json(inserted(a.xs, place_in(a.i, len(a.xs)), a.v)) END)[1]""",
    "key_list(x) AS CASE WHEN json_type(to_json(x)) = 'ARRAY' THEN json_texts(x) ELSE [to_json(x) ->> '$'] END",
    "json_text(x) AS nullif(trim(CAST(x AS VARCHAR)), '')",
    # the members of an object are put into order elsewhere
    """strict_json(x) AS CASE WHEN NOT contains(CAST(x AS VARCHAR), '{')
    THEN json(TRY_CAST(CAST(x AS VARCHAR) AS JSON)) END""",
    """path_of_key(k) AS CASE WHEN regexp_full_match(k, '[A-Za-z_][A-Za-z0-9_$]*') THEN k
    ELSE '[''' || replace(k, '''', '\\''') || ''']' END""",
    # the rows of a value as structs: DuckDB unnests them in their order, row by row of what they come from
    """flat_members(x, seq) AS list_transform([{n: seq, j: to_json(x)}], lambda a: CASE json_type(a.j)
    WHEN 'OBJECT' THEN list_transform(map_entries(CAST(a.j AS MAP(VARCHAR, JSON))), lambda e:
    {n: a.n, k: e.key, i: CAST(NULL AS BIGINT), p: path_of_key(e.key), v: coalesce(e.value, CAST('null' AS JSON))})
    WHEN 'ARRAY' THEN list_transform(CAST(a.j AS JSON[]), lambda e, i: {n: a.n, k: CAST(NULL AS VARCHAR),
    i: CAST(i - 1 AS BIGINT), p: '[' || (i - 1) || ']', v: coalesce(e, CAST('null' AS JSON))}) END)[1]""",
    """flat_rows(x, seq) AS TABLE SELECT e.r.n AS SEQ, e.r.k AS KEY, e.r.p AS PATH, e.r.i AS INDEX, e.r.v AS VALUE,
    to_json(x) AS THIS FROM (SELECT unnest(flat_members(x, seq)) AS r) AS e""",
    """flat_options(x, y, seq, is_outer) AS TABLE SELECT e.r.n AS SEQ, e.r.j ->> '$.k' AS KEY,
    CASE WHEN e.r.j IS NULL THEN '' ELSE e.r.j ->> '$.p' END AS PATH, CAST(e.r.j -> '$.i' AS BIGINT) AS INDEX,
    e.r.j -> '$.v' AS VALUE, CASE WHEN e.r.j IS NULL THEN to_json(x) ELSE e.r.j -> '$.t' END AS THIS
    FROM (SELECT unnest(list_transform([{n: seq, js: y}], lambda a: list_transform(
    CASE WHEN is_outer AND coalesce(json_array_length(a.js), 0) = 0 THEN [CAST(NULL AS JSON)]
    ELSE CAST(a.js AS JSON[]) END, lambda j: {n: a.n, j: j}))[1]) AS r) AS e""",
    # the lambda, because an argument of a macro is repeated where it is used
    """in_order(x) AS list_transform([to_json(x)], lambda o: CASE WHEN o IS NOT NULL THEN
    CAST('{' || array_to_string(list_transform(list_sort(json_keys(o)),
    lambda e: member_text(e, keyed(o, e))), ',') || '}' AS JSON) END)[1]""",
    # DuckDB's maps take no key twice
    "member(k, v) AS {k: CAST(k AS VARCHAR), v: v}",
    """object_of_members(ms) AS in_order(coalesce(to_json(map_from_entries(list_filter(ms, lambda e:
    e.k IS NOT NULL AND e.v IS NOT NULL))), CAST('{}' AS JSON)))""",
    """object_of_lists(ks, vs) AS in_order(CAST('{' || array_to_string(list_transform(
    list_filter(list_zip(CAST(ks AS VARCHAR[]), CAST(vs AS JSON[])), lambda e: e[1] IS NOT NULL AND e[2] IS NOT NULL),
    lambda e: member_text(e[1], e[2])), ',') || '}' AS JSON))""",
    "arrays_to_object(ks, vs) AS in_order(map(json_texts(ks), json_list(vs)))",
    # as the rows of FLATTEN
    """numbered(parts, seq) AS list_transform([{n: seq, ps: parts}], lambda a:
    list_transform(a.ps, lambda p, i: {n: a.n, i: i, p: p}))[1]""",
    # DuckDB splits at an empty text between all characters, Snowflake nowhere
    """parts_of(x, d) AS list_transform([{x: CAST(x AS VARCHAR), d: d}], lambda a:
    CASE WHEN a.d = '' THEN [a.x] ELSE string_split(a.x, a.d) END)[1]""",
    """split_rows(x, d, seq) AS TABLE SELECT e.r.n AS SEQ, e.r.i AS INDEX, e.r.p AS VALUE
    FROM (SELECT unnest(numbered(parts_of(x, d), seq)) AS r) AS e""",
    """tokens_of(x, ds) AS list_filter(string_split(translate(CAST(x AS VARCHAR), ds, repeat(ds[1], len(ds))), ds[1]),
    lambda e: e <> '')""",
    """token_rows(x, ds, seq) AS TABLE SELECT e.r.n AS SEQ, e.r.i AS INDEX, e.r.p AS VALUE
    FROM (SELECT unnest(numbered(tokens_of(x, ds), seq)) AS r) AS e""",
    # DuckDB's json_merge_patch would mix an object with the one that it replaces, and leave JSON nulls out of it
    """other_members(x, k) AS list_transform(list_filter(json_keys(x), lambda e: e <> k),
    lambda e: member_text(e, keyed(x, e)))""",
    """with_member(x, k, v) AS CASE WHEN x IS NOT NULL THEN CAST('{' || array_to_string(list_concat(other_members(x, k),
    CASE WHEN v IS NULL THEN [] ELSE [member_text(k, v)] END), ',') || '}' AS JSON) END""",
    """object_insert(x, k, v, u) AS in_order(list_transform(
    [{x: to_json(x), k: CAST(k AS VARCHAR), v: to_json(v), u: u}],
    lambda a: with_member(a.x, CASE WHEN NOT coalesce(a.u, FALSE) AND keyed(a.x, a.k) IS NOT NULL
    THEN CAST(CAST('$SNOWFLAKE|100112|22000|Duplicate field key ''' || a.k || '''|$' AS BIGINT) AS VARCHAR)
    ELSE a.k END, a.v))[1])""",
    # in the order of their first places; an element is a JSON null or none twice, too
    """first_ones(xs) AS list_filter(xs, lambda e, i: coalesce(list_position(xs, e), 0) = i
    OR (e IS NULL AND len(list_filter(xs[:i - 1], lambda p: p IS NULL)) = 0))""",
)


def rewrite_json(tree: exp.Expr) -> None:
    """Rewrite PARSE_JSON, CHECK_JSON and functions of objects with any number of keys, in place."""
    for parse in list(tree.find_all(exp.ParseJSON)):
        parameter = parse.expression if isinstance(parse.args.get("expression"), exp.Expr) else exp.Literal.string("s")
        if not isinstance(parameter, exp.Literal) or parameter.this not in {"d", "s"}:
            raise not_supported(f"the parameter {parameter.sql(dialect='snowflake')} of PARSE_JSON")
        parse.replace(lenient(parse.this, parameter.this, safe=bool(parse.args.get("safe"))))
    for check in list(tree.find_all(exp.CheckJson)):
        check.replace(python_call("check_json", "VARCHAR", call("json_text", check.this)))
    for node in list(tree.find_all(exp.Anonymous)):
        name, arguments = str(node.this).upper(), node.expressions
        if name in _KEYED and len(arguments) > 1:
            listed = exp.Array(expressions=[exp.cast(key, "VARCHAR") for key in arguments[1:]])
            keys = call("key_list", arguments[1]) if len(arguments) == 2 else listed
            node.replace(call(_KEYED[name], arguments[0], keys))


def rewrite_arrays(tree: exp.Expr) -> None:
    """Rewrite functions of arrays and keys, in place."""
    for keys in list(tree.find_all(exp.JSONKeys)):
        keys.replace(call("sorted_keys", keys.this))
    for array in list(tree.find_all(exp.SortArray)):
        asc = array.args.get("asc") or exp.true()
        nulls_first = array.args.get("nulls_first") or exp.Not(this=asc.copy())
        array.replace(python_call("array_sort", "JSON", call("to_json", array.this), asc, nulls_first))
    for extreme in list(tree.find_all(exp.ArrayMax, exp.ArrayMin)):
        name = "array_max" if isinstance(extreme, exp.ArrayMax) else "array_min"
        extreme.replace(python_call(name, "JSON", call("to_json", extreme.this)))


_KEYED = {"OBJECT_PICK": "with_keys", "OBJECT_DELETE": "without_keys"}
