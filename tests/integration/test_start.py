"""The program ``ged`` loads its modules without garbage collections; afterwards it collects, but never looks at them
again."""

import subprocess
import sys

PROGRAM = """
import atexit, gc, sys
atexit.register(lambda: print("collects", gc.isenabled(), "kept", gc.get_freeze_count()))
sys.argv = ["ged", "worker", "--help"]
from web.commands import program
program()
"""


def test_a_process_collects_once_its_command_is_loaded_and_keeps_what_was_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60)
    words = done.stdout.split()
    assert words[-4:-1] == ["collects", "True", "kept"]
    assert int(words[-1]) > 100_000, "the modules were looked at by every collection"
