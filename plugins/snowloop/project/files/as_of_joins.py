"""As-of joins of features.sql: other declared sources, of which a row sees only what was known before its event."""

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
USAGE = "{{ as_of('<source>', on='<COLUMN>') }}"


@dataclass(frozen=True)
class AsOfJoin:
    """One as-of join of features.sql.

    Args:
        name: Name of the joined source, as declared.
        source: Its declaration.
        pairs: The columns that must be equal: of the streamed source, and of the joined one.
        columns: The joined columns that may be read: none that is known only after the label.
        row_time: The streamed source's column with the time of a row's event.
    """

    name: str
    source: Source
    pairs: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    row_time: str


def resolve_join(project: "Project", name: Any, on: Any) -> AsOfJoin:
    """Resolve one call of as_of against the declaration.

    Args:
        name: Name of the source that is joined; case does not count.
        on: The column that is equal in both sources, several of them, or pairs, the streamed source's first.

    Raises:
        ValueError: if it cannot be joined; the message says why, and what to do.
    """
    joined = next((each for each in project.sources if each.upper() == str(name).upper()), None)
    if joined is None:
        message = f"as_of('{name}'): no such source; the sources are {', '.join(project.sources)}: name one of them"
        raise ValueError(message)
    source, streamed = project.sources[joined], project.streamed
    for each, moment in ((joined, source.known_by), (project.source, streamed.event_time)):
        if moment is None:
            raise ValueError(
                f"as_of('{joined}'): source '{each}' declares no `event_time`, so it is unclear when its rows "
                "were known: declare the column"
            )
    pairs = tuple((str(left).upper(), str(right).upper()) for left, right in _pairs(on))
    for column, declared, where in [
        *((left, streamed, project.source) for left, _ in pairs), *((right, source, joined) for _, right in pairs)
    ]:  # fmt: skip
        if column not in declared.table_columns:
            raise ValueError(f"as_of('{joined}', on=…): {column} is not a column of source '{where}': name one that is")
    if not pairs:
        raise ValueError(f"as_of('{joined}') needs `on`, the column that is equal in both sources: write {USAGE}")
    columns = tuple(name for name, column in source.table_columns.items() if not column.known_after_label)
    return AsOfJoin(joined, source, pairs, columns, str(streamed.event_time))


def _pairs(on: Any) -> Sequence[tuple[Any, Any]]:
    if isinstance(on, Mapping):
        return list(on.items())
    each = [on] if isinstance(on, str) else on if isinstance(on, list | tuple) else []
    return [(column, column) for column in each]


def join_problems(tree: nodes.Template, text: str, project: "Project") -> Iterator[tuple[int, str]]:
    """Find errors in the joins of features.sql, as far as the parsed template and its text show them.

    Yields:
        The line, and the error with what to do.
    """
    for call in tree.find_all(nodes.Call):
        if not isinstance(call.node, nodes.Name) or call.node.name != AS_OF:
            continue
        try:
            keywords = {keyword.key: keyword.value.as_const() for keyword in call.kwargs}
            arguments = dict(zip(("name", "on"), [each.as_const() for each in call.args], strict=False)) | keywords
        except nodes.Impossible:
            continue  # it depends on what the template computes: an error when it is rendered
        try:
            resolve_join(project, arguments.get("name"), arguments.get("on"))
        except ValueError as error:
            yield call.lineno, str(error)
    tables = "|".join(re.escape(name) for name in project.sources)
    direct = re.compile(rf'\bRAW"?\s*\.\s*"?({tables})\b', re.IGNORECASE)
    for number, line in enumerate(text.splitlines(), start=1):
        match = direct.search(line.split("--")[0])
        if match:
            yield number, f"{match[0]} is read directly, so also rows of the future: write {USAGE}, or {{{{ source }}}}"
