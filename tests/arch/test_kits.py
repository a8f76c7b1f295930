"""Shared code of tests is in kits. So a test module can be moved, renamed or deleted, and no other breaks."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.conftest import LONGEST
from tests.source_kit import ROOT, nodes

SKIPPED = {".venv", ".cache", "node_modules"}


def _modules() -> Iterator[Path]:
    for folder in sorted(ROOT.iterdir()):
        if folder.is_dir() and folder.name not in SKIPPED:
            yield from sorted(folder.rglob("*.py"))


def imported_tests(module: Iterable[ast.AST]) -> list[str]:
    """Every module ``test_...`` that an import names, also inside functions and under ``TYPE_CHECKING``."""
    found = []
    for node in module:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # A name imported from a package may be a module; a name imported from a kit may be a test.
            package = node.module or ""
            names = [package] if "_kit" in package else [f"{package}.{alias.name}" for alias in node.names]
        else:
            continue
        found += [name for name in names if name.startswith("tests") and ".test_" in name]
    return found


def test_every_way_to_import_a_test_module_is_seen() -> None:
    ways = (
        "import tests.unit.test_access",
        "from tests.unit.test_access import cases",
        "from tests.unit import test_access as cases",
        "def late():\n    from tests.unit import test_access",
    )
    for way in ways:
        assert imported_tests(ast.walk(ast.parse(way))), way
    none = "from tests.attacks_kit import test_an_attack\nimport tests.pages"
    assert not imported_tests(ast.walk(ast.parse(none)))


def test_no_module_imports_a_test_module() -> None:
    modules = list(_modules())
    assert len(modules) > 500
    wrong = {
        str(path.relative_to(ROOT)): names
        for path in modules
        if "test_" in (source := path.read_text("utf-8")) and "tests" in source
        if (names := imported_tests(nodes(path)))
    }
    assert not wrong, f"Move what is shared to tests/*_kit.py: {wrong}"


def test_the_files_that_begin_first_are_there() -> None:
    names = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    assert not [name for name in LONGEST if name not in names], "renamed or deleted: they would begin late"
