"""What the signature book shows; frozen rows only, each under the access rule of its letter."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.orm import Session

from ged import access
from ged.access import visible_clause
from ged.errors import Forbidden, Invalid, NotFound
from ged.org.models import Holding, Person, Post, PostRole, Unit
from ged.ports import AttachmentId, Confidentiality, Digest, MailId, PostId
from ged.registry.dispatch_models import Party
from ged.registry.models import Attachment, AttachmentKind, Direction, Mail, MailNumber
from ged.registry.states import MOVES, MailAct, MailState
from ged.signbook import book, circuit
from ged.signbook.book import Annex
from ged.signbook.models import (
    CircuitAct,
    CircuitStep,
    Draft,
    LetterTemplate,
    Notice,
    NoticeKind,
    SignatureWay,
    SignedRevision,
)
from ged.signbook.placeholders import unfilled
from ged.signbook.render import Letter
from ged.unit import Actor, Role, Services

SENT_SHOWN = 50


@dataclass(frozen=True)
class BookRow:
    """A letter in somebody's signature book.

    ``may_sign``: this actor has the power; a secretary sees the letter and prepares it.
    """

    mail_id: MailId
    version_no: int
    subject: str
    addressee: str
    author: str
    unit: str
    state: MailState
    level: Confidentiality
    number: str
    way: SignatureWay | None
    for_post: str
    as_: str
    waits_for: str
    since: datetime
    may_sign: bool = False
    failure: str = ""
    refusal: str = ""


@dataclass(frozen=True)
class NoticeRow:
    """Something a person is told."""

    id: int
    mail_id: MailId
    subject: str
    kind: NoticeKind
    text: str
    by_name: str
    at: datetime


@dataclass(frozen=True)
class SignatureBook:
    """What waits for a person, and what a person sent."""

    visas: tuple[BookRow, ...]
    signatures: tuple[BookRow, ...]
    mine: tuple[BookRow, ...]
    notices: tuple[NoticeRow, ...]


@dataclass(frozen=True)
class StepRow:
    """One step of a circuit. ``state``: done, now, later or cancelled."""

    post_id: int
    post: str
    holder: str
    is_signature: bool
    state: str
    by: str = ""
    acted_as: str = "holder"
    at: datetime | None = None
    remark: str = ""


@dataclass(frozen=True)
class EntryRow:
    """A line of the history."""

    act: CircuitAct
    at: datetime
    by: str
    post: str
    acted_as: str
    act_reference: str
    text: str
    version_no: int
    is_cancelled: bool


@dataclass(frozen=True)
class LetterRow:
    """A letter of the signature book with all that its pages need."""

    mail_id: MailId
    version: int
    version_no: int
    state: MailState
    level: Confidentiality
    civility: str
    subject: str
    body: str
    addressees: tuple[Party, ...]
    copies: tuple[Party, ...]
    annexes: tuple[Annex, ...]
    unfilled: tuple[str, ...]
    visa_post_ids: tuple[int, ...]
    signatory_post_id: int | None
    steps: tuple[StepRow, ...]
    entries: tuple[EntryRow, ...]
    answers_id: MailId | None
    answers_number: str
    answers_subject: str
    preview_id: AttachmentId | None
    preview_pages: int
    print_id: AttachmentId | None
    signed_id: AttachmentId | None
    signed_pages: int
    is_signed_electronically: bool
    level_reached: str
    number: str
    numbered_on: date | None
    way: SignatureWay | None
    signed_at: datetime | None
    confirmed_name: str
    confirmed_title: str
    confirmed_capacity: str
    failure: str
    refusal: str
    may_write: bool
    may_hand_in: bool
    may_recall: bool
    may_abandon: bool
    may_visa: bool
    may_sign: bool
    may_refuse: bool
    may_retry: bool
    may_cancel_ink: bool
    may_number: bool
    acts_as: str


@dataclass(frozen=True)
class TemplateRow:
    """A template to choose."""

    code: str
    title: str


@dataclass(frozen=True)
class PostChoice:
    """A post to choose for a circuit."""

    id: int
    title: str
    unit: str
    holder: str
    may_sign: bool

    @property
    def label(self) -> str:
        """As lists show it."""
        return f"{self.title} ({self.holder})" if self.holder else self.title


# --- lists --------------------------------------------------------------------------------------------------------


def signature_book(session: Session, actor: Actor) -> SignatureBook:
    """What waits for the actor's visa and signature, what the actor sent, and notices not seen."""
    waiting = [(draft, turn) for draft in _in_circuit(session, actor) if (turn := _turn(draft)) is not None]
    mine = [(draft, turn) for draft, turn in waiting if turn.post_id in actor.post_ids]
    facts = _Facts(session, [draft for draft, _ in waiting])
    visas = [_row(draft, facts, actor, turn) for draft, turn in mine if not turn.is_signature]
    signatures = [_row(draft, facts, actor, turn) for draft, turn in mine if turn.is_signature]
    signatures += _to_sign_again(session, actor)
    return SignatureBook(tuple(visas), tuple(signatures), _sent(session, actor), _notices(session, actor))


