"""Whether an environment is what the commit says: its last deployments, what is to do, what was changed by hand."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from snowloop.lifecycle.deployment.deployments import TABLE, Deployed, last_deployment
from snowloop.lifecycle.deployment.desired import desired_environment
from snowloop.lifecycle.deployment.observed import ObservedEnvironment, observe_objects
from snowloop.lifecycle.deployment.plan import ENVIRONMENT, LOOP, Change, Objects
from snowloop.lifecycle.provenance import git_commit
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.deployment import plan_deployment
from snowloop.workspace import Workspace


@dataclass(frozen=True)
class CommitStatus(Result):
    """How an environment differs from the declaration of a commit.

    Args:
        commit: The commit of the declaration, with ``-dirty`` if it is not committed as it is.
        deployed: For each part the commit that was applied last, by whom and when; or that none is recorded.
        change_kind: What kind of change the declaration is.
        pending: What ``apply`` would do, or refuses.
        by_hand: What is not as the last deployment left it.
        standing: Where alias, default version, ledger and verdict do not agree on the champion.
    """

    commit: str
    deployed: dict[str, str]
    change_kind: str
    pending: tuple[str, ...]
    by_hand: tuple[str, ...]
    standing: tuple[str, ...]

    @property
    def as_declared(self) -> bool:
        """Whether the environment is what the commit says; a commit that says the same may be the one deployed."""
        return not (self.pending or self.by_hand or self.standing) and self.change_kind in ("none", "metadata")

    def to_dict(self) -> dict[str, Any]:
        """All fields, and the answer."""
        return {**super().to_dict(), "as_declared": self.as_declared}

    def text(self) -> str:
        """The answer for people, with its reasons."""
        lines = [
            f"commit {self.commit}: {'as declared' if self.as_declared else 'NOT AS DECLARED'}",
            *(f"  {part:<12} {words}" for part, words in self.deployed.items()),
            f"  change       {self.change_kind}",
            *(f"  to do        {each}" for each in self.pending),
            *(f"  by hand      {each}" for each in self.by_hand),
            *(f"  champion     {each}" for each in self.standing),
        ]
        return "\n".join(lines)


def commit_status(workspace: Workspace, standing: Sequence[str]) -> CommitStatus:
    """Compare an environment with the declaration; only SHOW, DESCRIBE, LIST and SELECT are sent.

    Args:
        standing: Where alias, default version, ledger and verdict do not agree on the champion, as ``loop_status``
            says.

    Returns:
        The differences.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    observed = observe_objects(workspace, desired_environment(workspace.project, workspace.target))
    plan = plan_deployment(workspace)
    recorded = observed.has("table", TABLE)
    last = {part: last_deployment(workspace, part) if recorded else None for part in (ENVIRONMENT, LOOP)}
    changes = [change for part in plan.parts for change in part.changes]
    environment, loop = last[ENVIRONMENT], last[LOOP]
    return CommitStatus(
        git_commit(workspace.project),
        {part: _words(deployed) for part, deployed in last.items()},
        plan.change_kind.kind,
        tuple(f"{each.action} {each.kind} {each.name}: {each.reason}" for each in changes if each.action != "keep"),
        (
            *(changed_objects(environment.objects, observed) if environment else ()),
            *(changed_tasks(loop.objects, changes) if loop else ()),
        ),
        tuple(standing),
    )


def changed_objects(recorded: Objects, observed: ObservedEnvironment) -> Iterator[str]:
    """What of an environment is not as its last deployment left it.

    Args:
        recorded: The objects, as OPS.DEPLOYMENTS has them.
        observed: What exists.

    Yields:
        The object, and what became of it.
    """
    for each, properties in recorded.items():
        kind, _, name = each.partition(" ")
        if not observed.has(kind, name):
            yield f"{each} was dropped" if kind != "grant" else f"{each} was revoked"
        elif kind == "view" and observed.comments.get(name) != properties["comment"]:
            yield f"{each} was replaced: its comment is '{observed.comments.get(name, '')}'"
        elif kind == "table" and properties:
            yield from (f"{each}: {words}" for words in _columns(properties, observed.columns.get(name, {})))
    yield from (f"grant {name} was given" for name in _more_grants(recorded, observed))


def _more_grants(recorded: Objects, observed: ObservedEnvironment) -> list[str]:
    """What the role of readers may do in the database, and no deployment gave; a warehouse is the account's affair."""
    databases = [each.partition(" ")[2] for each in recorded if each.startswith("database ")]
    others = [name for name in observed.names.get("grant", ()) if f"grant {name}" not in recorded]
    return sorted(name for name in others if name.split()[-1].partition(".")[0] in databases)


def _columns(recorded: Mapping[str, str], have: Mapping[str, str]) -> Iterator[str]:
    for name, kind in recorded.items():
        if name not in have:
            yield f"column {name} was dropped"
        elif have[name] != kind:
            yield f"column {name} was {kind}, it is {have[name]}"
    yield from (f"column {name} was added" for name in have if name not in recorded)


def changed_tasks(recorded: Objects, changes: Sequence[Change]) -> Iterator[str]:
    """What of a loop is not as its last deployment left it.

    Args:
        recorded: The objects, as OPS.DEPLOYMENTS has them.
        changes: What a plan would do.

    Yields:
        The object, and what became of it.
    """
    for change in changes:
        name = f"{change.kind} {change.name}"
        if name not in recorded:
            continue
        fields = {each.field: each.old for each in change.fields}
        if change.action == "create":
            yield f"{name} was dropped"
        elif change.action == "resume":
            yield f"{name}: {change.reason}"
        elif change.action == "recreate" and fields.items().isdisjoint(recorded[name].items()) and fields:
            words = "; ".join(f"{field} is '{value}'" for field, value in fields.items())
            yield f"{name} was altered: {words}"


def _words(deployed: Deployed | None) -> str:
    if deployed is None:
        return "no deployment is recorded: run snowloop apply"
    by = f"by {deployed.done_by} at {deployed.done_at:%Y-%m-%d %H:%M} UTC"
    return f"commit {deployed.git_commit} {by} with Snowloop {deployed.tool_version}"
