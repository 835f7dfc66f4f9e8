"""The outcome of an evaluation, as data."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from snowloop.lifecycle.evaluation.parts import (
    BINARY_CONFUSION,
    Calibration,
    ClassResult,
    ConfusionCell,
    Cost,
    GroupGap,
    GroupResult,
    Interval,
    NewerRows,
    SliceResult,
    widest,
)
from snowloop.lifecycle.evaluation.served import Robustness, Skew
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.training.train import Candidate


@dataclass(frozen=True)
class HeldOut:
    """Of held-out rows those alone may judge a version that it was not trained on.

    Args:
        left_out: Held-out rows that are left out, because the version was trained on them.
        unknown: Why it is not known which they are; None if it is.
    """

    left_out: int = 0
    unknown: str | None = None


@dataclass(frozen=True)
class Rival:
    """A version that a candidate must not be much worse than, and both on the rows that did not train it.

    Args:
        name: The version.
        metrics: Its metrics.
        unmeasured: Why it could not be measured on the candidate's rows, so that its metrics are those of its own
            training; None if it was.
        held_out: Which of the rows it was trained on: it is measured without them.
        candidate_metrics: The candidate's metrics on the rows that are left, if those are fewer.
        measured_by: The judged version of which it is the refit, and whose metrics these are; None: its own.
    """

    name: str
    metrics: dict[str, float] = field(default_factory=dict)
    unmeasured: str | None = None
    held_out: HeldOut = HeldOut()
    candidate_metrics: dict[str, float] = field(default_factory=dict)
    measured_by: str | None = None

    @property
    def words(self) -> str:
        """Its name, and the version that was measured in its place."""
        return f"{self.name} (by {self.measured_by}, of which it is the refit)" if self.measured_by else self.name


@dataclass(frozen=True)
class Selection:
    """How a candidate was chosen to be judged.

    Args:
        candidates: Among how many that could be trained: now, or when it was judged before.
        by_folds: Whether by cross-validation, which leaves the held-out rows out of the choice.
        tried: How many were looked at, the best first, until this one kept the bounds that are not about the metric.
        passed_over: The better ones that did not, each with the checks that it failed.
        earlier: How many other versions were judged on the same held-out rows since the last promotion.
    """

    candidates: int = 1
    by_folds: bool = False
    tried: int = 1
    passed_over: tuple[str, ...] = ()
    earlier: int = 0

    @property
    def chosen_from(self) -> int:
        """Among how many candidates it was chosen by the held-out rows themselves."""
        return self.tried if self.by_folds else self.candidates

    @property
    def trials(self) -> int:
        """About how many versions were compared on these rows in all: the best of many looks better than it is."""
        return self.chosen_from * (self.earlier + 1)

    @property
    def compared(self) -> int:
        """By how many the error that a verdict may make is divided (alpha spending).

        The first verdict on held-out rows may err in alpha of cases, the verdict k after it in alpha / (k * (k - 1)):
        all that follow the first one in alpha together, however many there are, because these shares add up to 1.
        Within one verdict it is divided by the candidates (Bonferroni).

        Source of spending a level over several looks at one sample: K. Lan, D. DeMets, Discrete Sequential Boundaries
        for Clinical Trials, Biometrika 70, 1983; of hold-outs that are used again and again A. Blum, M. Hardt, The
        Ladder, ICML 2015.
        """
        return self.chosen_from * ((self.earlier + 1) * self.earlier or 1)

    @property
    def words(self) -> str:
        """The choice, to be put behind a figure; empty if there was none."""
        best = f"; the best of {self.candidates} candidates {'by folds' if self.by_folds else 'on these rows'}"
        again = f"; {self.earlier} other versions were judged on these rows before"
        return (best if self.candidates > 1 else "") + (again if self.earlier else "")


@dataclass(frozen=True)
class Evaluation(Result):
    """How good a candidate is, and how good the champion and two baselines are on the same rows.

    Args:
        candidate: The candidate.
        metrics: The candidate's metrics on the held-out rows; one that they do not allow is missing.
        champion: Name of the champion, or None before the first promotion.
        champion_metrics: The champion's metrics.
        champion_unmeasured: Why the champion could not be measured on the same rows, so that its metrics are those of
            its own training; None if it was.
        champion_measured_by: The judged version of which the champion is the refit, and which was measured in its
            place; None: the champion itself.
        interval: The deciding metric with its interval.
        differences: How much better the candidate is than ``champion``, ``reference``, ``dummy`` and ``simple``: above
            0 is better, whatever the metric; the intervals are paired.
        baselines: Metrics of ``dummy`` (the best constant for the metric) and ``simple`` (a linear model).
        slices: The deciding metric in the declared parts of the rows.
        groups: How the groups of the slices about people are treated.
        gaps: How differently each two of them with enough rows are.
        calibration: Scores against observed rates.
        confusion: Rows predicted right and wrong at the threshold, of two classes, by ``BINARY_CONFUSION``.
        classes: Of several classes how well each is predicted.
        importance: Loss of the deciding metric when a feature's values are shuffled.
        skew: The serving path against Python.
        robustness: What the served model makes of odd values; None if no row is held out.
        cost: Size and time.
        evaluation_id: Its id in OPS.EVALUATIONS.
        selection: How it was chosen to be judged.
        rows: Held-out rows that it was measured on; None: all.
        held_out: Which held-out rows the candidate itself was trained on, if it is older than the training set.
        champion_held_out: Which of the others the champion was trained on: it is measured without them.
        metrics_on_champion_rows: The candidate's metrics on the rows on which the champion was measured, if
            those are fewer.
        reference: The version that no champion may be much worse than; None if it is the champion, or there is none.
        newer: What rows say that arrived since the candidate was trained; None if it was trained on the present ones.
    """

    candidate: Candidate
    metrics: dict[str, float] = field(default_factory=dict)
    champion: str | None = None
    champion_metrics: dict[str, float] = field(default_factory=dict)
    champion_unmeasured: str | None = None
    interval: Interval | None = None
    differences: dict[str, Interval] = field(default_factory=dict)
    baselines: dict[str, dict[str, float]] = field(default_factory=dict)
    slices: tuple[SliceResult, ...] = ()
    groups: tuple[GroupResult, ...] = ()
    gaps: tuple[GroupGap, ...] = ()
    calibration: Calibration = field(default_factory=Calibration)
    confusion: dict[str, int] = field(default_factory=dict)
    classes: tuple[ClassResult, ...] = ()
    importance: dict[str, float] = field(default_factory=dict)
    skew: Skew | None = None
    robustness: Robustness | None = None
    cost: Cost | None = None
    evaluation_id: str = ""
    selection: Selection = Selection()
    rows: int | None = None
    held_out: HeldOut = HeldOut()
    champion_held_out: HeldOut = HeldOut()
    metrics_on_champion_rows: dict[str, float] = field(default_factory=dict)
    reference: Rival | None = None
    newer: NewerRows | None = None
    champion_measured_by: str | None = None

    def summary(self) -> dict[str, int | float | str]:
        """The metric that decides with its interval, that of the champion, and of the simple baseline."""
        if self.candidate.error:
            return {"failed": self.candidate.error}
        figures = self.candidate.figure(self.metrics)
        if self.interval:
            figures["interval"] = f"{self.interval.low:.3f} to {self.interval.high:.3f}"
        if "simple" in self.baselines:
            figures["baseline"] = next(iter(self.candidate.figure(self.baselines["simple"]).values()))
        if self.champion is None:
            return {**figures, "champion": "none yet"}
        (baseline,) = self.candidate.figure(self.champion_metrics).values()
        return {**figures, "champion": baseline}

    @property
    def same_rows(self) -> bool:
        """Whether the champion, if there is one, was measured on the same rows."""
        return self.champion_unmeasured is None

    @property
    def is_champion(self) -> bool:
        """Whether the candidate is the champion already, or the champion is its refit."""
        return self.candidate.version_name in (self.champion, self.champion_measured_by)

    @property
    def rivals(self) -> dict[str, Rival]:
        """Champion and reference, as far as there are both."""
        figures = (self.champion_metrics, self.champion_unmeasured, self.champion_held_out)
        by = self.champion_measured_by
        champion = Rival(self.champion, *figures, self.metrics_on_champion_rows, by) if self.champion else None
        both = {"champion": champion, "reference": self.reference}
        return {name: rival for name, rival in both.items() if rival}

    @property
    def measured_rows(self) -> int:
        """The held-out rows that the candidate was measured on."""
        return self.candidate.training_set.holdout_rows if self.rows is None else self.rows

    @property
    def widest_gaps(self) -> tuple[GroupGap, ...]:
        """The widest gap of each column and figure."""
        return widest(self.gaps)

    @property
    def confusion_matrix(self) -> list[ConfusionCell]:
        """The confusion matrix of two or of several classes; empty of a regression."""
        two = [ConfusionCell(*BINARY_CONFUSION[name], count) for name, count in self.confusion.items()]
        return two or [
            ConfusionCell(each.name, predicted, count)
            for each in self.classes
            for predicted, count in each.predicted.items()
        ]

    def results(self) -> dict[str, Any]:
        """All that was measured, as OPS.EVALUATION_DETAILS keeps it for the report, under the names of the fields."""
        rivals = {name: rival.metrics for name, rival in self.rivals.items()}
        measured = {"candidate": self.metrics, **rivals, **self.baselines}
        return {
            "rows": self.measured_rows,
            "metrics": {whose: metrics for whose, metrics in measured.items() if metrics},
            "interval": asdict(self.interval) if self.interval else None,
            "differences": {other: asdict(interval) for other, interval in self.differences.items()},
            "slices": [asdict(each) for each in self.slices],
            "newer": asdict(self.newer) if self.newer else None,
            "groups": [asdict(each) for each in self.groups],
            "gaps": [asdict(each) for each in self.gaps],
            "calibration": asdict(self.calibration),
            "confusion_matrix": [asdict(each) for each in self.confusion_matrix],
            "classes": [asdict(each) for each in self.classes],
            "importance": self.importance,
            "cross_validation": self.candidate.cross_validation,
            "skew": asdict(self.skew) if self.skew else None,
            "robustness": asdict(self.robustness) if self.robustness else None,
            "cost": asdict(self.cost) if self.cost else None,
        }

    def facts(self) -> "Iterator[dict[str, Any]]":
        """All that was measured, as rows of OPS.EVALUATIONS for who reads it by SQL."""
        held_out, rows = self.candidate.training_set.holdout_rows, self.measured_rows
        both = {name: rows - rival.held_out.left_out for name, rival in self.rivals.items()}
        for whose, metrics in {"": self.metrics, **self._baselines()}.items():
            for name, value in metrics.items():
                yield _fact(f"{whose}{name}", value, rows=rows)
        for whose, rival in self.rivals.items():
            for kind, metrics in {whose: rival.metrics, f"on {whose} rows": rival.candidate_metrics}.items():
                for name, value in metrics.items():
                    yield _fact(f"{kind} {name}", value, rows=both[whose])
        for name, value in self.candidate.cross_validation.items():
            yield _fact(name, value, rows=self.candidate.training_set.rows - held_out)
        if self.interval:
            yield _fact("interval", self.interval.value, self.interval, rows)
        for other, interval in self.differences.items():
            yield _fact(f"better than {other}", interval.value, interval, both.get(other, rows))
        yield from self._details(rows)
        yield from self._of_newer_rows()
        yield from self._serving()
        if self.cost:
            yield _fact("model bytes", self.cost.model_bytes)
            yield _fact("milliseconds per row", self.cost.milliseconds_per_row)
            yield _fact("milliseconds per row by sql", self.cost.milliseconds_per_row_by_sql, rows=rows)

    def _serving(self) -> "Iterator[dict[str, Any]]":
        if self.skew:
            yield _fact("skew", self.skew.max_difference, rows=self.skew.rows)
        if self.robustness:
            yield _fact("odd rows not scored", len(self.robustness.failures), rows=self.robustness.asked)

    def _details(self, rows: int) -> "Iterator[dict[str, Any]]":
        for part in self.slices:
            yield _fact(self.candidate.metric, part.value, part.interval, part.rows, f"{part.column}: {part.part}")
        yield from self._of_groups()
        for number, each in enumerate(self.calibration.bins, start=1):
            yield _fact("calibration score", each.score, rows=each.rows, part=f"bin {number}")
            yield _fact("calibration label", each.label, rows=each.rows, part=f"bin {number}")
        yield _fact("calibration error", self.calibration.error, rows=rows)
        yield _fact("calibration error by chance", self.calibration.by_chance, rows=rows)
        for name, count in self.confusion.items():
            yield _fact(name, count, rows=rows)
        yield from self._of_classes()
        for feature, value in self.importance.items():
            yield _fact("importance", value, part=feature)

    def _of_newer_rows(self) -> "Iterator[dict[str, Any]]":
        if self.newer:
            yield _fact(f"newer rows {self.candidate.metric}", self.newer.value, self.newer.interval, self.newer.rows)

    def _of_groups(self) -> "Iterator[dict[str, Any]]":
        for group in self.groups:
            for figure, value in group.figures.items():
                yield _fact(figure.replace("_", " "), value, rows=group.rows, part=f"{group.column}: {group.part}")
        for gap in self.widest_gaps:
            what = f"{gap.column}: {gap.one} and {gap.other}"
            yield _fact(f"gap of {gap.figure.replace('_', ' ')}", gap.value, gap.interval, part=what)

    def _of_classes(self) -> "Iterator[dict[str, Any]]":
        for each in self.classes:
            part = f"class {each.name}"
            for name in ("precision", "recall", "f1", "roc_auc"):
                yield _fact(name, getattr(each, name), rows=each.rows, part=part)
            for predicted, count in each.predicted.items():
                yield _fact("confusion", count, rows=each.rows, part=f"{part}, predicted {predicted}")

    def _baselines(self) -> dict[str, dict[str, float]]:
        return {f"{name} ": metrics for name, metrics in self.baselines.items()}


def _fact(
    name: str, value: float | None, ends: Interval | None = None, rows: int | None = None, part: str | None = None
) -> dict[str, Any]:
    low, high = (ends.low, ends.high) if ends else (None, None)
    return {"name": name, "slice": part, "value": value, "low": low, "high": high, "rows": rows}
