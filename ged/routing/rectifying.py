"""Rectification of everything that was typed, with what hangs on it: assignments below a deadline, lines of departure."""

from collections.abc import Mapping
from datetime import date, datetime

from ged.dispatch import rectifying
from ged.dispatch.operations import hold_letters
from ged.dispatch.rectifying import DeskChanges
from ged.errors import Invalid
from ged.ports import MailId
from ged.register import rectify as register_rectify
from ged.register.models import Mail
from ged.register.operations import mail_to_change
from ged.register.rectify import OPEN_DUE, Value, rectifying_post
from ged.routing import due
from ged.unit import Actor, UnitOfWork


def rectify(
    uow: UnitOfWork,
    mail_id: MailId,
    changes: Mapping[str, Value],
    *,
    reason: str,
    version: int | None,
    actor: Actor,
    now: datetime,
    desk: DeskChanges | None = None,
) -> int:
    """Rectify a letter; returns how many fields changed. Units that already work on it keep to its new deadline.

    Args:
        desk: of a letter that was registered already signed: who wrote and signed it, and to whom it goes.

    Raises:
        As ``ged.register.rectify.rectify`` and ``ged.dispatch.rectifying.change``.
    """
    if "due_on" in changes:
        due.hold_calendar(uow)
    if desk is not None and desk.receivers is not None:
        hold_letters(uow.session, mail_id)  # without its last line the letter has left, and what it answers ends
    mail = mail_to_change(uow, mail_id, actor=actor, version=version)
    rectifying_post(mail, actor)
    if not reason.strip():
        raise Invalid("rectify.reason", "say why the entry is corrected", field="reason")
    day = changes.get("due_on", mail.due_on)
    if day != mail.due_on and mail.state in OPEN_DUE:
        _move_assignments(uow, mail, day if isinstance(day, date) else None, reason.strip(), actor)
    done = rectifying.change(uow, mail, desk, actor=actor) if desk is not None else []
    return register_rectify.rectify(uow, mail_id, changes, reason=reason, version=None, actor=actor, now=now, done=done)


def _move_assignments(uow: UnitOfWork, mail: Mail, day: date | None, reason: str, actor: Actor) -> None:
    """The letter's date is binding for those who got it from the authority; those below have no later date."""
    moved: list[list[str | int]] = []
    for row in due.live_of(uow, mail.id):
        stays = row.parent_id is not None and row.due_on is not None and (day is None or row.due_on <= day)
        if stays or row.due_on == day:
            continue
        moved.append([row.id, str(row.due_on), str(day)])
        row.due_on, row.due_from, row.due_days = day, day, None if day is None else 0
    if moved:
        uow.record("mail.due_moved", "mail", mail.id, actor=actor, reason=reason, assignments=moved)
