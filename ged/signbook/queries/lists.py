"""The signature book of a person: letters that wait for a visa, an opinion or a signature, sent letters, notices."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload, lazyload

from ged.access import visible_clause
from ged.counting import composed, counted
from ged.db import ByOtherIndex, holds
from ged.natures.circuit import Turn
from ged.natures.steps import StepKind
from ged.org.models import Person, Post, Unit
from ged.ports import Confidentiality, MailId, PostId
from ged.register.models import Mail, MailNumber
from ged.register.states import MailState
from ged.routing.queries import Whose
from ged.signbook.models import CircuitAct, CircuitEntry, CircuitStep, Draft, Notice, NoticeKind, SignatureWay
from ged.signbook.queries.names import (
    NONE,
    Refusal,
    all_drafts,
    decides_for,
    names_of,
    refusal_of,
    signs_for,
    turn_for,
    turns_of,
    visible,
)
from ged.unit import Actor

SENT_SHOWN = 50


@dataclass(frozen=True)
class BookFilter:
    """What of a signature book is shown.

    Attributes:
        text: a part of the subject, the addressee, the author's name or the number.
        nature: the code of a nature.
        whose: what waits for the actor's own posts, or for those for which the actor acts; of sent letters, the author.
    """

    text: str = ""
    nature: str = ""
    whose: Whose | None = None


EVERYTHING = BookFilter()


@dataclass(frozen=True)
class Waited:
    """A post that a letter waits for."""

    post_id: PostId
    post: str


@dataclass(frozen=True)
class BookRow:
    """A letter in somebody's signature book.

    ``may_sign``, ``may_visa``: this actor has the power to; a secretary sees the letter and prepares it.
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
    waits_for: tuple[Waited, ...]
    since: datetime
    may_sign: bool = False
    may_visa: bool = False
    failure: str = ""
    refusal: Refusal = NONE


@dataclass(frozen=True)
class NoticeRow:
    """A notice to a person."""

    id: int
    mail_id: MailId
    subject: str
    kind: NoticeKind
    text: str
    by_name: str
    at: datetime


@dataclass(frozen=True)
class SignatureBook:
    """The letters that wait for a person, and the letters that the person sent."""

    visas: tuple[BookRow, ...]
    opinions: tuple[BookRow, ...]
    signatures: tuple[BookRow, ...]
    mine: tuple[BookRow, ...]
    notices: tuple[NoticeRow, ...]


def signature_book(session: Session, actor: Actor, asked_for: BookFilter = EVERYTHING) -> SignatureBook:
    """The letters that wait for the actor's visa, opinion or signature, the sent letters, and unseen notices.

    Notices are shown whatever the filter.
    """
    mine = list(_turns(session, actor, asked_for))
    facts = _Facts(session, [draft for draft, _ in mine])
    asked: dict[StepKind | None, list[BookRow]] = {StepKind.VISA: [], StepKind.OPINION: [], None: []}
    for draft, turn in mine:
        asked[turn.kind].append(_book_row(draft, facts, actor, turn))
    return SignatureBook(
        visas=tuple(asked[StepKind.VISA]),
        opinions=tuple(asked[StepKind.OPINION]),
        signatures=(*asked[None], *_to_sign_again(session, actor, asked_for)),
        mine=_sent(session, actor, asked_for),
        notices=_notices(session, actor),
    )


def waiting_count(session: Session, actor: Actor) -> int:
    """How many letters wait for the actor's visa, opinion or signature (for the navigation)."""
    return sum(turn_for(draft, actor) is not None for draft in _in_circuit(session, actor))


def count_in_circuit(actor: Actor) -> Select[int]:
    """The statement that counts the letters among which ``waiting_count`` looks."""
    query = select(func.count()).select_from(Draft).join(Mail, Mail.id == Draft.mail_id).where(_passes(actor))
    return query.where(visible_clause(Mail.id, Mail.level, actor.principals))


