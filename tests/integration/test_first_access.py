"""The first access of a new person: a code that works once, for three days, for an account without a password, and only after
a second person confirmed it."""

import re
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from gettext import NullTranslations
from pathlib import Path

import pypdfium2
import pytest
from flask import Flask
from sqlalchemy import select, update

from ged import jobs, pipeline
from ged.administration import first_access, openings, wanted
from ged.administration.reach import Reach
from ged.audit import AuditEntry, AuditPayload
from ged.errors import Forbidden, Invalid, NotFound
from ged.jobs import JobKind
from ged.notices import choices, queries
from ged.notices.mail import opening_sentence
from ged.notices.models import Occasion, Way
from ged.org.models import FirstAccess, Person
from ged.org.openings import rows
from ged.unit import Services
from tests.administration_kit import Wanted, do, undo
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.site import make_site, post, sign_in

pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]
GOOD = "les pirogues rentrent avant la pluie"


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    yield made
    made.engine.dispose()


def add(services: Services, account: str = "nouveau") -> int:
    with services.unit_of_work(NOW) as uow:
        person = Person(account=account, name="Nouveau Venu")
        uow.session.add(person)
        uow.session.flush()
        return person.id


def make(services: Services, person_id: int) -> first_access.Made:
    with services.unit_of_work(NOW) as uow:
        return first_access.make(uow, person_id, actor=actor(services, "admin"))


def opens(services: Services, *accounts: str) -> None:
    """These people have a password: they can sign in."""
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account.in_(accounts)).values(password_hash="x"))


def settle(services: Services, made_for: int, who: str, *, refuses: bool = False) -> None:
    with services.unit_of_work(NOW) as uow:
        row = uow.session.scalars(select(FirstAccess.id).where(FirstAccess.person_id == made_for)).one()
        shown = rows(uow.session, [row], on=TODAY, now=NOW)[row].mark
        (first_access.refuse if refuses else first_access.confirm)(uow, row, shown=shown, actor=actor(services, who))


def told(services: Services, account: str) -> list[str]:
    """What a person's notices of first accesses say, the newest first."""
    with services.reading() as session:
        found, _page = queries.page(session, actor(services, account), on=TODAY, now=NOW)
        return [
            opening_sentence(one.step, one.opening, NullTranslations()) for one in found if one.step and one.opening
        ]


def waits_for(services: Services, account: str) -> list[str]:
    """The accounts whose first access a person may confirm."""
    with services.reading() as session:
        rows = openings.waiting(session, actor(services, account), (), on=TODAY, now=NOW)
        return [one.opening.account for one in rows if one.may_confirm]


def choose(services: Services, code: str, *, after: timedelta = timedelta()) -> None:
    with services.unit_of_work(NOW + after) as uow:
        first_access.choose(uow, code, "hash")


def test_a_code_works_once_and_is_nowhere_in_the_clear(services: Services) -> None:
    person_id = add(services)
    made = make(services, person_id)
    with services.reading() as session:
        assert session.scalars(select(FirstAccess.code_hash)).one() not in made.code
        told = " ".join(str(one) for one in session.scalars(select(AuditPayload.payload)))
        assert made.code not in told
        assert made.code.replace("-", "") not in told
        assert "first_access.made" in session.scalars(select(AuditEntry.action)).all()
    choose(services, made.code.lower().replace("-", " "))
    with services.reading() as session:
        assert session.get_one(Person, person_id).password_hash == "hash"
    with pytest.raises(Invalid, match="first_access.gone"):
        choose(services, made.code)


def test_a_code_is_worth_nothing_after_three_days_or_when_a_new_one_is_made(services: Services) -> None:
    person_id = add(services)
    old = make(services, person_id)
    new = make(services, person_id)
    for code, after in (
        (old.code, timedelta()),
        (new.code, timedelta(hours=72)),
        ("", timedelta()),
        ("x" * 500, timedelta()),
    ):
        with pytest.raises(Invalid, match="first_access.gone"):
            choose(services, code, after=after)
    choose(services, new.code, after=timedelta(hours=71, minutes=59))


