"""Queries over staged files, ``FROM @stage``: the nodes of the syntax tree, and the rows that replace them."""

import re

import duckdb
import pyarrow as pa
from sqlglot import exp

from local_snowflake.copy.content import FIELD_PREFIX, ROW, SOURCE, open_file, source_sql
from local_snowflake.errors import from_duckdb
from local_snowflake.execution.context import Context
from local_snowflake.sql import trees
from local_snowflake.sql.resolve import put_rows
from local_snowflake.stages.formats import FileFormat, effective_format
from local_snowflake.stages.locations import Location, StagedFile, locate, matches


def read_stages(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """``FROM @stage/path (FILE_FORMAT => 'f', PATTERN => 'p')`` -> the rows of its files.

    Source: https://docs.snowflake.com/en/user-guide/querying-stage
    """
    tables = staged_tables(tree)
    if not tables:
        return tree
    name_positions(tree)
    for table in tables:
        location = locate(ctx, location_text(table))
        form = effective_format(ctx, _argument(table, "format"), location.stage)
        files = _files(location, _argument(table, "pattern"))
        put_rows(ctx, table, _rows(ctx, tree, files, form))
    return tree


def _argument(table: exp.Table, key: str) -> str | None:
    value = table.args.get(key)
    if value is None:
        return None
    return value.name if isinstance(value, exp.Literal) else value.sql(dialect="snowflake")


def _files(location: Location, pattern: str | None) -> list[StagedFile]:
    files = location.files()
    return [f for f in files if any(matches(pattern, n) for n in (f.name, f.relative))] if pattern else files


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
                tables.append(duck.execute(source_sql(content, form.kind, needed, file)).to_arrow_table())
    except duckdb.Error as error:
        raise from_duckdb(error) from None
    if not tables:
        names = [f"COLUMN{i + 1}" for i in range(max(needed, 1))]
        names += ["METADATA$FILENAME", "METADATA$FILE_ROW_NUMBER"]
        return pa.table({n: pa.array([], pa.string()) for n in names})
    table = pa.concat_tables(tables, promote_options="permissive").drop_columns([ROW])
    if form.kind != "CSV" and "COLUMN1" in table.column_names:
        position = table.column_names.index("COLUMN1")
        storage = table.column("COLUMN1").combine_chunks()
        json = pa.ExtensionArray.from_storage(pa.json_(pa.utf8()), storage.cast(pa.string()))
        table = table.set_column(position, "COLUMN1", json)
    return table


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
        if not re.fullmatch(r"\$\d+", column.name) or not isinstance(column.this, exp.Identifier):
            continue
        if id(column.find_ancestor(exp.Select)) in readers:
            new = exp.Column(this=_column(column.name[1:]), table=column.args.get("table"))
            _put_position(column, new, column.name)
    outer = []
    for parameter in list(tree.find_all(exp.Parameter)):
        if not parameter.name.isdigit():
            continue
        if id(parameter.find_ancestor(exp.Select)) not in readers:
            outer.append(parameter)
            continue
        parent = parameter.parent
        if isinstance(parent, exp.Column) and parent.this is parameter:
            parent.set("this", _column(parameter.name))
            _put_position(parent, parent.copy(), f"${parameter.name}")
        else:
            _put_position(parameter, exp.Column(this=_column(parameter.name)), f"${parameter.name}")
    for parameter in outer:
        _name_of_subquery(parameter)


def _column(position: str) -> exp.Identifier:
    return trees.identifier(f"COLUMN{position}")


def _put_position(old: exp.Expr, new: exp.Expr, label: str) -> None:
    """Replace a reference; as a result column it keeps the label."""
    is_result = isinstance(old.parent, exp.Select) and old.arg_key == "expressions"
    old.replace(exp.alias_(new, label, quoted=True) if is_result else new)


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
        name = _key(node)
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


def _key(node: exp.Expression) -> str | None:
    """The name, if the node takes one member by its name and nothing else."""
    if isinstance(node, exp.Bracket):
        only = node.expressions[0] if len(node.expressions) == 1 else None
        return str(only.this) if isinstance(only, exp.Literal) and only.is_string else None
    path = node.args.get("expression")
    if isinstance(path, exp.JSONPath) and len(path.expressions) == 2:
        part = path.expressions[1]
        return str(part.this) if isinstance(part, exp.JSONPathKey) else None
    return None
