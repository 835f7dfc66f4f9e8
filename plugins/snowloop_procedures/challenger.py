"""Lets the challenger score in the champion's transaction; if it fails or hangs, the champion serves alone."""

from dataclasses import dataclass
from typing import Any

from snowflake.snowpark import Session

from snowloop_procedures.scoring_request import ChallengerStatements, ScoringRequest
from snowloop_procedures.versions import misfit, training_set_of

CHALLENGER = "CHALLENGER"


@dataclass(frozen=True)
class Challenge:
    """A challenger in one run.

    Args:
        request: What was deployed.
        statements: Its part on the challenger.
        version: The row of SHOW VERSIONS of the version with the alias CHALLENGER.
        run: The run's own values: ``run_id`` and ``model_version``, the champion.
    """

    request: ScoringRequest
    statements: ChallengerStatements
    version: dict[str, Any]
    run: dict[str, str]

    @property
    def name(self) -> str:
        """Name of the version."""
        return str(self.version["name"])

    @property
    def served(self) -> dict[str, str]:
        """The version and its training set, as statements about the rows that it served bind them."""
        return {"model_version": self.name, "training_set": training_set_of(self.version)}

    def begin(self, session: Session) -> str | None:
        """Record, before the run's transaction, that a run begins with the challenger.

        Args:
            session: The procedure's session, in no transaction.

        Returns:
            Why that is not possible, so that the challenger must not score; or None.
        """
        try:
            self.statements.begin.execute(session, **self.run, challenger=self.name)
        except Exception as failure:  # noqa: BLE001 - the champion must serve
            return f"OPS.CHALLENGES cannot be written, run snowloop apply: {failure}"
        return None

    def forget(self, session: Session) -> None:
        """Delete the record of a run that failed: it did finish."""
        self.statements.forget.execute(session, **self.run)

    def score(self, session: Session) -> dict[str, Any]:
        """Score the run's rows, or the challenger's share of them, before the champion does.

        A statement that fails undoes its own changes and leaves the transaction open, so that the champion goes on:
        https://docs.snowflake.com/en/sql-reference/transactions

        Args:
            session: The procedure's session, in a transaction.

        Returns:
            ``version``, ``rows`` that it scored, ``error`` that kept it from scoring, or None, and ``serves``: whether
            its rows are in SERVING.SCORED.
        """
        rows = 0
        try:
            error = self._refusal(session)
            if error is None:
                rows = self.statements.score.count(session, **{**self.run, "model_version": self.name})
        except Exception as failure:  # noqa: BLE001 - the champion must serve; the error is recorded, and status shows it
            error = str(failure)
        self.statements.record.execute(session, **self.run, rows_scored=rows, error=error or None)
        serves = self.statements.mode == "canary" and error is None
        return {"version": self.name, "rows": rows, "error": error, "serves": serves}

    def _refusal(self, session: Session) -> str | None:
        """Why the challenger must not score, or None."""
        problem = misfit(session, self.version, self.request)
        if problem:
            return problem
        unfinished = self.statements.unfinished.execute(session, **self.run, challenger=self.name)
        if unfinished:
            return (
                f"the run {unfinished[0][0]} with version {self.name} as challenger never came to its end: it hung, or "
                "was killed. It is not called again; to try once more, withdraw it and name it again"
            )
        for question in filter(None, (self.statements.refusal, self.statements.unapproved)):
            reason = question.execute(session, version=self.name)[0][0]
            if reason:
                return f"version {self.name} must not serve: {reason}"
        return None
