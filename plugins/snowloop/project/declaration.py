"""The declaration of a project: the typed form of project.yaml."""

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from croniter import croniter
from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from snowloop.errors import ProjectError
from snowloop.project.base import NAME, Declaration, Identifier, Line, Name, PlaceBelow, Text
from snowloop.project.champion import Champion
from snowloop.project.contract import Contract
from snowloop.project.durations import Duration
from snowloop.project.evaluation import Approval, Ci, EvaluationPlan, Gate, Leakage, Metric
from snowloop.project.label import METRICS, Label
from snowloop.project.monitoring import Monitoring
from snowloop.project.serving import Serving
from snowloop.project.sources import RESERVED, RESERVED_KEYS, WITHOUT_ZONE, Source
from snowloop.project.targets import NO_TARGETS, Targets
from snowloop.project.training import Candidate, Limits, Package, Split, expanded

MAX_TAG = 100
"""Characters of a tag, as Airflow allows them."""
CRON_PRESETS = ("@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")
"""Those of Airflow (https://airflow.apache.org/docs/apache-airflow/stable/authoring-and-scheduling/cron.html)."""


def _twice(names: Sequence[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]


class Replay(Declaration):
    """How a single data file is replayed over time: its first rows train, the others arrive later in files."""

    initial: float = Field(0.6, gt=0, le=1, description="Share of the rows that are loaded first, for training.")
    batches: int = Field(3, ge=1, le=1000, description="Number of files in which the other rows arrive.")
    shuffle: bool = Field(
        False, description="Assign the rows at random, by the seed: for a file that is not in order of time."
    )


def _tag(value: str) -> str:
    if len(value) > MAX_TAG:
        message = f"a tag of a DAG has at most {MAX_TAG} characters, this one has {len(value)}: shorten it"
        raise ValueError(message)
    return value


def _cron(value: str) -> str:
    if value not in CRON_PRESETS and not croniter.is_valid(value):
        message = f"'{value}' is not a cron expression such as '0 3 * * *', nor one of {', '.join(CRON_PRESETS)}"
        raise ValueError(message)
    return value


class Schedule(Declaration):
    """When Airflow runs a DAG by itself; null: only when triggered."""

    train: Annotated[Text, AfterValidator(_cron)] | None = Field(
        None, description="Training: a cron expression or a preset such as @weekly, in UTC."
    )
    train_within: Duration | None = Field(
        None, description="Time from queueing within which a training should be done; else the notifiers send it."
    )
    score_within: Duration | None = Field(
        None, description="Time from queueing within which a run of the DAG `<project>__score` should be done."
    )


class Environment(Declaration):
    """Snowflake objects that all stages share."""

    warehouse: Identifier = Field(
        "SNOWLOOP_WH", description="The warehouse of all stages; it is created if it does not exist."
    )
    warehouse_size: Literal["XSMALL", "SMALL", "MEDIUM", "LARGE", "XLARGE"] = Field(
        "XSMALL", description="Its size when it is created."
    )
    training_warehouse: Identifier | None = Field(
        None, description="The warehouse of the calls that train, which must exist; null: that of the session."
    )
    artifact_repository: str | None = Field(
        "snowflake.snowpark.pypi_shared_repository",
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*){0,2}$",
        description="Where Snowflake installs packages from; null: its conda channel.",
    )


