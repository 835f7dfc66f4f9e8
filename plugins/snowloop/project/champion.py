"""The declaration of what happens when something about the champion is not as it should be."""

from typing import Literal

from pydantic import Field

from snowloop.project.sources import Declaration


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
