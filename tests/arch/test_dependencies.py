"""Each declared distribution is imported, each imported one is declared, and each has its line in the documents."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest

from tests.source_kit import ROOT, modules, nodes

PROJECTS = {
    ".": ("ged", "sandbox", "ocr", "indexer", "signing", "web", "demo"),
    "scanner_bridge": ("scanner_bridge",),
}
"""Folder of a pyproject.toml -> the packages that its dependencies are for. The bridge is installed alone at a desk."""
BY_NAME = {
    "onnxruntime": "rapidocr imports it, to run its models",
    "psycopg": "SQLAlchemy imports it by the name in the address",
}

EXTRA = {"rapidocr": "rapidocr", "spellchecker": "pyspellchecker"}
"""Modules of the extra `second-reader`, which need not be installed here (290 MB), and their distributions."""


def declared(folder: str) -> set[str]:
    project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    extras = [one for names in project["optional-dependencies"].values() for one in names]
    return {_plain(re.split(r"[\[<>=~! ;]", one)[0]) for one in [*project["dependencies"], *extras]}


def imported(folder: str) -> dict[str, set[str]]:
    """External module -> the distributions that contain it."""
    given, found = packages_distributions(), {}
    for path in modules(*PROJECTS[folder]):
        for node in nodes(path):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            for top in {name.split(".")[0] for name in names}:
                if (
                    top not in sys.stdlib_module_names
                    and not (ROOT / top).exists()
                    and not (ROOT / f"{top}.py").exists()
                ):
                    found[top] = {_plain(one) for one in given.get(top, [EXTRA.get(top, f"nobody gives {top}")])}
    return found


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


@pytest.mark.parametrize("folder", PROJECTS)
def test_what_is_imported_is_declared(folder: str) -> None:
    allowed = declared(folder)
    assert {top: names for top, names in imported(folder).items() if not names & allowed} == {}


def test_what_is_declared_is_imported() -> None:
    unused = {folder: declared(folder) - set().union(*imported(folder).values()) for folder in PROJECTS}
    assert set().union(*unused.values()) == set(BY_NAME), unused


def test_each_has_its_line() -> None:
    lines = (ROOT / "docs/dev/dependencies.md").read_text().splitlines()
    told = {line.split("|")[1].strip() for line in lines if line.startswith("| ")} - {"name"}
    assert told == set().union(*map(declared, PROJECTS))


def test_the_bridges_lock_pins_what_the_servers_lock_pins() -> None:
    """Both are installed into one environment where the program is developed."""
    server, bridge = _pins("requirements.txt"), _pins("requirements-bridge.txt")
    assert {name for name in bridge if bridge[name] != server.get(name, bridge[name])} == set()
    assert set(bridge) - set(server) == {"python-sane"}


def _pins(lock: str) -> dict[str, str]:
    found = re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE)
    return dict(found)
