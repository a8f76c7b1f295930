"""The pages of figures in a real browser: wide and narrow, printed, in grey, by keyboard; axe finds no fault."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pypdfium2 as pdfium
import pytest
from PIL import Image
from playwright.sync_api import expect
from sqlalchemy import update

from ged.org.models import Unit
from ged.unit import Services
from tests.browsing import WIDTHS, axe_faults, leading_on, sign_in
from tests.factories import NOW, make_natures
from tests.figure_letters_kit import add_auditor, count_all, furnish, letter
from tests.routing_kit import make_mentions
from tests.sample_kit import in_turn
from tests.site import Clock, give_passwords, make_site, served
from web.site import context
from web.views.figures import dashboard, supervision

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.in_turns(3), pytest.mark.browser]
DAYS = "du=2026-11-01&au=2026-11-30"
ADDRESSES = (
    *(f"/tableau/?{DAYS}&vue={view}" for view in dashboard.PAGE.views),
    *(f"/supervision/?{DAYS}&vue={view}" for view in supervision.PAGE.views),
    f"/tableau/courriers?{DAYS}&quoi=open",
    f"/tableau/chiffres?{DAYS}&tableau=arrivals",
)
OUT_OF_REACH = {"etudes": "/supervision", "auditeur": "/tableau/chiffres"}
"""Who heads nothing has no supervision; an auditor has no figures of their own."""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Services]]:
    """(URL, services) of a site whose clock stands on the last day of November."""
    clock = Clock()
    clock.at = datetime(2026, 11, 30, 15, tzinfo=UTC)
    monkeypatch.setattr(context, "datetime", clock)
    app, services = make_site(tmp_path)
    make_mentions(services)
    make_natures(services)
    add_auditor(services)
    give_passwords(services)
    with served(app) as url:
        yield url, services
    services.engine.dispose()


def opened(browser: Browser, site: tuple[str, Services], account: str, width: int = 1280) -> Page:
    """A page of an account, which keeps what the console complains of in ``page.complaints``."""
    made = browser.new_context(base_url=site[0], locale="fr-FR", viewport={"width": width, "height": 800})
    page = made.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.complaints = complaints  # type: ignore[attr-defined]
    sign_in(page, account)
    return page


@pytest.mark.in_shares(4)
@pytest.mark.parametrize("account", ["dge", "etudes", "auditeur"])
@pytest.mark.parametrize("width", WIDTHS)
def test_each_view_has_no_fault_and_is_not_too_wide(
    browser: Browser, site: tuple[str, Services], width: int, account: str
) -> None:
    furnish(site[1])
    page = opened(browser, site, account, width)
    for address in ADDRESSES:
        if address.startswith(OUT_OF_REACH.get(account, "-")) or not in_turn(f"{account} {address}", 6):
            continue
        page.goto(address)
        assert axe_faults(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    assert page.complaints == []  # type: ignore[attr-defined]
    page.context.close()


@pytest.mark.in_shares(4)
@pytest.mark.parametrize("address", ADDRESSES[:4])
def test_a_ministry_without_letters_is_shown_without_a_fault(
    browser: Browser, site: tuple[str, Services], address: str
) -> None:
    count_all(site[1])
    page = opened(browser, site, "dge", 360)
    page.goto(address)
    assert axe_faults(page) == []
    page.context.close()


def test_the_keyboard_reaches_the_letters_through_the_table(browser: Browser, site: tuple[str, Services]) -> None:
    furnish(site[1])
    page = opened(browser, site, "dge")
    page.goto(f"/tableau/?{DAYS}")
    summary = page.locator("#arrivals summary")
    summary.focus()
    page.keyboard.press("Enter")
    first = page.locator("#arrivals .figure-table__body table a").first
    expect(first).to_be_visible()
    page.keyboard.press("Tab")
    expect(first).to_be_focused()
    told = first.inner_text().split()[0]
    with leading_on(page):
        page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Courriers que vous pouvez lire")).to_contain_text(told)
    assert page.complaints == []  # type: ignore[attr-defined]
    page.context.close()


def test_a_telephone_shows_the_figures_before_the_filter_and_the_filter_where_one_is_set(
    browser: Browser, site: tuple[str, Services]
) -> None:
    furnish(site[1])
    page = opened(browser, site, "dge", 360)
    page.goto("/tableau/")
    expect(page.locator("form.filters")).to_be_hidden()
    top = page.locator(".figure-cards").evaluate("(one) => one.getBoundingClientRect().top")
    assert top < 740, "a figure is on the first screen"
    page.click(".fold > summary")
    expect(page.locator("#periode")).to_be_visible()
    page.goto(f"/tableau/?{DAYS}")
    expect(page.locator("form.filters")).to_be_visible()
    page.goto("/tableau/")
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(page.locator("#periode")).to_be_visible()
    expect(page.locator(".fold > summary")).to_be_hidden()
    page.context.close()


def test_after_back_the_form_says_what_the_figures_are_of(browser: Browser, site: tuple[str, Services]) -> None:
    furnish(site[1])
    page = opened(browser, site, "dge")
    page.goto("/tableau/?vue=delais")
    page.select_option("#periode", "90j")
    page.click("form.filters button")
    page.wait_for_url("**periode=90j**")
    page.go_back()
    expect(page.locator("#periode")).to_have_value("")


def test_a_bar_leads_to_its_letters(browser: Browser, site: tuple[str, Services]) -> None:
    furnish(site[1])
    page = opened(browser, site, "dge")
    page.goto(f"/tableau/?{DAYS}")
    bar = page.locator("#arrivals svg.chart a").first
    with leading_on(page):
        bar.click(force=True)
    expect(page.locator("table a.number").first).to_be_visible()
    page.context.close()


@pytest.mark.parametrize("page_name", ["tableau", "supervision"])
def test_after_back_the_tables_are_open_and_the_focus_is_where_the_person_left(
    browser: Browser, site: tuple[str, Services], page_name: str
) -> None:
    furnish(site[1])
    page = opened(browser, site, "dge")
    page.goto(f"/{page_name}/?{DAYS}")
    name = page.locator(".figure-panel:has(details.figure-table)").first.get_attribute("id")
    table = page.locator(f"#{name} .figure-table__body table")
    page.locator(f"#{name} summary").click()
    link = table.locator("a").last
    address = link.get_attribute("href")
    link.focus()
    with leading_on(page):
        page.keyboard.press("Enter")
    page.go_back()
    expect(link).to_be_focused()
    expect(link).to_be_in_viewport()
    assert link.get_attribute("href") == address
    expect(table).to_be_visible()
    bar = page.locator(f"#{name} svg.chart a").last
    with leading_on(page):
        bar.click(force=True)
    page.go_back()
    expect(bar).to_be_focused()
    expect(table).to_be_visible()
    page.locator(f"#{name} summary").click()  # it is closed, and stays so
    card = page.locator(".figure-cards a").first
    with leading_on(page):
        card.click()
    page.go_back()
    expect(card).to_be_focused()
    expect(table).to_have_count(0)
    page.goto(f"/{page_name}/?{DAYS}")
    expect(page.locator("body")).to_be_focused()
    assert page.complaints == []  # type: ignore[attr-defined]
    page.context.close()


@pytest.mark.parametrize("page_name", ["tableau", "supervision"])
def test_the_lists_own_link_back_opens_the_tables_and_leads_to_the_place_too(
    browser: Browser, site: tuple[str, Services], page_name: str
) -> None:
    furnish(site[1])
    page = opened(browser, site, "dge")
    page.goto(f"/{page_name}/?affichee=&{DAYS}&nature=")
    name = page.locator(".figure-panel:has(details.figure-table)").first.get_attribute("id")
    page.locator(f"#{name} summary").click()
    link = page.locator(f"#{name} .figure-table__body table a").last
    link.focus()
    with leading_on(page):
        page.keyboard.press("Enter")
    # As a list that was paged through.
    page.goto(f"{page.url}{'&' if '?' in page.url else '?'}apres=999")
    with leading_on(page):
        page.get_by_role("link", name="Retour aux chiffres").click()
    expect(link).to_be_focused()
    expect(link).to_be_in_viewport()
    # From the list to another view: nothing is opened there.
    with leading_on(page):
        page.keyboard.press("Enter")
    page.evaluate(f"""() => {{ location.href = "/{page_name}/?vue=delais" }}""")
    page.wait_for_url("**vue=delais")
    page.wait_for_load_state("load")
    expect(page.locator("details.figure-table[open]")).to_have_count(0)
    assert page.complaints == []  # type: ignore[attr-defined]
    page.context.close()


@pytest.mark.parametrize("page_name", ["tableau", "supervision"])
def test_after_the_page_of_the_criteria_the_focus_is_led_nowhere(
    browser: Browser, site: tuple[str, Services], page_name: str
) -> None:
    furnish(site[1])
    page = opened(browser, site, "dge")
    page.goto(f"/{page_name}/?vue=prevision")
    with leading_on(page):
        page.get_by_role("link", name="Laisser des jours de côté").click()
    with leading_on(page):
        page.get_by_role("button", name="Afficher").click()
    page.wait_for_load_state("load")
    expect(page.locator("body")).to_be_focused()
    page.context.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_each_choice_of_the_filters_is_read_whole(browser: Browser, site: tuple[str, Services], width: int) -> None:
    furnish(site[1])
    page = opened(browser, site, "dge", width)
    page.goto(f"/tableau/?{DAYS}")
    cut = """(all) => all.filter((one) => {
        const alone = one.cloneNode(true);
        alone.style.width = "auto";
        one.closest("form").append(alone);
        const wanted = alone.offsetWidth;
        alone.remove();
        return one.offsetWidth < Math.min(wanted, one.closest("form").clientWidth - 40);
    }).map((one) => one.name)"""
    assert page.locator(".filters select").evaluate_all(cut) == []
    page.context.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_rows_are_seen_whole_with_their_totals_and_nothing_is_moved(
    browser: Browser, site: tuple[str, Services], width: int
) -> None:
    furnish(site[1])
    page = opened(browser, site, "dge", width)
    page.goto(f"/tableau/?{DAYS}&vue=attente")
    rows = page.locator("#backlog .chart-scroll")
    assert rows.locator("text").count() >= 2
    assert rows.evaluate("(box) => box.scrollWidth <= box.clientWidth")
    box = rows.bounding_box()
    assert box is not None
    for part in rows.locator("text, rect").all():
        seen = part.bounding_box()
        assert seen is not None
        assert box["x"] - 1 <= seen["x"] <= seen["x"] + seen["width"] <= box["x"] + box["width"] + 1
        assert box["y"] - 1 <= seen["y"] <= seen["y"] + seen["height"] <= box["y"] + box["height"] + 1
    page.context.close()


def test_no_card_is_narrower_than_its_words(browser: Browser, site: tuple[str, Services]) -> None:
    furnish(site[1])
    page = opened(browser, site, "dge")
    page.goto(f"/tableau/?{DAYS}")
    page.evaluate(
        "document.querySelectorAll('.figure-cards p > span').forEach((one) => one.textContent = '(sans changement)')"
    )
    changes = page.locator(".figure-cards p > span")
    assert changes.count() >= 2
    wide = "(all) => all.filter((one) => one.closest('li').scrollWidth > one.closest('li').clientWidth).length"
    assert [changes.evaluate_all(wide), page.locator(".figure-cards > li").count()] == [0, 6]
    page.context.close()


def test_on_paper_the_picture_is_whole_and_the_filters_are_not_there(
    browser: Browser, site: tuple[str, Services]
) -> None:
    furnish(site[1])
    page = opened(browser, site, "dge")
    page.goto(f"/tableau/?{DAYS}")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 640, "height": 900})  # A4 without its margins
    expect(page.locator("form.filters")).to_be_hidden()
    svg = page.locator("#arrivals svg.chart").bounding_box()
    assert svg is not None
    assert svg["x"] + svg["width"] <= 640
    page.context.close()


def test_on_paper_no_heading_stands_at_the_foot_of_a_page_without_its_numbers(
    browser: Browser, site: tuple[str, Services]
) -> None:
    furnish(site[1])
    page = opened(browser, site, "dge")
    page.goto(f"/supervision/?{DAYS}")
    torn = []
    for height in range(0, 700, 70):
        page.evaluate("(height) => { document.querySelector('main').style.paddingTop = `${height}px`; }", height)
        with pdfium.PdfDocument(page.pdf(format="A4")) as pdf:
            texts = [one.get_textpage().get_text_range() for one in pdf]
        (first,) = [text for text in texts if "Ensemble" in text]
        torn += [height] if "Reçus" not in first.partition("Ensemble")[2] else []
    assert torn == []
    page.context.close()


def test_on_paper_the_head_of_a_table_comes_with_a_row(browser: Browser, site: tuple[str, Services]) -> None:
    furnish(site[1])
    page = opened(browser, site, "dge")
    page.goto(f"/supervision/?{DAYS}&vue=mois")
    page.locator("#months summary").click()
    expect(page.locator("#months .figure-cells tbody tr").first).to_be_attached()
    first = page.locator("#months .figure-cells tbody td").first.inner_text().strip()
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 672, "height": 1001})  # A4 without its margins
    end_of_head = page.locator("#months thead").evaluate("(one) => one.getBoundingClientRect().bottom + scrollY")
    alone = []
    for left in range(4, 28, 6):
        page.evaluate(
            "(height) => { document.querySelector('main').style.paddingTop = `${height}px`; }",
            (1001 - end_of_head - left) % 1001,
        )
        with pdfium.PdfDocument(page.pdf(format="A4")) as pdf:
            texts = [one.get_textpage().get_text_range() for one in pdf]
        where = next(text for text in texts if "Mois" in text)
        alone += [] if first in where.rpartition("Mois")[2] else [left]
    assert alone == []
    page.context.close()


def test_two_series_are_told_apart_in_grey(browser: Browser, site: tuple[str, Services]) -> None:
    """The second series is hatched: it has another pattern, not only another colour."""
    furnish(site[1])
    page = opened(browser, site, "dge")
    page.goto(f"/tableau/?{DAYS}")
    fills = page.evaluate(
        "[...document.querySelectorAll('#arrivals g.shape')].map((one) => getComputedStyle(one).fill)"
    )
    assert len(set(fills)) == 2
    assert sum("hatched" in one for one in fills) == 1
    page.context.close()


@pytest.mark.parametrize("status", [503, 403])
@pytest.mark.parametrize(
    ("part", "come"), [("#arrivals details.figure-table", "table"), ("details.filters__more", "#sens")]
)
def test_a_part_that_failed_says_so_and_is_asked_for_again_when_it_is_opened_again(
    browser: Browser, site: tuple[str, Services], part: str, come: str, status: int
) -> None:
    furnish(site[1])
    page = opened(browser, site, "dge")
    asked: list[str] = []
    page.goto(f"/tableau/?{DAYS}")
    page.on("request", lambda request: asked.append(request.url) if "HX-Request".lower() in request.headers else None)
    page.route("**/tableau/c*?*", lambda route: route.fulfill(status=status, body="-"))
    summary, told = page.locator(f"{part} > summary"), page.locator(f"{part} [role=alert]")
    summary.click()
    expect(told).to_have_count(1)
    expect(told).to_contain_text("pas pu être chargée")
    assert axe_faults(page) == []
    summary.click()
    summary.click()
    page.wait_for_timeout(300)
    expect(told).to_have_count(1)
    assert len(asked) == 2, "closing asks for nothing"
    page.unroute("**/tableau/c*?*")
    summary.click()
    summary.click()
    expect(page.locator(f"{part} {come}").first).to_be_visible()
    expect(told).to_have_count(0)
    for _ in range(2):
        summary.click()
    page.wait_for_timeout(300)
    assert len(asked) == 3, "what has come is not asked for again"
    page.context.close()


def test_a_page_is_made_anew_in_place(browser: Browser, site: tuple[str, Services]) -> None:
    """The numbers change; the filter, an opened table, its focus and the place of a moved chart do not."""
    furnish(site[1])
    page = opened(browser, site, "dge", 360)
    page.goto(f"/tableau/?{DAYS}&nature=demande")
    page.locator("#arrivals summary").click()
    link = page.locator("#arrivals .figure-table__body table a").last
    expect(link).to_be_visible()
    before, card = link.inner_text(), page.locator(".figure-cards > li > :nth-child(2)").first
    page.evaluate("document.querySelector('#arrivals .chart-scroll').scrollLeft = -120")
    link.focus()
    told = card.inner_text()
    for _ in range(3):
        letter(site[1], "DGE", nature="demande")
    count_all(site[1])
    page.evaluate("document.dispatchEvent(new Event('ged:renew'))")
    expect(card).not_to_have_text(told)
    expect(page.locator("#arrivals details")).to_have_attribute("open", "")
    expect(page.locator("#arrivals .figure-table__body table a", has_text=before.split()[0]).first).to_be_visible()
    assert page.evaluate("document.activeElement.closest('.figure-table__body') !== null")
    assert page.evaluate("document.querySelector('#arrivals .chart-scroll').scrollLeft") == -120
    assert "nature=demande" in page.url
    assert axe_faults(page) == []
    assert page.complaints == []  # type: ignore[attr-defined]
    page.context.close()


def test_a_panel_gets_its_table_with_its_first_letter_and_the_signed_out_page_stays(
    browser: Browser, site: tuple[str, Services]
) -> None:
    count_all(site[1])
    page = opened(browser, site, "dge")
    page.goto(f"/tableau/?{DAYS}")
    assert page.locator("#arrivals summary").count() == 0
    letter(site[1], "DGE")
    count_all(site[1])
    page.evaluate("document.dispatchEvent(new Event('ged:renew'))")
    page.locator("#arrivals summary").click()
    expect(page.locator("#arrivals .figure-table__body table a").first).to_be_visible()
    page.context.clear_cookies()
    page.evaluate("document.dispatchEvent(new Event('ged:renew'))")
    page.wait_for_timeout(500)
    expect(page.locator("#arrivals svg.chart")).to_be_visible()
    page.context.close()


def test_on_a_small_screen_a_chart_begins_at_its_newest_day(browser: Browser, site: tuple[str, Services]) -> None:
    furnish(site[1])
    page = opened(browser, site, "dge", 360)
    page.goto(f"/tableau/?{DAYS}")
    box = page.locator("#arrivals .chart-scroll")

    def distance() -> float:
        """From the right end of the chart to that of its box, in pixels."""
        return float(
            page.evaluate("""() => {
            const box = document.querySelector('#arrivals .chart-scroll');
            return box.querySelector('svg.chart').getBoundingClientRect().right - box.getBoundingClientRect().right;
        }""")
        )

    assert abs(distance()) < 2
    box.focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    page.wait_for_function("() => document.querySelector('#arrivals .chart-scroll').scrollLeft < -60")
    assert distance() > 60, "the keyboard leads to earlier days"
    page.context.close()


@pytest.mark.parametrize(("view", "panel"), [("", "arrivals"), ("delais", "standing"), ("rythme", "rhythm")])
def test_on_a_small_screen_what_a_height_or_a_row_means_stays_in_sight(
    browser: Browser, site: tuple[str, Services], view: str, panel: str
) -> None:
    furnish(site[1], count=12)
    for width, is_twice in ((360, True), (1280, False)):
        page = opened(browser, site, "dge", width)
        page.goto(f"/tableau/?{DAYS}{f'&vue={view}' if view else ''}")
        scale = page.locator(f"#{panel} .chart-scale")
        assert scale.is_visible() == is_twice
        if is_twice:
            box = page.locator(f"#{panel} .chart-scroll")
            places = []
            for moved in (0, -80, -10_000):
                box.evaluate("(one, moved) => { one.scrollLeft = moved; }", moved)
                texts = page.evaluate(
                    """(panel) => {
                    const box = document.querySelector(`#${panel} .chart-scroll`).getBoundingClientRect();
                    const scale = document.querySelector(`#${panel} .chart-scale`).getBoundingClientRect();
                    const own = [...document.querySelectorAll(`#${panel}-scale text`)].map((one) => one.getBoundingClientRect());
                    const chart = document.querySelector(`#${panel} svg.chart`).getBoundingClientRect();
                    return [scale.left - box.left, own[0].top - chart.top, scale.top - chart.top, own.at(-1).bottom - scale.bottom];
                }""",
                    panel,
                )
                places.append([round(float(one)) for one in texts])
            assert [one[0] for one in places] == [0, 0, 0], "it stays at the left end of the box"
            assert [one[2] for one in places] == [0, 0, 0], "it lies over the chart's own, as high as it is"
            assert places[0][3] <= 0, "no text of it is cut"
        page.context.close()


@pytest.mark.parametrize("view", ["", "heures"])
def test_on_a_small_screen_a_shade_says_where_a_chart_goes_on(
    browser: Browser, site: tuple[str, Services], view: str
) -> None:
    furnish(site[1])
    page = opened(browser, site, "dge", 360)
    page.goto(f"/tableau/?{DAYS}{f'&vue={view}' if view else ''}")
    box = page.locator(".chart-scroll").first

    def darkest(first: float, last: float, at: int = 2) -> int:
        """The darkest grey of a line of the box that no cell and no line of the chart stands on, between two places."""
        picture = Image.open(BytesIO(box.screenshot())).convert("L")
        pixels = picture.crop((round(first), at, round(last), at + 1)).tobytes()
        return min(pixels)

    if not view:
        left = page.locator(".chart-scale").first.evaluate("(one) => one.getBoundingClientRect().width")
        assert darkest(left + 1, left + 6, at=40) < 235, "beside the scale: the chart stands at its newest day"
    else:
        width = box.evaluate("(one) => one.clientWidth")
        assert darkest(width - 8, width - 1) < 200
        box.evaluate("(one) => { one.scrollLeft = one.scrollWidth; }")
        assert darkest(width - 8, width - 1) > 250, "the chart is at its end"
        inside = "(one) => one.lastElementChild.getBoundingClientRect().right - one.getBoundingClientRect().right"
        assert box.evaluate(inside) < -12, "no text of it lies under the strip at its end"
    page.context.close()


def test_on_a_small_screen_the_cells_of_a_week_are_seen(browser: Browser, site: tuple[str, Services]) -> None:
    furnish(site[1], count=12)
    page = opened(browser, site, "dge", 360)
    page.goto(f"/tableau/?{DAYS}&vue=rythme")
    seen = page.evaluate(
        """() => {
            const box = document.querySelector("#rhythm .chart-scroll").getBoundingClientRect();
            // The cells without letters are one shape.
            const boxes = (one) => one.getAttribute("d").split(/(?<=z)/).map((outline) => {
                const alone = one.cloneNode();
                alone.setAttribute("d", outline);
                one.after(alone);
                const box = alone.getBoundingClientRect();
                alone.remove();
                return box;
            });
            const cells = [...document.querySelectorAll("#rhythm .chart .shape path")].flatMap(boxes);
            return [cells.filter((one) => one.left >= box.left && one.right <= box.right).length, cells.length];
        }"""
    )
    assert seen[0] >= 21, "three weeks at least"
    assert seen[1] >= 35
    page.context.close()


def test_a_page_that_is_not_seen_asks_for_nothing(browser: Browser, site: tuple[str, Services]) -> None:
    furnish(site[1], count=4)
    page = opened(browser, site, "dge")
    page.goto(f"/tableau/?{DAYS}")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true })")
    page.evaluate("document.dispatchEvent(new Event('ged:renew'))")
    page.evaluate("Object.defineProperty(document, 'visibilityState', { value: 'visible' })")
    page.evaluate("const now = Date.now; Date.now = () => now() + 31 * 60 * 1000")
    page.evaluate("document.dispatchEvent(new Event('ged:renew'))")
    page.wait_for_timeout(300)
    assert asked == [], "half an hour without a touch: its session may end"
    page.evaluate("document.dispatchEvent(new Event('pointerdown'))")
    with page.expect_request("**/tableau/**"):
        page.evaluate("document.dispatchEvent(new Event('ged:renew'))")
    page.context.close()


def test_a_number_stands_under_the_pointer(browser: Browser, site: tuple[str, Services]) -> None:
    furnish(site[1])
    page = opened(browser, site, "dge")
    page.goto(f"/tableau/?{DAYS}")
    shape = page.locator("#arrivals .shape a").first
    words, told = shape.locator("title").text_content(), page.locator(".chart-told")
    series = page.locator("#arrivals .shape > title").first.text_content()
    expect(told).to_be_hidden()
    # A page that moves under the pointer hides the number: it is moved before, and has told so.
    shape.scroll_into_view_if_needed()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    shape.hover(force=True)
    expect(told).to_be_visible()
    assert series == "Reçus"
    expect(told).to_have_text(f"{words} ({series})")
    page.keyboard.press("Escape")
    expect(told).to_be_hidden()
    assert page.complaints == []  # type: ignore[attr-defined]
    page.context.close()


def test_a_name_of_a_unit_has_the_room_that_the_numbers_leave(browser: Browser, site: tuple[str, Services]) -> None:
    furnish(site[1])
    page = opened(browser, site, "dge")
    page.goto(f"/supervision/chiffres?tableau=units&{DAYS}")
    name = page.locator(".figure-cells td.cell--strong").first
    name.evaluate("(one) => { one.textContent = 'Service de la réglementation et du contrôle (jusqu’au 16/11/2026)'; }")
    lines = "(one) => one.clientHeight / parseFloat(getComputedStyle(one).lineHeight)"
    assert name.evaluate(lines) < 4, "three lines with the space around them"
    table = page.locator(".figure-cells table")
    assert table.evaluate("(one) => one.scrollWidth <= one.parentElement.clientWidth")
    page.context.close()


def test_all_columns_of_the_loads_stand_on_the_screen(browser: Browser, site: tuple[str, Services]) -> None:
    """At 1280 pixels no box scrolls, however long the name of a unit is; the table alone fits as well."""
    services = site[1]
    with services.unit_of_work(NOW) as uow:
        for code, name in LONG_NAMES.items():
            uow.session.execute(update(Unit).where(Unit.code == code).values(name=name))
    letter(services, "DGE")
    letter(services, "ETU")
    count_all(services)
    page = opened(browser, site, "dge")
    page.goto(f"/tableau/?{DAYS}&vue=charge")
    page.locator("#loads details > summary").click()
    for address in ("", f"/tableau/chiffres?{DAYS}&tableau=loads"):
        if address:
            page.goto(address)
        page.wait_for_selector(".figure-cells table")
        boxes = page.evaluate(
            "() => [...document.querySelectorAll('.table-scroll')].map((one) => one.scrollWidth - one.clientWidth)"
        )
        assert boxes == [0], address
    page.context.close()


LONG_NAMES = {
    "DGE": "Direction générale de l'énergie et des énergies renouvelables du ministère",
    "ETU": "Service des études, de la planification et du suivi-évaluation des programmes",
}
