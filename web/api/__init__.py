"""The JSON API under ``/api/``. Each module here that has a ``blueprint`` is registered; a module without one holds helpers.

A handler parses, calls one operation or query, and returns JSON. It contains no SQL (import-linter) and no rule.
"""

import importlib
import pkgutil
from collections.abc import Iterator

from flask import Blueprint


def blueprints() -> Iterator[Blueprint]:
    """The blueprints of all modules of this package, in the order of their names."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
        found = getattr(importlib.import_module(f"{__name__}.{module.name}"), "blueprint", None)
        if isinstance(found, Blueprint):
            yield found
