"""Originals that a unit holds on paper and must pass on: letters for an authority's decision, and imputed letters.

They are grouped by receiving unit, so that one act makes a slip for each.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ged import access, locks
from ged.db import ByOtherIndex
from ged.errors import GedError, Invalid
from ged.org.keys import OpenedKey
from ged.org.models import Post, Unit
from ged.org.names import told_apart
from ged.org.tree import heirs_among, with_predecessors
from ged.ports import MailId, UnitId
from ged.register.models import Direction, Mail
from ged.register.queries import first_number
from ged.register.states import MailState
from ged.routing.models import Assignment
from ged.routing.queries import named
from ged.routing.states import LIVE
from ged.slips import custody, drafting, operations
from ged.slips.drafting import LineForm, SlipForm
from ged.slips.models import PaperCustody, Slip, SlipLine, SlipPurpose
from ged.slips.operations import Issued
from ged.slips.states import SlipState
from ged.unit import Actor, HeldPost, Services, UnitOfWork

MOST = 300
"""Letters on one page: a day's work in the largest registry."""
MOST_SLIPS = 10
"""Slips of one act: each is typeset and signed while the clerk waits, half a second or more. The key stays open for
five minutes, so the rest follows with one more click.
"""
MOST_COUNTED = 100
"""The navigation counts no further. Each page shows this count, and among many hundreds of originals one takes 7 µs."""
_UNDER_WAY = (SlipState.ISSUING, SlipState.SENT, SlipState.RECEIVING)


@dataclass(frozen=True)
class PaperRow:
    """A letter whose original is here and belongs elsewhere."""

    mail_id: MailId
    number: str
    sender: str
    subject: str
    received_on: date | None


@dataclass(frozen=True)
class Destination:
    """A unit to which papers must go. ``is_decision``: for its authority's imputation; else imputed to the unit."""

    unit_id: UnitId
    unit_name: str
    is_decision: bool
    rows: tuple[PaperRow, ...]

    @property
    def key(self) -> str:
        """The name of the group in forms."""
        return f"{'d' if self.is_decision else 'i'}{self.unit_id}"


@dataclass(frozen=True)
class PaperFilter:
    """What of the list is shown.

    Attributes:
        text: a part of the sender's name, the subject or a number.
        unit_id: the receiving unit.
        mail_ids: only these letters; None: all. What was ticked on a filtered page may stand far down the whole list.
    """

    text: str = ""
    unit_id: int | None = None
    mail_ids: frozenset[int] | None = None


EVERYTHING = PaperFilter()


@dataclass(frozen=True)
class Sent:
    """The result of a group of one act: its slips, or the reason why none was numbered.

    ``is_left``: it was not begun, because the act had made ``MOST_SLIPS`` slips; its letters still wait.
    """

    destination: Destination
    issued: tuple[Issued, ...] = ()
    refusal: GedError | None = None
    is_left: bool = False


def destinations(
    session: Session, actor: Actor, *, post: HeldPost, asked: PaperFilter = EVERYTHING
) -> tuple[Destination, ...]:
    """The groups, by name of the unit, with the letters that the actor may see, in the order of registration."""
    return _groups(session, _find(session, actor, post, asked, most=MOST))


def page(
    session: Session, actor: Actor, *, post: HeldPost, asked: PaperFilter = EVERYTHING
) -> tuple[tuple[Destination, ...], list[tuple[int, str]]]:
    """``destinations``, and the units among which the filter of the page chooses, by name: (id, name).

    To find what waits takes longer than to read it. Without a filter it is found once for both.
    """
    found = _find(session, actor, post, EVERYTHING)
    groups = _groups(session, found) if asked == EVERYTHING else destinations(session, actor, post=post, asked=asked)
    return groups, list(_names(session, {one.unit_id for one in found}).items())


class _Found(NamedTuple):
    """A letter that waits for its slip to a unit."""

    is_decision: bool
    mail_id: int
    unit_id: int


def _find(
    session: Session, actor: Actor, post: HeldPost, asked: PaperFilter, *, most: int | None = None
) -> list[_Found]:
    """What waits at a post for a slip, each kind in the order of registration, ``most`` of each."""
    found: list[_Found] = []
    for is_decision, goes, query in _queries(post):
        narrowed = _of_actor(query.where(*_narrowed(asked, goes, actor)), actor).order_by(Mail.id).limit(most)
        rows = [(mail_id, heirs_among(unit_id, actor.units)[-1]) for mail_id, unit_id in session.execute(narrowed)]
        found += [_Found(is_decision, mail_id, unit_id) for mail_id, unit_id in rows if unit_id != post.unit_id]
    return found


