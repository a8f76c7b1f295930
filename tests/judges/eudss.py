"""The verdicts of EU DSS on the signatures of PDFs (fetched once by Maven, hash-checked).

TOTAL_PASSED does not mean "unchanged": for DSS, the additions of shadow attacks are only warnings. ``changed`` reports
changes that DSS cannot name.
"""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from tests.judges import java
from tests.servers import Unavailable

HERE = Path(__file__).parent
JUDGE = java.Judge(
    "eudss",
    "EU DSS, which judges signatures,",
    HERE / "EuDss.java",
    HERE / "eudss.pom.xml",
    "cee70bb4f4d1e29bc45bd9f67cebed7b5c3f92ad5087e8e81860d79f4a587f8b",
)
CHECK_S = 300


@dataclass(frozen=True)
class Verdict:
    """One signature: DSS's indication and sub-indication, the level, whether the bytes equal the signed bytes."""

    file: str
    field: str
    indication: str
    why: str
    level: str
    intact: bool
    changed: bool


def check(paths: Sequence[Path], roots: Sequence[Path], *, at: datetime) -> list[Verdict]:
    """Judge all signatures of files in one start; skips the test with the reason where the judge cannot be had."""
    try:
        home = fetch()
    except Unavailable as refusal:
        pytest.skip(str(refusal))
    command = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{home}/classes:{home}/lib/*"]
    command += ["EuDss", str(int(at.timestamp() * 1000)), ",".join(map(str, roots)), *map(str, paths)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=CHECK_S)
    return [Verdict(**json.loads(line)) for line in done.stdout.splitlines() if line.startswith("{")]


def fetch() -> Path:
    """The judge's folder in the cache; fetched and compiled when it is not there yet.

    Raises:
        Unavailable: no JDK, no Maven, or nothing could be fetched.
        RuntimeError: the fetched files do not match the pinned hash.
    """
    return JUDGE.fetch()
