"""Jinja's sandbox for every template, and bounds on the work of those that a project declares.

A template of a declaration is text of somebody else: it neither reaches the interpreter, nor fills the memory or the
time of the process that reads all projects. The sandbox (https://jinja.palletsprojects.com/en/stable/sandbox/) does the
first; for the second, loops, operators, filters and calls are counted while a template is compiled and rendered.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

from jinja2 import Environment, StrictUndefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST_WORK = 2_000_000
"""Characters and steps of loops that one template of a project may need: some hundred times those of 2,000 features."""
MULTIPLYING = frozenset({"batch", "center", "indent", "join", "replace", "round", "slice", "tojson", "wordwrap"})
"""Filters whose result may be as long as the product of what they are given."""
SIZED = (str, bytes, list, tuple, dict, set, frozenset, range)
NUMBERS = re.compile(r"\d+")
WIDTH_ELSEWHERE = re.compile(r"%[^a-zA-Z%]*\*|\{[^{}]*:[^{}]*\{")
"""A width that a format takes from its arguments."""
_left: ContextVar[list[int] | None] = ContextVar("work that is left", default=None)


class TooMuchWorkError(SecurityError):
    """A template needs more work than the template of a project may."""


def sandbox(**options: Any) -> Environment:
    """An environment for Snowloop's own templates: sandboxed, and nothing in them may be undefined.

    Args:
        options: As of ``jinja2.Environment``.
    """
    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, **options)


@contextmanager
def counted_work() -> Iterator[None]:
    """A block in which compiling and rendering one template of a project may need ``MOST_WORK``.

    Raises:
        TooMuchWorkError: when it needs more.
    """
    token = _left.set([MOST_WORK])
    try:
        yield
    finally:
        _left.reset(token)


class ProjectEnvironment(ImmutableSandboxedEnvironment):
    """The environment of a project's own templates; what they do is counted inside ``counted_work``.

    Args:
        filters: Filters besides Jinja's own.
        options: As of ``jinja2.Environment``.
    """

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def __init__(self, filters: dict[str, Callable[..., Any]], **options: Any) -> None:
        strict: dict[str, Any] = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
        super().__init__(finalize=_passed, **strict, **options)
        self.filters = {name: _counted(name, each) for name, each in self.filters.items()} | filters
        self.filters |= {_WORK_OF_LOOP: _items, _WORK_OF_VALUE: _passed}
        for name in ("lipsum", "cycler"):
            del self.globals[name]

    def _generate(self, source: nodes.Template, name: Any, filename: Any, defer_init: bool = False) -> str:
        _count(source)
        source.set_environment(self)
        return super()._generate(source, name, filename, defer_init)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Count what an operator makes before it makes it."""
        if operator == "**":
            _spend(_bits(left) * max(1.0, abs(right) if isinstance(right, int | float) else 1.0) / 64)
        elif operator == "+":
            _spend(_size(left) + _size(right))
        elif operator == "%" and isinstance(left, str):
            _spend(_formatted(left, right))
        else:
            _spend(_product(left, right) if _long(left) or _long(right) else 1 + (_bits(left) + _bits(right)) / 64)
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 - as Jinja has it
        """Count what a method of a text or list may make, or else what the function is given."""
        method = getattr(__obj, "__wrapped__", __obj)  # of str.format, which the sandbox wraps
        owner = getattr(method, "__self__", None)
        given = (*args, *kwargs.values())
        if method is not __obj and isinstance(owner, str):
            _spend(_formatted(owner, given))
        elif _long(owner) or isinstance(owner, int | float):
            _spend(_product(owner if _long(owner) else 1, *given))
        else:
            _spend(1 + sum(map(_size, given)))
        return super().call(__context, __obj, *args, **kwargs)


_WORK_OF_LOOP, _WORK_OF_VALUE = "work of a loop", "work of a value"
"""Filters that a template cannot name."""


def _count(tree: nodes.Template) -> None:
    """Have the loops, joined texts, slices and comparisons of a parsed template counted."""
    for loop in tree.find_all(nodes.For):
        text = sum(len(each.data) for part in loop.body for each in _data(part))
        loop.iter = _filter(loop.iter, _WORK_OF_LOOP, nodes.Const(1 + text))
    for joined in tree.find_all(nodes.Concat):
        joined.nodes = [_filter(each, _WORK_OF_VALUE) for each in joined.nodes]
    for comparison in tree.find_all(nodes.Compare):
        comparison.expr = _filter(comparison.expr, _WORK_OF_VALUE)
    for part in tree.find_all(nodes.Getitem):
        if isinstance(part.arg, nodes.Slice):
            part.node = _filter(part.node, _WORK_OF_VALUE)


def _data(part: nodes.Node) -> Iterable[nodes.TemplateData]:
    return [part] if isinstance(part, nodes.TemplateData) else part.find_all(nodes.TemplateData)


def _filter(node: Any, name: str, *arguments: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, name, list(arguments), [], None, None, lineno=node.lineno)


def _items(iterable: Iterable[Any], each: int) -> Iterator[Any]:
    for item in iterable:
        _spend(each)
        yield item


def _passed(value: Any) -> Any:
    _spend(_size(value))
    return value


def _counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter whose work is counted, before it as far as its arguments show it, and by its result."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        args = tuple(map(_passed, each) if isinstance(each, Iterator) else each for each in args)
        given = (*args, *kwargs.values())
        if name == "format":
            _spend(_formatted(given[0], given[1:]))
        elif name in MULTIPLYING:
            _spend(_product(*(given[1:] if name == "round" else given)) + sum(map(_total, given)))
        else:
            _spend(1 + sum(map(_size, given)))
        return _passed(function(*args, **kwargs))

    return call


def _spend(work: float) -> None:
    left = _left.get()
    if left is None:
        return
    if work > left[0]:
        raise TooMuchWorkError(
            f"it needs more than {MOST_WORK:,} steps of loops and characters of text: a template makes one query, "
            "so compute in SQL what depends on many values"
        )
    left[0] -= math.ceil(work)


def _size(value: Any) -> int:
    return 1 + (len(value) if isinstance(value, SIZED) else _bits(value) // 64)


def _bits(value: Any) -> int:
    return value.bit_length() if isinstance(value, int) else 64


def _long(value: Any) -> bool:
    return isinstance(value, str | bytes | list | tuple)


def _total(value: Any) -> int:
    """The length of a text, or of all texts in a list."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
    return sum(map(_size, inside))


def _formatted(text: Any, given: Any) -> float:
    """How long a format can become: what is given may be in it several times, and each in the widest field."""
    return _product(text) * _total(given)


def _product(*values: Any) -> float:
    """How long a text or list can become that is made of these: each may be repeated as often as another one says."""
    product = 1.0
    for value in values:
        if isinstance(value, str):
            widths = [float(number) for number in NUMBERS.findall(value)] if "%" in value or "{" in value else []
            product *= max(1.0, len(value), *widths, math.inf if WIDTH_ELSEWHERE.search(value) else 0)
        elif isinstance(value, SIZED):
            product *= max(1, len(value))
        elif isinstance(value, int | float) and math.isfinite(value):
            product *= max(1.0, float(min(abs(value), 10**300)))
    return product
