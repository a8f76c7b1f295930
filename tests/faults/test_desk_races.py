"""Two clerks number or attach one thing at one moment, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ged.archive import register_check
from ged.correspondents import letters, merging
from ged.dispatch import operations as dispatch
from ged.dispatch.models import DispatchLine, DispatchState
from ged.errors import GedError
from ged.ports import MailId
from ged.register.models import Correspondent, MailNumber
from ged.slips import numbering
from ged.slips.drafting import LineForm
from ged.slips.states import LineState
from ged.unit import Services
from tests import slip_kit
from tests.factories import NOW, actor, make_organisation, make_services
from tests.routing_kit import register
from tests.signed_outside_kit import enter

pytestmark = pytest.mark.servers


@pytest.fixture
def services(tmp_path: Path, make_database: Callable[[], str]) -> Iterator[Services]:
    made = make_services(tmp_path, url=make_database())
    make_organisation(made)
    yield made
    made.engine.dispose()


def test_many_departures_at_once_leave_no_gap_and_one_form_is_one_departure(services: Services) -> None:
    def one(no: int) -> str:
        return enter(services, subject=f"Lettre {no // 2}", request_token=f"form-{no // 2}").number

    with ThreadPoolExecutor(6) as pool:
        numbers = list(pool.map(one, range(16)))
    assert sorted(set(numbers)) == [f"{no:05d}/2026/MIN/SG" for no in range(1, 9)]
    assert all(numbers[no] == numbers[no + 1] for no in range(0, 16, 2))
    with services.reading() as session:
        assert register_check.gaps(session) == []
        assert session.scalar(select(func.count(DispatchLine.id))) == 8 * 3


def test_a_slip_numbered_by_two_at_once_gives_each_letter_one_number(services: Services) -> None:
    letters = [slip_kit.letter(services, f"Lettre {no}") for no in range(4)]
    sent = slip_kit.send(services, *(LineForm(mail_id=MailId(one)) for one in letters))
    assert sent.slip_id is not None
    slip_id = sent.slip_id
    slip_kit.take(services, slip_id, *[LineState.RECEIVED] * 4)
    book, head = slip_kit.register_id(services, "ARR-DGE"), actor(services, "dge")

    def give(_: int) -> list[str]:
        for attempt in services.attempts(NOW):
            with attempt as uow:
                given = [one.text for one in numbering.number_received(uow, slip_id, book, actor=head)]
        return given

    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(give, range(4)))
    assert outcomes == [[], [], [], [f"{no:04d}/2026/DGE" for no in range(1, 5)]]
    with services.reading() as session:
        assert session.scalar(select(func.count()).select_from(MailNumber).where(MailNumber.register_id == book)) == 4
        assert register_check.gaps(session) == []


def ids(services: Services) -> dict[str, int]:
    with services.reading() as session:
        return dict(iter(session.execute(select(Correspondent.name, Correspondent.id))))


def test_two_entries_merged_into_each_other_at_once_are_merged_one_way(services: Services) -> None:
    register(services, "Un", sender="Primature")
    register(services, "Deux", sender="Primature du Togo")
    one, two = ids(services).values()
    clerk = actor(services, "agent")

    def merge(pair: tuple[int, int]) -> str:
        try:
            with services.unit_of_work(NOW) as uow:
                merging.merge(uow, *pair, version=None, actor=clerk)
        except GedError as refused:
            return refused.code
        return ""

    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(merge, [(one, two), (two, one)] * 2))
    assert outcomes[0] == ""
    assert set(outcomes[1:]) <= {"correspondent.merged", "correspondent.stale"}
    with services.reading() as session:
        merged = session.scalars(select(Correspondent.merged_into_id).order_by(Correspondent.id)).all()
    assert merged.count(None) == 1


def test_letters_that_are_registered_during_a_merge_are_with_the_entry_that_stays(services: Services) -> None:
    register(services, "Un", sender="Primature")
    register(services, "Deux", sender="Primature du Togo")
    known, clerk = ids(services), actor(services, "agent")
    kept, double = known["Primature"], known["Primature du Togo"]

    def act(no: int) -> int:
        if no == 4:
            with services.unit_of_work(NOW) as uow:
                merging.merge(uow, double, kept, version=None, actor=clerk)
            return 0
        return int(register(services, f"Lettre {no}", sender="Primature du Togo").mail_id)

    with ThreadPoolExecutor(4) as pool:
        registered = set(pool.map(act, range(9))) - {0}
    with services.reading() as session:
        rows, _page = letters.exchanged(session, kept, actor=clerk)
    assert registered <= {int(row.mail_id) for row in rows}
    assert len(rows) == len(registered) + 2


def test_two_rounds_at_once_carry_each_letter_once(services: Services) -> None:
    letters_ = [enter(services, subject=f"Lettre {no}", copies=()) for no in range(4)]
    with services.reading() as session:
        ids_ = list(session.scalars(select(DispatchLine.id).order_by(DispatchLine.id)))
    clerk = actor(services, "agent")

    def carry(no: int) -> str:
        order = ids_ if no % 2 else ids_[::-1]
        try:
            with services.unit_of_work(NOW) as uow:
                dispatch.leave_together(uow, dict.fromkeys(order), f"Porteur {no}", actor=clerk)
        except GedError as refused:
            return refused.code
        return ""

    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(carry, range(4)))
    assert outcomes == ["", *["dispatch.gone"] * 3]
    with services.reading() as session:
        lines = session.scalars(select(DispatchLine)).all()
    assert len(letters_) == 4
    assert {line.state for line in lines} == {DispatchState.LEFT}
    assert len({line.carrier for line in lines}) == 1
