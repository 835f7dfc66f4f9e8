"""The declaration of a project: the typed form of project.yaml."""

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
from snowloop.project.training import Candidate, Limits, Split, expanded


class Replay(Declaration):
    """How a single data file is replayed over time: its first rows train, the others arrive later in files."""

    initial: float = Field(0.6, gt=0, le=1, description="Share of the rows that are loaded first, for training.")
    batches: int = Field(3, ge=1, le=1000, description="Number of files in which the other rows arrive.")
    shuffle: bool = Field(
        False, description="Assign the rows at random, by the seed: for a file that is not in order of time."
    )


class Schedule(Declaration):
    """When Airflow runs a DAG by itself; null: only when triggered."""

    train: Text | None = Field(None, description="Training: a cron expression or a preset such as @weekly, in UTC.")


class Environment(Declaration):
    """Snowflake objects that all stages share."""

    warehouse: Identifier = Field(
        "SNOWLOOP_WH", description="The warehouse of all stages; it is created if it does not exist."
    )
    warehouse_size: Literal["XSMALL", "SMALL", "MEDIUM", "LARGE", "XLARGE"] = Field(
        "XSMALL", description="Its size when it is created."
    )
    artifact_repository: str | None = Field(
        "snowflake.snowpark.pypi_shared_repository",
        pattern=r"^\w+(\.\w+){0,2}$",
        description="Where Snowflake installs packages from; null: its conda channel.",
    )


class Serving(Declaration):
    """How the native scoring task runs."""

    schedule: Text | None = Field(
        None, description="Such as '5 MINUTE', or a cron expression with its time zone; null: when rows arrive."
    )
    minimum_interval_seconds: int = Field(10, ge=10, le=604_800, description="Minimum time between triggered runs.")
    timeout_seconds: int = Field(3600, ge=1, le=604_800, description="Maximum time of a run of the task graph.")
    suspend_after_failures: int = Field(
        3, ge=0, description="Number of consecutive failed runs that suspend the task; 0: never."
    )
    retry_attempts: int = Field(1, ge=0, le=30, description="How often a failed run is retried.")
    overlap: bool = Field(False, description="Whether a run may start while the previous one is still being monitored.")
    warehouse: Identifier | None = Field(None, description="The warehouse of the tasks; null: that of the environment.")
    serverless: bool = Field(False, description="Run on compute that Snowflake manages, without a warehouse.")
    initial_size: Literal["XSMALL", "SMALL", "MEDIUM", "LARGE", "XLARGE"] = Field(
        "XSMALL", description="Initial size of a serverless task."
    )
    target_completion: Text = Field("5 MINUTES", description="How fast a serverless, triggered run should finish.")
    corrections: bool = Field(False, description="Whether rows that are updated in the source are scored again.")
    keep_features: bool = Field(True, description="Whether SERVING.SCORED keeps the features of each row.")
    challenger: Challenger | None = Field(
        None, description="How the version with the alias CHALLENGER scores; null: it does not."
    )

    @model_validator(mode="after")
    def _one_compute(self) -> Self:
        if self.serverless and self.warehouse:
            message = "tasks run on a warehouse or serverless, not both: remove `warehouse` or `serverless`"
            raise ValueError(message)
        return self


