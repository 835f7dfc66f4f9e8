"""Stages: create, alter, drop, show, describe."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from local_snowflake.catalog.objects import STAGE, Object, Stage, StageProps
from local_snowflake.errors import already_exists, compilation_error, does_not_exist, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import TIME, Result, rows, status
from local_snowflake.execution.show_clauses import pick, read_clauses, scope
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import Reader, Statement, skip_head
from local_snowflake.stages.formats import DEFAULTS, checked_options
from local_snowflake.stages.locations import find_stage, need_stage, remove_directory, root
from local_snowflake.stages.options import Options, is_true, read_options


@statement("CREATE", "STAGE")
def create_stage(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE] [TEMPORARY] STAGE [IF NOT EXISTS] name [options]: an internal stage.

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-stage
    """
    reader = skip_head(stmt)
    if_not_exists = reader.accept("IF", "NOT", "EXISTS")
    name = ctx.resolve(reader.name_parts())
    options, comment = _read_stage_options(reader)
    reader.finish()
    ctx.require_schema(name)
    temporary = stmt.temporary
    old = ctx.session.temporary_objects.get((STAGE, name)) if temporary else ctx.catalog.get(STAGE, name)
    if old and not stmt.or_replace:
        if not if_not_exists:
            raise already_exists(name.fqn)
        return status(f"{name.name} already exists, statement succeeded.")
    props = StageProps(uuid.uuid4().hex, temporary, **options)
    new = Object(STAGE, name, props, ctx.session.role, comment or "")
    if temporary:
        ctx.session.temporary_objects[new.key] = new
        directory = root(ctx) / props.id
        ctx.session.endings.append(lambda: remove_directory(directory))
    else:
        with ctx.ddl() as change:
            change.put(new)
    if old:
        remove_directory(root(ctx) / old.props.id)
    return status(f"Stage area {name.name} successfully created.")


def _read_stage_options(reader: Reader) -> tuple[dict[str, Options], str | None]:
    """The options that a statement sets, by the names of their fields in ``StageProps``, and its comment."""
    options: Options = {}
    while not reader.done:
        if reader.accept("WITH", "TAG") or reader.accept("TAG"):
            raise not_supported("CREATE STAGE … TAG")
        before = reader.at
        options |= read_options(reader)
        if reader.at == before:
            raise reader.unexpected("an option")
    for key in ("URL", "STORAGE_INTEGRATION", "CREDENTIALS", "USE_PRIVATELINK_ENDPOINT", "ENDPOINT"):
        if key in options:
            raise not_supported(f"CREATE STAGE … {key}: external stages")
    found: dict[str, Options] = {}
    for key in ("FILE_FORMAT", "DIRECTORY", "ENCRYPTION", "COPY_OPTIONS"):
        if (value := options.get(key)) is None:
            continue
        if key == "FILE_FORMAT":
            value = checked_options(value if isinstance(value, dict) else {"FORMAT_NAME": value})
        if not isinstance(value, dict):
            raise compilation_error(f"invalid value for {key} of a stage: options in brackets are expected.")
        found[key.lower()] = value
    return found, str(options["COMMENT"]) if "COMMENT" in options else None


@statement("DROP", "STAGE")
def drop_stage(ctx: Context, stmt: Statement) -> Result:
    """DROP STAGE [IF EXISTS] name: its files go with it."""
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    name = ctx.resolve(reader.name_parts())
    reader.finish()
    found = find_stage(ctx, name)
    if found is None:
        if if_exists:
            return status(f"Drop statement executed successfully ({name.name} already dropped).")
        raise does_not_exist("Stage", name.fqn)
    if found.props.temporary:
        del ctx.session.temporary_objects[found.key]
    else:
        with ctx.ddl() as change:
            change.drop(found)
    remove_directory(root(ctx) / found.props.id)
    return status(f"{name.name} successfully dropped.")


