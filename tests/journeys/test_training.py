"""Each role passes its exercises in Chromium, on an installation that ``ged training start`` serves."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import expect

from demo import training
from demo.people import PASSPHRASE, PASSWORD
from demo.processes import BIN
from demo.stage import free_port
from tests.browsing import axe_faults, leading_on, sign_in
from tests.worker_kit import eventually

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(600)]

SEND = """([part, values, button]) => {
    const forms = [...document.querySelectorAll("main form[method=post]")];
    const form = forms.find((one) => part === "" || (one.getAttribute("action") ?? location.pathname).includes(part));
    if (!form) throw new Error(`no form to ${part}: ${document.body.innerText.slice(0, 300)}`);
    for (const [name, value] of Object.entries(values)) {
        const fields = [...form.elements].filter((one) => one.name === name);
        if (!fields.length) throw new Error(`no field ${name}`);
        for (const one of fields) {
            if (one.tagName === "SELECT") {
                const option = [...one.options].find((o) => o.text.trim().startsWith(value) || o.value === value);
                if (!option) throw new Error(`no choice ${value} of ${name}: ${[...one.options].map((o) => o.text)}`);
                one.value = option.value;
            } else if (["radio", "checkbox"].includes(one.type)) {
                if (value === "all" || one.value === value) one.checked = true;
            } else one.value = value;
        }
    }
    const buttons = [...form.querySelectorAll("button"), ...document.querySelectorAll(`button[form="${form.id}"]`)].filter((one) => one.type === "submit");
    form.requestSubmit(buttons.find((one) => one.innerText.includes(button)) ?? null);
}"""
"""Fill in the form that goes to an address, as a person would, and press its button."""


class Office:
    """The people of the training ministry, each in a window."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser, self._url = browser, url
        self._open: dict[str, Page] = {}

    def at(self, account: str) -> Page:
        if account not in self._open:
            page = self._browser.new_context(base_url=self._url, locale="fr-FR").new_page()
            sign_in(page, account, PASSWORD)
            self._open[account] = page
        return self._open[account]

    def send(self, account: str, path: str, part: str, values: dict[str, str], button: str = "") -> Page:
        """Open a page (an empty path: stay), send one of its forms."""
        page = self.at(account)
        if path:
            page.goto(path)
        with leading_on(page):
            page.evaluate(SEND, [part, values, button])
        return page

    def begin(self, account: str) -> None:
        """Begin all exercises of a person."""
        page = self.at(account)
        page.goto("/exercices/")
        for n in range(page.get_by_role("button", name="Commencer", exact=True).count(), 0, -1):
            with leading_on(page):
                page.get_by_role("button", name="Commencer", exact=True).first.click()
            expect(page.get_by_role("button", name="Commencer", exact=True)).to_have_count(n - 1)
        expect(page.locator(".badge", has_text="réussi")).to_have_count(0)

    def has_passed(self, account: str) -> None:
        """Every exercise of the person is passed, and the page is accessible and narrow enough for a telephone."""
        page = self.at(account)
        page.goto("/exercices/")
        expect(page.locator(".badge", has_text="en cours"), page.inner_text("main")).to_have_count(0)
        expect(page.locator(".badge", has_text="réussi").first).to_be_visible()
        page.set_viewport_size({"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert axe_faults(page) == []
        page.set_viewport_size({"width": 1280, "height": 800})

    def letters(self, account: str, path: str) -> list[str]:
        """The addresses of the letters in a list of a person."""
        page = self.at(account)
        page.goto(path)
        found = page.locator(f"main a[href^='{path}']").evaluate_all(
            "all => all.map((one) => one.getAttribute('href'))"
        )
        return list(dict.fromkeys(one for one in found if re.fullmatch(rf"{path}/?\d+", one)))


@pytest.fixture
def office(tmp_path: Path, browser: Browser) -> Iterator[Office]:
    port, folders = free_port(), training.Folders(tmp_path / "training")
    env = {name: value for name, value in os.environ.items() if not name.startswith("GED_")}
    words = [BIN / "ged", "training", "start", "--data", folders.data, "--bind", f"127.0.0.1:{port}"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(words, env=env, stdout=log, stderr=log)
    try:
        eventually(lambda: answers(port), within_s=90, what="served", log=tmp_path / "log")
        yield Office(browser, f"http://127.0.0.1:{port}")
        assert training.stop(folders)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/sante/site", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def has_scanner(page: Page) -> bool:
    """Open the page of scans, and tell whether it offers the scanner."""
    page.goto("/numerisations/")
    return page.locator("#scan-order option[value*='pnm:0']").count() == 1


@pytest.mark.long("each exercise in Chromium; the exercises are judged one by one in tests/integration/test_training*")
def test_each_role_passes_its_exercises(office: Office) -> None:
    people = ("bo.agent", "sg.secretariat", "sg", "dge.chef", "dge.etudes", "admin", "auditeur")
    for account in people:
        office.begin(account)

    page = office.at("bo.agent")
    for n in range(2):
        eventually(lambda: has_scanner(page), within_s=60, what="the simulated scanner at the desk")
        with leading_on(page):
            page.locator("#scan-order").get_by_role("button", name="Numériser", exact=True).click()
        # A scan leaves the orders as soon as it is whole, and waits below for its letter.
        waiting = re.compile(rf"\b{n + 1} numérisations? attend")
        expect(page.locator("main")).to_contain_text(waiting, timeout=90_000)

    mails = []
    for n in range(10):
        letter = {
            "addressed_post_id": "Secrétaire générale",
            "sender_name": "CEET",
            "subject": f"Demande {n}",
            "their_reference": f"45{n}/CEET",
            "written_on": "02/11/2026",
        }
        page = office.send("bo.agent", "/enregistrer/", "/enregistrer", letter)
        mails.append(page.locator("main a[href^='/courriers/']").first.get_attribute("href") or "")
        assert "EX-" in page.inner_text("main")
    office.send(
        "bo.agent", f"{mails[0]}/rectifier", "", {"subject": "Demande d'audience", "reason": "Erreur de saisie"}
    )
    office.send(
        "bo.agent", "/plis/nouveau", "", {"addressed_post_id": "Secrétaire générale", "sender_name": "Cour des comptes"}
    )

    waiting = office.letters("sg.secretariat", "/a-imputer")
    for path in waiting[:3]:
        office.send("sg.secretariat", path, path, {"leading_unit_id": "Direction générale de l'énergie"}, "Imputer")
    office.at("sg.secretariat").goto("/recherche?q=demande")
    office.send("sg.secretariat", "", "/recherches", {"name": "Demandes"})
    office.has_passed("sg.secretariat")
    units = (
        "Direction des affaires financières",
        "Direction des ressources humaines",
        "Direction générale de l'énergie",
    )
    for path, unit in zip(waiting[3:6], units, strict=True):
        office.send("sg", path, path, {"leading_unit_id": unit}, "Imputer")
    office.send(
        "bo.agent",
        "/a-transmettre/",
        "/a-transmettre",
        {"messenger": "Mawuli Dzidzo", "passphrase": PASSPHRASE},
        "Signer",
    )

    given = office.letters("dge.chef", "/bannette")[:3]
    for path in given:
        office.send("dge.chef", path, "/confier", {"to": "Ingénieure d'études", "instruction": "Projet pour ce soir."})
    drafts, theirs = [], office.letters("dge.etudes", "/bannette")[:3]
    for path in theirs:
        page = office.at("dge.etudes")
        page.goto(path)
        with leading_on(page):
            page.get_by_role("link", name="Répondre", exact=True).click()
        office.send("dge.etudes", "", "/projets/nouveau", {"modele": "Accusé de réception"})
        page.fill("#civility", "Monsieur le Directeur")
        page.select_option(
            "#visa-1", label=page.locator("#visa-1 option", has_text="Directeur général de l").first.inner_text()
        )
        page.select_option(
            "#signatory_post_id",
            label=page.locator("#signatory_post_id option", has_text="Secrétaire générale").first.inner_text(),
        )
        with leading_on(page):
            page.get_by_role("button", name="Remettre au parapheur").first.click()
        expect(page).to_have_url(re.compile(r"/parapheur/\d+$"))
        drafts.append(page.url[page.url.index("/parapheur/") :])
    for path in theirs[:2]:
        office.send("dge.etudes", path, "/terminer", {"outcome": "Réponse préparée."}, "Terminer")
    office.has_passed("dge.etudes")
    for path in drafts:
        office.send("dge.chef", path, "/viser", {"remark": "Vu."})
    until = {"until_on": office.at("dge.chef").evaluate("new Date(Date.now() + 3 * 864e5).toLocaleDateString('fr-FR')")}
    office.send("dge.chef", "/absences/", "/absences/", until)
    office.has_passed("dge.chef")

    office.send("sg", "/parapheur/", "/parapheur/signer", {"letter": "all", "passphrase": PASSPHRASE}, "Signer")
    expect(office.at("sg").locator("main")).to_contain_text("EX-", timeout=60_000)
    act = {"post_id": "Secrétaire générale", "person_id": "Essohanam Padaro", "act": "Note n° 12", **until}
    office.send("sg", "/delegations/", "/delegations/", act, "Enregistrer")
    office.has_passed("sg")
    page = office.at("bo.agent")
    page.goto(drafts[0].replace("/parapheur/", "/departs/"))
    line = page.locator("main a[href^='/departs/lignes/']").first.get_attribute("href") or ""
    office.send("bo.agent", line, "/depart", {"channel": "hand", "carrier": "Mawuli Dzidzo"})
    office.has_passed("bo.agent")

    page = office.at("admin")
    page.goto("/administration/organisation/")
    unit = page.locator("main a", has_text="Direction de la communication").first.get_attribute("href") or ""
    office.send("admin", f"{unit}/modifier", "", {"name": "Direction de l'information"})
    with leading_on(page):
        page.get_by_role("button", name="Confirmer").click()
    page.on("dialog", lambda dialog: dialog.accept())
    with leading_on(page):
        page.get_by_role("button", name="Annuler cette modification").click()
    page.goto("/administration/personnes/?q=Enyonam")
    person = page.locator("main a", has_text="Enyonam Gadah").first.get_attribute("href") or ""
    office.send("admin", person, "/premier-acces", {}, "Montrer un lien")
    office.has_passed("admin")

    page = office.at("auditeur")
    page.goto("/administration/journal?acte=training.started&compte=auditeur")
    row = page.locator("main tr", has_text="a commencé un exercice").first
    entry = re.sub(r"\D", "", row.locator("td").first.inner_text())
    office.send("auditeur", "/exercices/", "/reponse", {"answer-19": entry})
    office.has_passed("auditeur")

    page.context.close()
    admin = office.at("admin")
    admin.goto("/exercices/resultats")
    assert all(name in admin.inner_text("main") for name in ("Kodjo Ametépé", "Kafui Dogbé", "Mazalo Tchédré"))
