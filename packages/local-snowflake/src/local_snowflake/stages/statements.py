"""Stages: create, alter, drop, show, describe."""

import shutil
import uuid
from dataclasses import replace
from functools import partial

from local_snowflake.catalog.objects import STAGE, Object, StageProps
from local_snowflake.errors import already_exists, compilation_error, not_supported
from local_snowflake.execution import objects
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, rows, status
from local_snowflake.execution.show_clauses import common, pick, read_clauses, scope
from local_snowflake.sql.statement import Reader, Statement, skip_head
from local_snowflake.stages.formats import DEFAULTS, checked_options
from local_snowflake.stages.locations import need_stage, root
from local_snowflake.stages.options import Options, is_true, read_options

_COLUMNS = (
    *("created_on", "name", "database_name", "schema_name", "url", "has_credentials", "has_encryption_key", "owner"),
    *("comment", "region", "type", "cloud", "notification_channel", "storage_integration", "endpoint"),
    *("owner_role_type", "directory_enabled"),
)


@statement("CREATE", "STAGE")
def create_stage(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE] [TEMPORARY] STAGE [IF NOT EXISTS] name [options]: an internal stage.

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-stage
    """
    reader, name, if_not_exists = objects.read_target(ctx, stmt)
    options, comment = _read_stage_options(reader)
    reader.finish()
    ctx.require_schema(name)
    temporary = stmt.temporary
    old = ctx.session.temporary_objects.get((STAGE, name)) if temporary else ctx.catalog.get(STAGE, name)
    if kept := objects.keep_existing(stmt, name, old, if_not_exists=if_not_exists):
        return kept
    props = StageProps(uuid.uuid4().hex, temporary, **options)
    objects.put(ctx, Object(STAGE, name, props, ctx.session.role, comment or ""))
    if temporary:
        ctx.session.endings.append(partial(shutil.rmtree, root(ctx) / props.id, ignore_errors=True))
    if old:
        shutil.rmtree(root(ctx) / old.props.id, ignore_errors=True)
    return status(f"Stage area {name.name} successfully created.")


def _read_stage_options(reader: Reader) -> tuple[dict[str, Options], str | None]:
    """The options that a statement sets, by the names of their fields in ``StageProps``, and its comment."""
    options = read_options(reader)
    if reader.accept("WITH", "TAG") or reader.accept("TAG"):
        raise not_supported("CREATE STAGE … TAG")
    if not reader.done:
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
    reader, name, if_exists = objects.read_target(ctx, stmt)
    reader.finish()
    if (stage := objects.find(ctx, STAGE, name)) is None:
        return objects.absent(STAGE, name, if_exists=if_exists)
    result = objects.discard(ctx, stage)
    shutil.rmtree(root(ctx) / stage.props.id, ignore_errors=True)
    return result


@statement("ALTER", "STAGE")
def alter_stage(ctx: Context, stmt: Statement) -> Result:
    """ALTER STAGE [IF EXISTS] name RENAME TO name | SET options | UNSET options | REFRESH."""
    reader, name, if_exists = objects.read_target(ctx, stmt)
    if if_exists and objects.find(ctx, STAGE, name) is None:
        return status()
    stage = need_stage(ctx, name)
    if reader.accept("REFRESH"):
        read_options(reader)
        return status()
    if reader.accept("RENAME", "TO"):
        new_name = ctx.resolve(reader.name_parts(), action="ALTER STAGE")
        reader.finish()
        if objects.find(ctx, STAGE, new_name):
            raise already_exists(new_name.fqn)
        objects.put(ctx, replace(stage, name=new_name), replaces=stage)
        return status()
    comment: str | None = None
    if reader.accept("UNSET"):
        comment = "" if reader.accept("COMMENT") else None
        options: dict[str, Options] = {"file_format": {}} if comment is None else {}
    else:
        reader.expect("SET")
        options, comment = _read_stage_options(reader)
    comment = stage.comment if comment is None else comment
    props = replace(stage.props, **options)  # type: ignore[arg-type]
    objects.put(ctx, replace(stage, props=props, comment=comment))
    return status()


@statement("SHOW", "STAGES", "TERSE STAGES")
def show_stages(ctx: Context, stmt: Statement) -> Result:
    """SHOW STAGES: https://docs.snowflake.com/en/sql-reference/sql/show-stages."""
    clauses = read_clauses(skip_head(stmt))
    records = [
        {
            **common(o),
            "url": "",
            **dict.fromkeys(("has_credentials", "has_encryption_key"), "N"),
            "type": "INTERNAL TEMPORARY" if o.props.temporary else "INTERNAL",
            "directory_enabled": "Y" if is_true(o.props.directory.get("ENABLE")) else "N",
        }
        for o in pick(clauses, objects.find_all(ctx, STAGE, *scope(ctx, clauses)))
    ]
    return rows(records, _COLUMNS)


@statement("DESCRIBE", "STAGE")
def describe_stage(ctx: Context, stmt: Statement) -> Result:
    """DESCRIBE STAGE: https://docs.snowflake.com/en/sql-reference/sql/desc-stage."""
    reader = skip_head(stmt)
    stage = need_stage(ctx, ctx.resolve(reader.name_parts()))
    reader.finish()
    form, directory = stage.props.file_format, stage.props.directory
    defaults = {"TYPE": "CSV", **DEFAULTS[form.get("TYPE", "CSV")]}
    properties = [("STAGE_FILE_FORMAT", key, form.get(key, default), default) for key, default in defaults.items()]
    properties.append(("STAGE_LOCATION", "URL", "", ""))
    properties.append(("DIRECTORY", "ENABLE", str(is_true(directory.get("ENABLE"))).lower(), "false"))
    records = [{"parent_property": parent, **shown_property(*shown)} for parent, *shown in properties]
    return rows(records, ("parent_property", "property", "property_type", "property_value", "property_default"))


def shown_property(key: str, value: object, default: object, *, numbers: tuple[str, ...] = ()) -> dict[str, str]:
    """A row of DESCRIBE for an option; ``numbers`` are the options that are shown as numbers."""
    kind = "List" if isinstance(default, list) else "Boolean" if default in ("true", "false") else "String"
    return {
        "property": key,
        "property_type": "Integer" if key in numbers else kind,
        "property_value": shown_option(value),
        "property_default": shown_option(default),
    }


def shown_option(value: object) -> str:
    """An option's value as DESCRIBE prints it."""
    if isinstance(value, list):
        return "[" + ", ".join(_escaped(str(v)) for v in value) + "]"
    # an option that is off, however it was written
    return "NONE" if str(value).upper() == "NONE" else _escaped(str(value))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
