"""Who sees a letter, and why: the set that is shown is the set for which the access rule is true, and it is for few."""

from __future__ import annotations

import random
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from ged import access
from ged.access import Because
from ged.administration import letter_readers, wanted
from ged.administration.letter_readers import Kept, LetterReaders
from ged.audit import AuditEntry
from ged.errors import Forbidden, GedError, NotFound
from ged.org.actors import everybody, load_actor
from ged.org.file import read_organisation
from ged.org.load import load_organisation
from ged.org.models import Delegation, DelegationKind, Holding, Person, Post, PostRole, Unit
from ged.ports import (
    Confidentiality,
    Principal,
    deciding_principal,
    heading_principal,
    holder_principal,
    person_principal,
    post_principal,
    unit_principal,
)
from ged.register.models import Direction, Mail
from ged.register.states import MailState
from ged.unit import Role, Services
from tests.administration_kit import do
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.sample_kit import LONG_RUN
from tests.site import give_passwords, make_site, sign_in

MINISTRY = Path(__file__).parents[2] / "demo" / "ministry.yaml"
ROLES = (
    Role.MEMBER,
    Role.CLERK,
    Role.HEAD,
    Role.AUTHORITY,
    Role.SECRETARY,
    Role.SIGNATORY,
    Role.ADMINISTRATOR,
    Role.AUDITOR,
)
LONG_AGO = date(2020, 1, 1)


def letter(services: Services, level: int, *principals: Principal, because: Because = Because.SHARED) -> int:
    """A letter with these rights, registered by the first unit."""
    with services.unit_of_work(NOW) as uow:
        unit_id = uow.session.scalars(select(Unit.id).order_by(Unit.id)).first()
        mail = Mail(
            direction=Direction.INCOMING, state=MailState.TO_IMPUTE, level=level, subject="objet convoité",
            unit_id=unit_id, created_at=NOW,
        )  # fmt: skip
        uow.session.add(mail)
        uow.session.flush()
        access.grant(uow, mail.id, principals, because)
        return mail.id


def add_auditor(services: Services, unit_id: int) -> None:
    with services.unit_of_work(NOW) as uow:
        post = Post(code="AUD", title="Contrôleur", unit_id=unit_id, roles=[PostRole(role=Role.AUDITOR)])
        person = Person(account="le-controleur", name="Contrôleur")
        uow.session.add_all([post, person])
        uow.session.flush()
        uow.session.add(Holding(post_id=post.id, person_id=person.id, from_on=LONG_AGO))


def readers(services: Services, mail_id: int, account: str, *, limit: int = 10_000, offset: int = 0) -> LetterReaders:
    who = actor(services, account)
    with services.reading() as session:
        return letter_readers.readers_of(
            session, mail_id, who, ("le-controleur",), on=TODAY, zone=services.zone, offset=offset, limit=limit
        )


def check(services: Services, mail_id: int) -> LetterReaders:
    """What the auditor is shown of a letter is what the rule says of each person by itself; each reader has a reason."""
    shown = readers(services, mail_id, "le-controleur")
    with services.reading() as session:
        active = session.scalars(select(Person.id).where(Person.is_active)).all()
        level = Confidentiality(session.get_one(Mail, mail_id).level)
        rule = {one for one in active if access.may_see(session, mail_id, level, load_actor(session, one, on=TODAY))}
    assert {one.person.id for one in shown.readers} == rule
    assert shown.total == len(rule) == len(shown.readers)
    assert not {one.person.id for one in shown.kept_out} & rule
    assert all(one.ways and one.since for one in shown.readers)
    return shown


def principals_of(services: Services, rng: random.Random) -> list[Principal]:
    with services.reading() as session:
        units, posts, people = (session.scalars(select(kind.id)).all() for kind in (Unit, Post, Person))
    of_units, of_posts = (unit_principal, heading_principal), (post_principal, deciding_principal, holder_principal)
    some = [rng.choice(of_units)(rng.choice(units)), rng.choice(of_posts)(rng.choice(posts))]
    some += [person_principal(rng.choice(people)), rng.choice(of_units)(rng.choice(units))]
    return rng.sample(some, rng.randint(1, 4))


