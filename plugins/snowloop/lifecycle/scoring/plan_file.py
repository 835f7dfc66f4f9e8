"""A plan as a file: written for review, and applied only while planning again would give the very same plan."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from snowloop.command_line import command
from snowloop.errors import DeploymentError, PlanRefused
from snowloop.lifecycle.deployment.plan import Change
from snowloop.lifecycle.scoring.deployment import DeploymentPlan


def save_plan(plan: DeploymentPlan, file: Path) -> None:
    """Write a plan as JSON, with all its statements; the archive of the code is in it by its hash alone.

    Args:
        plan: The plan.
        file: Where to; it is overwritten.

    Raises:
        DeploymentError: if it cannot be written.
    """
    write_text(json.dumps(plan.to_dict(), indent=2) + "\n", file)


def write_text(text: str, file: Path) -> None:
    """Write a plan in one of its forms.

    Args:
        text: The text.
        file: Where to; it is overwritten.

    Raises:
        DeploymentError: if it cannot be written.
    """
    try:
        file.write_text(text)
    except OSError as error:
        message = f"the plan cannot be written to {file}: {error.strerror}; name a file in a folder that exists"
        raise DeploymentError(message) from error


def read_plan(file: Path) -> DeploymentPlan:
    """Read a plan that ``save_plan`` has written.

    Args:
        file: The file.

    Returns:
        The plan.

    Raises:
        DeploymentError: if there is no such file, or it holds no plan.
    """
    try:
        return DeploymentPlan.from_dict(_fields(file))
    except (OSError, ValueError) as error:
        why = "its fields are not those of a plan" if isinstance(error, ValidationError) else error
        message = f"{file} holds no plan: {why}; make one with `{command('plan', out=file)}`"
        raise DeploymentError(message) from error


def check_unchanged(saved: DeploymentPlan, now: DeploymentPlan) -> None:
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


def _fields(file: Path) -> dict[str, Any]:
    """What the file holds, without the totals, which follow from the rest."""
    fields = json.loads(file.read_text())
    return {name: value for name, value in fields.items() if name != "summary"} if isinstance(fields, dict) else {}


BOUND = ("account", "database", "role")
"""What a plan is bound to."""


def _differences(saved: DeploymentPlan, now: DeploymentPlan) -> Iterator[str]:
    if (saved.project, saved.target) != (now.project, now.target):
        yield f"it was made for {saved.project} in {saved.target}"
        return
    bound = [(name, getattr(saved, name), getattr(now, name)) for name in BOUND]
    if any(before != after for _, before, after in bound):
        yield from (f"{name}: it was made for {before}, this is {after}" for name, before, after in bound)
        return
    before, after = (
        {(each.kind, each.name): each for part in plan.parts for each in part.changes} for plan in (saved, now)
    )
    changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    for key in changed:
        yield f"{' '.join(key)}: saved {_words(before.get(key))}, now {_words(after.get(key))}"
    if not changed and saved.change_kind != now.change_kind:
        yield f"saved {saved.change_kind.text()}, now {now.change_kind.text()}"
    elif not changed:
        yield "the same objects, but other statements or other contents of files"


def _words(change: Change | None) -> str:
    return f"{change.action} ({change.reason})" if change else "nothing"
