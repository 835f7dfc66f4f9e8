"""Outputs of commands in the documentation, compared with what the commands print: `…` stands for anything."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Shown:
    """A command and its output, as a page shows it, or as it ran.

    Args:
        command: The command as it is typed.
        output: What it prints.
    """

    command: str
    output: str

    def is_shown_by(self, other: "Shown") -> bool:
        """Whether a page shows this command with this output, in which `…` stands for any text."""
        parts = [re.escape(part) for part in re.split(r"…", other.output.strip())]
        return (
            self.command == other.command and re.fullmatch(".*".join(parts), self.output.strip(), re.DOTALL) is not None
        )


def shown(page: str, heading: str) -> Iterator[Shown]:
    """The commands below a heading of a page, in order, each with its output."""
    _, _, section = page.partition(f"\n{heading}\n")
    assert section, f"there is no heading {heading}"
    level = heading.split(maxsplit=1)[0]
    section = re.split(rf"^{level} ", section, maxsplit=1, flags=re.MULTILINE)[0]
    for block in CONSOLE.findall(section):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield Shown(command, output)


def not_as_shown(ran: Sequence[Shown], page: Sequence[Shown]) -> list[str]:
    """The commands of a page that no run printed so, after the one before: each with what was printed instead."""
    wrong, at = [], 0
    for each in page:
        found = next((n for n in range(at, len(ran)) if ran[n].is_shown_by(each)), None)
        if found is None:
            printed = "\n".join(one.output for one in ran[at:] if one.command == each.command) or "it did not run"
            wrong.append(f"$ {each.command}\n{each.output}\nwas:\n{printed}")
        else:
            at = found + 1
    return wrong
