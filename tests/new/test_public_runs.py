"""A look-alike of a file that people try first is declared, trained and served without an edit."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from snowflake.snowpark import Session

from snowloop.lifecycle.scoring import reconcile
from snowloop.new import new_project
from snowloop.project import load_project
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
ROWS = 900
Row = Callable[[Random, int], list[object]]


def churn(draw: Random, number: int) -> list[object]:
    """A customer: the id is a text, and the total of a new one is a blank."""
    months, fee = draw.randrange(73) * (number % 40 > 0), round(draw.uniform(18, 118), 2)
    contract = draw.choice(["Month-to-month", "One year", "Two year"])
    leaves = draw.random() < (0.7 if contract == "Month-to-month" and months < 36 else 0.1)
    phone = draw.choice(["Yes", "No", "No phone service"])
    return [
        f"{number * 7919 % 9973:04}-{''.join(draw.choices('ABCDEFGHIJ', k=5))}", draw.choice(["Male", "Female"]),
        int(draw.random() < 0.16), months, phone, contract, fee, " " if months == 0 else round(months * fee, 2),
        "Yes" if leaves else "No",
    ]  # fmt: skip


def census(draw: Random, number: int) -> list[object]:
    """A person, in a file without a header; what is not known is a question mark, and each comma has a blank."""
    age, hours = draw.randrange(17, 80), draw.randrange(10, 70)
    school, years = draw.choice([("HS-grad", 9), ("Bachelors", 13), ("Masters", 14), ("11th", 7)])
    rich = draw.random() < (0.6 if years > 10 and age > 35 else 0.1)
    values: list[object] = [
        age, draw.choice(["Private", "State-gov", "?"]), draw.randrange(20_000, 400_000), school, years,
        draw.choice(["Never-married", "Divorced"]), draw.choice(["Sales", "Tech-support", "?"]),
        draw.choice(["Male", "Female"]), draw.choice([0, 0, 0, 2174]), hours, ">50K" if rich else "<=50K",
    ]  # fmt: skip
    return [values[0], *(f" {value}" for value in values[1:])]


def passengers(draw: Random, number: int) -> list[object]:
    """A passenger: survived, class and alive say what survived and pclass say, and a third of the ages is not known."""
    ticket, sex = draw.choice([1, 2, 3, 3]), draw.choice(["male", "female"])
    age = "" if draw.random() < 0.3 else draw.randrange(1, 75)
    survived = draw.random() < (0.85 if sex == "female" and ticket < 3 else 0.45 if sex == "female" else 0.15)
    port, fare = draw.choice(["S", "S", "C", "Q"]), round(draw.lognormvariate(3.5 - ticket / 2, 0.6), 4)
    return [
        int(survived), ticket, sex, age, draw.choice([0, 0, 1, 2]), fare,
        port, ("First", "Second", "Third")[ticket - 1], sex == "male",
        {"S": "Southampton", "C": "Cherbourg", "Q": "Queenstown"}[port], "yes" if survived else "no",
    ]  # fmt: skip


CHURN = "customerID,gender,SeniorCitizen,tenure,PhoneService,Contract,MonthlyCharges,TotalCharges,Churn"

PASSENGERS = "survived,pclass,sex,age,sibsp,fare,embarked,class,adult_male,embark_town,alive"


@pytest.mark.parametrize(
    ("row", "header", "key", "label"),
    [
        (churn, CHURN, "CUSTOMERID", "CHURN_YES"),
        (census, "", "ROW_ID", "COLUMN_11_50K"),
        (passengers, PASSENGERS, "ROW_ID", "SURVIVED"),
    ],
)
def test_it_is_declared_trained_and_served_without_an_edit(
    session: Session, tmp_path: Path, row: Row, header: str, key: str, label: str
):
    draw, name = Random(1), row.__name__
    lines = [",".join(map(str, row(draw, number))) for number in range(ROWS)]
    data = tmp_path / "data" / f"{name}.csv"
    data.parent.mkdir()
    data.write_text("\n".join([header] * bool(header) + lines) + "\n")
    new_project(name, data, folder=tmp_path / "projects", header=bool(header))
    world = World(session, load_project(name, tmp_path / "projects"), "public", data.parent)
    assert (world.project.key, world.project.label.column) == ((key,), label)
    world.promote_first()
    assert [each.error for each in world.results["candidates"]] == [None, None]
    world.deploy()
    world.arrive("1", "2", "3")
    later = ROWS - int(ROWS * 0.8)
    counted = reconcile(world.workspace).summary()
    assert (counted["arrived"], counted["scored"], counted["quarantined"]) == (later, later, 0)
    scores = f"SELECT COUNT(DISTINCT {key}) FROM {{db}}.SERVING.SCORED WHERE SCORE BETWEEN 0 AND 1"
    assert world.value(scores) == later
    world.rows("DROP DATABASE {db}")
