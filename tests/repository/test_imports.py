"""No file of the product imports itself by way of others; the layers of packages are contracts in pyproject.toml."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

from snowloop.lifecycle.training.train import TRAINING_MODULES


@pytest.mark.parametrize("package", ["snowloop", "snowloop_procedures", "stack"])
def test_no_file_imports_itself_by_way_of_others(package: str) -> None:
    graph = grimp.build_graph(package, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(f"these files import one another: {' -> '.join(reversed(error.args[1]))}")


def test_a_version_is_named_after_every_module_that_makes_it() -> None:
    """All but the types of requests, whose values are in the name already."""
    graph = grimp.build_graph("snowloop_procedures", cache_dir=None)
    run = {"snowloop_procedures.training", *graph.find_upstream_modules("snowloop_procedures.training")}
    packages = {"snowloop_procedures", "snowloop_procedures.statistics"}
    assert run - packages - {"snowloop_procedures.requests"} == {
        f"snowloop_procedures.{module}" for module in TRAINING_MODULES
    }
