"""What was found of a version as it is served: the same rows by Python, and odd rows."""

from dataclasses import dataclass

from snowloop.project import Project
from snowloop_procedures.requests import Tolerance


@dataclass(frozen=True)
class SkewKind:
    """A kind of row whose scores by the serving path and by Python differ too much.

    Args:
        feature: The feature.
        kind: What it is in these rows: ``NULL``, ``rare`` or ``unseen in training``.
        rows: How many rows are of this kind.
        differ: How many of them differ too much, or have no score on one of the sides.
        max_difference: Their greatest difference; None if none has two scores.
    """

    feature: str
    kind: str
    rows: int
    differ: int
    max_difference: float | None

    @property
    def words(self) -> str:
        """The kind and its difference."""
        apart = "have no two scores" if self.max_difference is None else f"differ by up to {self.max_difference:.3g}"
        return f"rows where {self.feature} is {self.kind} {apart} ({self.differ} of {self.rows} rows do)"


@dataclass(frozen=True)
class Skew:
    """The same rows by the serving path and by Python.

    Args:
        rows: How many rows.
        unserved: Rows that have no score by the serving path, or by Python.
        max_difference: The difference of the scores of the row that exceeds its tolerance most; None if a row has none.
        score: The score by Python of that row.
        kinds: The kinds of rows that differ too much, the most telling first.
        others: The greatest difference of the rows of no such kind; None if there are none.
        salt: Of the hash that drew the rows.
    """

    rows: int
    unserved: int
    max_difference: float | None
    score: float | None = None
    kinds: tuple[SkewKind, ...] = ()
    others: float | None = None
    salt: str = ""


@dataclass(frozen=True)
class RobustnessFailure:
    """An odd value for which the served model gives no finite score.

    Args:
        feature: The feature; empty of an ordinary row by itself, and where features.sql fails.
        value: Its value, in words.
        problem: What the model did.
    """

    feature: str
    value: str
    problem: str

    @property
    def words(self) -> str:
        """The row and the problem."""
        row = f"where {self.feature} is {self.value}" if self.feature else self.value or "by itself"
        return f"a row {row}: {self.problem}"


@dataclass(frozen=True)
class Robustness:
    """What the served model makes of NULL, unseen texts, zeros and extremes.

    Args:
        asked: How many rows it was asked about.
        failures: Those without a finite score.
        complete: Whether there are no more failures than these.
    """

    asked: int
    failures: tuple[RobustnessFailure, ...] = ()
    complete: bool = True


def skew_tolerance(project: Project) -> Tolerance:
    """By how much scores of a row by SQL and by Python may differ."""
    return Tolerance(project.gate.max_skew, project.gate.max_relative_skew)
