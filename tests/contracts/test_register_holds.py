"""A register after a restore, on both databases: no number until the last one on paper is said, none twice, no gap."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from ged.archive import register_check
from ged.audit import AuditEntry, AuditPayload
from ged.closing import operations as closing
from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound
from ged.register import clock, typed_numbers
from ged.register.models import ClosingPeriod, MailNumber, Register, RegisterClosing, RegisterNature
from ged.resuming import operations, queries
from ged.resuming.holding import hold_registers
from ged.unit import SYSTEM, Services
from ged.verify import verify
from tests.factories import NOW, actor, make_organisation, make_services
from tests.resuming_kit import COPIED_AT, counter, hold, hold_id, numbers, register, release


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    yield made
    made.engine.dispose()


def refused(services: Services, code: str = "register.waits") -> None:
    with pytest.raises(InvalidTransition, match=code):
        register(services)


def test_no_register_gives_a_number_until_its_last_one_is_said(services: Services) -> None:
    register(services, "Avant la copie")
    assert hold(services) == ["ARR", "DEP", "BT", "PLI", "ARR-DGE"], "all, also those without a letter of the year"
    refused(services)
    done = release(services, "ARR", 4)
    assert (done.first, done.last, done.lost) == (2, 4, 3)
    register(services, "Après la reprise")
    assert numbers(services, "ARR") == [
        ("00001/2026/MIN", False, True), ("00002/2026/MIN", True, False), ("00003/2026/MIN", True, False),
        ("00004/2026/MIN", True, False), ("00005/2026/MIN", False, True),
    ]  # fmt: skip
    with services.reading() as session:
        assert register_check.gaps(session) == []
        assert set(session.scalars(select(MailNumber.void_reason).where(MailNumber.voided_at.is_not(None)))) == {
            "Perdu entre la copie du 24/11/2026 à 02:00 et la remise en service du 24/11/2026 à 09:00 ; à ressaisir depuis le papier"
        }
        told = session.scalars(
            select(AuditPayload.payload)
            .join(AuditEntry, AuditEntry.sequence == AuditPayload.sequence)
            .where(AuditEntry.action == operations.RESUMED)
        ).one()
    assert (told["sequence"], told["lost"], told["register"]) == (4, 3, "ARR")
    assert verify(services, now=NOW).problems == ()
    with pytest.raises(InvalidTransition, match=r"register\.waits"):
        register(services, code="ARR-DGE", account="dge")


def test_the_database_itself_refuses_a_number(services: Services) -> None:
    register(services)
    hold(services)
    with pytest.raises(DBAPIError, match="waits for the last number"), services.engine.begin() as connection:
        connection.execute(text("UPDATE register_counters SET last_sequence = last_sequence + 1"))
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE register_counters SET last_on = last_on"))
    found = counter(services, "ARR")
    assert found is not None
    assert found.last_sequence == 1


def test_none_since_the_copy_voids_nothing(services: Services) -> None:
    register(services)
    hold(services)
    assert release(services, "ARR", None).lost == 0
    assert release(services, "ARR-DGE", None, account="dge").lost == 0
    assert counter(services, "ARR-DGE") is None, "a register without a number still opens where its paper book ends"
    register(services)
    register(services, code="ARR-DGE", account="dge")
    assert [one[0] for one in numbers(services, "ARR")] == ["00001/2026/MIN", "00002/2026/MIN"]


def unused(services: Services, *codes: str, account: str = "agent") -> list[str]:
    with services.unit_of_work(NOW) as uow:
        held = [hold_id(services, code) for code in codes]
        return [one.register for one in operations.release_unused(uow, held, actor=actor(services, account))]


def test_none_is_said_of_several_registers_at_once_or_of_none_of_them(services: Services) -> None:
    hold(services)
    with pytest.raises(Invalid, match=r"hold\.none_chosen"):
        unused(services)
    with pytest.raises(Forbidden, match=r"register\.not_clerk"):
        unused(services, "ARR", "ARR-DGE")
    with pytest.raises(NotFound, match=r"hold\.unknown"):
        unused(services, "ARR", "NONE")
    with services.reading() as session:
        assert len(queries.waiting_codes(session)) == 5, "nothing of a refused list goes on"
    release(services, "BT", 2)
    with pytest.raises(InvalidTransition, match=r"hold\.released"):
        unused(services, "ARR", "BT")
    assert len(unused(services, "PLI", "ARR", "DEP")) == 3
    assert len(unused(services, "PLI", "ARR")) == 2, "said twice alike"
    with services.reading() as session:
        assert queries.waiting_codes(session) == ["ARR-DGE"]
        said = select(AuditEntry.sequence).where(AuditEntry.action == operations.RESUMED)
        assert len(session.scalars(said).all()) == 4
    register(services)
    assert numbers(services, "ARR") == [("00001/2026/MIN", False, True)]


def test_what_is_said_twice_counts_once_and_another_number_is_refused(services: Services) -> None:
    hold(services)
    release(services, "ARR", 2)
    again = release(services, "ARR", 2)
    assert (again.is_repeated, again.lost) == (True, 2)
    for other in (3, None):
        with pytest.raises(InvalidTransition, match=r"hold\.released") as refusal:
            release(services, "ARR", other)
    assert refusal.value.params["by"] == "Agent"
    assert len(numbers(services, "ARR")) == 2


def test_a_number_that_cannot_be_is_refused_and_a_far_one_asks_once_more(services: Services) -> None:
    register(services)
    register(services)
    hold(services)
    with pytest.raises(Invalid, match=r"hold\.below"):
        release(services, "ARR", 1)
    assert operations.FAR == 500
    with pytest.raises(Invalid, match=r"hold\.far") as far:
        release(services, "ARR", 503)
    assert (far.value.params["lost"], far.value.params["stands"]) == (501, 2)
    with pytest.raises(Invalid, match=r"hold\.too_far"):
        release(services, "ARR", 20_003, confirmed=True)
    with pytest.raises(Forbidden, match=r"register\.not_clerk"):
        release(services, "ARR", 3, account="dge")
    with pytest.raises(NotFound, match=r"hold\.unknown"), services.unit_of_work(NOW) as uow:
        operations.release(uow, 999, last_sequence=1, actor=actor(services, "agent"))
    refused(services)
    assert release(services, "ARR", 502).lost == 500
    assert release(services, "PLI", 501, confirmed=True).lost == 501


def test_the_typed_number_is_one_of_the_register(services: Services) -> None:
    hold(services)

    def typed(text: str) -> int:
        with services.reading() as session:
            return queries.sequence_typed(
                session, hold_id(services, "ARR"), text, actor=actor(services, "agent"), on=NOW.date()
            )

    assert [typed(one) for one in ("457", "00457/2026/MIN", "n° 457 / 2026 / min")] == [457] * 3
    for wrong in ("457/2025/MIN", "457/2026/DGE", "quatre", "4 5 7", "-3", "99999999", "BT-0004/2026"):
        with pytest.raises(Invalid, match=r"hold\.number"):
            typed(wrong)


def test_an_archive_and_a_closed_register_do_not_wait(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        for code, change in (("ARR-DGE", {"nature": RegisterNature.ARCHIVE}), ("BT", {"closed_at": NOW})):
            row = uow.session.scalars(select(Register).where(Register.code == code)).one()
            for name, value in change.items():
                setattr(row, name, value)
    assert hold(services) == ["ARR", "DEP", "PLI"]


def test_a_second_failure_before_the_answer_keeps_the_earlier_copy(services: Services) -> None:
    hold(services)
    first = hold_id(services, "ARR")
    hold(services, copied_at=COPIED_AT + timedelta(hours=3), now=NOW + timedelta(hours=1))
    with services.reading() as session:
        row = queries.waiting_one(session, actor(services, "agent"), hold_id(services, "ARR"))
    assert (row.id, row.copied_at, row.restored_at) == (first, COPIED_AT, NOW + timedelta(hours=1))
    release(services, "ARR", 1)
    hold(services, now=NOW + timedelta(hours=2))
    refused(services)
    assert release(services, "ARR", 3, now=NOW + timedelta(hours=2)).lost == 2


def test_a_number_that_was_said_too_low_is_said_again(services: Services) -> None:
    hold(services)
    release(services, "ARR", 2)
    with pytest.raises(NotFound, match=r"register\.unknown"), services.unit_of_work(NOW) as uow:
        hold_registers(uow, copied_at=COPIED_AT, code="NONE")
    with services.unit_of_work(NOW) as uow:
        assert hold_registers(uow, copied_at=COPIED_AT, code="ARR") == ["ARR"]
    refused(services)
    assert release(services, "ARR", 5).lost == 3
    with services.reading() as session:
        assert queries.lost(session, actor(services, "agent"))[1] == 5


def test_lost_numbers_of_a_year_that_is_over_stay_in_their_year(services: Services) -> None:
    """The copy of 31 December, brought back on 2 January: both years may have given numbers."""
    register(services)
    back = datetime(2027, 1, 2, 8, tzinfo=UTC)
    with services.unit_of_work(back) as uow:
        clock.confirm(uow, reason="horloge parlante", actor=SYSTEM)
    hold(services, copied_at=datetime(2026, 12, 31, 2, tzinfo=UTC), now=back)
    with services.reading() as session:
        arr = session.scalars(select(Register.id).where(Register.code == "ARR")).one()
    closing.close_what_is_over(services, now=back)
    with services.reading() as session:
        assert session.scalars(select(RegisterClosing)).all() == [], "a day in which numbers are missing is not closed"
    assert release(services, "ARR", 3, now=back).lost == 2
    with pytest.raises(InvalidTransition, match=r"register\.waits"):
        register(services, now=back)
    assert release(services, "ARR", 1, year=2027, now=back).lost == 1
    register(services, now=back)
    assert [one[0] for one in numbers(services, "ARR")] == [
        "00001/2026/MIN", "00002/2026/MIN", "00003/2026/MIN", "00001/2027/MIN", "00002/2027/MIN",
    ]  # fmt: skip
    closing.close_what_is_over(services, now=back)
    with services.reading() as session:
        spans = session.execute(
            select(RegisterClosing.period, RegisterClosing.until_on, RegisterClosing.number_count).where(
                RegisterClosing.register_id == arr
            )
        ).all()
    assert [(one.period, str(one.until_on), one.number_count) for one in spans] == [
        (ClosingPeriod.DAY, "2026-12-31", 3), (ClosingPeriod.YEAR, "2026-12-31", 3),
    ]  # fmt: skip
    assert verify(services, now=back).problems == ()


def test_a_lost_letter_is_found_by_the_number_on_its_paper_once_it_is_entered_again(services: Services) -> None:
    hold(services)
    release(services, "ARR", 2)
    clerk = actor(services, "agent")
    with services.reading() as session:
        rows, total = queries.lost(session, clerk)
        assert queries.lost(session, actor(services, "dge")) == ([], 0)
    assert ([one.text for one in rows], total) == (["00001/2026/MIN", "00002/2026/MIN"], 2)
    mail_id = register(services, "Ressaisie").mail_id
    elsewhere = register_elsewhere(services)

    def retake(number_id: int, of: int) -> None:
        with services.unit_of_work(NOW) as uow:
            operations.retake(uow, number_id, of, actor=clerk)

    with pytest.raises((Invalid, NotFound)):
        retake(rows[0].id, elsewhere)
    retake(rows[0].id, mail_id)
    with services.reading() as session:
        found = typed_numbers.bearers(session, "00001/2026/MIN", clerk)
        assert [(one.mail_id, one.is_voided) for one in found] == [(mail_id, True)]
        assert queries.lost(session, clerk)[1] == 1
        own = session.scalars(
            select(MailNumber.id).where(MailNumber.mail_id == mail_id, MailNumber.voided_at.is_(None))
        )
        valid = own.one()
    for taken in (rows[0].id, valid):
        with pytest.raises((InvalidTransition, Invalid), match="number.not"):
            retake(taken, mail_id)
    assert verify(services, now=NOW).problems == ()


def register_elsewhere(services: Services) -> int:
    hold_free = release(services, "ARR-DGE", None, account="dge")
    assert hold_free.lost == 0
    return register(services, code="ARR-DGE", account="dge").mail_id


def test_a_label_that_may_be_of_a_lost_letter_is_in_doubt(services: Services) -> None:
    register(services)
    hold(services)

    def doubt(code: str) -> bool:
        with services.reading() as session:
            last = session.scalars(
                select(MailNumber).join(Register).where(Register.code == code).order_by(MailNumber.id.desc())
            ).first()
            assert last is not None
            return queries.may_be_of_the_lost(session, last)

    assert not doubt("ARR"), "it stands in the copy"
    release(services, "ARR", None)
    register(services)
    assert doubt("ARR"), "another register may have given this id before the failure"
    for code in ("DEP", "BT", "PLI"):
        release(services, code, None)
    release(services, "ARR-DGE", None, account="dge")
    assert not doubt("ARR"), "nothing was lost"
