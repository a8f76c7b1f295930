"""Acts on PostgreSQL while others act: an act is done once, or refused; no unit is left in a circle or under a closed one."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from ged.administration import operations, planned, wanted
from ged.administration.lines import Line
from ged.administration.models import OrganisationAct
from ged.administration.states import ActState, state_of
from ged.audit import AuditEntry
from ged.db import Base
from ged.errors import GedError
from ged.faults import fault_of
from ged.org.file import OrganisationFile
from ged.org.load import INSTALLATION_ID
from ged.org.models import Installation
from ged.org.turns import one_at_a_time
from ged.routing import calendar_changes
from ged.unit import Services
from ged.workbook import inverse
from tests.administration_kit import Wanted, confirm, do, organisation, propose, the_act, undo
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.routing_kit import register

pytestmark = [pytest.mark.servers]
TOMORROW = TODAY + timedelta(days=1)
NEXT_DAY = datetime(TOMORROW.year, TOMORROW.month, TOMORROW.day, 0, 1, tzinfo=UTC)


@pytest.fixture
def services(make_database: Callable[[], str], tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=make_database())
    make_organisation(made)
    with made.unit_of_work(NOW) as uow:
        uow.session.add(Installation(id=INSTALLATION_ID, name="Ministère"))
    yield made
    made.engine.dispose()


def together(*works: Callable[[], object]) -> list[str]:
    """Do things at the same moment. Returns the code of each refusal, sorted."""
    refused: list[str] = []
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        barrier.wait()
        try:
            work()
        except GedError as error:
            refused.append(error.code)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return sorted(refused)


def confirming(services: Services, asked: Wanted) -> Callable[[], None]:
    """An act that is proposed and shown, to be confirmed when this is called."""
    act_id = propose(services, asked)
    me = actor(services, "admin")
    shown = operations.preview(services, act_id, actor=me, now=NOW).digest

    def work() -> None:
        with services.unit_of_work(NOW) as uow:
            operations.confirm(uow, act_id, shown=shown, actor=me)

    return work


def done(services: Services) -> int:
    with services.reading() as session:
        acts = session.scalars(select(OrganisationAct)).all()
        told = session.scalars(select(AuditEntry.action).where(AuditEntry.action == "organisation.changed")).all()
    count = sum(state_of(act) is ActState.DONE for act in acts)
    assert len(told) == count
    return count


def rename(name: str) -> Wanted:
    return lambda now: wanted.changed_unit(now, "DGE", name=name, kind="service")


def move(code: str, below: str) -> Wanted:
    return lambda now: wanted.moved_unit(now, code, below=below)


def test_of_two_administrators_who_change_the_same_unit_one_is_told(services: Services) -> None:
    for number in range(5):
        before = done(services)
        works = [confirming(services, rename(f"{who} {number}")) for who in ("Alpha", "Bêta")]
        assert together(*works) == ["act.overtaken"]
        assert done(services) == before + 1


def test_two_moves_make_no_circle(services: Services) -> None:
    works = [confirming(services, move("DAF", "DGE")), confirming(services, move("DGE", "DAF"))]
    refused = together(*works)
    assert refused == ["cell.cycle"]
    parents = {one.code: one.parent for one in organisation(services).units}
    assert {parents["DAF"], parents["DGE"]} in ({"MIN", "DGE"}, {"MIN", "DAF"})


def test_a_planned_act_is_done_once_by_two_workers(services: Services) -> None:
    act_id = confirm(services, propose(services, rename("Énergie")), on=TOMORROW)
    assert together(*[lambda: planned.run(services, now=NEXT_DAY)] * 3) == []
    assert state_of(the_act(services, act_id)) is ActState.DONE
    assert done(services) == 1


def test_a_planned_act_runs_while_an_administrator_closes_its_target(services: Services) -> None:
    for number in range(3):
        code = f"X{number}"
        confirm(services, propose(services, lambda now, code=code: wanted.new_unit(now, code=code, name=code, kind="service", below="MIN", is_entity=False)))  # type: ignore[misc]  # fmt: skip
        act_id = confirm(services, propose(services, move("ETU", code)), on=TOMORROW)
        close = confirming(services, lambda now, code=code: wanted.closed_unit(now, code, successor="DAF", keeps_posts=False))  # type: ignore[misc]  # fmt: skip
        refused = together(lambda: planned.run(services, now=NEXT_DAY), close)
        state = state_of(the_act(services, act_id))
        units = {one.code: one for one in organisation(services).units}
        if state is ActState.DONE:
            assert refused == ["act.units_below"], "the closing would leave ETU behind"
            assert units["ETU"].parent == code
            assert not units[code].closed
        else:
            assert (state, refused) == (ActState.REFUSED, [])
            assert units[code].closed
            assert units["ETU"].parent != code


def test_a_planned_act_is_withdrawn_or_done_never_both(services: Services) -> None:
    act_id = confirm(services, propose(services, rename("Énergie")), on=TOMORROW)

    def withdraw() -> None:
        with services.unit_of_work(NOW) as uow:
            operations.withdraw(uow, act_id, actor=actor(services, "admin"))

    refused = together(lambda: planned.run(services, now=NEXT_DAY), withdraw)
    state = state_of(the_act(services, act_id))
    named = next(one.name for one in organisation(services).units if one.code == "DGE")
    assert (state, refused, named == "Énergie") in (
        (ActState.DONE, ["act.settled"], True),
        (ActState.WITHDRAWN, [], False),
    )


def test_the_first_changes_of_a_calendar_without_a_week_take_turns(services: Services) -> None:
    me = actor(services, "admin")

    def set_day(name: str) -> None:
        with services.unit_of_work(NOW) as uow:
            calendar_changes.set_holiday(uow, TOMORROW, name=name, is_off=True, actor=me, shown="null")

    def set_week(day: int) -> None:
        with services.unit_of_work(NOW) as uow:
            calendar_changes.set_working_week(uow, frozenset({day, 3}), actor=me, shown=frozenset(range(5)))

    assert together(lambda: set_day("Un"), lambda: set_day("Deux")) == ["calendar.overtaken"]
    assert together(lambda: set_week(1), lambda: set_week(2)) == ["calendar.overtaken"]


def new_unit(now: OrganisationFile) -> list[Line]:
    return wanted.new_unit(now, code="DRH", name="Ressources humaines", kind="service", below="SG", is_entity=False)


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [(rename("Énergie"), []), (new_unit, ["database.busy"])],
    ids=["nothing names it", "letters may name it"],
)
def test_an_undo_never_stops_the_mail_office(services: Services, asked: Wanted, refusal: list[str]) -> None:
    """Some long work writes letters: an undo that must keep writers out gives up soon, and any other does not ask."""
    act_id = do(services, asked)
    waited: list[float] = []

    def registering() -> None:
        time.sleep(0.5)
        begin = time.monotonic()
        register(services)
        waited.append(time.monotonic() - begin)

    with services.engine.connect() as long_work:
        long_work.execute(text("UPDATE mails SET subject = subject WHERE false"))
        long_work.execute(text("UPDATE mail_access SET principal = principal WHERE false"))
        assert together(lambda: undo(services, act_id), registering) == refusal
    assert waited[0] < 8
    assert state_of(the_act(services, act_id)) is (ActState.DONE if refusal else ActState.UNDONE)
    if refusal:
        undo(services, act_id)
        assert state_of(the_act(services, act_id)) is ActState.UNDONE


def test_an_undo_keeps_writers_out_of_every_table_of_letters_that_is_asked() -> None:
    for name in Base.metadata.tables:
        values = {
            "id": 1, "code": "x", "from_on": "2026-01-01", "post_id": 1, "person_id": 1, "granted_at": NOW.isoformat(),
        }  # fmt: skip
        asked = {table for table, _ in inverse._naming(name, values)}
        held = inverse.naming([{"table": name, "key": [1], "made": values}])
        # Natures are written by acts and workbooks alone, which take turns with an undo.
        assert asked - {"audit_entries", "natures"} == set(held)
        assert inverse.naming([{"table": name, "key": [1], "before": {}, "after": {}}]) == []


def test_looking_at_an_act_waits_for_its_turn_and_not_for_long(services: Services) -> None:
    """A page that is only looked at neither meets a change that is under way, nor stands in the way of those who wait."""
    act_id = propose(services, rename("Énergie"))
    me = actor(services, "admin")
    begin = time.monotonic()
    with services.unit_of_work(NOW) as uow:
        one_at_a_time(uow)
        with pytest.raises(DBAPIError) as busy:
            operations.preview(services, act_id, actor=me, now=NOW)
    fault = fault_of(busy.value)
    assert fault is not None
    assert fault.code == "database.busy"
    assert time.monotonic() - begin < 8
    assert operations.preview(services, act_id, actor=me, now=NOW).differences[0].after == "Énergie"
