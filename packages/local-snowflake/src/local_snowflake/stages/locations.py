"""Stage locations: ``@stage/path`` -> a directory of this server and a path in it; the files that are there."""

import base64
import hashlib
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from local_snowflake.catalog.catalog import Catalog
from local_snowflake.catalog.objects import STAGE, TABLE, Object, Stage
from local_snowflake.catalog.storage import STAGES
from local_snowflake.errors import SnowflakeError, compilation_error, does_not_exist
from local_snowflake.execution import objects
from local_snowflake.execution.context import Context
from local_snowflake.privileges.rules import OWNERSHIP
from local_snowflake.sql.names import Name, normalise

_PART = r'"(?:[^"]|"")*"|[^./"\s]+'
_LOCATION = re.compile(rf"@(?P<name>~|(?:(?:{_PART})\.)*(?:%(?:{_PART})|(?:{_PART})))(?P<path>/.*)?\Z", re.S)
_MODIFIED = "%a, %d %b %Y %H:%M:%S GMT"


@dataclass(frozen=True)
class StagedFile:
    """One file of a stage.

    Attributes:
        path: where the file is on this server.
        relative: its path within the stage.
        name: its name as LIST prints it, eg: ``my_stage/data/a.csv.gz``.
    """

    path: Path
    relative: str
    name: str

    @property
    def size(self) -> int:
        """Its size in bytes; 0 if there is no file."""
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def md5(self) -> str:
        """The digest of its bytes: it distinguishes a changed file from a loaded one; empty if there is no file."""
        return digests(self.path)[0] if self.path.is_file() else ""

    @property
    def modified(self) -> str:
        """When it was staged, as LIST prints it."""
        return datetime.fromtimestamp(self.path.stat().st_mtime, UTC).strftime(_MODIFIED)


@dataclass(frozen=True)
class Location:
    """A place in a stage.

    Attributes:
        directory: the stage's root on this server; it may not exist as long as the stage is empty.
        path: the path within the stage, without a leading slash.
        label: what LIST prints before the path of a file, eg: ``my_stage/``.
        read_only: whether files can only be read, eg: those of a model.
        stage: the stage's object, if it has one.
    """

    directory: Path
    path: str = ""
    label: str = ""
    read_only: bool = False
    stage: Stage | None = None

    def target(self, relative: str) -> Path:
        """The path on this server of a file below this location.

        Raises:
            SnowflakeError: if the path leaves the stage.
        """
        return self._inside("/".join(p for p in (self.path, relative) if p))

    def refuse_read_only(self, done: str) -> None:
        """Raise 001011 if the files can only be read; ``done`` is what would be done, eg: ``written to``."""
        if self.read_only:
            raise compilation_error(f"Files cannot be {done} this location.", 1011, "42601")

    def _inside(self, path: str) -> Path:
        parts = [p for p in path.split("/") if p and p != "."]
        if ".." in parts or "\0" in path:
            raise compilation_error(f"Invalid path '{path}': it leads out of the stage.", 1011, "42601")
        return self.directory.joinpath(*parts)

    def file(self, name: str) -> StagedFile:
        """The file below this location that FILES names; it may not exist."""
        path = self.target(name)
        relative = path.relative_to(self.directory).as_posix()
        return StagedFile(path, relative, self.label + relative if path.is_file() else name)

    def files(self, pattern: object = None) -> list[StagedFile]:
        """The files whose path starts with this location's, by name.

        Args:
            pattern: a regular expression that must match the whole path within the stage, or from some slash of it on.
        """
        matches(pattern, "")
        start = self._inside(self.path)
        # object stores know prefixes, not directories: @s/a means s/a, s/a/b and s/ab
        found = [start]
        if start != self.directory and not self.path.endswith("/") and start.parent.is_dir():
            found = [near for near in start.parent.iterdir() if near.name.startswith(start.name)]
        elif start.is_file():
            found = []
        paths = [p for near in found for p in ([near] if near.is_file() else near.rglob("*")) if p.is_file()]
        names = [(p, p.relative_to(self.directory).as_posix()) for p in paths]
        files = [StagedFile(path, name, self.label + name) for path, name in names]
        return sorted((f for f in files if matches(pattern, f.name)), key=lambda f: f.name)


def matches(pattern: object, name: str) -> bool:
    """Whether a PATTERN option accepts a file's name.

    Raises:
        SnowflakeError: if the pattern is no regular expression.
    """
    if pattern is None:
        return True
    try:
        return re.fullmatch(str(pattern), name, re.S) is not None
    except re.error as error:
        raise SnowflakeError(100048, "2201B", f"Invalid regular expression: '{pattern}', {error}") from None


# what finds the locations of a scheme, eg: ``snow`` for ``snow://model/…``
SCHEMES: dict[str, Callable[[Context, str], Location]] = {}


