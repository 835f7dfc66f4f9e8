"""Reads a YAML file into a typed declaration; errors name file and line, what is wrong, and what to do."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from reprlib import Repr
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from snowloop.errors import ProjectError
from snowloop.project.base import Declaration

# Airflow parses DAG files again and again: libyaml's loader where it is there
LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


MAX_WORDS = 600
"""Characters of an error, which may hold what a person wrote."""
MAX_DEPTH = 50
MAX_VALUES = 100_000
"""Levels and values of a declaration, anchors expanded. libyaml's composer crashes the process on a deeper document."""


class _Loader(LOADER):  # type: ignore[misc, valid-type]
    """Refuses a duplicate key, which PyYAML silently takes, and names the line of a date or number that is none."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError) as error:
            raise yaml.MarkedYAMLError(problem=str(error), problem_mark=node.start_mark) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise yaml.MarkedYAMLError(problem=f"key '{key.value}' appears twice", problem_mark=key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


Declared = TypeVar("Declared", bound=Declaration)
_REPR = Repr()
_REPR.maxstring = _REPR.maxother = 60


def line_of(path: Path, place: Sequence[int | str]) -> str:
    """Where a part of a file is, for messages: the path, and the line of the innermost part that the file has.

    Args:
        path: The file.
        place: The keys and indexes that lead to the part.

    Returns:
        For example ``include/projects/churn/project.yaml:12``.
    """
    return f"{path}:{_line(yaml.compose(path.read_text(encoding='utf-8'), Loader=LOADER), list(place))}"


def read_declaration(path: Path, kind: type[Declared], example: str) -> Declared:
    """Read and validate a file.

    Args:
        path: The file.
        kind: What it declares.
        example: A line that such a file may begin with, for the message about a file that is no mapping.

    Returns:
        The declaration.

    Raises:
        ProjectError: if it is not YAML, or not such a declaration; the message has a line for each error.
    """
    try:
        text = path.read_text(encoding="utf-8")
        _check_size(path, text)
        values = yaml.load(text, Loader=_Loader)  # noqa: S506 - built on one of the two safe loaders
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ProjectError(f"{path}:{line}: this is not UTF-8: save the file as UTF-8") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        message = f"{path}:{line}: this is not YAML: {error.problem}; correct the line or the one before it"
        raise ProjectError(message) from error
    except yaml.YAMLError as error:
        message = f"{path}: this is not YAML: {' '.join(str(error).split())}; remove what is not text"
        raise ProjectError(message) from error
    if not isinstance(values, dict):
        raise ProjectError(f"{path}:1: expected a mapping of keys and values, such as `{example}`")
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        tree = yaml.compose(text, Loader=LOADER)
        lines = [f"{path}:{line}: {what}" for line, what in _explained(error, tree)]
        raise ProjectError("\n".join(lines)) from error


def _check_size(path: Path, text: str) -> None:
    """Refuse a document that is nested too deeply, is too large, or has no end, from its events alone."""
    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = [(None, 0)]
    for event in yaml.parse(text, Loader=LOADER):
        size, problem = 0, None
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, 1))
            problem = f"it is nested more than {MAX_DEPTH} levels deep" if len(open_nodes) > MAX_DEPTH else None
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = open_nodes.pop()
            sizes[anchor or ""] = size
        elif isinstance(event, yaml.ScalarEvent):
            size = sizes[event.anchor or ""] = 1
        elif isinstance(event, yaml.AliasEvent):
            size = sizes.get(event.anchor or "", 1)
            if any(anchor == event.anchor for anchor, _ in open_nodes):
                problem = f"anchor '{event.anchor}' contains itself"
        anchor, before = open_nodes[-1]
        open_nodes[-1] = anchor, before + size
        if before + size > MAX_VALUES:
            problem = f"it has more than {MAX_VALUES:,} values, with aliases expanded"
        if problem:
            line = event.start_mark.line + 1 if event.start_mark else 1
            message = f"{path}:{line}: {problem}, which no declaration needs: simplify it"
            raise ProjectError(message)


def _explained(error: ValidationError, tree: yaml.Node | None) -> Iterator[tuple[int, str]]:
    for problem in error.errors():
        place = [part for part in problem["loc"] if part != "[key]"]
        where = ".".join(str(part) for part in place) or "the file"
        if problem["type"] == "extra_forbidden":
            near = get_close_matches(str(place[-1]), _field_names(), n=1)
            what = f"unknown key '{where}': remove it, or correct its spelling" + (f" ({near[0]}?)" if near else "")
            what = f"unknown key '{where}': it belongs to another part" if near == [place[-1]] else what
        elif problem["type"] == "invalid-json-value":
            what = f"'{where}': write it as text, in quotes, as JSON has no such value (got {_short(problem['input'])})"
        elif problem["type"] == "missing":
            what = f"'{where}' is missing: add it"
        else:
            what = f"'{where}': {problem['msg'].removeprefix('Value error, ')} (got {_short(problem['input'])})"
        yield _line(tree, place), what if len(what) <= MAX_WORDS else f"{what[:300]} … {what[-200:]}"


def _field_names() -> list[str]:
    return [name for part in Declaration.__subclasses__() for name in part.model_fields]


def _short(value: object) -> str:
    """A value in at most 60 characters."""
    try:
        text = _REPR.repr(value)
    except ValueError:  # Python writes no number of more than 4300 digits
        text = f"a number of type {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


def _line(node: yaml.Node | None, place: list[int | str]) -> int:
    """The line of the innermost node on the way to ``place`` that exists in the file."""
    line = node.start_mark.line + 1 if node else 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            pairs = [(key, value) for key, value in node.value if str(key.value).upper() == str(part).upper()]
            if not pairs:
                break
            line, node = pairs[0][0].start_mark.line + 1, pairs[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line
