"""The processes of an installation: site, worker, bridge. Started together, watched, stopped together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import httpx

BIN = Path(sys.executable).parent
LEASH = (sys.executable, "-I", "-S", str(Path(__file__).with_name("leash.py")))
START_S = 120.0
STOP_S = 10.0
_PAUSE_S = 0.05


class ProcessEnded(Exception):
    """A process of the installation ended by itself; the message names it and its log file."""


@dataclass
class Processes:
    """Running programs by name; each writes to its own log file."""

    logs: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _files: list[IO[bytes]] = field(default_factory=list)

    def start(self, name: str, *words: str, env: Mapping[str, str]) -> None:
        """Start ``words`` (one of our programs) under a name; it ends with the calling thread (``leash``)."""
        self.logs.mkdir(parents=True, exist_ok=True)
        log = (self.logs / f"{name}.log").open("ab")
        self._files.append(log)
        self.running[name] = subprocess.Popen(
            [*LEASH, str(os.getpid()), str(BIN / words[0]), *words[1:]], env=dict(env), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip

    def check(self) -> None:
        """Check that all processes run.

        Raises:
            ProcessEnded: a process has ended.
        """
        for name, process in self.running.items():
            if process.poll() is not None:
                raise ProcessEnded(f"{name}: exit {process.returncode}, see {self.logs / f'{name}.log'}")

    def wait_for_site(self, url: str) -> None:
        """Return when the site answers.

        Raises:
            ProcessEnded: a process ended, or the site did not answer in time.
        """
        until = time.monotonic() + START_S
        with httpx.Client(timeout=2) as client:
            while time.monotonic() < until:
                self.check()
                with suppress(httpx.HTTPError):
                    if client.get(f"{url}/sante/site").status_code == 200:
                        return
                time.sleep(_PAUSE_S)  # also after a 503: the site would be asked hundreds of times a second
        raise ProcessEnded(f"site: no answer from {url} within {START_S:.0f} s, see {self.logs / 'site.log'}")

    def kill(self, name: str) -> None:
        """Send SIGKILL to a process and its children (fault tests)."""
        process = self.running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """Stop all, the last started first."""
        for process in reversed(self.running.values()):
            if process.poll() is None:
                process.terminate()
        until = time.monotonic() + STOP_S
        for process in reversed(self.running.values()):
            try:
                process.wait(timeout=max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.running.clear()
        for log in self._files:
            log.close()
        self._files.clear()
