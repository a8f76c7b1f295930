"""Who acts for whom: granted by the holder, for a time, by a written act; ended at once by a withdrawal."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from ged.errors import Forbidden, Invalid, InvalidTransition
from ged.org import absences, delegations, notices
from ged.org.absences import AbsenceForm
from ged.org.delegations import DelegationForm
from ged.org.models import DelegationKind, Holding, NoticeKind
from ged.unit import Role, Services
from tests.factories import NOW, TODAY, actor, make_organisation, make_services


@pytest.fixture
def services(tmp_path: Path) -> Services:
    made = make_services(tmp_path)
    make_organisation(made)
    return made


def form(services: Services, **changes: object) -> DelegationForm:
    values: dict[str, object] = {
        "post_id": actor(services, "dge").posts[0].post_id,
        "person_id": actor(services, "etudes").person_id,
        "kind": DelegationKind.DELEGATION,
        "act": "Note n° 12 du 20/11/2026",
        "from_on": TODAY,
        "until_on": TODAY + timedelta(days=10),
    }
    return DelegationForm(**{**values, **changes})  # type: ignore[arg-type]


def grant(services: Services, who: str = "dge", **changes: object) -> int:
    with services.unit_of_work(NOW) as uow:
        return delegations.delegate(uow, form(services, **changes), actor=actor(services, who))


def test_the_delegate_acts_for_the_post_while_it_lasts(services: Services) -> None:
    grant(services)
    post_id = actor(services, "dge").posts[0].post_id
    held = actor(services, "etudes").holds(post_id)
    assert held is not None
    assert (held.because, held.act) == ("delegation", "Note n° 12 du 20/11/2026")
    assert held.own_post_id == actor(services, "etudes").posts[0].post_id
    for day in (TODAY - timedelta(days=1), TODAY + timedelta(days=11)):
        assert actor(services, "etudes", on=day).holds(post_id) is None


def test_who_may_be_chosen_is_named_with_the_post_and_its_place(services: Services) -> None:
    with services.reading() as session:
        choices = delegations.person_choices(session, actor(services, "dge"), on=TODAY)
    assert "Secretaire — Poste SG-S, Secrétariat général, Ministère" in [name for _id, name in choices]


def test_without_the_signature(services: Services) -> None:
    grant(services, "sg", post_id=actor(services, "sg").posts[0].post_id, may_sign=False)
    held = actor(services, "etudes").holds(actor(services, "sg").posts[0].post_id)
    assert held is not None
    assert Role.SIGNATORY not in held.roles
    assert Role.AUTHORITY in held.roles


def test_withdrawn_it_ends_at_once(services: Services) -> None:
    delegation_id = grant(services)
    with services.unit_of_work(NOW) as uow:
        delegations.withdraw(uow, delegation_id, actor=actor(services, "dge"))
    assert len(actor(services, "etudes").posts) == 1
    with pytest.raises(InvalidTransition, match="delegation.withdrawn"), services.unit_of_work(NOW) as uow:
        delegations.withdraw(uow, delegation_id, actor=actor(services, "dge"))


@pytest.mark.parametrize(
    ("act", "shown"),
    [
        ("Note n° 4 🎉", "🎉"), ("Note \u202en° 4", "U+202E"), ("Note 漢", "漢"), ("Note\u2066 4", "U+2066"),
        ("Note \u200b4", "U+200B"), ("Note \x07", "U+0007"), ("Note\u2028suite", "U+2028"),
    ],
)  # fmt: skip
def test_an_act_that_cannot_be_printed_as_it_reads_is_refused(services: Services, act: str, shown: str) -> None:
    with pytest.raises(Invalid, match=r"typeset\.glyph") as refused:
        grant(services, act=act)
    assert (refused.value.params["field"], refused.value.params["character"]) == ("act", shown)


def test_an_act_in_french_typography_is_taken(services: Services) -> None:
    grant(services, act="Arrêté n°\u00a012 de l’an\u202f2026 – « œuvre », Σ")


@pytest.mark.parametrize(
    ("from_on", "until_on", "field"),
    [
        (date(1999, 1, 1), TODAY + timedelta(days=5), "from_on"),
        (date(1999, 1, 1), date(1999, 1, 10), "from_on"),
        (TODAY, TODAY + timedelta(days=400), "until_on"),
        (TODAY, TODAY - timedelta(days=1), "until_on"),
    ],
)
def test_the_day_that_is_wrong_is_named(services: Services, from_on: date, until_on: date, field: str) -> None:
    with pytest.raises(Invalid, match=r"delegation\.dates") as refused:
        grant(services, from_on=from_on, until_on=until_on)
    assert refused.value.params["field"] == field


@pytest.mark.parametrize("who", ["daf", "secretaire", "etudes"])
def test_only_the_holder_delegates(services: Services, who: str) -> None:
    with pytest.raises(Forbidden, match="delegation.forbidden"):
        grant(services, who, person_id=actor(services, "agent").person_id)


def test_powers_received_are_not_passed_on(services: Services) -> None:
    grant(services)
    with pytest.raises(Forbidden, match="delegation.forbidden"):
        grant(services, "etudes", person_id=actor(services, "agent").person_id)


def away(services: Services, account: str, *, days: int = 10) -> int:
    """Declare a person's absence from today on."""
    with services.unit_of_work(NOW) as uow:
        return absences.declare(
            uow, AbsenceForm(TODAY, TODAY + timedelta(days=days), None), actor=actor(services, account)
        )


