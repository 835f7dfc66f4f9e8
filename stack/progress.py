"""Shows a run while it works: one line a stage, with its time and its figures."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.status import Status
from rich.text import Text

from snowloop.figures import format_figures
from stack.events import StageEvent

MARKS = {"success": ("✓", "green"), "failed": ("✗", "red"), "retry": ("↻", "yellow")}
STAGE_WIDTH = 22


def console(*, stderr: bool = False) -> Console:
    """Make the console of the stack: texts are printed as they are, in colour only on a terminal."""
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False, soft_wrap=True)


class Progress:
    """Prints the events of a run; on a terminal, in colour and with the running stages below."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.events: list[StageEvent] = []
        self._running: dict[tuple[str, str], str] = {}
        self._status: Status | None = console.status("starting Airflow …") if console.is_terminal else None

    def __enter__(self) -> Progress:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def line(self, stage: str, seconds: float, detail: str, state: str = "success") -> None:
        """Print one line.

        Args:
            stage: The stage's name.
            seconds: Its time.
            detail: Its figures, or the reason of its failure.
            state: ``success``, ``failed`` or ``retry``.
        """
        mark, colour = MARKS[state]
        text = Text(f"{mark} {stage:<{STAGE_WIDTH}} {seconds:>6.1f} s   {detail}".rstrip())
        text.stylize(colour, 0, 1)
        if state == "success":
            text.stylize("dim", 2 + STAGE_WIDTH, 2 + STAGE_WIDTH + 10)
        self.console.print(text)

    def show(self, event: StageEvent) -> None:
        """Show an event: print the line of a stage that ended, or name one that started."""
        key = (event.task_id, event.label)
        if event.state == "running":
            self._running[key] = event.stage
        else:
            self._running.pop(key, None)
            self.events.append(event)
        if event.state in MARKS:
            detail = event.reason.splitlines()[0] if event.reason else format_figures(event.figures)
            self.line(event.stage, event.seconds, detail, event.state)
        if self._status is not None:
            self._status.update(", ".join(self._running.values()) or "…")