def came_back() -> ColumnElement[bool]:
    """Of an act (``CircuitEntry``): it is the refusal by which a draft is with its author again.

    It stands until the draft is handed in again, refused again, or taken back by its author.
    """
    later = aliased(CircuitEntry)
    ends = (CircuitAct.REFUSE, CircuitAct.SUBMIT, CircuitAct.RECALL)
    acted = exists().where(
        later.mail_id == CircuitEntry.mail_id, later.id > CircuitEntry.id, later.act.in_(ends),
        later.cancelled_at.is_(None),
    )  # fmt: skip
    return and_(CircuitEntry.act == CircuitAct.REFUSE, CircuitEntry.cancelled_at.is_(None), ~acted)


def count_returned(actor: Actor) -> Select[int]:
    """The statement that counts the actor's drafts that came back with a reason and were not handed in again."""
    refused = exists().where(CircuitEntry.mail_id == Draft.mail_id, came_back())
    query = select(func.count()).select_from(Draft).join(Mail, Mail.id == Draft.mail_id)
    seen = visible_clause(Mail.id, Mail.level, actor.principals)
    return query.where(_written_by(actor), Mail.state == MailState.DRAFT, refused, seen)


def returned_count(session: Session, actor: Actor) -> int:
    """How many drafts of the actor's came back with a reason, and wait to be corrected."""
    return counted(session, actor, (count_returned,))[0]


def to_visa(session: Session, actor: Actor, asked_for: BookFilter = EVERYTHING) -> tuple[MailId, ...]:
    """The letters that wait for the actor's own decision about a visa, in the order of the signature book as filtered."""
    return tuple(
        MailId(draft.mail_id)
        for draft, turn in _turns(session, actor, asked_for)
        if turn.kind is StepKind.VISA and decides_for(draft, actor, turn.post_id)
    )


def _turns(session: Session, actor: Actor, asked_for: BookFilter) -> Iterator[tuple[Draft, Turn]]:
    """The letters that wait for the actor, with what is asked."""
    for draft in _in_circuit(session, actor, asked_for):
        turn = turn_for(draft, actor)
        if turn is not None and _is_of(actor, turn.post_id, asked_for.whose):
            yield draft, turn


def _is_of(actor: Actor, post_id: int, whose: Whose | None) -> bool:
    """Whether a post is one that the actor holds, or one for which the actor acts, as asked."""
    held = actor.holds(post_id) if whose is not None else None
    return whose is None or (held is not None and (held.because == "holder") is (whose is Whose.MINE))


