"""Which code made a thing: the git commit, and content hashes of text and files."""

import hashlib
import json
import os
import subprocess
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
    commit, changed = _git(project, "rev-parse", "HEAD"), _git(project, "status", "--porcelain", "--", ".")
    if commit is None or changed is None:
        return "unknown"
    return f"{commit}-dirty" if changed else commit


def _git(project: Project, *command: str) -> str | None:
    """What git answers in the project's folder; None if it cannot say."""
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
