"""Letters with a long history, for the tests of the letter's page."""

import dataclasses
from datetime import timedelta
from io import BytesIO
from pathlib import Path

from flask import Flask
from sqlalchemy import select

from ged.dispatch import operations as dispatch
from ged.dispatch.models import DispatchLine
from ged.dispatch.operations import Departure
from ged.envelopes import operations as envelopes
from ged.ports import Confidentiality, Digest, MailId, RegisterId, UnitId
from ged.register import rectify_entry
from ged.register.models import AttachmentKind, Channel, Register
from ged.register.operations import SourcePage, attach, link
from ged.routing import operations as routing
from ged.routing.models import Assignment, Purpose
from ged.signbook.models import LetterTemplate
from ged.slips.drafting import LineForm
from ged.slips.states import LineState
from tests import slip_kit
from tests.factories import NOW, TODAY, make_services
from tests.routing_kit import make_mentions, register, unit_id
from tests.signbook_kit import COPY, TEMPLATE, CountingSigner, House
from tests.site import make_site

LATER = NOW + timedelta(minutes=5)


def make_place(folder: Path) -> tuple[Flask, House]:
    """A site, and the ministry of the signature book that it serves."""
    signer = CountingSigner()
    app, services = make_site(folder, services=dataclasses.replace(make_services(folder), signer=signer))
    with services.unit_of_work(NOW) as uow:
        uow.session.add(
            LetterTemplate(code=TEMPLATE.code, title=TEMPLATE.title, subject=TEMPLATE.subject, body=TEMPLATE.body)
        )
    make_mentions(services)
    return app, House(services, signer)


def opened_envelope(house: House) -> MailId:
    """A letter that arrived in a sealed envelope and was opened by the authority."""
    with house.services.unit_of_work(NOW) as uow:
        register_id = RegisterId(uow.session.scalars(select(Register.id).where(Register.code == "PLI")).one())
        outside = envelopes.EnvelopeForm(
            NOW - timedelta(minutes=7), house.post("SG-T"), "Cour des comptes", "", "confidentiel", 1
        )
        done = envelopes.register_envelope(uow, register_id, outside, actor=house.who("agent"), now=NOW)
    with house.services.unit_of_work(NOW) as uow:
        return envelopes.open_envelope(
            uow, done.envelope_id, subject="Rapport définitif", level=Confidentiality.ORDINARY, version=None,
            actor=house.who("sg"), now=NOW,
        )  # fmt: skip


def document(house: House, mail_id: MailId, text: str, kind: AttachmentKind = AttachmentKind.ANNEX) -> None:
    """Add an attachment of two pages. Its file is named ``text`` with the ending .png."""
    stored = house.services.blobs.put(BytesIO(text.encode()))
    pages = [SourcePage(Digest(stored.digest), "image/png", n) for n in range(2)]
    with house.services.unit_of_work(NOW) as uow:
        attach(
            uow, mail_id, kind=kind, pages=pages, media_type="image/png", actor=house.who("agent"), now=NOW,
            filename=f"{text}.png",
        )  # fmt: skip


def linked(house: House, mail_id: MailId, name: str) -> None:
    """Link the letter to a new letter of another correspondent."""
    other = register(house.services, f"Courrier voisin {name}", sender=f"Correspondant {name}")
    with house.services.unit_of_work(NOW) as uow:
        link(uow, mail_id, other.mail_id, kind="related", actor=house.who("sg"))


def rectified(house: House, mail_id: MailId, name: str) -> None:
    """Change the subject as the authority may."""
    with house.services.unit_of_work(NOW) as uow:
        rectify_entry.rectify(
            uow, mail_id, {"subject": f"Objet {name}"}, reason="erreur", version=None, actor=house.who("sg"), now=NOW
        )


def sent_on(house: House, mail_id: MailId) -> None:
    """Send the paper to the direction on a slip, which the direction receives, and then back to the mail office."""
    for sender, receiver, unit in (("agent", "dge", "DGE"), ("dge", "agent", "BO")):
        made = slip_kit.send(house.services, LineForm(mail_id=mail_id), sender=sender, to=(unit,), now=LATER)
        assert made.slip_id is not None
        slip_kit.take(house.services, made.slip_id, LineState.RECEIVED, receiver=receiver, now=LATER)


def given_on(house: House, mail_id: MailId) -> None:
    """The direction passes the letter on to its service."""
    with house.services.unit_of_work(NOW) as uow:
        above = uow.session.scalars(
            select(Assignment.id).where(Assignment.mail_id == mail_id, Assignment.parent_id.is_(None))
        ).first()
        row = routing.assign(
            uow, mail_id, from_assignment_id=above or 0, to_unit_id=UnitId(unit_id(house.services, "ETU")),
            to_post_id=None, purpose=Purpose.OPINION, instruction="Pour avis", due_on=TODAY + timedelta(days=9),
            actor=house.who("dge"), now=NOW,
        )  # fmt: skip
    with house.services.unit_of_work(NOW) as uow:
        routing.finish(uow, mail_id, row, outcome="Fait", actor=house.who("etudes"), now=NOW)


def signed_answer(house: House, copies: int = 1) -> tuple[MailId, MailId]:
    """An incoming letter and its signed answer, of which one line was dispatched. Returns both ids."""
    key = house.key("sg")
    answer = house.ready(copies=tuple(dataclasses.replace(COPY, name=f"Direction {n}") for n in range(copies)))
    (signed,) = house.sign(answer, key=key)
    assert signed.failure is None
    with house.services.unit_of_work(NOW) as uow:
        line = uow.session.scalars(select(DispatchLine.id).where(DispatchLine.mail_id == answer)).first()
        departure = Departure(Channel.COURIER, "C-12", "Mawuli Dzidzo")
        dispatch.leave(uow, line or 0, departure, version=None, actor=house.who("agent"))
    incoming = house.show(answer, "dge").answers_id
    assert incoming is not None
    return incoming, answer
