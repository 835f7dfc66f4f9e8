"""The typed form of what a challenger may do beside the champion."""

from typing import Literal, Self

from pydantic import Field, model_validator

from snowloop.project.sources import Declaration


class Challenger(Declaration):
    """How the version with the alias CHALLENGER scores: the same rows in the shadow, or its share of the keys."""

    mode: Literal["shadow", "canary"] = Field(description="Scored beside the champion, or serving a share of the keys.")
    share: float | None = Field(None, gt=0, lt=1, description="canary: share of the keys, by hash of the key.")

    @model_validator(mode="after")
    def _share_of_a_canary(self) -> Self:
        if self.mode == "canary" and self.share is None:
            message = "mode canary needs the share of the keys that the challenger serves, such as `share: 0.1`"
            raise ValueError(message)
        if self.mode == "shadow" and self.share is not None:
            message = "share goes with mode canary: in the shadow the challenger scores all rows; remove `share`"
            raise ValueError(message)
        return self
