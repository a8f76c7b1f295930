"""An administrator who leaves, or loses the role: what they planned is refused on its day, what they send is refused at once."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from ged.administration import operations, planned, wanted
from ged.administration.models import OrganisationAct
from ged.administration.operations import Looked
from ged.administration.states import ActState, state_of
from ged.audit import AuditEntry
from ged.errors import Forbidden, InvalidTransition
from ged.notices.models import Occasion, PersonalNotice
from ged.org.delegations import DelegationForm, delegate
from ged.org.file import OrganisationFile
from ged.org.load import Change
from ged.org.models import Delegation, DelegationKind, Person
from ged.ports import PersonId, PostId
from ged.register import clock
from ged.unit import Actor, Services, UnitOfWork
from ged.workbook import operations as workbook
from tests.administration_kit import Wanted, confirm, do, organisation, propose, the_act, undo
from tests.administration_site_kit import confirm as confirm_there
from tests.administration_site_kit import place, send
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.routing_kit import post_id, register
from tests.site import post, sign_in

__all__ = ["place"]  # a fixture

pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]
TOMORROW = TODAY + timedelta(days=1)
DAY = datetime(TOMORROW.year, TOMORROW.month, TOMORROW.day, 0, 1, tzinfo=UTC)


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    second_administrator(made)
    yield made
    made.engine.dispose()


def second_administrator(services: Services, account: str = "agent") -> None:
    do(services, lambda now: wanted.new_post(
        now, code="ADM2", title="Second administrateur", unit="SG", roles=("administrator",), holder=account, secretary_of=None
    ))  # fmt: skip


def renamed(name: str) -> Wanted:
    return lambda now: wanted.changed_unit(now, "DGE", name=name, kind="service")


LOST: dict[str, Wanted] = {
    "left": lambda now: wanted.departure(now, "agent", successors={}),
    "post taken away": lambda now: wanted.given_post(now, "ADM2", holder=None),
    "role taken away": lambda now: wanted.changed_post(
        now, "ADM2", title="Second administrateur", unit="SG", roles=("member",), secretary_of=None
    ),
}


@pytest.mark.parametrize("how", LOST)
def test_what_somebody_planned_who_is_gone_is_refused_on_its_day(services: Services, how: str) -> None:
    act_id = confirm(services, propose(services, renamed("Énergie"), who="agent"), who="agent", on=TOMORROW)
    other = confirm(
        services,
        propose(services, lambda now: wanted.changed_unit(now, "DAF", name="Finances", kind="service")),
        on=TOMORROW,
    )
    gone = propose(services, LOST[how])
    shown = operations.preview(services, gone, actor=actor(services, "admin"), now=NOW)
    assert shown.consequences["plans_lost"] == 1
    confirm(services, gone)
    planned.run(services, now=DAY)
    act = the_act(services, act_id)
    assert (state_of(act), [code for code, _params in act.refusal]) == (ActState.REFUSED, ["act.planner_gone"])
    assert state_of(the_act(services, other)) is ActState.DONE
    names = {one.code: one.name for one in organisation(services).units}
    assert names["DGE"] != "Énergie"
    assert names["DAF"] == "Finances"
    again = propose(services, renamed("Énergie"), now=DAY)
    confirm(services, again, now=DAY)


def test_nothing_is_said_of_plans_where_the_role_is_kept(services: Services) -> None:
    confirm(services, propose(services, renamed("Énergie"), who="agent"), who="agent", on=TOMORROW)
    mine = propose(services, lambda now: wanted.given_post(now, "BO-A", holder="etudes"))
    shown = operations.preview(services, mine, actor=actor(services, "admin"), now=NOW)
    assert "plans_lost" not in shown.consequences


def test_who_lost_the_role_confirms_and_undoes_nothing(services: Services) -> None:
    """The rights of the request's beginning do not count: they may be gone since."""
    stale = actor(services, "agent")
    done = do(services, renamed("Énergie"))
    asked = propose(services, renamed("Énergie et mines"), who="agent")
    shown = operations.preview(services, asked, actor=stale, now=NOW).digest
    do(services, LOST["post taken away"])
    with pytest.raises(Forbidden, match="access.role_missing"), services.unit_of_work(NOW) as uow:
        operations.confirm(uow, asked, shown=shown, actor=stale)
    with pytest.raises(Forbidden, match="access.role_missing"), services.unit_of_work(NOW) as uow:
        operations.undo(uow, done, actor=stale)
    assert state_of(the_act(services, done)) is ActState.DONE


