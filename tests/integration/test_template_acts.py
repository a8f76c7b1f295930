"""The texts of letters by dated acts: a new text holds from its day, begun letters keep theirs; the workbook has them too."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ged.administration import operations, planned, wanted
from ged.errors import GedError
from ged.routing.load import fill_calendar
from ged.signbook import drafts
from ged.signbook.models import LetterTemplate
from ged.spreadsheet.reading import read_apart
from ged.unit import Services
from ged.workbook import writing
from ged.workbook.merging import merge
from ged.workbook.state import organisation_now
from tests.administration_kit import confirm, do, dump, propose, undo
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.site import make_site, post, sign_in
from tests.workbook_kit import take

pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]
NEW_YEAR = date(2027, 1, 1)
ROOT = "/administration/modeles-de-lettres"
BODY = "{civilite},\n\nVotre demande a reçu une suite favorable.\n  - premier point\n\nVeuillez agréer."
GIVEN = {"code": "suite", "title": "Suite favorable", "subject": "Suite : {objet}", "body": BODY}


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    with made.unit_of_work(NOW) as uow:
        fill_calendar(uow)
    yield made
    made.engine.dispose()


def new(**more: object):
    return lambda now: wanted.new_listed(now, "templates", {**GIVEN, **more})


def changed(body: str, entity: str | None = None):
    told = {"title": "Suite favorable", "subject": "Suite : {objet}", "body": body}
    return lambda now: wanted.changed_listed(now, "templates", "suite", entity, told)


def body(services: Services) -> str:
    with services.reading() as session:
        return session.scalars(select(LetterTemplate.body)).one()


def begin(services: Services) -> None:
    me = actor(services, "etudes")
    with services.unit_of_work(NOW) as uow:
        drafts.draft_new(uow, "suite", actor=me, now=NOW)


def test_a_text_is_made_and_taken_back_byte_by_byte(services: Services) -> None:
    before = dump(services)
    act_id = do(services, new())
    assert body(services) == BODY, "each line is kept"
    undo(services, act_id, now=NOW + timedelta(hours=1))
    assert dump(services) == before


def test_a_new_text_holds_from_its_day_and_begun_letters_are_counted(services: Services) -> None:
    do(services, new())
    begin(services)
    act_id = propose(services, changed("Nouveau texte.\r\nDeux lignes."), what="template.change")
    shown = operations.preview(services, act_id, actor=actor(services, "admin"), now=NOW)
    assert shown.consequences == {"texts_stay": 1}
    confirm(services, act_id, on=NEW_YEAR)
    assert body(services) == BODY
    on_the_day = datetime.combine(NEW_YEAR, time(0, 5), UTC)
    planned.run(services, now=on_the_day)
    assert body(services) == "Nouveau texte.\nDeux lignes."
    undo(services, act_id, now=on_the_day)
    assert body(services) == BODY


def test_a_text_of_an_entity_stands_beside_the_common_one(services: Services) -> None:
    do(services, new())
    do(services, new(entity="MIN", body="Le nôtre."))
    do(services, changed("Le nôtre, changé.", "MIN"))
    with services.reading() as session:
        found = dict(session.execute(select(LetterTemplate.entity_id, LetterTemplate.body)).all())
    assert sorted(found.values()) == ["Le nôtre, changé.", BODY]


def test_of_two_acts_on_one_text_the_first_is_not_undone(services: Services) -> None:
    do(services, new())
    first = do(services, changed("Un."))
    do(services, changed("Deux."))
    with pytest.raises(GedError) as refusal:
        undo(services, first, now=NOW + timedelta(hours=1))
    assert refusal.value.code == "act.hangs"


def test_the_workbook_carries_the_lines_of_a_text(services: Services) -> None:
    take(services, {"Modèles de lettres": [["suite", "Suite favorable", "Suite : {objet}", BODY]]})
    assert body(services) == BODY
    with services.reading() as session:
        now = organisation_now(session, on=TODAY)
    again = merge(now, read_apart(writing.filled(now)), on=TODAY)
    assert (again.findings, again.file) == ((), now)


def test_an_invisible_sign_in_a_text_is_found(tmp_path: Path) -> None:
    services = make_services(tmp_path)
    make_organisation(services)
    with services.reading() as session:
        now = organisation_now(session, on=TODAY)
    names = read_apart(writing.filled(now))["Modèles de lettres"][0]
    found = merge(now, {"Modèles de lettres": [names, ["x", "X", "X", "un\ndeux\u202etrois"]]})
    assert [(one.column, one.code) for one in found.findings] == [(4, "workbook.control")]


def test_the_pages_of_the_texts(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    with services.unit_of_work(NOW) as uow:
        fill_calendar(uow)
    client = sign_in(app, "admin")
    assert "Aucun modèle de lettre" in client.get(f"{ROOT}/").text
    assert post(client, f"{ROOT}/creer", {**GIVEN, "body": ""}).status_code == 422
    sent = post(client, f"{ROOT}/creer", GIVEN)
    shown = client.get(sent.location).text
    digest = shown.split('name="shown" value="')[1].split('"')[0]
    assert post(client, f"{sent.location}/confirmer", {"shown": digest}).status_code == 303
    page = client.get(f"{ROOT}/1").text
    assert "premier point" in page
    assert "Créer un modèle de lettre" in page
    form = client.get(f"{ROOT}/1/modifier").text
    assert "  - premier point" in form
    unchanged = post(client, f"{ROOT}/1/modifier", {key: GIVEN[key] for key in ("title", "subject", "body")})
    assert unchanged.status_code == 422, "it changes nothing"
    assert sign_in(app, "agent").get(f"{ROOT}/").status_code == 403
