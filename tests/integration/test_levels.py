"""The confidentiality of a letter: who raises it, who lowers it, and who is told."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ged.audit import AuditEntry, AuditPayload
from ged.errors import Forbidden, Invalid, NotFound
from ged.org import notices
from ged.org.models import DelegationKind, NoticeKind, Person
from ged.ports import Confidentiality, MailId
from ged.register import levels, queries
from ged.register.models import Mail, Register
from ged.register.operations import IncomingForm, register_incoming
from ged.routing.operations import ImputationForm, impute
from ged.unit import Services
from tests.exception_kit import delegate
from tests.factories import NOW, actor, make_organisation, make_services

ORDINARY, RESTRICTED, SECRET = Confidentiality.ORDINARY, Confidentiality.RESTRICTED, Confidentiality.SECRET


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path)
    make_organisation(made)
    yield made
    made.engine.dispose()


def register(services: Services, *, to: str = "sg") -> MailId:
    with services.unit_of_work(NOW) as uow:
        arrivals = uow.session.scalars(select(Register.id).where(Register.code == "ARR")).one()
        form = IncomingForm("Plainte", "Un agent", actor(services, to).posts[0].post_id)
        return register_incoming(uow, arrivals, form, actor=actor(services, "agent"), now=NOW).mail_id  # type: ignore[arg-type]


def change(
    services: Services, mail: MailId, who: str, level: Confidentiality, reason: str = "Enquête"
) -> Confidentiality:
    with services.unit_of_work(NOW) as uow:
        return levels.change_level(uow, mail, level, reason=reason, actor=actor(services, who))


def level(services: Services, mail: MailId) -> Confidentiality:
    with services.reading() as session:
        return Confidentiality(session.get_one(Mail, mail).level)


def told(services: Services, who: str) -> list[NoticeKind]:
    with services.reading() as session:
        return [one.kind for one in notices.unread(session, actor(services, who))]


def request_of(services: Services, mail: MailId, who: str) -> levels.OpenRequest | None:
    with services.reading() as session:
        return queries.letter(session, mail, actor(services, who)).level_request


def to_dge(services: Services, mail: MailId) -> None:
    with services.unit_of_work(NOW) as uow:
        dge = actor(services, "dge").posts[0].unit_id
        impute(uow, mail, ImputationForm(leading_unit_id=dge), version=None, actor=actor(services, "sg"), now=NOW)


def clear(services: Services, account: str, to: Confidentiality) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == account).values(clearance=int(to)))


def test_raising_needs_a_reason_and_work_on_the_letter(services: Services) -> None:
    mail = register(services)
    with pytest.raises(Invalid, match=r"mail\.level_reason"):
        change(services, mail, "agent", RESTRICTED, reason="  ")
    to_dge(services, mail)
    # The letter has left the mail office. Its clerk still sees it, but no longer works on it.
    with pytest.raises(Forbidden, match=r"mail\.level_raise"):
        change(services, mail, "agent", RESTRICTED)
    assert level(services, mail) is ORDINARY
    change(services, mail, "dge", RESTRICTED)
    assert level(services, mail) is RESTRICTED


def test_the_level_that_a_letter_has_is_no_change(services: Services) -> None:
    mail = register(services)
    with services.reading() as session:
        before = session.scalars(select(AuditEntry.sequence)).all()
    with pytest.raises(Invalid, match=r"mail\.level_same"):
        change(services, mail, "agent", ORDINARY)
    with services.reading() as session:
        assert session.scalars(select(AuditEntry.sequence)).all() == before
    assert told(services, "sg") == []


def test_who_decides_is_told_of_a_level_raised_by_another(services: Services) -> None:
    mail = register(services)
    change(services, mail, "agent", RESTRICTED)
    assert told(services, "sg") == [NoticeKind.LEVEL_RAISED]
    assert told(services, "agent") == []
    with services.reading() as session:
        (unread,) = notices.unread(session, actor(services, "sg"))
    assert (unread.by_name, unread.subject_id) == ("Agent", mail)
    with pytest.raises(Forbidden, match=r"notice\.not_yours"), services.unit_of_work(NOW) as uow:
        notices.acknowledge(uow, [unread.id], actor=actor(services, "agent"))
    with services.unit_of_work(NOW) as uow:
        notices.acknowledge(uow, [unread.id], actor=actor(services, "sg"))
    assert told(services, "sg") == []


def test_a_secretary_lowers_no_level(services: Services) -> None:
    mail = register(services)
    change(services, mail, "sg", RESTRICTED)
    with pytest.raises(Forbidden, match=r"mail\.level_lower"):
        change(services, mail, "secretaire", ORDINARY)
    with services.reading() as session:
        assert not queries.letter(session, mail, actor(services, "secretaire")).rights.lower_level
    with pytest.raises(Invalid, match=r"mail\.level_reason"):
        change(services, mail, "sg", ORDINARY, reason="")
    assert change(services, mail, "sg", ORDINARY) is ORDINARY


def secret(services: Services) -> MailId:
    """A SECRET letter of two cleared people: its addressee, and the head to whom it was assigned."""
    mail = register(services)
    to_dge(services, mail)
    clear(services, "dge", SECRET)
    change(services, mail, "sg", SECRET)
    return mail


def test_from_secret_it_takes_two(services: Services) -> None:
    mail = secret(services)
    assert change(services, mail, "sg", ORDINARY) is SECRET
    assert level(services, mail) is SECRET
    asked = request_of(services, mail, "dge")
    assert asked is not None
    assert (asked.level, asked.reason, asked.asked_by, asked.may_agree) == (ORDINARY, "Enquête", "Sg", True)
    mine = request_of(services, mail, "sg")
    assert mine is not None
    assert not mine.may_agree
    with pytest.raises(Forbidden, match=r"level\.second_person"), services.unit_of_work(NOW) as uow:
        levels.agree(uow, mail, asked.id, actor=actor(services, "sg"))
    with pytest.raises(NotFound), services.unit_of_work(NOW) as uow:
        levels.agree(uow, mail, asked.id, actor=actor(services, "etudes"))
    with services.unit_of_work(NOW) as uow:
        levels.agree(uow, mail, asked.id, actor=actor(services, "dge"))
    assert level(services, mail) is ORDINARY
    with services.reading() as session:
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "mail.level_changed").order_by(AuditEntry.sequence.desc())
        ).first()
        assert entry is not None
        payload = session.get_one(AuditPayload, entry.sequence).payload
    assert entry.person_id == actor(services, "dge").person_id
    assert payload["asked_by"] == actor(services, "sg").person_id


@pytest.mark.parametrize("kind", [DelegationKind.DELEGATION, DelegationKind.INTERIM])
def test_who_acts_for_the_requester_is_no_second_person(services: Services, kind: DelegationKind) -> None:
    mail = secret(services)
    delegate(services, "sg", "etudes", kind)
    assert change(services, mail, "sg", ORDINARY) is SECRET
    asked = request_of(services, mail, "etudes")
    assert asked is not None
    assert not asked.may_agree
    assert NoticeKind.LEVEL_ASKED not in told(services, "etudes")
    with pytest.raises(Forbidden, match=r"level\.second_person"), services.unit_of_work(NOW) as uow:
        levels.agree(uow, mail, asked.id, actor=actor(services, "etudes"))
    with services.unit_of_work(NOW) as uow:
        levels.agree(uow, mail, asked.id, actor=actor(services, "dge"))
    assert level(services, mail) is ORDINARY


def test_when_only_the_addressee_decides_everybody_who_may_agree_is_told(services: Services) -> None:
    mail = secret(services)
    change(services, mail, "sg", ORDINARY)
    assert NoticeKind.LEVEL_ASKED in told(services, "dge")
    for who in ("sg", "secretaire", "etudes", "agent"):
        assert NoticeKind.LEVEL_ASKED not in told(services, who)


def test_a_decider_who_may_not_see_the_letter_is_not_told_that_it_is_there(services: Services) -> None:
    mail = secret(services)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "sg").values(clearance=int(RESTRICTED)))
    assert change(services, mail, "dge", ORDINARY) is SECRET
    assert NoticeKind.LEVEL_ASKED not in told(services, "sg")


def test_the_secretary_of_the_addressee_is_no_second_person(services: Services) -> None:
    mail = secret(services)
    change(services, mail, "sg", ORDINARY)
    asked = request_of(services, mail, "secretaire")
    assert asked is not None
    assert not asked.may_agree
    with pytest.raises(Forbidden, match=r"level\.second_person"), services.unit_of_work(NOW) as uow:
        levels.agree(uow, mail, asked.id, actor=actor(services, "secretaire"))


def test_a_request_is_declined_by_the_second_person_or_taken_back(services: Services) -> None:
    mail = secret(services)
    for who in ("dge", "sg"):
        change(services, mail, "sg", RESTRICTED)
        with pytest.raises(Invalid, match=r"mail\.level_asked"):
            change(services, mail, "sg", ORDINARY)
        asked = request_of(services, mail, who)
        assert asked is not None
        with services.unit_of_work(NOW) as uow:
            levels.decline(uow, mail, asked.id, actor=actor(services, who))
        assert request_of(services, mail, who) is None
        with pytest.raises(NotFound, match=r"level\.no_request"), services.unit_of_work(NOW) as uow:
            levels.agree(uow, mail, asked.id, actor=actor(services, "dge"))
    assert level(services, mail) is SECRET
