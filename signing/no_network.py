"""Stands in for aiohttp in a child of the sandbox, which has no network. To be imported before pyHanko.

pyHanko imports aiohttp for time-stamps and lists that it would fetch itself: a third of the start of the child that
examines files.
"""

import sys
from types import ModuleType


class NoNetwork(ModuleType):
    """A module of which every name is an exception: annotations may name it, and nothing can be fetched by it."""

    def __getattr__(self, name: str) -> type[Exception]:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (Exception,), {})


sys.modules.setdefault("aiohttp", NoNetwork("aiohttp"))
