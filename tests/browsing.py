"""A browser for tests: signing in, and going on only when the page that a key or a click leads to is there.

What a page does takes its time, and more of it on a busy machine: a look at it is made with Playwright's ``expect``,
which waits, and never with a bare ``assert`` on a count or a text of the moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.site import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect.set_options(timeout=20_000)


@contextmanager
def leading_on(page: Page) -> Iterator[None]:
    """What is done inside leads to another page, or to the same one anew; it is whole when the block ends."""
    with page.expect_navigation(wait_until="load"):
        yield


def sign_in(page: Page, account: str, password: str = PASSWORD) -> None:
    """Sign in as a person does; the first page is whole, its scripts too, when this returns."""
    page.goto("/connexion")
    page.fill("#account", account)
    page.fill("#password", password)
    with leading_on(page):
        page.press("#password", "Enter")
    expect(page.locator("#navigation")).to_be_attached()


ROOT = Path(__file__).parents[1]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = (1280, 360)
