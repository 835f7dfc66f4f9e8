"""Brings a version to this machine: its files, the features.sql that it was trained with, and its estimator."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snowloop.errors import DeliveryError
from snowloop.lifecycle.debugging.registered import registered_version
from snowloop.lifecycle.features.formula import recorded_formula
from snowloop.lifecycle.model_files import download, files_digest
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.versions import versions
from snowloop.workspace import Workspace

MODEL, FORMULA, ESTIMATOR = "model", "features.sql", "estimator.pkl"


@dataclass(frozen=True)
class Pulled(Result):
    """A version on this machine.

    Args:
        model_version: Its name.
        folder: Where it is: ``model/`` with the files that the Registry keeps, ``features.sql`` as it was rendered for
            training, and ``estimator.pkl``.
        files: Number of files in ``model/``.
        digest: SHA-256 of their paths and contents.
    """

    model_version: str
    folder: Path
    files: int
    digest: str

    def text(self) -> str:
        """What was pulled, and how a notebook reads it."""
        code = f"import cloudpickle; model = cloudpickle.load(open({str(self.folder / ESTIMATOR)!r}, 'rb'))"
        return f"{self.model_version}: {self.folder} ({self.files} files, features.sql, {ESTIMATOR})\n{code}"


def estimator(workspace: Workspace, version: str) -> Any:
    """The estimator that ``build_model`` of model.py gave, fitted, for a notebook.

    Args:
        workspace: Where the version is.
        version: Its name, or its alias.

    Returns:
        The estimator. It needs the packages of the version; what it predicts with others may differ.

    Raises:
        ScoringError: if there is no such version.
    """
    return registered_version(workspace, version).load(force=True)


def pull(workspace: Workspace, version: str, folder: Path) -> Pulled:
    """Write a version into a folder.

    Args:
        workspace: Where the version is.
        version: Its name, or its alias.
        folder: A folder that does not exist, or is empty.

    Returns:
        What was written.

    Raises:
        DeliveryError: if the folder has files, or cannot be written.
        ScoringError: if there is no such version, or its features.sql is not known.
    """
    import cloudpickle

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DeliveryError(f"{folder}: this is not an empty folder, and nothing is overwritten: name another one")
    fitted, name = estimator(workspace, version), str(registered_version(workspace, version).version_name)
    formula = recorded_formula(workspace, next(each for each in versions(workspace) if each.name == name))
    try:
        files = download(workspace, name, folder / MODEL)
        (folder / FORMULA).write_text(f"{formula.text}\n", encoding="utf-8")
        with (folder / ESTIMATOR).open("wb") as out:
            cloudpickle.dump(fitted, out)
    except OSError as error:
        raise DeliveryError(f"{error.filename}: {error.strerror}: name a folder that can be written") from error
    return Pulled(name, folder, len(files), files_digest(files))
