"""A letter that answers another: when it has left, the other counts as answered."""

from sqlalchemy import select

from ged.ports import MailId
from ged.register.models import REPLY, Mail, MailLink
from ged.routing import operations as routing
from ged.signbook.models import Draft
from ged.unit import Actor, UnitOfWork


def answer_left(uow: UnitOfWork, mail_id: MailId, actor: Actor) -> None:
    """Mark the incoming letter as answered when the answer has left, not when it is signed: until then its sender has
    received nothing, the answer may still be voided, and the delay runs."""
    incoming = uow.session.get(Mail, _answered(uow, mail_id) or 0)
    if incoming is None:
        return
    # Without the answer's number: all who read the received letter read its outcome, and some may not see the answer.
    # The letter's page shows the number under the access rule, in the panel of its answers.
    routing.answered_by(uow, MailId(incoming.id), actor=actor, now=uow.now, outcome="Réponse expédiée")


def _answered(uow: UnitOfWork, mail_id: MailId) -> int | None:
    """The answered letter: of a draft, or of a letter that the mail office registered already signed."""
    draft = uow.session.get(Draft, mail_id)
    if draft is not None:
        return draft.answers_id
    return uow.session.scalar(
        select(MailLink.to_id).where(MailLink.from_id == mail_id, MailLink.kind == REPLY).order_by(MailLink.id).limit(1)
    )
