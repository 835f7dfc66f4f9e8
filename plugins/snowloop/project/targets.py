"""The declaration of the environments: targets.yaml, one file for all projects of a repository."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from snowloop.project.base import NAME, Declaration, Identifier, Name, Text
from snowloop.project.evaluation import Fairness, FairnessBounds, Gate, Metric

FILE = "targets.yaml"
PLACEHOLDER = re.compile(r"\{(\w*)\}")
LOWER, HIGHER = "lower", "higher"
STRICTER = {
    "min_support": HIGHER,
    "min_groups": HIGHER,
    "max_skew": LOWER,
    "max_relative_skew": LOWER,
    "max_calibration_error": LOWER,
    "max_model_bytes": LOWER,
    "max_milliseconds_per_row": LOWER,
}
"""The bounds that a target may declare, and which of two values is the stricter one."""
OF_METRIC = ("min_support", "min_groups")
"""Which of them a project declares in ``metric``; the others in ``gate``."""


def _pattern(value: str) -> str:
    """Exactly one ``{project}``, and a plain name when it is filled in."""
    if PLACEHOLDER.findall(value) != ["project"] or not NAME.fullmatch(value.replace("{project}", "P")):
        raise ValueError(
            f"'{value}' is no pattern of a database: write a plain name with {{project}} in it once, such as "
            "{project}_PROD"
        )
    return value.upper().replace("{PROJECT}", "{project}")


def _account(value: str) -> str:
    if not re.fullmatch(r"\w+([-.]\w+)?", value):
        raise ValueError(
            f"'{value}' is no account: write organization and name, such as MYORG-PROD, or the account's locator"
        )
    return value.upper().replace(".", "-")


class Warehouses(Declaration):
    """The warehouses of a target by what they are for; null: as the project declares."""

    default: Identifier | None = Field(
        None, description="In place of the projects' environment.warehouse: created with them, and used by all stages."
    )
    training: Identifier | None = Field(None, description="In place of the projects' environment.training_warehouse.")
    scoring: Identifier | None = Field(None, description="In place of the projects' serving.warehouse: for the tasks.")


class Bounds(Declaration):
    """Bounds of the gate in a target; of the project's and the target's bound the stricter one holds."""

    metric: dict[Name, float] = Field({}, description="By name of a project: the bound of its deciding metric.")
    min_support: int | None = Field(None, ge=1, description="In addition to metric.min_support.")
    min_groups: int | None = Field(None, ge=2, description="In addition to metric.min_groups.")
    max_skew: float | None = Field(None, ge=0, description="In addition to gate.max_skew.")
    max_relative_skew: float | None = Field(None, ge=0, description="In addition to gate.max_relative_skew.")
    max_calibration_error: float | None = Field(None, gt=0, description="In addition to gate.max_calibration_error.")
    max_model_bytes: int | None = Field(None, ge=1, description="In addition to gate.max_model_bytes.")
    max_milliseconds_per_row: float | None = Field(
        None, gt=0, description="In addition to gate.max_milliseconds_per_row."
    )
    fairness: dict[Name, FairnessBounds] = Field(
        {}, description="By name of a project: bounds of gaps between groups of people, in addition to gate.fairness."
    )

    def of_metric(self, project: str) -> float | None:
        """The bound of a project's deciding metric; case does not count."""
        return next((value for name, value in self.metric.items() if name.lower() == project.lower()), None)

    def of_fairness(self, project: str) -> dict[str, float | None]:
        """The bounds of a project's gaps between groups of people, by figure; case does not count."""
        declared = (value for name, value in self.fairness.items() if name.lower() == project.lower())
        return next(declared, FairnessBounds()).model_dump()

    def stricter(self, project: str, metric: Metric, gate: Gate) -> tuple[Metric, Gate]:
        """Metric and gate of a project with the stricter of its own bounds and these.

        Args:
            project: Name of the project.
            metric: Its metric, as it declares it.
            gate: Its gate.

        Returns:
            Both.
        """
        bound = "at_least" if metric.higher_is_better else "at_most"
        better = HIGHER if metric.higher_is_better else LOWER
        own = {name: getattr(metric if name in OF_METRIC else gate, name) for name in STRICTER}
        bounds = {name: strictest(own[name], getattr(self, name), stricter) for name, stricter in STRICTER.items()}
        of_metric = {name: bounds.pop(name) for name in OF_METRIC}
        of_metric[bound] = strictest(metric.bound, self.of_metric(project), better)
        of_gaps = gate.fairness.model_dump()
        of_gaps = {name: strictest(of_gaps[name], each, LOWER) for name, each in self.of_fairness(project).items()}
        bounds["fairness"] = Fairness(**of_gaps)
        return metric.model_copy(update=of_metric), gate.model_copy(update=bounds)


