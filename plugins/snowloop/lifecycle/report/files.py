"""Stage 4e: the model card of a verdict, as files in a folder or on the stage OPS.REPORTS."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from snowloop.lifecycle.report.card import Card
from snowloop.lifecycle.report.collect import collect
from snowloop.lifecycle.report.render import html, markdown
from snowloop.lifecycle.results import Result
from snowloop.sql import identifier
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
    workspace: Workspace,
    folder: Path,
    *,
    verdict_id: str | None = None,
    version: str | None = None,
) -> Report:
    """Write the report of a verdict into a folder.

    Args:
        folder: Where to write them; it is created if it does not exist.
        verdict_id: The verdict; None: the last one.
        version: Only verdicts on this version.

    Returns:
        The paths of both files.

    Raises:
        ReportError: if there is no such verdict.
        OSError: if the files cannot be written.
    """
    card = collect(workspace, verdict_id=verdict_id, version=version)
    folder.mkdir(parents=True, exist_ok=True)
    places = {name: folder / name for name in (HTML, MARKDOWN)}
    texts = _texts(card)
    for name, text in texts.items():
        places[name].write_text(text, encoding="utf-8")
    return _report(card, texts, str(places[HTML]), str(places[MARKDOWN]))


def publish_report(workspace: Workspace, *, verdict_id: str | None = None) -> Report:
    """Put the report of a verdict on the stage OPS.REPORTS, in a folder that is named after the verdict.

    Args:
        verdict_id: The verdict; None: the last one.

    Returns:
        The stage locations of both files.

    Raises:
        ReportError: if there is no such verdict.
        snowflake.snowpark.exceptions.SnowparkSQLException: if they cannot be put there.
    """
    card = collect(workspace, verdict_id=verdict_id)
    folder = f"@{identifier(workspace.database, 'OPS', 'REPORTS')}/{card.verdict.verdict_id}"
    texts = _texts(card)
    for name, text in texts.items():
        workspace.session.file.put_stream(
            BytesIO(text.encode()), f"{folder}/{name}", auto_compress=False, overwrite=True
        )
    return _report(card, texts, f"{folder}/{HTML}".replace('"', ""), f"{folder}/{MARKDOWN}".replace('"', ""))


def _texts(card: Card) -> dict[str, str]:
    return {HTML: html(card), MARKDOWN: markdown(card)}


def _report(card: Card, texts: dict[str, str], page: str, text: str) -> Report:
    verdict = card.verdict
    return Report(verdict.verdict_id, verdict.version, verdict.outcome, page, text, texts[MARKDOWN])
