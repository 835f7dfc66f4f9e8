"""The files of stages: PUT, GET, LIST, REMOVE and COPY FILES."""

import re
import shutil
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from local_snowflake.errors import SnowflakeError, compilation_error, syntax_error
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, rows, status
from local_snowflake.sql.statement import Reader, Statement, skip_head, tokenize
from local_snowflake.stages.locations import Location, local_path, locate, root, unquote_location
from local_snowflake.stages.options import Options, is_true, read_options
from local_snowflake.stages.transfers import INCOMING, Grant, Transfers, file_url

_SPACE = re.compile(r"(?:\s+|/\*.*?\*/)*", re.S)
_QUOTED = re.compile(r"'(?:\\.|''|[^'\\])*'", re.S)
_BARE = re.compile(r"""(?:"(?:[^"]|"")*"|[^\s"'])+""")
_COMPRESSIONS = {"AUTO_DETECT", "GZIP", "BZ2", "BROTLI", "ZSTD", "DEFLATE", "RAW_DEFLATE", "NONE"}
_GLOB = re.compile(r"[*?\[]")


class _StageCommand:
    """Reads a statement whose text is not SQL: paths and locations, then options."""

    def __init__(self, stmt: Statement) -> None:
        self.text = stmt.sql
        self.at = _SPACE.match(stmt.sql, re.match(r"[A-Za-z]+", stmt.sql).end()).end()  # type: ignore[union-attr]
        self.binds = [str(b) for b in stmt.binds]

    def path(self, what: str) -> str:
        """Read a path or a location, without its quotes; a ``?`` is the next bind value."""
        match = _QUOTED.match(self.text, self.at) or _BARE.match(self.text, self.at)
        if not match:
            raise syntax_error(f"syntax error line 1 at position {self.at} unexpected '<EOF>', expected {what}.")
        self.at = _SPACE.match(self.text, match.end()).end()  # type: ignore[union-attr]
        if match[0] == "?":
            if not self.binds:
                raise SnowflakeError(2049, "42601", "Bind variable ? not set.")
            return unquote_location(self.binds.pop(0))
        return unquote_location(match[0])

    def options(self) -> Options:
        """Read the options up to the end."""
        rest = self.text[self.at :]
        reader = Reader(rest, tokenize(rest))
        options = read_options(reader)
        reader.finish()
        return options


def _local(path: str) -> str:
    if not path.startswith("file://"):
        raise compilation_error(f"invalid local path '{path}': it is written as file://path", 1011, "42601")
    return path.removeprefix("file://")


@statement("PUT")
def put(ctx: Context, stmt: Statement) -> Result:
    """PUT file://path @stage [options]: returns to the client where to send its files.

    Source: https://docs.snowflake.com/en/sql-reference/sql/put
    """
    # the connector repeats a PUT for each file's URL without the bind values
    bound = bool(stmt.binds)
    if bound:
        ctx.services.get(Transfers).binds[ctx.token] = list(stmt.binds)
    else:
        stmt.binds = list(ctx.services.get(Transfers).binds.get(ctx.token, []))
    command = _StageCommand(stmt)
    source = _local(command.path("a local path"))
    location = locate(ctx, command.path("a stage"), "WRITE")
    location.refuse_read_only("written to")
    location.target("")
    options = command.options()
    compression = str(options.get("SOURCE_COMPRESSION", "AUTO_DETECT")).upper()
    if compression not in _COMPRESSIONS:
        raise compilation_error(f"invalid value [{compression}] for parameter 'SOURCE_COMPRESSION'", 1008, "22023")
    compress, overwrite = is_true(options.get("AUTO_COMPRESS"), default=True), is_true(options.get("OVERWRITE"))
    grant = Grant(
        location,
        root(ctx) / INCOMING,
        writable=True,
        overwrite=overwrite,
        auto_compress=compress and compression in {"AUTO_DETECT", "NONE"},
    )
    info = _upload_info(ctx, grant, source, repeated=not bound)
    transfer = {
        "command": "UPLOAD",
        "src_locations": [source],
        "parallel": int(str(options.get("PARALLEL", 4))),
        "autoCompress": compress,
        "sourceCompression": compression.lower(),
        "overwrite": overwrite,
        "stageInfo": info,
        "encryptionMaterial": None,
    }
    return replace(status(), transfer=transfer)


def _upload_info(ctx: Context, grant: Grant, source: str, *, repeated: bool) -> dict[str, Any]:
    base_url = ctx.token.base_url
    if not repeated and _GLOB.search(source) and base_url.startswith("http://"):
        # one URL cannot serve many files, and the connector asks for no others here; plain HTTP is loopback only
        directory = grant.location.target("")
        directory.mkdir(parents=True, exist_ok=True)
        return {"locationType": "LOCAL_FS", "location": str(directory), "creds": {}}
    token = ctx.services.get(Transfers).grant(grant)
    if base_url.startswith("https://"):
        endpoint = file_url(base_url, token, "").removesuffix(f"/{token}/")
        return {
            "locationType": "GCS",
            "location": f"{token}/",
            "creds": {"GCS_ACCESS_TOKEN": token},
            "endPoint": endpoint.removeprefix("https://"),
            "isClientSideEncrypted": False,
        }
    url = file_url(base_url, token, PurePosixPath(source).name)
    return {"locationType": "GCS", "location": f"{token}/", "creds": {}, "presignedUrl": url}