def test_a_delegation_that_an_undo_brings_back_is_in_the_journal(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        form = DelegationForm(
            PostId(post_id(services, "DGE-C")), PersonId(int(actor(services, "etudes").person_id)),
            DelegationKind.DELEGATION, "Décision n° 4", TODAY, TODAY + timedelta(days=2),
        )  # fmt: skip
        given = delegate(uow, form, actor=actor(services, "dge"))
    act_id = do(services, lambda now: wanted.given_post(now, "DGE-C", holder=None))
    undo(services, act_id)
    with services.reading() as session:
        assert session.get_one(Delegation, given).withdrawn_at is None
        told = session.execute(
            select(AuditEntry.action, AuditEntry.person_id)
            .where(AuditEntry.subject_kind == "delegation", AuditEntry.subject_id == given)
            .order_by(AuditEntry.sequence)
        ).all()
    assert [action for action, _person in told] == ["delegation.granted", "delegation.withdrawn", "delegation.restored"]
    assert told[-1].person_id == int(actor(services, "admin").person_id)


@pytest.mark.parametrize("fault", [InvalidTransition("certificate.revoked", "x"), RuntimeError("gone")])
def test_an_act_that_fails_on_its_day_keeps_no_other_waiting(
    services: Services, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    first = confirm(services, propose(services, renamed("Énergie")), on=TOMORROW)
    finances = lambda now: wanted.changed_unit(now, "DAF", name="Finances", kind="service")  # noqa: E731
    second = confirm(services, propose(services, finances), on=TOMORROW)
    done = planned.do

    def fails(uow: UnitOfWork, act: OrganisationAct, looked: Looked, *, on: date, whose: Actor, by: Actor) -> None:
        if act.id == first:
            raise fault
        done(uow, act, looked, on=on, whose=whose, by=by)

    monkeypatch.setattr(planned, "do", fails)
    if isinstance(fault, RuntimeError):
        with pytest.raises(RuntimeError, match="gone"):
            planned.run(services, now=DAY)
        assert state_of(the_act(services, first)) is ActState.PLANNED
    else:
        planned.run(services, now=DAY)
        assert [code for code, _params in the_act(services, first).refusal] == ["certificate.revoked"]
    assert state_of(the_act(services, second)) is ActState.DONE


def test_a_clock_that_jumps_ahead_neither_does_nor_refuses_what_is_planned(services: Services) -> None:
    """The last number says which day it is: acts of the next year would else be done, or be refused for good, today."""
    register(services)
    planned_on = TODAY + timedelta(days=200)
    act_id = confirm(services, propose(services, renamed("Énergie")), on=planned_on)
    planned.run(services, now=NOW + timedelta(days=300))
    assert state_of(the_act(services, act_id)) is ActState.PLANNED
    with services.unit_of_work(NOW + timedelta(days=201)) as uow:
        clock.confirm(uow, reason="Horloge parlante", actor=actor(services, "admin"))
    planned.run(services, now=NOW + timedelta(days=201))
    assert state_of(the_act(services, act_id)) is ActState.DONE


def test_a_file_is_loaded_in_its_turn(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before its first row is read: what it writes beside an act would be in nobody's inverse."""
    turns: list[str] = []
    monkeypatch.setattr(workbook, "one_at_a_time", lambda _uow: turns.append("turn"))
    load = workbook.load_organisation

    def loads(uow: UnitOfWork, file: OrganisationFile, *, on: date) -> list[Change]:
        turns.append("load")
        return load(uow, file, on=on)

    monkeypatch.setattr(workbook, "load_organisation", loads)
    with services.unit_of_work(NOW) as uow:
        workbook.bring_to(uow, organisation(services), on=TODAY)
    assert turns == ["turn", "load"]


# --- the pages ------------------------------------------------------------------------------------------------------


def test_a_departure_says_how_many_planned_acts_it_makes_void(place: tuple[Flask, Services]) -> None:
    app, services = place
    second_administrator(services)
    confirm(services, propose(services, renamed("Énergie"), who="agent"), who="agent", on=TOMORROW)
    with services.reading() as session:
        person = session.scalars(select(Person.id).where(Person.account == "agent")).one()
    client = sign_in(app, "admin")
    shown = send(client, f"/administration/personnes/{person}/depart", {})
    assert "1 modification prévue par cette personne sera refusée" in client.get(shown).text
    confirm_there(client, shown)
    planned.run(services, now=DAY)
    listed = client.get("/administration/actes/?voir=prevus").text
    assert "Modifier un service" in listed
    assert "Refusée" in listed
    assert "La personne qui avait prévu cette modification est partie" in client.get("/administration/actes/2").text


def test_a_refused_act_is_told_to_the_administrators_and_counted_until_one_sets_it_aside(
    place: tuple[Flask, Services],
) -> None:
    app, services = place
    second_administrator(services)
    confirm(services, propose(services, renamed("Énergie"), who="agent"), who="agent", on=TOMORROW)
    confirm(services, propose(services, LOST["role taken away"]))
    planned.run(services, now=DAY)
    planned.run(services, now=DAY)
    with services.reading() as session:
        told = session.execute(
            select(PersonalNotice.occasion, Person.account).join(Person, Person.id == PersonalNotice.person_id)
        )
        assert told.all() == [(Occasion.CHANGE_REFUSED, "admin")], "once, and nobody who may not open its page"
    client = sign_in(app, "admin")
    assert "Modification de l'organisation" in client.get("/avis/").text.replace("’", "'")
    with services.reading() as session:
        notice = session.scalars(select(PersonalNotice.id)).one()
    act = client.get(f"/avis/{notice}").location
    assert "Classer sans suite" in client.get(act).text
    assert "1 modification prévue" in client.get("/administration/organisation/").text
    assert post(client, f"{act}/retirer", {}, page=act).status_code == 303
    assert "Abandonnée" in client.get(act).text
    assert "1 modification prévue" not in client.get("/administration/organisation/").text
