"""Queries for the letter's page: frozen rows, under the access rule, in a bounded number of queries."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache

from sqlalchemy import Executable, ScalarSelect, bindparam, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased, lazyload
from sqlalchemy.orm.attributes import set_committed_value

from ged import access
from ged.counting import composed
from ged.db import Among, Id
from ged.errors import Forbidden, NotFound
from ged.org.models import Person, Post, Unit
from ged.org.tree import entity_of, in_ministry
from ged.ports import PROGRAMS, Confidentiality, MailId
from ged.register import levels, rectify_entry
from ged.register.models import (
    Attachment,
    AttachmentKind,
    AttachmentPage,
    Channel,
    Direction,
    FilingClass,
    Mail,
    MailLink,
    MailNumber,
    Priority,
    RecentLetter,
    Rectification,
    Register,
    RegisterNature,
)
from ged.register.operations import working_post
from ged.register.states import MOVES, MailAct, MailState
from ged.unit import Actor, Role

PASSING = frozenset({RegisterNature.ARRIVAL, RegisterNature.INTERNAL, RegisterNature.NOTE, RegisterNature.DECISION})
"""Registers in which a letter may get one more number. Envelopes, slips and departures are numbered by other acts."""


@dataclass(frozen=True)
class NumberRow:
    """A number of the letter. ``may_void``: the number is valid, and the actor keeps its register."""

    id: int
    text: str
    register_id: int
    register_name: str
    register_nature: RegisterNature
    unit_name: str
    registered_at: datetime
    registered_by: str
    voided_at: datetime | None
    void_reason: str
    may_void: bool


@dataclass(frozen=True)
class LinkRow:
    """A linked letter that the actor may see. ``outgoing``: the link starts at the letter shown."""

    mail_id: int
    number: str
    subject: str
    sender: str
    state: MailState
    kind: str
    outgoing: bool


@dataclass(frozen=True)
class AttachmentLine:
    """An attachment in the letter's list; ``is_latest`` False: there is a newer version."""

    id: int
    kind: AttachmentKind
    version_no: int
    filename: str
    media_type: str
    page_count: int
    is_signed: bool
    is_latest: bool
    reason: str
    added_at: datetime
    added_by: str
    has_programs: bool
    """A file of it carries macros."""


@dataclass(frozen=True)
class RectificationLine:
    """A rectification with the name of who made it."""

    field: str
    old_value: str
    new_value: str
    reason: str
    person_name: str
    at: datetime


@dataclass(frozen=True)
class Rights:
    """What the actor may do with the letter now; the operations check again."""

    rectify: bool
    raise_level: bool
    lower_level: bool
    close: bool
    reopen: bool
    registers: tuple[tuple[int, str], ...]
    """Registers of the actor in which the letter can get one more number."""


@dataclass(frozen=True)
class LetterView:
    """A letter that the actor may see, with the names that its page shows."""

    id: MailId
    version: int
    direction: Direction
    state: MailState
    level: Confidentiality
    nature: str
    channel: Channel
    priority: Priority
    subject: str
    sender_id: int | None
    """The sender's entry of the directory, if the reader sees it."""
    sender_name: str
    addressee: str
    addressed_to: str
    addressed_post_id: int | None
    their_reference: str
    written_on: date | None
    received_on: date | None
    enclosure_count: int
    enclosure_note: str
    due_on: date | None
    unit_id: int
    unit_name: str
    responsible_unit: str
    author: str
    signatory: str
    """The post that signed a letter that was signed outside of the program; empty for others."""
    filing_class: str
    outcome: str
    created_at: datetime
    closed_at: datetime | None
    opened_at: datetime | None
    """When the actor last opened it; None: never, or long ago."""
    numbers: tuple[NumberRow, ...]
    rights: Rights
    level_request: levels.OpenRequest | None
    """A request for a lower level that waits for a second person."""

    @property
    def number(self) -> str:
        """The first valid number; without one, the first number; empty for a draft."""
        valid = [number.text for number in self.numbers if number.voided_at is None]
        return next(iter([*valid, *(number.text for number in self.numbers)]), "")

    @property
    def register_nature(self) -> RegisterNature | None:
        """The nature of the register that gave ``number``; None for a draft."""
        valid = [number.register_nature for number in self.numbers if number.voided_at is None]
        return next(iter([*valid, *(number.register_nature for number in self.numbers)]), None)


