"""The first access of a new person: a code that works once, for three days, and only for an account without a password."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pypdfium2
import pytest
from flask import Flask
from sqlalchemy import select

from ged.administration import first_access
from ged.administration.models import FirstAccess
from ged.audit import AuditEntry, AuditPayload
from ged.errors import Invalid, NotFound
from ged.org.models import Person
from ged.unit import SYSTEM, Services
from tests.factories import NOW, actor, make_organisation, make_services
from tests.site import make_site, post, sign_in

pytestmark = pytest.mark.slow
GOOD = "les pirogues rentrent avant la pluie"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def services(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Services]:
    url = request.getfixturevalue("make_database")() if request.param == "postgresql" else None
    made = make_services(tmp_path, url=url)
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


def choose(services: Services, code: str, *, after: timedelta = timedelta()) -> None:
    with services.unit_of_work(NOW + after) as uow:
        first_access.choose(uow, code, "hash", actor=SYSTEM)


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
    found = re.search(r"/premier-acces/\?code=([0-9A-Z-]{23})", page.text)
    assert found
    link, code = found.group(0), found.group(1)
    nobody = app.test_client()
    shown = nobody.get(link)
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
    assert nobody.get(link).status_code == 422
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
