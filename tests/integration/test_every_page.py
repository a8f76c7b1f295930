"""Every page of the site, for each role that may see it, at both widths and in both languages.

axe finds no fault, nothing is too wide, the console is empty, and there is one heading and a title. A page is opened in
the browser for one role, and for each other role to which it shows something new: a kind of element (tag, class and
the attributes that axe or a style may judge) that stands on none of those.

axe is most of the cost. It looks where a kind of element stands that it has not yet seen in this language: what the rules
of axe judge follows from kinds and their style, but for ids, references, headings and names. Those are read of every page
for every role without a browser. Contrast, nearly half of axe, is measured where a kind stands in another for the first
time. Of these pages every tenth is opened in English too. ``make pages`` opens every page for every role in both
languages, and leaves nothing out.
"""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from ged.dispatch.models import DispatchLine
from ged.org.models import Person, Post, Unit
from ged.register.models import Correspondent, Mail, Register, SealedEnvelope
from ged.slips.models import Slip
from tests.browsing import AXE, WIDTHS
from tests.factories import NOW
from tests.furnished_kit import ROLES, Furnished, addresses, bare_refusals, furnished, may_enter
from tests.sample_kit import LONG_RUN, in_turn
from tests.site import make_site, served, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

AXE_AT = {"fr": 1280, "en": 360}
"""Language -> the width, in CSS pixels, at which axe checks a page in it. The long run checks both widths in both."""
OTHER_ROLES, LOOKED_AT, IN_ENGLISH, REFUSED = 12, 20, 15, 20
"""One of so many, in the usual run: pages of roles after the first, pages of which each kind of element stands on one that
is opened, pages that are opened in English too, which differ only in their words, and pages of which each form is sent."""
CONTRAST = "color-contrast"
LONG = (
    (Mail, "subject", 600), (Mail, "sender_name", 200), (Correspondent, "name", 200), (Person, "name", 120),
    (Unit, "name", 120), (Post, "title", 120), (Register, "name", 100), (Slip, "messenger", 100),
    (DispatchLine, "name", 200), (SealedEnvelope, "sender_name", 200),
)  # fmt: skip
"""(table, column, length): texts that people write, and the number of letters without a space that they get here."""
FORMS = """const forms = [...document.querySelectorAll("main form[method=post]")].filter(
    (form) => [...form.elements].some((one) => one.required && !one.disabled && one.type !== "radio"));
"""
REQUIRING = "() => {" + FORMS + "return forms.length; }"
SEND_EMPTY = (
    "(n) => {"
    + FORMS
    + """
    for (const one of forms[n].elements) if (one.required && one.type !== "radio") {
        if (one.type === "checkbox") one.checked = false; else one.value = "";
    }
    HTMLFormElement.prototype.submit.call(forms[n]);
}"""
)
NO_PAGES = {
    "static": "files of the program",
    "bridge.order": "for scanner bridges",
    "bridge.page_held": "for scanner bridges",
    "documents.original": "a file",
    "documents.original_page": "a file",
    "documents.text": "words for the picture of a page, fetched by its script",
    "checks.progress": "a part of the page of checks",
    "reserve.cells": "a part of the form",
    "reserve.find": "leads from a typed number to the form of its line",
    "dashboard.export": "a file",
    "entity_exports.progress": "a part of the page of exports",
    "exports.progress": "a part of the page of files",
    "followup.export": "a file",
    "health.show": "for machines",
    "letter_exceptions.form": "of a secret letter: the test of readings by exception in a browser looks at it",
    "health.site": "for machines",
    "health.ready": "for machines",
    "health.upload_room": "asked by a script before an upload",
    "help.start": "leads to a page of the guide",
    "impute.people": "asked by a script",
    "language.switch": "leads back to the page before",
    "monthly_reports.progress": "a part of the page of a report",
    "notices.follow": "leads to what the notice is about",
    "paper.progress": "a part of the page of the paper",
    "pki.ocsp_get": "for machines",
    "provider.returned": "where the identity provider leads back: the test of signing in through one looks at it",
    "proposals.of_scan": "a part of the form",
    "register.duplicates": "a part of the form",
    "register.known_senders": "a part of the form",
    "register.senders": "a part of the form",
    "register_settings.numbers": "a part of the form",
    "rollout.show": "a file of people and units that was handed in: the tests of the rollout look at it",
    "scan_folders.progress": "a part of the page of a folder of scans",
    "scans.progress": "a part of the page of scans",
    "scans.signature": "a part of the page of a scan",
    "search.export": "a file",
    "supervision.export": "a file",
    "second_factor.totp_form": "while a telephone waits alone: the test of the second step in a browser looks at it",
    "second_step.form": "after the password alone: the test of the second step in a browser looks at it",
    "search.facets": "a part of the search page",
    "search.similar": "a part of the letter's page",
    "search.suggest": "a part of the search page",
    "slips.proof": "a file",
    "takeovers.progress": "a part of the page of a spreadsheet that is taken over",
    "training.kept_mails": "in a training installation alone: the test of the trainer's place looks at it",
    "training.index": "in a training installation alone: the test of its exercises looks at it",
    "training.results": "in a training installation alone: the test of its exercises looks at it",
    "word.state": "a part of the page of a draft",
}
"""Routes without a page of their own, with the reason. Parts are checked in the pages that fetch them."""
FILE = re.compile(r"\.[a-z]")
UNJUDGED = re.compile(
    "data-.*|hx-.*|id|name|value|href|src|action|method|enctype|class|type|role|min|max|minlength|maxlength|rows|accept"
    "|inputmode|placeholder|spellcheck|autocapitalize|checked|selected|for|form|formaction|formnovalidate|formtarget"
    "|target|rel|loading|width|height|x|y|fill|patterntransform|patternunits|text-anchor|webkitdirectory"
)
"""Attributes that make no new kind in the usual run: they change neither the look of an element nor what axe says of it, or
``Names`` reads them on every page (ids, references, labels), or they stand in the kind already (class, type, role)."""
VOID = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
"""Elements of HTML that have no end."""
LOOK = """async ([by_axe, without]) => {
    const wide = document.documentElement.scrollWidth;
    const outside = [...document.querySelectorAll("main *")].find((one) => one.getBoundingClientRect().right > innerWidth);
    // To load styles and media once more serves its rule about sounds alone: a tenth of its time.
    const given = {resultTypes: ["violations"], preload: document.querySelector("audio, video") !== null,
                   rules: Object.fromEntries(without.map((name) => [name, {enabled: false}]))};
    const found = by_axe ? await axe.run(document, given) : {violations: []};
    return {
        language: document.documentElement.lang, headings: document.querySelectorAll("h1").length, wide,
        widest: outside ? outside.outerHTML.slice(0, 150) : "",
        violations: found.violations.map((one) => `${one.id} ${one.nodes[0].html.slice(0, 200)}`),
    };
}"""
"""The measurements of a page in the browser: whether by axe too, and without which of its rules."""


