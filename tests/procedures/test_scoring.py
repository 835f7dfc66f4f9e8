"""The scoring procedure: what it binds, and when things fail one after another, the cause is recorded and raised."""

import json
import re
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
    DeployedFormula,
    LockStatements,
    ScoringRequest,
    Statement,
    UnscorableStatements,
)
from snowloop_procedures.versions import misfit
from tests.procedures.test_bisection import RowError


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
    recorded_champion=named("recorded champion"),
    refusal=named("verdict", "version"),
    formula=DeployedFormula("f1", "SELECT ID, LN(A) AS A", named("formula", "training_set")),
    features=(Feature("A", "FLOAT"),),
    classes=(),
    lock=LockStatements(named("owner"), named("acquire", "owner", "previous_owner")),
    count_rows=named("count"),
    quarantine_rows=named("quarantine", "run_id"),
    score_rows=named(f"score by {VERSION}", "model_version", "run_id"),
    unscorable=UnscorableStatements(
        list_rows=named("list"),
        score_range=named("range", "model_version", "first_row", "last_row"),
        quarantine_row=named("unscorable", "first_row", "problem"),
        forget_rows=named("forget"),
        known_row=named("known", "first_row"),
    ),
    keys_not_once=named("keys", "run_id"),
    count_bins=named("bins", "model_version", "training_set"),
    record_run=named("record_run", "rows_read", "rows_scored", "rows_quarantined"),
    record_failure=named("record_failure", "model_version", "error"),
    challenger=CHALLENGER,
)
FITS = '{"formula": "f1", "training_set": "t1", "features": [{"name": "A", "type": "FLOAT"}]}'


class Row(dict[str, Any]):
    """A row of Snowpark."""

    def as_dict(self) -> dict[str, Any]:
        return self

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(key) if isinstance(key, str) else list(self.values())[key]


class Session:
    """Answers what the procedure asks; counts are given by statement, and so are failures."""

    def __init__(self, comment: str = FITS, counts: dict[str, int] | None = None, **fails: str) -> None:
        names = {"champion": "CHAMPION", "challenger": "CHALLENGER"}
        self.versions = [
            Row(name=name, aliases=f'["{alias}"]', comment=comment if name == "champion" else FITS)
            for name, alias in names.items()
        ]
        self.refusal: str | None = None
        self.recorded = [Row(TO_VERSION="champion", FROM_VERSION="before")]
        self.wrong, self.trained = list[Row](), list[Row]()
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
        lists = {
            "versions": self.versions,
            "keys": self.wrong,
            "formula": self.trained,
            "recorded champion": self.recorded,
        }
        if text in lists:
            return lists[text]
        if text == "verdict":
            return [Row(REASON=self.refusal)]
        if text == "reasons":
            return [Row(REASON="X must not be null", N=3)]
        return [] if text == "challenger unfinished" else [Row(N=self.counts.get(text, 0))]


NOBODY: Any = Session()
"""Is not asked."""


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


def test_rows_that_do_not_have_one_result_each_roll_the_run_back_though_the_counts_agree():
    session = Session(counts={"count": 5, "quarantine": 1, 'score by "champion"': 4})
    session.wrong = [
        Row(SNOWLOOP_KEY=key, SNOWLOOP_ROWS=rows, SNOWLOOP_RESULTS=results, SNOWLOOP_KEYS=7)
        for key, rows, results in (("3", 1, 2), ("4", 1, 0))
    ]
    says = (
        "of 5 new rows 1 were quarantined and 4 scored (key 3: 2 results for 1 row; key 4: no results for "
        "1 row; and 5 more): features.sql must give exactly one row"
    )
    with pytest.raises(RuntimeError, match=re.escape(says)):
        run(session)
    assert "ROLLBACK" in session.sent
    assert "COMMIT" not in session.sent


def test_a_batch_of_which_too_many_rows_break_the_contract_is_stopped_with_the_reasons():
    session = Session(counts={"count": 4, "quarantine": 3})
    with pytest.raises(RuntimeError, match=r"3 of 4 new rows \(75.0%\) .* allows 50.0% \(3 rows: X must not be null\)"):
        run(session, replace(REQUEST, limit=BatchLimit(0.5, 4, named("reasons"))))
    assert run(session, replace(REQUEST, limit=BatchLimit(0.5, 5, named("reasons"))))["quarantined"] == 3


