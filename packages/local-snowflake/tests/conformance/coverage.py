"""``python -m tests.conformance.coverage``: COVERAGE.md, made from the conformance tests and the checks of answers.

What it says of a semantic is true as long as its test passes; each test is named by its id, eg: ``test_s10_net_delta``.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.unit.answers.checks import DOCUMENTATION, AnswerCheck, read_checks

HERE = Path(__file__).resolve().parent
TARGET = HERE.parents[1] / "COVERAGE.md"
_AREAS = {
    "S": "Streams",
    "T": "Tasks",
    "R": "Model registry",
    "P": "Procedures and functions",
    "Q": "SQL",
    "A": "SQL API",
    "G": "Privileges",
}
_STATUSES = ("right", "deviates", "refused")
_ANSWERS = """
## Answers to everyday statements

Each check is a statement with the answer that a page of Snowflake's documentation gives to it.
"""
_HEAD = """# What the local Snowflake keeps

Made by `python -m tests.conformance.coverage` from `tests/conformance` and `tests/unit/answers`: do not edit. A row
holds as long as its test.
What is not listed may be there all the same; a statement that is not understood is refused with an error that names it
(000002, Unsupported feature).
"""


@dataclass(frozen=True)
class Semantic:
    """One conformance test: its id, what it says, and how far it is kept."""

    id: str
    text: str
    status: str
    note: str

    @property
    def order(self) -> tuple[str, int, str]:
        """By area, number, text."""
        match = re.match(r"([A-Z]+)(\d+)", self.id)
        return (match[1], int(match[2]), self.text) if match else (self.id, 0, self.text)


def semantics() -> list[Semantic]:
    """All conformance tests, read from their source."""
    nodes = (node for file in sorted(HERE.glob("test_*.py")) for node in ast.walk(ast.parse(file.read_text())))
    tests = (node for node in nodes if isinstance(node, ast.FunctionDef))
    named = ((match[1].upper(), node) for node in tests if (match := re.match(r"test_([a-z]\d+)_", node.name)))
    return sorted((_semantic(identifier, node) for identifier, node in named), key=lambda s: s.order)


def _semantic(identifier: str, node: ast.FunctionDef) -> Semantic:
    text = (ast.get_docstring(node) or node.name).split("\n\n")[0].replace("\n", " ").strip()
    for mark in node.decorator_list:
        if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name):
            status = {"deviates": "deviates", "refused": "refused", "not_yet": "not yet"}.get(mark.func.id)
            if status:
                value = mark.args[0] if mark.args else mark.keywords[0].value
                return Semantic(identifier, text, status, str(ast.literal_eval(value)))
    return Semantic(identifier, text, "supported", "")


def render(found: list[Semantic], checks: list[AnswerCheck]) -> str:
    """The page."""
    parts = [_HEAD]
    for letter in dict.fromkeys(s.order[0] for s in found):
        parts.append(f"\n## {_AREAS.get(letter, letter)}\n\n| id | semantic | status |\n| --- | --- | --- |")
        parts += [
            f"| {s.id} | {s.text.replace('|', chr(92) + '|')} | {s.status}{': ' + s.note if s.note else ''} |"
            for s in found
            if s.order[0] == letter
        ]
    return "\n".join([*parts, *_answers(checks)]) + "\n"


def _answers(checks: list[AnswerCheck]) -> list[str]:
    """How many checks of each area are right; and all that are not, with the reason."""
    counts = Counter((check.area, check.status) for check in checks)
    lines = [_ANSWERS, f"| area | {' | '.join(_STATUSES)} |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {area} | {' | '.join(str(counts[area, status]) for status in _STATUSES)} |"
        for area in dict.fromkeys(check.area for check in checks)
    ]
    totals = Counter(check.status for check in checks)
    lines.append(f"| all {len(checks)} | {' | '.join(str(totals[status]) for status in _STATUSES)} |")
    lines += ["", "| statement | documented answer | status |", "| --- | --- | --- |"]
    for check in checks:
        if check.status != "right":
            page = f"[{_cell(check.expected)}]({DOCUMENTATION}{check.page.split(',')[0]})"
            lines.append(f"| `{_cell(check.sql)}` | {page} | {check.status}: {_cell(check.reason)} |")
    return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> int:
    """Write the page; returns 0."""
    found, checks = semantics(), read_checks()
    TARGET.write_text(render(found, checks))
    print(f"{TARGET.name}: {len(found)} semantics, {len(checks)} answers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
