"""The load of units and posts: what was given to them, whichever unit leads; on both databases."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, event, select, update

from ged import access, audit
from ged.dashboard import letters as letter_lists
from ged.dashboard import reach
from ged.dashboard.letters import AskedLetters, What
from ged.dashboard.reach import Narrowing
from ged.figures.cuts import Cut
from ged.figures.models import STATE, FigureLetter, FigureState
from ged.org.models import Person
from ged.outlook import loads
from ged.outlook.loads import By, Load
from ged.paging import START
from ged.ports import Confidentiality, MailId, PostId, Principal, UnitId
from ged.register.models import Mail, Priority
from ged.routing import operations, queries
from ged.routing.models import Assignment, Purpose
from ged.routing.queries import InboxView
from ged.routing.states import LIVE
from tests.factories import NOW, TODAY, actor
from tests.figure_letters_kit import count_all, letter
from tests.figure_loads_kit import numbers, one_by_one
from tests.figure_site import main, plain, saved_rows, site, table_rows
from tests.routing_kit import post_id, unit_id
from tests.signbook_kit import House, house, house_on_either
from tests.site import sign_in

__all__ = ["house", "house_on_either", "site"]  # fixtures

TURNS = pytest.mark.in_turns(3)
"""Of tests of words, lists and plans. Who may see which letter in a load, and how many there are, is shown in each turn."""

ALL = Narrowing()
NOVEMBER = "du=2026-11-01&au=2026-11-30"


def given(house: House, *, to: str = "", due_on: date | None = None, on: date = TODAY) -> int:
    """A letter that DGE leads and has passed on: to the service ETU, or to a post of it."""
    services = house.services
    mail_id = letter(services, "DGE", on=on)
    with services.unit_of_work(NOW) as uow:
        above = uow.session.scalars(select(Assignment.id).where(Assignment.mail_id == mail_id)).one()
        operations.assign(
            uow, MailId(mail_id), from_assignment_id=above, to_unit_id=UnitId(unit_id(services, "ETU")),
            to_post_id=PostId(post_id(services, to)) if to else None, purpose=Purpose.ACTION, instruction="",
            due_on=due_on, actor=actor(services, "dge"), now=NOW,
        )  # fmt: skip
    return mail_id


def live_of(house: House, mail_id: int, unit: str) -> int:
    with house.services.reading() as session:
        where = (Assignment.mail_id == mail_id, Assignment.state.in_(LIVE))
        of = Assignment.unit_id == unit_id(house.services, unit)
        return session.scalars(select(Assignment.id).where(*where, of)).one()


def copied(house: House, mail_id: int) -> int:
    """A second assignment of the letter to the service ETU."""
    with house.services.unit_of_work(NOW) as uow:
        row = uow.session.get_one(Assignment, live_of(house, mail_id, "ETU"))
        again = Assignment(
            **{one.key: getattr(row, one.key) for one in Assignment.__mapper__.column_attrs if one.key != "id"}
        )
        uow.session.add(again)
        uow.session.flush()
        return again.id


def finished(house: House, mail_id: int, *, by: str, unit: str, at: datetime) -> None:
    row = live_of(house, mail_id, unit)
    with house.services.unit_of_work(at) as uow:
        operations.finish(uow, MailId(mail_id), row, outcome="Fait", actor=actor(house.services, by), now=at)


def overdue(house: House, mail_id: int, unit: str, due_on: date) -> None:
    """A date that has passed: an assignment is given none."""
    row = live_of(house, mail_id, unit)
    with house.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Assignment).where(Assignment.id == row).values(due_on=due_on))


def told(
    house: House, account: str, by: By = By.UNIT, days: int = 30, narrowing: Narrowing = ALL
) -> dict[tuple[str, str], Load]:
    """(code of the unit, of the post) -> load, as this head is told it."""
    services = house.services
    reader = actor(services, account)
    names = {unit_id(services, one): one for one in ("DGE", "ETU", "DAF")}
    posts = {post_id(services, one): one for one in ("ETU-M", "DAF-C")}
    with services.reading() as session:
        seen = reach.reach_of(reader)
        found = loads.loads(
            session, services.zone, reader, seen.sight(seen.headed).cut(narrowing), reach_days(days), today=TODAY
        )[by]
    return {(names[one.unit_id], posts.get(one.post_id or 0, "")): one for one in found}


def reach_days(days: int) -> loads.Period:
    return loads.Period(TODAY - timedelta(days=days - 1), TODAY + timedelta(days=10))


def test_a_service_is_told_what_it_was_given_and_its_directorate_what_it_leads(house_on_either: House) -> None:
    house = house_on_either
    given(house)
    late = given(house, to="ETU-M")
    given(house, due_on=TODAY + timedelta(days=3))
    overdue(house, late, "ETU", TODAY - timedelta(days=1))
    count_all(house.services)
    found = told(house, "dge")
    service, directorate = found["ETU", ""], found["DGE", ""]
    assert (service.waiting, service.late, service.soon, service.since) == (3, 1, 1, NOW.date())
    assert directorate.waiting == 3, "a letter waits for both: each has it to do"
    posts = told(house, "dge", By.POST)
    assert list(posts) == [("ETU", "ETU-M")], "the others name no post"
    assert (posts["ETU", "ETU-M"].waiting, posts["ETU", "ETU-M"].late) == (1, 1)


def test_a_letter_that_is_given_twice_to_a_unit_counts_once(house_on_either: House) -> None:
    house = house_on_either
    copied(house, given(house))
    count_all(house.services)
    assert told(house, "dge")["ETU", ""].waiting == 1


@TURNS
def test_what_narrows_the_figures_narrows_the_loads(house_on_either: House) -> None:
    house = house_on_either
    urgent, done, _other = given(house), given(house), given(house)
    finished(house, done, by="etudes", unit="ETU", at=NOW)
    with house.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id.in_((urgent, done))).values(priority=Priority.URGENT))
    count_all(house.services)
    service = told(house, "dge", narrowing=Narrowing(priorities=(Priority.URGENT,)))["ETU", ""]
    assert (service.waiting, service.finished) == (1, 1)


@TURNS
def test_what_was_finished_counts_with_its_working_days(house_on_either: House) -> None:
    house = house_on_either
    first, second = given(house), given(house)
    given(house)
    finished(house, first, by="etudes", unit="ETU", at=NOW)
    finished(house, second, by="etudes", unit="ETU", at=NOW + timedelta(days=7))
    count_all(house.services)
    service = told(house, "dge")["ETU", ""]
    assert (service.waiting, service.finished) == (1, 2)
    assert dict(service.delays) == {0: 1, 5: 1}, "a week has five working days"
    long_ago = loads.counted_days(loads.Period(date(2020, 1, 1), TODAY))
    assert long_ago.days == loads.MOST_DAYS, "no more days are read, however long the period"


def test_the_loads_are_those_of_a_count_letter_by_letter(house_on_either: House) -> None:
    house = house_on_either
    services = house.services
    hidden, secret, twice, apart = (given(house, to=to) for to in ("ETU-M", "", "", "ETU-M"))
    late, done, kept, closed = (given(house, to=to) for to in ("ETU-M", "", "ETU-M", ""))
    given(house, due_on=TODAY + timedelta(days=2))
    overdue(house, late, "ETU", TODAY - timedelta(days=1))
    again = live_of(house, twice, "ETU")
    for one, unit, by in (
        (done, "ETU", "etudes"),
        (kept, "ETU", "etudes"),
        (closed, "ETU", "etudes"),
        (closed, "DGE", "dge"),
    ):
        finished(house, one, by=by, unit=unit, at=NOW + timedelta(days=2))
    with services.unit_of_work(NOW) as uow:
        row = uow.session.get_one(Assignment, again)
        columns = {one.key: getattr(row, one.key) for one in Assignment.__mapper__.column_attrs if one.key != "id"}
        uow.session.add(Assignment(**columns))
        own = f"p{post_id(services, 'ETU-M')}"
        # Whoever may open a SECRET letter is not told of it here either.
        uow.session.execute(update(Person).where(Person.account == "dge").values(clearance=int(Confidentiality.SECRET)))
        for one, level, right in (
            (hidden, Confidentiality.RESTRICTED, own),
            (secret, Confidentiality.SECRET, ""),
            (apart, None, own),
        ):
            if level is not None:
                uow.session.execute(update(Mail).where(Mail.id == one).values(level=int(level)))
            if right:
                uow.session.execute(delete(access.MailAccess).where(access.MailAccess.mail_id == one))
                access.grant(uow, one, [Principal(right)], access.Because.ASSIGNED)
    count_all(services)
    for by in By:
        found = {key: (one.waiting, one.late, one.soon, one.finished) for key, one in told(house, "dge", by).items()}
        assert found == counted_one_by_one(house, "dge", by), by
    assert counted_one_by_one(house, "dge", By.UNIT)["ETU", ""] == (3, 1, 1, 3)


def counted_one_by_one(
    house: House, account: str, by: By, units: Sequence[str] = ("DGE", "ETU")
) -> dict[tuple[str, str], tuple[int, int, int, int]]:
    """(code of the unit, of the post) -> letters that wait, late ones, those with a near date, finished ones; each asked for its rights."""
    services = house.services
    of_units = {unit_id(services, one): one for one in units}
    posts = {post_id(services, one): one for one in ("ETU-M",)}
    cut = Cut(int(Confidentiality.RESTRICTED), frozenset(of_units))
    with services.reading() as session:
        reader = actor(services, account)
        counted = numbers(
            session, services.zone, one_by_one(session, services.zone, reader, cut, reach_days(30), today=TODAY)
        )
    return {
        (of_units[unit], posts[post] if post else ""): told[:4]
        for (unit, post), told in counted.items()
        if (post is not None) is (by is By.POST)
    }


@pytest.mark.parametrize("reads_all", [False, True])
def test_each_reader_is_told_what_a_count_letter_by_letter_says(
    house_on_either: House, monkeypatch: pytest.MonkeyPatch, reads_all: bool
) -> None:
    """Letters of all levels, with rights taken and given, some by acts that the figures have not counted yet; among them letters that
    somebody still has and that are not open."""
    monkeypatch.setattr(loads, "_reads_all_open", lambda *_: reads_all)
    house, chance = house_on_either, random.Random(110)
    services, units = house.services, ("DGE", "ETU", "DAF")
    mail_ids = [given(house, to=chance.choice(("", "ETU-M"))) for _ in range(24)]
    led = {unit: letter(services, unit) for unit in units}
    for one in mail_ids[::4]:
        finished(house, one, by="etudes", unit="ETU", at=NOW + timedelta(days=chance.randrange(4)))
    for one in mail_ids[1::5]:
        overdue(house, one, "DGE", TODAY - timedelta(days=1))
    rights = [f"{kind}{unit_id(services, unit)}" for kind in "uc" for unit in units]
    rights += [f"p{post_id(services, post)}" for post in ("ETU-M", "DAF-C")]

    def changed(mail_id: int) -> None:
        """A level and rights by chance; of those that the letter had, some stay."""
        with services.unit_of_work(NOW) as uow:
            uow.session.execute(update(Mail).where(Mail.id == mail_id).values(level=chance.choice((0, 0, 0, 1, 1, 2))))
            held = access.rights_because(uow.session, mail_id, tuple(access.Because))
            for principal, because, _at in chance.sample(held, chance.randrange(len(held) + 1)):
                access.revoke(uow, mail_id, principal, because)
            given_now = [Principal(one) for one in chance.sample(rights, chance.randrange(4))]
            access.grant(uow, mail_id, given_now, access.Because.SHARED)
            uow.record("mail.level_changed", "mail", mail_id, actor=actor(services, "dge"))

    accounts = ("sg", "dge", "daf", "etudes", "agent")
    with services.unit_of_work(NOW) as uow:
        for account, clearance in (("dge", Confidentiality.SECRET), ("daf", Confidentiality.RESTRICTED)):
            person = update(Person).where(Person.account == account)
            uow.session.execute(person.values(clearance=int(clearance)))
    for one in mail_ids[::2]:
        changed(one)
    with services.unit_of_work(NOW) as uow:  # its heads see it, its members do not, or the other way round
        for unit, mail_id in led.items():
            uow.session.execute(delete(access.MailAccess).where(access.MailAccess.mail_id == mail_id))
            kind = "u" if unit == "DAF" else "c"
            access.grant(uow, mail_id, [Principal(f"{kind}{unit_id(services, unit)}")], access.Because.SHARED)
        for mail_id in mail_ids[3:6]:  # what was given to one post of theirs is confidential to its heads, too
            uow.session.execute(update(Mail).where(Mail.id == mail_id).values(level=int(Confidentiality.RESTRICTED)))
            uow.session.execute(delete(access.MailAccess).where(access.MailAccess.mail_id == mail_id))
            heads = [Principal(f"c{unit_id(services, unit)}") for unit in units]
            access.grant(uow, mail_id, heads, access.Because.SHARED)
        # Its head, cleared for it, may open it: no figure tells of it.
        secret = update(Mail).where(Mail.id == mail_ids[7])
        uow.session.execute(secret.values(level=int(Confidentiality.SECRET)))
        own = [Principal(f"u{unit_id(services, unit)}") for unit in units]
        access.grant(uow, mail_ids[7], own, access.Because.SHARED)
    count_all(services)
    with services.unit_of_work(NOW) as uow:
        for mail_id in mail_ids[8:11]:  # as if it were answered, and its service still had it
            ended = update(FigureLetter).where(FigureLetter.mail_id == mail_id)
            uow.session.execute(ended.values(ended_on=TODAY))

    def compare() -> set[int]:
        """Compare for each reader, also of units that the reader does not head. Returns how many letters wait for ETU, as each is told."""
        found = set()
        for account in accounts:
            for by in By:
                told_now = {
                    key: (one.waiting, one.late, one.soon, one.finished)
                    for key, one in told_of_all(house, account, by).items()
                }
                must_be = counted_one_by_one(house, account, by, units=units)
                assert told_now == must_be, (account, by)
                found.add(must_be.get(("ETU", ""), (0,))[0])
        return found

    assert len(compare()) > 2, "the readers are told different numbers"
    for one in mail_ids[::3]:
        changed(one)
    compare()
    with services.reading() as session:
        behind = audit.head(session).count - session.get_one(FigureState, STATE).sequence
    assert behind >= len(mail_ids[::3]), "what changed is not counted by the figures"
    count_all(services)
    compare()


def told_of_all(house: House, account: str, by: By) -> dict[tuple[str, str], Load]:
    """As ``told``, of three units, whoever heads them, up to the highest level that figures tell this reader."""
    services = house.services
    reader = actor(services, account)
    names = {unit_id(services, one): one for one in ("DGE", "ETU", "DAF")}
    posts = {post_id(services, one): one for one in ("ETU-M", "DAF-C")}
    with services.reading() as session:
        cut = Cut(int(Confidentiality.RESTRICTED), frozenset(names))
        found = loads.loads(session, services.zone, reader, cut, reach_days(30), today=TODAY)[by]
    return {(names[one.unit_id], posts.get(one.post_id or 0, "")): one for one in found}


@pytest.mark.parametrize("most", [loads.MOST_ENTRIES, 0])
def test_a_letter_that_was_closed_to_its_head_a_moment_ago_is_not_counted(
    house_on_either: House, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """The figures know nothing of it yet: by the journal, or because they are too far behind, its rights are asked."""
    house = house_on_either
    services, first = house.services, given(house)
    given(house)
    count_all(services)
    assert told(house, "dge")["ETU", ""].waiting == 2
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == first).values(level=int(Confidentiality.SECRET)))
        uow.record("mail.level_changed", "mail", first, actor=actor(services, "dge"))
    monkeypatch.setattr(loads, "MOST_ENTRIES", most)
    assert told(house, "dge")["ETU", ""].waiting == 1


@pytest.mark.parametrize("reads_all", [False, True])
def test_a_letter_that_the_figures_do_not_know_is_in_no_load(
    house_on_either: House, monkeypatch: pytest.MonkeyPatch, reads_all: bool
) -> None:
    """No key says who may see it: of a missing key no condition is true, and none is false."""
    monkeypatch.setattr(loads, "_reads_all_open", lambda *_: reads_all)
    house = house_on_either
    given(house)
    count_all(house.services)
    finished(house, given(house), by="etudes", unit="ETU", at=NOW)
    given(house)
    service = told(house, "dge")["ETU", ""]
    assert (service.waiting, service.finished) == (1, 0)
    count_all(house.services)
    service = told(house, "dge")["ETU", ""]
    assert (service.waiting, service.finished) == (2, 1)


def test_figures_of_another_journal_say_nothing_of_letters(house_on_either: House) -> None:
    """Their place lies beyond the journal's end, as after a foreign restore: each letter is asked for its rights."""
    house = house_on_either
    first = given(house)
    count_all(house.services)
    with house.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == first).values(level=int(Confidentiality.SECRET)))
        uow.session.execute(update(FigureState).values(sequence=FigureState.sequence + 100))
    assert told(house, "dge") == {}


