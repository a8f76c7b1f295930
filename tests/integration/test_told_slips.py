"""Slips are told to who may not open them as letters are: none and four alike."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from flask import Flask

from ged.figures import operations as figures
from tests.figure_letters_kit import count_all
from tests.figure_site import main, site, table_rows, uncounted
from tests.figure_slips_kit import many_slips
from tests.routing_kit import unit_id
from tests.signbook_kit import House, house_on_either
from tests.site import sign_in

__all__ = ["house_on_either", "site"]  # fixtures

SPAN = "du=2026-10-01&au=2026-11-30"
PANELS = ("slips", "slip-units", "slip-delays")


@pytest.mark.parametrize(
    ("account", "path", "cut"),
    [("auditeur", "supervision", ""), ("auditeur", "supervision", "&unite={}"), ("etudes", "tableau", "")],
)
def test_without_slips_and_with_four_everything_is_told_alike(
    site: tuple[Flask, House], account: str, path: str, cut: str
) -> None:
    app, house = site
    services, now = house.services, datetime(2026, 11, 30, 15, tzinfo=UTC)
    client, cut = sign_in(app, account), cut.format(unit_id(services, "ETU"))

    def shown() -> dict[str, str]:
        views = ("bordereaux", "decharge")
        found = {view: uncounted(main(client.get(f"/{path}/?{SPAN}{cut}&vue={view}").text)) for view in views}
        for panel in PANELS:
            table = client.get(f"/{path}/chiffres?{SPAN}{cut}&tableau={panel}")
            saved = client.get(f"/{path}/fichier?{SPAN}{cut}&tableau={panel}&format=csv")
            assert (table.status_code, saved.status_code) == (200, 200)
            found[panel] = uncounted(main(table.text)) + re.sub(r"Compté le;.*\r?\n", "", saved.text)
        return found

    def counted() -> dict[str, str]:
        count_all(services)
        figures.heal(services, now=now)
        return shown()

    def sent() -> int:
        """How many the head of both units is told."""
        return sum(int(row[1]) for row in table_rows(head, f"/tableau/fichier?{SPAN}&tableau=slips&format=csv")[1:])

    empty, head, seed = counted(), sign_in(app, "dge"), 0
    while sent() < 4:
        many_slips(services, 1, seed, units=("DGE", "ETU"))
        assert counted() == empty, seed
        seed += 1
    assert seed > 4, "and some that do not count"
    many_slips(services, 40, units=("DGE", "ETU"))
    assert counted() != empty