def random_organisation(services: Services, rng: random.Random) -> None:
    """Trees, entities, closed units with successors; posts of any roles, vacant or shared; delegations of all kinds."""
    with services.unit_of_work(NOW) as uow:
        units: list[Unit] = []
        for n in range(rng.randint(4, 14)):
            parent = rng.choice(units) if units and rng.random() < 0.9 else None
            unit = Unit(
                code=f"U{n}", name=f"Service {n}", is_entity=rng.random() < 0.25, parent_id=parent and parent.id
            )
            if units and rng.random() < 0.25:
                unit.closed_at, unit.successor_id = NOW, rng.choice(units).id
            uow.session.add(unit)
            uow.session.flush()
            units.append(unit)
        posts: list[Post] = []
        for n in range(rng.randint(5, 20)):
            roles = rng.sample(ROLES, rng.randint(1, 3))
            above = rng.choice(posts) if posts and Role.SECRETARY in roles else None
            posts.append(
                Post(
                    code=f"P{n}", title=f"Poste {n}", unit_id=rng.choice(units).id, secretary_of_id=above and above.id,
                    roles=[PostRole(role=role) for role in roles],
                )
            )  # fmt: skip
            uow.session.add(posts[-1])
            uow.session.flush()
        for n in range(rng.randint(4, 18)):
            person = Person(
                account=f"p{n}", name=f"Personne {n}", clearance=rng.randint(0, 2), is_active=rng.random() < 0.9
            )
            uow.session.add(person)
            uow.session.flush()
            for post in rng.sample(posts, rng.randint(0, 2)):
                until = rng.choice([None, TODAY, TODAY - timedelta(days=1)])
                uow.session.add(Holding(post_id=post.id, person_id=person.id, from_on=LONG_AGO, until_on=until))
            for post in rng.sample(posts, rng.randint(0, 2)):
                uow.session.add(
                    Delegation(
                        kind=rng.choice(list(DelegationKind)), post_id=post.id, person_id=person.id, act="Note 12/SG",
                        may_sign=rng.random() < 0.5, from_on=TODAY - timedelta(days=rng.randint(0, 3)),
                        until_on=TODAY + timedelta(days=rng.randint(-1, 3)), granted_at=NOW,
                        withdrawn_at=NOW if rng.random() < 0.2 else None,
                    )
                )  # fmt: skip
    add_auditor(services, units[0].id)


@pytest.mark.parametrize(
    "seed",
    [*range(3), *(pytest.param(seed, marks=pytest.mark.long("more random organisations")) for seed in range(3, 8))],
)
def test_in_random_organisations_those_shown_are_those_for_whom_the_rule_is_true(
    tmp_path: Path, either_database: str | None, seed: int
) -> None:
    rng = random.Random(seed)
    services = make_services(tmp_path, url=either_database)
    try:
        random_organisation(services, rng)
        with services.reading() as session:
            assert list(everybody(session, on=TODAY)) == [
                load_actor(session, one, on=TODAY)
                for one in session.scalars(select(Person.id).where(Person.is_active).order_by(Person.id))
            ]
        for _ in range(6):
            for level in range(3):
                check(services, letter(services, level, *principals_of(services, rng)))
    finally:
        services.engine.dispose()


def test_in_the_demonstration_ministry_too(tmp_path: Path, either_database: str | None) -> None:
    rng = random.Random(2026)
    services = make_services(tmp_path, url=either_database)
    try:
        with services.unit_of_work(NOW) as uow:
            load_organisation(uow, read_organisation(MINISTRY), on=TODAY)
            root = uow.session.scalars(select(Unit.id).order_by(Unit.id)).first()
        assert root is not None
        add_auditor(services, root)
        seen = kept = 0
        rounds = 12 if LONG_RUN else 5
        for _ in range(rounds):
            for level in range(3):
                shown = check(services, letter(services, level, *principals_of(services, rng)))
                seen, kept = seen + shown.total, kept + shown.kept_out_total
        assert min(seen, kept) > 2 * rounds, "a test in which nobody is on any path proves nothing"
    finally:
        services.engine.dispose()


