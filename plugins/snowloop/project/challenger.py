"""The declaration of the challenger: how it scores next to the champion."""

from typing import Literal, Self

from pydantic import Field, model_validator

from snowloop.project.base import Declaration


class Challenger(Declaration):
    """How the version with the alias CHALLENGER scores: all rows in shadow mode, or a share of the keys as canary."""

    mode: Literal["shadow", "canary"] = Field(
        description="shadow: score all rows without serving; canary: serve a share of the keys."
    )
    share: float | None = Field(
        None, gt=0, lt=1, description="With canary: the share of the keys, chosen by hash of the key."
    )
    approval_above: float = Field(
        0.2,
        ge=0,
        le=1,
        description="With canary: the share above which a person must approve it, in the environments of approval.",
    )

    @model_validator(mode="after")
    def _share_of_a_canary(self) -> Self:
        if self.mode == "canary" and self.share is None:
            raise ValueError("mode canary needs the share of the keys that the challenger serves, such as `share: 0.1`")
        if self.mode == "shadow" and self.share is not None:
            raise ValueError("share is for mode canary: a shadow challenger scores all rows; remove `share`")
        return self
