"""The contract of a source as SQL predicates, the same for checks, training and scoring."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from snowloop.project import Column, Project, Source
from snowloop.sql import identifier, identifiers, literal, render

ALIAS = "S"


@dataclass(frozen=True)
class Rule:
    """One rule of the contract for a single row.

    Args:
        name: Name of the rule, such as ``AMT_INCOME_TOTAL_MIN``.
        column: The column.
        fails: SQL predicate over alias S: true for a row that breaks the rule, false (never NULL) for the others.
        reason: SQL text expression over alias S: why the row breaks the rule.
        description: The rule, for people.
    """

    name: str
    column: str
    fails: str
    reason: str
    description: str


def row_rules(source: Source, key: tuple[str, ...] = ()) -> list[Rule]:
    """The rules that every single row of a source must keep.

    Args:
        source: The declared source.
        key: Key columns, which may never be null.

    Returns:
        The rules, in the order of the columns.
    """
    rules: list[Rule] = []
    for name, column in source.table_columns.items():
        rules += _column_rules(name, column, nullable=column.nullable and name not in key)
    return rules


def _column_rules(name: str, column: Column, *, nullable: bool) -> list[Rule]:
    quoted = f"{ALIAS}.{identifier(name)}"
    value = quoted if column.value is None else f"({_qualified(column.value, name)})"
    shown = f"COALESCE({quoted}::VARCHAR, 'null')"
    rules = []

    def add(kind: str, fails: str, demand: str, *, show: bool = True) -> None:
        description = f"{name} {demand}"
        reason = f"{literal(f'{description}, it is ')} || {shown}" if show else literal(description)
        rules.append(Rule(f"{name}_{kind}", name, fails, reason, description))

    if not nullable:
        add("NOT_NULL", f"{quoted} IS NULL", "must not be null", show=False)
    if column.value is not None:
        add("VALUE", f"{quoted} IS NOT NULL AND {value} IS NULL", f"must be readable by {column.value}")
    if column.min is not None:
        add("MIN", f"COALESCE({value} < {_number(column.min)}, FALSE)", f"must be at least {_number(column.min)}")
    if column.max is not None:
        add("MAX", f"COALESCE({value} > {_number(column.max)}, FALSE)", f"must be at most {_number(column.max)}")
    if column.allowed is not None:
        values = ", ".join(literal(value) for value in column.allowed)
        demand = f"must be one of {', '.join(column.allowed)}"
        add("ALLOWED", f"COALESCE({quoted} NOT IN ({values}), FALSE)", demand)
    return rules


def _qualified(expression: str, name: str) -> str:
    """An expression in which the column has the alias, so that no other table of a query can be meant."""
    parts = re.split(r"('(?:[^']|'')*')", expression)
    parts[::2] = [
        re.sub(rf"\b{name}\b", f"{ALIAS}.{identifier(name)}", part, flags=re.IGNORECASE) for part in parts[::2]
    ]
    return "".join(parts)


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(value)


def row_fails(project: Project) -> str:
    """Predicate over alias S: a row of the streamed source breaks at least one rule; a duplicate key is not one."""
    return rows_fail(project.streamed, project.row_key)


def rows_fail(source: Source, key: tuple[str, ...] = ()) -> str:
    """Predicate over alias S: a row of a source breaks at least one rule; a duplicate key is not one."""
    rules = row_rules(source, key)
    return "(" + " OR ".join(rule.fails for rule in rules) + ")" if rules else "FALSE"


def row_reason(project: Project) -> str:
    """Text expression over alias S: every rule that a row of the streamed source breaks, joined by '; '."""
    rules = row_rules(project.streamed, project.row_key)
    parts = [f"CASE WHEN {rule.fails} THEN '; ' || {rule.reason} ELSE '' END" for rule in rules]
    return "SUBSTR(" + "\n    || ".join(parts) + ", 3)" if parts else "NULL"


def checked_rows(project: Project, target: str) -> str:
    """Query of the streamed source's RAW table with SNOWLOOP_REASON: why a row may not be used."""
    return render(
        "data/checked_rows.sql",
        columns=list(project.streamed.table_columns),
        key=project.row_key,
        fails=row_fails(project),
        reason=row_reason(project),
        table=identifier(project.database(target), "RAW", project.table),
    )


def failing(rules: Sequence[Rule]) -> str:
    """Aggregate over alias S: how many rows break at least one of the rules; 0 for an empty table."""
    fails = " OR ".join(rule.fails for rule in rules) or "FALSE"
    return f"COUNT(CASE WHEN {fails} THEN 1 END)"


def repeated(columns: Sequence[str]) -> str:
    """Aggregate over alias S: how many rows repeat the values that another row has in the columns.

    Rows without a value in one of them do not count, as in COUNT(DISTINCT …) (docs: COUNT).

    Args:
        columns: The columns.

    Returns:
        The expression.
    """
    present = " AND ".join(f"{ALIAS}.{identifier(column)} IS NOT NULL" for column in columns)
    return f"COUNT(CASE WHEN {present} THEN 1 END) - COUNT(DISTINCT {identifiers(columns, ALIAS)})"


def declared_rules(source: Source) -> list[str]:
    """Names of the checks of the rules that a declaration states; without those that hold for the key of any source.

    Args:
        source: The declared source.

    Returns:
        The names, as in OPS.CONTRACT_CHECKS.
    """
    return [rule.name for rule in row_rules(source)] + [unique_check(columns) for columns in unique_columns(source, ())]


def unique_check(columns: Sequence[str]) -> str:
    """The name of the check that the values of some columns are unique."""
    return f"{'_'.join(columns)}_UNIQUE"


def unique_columns(source: Source, key: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The columns, or groups of columns, whose values must be unique: the key, and those declared unique."""
    single = [(name,) for name, column in source.table_columns.items() if column.unique]
    return ([key] if key and key not in single else []) + single
