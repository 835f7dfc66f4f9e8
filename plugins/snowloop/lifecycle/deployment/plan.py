"""A plan: what is to be done with each object of an environment, and the typed steps that do it."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from snowloop.errors import PlanRefused
from snowloop.lifecycle.procedure.code import package_archive
from snowloop.lifecycle.results import Result
from snowloop_procedures.scoring_request import ScoringRequest

Action = Literal["create", "alter", "recreate", "resume", "keep", "drop", "refuse"]
MARKS: dict[Action, str] = {
    "create": "+", "alter": "~", "recreate": "~", "resume": ">", "keep": "=", "drop": "-", "refuse": "!"
}  # fmt: skip
DONE: dict[Action, str] = {
    "create": "created", "alter": "altered", "recreate": "recreated", "resume": "resumed", "keep": "kept",
    "drop": "dropped", "refuse": "refused",
}  # fmt: skip
Objects = dict[str, dict[str, str]]
"""Objects by kind and name, such as ``table RAW.LOANS``, and of each the properties that are compared."""
ENVIRONMENT, LOOP = "environment", "scoring loop"
"""The two parts of a deployment, each with a plan of its own."""


@dataclass(frozen=True)
class RunSql:
    """Send a statement."""

    statement: str
    kind: Literal["run_sql"] = "run_sql"


@dataclass(frozen=True)
class Upload:
    """Put a file on the stage.

    Args:
        path: Its place, with the stage.
        sha256: The hash of its content.
        request: What it holds; None: the archive of snowloop_procedures, which apply builds again.
    """

    path: str
    sha256: str
    request: ScoringRequest | None = None
    kind: Literal["upload"] = "upload"

    def content(self) -> bytes:
        """The file's content."""
        return self.request.to_json().encode() if self.request else package_archive()


@dataclass(frozen=True)
class WaitForRuns:
    """Wait until no run of the graph of a root task is under way."""

    root: str
    kind: Literal["wait_for_runs"] = "wait_for_runs"


@dataclass(frozen=True)
class RequireEmptyStream:
    """Go on only if a stream holds nothing; otherwise resume the root task of the graph, which is as it was."""

    stream: str
    root: str
    kind: Literal["require_empty_stream"] = "require_empty_stream"


Step = Annotated[RunSql | Upload | WaitForRuns | RequireEmptyStream, Field(discriminator="kind")]


@dataclass(frozen=True)
class FieldChange:
    """A property of an object that is to change.

    Args:
        field: The property, such as ``column AMOUNT``.
        old: Its value now; None: there is none.
        new: Its value afterwards; None: there is none.
    """

    field: str
    old: str | None
    new: str | None


@dataclass(frozen=True)
class Change:
    """What is to be done with one object.

    Args:
        kind: warehouse, database, schema, stage, table, view, role, grant, features, stage files, procedure, stream,
            task, model monitor or schema version.
        name: Its name, as SCHEMA.NAME.
        action: create; alter: something is added, and nothing is lost; recreate: replaced by one that holds the same;
            resume; keep: nothing is done; drop; or refuse.
        reason: Why.
        remedy: What to do about a refusal, or to have features.sql of the project deployed.
        fields: The properties that change, or that would have to.
        destructive: Whether something is lost that only a backup has.
    """

    kind: str
    name: str
    action: Action
    reason: str
    remedy: str = ""
    fields: tuple[FieldChange, ...] = ()
    destructive: bool = False


@dataclass(frozen=True)
class Plan(Result):
    """All that has to be done, in order.

    Args:
        project: Name of the project.
        procedure: Quoted name of the scoring procedure; empty if the plan is refused before it is known.
        changes: One for each object.
        steps: What apply does; none if there is nothing to do or the plan is refused.
        part: What is planned: the environment, or the scoring loop in it.
        objects: The objects as they are after the plan: what OPS.DEPLOYMENTS keeps, to name what is changed by hand.
    """

    project: str
    target: str
    procedure: str
    changes: tuple[Change, ...]
    steps: tuple[Step, ...] = ()
    part: str = LOOP
    objects: Objects = field(default_factory=dict)

    @property
    def refused(self) -> tuple[Change, ...]:
        """The refusals; with one of them nothing is applied."""
        return tuple(change for change in self.changes if change.action == "refuse")

    @property
    def nothing_to_do(self) -> bool:
        """Whether everything is as declared."""
        return not self.steps and not self.refused

    def summary(self) -> dict[str, int | float | str]:
        """Number of objects by action."""
        actions = [change.action for change in self.changes]
        return {action: actions.count(action) for action in MARKS if action in actions}

    def check(self) -> None:
        """Raise if the plan must not be applied.

        Raises:
            PlanRefused: if it holds a refusal; the message has each reason and its remedy.
        """
        if self.refused:
            reasons = [f"{each.kind} {each.name}: {each.reason}; to do: {each.remedy}" for each in self.refused]
            message = f"the {self.part} of {self.project} in {self.target} is not deployed: " + "\n".join(reasons)
            raise PlanRefused(message)

    def text(self) -> str:
        """The plan for people: a line for each object, then the totals; of an environment, only what changes."""
        lines = [f"{self.part} of {self.project} in {self.target}:"]
        for change in self.changes:
            if self.part == ENVIRONMENT and change.action == "keep" and not change.remedy:
                continue
            lines.append(
                f"  {MARKS[change.action]} {change.action:<8} {change.kind:<11} {change.name}  ({change.reason})"
            )
            if change.remedy:
                lines.append(f"      remedy: {change.remedy}")
        counts = ", ".join(f"{count} to {action}" for action, count in self.summary().items())
        if self.refused:
            lines.append(f"refused, nothing is sent: {counts}")
        elif self.nothing_to_do:
            lines.append("nothing to do")
        else:
            lines.append(f"{counts}; {len(self.steps)} steps")
        return "\n".join(lines)

    def sql(self) -> str:
        """The steps as a file that people can read: statements in order, other steps as comments."""
        texts = [_written(step) for step in self.steps]
        return "\n\n".join([f"-- {self.part} of {self.project} in {self.target}: {len(texts)} steps", *texts]) + "\n"


def _written(step: Step) -> str:
    match step:
        case RunSql():
            return f"{step.statement};"
        case Upload():
            what = "the request of the scoring procedure" if step.request else "the archive of snowloop_procedures"
            return f"-- PUT {what} to {step.path} (SHA-256 {step.sha256})"
        case WaitForRuns():
            return f"-- wait until no run of {step.root} is under way"
        case RequireEmptyStream():
            return f"-- go on only if {step.stream} holds no changes; otherwise resume {step.root}"
