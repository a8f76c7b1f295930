"""The answer to a received letter was dispatched. Its readers learn nothing of an answer that they may not see."""

from pathlib import Path

from sqlalchemy import select

from ged.access import may_see
from ged.audit import AuditEntry, AuditPayload
from ged.ports import Confidentiality, MailId
from ged.register.models import REPLY, Direction, Mail, MailLink
from ged.routing.models import Assignment
from ged.signbook.answers import answer_left
from ged.signbook.queries.panel import letter_panel
from tests.factories import NOW, actor, make_organisation, make_services
from tests.routing_kit import impute, register


def test_who_may_not_see_a_secret_answer_is_not_told_its_number(tmp_path: Path) -> None:
    services = make_services(tmp_path)
    make_organisation(services)
    came = register(services)
    impute(services, came.mail_id, "DGE")
    answer = register(services, "Réponse", level=Confidentiality.RESTRICTED)
    with services.unit_of_work(NOW) as uow:
        mail = uow.session.get_one(Mail, answer.mail_id)
        mail.level, mail.direction = int(Confidentiality.SECRET), Direction.OUTGOING
        uow.session.add(MailLink(from_id=answer.mail_id, to_id=came.mail_id, kind=REPLY))
    with services.unit_of_work(NOW) as uow:
        answer_left(uow, MailId(answer.mail_id), actor(services, "sg"))
    head = actor(services, "dge")
    with services.reading() as session:
        assert may_see(session, came.mail_id, Confidentiality.ORDINARY, head)
        assert not may_see(session, answer.mail_id, Confidentiality.SECRET, head)
        outcomes = session.scalars(select(Assignment.outcome).where(Assignment.mail_id == came.mail_id)).all()
        assert outcomes == ["Réponse expédiée"]
        panel = letter_panel(session, came.mail_id, head)
        assert panel is None or panel.answers == ()
        entries = select(AuditEntry.sequence).where(AuditEntry.action == "mail.answered")
        (told,) = session.scalars(select(AuditPayload).where(AuditPayload.sequence.in_(entries)))
        assert answer.number not in str(told.payload)