@TURNS
def test_the_loads_read_no_row_of_an_assignment(house: House) -> None:
    """On SQLite an index with all that is asked takes a third of the time."""
    given(house)
    count_all(house.services)
    plans: list[str] = []

    def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_rest: object) -> None:
        if "left_out" in statement:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row[3] for row in cursor.fetchall())

    event.listen(house.services.engine, "before_cursor_execute", explain)
    told(house, "dge")
    read = [line for line in plans if re.match(r"S\w+ assignments ", line)]
    assert len(read) == 6, "each statement: of the letters, of the units, of the posts"
    waiting, done = "ix_assignments_unit_id_waiting", "ix_assignments_unit_id_finished_all"
    assert {one.split(" (")[0] for one in read} == {
        f"SEARCH assignments USING COVERING INDEX {name}" for name in (waiting, done)
    }


@TURNS
def test_other_assignments_are_looked_up_by_their_letter(house: House) -> None:
    """By the unit, SQLite would go through all that waits there, for each finished letter: four minutes at a million letters."""
    given(house)
    count_all(house.services)
    plans: list[str] = []

    def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_rest: object) -> None:
        if "each_letter" in statement:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row[3] for row in cursor.fetchall())

    event.listen(house.services.engine, "before_cursor_execute", explain)
    told(house, "dge")
    others = [line for line in plans if re.match(r"SEARCH assignments_\d ", line)]
    assert len(others) == len(By)
    assert all("ix_assignments_mail_id (mail_id=?)" in one for one in others)


