"""The real site of a test installation: ``ged serve`` in separate processes."""

import os
import signal
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.servers import free_port
from tests.started import GED, Started
from tests.worker_kit import Installation, eventually

TRUST = ssl.create_default_context()
"""Made once: it reads all roots of the machine, 20 ms of processor time."""


@dataclass
class Served:
    """A running site."""

    place: Installation
    port: int
    master: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.place.folder / "site.log"

    def children(self) -> list[int]:
        """The ids of the processes that handle requests."""
        return [
            int(pid) for pid in Path(f"/proc/{self.master.pid}/task/{self.master.pid}/children").read_text().split()
        ]

    def sign_in_page_s(self, *, timeout_s: float = 30.0) -> float:
        """The time of a request for the sign-in page over a new connection, in seconds."""
        began = time.monotonic()
        assert httpx.get(f"{self.url}/connexion", timeout=timeout_s, verify=TRUST).status_code == 200
        return time.monotonic() - began


@contextmanager
def served(
    place: Installation, *, processes: int = 1, threads: int = 4, port: int = 0, program: Sequence[str] = (str(GED),)
) -> Iterator[Served]:
    """Start the site by ``program``; the block begins once it answers, and the site stops at its end."""
    port = port or free_port()
    with (place.folder / "site.log").open("ab") as log:
        many = ["--processes", str(processes)] if processes else []
        start = Started if program[0] == str(GED) else subprocess.Popen
        master = start(
            [*program, "serve", "--bind", f"127.0.0.1:{port}", "--threads", str(threads), *many],
            env=place.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    site = Served(place, port, master)
    try:
        eventually(lambda: _answers(site), within_s=60, what="the site answers", log=site.log)
        yield site
    finally:
        master.terminate()
        with suppress(subprocess.TimeoutExpired):
            master.wait(15)
        with suppress(ProcessLookupError):
            os.killpg(master.pid, signal.SIGKILL)
        master.wait()


def _answers(site: Served) -> bool:
    assert site.master.poll() is None, site.log.read_text()[-3000:]
    try:
        return httpx.get(f"{site.url}/connexion", timeout=5, verify=TRUST).status_code == 200
    except httpx.TransportError:
        return False
