"""The operation of the page « Rectifier »: all fields that were typed, the dates of assignments, the lines of departure.

The parts: ``ged.register.rectify_entry`` (fields of the register), ``ged.dispatch.rectify_outside`` (who wrote and
receives a letter that was registered already signed).
"""

from collections.abc import Mapping
from datetime import date, datetime, time

from ged.dispatch import rectify_outside
from ged.dispatch.operations import hold_letters
from ged.dispatch.rectify_outside import OutsideChanges
from ged.errors import Invalid
from ged.ports import MailId
from ged.register import rectify_entry
from ged.register.models import Mail
from ged.register.operations import mail_to_change
from ged.register.rectify_entry import OPEN_DUE, Value, rectifying_post
from ged.reserve import operations as reserve
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
    outside: OutsideChanges | None = None,
    received_clock: time | None = None,
) -> int:
    """Rectify a letter; returns how many fields changed. Units that already work on it keep to its new deadline.

    Args:
        outside: of a letter that was registered already signed: who wrote and signed it, and to whom it goes.
        received_clock: of a letter that was received on a line of a reserve book: the hour that is written there.

    Raises:
        As ``ged.register.rectify_entry.rectify``, ``ged.dispatch.rectify_outside.change`` and ``ged.reserve.operations.move_moment``.
    """
    if "due_on" in changes:
        due.hold_calendar(uow)
    if outside is not None and outside.receivers is not None:
        hold_letters(uow.session, mail_id)  # without its last line the letter has left, and what it answers ends
    mail = mail_to_change(uow, mail_id, actor=actor, version=version)
    rectifying_post(mail, actor)
    if not reason.strip():
        raise Invalid("rectify.reason", "say why the entry is corrected", field="reason")
    day = changes.get("due_on", mail.due_on)
    if day != mail.due_on and mail.state in OPEN_DUE:
        _move_assignments(uow, mail, day if isinstance(day, date) else None, reason.strip(), actor)
    done = rectify_outside.change(uow, mail, outside, actor=actor) if outside is not None else []
    on = changes.get("received_on", mail.received_on)
    if isinstance(on, date) and (on != mail.received_on or received_clock is not None):
        done = [*done, *reserve.move_moment(uow, mail, on=on, clock=received_clock, actor=actor)]
    return rectify_entry.rectify(uow, mail_id, changes, reason=reason, version=None, actor=actor, now=now, done=done)


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
