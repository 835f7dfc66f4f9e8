"""What procedures are called with, as dataclasses, JSON at the edge alone; for scoring see scoring_request.py."""

import json
from dataclasses import asdict, dataclass, is_dataclass
from types import UnionType
from typing import Any, ClassVar, Literal, Self, Union, get_args, get_origin, get_type_hints

Task = Literal["classification", "multiclass", "regression"]
Class = int | str
TINY = 1e-300  # in place of 0, to divide by


@dataclass(frozen=True)
class Feature:
    """One feature, and the type in which the model sees it in training and in serving alike.

    Args:
        name: Name of the column.
        type: FLOAT or VARCHAR.
    """

    name: str
    type: str


SCORE_COLUMN = Feature("(score)", "FLOAT")
"""The score of SERVING.SCORED where it is counted next to the features; no feature has this name."""


@dataclass(frozen=True)
class Tolerance:
    """By how much two scores of one row may differ, as ``numpy.isclose`` has it.

    Args:
        absolute: In units of the score.
        relative: In addition, as a share of the expected score: of float32 models, and of large targets.
    """

    absolute: float
    relative: float

    def allowed(self, expected: Any) -> Any:
        """The greatest difference that is allowed at an expected score, or at each of an array of them."""
        return self.absolute + self.relative * abs(expected)

    def exceeded(self, difference: Any, expected: Any) -> Any:
        """By how much a difference is more than what is allowed, in units of that; above 0 is too much."""
        return difference / (self.allowed(expected) + TINY) - 1


@dataclass(frozen=True)
class ModelVersion:
    """A version in the Registry.

    Args:
        database: Database of the model.
        schema: Its schema.
        model: Name of the model.
        version: Name of the version.
    """

    database: str
    schema: str
    model: str
    version: str


