"""The identifiers that the glossary names exist in the code."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("ged", "sandbox", "ocr", "indexer", "signing", "web", "scanner_bridge", "demo")


def test_the_glossary_names_what_the_code_calls_so() -> None:
    code = "\n".join(path.read_text() for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    words = set(re.findall(r"\w+", code))
    rows = [
        line.split("|")[2] for line in (ROOT / "docs/dev/glossary.md").read_text().splitlines() if line.startswith("| ")
    ]
    named = {part for row in rows for found in re.findall(r"`([\w.]+)`", row) for part in found.split(".")}
    assert len(named) > 40
    assert named - words == set()