def waiting_count(session: Session, actor: Actor) -> int:
    """How many letters wait for the actor's visa or signature (for the navigation)."""
    turns = (_turn(draft) for draft in _in_circuit(session, actor))
    return sum(turn is not None and turn.post_id in actor.post_ids for turn in turns)


def _visible(query: Select[Draft], actor: Actor) -> Select[Draft]:
    return query.where(visible_clause(Mail.id, Mail.level, actor.principals))


def _drafts() -> Select[Draft]:
    return select(Draft).join(Mail, Mail.id == Draft.mail_id)


def _in_circuit(session: Session, actor: Actor) -> list[Draft]:
    """Letters in whose circuit a post of the actor stands; the turn is decided by the pure rule."""
    posts = sorted(actor.post_ids)
    step = exists().where(CircuitStep.mail_id == Draft.mail_id, CircuitStep.post_id.in_(posts))
    query = _drafts().where(
        Mail.state == MailState.IN_CIRCUIT, Draft.way.is_(None), or_(step, Draft.signatory_post_id.in_(posts))
    )
    return list(session.scalars(_visible(query, actor).order_by(Draft.submitted_at)))


def _to_sign_again(session: Session, actor: Actor) -> list[BookRow]:
    query = _drafts().where(
        Mail.state == MailState.NUMBERED,
        Draft.way == SignatureWay.DIGITAL,
        Draft.signatory_post_id.in_(sorted(actor.post_ids)),
    )
    drafts = list(session.scalars(_visible(query, actor).order_by(Draft.confirmed_at)))
    facts = _Facts(session, drafts)
    return [
        _row(draft, facts, actor, circuit.Turn(PostId(draft.signatory_post_id or 0), is_signature=True))
        for draft in drafts
    ]


def _sent(session: Session, actor: Actor) -> tuple[BookRow, ...]:
    query = _drafts().where(
        or_(Mail.author_person_id == actor.person_id, Mail.author_post_id.in_(sorted(actor.post_ids))),
        Mail.state.in_((MailState.DRAFT, MailState.IN_CIRCUIT, MailState.NUMBERED, MailState.SIGNED)),
    )
    drafts = list(session.scalars(_visible(query, actor).order_by(Draft.mail_id.desc()).limit(SENT_SHOWN)))
    facts = _Facts(session, drafts)
    return tuple(_row(draft, facts, actor, _turn(draft)) for draft in drafts)


def _notices(session: Session, actor: Actor) -> tuple[NoticeRow, ...]:
    rows = session.execute(
        select(Notice, Mail.subject)
        .join(Mail, Mail.id == Notice.mail_id)
        .where(Notice.person_id == actor.person_id, Notice.seen_at.is_(None))
        .where(visible_clause(Mail.id, Mail.level, actor.principals))
        .order_by(Notice.id)
    )
    return tuple(NoticeRow(n.id, MailId(n.mail_id), subject, n.kind, n.text, n.by_name, n.at) for n, subject in rows)