def test_an_account_in_use_or_closed_gets_no_code(services: Services) -> None:
    person_id = add(services)
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Person, person_id).password_hash = "x"
    with pytest.raises(Invalid, match="first_access.opened"):
        make(services, person_id)
    closed = add(services, "parti")
    made = make(services, closed)
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Person, closed).is_active = False
    with pytest.raises(Invalid, match="first_access.gone"):
        choose(services, made.code)
    with pytest.raises(Invalid, match="first_access.closed"):
        make(services, closed)
    with pytest.raises(NotFound):
        make(services, 9999)


# --- the second person ----------------------------------------------------------------------------------------------


def a_new_agent(services: Services, account: str = "nouveau", post: str = "NOUVEAU", unit: str = "ETU") -> int:
    """Entered by the administrator on a new post. Returns the id of the person."""
    do(services, lambda now: wanted.new_post(
        now, code=post, title=f"Chargé de {account}", unit=unit, roles=("member",), holder=None, secretary_of=None
    ))  # fmt: skip
    do(
        services,
        lambda now: wanted.new_person(
            now, account=account, name=account.title(), email="", clearance="secret", post=post
        ),
    )
    with services.reading() as session:
        return session.scalars(select(Person.id).where(Person.account == account)).one()


def test_one_administrator_alone_does_not_become_somebody_else(services: Services) -> None:
    opens(services, "dge", "sg")
    ghost = a_new_agent(services, "fantome")
    made = make(services, ghost)
    assert not made.is_alone
    with pytest.raises(Invalid, match="first_access.waiting"):
        choose(services, made.code)
    with pytest.raises(Forbidden, match="first_access.not_second"):
        settle(services, ghost, "admin")
    with services.reading() as session:
        assert session.get_one(Person, ghost).password_hash == ""
    assert waits_for(services, "dge") == ["fantome"]
    assert waits_for(services, "admin") == []
    settle(services, ghost, "dge", refuses=True)
    with pytest.raises(Invalid, match="first_access.gone"):
        choose(services, made.code)
    assert told(services, "admin") == [
        "Le premier accès du compte fantome (Chargé de fantome), fait par Admin, est refusé par Dge."
    ]


def test_the_head_above_confirms_and_is_told_when_it_is_made_and_used(services: Services) -> None:
    opens(services, "dge", "sg", "daf")
    person = a_new_agent(services)
    made = make(services, person)
    assert told(services, "dge") == [
        "Le compte nouveau (Chargé de nouveau) attend votre confirmation : Admin a fait son premier accès."
    ]
    assert told(services, "daf") == [], "a head of another direction"
    for other in ("daf", "etudes", "agent", "secretaire"):
        with pytest.raises(NotFound, match="first_access.unknown"):
            settle(services, person, other)
    settle(services, person, "dge")
    with pytest.raises(Invalid, match="first_access.settled"):
        settle(services, person, "dge", refuses=True)
    choose(services, made.code)
    used = "Le compte nouveau est ouvert (Chargé de nouveau), par un premier accès de Admin."
    assert told(services, "dge")[0] == told(services, "admin")[0] == told(services, "nouveau")[0] == used
    with services.reading() as session:
        actions = session.scalars(
            select(AuditEntry.action).where(AuditEntry.action.startswith("first_access")).order_by(AuditEntry.sequence)
        )
        assert list(actions) == ["first_access.made", "first_access.confirmed", "first_access.used"]