@dataclass(frozen=True)
class Shown:
    """A page as a role sees it."""

    endpoint: str
    account: str
    path: str
    text: str

    @cached_property
    def elements(self) -> Elements:
        """The kinds of its elements."""
        return Elements(self.text)


@dataclass
class Walk:
    """The faults that the browser found, and the number of pages that it opened."""

    axe: str = field(default_factory=lambda: f"{AXE.read_text()};undefined")
    """axe itself. To load it costs a tenth of what it costs to look, so it is only where it looks."""
    wrong: list[str] = field(default_factory=list)
    axe_runs: int = 0
    contrasts: int = 0
    loads: int = 0
    looks: int = 0
    seen: dict[str, Elements] = field(default_factory=lambda: defaultdict(Elements))
    """Language -> what axe has seen in it."""
    expected: int = 0
    """Statuses that the browser may report as errors in its console, for refused pages."""
    began: float = field(default_factory=time.monotonic)

    def heard(self, url: str, text: str) -> None:
        """Record a line of the console."""
        if self.expected and "Failed to load resource" in text:
            self.expected -= 1
            return
        self.wrong.append(f"{url}: {text}")

    def told(self, what: str) -> None:
        """Print the number of opened pages. Fails when there was any fault."""
        seconds = time.monotonic() - self.began
        print(
            f"{what}: {self.loads} loads, {self.looks} looks, {self.axe_runs} runs of axe ({self.contrasts} with contrast), {seconds:.0f} s"
        )
        assert not self.wrong, "\n".join(self.wrong)


def _judged(names: Iterable[str]) -> list[str]:
    """The attributes that make a kind: in the long run all."""
    return [one for one in names if LONG_RUN or not UNJUDGED.fullmatch(one)]


