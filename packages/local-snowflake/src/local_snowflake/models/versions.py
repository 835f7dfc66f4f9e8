"""Models of the registry: versions, aliases, and the folders that hold a version's files."""

import functools
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from local_snowflake.catalog.catalog import Catalog
from local_snowflake.catalog.objects import MODEL, ModelProps, ModelVersion, Object
from local_snowflake.catalog.storage import MODELS
from local_snowflake.errors import SnowflakeError, compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.models.manifest import MANIFEST, Package, check_new_package, read_package
from local_snowflake.sql.names import Name, normalise, shown, split_parts
from local_snowflake.stages.locations import SCHEMES, Location

SYSTEM_ALIASES = ("DEFAULT", "FIRST", "LAST")
_SNOW_LOCATION = re.compile(r"snow://model/((?:\"(?:[^\"]|\"\")*\"|[^/\"])+)/versions/([^/]+)/?(.*)\Z", re.S)
_UNFINISHED = ".new-"


class Model:
    """A model: its versions in the order of their creation, one of them the default."""

    def __init__(self, found: Object[ModelProps]) -> None:
        self.object = found
        self.name = found.name
        self.versions = found.props.versions
        self.default = found.props.default

    def with_versions(self, versions: Iterable[ModelVersion]) -> Object[ModelProps]:
        """The catalogued model with other versions."""
        return replace(self.object, props=replace(self.object.props, versions=tuple(versions)))

    def find(self, alias_or_name: str) -> ModelVersion | None:
        """The version that an alias, a system alias or a name means; an alias takes precedence."""
        aliased = (v for v in self.versions if alias_or_name in v.aliases)
        named = (v for v in self.versions if v.name == alias_or_name)
        return self.system_aliases().get(alias_or_name) or next(aliased, None) or next(named, None)

    def system_aliases(self) -> dict[str, ModelVersion]:
        """The versions that DEFAULT, FIRST and LAST mean."""
        default = next(v for v in self.versions if v.name == self.default)
        return dict(zip(SYSTEM_ALIASES, (default, self.versions[0], self.versions[-1]), strict=True))

    def version(self, alias_or_name: str | None) -> ModelVersion:
        """The version that an alias or a name means; the default one for None.

        Raises:
            SnowflakeError: 002003, if there is no such version.
        """
        version = self.find(alias_or_name or "DEFAULT")
        if version is None:
            names = ", ".join(shown(v.name) for v in self.versions)
            text = f"Version '{alias_or_name}' does not exist in model '{self.name.fqn}' or not authorized."
            raise compilation_error(f"{text} It has: {names}.", 2003, "02000")
        return version

    def aliases(self) -> dict[str, ModelVersion]:
        """What every alias means, the system's among them."""
        return self.system_aliases() | {alias: v for v in self.versions for alias in v.aliases}


def need_model(ctx: Context, name: Name, *privileges: str) -> Model:
    """The model of a name, which has to be there; the roles need one of ``privileges`` on it, or to own it."""
    found = ctx.catalog.need(MODEL, name)
    if privileges:
        ctx.rights.require(found, *privileges)
    return Model(found)


def folder_of(ctx: Context, version: ModelVersion) -> Path:
    """Where a version's files are."""
    return ctx.services.data_dir / MODELS / version.folder


_package = functools.lru_cache(maxsize=256)(read_package)


def package_of(ctx: Context, version: ModelVersion) -> Package:
    """The manifest of a version's files; they never change, so it is read once."""
    return _package(folder_of(ctx, version))


@contextmanager
def new_folder(ctx: Context, source: Path) -> Iterator[str]:
    """Copy files into a folder of their own, all or nothing; it is removed again if the block raises.

    Yields:
        The folder's name, for a ``ModelVersion``.

    Raises:
        SnowflakeError: if the files are not those of a model.
    """
    root = ctx.services.data_dir / MODELS
    root.mkdir(exist_ok=True)
    name = uuid.uuid4().hex
    unfinished = root / f"{_UNFINISHED}{name}"
    if not source.is_dir():
        raise SnowflakeError(398507, "22000", f"Unable to read file {MANIFEST}: the stage's folder has no files.")
    try:
        shutil.copytree(source, unfinished)
        check_new_package(unfinished)
        unfinished.rename(root / name)
        yield name
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.rmtree(root / name, ignore_errors=True)
        raise


def remove_unused_folders(catalog: Catalog, data_dir: Path) -> None:
    """Remove the folders that no version uses: at the server's start, when nobody makes one."""
    root = data_dir / MODELS
    used = {v.folder for model in catalog.all(MODEL) for v in model.props.versions}
    unused = [f for f in root.iterdir() if f.name not in used] if catalog.is_whole and root.is_dir() else []
    for folder in unused:
        shutil.rmtree(folder, ignore_errors=True)


def remove_folders(ctx: Context, versions: Iterable[ModelVersion]) -> None:
    """Remove the files of dropped versions, unless a copy of the version uses them too."""
    used = {v.folder for model in ctx.services.catalog.all(MODEL) for v in model.props.versions}
    for version in versions:
        if version.folder not in used:
            folder = folder_of(ctx, version)
            ctx.services.workers.forget(folder)
            shutil.rmtree(folder, ignore_errors=True)


def _snow_location(ctx: Context, text: str) -> Location:
    """The files that a location such as ``snow://model/db.s.m/versions/v1/model/`` means."""
    match = _SNOW_LOCATION.match(text)
    if not match:
        raise compilation_error(f"invalid URL '{text}': it should be snow://model/<model>/versions/<version>/<path>.")
    model = need_model(ctx, ctx.resolve(split_parts(match[1])), "READ")
    # the client writes a version's stored name, unquoted
    version = model.find(match[2]) or model.version(normalise(match[2]))
    return Location(folder_of(ctx, version), match[3], f"versions/{match[2]}/", read_only=True)


SCHEMES["snow"] = _snow_location
