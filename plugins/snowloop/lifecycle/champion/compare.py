"""Compares champion and challenger on the rows that the loop had them score: counts, scores, and labels where known."""

from dataclasses import dataclass, field, replace
from typing import Any

from snowloop.errors import ChallengeRefused
from snowloop.lifecycle.evaluation.evaluate import plan_of
from snowloop.lifecycle.evaluation.parts import Interval
from snowloop.lifecycle.features.known_labels import known_labels
from snowloop.lifecycle.procedure.calls import EVALUATION, call
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.versions import CHALLENGER, aliased, model, serving, versions
from snowloop.sql import identifier, render
from snowloop.workspace import Workspace
from snowloop_procedures.requests import ComparisonRequest

MOST_ROWS = 100_000
TABLES = {"shadow": (("OPS", "CHALLENGES"), ("SERVING", "SHADOW")), "canary": (("OPS", "CHALLENGES"),)}
"""The tables, as schema and name, that a challenger writes to in each mode."""


@dataclass(frozen=True)
class Distribution:
    """How a version scores.

    Args:
        mean: Mean score.
        std: Standard deviation.
        quantiles: Scores by part, such as ``0.5``.
        positive: Share of rows at the threshold or above; None but for two classes.
    """

    mean: float
    std: float
    quantiles: dict[str, float]
    positive: float | None = None


@dataclass(frozen=True)
class Comparison(Result):
    """Champion and challenger on rows of the loop.

    Args:
        mode: ``shadow``: the same rows, paired; ``canary``: each version on the keys that it serves.
        champion: The version that serves.
        challenger: The challenger.
        metric: Name of the metric that decides.
        runs: Runs in which the challenger was to score.
        failed: Those in which it could not, and the champion scored alone.
        last_error: Why not, the last time.
        rows: Rows compared, by side; the newest are not preferred: it is a sample by hash of the key if there are many.
        labelled: Those whose label is known, by side.
        scores: Distribution of the scores, by side; a side without rows is missing.
        psi: Population stability index of the challenger's scores over the deciles of the champion's.
        ks: Kolmogorov-Smirnov distance of the two distributions.
        agreement: Share of rows for which both predict the same class; None of a canary or a regression.
        metrics: The metric with its interval on labelled rows, by side; missing where they do not allow it.
        difference: How much better the challenger is, above 0 whatever the metric; paired in the shadow.
    """

    mode: str
    champion: str
    challenger: str
    metric: str
    runs: int = 0
    failed: int = 0
    last_error: str | None = None
    rows: dict[str, int] = field(default_factory=dict)
    labelled: dict[str, int] = field(default_factory=dict)
    scores: dict[str, Distribution] = field(default_factory=dict)
    psi: float | None = None
    ks: float | None = None
    agreement: float | None = None
    metrics: dict[str, Interval] = field(default_factory=dict)
    difference: Interval | None = None

    def summary(self) -> dict[str, int | float | str]:
        """Versions, rows, and how they differ."""
        figures: dict[str, int | float | str | None] = {
            "challenger": self.challenger,
            "champion": self.champion,
            "rows": self.rows.get("challenger", 0),
            "failed runs": self.failed,
            "psi": None if self.psi is None else round(self.psi, 4),
            "agreement": None if self.agreement is None else round(self.agreement, 4),
            "better by": _ends(self.difference) if self.difference else None,
        }
        return {name: value for name, value in figures.items() if value is not None}

    def text(self) -> str:
        """The comparison for people."""
        lines = [
            f"{self.mode}: challenger {self.challenger} against champion {self.champion}",
            f"  runs        {self.runs:,}, the challenger could not score in {self.failed:,}",
            *([f"  last error  {self.last_error}"] if self.last_error else []),
            *(self._side(side) for side in ("champion", "challenger")),
        ]
        if self.psi is not None and self.ks is not None:
            lines.append(f"  scores      PSI {self.psi:.4f}, Kolmogorov-Smirnov {self.ks:.4f}")
        if self.agreement is not None:
            lines.append(f"  agreement   {self.agreement:.2%} of the rows get the same class of both")
        for side, interval in self.metrics.items():
            lines.append(f"  {self.metric:<11} {side}: {_ends(interval)} on {self.labelled[side]:,} labelled rows")
        if self.difference:
            how = "paired" if self.mode == "shadow" else "not paired: other keys"
            lines.append(f"  difference  the challenger is better by {_ends(self.difference)} ({how})")
        elif self.rows:
            lines.append("  difference  not known yet: the labels that have arrived do not allow it")
        return "\n".join(lines)

    def _side(self, side: str) -> str:
        scores = self.scores.get(side)
        if scores is None:
            return f"  {side:<11} no rows yet"
        quantiles = ", ".join(f"{value:.4f}" for value in scores.quantiles.values())
        positive = "" if scores.positive is None else f", {scores.positive:.2%} at the threshold or above"
        parts = "/".join(f"{float(part):.0%}" for part in scores.quantiles)
        return f"  {side:<11} {self.rows[side]:,} rows, mean {scores.mean:.4f}, {parts}: {quantiles}{positive}"


