"""The commands that look into scores: what they require before a session is opened, and what they hand on."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from snowloop.cli.main import app
from snowloop.lifecycle.debugging.explain import Explanation, Quarantined, ServedScore
from snowloop.lifecycle.debugging.population import Population
from snowloop.lifecycle.debugging.pull import Pulled

NOON = datetime(2026, 1, 31, 12)  # noqa: DTZ001 - as Snowflake gives a TIMESTAMP_NTZ
GIVEN = ("--project", "credit_approval", "--target", "prod")


@pytest.fixture
def asked(opened: None, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the lifecycle room was asked for; it is not gone into."""
    calls: list[tuple[Any, ...]] = []
    scored = ServedScore(0.25, None, None, "V1", "r1", NOON, {"X": 1.0}, {"X_explanation": -0.5})
    answers = {
        "explain.explain_row": Explanation({"ID": "5"}, (scored,), (Quarantined("ID twice", "r0", NOON),), ()),
        "pull.pull": Pulled("V1", Path("here"), 3, "abc"),
        "population.score_population": Population("V1", "TRUE", 1200, 5, 1, 1194, "a.csv"),
    }
    for place, answer in answers.items():

        def record(workspace: Any, *given: Any, _answer: Any = answer, **named: Any) -> Any:
            calls.append((*given, named))
            return _answer

        monkeypatch.setattr(f"snowloop.lifecycle.debugging.{place}", record)
    return calls


def test_a_row_is_named_by_the_columns_of_its_key(asked: list[tuple[Any, ...]]):
    done = CliRunner().invoke(app, ["explain", *GIVEN, "--key", "ID=5", "-k", "DAY=a=b"])
    assert done.exit_code == 0, done.output
    assert asked == [({"ID": "5", "DAY": "a=b"}, {})]
    assert "score 0.25 by V1 at 2026-01-31 12:00:00 UTC, run r1" in done.output
    assert "X = 1.0" in done.output
    assert "X_explanation = -0.5" in done.output
    assert "quarantined at 2026-01-31 12:00:00 UTC, run r0: ID twice" in done.output
    refused = CliRunner().invoke(app, ["explain", *GIVEN, "--key", "5"])
    assert refused.exit_code == 1
    assert "--key 5: write it as COLUMN=VALUE, such as --key ID=5" in refused.output


def test_a_version_is_pulled_into_a_folder(asked: list[tuple[Any, ...]]):
    done = CliRunner().invoke(app, ["pull", *GIVEN, "CHAMPION", "--to", "here"])
    assert done.exit_code == 0, done.output
    assert asked == [("CHAMPION", Path("here"), {})]
    assert "cloudpickle.load(open('here/estimator.pkl', 'rb'))" in done.output


def test_a_population_is_scored_into_one_place(asked: list[tuple[Any, ...]]):
    done = CliRunner().invoke(app, ["score", *GIVEN, "--where", "TRUE", "--to", "no_such_scores.csv"])
    assert done.exit_code == 0, done.output
    assert asked == [("TRUE", {"to": Path("no_such_scores.csv"), "table": None, "version": None})]
    assert "1,194 of 1,200 rows scored with V1 (5 break the contract and 1 fail): a.csv" in done.output
    for wrong, says in (
        (["--where", "TRUE"], "a file or a table, one of the two"),
        (["--where", "TRUE; DROP TABLE T", "--table", "A.B.C"], "has ';' at character 5"),
    ):
        refused = CliRunner().invoke(app, ["score", *GIVEN, *wrong])
        assert refused.exit_code == 1
        assert says in " ".join(refused.output.split())
    assert len(asked) == 1
