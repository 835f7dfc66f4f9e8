"""The declaration of a project at another commit, such as that of the branch into which a change is to be merged."""

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from snowloop.errors import ProjectError
from snowloop.lifecycle.provenance import git
from snowloop.project import Project, load_project


@dataclass(frozen=True)
class Base:
    """The declaration into which a change is to be merged.

    Args:
        name: The commit, as it was named.
        project: The project as it is declared there, with the targets of today; None: there is none to compare with.
        missing: Why there is none; empty where there is one.
    """

    name: str
    project: Project | None
    missing: str = ""


@contextmanager
def base_at(project: Project, reference: str) -> Iterator[Base]:
    """The project as it was declared at a commit; its files are there until the end of the block.

    A declaration that cannot be read is no error: the change may be what repairs it.

    Args:
        project: The project.
        reference: A commit, branch or tag, such as ``origin/main``.

    Yields:
        The declaration; without a project if the commit does not have it, or if it is not usable there.

    Raises:
        ProjectError: if git does not know the commit.
    """
    commit = git(project, "rev-parse", "-q", "--verify", "--end-of-options", f"{reference}^{{commit}}")
    if commit is None:
        message = (
            f"git knows no commit '{reference}' in {project.directory}: fetch it (in a workflow: actions/checkout with "
            "`fetch-depth: 0`), or name another --base"
        )
        raise ProjectError(message)
    with TemporaryDirectory(prefix="snowloop-") as folder:
        archive, directory = Path(folder) / "base.tar", Path(folder) / "projects" / project.name
        directory.mkdir(parents=True)
        if git(project, "archive", "--format=tar", f"--output={archive}", commit) is None:  # of this folder alone
            yield Base(reference, None, f"{reference} does not have the project {project.name}")
            return
        with tarfile.open(archive) as files:
            files.extractall(directory, filter="data")
        try:
            base = Base(reference, load_project(project.name, directory.parent))
        except ProjectError as error:
            base = Base(reference, None, f"the declaration of {project.name} at {reference} is not usable: {error}")
        yield base
