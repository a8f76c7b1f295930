"""The tree of units in the browser: read, changed by acts, refused in words, closed to everybody but administrators."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from ged.administration import planned, wanted
from ged.org.models import Post, Unit
from ged.unit import Services
from tests.administration_kit import organisation, propose
from tests.administration_site_kit import confirm, place, send, statements_of
from tests.factories import NOW
from tests.routing_kit import impute, register
from tests.site import make_site, post, sign_in

__all__ = ["place"]  # a fixture

pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]
ROOT = "/administration/organisation"


def unit_id(services: Services, code: str) -> int:
    with services.reading() as session:
        return session.scalars(select(Unit.id).where(Unit.code == code)).one()


def test_a_unit_is_created_renamed_moved_and_all_of_it_undone(place: tuple[Flask, Services]) -> None:
    app, services = place
    client = sign_in(app, "admin")
    sg = unit_id(services, "SG")
    shown = send(client, f"{ROOT}/{sg}/creer", {"code": "DRH", "name": "Ressources d'ici", "kind": "service"})
    assert "Ressources d&#39;ici (DRH)" in client.get(shown).text
    assert "Ressources d" not in client.get(f"{ROOT}/").text, "nothing changes before it is confirmed"
    page = confirm(client, shown, reference="Arrêté n° 12/2026")
    assert "Arrêté n° 12/2026" in page
    opens = re.search(r'<a href="(/administration/organisation/\d+)">Ouvrir : Ressources d&#39;ici</a>', page)
    assert opens, "what was made is one click away"
    assert client.get(opens.group(1)).status_code == 200
    made = unit_id(services, "DRH")
    renamed = send(client, f"{ROOT}/{made}/modifier", {"name": "Personnel", "kind": "service"})
    confirm(client, renamed)
    moved = send(client, f"{ROOT}/{made}/deplacer", {"parent": "DAF"})
    assert "Direction des affaires financières (DAF)" in client.get(moved).text
    confirm(client, moved)
    unit_page = client.get(f"{ROOT}/{made}").text
    assert "Ministère › Direction des affaires financières" in unit_page
    assert unit_page.count("Modifier un service") == 1
    refused = post(client, f"{shown}/annuler", {})
    assert refused.status_code == 422
    assert "DRH (services) : changé depuis" in refused.text
    for act in (moved, renamed, shown):
        assert post(client, f"{act}/annuler", {}).status_code == 303
    assert "Ressources d" not in client.get(f"{ROOT}/").text


def test_a_planned_act_is_listed_and_withdrawn(place: tuple[Flask, Services]) -> None:
    app, services = place
    client = sign_in(app, "admin")
    shown = send(client, f"{ROOT}/{unit_id(services, 'DGE')}/reunir", {"successor": "DAF"})
    found = re.search(r'name="shown" value="(\w+)"', client.get(shown).text)
    assert found
    far = {"shown": found.group(1), "on": "01/03/2099"}
    assert "La date doit être postérieure à aujourd'hui" in post(client, f"{shown}/confirmer", far, page=shown).text
    wrong = {"shown": found.group(1), "on": "31/02/2027"}
    assert post(client, f"{shown}/confirmer", wrong).status_code == 422
    day = (datetime.now(UTC) + timedelta(days=20)).strftime("%d/%m/%Y")
    confirm(client, shown, on=day)
    assert not next(one for one in organisation(services).units if one.code == "DGE").closed
    assert day in client.get("/administration/actes/?voir=prevus").text
    assert "1 modification est prévue pour un autre jour" in client.get(f"{ROOT}/").text
    assert post(client, f"{shown}/retirer", {}).status_code == 303
    assert "1 acte est prévu" not in client.get(f"{ROOT}/").text


def test_a_planned_closing_whose_successor_was_closed_tells_its_reason_once(place: tuple[Flask, Services]) -> None:
    app, services = place
    client = sign_in(app, "admin")
    closing = {"successor": "DAF", "posts": "moved"}
    shown = send(client, f"{ROOT}/{unit_id(services, 'ETU')}/fermer", closing)
    today = datetime.now(UTC)
    confirm(client, shown, on=(today + timedelta(days=2)).strftime("%d/%m/%Y"))
    other = send(client, f"{ROOT}/{unit_id(services, 'DAF')}/fermer", {"successor": "SG", "posts": "vacant"})
    assert "1 autre modification prévue concerne un service qui ferme" in client.get(other).text, (
        "told before, not after"
    )
    confirm(client, other)
    planned.run(services, now=today + timedelta(days=3))
    page = client.get(shown).text
    assert "Refusée ce jour-là : rien n'a changé" in page.replace("&#39;", "'")
    assert page.count("est fermé. Choisissez un service ouvert.") == 1, "not once for each post"
    assert "elle avait été prévue par" in page, "who planned it did not refuse it"


def test_a_move_counts_all_units_below_and_their_letters(place: tuple[Flask, Services]) -> None:
    app, services = place
    impute(services, register(services).mail_id, "ETU")
    client = sign_in(app, "admin")
    shown = send(client, f"{ROOT}/{unit_id(services, 'DGE')}/deplacer", {"parent": "DAF"})
    page = client.get(shown).text
    assert "2 services changent de place" in page, "the direction and the service below it"
    assert "1 courrier en cours reste au service" in page
    assert "Les courriers secrets, et ceux du titulaire seul, ne sont pas comptés." in page
    assert "Ouvrir :" not in page, "nothing is made yet"
    done = confirm(client, shown)
    assert "Ouvrir : Direction générale de l&#39;énergie" in done
    assert "hors secrets et personnels" in client.get(f"{ROOT}/{unit_id(services, 'DGE')}").text
    post(client, f"{shown}/annuler", {})
    assert "Ouvrir :" not in client.get(shown).text


WRONG = [
    ("DGE", "deplacer", {"parent": "ETU"}, "sous lui-même"),
    ("DGE", "deplacer", {"parent": ""}, "Une correction est nécessaire"),
    ("DGE", "deplacer", {"parent": "<b>"}, "n'existe pas"),
    ("DGE", "creer", {"code": "daf", "name": "X", "kind": "service"}, "existe déjà"),
    ("DGE", "creer", {"code": "É L", "name": "X", "kind": "service"}, "sans espace"),
    ("DGE", "creer", {"code": "X" * 33, "name": "X", "kind": "service"}, "Une correction est nécessaire"),
    ("DGE", "creer", {"code": "—", "name": "X", "kind": "service"}, "obligatoire"),
    ("DGE", "creer", {"code": "exemple : x", "name": "X", "kind": "service"}, "Aucune modification demandée"),
    ("DGE", "creer", {"code": "XX", "name": "", "kind": "service"}, "Une correction est nécessaire"),
    ("DGE", "creer", {"code": "XX", "name": "X", "kind": "royaume"}, "n'est pas de la liste"),
    ("DGE", "modifier", {"name": "é" * 201, "kind": "service"}, "Une correction est nécessaire"),
    ("DGE", "modifier", {"name": "Direction générale de l'énergie", "kind": "service"}, "Aucune modification demandée"),
    ("MIN", "fermer", {"successor": "SG", "posts": "vacant"}, "est au sommet"),
    ("DGE", "fermer", {"successor": "DGE", "posts": "vacant"}, "lui-même"),
    ("DGE", "fermer", {"successor": "", "posts": "vacant"}, "Une correction est nécessaire"),
]


@pytest.mark.in_shares(3)
@pytest.mark.parametrize(("code", "act", "data", "words"), WRONG, ids=[f"{w[1]}-{n}" for n, w in enumerate(WRONG)])
def test_a_wrong_form_is_told_and_keeps_what_was_typed(
    tmp_path: Path, code: str, act: str, data: dict[str, object], words: str
) -> None:
    app, services = make_site(tmp_path)
    client = sign_in(app, "admin")
    answer = post(client, f"{ROOT}/{unit_id(services, code)}/{act}", data)
    assert answer.status_code == 422
    assert words in answer.text.replace("&#39;", "'")
    if data.get("name"):
        assert str(data["name"]) in answer.text.replace("&#39;", "'")


def test_a_unit_with_open_letters_is_closed_into_its_successor_without_telling_of_them(
    place: tuple[Flask, Services],
) -> None:
    app, services = place
    impute(services, register(services, "Objet très secret").mail_id, "DGE")
    client = sign_in(app, "admin")
    shown = send(client, f"{ROOT}/{unit_id(services, 'DGE')}/fermer", {"successor": "DAF", "posts": "vacant"})
    page = client.get(shown).text
    assert "1 courrier en cours passe au successeur" in page
    assert "1 poste devient vacant" in page
    confirm(client, shown)
    closed = client.get(f"{ROOT}/{unit_id(services, 'DGE')}").text
    assert "fermé le" in closed
    assert "Successeur : " in closed
    for seen in (page, closed, client.get("/administration/actes/").text):
        assert "Objet très secret" not in seen
    assert post(client, f"{shown}/annuler", {}).status_code == 303


def test_only_an_administrator_enters(place: tuple[Flask, Services]) -> None:
    app, services = place
    act_id = propose(services, lambda now: wanted.moved_unit(now, "ETU", below="DAF"))
    unit = unit_id(services, "DGE")
    read = [
        f"{ROOT}/", f"{ROOT}/{unit}", *(f"{ROOT}/{unit}/{act}" for act in ("creer", "modifier", "deplacer", "reunir", "fermer")),
        "/administration/actes/", f"/administration/actes/{act_id}",
    ]  # fmt: skip
    write = [*read[2:7], *(f"/administration/actes/{act_id}/{act}" for act in ("confirmer", "retirer", "annuler"))]
    for account in ("agent", "sg", "secretaire", "dge", "etudes", "daf"):
        client = sign_in(app, account)
        assert {client.get(path).status_code for path in read} == {403}, account
        assert {post(client, path, {}).status_code for path in write} == {403}, account
    nobody = app.test_client()
    assert {nobody.get(path).status_code for path in read} <= {302, 303}
    client = sign_in(app, "admin")
    assert {client.get(path).status_code for path in read} == {200}


def test_a_unit_or_an_act_that_is_not_there(place: tuple[Flask, Services]) -> None:
    app, _services = place
    client = sign_in(app, "admin")
    for path in (f"{ROOT}/9999", f"{ROOT}/9999/fermer", "/administration/actes/9999"):
        assert client.get(path).status_code == 404
    for act in ("confirmer", "retirer", "annuler"):
        assert post(client, f"/administration/actes/9999/{act}", {}).status_code == 404


def test_a_large_tree_asks_few_statements(place: tuple[Flask, Services]) -> None:
    app, services = place
    client = sign_in(app, "admin")
    count = statements_of(services, client)
    dge = unit_id(services, "DGE")
    paths = [f"{ROOT}/", f"{ROOT}/?q=service", f"{ROOT}/{dge}", f"{ROOT}/{dge}/deplacer"]
    before = [count(path) for path in paths]
    with services.unit_of_work(NOW) as uow:
        for number in range(200):
            made = Unit(code=f"U{number}", name=f"Service {number}", kind="service", is_entity=False, parent_id=dge)
            uow.session.add(made)
            uow.session.flush()
            uow.session.add(Post(code=f"P{number}", title="Agent", unit_id=made.id))
    assert [count(path) for path in paths] == before
    assert "11 services trouvés" in client.get(f"{ROOT}/?q=service+u19").text
