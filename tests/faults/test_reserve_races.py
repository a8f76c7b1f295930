"""Two people at one reserve book, on both databases: a line gives one letter, and no number is lost or given twice."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from ged.audit import AuditEntry
from ged.capture import bridges
from ged.errors import InvalidTransition
from ged.paper import reserve_sheets, reserve_typed, reserve_voiding
from ged.register.models import MailNumber
from ged.register.operations import IncomingForm, Registered, register_incoming
from ged.reserve import checking, operations
from ged.reserve.models import ReserveSheet
from ged.reserve.operations import MadeBook
from ged.unit import Services
from tests.factories import NOW, actor, make_organisation, make_services
from tests.lock_kit import outcomes
from tests.reserve_kit import BACK, CUT, enter, line_ids, make, register_id, second_clerk, sheet, states, void


@pytest.fixture
def services(tmp_path: Path, either_database: str | None) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    second_clerk(made)
    yield made
    made.engine.dispose()


def numbers(services: Services) -> list[int]:
    with services.reading() as session:
        return list(session.scalars(select(MailNumber.sequence).order_by(MailNumber.sequence)))


def refusals(found: list[object]) -> list[str]:
    for one in found:
        if isinstance(one, Exception) and not isinstance(one, InvalidTransition):
            raise one
    return sorted(one.code for one in found if isinstance(one, InvalidTransition))


def test_of_two_clerks_with_one_line_one_wins_and_the_other_is_told(services: Services) -> None:
    for line in line_ids(services, make(services).id)[:5]:
        found = outcomes(
            partial(enter, services, line, "De l'un"), partial(enter, services, line, "De l'autre", account="agent2")
        )
        assert sum(isinstance(one, Registered) for one in found) == 1
        assert refusals(found) == ["reserve.line_used"]
    assert numbers(services) == [1, 2, 3, 4, 5]
    with services.reading() as session:
        assert list(checking.broken(session)) == []


def test_one_form_sent_twice_at_once_is_one_letter(services: Services) -> None:
    line = line_ids(services, make(services).id)[0]
    found = outcomes(*[lambda: enter(services, line, token="t")] * 2)
    assert refusals(found) == []
    assert sorted(one.is_repeated for one in found) == [False, True]
    assert numbers(services) == [1]


def test_who_voids_and_who_enters_share_the_lines(services: Services) -> None:
    book = make(services)
    ids = line_ids(services, book.id)
    entering = [partial(enter, services, line, account="agent2") for line in ids[:4]]
    found = outcomes(*entering, partial(void, services, book.id))
    used = [one for one in found if isinstance(one, Registered)]
    assert refusals(found) == ["reserve.line_void"] * (4 - len(used))
    assert [state for state, _number in states(services, book.id)].count("used") == len(used)
    assert [state for state, _number in states(services, book.id)].count("void") == 10 - len(used)
    assert numbers(services) == list(range(1, len(used) + 1))


def test_books_made_at_once_have_numbers_that_follow(services: Services) -> None:
    found = outcomes(*(partial(make, services, account=account) for account in ("agent", "agent2") * 3))
    assert all(isinstance(one, MadeBook) for one in found), found
    assert sorted(one.code for one in found) == [f"CS-ARR-2026-{n:03d}" for n in range(1, 7)]


def test_who_voids_while_a_desk_sends_loses_no_line_unseen(services: Services) -> None:
    """Either the desk is told that its line is void, or the clerk that the line is used: never neither."""
    clerk = actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        code = bridges.make_pairing_code(uow, clerk.posts[0].unit_id, actor=clerk, now=NOW)
    with services.unit_of_work(NOW) as uow:
        token, _id = bridges.pair(uow, code, "Guichet 1", now=NOW)
    with services.reading() as session:
        bridge = bridges.authenticate(session, token)

    def type_line(text: str) -> bool:
        body = {"line": text, "received_on": f"{CUT:%Y-%m-%d}", "received_clock": f"{CUT.astimezone(services.zone):%H:%M}",
                "sender_name": "Préfecture", "subject": "Pont"}  # fmt: skip
        with services.unit_of_work(BACK) as uow:
            return reserve_typed.take(uow, bridge, secrets.token_hex(16), body)

    def void_all(book_id: int) -> list[int]:
        with services.unit_of_work(BACK) as uow:
            return reserve_voiding.void(
                uow, book_id, reason="Coupure terminée", named=(), actor=actor(services, "agent2")
            )

    for _ in range(4):
        book = make(services)
        sent, voided = outcomes(partial(type_line, f"{book.code}-10"), partial(void_all, book.id))
        told = [one.code for one in (sent, voided) if isinstance(one, InvalidTransition)]
        assert told in (["reserve.line_void"], ["reserve.used_meanwhile"]), (sent, voided)


def test_a_page_becomes_a_proof_once(services: Services) -> None:
    """Two clerks enter two lines of one scanned page at once, and a third one keeps it."""
    book = make(services)
    scan_id, (one, other, *_rest) = sheet(services, book.id, written=2), line_ids(services, book.id)

    def enter_line(line_id: int, account: str) -> None:
        clerk = actor(services, account)
        form = IncomingForm(
            "Demande", "Préfecture", actor(services, "sg").posts[0].post_id, received_on=CUT.astimezone(services.zone).date()
        )  # fmt: skip
        with services.unit_of_work(BACK) as uow:
            held = reserve_sheets.hold_of_line(uow, line_id)
            done = register_incoming(uow, register_id(services, "ARR"), form, actor=clerk, now=BACK)
            operations.enter(uow, line_id, done.mail_id, done.number_id, received_at=CUT, actor=clerk)
            reserve_sheets.keep(uow, held, actor=clerk)

    found = outcomes(partial(enter_line, one, "agent"), partial(enter_line, other, "agent2"))
    assert found == [None, None]
    with services.reading() as session:
        kept = session.scalars(select(AuditEntry).where(AuditEntry.action == reserve_sheets.KEPT)).all()
        assert session.get_one(ReserveSheet, scan_id).kept_at is not None
    assert len(kept) == 1
    assert numbers(services) == [1, 2]
