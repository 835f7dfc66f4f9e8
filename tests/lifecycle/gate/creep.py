"""Simulates years of retrains that are each a little worse, judged by the gate's own functions; prints a table.

The candidate's gain over champion and reference is drawn as held-out rows would show it: normal around the true one,
with the standard error of the paired difference of two models whose scores correlate by 0.9, on 20,000 rows of which
30 % are positive (a test compares it with drawn rows).
"""

import sys
from dataclasses import replace

import numpy as np

from snowloop.lifecycle.evaluation.parts import Interval
from snowloop.lifecycle.evaluation.results import Rival
from snowloop.lifecycle.gate.checks import champion, reference, surpasses
from snowloop.project import Project
from tests.support.judged import CREDIT, GOOD

ERROR = 0.0016
"""Standard error of the paired difference; see the test."""
RETRAINS, YEARS, START = 26, 20, 0.80


def project(tolerance: float = 0.02) -> Project:
    """A project with a tolerance."""
    return CREDIT.model_copy(update={"metric": CREDIT.metric.model_copy(update={"tolerance": tolerance})})


def year(given: Project, seed: int, step: float, *, fixed: bool = True) -> tuple[float, int]:
    """True ROC AUC of the champion after 26 retrains, each worse than it by ``step``, and how many were promoted."""
    random, now, best, promotions = np.random.default_rng(seed), START, START, 0
    for _ in range(RETRAINS):
        new = now - step
        seen = {"champion": now + random.normal(0, ERROR), "reference": best + random.normal(0, ERROR)}
        gains = {
            name: Interval(new - old, new - old - 1.96 * ERROR, new - old + 1.96 * ERROR) for name, old in seen.items()
        }
        found = replace(
            GOOD,
            metrics={**GOOD.metrics, "roc_auc": new},
            champion="CHAMPION",
            champion_metrics={"roc_auc": seen["champion"]},
            reference=Rival("REFERENCE", {"roc_auc": seen["reference"]}),
            differences={**GOOD.differences, **gains},
        )
        if champion(given, found).failed or (fixed and reference(given, found).failed):
            continue
        now, promotions = new, promotions + 1
        best = new if surpasses(given, found) else best
    return now, promotions


def main() -> None:
    """Print the table."""
    for step in (0.0, 0.002, 0.004, 0.008, 0.012):
        cells = []
        for fixed in (False, True):
            years = [year(project(), seed, step, fixed=fixed) for seed in range(YEARS)]
            end, promoted = np.mean(years, axis=0)
            cells.append(f"{promoted:.1f} of {RETRAINS}, {end:.3f}")
        sys.stdout.write(f"| {step:g} | {' | '.join(cells)} |\n")


if __name__ == "__main__":
    main()
