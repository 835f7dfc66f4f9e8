"""Fills the templates of include/templates with what was read of a file and inferred from it."""

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import pstdev
from typing import Any

import yaml
from jinja2 import FileSystemLoader

from snowloop.errors import NewProjectError
from snowloop.new import contract
from snowloop.new.columns import ColumnProfile, sql_names
from snowloop.new.contract import LOOK
from snowloop.new.inferred_defaults import SAFE_SUPPORT, YES, Key, Label, SplitPlan, repeats_label
from snowloop.new.leakage_preview import leakage_candidates
from snowloop.new.table import Table
from snowloop.project import include_dir
from snowloop.project.files.loading import FILES
from snowloop.project.files.schema import SCHEMAS
from snowloop.sql import literal
from snowloop.templates import sandbox

SAFE_GROUPS = 30
"""Groups expected to be held out from which the gate can judge them; it asks for 20."""
PACKAGES = ("scikit-learn", "pandas", "snowflake-ml-python", "snowflake-snowpark-python")


@dataclass(frozen=True)
class Draft:
    """What was read of a file, and what was inferred from it.

    Args:
        name: Name of the project.
        table: The file.
        columns: Its columns.
        key: Its key.
        label: Its label.
        cut: How its rows are split.
    """

    name: str
    table: Table
    columns: tuple[ColumnProfile, ...]
    key: Key
    label: Label
    cut: SplitPlan


def render_files(draft: Draft, directory: Path) -> dict[str, str]:
    """The content of each of a new project's files, which are for a directory, by name of the file.

    Raises:
        NewProjectError: if no column can be a feature.
    """
    features, left_out = _features(draft)
    label_column, expression, about = _label(draft)
    key_names = [column.name for column in draft.key.columns] or [_row_number(draft.columns)]
    (source,) = sql_names([draft.table.file.stem])
    values = {
        **vars(draft),
        "file": draft.table.file,
        "rows": draft.table.rows,
        "format": draft.table.format,
        "delimiter": draft.table.delimiter,
        "encoding": draft.table.encoding,
        "schema": os.path.relpath(_schema(directory), directory),
        "source": source.lower(),
        "table": source,
        "times": [
            each.name
            for each in draft.columns
            if each.kind in ("date", "timestamp") and not each.nulls and not each.expression
        ],
        "pattern": glob.escape(draft.table.file.name),
        "header": draft.table.has_header,
        "whole": draft.table.whole,
        "key_names": key_names,
        "row_names": key_names + ([draft.key.moment.name] if draft.key.moment else []),
        "holds_out": _holds_out(draft),
        "key_comment": _comment(draft.key.why, look=draft.key.inferred and bool(draft.key.columns)),
        "columns": [_declared(draft, column) for column in draft.columns],
        "label_column": label_column,
        "classes": _classes(draft.label),
        "label_comment": _comment(draft.label.why, look=draft.label.inferred),
        "support_comment": _support(draft.cut),
        "suspects": _suspects(draft),
        "packages": [f"{package}=={version(package)}" for package in PACKAGES],
        "features": features,
        "left_out": left_out,
        "expression": expression,
        "about": about,
        "column": draft.label.column.name,
        **_evaluation(draft),
    }
    jinja = sandbox(keep_trailing_newline=True, loader=FileSystemLoader(include_dir() / "templates"))
    jinja.filters["yaml"] = _yaml
    return {file: jinja.get_template(f"{file}.j2").render(**values) for file in FILES}


def _schema(directory: Path) -> Path:
    """The schema that is kept with the projects, as `snowloop init` puts it there, or else that of the package."""
    kept = directory.parent / Path(SCHEMAS["project"].path).name
    return kept if kept.is_file() else SCHEMAS["project"].file()


def _yaml(value: Any) -> str:
    """A value on one line of YAML."""
    written = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True)
    return written.removesuffix("\n").removesuffix("\n...").strip()


def _comment(text: str, *, look: bool) -> str:
    return f"{text}{LOOK}" if look else text


def _row_number(columns: Sequence[ColumnProfile]) -> str:
    names = {column.name for column in columns}
    return next(name for name in ("ROW_ID", "ROW_NUMBER_", "SNOWLOOP_ROW_ID") if name not in names)


def _declared(draft: Draft, column: ColumnProfile) -> dict[str, Any]:
    if column in draft.key.columns:
        alone = len(draft.key.columns) == 1 and draft.key.moment is None
        declared = contract.declared_key(column, alone=alone)
        return {"name": column.name, "declared": declared, "comment": ""}
    if column == draft.label.column:
        folded = draft.label.trims or draft.label.lowers
        declared = contract.declared_label(column, classes=bool(draft.label.values), folded=folded)
        return {"name": column.name, "declared": declared, "comment": "the label; null while it is not known"}
    declared, comment = contract.declared(column), contract.words(column)
    if repeats_label(column, draft.label):
        declared, comment = declared | {"known_after_label": True}, f"it says the same as the label{LOOK}"
    return {"name": column.name, "declared": declared, "comment": comment}


