"""Which candidate is judged: constraints first, then the best; and what was decided on the same rows before."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from snowloop.lifecycle.evaluation.results import Evaluation, Selection
from snowloop.lifecycle.features.training_set import TrainingSet
from snowloop.lifecycle.gate.checks import CHECKS, CONSTRAINTS
from snowloop.lifecycle.gate.selection import ranked
from snowloop.project import Project
from snowloop.sql import identifier
from snowloop.workspace import Workspace

SAME_ROWS = 0.9
"""Share of the held-out rows that must have judged before, for them to count as the same rows."""


@dataclass(frozen=True)
class Past:
    """What earlier verdicts leave to allow for.

    Args:
        earlier: How many other versions were judged on the same held-out rows since the last promotion, and before any
            of the candidates was.
        contenders: By version, among how many candidates it was when it was judged before.
    """

    earlier: int = 0
    contenders: Mapping[str, int] = field(default_factory=dict)


NOTHING = Past()


def past(workspace: Workspace, evaluations: Sequence[Evaluation]) -> Past:
    """Read what was decided before; only what was tried to replace the present champion counts.

    A version that is judged again on the same rows is no other version: its figures are the same. So it keeps its place
    in the count, and versions that were judged after it do not count against it.

    Args:
        evaluations: The evaluation of each candidate.

    Returns:
        What to allow for.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if OPS.VERDICTS cannot be read.
    """
    names = {each.candidate.version_name for each in evaluations}
    rows = workspace.run("gate/queries.sql#past_verdicts", model_name=workspace.project.model_name)
    contenders: dict[str, int] = {}
    first: dict[tuple[str, str], datetime] = {}  # by training set and version
    for row in rows:
        compared = json.loads(row["CANDIDATES"] or "[]")
        for name in names.intersection(compared):
            contenders[name] = max(len(compared), contenders.get(name, 1))
        if row["PRESENT"]:
            key = (row["TRAINING_SET"], row["MODEL_VERSION"])
            first[key] = min(row["DECIDED_AT"], first.get(key, row["DECIDED_AT"]))
    training_set = next((each.candidate.training_set for each in evaluations), None)
    if training_set is None:
        return Past(contenders=contenders)
    own = min((at for (_, version), at in first.items() if version in names), default=None)
    before = {key for key, at in first.items() if own is None or at < own}
    same = {name for name in {name for name, _ in before} if _same_rows(workspace, training_set, name)}
    return Past(len({version for name, version in before if name in same}), contenders)


def _same_rows(workspace: Workspace, training_set: TrainingSet, other: str) -> bool:
    """Whether nearly all held-out rows of a training set were held out in another one; one that is gone counts."""
    table = f"TRAINING_SET_{other}".upper()
    if other == training_set.fingerprint or not workspace.exists("TABLES", "FEATURES", table):
        return True
    names = {"table": training_set.table, "other": identifier(workspace.database, "FEATURES", table)}
    row = workspace.run("gate/queries.sql#held_out_again", **names, key=workspace.project.row_key)[0]
    return float(row["SHARE"] or 0.0) >= SAME_ROWS


def choose(
    project: Project, evaluations: Sequence[Evaluation], before: Past = NOTHING, overridden: Collection[str] = ()
) -> Evaluation | None:
    """The candidate that is judged: the best of those that keep every bound that is not about the metric.

    Args:
        evaluations: The evaluation of each candidate.
        before: What was decided before.
        overridden: Names of checks that a person overrides: failing them is no reason to pass one over.

    Returns:
        The candidate with how it was selected; the best of all if none keeps these bounds; None if no candidate could
        be trained.
    """
    order = ranked(project, evaluations)
    passed_over: list[str] = []
    for tried, evaluation in enumerate(order, start=1):
        judged = _selected(project, evaluation, order, before, tried, passed_over)
        failed = [name for name in CONSTRAINTS if name not in overridden and CHECKS[name](project, judged).failed]
        if not failed:
            return judged
        passed_over.append(f"{evaluation.candidate.version_name} ({', '.join(failed)})")
    return _selected(project, order[0], order, before, len(order), ()) if order else None


def _selected(
    project: Project,
    evaluation: Evaluation,
    order: Sequence[Evaluation],
    before: Past,
    tried: int,
    passed_over: Sequence[str],
) -> Evaluation:
    count = max(len(order), before.contenders.get(evaluation.candidate.version_name, 1))
    by_folds = project.cross_validation is not None
    return replace(evaluation, selection=Selection(count, by_folds, tried, tuple(passed_over), before.earlier))