class Project(Declaration):
    """The declaration of a project."""

    name: Annotated[Name, AfterValidator(str.lower)] = Field(description="Name of the project and of its folder.")
    description: str = Field("", description="What is predicted, and for whom.")
    owners: tuple[Line, ...] = Field((), description="Who is responsible for it: the owners of its DAGs.")
    tags: tuple[Annotated[Line, AfterValidator(_tag)], ...] = Field((), description="Tags of its DAGs.")
    source: Name = Field(description="The source whose new rows are scored.")
    key: tuple[Identifier, ...] = Field(
        min_length=1, description="Columns that together identify a row, or, with serving.rescore, what comes again."
    )
    sources: dict[Name, Source] = Field(min_length=1, description="Its sources: files, or tables that are there.")
    label: Label
    split: Split = Split()
    metric: Metric
    candidates: tuple[Candidate, ...] = Field(min_length=1, description="The models that compete to be promoted.")
    cross_validation: int | None = Field(
        None,
        ge=2,
        le=20,
        description="Number of folds of the training rows for cross-validation; null: no cross-validation.",
    )
    refit: Literal["all"] | None = Field(
        None,
        description="all: what the gate lets pass is trained again on all labelled rows, and that version serves; "
        "null: the version that was judged serves.",
    )
    limits: Limits = Field(Limits(), description="How long a candidate may train.")
    packages: tuple[Package, ...] = Field(
        min_length=1, description="Packages that model.py needs, such as scikit-learn==1.9.1."
    )
    contract: Contract = Contract()
    leakage: Leakage = Leakage()
    evaluation: EvaluationPlan = EvaluationPlan()
    gate: Gate = Gate()
    approval: Approval = Approval()
    ci: Ci = Ci()
    champion: Champion = Champion()
    replay: Replay | None = None
    sample: PlaceBelow | None = Field(
        None, description="A folder or a generator (.py) below include/data, for runs without other data."
    )
    seed: int = Field(0, ge=0, lt=2**32, description="Seed of everything that is random.")
    schedule: Schedule = Schedule()
    environment: Environment = Environment()
    serving: Serving = Serving()
    monitoring: Monitoring = Monitoring()

    _directory: Path = PrivateAttr(default=Path())
    _targets: Targets = PrivateAttr(default=NO_TARGETS)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for problem in self._problems():
            raise ValueError(problem)
        return self

    def _problems(self) -> Iterator[str]:
        """Errors, of which only the first is reported: those after the first one rely on the streamed source."""
        if self.source not in self.sources:
            yield f"source '{self.source}' is not one of sources ({', '.join(self.sources)}): name one of them"
        for column in (*self.key, *filter(None, (self.split.order_by, self.split.column))):
            if column not in self.streamed.table_columns:
                yield f"column {column} (of key or split) is not a column of source '{self.source}': declare it there"
        yield from self._source_problems()
        yield from self.serving.problems(self.streamed, self.key, self.split)
        yield from self.split.problems(self.streamed, self.row_key)
        yield from self.gate.fairness.problems(self.label.task, self.evaluation.slices)
        if self.metric.tolerance == 0 and self.gate.champion == "interval":
            yield (
                "metric.tolerance 0 lets a retrained model pass only when it is surely better than the champion: "
                "declare a tolerance, or remove it for the default, or declare `gate: {champion: point}`"
            )
        yield from self._champion_problems()
        for column in self.known_after_label:
            if column in self.row_key:
                yield f"key column {column} cannot be known_after_label: rows are scored by it earlier"
        yield from self._task_problems()
        yield from self._name_problems()
        for name, declared in self.streamed.columns.items():
            if declared.unique and self.row_key != (name,):
                yield (
                    f"column {name} is unique in source '{self.source}', whose rows are scored: only the key of "
                    "arriving rows is checked against earlier rows; remove `unique`, or make the column the key"
                )
        if _twice([candidate.name.upper() for candidate in self.expanded_candidates]):
            yield "two candidates have the same name (case is ignored): rename one"

    def _champion_problems(self) -> Iterator[str]:
        if self.champion.probation and not (self.serving.challenger and self.serving.challenger.mode == "shadow"):
            yield (
                "champion.probation has the former champion score in the shadow: declare "
                "`serving: {challenger: {mode: shadow}}`, or remove it"
            )

    def _task_problems(self) -> Iterator[str]:
        task, columns = self.label.task, self.streamed.table_columns
        yield from self.monitoring.performance.problems(task)
        if self.monitoring.model_monitor:
            yield from self.monitoring.model_monitor.problems(task, self.serving.keep_features)
        if self.metric.name not in METRICS[task]:
            yield f"metric {self.metric.name} does not fit {task}: use one of {', '.join(METRICS[task])}"
        for each in self.evaluation.slices:
            if each.bound is not None and (problem := self.metric.problem(each.bound)):
                yield f"the bound of slice {each.column}: {problem}"
            if each.edges and each.column in columns and not columns[each.column].is_number:
                yield (
                    f"slice column {each.column} has edges, which are for numbers; it is a "
                    f"{columns[each.column].type}: remove `edges`, then each value is a slice"
                )
        if task == "multiclass" and "threshold" in self.evaluation.model_fields_set:
            yield "evaluation.threshold is for two classes; of several, the most likely is predicted: remove it"

    def _name_problems(self) -> Iterator[str]:
        """Names that appear twice, or that Snowloop itself uses."""
        for what, given in (("source", [name.upper() for name in self.sources]), ("key column", self.key)):
            for name in _twice(given):
                yield f"{what} {name} appears twice (case is ignored): remove or rename one"
        for name in _twice([re.split(r"[^\w.-]", each)[0].lower().replace("_", "-") for each in self.packages]):
            yield f"package {name} appears twice in packages: remove one"
        if self.label.column in self.row_key:
            yield f"label {self.label.column} is a key column too: give it another name in label.sql"
        for names, reserved in ((self.streamed.table_columns, RESERVED), (self.row_key, RESERVED_KEYS)):
            for name in names:
                if name in reserved:
                    yield (
                        f"column {name} has a name that Snowloop uses for a column of its own: declare another name, "
                        "and that of the file as `field`"
                    )

    def _source_problems(self) -> Iterator[str]:
        place = f"the table {self.streamed.table}" if self.streamed.table else f"the stage {self.streamed.stage}"
        if self.replay and self.streamed.file is None:
            yield f"replay cuts files, and source '{self.source}' is {place}: remove it"
        if self.streamed.event_time is None and self.label.known_after:
            yield "label.known_after counts from the source's event time: declare its `event_time`, or use `known_at`"
        for name, source in self.sources.items():
            if source.wait_for and (name == self.source or self.streamed.event_time is None):
                yield (
                    f"wait_for of source '{name}' is for a joined source, and counts from the events of source "
                    f"'{self.source}', whose rows are scored: declare the `event_time` of that one, or remove it"
                )
            if source.event_time and not source.is_moment(source.event_time):
                yield (
                    f"event_time {source.event_time} of source '{name}' is not one of its columns of type DATE or "
                    f"TIMESTAMP without a zone: {WITHOUT_ZONE}"
                )

    @property
    def directory(self) -> Path:
        """The folder of project.yaml, features.sql, label.sql and model.py."""
        return self._directory

    @property
    def data_root(self) -> Path:
        """The folder of the data of all projects next to this one."""
        return self._directory.parents[1] / "data"

    @property
    def data_dir(self) -> Path:
        """The default place of the data: a folder, or a generator (.py) that creates one."""
        return self.data_root / (self.sample or self.name)

    @property
    def expanded_candidates(self) -> tuple[Candidate, ...]:
        """The candidates that are trained: those declared, and each combination of a declared search."""
        return expanded(self.candidates)

    @property
    def streamed(self) -> Source:
        """The source whose new rows are scored."""
        return self.sources[self.source]

    @property
    def row_key(self) -> tuple[str, ...]:
        """Columns that identify a row of the streamed source: the key, and the event time where a key comes again."""
        moment = self.streamed.event_time
        return (*self.key, moment) if self.serving.rescore and moment else self.key

    @property
    def known_after_label(self) -> list[str]:
        """Columns of the streamed source that features.sql must not use, because they are known only with the label."""
        return [name for name, column in self.streamed.table_columns.items() if column.known_after_label]

    @property
    def purged_by(self) -> tuple[str, ...]:
        """Columns of a training set with the times of event and label, in milliseconds; none if no gap is kept."""
        known = self.label.known_after or self.label.known_at
        return ("SNOWLOOP_EVENT_TIME", "SNOWLOOP_KNOWN_AT") if self.split.by == "time" and known else ()

    @property
    def table(self) -> str:
        """Name of the RAW table of the streamed source, or of the view on a table that is there."""
        return self.source.upper()

    @property
    def model_name(self) -> str:
        """Name of the model in the Registry."""
        return self.name.upper()

    def database(self, target: str) -> str:
        """Name of the project's database in an environment; by default such as ``CREDIT_APPROVAL_DEV`` in ``dev``.

        Raises:
            ProjectError: if ``target`` is not a plain name.
        """
        if not NAME.fullmatch(target):
            message = f"target '{target}' of project {self.name} is not a plain name such as dev, staging or prod"
            raise ProjectError(message)
        return self._targets.database(target, self.name)

    @property
    def targets(self) -> Targets:
        """The environments that targets.yaml declares; none if there is no such file."""
        return self._targets

    def in_target(self, target: str) -> "Project":
        """The project as it is in an environment: with the stricter bounds and the warehouses that it declares.

        Args:
            target: The environment.

        Raises:
            ProjectError: if there is a targets.yaml, and it does not declare the environment.
        """
        declared = self._targets.find(target)
        if declared is not None:
            metric, gate = declared.gate.stricter(self.name, self.metric, self.gate)
            wanted = declared.warehouses
            warehouses = {"warehouse": wanted.default, "training_warehouse": wanted.training}
            environment = self.environment.model_copy(update={name: each for name, each in warehouses.items() if each})
            scoring = {} if wanted.scoring is None or self.serving.serverless else {"warehouse": wanted.scoring}
            serving = self.serving.model_copy(update=scoring)
            parts = {"metric": metric, "gate": gate, "environment": environment, "serving": serving}
            return self.model_copy(update=parts)
        if not self._targets.targets:
            return self
        names = ", ".join(self._targets.targets)
        message = f"{self._targets.file}: there is no target '{target}' (there are: {names}): name one, or declare it"
        raise ProjectError(message)

    def with_trial(self, name: str, like: str, targets: Targets | None = None) -> "Project":
        """The project with a disposable target more, which asks of a version what another target asks.

        Args:
            name: Name of the disposable target.
            like: The other target.
            targets: The declared targets; None: those of the project.
        """
        changed = self.model_copy()
        object.__setattr__(changed, "_targets", (targets or self._targets).with_trial(name, like))
        return changed

    def candidate(self, name: str) -> Candidate:
        """The declared candidate of a name; case does not count.

        Raises:
            ProjectError: if there is none of that name.
        """
        for candidate in self.expanded_candidates:
            if candidate.name.upper() == name.upper():
                return candidate
        names = ", ".join(candidate.name for candidate in self.expanded_candidates)
        raise ProjectError(f"project {self.name} has no candidate '{name}': it declares {names}")

    def text(self, file: str) -> str:
        """The text of one of the project's files, such as ``features.sql``."""
        return (self.directory / file).read_text()

    def asks_about_canary(self, target: str) -> bool:
        """Whether a person must approve a canary: the environment asks for it, and the share is above the bound."""
        declared = self.serving.challenger
        large = declared is not None and declared.share is not None and declared.share > declared.approval_above
        return large and target.lower() in self.approval.targets

    @property
    def judges_the_end(self) -> bool:
        """Whether the worse end of the metric's interval must keep the bound, not the value alone."""
        if self.metric.judge is None:
            return bool(self.approval.targets)
        return self.metric.judge == "lower_end"

    def is_better(self, value: float, than: float) -> bool:
        """Whether a value of the project's metric beats another; a NaN never does."""
        if math.isnan(value):
            return False
        return value > than if self.metric.higher_is_better else value < than
