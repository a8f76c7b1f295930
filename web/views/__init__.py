"""Pages: a folder for each feature, or a single module. Each module with a ``blueprint`` of its own name is registered;
a module without one holds helpers.

A handler parses, calls one operation or query, and renders. It contains no SQL (import-linter) and no rule.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from types import ModuleType

from flask import Blueprint

from web.site.panels import Panel


def blueprints() -> Iterator[Blueprint]:
    """The blueprints of all modules of this package and of its folders, in the order of their names."""
    found = (getattr(module, "blueprint", None) for module in _modules())
    yield from sorted((one for one in found if isinstance(one, Blueprint)), key=lambda blueprint: blueprint.name)


def panels() -> Iterator[Panel]:
    """What the modules show on the letter's page: their ``PANEL``."""
    found = (getattr(module, "PANEL", None) for module in _modules())
    yield from (one for one in found if isinstance(one, Panel))


@cache
def _modules() -> tuple[ModuleType, ...]:
    return tuple(importlib.import_module(found.name) for found in pkgutil.walk_packages(__path__, f"{__name__}."))
