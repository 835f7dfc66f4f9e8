"""Stage 3a: the contract of the loaded data, checked inside Snowflake; each check is a row of OPS.CONTRACT_CHECKS."""

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from snowloop.errors import ContractViolation
from snowloop.lifecycle.contract import Rule, row_rules, unique_columns
from snowloop.lifecycle.results import Result
from snowloop.project import Project, Source
from snowloop.project.durations import in_words
from snowloop.sql import identifier, run

if TYPE_CHECKING:
    from snowflake.snowpark import Session


@dataclass(frozen=True)
class Check:
    """One check of the contract.

    Args:
        source: The source.
        name: Name of the check.
        value: What was found: a count of rows (FRESHNESS: an age in seconds); None if there is nothing to measure.
        bound: What is allowed: at most this (ROW_COUNT: at least).
        passed: Whether it is.
        reason: The outcome in words.
    """

    source: str
    name: str
    value: float | None
    bound: float
    passed: bool
    reason: str


@dataclass(frozen=True)
class ContractReport(Result):
    """The outcome of every check.

    Args:
        checks: The checks, source by source.
        rows: Rows looked at.
        failing: Rows that break at least one row-level rule.
    """

    checks: tuple[Check, ...]
    rows: int
    failing: int

    def summary(self) -> dict[str, int | float | str]:
        """Counts of rows, failing rows and checks."""
        passed = sum(check.passed for check in self.checks)
        return {"rows": self.rows, "failing": self.failing, "checks": len(self.checks), "passed": passed}


@dataclass(frozen=True)
class SourceChecks:
    """The contract of a source in the terms of Airflow's SQL check operators.

    Args:
        source: The source.
        table: The quoted name of its RAW table.
        column_mapping: For SQLColumnCheckOperator; empty if the declaration tolerates a share of failing rows.
        table_checks: For SQLTableCheckOperator.
        words: Each table check in words, by its name.
    """

    source: str
    table: str
    column_mapping: dict[str, dict[str, dict[str, Any]]]
    table_checks: dict[str, dict[str, str]]
    words: dict[str, str] = field(default_factory=dict)


def declared_checks(project: Project, target: str) -> list[SourceChecks]:
    """The contract as check operators take it; a pure function of the declaration.

    Args:
        project: The project.
        target: The environment.

    Returns:
        The checks of each source.

    Raises:
        ProjectError: if the target is not a plain name.
    """
    return [_source_checks(project, target, name, source) for name, source in project.sources.items()]


def _source_checks(project: Project, target: str, name: str, source: Source) -> SourceChecks:
    table = identifier(project.database(target), "RAW", name.upper())
    share = project.contract.training.share
    checks: dict[str, dict[str, str]] = {"row_count": {"check_statement": "COUNT(*) > 0"}}
    words = {"row_count": f"{name} has rows"}
    mapping: dict[str, dict[str, dict[str, Any]]] = {}
    key = _key(project, name)
    for rule in row_rules(source, key):
        simple = _column_check(source, rule) if share == 0 else None
        if simple:
            mapping.setdefault(rule.column, {}).update(simple)
        else:
            fails = rule.fails.replace("S.", "")
            statement = f"COALESCE(SUM(CASE WHEN {fails} THEN 1 ELSE 0 END), 0) <= {share!r} * COUNT(*)"
            checks[rule.name.lower()] = {"check_statement": statement}
            words[rule.name.lower()] = f"{rule.words} (in all but {share:.2%} of the rows)"
    for columns in unique_columns(source, key):
        label = f"{'_'.join(columns)}_unique".lower()
        quoted = ", ".join(identifier(column) for column in columns)
        checks[label] = {"check_statement": f"COUNT(*) - COUNT(DISTINCT {quoted}) <= {share!r} * COUNT(*)"}
        words[label] = f"{', '.join(columns)} must be unique (in all but {share:.2%} of the rows)"
    if source.freshness and source.freshness.column:
        seconds, column = int(source.freshness.max_age.total_seconds()), source.freshness.column
        newest = f"MAX({identifier(column)})::TIMESTAMP_NTZ"
        statement = f"COALESCE({newest} >= DATEADD('second', -{seconds}, SYSDATE()), FALSE)"
        checks["freshness"] = {"check_statement": statement}
        words["freshness"] = f"the newest {column} may be {in_words(source.freshness.max_age)} old at most"
    return SourceChecks(name, table, mapping, checks, words)