def _groups(session: Session, found: Sequence[_Found]) -> tuple[Destination, ...]:
    """The first ``MOST`` letters of each kind, by name of the unit to which they go."""
    shown = [*_first(found, is_decision=True), *_first(found, is_decision=False)]
    rows = _rows(session, [one.mail_id for one in shown])
    groups: dict[tuple[bool, int], list[PaperRow]] = {}
    for one in shown:
        groups.setdefault((one.is_decision, one.unit_id), []).append(rows[one.mail_id])
    names = _names(session, {unit_id for _, unit_id in groups})
    made = [
        Destination(UnitId(unit_id), names[unit_id], is_decision, tuple(of_group))
        for (is_decision, unit_id), of_group in groups.items()
    ]
    return tuple(sorted(made, key=lambda one: (not one.is_decision, one.unit_name)))


def _first(found: Sequence[_Found], *, is_decision: bool) -> list[_Found]:
    return [one for one in found if one.is_decision == is_decision][:MOST]


def _rows(session: Session, mail_ids: Sequence[int]) -> dict[int, PaperRow]:
    if not mail_ids:
        return {}
    wanted = select(Mail.id, Mail.sender_name, Mail.level, Mail.subject, Mail.received_on, first_number(Mail.id)).where(
        Mail.id.in_(mail_ids)
    )
    return {
        mail_id: PaperRow(MailId(mail_id), number or "", sender, drafting.described(level, subject), received_on)
        for mail_id, sender, level, subject, received_on, number in session.execute(wanted)
    }


def _names(session: Session, unit_ids: Collection[int]) -> dict[int, str]:
    if not unit_ids:
        return {}
    wanted = select(Unit.id, Unit.name).where(Unit.id.in_(unit_ids)).order_by(Unit.name, Unit.id)
    return told_apart(session, dict(session.execute(wanted).all()))


def _queries(post: HeldPost) -> tuple[tuple[bool, InstrumentedAttribute[int], Select[int, int]], ...]:
    """Of both kinds of letters: whether they wait for a decision, the column of the receiving unit, the letters."""
    return (
        (True, Post.unit_id, _to_decide([post.unit_id])),
        (False, Assignment.unit_id, _imputed([post.unit_id])),
    )


def _narrowed(asked: PaperFilter, goes: InstrumentedAttribute[int], actor: Actor) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if asked.unit_id is not None:
        found.append(goes.in_(sorted(with_predecessors([asked.unit_id], actor.units))))
    if asked.text:
        found.append(named(asked.text))
    if asked.mail_ids is not None:
        found.append(Mail.id.in_(sorted(asked.mail_ids)))
    return found


def count_papers(actor: Actor) -> Select[int]:
    """The statement that counts them over the actor's posts (navigation), at most ``MOST_COUNTED``."""
    posts = actor.working_posts
    units = sorted({post.unit_id for post in posts})
    imputed = _of_actor(_imputed(units), actor).with_only_columns(Mail.id)
    decide = _of_actor(_to_decide(units), actor).with_only_columns(Mail.id)
    # A letter waits for its imputation or is imputed, never both: the first hundred need no comparison with each other.
    waiting = imputed.union_all(decide).limit(MOST_COUNTED)
    return select(func.count()).select_from(waiting.subquery())


