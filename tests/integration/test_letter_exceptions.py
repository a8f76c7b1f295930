"""Reading a SECRET letter by exception: two humans open it, it reads and changes nothing, and its day ends it."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ged import access
from ged.access import MailAccess
from ged.administration.letter_readers import readers_of
from ged.audit import AuditEntry
from ged.errors import Forbidden, GedError, Invalid, NotFound
from ged.exceptional import operations, queries
from ged.exceptional.models import ExceptionRequest, LetterException
from ged.exceptional.reading import LONGEST, reads
from ged.org.models import DelegationKind, Holding, Person
from ged.ports import Confidentiality, MailId, exception_of, exception_principal
from ged.register import levels
from ged.register.models import Mail, MailNumber
from ged.unit import Role, Services
from tests.exception_kit import acts, confirm, delegate, propose, secret
from tests.factories import NOW, TODAY, actor, add_entity, make_organisation, make_services
from tests.together_kit import together

pytestmark = pytest.mark.in_turns(3)

SECRET = Confidentiality.SECRET
DAY = timedelta(days=1)


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    yield made
    made.engine.dispose()


def sees(services: Services, mail: MailId, who: str = "daf", *, on: date = TODAY) -> bool:
    """Whether somebody reads the letter by a page on a day."""
    with services.reading() as session:
        until = session.scalar(select(Person.excepted_until).where(Person.account == who))
        return access.may_see(session, mail, SECRET, reads(actor(services, who, on=on), until, on=on))


def test_two_open_it_for_one_letter_one_person_and_some_days(services: Services) -> None:
    mail, other = secret(services), secret(services)
    row = propose(services, mail, until=TODAY + DAY)
    assert not sees(services, mail), "proposing alone opens nothing"
    confirm(services, mail, row)
    assert sees(services, mail)
    assert sees(services, mail, on=TODAY + DAY)
    assert not sees(services, mail, on=TODAY + 2 * DAY), "the day ends it, without a job"
    assert not sees(services, other)
    assert not sees(services, mail, "etudes")
    with services.reading() as session:
        assert not access.may_see(session, mail, SECRET, actor(services, "daf")), "what changes is without it"
        told = session.scalars(select(AuditEntry).where(AuditEntry.action == "mail.exception_granted")).one()
    assert told.person_id == actor(services, "dge").person_id
    assert acts(services) == ["proposed", "granted"]


def test_a_principal_says_its_person_and_its_day() -> None:
    assert exception_of(exception_principal(12, TODAY)) == (12, TODAY)
    assert exception_of(access.Principal("h12")) is None
    assert len(exception_principal(2**31, date(9999, 12, 31))) <= 24, "the column holds 24 signs"


@pytest.mark.parametrize(
    ("who", "refusal"),
    [("sg", "exception.not_second"), ("secretaire", "exception.not_holder"), ("daf", "mail.unknown"), ("agent", "mail.unknown")],
)  # fmt: skip
def test_who_is_no_second_person(services: Services, who: str, refusal: str) -> None:
    mail = secret(services)
    row = propose(services, mail)
    with pytest.raises(GedError, match=refusal):
        confirm(services, mail, row, who)
    assert not sees(services, mail)


@pytest.mark.parametrize("kind", [DelegationKind.DELEGATION, DelegationKind.INTERIM])
def test_a_delegate_is_no_second_person_in_either_direction(services: Services, kind: DelegationKind) -> None:
    mail = secret(services)
    delegate(services, "sg", "etudes", kind)
    row = propose(services, mail, by="sg")
    with pytest.raises(Forbidden, match=r"exception\.not_second"):
        confirm(services, mail, row, "etudes")
    with services.unit_of_work(NOW) as uow:
        operations.refuse(uow, mail, row, actor=actor(services, "sg"))
    row = propose(services, mail, by="etudes")
    with pytest.raises(Forbidden, match=r"exception\.not_second"):
        confirm(services, mail, row, "sg")
    with services.reading() as session:
        mine = queries.panel(session, mail, actor(services, "sg"), now=NOW, on=TODAY)
    assert mine is not None
    assert [one.may_decide for one in mine.rows] == [False, False], "the page offers what the rule allows"
    confirm(services, mail, row, "dge")
    assert sees(services, mail)


def test_by_order_speaks_for_no_letter(services: Services) -> None:
    mail = secret(services)
    delegate(services, "dge", "etudes", DelegationKind.ORDER)
    row = propose(services, mail)
    with pytest.raises(Forbidden, match=r"exception\.not_holder"):
        confirm(services, mail, row, "etudes")


def test_neither_late_nor_twice_nor_after_a_refusal(services: Services) -> None:
    mail = secret(services)
    late = propose(services, mail, until=TODAY + 9 * DAY)
    with pytest.raises(Invalid, match=r"exception\.settled"):
        confirm(services, mail, late, at=NOW + operations.LASTS)
    with services.unit_of_work(NOW + operations.LASTS) as uow:
        assert operations.settle_due(uow) == 1
    with services.unit_of_work(NOW) as uow:
        assert operations.settle_due(uow) == 0
    withdrawn = propose(services, mail)
    with services.unit_of_work(NOW) as uow:
        operations.refuse(uow, mail, withdrawn, actor=actor(services, "sg"))
    with pytest.raises(Invalid, match=r"exception\.settled"):
        confirm(services, mail, withdrawn)
    refused = propose(services, mail)
    with services.unit_of_work(NOW) as uow:
        operations.refuse(uow, mail, refused, actor=actor(services, "dge"))
    with pytest.raises(Invalid, match=r"exception\.settled"):
        confirm(services, mail, refused)
    done = propose(services, mail)
    confirm(services, mail, done)
    with pytest.raises(Invalid, match=r"exception\.settled"):
        confirm(services, mail, done)
    assert acts(services) == [
        "proposed", "lapsed", "proposed", "withdrawn", "proposed", "refused", "proposed", "granted",
    ]  # fmt: skip


def test_who_lost_the_right_meanwhile_opens_nothing(services: Services) -> None:
    mail = secret(services)
    row = propose(services, mail)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "sg").values(clearance=0))
    with pytest.raises(Invalid, match=r"exception\.first_lost"):
        confirm(services, mail, row)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "sg").values(clearance=2))
        uow.session.execute(update(Person).where(Person.account == "dge").values(clearance=1))
    with pytest.raises(NotFound, match=r"mail\.unknown"):
        confirm(services, mail, row)


def test_a_reader_who_left_gets_nothing(services: Services) -> None:
    mail = secret(services)
    row = propose(services, mail)
    with services.unit_of_work(NOW) as uow:
        daf = actor(services, "daf").person_id
        uow.session.execute(update(Holding).where(Holding.person_id == daf).values(until_on=TODAY - DAY))
    with pytest.raises(Invalid, match=r"exception\.person"):
        confirm(services, mail, row)


def test_another_letters_row_is_not_there(services: Services) -> None:
    mail, other = secret(services), secret(services)
    row = propose(services, mail)
    with pytest.raises(NotFound, match=r"exception\.unknown"):
        confirm(services, other, row)


def test_what_is_not_proposed(services: Services) -> None:
    mail = secret(services)
    with services.unit_of_work(NOW) as uow:
        add_entity(uow.session, Role.CLERK)
    for values, refusal in (
        ({"reader": "personne"}, "exception.person"), ({"reader": "ceet"}, "exception.person"),
        ({"reader": "dge"}, "exception.sees"), ({"reader": "sg"}, "exception.sees"),
        ({"until": TODAY - DAY}, "exception.until"), ({"until": TODAY + LONGEST + DAY}, "exception.until"),
        ({"by": "secretaire"}, "exception.not_holder"), ({"by": "daf"}, "mail.unknown"),
    ):  # fmt: skip
        with pytest.raises(GedError, match=refusal):
            propose(services, mail, **values)  # type: ignore[arg-type]
    propose(services, mail, until=TODAY + LONGEST)
    with pytest.raises(Invalid, match=r"exception\.already"):
        propose(services, mail, by="dge")
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "dge").values(clearance=1))
    with pytest.raises(Invalid, match=r"exception\.no_second"):
        propose(services, mail, reader="agent")


def test_it_ends_by_itself_or_by_one_and_the_journal_says_so(services: Services) -> None:
    mail = secret(services)
    confirm(services, mail, propose(services, mail))
    with services.unit_of_work(NOW + DAY) as uow:
        assert operations.settle_due(uow) == 1
    row = propose(services, mail, until=TODAY + 5 * DAY)
    confirm(services, mail, row)
    with services.unit_of_work(NOW) as uow:
        operations.end(uow, mail, row, actor=actor(services, "dge"))
    assert not sees(services, mail)
    with pytest.raises(Invalid, match=r"exception\.settled"), services.unit_of_work(NOW) as uow:
        operations.end(uow, mail, row, actor=actor(services, "dge"))
    assert acts(services)[-1] == "ended"
    with services.reading() as session:
        left = session.scalars(select(MailAccess.principal).where(MailAccess.principal.startswith("x"))).all()
    assert left == []


def test_a_letter_that_is_secret_no_more_needs_no_exception(services: Services) -> None:
    mail = secret(services)
    row = propose(services, mail)
    with services.unit_of_work(NOW) as uow:
        levels.change_level(uow, mail, Confidentiality.ORDINARY, reason="Publié", actor=actor(services, "sg"))
    with services.reading() as session:
        asked = levels.open_request(session, session.get_one(levels.Mail, mail), actor(services, "dge"))
    with services.unit_of_work(NOW) as uow:
        levels.agree(uow, mail, asked.id if asked else 0, actor=actor(services, "dge"))
    with pytest.raises(Invalid, match=r"exception\.not_secret"):
        confirm(services, mail, row)


def test_a_right_ends_with_the_level_or_with_the_readers_post_and_does_not_come_back(services: Services) -> None:
    mail = secret(services)
    confirm(services, mail, propose(services, mail, until=TODAY + 5 * DAY))
    with services.unit_of_work(NOW) as uow:
        assert operations.settle_due(uow) == 0
        uow.session.execute(update(Mail).where(Mail.id == mail).values(level=int(Confidentiality.RESTRICTED)))
    with services.unit_of_work(NOW) as uow:
        assert operations.settle_due(uow) == 1
        uow.session.execute(update(Mail).where(Mail.id == mail).values(level=int(Confidentiality.SECRET)))
    assert not sees(services, mail), "the level was raised again: whoever is to read it is proposed anew"
    confirm(services, mail, propose(services, mail, until=TODAY + 5 * DAY))
    assert sees(services, mail)
    with services.unit_of_work(NOW) as uow:
        reader = actor(services, "daf").person_id
        uow.session.execute(update(Holding).where(Holding.person_id == reader).values(until_on=TODAY - DAY))
    with services.unit_of_work(NOW) as uow:
        assert operations.settle_due(uow) == 1
    assert acts(services).count("ended") == 2


def test_of_two_confirmers_at_one_moment_one_does_it(services: Services) -> None:
    mail = secret(services)
    delegate(services, "dge", "etudes")
    row = propose(services, mail)
    results = together(*(lambda who=who: confirm(services, mail, row, who) for who in ("dge", "etudes")))
    assert [one.code for one in results if isinstance(one, GedError)] == ["exception.settled"]
    assert acts(services) == ["proposed", "granted"]
    with services.reading() as session:
        assert len(session.scalars(select(LetterException)).all()) == 1


def test_who_sees_the_letter_is_told_of_the_reader(services: Services) -> None:
    mail = secret(services)
    confirm(services, mail, propose(services, mail, until=TODAY + DAY))
    with services.reading() as session:
        found = readers_of(session, int(mail), actor(services, "sg"), (), on=TODAY, zone=services.zone)
        (daf,) = [one for one in found.readers if one.person.code == "daf"]
        assert [way.until for way in daf.ways] == [TODAY + DAY]
        later = readers_of(session, int(mail), actor(services, "sg"), (), on=TODAY + 2 * DAY, zone=services.zone)
    assert "daf" not in {one.person.code for one in later.readers}


def test_a_request_by_number_tells_nothing_to_who_asks(services: Services) -> None:
    mail = secret(services)
    with services.reading() as session:
        number = session.scalars(select(MailNumber.text).where(MailNumber.mail_id == mail)).one()
    for typed in (number, "99999/2026/MIN"):
        with services.unit_of_work(NOW) as uow:
            operations.request(uow, typed, reason="Inspection", actor=actor(services, "daf"))
    with services.reading() as session:
        rows = session.scalars(select(ExceptionRequest.mail_id).order_by(ExceptionRequest.id)).all()
        seen = queries.panel(session, mail, actor(services, "dge"), now=NOW, on=TODAY)
    assert rows == [mail, None]
    assert seen is not None
    assert [(one.account, one.reason) for one in seen.requests] == [("daf", "Inspection")]
    propose(services, mail)
    with services.reading() as session:
        assert session.scalars(select(ExceptionRequest.ended_at).order_by(ExceptionRequest.id)).all() == [NOW, None]
    for _ in range(operations.REQUESTS_A_DAY - 1):
        later = NOW + timedelta(minutes=1)
        with services.unit_of_work(later) as uow:
            operations.request(uow, "1", reason="Inspection", actor=actor(services, "daf"))
    with pytest.raises(Invalid, match=r"exception\.many"), services.unit_of_work(NOW + DAY / 2) as uow:
        for n in range(9):
            uow.now += timedelta(minutes=n)
            operations.request(uow, "1", reason="Inspection", actor=actor(services, "daf"))
