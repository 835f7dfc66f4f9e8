"""Places that a declaration names: below a folder, whatever else is on the machine."""

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator


def _below(value: str) -> str:
    place = PurePosixPath(value)
    if not value.strip() or not place.parts or place.is_absolute() or ".." in place.parts or not value.isprintable():
        message = f"'{value}' is no place below the folder of the data: write it without '..' and a slash at the front"
        raise ValueError(message)
    return value


PlaceBelow = Annotated[str, AfterValidator(_below)]
"""A name, a path or a pattern below a folder: neither absolute nor with a way up."""