@TURNS
def test_a_letter_that_its_service_still_has_is_not_finished(site: tuple[Flask, House]) -> None:
    """Its head gave it to a post, which has finished: the head has not."""
    app, house = site
    services = house.services
    mail_id = given(house)
    with services.unit_of_work(NOW) as uow:
        operations.assign(
            uow, MailId(mail_id), from_assignment_id=live_of(house, mail_id, "ETU"), to_unit_id=UnitId(unit_id(services, "ETU")),
            to_post_id=PostId(post_id(services, "ETU-M")), purpose=Purpose.OPINION, instruction="", due_on=None,
            actor=actor(services, "dge"), now=NOW,
        )  # fmt: skip
        of_post = uow.session.scalars(
            select(Assignment.id).where(Assignment.post_id == post_id(services, "ETU-M"))
        ).one()
    with services.unit_of_work(NOW) as uow:
        operations.finish(uow, MailId(mail_id), of_post, outcome="Avis", actor=actor(services, "etudes"), now=NOW)
    count_all(services)
    assert [
        (one.waiting, one.finished)
        for one in (told(house, "dge")["ETU", ""], told(house, "dge", By.POST)["ETU", "ETU-M"])
    ] == [(1, 0), (0, 1)]
    client = sign_in(app, "dge")
    unit, post = f"unite={unit_id(services, 'ETU')}&seul=1", f"poste={post_id(services, 'ETU-M')}"
    listed = [
        main(client.get(f"/tableau/courriers?quoi=finished&{NOVEMBER}&{one}").text).count('class="number" href=')
        for one in (unit, f"{unit}&{post}")
    ]
    assert listed == [0, 1]
    finished(house, mail_id, by="dge", unit="ETU", at=NOW)
    count_all(services)
    assert told(house, "dge")["ETU", ""].finished == 1


