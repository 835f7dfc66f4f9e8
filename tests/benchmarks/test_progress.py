"""What `make bench` shows while it measures."""

import io
import re

from rich.console import Console

from benchmarks.progress import Progress


def test_each_measurement_has_a_line_with_its_time_and_the_time_so_far():
    out = io.StringIO()
    progress = Progress(2, Console(file=out, width=100))
    for name in ("growth", "parsing of DAG files"):
        with progress.step(name):
            pass
    first, second = out.getvalue().splitlines()
    assert re.fullmatch(r"1/2 growth: \d+ s \(\d+ s in all\)", first)
    assert re.fullmatch(r"2/2 parsing of DAG files: \d+ s \(\d+ s in all\)", second)
