"""Lets the challenger score in the champion's transaction; what fails or has hung is noted, and the champion serves."""

from typing import Any

from snowflake.snowpark import Session

from snowloop_procedures import versions

CHALLENGER = "CHALLENGER"


def begin(session: Session, texts: dict[str, Any], challenger: dict[str, Any], values: dict[str, str]) -> str | None:
    """Note that a run begins in which a challenger scores, before the run's transaction.

    Args:
        session: The procedure's session, in no transaction.
        texts: The rendered statements.
        challenger: The row of SHOW VERSIONS of the version with the alias CHALLENGER.
        values: The run's own values, by name.

    Returns:
        Why it cannot be noted, so that the challenger must not score; or None.
    """
    try:
        session.sql(fill(texts["challenger"]["begin"], {**values, "challenger": str(challenger["name"])})).collect()
    except Exception as failure:  # noqa: BLE001 - the champion must serve
        return f"OPS.CHALLENGES cannot be written, run snowloop apply: {failure}"
    return None


def forget(session: Session, texts: dict[str, Any], values: dict[str, str]) -> None:
    """Take back that a run began, because it failed and came to its end thereby."""
    session.sql(fill(texts["challenger"]["forget"], values)).collect()


def score(
    session: Session, texts: dict[str, Any], challenger: dict[str, Any], values: dict[str, str]
) -> dict[str, Any]:
    """Score the run's rows, or the challenger's share of them, before the champion does.

    A statement that fails takes back what it did and leaves the transaction open, so that the champion goes on:
    https://docs.snowflake.com/en/sql-reference/transactions

    Args:
        session: The procedure's session, in a transaction.
        texts: The rendered statements.
        challenger: The row of SHOW VERSIONS of the version with the alias CHALLENGER.
        values: The run's own values, by name.

    Returns:
        ``version``, ``rows`` that it scored, ``error`` that kept it from scoring, or None, and ``serves``: whether
        its rows are those of SERVING.SCORED.
    """
    plan, version, rows = texts["challenger"], str(challenger["name"]), 0
    own = {**values, "version": version}
    try:
        error = _problem(session, texts, challenger, own)
        if error is None:
            rows = int(session.sql(fill(plan["scored"], own)).collect()[0][0])
    except Exception as failure:  # noqa: BLE001 - the champion must serve; the error is noted, and told by status
        error = str(failure)
    told = {"challenger": version, "challenged": str(rows), "error": quoted(error or "")}
    session.sql(fill(plan["note"], {**values, **told})).collect()
    return {"version": version, "rows": rows, "error": error, "serves": plan["mode"] == "canary" and error is None}


def _problem(session: Session, texts: dict[str, Any], challenger: dict[str, Any], values: dict[str, str]) -> str | None:
    """Why the challenger must not score, or None."""
    problem = versions.misfit(challenger, texts)
    if problem:
        return problem
    unended = session.sql(fill(texts["challenger"]["unended"], {**values, "challenger": values["version"]})).collect()
    if unended:
        return (
            f"the run {unended[0][0]} with version {challenger['name']} as challenger never came to its end: it hung, "
            "or was killed. It is not asked again; to try once more, withdraw it and name it again"
        )
    if texts["challenger"]["mode"] != "canary":
        return None
    refusal = session.sql(fill(texts["challenger"]["refusal"], values)).collect()[0][0]
    return f"version {challenger['name']} must not serve: {refusal}" if refusal else None


def fill(text: str, values: dict[str, str]) -> str:
    """Put a run's own values where the deployment left their names."""
    for name, value in values.items():
        text = text.replace(f"<<{name}>>", value)
    return text


def quoted(text: str) -> str:
    """Text as it may stand in an SQL literal."""
    return text.replace("\\", "\\\\").replace("'", "''")
