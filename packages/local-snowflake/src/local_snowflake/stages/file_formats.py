"""Named file formats: create, alter, drop, show, describe."""

import json
from dataclasses import replace

from local_snowflake.catalog.objects import FILE_FORMAT, FileFormatProps, Object
from local_snowflake.errors import already_exists, does_not_exist
from local_snowflake.execution import objects
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, rows, status
from local_snowflake.execution.show_clauses import common, pick, read_clauses, scope
from local_snowflake.sql.names import shown
from local_snowflake.sql.statement import Statement, skip_head
from local_snowflake.stages.formats import DEFAULTS, checked_options, find_format
from local_snowflake.stages.options import read_options
from local_snowflake.stages.statements import shown_property


@statement("CREATE", "FILE FORMAT")
def create_file_format(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE] [TEMPORARY] FILE FORMAT [IF NOT EXISTS] name [TYPE = …] [options].

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-file-format
    """
    reader, name, if_not_exists = objects.read_target(ctx, stmt)
    options = read_options(reader)
    reader.finish()
    ctx.require_schema(name)
    temporary = ctx.session.temporary_objects
    old = temporary.get((FILE_FORMAT, name)) if stmt.temporary else ctx.catalog.get(FILE_FORMAT, name)
    if kept := objects.keep_existing(stmt, name, old, if_not_exists=if_not_exists):
        return kept
    props = FileFormatProps(checked_options({"TYPE": "CSV", **options}), stmt.temporary)
    objects.put(ctx, Object(FILE_FORMAT, name, props, ctx.session.role, str(options.get("COMMENT", ""))))
    return status(f"File format {name.name} successfully created.")


@statement("ALTER", "FILE FORMAT")
def alter_file_format(ctx: Context, stmt: Statement) -> Result:
    """ALTER FILE FORMAT [IF EXISTS] name RENAME TO name | SET options."""
    reader, name, if_exists = objects.read_target(ctx, stmt)
    found = objects.find(ctx, FILE_FORMAT, name)
    if found is None:
        if if_exists:
            return status()
        raise does_not_exist(FILE_FORMAT, name.fqn)
    if reader.accept("RENAME", "TO"):
        new_name = ctx.resolve(reader.name_parts(), action="ALTER FILE FORMAT")
        if objects.find(ctx, FILE_FORMAT, new_name):
            raise already_exists(new_name.fqn)
        objects.put(ctx, replace(found, name=new_name), replaces=found)
        return status()
    reader.expect("SET")
    changed = read_options(reader)
    reader.finish()
    comment = str(changed.pop("COMMENT", found.comment))
    props = replace(found.props, options=checked_options(found.props.options | changed))
    objects.put(ctx, replace(found, props=props, comment=comment))
    return status()


@statement("DROP", "FILE FORMAT")
def drop_file_format(ctx: Context, stmt: Statement) -> Result:
    """DROP FILE FORMAT [IF EXISTS] name."""
    reader, name, if_exists = objects.read_target(ctx, stmt)
    reader.finish()
    found = objects.find(ctx, FILE_FORMAT, name)
    return objects.discard(ctx, found) if found else objects.absent(FILE_FORMAT, name, if_exists=if_exists)


@statement("SHOW", "FILE FORMATS")
def show_file_formats(ctx: Context, stmt: Statement) -> Result:
    """SHOW FILE FORMATS: https://docs.snowflake.com/en/sql-reference/sql/show-file-formats."""
    clauses = read_clauses(skip_head(stmt))
    found = pick(clauses, objects.find_all(ctx, FILE_FORMAT, *scope(ctx, clauses)))
    columns = ("created_on", "name", "database_name", "schema_name", "type", "owner", "comment", "format_options")
    kinds = [o.props.options["TYPE"] for o in found]
    records = [
        {**common(o), "type": kind, "format_options": json.dumps(DEFAULTS[kind] | o.props.options)}
        for o, kind in zip(found, kinds, strict=True)
    ]
    return rows(records, (*columns, "owner_role_type"))


@statement("DESCRIBE", "FILE FORMAT")
def describe_file_format(ctx: Context, stmt: Statement) -> Result:
    """DESCRIBE FILE FORMAT: https://docs.snowflake.com/en/sql-reference/sql/desc-file-format."""
    reader = skip_head(stmt)
    parts = reader.name_parts()
    reader.finish()
    options = find_format(ctx, ".".join(shown(p) for p in parts)).props.options
    nulls = DEFAULTS["CSV"]["NULL_IF"]
    records = [
        # the default of NULL_IF is shown as that of CSV whatever the type: Snowpark's reader of JSON builds on it
        shown_property(key, options.get(key, default), nulls if key == "NULL_IF" else default, numbers=("SKIP_HEADER",))
        for key, default in {"TYPE": "CSV", **DEFAULTS[options["TYPE"]]}.items()
    ]
    return rows(records, ("property", "property_type", "property_value", "property_default"))
