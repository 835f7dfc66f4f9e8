"""Tags: CREATE, DROP and SHOW TAGS, SYSTEM$GET_TAG and TAG_REFERENCES; models carry them."""

from dataclasses import replace

import pyarrow as pa

from local_snowflake.catalog.catalog import Change
from local_snowflake.catalog.objects import MODEL, TAG, ModelProps, Object, Tag, TagProps
from local_snowflake.errors import SnowflakeError, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import drop, keep_existing, read_target
from local_snowflake.execution.registry import statement, system_function, table_function
from local_snowflake.execution.results import Result, record_table, rows, status
from local_snowflake.execution.show_clauses import common, read_clauses, select
from local_snowflake.sql.names import split_parts
from local_snowflake.sql.statement import Reader, Statement, skip_head

_REFERENCE_COLUMNS = (
    *("TAG_DATABASE", "TAG_SCHEMA", "TAG_NAME", "TAG_VALUE", "LEVEL"),
    *("OBJECT_DATABASE", "OBJECT_SCHEMA", "OBJECT_NAME", "DOMAIN", "COLUMN_NAME", "APPLY_METHOD"),
)
# a model is a module in the clients' words
_DOMAINS = {"MODULE", "MODEL"}


@statement("CREATE", "TAG")
def create_tag(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE] TAG [IF NOT EXISTS] name [ALLOWED_VALUES 'v', …] [COMMENT = '…'].

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-tag
    """
    reader, name, if_not_exists = read_target(ctx, stmt)
    allowed = reader.listed(reader.string) if reader.accept("ALLOWED_VALUES") else []
    options = reader.options()
    reader.finish()
    ctx.require_schema(name)
    if kept := keep_existing(stmt, name, ctx.catalog.get(TAG, name), if_not_exists=if_not_exists):
        return kept
    with ctx.ddl() as change:
        comment = str(options.get("COMMENT", ""))
        change.put(Object(TAG, name, TagProps(tuple(allowed)), ctx.session.role, comment))
    return status(f"Tag {name.name} successfully created.")


@statement("DROP", "TAG")
def drop_tag(ctx: Context, stmt: Statement) -> Result:
    """DROP TAG [IF EXISTS] name; objects lose the tag."""

    def remove(change: Change, tag: Tag) -> None:
        change.drop(tag)
        for model in ctx.services.catalog.all(MODEL):
            if tag.name.fqn in model.props.tags:
                tags = {k: v for k, v in model.props.tags.items() if k != tag.name.fqn}
                change.put(replace(model, props=replace(model.props, tags=tags)))

    return drop(ctx, stmt, TAG, remove)


@statement("SHOW", "TAGS")
def show_tags(ctx: Context, stmt: Statement) -> Result:
    """SHOW TAGS: https://docs.snowflake.com/en/sql-reference/sql/show-tags."""
    records = [
        {**common(o), "allowed_values": str(list(o.props.allowed_values)) if o.props.allowed_values else None}
        for o in select(ctx, read_clauses(skip_head(stmt)), TAG)
    ]
    names = ("created_on", "name", "database_name", "schema_name", "owner", "comment", "allowed_values")
    return rows(records, (*names, "owner_role_type"))


def read_tag_names(ctx: Context, reader: Reader) -> list[str]:
    """Read ``tag, …`` to the end; returns their full names. Raises 002003 if there is no such tag."""
    tags = reader.listed(lambda: _tag(ctx, reader.name_parts()))
    reader.finish()
    return [tag.name.fqn for tag in tags]


def read_tags(ctx: Context, reader: Reader) -> dict[str, str]:
    """Read ``tag = 'value', …`` to the end; returns full name -> value.

    Raises 002003 if there is no such tag; 391801 if it does not allow the value.
    """

    def read() -> tuple[str, str]:
        tag = _tag(ctx, reader.name_parts())
        reader.expect("=")
        value, allowed = reader.string(), list(tag.props.allowed_values)
        if allowed and value not in allowed:
            text = f"Tag value '{value}' is not allowed for tag '{tag.name.fqn}': use one of {allowed}."
            raise SnowflakeError(391801, "23001", text)
        return tag.name.fqn, value

    values = reader.listed(read)
    reader.finish()
    return dict(values)


def _tag(ctx: Context, parts: list[str]) -> Tag:
    return ctx.catalog.need(TAG, ctx.resolve(parts))


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
    values = [
        (*split_parts(tag), value, "MODULE", *found.name, "MODULE", None, "MANUAL")
        for tag, value in found.props.tags.items()
    ]
    return record_table([dict(zip(_REFERENCE_COLUMNS, row, strict=True)) for row in values], _REFERENCE_COLUMNS)
