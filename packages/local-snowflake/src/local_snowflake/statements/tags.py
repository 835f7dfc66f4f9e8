"""Tags: CREATE, DROP and SHOW TAGS, SYSTEM$GET_TAG and TAG_REFERENCES; models carry them."""

from dataclasses import replace
from typing import Any

import pyarrow as pa

from local_snowflake.catalog.objects import MODEL, TAG, ModelProps, Object, Tag, TagProps
from local_snowflake.errors import SnowflakeError, already_exists, does_not_exist, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement, system_function, table_function
from local_snowflake.execution.results import Result, rows, status
from local_snowflake.execution.show_clauses import read_clauses, select
from local_snowflake.sql.names import Name, split_parts
from local_snowflake.sql.statement import Reader, Statement, skip_head

_TIME = pa.timestamp("us", "UTC")
_REFERENCE_COLUMNS = (
    "TAG_DATABASE",
    "TAG_SCHEMA",
    "TAG_NAME",
    "TAG_VALUE",
    "LEVEL",
    "OBJECT_DATABASE",
    "OBJECT_SCHEMA",
    "OBJECT_NAME",
    "DOMAIN",
    "COLUMN_NAME",
    "APPLY_METHOD",
)
# a model is a module in the clients' words
_DOMAINS = {"MODULE", "MODEL"}


@statement("CREATE", "TAG")
def create_tag(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE] TAG [IF NOT EXISTS] name [ALLOWED_VALUES 'v', …] [COMMENT = '…'].

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-tag
    """
    reader = skip_head(stmt)
    if_not_exists = reader.accept("IF", "NOT", "EXISTS")
    name = ctx.resolve(reader.name_parts())
    allowed: list[str] = []
    if reader.accept("ALLOWED_VALUES"):
        allowed.append(reader.string())
        while reader.accept(","):
            allowed.append(reader.string())
    options = reader.options()
    reader.finish()
    ctx.require_schema(name)
    if ctx.catalog.get(TAG, name) and not stmt.or_replace:
        if not if_not_exists:
            raise already_exists(name.fqn)
        return status(f"{name.name} already exists, statement succeeded.")
    with ctx.ddl() as change:
        comment = str(options.get("COMMENT", ""))
        change.put(Object(TAG, name, TagProps(tuple(allowed)), ctx.session.role, comment))
    return status(f"Tag {name.name} successfully created.")


@statement("DROP", "TAG")
def drop_tag(ctx: Context, stmt: Statement) -> Result:
    """DROP TAG [IF EXISTS] name; objects lose the tag."""
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    name = ctx.resolve(reader.name_parts())
    reader.finish()
    found = ctx.catalog.get(TAG, name)
    if found is None:
        if if_exists:
            return status(f"Drop statement executed successfully ({name.name} already dropped).")
        raise does_not_exist("Tag", name.fqn)
    with ctx.ddl() as change:
        change.drop(found)
        for model in ctx.catalog.all(MODEL):
            if name.fqn in model.props.tags:
                tags = {k: v for k, v in model.props.tags.items() if k != name.fqn}
                change.put(replace(model, props=replace(model.props, tags=tags)))
    return status(f"{name.name} successfully dropped.")


@statement("SHOW", "TAGS")
def show_tags(ctx: Context, stmt: Statement) -> Result:
    """SHOW TAGS: https://docs.snowflake.com/en/sql-reference/sql/show-tags."""
    records = [
        {
            "created_on": o.created_on,
            "name": o.name.name,
            "database_name": o.name.database,
            "schema_name": o.name.schema,
            "owner": o.owner,
            "comment": o.comment,
            "allowed_values": str(list(o.props.allowed_values)) if o.props.allowed_values else None,
            "owner_role_type": "ROLE",
        }
        for o in select(ctx, read_clauses(skip_head(stmt)), TAG)
    ]
    names = ("name", "database_name", "schema_name", "owner", "comment", "allowed_values", "owner_role_type")
    return rows(records, {"created_on": _TIME, **dict.fromkeys(names)})


def read_tag_names(ctx: Context, reader: Reader) -> list[str]:
    """Read ``tag, …`` to the end; returns their full names.

    Raises:
        SnowflakeError: 002003, if there is no such tag.
    """
    names = [_tag(ctx, reader.name_parts()).name.fqn]
    while reader.accept(","):
        names.append(_tag(ctx, reader.name_parts()).name.fqn)
    reader.finish()
    return names


def read_tags(ctx: Context, reader: Reader) -> dict[str, str]:
    """Read ``tag = 'value', …`` to the end; returns full name -> value.

    Raises:
        SnowflakeError: 002003, if there is no such tag; 391801, if it does not allow the value.
    """
    values: dict[str, str] = {}
    while True:
        tag = _tag(ctx, reader.name_parts())
        reader.expect("=")
        values[tag.name.fqn] = _allowed(tag, reader.string())
        if not reader.accept(","):
            break
    reader.finish()
    return values


def _tag(ctx: Context, parts: list[str]) -> Tag:
    return ctx.catalog.need(TAG, ctx.resolve(parts))


def _allowed(tag: Tag, value: str) -> str:
    allowed = list(tag.props.allowed_values)
    if allowed and value not in allowed:
        text = f"Tag value '{value}' is not allowed for tag '{tag.name.fqn}': use one of {allowed}."
        raise SnowflakeError(391801, "23001", text)
    return value


def _tagged(ctx: Context, name: str, domain: str) -> Object[ModelProps]:
    if domain.upper() not in _DOMAINS:
        raise not_supported(f"tags of a {domain.lower()}")
    return ctx.catalog.need(MODEL, ctx.resolve(split_parts(name)))


@system_function("SYSTEM$GET_TAG")
def get_tag(ctx: Context, tag: str, name: str, domain: str) -> str | None:
    """SYSTEM$GET_TAG('tag', 'object', 'domain'): https://docs.snowflake.com/en/sql-reference/functions/system_get_tag."""
    found = _tag(ctx, split_parts(tag))
    value = _tagged(ctx, name, domain).props.tags.get(found.name.fqn)
    return None if value is None else str(value)


@table_function("TAG_REFERENCES")
def tag_references(ctx: Context, name: str, domain: str) -> pa.Table:
    """TAG_REFERENCES('object', 'domain'): https://docs.snowflake.com/en/sql-reference/functions/tag_references."""
    found = _tagged(ctx, name, domain)
    records = [_reference(found, Name(*split_parts(tag)), value) for tag, value in found.props.tags.items()]
    return pa.table({c: pa.array([r.get(c) for r in records], pa.string()) for c in _REFERENCE_COLUMNS})


def _reference(tagged: Object[ModelProps], tag: Name, value: str) -> dict[str, Any]:
    return {
        "TAG_DATABASE": tag.database,
        "TAG_SCHEMA": tag.schema,
        "TAG_NAME": tag.name,
        "TAG_VALUE": value,
        "LEVEL": "MODULE",
        "OBJECT_DATABASE": tagged.name.database,
        "OBJECT_SCHEMA": tagged.name.schema,
        "OBJECT_NAME": tagged.name.name,
        "DOMAIN": "MODULE",
        "APPLY_METHOD": "MANUAL",
    }