def test_a_head_above_records_an_interim_and_nobody_else(services: Services) -> None:
    post_id = actor(services, "etudes").posts[0].post_id
    daf = actor(services, "daf").person_id
    away(services, "etudes")
    grant(services, "dge", post_id=post_id, person_id=daf, kind=DelegationKind.INTERIM)
    assert actor(services, "daf").holds(post_id) is not None
    for who, kind in (
        ("dge", DelegationKind.DELEGATION),
        ("daf", DelegationKind.INTERIM),
        ("admin", DelegationKind.INTERIM),
    ):
        with pytest.raises(Forbidden, match="delegation.forbidden"):
            grant(services, who, post_id=post_id, person_id=daf, kind=kind)


def test_a_head_above_gives_the_post_of_nobody_who_is_there(services: Services) -> None:
    post_id = actor(services, "etudes").posts[0].post_id
    changes = {"post_id": post_id, "person_id": actor(services, "daf").person_id, "kind": DelegationKind.INTERIM}
    with pytest.raises(Invalid, match="delegation.present"):
        grant(services, "dge", **changes)
    absence = away(services, "etudes", days=5)
    with pytest.raises(Invalid, match="delegation.present") as back_too_soon:
        grant(services, "dge", **changes)
    assert back_too_soon.value.params["day"] == (TODAY + timedelta(days=6)).isoformat()
    grant(services, "dge", **changes, until_on=TODAY + timedelta(days=5))
    with services.unit_of_work(NOW) as uow:
        absences.end(uow, absence, actor=actor(services, "etudes"))
    with pytest.raises(Invalid, match="delegation.present"):
        grant(services, "dge", **changes, until_on=TODAY + timedelta(days=5))


def test_an_empty_post_needs_no_absence(services: Services) -> None:
    post_id = actor(services, "etudes").posts[0].post_id
    daf = actor(services, "daf").person_id
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Holding).where(Holding.post_id == post_id).values(until_on=TODAY))
    interim = {"post_id": post_id, "person_id": daf, "kind": DelegationKind.INTERIM}
    with pytest.raises(Invalid, match="delegation.present"):
        grant(services, "dge", **interim)
    grant(services, "dge", **interim, from_on=TODAY + timedelta(days=1))


def test_a_head_names_nobody_but_others(services: Services) -> None:
    away(services, "etudes")
    with pytest.raises(Invalid, match="delegation.oneself"):
        grant(
            services, "dge", post_id=actor(services, "etudes").posts[0].post_id,
            person_id=actor(services, "dge").person_id, kind=DelegationKind.INTERIM,
        )  # fmt: skip


def test_the_holder_is_told_of_an_interim_and_ends_it(services: Services) -> None:
    away(services, "etudes")
    interim = grant(
        services, "dge", post_id=actor(services, "etudes").posts[0].post_id,
        person_id=actor(services, "daf").person_id, kind=DelegationKind.INTERIM,
    )  # fmt: skip
    with services.reading() as session:
        (told,) = notices.unread(session, actor(services, "etudes"))
        assert notices.unread(session, actor(services, "daf")) == []
    assert (told.kind, told.subject_id, told.by_name) == (NoticeKind.INTERIM, interim, "Dge")
    with services.unit_of_work(NOW) as uow:
        delegations.withdraw(uow, interim, actor=actor(services, "etudes"))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"act": "  "}, "delegation.act"),
        ({"until_on": TODAY - timedelta(days=1), "from_on": TODAY - timedelta(days=2)}, "delegation.dates"),
        ({"until_on": date(2028, 1, 1)}, "delegation.dates"),
        ({"person_id": 4711}, "delegation.person"),
    ],
)
def test_what_makes_no_sense_is_refused(services: Services, changes: dict[str, object], code: str) -> None:
    with pytest.raises(Invalid, match=code):
        grant(services, **changes)


def test_the_holder_is_no_delegate(services: Services) -> None:
    with pytest.raises(Invalid, match="delegation.itself"):
        grant(services, person_id=actor(services, "dge").person_id)


def test_each_sees_what_concerns_them(services: Services) -> None:
    grant(services)
    seen = {}
    for who in ("dge", "etudes", "daf", "admin"):
        with services.reading() as session:
            seen[who] = [r.may_withdraw for r in delegations.listing(session, actor(services, who), on=TODAY)]
    assert seen == {"dge": [True], "etudes": [False], "daf": [], "admin": []}