class Elements(HTMLParser):
    """The kinds of elements of pages.

    Attributes:
        kinds: those of the page itself, inside ``main``.
        frame: those around it.
        styled: (kind around, kind), on which colours depend.
    """

    def __init__(self, *texts: str) -> None:
        super().__init__()
        self.kinds: set[tuple[str, str]] = set()
        self.frame: set[tuple[str, str]] = set()
        self.styled: set[tuple[str, str]] = set()
        for text in texts:
            self._open: list[tuple[str, str]] = []
            self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        own = f"{tag} {given.get('class') or ''} {given.get('type') or ''} {given.get('role') or ''}"
        inside = tag == "main" or any(name == "main" for name, _kind in self._open)
        (self.kinds if inside else self.frame).add((own, " ".join(sorted(_judged(given)))))
        self.styled.add((self._open[-1][1] if self._open else "", own))
        if tag not in VOID:
            self._open.append((tag, own))

    def handle_endtag(self, tag: str) -> None:
        while any(name == tag for name, _kind in self._open) and self._open.pop()[0] != tag:
            pass  # elements that may stay open, as ``li``, end with the one around them

    def add(self, other: Elements) -> None:
        """Add what another one has."""
        self.kinds |= other.kinds
        self.frame |= other.frame
        self.styled |= other.styled


class Names(HTMLParser):
    """What the elements of one page are called, and what they refer to: it differs between pages of the same kinds.

    Attributes:
        faults: an id that is given twice, a reference to none, a heading that skips a level, a link or a button without
            a name.
    """

    REFERRING = ("for", "aria-labelledby", "aria-describedby", "headers", "list", "form")

    def __init__(self, text: str) -> None:
        super().__init__()
        self._ids: Counter[str] = Counter()
        self._asked: set[str] = set()
        self._level = 0
        self._named: list[tuple[str, str, bool]] = []
        self.faults: list[str] = []
        self.feed(text)
        self.faults += [f"the id {one} is given {count} times" for one, count in self._ids.items() if count > 1]
        self.faults += [f"no element has the id {one}" for one in sorted(self._asked - self._ids.keys())]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self._ids[given["id"]] += 1
        for name in self.REFERRING:
            self._asked.update(given.get(name, "").split())
        if re.fullmatch("h[1-6]", tag):
            if self._level and int(tag[1]) > self._level + 1:
                self.faults.append(f"{tag} after h{self._level}")
            self._level = int(tag[1])
        has_name = any(given.get(name) for name in ("aria-label", "aria-labelledby", "title", "alt"))
        if has_name or (tag == "svg" and self._named):
            self._name()
        if tag in ("a", "button"):
            self._named.append((tag, self.get_starttag_text() or "", has_name))

    def handle_data(self, data: str) -> None:
        if data.strip():
            self._name()

    def handle_endtag(self, tag: str) -> None:
        if self._named and self._named[-1][0] == tag:
            _tag, text, has_name = self._named.pop()
            if not has_name:
                self.faults.append(f"no name: {text}")

    def _name(self) -> None:
        self._named = [(tag, text, True) for tag, text, _has_name in self._named]


@pytest.fixture(scope="module", autouse=True)
def axe() -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed (npm ci)")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    made = furnished(tmp_path_factory.mktemp("furnished"))
    yield made
    made.services.engine.dispose()


@pytest.fixture(scope="module")
def clients(place: Furnished) -> dict[str, FlaskClient]:
    return {account: sign_in(place.app, account) for account in ROLES}


@pytest.fixture(scope="module")
def shown(place: Furnished, clients: dict[str, FlaskClient]) -> list[Shown]:
    """Each page for each role that may see it: the first example that the role may open. In the usual run for one role, and
    for one of ``OTHER_ROLES``."""
    found: list[Shown] = []
    roles = {account: may_enter(place.app, place.house.who(account)) for account in ROLES}
    with bare_refusals():
        for rule in place.app.url_map.iter_rules():
            if "GET" not in (rule.methods or ()) or FILE.search(rule.rule) or rule.endpoint in NO_PAGES:
                continue
            for account, client in clients.items():
                if rule.endpoint not in roles[account]:
                    continue
                is_first = not found or found[-1].endpoint != rule.endpoint
                if not is_first and not in_turn(f"{account} {rule.endpoint}", OTHER_ROLES):
                    continue
                own = place.own.get((rule.endpoint, account)) or place.own.get((rule.endpoint, ""))
                for path in [own] if own else addresses(place, rule):
                    answer = client.get(path)
                    if answer.status_code == 200:
                        found.append(Shown(rule.endpoint, account, path, answer.raw))  # type: ignore[attr-defined]
                        break
    return found


def test_every_route_has_an_example_or_a_reason(place: Furnished, shown: list[Shown]) -> None:
    routes = {
        rule.endpoint
        for rule in place.app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not FILE.search(rule.rule)
    }
    assert not sorted(routes - {one.endpoint for one in shown} - NO_PAGES.keys() - {"session.sign_in_form"})
    assert not sorted(NO_PAGES.keys() - routes), "a reason for a route that is not there"


