"""Queries over staged files, ``FROM @stage``: the nodes of the syntax tree, and the rows that replace them."""

import re
from collections.abc import Iterable

import duckdb
import pyarrow as pa
from sqlglot import exp

from local_snowflake.copy.content import FIELD_PREFIX, SOURCE, open_file, source_sql
from local_snowflake.copy.readers.json_reader import JSON
from local_snowflake.copy.rejects import ROW
from local_snowflake.errors import from_duckdb
from local_snowflake.execution.context import Context
from local_snowflake.functions.python_calls import call
from local_snowflake.sql import trees
from local_snowflake.sql.resolve import put_rows
from local_snowflake.sql.types import SfType
from local_snowflake.sql.typing.static_types import COLUMNS
from local_snowflake.sql.typing.value_types import TEXT, WHOLE
from local_snowflake.stages.formats import FileFormat, effective_format
from local_snowflake.stages.locations import StagedFile, locate, matches

FILENAME, ROW_NUMBER = "METADATA$FILENAME", "METADATA$FILE_ROW_NUMBER"
# a VARIANT that does not become one of these is an error of its own
_FROM_VARIANT = {*exp.DataType.NUMERIC_TYPES, exp.DType.BOOLEAN}


def read_stages(ctx: Context, tree: exp.Expression) -> exp.Expression | None:
    """``FROM @stage/path (FILE_FORMAT => 'f', PATTERN => 'p')`` -> the rows of its files.

    Source: https://docs.snowflake.com/en/user-guide/querying-stage
    """
    tables = staged_tables(tree)
    if not tables:
        return None
    name_positions(tree)
    for table in tables:
        location = locate(ctx, location_text(table))
        form = effective_format(ctx, argument(table, "format"), location.stage)
        pattern = argument(table, "pattern")
        files = [f for f in location.files() if matches(pattern, f.name) or matches(pattern, f.relative)]
        put_rows(ctx, table, _rows(ctx, tree, files, form))
    return tree


def typed_stages(ctx: Context, tree: exp.Expression) -> None:
    """Note the types of what queries over staged files read: fields of CSV are texts, in place.

    Source: https://docs.snowflake.com/en/user-guide/querying-stage
    """
    tables = staged_tables(tree)
    names = [n.name.removeprefix("$") for n in tree.find_all(exp.Parameter, exp.Column)] if tables else []
    highest = max((int(n) for n in names if n.isdigit()), default=0)
    for table in tables:
        stage = locate(ctx, location_text(table)).stage
        if effective_format(ctx, argument(table, "format"), stage).kind == "CSV":
            table.meta[COLUMNS] = columns_of_csv(f"${i + 1}" for i in range(highest))


def columns_of_csv(fields: Iterable[str]) -> dict[str, SfType]:
    """The types of what a query over a CSV file reads: its fields, by their names there, and what tells of the row."""
    return {**dict.fromkeys(fields, TEXT), FILENAME: TEXT, ROW_NUMBER: WHOLE}


def argument(table: exp.Table, key: str) -> str | None:
    """The ``format`` or the ``pattern`` that is given for a stage in FROM."""
    if (value := table.args.get(key)) is None:
        return None
    return value.name if isinstance(value, exp.Literal) else value.sql(dialect="snowflake")


def _rows(ctx: Context, tree: exp.Expression, files: list[StagedFile], form: FileFormat) -> pa.Table:
    contents = [(f, open_file(f, form)) for f in files]
    if form.is_columnar:
        fields = {name for _, content in contents for name in content.fields}
        read_fields(tree, fields, as_variants=True)
    needed = highest_position(tree)
    tables = []
    try:
        with ctx.services.storage.cursor() as duck:
            for file, content in contents:
                if content.faults:
                    row, (fault, at) = next(iter(content.faults.items()))
                    raise content.reject(file.name, row, fault, None, None, at).as_error()
                duck.register(SOURCE, content.table)
                tables.append(duck.execute(source_sql(content, form, needed, file)).to_arrow_table())
    except duckdb.Error as error:
        raise from_duckdb(error) from None
    if not tables:
        names = [f"COLUMN{i + 1}" for i in range(max(needed, 1))]
        names += [FILENAME, ROW_NUMBER]
        return pa.table({n: pa.array([], pa.string()) for n in names})
    table = pa.concat_tables(tables, promote_options="permissive").drop_columns([ROW])
    if form.is_columnar:
        _texts_as_variants(tree, table.schema)
    if form.kind != "CSV" and "COLUMN1" in table.column_names:
        storage = table.column("COLUMN1").combine_chunks().cast(pa.string())
        position = table.column_names.index("COLUMN1")
        table = table.set_column(position, "COLUMN1", pa.ExtensionArray.from_storage(JSON, storage))
    return table


