"""``python -m benchmarks``: measure, and print a table."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.data import MODELS
from benchmarks.parsing import parse_times
from benchmarks.scoring import BATCH, Bench, growth, throughput
from benchmarks.server import running

PARTS = ("scoring", "growth", "parsing")


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
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name:
        folder = Path(name)
        if {"scoring", "growth"} & set(parts):
            with running(folder / "data") as server, Bench(server, folder) as bench:
                if "scoring" in parts:
                    table = Table(title=f"Incremental scoring of {options.rows:,} rows, by scikit-learn in memory")
                    for column in ("model", "rows/s", "in memory rows/s", "ratio", "largest difference", "peak memory"):
                        table.add_column(column, justify="left" if column in {"model", "peak memory"} else "right")
                    for model in options.models:
                        t = throughput(bench, server, model, options.rows)
                        rates = (f"{t.rows / t.scored:,.0f}", f"{t.rows / t.in_memory:,.0f}")
                        table.add_row(model, *rates, f"{t.ratio:.2f}", f"{t.difference:.1e}", str(t.memory))
                    console.print(table)
                if "growth" in parts:
                    console.print(_growth_table(bench, options.rows))
    if "parsing" in parts:
        console.print(_parsing_table())


def _growth_table(bench: Bench, many: int) -> Table:
    found = growth(bench, 10_000, many)
    table = Table(title=f"Scoring of {BATCH:,} new rows")
    for column in ("rows there already", "seconds", "ratio"):
        table.add_column(column, justify="right")
    table.add_row(f"{found.few_rows:,}", f"{found.few:.3f}", "1.00")
    table.add_row(f"{found.many_rows:,}", f"{found.many:.3f}", f"{found.ratio:.2f}")
    return table


def _parsing_table() -> Table:
    table = Table(title="Parsing of DAG files, beyond the import of airflow.sdk")
    table.add_column("file")
    table.add_column("milliseconds", justify="right")
    for found in parse_times():
        table.add_row(found.file, f"{found.seconds * 1000:.1f}")
    return table


if __name__ == "__main__":
    main()
