"""CREATE MODEL and ALTER MODEL … ADD VERSION: versions from a stage's files or from another version."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from local_snowflake.catalog.objects import MODEL, ModelProps, ModelVersion, Object
from local_snowflake.errors import already_exists, compilation_error, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import keep_existing, read_target
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, status
from local_snowflake.models.versions import SYSTEM_ALIASES, Model, need_model, new_folder, remove_folders
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import Reader, Statement
from local_snowflake.stages.locations import local_directory


@statement("CREATE", "MODEL")
def create_model(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE] MODEL [IF NOT EXISTS] name WITH VERSION v FROM stage | FROM MODEL source [VERSION w].

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-model
    """
    reader, name, if_not_exists = read_target(ctx, stmt)
    version = "VERSION_1"
    if reader.accept("WITH"):
        if reader.accept("LIVE"):
            raise not_supported("CREATE MODEL … WITH LIVE VERSION")
        reader.expect("VERSION")
        version = _new_version_name(reader)
    ctx.require_schema(name)
    old = ctx.catalog.get(MODEL, name)
    if kept := keep_existing(stmt, name, old, if_not_exists=if_not_exists):
        return kept
    with _source(ctx, reader, version) as made, ctx.ddl() as change:
        if old is None and ctx.catalog.get(MODEL, name):
            raise already_exists(name.fqn)
        change.put(Object(MODEL, name, ModelProps((made,), default=version), ctx.session.role))
    if old:
        remove_folders(ctx, Model(old).versions)
    return status(f"Model {name.name} successfully created.")


def add_version(ctx: Context, name: Name, reader: Reader) -> Result:
    """ALTER MODEL … ADD VERSION v FROM stage | FROM MODEL source [VERSION w].

    Source: https://docs.snowflake.com/en/sql-reference/sql/alter-model-add-version
    """
    version = _new_version_name(reader)
    model = need_model(ctx, name)
    _refuse_taken(model, version)
    with _source(ctx, reader, version) as new, ctx.ddl() as change:
        # read again: the catalog is locked now, and another session may have added a version
        model = need_model(ctx, name)
        _refuse_taken(model, version)
        change.put(model.with_versions((*model.versions, new)))
    return status()


def _new_version_name(reader: Reader) -> str:
    name = reader.identifier()
    if name in SYSTEM_ALIASES:
        raise compilation_error(f"Version name '{name}' is reserved for a system alias: choose another one.")
    return name


def _refuse_taken(model: Model, version: str) -> None:
    if any(v.name == version or version in v.aliases for v in model.versions):
        text = f"Version '{version}' of model '{model.name.fqn}' already exists."
        raise compilation_error(text, 2002, "42710")


@contextmanager
def _source(ctx: Context, reader: Reader, name: str) -> Iterator[ModelVersion]:
    """Read ``FROM …`` and have the version's files in place while the block writes the catalog."""
    reader.expect("FROM")
    created = datetime.now(UTC).isoformat()
    if reader.accept("MODEL"):
        source = need_model(ctx, ctx.resolve(reader.name_parts()), "READ")
        copied_version = reader.identifier() if reader.accept("VERSION") else None
        reader.options()
        reader.finish()
        copied = source.version(copied_version)
        # a version's files never change, so that a copy may share them
        yield ModelVersion(name, copied.folder, created, copied.comment, copied.metadata)
        return
    with new_folder(ctx, local_directory(ctx, reader.rest().strip())) as folder:
        yield ModelVersion(name, folder, created)
