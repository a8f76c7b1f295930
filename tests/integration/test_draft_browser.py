"""The page of a draft in a real browser: typed text is stored automatically, whatever happens to the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from ged.richtext import document, marks
from tests.browsing import WIDTHS, axe_faults, leading_on, sign_in
from tests.signbook_site_kit import Site
from tests.site import PASSWORD, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

pytestmark = [pytest.mark.in_turns(3), pytest.mark.browser]
SAVED = "Saisie enregistrée à"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Site]]:
    made = Site(tmp_path)
    with served(made.app) as url:
        yield url, made
    made.services.engine.dispose()


@pytest.fixture
def page(browser: Browser, site: tuple[str, Site]) -> Iterator[Page]:
    context = browser.new_context(base_url=site[0], locale="fr-FR", viewport={"width": 1280, "height": 900})
    found = context.new_page()
    sign_in(found, "dge")
    yield found
    context.close()


def test_what_is_typed_is_stored_by_itself_and_told(page: Page, site: tuple[str, Site]) -> None:
    mail_id = site[1].house.answer()
    page.goto(f"/projets/{mail_id}")
    told = page.locator("[data-autosave-status]")
    page.fill("#subject", "Objet tapé, jamais enregistré")
    expect(told).to_contain_text(SAVED)
    page.fill("#subject", "Objet tapé, puis la page est quittée")
    page.goto("/parapheur/")  # at once: no question is asked, and nothing is lost
    page.goto(f"/projets/{mail_id}")
    expect(page.locator("#subject")).to_have_value("Objet tapé, puis la page est quittée")
    expect(page.get_by_text("Votre saisie non enregistrée est reprise")).to_be_visible()

    other = page.context.new_page()
    other.goto(f"/projets/{mail_id}")
    other.fill("#subject", "Second onglet")
    expect(other.locator("[data-autosave-status]")).to_contain_text(SAVED)
    page.fill("#subject", "Premier onglet")
    expect(told).to_contain_text("ouvert dans un autre onglet")
    assert site[1].house.show(mail_id, "dge").subject != "Second onglet", "no version was made"
    other.close()


def test_offline_is_told_and_made_up(page: Page, site: tuple[str, Site]) -> None:
    mail_id = site[1].house.answer()
    page.goto(f"/projets/{mail_id}")
    told = page.locator("[data-autosave-status]")
    page.context.set_offline(True)
    page.fill("#subject", "Tapé hors ligne")
    expect(told).to_contain_text("Hors ligne")
    page.context.set_offline(False)
    expect(told).to_contain_text(SAVED)
    page.context.clear_cookies()
    page.fill("#subject", "Tapé après la fin de la session")
    expect(told).to_contain_text("Votre session est terminée")
    page.click("[data-session-ended] a")
    page.fill("#account", "dge")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    expect(page.locator("#subject")).to_have_value("Tapé après la fin de la session")


def test_what_a_refused_form_brings_back_outlives_its_page(page: Page, site: tuple[str, Site]) -> None:
    mail_id = site[1].house.answer()
    page.goto(f"/projets/{mail_id}")
    page.route("**/saisie", lambda route: route.abort())  # sent before the first store, as by a quick hand
    page.fill("#subject", "Un drapeau \U0001f3db qui ne s’imprime pas")
    page.get_by_role("button", name="Enregistrer", exact=True).first.click()
    expect(page.locator(".error-summary")).to_contain_text("ne peut pas être imprimé")
    page.unroute("**/saisie")
    page.goto("/parapheur/")  # nothing more was typed
    page.goto(f"/projets/{mail_id}")
    expect(page.locator("#subject")).to_have_value("Un drapeau \U0001f3db qui ne s’imprime pas")
    expect(page.get_by_text("Votre saisie non enregistrée est reprise")).to_be_visible()


LEAVE = """Object.defineProperty(document, "visibilityState", {value: "hidden", configurable: true});
document.dispatchEvent(new Event("visibilitychange"));
delete document.visibilityState"""


@pytest.mark.long("another way in the browser; what is typed is stored in the test beside it")
def test_a_store_refused_when_the_tab_is_put_away_is_made_up(page: Page, site: tuple[str, Site]) -> None:
    mail_id = site[1].house.answer()
    page.goto(f"/projets/{mail_id}")
    told = page.locator("[data-autosave-status]")
    page.fill("#subject", "Premier")
    expect(told).to_contain_text(SAVED)
    page.route("**/saisie", lambda route: route.fulfill(status=503))
    page.fill("#subject", "Tapé pendant un redémarrage")
    with page.expect_response(lambda answer: answer.status == 503):
        page.evaluate(LEAVE)
    page.unroute("**/saisie")
    with page.expect_response(lambda answer: answer.url.endswith("/saisie"), timeout=20_000) as answer:
        page.fill("#subject", "Tapé après le redémarrage")
    assert answer.value.status == 200
    expect(told).not_to_contain_text("autre onglet")


@pytest.mark.long("another way in the browser; what is typed is stored in the test beside it")
def test_a_letter_too_long_to_be_sent_on_leaving_asks_until_it_is_stored(page: Page, site: tuple[str, Site]) -> None:
    mail_id = site[1].house.answer()
    page.goto(f"/projets/{mail_id}")
    form, told = page.locator("form[data-autosave-url]"), page.locator("[data-autosave-status]")
    page.get_by_role("textbox", name="Texte").click()
    page.evaluate(PASTE, ["", "\n".join("\t".join(f"case {n}" for n in range(6)) for _ in range(60))])
    expect(form).to_have_attribute("data-autosave", "off")
    expect(told).to_contain_text(SAVED)
    expect(form, "nothing is left to lose").to_have_attribute("data-autosave", "on")
    page.fill("#subject", "Derniers mots")
    assert form.get_attribute("data-autosave") == "off"
    asked: list[str] = []

    def agree(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", agree)
    page.goto("/parapheur/")
    assert asked == ["beforeunload"]


# --- the editor ---------------------------------------------------------------------------------------------------

WORD = """<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style>p.MsoNormal{margin:0}</style></head><body>
<p class=MsoNormal>Nous avons <b style='mso-bidi-font-weight:normal'>bien re&ccedil;u</b> <i>votre</i> <u>lettre</u><o:p></o:p></p>
<p class=MsoListParagraph style='text-indent:-18.0pt;mso-list:l0 level1 lfo1'><![if !supportLists]><span
style='font-family:Symbol'><span style='mso-list:Ignore'>·<span>&nbsp;&nbsp; </span></span></span><![endif]>premier</p>
<p class=MsoListParagraph style='mso-list:l0 level2 lfo1'><span style='mso-list:Ignore'>o<span>&nbsp;</span></span>sous</p>
<p class=MsoNormal>Puis</p>
<p class=MsoListParagraph style='mso-list:l1 level1 lfo2'><span style='mso-list:Ignore'>1.<span>&nbsp;</span></span>un</p>
<table border=1 style='border-collapse:collapse'><tr><td style='border:solid'><p><b>Poste</b></p></td><td><p>Montant</p>
</td></tr><tr><td><p>410</p></td><td><p>60 000 000</p></td></tr><tr><td colspan=2><p>Total</p></td></tr></table>
<span><br clear=all style='page-break-before:always'></span>
<p>Après <img src=x onerror=alert(1)><script>alert(2)</script><a href="javascript:alert(3)" onclick="x()">lien</a></p>
</body></html>"""
READ = [
    "Nous avons **bien reçu** *votre* __lettre__", "- premier\n  - sous", "Puis", "1. un",
    "| **Poste** | Montant |\n| 410 | 60 000 000 |\n| Total |  |", "[saut de page]", "Après lien",
    "| A | B |\n| 410 | 60 000 000 |",
]  # fmt: skip
PASTE = """([html, text]) => {
  const data = new DataTransfer();
  if (html) data.setData("text/html", html);
  data.setData("text/plain", text);
  const pasted = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  document.querySelector("#body").dispatchEvent(pasted);
}"""


def saved(page: Page) -> None:
    with leading_on(page):
        page.get_by_role("button", name="Enregistrer", exact=True).last.click()


def test_what_is_typed_and_pasted_keeps_its_forms_and_the_console_is_silent(page: Page, site: tuple[str, Site]) -> None:
    mail_id = site[1].house.answer()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.goto(f"/projets/{mail_id}")
    text = page.get_by_role("textbox", name="Texte")
    text.click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.evaluate(PASTE, [WORD, "x"])
    page.keyboard.press("Control+End")
    page.evaluate(PASTE, ["", "A\tB\n410\t60 000 000"])
    expect(text.locator("table")).to_have_count(2)
    expect(
        text.locator(".rich-figures", has_text="60 000 000").first, "figures stand to the right, as on paper"
    ).to_have_css("text-align", "right")
    expect(text.locator("img, script, a, [style]")).to_have_count(0)
    saved(page)
    shown = site[1].house.show(mail_id, "dge")
    assert marks.write(document.read(shown.rich)).split("\n\n") == READ
    expect(page.get_by_role("textbox", name="Texte").locator("hr")).to_have_count(1)
    assert told == [], "the content policy is kept, and nothing runs that was pasted"


@pytest.mark.long("another way in the browser; tests/integration/test_by_keyboard.py writes without a mouse")
def test_the_toolbar_is_one_stop_and_the_editor_no_trap(page: Page, site: tuple[str, Site]) -> None:
    mail_id = site[1].house.answer()
    page.goto(f"/projets/{mail_id}")
    page.focus("#subject")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Gras")).to_be_focused()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name="Puces")).to_be_focused()
    page.keyboard.press("Tab")
    text = page.get_by_role("textbox", name="Texte")
    expect(text).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.type("Un ")
    page.keyboard.press("Control+b")
    page.keyboard.type("mot")
    expect(page.get_by_role("button", name="Gras")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Enter")
    page.keyboard.type("- point")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+b")
    page.keyboard.type("fin")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 740})
        page.click("[data-act=table]")
        assert axe_faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        page.click("[data-act=noTable]")
    text.focus()
    page.keyboard.press("Tab")
    expect(text).not_to_be_focused()
    saved(page)
    assert site[1].house.show(mail_id, "dge").body == "Un mot\n\n- point\n\nfin"


def test_the_plain_form_without_javascript_keeps_the_forms(browser: Browser, site: tuple[str, Site]) -> None:
    url, made = site
    mail_id = made.house.answer()
    context = browser.new_context(base_url=url, locale="fr-FR", java_script_enabled=False)
    page = context.new_page()
    page.goto("/connexion")
    page.fill("#account", "dge")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.goto(f"/projets/{mail_id}")
    page.fill("#body", "Un **mot**\n\n| a | b |\n| 1 | 2 |")
    saved(page)
    before = made.house.show(mail_id, "dge")
    expect(page.locator("#body")).to_have_value("Un **mot**\n\n| a | b |\n| 1 | 2 |")
    page.fill("#subject", "Un autre objet")
    saved(page)
    after = made.house.show(mail_id, "dge")
    assert (after.subject, after.rich) == ("Un autre objet", before.rich)
    context.close()
