"""The power fails while a stack is scanned and letters are registered: the machine forgets what was not synced.

Each page arrives once and in order, each number that was told is there, and everything verifies.

``GED_TEST_CUTS=20`` cuts the power twenty times (``make power-cuts``; 25 at most, a word for each page).
"""

from __future__ import annotations

import os
import random
import threading
import time

import httpx
import pytest
from PIL import Image, ImageDraw, ImageFont
from sqlalchemy import select

from demo.client import Page, Person
from demo.journey import SEED, Journey, names_number
from demo.letters import make_letters, paste_label
from demo.people import PASSWORD
from demo.stage import start_bridge, start_site, start_worker
from ged.config import load_settings
from ged.register.models import Mail, MailNumber
from tests.clerk_kit import Clerk
from tests.power_kit import Disk
from web.wiring import settings_file
from web.wiring.services import build_services

CUTS = int(os.environ.get("GED_TEST_CUTS", "4"))
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300 + 60 * CUTS)]
POOL = (
    "acajou", "baobab", "cascade", "dromadaire", "escalier", "fontaine", "guitare", "horloge", "igname", "jardin",
    "kapokier", "lanterne", "montagne", "navire", "orange", "parapluie", "quartier", "rivage", "savane", "tambour",
    "univers", "village", "xylophone", "zinc",
)  # fmt: skip
WORDS = POOL[: CUTS - 1]
"""One word for each page, which is read back: they identify the pages and their order."""
DPI = 100
WAIT_S = 90.0


def _page(word: str) -> Image.Image:
    page = Image.new("L", (round(8.27 * DPI), round(11.69 * DPI)), 255)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(size=30)
    for n in range(14):
        pen.text((90, 320 + 52 * n), f"Le mot de cette page : {word}", fill=0, font=font)
    return page


def _cut(office: Journey, disk: Disk, rng: random.Random) -> None:
    """All processes die at one moment, the disk forgets what was not synced; then the machine starts again."""
    place = office.place
    names_too = rng.random() < 0.5
    print(f"cut, unsynced names {'lost too' if names_too else 'kept'}: {disk.cut(names_too=names_too)}")
    for name in list(place.processes.running):
        place.processes.kill(name)
    start_site(place)  # type: ignore[arg-type]
    start_worker(place)  # type: ignore[arg-type]
    start_bridge(place)  # type: ignore[arg-type]
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
    raise AssertionError(f"page {count} did not arrive: {page.words[1000:3000] if page else 'no site'}")


@pytest.mark.long(
    "a disk that forgets under a whole installation, as `make power-cuts`; each store is cut in test_power_cut_at_once"
)
def test_nothing_that_a_person_was_told_is_lost(office_on_a_disk: tuple[Journey, Disk]) -> None:
    office, disk = office_on_a_disk
    rng = random.Random()  # any moment may be an unfavourable one
    seed = int(os.environ.get("GED_TEST_SEED", rng.randrange(10**9)))
    print(f"seed {seed}")
    rng.seed(seed)
    office.pair()
    letter = office.register(make_letters(SEED, 1))[0]
    clerk, lid = office.person("bo.agent"), office.place.scanner
    stop = threading.Event()
    another = Clerk(office.place.url, "x", stop, account="bo.chef", password=PASSWORD)
    registering = threading.Thread(target=another.work, daemon=True)
    registering.start()
    try:
        for position, word in enumerate(WORDS):
            page = paste_label(_page(word), letter.label) if position == 0 else _page(word)
            lid.lay(page)
            shown = clerk.open("/numerisations/")
            if position == 0:
                form = shown.form("/numeriser")
                device = next(v for v, _ in form.choices["device"] if "pnm:0" in v)
                clerk.send(form, {"device": device, "mode": "gray", "dpi": "300", "more": "1"})
            else:
                clerk.send(shown.form("page-suivante"), {})
            time.sleep(rng.uniform(0, 1.2))
            _cut(office, disk, rng)
            lid.lay(page)
            _until_received(office, position + 1)
        clerk.send(clerk.open("/numerisations/").form("/terminer"), {})
        time.sleep(rng.uniform(0, 2.0))
        _cut(office, disk, rng)
    finally:
        stop.set()
        registering.join(60)
    assert not registering.is_alive()
    office.until("the letter has its pages", lambda: "searchable.pdf" in clerk.open(letter.mail).text, seconds=WAIT_S)
    document = clerk.open(letter.mail).text.split("/searchable.pdf")[0].rsplit('"', 1)[1]
    texts = [clerk.fetch(f"{document}/page/{n}/texte").decode().lower() for n in range(1, len(WORDS) + 1)]
    read = [[word for word in WORDS if word in text] for text in texts]
    assert read == [[word] for word in WORDS]
    assert clerk.http.get(f"{document}/page/{len(WORDS) + 1}/texte").status_code == 404
    assert "Rien n'attend" in clerk.open("/numerisations/").words, "nothing is left over beside the letter"
    _check_numbers(office, another)
    office.until("each letter is found", lambda: not _unfound(clerk, another), seconds=WAIT_S)
    office.prove()


def _unfound(person: Person, clerk: Clerk) -> list[str]:
    """The letters whose number was shown and which a search for this number does not name."""
    numbers = {subject: number for subject, (_, number) in clerk.answered.items()}
    shown = {subject: person.http.get("/recherche", params={"q": f'"{subject}"'}).text for subject in numbers}
    return [subject for subject, number in numbers.items() if not names_number(shown[subject], number)]


def _check_numbers(office: Journey, clerk: Clerk) -> None:
    """Each letter whose number was shown is there once, with this number."""
    services = build_services(load_settings(settings_file.file_of(office.place.data)))
    try:
        with services.reading() as session:
            rows = session.execute(
                select(Mail.subject, MailNumber.id, MailNumber.text).join(MailNumber, MailNumber.mail_id == Mail.id)
            ).all()
    finally:
        services.engine.dispose()
    there = {subject: (number_id, number) for subject, number_id, number in rows}
    assert len(there) == len(rows), "a form sent twice became two letters"
    assert clerk.answered, "the other clerk registered nothing"
    assert {subject: there.get(subject) for subject in clerk.answered} == clerk.answered, "told, and not there"
    print(f"{len(clerk.answered)} letters registered meanwhile, {len(clerk.failures)} requests repeated")
