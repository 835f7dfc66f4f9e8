"""Stage 3b: the immutable training set that features.sql and label.sql describe, named after its fingerprint."""

import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from snowloop.checks import Check
from snowloop.errors import TrainingError
from snowloop.lifecycle.data.contract import checked_rows
from snowloop.lifecycle.data.validate import check_contract
from snowloop.lifecycle.features.leakage import Subject, check_leakage
from snowloop.lifecycle.features.point_in_time import render_features
from snowloop.lifecycle.features.queries import check_label, check_slices, columns_of
from snowloop.lifecycle.features.repeatability import check_features
from snowloop.lifecycle.provenance import content_hash, git_commit
from snowloop.lifecycle.results import Result
from snowloop.project import Project
from snowloop.sql import identifier, render_project, run
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Session


@dataclass(frozen=True)
class Feature:
    """One feature, and the type in which the model sees it in training and in serving alike.

    Args:
        name: Name of the column.
        type: FLOAT or VARCHAR.
    """

    name: str
    type: str


@dataclass(frozen=True)
class TrainingSet(Result):
    """An immutable training set.

    Args:
        table: Its quoted, qualified name.
        fingerprint: Hash of its content, of features.sql and of label.sql.
        rows: Number of rows.
        holdout_rows: How many of them are held out.
        set_aside: Rows of the source that break the contract and are left out.
        features: The features, in the order in which the model takes them.
        kept: Whether it was there already.
        leakage: The checks for leakage: each passed, or could not be made.
        contract: Checks of the contract over the rows that it was built of, and how many of them failed.
        not_yet_known: Rows that are left out because their label is not known yet.
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

    def summary(self) -> dict[str, int | float | str]:
        """Counts of rows and features."""
        waiting = {"label not yet known": self.not_yet_known} if self.not_yet_known else {}
        return {
            "rows": self.rows,
            "held out": self.holdout_rows,
            "set aside": self.set_aside,
            **waiting,
            "features": len(self.features),
            "kept": int(self.kept),
        }


def describe_features(workspace: Workspace) -> tuple[Feature, ...]:
    """The feature columns of features.sql: all that it gives but the key.

    Args:
        workspace: Session, project and environment.

    Returns:
        The features, in order.

    Raises:
        TrainingError: if features.sql cannot be read, lacks a key column, gives no feature, or one that is neither
            number nor text.
    """
    from snowflake.snowpark import types

    numbers = (types.DecimalType, types.DoubleType, types.FloatType, types.LongType, types.IntegerType)
    place = workspace.project.directory / "features.sql"
    features = []
    for name, kind in columns_of(workspace, "features.sql").items():
        if name in workspace.project.key:
            continue
        if not isinstance(kind, (types.StringType, *numbers)):
            message = f"{place}: feature {name} is of type {kind}: cast it to a number or to text"
            raise TrainingError(message)
        features.append(Feature(name, "VARCHAR" if isinstance(kind, types.StringType) else "FLOAT"))
    if not features:
        message = f"{place}: it gives the key alone: select at least one feature"
        raise TrainingError(message)
    return tuple(features)


def build_training_set(workspace: Workspace) -> TrainingSet:
    """Materialise features and label of all labelled rows, once for each state of data and SQL.

    Rows of the streamed source that break the contract are left out and kept in FEATURES.SET_ASIDE with the reason.

    Args:
        workspace: Session, project and environment.

    Returns:
        The training set; ``kept`` if one with the same fingerprint was there.

    Raises:
        TrainingError: if a query cannot be used, there is no row, a key repeats, a label is none of its classes, or
            features.sql gives other values the second time.
        ContractViolation: if rows have come since the contract was checked, and it is broken now.
        ProjectError: if a slice is of a column that there is not.
        LeakageError: if the rows give the label away.
    """
    session, project = workspace.session, workspace.project
    database = workspace.database
    features = describe_features(workspace)
    check_label(workspace)
    check_slices(project, features)
    checked = checked_rows(project, workspace.target)
    build = identifier(database, "FEATURES", f"BUILD_{uuid.uuid4().hex}".upper())
    texts = _texts(project, workspace.target, features, checked)
    unknown = _not_yet_known(session, project, texts)
    run(session, "features/build_training_set.sql", table=build, **texts)
    try:
        found = _inspect(session, project, build, features)
        declared = [project.text("features.sql"), project.text("label.sql"), project.split.model_dump()]
        fingerprint = content_hash(*declared, found["CONTENT"], found["N"], found["HELD_OUT"])
        subject = Subject(build, fingerprint, features)
        leakage = check_leakage(workspace, subject)
        if not run(session, "features/known.sql", database=database, fingerprint=fingerprint):
            check_features(workspace, subject)
        made = _keep(session, project, database, build, features, found, fingerprint, checked)
        return replace(made, leakage=leakage, contract=_contract(workspace), not_yet_known=unknown)
    finally:
        session.sql(f"DROP TABLE IF EXISTS {build}").collect()


def _contract(workspace: Workspace) -> tuple[int, int]:
    """How many checks of the contract there were over the present rows, and how many failed; they run if none did."""
    row = run(
        workspace.session, "features/contract.sql", database=workspace.database, sources=list(workspace.project.sources)
    )[0]
    if row["CHECKS"]:
        return int(row["CHECKS"]), int(row["FAILED"])
    return len(check_contract(workspace).checks), 0


def _texts(project: Project, target: str, features: tuple[Feature, ...], checked: str) -> dict[str, Any]:
    return {
        "checked": checked,
        "columns": list(project.streamed.table_columns),
        "features": render_features(project, target, "CLEAN"),
        "label": render_project(project, "label.sql", raw=identifier(project.database(target), "RAW")),
        "key": project.key,
        "feature_columns": features,
        "label_column": project.label.column,
        "label_type": project.label.type,
        "split": project.split,
        "event_time": project.streamed.event_time,
        "key_of_features": [f"F.{identifier(column)}" for column in project.key],
        "known": _known(project),
    }


def _known(project: Project) -> str:
    """Predicate over C (the row) and L (its label): the label is known by now; never NULL."""
    label = project.label
    if label.known_at:
        return f"COALESCE(L.{identifier(label.known_at)}::TIMESTAMP_NTZ <= SYSDATE(), FALSE)"
    if label.known_after and project.streamed.event_time:
        moment = f"C.{identifier(project.streamed.event_time)}::TIMESTAMP_NTZ"
        return f"COALESCE(DATEADD('second', {int(label.known_after.total_seconds())}, {moment}) <= SYSDATE(), FALSE)"
    return "TRUE"


def _not_yet_known(session: "Session", project: Project, texts: dict[str, Any]) -> int:
    if texts["known"] == "TRUE":
        return 0
    if project.label.known_at:
        _check_known_at(session, project, texts["label"], project.label.known_at)
    return int(run(session, "features/not_yet_known.sql", **texts)[0]["N"] or 0)


def _check_known_at(session: "Session", project: Project, label: str, column: str) -> None:
    """The moment must be there, and be one of UTC, as that of now is."""
    from snowflake.snowpark.types import TimestampTimeZone, TimestampType

    types = {field.name.strip('"'): field.datatype for field in session.sql(label).schema.fields}
    where = f"{project.directory / 'label.sql'}: column {column}, declared as label.known_at,"
    if column not in types:
        message = f"{where} is missing from its result ({', '.join(types)}): select it"
        raise TrainingError(message)
    kind = types[column]
    if isinstance(kind, TimestampType) and kind.tz in (TimestampTimeZone.TZ, TimestampTimeZone.LTZ):
        message = (
            f"{where} has a zone, and moments are compared in UTC without one: select "
            f"CONVERT_TIMEZONE('UTC', {column})::TIMESTAMP_NTZ AS {column}"
        )
        raise TrainingError(message)


def _inspect(session: "Session", project: Project, table: str, features: tuple[Feature, ...]) -> dict[str, Any]:
    columns = [*project.key, *(feature.name for feature in features), project.label.column]
    columns += [project.split.kept_as] if project.split.kept_as else []
    label = {"label_column": project.label.column, "classes": project.label.values}
    names = {"key": project.key, "columns": columns, **label}
    found: dict[str, Any] = run(session, "features/fingerprint.sql", table=table, **names)[0].as_dict()
    found = {name: int(value or 0) for name, value in found.items()}
    where = f"the training set of project {project.name}"
    if not found["N"]:
        message = f"{where} is empty: no row of {project.table} keeps the contract and has a label in label.sql"
        message += " that is known by now" if _known(project) != "TRUE" else ""
        raise TrainingError(message)
    if found["KEYS"] != found["N"]:
        message = (
            f"{where} has {found['N']} rows but {found['KEYS']} keys ({', '.join(project.key)}): features.sql and "
            "label.sql must each give one row a key"
        )
        raise TrainingError(message)
    if found["UNKNOWN"]:
        unknown = run(session, "features/unknown_classes.sql", table=table, **label)
        told = ", ".join(f"{row['CLASS']} in {row['N']} rows" for row in unknown)
        classes = ", ".join(map(str, project.label.values))
        remedy = "mend label.sql" if project.label.task == "classification" else "mend label.sql, or declare the class"
        message = f"{where}: label {project.label.column} must be one of {classes}, it is {told}: {remedy}"
        raise TrainingError(message)
    return found


def _keep(
    session: "Session", project: Project, database: str, build: str, features: tuple[Feature, ...],
    found: dict[str, Any], fingerprint: str, checked: str,
) -> TrainingSet:  # fmt: skip
    """Give the built table its name, and write the rows set aside, unless an equal training set is known."""
    name = f"TRAINING_SET_{fingerprint}".upper()
    table = identifier(database, "FEATURES", name)
    known = run(session, "features/known.sql", database=database, fingerprint=fingerprint)
    if not known:
        session.sql(f"CREATE TABLE IF NOT EXISTS {table} CLONE {build}").collect()
        columns = list(project.streamed.table_columns)
        counts = {"name": name, "rows": found["N"], "holdout_rows": found["HELD_OUT"]}
        commit = git_commit(project)
        session.sql("BEGIN").collect()
        try:
            run(
                session, "features/set_aside.sql",
                database=database, columns=columns, checked=checked, source=f"RAW.{project.table}",
                fingerprint=fingerprint,
            )  # fmt: skip
            run(
                session, "features/remember.sql",
                database=database, fingerprint=fingerprint, git_commit=commit, **counts,
            )  # fmt: skip
            session.sql("COMMIT").collect()
        except BaseException:
            session.sql("ROLLBACK").collect()
            raise
    set_aside = run(session, "features/known.sql", database=database, fingerprint=fingerprint)[0]["ROWS_SET_ASIDE"]
    return TrainingSet(table, fingerprint, found["N"], found["HELD_OUT"], int(set_aside), features, kept=bool(known))