def _narrowed(asked_for: BookFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if asked_for.nature:
        found.append(Mail.nature == asked_for.nature)
    if asked_for.text:
        author = exists().where(Person.id == Mail.author_person_id, holds(Person.name, asked_for.text))
        numbered = exists().where(
            MailNumber.mail_id == Mail.id, MailNumber.text.icontains(asked_for.text, autoescape=True)
        )  # fmt: skip
        texts = (holds(one, asked_for.text) for one in (Mail.subject, Mail.addressee))
        found.append(or_(*texts, author, numbered))
    return found


def subjects(session: Session, mail_ids: Iterable[int], actor: Actor) -> dict[int, tuple[str, str]]:
    """The subject and the addressee of those of these letters that the actor may see, by id."""
    query = select(Mail.id, Mail.subject, Mail.addressee).where(Mail.id.in_(sorted(mail_ids)))
    found = session.execute(query.where(visible_clause(Mail.id, Mail.level, actor.principals)))
    return {mail_id: (subject, addressee) for mail_id, subject, addressee in found}


def _written_by(actor: Actor) -> ColumnElement[bool]:
    # The few letters that are not sent yet are found by their state, not among all that the actor ever wrote.
    person, post = ByOtherIndex(Mail.author_person_id), ByOtherIndex(Mail.author_post_id)
    return or_(person == actor.person_id, post.in_(sorted(actor.post_ids)))


def to_sign_count(session: Session, actor: Actor) -> int:
    """How many letters wait for a signature that the actor has the power to give."""
    found = ((draft, turn_for(draft, actor)) for draft in _in_circuit(session, actor))
    return sum(
        turn is not None and turn.is_signature and signs_for(draft, actor, turn.post_id) for draft, turn in found
    )


def _in_circuit(session: Session, actor: Actor, asked_for: BookFilter = EVERYTHING) -> list[Draft]:
    """Letters with a post of the actor in their circuit; ``turn_for`` then decides the turn."""
    return list(session.scalars(_circulating(actor, asked_for)).unique())


@composed
def _circulating(actor: Actor, asked_for: BookFilter) -> Select[Draft]:
    """The statement of ``_in_circuit``."""
    query = all_drafts().where(_passes(actor), *_narrowed(asked_for))
    # A letter in the circuit has no number yet, and no sender: do not load them.
    bare = contains_eager(Draft.mail).options(lazyload(Mail.sender), lazyload(Mail.numbers))
    # Steps and entries are a handful each: one statement, which every page counts, instead of two.
    both = (joinedload(Draft.steps), joinedload(Draft.entries))
    return visible(query, actor).order_by(Draft.submitted_at, Draft.mail_id).options(bare, *both)


def _passes(actor: Actor) -> ColumnElement[bool]:
    """Whether a letter is in its circuit, and a post of the actor is in this circuit."""
    posts = sorted(actor.post_ids)
    step = exists().where(CircuitStep.mail_id == Draft.mail_id, CircuitStep.post_id.in_(posts))
    signs = Draft.signatory_post_id.in_(posts)
    return and_(Mail.state == MailState.IN_CIRCUIT, Draft.way.is_(None), or_(step, signs))


def _to_sign_again(session: Session, actor: Actor, asked_for: BookFilter) -> list[BookRow]:
    query = all_drafts().where(
        Mail.state == MailState.NUMBERED,
        Draft.way == SignatureWay.DIGITAL,
        # The few numbered letters are found by their state, not among all that the actor ever signed.
        ByOtherIndex(Draft.signatory_post_id).in_(sorted(actor.post_ids)),
        *_narrowed(asked_for),
    )
    found = session.scalars(visible(query, actor).order_by(Draft.confirmed_at))
    drafts = [one for one in found if _is_of(actor, one.signatory_post_id or 0, asked_for.whose)]
    facts = _Facts(session, drafts)
    return [_book_row(draft, facts, actor, Turn(PostId(draft.signatory_post_id or 0), None)) for draft in drafts]


def _sent(session: Session, actor: Actor, asked_for: BookFilter) -> tuple[BookRow, ...]:
    query = all_drafts().where(
        _written_by(actor),
        Mail.state.in_((MailState.DRAFT, MailState.IN_CIRCUIT, MailState.NUMBERED, MailState.SIGNED)),
        *_narrowed(asked_for),
    )
    if asked_for.whose is not None:
        other = Mail.author_person_id.is_distinct_from(actor.person_id)
        query = query.where(~other if asked_for.whose is Whose.MINE else other)
    drafts = list(session.scalars(visible(query, actor).order_by(Draft.mail_id.desc()).limit(SENT_SHOWN)))
    facts = _Facts(session, drafts)
    return tuple(_book_row(draft, facts, actor, turn_for(draft, actor)) for draft in drafts)


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
    """Names for the rows, read once for a whole list."""

    def __init__(self, session: Session, drafts: Iterable[Draft]) -> None:
        mails = [draft.mail for draft in drafts]
        people = {mail.author_person_id for mail in mails if mail.author_person_id is not None}
        self.people = names_of(session, Person, Person.name, people)
        self.units = names_of(session, Unit, Unit.name, {mail.unit_id for mail in mails})
        posts = {d.signatory_post_id for d in drafts} | {step.post_id for d in drafts for step in d.steps}
        self.posts = names_of(session, Post, Post.title, {p for p in posts if p is not None})


def _book_row(draft: Draft, facts: _Facts, actor: Actor, turn: Turn | None) -> BookRow:
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
        waits_for=tuple(Waited(one.post_id, facts.posts.get(one.post_id, "")) for one in turns_of(draft)),
        since=draft.submitted_at or mail.created_at,
        may_sign=turn is not None and turn.is_signature and signs_for(draft, actor, turn.post_id),
        may_visa=turn is not None and turn.kind is StepKind.VISA and decides_for(draft, actor, turn.post_id),
        failure=draft.failure,
        refusal=refusal_of(draft),
    )
