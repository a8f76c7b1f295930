"""Shared code of tests is in kits. So a test module can be moved, renamed or deleted, and no other breaks."""

import ast
import re
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


def short_absences(module: Iterable[ast.AST]) -> list[str]:
    """Every ``"ab" not in page.text``: a page carries random tokens, so two or three letters stand there now and then."""
    found = []
    for node in module:
        if not (isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.NotIn)):
            continue
        parts = node.left.values if isinstance(node.left, ast.JoinedStr) else [node.left]
        said = "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))
        page = node.comparators[0]
        whole = isinstance(page, ast.Attribute) and page.attr == "text"
        named = isinstance(page, ast.Name) and page.id in {"page", "own", "html"}
        if (whole or named) and said and re.fullmatch(r"[\w.-]{1,3}", said):
            found.append(f"line {node.lineno}: {said!r}")
    return found


def test_no_test_seeks_two_letters_where_a_token_may_hold_them() -> None:
    assert short_absences(ast.walk(ast.parse("assert f'.{one}' not in page\nassert 'DGE' not in answer.text")))
    assert not short_absences(ast.walk(ast.parse("assert f'.{one}\"' not in page\nassert 'DGE' not in units")))
    wrong = {
        str(path.relative_to(ROOT)): found
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        if "not in" in path.read_text("utf-8") and (found := short_absences(nodes(path)))
    }
    assert not wrong, f"Seek more of what must be absent, for instance with its quote or its tag: {wrong}"
