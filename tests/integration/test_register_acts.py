"""Registers opened, continued, changed and closed by acts: the numbers that follow, and what no act changes."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import select, text

from ged.administration import operations, planned, registers, wanted
from ged.administration.apart import Unfit
from ged.administration.reach import Reach
from ged.audit import AuditEntry
from ged.errors import Invalid, InvalidTransition
from ged.register.allocation import BookEntry, allocate, allocate_many
from ged.register.models import MailNumber, Register, RegisterCounter
from ged.unit import Services
from tests.administration_kit import confirm, do, dump, propose, undo
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.routing_kit import register

pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]
TOMORROW = TODAY + timedelta(days=1)


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    yield made
    made.engine.dispose()


def continued(code: str, number: str, reason: str = "Tome 3, arrêté le 30 juin"):  # type: ignore[no-untyped-def]
    return lambda now: wanted.continued_register(now, code, paper_number=number, paper_reason=reason)


def changed(code: str, pattern: str, *, unit: str = "BO"):  # type: ignore[no-untyped-def]
    return lambda now: wanted.changed_register(now, code, name=code, unit=unit, pattern=pattern)


def book_id(services: Services, code: str) -> int:
    with services.reading() as session:
        return session.scalars(select(Register.id).where(Register.code == code)).one()


def give(services: Services, code: str, *, now=NOW) -> str:  # type: ignore[no-untyped-def]
    with services.unit_of_work(now) as uow:
        return allocate(uow, book_id(services, code), actor=actor(services, "agent"), post=None).text


def shown(services: Services, act_id: int) -> operations.Preview:
    return operations.preview(services, act_id, actor=actor(services, "admin"), now=NOW)


def test_a_register_is_opened_at_the_paper_books_number_as_it_was_shown(services: Services) -> None:
    act_id = propose(
        services,
        lambda now: wanted.new_register(
            now, code="NS", name="Notes", unit="BO", nature="note_service", direction="internal",
            pattern="NS-{seq:04d}/{year}/{entity}", restarts_yearly=True, paper_number="812", paper_reason="Tome 3",
        ),
    )  # fmt: skip
    (coming,) = shown(services, act_id).numbers
    assert coming.numbers == ("NS-0813/2026/MIN", "NS-0814/2026/MIN", "NS-0815/2026/MIN")
    assert coming.new_year == "NS-0001/2027/MIN"
    confirm(services, act_id)
    assert give(services, "NS") == "NS-0813/2026/MIN"
    with services.reading() as session:
        assert "register.opened" in session.scalars(select(AuditEntry.action)).all()
    with pytest.raises(Invalid) as refusal:
        undo(services, act_id)
    assert refusal.value.code == "act.hangs"
    assert give(services, "NS") == "NS-0814/2026/MIN"


def test_a_number_bears_the_codes_of_its_entity_and_its_unit(services: Services) -> None:
    act_id = propose(services, changed("ARR-DGE", "{seq:05d}/{year}/{entity}/{unit}", unit="DGE"))
    (coming,) = shown(services, act_id).numbers
    assert coming.numbers[0] == "00001/2026/MIN/DGE"
    confirm(services, act_id)
    assert give(services, "ARR-DGE") == "00001/2026/MIN/DGE"
    with pytest.raises(Unfit) as refusal:
        propose(services, changed("ARR-DGE", "{seq:060d}/{year}/{entity}/{unit}", unit="DGE"))
    assert [(one.code, one.params["field"]) for one in refusal.value.errors] == [("cell.pattern_long", "pattern")]


def test_a_mistyped_paper_number_is_corrected_before_the_first_number_and_never_after(services: Services) -> None:
    do(services, continued("ARR", "8120"))
    do(services, continued("ARR", "812"))
    assert give(services, "ARR").startswith("00813/")
    for number in ("900", "", "812"):
        if number == "812":
            continue
        act_id = propose(services, continued("ARR", number))
        with pytest.raises(Invalid) as refusal:
            confirm(services, act_id)
        assert refusal.value.code == "register.started"
    assert give(services, "ARR").startswith("00814/")


def counted(services: Services, code: str) -> list[tuple[int, int, int, str]]:
    with services.reading() as session:
        rows = select(
            RegisterCounter.year, RegisterCounter.opening_sequence, RegisterCounter.last_sequence, RegisterCounter.opening_reason
        )  # fmt: skip
        rows = rows.where(RegisterCounter.register_id == book_id(services, code)).order_by(RegisterCounter.year)
        return [tuple(row) for row in session.execute(rows)]


def page_of(services: Services, code: str, on: date) -> registers.RegisterPage:
    with services.reading() as session:
        return registers.register_page(
            session, book_id(services, code), Reach(actor(services, "admin"), ()), on=on
        )  # fmt: skip


def test_an_archive_register_goes_on_from_its_paper_book_as_it_was_shown(services: Services) -> None:
    act_id = propose(
        services,
        lambda now: wanted.new_register(
            now, code="VIEUX", name="Ancien registre", unit="BO", nature="archive", direction="incoming", pattern="A{seq:04d}",
            restarts_yearly=True, paper_number="812", paper_reason="Tome 3",
        ),
    )  # fmt: skip
    (coming,) = shown(services, act_id).numbers
    assert coming.numbers[0] == "A0813"
    assert coming.new_year == "", "its count goes on over all years"
    confirm(services, act_id)
    assert page_of(services, "VIEUX", TODAY).coming == coming
    mail_id = register(services, "Ancien courrier").mail_id
    with services.unit_of_work(NOW) as uow:
        book = uow.session.get_one(Register, book_id(services, "VIEUX"))
        assert [one.text for one in allocate_many(uow, book, [BookEntry(mail_id, "", TODAY)])] == ["A0813"]
    assert [row[0] for row in counted(services, "VIEUX")] == [0]


def test_the_paper_book_of_last_year_is_taken_away_or_replaced_and_back(services: Services) -> None:
    do(services, continued("ARR", "812"))
    before = dump(services)
    next_year = datetime(TODAY.year + 1, 1, 10, 9, tzinfo=UTC)
    none = do(services, continued("ARR", ""), now=next_year)
    assert counted(services, "ARR") == [(TODAY.year, 0, 0, "")]
    assert page_of(services, "ARR", next_year.date()).paper is None
    undo(services, none, now=next_year)
    assert dump(services)["register_counters"] == before["register_counters"]
    other = do(services, continued("ARR", "40"), now=next_year)
    assert [row[:3] for row in counted(services, "ARR")] == [(TODAY.year, 0, 0), (TODAY.year + 1, 40, 40)]
    page = page_of(services, "ARR", next_year.date())
    assert page.paper is not None
    assert page.paper[0] == 40
    assert page.coming.numbers[0].startswith("00041/")
    undo(services, other, now=next_year)
    assert dump(services)["register_counters"] == before["register_counters"]


def test_the_database_itself_refuses_that_a_counter_goes_back_once_it_gave_a_number(services: Services) -> None:
    do(services, continued("ARR", "812"))
    give(services, "ARR")
    for statement in (
        "UPDATE register_counters SET last_sequence = 1, opening_sequence = 1", "UPDATE register_counters SET last_on = NULL",
        "DELETE FROM register_counters",
    ):  # fmt: skip
        with services.engine.connect() as connection, pytest.raises(Exception, match="these rows are held"):
            connection.execute(text(statement))


def test_a_new_pattern_from_a_day_on_rewrites_no_number(services: Services) -> None:
    first = give(services, "ARR")
    act_id = propose(services, changed("ARR", "{seq:03d}/{yy}/{unit}"))
    assert shown(services, act_id).numbers[0].numbers[0] == "002/26/BO"
    assert shown(services, act_id).consequences == {"numbers_stay": 1}
    confirm(services, act_id, on=TOMORROW)
    assert give(services, "ARR") == "00002/2026/MIN", "not before its day"
    planned.run(services, now=NOW + timedelta(days=1))
    assert give(services, "ARR", now=NOW + timedelta(days=1)) == "003/26/BO"
    with services.reading() as session:
        assert session.scalars(select(MailNumber.text).order_by(MailNumber.id)).first() == first


def test_a_pattern_like_anothers_is_counted(services: Services) -> None:
    act_id = propose(services, changed("DEP", "{seq:05d}/{year}/{entity}"))
    assert shown(services, act_id).consequences == {"numbers_alike": 1}


def test_numbers_that_change_with_a_unit_that_moves_are_shown_and_counted(services: Services) -> None:
    first = give(services, "ARR")
    do(
        services,
        lambda now: wanted.new_unit(now, code="ORG", name="Organisme", kind="entity", below="MIN", is_entity=True),
    )
    act_id = propose(services, lambda now: wanted.moved_unit(now, "BO", below="ORG"))
    looked = shown(services, act_id)
    coming = {one.code: one.numbers[0] for one in looked.numbers}
    assert (first, coming["ARR"]) == ("00001/2026/MIN", "00002/2026/ORG")
    assert looked.consequences["numbers_stay"] == 1
    confirm(services, act_id)
    assert give(services, "ARR") == "00002/2026/ORG"
    name_only = propose(services, lambda now: wanted.changed_unit(now, "BO", name="Courrier", kind="service"))
    assert shown(services, name_only).numbers == ()


def test_a_register_that_moves_beside_its_twin_or_is_opened_again_beside_it_is_counted(services: Services) -> None:
    pattern = "Z{seq:04d}/{year}/{unit}"
    for code, at in (("A1", "DGE"), ("A2", "DAF")):
        do(services, lambda now, code=code, at=at: wanted.new_register(now, code=code, name=code, unit=at, nature="arrivee", direction="incoming", pattern=pattern, restarts_yearly=True, paper_number="", paper_reason=""))  # type: ignore[misc]  # fmt: skip
    moved = propose(services, changed("A2", pattern, unit="DGE"))
    looked = shown(services, moved)
    assert looked.consequences["numbers_alike"] == 1
    assert [one.numbers[0] for one in looked.numbers] == ["Z0001/2026/DGE"]
    do(services, lambda now: wanted.closed_register(now, "A1"))
    assert "numbers_alike" not in shown(services, moved).consequences
    confirm(services, moved)
    again = shown(services, propose(services, lambda now: wanted.reopened_register(now, "A1")))
    assert again.consequences["numbers_alike"] == 1
    assert [one.code for one in again.numbers] == ["A1"]


def test_a_closed_register_numbers_nothing_until_it_is_opened_again(services: Services) -> None:
    give(services, "ARR-DGE")
    act_id = propose(services, lambda now: wanted.closed_register(now, "ARR-DGE"))
    assert shown(services, act_id).consequences == {"none_of_kind": 1}
    confirm(services, act_id)
    with pytest.raises(InvalidTransition) as refusal:
        give(services, "ARR-DGE")
    assert refusal.value.code == "register.closed"
    do(services, lambda now: wanted.reopened_register(now, "ARR-DGE"))
    assert give(services, "ARR-DGE") == "0002/2026/DGE"


def test_a_closed_register_may_stay_in_a_unit_that_closes(services: Services) -> None:
    do(services, lambda now: wanted.closed_register(now, "ARR-DGE"))
    do(
        services,
        lambda now: [
            one for one in wanted.closed_unit(now, "DGE", successor="DAF", keeps_posts=True) if one.sheet != "Registres"
        ],
    )


def test_a_register_with_numbers_keeps_its_rhythm(services: Services) -> None:
    from ged.administration.lines import line

    give(services, "ARR")
    for values in ({"restarts_yearly": False}, {"nature": "pli_ferme"}):
        act_id = propose(services, lambda _now, values=values: [line("registers", {"code": "ARR", **values})])
        with pytest.raises(Invalid) as refusal:
            confirm(services, act_id)
        assert refusal.value.code == "register.in_use"


def test_a_pattern_is_tried_while_it_is_typed(services: Services) -> None:
    with services.reading() as session:
        reach = Reach(actor(services, "admin"), frozenset())
        tried = registers.tried(
            session,
            reach,
            pattern="{seq:05d}/{year}/{unit}",
            unit="DGE",
            register="ARR-DGE",
            nature="arrivee",
            restarts=True,
            last=7,
            on=TODAY,
        )
        assert tried.numbers[0] == "00008/2026/DGE"
        assert tried.new_year == "00001/2027/DGE"
        old = registers.tried(
            session, reach, pattern="A{seq}", unit="DGE", register="", nature="archive", restarts=True, last=7, on=TODAY
        )
        assert (old.numbers[0], old.new_year) == ("A8", "")
        for pattern in ("", "{year}", "{seq.__class__}", "{seq:99999999d}", "{seq:x}"):
            with pytest.raises(Invalid):
                registers.tried(
                    session,
                    reach,
                    pattern=pattern,
                    unit="DGE",
                    register="",
                    nature="",
                    restarts=True,
                    last=None,
                    on=TODAY,
                )


def test_an_administrator_of_another_ministry_changes_no_register(services: Services) -> None:
    from ged.org.models import Holding, Person, Post, PostRole, Unit
    from ged.unit import Role

    with services.unit_of_work(NOW) as uow:
        other = Unit(code="AUTRE", name="Autre ministère", kind="ministry", is_entity=True)
        person = Person(account="loin", name="Loin", clearance=1)
        uow.session.add_all([other, person])
        uow.session.flush()
        post = Post(code="LOIN", title="Administrateur", unit_id=other.id, roles=[PostRole(role=Role.ADMINISTRATOR)])
        uow.session.add(post)
        uow.session.flush()
        uow.session.add(Holding(post_id=post.id, person_id=person.id, from_on=TODAY - timedelta(days=9)))
    before = dump(services)
    for asked in (
        changed("ARR", "X{seq}/{year}"), changed("ARR", "X{seq}/{year}", unit="AUTRE"),
        lambda now: wanted.closed_register(now, "ARR"),
    ):  # fmt: skip
        with pytest.raises(Unfit) as refusal:
            propose(services, asked, who="loin")
        assert refusal.value.code == "cell.unknown"
    with services.reading() as session:
        assert registers.registers(session, Reach(actor(services, "loin"), frozenset())) == ()
    assert dump(services) == before


@pytest.mark.servers
def test_an_undo_waits_for_the_number_that_is_being_given(make_database, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Else the counter would go back under it. The database would refuse that, but could not say what hangs."""
    services = make_services(tmp_path, url=make_database())
    make_organisation(services)
    act_id = do(services, continued("ARR-DGE", "40"))
    given, found = Event(), []

    def take_back() -> None:
        given.wait(20)
        try:
            undo(services, act_id)
        except Invalid as refused:
            found.extend((refused.code, one.table) for one in refused.params["obstacles"])

    thread = Thread(target=take_back)
    thread.start()
    with services.unit_of_work(NOW) as uow:
        number = allocate(uow, book_id(services, "ARR-DGE"), actor=actor(services, "agent"), post=None)
        uow.session.flush()
        given.set()
        thread.join(1.5)
        assert thread.is_alive(), "it waits for the counter"
    thread.join(20)
    assert (number.sequence, found) == (41, [("act.hangs", "register_counters")])
    with services.reading() as session:
        assert session.scalars(select(RegisterCounter.last_sequence)).all() == [41]
    services.engine.dispose()


def test_the_pages_statements_do_not_grow(services: Services) -> None:
    register(services, "Un")
    with services.reading() as session:
        rows = registers.registers(session, Reach(actor(services, "admin"), frozenset()))
        page = registers.register_page(
            session, book_id(services, "ARR"), Reach(actor(services, "admin"), frozenset()), on=TODAY
        )
    assert {row.code for row in rows} == {"ARR", "DEP", "BT", "PLI", "ARR-DGE"}
    assert page.row.given == 1
    assert page.coming.numbers[0] == "00002/2026/MIN"
