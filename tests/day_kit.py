"""A whole day of the demonstration ministry, played by its people in Chromium: from the morning's post to closed
registers.

A person does each act once, for each kind of letter, by keys and clicks. Further letters of a kind are registered and
answered over HTTP (``demo.client``), which takes a tenth of the time. Their functions say "over HTTP".
"""

from __future__ import annotations

import io
import os
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from demo.journey import Journey, Registered, aged_page
from demo.letters import DrawnLetter
from demo.people import PASSPHRASE, PASSWORD
from demo.stage import Stage
from ged.adapters.imap import ImapMailbox
from tests import pages
from tests.browsing import leading_on, sign_in
from tests.mailbox_kit import deliver

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Response

WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 740}
WAIT_MS = 60_000
SLOW_LINK = {"offline": False, "latency": 300, "downloadThroughput": 32_000, "uploadThroughput": 32_000}
"""256 kbit/s each way, in bytes a second; a latency of 300 ms."""
FILE_DPI = 150
SERVICES = ("Direction générale de l'énergie", "Direction des affaires financières")


@dataclass
class Desks:
    """The browser windows of all people, each signed in once, and the errors that the browser reported."""

    browser: Browser
    url: str
    complaints: list[str] = field(default_factory=list)
    _open: dict[str, tuple[BrowserContext, Page]] = field(default_factory=dict)

    def at(self, account: str, *, on_phone: bool = False) -> Page:
        """The window of an account: at a desk, or on a telephone with a slow network."""
        if account not in self._open:
            context = self.browser.new_context(
                base_url=self.url, locale="fr-FR", timezone_id="Africa/Lome", viewport=PHONE if on_phone else WIDE,
                has_touch=on_phone, is_mobile=on_phone,
            )  # fmt: skip
            page = context.new_page()
            page.set_default_timeout(WAIT_MS)
            page.on("pageerror", lambda error: self.complaints.append(f"{account} {page.url}: {error}"))
            page.on("response", lambda answer: self._note(account, answer))
            page.on("console", lambda line: self._heard(account, page.url, line.type, line.text))
            if on_phone:
                link = context.new_cdp_session(page)
                link.send("Network.enable")
                link.send("Network.emulateNetworkConditions", SLOW_LINK)
            sign_in(page, account, PASSWORD)
            self._open[account] = context, page
        return self._open[account][1]

    def close(self) -> None:
        for context, _page in self._open.values():
            context.close()
        self._open.clear()

    def _note(self, account: str, answer: Response) -> None:
        if answer.status >= 400:
            self.complaints.append(f"{account} {answer.url}: {answer.status}")

    def _heard(self, account: str, url: str, kind: str, text: str) -> None:
        if kind not in ("error", "warning"):
            return
        page = f"{account} {url}: {kind} "
        if text.startswith("htmx:sendAbort"):
            # Whoever sends a form before its hints have come leaves the page: htmx tells both that the request ended and that it was given up.
            ended = next((one for one in self.complaints if one.startswith(f"{page}htmx:afterRequest")), None)
            if ended is not None:
                self.complaints.remove(ended)
            return
        self.complaints.append(f"{page}{text}")


