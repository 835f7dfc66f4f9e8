"""Score difference: what changes for the same rows if a new version serves in place of the present one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from snowloop.lifecycle.data.contract import checked_rows
from snowloop.lifecycle.features.feature import Feature
from snowloop.lifecycle.features.formula import recorded_formula
from snowloop.lifecycle.features.keys import feature_rows
from snowloop.lifecycle.features.training_set import describe_features
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.versions import Version, model
from snowloop.project import Project
from snowloop.sql import identifier, render
from snowloop.workspace import Workspace
from snowloop_procedures.statistics.details import slice_parts

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

QUERIES = "ci/queries.sql"
MOVERS = 10
"""Rows that are named, those whose score changes most."""


@dataclass(frozen=True)
class Mover:
    """A row whose score changes.

    Args:
        key: Its key, by column.
        serving: Its score by the version that serves; of several classes the probability of the class whose
            probability changes most.
        new: Its score by the new version, likewise.
        output: That class; None where there is one score.
    """

    key: dict[str, str]
    serving: float
    new: float
    output: str | None = None


@dataclass(frozen=True)
class PartDifference:
    """The difference in one part of the rows.

    Args:
        column: The column that makes the parts; empty for all rows.
        part: The part.
        rows: Its rows that have both scores.
        changed: Share of them whose score changes by more than is allowed between two ways to compute one score.
        mean_change: Mean of the absolute change, in units of the score.
        flipped: How many get another decision; None of a regression.
        serving: Mean score by the version that serves; None of several classes.
        new: Mean score by the new version; None of several classes.
    """

    column: str
    part: str
    rows: int
    changed: float
    mean_change: float
    flipped: int | None
    serving: float | None
    new: float | None


@dataclass(frozen=True)
class ScoreDifference(Result):
    """Two versions on the same rows.

    Args:
        new: The new version.
        serving: The version that serves.
        rows: Rows that were scored by both.
        unscored: Rows for which one of them has no score.
        whole: The difference over all rows; None if there is none with both scores.
        flips: How many rows get which decision in place of which, as (serving, new, rows), the most frequent first.
        movers: The rows whose score changes most, the first the most.
        parts: The difference in each part of the declared slices.
    """

    new: str
    serving: str
    rows: int
    unscored: int
    whole: PartDifference | None
    flips: tuple[tuple[str, str, int], ...]
    movers: tuple[Mover, ...]
    parts: tuple[PartDifference, ...]


def compare_scores(workspace: Workspace, new: Version, serving: Version) -> ScoreDifference:
    """Score the same rows of the source by two versions, each with the features.sql that it was trained with.

    At most ``ci.compared_rows`` rows that keep the contract, by hash of the key.

    Args:
        new: The new version.
        serving: The version that serves.

    Returns:
        The difference.

    Raises:
        ScoringError: if a version does not record its features.sql.
        TrainingError: if the features.sql of a version does not fit the source.
    """
    import pandas as pd

    project = workspace.project
    features = _features(workspace, new)
    sliced = [each.column for each in project.evaluation.slices]
    raw = [column for column in sliced if column in project.streamed.table_columns]
    own = [column for column in sliced if column not in raw and column in {each.name for each in features}]
    query = render(
        f"{QUERIES}#both_scores",
        new=_scores(workspace, new, features, own),
        serving=_scores(workspace, serving, _features(workspace, serving), ()),
        checked=checked_rows(project, workspace.target),
        key=project.row_key,
        raw_columns=raw,
        feature_columns=own,
        outputs=len(project.label.classes) or 1,
    )
    frame = pd.DataFrame([row.as_dict() for row in workspace.session.sql(query).collect()])
    once = frame if frame.empty else frame.drop_duplicates(list(project.row_key))  # of a key that is in RAW twice
    return difference(project, once, new.name, serving.name)


def _features(workspace: Workspace, version: Version) -> tuple[Feature, ...]:
    place = f"features.sql that {version.name} was trained with"
    return describe_features(workspace, recorded_formula(workspace, version), place)


def _scores(workspace: Workspace, version: Version, features: Sequence[Feature], columns: Sequence[str]) -> str:
    project = workspace.project
    table = identifier(workspace.database, "RAW", project.table)
    sample = render("delivery/queries.sql#sample", key=project.row_key, table=table, most=project.ci.compared_rows)
    return render(
        f"{QUERIES}#scores",
        rows=feature_rows(workspace, recorded_formula(workspace, version), sample),
        key=project.row_key,
        columns=columns,
        features=features,
        model=model(project, workspace.target),
        version=identifier(version.name),
        task=project.label.task,
        classes=project.label.classes,
    )


def difference(project: Project, frame: "pd.DataFrame", new: str, serving: str) -> ScoreDifference:
    """The difference of two versions from their scores; a pure function.

    Args:
        project: The project.
        frame: n rows: the key, ``NEW_<place>`` and ``SERVING_<place>`` for each output, and ``SLICE_<column>``.
        new: Name of the new version.
        serving: Name of the version that serves.

    Returns:
        The difference.
    """
    import numpy as np

    if frame.empty:
        return ScoreDifference(new, serving, 0, 0, None, (), (), ())
    outputs = len(project.label.classes) or 1
    scores = {
        side: frame[[f"{side}_{place}" for place in range(outputs)]].to_numpy(dtype=float)
        for side in ("NEW", "SERVING")
    }
    both = np.isfinite(scores["NEW"]).all(axis=1) & np.isfinite(scores["SERVING"]).all(axis=1)
    frame, after, before = frame[both].reset_index(drop=True), scores["NEW"][both], scores["SERVING"][both]
    unscored = int((~both).sum())
    if frame.empty:
        return ScoreDifference(new, serving, 0, unscored, None, (), (), ())
    rows = _Rows(project, before, after)
    parts = [
        rows.part(each.column, name, (named == name).to_numpy())
        for each in project.evaluation.slices
        if f"SLICE_{each.column}" in frame
        for named in (slice_parts(frame[f"SLICE_{each.column}"], each.edges),)
        for name in sorted(named.unique())
    ]
    return ScoreDifference(
        new,
        serving,
        len(frame),
        unscored,
        rows.part("", "all rows", np.ones(len(frame), dtype=bool)),
        tuple(rows.flips()),
        tuple(
            rows.mover({name: frame.at[place, name] for name in project.row_key}, place)
            for place in rows.order()[:MOVERS]
        ),
        tuple(parts),
    )


class _Rows:
    """Scores of n rows, (n, outputs), by the version that serves and by the new one."""

    def __init__(self, project: Project, before: "np.ndarray", after: "np.ndarray") -> None:
        import numpy as np

        self.classes = project.label.classes
        self.before, self.after = before, after
        changes = np.abs(after - before)
        self.change = changes.max(axis=1)
        self.most = changes.argmax(axis=1)
        allowed = project.gate.max_skew + project.gate.max_relative_skew * np.abs(before).max(axis=1)
        self.changed = self.change > allowed
        self.decisions = [_decisions(project, each) for each in (before, after)]

    def part(self, column: str, name: str, rows: "np.ndarray") -> PartDifference:
        before, after = self.decisions
        flipped = None if before is None or after is None else int((before != after)[rows].sum())
        one = not self.classes
        return PartDifference(
            column,
            name,
            int(rows.sum()),
            float(self.changed[rows].mean()),
            float(self.change[rows].mean()),
            flipped,
            float(self.before[rows, 0].mean()) if one else None,
            float(self.after[rows, 0].mean()) if one else None,
        )

    def flips(self) -> list[tuple[str, str, int]]:
        import pandas as pd

        before, after = self.decisions
        if before is None or after is None:
            return []
        pairs = pd.Series(list(zip(before, after, strict=True)))[before != after]
        return [(str(one), str(other), int(count)) for (one, other), count in pairs.value_counts().items()]

    def order(self) -> list[int]:
        """Places of the rows whose score changes, the greatest change first."""
        import numpy as np

        return [int(place) for place in np.argsort(-self.change, kind="stable") if self.changed[place]]

    def mover(self, key: Mapping[str, Any], place: int) -> Mover:
        most = self.most[place]
        return Mover(
            {str(name): str(value) for name, value in key.items()},
            float(self.before[place, most]),
            float(self.after[place, most]),
            str(self.classes[most]) if self.classes else None,
        )


def _decisions(project: Project, scores: "np.ndarray") -> "np.ndarray | None":
    """What is decided for each of n rows: the class; None of a regression."""
    import numpy as np

    if project.label.task == "regression":
        return None
    if project.label.classes:
        return np.array([str(each) for each in project.label.classes])[scores.argmax(axis=1)]
    return np.where(scores[:, 0] >= project.evaluation.threshold, "1", "0")
