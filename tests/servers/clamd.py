"""A private clamd. Its own signature database holds one signature, for a few bytes that represent a virus."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

from ged.adapters.clamd import Clamd
from tests.servers import Running, Unavailable, once

START_S = 20
EVIL = b"GED-TEST-VIRUS-7d1f0c"
NAME = "Ged.Test.Virus.UNOFFICIAL"
STREAM_MAX = 2_000_000
SCANNED_MAX = 1_000_000

_CONF = """
LocalSocket {folder}/clamd.sock
DatabaseDirectory {folder}/database
TemporaryDirectory {folder}
LogFile {folder}/log
Foreground yes
ConcurrentDatabaseReload no
StreamMaxLength {limit}
MaxFileSize {scanned}
MaxScanSize {scanned}
AlertExceedsMax yes
MaxThreads 4
"""


def server() -> Running:
    """The run's clamd. Its URL is a value for ``GED_CLAMD``.

    Raises:
        Unavailable: clamd is not installed.
        RuntimeError: it does not start; the message is clamd's.
    """
    return once("clamd", start)


def start(folder: Path) -> Running:
    """Start a clamd whose files are in ``folder``."""
    program = shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin")
    if program is None:
        raise Unavailable("clamd is not installed (Debian: clamav-daemon)")
    (folder / "database").mkdir()
    (folder / "database" / "own.ndb").write_text(f"{NAME.removesuffix('.UNOFFICIAL')}:0:*:{EVIL.hex()}\n")
    conf = folder / "clamd.conf"
    conf.write_text(_CONF.format(folder=folder, limit=STREAM_MAX, scanned=SCANNED_MAX))
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [program, "--config-file", str(conf)], stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            start_new_session=True,
        )  # fmt: skip
    running = Running(f"unix:{folder}/clamd.sock", process.pid)
    until = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < until:
        if Clamd(running.url).is_there():
            process.returncode = 0  # It outlives this worker; the controlling process of the run stops it by its id.
            return running
        time.sleep(0.05)
    process.kill()
    process.wait()
    raise RuntimeError(f"clamd does not start: {(folder / 'said').read_text()[-600:]}")
