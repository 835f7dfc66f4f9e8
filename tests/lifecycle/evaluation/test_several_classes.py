"""What is computed of several classes, without a server: metrics, calibration, confusion, baselines, leakage, words."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression

from snowloop_procedures import training
from snowloop_procedures.requests import Feature
from snowloop_procedures.statistics import details, metrics
from snowloop_procedures.statistics.baselines import baselines
from tests.lifecycle.evaluation.test_evaluation import FEATURES, leakage_request, strengths
from tests.lifecycle.evaluation.test_evaluation import REQUEST as TWO_CLASSES

CLASSES = ["high", "low", "middle"]


def rows(count: int = 900, seed: int = 1) -> pd.DataFrame:
    """X predicts the class, COLOUR merges two of three, NOISE is random."""
    random = np.random.default_rng(seed)
    x = random.normal(size=count)
    label = np.select([x + random.normal(size=count) / 2 > 1, x < -0.5], ["high", "low"], "middle")
    colour = np.where(label == "low", "blue", "red")
    return pd.DataFrame({"X": x, "NOISE": random.normal(size=count), "COLOUR": colour, "LABEL": label})


REQUEST = replace(TWO_CLASSES, task="multiclass", classes=tuple(CLASSES), metric="roc_auc_ovr", features=FEATURES)


@pytest.fixture(scope="module")
def scored() -> tuple[np.ndarray, np.ndarray]:
    """Labels as places among the classes, and probabilities of a fitted model."""
    some = rows()
    model = LogisticRegression().fit(some[["X"]], some["LABEL"])
    return np.array([CLASSES.index(each) for each in some["LABEL"]]), model.predict_proba(some[["X"]])


pytestmark = pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")


def test_metrics_are_those_of_scikit_learn(scored: tuple[np.ndarray, np.ndarray]):
    label, score = scored
    predicted = score.argmax(axis=1)
    assert metrics.measure("multiclass", label, score) == {
        "support": np.bincount(label).min(),
        "accuracy": pytest.approx(sk.accuracy_score(label, predicted)),
        "balanced_accuracy": pytest.approx(sk.balanced_accuracy_score(label, predicted)),
        "f1_macro": pytest.approx(sk.f1_score(label, predicted, average="macro")),
        "log_loss": pytest.approx(sk.log_loss(label, score)),
        "roc_auc_ovr": pytest.approx(sk.roc_auc_score(label, score, multi_class="ovr")),
    }


def test_what_the_rows_do_not_allow_is_missing(scored: tuple[np.ndarray, np.ndarray]):
    label, score = scored
    two = metrics.measure("multiclass", label[label < 2], score[label < 2])
    assert two["support"] == 0
    assert "roc_auc_ovr" not in two
    assert {"accuracy", "log_loss"} <= set(two)
    assert metrics.measure("multiclass", np.array([]), np.array([])) == {"support": 0.0}
    holed = np.where(np.arange(len(label)) == 3, np.nan, score.T).T
    assert set(metrics.measure("multiclass", label, holed)) == {"support"}


def test_of_two_classes_the_area_is_the_usual_one():
    random = np.random.default_rng(1)
    one = random.random(200)
    label = (random.random(200) < one).astype(int)
    both = np.column_stack([1 - one, one])
    found = metrics.value("roc_auc_ovr", label, both)
    assert found == pytest.approx(sk.roc_auc_score(label, one))


def test_labels_become_places_and_unknown_ones_are_refused():
    encode = metrics.encode_labels
    assert encode(pd.Series(["low", "high"]), CLASSES).tolist() == [1, 0]
    assert encode(pd.Series([20, 10], dtype="int64"), [10, 20]).tolist() == [1, 0]
    assert encode(pd.Series([0, 1]), []).tolist() == [0.0, 1.0]
    with pytest.raises(ValueError, match="non-finite"):
        encode(pd.Series(["huge"]), CLASSES)


def test_each_class_has_its_row_of_the_confusion(scored: tuple[np.ndarray, np.ndarray]):
    label, score = scored
    found = details.each_class(CLASSES, label, score)
    matrix = sk.confusion_matrix(label, score.argmax(axis=1))
    assert [[each["predicted"].get(name, 0) for name in CLASSES] for each in found] == matrix.tolist()
    report = sk.classification_report(label, score.argmax(axis=1), target_names=CLASSES, output_dict=True)
    for each in found:
        assert (each["precision"], each["recall"], each["f1"]) == pytest.approx(
            [report[each["name"]][name] for name in ("precision", "recall", "f1-score")]
        )
    (high, low, middle) = details.each_class(CLASSES, np.array([0, 0]), np.eye(3)[[0, 1]])
    assert (high["recall"], high["precision"], high["roc_auc"]) == (0.5, 1.0, None)
    assert (low["recall"], low["precision"], low["predicted"]) == (None, 0.0, {})
    assert (middle["f1"], middle["precision"]) == (None, None)


def test_calibration_is_that_of_the_likeliest_class(scored: tuple[np.ndarray, np.ndarray]):
    label, score = scored
    honest = details.calibration("multiclass", label, score)
    assert sum(each["rows"] for each in honest["bins"]) == len(label)
    assert min(each["score"] for each in honest["bins"]) >= 1 / 3
    assert honest["error"] < 0.08
    sure = details.calibration("multiclass", label, np.eye(3)[score.argmax(axis=1)])
    assert sure["error"] == pytest.approx(1 - sk.accuracy_score(label, score.argmax(axis=1)))


def test_baselines_are_the_shares_and_a_linear_model():
    train, test = rows(seed=1), rows(seed=2)
    found = baselines(train, test, REQUEST)
    shares = train["LABEL"].value_counts(normalize=True)
    assert found["dummy"][5] == pytest.approx([shares[name] for name in CLASSES])
    label = metrics.encode_labels(test["LABEL"], CLASSES)
    assert metrics.value("roc_auc_ovr", label, found["dummy"]) == 0.5
    assert metrics.value("roc_auc_ovr", label, found["simple"]) > 0.85  # type: ignore[operator]
    fewer = baselines(train[train["LABEL"] != "low"], test, REQUEST)
    assert set(fewer["simple"][:, 1]) == {0.0}


def test_a_feature_that_predicts_the_classes_is_found_and_noise_is_not():
    some = rows(2000)
    some["IS_HOLDOUT"] = np.arange(2000) % 4 == 0
    some["HINT"] = some["LABEL"].str.upper()
    features = (*FEATURES, Feature("HINT", "VARCHAR"))
    asked = leakage_request(features=features, task="multiclass", classes=tuple(CLASSES))
    values = strengths(some, asked)
    assert values["HINT"] == 1.0
    assert 0.8 < values["COLOUR"] < 0.99
    assert values["X"] > 0.9
    assert values["NOISE"] < 0.6
    some.loc[some["IS_HOLDOUT"] & (some["LABEL"] == "high"), "LABEL"] = "low"
    assert strengths(some, asked)["X"] > 0.8


def test_importance_is_of_the_deciding_metric():
    some = rows()
    model = LogisticRegression().fit(some[["X", "NOISE"]], some["LABEL"])
    label = metrics.encode_labels(some["LABEL"], CLASSES)
    found = details.importance(REQUEST, model, some[["X", "NOISE"]], label)
    assert found["X"] > 0.2 > abs(found["NOISE"])


def test_training_rows_of_one_class_are_refused():
    check = training._check_label
    for classes in (tuple(CLASSES), ()):
        with pytest.raises(ValueError, match="all 30 training rows have label low: there are no two classes"):
            check(pd.Series(["low"] * 30), replace(REQUEST, classes=classes))
    check(pd.Series([1.0] * 30), replace(REQUEST, task="regression", classes=()))


def test_a_model_of_other_classes_is_refused():
    class Reversed:
        classes_ = ("middle", "low", "high")

    check, score = training._check_classes, np.full((4, 3), 1 / 3)
    check(LogisticRegression().fit([[1], [2], [3]], CLASSES), score, REQUEST)
    check(object(), score, replace(REQUEST, task="regression", classes=()))
    with pytest.raises(ValueError, match=r"classes \['middle', 'low', 'high'\], it must give one for each of \['high'"):
        check(Reversed(), score, REQUEST)
    with pytest.raises(ValueError, match="gives 2 columns"):
        check(object(), score[:, :2], REQUEST)