@pytest.fixture
def services(tmp_path: Path) -> Services:
    made = make_services(tmp_path)
    make_organisation(made)
    with made.reading() as session:
        root = session.scalars(select(Unit.id).where(Unit.code == "MIN")).one()
    add_auditor(made, root)
    return made


def unit_of(services: Services, account: str) -> Principal:
    return unit_principal(actor(services, account).posts[0].unit_id)


def delegate(services: Services, account: str, of: str) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.add(
            Delegation(
                kind=DelegationKind.INTERIM, post_id=actor(services, of).posts[0].post_id,
                person_id=actor(services, account).person_id, act="Décision 45/MIN", from_on=TODAY,
                until_on=TODAY + timedelta(days=9), granted_at=NOW,
            )
        )  # fmt: skip


def test_each_way_is_named_with_its_post_its_act_and_its_day(services: Services) -> None:
    delegate(services, "etudes", "dge")
    mail_id = letter(services, 0, unit_of(services, "dge"), because=Because.IMPUTED)
    found = {one.person.code: one for one in readers(services, mail_id, "dge").readers}
    assert set(found) == {"dge", "etudes"}
    (own,), (interim,) = found["dge"].ways, found["etudes"].ways
    assert (own.post and own.post.because, own.because, own.unit) == (
        "holder",
        Because.IMPUTED,
        "Direction générale de l'énergie",
    )
    assert (interim.post and interim.post.because, interim.post and interim.post.act) == ("interim", "Décision 45/MIN")
    assert interim.since == max(TODAY, NOW.date())


def test_the_act_that_gave_the_post_is_named_until_it_is_undone(services: Services) -> None:
    number = do(services, lambda now: wanted.given_post(now, "ETU-M", holder="daf"))
    mail_id = letter(services, 0, unit_of(services, "dge"), Principal(f"u{_unit(services, 'ETU')}"))
    (daf,) = (one for one in readers(services, mail_id, "dge").readers if one.person.code == "daf")
    assert [way.act.number for way in daf.ways if way.act] == [number]


def _unit(services: Services, code: str) -> int:
    with services.reading() as session:
        return session.scalars(select(Unit.id).where(Unit.code == code)).one()


def test_who_is_on_the_path_and_not_cleared_is_named_with_the_reason(services: Services) -> None:
    secret = letter(services, 2, Principal(f"u{_unit(services, 'SG')}"), Principal(f"u{_unit(services, 'ETU')}"))
    shown = check(services, secret)
    # The secretary acts for the post that heads the unit.
    assert {one.person.code for one in shown.readers} == {"sg", "secretaire"}
    why = {one.person.code: one.why for one in shown.kept_out}
    # Whatever their clearance: a secret letter of a unit is for the unit's own head.
    assert why["etudes"] is Kept.LEVEL
    assert why["dge"] is Kept.LEVEL
    restricted = check(services, letter(services, 1, Principal(f"u{_unit(services, 'ETU')}")))
    assert {one.person.code: one.why for one in restricted.kept_out} == {"etudes": Kept.CLEARANCE}


def test_a_letter_for_the_holder_alone_keeps_out_those_who_act_for_the_post(services: Services) -> None:
    delegate(services, "daf", "sg")
    alone = letter(services, 0, holder_principal(actor(services, "sg").posts[0].post_id))
    shown = check(services, alone)
    assert {one.person.code for one in shown.readers} == {"sg"}
    assert {one.person.code: one.why for one in shown.kept_out} == {"secretaire": Kept.RESERVED, "daf": Kept.RESERVED}


ASKED = ("sg", "secretaire", "agent", "dge", "etudes", "daf", "admin", "le-controleur")


@pytest.mark.parametrize("level", range(3))
def test_who_may_ask(services: Services, level: int) -> None:
    """The matrix: nobody who may not see the letter, but the auditor; of those who see it only the heads on its path."""
    mail_id = letter(
        services, level, Principal(f"u{_unit(services, 'ETU')}"), person_principal(actor(services, "etudes").person_id)
    )
    told: dict[str, type[GedError] | None] = {}
    for account in ASKED:
        try:
            readers(services, mail_id, account)
            told[account] = None
        except GedError as error:
            told[account] = type(error)
    strangers = {"agent", "daf", "admin"} | ({"dge", "etudes"} if level == 2 else set())
    for account in strangers:
        assert told[account] is NotFound, account
    if level < 2:
        assert told["etudes"] is Forbidden  # sees it, and heads nothing
        assert told["dge"] is None
    assert told["le-controleur"] is None


