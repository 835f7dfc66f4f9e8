"""Handler of the smoke procedure: scores one row by the statement of the scoring loop, and rolls it back."""

import json
import math
import uuid
from dataclasses import dataclass
from typing import Any, ClassVar

from snowflake.snowpark import Session

from snowloop_procedures.requests import Request
from snowloop_procedures.scoring_request import Statement


@dataclass(frozen=True, kw_only=True)
class SmokeRequest(Request):
    """Score one row of the source, and roll it back.

    Args:
        version: Name or alias of the version that scores.
        score_row: Writes the score of one row into SERVING.SCORED.
        score: Reads it.
    """

    do: ClassVar[str] = "score one row and undo it"
    version: str
    score_row: Statement
    score: Statement


def run(session: Session, request: str) -> str:
    """Score one row in a transaction that is rolled back.

    Args:
        session: The procedure's session.
        request: A ``SmokeRequest`` as JSON.

    Returns:
        ``rows``: how many rows were scored, and ``finite``: whether each has a finite score, as a JSON object.

    Raises:
        snowflake.snowpark.exceptions.SnowparkClientException: if the model, or the statement, fails.
    """
    return json.dumps(score_one_row(session, SmokeRequest.from_dict(json.loads(request))))


def score_one_row(session: Session, request: SmokeRequest) -> dict[str, Any]:
    """Score one row, read the score, and roll both back; arguments and answer as of ``run``."""
    values = {"run_id": f"smoke-{uuid.uuid4().hex}", "model_version": request.version}
    session.sql("BEGIN").collect()
    try:
        rows = request.score_row.count(session, **values)
        scores = [row[0] for row in request.score.execute(session, **values)]
    finally:
        session.sql("ROLLBACK").collect()
    return {"rows": rows, "finite": all(score is not None and math.isfinite(score) for score in scores)}
