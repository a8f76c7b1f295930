"""Originals that a unit holds on paper and must pass on: letters for an authority's decision, and imputed letters.

They are grouped by receiving unit. ``ged.slips.transmitting`` makes the slips.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, exists, func, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from ged import access
from ged.counting import MOST_IN_MENU
from ged.db import Among, ByOtherIndex, Unindexed
from ged.org.models import Post, Unit
from ged.org.names import told_apart
from ged.org.tree import heirs_among, with_predecessors
from ged.ports import Confidentiality, MailId, UnitId
from ged.register.models import Direction, Mail, MailNumber
from ged.register.queries import first_number
from ged.register.states import MailState
from ged.routing.models import Assignment
from ged.routing.queries import named
from ged.routing.rights import addressed_to
from ged.routing.states import LIVE
from ged.slips import custody, drafting, refusals
from ged.slips.models import PaperCustody, Slip, SlipLine, SlipTask, TaskState
from ged.slips.refusals import Refusal
from ged.slips.states import ACCEPTED, LineState
from ged.unit import Actor, HeldPost

_ELSEWHERE = (LineState.MISSING, LineState.WRONG_UNIT)
MOST = 200
"""Letters of each kind on one page: a day's work in a large registry. The others are counted, and the filter finds them."""


@dataclass(frozen=True)
class NotArrived:
    """A slip by which an original went and did not come to its receiver.

    Attributes:
        kind: ``LineState.MISSING``, or ``LineState.WRONG_UNIT``: the receiver has the paper and does not want it.
    """

    slip_id: int
    slip_number: str
    receiver: str
    kind: LineState


@dataclass(frozen=True)
class PaperRow:
    """A letter whose original is here and belongs elsewhere.

    Attributes:
        not_arrived: by the register the original is here. The receiver of its last slip said otherwise, and nobody has
            settled that yet: it goes again only when the clerk has it in hand.
        refused: the unit of its group has refused it, and nobody has decided anew: it goes there again only with a reason.
        may_impute: of a refused one, whether the actor may impute it to another unit.
    """

    mail_id: MailId
    number: str
    sender: str
    subject: str
    received_on: date | None
    not_arrived: NotArrived | None = None
    refused: Refusal | None = None
    may_impute: bool = False

    @property
    def asks(self) -> bool:
        """Whether a clerk decides on it by itself: it does not go with the others."""
        return self.not_arrived is not None or self.refused is not None


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
class Papers:
    """A page of the list.

    Attributes:
        groups: by name of the unit.
        units: the units among which the filter chooses, by name: (id, name).
        more: how many letters of the filtered list are not shown, because the page is full.
    """

    groups: tuple[Destination, ...]
    units: list[tuple[int, str]]
    more: int


def destinations(
    session: Session, actor: Actor, *, post: HeldPost, asked: PaperFilter = EVERYTHING
) -> tuple[Destination, ...]:
    """The groups, by name of the unit, with the letters that the actor may see, in the order of registration."""
    return _groups(session, _find(session, actor, post, asked, most=MOST), post, actor)


def page(session: Session, actor: Actor, *, post: HeldPost, asked: PaperFilter = EVERYTHING) -> Papers:
    """``destinations``, with what the page tells beside them.

    To find what waits takes longer than to read it. Without a filter it is found once for the groups and the units.
    """
    found = _find(session, actor, post, EVERYTHING)
    listed = found if asked == EVERYTHING else _find(session, actor, post, asked)
    groups = _groups(session, listed, post, actor)
    units = _names(session, {one.unit_id for one in found})
    return Papers(groups, list(units.items()), len(listed) - sum(len(group.rows) for group in groups))


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
    for is_decision, goes, query in _queries(post, actor):
        narrowed = _of_actor(query.where(*_narrowed(asked, goes, actor)), actor).order_by(Mail.id).limit(most)
        rows = [(mail_id, heirs_among(unit_id, actor.units)[-1]) for mail_id, unit_id in session.execute(narrowed)]
        found += [_Found(is_decision, mail_id, unit_id) for mail_id, unit_id in rows]
    return found


def _groups(session: Session, found: Sequence[_Found], post: HeldPost, actor: Actor) -> tuple[Destination, ...]:
    """The first ``MOST`` letters of each kind, by name of the unit to which they go."""
    shown = [*_first(found, is_decision=True), *_first(found, is_decision=False)]
    rows = _rows(session, {one.mail_id: one.unit_id for one in shown}, post, actor)
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


