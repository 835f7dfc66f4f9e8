"""Fills the templates of include/templates with what was found in a file."""

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import pstdev
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from snowloop.errors import NewProjectError
from snowloop.new import contract
from snowloop.new.columns import Looked, sql_names
from snowloop.new.inferred_defaults import SAFE_SUPPORT, YES, Cut, Key, Label
from snowloop.new.leakage_preview import suspects
from snowloop.new.table import Table
from snowloop.project import include_dir
from snowloop.project.loading import FILES
from snowloop.project.schema import schema_file
from snowloop.sql import literal

LOOK = "; look"
"""How a line ends that a person should look at."""

PACKAGES = ("scikit-learn", "pandas", "snowflake-ml-python", "snowflake-snowpark-python")


@dataclass(frozen=True)
class Found:
    """All that was found in a file.

    Args:
        name: Name of the project.
        table: The file.
        columns: Its columns.
        nulls: Texts that stand for null in it.
        key: Its key.
        label: Its label.
        cut: How its rows are cut.
    """

    name: str
    table: Table
    columns: tuple[Looked, ...]
    nulls: tuple[str, ...]
    key: Key
    label: Label
    cut: Cut


def texts(found: Found, directory: Path) -> dict[str, str]:
    """The content of each of a new project's files.

    Args:
        found: All that was found.
        directory: The folder that the files are for.

    Returns:
        Text by name of the file.

    Raises:
        NewProjectError: if no column can be a feature.
    """
    features, left_out = _features(found)
    label_column, expression, about = _label(found)
    key_names = [column.name for column in found.key.columns] or [_row_number(found.columns)]
    (source,) = sql_names([found.table.file.stem])
    values = {
        **vars(found),
        "file": found.table.file,
        "rows": found.table.rows,
        "delimiter": found.table.delimiter,
        "schema": os.path.relpath(schema_file(), directory),
        "source": source.lower(),
        "table": source,
        "times": [each.name for each in found.columns if each.kind in ("date", "timestamp") and not each.nulls],
        "pattern": glob.escape(found.table.file.name),
        "null_values": list(found.nulls) or [""],
        "key_names": key_names,
        "key_comment": _comment(found.key.why, look=found.key.guessed and bool(found.key.columns)),
        "columns": [_declared(found, column) for column in found.columns],
        "label_column": label_column,
        "classes": _classes(found.label),
        "label_comment": _comment(found.label.why, look=found.label.guessed),
        "support_comment": _support(found.cut),
        "suspects": _suspects(found),
        "packages": [f"{package}=={version(package)}" for package in PACKAGES],
        "features": features,
        "left_out": left_out,
        "expression": expression,
        "about": about,
        "column": found.label.column.name,
        **_judging(found),
    }
    jinja = Environment(trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)  # noqa: S701 - no HTML
    jinja.loader, jinja.undefined = FileSystemLoader(include_dir() / "templates"), StrictUndefined
    jinja.filters["yaml"] = _yaml
    return {file: jinja.get_template(f"{file}.j2").render(**values) for file in FILES}


def _yaml(value: Any) -> str:
    """A value on one line of YAML."""
    written = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True)
    return written.removesuffix("\n").removesuffix("\n...").strip()


def _comment(text: str, *, look: bool) -> str:
    return f"{text}{LOOK}" if look else text


def _row_number(columns: Sequence[Looked]) -> str:
    names = {column.name for column in columns}
    return next(name for name in ("ROW_ID", "ROW_NUMBER_", "SNOWLOOP_ROW_ID") if name not in names)


def _declared(found: Found, column: Looked) -> dict[str, Any]:
    if column in found.key.columns:
        declared = contract.declared_key(column, alone=len(found.key.columns) == 1)
        return {"name": column.name, "declared": declared, "comment": ""}
    if column == found.label.column:
        declared = contract.declared_label(column, classes=bool(found.label.values))
        return {"name": column.name, "declared": declared, "comment": "the label; null while it is not known"}
    return {"name": column.name, "declared": contract.declared(column), "comment": contract.words(column)}


