"""How well each feature predicts the label alone, and how much repeated rows tell of it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from snowflake.snowpark import Session

from snowloop_procedures.requests import LeakageRequest
from snowloop_procedures.statistics import metrics as measures

LEAVES, LEAF_ROWS = 16, 20
LEAST = 5
"""Fewest training rows, and fewest held-out rows, of each class (of a regression at all) that allow a measurement."""
PREFIX, TOKENS = 3, 200
WORD, NUMBER = r"[^\W_]+", r"([-+]?\d[\d.,]*)"
MOST = 0.5
"""Share of the texts that must be numbers for their numbers to be asked."""
CATEGORY = 20
"""Training rows with the same features from which on they are a category, and no longer repeats."""
TREES = 30
LEVELS = 3
"""Classes of equally many rows into which the label of a regression is cut to see whether repeats share it."""
Way = tuple[str, float | None]


@dataclass(frozen=True)
class Strength:
    """How well a feature predicts the label alone.

    Args:
        value: ROC AUC, of several classes the mean over them, of a regression R2 of the ranks of the label; or how far
            the feature equals the label beyond chance.
        by: What of the feature predicts it, in words.
    """

    value: float
    by: str


def measure(session: Session, request: LeakageRequest) -> dict[str, Any]:
    """Measure what single features, and repeated rows, tell of the held-out labels.

    Args:
        session: The procedure's session.
        request: The queries of the rows, and what they are.

    Returns:
        ``values``: for each feature its ``value`` and ``by``, or None if the rows do not allow it. ``training`` and
        ``held_out``: how many ``rows`` there are, how many different ``labels``, and ``rarest``, the rows of the rarest
        label. ``repeats``: see the function.
    """
    frame = session.sql(request.query).to_pandas()
    held_out = frame["IS_HOLDOUT"].astype(bool)
    parts = {"training": frame[~held_out], "held_out": frame[held_out]}
    counts = {name: _count(part[request.label]) for name, part in parts.items()}
    values = {name: each and asdict(each) for name, each in alone(frame, request).items()}
    return {"values": values, "repeats": repeats(session.sql(request.repeats).to_pandas(), request), **counts}


def _count(label: pd.Series) -> dict[str, int]:
    by_label = label.value_counts()
    return {"rows": len(label), "labels": len(by_label), "rarest": int(by_label.min()) if len(by_label) else 0}


def alone(frame: pd.DataFrame, request: LeakageRequest) -> dict[str, Strength | None]:
    """How well each feature of some rows predicts their label.

    Args:
        frame: Features, label and IS_HOLDOUT.
        request: What the rows are.

    Returns:
        For each feature the best of several ways to predict the label by it; None if the rows do not allow it.
    """
    held_out = frame["IS_HOLDOUT"].astype(bool).to_numpy()
    label = measures.encode_labels(frame[request.label], request.classes)
    if not _enough(label, held_out, request):
        return {feature.name: None for feature in request.features}
    judge = _Judge(label, held_out, request)
    found = {}
    for feature in request.features:
        column = frame[feature.name]
        ways = judge.of_texts(column.astype(object)) if feature.type == "VARCHAR" else judge.of_numbers(_floats(column))
        known = [Strength(value, by) for by, value in ways if value is not None and np.isfinite(value)]
        # of equal ones the last is the most particular, such as equality
        found[feature.name] = max(reversed(known), key=lambda each: each.value, default=None)
    return found


def _enough(label: np.ndarray, held_out: np.ndarray, request: LeakageRequest) -> bool:
    parts = [label[~held_out], label[held_out]]
    if request.task == "regression":
        return all(len(part) >= LEAST and part.min() < part.max() for part in parts)
    classes = range(max(2, len(request.classes)))
    return sum(all((part == each).sum() >= LEAST for part in parts) for each in classes) >= 2


def _floats(column: pd.Series) -> np.ndarray:
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def _numbers_in(texts: pd.Series) -> Iterator[np.ndarray]:
    """The numbers that most of some texts are, or begin to have in them: with a unit, 1,234.5 as well as 1.234,5."""
    whole = _floats(texts)
    if np.isfinite(whole).mean() > MOST:
        yield whole
        return
    found = texts.astype("string").str.extract(NUMBER, expand=False)
    for group, point in ((",", "."), (".", ",")):
        numbers = _floats(found.str.replace(group, "", regex=False).str.replace(point, ".", regex=False))
        if np.isfinite(numbers).mean() > MOST:
            yield numbers


class _Judge:
    """Predicts the label by one feature in several ways; each is measured as the whole check is.

    Numbers are replaced by their ranks, so that neither their distribution nor their size matters; so are the labels of
    a regression: R2 of a skewed label hangs on its few greatest values.
    """

    def __init__(self, label: np.ndarray, held_out: np.ndarray, request: LeakageRequest) -> None:
        self.request, self.held_out, self.train = request, held_out, ~held_out
        self.label, self.regression = label, request.task == "regression"
        self.target = pd.Series(label).rank(pct=True).to_numpy() if self.regression else label.astype(int)
        self.several = request.task == "multiclass"

    def of_numbers(self, numbers: np.ndarray) -> Iterator[Way]:
        """A tree on the ranks, the ranks as they are, whether there is a value, and whether it is the label."""
        ranks = pd.Series(numbers).rank(method="dense").to_numpy()
        missing = np.isnan(numbers)
        yield "a small tree on it", self._tree(ranks.reshape(-1, 1))
        yield "its order", self._order(np.nan_to_num(ranks))
        yield "whether it is NULL", self._order(missing.astype(float))
        if self.regression:
            yield "its value", self._line(numbers)
        codes = self.label if not self.several else np.array(self.request.classes, dtype=object)[self.label]
        yield (
            "its equality with the label, beyond chance",
            _agreement(pd.Series(numbers, dtype=object), pd.Series(codes)),
        )

    def of_texts(self, texts: pd.Series) -> Iterator[Way]:
        """The labels of the same text, of the text without its digits and of its ends; its words; its number."""
        filled = texts.fillna("").astype(str)
        yield "its text", self._encoded(filled)
        yield "whether it is NULL", self._order(texts.isna().to_numpy(dtype=float))
        if filled[self.train].nunique() * LEAF_ROWS > self.train.sum():  # texts that repeat say all that their parts do
            yield "its text without digits", self._encoded(filled.str.replace(r"\d+", "#", regex=True))
            yield f"its first {PREFIX} characters", self._encoded(filled.str[:PREFIX])
            yield f"its last {PREFIX} characters", self._encoded(filled.str[-PREFIX:])
            yield "its last character", self._encoded(filled.str[-1:])
            yield "its length", self._tree(filled.str.len().to_numpy(dtype=float).reshape(-1, 1))
            yield "its words", self._words(filled)
            for numbers in _numbers_in(texts):
                yield from self.of_numbers(numbers)

    def _tree(self, values: Any) -> float | None:
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        kind = DecisionTreeRegressor if self.regression else DecisionTreeClassifier
        target = self.target[self.train]
        few = len(target) // 10 if self.regression else np.unique(target, return_counts=True)[1].min() // 2
        leaf = int(max(1, min(LEAF_ROWS, few)))
        leaves = max(LEAVES, 2 * len(self.request.classes))
        tree = kind(max_leaf_nodes=leaves, min_samples_leaf=leaf, random_state=self.request.seed % measures.SEEDS)
        tree.fit(values[self.train], target)
        if self.regression:
            return self._value(tree.predict(values[self.held_out]))
        score = tree.predict_proba(values[self.held_out])
        several = measures.expand_to_all_classes(score, tree.classes_, max(2, len(self.request.classes)))
        return self._value(several if self.several else several[:, 1])

    def _encoded(self, texts: pd.Series) -> float | None:
        """The mean label of the training rows of the same text, of several classes the share of each, as the score."""
        target = self.target[self.train]
        labels = [target == place for place in range(len(self.request.classes))] if self.several else [target]
        train = texts[self.train].to_numpy()
        means = []
        for each in labels:
            known = pd.Series(each.astype(float)).groupby(train).mean()
            means.append(texts[self.held_out].map(known).fillna(each.mean()).to_numpy(dtype=float))
        return self._value(np.column_stack(means) if self.several else means[0])

    def _words(self, texts: pd.Series) -> float | None:
        from sklearn.feature_extraction.text import CountVectorizer

        words = CountVectorizer(binary=True, max_features=TOKENS, token_pattern=WORD, dtype=np.float32)
        try:
            words.fit(texts[self.train])
        except ValueError:  # no text has a word
            return None
        return self._tree(words.transform(texts).tocsr())

    def _order(self, values: np.ndarray) -> float | None:
        """The values themselves as the score, in the better direction; nothing is fitted, so all rows judge."""
        if self.several or values.min() == values.max():
            return None
        if self.regression:
            return float(np.corrcoef(pd.Series(values).rank(), self.target)[0, 1] ** 2)
        area = measures.value("roc_auc", self.target, values)
        return None if area is None else max(area, 1 - area)

    def _line(self, numbers: np.ndarray) -> float | None:
        """R2 of the label by a line through the numbers, the worse of both parts: ranks of a skewed label lose it to
        noise that is small next to its greatest values.
        """
        found = []
        for part in (self.train, self.held_out):
            known = part & np.isfinite(numbers)
            x, y = numbers[known], self.label[known]
            if known.sum() < max(LEAST, part.sum() / 2) or x.min() == x.max() or y.min() == y.max():
                return None
            found.append(float(np.corrcoef(x, y)[0, 1] ** 2))
        return min(found)

    def _value(self, score: np.ndarray) -> float | None:
        true = self.target[self.held_out]
        if self.several:
            areas = measures.roc_auc_one_vs_rest(true, score)
            return float(np.nanmean(areas)) if np.isfinite(areas).any() else None
        return measures.value("r2" if self.regression else "roc_auc", true, score)


def _agreement(one: pd.Series, other: pd.Series) -> float | None:
    """How often two columns are equal beyond chance (kappa; J. Cohen, A Coefficient of Agreement, 1960)."""
    shares = [each.value_counts(normalize=True, dropna=False) for each in (one, other)]
    chance = float(shares[0].mul(shares[1], fill_value=0).sum())
    return None if chance >= 1 else (float((one == other).mean()) - chance) / (1 - chance)


def repeats(frame: pd.DataFrame, request: LeakageRequest) -> dict[str, float]:
    """How much training rows with the same features, or nearly the same, tell of the labels of held-out rows.

    Honest categories repeat too. But then the label of a repeat is known just as well from rows with other features: by
    a model that is fitted on those alone. What a repeat tells beyond that model it tells by being the same case again.

    Args:
        frame: Features, label, IS_HOLDOUT, and SNOWLOOP_CELL, which is the same of rows that are nearly equal; all rows
            of a cell or none.
        request: What the rows are.

    Returns:
        ``identical`` and ``near``: the share of held-out rows, of a classification the mean over the classes, whose
        label repeats tell beyond other rows, less two standard errors; 0 if there is none.
    """
    held_out = frame["IS_HOLDOUT"].astype(bool).to_numpy()
    label = measures.encode_labels(frame[request.label], request.classes)
    if not held_out.any() or held_out.all() or label.min() == label.max():
        return {"identical": 0.0, "near": 0.0}
    if request.task == "regression":
        label = np.minimum(pd.Series(label).rank(pct=True).to_numpy() * LEVELS, LEVELS - 1).astype(int)
    label = pd.factorize(label)[0]
    inputs = pd.DataFrame({
        each.name: pd.factorize(frame[each.name].astype(object))[0] if each.type == "VARCHAR"
        else pd.Series(_floats(frame[each.name])).rank(method="dense").to_numpy()
        for each in request.features
    })  # fmt: skip
    identical = inputs.groupby(list(inputs.columns), dropna=False, sort=False).ngroup().to_numpy()
    cells = {"identical": identical, "near": pd.factorize(frame["SNOWLOOP_CELL"])[0]}
    return {
        name: _explained(inputs.to_numpy(dtype=float), label, held_out, each, request) for name, each in cells.items()
    }


def _explained(
    x: np.ndarray, label: np.ndarray, held_out: np.ndarray, group: np.ndarray, request: LeakageRequest
) -> float:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import GroupKFold

    classes = label.max() + 1
    counts = np.zeros((group.max() + 1, classes))
    np.add.at(counts, (group[~held_out], label[~held_out]), 1)
    training = counts.sum(axis=1)
    repeated = held_out & (training[group] > 0) & (training[group] < CATEGORY)
    if len(np.unique(group[repeated])) < LEAST:
        return 0.0
    by_repeats = counts[group, label] / np.maximum(training[group], 1)
    by_others = np.zeros(len(label))
    for others, own in GroupKFold(3).split(x, groups=group):
        fit, ask = others[~held_out[others]], own[repeated[own]]
        present = np.unique(label[fit])
        if not len(ask):
            continue
        if len(present) < 2:
            by_others[ask] = label[ask] == (present[0] if len(present) else -1)
            continue
        seed = request.seed % measures.SEEDS
        model = RandomForestClassifier(TREES, min_samples_leaf=LEAST, n_jobs=1, random_state=seed)
        model.fit(x[fit], label[fit])
        chances = measures.expand_to_all_classes(model.predict_proba(x[ask]), model.classes_, classes)
        by_others[ask] = chances[np.arange(len(ask)), label[ask]]
    weight = 1 / np.bincount(label[held_out], minlength=classes).clip(1)[label] / len(np.unique(label[held_out]))
    weight = np.where(repeated, weight, 0)
    more, room = weight * (by_repeats - by_others), (weight * (1 - by_others)).sum()
    if room <= 0:
        return 0.0
    explained = (more.sum() - 2 * np.sqrt((more**2).sum())) / room * weight.sum()
    return float(np.clip(explained, 0, 1))
