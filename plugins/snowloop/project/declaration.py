"""The typed form of project.yaml."""

import math
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from snowloop.errors import ProjectError
from snowloop.project.challenger import Challenger
from snowloop.project.contract import Contract
from snowloop.project.evaluation import Approval, EvaluationPlan, Gate, Leakage, Metric
from snowloop.project.label import METRICS, Label
from snowloop.project.monitoring import Monitoring
from snowloop.project.sources import (
    NAME,
    RESERVED,
    RESERVED_KEYS,
    WITHOUT_ZONE,
    Declaration,
    Identifier,
    Name,
    Source,
    Text,
)
from snowloop.project.training import Candidate, Limits, Split, contestants


class Replay(Declaration):
    """How a single data file plays the passing of time: its first rows train, the others arrive in files later."""

    initial: float = Field(0.6, gt=0, le=1, description="Share of the rows that are there at first, and train.")
    batches: int = Field(3, ge=1, le=1000, description="Files in which the other rows arrive.")
    shuffle: bool = Field(
        False, description="Deal the rows out at random, by the seed: for a file in no order of time."
    )


class Schedule(Declaration):
    """When Airflow runs a loop by itself; null: only by hand."""

    train: Text | None = Field(None, description="Of training: a cron line or a preset such as @weekly, in UTC.")


class Environment(Declaration):
    """Objects that are shared by the stages."""

    warehouse: Identifier = Field("SNOWLOOP_WH", description="The warehouse of all stages; it is made if missing.")
    warehouse_size: Literal["XSMALL", "SMALL", "MEDIUM", "LARGE", "XLARGE"] = Field(
        "XSMALL", description="Its size where it is made."
    )
    artifact_repository: str | None = Field(
        "snowflake.snowpark.pypi_shared_repository",
        pattern=r"^\w+(\.\w+){0,2}$",
        description="Where Snowflake takes the packages from; null: its own conda channel.",
    )


class Serving(Declaration):
    """How the native scoring task runs."""

    schedule: Text | None = Field(None, description="'5 MINUTE', a cron line with its zone, or null: when rows come.")
    minimum_interval_seconds: int = Field(10, ge=10, le=604_800, description="Least time between triggered runs.")
    timeout_seconds: int = Field(3600, ge=1, le=604_800, description="Longest time of a run of the whole graph.")
    suspend_after_failures: int = Field(3, ge=0, description="Failed runs in a row that suspend it; 0: never.")
    retry_attempts: int = Field(1, ge=0, le=30, description="How often a failed run is tried again.")
    overlap: bool = Field(False, description="Whether a run may begin while the monitoring of the last one goes on.")
    warehouse: Identifier | None = Field(None, description="Where the tasks run; null: the environment's warehouse.")
    serverless: bool = Field(False, description="Run on compute that Snowflake manages, without a warehouse.")
    initial_size: Literal["XSMALL", "SMALL", "MEDIUM", "LARGE", "XLARGE"] = Field(
        "XSMALL", description="Size with which a serverless task begins."
    )
    target_completion: Text = Field("5 MINUTES", description="How fast a serverless triggered run should be done.")
    corrections: bool = Field(False, description="Whether a row that is updated in the source is scored again.")
    keep_features: bool = Field(True, description="Whether SERVING.SCORED keeps what features.sql gave.")
    challenger: Challenger | None = Field(None, description="What the version with the alias CHALLENGER does.")

    @model_validator(mode="after")
    def _one_compute(self) -> Self:
        if self.serverless and self.warehouse:
            message = "tasks run on a warehouse or serverless, not both: remove `warehouse` or `serverless`"
            raise ValueError(message)
        return self