def test_every_page_has_a_title_and_one_heading_for_each_role(shown: list[Shown]) -> None:
    wrong = [
        f"{one.account} {one.path}"
        for one in shown
        if one.text.count("<h1") != 1 or not re.search(r"<title>[^<]*\w[^<]*</title>", one.text)
    ]
    assert not wrong, "\n".join(wrong)


def test_what_a_page_refers_to_is_there_and_what_is_pressed_has_a_name(shown: list[Shown]) -> None:
    wrong = [f"{one.account} {one.path}: {fault}" for one in shown for fault in Names(one.text).faults]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('<p id="a"></p><p id="a"></p>', "the id a is given 2 times"),
        ('<label for="b">B</label>', "no element has the id b"),
        ("<h1>A</h1><h3>B</h3>", "h3 after h1"),
        ('<a href="/"><span> </span></a>', 'no name: <a href="/">'),
    ],
)
def test_names_that_are_wrong_are_found(text: str, fault: str) -> None:
    assert Names(text).faults == [fault]


def _new_to_look_at(shown: list[Shown]) -> list[Shown]:
    """The pages on which each kind of element stands that any role is shown, and of the others one of ``LOOKED_AT``."""
    if LONG_RUN:
        return shown
    first = _once(shown)
    chosen, known = [one for one in first if in_turn(one.endpoint, LOOKED_AT)], Elements()
    for one in chosen:
        known.add(one.elements)

    def new_on(one: Shown) -> int:
        return len(one.elements.kinds - known.kinds) + len(one.elements.frame - known.frame)

    # Each time the page with the most new kinds: fewer pages then show them all.
    while new_on(best := max(shown, key=new_on)):
        chosen.append(best)
        known.add(best.elements)
    return chosen


def test_every_page_is_accessible_and_fits_in_both_languages(
    place: Furnished, shown: list[Shown], clients: dict[str, FlaskClient], browser: Browser
) -> None:
    """In English every text that people wrote is one very long word."""
    chosen, walk = _new_to_look_at(shown), Walk()
    with served(place.app) as url:
        _walk(browser, url, clients, chosen, "fr", walk)
        _speak(place, "en")
        _write_long_words(place)
        in_english = [one for one in _once(chosen) if in_turn(one.endpoint, IN_ENGLISH)]
        _walk(browser, url, clients, chosen if LONG_RUN else in_english, "en", walk)
    walk.told(f"{len({one.endpoint for one in shown})} pages, {len(shown)} with roles, {len(chosen)} looked at")


def test_a_refused_form_is_accessible_on_every_page(
    place: Furnished, shown: list[Shown], clients: dict[str, FlaskClient], browser: Browser
) -> None:
    """Each form with a required field is sent empty. The page with its errors is checked."""
    walk, forms = Walk(), 0
    chosen = _once([one for one in shown if " required" in one.text])
    chosen = [one for one in chosen if in_turn(one.endpoint, REFUSED)]
    _speak(place, "fr")
    with served(place.app) as url:
        for account in ROLES:
            with _signed_in(browser, url, clients[account], walk) as page:
                for one in chosen:
                    if one.account != account:
                        continue
                    page.goto(one.path)
                    count = page.evaluate(REQUIRING)
                    for n in range(count):
                        if n:
                            page.goto(one.path)
                        forms += _send_empty(page, one.path, n, walk)
    assert forms > (20 if LONG_RUN else 3), "forms with required fields are no longer found"
    walk.told(f"{forms} refused forms")


def _once(shown: list[Shown]) -> list[Shown]:
    """Each page for one role."""
    return list({one.endpoint: one for one in reversed(shown)}.values())


def _send_empty(page: Page, path: str, n: int, walk: Walk) -> int:
    """Send the n-th form of the loaded page without its required values. Returns 1 when the response is a page with
    errors."""
    walk.expected = 1
    with page.expect_navigation(wait_until="load") as sent:
        page.evaluate(SEND_EMPTY, n)
    answer = sent.value
    assert answer is not None
    if "/mon-compte/confirmer" in page.url:  # the password is asked for first, whatever the form contains
        return 0
    if answer.status != 422:
        walk.wrong.append(f"{path}: its form {n}, sent empty, is answered {answer.status}")
        return 0
    if not page.evaluate("document.querySelector('.errors, .error-summary, [aria-invalid=true]') !== null"):
        walk.wrong.append(f"{path}: the refused form {n} names no error")
    look_at(page, "fr", walk, where=f"{path} refused")
    return 1


