"""The slips panel of a letter's page: the path of the paper, and its slips."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from ged.ports import MailId
from ged.register.models import Mail
from ged.slips import custody, queries
from ged.slips.custody import CustodyRow
from ged.slips.queries import SlipRow
from ged.unit import Actor


@dataclass(frozen=True)
class LetterPanel:
    """``custody``: oldest first; the last row is the present holder of the paper. ``has_paper``: there is a paper original."""

    custody: tuple[CustodyRow, ...]
    slips: tuple[SlipRow, ...]
    may_send: bool
    has_paper: bool


def load(session: Session, mail_id: MailId, actor: Actor) -> LetterPanel:
    """The panel of a letter that the actor may see (the caller checked)."""
    slips = tuple(queries.slips_of(session, mail_id, actor))
    has_paper = custody.has_paper(session, session.get_one(Mail, mail_id))
    return LetterPanel(custody.custody_of(session, mail_id), slips, bool(actor.working_posts), has_paper)
