"""What the gate decided, as data: every check, and who overrode a refusal."""

from dataclasses import dataclass

from snowloop.checks import Check, counted
from snowloop.errors import OverrideError
from snowloop.lifecycle.results import Result


@dataclass(frozen=True)
class Override:
    """A person's decision that a refused version serves all the same; it is recorded.

    Args:
        by: Name of the person.
        reason: Why.

    Raises:
        OverrideError: if either is empty.
    """

    by: str
    reason: str

    def __post_init__(self) -> None:
        if not self.by.strip() or not self.reason.strip():
            message = (
                f"an override of the gate needs a name and a reason, given: name '{self.by}', reason '{self.reason}'"
            )
            raise OverrideError(message)


def override_of(by: str | None, reason: str | None) -> Override | None:
    """The override that two fields of a form ask for.

    Args:
        by: The name, if the field was filled in.
        reason: The reason, if the field was filled in.

    Returns:
        The override; None if both fields are empty.

    Raises:
        OverrideError: if one of them is filled in without the other.
    """
    name, why = (by or "").strip(), (reason or "").strip()
    return Override(name, why) if name or why else None


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

    def summary(self) -> dict[str, int | float | str]:
        """The version, the figure that decided, and how many checks passed, failed and were not asked."""
        value = next((check.value for check in self.checks if check.name == "BOUND"), None)
        figure: dict[str, int | float | str] = {} if value is None else {self.metric: round(value, 4)}
        override: dict[str, int | float | str] = {"overridden by": self.override.by} if self.override else {}
        return {
            **figure,
            "version": self.version_name,
            "checks": counted(self.checks),
            **override,
            "kept": int(self.kept),
        }