class _Facts:
    """Names that rows show, read once for a whole list."""

    def __init__(self, session: Session, drafts: Iterable[Draft]) -> None:
        mails = [draft.mail for draft in drafts]
        people = {mail.author_person_id for mail in mails if mail.author_person_id is not None}
        self.people = _names(session, Person, Person.name, people)
        self.units = _names(session, Unit, Unit.name, {mail.unit_id for mail in mails})
        posts = {d.signatory_post_id for d in drafts} | {step.post_id for d in drafts for step in d.steps}
        self.posts = _names(session, Post, Post.title, {p for p in posts if p is not None})


def _names(session: Session, table: type[Person | Unit | Post], column: object, ids: Iterable[int]) -> dict[int, str]:
    wanted = sorted(ids)
    rows = session.execute(select(table.id, column).where(table.id.in_(wanted))) if wanted else ()  # type: ignore[call-overload]  # a column of the table
    return {int(i): str(name) for i, name in rows}


def _turn(draft: Draft) -> circuit.Turn | None:
    going = book.circuit_of(draft)
    return circuit.turn(going) if going is not None else None


def _row(draft: Draft, facts: _Facts, actor: Actor, turn: circuit.Turn | None) -> BookRow:
    mail = draft.mail
    held = actor.holds(turn.post_id) if turn is not None else None
    return BookRow(
        mail_id=MailId(mail.id),
        version_no=draft.version_no,
        subject=mail.subject,
        addressee=mail.addressee,
        author=facts.people.get(mail.author_person_id or 0, ""),
        unit=facts.units.get(mail.unit_id, ""),
        state=mail.state,
        level=Confidentiality(mail.level),
        number=draft.number.text if draft.number is not None else "",
        way=draft.way,
        for_post=held.title if held is not None else "",
        as_=held.because if held is not None else "",
        waits_for=facts.posts.get(turn.post_id, "") if turn is not None else "",
        since=draft.submitted_at or mail.created_at,
        may_sign=turn is not None and turn.is_signature and _signs(actor, turn.post_id),
        failure=draft.failure,
        refusal=_refusal(draft),
    )


def _signs(actor: Actor, post_id: int) -> bool:
    return any(post.post_id == post_id and Role.SIGNATORY in post.roles for post in actor.posts)


def _refusal(draft: Draft) -> str:
    """Why a draft came back, while it has not been handed in again."""
    last = draft.entries[-1] if draft.entries else None
    came_back = [e for e in draft.entries if e.act in (CircuitAct.REFUSE, CircuitAct.SUBMIT, CircuitAct.RECALL)]
    if last is None or draft.mail.state is not MailState.DRAFT or not came_back:
        return ""
    return came_back[-1].text if came_back[-1].act is CircuitAct.REFUSE else ""


# --- one letter ---------------------------------------------------------------------------------------------------


