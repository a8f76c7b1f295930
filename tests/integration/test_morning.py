"""The morning's point: what is pending, for whom, with who must act; nothing leaks, on the page and in the e-mail."""

import dataclasses
import html
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from gettext import NullTranslations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, insert, select, update
from sqlalchemy.orm import Session

from ged import access, jobs, pipeline
from ged.capture import arrange
from ged.capture.desks import SILENT_AFTER
from ged.capture.models import Bridge
from ged.capture.queries import scan_units
from ged.closing import operations as closing
from ged.errors import Invalid
from ged.jobs import Job, JobKind, JobState
from ged.morning import letters, queries, scanned, telling
from ged.morning.base import MOST, SHOWN, Kind, Part
from ged.morning.words import counted, named
from ged.notices import choices, mail
from ged.notices.models import DeliveryState, NoticeMail, Occasion, PersonalNotice, Way
from ged.org import absences
from ged.org.absences import AbsenceForm
from ged.org.models import Delegation, DelegationKind, Holding, IssuedCertificate, Person, Unit
from ged.ports import Confidentiality, JobId, MailId
from ged.register import opening
from ged.register.models import Mail
from ged.register.states import MailState
from ged.reports import jobs as reports_of_jobs
from ged.reports.certificates import ENDS_SOON
from ged.routing import operations
from ged.routing.models import Assignment, Purpose
from ged.slips.drafting import LineForm
from ged.slips.models import SlipPurpose
from ged.slips.states import LineState
from ged.unit import Actor, Services
from tests import intake_kit, pages, slip_kit
from tests.factories import NOW, TODAY, actor
from tests.letter_kit import make_place
from tests.resuming_kit import hold, release
from tests.resuming_kit import register as give_number
from tests.routing_kit import impute, make_mentions, post_id, register, unit_id
from tests.signbook_kit import House, house_on_either
from tests.signed_outside_kit import enter
from tests.site import Clock, sign_in
from web.site import context
from web.words.translations import translations

__all__ = ["house_on_either"]  # a fixture

pytestmark = pytest.mark.in_turns(3)

MORNING = datetime(2026, 12, 9, 7, 0, tzinfo=UTC)
"""A Wednesday, two weeks after ``NOW``. Lomé keeps UTC."""
SUNDAY = datetime(2026, 12, 13, 7, 0, tzinfo=UTC)
ACCOUNTS = ("agent", "sg", "secretaire", "dge", "etudes", "daf", "admin")
DGE_NAME = "Direction générale de l'énergie"
LATE = TODAY + timedelta(days=1)
HIDDEN = "Affaire Agbodjan"
"""In the subject of each letter above the ordinary level."""


@pytest.fixture
def house(house_on_either: House) -> House:
    make_mentions(house_on_either.services)
    return house_on_either


def told(services: Services, account: str, *, now: datetime = MORNING) -> dict[Kind, Part]:
    """What an account is told. The e-mail counts without the common statement of the kinds: both must find as much."""
    who = actor(services, account, on=now.date())
    parts = parts_of(services, who, now)
    with services.reading() as session:
        counts = queries.counts(session, services, who, now=now)
        assert {part.kind: part.total for part in counts} == {kind: part.total for kind, part in parts.items()}
    return parts


def parts_of(services: Services, who: Actor, now: datetime = MORNING) -> dict[Kind, Part]:
    with services.reading() as session:
        return {part.kind: part for part in queries.parts(session, services, who, now=now)}


def letters_of(parts: dict[Kind, Part]) -> dict[Kind, set[int]]:
    of_letters = (Kind.UNREAD, Kind.LATE, Kind.UNDECIDED, Kind.EMPTY_POSTS, Kind.TO_DISPATCH, Kind.PAPERS, Kind.NO_SCAN)
    return {kind: {line.subject_id for line in parts[kind].lines} for kind in of_letters if kind in parts}


# --- who is told of what


def test_a_quiet_morning_tells_nobody_anything(house: House) -> None:
    assert {account: told(house.services, account) for account in ACCOUNTS} == {account: {} for account in ACCOUNTS}


def test_what_came_today_does_not_lie_about(house: House) -> None:
    impute(house.services, register(house.services).mail_id, due_on=TODAY)
    assert {account: told(house.services, account, now=NOW) for account in ACCOUNTS} == {
        account: {} for account in ACCOUNTS
    }


def test_an_unread_late_letter_is_told_to_its_unit_and_the_head_above_until_somebody_opens_it(house: House) -> None:
    services = house.services
    mail_id = register(services, "Poteaux").mail_id
    impute(services, mail_id, due_on=LATE)
    assert Kind.UNREAD not in told(services, "dge", now=NOW)
    for account in ("dge", "sg"):
        (line,) = told(services, account)[Kind.UNREAD].lines
        assert (line.subject_id, line.text, line.who, line.on) == (mail_id, "Poteaux", DGE_NAME, LATE)
    assert all(Kind.UNREAD not in told(services, account) for account in ("agent", "etudes", "daf", "admin"))
    opened(services, mail_id, "sg")
    assert Kind.UNREAD in told(services, "dge"), "who gave it has read it, and nobody of the unit"
    assert Kind.LATE not in told(services, "dge")
    opened(services, mail_id, "dge")
    for account in ("dge", "sg"):
        parts = told(services, account)
        assert Kind.UNREAD not in parts
        (line,) = parts[Kind.LATE].lines
        assert (line.subject_id, line.text, line.who, line.on) == (mail_id, "Poteaux", DGE_NAME, LATE), (
            "until it is answered"
        )
    assert all(Kind.LATE not in told(services, account) for account in ("agent", "etudes", "daf", "admin"))


def test_a_late_letter_that_was_opened_is_told_until_it_is_answered(house: House) -> None:
    services = house.services
    mail_id = register(services, "Poteaux").mail_id
    impute(services, mail_id, due_on=LATE)
    opened(services, mail_id, "dge")
    assert Kind.LATE not in told(services, "dge", now=NOW), "its date has not passed"
    assert Kind.LATE in told(services, "dge")
    finish(services, mail_id)
    assert Kind.LATE not in told(services, "dge") | told(services, "sg")


def finish(services: Services, mail_id: int) -> None:
    with services.unit_of_work(NOW) as uow:
        (assignment_id,) = uow.session.scalars(select(Assignment.id).where(Assignment.mail_id == mail_id))
        operations.finish(uow, MailId(mail_id), assignment_id, outcome="Fait", actor=actor(services, "dge"), now=NOW)


