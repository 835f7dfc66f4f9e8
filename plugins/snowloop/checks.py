"""What a check is, wherever one is made: contract, features, leakage, gate, monitoring, rehearsal."""

from dataclasses import dataclass
from typing import Literal, Self

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
    def of(cls, name: str, passed: bool, reason: str, **figures: "float | str | None") -> Self:
        """A check that was asked: passed or failed."""
        return cls(name, "passed" if passed else "failed", reason, **figures)  # type: ignore[arg-type]

    @property
    def passed(self) -> bool:
        """Whether it was asked, and passed."""
        return self.outcome == "passed"

    @property
    def failed(self) -> bool:
        """Whether it was asked, and failed."""
        return self.outcome == "failed"
