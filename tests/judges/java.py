"""Judges written in Java. Maven fetches their libraries once into .cache; the hash is compared; one class is
compiled."""

import fcntl
import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.servers import Unavailable

CACHE = Path(__file__).parents[2] / ".cache" / "judges"
FETCH_S = 600


@dataclass(frozen=True)
class Judge:
    """A judge.

    Attributes:
        what: its name in a reason to skip a test.
        jars_sha256: ``digest_of`` its libraries.
    """

    name: str
    what: str
    source: Path
    pom: Path
    jars_sha256: str

    def fetch(self) -> Path:
        """The judge's folder in the cache. Fetches and compiles it when it is missing.

        Raises:
            Unavailable: no JDK, no Maven, or nothing could be fetched.
            RuntimeError: the fetched files do not match the pinned hash.
        """
        key = hashlib.sha256(self.source.read_bytes() + self.pom.read_bytes()).hexdigest()[:16]
        cache = CACHE / self.name
        home = cache / key
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not home.exists():
                for old in cache.glob("*-half"):
                    shutil.rmtree(old)
                self._make(cache / f"{key}-half").rename(home)
        return home

    def _make(self, half: Path) -> Path:
        for program, thing in (("javac", "a JDK"), ("mvn", "Maven")):
            if shutil.which(program) is None:
                raise Unavailable(f"{self.what} needs {thing}")
        half.mkdir()
        shutil.copy(self.pom, half / "pom.xml")
        goal = ["dependency:copy-dependencies", "-DoutputDirectory=lib", f"-Dmaven.repo.local={half / 'm2'}"]
        try:
            _run(half, "mvn", "-q", "-B", "-ntp", *goal)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            raise Unavailable(f"{self.what} could not be fetched by Maven (no network?)") from None
        shutil.rmtree(half / "m2")
        found = digest_of(half / "lib")
        if found != self.jars_sha256:
            raise RuntimeError(f"the files of {self.name} are not the pinned ones: their SHA-256 is {found}")
        _run(half, "javac", "-d", "classes", "-cp", "lib/*", str(self.source))
        return half


def _run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=FETCH_S)


def digest_of(folder: Path) -> str:
    """One digest of all files of a folder: of their names and contents."""
    total = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        total.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
