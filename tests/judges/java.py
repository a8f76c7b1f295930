"""Judges written in Java. Maven fetches their libraries once into .cache; the hash is compared; one class is compiled.

A judge is started once for all tests of a run (``Served.java``): a start costs seconds, most of them to load classes.
"""

import fcntl
import hashlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import Running, Unavailable, once

CACHE = Path(__file__).parents[2] / ".cache" / "judges"
SERVED = Path(__file__).parent / "Served.java"
FETCH_S, START_S, CHECK_S = 600, 60, 300
FOR_MINUTES = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""A program of minutes does not regain what the second compiler and a collector with threads of its own cost."""
UNVERIFIED = ("-XX:+UnlockDiagnosticVMOptions", "-XX:-BytecodeVerificationRemote")
"""The hash of the libraries was compared: to verify each class again takes a part of a start."""


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
        with _alone(cache):
            if not home.exists():
                for old in cache.glob("*-half"):
                    shutil.rmtree(old)
                self._make(cache / f"{key}-half").rename(home)
        return home

    def ask(self, *words: object) -> list[str]:
        """The lines that the judge prints for these words of its command line. The run's first call starts it.

        Raises:
            Unavailable: as ``fetch``.
            RuntimeError: it does not start, or it failed; the message is its own.
        """
        address = ("127.0.0.1", int(once(f"judge-{self.name}", self._start).url))
        with socket.create_connection(address, timeout=CHECK_S) as link:
            link.sendall("\n".join(map(str, words)).encode())
            link.shutdown(socket.SHUT_WR)
            with link.makefile(encoding="utf-8") as answer:
                lines = answer.read().splitlines()
        failures = [line for line in lines if line.startswith("!")]
        if failures:
            raise RuntimeError(f"{self.what} failed: {failures[0]}")
        return lines

    def _start(self, folder: Path) -> Running:
        home, told = self.fetch(), folder / "port"
        command = ["java", *FOR_MINUTES, *UNVERIFIED, "-cp", f"{_served()}:{home}/classes:{home}/lib/*"]
        with (folder / "out").open("w") as output:
            process = subprocess.Popen(
                [*command, "Served", self.source.stem, str(told)], stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + START_S
        while not told.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                process.wait()
                raise RuntimeError(f"{self.what} does not start: {(folder / 'out').read_text()[-600:].strip()}")
            time.sleep(0.02)
        process.returncode = 0  # It outlives this worker; the controlling process of the run stops it by its id.
        return Running(told.read_text(), process.pid)

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


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """No other process of this machine makes what is in this folder of the cache."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _served() -> Path:
    """The folder with the compiled ``Served``."""
    cache = CACHE / "served"
    classes = cache / hashlib.sha256(SERVED.read_bytes()).hexdigest()[:16]
    with _alone(cache):
        if not classes.exists():
            if shutil.which("javac") is None:
                raise Unavailable("a judge that is written in Java needs a JDK")
            half = cache / "half"
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir()
            _run(half, "javac", "-d", ".", str(SERVED))
            half.rename(classes)
    return classes


def _run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=FETCH_S)


def digest_of(folder: Path) -> str:
    """One digest of all files of a folder: of their names and contents."""
    total = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        total.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
