"""The bridge alone: its wheel is installed where only its declared dependencies are, and nothing of the project."""

import os
import re
import subprocess
import sys
import sysconfig
from importlib.metadata import distribution
from pathlib import Path

import pytest

from scanner_bridge import VERSION

SOURCE = Path(__file__).parents[2] / "scanner_bridge"
TELLS = (
    "from importlib.metadata import requires, version; print(version('ged-bridge'), *requires('ged-bridge'), sep='\\n')"
)
pytestmark = pytest.mark.slow


def _needed(names: list[str]) -> set[str]:
    """The distributions that these need, directly and indirectly, on this computer."""
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = re.split(r"[^A-Za-z0-9._-]", todo.pop(), maxsplit=1)[0].lower()
        if name not in found:
            found.add(name)
            wanted = [line for line in distribution(name).requires or [] if "extra ==" not in line]
            # A marker for another system or an older Python does not apply here.
            todo += [line for line in wanted if _is_here(line)]
    return found


def _is_here(requirement: str) -> bool:
    marker = requirement.partition(";")[2]
    return "win32" not in marker.replace("!=", "") and not re.search(r"python_version < .3\.(8|9|10|11)", marker)


def _lend(names: set[str], target: Path) -> None:
    """Link the files of installed distributions, and nothing else, into an environment."""
    site = Path(sysconfig.get_paths()["purelib"])
    for name in names:
        tops = {path.parts[0] for path in distribution(name).files or [] if path.parts[0] not in ("..", "__pycache__")}
        for top in tops:
            if not (target / top).exists():
                (target / top).symlink_to(site / top)


@pytest.mark.long("builds wheels and installs them; `make bundle` does it too")
def test_the_wheel_works_alone(tmp_path: Path) -> None:
    copy = tmp_path / "source"
    subprocess.run(["cp", "-r", str(SOURCE), str(copy)], check=True)
    build = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, str(tmp_path)], cwd=copy, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("ged_bridge-*.whl")
    alone = tmp_path / "alone"
    subprocess.run([sys.executable, "-m", "venv", str(alone)], check=True)
    python = alone / "bin" / "python"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GED_", "VIRTUAL"))}
    install = [str(python), "-m", "pip", "install", "--no-index", "--no-deps", "--quiet", str(wheel)]
    subprocess.run(install, check=True, env=env, cwd=tmp_path, capture_output=True)
    told = subprocess.run(
        [str(python), "-c", TELLS],
        check=True, env=env, cwd=tmp_path, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    assert told.pop(0) == VERSION
    needed = _needed([line for line in told if _is_here(line) and "extra ==" not in line])
    assert {"click", "httpx", "pillow", "python-sane"} <= needed
    assert not needed & {"flask", "sqlalchemy", "ged"}
    (site,) = alone.glob("lib/python3*/site-packages")
    _lend(needed, site)
    program = str(alone / "bin" / "ged-bridge")
    home = {"GED_BRIDGE_HOME": str(tmp_path / "home"), "SANE_CONFIG_DIR": str(tmp_path)}
    for words, told_word in ((["--help"], "simulate"), (["status"], "pas appairé"), (["devices", "--json"], "[]")):
        answer = subprocess.run(
            [program, *words], check=False, env=env | home, cwd=tmp_path, capture_output=True, text=True
        )
        assert answer.returncode == 0 or words[0] == "devices", answer.stderr
        assert told_word in answer.stdout, answer.stderr
    assert (site / "scanner_bridge" / "ged-bridge.service").exists()
    absent = subprocess.run([str(python), "-c", "import ged"], check=False, env=env, cwd=tmp_path, capture_output=True)
    assert absent.returncode == 1
