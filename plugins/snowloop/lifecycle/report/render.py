"""Writes a model card as a page of its own (HTML) and as a pull-request comment (Markdown)."""

import json
import re
from collections.abc import Iterator
from typing import Any

from snowloop.checks import Check, Outcome, counted
from snowloop.lifecycle.evaluation.parts import ConfusionCell
from snowloop.lifecycle.report.card import Card, FeatureFacts
from snowloop.lifecycle.report.templates import number, templates

COLUMNS = ("candidate", "champion", "reference", "simple", "dummy")
FIGURES_OF_CLASSES = ("precision", "recall", "f1", "roc_auc")


def html(card: Card) -> str:
    """The card as one self-contained HTML page; the content of the card is escaped."""
    from snowloop.lifecycle.report.plots import plots

    drawn = plots(card.evaluation) if card.evaluation else {}
    return templates("html").get_template("report.html.jinja").render(**_names(card), plots=drawn)


def markdown(card: Card) -> str:
    """The card as a comment on a pull request, in GitHub's Markdown: the verdict first, then tables; no plots."""
    text = templates("md").get_template("report.md.jinja").render(**_names(card))
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _names(card: Card) -> dict[str, Any]:
    evaluation, confidence = card.evaluation, None
    if evaluation:
        confidence = evaluation.settings.get("confidence")
    return {
        "card": card,
        "verdict": card.verdict,
        "evaluation": evaluation,
        "data": card.data,
        "failed": card.verdict.failed,
        "counted": counted(card.verdict.checks, " checks"),
        "checks": failed_first(card.verdict.checks),
        "columns": [name for name in COLUMNS if evaluation and any(name in each.values for each in evaluation.metrics)],
        "classes": _classes(card),
        "figures_of_classes": FIGURES_OF_CLASSES,
        "confused": {(each.true_class, each.predicted_class): each.rows for each in _confusion(card)},
        "features": _by_importance(card.features),
        "of_part": _rows_of_parts(card),
        "regression": bool(evaluation and evaluation.settings.get("task") == "regression"),
        "folds": _cross_validation(card),
        "selection": _selection(card),
        "refit": _refit(card),
        "confidence": f"{confidence:.0%}" if confidence else "",
        "reproducibility": list(_reproducibility(card)),
    }


def failed_first(checks: tuple[Check, ...]) -> list[Check]:
    """Failed checks, then passed ones, then those that were not asked."""
    order: tuple[Outcome, ...] = ("failed", "passed", "not_asked")
    return sorted(checks, key=lambda check: order.index(check.outcome))


def _by_importance(features: tuple[FeatureFacts, ...]) -> list[FeatureFacts]:
    return sorted(features, key=lambda each: (each.importance is None, -(each.importance or 0.0)))


def _classes(card: Card) -> list[str]:
    """True and predicted classes of the confusion matrix, in order."""
    return sorted({name for each in _confusion(card) for name in (each.true_class, each.predicted_class)})


def _confusion(card: Card) -> tuple[ConfusionCell, ...]:
    return card.evaluation.confusion if card.evaluation else ()


def _cross_validation(card: Card) -> str | None:
    """Mean and standard deviation of the deciding metric over the folds in words; None if there were none."""
    evaluation = card.evaluation
    if evaluation is None or not evaluation.cross_validation:
        return None
    metric = evaluation.settings["metric"]
    mean, deviation = (evaluation.cross_validation[f"cv_{metric}_{each}"] for each in ("mean", "std"))
    count = evaluation.settings.get("cross_validation")
    return f"{number(mean)} ± {number(deviation)} (mean and standard deviation over {count} folds of the training rows)"


def _selection(card: Card) -> str | None:
    """Among how many candidates it was chosen, and how; None if there was only one."""
    trained = next((check.value or 0 for check in card.verdict.checks if check.name == "TRAINED"), 0)
    if trained < 2 or card.evaluation is None:
        return None
    folds = card.evaluation.settings.get("cross_validation")
    how = "by cross-validation" if folds else "on these held-out rows; the gate corrects for that"
    return f"The best of {trained:.0f} candidates, chosen {how}"


def _refit(card: Card) -> str | None:
    """On which rows it was trained, and whose figures these are, if it is a refit; else None."""
    if card.verdict.judged is None:
        return None
    judged = card.verdict.judged
    return f"Trained on all labelled rows; the figures on held-out rows are those of {judged}, which was judged"


def _rows_of_parts(card: Card) -> dict[bool, int]:
    parts = card.data.parts if card.data else ()
    return {held_out: sum(part.rows for part in parts if part.held_out == held_out) for held_out in (False, True)}


def _reproducibility(card: Card) -> Iterator[tuple[str, str]]:
    """What is needed to reproduce the version, and where the evidence is."""
    verdict, facts, evaluation = card.verdict, card.version_facts, card.evaluation
    yield "training set", verdict.training_set
    if card.data:
        yield "built", f"{card.data.built_at}, commit {card.data.git_commit}, table FEATURES.{card.data.table}"
    if facts:
        yield "candidate", f"{facts.get('candidate')} {json.dumps(facts.get('params', {}), sort_keys=True)}"
        yield "trained at commit", str(facts.get("git_commit"))
        yield "packages", ", ".join(facts.get("packages", [])) or "not recorded"
        yield "package hash", str(facts.get("lock_hash", "not recorded"))
        yield "seed", str(facts.get("seed", "not recorded"))
    if evaluation:
        yield "evaluation", f"{verdict.evaluation_id}, seed {evaluation.settings.get('seed')}"
        yield "evaluation query", str(evaluation.settings.get("query_id", "not recorded"))
    yield "verdict", f"{verdict.verdict_id}, commit {verdict.git_commit}"
