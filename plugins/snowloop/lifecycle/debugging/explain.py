"""Explains one row: the features with which it was served, its scores, and why it has none."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from snowloop.errors import ScoringError
from snowloop.lifecycle.data.contract import row_reason
from snowloop.lifecycle.debugging.registered import registered_version
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.names import names
from snowloop.lifecycle.versions import Version, versions
from snowloop.workspace import Workspace

QUERIES = "debugging/queries.sql"
EXPLAIN = "explain"
"""The function of a version that gives Shapley values, if it was logged with one.

Source: https://docs.snowflake.com/en/developer-guide/snowflake-ml/model-registry/model-explainability.
"""
MOST = 20
"""Scores, quarantined rows and source rows of a key that are shown, the newest first."""


@dataclass(frozen=True)
class ServedScore:
    """One score of a row, as it was served.

    Args:
        score: The score.
        prediction: The predicted class, of several classes; otherwise None.
        probabilities: The probabilities of several classes; otherwise None.
        model_version: The version that scored.
        run_id: The run of SERVING.SCORED.
        scored_at: When, in UTC.
        features: The features with which it was scored, by name; None if the project does not keep them.
        reasons: What the version's ``explain`` gives for these features; None if it has none, or they are not kept.
        event_time: The event time of the row, where the source has one and the row does.
        judged_as: The version that was judged, if this one is its refit on all rows; None otherwise.
    """

    score: float | None
    prediction: str | None
    probabilities: dict[str, float | None] | None
    model_version: str
    run_id: str
    scored_at: datetime
    features: dict[str, Any] | None
    reasons: dict[str, Any] | None
    event_time: datetime | None = None
    judged_as: str | None = None

    def lines(self) -> list[str]:
        """The score for people."""
        predicted = f"{self.prediction}, " if self.prediction is not None else ""
        when = f"{self.scored_at:%Y-%m-%d %H:%M:%S} UTC"
        event = f" of {self.event_time}" if self.event_time is not None else ""
        refit = f" ({self.judged_as}, trained on all rows)" if self.judged_as else ""
        by = f"{self.model_version}{refit}"
        lines = [f"score{event} {predicted}{self.score!r} by {by} at {when}, run {self.run_id}"]
        lines += [f"  {name} = {value}" for name, value in (self.probabilities or {}).items()]
        if self.features is None:
            return [*lines, "  features: not kept (serving.keep_features)"]
        lines += ["  features as served:", *(f"    {name} = {value!r}" for name, value in self.features.items())]
        if self.reasons is None:
            return [*lines, f"  reasons: none, {self.model_version} has no function explain, or is gone"]
        return [*lines, "  reasons:", *(f"    {name} = {value!r}" for name, value in self.reasons.items())]


@dataclass(frozen=True)
class SourceRow:
    """A row of the source as it is now.

    Args:
        values: Its values by column.
        reason: Why it breaks the contract; None if it keeps it.
    """

    values: dict[str, Any]
    reason: str | None


@dataclass(frozen=True)
class Quarantined:
    """A row that was quarantined instead of being scored.

    Args:
        reason: Why.
        run_id: The run.
        quarantined_at: When, in UTC.
    """

    reason: str
    run_id: str
    quarantined_at: datetime


@dataclass(frozen=True)
class Explanation(Result):
    """What a target has of a key; the newest come first.

    Args:
        key: The key.
        scores: Its scores.
        quarantined: Its quarantined rows.
        source_rows: Its rows in the source, in the order of their values.
    """

    key: dict[str, str]
    scores: tuple[ServedScore, ...]
    quarantined: tuple[Quarantined, ...]
    source_rows: tuple[SourceRow, ...]

    def text(self) -> str:
        """The explanation for people."""
        lines = [", ".join(f"{name} {value}" for name, value in self.key.items())]
        for each in self.scores:
            lines += each.lines()
        lines += [
            f"quarantined at {each.quarantined_at:%Y-%m-%d %H:%M:%S} UTC, run {each.run_id}: {each.reason}"
            for each in self.quarantined
        ]
        for row in self.source_rows:
            lines.append(f"row of the source, {row.reason or 'which keeps the contract'}:")
            lines += [f"    {name} = {value!r}" for name, value in row.values.items()]
        if not self.scores and not self.quarantined:
            lines.append("neither scored nor quarantined: it waits for the loop, or was there before the loop")
        return "\n".join(lines)


def explain_row(workspace: Workspace, key: Mapping[str, str]) -> Explanation:
    """Explain a row by its key. Nothing is changed.

    Args:
        workspace: Where.
        key: The value of each key column, as text; of a key that comes again with its event time for one row, and
            without it for its newest rows.

    Returns:
        Its newest scores with their features, its quarantined rows, and its rows in the source.

    Raises:
        ScoringError: if the key is not that of the project, or there is nothing of it.
        snowflake.snowpark.exceptions.SnowparkSQLException: if the environment does not exist.
    """
    project = workspace.project
    given = {name.upper(): value for name, value in key.items()}
    if set(given) not in (set(project.key), set(project.row_key)):
        one = f", and of one row {', '.join(project.row_key)}" if project.key != project.row_key else ""
        message = (
            f"the key of project {project.name} is {', '.join(project.key)}{one}, "
            f"given is {', '.join(given) or 'nothing'}: give each of its columns once, such as "
            f"--key {project.key[0]}=VALUE"
        )
        raise ScoringError(message)
    columns = project.streamed.table_columns
    typed = {name: {"value": given[name], "type": columns[name].type} for name in project.row_key if name in given}
    several = len(typed) < len(project.row_key)  # of a key that comes again: the rows with the newest event times
    values = {"key": typed, "most": MOST, "classes": project.label.classes, "several": several}
    registered = {each.name: each for each in versions(workspace)}
    scores = [_served(workspace, row.as_dict(), registered) for row in workspace.run(f"{QUERIES}#scores", **values)]
    rows = workspace.run(
        f"{QUERIES}#source_rows",
        columns=list(columns),
        table=names(project, workspace.target).table,
        moment=project.streamed.event_time if several else None,
        reason=row_reason(project),
        **values,
    )
    found = Explanation(
        {name: given[name] for name in typed},
        tuple(scores),
        tuple(Quarantined(*row) for row in workspace.run(f"{QUERIES}#quarantined", **values)),
        tuple(SourceRow(json.loads(row["ROW_VALUES"]), row["REASON"]) for row in rows),
    )
    if not (found.scores or found.quarantined or found.source_rows):
        wanted = ", ".join(f"{name} {value}" for name, value in found.key.items())
        message = (
            f"{workspace.database} has no row with {wanted}, neither in RAW.{project.table} nor scored or quarantined: "
            "correct the key, or load the row"
        )
        raise ScoringError(message)
    return found


def _served(workspace: Workspace, row: dict[str, Any], registered: Mapping[str, Version]) -> ServedScore:
    """A row of SERVING.SCORED; the key is no feature."""
    features = json.loads(row["FEATURES"]) if row["FEATURES"] else None
    if features is not None:
        features = {name: value for name, value in features.items() if name not in workspace.project.row_key}
    probabilities = row.get("PROBABILITIES")
    match = registered.get(row["MODEL_VERSION"])
    return ServedScore(
        row["SCORE"],
        row.get("PREDICTION"),
        json.loads(probabilities) if probabilities else None,
        row["MODEL_VERSION"],
        row["RUN_ID"],
        row["SCORED_AT"],
        features,
        None if features is None or match is None else _reasons(workspace, match, features),
        row["EVENT_TIME"],
        match.refit_of if match else None,
    )


def _reasons(workspace: Workspace, match: Version, features: dict[str, Any]) -> dict[str, Any] | None:
    """What the version's ``explain`` gives; None if it has no such function."""
    import pandas as pd

    logged = registered_version(workspace, match.name)
    function = next((each for each in logged.show_functions() if each["target_method"] == EXPLAIN), None)
    if function is None:
        return None
    types = {each["name"]: each["type"] for each in match.facts.get("features") or []}
    row = {name: features.get(name) for name in types or features}
    frame = pd.DataFrame({name: pd.Series([value], dtype=_dtype(types.get(name))) for name, value in row.items()})
    answer = logged.run(frame, function_name=EXPLAIN)
    return {name: value for name, value in answer.iloc[0].to_dict().items() if name not in row}


def _dtype(type_: str | None) -> str:
    return "float64" if type_ == "FLOAT" else "object"
