"""Simulates that one tries again and again on the same held-out rows; prints a table.

Each trial is another version whose true metric is worse than the champion's by exactly the tolerance, so that none
should pass. Its gain is drawn as the rows would show it, and the gate's own function judges the interval.
"""

import sys

import numpy as np

from snowloop.lifecycle.evaluation.parts import Interval
from snowloop.lifecycle.evaluation.results import Selection
from snowloop.lifecycle.gate.selection import bonferroni_interval

ERROR, TOLERANCE, PEOPLE = 0.01, 0.02, 4000


def passes(verdicts: int, *, allowed: bool, seed: int = 1) -> float:
    """In which share of simulated projects at least one of so many verdicts lets the worse model pass."""
    random, lucky = np.random.default_rng(seed), 0
    for gains in random.normal(-TOLERANCE, ERROR, size=(PEOPLE, verdicts)):
        for earlier, gain in enumerate(gains):
            interval = Interval(gain, gain - 1.96 * ERROR, gain + 1.96 * ERROR)
            selection = Selection(earlier=earlier if allowed else 0)
            if bonferroni_interval(interval, 0.95, selection.compared).low >= -TOLERANCE:
                lucky += 1
                break
    return lucky / PEOPLE


def main() -> None:
    """Print the table."""
    for verdicts in (1, 2, 5, 20, 50):
        cells = (f"{passes(verdicts, allowed=allowed):.1%}" for allowed in (False, True))
        sys.stdout.write(f"| {verdicts} | {' | '.join(cells)} |\n")


if __name__ == "__main__":
    main()
