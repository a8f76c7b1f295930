"""Slips on PostgreSQL: row locks beside joined tables, two receivers at once, numbers without a gap."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select

from ged.archive import register_check
from ged.errors import GedError, Invalid
from ged.slips import custody, operations, parties, queries, receive, to_transmit, transmitting, view
from ged.slips.drafting import LineForm
from ged.slips.models import SlipLine
from ged.slips.receive import Decision
from ged.slips.states import LineState, SlipState
from tests import slip_kit as kit
from tests.factories import NOW, actor, make_organisation, make_services
from tests.lock_kit import wait_for_waiters
from tests.routing_kit import impute

pytestmark = pytest.mark.servers


@pytest.fixture
def services(tmp_path, make_database):
    made = make_services(tmp_path, url=make_database())
    make_organisation(made)
    yield made
    made.checker.close()
    made.engine.dispose()


def test_a_slip_is_received_once_by_two_at_the_same_time(services):
    letter = kit.letter(services)
    sent = kit.send(services, LineForm(mail_id=letter), LineForm("Plan"))
    key, who = kit.opened_key(services, "dge"), actor(services, "dge")
    decisions = {1: Decision(LineState.RECEIVED), 2: Decision(LineState.MISSING)}

    def take(_):
        try:
            receive.receive(services, sent.slip_id, decisions, key=key, actor=who, now=NOW)
        except GedError as refused:
            return refused.code
        return None

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(take, range(4)))
    assert outcomes.count(None) == 1
    assert set(outcomes) - {None} <= {"slip.received", "slip.stale"}
    slip = kit.slip(services, sent.slip_id)
    assert (slip.state, len(slip.revisions)) == (SlipState.RECEIVED, 2)
    with services.reading() as session:
        assert len(custody.custody_of(session, letter)) == 2
        assert len(queries.open_tasks(session, actor(services, "agent"))) == 1
    with services.reading() as session:
        shown = view.slip_view(session, sent.slip_id, who)
    reports = view.signatures(services, shown, now=NOW)
    assert [report.verdict.value for report in reports] == ["green", "green"]


def test_many_senders_at_once_leave_no_gap(services):
    key, who = kit.opened_key(services, "agent"), actor(services, "agent")

    def issue(no):
        form = kit.form(services, LineForm(f"Pièce {no}"), to=("DGE", "DAF"))
        return [one.number for one in operations.issue(services, form, key=key, actor=who, now=NOW)]

    with ThreadPoolExecutor(4) as pool:
        numbers = [number for made in pool.map(issue, range(8)) for number in made]
    assert sorted(numbers) == [f"BT-{no:04d}/2026" for no in range(1, 17)]
    with services.reading() as session:
        assert register_check.gaps(session) == []
        assert len(queries.to_receive(session, actor(services, "daf"))) == 8


def test_one_original_goes_on_one_slip_of_two_made_at_once(services):
    letter, who = kit.letter(services), actor(services, "agent")
    barrier = Barrier(4)

    def number(to):
        barrier.wait(60)
        try:
            with services.unit_of_work(NOW) as uow:
                operations.number_slips(
                    uow, kit.form(services, LineForm(mail_id=letter, is_original=True), to=(to,)), actor=who, now=NOW
                )
                wait_for_waiters(services.engine, 3)  # the others arrive before the commit
        except GedError as refused:
            return refused.code
        return None

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(number, ("DGE", "DAF", "DGE", "DAF")))
    assert sorted(outcomes, key=str) == [None, *["slip.paper_on_the_way"] * 3]


def test_two_clerks_who_send_what_is_to_transmit_at_once_make_one_slip_for_each_service(services):
    mails = [kit.letter(services, f"Demande {n}") for n in range(3)]
    for mail_id, unit in zip(mails, ("DGE", "DAF"), strict=False):
        impute(services, mail_id, unit)
    key, who, barrier = kit.opened_key(services, "agent"), actor(services, "agent"), Barrier(2)
    post = parties.sending_post(who, None)
    with services.reading() as session:
        groups = to_transmit.destinations(session, who, post=post)
    chosen = {group.key: [row.mail_id for row in group.rows] for group in groups}
    assert sum(map(len, chosen.values())) == 3

    def send(_):
        barrier.wait(60)
        try:
            return transmitting.send(services, chosen, post=post, messenger="", key=key, actor=who, now=NOW)
        except Invalid:  # nothing was left: the other one had sent all of them
            return ()

    with ThreadPoolExecutor(2) as pool:
        sent = [one for made in pool.map(send, range(2)) for one in made]
    issued = [slip for one in sent for slip in one.issued]
    assert [slip.failure for slip in issued] == [None] * 3
    assert {one.refusal.code for one in sent if one.refusal is not None} <= {"slip.paper_on_the_way"}
    with services.reading() as session:
        on = session.scalars(select(SlipLine.mail_id).where(SlipLine.is_original)).all()
        assert sorted(on) == sorted(mails)
        assert to_transmit.destinations(session, who, post=post) == ()
