"""Rollback in one step: the champion before serves again, and the loop is deployed with its features.sql."""

from dataclasses import replace

from snowloop.command_line import command
from snowloop.errors import PlanRefused, RollbackError
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.fit import Scorer
from snowloop.lifecycle.champion.rollback import Rollback, rollback
from snowloop.lifecycle.deployment.deployments import last_deployment
from snowloop.lifecycle.deployment.lock import Lease, deployment_lock
from snowloop.lifecycle.deployment.plan import LOOP, Change, Plan
from snowloop.lifecycle.deployment.schema_version import check_release
from snowloop.lifecycle.model_monitor.plan import KIND as MODEL_MONITOR
from snowloop.lifecycle.scoring.apply import apply_loop
from snowloop.lifecycle.scoring.plan import plan_scoring, plan_with
from snowloop.lifecycle.versions import CHAMPION, aliased, versions
from snowloop.workspace import Workspace


def roll_back(workspace: Workspace, version: str | None = None, reason: str | None = None) -> Rollback:
    """Return to the champion before the one that serves, whichever features.sql it was trained with.

    The text of that features.sql is kept with the version's training set, and its hash with the version. If it is not
    the deployed one, the loop is deployed with it, at the stream's offset: runs in between are refused, and their rows
    wait in the stream. Nothing else of the declaration is deployed along, so this is refused while the checkout
    declares something else of the loop than what is deployed.

    Args:
        version: The version that is expected to serve then; None: whichever it is.
        reason: Why, for the ledger.

    Returns:
        Both versions, and what was deployed.

    Raises:
        EnvironmentBusy: if a deployment or promotion is under way there.
        RollbackError: as ``rollback``; or if the loop cannot be deployed with the features.sql of the version. The
            message says whether the champion was changed, and the commands that help.
        PlanRefused: if a later release has made the environment.
    """
    check_release(workspace)
    with deployment_lock(workspace, "rollback") as lease:
        done = _done_before(workspace, version)
        if done is None:
            done = rollback(
                workspace, version, reason, before_other_features=lambda given: _check_deployable(workspace, given)
            )
        return _deployed(workspace, done, lease) if done.features_changed else done


def _done_before(workspace: Workspace, version: str | None) -> Rollback | None:
    """The rollback to the version that is named, if it is done but for the deployment of the loop: it is completed."""
    last = next((each for each in reversed(ledger.entries(workspace)) if each.action in ledger.CHAMPION_CHANGES), None)
    if version is None or last is None or last.action != ledger.ROLLBACK:
        return None
    now = aliased(versions(workspace), CHAMPION)
    if now is None or not now.name == last.to_version == version.upper():
        return None
    return Rollback(str(last.from_version), now.name, last.done_at.isoformat(" "), features_changed=True)


def _is_deployed(plan: Plan) -> bool:
    """Whether there is a loop: its stream is the first thing that a deployment makes, and the last that it replaces."""
    return not any(change.kind == "stream" and change.action == "create" for change in plan.changes)


def _others(plan: Plan) -> list[Change]:
    """What a deployment would do besides resuming tasks, that the champion has another features.sql is known; its model
    monitor follows it.
    """
    known = ("model", MODEL_MONITOR)
    return [each for each in plan.changes if each.action not in ("keep", "resume") and each.kind not in known]


def _check_deployable(workspace: Workspace, before: Scorer) -> None:
    """Refuse, before the champion changes, if deploying the loop would do more than replace features.sql.

    It does not if the loop is as declared but for features.sql: with that of the champion, or, where a promotion was
    not deployed yet, with that of the version before.
    """
    plan = plan_scoring(workspace)
    others = _others(plan)
    if not others or not _is_deployed(plan) or not _others(plan_with(workspace, before.formula, before.features)):
        return
    changes = "; ".join(f"{each.action} {each.kind} {each.name}" for each in others)
    last = last_deployment(workspace, LOOP)
    commit = last.git_commit if last else "unknown"
    where = {"project": workspace.project.name, "target": workspace.target}
    message = (
        f"the version before was trained with another features.sql, so the scoring loop of {workspace.database} has to "
        f"be deployed again, and what is checked out here declares something else of it than what is deployed "
        f"({changes}). Nothing was changed: check out the commit that is deployed (git checkout {commit}) and run "
        f"{command('rollback', **where)} there; or deploy what is declared first, by {command('apply', **where)}, then "
        "roll back"
    )
    raise RollbackError(message)


def _deployed(workspace: Workspace, done: Rollback, lease: Lease) -> Rollback:
    """Deploy the loop with the features.sql of the version, if there is a loop."""
    where = {"project": workspace.project.name, "target": workspace.target}
    plan, note = plan_scoring(workspace), ""
    if any(change.kind == "features" for change in plan.changes):
        note = (
            f"{done.to_version} scores with its own features.sql, and the checkout has another one: "
            f"{command('plan', **where)} shows the difference. Put that of {done.to_version} back in the next commit, "
            "or train and promote a version with that of the checkout"
        )
    if not _is_deployed(plan):
        return replace(done, note=note)
    try:
        return replace(done, note=note, deployed=apply_loop(workspace, plan, lease).sent)
    except PlanRefused as refused:
        message = (
            f"{done.to_version} is champion again, and the loop is not deployed with its features.sql, so runs are "
            f"refused and their rows wait in the stream: {refused}. Then run {command('apply', **where)}"
        )
        raise RollbackError(message) from refused