def send(
    services: Services,
    chosen: Mapping[str, Sequence[int]],
    *,
    post: HeldPost,
    messenger: str,
    key: OpenedKey,
    actor: Actor,
    now: datetime,
) -> tuple[Sent, ...]:
    """Make one slip for each group, of the letters chosen in it. A refused group does not stop the others.

    A letter that left in the meantime is skipped. More letters than fit on a slip make several slips. After
    ``MOST_SLIPS`` slips the rest is left (``Sent.is_left``).

    Args:
        chosen: ids of letters by the key of their group.

    Raises:
        Invalid: ``slip.nothing_chosen``.
    """
    asked = PaperFilter(mail_ids=frozenset(int(one) for ids in chosen.values() for one in ids))
    with services.reading() as session:
        groups = destinations(session, actor, post=post, asked=asked)
    made: list[Sent] = []
    for group in groups:
        wanted = frozenset(chosen.get(group.key, ()))
        lines = [LineForm(mail_id=row.mail_id, is_original=True) for row in group.rows if row.mail_id in wanted]
        for start in range(0, len(lines), drafting.MAX_LINES):
            if len(made) >= MOST_SLIPS:
                made.append(Sent(group, is_left=True))
                break
            form = SlipForm(
                lines=tuple(lines[start : start + drafting.MAX_LINES]),
                receiver_unit_ids=(group.unit_id,),
                purpose=SlipPurpose.FOLLOW_UP if group.is_decision else SlipPurpose.HANDOVER,
                messenger=messenger,
                post_id=post.post_id,
            )
            try:
                made.append(Sent(group, operations.issue(services, form, key=key, actor=actor, now=now)))
            except GedError as refusal:
                made.append(Sent(group, refusal=refusal))
    if not made:
        raise Invalid("slip.nothing_chosen", "tick a letter", field="mail")
    return tuple(made)


def keep_here(uow: UnitOfWork, mail_ids: Sequence[int], *, post: HeldPost, actor: Actor) -> int:
    """Note that the originals of these letters stay with the unit, so that no slip is needed. Returns their number."""
    # Only letters that are here are locked; another clerk may have sent some of them before the lock.
    mails = locks.hold(uow.session, Mail, _here(uow, mail_ids, actor, post))
    here = _here(uow, mail_ids, actor, post)
    kept = [mail for mail in mails if mail.id in here]
    for mail in kept:
        custody.keep(uow, mail.id, actor=actor, post=post)
    return len(kept)


def _here(uow: UnitOfWork, mail_ids: Sequence[int], actor: Actor, post: HeldPost) -> set[int]:
    """Those of these letters whose originals are here."""
    asked = PaperFilter(mail_ids=frozenset(int(one) for one in mail_ids))
    groups = destinations(uow.session, actor, post=post, asked=asked)
    return {int(row.mail_id) for group in groups for row in group.rows}


def _to_decide(unit_ids: Sequence[int]) -> Select[int, int]:
    """Letters that wait for a decision of an authority of another unit."""
    return (
        select(Mail.id, Post.unit_id)
        .join(Post, Post.id == Mail.addressed_post_id)
        .where(Mail.state == MailState.TO_IMPUTE, Post.unit_id.not_in(unit_ids), *_lies_in(unit_ids))
    )


def _imputed(unit_ids: Sequence[int]) -> Select[int, int]:
    """Letters of which another unit is in charge. The original goes to the leading unit; others work with the copy."""
    return (
        select(Mail.id, Assignment.unit_id)
        .join(Assignment, Assignment.mail_id == Mail.id)
        .where(
            # The few assigned letters are found first: assignments of closed letters keep their state.
            Mail.state == MailState.ASSIGNED,
            Assignment.is_leading,
            ByOtherIndex(Assignment.parent_id).is_(None),
            ByOtherIndex(Assignment.state).in_(LIVE),
            Assignment.unit_id.not_in(unit_ids),
            *_lies_in(unit_ids),
        )
    )


def _lies_in(unit_ids: Sequence[int]) -> tuple[ColumnElement[bool], ...]:
    """The original is in one of these units, must be passed on, and is on no slip yet."""
    carried = (
        exists()
        .where(SlipLine.mail_id == Mail.id, SlipLine.is_original)
        .where(Slip.id == SlipLine.slip_id, Slip.state.in_(_UNDER_WAY))
    )
    return (
        Mail.direction.in_((Direction.INCOMING, Direction.INTERNAL)),
        or_(
            exists().where(
                PaperCustody.id == _last_move(),
                PaperCustody.unit_id.in_(unit_ids),
                PaperCustody.because != custody.KEPT,
            ),
            and_(
                Mail.unit_id.in_(unit_ids),
                Mail.channel.not_in(custody.WITHOUT_PAPER),
                ~exists().where(PaperCustody.mail_id == Mail.id),
            ),
        ),
        ~carried,
    )


def _last_move() -> ScalarSelect[int]:
    """The last move of a letter's original; NULL while it is where it was registered."""
    return select(func.max(PaperCustody.id)).where(PaperCustody.mail_id == Mail.id).correlate(Mail).scalar_subquery()


def _of_actor(query: Select[int, int], actor: Actor) -> Select[int, int]:
    return query.where(access.visible_clause(Mail.id, Mail.level, actor.principals))
