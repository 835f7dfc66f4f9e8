"""PACKAGES of procedures and functions: checked against the packages of the server's environment."""

import importlib.metadata
import re
import sys
from collections.abc import Callable, Iterable
from functools import lru_cache

import pyarrow as pa
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from local_snowflake.errors import compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import tabulate
from local_snowflake.execution.registry import table_function

_REFUSAL = (
    "Cannot create a Python function with the specified packages. "
    "Please check your packages specification and try again."
)


def check_packages(packages: Iterable[str]) -> None:
    """Refuse packages that the server's Python does not have in the requested version.

    Args:
        packages: as PACKAGES lists them, eg: ``scikit-learn==1.9.1``, ``pandas``, ``numpy>=2``.

    Raises:
        SnowflakeError: 391546, with the package's name and what is installed.
    """
    have = installed()
    for text in packages:
        requirement = _requirement(text)
        if requirement.name.lower() == "python":
            continue
        version = have.get(canonicalize_name(requirement.name))
        if version is None:
            raise _refused(text, "it is not installed in the local Snowflake's environment; install it there")
        if not requirement.specifier.contains(version, prereleases=True):
            raise _refused(text, f"version {version} is installed in the local Snowflake's environment")


def _requirement(text: str) -> Requirement:
    # conda's single "=" means any build or patch of the version
    spelled = re.sub(r"(?<![=<>!~])=(?!=)\s*([\w.]+)", r"==\1.*", text)
    try:
        return Requirement(spelled)
    except InvalidRequirement:
        raise _refused(text, "it is not a package specification") from None


def _refused(package: str, why: str) -> Exception:
    return compilation_error(f"{_REFUSAL} '{package}': {why}.", 391546, "22023")


@lru_cache(maxsize=1)
def installed() -> dict[str, str]:
    """Canonical name -> version of every installed package."""
    versions: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            versions.setdefault(canonicalize_name(name), distribution.version)
    return versions


@table_function("INFORMATION_SCHEMA.PACKAGES")
def packages_view(_: Context, __: str = "") -> pa.Table:
    """INFORMATION_SCHEMA.PACKAGES: https://docs.snowflake.com/en/sql-reference/info-schema/packages."""
    columns: dict[str, Callable[[tuple[str, str]], str]] = {
        "PACKAGE_NAME": lambda package: package[0],
        "VERSION": lambda package: package[1],
        "LANGUAGE": lambda _: "python",
        "RUNTIME_VERSION": lambda _: f"{sys.version_info[0]}.{sys.version_info[1]}",
    }
    return tabulate(sorted(installed().items()), columns, {})
