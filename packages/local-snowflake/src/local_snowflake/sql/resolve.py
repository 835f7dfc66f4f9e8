"""Names and functions in a syntax tree -> physical tables, expanded views and streams, values of system functions."""

import inspect
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
from sqlglot import Expr, exp

from local_snowflake.catalog.objects import DATABASE, TABLE, Relation, View
from local_snowflake.errors import (
    compilation_error,
    does_not_exist,
    not_supported,
    too_few_arguments,
    too_many_arguments,
)
from local_snowflake.execution import registry
from local_snowflake.execution.context import Context
from local_snowflake.sql import trees
from local_snowflake.sql.binds import BATCH_PREFIX
from local_snowflake.sql.dialect import upper_case
from local_snowflake.sql.names import Name
from local_snowflake.sql.typing.static_types import StaticTypes

TABLE_FUNCTION_PREFIX = "$ROWS_"
_NUMBERED = re.compile(r"\$[1-9]\d*")
# functions that take constants only here, and columns in an account, too
_OF_CONSTANTS = {"IS_ROLE_IN_SESSION"}
# table functions that are translated later on
_TRANSLATED = {"SPLIT_TO_TABLE", "STRTOK_SPLIT_TO_TABLE", "FLATTEN", "GENERATOR"}


def resolve(ctx: Context, tree: exp.Expression, *, is_block: bool = False) -> exp.Expression:
    """Resolve everything that only Snowflake knows, in place: to a tree of physical tables, ready to be translated.

    Identifiers may still be in lower case. ``is_block``: as for ``Compiler.rewrite``.
    """
    tree = upper_case(tree)
    tree = ctx.compiler.rewrite(ctx, tree, is_block=is_block)
    replace_parameters(ctx, tree)
    _replace_system_functions(ctx, tree)
    _replace_table_functions(ctx, tree)
    # the arguments of a table function are names, eg: VALIDATE(db.schema.t): so columns come after them
    for column in tree.find_all(exp.Column):
        if column.args.get("db"):
            # db.schema.t.c -> t.c: the table is named by its alias, which is its last part
            column.set("db", None)
            column.set("catalog", None)
    for table in list(tree.find_all(exp.Table)):
        is_resolved = table.meta.get("target") or table.meta.get("physical")
        if isinstance(table.this, exp.Identifier) and not is_resolved and not is_cte(table):
            _replace_source(ctx, table)
    return tree


def table_name(ctx: Context, table: exp.Table, action: str | None = None) -> Name:
    """The full name that a table node means; ``action`` is what DDL or DML does with the table."""
    parts = [p for p in (table.args.get("catalog"), table.args.get("db"), table.this) if p is not None]
    # in db..table the schema is an empty text
    return ctx.resolve([p.name if isinstance(p, Expr) else p for p in parts], action=action)


def target_table(ctx: Context, table: exp.Table, *privileges: str) -> Name:
    """Make a DML statement's target physical, in place; returns its name. The roles need all of ``privileges`` on it.

    Raises 003001 if they lack one; 002003 if there is no such table; 001003 if it is a view or a stream; 090106 if
    the name has no schema and the session neither.
    """
    statement = table.root().key.upper()
    name = table_name(ctx, table, "TRUNCATE" if statement == "TRUNCATETABLE" else statement)
    relation = ctx.relation(name)
    if relation is None:
        raise does_not_exist("Table", name.fqn)
    if relation.kind != TABLE:
        raise compilation_error(f"Object '{name.fqn}' is a {relation.kind.lower()}: rows cannot be written into it.")
    for privilege in privileges:
        ctx.rights.require(relation, privilege)
    _name_physical(ctx, table, name)
    table.meta["target"] = True
    table.meta["name"] = name
    return name


def _name_physical(ctx: Context, table: exp.Table, name: Name) -> None:
    physical = ctx.physical_table(name)
    for part in ("this", "db", "catalog"):
        table.set(part, physical.args.get(part))


def is_cte(table: exp.Table) -> bool:
    """Whether the table is a common table expression that is in scope where it stands."""
    is_qualified = table.args.get("db") or table.args.get("catalog")
    return not is_qualified and any(cte.alias == table.name for ctes in trees.ctes_around(table) for cte in ctes)


def _replace_source(ctx: Context, table: exp.Table) -> None:
    if table.name.startswith((BATCH_PREFIX, TABLE_FUNCTION_PREFIX)):
        table.meta["physical"] = True
        return
    name = table_name(ctx, table)
    if name.schema == "INFORMATION_SCHEMA" and (
        view := registry.TABLE_FUNCTIONS.get(f"INFORMATION_SCHEMA.{name.name}")
    ):
        ctx.catalog.need(DATABASE, Name("", "", name.database))
        put_rows(ctx, table, view(ctx, name.database), name.name)
        return
    # what a function in SQL or a view reads is read with its owner's rights
    with ctx.rights.of_owner(table.meta.get(trees.OWNER)):
        relation = ctx.relation(name)
        if relation is None and table.name == "DUAL" and not table.args.get("db"):
            # one row of nothing
            inner: exp.Expression = exp.select(trees.named(exp.null(), "DUMMY"))
        elif relation is None:
            raise does_not_exist("Object", name.fqn)
        else:
            ctx.rights.require(relation, "SELECT")
            inner = _read(ctx, name, relation, table)
    alias = table.args.get("alias") or trees.alias(name.name)
    if isinstance(inner, exp.Table):
        _name_physical(ctx, table, name)
        table.set("alias", alias)
        table.meta["physical"] = True
        return
    subquery = exp.Subquery(this=inner, alias=alias.copy())
    trees.move_clauses(table, subquery)
    table.replace(subquery)


