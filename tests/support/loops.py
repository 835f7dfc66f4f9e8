"""The observed state of a scoring loop that is deployed as declared, to compare plans with, without a server."""

from typing import Any

from snowloop.lifecycle.features.feature import Feature
from snowloop.lifecycle.features.point_in_time import declared_formula
from snowloop.lifecycle.procedure.code import package_file, package_folder
from snowloop.lifecycle.scoring.blockers import TABLES
from snowloop.lifecycle.scoring.desired import DesiredState, desired_state
from snowloop.lifecycle.scoring.observed import ObservedState
from snowloop.lifecycle.versions import Version
from snowloop.project import Project
from snowloop.project.model_monitor import ModelMonitor

FEATURES = (Feature("AMT", "FLOAT"), Feature("KIND", "VARCHAR"))
FACTS: dict[str, Any] = {
    "features": [{"name": "AMT", "type": "FLOAT"}, {"name": "KIND", "type": "VARCHAR"}],
    "training_set": "0123456789ab",
}


def desired(project: Project) -> DesiredState:
    return desired_state(project, "dev", declared_formula(project), FEATURES)


def monitored(project: Project, **values: Any) -> Project:
    """A project with a model monitor of Snowflake."""
    monitoring = project.monitoring.model_copy(update={"model_monitor": ModelMonitor(**values)})
    return project.model_copy(update={"monitoring": monitoring})


def environment(project: Project, **changes: Any) -> ObservedState:
    """What exists before the first deployment: an environment and a champion."""
    source, formula = f"RAW.{project.table}", declared_formula(project)
    values: dict[str, Any] = {
        "tables": frozenset({source, *TABLES}),
        "columns": {
            source: tuple(project.streamed.table_columns),
            "SERVING.SCORED": (*project.key, "SCORE", "EVENT_TIME", "FEATURES"),
        },
        "formula": formula,
        "declared": formula,
        "features": FEATURES,
        "champion": Version("V1", ("CHAMPION",), {}, {**FACTS, "formula": formula.digest}),
    }
    return ObservedState(**{**values, **changes})


def deployed(project: Project, **changes: Any) -> ObservedState:
    """What exists when the loop is as declared."""
    loop, before = desired(project), environment(project)
    values: dict[str, Any] = {
        "tables": before.tables | {"SERVING.BASELINE", *loop.tables},
        "streams": {f"{project.table}_STREAM": stream(project)},
        "tasks": {each.name: {"comment": each.comment, "state": "started", **each.shown} for each in loop.tasks},
        "procedures": (loop.procedure.name,),
        "packages": {loop.procedure.name: package_folder()},
        "files": frozenset({package_file(), *loop.procedure.files}),
    }
    return environment(project, **{**values, **changes})


def stream(project: Project, **changes: str) -> dict[str, str]:
    """A row of SHOW STREAMS."""
    table = f"{project.database('dev')}.RAW.{project.table}"
    return {"table_name": table, "stale": "false", "invalid_reason": "N/A", "mode": "APPEND_ONLY", **changes}