def compare_versions(
    workspace: Workspace, *, version: str | None = None, confidence: float | None = None
) -> Comparison:
    """Compare the champion with its challenger on the rows that the loop had them score; computed inside Snowflake.

    Args:
        version: The challenger, or one that was withdrawn; None: the one with the alias.
        confidence: Confidence of the intervals, between 0 and 1; None: the declared one.

    Returns:
        The comparison; without rows if the challenger has scored none together with the present champion.

    Raises:
        ChallengeRefused: if no challenger is declared, none is named, or there is no champion.
        TrainingError: if the procedure that measures breaks down.
    """
    project = workspace.project
    plan, existing = project.serving.challenger, versions(workspace)
    champion, aliased_challenger = serving(workspace, existing), aliased(existing, CHALLENGER)
    challenger = version or (aliased_challenger.name if aliased_challenger else None)
    if plan is None or champion is None or challenger is None:
        lacking = "declares no challenger under `serving`" if plan is None else "has no champion"
        lacking = lacking if plan is None or champion is None else "has no challenger: name one, or give a version"
        message = f"nothing to compare: project {project.name}, model {model(project, workspace.target)}, {lacking}"
        raise ChallengeRefused(message)
    database = workspace.database
    _check_tables(workspace, plan.mode)
    names = {"database": database, "mode": plan.mode, "champion": champion.name, "challenger": challenger}
    runs = workspace.run("champion/queries.sql#challenger_runs", **names)[0]
    outcome = call(workspace, EVALUATION, _request(workspace, names, confidence))
    return Comparison(
        plan.mode,
        champion.name,
        challenger,
        project.metric.name,
        runs=int(runs["RUNS"]),
        failed=int(runs["FAILED"]),
        last_error=runs["LAST_ERROR"],
        rows=outcome["rows"],
        labelled=outcome["labelled"],
        scores={side: Distribution(**each) for side, each in outcome["scores"].items()},
        psi=outcome["psi"],
        ks=outcome["ks"],
        agreement=outcome["agreement"],
        metrics={side: Interval(**each) for side, each in outcome["metrics"].items()},
        difference=Interval(**outcome["difference"]) if outcome["difference"] else None,
    )


def _check_tables(workspace: Workspace, mode: str) -> None:
    for schema, table in TABLES[mode]:
        if not workspace.exists("TABLES", schema, table):
            where = f"{workspace.database}.{schema}.{table}"
            message = f"{where} does not exist: deploy the challenger first (snowloop apply)"
            raise ChallengeRefused(message)


def compared_rows(workspace: Workspace, **names: str) -> dict[str, Any]:
    """What the queries champion/shadow.sql and champion/canary.sql are rendered with.

    Args:
        names: ``champion`` and ``challenger``, names of versions.
    """
    project, label = workspace.project, known_labels(workspace.project, workspace.target)
    rows: dict[str, Any] = {
        "label": label,
        "label_column": project.label.column,
        "key": project.row_key,
        "table": identifier(workspace.database, "RAW", project.table),
        "group": project.split.column if project.split.by == "group" else None,
        "in_time": project.split.by in ("time", "order"),
        "most": MOST_ROWS,
    }
    return {**rows, **names, "classes": project.label.classes}


def _request(workspace: Workspace, names: dict[str, Any], confidence: float | None) -> ComparisonRequest:
    project, plan = workspace.project, plan_of(workspace.project)
    return ComparisonRequest(
        query=render(f"champion/{names['mode']}.sql", **compared_rows(workspace, **names)),
        paired=names["mode"] == "shadow",
        task=project.label.task,
        classes=project.label.classes,
        metric=project.metric.name,
        higher_is_better=project.metric.higher_is_better,
        plan=plan if confidence is None else replace(plan, confidence=confidence),
    )


def _ends(interval: Interval) -> str:
    return f"{interval.value:.4f} ({interval.low:.4f} to {interval.high:.4f})"
