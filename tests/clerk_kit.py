"""Clerks in threads who register letters through a site, and repeat a request until the site gives a number."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from demo.client import Person, read_page
from tests.site import PASSWORD


@dataclass
class Clerk:
    """A thread's clerk. A form without a response, or with a status of 500 or more, is sent again until it succeeds."""

    place: str
    name: str
    stop: threading.Event
    account: str = "agent"
    password: str = PASSWORD
    answered: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Subject -> (id of the number, its text), for each letter whose number the site displayed."""
    failures: list[str] = field(default_factory=list)

    def work(self) -> None:
        """Register letters, one after another, until ``stop`` is set."""
        person = self._come_in()
        try:
            n = 0
            while not self.stop.is_set():
                n += 1
                self._register(person, f"lettre {self.name}-{n}")
        finally:
            person.close()

    def _come_in(self) -> Person:
        while True:
            try:
                return Person(self.place, self.account, self.password)
            except httpx.HTTPError as failure:
                self.failures.append(type(failure).__name__)
                time.sleep(0.05)

    def _register(self, person: Person, subject: str) -> None:
        page = read_page(self._insist(lambda: person.http.get("/enregistrer/"), (200,)))
        form = page.form("/enregistrer")
        values = {name: list(found) for name, found in form.fields.items()}
        values |= {"subject": [subject], "sender_name": ["Préfecture de Yoto"]}
        values["addressed_post_id"] = [next(v for v, _ in form.choices["addressed_post_id"] if v)]
        sent = self._insist(lambda: person.http.post(form.action, data=values, follow_redirects=False), (303,))
        shown = self._insist(lambda: person.http.get(sent.headers["location"]), (200,))
        number = re.search(r"\d{5}/[^\s<]+", shown.text)
        assert number, shown.text
        number_id = re.search(r"/(\d+)/enregistre", sent.headers["location"])
        assert number_id, sent.headers
        self.answered[subject] = int(number_id[1]), number[0]

    def _insist(self, ask: Callable[[], httpx.Response], wanted: tuple[int, ...]) -> httpx.Response:
        while True:
            try:
                answer = ask()
            except httpx.HTTPError as failure:
                self.failures.append(type(failure).__name__)
            else:
                if answer.status_code in wanted:
                    return answer
                assert answer.status_code >= 500, f"{answer.status_code}: {answer.text[:500]}"
                self.failures.append(str(answer.status_code))
            time.sleep(0.05)


def wait_for(what: Callable[[], bool], *, within_s: float = 60) -> None:
    """Wait until ``what()`` holds; AssertionError after ``within_s`` seconds."""
    until = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.01)
