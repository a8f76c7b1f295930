"""An empty installation: nobody can sign in to set it up, until its first account is made on the command line."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from ged.audit import AuditEntry
from ged.errors import Invalid
from ged.org.models import Person, Unit
from ged.unit import Role, Services
from tests.factories import NOW, actor, make_services
from tests.site import open_site, post, sign_in
from web.commands.organisation import first_account_of

pytestmark = pytest.mark.slow
PASSWORD, AGAIN = "le bassin du Mono 27", "une pirogue sur le lac"
WORDS = {"name": "Yao Dossou", "code": "MEHV", "ministry": "Ministère de l'Eau et de l’Hydraulique villageoise"}


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    yield made
    made.engine.dispose()


def test_the_first_account_administers_an_empty_installation(services: Services, tmp_path: Path) -> None:
    first_account_of(services, "y.dossou", PASSWORD, **WORDS, now=NOW)
    with services.reading() as session:
        assert session.scalars(select(Unit.code)).all() == ["MEHV"]
        acts = set(session.scalars(select(AuditEntry.action)))
    assert {"organisation.loaded", "person.password_set"} <= acts
    assert actor(services, "y.dossou").has(Role.ADMINISTRATOR)
    client = sign_in(open_site(tmp_path, services), "y.dossou", PASSWORD)
    assert client.get("/administration/deploiement/").location == "/mon-compte/mot-de-passe", (
        "it was given: it is changed first"
    )
    words = {"current_password": PASSWORD, "password": AGAIN, "password_again": AGAIN}
    assert post(client, "/mon-compte/mot-de-passe", words).status_code == 303
    assert "Télécharger le modèle" in client.get("/administration/deploiement/").text


def test_it_is_made_only_where_nobody_has_an_account(services: Services) -> None:
    first_account_of(services, "y.dossou", PASSWORD, **WORDS, now=NOW)
    with pytest.raises(Invalid, match=r"account\.not_first"):
        first_account_of(services, "autre", PASSWORD, **WORDS, now=NOW)
    with services.reading() as session:
        assert session.scalars(select(Person.account)).all() == ["y.dossou"]


@pytest.mark.parametrize(
    ("account", "more", "told"),
    [("Y.Dossou", {}, "« y.dossou »"), ("y dossou", {}, "sans espace"), ("y.dossou", {"code": "ME HV"}, "sans espace")],
)
def test_what_nobody_could_type_is_refused(tmp_path: Path, account: str, more: dict[str, str], told: str) -> None:
    services = make_services(tmp_path)
    with pytest.raises(Invalid, match=r"account\.refused") as refusal:
        first_account_of(services, account, PASSWORD, **(WORDS | more), now=NOW)
    assert told in str(refusal.value.params["detail"])
    with services.reading() as session:
        assert not session.scalars(select(Person)).all()
    services.engine.dispose()
