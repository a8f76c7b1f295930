"""A module below the database, or with the name of a pure rule, imports nothing that reaches a database."""

import tomllib
from functools import cache
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
RULES = {"states", "deadlines", "circuit", "placeholders", "titles", "merkle", "lookalike"}
"""Names of modules that decide from their arguments alone: states, days, circuits."""
ALSO = {"ged.paper.compare", "ged.register.numbering", "ged.richtext"}
SAY_SQL = {
    "ged.faults": "names the class of its errors, for types alone: nothing of it is loaded",
    "ged.held": "says the triggers of tables",
    "ged.paging": "says the clause of a page",
    "ged.under_way": "says the triggers that keep a column",
    "ged.standby": "makes the connections of the database's engine",
}
"""Modules below the database that write SQL, or serve it alone."""
DATABASE = {"sqlalchemy", "ged.db"}


@cache
def house() -> grimp.ImportGraph:
    return grimp.build_graph("ged", include_external_packages=True, cache_dir=None)


def below_the_database() -> list[str]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (floors,) = (one["layers"] for one in contracts if one["name"] == "inside ged")
    return [f"ged.{name.strip()}" for floor in floors[floors.index("db") + 1 :] for name in floor.split("|")]


def reached(module: str) -> set[str]:
    graph = house()
    inside = {module, *graph.find_descendants(module)}
    return DATABASE & set().union(*(graph.find_upstream_modules(one) for one in inside))


def test_nothing_below_the_database_reaches_it() -> None:
    floors = below_the_database()
    assert "ged.errors" in floors
    assert {module: found for module in floors if (found := reached(module))} == {
        module: {"sqlalchemy"} for module in SAY_SQL
    }


def test_pure_rules_reach_no_database() -> None:
    named = {module for module in house().modules if module.startswith("ged.") and module.split(".")[-1] in RULES}
    assert {module.split(".")[-1] for module in named} == RULES, "a name without a module"
    assert {module: found for module in named | ALSO if (found := reached(module))} == {}


@pytest.mark.parametrize("module", ["ged.register.operations", "ged.signbook"])
def test_a_module_that_reaches_it_is_found(module: str) -> None:
    assert reached(module) == DATABASE
