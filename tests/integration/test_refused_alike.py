"""Hidden rows and missing rows are refused equally, on every page. Probes do not fill the journal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.routing import Rule

from ged.audit import AuditEntry, AuditPayload
from ged.org.models import Person
from ged.org.refusals import RefusalCount
from ged.unit import Role, Services
from tests.factories import NOW, actor, add_entity
from tests.furnished_kit import may_enter, without_navigation
from tests.letter_kit import document, given_on, make_place, opened_envelope, sent_on, signed_answer
from tests.signbook_kit import House
from tests.site import Clock, give_passwords, sign_in, token
from web.site import context
from web.site.numbers import IdConverter

NOT_THERE = 999_999
THERE = range(1, 6)
"""Ids that exist in the ministry. It has five registers; the sixth is the stranger's."""
INSIDERS = ("agent", "sg", "dge", "admin")
READ = frozenset({
    "correspondents.edit_form", "correspondents.show", "dispatch.line", "dispatch.show", "documents.original",
    "documents.show", "drafts.show_versions", "envelopes.show", "inbox.show", "letter_readers.index", "letters.show", "notes.show", "register.done",
    "registers.show", "signbook.show", "slips.show",
})  # fmt: skip
"""Pages for which the scene has a row that a member of the ministry reads: a stranger is refused an existing row."""
TOKENS = re.compile(r'"X-CSRFToken": "[^"]+"|name="(?:csrf_token|next)" value="[^"]+"')
"""What differs on two pages and tells nothing: the form's token, and the address that was asked for."""


@dataclass
class Scene:
    app: Flask
    house: House

    @property
    def services(self) -> Services:
        return self.house.services


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Letters with a long history. One stranger, ``ceet``, is the mail office and the head of another entity."""
    folder = tmp_path_factory.mktemp("alike")
    app, house = make_place(folder)
    incoming, _answer = signed_answer(house)
    document(house, incoming, "Plan")
    given_on(house, incoming)
    sent_on(house, incoming)
    opened_envelope(house)
    with house.services.unit_of_work(NOW) as uow:
        add_entity(uow.session, Role.CLERK, Role.AUTHORITY, Role.SIGNATORY, clearance=2)
        uow.session.add(Person(account="autre", name="Autre"))
    give_passwords(house.services)
    yield Scene(app, house)
    house.services.engine.dispose()


def rules(app: Flask, method: str) -> list[Rule]:
    """All routes that take an id."""
    return [
        rule
        for rule in app.url_map.iter_rules()
        if method in (rule.methods or ()) and rule.arguments
        and all(isinstance(one, IdConverter) for one in rule._converters.values())
        and not rule.rule.startswith(("/api/", "/mon-compte/sessions/"))  # it would end the stranger's own session
    ]  # fmt: skip


class Prober:
    """A person who tries ids, and the responses."""

    def __init__(self, scene: Scene, account: str) -> None:
        self.services = scene.services
        self.person_id = actor(scene.services, account).person_id
        self.adapter = scene.app.url_map.bind("localhost")
        self.client = sign_in(scene.app, account)
        self.token = token(self.client.get("/mon-compte/mot-de-passe").text)

    def asks(self, method: str, rule: Rule, number: int) -> tuple[int, str, int]:
        """(status, words when the page says that nothing is there, number of counted refusals)."""
        values = dict.fromkeys(rule._converters, 1) | {next(iter(rule._converters)): number}
        path = self.adapter.build(rule.endpoint, values, method)
        data = {"csrf_token": self.token} if method == "POST" else None
        before = self._counted()
        with without_navigation(), self.client.open(path, method=method, data=data) as answer:
            words = TOKENS.sub("", answer.data.decode()) if answer.status_code == 404 else ""
            status, counted = answer.status_code, self._counted() - before
        if status in (302, 303):  # a message on the next page is not part of the next response
            self.client.get("/mon-compte/mot-de-passe")
        return status, words, counted

    def _counted(self) -> int:
        mine = RefusalCount.subject == f"person:{self.person_id}"
        with self.services.reading() as session:
            return session.scalar(select(func.sum(RefusalCount.count)).where(mine)) or 0


@pytest.mark.parametrize(("method", "numbers"), [("GET", THERE), ("POST", THERE[:2])])
def test_what_is_there_and_what_is_not_are_refused_alike_on_every_page(
    scene: Scene, method: str, numbers: range
) -> None:
    stranger, told = Prober(scene, "ceet"), []
    entered = may_enter(scene.app, actor(scene.services, "ceet"))
    for rule in rules(scene.app, method):
        missing = stranger.asks(method, rule, NOT_THERE)
        # A route that the access list closes looks at no id.
        for number in numbers if rule.endpoint in entered else numbers[:1]:
            found = stranger.asks(method, rule, number)
            if 404 in (found[0], missing[0]) and found != missing:
                told.append((rule.rule, number, found[0], missing[0], found[2], missing[2]))
    assert told == [], "a stranger can tell what is there"


def test_what_the_stranger_asked_for_was_there(scene: Scene) -> None:
    insiders = [Prober(scene, account) for account in INSIDERS]
    read = {
        rule.endpoint
        for rule in rules(scene.app, "GET")
        if rule.endpoint in READ and any(one.asks("GET", rule, n)[0] == 200 for one in insiders for n in THERE)
    }
    assert read == READ, "nothing of it is in the scene"


def test_many_probes_leave_a_few_entries_and_are_told_to_who_reads_the_journal(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "datetime", Clock())  # within one hour
    prober = Prober(scene, "autre")
    for n in range(70):
        with prober.client.get(f"/courriers/{(*THERE, NOT_THERE)[n % 6]}") as answer:
            assert answer.status_code == 404
    with scene.services.reading() as session:
        payloads = session.scalars(
            select(AuditPayload.payload)
            .join(AuditEntry, AuditEntry.sequence == AuditPayload.sequence)
            .where(AuditEntry.action == "access.refused", AuditEntry.person_id == prober.person_id)
            .order_by(AuditEntry.sequence)
        ).all()
    assert [one["within_the_hour"] for one in payloads] == [*range(1, 21), 32, 64]
    with sign_in(scene.app, "admin").get("/administration/journal?person=autre") as page:
        assert "s'est vu refuser l'accès" in page.text
