"""The guide in the site: its pages, and the section that explains each page of the site."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.site import make_site, sign_in
from web.site import guard, guide
from web.words import catalogue

pytestmark = pytest.mark.in_turns(3)

NO_SECTION = {
    "annotations": "acts of the page of the signature book",
    "bridge": "for programs",
    "check": "public, without an account",
    "health": "for programs; the administration shows it",
    "help": "the guide itself",
    "language": "explains itself",
    "notices": "an act of the first page",
    "pki": "for programs",
    "static": "files",
    "tour": "is help itself",
}
"""Blueprints whose pages lead to the first page of the guide, with the reason."""


@pytest.fixture
def client(tmp_path: Path) -> Iterator[FlaskClient]:
    app, services = make_site(tmp_path)
    yield sign_in(app, "agent")
    services.engine.dispose()


def test_every_feature_has_its_section_or_a_reason() -> None:
    features = {name.partition(".")[0] for name in guard.ACCESS}
    # The first page, the password page and the page of one's sessions need no section.
    explained = {"session", *(name.partition(".")[0] for name in guide.SECTIONS)}
    assert features - explained == NO_SECTION.keys()
    assert [name for name in guide.SECTIONS if name not in features and name not in guard.ACCESS] == []


@pytest.mark.parametrize(("page", "anchor"), sorted(set(guide.SECTIONS.values())))
def test_a_section_is_there(page: str, anchor: str) -> None:
    assert anchor in [one for one, _text in guide.page(page).sections]


@pytest.mark.parametrize("language", catalogue.TRANSLATED)
@pytest.mark.parametrize("name", guide.names())
def test_a_translated_page_has_the_same_sections_and_names_what_is_on_the_screen(name: str, language: str) -> None:
    translated = guide.page(name, language)
    assert translated.language == language
    anchors = [anchor for anchor, _text in guide.page(name).sections]
    assert [anchor for anchor, _text in translated.sections] == anchors, f"web/translations/{language}/guide/{name}.md"
    said = {message.string for message in catalogue.read(language) if isinstance(message.string, str)}
    quoted = [" ".join(one.split()) for one in re.findall("“([^”]+)”", translated.html)]
    assert [one for one in quoted if unescape(one) not in said] == []


def test_the_guide_is_read_in_the_language_of_its_reader(client: FlaskClient) -> None:
    shown = client.get("/aide/agent", headers={"Accept-Language": "en"}).text
    assert '<article class="guide" lang="en">' in shown
    assert "Receiving a slip" in shown
    assert '<article class="guide" lang="fr">' in client.get("/aide/agent").text


@pytest.mark.parametrize("name", guide.names())
def test_a_page_of_the_guide_stays_in_the_site(client: FlaskClient, name: str) -> None:
    shown = client.get(f"/aide/{name}")
    assert shown.status_code == 200
    article = shown.text.partition('<article class="guide"')[2].partition("</article>")[0]
    assert article
    assert ".md" not in article
    assert "../" not in article
    assert 'aria-current="page"' in shown.text


def test_a_page_leads_to_its_section_in_another_tab(client: FlaskClient) -> None:
    shown = client.get("/enregistrer/").text
    assert 'href="/aide/bureau-ordre#enregistrer" target="_blank" rel="noopener"' in shown
    assert 'href="/aide/index" target="_blank"' in client.get("/").text


@pytest.mark.parametrize("name", ["nouveau", "..", "%2e%2e%2fsettings", "bureau-ordre.md", "../dev/house"])
def test_nothing_else_is_served(client: FlaskClient, name: str) -> None:
    assert client.get(f"/aide/{name}").status_code == 404


def test_a_stranger_signs_in_first(client: FlaskClient) -> None:
    assert client.application.test_client().get("/aide/agent").status_code in (302, 303)
