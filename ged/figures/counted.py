"""What the register says of letters: the rows of ``figure_letters`` and ``figure_returns`` as they must be now.

Two statements over any number of letters. Nothing here depends on what was counted before.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    CTE,
    BigInteger,
    Date,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.elements import ColumnElement

from ged.access import MailAccess
from ged.db import ByOtherIndex
from ged.dispatch.models import DispatchLine
from ged.figures.days import day_after, hour_of_week, local_day
from ged.figures.models import FigureDay, FigureKey, FigureLetter, FigureReturn
from ged.figures.stages import SPANS, UNTOLD, delay_of
from ged.ports import Confidentiality, Principal, heading_principal, unit_principal
from ged.register.models import Direction, Mail, MailNumber
from ged.register.states import MailState
from ged.routing.models import Assignment, Imputation
from ged.routing.states import AssignmentState
from ged.routing.undoing import gives_nothing, is_undone
from ged.signbook.models import Draft
from ged.takeover.models import TakenLetter

KEY = ("unit_id", "register_id", "direction", "nature", "channel", "priority", "level")
# By the ends of their names: a column of a day ends with "_on", a column of a delay begins with "to_".
DAYS = tuple(one.name for one in FigureLetter.__table__.columns if one.name.endswith("_on"))
DELAY_COLUMNS = tuple(one.name for one in FigureLetter.__table__.columns if one.name.startswith("to_"))
HOUR = "numbered_hour"
WAITS = (MailState.TO_IMPUTE, MailState.ASSIGNED, MailState.NUMBERED, MailState.SIGNED)
"""States of a letter with a number of which something is still to be done: to be answered, or to leave."""

Which = Callable[[Any], ColumnElement[bool]]
"""Which letters: a condition on the column with their ids."""


@dataclass(frozen=True)
class Chosen:
    """A condition on the column with the ids of letters (``Which``), and what makes it.

    Attributes:
        made: what makes the condition of a column and of ``values``.
        values: name -> value. Statements with conditions of one ``made`` differ in these alone.
    """

    made: Callable[..., ColumnElement[bool]]
    values: Mapping[str, int | list[int]]

    def __call__(self, column: Any) -> ColumnElement[bool]:
        """The condition with its values."""
        return self.made(column, **self.values)

    def unsaid(self) -> Which:
        """The condition without its values: a statement with it is executed with ``said``."""
        given = {
            name: bindparam(f"chosen_{name}", type_=BigInteger, expanding=isinstance(value, list))
            for name, value in self.values.items()
        }
        return lambda column: self.made(column, **given)

    @property
    def said(self) -> dict[str, int | list[int]]:
        """The values, as the parameters of a statement with ``unsaid``."""
        return {f"chosen_{name}": value for name, value in self.values.items()}


def among(mail_ids: Collection[int]) -> Chosen:
    """These letters."""
    return Chosen(_among, {"wanted": sorted(mail_ids)})


def between(after: int, upto: int) -> Chosen:
    """The letters with an id above the first and not above the second."""
    return Chosen(_between, {"after": after, "upto": upto})


def _among(column: Any, wanted: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column.in_(wanted)
    return found


def _between(column: Any, after: Any, upto: Any) -> ColumnElement[bool]:
    return and_(column > after, column <= upto)


@dataclass(frozen=True)
class CountedRegister:
    """The register as it is counted: a session and the time zone of its days."""

    session: Session
    zone: ZoneInfo

    def letters(self, which: Which) -> Select[Any]:
        """One row for each letter with a number: ``mail_id``, the columns of ``KEY``, ``DAYS``, ``HOUR`` and ``DELAY_COLUMNS``.

        A delay is the number of working days after its first day until its last day. It is NULL where one of them is
        missing, lies outside of the calendar, or the last is before the first (a letter that was re-dated since).
        """
        life = _once(self._life(which), "life")
        query = select(life.c.mail_id, *(life.c[name] for name in (*KEY, *DAYS, HOUR)))
        joined: Any = life
        delays: dict[str, ColumnElement[int | None]] = {}
        for stage, (first, last) in SPANS.items():
            since, until = aliased(FigureDay), aliased(FigureDay)
            joined = joined.outerjoin(since, since.day == life.c[first]).outerjoin(until, until.day == life.c[last])
            delays[delay_of(stage)] = case((life.c[last] >= life.c[first], until.worked - since.worked))
        return query.add_columns(*(delays[name].label(name) for name in DELAY_COLUMNS)).select_from(joined)

    def returns(self, which: Which) -> Select[int, date, int]:
        """``mail_id``, ``day``, ``times``: the letters that their leading units returned."""
        day = local_day(self.session, self.zone)(Assignment.finished_at)
        return (
            select(Assignment.mail_id, day.label("day"), func.count().label("times"))
            .join(Mail, Mail.id == Assignment.mail_id)
            .where(which(Mail.id), _leads(), ByOtherIndex(Assignment.state) == AssignmentState.RETURNED)
            .where(Mail.state != MailState.VOIDED, self._is_numbered())
            .group_by(Assignment.mail_id, day)
        )

    def _is_numbered(self) -> ColumnElement[bool]:
        return select(MailNumber.id).where(MailNumber.mail_id == Mail.id).exists()

    def _life(self, which: Which) -> Select[Any]:
        """The letters with their days, those on which they are opened, end and fall due included."""
        acts = _once(self._acts(which), "acts")
        c, leaves = acts.c, acts.c.direction == Direction.OUTGOING
        is_none = or_(c.is_taken.is_not(None), c.state == MailState.VOIDED)
        opened = case((is_none, null()), (leaves, c.numbered_on), else_=c.received_on)
        done = case((leaves, c.dispatched_on), else_=c.answered_on)
        ended = case(
            (c.state.in_(WAITS), null()),
            (c.state == MailState.CLOSED, func.coalesce(_earlier(done, c.closed_on), c.closed_on)),
            else_=func.coalesce(done, c.numbered_on),
        )
        is_open = opened.is_not(None)
        dated = select(
            *(one for one in c if one.name not in ("state", "is_taken", "due_on")),
            _typed(opened).label("opened_on"),
            _typed(case((is_open, _later(ended, opened)))).label("ended_on"),
            _typed(_later(day_after(self.session)(c.due_on), opened)).label("late_on"),
        )
        lives = _once(dated, "told")
        falls = and_(lives.c.late_on.is_not(None), or_(lives.c.ended_on.is_(None), lives.c.late_on < lives.c.ended_on))
        return select(
            *(one for one in lives.c if one.name != "late_on"),
            func.coalesce(lives.c.assigned_on, lives.c.imputed_on).label("given_on"),
            _typed(case((falls, lives.c.late_on))).label("fell_due_on"),
        )

    def _acts(self, which: Which) -> Select[*tuple[Any, ...]]:
        """The letters with the days of their acts. A voided letter keeps the day of its number and of its voiding alone."""
        day, hour = local_day(self.session, self.zone), hour_of_week(self.session, self.zone)
        number = aliased(MailNumber)
        first = select(func.min(number.id)).where(number.mail_id == Mail.id).correlate(Mail).scalar_subquery()
        stands, is_void = Mail.state != MailState.VOIDED, Mail.state == MailState.VOIDED
        is_in, is_out = Mail.direction != Direction.OUTGOING, Draft.mail_id.is_not(None)
        is_own, same_day = TakenLetter.mail_id.is_(None), day(MailNumber.registered_at) == MailNumber.registered_on
        answered = Mail.state.in_((MailState.ANSWERED, MailState.CLOSED))
        sent = Mail.state.in_((MailState.DISPATCHED, MailState.CLOSED))

        def of(condition: ColumnElement[bool], value: Any, name: str) -> ColumnElement[date | None]:
            return _typed(case((and_(stands, condition), value))).label(name)

        decided = select(func.min(Imputation.decided_at)).where(Imputation.mail_id == Mail.id, ~is_undone())
        given = select(func.min(Assignment.assigned_at)).where(
            Assignment.mail_id == Mail.id, Assignment.parent_id.is_not(None), ~gives_nothing()
        )
        done = select(func.max(Assignment.finished_at)).where(
            Assignment.mail_id == Mail.id, _leads(), Assignment.state == AssignmentState.DONE
        )
        left = select(func.max(DispatchLine.left_at)).where(DispatchLine.mail_id == Mail.id)
        always = true()
        return (
            select(
                Mail.id.label("mail_id"),
                _unit().label("unit_id"),
                MailNumber.register_id,
                Mail.direction,
                Mail.nature,
                Mail.channel,
                Mail.priority,
                _told_level(),
                Mail.state,
                Mail.due_on,
                TakenLetter.mail_id.label("is_taken"),
                MailNumber.registered_on.label("numbered_on"),
                case((and_(stands, is_own, same_day), hour(MailNumber.registered_at))).label(HOUR),
                _typed(case((is_void, func.coalesce(day(MailNumber.voided_at), MailNumber.registered_on)))).label(
                    "voided_on"
                ),
                of(is_in, func.coalesce(Mail.received_on, MailNumber.registered_on), "received_on"),
                of(always, day(decided.correlate(Mail).scalar_subquery()), "imputed_on"),
                of(always, day(given.correlate(Mail).scalar_subquery()), "assigned_on"),
                of(answered, day(done.correlate(Mail).scalar_subquery()), "answered_on"),
                of(Mail.state == MailState.CLOSED, day(Mail.closed_at), "closed_on"),
                of(is_out, day(Mail.created_at), "begun_on"),
                of(always, day(Draft.signed_at), "signed_on"),
                of(sent, day(left.correlate(Mail).scalar_subquery()), "dispatched_on"),
            )
            .select_from(Mail)
            .join(MailNumber, MailNumber.id == first)
            .outerjoin(Draft, Draft.mail_id == Mail.id)
            .outerjoin(TakenLetter, TakenLetter.mail_id == Mail.id)
            .where(which(Mail.id))
        )


def stored_letters(which: Which) -> Select[Any]:
    """The letters as they are counted, with the columns of ``CountedRegister.letters``."""
    return (
        select(
            FigureLetter.mail_id,
            *(getattr(FigureKey, name) for name in KEY),
            *(getattr(FigureLetter, name) for name in (*DAYS, HOUR, *DELAY_COLUMNS)),
        )
        .join(FigureKey, FigureKey.id == FigureLetter.key_id)
        .where(which(FigureLetter.mail_id))
    )


def stored_returns(which: Which) -> Select[int, date, int]:
    """The returns as they are counted, with the columns of ``CountedRegister.returns``."""
    return select(FigureReturn.mail_id, FigureReturn.day, FigureReturn.times).where(which(FigureReturn.mail_id))


def _once(rows: Select[*tuple[Any, ...]], name: str) -> CTE:
    """Rows that the database makes once. SQLite would put their expressions, with the queries in them, wherever they are named."""
    return rows.cte(name).prefix_with("MATERIALIZED")


def _leads() -> ColumnElement[bool]:
    """Whether an assignment is that of the leading unit, given by a decision that stands."""
    return and_(Assignment.is_leading, ByOtherIndex(Assignment.parent_id).is_(None), ~gives_nothing())


def _unit() -> ColumnElement[int]:
    """The unit that has a letter; before a decision, the unit that registered it."""
    return func.coalesce(Mail.responsible_unit_id, Mail.unit_id)


def heads_rights(level: Confidentiality) -> Sequence[Callable[[int], Principal]]:
    """The rights of a unit's heads: by each of them whoever heads the unit, and is cleared, may see a letter of a level.

    The rights of the rule of access (``ged.access``) make the level of a letter's key, and by the key ``ged.outlook.loads`` tells who may see the letter.
    """
    return (unit_principal, heading_principal) if level is Confidentiality.ORDINARY else (unit_principal,)


def _rights_of_heads(unit: ColumnElement[str]) -> Iterator[ColumnElement[Any]]:
    """The principals of ``heads_rights`` for a letter's level and the id of its unit, NULL for a level without the right."""
    for right in dict.fromkeys(one for level in Confidentiality for one in heads_rights(level)):
        levels = [level for level in Confidentiality if right in heads_rights(level)]
        # A principal begins with its kind, and the id of the unit follows.
        principal = literal(right(0).removesuffix("0")).concat(unit)
        is_of_all = len(levels) == len(Confidentiality)
        yield principal if is_of_all else case((or_(*(Mail.level == int(one) for one in levels)), principal))


def _told_level() -> ColumnElement[int]:
    """The letter's level; ``UNTOLD`` of a letter that the heads of its own unit may not see.

    Such is the letter of a sealed envelope until its addressee gives it to a unit, and a confidential letter that was given
    to one post. So whoever heads a unit, and is cleared, may see each letter in the cells of the unit up to a level.
    """
    right = MailAccess.principal.in_(list(_rights_of_heads(cast(_unit(), String))))
    heads_may_see = select(MailAccess.mail_id).where(MailAccess.mail_id == Mail.id, right).exists()
    return case((heads_may_see, Mail.level), else_=literal(UNTOLD)).label("level")


def _typed(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column of days. PostgreSQL takes a CASE of NULL alone as a text."""
    value.type = Date()
    return value


def _later(one: Any, other: Any) -> ColumnElement[Any]:
    """The later of two days; NULL when one is."""
    return case((one >= other, one), (other > one, other))


def _earlier(one: Any, other: Any) -> ColumnElement[Any]:
    """The earlier of two days; NULL when one is."""
    return case((one <= other, one), (other < one, other))
