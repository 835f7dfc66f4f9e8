"""A catalogued procedure or function -> what a worker process needs to run it."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from local_snowflake.catalog.objects import Routine
from local_snowflake.errors import compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.python.handler_spec import HandlerSpec
from local_snowflake.sql.names import split_parts
from local_snowflake.sql.types import parse_type
from local_snowflake.stages.locations import local_path


def handler_spec(ctx: Context, routine: Routine, kind: str) -> HandlerSpec:
    """The handler of a Python procedure or function.

    Raises:
        SnowflakeError: if a file of IMPORTS is no longer on its stage.
    """
    props = routine.props
    # its files are read with its owner's rights, whoever calls it
    with ctx.rights.of_owner(routine.owner):
        imports = local_imports(ctx, props.imports)
    columns = (("RESULT", props.returns),) if props.table_columns is None else props.table_columns
    return HandlerSpec(
        name=props.name,
        handler=props.handler or "",
        kind=kind,
        code=props.body,
        imports=imports,
        packages=props.packages,
        inputs=tuple((a.name, parse_type(a.type)) for a in props.args),
        outputs=tuple((n, parse_type(t)) for n, t in columns),
        strict=props.strict,
    )


def local_imports(ctx: Context, imports: Iterable[str]) -> dict[str, Path]:
    """The staged files of an IMPORTS clause: file name -> local file.

    Raises:
        SnowflakeError: 391512 for two files of one name; 002003 for one that is not on its stage.
    """
    files: dict[str, Path] = {}
    for text in imports:
        name = PurePosixPath(text.strip("'")).name.strip('"')
        path = local_path(ctx, text)
        if name in files and files[name] != path:
            raise compilation_error(
                f"IMPORTS lists two files of the name {name}: each needs a name of its own.", 391512
            )
        files[name] = path
    return files


def absolute_imports(ctx: Context, imports: Iterable[str]) -> tuple[str, ...]:
    """The imports with the full names of their stages: a routine is called from other schemas, too.

    Raises:
        SnowflakeError: if an import is no stage location, or is not on its stage.
    """
    absolute = []
    for text in imports:
        local_path(ctx, text)
        bare = text.strip().strip("'")
        stage, slash, path = bare.removeprefix("@").partition("/")
        if bare.startswith("@") and not stage.startswith(("~", "%")) and stage.count(".") < 2:
            bare = f"@{ctx.resolve(split_parts(stage)).fqn}{slash}{path}"
        absolute.append(bare)
    return tuple(absolute)
