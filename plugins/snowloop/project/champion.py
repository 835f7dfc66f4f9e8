"""The declaration of what happens when something about the champion is not as it should be."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from snowloop.project.base import Declaration
from snowloop.project.durations import Duration


class Probation(Declaration):
    """How the champion before scores along with a new one in the shadow, and when the new one is worse."""

    length: Duration = Field(timedelta(days=30), description="How long after the promotion; longer than labels take.")
    min_labels: int = Field(200, ge=20, description="Labelled rows that both have scored, before it is judged.")
    margin: float | None = Field(
        None,
        ge=0,
        description="By how much the metric of the former champion must surely be better; null: metric.tolerance.",
    )
    max_lost_share: float = Field(
        0.01, gt=0, lt=1, description="Share of the rows scored by the former champion to which it may give no score."
    )
    roll_back: bool = Field(
        False, description="Whether a champion that is worse is rolled back at once; false: an alert opens."
    )


class Champion(Declaration):
    """What `health` finds about the champion: whether the scoring procedure refuses to score with it as well."""

    moved_by_hand: Literal["report", "refuse"] = Field(
        "report",
        description="A version has the alias CHAMPION that no promotion or rollback gave it; refuse: nothing is "
        "scored until the alias is taken away.",
    )
    expired_override: Literal["report", "refuse"] = Field(
        "report",
        description="The override by which the champion was promoted has expired; refuse: it counts as not judged, "
        "and nothing is scored.",
    )
    fails_again: Literal["report", "roll_back"] = Field(
        "report",
        description="The champion was judged again, by another contract or other bounds (`snowloop judge`), and fails. "
        "report: it goes on serving, an alert opens, and the command ends with 2; roll_back: the champion before it "
        "serves again as well.",
    )
    probation: Probation | None = Field(
        None,
        description="After each promotion the former champion scores along in the shadow, and is compared; it needs "
        "`serving: {challenger: {mode: shadow}}`. null: it does not.",
    )
