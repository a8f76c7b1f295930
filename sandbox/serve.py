"""Entry point of a child: ``python -I serve.py PACKAGES``, where PACKAGES maps package names to folders, in JSON.

Python's own import would need the folder that contains all packages. That folder may also hold the data and the
settings of the installation, so a child must not see it.
"""

import importlib.util
import json
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType


class Packages(MetaPathFinder):
    """Finds top-level packages by name in the folders given."""

    def __init__(self, folders: dict[str, str]) -> None:
        self._folders = folders

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The import spec of one of our packages; None for any other module."""
        folder = self._folders.get(fullname)
        if folder is None:
            return None
        start = Path(folder, "__init__.py")
        return importlib.util.spec_from_file_location(fullname, start, submodule_search_locations=[folder])


if __name__ == "__main__":
    sys.meta_path.insert(0, Packages(json.loads(sys.argv[1])))
    from sandbox.child import main

    main()
