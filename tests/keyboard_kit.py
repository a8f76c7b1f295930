"""A person at the browser without a mouse: Tab until the element has the focus, which is visible at each stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browsing import leading_on, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

SEEN = """(one) => {
    const style = getComputedStyle(one);
    const box = one.getBoundingClientRect();
    const drawn = style.outlineStyle !== "none" || style.boxShadow !== "none" || one.matches("[contenteditable]");
    return drawn && box.width > 0 && box.bottom > 0 && box.top < innerHeight;
}"""
"""Whether the focus is drawn and in view."""
STOP = f"""(selector) => {{
    const one = document.activeElement, seen = one === document.body || ({SEEN})(one);
    return {{reached: one.matches(selector), seen, html: seen ? "" : one.outerHTML.slice(0, 200)}};
}}"""
"""Where the focus is. One question for each key: questions to the browser were half the cost of going by Tab."""


class Keys:
    """A person without a mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def begin(self, account: str, *keys: str) -> None:
        """Sign in, and go to a page by its keys."""
        sign_in(self.page, account)
        self.page.keyboard.press(keys[0])
        with leading_on(self.page):
            self.page.keyboard.press(keys[1])

    def reach(self, selector: str, *, most: int = 90) -> None:
        """Press Tab until the element has the focus. At each stop the focus must be visible."""
        stop = self.page.evaluate(STOP, selector)
        for _ in range(most):
            if stop["reached"]:
                return
            self.page.keyboard.press("Tab")
            stop = self.page.evaluate(STOP, selector)
            assert stop["seen"], stop["html"]
        raise AssertionError(f"{selector} is not reached by {most} tabs on {self.page.url}")

    def press(self, selector: str, key: str = "Enter") -> None:
        """Reach an element, and press a key that leads to another page."""
        self.reach(selector)
        with leading_on(self.page):
            self.page.keyboard.press(key)

    def type(self, selector: str, text: str) -> None:
        """Reach a field, and type behind what stands there."""
        self.reach(selector)
        self.page.keyboard.type(text)

    def retype(self, selector: str, text: str) -> None:
        """Reach a field, and type in the place of what stands there."""
        self.reach(selector)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def tick(self, selector: str) -> None:
        """Reach a box, and tick it or take the tick away."""
        self.reach(selector)
        self.page.keyboard.press("Space")

    def skip(self) -> None:
        """Pass over the navigation by the link at the top of each page; a browser that comes from a form passes over it itself."""
        if self.page.url.endswith("#content"):
            return
        self.reach("a.skip-link", most=3)
        self.page.keyboard.press("Enter")
