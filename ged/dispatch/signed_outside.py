"""Registers letters that were written and signed outside of the program: departures, internal letters, notes, decisions.

The letter gets its number in a register that the clerk keeps, its document (a waiting scan or a file), and one line of
departure for each addressee and copy. An internal letter may go to an authority instead, who imputes it as an arrival.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import access
from ged.access import Because
from ged.capture import arrange
from ged.capture.files import Upload
from ged.dispatch.models import Party
from ged.dispatch.operations import open_lines
from ged.errors import Invalid
from ged.org.models import Post, PostRole, Unit
from ged.org.names import post_names
from ged.org.tree import entities, same_entity
from ged.ports import (
    Confidentiality,
    MailId,
    PostId,
    Principal,
    RegisterId,
    ScanId,
    UnitId,
    post_principal,
    unit_principal,
)
from ged.register import allocation, operations, registers
from ged.register.allocation import told_of_number
from ged.register.correspondents import entries, fold
from ged.register.models import (
    REPLY,
    AttachmentKind,
    Channel,
    Direction,
    Mail,
    Register,
    RegisterNature,
)
from ged.register.once import add_once
from ged.register.operations import MAX_SUBJECT, MAX_TEXTS, Registered, attach, is_long_ago, link
from ged.register.queries import clerk_unit_ids
from ged.register.states import MailState
from ged.unit import Actor, HeldPost, Role, UnitOfWork

MAX_PARTIES, MAX_NAME = 60, 300
DIRECTIONS: Mapping[RegisterNature, Direction] = {
    RegisterNature.DEPARTURE: Direction.OUTGOING,
    RegisterNature.INTERNAL: Direction.INTERNAL,
    RegisterNature.NOTE: Direction.INTERNAL,
    RegisterNature.DECISION: Direction.INTERNAL,
}
"""Registers for letters that the house wrote, and the direction of their letters."""
_SIGNING = (Role.SIGNATORY, Role.AUTHORITY, Role.HEAD)


@dataclass(frozen=True)
class OutgoingForm:
    """The clerk's form.

    Attributes:
        sender_unit_id: the unit that wrote the letter.
        signatory_post_id: the post that signed it.
        addressees, copies: names; a name of the directory brings its address, the code or name of a unit of the
            entity lets that unit read the letter.
        addressed_post_id: an internal letter only: the authority who has to impute it. It then has no lines.
        answers: the letter that it answers: it counts as answered when this letter has left.
        request_token: made when the form is shown: a form sent twice registers one letter.
    """

    subject: str
    sender_unit_id: UnitId
    signatory_post_id: PostId
    addressees: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    written_on: date | None = None
    addressed_post_id: PostId | None = None
    nature: str = ""
    level: Confidentiality = Confidentiality.ORDINARY
    enclosure_count: int = 0
    enclosure_note: str = ""
    answers: MailId | None = None
    request_token: str | None = None


@dataclass(frozen=True)
class WaitingScan:
    """The scan that is the letter's document, with the version that the form showed.

    ``turned``: leaf id -> degrees clockwise by which the form showed pages.
    """

    scan_id: ScanId
    version: int | None = None
    turned: Mapping[int, int] = field(default_factory=dict)


def register(
    uow: UnitOfWork,
    register_id: RegisterId,
    form: OutgoingForm,
    *,
    actor: Actor,
    now: datetime,
    document: Upload | WaitingScan | None = None,
) -> Registered:
    """Number a letter that is already signed. A form sent again (``request_token``) allocates no second number.

    Args:
        document: the letter itself; None: it is scanned later, under its label.

    Raises:
        Forbidden: ``register.not_clerk``.
        NotFound: ``register.unknown``, ``scan.unknown``, ``mail.unknown`` (the answered letter).
        Invalid: a field is missing or invalid; ``params['field']`` names it; ``register.nature``.
        InvalidTransition: ``register.closed``, ``scan.not_waiting``.
        StaleVersion: ``scan.stale``.
    """
    book = registers.open_register(uow.session, register_id)
    post = registers.clerk_post(uow.session, register_id, actor)
    direction = DIRECTIONS.get(book.nature)
    if direction is None:
        raise Invalid("register.nature", "choose a register of departures or internal letters", field="register_id")
    _check(uow, form, actor, now)
    _check_receivers(uow.session, form, direction, book.unit_id)
    sender = sending_unit(uow.session, form.sender_unit_id, book.unit_id)
    signatory = signing_post(uow.session, form.signatory_post_id, book.unit_id)
    addressees, units = parties(uow.session, form.addressees, book.unit_id, field="addressees")
    copies, copied = parties(uow.session, form.copies, book.unit_id, field="copies")
    written_on = form.written_on or now.astimezone(uow.services.zone).date()
    mail = _letter(form, direction, sender, signatory, addressees, post, written_on, now)
    before = add_once(uow, mail, lambda: operations.sent_before(uow, mail))
    if before is not None:
        return before
    access.grant_new(uow, mail.id, _rights(form, post, sender, signatory, [*units, *copied]))
    mail_id = MailId(mail.id)
    _join(uow, mail_id, document, actor, now)  # in the written order a scan is locked before letters
    if form.answers is not None:
        link(uow, mail_id, form.answers, kind=REPLY, actor=actor)
    if form.addressed_post_id is None:
        open_lines(uow, mail_id, addressees, copies)
    number = allocation.allocate(uow, register_id, actor=actor, post=post, mail_id=mail.id)
    uow.record(
        "mail.registered", "mail", mail.id, actor=actor, post=post, **told_of_number(number), level=int(form.level),
        subject=mail.subject, sender=mail.sender_name, signatory=signatory.title,
        addressees=[party.name for party in addressees], copies=[party.name for party in copies],
        written_on=str(mail.written_on),
    )  # fmt: skip
    return Registered(mail_id, number.id, number.text)


def _letter(
    form: OutgoingForm,
    direction: Direction,
    sender: Unit,
    signatory: Post,
    addressees: Sequence[Party],
    post: HeldPost,
    written_on: date,
    now: datetime,
) -> Mail:
    return Mail(
        direction=direction,
        state=MailState.SIGNED if form.addressed_post_id is None else MailState.TO_IMPUTE,
        level=int(form.level),
        nature=form.nature,
        channel=Channel.HAND,
        subject=form.subject.strip(),
        sender_name=sender.name[: operations.MAX_NAME],
        addressee="; ".join(party.name for party in addressees)[: MAX_TEXTS["addressee"]],
        written_on=written_on,
        enclosure_count=form.enclosure_count,
        enclosure_note=form.enclosure_note.strip(),
        unit_id=post.unit_id,
        addressed_post_id=form.addressed_post_id,
        author_post_id=signatory.id,
        request_token=form.request_token or None,
        created_at=now,
    )


def _rights(
    form: OutgoingForm, post: HeldPost, sender: Unit, signatory: Post, copied: Sequence[int]
) -> dict[Because, tuple[Principal, ...]]:
    """Who sees a new letter, and why; ``copied``: the units among its receivers."""
    rights: dict[Because, tuple[Principal, ...]] = {
        Because.REGISTERED: (unit_principal(post.unit_id), post_principal(post.post_id)),
        Because.AUTHORED: (unit_principal(sender.id),),
        Because.SIGNATORY: (post_principal(signatory.id),),
        Because.COPIED: tuple(unit_principal(unit_id) for unit_id in copied),
    }
    if form.addressed_post_id is not None:
        rights[Because.ADDRESSED] = (post_principal(form.addressed_post_id),)
    return rights


def _join(uow: UnitOfWork, mail_id: MailId, document: Upload | WaitingScan | None, actor: Actor, now: datetime) -> None:
    if isinstance(document, WaitingScan):
        arrange.join_to_mail(
            uow, document.scan_id, mail_id, actor=actor, now=now, version=document.version, turned=document.turned
        )
    elif document is not None:
        attach(
            uow, mail_id, kind=AttachmentKind.DOCUMENT, pages=document.pages, media_type=document.facts.media_type,
            actor=actor, now=now, filename=document.filename, digest=document.digest, size_bytes=document.size_bytes,
            is_signed=document.facts.signed,
        )  # fmt: skip


def _check(uow: UnitOfWork, form: OutgoingForm, actor: Actor, now: datetime) -> None:
    today = now.astimezone(uow.services.zone).date()
    if not form.subject.strip():
        raise Invalid("mail.subject_missing", "type the subject", field="subject")
    if len(form.subject) > MAX_SUBJECT:
        raise Invalid("mail.subject_long", "shorten the subject", field="subject", limit=MAX_SUBJECT)
    for name in ("nature", "enclosure_note"):
        if len(getattr(form, name)) > MAX_TEXTS[name]:
            raise Invalid("form.too_long", "shorten it", field=name, maximum=MAX_TEXTS[name])
    if form.written_on is not None and form.written_on > today:
        raise Invalid("mail.written_in_future", "correct the date of the letter", field="written_on")
    if is_long_ago(form.written_on, today):
        raise Invalid("mail.written_long_ago", "correct the year", field="written_on")
    if not 0 <= form.enclosure_count <= 9999:
        raise Invalid("mail.enclosures", "give the number of enclosures", field="enclosure_count")
    if form.level > actor.clearance and form.level is Confidentiality.SECRET:
        raise Invalid("mail.level_above_clearance", "choose a level that you may read", field="level")


def _check_receivers(session: Session, form: OutgoingForm, direction: Direction, office_id: int) -> None:
    if form.addressed_post_id is not None:
        role = (
            select(PostRole.post_id)
            .join(Post, Post.id == PostRole.post_id)
            .where(
                PostRole.post_id == form.addressed_post_id, PostRole.role == Role.AUTHORITY,
                Post.unit_id.in_(same_entity(session, [office_id])),
            )
        )  # fmt: skip
        if direction is not Direction.INTERNAL or session.scalar(role) is None:
            raise Invalid("mail.addressed_unknown", "choose an authority of the list", field="addressed_post_id")
    check_names(form.addressees, form.copies, may_be_nobody=form.addressed_post_id is not None)


def check_names(addressees: Sequence[str], copies: Sequence[str], *, may_be_nobody: bool = False) -> None:
    """Check the names of receivers.

    Raises:
        Invalid: ``mail.addressee_missing``, ``mail.parties``, ``form.too_long``.
    """
    if not addressees and not may_be_nobody:
        raise Invalid("mail.addressee_missing", "name at least one addressee", field="addressees")
    for where, names in (("addressees", addressees), ("copies", copies)):
        if len(names) > MAX_PARTIES:
            raise Invalid("mail.parties", "name fewer", field=where, limit=MAX_PARTIES)
        if any(len(name) > MAX_NAME for name in names):
            raise Invalid("form.too_long", "shorten it", field=where, maximum=MAX_NAME)


def sending_unit(session: Session, unit_id: UnitId | int, office_id: int) -> Unit:
    """A unit of the office's entity.

    Raises:
        Invalid: ``unit.unknown``.
    """
    unit = session.get(Unit, unit_id)
    if unit is None or unit.id not in same_entity(session, [office_id]):
        raise Invalid("unit.unknown", "choose a unit of the list", field="sender_unit_id")
    return unit


def signing_post(session: Session, post_id: PostId | int, office_id: int) -> Post:
    """A post of the office's entity that signs letters.

    Raises:
        Invalid: ``mail.signatory_unknown``.
    """
    signs = select(PostRole.post_id).where(PostRole.post_id == post_id, PostRole.role.in_(_SIGNING))
    post = session.get(Post, post_id)
    of_entity = post is not None and post.unit_id in same_entity(session, [office_id])
    if post is None or not of_entity or session.scalar(signs.limit(1)) is None:
        raise Invalid("mail.signatory_unknown", "choose a post of the list", field="signatory_post_id")
    return post


def parties(
    session: Session, names: Sequence[str], office_id: int, *, field: str, named_before: Collection[int] = ()
) -> tuple[list[Party], list[int]]:
    """The named receivers with the addresses of the directory, and those of them that are units of the entity.

    A unit is named by its code or its name. A unit that is named reads the letter, so no namesake is guessed.

    Args:
        named_before: the units that a letter already names; of namesakes the one among these is meant.

    Raises:
        Invalid: ``unit.ambiguous``: several units bear a name.
    """
    folded = {fold(name) for name in names}
    own = same_entity(session, [office_id])
    coded, units = dict[str, Unit](), dict[str, list[Unit]]()
    open_units = select(Unit).where(Unit.id.in_(sorted(own)), Unit.closed_at.is_(None)).order_by(Unit.id)
    for unit in session.scalars(open_units):
        coded[fold(unit.code)] = unit
        units.setdefault(fold(unit.name), []).append(unit)
    known = entries(session, folded, entity_id=entities(session)[office_id])
    found: list[Party] = []
    unit_ids: list[int] = []
    for name in names:
        namesakes, entry_named = units.get(fold(name), []), known.get(fold(name))
        meant = [unit for unit in namesakes if unit.id in named_before] or namesakes
        unit_named = coded.get(fold(name)) or (meant[0] if meant else None)
        if len(meant) > 1 and fold(name) not in coded:
            codes = ", ".join(unit.code for unit in meant)
            raise Invalid("unit.ambiguous", "write the code", field=field, name=name, codes=codes)
        if unit_named is not None:
            unit_ids.append(unit_named.id)
            found.append(Party(unit_named.name[:MAX_NAME]))
        elif entry_named is not None:
            found.append(Party(entry_named.name, entry_named.address, entry_named.email))
        else:
            found.append(Party(" ".join(name.split())))
    return found, unit_ids


# --- what the form offers -----------------------------------------------------------------------------------------


def registers_kept(session: Session, actor: Actor, nature: RegisterNature) -> list[tuple[int, str]]:
    """Open registers of a nature that the actor keeps: (id, name)."""
    rows = session.execute(
        select(Register.id, Register.name)
        .where(Register.unit_id.in_(clerk_unit_ids(actor)), Register.closed_at.is_(None), Register.nature == nature)
        .order_by(Register.id)
    )
    return [(register_id, name) for register_id, name in rows]


def register_natures_kept(session: Session, actor: Actor) -> list[RegisterNature]:
    """Of which of these natures the actor keeps an open register, in the order of ``DIRECTIONS``."""
    kept = set(
        session.scalars(
            select(Register.nature).where(Register.unit_id.in_(clerk_unit_ids(actor)), Register.closed_at.is_(None))
        )
    )
    return [nature for nature in DIRECTIONS if nature in kept]


def writers(session: Session, actor: Actor, *, on: date) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """What the clerk chooses from: units of the entity by name; posts that sign, with holder and unit."""
    own = sorted(same_entity(session, clerk_unit_ids(actor)))
    units = session.execute(
        select(Unit.id, Unit.name).where(Unit.id.in_(own), Unit.closed_at.is_(None)).order_by(Unit.name)
    ).all()
    posts = session.scalars(
        select(Post.id)
        .join(Unit, Unit.id == Post.unit_id)
        .where(Unit.id.in_(own), Unit.closed_at.is_(None))
        .where(Post.id.in_(select(PostRole.post_id).where(PostRole.role.in_(_SIGNING))))
        .order_by(Unit.id, Post.id)
    ).all()
    names = post_names(session, posts, on=on)
    return [(unit_id, name) for unit_id, name in units], [(post_id, names[post_id].text) for post_id in posts]
