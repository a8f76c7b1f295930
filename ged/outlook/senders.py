"""How many letters each correspondent sent in a period, and in the one before."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from ged.counting import composed
from ged.dashboard import breakdown
from ged.db import ByOtherIndex
from ged.figures import queries
from ged.figures.cuts import Cut
from ged.figures.models import FigureKey, FigureLetter
from ged.figures.periods import ONE_DAY, Period
from ged.outlook.ways import entries, may_know
from ged.register.models import Direction, Mail
from ged.unit import Actor

MOST_READ = 600
"""Letters of a period whose senders are read, one by one under the rule of access."""
LENGTHS = (28, 21, 14, 7, 6, 5, 4, 3, 2, 1)
"""Days of what is told of a period with more letters: whole weeks where there is room for them."""
_RECEIVED = "received"


@dataclass(frozen=True)
class Sender:
    """A correspondent with its letters.

    Attributes:
        sender_id: None: a name that was typed, without an entry of a directory.
        letters: in the period.
        before: in the period before.
    """

    sender_id: int | None
    name: str
    letters: int
    before: int


def compared(session: Session, cut: Cut, period: Period, earlier: Period) -> tuple[Period, Period]:
    """The days that are told, and those to compare them with.

    They are both periods. Where one of these has more than ``MOST_READ`` letters, they are the last days of ``period``, and as many days
    before them.
    """
    coming = _coming(cut)
    if all(_received(session, coming, one) <= MOST_READ for one in (period, earlier)):
        return period, earlier
    last, longest = period.until, LENGTHS[0]
    found = queries.by_day(session, coming, last - timedelta(days=2 * longest - 1), last, counted=(_RECEIVED,))
    for days in LENGTHS:
        now = Period(last - timedelta(days=days - 1), last)
        before = Period(now.since - timedelta(days=days), now.since - ONE_DAY)
        sums = [
            sum(counted[_RECEIVED] for day, counted in found.items() if one.since <= day <= one.until)
            for one in (now, before)
        ]
        if days < period.days and max(sums) <= MOST_READ:
            break
    return now, before  # a single day is told whole, however many letters it has


def most_letters(session: Session, actor: Actor, cut: Cut, period: Period, earlier: Period) -> list[Sender]:
    """The correspondents of the letters that came in one of two periods and that the actor may see, those with most letters first.

    Args:
        period, earlier: see ``compared``.
    """
    coming = _coming(cut)
    # Not planned once, as in ``ways.waiting_longest``.
    read = [session.execute(_sent(actor, coming, one)).all() for one in (period, earlier)]
    shown = entries(
        session, {sender_id for rows in read for sender_id, _typed, _letters in rows if sender_id is not None}
    )
    found: dict[tuple[int | None, str], list[int]] = defaultdict(lambda: [0, 0])
    for place, rows in enumerate(read):
        for sender_id, typed, letters in rows:
            entry = (None, typed) if sender_id is None else shown.get(sender_id, (None, typed))
            found[entry][place] += letters
    those = [Sender(sender_id, name, now, before) for (sender_id, name), (now, before) in found.items()]
    return sorted(those, key=lambda one: (-one.letters, -one.before, one.name))


def _coming(cut: Cut) -> Cut:
    """The letters of a cut that came in. Of another direction alone there are none: the condition is asked of each letter as well (``_sent``)."""
    return cut if cut.directions else replace(cut, directions=(Direction.INCOMING,))


def _received(session: Session, cut: Cut, period: Period) -> int:
    counted: Mapping[str, int] = breakdown.totals(session, cut, period, counted=(_RECEIVED,))
    return counted[_RECEIVED]


@composed
def _sent(actor: Actor, cut: Cut, period: Period) -> Select[*tuple[Any, ...]]:
    """(entry of the sender, name that was typed in place of one, letters) of what came in a period."""
    typed = case((Mail.sender_id.is_(None), Mail.sender_name), else_="")
    return (
        select(Mail.sender_id, typed, func.count())
        .select_from(FigureLetter)
        .join(FigureKey, FigureKey.id == ByOtherIndex(FigureLetter.key_id))
        .join(Mail, Mail.id == FigureLetter.mail_id)
        .where(FigureKey.direction == Direction.INCOMING, *cut.clauses(), *may_know(actor, cut))
        .where(FigureLetter.received_on.between(period.since, period.until))
        .group_by(Mail.sender_id, typed)
    )