def _suspects(found: Found) -> str:
    """Which features alone tell the label, in words; nothing if there is none."""
    free = [each for each in found.columns if each not in found.key.columns and each != found.label.column]
    features = [column for column in free if contract.feature(column)[0]]
    measured = suspects(found.table, found.columns, features, found.label)
    if not measured:
        return ""
    name = next(iter(measured))
    others = ", ".join(list(measured)[1:4]) + (" and more" if len(measured) > 4 else "")
    measure = "R2" if found.label.task == "regression" else "ROC AUC"
    return f"{name} alone predicts the label ({measure} {measured[name]:.3f})" + (f", as do {others}" if others else "")


def _features(found: Found) -> tuple[list[str], list[dict[str, str]]]:
    """Expressions of features.sql, and the columns that are none with the reason."""
    expressions: list[str] = []
    left_out = [{"name": found.label.column.name, "reason": "the label"}]
    for column in found.columns:
        if column in found.key.columns or column == found.label.column:
            continue
        expression, reason = contract.feature(column)
        if expression:
            expressions.append(expression)
        else:
            left_out.append({"name": column.name, "reason": reason})
    if not expressions:
        reasons = "; ".join(f"{each['name']}: {each['reason']}" for each in left_out)
        raise NewProjectError(f"{found.table.file}: no column can be a feature ({reasons}): name another key or label")
    return expressions, left_out


def _label(found: Found) -> tuple[str, str, str]:
    """The label's column in label.sql, its expression, and a line about it."""
    column, values = found.label.column, found.label.values
    known = "Rows whose label is known."
    if found.label.task == "multiclass" and column.kind == "float":
        return column.name, f"{column.name}::NUMBER(38,0) AS {column.name}", known
    if found.label.task != "classification" or (column.kind == "integer" and values == ("0", "1")):
        return column.name, column.name, known
    zero, one = values
    *_, name = sql_names([*(each.header for each in found.columns), f"{column.header} {one}"])
    test = column.name if column.kind == "boolean" else f"{column.name} = {one if column.whole else literal(one)}"
    about = f"Rows whose label is known: 1 where {column.header} is {one}, 0 where it is {zero}."
    guessed = column.kind == "text" and one.strip().lower() not in YES
    expression = f"CASE WHEN {test} THEN 1 ELSE 0 END AS {name}"
    return (
        name,
        expression,
        _comment(f"{' '.join(about.split())} The rarer one is 1" if guessed else about, look=guessed),
    )


def _classes(label: Label) -> list[int] | list[str]:
    """The classes as they are declared, if there are more than two."""
    if label.task != "multiclass":
        return []
    return sorted({int(float(value)) for value in label.values}) if label.column.whole else list(label.values)


def _judging(found: Found) -> dict[str, Any]:
    """The metric with a bound that a person has to set, and the estimators that fit the task."""
    if found.label.task != "regression":
        metric = "roc_auc" if found.label.task == "classification" else "roc_auc_ovr"
        words = f"set the bound below which nothing may serve; guessing has 0.5{LOOK}"
        chosen = {"metric": metric, "bound": "at_least: 0.6", "tolerance": 0.02, "metric_comment": words}
        return chosen | {"linear": "LogisticRegression", "boosting": "HistGradientBoostingClassifier"}
    spread = pstdev(float(value) for value, count in found.label.column.counts.items() for _ in range(count))
    words = f"set the bound above which nothing may serve; always saying the mean has {spread:.3g}{LOOK}"
    bound, tolerance = f"at_most: {0.9 * spread:.3g}", f"{0.05 * spread:.2g}"
    chosen = {"metric": "rmse", "bound": bound, "tolerance": tolerance, "metric_comment": words}
    return chosen | {"linear": "Ridge", "boosting": "HistGradientBoostingRegressor"}


def _support(cut: Cut) -> str:
    """What min_support asks for, in words."""
    told = f"about {cut.expected:,} are expected of this file"
    if cut.min_support < SAFE_SUPPORT:
        return f"{told}, too few for the {SAFE_SUPPORT} that are safe; raise min_support to that with more rows"
    return told if cut.expected >= SAFE_SUPPORT else f"{told}: the gate will refuse until there are more rows"
