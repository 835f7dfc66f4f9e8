"""The files of a version: their digest is recorded when it is registered, and compared before it serves."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from snowloop.errors import DeliveryError
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Session

TABLE = ("OPS", "MODEL_FILES")
QUERIES = "training/queries.sql"


def register_files(workspace: Workspace, version: str, digest: str | None = None, *, kept: bool = False) -> None:
    """Record the digest of a version's files, the newest of which counts.

    Args:
        workspace: Where the version is.
        version: Its name.
        digest: The digest, if its files were just read; None: they are read.
        kept: Whether the version was there already: then what is recorded of it stays, and only what is missing is
            added, after a call that was interrupted say.

    Raises:
        DeliveryError: if a file cannot be read.
        snowflake.snowpark.exceptions.SnowparkSQLException: if it cannot be written, or the environment is of an
            earlier release.
    """
    if kept and version in recorded_files(workspace):
        return
    files = digest or present_digest(workspace, version)
    workspace.run(
        f"{QUERIES}#record_model_files", model_name=workspace.project.model_name, version=version, files=files
    )


def recorded_files(workspace: Workspace) -> dict[str, str]:
    """The digests that were recorded when the versions were registered.

    Returns:
        The digests by the name of the version, without versions that an earlier release registered.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if the environment does not exist.
    """
    if not workspace.exists("TABLES", *TABLE):
        return {}
    rows = workspace.run(f"{QUERIES}#recorded_model_files", model_name=workspace.project.model_name)
    return {str(row["MODEL_VERSION"]): str(row["FILES"]) for row in rows}


def changed_files(workspace: Workspace, version: str, recorded: str | None) -> str | None:
    """How the files of a version differ from those that were recorded; they are read.

    Args:
        workspace: Where the version is.
        version: Its name.
        recorded: The digest that was recorded; None: none was, nothing is asked, and nothing is read.

    Returns:
        The difference, and what to do; None if there is none.

    Raises:
        DeliveryError: if a file cannot be read.
    """
    if recorded is None:
        return None
    return difference(workspace, version, recorded, present_digest(workspace, version))


def difference(workspace: Workspace, version: str, recorded: str | None, present: str) -> str | None:
    """How two digests of a version's files differ, in words.

    Args:
        workspace: Where the version is.
        version: Its name.
        recorded: The digest that was recorded; None: none was.
        present: The digest of its files now.

    Returns:
        The difference, and what to do; None if there is none.
    """
    if recorded in (None, present):
        return None
    return (
        f"the files of {version} are not those that were registered: their SHA-256 is {present}, and {recorded} was "
        "recorded. Look in QUERY_HISTORY for who made it again or changed it; roll back if it serves, drop it, and "
        f"train again, by {workspace.project.name}__train"
    )


def present_digest(workspace: Workspace, version: str) -> str:
    """The digest of a version's files as they are now.

    Raises:
        DeliveryError: if a file cannot be read.
    """
    with TemporaryDirectory(prefix="snowloop-") as folder:
        return files_digest(download(workspace, version, Path(folder)))


def download(workspace: Workspace, version: str, folder: Path) -> dict[str, Path]:
    """Download the files of a version.

    Source: https://docs.snowflake.com/en/developer-guide/snowflake-ml/model-registry/overview (files of a version).

    Args:
        workspace: Where the version is.
        version: Name of the version.
        folder: Where to; it is created.

    Returns:
        The files by their paths in the version, in order.

    Raises:
        DeliveryError: if a file does not arrive.
    """
    named = f"{workspace.database}.MODELS.{workspace.project.model_name}"
    location = f"snow://model/{named}/versions/{version}/"
    rows = workspace.session.sql(f"LIST '{location}'").collect()
    names = sorted(
        str(PurePosixPath(*PurePosixPath(row["name"]).parts[2:])) for row in rows
    )  # after versions/<version>
    return {name: _get(workspace.session, f"{location}{name}", folder / name) for name in names}


def _get(session: "Session", location: str, file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    results = session.file.get(location, str(file.parent))
    if not file.is_file():
        answer = "; ".join(f"{each.file} {each.status} {each.message}".strip() for each in results) or "no file"
        raise DeliveryError(f"{location} was not downloaded, GET answered: {answer}; run the same command again")
    return file


def files_digest(files: Mapping[str, Path]) -> str:
    """SHA-256 of the paths and contents of some files, in hexadecimal digits; equal files have equal digests."""
    digest = sha256()
    for name, file in sorted(files.items()):
        digest.update(f"{name}\0{sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