def letter(session: Session, mail_id: MailId | int, actor: Actor) -> LetterView:
    """The data of the letter's page.

    Raises:
        NotFound: ``mail.unknown`` (also when the actor may not see it).
    """
    mail, names = _shown(session, mail_id, actor)
    return LetterView(
        id=MailId(mail.id),
        version=mail.version,
        direction=mail.direction,
        state=mail.state,
        level=Confidentiality(mail.level),
        nature=mail.nature,
        channel=mail.channel,
        priority=mail.priority,
        subject=mail.subject,
        sender_id=_listed_sender(mail, actor),
        sender_name=mail.sender_name,
        addressee=mail.addressee,
        addressed_to=names.addressed_to,
        addressed_post_id=mail.addressed_post_id,
        their_reference=mail.their_reference,
        written_on=mail.written_on,
        received_on=mail.received_on,
        enclosure_count=mail.enclosure_count,
        enclosure_note=mail.enclosure_note,
        due_on=mail.due_on,
        unit_id=mail.unit_id,
        unit_name=names.unit,
        responsible_unit=names.responsible,
        author=names.author,
        signatory=names.signatory,
        filing_class=names.filing_class,
        outcome=mail.outcome,
        created_at=mail.created_at,
        closed_at=mail.closed_at,
        opened_at=names.opened_at,
        numbers=_numbers(session, mail, actor),
        rights=_rights(session, mail, actor),
        level_request=levels.open_request(session, mail, actor) if mail.level >= Confidentiality.SECRET else None,
    )


def _listed_sender(mail: Mail, actor: Actor) -> int | None:
    entry = mail.sender
    if entry is None:
        return None
    own = {entity_of(unit_id, actor.units) for unit_id in actor.unit_ids}
    if entry.entity_id is None or entry.entity_id in own:
        return entry.id
    return entry.id if entry.is_shared and in_ministry(entry.entity_id, actor) else None


def visible_mail(session: Session, mail_id: MailId | int, actor: Actor) -> Mail:
    """The row of a letter that the actor may see. For queries of this package only.

    Raises:
        NotFound: ``mail.unknown`` (also when the actor may not see it).
    """
    mail = session.get(Mail, mail_id)
    if mail is None:
        raise NotFound("mail.unknown", "check the number", id=int(mail_id))
    access.require(session, mail.id, Confidentiality(mail.level), actor)
    return mail


@dataclass(frozen=True)
class _Names:
    unit: str
    responsible: str
    addressed_to: str
    author: str
    signatory: str
    filing_class: str
    opened_at: datetime | None


def _shown(session: Session, mail_id: MailId | int, actor: Actor) -> tuple[Mail, _Names]:
    """The row of a letter that the actor may see, with its names, in one query.

    Raises:
        NotFound: ``mail.unknown``.
    """
    row = session.execute(_letter_with_names(actor), {"mail_id": int(mail_id)}).one_or_none()
    if row is None:
        raise NotFound("mail.unknown", "check the number", id=int(mail_id))
    mail, is_seen, unit_name, responsible_name, addressed, author, signed_by, code, title, opened_at = row
    if not is_seen:
        raise access.not_seen(mail_id)
    filing_class = f"{code} {title}" if code else ""
    names = (unit_name, responsible_name or "", addressed or "", author or "", signed_by or "")
    return mail, _Names(*names, filing_class, opened_at)


