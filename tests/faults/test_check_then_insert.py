"""Two people do one thing at one moment, or a person clicks twice: there is one row, and each gets a helpful
response."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from ged import audit
from ged.capture import intake
from ged.capture.models import ScanBatch
from ged.errors import Invalid, StaleVersion
from ged.org import absences, accounts
from ged.org.absences import AbsenceForm
from ged.org.models import Absence
from ged.ports import Digest, MailId, RaisedPdf, SearchQuery
from ged.preservation import documents
from ged.preservation import operations as preservation
from ged.preservation.documents import LastRevision, SignedKind
from ged.preservation.models import Preservation
from ged.register import operations
from ged.register.models import MailLink
from ged.search import saved as saved_searches
from ged.search.models import SavedSearch
from ged.signbook.models import SignedRevision
from ged.unit import SYSTEM, Services, UnitOfWork
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.intake_kit import pair
from tests.lock_kit import Actor, wait_for_waiters
from tests.routing_kit import register
from tests.signbook_kit import House
from tests.signbook_kit import house_on_postgres as house

__all__ = ["house"]  # a fixture

pytestmark = pytest.mark.servers


@pytest.fixture
def services(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Services]:
    made = make_services(tmp_path, url=request.getfixturevalue("make_database")())
    make_organisation(made)
    yield made
    made.engine.dispose()


def both(services: Services, first: Callable[[UnitOfWork], Any], second: Callable[[UnitOfWork], Any]) -> list[Any]:
    """The second begins when the first has written and not committed. It waits for the first at a lock."""

    def later() -> Any:
        with services.unit_of_work(NOW) as uow:
            return second(uow)

    with services.unit_of_work(NOW) as uow:
        found = first(uow)
        uow.session.flush()
        waiting = Actor(later)
        wait_for_waiters(services.engine)
    try:
        return [found, waiting.result()]
    except (Invalid, StaleVersion) as refusal:
        return [found, refusal]


def count(services: Services, table: Any) -> int:
    with services.snapshot() as session:
        assert list(audit.verify_chain(session)) == []
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_each_of_two_new_passwords_ends_the_sessions_before_it(services: Services) -> None:
    """A session that is opened between the two is none that the second left open."""

    def give(uow: UnitOfWork) -> int:
        person = accounts.person_of_account(uow.session, "agent")
        return accounts.set_password(uow, person.id, "hash", actor=SYSTEM)

    first, second = both(services, give, give)
    assert second == first + 1


def _away(days: int, length: int = 4) -> AbsenceForm:
    begin = TODAY + timedelta(days=days)
    return AbsenceForm(from_on=begin, until_on=begin + timedelta(days=length))


def test_an_absence_declared_by_a_double_click_is_one(services: Services) -> None:
    who = actor(services, "dge")
    declare = lambda uow: absences.declare(uow, _away(3), actor=who)  # noqa: E731
    first, second = both(services, declare, declare)
    assert (first, count(services, Absence)) == (second, 1)


def test_absences_that_overlap_never_both_stand(services: Services) -> None:
    who = actor(services, "dge")
    _, second = both(
        services,
        lambda uow: absences.declare(uow, _away(3), actor=who),
        lambda uow: absences.declare(uow, _away(5), actor=who),
    )
    assert isinstance(second, Invalid)
    assert (second.code, count(services, Absence)) == ("absence.overlap", 1)


def test_a_search_kept_by_a_double_click_is_one_and_another_of_its_name_is_refused(services: Services) -> None:
    who = actor(services, "dge")

    def keep(words: str) -> Callable[[UnitOfWork], int]:
        return lambda uow: saved_searches.save(uow, "Marchés", SearchQuery(text=words), follows=False, actor=who)

    first, second = both(services, keep("marché"), keep("marché"))
    assert (first, count(services, SavedSearch)) == (second, 1)
    with pytest.raises(Invalid, match=r"saved_search\.name_taken"), services.unit_of_work(NOW) as uow:
        keep("contrat")(uow)


def test_two_searches_of_one_name_at_once_are_one_and_a_refusal(services: Services) -> None:
    who = actor(services, "dge")
    _, second = both(
        services,
        lambda uow: saved_searches.save(uow, "Marchés", SearchQuery(text="marché"), follows=False, actor=who),
        lambda uow: saved_searches.save(uow, "marchés", SearchQuery(text="contrat"), follows=False, actor=who),
    )
    assert isinstance(second, Invalid)
    assert (second.code, count(services, SavedSearch)) == ("saved_search.name_taken", 1)


def test_letters_linked_by_a_double_click_are_linked_once_and_told_once(services: Services) -> None:
    one, two, clerk = register(services).mail_id, register(services).mail_id, actor(services, "agent")
    link = lambda uow: operations.link(uow, MailId(one), MailId(two), kind="related", actor=clerk)  # noqa: E731
    assert both(services, link, link) == [None, None]
    assert count(services, MailLink) == 1
    with services.reading() as session:
        told = select(func.count()).select_from(audit.AuditEntry).where(audit.AuditEntry.action == "mail.linked")
        assert session.scalar(told) == 1


def test_a_batch_begun_twice_at_once_is_one(services: Services) -> None:
    bridge = pair(services)
    begin = lambda uow: intake.begin_batch(uow, bridge, "k1", device="pnm:0", started_at=NOW, now=NOW)  # noqa: E731
    assert both(services, begin, begin) == [True, False]
    assert count(services, ScanBatch) == 1


def test_two_jobs_that_raise_one_letter_leave_one_revision_and_the_second_begins_again(house: House) -> None:
    services = house.services
    mail_id = house.ready()
    assert [one.failure for one in house.sign(mail_id, key=house.key("sg"))] == [None]
    with services.reading() as session:
        last = documents.last_of(session, SignedKind.MAIL, mail_id)
    assert isinstance(last, LastRevision)
    raised = RaisedPdf(b"%PDF-1.7", "B-T")
    keep = lambda uow: documents.append(uow, last, raised, Digest("a" * 64))  # noqa: E731
    _, second = both(services, keep, keep)
    assert isinstance(second, StaleVersion)
    assert second.code == "preserve.stale"
    assert count(services, SignedRevision) == 2


def test_two_jobs_that_note_one_document_first_write_one_row(services: Services) -> None:
    mail_id = register(services).mail_id
    note = lambda uow: preservation._preservation_row(uow, SignedKind.MAIL, mail_id).mail_id  # noqa: E731
    assert both(services, note, note) == [mail_id, mail_id]
    assert count(services, Preservation) == 1
