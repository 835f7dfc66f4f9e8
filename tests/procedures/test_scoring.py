"""The scoring procedure: what it binds, and when things fail one after another, the cause is recorded and raised."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from snowloop_procedures import scoring
from snowloop_procedures.requests import Feature
from snowloop_procedures.scoring_request import (
    VERSION,
    BatchLimit,
    ChallengerStatements,
    LockStatements,
    ScoringRequest,
    Statement,
)
from snowloop_procedures.versions import misfit


def named(text: str, *parameters: str) -> Statement:
    return Statement(text, parameters)


CHALLENGER = ChallengerStatements(
    "shadow",
    score=named("challenger score"),
    begin=named("challenger begin", "challenger"),
    unfinished=named("challenger unfinished"),
    record=named("challenger record", "rows_scored", "error"),
    forget=named("challenger forget"),
)
REQUEST = ScoringRequest(
    model="M",
    versions=named("versions"),
    features=(Feature("A", "FLOAT"),),
    classes=(),
    lock=LockStatements(named("owner"), named("acquire", "owner", "previous_owner")),
    count_rows=named("count"),
    quarantine_rows=named("quarantine", "run_id"),
    score_rows=named(f"score by {VERSION}", "model_version", "run_id"),
    record_run=named("record_run", "rows_read", "rows_scored", "rows_quarantined"),
    record_failure=named("record_failure", "model_version", "error"),
    challenger=CHALLENGER,
)
FITS = '{"features": [{"name": "A", "type": "FLOAT"}]}'


class Row(dict[str, Any]):
    """A row of Snowpark."""

    def as_dict(self) -> dict[str, Any]:
        return self

    def __getitem__(self, key: Any) -> Any:
        return list(self.values())[key] if isinstance(key, int) else super().__getitem__(key)


class Session:
    """Answers what the procedure asks; counts are given by statement, and so are failures."""

    def __init__(self, comment: str = FITS, counts: dict[str, int] | None = None, **fails: str) -> None:
        names = {"champion": "CHAMPION", "challenger": "CHALLENGER"}
        self.versions = [
            Row(name=name, aliases=f'["{alias}"]', comment=comment if name == "champion" else FITS)
            for name, alias in names.items()
        ]
        self.counts, self.fails = {"acquire": 1, **(counts or {})}, fails
        self.sent, self.bound = list[str](), dict[str, Sequence[Any] | None]()

    def sql(self, text: str, params: Sequence[Any] | None = None) -> Any:
        return SimpleNamespace(collect=lambda: self._answer(text, params))

    def _answer(self, text: str, params: Sequence[Any] | None) -> list[Row]:
        self.sent.append(text)
        self.bound[text] = params
        for name, error in self.fails.items():
            if text.replace(" ", "_").lower().startswith(name):
                raise RuntimeError(error)
        if text == "versions":
            return self.versions
        if text == "reasons":
            return [Row(REASON="X must not be null", N=3)]
        return [] if text == "challenger unfinished" else [Row(N=self.counts.get(text, 0))]


def run(session: Session, request: ScoringRequest = REQUEST) -> dict[str, Any]:
    done: dict[str, Any] = json.loads(scoring.score_new_rows(session, request))  # type: ignore[arg-type]
    return done


def test_values_are_bound_and_the_version_is_a_quoted_identifier():
    session = Session(counts={"count": 3, "quarantine": 1, 'score by "it""s"': 2})
    session.versions[0]["name"] = 'it"s'
    done = run(session)
    assert (done["read"], done["quarantined"], done["scored"]) == (3, 1, 2)
    assert session.bound['score by "it""s"'] == ['it"s', done["run_id"]]
    assert session.bound["record_run"] == [3, 2, 1]
    assert session.bound["acquire"] == [done["run_id"], "0"]
    assert session.bound["count"] is None
    assert session.sent[-2:] == ["record_run", "COMMIT"]


def test_a_run_whose_challenge_cannot_be_deleted_is_recorded_with_its_cause():
    session = Session(score="the cause", challenger_forget="the table is gone")
    with pytest.raises(RuntimeError) as raised:
        run(session)
    assert str(raised.value) == "the cause"
    assert session.sent[-1] == "record_failure"
    assert session.bound["record_failure"] == ["champion", "the cause"]
    assert raised.value.__notes__ == ["and then: the table is gone"]


def test_a_rollback_that_fails_does_not_hide_the_cause():
    session = Session(quarantine="the cause", rollback="the session is gone", record_failure="it is still gone")
    with pytest.raises(RuntimeError) as raised:
        run(session)
    assert str(raised.value) == "the cause"
    assert raised.value.__notes__ == ["and then: the session is gone", "and then: it is still gone"]
    assert session.bound["record_failure"] == ["champion", "the cause"]


@pytest.mark.parametrize("comment", ["the best one", "[1]", "7", ""])
def test_a_champion_without_features_in_its_comment_is_refused_with_what_to_do(comment: str):
    session = Session(comment)
    with pytest.raises(RuntimeError, match=r"champion of M has no features in its comment.* Promote a version .* SET"):
        run(session)
    version, error = session.bound["record_failure"] or ()
    assert version is None
    assert "no features in its comment" in error


def test_rows_that_are_neither_scored_nor_quarantined_roll_the_run_back():
    session = Session(counts={"count": 3, "quarantine": 1})
    with pytest.raises(RuntimeError, match=r"of 3 new rows 1 were quarantined and 0 scored: features\.sql must give"):
        run(session)
    assert "ROLLBACK" in session.sent
    assert "COMMIT" not in session.sent


def test_a_batch_of_which_too_many_rows_break_the_contract_is_stopped_with_the_reasons():
    session = Session(counts={"count": 4, "quarantine": 3})
    with pytest.raises(RuntimeError, match=r"3 of 4 new rows \(75.0%\) .* allows 50.0% \(3 rows: X must not be null\)"):
        run(session, replace(REQUEST, limit=BatchLimit(0.5, 4, named("reasons"))))
    with pytest.raises(RuntimeError, match=r"features\.sql must give"):
        run(session, replace(REQUEST, limit=BatchLimit(0.5, 5, named("reasons"))))


def test_a_challenger_scores_next_to_the_champion():
    session = Session(counts={"challenger score": 2, "count": 2, 'score by "champion"': 2})
    assert run(session)["challenger"] == {"version": "challenger", "rows": 2, "error": None, "serves": False}
    assert session.bound["challenger record"] == [2, None]


def test_the_share_of_a_canary_that_fails_is_the_champions():
    canary = replace(CHALLENGER, mode="canary", score_rest=named("score rest"), refusal=named("refusal", "version"))
    counts = {"challenger score": 2, "count": 5, "score rest": 3, 'score by "champion"': 5}
    refusal = {"refusal": None}
    serving = Session(counts=counts | refusal)  # type: ignore[arg-type]
    done = run(serving, replace(REQUEST, challenger=canary))
    assert (done["scored"], done["challenger"]["serves"]) == (5, True)
    assert serving.bound["refusal"] == ["challenger"]
    failing = Session(counts=counts | refusal, challenger_score="too much")  # type: ignore[arg-type]
    done = run(failing, replace(REQUEST, challenger=canary))
    assert (done["scored"], done["challenger"]["serves"], done["challenger"]["error"]) == (5, False, "too much")


@pytest.mark.parametrize(("trained", "deployed"), [(["a", "b"], ("a", "b", "c")), (["a", "b"], ()), (None, ("a", "b"))])
def test_a_champion_of_other_classes_than_deployed_does_not_score(trained: list[str] | None, deployed: tuple[str, ...]):
    facts = {**json.loads(FITS), **({"classes": trained} if trained else {})}
    version = {"name": "V1", "comment": json.dumps(facts)}
    says = f"V1 of M predicts the classes {trained or []}, scoring is deployed for {list(deployed)}: deploy"
    assert says in str(misfit(version, replace(REQUEST, classes=deployed)))
    assert misfit(version, replace(REQUEST, classes=tuple(trained or []))) is None


def test_a_champion_of_other_features_than_deployed_does_not_score():
    version = {"name": "V1", "comment": '{"features": [{"name": "B", "type": "FLOAT"}]}'}
    assert "V1 of M takes other features than the deployed features.sql gives" in str(misfit(version, REQUEST))


@pytest.mark.parametrize("request_", [REQUEST, replace(REQUEST, challenger=None, classes=(1, 2))], ids=["all", "least"])
def test_a_request_is_read_from_the_staged_file(
    request_: ScoringRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    request_ = replace(request_, limit=BatchLimit(0.5, 4, named("reasons", "run_id")))
    (tmp_path / "scoring_request.json").write_text(request_.to_json())
    monkeypatch.setitem(sys._xoptions, "snowflake_import_directory", f"{tmp_path}/")
    assert ScoringRequest.staged() == request_
