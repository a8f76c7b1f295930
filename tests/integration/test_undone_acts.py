"""Two acts on one record, the first one undone: what no act ever showed does not come about."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ged.administration import operations, planned, wanted
from ged.administration.differences import from_json
from ged.errors import Invalid
from ged.org.models import Unit
from ged.register.models import Register
from ged.unit import Services
from tests.administration_kit import Wanted, confirm, do, dump, organisation, propose, the_act, undo
from tests.factories import NOW, actor, make_organisation, make_services
from web.words.acts import value_words

pytestmark = [pytest.mark.in_turns(2), pytest.mark.slow]
DAY = timedelta(days=1)


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    yield made
    made.engine.dispose()


def given(code: str, holder: str | None) -> Wanted:
    return lambda now: wanted.given_post(now, code, holder=holder)


def left(account: str) -> Wanted:
    return lambda now: wanted.departure(now, account, successors={})


def closed(code: str, successor: str) -> Wanted:
    return lambda now: wanted.closed_unit(now, code, successor=successor, keeps_posts=True)


def with_roles(code: str, *roles: str) -> Wanted:
    return lambda now: wanted.changed_post(now, code, title=f"Poste {code}", unit="BO", roles=roles, secretary_of=None)


MISHELD = {
    "the post was given": (given("DGE-C", None), given("DGE-C", "etudes"), "act.held_twice"),
    "the post of who left was given": (left("dge"), given("DGE-C", "etudes"), "act.held_twice"),
    "the holder has left": (given("DGE-C", None), left("dge"), "act.closed_holder"),
    "the unit is closed": (given("BO-A", None), closed("BO", "SG"), "act.closed_unit"),
}


@pytest.mark.parametrize("name", MISHELD)
def test_an_undo_leaves_no_post_that_cannot_be_held_so(services: Services, name: str) -> None:
    first, second, code = MISHELD[name]
    before = organisation(services)
    undone = do(services, first)
    later = do(services, second, now=NOW + DAY)
    stands = dump(services)
    with pytest.raises(Invalid) as refusal:
        undo(services, undone, now=NOW + 2 * DAY)
    assert refusal.value.code == code
    assert dump(services) == stands
    undo(services, later, now=NOW + 2 * DAY)
    undo(services, undone, now=NOW + 2 * DAY)
    assert {one.code: one.holder for one in organisation(services).posts} == {
        one.code: one.holder for one in before.posts
    }


def test_an_undone_return_leaves_no_post_to_the_closed_account(services: Services) -> None:
    do(services, left("dge"))
    back = do(services, lambda now: wanted.return_of(now, "dge"))
    do(services, given("ETU-M", "dge"), now=NOW + DAY)
    with pytest.raises(Invalid, match="act.closed_holder"):
        undo(services, back, now=NOW + 2 * DAY)
    assert [post.title for post in actor(services, "dge", on=(NOW + 2 * DAY).date()).posts] == ["Poste ETU-M"]


# --- lists that are written whole -----------------------------------------------------------------------------------


def test_the_roles_of_two_acts_are_not_mixed(services: Services) -> None:
    first = do(services, with_roles("BO-A", "member"))
    second = do(services, with_roles("BO-A", "member", "head"))
    with pytest.raises(Invalid) as refusal:
        undo(services, first)
    assert [(one.table, one.key, one.count) for one in refusal.value.params["obstacles"]] == [("posts", "BO-A", 0)]
    assert _roles(services, "BO-A") == {"member", "head"}
    undo(services, second)
    assert _roles(services, "BO-A") == {"member"}
    undo(services, first)
    assert _roles(services, "BO-A") == {"clerk"}


def _roles(services: Services, code: str) -> set[str]:
    return {role.value for post in organisation(services).posts if post.code == code for role in post.roles}


def _circuit(*posts: str) -> Wanted:
    steps = [{"post": one, "kind": "visa", "compulsory": False, "with_previous": False} for one in posts]
    return lambda now: wanted.circuit_of(now, "lettre", None, steps=steps, signatory="SG-T")


def test_the_circuits_of_two_acts_are_not_mixed_and_the_nature_is_named(services: Services) -> None:
    values = {"code": "lettre", "name": "Lettre", "direction": "outgoing", "entity": ""}
    do(services, lambda now: wanted.new_listed(now, "natures", values))
    do(services, _circuit("DGE-C"))
    first = do(services, _circuit())
    second = do(services, _circuit("DAF-C"))
    with pytest.raises(Invalid) as refusal:
        undo(services, first)
    assert [(one.table, one.key, one.count) for one in refusal.value.params["obstacles"]] == [("natures", "lettre", 0)]
    undo(services, second)
    undo(services, first)
    (nature,) = organisation(services).natures
    assert nature.circuit is not None
    assert [step.post for step in nature.circuit.steps] == ["DGE-C"]


# --- closed units, and nothing --------------------------------------------------------------------------------------


def test_a_post_in_a_closed_unit_is_not_given_and_a_register_there_not_opened(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.scalars(select(Register).where(Register.code == "ARR")).one().closed_at = NOW
    do(services, closed("BO", "SG"))
    with services.unit_of_work(NOW) as uow:
        closed_unit = uow.session.scalars(select(Unit.id).where(Unit.code == "BO")).one()
        uow.session.scalars(select(Register).where(Register.code == "ARR")).one().unit_id = closed_unit
    for asked in (given("BO-A", "daf"), lambda now: wanted.reopened_register(now, "ARR")):
        with pytest.raises(Invalid) as refusal:
            do(services, asked)
        assert refusal.value.code == "act.closed_unit"
    do(services, lambda now: wanted.changed_post(now, "BO-A", title="A", unit="SG", roles=(), secretary_of=None))
    do(services, given("BO-A", "daf"))


def test_no_delay_and_a_delay_of_none_are_two_things(services: Services) -> None:
    values = {"code": "lettre", "name": "Lettre", "direction": "incoming", "entity": "", "delay_days": "0"}
    do(services, lambda now: wanted.new_listed(now, "natures", values))
    act_id = do(
        services, lambda now: wanted.changed_listed(now, "natures", "lettre", None, {"name": "L", "delay_days": ""})
    )
    shown = {one.field: one for one in from_json(the_act(services, act_id).differences)}
    assert (shown["delay_days"].before, shown["delay_days"].after) == (0, None)
    assert value_words(shown["delay_days"], 0, {}) == "0"
    assert value_words(shown["delay_days"], None, {}) == "—"


# --- two who add ----------------------------------------------------------------------------------------------------


def _added(name: str) -> Wanted:
    return lambda now: wanted.new_unit(now, code="DRH", name=name, kind="service", below="MIN", is_entity=False)


def test_a_form_that_adds_does_not_overwrite_what_was_added_meanwhile(services: Services) -> None:
    mine = propose(services, _added("Alpha"), what="unit.new")
    shown = operations.preview(services, mine, actor=actor(services, "admin"), now=NOW).digest
    later = confirm(services, propose(services, _added("Gamma"), what="unit.new"), on=(NOW + DAY).date())
    do(services, _added("Bêta"))
    with pytest.raises(Invalid) as refusal:
        operations.preview(services, mine, actor=actor(services, "admin"), now=NOW)
    assert (refusal.value.code, refusal.value.params["field"]) == ("cell.nearly_twice", "code")
    with services.unit_of_work(NOW) as uow, pytest.raises(Invalid, match="cell.nearly_twice"):
        operations.confirm(uow, mine, shown=shown, actor=actor(services, "admin"))
    planned.run(services, now=NOW + DAY)
    assert [code for code, _params in the_act(services, later).refusal] == ["cell.nearly_twice"]
    assert {one.code: one.name for one in organisation(services).units}["DRH"] == "Bêta"
