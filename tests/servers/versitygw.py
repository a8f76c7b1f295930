"""A private S3 store on a free loopback port: versitygw over a folder, the unmodified program.

``python -m tests.servers.versitygw`` builds it once, by Go (two to six minutes, 84 MB, and a cache of Go that may be cleaned). No set-up
does that by itself: it would cost every clean machine more than all tests that need it. ``GED_TEST_LONG=1 scripts/setup.py test`` does.
Without the program these tests are skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from tests.servers import Running, Unavailable, free_port, once

VERSION = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
CACHE = Path(__file__).parents[2] / ".cache" / "versitygw"
START_S, BUILD_S = 15, 1200
ACCESS, SECRET = "ged-tests", "a secret of the tests"


def program() -> str:
    """The program.

    Raises:
        Unavailable: it was not built here.
    """
    own = CACHE / "versitygw"
    found = str(own) if own.is_file() else shutil.which("versitygw")
    if found is None:
        raise Unavailable("versitygw is not here (python -m tests.servers.versitygw builds it, where Go is there)")
    return found


def build() -> None:
    """Build the program.

    Raises:
        Unavailable: Go is not here, or cannot fetch it.
    """
    go = shutil.which("go")
    if go is None:
        raise Unavailable("Go is not installed (no go on the PATH)")
    CACHE.mkdir(parents=True, exist_ok=True)
    words = ["nice", "-n", "10", go, "install", VERSION]
    done = subprocess.run(
        words, env={**os.environ, "GOBIN": str(CACHE)}, capture_output=True, text=True, timeout=BUILD_S, check=False
    )
    if done.returncode:
        raise Unavailable(f"go install: {done.stderr.strip()[-300:]}")


def server() -> Running:
    """The run's store; use one bucket for each test.

    Raises:
        Unavailable: the program is not here.
        RuntimeError: it does not start.
    """
    return once("versitygw", start)


def folder_of(server_name: str = "versitygw") -> Path:
    """Where the run's store keeps its buckets, a folder each: an object is a file in it."""
    return Path(os.environ["GED_TEST_RUN_DIR"]) / server_name / "data"


def start(folder: Path) -> Running:
    """Start a store over a folder; returns when it answers."""
    words, port = program(), free_port()
    for one in ("data", "versions", "sidecar"):
        (folder / one).mkdir()
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [words, "--quiet", "--port", f"127.0.0.1:{port}", "posix", "--versioning-dir", str(folder / "versions"),
         *_metadata(folder), str(folder / "data")],
        env={"ROOT_ACCESS_KEY": ACCESS, "ROOT_SECRET_KEY": SECRET, "PATH": os.environ["PATH"]},
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    log.close()
    running = Running(f"http://127.0.0.1:{port}", process.pid)
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        if _answers(running.url):
            process.returncode = 0  # It outlives this worker; the controlling process of the run stops it by its id.
            return running
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise RuntimeError(f"versitygw does not start: {(folder / 'log').read_text()[-600:].strip()}")


def _metadata(folder: Path) -> list[str]:
    """Beside the files where the file system of the tests takes no attributes."""
    probe = folder / "data"
    try:
        os.setxattr(probe, "user.ged", b"1")
        os.removexattr(probe, "user.ged")
    except OSError:
        return ["--sidecar", str(folder / "sidecar")]
    return []


def _answers(url: str) -> bool:
    try:
        urlopen(url, timeout=2).close()
    except HTTPError as answer:
        answer.close()
        return True
    except URLError:
        return False
    return True


if __name__ == "__main__":
    build()