def test_an_unread_letter_is_told_once_and_a_copy_for_information_never(house: House) -> None:
    services = house.services
    mail_id = register(services).mail_id
    impute(services, mail_id, "DGE", ("DAF",), due_on=LATE)
    assert Kind.UNREAD not in told(services, "daf"), "who got a copy has nothing to do"
    opened(services, mail_id, "dge")
    assert Kind.UNREAD not in told(services, "sg"), "nobody has to open a copy"
    with services.unit_of_work(NOW) as uow:
        given = select(Assignment).where(Assignment.mail_id == mail_id).order_by(Assignment.id)
        for row in uow.session.scalars(given):
            row.purpose, row.unit_id = Purpose.ACTION, unit_id(services, "DAF")
    for account in ("daf", "sg"):
        part = told(services, account)[Kind.UNREAD]
        assert (part.total, [line.subject_id for line in part.lines]) == (1, [mail_id]), "two assignments, one letter"


def test_who_opened_it_in_another_unit_does_not_count_whatever_letters_that_unit_has(house: House) -> None:
    services = house.services
    mail_id = register(services).mail_id
    impute(services, mail_id, "DGE", ("DAF",), due_on=LATE)
    opened(services, mail_id, "daf")
    impute(services, register(services).mail_id, "DAF", due_on=LATE)
    assert mail_id in letters_of(told(services, "dge"))[Kind.UNREAD]
    opened(services, mail_id, "dge")
    assert Kind.UNREAD not in told(services, "dge")


def test_a_letter_of_a_closed_unit_is_opened_by_who_took_over(house: House) -> None:
    services = house.services
    mail_id = register(services).mail_id
    impute(services, mail_id, due_on=LATE)
    close(services, "DGE", "DAF")
    assert letters_of(told(services, "daf"))[Kind.UNREAD] == {mail_id}
    opened(services, mail_id, "daf")
    assert Kind.UNREAD not in told(services, "daf") | told(services, "sg")


def close(services: Services, code: str, successor: str) -> None:
    taken = unit_id(services, successor)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Unit).where(Unit.code == code).values(closed_at=NOW, successor_id=taken))


def test_a_closed_mail_offices_letters_and_days_are_told_to_the_office_that_took_over(house: House) -> None:
    services = house.services
    mail_id = register(services).mail_id
    empty(services, "SG-T")
    assert not told(services, "dge").keys() & {Kind.EMPTY_POSTS, Kind.DAYS}
    close(services, "BO", "DGE")
    found = told(services, "dge")
    assert letters_of(found)[Kind.EMPTY_POSTS] == {mail_id}
    assert [line.name for line in found[Kind.DAYS].lines] == ["ARR"]


def opened(services: Services, mail_id: int, account: str) -> None:
    with services.unit_of_work(NOW) as uow:
        opening.mark_opened(uow, mail_id, actor=actor(services, account), now=NOW)


def test_a_letter_without_a_decision_is_told_to_its_authority_once_it_is_late_or_waits_for_long(house: House) -> None:
    services = house.services
    dated, undated = register(services, "Poteaux", due_on=LATE).mail_id, register(services).mail_id
    soon = NOW + timedelta(days=3)
    assert letters_of(told(services, "sg", now=soon))[Kind.UNDECIDED] == {dated}, "the other one waits since three days"
    for account in ("sg", "secretaire"):
        lines = told(services, account)[Kind.UNDECIDED].lines
        assert [(line.subject_id, line.who, line.on) for line in lines] == [
            (dated, "Poste SG-T", TODAY), (undated, "Poste SG-T", TODAY)
        ]  # fmt: skip
    assert all(Kind.UNDECIDED not in told(services, account) for account in ("agent", "dge", "etudes", "daf", "admin"))
    impute(services, dated)
    empty(services, "SG-T")
    assert Kind.UNDECIDED not in told(services, "agent")
    assert letters_of(told(services, "agent"))[Kind.EMPTY_POSTS] == {undated}, "told once"


def test_an_undecided_letter_tells_its_subject_up_to_the_ordinary_level_and_a_secret_one_nothing(house: House) -> None:
    services = house.services
    found = [register(services, HIDDEN, due_on=LATE).mail_id for _level in Confidentiality]
    with services.unit_of_work(NOW) as uow:
        for mail_id, level in zip(found, Confidentiality, strict=True):
            uow.session.execute(update(Mail).where(Mail.id == mail_id).values(level=int(level)))
    lines = told(services, "sg")[Kind.UNDECIDED].lines
    assert [(line.subject_id, line.text) for line in lines] == [(found[0], HIDDEN), (found[1], "")]


def test_a_letter_at_an_empty_post_is_told_until_somebody_acts_for_it(house: House) -> None:
    services = house.services
    waits = register(services).mail_id
    empty(services, "SG-T")
    (line,) = told(services, "agent")[Kind.EMPTY_POSTS].lines
    assert (line.subject_id, line.code) == (waits, "Poste SG-T")
    assert Kind.EMPTY_POSTS not in told(services, "dge")
    acts(services, "SG-T", "daf", until=MORNING.date())
    assert Kind.EMPTY_POSTS not in told(services, "agent") | told(services, "daf")


def test_an_assignment_to_an_empty_post_is_told_to_who_gave_it_and_who_heads_the_unit(house: House) -> None:
    services = house.services
    mail_id = register(services).mail_id
    impute(services, mail_id)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(
            update(Assignment).where(Assignment.mail_id == mail_id).values(post_id=post_id(services, "ETU-M"))
        )
    assert Kind.EMPTY_POSTS not in told(services, "sg")
    empty(services, "ETU-M")
    assert letters_of(told(services, "sg"))[Kind.EMPTY_POSTS] == {mail_id}
    assert letters_of(told(services, "dge"))[Kind.EMPTY_POSTS] == {mail_id}
    assert Kind.EMPTY_POSTS not in told(services, "daf")


