"""The power fails while a stack is scanned: bridge, worker and site die at any moment; every page arrives once."""

from __future__ import annotations

import random
import time

import httpx
import pytest
from PIL import Image, ImageDraw, ImageFont

from demo.client import Page
from demo.journey import SEED, Journey
from demo.letters import make_letters, paste_label
from demo.stage import start_bridge, start_site, start_worker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
WORDS = ("acajou", "baobab", "cascade", "dromadaire", "escalier", "fontaine")
"""One word for each page, which is read back: they identify the pages and their order."""
DPI = 100
WAIT_S = 90.0


def _page(word: str) -> Image.Image:
    page = Image.new("L", (round(8.27 * DPI), round(11.69 * DPI)), 255)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(size=30)
    for n in range(14):
        pen.text((90, 320 + 52 * n), f"Le mot de cette page : {word}", fill=0, font=font)
    return page


def _cut(office: Journey, name: str) -> None:
    """SIGKILL all processes, then start the machine again."""
    place = office.place
    place.processes.kill(name)
    {"site": start_site, "worker": start_worker, "bridge": start_bridge}[name](place)  # type: ignore[operator]
    if name == "site":
        place.processes.wait_for_site(place.url)


def _looked_at(office: Journey) -> Page | None:
    """The page of scans; None while the site is unreachable."""
    try:
        return office.person("bo.agent").open("/numerisations/")
    except httpx.HTTPError:
        return None


def _until_received(office: Journey, count: int) -> None:
    """Wait until the batch has this number of pages. A page whose order died with the bridge is ordered again."""
    clerk, ends, asked = office.person("bo.agent"), time.monotonic() + WAIT_S, time.monotonic()
    while time.monotonic() < ends:
        page = _looked_at(office)
        if page is not None and office.received(count):
            return
        again = page and time.monotonic() - asked > 1 and [f for f in page.forms if "page-suivante" in f.action]
        if page is not None and again and f"{count - 1} page" in page.words:
            clerk.send(again[0], {})
            asked = time.monotonic()
        time.sleep(0.2)
    page = _looked_at(office)
    raise AssertionError(f"page {count} did not arrive: {page.words[300:900] if page else 'no site'}")


def test_every_page_is_there_once_and_in_order(office: Journey) -> None:
    rng = random.Random()  # any moment may be an unfavourable one
    seed = rng.randrange(10**9)
    print(f"seed {seed}")
    rng.seed(seed)
    office.pair()
    letter = office.register(make_letters(SEED, 1))[0]
    clerk, lid = office.person("bo.agent"), office.place.scanner
    victims = ["bridge", "worker", "site", "bridge", "worker", "site"]
    rng.shuffle(victims)
    for position, (word, victim) in enumerate(zip(WORDS, victims, strict=True)):
        lid.lay(paste_label(_page(word), letter.label) if position == 0 else _page(word))
        page = clerk.open("/numerisations/")
        if position == 0:
            form = page.form("/numeriser")
            device = next(v for v, _ in form.choices["device"] if "pnm:0" in v)
            clerk.send(form, {"device": device, "mode": "gray", "dpi": "300", "more": "1"})
        else:
            clerk.send(page.form("page-suivante"), {})
        time.sleep(rng.uniform(0, 1.2))
        _cut(office, victim)
        _until_received(office, position + 1)
    clerk.send(clerk.open("/numerisations/").form("/terminer"), {})
    time.sleep(rng.uniform(0, 2.0))
    _cut(office, "worker")
    office.until("the letter has its pages", lambda: "searchable.pdf" in clerk.open(letter.mail).text, seconds=WAIT_S)
    document = clerk.open(letter.mail).text.split("/searchable.pdf")[0].rsplit('"', 1)[1]
    texts = [clerk.fetch(f"{document}/page/{n}/texte").decode().lower() for n in range(1, len(WORDS) + 1)]
    read = [[word for word in WORDS if word in text] for text in texts]
    assert read == [[word] for word in WORDS]
    assert clerk.http.get(f"{document}/page/{len(WORDS) + 1}/texte").status_code == 404
    assert "Rien n'attend" in clerk.open("/numerisations/").words, "nothing is left over beside the letter"
