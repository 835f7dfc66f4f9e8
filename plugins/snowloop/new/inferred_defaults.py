"""Infers what a file does not say: which columns are the key, which is the label, and how to split the rows."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from snowloop.errors import NewProjectError
from snowloop.new.columns import MOST_KNOWN_THINGS, NUMBERS, TIMES, ColumnProfile

LABELS = ("TARGET", "LABEL", "Y", "OUTCOME")
"""Names of labels, in order; X next to Y makes both coordinates."""
OUTCOMES = (
    "SURVIVED", "CHURN", "CHURNED", "EXITED", "ATTRITION", "FRAUD", "IS_FRAUD", "READMITTED", "DIAGNOSIS", "SPECIES",
    "DEPOSIT", "SUBSCRIBED", "CONVERTED", "APPROVED", "LOAN_STATUS", "DEFAULT", "DEFAULTED", "IS_DEFAULT",
    "DEFAULT_PAYMENT_NEXT_MONTH", "SALE_PRICE", "SALEPRICE", "PRICE", "MEDIAN_HOUSE_VALUE", "MEDV", "MPG", "CHARGES",
    "CLASS",
)  # fmt: skip
"""Names of what is usually predicted, in order: the class of a passenger is no outcome if there is who survived."""
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
KEY_NAME = re.compile(r"(^|_)(NUMBER|NO|NR)$|^INDEX$")
YES = ("1", "true", "yes", "y", "t", "ja", "oui", "si", "sí", "sim", "on")
MAX_CLASSES = 20
SMALL_FILE = 1000
SAFE_SUPPORT, MIN_SUPPORT = 20, 3


@dataclass(frozen=True)
class Key:
    """What identifies a row.

    Args:
        columns: The columns; empty: the rows are numbered.
        why: Why it was chosen, for people.
        inferred: Whether a person should check it.
        moment: The event time that tells the rows of a key that comes again apart; None: a key comes once.
    """

    columns: tuple[ColumnProfile, ...]
    why: str
    inferred: bool
    moment: ColumnProfile | None = None


@dataclass(frozen=True)
class Label:
    """What is predicted.

    Args:
        column: The column.
        task: The task.
        values: The classes, as ``fold`` gives them; of two, the second is the one that is predicted.
        why: Why it was chosen, for people.
        inferred: Whether a person should check it.
        trims: Whether blanks around a text are not a part of its class.
        lowers: Whether the case of a text does not count.
    """

    column: ColumnProfile
    task: Literal["classification", "multiclass", "regression"]
    values: tuple[str, ...]
    why: str
    inferred: bool
    trims: bool = False
    lowers: bool = False

    def fold(self, text: str) -> str:
        """The class of a text of the label's column."""
        text = text.strip() if self.trims else text
        return text.lower() if self.lowers else text

    @property
    def expression(self) -> str:
        """SQL of the class, or of the number, of the label's column."""
        value = self.column.expression or self.column.name
        value = f"TRIM({value})" if self.trims else value
        return f"LOWER({value})" if self.lowers else value


@dataclass(frozen=True)
class SplitPlan:
    """How the rows are split into those that train, those that are held out, and those that arrive later.

    Args:
        initial: Share of the rows that are loaded first.
        holdout: Share of those that are held out.
        shuffle: Whether the rows are assigned at random.
        expected: Rows expected to be held out; of a classification: of the rarest class.
        min_support: How many the gate should ask for.
    """

    initial: float
    holdout: float
    shuffle: bool
    expected: int
    min_support: int


def find(columns: Sequence[ColumnProfile], requested: str, option: str) -> ColumnProfile:
    """The column of a name, as it stands in the file or in SQL; case does not count.

    Args:
        option: The option that gave the name, for the message.

    Raises:
        NewProjectError: if there is none.
    """
    for column in columns:
        if requested.strip().upper() in (column.header.upper(), column.name):
            return column
    names = ", ".join(column.header or "(no name)" for column in columns)
    raise NewProjectError(f"{option} {requested}: the file has no such column; it has {names}")


