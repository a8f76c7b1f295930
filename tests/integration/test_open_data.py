"""Open data by an act: what leaves, who may publish, each month once; on both databases. The page."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from ged.audit import AuditEntry
from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound
from ged.figures import operations as figures
from ged.monthly import publications
from ged.monthly.publications import ActRow
from ged.org.models import Holding, Person, Post
from ged.ports import Confidentiality
from ged.unit import Role, Services
from tests.browser_site_kit import site
from tests.browsing import WIDTHS, axe_faults, leading_on
from tests.browsing import sign_in as enter
from tests.factories import NOW, actor, add_entity
from tests.figure_letters_kit import add_auditor, letter
from tests.figure_play_kit import Play
from tests.figure_site import main
from tests.monthly_kit import LATER, add_minister
from tests.routing_kit import services_on_either, unit_id
from tests.site import give_passwords, make_site, post, sign_in
from tests.tampering import lift_guards

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["services_on_either", "site"]  # fixtures

pytestmark = pytest.mark.in_turns(3)

NOVEMBER = date(2026, 11, 1)
PAGE = "/donnees-ouvertes/"


def furnish(services: Services, *, on: date = date(2026, 11, 20)) -> None:
    """Seven ordinary letters, six confidential and secret ones."""
    for _ in range(7):
        letter(services, on=on)
    for level in (Confidentiality.RESTRICTED, Confidentiality.SECRET):
        for _ in range(3):
            letter(services, on=on, level=level)
    figures.run(services, now=LATER)


def publish(services: Services, until: date = NOVEMBER, *, by: str = "admin", now: datetime = LATER, licence: str = "Licence ouverte") -> ActRow:  # fmt: skip
    return publications.publish(
        services, int(unit_id(services, "MIN")), until, act_reference="Décision n° 12/MIN", act_on=date(2026, 12, 3),
        licence=licence, actor=actor(services, by, on=now.date()), now=now,
    )  # fmt: skip


def content(services: Services, row: ActRow) -> tuple[list[dict[str, str]], dict[str, object]]:
    with services.blobs.open(row.digest) as stored, zipfile.ZipFile(io.BytesIO(stored.read())) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("courriers.csv").decode())))
        return rows, json.loads(archive.read("datapackage.json"))["publication"]


def test_ordinary_letters_leave_and_no_others(services_on_either: Services) -> None:
    services = services_on_either
    furnish(services)
    row = publish(services)
    rows, about = content(services, row)
    received = [one for one in rows if one["mesure"] == "received"]
    assert [(one["mois"], one["entite"], one["sens"], one["nombre"]) for one in received] == [
        ("2026-11", "MIN", "arrivee", "7")
    ]
    assert all(int(one["nombre"]) >= 5 for one in rows)
    assert (row.number, row.rows, row.since, row.until) == (1, len(rows), NOVEMBER, NOVEMBER)
    assert (about["act"], about["act_on"], about["number"]) == ("Décision n° 12/MIN", "2026-12-03", 1)
    with services.reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "open_data.published")).one()
    assert (entry.subject_kind, entry.subject_id) == ("open_data", row.id)
    with services.blobs.open(row.digest) as stored:
        told = stored.read()
    for hidden in (b"Demande", "Préfecture de l'Ogou".encode()):
        with zipfile.ZipFile(io.BytesIO(told)) as archive:
            assert all(hidden not in archive.read(name) for name in archive.namelist()), hidden


def test_each_month_leaves_once_and_numbers_have_no_gap(services_on_either: Services) -> None:
    services = services_on_either
    furnish(services)
    furnish(services, on=date(2026, 10, 20))
    first = publish(services, date(2026, 10, 1))
    with pytest.raises(Invalid) as refused:
        publish(services, date(2026, 10, 1))
    assert refused.value.code == "form.unknown_choice"
    second = publish(services)
    assert (first.number, second.number, second.since) == (1, 2, NOVEMBER)
    assert {one["mois"] for one in content(services, second)[0]} == {"2026-11"}
    with pytest.raises(Invalid):
        publish(services, date(2026, 12, 1))  # it has not ended


def test_who_publishes_at_the_same_time_comes_second(
    services_on_either: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = services_on_either
    furnish(services)
    kept = publications._read

    def slowly(*given: object) -> object:
        monkeypatch.setattr(publications, "_read", kept)
        assert publish(services).number == 1
        return kept(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(publications, "_read", slowly)
    with pytest.raises(InvalidTransition) as refused:
        publish(services)
    assert refused.value.code == "open_data.overtaken"


def test_who_may_publish_and_who_may_fetch(services_on_either: Services) -> None:
    services = services_on_either
    add_auditor(services)
    furnish(services)
    add_minister(services)
    for account in ("agent", "dge", "auditeur", "cabinet", "sg"):
        with pytest.raises(Forbidden):
            publish(services, by=account)
    row = publish(services, by="ministre")
    with services.reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "open_data.published")).one()
        post_code = session.get_one(Post, entry.post_id).code
    assert post_code == "MIN-C", "the post that gives the right, not the first one that heads something"
    with services.reading() as session:
        for account, sees in (
            ("admin", True), ("ministre", True), ("auditeur", True), ("agent", False), ("dge", False), ("cabinet", False),
        ):  # fmt: skip
            who = actor(services, account)
            assert (len(publications.acts(session, who)) == 1) == sees, account
            if not sees:
                with pytest.raises(NotFound):
                    publications.act(session, row.id, who)


def test_nothing_leaves_before_every_act_of_its_months_is_counted(services_on_either: Services) -> None:
    services = services_on_either
    furnish(services)
    letter(services, on=date(2026, 11, 20))  # registered in November, not counted yet
    with pytest.raises(InvalidTransition) as refused:
        publish(services)
    assert refused.value.code == "monthly.not_counted"
    figures.run(services, now=LATER)
    with services.unit_of_work(LATER) as uow:  # what is done after the month is not waited for
        uow.record("mail.opened", "mail", 1, actor=actor(services, "dge"))
    # A letter that came with an entity has no act, and is counted at night.
    with services.engine.begin() as connection:
        connection.execute(text("DELETE FROM figure_letters WHERE mail_id = 1"))
    with pytest.raises(InvalidTransition) as unknown:
        publish(services)
    assert unknown.value.code == "monthly.not_counted"
    lift_guards(services.engine)
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE mail_numbers SET registered_on = '2026-12-01' WHERE mail_id = 1"))
    assert publish(services).number == 1


def test_the_months_on_offer_are_those_of_the_ministrys_own_ordinary_letters(services_on_either: Services) -> None:
    services = services_on_either
    with services.unit_of_work(NOW) as uow:
        add_entity(uow.session, Role.CLERK)  # a ministry of its own
    furnish(services)
    letter(services, on=date(2026, 3, 20), level=Confidentiality.RESTRICTED)
    other = letter(services, on=date(2026, 4, 20))
    with services.engine.begin() as connection:
        connection.execute(
            text("UPDATE mails SET responsible_unit_id = :unit WHERE id = :id"),
            {"unit": unit_id(services, "CEET"), "id": other},
        )
    figures.rebuild(services, now=LATER)
    with services.reading() as session:
        (offer,) = publications.offers(session, actor(services, "admin"), today=LATER.date())
    assert offer.months == (NOVEMBER,)


def test_the_first_month_on_offer_comes_with_its_fifth_letter(services_on_either: Services) -> None:
    """The list of months, and the first month that a file names, would tell of the first letter else: an administrator may open none."""
    services = services_on_either
    furnish(services)

    def first() -> date:
        figures.rebuild(services, now=LATER)
        with services.reading() as session:
            (offer,) = publications.offers(session, actor(services, "admin"), today=LATER.date())
        return offer.months[0]

    for _ in range(4):
        letter(services, on=date(2026, 3, 20))
        assert first() == NOVEMBER
    letter(services, on=date(2026, 3, 20))
    assert first() == date(2026, 3, 1)


def test_a_text_that_is_too_long_is_said_and_the_act_is_kept_without_blanks(services_on_either: Services) -> None:
    services = services_on_either
    furnish(services)
    with pytest.raises(Invalid) as refused:
        publish(services, licence="x" * 5001)
    assert (refused.value.code, refused.value.params["maximum"]) == ("form.too_long", 5000)
    row = publications.publish(
        services, int(unit_id(services, "MIN")), NOVEMBER, act_reference="  Décision n° 12 ", act_on=date(2026, 12, 3),
        licence="Libre", actor=actor(services, "admin"), now=LATER,
    )  # fmt: skip
    assert row.act_reference == "Décision n° 12"
    assert content(services, row)[1]["act"] == "Décision n° 12"


def test_a_voided_letter_does_not_follow_from_the_numbered_ones(services_on_either: Services) -> None:
    services = services_on_either
    play = Play(services)
    for _ in range(9):
        play.register(received_on=date(2026, 11, 20))
    assert play.act("void"), play.refused
    figures.run(services, now=LATER)
    told = {one["mesure"]: one["nombre"] for one in content(services, publish(services))[0]}
    assert told == {"received": "8"}


def test_small_numbers_give_nothing_to_publish(services_on_either: Services) -> None:
    services = services_on_either
    for _ in range(4):
        letter(services, on=date(2026, 11, 20))
    figures.run(services, now=LATER)
    with pytest.raises(Invalid) as small:
        publish(services)
    assert small.value.code == "form.unknown_choice"
    furnish(services)
    publish(services)
    new_year = datetime(2027, 1, 5, 9, tzinfo=UTC)
    figures.run(services, now=new_year)
    with pytest.raises(InvalidTransition) as refused:
        publish(services, date(2026, 12, 1), now=new_year)  # of a month after the first file nothing may be left
    assert refused.value.code == "open_data.nothing"
    with pytest.raises(Invalid) as empty:
        publish(services, licence=" ")
    assert empty.value.params["field"] == "licence"


def test_a_publication_is_made_on_the_page_and_fetched(tmp_path: Path) -> None:
    app, services = make_site(tmp_path)
    add_auditor(services)
    give_passwords(services)
    for _ in range(6):
        letter(services, on=date(2020, 1, 15))
    figures.run(services, now=NOW)
    client = sign_in(app, "admin")
    shown = client.get(f"{PAGE}?until=2020-01").text
    assert "Publication n° 1" in shown
    assert ("2020-01" in main(shown), "Reçus" in main(shown)) == (True, False)
    # Who publishes may open no letter: one more of any kind changes nothing that is shown before the act.
    letter(services, on=date(2020, 1, 16), nature="plainte")
    letter(services, "DGE", on=date(2020, 1, 17), answered=NOW)
    figures.run(services, now=NOW)
    before, after = (
        re.sub(r'name="csrf_token"[^>]*', "", main(one)) for one in (shown, client.get(f"{PAGE}?until=2020-01").text)
    )
    assert before == after
    form = {
        "ministry": str(unit_id(services, "MIN")), "until": "2020-01", "act_reference": "Décision n° 1",
        "act_on": "01/02/2020", "licence": "Licence ouverte",
    }  # fmt: skip
    assert post(client, PAGE, {**form, "licence": ""}, page=PAGE).status_code == 422
    assert post(client, PAGE, {**form, "act_on": "01/02/2999"}).status_code == 422
    assert post(client, PAGE, {**form, "until": "2019-12"}).status_code == 422
    assert post(client, PAGE, form).status_code == 303
    listed = client.get(PAGE).text
    with services.reading() as session:
        (row,) = publications.acts(session, actor(services, "admin"))
    assert row.digest in listed
    assert client.get(f"{PAGE}{row.id}.zip").mimetype == "application/zip"
    assert sign_in(app, "auditeur").get(f"{PAGE}{row.id}.zip").status_code == 200
    assert post(sign_in(app, "auditeur"), PAGE, form).status_code == 403
    for account, status in (("dge", 404), ("agent", 403)):
        assert sign_in(app, account).get(f"{PAGE}{row.id}.zip").status_code == status, account
    with services.engine.begin() as connection:
        connection.execute(text("UPDATE people SET language = 'en' WHERE account = 'admin'"))
    english = sign_in(app, "admin").get(PAGE).text
    assert "Open data" in english
    assert "No number below 5 is published." in english
    services.engine.dispose()


def test_a_second_ministry_is_reached_when_the_first_has_nothing_left_and_one_month_is_counted_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, services = make_site(tmp_path)
    with services.unit_of_work(NOW) as uow:
        add_entity(uow.session, Role.ADMINISTRATOR)  # "CEET" comes before "Ministère"
        (post_id,) = uow.session.scalars(select(Post.id).where(Post.code == "CEET-BO"))
        (person_id,) = uow.session.scalars(select(Person.id).where(Person.account == "admin"))
        uow.session.add(Holding(post_id=post_id, person_id=person_id, from_on=date(2020, 1, 1)))
    give_passwords(services)
    for month in (1, 2):
        for _ in range(6):
            letter(services, on=date(2020, month, 15))
    figures.run(services, now=NOW)
    client, asked = sign_in(app, "admin"), []
    kept = publications.preview

    def counted(session: Session, ministry_id: int, since: date, until: date, *given: Any, **named: Any) -> Any:
        asked.append((since, until))
        return kept(session, ministry_id, since, until, *given, **named)

    monkeypatch.setattr(publications, "preview", counted)
    shown = client.get(PAGE).text
    assert asked == [(date(2020, 1, 1), date(2020, 1, 1))]
    assert "Publier ces nombres" in shown, "the ministry that has months is shown first"
    empty = client.get(f"{PAGE}?ministry={unit_id(services, 'CEET')}").text
    assert "Tous les mois échus sont publiés." in empty
    assert f'value="{unit_id(services, "MIN")}"' in empty, "the other one can be chosen"
    services.engine.dispose()


@pytest.mark.long("a page under axe: tests/integration/test_every_page.py looks at every page")
@pytest.mark.browser
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_holds_at_both_widths(browser: Browser, site: tuple[str, Services], width: int) -> None:
    url, services = site
    for _ in range(6):
        letter(services, on=date(2020, 1, 15))
    figures.run(services, now=datetime.now(UTC))
    context = browser.new_context(base_url=url, locale="fr-FR", viewport={"width": width, "height": 800})
    page = context.new_page()
    enter(page, "admin")
    page.goto(f"{PAGE}?until=2020-01")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe_faults(page) == []
    page.get_by_label("Acte", exact=True).fill("Décision n° 1")
    page.get_by_label("Texte de la licence").fill("Licence ouverte")
    page.once("dialog", lambda dialog: dialog.accept())
    with leading_on(page):
        page.get_by_role("button", name="Publier").click()
    expect(page.locator(".flash--success")).to_contain_text("La publication n° 1 est faite")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe_faults(page) == []
    context.close()
