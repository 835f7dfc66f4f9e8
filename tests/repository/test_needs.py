"""What the code imports is declared, what is declared is locked, and the locks agree."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.repository.checkout import ROOT, files

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SERVER = tomllib.loads((ROOT / "packages/local-snowflake/pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
EXTRAS["local"] = [need for need in EXTRAS["local"] if need != SERVER["name"]] + SERVER["dependencies"]
LOCKS = {
    "requirements.txt": ["postgres"],
    "requirements-local.txt": ["local"],
    "requirements-dev.txt": ["local", "postgres", "dev"],
}
OURS = {"snowloop", "snowloop_procedures", "local_snowflake", "stack", "benchmarks", "tests", "dags", "include", "docs"}
ROOMS = {
    "plugins": [],
    "dags": [],
    "include": [],
    "packages/local-snowflake/src": ["local"],
    "packages/local-snowflake/tests": ["local", "dev"],
    "stack": ["local"],
    "benchmarks": ["local", "dev"],
    "docs": ["local", "dev"],
    "tests": ["local", "dev"],
}
SERVER_MODULES = {"_snowflake"}  # there only inside a procedure


def declared(extras: list[str]) -> list[Requirement]:
    """The direct needs: the runtime's, and those of some extras."""
    return [
        Requirement(text) for text in [*PROJECT["dependencies"], *(need for extra in extras for need in EXTRAS[extra])]
    ]


def locked(lock: str) -> dict[str, str]:
    """Version by package of a lock, for the Python that runs."""
    pins = [Requirement(line.removesuffix("\\")) for line in (ROOT / lock).read_text().splitlines() if "==" in line]
    environment = {key: str(value) for key, value in default_environment().items()}
    return {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in pins
        if pin.marker is None or pin.marker.evaluate(environment)
    }


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_every_direct_need(lock: str) -> None:
    pins = locked(lock)

    unmet = [
        f"{need} but {pins.get(canonicalize_name(need.name), 'nothing')}"
        for need in declared(LOCKS[lock])
        if not need.specifier.contains(pins.get(canonicalize_name(need.name), "0"), prereleases=True)
    ]

    assert unmet == [], "run: make lock"


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-local.txt"])
def test_the_locks_agree(lock: str) -> None:
    everything = locked("requirements-dev.txt")

    assert {name: version for name, version in locked(lock).items() if everything.get(name) != version} == {}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_index(lock: str) -> None:
    assert not re.search(r"^-|://", (ROOT / lock).read_text(), re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_hashes_of_every_package_and_installs_ask_for_them(lock: str) -> None:
    pins = re.split(r"^(?=\S+==)", (ROOT / lock).read_text(), flags=re.MULTILINE)[1:]
    assert len(pins) > 100
    assert [pin for pin in pins if "--hash=sha256:" not in pin] == []
    for file in ("Makefile", "Dockerfile"):
        installs = re.findall(r"(?:pip sync|pip install)[^\n]*", (ROOT / file).read_text())
        of_locks = [each for each in installs if "requirement" in each or "sync" in each]
        assert of_locks
        assert [each for each in of_locks if "--require-hashes" not in each] == []


def test_production_installs_no_engine_and_no_test_tool() -> None:
    assert {"fakesnow", "duckdb", "pytest", "ruff", "mypy"} & set(locked("requirements.txt")) == set()


@pytest.mark.parametrize("declaration", files("include/projects/*/project.yaml"), ids=lambda path: path.parent.name)
def test_training_declares_the_versions_that_are_locked(declaration: Path) -> None:
    pins = locked("requirements-local.txt")
    packages = [Requirement(text) for text in yaml.safe_load(declaration.read_text()).get("packages", [])]

    wrong = [f"{need} but {pins[need.name]}" for need in packages if not need.specifier.contains(pins[need.name])]

    assert wrong == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_import_of_a_room_is_declared(room: str) -> None:
    distributions = packages_distributions()
    allowed = {canonicalize_name(need.name) for need in declared(ROOMS[room])}

    undeclared = {
        f"{path.relative_to(ROOT)}: {module}"
        for path in files(f"{room}/*.py")
        for module in imported(path)
        if not allowed & {canonicalize_name(name) for name in distributions.get(module, [module])}
    }

    assert undeclared == set(), "declare it in pyproject.toml and run: make lock"


def imported(path: Path) -> set[str]:
    """Top-level modules that a file imports from neither the standard library nor this repository."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.add(node.module.split(".")[0])
    siblings = {each.stem for each in path.parent.glob("*.py")}
    return modules - set(sys.stdlib_module_names) - OURS - SERVER_MODULES - siblings