def letter(session: Session, mail_id: MailId | int, actor: Actor, *, on: date) -> LetterRow:
    """A letter with its content, circuit, history and what the actor may do now.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
    """
    draft = book.require(session, mail_id, actor)
    mail, content = draft.mail, book.content_of(session, draft)
    going, turn = book.circuit_of(draft), _turn(draft)
    revision = session.scalar(
        select(SignedRevision).where(SignedRevision.mail_id == mail.id).order_by(SignedRevision.sequence.desc())
    )
    signed = _signed_attachment(session, mail.id)
    incoming = _visible_incoming(session, draft, actor)
    is_author, mine = _is_author(draft, actor), turn is not None and turn.post_id in actor.post_ids
    held = actor.holds(turn.post_id) if turn is not None else None
    decides = turn is not None and actor.decides(turn.post_id) is not None
    signs = going is not None and _signs(actor, going.signatory)
    is_digital = draft.way is SignatureWay.DIGITAL
    is_printed = draft.way is SignatureWay.INK and mail.state is MailState.IN_CIRCUIT
    return LetterRow(
        mail_id=MailId(mail.id),
        version=draft.version,
        version_no=draft.version_no,
        state=mail.state,
        level=Confidentiality(mail.level),
        civility=content.civility,
        subject=content.subject,
        body=content.body,
        addressees=content.addressees,
        copies=content.copies,
        annexes=content.annexes,
        unfilled=unfilled(content.subject, content.body),
        visa_post_ids=tuple(step.post_id for step in draft.steps),
        signatory_post_id=draft.signatory_post_id,
        steps=_steps(session, draft, on),
        entries=tuple(_entries(draft)),
        answers_id=MailId(incoming.id) if incoming is not None else None,
        answers_number=_number(incoming),
        answers_subject=incoming.subject if incoming is not None else "",
        preview_id=AttachmentId(draft.preview_id) if draft.preview_id is not None else None,
        preview_pages=_page_count(session, draft.preview_id),
        print_id=AttachmentId(draft.print_id) if draft.print_id is not None else None,
        signed_id=signed,
        signed_pages=_page_count(session, signed),
        is_signed_electronically=revision is not None,
        level_reached=revision.level if revision is not None else "",
        number=draft.number.text if draft.number is not None else "",
        numbered_on=draft.numbered_on,
        way=draft.way,
        signed_at=draft.signed_at,
        confirmed_name=draft.confirmed_name,
        confirmed_title=draft.confirmed_title,
        confirmed_capacity=draft.confirmed_capacity,
        failure=draft.failure,
        refusal=_refusal(draft),
        may_write=(is_author and mail.state is MailState.DRAFT) or mine,
        may_hand_in=is_author and mail.state is MailState.DRAFT,
        may_recall=is_author and going is not None and going.is_submitted and not going.acted_since_submission,
        may_abandon=is_author and draft.way is None and (mail.state, MailAct.ABANDON) in MOVES,
        may_visa=decides and turn is not None and not turn.is_signature,
        may_sign=decides and turn is not None and turn.is_signature and signs,
        may_refuse=decides,
        may_retry=signs and is_digital and mail.state is MailState.NUMBERED,
        may_cancel_ink=signs and is_printed,
        may_number=is_printed and _keeps_register(session, draft, actor),
        acts_as=held.because if held is not None else "",
    )


def _is_author(draft: Draft, actor: Actor) -> bool:
    try:
        book.author_post(draft, actor)
    except Forbidden:
        return False
    return True


def _keeps_register(session: Session, draft: Draft, actor: Actor) -> bool:
    if draft.signatory_post_id is None:
        return False
    try:
        register = book.departure_register(session, session.get_one(Post, draft.signatory_post_id).unit_id)
    except Invalid:
        return False  # closed meanwhile: whoever tries to number is told
    return any(Role.CLERK in post.roles and post.unit_id == register.unit_id for post in actor.posts)


def _visible_incoming(session: Session, draft: Draft, actor: Actor) -> Mail | None:
    """The letter answered, for those who may see it too: being in the circuit of the answer gives no right to it."""
    incoming = session.get(Mail, draft.answers_id) if draft.answers_id is not None else None
    if incoming is None or not access.may_see(session, incoming.id, Confidentiality(incoming.level), actor):
        return None
    return incoming


def _number(mail: Mail | None) -> str:
    return next((n.text for n in mail.numbers if n.voided_at is None), "") if mail is not None else ""


def _signed_attachment(session: Session, mail_id: int) -> AttachmentId | None:
    found = session.scalar(
        select(Attachment.id)
        .where(Attachment.mail_id == mail_id, Attachment.kind == AttachmentKind.SIGNED)
        .order_by(Attachment.version_no.desc(), Attachment.id.desc())
        .limit(1)
    )
    return AttachmentId(found) if found is not None else None


def _page_count(session: Session, attachment_id: int | None) -> int:
    if attachment_id is None:
        return 0
    return session.scalar(select(Attachment.page_count).where(Attachment.id == attachment_id)) or 0


def _steps(session: Session, draft: Draft, on: date) -> tuple[StepRow, ...]:
    going = book.circuit_of(draft)
    if going is None:
        return ()
    titles = _names(session, Post, Post.title, [*going.visa_posts, going.signatory])
    holders = _holders(session, [*going.visa_posts, going.signatory], on)
    turn, stand = circuit.turn(going), circuit.standing(going)
    entries = {entry.id: entry for entry in draft.entries}
    rows = []
    for post_id in going.visa_posts:
        given = entries[stand[post_id].entry_id] if post_id in stand else None
        is_now = turn is not None and turn.post_id == post_id
        rows.append(
            StepRow(
                post_id,
                titles.get(post_id, ""),
                holders.get(post_id, ""),
                is_signature=False,
                state="done" if given else "now" if is_now else "later",
                by=given.person_name if given else "",
                acted_as=given.acted_as if given else "holder",
                at=given.at if given else None,
                remark=given.text if given else "",
            )
        )
    is_now = (turn is not None and turn.is_signature) or draft.way is not None
    rows.append(
        StepRow(
            going.signatory,
            titles.get(going.signatory, ""),
            holders.get(going.signatory, ""),
            is_signature=True,
            state="done" if draft.signed_at else "now" if is_now else "later",
            by=draft.confirmed_name,
            at=draft.signed_at,
        )
    )
    return tuple(rows)


