"""What the scoring loop needs for a declared challenger: its statements in the procedure, its tables, what it did."""

from typing import TYPE_CHECKING, Any

from snowloop.project import Project
from snowloop.sql import render, run

if TYPE_CHECKING:
    from snowflake.snowpark import Session

SHADOW, CHALLENGES = "SERVING.SHADOW", "OPS.CHALLENGES"


def challenger_texts(project: Project, target: str, values: dict[str, Any]) -> dict[str, Any] | None:
    """The statements by which a challenger scores in the champion's transaction.

    Args:
        project: The project.
        target: The environment.
        values: What the champion's own statement is rendered with.

    Returns:
        ``mode``; ``scored``: what the challenger does; ``rest``: what is left to the champion of a canary;
        ``refusal``: asks why the challenger must not serve; ``begin``, ``note`` and ``forget``: what is kept of the
        run; ``unended``: asks for a run that it held up. None if no challenger is declared.

    Raises:
        ProjectError: if the target is not a plain name.
    """
    plan, template = project.serving.challenger, "inference/score_new_rows.sql"
    if plan is None:
        return None
    known = {"database": project.database(target), "model_name": project.model_name}
    kept = {
        "unended": render("inference/unended_challenge.sql", **known),
        "begin": render("inference/begin_challenge.sql", mode=plan.mode, **known),
        "note": render("inference/note_challenge.sql", **known),
        "forget": render("inference/forget_challenge.sql", **known),
    }
    if plan.mode == "shadow":
        shadow = {**values, "scores": "SHADOW", "keep_features": False}  # SERVING.SCORED has them, by run and key
        return {"mode": plan.mode, "scored": render(template, **shadow), **kept}
    share = {**values, "share": plan.share}
    return {
        "mode": plan.mode,
        "scored": render(template, **{**share, "side": "challenger"}),
        "rest": render(template, **{**share, "side": "champion"}),
        "refusal": render("gate/refusal.sql", version="<<version>>", **known),
        **kept,
    }


def challenger_tables(project: Project, target: str) -> dict[str, str]:
    """What makes the tables that a declared challenger writes to.

    Args:
        project: The project.
        target: The environment.

    Returns:
        Statements by SCHEMA.NAME.

    Raises:
        ProjectError: if the target is not a plain name.
    """
    plan, database = project.serving.challenger, project.database(target)
    if plan is None:
        return {}
    shadow = {SHADOW: render("inference/create_shadow.sql", database=database)} if plan.mode == "shadow" else {}
    return {**shadow, CHALLENGES: render("inference/create_challenges.sql", database=database)}


def last_challenge(session: "Session", database: str, version: str) -> dict[str, Any] | None:
    """What a challenger did in the last run in which it was one; OPS.CHALLENGES must be there.

    Args:
        session: A Snowpark session.
        database: The project's database.
        version: Name of the version.

    Returns:
        MODE, ROWS_SCORED and ERROR, or None if it was in no run yet.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if the table is not there.
    """
    rows = run(session, "inference/last_challenge.sql", database=database, version=version)
    return rows[0].as_dict() if rows else None