def test_the_second_person_is_written_to_whatever_they_chose(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(
            update(Person).where(Person.account == "dge").values(email="dge@mines.example.tg", password_hash="x")
        )
        choices.choose(uow, dict.fromkeys(Occasion, Way.NONE), actor=actor(services, "dge"))
    person = a_new_agent(services)
    code = make(services, person).code
    with services.reading() as session:
        waiting = jobs.due(session, now=NOW, kinds=(JobKind.NOTICE_MAIL,), limit=10)
    for job_id in waiting:
        pipeline.run_job(services, job_id, worker="test")
    (path,) = (Path(services.data_dir) / "outbox").glob("*.eml")
    text = message_from_bytes(path.read_bytes(), policy=policy.default).get_content()
    assert "Le compte nouveau (Chargé de nouveau) attend votre confirmation : Admin a fait son premier accès." in text
    assert code not in text


def test_another_administrator_confirms_where_no_head_can_sign_in(services: Services) -> None:
    do(services, lambda now: wanted.new_post(
        now, code="ADM2", title="Second administrateur", unit="SG", roles=("administrator",), holder="agent", secretary_of=None
    ))  # fmt: skip
    opens(services, "agent")
    person = a_new_agent(services)
    made = make(services, person)
    assert not made.is_alone
    settle(services, person, "agent")
    choose(services, made.code)


def test_a_head_is_not_the_second_person_of_the_own_account(services: Services) -> None:
    opens(services, "daf", "etudes")
    with services.reading() as session:
        head = session.scalars(select(Person.id).where(Person.account == "dge")).one()
    made = make(services, head)
    with pytest.raises(Forbidden, match="first_access.not_second"):
        settle(services, head, "dge")
    settle(services, head, "daf")  # nobody above can sign in: any head of the ministry
    choose(services, made.code)


def test_the_secretary_general_is_asked_where_no_head_above_can_sign_in(services: Services) -> None:
    opens(services, "sg", "daf")
    person = a_new_agent(services)
    make(services, person)
    assert waits_for(services, "sg") == ["nouveau"]
    assert waits_for(services, "daf") == []
    assert "attend votre confirmation" in told(services, "sg")[0]
    opens(services, "dge")
    make(services, person)
    assert len(told(services, "sg")) == 1, "asked no more: a nearer head can be asked"
    settle(services, person, "sg")


def test_an_account_without_a_post_waits_for_a_head_of_the_ministry(services: Services) -> None:
    opens(services, "daf")
    person = add(services)
    made = make(services, person)
    with pytest.raises(Invalid, match="first_access.waiting"):
        choose(services, made.code)
    settle(services, person, "daf")
    choose(services, made.code)


def test_on_the_first_day_a_code_works_alone_and_that_stays_said(services: Services) -> None:
    person = a_new_agent(services)
    made = make(services, person)
    assert made.is_alone
    choose(services, made.code)
    with services.reading() as session:
        (row,) = openings.latest(session, Reach(actor(services, "admin"), ()), limit=5, on=TODAY, now=NOW)
        said = [one["is_alone"] for one in session.scalars(select(AuditPayload.payload)) if "is_alone" in one]
    assert (row.state, row.is_alone, row.second_name) == ("used", True, "")
    assert said == [True, True]
    # From then on the first one who can sign in is asked, though a member only is not.
    assert make(services, a_new_agent(services, "deuxieme", "P2")).is_alone
    opens(services, "dge")
    assert not make(services, a_new_agent(services, "troisieme", "P3")).is_alone


TAKEN_AWAY: dict[str, Wanted] = {
    "left": lambda now: wanted.departure(now, "dge", successors={}),
    "post taken away": lambda now: wanted.given_post(now, "DGE-C", holder=None),
    "role taken away": lambda now: wanted.changed_post(
        now, "DGE-C", title="Poste DGE-C", unit="DGE", roles=("clerk",), secretary_of=None
    ),
}


@pytest.mark.parametrize("how", TAKEN_AWAY)
def test_no_code_works_alone_because_the_second_person_was_put_out_for_a_moment(services: Services, how: str) -> None:
    """Of all heads one can sign in. The administrator takes the post away, makes a code, uses it, and undoes the act."""
    opens(services, "dge")
    person = a_new_agent(services)
    act_id = do(services, TAKEN_AWAY[how])
    made = make(services, person)
    assert not made.is_alone
    with pytest.raises(Invalid, match="first_access.waiting"):
        choose(services, made.code)
    undo(services, act_id, now=NOW + timedelta(minutes=1))
    assert waits_for(services, "dge") == ["nouveau"]
    assert "attend votre confirmation" in told(services, "dge")[0]
    settle(services, person, "dge")
    choose(services, made.code)


def test_who_headed_a_unit_long_ago_is_not_waited_for(services: Services) -> None:
    opens(services, "dge")
    person = a_new_agent(services)
    do(services, TAKEN_AWAY["left"])
    with services.unit_of_work(NOW + timedelta(days=9)) as uow:
        assert first_access.make(uow, person, actor=actor(services, "admin")).is_alone


def test_the_head_is_told_when_an_account_that_was_opened_alone_is_given_a_post(services: Services) -> None:
    """Opened on the first day, without a post; a year later its maker gives it one."""
    ghost = add(services, "fantome")
    choose(services, make(services, ghost).code)
    opens(services, "dge")
    do(services, lambda now: wanted.given_post(now, "ETU-M", holder="fantome"))
    assert told(services, "dge") == [
        "Le compte fantome, ouvert sans seconde personne par Admin, reçoit un poste : Poste ETU-M."
    ]
    vouched = a_new_agent(services)
    made = make(services, vouched)
    settle(services, vouched, "dge")
    choose(services, made.code)
    before = len(told(services, "dge"))
    do(services, lambda now: wanted.given_post(now, "DAF-C", holder="nouveau"))
    assert len(told(services, "dge")) == before, "somebody vouched for this one"


def test_a_code_does_not_work_again_when_its_account_was_closed_and_opened(services: Services) -> None:
    person = a_new_agent(services)
    made = make(services, person)
    do(services, lambda now: wanted.departure(now, "nouveau", successors={}))
    do(services, lambda now: wanted.return_of(now, "nouveau"))
    with pytest.raises(Invalid, match="first_access.gone"):
        choose(services, made.code, after=timedelta(minutes=1))
    again = make(services, person)
    left = do(services, lambda now: wanted.departure(now, "nouveau", successors={}))
    undo(services, left)
    with pytest.raises(Invalid, match="first_access.gone"):
        choose(services, again.code, after=timedelta(minutes=1))


# --- what the second person saw -------------------------------------------------------------------------------------


def test_the_second_person_confirms_the_code_that_was_shown(services: Services) -> None:
    """Another administrator makes a new code while the page is open."""
    second_administrator(services)
    opens(services, "sg")
    person = a_new_agent(services)
    make(services, person)
    with services.unit_of_work(NOW) as uow:
        row = uow.session.scalars(select(FirstAccess.id)).one()
        shown = rows(uow.session, [row], on=TODAY, now=NOW)[row].mark
        other = first_access.make(uow, person, actor=actor(services, "agent"))
    for settled in (first_access.confirm, first_access.refuse):
        with services.unit_of_work(NOW) as uow, pytest.raises(Invalid, match="first_access.settled"):
            settled(uow, row, shown=shown, actor=actor(services, "sg"))
    with pytest.raises(Invalid, match="first_access.waiting"):
        choose(services, other.code)


def test_the_second_person_confirms_whose_secretariat_was_shown(services: Services) -> None:
    """A secretary prepares for an authority, and sees its letters."""
    opens(services, "dge")
    person = a_new_agent(services)
    do(services, lambda now: wanted.changed_post(
        now, "NOUVEAU", title="Secrétaire", unit="ETU", roles=("secretary",), secretary_of=None
    ))  # fmt: skip
    make(services, person)
    with services.unit_of_work(NOW) as uow:
        row = uow.session.scalars(select(FirstAccess.id)).one()
        shown = rows(uow.session, [row], on=TODAY, now=NOW)[row].mark
    do(services, lambda now: wanted.changed_post(
        now, "NOUVEAU", title="Secrétaire", unit="ETU", roles=("secretary",), secretary_of="SG-T"
    ))  # fmt: skip
    with services.unit_of_work(NOW) as uow, pytest.raises(Invalid, match="first_access.settled"):
        first_access.confirm(uow, row, shown=shown, actor=actor(services, "dge"))
    settle(services, person, "dge")


def second_administrator(services: Services) -> None:
    do(services, lambda now: wanted.new_post(
        now, code="ADM2", title="Second administrateur", unit="SG", roles=("administrator",), holder="agent", secretary_of=None
    ))  # fmt: skip


CHANGED: dict[str, Wanted] = {
    "another post": lambda now: wanted.given_post(now, "DAF-C", holder="nouveau"),
    "another clearance": lambda now: wanted.changed_person(
        now, "nouveau", name="Nouveau", email="", clearance="ordinary"
    ),
    "another name": lambda now: wanted.changed_person(now, "nouveau", name="Autre", email="", clearance="secret"),
    "another role": lambda now: wanted.changed_post(
        now, "NOUVEAU", title="Chargé de nouveau", unit="ETU", roles=("head",), secretary_of=None
    ),
    "the second person has left": lambda now: wanted.departure(now, "dge", successors={}),
    "the second person lost the post": lambda now: wanted.given_post(now, "DGE-C", holder=None),
}


@pytest.mark.parametrize("what", CHANGED)
def test_a_confirmation_lasts_while_what_was_confirmed_stays(services: Services, what: str) -> None:
    opens(services, "dge", "sg")
    person = a_new_agent(services)
    made = make(services, person)
    with services.unit_of_work(NOW) as uow:
        row = uow.session.scalars(select(FirstAccess.id)).one()
        shown = rows(uow.session, [row], on=TODAY, now=NOW)[row].mark
    settle(services, person, "dge")
    done = do(services, CHANGED[what], now=NOW + timedelta(minutes=1))
    with pytest.raises(Invalid, match="first_access.waiting"):
        choose(services, made.code, after=timedelta(minutes=2))
    with services.reading() as session:
        assert "first_access.lapsed" in session.scalars(select(AuditEntry.action)).all()
    assert waits_for(services, "sg") == ["nouveau"]
    of_second = what.startswith("the second")
    asked = [one for one in told(services, "sg" if of_second else "dge") if "attend votre confirmation" in one]
    assert len(asked) == (1 if of_second else 2), "asked again"
    if not of_second:
        with services.unit_of_work(NOW) as uow, pytest.raises(Invalid, match="first_access.settled"):
            first_access.confirm(uow, row, shown=shown, actor=actor(services, "sg"))
    settle(services, person, "sg")
    undo(services, done, now=NOW + timedelta(minutes=3))
    if not of_second:
        with pytest.raises(Invalid, match="first_access.waiting"):
            choose(services, made.code, after=timedelta(minutes=4))
        settle(services, person, "sg")
    choose(services, made.code, after=timedelta(minutes=5))


def test_a_confirmation_outlasts_what_has_nothing_to_do_with_it(services: Services) -> None:
    opens(services, "dge")
    person = a_new_agent(services)
    made = make(services, person)
    settle(services, person, "dge")
    do(
        services,
        lambda now: wanted.changed_person(now, "nouveau", name="Nouveau", email="n@exemple.tg", clearance="secret"),
    )
    do(services, lambda now: wanted.given_post(now, "DAF-C", holder="etudes"))
    choose(services, made.code)


# --- the pages ------------------------------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path) -> tuple[Flask, Services, int]:
    app, services = make_site(tmp_path)
    return app, services, add(services)


def test_a_link_leads_to_a_password_and_then_to_the_sign_in(place: tuple[Flask, Services, int]) -> None:
    app, _services, person_id = place
    admin = sign_in(app, "admin")
    page = post(admin, f"/administration/personnes/{person_id}/premier-acces", {"way": "link"})
    assert page.status_code == 200
    found = re.search(r"/premier-acces/#code=([0-9A-Z-]{23})", page.text)
    assert found
    link, code = "/premier-acces/", found.group(1)
    assert "?code=" not in page.text, "no server and no proxy sees the code of a link"
    nobody = app.test_client()
    waits = post(nobody, "/premier-acces/code", {"code": code}, page=link)
    assert waits.status_code == 422
    assert "Ce code attend une confirmation" in waits.text
    head = sign_in(app, "sg")
    asked = head.get("/premiers-acces/").text
    assert "Nouveau Venu" in asked
    assert code not in asked
    opening = re.search(r"/premiers-acces/(\d+)/confirmer", asked)
    shown = re.search(r'name="shown" value="(\w+)"', asked)
    assert opening
    assert shown
    seen = {"shown": shown.group(1)}
    assert post(admin, opening.group(0), seen, page="/premiers-acces/").status_code == 403
    again = post(head, opening.group(0), {"shown": "x"}, page="/premiers-acces/")
    assert again.status_code == 303
    assert post(nobody, "/premier-acces/code", {"code": code}, page=link).status_code == 422, "not what was shown"
    assert "attend votre confirmation" in head.get("/avis/").text
    assert post(head, opening.group(0), seen, page="/premiers-acces/").status_code == 303
    shown = post(nobody, "/premier-acces/code", {"code": code}, page=link)
    assert "Nouveau Venu" in shown.text
    for wrong, words in (
        ({"password": "court", "password_again": "court"}, "10"),
        ({"password": GOOD, "password_again": GOOD + "s"}, "Une correction"),
        ({"password": "nouveau venu nouveau", "password_again": "nouveau venu nouveau"}, "Une correction"),
        ({"password": "", "password_again": ""}, "correction"),
    ):
        answer = post(nobody, "/premier-acces/", {"code": code, **wrong}, page=link)
        assert answer.status_code == 422
        assert words in answer.text
    right = {"code": code, "password": GOOD, "password_again": GOOD}
    assert post(nobody, "/premier-acces/", right, page=link).location == "/connexion"
    assert post(nobody, "/premier-acces/code", {"code": code}, page=link).status_code == 422
    assert post(nobody, "/premier-acces/", right, page="/connexion").status_code == 422
    assert sign_in(app, "nouveau", GOOD).get("/").status_code == 200
    again = post(admin, f"/administration/personnes/{person_id}/premier-acces", {"way": "link"})
    assert again.status_code == 303
    assert "a déjà un mot de passe" in admin.get(again.location).text


def test_the_sheet_bears_the_code_the_account_and_the_last_day(place: tuple[Flask, Services, int]) -> None:
    app, services, person_id = place
    admin = sign_in(app, "admin")
    answer = post(admin, f"/administration/personnes/{person_id}/premier-acces", {"way": "sheet"})
    assert answer.mimetype == "application/pdf"
    pdf = pypdfium2.PdfDocument(answer.data)
    text = pdf[0].get_textpage().get_text_range()
    assert len(pdf) == 1
    found = re.search(r"(?:[2-9A-Z]{5}-){3}[2-9A-Z]{5}", text)
    assert found
    assert "Nouveau Venu" in text
    assert "nouveau" in text
    assert "http://127.0.0.1:8000/premier-acces/" in text
    settle(services, person_id, "sg")
    with services.reading() as session:
        assert first_access.bearer(session, found.group(0), now=NOW).account == "nouveau"


def test_only_an_administrator_makes_a_code(place: tuple[Flask, Services, int]) -> None:
    app, _services, person_id = place
    for account in ("agent", "sg", "dge"):
        answer = post(sign_in(app, account), f"/administration/personnes/{person_id}/premier-acces", {"way": "link"})
        assert answer.status_code == 403
    page = sign_in(app, "admin").get(f"/administration/personnes/{person_id}").text
    assert "Imprimer la feuille de premier accès" in page
    assert "Imprimer la feuille de premier accès" not in sign_in(app, "admin").get("/administration/personnes/1").text


def test_the_front_page_tells_of_codes_made_used_and_not_confirmed(place: tuple[Flask, Services, int]) -> None:
    app, services, person_id = place
    admin = sign_in(app, "admin")
    assert "Aucun code de premier accès n" in admin.get("/administration/").text
    post(admin, f"/administration/personnes/{person_id}/premier-acces", {"way": "link"})
    page = admin.get("/administration/").text
    assert "1 code à confirmer" in page
    assert "À confirmer" in page
    assert "À confirmer" in admin.get(f"/administration/personnes/{person_id}").text
    settle(services, person_id, "sg", refuses=True)
    page = admin.get("/administration/").text
    assert "code à confirmer" not in page
    assert "Refusé" in page
    assert "Refusé" in admin.get("/premiers-acces/").text
    assert "Tous les premiers accès" not in sign_in(app, "dge").get("/premiers-acces/").text
    assert app.test_client().get("/premiers-acces/").status_code == 303
