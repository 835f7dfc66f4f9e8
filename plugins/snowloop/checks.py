"""What a check is, wherever one is made: contract, features, leakage, gate, monitoring, rehearsal; and its table."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from snowloop.workspace import Workspace

Outcome = Literal["passed", "failed", "not_asked"]


@dataclass(frozen=True)
class Check:
    """The outcome of one check.

    Args:
        name: Which check it is, such as ``SUPPORT``.
        outcome: ``not_asked`` if it did not apply, or there was nothing to ask about: that is not a pass.
        reason: Why, in words with the figures; what to do, if it failed.
        value: What was measured; None if nothing was.
        bound: What it was compared with; None if there is no bound.
        subject: What it was about: a table, a feature, a column, a version.
        baseline: Value of the baseline or the champion, where one is compared.
    """

    name: str
    outcome: Outcome
    reason: str
    value: float | None = None
    bound: float | None = None
    subject: str = ""
    baseline: float | None = None

    @classmethod
    def of(
        cls,
        name: str,
        *,
        passed: bool,
        reason: str,
        value: float | None = None,
        bound: float | None = None,
        subject: str = "",
        baseline: float | None = None,
    ) -> Self:
        """A check that was asked: passed or failed; the other arguments are the fields of the class."""
        return cls(name, "passed" if passed else "failed", reason, value, bound, subject, baseline)

    @property
    def passed(self) -> bool:
        """Whether it was asked, and passed."""
        return self.outcome == "passed"

    @property
    def failed(self) -> bool:
        """Whether it was asked, and failed."""
        return self.outcome == "failed"


@dataclass(frozen=True)
class CheckTable:
    """A table of OPS that holds checks, a row each: VALUE, BOUND, PASSED (NULL if it was not asked), REASON, and these.

    Args:
        name: Name of the table.
        check: Column of the check's name.
        subject: Column of the check's subject; None if the table has none.
        baseline: Whether it has a column BASELINE.
        time: Column of the time of recording.
        once_by: Column by whose value checks are recorded once; None if each call adds rows.
    """

    name: str
    check: str = "CHECK_NAME"
    subject: str | None = None
    baseline: bool = False
    time: str = "CHECKED_AT"
    once_by: str | None = None


CONTRACT_CHECKS = CheckTable("CONTRACT_CHECKS", subject="SOURCE")
FEATURE_CHECKS = CheckTable("FEATURE_CHECKS", subject="FEATURE", once_by="TRAINING_SET")
LEAKAGE_CHECKS = CheckTable("LEAKAGE_CHECKS", subject="FEATURE", once_by="CHECK_ID")
MONITORING_CHECKS = CheckTable("MONITORING_CHECKS", check="NAME")
REHEARSALS = CheckTable("REHEARSALS", check="NAME", subject="MODEL_VERSION", time="DONE_AT")
VERDICTS = CheckTable("VERDICTS", baseline=True, time="DECIDED_AT", once_by="VERDICT_ID")


def record(workspace: "Workspace", table: CheckTable, checks: Sequence[Check], **common: Any) -> None:
    """Write checks into their table of OPS.

    Args:
        table: The table.
        checks: The checks; nothing is written if there are none.
        common: Values of the table's other columns, which all of these checks share, by the column's name in any case.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if they cannot be written.
    """
    if checks:
        columns = {name.upper(): value for name, value in common.items()}
        # one value, whatever their number: a statement that grew with it would be compiled again each time
        rows = json.dumps([_row(check) for check in checks])
        workspace.run("checks/record.sql", table=table, checks=rows, common=columns)


def _row(check: Check) -> dict[str, Any]:
    """As the statement reads it: numbers as texts, because JSON has no infinity."""
    numbers = {"value": check.value, "bound": check.bound, "baseline": check.baseline}
    return {
        "name": check.name,
        "subject": check.subject or None,
        **{key: None if number is None else repr(float(number)) for key, number in numbers.items()},
        "passed": None if check.outcome == "not_asked" else check.passed,
        "reason": check.reason,
    }


def listed(checks: Sequence[Check], failed: str = "FAILED") -> str:
    """Checks for a terminal, a line each: outcome, name and reason.

    Args:
        checks: The checks.
        failed: What a failed one is called, of at most nine characters.
    """
    words = {"passed": "ok", "failed": failed, "not_asked": "not asked"}
    return "\n".join(f"{words[each.outcome]:9} {each.name}: {each.reason}" for each in checks)


def counted(checks: Sequence[Check], noun: str = "") -> str:
    """How many of some checks passed, for people; a check that was not asked is not counted as passed.

    Args:
        checks: The checks.
        noun: What is counted, with a blank before it, such as `` checks``.

    Returns:
        ``13 of 13 checks passed``; with checks that were not asked ``10 checks passed, 1 failed, 2 not asked``.
    """
    outcomes = [check.outcome for check in checks]
    passed, failed, not_asked = (outcomes.count(each) for each in ("passed", "failed", "not_asked"))
    if not not_asked:
        return f"{passed} of {len(outcomes)}{noun} passed"
    return f"{passed}{noun} passed, {f'{failed} failed, ' if failed else ''}{not_asked} not asked"