def _entries(draft: Draft) -> Iterator[EntryRow]:
    for entry in reversed(draft.entries):
        yield EntryRow(
            act=entry.act,
            at=entry.at,
            by=entry.person_name,
            post=entry.post_title,
            acted_as=entry.acted_as,
            act_reference=entry.act_reference,
            text=entry.text,
            version_no=entry.version_no,
            is_cancelled=entry.cancelled_at is not None,
        )


def preview_letter(
    session: Session, services: Services, mail_id: MailId | int, actor: Actor
) -> tuple[Letter, Confidentiality]:
    """What the pages of the present version would say, for the preview while writing, and the letter's level.

    Raises:
        NotFound: ``mail.unknown``, ``draft.unknown``.
    """
    draft = book.require(session, mail_id, actor)
    return book.letter_of(session, services, draft, book.content_of(session, draft)), Confidentiality(draft.mail.level)


# --- choices ------------------------------------------------------------------------------------------------------


def templates(session: Session) -> list[TemplateRow]:
    """The templates, in the order of the organisation file."""
    rows = session.scalars(select(LetterTemplate).order_by(LetterTemplate.position, LetterTemplate.id))
    return [TemplateRow(row.code, row.title) for row in rows]


def posts(session: Session, *, on: date) -> list[PostChoice]:
    """Posts of open units that work on letters, with who holds them today."""
    rows = session.execute(
        select(Post.id, Post.title, Unit.name)
        .join(Unit, Unit.id == Post.unit_id)
        .where(Unit.closed_at.is_(None))
        .order_by(Unit.id, Post.id)
    ).all()
    roles: dict[int, set[Role]] = {}
    for post_id, role in session.execute(select(PostRole.post_id, PostRole.role)):
        roles.setdefault(post_id, set()).add(role)
    holders = _holders(session, [row[0] for row in rows], on)
    not_working = {Role.ADMINISTRATOR, Role.AUDITOR}
    return [
        PostChoice(post_id, title, unit, holders.get(post_id, ""), Role.SIGNATORY in roles.get(post_id, set()))
        for post_id, title, unit in rows
        if roles.get(post_id, set()) - not_working
    ]


def _holders(session: Session, post_ids: Iterable[int], on: date) -> dict[int, str]:
    rows = session.execute(
        select(Holding.post_id, Person.name)
        .join(Person, Person.id == Holding.person_id)
        .where(Holding.post_id.in_(sorted(set(post_ids))), Holding.from_on <= on)
        .where(or_(Holding.until_on.is_(None), Holding.until_on >= on))
        .order_by(Holding.id)
    )
    return dict(rows.all())


# --- for ged verify -----------------------------------------------------------------------------------------------


def issued_of(session: Session, mail_id: MailId | int) -> tuple[Digest, ...]:
    """Digests of the revisions stored of a letter, in order: what its checker calls issued."""
    rows = select(SignedRevision.digest).where(SignedRevision.mail_id == mail_id).order_by(SignedRevision.sequence)
    return tuple(Digest(digest) for digest in session.scalars(rows))


def issued_letters(session: Session) -> Iterator[tuple[str, tuple[Digest, ...]]]:
    """(label, digests of the stored signed revisions in order) of every letter signed here, for ``ged verify``."""
    revisions: dict[int, list[Digest]] = {}
    for row in session.scalars(select(SignedRevision).order_by(SignedRevision.mail_id, SignedRevision.sequence)):
        revisions.setdefault(row.mail_id, []).append(Digest(row.digest))
    numbers = dict(
        session.execute(
            select(Draft.mail_id, MailNumber.text)
            .join(MailNumber, MailNumber.id == Draft.number_id)
            .where(Draft.mail_id.in_(revisions))
        ).all()
    )
    for mail_id, digests in revisions.items():
        yield f"letter {mail_id} {numbers.get(mail_id, '')}".strip(), tuple(digests)


