"""The operators of a challenger: one call of a lifecycle function for each action, with what the form says."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from snowloop.airflow.operators.challenge import ChallengeOperator, JudgeChallengerOperator, PromoteChallengerOperator
from snowloop.errors import ChallengeRefused
from snowloop.lifecycle.champion.challenger import Challenge, Judged
from snowloop.lifecycle.champion.compare import Comparison
from snowloop.lifecycle.champion.promote import Promotion
from snowloop.lifecycle.champion.reference import Reset
from snowloop.lifecycle.gate.verdict import Verdict

MADE: dict[str, Any] = {"task_id": "stage", "project": "credit_approval", "target": "staging"}
VERDICT = Verdict("id", "B", "A", "abc", (), kept=False)
ANSWERS = {
    "champion.challenger.challenge": Challenge("B", None, "shadow"),
    "champion.challenger.withdraw": Challenge(None, "B", "shadow"),
    "champion.challenger.judge_challenger": Judged(VERDICT, "compared"),
    "champion.challenger.promote_challenger": Promotion("B", "A", kept=False),
    "champion.reference.reset_reference": Reset("A", "B"),
    "champion.compare.compare_versions": Comparison(
        "shadow", "A", "B", "roc_auc", runs=3, rows={"champion": 5, "challenger": 5}
    ),
}


@pytest.fixture
def calls(monkeypatch):
    found = []

    def answering(place, result):
        def record(workspace, *more, **named):
            found.append((place, workspace.project.name, workspace.target, *more, named))
            return result

        return record

    for place, result in ANSWERS.items():
        monkeypatch.setattr(f"snowloop.lifecycle.{place}", answering(place, result))
    return found


@pytest.mark.parametrize(
    ("form", "place", "named"),
    [
        (
            {"action": "challenge", "version": "B", "reason": "why", "judge": "True"},
            "champion.challenger.challenge",
            {"version": "B", "reason": "why", "judge": True, "approval": None},
        ),
        ({"action": "withdraw", "reason": "why"}, "champion.challenger.withdraw", {"reason": "why"}),
        ({"action": "compare", "version": "OLD"}, "champion.compare.compare_versions", {"version": "OLD"}),
        (
            {"action": "reset_reference", "reason": "why"},
            "champion.reference.reset_reference",
            {"by": "ada", "reason": "why"},
        ),
        ({"action": "compare"}, "champion.compare.compare_versions", {"version": None}),
    ],
)
def test_each_action_is_one_call(session, context, calls, form, place, named):
    stage = ChallengeOperator(**{"version": "", "reason": "", "judge": "False"} | form, **MADE)
    result = stage.execute(context)
    assert calls == [(place, "credit_approval", "staging", named)]
    assert result == ANSWERS[place].to_dict()
    assert context["ti"].pushed["summary"] == ANSWERS[place].summary()


def test_a_promotion_is_judged_and_done_by_the_other_tasks(session, context, calls, monkeypatch):
    monkeypatch.setattr(PromoteChallengerOperator, "event", lambda *_: None)  # test_assets has the events
    with pytest.raises(AirflowSkipException, match="the action is promote, which the other tasks do"):
        ChallengeOperator(action="promote", version="", reason="", judge="False", **MADE).execute(context)
    assert JudgeChallengerOperator(action="promote", **MADE).execute(context) == VERDICT.to_dict()
    assert context["ti"].pushed["comparison"] == "compared"
    result = PromoteChallengerOperator(verdict=VERDICT.to_dict(), **MADE).execute(context)
    assert result == Promotion("B", "A", kept=False).to_dict()
    assert calls == [
        ("champion.challenger.judge_challenger", "credit_approval", "staging", {}),
        ("champion.challenger.promote_challenger", "credit_approval", "staging", VERDICT, None, {}),
    ]


@pytest.mark.parametrize("action", ["compare", "challenge", "withdraw"])
def test_nobody_is_judged_where_nothing_is_promoted(session, context, calls, action):
    with pytest.raises(AirflowSkipException, match=f"the action is {action}"):
        JudgeChallengerOperator(action=action, **MADE).execute(context)
    assert calls == []


def test_a_refusal_fails_at_once_in_words(session, context, monkeypatch):
    def refuse(*_given, **_named):
        message = "version B must not serve: the gate has not judged it"
        raise ChallengeRefused(message)

    monkeypatch.setattr("snowloop.lifecycle.champion.challenger.challenge", refuse)
    stage = ChallengeOperator(action="challenge", version="B", reason="why", judge=False, **MADE)
    with pytest.raises(AirflowFailException, match="the gate has not judged it"):
        stage.execute(context)