def test_pages_without_content_and_errors_are_accessible(shown: list[Shown], tmp_path: Path, browser: Browser) -> None:
    """A ministry on its first day; a page that does not exist, and one that the person may not see."""
    app, services = make_site(tmp_path)
    walk, known = Walk(), defaultdict[str, set[tuple[str, str]]](set)
    for one in shown:
        # In the usual run a kind that stands on any page with content is known: it is looked at there.
        known[one.endpoint if LONG_RUN else ""] |= one.elements.kinds
    clients = {account: sign_in(app, account) for account in ROLES if account != "auditeur"}
    lists = {one.endpoint: one.path for one in shown if not any(c.isdigit() for c in one.path)}
    chosen, seen = [], set[str]()
    for account, client in clients.items():
        for endpoint, path in lists.items():
            answer = client.get(path.partition("?")[0]) if endpoint not in seen else None
            if answer is not None and answer.status_code == 200:
                seen.add(endpoint)
                own = Elements(answer.raw).kinds  # type: ignore[attr-defined]
                if own - known[endpoint if LONG_RUN else ""] or in_turn(f"empty {endpoint}", LOOKED_AT):
                    known[""] |= own
                    chosen.append(Shown(endpoint, account, path.partition("?")[0], answer.raw))  # type: ignore[attr-defined]
    refused = [Shown("", "etudes", path, "") for path in ("/nulle-part", "/administration/", "/courriers/999999")]
    assert [clients["etudes"].get(one.path).status_code for one in refused] == [404, 403, 404]
    with served(app) as url:
        _walk(browser, url, clients, chosen, "fr", walk)
        walk.expected += len(refused)
        _walk(browser, url, clients, refused, "fr", walk)
    services.engine.dispose()
    walk.told(f"{len(chosen)} pages without content, {len(refused)} refusals")


def _write_long_words(place: Furnished) -> None:
    for table, column, length in LONG:
        with place.services.unit_of_work(NOW) as uow:
            uow.session.execute(update(table).values({column: "W" * length}))


def _speak(place: Furnished, language: str) -> None:
    with place.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).values(language=language))


def _walk(
    browser: Browser, url: str, clients: dict[str, FlaskClient], chosen: list[Shown], language: str, walk: Walk
) -> None:
    for account, client in clients.items():
        mine = [one.path for one in chosen if one.account == account]
        if not mine:
            continue
        with _signed_in(browser, url, client, walk) as page:
            for path in mine:
                page.set_viewport_size({"width": WIDTHS[0], "height": 800})
                page.goto(path, wait_until="load")
                walk.loads += 1
                look_at(page, language, walk, where=path)


@contextmanager
def _signed_in(browser: Browser, url: str, client: FlaskClient, walk: Walk) -> Iterator[Page]:
    """A window with the session of a client."""
    cookie = client.get_cookie("ged")
    assert cookie is not None
    with browser.new_context(base_url=url, locale="fr-FR", viewport={"width": WIDTHS[0], "height": 800}) as context:
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": url}])
        page = context.new_page()
        page.on("pageerror", lambda error: walk.wrong.append(f"{page.url}: {error}"))
        page.on("console", lambda line: walk.heard(page.url, line.text) if line.type in ("error", "warning") else None)
        yield page


def look_at(page: Page, language: str, walk: Walk, *, where: str) -> None:
    """Check the loaded page at both widths: axe at one width for each language, or at both."""
    shows, seen_by_axe = Elements(page.content()), walk.seen[language]
    is_new = LONG_RUN or bool(shows.kinds - seen_by_axe.kinds or shows.frame - seen_by_axe.frame)
    without = [] if LONG_RUN or shows.styled - seen_by_axe.styled else [CONTRAST]
    seen_by_axe.add(shows)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        by_axe = LONG_RUN or (width == AXE_AT[language] and is_new)
        if by_axe:
            page.evaluate(walk.axe)
        found = page.evaluate(LOOK, [by_axe, without])
        walk.looks += 1
        walk.axe_runs += by_axe
        walk.contrasts += by_axe and not without
        seen = f"{where} {language} {width}"
        if found["language"] != language:
            walk.wrong.append(f"{seen}: is in {found['language']}")
        if found["wide"] > width:
            walk.wrong.append(f"{seen}: {found['wide']} wide, by {found['widest']}")
        if found["headings"] != 1:
            walk.wrong.append(f"{seen}: {found['headings']} headings of the first level")
        walk.wrong += [f"{seen}: {one}" for one in found["violations"]]