# --- the letter's own page ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answerable:
    """An incoming letter that may be answered."""

    mail_id: MailId
    number: str
    subject: str
    sender: str


@dataclass(frozen=True)
class AnswerRow:
    """An outgoing letter, as another letter's page names it."""

    mail_id: MailId
    subject: str
    number: str
    state: MailState


@dataclass(frozen=True)
class LetterPanel:
    """What the letter's page shows of the signature book.

    Attributes:
        templates: to begin an answer with; empty when the letter is none that is answered.
        own: the letter itself, when it is an outgoing one.
        answered: the letter that it answers, when the actor may see it.
    """

    mail_id: MailId
    answers: tuple[AnswerRow, ...] = ()
    templates: tuple[TemplateRow, ...] = ()
    own: AnswerRow | None = None
    answered: Answerable | None = None


def answerable(session: Session, mail_id: MailId | int, actor: Actor) -> Answerable:
    """The incoming letter that a draft would answer.

    Raises:
        NotFound: ``mail.unknown``.
    """
    mail = session.get(Mail, mail_id)
    if mail is None:
        raise NotFound("mail.unknown", "check the number", id=int(mail_id))
    access.require(session, mail.id, Confidentiality(mail.level), actor)
    return Answerable(MailId(mail.id), _number(mail), mail.subject, mail.sender_name)


def letter_panel(session: Session, mail_id: MailId | int, actor: Actor) -> LetterPanel | None:
    """The panel of a letter's page; the caller has checked that the actor may see the letter."""
    mail = session.get_one(Mail, mail_id)
    draft = session.get(Draft, mail_id)
    if draft is not None:
        incoming = _visible_incoming(session, draft, actor)
        answered = None
        if incoming is not None:
            answered = Answerable(MailId(incoming.id), _number(incoming), incoming.subject, incoming.sender_name)
        return LetterPanel(MailId(mail.id), own=_answer(draft), answered=answered)
    if mail.direction is not Direction.INCOMING:
        return None
    found = session.scalars(_visible(_drafts().where(Draft.answers_id == mail.id), actor).order_by(Draft.mail_id))
    works = any(post.roles - {Role.ADMINISTRATOR, Role.AUDITOR} for post in actor.posts)
    may_answer = works and mail.state not in (MailState.CLOSED, MailState.VOIDED)
    offered = tuple(templates(session)) if may_answer else ()
    answers = tuple(_answer(one) for one in found)
    return LetterPanel(MailId(mail.id), answers, offered) if answers or offered else None


def _answer(draft: Draft) -> AnswerRow:
    number = draft.number.text if draft.number is not None else ""
    return AnswerRow(MailId(draft.mail_id), draft.mail.subject, number, draft.mail.state)


# --- the mail office ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PrintedRow:
    """A letter signed by hand that waits for its number, or with its number for the scan of the original."""

    mail_id: MailId
    subject: str
    addressee: str
    signatory: str
    number: str
    printed_at: datetime | None


def printed(session: Session, actor: Actor) -> tuple[PrintedRow, ...]:
    """Letters signed by hand of the registers that the actor keeps: to number, then to scan."""
    query = _drafts().where(Draft.way == SignatureWay.INK, Mail.state.in_((MailState.IN_CIRCUIT, MailState.NUMBERED)))
    rows = []
    for draft in session.scalars(_visible(query, actor).order_by(Draft.confirmed_at)):
        if _keeps_register(session, draft, actor):
            number = draft.number.text if draft.number is not None else ""
            rows.append(
                PrintedRow(
                    MailId(draft.mail_id),
                    draft.mail.subject,
                    draft.mail.addressee,
                    f"{draft.confirmed_name}, {draft.confirmed_title}",
                    number,
                    draft.confirmed_at,
                )
            )
    return tuple(rows)