def test_what_waits_longest_at_empty_posts_comes_first(house: House) -> None:
    services = house.services
    given, addressed = register(services).mail_id, register(services).mail_id
    impute(services, given)
    with services.unit_of_work(NOW) as uow:
        agent = actor(services, "agent").person_id
        uow.session.execute(
            update(Assignment).where(Assignment.mail_id == given).values(post_id=post_id(services, "ETU-M"))
        )
        uow.session.execute(update(Mail).where(Mail.id == addressed).values(created_at=NOW - timedelta(days=1)))
        uow.session.add(Holding(post_id=post_id(services, "DGE-C"), person_id=agent, from_on=TODAY))
    empty(services, "ETU-M")
    empty(services, "SG-T")
    part = told(services, "agent")[Kind.EMPTY_POSTS]
    assert ([line.subject_id for line in part.lines], part.total) == ([addressed, given], 2)


def empty(services: Services, code: str) -> None:
    with services.unit_of_work(NOW) as uow:
        held = update(Holding).where(Holding.post_id == post_id(services, code))
        uow.session.execute(held.values(until_on=TODAY))


def acts(
    services: Services, code: str, account: str, *, until: date, kind: DelegationKind = DelegationKind.INTERIM
) -> int:
    with services.unit_of_work(NOW) as uow:
        row = Delegation(
            kind=kind, post_id=post_id(services, code), person_id=actor(services, account).person_id, act="Arrêté",
            may_sign=True, template_codes=[], from_on=TODAY, until_on=until, granted_at=NOW,
        )  # fmt: skip
        uow.session.add(row)
        uow.session.flush()
        return row.id


def test_a_signed_answer_that_did_not_leave_is_told_to_the_office_and_the_heads(house: House) -> None:
    services = house.services
    key = house.key("sg")
    (signed,) = house.sign(mail_id := house.ready(), key=key)
    assert signed.failure is None
    for account in ("agent", "dge"):
        (line,) = told(services, account)[Kind.TO_DISPATCH].lines
        assert (line.subject_id, line.who) == (mail_id, "Bureau d'ordre"), account
    assert Kind.TO_DISPATCH not in told(services, "daf") | told(services, "etudes") | told(services, "admin")
    assert Kind.TO_DISPATCH not in told(services, "agent", now=NOW), "it was signed today"


def test_a_letter_signed_outside_waits_since_it_was_entered(house: House) -> None:
    services = house.services
    mail_id = enter(services, written_on=TODAY - timedelta(days=3)).mail_id
    assert Kind.TO_DISPATCH not in told(services, "agent", now=NOW), "it was entered today"
    (line,) = told(services, "agent")[Kind.TO_DISPATCH].lines
    assert (line.subject_id, line.on) == (mail_id, TODAY)


def test_slips_are_told_to_both_ends_and_nobody_else(house: House) -> None:
    services = house.services
    sent = slip_kit.send(services, LineForm("Un dossier"))
    for account in ("agent", "dge"):
        (line,) = told(services, account)[Kind.SLIPS].lines
        assert (line.subject_id, line.who) == (sent.slip_id, DGE_NAME)
    assert Kind.SLIPS not in told(services, "daf") | told(services, "etudes") | told(services, "admin")
    assert Kind.SLIPS not in told(services, "agent", now=NOW)
    slip_kit.take(services, sent.slip_id, LineState.MISSING)
    assert Kind.SLIPS not in told(services, "agent")
    (line,) = told(services, "agent")[Kind.DISCREPANCIES].lines
    assert (line.code, line.text) == (LineState.MISSING.value, "")


def test_a_loan_that_did_not_come_back_is_told_to_both_ends(house: House) -> None:
    services = house.services
    mail_id = slip_kit.letter(services)
    lent = slip_kit.send(
        services, LineForm(mail_id=mail_id, is_original=True), purpose=SlipPurpose.ON_LOAN, return_by=LATE
    )
    slip_kit.take(services, lent.slip_id, LineState.RECEIVED)
    for account in ("agent", "dge"):
        (line,) = told(services, account)[Kind.LOANS].lines
        assert (line.subject_id, line.on, line.who) == (lent.slip_id, LATE, DGE_NAME), account
    assert Kind.LOANS not in told(services, "daf") | told(services, "etudes") | told(services, "admin")


def test_numbers_without_scan_scans_without_number_and_originals_are_told_to_their_office(house: House) -> None:
    services = house.services
    mail_id = register(services).mail_id
    (scan,) = intake_kit.upload(services, "a.png", pages.png("Une demande"))
    impute(services, mail_id)
    office = told(services, "agent")
    assert letters_of(office)[Kind.NO_SCAN] == letters_of(office)[Kind.PAPERS] == {mail_id}
    assert [line.subject_id for line in office[Kind.SCANS].lines] == [scan]
    for account in ("sg", "dge", "daf", "etudes", "admin"):
        assert not told(services, account).keys() & {Kind.NO_SCAN, Kind.SCANS, Kind.PAPERS}, account


def test_a_letter_that_is_known_to_have_a_document_is_not_asked_for_it_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = house.services
    offices = tuple(scan_units(actor(services, "agent")))
    bare, scanned_one = register(services).mail_id, register(services).mail_id
    join(services, scanned_one)
    for _ in range(2):
        assert letters_of(told(services, "agent"))[Kind.NO_SCAN] == {bare}
        assert scanned.known(services.engine, offices) == [scanned_one]
    later = register(services).mail_id
    assert letters_of(told(services, "agent"))[Kind.NO_SCAN] == {bare, later}
    join(services, bare)
    assert letters_of(told(services, "agent"))[Kind.NO_SCAN] == {later}
    assert scanned.known(services.engine, offices) == sorted((scanned_one, bare))
    monkeypatch.setattr(scanned, "known", lambda *_: [scanned_one, bare, later])
    assert Kind.NO_SCAN not in told(services, "agent")


