"""Stage 2: files are staged and copied into RAW, each once; records that cannot be read are kept with the reason."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from snowloop.errors import LoadError
from snowloop.lifecycle.data.files import PlannedFile, plan_files
from snowloop.lifecycle.data.staged import copy_staged
from snowloop.lifecycle.deployment.schema_version import check_release
from snowloop.lifecycle.results import Result
from snowloop.sql import clock, identifier, render
from snowloop.stage_files import upload_compressed
from snowloop.workspace import Workspace

MALFORMED_AT_ONCE = 500
"""Malformed records that one statement keeps."""


@dataclass(frozen=True)
class LoadedFile:
    """What became of one file.

    Args:
        source: The source.
        file: Name of the staged file.
        read: Records of the file, the header aside.
        loaded: Records in the RAW table.
        rejected: Records kept in RAW.REJECTED_LINES: malformed, or not what the columns take.
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
    roots: Sequence[Path] | None = None,
) -> LoadReport:
    """Load a project's files; one that has been loaded before is left alone.

    Of sources on a stage all files that are there are loaded, whatever the part; those that are tables are read there.
    The streamed source comes last: the features of its rows read the others.

    Args:
        data_dir: Folder of the data, or the project's generator; None: what the project ships.
        part: What the model is first trained on, what arrives later, or all.
        only: One batch (``"1"``, ``"2"``, ...) or the name of one planned file.
        roots: The folders below which the data must be: for what others ask for; None: any.

    Returns:
        What became of each file.

    Raises:
        LoadError: if a file is missing or not as declared, more of its records than declared cannot be loaded, or the
            counts do not reconcile.
        PlanRefused: if a later release has made the environment.
    """
    check_release(workspace)
    project = workspace.project
    started_at = clock(workspace.session)
    with tempfile.TemporaryDirectory(prefix="snowloop-") as work:
        planned = plan_files(project, data_dir, Path(work), roots)
        chosen = [file for file in planned if _chosen(file, part, only)]
        if only is not None and not chosen:
            batches = ", ".join(sorted({str(file.batch) for file in planned if file.batch}, key=int)) or "none"
            message = (
                f"project {project.name} has no arriving batch or file '{only}' in its data: batches are {batches}"
            )
            raise LoadError(message)
        files = tuple(_load_all(workspace, chosen, stages=only is None))
    new = [file for file in files if not file.kept]
    read, loaded, rejected = (sum(getattr(file, name) for file in new) for name in ("read", "loaded", "rejected"))
    return LoadReport(files, read, loaded, rejected, started_at)


def _load_all(workspace: Workspace, planned: Sequence[PlannedFile], *, stages: bool) -> Iterator[LoadedFile]:
    """Load planned files and, if asked for, what is new on stages: of the streamed source after all others."""
    streamed = workspace.project.source
    if stages:
        yield from _load_stages(workspace, [name for name in workspace.project.sources if name != streamed])
    for file in planned:
        yield _load_file(workspace, file)
    if stages:
        yield from _load_stages(workspace, [streamed])


def _load_stages(workspace: Workspace, sources: Sequence[str]) -> Iterator[LoadedFile]:
    """Load what is new on the stages that are sources."""
    for name in sources:
        source = workspace.project.sources[name]
        for file in copy_staged(workspace, name, source) if source.stage else ():
            rejected = file.read - file.loaded
            yield LoadedFile(name, file.name, file.read, file.loaded, rejected, kept=False)


def _chosen(file: PlannedFile, part: str, only: str | None) -> bool:
    if only is not None and only not in (str(file.batch), file.path.name):
        return False
    return part == "all" or (file.batch == 0) == (part == "initial")


def _load_file(workspace: Workspace, file: PlannedFile) -> LoadedFile:
    table, name = file.source.upper(), f"{file.path.name}.gz"
    earlier = {row["FILE"]: row for row in workspace.run("data/queries.sql#loaded_files", table=table)}.get(name)
    if earlier is None:
        stage = f"@{identifier(workspace.database, 'RAW', 'LANDING')}/{table.lower()}"
        upload_compressed(workspace.session, file.path, stage)
        read, loaded, query_id = _copy(workspace, file, name)
    else:
        read, loaded, query_id = earlier["ROWS_READ"], earlier["ROWS_LOADED"], earlier["QUERY_ID"]
    _keep_rejected(workspace, file, name, read - loaded, query_id)
    return LoadedFile(file.source, name, read, loaded, read - loaded, kept=earlier is not None)


