"""Tasks, besides the graph's own, that read the stream of the loop: each change is given to whoever asks first."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from snowloop.lifecycle.scoring.names import GRAPH


def is_own(task: Mapping[str, Any], database: str) -> bool:
    """Whether a row of SHOW TASKS is of a task of a project's graph."""
    return task["name"] in GRAPH and (task["database_name"], task["schema_name"]) == (database, "SERVING")


def other_consumers(tasks: Iterable[Mapping[str, Any]], database: str, stream: str) -> tuple[str, ...]:
    """Tasks that name a project's stream in what they do or wait for.

    In the project's own database the stream may be named without it; elsewhere the name must be whole.

    Args:
        tasks: Rows of SHOW TASKS.
        database: The project's database.
        stream: Name of the stream, in its schema RAW.

    Returns:
        Their names, as DATABASE.SCHEMA.NAME.
    """
    whole = rf"{re.escape(database)}\.RAW\."
    found = []
    for task in tasks:
        if is_own(task, database):
            continue
        text = f"{task.get('condition') or ''} {task.get('definition') or ''}".replace('"', "").upper()
        place = rf"(?:{whole}|RAW\.|)" if task["database_name"] == database else whole
        if re.search(rf"(?<![\w.$]){place}{re.escape(stream)}(?![\w$])", text):
            found.append(f"{task['database_name']}.{task['schema_name']}.{task['name']}")
    return tuple(found)
