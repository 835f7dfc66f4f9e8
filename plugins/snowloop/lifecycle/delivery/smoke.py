"""Smoke: whether what is deployed in a target works, asked without leaving anything behind."""

from collections.abc import Callable
from dataclasses import dataclass

from snowloop.checks import Check, counted
from snowloop.command_line import command
from snowloop.errors import DeploymentError, ScoringError, SmokeFailed, TrainingError
from snowloop.lifecycle.champion.fit import Scorer, version_to_score
from snowloop.lifecycle.champion.standing import standing
from snowloop.lifecycle.data.contract import row_fails
from snowloop.lifecycle.procedure.calls import SMOKE, call
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.desired import RUN_VALUES, scoring_values, statement
from snowloop.lifecycle.scoring.names import names
from snowloop.lifecycle.scoring.plan import plan_scoring
from snowloop.lifecycle.versions import CHAMPION, versions
from snowloop.sql import identifier
from snowloop.workspace import Workspace
from snowloop_procedures.smoke import SmokeRequest

QUERIES = "delivery/queries.sql"


@dataclass(frozen=True)
class Smoke(Result):
    """What was asked of a target.

    Args:
        target: The target.
        checks: The checks.
    """

    target: str
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.failed)

    def check(self) -> None:
        """Raise if a check failed.

        Raises:
            SmokeFailed: with the reason of each failed check.
        """
        if self.failed:
            reasons = "; ".join(f"{check.name}: {check.reason}" for check in self.failed)
            raise SmokeFailed(f"{self.target} does not work as deployed: {reasons}")

    def summary(self) -> dict[str, int | float | str]:
        """How many checks passed, failed and were not asked."""
        return {"target": self.target, "checks": counted(self.checks)}

    def text(self) -> str:
        """The checks for people, a line each."""
        marks = {"passed": "ok", "failed": "FAILED", "not_asked": "not asked"}
        return "\n".join(f"  {check.name:<10}{marks[check.outcome]:<11}{check.reason}" for check in self.checks)


def smoke(workspace: Workspace) -> Smoke:
    """Ask whether the champion answers under its alias, a row is scored, the loop runs, and readers can read.

    Returns:
        The checks; a failed one says what to do.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if the environment does not exist.
    """
    asked: tuple[Callable[[Workspace], Check], ...] = (_alias, _champion_scores, _deployed, _reader)
    return Smoke(workspace.target, tuple(ask(workspace) for ask in asked))


def scores_one_row(workspace: Workspace, version: str, alias: str | None = None) -> Check:
    """Score one row of the source inside Snowflake with the loop's own statement, and roll it back.

    Args:
        version: Name of the version.
        alias: The alias by which the model is called; None: the name.

    Returns:
        The check.
    """
    called = alias or version
    try:
        scorer = version_to_score(workspace, version)
        outcome = call(workspace, SMOKE, _request(workspace, scorer, called))
    except (ScoringError, TrainingError) as error:
        return Check.of("ROW", passed=False, reason=f"{called} scores no row: {error}", subject=version)
    if not outcome["rows"]:
        reason = (
            f"there is no row to score: none of {workspace.database}.RAW.{workspace.project.table} keeps the contract; "
            "load some, by snowloop load"
        )
        return Check.of("ROW", passed=False, reason=reason, subject=version)
    reason = f"{called} scored a row inside Snowflake, which was rolled back"
    if not outcome["finite"]:
        reason = f"{called} gives a row no finite score: look at its features, and roll back"
    return Check.of("ROW", passed=outcome["finite"], reason=reason, subject=version)


def _request(workspace: Workspace, scorer: Scorer, called: str) -> SmokeRequest:
    project = workspace.project
    rows = {"checked_rows": f"{QUERIES}#one_row", "table": names(project, workspace.target).table}
    values = scoring_values(project, workspace.target, scorer.formula, scorer.features, **rows)
    read = {"database": workspace.database, "run_id": RUN_VALUES["run_id"]}
    return SmokeRequest(
        version=called,
        score_row=statement("score_rows", {**values, "fails": row_fails(project)}),
        score=statement("score_of_run", read, QUERIES),
    )


def _alias(workspace: Workspace) -> Check:
    stands = standing(workspace, versions(workspace))
    if stands.champion is None:
        reason = f"no version serves in {workspace.target}: promote one"
        return Check.of("ALIAS", passed=False, reason=reason)
    findings = "; ".join(stands.findings(workspace.project, workspace.target))
    reason = findings or f"{stands.champion} has the alias {CHAMPION}, is the default, and is the ledger's champion"
    return Check.of("ALIAS", passed=not findings, reason=reason, subject=stands.champion)


def _champion_scores(workspace: Workspace) -> Check:
    stands = standing(workspace, versions(workspace))
    if stands.alias is None:
        return Check("ROW", "not_asked", f"no version has the alias {CHAMPION}")
    return scores_one_row(workspace, stands.alias, CHAMPION)


def _deployed(workspace: Workspace) -> Check:
    """The scoring loop is as declared, and its task graph runs: a suspended task is one that the plan would resume."""
    to_do = f"run {command('apply', project=workspace.project.name, target=workspace.target)}"
    try:
        plan = plan_scoring(workspace)
    except DeploymentError as error:
        return Check.of("LOOP", passed=False, reason=f"the scoring loop cannot be planned: {error}")
    if plan.refused:
        reasons = "; ".join(f"{each.kind} {each.name}: {each.reason}; to do: {each.remedy}" for each in plan.refused)
        return Check.of("LOOP", passed=False, reason=f"the scoring loop cannot be deployed as declared: {reasons}")
    changes = [f"{each.action} {each.kind} {each.name}" for each in plan.changes if each.action != "keep"]
    if changes:
        reason = f"the scoring loop is not as declared ({', '.join(changes)}): {to_do}"
        return Check.of("LOOP", passed=False, reason=reason)
    return Check.of("LOOP", passed=True, reason="the scoring loop is as declared, and its task graph is resumed")


def _reader(workspace: Workspace) -> Check:
    """The role for readers has what it needs to read the scores."""
    database, role = workspace.database, f"{workspace.database}_READER"
    needed = {
        ("USAGE", database),
        ("USAGE", f"{database}.SERVING"),
        ("SELECT", f"{database}.SERVING.SCORED"),
        ("SELECT", f"{database}.SERVING.LATEST_SCORES"),
    }
    rows = workspace.session.sql(f"SHOW GRANTS TO ROLE {identifier(role)}").collect()
    granted = {(str(row["privilege"]).upper(), str(row["name"]).replace('"', "")) for row in rows}
    missing = sorted(needed - granted)
    reason = f"the role {role} can read the scores"
    if missing:
        lacks = ", ".join(f"{privilege} on {name}" for privilege, name in missing)
        reason = f"the role {role} lacks {lacks}: run snowloop environment, which grants it"
    return Check.of("READER", passed=not missing, reason=reason, subject=role)
