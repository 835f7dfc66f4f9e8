"""Which code made a thing: the git commit, and content hashes of text and files."""

import hashlib
import json
import os
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from snowloop.project import Project


def git_commit(project: Project) -> str:
    """The commit of a project's code.

    Returns:
        SNOWLOOP_GIT_COMMIT, or what git says of the project's folder, with ``-dirty`` if a file in it is not committed
        as it is; or ``unknown``.
    """
    named = os.environ.get("SNOWLOOP_GIT_COMMIT")
    if named:
        return named
    commit, changed = (
        git(project, *command) for command in (("rev-parse", "HEAD"), ("status", "--porcelain", "--", "."))
    )
    if commit is None or changed is None:
        return "unknown"
    return f"{commit}-dirty" if changed else commit


def tool_version() -> str:
    """The version of Snowloop; in a clone that is not installed that of its pyproject.toml, with ``-clone``."""
    try:
        return version("snowloop")
    except PackageNotFoundError:
        file = Path(__file__).resolve().parents[3] / "pyproject.toml"
        return f"{tomllib.loads(file.read_text())['project']['version']}-clone" if file.is_file() else "unknown"


def git(project: Project, *command: str) -> str | None:
    """What git answers to a command in the project's folder; None if it cannot say."""
    try:
        asked = subprocess.run(["git", *command], cwd=project.directory, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return asked.stdout.strip() if asked.returncode == 0 else None


def content_hash(*parts: Any, length: int = 12) -> str:
    """A short hash of texts, bytes and JSON-able values; equal parts give equal hashes.

    Args:
        parts: What to hash, in order.
        length: Number of hexadecimal digits.

    Returns:
        The digits, in lower case.
    """
    sha = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else json.dumps(part, sort_keys=True).encode()
        sha.update(len(data).to_bytes(8, "big") + data)
    return sha.hexdigest()[:length]


def lock_hash(project: Project) -> str:
    """Hash of the packages that a project declares, and of where they come from."""
    return content_hash(sorted(project.packages), project.environment.artifact_repository)
