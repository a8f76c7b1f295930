"""The files, functions and mutants that the two tables of ``make mutate`` name exist."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLES = ROOT / "tests" / "mutation"


def test_every_area_names_sources_and_tests_that_are_there() -> None:
    areas = tomllib.loads((TABLES / "areas.toml").read_text())
    assert {"access", "states", "circuit", "deadlines", "numbering", "audit"} <= areas.keys()
    for name, area in areas.items():
        assert area.keys() == {"sources", "tests"}, name
        for path in [*area["sources"], *area["tests"]]:
            assert (ROOT / path).is_file(), path


def test_every_survivor_is_of_an_area_and_has_a_reason() -> None:
    areas = tomllib.loads((TABLES / "areas.toml").read_text())
    sources = {path for area in areas.values() for path in area["sources"]}
    for row in tomllib.loads((TABLES / "survivors.toml").read_text()).get("survivor", []):
        assert row.keys() == {"path", "where", "was", "becomes", "reason"}
        assert row["path"] in sources
        assert row["was"] != row["becomes"]
        assert row["reason"].strip()
        where = row["where"].rstrip(":").rpartition(".")[2]
        assert where == "(module)" or where in (ROOT / row["path"]).read_text()
