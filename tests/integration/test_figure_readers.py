"""What readers of figures are shown first, and what they are not shown because it would be empty; on both databases."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import select, update

from ged.figures import operations as figures
from ged.figures import queries
from ged.figures.models import STATE, FigureState
from ged.notices import finding
from ged.notices.models import Occasion, PersonalNotice
from ged.notices.queries import names_told
from ged.org.models import Person
from ged.register.models import Mail
from ged.supervisors import operations as supervisors
from ged.supervisors.models import Supervisor
from ged.supervisors.operations import SupervisorForm
from tests.factories import NOW, TODAY, actor
from tests.figure_copies import Copy, copied
from tests.figure_letters_kit import count_all, letter
from tests.figure_site import plain, site, table_rows
from tests.routing_kit import post_id, register, unit_id
from tests.signbook_kit import House, house_on_either
from tests.site import sign_in

__all__ = ["house_on_either", "site"]  # fixtures

pytestmark = pytest.mark.in_turns(3)

DAYS = "du=2026-11-01&au=2026-11-30"
FOR_HEADS = {"rythme", "heures", "prevision", "expediteurs", "correspondants"}


def shown(app: Flask, account: str, address: str) -> str:
    answer = sign_in(app, account).get(address)
    assert answer.status_code == 200, address
    return plain(answer.text)


def tabs(page: str) -> set[str]:
    """The views to which the page has a way."""
    bar = page.partition('<nav class="tabs')[2].partition("</nav>")[0]
    return set(re.findall(r"[?&;]vue=([a-z]+)", bar))


def test_a_view_without_anything_for_its_reader_has_no_tab(site: tuple[Flask, House]) -> None:
    app, house = site
    letter(house.services, "DGE")
    count_all(house.services)
    assert tabs(shown(app, "dge", "/tableau/")) >= FOR_HEADS
    for account, page in (("etudes", "/tableau/"), ("auditeur", "/supervision/")):
        assert not tabs(shown(app, account, page)) & FOR_HEADS, account
        assert tabs(shown(app, account, page)) >= {"bordereaux", "circulation", "delais"}
        for view in FOR_HEADS - ({"rythme", "heures"} if page == "/supervision/" else set()):
            text = shown(app, account, f"{page}?vue={view}")
            assert "des services que vous dirigez" in text or "à qui peut ouvrir" in text, "an address says why"


def test_a_period_that_is_too_long_for_days_leads_to_a_shorter_one(site: tuple[Flask, House]) -> None:
    app, house = site
    letter(house.services, "DGE")
    count_all(house.services)
    page = shown(app, "dge", "/tableau/?periode=annee&vue=rythme&nature=demande")
    link = re.search(r'href="([^"]+)">Voir les 30 derniers jours', page)
    assert link is not None
    assert "figure-panel" in shown(app, "dge", link[1].replace("&amp;", "&"))
    assert "nature=demande" in link[1]


def test_whoever_is_told_rounded_numbers_chooses_among_months_and_years(site: tuple[Flask, House]) -> None:
    app, house = site
    letter(house.services, "DGE")
    count_all(house.services)
    exact, rounded = (
        re.findall(r"<option[^>]*>([^<]*)</option>", shown(app, account, "/tableau/")) for account in ("dge", "etudes")
    )
    assert exact[:7] == [
        "30 derniers jours", "90 derniers jours", "Ce mois-ci", "Le mois dernier", "Cette année", "L'année dernière", "12 derniers mois",
    ]  # fmt: skip
    assert rounded[:4] == ["Cette année", "Ce mois-ci", "Le mois dernier", "L'année dernière"]
    assert not [one for one in rounded if "derniers" in one]


@pytest.mark.parametrize("account", ["dge", "auditeur"])
def test_supervision_begins_with_who_is_late(site: tuple[Flask, House], account: str) -> None:
    app, house = site
    # Of told numbers the smallest row goes with those that have none: it is that of DAF.
    copied(house.services, [Copy(date(2026, 11, 2), unit) for unit in ("DAF",) * 6 + ("DGE",) * 20 + ("ETU",) * 12])
    with house.services.unit_of_work(NOW) as uow:
        studies = uow.session.scalars(select(Mail.id).order_by(Mail.id.desc()).limit(6)).all()
        uow.session.execute(update(Mail).where(Mail.id.in_(studies)).values(due_on=date(2026, 11, 20)))
    count_all(house.services)
    page = shown(app, account, f"/supervision/?{DAYS}")
    assert 0 < page.index('id="units"') < page.index("figure-cards"), "units side by side, then all together"
    rows = table_rows(sign_in(app, account), f"/supervision/fichier?{DAYS}&tableau=units")
    assert rows[1][0] == "Service des études", "more late letters, and fewer open ones"
    own = shown(app, "dge", "/tableau/")
    assert own.index("figure-cards") < own.index('id="arrivals"')


def test_letters_that_leave_are_shown_with_a_delay_of_their_own(site: tuple[Flask, House]) -> None:
    app, house = site
    letter(house.services, "DGE")
    count_all(house.services)
    assert "Délais : Attribution → traitement" in shown(app, "dge", "/tableau/?vue=delais")
    page = shown(app, "dge", "/tableau/?vue=delais&sens=outgoing&etape=")
    assert "Délais : Rédaction → signature" in page
    fields = shown(app, "dge", "/tableau/criteres?sens=outgoing")
    assert '<option value="">Rédaction → signature</option>' in re.sub(r" selected", "", fields)
    chosen = shown(app, "dge", "/tableau/?vue=delais&sens=outgoing&etape=answer")
    assert "Délais : Attribution → traitement" in chosen, "whoever chooses another one gets it"


def test_a_page_says_to_which_unit_a_letter_is_counted(site: tuple[Flask, House]) -> None:
    app, house = site
    count_all(house.services)
    for page in ("/tableau/", "/supervision/"):
        assert "les « Reçus » de ce dernier baissent quand un courrier est imputé à un autre service." in shown(
            app, "dge", page
        )


def test_figures_say_up_to_which_moment_they_are_counted(site: tuple[Flask, House]) -> None:
    app, house = site
    services = house.services
    letter(services, "DGE")
    figures.rebuild(services, now=NOW)
    later = datetime(2026, 11, 30, 15, 7, tzinfo=UTC)
    with services.reading() as session:
        assert queries.counted_upto(session, later) == later, "nothing has happened since"
    register(services)
    with services.reading() as session:
        assert queries.counted_upto(session, later) == NOW, "the last act that is counted"
    figures.run(services, now=NOW)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(FigureState).where(FigureState.id == STATE).values(sequence=10**9))
    moment = "30/11/2026 à 15:00"
    for address in ("/tableau/", "/supervision/", f"/tableau/chiffres?{DAYS}&tableau=arrivals"):
        assert f"Compté le {moment}." in shown(app, "dge", address).replace("\xa0", " ")


def test_a_chart_over_time_is_seen_from_its_newest_day_on(site: tuple[Flask, House]) -> None:
    app, house = site
    for n in range(5):
        letter(house.services, "DGE", on=TODAY - timedelta(days=n), answered=NOW)
    count_all(house.services)
    newest = {
        one
        for path, views in (("/tableau/", ("", "attente", "rythme", "delais")), ("/supervision/", ("", "mois")))
        for view in views
        for one, more in re.findall(
            r'<section class="card figure-panel" id="([a-z-]+)".*?<div class="chart-scroll( chart-scroll--newest)?"',
            shown(app, "dge", f"{path}?{DAYS}&vue={view}"), re.DOTALL,
        )
        if more
    }  # fmt: skip
    assert newest == {"arrivals", "standing", "rhythm", "months"}


def test_whoever_an_act_names_is_told_so_and_finds_the_supervision_in_the_menu(site: tuple[Flask, House]) -> None:
    app, house = site
    services = house.services
    for _ in range(6):
        letter(services, "DAF")
    count_all(services)
    entry = 'href="/supervision/"'
    assert entry not in sign_in(app, "etudes").get("/").text
    assert sign_in(app, "etudes").get("/supervision/").status_code == 403
    finding.run(services, now=NOW)
    with services.unit_of_work(NOW) as uow:
        person = uow.session.scalars(select(Person.id).where(Person.account == "etudes")).one()
        form = SupervisorForm(unit_id(services, "DAF"), person, None, "Arrêté n° 7", NOW.date(), date(2026, 11, 30))
        act = supervisors.give(uow, form, actor=actor(services, "admin"))
    finding.run(services, now=NOW)
    client = sign_in(app, "etudes")
    assert entry in client.get("/").text
    notices = unescape(plain(client.get("/avis/").text))
    told = "Un acte vous nomme superviseur : vous voyez les chiffres de ce service (Direction des affaires financières)"
    assert told in notices
    with services.reading() as session:
        notice = session.scalars(select(PersonalNotice).where(PersonalNotice.occasion == Occasion.SUPERVISES)).one()
        assert names_told(session, [notice]) == {notice.id: "Direction des affaires financières"}
    leads = client.get(re.findall(r'href="(/avis/\d+)"', notices)[0])
    assert leads.headers["Location"].endswith("/supervision/")
    assert "Direction des affaires financières" in shown(app, "etudes", "/supervision/")
    assert entry not in sign_in(app, "agent").get("/").text
    # Of a day that is over the page says that there is nothing to see.
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Supervisor).where(Supervisor.id == act).values(until_on=date(2026, 11, 29)))
    assert "aucun acte ne vous en nomme superviseur aujourd'hui" in shown(app, "etudes", "/supervision/")
    with services.unit_of_work(NOW) as uow:
        supervisors.end(uow, act, "Arrêté n° 8", actor=actor(services, "admin"))
    assert entry not in sign_in(app, "etudes").get("/").text
    assert sign_in(app, "etudes").get("/supervision/").status_code == 403


def test_a_holder_of_the_post_that_an_act_names_is_told_too(site: tuple[Flask, House]) -> None:
    services = site[1].services
    finding.run(services, now=NOW)
    with services.unit_of_work(NOW) as uow:
        form = SupervisorForm(unit_id(services, "DAF"), None, post_id(services, "ETU-M"), "Arrêté n° 7", NOW.date())
        supervisors.give(uow, form, actor=actor(services, "admin"))
    finding.run(services, now=NOW)
    with services.reading() as session:
        told = session.scalars(
            select(Person.account)
            .join(PersonalNotice, PersonalNotice.person_id == Person.id)
            .where(PersonalNotice.occasion == Occasion.SUPERVISES)
        ).all()
    assert told == ["etudes"]
