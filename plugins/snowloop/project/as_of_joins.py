"""What features.sql may join: other declared sources, each row with only what was known before its event."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jinja2 import nodes

from snowloop.project.sources import Source

if TYPE_CHECKING:
    from snowloop.project.declaration import Project

AS_OF = "as_of"
"""Name of the function that features.sql calls."""
HOW = "{{ as_of('<source>', on='<COLUMN>') }}"


@dataclass(frozen=True)
class Joined:
    """A source that features.sql joins.

    Args:
        name: Its name, as declared.
        source: Its declaration.
        pairs: The columns that must be equal: of the streamed source, and of this one.
        columns: The columns of it that may be read: none that is known only after the label.
        event_time: Its column that says since when a row is known.
        row_time: The streamed source's column that says when its row's event was.
    """

    name: str
    source: Source
    pairs: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    event_time: str
    row_time: str

    @property
    def delay(self) -> int:
        """Seconds after its event time at which a row is known."""
        return int(self.source.known_after.total_seconds()) if self.source.known_after else 0


def joined(project: "Project", name: Any, on: Any) -> Joined:
    """Understand one call of as_of.

    Args:
        project: The project.
        name: Name of the source that is joined; case does not count.
        on: The column that is equal in both sources, several of them, or pairs, the streamed source's first.

    Returns:
        The source that is joined.

    Raises:
        ValueError: if it cannot be joined: what is wrong, and what to do.
    """
    found = next((each for each in project.sources if each.upper() == str(name).upper()), None)
    if found is None:
        message = (
            f"as_of('{name}'): there is no source of this name, only {', '.join(project.sources)}: name one of them"
        )
        raise ValueError(message)
    source, streamed = project.sources[found], project.streamed
    for each, declared in ((found, source), (project.source, streamed)):
        if declared.event_time is None:
            message = (
                f"as_of('{found}'): source '{each}' declares no `event_time`, so what was known when cannot be told: "
                "declare the column"
            )
            raise ValueError(message)
    pairs = tuple((str(left).upper(), str(right).upper()) for left, right in _pairs(on))
    for column, declared, where in [
        *((left, streamed, project.source) for left, _ in pairs), *((right, source, found) for _, right in pairs)
    ]:  # fmt: skip
        if column not in declared.table_columns:
            message = f"as_of('{found}', on=…): {column} is not a column of source '{where}': name one that is"
            raise ValueError(message)
    if not pairs:
        message = f"as_of('{found}') needs `on`, the column that is equal in both sources: write {HOW}"
        raise ValueError(message)
    columns = tuple(name for name, column in source.table_columns.items() if not column.known_after_label)
    return Joined(found, source, pairs, columns, str(source.event_time), str(streamed.event_time))


def _pairs(on: Any) -> Sequence[tuple[Any, Any]]:
    if isinstance(on, Mapping):
        return list(on.items())
    each = [on] if isinstance(on, str) else on if isinstance(on, list | tuple) else []
    return [(column, column) for column in each]


def join_problems(tree: nodes.Template, text: str, project: "Project") -> Iterator[tuple[int, str]]:
    """What is wrong with the joins of features.sql, as far as its text tells.

    Args:
        tree: The parsed template.
        text: Its text.
        project: The project.

    Yields:
        The line, and what is wrong, with what to do.
    """
    for call in tree.find_all(nodes.Call):
        if not isinstance(call.node, nodes.Name) or call.node.name != AS_OF:
            continue
        try:
            given = {keyword.key: keyword.value.as_const() for keyword in call.kwargs}
            names = dict(zip(("name", "on"), [each.as_const() for each in call.args], strict=False)) | given
        except nodes.Impossible:
            continue  # it depends on what the template computes: told when it is rendered
        try:
            joined(project, names.get("name"), names.get("on"))
        except ValueError as error:
            yield call.lineno, str(error)
    tables = "|".join(re.escape(name) for name in project.sources)
    named = re.compile(rf'\bRAW"?\s*\.\s*"?({tables})\b', re.IGNORECASE)
    for number, line in enumerate(text.splitlines(), start=1):
        found = named.search(line.split("--")[0])
        if found:
            what = f"{found[0]} is read by its name, so rows of the future too: write {HOW}, or {{{{ source }}}}"
            yield number, what
