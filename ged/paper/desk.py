"""What the mail office has to do for letters signed by hand: give a number, scan the original."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from ged.ports import MailId
from ged.register.models import Mail
from ged.register.states import MailState
from ged.signbook.models import Draft, SignatureWay
from ged.signbook.queries.names import all_drafts, visible
from ged.signbook.queries.rights import keeps_register
from ged.unit import Actor


@dataclass(frozen=True)
class PrintedRow:
    """An ink-signed letter that waits for its number, or (numbered) for the scan of the original."""

    mail_id: MailId
    subject: str
    addressee: str
    signatory: str
    number: str
    printed_at: datetime | None


def printed(session: Session, actor: Actor) -> tuple[PrintedRow, ...]:
    """Ink-signed letters of the registers that the actor keeps: first those to number, then those to scan."""
    query = all_drafts().where(
        Draft.way == SignatureWay.INK, Mail.state.in_((MailState.IN_CIRCUIT, MailState.NUMBERED))
    )
    rows = []
    for draft in session.scalars(visible(query, actor).order_by(Draft.confirmed_at)):
        if keeps_register(session, draft, actor):
            number = draft.number.text if draft.number is not None else ""
            rows.append(
                PrintedRow(
                    MailId(draft.mail_id),
                    draft.mail.subject,
                    draft.mail.addressee,
                    f"{draft.confirmed_name}, {draft.confirmed_title}",
                    number,
                    draft.confirmed_at,
                )
            )
    return tuple(rows)
