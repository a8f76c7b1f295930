"""The verdicts of EU DSS on the signatures of PDFs. DSS is fetched once by Maven and compared with a pinned hash.

TOTAL_PASSED does not mean "unchanged": DSS only warns of additions like those of shadow attacks. ``changed`` reports
changes that DSS does not name.
"""

import json
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


@dataclass(frozen=True)
class Verdict:
    """DSS's verdict on one signature: indication and sub-indication, level, and whether the bytes equal the signed
    bytes."""

    file: str
    field: str
    indication: str
    why: str
    level: str
    intact: bool
    changed: bool


def check(paths: Sequence[Path], roots: Sequence[Path], *, at: datetime) -> list[Verdict]:
    """Judge all signatures of all files. Skips the test, with the reason, when DSS is unavailable."""
    try:
        lines = JUDGE.ask(int(at.timestamp() * 1000), ",".join(map(str, roots)), *paths)
    except Unavailable as refusal:
        pytest.skip(str(refusal))
    return [Verdict(**json.loads(line)) for line in lines if line.startswith("{")]


def fetch() -> Path:
    """The folder with the compiled judge in the cache. Fetches and compiles it when it is missing."""
    return JUDGE.fetch()
