"""Stage 3b: the immutable training set that features.sql and label.sql describe, named after its fingerprint."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from snowloop.checks import Check
from snowloop.errors import TrainingError
from snowloop.lifecycle.data.contract import checked_rows
from snowloop.lifecycle.data.validate import check_contract
from snowloop.lifecycle.deployment.schema_version import check_release
from snowloop.lifecycle.features.baseline import write_baseline
from snowloop.lifecycle.features.feature import Feature, Subject
from snowloop.lifecycle.features.formula import Formula
from snowloop.lifecycle.features.keys import check_keys
from snowloop.lifecycle.features.known_labels import is_known, known_moment
from snowloop.lifecycle.features.leakage import check_leakage
from snowloop.lifecycle.features.point_in_time import declared_formula
from snowloop.lifecycle.features.queries import check_allowed, check_label, check_slices, columns_of
from snowloop.lifecycle.features.repeatability import check_features
from snowloop.lifecycle.provenance import content_hash, git_commit
from snowloop.lifecycle.results import Result
from snowloop.sql import MOST_ARGUMENTS, identifier, render, render_project
from snowloop.workspace import Workspace
from snowloop_procedures.keys import name_keys


@dataclass(frozen=True)
class TrainingSet(Result):
    """An immutable training set.

    Args:
        table: Its quoted, qualified name.
        fingerprint: Hash of its content, of the formula of its features, and of label.sql.
        rows: Number of rows.
        holdout_rows: How many of them are held out.
        set_aside: Rows of the source that break the contract and are left out.
        features: The features, in the order in which the model takes them.
        kept: Whether it existed already.
        leakage: The checks for leakage: each passed, or the rows did not allow it.
        contract: Number of the contract's checks of the rows that it was built of, and how many of them failed.
        not_yet_known: Rows that are left out because their label is not known yet.
        formula: The digest of the formula of its features.
        purged: Training rows that are left out because their label became known after the first held-out event.
    """

    table: str
    fingerprint: str
    rows: int
    holdout_rows: int
    set_aside: int
    features: tuple[Feature, ...]
    kept: bool
    leakage: tuple[Check, ...] = ()
    contract: tuple[int, int] | None = None
    not_yet_known: int = 0
    formula: str = ""
    purged: int = 0

    def summary(self) -> dict[str, int | float | str]:
        """Counts of rows and features."""
        waiting = {"label not yet known": self.not_yet_known} if self.not_yet_known else {}
        waiting |= {"label known after the first held-out event": self.purged} if self.purged else {}
        return {
            "rows": self.rows,
            "held out": self.holdout_rows,
            "set aside": self.set_aside,
            **waiting,
            "features": len(self.features),
            "kept": int(self.kept),
        }


def describe_features(
    workspace: Workspace, formula: Formula, place: object = None, added: Mapping[str, str] | None = None
) -> tuple[Feature, ...]:
    """The feature columns that a formula gives over the source: all that it returns except the key.

    Args:
        formula: The formula.
        place: What an error names as its place; None: the project's features.sql.
        added: Types of declared columns that the table does not have yet, by name.

    Returns:
        The features, in order; those of a model that gets them as one OBJECT in the order of their names.

    Raises:
        TrainingError: if it cannot be compiled, lacks a key column, returns no feature, or one that is neither number
            nor text.
    """
    from snowflake.snowpark import types

    numbers = (types.DecimalType, types.DoubleType, types.FloatType, types.LongType, types.IntegerType)
    project, place = workspace.project, place or workspace.project.directory / "features.sql"
    query = render(
        "features/queries.sql#described",
        columns=[name for name in project.streamed.table_columns if name not in (added or {})],
        added=added or {},
        table=identifier(workspace.database, "RAW", project.table),
        feature_rows=formula.over("DECLARED", workspace.database),
    )
    features = []
    for name, kind in columns_of(workspace, query, place).items():
        if name in project.row_key:
            continue
        if not isinstance(kind, (types.StringType, *numbers)):
            message = f"{place}: feature {name} is of type {kind}: cast it to a number or to text"
            raise TrainingError(message)
        features.append(Feature(name, "VARCHAR" if isinstance(kind, types.StringType) else "FLOAT"))
    if not features:
        message = f"{place}: it returns only the key: select at least one feature"
        raise TrainingError(message)
    if len(features) > MOST_ARGUMENTS:  # the fields of an OBJECT may reach the model in the order of their names
        features.sort(key=lambda feature: feature.name)
    return tuple(features)


def build_training_set(workspace: Workspace) -> TrainingSet:
    """Materialise features and label of all labelled rows, once for each state of data and SQL.

    Rows of the streamed source that break the contract are left out and kept in FEATURES.SET_ASIDE with the reason.

    Returns:
        The training set; ``kept`` if one with the same fingerprint existed.

    Raises:
        TrainingError: if a query cannot be used, there is no row, a key repeats, features.sql leaves one out, a label
            is none of its classes, or features.sql returns other values the second time.
        ContractViolation: if rows have arrived since the contract was checked, and they break it.
        ProjectError: if a slice is of a column that does not exist.
        LeakageError: if the rows leak the label.
        PlanRefused: if a later release has made the environment.
    """
    check_release(workspace)
    project = workspace.project
    formula = declared_formula(project)
    features = describe_features(workspace, formula)
    check_label(workspace)
    check_slices(project, features)
    check_allowed(project, features)
    build = identifier(workspace.database, "FEATURES", f"BUILD_{uuid.uuid4().hex}".upper())
    values = _values(workspace, formula, features)
    not_yet_known = _not_yet_known(workspace, values)
    workspace.run("features/build_training_set.sql", table=build, **values)
    try:
        purged = _purge(workspace, build)
        counts = _inspect(workspace, build, features)
        declared = [formula.digest, project.text("label.sql"), project.split.model_dump()]
        fingerprint = content_hash(*declared, counts["CONTENT"], counts["N"], counts["HELD_OUT"])
        subject = Subject(build, fingerprint, features)
        leakage = check_leakage(workspace, subject, purged)
        if _recorded(workspace, fingerprint) is None:
            check_keys(workspace, formula)
            check_features(workspace, subject)
        published = _publish(workspace, subject, formula, counts, values["checked"])
        return replace(
            published, leakage=leakage, contract=_contract(workspace), not_yet_known=not_yet_known, purged=purged
        )
    finally:
        workspace.session.sql(f"DROP TABLE IF EXISTS {build}").collect()


def _contract(workspace: Workspace) -> tuple[int, int]:
    """How many checks of the contract the present rows had, and how many failed; the checks run if there were none."""
    sources = workspace.project.sources
    row = workspace.run("features/queries.sql#contract_checks", sources=list(sources))[0]
    if row["CHECKS"] and not any(source.table for source in sources.values()):  # others change a table at any time
        return int(row["CHECKS"]), int(row["FAILED"])
    return len(check_contract(workspace).checks), 0


def _values(workspace: Workspace, formula: Formula, features: tuple[Feature, ...]) -> dict[str, Any]:
    """What the templates that read rows, features and labels use."""
    project = workspace.project
    return {
        "checked": checked_rows(project, workspace.target),
        "columns": list(project.streamed.table_columns),
        "features": formula.over("CLEAN", workspace.database),
        "label": render_project(project, "label.sql", raw=identifier(workspace.database, "RAW")),
        "key": project.row_key,
        "feature_columns": features,
        "label_column": project.label.column,
        "label_type": project.label.type,
        "split": project.split,
        "event_time": project.streamed.event_time,
        "key_of_features": [f"F.{identifier(column)}" for column in project.row_key],
        "known": is_known(project),
        "known_moment": known_moment(project),
    }


def _purge(workspace: Workspace, table: str) -> int:
    """Leave out the training rows whose label reaches into the held-out period (purging; M. López de Prado, Advances in
    Financial Machine Learning, 2018, chapter 7), and count them.
    """
    if not workspace.project.purged_by:
        return 0
    return int(workspace.run("features/queries.sql#purge", table=table)[0][0])


def _not_yet_known(workspace: Workspace, values: dict[str, Any]) -> int:
    if values["known"] == "TRUE":
        return 0
    if workspace.project.label.known_at:
        _check_known_at(workspace, values["label"], workspace.project.label.known_at)
    return int(workspace.run("features/queries.sql#not_yet_known", **values)[0]["N"] or 0)


def _check_known_at(workspace: Workspace, label: str, column: str) -> None:
    """The column must exist and have no zone, because it is compared with the time in UTC."""
    from snowflake.snowpark.types import TimestampTimeZone, TimestampType

    types = {field.name.strip('"'): field.datatype for field in workspace.session.sql(label).schema.fields}
    where = f"{workspace.project.directory / 'label.sql'}: column {column}, declared as label.known_at,"
    if column not in types:
        message = f"{where} is missing from its result ({', '.join(types)}): select it"
        raise TrainingError(message)
    kind = types[column]
    if isinstance(kind, TimestampType) and kind.tz in (TimestampTimeZone.TZ, TimestampTimeZone.LTZ):
        message = (
            f"{where} has a zone, but times are compared in UTC without one: select "
            f"CONVERT_TIMEZONE('UTC', {column})::TIMESTAMP_NTZ AS {column}"
        )
        raise TrainingError(message)


def _inspect(workspace: Workspace, table: str, features: tuple[Feature, ...]) -> dict[str, int]:
    """Rows, held-out rows, keys and the hash of the content of a built table, which must be fit to train on."""
    project = workspace.project
    columns = [*project.row_key, *(feature.name for feature in features), project.label.column]
    columns += [project.split.kept_as] if project.split.kept_as else []
    columns += project.purged_by
    label = {"label_column": project.label.column, "classes": project.label.values}
    row = workspace.run("features/queries.sql#fingerprint", table=table, key=project.row_key, columns=columns, **label)[
        0
    ].as_dict()
    counts = {name: int(value or 0) for name, value in row.items()}
    where = f"the training set of project {project.name}"
    if not counts["N"]:
        message = f"{where} is empty: no row of {project.table} keeps the contract and has a label in label.sql"
        message += " that is known by now" if is_known(project) != "TRUE" else ""
        raise TrainingError(message)
    if counts["KEYS"] != counts["N"]:
        repeated = name_keys(workspace.run("features/queries.sql#repeated_keys", table=table, key=project.row_key))
        message = (
            f"{where} has {counts['N']} rows but {counts['KEYS']} keys ({', '.join(project.row_key)}; {repeated}): "
            "features.sql and label.sql must each return one row for a key"
        )
        raise TrainingError(message)
    if counts["UNKNOWN"]:
        unknown = workspace.run("features/queries.sql#unknown_classes", table=table, **label)
        values = ", ".join(f"{row['CLASS']} in {row['N']} rows" for row in unknown)
        classes = ", ".join(map(str, project.label.values))
        remedy = "correct label.sql" + ("" if project.label.task == "classification" else ", or declare the class")
        message = f"{where}: label {project.label.column} must be one of {classes}, it is {values}: {remedy}"
        raise TrainingError(message)
    return counts


def _recorded(workspace: Workspace, fingerprint: str) -> int | None:
    """How many rows a recorded training set has set aside; None if none of this fingerprint is recorded."""
    rows = workspace.run("features/queries.sql#training_set", fingerprint=fingerprint)
    return int(rows[0]["ROWS_SET_ASIDE"]) if rows else None


def _publish(
    workspace: Workspace, subject: Subject, formula: Formula, counts: dict[str, int], checked: str
) -> TrainingSet:
    """Name the built table after its fingerprint and write the rows set aside, unless that has been done."""
    project, fingerprint = workspace.project, subject.fingerprint
    name = f"TRAINING_SET_{fingerprint}".upper()
    table = identifier(workspace.database, "FEATURES", name)
    recorded = _recorded(workspace, fingerprint) is not None
    kept = recorded and workspace.exists("TABLES", "FEATURES", name)  # the record of a promoted version has no table
    if not kept:
        workspace.session.sql(f"CREATE TABLE IF NOT EXISTS {table} CLONE {subject.table}").collect()
    if not recorded:
        commit = git_commit(project)
        with workspace.transaction():
            workspace.run(
                "features/queries.sql#set_aside",
                columns=list(project.streamed.table_columns),
                checked=checked,
                source=f"RAW.{project.table}",
                fingerprint=fingerprint,
            )
            workspace.run(
                "features/queries.sql#record_training_set",
                fingerprint=fingerprint,
                name=name,
                rows=counts["N"],
                holdout_rows=counts["HELD_OUT"],
                git_commit=commit,
                features_sql=formula.text,
            )
    write_baseline(workspace, replace(subject, table=table))  # also of a training set that an earlier release built
    set_aside, sizes = _recorded(workspace, fingerprint) or 0, (counts["N"], counts["HELD_OUT"])
    return TrainingSet(table, fingerprint, *sizes, set_aside, subject.features, kept, formula=formula.digest)
