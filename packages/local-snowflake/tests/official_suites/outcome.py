"""What a module's tests came to, read from pytest's report."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

_QUERY_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b")
_NUMBERED = re.compile(r"\b(?:SNOWPARK|TEST|SN)_[A-Z0-9_]*\b|\b0x[0-9a-f]+\b")
_WIDTH = 150


@dataclass
class Outcome:
    """A module's sums.

    Attributes:
        module: its name.
        passed, failed, skipped: tests; errors and timeouts count as failed.
        errors: the first lines of the failures, with how often each came.
        note: why there is no report, if there is none.
    """

    module: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    note: str = ""

    @property
    def percent(self) -> str:
        """The share of passed tests among those that ran."""
        ran = self.passed + self.failed
        return f"{100 * self.passed / ran:.0f}" if ran else "-"


def read_report(module: str, report: Path) -> Outcome:
    """Read a module's JUnit report.

    Args:
        module: the module's name.
        report: the XML file; a module that was stopped has none.
    """
    found = Outcome(module)
    if not report.exists():
        found.note = "no report: the module was stopped, or could not be imported"
        return found
    for case in ET.parse(report).getroot().iter("testcase"):
        fault = next((child for child in case if child.tag in {"failure", "error"}), None)
        if fault is not None:
            found.failed += 1
            found.errors[first_line(fault.get("message") or fault.text or "")] += 1
        elif case.find("skipped") is not None:
            found.skipped += 1
        else:
            found.passed += 1
    return found


def first_line(message: str) -> str:
    """A failure's text in one line, without what differs from run to run."""
    line = " ".join(message.split())
    line = _NUMBERED.sub("…", _QUERY_ID.sub("…", line))
    return line[:_WIDTH]


def table(outcomes: list[Outcome]) -> str:
    """The modules and their sum as a Markdown table."""
    rows = ["| module | passed | failed | skipped | passed, % of run |", "| --- | --: | --: | --: | --: |"]
    rows += [
        f"| {o.module}{' (' + o.note + ')' if o.note else ''} | {o.passed} | {o.failed} | {o.skipped} | {o.percent} |"
        for o in outcomes
    ]
    total = Outcome(
        "sum", sum(o.passed for o in outcomes), sum(o.failed for o in outcomes), sum(o.skipped for o in outcomes)
    )
    rows.append(f"| **{total.module}** | {total.passed} | {total.failed} | {total.skipped} | {total.percent} |")
    return "\n".join(rows)


def frequent(outcomes: list[Outcome], most: int = 25) -> str:
    """The most frequent failures of all modules, one a line."""
    counted: Counter[str] = sum((o.errors for o in outcomes), Counter())
    return "\n".join(f"{n:5} {text}" for text, n in counted.most_common(most))