def _copy(workspace: Workspace, file: PlannedFile, name: str) -> tuple[int, int, str]:
    """COPY one file and record its load, in one transaction; records read and loaded, and the id of the query.

    The answer's columns: https://docs.snowflake.com/en/sql-reference/sql/copy-into-table#output.
    """
    session, table, counted = workspace.session, file.source.upper(), file.rows - len(file.malformed)
    declared = workspace.project.sources[file.source]
    source = {**dict(declared), "table": table, "columns": declared.table_columns}
    if declared.format != "csv":  # its records were written as CSV, without a header and with null as nothing
        source |= {"header": False, "null_values": ()}
    with workspace.transaction():
        with session.query_history() as history:
            copy = render("data/copy.sql", database=workspace.database, source=source, file=name)
            rows = session.sql(copy).collect()
        query_id = history.queries[-1].query_id
        outcome = {key.lower(): value for key, value in rows[0].as_dict().items()} if rows else {}
        parsed, loaded, faulty = (int(outcome.get(name) or 0) for name in ("rows_parsed", "rows_loaded", "errors_seen"))
        if "rows_parsed" not in outcome or parsed != counted or loaded + faulty != counted:
            raise LoadError(_disagreement(workspace, file, name, outcome, counted))
        bound = workspace.project.sources[file.source].max_rejected_share
        if file.rows - loaded > bound * file.rows:
            raise LoadError(_too_many(file, name, outcome, file.rows - loaded, bound))
        workspace.run(
            "data/queries.sql#record_load",
            table=table,
            file=name,
            md5=file.md5,
            query_id=query_id,
            read=file.rows,
            loaded=loaded,
            rejected=file.rows - loaded,
        )
    return file.rows, loaded, query_id


def _disagreement(workspace: Workspace, file: PlannedFile, name: str, outcome: dict[str, Any], counted: int) -> str:
    """Why a COPY is not accepted: its answer is not about the records that were counted in the file."""
    table = f"{workspace.database}.RAW.{file.source.upper()}"
    if "rows_parsed" not in outcome:
        return (
            f"{name}: COPY INTO {table} read nothing ({outcome.get('status', 'no answer')}), though "
            f"{workspace.database}.OPS.LOADS does not list the file; if it was copied by hand, add its row to OPS.LOADS"
        )
    error = f" (line {outcome.get('first_error_line')}: {outcome['first_error']})" if outcome.get("first_error") else ""
    return (
        f"{name}: {counted} records were counted in the file, but COPY INTO {table} read {outcome['rows_parsed']} "
        f"records, loaded {outcome.get('rows_loaded')} and found errors in {outcome.get('errors_seen')}, status "
        f"{outcome.get('status')}{error}; nothing of it is kept. If the staged file was cut off or replaced, `REMOVE "
        f"@{workspace.database}.RAW.LANDING/{file.source.lower()}/{name}` and load again"
    )


def _too_many(file: PlannedFile, name: str, outcome: dict[str, Any], rejected: int, bound: float) -> str:
    """Why a file is refused of which more records than declared cannot be loaded, with the first reasons."""
    reasons = [str(record.error) for record in file.malformed[:3]]
    if outcome.get("first_error"):
        column = outcome.get("first_error_column_name")
        place = f"line {outcome.get('first_error_line')}" + (f", column {column}" if column else "")
        reasons.append(f"{name}, {place}: {outcome['first_error']}")
    return (
        f"{name}: {rejected} of {file.rows} records ({rejected / file.rows:.0%}) of source {file.source} would be "
        f"rejected, at most {bound:.0%} may be; nothing of the file is kept. First reasons: {'; '.join(reasons)}. "
        "Correct the file, or the delimiter, encoding and types of the source in project.yaml; if the other records "
        f"are enough, raise max_rejected_share of source {file.source}"
    )


def _keep_rejected(workspace: Workspace, file: PlannedFile, name: str, expected: int, query_id: str) -> None:
    """Write the rejected records of a file once, and insist that read = loaded + rejected."""
    names = {"table": file.source.upper(), "file": name}

    def count() -> int:
        return int(workspace.run("data/queries.sql#rejected_count", **names)[0]["N"])

    if expected and not count():
        with workspace.transaction():
            workspace.run("data/queries.sql#keep_rejected", query_id=query_id, **names)
            for first in range(0, len(file.malformed), MALFORMED_AT_ONCE):
                malformed = file.malformed[first : first + MALFORMED_AT_ONCE]
                workspace.run("data/queries.sql#keep_malformed", malformed=malformed, **names)
    rejected = count()
    if rejected != expected:
        message = (
            f"{name}: the counts of the load into {workspace.database}.RAW.{names['table']} do not reconcile: "
            f"{expected} records were not loaded, RAW.REJECTED_LINES holds {rejected} of them (query {query_id})"
        )
        raise LoadError(message)
