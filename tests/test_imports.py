"""The server, the client and the load test have no circle of imports, not even one for the type checker alone."""

from graphlib import CycleError, TopologicalSorter

import pytest

from tests.imports import import_graph


@pytest.mark.parametrize("package", ["chat", "loadtest"])
def test_no_module_imports_itself_by_way_of_others(package: str) -> None:
    graph = import_graph(package)
    assert any(graph.values())
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))
