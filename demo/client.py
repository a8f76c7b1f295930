"""Simulates a person at a browser without JavaScript, who opens pages, fills their forms and follows redirects.

It knows the site only by its HTTP responses. Forms are found on the page, with their hidden fields and defaults, so
that a form that a page does not offer cannot be sent.
"""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx

from ged.typography import plain

Values = Mapping[str, str | Sequence[str]]


@dataclass
class Form:
    """A form of a page: its target, and the values that it would send unchanged."""

    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    """(name, value, text) of the submit buttons."""
    choices: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """(value, text) of the options of each select, radio or box."""
    ways: list[str] = field(default_factory=list)
    """Other addresses to which its buttons send it (``formaction``)."""


@dataclass(frozen=True)
class Page:
    """A response: its address, status, text, forms and links."""

    url: str
    status: int
    text: str
    forms: tuple[Form, ...]
    links: tuple[tuple[str, str], ...]
    words: str
    """The page's visible text, with single blanks."""

    @property
    def path(self) -> str:
        """The path of the address."""
        return urlsplit(self.url).path

    def form(self, part: str) -> Form:
        """The form whose action contains ``part``, or that a button of its sends there.

        Raises:
            AssertionError: there is no such form; the message lists the forms of the page.
        """
        for form in self.forms:
            if part in form.action:
                return form
        for form in self.forms:
            for way in form.ways:
                if part in way:
                    return replace(form, action=way)
        raise AssertionError(
            f"{self.url}: no form to {part!r}, only {[f.action for f in self.forms]}; {self.words[:300]}"
        )

    def link(self, part: str) -> str:
        """The address of the first link that contains ``part`` in its address or text.

        Raises:
            AssertionError: there is none.
        """
        for href, text in self.links:
            if part in href or part in text:
                return href
        raise AssertionError(f"{self.url}: no link to {part!r}; {self.words[:300]}")


