"""Which odd rows the served model is asked about, with how many statements, and what is said of those that fail."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pandas as pd

from snowloop_procedures.checks import robustness
from snowloop_procedures.requests import Feature, Limits, Probing
from tests.lifecycle.evaluation.test_evaluation import REQUEST
from tests.procedures.test_bisection import RowError

FEATURES = (Feature("AGE", "FLOAT"), Feature("INCOME", "FLOAT"), Feature("JOB", "VARCHAR"), Feature("SEX", "VARCHAR"))
FACTS = {"NULLS_0": 0, "HIGHEST_0": 90.0, "NULLS_1": 3, "HIGHEST_1": 5000.0, "NULLS_2": 0, "NULLS_3": 0}
LIMITS = (Limits(18, 120), Limits(), Limits(), Limits(closed=True))
PROBING = Probing("facts", (("without values", "null"), ("infinite", "infinite")), "ask", LIMITS)
ASKED = replace(REQUEST, features=FEATURES)
NULL = {"AGE": 40.0, "INCOME": None, "JOB": None, "SEX": "f"}
INFINITE = {"AGE": 40.0, "INCOME": float("inf"), "JOB": "pilot", "SEX": "f"}
Score = Callable[[dict[str, Any]], float]


class Session:
    """Answers the statements; the model's score of a probe is given, or raises."""

    def __init__(self, score: Score) -> None:
        self.score, self.asked = score, list[list[dict[str, Any]]]()

    def sql(self, text: str, params: Sequence[str] = ()) -> Any:
        answers: dict[str, dict[str, Any]] = {"facts": FACTS, "null": NULL, "infinite": INFINITE}
        rows = [answers[text]] if text in answers else []
        answer = [SimpleNamespace(as_dict=lambda row=row: row) for row in rows]
        return SimpleNamespace(collect=lambda: answer, to_pandas=lambda: self._scores(json.loads(params[0])))

    def _scores(self, probes: list[dict[str, Any]]) -> pd.DataFrame:
        self.asked.append(probes)
        return pd.DataFrame([{"SNOWLOOP_ID": each["id"], "SCORE": self.score(each)} for each in probes])


def asked(score: Score) -> tuple[dict[str, Any], Session]:
    session = Session(score)
    return robustness.robustness(session, ASKED, PROBING), session  # type: ignore[arg-type]


def test_each_feature_gets_the_values_that_may_arrive_in_two_statements():
    found, session = asked(lambda _: 0.5)
    assert found == {"asked": 10, "failures": [], "complete": True}
    single, others = session.asked
    assert [each["feature"] for each in single] == [-1]
    values = {name: [] for name in ("AGE", "INCOME", "JOB", "SEX")}  # type: dict[str, list[Any]]
    for probe in others:
        values[FEATURES[probe["feature"]].name].append(probe["number"] or probe["text"])
    assert values["AGE"] == ["18.0", "120.0"]  # the limits of the contract; zero is not allowed
    assert values["INCOME"] == [None, "0.0", "-5000000.0", "5000000.0", "inf"]
    assert values["JOB"] == [None, robustness.UNSEEN]
    assert values["SEX"] == []  # all its texts are listed


def test_a_model_that_raises_is_named_with_feature_and_value():
    def raising(probe: dict[str, Any]) -> float:
        if probe["feature"] == 1 and probe["number"] is None:
            raise RowError("Traceback (most recent call last):\nValueError: Input X contains NaN.\n in function")
        return float("nan") if probe["number"] == "inf" else 0.5

    found, session = asked(raising)
    assert found["failures"] == [
        {"feature": "INCOME", "value": "NULL", "problem": "it raises ValueError: Input X contains NaN."},
        {"feature": "INCOME", "value": "inf", "problem": "the score is not finite"},
    ]
    assert len(session.asked) <= 12


def test_a_model_that_raises_always_costs_few_statements():
    def raising(probe: dict[str, Any]) -> float:
        if probe["feature"] >= 0:
            raise RowError("no")
        return 0.5

    found, session = asked(raising)
    assert (len(found["failures"]), found["complete"]) == (5, False)
    assert len(session.asked) < 25


def test_an_ordinary_row_by_itself_comes_first():
    found, session = asked(lambda _: float("nan"))
    assert found["failures"] == [{"feature": "", "value": "", "problem": "the score is not finite"}]
    assert len(session.asked) == 1


def test_features_that_cannot_be_computed_of_such_a_row_are_a_failure_too():
    class Refusing(Session):
        def sql(self, text: str, params: Sequence[str] = ()) -> Any:
            if text == "infinite":
                raise RowError("Invalid floating point operation: ln(0)")
            return super().sql(text, params)

    found = robustness.robustness(Refusing(lambda _: 0.5), ASKED, PROBING)  # type: ignore[arg-type]
    (failure,) = found["failures"]
    assert failure["value"] == "infinite"
    assert failure["problem"] == "features.sql raises Invalid floating point operation: ln(0)"