@composed
def _letter_with_names(actor: Actor) -> Executable:
    """The statement of ``_shown``, for a ``mail_id``."""
    unit, responsible, signatory = aliased(Unit), aliased(Unit), aliased(Post)
    seen = access.visible_clause(Mail.id, Mail.level, actor.principals)
    return (
        select(
            Mail,
            seen,
            unit.name,
            responsible.name,
            Post.title,
            Person.name,
            signatory.title,
            FilingClass.code,
            FilingClass.title,
            RecentLetter.opened_at,
        )
        .join(unit, unit.id == Mail.unit_id)
        .outerjoin(RecentLetter, (RecentLetter.mail_id == Mail.id) & (RecentLetter.person_id == actor.person_id))
        .outerjoin(responsible, responsible.id == Mail.responsible_unit_id)
        .outerjoin(Post, Post.id == Mail.addressed_post_id)
        .outerjoin(Person, Person.id == Mail.author_person_id)
        .outerjoin(signatory, (signatory.id == Mail.author_post_id) & Mail.author_person_id.is_(None))
        .outerjoin(FilingClass, FilingClass.id == Mail.filing_class_id)
        .where(Mail.id == bindparam("mail_id"))
        # ``_numbers`` reads them, with who gave them.
        .options(lazyload(Mail.numbers))
    )


def _numbers(session: Session, mail: Mail, actor: Actor) -> tuple[NumberRow, ...]:
    rows = session.execute(
        select(MailNumber, Person.name)
        .outerjoin(Person, Person.id == MailNumber.person_id)
        .where(MailNumber.mail_id == mail.id)
        .order_by(MailNumber.id)
    ).all()
    # As if the row had been read with them: ``_rights`` asks ``mail.numbers`` without another statement.
    set_committed_value(mail, "numbers", [number for number, _ in rows])
    kept = clerk_unit_ids(actor)
    return tuple(
        NumberRow(
            id=number.id,
            text=number.text,
            register_id=number.register_id,
            register_name=number.register.name,
            register_nature=number.register.nature,
            unit_name=number.register.unit.name,
            registered_at=number.registered_at,
            registered_by=name or "",
            voided_at=number.voided_at,
            void_reason=number.void_reason,
            may_void=number.voided_at is None and number.register.unit_id in kept,
        )
        for number, name in rows
    )


def clerk_unit_ids(actor: Actor) -> frozenset[int]:
    """Units whose registers the actor keeps."""
    return frozenset(post.unit_id for post in actor.posts if Role.CLERK in post.roles)


def _rights(session: Session, mail: Mail, actor: Actor) -> Rights:
    works = _allowed(lambda: working_post(mail, actor))
    valid = [number for number in mail.numbers if number.voided_at is None]
    taken = {number.register_id for number in valid}
    # What a unit wrote and numbered itself does not arrive there: it is numbered again only where it is received.
    wrote = {n.register.unit_id for n in valid if n.register.nature is not RegisterNature.ARRIVAL}
    return Rights(
        rectify=mail.state is not MailState.VOIDED and _allowed(lambda: rectify_entry.rectifying_post(mail, actor)),
        raise_level=works and mail.level < Confidentiality.SECRET,
        lower_level=mail.level > 0 and _allowed(lambda: levels.lowering_post(mail, actor)),
        close=works and (mail.state, MailAct.CLOSE) in MOVES,
        reopen=works and (mail.state, MailAct.REOPEN) in MOVES,
        registers=tuple((i, name) for i, name in _passing_registers(session, actor, except_of=wrote) if i not in taken)
        if mail.direction is not Direction.OUTGOING and mail.state is not MailState.VOIDED
        else (),
    )


def _allowed(check: Callable[[], object]) -> bool:
    try:
        check()
    except Forbidden:
        return False
    return True


def _passing_registers(session: Session, actor: Actor, *, except_of: Collection[int]) -> list[tuple[int, str]]:
    kept = clerk_unit_ids(actor).difference(except_of)
    if not kept:
        return []
    rows = session.execute(
        select(Register.id, Register.name)
        .where(Register.unit_id.in_(kept), Register.closed_at.is_(None), Register.nature.in_(PASSING))
        .order_by(Register.id)
    )
    return [(register_id, name) for register_id, name in rows]