def _column_check(source: Source, rule: Rule) -> dict[str, dict[str, Any]] | None:
    column = source.table_columns[rule.column]
    kind = rule.name.removeprefix(rule.column + "_")
    if kind == "NOT_NULL":
        return {"null_check": {"equal_to": 0}}
    if kind == "MIN":
        return {"min": {"geq_to": column.min}}
    if kind == "MAX":
        return {"max": {"leq_to": column.max}}
    return None


def _key(project: Project, source: str) -> tuple[str, ...]:
    return project.key if source == project.source else ()


def check_contract(session: "Session", project: Project, target: str) -> ContractReport:
    """Count the rows that break each rule, record every check, and stop the run if it is more than declared.

    With ``contract.training.on_failure: quarantine`` up to its ``max_failing_share`` of a source's rows may break the
    rules: rows of the streamed source that do are left out of the training set later, and kept in FEATURES.SET_ASIDE
    with their reasons. With ``stop`` none may.

    Args:
        session: A Snowpark session.
        project: The project.
        target: The environment.

    Returns:
        The outcome of every check.

    Raises:
        ContractViolation: if a check fails; the message holds the reason of each.
    """
    database = project.database(target)
    checks: list[Check] = []
    rows = failing = 0
    for name, source in project.sources.items():
        found, broken, outcome = _check_source(session, project, database, name, source)
        rows, failing = rows + found, failing + broken
        checks += outcome + _freshness(session, database, name, source)
    run(session, "validate/record.sql", database=database, check_run=str(uuid.uuid4()), checks=checks)
    report = ContractReport(tuple(checks), rows, failing)
    reasons = [f"{check.source}: {check.reason}" for check in checks if not check.passed]
    if reasons:
        message = (
            f"the data of project {project.name} in {database}.RAW breaks its contract: {'; '.join(reasons)}. "
            "Mend the data, or the contract in project.yaml (contract.training says what happens to such rows)"
        )
        raise ContractViolation(message)
    return report


def _check_source(
    session: "Session", project: Project, database: str, name: str, source: Source
) -> tuple[int, int, list[Check]]:
    key = _key(project, name)
    rules, unique = row_rules(source, key), unique_columns(source, key)
    fails = " OR ".join(rule.fails for rule in rules) or "FALSE"
    table = identifier(database, "RAW", name.upper())
    row = run(session, "validate/counts.sql", table=table, rules=rules, unique=unique, fails=fails)[0]
    rows, failing = int(row["N"]), int(row["FAILING"])
    bound = project.contract.training.share * rows
    allowed = f"{project.contract.training.share:.2%} are tolerated"
    checks = [Check(name, "ROW_COUNT", rows, 1, rows > 0, f"{rows} rows" if rows else f"{table} is empty")]

    def add(check: str, value: int, words: str) -> None:
        checks.append(
            Check(name, check, value, bound, value <= bound, f"{words}: {value} of {rows} rows do not, {allowed}")
        )

    for place, rule in enumerate(rules, start=1):
        add(rule.name, int(row[f"R_{place}"]), rule.words)
    for place, columns in enumerate(unique, start=1):
        add(f"{'_'.join(columns)}_UNIQUE", int(row[f"U_{place}"]), f"{', '.join(columns)} must be unique")
    add("ANY_RULE", failing, "a row must keep every rule")
    return rows, failing, checks


def _freshness(session: "Session", database: str, name: str, source: Source) -> list[Check]:
    """The age of the newest row, if the declaration bounds it."""
    declared = source.freshness
    if declared is None:
        return []
    names = {"database": database, "table": identifier(database, "RAW", name.upper()), "source": name.upper()}
    age = run(session, "validate/freshness.sql", column=declared.column, **names)[0]["AGE"]
    what, most = f"the newest {declared.column or 'load'}", int(declared.max_age.total_seconds())
    bound = f"at most {in_words(declared.max_age)} are allowed"
    if age is None:
        return [Check(name, "FRESHNESS", None, most, passed=False, reason=f"{what} is missing, {bound}")]
    return [Check(name, "FRESHNESS", int(age), most, int(age) <= most, f"{what} is {int(age):,} seconds old, {bound}")]