def choose_key(columns: Sequence[ColumnProfile], requested: Sequence[str], label: ColumnProfile) -> Key:
    """The key: the columns that the user named, or a column that looks like a key and is not the label, or none.

    Raises:
        NewProjectError: if a requested column does not exist or has nulls, or the key repeats.
    """
    if requested:
        return _checked_key(tuple(find(columns, name, "--key") for name in requested))
    unique = [each for each in columns if each.unique and (each.whole or each.kind == "text") and each != label]
    unique = [each for each in unique if not each.expression]
    integers = [column for column in unique if column.kind == "integer"]
    for candidates, why in (
        ([each for each in unique if each.named_id or KEY_NAME.search(each.words)], "unique, and its name says so"),
        ([each for each in unique if all(map(UUID.fullmatch, each.counts))], "unique, and its values are UUIDs"),
        ([each for each in integers if each.ordered and each.dense], "whole numbers that count up"),
        ([each for each in integers if each.permutation], "the numbers of the rows, in another order"),
    ):
        if candidates:
            return Key((candidates[0],), why, inferred=not (candidates[0].named_id or candidates[0].permutation))
    return _comes_again(columns, label) or Key((), "no column looks like one", inferred=True)


def _comes_again(columns: Sequence[ColumnProfile], label: ColumnProfile) -> Key | None:
    """A key of which there are several rows, each with another time, such as a customer in each month."""
    free = [each for each in columns if each != label and not each.nulls and not each.expression]
    things = [each for each in free if each.named_id and len(each.counts) > MOST_KNOWN_THINGS]
    moments = [each for each in free if each.kind in ("date", "timestamp")]
    for thing in things:
        for moment in moments:
            if 2 * len(thing.counts) <= thing.rows == len(set(zip(thing.texts, moment.texts, strict=True))):
                why = f"it comes again, each time with another {moment.name}: each of its rows is scored"
                return Key((thing,), why, inferred=True, moment=moment)
    return None


def _checked_key(chosen: tuple[ColumnProfile, ...]) -> Key:
    names = ", ".join(column.header for column in chosen)
    for column in chosen:
        if column.nulls:
            raise NewProjectError(
                f"--key {column.header}: {column.nulls} rows have no value in it, but a key needs one in every row; "
                "name other columns, or leave out --key to number the rows"
            )
    seen: set[tuple[str, ...]] = set()
    for values in zip(*(column.texts for column in chosen), strict=True):
        if values in seen:
            raise NewProjectError(
                f"--key {names}: it repeats, for example {', '.join(values)}: a key must be unique; add --key "
                "COLUMN until it is, or leave out --key to number the rows"
            )
        seen.add(values)
    return Key(chosen, "named by --key", inferred=False)


def choose_label(columns: Sequence[ColumnProfile], requested: str | None, key: Sequence[str]) -> Label:
    """The label: the column that the user named, or one with a usual name, or a last column with few values.

    Args:
        key: The names that the user gave for the key.

    Raises:
        NewProjectError: if no label can be inferred, or the requested column cannot be one, as those of the key cannot.
    """
    of_key = [find(columns, name, "--key") for name in key]
    if requested:
        column = find(columns, requested, "--label")
        if column in of_key:
            raise NewProjectError(f"--label {column.header}: it is also the key: name another label, or another --key")
        return _label(column, "named by --label", inferred=False)
    free = [column for column in columns if column not in of_key]
    named = {column.words: column for column in reversed(free)}
    names = [name for name in LABELS if name != "Y" or "X" not in named]
    for name in (*names, *OUTCOMES):
        if name in named and (name in ("TARGET", "LABEL") or _predictable(named[name])):
            return _label(named[name], "its name says so", inferred=True)
    if free and 2 <= len(free[-1].counts) <= MAX_CLASSES and free[-1].rows >= 10 * len(free[-1].counts):
        return _label(free[-1], "the last column, which has few values", inferred=True)
    headers = ", ".join(column.header or "(no name)" for column in free if not column.identifies)
    raise NewProjectError(
        "which column is the label? None has a usual name, such as target, churn or price, and the last one has many "
        f"values: name it with --label COLUMN (one of {headers})"
    )