def _not_arrived(session: Session, mail_ids: Collection[int], here: Collection[int]) -> dict[int, NotArrived]:
    """Letter -> the last slip of its original of which these units must still say where the paper is.

    A problem of a paper that moved since is over, as that of a paper that came back by a slip: the paper was found.
    """
    back = aliased(SlipLine)
    returned = exists().where(back.returns_line_id == SlipLine.id, back.is_original, back.state.in_(ACCEPTED))
    moved = exists().where(PaperCustody.mail_id == SlipLine.mail_id, PaperCustody.since > SlipTask.opened_at)
    rows = session.execute(
        select(SlipLine.mail_id, Slip.id, MailNumber.text, Unit.name, SlipTask.kind)
        .join(SlipLine, SlipLine.id == SlipTask.line_id)
        .join(Slip, Slip.id == SlipTask.slip_id)
        .join(MailNumber, MailNumber.id == Slip.number_id)
        .join(Unit, Unit.id == Slip.receiver_unit_id)
        .where(Among(SlipTask.unit_id, here), SlipTask.state == TaskState.OPEN, SlipTask.kind.in_(_ELSEWHERE))
        .where(Among(SlipLine.mail_id, mail_ids), SlipLine.is_original, ~moved, ~returned)
        .order_by(SlipTask.id)
    )
    return {
        mail_id: NotArrived(slip_id, number, unit, kind)
        for mail_id, slip_id, number, unit, kind in rows
        if mail_id is not None
    }


def _rows(session: Session, goes: Mapping[int, int], post: HeldPost, actor: Actor) -> dict[int, PaperRow]:
    """The rows of letters. ``goes``: letter -> the unit to which it goes."""
    mail_ids = list(goes)
    if not mail_ids:
        return {}
    lacking = _not_arrived(session, mail_ids, _here(post, actor))
    refused = refusals.standing(session, goes, actor)
    theirs = select(Mail.id).where(Mail.id.in_(refused), addressed_to(actor))
    imputable = set(session.scalars(theirs)) if refused else set()
    wanted = select(Mail.id, Mail.sender_name, Mail.level, Mail.subject, Mail.received_on, first_number(Mail.id)).where(
        Mail.id.in_(mail_ids)
    )
    return {
        mail_id: PaperRow(
            MailId(mail_id), number or "", sender, drafting.described(level, subject), received_on, lacking.get(mail_id),
            _as_listed(refused.get(mail_id), level), mail_id in imputable,
        )
        for mail_id, sender, level, subject, received_on, number in session.execute(wanted)
    }  # fmt: skip


def _as_listed(refusal: Refusal | None, level: int) -> Refusal | None:
    """A refusal as the list may tell it: what was written of a confidential letter is no more shown here than its subject."""
    return replace(refusal, remark="") if refusal is not None and level > Confidentiality.ORDINARY else refusal


def _names(session: Session, unit_ids: Collection[int]) -> dict[int, str]:
    if not unit_ids:
        return {}
    wanted = select(Unit.id, Unit.name).where(Unit.id.in_(unit_ids)).order_by(Unit.name, Unit.id)
    return told_apart(session, dict(session.execute(wanted).all()))


def _queries(post: HeldPost, actor: Actor) -> tuple[tuple[bool, InstrumentedAttribute[int], Select[int, int]], ...]:
    """Of both kinds of letters: whether they wait for a decision, the column of the receiving unit, the letters."""
    here = _here(post, actor)
    return ((True, Post.unit_id, _to_decide(here)), (False, Assignment.unit_id, _imputed(here)))


def _here(post: HeldPost, actor: Actor) -> list[int]:
    """The unit of a post and the closed ones before it."""
    return sorted(with_predecessors([post.unit_id], actor.units))


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
    """The statement that counts them over the actor's posts (navigation), at most ``MOST_IN_MENU``."""
    # Each unit by itself, as the page shows it: what one unit of the actor must pass on to another of them waits too.
    units = {post.unit_id: post for post in actor.working_posts}
    return _count([query for post in units.values() for _, _, query in _queries(post, actor)] or [_imputed([])], actor)


def papers(actor: Actor, *narrowed: ColumnElement[bool], most: int) -> Select[int]:
    """The first letters whose originals lie at the actor's units and must be passed on.

    Args:
        narrowed: further conditions on ``Mail``.
        most: how many letters, by their ids.
    """
    units = {post.unit_id: post for post in actor.working_posts}
    asked = [
        _of_actor(compose(_here(post, actor), letter), actor, letter).with_only_columns(letter.id).order_by(letter.id)
        for post in units.values()
        for compose, letter in (
            (_to_decide, _in_order(MailState.TO_IMPUTE, narrowed)),
            (_imputed, _in_order(MailState.ASSIGNED, narrowed)),
        )
    ]
    # Each part by itself up to its limit: PostgreSQL would sort the whole of parts that are put together.
    parts = [select(part.limit(most).subquery().c.id) for part in asked] or [_imputed([]).with_only_columns(Mail.id)]
    lying = union_all(*parts).subquery("lying")
    return select(lying.c.id).order_by(lying.c.id).limit(most)


