"""Helpers for browser tests: sign in, and continue only when the page after a key or a click is loaded.

Pages need time, and more on a busy machine. So check them with Playwright's ``expect``, which waits, and never with a
bare ``assert`` on a count or a text.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.site import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

expect.set_options(timeout=20_000)


@contextmanager
def leading_on(page: Page) -> Iterator[None]:
    """Wait, at the end of the block, until the page that the block leads to (or the reloaded page) is fully loaded."""
    with page.expect_navigation(wait_until="load"):
        yield


def sign_in(page: Page, account: str, password: str = PASSWORD) -> None:
    """Sign in through the form. Returns when the first page and its scripts are loaded."""
    page.goto("/connexion")
    page.fill("#account", account)
    page.fill("#password", password)
    with leading_on(page):
        page.press("#password", "Enter")
    expect(page.locator("#navigation")).to_be_attached()


def press(page: Page, name: str) -> None:
    """Press a button that leads to a page."""
    with leading_on(page):
        page.get_by_role("button", name=name).press("Enter")


def authenticator(page: Page, **options: Any) -> tuple[CDPSession, str]:
    """A virtual authenticator of Chromium, whose user is there and verified."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
                "isUserVerified": True, "automaticPresenceSimulation": True, **options,
            }
        },
    )  # fmt: skip
    return session, made["authenticatorId"]


ROOT = Path(__file__).parents[1]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = (1280, 360)
FAULTS = """async () => {
    // What passes is not told, and styles are not loaded once more: that serves a rule about sounds alone.
    const given = {resultTypes: ["violations"], preload: document.querySelector("audio, video") !== null};
    return (await axe.run(document, given)).violations.map((one) => `${one.id} ${one.nodes[0].html.slice(0, 200)}`);
}"""


def axe_faults(page: Page) -> list[str]:
    """What axe finds wrong with the page: the rule and an element. Nothing where axe is not installed."""
    if not AXE.is_file():
        return []
    page.evaluate(AXE.read_text(encoding="utf-8"))
    return list(page.evaluate(FAULTS))
