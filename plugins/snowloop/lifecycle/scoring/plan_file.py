"""A plan as a file: written for review, and applied only while planning again would give the very same plan."""

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from snowloop.errors import DeploymentError, PlanRefused
from snowloop.lifecycle.scoring.plan import Change, Plan


def save_plan(plan: Plan, file: Path) -> None:
    """Write a plan as JSON, with all its statements; the archive of the code is in it by its hash alone.

    Args:
        plan: The plan.
        file: Where to; it is overwritten.

    Raises:
        DeploymentError: if it cannot be written.
    """
    try:
        file.write_text(json.dumps(plan.to_dict(), indent=2) + "\n")
    except OSError as error:
        message = f"the plan cannot be written to {file}: {error.strerror}; name a file in a folder that exists"
        raise DeploymentError(message) from error


def read_plan(file: Path) -> Plan:
    """Read a plan that ``save_plan`` has written.

    Args:
        file: The file.

    Returns:
        The plan.

    Raises:
        DeploymentError: if there is no such file, or it holds no plan.
    """
    try:
        return Plan.from_dict(json.loads(file.read_text()))
    except (OSError, ValueError) as error:
        why = "its fields are not those of a plan" if isinstance(error, ValidationError) else error
        message = f"{file} holds no plan: {why}; make one with `snowloop plan --out {file}`"
        raise DeploymentError(message) from error


def check_unchanged(saved: Plan, now: Plan) -> None:
    """Raise unless planning now gives the saved plan: the observed state and the declaration are unchanged.

    A plan follows from the declaration and the observed state alone, so an equal plan proves that both are unchanged. A
    file that was edited is noticed in the same way.

    Args:
        saved: The plan that was saved.
        now: The plan as it is made now.

    Raises:
        PlanRefused: if they differ; the message lists the differences, and what to do.
    """
    if saved == now:
        return
    differences = "\n".join(f"  {each}" for each in _differences(saved, now))
    message = (
        f"the saved plan is not applied, because planning {now.project} in {now.target} gives another one now:\n"
        f"{differences}\nsave a new plan, look at it, and apply that"
    )
    raise PlanRefused(message)


def _differences(saved: Plan, now: Plan) -> Iterator[str]:
    if (saved.project, saved.target) != (now.project, now.target):
        yield f"it was made for {saved.project} in {saved.target}"
        return
    before, after = ({(each.kind, each.name): each for each in plan.changes} for plan in (saved, now))
    changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    for key in changed:
        yield f"{' '.join(key)}: saved {_words(before.get(key))}, now {_words(after.get(key))}"
    if not changed:
        yield "the same objects, but other statements or other contents of files"


def _words(change: Change | None) -> str:
    return f"{change.action} ({change.reason})" if change else "nothing"
