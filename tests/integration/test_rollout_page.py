"""The administrator's page of the roll-out: check, preview, import, undo. Each refusal is explained; nothing is half
done."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from ged.org.models import Unit
from ged.routing.load import fill_calendar
from ged.spreadsheet.marking import MEDIA_TYPE
from ged.spreadsheet.reading import read_apart
from ged.unit import Services
from ged.workbook import writing
from ged.workbook.state import organisation_now
from tests.factories import NOW, TODAY
from tests.site import make_site, post, sign_in

pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]


@pytest.fixture
def place(tmp_path: Path) -> tuple[FlaskClient, Services]:
    app, services = make_site(tmp_path)
    with services.unit_of_work(NOW) as uow:
        fill_calendar(uow)
    return sign_in(app, "admin"), services


def book(services: Services, *more: tuple[str, list[str]]) -> bytes:
    """A workbook of the present organisation with more lines."""
    with services.reading() as session:
        rows = read_apart(writing.filled(organisation_now(session, on=TODAY)))
    for title, cells in more:
        rows[title].append(cells)
    return writing.marked(rows, ())


def hand_in(client: FlaskClient, content: bytes, name: str = "classeur.xlsx") -> str:
    answer = post(client, "/administration/deploiement/", {"file": (BytesIO(content), name)})
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def units(services: Services) -> set[str]:
    with services.reading() as session:
        return set(session.scalars(select(Unit.code)))


def test_a_workbook_is_checked_imported_and_undone(place: tuple[FlaskClient, Services]) -> None:
    client, services = place
    before = units(services)
    shown = hand_in(client, book(services, ("Unités", ["DX", "Direction d'essai", "direction", "SG"])))
    page = client.get(shown).text
    assert re.search(r"[12] changements?\.", page)
    assert "DX" in page
    assert units(services) == before, "a check changes nothing"
    assert post(client, f"{shown}/importer", {}).status_code == 303
    assert units(services) == before | {"DX"}
    assert client.get(shown).status_code == 404, "it is not imported twice"
    assert post(client, f"{shown}/importer", {}).status_code == 404
    listed = client.get("/administration/deploiement/").text
    assert f"{shown}/reprendre" in listed
    assert post(client, f"{shown}/reprendre", {}).status_code == 303
    assert units(services) == before


def test_a_register_with_two_codes_shows_its_next_numbers_before_it_is_opened(
    place: tuple[FlaskClient, Services],
) -> None:
    client, services = place
    line = ["NS-DGE", "Notes de la direction", "DGE", "interne", "notes de service", "{seq:04d}/{year}/{entity}/{unit}"]
    page = client.get(hand_in(client, book(services, ("Registres", line)))).text
    assert "Prochains numéros" in page
    assert re.search(r"0001/20\d\d/MIN/DGE", page)
    assert "Prochains numéros" not in client.get(hand_in(client, book(services, ("Mentions", ["m1", "Mention"])))).text


def test_a_change_shows_the_value_before_and_the_value_after(place: tuple[FlaskClient, Services]) -> None:
    """« adresse » alone lets nobody see that the address of another service was pasted."""
    client, services = place
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Unit).where(Unit.code == "DGE").values(address="BP 335, Lomé"))
    with services.reading() as session:
        rows = read_apart(writing.filled(organisation_now(session, on=TODAY)))
    line = next(row for row in rows["Unités"] if row[0] == "DGE")
    line[rows["Unités"][0].index("Adresse imprimée")], line[3] = "BP <12>, Atakpamé", "DAF"
    page = client.get(hand_in(client, writing.marked(rows, ()))).text
    assert "Adresse imprimée : BP 335, Lomé → BP &lt;12&gt;, Atakpamé" in page
    assert re.search(r"Rattachement : [^<]*\(MIN\) → [^<]*\(DAF\)", page)


def test_the_changes_are_counted_by_list_beyond_those_that_are_shown(place: tuple[FlaskClient, Services]) -> None:
    """Who typed 120 services and three mentions sees that all of them were read."""
    client, services = place
    more = [("Unités", [f"S{n}", f"Service {n}", "service", "SG"]) for n in range(120)]
    more += [("Mentions", [f"m{n}", f"Mention {n}"]) for n in range(3)]
    page = client.get(hand_in(client, book(services, *more))).text
    rows = re.findall(r"<tr>(.*?)</tr>", page.split("En tout, par liste")[1].split("Changements")[0], re.DOTALL)
    told = [re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", row)).split() for row in rows]
    assert ["Unités", "120", "0", "0"] in told, told
    assert ["Mentions", "3", "0", "0"] in told
    assert "Les 100 premiers sont ici" in page


def test_wrong_cells_are_listed_and_the_workbook_comes_back_with_them(place: tuple[FlaskClient, Services]) -> None:
    client, services = place
    shown = hand_in(client, book(services, ("Unités", ["DX", "<b>x</b>", "machin", "NULLE-PART"])))
    page = client.get(shown).text
    assert "2 cellules à corriger" in page
    assert "NULLE-PART" in page
    assert "<b>x</b>" not in page
    marked = client.get(f"{shown}/corrige.xlsx")
    assert marked.mimetype == MEDIA_TYPE
    assert read_apart(marked.data)["Unités"][-1][2:4] == ["machin", "NULLE-PART"]
    assert post(client, f"{shown}/importer", {}).location == shown
    assert "DX" not in units(services)


def test_what_is_no_workbook_is_refused_in_words(place: tuple[FlaskClient, Services]) -> None:
    client, _services = place
    answer = post(client, "/administration/deploiement/", {"file": (BytesIO(b"bonjour"), "liste.xlsx")})
    assert answer.status_code == 422
    assert "Partez du modèle" in answer.text
    assert post(client, "/administration/deploiement/", {}).status_code == 422


def test_the_template_and_what_exists_are_handed_out(place: tuple[FlaskClient, Services]) -> None:
    client, services = place
    assert "Circuits" in read_apart(client.get("/administration/deploiement/modele.xlsx").data)
    existing = read_apart(client.get("/administration/deploiement/existant.xlsx").data)
    assert {row[0] for title in ("Entités", "Unités") for row in existing[title][1:]} == units(services)


@pytest.mark.parametrize("account", ["agent", "sg", "dge"])
def test_only_an_administrator_comes_here(tmp_path: Path, account: str) -> None:
    app, _services = make_site(tmp_path)
    client = sign_in(app, account)
    for path in ("", "modele.xlsx", "existant.xlsx", "1", "1/corrige.xlsx"):
        assert client.get(f"/administration/deploiement/{path}").status_code in {403, 404}