def test_a_champion_that_was_not_judged_scores_nothing():
    session = Session(counts={"count": 2, 'score by "champion"': 2})
    session.refusal = "the gate has not judged it"
    says = r"version champion of M must not serve: the gate has not judged it; nothing was written, .* Have the gate"
    with pytest.raises(RuntimeError, match=says):
        run(session)
    assert session.bound["verdict"] == ["champion"]
    assert "ROLLBACK" in session.sent
    assert session.sent[-1] == "record_failure"
    assert "quarantine" not in session.sent


@pytest.mark.parametrize(
    ("recorded", "refused"),
    [(("other", "before"), "other"), (None, "nobody"), (("champion", None), ""), (("next", "champion"), "")],
)
def test_an_alias_that_was_moved_by_hand_is_refused_where_that_is_declared(
    recorded: tuple[str, str | None] | None, refused: str
):
    """The champion before the last entry has the alias while a promotion is under way, or was interrupted."""
    session = Session(counts={"count": 2, 'score by "champion"': 2})
    session.recorded = [Row(TO_VERSION=recorded[0], FROM_VERSION=recorded[1])] if recorded else []
    assert run(session)["scored"] == 2
    refusing = replace(REQUEST, refuse_moved_by_hand=True)
    if not refused:
        assert run(session, refusing)["scored"] == 2
        return
    with pytest.raises(
        RuntimeError, match=rf"moved by hand: champion has it, by OPS\.LEDGER .* is {refused}, .* UNSET"
    ):
        run(session, refusing)
    assert "ROLLBACK" in session.sent
    assert session.sent[-1] == "record_failure"


def test_while_no_version_has_the_alias_the_last_champion_of_the_ledger_scores():
    session = Session(counts={"count": 2, 'score by "champion"': 2})
    session.versions[0]["aliases"] = "[]"
    assert run(session)["model_version"] == "champion"
    session.recorded = [Row(TO_VERSION="gone", FROM_VERSION=None)]
    with pytest.raises(
        RuntimeError, match=r"alias CHAMPION, and gone, the last champion of OPS\.LEDGER, is gone: run the"
    ):
        run(session)


class Unscorable(Session):
    """The model raises at some of the rows, of which one statement scores a range."""

    def __init__(self, rows: int, bad: set[int], *, known: bool = True, **counts: int) -> None:
        super().__init__(counts={"count": rows, "list": rows, **counts})
        self.bad, self.known, self.scored, self.quarantined = bad, known, list[int](), dict[int, str]()

    def _answer(self, text: str, params: Sequence[Any] | None) -> list[Row]:
        if text == "known":
            if not self.known:
                raise RowError("no such file")
            return [Row(N=1)]
        if text.startswith("score by") and self.bad:
            raise RowError("Traceback (most recent call last):\nValueError: Input X contains NaN.\n in function")
        if text == "range" and params:
            rows = range(params[1], params[2] + 1)
            if self.bad & set(rows):
                raise RowError("Traceback (most recent call last):\nValueError: Input X contains NaN.\n in function")
            self.scored += rows
            return [Row(N=len(rows))]
        if text == "unscorable" and params:
            self.quarantined[params[0]] = params[1]
        return super()._answer(text, params)


@pytest.mark.parametrize("bad", [{1}, {50}, {3, 4, 99}])
def test_rows_that_the_model_cannot_score_are_quarantined_and_all_others_scored_once(bad: set[int]):
    session = Unscorable(99, bad, quarantine=1, count=100)
    done = run(session, replace(REQUEST, challenger=None))
    assert sorted(session.scored) == sorted(set(range(1, 100)) - bad)
    reason = "the model cannot score it: ValueError: Input X contains NaN."
    assert session.quarantined == dict.fromkeys(sorted(bad), reason)
    assert (done["read"], done["quarantined"], done["scored"]) == (100, 1 + len(bad), 99 - len(bad))
    assert session.bound["record_run"] == [100, 99 - len(bad), 1 + len(bad)]
    assert session.sent[-1] == "COMMIT"
    assert session.sent.index("forget") < session.sent.index("record_run")


def test_one_row_alone_is_quarantined_if_the_model_still_scores_others():
    session = Unscorable(1, {1})
    assert run(session, replace(REQUEST, challenger=None))["quarantined"] == 1
    with pytest.raises(
        RuntimeError, match=r"champion cannot score 1 or more of 1 rows, nor one of those that were scored be"
    ):
        run(Unscorable(1, {1}, known=False), replace(REQUEST, challenger=None))


