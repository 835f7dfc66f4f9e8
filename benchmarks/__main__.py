"""``python -m benchmarks``: measure side by side, and print tables."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.arriving import arrival
from benchmarks.clients import CLIENTS, mixed_work
from benchmarks.parsing import parse_times
from benchmarks.pipelines import MODELS
from benchmarks.progress import Progress
from benchmarks.scoring import BATCH, growth, throughput
from benchmarks.server import Server, running
from benchmarks.starting import TABLES, start
from benchmarks.statements import statement_rates
from benchmarks.wide import widths

LEFT = frozenset({"model", "features kept", "peak memory", "statement", "work", "way", "file", "figure"})
"""Columns of words."""


@dataclass(frozen=True)
class Run:
    """What the measurements share.

    Args:
        server: The local Snowflake.
        folder: A folder for files; those of the server are in it.
        rows: Rows to score and to load.
        models: Which of ``benchmarks.pipelines.MODELS``.
        seconds: How long the clients work.
        progress: Shows what is measured.
    """

    server: Server
    folder: Path
    rows: int
    models: list[str]
    seconds: float
    progress: Progress


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title)
    for column in columns:
        table.add_column(column, justify="left" if column in LEFT else "right")
    return table


def _scoring(run: Run) -> Table:
    columns = ("model", "features kept", "rows/s", "in memory rows/s", "ratio", "difference", "peak memory")
    table = _table(f"Incremental scoring of {run.rows:,} rows, by scikit-learn in memory", *columns)
    for model in run.models:
        for keep in (True, False):
            kept = "yes" if keep else "no"
            with run.progress.step(f"scoring: {model}, features kept: {kept}"):
                t = throughput(run.server, run.folder, model, run.rows, keep_features=keep)
            rates = (f"{t.rows / t.scored:,.0f}", f"{t.rows / t.in_memory:,.0f}")
            table.add_row(model, kept, *rates, f"{t.ratio:.2f}", f"{t.difference:.1e}", str(t.memory))
    return table


def _growth(run: Run) -> Table:
    with run.progress.step("growth"):
        batch = growth(run.server, run.folder, 10_000, run.rows)
    columns = ("rows there already", "seconds of scoring", "ratio of scoring", "of monitoring", "ratio of monitoring")
    table = _table(f"{BATCH:,} new rows, scored and monitored, in processor time", *columns)
    table.add_row(f"{batch.few_rows:,}", f"{batch.few:.3f}", "1.00", f"{batch.few_monitored:.3f}", "1.00")
    figures = (f"{batch.many:.3f}", f"{batch.ratio:.2f}", f"{batch.many_monitored:.3f}", f"{batch.ratio_monitored:.2f}")
    table.add_row(f"{batch.many_rows:,}", *figures)
    return table


def _arriving(run: Run) -> Table:
    with run.progress.step("arriving"):
        found = arrival(run.server, run.folder, run.rows)
    table = _table(f"{found.rows:,} rows of a CSV file into a table", "way", "seconds", "by DuckDB's read_csv")
    ways = {"snowloop load": found.product, "COPY alone": found.copied, "DuckDB's read_csv": found.in_duckdb}
    for way, seconds in ways.items():
        table.add_row(way, f"{seconds:.2f}", f"{seconds / found.in_duckdb:.1f}")
    return table


def _wide(run: Run) -> Table:
    with run.progress.step("wide"):
        found = widths(run.server, run.folder)
    table = _table("Many columns", "work", "few", "seconds of few", "many", "seconds of many", "ratio")
    for each in found:
        few = (f"{each.few[0]:,}", f"{each.few[1]:.2f}") if each.few else ("", "")
        ratio = f"{each.many[1] / each.few[1]:.1f}" if each.few else ""
        table.add_row(each.work, *few, f"{each.many[0]:,}", f"{each.many[1]:.2f}", ratio)
    return table


def _statements(run: Run) -> Table:
    columns = ("statement", "new /s", "repeated /s", "ratio")
    table = _table("Statements through the connector, whose text is new or comes again", *columns)
    with run.progress.step("statements"):
        rates = statement_rates(run.server)
    for rate in rates:
        ratio = rate.repeated / rate.new
        table.add_row(rate.statement, f"{rate.new:,.1f}", f"{rate.repeated:,.1f}", f"{ratio:.1f}")
    return table


def _clients(run: Run) -> Table:
    with run.progress.step("clients"):
        found = mixed_work(run.server, run.seconds)
    table = _table(f"{CLIENTS} clients with mixed work for {found.seconds:.0f} s", "figure", "value")
    table.add_row("answers", f"{len(found.answers):,}")
    table.add_row("errors", str(len(found.errors)))
    for share in (0.5, 0.95, 0.99):
        table.add_row(f"p{share * 100:.0f}, milliseconds", f"{found.percentile(share) * 1000:.0f}")
    table.add_row("server's memory at work, MiB", f"{found.before / 2**20:,.0f}")
    table.add_row("server's memory at the end, by that", f"{found.after / found.before:.2f}")
    for error in found.errors:
        table.add_row("error", error)
    return table


def _starting(run: Run) -> Table:
    with run.progress.step("starting"):
        found = start(run.folder / "starting")
    table = _table(f"Start over {TABLES} tables", "work", "seconds", "ratio")
    table.add_row("import duckdb and snowflake.connector, open the file", f"{found.bare:.2f}", "1.0")
    table.add_row("local-snowflake serve, until it is ready", f"{found.ready:.2f}", f"{found.ready / found.bare:.1f}")
    return table


def _parsing(run: Run) -> Table:
    table = _table("Parsing of DAG files, beyond the import of airflow.sdk", "file", "milliseconds")
    with run.progress.step("parsing of DAG files"):
        times = parse_times()
    for parsing in times:
        table.add_row(parsing.file, f"{parsing.seconds * 1000:.1f}")
    return table


PARTS: dict[str, Callable[[Run], Table]] = {
    "scoring": _scoring,
    "growth": _growth,
    "arriving": _arriving,
    "wide": _wide,
    "statements": _statements,
    "clients": _clients,
    "starting": _starting,
    "parsing": _parsing,
}


def records(table: Table) -> list[dict[str, str]]:
    """The rows of a table as they are printed, by the names of the columns."""
    names = [str(column.header) for column in table.columns]
    cells = zip(*(column.cells for column in table.columns), strict=True)
    return [dict(zip(names, map(str, row), strict=True)) for row in cells]


def main(arguments: list[str] | None = None) -> None:
    """Run the chosen parts.

    Args:
        arguments: the command line, ``sys.argv[1:]`` by default.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="what to measure; everything by default")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows to score and to load (default: %(default)s)")
    parser.add_argument("--models", nargs="*", choices=list(MODELS), default=list(MODELS), help="default: all")
    parser.add_argument("--seconds", type=float, default=60, help="how long the clients work (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="a file for all tables as JSON")
    options = parser.parse_args(arguments)
    parts = options.parts or list(PARTS)
    # the registry's progress bars
    os.environ.setdefault("TQDM_DISABLE", "1")
    console = Console()
    progress = Progress(sum(2 * len(options.models) if part == "scoring" else 1 for part in parts))
    found: dict[str, list[dict[str, str]]] = {}
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name, running(Path(name) / "data") as server:
        run = Run(server, Path(name), options.rows, options.models, options.seconds, progress)
        for part in parts:
            table = PARTS[part](run)
            found[part] = records(table)
            console.print(table)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
