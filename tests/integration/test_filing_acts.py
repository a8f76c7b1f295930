"""The filing plan by dated acts: said before, done on the day, taken back while nothing hangs on it; a closed class takes no letter."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ged.administration import operations, planned, wanted
from ged.administration.apart import Unfit
from ged.audit import AuditEntry
from ged.errors import GedError, Invalid
from ged.register import operations as register
from ged.register.models import FilingClass
from ged.routing import choices
from ged.routing.load import fill_calendar
from ged.unit import Services
from tests import routing_kit
from tests.administration_kit import confirm, do, dump, propose, the_act, undo
from tests.factories import NOW, actor, make_organisation, make_services
from tests.site import make_site, post, sign_in
from tests.workbook_kit import take

pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]
NEW_YEAR = date(2027, 1, 1)
ON_NEW_YEAR = datetime.combine(NEW_YEAR, time(0, 5), UTC)
ROOT = "/administration/classement"


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    with made.unit_of_work(NOW) as uow:
        fill_calendar(uow)
    yield made
    made.engine.dispose()


ACTS = {
    "filing.new": lambda _now: wanted.new_class(code="4.1", title="Concessions"),
    "filing.change": lambda _now: wanted.changed_class("1", title="Affaires générales"),
    "filing.close": lambda _now: wanted.closed_class("1", closed=True),
}


@pytest.mark.parametrize("what", ACTS)
def test_an_act_is_done_as_it_was_shown_and_taken_back_byte_by_byte(services: Services, what: str) -> None:
    before = dump(services)
    act_id = propose(services, ACTS[what], what=what)
    operations.preview(services, act_id, actor=actor(services, "admin"), now=NOW)
    assert dump(services) == before, "looking changes nothing"
    confirm(services, act_id)
    assert dump(services) != before
    undo(services, act_id, now=NOW + timedelta(hours=1))
    assert dump(services) == before
    with services.reading() as session:
        told = session.scalars(select(AuditEntry.action).order_by(AuditEntry.sequence)).all()
    assert told[-2:] == ["organisation.changed", "organisation.undone"]


def offered(services: Services) -> list[str]:
    with services.reading() as session:
        return [text for _id, text in choices.filing_classes(session)]


def file_in(services: Services, mail_id: int, code: str = "1") -> None:
    with services.unit_of_work(NOW) as uow:
        class_id = uow.session.scalars(select(FilingClass.id).where(FilingClass.code == code)).one()
        register.close(
            uow, mail_id, outcome="Classé", filing_class_id=class_id, version=None, actor=actor(services, "agent"), now=NOW
        )  # fmt: skip


def test_a_class_closes_at_the_years_end_and_not_before(tmp_path: Path) -> None:
    services = make_services(tmp_path)  # PostgreSQL has a clock of its own, which would have to show the new year
    make_organisation(services)
    one, other = (routing_kit.register(services, subject).mail_id for subject in ("Un", "Deux"))
    act_id = propose(services, ACTS["filing.close"], what="filing.close")
    confirm(services, act_id, on=NEW_YEAR)
    assert offered(services) == ["1 Administration générale"]
    file_in(services, one)
    planned.run(services, now=ON_NEW_YEAR)
    assert the_act(services, act_id).done_at == ON_NEW_YEAR
    assert offered(services) == []
    with pytest.raises(Invalid) as refusal:
        file_in(services, other)
    assert refusal.value.code == "filing.closed"
    undo(services, act_id, now=ON_NEW_YEAR)
    file_in(services, other)


def test_it_says_before_how_many_natures_propose_the_class(services: Services) -> None:
    do(
        services,
        lambda now: wanted.new_listed(now, "natures", {"code": "d", "name": "Demande", "direction": "incoming"}),
    )
    do(services, lambda now: wanted.changed_listed(now, "natures", "d", None, {"name": "Demande", "filing_class": "1"}))
    act_id = propose(services, ACTS["filing.close"], what="filing.close")
    shown = operations.preview(services, act_id, actor=actor(services, "admin"), now=NOW)
    assert shown.consequences == {"classes_proposed": 1}


def test_a_code_that_is_taken_is_not_changed_by_the_form_that_adds(services: Services) -> None:
    with pytest.raises(Unfit) as refusal:
        propose(services, lambda _now: wanted.new_class(code="1", title="Autre"), what="filing.new")
    assert (refusal.value.code, refusal.value.params["field"]) == ("cell.nearly_twice", "code")


@pytest.mark.parametrize("how", ["letter", "nature"])
def test_a_class_that_is_used_is_not_taken_back(services: Services, how: str) -> None:
    act_id = do(services, ACTS["filing.new"])
    if how == "letter":
        file_in(services, routing_kit.register(services, "Un").mail_id, "4.1")
    else:
        given = {"code": "d", "name": "Demande", "direction": "incoming", "filing_class": "4.1"}
        do(services, lambda now: wanted.new_listed(now, "natures", given))
    with pytest.raises(GedError) as refusal:
        undo(services, act_id, now=NOW + timedelta(hours=1))
    assert refusal.value.code == "act.hangs"


def test_of_two_acts_on_one_class_the_first_is_not_undone(services: Services) -> None:
    first = do(services, ACTS["filing.close"])
    second = do(services, lambda _now: wanted.closed_class("1", closed=False))
    with pytest.raises(GedError) as refusal:
        undo(services, first, now=NOW + timedelta(hours=1))
    assert refusal.value.code == "act.hangs"
    undo(services, second, now=NOW + timedelta(hours=1))
    undo(services, first, now=NOW + timedelta(hours=1))
    assert offered(services) == ["1 Administration générale"]


def test_the_workbook_closes_a_class_too(services: Services) -> None:
    take(services, {"Plan de classement": [["1", "", "oui"]]})
    assert offered(services) == []


def test_the_pages_of_the_plan(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    with services.unit_of_work(NOW) as uow:
        fill_calendar(uow)
    client = sign_in(app, "admin")
    assert "Administration générale" in client.get(f"{ROOT}/").text
    wrong = post(client, f"{ROOT}/creer", {"code": "1", "title": "Autre"})
    assert "existe déjà" in wrong.text
    sent = post(client, f"{ROOT}/creer", {"code": "4.1", "title": "Concessions"})
    assert sent.status_code == 303
    shown = client.get(sent.location).text
    assert "Créer une classe" in shown
    assert "Concessions" in shown
    digest = shown.split('name="shown" value="')[1].split('"')[0]
    assert post(client, f"{sent.location}/confirmer", {"shown": digest}).status_code == 303
    assert "Concessions" in client.get(f"{ROOT}/").text
    page = client.get(f"{ROOT}/2").text
    assert "Créer une classe" in page
    closing = client.get(post(client, f"{ROOT}/2/fermer", {}).location).text
    assert "Fermé" in closing
    assert client.get(f"{ROOT}/99").status_code == 404
    assert sign_in(app, "agent").get(f"{ROOT}/").status_code == 403
