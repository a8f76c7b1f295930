"""Each declared distribution is imported, each imported one is declared, and each has its line in the documents."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

from tests.source_kit import ROOT, modules, nodes

PRODUCT = ("ged", "sandbox", "ocr", "indexer", "signing", "web", "demo")
BY_NAME = {
    "onnxruntime": "rapidocr imports it, to run its models",
    "psycopg": "SQLAlchemy imports it by the name in the address",
    "python-sane": "the bridge alone, where it scans",
}

EXTRA = {"rapidocr": "rapidocr", "spellchecker": "pyspellchecker"}
"""Modules of the extra `second-reader`, which need not be installed here (290 MB), and their distributions."""


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [one for names in project["optional-dependencies"].values() for one in names]
    return {_plain(re.split(r"[\[<>=~! ;]", one)[0]) for one in [*project["dependencies"], *extras]}


def imported() -> dict[str, set[str]]:
    """External module -> the distributions that contain it."""
    given, found = packages_distributions(), {}
    for path in modules(*PRODUCT):
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


def test_what_is_imported_is_declared() -> None:
    assert {top: names for top, names in imported().items() if not names & declared()} == {}


def test_what_is_declared_is_imported() -> None:
    assert declared() - set().union(*imported().values()) == set(BY_NAME)


def test_each_has_its_line() -> None:
    lines = (ROOT / "docs/dev/dependencies.md").read_text().splitlines()
    told = {line.split("|")[1].strip() for line in lines if line.startswith("| ")} - {"name"}
    assert told == declared()
