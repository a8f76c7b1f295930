"""Each void and each correction is listed in exactly one closing, whichever clocks the correcting people have."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select, text, update

from ged import verify
from ged.archive.keeping import seal_head
from ged.archive.seal import HeadSeal, journal_seal
from ged.closing import listing
from ged.closing import operations as closing
from ged.errors import InvalidTransition
from ged.ports import MailId
from ged.register import rectify_entry
from ged.register.models import (
    Attachment,
    AttachmentKind,
    AttachmentPage,
    ClosingLine,
    MailNumber,
    Rectification,
    Register,
    RegisterClosing,
)
from ged.register.operations import void_number
from ged.unit import Services
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.slip_kit import letter, register_id
from tests.tampering import lift_guards

DAY = timedelta(days=1)


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path)
    make_organisation(made)
    yield made
    made.engine.dispose()


def close(services: Services, until_on: date) -> RegisterClosing:
    """Close as the nightly job of the following day does."""
    now = NOW + (until_on - TODAY) + DAY
    return closing.close_days(services, register_id(services, "ARR"), until_on, actor=actor(services, "agent"), now=now)


def void(services: Services, mail_id: int, *, now: datetime) -> None:
    with services.unit_of_work(now) as uow:
        number = uow.session.scalars(select(MailNumber).where(MailNumber.mail_id == mail_id)).one()
        void_number(uow, number.id, reason="Inscrit deux fois", actor=actor(services, "agent"), now=now)


def correct(services: Services, mail_id: int, subject: str, *, now: datetime) -> None:
    with services.unit_of_work(now) as uow:
        clerk = actor(services, "agent")
        rectify_entry.rectify(
            uow, MailId(mail_id), {"subject": subject}, reason="Faute", version=None, actor=clerk, now=now
        )


def test_a_void_that_is_late_falls_into_the_first_open_day_and_its_closing(services: Services) -> None:
    mail_id = letter(services)
    first = close(services, TODAY)
    void(services, mail_id, now=NOW)
    second = close(services, TODAY + DAY)
    assert (first.void_count, second.void_count) == (0, 1)
    with services.reading() as session:
        voided_at = session.scalars(select(MailNumber.voided_at)).one()
        assert voided_at is not None
        assert voided_at.astimezone(services.zone).date() == TODAY + DAY
        assert list(closing.broken(session, services)) == []


def test_a_rectification_that_is_late_falls_into_the_first_open_day_and_its_closing(services: Services) -> None:
    mail_id = letter(services)
    first = close(services, TODAY)
    correct(services, mail_id, "Objet corrigé", now=NOW)
    second = close(services, TODAY + DAY)
    assert (first.rectification_count, second.rectification_count) == (0, 1)
    with services.reading() as session:
        at = session.scalars(select(Rectification.at)).one()
        assert at.astimezone(services.zone).date() == TODAY + DAY


def test_a_rectification_is_listed_though_its_number_was_voided_on_the_day(services: Services) -> None:
    mail_id = letter(services)
    correct(services, mail_id, "Objet corrigé", now=NOW)
    void(services, mail_id, now=NOW + timedelta(minutes=5))
    row = close(services, TODAY)
    assert (row.void_count, row.rectification_count) == (1, 1)


def test_a_number_voided_by_a_late_clock_takes_no_rectification_with_it(services: Services) -> None:
    mail_id = letter(services)
    correct(services, mail_id, "Objet corrigé", now=NOW + timedelta(hours=5))
    void(services, mail_id, now=NOW + timedelta(hours=1))
    row = close(services, TODAY)
    assert (row.void_count, row.rectification_count) == (1, 1)


def test_what_no_closing_lists_is_listed_by_the_next_one_and_named_until_then(services: Services) -> None:
    mail_id = letter(services)
    void(services, mail_id, now=NOW)
    assert close(services, TODAY).void_count == 1
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.execute(text("DELETE FROM closing_lines"))
    seal_head(services, now=NOW + DAY)
    found = {problem.code for problem in verify.verify(services, now=NOW + DAY).problems}
    assert found == {"closing.lines", "closing.unlisted"}
    assert close(services, TODAY + DAY).void_count == 1


def test_closings_of_a_release_that_kept_no_lines_count_by_their_clock(services: Services) -> None:
    void(services, letter(services), now=NOW)
    close(services, TODAY)
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.execute(text("DELETE FROM closing_lines"))
        connection.execute(update(RegisterClosing).values(lines_kept=False))
    void(services, letter(services, now=NOW + DAY), now=NOW + DAY)
    assert close(services, TODAY + DAY).void_count == 1
    with services.reading() as session:
        assert list(closing.broken(session, services)) == []


WALKS = st.lists(
    st.tuples(
        st.sampled_from(["letter", "letter", "void", "correct", "correct", "close"]),
        st.integers(0, 5),
        st.sampled_from([timedelta(), timedelta(hours=5), DAY]),
        st.integers(0, 99),
    ),
    min_size=12,
    max_size=40,
)
"""For each step: what is done, the hours since the step before, the delay of the clock, and the letter."""


@settings(max_examples=8, phases=[Phase.generate])  # no shrinking: a walk takes half a second
@given(walk=WALKS)
def test_in_a_random_walk_each_event_stands_in_exactly_one_closing(
    tmp_path_factory: pytest.TempPathFactory, walk: list[tuple[str, int, timedelta, int]]
) -> None:
    services = make_services(tmp_path_factory.mktemp("walk"))
    make_organisation(services)
    standing, at = [letter(services)], NOW
    for act, hours, late, which in walk:
        # The clock of the acting person is up to a day late. Closings are made of days that others still take for open.
        at += timedelta(hours=hours)
        now = at - late
        if act == "letter" or not standing:
            standing.append(letter(services, now=now))
        elif act == "void":
            void(services, standing.pop(which % len(standing)), now=now)
        elif act == "correct":
            correct(services, standing[which % len(standing)], f"Objet {at}, {which}", now=now)
        else:
            with suppress(InvalidTransition):
                close(services, (at - DAY).date())
    close(services, (at + 2 * DAY).date())
    with services.reading() as session:
        rows = session.scalars(select(RegisterClosing).order_by(RegisterClosing.sequence)).all()
        numbers = session.scalars(select(MailNumber)).all()
        changes = session.scalars(select(Rectification.id)).all()
        lines = session.execute(select(ClosingLine.number_id, ClosingLine.rectification_id)).all()
        assert list(closing.broken(session, services)) == []
    services.engine.dispose()
    voids = [one.id for one in numbers if one.voided_at is not None]
    assert all(after.from_on == before.until_on + DAY for before, after in pairwise(rows))
    days = Counter(one.registered_on for one in numbers)
    assert [row.number_count for row in rows] == [
        sum(count for day, count in days.items() if row.from_on <= day <= row.until_on) for row in rows
    ]
    assert sum(row.number_count for row in rows) == len(numbers)
    assert sum(row.void_count for row in rows) == len(voids)
    assert sum(row.rectification_count for row in rows) == len(changes)
    assert Counter(number for number, change in lines if change is None) == Counter(voids)
    assert Counter(change for _, change in lines if change is not None) == Counter(changes)


def test_a_closing_signs_before_it_locks(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    letter(services)
    sign = HeadSeal.sign
    seen: list[int] = []

    def signing(self: HeadSeal, body: dict[str, object]) -> str:
        # On SQLite any lock of the closing would block this registration.
        seen.append(letter(services, now=NOW + DAY))
        return sign(self, body)

    monkeypatch.setattr(HeadSeal, "sign", signing)
    close(services, TODAY)
    assert len(seen) == 1


def test_signing_does_not_wait_for_who_writes_to_the_folder_of_heads(services: Services) -> None:
    seal = journal_seal(services)
    first = seal.sign({"a": 1})
    with seal.alone():
        assert seal.sign({"a": 1}) == first


def counted(services: Services, work: Callable[[], object]) -> int:
    statements: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(services.engine, "before_cursor_execute", note)
    work()
    event.remove(services.engine, "before_cursor_execute", note)
    return len(statements)


def scanned(services: Services, mail_id: int) -> None:
    with services.unit_of_work(NOW) as uow:
        made = Attachment(
            mail_id=mail_id, kind=AttachmentKind.DOCUMENT, media_type="application/pdf", added_at=NOW
        )  # fmt: skip
        uow.session.add(made)
        uow.session.flush()
        uow.session.add(
            AttachmentPage(attachment_id=made.id, page_no=1, digest=f"{mail_id:064d}", media_type="image/png")
        )


def test_neither_a_listing_nor_a_check_asks_more_for_more_lines(services: Services) -> None:
    register = register_id(services, "ARR")

    def day(on: datetime, letters: int) -> tuple[int, int]:
        for _ in range(letters):
            scanned(services, mail_id := letter(services, now=on))
            correct(services, mail_id, "Autre objet", now=on)
            void(services, mail_id, now=on)
        until_on = on.date()

        def read() -> None:
            with services.reading() as session:
                row = session.get_one(Register, register)
                data, _ = listing.day_rows(session, row, until_on, until_on, services.zone)
            assert [len(data[name]) for name in listing.COUNTED] == [letters] * 3

        def check() -> None:
            with services.reading() as session:
                assert list(closing.broken(session, services)) == []

        listed = counted(services, read)
        close(services, until_on)
        return listed, counted(services, check)

    assert day(NOW, 1) == day(NOW + DAY, 5)
