"""One paper is one problem of a unit, on however many slips it had a fault: one task is shown, and settling it settles all."""

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from ged.errors import Invalid
from ged.morning import queries as morning
from ged.morning.base import Kind
from ged.org.models import Unit
from ged.slips import answers, queries, render, tasks
from ged.slips.answers import AnswerLine
from ged.slips.drafting import LineForm
from ged.slips.models import Slip, SlipKind, SlipTask, TaskState
from ged.slips.states import LineState
from ged.unit import Services
from tests import slip_kit as kit
from tests.factories import NOW, actor, make_services
from tests.site import make_site, sign_in

OK, DAMAGED, MISSING = LineState.RECEIVED, LineState.DAMAGED, LineState.MISSING
HOUR = timedelta(hours=1)

Site = tuple[Flask, Services]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    url = request.getfixturevalue("make_database")() if request.param == "postgresql" else None
    app, services = make_site(tmp_path, services=make_services(tmp_path, url=url))
    yield app, services
    services.checker.close()
    services.engine.dispose()


def lost_twice(services: Services) -> tuple[int, int]:
    """A letter that was missing on two slips to two units. Returns the ids of the slips."""
    letter = kit.letter(services)
    first = kit.send(services, LineForm(mail_id=letter))
    kit.take(services, first.slip_id, MISSING)
    second = kit.send(services, LineForm(mail_id=letter), to=("DAF",), now=NOW + HOUR)
    kit.take(services, second.slip_id, MISSING, receiver="daf", now=NOW + 2 * HOUR)
    return first.slip_id, second.slip_id


def to_settle(services: Services, account: str = "agent") -> list[tuple[int, LineState]]:
    """Slip and finding of each task that an account is shown; the morning's point counts as many."""
    who = actor(services, account)
    with services.reading() as session:
        found = queries.open_tasks(session, who)
        counts = morning.counts(session, services, who, now=NOW + 3 * HOUR)
        told = sum(part.total for part in counts if part.kind is Kind.DISCREPANCIES)
    assert told == len(found)
    return [(int(row.slip_id), row.kind) for row in found]


def settle(services: Services, slip_id: int, remark: str = "Retrouvé", account: str = "agent") -> None:
    with services.unit_of_work(NOW + 4 * HOUR) as uow:
        task_id = uow.session.scalars(select(SlipTask.id).where(SlipTask.slip_id == slip_id)).one()
        tasks.settle_task(uow, task_id, remark=remark, actor=actor(services, account), now=uow.now)


def states(services: Services) -> list[TaskState]:
    with services.reading() as session:
        return list(session.scalars(select(SlipTask.state).order_by(SlipTask.id)))


def test_a_paper_that_was_missing_twice_is_one_task_and_settling_it_settles_both(site: Site) -> None:
    app, services = site
    first, second = lost_twice(services)
    assert to_settle(services) == [(second, MISSING)]
    clerk = sign_in(app, "agent")
    assert clerk.get("/bordereaux/").text.count('action="/bordereaux/taches/') == 1
    earlier = clerk.get(f"/bordereaux/{first}").text
    assert f'à régler avec <span class="nowrap"><a href="/bordereaux/{second}">' in earlier
    assert "à régler avec" not in clerk.get(f"/bordereaux/{second}").text
    seen_by_receiver = sign_in(app, "dge").get(f"/bordereaux/{first}").text
    assert "à régler" in seen_by_receiver
    assert f"/bordereaux/{second}" not in seen_by_receiver, "the slip to another unit is not told to this one"
    settle(services, second, "Retrouvé et porté")
    assert states(services) == [TaskState.SETTLED] * 2
    assert to_settle(services) == []
    assert "réglé : Retrouvé et porté" in clerk.get(f"/bordereaux/{first}").text


def test_who_settles_from_an_old_page_leaves_what_was_found_since(site: Site) -> None:
    services = site[1]
    first, second = lost_twice(services)
    settle(services, first)
    assert states(services) == [TaskState.SETTLED, TaskState.OPEN]
    assert to_settle(services) == [(second, MISSING)]


def test_copies_and_pieces_of_a_slip_are_papers_of_their_own(site: Site) -> None:
    services = site[1]
    letter = kit.letter(services)
    made = kit.send(services, LineForm(mail_id=letter), LineForm("Plan"), LineForm("Plan"))
    kit.take(services, made.slip_id, MISSING, MISSING, MISSING)
    copy = kit.send(services, LineForm(mail_id=letter, is_original=False), to=("DAF",))
    kit.take(services, copy.slip_id, DAMAGED, receiver="daf")
    other = kit.letter(services)
    damaged = kit.send(services, LineForm(mail_id=other))
    kit.take(services, damaged.slip_id, MISSING)
    assert len(to_settle(services)) == 5
    settle(services, copy.slip_id)
    assert len(to_settle(services)) == 4