def _read(ctx: Context, name: Name, relation: Relation, table: exp.Table) -> exp.Expression:
    """What stands for a table, view or stream in FROM."""
    if TABLE.describes(relation) and not ctx.is_temporary(name) and not table.args.get("when"):
        ctx.reads[name] = relation
    return registry.SOURCES[relation.kind](ctx, relation, table)


@registry.source("VIEW")
def _expand_view(ctx: Context, view: View, table: exp.Table) -> exp.Expression:
    """A view is its query, read in the view's own database and schema."""
    inner = ctx.compiler.parse(ctx, view.props.query)
    if past := table.args.get("when"):
        # a view of the past is its query over the past of what it reads
        for read in inner.find_all(exp.Table):
            read.set("when", past.copy())
    if table.args.get("changes"):
        raise not_supported("CHANGES of a view")
    session = ctx.session
    saved = session.database, session.schema
    session.database, session.schema = view.name.database, view.name.schema
    try:
        with ctx.rights.of_owner(view.owner):
            _check_width(ctx, view, inner)
            inner = resolve(ctx, inner)
    finally:
        session.database, session.schema = saved
    if columns := view.props.column_list:
        alias = exp.TableAlias(this=exp.to_identifier("_VIEW"), columns=[trees.identifier(c) for c in columns])
        return exp.select("*").from_(exp.Subquery(this=inner, alias=alias))
    return inner


def _check_width(ctx: Context, view: View, query: exp.Expression) -> None:
    """Raise 002057 if ``*`` stands for other columns than it did when a view was created.

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-view
    """
    if query.find(exp.Star) is None:
        return
    found, declared = StaticTypes(ctx).output(upper_case(query)), len(view.props.columns)
    # columns of one name count once, which only a view that names its columns can have
    if found is not None and (len(found) > declared or (len(found) < declared and not view.props.column_list)):
        text = f"View definition for '{view.name.fqn}' declared {declared} column(s), but view query produces "
        raise compilation_error(f"{text}{len(found)} column(s).", 2057, "42601")


def replace_parameters(ctx: Context, tree: exp.Expression) -> None:
    """``$1`` -> the first column of what is read; ``$name`` -> the session variable's value."""
    for number, values in enumerate(tree.find_all(exp.Values)):
        alias = values.args.get("alias")
        is_read = isinstance(values.parent, (exp.From, exp.Join)) and values.expressions
        if is_read and not (alias and alias.args.get("columns")):
            width = len(values.expressions[0].expressions)
            columns = [trees.identifier(f"COLUMN{i + 1}") for i in range(width)]
            joined = f"$VALUES_{number}" if isinstance(values.parent, exp.Join) else "VALUES"
            this = alias.this if alias else trees.identifier(joined)
            values.set("alias", exp.TableAlias(this=this, columns=columns))
    _read_quoted_numbers(ctx, tree)
    parameters = list(tree.find_all(exp.Parameter))
    types = StaticTypes(ctx)
    # of what subqueries give, the names are known once their own columns have names
    for parameter in sorted((p for p in parameters if p.name.isdigit()), key=_depth, reverse=True):
        _number_column(types, parameter, int(parameter.name))
    for parameter in parameters:
        name = parameter.name.upper()
        if name.isdigit():
            continue
        if name in ctx.session.variables:
            parameter.replace(_as_literal(ctx.session.variables[name]))
        else:
            raise compilation_error(
                f"error line 1 at position 0\nSession variable '${name}' does not exist", 2211, "02000"
            )


def _read_quoted_numbers(ctx: Context, tree: exp.Expression) -> None:
    """``"$1"`` -> ``$1`` where no column has that name: Snowpark writes the numbers of columns in quotes."""
    types = StaticTypes(ctx)
    for column in [column for column in tree.find_all(exp.Column) if _NUMBERED.fullmatch(column.name)]:
        select = column.find_ancestor(exp.Select)
        if select is None or not select.args.get("from_"):
            continue
        columns = types.sources(select).values()
        if all(names is not None and column.name not in names for names in columns):
            position = exp.Parameter(this=exp.Literal.number(column.name[1:]))
            if column.table:
                column.set("this", position)
                continue
            # a result column keeps the name that is written
            is_result = column.parent is select and column.arg_key == "expressions"
            column.replace(trees.named(position, column.name) if is_result else position)


def _depth(node: exp.Expr) -> int:
    """How many queries a node is in."""
    depth = 0
    while (query := node.find_ancestor(exp.Select)) is not None:
        node, depth = query, depth + 1
    return depth


