"""The declaration of a project at another commit, such as that of the branch into which a change is to be merged."""

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from snowloop.errors import ProjectError
from snowloop.lifecycle.provenance import git
from snowloop.project import Project, load_project


@contextmanager
def project_at(project: Project, reference: str) -> Iterator[Project | None]:
    """The project as it was declared at a commit; its files are there until the end of the block.

    Args:
        project: The project.
        reference: A commit, branch or tag, such as ``origin/main``.

    Yields:
        The project, with the targets of today; None if the commit does not have it.

    Raises:
        ProjectError: if git does not know the commit, or the declaration there is not usable.
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
            yield None
            return
        with tarfile.open(archive) as files:
            files.extractall(directory, filter="data")
        yield load_project(project.name, directory.parent)
