"""A SECRET letter of two cleared people, ``sg`` (its addressee) and ``dge`` (to whom it was imputed), for rights by exception."""

from datetime import date, datetime

from sqlalchemy import select, update

from ged.audit import AuditEntry
from ged.exceptional import operations
from ged.org.models import Delegation, DelegationKind, Person
from ged.ports import Confidentiality, MailId
from ged.register import levels
from ged.register.models import Register
from ged.register.operations import IncomingForm, register_incoming
from ged.routing.operations import ImputationForm, impute
from ged.unit import Services
from tests.factories import NOW, TODAY, actor

SUBJECT = "Plainte du receveur"


def imputed(services: Services, subject: str = SUBJECT) -> MailId:
    """Register a letter for ``sg``, who imputes it to the unit of ``dge``."""
    with services.unit_of_work(NOW) as uow:
        arrivals = uow.session.scalars(select(Register.id).where(Register.code == "ARR")).one()
        form = IncomingForm(subject, "Un agent", actor(services, "sg").posts[0].post_id)
        done = register_incoming(uow, arrivals, form, actor=actor(services, "agent"), now=NOW)
    mail = MailId(int(done.mail_id or 0))
    with services.unit_of_work(NOW) as uow:
        leading = actor(services, "dge").posts[0].unit_id
        impute(uow, mail, ImputationForm(leading_unit_id=leading), version=None, actor=actor(services, "sg"), now=NOW)
    return mail


def secret(services: Services) -> MailId:
    """The letter, for two cleared people."""
    mail = imputed(services)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "dge").values(clearance=2))
    with services.unit_of_work(NOW) as uow:
        levels.change_level(uow, mail, Confidentiality.SECRET, reason="Enquête", actor=actor(services, "sg"))
    return mail


def propose(
    services: Services, mail: MailId, *, by: str = "sg", reader: str = "daf", until: date = TODAY, at: datetime = NOW
) -> int:
    """Propose that somebody read the letter; the id of the row."""
    on = at.astimezone(services.zone).date()
    with services.unit_of_work(at) as uow:
        return operations.propose(
            uow, mail, account=reader, until_on=until, reason="Inspection", actor=actor(services, by, on=on)
        ).id


def confirm(services: Services, mail: MailId, row: int, who: str = "dge", *, at: datetime = NOW) -> None:
    """Confirm as the second person."""
    on = at.astimezone(services.zone).date()
    with services.unit_of_work(at) as uow:
        operations.confirm(uow, mail, row, actor=actor(services, who, on=on))


def delegate(services: Services, of: str, to: str, kind: DelegationKind = DelegationKind.INTERIM) -> None:
    """Let somebody act for the first post of another, cleared for everything."""
    giver, taker = actor(services, of), actor(services, to)
    with services.unit_of_work(NOW) as uow:
        uow.session.add(
            Delegation(
                post_id=giver.posts[0].post_id, person_id=taker.person_id, kind=kind, from_on=TODAY, until_on=TODAY,
                act="Note n° 1", template_codes=[], may_sign=False, granted_at=NOW,
            )
        )  # fmt: skip
        uow.session.execute(update(Person).where(Person.account == to).values(clearance=2))


def acts(services: Services) -> list[str]:
    """The journal's words on rights by exception, in order."""
    with services.reading() as session:
        entries = select(AuditEntry.action).where(AuditEntry.action.startswith("mail.exception"))
        return [one.removeprefix("mail.exception_") for one in session.scalars(entries.order_by(AuditEntry.sequence))]