@TURNS
def test_a_list_of_letters_that_were_given_has_all_of_them_on_its_pages(house_on_either: House) -> None:
    """Also those that no figure counts as opened: letters of an earlier archive that were opened again."""
    house = house_on_either
    services, mail_ids = house.services, [given(house) for _ in range(4)]
    count_all(services)
    with services.unit_of_work(NOW) as uow:
        taken = mail_ids[:2]
        uow.session.execute(update(FigureLetter).where(FigureLetter.mail_id.in_(taken)).values(opened_on=None))
    reader = actor(services, "dge")
    asked = AskedLetters(What.GIVEN, reach_days(30), zone=services.zone)
    seen, at = list[int](), START
    with services.reading() as session:
        cut = reach.reach_of(reader).sight({unit_id(services, "ETU")}).cut()
        for _ in range(4):
            rows, page, count = letter_lists.letters(session, reader, cut, asked, at, limit=1)
            assert count == 4
            seen += [int(one.mail_id) for one in rows]
            if page.next is None:
                break
            at = page.next
    assert sorted(seen) == sorted(mail_ids)


@TURNS
def test_beside_a_picture_of_what_waits_nothing_reads_what_was_finished(
    site: tuple[Flask, House], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table has it. Where nothing waits there is no picture: the page shows the table, with what was finished."""
    app, house = site
    read, whole = list[tuple[By, ...]](), loads.loads

    def noted(*args: Any, finished_of: tuple[By, ...], **named: Any) -> dict[By, list[Load]]:
        read.append(finished_of)
        return whole(*args, finished_of=finished_of, **named)

    monkeypatch.setattr(loads, "loads", noted)
    over, waiting = given(house, to="ETU-M"), given(house, to="ETU-M")
    finished(house, over, by="etudes", unit="ETU", at=NOW)
    count_all(house.services)
    client = sign_in(app, "dge")
    page = main(client.get("/tableau/?vue=charge").text)
    assert page.count("chart--fluid") == 2
    assert read == [()], "once for both panels"
    assert [row[6] for row in table_rows(client, "/tableau/fichier?tableau=load-posts")[1:]] == ["1"]
    assert read[1:] == [tuple(By)]
    finished(house, waiting, by="etudes", unit="ETU", at=NOW)
    count_all(house.services)
    read.clear()
    page = main(client.get("/tableau/?vue=charge").text)
    assert read[0] == ()
    assert (By.POST,) in read[1:]
    of_posts = page.partition('id="load-posts"')[2]
    assert "chart--fluid" not in of_posts
    assert "<table" in of_posts


@TURNS
def test_a_file_names_the_days_of_which_it_counts_what_was_finished(site: tuple[Flask, House]) -> None:
    app, house = site
    given(house)
    count_all(house.services)
    rows = saved_rows(sign_in(app, "dge"), "/tableau/fichier?periode=12mois&tableau=loads")
    assert next(row[1] for row in rows if row[0] == "Période") == "du 31/10/2026 au 30/11/2026"


@TURNS
def test_the_list_of_a_post_names_it(site: tuple[Flask, House]) -> None:
    app, house = site
    given(house, to="ETU-M")
    count_all(house.services)
    unit, post = unit_id(house.services, "ETU"), post_id(house.services, "ETU-M")
    listed = plain(sign_in(app, "dge").get(f"/tableau/courriers?quoi=given&unite={unit}&seul=1&poste={post}").text)
    assert "Poste ETU-M (Etudes)" in listed
    hidden = plain(sign_in(app, "daf").get(f"/tableau/courriers?quoi=given&poste={post}").text)
    assert "ETU-M" not in hidden


@TURNS
def test_the_load_of_a_service_is_what_stands_in_its_inbox(house_on_either: House) -> None:
    house = house_on_either
    for n in range(4):
        given(house, to="ETU-M" if n % 2 else "")
    count_all(house.services)
    reader = actor(house.services, "dge")
    with house.services.reading() as session:
        below = queries.inbox_totals(session, reader, today=TODAY, views=(InboxView.UNITS,))[InboxView.UNITS]
    assert told(house, "dge")["ETU", ""].waiting == below == 4


def test_a_letter_that_its_head_may_not_see_is_in_no_load_and_no_list(site: tuple[Flask, House]) -> None:
    app, house = site
    services = house.services
    hidden, shown = given(house, to="ETU-M"), given(house, to="ETU-M")
    count_all(services)
    client = sign_in(app, "dge")
    address = f"/tableau/fichier?{NOVEMBER}&tableau=loads"

    def service() -> list[str]:
        return next(row for row in table_rows(client, address) if row[0] == "Service des études")

    assert service()[1] == "2"
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == hidden).values(level=int(Confidentiality.RESTRICTED)))
        uow.session.execute(delete(access.MailAccess).where(access.MailAccess.mail_id == hidden))
        access.grant(uow, hidden, [Principal(f"p{post_id(services, 'ETU-M')}")], access.Because.ASSIGNED)
    count_all(services)
    assert service()[1] == "1"
    listed = client.get(f"/tableau/courriers?quoi=given&unite={unit_id(services, 'ETU')}&seul=1").text
    assert re.findall(r'href="/courriers/(\d+)"', main(listed)) == [str(shown)]


@pytest.mark.parametrize("account", ["etudes", "auditeur"])
def test_who_heads_nothing_is_told_no_load(site: tuple[Flask, House], account: str) -> None:
    app, house = site
    path = "/tableau/" if account == "etudes" else "/supervision/"
    client = sign_in(app, account)

    def panels() -> list[str]:
        whole = plain(client.get(f"{path}?{NOVEMBER}&vue=charge").text)
        return re.findall(r'<section class="card figure-panel".*?</section>', whole, re.DOTALL)

    count_all(house.services)
    before = panels()
    assert len(before) == 2
    assert all("La charge est montrée à qui dirige le service." in one for one in before)
    for _ in range(7):
        given(house, to="ETU-M")
    count_all(house.services)
    assert panels() == before, "nothing of it tells that there are letters"


@TURNS
def test_the_cards_of_a_head_lead_to_the_load(site: tuple[Flask, House]) -> None:
    app, house = site
    given(house, to="ETU-M")
    count_all(house.services)
    page = main(sign_in(app, "dge").get("/tableau/?nature=").text)
    link = re.search(r'href="([^"]*vue=charge[^"]*)">Charge des services<', page)
    assert link is not None
    assert 'id="loads"' in sign_in(app, "dge").get(unescape(link[1])).text
    assert "Charge des services" not in plain(sign_in(app, "etudes").get("/tableau/").text), "a member"


@TURNS
def test_each_number_leads_to_its_letters(site: tuple[Flask, House]) -> None:
    app, house = site
    mail_ids = [given(house, to="ETU-M" if n % 2 else "") for n in range(4)]
    mail_ids.append(given(house, due_on=TODAY + timedelta(days=letter_lists.SOON)))
    overdue(house, mail_ids[0], "ETU", TODAY - timedelta(days=2))
    finished(house, mail_ids[1], by="etudes", unit="ETU", at=NOW)
    count_all(house.services)
    client = sign_in(app, "dge")
    followed = []
    for name in ("loads", "load-posts"):
        page = main(client.get(f"/tableau/chiffres?{NOVEMBER}&tableau={name}").text)
        for href, text in re.findall(r'<a href="(/l/[^"]+)">(\d+)<span', page):
            listed = plain(client.get(unescape(href)).text)
            assert f"Courriers que vous pouvez lire : {text}" in listed, href
            followed.append(int(text))
    # Directorate: five waiting, in time. Service: four, one of them late, three in time, one with a near date, and one finished. Post: one waiting,
    # in time, and one finished.
    assert sorted(followed) == [1, 1, 1, 1, 1, 1, 3, 4, 5, 5]
    assert "Agent" in plain(client.get("/tableau/courriers?quoi=given&poste=x").text), "a wrong post is named"


@TURNS
def test_each_bar_of_a_load_leads_to_its_letters(site: tuple[Flask, House]) -> None:
    """A letter that was given twice to a unit, late and in time, is late there: it is not behind the bar of what is in time."""
    app, house = site
    today = date(2026, 11, 30)  # a Monday, on which the site's clock stands
    mail_ids = [given(house, to="ETU-M" if n % 2 else "") for n in range(4)]
    again = copied(house, mail_ids[1])
    with house.services.unit_of_work(NOW) as uow:
        uow.session.execute(
            update(Assignment).where(Assignment.id == again).values(due_on=today - timedelta(days=2), post_id=None)
        )
    count_all(house.services)
    client = sign_in(app, "dge")
    page = main(client.get(f"/tableau/?{NOVEMBER}&vue=charge").text)
    pictures = re.findall(r'<svg class="chart .*?</svg>', page, re.DOTALL)
    bars, followed = 0, []
    for picture in pictures:
        bars += len(re.findall(r"<title>[^<]*\d</title>", picture))
        for href, text in re.findall(r'<a href="([^"]+)" tabindex="-1"><title>[^<]*?(\d+)</title>', picture):
            assert f"Courriers que vous pouvez lire : {text}" in plain(client.get(unescape(href)).text), href
            followed.append(int(text))
    # Directorate: four in time. Service: one late, three in time. Post: two in time.
    assert (bars, sorted(followed)) == (4, [1, 2, 3, 4]), pictures


@TURNS
def test_a_list_of_loads_shows_the_date_of_the_assignment(site: tuple[Flask, House]) -> None:
    """The letter has none, or another one; of two assignments of the units the first date counts."""
    app, house = site
    today = date(2026, 11, 30)  # a Monday, on which the site's clock stands
    late, soon = given(house, to="ETU-M"), given(house, due_on=today + timedelta(days=3))
    overdue(house, late, "ETU", today - timedelta(days=3))
    with house.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == late).values(due_on=today + timedelta(days=200)))
    count_all(house.services)
    client, unit = sign_in(app, "dge"), unit_id(house.services, "ETU")

    def listed(what: str) -> list[str]:
        page = main(client.get(f"/tableau/courriers?quoi={what}&unite={unit}&seul=1&du={today}&au={today}").text)
        found = re.findall(r'<td data-label="Échéance de l\'attribution">(.*?)</td>', unescape(page), re.DOTALL)
        return [re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", one)).strip() for one in found]

    assert listed("given_late") == ["27/11/2026 en retard d'un jour ouvré"]
    assert listed("given_soon") == ["03/12/2026"]
    last = f"/tableau/courriers?quoi=given_soon&unite={unit}&du={today}&au={date.max}"
    assert client.get(last).status_code == 200, "no day comes after the last one of the calendar"
    assert len(listed("given")) == 2
    assert soon != late


@TURNS
def test_the_panel_says_which_work_it_does_not_count(site: tuple[Flask, House]) -> None:
    """A SECRET letter waits in the inbox of its service and in no load; what a directorate ended for its service is the directorate's."""
    app, house = site
    secret, ended = given(house), given(house)
    with house.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == secret).values(level=int(Confidentiality.SECRET)))
    finished(house, ended, by="dge", unit="DGE", at=NOW)
    count_all(house.services)
    found = told(house, "dge")
    assert ("ETU", "") not in found
    assert found["DGE", ""].finished == 1
    page = plain(sign_in(app, "dge").get(f"/tableau/?{NOVEMBER}&vue=charge").text)
    assert (
        "Les courriers secrets, et ceux que vous ne pouvez pas lire, attendent dans les bannettes sans être comptés ici."
        in page
    )
    assert "Ce qu'un service a terminé pour ceux qui en dépendent est compté chez lui seul." in page


