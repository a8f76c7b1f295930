"""Many letters in little time: copies of one, each with days, a unit, a sender and moves of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from ged.access import MailAccess
from ged.db import Base, table_of
from ged.register.models import Mail, MailNumber
from ged.register.states import MailState
from ged.routing.models import Assignment, Imputation
from ged.routing.states import AssignmentState
from ged.unit import Services
from tests.factories import NOW
from tests.figure_letters_kit import letter
from tests.routing_kit import unit_id


@dataclass(frozen=True)
class Copy:
    """A letter.

    Attributes:
        days: after which it was answered; None: it is open.
        sender_id: a correspondent; None: a typed name, ``sender_name``.
    """

    on: date
    unit: str = "DGE"
    days: int | None = None
    sender_id: int | None = None
    sender_name: str = "Préfecture de l'Ogou"


def copied(services: Services, copies: Sequence[Copy]) -> list[int]:
    """Store letters of which each was given to its unit on the day of its arrival. Returns their ids."""
    model = letter(services, "DGE")
    with services.unit_of_work(NOW) as uow:
        session = uow.session
        rows = {one: _of(session, one, model) for one in (Mail, MailNumber, Imputation, Assignment)}
        # The one that is copied came long before them.
        session.execute(update(Mail).where(Mail.id == model).values(received_on=date(2020, 1, 1)))
        rights = session.execute(select(table_of(MailAccess)).where(MailAccess.mail_id == model)).mappings().all()
        unit_ids = {code: unit_id(services, code) for code in {"DGE", *(one.unit for one in copies)}}
        found = []
        for n, one in enumerate(copies):
            owner = unit_ids[one.unit]
            came = datetime(one.on.year, one.on.month, one.on.day, 9, tzinfo=UTC)
            ended = came + timedelta(days=one.days) if one.days is not None else None
            mail_id = _stored(
                session, Mail, rows[Mail], received_on=one.on, responsible_unit_id=owner, request_token=None, created_at=came,
                state=MailState.ANSWERED if ended else MailState.ASSIGNED, sender_id=one.sender_id,
                sender_name=one.sender_name, subject=f"Demande {n}",
            )  # fmt: skip
            found.append(mail_id)
            _stored(
                session, MailNumber, rows[MailNumber], mail_id=mail_id, sequence=10_000 + mail_id, registered_on=one.on
            )
            decided = _stored(session, Imputation, rows[Imputation], mail_id=mail_id, decided_at=came)
            _stored(
                session, Assignment, rows[Assignment], mail_id=mail_id, imputation_id=decided, unit_id=owner,
                assigned_at=came, finished_at=ended, state=AssignmentState.DONE if ended else AssignmentState.OPEN,
            )  # fmt: skip
            for right in rights:
                principal = str(right["principal"])
                if principal[1:] == str(unit_ids["DGE"]):
                    principal = f"{principal[0]}{owner}"
                session.execute(
                    insert(table_of(MailAccess)).values({**right, "mail_id": mail_id, "principal": principal})
                )
        return found


def _stored(session: Session, kind: type[Base], model: Mapping[str, Any], **changed: Any) -> int:
    """A copy of a row, with other values. Returns its id."""
    table = table_of(kind)
    values = {name: value for name, value in {**model, **changed}.items() if name != "id"}
    return int(session.execute(insert(table).values(values).returning(table.c.id)).scalar_one())


def _of(session: Session, kind: type[Base], mail_id: int) -> Mapping[str, Any]:
    table = table_of(kind)
    is_of = table.c.id == mail_id if kind is Mail else table.c.mail_id == mail_id
    return dict(session.execute(select(table).where(is_of)).mappings().one())
