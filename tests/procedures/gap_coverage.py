"""``python -m tests.procedures.gap_coverage``: how often intervals of gaps between groups hold."""

import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd

from snowloop_procedures.requests import EvaluationRequest, ModelVersion, Plan, Slice, Tolerance
from snowloop_procedures.statistics.fairness import fairness
from snowloop_procedures.statistics.intervals import INDEPENDENT, Dependence

REQUEST = EvaluationRequest(
    features=(), label="Y", task="classification", classes=(), seed=1, metric="roc_auc", higher_is_better=True,
    plan=Plan(), slices=(Slice("SEX", people=True),), held_out="", training="", candidate_scores="", skew="",
    tolerance=Tolerance(0, 0), probing=None, version=ModelVersion("D", "S", "M", "V"),
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """Two groups of people and the share of each that is selected; ``each`` rows are of one person."""

    rows: tuple[int, int]
    rates: tuple[float, float]
    each: int = 1
    lowest: float = 0.92
    highest: float = 0.985

    def draw(self, random: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray, Dependence]:
        """The groups, scores that select as often, and which rows hang together."""
        people = [count // self.each for count in self.rows]
        group = np.repeat(["F", "M"], people)
        selected = random.random(len(group)) < np.repeat(self.rates, people)
        group, selected = np.repeat(group, self.each), np.repeat(selected, self.each)
        person = np.repeat(np.arange(sum(people)), self.each)
        dependence = INDEPENDENT if self.each == 1 else Dependence(groups=person)
        return pd.DataFrame({"SLICE_0": group}), selected.astype(float), dependence


CASES = {
    "0.5 of 200 and 0.3 of 200": Case((200, 200), (0.5, 0.3)),
    "0.1 of 1,000 and 0.1 of 100": Case((1000, 100), (0.1, 0.1)),
    "0.02 of 500 and 0.06 of 100": Case((500, 100), (0.02, 0.06), highest=1.0),
    "0.9 of 50 and 0.7 of 50": Case((50, 50), (0.9, 0.7)),
    "0.5 of 400 and 0.3 of 400, 10 rows of each person": Case((400, 400), (0.5, 0.3), each=10),
}


def coverage(case: Case, rounds: int, seed: int) -> float:
    """The share of samples whose interval of the gap of the selection rate holds the true gap."""
    random, truth, hits = np.random.default_rng(seed), abs(case.rates[0] - case.rates[1]), 0
    for _ in range(rounds):
        frame, score, dependence = case.draw(random)
        label = random.integers(0, 2, len(frame))
        found = fairness(REQUEST, frame, label, {"candidate": score}, np.zeros(len(frame), dtype=bool), dependence)
        (gap,) = (each for each in found["gaps"] if each["figure"] == "selection_rate")
        hits += gap["low"] <= truth <= gap["high"]
    return hits / rounds


def main() -> int:
    """Print the table; returns 0."""
    print("| selected | holds |\n| --- | --- |")
    for name, case in CASES.items():
        print(f"| {name} | {coverage(case, 1000, seed=1):.1%} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
