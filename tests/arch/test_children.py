"""What children of the sandbox import is compiled when the program is set up: a child cannot write bytecode."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICE = re.compile(r'"([a-z_.]+):service"')
WITHOUT = {"sandbox.trial", "ocr.second_page"}
"""The first imports nothing but ours. The second is of an extra, which the set-up does not install."""
NOT_COMPILED = """
import json, sys
from importlib import import_module
from importlib.util import cache_from_source
from pathlib import Path
for name in sys.argv[1:]:
    import_module(name)
files = [module.__file__ or "" for module in sys.modules.values() if getattr(module, "__file__", None)]
print(json.dumps([one for one in files if one.endswith(".py") and not Path(cache_from_source(one)).exists()]))
"""


def children() -> tuple[str, ...]:
    spec = importlib.util.spec_from_file_location("ged_setup_children", ROOT / "scripts" / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    setup = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = setup  # dataclasses look up their module
    spec.loader.exec_module(setup)
    return tuple(setup.CHILDREN)


def test_the_set_up_knows_each_child() -> None:
    sources = [path for room in ("ged", "ocr", "signing", "web", "sandbox") for path in (ROOT / room).rglob("*.py")]
    named = {name for path in sources for name in SERVICE.findall(path.read_text())}
    assert named - WITHOUT == {name for name in children() if name != "ocr.slow_start"}


def test_what_a_child_imports_of_installed_packages_is_compiled() -> None:
    words = [sys.executable, "-B", "-W", "ignore", "-c", NOT_COMPILED, *children()]
    said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    installed = [path for path in json.loads(said) if "site-packages" in path]
    assert not installed, "call scripts/setup.py"
