"""An imputation as if it had never been: what stood before it is kept with it, and can be restored.

Whether it may be taken back is decided in ``ged.followup.undoing``, which also sees notes and slips.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from ged import access
from ged.access import Because, Right
from ged.ports import Principal
from ged.register.models import Mail
from ged.register.states import MailAct, MailState
from ged.register.states import move as move_mail
from ged.routing import calendar, due, states
from ged.routing.deadlines import add_working_days
from ged.routing.due import Basis
from ged.routing.models import Assignment, Imputation, UndoneImputation
from ged.routing.states import LIVE, AssignmentAct, AssignmentState
from ged.unit import UnitOfWork

REASONS = (Because.IMPUTED, Because.ASSIGNED)
"""The rights that an imputation gives or withdraws."""
_UNDO = {
    MailState.TO_IMPUTE: MailAct.UNDO_IMPUTE,
    MailState.ASSIGNED: MailAct.UNDO_REIMPUTE,
    MailState.ANSWERED: MailAct.UNDO_AFTER_ANSWER,
}
_RESTORE = {AssignmentState.OPEN: AssignmentAct.RESTORE, AssignmentState.TAKEN: AssignmentAct.RESTORE_TAKEN}


@dataclass(frozen=True)
class Before:
    """A letter before a decision.

    Attributes:
        basis: its date, with the origin of the date.
        live: its waiting assignments by id, which the decision replaced.
        rights: those that imputations and assignments gave.
    """

    state: MailState
    responsible_unit_id: int | None
    basis: Basis
    live: dict[int, AssignmentState]
    rights: list[Right]

    @classmethod
    def of(cls, session: Session, mail: Mail) -> Self:
        """The letter now; the caller holds its lock."""
        rows = session.execute(
            select(Assignment.id, Assignment.state).where(Assignment.mail_id == mail.id, Assignment.state.in_(LIVE))
        )
        rights = access.rights_because(session, mail.id, REASONS)
        live = dict(iter(rows))
        return cls(mail.state, mail.responsible_unit_id, due.columns_of(mail), live, rights)

    def stored(self) -> dict[str, Any]:
        """As the column ``imputations.prior`` keeps it."""
        return {
            "state": self.state.value,
            "responsible_unit_id": self.responsible_unit_id,
            "due": [_text(self.basis["due_on"]), _text(self.basis["due_from"]), self.basis["due_days"]],
            "live": {str(one): state.value for one, state in self.live.items()},
            "rights": [[principal, because.value, at.isoformat()] for principal, because, at in self.rights],
        }

    @classmethod
    def read(cls, kept: dict[str, Any]) -> Self:
        """From the column."""
        on, since, days = kept["due"]
        return cls(
            MailState(kept["state"]),
            kept["responsible_unit_id"],
            Basis(due_on=_day(on), due_from=_day(since), due_days=days),
            {int(one): AssignmentState(state) for one, state in kept["live"].items()},
            [(Principal(p), Because(why), datetime.fromisoformat(at)) for p, why, at in kept["rights"]],
        )


def is_undone() -> ColumnElement[bool]:
    """Whether an imputation was taken back, as a condition on ``Imputation``."""
    return exists().where(UndoneImputation.imputation_id == Imputation.id)


def gives_nothing(of: type[Assignment] = Assignment) -> ColumnElement[bool]:
    """Whether an assignment was given by an imputation that was taken back, as a condition on ``Assignment`` or an alias."""
    return exists().where(UndoneImputation.imputation_id == of.imputation_id)


def latest(session: Session, mail_id: int) -> Imputation | None:
    """The decision in force on a letter: the last one that was not taken back."""
    decided = select(Imputation).where(Imputation.mail_id == mail_id, ~is_undone())
    return session.scalar(decided.order_by(Imputation.id.desc()).limit(1))


def restore(uow: UnitOfWork, mail: Mail, decision: Imputation, before: Before) -> None:
    """Put the letter, its assignments and its rights back. The caller holds the calendar and the letter, and has checked."""
    given = select(Assignment).where(Assignment.imputation_id == decision.id, Assignment.state.in_(LIVE))
    for row in uow.session.scalars(given).unique():
        row.state, row.finished_at = states.move(row.state, AssignmentAct.SUPERSEDE), uow.now
    mail.state = move_mail(mail.state, _UNDO[before.state])
    mail.responsible_unit_id = before.responsible_unit_id
    _date(uow, mail, before.basis)
    for row in uow.session.scalars(select(Assignment).where(Assignment.id.in_(before.live))).unique():
        row.state, row.finished_at = states.move(row.state, _RESTORE[before.live[row.id]]), None
        _date(uow, row, due.columns_of(row))
    uow.session.flush()
    access.restore(uow, mail.id, before.rights, REASONS)


def _date(uow: UnitOfWork, row: Mail | Assignment, basis: Basis) -> None:
    """Set a date again. One that was counted in working days is counted anew: the calendar may have changed since."""
    row.due_on, row.due_from, row.due_days = basis["due_on"], basis["due_from"], basis["due_days"]
    if row.due_from is not None and row.due_days:
        row.due_on = add_working_days(row.due_from, row.due_days, calendar.calendar(uow.session))


def _text(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text is not None else None