def _texts_as_variants(tree: exp.Expression, schema: pa.Schema) -> None:
    """Let casts of texts in files with columns fail as those of VARIANTs do, in place."""
    texts = {field.name for field in schema if pa.types.is_string(field.type) and field.name.startswith(FIELD_PREFIX)}
    for column in [c for c in tree.find_all(exp.Column) if c.name in texts]:
        parent = column.parent
        is_rounded = isinstance(parent, exp.Anonymous) and parent.name.lower() == "rounded_half_up"
        cast = parent.parent if is_rounded and parent else parent
        if isinstance(cast, exp.Cast) and cast.to.this in _FROM_VARIANT:
            column.replace(call("to_json", column.copy()))


# -- stages in a syntax tree -------------------------------------------------------------------------------------------


def staged_tables(tree: exp.Expression) -> list[exp.Table]:
    """The nodes that read a stage: ``FROM @stage/path (FILE_FORMAT => 'f', PATTERN => 'p') alias``."""
    return [t for t in tree.find_all(exp.Table) if location_text(t)]


def location_text(table: exp.Table) -> str:
    """The location that a table node reads; empty if it reads no stage."""
    node = table.this
    if isinstance(node, exp.Var) or (isinstance(node, exp.Literal) and node.is_string):
        text = str(node.this)
        return text if text.startswith(("@", "snow://")) else ""
    return ""


def name_positions(tree: exp.Expression) -> None:
    """``$1``, ``t.$1`` and ``"$1"`` of a query over a stage -> a column COLUMN1, in place.

    In a query over such a query ``$1`` is its first column, and ``"$1"`` the column that has no other name.
    """
    readers = {id(t.find_ancestor(exp.Select)) for t in staged_tables(tree)}
    for column in list(tree.find_all(exp.Column)):
        is_position = re.fullmatch(r"\$\d+", column.name) and isinstance(column.this, exp.Identifier)
        if is_position and id(column.find_ancestor(exp.Select)) in readers:
            _put_position(column, column.args.get("table"), column.name[1:])
    outer = []
    for parameter in [p for p in tree.find_all(exp.Parameter) if p.name.isdigit()]:
        parent = parameter.parent
        if id(parameter.find_ancestor(exp.Select)) not in readers:
            outer.append(parameter)
        elif isinstance(parent, exp.Column) and parent.this is parameter:
            _put_position(parent, parent.args.get("table"), parameter.name)
        else:
            _put_position(parameter, None, parameter.name)
    for parameter in outer:
        _name_of_subquery(parameter)


def _put_position(old: exp.Expr, table: exp.Expr | None, position: str) -> None:
    """Replace a reference; as a result column it keeps its spelling, ``$n``, as its name."""
    new: exp.Expr = exp.Column(this=trees.identifier(f"COLUMN{position}"), table=table)
    is_result = isinstance(old.parent, exp.Select) and old.arg_key == "expressions"
    old.replace(trees.named(new, f"${position}") if is_result else new)


def _name_of_subquery(parameter: exp.Parameter) -> None:
    """``$n`` of a query over a subquery -> the name of its n-th column."""
    select = parameter.find_ancestor(exp.Select)
    from_ = select.args.get("from_") if select else None
    inner = from_.this.this if from_ is not None and isinstance(from_.this, exp.Subquery) else None
    named = inner.expressions if isinstance(inner, exp.Select) else []
    position = int(parameter.name) - 1
    if position < len(named) and named[position].alias_or_name:
        whole = parameter.parent if isinstance(parameter.parent, exp.Column) else parameter
        whole.replace(trees.column(named[position].alias_or_name))


def highest_position(tree: exp.Expression) -> int:
    """The highest n of the columns COLUMNn that are referred to."""
    names = [c.name for c in tree.find_all(exp.Column)]
    numbers = [int(n[6:]) for n in names if n.startswith("COLUMN") and n[6:].isdigit()]
    return max(numbers, default=0)


def read_fields(tree: exp.Expression, fields: set[str], *, as_variants: bool) -> None:
    """``$1:name`` of a file with columns -> that column, in place, in a query whose positions have names already.

    With ``as_variants`` a field that is a result as it is stays a VARIANT.
    """
    for node in list(tree.find_all(exp.JSONExtract, exp.Bracket)):
        name = trees.member(node)
        column = node.this
        if name is None or not isinstance(column, exp.Column) or column.name != "COLUMN1":
            continue
        if name in fields:
            table = column.args.get("table")
            new: exp.Expression = exp.Column(this=trees.identifier(FIELD_PREFIX + name), table=table)
            if as_variants and isinstance(node.parent, exp.Select | exp.Alias):
                new = exp.Anonymous(this="to_json", expressions=[new])
        else:
            new = exp.null()
        node.replace(new)