def _holds_out(draft: Draft) -> str:
    """How rows are held out: rows of a key that comes again together, or, of few keys, the last by time."""
    share = f"holdout: {draft.cut.holdout}"
    if draft.key.moment is None:
        return f"{{by: hash, {share}}}"
    (column,) = draft.key.columns
    groups = len(column.counts) * draft.cut.initial * draft.cut.holdout
    return f"{{by: group, column: {column.name}, {share}}}" if groups >= SAFE_GROUPS else f"{{by: time, {share}}}"


def _suspects(draft: Draft) -> str:
    """Which features alone predict the label, in words; empty if none does."""
    features = [column for column in _free(draft) if contract.feature(column)[0]]
    measured = leakage_candidates(features, draft.label)
    if not measured:
        return ""
    name = next(iter(measured))
    others = ", ".join(list(measured)[1:4]) + (" and more" if len(measured) > 4 else "")
    measure = "R2" if draft.label.task == "regression" else "ROC AUC"
    return f"{name} alone predicts the label ({measure} {measured[name]:.3f})" + (f", as do {others}" if others else "")


def _free(draft: Draft) -> list[ColumnProfile]:
    """The columns that may be features: neither key nor label, nor the label in other words."""
    taken = (*draft.key.columns, draft.label.column)
    return [each for each in draft.columns if each not in taken and not repeats_label(each, draft.label)]


def _features(draft: Draft) -> tuple[list[str], list[dict[str, str]]]:
    """Expressions of features.sql, and the columns that are not features, with the reason."""
    expressions: list[str] = []
    left_out = [{"name": draft.label.column.name, "reason": "the label"}]
    left_out += [
        {"name": column.name, "reason": "it says the same as the label"}
        for column in draft.columns
        if column != draft.label.column and repeats_label(column, draft.label)
    ]
    for column in _free(draft):
        expression, reason = contract.feature(column)
        if expression:
            expressions.append(expression)
        else:
            left_out.append({"name": column.name, "reason": reason})
    if not expressions:
        reasons = "; ".join(f"{each['name']}: {each['reason']}" for each in left_out)
        raise NewProjectError(f"{draft.table.file}: no column can be a feature ({reasons}): name another key or label")
    return expressions, left_out


def _label(draft: Draft) -> tuple[str, str, str]:
    """The label's column in label.sql, its expression, and a line about it."""
    column, values, value = draft.label.column, draft.label.values, draft.label.expression
    named = value if value == column.name else f"{value} AS {column.name}"
    with_label = "Rows whose label is known."
    if draft.label.task == "multiclass" and column.kind == "float":
        return column.name, f"{value}::NUMBER(38,0) AS {column.name}", with_label
    if draft.label.task != "classification" or (column.kind == "integer" and values == ("0", "1")):
        return column.name, named, with_label
    zero, one = values
    *_, name = sql_names([*(each.header for each in draft.columns), f"{column.header} {one}"])
    test = value if column.kind == "boolean" else f"{value} = {column.value(one) if column.whole else literal(one)}"
    about = f"Rows whose label is known: 1 where {column.header} is {one}, 0 where it is {zero}."
    inferred = column.kind == "text" and one.strip().lower() not in YES
    expression = f"CASE WHEN {test} THEN 1 ELSE 0 END AS {name}"
    return (
        name,
        expression,
        _comment(f"{' '.join(about.split())} The rarer one is 1" if inferred else about, look=inferred),
    )


def _classes(label: Label) -> list[int] | list[str]:
    """The classes as they are declared, if there are more than two."""
    if label.task != "multiclass":
        return []
    if label.column.whole:
        return sorted({int(label.column.number(value)) for value in label.values})
    return list(label.values)


def _evaluation(draft: Draft) -> dict[str, Any]:
    """The metric, with a bound that a person has to set, and the estimators that fit the task."""
    if draft.label.task != "regression":
        metric = "roc_auc" if draft.label.task == "classification" else "roc_auc_ovr"
        words = f"set the bound below which nothing may serve; random guessing has 0.5{LOOK}"
        chosen = {"metric": metric, "bound": "at_least: 0.6", "tolerance": 0.02, "metric_comment": words}
        return chosen | {"linear": "LogisticRegression", "boosting": "HistGradientBoostingClassifier"}
    deviation = pstdev(
        draft.label.column.number(value) for value, count in draft.label.column.counts.items() for _ in range(count)
    )
    words = f"set the bound above which nothing may serve; predicting the mean has {deviation:.3g}{LOOK}"
    bound, tolerance = f"at_most: {0.9 * deviation:.3g}", f"{0.05 * deviation:.2g}"
    chosen = {"metric": "rmse", "bound": bound, "tolerance": tolerance, "metric_comment": words}
    return chosen | {"linear": "Ridge", "boosting": "HistGradientBoostingRegressor"}


def _support(cut: SplitPlan) -> str:
    """The reason for min_support, in words."""
    expected = f"about {cut.expected:,} are expected from this file"
    if cut.min_support < SAFE_SUPPORT:
        return f"{expected}, fewer than the {SAFE_SUPPORT} that are safe; with more rows, raise min_support to that"
    return expected if cut.expected >= SAFE_SUPPORT else f"{expected}: the gate will refuse until there are more{LOOK}"
