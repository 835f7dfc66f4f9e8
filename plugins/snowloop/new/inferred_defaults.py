"""Guesses what a file does not say: which columns are the key and which is the label, and how to cut and judge it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from snowloop.errors import NewProjectError
from snowloop.new.columns import NUMBERS, TIMES, Looked

LABELS = ("TARGET", "LABEL", "CLASS", "Y", "OUTCOME")
KEY_NAME = re.compile(r"(^|_)(ID|KEY|UUID|GUID|NUMBER|NO|NR)$|^INDEX$")
YES = ("1", "true", "yes", "y", "t")
MOST_CLASSES = 20
SMALL_FILE = 1000
SAFE_SUPPORT, LEAST_SUPPORT = 20, 3


@dataclass(frozen=True)
class Key:
    """What identifies a row.

    Args:
        columns: The columns; empty: the rows are numbered.
        why: How it was found, for people.
        guessed: Whether a person should look at it.
    """

    columns: tuple[Looked, ...]
    why: str
    guessed: bool


@dataclass(frozen=True)
class Label:
    """What is predicted.

    Args:
        column: The column.
        task: The task.
        values: The classes as they stand in the file; of two, the second is the one that is predicted.
        why: How it was found, for people.
        guessed: Whether a person should look at it.
    """

    column: Looked
    task: Literal["classification", "multiclass", "regression"]
    values: tuple[str, ...]
    why: str
    guessed: bool


@dataclass(frozen=True)
class Cut:
    """How the rows are cut into those that train, judge and arrive later.

    Args:
        initial: Share of the rows that train and judge at first.
        holdout: Share of those that only judge.
        shuffle: Whether the rows are dealt out at random.
        expected: Rows expected to be held out; of a classification: of the rarest class.
        min_support: How many the gate should ask for.
    """

    initial: float
    holdout: float
    shuffle: bool
    expected: int
    min_support: int


def find(columns: Sequence[Looked], wanted: str, option: str) -> Looked:
    """The column of a name, as it stands in the file or in SQL; case does not count.

    Args:
        columns: The columns of the file.
        wanted: The name.
        option: The option that gave it, for the message.

    Returns:
        The column.

    Raises:
        NewProjectError: if there is none.
    """
    for column in columns:
        if wanted.strip().upper() in (column.header.upper(), column.name):
            return column
    known = ", ".join(column.header or "(no name)" for column in columns)
    raise NewProjectError(f"{option} {wanted}: the file has no such column; it has {known}")


def choose_key(columns: Sequence[Looked], wanted: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Key:
    """The key: what is wanted, or a column that looks like one, or none.

    Args:
        columns: The columns of the file.
        wanted: What the person named.
        rows: The texts of each column, in the order of ``columns``.

    Returns:
        The key.

    Raises:
        NewProjectError: if what is wanted is not there, is null somewhere, or repeats.
    """
    if wanted:
        return _checked_key(columns, wanted, rows)
    unique = [column for column in columns if column.unique and column.kind in ("integer", "text")]
    integers = [column for column in unique if column.kind == "integer"]
    named = [column for column in unique if KEY_NAME.search(column.name)]
    counting = [column for column in integers if column.ordered]
    for found, why in ((named, "unique, and its name says so"), (counting, "whole numbers that rise from row to row")):
        if found:
            return Key((found[0],), why, guessed=False)
    if len(integers) == 1:
        return Key((integers[0],), "the only column of whole numbers that never repeat", guessed=True)
    return Key((), "no column looks like one", guessed=True)


def _checked_key(columns: Sequence[Looked], wanted: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Key:
    chosen = tuple(find(columns, name, "--key") for name in wanted)
    names = ", ".join(column.header for column in chosen)
    for column in chosen:
        if column.nulls:
            message = f"--key {column.header}: {column.nulls} rows have no value in it: a key has one in every row"
            raise NewProjectError(f"{message}; name other columns, or leave --key out, and the rows are numbered")
    seen: set[tuple[str, ...]] = set()
    for values in zip(*(rows[columns.index(column)] for column in chosen), strict=True):
        if values in seen:
            message = (
                f"--key {names}: it repeats, for example {', '.join(values)}: a key has each value once; add --key "
                "COLUMN until no row repeats, or leave --key out, and the rows are numbered"
            )
            raise NewProjectError(message)
        seen.add(values)
    return Key(chosen, "named by --key", guessed=False)


def choose_label(columns: Sequence[Looked], wanted: str | None, key: Key) -> Label:
    """The label: what is wanted, or a column of a usual name, or a last column of few values.

    Args:
        columns: The columns of the file.
        wanted: What the person named.
        key: The key, which is no label.

    Returns:
        The label.

    Raises:
        NewProjectError: if none can be guessed, or what is wanted cannot be one.
    """
    if wanted:
        return _label(find(columns, wanted, "--label"), key, "named by --label", guessed=False)
    free = [column for column in columns if column not in key.columns]
    for name in LABELS:
        for column in free:
            if column.name == name:
                return _label(column, key, "its name says so", guessed=False)
    if free and 2 <= len(free[-1].counts) <= MOST_CLASSES and free[-1].rows >= 10 * len(free[-1].counts):
        return _label(free[-1], key, "the last column, which has few values", guessed=True)
    names = ", ".join(column.header or "(no name)" for column in free)
    message = (
        "which column is the label? None is called target, label, class, y or outcome, and the last one has many "
        f"values: say it by --label COLUMN (there are {names})"
    )
    raise NewProjectError(message)


def _label(column: Looked, key: Key, why: str, *, guessed: bool) -> Label:
    if column in key.columns:
        raise NewProjectError(f"--label {column.header}: it is the key too: name another label, or another --key")
    if len(column.counts) < 2:
        values = "no value" if not column.counts else f"the one value {next(iter(column.counts))}"
        raise NewProjectError(
            f"label {column.header}: it has {values} in all rows: nothing to tell apart; name another"
        )
    few = len(column.counts) <= MOST_CLASSES and column.rows >= 5 * len(column.counts)
    if column.kind in ("text", "boolean") or (column.whole and few):
        if not few:
            message = (
                f"label {column.header}: its {len(column.counts)} different values in {column.rows} rows are too many "
                f"for classes (at most {MOST_CLASSES}, five rows each), and no numbers: name another --label, or group "
                "them in the file"
            )
            raise NewProjectError(message)
        task: Literal["classification", "multiclass"] = "classification" if len(column.counts) == 2 else "multiclass"
        return Label(column, task, _classes(column), why, guessed)
    if column.kind in NUMBERS:
        return Label(column, "regression", (), why, guessed)
    raise NewProjectError(
        f"label {column.header}: a {column.kind} cannot be predicted: name a column of numbers or text"
    )


def _classes(column: Looked) -> tuple[str, ...]:
    """The classes in order; of two, the second is the greater number, or yes, or else the rarer one."""
    if column.whole:
        return tuple(sorted(column.counts, key=float))
    if len(column.counts) > 2:
        return tuple(sorted(column.counts))
    positive = [value for value in column.counts if value.strip().lower() in YES]
    one = positive[0] if len(positive) == 1 else min(column.counts, key=lambda value: (column.counts[value], value))
    (zero,) = set(column.counts) - {one}
    return (zero, one)


def choose_cut(columns: Sequence[Looked], label: Label) -> Cut:
    """How much trains, judges and arrives later, and how many held-out rows may be asked for.

    Args:
        columns: The columns of the file.
        label: The label.

    Returns:
        The cut; ``min_support`` is below 20 only where the file cannot give more, by half of what is expected.
    """
    small = label.column.rows < SMALL_FILE
    initial, holdout = (0.8, 0.3) if small else (0.6, 0.25)
    in_time = any(column.ordered and not column.nulls for column in columns if column.kind in TIMES)
    counted = min(label.column.counts.values()) if label.values else label.column.rows
    expected = int(counted * initial * holdout)
    safe = expected >= 1.5 * SAFE_SUPPORT or expected < 2 * LEAST_SUPPORT
    return Cut(initial, holdout, not in_time, expected, SAFE_SUPPORT if safe else expected // 2)
