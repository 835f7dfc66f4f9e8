"""Asks the served model about odd rows: NULL, unseen texts, zeros, extremes, and one row by itself."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from snowflake.snowpark import Session

from snowloop_procedures.bisection import bisect, blames_a_row, words
from snowloop_procedures.requests import Feature, Limits, Probing, ServedRequest
from snowloop_procedures.statistics import metrics as measures

UNSEEN = "a text that training never had"
BEYOND = 1000.0
"""How far beyond the greatest absolute number of the training set the extremes are."""
MOST_CALLS, MOST_FAILURES = 60, 5


@dataclass(frozen=True)
class Probe:
    """A row in which one feature has another value.

    Args:
        id: Its place among the probes.
        feature: Place of the feature; -1: the row is left as it is.
        number: The value of a number; None: NULL.
        text: The value of a text; None: NULL.
    """

    id: int
    feature: int
    number: float | None = None
    text: str | None = None

    @property
    def value(self) -> str:
        """The value in words."""
        if self.text is not None:
            return f"'{self.text}'"
        return "NULL" if self.number is None else f"{self.number:.6g}"

    def to_dict(self) -> dict[str, Any]:
        """As the statement takes it: JSON has no infinity."""
        return asdict(self) | {"number": None if self.number is None else repr(self.number)}


def robustness(session: Session, request: ServedRequest, plan: Probing) -> dict[str, Any]:
    """Ask the served model about each feature's odd values: one statement for one row, one for all others.

    Args:
        session: The procedure's session.
        request: The features and classes.
        plan: The statements; where one fails the rows are found by halves.

    Returns:
        ``asked``: how many rows; ``failures``: up to five, each with ``feature`` and ``value`` (empty of an ordinary
        row by itself), and ``problem``; ``complete``: whether there are no more of them.
    """
    facts = session.sql(plan.facts).collect()[0].as_dict()
    changed = list[Mapping[str, Any]]()
    for what, query in plan.changed_rows:
        try:
            changed += [row.as_dict() for row in session.sql(query).collect()]
        except Exception as error:
            if not blames_a_row(error):
                raise
            return _outcome(0, [_failure("", what, f"features.sql raises {words(error)}")])
    probes = list(odd_values(request.features, plan.limits, facts, changed))
    failures = _ask(session, request, plan, [Probe(0, -1)])
    if failures:
        return _outcome(1, [_failure("", "", problem) for problem in failures.values()])
    failures = _ask(session, request, plan, probes)
    named = [_failure(request.features[probes[place].feature].name, probes[place].value, failures[place])
             for place in sorted(failures)]  # fmt: skip
    return _outcome(1 + len(probes), named)


def _outcome(asked: int, failures: list[dict[str, str]]) -> dict[str, Any]:
    return {"asked": asked, "failures": failures[:MOST_FAILURES], "complete": len(failures) < MOST_FAILURES}


def _failure(feature: str, value: str, problem: str) -> dict[str, str]:
    return {"feature": feature, "value": value, "problem": problem}


def odd_values(
    features: Sequence[Feature],
    limits: Sequence[Limits],
    facts: Mapping[str, Any],
    changed: Sequence[Mapping[str, Any]],
) -> Iterator[Probe]:
    """The rows to ask about: in each one a feature has a value that the contract lets arrive.

    Args:
        features: The features.
        limits: What the contract says of each.
        facts: NULLS_<place> and HIGHEST_<place> of the training set.
        changed: Features of rows whose columns were NULL, or infinite.

    Yields:
        NULL where a feature was NULL in the training set or becomes NULL with the source's columns; an unseen text;
        zero, a large and a negative number; infinity where it passes from a column to the feature.
    """
    found = list[Probe]()
    for place, (feature, limit) in enumerate(zip(features, limits, strict=True)):
        values = [row[feature.name] for row in changed]
        if facts[f"NULLS_{place}"] or any(value is None for value in values):
            found.append(Probe(0, place))
        if feature.type != "FLOAT":
            found += [] if limit.closed else [Probe(0, place, text=UNSEEN)]
            continue
        numbers = _extremes(limit, facts[f"HIGHEST_{place}"])
        numbers |= {float(value) for value in values if value is not None and math.isinf(float(value))}
        found += [Probe(0, place, number) for number in sorted(numbers, key=lambda each: (abs(each), each))]
    # NULL and texts first: they are the likeliest to fail
    for number, probe in enumerate(sorted(found, key=lambda each: each.number is not None)):
        yield Probe(number, probe.feature, probe.number, probe.text)


def _extremes(limits: Limits, highest: float | None) -> set[float]:
    far = BEYOND * max(1.0, highest if highest is not None and math.isfinite(highest) else 1.0)
    low, high = (-far if limits.low is None else limits.low), (far if limits.high is None else limits.high)
    return {float(min(max(number, low), high)) for number in (0.0, -far, far)}


def _ask(session: Session, request: ServedRequest, plan: Probing, probes: Sequence[Probe]) -> dict[int, str]:
    """Why the served model does not give some probes a finite score, by place."""
    problems = dict[int, str]()

    def attempt(first: int, last: int) -> None:
        some = probes[first : last + 1]
        text = json.dumps([probe.to_dict() for probe in some])
        frame = session.sql(plan.ask, params=[text]).to_pandas()
        score = measures.served(frame, "SCORE", request.classes).reshape(len(frame), -1)
        scored = dict(zip(frame["SNOWLOOP_ID"].astype(int), np.isfinite(score).all(axis=1), strict=True))
        for place, probe in enumerate(some, start=first):
            if not scored.get(probe.id, False):
                problems[place] = "the score is not finite"

    found = bisect(0, len(probes) - 1, attempt, MOST_CALLS, MOST_FAILURES)
    return problems | {place: f"it raises {words(error)}" for place, error in found.failed.items()}
