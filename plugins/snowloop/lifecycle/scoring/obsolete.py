"""Scoring procedures that nothing calls any more: all but the present one, the one before it, and those in use."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from snowloop.lifecycle.scoring.desired import Wanted
from snowloop.lifecycle.scoring.observed import Found
from snowloop.lifecycle.scoring.steps import Step
from snowloop.sql import identifier

OWN = re.compile(r"SCORE_[0-9A-F]{12}")
"""Names that a deployment gives: other objects are never dropped."""


@dataclass(frozen=True)
class Obsolete:
    """A scoring procedure that is to go, or what is left of one.

    Args:
        name: Its name.
        procedure: Whether the procedure is there.
        files: Whether files of it are staged.
        steps: What drops it.
    """

    name: str
    procedure: bool
    files: bool
    steps: tuple[Step, ...]


def obsolete(wanted: Wanted, found: Found) -> list[Obsolete]:
    """What deployments before the last one have left behind.

    Procedures are never changed, so each deployment of other code adds one. The one that was deployed before stays, so
    that returning to its code needs no upload; so does each that a task names, or a run under way calls.

    Args:
        wanted: The loop as declared.
        found: What is there.

    Returns:
        The procedures, the oldest first, and then files without a procedure.
    """
    present = wanted.procedure.name
    named, others_named = _named(found.tasks.values()), _named(found.other_tasks)
    others = [name for name in found.procedures if OWN.fullmatch(name) and name != present]
    before = named - {present} or set(others[-1:])
    kept = {present, *before, *others_named, *found.busy}
    folders = {file.partition("/")[0].upper() for file in found.files}
    left = sorted(name for name in folders if OWN.fullmatch(name) and name not in found.procedures)
    return [_of(wanted, found, name, folders) for name in (*others, *left) if name not in kept]


def _named(tasks: Iterable[Mapping[str, Any]]) -> set[str]:
    return {name for task in tasks for name in OWN.findall(str(task.get("definition") or "").upper())}


def _of(wanted: Wanted, found: Found, name: str, folders: set[str]) -> Obsolete:
    database, there = wanted.names.database, name in found.procedures
    drop = Step("sql", f"DROP PROCEDURE IF EXISTS {identifier(database, 'SERVING', name)}()")
    remove = Step("sql", f"REMOVE @{identifier(database, 'MODELS', 'CODE')}/{name.lower()}/")
    steps = (*((drop,) if there else ()), *((remove,) if name in folders else ()))
    return Obsolete(name, there, name in folders, steps)
