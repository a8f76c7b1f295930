"""A signature book in a real browser: ten letters at a time, each with its result; failed letters are signed later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from ged.errors import EngineFailed
from ged.natures.models import Nature
from ged.org.keys import issue_key
from ged.register.models import Direction
from ged.unit import SYSTEM
from ged.writing import annotations
from tests.browsing import leading_on, sign_in
from tests.factories import NOW
from tests.signbook_kit import PASSPHRASE
from tests.signbook_site_kit import Site, arranged
from tests.site import PASSWORD, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.in_turns(3), pytest.mark.browser]
LETTERS = 12
COUNTS = """() => {
  const count = document.querySelector(".progress__count");
  window.counts = [];
  new MutationObserver(() => window.counts.push(count.textContent)).observe(count, { childList: true });
}"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Site]]:
    made = Site(tmp_path)
    with served(made.app) as url:
        yield url, made
    made.services.engine.dispose()


def signed_in(browser: Browser, url: str, account: str) -> Page:
    page = browser.new_context(base_url=url, locale="fr-FR", viewport={"width": 1280, "height": 900}).new_page()
    sign_in(page, account)
    return page


def test_a_note_is_left_where_the_page_was_clicked(browser: Browser, site: tuple[str, Site]) -> None:
    url, made = site
    mail_id = made.house.answer()
    made.house.submit(mail_id)
    page = signed_in(browser, url, "daf")
    page.goto(f"/parapheur/{mail_id}")
    page.click("[data-pick]")
    page.locator("[data-sheet] img").evaluate("picture => picture.decode()")
    box = page.locator("[data-sheet] img").bounding_box()
    assert box is not None
    page.locator("[data-sheet] img").click(position={"x": box["width"] / 2, "y": box["height"] / 4})
    expect(page, "the page is not left for the PDF").to_have_url(f"{url}/parapheur/{mail_id}")
    page.fill("#note", "À préciser")
    page.click("text=Poser la note")
    page.wait_for_selector(".notes__text")
    with made.services.reading() as session:
        (note,) = annotations.margin(session, mail_id, made.house.who("dge")).notes
    assert note.text == "À préciser"
    spot = note.spot
    assert spot.page_no == 1
    assert abs((spot.x or 0) - 500) <= 2
    assert abs((spot.y or 0) - 250) <= 2
    page.context.close()


def test_a_signature_with_an_open_key_is_never_sent_by_itself(browser: Browser, site: tuple[str, Site]) -> None:
    url, made = site
    for _ in range(2):
        made.house.ready()
    with made.services.unit_of_work(NOW) as uow:
        issue_key(uow, made.house.who("sg").person_id, passphrase=PASSPHRASE, actor=SYSTEM)
    page = signed_in(browser, url, "sg")
    page.goto("/parapheur/")
    page.locator("input[name=letter]").first.check()
    page.fill("#passphrase", PASSPHRASE)
    page.click("text=Signer les courriers cochés")
    page.wait_for_selector("text=1 courrier signé")
    page.go_back()
    expect(page.locator("input[name=letter]")).to_have_count(1)
    expect(page.locator("input[name=letter]:checked"), "its tick is of the letter that stood there").to_have_count(0)
    expect(page.locator("#passphrase"), "the key is open").to_have_count(0)
    before = made.house.signer.signed
    page.locator("input[name=letter]").first.check()
    page.context.set_offline(True)
    page.click("text=Signer les courriers cochés")
    told = page.locator("[data-offline]")
    expect(told).to_contain_text("Cet envoi ne part jamais de lui-même")
    expect(told).not_to_contain_text("Votre envoi part de lui-même", use_inner_text=True)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    page.context.set_offline(False)
    expect(told).to_be_hidden()
    assert "POST" not in sent
    assert made.house.signer.signed == before
    page.click("text=Signer les courriers cochés")
    page.wait_for_selector("text=1 courrier signé")
    assert made.house.signer.signed == before + 1, "the person presses again"
    page.context.close()