@statement("GET")
def get(ctx: Context, stmt: Statement) -> Result:
    """GET @stage file://path [PARALLEL = n] [PATTERN = 'regex']: returns to the client where to fetch files.

    Source: https://docs.snowflake.com/en/sql-reference/sql/get
    """
    command = _StageCommand(stmt)
    location = locate(ctx, command.path("a stage"))
    target = _local(command.path("a local path"))
    options = command.options()
    files = location.files(options.get("PATTERN"))
    names = {f.relative: f.path for f in files}
    token = ctx.services.get(Transfers).grant(Grant(location, root(ctx) / INCOMING, readable=names))
    transfer = {
        "command": "DOWNLOAD",
        "src_locations": [f.relative for f in files],
        "presignedUrls": [file_url(ctx.token.base_url, token, f.relative) for f in files],
        "parallel": int(str(options.get("PARALLEL", 10))),
        "localLocation": target,
        "stageInfo": {"locationType": "GCS", "location": f"{token}/", "creds": {}},
        "encryptionMaterial": [None] * len(files),
    }
    return replace(status(), transfer=transfer)


@statement("LS")
def list_files(ctx: Context, stmt: Statement) -> Result:
    """LIST @stage[/path] [PATTERN = 'regex']: https://docs.snowflake.com/en/sql-reference/sql/list."""
    command = _StageCommand(stmt)
    location = locate(ctx, command.path("a stage"))
    files = location.files(command.options().get("PATTERN"))
    records = [{"name": f.name, "size": f.size, "md5": f.md5, "last_modified": f.modified} for f in files]
    return rows(records, {"name": None, "size": pa.int64(), "md5": None, "last_modified": None})


@statement("RM")
def remove(ctx: Context, stmt: Statement) -> Result:
    """REMOVE @stage[/path] [PATTERN = 'regex']: https://docs.snowflake.com/en/sql-reference/sql/remove."""
    command = _StageCommand(stmt)
    location = locate(ctx, command.path("a stage"), "WRITE")
    location.refuse_read_only("removed from")
    files = location.files(command.options().get("PATTERN"))
    for file in files:
        file.path.unlink(missing_ok=True)
    for directory in sorted((p for p in location.directory.rglob("*") if p.is_dir()), reverse=True):
        if not any(directory.iterdir()):
            directory.rmdir()
    return rows([{"name": f.name, "result": "removed"} for f in files], ("name", "result"))


@statement("COPY", "FILES INTO")
def copy_files(ctx: Context, stmt: Statement) -> Result:
    """COPY FILES INTO @stage FROM @stage [FILES = (…)] [PATTERN = …].

    Source: https://docs.snowflake.com/en/sql-reference/sql/copy-files
    """
    reader = skip_head(stmt)
    target = locate(ctx, read_location(reader), "WRITE")
    reader.expect("FROM")
    target.refuse_read_only("written to")
    if reader.peek() == "(":
        query = reader.parenthesised()
        options = read_options(reader)
        files = _selected(ctx, query)
        # the files that a query chooses are named with their stage
        stage = f"{'.'.join(target.stage.name)}/" if target.stage else ""
    else:
        stage = ""
        source = locate(ctx, read_location(reader))
        options = read_options(reader)
        files = _matching(source, options)
    reader.finish()
    copied = []
    for path, name in files:
        place = target.target(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
        copied.append({"file": stage + place.relative_to(target.directory).as_posix()})
    if not is_true(options.get("DETAILED_OUTPUT"), default=True):
        return rows([{"files_copied": len(copied)}], {"files_copied": pa.int64()})
    return rows(copied, ("file",))


def _matching(source: Location, options: Options) -> list[tuple[Path, str]]:
    """The files of a location that options choose, and what they are called in the target."""
    base = "/".join(p for p in source.path.split("/") if p)
    found = source.files(options.get("PATTERN"))
    # behind the location that it was found by; a single file's is its name
    files = [(f.path, f.relative.removeprefix(base).lstrip("/") or f.path.name) for f in found]
    listed = options.get("FILES")
    return files if listed is None else [(path, name) for path, name in files if name in listed]


def _selected(ctx: Context, query: str) -> list[tuple[Path, str]]:
    """The files whose locations a query returns, named by its second column, else by their path.

    Raises:
        SnowflakeError: if it returns more columns, or a file does not exist.
    """
    table = ctx.execute(query).table
    if table.num_columns > 2:
        text = f"The query of COPY FILES has {table.num_columns} columns"
        raise compilation_error(f"{text}: that exceeds maximum allowable number of columns (2).")
    urls, *named = (c.to_pylist() for c in table.columns)
    names = named[0] if named else [None] * table.num_rows
    return [
        (local_path(ctx, str(url)), locate(ctx, str(url)).path if name is None else str(name))
        for url, name in zip(urls, names, strict=True)
    ]


_LOCATION_TOKEN = re.compile(r"""@(?:"(?:[^"]|"")*"|[^\s"'();,])+|[a-z]+://[^\s'();,]+""")


def read_location(reader: Reader) -> str:
    """Read a location, ``@stage/path`` or ``'@stage/path'``; returns it without its quotes."""
    if reader.rest().startswith("'"):
        return reader.string()
    match = _LOCATION_TOKEN.match(reader.sql, reader.position)
    if not match:
        raise reader.unexpected("a stage")
    while reader.position < match.end():
        reader.next()
    return match[0]
