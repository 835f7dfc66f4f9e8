"""PACKAGES of procedures and functions: checked against what is installed beside the server."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from collections.abc import Iterable
from functools import lru_cache

import pyarrow as pa
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from local_snowflake.errors import compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import table_function

_REFUSAL = (
    "Cannot create a Python function with the specified packages. "
    "Please check your packages specification and try again."
)


def check_packages(packages: Iterable[str]) -> None:
    """Refuse packages that the server's Python does not have in the wanted version.

    Args:
        packages: as PACKAGES lists them, eg: ``scikit-learn==1.9.1``, ``pandas``, ``numpy>=2``.

    Raises:
        SnowflakeError: 391546, with the package's name and what is installed.
    """
    have = installed()
    for text in packages:
        wanted = _requirement(text)
        if wanted.name.lower() == "python":
            continue
        version = have.get(canonicalize_name(wanted.name))
        if version is None:
            raise _refused(text, "it is not installed beside the local Snowflake; add it to the server's environment")
        if not wanted.specifier.contains(version, prereleases=True):
            raise _refused(text, f"version {version} is installed beside the local Snowflake")


def _requirement(text: str) -> Requirement:
    # conda's single "=" means any build or patch of the version
    spelled = re.sub(r"(?<![=<>!~])=(?!=)\s*([\w.]+)", r"==\1.*", text)
    try:
        return Requirement(spelled)
    except InvalidRequirement:
        raise _refused(text, "it is no package specification") from None


def _refused(package: str, why: str) -> Exception:
    return compilation_error(f"{_REFUSAL} '{package}': {why}.", 391546, "22023")


@lru_cache(maxsize=1)
def installed() -> dict[str, str]:
    """Canonical name -> version of every installed package."""
    found: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            found.setdefault(canonicalize_name(name), distribution.version)
    return found


@table_function("INFORMATION_SCHEMA.PACKAGES")
def packages_view(_: Context, __: str = "") -> pa.Table:
    """INFORMATION_SCHEMA.PACKAGES: https://docs.snowflake.com/en/sql-reference/info-schema/packages."""
    found = sorted(installed().items())
    count = len(found)
    return pa.table(
        {
            "PACKAGE_NAME": pa.array([n for n, _ in found], pa.string()),
            "VERSION": pa.array([v for _, v in found], pa.string()),
            "LANGUAGE": pa.array(["python"] * count, pa.string()),
            "RUNTIME_VERSION": pa.array([f"{sys.version_info[0]}.{sys.version_info[1]}"] * count, pa.string()),
        }
    )