def unquote_location(text: str) -> str:
    """A location without the quotes of a text literal around it."""
    text = text.strip()
    if len(text) >= 2 and text[0] == "'" == text[-1]:
        return re.sub(r"\\(.)", r"\1", text[1:-1].replace("''", "'"))
    return text


def locate(ctx: Context, text: str, privilege: str = "READ") -> Location:
    """Resolve a location as a statement spells it.

    Args:
        ctx: the statement's context.
        text: eg: ``@st/dir``, ``'@"DB"."S"."ST"/dir'``, ``@~/x``, ``@%table``, ``snow://…``.
        privilege: what the roles need on a stage: ``READ`` or ``WRITE``; a table's stage is its owner's.

    Returns:
        The location; it need not exist.

    Raises:
        SnowflakeError: 002003, if the stage or the table does not exist; 003001, if the roles lack the privilege;
            001003 for an invalid location.
    """
    text = unquote_location(text)
    if match := re.match(r"([a-z][a-z0-9]*)://", text):
        if match[1] in SCHEMES:
            return SCHEMES[match[1]](ctx, text)
        raise compilation_error(f"invalid URL prefix found in: '{text}': only internal stages can be used here")
    match = _LOCATION.match(text)
    if not match:
        raise compilation_error(f"invalid stage location '{text}': a stage is written as @stage/path")
    path = (match["path"] or "").lstrip("/")
    if match["name"] == "~":
        user = re.sub(r"\W", lambda m: f"-{ord(m[0]):x}", ctx.session.user.lower())
        return Location(root(ctx) / f"user-{user}", path, "")
    parts = re.findall(rf"%(?:{_PART})|(?:{_PART})", match["name"])
    if parts[-1].startswith("%"):
        name = ctx.resolve([*map(normalise, parts[:-1]), normalise(parts[-1][1:])])
        if (table := ctx.relation(name)) is None:
            raise does_not_exist("Table", name.fqn)
        ctx.rights.require(table, OWNERSHIP)
        return Location(root(ctx) / f"table-{table_id(table)}", path, "")
    stage = need_stage(ctx, ctx.resolve([normalise(p) for p in parts]))
    ctx.rights.require(stage, privilege)
    return Location(root(ctx) / stage.props.id, path, f"{stage.name.name.lower()}/", stage=stage)


def table_id(table: Object) -> str:
    """An id of a table that differs from that of any other, also of one that replaces it under the same name."""
    return str(round(table.created_on.timestamp() * 1_000_000))


def need_stage(ctx: Context, name: Name) -> Stage:
    """The stage of a name; the session's temporary stage hides a permanent one.

    Raises:
        SnowflakeError: 002003, if it does not exist.
    """
    if stage := objects.find(ctx, STAGE, name):
        return stage
    raise does_not_exist("Stage", name.fqn)


def root(ctx: Context) -> Path:
    """Where all stages' files are."""
    return ctx.services.data_dir / STAGES


def local_path(ctx: Context, text: str) -> Path:
    """The one staged file that a location names, eg: for a procedure's imports.

    Raises:
        SnowflakeError: 002003, if there is no stage or no file.
    """
    location = locate(ctx, text)
    path = location.target("")
    if not location.path or not path.is_file():
        raise SnowflakeError(
            253006, "22000", f"Remote file '{unquote_location(text)}' was not found: stage it with PUT first."
        )
    return path


def local_directory(ctx: Context, text: str) -> Path:
    """The directory that a location means.

    Raises:
        SnowflakeError: 002003, if there is no stage or nothing in the directory.
    """
    path = locate(ctx, text).target("")
    if not path.is_dir():
        raise SnowflakeError(253006, "22000", f"There is no file in '{unquote_location(text)}'.")
    return path


def sweep(data_dir: Path, catalog: Catalog) -> None:
    """Delete directories that no stage uses: temporary stages of a server that was killed, dropped schemas."""
    used = {stage.props.id for stage in catalog.all(STAGE)}
    used |= {f"table-{table_id(table)}" for table in catalog.all(TABLE)}
    for directory in (data_dir / STAGES).glob("*") if catalog.is_whole else ():
        if directory.name not in used and not directory.name.startswith("user-"):
            shutil.rmtree(directory, ignore_errors=True)


def digests(path: Path) -> tuple[str, str]:
    """A file's MD5 in hexadecimal and its SHA-256 in base64, cached until the file changes."""
    stat = path.stat()
    return _digests(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=10_000)
def _digests(path: Path, _modified: int, _size: int) -> tuple[str, str]:
    md5, sha = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            md5.update(block)
            sha.update(block)
    return md5.hexdigest(), base64.b64encode(sha.digest()).decode()
