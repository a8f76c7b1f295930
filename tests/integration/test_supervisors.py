"""Supervisors by a dated act: who is one on which day, what each sees, how the act is entered and ended; on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from ged.audit import AuditEntry, AuditPayload
from ged.dashboard.reach import Reach, reach_on
from ged.errors import GedError, Invalid, InvalidTransition, NotFound
from ged.org import delegations
from ged.org.delegations import DelegationForm
from ged.org.models import DelegationKind, Holding, Person, Post, PostRole, Unit
from ged.ports import PersonId, PostId
from ged.supervisors import operations as supervisors
from ged.supervisors.models import Supervisor
from ged.supervisors.operations import SupervisorForm
from ged.unit import Role, Services
from tests.factories import NOW, TODAY, actor, add_entity, make_natures
from tests.figure_letters_kit import count_all, furnish, letter
from tests.figure_site import main, table_rows, uncounted
from tests.routing_kit import post_id, unit_id
from tests.signbook_kit import House, house_on_either
from tests.site import Clock, give_passwords, open_site, post, sign_in
from web.site import context

__all__ = ["house_on_either"]  # a fixture

DAY = timedelta(days=1)


@pytest.fixture
def services(house_on_either: House) -> Services:
    return house_on_either.services


def person_id(services: Services, account: str) -> int:
    with services.reading() as session:
        return session.scalars(select(Person.id).where(Person.account == account)).one()


def give(
    services: Services, *, unit: str = "DGE", to: str = "etudes", post: str = "", from_on: date = TODAY,
    until_on: date | None = None, by: str = "admin",
) -> int:  # fmt: skip
    form = SupervisorForm(
        unit_id(services, unit), None if post else person_id(services, to), post_id(services, post) if post else None,
        "Décision n° 12 du 3 mars 2026", from_on, until_on,
    )  # fmt: skip
    with services.unit_of_work(NOW) as uow:
        return supervisors.give(uow, form, actor=actor(services, by))


def end(services: Services, supervisor_id: int, act: str = "Décision n° 13") -> None:
    with services.unit_of_work(NOW) as uow:
        supervisors.end(uow, supervisor_id, act, actor=actor(services, "admin"))


def reach(services: Services, account: str, on: date = TODAY) -> Reach:
    with services.reading() as session:
        return reach_on(session, actor(services, account, on=on), on=on)


def codes(services: Services, account: str, on: date = TODAY) -> set[str]:
    """The codes of the units of which an account is supervisor on a day."""
    seen = reach(services, account, on).supervised
    with services.reading() as session:
        return set(session.scalars(select(Unit.code).where(Unit.id.in_(seen))))


# --- from when to when


def test_it_counts_from_its_first_day_to_its_last(services: Services) -> None:
    give(services, from_on=TODAY + 3 * DAY, until_on=TODAY + 5 * DAY)
    seen = [codes(services, "etudes", TODAY + n * DAY) for n in (2, 3, 5, 6)]
    assert seen == [set(), {"DGE", "ETU"}, {"DGE", "ETU"}, set()]


def test_without_a_last_day_it_counts_until_it_is_ended(services: Services) -> None:
    given = give(services)
    assert codes(services, "etudes", date(2036, 1, 1)) == {"DGE", "ETU"}
    end(services, given)
    assert codes(services, "etudes") == set()
    with pytest.raises(InvalidTransition, match="supervisor.ended"):
        end(services, given)


def test_one_act_ended_leaves_the_other(services: Services) -> None:
    first = give(services)
    give(services, unit="DAF")
    end(services, first)
    assert codes(services, "etudes") == {"DAF"}


# --- which branch


def test_the_branch_goes_through_entities(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        add_entity(uow.session, Role.HEAD, parent_id=unit_id(services, "DGE"))
    assert codes(services, "dge") == set()
    give(services)
    assert codes(services, "etudes") == {"DGE", "ETU", "CEET"}


def test_it_follows_the_tree_of_the_day(services: Services) -> None:
    give(services, to="daf")
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(
            update(Unit).where(Unit.id == unit_id(services, "ETU")).values(parent_id=unit_id(services, "DAF"))
        )
    assert codes(services, "daf") == {"DGE"}


def _close(services: Services, code: str, successor: str) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(
            update(Unit).where(Unit.code == code).values(closed_at=NOW, successor_id=unit_id(services, successor))
        )


def test_a_closed_unit_is_kept_and_its_successor_is_not_told(services: Services) -> None:
    give(services, unit="ETU", to="daf")
    _close(services, "ETU", "DGE")
    assert codes(services, "daf") == {"ETU"}


def test_what_a_branch_took_over_belongs_to_it(services: Services) -> None:
    give(services)
    _close(services, "DAF", "ETU")
    assert codes(services, "etudes") == {"DGE", "ETU", "DAF"}


def test_a_person_who_left_the_ministry_is_told_nothing_any_more(services: Services) -> None:
    give(services)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(
            update(Holding).where(Holding.person_id == person_id(services, "etudes")).values(until_on=TODAY - DAY)
        )
    assert codes(services, "etudes") == set()


# --- who


def test_a_secretary_of_the_named_post_is_no_supervisor(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        desk = Post(
            code="SECR", title="Secrétariat", unit_id=unit_id(services, "DAF"), roles=[PostRole(role=Role.SECRETARY)],
            secretary_of_id=post_id(services, "SG-T"),
        )  # fmt: skip
        person = Person(account="secr", name="Secrétaire")
        uow.session.add_all([desk, person])
        uow.session.flush()
        uow.session.add(Holding(post_id=desk.id, person_id=person.id, from_on=date(2020, 1, 1)))
    give(services, unit="DGE", post="SG-T")
    assert (codes(services, "sg"), codes(services, "secr")) == ({"DGE", "ETU"}, set())


def test_a_post_without_a_holder_has_no_supervisor_and_a_deputy_takes_its_place(services: Services) -> None:
    give(services, unit="DAF", post="DGE-C")
    assert codes(services, "dge") == {"DAF"}
    with services.unit_of_work(NOW) as uow:
        form = DelegationForm(
            PostId(post_id(services, "DGE-C")), PersonId(person_id(services, "etudes")), DelegationKind.DELEGATION,
            "Décision n° 1", TODAY, TODAY + DAY,
        )  # fmt: skip
        delegations.delegate(uow, form, actor=actor(services, "dge"))
    assert codes(services, "etudes") == {"DAF"}
    assert codes(services, "etudes", TODAY + 2 * DAY) == set()
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(
            update(Holding).where(Holding.post_id == post_id(services, "DGE-C")).values(until_on=TODAY - DAY)
        )
    assert codes(services, "dge") == set()


def test_the_deputy_of_a_person_who_is_named_is_no_supervisor(services: Services) -> None:
    give(services, unit="DAF", to="dge")
    with services.unit_of_work(NOW) as uow:
        form = DelegationForm(
            PostId(post_id(services, "DGE-C")), PersonId(person_id(services, "etudes")), DelegationKind.DELEGATION,
            "Décision n° 1", TODAY, TODAY + DAY,
        )  # fmt: skip
        delegations.delegate(uow, form, actor=actor(services, "dge"))
    assert (codes(services, "dge"), codes(services, "etudes")) == ({"DAF"}, set())


# --- what is told


def test_what_is_supervised_is_told_and_opens_no_list(services: Services) -> None:
    give(services, unit="DAF", to="dge")
    daf, dge = unit_id(services, "DAF"), unit_id(services, "DGE")
    seen = reach(services, "dge")
    alone, both, own = seen.sight({daf}), seen.sight({daf, dge}), seen.sight({dge})
    assert (alone.is_exact, alone.opens, int(alone.level)) == (False, False, 0)
    assert (both.is_exact, both.opens, int(both.level)) == (False, False, 0)
    assert (set(both.unit_ids), set(both.apart)) == ({daf}, {dge}), (
        "an exact part of a rounded total would tell the other one"
    )
    of_dge = seen.sight({daf, dge}, top=dge)
    assert (set(of_dge.unit_ids), of_dge.is_exact, set(of_dge.apart)) == ({dge}, True, {daf})
    assert (own.is_exact, own.opens, int(own.level)) == (True, True, 1), "the own rights stay"
    assert {daf, dge} <= seen.overseen
    assert daf not in seen.own


# --- entering and ending


def refusal(services: Services, **changed: object) -> str:
    with pytest.raises(GedError) as refused:
        give(services, **changed)  # type: ignore[arg-type]
    return refused.value.code


def test_what_an_act_must_say(services: Services) -> None:
    assert refusal(services, from_on=TODAY - timedelta(days=400)) == "supervisor.dates"
    assert refusal(services, until_on=TODAY - DAY) == "supervisor.dates"
    assert refusal(services, from_on=TODAY + 2 * DAY, until_on=TODAY + DAY) == "supervisor.dates"
    assert refusal(services, to="admin") == "supervisor.oneself"
    assert refusal(services, by="dge") == "supervisor.unit", "who administers nothing"
    own_post = actor(services, "admin").posts[0].post_id
    unit = unit_id(services, "DGE")
    for form, code in (
        (SupervisorForm(unit, None, int(own_post), "N° 1", TODAY), "supervisor.oneself"),
        (SupervisorForm(unit, None, None, "N° 1", TODAY), "supervisor.one"),
        (SupervisorForm(unit, 1, 1, "N° 1", TODAY), "supervisor.one"),
        (SupervisorForm(unit, 9_999, None, "N° 1", TODAY), "supervisor.person"),
        (SupervisorForm(unit, None, 9_999, "N° 1", TODAY), "supervisor.post"),
        (SupervisorForm(9_999, person_id(services, "dge"), None, "N° 1", TODAY), "supervisor.unit"),
        (SupervisorForm(unit, person_id(services, "dge"), None, " ", TODAY), "supervisor.act"),
    ):
        with pytest.raises(Invalid, match=code), services.unit_of_work(NOW) as uow:
            supervisors.give(uow, form, actor=actor(services, "admin"))
    _close(services, "DAF", "DGE")
    assert refusal(services, unit="DAF") == "supervisor.unit"


def test_two_acts_do_not_overlap(services: Services) -> None:
    give(services, from_on=TODAY + 5 * DAY, until_on=TODAY + 9 * DAY)
    assert refusal(services, from_on=TODAY + 9 * DAY) == "supervisor.already"
    assert refusal(services) == "supervisor.already"
    give(services, until_on=TODAY + 4 * DAY)
    give(services, from_on=TODAY + 10 * DAY)
    give(services, post="ETU-M")
    give(services, to="daf")


def test_both_sides_stand_in_the_journal(services: Services) -> None:
    given = give(services, until_on=TODAY + DAY)
    end(services, given, "Décision n° 13")
    with services.reading() as session:
        rows = session.execute(
            select(AuditEntry.action, AuditEntry.person_id, AuditPayload.payload)
            .join(AuditPayload, AuditPayload.sequence == AuditEntry.sequence)
            .where(AuditEntry.subject_kind == "supervisor", AuditEntry.subject_id == given)
            .order_by(AuditEntry.sequence)
        ).all()
    assert [action for action, _who, _said in rows] == ["supervisor.given", "supervisor.ended"]
    assert {who for _action, who, _said in rows} == {person_id(services, "admin")}
    assert [said["act"] for _action, _who, said in rows] == ["Décision n° 12 du 3 mars 2026", "Décision n° 13"]
    assert rows[0][2]["until_on"] == (TODAY + DAY).isoformat()


def test_who_does_not_look_after_the_unit_ends_nothing(services: Services) -> None:
    given = give(services)
    with pytest.raises(NotFound, match="supervisor.unknown"), services.unit_of_work(NOW) as uow:
        supervisors.end(uow, given, "N° 2", actor=actor(services, "dge"))
    with pytest.raises(Invalid, match="supervisor.act"):
        end(services, given, " ")


# --- the pages


@pytest.fixture
def site(house_on_either: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Flask, House]:
    make_natures(house_on_either.services)
    give_passwords(house_on_either.services)
    clock = Clock()
    clock.at = datetime(2026, 11, 30, 15, tzinfo=UTC)
    monkeypatch.setattr(context, "datetime", clock)
    return open_site(tmp_path, house_on_either.services), house_on_either


def test_the_first_letter_of_a_supervised_unit_does_not_follow_from_the_own_numbers(site: tuple[Flask, House]) -> None:
    app, house = site
    give(house.services, unit="DAF", to="dge")
    for _ in range(7):
        letter(house.services, "DGE", on=TODAY)
    count_all(house.services)
    client, address = sign_in(app, "dge"), "/supervision/fichier?du=2026-11-01&au=2026-11-30&tableau=cards&format=csv"
    before = table_rows(client, address)[1][1]
    letter(house.services, "DAF", on=TODAY)
    count_all(house.services)
    assert before == table_rows(client, address)[1][1] == "moins de 5"
    assert "ne sont pas comptés ensemble" in client.get("/supervision/").text
    own = f"{address}&unite={unit_id(house.services, 'DGE')}"
    assert table_rows(client, own)[1][1] == "7"


def test_a_supervisor_sees_both_pages_of_the_branch_and_no_letter(site: tuple[Flask, House]) -> None:
    app, house = site
    services = house.services
    for _ in range(7):
        letter(services, "DAF")
    count_all(services)
    client = sign_in(app, "etudes")
    assert client.get("/supervision/").status_code == 403
    given = give(services, unit="DAF")
    daf = unit_id(services, "DAF")
    page = client.get("/supervision/?periode=mois")
    assert page.status_code == 200
    assert "/l/" not in page.text, "no link leads to a letter"
    rows = (
        client.get(f"/supervision/fichier?periode=mois&tableau=cards&unite={daf}").data.decode("utf-8-sig").splitlines()
    )
    assert rows[rows.index("") + 2].split(";")[1] == "5", "rounded"
    assert "Supervision" in client.get("/tableau/").text
    assert f'value="{daf}"' in client.get("/tableau/").text, "the branch is a choice there"
    assert "/tableau/courriers" not in client.get(f"/tableau/?periode=mois&unite={daf}").text
    asked = client.get(f"/tableau/courriers?periode=mois&quoi=received&unite={daf}").text
    assert 'class="number" href="/courriers/' not in asked
    end(services, given)
    assert client.get("/supervision/").status_code == 403
    assert client.get(f"/supervision/fichier?tableau=cards&unite={daf}").status_code == 403


def test_a_letter_above_the_ordinary_level_changes_nothing_for_a_supervisor(site: tuple[Flask, House]) -> None:
    app, house = site
    services = house.services
    furnish(services, count=12)
    give(services, unit="DAF")
    client = sign_in(app, "etudes")

    def told() -> list[str]:
        pages = ("", "natures", "mois", "attente", "delais")
        return [uncounted(main(client.get(f"/supervision/?periode=mois&vue={one}").text)) for one in pages]

    before = told()
    letter(services, "DAF", level=1)  # type: ignore[arg-type]
    letter(services, "DAF", level=2)  # type: ignore[arg-type]
    count_all(services)
    assert told() == before


def test_an_administrator_enters_and_ends_it_on_the_page(site: tuple[Flask, House]) -> None:
    app, house = site
    services = house.services
    client, path = sign_in(app, "admin"), "/administration/superviseurs/"
    assert "Aucun superviseur" in client.get(path).text
    form: dict[str, object] = {
        "unit_id": str(unit_id(services, "DGE")), "person_id": str(person_id(services, "etudes")), "post_id": "",
        "act": "Décision n° 12", "from_on": "24/11/2026", "until_on": "",
    }  # fmt: skip
    wrong = post(client, path, form | {"post_id": str(post_id(services, "DAF-C"))})
    assert wrong.status_code == 422
    assert "nomme une personne, ou un poste" in wrong.text
    assert post(client, path, form).status_code == 303
    shown = client.get(path).text
    assert "en vigueur" in shown
    assert "Décision n° 12" in shown.replace("\xa0", " ").replace("\u202f", " ")
    assert codes(services, "etudes", TODAY) == {"DGE", "ETU"}
    with services.reading() as session:
        given = session.scalars(select(Supervisor.id)).one()
    sent: dict[str, object] = {"supervisor_id": str(given), "ended_act": "Décision n° 13"}
    assert post(client, f"{path}fin", sent | {"ended_act": ""}).status_code == 422
    assert post(client, f"{path}fin", sent).status_code == 303
    assert "a pris fin le" in client.get(path).text
    assert post(client, path, form | {"unit_id": "x"}).status_code == 422


def test_nobody_else_opens_the_page(site: tuple[Flask, House]) -> None:
    app, _house = site
    for account in ("agent", "sg", "dge"):
        assert sign_in(app, account).get("/administration/superviseurs/").status_code == 403


def test_who_is_no_administrator_any_more_ends_nothing(services: Services) -> None:
    """The rights are read anew, behind every other change of the organisation."""
    given = give(services)
    before = actor(services, "admin")
    with services.engine.begin() as connection:
        connection.execute(text("DELETE FROM post_roles WHERE role = 'administrator'"))
    with pytest.raises(NotFound), services.unit_of_work(NOW) as uow:
        supervisors.end(uow, given, "N° 2", actor=before)
