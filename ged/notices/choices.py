"""Each person's choice by which way an occasion is told by e-mail."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ged import locks
from ged.errors import Invalid
from ged.notices.models import NoticeChoice, Occasion, Way
from ged.org.models import Person
from ged.schema import is_opened
from ged.unit import Actor, UnitOfWork

DEFAULTS: Mapping[Occasion, Way] = {
    Occasion.ASSIGNED: Way.DIGEST,
    Occasion.RETURNED: Way.AT_ONCE,
    Occasion.TO_SIGN: Way.AT_ONCE,
    Occasion.DUE_SOON: Way.DIGEST,
    Occasion.LATE: Way.DIGEST,
    Occasion.ANSWERED: Way.DIGEST,
    Occasion.DELEGATED: Way.AT_ONCE,
    Occasion.ACCOUNT: Way.AT_ONCE,
    Occasion.CHANGE_REFUSED: Way.AT_ONCE,
    Occasion.SECOND_STEP: Way.AT_ONCE,
    Occasion.EXCEPTION: Way.AT_ONCE,
    Occasion.DISPOSAL: Way.DIGEST,
    Occasion.SUPERVISES: Way.AT_ONCE,
    Occasion.MORNING: Way.NONE,
}
"""What holds until a person chooses: what somebody waits for at once, the rest in the morning. The morning's point is
written to who asks for it."""

ALWAYS = frozenset(
    {Occasion.ACCOUNT, Occasion.CHANGE_REFUSED, Occasion.SECOND_STEP, Occasion.EXCEPTION, Occasion.SUPERVISES}
)
"""Told by e-mail whatever a person chose: what somebody else does unseen would be worth hiding; an act by name comes once."""
CHOSEN = tuple(occasion for occasion in DEFAULTS if occasion not in ALWAYS)
OPENED_BY = dict.fromkeys(
    (
        Occasion.ACCOUNT, Occasion.CHANGE_REFUSED, Occasion.SECOND_STEP, Occasion.EXCEPTION, Occasion.DISPOSAL,
        Occasion.SUPERVISES, Occasion.MORNING,
    ),
    "0191",
)  # fmt: skip
"""The contraction from which on an occasion is stored: the release before cannot read it."""


def offered(occasion: Occasion) -> tuple[Way, ...]:
    """The ways among which a person chooses for an occasion. The morning's point is of the morning, or not written."""
    return (Way.DIGEST, Way.NONE) if occasion is Occasion.MORNING else tuple(Way)


def chosen_now(session: Session) -> tuple[Occasion, ...]:
    """The occasions of ``CHOSEN`` whose choice may be stored by now."""
    return tuple(one for one in CHOSEN if one is not Occasion.MORNING or is_opened(session, OPENED_BY[one]))


def who_chose(session: Session, occasion: Occasion, way: Way) -> Sequence[int]:
    """The people who chose a way that is not the default."""
    rows = select(NoticeChoice.person_id).where(NoticeChoice.occasion == occasion, NoticeChoice.way == way)
    return session.scalars(rows.order_by(NoticeChoice.person_id)).all()


def ways_of(session: Session, person_ids: Collection[int]) -> dict[int, dict[Occasion, Way]]:
    """The ways of all occasions, for each of these people."""
    found = {person_id: dict(DEFAULTS) for person_id in person_ids}
    rows = session.scalars(select(NoticeChoice).where(NoticeChoice.person_id.in_(sorted(person_ids))))
    for row in rows:
        if row.occasion not in ALWAYS:
            found[row.person_id][row.occasion] = row.way
    return found


def choose(uow: UnitOfWork, ways: Mapping[Occasion, Way], *, actor: Actor) -> None:
    """Store the actor's choices; an occasion that is not named keeps its way, and those of ``ALWAYS`` have no choice.

    Raises:
        Invalid: ``form.unknown_choice``: a way that is not ``offered``, or an occasion that is not opened yet.
    """
    may = chosen_now(uow.session)
    for occasion, way in ways.items():
        if occasion in CHOSEN and (occasion not in may or way not in offered(occasion)):
            raise Invalid("form.unknown_choice", "choose from the list", field=occasion.value)
    # The lock serialises two windows of the same person.
    locks.hold(uow.session, Person, [actor.person_id])
    new = ways_of(uow.session, [int(actor.person_id)])[int(actor.person_id)]
    new |= {occasion: way for occasion, way in ways.items() if occasion not in ALWAYS}
    uow.session.execute(delete(NoticeChoice).where(NoticeChoice.person_id == actor.person_id))
    uow.session.add_all(
        NoticeChoice(person_id=actor.person_id, occasion=occasion, way=way)
        for occasion, way in sorted(new.items())
        if way is not DEFAULTS[occasion]
    )
    ways_by_occasion = {occasion.value: way.value for occasion, way in sorted(new.items())}
    uow.record("notices.chosen", "person", actor.person_id, actor=actor, ways=ways_by_occasion)
