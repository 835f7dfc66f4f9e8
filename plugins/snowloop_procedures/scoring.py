"""Handler of the scoring procedure: everything that the stream holds is scored or quarantined, in one transaction."""

import importlib
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from snowflake.snowpark import Session

from snowloop_procedures import challenger as challengers
from snowloop_procedures import lock as turns
from snowloop_procedures import versions as known

CHAMPION = "CHAMPION"
LOOKS = 5


@dataclass(frozen=True)
class Versions:
    """Who scores in a run: looked up once, and kept to even if an alias moves meanwhile.

    Args:
        champion: Name of the version that serves.
        challenger: The row of SHOW VERSIONS of the one beside it; None if none is declared, or none has the alias.
    """

    champion: str
    challenger: dict[str, Any] | None = None


def run(session: Session) -> str:
    """Score the new rows with the champion, and with its challenger if there is one; an empty stream is no rows.

    The statements come from snowloop_statements.py, which the deployment renders from the project.

    Args:
        session: The procedure's session.

    Returns:
        What was done, as a JSON object.

    Raises:
        RuntimeError: if there is no champion, or it takes other features than features.sql gives.
    """
    texts: dict[str, Any] = importlib.import_module("snowloop_statements").TEXTS
    run_id, started = uuid.uuid4().hex, str(session.sql("SELECT SYSDATE()::VARCHAR").collect()[0][0])
    values, begun = {"version": "", "run_id": run_id, "started": started}, False
    try:
        found = versions(session, texts)
        values["version"] = found.champion
        lost = challengers.begin(session, texts, found.challenger, values) if found.challenger else None
        begun = found.challenger is not None and lost is None
        told = _score(session, texts, found.challenger if begun else None, values)
        return json.dumps({**told, "challenger": {"error": lost}} if lost else told)
    except Exception as error:
        if begun:
            _after(error, lambda: challengers.forget(session, texts, values))
        failed = {**values, "error": challengers.quoted(str(error))}
        _after(error, lambda: session.sql(challengers.fill(texts["note_failure"], failed)).collect())
        raise


def _after(error: BaseException, act: Callable[[], object]) -> None:
    """Do what follows from a failure; if that fails too, what is told is still the cause, with the other beside it."""
    try:
        act()
    except Exception as other:  # noqa: BLE001 - kept with the cause, which is raised
        error.add_note(f"and then: {other}")


def versions(session: Session, texts: dict[str, Any]) -> Versions:
    """The version that serves, checked to take the features that are computed, and its challenger.

    Args:
        session: The procedure's session.
        texts: The rendered statements.

    Returns:
        Both.

    Raises:
        RuntimeError: if there is no champion, or it takes other features.
    """
    for look in range(LOOKS):
        if look:
            time.sleep(0.5)  # a promotion moves the alias in two statements
        found = known.aliased(session, texts)
        if CHAMPION not in found:
            continue
        champion = found[CHAMPION]
        problem = known.misfit(champion, texts)
        if problem:
            raise RuntimeError(problem)
        challenger = found.get(challengers.CHALLENGER) if texts["challenger"] else None
        same = challenger is not None and challenger["name"] == champion["name"]
        return Versions(str(champion["name"]), None if same else challenger)
    message = f"no version of {texts['model']} has the alias {CHAMPION}: run the training loop until one is promoted"
    raise RuntimeError(message)


def _score(
    session: Session, texts: dict[str, Any], challenger: dict[str, Any] | None, values: dict[str, str]
) -> dict[str, Any]:
    """Quarantine, score and note the run: together, or not at all."""
    counts: dict[str, int] = {}
    turns.take(session, texts["turn"], values["run_id"])
    try:
        if "corrected" in texts:
            _count(session, texts["corrected"], values)
        for step in ("read", "quarantined"):
            counts[step] = _count(session, texts[step], values)
        if texts["stop"]:
            _stop(session, texts["stop"], counts, values)
        told = challengers.score(session, texts, challenger, values) if challenger else None
        if told and told["serves"]:
            counts["scored"] = told["rows"] + _count(session, texts["challenger"]["rest"], values)
        else:
            counts["scored"] = _count(session, texts["scored"], values)
        if counts["read"] != counts["quarantined"] + counts["scored"]:
            message = (
                f"of {counts['read']} new rows {counts['quarantined']} were quarantined and {counts['scored']} scored: "
                "features.sql must give exactly one row for each row of its source; nothing was written"
            )
            raise RuntimeError(message)
        noted = {**values, **{name: str(count) for name, count in counts.items()}}
        session.sql(challengers.fill(texts["note"], noted)).collect()
        session.sql("COMMIT").collect()
    except BaseException as error:
        _after(error, lambda: session.sql("ROLLBACK").collect())
        raise
    who = {"run_id": values["run_id"], "model_version": values["version"]}
    return {**who, **counts, **({"challenger": told} if told else {})}


def _stop(session: Session, bound: dict[str, Any], counts: dict[str, int], values: dict[str, str]) -> None:
    """Refuse a batch as a whole of which too many rows break the contract: what was consumed is rolled back."""
    read, bad = counts["read"], counts["quarantined"]
    if read < bound["rows"] or bad <= bound["share"] * read:
        return
    reasons = session.sql(challengers.fill(bound["reasons"], values)).collect()
    told = "; ".join(f"{row[1]} rows: {row[0]}" for row in reasons)
    most = f"{bound['share']:.1%}"
    message = (
        f"{bad} of {read} new rows ({bad / read:.1%}) break the contract, contract.arriving allows {most} ({told}): "
        "nothing was written, the rows wait in the stream. Have the next files mended, or loosen contract.arriving in "
        "project.yaml, and apply"
    )
    raise RuntimeError(message)


def _count(session: Session, text: str, values: dict[str, str]) -> int:
    return int(session.sql(challengers.fill(text, values)).collect()[0][0])
