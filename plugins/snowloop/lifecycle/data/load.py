"""Stage 2: files are staged and copied into RAW, each once; lines that cannot be read are kept with the reason."""

import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from snowloop.errors import LoadError
from snowloop.lifecycle.data.files import PlannedFile, plan_files
from snowloop.lifecycle.results import Result
from snowloop.project import Project
from snowloop.sql import clock, identifier, render, run
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Session

__all__ = ["LoadReport", "LoadedFile", "PlannedFile", "load_files", "plan_files"]


@dataclass(frozen=True)
class LoadedFile:
    """What became of one file.

    Args:
        source: The source.
        file: Name of the staged file.
        read: Records that COPY read.
        loaded: Records in the RAW table.
        rejected: Records kept in RAW.REJECTED_LINES.
        kept: Whether the file had been loaded before.
    """

    source: str
    file: str
    read: int
    loaded: int
    rejected: int
    kept: bool


@dataclass(frozen=True)
class LoadReport(Result):
    """What ``load_files`` did; the counts are of files loaded now.

    Args:
        files: Each file.
        read: Records read.
        loaded: Records loaded.
        rejected: Records rejected.
        started_at: When the load began, in UTC, by Snowflake's clock.
    """

    files: tuple[LoadedFile, ...]
    read: int
    loaded: int
    rejected: int
    started_at: datetime

    def summary(self) -> dict[str, int | float | str]:
        """Counts of files, and of records read, loaded and rejected."""
        kept = sum(file.kept for file in self.files)
        new = len(self.files) - kept
        return {"files": new, "kept": kept, "read": self.read, "loaded": self.loaded, "rejected": self.rejected}


def load_files(
    workspace: Workspace,
    data_dir: str | Path | None,
    *,
    part: Literal["initial", "arrivals", "all"] = "all",
    only: str | None = None,
) -> LoadReport:
    """Load a project's files; one that has been loaded before is left alone.

    Args:
        workspace: Session, project and environment.
        data_dir: Folder of the data, or a generator (.py); None: what the project ships.
        part: What the model is first trained on, what arrives later, or all.
        only: One batch (``"1"``, ``"2"``, ...) or the name of one planned file.

    Returns:
        What became of each file.

    Raises:
        LoadError: if a file is missing or not as declared, or the counts do not reconcile.
    """
    project = workspace.project
    started_at = clock(workspace.session)
    database = workspace.database
    with tempfile.TemporaryDirectory(prefix="snowloop-") as work:
        planned = plan_files(project, data_dir, Path(work))
        chosen = [file for file in planned if _chosen(file, part, only)]
        if only is not None and not chosen:
            known = ", ".join(sorted({str(file.batch) for file in planned if file.batch}, key=int)) or "none"
            message = f"project {project.name} has no arriving batch or file '{only}' in its data: batches are {known}"
            raise LoadError(message)
        files = tuple(_load_file(workspace.session, project, database, file) for file in chosen)
    new = [file for file in files if not file.kept]
    read, loaded, rejected = (sum(getattr(file, name) for file in new) for name in ("read", "loaded", "rejected"))
    return LoadReport(files, read, loaded, rejected, started_at)


def _chosen(file: PlannedFile, part: str, only: str | None) -> bool:
    if only is not None and only not in (str(file.batch), file.path.name):
        return False
    return part == "all" or (file.batch == 0) == (part == "initial")


def _load_file(session: "Session", project: Project, database: str, file: PlannedFile) -> LoadedFile:
    table, name = file.source.upper(), f"{file.path.name}.gz"
    known = {row["FILE"]: row for row in run(session, "load/known.sql", database=database, table=table)}
    if name in known:
        row = known[name]
        _keep_rejected(session, database, table, name, row["ROWS_REJECTED"], row["QUERY_ID"])
        return LoadedFile(file.source, name, row["ROWS_READ"], row["ROWS_LOADED"], row["ROWS_REJECTED"], kept=True)
    stage = f"@{identifier(database, 'RAW', 'LANDING')}/{table.lower()}"
    session.file.put(str(file.path), stage, auto_compress=True, overwrite=False)
    outcome = _copy(session, project, database, file, name)
    read, loaded = int(outcome["rows_parsed"]), int(outcome["rows_loaded"])
    _keep_rejected(session, database, table, name, read - loaded, outcome["query_id"])
    return LoadedFile(file.source, name, read, loaded, read - loaded, kept=False)


def _copy(session: "Session", project: Project, database: str, file: PlannedFile, name: str) -> dict[str, Any]:
    """COPY one file and remember it, in one transaction."""
    table = file.source.upper()
    source = {**dict(project.sources[file.source]), "table": table}
    session.sql("BEGIN").collect()
    try:
        with session.query_history() as history:
            rows = session.sql(render("load/copy.sql", database=database, source=source, file=name)).collect()
        query_id = history.queries[-1].query_id
        outcome = {key.lower(): value for key, value in rows[0].as_dict().items()} if rows else {}
        if "rows_parsed" not in outcome:
            message = (
                f"{name}: COPY INTO {database}.RAW.{table} read nothing ({outcome.get('status', 'no answer')}), though "
                f"{database}.OPS.LOADS does not know the file; if it was copied by hand, add its row to OPS.LOADS"
            )
            raise LoadError(message)
        read, loaded = int(outcome["rows_parsed"]), int(outcome["rows_loaded"])
        counts = {"read": read, "loaded": loaded, "rejected": read - loaded}
        run(
            session, "load/remember.sql",
            database=database, table=table, file=name, md5=file.md5, query_id=query_id, **counts,
        )  # fmt: skip
        session.sql("COMMIT").collect()
    except BaseException:
        session.sql("ROLLBACK").collect()
        raise
    return {**outcome, "query_id": query_id}


def _keep_rejected(session: "Session", database: str, table: str, file: str, wanted: int, query_id: str) -> None:
    """Write the rejected lines of a file once, and insist that read = loaded + rejected."""

    def count() -> int:
        return int(run(session, "load/rejected_count.sql", database=database, table=table, file=file)[0]["N"])

    if wanted and not count():
        run(session, "load/rejected_lines.sql", database=database, table=table, file=file, query_id=query_id)
    found = count()
    if found != wanted:
        message = (
            f"{file}: the counts of the load into {database}.RAW.{table} do not reconcile: COPY left out {wanted} "
            f"records, RAW.REJECTED_LINES holds {found} of them (query {query_id})"
        )
        raise LoadError(message)
