"""Sources that are files on a stage, internal or external: COPY loads each once, and what it rejects is kept."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from snowloop.errors import LoadError
from snowloop.lifecycle.data.tables import hidden
from snowloop.project import Column, Source
from snowloop.sql import identifier, literal, render
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark.exceptions import SnowparkSQLException

SEMI_STRUCTURED = ("VARIANT", "OBJECT", "ARRAY")
TEXTS = ("VARCHAR", "STRING", "TEXT")


@dataclass(frozen=True)
class StagedFile:
    """What COPY did with one file of a stage.

    Args:
        name: Its name, as COPY answers it.
        read: Its records.
        loaded: Those in the RAW table.
    """

    name: str
    read: int
    loaded: int


def copy_staged(workspace: Workspace, name: str, source: Source) -> list[StagedFile]:
    """Load the files of a stage that were not loaded before, and record them, all in one transaction.

    COPY knows what it has loaded (https://docs.snowflake.com/en/user-guide/data-load-considerations-load). Rejected
    records are kept in RAW.REJECTED_LINES with their reason.

    Args:
        name: Name of the source.
        source: The source.

    Returns:
        The files that were loaded now.

    Raises:
        LoadError: if the stage cannot be read, a file cannot be loaded at all, or the counts do not reconcile; then
            nothing is kept.
    """
    from snowflake.snowpark.exceptions import SnowparkSQLException

    values = {"name": name, "table": name.upper(), "source": source, "location": source.location(workspace.target)}
    earlier = {row["FILE"] for row in workspace.run("data/queries.sql#loaded_files", table=values["table"])}
    with workspace.transaction():
        copy = render(
            "data/copy_staged.sql#copy", database=workspace.database, **_columns(workspace, name, source), **values
        )
        try:
            with workspace.session.query_history() as history:
                rows = workspace.session.sql(copy).collect()
        except SnowparkSQLException as error:
            raise LoadError(_failed(workspace, name, source, error)) from error
        query_id = history.queries[-1].query_id
        answers = [{key.lower(): value for key, value in row.as_dict().items()} for row in rows]
        files = [each for each in answers if "file" in each]
        for file in (str(each["file"]) for each in files):
            if file in earlier:
                raise LoadError(
                    f"source {name}: {file} was loaded before, and was replaced on the stage since; nothing was "
                    "loaded. Remove it from the stage, and give what is new another name"
                )
        return [_keep(workspace, values, each, query_id) for each in files]


def _failed(workspace: Workspace, name: str, source: Source, error: "SnowparkSQLException") -> str:
    reason, location = " ".join(str(error).split()), source.location(workspace.target)
    message = f"source {name}: COPY from {location} failed, and nothing was loaded: {reason}"
    if not hidden(error):
        return f"{message}; correct the declaration, or remove the file from the stage"
    role = workspace.session.sql("SELECT CURRENT_ROLE()").collect()[0][0]
    stage = location.removeprefix("@").partition("/")[0]
    return (
        f"{message}; check the name, or ask its owner for GRANT USAGE (of an external stage) or READ ON STAGE {stage} "
        f"TO ROLE {role}, and USAGE on its database and schema"
    )


def _keep(workspace: Workspace, values: dict[str, Any], answer: dict[str, Any], query_id: str) -> StagedFile:
    """Record one file of a COPY with what was rejected of it; every record must be one or the other."""
    file, status = str(answer["file"]), str(answer["status"])
    read, loaded, faulty = (int(answer.get(each) or 0) for each in ("rows_parsed", "rows_loaded", "errors_seen"))
    if status == "LOAD_FAILED" or read < loaded:
        raise LoadError(
            f"{file}: COPY did not load it ({status}): {answer.get('first_error')}; nothing was loaded. Remove the "
            "file from the stage, or correct the declaration"
        )
    if read - loaded > values["source"].max_rejected_share * read:
        raise LoadError(
            f"{file}: {read - loaded} of {read} records would be rejected, at most "
            f"{values['source'].max_rejected_share:.0%} may be; nothing was loaded. The first error is: "
            f"{answer.get('first_error')}. Correct the file, or the format and types of source {values['name']} in "
            "project.yaml; if the other records are enough, raise max_rejected_share"
        )
    if faulty:
        query = "keep_rejected_csv" if values["source"].format == "csv" else "keep_rejected_records"
        only = f"(.*/)?{re.escape(file.rpartition('/')[2])}"
        reject = {"file": file, "only": only, "query_id": query_id, "conversions": _conversions(values["source"])}
        workspace.run(f"data/copy_staged.sql#{query}", **values, **reject)
    rejected = {"table": values["table"], "file": file}
    kept = int(workspace.run("data/queries.sql#rejected_count", **rejected)[0]["N"])
    if kept != read - loaded:
        raise LoadError(
            f"{file}: of {read} records COPY loaded {loaded}, but {kept} rejected ones could be listed; nothing was "
            f"loaded. The first error is: {answer.get('first_error')}; correct the file, or the types in project.yaml"
        )
    counts = {"read": read, "loaded": loaded, "rejected": read - loaded}
    workspace.run("data/queries.sql#record_load", **rejected, md5=None, query_id=query_id, **counts)
    return StagedFile(file, read, loaded)


def _columns(workspace: Workspace, name: str, source: Source) -> dict[str, Any]:
    """Which columns COPY fills, and by which expressions over a record; of CSV, whose fields are in order, none.

    COPY counts the fields of a CSV record only if it fills all columns in their order; one that was added to the table
    later stands last there, wherever it is in the file.
    """
    if source.format != "csv":
        fields = {each: _value("$1", each, column) for each, column in source.columns.items()}
        return {"listed": list(fields), "values": list(fields.values())}
    table = identifier(workspace.database, "RAW", name.upper())
    present = [row["name"] for row in workspace.session.sql(f"DESCRIBE TABLE {table}").collect()]
    return {"listed": [] if present == list(source.columns) else list(source.columns), "values": []}


def _value(record: str, name: str, column: Column) -> str:
    """The value in a record under its declared name, or under the column's in capitals or small letters."""
    if column.field is not None:
        return f"{record}:{identifier(column.field)}"
    return f"NVL({record}:{identifier(name)}, {record}:{identifier(name.lower())})"


def _conversions(source: Source) -> list[dict[str, str]]:
    """For each column whose values may not fit its type: a predicate over the record R that one does not."""
    conversions = []
    for name, column in source.columns.items():
        value = f"{_value('F.R', name, column)}::VARCHAR"
        kind, _, size = column.type.rstrip(")").partition("(")
        if kind.strip() in SEMI_STRUCTURED or (kind.strip() in TEXTS and not size):
            continue
        fails = f"LENGTH({value}) > {size}" if kind.strip() in TEXTS else f"TRY_CAST({value} AS {column.type}) IS NULL"
        reason = f"{literal(f'{name} is not {column.type}: ')} || {value}"
        conversions.append({"column": name, "fails": f"{value} IS NOT NULL AND {fails}", "reason": reason})
    return conversions
