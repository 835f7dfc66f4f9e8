"""A small project whose features join a second source: what a customer paid before a loan was asked for."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from snowloop.project import Project, load_project

DECLARED = """name: loans
source: loan
key: [LOAN_ID]
sources:
  loan:
    file: "loans*.csv"
    event_time: ASKED_AT
    columns:
      LOAN_ID: {type: "NUMBER(38,0)", nullable: false, unique: true}
      CUSTOMER: {type: VARCHAR, nullable: false}
      ASKED_AT: {type: TIMESTAMP_NTZ, nullable: false}
      AMOUNT: {type: FLOAT, nullable: false, min: 0, max: 1000000000}
      LOST: {type: FLOAT, known_after_label: true}
  payment:
    file: "payments*.csv"
    event_time: PAID_AT
    known_after: 2 days
    columns:
      PAYER: {type: VARCHAR, nullable: false}
      PAID_AT: {type: DATE, nullable: false}
      PAID: {type: FLOAT, nullable: false, min: 0}
contract: {training: {on_failure: quarantine, max_failing_share: 0.5}}
label: {column: LOSS, task: regression}
split: {by: hash, holdout: 0.25}
metric: {name: rmse, at_most: 100}
leakage: {max_single_feature: 1}
candidates:
  - {name: line}
packages: [scikit-learn==1.9.1, pandas==2.3.3, snowflake-ml-python==2.6.0, snowflake-snowpark-python==1.56.0]
serving: {retry_attempts: 0}
"""
FEATURES = """SELECT
    L.LOAN_ID,
    L.AMOUNT,
    COUNT(P.PAID) AS PAYMENTS,
    COALESCE(SUM(P.PAID), 0) AS PAID,
    {more}
FROM {{{{ source }}}} AS L
LEFT JOIN {{{{ as_of('payment', on={{'CUSTOMER': 'PAYER'}}) }}}} AS P ON P.OF_LOAN_ID = L.LOAN_ID
LEFT JOIN (
    SELECT OF_LOAN_ID, COUNT(*) AS LOANS
    FROM {{{{ as_of('loan', on='customer') }}}} AS E
    GROUP BY OF_LOAN_ID
) AS E ON E.OF_LOAN_ID = L.LOAN_ID
GROUP BY L.LOAN_ID, L.AMOUNT, L.CUSTOMER, L.ASKED_AT
"""
HONEST = "COALESCE(MAX(E.LOANS), 0) AS EARLIER"
LABEL = "SELECT LOAN_ID, LOST AS LOSS FROM {{ raw }}.LOAN WHERE LOST IS NOT NULL\n"
MODEL = '''"""A line."""

from sklearn.linear_model import Ridge


def build_model(alpha=1.0):
    """A line through the points."""
    return Ridge(alpha=alpha)
'''
BEGIN = datetime(2024, 1, 1, 12)  # noqa: DTZ001 - a TIMESTAMP_NTZ


class Loan(NamedTuple):
    """A row of the first source."""

    number: int
    customer: str
    asked_at: datetime
    amount: float
    lost: float | None


class Payment(NamedTuple):
    """A row of the second one."""

    payer: str
    paid_at: datetime
    paid: float


def loans_project(folder: Path, features: str = HONEST, *changes: tuple[str, str]) -> Project:
    """The project with another last feature, or with some texts of its declaration replaced."""
    declared = DECLARED
    for old, new in changes:
        assert old in declared
        declared = declared.replace(old, new)
    place = folder / "loans"
    place.mkdir(parents=True, exist_ok=True)
    text = features if "{{" in features else FEATURES.format(more=features)
    for name, content in {
        "project.yaml": declared, "features.sql": text, "label.sql": LABEL, "model.py": MODEL,
    }.items():  # fmt: skip
        (place / name).write_text(content)
    return load_project("loans", folder)


def loans(first: int, count: int, *, labelled: bool = True) -> list[Loan]:
    """One loan a day; ten customers in turn."""
    each = []
    for number in range(first, first + count):
        lost = float(number * 37 % 23) if labelled else None
        each.append(Loan(number, f"C{number % 10}", BEGIN + timedelta(days=number), float(number * 7 % 13), lost))
    return each


def payments(days: int) -> list[Payment]:
    """A payment a day of another customer each day, each seventh of which breaks the contract."""
    day = BEGIN.replace(hour=0)
    return [
        Payment(f"C{number * 3 % 10}", day + timedelta(days=number), -1.0 if number % 7 == 0 else float(number))
        for number in range(days)
    ]


def honest(loan: Loan, paid: list[Payment], asked: list[Loan]) -> dict[str, float]:
    """The features of a loan, computed row by row from what was known before it was asked for."""
    own = [
        each.paid
        for each in paid
        if each.payer == loan.customer and each.paid >= 0 and each.paid_at + timedelta(days=2) < loan.asked_at
    ]
    earlier = [each for each in asked if each.customer == loan.customer and each.asked_at < loan.asked_at]
    return {"AMOUNT": loan.amount, "PAYMENTS": len(own), "PAID": sum(own), "EARLIER": len(earlier)}


def write(folder: Path, name: str, header: str, rows: list[Any]) -> Path:
    """A CSV file in the folder of the data."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [",".join("" if cell is None else str(cell) for cell in row) for row in rows]
    (folder / name).write_text("\n".join([header, *lines]) + "\n")
    return folder