@TURNS
def test_a_list_of_a_load_says_by_itself_what_it_has(site: tuple[Flask, House]) -> None:
    count_all(site[1].services)
    client = sign_in(site[0], "dge")
    for what in ("given_late", "given_soon"):
        text = plain(client.get(f"/tableau/courriers?quoi={what}&{NOVEMBER}").text)
        assert "Courriers confiés et non terminés dont l" in text
        assert "De ces courriers" not in text


@TURNS
@pytest.mark.parametrize("page_name", ["tableau", "supervision"])
def test_the_load_is_said_to_be_of_this_moment(site: tuple[Flask, House], page_name: str) -> None:
    """What is counted of the register stands above it, with the moment of that count."""
    given(site[1])
    count_all(site[1].services)
    client, said = sign_in(site[0], "dge"), "La charge est celle de cet instant."
    for view, is_said in (("charge", True), ("", False)):
        text = plain(client.get(f"/{page_name}/?{NOVEMBER}&vue={view}").text)
        assert "Compté le" in text
        assert (said in text) is is_said
    panel = re.search(r'chiffres\?[^"]*tableau=([a-z-]+)', client.get(f"/{page_name}/?{NOVEMBER}&vue=charge").text)
    assert panel is None or said in plain(client.get(f"/{page_name}/chiffres?{NOVEMBER}&tableau={panel[1]}").text)
