"""Rows that are hidden and rows that are missing are refused alike, too, where a form is sent with all its fields.

An empty form is refused before most operations look at their row. Here the reader of forms makes up each field that a view
asks for. The stranger has each role, in another entity: the access list closes few routes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time, timedelta
from enum import Enum
from io import BytesIO
from itertools import product
from typing import Any, NamedTuple

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.routing import Rule

from ged.capture.models import OrderState, ScanOrder
from ged.capture.profiles import ScanProfile
from ged.entry.models import FactorReset
from ged.models import metadata
from ged.org.models import FirstAccess
from ged.org.refusals import RefusalCount
from ged.unit import Role
from tests.factories import NOW, TODAY, actor, add_entity
from tests.furnished_kit import Furnished, furnished, may_enter, without_navigation
from tests.ministries_kit import ARGUMENTS, OF_ALL
from tests.pages import png
from tests.sample_kit import LONG_RUN, in_turn
from tests.site import give_passwords, sign_in, token
from web.site.forms import FormReader
from web.site.numbers import IdConverter

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

NOT_THERE = 999_999
ASKED_OF = 4
"""The usual run asks one route of this number; the long run asks all."""
MORE = {
    "order_id": "scan_orders", "profile_id": "scan_profiles", "batch_id": "scan_batches", "reset_id": "factor_resets",
    "opening_id": "first_accesses",
}  # fmt: skip
"""Argument -> table, for routes that take forms alone; ``ARGUMENTS`` has those of pages."""
TOKENS = re.compile(r'"X-CSRFToken": "[^"]+"|name="(?:csrf_token|next|request_token)" value="[^"]*"')


class Filled(FormReader):
    """A reader of forms that makes up what is not in the form."""

    def _raw(self, name: str, required: bool) -> str:  # nothing is missing
        return super()._raw(name, required=False)

    def text(self, name: str, *, required: bool = False, maximum: int = 500) -> str:
        return super().text(name, maximum=maximum) or "Motif"[:maximum]

    def printed(self, name: str, *, required: bool = False, maximum: int = 500) -> str:
        return super().printed(name, maximum=maximum) or "Motif"[:maximum]

    def secret(self, name: str, *, required: bool = True) -> str:
        return super().secret(name, required=False) or "un mot de passe"

    def integer(self, name: str, *, required: bool = False, minimum: int = 0, maximum: int = 2**31 - 1) -> int | None:
        found = super().integer(name, required=required, minimum=minimum, maximum=maximum)
        return found if found is not None else min(max(1, minimum), maximum)

    def integers(self, name: str) -> tuple[int, ...]:
        return super().integers(name) or (1,)

    def day(self, name: str, *, required: bool = False) -> date | None:
        return super().day(name, required=required) or TODAY

    def clock(self, name: str, *, required: bool = False) -> time | None:
        return super().clock(name, required=required) or time(9)

    def amount(self, name: str, *, maximum: int = 10**14) -> int | None:
        return super().amount(name, maximum=maximum) or 1

    def choice(self, name: str, kind: type[Enum], *, required: bool = False) -> Any:
        return super().choice(name, kind, required=required) or next(iter(kind))

    def ticked(self, name: str) -> bool:
        return True


class Refused(NamedTuple):
    """What the stranger is told: status, the words of a page that says that nothing is there, and what the journal counts."""

    status: int
    words: str
    counted: int


class Prober:
    """A person who sends full forms to ids."""

    def __init__(self, place: Furnished, account: str) -> None:
        self.services = place.services
        self.person_id = actor(place.services, account).person_id
        self.adapter = place.app.url_map.bind("localhost")
        self.client = sign_in(place.app, account)
        self.token = token(self.client.get("/mon-compte/mot-de-passe").text)

    def sends(self, rule: Rule, values: Mapping[str, Any]) -> Refused:
        data: dict[str, Any] = {"csrf_token": self.token, "version": "1", "reason": "Motif", "subject": "Objet"}
        data |= {name: (BytesIO(png("Page")), "page.png") for name in ("file", "word", "certificate")}
        path = self.adapter.build(rule.endpoint, values, "POST")
        before = self._counted()
        with without_navigation(), self.client.post(path, data=data, content_type="multipart/form-data") as answer:
            words = TOKENS.sub("", answer.text) if answer.status_code == 404 else ""
            told = Refused(answer.status_code, words, self._counted() - before)
        if told.status in (302, 303):  # a message on the next page is not part of the next response
            self.client.get("/mon-compte/mot-de-passe").close()
        return told

    def _counted(self) -> int:
        mine = RefusalCount.subject == f"person:{self.person_id}"
        with self.services.reading() as session:
            return session.scalar(select(func.sum(RefusalCount.count)).where(mine)) or 0


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    made = furnished(tmp_path_factory.mktemp("alike"))
    _asked_for_by_the_ministry(made)
    yield made
    made.services.engine.dispose()


def _asked_for_by_the_ministry(made: Furnished) -> None:
    """An order to a scanner, settings of a scanner that were kept, a reset and a first access that wait."""
    who = {account: actor(made.services, account) for account in ("admin", "agent", "daf", "etudes")}
    unit_id = who["agent"].posts[0].unit_id
    later = NOW + timedelta(days=9_000)
    with made.services.unit_of_work(NOW) as uow:
        uow.session.add_all([
            ScanOrder(
                bridge_id=made.samples["bridge_id"][0], batch_key="lot", mode="gray", dpi=300, state=OrderState.DONE,
                ordered_at=NOW, changed_at=NOW,
            ),
            ScanProfile(unit_id=unit_id, name="Arrivée", source="", mode="gray", dpi=300, sides="simplex", paper="a4", made_at=NOW),
            FactorReset(
                person_id=int(who["etudes"].person_id), reason="Perdu", asked_by_id=int(who["admin"].person_id),
                asked_at=NOW, expires_at=later,
            ),
            FirstAccess(
                person_id=int(who["etudes"].person_id), code_hash="0" * 64, made_by_id=int(who["admin"].person_id),
                made_at=NOW, expires_at=later,
            ),
        ])  # fmt: skip


def ids_of(place: Furnished, name: str) -> Sequence[Any]:
    """Some values of an argument: of a row the first and the last one that there are."""
    table = metadata.tables.get((ARGUMENTS | MORE).get(name, ""))
    if table is None:
        return list(place.samples.get(name, ()))[:1] or [1]
    with place.services.reading() as session:
        found = session.scalars(select(table.c.id).order_by(table.c.id)).all()
    return list(dict.fromkeys([*found[:1], *list(place.samples.get(name, ()))[:1], *found[-1:]])) or [1]


def rules(app: Flask) -> list[Rule]:
    """The routes that a form is sent to, and that take the id of a row of a ministry."""
    return [
        rule
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and _first_id(rule)
        and not rule.rule.startswith(("/api/", "/mon-compte/sessions/"))
    ]  # fmt: skip


def _first_id(rule: Rule) -> str:
    named = [name for name, one in rule._converters.items() if isinstance(one, IdConverter)]
    return named[0] if named and named[0] not in OF_ALL else ""


def test_what_is_there_and_what_is_not_are_refused_alike_with_full_forms(
    place: Furnished, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {name: ids_of(place, name) for rule in rules(place.app) for name in rule._converters}
    with place.services.unit_of_work(NOW) as uow:  # now, so that nothing of the stranger's is among these ids
        add_entity(uow.session, *Role, clearance=2)
    give_passwords(place.services)
    for module in [one for name, one in sys.modules.items() if name.startswith("web.")]:
        if getattr(module, "FormReader", None) is FormReader:
            monkeypatch.setattr(module, "FormReader", Filled)
    stranger, entered = Prober(place, "ceet"), may_enter(place.app, actor(place.services, "ceet"))
    told, asked = [], 0
    for rule in rules(place.app):
        if rule.endpoint not in entered or not (LONG_RUN or in_turn(rule.endpoint, ASKED_OF)):
            continue
        names = list(rule._converters)
        rows = [dict(zip(names, values, strict=True)) for values in product(*(given[name] for name in names))][:4]
        missing = stranger.sends(rule, rows[0] | {_first_id(rule): NOT_THERE})
        for row in rows:
            found, asked = stranger.sends(rule, row), asked + 1
            if found != missing or found.status >= 500:
                told.append((rule.rule, row, found.status, missing.status, found.counted, missing.counted))
    assert not told, "a stranger can tell what is there:\n" + "\n".join(map(str, told))
    assert asked > (200 if LONG_RUN else 40), "the routes are no longer found"


@pytest.mark.parametrize(
    "name", [*MORE, "mail_id", "slip_id", "scan_id", "attachment_id", "envelope_id", "register_id"]
)
def test_there_is_something_to_tell(place: Furnished, name: str) -> None:
    with place.services.reading() as session:
        assert session.scalar(select(func.count()).select_from(metadata.tables[(ARGUMENTS | MORE)[name]]))