def test_documents_are_asked_for_again_after_an_hour_and_no_more_are_kept_than_may_be(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = house.services.engine
    scanned.remember(engine, (1,), {3, 2})
    scanned.remember(engine, (1,), {5})
    assert (scanned.known(engine, (1,)), scanned.known(engine, (2,))) == ([2, 3, 5], [])
    monkeypatch.setattr(scanned, "MOST_KEPT", 3)
    scanned.remember(engine, (1,), {7})
    assert scanned.known(engine, (1,)) == [3, 5, 7]
    monkeypatch.setattr(scanned, "KEPT_S", 0.0)
    assert scanned.known(engine, (1,)) == []


def join(services: Services, mail_id: int) -> None:
    """Give a letter its document."""
    (scan,) = intake_kit.upload(services, f"{mail_id}.png", pages.png(f"Demande {mail_id}"))
    with services.unit_of_work(NOW) as uow:
        arrange.join_to_mail(uow, scan, MailId(mail_id), actor=actor(services, "agent"), now=NOW)


def test_the_statements_of_the_point_are_the_same_for_one_line_and_for_many(house: House) -> None:
    services = house.services
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    texts = []
    event.listen(services.engine, "before_cursor_execute", note)
    for count in (1, 3):
        for _ in range(count):
            late_letter(services, LATE)
        for account in ("agent", "dge", "sg"):
            sent.clear()
            told(services, account)
            texts.append((account, set(sent)))
    event.remove(services.engine, "before_cursor_execute", note)
    assert texts[:3] == texts[3:], "PostgreSQL would plan each text by itself"


def test_days_that_are_not_closed_are_told_to_who_keeps_the_register(house: House) -> None:
    services = house.services
    register(services)
    (line,) = told(services, "agent")[Kind.DAYS].lines
    assert (line.name, line.on) == ("ARR", TODAY)
    assert all(Kind.DAYS not in told(services, account) for account in ("sg", "dge", "daf", "admin"))
    assert Kind.DAYS not in told(services, "agent", now=NOW), "the day is not over"
    next_day = NOW + timedelta(days=1)
    closing.close_what_is_over(services, now=next_day)
    assert Kind.DAYS not in told(services, "agent")
    give_number(services, now=next_day)
    (line,) = told(services, "agent")[Kind.DAYS].lines
    assert line.on == next_day.date(), "not the day that is closed"
    hold(services, now=next_day)
    assert Kind.DAYS not in told(services, "agent"), "it cannot be closed before its last number is said"
    release(services, "ARR", 2, now=next_day)
    assert [line.name for line in told(services, "agent")[Kind.DAYS].lines] == ["ARR"]


def test_powers_that_end_are_told_to_their_ends(house: House) -> None:
    services = house.services
    acts(services, "DGE-C", "etudes", until=MORNING.date() + timedelta(days=7), kind=DelegationKind.DELEGATION)
    acts(services, "DGE-C", "daf", until=MORNING.date() + timedelta(days=8), kind=DelegationKind.DELEGATION)
    for account in ("dge", "etudes"):
        (line,) = told(services, account)[Kind.DELEGATIONS].lines
        assert (line.who, line.to) == ("Dge", "Etudes"), "who gave the power gives it again"
    assert Kind.DELEGATIONS not in told(services, "agent") | told(services, "admin")
    shown = [line.to for line in told(services, "daf")[Kind.DELEGATIONS].lines]
    assert shown == ["Etudes"], "who acts for the head sees what ends there; the own power lasts longer"


def test_an_interim_is_given_again_by_a_head_above(house: House) -> None:
    services = house.services
    acts(services, "DGE-C", "daf", until=MORNING.date())
    (line,) = told(services, "daf")[Kind.DELEGATIONS].lines
    assert (line.who, line.to) == ("", "Daf"), "not the holder, who is away"


def test_certificates_jobs_mails_and_desks_are_told_to_who_runs_the_installation(house: House) -> None:
    services = house.services
    house.key("sg")
    bridge = intake_kit.pair(services)
    with services.unit_of_work(NOW) as uow:
        uow.session.add(
            Job(kind=JobKind.SWEEP, state=JobState.FAILED, subject_id=0, params={}, created_at=NOW, run_after=NOW)
        )
        person = uow.session.scalars(select(Person).where(Person.account == "daf")).one()
        person.email = "daf@mines.example.tg"
        uow.session.add(
            NoticeMail(person_id=person.id, message_id="<1@ged>", address=person.email, state=DeliveryState.BOUNCED, made_at=NOW, ended_at=NOW)
        )  # fmt: skip
    in_years = NOW + timedelta(days=365 * 20)
    machines = {Kind.JOBS, Kind.MAILS}
    assert told(services, "admin").keys() == {*machines, Kind.DESKS}
    assert [line.subject_id for line in told(services, "agent")[Kind.DESKS].lines] == [bridge.id]
    for account in ACCOUNTS[:-1]:
        assert not told(services, account).keys() & machines, account
        assert (Kind.DESKS in told(services, account)) == (account == "agent"), account
    assert {line.code for line in told(services, "sg", now=in_years)[Kind.CERTIFICATES].lines} == {"own"}
    assert "people" in {line.code for line in told(services, "admin", now=in_years)[Kind.CERTIFICATES].lines}
    assert Kind.CERTIFICATES not in told(services, "dge", now=in_years)
    assert Kind.DESKS not in told(services, "agent", now=NOW + timedelta(days=1)), "it was paired yesterday"
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Bridge).values(last_seen_at=MORNING))
    assert Kind.DESKS not in told(services, "agent")


def test_what_became_pending_since_midnight_is_told(house: House) -> None:
    """The common statement of the kinds is composed once for the whole day."""
    services, hour = house.services, timedelta(hours=1)
    house.key("agent")
    bridge = intake_kit.pair(services)
    waits = timedelta(hours=services.unacknowledged_hours)
    sent = slip_kit.send(services, LineForm("Un dossier"), now=MORNING - waits - hour)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Bridge).values(last_seen_at=MORNING - SILENT_AFTER - hour))
        uow.session.execute(update(IssuedCertificate).values(expires_at=MORNING + ENDS_SOON - hour))
    found = told(services, "agent")
    assert [line.subject_id for line in found[Kind.SLIPS].lines] == [sent.slip_id]
    assert [line.subject_id for line in found[Kind.DESKS].lines] == [bridge.id]
    assert [line.code for line in found[Kind.CERTIFICATES].lines] == ["own"]
    assert not told(services, "agent", now=MORNING - 2 * hour).keys() & {Kind.SLIPS, Kind.DESKS, Kind.CERTIFICATES}


def test_a_certificate_counts_once_and_not_when_its_person_has_left(house: House) -> None:
    services, in_years = house.services, NOW + timedelta(days=365 * 20)
    house.key("admin")
    house.key("dge")
    lines = {line.code: line.count for line in told(services, "admin", now=in_years)[Kind.CERTIFICATES].lines}
    assert (lines["own"], lines["people"]) == (1, 1)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "dge").values(is_active=False))
    assert "people" not in {line.code for line in told(services, "admin", now=in_years)[Kind.CERTIFICATES].lines}


