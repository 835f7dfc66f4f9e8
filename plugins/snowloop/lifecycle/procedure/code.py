"""Puts code into @MODELS.CODE and makes the procedure that imports it, both under a name with the code's hash."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import snowloop_procedures
from snowloop.lifecycle.provenance import content_hash
from snowloop.project import Project
from snowloop.sql import identifier, render
from snowloop.workspace import Workspace

SNOWPARK = "snowflake-snowpark-python"
RUNTIME_VERSION = "3.11"
"""The Python of every procedure."""
PACKAGE = Path(snowloop_procedures.__file__).parent
ARCHIVE = "snowloop_procedures.zip"
"""What the package that runs inside Snowflake is called on a stage."""
_ANY_TIME = (1980, 1, 1, 0, 0, 0)


def _is_snowpark(package: str) -> bool:
    return package.startswith(SNOWPARK)


def snowpark_package(project: Project) -> list[str]:
    """What the project declares for Snowpark itself: all that a procedure of SQL alone needs."""
    return [package for package in project.packages if _is_snowpark(package)]


def handler_code(name: str) -> bytes:
    """The source of one of the modules that run inside Snowflake, such as ``training``."""
    return (PACKAGE / f"{name}.py").read_bytes()


@cache
def package_archive() -> bytes:
    """The package that runs inside Snowflake as one archive: the same bytes for the same sources."""
    archive = BytesIO()
    with ZipFile(archive, "w", ZIP_STORED) as file:
        for source in sorted(PACKAGE.glob("*.py")):
            file.writestr(ZipInfo(f"{PACKAGE.name}/{source.name}", _ANY_TIME), source.read_bytes())
    return archive.getvalue()


def model_code(project: Project) -> dict[str, bytes]:
    """model.py and the other modules beside it, by file name."""
    return {file.name: file.read_bytes() for file in sorted(project.directory.glob("*.py"))}


@dataclass(frozen=True)
class ProcedureCode:
    """What a procedure is made of.

    Args:
        schema: Schema of the procedure.
        prefix: What its name begins with; the hash follows.
        files: Names and contents of its modules.
        handler: Module and function.
        packages: What it needs; Snowpark itself, which every procedure needs, is added if it is not there.
        arguments: Names and types of its arguments.
    """

    schema: str
    prefix: str
    files: Mapping[str, bytes]
    handler: str
    packages: Sequence[str]
    arguments: str = ""


@dataclass(frozen=True)
class StagedProcedure:
    """A procedure under the name that its code gives it.

    Args:
        name: Its name, unquoted.
        quoted: Its quoted, qualified name.
        stage: The stage folder of its files.
        statement: What makes it.
    """

    name: str
    quoted: str
    stage: str
    statement: str


def staged_procedure(project: Project, target: str, code: ProcedureCode) -> StagedProcedure:
    """Name a procedure after its code, packages and handler, and write the statement that makes it.

    Args:
        project: The project.
        target: The environment.
        code: What it is made of.

    Returns:
        The procedure; nothing is sent.

    Raises:
        ProjectError: if the target is not a plain name.
    """
    database = project.database(target)
    repository = project.environment.artifact_repository
    needs = [*code.packages, *([] if any(map(_is_snowpark, code.packages)) else [SNOWPARK])]
    shape = [code.prefix, code.handler, code.arguments, needs, repository, RUNTIME_VERSION]
    digits = content_hash(shape, *(part for item in sorted(code.files.items()) for part in item))
    name = f"{code.prefix}_{digits}".upper()
    stage = f"@{identifier(database, 'MODELS', 'CODE')}/{name.lower()}"
    procedure = identifier(database, code.schema, name)
    statement = render(
        "procedures/create.sql",
        procedure=procedure,
        arguments=code.arguments,
        runtime_version=RUNTIME_VERSION,
        artifact_repository=repository,
        packages=needs,
        imports=[f"{stage}/{file}" for file in code.files],
        handler=code.handler,
        comment=f"Snowloop, project {project.name}: made for its code, never changed",
    )
    return StagedProcedure(name, procedure, stage, statement)


def stage_procedure(workspace: Workspace, code: ProcedureCode) -> tuple[str, bool]:
    """Make a procedure of staged files, unless one of the same code, packages and handler is there.

    Args:
        workspace: Session, project and environment.
        code: What it is made of.

    Returns:
        The procedure's quoted name, and whether it was made now.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake refuses it.
    """
    session = workspace.session
    staged = staged_procedure(workspace.project, workspace.target, code)
    schema = identifier(workspace.database, code.schema)
    found = session.sql(f"SHOW PROCEDURES LIKE '{staged.name}' IN SCHEMA {schema}").collect()
    if not found:
        for file, content in code.files.items():
            session.file.put_stream(BytesIO(content), f"{staged.stage}/{file}", auto_compress=False, overwrite=True)
        session.sql(staged.statement).collect()
    return staged.quoted, not found