def links(session: Session, mail_id: MailId | int, actor: Actor) -> list[LinkRow]:
    """Links to letters that the actor may see; other links are left out."""
    rows = session.execute(_linked(actor), {"mail_id": int(mail_id)})
    return [
        LinkRow(
            mail_id=other_id,
            number=number or "",
            subject=subject,
            sender=sender,
            state=state,
            kind=link.kind,
            outgoing=link.from_id == mail_id,
        )
        for link, other_id, subject, sender, state, number in rows
    ]


@composed
def _linked(actor: Actor) -> Executable:
    """The statement of ``links``, for a ``mail_id``."""
    other, mail_id = aliased(Mail), bindparam("mail_id", type_=Id)
    return (
        select(MailLink, other.id, other.subject, other.sender_name, other.state, first_number(other.id))
        .join(
            other,
            or_(
                (MailLink.from_id == mail_id) & (other.id == MailLink.to_id),
                (MailLink.to_id == mail_id) & (other.id == MailLink.from_id),
            ),
        )
        .where(access.visible_clause(other.id, other.level, actor.principals))
        .order_by(MailLink.id)
    )


@lru_cache(maxsize=32)
def first_number(mail_id: InstrumentedAttribute[int]) -> ScalarSelect[str]:
    """The first valid number of a letter, as a column of a list; None without a valid number."""
    return (
        select(MailNumber.text)
        .where(MailNumber.mail_id == mail_id, MailNumber.voided_at.is_(None))
        .order_by(MailNumber.id)
        .limit(1)
        .scalar_subquery()
    )


def first_numbers(session: Session, mail_ids: Collection[int]) -> dict[int, str]:
    """The first valid number of each letter that has one."""
    rows = session.execute(_first_numbers(), {"mail_ids": sorted(mail_ids)})
    return {mail_id: text for mail_id, text in rows if mail_id is not None}


@cache
def _first_numbers() -> Executable:
    return (
        select(MailNumber.mail_id, MailNumber.text)
        .where(Among(MailNumber.mail_id, "mail_ids"), MailNumber.voided_at.is_(None))
        .order_by(MailNumber.id.desc())
    )


def number_of(session: Session, mail_id: int) -> str:
    """The first valid number of a letter; empty without one."""
    return first_numbers(session, [mail_id]).get(mail_id, "")


def numbering_units(session: Session, mail_id: int) -> set[int]:
    """The units in whose registers a letter has a valid number."""
    return set(
        session.scalars(
            select(Register.unit_id)
            .join(MailNumber, MailNumber.register_id == Register.id)
            .where(MailNumber.mail_id == mail_id, MailNumber.voided_at.is_(None))
        )
    )


def attachments(session: Session, mail_id: MailId | int) -> list[AttachmentLine]:
    """All attachments, newest version first within each kind. The caller has checked the access."""
    programs = exists().where(
        AttachmentPage.attachment_id == Attachment.id, AttachmentPage.media_type.endswith(PROGRAMS, autoescape=True)
    )
    rows = session.execute(
        select(Attachment, Person.name, programs)
        .outerjoin(Person, Person.id == Attachment.added_by_id)
        .where(Attachment.mail_id == mail_id)
        .order_by(Attachment.id.desc())
    ).all()
    replaced = {attachment.replaces_id for attachment, _, _ in rows}
    return [
        AttachmentLine(
            id=one.id,
            kind=one.kind,
            version_no=one.version_no,
            filename=one.filename,
            media_type=one.media_type,
            page_count=one.page_count,
            is_signed=one.is_signed,
            is_latest=one.id not in replaced,
            reason=one.reason,
            added_at=one.added_at,
            added_by=name or "",
            has_programs=carries,
        )
        for one, name, carries in rows
    ]


def rectifications(session: Session, mail_id: MailId | int) -> list[RectificationLine]:
    """All rectifications, oldest first, with names. The caller has checked the access."""
    rows = session.execute(
        select(Rectification, Person.name)
        .outerjoin(Person, Person.id == Rectification.person_id)
        .where(Rectification.mail_id == mail_id)
        .order_by(Rectification.id)
    )
    return [RectificationLine(r.field, r.old_value, r.new_value, r.reason, name or "", r.at) for r, name in rows]
