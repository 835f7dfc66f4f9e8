"""Stages code in @MODELS.CODE and creates the procedure that imports it, both under a name with the code's hash."""

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
from snowloop.stage_files import upload
from snowloop.workspace import Workspace

SNOWPARK = "snowflake-snowpark-python"
RUNTIME_VERSION = "3.11"
"""The Python of every procedure."""
PACKAGE = Path(snowloop_procedures.__file__).parent
_ANY_TIME = (1980, 1, 1, 0, 0, 0)


def _is_snowpark(package: str) -> bool:
    return package.startswith(SNOWPARK)


def snowpark_package(project: Project) -> list[str]:
    """What the project declares for Snowpark itself: all that a procedure of SQL alone needs."""
    return [package for package in project.packages if _is_snowpark(package)]


def handler_code(name: str) -> bytes:
    """The source of one of the modules that run inside Snowflake, such as ``statistics.metrics``."""
    return (PACKAGE / f"{name.replace('.', '/')}.py").read_bytes()


@cache
def package_archive() -> bytes:
    """The package that runs inside Snowflake as one archive; equal sources give equal bytes."""
    archive = BytesIO()
    with ZipFile(archive, "w", ZIP_STORED) as file:
        for source in sorted(PACKAGE.rglob("*.py")):
            name = source.relative_to(PACKAGE.parent).as_posix()
            file.writestr(ZipInfo(name, _ANY_TIME), source.read_bytes())
    return archive.getvalue()


@cache
def package_folder() -> str:
    """The folder of @MODELS.CODE that holds the archive, with the archive's hash: all procedures share it."""
    return f"{PACKAGE.name}_{content_hash(package_archive())}"


def package_file() -> str:
    """The archive's path below @MODELS.CODE."""
    return f"{package_folder()}/{PACKAGE.name}.zip"


def model_code(project: Project) -> dict[str, bytes]:
    """model.py and the other modules in its folder, by file name."""
    return {file.name: file.read_bytes() for file in sorted(project.directory.glob("*.py"))}


@dataclass(frozen=True)
class ProcedureCode:
    """What a procedure is made of, besides the package that all of them import.

    Args:
        schema: Schema of the procedure.
        prefix: What its name begins with; the hash follows.
        files: Names and contents of its own files.
        handler: Module and function.
        packages: What it needs; Snowpark itself, which every procedure needs, is added if it is missing.
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
        stage: The stage.
        folder: The folder of its own files on the stage.
        files: Paths of its own files on the stage.
        statement: The statement that creates it.
        replacement: The statement that replaces one of its name which others have made.
    """

    name: str
    quoted: str
    stage: str
    folder: str
    files: tuple[str, ...]
    statement: str
    replacement: str


def staged_procedure(project: Project, target: str, code: ProcedureCode) -> StagedProcedure:
    """Name a procedure after its code, packages and handler, and write the statement that creates it.

    Args:
        code: What it is made of.

    Returns:
        The procedure; nothing is sent.
    """
    database = project.database(target)
    repository = project.environment.artifact_repository
    needs = [*code.packages, *([] if any(map(_is_snowpark, code.packages)) else [SNOWPARK])]
    shape = [code.prefix, code.handler, code.arguments, needs, repository, RUNTIME_VERSION, package_folder()]
    digits = content_hash(shape, *(part for item in sorted(code.files.items()) for part in item))
    name = f"{code.prefix}_{digits}".upper()
    stage, folder = f"@{identifier(database, 'MODELS', 'CODE')}", name.lower()
    files = tuple(f"{folder}/{file}" for file in code.files)
    procedure = identifier(database, code.schema, name)
    comment = f"Snowloop, project {project.name}: created for its code, never changed; imports {package_folder()}"
    statement, replacement = (
        render(
            "procedure/create_procedure.sql",
            procedure=procedure,
            replace=replace,
            arguments=code.arguments,
            runtime_version=RUNTIME_VERSION,
            artifact_repository=repository,
            packages=needs,
            imports=[f"{stage}/{file}" for file in (package_file(), *files)],
            handler=code.handler,
            comment=comment,
        )
        for replace in (False, True)
    )
    return StagedProcedure(name, procedure, stage, folder, files, statement, replacement)


def stage_procedure(workspace: Workspace, code: ProcedureCode) -> tuple[str, bool]:
    """Create a procedure of staged files, unless one of the same code, packages and handler exists.

    Args:
        code: What it is made of.

    Returns:
        The procedure's quoted name, and whether it was created now.
    """
    session = workspace.session
    staged = staged_procedure(workspace.project, workspace.target, code)
    exists = workspace.exists("PROCEDURES", code.schema, staged.name)
    if not exists:
        if not session.sql(f"LIST {staged.stage}/{package_folder()}/").collect():
            upload(session, f"{staged.stage}/{package_file()}", package_archive())
        for file, content in zip(staged.files, code.files.values(), strict=True):
            upload(session, f"{staged.stage}/{file}", content)
        session.sql(staged.statement).collect()
    return staged.quoted, not exists
