"""Makes the pictures of the guide: people of the demonstration ministry work for a morning, and their pages are
photographed.

``make pictures`` writes them into ``docs/guide/images``. A test run only makes them, so that a missing or too large
page is noticed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from demo.journey import SEED, Journey
from demo.letters import make_letters
from demo.people import PASSWORD
from demo.stage import Stage
from tests.browsing import sign_in
from tests.guide_pictures import ALL_BYTES, FOLDER, MOST_BYTES, PICTURES, Picture
from tests.journeys.conftest import journey_on

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(600)]
LETTERS = 3
QUALITIES = (70, 55, 40)


@pytest.fixture(scope="module")
def morning(embedded: Stage, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The pages of a morning: a waiting scan, letters to assign and to carry, a draft, an answer to sign."""
    with journey_on(embedded, letters=LETTERS) as journey:
        drawn = make_letters(SEED, LETTERS + 1)
        journey.pair()
        done = journey.register(drawn[:LETTERS])
        journey.scan(done[:2])
        journey.read(done[:2])
        for one in (done[0], done[2]):
            journey.impute(one)
        slip = journey.send_slip(done[0])
        journey.assign(done[0])
        answer = journey.draft(done[0])
        journey.approve(answer)
        author = journey.person("dge.etudes")
        form = author.open(f"/projets/nouveau?repond_a={done[0].mail_id}").form("/projets/nouveau")
        draft = author.send(form, {"modele": "acknowledgement"}).path
        sheet = tmp_path_factory.mktemp("sheet") / "lettre-du-jour.pdf"
        drawn[LETTERS].draw(1, 200).convert("RGB").save(sheet, resolution=200)
        scan = _deposit(browser, journey, sheet)
        yield {
            "scan": scan, "slip": slip, "answer": answer, "draft": draft, "to_impute": done[1].mail_id,
        }  # fmt: skip


def _deposit(browser: Browser, journey: Journey, sheet: Path) -> str:
    """A clerk deposits a file. Returns the address of its registration form, once its pages are read."""
    context = browser.new_context(base_url=journey.place.url, locale="fr-FR")
    page = context.new_page()
    sign_in(page, "bo.agent", PASSWORD)
    page.goto("/numerisations/")
    field = page.locator("form[action$='/fichiers'] input[type=file]")
    field.set_input_files(sheet)
    with page.expect_response(lambda answer: answer.request.method == "POST" and "/fichiers" in answer.url):
        field.locator("xpath=ancestor::form").get_by_role("button", name="Déposer").click()
    clerk = journey.person("bo.agent")
    waiting = re.compile(r'href="(/enregistrer/numerisation/\d+)"')
    journey.until("the file is a scan", lambda: waiting.search(clerk.open("/numerisations/").text) is not None)
    found = waiting.search(clerk.open("/numerisations/").text)
    assert found is not None
    path = found[1]
    journey.until("the scan is read", lambda: "data-take-all" in clerk.open(path).text)
    context.close()
    return path


@pytest.mark.skipif(
    not {"GED_TEST_PICTURES", "GED_TEST_LONG"} & set(os.environ),
    reason="makes the guide's pictures anew, of pages that other tests open: `make pictures` runs it",
)
def test_the_pictures_of_the_guide_are_made(
    morning: dict[str, str], embedded: Stage, browser: Browser, tmp_path: Path
) -> None:
    folder = FOLDER if os.environ.get("GED_TEST_PICTURES") else tmp_path
    sizes = {}
    for account, width in sorted({(one.account, one.width) for one in PICTURES}):
        context = browser.new_context(
            base_url=embedded.url, locale="fr-FR", timezone_id="Africa/Lome", reduced_motion="reduce",
            viewport={"width": width, "height": 900 if width > 400 else 740},
        )  # fmt: skip
        page = context.new_page()
        sign_in(page, account, PASSWORD)
        _skip_the_tour(page)
        for one in PICTURES:
            if (one.account, one.width) == (account, width):
                sizes[one.name] = _photograph(page, one, morning, folder)
        context.close()
    assert {name: size for name, size in sizes.items() if size > MOST_BYTES} == {}
    assert sum(sizes.values()) <= ALL_BYTES
    assert sizes.keys() == {one.name for one in PICTURES}
    if folder == FOLDER:
        for stale in {path for path in FOLDER.glob("*.webp") if path.stem not in sizes}:
            stale.unlink()


def _skip_the_tour(page: Page) -> None:
    skip = page.locator("[data-tour-end] button")
    if skip.count():
        skip.click()
        page.get_by_text("La visite est terminée.").wait_for()


def _photograph(page: Page, one: Picture, places: dict[str, str], folder: Path) -> int:
    answer = page.goto(one.path.format(**places), wait_until="networkidle")
    assert answer is not None, one.name
    assert answer.status == 200, one.name
    top = 0.0
    if one.at:
        box = page.locator(one.at).first.bounding_box()
        assert box is not None, f"{one.name}: {one.at} is not there"
        top = max(0.0, box["y"] - 56)
    left = 0 if one.width < 400 else max(0.0, (page.locator("main").bounding_box() or {"x": 0})["x"] - 24)
    if not one.at:
        left = 0
    page.evaluate("document.activeElement.blur()")
    taken = page.screenshot(
        full_page=True, clip={"x": left, "y": top, "width": one.width - left, "height": one.height}
    )  # fmt: skip
    image = Image.open(BytesIO(taken)).convert("RGB")
    for quality in QUALITIES:
        made = BytesIO()
        image.save(made, "WEBP", quality=quality, method=6)
        if len(made.getvalue()) <= MOST_BYTES:
            break
    (folder / f"{one.name}.webp").write_bytes(made.getvalue())
    return len(made.getvalue())
