"""The project's sources, for tests that read them. Each file is parsed once per process, and each text collected
once."""

import ast
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from pathlib import Path

from babel.messages import Catalog

from web.words import catalogue

ROOT = Path(__file__).parents[1]


@cache
def modules(*packages: str) -> tuple[Path, ...]:
    """The Python files of packages: in the given order of the packages, sorted within each."""
    return tuple(path for package in packages for path in sorted((ROOT / package).rglob("*.py")))


@cache
def tree(path: Path) -> ast.Module:
    """The parsed file. All tests share it, so no test may change it."""
    with _uncollected():
        return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of a file, in the order of ``ast.walk``, in half of its time."""
    found: list[ast.AST] = [tree(path)]
    with _uncollected():
        for node in found:  # which grows meanwhile
            for name in node._fields:
                value = getattr(node, name, None)
                if isinstance(value, list):
                    found.extend([one for one in value if isinstance(one, ast.AST)])
                elif isinstance(value, ast.AST):
                    found.append(value)
        return tuple(found)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Meanwhile no garbage is collected: the thousands of new objects all stay."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def messages() -> Catalog:
    """The messages of the code and the templates, found as ``catalogue.extract`` finds them. Each call returns a
    copy."""
    return deepcopy(_messages())


@cache
def _messages() -> Catalog:
    return catalogue.extract()
