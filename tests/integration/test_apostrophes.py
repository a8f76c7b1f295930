"""Texts are stored and shown as typed; each writing of an apostrophe finds the others."""

from itertools import product

import pytest
from flask import Flask
from sqlalchemy import select

from ged.register.models import Correspondent, Mail
from ged.unit import Services
from tests.routing_kit import register
from tests.site import make_site, sign_in

STRAIGHT, TYPOGRAPHIC = "Demande de l'inspecteur", "Rappel de l’inspecteur"
SENDERS = "Préfet de l'Ogou", "Préfet de l’Ogou"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Flask, Services]:
    app, services = make_site(tmp_path_factory.mktemp("apostrophes"))
    register(services, STRAIGHT, sender=SENDERS[0])
    register(services, TYPOGRAPHIC, sender=SENDERS[1])
    return app, services


def test_two_writings_are_one_correspondent(site: tuple[Flask, Services]) -> None:
    """Each letter bears the name as the directory has it, and its own subject."""
    with site[1].reading() as session:
        rows = session.execute(select(Mail.sender_name, Mail.subject).order_by(Mail.id)).all()
        names = session.scalars(select(Correspondent.name)).all()
    assert [tuple(row) for row in rows] == [(SENDERS[0], STRAIGHT), (SENDERS[0], TYPOGRAPHIC)]
    assert list(names) == [SENDERS[0]]


@pytest.mark.parametrize(("apostrophe", "place"), list(product("'’‘`´", [
    ("sg", "/a-imputer?q=l{}inspecteur"),
    ("agent", "/registres/1?nom=l{}ogou"),
    ("agent", "/registres/1?nom=L{}OGOU"),
])))  # fmt: skip
def test_each_writing_finds_both_letters_in_a_list(
    site: tuple[Flask, Services], apostrophe: str, place: tuple[str, str]
) -> None:
    account, address = place
    page = sign_in(site[0], account).get(address.format(apostrophe)).raw
    assert "Demande de l&#39;inspecteur" in page, "as typed"
    assert TYPOGRAPHIC in page, "as typed"


def test_another_sign_of_a_pattern_stays_itself(site: tuple[Flask, Services]) -> None:
    client = sign_in(site[0], "sg")
    for text in ("l_inspecteur", "l%25teur"):
        assert "inspecteur</" not in client.get(f"/a-imputer?q={text}").raw
