"""Registers in the administration's pages: opened with their numbers beforehand, changed, closed; refusals at their fields."""

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from ged.register.models import Direction, Register, RegisterNature
from ged.unit import Services
from tests.administration_site_kit import confirm, place, send, statements_of
from tests.factories import NOW
from tests.site import make_site, post, sign_in

__all__ = ["place"]  # a fixture

pytestmark = [pytest.mark.slow, pytest.mark.in_turns(3)]
ROOT = "/administration/registres"
NEW: dict[str, object] = {
    "code": "NS", "name": "Notes d'ici", "unit": "BO", "nature": "note_service", "direction": "internal",
    "pattern": "NS-{seq:04d}/{year}", "restarts_yearly": "on", "paper_number": "812", "paper_reason": "Tome 3",
}  # fmt: skip


def book_id(services: Services, code: str) -> int:
    with services.reading() as session:
        return session.scalars(select(Register.id).where(Register.code == code)).one()


def test_a_register_is_opened_changed_closed_and_all_of_it_undone(place: tuple[Flask, Services]) -> None:
    app, services = place
    client = sign_in(app, "admin")
    opened = send(client, f"{ROOT}/creer", NEW)
    page = client.get(opened).text
    assert "NS-0813/" in page
    assert "NS-0815/" in page
    assert "Au 1er janvier prochain :" in page
    assert "Notes d&#39;ici" not in client.get(f"{ROOT}/").text, "nothing changes before it is confirmed"
    confirm(client, opened, reference="Décision n° 4")
    made = book_id(services, "NS")
    shown = client.get(f"{ROOT}/{made}").text
    assert "Tome 3, arrêté au n° 812" in shown
    assert "NS-0813/" in shown
    changed = send(client, f"{ROOT}/{made}/modifier", {"name": "Notes", "unit": "BO", "pattern": "{seq}/{year}/NS"})
    assert "813/" in client.get(changed).text
    confirm(client, changed)
    closed = send(client, f"{ROOT}/{made}/fermer", {})
    assert "est le dernier de sa nature" in client.get(closed).text
    confirm(client, closed)
    assert f"{ROOT}/{made}" not in client.get(f"{ROOT}/").text
    assert f"{ROOT}/{made}" in client.get(f"{ROOT}/?fermes=1").text
    assert "Rouvrir" in client.get(f"{ROOT}/{made}").text
    assert "Fermer un registre - NS" in client.get("/administration/actes/").text.replace("—", "-")
    for act in (closed, changed, opened):
        assert post(client, f"{act}/annuler", {}).status_code == 303
    assert "NS" not in _codes(services)


def _codes(services: Services) -> list[str]:
    with services.reading() as session:
        return list(session.scalars(select(Register.code)))


def test_what_was_typed_is_there_when_one_comes_back_to_correct_it(place: tuple[Flask, Services]) -> None:
    app, _services = place
    client = sign_in(app, "admin")
    opened = send(client, f"{ROOT}/creer", NEW)
    act = opened.rsplit("/", 1)[1]
    form = client.get(f"{ROOT}/creer?acte={act}").text
    assert 'value="812"' in form
    assert 'value="NS-{seq:04d}/{year}"' in form


WRONG = [
    ({"pattern": "{year}/NS"}, "n'est pas valable"),
    ({"pattern": "NS-{seq}"}, "ne dit pas l'année"),
    ({"direction": "incoming", "nature": "depart"}, "d'un autre sens"),
    ({"code": "ARR"}, "existe déjà"),
    ({"code": "N S"}, "sans espace"),
    ({"paper_reason": ""}, "n'est pas nommé"),
    ({"paper_number": "douze"}, "nombre entier"),
    ({"unit": "NULLE"}, "n'existe pas"),
    ({"name": ""}, "Une correction est nécessaire"),
]


@pytest.mark.parametrize(("more", "words"), WRONG, ids=[str(n) for n in range(len(WRONG))])
def test_a_wrong_form_is_told_and_keeps_what_was_typed(tmp_path: Path, more: dict[str, object], words: str) -> None:
    app, _services = make_site(tmp_path)
    client = sign_in(app, "admin")
    answer = post(client, f"{ROOT}/creer", NEW | more)
    assert answer.status_code in (404, 422)
    assert words in answer.text.replace("&#39;", "'")


def test_the_next_numbers_are_shown_while_the_pattern_is_typed(place: tuple[Flask, Services]) -> None:
    app, _services = place
    client = sign_in(app, "admin")
    query = {"pattern": "{seq:03d}/{year}/{unit}", "unit": "DGE", "restarts_yearly": "on", "paper_number": "9"}
    assert "010/" in client.get(f"{ROOT}/numeros", query_string=query).text
    both = query | {"pattern": "{seq:03d}/{entity}/{unit}"}
    assert "010/MIN/DGE" in client.get(f"{ROOT}/numeros", query_string=both).text
    assert "n'est pas valable" in client.get(f"{ROOT}/numeros", query_string=query | {"pattern": "{year}"}).text
    assert "numéros" not in client.get(f"{ROOT}/numeros", query_string=query | {"unit": ""}).text
    assert client.get(f"{ROOT}/numeros").status_code == 200


def test_only_an_administrator_enters(place: tuple[Flask, Services]) -> None:
    app, services = place
    one = book_id(services, "ARR")
    read = [
        f"{ROOT}/",
        f"{ROOT}/creer",
        f"{ROOT}/numeros",
        *(f"{ROOT}/{one}{act}" for act in ("", "/modifier", "/papier", "/fermer", "/rouvrir")),
    ]
    for account in ("agent", "sg", "dge"):
        client = sign_in(app, account)
        assert {client.get(path).status_code for path in read} == {403}, account
        assert {post(client, path, {}).status_code for path in (read[1], *read[4:])} == {403}, account
    client = sign_in(app, "admin")
    assert {client.get(path).status_code for path in read} == {200}
    assert client.get(f"{ROOT}/9999").status_code == 404


def test_many_registers_ask_few_statements(place: tuple[Flask, Services]) -> None:
    app, services = place
    count = statements_of(services, sign_in(app, "admin"))
    paths = [f"{ROOT}/", f"{ROOT}/{book_id(services, 'ARR')}", f"{ROOT}/creer"]
    before = [count(path) for path in paths]
    with services.unit_of_work(NOW) as uow:
        unit_id = uow.session.scalars(select(Register.unit_id)).first()
        assert unit_id is not None
        uow.session.add_all(
            Register(
                code=f"R{number}", name=f"Registre {number}", unit_id=unit_id, direction=Direction.INCOMING,
                nature=RegisterNature.ARRIVAL, pattern="{seq}/{year}/{register}",
            )
            for number in range(40)
        )  # fmt: skip
    assert [count(path) for path in paths] == before
