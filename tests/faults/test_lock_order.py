"""Every operation locks its rows in the one written order, on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from ged import audit, locks
from ged.capture import arrange
from ged.codes import CodeKind, make_code
from ged.dispatch import operations as dispatch
from ged.dispatch.models import DispatchLine
from ged.dispatch.operations import Departure, Discharge
from ged.org.models import Post
from ged.ports import AttachmentId, MailId, UnitId
from ged.recognition import jobs as recognition
from ged.register.models import Attachment, Channel, MailNumber, Register, RegisterCounter
from ged.routing.operations import ImputationForm, impute_all
from ged.slips.drafting import LineForm
from ged.slips.states import LineState
from ged.unit import SYSTEM
from tests import pages, slip_kit
from tests.factories import NOW
from tests.intake_kit import pair, send, upload
from tests.intake_kit import register as register_paper
from tests.lock_kit import Actor, wait_for_waiters, waited_for
from tests.lock_watch import Watch, watching
from tests.signbook_kit import House
from tests.signbook_kit import house_on_postgres as house
from tests.site import give_passwords, open_site, post, sign_in

__all__ = ["house"]  # a fixture

pytestmark = pytest.mark.servers


@pytest.fixture
def watch() -> Iterator[Watch]:
    with watching() as found:
        yield found


def test_a_letters_whole_way_locks_in_one_order(house: House, watch: Watch) -> None:
    services, clerk = house.services, house.who("agent")
    bridge, paper = pair(services), register_paper(services)
    code = make_code(CodeKind.LABEL, paper.number_id, key=services.code_key)
    batch = send(services, bridge, "k1", pages.png("Texte", code=code), pages.png("suite"))
    recognition.run_intake(services, batch, heartbeat=lambda _progress: None, now=NOW)
    with services.reading() as session:
        document = session.scalars(select(Attachment.id).where(Attachment.mail_id == paper.mail_id)).one()
    recognition.run_recognise(services, AttachmentId(document), heartbeat=lambda _progress: None, now=NOW)
    with services.unit_of_work(NOW) as uow:
        arrange.repair(uow, AttachmentId(document), [(1, 90)], reason="De travers", actor=clerk, now=NOW)
    slip = slip_kit.send(services, LineForm(mail_id=MailId(paper.mail_id)))
    slip_kit.take(services, slip.slip_id, LineState.RECEIVED)
    answer = house.ready(copies=())
    assert [one.failure for one in house.sign(answer, key=house.key("sg"))] == [None]
    with services.reading() as session:
        line = session.scalars(select(DispatchLine.id).where(DispatchLine.mail_id == answer)).one()
    with services.unit_of_work(NOW) as uow:
        dispatch.leave(uow, line, Departure(Channel.HAND, carrier="Koffi"), version=None, actor=clerk)
    later = NOW + timedelta(hours=1)
    with services.unit_of_work(later) as uow:
        dispatch.discharge(uow, line, Discharge("Adjo", "Secrétaire", NOW, ""), version=None, actor=clerk)
    assert watch.broken == []
    seen = {
        ("mails", "dispatch_lines"),
        ("mails", "drafts"),
        ("drafts", "register_counters"),
        ("register_counters", "audit_head"),
        ("scan_batches", "mails"),
    }
    assert seen <= watch.seen, "the kit no longer walks the way"


@pytest.mark.usefixtures("site_clock")
def test_a_letter_is_registered_with_its_scan_by_one_of_two_who_lock_it_before_the_counter(
    house: House, watch: Watch, tmp_path: Path
) -> None:
    services = house.services
    give_passwords(services)
    app = open_site(tmp_path, services)
    (scan_id,) = upload(services, "arrivee.png", pages.png("Texte"))
    clients = [sign_in(app, "agent") for _ in range(2)]
    start = threading.Barrier(2)

    def send_form(number: int) -> int:
        form = {
            "register_id": slip_kit.register_id(services, "ARR"), "addressed_post_id": house.post("SG-T"),
            "request_token": f"jeton-{number}", "scan_id": scan_id, "scan_version": 1, "channel": "hand", "level": "0",
            "sender_name": f"Mairie {number}", "subject": f"Demande {number}",
        }  # fmt: skip
        start.wait()
        return post(clients[number], "/enregistrer/", form, page="/enregistrer/").status_code

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(send_form, range(2)))
    assert answers == [303, 409]
    with services.reading() as session:
        assert [one.text for one in session.scalars(select(MailNumber))] == ["00001/2026/MIN"]
    assert ("scans", "register_counters") in watch.seen
    assert watch.broken == []


def test_scans_are_locked_by_their_numbers_and_before_the_letter_that_they_are_joined_to(
    house: House, watch: Watch
) -> None:
    """A colleague who confirms the code of a scan locks the scan, then its letter."""
    services, clerk = house.services, house.who("agent")
    paper = register_paper(services)
    first, second, third = (upload(services, f"{n}.png", pages.png(f"page {n}"))[0] for n in range(3))
    for one, into in ((third, second), (second, first)):
        with services.unit_of_work(NOW) as uow:
            arrange.merge(uow, one, into, version=None, actor=clerk)
    with services.unit_of_work(NOW) as uow:
        arrange.join_to_mail(uow, first, paper.mail_id, actor=clerk, now=NOW)
    assert ("scans", "mails") in watch.seen
    assert watch.broken == []


def test_letters_imputed_together_are_locked_by_their_numbers_whatever_the_order_of_the_page(
    house: House, watch: Watch
) -> None:
    letters = [house.incoming() for _ in range(3)]
    with house.services.reading() as session:
        unit_id = UnitId(session.scalars(select(Post.unit_id).where(Post.code == "DGE-C")).one())
    shown = dict.fromkeys(reversed(letters))
    with house.services.unit_of_work(NOW) as uow:
        impute_all(uow, shown, ImputationForm(leading_unit_id=unit_id), actor=house.who("sg"), now=NOW)
    assert watch.broken == []
    assert ("mails", "mails") in watch.seen


@pytest.mark.locks_backwards
def test_the_watch_sees_a_lock_taken_backwards(house: House, watch: Watch) -> None:
    from ged.register.models import Mail

    one, two = house.incoming(), house.incoming()
    assert watch.broken == []
    with house.services.unit_of_work(NOW) as uow:
        locks.hold(uow.session, Mail, [two])
        locks.hold(uow.session, Mail, [one])
    assert watch.broken == [f"mails {one} after {two}"]


def test_who_waits_for_the_journals_head_is_woken_when_it_is_his_turn(house: House) -> None:
    """Nobody waits for the row itself: PostgreSQL would wake all waiters at each commit."""
    services, waiters = house.services, 4

    def append(n: int) -> None:
        with services.unit_of_work(NOW) as uow:
            uow.record("thing.changed", "thing", n, actor=SYSTEM)

    append(waiters)  # make the head's row
    with ThreadPoolExecutor(waiters) as desks:
        with services.unit_of_work(NOW) as uow:
            audit.lock(uow.session)
            acts = [desks.submit(append, n) for n in range(waiters)]
            wait_for_waiters(services.engine, waiters)
            seen = waited_for(services.engine)
        for act in acts:
            act.result(30)
    assert seen == ["advisory"] * waiters
    with services.snapshot() as session:
        assert list(audit.verify_chain(session)) == []


def test_the_first_number_of_a_year_is_asked_for_by_two_whose_plans_differ(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scan of the whole table acquires the advisory lock before it sees that there is no row; an index does not."""
    services, year = house.services, 2031
    with services.unit_of_work(NOW) as uow:
        register_id = uow.session.scalars(select(Register.id).order_by(Register.id)).first()
        assert register_id is not None
        uow.session.add(RegisterCounter(register_id=register_id, year=year + 1))  # a row for the scan to visit
    insert, late = locks.insert_if_missing, threading.Event()

    def made(plan: str) -> None:
        with services.unit_of_work(NOW) as uow:
            uow.session.execute(text(f"SET LOCAL {plan} = off"))
            locks.hold_made(uow.session, RegisterCounter, (register_id, year), register_id=register_id, year=year)

    def first_waits_for_the_second(*words: Any, **values: Any) -> bool:
        inserted = insert(*words, **values)
        if not late.is_set():
            late.set()
            second.append(Actor(lambda: made("enable_indexscan")))
            wait_for_waiters(services.engine)
        return inserted

    second: list[Actor] = []
    monkeypatch.setattr(locks, "insert_if_missing", first_waits_for_the_second)
    with services.engine.connect() as connection:  # both plans are made for existing rows
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE register_counters"))
    made("enable_seqscan")
    second[0].result(30)
    with services.reading() as session:
        assert session.get(RegisterCounter, (register_id, year)) is not None