def test_an_auditor_of_another_ministry_is_told_nothing(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        other = Unit(code="AUTRE", name="Autre ministère", is_entity=True)
        uow.session.add(other)
        uow.session.flush()
        post = Post(code="AUD2", title="Contrôleur", unit_id=other.id, roles=[PostRole(role=Role.AUDITOR)])
        person = Person(account="etranger", name="Étranger")
        uow.session.add_all([post, person])
        uow.session.flush()
        uow.session.add(Holding(post_id=post.id, person_id=person.id, from_on=LONG_AGO))
    mail_id = letter(services, 0, unit_of(services, "dge"))
    with pytest.raises(NotFound):
        readers(services, mail_id, "etranger")
    with pytest.raises(NotFound):
        readers(services, 999_999, "le-controleur")


@pytest.fixture
def site(tmp_path: Path) -> tuple[Flask, Services]:
    app, made = make_site(tmp_path)
    add_auditor(made, _unit(made, "MIN"))
    give_passwords(made)
    return app, made


def test_the_page_of_a_unit_of_three_hundred_is_paged(site: tuple[Flask, Services]) -> None:
    app, services = site
    daf = _unit(services, "DAF")
    with services.unit_of_work(NOW) as uow:
        for n in range(300):
            post = Post(code=f"DAF-{n}", title=f"Agent {n}", unit_id=daf, roles=[PostRole(role=Role.MEMBER)])
            person = Person(account=f"agent{n}", name=f"Agent numéro {n:03d}")
            uow.session.add_all([post, person])
            uow.session.flush()
            uow.session.add(Holding(post_id=post.id, person_id=person.id, from_on=LONG_AGO))
    mail_id = letter(services, 0, Principal(f"u{daf}"))
    client = sign_in(app, "daf")
    names: list[str] = []
    for offset in range(0, 350, 50):
        page = client.get(f"/courriers/{mail_id}/qui-voit?offset={offset}").text
        assert "301 personnes voient ce courrier" in page
        names += [n for n in (f"Agent numéro {k:03d}" for k in range(300)) if n in page]
    assert names == [f"Agent numéro {n:03d}" for n in range(300)]
    behind = client.get(f"/courriers/{mail_id}/qui-voit?offset=2000")
    assert behind.location == f"/courriers/{mail_id}/qui-voit?offset=300"


def test_the_letter_s_page_offers_it_to_heads_and_the_journal_to_the_auditor(site: tuple[Flask, Services]) -> None:
    app, services = site
    mail_id = letter(
        services, 1, Principal(f"u{_unit(services, 'ETU')}"), person_principal(actor(services, "etudes").person_id)
    )
    path = f"/courriers/{mail_id}/qui-voit"
    assert path in sign_in(app, "dge").get(f"/courriers/{mail_id}").text
    assert path not in sign_in(app, "etudes").get(f"/courriers/{mail_id}").text
    assert path in sign_in(app, "le-controleur").get("/administration/journal").text
    shown = sign_in(app, "le-controleur").get(path)
    assert shown.status_code == 200
    assert "Etudes" in shown.text
    assert "objet convoité" not in shown.text
    assert "/courriers/" not in shown.text.replace(path, "")
    for account, status in {"etudes": 403, "agent": 404, "admin": 404, "daf": 404}.items():
        refused = sign_in(app, account).get(path)
        assert refused.status_code == status
        assert "personne voit" not in refused.text
        assert not re.search(r"[\s>(]Dge[\s<,]", refused.text)
    with services.reading() as session:
        actions = session.scalars(select(AuditEntry.action).where(AuditEntry.action == "mail.readers_shown")).all()
    assert len(actions) == 1, "who looked at a confidential letter's readers is in the journal"