@pytest.mark.parametrize(("known", "statements"), [(True, 200), (False, 40)])
def test_a_model_that_scores_nothing_fails_the_run_in_words_after_a_bounded_number_of_statements(
    known: bool, statements: int
):
    session = Unscorable(1000, set(range(1, 1001)), known=known)
    with pytest.raises(
        RuntimeError, match=rf"cannot score .* \({statements} statements; ValueError: Input X .* ROBUST"
    ):
        run(session, replace(REQUEST, challenger=None))
    assert "ROLLBACK" in session.sent
    assert "COMMIT" not in session.sent


def test_rows_that_the_model_cannot_score_count_for_the_limit_of_the_contract():
    session = Unscorable(4, {1, 2, 3})
    with pytest.raises(RuntimeError, match=r"3 of 4 new rows \(75.0%\) break the contract"):
        run(session, replace(REQUEST, challenger=None, limit=BatchLimit(0.5, 4, named("reasons"))))


def test_what_no_row_is_to_blame_for_fails_the_run_as_before():
    session = Session(counts={"count": 3}, score="the table is gone")
    with pytest.raises(RuntimeError, match="the table is gone"):
        run(session, replace(REQUEST, challenger=None))
    assert "list" not in session.sent


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
    asked = replace(canary, unapproved=named("approval", "version"))
    alone = Session(counts=counts | refusal | {"approval": "nobody has approved it"})  # type: ignore[arg-type]
    done = run(alone, replace(REQUEST, challenger=asked))
    assert (done["scored"], done["challenger"]["serves"]) == (5, False)
    assert done["challenger"]["error"] == "version challenger must not serve: nobody has approved it"
    failing = Session(counts=counts | refusal, challenger_score="too much")  # type: ignore[arg-type]
    done = run(failing, replace(REQUEST, challenger=canary))
    assert (done["scored"], done["challenger"]["serves"], done["challenger"]["error"]) == (5, False, "too much")


@pytest.mark.parametrize(("trained", "deployed"), [(["a", "b"], ("a", "b", "c")), (["a", "b"], ()), (None, ("a", "b"))])
def test_a_champion_of_other_classes_than_deployed_does_not_score(trained: list[str] | None, deployed: tuple[str, ...]):
    facts = {**json.loads(FITS), **({"classes": trained} if trained else {})}
    version = {"name": "V1", "comment": json.dumps(facts)}
    says = f"V1 of M predicts the classes {trained or []}, scoring is deployed for {list(deployed)}: deploy"
    assert says in str(misfit(NOBODY, version, replace(REQUEST, classes=deployed)))
    assert misfit(NOBODY, version, replace(REQUEST, classes=tuple(trained or []))) is None


def test_a_champion_of_other_features_than_deployed_does_not_score():
    version = {"name": "V1", "comment": '{"features": [{"name": "B", "type": "FLOAT"}]}'}
    assert "V1 of M takes other features than the deployed features.sql gives" in str(misfit(NOBODY, version, REQUEST))


def test_a_champion_of_another_formula_does_not_score_and_the_difference_is_shown():
    """Names and types are the same: only the text of features.sql has changed."""
    session = Session(FITS.replace("f1", "f2"))
    session.trained = [Row(FEATURES_SQL="SELECT ID, LOG(10, A) AS A")]
    with pytest.raises(RuntimeError, match="champion of M was trained with another") as raised:
        run(session)
    assert "-SELECT ID, LOG(10, A) AS A\n+SELECT ID, LN(A) AS A" in str(raised.value)
    assert session.bound["formula"] == ["t1"]
    assert "BEGIN" not in session.sent


def test_a_champion_that_records_no_formula_does_not_score():
    with pytest.raises(RuntimeError, match=r"does not record the features\.sql .* an earlier release .* train a new"):
        run(Session(FITS.replace('"formula": "f1", ', "")))


@pytest.mark.parametrize("request_", [REQUEST, replace(REQUEST, challenger=None, classes=(1, 2))], ids=["all", "least"])
def test_a_request_is_read_from_the_staged_file(
    request_: ScoringRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    request_ = replace(request_, limit=BatchLimit(0.5, 4, named("reasons", "run_id")))
    (tmp_path / "scoring_request.json").write_text(request_.to_json())
    monkeypatch.setitem(sys._xoptions, "snowflake_import_directory", f"{tmp_path}/")
    assert ScoringRequest.staged() == request_