class Project(Declaration):
    """All that Snowloop knows of a project."""

    name: Annotated[Name, AfterValidator(str.lower)] = Field(description="Name of the project and of its folder.")
    description: str = Field("", description="What is predicted, and for whom.")
    owners: tuple[Text, ...] = Field((), description="Who answers for it: owners of its DAGs.")
    tags: tuple[Text, ...] = Field((), description="Tags of its DAGs.")
    source: Name = Field(description="The source whose new rows are scored.")
    key: tuple[Identifier, ...] = Field(min_length=1, description="Columns that together identify a row.")
    sources: dict[Name, Source] = Field(min_length=1, description="Its sources; each is loaded into a RAW table.")
    label: Label
    split: Split = Split()
    metric: Metric
    candidates: tuple[Candidate, ...] = Field(min_length=1, description="The models that compete for the gate.")
    cross_validation: int | None = Field(
        None, ge=2, le=20, description="Folds of the training rows on which each candidate is also judged; null: none."
    )
    limits: Limits = Field(Limits(), description="How long a candidate may train.")
    packages: tuple[Text, ...] = Field(min_length=1, description="What model.py needs, such as scikit-learn==1.9.1.")
    contract: Contract = Contract()
    leakage: Leakage = Leakage()
    evaluation: EvaluationPlan = EvaluationPlan()
    gate: Gate = Gate()
    approval: Approval = Approval()
    replay: Replay | None = None
    sample: str | None = Field(
        None, description="Below include/data: a folder, or a generator (.py), for a run without data."
    )
    seed: int = Field(0, description="Of everything that is random.")
    schedule: Schedule = Schedule()
    environment: Environment = Environment()
    serving: Serving = Serving()
    monitoring: Monitoring = Monitoring()

    _directory: Path = PrivateAttr(default=Path())

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for problem in self._problems():
            raise ValueError(problem)
        return self

    def _problems(self) -> list[str]:
        problems = []
        if self.source not in self.sources:
            problems.append(
                f"source '{self.source}' is not one of sources ({', '.join(self.sources)}): name one of them"
            )
        else:
            wanted = [*self.key, *filter(None, (self.split.order_by, self.split.column))]
            problems += [
                f"column {column} (of key or split) is not a column of source '{self.source}': declare it there"
                for column in wanted
                if column not in self.streamed.table_columns
            ]
            problems += self._event_time_problems() + self.split.problems(self.streamed, self.key)
        late = [column for column in self.known_after_label if column in self.key]
        if late:
            problems.append(f"key column {late[0]} cannot be known_after_label: rows are scored by it before")
        problems += [*self._task_problems(), *self._name_problems(), *self._unique_problems()]
        names = [candidate.name.upper() for candidate in self.contestants]
        if len(set(names)) < len(names):
            problems.append("two candidates have the same name (case does not count): rename one")
        return problems

    def _task_problems(self) -> list[str]:
        task, problems = self.label.task, []
        if self.metric.name not in METRICS[task]:
            problems.append(f"metric {self.metric.name} does not fit {task}: use one of {', '.join(METRICS[task])}")
        source = self.sources.get(self.source)
        columns = source.table_columns if source else {}
        problems += [
            f"slice column {each.column} has edges, which are for numbers; it is a {columns[each.column].type}: remove "
            "`edges`, then each value is a part"
            for each in self.evaluation.slices
            if each.edges and each.column in columns and not columns[each.column].is_number
        ]
        if task == "multiclass" and "threshold" in self.evaluation.model_fields_set:
            problems.append("evaluation.threshold is of two classes; of several the likeliest is told: remove it")
        return problems

    def _name_problems(self) -> list[str]:
        """Names that stand for one thing twice, or for something of Snowloop's own."""
        problems = []
        tables = [name.upper() for name in self.sources]
        for what, names in (("source", tables), ("key column", self.key)):
            twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
            problems += [f"{what} {name} is there twice (case does not count): remove or rename one" for name in twice]
        if self.label.column in self.key:
            problems.append(f"label {self.label.column} is a key column too: give it another name in label.sql")
        streamed = self.sources.get(self.source)
        taken = [name for name in streamed.table_columns if name in RESERVED] if streamed else []
        taken += [name for name in self.key if name in RESERVED_KEYS]
        problems += [
            f"column {name} has a name that Snowloop gives to a column of its own: declare another name, and put the "
            "file's into `field`"
            for name in taken
        ]
        return problems

    def _unique_problems(self) -> list[str]:
        """Of rows that arrive only keys are compared with those that came before."""
        streamed = self.sources.get(self.source)
        return [
            f"column {name} is unique in source '{self.source}', whose rows are scored: of rows that arrive the key "
            "alone can be kept so; remove `unique`, or make the column the key"
            for name, column in (streamed.columns.items() if streamed else ())
            if column.unique and self.key != (name,)
        ]

    def _event_time_problems(self) -> list[str]:
        moment = self.streamed.event_time
        if moment is None and self.label.known_after:
            return [
                "label.known_after counts from the source's event time: declare its `event_time`, or use `known_at`"
            ]
        return [
            f"event_time {source.event_time} of source '{name}' is not one of its columns of type DATE or TIMESTAMP "
            f"without a zone: {WITHOUT_ZONE}"
            for name, source in self.sources.items()
            if source.event_time and not source.is_moment(source.event_time)
        ]

    @property
    def directory(self) -> Path:
        """The folder of project.yaml, features.sql, label.sql and model.py."""
        return self._directory

    @property
    def data_dir(self) -> Path:
        """Where the data is unless a run names another place: a folder, or the generator (.py) that makes one."""
        return self._directory.parents[1] / "data" / (self.sample or self.name)

    @property
    def contestants(self) -> tuple[Candidate, ...]:
        """The candidates that are trained: each as declared, and each point of a declared search."""
        return contestants(self.candidates)

    @property
    def streamed(self) -> Source:
        """The source whose new rows are scored."""
        return self.sources[self.source]

    @property
    def known_after_label(self) -> list[str]:
        """Columns of the streamed source that features.sql must not use: they are known only when the label is."""
        source = self.sources.get(self.source)
        return [name for name, column in source.table_columns.items() if column.known_after_label] if source else []

    @property
    def table(self) -> str:
        """Name of the RAW table of the streamed source."""
        return self.source.upper()

    @property
    def model_name(self) -> str:
        """Name of the model in the Registry."""
        return self.name.upper()

    def database(self, target: str) -> str:
        """Name of the project's database in an environment.

        Args:
            target: The environment, such as ``dev`` or ``prod``.

        Returns:
            For example ``CREDIT_APPROVAL_DEV``.

        Raises:
            ProjectError: if ``target`` is not a plain name.
        """
        if not NAME.fullmatch(target):
            message = f"target '{target}' of project {self.name} is not a plain name such as dev, staging or prod"
            raise ProjectError(message)
        return f"{self.name}_{target}".upper()

    def candidate(self, name: str) -> Candidate:
        """The declared candidate of a name.

        Args:
            name: The candidate's name; case does not count.

        Returns:
            The candidate.

        Raises:
            ProjectError: if there is none of that name.
        """
        for candidate in self.contestants:
            if candidate.name.upper() == name.upper():
                return candidate
        known = ", ".join(candidate.name for candidate in self.contestants)
        message = f"project {self.name} has no candidate '{name}': it declares {known}"
        raise ProjectError(message)

    def text(self, file: str) -> str:
        """The text of one of the project's files, such as ``features.sql``."""
        return (self.directory / file).read_text()

    def is_better(self, value: float, than: float) -> bool:
        """Whether a value of the project's metric beats another; a NaN never does."""
        if math.isnan(value):
            return False
        return value > than if self.metric.higher_is_better else value < than
