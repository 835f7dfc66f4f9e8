"""Stage 3a: checks the contract of the loaded data inside Snowflake; each check is a row of OPS.CONTRACT_CHECKS."""

import uuid
from dataclasses import dataclass

from snowloop.checks import CONTRACT_CHECKS, Check, counted, record
from snowloop.errors import ContractViolation
from snowloop.lifecycle.data.contract import failing, repeated, row_rules, unique_check, unique_columns
from snowloop.lifecycle.data.tables import load_time
from snowloop.lifecycle.results import Result
from snowloop.project import Source, in_words
from snowloop.sql import identifier
from snowloop.workspace import Workspace


@dataclass(frozen=True)
class ContractReport(Result):
    """The outcome of every check.

    Args:
        checks: The checks, source by source.
        rows: Number of rows checked.
        failing: Number of rows that break at least one rule.
    """

    checks: tuple[Check, ...]
    rows: int
    failing: int

    def summary(self) -> dict[str, int | float | str]:
        """Counts of rows, failing rows and checks."""
        return {"rows": self.rows, "failing": self.failing, "checks": counted(self.checks)}


def check_contract(workspace: Workspace) -> ContractReport:
    """Count the rows that break each rule, record every check, and stop the run if there are more than declared.

    With ``contract.training.on_failure: quarantine`` up to its ``max_failing_share`` of a source's rows may break the
    rules: rows of the streamed source that do are left out of the training set later, and kept in FEATURES.SET_ASIDE
    with their reasons. With ``stop`` none may.

    Returns:
        The outcome of every check.

    Raises:
        ContractViolation: if a check fails; the message holds the reason of each.
    """
    project = workspace.project
    checks: list[Check] = []
    rows = failing = 0
    for name, source in project.sources.items():
        rows_of_source, failing_of_source, checks_of_source = _check_source(workspace, name, source)
        rows, failing = rows + rows_of_source, failing + failing_of_source
        checks += checks_of_source + freshness(workspace, name, source)
    record(workspace, CONTRACT_CHECKS, checks, check_run=str(uuid.uuid4()))
    report = ContractReport(tuple(checks), rows, failing)
    reasons = [f"{check.subject}: {check.reason}" for check in checks if check.failed]
    if reasons:
        message = (
            f"the data of project {project.name} in {workspace.database}.RAW breaks its contract: "
            f"{'; '.join(reasons)}. Correct the data, or the contract in project.yaml (contract.training declares what "
            "happens to such rows)"
        )
        raise ContractViolation(message)
    return report


def _check_source(workspace: Workspace, name: str, source: Source) -> tuple[int, int, list[Check]]:
    """Number of rows, of those that break a rule, and the checks of one source."""
    project = workspace.project
    key = project.row_key if name == project.source else ()
    rules = row_rules(source, key)
    questions = [(rule.name, rule.description, failing([rule])) for rule in rules]
    questions += [
        (unique_check(columns), f"{', '.join(columns)} must be unique", repeated(columns))
        for columns in unique_columns(source, key)
    ]
    questions.append(("ANY_RULE", "a row must keep every rule", failing(rules)))
    table = identifier(workspace.database, "RAW", name.upper())
    counts = [count for _, _, count in questions]
    row = workspace.run("data/queries.sql#contract_counts", table=table, counts=counts)[0]
    rows, share = int(row["N"]), project.contract.training.share
    reason = f"{rows} rows" if rows else f"{table} is empty"
    checks = [Check.of("ROW_COUNT", passed=rows > 0, reason=reason, value=rows, bound=1, subject=name)]
    for place, (check, description, _) in enumerate(questions, start=1):
        value, bound = int(row[f"C_{place}"]), share * rows
        reason = f"{description}: {value} of {rows} rows do not, {share:.2%} are tolerated"
        checks.append(Check.of(check, passed=value <= bound, reason=reason, value=value, bound=bound, subject=name))
    return rows, int(row[f"C_{len(questions)}"]), checks


def freshness(workspace: Workspace, name: str, source: Source) -> list[Check]:
    """The age of the newest row of a source, in seconds, if the declaration bounds it.

    Args:
        name: Name of the source.
        source: Its declaration.

    Returns:
        The check ``FRESHNESS``, or none.
    """
    declared = source.freshness
    if declared is None:
        return []
    raw = identifier(workspace.database, "RAW", name.upper())
    moment, table = load_time(source, workspace.database, name, workspace.target) or (None, raw)
    if declared.column:
        moment, table = f"{identifier(declared.column)}::TIMESTAMP_NTZ", raw
    values = {"moment": moment, "table": table, "source": name.upper()}
    age = workspace.run("data/queries.sql#age_of_newest_row", **values)[0]["AGE"]
    newest, bound = f"the newest {declared.column or 'load'}", int(declared.max_age.total_seconds())
    allowed = f"at most {in_words(declared.max_age)} are allowed"
    if age is None:
        reason = f"{newest} is missing, {allowed}"
        return [Check.of("FRESHNESS", passed=False, reason=reason, bound=bound, subject=name)]
    reason, value = f"{newest} is {int(age):,} seconds old, {allowed}", int(age)
    return [Check.of("FRESHNESS", passed=value <= bound, reason=reason, value=value, bound=bound, subject=name)]
