"""The manager's pages on a telephone, and the page of a letter on paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ged.unit import Services
from tests.browsing import sign_in
from tests.factories import make_services
from tests.routing_kit import impute, make_mentions, register
from tests.site import make_site, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.in_turns(3), pytest.mark.browser]
LEAST = 44
SMALL = """least => [...document.querySelectorAll("main button, main a, main summary, main select, main input, main textarea, header a, header button, header summary, header input")]
  .filter((one) => one.type !== "hidden" && !one.closest("p, li, dd, figcaption, .flash") && one.checkVisibility({ visibilityProperty: true }))
  .map((one) => [one, (one.labels && one.labels[0] && one.matches("[type=checkbox], [type=radio]") ? one.labels[0] : one).getBoundingClientRect()])
  .filter(([one, box]) => box.width > 1 && box.height > 1 && box.height < least - 0.5 && one.tabIndex >= 0 && !one.matches(".skip-link"))
  .map(([one, box]) => `${one.tagName} ${one.className} ${one.textContent.trim().slice(0, 30)} ${Math.round(box.height)}`)"""


BROKEN = """() => [...document.querySelectorAll("main .button--primary")].filter((one) => {
  const words = document.createRange();
  words.selectNodeContents(one);
  return words.getBoundingClientRect().height > parseFloat(getComputedStyle(one).lineHeight) * 1.5;
}).map((one) => one.textContent.trim())"""
"""The buttons whose words need two lines."""
GIVEN, NUMBER = "00003/2026/MIN", "00002/2026/MMRE/SG"
LINES = """([given, text]) => {
  const words = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT), found = [];
  for (let node = words.nextNode(); node; node = words.nextNode()) {
    const at = node.data.indexOf(given), range = document.createRange();
    if (at < 0 || !node.parentElement.checkVisibility()) continue;
    node.data = node.data.replace(given, text);
    range.setStart(node, at);
    range.setEnd(node, at + text.length);
    found.push(new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size);
  }
  return found;
}"""
"""The number of lines that each place with the first number needs for the second one: a ministry's numbers are
longer."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Services, int]]:
    app, services = make_site(tmp_path, services=make_services(tmp_path))
    make_mentions(services)
    for _ in range(2):
        register(services)
    done = register(services).mail_id
    impute(services, done, mentions=("attribution",))
    with served(app) as url:
        yield url, services, done
    services.engine.dispose()


def test_what_is_pressed_is_large_enough_for_a_thumb(browser: Browser, site: tuple[str, Services, int]) -> None:
    url, _, done = site
    small: list[str] = []
    broken: list[str] = []
    for account, paths in (
        ("sg", ["/", "/a-imputer", "/a-imputer/1", "/parapheur/", "/suivi/", f"/courriers/{done}"]),
        ("dge", ["/bannette/", "/avis/"]),
        ("agent", ["/enregistrer/", "/enregistrer/depart"]),
    ):
        context = browser.new_context(
            base_url=url, locale="fr-FR", viewport={"width": 360, "height": 740}, has_touch=True
        )
        page = context.new_page()
        sign_in(page, account)
        for path in paths:
            page.goto(path)
            small += [f"{path}: {one}" for one in page.evaluate(SMALL, LEAST)]
            broken += [f"{path}: {one}" for one in page.evaluate(BROKEN)]
        context.close()
    assert broken == [], "the words of a button stand on one line"
    assert small == [], "\n".join(small)


def test_a_number_is_not_broken_on_a_telephone(browser: Browser, site: tuple[str, Services, int]) -> None:
    url, _, done = site
    for account, paths in (("sg", ["/suivi/", f"/courriers/{done}"]), ("dge", ["/bannette/"])):
        context = browser.new_context(base_url=url, locale="fr-FR", viewport={"width": 360, "height": 740})
        page = context.new_page()
        sign_in(page, account)
        for path in paths:
            page.goto(path)
            lines = page.evaluate(LINES, [GIVEN, NUMBER])
            assert lines, f"{path} names the letter"
            assert set(lines) == {1}, f"{path}: {lines}"
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
        context.close()


@pytest.mark.parametrize("width", [320, 360, 600])
def test_the_name_of_the_service_takes_two_lines_at_most(
    browser: Browser, site: tuple[str, Services, int], width: int
) -> None:
    context = browser.new_context(base_url=site[0], locale="fr-FR", viewport={"width": width, "height": 740})
    page = context.new_page()
    sign_in(page, "sg")
    name = page.locator(".brand__service")
    lines = "one => Math.round(one.getBoundingClientRect().height / parseFloat(getComputedStyle(one).lineHeight))"
    assert name.evaluate(lines) <= 2
    if width >= 360:
        assert name.evaluate("one => one.scrollHeight <= one.clientHeight"), "and nothing of it is cut"
    assert (page.locator(".brand").get_attribute("title") or "").startswith("Courrier et documents")
    context.close()


def test_a_letter_on_paper_holds_no_buttons(browser: Browser, site: tuple[str, Services, int]) -> None:
    context = browser.new_context(base_url=site[0], locale="fr-FR")
    page = context.new_page()
    sign_in(page, "sg")
    page.goto(f"/courriers/{site[2]}")
    page.emulate_media(media="print")
    assert page.locator(".button:visible, nav:visible, summary:visible, input:visible").count() == 0
    assert page.locator("h1:visible").count() == 1
    context.close()
