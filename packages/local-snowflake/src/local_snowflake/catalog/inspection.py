"""A stopped server's data directory: what is in it, what of that is damaged, and a copy of it."""

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from local_snowflake.catalog.catalog import Catalog
from local_snowflake.catalog.objects import DATABASE, FUNCTION, MODEL, PROCEDURE, STAGE, TABLE
from local_snowflake.catalog.storage import FILE, MODELS, STAGES, is_locked, missing_bytes, missing_file
from local_snowflake.catalog.upgrades import FORMAT, read_format
from local_snowflake.sql.names import META_SCHEMA, Name, quote, split_parts

_IMPORT = re.compile(r'@((?:"(?:[^"]|"")*"|[^/"])+)/(.+)\Z', re.S)
# what belongs to the running server
_NOT_COPIED = shutil.ignore_patterns("server.json", "workers", ".*.new")
_OUT_OF_REACH = (
    "What to do: everything else is served as it is. Restore what is damaged from a backup of the directory "
    "(local-snowflake backup), or drop it and make it again."
)


class InUseError(Exception):
    """A data directory that a server has open."""


@dataclass
class Report:
    """What is in a data directory.

    Attributes:
        lines: its databases, with how many objects of each kind and how many rows they have.
        damage: what cannot be read, or is missing, one text each.
    """

    lines: list[str] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)

    def text(self) -> str:
        """The report as it is printed."""
        damage = [f"  {each}" for each in self.damage]
        return "\n".join([*self.lines, *(["Damage:", *damage, _OUT_OF_REACH] if damage else ["No damage was found."])])


def check(data_dir: Path) -> Report:
    """Read everything in the directory of a stopped server; nothing is changed.

    Raises:
        InUseError: if a server has it open.
    """
    report = Report()
    path = data_dir / FILE
    if not path.exists():
        report.damage.append(missing_file(path) or f"{path} is missing: no account is there")
        return report
    try:
        duck = _open(path)
        report.damage += [f"{path} is cut short by {n} bytes" for n in [missing_bytes(duck, path)] if n]
        with duck:
            _read(duck, data_dir, report)
    except duckdb.Error as error:
        report.damage.append(f"{path} cannot be read: {error}")
    return report


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        if is_locked(error):
            raise InUseError(f"{path.parent} is being served: stop the server first. {error}") from None
        raise


def _read(duck: duckdb.DuckDBPyConnection, data_dir: Path, report: Report) -> None:
    if (number := read_format(duck)) > FORMAT:
        report.damage.append(f"a later version wrote the directory: format {number}, this version knows {FORMAT}")
    catalog = Catalog(duck)
    catalog.lose_tables_without_rows(duck)
    for database in catalog.all(DATABASE):
        report.lines.append(_summary(catalog, database.name.name))
    for (kind, name), reason in catalog.lost.items():
        report.damage.append(f"{kind.lower()} {_shown(name)}: {reason}")
    report.damage += [*_unreadable_tables(duck, catalog), *_missing_files(catalog, data_dir)]


def _summary(catalog: Catalog, database: str) -> str:
    kinds = Counter(kind for kind, name in catalog if name.database == database)
    counted = ", ".join(f"{n} {kind.lower()}{'s' * (n > 1)}" for kind, n in sorted(kinds.items()))
    return f"database {database}: {counted or 'nothing'}"


def _shown(name: Name) -> str:
    return ".".join(filter(None, name))


def _unreadable_tables(duck: duckdb.DuckDBPyConnection, catalog: Catalog) -> Iterator[str]:
    known = {(t.name.physical_schema, t.name.name): t.name.fqn for t in catalog.all(TABLE)}
    known |= {(f"{t.name.database}.{t.name.schema}", t.name.name): t.name.fqn for t in catalog.all(TABLE)}
    known |= {(name.physical_schema, name.name): name.fqn for kind, name in catalog.lost if kind == TABLE}
    there = duck.execute("SELECT schema_name, table_name FROM duckdb_tables() ORDER BY ALL").fetchall()
    for schema, table in there:
        label = known.get((schema, table)) or (f"{schema}.{table}" if schema == META_SCHEMA else None)
        if label is None:
            yield f"the rows of {schema}.{table} belong to no table of the account"
            continue
        try:
            # every block of every column is read
            duck.execute(f"SELECT max(hash(t)) FROM {quote(schema)}.{quote(table)} AS t").fetchall()
        except duckdb.Error as error:
            yield f"table {label}: its rows cannot be read: {error}"


def _missing_files(catalog: Catalog, data_dir: Path) -> Iterator[str]:
    for model in catalog.all(MODEL):
        for version in model.props.versions:
            if not (data_dir / MODELS / version.folder / "MANIFEST.yml").is_file():
                label = f"model {model.name.fqn} version {version.name}"
                yield f"{label}: its files in {MODELS}/{version.folder} are missing"
    stages = {stage.name: stage.props.id for stage in catalog.all(STAGE)}
    for kind in (FUNCTION, PROCEDURE):
        for routine in catalog.all(kind):
            for imported in routine.props.imports:
                match = _IMPORT.match(imported)
                folder = stages.get(Name(*split_parts(match[1]))) if match and len(split_parts(match[1])) == 3 else None
                if match and folder and not (data_dir / STAGES / folder / match[2]).exists():
                    yield f"{kind.lower()} {routine.name.fqn}: its import {imported} is missing"


def backup(data_dir: Path, target: Path) -> Report:
    """Copy the directory of a stopped server to ``target``, which is made; returns what the copy has.

    Raises:
        InUseError: if a server has the directory open.
        FileExistsError: if something is at ``target``.
        FileNotFoundError: if there is no account in ``data_dir``.
        ValueError: if ``target`` is inside the directory.
    """
    data_dir, target = data_dir.resolve(), target.resolve()
    if not (data_dir / FILE).exists():
        raise FileNotFoundError(missing_file(data_dir / FILE) or f"There is no account in {data_dir}.")
    if target.is_relative_to(data_dir):
        raise ValueError(f"{target} is inside of {data_dir}: choose another place.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FileExistsError(f"{target} is there already: choose another place.")
    unfinished = target.with_name(f"{target.name}.unfinished")
    with ExitStack() as held:
        # no server may open the file meanwhile; what is damaged is copied as it is
        with suppress(duckdb.Error):
            held.enter_context(_open(data_dir / FILE))
        held.callback(shutil.rmtree, unfinished, ignore_errors=True)
        shutil.copytree(data_dir, unfinished, ignore=_NOT_COPIED)
        unfinished.rename(target)
    return check(target)
