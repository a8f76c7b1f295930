"""Prints of the mail office: the label of a number, the deposit receipt.

Data is read in a session; the PDF is typeset after it, so that nothing slow runs under a lock. French words of codes are
those of ``ged.register.words`` and ``ged.org.words``: ``ged`` prints paper without the site's catalogue.
"""

from sqlalchemy.orm import Session

from ged import access
from ged.codes import CodeKind, make_code
from ged.days import hour, long_day, place_of
from ged.errors import Invalid, NotFound
from ged.letterhead import letterhead
from ged.org.models import Person, Post
from ged.org.words import LEVELS
from ged.ports import Confidentiality
from ged.register.models import Mail, MailNumber
from ged.register.registers import number_of
from ged.register.words import CHANNELS
from ged.sheets import Sheet, slug, when
from ged.typeset import qr_svg
from ged.unit import Actor, Role, Services

MAX_DEPOSITOR = 200


def label(session: Session, services: Services, number_id: int, actor: Actor) -> Sheet:
    """The label of a number, for its register's clerk and for people who may see the letter.

    Raises:
        NotFound: ``number.unknown``.
    """
    number = _printable(session, number_id, actor)
    head = letterhead(session, number.register.unit_id, country=services.country)
    day, clock = when(number.registered_at, services.zone)
    mail = session.get(Mail, number.mail_id) if number.mail_id is not None else None
    received = mail.received_on if mail is not None else None
    code = make_code(CodeKind.LABEL, number.id, key=services.code_key)
    data = {
        "number": number.text,
        "register": number.register.name,
        "received": f"{received:%d/%m/%Y}" if received is not None else "",
        "day": day,
        "clock": clock,
        "entity": head.entity,
        "qr": qr_svg(code),
    }
    return Sheet("label.typ", data, number.registered_at, f"etiquette-{slug(number.text)}.pdf")


def receipt(session: Session, services: Services, number_id: int, actor: Actor, *, depositor: str = "") -> Sheet:
    """The deposit receipt of a letter; a restricted or secret letter's subject is not on it.

    Args:
        depositor: who brought the letter; the sender when empty.

    Raises:
        NotFound: ``number.unknown``.
        Invalid: ``receipt.no_letter``, ``number.voided``, ``form.too_long``.
    """
    if len(depositor) > MAX_DEPOSITOR:
        raise Invalid("form.too_long", "shorten it", field="depositor", maximum=MAX_DEPOSITOR)
    number = _printable(session, number_id, actor)
    if number.mail_id is None:
        raise Invalid("receipt.no_letter", "a receipt is printed for a letter", id=number_id)
    if number.voided_at is not None:
        raise Invalid("number.voided", "the number is void", number=number.text)
    mail = session.get_one(Mail, number.mail_id)
    clerk = session.get(Person, number.person_id) if number.person_id is not None else None
    addressed = session.get(Post, mail.addressed_post_id) if mail.addressed_post_id is not None else None
    at = number.registered_at.astimezone(services.zone)
    data = {
        "head": letterhead(session, number.register.unit_id, country=services.country).data(),
        "number": number.text,
        "recorded": f"{long_day(at.date())} à {hour(at)}",
        "received": long_day(mail.received_on) if mail.received_on is not None else "",
        "made": f"{place_of(services.zone)}, le {long_day(at.date())}",
        "depositor": " ".join(depositor.split()) or mail.sender_name,
        "sender": mail.sender_name,
        "addressee": mail.addressee or (addressed.title if addressed is not None else "—"),
        "channel": CHANNELS[mail.channel],
        "subject": mail.subject if mail.level == Confidentiality.ORDINARY else "",
        "level": LEVELS[Confidentiality(mail.level)].lower(),
        "their_reference": mail.their_reference,
        "enclosures": _enclosures(mail),
        "received_by": clerk.name if clerk is not None else "—",
    }
    return Sheet("receipt.typ", data, number.registered_at, f"recepisse-{slug(number.text)}.pdf")


def _printable(session: Session, number_id: int, actor: Actor) -> MailNumber:
    number = number_of(session, number_id)
    if number.mail_id is not None:
        mail = session.get_one(Mail, number.mail_id)
        if not access.may_see(session, mail.id, Confidentiality(mail.level), actor):
            raise NotFound("number.unknown", "check the number", id=number_id, refused=True)
        return number
    # An envelope's label shows only its number; only the register's clerk needs it.
    if not any(Role.CLERK in post.roles and post.unit_id == number.register.unit_id for post in actor.posts):
        raise NotFound("number.unknown", "check the number", id=number_id, refused=True)
    return number


def _enclosures(mail: Mail) -> str:
    if not mail.enclosure_count:
        return "aucune"
    return f"{mail.enclosure_count}" + (f" ({mail.enclosure_note})" if mail.enclosure_note else "")
