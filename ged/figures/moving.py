"""What the register says of the ways of letters between units: who gave each of them to whom, and which ones go round.

Only the way of the work counts: the leading unit of each decision, those to which it passed the letter on for action, and the returns to who
had given it. Copies for information are no move, nor is a letter given to a post of the same unit.
"""

from datetime import date
from typing import Any

from sqlalchemy import CTE, Select, and_, func, literal_column, or_, select, union_all
from sqlalchemy.orm import aliased

from ged.figures.counted import CountedRegister, Which
from ged.figures.days import local_day
from ged.figures.models import FigureMove, FigureRound
from ged.org.models import Post
from ged.register.models import Mail, MailNumber
from ged.register.states import MailState
from ged.routing.models import Assignment
from ged.routing.states import AssignmentState
from ged.routing.undoing import gives_nothing

FEWEST_ROUNDS = 2
"""Times that a letter came back to units which had had it before, from which on it is said to go round."""


def moves(register: CountedRegister, which: Which) -> Select[int, int, int, date]:
    """``mail_id``, ``from_unit_id``, ``to_unit_id``, ``day``: once for each letter and two units, on the last day on which it moved so."""
    found = events(which)
    day = func.max(local_day(register.session, register.zone)(found.c.at))
    return select(
        found.c.mail_id, found.c.from_unit_id, found.c.to_unit_id, day.label("day")
    ).group_by(found.c.mail_id, found.c.from_unit_id, found.c.to_unit_id)  # fmt: skip


def rounds(register: CountedRegister, which: Which) -> Select[int, int, date]:
    """``mail_id``, ``times``, ``last_on`` of the letters that go round: how often each came back, and the day on which it moved last.

    The stays of a letter are the unit that gave it first and then each unit that it moved to. Each stay in a unit that had it before is a
    coming back.
    """
    found = events(which)
    order = func.row_number().over(partition_by=found.c.mail_id, order_by=(found.c.at, found.c.place))
    ordered = select(found, order.label("n")).cte("in_order")
    stays = union_all(
        select(ordered.c.mail_id, ordered.c.n, ordered.c.to_unit_id.label("unit_id"), ordered.c.at),
        select(ordered.c.mail_id, literal_column("0"), ordered.c.from_unit_id, ordered.c.at).where(ordered.c.n == 1),
    ).subquery("stays")
    before = func.lag(stays.c.unit_id).over(partition_by=stays.c.mail_id, order_by=stays.c.n)
    seen = select(stays, before.label("before")).subquery("seen")
    times = func.count() - func.count(seen.c.unit_id.distinct())
    day = func.max(local_day(register.session, register.zone)(seen.c.at))
    return (
        select(seen.c.mail_id, times.label("times"), day.label("last_on"))
        .where(or_(seen.c.before.is_(None), seen.c.before != seen.c.unit_id))
        .group_by(seen.c.mail_id)
        .having(times >= FEWEST_ROUNDS)
    )


def stored_moves(which: Which) -> Select[int, int, int, date]:
    """The moves as they are counted, with the columns of ``moves``."""
    return select(FigureMove.mail_id, FigureMove.from_unit_id, FigureMove.to_unit_id, FigureMove.day).where(
        which(FigureMove.mail_id)
    )


def stored_rounds(which: Which) -> Select[int, int, date]:
    """The letters that go round as they are counted, with the columns of ``rounds``."""
    return select(FigureRound.mail_id, FigureRound.times, FigureRound.last_on).where(which(FigureRound.mail_id))


def events(which: Which) -> CTE:
    """``mail_id``, ``from_unit_id``, ``to_unit_id``, ``at``, ``place``: each move and each return. ``place`` tells events of one moment apart."""
    row, above, by = aliased(Assignment), aliased(Assignment), aliased(Post)
    giver = func.coalesce(above.unit_id, by.unit_id)
    is_numbered = select(MailNumber.id).where(MailNumber.mail_id == Mail.id).exists()
    stands = (
        which(Mail.id), Mail.state != MailState.VOIDED, is_numbered, row.is_leading, ~gives_nothing(row),
        giver != row.unit_id,
    )  # fmt: skip

    def of(source: Any, target: Any, at: Any, place: Any) -> Select[Any]:
        return (
            select(
                row.mail_id.label("mail_id"), source.label("from_unit_id"), target.label("to_unit_id"), at.label("at"),
                place.label("place"),
            )
            .join(Mail, Mail.id == row.mail_id)
            .join(by, by.id == row.assigned_by_post_id)
            .outerjoin(above, above.id == row.parent_id)
            .where(*stands)
        )  # fmt: skip

    given = of(giver, row.unit_id, row.assigned_at, row.id * 2)
    back = of(row.unit_id, giver, row.finished_at, row.id * 2 + 1).where(
        and_(row.state == AssignmentState.RETURNED, row.finished_at.is_not(None))
    )
    return union_all(given, back).cte("events").prefix_with("MATERIALIZED")
