"""Stage 4e: the model card of a verdict, as files in a folder or on the stage OPS.REPORTS."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from snowloop.lifecycle.report.card import Card
from snowloop.lifecycle.report.collect import collect
from snowloop.lifecycle.report.render import html, markdown
from snowloop.lifecycle.results import Result
from snowloop.sql import identifier
from snowloop.stage_files import upload
from snowloop.workspace import Workspace

HTML, MARKDOWN = "report.html", "report.md"


@dataclass(frozen=True)
class Report(Result):
    """Where the report of a verdict is.

    Args:
        verdict_id: The verdict.
        version_name: The version that the verdict is about.
        outcome: ``passed``, ``refused`` or ``overridden``.
        html: Where the page is: a path, or a file on a stage.
        markdown: Where the Markdown is.
        text: The Markdown itself, to show it in a form or a comment.
    """

    verdict_id: str
    version_name: str
    outcome: str
    html: str
    markdown: str
    text: str = ""

    def summary(self) -> dict[str, int | float | str]:
        """The version, the outcome, and where the page is."""
        return {"version": self.version_name, "verdict": self.outcome, "report": self.html}


def write_report(
    workspace: Workspace, folder: Path, *, verdict_id: str | None = None, version: str | None = None
) -> Report:
    """Write the report of a verdict into a folder, which is created if it does not exist.

    Args:
        verdict_id: The verdict; None: the last one.
        version: Only verdicts on this version.

    Raises:
        ReportError: if there is no such verdict.
        OSError: if the files cannot be written.
    """

    def save(name: str, text: str) -> str:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
        return str(folder / name)

    return _report(collect(workspace, verdict_id=verdict_id, version=version), save)


def publish_report(workspace: Workspace, *, verdict_id: str | None = None) -> Report:
    """Put the report of a verdict (None: the last one) on the stage OPS.REPORTS, in a folder named after the verdict.

    Raises:
        ReportError: if there is no such verdict.
        AnswerError: if PUT answers that a file is not stored.
        snowflake.snowpark.exceptions.SnowparkSQLException: if they cannot be put there.
    """
    card = collect(workspace, verdict_id=verdict_id)
    folder = f"@{identifier(workspace.database, 'OPS', 'REPORTS')}/{card.verdict.verdict_id}"

    def put(name: str, text: str) -> str:
        upload(workspace.session, f"{folder}/{name}", text.encode())
        return f"{folder}/{name}".replace('"', "")

    return _report(card, put)


def _report(card: Card, save: Callable[[str, str], str]) -> Report:
    verdict, text = card.verdict, markdown(card)
    places = save(HTML, html(card)), save(MARKDOWN, text)
    return Report(verdict.verdict_id, verdict.version, verdict.outcome, *places, text)
