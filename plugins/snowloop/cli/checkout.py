"""Whether the checkout that a command runs in is one from which a target may be changed."""

from snowloop.errors import TargetRefused
from snowloop.lifecycle.provenance import git
from snowloop.project import Project

IGNORED = "!!"
"""How git begins the line of a file that .gitignore names: a module among them is deployed like any other."""


def check_checkout(project: Project, target: str) -> None:
    """Refuse another branch than the declared one and, in mode production, changes that are not committed.

    A detached HEAD, as CI may leave it, counts as the branch if it is the commit to which the branch points, here or at
    ``origin``. Files that git does not know count only in the project's folder, there also modules that it ignores, and
    if it is targets.yaml; one of another place, which SNOWLOOP_TARGETS names, is not git's affair.

    Args:
        project: The project.
        target: The target.

    Raises:
        TargetRefused: if the target may not be changed from here; the message says why, and what to do.
    """
    declared = project.targets.find(target)
    if declared is None or declared.branch is None:
        return
    where, branch = f"target {target} of {project.targets.file}", declared.branch
    head = git(project, "rev-parse", "HEAD")
    if head is None:
        message = f"{where} is changed only from branch {branch}, and {project.directory} is in no git repository"
        raise TargetRefused(f"{message}: run the command in a clone of it")
    current = git(project, "symbolic-ref", "--short", "-q", "HEAD")
    if current is None and head in _commits(project, branch):
        current = branch
    if current != branch:
        message = f"{where} is changed only from branch {branch}, this is {current or f'the commit {head[:12]}'}"
        raise TargetRefused(f"{message}: merge, check {branch} out, and run the command there")
    changed = _changed(project) if declared.mode == "production" else []
    if changed is None:
        message = f"{where} is in mode production, and git does not say whether everything here is committed"
        raise TargetRefused(f"{message}: run `git status` in {project.directory}, and correct what it says")
    if changed:
        message = f"{where} is in mode production, and not everything here is committed: {', '.join(changed[:5])}"
        raise TargetRefused(f"{message}: commit or undo it")


def _commits(project: Project, branch: str) -> set[str | None]:
    return {
        git(project, "rev-parse", "-q", "--verify", reference)
        for reference in (f"refs/heads/{branch}", f"refs/remotes/origin/{branch}")
    } - {None}


def _changed(project: Project) -> list[str] | None:
    """Files that differ from the commit: any known to git, and others where the declarations are; None: git fails."""
    known = git(project, "status", "--porcelain", "--untracked-files=no", "--", ":/")
    others = git(project, "status", "--porcelain", "--ignored", "--", ".")
    if known is None or others is None:
        return None
    file = str(project.targets.file.absolute())  # which may be outside
    targets = git(project, "status", "--porcelain", "--", file) or ""
    lines = [*known.splitlines(), *others.splitlines(), *targets.splitlines()]
    found = dict.fromkeys(line.strip() for line in lines)
    return [each for each in found if not each.startswith(IGNORED) or each.endswith(".py")]
