"""What a pile of letters costs a clerk, and what main pages cost on a slow network, as JSON lines.

    make bench-desk           python -m bench.desk [--letters 20] [--seed N] [--look 0.9] [--key 0.08]

The site and a worker of the demonstration run as processes; Chromium is the clerk's browser. A pile of generated
letters is uploaded as files of one page: aged as scans are, a quarter of the senders unknown, a fifth of the subjects
written over. When all are read, the clerk opens the oldest card and registers one letter after the other with the
keyboard alone. The clerk looks at each field and its proposal, accepts all proposals (Alt+Shift+Enter), then a doubtful
one that is right (Alt+Enter), and types over the wrong ones. Each pressed key counts, a combination as one.
``handling`` leaves out the characters of typed texts. The seconds of a letter are those from its opened form to the
next opened form, with ``--look`` seconds for each field and ``--key`` seconds for each key. The goal is 12 keys and 20
s.

Then each main page is opened at 360 x 740, with an empty and with a filled cache, through a network of 256 kbit/s and
300 ms of delay. Measured are the transferred bytes by kind, and the seconds until the page can be used
(``DOMContentLoaded``). The goal is 60 KB for HTML, style sheets and scripts, 60 KB for a picture, 2.5 s with an empty
cache and 1 s with a filled one.
"""

import argparse
import io
import os
import random
import statistics
import sys
import tempfile
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, CDPSession, FilePayload, Page, sync_playwright
from sqlalchemy import delete, func, select

from bench.relevance import tell
from demo import stage
from demo.ageing import age
from demo.letters import DrawnLetter, make_letters
from demo.people import PASSWORD
from ged.config import load_settings
from ged.register.models import Correspondent
from ged.suggestions.models import ScanPageReading
from ged.unit import Services
from tests.browsing import leading_on, sign_in
from tests.servers import free_port
from web.views.scans.scans import MAX_FILES
from web.wiring import settings_file
from web.wiring.services import build_services

CLERK, HEAD = "bo.agent", "sg"
DPI = 200
READ_S = 3600
"""A busy machine reads a page in a minute. The measurement begins when all pages are read."""
UNKNOWN, WRITTEN_OVER = 0.25, 0.2
AUTHORITY = "Secrétaire générale"
"""Typed into the list of authorities once, before the first letter is timed. Later forms keep the choice."""
KEYS, SECONDS = 12, 20.0
KB = 1024
BEFORE = "name => !!(document.activeElement.compareDocumentPosition(document.getElementById(name)) & Node.DOCUMENT_POSITION_PRECEDING)"
FIELDS = ("sender_name", "their_reference", "written_on", "subject", "enclosure_count")
"""In the order of the Tab key."""
SLOW = {"offline": False, "latency": 300, "downloadThroughput": 256_000 / 8, "uploadThroughput": 256_000 / 8}


@dataclass
class Clerk:
    """The keyboard of a person, who needs time for each key and each look."""

    page: Page
    key_s: float
    look_s: float
    handling: int = 0
    text: int = 0
    typed_fields: list[str] = field(default_factory=list)
    pressed: list[str] = field(default_factory=list)
    """For the present letter, in order. The name of a field is added when the keyboard reaches the field."""

    def press(self, key: str) -> None:
        time.sleep(self.key_s)
        self.page.keyboard.press(key)
        self.handling += 1
        self.pressed.append(key)

    def type(self, words: str) -> None:
        self.page.keyboard.type(words, delay=self.key_s * 1000)
        self.text += len(words)

    def go_to(self, name: str) -> None:
        """Press Tab or Shift+Tab until a field has the cursor."""
        key = "Shift+Tab" if self.page.evaluate(BEFORE, name) else "Tab"
        for _ in range(30):
            if self.page.evaluate("document.activeElement.id") == name:
                self.pressed.append(name)
                return
            self.press(key)
        raise RuntimeError(f"{key} does not reach {name}")

    def fill(self, name: str, truth: str) -> None:
        """Leave a field with the value that the letter has."""
        if _says(self.page.input_value(f"#{name}"), truth):
            return
        self.go_to(name)
        offered = self.page.locator(f'.proposal:not([hidden]) [data-for="{name}"]').first
        if offered.count() and _says(offered.get_attribute("data-value") or "", truth):
            self.press("Alt+Enter")
            return
        self.press("Control+a")
        self.type(truth)
        self.typed_fields.append(name)


