"""A scoring loop as it would be found when it is deployed as declared, to compare plans with, without a server."""

from typing import Any

from snowloop.lifecycle.features.feature import Feature
from snowloop.lifecycle.scoring.desired import Wanted, wanted_loop
from snowloop.lifecycle.scoring.observed import Found
from snowloop.lifecycle.versions import Version
from snowloop.project import Project

FEATURES = (Feature("AMT", "FLOAT"), Feature("KIND", "VARCHAR"))
FACTS = {"features": [{"name": "AMT", "type": "FLOAT"}, {"name": "KIND", "type": "VARCHAR"}]}


def wanted(project: Project) -> Wanted:
    return wanted_loop(project, "dev", FEATURES)


def environment(project: Project, **changes: Any) -> Found:
    """What is there before the first deployment: an environment and a champion."""
    source = f"RAW.{project.table}"
    values: dict[str, Any] = {
        "tables": frozenset({source, "SERVING.SCORED", "SERVING.QUARANTINE", "SERVING.CORRECTIONS", "OPS.METRICS"}),
        "columns": {
            source: tuple(project.streamed.table_columns),
            "SERVING.SCORED": (*project.key, "SCORE", "EVENT_TIME", "FEATURES"),
        },
        "features": FEATURES,
        "champion": Version("V1", ("CHAMPION",), {}, FACTS),
    }
    return Found(**{**values, **changes})


def deployed(project: Project, **changes: Any) -> Found:
    """What is there when the loop is as declared."""
    loop, before = wanted(project), environment(project)
    values: dict[str, Any] = {
        "tables": before.tables | {"SERVING.BASELINE", *loop.tables},
        "streams": {f"{project.table}_STREAM": stream(project)},
        "tasks": {each.name: {"comment": each.comment, "state": "started", **each.shown} for each in loop.tasks},
        "procedures": (loop.procedure.name,),
        "files": frozenset(f"{loop.procedure.name.lower()}/{file}" for file in loop.files),
    }
    return environment(project, **{**values, **changes})


def stream(project: Project, **changes: str) -> dict[str, str]:
    """A row of SHOW STREAMS."""
    table = f"{project.database('dev')}.RAW.{project.table}"
    return {"table_name": table, "stale": "false", "invalid_reason": "N/A", "mode": "APPEND_ONLY", **changes}
