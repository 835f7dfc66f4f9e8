"""What the results of all stages have in common."""

from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Result:
    """Base of the stages' results: figures for people, and a form that survives JSON."""

    def summary(self) -> dict[str, int | float | str]:
        """The figures of one progress line, by short names."""
        values = asdict(self)
        return {name: value for name, value in values.items() if isinstance(value, int | float | str)}

    def to_dict(self) -> dict[str, Any]:
        """All fields under their own names, as JSON can hold them."""
        from pydantic_core import to_jsonable_python

        values: dict[str, Any] = to_jsonable_python(asdict(self))
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The result that ``to_dict`` described.

        Args:
            values: What ``to_dict`` gave.

        Returns:
            An equal result.

        Raises:
            pydantic.ValidationError: if a field is missing or of another type.
        """
        from pydantic import TypeAdapter

        return TypeAdapter(cls).validate_python(values)
