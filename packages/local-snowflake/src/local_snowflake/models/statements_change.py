"""ALTER MODEL and DROP MODEL: everything about a model that may change."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from local_snowflake.catalog.objects import MODEL, ModelProps, ModelVersion, Object
from local_snowflake.errors import SnowflakeError, already_exists, compilation_error, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import drop, read_existing
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, status
from local_snowflake.models.statements_create import add_version
from local_snowflake.models.versions import SYSTEM_ALIASES, Model, remove_folders
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import Reader, Statement
from local_snowflake.statements.tags import read_tag_names, read_tags

# gives the catalogued model as it is to be
Change = Callable[[Model], Object[ModelProps]]


@statement("ALTER", "MODEL")
def alter_model(ctx: Context, stmt: Statement) -> Result:
    """ALTER MODEL [IF EXISTS] name …: https://docs.snowflake.com/en/sql-reference/sql/alter-model."""
    reader, found = read_existing(ctx, stmt, MODEL)
    if found is None:
        return status()
    for words, handle in _WHOLE.items():
        if reader.accept(*words):
            return handle(ctx, found.name, reader)
    for words, read in _CHANGES.items():
        if reader.accept(*words):
            return _apply(ctx, found.name, read(ctx, reader))
    raise not_supported(f"ALTER MODEL … {reader.peek()} {reader.peek(1)}".strip())


def _apply(ctx: Context, name: Name, apply: Change) -> Result:
    with ctx.ddl() as change:
        change.put(apply(Model(ctx.catalog.need(MODEL, name))))
    return status()


def _set(ctx: Context, reader: Reader) -> Change:
    if reader.accept("DEFAULT_VERSION", "="):
        version = reader.string().upper() if reader.rest().startswith("'") else reader.identifier()
        reader.finish()
        return lambda model: _with_props(model, default=model.version(version).name)
    if reader.accept("COMMENT", "="):
        comment = reader.string()
        reader.finish()
        return lambda model: replace(model.object, comment=comment)
    raise reader.unexpected("DEFAULT_VERSION, COMMENT or TAG")


def _with_props(model: Model, **changed: Any) -> Object[ModelProps]:
    return replace(model.object, props=replace(model.object.props, **changed))


def _with_version(model: Model, old: ModelVersion, **changed: Any) -> Object[ModelProps]:
    return model.with_versions(replace(v, **changed) if v is old else v for v in model.versions)


def _change_alias(ctx: Context, reader: Reader) -> Change:
    version = reader.identifier()
    if reader.accept("SET", "ALIAS", "="):
        alias = reader.identifier()
        reader.finish()
        return lambda model: _set_alias(model, version, alias)
    reader.expect("UNSET", "ALIAS")
    reader.finish()
    return lambda model: _unset_alias(model, version)


def _set_alias(model: Model, version: str, alias: str) -> Object[ModelProps]:
    """Give a version an alias; another version that has it loses it, since an alias means one version.

    "A version can have at most one alias" (https://docs.snowflake.com/en/sql-reference/sql/alter-model). Whether a
    second one is refused, or takes the place of the first, is not documented; nor is the text of the refusal.
    """
    if alias in SYSTEM_ALIASES:
        raise compilation_error(f"Alias '{alias}' is reserved for the system: choose another one.")
    target = model.version(version)
    if any(v.name == alias for v in model.versions):
        text = f"Alias '{alias}' is the name of a version of model '{model.name.fqn}'"
        raise compilation_error(f"{text}: an alias would hide it. Choose another one.")
    present = next((a for a in target.aliases if a != alias), None)
    if present is not None:
        text = f"Version '{target.name}' of model '{model.name.fqn}' already has the alias '{present}'"
        raise compilation_error(f"{text}: a version can have at most one alias.")
    others = {v.name: tuple(a for a in v.aliases if a != alias) for v in model.versions}
    return model.with_versions(
        replace(v, aliases=(*others[v.name], alias) if v is target else others[v.name]) for v in model.versions
    )


