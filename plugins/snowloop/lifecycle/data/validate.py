"""Stage 3a: the contract of the loaded data, checked inside Snowflake; each check is a row of OPS.CONTRACT_CHECKS."""

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from snowloop.checks import CONTRACT_CHECKS, Check, record
from snowloop.errors import ContractViolation
from snowloop.lifecycle.data.contract import ALIAS, failing, repeated, row_rules, unique_columns
from snowloop.lifecycle.results import Result
from snowloop.project import Project, Source
from snowloop.project.durations import in_words
from snowloop.sql import identifier, run
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Session


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
    """The contract of a source in the terms of Airflow's SQLTableCheckOperator.

    Every check is an aggregate of this contract's own predicates, so that it says what ``check_contract`` says of the
    same rows. The checks of SQLColumnCheckOperator would not: they take a NULL for 0, and cannot quote a name.

    Args:
        source: The source.
        table: The quoted name of its RAW table, with the alias that the checks use.
        checks: The statement of each check, by its name.
        words: Each check in words, by its name.
    """

    source: str
    table: str
    checks: dict[str, dict[str, str]]
    words: dict[str, str]


def declared_checks(project: Project, target: str) -> list[SourceChecks]:
    """The contract as Airflow's check operator takes it; a pure function of the declaration.

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
    share, key = project.contract.training.share, _key(project, name)
    tolerated = f"(in all but {share:.2%} of the rows)"
    found = {"row_count": ("COUNT(*) > 0", f"{name} has rows")}
    for rule in row_rules(source, key):
        found[rule.name.lower()] = (f"{failing([rule])} <= {share!r} * COUNT(*)", f"{rule.words} {tolerated}")
    for columns in unique_columns(source, key):
        words = f"{', '.join(columns)} must be unique {tolerated}"
        found[f"{'_'.join(columns)}_unique".lower()] = (f"{repeated(columns)} <= {share!r} * COUNT(*)", words)
    if source.freshness and source.freshness.column:
        seconds, column = int(source.freshness.max_age.total_seconds()), source.freshness.column
        newest = f"MAX({ALIAS}.{identifier(column)})::TIMESTAMP_NTZ"
        statement = f"COALESCE({newest} >= DATEADD('second', -{seconds}, SYSDATE()), FALSE)"
        found["freshness"] = (statement, f"the newest {column} may be {in_words(source.freshness.max_age)} old at most")
    checks = {check: {"check_statement": statement} for check, (statement, _) in found.items()}
    return SourceChecks(name, f"{table} AS {ALIAS}", checks, {check: words for check, (_, words) in found.items()})


def _key(project: Project, source: str) -> tuple[str, ...]:
    return project.key if source == project.source else ()


def check_contract(workspace: Workspace) -> ContractReport:
    """Count the rows that break each rule, record every check, and stop the run if it is more than declared.

    With ``contract.training.on_failure: quarantine`` up to its ``max_failing_share`` of a source's rows may break the
    rules: rows of the streamed source that do are left out of the training set later, and kept in FEATURES.SET_ASIDE
    with their reasons. With ``stop`` none may.

    Args:
        workspace: Session, project and environment.

    Returns:
        The outcome of every check.

    Raises:
        ContractViolation: if a check fails; the message holds the reason of each.
    """
    session, project = workspace.session, workspace.project
    database = workspace.database
    checks: list[Check] = []
    rows = failing = 0
    for name, source in project.sources.items():
        found, broken, outcome = _check_source(session, project, database, name, source)
        rows, failing = rows + found, failing + broken
        checks += outcome + _freshness(session, database, name, source)
    record(workspace, CONTRACT_CHECKS, checks, check_run=str(uuid.uuid4()))
    report = ContractReport(tuple(checks), rows, failing)
    reasons = [f"{check.subject}: {check.reason}" for check in checks if check.failed]
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
    rules = row_rules(source, key)
    counted = [(rule.name, rule.words, failing([rule])) for rule in rules]
    for columns in unique_columns(source, key):
        words = f"{', '.join(columns)} must be unique"
        counted.append((f"{'_'.join(columns)}_UNIQUE", words, repeated(columns)))
    counted.append(("ANY_RULE", "a row must keep every rule", failing(rules)))
    table = identifier(database, "RAW", name.upper())
    row = run(session, "validate/counts.sql", table=table, counts=[count for _, _, count in counted])[0]
    rows, share = int(row["N"]), project.contract.training.share
    reason = f"{rows} rows" if rows else f"{table} is empty"
    checks = [Check.of("ROW_COUNT", passed=rows > 0, reason=reason, value=rows, bound=1, subject=name)]
    for place, (check, words, _) in enumerate(counted, start=1):
        value, bound = int(row[f"C_{place}"]), share * rows
        reason = f"{words}: {value} of {rows} rows do not, {share:.2%} are tolerated"
        checks.append(Check.of(check, passed=value <= bound, reason=reason, value=value, bound=bound, subject=name))
    return rows, int(row[f"C_{len(counted)}"]), checks


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
        reason = f"{what} is missing, {bound}"
        return [Check.of("FRESHNESS", passed=False, reason=reason, bound=most, subject=name)]
    reason, value = f"{what} is {int(age):,} seconds old, {bound}", int(age)
    return [Check.of("FRESHNESS", passed=value <= most, reason=reason, value=value, bound=most, subject=name)]
