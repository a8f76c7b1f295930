"""The path of a letter in Debian's Chromium, in French, by the four people who touch it; then every page they saw."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from demo.journey import NOTE, SEED, Journey, Registered, aged_page
from demo.letters import DrawnLetter, make_letters
from demo.people import PASSPHRASE, PASSWORD
from tests.browsing import leading_on, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Response

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(600)]
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = (1280, 360)
WAIT_MS = 30_000


@dataclass
class Seat:
    """A browser on the site, and all that it complained about."""

    browser: Browser
    url: str
    complaints: list[str] = field(default_factory=list)

    @contextmanager
    def signed_in(self, account: str, *, width: int = 1280) -> Iterator[Page]:
        """Somebody signed in, in a window of their own."""
        context = self.browser.new_context(
            base_url=self.url, locale="fr-FR", timezone_id="Africa/Lome", viewport={"width": width, "height": 800}
        )
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: self.complaints.append(f"{account} {page.url}: {error}"))
        page.on("response", lambda answer: self._note(account, answer))
        # Violations of the content policy arrive here too, as errors.
        page.on("console", lambda line: self._heard(account, page.url, line.type, line.text))
        sign_in(page, account, PASSWORD)
        try:
            yield page
        finally:
            context.close()

    def _note(self, account: str, answer: Response) -> None:
        if answer.status >= 400:
            self.complaints.append(f"{account} {answer.url}: {answer.status}")

    def _heard(self, account: str, url: str, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"{account} {url}: {kind} {text}")


@dataclass(frozen=True)
class Walked:
    """What the path left."""

    seat: Seat
    letter: Registered
    slip: str
    answer: str
    number: str


@pytest.fixture(scope="module")
def walked(office: Journey, browser: Browser) -> Walked:
    """The path, walked once: each person in the browser; what a fifth or sixth would do, over HTTP."""
    seat, drawn = Seat(browser, office.place.url), make_letters(SEED, 1)[0]
    office.pair()
    letter = _clerk_registers_by_keyboard(seat, office, drawn)
    _clerk_scans(seat, office, letter)
    _secretary_imputes(seat, letter)
    slip = office.send_slip(letter)
    _head_takes_and_receives(seat, letter, slip)
    office.assign(letter)
    answer = office.draft(letter)
    office.approve(answer)
    number = _signatory_signs(seat, answer)
    return Walked(seat, letter, slip, answer, number)


def _clerk_registers_by_keyboard(seat: Seat, office: Journey, drawn: DrawnLetter) -> Registered:
    with seat.signed_in("bo.agent") as page:
        page.goto("/enregistrer/")
        keys = page.keyboard
        expect(page.locator("#sender_name"), "the cursor is where the clerk begins").to_be_focused()
        page.focus("#addressed_post_id")
        keys.type("Secr")  # typed ahead in the list; an accented letter would be inserted as text, not pressed
        expect(page.locator("#addressed_post_id option:checked")).to_contain_text("Secrétaire générale")
        keys.press("Tab")
        keys.type(drawn.sender[:18], delay=15)
        page.locator("#sender-list [role=option]", has_text=drawn.sender).wait_for()
        keys.press("ArrowDown")
        keys.press("Enter")
        expect(page.locator("#sender_name")).to_have_value(drawn.sender)
        keys.press("Tab")
        keys.type(drawn.their_reference)
        keys.press("Tab")
        keys.type(drawn.written_on.strftime("%d%m%Y"))
        page.focus("#subject")
        keys.type(drawn.subject)
        keys.press("Enter")
        page.wait_for_url("**/enregistre")
        number = (page.text_content(".confirmation__detail") or "").strip()
        mail = page.get_attribute("a[href^='/courriers/']", "href") or ""
        link = page.get_by_role("link", name="Imprimer l’étiquette")
        entry = (link.get_attribute("href") or "").removesuffix("/etiquette.pdf")
        assert link.get_attribute("target") == "_blank"
    return office.labelled(drawn, number=number, mail=mail, entry=entry)


def _clerk_scans(seat: Seat, office: Journey, letter: Registered) -> None:
    office.place.scanner.lay(aged_page(letter, 1))
    with seat.signed_in("bo.agent") as page:
        page.goto(f"{letter.entry}/enregistre")
        page.get_by_role("link", name="Numériser maintenant").click()
        device = page.locator("select[name=device] option", has_text="PNM")
        page.select_option("select[name=device]", value=device.first.get_attribute("value"))
        page.get_by_role("button", name="Numériser", exact=True).click()
        page.get_by_text("La demande est transmise au scanner.").wait_for()
        # The page follows the scanner by itself until the letter has its pages.
        page.get_by_text("Jointes aujourd’hui").wait_for(timeout=120_000)
        page.get_by_role("link", name=letter.number).wait_for()
    office.read([letter])


def _secretary_imputes(seat: Seat, letter: Registered) -> None:
    with seat.signed_in("sg.secretariat") as page:
        page.goto("/a-imputer")
        page.get_by_role("link", name=letter.number, exact=True).click()
        page.get_by_placeholder("Taper pour chercher un service").first.type("énergie")
        expect(page.locator("#leading_unit_id option:checked")).to_contain_text("énergie")
        page.select_option("#leading_unit_id", label=_label_of(page, "Direction générale de l'énergie"))
        page.check("input[name=mentions][value=draft_reply]")
        page.fill("#note", NOTE)
        with leading_on(page):
            page.get_by_role("button", name="Imputer").first.click()
        page.goto(letter.mail)
        expect(page.locator("main")).to_contain_text(NOTE)


def _label_of(page: Page, words: str) -> str:
    found = page.locator("#leading_unit_id option", has_text=words).first.text_content()
    assert found is not None
    return found.strip()


def _head_takes_and_receives(seat: Seat, letter: Registered, slip: str) -> None:
    with seat.signed_in("dge.chef") as page:
        page.goto("/bannette/")
        page.get_by_role("link", name=letter.number, exact=True).click()
        with leading_on(page):
            page.get_by_role("button", name="Prendre en charge").click()
        page.goto("/bordereaux/")
        page.locator(f"a[href='{slip}']").first.click()
        page.get_by_role("link", name="Recevoir", exact=True).click()
        page.get_by_role("button", name="Tout reçu").click()
        page.fill("#passphrase", PASSPHRASE)
        page.get_by_role("button", name="Signer la réception").click()
        page.get_by_text("reçu et signé").wait_for()
        expect(page.locator("main")).to_contain_text("Rien n’a changé depuis cette signature.")


def _signatory_signs(seat: Seat, answer: str) -> str:
    with seat.signed_in("sg") as page:
        page.goto("/parapheur/")
        page.locator(f"a[href='{answer}']").first.click()
        page.fill("#passphrase", PASSPHRASE)
        page.get_by_role("button", name="Signer électroniquement").click()
        page.get_by_text(re.compile(r"n°\s\d{5}/\d{4}/MMRE/SG")).first.wait_for()
        found = re.search(r"\d{5}/\d{4}/MMRE/SG", page.inner_text("main"))
        assert found
        return found[0]


def test_the_path_is_walked_and_the_browser_complains_of_nothing(office: Journey, walked: Walked) -> None:
    assert re.fullmatch(r"00001/\d{4}/MMRE", walked.letter.number)
    assert re.fullmatch(r"00001/\d{4}/MMRE/SG", walked.number)
    assert office.person("dge.chef").fetch(f"{walked.slip}/bordereau.pdf").count(b"/ByteRange") == 2
    assert not walked.seat.complaints


MAIN_PAGES = [
    ("bo.agent", "/"),
    ("bo.agent", "/enregistrer/"),
    ("bo.agent", "{entry}/enregistre"),
    ("bo.agent", "/numerisations/"),
    ("bo.agent", "/numerisations/postes"),
    ("bo.agent", "/plis/"),
    ("bo.agent", "/registres/"),
    ("bo.agent", "/registres/1"),
    ("bo.agent", "/bordereaux/"),
    ("bo.agent", "/bordereaux/nouveau?mail={mail_id}"),
    ("bo.agent", "/departs/"),
    ("bo.agent", "/correspondants/"),
    ("sg.secretariat", "/a-imputer"),
    ("sg.secretariat", "/a-imputer/{mail_id}"),
    ("dge.chef", "/"),
    ("dge.chef", "/avis/"),
    ("dge.chef", "/avis/choix"),
    ("dge.chef", "/bannette/"),
    ("dge.chef", "{mail}"),
    ("dge.chef", "{mail}/cloture"),
    ("dge.chef", "{slip}"),
    ("dge.chef", "/recherche?q=courrier&filtres=1"),
    ("dge.etudes", "/projets/nouveau?repond_a={mail_id}"),
    ("sg", "/parapheur/"),
    ("sg", "{answer}"),
    ("admin", "/administration/"),
    ("admin", "/administration/courriels/"),
    ("admin", "/administration/taches"),
    ("admin", "/administration/journal"),
    ("admin", "/administration/calendrier"),
]


@pytest.mark.parametrize("account", sorted({account for account, _path in MAIN_PAGES}))
@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_fit_and_are_accessible(walked: Walked, account: str, width: int) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed (npm ci)")
    seat, axe = Seat(walked.seat.browser, walked.seat.url), AXE.read_text(encoding="utf-8")
    places = {
        "entry": walked.letter.entry,
        "mail": walked.letter.mail,
        "mail_id": walked.letter.mail_id,
        "slip": walked.slip,
        "answer": walked.answer,
    }
    wrong: list[str] = []
    with seat.signed_in(account, width=width) as page:
        for path in (path.format(**places) for one, path in MAIN_PAGES if one == account):
            page.goto(path, wait_until="load")
            scrolled = page.evaluate("document.documentElement.scrollWidth")
            if scrolled > width:
                wrong.append(f"{path} at {width}: {scrolled} wide")
            page.evaluate(axe)
            found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
            wrong += [
                f"{path} at {width}: {one['id']} {one['nodes'][0]['html'][:200]}"
                for one in found
                if one["impact"] in ("serious", "critical")
            ]
    assert not wrong, "\n".join(wrong)
    assert not seat.complaints
