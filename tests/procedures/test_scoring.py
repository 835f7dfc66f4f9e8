"""The scoring procedure when things fail one after another: the cause is what is noted and told."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import snowloop_procedures.scoring

STATEMENTS = ("read", "quarantined", "scored", "note", "note_failure")
CHALLENGES = {
    "mode": "shadow",
    **{name: f"challenger {name}" for name in ("begin", "forget", "unended", "scored", "note")},
}
TEXTS: dict[str, Any] = {
    "model": "M", "versions": "versions", "features": ["A"], "classes": [], "stop": None, "challenger": CHALLENGES,
    "turn": {"holder": "holder", "take": "take"},
    **{name: f"{name} <<error>>" if name == "note_failure" else name for name in STATEMENTS},
}  # fmt: skip
FITS = '{"features": ["A"]}'


class Row(dict[str, Any]):
    """A row of Snowpark."""

    def as_dict(self) -> dict[str, Any]:
        return self

    def __getitem__(self, key: Any) -> Any:
        return next(iter(self.values())) if key == 0 else super().__getitem__(key)


class Session:
    """Answers what the procedure asks, and fails where it is told to."""

    def __init__(self, comment: str = FITS, **fails: str) -> None:
        names = {"champion": "CHAMPION", "challenger": "CHALLENGER"}
        self.versions = [
            Row(name=name, aliases=f'["{alias}"]', comment=comment if name == "champion" else FITS)
            for name, alias in names.items()
        ]
        self.fails, self.sent = fails, list[str]()

    def sql(self, text: str) -> Any:
        return SimpleNamespace(collect=lambda: self._answer(text))

    def _answer(self, text: str) -> list[Row]:
        self.sent.append(text)
        for name, error in self.fails.items():
            if text.replace(" ", "_").lower().startswith(name):
                raise RuntimeError(error)
        if text == "versions":
            return self.versions
        if text == "take":
            return [Row(N=1)]
        return [] if text == CHALLENGES["unended"] else [Row(N=0)]


@pytest.fixture
def scoring(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    statements = ModuleType("snowloop_statements")
    statements.TEXTS = TEXTS  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "snowloop_statements", statements)
    return snowloop_procedures.scoring


def test_a_run_whose_challenge_cannot_be_taken_back_is_noted_with_its_cause(scoring: ModuleType):
    session = Session(scored="the cause", challenger_forget="the table is gone")
    with pytest.raises(RuntimeError) as told:
        scoring.run(session)
    assert str(told.value) == "the cause"
    assert session.sent[-1] == "note_failure the cause"
    assert told.value.__notes__ == ["and then: the table is gone"]


def test_a_rollback_that_fails_does_not_hide_the_cause(scoring: ModuleType):
    session = Session(quarantined="the cause", rollback="the session is gone", note_failure="it is still gone")
    with pytest.raises(RuntimeError) as told:
        scoring.run(session)
    assert str(told.value) == "the cause"
    assert told.value.__notes__ == ["and then: the session is gone", "and then: it is still gone"]
    assert session.sent[-1] == "note_failure the cause"


@pytest.mark.parametrize("comment", ["the best one", "[1]", "7", ""])
def test_a_champion_whose_comment_tells_nothing_is_refused_with_what_to_do(scoring: ModuleType, comment: str):
    session = Session(comment)
    with pytest.raises(RuntimeError, match=r"champion of M does not tell .* Promote a version .* SET COMMENT"):
        scoring.run(session)
    assert "does not tell" in session.sent[-1]


def test_a_challenger_is_scored_beside_the_champion(scoring: ModuleType):
    assert '"version": "challenger"' in scoring.run(Session())
