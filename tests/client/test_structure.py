"""How the client's modules hang together: in layers, which the import contract checks, and nowhere in a circle."""

import grimp


def test_no_module_of_the_client_imports_another_in_a_circle() -> None:
    graph = grimp.build_graph("chat", cache_dir=None)
    modules = {module for module in graph.modules if module.startswith("chat.client")}
    left = dict.fromkeys(modules, 0)
    while left:
        free = [module for module in left if not graph.find_modules_directly_imported_by(module) & left.keys()]
        assert free, f"these import each other: {sorted(left)}"
        for module in free:
            del left[module]
