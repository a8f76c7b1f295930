"""Whoever has no post, or none any more, is told nothing of letters: on no page of figures, in no table, file, list or e-mail.

Each address is asked for before there is a letter, and again afterwards: every answer is the one of the empty register.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from difflib import unified_diff

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from ged.dashboard.letters import What
from ged.morning import telling
from ged.org.models import Holding, Person, Post, PostRole
from ged.ports import UnitId
from ged.supervisors import operations as supervisors
from ged.supervisors.models import Supervisor
from ged.supervisors.operations import SupervisorForm
from ged.unit import Role, Services
from tests.factories import NOW, TODAY, actor
from tests.figure_letters_kit import count_all, furnish
from tests.figure_site import ods_whole, site, uncounted
from tests.figure_slips_kit import many_slips
from tests.routing_kit import make_mentions, unit_id
from tests.sample_kit import in_turn
from tests.signbook_kit import House, house_on_either
from tests.site import give_passwords, sign_in
from web.views.figures import dashboard, supervision
from web.words.translations import translations

__all__ = ["house_on_either", "site"]  # fixtures

YESTERDAY = date(2026, 11, 29)
"""The site's clock stands on the day after it."""
OUTSIDERS = ("nobody", "left", "disabled", "supervised", "replaced")
"""Without a post; whose only post ended yesterday; disabled while signed in; supervisors whose act ended yesterday, or by another act.
The last two work in a unit that has no letters."""
PAGES = (("/tableau/", dashboard.PAGE), ("/supervision/", supervision.PAGE))
ASKED = 8
"""The usual run asks for one of so many addresses; the long run asks for all."""


def person_id(services: Services, account: str) -> int:
    with services.reading() as session:
        return session.scalars(select(Person.id).where(Person.account == account)).one()


def _add_outsiders(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        for account in OUTSIDERS:
            person = Person(account=account, name=account.title(), email=f"{account}@example.test", clearance=2)
            uow.session.add(person)
            uow.session.flush()
            if account in ("left", "disabled"):
                post = Post(
                    code=f"P-{account}", title="Directeur", unit_id=unit_id(services, "DGE"),
                    roles=[PostRole(role=Role.HEAD), PostRole(role=Role.AUDITOR)],
                )  # fmt: skip
                uow.session.add(post)
                uow.session.flush()
                until_on = YESTERDAY if account == "left" else None
                uow.session.add(
                    Holding(post_id=post.id, person_id=person.id, from_on=date(2020, 1, 1), until_on=until_on)
                )
    # These two keep a post in a unit that has no letters.
    with services.unit_of_work(NOW) as uow:
        for account in ("supervised", "replaced"):
            post = Post(
                code=f"P-{account}",
                title="Conseiller",
                unit_id=unit_id(services, "SG"),
                roles=[PostRole(role=Role.MEMBER)],
            )
            uow.session.add(post)
            uow.session.flush()
            named = uow.session.scalars(select(Person.id).where(Person.account == account)).one()
            uow.session.add(Holding(post_id=post.id, person_id=named, from_on=date(2020, 1, 1), until_on=None))
    for account, until_on in (("supervised", YESTERDAY), ("replaced", None)):
        form = SupervisorForm(
            UnitId(unit_id(services, "DGE")), person_id(services, account), None, "Acte 1", TODAY, until_on
        )
        with services.unit_of_work(NOW) as uow:
            supervisors.give(uow, form, actor=actor(services, "admin"))
    give_passwords(services)


def _take_away(services: Services) -> None:
    """The account of one is disabled, and the act of another is ended, while they are signed in."""
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "disabled").values(is_active=False))
        named = uow.session.scalars(select(Person.id).where(Person.account == "replaced")).one()
        row = uow.session.scalars(select(Supervisor.id).where(Supervisor.person_id == named)).one()
        supervisors.end(uow, row, "Acte 2", actor=actor(services, "admin"))


def _addresses() -> Iterator[str]:
    yield from ("/matin/", "/rapports-mensuels/", "/donnees-ouvertes/")
    for path, page in PAGES:
        yield path
        for period in ("periode=mois", "du=2026-10-01&au=2026-11-30"):
            yield from (f"{path}?vue={view}&{period}" for view in page.views)
            yield f"{path}criteres?{period}"
            for name in (*page.makers, "cards"):
                yield f"{path}chiffres?tableau={name}&{period}"
                yield from (f"{path}fichier?tableau={name}&{period}&format={form}" for form in ("csv", "ods"))
    for what in What:
        for unit in ("", "&unite=4"):
            yield f"/tableau/courriers?quoi={what.value}&du=2026-09-01&au=2026-11-30{unit}"
        yield f"/l/{what.value}~20260901~20261130~t"


def _told(client: FlaskClient, account: str) -> dict[str, object]:
    """Address -> what is answered."""
    found: dict[str, object] = {}
    for address in _addresses():
        if in_turn(f"{account} {address}", ASKED):
            answer = client.get(address)
            whole: object = uncounted(answer.text) if "text/" in answer.content_type else ods_whole(client, address)
            if isinstance(whole, str):
                whole = re.sub(r"Compté le;.*\r?\n", "", whole)
                # What differs at each request: the token of a form, and that of the page's scripts.
                whole = re.sub(r'(name="csrf_token" value=|nonce=|"X-CSRFToken": )"[^"]*"', "", whole)
            found[address] = answer.status_code, answer.headers.get("Location", ""), whole
    return found


@pytest.mark.parametrize("account", OUTSIDERS)
def test_whoever_has_no_post_is_told_nothing_of_letters(site: tuple[Flask, House], account: str) -> None:
    app, house = site
    services = house.services
    make_mentions(services)
    _add_outsiders(services)
    client = sign_in(app, account)
    _take_away(services)
    count_all(services)
    client.get("/matin/")  # a session that has just ended says so once
    empty = _told(client, account)
    assert len(empty) > 20
    furnish(services, count=70)
    many_slips(services, 12, units=("DGE", "DAF", "ETU"))
    full = _told(client, account)
    for address, before in empty.items():
        one, other = (str(told).replace("\\n", "\n").splitlines() for told in (before, full[address]))
        assert before == full[address], (address, [line[:400] for line in unified_diff(one, other, n=0)])
    with services.reading() as session:
        named = person_id(services, account)
        at = NOW.replace(month=11, day=30)
        assert telling.counted_lines(session, services, named, at, translations("fr")) == []
