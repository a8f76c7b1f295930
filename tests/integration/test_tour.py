"""The tour of the first day: offered once to each person, for their posts; a plain page without JavaScript."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from ged.audit import AuditEntry
from ged.org.models import Person
from ged.unit import Services
from tests.site import make_site, post, sign_in
from web.site import guide
from web.site.tour import MOST, TOURS

pytestmark = pytest.mark.in_turns(3)

Site = tuple[Flask, Services]
OFFER = "Première visite ?"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    app, services = make_site(tmp_path)
    yield app, services
    services.engine.dispose()


def acts(services: Services) -> list[str]:
    with services.reading() as session:
        return list(session.scalars(select(AuditEntry.action).where(AuditEntry.action == "person.tour_ended")))


def test_it_is_offered_until_it_is_skipped_and_can_be_taken_again(site: Site) -> None:
    app, services = site
    agent = sign_in(app, "agent")
    assert OFFER in agent.get("/").text
    assert OFFER in agent.get("/").text, "a look at the page ends nothing"
    told = post(agent, "/visite/fin", {}, page="/", follow_redirects=True).text
    assert "La visite est terminée." in told
    assert OFFER not in agent.get("/").text
    assert OFFER not in sign_in(app, "agent").get("/").text, "remembered with the person, not in the browser"
    assert OFFER in sign_in(app, "dge").get("/").text, "of nobody else"
    assert OFFER in agent.get("/?visite=1").text
    again = agent.get("/visite/").text
    assert "Ne plus proposer la visite" not in again
    post(agent, "/visite/fin", {}, page="/?visite=1")
    assert acts(services) == ["person.tour_ended"]
    with services.reading() as session:
        assert session.scalars(select(Person.account).where(Person.toured_at.is_not(None))).all() == ["agent"]


def test_the_script_that_ends_it_leaves_no_message_for_the_next_page(site: Site) -> None:
    agent = sign_in(site[0], "agent")
    assert post(agent, "/visite/fin", {}, page="/", headers={"X-Part": "1"}).status_code == 204
    assert "La visite est terminée." not in agent.get("/registres/").text


@pytest.mark.parametrize(
    ("account", "first"),
    [("agent", "Numérisations"), ("sg", "À imputer"), ("dge", "Numérisations"), ("etudes", "Ma bannette"), ("admin", "Administration")],
)  # fmt: skip
def test_each_step_is_a_place_of_that_persons_page_and_leads_to_the_guide(site: Site, account: str, first: str) -> None:
    client = sign_in(site[0], account)
    home, page = client.get("/").text, client.get("/visite/").text
    at = re.findall(r'data-at="([^"]+)"', home.replace("&#39;", "'"))
    assert 4 <= len(at) <= MOST
    for one in at:
        link = re.fullmatch(r"#navigation a\[href='([^']+)'\]", one)
        needle = f'<a href="{link[1]}"' if link else {"#site-search": 'id="site-search"', ".bell": 'class="bell"', ".user-menu__summary": 'class="user-menu__summary"'}[one]  # fmt: skip
        assert needle in home, one
    titles = re.findall(r"<li><h2>(?:<a [^>]*>)?([^<]+)", page)
    assert titles[0] == first
    assert len(titles) == len(at)
    leads = re.findall(r'href="(/aide/[^"#]+)#?[^"]*">Lire le guide', page)
    assert len(leads) == len(at)


def test_the_sections_of_the_guide_are_there_in_both_languages() -> None:
    for places in TOURS.values():
        for place in places:
            name, anchor = place.guide
            for language in ("fr", "en"):
                there = {one for one, _ in guide.page(name, language).sections}
                assert not anchor or anchor in there, (name, anchor, language)


def test_it_is_found_in_the_menu_of_the_name_and_in_the_help(site: Site) -> None:
    agent = sign_in(site[0], "agent")
    assert agent.get("/registres/").text.count('href="/visite/"') == 1
    assert agent.get("/aide/index").text.count('href="/visite/"') == 2


def test_a_picture_of_the_guide_is_for_who_is_signed_in(site: Site) -> None:
    agent = sign_in(site[0], "agent")
    found = re.findall(r'src="(images/[\w-]+\.webp)"', agent.get("/aide/bureau-ordre").text)
    assert found
    answer = agent.get(f"/aide/{found[0]}")
    assert (answer.status_code, answer.mimetype) == (200, "image/webp")
    answer.close()
    assert agent.get("/aide/images/aucune.webp").status_code == 404
    assert site[0].test_client().get(f"/aide/{found[0]}").status_code in (303, 401)


def test_a_slow_link_brings_a_picture_of_the_guide_once_a_day(site: Site) -> None:
    agent = sign_in(site[0], "agent")
    (first, *_) = re.findall(r'src="(images/[\w-]+\.webp)"', agent.get("/aide/bureau-ordre").text)
    with agent.get(f"/aide/{first}") as answer:
        assert answer.headers["Cache-Control"] == "private, max-age=86400"
        assert "Set-Cookie" not in answer.headers
    with agent.get(f"/aide/{first}", headers={"If-None-Match": answer.headers["ETag"]}) as again:
        assert (again.status_code, again.headers["Cache-Control"]) == (304, "private, max-age=86400")
    with agent.get("/aide/images/aucune.webp") as missing:
        assert missing.headers["Cache-Control"] == "no-store, private"