def test_a_book_is_signed_ten_by_ten_with_what_became_of_each(browser: Browser, site: tuple[str, Site]) -> None:
    url, made = site
    for _ in range(LETTERS):
        made.house.ready()
    with made.services.unit_of_work(NOW) as uow:
        issue_key(uow, made.house.who("sg").person_id, passphrase=PASSPHRASE, actor=SYSTEM)
    page = signed_in(browser, url, "sg")
    page.goto("/parapheur/")
    sizes: list[int] = []
    page.on(
        "request",
        lambda asked: (
            sizes.append((asked.post_data or "").count('name="letter"')) if asked.url.endswith("/suite") else None
        ),
    )
    made.house.signer.failures.append(EngineFailed("sign.failed"))
    page.set_viewport_size({"width": 360, "height": 740})
    box, words = (page.locator(f"main tbody tr:first-child {one}").bounding_box() for one in ("input", "a"))
    assert box, "the letter stands beside its box"
    assert words, "the letter stands beside its box"
    assert abs(box["y"] - words["y"]) < box["height"], "the letter stands beside its box"
    page.evaluate(COUNTS)
    page.click("[data-tick-all]")
    page.fill("#passphrase", PASSPHRASE)
    page.click("text=Signer les courriers cochés")
    page.wait_for_selector("[data-chunk-end]:visible")
    assert sizes == [10, 2]
    assert page.evaluate("window.counts") == ["0 / 12", "10 / 12", "12 / 12"], (
        "how far it is stands there from the start"
    )
    expect(page.locator("[data-result=signed]")).to_have_count(LETTERS - 1)
    expect(page.locator("[data-chunk-failed]")).to_have_text("1")
    assert made.house.signer.signed == LETTERS - 1
    with leading_on(page):
        page.click("text=Revenir au parapheur")
    expect(page.locator("input[name=letter]")).to_have_count(1)
    page.check("input[name=letter]")
    page.click("text=Signer les courriers cochés")
    page.wait_for_selector("text=1 courrier signé")
    assert made.house.signer.signed == LETTERS
    page.context.close()


@pytest.mark.long("another way in the browser; a book is signed in the test beside it")
def test_a_wrong_passphrase_or_an_ended_session_over_more_than_ten_letters_keeps_the_ticks(
    browser: Browser, site: tuple[str, Site]
) -> None:
    url, made = site
    for _ in range(11):
        arranged(made.house)
    made.house.key("sg")
    page = signed_in(browser, url, "sg")
    page.goto("/parapheur/")
    page.click("[data-tick-all]")
    page.fill("#passphrase", "une autre phrase")
    page.click("text=Signer les courriers cochés")
    expect(page.locator("[data-chunk-stopped]")).to_contain_text("phrase")
    expect(page.locator("input[name=letter]:checked:visible")).to_have_count(11)
    assert made.house.signer.signed == 0

    page.context.clear_cookies()  # the session ends while the page stands open
    page.fill("#passphrase", PASSPHRASE)
    page.click("text=Signer les courriers cochés")
    ended = page.locator("[data-session-ended]")
    expect(ended).to_contain_text("Votre session est terminée")
    expect(page.locator("[data-chunk-lost]"), "the network is not the reason").to_be_hidden()
    page.click("[data-session-ended] a")
    page.fill("#account", "sg")
    page.fill("#password", PASSWORD)
    with leading_on(page):
        page.press("#password", "Enter")
    expect(page).to_have_url(f"{url}/parapheur/")
    expect(page.locator("input[name=letter]:checked")).to_have_count(11)
    assert made.house.signer.signed == 0
    page.context.close()


def test_a_post_of_the_circuit_is_chosen_by_typing(browser: Browser, site: tuple[str, Site]) -> None:
    url, made = site
    mail_id = made.house.answer()
    page = signed_in(browser, url, "dge")
    page.goto(f"/projets/{mail_id}")
    page.get_by_label("Taper pour chercher le poste 3").fill("financieres daf")
    expect(page.locator("#visa-3 option:checked")).to_have_text(
        "Poste DAF-C (Daf) — Direction des affaires financières, Ministère"
    )
    page.context.close()


def test_a_nature_proposes_its_delay_but_never_over_what_was_typed(browser: Browser, site: tuple[str, Site]) -> None:
    url, made = site
    with made.services.unit_of_work(NOW) as uow:
        for code, days in (("plainte", 10), ("demande", 15), ("lettre", None)):
            uow.session.add(Nature(code=code, name=code.title(), direction=Direction.INCOMING, delay_days=days))
    page = signed_in(browser, url, "agent")
    page.goto("/enregistrer/")
    page.locator("details.register__more summary").click()
    delay = page.locator("#delay_days")
    for code, shown in (("plainte", "10"), ("demande", "15"), ("lettre", "")):
        page.select_option("#nature", code)
        expect(delay).to_have_value(shown)
    delay.fill("7")
    delay.blur()
    page.select_option("#nature", "plainte")
    expect(delay).to_have_value("7")
    page.context.close()
