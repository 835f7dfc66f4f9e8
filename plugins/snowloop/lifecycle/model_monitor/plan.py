"""Plans the model monitor of an environment: a pure function of what is declared and what exists."""

from collections.abc import Collection, Iterator, Sequence

from snowloop.lifecycle.deployment.plan import Change, FieldChange, RunSql, Step
from snowloop.lifecycle.features.feature import Feature
from snowloop.lifecycle.model_monitor.desired import (
    BASELINE,
    SOURCE,
    DesiredMonitor,
    declared_monitor,
    monitor_name,
    quoted_monitor,
)
from snowloop.lifecycle.model_monitor.observed import ObservedMonitor
from snowloop.lifecycle.versions import Version
from snowloop.project import Project
from snowloop.sql import identifier

KIND = "model monitor"
MOST_FEATURES = 500
"""Features of one monitor: https://docs.snowflake.com/en/developer-guide/snowflake-ml/model-registry/model-observability."""


def change_name(project: Project) -> str:
    """The name of the monitor in a plan, as SCHEMA.NAME."""
    return f"MODELS.{monitor_name(project)}"


def refusals(
    project: Project,
    target: str,
    champion: Version | None,
    features: Sequence[Feature] | None,
    observed: ObservedMonitor,
) -> Iterator[tuple[str, str]]:
    """Why a declared monitor cannot be made, each with what to do about it.

    Args:
        champion: The version that serves; without one the loop is refused anyway.
        features: Its features, likewise.
        observed: What exists.
    """
    if declared_monitor(project, target) is None:
        return
    without = "remove monitoring.model_monitor, or name in its `targets` the environments whose account has monitors"
    if observed.problem:
        yield f"the account of {target} refuses SHOW MODEL MONITORS: {observed.problem}", without
        return
    if observed.row is not None and not observed.is_own:
        name = quoted_monitor(project, target)
        reason = f"{name} is there, and by its comment ('{observed.comment}') Snowloop did not make it"
        yield reason, f"drop it (DROP MODEL MONITOR {name}), or remove monitoring.model_monitor"
    if champion is not None and not champion.facts.get("training_set"):
        reason = f"the champion {champion.name} names no training set, which would be the baseline"
        yield reason, "train and promote a version, or remove monitoring.model_monitor"
    if len(features or ()) > MOST_FEATURES:
        yield f"it would have {len(features or ())} features, {MOST_FEATURES} are possible", without


def plan_monitor(
    project: Project, target: str, desired: DesiredMonitor | None, observed: ObservedMonitor, tables: Collection[str]
) -> tuple[list[Change], list[Step]]:
    """Compare the declared monitor with the one that exists.

    The values of a monitor that is replaced or dropped are computed from SERVING.SCORED again, and those that were read
    stay in OPS.MONITORING_CHECKS: nothing is lost.

    Args:
        desired: The monitor as declared; None if the environment has none.
        observed: What exists.
        tables: Names of the tables and views that exist, as SCHEMA.NAME.

    Returns:
        The changes, none if there is neither; and the steps.
    """
    there = [each for each in (SOURCE, BASELINE) if ".".join(each) in tables]
    name = change_name(project)
    if desired is None:
        return _drop(project, target, observed, there)
    make: list[Step] = [RunSql(each) for each in desired.statements]
    if observed.row is None:
        return [Change(KIND, name, "create", f"of the champion {desired.version}")], make
    if observed.comment != desired.comment or len(there) < 2:
        if observed.comment == desired.comment:
            return [Change(KIND, name, "recreate", "the view or the baseline that it reads is missing")], make
        fields = (FieldChange("comment", observed.comment, desired.comment),)
        reason = f"the champion, its features or the declaration have changed; it will monitor {desired.version}"
        return [Change(KIND, name, "recreate", reason, fields=fields)], make
    if observed.state in ("SUSPENDED", "PARTIALLY_SUSPENDED"):
        resume = RunSql(f"ALTER MODEL MONITOR {quoted_monitor(project, target)} RESUME")
        reason = f"it is {observed.state}: DESCRIBE MODEL MONITOR has the reason (aggregation_last_error)"
        return [Change(KIND, name, "resume", reason)], [resume]
    return [Change(KIND, name, "keep", f"as declared, of the champion {desired.version}")], []


def _drop(
    project: Project, target: str, observed: ObservedMonitor, there: Sequence[tuple[str, str]]
) -> tuple[list[Change], list[Step]]:
    """What a declaration of before has left: first the monitor, then what it reads."""
    changes: list[Change] = []
    steps: list[Step] = []
    reason = "monitoring.model_monitor is no longer declared"
    if observed.row is not None and observed.is_own:
        changes.append(Change(KIND, change_name(project), "drop", reason))
        steps.append(RunSql(f"DROP MODEL MONITOR IF EXISTS {quoted_monitor(project, target)}"))
    for each in there:
        kind = "view" if each == SOURCE else "table"
        changes.append(Change(kind, ".".join(each), "drop", reason))
        steps.append(RunSql(f"DROP {kind.upper()} IF EXISTS {identifier(project.database(target), *each)}"))
    return changes, steps