class Target(Declaration):
    """One environment: where it is, who may change it, and what a model must pass to serve there."""

    account: Annotated[Text, AfterValidator(_account)] | None = Field(
        None, description="Its account: organization and name, such as MYORG-PROD, or locator; null: any."
    )
    database: Annotated[Text, AfterValidator(_pattern)] | None = Field(
        None,
        description="Pattern of the databases' names, such as ML_{project}_PROD; null: {project}_<TARGET>, and a "
        "connection may have any current database.",
    )
    role: Identifier | None = Field(None, description="The role that works on it; null: any.")
    warehouses: Warehouses = Warehouses()
    connection: Text | None = Field(
        None, description="Name of its connection in connections.toml, where the command line names none."
    )
    airflow_connection: Text | None = Field(None, description="Id of its Airflow connection; null: snowflake_default.")
    schedules: bool = Field(True, description="Whether DAGs of this target run on their declared schedules.")
    approval: bool = Field(False, description="Whether a person must approve each promotion in it.")
    gate: Bounds = Bounds()
    branch: Text | None = Field(
        None, description="The git branch from which the command line may change it; null: any."
    )
    mode: Literal["development", "production"] = Field(
        "development",
        description="production: the command line changes it only from a checkout without changes of the `branch`.",
    )
    accepts_from: tuple[Name, ...] | None = Field(
        None, description="From which targets versions may be promoted into it; null: from any."
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.mode == "production" and self.branch is None:
            raise ValueError("mode production needs the branch that may deploy: add `branch: main`")
        return self


class Targets(Declaration):
    """The targets of a repository, by name."""

    targets: dict[Name, Target] = Field(min_length=1, description="The targets by name, such as dev, staging, prod.")

    _file: Path = PrivateAttr(default=Path())

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [name.lower() for name in self.targets]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"target {twice} appears twice (case is ignored): rename or remove one")
        for problem in self._problems():
            raise ValueError(problem)
        return self

    def _problems(self) -> Iterator[str]:
        places: dict[tuple[str | None, str], str] = {}
        for name, target in self.targets.items():
            pattern = target.database or _default_pattern(name)
            for (account, other_pattern), other in places.items():
                if pattern == other_pattern and (account == target.account or None in (account, target.account)):
                    yield (
                        f"targets {other} and {name} have the same databases {pattern}: give one of them another "
                        "`database`, or both their `account`"
                    )
            places[target.account, pattern] = name
            for source in target.accepts_from or ():
                yield from self._source_problems(name, target, source)

    def _source_problems(self, name: str, target: Target, source: str) -> Iterator[str]:
        given = self.find(source)
        if given is None:
            yield f"target {name} accepts_from '{source}', which is no target ({', '.join(self.targets)}): declare it"
            return
        if source.lower() == name.lower():
            yield f"target {name} accepts_from itself: name another target"
        for bound, stricter in STRICTER.items():
            upper, lower = getattr(target.gate, bound), getattr(given.gate, bound)
            if lower is not None and (upper is None or strictest(upper, lower, stricter) != upper):
                yield looser(bound, name, upper, source, lower)

    @property
    def file(self) -> Path:
        """The file that declares them."""
        return self._file

    def find(self, name: str) -> Target | None:
        """The target of a name, or None; case does not count."""
        return next((target for each, target in self.targets.items() if each.lower() == name.lower()), None)

    def database(self, name: str, project: str) -> str:
        """Name of a project's database in a target, upper case, whether the target is declared or not."""
        target = self.find(name)
        pattern = (target.database if target else None) or _default_pattern(name)
        return pattern.replace("{project}", project.upper())

    def with_approval(self) -> tuple[str, ...]:
        """The targets in which a person must approve each promotion, in lower case."""
        return tuple(name.lower() for name, target in self.targets.items() if target.approval)

    def promoted_into(self) -> tuple[str, ...]:
        """The targets that say where their versions come from."""
        return tuple(name for name, target in self.targets.items() if target.accepts_from)

    def with_trial(self, name: str, like: str) -> "Targets":
        """The targets with a disposable one more: bounds and warehouses of another one, and a database of its own.

        Args:
            name: Name of the disposable target.
            like: The other target; if it is not declared, nothing is added.
        """
        declared = self.find(like)
        if declared is None:
            return self
        free = {"database": None, "branch": None, "mode": "development", "approval": False, "accepts_from": None}
        trial = declared.model_copy(update=free)
        changed = self.model_copy(update={"targets": {**self.targets, name: trial}})
        object.__setattr__(changed, "_file", self._file)
        return changed


NO_TARGETS = Targets.model_construct(targets={})
"""Where there is no targets.yaml: every target is possible, and nothing is asked of it."""


def _default_pattern(target: str) -> str:
    return f"{{project}}_{target.upper()}"


def looser(bound: str, name: str, upper: float | None, source: str, lower: float) -> str:
    """The message about a bound that gets looser on the way up.

    Args:
        bound: Name of the bound.
        name: The upper target.
        upper: Its bound; None for no bound.
        source: The target below.
        lower: Its bound.
    """
    return (
        f"gate.{bound} of target {name} is {'missing' if upper is None else upper}, that of {source}, from which it "
        f"accepts versions, is {lower}: bounds may become stricter on the way, never looser"
    )


def strictest(one: Any, other: Any, stricter: str) -> Any:
    """The stricter of two bounds.

    Args:
        one: A bound; None for no bound.
        other: Another one.
        stricter: Which value is the stricter one: LOWER or HIGHER.

    Returns:
        The stricter bound; None if there is neither.
    """
    given = [each for each in (one, other) if each is not None]
    return (min if stricter == LOWER else max)(given) if given else None
