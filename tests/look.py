"""Pictures of pages of the furnished ministry, for whoever writes one: ``python -m tests.look dge /en-retard/ /suivi/``.

The account is one of ``tests.furnished_kit.ROLES``. Each page is kept at both widths in ``.cache/look``, in French; what axe finds is printed.
"""

import logging
import os
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests import steady_chromium
from tests.browsing import ROOT, WIDTHS, axe_faults, sign_in
from tests.furnished_kit import furnished_anew
from tests.servers import RUN_DIR_VARIABLE
from tests.site import served


def look(account: str, paths: list[str]) -> None:
    """Open the pages as the account and keep their pictures."""
    kept = ROOT / ".cache" / "look"
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        os.environ[RUN_DIR_VARIABLE] = folder
        place = furnished_anew(Path(folder))
        chromium = playwright.chromium.launch(executable_path=steady_chromium.PROGRAM, args=["--no-sandbox"])
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        with served(place.app) as url:
            for width in WIDTHS:
                page = chromium.new_page(base_url=url, locale="fr-FR", viewport={"width": width, "height": 800})
                sign_in(page, account)
                for path in paths:
                    answer = page.goto(path)
                    name = f"{path.strip('/').replace('/', '-').partition('?')[0] or 'accueil'}-{width}.png"
                    page.screenshot(path=kept / name, full_page=True)
                    wide = page.evaluate("document.documentElement.scrollWidth")
                    print(
                        kept / name, answer.status if answer else "", f"{wide} pixels wide", *axe_faults(page), sep="  "
                    )
        place.services.engine.dispose()


if __name__ == "__main__":
    look(sys.argv[1], sys.argv[2:])