class Project(Declaration):
    """The declaration of a project."""

    name: Annotated[Name, AfterValidator(str.lower)] = Field(description="Name of the project and of its folder.")
    description: str = Field("", description="What is predicted, and for whom.")
    owners: tuple[Text, ...] = Field((), description="Who is responsible for it: the owners of its DAGs.")
    tags: tuple[Text, ...] = Field((), description="Tags of its DAGs.")
    source: Name = Field(description="The source whose new rows are scored.")
    key: tuple[Identifier, ...] = Field(min_length=1, description="Columns that together identify a row.")
    sources: dict[Name, Source] = Field(min_length=1, description="Its sources; each is loaded into a RAW table.")
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
    limits: Limits = Field(Limits(), description="How long a candidate may train.")
    packages: tuple[Text, ...] = Field(
        min_length=1, description="Packages that model.py needs, such as scikit-learn==1.9.1."
    )
    contract: Contract = Contract()
    leakage: Leakage = Leakage()
    evaluation: EvaluationPlan = EvaluationPlan()
    gate: Gate = Gate()
    approval: Approval = Approval()
    replay: Replay | None = None
    sample: str | None = Field(
        None, description="A folder or a generator (.py) below include/data, for runs without other data."
    )
    seed: int = Field(0, description="Seed of everything that is random.")
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
            required = [*self.key, *filter(None, (self.split.order_by, self.split.column))]
            problems += [
                f"column {column} (of key or split) is not a column of source '{self.source}': declare it there"
                for column in required
                if column not in self.streamed.table_columns
            ]
            problems += self._event_time_problems() + self.split.problems(self.streamed, self.key)
        late = [column for column in self.known_after_label if column in self.key]
        if late:
            problems.append(f"key column {late[0]} cannot be known_after_label: rows are scored by it earlier")
        problems += [*self._task_problems(), *self._name_problems(), *self._unique_problems()]
        names = [candidate.name.upper() for candidate in self.expanded_candidates]
        if len(set(names)) < len(names):
            problems.append("two candidates have the same name (case is ignored): rename one")
        return problems

    def _task_problems(self) -> list[str]:
        task, problems = self.label.task, []
        if self.metric.name not in METRICS[task]:
            problems.append(f"metric {self.metric.name} does not fit {task}: use one of {', '.join(METRICS[task])}")
        source = self.sources.get(self.source)
        columns = source.table_columns if source else {}
        problems += [
            f"slice column {each.column} has edges, which are for numbers; it is a {columns[each.column].type}: remove "
            "`edges`, then each value is a slice"
            for each in self.evaluation.slices
            if each.edges and each.column in columns and not columns[each.column].is_number
        ]
        if task == "multiclass" and "threshold" in self.evaluation.model_fields_set:
            problems.append(
                "evaluation.threshold is for two classes; of several, the most likely is predicted: remove it"
            )
        return problems

    def _name_problems(self) -> list[str]:
        """Names that appear twice, or that Snowloop itself uses."""
        problems = []
        tables = [name.upper() for name in self.sources]
        for what, names in (("source", tables), ("key column", self.key)):
            twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
            problems += [f"{what} {name} appears twice (case is ignored): remove or rename one" for name in twice]
        if self.label.column in self.key:
            problems.append(f"label {self.label.column} is a key column too: give it another name in label.sql")
        streamed = self.sources.get(self.source)
        reserved = [name for name in streamed.table_columns if name in RESERVED] if streamed else []
        reserved += [name for name in self.key if name in RESERVED_KEYS]
        problems += [
            f"column {name} has a name that Snowloop uses for a column of its own: declare another name, and that of "
            "the file as `field`"
            for name in reserved
        ]
        return problems

    def _unique_problems(self) -> list[str]:
        """Only the keys of arriving rows are compared with those of earlier rows."""
        streamed = self.sources.get(self.source)
        return [
            f"column {name} is unique in source '{self.source}', whose rows are scored: only the key of arriving rows "
            "is checked against earlier rows; remove `unique`, or make the column the key"
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
        """The default place of the data: a folder, or a generator (.py) that creates one."""
        return self._directory.parents[1] / "data" / (self.sample or self.name)

    @property
    def expanded_candidates(self) -> tuple[Candidate, ...]:
        """The candidates that are trained: those declared, and each combination of a declared search."""
        return expanded(self.candidates)

    @property
    def streamed(self) -> Source:
        """The source whose new rows are scored."""
        return self.sources[self.source]

    @property
    def known_after_label(self) -> list[str]:
        """Columns of the streamed source that features.sql must not use, because they are known only with the label."""
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
        for candidate in self.expanded_candidates:
            if candidate.name.upper() == name.upper():
                return candidate
        names = ", ".join(candidate.name for candidate in self.expanded_candidates)
        message = f"project {self.name} has no candidate '{name}': it declares {names}"
        raise ProjectError(message)

    def text(self, file: str) -> str:
        """The text of one of the project's files, such as ``features.sql``."""
        return (self.directory / file).read_text()

    def is_better(self, value: float, than: float) -> bool:
        """Whether a value of the project's metric beats another; a NaN never does."""
        if math.isnan(value):
            return False
        return value > than if self.metric.higher_is_better else value < than
