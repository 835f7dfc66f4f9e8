"""``python -m benchmarks``: measure, and print a table."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.parsing import parse_times
from benchmarks.pipelines import MODELS
from benchmarks.progress import Progress
from benchmarks.scoring import BATCH, growth, throughput
from benchmarks.server import Server, running
from benchmarks.statements import statement_rates

PARTS = ("scoring", "growth", "statements", "parsing")


def main(arguments: list[str] | None = None) -> None:
    """Run the chosen parts.

    Args:
        arguments: the command line, ``sys.argv[1:]`` by default.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="what to measure; everything by default")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows to score (default: %(default)s)")
    parser.add_argument("--models", nargs="*", choices=list(MODELS), default=list(MODELS), help="default: all")
    options = parser.parse_args(arguments)
    parts = options.parts or PARTS
    # the registry's progress bars
    os.environ.setdefault("TQDM_DISABLE", "1")
    console = Console()
    steps = {"scoring": 2 * len(options.models), "growth": 1, "statements": 1, "parsing": 1}
    progress = Progress(sum(steps[part] for part in parts))
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name:
        folder = Path(name)
        if {"scoring", "growth", "statements"} & set(parts):
            with running(folder / "data") as server:
                if "scoring" in parts:
                    console.print(_scoring_table(server, folder, options.models, options.rows, progress))
                if "growth" in parts:
                    console.print(_growth_table(server, folder, options.rows, progress))
                if "statements" in parts:
                    console.print(_statements_table(server, progress))
    if "parsing" in parts:
        console.print(_parsing_table(progress))


def _scoring_table(server: Server, folder: Path, models: list[str], rows: int, progress: Progress) -> Table:
    table = Table(title=f"Incremental scoring of {rows:,} rows, by scikit-learn in memory")
    left = {"model", "features kept", "peak memory"}
    for column in ("model", "features kept", "rows/s", "in memory rows/s", "ratio", "difference", "peak memory"):
        table.add_column(column, justify="left" if column in left else "right")
    for model in models:
        for keep in (True, False):
            kept = "yes" if keep else "no"
            with progress.step(f"scoring: {model}, features kept: {kept}"):
                t = throughput(server, folder, model, rows, keep_features=keep)
            rates = (f"{t.rows / t.scored:,.0f}", f"{t.rows / t.in_memory:,.0f}")
            table.add_row(model, kept, *rates, f"{t.ratio:.2f}", f"{t.difference:.1e}", str(t.memory))
    return table


def _growth_table(server: Server, folder: Path, many: int, progress: Progress) -> Table:
    with progress.step("growth"):
        batch = growth(server, folder, 10_000, many)
    table = Table(title=f"{BATCH:,} new rows, scored and monitored")
    for column in ("rows there already", "seconds of scoring", "ratio", "seconds of monitoring", "ratio"):
        table.add_column(column, justify="right")
    table.add_row(f"{batch.few_rows:,}", f"{batch.few:.3f}", "1.00", f"{batch.few_monitored:.3f}", "1.00")
    figures = (f"{batch.many:.3f}", f"{batch.ratio:.2f}", f"{batch.many_monitored:.3f}", f"{batch.ratio_monitored:.2f}")
    table.add_row(f"{batch.many_rows:,}", *figures)
    return table


def _statements_table(server: Server, progress: Progress) -> Table:
    table = Table(title="Statements through the connector, whose text is new or comes again")
    for column in ("statement", "new /s", "repeated /s", "ratio"):
        table.add_column(column, justify="left" if column == "statement" else "right")
    with progress.step("statements"):
        rates = statement_rates(server)
    for rate in rates:
        ratio = rate.repeated / rate.new
        table.add_row(rate.statement, f"{rate.new:,.1f}", f"{rate.repeated:,.1f}", f"{ratio:.1f}")
    return table


def _parsing_table(progress: Progress) -> Table:
    table = Table(title="Parsing of DAG files, beyond the import of airflow.sdk")
    table.add_column("file")
    table.add_column("milliseconds", justify="right")
    with progress.step("parsing of DAG files"):
        times = parse_times()
    for parsing in times:
        table.add_row(parsing.file, f"{parsing.seconds * 1000:.1f}")
    return table


if __name__ == "__main__":
    main()
