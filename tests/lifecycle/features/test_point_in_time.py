"""A feature of a row knows what was known before its event, in training and in serving; what looks ahead is refused."""

from pathlib import Path
from typing import Any

import pytest
from snowflake.snowpark import Session

from snowloop.errors import LeakageError, TrainingError
from snowloop.lifecycle.features.point_in_time import declared_formula
from snowloop.lifecycle.features.training_set import build_training_set
from snowloop.lifecycle.scoring import await_scores
from snowloop.lifecycle.training.train import train_candidate
from snowloop.project import ProjectError
from snowloop.workspace import Workspace
from tests.support.loans import HONEST, honest, loans, loans_project, payments, write
from tests.support.world import TIMEOUT, World

LOANS, PAYMENTS = "LOAN_ID,CUSTOMER,ASKED_AT,AMOUNT,LOST", "PAYER,PAID_AT,PAID"
OLD, NEW, PAID = loans(0, 120), loans(120, 10, labelled=False), payments(200)


@pytest.fixture(scope="module")
def world(session: Session, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Loans of 120 days, and payments of 200: those that came after a loan are there when it is looked at."""
    folder = tmp_path_factory.mktemp("loans")
    data = write(folder / "data", "loans.csv", LOANS, OLD)
    write(data, "payments.csv", PAYMENTS, PAID)
    made = World(session, loans_project(folder / "projects"), "pit", data)
    made.prepare()
    return made


def wanted(rows: list[Any]) -> dict[int, dict[str, float]]:
    return {loan.number: honest(loan, PAID, [*OLD, *NEW]) for loan in rows}


def test_each_training_row_has_what_was_known_before_its_event(world: World):
    made = world.results["training_set"]
    rows = world.rows(f"SELECT LOAN_ID, AMOUNT, PAYMENTS, PAID, EARLIER FROM {made.table}")
    assert {row["LOAN_ID"]: {name: row[name] for name in ("AMOUNT", "PAYMENTS", "PAID", "EARLIER")}
            for row in rows} == wanted(OLD)  # fmt: skip
    assert any(each["PAYMENTS"] for each in wanted(OLD).values())
    checks = [check for check in made.leakage if check.name == "LOOKS_AHEAD"]
    assert [(check.subject, check.value, check.passed) for check in checks] == [
        (name, 0, True) for name in ("AMOUNT", "PAYMENTS", "PAID", "EARLIER")
    ]


def test_a_date_is_known_at_the_end_of_its_day(world: World, tmp_path: Path):
    """Loans are asked for at noon: a payment of the same day may come later, one of the day before is known."""
    project = loans_project(tmp_path, HONEST, ("    known_after: 2 days\n", ""))
    made = build_training_set(Workspace(world.session, project, world.target))
    counted = {row["LOAN_ID"]: row["PAYMENTS"] for row in world.rows(f"SELECT LOAN_ID, PAYMENTS FROM {made.table}")}
    assert counted == {
        loan.number: sum(
            each.payer == loan.customer and each.paid >= 0 and each.paid_at.date() < loan.asked_at.date()
            for each in PAID
        )
        for loan in OLD
    }
    paid = {(each.payer, each.paid_at.date()) for each in PAID}
    assert any((loan.customer, loan.asked_at.date()) in paid for loan in OLD)


@pytest.mark.parametrize(
    ("feature", "name"),
    [
        ("COUNT(*) OVER (PARTITION BY L.CUSTOMER) AS HINT", "HINT"),
        (
            "COALESCE(LEAD(L.AMOUNT) OVER (PARTITION BY L.CUSTOMER ORDER BY L.ASKED_AT), -1) AS NEXT_AMOUNT",
            "NEXT_AMOUNT",
        ),
        (
            "(SELECT COUNT(*) FROM {{ source }} AS N WHERE N.CUSTOMER = L.CUSTOMER AND N.ASKED_AT > L.ASKED_AT) AS N",
            "N",
        ),
    ],
)
def test_a_feature_that_looks_into_the_future_is_refused_by_its_name(
    world: World, tmp_path: Path, feature: str, name: str
):
    project = loans_project(tmp_path, f"SELECT L.LOAN_ID, L.AMOUNT, {feature} FROM {{{{ source }}}} AS L")
    with pytest.raises(LeakageError) as caught:
        build_training_set(Workspace(world.session, project, world.target))
    message = str(caught.value)
    assert f"feature {name} differs in " in message
    assert "rows when the rows of later events (ASKED_AT) are left out, such as LOAN_ID " in message
    assert "feature AMOUNT" not in message
    failed = world.rows(
        "SELECT FEATURE, VALUE FROM {db}.OPS.LEAKAGE_CHECKS WHERE NOT PASSED AND CHECK_NAME = 'LOOKS_AHEAD'"
    )
    assert name in [row["FEATURE"] for row in failed]


def test_rows_that_are_kept_by_what_came_later_are_found(world: World, tmp_path: Path):
    kept = "SELECT LOAN_ID, AMOUNT FROM {{ source }} QUALIFY ROW_NUMBER() OVER (ORDER BY ASKED_AT DESC) > 3"
    with pytest.raises(LeakageError, match=r"feature AMOUNT differs in 3 of \d+ rows when the rows of later"):
        build_training_set(Workspace(world.session, loans_project(tmp_path, kept), world.target))


def test_what_is_known_only_with_the_label_cannot_be_joined(world: World, tmp_path: Path):
    feature = (
        "SELECT L.LOAN_ID, E.LOST AS BEFORE FROM {{ source }} AS L LEFT JOIN {{ as_of('loan', on='CUSTOMER') }} AS E"
    )
    project = loans_project(tmp_path, f"{feature} ON E.OF_LOAN_ID = L.LOAN_ID")
    with pytest.raises(TrainingError, match=r"features\.sql: Snowflake cannot compile the query: .*LOST"):
        build_training_set(Workspace(world.session, project, world.target))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_scored_row_has_what_was_known_before_its_event(world: World):
    given = world.workspace
    candidate = train_candidate(given, world.results["training_set"], "line")
    assert candidate.error is None
    world.promote_any(candidate)
    world.deploy()
    write(world.folder, "loans_2.csv", LOANS, NEW)
    await_scores(given, timeout=TIMEOUT, since=world.load().started_at)
    scored = world.rows(
        "SELECT LOAN_ID, FEATURES:AMOUNT::FLOAT AS AMOUNT, FEATURES:PAYMENTS::FLOAT AS PAYMENTS, "
        "FEATURES:PAID::FLOAT AS PAID, FEATURES:EARLIER::FLOAT AS EARLIER FROM {db}.SERVING.SCORED"
    )
    assert {row["LOAN_ID"]: {name: row[name] for name in ("AMOUNT", "PAYMENTS", "PAID", "EARLIER")}
            for row in scored} == wanted(NEW)  # fmt: skip


JOIN = "SELECT LOAN_ID, AMOUNT\nFROM {{ source }} AS L\nJOIN %s AS P ON TRUE"


@pytest.mark.parametrize(
    ("join", "says"),
    [
        ("{{ as_of('payments', on='CUSTOMER') }}", "no such source; the sources are loan, payment"),
        ("{{ as_of('payment') }}", "needs `on`, the column that is equal in both sources"),
        ("{{ as_of('payment', on='CUSTOMER') }}", "CUSTOMER is not a column of source 'payment'"),
        ("{{ as_of('payment', on={'PAYER': 'PAYER'}) }}", "PAYER is not a column of source 'loan'"),
        ('LOANS_PIT."RAW".payment', "is read directly, so also rows of the future: write {{ as_of("),
        ("{{ raw }}.PAYMENT", "'{{ raw }}' is undefined: this file has only '{{ source }}'"),
    ],
)
def test_what_cannot_be_joined_is_reported_with_its_line(tmp_path: Path, join: str, says: str):
    with pytest.raises(ProjectError) as caught:
        loans_project(tmp_path, JOIN % join)
    assert str(caught.value).startswith(f"{tmp_path / 'loans' / 'features.sql'}:3: ")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("    event_time: PAID_AT\n    known_after: 2 days\n", ""), "source 'payment' declares no `event_time`"),
        (("    event_time: PAID_AT\n", ""), "known_after counts from the source's event time"),
        (("event_time: PAID_AT", "event_time: PAID"), "event_time PAID of source 'payment' is not one of its columns"),
        (("    known_after: 2", "    known_at: PAID_AT\n    known_after: 2"), "known_after and known_at both say when"),
        (("known_after: 2 days", "known_at: PAID"), "known_at PAID is not one of the source's columns of type DATE"),
        (
            ("    event_time: PAID_AT\n    known_after: 2 days\n", "    wait_for: 1 day\n"),
            "wait_for needs to know how far the source has come",
        ),
        (
            ("    event_time: ASKED_AT\n", "    event_time: ASKED_AT\n    wait_for: 1 day\n"),
            "wait_for of source 'loan' is for a joined source",
        ),
    ],
)
def test_a_source_without_its_moments_is_reported(tmp_path: Path, change: tuple[str, str], says: str):
    with pytest.raises(ProjectError, match=says):
        loans_project(tmp_path, "COALESCE(MAX(E.LOANS), 0) AS EARLIER", change)


def test_a_source_that_says_when_its_rows_were_known_needs_no_event_time(tmp_path: Path):
    declared = loans_project(tmp_path, HONEST, ("event_time: PAID_AT\n    known_after: 2 days", "known_at: PAID_AT"))
    assert 'DATEADD(\'second\', 86399, J."PAID_AT"::TIMESTAMP_NTZ) < R."ASKED_AT"' in declared_formula(declared).text


def test_what_the_template_computes_is_reported_when_it_is_rendered(world: World, tmp_path: Path):
    computed = "{% set name = 'pay' ~ 'ments' %}" + JOIN % "{{ as_of(name, on='CUSTOMER') }}"
    with pytest.raises(ProjectError, match=r"features\.sql: as_of\('payments'\): no such source"):
        build_training_set(Workspace(world.session, loans_project(tmp_path, computed), world.target))
