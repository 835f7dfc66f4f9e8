"""Named file formats: create, alter, drop, show, describe."""

import json
from dataclasses import replace
from typing import Any

from local_snowflake.catalog.objects import FILE_FORMAT, FileFormatProps, Object
from local_snowflake.errors import already_exists, does_not_exist
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import TIME, Result, rows, status
from local_snowflake.execution.show_clauses import pick, read_clauses, scope
from local_snowflake.sql.names import Name, shown
from local_snowflake.sql.statement import Statement, skip_head
from local_snowflake.stages.formats import DEFAULTS, checked_options, find_format
from local_snowflake.stages.options import read_options
from local_snowflake.stages.statements import shown_option


@statement("CREATE", "FILE FORMAT")
def create_file_format(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE] [TEMPORARY] FILE FORMAT [IF NOT EXISTS] name [TYPE = …] [options].

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-file-format
    """
    reader = skip_head(stmt)
    if_not_exists = reader.accept("IF", "NOT", "EXISTS")
    name = ctx.resolve(reader.name_parts())
    options = read_options(reader)
    reader.finish()
    ctx.require_schema(name)
    temporary = ctx.session.temporary_objects
    old = temporary.get((FILE_FORMAT, name)) if stmt.temporary else ctx.catalog.get(FILE_FORMAT, name)
    if old and not stmt.or_replace:
        if not if_not_exists:
            raise already_exists(name.fqn)
        return status(f"{name.name} already exists, statement succeeded.")
    props = FileFormatProps(checked_options({"TYPE": "CSV", **options}), stmt.temporary)
    _put(ctx, Object(FILE_FORMAT, name, props, owner=ctx.session.role, comment=str(options.get("COMMENT", ""))))
    return status(f"File format {name.name} successfully created.")


def _put(ctx: Context, new: Object[FileFormatProps]) -> None:
    if new.props.temporary:
        ctx.session.temporary_objects[new.key] = new
        return
    with ctx.ddl() as change:
        change.put(new)


def _rename(ctx: Context, old: Object[FileFormatProps], name: Name) -> None:
    if old.props.temporary:
        _forget(ctx, old)
        _put(ctx, replace(old, name=name))
        return
    with ctx.ddl() as change:
        change.rename(old, name)


def _find(ctx: Context, name: Name) -> Object[FileFormatProps] | None:
    return ctx.session.temporary_objects.get((FILE_FORMAT, name)) or ctx.catalog.get(FILE_FORMAT, name)


def _forget(ctx: Context, old: Object[FileFormatProps]) -> None:
    if old.props.temporary:
        del ctx.session.temporary_objects[old.key]
        return
    with ctx.ddl() as change:
        change.drop(old)


@statement("ALTER", "FILE FORMAT")
def alter_file_format(ctx: Context, stmt: Statement) -> Result:
    """ALTER FILE FORMAT [IF EXISTS] name RENAME TO name | SET options."""
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    name = ctx.resolve(reader.name_parts())
    found = _find(ctx, name)
    if found is None:
        if if_exists:
            return status()
        raise does_not_exist("File format", name.fqn)
    if reader.accept("RENAME", "TO"):
        new_name = ctx.resolve(reader.name_parts())
        if _find(ctx, new_name):
            raise already_exists(new_name.fqn)
        _rename(ctx, found, new_name)
        return status()
    reader.expect("SET")
    given = read_options(reader)
    reader.finish()
    comment = str(given.pop("COMMENT", found.comment))
    props = replace(found.props, options=checked_options(found.props.options | given))
    _put(ctx, replace(found, props=props, comment=comment))
    return status()


@statement("DROP", "FILE FORMAT")
def drop_file_format(ctx: Context, stmt: Statement) -> Result:
    """DROP FILE FORMAT [IF EXISTS] name."""
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    name = ctx.resolve(reader.name_parts())
    reader.finish()
    file_format = _find(ctx, name)
    if file_format is None:
        if if_exists:
            return status(f"Drop statement executed successfully ({name.name} already dropped).")
        raise does_not_exist("File format", name.fqn)
    _forget(ctx, file_format)
    return status(f"{name.name} successfully dropped.")


@statement("SHOW", "FILE FORMATS")
def show_file_formats(ctx: Context, stmt: Statement) -> Result:
    """SHOW FILE FORMATS: https://docs.snowflake.com/en/sql-reference/sql/show-file-formats."""
    clauses = read_clauses(skip_head(stmt))
    database, schema = scope(ctx, clauses)
    file_formats = ctx.catalog.all(FILE_FORMAT, database, schema)
    file_formats += [
        o
        for o in ctx.session.temporary_objects.values()
        if o.kind == FILE_FORMAT and database in (None, o.name.database) and schema in (None, o.name.schema)
    ]
    records = [_record(o) for o in pick(clauses, sorted(file_formats, key=lambda o: o.name))]
    names = ("name", "database_name", "schema_name", "type", "owner", "comment", "format_options", "owner_role_type")
    return rows(records, {"created_on": TIME, **dict.fromkeys(names)})


def _record(found: Object[FileFormatProps]) -> dict[str, Any]:
    options = found.props.options
    return {
        "created_on": found.created_on,
        "name": found.name.name,
        "database_name": found.name.database,
        "schema_name": found.name.schema,
        "type": options["TYPE"],
        "owner": found.owner,
        "comment": found.comment,
        "format_options": json.dumps(DEFAULTS[options["TYPE"]] | options),
        "owner_role_type": "ROLE",
    }


@statement("DESCRIBE", "FILE FORMAT")
def describe_file_format(ctx: Context, stmt: Statement) -> Result:
    """DESCRIBE FILE FORMAT: https://docs.snowflake.com/en/sql-reference/sql/desc-file-format."""
    reader = skip_head(stmt)
    parts = reader.name_parts()
    reader.finish()
    options = find_format(ctx, ".".join(shown(p) for p in parts)).props.options
    records = []
    for key, default in {"TYPE": "CSV", **DEFAULTS[options["TYPE"]]}.items():
        kind = "List" if isinstance(default, list) else "String"
        kind = "Integer" if key == "SKIP_HEADER" else "Boolean" if default in ("true", "false") else kind
        value = shown_option(options.get(key, default))
        records.append(
            {"property": key, "property_type": kind, "property_value": value, "property_default": shown_option(default)}
        )
    return rows(records, dict.fromkeys(("property", "property_type", "property_value", "property_default")))
