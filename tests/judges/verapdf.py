"""Whether PDFs are the PDF/A that they claim to be, in the judgement of veraPDF (fetched once by Maven, hash-checked).

``python -m tests.judges.verapdf`` only fetches (a set-up step may do it); with file names it prints the verdicts.
"""

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import Unavailable

HERE = Path(__file__).parent
SOURCE, POM = HERE / "VeraPdf.java", HERE / "verapdf.pom.xml"
CACHE = HERE.parents[1] / ".cache" / "judges" / "verapdf"
JARS_SHA256 = "f6e1b7549eaec7f760bc7e965d123922100920e899a2a527cd31127bb554d82a"
FETCH_S, CHECK_S = 600, 300


@dataclass(frozen=True)
class Verdict:
    """What veraPDF says of one file.

    Attributes:
        flavour: as the file claims it, ``2u``; empty when it claims none or cannot be parsed.
        compliant: whether it keeps every rule of that flavour.
        assertions: how many were checked.
        failures: clause and words of each rule that is broken, once.
    """

    flavour: str
    compliant: bool
    assertions: int
    failures: tuple[str, ...]


def check(paths: Sequence[Path]) -> list[Verdict]:
    """Judge files, in one start of the program; skips the test with the reason where the judge cannot be had."""
    try:
        home = fetch()
    except Unavailable as refusal:
        pytest.skip(str(refusal))
    return judge(home, paths)


def judge(home: Path, paths: Sequence[Path]) -> list[Verdict]:
    """Judge files by the judge that ``fetch`` gave."""
    command = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{home}/classes:{home}/lib/*"]
    command += ["VeraPdf", *map(str, paths)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=CHECK_S)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    if len(said) != len(paths):
        raise RuntimeError(f"veraPDF judged {len(said)} of {len(paths)} files: {done.stderr[-500:]}")
    return [Verdict(v["flavour"], v["compliant"], v["assertions"], tuple(v["failures"])) for v in said]


def fetch() -> Path:
    """The judge's folder in the cache; fetched and compiled when it is not there yet.

    Raises:
        Unavailable: no JDK, no Maven, or nothing could be fetched.
        RuntimeError: what was fetched is not what was pinned.
    """
    name = hashlib.sha256(SOURCE.read_bytes() + POM.read_bytes()).hexdigest()[:16]
    home = CACHE / name
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            for old in CACHE.glob("*-half"):
                shutil.rmtree(old)
            _make(CACHE / f"{name}-half").rename(home)
    return home


def _make(half: Path) -> Path:
    for program, thing in (("javac", "a JDK"), ("mvn", "Maven")):
        if shutil.which(program) is None:
            raise Unavailable(f"veraPDF, which judges PDF/A, needs {thing}")
    half.mkdir()
    shutil.copy(POM, half / "pom.xml")
    goal = ["dependency:copy-dependencies", "-DoutputDirectory=lib", f"-Dmaven.repo.local={half / 'm2'}"]
    try:
        _run(half, "mvn", "-q", "-B", "-ntp", *goal)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        raise Unavailable("veraPDF, which judges PDF/A, could not be fetched by Maven (no network?)") from None
    shutil.rmtree(half / "m2")
    found = digest_of(half / "lib")
    if found != JARS_SHA256:
        raise RuntimeError(f"the files of veraPDF are not the pinned ones: their SHA-256 is {found}")
    _run(half, "javac", "-d", "classes", "-cp", "lib/*", str(SOURCE))
    return half


def _run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=FETCH_S)


def digest_of(folder: Path) -> str:
    """One digest for all files of a folder, by name and content."""
    total = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        total.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


if __name__ == "__main__":
    for file, verdict in zip(sys.argv[1:], judge(fetch(), [Path(name) for name in sys.argv[1:]]), strict=True):
        print(file, verdict)