@dataclass(frozen=True, kw_only=True)
class Request:
    """Base of the requests: ``do`` says which one it is, and in words what the procedure does."""

    do: ClassVar[str]

    def to_json(self) -> str:
        """The request as JSON text."""
        return json.dumps({"do": self.do, **asdict(self)})

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The request that ``to_json`` described, after its JSON is read.

        Raises:
            KeyError: if a field is unknown.
            TypeError: if a field is missing.
        """
        request: Self = decode(cls, {name: value for name, value in values.items() if name != "do"})
        return request


@dataclass(frozen=True, kw_only=True)
class LabelledRequest(Request):
    """Base of the requests about rows with features and a label.

    Args:
        features: The features, in the order in which a version takes them.
        label: Column of the label.
        task: Task of the label.
        classes: The classes of a multiclass label, in order; none of another task.
        seed: Seed of everything that is drawn at random.
    """

    features: tuple[Feature, ...]
    label: str
    task: Task
    classes: tuple[Class, ...] = ()
    seed: int


@dataclass(frozen=True, kw_only=True)
class FittingRequest(LabelledRequest):
    """Base of the requests that fit a candidate.

    Args:
        query: Reads features, label and IS_HOLDOUT of a training set.
        params: Parameters of build_model.
        threshold: Score from which a row counts as class 1.
        version: The version that is logged, or was.
    """

    query: str
    params: dict[str, Any]
    threshold: float
    version: ModelVersion


@dataclass(frozen=True)
class Folds:
    """How a candidate is cross-validated.

    Args:
        count: Number of folds.
        by: How the held-out rows are split off: ``hash``, ``group``, ``time`` or ``order``.
        along: Column of the group, or of the place in the order; None for a split by hash.
        metric: The metric that is computed on each fold.
        moments: Columns of the time of the event, and of that at which the label became known; none: no gap is kept.
    """

    count: int
    by: str
    along: str | None
    metric: str
    moments: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TrainingRequest(FittingRequest):
    """Fit a candidate, measure it on the held-out rows, and log it.

    Args:
        cross_validation: Its folds; None if none are declared.
        comment: Comment of the version: JSON that says how it was made.
        requirements: Packages that the version needs.
        artifact_repository: Where they come from; None for the Anaconda channel.
        modules: Names of the user's own modules.
    """

    do: ClassVar[str] = "train"
    cross_validation: Folds | None
    comment: str
    requirements: tuple[str, ...]
    artifact_repository: str | None
    modules: tuple[str, ...]


@dataclass(frozen=True)
class Specification:
    """A candidate whose ``build_model`` is tested.

    Args:
        name: Name of the candidate.
        params: Parameters of build_model.
    """

    name: str
    params: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class RehearsalRequest(FittingRequest):
    """Test candidates, train a version again, and measure the scores that it served.

    Args:
        candidates: Candidates whose specification is tested.
        reproduce: On which rows to train the version again; None: not at all.
        tolerance: By how much the scores of both trainings may differ.
        served: Reads SCORE and LABEL of rows that the version served; None if they are not measured.
    """

    do: ClassVar[str] = "rehearse"
    candidates: tuple[Specification, ...]
    reproduce: Literal["training rows", "all rows"] | None
    tolerance: Tolerance
    served: str | None


@dataclass(frozen=True)
class Plan:
    """How figures are measured.

    Args:
        threshold: Score from which a row counts as class 1.
        confidence: Confidence of the intervals, between 0 and 1.
        importance_rows: Most rows of the permutation importance; 0: none is computed.
    """

    threshold: float = 0.5
    confidence: float = 0.95
    importance_rows: int = 500


@dataclass(frozen=True)
class Slice:
    """Parts of the held-out rows that are measured by themselves.

    Args:
        column: Column whose values make the parts.
        edges: Of a number, where one part ends and the next begins; without any each value is a part.
        people: Whether the parts are groups of people, whose treatment is compared.
        min_rows: Rows that a part needs to be compared.
        min_events: Rows of a class that it needs for a rate among them.
    """

    column: str
    edges: tuple[float, ...] = ()
    people: bool = False
    min_rows: int = 1
    min_events: int = 1


@dataclass(frozen=True)
class Limits:
    """What the contract says of a feature that is a column of the source; nothing of any other.

    Args:
        low: Lowest number; None: any.
        high: Highest number; None: any.
        closed: Whether all texts are listed.
    """

    low: float | None = None
    high: float | None = None
    closed: bool = False


@dataclass(frozen=True)
class Probing:
    """How the served model is asked about odd values; see checks/robustness.py and evaluation/robustness.sql.

    Args:
        facts: Reads NULLS_<place> and HIGHEST_<place> of the training set.
        changed_rows: What was changed in a row of the source, and a query that reads its features.
        ask: Reads SNOWLOOP_ID and the served scores of the probes that are bound as JSON.
        limits: Of each feature, in order.
    """

    facts: str
    changed_rows: tuple[tuple[str, str], ...]
    ask: str
    limits: tuple[Limits, ...]


@dataclass(frozen=True, kw_only=True)
class ServedRequest(LabelledRequest):
    """Ask a version as it is served: the same rows by SQL and by Python, and odd rows.

    Args:
        skew: Reads features and served scores of some rows, and of each text how often training had it.
        tolerance: By how much scores may differ there.
        probing: How the served model is asked about odd values; None if there is no row that could be changed.
        version: The version.
    """

    do: ClassVar[str] = "ask as it is served"
    skew: str
    tolerance: Tolerance
    probing: Probing | None
    version: ModelVersion


@dataclass(frozen=True)
class NewerRows:
    """Labelled rows that arrived since the candidate was trained.

    Args:
        held_out: Reads them, in the order of the key.
        candidate_scores: Reads the candidate's scores of them as it serves them, in the same order.
        champion_scores: Reads the champion's; None if there is none, or it cannot score them.
    """

    held_out: str
    candidate_scores: str
    champion_scores: str | None = None


@dataclass(frozen=True, kw_only=True)
class EvaluationRequest(ServedRequest):
    """Measure a candidate, the champion, the reference and two baselines on the same held-out rows.

    Args:
        metric: The metric that decides.
        higher_is_better: Its direction.
        plan: How it is measured.
        slices: Parts of the rows; the part of a row by the slice n is in the column SLICE_n.
        held_out: Reads the held-out rows, in the order of the key.
        training: Reads rows to fit the baselines on.
        candidate_scores: Reads the candidate's scores of the held-out rows as it serves them, in the same order.
        champion_scores: Reads the champion's; None if there is none, or it cannot score them.
        reference_scores: Reads the reference's; None if it is the champion, or cannot score them.
        newer: The rows that arrived since the candidate was trained; None if it was trained on the present ones.
    """

    do: ClassVar[str] = "evaluate"
    metric: str
    higher_is_better: bool
    plan: Plan
    slices: tuple[Slice, ...] = ()
    held_out: str
    training: str
    candidate_scores: str
    champion_scores: str | None = None
    reference_scores: str | None = None
    newer: NewerRows | None = None


@dataclass(frozen=True, kw_only=True)
class ComparisonRequest(Request):
    """Compare the scores of champion and challenger.

    Args:
        query: Reads CHAMPION, CHALLENGER (of several classes CHAMPION_0 and so on), LABEL, and which rows are alike.
        paired: Whether both scored each row; else each row was scored by one of them.
        task: Task of the label.
        classes: The classes of a multiclass label, in order.
        metric: The metric that decides.
        higher_is_better: Its direction.
        plan: How it is measured.
    """

    do: ClassVar[str] = "compare"
    query: str
    paired: bool
    task: Task
    classes: tuple[Class, ...] = ()
    metric: str
    higher_is_better: bool
    plan: Plan


@dataclass(frozen=True, kw_only=True)
class PerformanceRequest(Request):
    """Measure scores that were served, by window and version.

    Args:
        query: Reads WINDOW_START, MODEL_VERSION, LABEL, SCORE (of several classes also SCORE_0 and so on) and SLICE_n
            of labelled rows, and SNOWLOOP_GROUP or SNOWLOOP_ORDER if rows depend on each other.
        scored: Reads the same of all rows, without labels and slices; empty if the metric is not to be estimated.
        task: Task of the label.
        classes: The classes of a multiclass label, in order.
        metric: The metric that decides.
        plan: How it is measured.
        slices: Parts of the rows.
    """

    do: ClassVar[str] = "measure the performance"
    query: str
    scored: str = ""
    task: Task
    classes: tuple[Class, ...] = ()
    metric: str
    plan: Plan
    slices: tuple[Slice, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LeakageRequest(LabelledRequest):
    """Measure how well each feature alone, and repeated rows, predict the label.

    Args:
        query: Reads features, label and IS_HOLDOUT of some rows of a training set.
        repeats: Reads the same, and SNOWLOOP_CELL, of rows of which all that are nearly equal are read.
    """

    do: ClassVar[str] = "check for leakage"
    query: str
    repeats: str


def decode(kind: Any, value: Any) -> Any:
    """JSON as the type that a field declares: dataclasses, tuples of them, and values that may be None."""
    if value is None or kind is Any:
        return value
    if get_origin(kind) in (UnionType, Union):
        kinds = [each for each in get_args(kind) if each is not type(None)]
        return decode(kinds[0], value) if len(kinds) == 1 else value
    if is_dataclass(kind):
        types = get_type_hints(kind)
        return kind(**{name: decode(types[name], item) for name, item in value.items()})  # type: ignore[operator]
    if get_origin(kind) is tuple:
        return tuple(decode(get_args(kind)[0], item) for item in value)
    return value
