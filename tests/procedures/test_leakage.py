"""The label is found in a feature whatever its distribution and form, and honest features are not refused."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from snowloop_procedures.checks import leakage
from snowloop_procedures.requests import Feature, LeakageRequest

BOUND = 0.9
NOISE = "NOISE"


def rows(label: Any, seed: int = 1, **features: Any) -> pd.DataFrame:
    """Rows with a label, some features, and one of pure noise; a quarter is held out."""
    chance = np.random.default_rng(seed)
    count = len(label)
    held_out = chance.random(count) < 0.25
    return pd.DataFrame({**features, NOISE: chance.normal(size=count), "LABEL": label, "IS_HOLDOUT": held_out})


def request(frame: pd.DataFrame, task: str, classes: tuple[Any, ...] = ()) -> LeakageRequest:
    names = [name for name in frame.columns if name not in ("LABEL", "IS_HOLDOUT")]
    features = tuple(Feature(name, "VARCHAR" if frame[name].dtype == object else "FLOAT") for name in names)
    return LeakageRequest(
        query="", repeats="", features=features, label="LABEL", task=task, classes=classes, seed=3,  # type: ignore[arg-type]
    )  # fmt: skip


def strengths(frame: pd.DataFrame, task: str, classes: tuple[Any, ...] = ()) -> dict[str, float]:
    found = leakage.alone(frame, request(frame, task, classes))
    return {name: -1.0 if each is None else each.value for name, each in found.items()}


@pytest.mark.parametrize("count", [60, 600, 5000])
@pytest.mark.parametrize("distribution", ["normal", "lognormal", "pareto", "zeros"])
def test_a_label_of_a_regression_is_found_whatever_its_distribution(distribution: str, count: int):
    chance = np.random.default_rng(count)
    label = {
        "normal": lambda: chance.normal(size=count),
        "lognormal": lambda: np.exp(1.5 * chance.normal(size=count)),
        "pareto": lambda: chance.pareto(2.1, count),
        "zeros": lambda: np.where(chance.random(count) < 0.7, 0, np.exp(chance.normal(size=count))),
    }[distribution]()
    weak = label.argsort().argsort() + chance.normal(size=count) * count
    found = strengths(rows(label, LABEL_AGAIN=label, FALLING=-(label**3), WEAK=weak), "regression")
    assert min(found["LABEL_AGAIN"], found["FALLING"]) > BOUND
    assert max(found["WEAK"], found[NOISE]) < 0.5


@pytest.mark.parametrize("positives", [40, 200])
def test_a_rare_class_is_found_in_a_feature_that_gives_it_away(positives: int):
    label = np.zeros(25_000)
    label[:: len(label) // positives] = 1
    chance = np.random.default_rng(2)
    missing = np.where(label == 1, np.nan, chance.normal(size=len(label)))
    far = np.where(label == 1, chance.choice([-9.0, 9.0], len(label)), chance.normal(size=len(label)))
    found = strengths(rows(label, SAME=label, LESS=-label, MISSING=missing, FAR=far), "classification")
    assert min(found[name] for name in ("SAME", "LESS", "MISSING", "FAR")) > BOUND
    assert found[NOISE] < BOUND


def test_a_class_with_too_few_rows_cannot_be_judged():
    label = np.zeros(5000)
    label[:4] = 1
    assert leakage.alone(rows(label, SAME=label), request(rows(label, SAME=label), "classification")) == {
        "SAME": None, NOISE: None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        lambda yes, number: f"{'CHARGEOFF' if yes else 'CLOSED'}-{number}",
        lambda yes, number: f"{number}/{'charged off' if yes else 'closed'}",
        lambda yes, number: f"C{'O' if yes else 'L'}{number:08x}",
        lambda yes, number: None if yes else f"ref {number}",
        lambda yes, number: str(number + 1_000_000 * yes),
        lambda yes, number: f"{number:06d}{'X' if yes else 'Y'}",
        lambda yes, number: str(number * 10 + yes),
        lambda yes, number: f"no. {number + 1_000_000 * yes:,} of 2024",
    ],
)
def test_a_text_gives_the_label_away_by_a_prefix_a_word_or_a_number(text: Any):
    chance = np.random.default_rng(4)
    label = (chance.random(2000) < 0.1).astype(float)
    numbers = chance.permutation(2000)
    texts = [text(bool(yes), int(number)) for yes, number in zip(label, numbers, strict=True)]
    honest = [f"ticket-{number}" for number in numbers]
    frame = rows(label, TEXT=np.array(texts, dtype=object), HONEST=np.array(honest, dtype=object))
    found = strengths(frame, "classification")
    assert found["TEXT"] > BOUND
    assert found["HONEST"] < 0.7


@pytest.mark.parametrize("count", [100, 2000])
@pytest.mark.parametrize(
    "written",
    [
        lambda value: f"{value:g}",
        lambda value: f"{value:,.2f} EUR",
        lambda value: f"USD {value:.2f}",
        lambda value: f"{value:.2f}".replace(".", ","),
        lambda value: f"{value:,.2f}".translate(str.maketrans(",.", ".,")) + " €",
    ],
)
def test_a_label_of_a_regression_is_found_as_text_however_it_is_written(written: Any, count: int):
    chance = np.random.default_rng(count)
    label = 1000 * np.exp(1.5 * chance.normal(size=count))
    honest = [f"invoice {number:,}" for number in chance.permutation(count)]
    frame = rows(label, TEXT=np.array([written(each) for each in label], dtype=object),
                 HONEST=np.array(honest, dtype=object))  # fmt: skip
    found = strengths(frame, "regression")
    assert found["TEXT"] > BOUND
    assert found["HONEST"] < 0.5


@pytest.mark.parametrize(
    "changed",
    [
        lambda label, noise: label + 1000,
        lambda label, noise: 1 / label,
        lambda label, noise: np.log(label),
        lambda label, noise: np.round(label, 1),
        lambda label, noise: label + 0.05 * label.std() * noise,
        lambda label, noise: label.astype(np.float32) * 1e7,
    ],
)
def test_a_label_of_a_regression_is_found_though_it_is_shifted_rounded_or_noisy(changed: Any):
    chance = np.random.default_rng(11)
    label = np.exp(1.5 * chance.normal(size=2000))
    assert strengths(rows(label, CHANGED=changed(label, chance.normal(size=2000))), "regression")["CHANGED"] > BOUND


def test_one_great_value_that_two_columns_share_is_no_leakage():
    """A line through one outlier explains nearly all: it must do so in both parts."""
    chance = np.random.default_rng(12)
    label, other = chance.normal(size=1000), chance.normal(size=1000)
    label[0] = other[0] = 1e6
    assert strengths(rows(label, OTHER=other), "regression")["OTHER"] < 0.5


@pytest.mark.parametrize("flipped", [0.0, 0.03])
def test_a_label_of_two_classes_is_found_inverted_as_a_category_and_with_errors(flipped: float):
    chance = np.random.default_rng(13)
    label = (chance.random(2000) < 0.15).astype(float)
    given = np.where(chance.random(2000) < flipped, 1 - label, label)
    frame = rows(label, INVERTED=1 - given, SHIFTED=given + 1000, NOISY=given + 0.2 * chance.normal(size=2000),
                 CATEGORY=np.array(["no", "yes"], dtype=object)[given.astype(int)])  # fmt: skip
    found = strengths(frame, "classification")
    assert min(found[name] for name in ("INVERTED", "SHIFTED", "NOISY", "CATEGORY")) > BOUND


def test_classes_are_found_as_text_and_as_number():
    chance = np.random.default_rng(5)
    label = chance.choice([1, 2, 3], 900)
    coded = np.array(["c", "a", "b"], dtype=object)[label - 1]
    found = strengths(rows(label, NUMBER=label * 7.0 % 5, TEXT=coded), "multiclass", (1, 2, 3))
    assert min(found["NUMBER"], found["TEXT"]) > BOUND
    assert found[NOISE] < 0.7


def test_a_feature_that_mostly_equals_the_label_is_found():
    """One row in twenty is a wild number, which spoils the rank correlation, but not the equality."""
    chance = np.random.default_rng(6)
    label = chance.normal(size=1000)
    mostly = np.where(chance.random(1000) < 0.05, chance.normal(size=1000) * 1e9, label)
    found = leakage.alone(rows(label, MOSTLY=mostly), request(rows(label, MOSTLY=mostly), "regression"))["MOSTLY"]
    assert found is not None
    assert found.value > BOUND
    assert found.by == "its equality with the label, beyond chance"


def test_equality_by_chance_is_none():
    """A label that is mostly 0, and a feature that is mostly 0 in other rows."""
    chance = np.random.default_rng(7)
    label, other = (np.where(chance.random(2000) < 0.96, 0, chance.normal(size=2000)) for _ in range(2))
    assert strengths(rows(label, OTHER=other), "regression")["OTHER"] < 0.2


# Repeats


def repeats(frame: pd.DataFrame, task: str, cell: Any = None) -> dict[str, float]:
    features = [name for name in frame.columns if name not in ("LABEL", "IS_HOLDOUT")]
    cell = frame[features].astype(str).agg("|".join, axis=1) if cell is None else cell
    asked = request(frame, task)
    return leakage.repeats(frame.assign(SNOWLOOP_CELL=cell), asked)


def held_out(count: int, chance: np.random.Generator) -> np.ndarray:
    return chance.random(count) < 0.25


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("rare", [0.5, 0.05])
def test_rows_exported_again_under_new_keys_are_found(task: str, rare: float):
    chance = np.random.default_rng(8)
    x = chance.normal(size=(1500, 4))
    label = (chance.random(1500) < rare).astype(float) if task == "classification" else chance.normal(size=1500)
    frame = pd.DataFrame(x, columns=list("ABCD")).assign(LABEL=label)
    frame = pd.concat([frame, frame.head(1000)], ignore_index=True)
    found = repeats(frame.assign(IS_HOLDOUT=held_out(len(frame), chance)), task)
    assert found["identical"] > 0.25


def test_rows_of_one_customer_that_are_nearly_equal_are_found():
    chance = np.random.default_rng(9)
    customers = chance.normal(size=(300, 4))
    label = chance.integers(0, 2, 300)
    which = np.repeat(np.arange(300), 8)
    x = customers[which] + 0.001 * chance.normal(size=(2400, 4))
    frame = pd.DataFrame(x, columns=list("ABCD")).assign(LABEL=label[which], IS_HOLDOUT=held_out(2400, chance))
    cell = pd.Series([" ".join(f"{each:.0f}" for each in row) for row in 2 * x])
    found = repeats(frame, "classification", cell)
    assert found["identical"] == 0
    assert found["near"] > 0.4


@pytest.mark.parametrize("strength", [0, 1, 3])
@pytest.mark.parametrize("columns", [2, 5, 8])
@pytest.mark.parametrize("rare", [0.0, 3.0])
def test_honest_categories_repeat_and_are_no_leakage(strength: float, columns: int, rare: float):
    chance = np.random.default_rng(10 + columns)
    x = chance.integers(0, 3, (3000, columns))
    odds = strength * (x - 1).sum(axis=1) / np.sqrt(columns) - rare
    label = (chance.random(3000) < 1 / (1 + np.exp(-odds))).astype(float)
    frame = pd.DataFrame(x.astype(float)).rename(columns=lambda place: f"X{place}")
    found = repeats(frame.assign(LABEL=label, IS_HOLDOUT=held_out(3000, chance)), "classification")
    assert found["identical"] < 0.15


def test_honest_numbers_in_one_cell_are_no_leakage():
    chance = np.random.default_rng(11)
    x = chance.normal(size=(3000, 2))
    label = (x.sum(axis=1) + 0.5 * chance.normal(size=3000) > 0).astype(float)
    frame = pd.DataFrame(x, columns=["A", "B"]).assign(LABEL=label, IS_HOLDOUT=held_out(3000, chance))
    cell = pd.Series([" ".join(f"{each:.0f}" for each in row) for row in 10 * x])
    assert repeats(frame, "classification", cell)["near"] < 0.15
