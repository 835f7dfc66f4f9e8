"""The steps of a repository's workflows, as they are declared."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

OF_GITHUB = re.compile(r"GITHUB_STEP_SUMMARY|SNOWFLAKE_ACCOUNT != ''")
"""Steps that need GitHub itself, or an account."""


@dataclass(frozen=True)
class Step:
    """A step that is a command, with the environment that its workflow and job give it.

    Args:
        job: The name of its job.
        command: What it runs.
        environment: The variables that have a value without GitHub's contexts, or by ``matrix`` and ``inputs``.
        declared: The names of all variables.
        needs_github: Whether it cannot run elsewhere.
    """

    job: str
    command: str
    environment: dict[str, str]
    declared: frozenset[str]
    needs_github: bool


def read_workflow(file: Path) -> dict[str, Any]:
    """A workflow; YAML reads its key ``on`` as a boolean."""
    read = yaml.safe_load(file.read_text())
    return {("on" if key is True else key): value for key, value in read.items()}


def steps(file: Path, **contexts: str) -> list[Step]:
    """The commands of a workflow, in order.

    Args:
        contexts: Values of expressions, by their names with ``_`` in place of the dot, such as ``matrix_project``.
    """
    workflow = read_workflow(file)
    found = []
    for name, job in workflow["jobs"].items():
        for step in job["steps"]:
            if "run" not in step:
                continue
            declared = workflow.get("env", {}) | job.get("env", {}) | step.get("env", {})
            filled = {key: _filled(str(value), contexts) for key, value in declared.items()}
            environment = {key: value for key, value in filled.items() if value is not None}
            hosted = bool(OF_GITHUB.search(step["run"] + str(step.get("if", ""))))
            found.append(Step(name, step["run"], environment, frozenset(declared), hosted))
    return found


def _filled(value: str, contexts: dict[str, str]) -> str | None:
    for name, given in contexts.items():
        value = given.join(re.split(r"\$\{\{ *" + name.replace("_", r"\.", 1) + r" *\}\}", value))
    return None if "${{" in value else value