@dataclass
class Day:
    """A day: the people, their windows and the letters.

    Attributes:
        answers: paths of the pages of the drafts that go through the signature book.
    """

    stage: Stage
    office: Journey
    desks: Desks
    letters: dict[str, Registered] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)
    _pictures: int = 0

    def picture(self, page: Page, name: str) -> None:
        """Save a screenshot, if ``GED_TEST_DAY_PICTURES`` names a folder."""
        if folder := os.environ.get("GED_TEST_DAY_PICTURES"):
            self._pictures += 1
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(folder) / f"{self._pictures:02d}-{name}.png", full_page=True)

    # --- the mail office takes in -----------------------------------------------------------------------------------

    def scanned(self, drawn: DrawnLetter) -> Registered:
        """Register a letter on paper with the keyboard alone. The bridge scans it; the label attaches the scan to the
        letter."""
        page = self.desks.at("bo.agent")
        page.goto("/enregistrer/")
        keys = page.keyboard
        expect(page.locator("#sender_name"), "the cursor is where the clerk begins").to_be_focused()
        page.focus("#addressed_post_id")
        keys.type("Secr")  # type ahead in the list; Chromium would insert an accented letter as text, not press a key
        expect(page.locator("#addressed_post_id option:checked")).to_contain_text("Secrétaire générale")
        keys.press("Tab")
        keys.type(drawn.sender[:18], delay=15)
        page.locator("#sender-list [role=option]", has_text=drawn.sender).wait_for()
        keys.press("ArrowDown")
        keys.press("Enter")
        keys.press("Tab")
        keys.type(drawn.their_reference)
        keys.press("Tab")
        keys.type(drawn.written_on.strftime("%d%m%Y"))
        page.focus("#subject")
        keys.type(drawn.subject)
        self.picture(page, "enregistrer-au-clavier")
        keys.press("Enter")
        letter = self._numbered(page, drawn)
        self.picture(page, "numero")
        self.stage.scanner.lay(aged_page(letter, 1))
        page.get_by_role("link", name="Numériser maintenant").click()
        device = page.locator("select[name=device] option", has_text="PNM")
        page.select_option("select[name=device]", value=device.first.get_attribute("value"))
        page.get_by_role("button", name="Numériser", exact=True).click()
        page.get_by_text("Jointes aujourd’hui").wait_for(timeout=120_000)
        page.get_by_role("link", name=letter.number).wait_for()
        self.picture(page, "numerisations")
        return letter

    def deposited(self, drawn: DrawnLetter) -> Registered:
        """Register a file: drop it on the page, open its card, fill the form."""
        page = self.desks.at("bo.agent")
        page.goto("/numerisations/")
        page.set_input_files("#file", {"name": "lettre.pdf", "mimeType": "application/pdf", "buffer": _file(drawn)})
        with leading_on(page):
            page.get_by_role("button", name="Déposer").click()
        self.picture(page, "fichier-depose")
        page.goto("/numerisations/")
        return self._from_card(page, drawn, "lettre.pdf", "fichier")

    def mailed(self, drawn: DrawnLetter) -> Registered:
        """Register the letter from the mailbox, which ``put_mail`` delivered and the worker collected at its start."""
        page = self.desks.at("bo.agent")

        def came() -> bool:
            page.goto("/numerisations/")
            return page.locator(".thumb", has_text=drawn.subject).count() > 0

        self.office.until("the e-mail is collected", came)
        return self._from_card(page, drawn, drawn.subject, "courriel")

    def _from_card(self, page: Page, drawn: DrawnLetter, shown: str, name: str) -> Registered:
        self.picture(page, f"{name}-carte")
        card = page.locator(".thumb", has_text=shown).first
        with leading_on(page):
            card.get_by_role("link").first.click()
        # Machines have not read the file yet.
        if page.url.rpartition("/")[2].isdigit() and "/numerisations/" in page.url:
            with leading_on(page):
                page.get_by_role("link", name="Enregistrer ce courrier").click()
        self.picture(page, f"{name}-formulaire")
        self._fill_arrival(page, drawn)
        with leading_on(page):
            page.press("#subject", "Enter")
        return self._numbered(page, drawn)

    def confidential(self, drawn: DrawnLetter) -> Registered:
        """Register a letter that few people may see."""
        page = self.desks.at("bo.agent")
        page.goto("/enregistrer/")
        expect(page.locator("#channel"), "paper that follows an e-mail is offered as paper").to_have_value("hand")
        self._fill_arrival(page, drawn)
        page.locator("details", has=page.locator("#level")).locator("summary").click()
        page.select_option("#level", label="Confidentiel")
        self.picture(page, "confidentiel")
        with leading_on(page):
            page.press("#subject", "Enter")
        return self._numbered(page, drawn)

    @staticmethod
    def _fill_arrival(page: Page, drawn: DrawnLetter) -> None:
        Day._choose(page, "addressed_post_id", "Secrétaire générale")
        page.fill("#sender_name", drawn.sender)
        page.fill("#their_reference", drawn.their_reference)
        page.fill("#written_on", drawn.written_on.strftime("%d/%m/%Y"))
        page.fill("#subject", drawn.subject)

    def _numbered(self, page: Page, drawn: DrawnLetter) -> Registered:
        """The number that the page shows after a registration: in the green panel, or above the form of the next
        scan."""
        place = page.locator(".confirmation__detail, .just-registered__number").first
        place.wait_for()
        number = (place.text_content() or "").strip()
        mail = page.locator("main a[href^='/courriers/']").first.get_attribute("href") or ""
        label = page.locator("main a[href$='/etiquette.pdf']").first.get_attribute("href") or ""
        return self.office.labelled(drawn, number=number, mail=mail, entry=label.removesuffix("/etiquette.pdf"))

    def sealed(self, sender: str) -> str:
        """Register a closed envelope for the secretary general; returns its number."""
        page = self.desks.at("bo.agent")
        page.goto("/plis/nouveau")
        self._choose(page, "addressed_post_id", "Secrétaire générale")
        page.fill("#sender_name", sender)
        self.picture(page, "pli-ferme")
        with leading_on(page):
            page.get_by_role("button", name="Enregistrer le pli").click()
        found = re.search(r"PLI-\d{4}/\d{4}", page.inner_text("main"))
        assert found, page.inner_text("main")
        return found[0]

    def born_outside(self, kind: str, subject: str, **fields: str) -> str:
        """Register a letter that was signed in ink: a departure, an internal letter, a note, a decision. Returns its
        number."""
        page = self.desks.at("bo.agent")
        page.goto(f"/enregistrer/{kind}")
        for name, words in (
            ("sender_unit_id", fields.pop("unit", SERVICES[0])),
            ("signatory_post_id", "Secrétaire générale"),
        ):
            self._choose(page, name, words)
        if authority := fields.pop("authority", ""):
            self._choose(page, "addressed_post_id", authority)
        for name, value in fields.items():
            page.fill(f"#{name}", value)
        page.fill("#subject", subject)
        page.set_input_files(
            "#file", {"name": f"{kind}.pdf", "mimeType": "application/pdf", "buffer": pages.pdf(subject)}
        )
        self.picture(page, kind)
        with leading_on(page):
            page.get_by_role("button", name="Enregistrer et donner le numéro").click()
        return (page.locator(".confirmation__detail").first.text_content() or "").strip()

    def more_arrivals(self, drawn: tuple[DrawnLetter, ...]) -> None:
        """Over HTTP: register further letters on paper.

        Their texts repeat. So each gets a reference and a subject of its own; otherwise the site would hold it as a
        double of an earlier letter.
        """
        own = tuple(
            replace(
                letter, their_reference=f"{n:03d}/{letter.sender_kind}/2026", subject=f"{letter.subject}, dossier {n}"
            )
            for n, letter in enumerate(drawn, start=1)
        )
        for n, letter in enumerate(self.office.register(own)):
            self.letters[f"more-{n}"] = letter

    # --- the authority decides, on a telephone ----------------------------------------------------------------------

    def open_envelope(self, number: str, subject: str) -> None:
        """The secretary general opens the envelope with this number."""
        page = self.desks.at("sg", on_phone=True)
        page.goto("/plis/")
        self.picture(page, "telephone-plis")
        with leading_on(page):
            page.get_by_role("link", name=number).first.tap()
        page.fill("#subject", subject)
        self.picture(page, "telephone-pli")
        with leading_on(page):
            page.get_by_role("button", name="Ouvrir le pli").tap()

    def impute_by_thumb(self, number: str, mention: str = "Préparer un projet de réponse") -> None:
        """The secretary general reads a letter on a telephone and assigns it to the energy direction with a mention."""
        page = self.desks.at("sg", on_phone=True)
        page.goto("/a-imputer")
        self.picture(page, "telephone-a-imputer")
        with leading_on(page):
            page.get_by_role("link", name=number, exact=True).tap()
        self._choose(page, "leading_unit_id", SERVICES[0])
        page.get_by_label(mention, exact=True).check()
        page.fill("#note", "M'en parler avant vendredi.")
        self.picture(page, "telephone-imputer")
        with leading_on(page):
            page.get_by_role("button", name=re.compile("^Imputer")).first.tap()

    def impute_the_rest(self) -> None:
        """The secretary selects all waiting letters and assigns them in one act: to the energy direction, then to
        finances."""
        page = self.desks.at("sg.secretariat")
        page.goto("/a-imputer")
        self.picture(page, "a-imputer")
        for box in page.locator("input[name=mail]").all():
            box.check()
        with leading_on(page):
            page.get_by_role("button", name="Même décision pour les courriers cochés").click()
        page.get_by_placeholder("Taper pour chercher un service").first.type("financières")
        expect(page.locator("#leading_unit_id option:checked")).to_contain_text(SERVICES[1])
        page.get_by_label("Suite à donner", exact=True).check()
        self.picture(page, "imputer-un-lot")
        with leading_on(page):
            page.get_by_role("button", name=re.compile("^Imputer")).first.click()
        expect(page.locator("input[name=mail]")).to_have_count(0)

    @staticmethod
    def _choose(page: Page, name: str, words: str) -> None:
        """Choose the first option that begins with these words."""
        begins = re.compile(rf"^\s*{re.escape(words)}")
        page.select_option(
            f"#{name}", value=page.locator(f"#{name} option", has_text=begins).first.get_attribute("value")
        )

    # --- paper moves ------------------------------------------------------------------------------------------------

    def transmit(self) -> None:
        """In one act, send all originals to their services, a slip for each service. Each service receives and
        countersigns."""
        page = self.desks.at("bo.agent")
        page.goto("/a-transmettre/")
        self.picture(page, "a-transmettre")
        page.fill("#messenger", "Mawuli Dzidzo")
        page.fill("#passphrase", PASSPHRASE)
        with leading_on(page):
            page.get_by_role("button", name="Signer un bordereau par service").click()
        expect(page.get_by_text("Rien n’est à transmettre")).to_be_visible()
        self.picture(page, "bordereaux-faits")

    def receive(self, account: str) -> None:
        """A service receives each slip that is on its way to it."""
        page = self.desks.at(account)
        page.goto("/bordereaux/")
        self.picture(page, f"bordereaux-{account}")
        for _ in range(page.locator("main").get_by_role("link", name="Recevoir", exact=True).count()):
            page.goto("/bordereaux/")
            with leading_on(page):
                page.locator("main").get_by_role("link", name="Recevoir", exact=True).first.click()
            with leading_on(page):
                page.get_by_role("button", name="Tout reçu").click()
            self.picture(page, f"recevoir-{account}")
            page.fill("#passphrase", PASSPHRASE)
            with leading_on(page):
                page.get_by_role("button", name="Signer la réception").click()
            expect(page.get_by_text("Rien n’a changé depuis cette signature.")).to_be_visible()

    # --- work and answers -------------------------------------------------------------------------------------------

    def give(self, letter: Registered, *, by: str, to: str) -> None:
        """A head takes a letter and passes it on to somebody."""
        page = self.desks.at(by)
        page.goto("/bannette/")
        self.picture(page, f"bannette-{by}")
        with leading_on(page):
            page.get_by_role("link", name=letter.number, exact=True).first.click()
        with leading_on(page):
            page.get_by_role("button", name="Prendre en charge").click()
        self._choose(page, "to", to)
        page.fill("#instruction", "Projet de réponse pour ce soir.")
        self.picture(page, f"confier-{by}")
        with leading_on(page):
            page.get_by_role("button", name="Confier", exact=True).click()

    def write(self, letter: Registered) -> str:
        """An officer writes an answer from a template, with bold words, and submits it. Returns the path of its
        page."""
        page = self.desks.at("dge.etudes")
        page.goto("/bannette/")
        with leading_on(page):
            page.get_by_role("link", name=letter.number, exact=True).first.click()
        self.picture(page, "bannette-courrier")
        with leading_on(page):
            page.get_by_role("link", name="Répondre", exact=True).click()
        self._choose(page, "modele", "Accusé de réception")
        with leading_on(page):
            page.get_by_role("button", name="Créer le projet").click()
        page.fill("#civility", "Monsieur le Directeur")
        editor = page.locator("[contenteditable=true]").first
        editor.wait_for()
        expect(editor, "the template names the service").to_contain_text("la Direction générale de l'énergie")
        editor.press("Control+End")
        page.keyboard.press("Enter")
        page.keyboard.press("Control+b")
        page.keyboard.type("Votre dossier est complet.")
        page.keyboard.press("Control+b")
        self.picture(page, "projet")
        for n, words in enumerate(("Chef du service des études", "Directeur général de l'énergie"), start=1):
            self._choose(page, f"visa-{n}", words)
        self._choose(page, "signatory_post_id", "Secrétaire générale")
        return self.hand_in()

    def hand_in(self) -> str:
        """The officer submits the open draft to the signature book. Returns the path of its page."""
        page = self.desks.at("dge.etudes")
        with leading_on(page):
            page.get_by_role("button", name="Remettre au parapheur").first.click()
        expect(page).to_have_url(re.compile(r"/parapheur/\d+$"))
        self.picture(page, "remis")
        return page.url.removeprefix(self.desks.url)

    def more_answers(self, letters: list[Registered]) -> None:
        """Over HTTP: further letters are answered, and both heads give their visas."""
        for letter in letters:
            place = self.office.draft(letter)
            self.office.approve(place)
            self.answers.append(place)

    # --- the signature book, on a telephone -------------------------------------------------------------------------

    def refuse_by_thumb(self, answer: str, reason: str) -> None:
        """On a telephone, the head of the service reads a draft and returns it with a reason."""
        page = self._opened(answer, "dge.etudes.chef")
        page.fill("#reason", reason)
        self.picture(page, "telephone-renvoyer")
        with leading_on(page):
            page.get_by_role("button", name=re.compile("^Renvoyer")).first.tap()

    def correct(self, answer: str, words: str) -> None:
        """The author finds the returned draft in the inbox, corrects it with the keyboard and submits it again."""
        page = self.desks.at("dge.etudes")
        page.goto("/")
        badge = page.get_by_text("1 projet renvoyé").first
        expect(badge).to_be_visible()
        hint = page.locator(".waiting__one", has=badge).locator(".waiting__hint").bounding_box()
        assert hint is not None
        assert hint["width"] > 150, "the badge leaves room for the words beside it"
        self.picture(page, "accueil-projet-renvoye")
        page.goto(answer)
        expect(page.locator("main")).to_contain_text(words)
        self.picture(page, "projet-renvoye")
        with leading_on(page):
            page.get_by_role("link", name="Modifier", exact=True).click()
        editor = page.locator("[contenteditable=true]").first
        editor.press("Control+End")
        page.keyboard.type(f" {words}.")
        self.hand_in()

    def visa_by_thumb(self, answer: str, account: str = "dge.etudes.chef") -> None:
        """On a telephone, a head gives a visa to a draft."""
        page = self._opened(answer, account)
        page.fill("#remark", "Vu.")
        self.picture(page, f"telephone-viser-{account}")
        with leading_on(page):
            page.get_by_role("button", name=re.compile("^(Donner mon visa|Viser)")).first.tap()

    def _opened(self, answer: str, account: str) -> Page:
        page = self.desks.at(account, on_phone=True)
        page.goto("/parapheur/")
        with leading_on(page):
            page.locator(f"main a[href='{answer}']").first.tap()
        # Before a picture is loaded over the slow network, its place is reserved. So no button moves when it arrives.
        place = page.locator(".letter-page").first.bounding_box()
        assert place is not None
        assert place["height"] > place["width"], place
        return page

    def delegate(self, person: str) -> None:
        """The general director is away tomorrow: a person gets a delegation to sign."""
        page = self.desks.at("dge.chef")
        page.goto("/delegations/")
        self._choose(page, "post_id", "Directeur général de l'énergie")
        self._choose(page, "person_id", person)
        page.fill("#act", "Note n° 12 du 2 janvier 2026")
        page.fill("#until_on", page.input_value("#from_on"))
        self.picture(page, "deleguer")
        with leading_on(page):
            page.get_by_role("button", name="Enregistrer la délégation").click()
        self.picture(page, "delegations")

    def sign_by_thumb(self, count: int) -> None:
        """On a telephone, the secretary general selects all ``count`` waiting letters and signs them in one act."""
        page = self.desks.at("sg", on_phone=True)
        page.goto("/parapheur/")
        boxes = page.locator("input[name=letter]")
        expect(boxes).to_have_count(count)
        for n in range(count):
            boxes.nth(n).tap()
        self.picture(page, "telephone-signer")
        page.fill("#passphrase", PASSPHRASE)
        with leading_on(page):
            page.get_by_role("button", name=re.compile("^Signer")).last.tap()
        expect(page.locator("main")).to_contain_text("MMRE/SG", timeout=120_000)
        self.picture(page, "telephone-signes")

    # --- what leaves ------------------------------------------------------------------------------------------------

    def round(self) -> None:
        """All waiting letters leave with the messenger. The signed receipt of each is entered."""
        page = self.desks.at("bo.agent")
        page.goto("/departs/tournee/")
        self.picture(page, "tournee")
        for box in page.locator("input[name=line]").all():
            box.check()
        page.fill("#carrier", "Mawuli Dzidzo")
        with leading_on(page):
            page.get_by_role("button", name="Noter le départ de ce qui est coché").click()
        self.picture(page, "tournee-faite")

    def email(self, address: str) -> None:
        """The first waiting line leaves by e-mail."""
        page = self.desks.at("bo.agent")
        page.goto("/departs/tournee/")
        with leading_on(page):
            page.locator("main a[href^='/departs/lignes/']").first.click()
        page.fill("#email", address)
        self.picture(page, "ligne-de-depart")
        with leading_on(page):
            page.get_by_role("button", name="Envoyer le message").click()
        if page.get_by_role("button", name="Envoyer le message").count():  # the site asks to confirm a new address
            self.picture(page, "adresse-a-confirmer")
            page.locator("form", has=page.locator("#email")).locator("input[type=checkbox]").first.check()
            with leading_on(page):
                page.get_by_role("button", name="Envoyer le message").click()

    def discharge_all(self) -> None:
        """Enter the signed receipt of each delivered letter: the first by hand, further ones over HTTP."""
        page = self.desks.at("bo.agent")
        page.goto("/departs/")
        self.picture(page, "departs")
        clerk = self.office.person("bo.agent")
        for path in dict.fromkeys(href for href, _ in clerk.open("/departs/").links if "/departs/lignes/" in href):
            shown = clerk.open(path)
            if any("/decharge" in form.action for form in shown.forms):
                clerk.send(shown.form("/decharge"), {"name": "Ama Kossi", "capacity": "Secrétaire"})

    # --- the end of the day -----------------------------------------------------------------------------------------

    def follow_up(self) -> None:
        """The secretary general opens the follow-up page, and reminds the service that still works on a letter."""
        page = self.desks.at("sg", on_phone=True)
        page.goto("/suivi/")
        self.picture(page, "telephone-suivi")
        with leading_on(page):
            page.get_by_role("button", name="Rappeler").first.tap()
        expect(page.get_by_text("rappelé aujourd’hui").first).to_be_visible()

    def finish_all(self, account: str) -> None:
        """Take and finish every letter of an inbox, each with an outcome."""
        page = self.desks.at(account)
        page.goto("/bannette/")
        self.picture(page, f"bannette-le-soir-{account}")
        while page.locator("main a[href^='/bannette/']").filter(has_text=re.compile(r"\d/\d{4}")).count():
            with leading_on(page):
                page.locator("main a[href^='/bannette/']").filter(has_text=re.compile(r"\d/\d{4}")).first.click()
            page.fill("#outcome", "Fait.")
            with leading_on(page):
                page.get_by_role("button", name="Terminer", exact=True).click()
            page.goto("/bannette/")

    def empty_desk(self, account: str) -> None:
        """Read the notices, and check that nothing waits for the account."""
        page = self.desks.at(account)
        page.goto("/avis/")
        if page.get_by_role("button", name="Tout marquer comme lu").count():
            with leading_on(page):
                page.get_by_role("button", name="Tout marquer comme lu").first.click()
        page.goto("/parapheur/")
        if page.get_by_role("button", name="J’en ai pris connaissance").count():
            with leading_on(page):
                page.get_by_role("button", name="J’en ai pris connaissance").first.click()
        page.goto("/")
        self.picture(page, f"le-soir-{account}")
        expect(page.get_by_text("Rien ne vous attend"), account).to_be_visible()

    def close_day(self) -> int:
        """Check that no register has a gap and that nothing prevents tonight's closing. Returns the number of used
        registers.

        A closing takes finished days alone, so today's registers are not closed here.
        """
        page = self.desks.at("bo.agent")
        page.goto("/registres/")
        self.picture(page, "registres")
        hrefs = [one.get_attribute("href") or "" for one in page.locator("main a[href^='/registres/']").all()]
        written = 0
        for book in sorted({found[0] for one in hrefs if (found := re.match(r"/registres/\d+", one))}):
            page.goto(book)
            assert not page.get_by_text(re.compile("anomalie")).count(), book
            if page.get_by_text("sans lacune ni doublon").count():
                written += 1
                self.picture(page, f"registre-{book.rpartition('/')[2]}")
                page.goto(f"{book}/clotures")
                expect(page.get_by_text("attendent leur signature")).to_have_count(0)
        self.picture(page, "clotures")
        return written

    def file_all(self, account: str, letters: list[Registered]) -> None:
        """The head closes the answered letters with an outcome and a class: the first by hand, further ones over
        HTTP."""
        page = self.desks.at(account)
        page.goto(f"{letters[0].mail}/cloture")
        page.fill("#outcome", "Réponse envoyée.")
        page.select_option("#filing_class_id", index=1)
        self.picture(page, "cloturer")
        with leading_on(page):
            page.get_by_role("button", name="Clôturer et classer").click()
        expect(page.locator("main")).to_contain_text("Clôturé")
        for letter in letters[1:]:
            self.office.close(letter)


def put_mail(box: ImapMailbox, drawn: DrawnLetter) -> None:
    """Deliver an e-mail with the letter attached. The mailbox is collected every few minutes."""
    message = EmailMessage()
    message["From"], message["To"] = "Secrétariat <secretariat@prefecture.example.tg>", "courrier@mines.example.tg"
    message["Subject"], message["Message-ID"] = drawn.subject, make_msgid(domain="prefecture.example.tg")
    message["Date"] = datetime.now(UTC)
    message.set_content("Veuillez trouver ci-joint notre lettre.")
    message.add_attachment(_file(drawn), maintype="application", subtype="pdf", filename="courriel.pdf")
    deliver(box, message)


def _file(drawn: DrawnLetter) -> bytes:
    """The first page of a letter as a PDF, as an office sends it."""
    out = io.BytesIO()
    drawn.draw(1, FILE_DPI).save(out, "PDF", resolution=FILE_DPI)
    return out.getvalue()
