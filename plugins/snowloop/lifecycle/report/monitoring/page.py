"""The page of monitoring, as a file in a folder or on the stage OPS.REPORTS."""

from pathlib import Path
from typing import Any

from snowloop.lifecycle.report.monitoring.collect import collect_history
from snowloop.lifecycle.report.monitoring.history import MonitoringHistory
from snowloop.lifecycle.report.templates import templates
from snowloop.sql import identifier
from snowloop.stage_files import upload
from snowloop.workspace import Workspace

FOLDER = "monitoring"


def monitoring_html(history: MonitoringHistory) -> str:
    """What monitoring found as one self-contained HTML page; its content is escaped.

    Args:
        history: What it found.

    Returns:
        The page; the same history gives the same page.
    """
    from snowloop.lifecycle.report.monitoring import plots

    names: dict[str, Any] = {
        "history": history,
        "plots": plots.plots(history),
        "wide": (plots.DRIFT, plots.PERFORMANCE),
        "missing": _missing(history),
        "signals": sorted(history.signals, key=lambda each: (each.passed is not False, each.passed is None, each.name)),
        "total": next((each for each in reversed(history.drift) if each.subject == plots.TOTAL), None),
        "left_out": len({each.subject for each in history.drift}) - len(plots.nearest_to_bound(history.drift)),
        "newest": next(
            (each for each in reversed(history.performance) if each.mature and each.value is not None), None
        ),
        "latency": next((each for each in reversed(history.latencies) if each.most is not None), None),
    }
    return templates("html").get_template("monitoring.html.jinja").render(**names)


def _missing(history: MonitoringHistory) -> list[str]:
    """What there is nothing to show of yet, and why."""
    return [
        words
        for shown, words in (
            (history.drift, "Drift: no window is over that has rows enough (monitoring.drift)."),
            (history.scores, "Scores: the version has no baseline; the train DAG writes one."),
            (
                history.performance,
                "Performance: no row was scored whose label may become known (monitoring.performance).",
            ),
            (history.days, "Volume: the loop has not scored yet."),
            (history.latencies, "Latency: no file was loaded since the loop scored first."),
        )
        if not shown
    ]


def write_page(workspace: Workspace, file: Path) -> str:
    """Write the page of monitoring into a file, whose folder is created if it does not exist.

    Args:
        file: The file; one that is there is replaced.

    Returns:
        Its path.

    Raises:
        ReportError: if there is no champion.
        OSError: if it cannot be written.
    """
    text = monitoring_html(collect_history(workspace))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return str(file)


def publish_page(workspace: Workspace) -> str:
    """Put the page of monitoring on the stage OPS.REPORTS: one file a day, the last one of the day stays.

    Returns:
        Where it is.

    Raises:
        ReportError: if there is no champion.
        AnswerError: if PUT answers that it is not stored.
        snowflake.snowpark.exceptions.SnowparkSQLException: if it cannot be put there.
    """
    history = collect_history(workspace)
    path = f"@{identifier(workspace.database, 'OPS', 'REPORTS')}/{FOLDER}/{history.at:%Y-%m-%d}.html"
    upload(workspace.session, path, monitoring_html(history).encode())
    return path.replace('"', "")