def _says(read: str, truth: str) -> bool:
    """Whether a person would accept a proposal: letters and figures are equal, without regard to case and accents.

    A letterhead may be shorter than the directory's name, which has the short name in parentheses.
    """
    said, wanted = _bare(read), _bare(truth)
    return said == wanted or (bool(said) and wanted.startswith(said) and "(" in truth and len(said) > len(wanted) / 2)


def _bare(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(one for one in plain if one.isalnum())


def drawn(letter: DrawnLetter, seed: int, *, written_over: bool) -> bytes:
    """The first page as a scanner sends it (JPEG)."""
    page = age(letter.draw(1, DPI), seed, letter.ageing_kind(1))
    if written_over:
        page = _pen(page, seed)
    out = io.BytesIO()
    page.convert("L").save(out, "JPEG", quality=85, dpi=(DPI, DPI))
    return out.getvalue()


def _pen(page: Image.Image, seed: int) -> Image.Image:
    """A stroke of a pen through the subject: people can read it, machines misread it."""
    rng, spoilt = random.Random(seed), page.copy()
    pen, width, height = ImageDraw.Draw(spoilt), page.width, page.height
    for line in range(22, 44):
        y = height * line / 100
        points = [(x, y + rng.uniform(-0.006, 0.006) * height) for x in range(int(width * 0.2), int(width * 0.8), 24)]
        pen.line(points, fill=60, width=5)
    return spoilt


def hand_in(page: Page, letters: Sequence[DrawnLetter], seed: int) -> None:
    """Upload all files of the pile; each upload has as many as the site accepts."""
    spoilt = set(random.Random(seed).sample(range(len(letters)), round(len(letters) * WRITTEN_OVER)))
    files: list[FilePayload] = [
        {"name": f"{n:02}.jpg", "mimeType": "image/jpeg", "buffer": drawn(one, seed + n, written_over=n in spoilt)}
        for n, one in enumerate(letters)
    ]
    for first in range(0, len(files), MAX_FILES):
        page.goto("/numerisations/")
        page.set_input_files("#file", files[first : first + MAX_FILES])
        page.locator("form[data-drop] button[type=submit]").click()
        # The next upload must not overtake this one: the pile keeps its order.
        page.locator(".flash--success, .error-summary").first.wait_for(timeout=READ_S * 1000)
        if page.locator(".error-summary").count():
            raise RuntimeError(f"the pile is refused: {page.locator('.error-summary').inner_text()}")


def forget_some(services: Services, letters: Sequence[DrawnLetter], seed: int) -> int:
    """Remove senders from the new directory, so that a quarter of the pile has an unknown sender. Returns the
    number."""
    names = sorted({one.sender for one in letters})
    gone = random.Random(seed).sample(names, round(len(letters) * UNKNOWN))
    with services.unit_of_work(datetime.now(UTC)) as uow:
        uow.session.execute(delete(Correspondent).where(Correspondent.name.in_(gone)))
    return len(gone)


def wait_until_read(services: Services, count: int) -> float:
    """Wait until every scan of the pile has its page read. Returns the seconds."""
    began = time.monotonic()
    while time.monotonic() - began < READ_S:
        with services.reading() as session:
            read = session.scalar(select(func.count()).select_from(ScanPageReading))
        if (read or 0) >= count:
            return time.monotonic() - began
        time.sleep(1)
    raise RuntimeError("the pile is not read in time")


def register_pile(clerk: Clerk, letters: Sequence[DrawnLetter]) -> list[dict[str, float]]:
    """Open the oldest card, then register one letter after the other. Returns keys and seconds of each."""
    page, found = clerk.page, []
    page.goto("/numerisations/")
    with leading_on(page):
        page.locator(".thumbs a").first.click()
    for n, letter in enumerate(letters):
        clerk.handling = clerk.text = 0
        clerk.typed_fields, clerk.pressed = [], []
        began = time.monotonic()
        wanted = {
            "sender_name": letter.sender, "their_reference": letter.their_reference,
            "written_on": letter.written_on.strftime("%d/%m/%Y"), "subject": letter.subject,
            "enclosure_count": str(letter.enclosure_count),
        }  # fmt: skip
        if not page.input_value("#addressed_post_id"):  # the first letter of all: later forms keep the authority
            clerk.go_to("addressed_post_id")
            page.keyboard.type(AUTHORITY)
            clerk.go_to("sender_name")
            clerk.handling, clerk.pressed = 0, []
            began = time.monotonic()
        time.sleep(clerk.look_s * len(FIELDS))
        clerk.press("Alt+Shift+Enter")
        for name in FIELDS:
            clerk.fill(name, wanted[name])
        with leading_on(page):
            clerk.press("Enter")
        if page.locator(
            "[name=looked_at]"
        ).count():  # an earlier letter has this subject: the clerk says that this is another one
            page.locator("[name=looked_at]").check()
            with leading_on(page):
                page.locator(".register__send button").click()
        took = time.monotonic() - began
        if page.locator(".just-registered__number, .confirmation__detail").count() == 0:
            raise RuntimeError(f"letter {n} has no number: {page.locator('.error-summary').all_inner_texts()}")
        if clerk.handling >= KEYS:
            tell(bench="desk", what="dear letter", letter=n, handling=clerk.handling, pressed=" ".join(clerk.pressed))
        found.append(
            {"handling": clerk.handling, "keys": clerk.handling + clerk.text, "seconds": round(took, 2)}
            | {f"typed_{name}": 1 for name in clerk.typed_fields}
        )
    return found


def tell_pile(found: Sequence[dict[str, float]], unknown: int, read_s: float) -> None:
    """Print one line for the pile."""

    def figures(name: str) -> dict[str, float]:
        values = [one[name] for one in found]
        return {f"{name}_median": statistics.median(values), f"{name}_most": max(values)}

    typed = {name: sum(f"typed_{name}" in one for one in found) for name in FIELDS}
    tell(
        bench="desk", what="pile", letters=len(found), unknown_senders=unknown, read_s=round(read_s), typed=typed,
        **figures("handling"), **figures("keys"), **figures("seconds"), target_keys=KEYS, target_s=SECONDS,
        is_met=max(one["handling"] for one in found) <= KEYS and statistics.median(one["seconds"] for one in found) <= SECONDS,
    )  # fmt: skip


def slow_pages(browser: Browser, url: str, account: str, pages: Sequence[tuple[str, str]]) -> None:
    """Open pages on the slow network, with an empty and a filled cache. Prints a line for each."""
    for name, path in pages:
        context = browser.new_context(base_url=url, locale="fr-FR", viewport={"width": 360, "height": 740})
        page = context.new_page()
        if path != "/connexion":
            sign_in(page, account, PASSWORD)
        if path.startswith("first:"):
            page.goto(path.removeprefix("first:").split(" ")[0])
            link = page.locator(path.split(" ", 1)[1]).first
            opened = link.get_attribute("href") or ""
        else:
            opened = path
        tell(bench="desk", what="slow page", page=name, **_cost(context.new_cdp_session(page), page, opened))
        context.close()


def _cost(link: CDPSession, page: Page, path: str) -> dict[str, object]:
    kinds: dict[str, str] = {}
    size: dict[str, float] = {}
    link.send("Network.enable")
    link.on("Network.responseReceived", lambda e: kinds.__setitem__(e["requestId"], e["type"]))
    link.on("Network.loadingFinished", lambda e: size.__setitem__(e["requestId"], e["encodedDataLength"]))
    link.send("Network.clearBrowserCache")
    link.send("Network.emulateNetworkConditions", SLOW)
    cold = _seconds(page, path)
    cold_kinds = {one: kinds.get(one, "") for one in size}
    text = sum(size[one] for one, kind in cold_kinds.items() if kind in ("Document", "Stylesheet", "Script"))
    pictures = [size[one] for one, kind in cold_kinds.items() if kind == "Image"]
    others = sum(size.values()) - text - sum(pictures)
    size.clear()
    warm = _seconds(page, path)
    return {
        "text_kb": round(text / KB, 1), "largest_picture_kb": round(max(pictures, default=0) / KB, 1),
        "pictures": len(pictures), "other_kb": round(others / KB, 1), "cold_s": cold, "warm_s": warm,
        "warm_kb": round(sum(size.values()) / KB, 1),
        "is_met": text <= 60 * KB and max(pictures, default=0) <= 60 * KB and cold <= 2.5 and warm <= 1.0,
    }  # fmt: skip


def _seconds(page: Page, path: str) -> float:
    page.goto("about:blank")
    began = time.monotonic()
    answer = page.goto(path, wait_until="domcontentloaded")
    if answer is None or not answer.ok:
        raise RuntimeError(f"{path} is no page")
    took = time.monotonic() - began
    page.wait_for_load_state("networkidle")
    return round(took, 2)


CLERK_PAGES = (
    ("sign-in", "/connexion"), ("home", "/"), ("registration", "/enregistrer/"), ("scans", "/numerisations/"),
    ("registration beside a scan", "first:/numerisations/ .thumbs a"),
    ("registers", "/registres/"), ("to transmit", "/a-transmettre/"), ("search", "/recherche/?q=marche"),
)  # fmt: skip
HEAD_PAGES = (
    ("home of an authority", "/"), ("imputation queue", "/a-imputer"), ("imputation", "first:/a-imputer main a.number"),
    ("inbox", "/bannette/"), ("signature book", "/parapheur/"), ("letter", "first:/recherche/?q=*&tri=recent main a[href^='/courriers/']"),
)  # fmt: skip


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--letters", type=int, default=int(os.environ.get("GED_BENCH_LETTERS", "20")))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--look", type=float, default=0.9, help="seconds of a look at a field")
    parser.add_argument("--key", type=float, default=0.08, help="seconds of a key")
    given = parser.parse_args()
    letters = make_letters(given.seed, given.letters)
    tell(bench="desk", what="start", seed=given.seed, letters=given.letters)
    with tempfile.TemporaryDirectory(prefix="ged-desk-") as folder, sync_playwright() as driver:
        data = Path(folder) / "data"
        house = stage.start(data, bind=f"127.0.0.1:{free_port()}", say=lambda _text: None, extra={})
        services = build_services(load_settings(settings_file.file_of(data)))
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        try:
            unknown = forget_some(services, letters, given.seed)
            context = browser.new_context(base_url=house.url, locale="fr-FR", viewport={"width": 1280, "height": 900})
            page = context.new_page()
            sign_in(page, CLERK, PASSWORD)
            hand_in(page, letters, given.seed)
            read_s = wait_until_read(services, len(letters))
            tell_pile(register_pile(Clerk(page, given.key, given.look), letters), unknown, read_s)
            hand_in(page, make_letters(given.seed + 1, 1), given.seed)  # the slow network has a scan to show
            wait_until_read(services, len(letters) + 1)
            context.close()
            slow_pages(browser, house.url, CLERK, CLERK_PAGES)
            slow_pages(browser, house.url, HEAD, HEAD_PAGES)
        finally:
            browser.close()
            services.engine.dispose()
            house.processes.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