def _number_column(types: StaticTypes, parameter: exp.Parameter, number: int) -> None:
    """``$1`` or ``t.$1`` -> the column by its position; of what has no columns by name, by its number."""
    qualified = parameter.parent if isinstance(parameter.parent, exp.Column) else None
    select = parameter.find_ancestor(exp.Select)
    sources = types.sources(select) if select is not None and select.args.get("from_") else {}
    table = qualified.table if qualified is not None else next(iter(sources), "")
    names = list(sources.get(table) or ())
    name = names[number - 1] if number <= len(names) else f"COLUMN{number}"
    column = trees.column(name, table if qualified is not None else None)
    (qualified or parameter).replace(column)


def function_name(node: Expr) -> str:
    """A function call's name in upper case, whether sqlglot knows the function or not."""
    if isinstance(node, exp.Anonymous):
        return str(node.this).upper()
    return node.sql_name() if isinstance(node, exp.Func) else ""


def _replace_system_functions(ctx: Context, tree: exp.Expression) -> None:
    # what is inside first: it may be an argument
    for node in reversed(list(tree.find_all(exp.Func))):
        name = function_name(node)
        function = registry.SYSTEM_FUNCTIONS.get(name)
        if function is None:
            continue
        if name in _OF_CONSTANTS and any(argument.find(exp.Column) for argument in _arguments(node)):
            raise not_supported(f"{name} of a column")
        literal: Expr
        if ctx.only_describes and name in registry.EFFECTIVE_FUNCTIONS:
            literal = exp.cast(exp.null(), registry.EFFECTIVE_FUNCTIONS[name], dialect="snowflake")
        else:
            literal = _as_literal(_called(function, name, ctx, *(_constant(a) for a in _arguments(node))))
        if isinstance(node.parent, exp.Select) and node.arg_key == "expressions":
            literal = exp.alias_(literal, node.sql(dialect="snowflake"), quoted=True)
        node.replace(literal)


def _called(function: Callable[..., Any], name: str, *arguments: Any, **named: Any) -> Any:
    """A registered function's result; its arguments are counted first."""
    signature = inspect.signature(function)
    try:
        signature.bind(*arguments, **named)
    except TypeError as error:
        few = str(error).startswith("missing")
        raise (too_few_arguments if few else too_many_arguments)(name) from None
    return function(*arguments, **named)


def _arguments(node: Expr) -> Iterator[Expr]:
    if node.args.get("this") is not None and isinstance(node.this, Expr):
        yield node.this
    yield from node.expressions


def _constant(node: Expr) -> Any:
    if isinstance(node, exp.Kwarg):
        return _constant(node.expression)
    if isinstance(node, exp.Literal):
        return node.this if node.is_string else (float(node.this) if "." in node.this else int(node.this))
    if isinstance(node, exp.RawString):
        return node.this
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    if isinstance(node, exp.Null):
        return None
    if isinstance(node, exp.Neg):
        return -_constant(node.this)
    return node.sql(dialect="snowflake")


def _as_literal(value: Any) -> Expr:
    if value is None:
        return exp.cast(exp.null(), "VARCHAR", dialect="snowflake")
    if isinstance(value, Expr):
        return value
    return exp.convert(value)


def _replace_table_functions(ctx: Context, tree: exp.Expression) -> None:
    """``TABLE(f(…))`` of a registered function -> its rows, registered with DuckDB under a name of their own."""
    for node in list(tree.find_all(exp.TableFromRows)):
        call, name = node.this, ""
        while isinstance(call, exp.Dot):
            call = call.expression
        if isinstance(call, exp.Expression):
            name = function_name(call)
        function = registry.TABLE_FUNCTIONS.get(name)
        if function is None:
            if isinstance(call, exp.Anonymous) and name not in _TRANSLATED:
                raise compilation_error(f"Unknown table function {name}.", 2142, "42601")
            continue
        positional = [_constant(a) for a in _arguments(call) if not isinstance(a, exp.Kwarg)]
        named = {a.this.name.lower(): _constant(a.expression) for a in call.expressions if isinstance(a, exp.Kwarg)}
        put_rows(ctx, node, _called(function, name, ctx, *positional, **named), name)


def constant_value(ctx: Context, argument: exp.Expr) -> Any:
    """The value of an argument that is a constant, a session variable or a function of the session."""
    holder = exp.Paren(this=argument.copy())
    replace_parameters(ctx, holder)
    _replace_system_functions(ctx, holder)
    return _constant(holder.this)


def put_rows(ctx: Context, node: exp.Expression, rows: pa.Table, alias: str = "") -> exp.Table:
    """Replace an item of FROM by rows, registered with DuckDB under a name of their own; what takes its place."""
    view = TABLE_FUNCTION_PREFIX + uuid.uuid4().hex.upper()
    ctx.session.register_rows(view, rows)
    table = exp.Table(
        this=trees.identifier(view), alias=node.args.get("alias") or (trees.alias(alias) if alias else None)
    )
    trees.move_clauses(node, table)
    table.meta["physical"] = True
    node.replace(table)
    return table
