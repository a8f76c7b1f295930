"""A person's language: who chooses it, what it changes, and what stays in French."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from ged.audit import AuditEntry
from ged.org.models import Person
from ged.routing.deadlines import WorkCalendar
from ged.unit import Services
from tests.factories import NOW
from tests.site import PASSWORD, make_site, post, sign_in
from web.site import context, i18n
from web.site.errors import plain_words
from web.words.due import due_words
from web.words.languages import in_language
from web.words.messages import ngettext

pytestmark = pytest.mark.in_turns(3)

Site = tuple[Flask, Services]
ENGLISH = {"Accept-Language": "en-GB,en;q=0.9,fr;q=0.5"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    app, services = make_site(tmp_path)
    yield app, services
    services.engine.dispose()


def _lang(text: str) -> str:
    found = re.search(r"<html lang=[\"'](\w+)[\"']", text)
    return found[1] if found else ""


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        ("", "", "fr"),
        ("", "en-US,en;q=0.9", "en"),
        ("", "en;q=0.8, fr-TG;q=0.8", "fr"),
        ("", "fr-FR, en;q=0.5", "fr"),
        ("", "ee, de", "fr"),
        ("", "*", "fr"),
        ("", "en;q=x, ;;;", "fr"),
        ("fr", "en", "fr"),
        ("en", "fr", "en"),
        ("xx", "en", "en"),
    ],
)
def test_a_browser_gets_french_unless_it_prefers_english(cookie: str, accepted: str, language: str) -> None:
    assert i18n.browser_language(cookie, accepted) == language


def test_before_the_sign_in_the_language_is_remembered_in_the_browser(site: Site) -> None:
    app, _services = site
    client = app.test_client()
    assert _lang(client.get("/connexion").text) == "fr"
    english = client.get("/connexion", headers=ENGLISH)
    assert _lang(english.text) == "en"
    assert "Password" in english.text
    assert 'href="/langue/fr?next=/connexion"' in english.text
    answer = client.get("/langue/en?next=/connexion")
    assert (answer.status_code, answer.location) == (303, "/connexion")
    assert _lang(answer.text) == "en"
    assert _lang(client.get("/connexion").text) == "en"
    assert client.get("/langue/de").status_code == 404
    assert client.get("/langue/fr?next=//evil.example/").location == "/"
    assert _lang(client.get("/connexion", headers=ENGLISH).text) == "fr"


def test_a_person_chooses_on_the_account_page_and_it_holds_on_every_computer(site: Site) -> None:
    app, services = site
    client = sign_in(app, "sg")
    assert _lang(client.get("/mon-compte/langue").text) == "fr"
    page = post(client, "/mon-compte/langue", {"language": "en"}, follow_redirects=True)
    assert _lang(page.text) == "en"
    assert "The pages and e-mails that you get are now in English." in page.text
    with services.reading() as session:
        person = session.scalars(select(Person).where(Person.account == "sg")).one()
        assert person.language == "en"
        acts = [entry.action for entry in session.scalars(select(AuditEntry)) if entry.subject_id == person.id]
        assert acts.count("person.language_chosen") == 1
    post(client, "/deconnexion", {})
    assert _lang(client.get("/connexion").text) == "en"  # by the cookie

    elsewhere = app.test_client()
    post(elsewhere, "/connexion", {"account": "sg", "password": PASSWORD})
    assert _lang(elsewhere.get("/", headers={"Accept-Language": "fr"}).text) == "en"
    other = sign_in(app, "agent")
    assert _lang(other.get("/").text) == "fr"


def test_an_unknown_language_is_refused_with_the_form(site: Site) -> None:
    app, _services = site
    answer = post(sign_in(app, "sg"), "/mon-compte/langue", {"language": "xx"})
    assert answer.status_code == 422
    assert "Cette langue n'est pas proposée." in answer.text


def test_errors_and_redirections_are_in_the_language_of_the_reader(site: Site) -> None:
    app, _services = site
    client = app.test_client()
    missing = client.get("/nulle-part", headers=ENGLISH)
    assert missing.status_code == 404
    assert _lang(missing.text) == "en"
    assert "This page does not exist." in missing.text
    assert "This page is at the address" in client.get("/", headers=ENGLISH).text
    words = plain_words(app, ("upload.too_large", "disk.full"))
    assert "File too large" in words["upload.too_large", "html", "en"].body.decode()
    assert "Fichier trop lourd" in words["upload.too_large", "html", "fr"].body.decode()


def test_dates_numbers_and_typography_are_those_of_the_language(site: Site) -> None:
    app, _services = site
    with app.test_request_context(headers=ENGLISH):
        context.open_request()
        assert i18n.long_date(date(2026, 3, 1)) == "1 March 2026"
        assert i18n.full_date(date(2026, 11, 24)) == "Tuesday, 24 November 2026"
        assert i18n.short_date(date(2026, 11, 24)) == "24/11/2026"
        assert i18n.date_and_time(NOW).endswith(f" at {NOW:%H:%M}")
        assert i18n.file_size(1_200_000) == "1.2 MB"
    assert not set("\u00a0\u202f«»") & set(app.test_client().get("/connexion", headers=ENGLISH).get_data(as_text=True))


@pytest.mark.parametrize(
    ("number", "french", "english"), [(0, "0 pièce", "0 items"), (1, "1 pièce", "1 item"), (2, "2 pièces", "2 items")]
)
def test_zero_is_singular_in_french_and_plural_in_english(site: Site, number: int, french: str, english: str) -> None:
    app, _services = site
    with app.test_request_context():
        for language, said in (("fr", french), ("en", english)):
            with in_language(language):
                assert ngettext("%(num)s pièce", "%(num)s pièces", number) == said


def test_due_dates_in_words_follow_the_language(site: Site) -> None:
    app, _services = site
    week = WorkCalendar(frozenset(range(5)), frozenset())
    with app.test_request_context(), in_language("en"):
        said = [due_words(date(2026, 11, day), date(2026, 11, 24), week) for day in (20, 23, 24, 25, 27)]
    assert [one.text for one in said if one] == [
        "2 working days late", "one working day late", "today", "in one working day", "in 3 working days",
    ]  # fmt: skip


def test_a_message_of_a_template_is_html_and_what_is_put_into_it_is_escaped(site: Site) -> None:
    app, _services = site
    told = "{{ _('Suite donnée : %(text)s', text=text) }}|{{ ngettext('%(num)s pièce', '%(num)s pièces', 2) }}|{{ _('Expéditeur') }}"
    with app.test_request_context(headers=ENGLISH):
        shown = app.jinja_env.from_string("{% autoescape true %}" + told + "{% endautoescape %}").render(text="<b>")
    assert shown == "Action taken: &lt;b&gt;|2 items|Sender"