class _Reader(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.words: list[str] = []
        self._form: Form | None = None
        self._outside: dict[str, Form] = {}
        self._select: str | None = None
        self._option: tuple[str, bool] | None = None
        self._textarea: str | None = None
        self._text: list[str] = []
        self._href: str | None = None
        self._button: tuple[str, str] | None = None
        self._skip = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in ("script", "style"):
            self._skip += 1
        elif tag == "form":
            action = urljoin(self.url, given.get("action") or self.url)
            self._form = Form(action, given.get("method", "get").lower())
            self.forms.append(self._form)
            if "id" in given:
                self._outside[given["id"]] = self._form
        elif tag == "a":
            self._href, self._text = urljoin(self.url, given.get("href", "")), []
        else:
            owner = self._outside.get(given.get("form", "")) or self._form
            if owner is not None and "disabled" not in given:
                self._control(tag, given, owner)

    def _control(self, tag: str, given: dict[str, str], form: Form) -> None:
        name, value = given.get("name", ""), given.get("value", "")
        kind = given.get("type", "submit" if tag == "button" else "text")
        if tag == "input" and name:
            form.names.add(name)
            if kind in ("checkbox", "radio"):
                form.choices.setdefault(name, []).append((value or "on", given.get("id", "")))
                if "checked" in given:
                    form.fields.setdefault(name, []).append(value or "on")
            elif kind not in ("submit", "file", "button"):
                form.fields.setdefault(name, []).append(value)
        elif tag == "select" and name:
            form.names.add(name)
            self._select = name
            form.choices.setdefault(name, [])
        elif tag == "option" and self._select:
            self._option, self._text = (value, "selected" in given), []
        elif tag == "textarea" and name:
            form.names.add(name)
            self._textarea, self._text = name, []
        elif tag == "button" and kind == "submit":
            self._button, self._text = (name, value), []
            if "formaction" in given:
                form.ways.append(urljoin(self.url, given["formaction"]))

    def handle_endtag(self, tag: str) -> None:
        text = " ".join("".join(self._text).split())
        if tag in ("script", "style"):
            self._skip -= 1
        elif tag == "form":
            self._form = None
        elif tag == "a" and self._href is not None:
            self.links.append((self._href, text))
            self._href = None
        elif tag == "option" and self._form and self._select and self._option:
            value, selected = self._option
            self._form.choices[self._select].append((value, text))
            if selected:
                self._form.fields[self._select] = [value]
            self._option = None
        elif tag == "select" and self._form and self._select:
            options = self._form.choices[self._select]
            if options:
                # As a browser, which sends the first option where none is selected.
                self._form.fields.setdefault(self._select, [options[0][0]])
            self._select = None
        elif tag == "textarea" and self._form and self._textarea:
            # As a browser, which drops the line break behind the tag.
            self._form.fields.setdefault(self._textarea, []).append("".join(self._text).lstrip("\n"))
            self._textarea = None
        elif tag == "button" and self._form and self._button:
            self._form.buttons.append((*self._button, text))
            self._button = None

    def handle_data(self, data: str) -> None:
        if not self._skip:
            self.words.append(data)
            self._text.append(data)


def read_page(answer: httpx.Response) -> Page:
    """The page of a response."""
    url = str(answer.url)
    if "html" not in answer.headers.get("content-type", ""):
        return Page(url, answer.status_code, "", (), (), "")
    reader = _Reader(url)
    reader.feed(answer.text)
    words = plain(" ".join(" ".join(reader.words).split()))
    return Page(url, answer.status_code, answer.text, tuple(reader.forms), tuple(reader.links), words)


@cache
def _trust() -> ssl.SSLContext:
    # Made once: it reads all roots of the machine, 20 ms of processor time.
    return ssl.create_default_context()


class Person:
    """A signed-in person."""

    def __init__(self, base_url: str, account: str, password: str) -> None:
        self.account = account
        self.http = httpx.Client(base_url=base_url, follow_redirects=True, timeout=60, verify=_trust())
        page = self.open("/connexion")
        self.send(page.form("connexion"), {"account": account, "password": password})

    def close(self) -> None:
        """Leave the browser; the session ends by itself."""
        self.http.close()

    def open(self, path: str, *, expect: int = 200) -> Page:
        """Open a page.

        Raises:
            AssertionError: the status is not the expected status.
        """
        return self._checked(self.http.get(path), expect)

    def send(
        self,
        form: Form,
        values: Values,
        *,
        expect: int = 200,
        button: str | None = None,
        files: Sequence[tuple[str, tuple[str, bytes, str]]] = (),
    ) -> Page:
        """Fill a form of a page and send it.

        Args:
            button: text (or name) of the button pressed, when it matters.

        Raises:
            AssertionError: the form has no such field, or the response has not the expected status.
        """
        data: dict[str, str | list[str]] = {name: list(found) for name, found in form.fields.items()}
        for name, value in values.items():
            if name not in form.names:
                raise AssertionError(f"{form.action}: no field {name!r}, only {sorted(form.names)}")
            data[name] = value if isinstance(value, str) else list(value)
        if button is not None:
            pressed = [b for b in form.buttons if button in (b[0], b[2]) or button in b[2]]
            if not pressed:
                raise AssertionError(f"{form.action}: no button {button!r}, only {form.buttons}")
            if pressed[0][0]:
                data[pressed[0][0]] = pressed[0][1]
        if form.method == "get":
            return self._checked(self.http.get(form.action, params=data), expect)
        return self._checked(self.http.post(form.action, data=data, files=list(files) or None), expect)

    def fetch(self, path: str) -> bytes:
        """The bytes of a file.

        Raises:
            AssertionError: the status is not 200.
        """
        answer = self.http.get(path)
        assert answer.status_code == 200, f"{self.account}: {path} -> {answer.status_code}"
        return answer.content

    def _checked(self, answer: httpx.Response, expect: int) -> Page:
        page = read_page(answer)
        if page.status != expect:
            raise AssertionError(
                f"{self.account}: {answer.request.method} {answer.request.url} -> {page.status}: {page.words[:600]}"
            )
        return page