def _unset_alias(model: Model, version: str) -> Object[ModelProps]:
    """Take away the alias that is named, or every alias of the version that is named."""
    if version in SYSTEM_ALIASES:
        raise compilation_error(f"Alias '{version}' is the system's: it cannot be unset.")
    target = model.version(version)
    aliased = version in target.aliases
    aliases = tuple(a for a in target.aliases if aliased and a != version)
    return _with_version(model, target, aliases=aliases)


def _modify_version(ctx: Context, reader: Reader) -> Change:
    version = reader.identifier()
    reader.expect("SET")
    key = reader.accept_any("COMMENT", "METADATA", "ALIAS")
    if key is None:
        raise reader.unexpected("COMMENT or METADATA")
    reader.expect("=")
    value = reader.identifier() if key == "ALIAS" else reader.string()
    reader.finish()
    if key == "ALIAS":
        return lambda model: _set_alias(model, version, value)
    if key == "METADATA":
        try:
            json.loads(value)
        except json.JSONDecodeError as error:
            raise SnowflakeError(100069, "22P02", f"Error parsing JSON of METADATA: {error}") from None
    return lambda model: _with_version(model, model.version(version), **{key.lower(): value})


def _set_tags(ctx: Context, reader: Reader) -> Change:
    tags = read_tags(ctx, reader)
    return lambda model: _with_props(model, tags=model.object.props.tags | tags)


def _unset_tags(ctx: Context, reader: Reader) -> Change:
    names = read_tag_names(ctx, reader)
    return lambda model: _with_props(model, tags={k: v for k, v in model.object.props.tags.items() if k not in names})


def _drop_version(ctx: Context, name: Name, reader: Reader) -> Result:
    """ALTER MODEL … DROP VERSION: https://docs.snowflake.com/en/sql-reference/sql/alter-model-drop-version."""
    alias_or_name = reader.identifier()
    reader.finish()
    dropped = []

    def apply(model: Model) -> Object[ModelProps]:
        version = model.version(alias_or_name)
        if version.name == model.default:
            text = f"Cannot drop version '{version.name}' of model '{model.name.fqn}': it is the default version."
            hint = "drop the model" if len(model.versions) == 1 else "set another default version first"
            raise compilation_error(f"{text} Please {hint}.", 92917, "0A000")
        dropped.append(version)
        return model.with_versions(v for v in model.versions if v is not version)

    result = _apply(ctx, name, apply)
    remove_folders(ctx, dropped)
    return result


def _rename(ctx: Context, name: Name, reader: Reader) -> Result:
    new = ctx.resolve(reader.name_parts())
    reader.finish()
    ctx.require_schema(new)
    with ctx.ddl() as change:
        if ctx.catalog.get(MODEL, new):
            raise already_exists(new.fqn)
        change.rename(ctx.catalog.need(MODEL, name), new)
    return status()


def _unset_comment(ctx: Context, reader: Reader) -> Change:
    reader.finish()
    return lambda model: replace(model.object, comment="")


# what follows the model's name -> who handles it: the longer ones first
_WHOLE: dict[tuple[str, ...], Callable[[Context, Name, Reader], Result]] = {
    ("ADD", "VERSION"): add_version,
    ("DROP", "VERSION"): _drop_version,
    ("RENAME", "TO"): _rename,
}
_CHANGES: dict[tuple[str, ...], Callable[[Context, Reader], Change]] = {
    ("MODIFY", "VERSION"): _modify_version,
    ("VERSION",): _change_alias,
    ("SET", "TAG"): _set_tags,
    ("UNSET", "TAG"): _unset_tags,
    ("UNSET", "COMMENT"): _unset_comment,
    ("SET",): _set,
}


@statement("DROP", "MODEL")
def drop_model(ctx: Context, stmt: Statement) -> Result:
    """DROP MODEL [IF EXISTS] name: https://docs.snowflake.com/en/sql-reference/sql/drop-model."""
    return drop(ctx, stmt, MODEL, after=lambda model: remove_folders(ctx, model.props.versions))
