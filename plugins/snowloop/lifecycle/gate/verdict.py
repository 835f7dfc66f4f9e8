"""What the gate decided, as data: every check, and who overrode a refusal."""

from dataclasses import dataclass
from datetime import UTC, datetime

from snowloop.checks import Check, counted
from snowloop.errors import OverrideError
from snowloop.lifecycle.results import Result


@dataclass(frozen=True)
class Override:
    """A person's decision that a version serves although checks of the gate fail; it is recorded.

    Args:
        by: Who decided: a user who is logged in.
        reason: Why.
        checks: Names of the checks that it overrides; a check that is not named still refuses.
        until: When it expires, with a time zone; None: never.

    Raises:
        OverrideError: if one of them is missing, or ``until`` has no time zone.
    """

    by: str
    reason: str
    checks: tuple[str, ...]
    until: datetime | None = None

    def __post_init__(self) -> None:
        if not self.by.strip() or not self.reason.strip() or not self.checks:
            message = (
                "an override of the gate needs a user who is logged in, a reason, and the checks that it overrides, "
                f"given: user '{self.by}', reason '{self.reason}', checks '{', '.join(self.checks)}'"
            )
            raise OverrideError(message)
        if self.until is not None and self.until.tzinfo is None:
            message = f"an override until {self.until} needs a time zone"
            raise OverrideError(message)

    @property
    def until_text(self) -> str | None:
        """When it expires, in UTC, as Snowflake reads a TIMESTAMP_NTZ."""
        return f"{self.until.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if self.until else None

    def __str__(self) -> str:
        """Who, why, which checks, and until when."""
        until = f", until {self.until_text} UTC" if self.until else ""
        return f"{self.by}: {self.reason} ({', '.join(self.checks)}{until})"


def override_of(by: str | None, reason: str | None, checks: str | None, until: str | None) -> Override | None:
    """The override that the fields of a form ask for.

    Args:
        by: The user who is logged in, or None.
        reason: Why, if the field was filled in.
        checks: Names of checks, separated by commas or blanks, if the field was filled in.
        until: A date or a time of ISO 8601, in UTC unless it says otherwise, if the field was filled in.

    Returns:
        The override; None if the fields are empty.

    Raises:
        OverrideError: if only some are filled in, nobody is logged in, or ``until`` is no time.
    """
    why, names, end = (reason or "").strip(), (checks or "").replace(",", " ").upper().split(), (until or "").strip()
    if not (why or names or end):
        return None
    try:
        moment = datetime.fromisoformat(end) if end else None
    except ValueError as error:
        message = f"until '{end}' is no date or time: write it like 2026-12-31 or 2026-12-31T18:00+01:00"
        raise OverrideError(message) from error
    if moment is not None and moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return Override((by or "").strip(), why, tuple(dict.fromkeys(names)), moment)


@dataclass(frozen=True)
class Origin:
    """Where a version comes from that was promoted from another target.

    Args:
        target: The target.
        account: Its account.
        verdict_id: The verdict there, by which it was accepted.
        files: Digest of the version's files, here and there.
    """

    target: str
    account: str
    verdict_id: str
    files: str


@dataclass(frozen=True)
class Verdict(Result):
    """What the gate decided; a verdict that exists as an object is one that passed, or was overridden.

    Args:
        verdict_id: Its id in OPS.VERDICTS; the last decision, when it is tried again, keeps its id.
        version_name: The version that was judged.
        champion: The champion at that time, or None.
        training_set: Fingerprint of the training set.
        checks: Every check.
        kept: Whether the version is the champion already.
        metric: Name of the metric that decides.
        override: Who let it pass although checks failed, and why.
        evaluation_id: The evaluation that was judged; empty if no candidate could be trained.
        surpasses: Whether the version is surely better than the reference, so that it becomes the next one.
        origin: Where the version comes from; None if it was trained here.
        judged: The version that was judged on held-out rows, of which this one is the refit on all; None: itself.
    """

    verdict_id: str
    version_name: str
    champion: str | None
    training_set: str
    checks: tuple[Check, ...]
    kept: bool
    metric: str = ""
    override: Override | None = None
    evaluation_id: str = ""
    surpasses: bool = False
    origin: Origin | None = None
    judged: str | None = None

    def summary(self) -> dict[str, int | float | str]:
        """The version, the figure that decided, and how many checks passed, failed and were not asked."""
        value = next((check.value for check in self.checks if check.name == "BOUND"), None)
        figure: dict[str, int | float | str] = {} if value is None else {self.metric: round(value, 4)}
        override: dict[str, int | float | str] = {"overridden by": self.override.by} if self.override else {}
        judged: dict[str, int | float | str] = {"judged as": self.judged} if self.judged else {}
        return {
            **figure,
            "version": self.version_name,
            **judged,
            "checks": counted(self.checks),
            **override,
            "kept": int(self.kept),
        }
