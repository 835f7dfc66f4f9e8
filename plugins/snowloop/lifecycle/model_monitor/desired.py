"""A model monitor as it should be: the view that it reads, its baseline, and its statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from snowloop.lifecycle.features.feature import Feature
from snowloop.lifecycle.features.known_labels import is_known
from snowloop.lifecycle.provenance import content_hash
from snowloop.lifecycle.versions import Version, model
from snowloop.project import Project, in_words
from snowloop.project.model_monitor import ModelMonitor
from snowloop.sql import identifier, render, render_project

SQL = "model_monitor/objects.sql"
SOURCE, BASELINE = ("SERVING", "MODEL_MONITOR_SOURCE"), ("FEATURES", "MODEL_MONITOR_BASELINE")
"""Schema and name of the view that a monitor reads, and of the table that it is compared with."""
MARK = "snowloop "
"""What the comment of a monitor begins with that Snowloop made; its fingerprint follows."""
SCORE = "SNOWLOOP_SCORE"
"""The column of the scores, in the view and in the baseline."""


@dataclass(frozen=True)
class DesiredMonitor:
    """A model monitor as declared.

    Args:
        comment: The fingerprint of the three statements, which they leave on the objects.
        version: The version that it monitors.
        statements: Make view, baseline and monitor, in this order.
    """

    comment: str
    version: str
    statements: tuple[str, str, str]


def declared_monitor(project: Project, target: str) -> ModelMonitor | None:
    """The declaration of the model monitor of an environment, or None."""
    declared = project.monitoring.model_monitor
    return declared if declared and declared.is_in(target) else None


def monitor_name(project: Project) -> str:
    """The monitor's own name; it is in the schema of the model, as Snowflake asks."""
    return f"{project.model_name}_MONITOR"


def quoted_monitor(project: Project, target: str) -> str:
    """The monitor's quoted, qualified name."""
    return identifier(project.database(target), "MODELS", monitor_name(project))


def desired_monitor(
    project: Project, target: str, champion: Version, features: Sequence[Feature]
) -> DesiredMonitor | None:
    """Compute the model monitor of the champion without a connection.

    Args:
        champion: The version that serves; its training set is the baseline.
        features: Its features, in order.

    Returns:
        The monitor; None if the environment has none.
    """
    declared = declared_monitor(project, target)
    if declared is None:
        return None
    values = _values(project, target, declared, champion, features)
    comment = MARK + content_hash(*_statements(values, champion, ""))
    return DesiredMonitor(comment, champion.name, _statements(values, champion, comment))


def _statements(values: dict[str, Any], champion: Version, comment: str) -> tuple[str, str, str]:
    """View, baseline and monitor; the rows of the baseline are scored by the version that was judged."""
    judged = {**values, "version": identifier(champion.judged_as)}
    return (
        render(f"{SQL}#source", comment=comment, **values),
        render(f"{SQL}#baseline", comment=comment, **judged),
        render(f"{SQL}#monitor", comment=comment, **values),
    )


def _values(
    project: Project, target: str, declared: ModelMonitor, champion: Version, features: Sequence[Feature]
) -> dict[str, Any]:
    """What the statements are rendered with."""
    database = project.database(target)
    training_set = f"TRAINING_SET_{champion.facts.get('training_set')}".upper()
    return {
        "database": database,
        "source": identifier(database, *SOURCE),
        "baseline": identifier(database, *BASELINE),
        "monitor": quoted_monitor(project, target),
        "training_set": identifier(database, "FEATURES", training_set),
        "model": model(project, target),
        "version": champion.name,
        "features": features,
        "classes": (),
        "key": project.row_key,
        "task": project.label.task,
        "threshold": project.evaluation.threshold,
        "labels": declared.labels,
        "label": project.label.column,
        "label_rows": render_project(project, "label.sql", raw=identifier(database, "RAW")),
        "known": is_known(project, "S.EVENT_TIME"),
        "warehouse": project.serving.warehouse or project.environment.warehouse,
        "refresh": in_words(declared.refresh),
        "window_days": declared.window_days,
    }
