"""The address of a unit stands at the foot of what it prints: its own, or that of its entity, and of no other entity."""

import io

import pdfplumber
import pytest
from sqlalchemy import select

from ged.administration import wanted
from ged.administration.lines import values_of
from ged.letterhead import letterhead
from ged.org.file import OrganisationFile, UnitRecord
from ged.org.load import load_organisation
from ged.org.models import Unit
from ged.register import prints
from ged.typeset import TEMPLATES, typeset
from tests.administration_kit import do
from tests.factories import NOW, add_entity
from tests.routing_kit import register
from tests.signbook_kit import House, house, pdf_of
from tests.word_kit import text_of

__all__ = ["house"]

pytestmark = pytest.mark.in_turns(3)
OURS = "Avenue de la Libération, BP 335, Lomé – Tél. 22 21 31 47"
DIRECTIONS = "BP 12, Atakpamé"
MARGIN_PT = 9
"""At the edge no printer of an office prints."""


def give(house: House, code: str, address: str) -> None:
    do(house.services, lambda now: wanted.changed_unit(now, code, name=code, kind="service", address=address))


def address_of(house: House, code: str) -> str:
    with house.services.reading() as session:
        unit_id = session.scalars(select(Unit.id).where(Unit.code == code)).one()
        return letterhead(session, unit_id, country="TG").address


def test_a_service_has_the_address_of_its_entity_until_it_has_its_own(house: House) -> None:
    with house.services.unit_of_work(NOW) as uow:
        below = uow.session.scalars(select(Unit.id).where(Unit.code == "MIN")).one()
        add_entity(uow.session, parent_id=below)
    assert address_of(house, "ETU") == ""
    give(house, "MIN", OURS)
    assert address_of(house, "ETU") == OURS
    assert address_of(house, "CEET") == "", "another entity has another house"
    give(house, "DGE", DIRECTIONS)
    assert (address_of(house, "ETU"), address_of(house, "DAF")) == (DIRECTIONS, OURS)
    give(house, "DGE", "")
    assert address_of(house, "ETU") == OURS


def test_letters_and_receipts_bear_it(house: House) -> None:
    give(house, "MIN", OURS)
    arrived = register(house.services)
    with house.services.reading() as session:
        sheet = prints.receipt(session, house.services, arrived.number_id, house.who("agent"))
    assert OURS in text_of(typeset(TEMPLATES / sheet.template, sheet.data, at=sheet.at))
    _row, shown, signed = house.signed(house.answer())
    assert OURS in text_of(shown)
    assert OURS in text_of(signed)


@pytest.mark.parametrize(
    "address",
    ["W" * 200, "WWWW " * 40, "Avenue de la Libération, BP 335, Lomé – " * 5],
    ids=["one word", "wide", "long"],
)
def test_the_longest_address_stays_on_the_paper(house: House, address: str) -> None:
    give(house, "MIN", address.strip()[:200])
    arrived = register(house.services)
    with house.services.reading() as session:
        sheet = prints.receipt(session, house.services, arrived.number_id, house.who("agent"))
    _row, _shown, signed = house.signed(house.answer())
    for pdf in (typeset(TEMPLATES / sheet.template, sheet.data, at=sheet.at), signed):
        with pdfplumber.open(io.BytesIO(pdf)) as document:
            for page in document.pages:
                assert max(sign["x1"] for sign in page.chars) < page.width - MARGIN_PT
                assert max(sign["bottom"] for sign in page.chars) < page.height - MARGIN_PT


def test_a_letter_is_signed_as_it_was_read(house: House) -> None:
    mail_id = house.ready()
    give(house, "MIN", OURS)
    (result,) = house.sign(mail_id, key=house.key("sg"))
    assert result.failure is None
    assert OURS not in text_of(pdf_of(house, house.show(mail_id, "sg").signed_id))


def test_a_file_of_the_organisation_without_addresses_takes_none_away(house: House) -> None:
    give(house, "MIN", OURS)
    for address, left in (None, OURS), ("", ""):
        with house.services.unit_of_work(NOW) as uow:
            record = UnitRecord(code="MIN", name="Ministère", entity=True, address=address)
            load_organisation(uow, OrganisationFile(organisation="", units=(record,)), on=NOW.date())
        assert address_of(house, "ETU") == left


def test_an_act_that_was_proposed_before_an_update_fills_its_form() -> None:
    """Its line lacks the columns that the update added."""
    titles, cells = ["Sigle", "Nom"], ["DGE", "Énergie"]
    assert values_of({"Unités": [titles, cells]}) == {"entity": False, "code": "DGE", "name": "Énergie"}
