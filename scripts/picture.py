"""Draws ``docs/site.png`` for the README: a letter's page of the demonstration.

Call it by hand while `make run` serves:

.venv/bin/python -m scripts.picture [http://127.0.0.1:8000] [/courriers/1]
"""

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from demo.people import PASSWORD

PICTURE = Path(__file__).parents[1] / "docs" / "site.png"
CHROMIUM = "/usr/bin/chromium"
SIZE = (1280, 800)
MAX_BYTES = 250_000


def photograph(url: str, path: str) -> bytes:
    """A screenshot of the director general's page of that letter, in 200 colours, to keep the repository small."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(base_url=url, locale="fr-FR", viewport={"width": SIZE[0], "height": SIZE[1]})
        page.goto("/connexion")
        page.fill("#account", "dge.chef")
        page.fill("#password", PASSWORD)
        page.press("#password", "Enter")
        page.wait_for_selector("#navigation", state="attached")
        page.goto(path, wait_until="networkidle")
        page.evaluate("document.querySelector('#imputation').scrollIntoView({block: 'center'})")
        page.wait_for_load_state("networkidle")
        shot = page.screenshot()
        browser.close()
    out = io.BytesIO()
    image = Image.open(io.BytesIO(shot)).convert("RGB")
    image.quantize(200, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def main(words: list[str]) -> int:
    """Write the picture. Returns 1 when it is too large for the repository."""
    url, path = [*words, *("http://127.0.0.1:8000", "/courriers/1")[len(words) :]]
    picture = photograph(url, path)
    if len(picture) > MAX_BYTES:
        print(f"{len(picture)} bytes: more than {MAX_BYTES}")
        return 1
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_bytes(picture)
    print(f"{PICTURE}: {len(picture)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
