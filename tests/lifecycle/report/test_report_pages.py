"""A report's page and comment, of constructed cards: complete, self-contained, and safe whatever a name holds."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from snowloop.checks import Check
from snowloop.lifecycle.evaluation.parts import (
    ClassResult,
    ConfusionCell,
    Cost,
    GroupGap,
    GroupResult,
    Interval,
    SliceResult,
)
from snowloop.lifecycle.evaluation.results import Evaluation
from snowloop.lifecycle.features.training_set import TrainingSet
from snowloop.lifecycle.report.card import (
    Card,
    Data,
    EvaluationSummary,
    FeatureFacts,
    LoadSummary,
    MetricRow,
    Part,
    VerdictSummary,
)
from snowloop.lifecycle.report.figures import summarize_evaluation
from snowloop.lifecycle.report.render import html, markdown
from snowloop.lifecycle.report.templates import number
from snowloop.lifecycle.training.train import Candidate

CANDIDATE = Candidate("A", "A_1", TrainingSet("T", "f" * 12, 400, 100, 0, (), kept=False), metric="accuracy")
CHECKS = (
    Check.of("TRAINED", passed=True, reason="2 of 2 candidates could be trained", value=2, bound=1),
    Check.of("BOUND", passed=True, reason="roc_auc is 0.7259", value=0.7259, bound=0.65, baseline=None),
)
CURVE = {"x": [0.0, 0.2, 1.0], "y": [0.0, 0.7, 1.0]}
CLASS = {"name": "1", "rows": 100, "positive": 20, "roc": CURVE, "precision_recall": CURVE}
RESIDUALS = {"edges": [-1.0, 0.0, 1.0], "counts": [3, 4], "predicted": [1.0, 2.0], "residual": [0.1, -0.4]}
MEASURED = EvaluationSummary(
    settings={
        "task": "classification", "metric": "roc_auc", "threshold": 0.5, "confidence": 0.9, "seed": 7,
        "query_id": "01b2-query",
    },
    metrics=(MetricRow("roc_auc", {"candidate": 0.7259, "champion": 0.71, "simple": 0.66, "dummy": 0.5}),),
    interval=Interval(0.7259, 0.64, 0.79),
    differences={"champion": Interval(0.0159, -0.01, 0.04)},
    slices=(SliceResult("AGE", "below 30", 41, 0.69),),
    bins=((0.1, 0.12, 50), (0.6, 0.55, 50)),
    confusion=(
        ConfusionCell("0", "0", 70), ConfusionCell("0", "1", 10),
        ConfusionCell("1", "0", 9), ConfusionCell("1", "1", 11),
    ),
    importance=(("AGE", 0.03), ("PLAN", -0.001)),
    cost=Cost(4407, 0.025, 0.6),
    curves={"classes": [CLASS]},
    rows=100,
)  # fmt: skip
DATA = Data(
    "TRAINING_SET_ABC", 400, 100, 3, "c0ffee", "2026-11-22 09:00:00 UTC",
    (Part(False, "0", 240), Part(False, "1", 60), Part(True, "0", 80), Part(True, "1", 20)),
    (LoadSummary("CUSTOMERS", 2, 403, 1, 0.005, "01b2-load"),),
)  # fmt: skip
CARD = Card(
    "churn", "Who leaves?", ("ml-platform",), ("churn",), "dev", "CHURN_DEV.MODELS.CHURN",
    VerdictSummary("v123", "LOGISTIC_1", CHECKS, "TREE_1", "abc", "deadbeef", "2026-11-22 09:03:50 UTC", "e456"),
    MEASURED, DATA,
    (FeatureFacts("AGE", "FLOAT", 0.6, 0.03), FeatureFacts("PLAN", "VARCHAR", 0.55, -0.001)),
    {"candidate": "logistic", "params": {"c": 1}, "git_commit": "deadbeef", "packages": ["scikit-learn==1.9.1"],
     "lock_hash": "10cc", "seed": 7},
)  # fmt: skip
REFUSED = (*CHECKS, Check.of("SKEW", passed=False, reason="skew is 0.2 | too much", value=0.2, bound=1e-6))
EVIL = '<script>alert("x")</script>'


class Page(HTMLParser):
    """Tags, attributes and text of a page; what is in <style> apart."""

    VOID = ("meta", "br", "img", "link", "input", "hr")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.style = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.style += data
        elif data.strip():
            self.words.append(data.strip())


def with_verdict(card: Card, **changes: object) -> Card:
    return replace(card, verdict=replace(card.verdict, **changes))  # type: ignore[arg-type]


REGRESSION = replace(
    CARD,
    evaluation=replace(
        MEASURED,
        settings={**MEASURED.settings, "task": "regression"},
        confusion=(),
        curves={"residuals": RESIDUALS},
    ),
    data=replace(DATA, parts=(Part(False, None, 300, 5.0, 1.0, 2.0, 9.0), Part(True, None, 100, 5.1, 1.1, 2.0, 9.0))),
)
UNTRAINED = replace(with_verdict(CARD, evaluation_id=None), evaluation=None, data=None, features=(), version_facts={})


def details(metric: str, task: str, metrics: dict[str, dict[str, float]], **results: Any) -> dict[str, Any]:
    """What OPS.EVALUATION_DETAILS holds of an evaluation."""
    made = Evaluation(CANDIDATE, metrics["candidate"], baselines={"dummy": metrics.get("dummy", {})}, **results)
    return {"metric": metric, "task": task, "curves": {}, "results": made.results()}


MULTICLASS_DETAILS = details(
    "accuracy",
    "multiclass",
    {"candidate": {"accuracy": 0.9}, "dummy": {"accuracy": 0.4}},
    slices=(SliceResult("AGE: in years", "below 30", 30, 0.8),),
    classes=(
        ClassResult("red, a shade", 30, {"red, a shade": 20, "blue": 10}, 0.8, 0.6, 0.7, 0.75),
        ClassResult("blue", 30, {"red, a shade": 4, "blue": 26}, 0.5, 0.7, 0.6, None),
    ),
)
MULTICLASS = replace(
    CARD,
    evaluation=summarize_evaluation({**MULTICLASS_DETAILS, "curves": {"classes": [CLASS, {**CLASS, "name": "red"}]}}),
)
GONE = replace(CARD, data=replace(DATA, parts=()))
CARDS = {
    "classification": CARD,
    "regression": REGRESSION,
    "refused": with_verdict(CARD, checks=REFUSED),
    "untrained": UNTRAINED,
    "gone": GONE,
    "multiclass": MULTICLASS,
    "old": replace(CARD, evaluation=replace(MEASURED, settings={"metric": "roc_auc"}, curves={})),
}


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
def test_a_page_is_well_formed_and_references_nothing_outside_of_itself(card: Card):
    text = html(card)
    page = Page(text)
    assert page.open == []
    assert not {"script", "link", "iframe", "object", "embed", "img", "base", "form"} & set(page.tags)
    loading = {"src", "srcset", "href", "xlink:href", "action", "data", "poster", "background", "formaction"}
    outside = [each for each in page.attributes if each[1] in loading and not each[2].startswith("#")]
    assert outside == []
    assert not [each for each in page.attributes if each[1].startswith("on")]
    styles = page.style + "".join(value for _, name, value in page.attributes if name in ("style", "clip-path"))
    assert "@import" not in styles
    assert [found for found in re.findall(r"url\(([^)]*)\)", styles) if not found.startswith("#")] == []
    assert "http" not in text


def test_ids_of_a_page_are_unique_and_what_they_are_used_for_is_there():
    page = Page(html(CARD))
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    used = {value[1:] for _, name, value in page.attributes if name == "href"}
    used |= set(re.findall(r"url\(#([^)]*)\)", "".join(value for *_, value in page.attributes)))
    assert used
    assert used <= set(ids)


def test_a_page_has_everything():
    page = Page(html(CARD))
    text = " ".join(page.words)
    for words in (
        "Who leaves?", "ml-platform", "Passed the gate", "2 of 2 checks passed", "0.7259", "90% interval 0.64 to 0.79",
        "paired interval -0.01 to 0.04", "below 30", "100", "41", "predicted 1", "240",
        "80.0%", "01b2-load", "01b2-query", "abc",
        "deadbeef", "scikit-learn==1.9.1", "10cc", "v123", "e456", "4.41 KB", "0.025 ms",
    ):  # fmt: skip
        assert words in text, words
    assert page.tags.count("svg") == 4
    shown = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "aria-label")]
    assert shown == ["ROC curve", "Precision and recall", "Calibration", "Permutation importance"]


def test_a_file_that_lost_many_of_its_records_is_shown_in_red_on_the_page_and_in_the_pull_request():
    lost = "83.0% of the records of a file of CUSTOMERS were rejected: see RAW.REJECTED_LINES"
    assert CARD.data
    assert 'class="bad">✗ ' not in html(CARD)
    assert "❌" not in markdown(CARD)
    load = LoadSummary("CUSTOMERS", 1, 5, 25, 0.83, None)
    card = replace(CARD, data=replace(CARD.data, loads=(load,)))
    assert f'<p class="bad">✗ {lost}' in html(card)
    assert '<td class="n bad">25</td>' in html(card)
    assert f"❌ {lost}" in markdown(card)


def test_a_regression_has_residuals_instead_of_curves():
    page = Page(html(REGRESSION))
    shown = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "aria-label")]
    assert shown == ["Residuals by prediction", "Residuals", "Calibration", "Permutation importance"]
    assert "predicted 1" not in page.words
    assert "mean label" in page.words


def test_several_classes_have_a_row_each_and_a_square_of_confusion():
    evaluation = MULTICLASS.evaluation
    assert evaluation
    assert [part.column for part in evaluation.slices] == ["AGE: in years"]
    assert [each.name for each in evaluation.classes] == ["red, a shade", "blue"]
    assert ConfusionCell("red, a shade", "blue", 10) in evaluation.confusion
    words = Page(html(MULTICLASS)).words
    assert {"predicted red, a shade", "predicted blue", "26", "Confusion matrix", "0.75"} <= set(words)
    assert "| blue | 30 | 0.5 | 0.7 | 0.6 | - |" in markdown(MULTICLASS)


def test_results_that_are_read_back_from_json_are_the_same():
    assert summarize_evaluation(json.loads(json.dumps(MULTICLASS_DETAILS))) == summarize_evaluation(MULTICLASS_DETAILS)


def test_groups_of_people_are_shown_with_their_widest_gaps():
    groups = (
        GroupResult("SEX", "F", 40, {"selection_rate": 0.25, "calibration": 0.01}),
        GroupResult("SEX", "M", 40, {"selection_rate": 0.375, "calibration": None}),
    )
    gaps = (
        GroupGap("SEX", "selection_rate", "F", "M", 0.125, 0.0, 0.33, Interval(0.015, -0.1, 0.2)),
        GroupGap("SEX", "selection_rate", "F", "X", 0.075, 0.0, 0.2),
    )
    known = details("roc_auc", "classification", {"candidate": {"roc_auc": 0.7}}, groups=groups, gaps=gaps)
    card = replace(CARD, evaluation=summarize_evaluation(json.loads(json.dumps(known))))
    words = Page(html(card)).words
    assert {
        "Groups of people",
        "selection rate",
        "0.375",
        "F and M",
        "0.125",
        "0 to 0.33",
        "0.015 (-0.1 to 0.2)",
    } <= set(words)
    assert "F and X" not in words
    assert "| SEX: M | 40 | 0.375 | - |" in markdown(card)
    assert "widest gap of the selection rate: 0.125 (0 to 0.33) between SEX F and M" in markdown(card)


def test_an_evaluation_without_results_is_not_measured():
    assert summarize_evaluation({"metric": "roc_auc", "curves": {}}) is None


def test_a_check_that_was_not_asked_is_shown_so_and_not_counted_as_passed():
    card = with_verdict(CARD, checks=(*CHECKS, Check("SLICES", "not_asked", "no slice declares a bound")))
    assert card.verdict.outcome == "passed"
    assert "2 checks passed, 1 not asked" in " ".join(Page(html(card)).words)
    assert "Verdict: 2 checks passed, 1 not asked" in markdown(card)
    assert "| ⚪ | SLICES |" in markdown(card)


def test_a_deciding_metric_that_is_missing_stays_the_first_and_is_reported_as_missing():
    evaluation = details("roc_auc", "classification", {"candidate": {"support": 0.0, "accuracy": 1.0, "brier": 0.0}})
    evaluation["results"]["rows"] = 249
    card = replace(CARD, evaluation=summarize_evaluation(evaluation))
    assert card.evaluation
    assert card.evaluation.metrics[0] == MetricRow("roc_auc", {"candidate": None})
    assert card.evaluation.rows == 249
    assert "**roc_auc -** on 249 held-out rows" in markdown(card)


def test_the_same_card_gives_the_same_files():
    assert html(CARD) == html(CARD)
    assert markdown(CARD) == markdown(CARD)


@pytest.mark.parametrize("name", [EVIL, "$x^2$ & more", "a|b\nc", "`tick` *star* [link](http://example.org)"])
def test_a_name_is_shown_and_never_read(name: str):
    evaluation = replace(MEASURED, importance=((name, 0.1),), slices=(SliceResult(name, name, 4, 0.5),))
    checks = (Check.of("BOUND", passed=False, reason=name),)
    card = replace(
        with_verdict(CARD, checks=checks),
        purpose=name,
        evaluation=evaluation,
        features=(FeatureFacts(name, "FLOAT", 0.5, 0.1),),
    )
    page = Page(html(card))
    assert "script" not in page.tags
    assert not {"a", "em"} & set(page.tags)
    assert [word for word in page.words if word == name.strip()][1:]
    if len(name) <= 28:
        assert page.words.count(name) >= 5, "the plot too shows it as it is"
    text = markdown(card)
    row = next(line for line in text.splitlines() if "❌ | BOUND" in line)
    assert len(re.findall(r"(?<!\\)\|", row)) == 6, "a bar in a text makes no column"
    assert "<script" not in text
    assert not re.search(r"(?<!\\)\]\(", text), "a name makes no link"


def test_the_comment_says_the_verdict_first_and_what_failed_before_the_rest():
    text = markdown(with_verdict(CARD, checks=REFUSED)).splitlines()
    assert text[0] == "### churn on dev: LOGISTIC_1 ❌ was refused by the gate"
    checks = [line for line in text if line.startswith(("| ✅", "| ❌"))]
    assert checks[0] == r"| ❌ | SKEW | 0.2 | 1e-06 | skew is 0.2 \| too much |"
    assert len(checks) == 3
    assert len("\n".join(text)) < 10_000
    assert markdown(CARD).startswith("### churn on dev: LOGISTIC_1 ✅ passed the gate\n")
    text = markdown(with_verdict(CARD, checks=REFUSED, override="Ada Lovelace: it is a test")).splitlines()
    assert text[0].endswith("passed by override")
    assert "Override: Ada Lovelace: it is a test" in text


def test_tables_of_the_comment_have_as_many_cells_in_each_row():
    for card in CARDS.values():
        blocks = re.split(r"\n(?!\|)", markdown(card))
        for block in blocks:
            rows = [line for line in block.splitlines() if line.startswith("|")]
            assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) <= 1, rows
            assert not rows or set(rows[1]) <= set("| -:")


def test_what_is_missing_is_a_dash():
    assert [number(each) for each in (None, 0, 4407, 0.02547123, 1234.5, 1e-7, float("nan"))] == [
        "-", "0", "4,407", "0.02547", "1,234.5", "1e-07", "nan",
    ]  # fmt: skip


def test_folds_are_reported_where_there_were_some():
    folds = {"cv_roc_auc_mean": 0.71234, "cv_roc_auc_std": 0.0205}
    folded = replace(MEASURED, cross_validation=folds, settings={**MEASURED.settings, "cross_validation": 5})
    words = "0.7123 ± 0.0205 (mean and standard deviation over 5 folds of the training rows)"
    for write in (html, markdown):
        assert words in write(replace(CARD, evaluation=folded))
        assert "over 5 folds" not in write(CARD)
        assert "ross-validated" not in write(CARD)


def test_the_number_of_candidates_is_reported_with_how_the_best_was_chosen():
    alone, many = (
        with_verdict(CARD, checks=(Check.of("TRAINED", passed=True, reason="some of 13", value=count, bound=1.0),))
        for count in (1.0, 12.0)
    )
    folded = replace(many, evaluation=replace(MEASURED, settings={**MEASURED.settings, "cross_validation": 5}))
    for write in (html, markdown):
        assert "The best of 12 candidates, chosen on these held-out rows" in write(many)
        assert "The best of 12 candidates, chosen by cross-validation" in write(folded)
        assert "chosen" not in write(alone)
