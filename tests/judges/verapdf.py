"""Asks veraPDF whether files are the PDF/A that they claim to be. It is fetched once by Maven and compared with a hash.

``python -m tests.judges.verapdf`` only fetches (a set-up step may do it). With file names it prints the verdicts.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.judges import java
from tests.servers import Unavailable

HERE = Path(__file__).parent
JUDGE = java.Judge(
    "verapdf",
    "veraPDF, which judges PDF/A,",
    HERE / "VeraPdf.java",
    HERE / "verapdf.pom.xml",
    "f6e1b7549eaec7f760bc7e965d123922100920e899a2a527cd31127bb554d82a",
)
CHECK_S = java.CHECK_S


@dataclass(frozen=True)
class Verdict:
    """veraPDF's verdict on one file.

    Attributes:
        flavour: the one that the file claims, such as ``2u``; empty when it claims none or cannot be parsed.
        compliant: whether the file keeps every rule of that flavour.
        assertions: number of checks.
        failures: clause and text of each broken rule, each once.
    """

    flavour: str
    compliant: bool
    assertions: int
    failures: tuple[str, ...]


def check(paths: Sequence[Path]) -> list[Verdict]:
    """Judge files. Skips the test, with the reason, when veraPDF is unavailable."""
    try:
        lines = JUDGE.ask(*paths)
    except Unavailable as refusal:
        pytest.skip(str(refusal))
    return _read(lines, paths)


def judge(home: Path, paths: Sequence[Path]) -> list[Verdict]:
    """Judge files in a start of its own, with the program in ``home``, a folder that ``fetch`` returned."""
    command = ["java", *java.FOR_MINUTES, "-cp", f"{home}/classes:{home}/lib/*", "VeraPdf", *map(str, paths)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=CHECK_S)
    return _read(done.stdout.splitlines(), paths)


def _read(lines: Sequence[str], paths: Sequence[Path]) -> list[Verdict]:
    said = [json.loads(line) for line in lines]
    if len(said) != len(paths):
        raise RuntimeError(f"veraPDF judged {len(said)} of {len(paths)} files")
    return [Verdict(v["flavour"], v["compliant"], v["assertions"], tuple(v["failures"])) for v in said]


def fetch() -> Path:
    """The judge's folder in the cache. Fetches it when it is missing.

    Raises:
        Unavailable: no JDK, no Maven, or nothing could be fetched.
        RuntimeError: the fetched files do not match the pinned hash.
    """
    return JUDGE.fetch()


if __name__ == "__main__":
    for file, verdict in zip(sys.argv[1:], judge(fetch(), [Path(name) for name in sys.argv[1:]]), strict=True):
        print(file, verdict)
