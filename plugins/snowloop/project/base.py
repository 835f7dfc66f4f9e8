"""What every part of a declaration is made of: its base, and the types of its names and texts."""

import re
from pathlib import PurePosixPath
from types import NoneType
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationInfo, field_validator

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def plain_name(value: str) -> str:
    """A text that is a plain name.

    Raises:
        ValueError: if it is not.
    """
    if not NAME.fullmatch(value):
        raise ValueError(f"'{value}' is not a plain name: use letters, digits and _, starting with a letter")
    return value


def _line(value: str) -> str:
    if not value.strip() or not value.isprintable():
        message = f"{value!r} is not a line of text: write at least one letter, and nothing that cannot be seen"
        raise ValueError(message)
    return value


def _takes_flags(annotation: Any) -> bool:
    """Whether true and false are values of a field, and not read as the numbers 1 and 0."""
    parts = get_args(annotation)
    return any(map(_takes_flags, parts)) if parts else annotation not in {int, float, NoneType, ...}


def as_text(value: Any) -> Any:
    """A value that is text; YAML reads yes, no, on, off and numbers as other types: ask for quotes rather than guess.

    Raises:
        ValueError: if it is not text to YAML.
    """
    if isinstance(value, bool | int | float):
        message = f"{value!r} is not text to YAML: put it in quotes"
        raise ValueError(message)  # noqa: TRY004 - pydantic reports a ValueError with its place
    return value


def _below(value: str) -> str:
    place = PurePosixPath(value)
    if not value.strip() or not place.parts or place.is_absolute() or ".." in place.parts or not value.isprintable():
        message = f"'{value}' is no place below the folder of the data: write it without '..' and a slash at the front"
        raise ValueError(message)
    return value


Name = Annotated[str, AfterValidator(plain_name)]
Identifier = Annotated[str, AfterValidator(plain_name), AfterValidator(str.upper)]
Text = Annotated[str, BeforeValidator(as_text)]
Line = Annotated[Text, AfterValidator(_line)]
"""A text that people read: one line, not blank, without characters that cannot be seen."""
PlaceBelow = Annotated[str, AfterValidator(_below)]
"""A name, a path or a pattern below a folder: neither absolute nor with a way up."""


class Declaration(BaseModel):
    """Base of every part of a declaration: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_flag_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """YAML reads yes, no, on and off as true and false, which Python takes for 1 and 0."""
        values = value if isinstance(value, list) else [value]
        field = cls.model_fields.get(str(info.field_name))
        if field and any(isinstance(each, bool) for each in values) and not _takes_flags(field.annotation):
            word = str(next(each for each in values if isinstance(each, bool))).lower()
            raise ValueError(f"{word} is not a number: write a number")
        return value
