"""What the letter's page shows of slips: the path of the paper, the slips it travelled on."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from ged.ports import MailId
from ged.slips import custody, parties, queries
from ged.slips.custody import CustodyRow
from ged.slips.queries import SlipRow
from ged.unit import Actor


@dataclass(frozen=True)
class LetterPanel:
    """``custody``: oldest first, the last row holds the paper now."""

    custody: tuple[CustodyRow, ...]
    slips: tuple[SlipRow, ...]
    may_send: bool


def load(session: Session, mail_id: MailId, actor: Actor) -> LetterPanel:
    """The panel of a letter that the actor may see (the caller checked)."""
    slips = tuple(queries.slips_of(session, mail_id, actor))
    return LetterPanel(custody.custody_of(session, mail_id), slips, bool(parties.working_posts(actor)))