def _predictable(column: ColumnProfile) -> bool:
    try:
        _label(column, "", inferred=True)
    except NewProjectError:
        return False
    return True


def _label(column: ColumnProfile, why: str, *, inferred: bool) -> Label:
    if len(column.counts) < 2:
        values = "no value" if not column.counts else f"the one value {next(iter(column.counts))}"
        raise NewProjectError(
            f"label {column.header}: it has {values} in all rows, so there is nothing to predict: name another"
        )
    trims, lowers = _variants(column)
    label = Label(column, "regression", (), why, inferred, trims, lowers)
    classes: Counter[str] = Counter()
    for text, count in column.counts.items():
        classes[label.fold(text)] += count
    few = len(classes) <= MAX_CLASSES and column.rows >= 5 * len(classes)
    if column.kind in ("text", "boolean") or (column.whole and few):
        if not few:
            raise NewProjectError(
                f"label {column.header}: its {len(classes)} different values in {column.rows} rows are too many "
                f"for classes (at most {MAX_CLASSES}, with five rows each), and not numbers: name another --label, or "
                "group them in the file"
            )
        task: Literal["classification", "multiclass"] = "classification" if len(classes) == 2 else "multiclass"
        return replace(label, task=task, values=_classes(column, classes))
    if column.kind in NUMBERS:
        return label
    raise NewProjectError(
        f"label {column.header}: a {column.kind} cannot be predicted: name a column of numbers or text"
    )


def _variants(column: ColumnProfile) -> tuple[bool, bool]:
    """Whether blanks around the texts, and whether their case, are only two ways to write one class."""
    if column.kind != "text":
        return False, False
    stripped = {text.strip() for text in column.counts}
    return stripped != set(column.counts), 2 <= len({text.lower() for text in stripped}) < len(stripped)


def _classes(column: ColumnProfile, counts: Counter[str]) -> tuple[str, ...]:
    """The classes in order; of two, the second is the higher number, or yes, or else the rarer one."""
    if column.whole:
        return tuple(sorted(counts, key=column.number))
    if len(counts) > 2:
        return tuple(sorted(counts))
    positive = [value for value in counts if value.strip().lower() in YES]
    one = positive[0] if len(positive) == 1 else min(counts, key=lambda value: (counts[value], value))
    (zero,) = set(counts) - {one}
    return (zero, one)


def choose_split(columns: Sequence[ColumnProfile], label: Label) -> SplitPlan:
    """How to split the rows, and how many held-out rows the gate can require.

    ``min_support`` is below 20 only where the file cannot give more, by half of what is expected.
    """
    small = label.column.rows < SMALL_FILE
    initial, holdout = (0.8, 0.3) if small else (0.6, 0.25)
    in_time = any(column.ordered and not column.nulls for column in columns if column.kind in TIMES)
    folded = Counter(label.fold(text) for text in label.column.texts if text in label.column.counts)
    counted = min(folded.values()) if label.values else label.column.rows
    expected = int(counted * initial * holdout)
    safe = expected >= 1.5 * SAFE_SUPPORT or expected < 2 * MIN_SUPPORT
    return SplitPlan(initial, holdout, not in_time, expected, SAFE_SUPPORT if safe else expected // 2)


def repeats_label(column: ColumnProfile, label: Label) -> bool:
    """Whether a column says the same as the label in other words, as ``alive`` does of ``survived``."""
    if len(column.counts) != len(label.values) or column.nulls > label.column.nulls:
        return False
    pairs: dict[str, str] = {}
    for text, of in zip(column.texts, label.column.texts, strict=True):
        if text in column.counts and of in label.column.counts:
            says = label.fold(of)
            if pairs.setdefault(text, says) != says:
                return False
    return len(pairs) == len(set(pairs.values())) == len(label.values)
