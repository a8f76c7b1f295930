"""In English no page shows French, except in texts that people wrote. Every page of every role is read without its
data; in the usual run half of each role's, not those same of all."""

import json
import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.routing import Rule

from ged.models import metadata
from ged.org.models import Person
from ged.slips.drafting import LineForm
from ged.slips.states import LineState
from ged.unit import Services
from tests import slip_kit
from tests.letter_kit import document, given_on, linked, make_place, opened_envelope, rectified, sent_on, signed_answer
from tests.routing_kit import register
from tests.sample_kit import in_turn
from tests.site import PASSWORD, sign_in
from web.site import guide
from web.site.i18n import NAMES

pytestmark = pytest.mark.slow

ROLES = ("agent", "sg", "dge", "etudes", "admin")
IDS = range(1, 6)
STOP_WORDS = frozenset(
    """
    le la les du de des un une est et ou dans par sur avec ne pas au aux ce cette ces qui que vous votre vos sa ses il elle
    sont en se sans aucun aucune courrier courriers enregistrer bordereau bordereaux annuler imputer viser parapheur pli
    plis registre registres chercher retour lettre lettres jour jours heures mot tous tout oui non puis afin chaque notre
    leur depuis jusqu autre autres rien
    """.split()  # noqa: SIM905  # easier to read
)
"""French words that are not also English words."""
WORD = re.compile(r"(?<![\w/])[^\W\d_]+(?!\w)")
ACCENT = re.compile(r"[éèêëàâçôîïûùœ]|n°", re.IGNORECASE)
READ = ("aria-label", "alt", "title", "placeholder", "data-confirm", "data-unsaved", "value")
UNREAD = ("script", "style", "code", "kbd", "pre", "textarea", "option")
"""Elements that contain code or data."""
LEFT_OUT = ("static", "health.show", "health.ready", "synonyms.index")
"""Addresses without a page, and the page of synonyms: its words are French."""
SHOWN_IN_FRENCH = (
    *NAMES.values(), "expéditeur:, destinataire:, réf:, texte:", "DG = directeur général, direction générale",
    "AR = accusé de réception", "électri*", "an OU without a word", "[saut de page]",
)  # fmt: skip
"""Names of languages, and examples of input in French."""


class Reading(HTMLParser):
    """The texts of a page, and of attributes that people read."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in UNREAD:
            self._inside.append(tag)
        given = dict(attrs)
        for name in READ:
            if name == "value" and given.get("type") not in ("submit", "button"):
                continue
            if given.get(name):
                self.texts.append(str(given[name]))

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside and data.strip():
            self.texts.append(" ".join(data.split()))


def french_in(page: str, data: Iterable[str] = ()) -> list[str]:
    """The texts of a page, without the data, that contain a French word."""
    reading = Reading()
    reading.feed(page)
    return [text for text in reading.texts if _has_french(text) and _has_french(_without(text, data))]


def _has_french(text: str) -> bool:
    words = {word.casefold() for word in WORD.findall(text)}
    return bool(words & STOP_WORDS or ACCENT.search(text))


def _without(text: str, data: Iterable[str]) -> str:
    rest = text.replace("’", "'")
    for value in data:
        if value in rest:
            rest = rest.replace(value, " ")
    return rest


def test_french_is_found_and_data_is_not() -> None:
    page = '<p>Letter <b>du jour</b></p><a title="Ouvrir la page">x</a><option>la</option><p>Demande de poteaux</p>'
    assert french_in(page) == ["du jour", "Ouvrir la page", "Demande de poteaux"]
    assert french_in(page, ["Demande de poteaux"]) == ["du jour", "Ouvrir la page"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, Services]]:
    """A site with content on every page, whose people read English."""
    app, house = make_place(tmp_path_factory.mktemp("english"))
    services = house.services
    incoming, _answer = signed_answer(house)
    document(house, incoming, "Annexe")
    linked(house, incoming, "voisin")
    rectified(house, incoming, "corrigé")
    sent_on(house, incoming)
    given_on(house, incoming)
    opened_envelope(house)
    register(services, "Pour imputation")
    slip_kit.send(services, LineForm(description="Dossier"))
    made = slip_kit.send(services, LineForm(description="Cartes"))
    slip_kit.take(services, made.slip_id or 0, LineState.DAMAGED)
    house.ready()
    with services.unit_of_work(slip_kit.NOW) as uow:
        uow.session.execute(update(Person).values(language="en"))
    yield app, services
    services.engine.dispose()


def _data(services: Services) -> list[str]:
    """The texts that people wrote: every text in the database, the longest first."""
    found: set[str] = set(SHOWN_IN_FRENCH)
    with services.reading() as session:
        for table in metadata.sorted_tables:
            for row in session.execute(select(table)):
                found.update(_texts(list(row)))
    return sorted((one for one in found if len(one) > 2), key=len, reverse=True)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        for one in (value, *value.splitlines(), *value.split(" / ")):
            yield " ".join(one.replace("’", "'").split())
        if value[:1] in "{[":
            try:
                yield from _texts(json.loads(value))
            except ValueError:
                return
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


def _addresses(rule: Rule, app: Flask) -> list[str]:
    """The addresses of a page: with each small id where it takes one; none where it takes a text or sends a file."""
    converters = rule._converters
    is_page = "GET" in (rule.methods or ()) and "." not in rule.rule and rule.endpoint not in LEFT_OUT
    if not is_page or any(type(one).__name__ != "IntegerConverter" for one in converters.values()):
        return []
    with app.test_request_context():  # not around a page: a test that fails would leave it to the next one
        adapter = app.url_map.bind("localhost")
        return [adapter.build(rule.endpoint, dict.fromkeys(converters, one)) for one in (IDS if converters else (0,))]


@pytest.mark.parametrize("account", ROLES)
def test_no_page_shows_french_to_who_reads_english(place: tuple[Flask, Services], account: str) -> None:
    app, services = place
    client, seen, wrong = sign_in(app, account), 0, dict[str, list[str]]()
    data = _data(services)
    for rule in app.url_map.iter_rules():
        addresses = _addresses(rule, app) if rule.endpoint != "help.show" else [f"/aide/{one}" for one in guide.names()]
        for address in addresses:
            if not in_turn(f"{account} {address}", 2):
                continue
            answer = client.get(address)
            assert answer.status_code < 500, address
            if answer.mimetype != "text/html" or 300 <= answer.status_code < 400:
                continue
            seen += answer.status_code == 200
            if found := french_in(answer.get_data(as_text=True), data):
                wrong.setdefault(rule.rule, found)
    assert seen > 20, "the search for pages finds too little to mean anything"
    assert not wrong, "\n".join(f"{path}: {texts}" for path, texts in wrong.items())


def test_the_sign_in_page_and_its_errors_are_english_to_an_english_browser(place: tuple[Flask, Services]) -> None:
    client = place[0].test_client()
    english = {"Accept-Language": "en"}
    pages = [client.get(path, headers=english) for path in ("/connexion", "/nulle-part", "/verifier/")]
    pages.append(client.post("/connexion", data={"account": "sg", "password": PASSWORD + "x"}, headers=english))
    assert [french_in(page.get_data(as_text=True), SHOWN_IN_FRENCH) for page in pages] == [[]] * len(pages)