def test_who_takes_over_a_closed_unit_settles_its_task_with_the_later_one_of_that_paper(site: Site) -> None:
    services = site[1]
    letter = kit.letter(services)
    kit.take(services, kit.send(services, LineForm(mail_id=letter)).slip_id, OK)
    first = kit.send(services, LineForm(mail_id=letter), sender="dge", to=("DAF",))
    kit.take(services, first.slip_id, MISSING, receiver="daf")
    with services.unit_of_work(NOW + HOUR) as uow:
        dge = uow.session.get_one(Unit, kit.unit_id(services, "DGE"))
        dge.closed_at, dge.successor_id = NOW + HOUR, kit.unit_id(services, "DAF")
    assert to_settle(services, "daf") == [(first.slip_id, MISSING)]
    assert 'action="/bordereaux/taches/' in sign_in(site[0], "daf").get("/bordereaux/").text
    second = kit.send(services, LineForm(mail_id=letter), sender="daf", to=("BO",), now=NOW + 2 * HOUR)
    kit.take(services, second.slip_id, MISSING, receiver="agent", now=NOW + 3 * HOUR)
    assert to_settle(services, "daf") == [(first.slip_id, MISSING), (second.slip_id, MISSING)]
    settle(services, second.slip_id, account="daf")
    assert states(services) == [TaskState.SETTLED] * 2


def state_discrepancy(services: Services, slip_id: int) -> int:
    made = answers.answer_slip(
        services, slip_id, kind=SlipKind.DISCREPANCY, lines=[AnswerLine(1, "Introuvable", MISSING)],
        key=kit.opened_key(services, "dge", now=NOW + HOUR), actor=actor(services, "dge"), now=NOW + HOUR,
    )  # fmt: skip
    return int(made.slip_id)


@pytest.mark.parametrize("line", ["letter", "piece"])
def test_a_later_statement_on_a_damaged_paper_takes_the_place_of_its_task(site: Site, line: str) -> None:
    services = site[1]
    sent = kit.send(services, LineForm(mail_id=kit.letter(services)) if line == "letter" else LineForm("Plan"))
    kit.take(services, sent.slip_id, DAMAGED)
    stated = state_discrepancy(services, sent.slip_id)
    assert to_settle(services) == [(stated, MISSING)]
    # A statement brings no paper, so its receiver only confirms it: the task is with this unit, and none opens at the other.
    with pytest.raises(Invalid, match=r"slip\.line_undecided"):
        kit.take(services, stated, MISSING, receiver="agent", now=NOW + 2 * HOUR)
    kit.take(services, stated, OK, receiver="agent", now=NOW + 2 * HOUR)
    assert to_settle(services) == [(stated, MISSING)]
    assert to_settle(services, "dge") == []
    assert to_settle(services, "sg") == [(stated, MISSING)], "the head above both units reads it once"
    settle(services, stated)
    assert to_settle(services, "sg") == []
    assert states(services) == [TaskState.SETTLED] * 2


def test_a_statement_says_at_its_reception_that_it_brings_nothing(site: Site) -> None:
    app, services = site
    sent = kit.send(services, LineForm(mail_id=kit.letter(services)))
    kit.take(services, sent.slip_id, OK)
    stated = state_discrepancy(services, sent.slip_id)
    clerk = sign_in(app, "agent")
    asked = html.unescape(clerk.get(f"/bordereaux/{stated}/recevoir").text)
    assert "Ce constat n'apporte aucune pièce." in asked
    assert re.findall(r'type="radio"[^>]* value="(\w+)"', asked) == ["received", "wrong_unit"]
    with services.reading() as session:
        (line,) = render.sheet_of(session, services, session.get_one(Slip, stated)).lines
    assert (line.is_copy, "(copie)" in asked, "(copie)" in clerk.get(f"/bordereaux/{stated}").text) == (False,) * 3
    other = kit.send(services, LineForm(mail_id=kit.letter(services), is_original=False))
    asked = sign_in(app, "dge").get(f"/bordereaux/{other.slip_id}/recevoir").text
    assert ("n'apporte aucune" in html.unescape(asked), "(copie)" in asked) == (False, True)
