"""Names that a search finds: none that could stand for anything."""

import ast

import pytest

from tests.source_kit import ROOT, modules, nodes

PACKAGES = ("ged", "sandbox", "ocr", "indexer", "signing", "web", "scanner_bridge", "demo", "bench", "scripts")
EMPTY = {"told", "row", "look", "last", "matter", "do_it", "stuff", "helper", "data_of"}
"""Each module means another thing by such a name. A name says what is told, and what a row is of."""
MADE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_of_a_module_has_a_name_that_says_nothing(package: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in modules(package)
        for node in nodes(path)
        if isinstance(node, MADE) and (node.name.startswith("_") or isinstance(node, ast.ClassDef))
        if node.name.strip("_").lower() in EMPTY
    ]
    assert found == []
