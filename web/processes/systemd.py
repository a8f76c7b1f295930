"""Services under systemd, for ``ged upgrade``. It is called as root, and runs ``ged`` as the account of the services."""

import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from web.processes.upgrade import Ended

SITE = "http://127.0.0.1:8000/sante/site"
BROKEN = 500
UNITS = ("ged-site*.service", "ged-worker*.service")
"""The sites first: people see them."""


@dataclass(frozen=True)
class Systemd:
    """The services of this machine (``web.processes.upgrade.Machine``).

    Attributes:
        settings: the file of the settings, readable by the account.
        wait_s: for a service to be ready; the units' own ``TimeoutStartSec`` is shorter.
    """

    account: str
    settings: Path
    wait_s: float = 300.0
    site: str = SITE

    def ged(self, release: Path, *words: str) -> Ended:
        """Run ``ged`` of a release as the account."""
        apart = (
            ["setpriv", f"--reuid={self.account}", f"--regid={self.account}", "--init-groups", "--"]
            if os.geteuid() == 0
            else []
        )
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent",
            "GED_ENV_FILE": str(self.settings),
        }  # fmt: skip
        done = subprocess.run(
            [*apart, str(release / "bin" / "ged"), *words],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=environment,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def units(self) -> Sequence[str]:
        """The active services."""
        found: list[str] = []
        for pattern in UNITS:
            listed = self._systemctl(
                "list-units", "--plain", "--no-legend", "--state=active,failed,activating", pattern
            )
            found += [line.split()[0] for line in listed.stdout.splitlines() if line.strip()]
        return found

    def restart(self, unit: str) -> bool:
        """Restart. The units tell systemd that they serve (``Type=notify``), and systemd waits for it."""
        self._systemctl("daemon-reload")
        try:
            done = self._systemctl("reload-or-restart", unit)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0 and (not unit.startswith("ged-site") or self._site_answers())

    def older(self, release: Path) -> Sequence[int]:
        """Processes that run a release."""
        return running(release)

    def _site_answers(self) -> bool:
        request = urllib.request.Request(self.site)  # noqa: S310  a fixed address of this machine
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return int(answer.status) < BROKEN
        except urllib.error.HTTPError as answer:
            return answer.code < BROKEN  # it may refuse the name by which it was asked: then it serves
        except (urllib.error.URLError, OSError):
            return False

    def _systemctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False, timeout=self.wait_s)


def running(release: Path) -> list[int]:
    """Processes whose program lies in a release (proc(5), ``cmdline``)."""
    below = f"{release.resolve()}/"
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = place.read_bytes().decode(errors="replace").split("\0")[:4]
            if any(word.startswith(below) for word in words) and int(place.parent.name) != os.getpid():
                found.append(int(place.parent.name))
    return sorted(found)
