"""The shipped declaration of bank_marketing over other sources than its file, with a few invented calls."""

import random
from typing import Any

from snowflake.snowpark import Session

from snowloop.project import Fairness, Project, Source, load_project

TRAINED, COLUMNS = 600, {
    "ROW_ID": "NUMBER(38,0)", "AGE": "NUMBER(38,0)", "JOB": "VARCHAR", "MARITAL": "VARCHAR", "EDUCATION": "VARCHAR",
    "default": "VARCHAR", "BALANCE": "NUMBER(12,2)", "HOUSING": "VARCHAR", "LOAN": "VARCHAR", "CONTACT": "VARCHAR",
    "day": "NUMBER(38,0)", "month": "VARCHAR", "DURATION": "NUMBER(38,0)", "CAMPAIGN": "NUMBER(38,0)",
    "PDAYS": "NUMBER(38,0)", "PREVIOUS": "NUMBER(38,0)", "POUTCOME": "VARCHAR", "Y": "VARCHAR",
}  # fmt: skip
"""Columns as a warehouse has them: some are spelled as in the file."""


def calls(first: int, last: int, **given: Any) -> list[dict[str, Any]]:
    """Calls by their numbers, from the first to the last; the answer depends on age and the last campaign."""
    return [_call(number, given) for number in range(first, last + 1)]


def _call(number: int, given: dict[str, Any]) -> dict[str, Any]:
    chance = random.Random(number)
    pick = chance.choice
    age, poutcome = chance.randint(18, 90), pick(["failure", "other", "success", "unknown"])
    likely = 0.1 + 0.004 * (age - 18) + (0.3 if poutcome == "success" else 0)
    values = (
        number, age, pick(["admin.", "services", "retired"]), pick(["divorced", "married", "single"]),
        pick(["primary", "secondary", "tertiary", "unknown"]), pick(["no", "yes"]), chance.randint(-500, 9000),
        pick(["no", "yes"]), pick(["no", "yes"]), pick(["cellular", "telephone"]), chance.randint(1, 28),
        pick(["may", "jun", "jul"]), chance.randint(1, 900), chance.randint(1, 5), pick([-1, 90, 180]),
        chance.randint(0, 3), poutcome, "yes" if chance.random() < likely else "no",
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True)) | given


def insert(session: Session, table: str, rows: list[dict[str, Any]]) -> None:
    """Insert calls, as whoever fills the table does."""
    values = ", ".join(
        "(" + ", ".join("NULL" if value is None else repr(value) for value in row.values()) + ")" for row in rows
    )
    session.sql(f"INSERT INTO {table} VALUES {values}").collect()


def create_table(session: Session, table: str, *, tracked: bool = True) -> None:
    """A table of calls."""
    columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
    tracking = " CHANGE_TRACKING = TRUE" if tracked else ""
    session.sql(f"CREATE OR REPLACE TABLE {table} ({columns}){tracking}").collect()


def bank(*, corrections: bool = False, **source: Any) -> Project:
    """The shipped project, one candidate, with another place of its rows and bounds that few rows can keep."""
    project = load_project("bank_marketing")
    declared = project.streamed.model_dump(exclude_unset=True)
    for name in ("file", "delimiter", "row_id"):
        del declared[name]
    declared["columns"] = {"ROW_ID": {"type": "NUMBER(38,0)", "nullable": False}, **declared["columns"]}
    declared["columns"]["BALANCE"]["type"] = "NUMBER(12,2)"
    serving = project.serving.model_copy(update={"corrections": corrections})
    metric = project.metric.model_copy(update={"at_least": 0.5, "tolerance": 0.5, "min_support": 5})
    evaluation = project.evaluation.model_copy(update={"slices": (), "importance_rows": 0})
    changes = {
        "sources": {"bank": Source.model_validate({**declared, **source})},
        "candidates": project.candidates[:1],
        "replay": None,
        "serving": serving,
        "metric": metric,
        "evaluation": evaluation,
        "gate": project.gate.model_copy(update={"fairness": Fairness()}),
    }
    return project.model_copy(update=changes)