def _in_order(state: MailState, narrowed: Sequence[ColumnElement[bool]]) -> type[Mail]:
    """Letters of a state, by their ids, so that places and rights are asked of no more letters than are needed.

    The order keeps PostgreSQL from putting them into the statement around, where it would ask all of them. SQLite's index
    of states has this order.
    """
    columns = (Mail.id, Mail.state, Mail.direction, Mail.level, Mail.unit_id, Mail.channel, Mail.addressed_post_id)
    found = select(*columns).where(Mail.state == state, _may_lie(Mail), *narrowed).order_by(Mail.id)
    return aliased(Mail, found.subquery())


def counts_by_unit(session: Session, actor: Actor) -> dict[UnitId, int]:
    """What waits at each unit of the actor's posts, of each at most ``MOST_IN_MENU``; for the choice of a post."""
    units = {post.unit_id: post for post in actor.working_posts}
    asked = {
        unit_id: _count([query for _, _, query in _queries(post, actor)], actor) for unit_id, post in units.items()
    }
    return {unit_id: session.scalar(count) or 0 for unit_id, count in asked.items()}


def _count(asked: Sequence[Select[int, int]], actor: Actor) -> Select[int]:
    # A letter waits for its imputation or is imputed, and lies in one unit: the parts share none.
    first, *others = (_of_actor(query, actor).with_only_columns(Mail.id) for query in asked)
    waiting = first.union_all(*others).limit(MOST_IN_MENU)
    return select(func.count()).select_from(waiting.subquery())


def _to_decide(unit_ids: Sequence[int], letter: type[Mail] = Mail) -> Select[int, int]:
    """Letters that wait for a decision of an authority of another unit than these: a unit and the closed ones before it."""
    return (
        select(letter.id, Post.unit_id)
        .join(Post, Post.id == letter.addressed_post_id)
        .where(letter.state == MailState.TO_IMPUTE, Post.unit_id.not_in(unit_ids), *_lies_in(unit_ids, letter))
    )


def _imputed(unit_ids: Sequence[int], letter: type[Mail] = Mail) -> Select[int, int]:
    """Letters of which another unit than these is in charge. The original goes to the leading unit; others work with the copy."""
    return (
        select(letter.id, Assignment.unit_id)
        .join(Assignment, Assignment.mail_id == letter.id)
        .where(
            # The few assigned letters are found first: assignments of closed letters keep their state.
            letter.state == MailState.ASSIGNED,
            Assignment.is_leading,
            ByOtherIndex(Assignment.parent_id).is_(None),
            ByOtherIndex(Assignment.state).in_(LIVE),
            Assignment.unit_id.not_in(unit_ids),
            *_lies_in(unit_ids, letter),
        )
    )


def _may_lie(letter: type[Mail]) -> ColumnElement[bool]:
    return letter.direction.in_((Direction.INCOMING, Direction.INTERNAL))


def _lies_in(unit_ids: Sequence[int], letter: type[Mail]) -> tuple[ColumnElement[bool], ...]:
    """The original is in one of these units, must be passed on, and is on no slip yet.

    For one letter the same is said by ``custody.has_paper``, ``custody.custody_of`` and ``drafting.carried_by``.
    """
    carried = (
        exists()
        .where(SlipLine.mail_id == letter.id, SlipLine.is_original)
        .where(Slip.id == SlipLine.slip_id, Slip.state.in_(drafting.CARRYING))
    )
    return (
        _may_lie(letter),
        or_(
            exists().where(
                PaperCustody.id == _last_move(letter),
                # The one move is found by its id: an office may have moved a million.
                Unindexed(PaperCustody.unit_id).in_(unit_ids),
                PaperCustody.because != custody.KEPT,
            ),
            and_(
                letter.unit_id.in_(unit_ids),
                letter.channel.not_in(custody.WITHOUT_PAPER),
                # As a row of each letter: PostgreSQL would list the moves of five years for a NOT EXISTS.
                _last_move(letter).is_(None),
            ),
        ),
        ~carried,
    )


def _last_move(letter: type[Mail]) -> ScalarSelect[int]:
    """The last move of a letter's original; NULL while it is where it was registered."""
    last = select(func.max(PaperCustody.id)).where(PaperCustody.mail_id == letter.id)
    return last.correlate(letter).scalar_subquery()


def _of_actor(query: Select[int, int], actor: Actor, letter: type[Mail] = Mail) -> Select[int, int]:
    return query.where(access.visible_clause(letter.id, letter.level, actor.principals))
