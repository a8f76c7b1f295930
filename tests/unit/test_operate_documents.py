"""What a technician looks up stands in docs/operate."""

import re
from pathlib import Path

from web.wiring.checks import CHECKS

ROOT = Path(__file__).parents[2]


def page(name: str) -> str:
    return (ROOT / "docs" / "operate" / f"{name}.md").read_text(encoding="utf-8")


def test_each_check_has_its_row() -> None:
    told = {name for line in page("doctor").splitlines() for name in re.findall(r"`([\w.]+)`", line.split(" | ")[0])}
    assert [check.name for check in CHECKS if check.name not in told] == []


def test_each_fault_of_a_store_has_its_row() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "ged" / "adapters").glob("*s3*.py"))
    codes = set(re.findall(r'"(store\.\w+)"', sources))
    rows = [line.split(" | ")[0] for line in page("storage").splitlines() if line.startswith("| `")]
    assert codes
    assert codes - {code for row in rows for code in re.findall(r"`(store\.\w+)`", row)} == set()