def test_only_what_counts_no_further_is_told_as_at_least(house: House) -> None:
    services, words = house.services, NullTranslations()
    rows = [
        {"kind": JobKind.SWEEP, "state": JobState.FAILED, "subject_id": 0, "params": {}, "created_at": NOW, "run_after": NOW}
        for _ in range(1_100)
    ]  # fmt: skip
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(insert(Job), rows[:250])
    assert counted(told(services, "admin")[Kind.JOBS], words) == "250 tâches à examiner"
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(insert(Job), rows[250:])
    assert counted(told(services, "admin")[Kind.JOBS], words) == "Plus de 1 000 tâches à examiner"
    rows_read = Part(Kind.NO_SCAN, (), MOST, is_cut=True)
    assert counted(rows_read, words) == "Au moins 100 courriers numérotés sans numérisation"


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("kind", Kind)
def test_the_name_of_a_kind_bears_no_count(kind: Kind, language: str) -> None:
    words = translations(language)
    name = named(kind, words)
    assert name[:1].isupper()
    assert "%" not in name
    assert counted(Part(kind, (), 7), words).lower() == f"7 {name}".lower()
    assert name in counted(Part(kind, (), 0, is_unknown=True), words)


def no_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of the certification authority cannot be read any more."""

    def fail(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "authority")

    monkeypatch.setattr("ged.morning.ending.published_ends", fail)


def test_a_kind_that_cannot_be_read_leaves_the_others(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    services = house.services
    intake_kit.pair(services)
    no_authority(monkeypatch)
    found = told(services, "admin")
    assert found[Kind.CERTIFICATES] == Part(Kind.CERTIFICATES, (), 0, is_unknown=True)
    assert found[Kind.DESKS].total == 1
    assert Kind.CERTIFICATES not in told(services, "agent"), "whose own certificate needs no authority"


def test_kinds_with_nothing_to_tell_are_asked_by_one_statement(house: House) -> None:
    services = house.services
    register(services)
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    who = actor(services, "agent", on=MORNING.date())
    parts_of(services, who)  # what is composed and prepared is no matter
    event.listen(services.engine, "before_cursor_execute", note)
    found = parts_of(services, who)
    event.remove(services.engine, "before_cursor_execute", note)
    assert Kind.NO_SCAN in found
    (together,) = [one for one in sent if "FROM slips" in one]
    assert all(f"FROM {table}" in together for table in ("slip_tasks", "scans", "certificates", "bridges"))
    assert not [one for one in sent if one != together and ("FROM slip_tasks" in one or "FROM bridges" in one)]


def test_each_kind_is_asked_where_their_common_statement_fails(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    services = house.services
    register(services)
    slip_kit.send(services, LineForm("Un dossier"))
    whole = told(services, "agent")

    def fail(*_args: object) -> None:
        raise RuntimeError("no statement")

    monkeypatch.setattr(queries, "_found", fail)
    assert told(services, "agent") == whole
    assert {Kind.SLIPS, Kind.NO_SCAN} <= whole.keys()


def test_a_kind_shows_a_few_and_counts_on(house: House) -> None:
    services = house.services
    for _ in range(SHOWN + 2):
        register(services)
    part = told(services, "agent")[Kind.NO_SCAN]
    assert (len(part.lines), part.total, part.more) == (SHOWN, SHOWN + 2, 2)
    assert SHOWN < MOST
    with services.reading() as session:
        (alone,) = queries.parts(session, services, actor(services, "agent"), now=MORNING, only=Kind.NO_SCAN)
    assert (len(alone.lines), alone.more) == (SHOWN + 2, 0)


def test_late_letters_behind_those_that_are_asked_first_are_found_too(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = house.services
    monkeypatch.setattr(letters, "ASKED_FIRST", 3)
    seen, unread = ([late_letter(services, LATE + timedelta(days=day)) for day in days] for days in ((0, 1, 2), (3, 4)))
    for mail_id in seen:
        opened(services, mail_id, "dge")
    hidden = late_letter(services, LATE)
    raise_level(services, hidden, Confidentiality.SECRET)
    for account in ("dge", "sg"):
        parts = told(services, account)
        assert [line.subject_id for line in parts[Kind.UNREAD].lines] == unread, "none of those asked first is unread"
        assert [line.subject_id for line in parts[Kind.LATE].lines] == seen
    for mail_id in unread:
        opened(services, mail_id, "dge")
    assert [line.subject_id for line in told(services, "sg")[Kind.LATE].lines] == [*seen, *unread]


def test_no_more_late_letters_are_asked_for_than_are_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    services = house.services
    monkeypatch.setattr(letters, "ASKED_FIRST", 4)
    monkeypatch.setattr(letters, "MOST", 2)
    late = [late_letter(services, LATE + timedelta(days=day)) for day in range(6)]
    for mail_id in late[::2]:
        opened(services, mail_id, "dge")
    monkeypatch.delattr(letters, "_later")  # the statement that would ask further ones
    parts = told(services, "sg")
    found = [[line.subject_id for line in parts[kind].lines] for kind in (Kind.UNREAD, Kind.LATE)]
    assert found == [late[1:4:2], late[:4:2]]


def test_letters_with_several_late_assignments_are_counted_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    services = house.services
    for name, value in (("ASKED_FIRST", 2), ("MOST", 4), ("AND_MORE", 0)):
        monkeypatch.setattr(letters, name, value)
    late = []
    for day in range(5):
        late.append(mail_id := register(services).mail_id)
        impute(services, mail_id, "DGE", ("DAF", "ETU"), due_on=LATE + timedelta(days=day // 2))
    part = told(services, "sg")[Kind.UNREAD]
    assert ([line.subject_id for line in part.lines], part.total) == (late[:4], 4)


def late_letter(services: Services, due_on: date) -> int:
    mail_id = register(services).mail_id
    impute(services, mail_id, due_on=due_on)
    return mail_id


def test_the_first_originals_are_told_in_the_order_of_their_letters(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = house.services
    lying = [register(services).mail_id for _ in range(5)]
    for mail_id in lying[::2]:
        impute(services, mail_id)  # the others wait for their decision
    assert [line.subject_id for line in told(services, "agent")[Kind.PAPERS].lines] == lying
    monkeypatch.setattr(letters, "MOST", 3)
    part = told(services, "agent")[Kind.PAPERS]
    assert ([line.subject_id for line in part.lines], part.total) == (lying[:3], 3), "of both, the first ones"


# --- nothing leaks


LEVELS = (Confidentiality.ORDINARY, Confidentiality.RESTRICTED, Confidentiality.SECRET)


def raise_level(services: Services, mail_id: int, level: Confidentiality) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == mail_id).values(level=int(level)))


def furnish(house: House) -> None:
    """A letter of each level that is pending in each way, at each unit."""
    services = house.services
    for level in LEVELS:
        subject = f"{HIDDEN} {level}" if level else "Poteaux"
        for unit in ("DGE", "DAF"):
            late = register(services, subject).mail_id
            impute(services, late, unit, due_on=LATE)
            raise_level(services, late, level)
        raise_level(services, register(services, subject).mail_id, level)
    key = house.key("sg")
    for level in LEVELS:
        (signed,) = house.sign(answer := house.ready(), key=key)
        assert signed.failure is None
        with services.unit_of_work(NOW) as uow:
            uow.session.execute(
                update(Mail).where(Mail.id == answer).values(level=int(level), subject=f"{HIDDEN} {level}" if level else "Réponse")
            )  # fmt: skip
    acts(services, "ETU-M", "daf", until=MORNING.date(), kind=DelegationKind.DELEGATION)


def test_no_letter_is_told_to_who_may_not_see_it_and_no_secret_one_to_anybody(house: House) -> None:
    services = house.services
    furnish(house)
    levels, kinds = {}, set[Kind]()
    for account in ACCOUNTS:
        parts = told(services, account)
        who = actor(services, account, on=MORNING.date())
        with services.reading() as session:
            for kind, ids in letters_of(parts).items():
                for mail_id in ids:
                    level = Confidentiality(session.get_one(Mail, mail_id).level)
                    assert level < Confidentiality.SECRET, (account, kind)
                    assert access.may_see(session, mail_id, level, who), (account, kind)
                    (line,) = (one for one in parts[kind].lines if one.subject_id == mail_id)
                    assert line.level is level
                    assert bool(line.text) == (level is Confidentiality.ORDINARY), (account, kind)
            if Kind.UNREAD in parts:
                assert parts[Kind.UNREAD].total == len(recounted(session, who)), account
        assert HIDDEN not in repr(parts)
        levels[account] = {line.level for part in parts.values() for line in part.lines}
        kinds |= parts.keys()
    # What nobody is told would prove nothing.
    assert Confidentiality.RESTRICTED in levels["sg"] & levels["dge"] & levels["daf"]
    assert kinds >= {Kind.UNREAD, Kind.TO_DISPATCH, Kind.NO_SCAN, Kind.PAPERS}
    assert levels["admin"] <= {Confidentiality.ORDINARY}


def test_a_letter_that_becomes_secret_between_two_statements_is_not_told_as_such(house: House) -> None:
    """On PostgreSQL each statement of a page sees what was committed before it: the rights are of the one that tells the level."""
    services = house.services
    for unit in ("DGE", "DAF"):
        impute(services, register(services).mail_id, unit, due_on=LATE)
    register(services)
    told_at_first = 0
    for account in ("agent", "sg", "dge"):
        who, place, statements = actor(services, account, on=MORNING.date()), 0, 0
        while place <= statements:
            place, statements = place + 1, 0

            def raised(connection: Any, *_rest: Any, at: int = place) -> None:
                nonlocal statements
                statements += 1
                if statements == at:
                    connection.connection.cursor().execute(f"UPDATE mails SET level = {Confidentiality.SECRET:d}")

            with suppress(Invalid), services.unit_of_work(MORNING) as uow:
                uow.session.connection()  # the transaction has begun
                event.listen(services.engine, "before_cursor_execute", raised)
                try:
                    parts = queries.parts(uow.session, services, who, now=MORNING)
                finally:
                    event.remove(services.engine, "before_cursor_execute", raised)
                raise Invalid("test.undone", "nothing")
            assert not any(part.is_unknown for part in parts)
            levels = {line.level for part in parts for line in part.lines}
            assert Confidentiality.SECRET not in levels, (account, place)
            told_at_first += Kind.UNREAD in {part.kind for part in parts if part.lines}
    assert told_at_first > 3


def recounted(session: Session, who: Actor) -> set[int]:
    """The late letters that a person is told of, counted one by one by the rule as a check."""
    units = {int(one) for one in who.headed_unit_ids | who.unit_ids}
    rows = session.execute(
        select(Mail.id, Mail.level, Assignment.unit_id, Assignment.assigned_by_post_id)
        .join(Assignment, Assignment.mail_id == Mail.id)
        .where(Assignment.due_on == LATE, Mail.state == MailState.ASSIGNED)
    ).all()
    return {
        mail_id
        for mail_id, level, unit, given_by in rows
        if (unit in units or given_by in who.post_ids)
        and level < Confidentiality.SECRET
        and access.may_see(session, mail_id, Confidentiality(level), who)
    }


# --- the e-mail


def choose(services: Services, account: str, way: Way = Way.DIGEST) -> None:
    with services.unit_of_work(NOW) as uow:
        choices.choose(uow, {Occasion.MORNING: way}, actor=actor(services, account))


def with_addresses(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).values(email=Person.account + "@mines.example.tg"))


def morning(services: Services, now: datetime = MORNING) -> None:
    """What the clock does in the morning, and the e-mails that it orders."""
    telling.tell(services, now=now)
    mail.digest(services, now=now)
    with services.reading() as session:
        waiting = jobs.due(session, now=now, kinds=(JobKind.NOTICE_MAIL,), limit=100)
    for job_id in waiting:
        job = claimed(services, job_id, now)
        mail.run_mail(services, job, now=now, point=telling.counted_lines)
        with services.unit_of_work(now) as uow:
            uow.session.execute(update(Job).where(Job.id == job_id).values(state=JobState.DONE))


def claimed(services: Services, job_id: JobId, now: datetime) -> jobs.ClaimedJob:
    with services.unit_of_work(now) as uow:
        job = jobs.claim(uow.session, job_id, worker="test", now=now)
    assert job is not None
    return job


def outbox(services: Services) -> list[str]:
    folder = Path(services.data_dir) / "outbox"
    found = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(folder.glob("*.eml"))]
    return [f"{one['To']}\n{one['Subject']}\n{one.get_content()}" for one in found]


def test_the_e_mail_goes_to_who_chose_it_once_a_working_day_and_says_nothing_of_a_letter(house: House) -> None:
    services = house.services
    furnish(house)
    with_addresses(services)
    morning(services)
    assert outbox(services) == [], "nobody chose it"
    choose(services, "dge")
    for _ in range(2):
        morning(services)
    morning(services, MORNING + timedelta(hours=2))
    (text,) = outbox(services)
    assert text.startswith("dge@mines.example.tg")
    assert "2 courriers en retard que personne n'a ouverts" in text
    assert HIDDEN not in text
    assert "Poteaux" not in text
    assert not re.search(r"\d{4,5}/2026", text), "no number of a letter"
    morning(services, SUNDAY)
    assert len(outbox(services)) == 1
    morning(services, MORNING + timedelta(days=1))
    assert len(outbox(services)) == 2
    with services.reading() as session:
        rows = session.scalars(select(PersonalNotice).where(PersonalNotice.occasion == Occasion.MORNING)).all()
    assert len(rows) == 2, "one a person and day"
    assert sum(row.read_at is None for row in rows) == 1, "only today's waits to be read"


def test_what_was_settled_before_the_e_mail_is_sent_is_not_told(house: House) -> None:
    services = house.services
    mail_id = register(services).mail_id
    impute(services, mail_id, due_on=LATE)
    with_addresses(services)
    choose(services, "dge")
    telling.tell(services, now=MORNING)
    finish(services, mail_id)
    morning(services)
    assert outbox(services) == []
    with services.reading() as session:
        assert session.scalars(select(NoticeMail.state)).all() == [DeliveryState.NEEDLESS]


def test_nothing_is_written_on_a_quiet_morning(house: House) -> None:
    with_addresses(house.services)
    choose(house.services, "dge")
    morning(house.services)
    assert outbox(house.services) == []


def test_the_notice_of_yesterday_is_read_when_nothing_is_pending_today(house: House) -> None:
    services = house.services
    mail_id = register(services).mail_id
    impute(services, mail_id, due_on=LATE)
    choose(services, "dge")
    telling.tell(services, now=MORNING)
    finish(services, mail_id)
    assert telling.tell(services, now=MORNING + timedelta(days=1)) == 0
    with services.reading() as session:
        (notice,) = session.scalars(select(PersonalNotice).where(PersonalNotice.occasion == Occasion.MORNING))
    assert notice.read_at == MORNING + timedelta(days=1)


def test_other_notices_are_sent_when_the_point_fails(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    services = house.services
    with_addresses(services)
    person_id = actor(services, "dge").person_id
    with services.unit_of_work(NOW) as uow:
        uow.session.add(
            PersonalNotice(person_id=person_id, occasion=Occasion.DELEGATED, key="delegated:1", subject_id=1, way=Way.DIGEST, at=MORNING)
        )  # fmt: skip

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(telling, "tell", fail)
    with pytest.raises(RuntimeError):
        pipeline.notice_digest(SimpleNamespace(services=services, now=MORNING))  # type: ignore[arg-type]
    with services.reading() as session:
        assert session.scalars(select(NoticeMail.person_id)).all() == [person_id]


def test_the_e_mail_says_which_kind_could_not_be_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    services = house.services
    with_addresses(services)
    choose(services, "admin")
    no_authority(monkeypatch)
    morning(services)
    (text,) = outbox(services)
    assert "Certificats qui prennent fin : la lecture a échoué" in text


def readers(services: Services) -> set[str]:
    with services.reading() as session:
        found = telling.readers(session, MORNING.date())
        return set(session.scalars(select(Person.account).where(Person.id.in_(found))))


def holds(services: Services, code: str, account: str) -> None:
    person_id = actor(services, account).person_id
    with services.unit_of_work(NOW) as uow:
        uow.session.add(Holding(post_id=post_id(services, code), person_id=person_id, from_on=TODAY))


def away(services: Services, account: str, given: int | None = None) -> None:
    with services.unit_of_work(NOW) as uow:
        absences.declare(uow, AbsenceForm(TODAY, MORNING.date(), given), actor=actor(services, account))


def test_of_two_posts_of_an_absent_reader_one_may_be_replaced(house: House) -> None:
    services = house.services
    choose(services, "dge")
    empty(services, "ETU-M")
    holds(services, "ETU-M", "dge")
    given = acts(services, "DGE-C", "daf", until=MORNING.date(), kind=DelegationKind.DELEGATION)
    away(services, "dge", given)
    assert readers(services) == {"dge", "daf"}


def test_who_holds_the_post_too_did_not_ask(house: House) -> None:
    services = house.services
    choose(services, "dge")
    holds(services, "DGE-C", "etudes")
    assert readers(services) == {"dge"}
    away(services, "dge")
    assert readers(services) == {"dge"}


def test_an_interim_is_written_to_in_place_of_the_reader(house: House) -> None:
    services = house.services
    choose(services, "dge")
    acts(services, "DGE-C", "daf", until=MORNING.date())
    assert readers(services) == {"daf"}


def test_readers_who_are_there_cost_no_query_each(house: House) -> None:
    services = house.services
    asked: list[str] = []
    choose(services, "dge")
    event.listen(services.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))

    def statements() -> int:
        asked.clear()
        with services.reading() as session:
            telling.readers(session, MORNING.date())
        return len(asked)

    one = statements()
    for account in ("sg", "daf", "etudes"):
        choose(services, account)
    assert statements() == one


def test_who_acts_for_the_absent_is_written_to_in_their_language(house: House) -> None:
    services = house.services
    impute(services, register(services).mail_id, due_on=LATE)
    with_addresses(services)
    choose(services, "dge")
    given = acts(services, "DGE-C", "daf", until=MORNING.date() + timedelta(days=30), kind=DelegationKind.DELEGATION)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "daf").values(language="en"))
        absences.declare(uow, AbsenceForm(TODAY, MORNING.date(), given), actor=actor(services, "dge"))
    morning(dataclasses.replace(services, translations=translations))
    (text,) = outbox(services)
    assert text.startswith("daf@mines.example.tg")
    assert "1 late letter that nobody has opened" in text


def test_an_absent_reader_whom_nobody_replaces_is_written_to(house: House) -> None:
    services = house.services
    impute(services, register(services).mail_id, due_on=LATE)
    with_addresses(services)
    choose(services, "dge")
    with services.unit_of_work(NOW) as uow:
        absences.declare(uow, AbsenceForm(TODAY, MORNING.date()), actor=actor(services, "dge"))
    morning(services)
    assert [text.partition("\n")[0] for text in outbox(services)] == ["dge@mines.example.tg"]


def test_it_is_never_sent_at_once(house: House) -> None:
    with pytest.raises(Invalid, match=r"form\.unknown_choice"):
        choose(house.services, "dge", Way.AT_ONCE)


# --- the page


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Flask, House, Clock]]:
    app, house = make_place(tmp_path)
    clock = Clock()
    clock.at = MORNING
    monkeypatch.setattr(context, "datetime", clock)
    yield app, house, clock
    house.services.engine.dispose()


def test_the_page_says_that_nothing_lies_about(site: tuple[Flask, House, Clock]) -> None:
    app, _, _ = site
    page = sign_in(app, "etudes").get("/matin/").text
    assert "Rien n'est en souffrance ce matin." in page, (
        "not that nothing waits: the tray and the signbook may hold work"
    )
    assert "data-print" not in page


def test_each_link_of_the_page_opens_for_its_reader_and_nothing_leaks(site: tuple[Flask, House, Clock]) -> None:
    app, house, _ = site
    services = house.services
    furnish(house)
    intake_kit.upload(services, "a.png", pages.png("Une demande"))
    intake_kit.pair(services)
    slip_kit.send(services, LineForm("Un dossier"))
    acts(services, "DGE-C", "etudes", until=MORNING.date(), kind=DelegationKind.DELEGATION)
    with services.unit_of_work(NOW) as uow:
        uow.session.add(
            Job(kind=JobKind.SWEEP, state=JobState.FAILED, subject_id=0, params={}, created_at=NOW, run_after=NOW)
        )
    seen = set()
    for account in ACCOUNTS:
        client = sign_in(app, account)
        page = client.get("/matin/")
        assert page.status_code == 200
        assert HIDDEN not in page.text
        body = page.text.partition("<main")[2].partition("</main>")[0]
        assert 'href="/matin/"' in client.get("/").text
        for url in set(re.findall(r'href="(/[^"#]*)', body)):
            assert client.get(url.replace("&amp;", "&")).status_code in (200, 302, 303), (account, url)
            seen.add(re.sub(r"\d+", "1", url))
    assert {"/courriers/1", "/bordereaux/1", "/administration/taches", "/delegations/"} <= seen


def test_originals_lead_to_the_page_that_sends_them_and_a_slip_names_its_sender_without_an_article(
    site: tuple[Flask, House, Clock],
) -> None:
    app, house, _ = site
    register(house.services)
    slip_kit.send(house.services, LineForm("Un dossier"))
    page = sign_in(app, "agent").get("/matin/").text
    assert '<a class="no-print" href="/a-transmettre/">À transmettre</a>' in page
    assert "confié ailleurs" not in page, "nobody has decided on the letter yet"
    assert "envoyé par : Bureau" in page


def test_what_is_not_shown_is_a_least_number_where_the_whole_is_one(
    site: tuple[Flask, House, Clock], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, house, _ = site
    for _letter in range(SHOWN + 2):
        register(house.services)
    told_whole = queries.parts

    def cut(*given: Any, **named: Any) -> list[Part]:
        return [dataclasses.replace(part, is_cut=True) for part in told_whole(*given, **named)]

    monkeypatch.setattr(queries, "parts", cut)
    page = sign_in(app, "agent").get("/matin/").text
    assert f"Au moins {SHOWN + 2} " in page.replace("\N{NO-BREAK SPACE}", " ")
    assert ">et au moins 2 autres<" in page


@pytest.mark.parametrize(("language", "words"), [("fr", "Plus de 1 000 tâches en échec"), ("en", "More than 1,000 ")])
def test_a_line_whose_count_is_a_bound_tells_it_as_one(
    site: tuple[Flask, House, Clock], monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    app, house, _ = site
    with house.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "admin").values(language=language))
    counts = {JobState.FAILED.value: 1_001, JobState.UNCERTAIN.value: 1_000}
    monkeypatch.setattr(reports_of_jobs, "counts", lambda _session: counts)
    page = sign_in(app, "admin").get("/matin/").text
    for space in ("\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}", "&nbsp;"):
        page = page.replace(space, " ")
    rows = page.partition('id="jobs"')[2].partition("<tbody>")[2].partition("</tbody>")[0]
    assert words in rows
    assert not re.search("1[ ,]?001", rows)
    assert re.search("1[ ,]000 (tâches incertaines|uncertain|jobs?)", rows), "a count that is one stays"


def test_a_kind_alone_shows_what_the_whole_page_leaves_out(site: tuple[Flask, House, Clock]) -> None:
    app, house, _ = site
    letters = {register(house.services).mail_id for _ in range(SHOWN + 2)}
    client = sign_in(app, "agent")
    whole = client.get("/matin/").text
    assert ">et 2 autres<" in whole
    (address,) = re.findall(r'href="(/matin/\?voir=no_scan)"', whole)
    alone = client.get(address).text
    assert {int(one) for one in re.findall(r'href="/courriers/(\d+)"', alone)} == letters
    assert "registre dont des jours" in whole
    assert "registre dont des jours" not in alone
    assert "registre dont des jours" in client.get("/matin/?voir=autre").text


def test_the_page_says_which_kind_could_not_be_read(
    site: tuple[Flask, House, Clock], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, house, _ = site
    intake_kit.pair(house.services)
    no_authority(monkeypatch)
    page = sign_in(app, "admin").get("/matin/")
    assert page.status_code == 200
    assert "Cette partie n'a pas pu être lue" in html.unescape(page.text).replace("’", "'")
    assert "Guichet 1" in page.text


def test_an_interim_that_ends_names_who_may_give_it_again(site: tuple[Flask, House, Clock]) -> None:
    app, house, _ = site
    acts(house.services, "DGE-C", "daf", until=MORNING.date())
    assert "Le responsable au-dessus du poste" in sign_in(app, "daf").get("/matin/").text


def test_the_choice_of_the_e_mail_stands_with_the_notices(site: tuple[Flask, House, Clock]) -> None:
    app, _, _ = site
    form = sign_in(app, "dge").get("/avis/choix").text
    chosen = re.search(r'<select[^>]*name="morning".*?</select>', form, re.DOTALL)
    assert chosen
    assert re.findall(r'value="(\w+)"', chosen[0]) == ["digest", "none"]
