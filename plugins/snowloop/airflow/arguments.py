"""Templated arguments of operators and sensors, declared once: as annotated attributes of the class."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any


class TemplatedArguments:
    """Makes the annotated attributes of a subclass its templated keyword arguments, as a dataclass makes its fields.

    An argument without a value is required. A class with an ``__init__`` of its own is left alone, and so are names
    that begin with an underscore.
    """

    template_fields: Sequence[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give the subclass its ``__init__``, with a signature that Airflow can check, and its template fields."""
        super().__init_subclass__(**kwargs)
        names = [name for name in inspect.get_annotations(cls) if not name.startswith("_")]
        if names and "__init__" not in vars(cls):
            cls.template_fields = (*cls.template_fields, *names)
            cls.__init__ = _initializer(cls, names)  # type: ignore[method-assign]


def _initializer(cls: type, names: Sequence[str]) -> Callable[..., None]:
    defaults = {name: vars(cls).get(name, inspect.Parameter.empty) for name in names}

    def __init__(self: Any, **kwargs: Any) -> None:  # noqa: N807
        own = {name: kwargs.pop(name, default) for name, default in defaults.items()}
        super(cls, self).__init__(**kwargs)  # type: ignore[arg-type]
        for name, value in own.items():
            setattr(self, name, value)

    arguments = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=defaults[name]) for name in names]
    own, *others = inspect.signature(__init__).parameters.values()
    __init__.__signature__ = inspect.Signature([own, *arguments, *others])  # type: ignore[attr-defined]
    return __init__
