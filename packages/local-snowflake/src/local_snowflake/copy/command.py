"""COPY INTO table, read and checked."""

import re
from dataclasses import dataclass, field
from itertools import accumulate

from sqlglot import exp

from local_snowflake.catalog.objects import TABLE, Table
from local_snowflake.copy.conversion import Column
from local_snowflake.copy.staged_queries import argument, location_text, staged_tables
from local_snowflake.errors import compilation_error, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.sql.dialect import parse
from local_snowflake.sql.statement import Reader
from local_snowflake.sql.types import parse_type
from local_snowflake.stages.files import read_location
from local_snowflake.stages.formats import FileFormat, effective_format
from local_snowflake.stages.locations import Location, StagedFile, locate, matches
from local_snowflake.stages.options import Options, is_true, read_options, refuse_unknown

_OPTIONS = (
    *("FILES", "PATTERN", "FILE_FORMAT", "ON_ERROR", "SIZE_LIMIT", "PURGE", "RETURN_FAILED_ONLY", "FORCE"),
    *("MATCH_BY_COLUMN_NAME", "ENFORCE_LENGTH", "TRUNCATECOLUMNS", "LOAD_UNCERTAIN_FILES", "INCLUDE_METADATA"),
    *("VALIDATION_MODE", "LOAD_MODE", "CLUSTER_AT_INGEST_TIME"),
)


@dataclass
class Command:
    """A parsed COPY INTO <table>: which of its columns a location's files fill, by way of a query if there is one.

    The columns are in the order of the file or of the query; ``listed`` is whether the statement names them.
    """

    table: Table
    columns: list[Column]
    listed: bool
    location: Location
    query: exp.Select | None
    form: FileFormat
    options: Options = field(default_factory=dict)

    def flag(self, key: str) -> bool:
        """An option that is true or false; false by default."""
        return is_true(self.options.get(key))

    @property
    def truncate(self) -> bool:
        """Whether values that are too long are truncated."""
        return self.flag("TRUNCATECOLUMNS") or not is_true(self.options.get("ENFORCE_LENGTH"), default=True)

    @property
    def match(self) -> str:
        """How file columns are matched by name: CASE_SENSITIVE, CASE_INSENSITIVE, or empty."""
        mode = str(self.options.get("MATCH_BY_COLUMN_NAME", "NONE")).upper()
        return "" if mode == "NONE" else mode

    @property
    def on_error(self) -> str:
        """What happens at a row with an error."""
        return str(self.options.get("ON_ERROR", "ABORT_STATEMENT")).upper()

    def files(self) -> list[StagedFile]:
        """The files to load: those at the location, or those of FILES, which may not exist; up to SIZE_LIMIT."""
        location, pattern, limit = self.location, self.options.get("PATTERN"), self.options.get("SIZE_LIMIT")
        if (listed := self.options.get("FILES")) is None:
            files = location.files()
        else:
            files = [location.file(str(name)) for name in ([listed] if isinstance(listed, str) else listed)]
        below = {f: f.relative.removeprefix(location.path).lstrip("/") for f in files}
        files = [f for f in files if any(matches(pattern, name) for name in {below[f], f.relative, f.name})]
        if limit is None or not int(str(limit)):
            return files
        before = accumulate((f.size for f in files), initial=0)
        return [f for f, size in zip(files, before, strict=False) if size < int(str(limit))]


def read_command(ctx: Context, reader: Reader) -> Command:
    """Read the rest of COPY INTO <table>.

    Raises:
        SnowflakeError: for what Snowflake would refuse too, or what is not supported.
    """
    name = ctx.resolve(reader.name_parts(), action="COPY")
    table = ctx.relation(name)
    if not TABLE.describes(table):
        # COPY's message is shorter than other statements', and Snowpark's write_pandas searches for exactly this one
        raise compilation_error(f"Table '{name.fqn}' does not exist", 2003, "02000")
    ctx.rights.require(table, "INSERT")
    listed: list[str] = []
    if reader.accept("("):
        while not reader.accept(")"):
            listed.append(reader.identifier())
            reader.accept(",")
    reader.expect("FROM")
    query = None
    inner: Options = {}
    if reader.peek() == "(":
        query, text, inner = _query(reader.parenthesised())
    else:
        text = read_location(reader)
    options = inner | read_options(reader)
    reader.finish()
    refuse_unknown(options, _OPTIONS)
    location = locate(ctx, text)
    form = effective_format(ctx, options.pop("FILE_FORMAT", None), location.stage)
    if location.stage is not None:
        options = location.stage.props.copy_options | options
    command = Command(table, _columns(table, listed), bool(listed), location, query, form, options)
    _check(command)
    return command


def _query(text: str) -> tuple[exp.Select, str, Options]:
    """The query within the brackets, the location that it reads, and the options set there."""
    tree = parse(text)
    tables = staged_tables(tree)
    if not isinstance(tree, exp.Select) or len(tables) != 1:
        raise not_supported("COPY INTO … FROM (query) that does not read one stage")
    given = {"FILE_FORMAT": argument(tables[0], "format"), "PATTERN": argument(tables[0], "pattern")}
    return tree, location_text(tables[0]), {k: v for k, v in given.items() if v is not None}


def _columns(table: Table, listed: list[str]) -> list[Column]:
    by_name = {c.name: (i, c) for i, c in enumerate(table.props.columns, 1)}
    columns = []
    for name in listed or by_name:
        if name not in by_name:
            raise compilation_error(f"error line 1 at position 0\ninvalid identifier '{name}'", 904, "42000")
        position, column = by_name[name]
        columns.append(Column(name, parse_type(column.type), column.nullable, position))
    return columns


def _check(command: Command) -> None:
    if not re.fullmatch(r"CONTINUE|ABORT_STATEMENT|ABORT|SKIP_FILE(_\d+%?)?", command.on_error):
        raise compilation_error(f"invalid value [{command.on_error}] for parameter 'ON_ERROR'", 1008, "22023")
    mode = str(command.options.get("VALIDATION_MODE", ""))
    if mode and not re.fullmatch(r"(?i)RETURN_(\d+_ROWS|ERRORS|ALL_ERRORS)", mode):
        raise compilation_error(f"invalid value [{mode}] for parameter 'VALIDATION_MODE'", 1008, "22023")
    if mode and command.query is not None:
        raise compilation_error("VALIDATION_MODE is not allowed with a COPY statement that transforms data.")
    # whether or not there are files
    if command.query is not None and len(command.query.expressions) != len(command.columns):
        sizes = f"expecting {len(command.columns)} but got {len(command.query.expressions)}"
        raise compilation_error(f"Insert value list does not match column list {sizes}", 2057, "42601")
    if command.query is not None and command.match:
        raise compilation_error("MATCH_BY_COLUMN_NAME is not allowed with a COPY statement that transforms data.")
    whole = command.query is None and command.form.kind != "CSV" and not command.match
    if whole and not (len(command.columns) == 1 and command.columns[0].type.is_semi_structured):
        text = (
            f"{command.form.kind} file format can produce one and only one column of type variant, object, or "
            "array. Load data into separate columns using the MATCH_BY_COLUMN_NAME copy option or copy with "
            "transformation."
        )
        raise compilation_error(text, 2019, "0A000")
