"""Infers what a file does not say: which columns are the key, which is the label, and how to split the rows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from snowloop.errors import NewProjectError
from snowloop.new.columns import NUMBERS, TIMES, ColumnProfile

LABELS = ("TARGET", "LABEL", "CLASS", "Y", "OUTCOME")
KEY_NAME = re.compile(r"(^|_)(ID|KEY|UUID|GUID|NUMBER|NO|NR)$|^INDEX$")
YES = ("1", "true", "yes", "y", "t")
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
    """

    columns: tuple[ColumnProfile, ...]
    why: str
    inferred: bool


@dataclass(frozen=True)
class Label:
    """What is predicted.

    Args:
        column: The column.
        task: The task.
        values: The classes as they stand in the file; of two, the second is the one that is predicted.
        why: Why it was chosen, for people.
        inferred: Whether a person should check it.
    """

    column: ColumnProfile
    task: Literal["classification", "multiclass", "regression"]
    values: tuple[str, ...]
    why: str
    inferred: bool


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
        columns: The columns of the file.
        requested: The name.
        option: The option that gave it, for the message.

    Returns:
        The column.

    Raises:
        NewProjectError: if there is none.
    """
    for column in columns:
        if requested.strip().upper() in (column.header.upper(), column.name):
            return column
    names = ", ".join(column.header or "(no name)" for column in columns)
    raise NewProjectError(f"{option} {requested}: the file has no such column; it has {names}")


def choose_key(columns: Sequence[ColumnProfile], requested: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Key:
    """The key: the requested columns, or a column that looks like a key, or none.

    Args:
        columns: The columns of the file.
        requested: The columns that the user named.
        rows: The texts of each column, in the order of ``columns``.

    Returns:
        The key.

    Raises:
        NewProjectError: if a requested column does not exist or has nulls, or the key repeats.
    """
    if requested:
        return _checked_key(columns, requested, rows)
    unique = [column for column in columns if column.unique and column.kind in ("integer", "text")]
    integers = [column for column in unique if column.kind == "integer"]
    named = [column for column in unique if KEY_NAME.search(column.name)]
    counting = [column for column in integers if column.ordered]
    for candidates, why in (
        (named, "unique, and its name says so"),
        (counting, "unique whole numbers in ascending order"),
    ):
        if candidates:
            return Key((candidates[0],), why, inferred=False)
    if len(integers) == 1:
        return Key((integers[0],), "the only column of unique whole numbers", inferred=True)
    return Key((), "no column looks like one", inferred=True)


def _checked_key(columns: Sequence[ColumnProfile], requested: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Key:
    chosen = tuple(find(columns, name, "--key") for name in requested)
    names = ", ".join(column.header for column in chosen)
    for column in chosen:
        if column.nulls:
            message = (
                f"--key {column.header}: {column.nulls} rows have no value in it, but a key needs one in every row"
            )
            raise NewProjectError(f"{message}; name other columns, or leave out --key to number the rows")
    seen: set[tuple[str, ...]] = set()
    for values in zip(*(rows[columns.index(column)] for column in chosen), strict=True):
        if values in seen:
            message = (
                f"--key {names}: it repeats, for example {', '.join(values)}: a key must be unique; add --key "
                "COLUMN until it is, or leave out --key to number the rows"
            )
            raise NewProjectError(message)
        seen.add(values)
    return Key(chosen, "named by --key", inferred=False)


def choose_label(columns: Sequence[ColumnProfile], requested: str | None, key: Key) -> Label:
    """The label: the requested column, or one with a usual name, or a last column with few values.

    Args:
        columns: The columns of the file.
        requested: The columns that the user named.
        key: The key, which cannot be the label.

    Returns:
        The label.

    Raises:
        NewProjectError: if no label can be inferred, or the requested column cannot be one.
    """
    if requested:
        return _label(find(columns, requested, "--label"), key, "named by --label", inferred=False)
    free = [column for column in columns if column not in key.columns]
    for name in LABELS:
        for column in free:
            if column.name == name:
                return _label(column, key, "its name says so", inferred=False)
    if free and 2 <= len(free[-1].counts) <= MAX_CLASSES and free[-1].rows >= 10 * len(free[-1].counts):
        return _label(free[-1], key, "the last column, which has few values", inferred=True)
    names = ", ".join(column.header or "(no name)" for column in free)
    message = (
        "which column is the label? None is called target, label, class, y or outcome, and the last one has many "
        f"values: name it with --label COLUMN (one of {names})"
    )
    raise NewProjectError(message)


def _label(column: ColumnProfile, key: Key, why: str, *, inferred: bool) -> Label:
    if column in key.columns:
        raise NewProjectError(f"--label {column.header}: it is also the key: name another label, or another --key")
    if len(column.counts) < 2:
        values = "no value" if not column.counts else f"the one value {next(iter(column.counts))}"
        raise NewProjectError(
            f"label {column.header}: it has {values} in all rows, so there is nothing to predict: name another"
        )
    few = len(column.counts) <= MAX_CLASSES and column.rows >= 5 * len(column.counts)
    if column.kind in ("text", "boolean") or (column.whole and few):
        if not few:
            message = (
                f"label {column.header}: its {len(column.counts)} different values in {column.rows} rows are too many "
                f"for classes (at most {MAX_CLASSES}, with five rows each), and not numbers: name another --label, or "
                "group them in the file"
            )
            raise NewProjectError(message)
        task: Literal["classification", "multiclass"] = "classification" if len(column.counts) == 2 else "multiclass"
        return Label(column, task, _classes(column), why, inferred)
    if column.kind in NUMBERS:
        return Label(column, "regression", (), why, inferred)
    raise NewProjectError(
        f"label {column.header}: a {column.kind} cannot be predicted: name a column of numbers or text"
    )


def _classes(column: ColumnProfile) -> tuple[str, ...]:
    """The classes in order; of two, the second is the higher number, or yes, or else the rarer one."""
    if column.whole:
        return tuple(sorted(column.counts, key=float))
    if len(column.counts) > 2:
        return tuple(sorted(column.counts))
    positive = [value for value in column.counts if value.strip().lower() in YES]
    one = positive[0] if len(positive) == 1 else min(column.counts, key=lambda value: (column.counts[value], value))
    (zero,) = set(column.counts) - {one}
    return (zero, one)


def choose_split(columns: Sequence[ColumnProfile], label: Label) -> SplitPlan:
    """How to split the rows, and how many held-out rows the gate can require.

    Args:
        columns: The columns of the file.
        label: The label.

    Returns:
        The split; ``min_support`` is below 20 only where the file cannot give more, by half of what is expected.
    """
    small = label.column.rows < SMALL_FILE
    initial, holdout = (0.8, 0.3) if small else (0.6, 0.25)
    in_time = any(column.ordered and not column.nulls for column in columns if column.kind in TIMES)
    counted = min(label.column.counts.values()) if label.values else label.column.rows
    expected = int(counted * initial * holdout)
    safe = expected >= 1.5 * SAFE_SUPPORT or expected < 2 * MIN_SUPPORT
    return SplitPlan(initial, holdout, not in_time, expected, SAFE_SUPPORT if safe else expected // 2)
