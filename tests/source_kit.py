"""The sources of the project for tests that read them: each file is parsed, and each text collected, once per process."""

import ast
import gc
from copy import deepcopy
from functools import cache
from pathlib import Path

from babel.messages import Catalog

from web.words import catalogue

ROOT = Path(__file__).parents[1]


@cache
def modules(*packages: str) -> tuple[Path, ...]:
    """The Python files of packages, in the order of the packages, then sorted."""
    return tuple(path for package in packages for path in sorted((ROOT / package).rglob("*.py")))


@cache
def tree(path: Path) -> ast.Module:
    """A parsed file. All tests share it: none may change it."""
    gc.disable()  # thousands of new objects, none of them garbage
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    finally:
        gc.enable()


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of a file, as ``ast.walk`` gives them."""
    return tuple(ast.walk(tree(path)))


def messages() -> Catalog:
    """The messages of the code and the templates, as ``catalogue.extract`` finds them; the test may change its copy."""
    return deepcopy(_messages())


@cache
def _messages() -> Catalog:
    return catalogue.extract()
