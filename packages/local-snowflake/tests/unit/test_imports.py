"""Imports go one way, file by file; the layers of packages are contracts in the repository's pyproject.toml."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import grimp
import pytest


def test_no_file_imports_itself_by_way_of_others() -> None:
    graph = grimp.build_graph("local_snowflake", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imports) > 100
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(f"these files import one another: {' -> '.join(reversed(error.args[1]))}")


def test_to_know_how_to_connect_needs_nothing_of_the_server() -> None:
    """Each test with a server of its own asks; the server's modules take seconds to import."""
    graph = grimp.build_graph("local_snowflake", cache_dir=None)
    needed = graph.find_upstream_modules("local_snowflake.testing")
    assert needed <= {"local_snowflake", "local_snowflake.protocol", "local_snowflake.protocol.connection"}
