"""Names that a search finds: none that could stand for anything."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.source_kit import ROOT, modules, nodes

PACKAGES = ("ged", "sandbox", "ocr", "indexer", "signing", "web", "scanner_bridge", "demo", "bench", "scripts")
EMPTY = {"told", "row", "look", "last", "matter", "do_it", "stuff", "helper", "data_of"}
"""Each module means another thing by such a name. A name says what is told, and what a row is of."""
MADE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
VAGUE = {"told", "matter", "matters", "stuff"}
"""Words that no variable, argument, field or alias of a type has in its name: they fit reasons, digests, sums and sentences alike."""
OF_THE_DATABASE = {"ged/resuming/models.py told_sequence"}
"""A column: it is called so in every installation."""


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_of_a_module_has_a_name_that_says_nothing(package: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in modules(package)
        for node in nodes(path)
        if isinstance(node, MADE)
        and (node.name.startswith("_") or isinstance(node, ast.ClassDef) or node.name in VAGUE)
        if node.name.strip("_").lower() in EMPTY
    ]
    assert found == []


@pytest.mark.parametrize("package", PACKAGES)
def test_what_a_module_holds_is_called_by_what_it_is(package: str) -> None:
    assert [one for path in modules(package) for one in vague(path)] == []


def test_what_the_verifier_holds_is_called_by_what_it_is() -> None:
    assert list(vague(ROOT / "ged_verify.py")) == []


def vague(path: Path) -> Iterator[str]:
    """The names of variables, arguments, fields and aliases that say nothing, each with its place."""
    of = path.relative_to(ROOT)
    for node in nodes(path):
        name = bound(node)
        if VAGUE.intersection(name.lower().split("_")) and f"{of} {name}" not in OF_THE_DATABASE:
            yield f"{of}:{getattr(node, 'lineno', 0)} {name}"


def bound(node: ast.AST) -> str:
    """The name that a node of the source gives to what is held; empty: none."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.alias(asname=str(name)):
            return name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return name
    return ""
