"""The very files of a version in another target: copied within an account, exported and imported between two."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from snowloop.errors import DeliveryError
from snowloop.identity import Identity
from snowloop.lifecycle.model_files import difference, download, files_digest, recorded_files
from snowloop.lifecycle.versions import Version, model, show, versions
from snowloop.sql import identifier
from snowloop.stage_files import upload
from snowloop.workspace import Workspace

FILES = "files"
"""The fact in a version's comment that holds the digest of its files."""
QUERIES = "delivery/queries.sql"


def same_account(source: Workspace, destination: Workspace) -> bool:
    """Whether two workspaces are in one account."""
    here, there = Identity.of(source.session), Identity.of(destination.session)
    return (here.account, here.locator) == (there.account, there.locator)


def transfer(source: Workspace, destination: Workspace, version: Version) -> str:
    """Have a version of the source in the destination: the same files, comment and metrics, under the same name.

    A version that is there already is compared, and kept. A call that was interrupted is completed by the same call.

    Args:
        source: Where the version is.
        destination: Where it is to be.
        version: The version.

    Returns:
        The digest of its files.

    Raises:
        DeliveryError: if the version's files are not those that were registered in the source, or the destination has
            a version of this name with other files.
    """
    registered = versions(destination)
    values = {
        "model": model(destination.project, destination.target),
        "version": version.name,
        "first": not registered,
    }
    with TemporaryDirectory(prefix="snowloop-") as folder:
        digest = files_digest(files := download(source, version.name, Path(folder) / "source"))
        _check_registered(source, version.name, digest)
        missing = all(each.name != version.name for each in registered)
        if not same_account(source, destination):
            _import(destination, files if missing else {}, version.name, digest, values)
        elif missing:
            of_source = model(source.project, source.target)
            destination.run(f"{QUERIES}#copy_version", source=of_source, **values)
        arrived = files_digest(download(destination, version.name, Path(folder) / "destination"))
    if arrived != digest:
        message = (
            f"version {version.name} of {values['model']} has other files ({arrived}) than that of "
            f"{model(source.project, source.target)} ({digest}): it was made in {destination.target} by other means; "
            "drop it there if it serves nobody, and promote again"
        )
        raise DeliveryError(message)
    _describe(source, destination, version.name, digest)
    return digest


def _check_registered(source: Workspace, version: str, digest: str) -> None:
    """Refuse files that are not those that were registered; of a version of an earlier release none are recorded."""
    changed = difference(source, version, recorded_files(source).get(version), digest)
    if changed:
        raise DeliveryError(f"{version} is not copied from {source.target}: {changed}")


def _import(
    destination: Workspace, files: Mapping[str, Path], version: str, digest: str, values: dict[str, Any]
) -> None:
    """Put the files on the stage of the destination, make a version of them if there are any, and remove them.

    Without files it removes those of a call that was interrupted.
    """
    folder = f"@{identifier(destination.database, 'MODELS', 'CODE')}/versions/{version}_{digest[:12]}/"
    for name, file in files.items():
        upload(destination.session, f"{folder}{name}", file.read_bytes())
    if files:
        destination.run(f"{QUERIES}#import_version", folder=folder, **values)
    destination.session.sql(f"REMOVE {folder}").collect()


def _describe(source: Workspace, destination: Workspace, version: str, digest: str) -> None:
    """Give the version the comment and the metrics that it has in the source, and record the digest of its files."""
    wanted, present = (_row(workspace, version) for workspace in (source, destination))
    facts = json.loads(wanted["comment"] or "{}")
    properties = {
        "COMMENT": (json.dumps({**facts, FILES: digest}), present["comment"]),
        "METADATA": (wanted["metadata"] or "{}", present["metadata"] or "{}"),
    }
    quoted = model(destination.project, destination.target)
    for name, (value, now) in properties.items():
        if value != now:
            destination.run(f"{QUERIES}#describe_version", model=quoted, version=version, property=name, value=value)


def _row(workspace: Workspace, version: str) -> dict[str, Any]:
    """The row of SHOW VERSIONS of a version."""
    rows = show(workspace.session, f"SHOW VERSIONS IN MODEL {model(workspace.project, workspace.target)}")
    return next(row for row in rows if row["name"] == version)
