"""Processes that ``ged run`` and ``ged demo`` started end with them, even when they were killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.worker_kit import eventually

_OWNER = """
import os, sys, time
from pathlib import Path
from demo import processes
processes.BIN = Path(sys.argv[1])
started = processes.Processes(Path(sys.argv[1]) / "logs")
started.start("sleeper", "sleeper", env=os.environ)
print(started.running["sleeper"].pid, flush=True)
time.sleep(60)
"""


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_killed_owner_takes_its_processes_with_it(tmp_path: Path) -> None:
    sleeper = tmp_path / "sleeper"
    sleeper.write_text("#!/bin/sh\nexec sleep 60\n")
    sleeper.chmod(0o755)
    owner = subprocess.Popen([sys.executable, "-c", _OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    child = int(owner.stdout.readline())
    eventually(
        lambda: b"sleep 60" in Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" "),
        within_s=30, what="the child is the program that sleeps",
    )  # fmt: skip
    assert _is_running(child)
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    until = time.monotonic() + 5
    while _is_running(child):
        assert time.monotonic() < until, "the child outlived its owner"
        time.sleep(0.05)