@statement("ALTER", "STAGE")
def alter_stage(ctx: Context, stmt: Statement) -> Result:
    """ALTER STAGE [IF EXISTS] name RENAME TO name | SET options | UNSET options | REFRESH."""
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    name = ctx.resolve(reader.name_parts())
    existing = find_stage(ctx, name)
    if existing is None and if_exists:
        return status()
    stage = need_stage(ctx, name)
    if reader.accept("REFRESH"):
        read_options(reader)
        return status()
    if reader.accept("RENAME", "TO"):
        new_name = ctx.resolve(reader.name_parts())
        reader.finish()
        if find_stage(ctx, new_name):
            raise already_exists(new_name.fqn)
        _rename(ctx, stage, new_name)
        return status()
    comment: str | None = None
    if reader.accept("UNSET"):
        comment = "" if reader.accept("COMMENT") else None
        options: dict[str, Options] = {"file_format": {}} if comment is None else {}
    else:
        reader.expect("SET")
        options, comment = _read_stage_options(reader)
    comment = stage.comment if comment is None else comment
    _put(ctx, replace(stage, props=replace(stage.props, **options), comment=comment))  # type: ignore[arg-type]
    return status()


def _rename(ctx: Context, stage: Stage, name: Name) -> None:
    if stage.props.temporary:
        del ctx.session.temporary_objects[stage.key]
        _put(ctx, replace(stage, name=name))
        return
    with ctx.ddl() as change:
        change.rename(stage, name)


def _put(ctx: Context, new: Stage) -> None:
    if new.props.temporary:
        ctx.session.temporary_objects[new.key] = new
        return
    with ctx.ddl() as change:
        change.put(new)


@statement("SHOW", "STAGES", "TERSE STAGES")
def show_stages(ctx: Context, stmt: Statement) -> Result:
    """SHOW STAGES: https://docs.snowflake.com/en/sql-reference/sql/show-stages."""
    clauses = read_clauses(skip_head(stmt))
    database, schema = scope(ctx, clauses)
    stages = [*ctx.catalog.all(STAGE, database, schema), *(o for o in _temporary(ctx, database, schema))]
    records = [_record(o) for o in pick(clauses, sorted(stages, key=lambda o: o.name))]
    names = ("name", "database_name", "schema_name", "url", "has_credentials", "has_encryption_key", "owner", "comment")
    more = ("region", "type", "cloud", "notification_channel", "storage_integration", "endpoint", "owner_role_type")
    return rows(records, {"created_on": TIME, **dict.fromkeys((*names, *more, "directory_enabled"))})


def _temporary(ctx: Context, database: str | None, schema: str | None) -> list[Stage]:
    return [
        o
        for o in ctx.session.temporary_objects.values()
        if STAGE.describes(o) and database in (None, o.name.database) and schema in (None, o.name.schema)
    ]


def _record(stage: Stage) -> dict[str, Any]:
    return {
        "created_on": stage.created_on.astimezone(UTC) if stage.created_on else datetime.now(UTC),
        "name": stage.name.name,
        "database_name": stage.name.database,
        "schema_name": stage.name.schema,
        "url": "",
        "has_credentials": "N",
        "has_encryption_key": "N",
        "owner": stage.owner,
        "comment": stage.comment,
        "type": "INTERNAL TEMPORARY" if stage.props.temporary else "INTERNAL",
        "owner_role_type": "ROLE",
        "directory_enabled": "Y" if is_true(stage.props.directory.get("ENABLE")) else "N",
    }


@statement("DESCRIBE", "STAGE")
def describe_stage(ctx: Context, stmt: Statement) -> Result:
    """DESCRIBE STAGE: https://docs.snowflake.com/en/sql-reference/sql/desc-stage."""
    reader = skip_head(stmt)
    stage = need_stage(ctx, ctx.resolve(reader.name_parts()))
    reader.finish()
    given = stage.props.file_format
    kind = given.get("TYPE", "CSV")
    records = [
        _property("STAGE_FILE_FORMAT", key, given.get(key, default), default)
        for key, default in {"TYPE": "CSV", **DEFAULTS[kind]}.items()
    ]
    records.append(_property("STAGE_LOCATION", "URL", "", ""))
    records.append(_property("DIRECTORY", "ENABLE", str(is_true(stage.props.directory.get("ENABLE"))).lower(), "false"))
    names = ("parent_property", "property", "property_type", "property_value", "property_default")
    return rows(records, dict.fromkeys(names))


def _property(parent: str, key: str, value: object, default: object) -> dict[str, str]:
    kind = "List" if isinstance(default, list) else "Boolean" if default in {"true", "false"} else "String"
    return {
        "parent_property": parent,
        "property": key,
        "property_type": kind,
        "property_value": shown_option(value),
        "property_default": shown_option(default),
    }


def shown_option(value: object) -> str:
    """An option's value as DESCRIBE prints it."""
    if isinstance(value, list):
        return "[" + ", ".join(_escaped(str(v)) for v in value) + "]"
    return _escaped(str(value))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
