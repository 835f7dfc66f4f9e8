"""Puts a run that has ended into words: what was decided about which model, what was scored, what was kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.text import Text

from snowloop.figures import format_figures
from stack.events import RunEvent, StageEvent

MARKS = {"passed": "✓", "failed": "✗", "not_asked": "-"}
NAME_WIDTH = 20
COUNTED = ("files", "read", "loaded", "rejected")


def print_summary(console: Console, ended: RunEvent, events: Sequence[StageEvent], where: Mapping[str, str]) -> None:
    """Print the summary of a run, with ``where`` to look further, by what is there."""
    console.print()
    if ended.state == "success":
        console.print(Text("The run succeeded.", style="bold green"))
    else:
        failed = [event for event in events if event.state == "failed"]
        console.print(Text(f"The run failed at {failed[-1].stage}:" if failed else "The run failed.", style="bold red"))
        for event in failed:
            console.print(Text(event.reason))
    for name, text in (*summarize(events), *where.items()):
        for number, line in enumerate(text.splitlines() or [""]):
            console.print(Text.assemble((f"{name if number == 0 else '':<{NAME_WIDTH}} ", "bold"), line))


def summarize(events: Sequence[StageEvent]) -> Iterator[tuple[str, str]]:
    """Put the ends of a run's stages into words: what it is about, and what there is to say."""
    done = [event for event in events if event.state == "success"]
    by_task = {event.task_id.rpartition(".")[2]: event for event in done}
    loads = [event for event in done if {"read", "loaded"} <= event.figures.keys()]
    if loads:
        yield "data", format_figures({name: sum(each.figures.get(name, 0) for each in loads) for name in COUNTED})
    if "training_set" in by_task:
        yield "training set", format_figures(by_task["training_set"].figures)
    for event in done:
        if event.task_id.endswith("evaluate"):
            yield f"candidate {event.label}".strip(), format_figures(event.figures)
    if "gate" in by_task:
        checks = (by_task["gate"].result or {}).get("checks", [])
        lines = [f"{MARKS[check['outcome']]} {check['reason']}" for check in checks]
        yield "verdict", "\n".join([str(by_task["gate"].figures["checks"]), *lines])
    for task, name in (("promote", "champion"), ("rollback", "champion"), ("deploy", "scoring"), ("reconcile", "rows")):
        if task in by_task:
            yield name, format_figures(by_task[task].figures)
    if "report" in by_task:
        yield "report", str(by_task["report"].figures["report"])
    kept = [event for event in done if event.figures.get("kept")]
    if kept:
        yield "kept as it was", ", ".join(_kept(event) for event in kept)


def _kept(event: StageEvent) -> str:
    count = event.figures["kept"]
    number = isinstance(count, int) and not isinstance(count, bool) and count > 1
    return f"{event.stage} ({count:,})" if number else event.stage
