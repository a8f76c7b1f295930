"""Links between documents lead somewhere, and the glossary names what the code calls so."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        ROOT / "scanner_bridge" / "README.md",
        ROOT / "web/templates/README.md",
    ]
)
PACKAGES = ("ged", "sandbox", "ocr", "indexer", "signing", "web", "scanner_bridge", "demo")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text()
    links = [link for link in re.findall(r"\]\(([^)#:]+)\)", text) if "://" not in link]
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_glossary_names_what_the_code_calls_so() -> None:
    code = "\n".join(path.read_text() for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    words = set(re.findall(r"\w+", code))
    rows = [
        line.split("|")[2] for line in (ROOT / "docs/dev/glossary.md").read_text().splitlines() if line.startswith("| ")
    ]
    named = {part for row in rows for found in re.findall(r"`([\w.]+)`", row) for part in found.split(".")}
    assert len(named) > 40
    assert named - words == set()
