"""What waits is found among the few letters under way, not among all assignments of the past (SQLite's own plans).

A letter is closed, and its assignments keep their state: in an old archive nearly all that are open are of closed letters.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, event, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ged import access, jobs
from ged.capture import queries as scans
from ged.closing import listing as closing
from ged.correspondents import letters
from ged.counting import counted
from ged.db import ByOtherIndex
from ged.envelopes import operations as envelopes
from ged.followup import listing
from ged.followup.listing import FollowFilter, Grouping, Scope, Today
from ged.jobs import Job, JobKind, JobState
from ged.org.models import Person, Post, Unit
from ged.preservation import queries as preservation
from ged.preservation.models import Preservation
from ged.register import books
from ged.register.models import Attachment, AttachmentKind, Mail, MailNumber
from ged.register.states import MOVES, MailAct, MailState
from ged.reports import home
from ged.reports import jobs as job_reports
from ged.routing import choices, queries
from ged.routing.models import Assignment
from ged.routing.queries import InboxView
from ged.routing.rights import ENDED, UNDER_WAY
from ged.signbook import queries as signbook
from ged.signbook.models import Draft, SignatureWay, SignedRevision
from ged.slips import delivery_book, parties, to_transmit
from ged.slips import queries as slips
from ged.slips.models import Slip, SlipPurpose
from ged.slips.states import SlipState
from ged.unit import Actor, Services
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.routing_kit import impute, make_mentions, register

pytestmark = pytest.mark.in_turns(3)

PAST = 3_000
SLIPS = 2 * PAST
SIGNED = 300
"""Letters of the past that the secretary general signed."""
INSTRUCTIONS = 10
"""Of SQLite's virtual machine; it needs more than these to look at one assignment and its letter."""


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """One letter under way, and copies of it that were closed with their assignments as they were."""
    found = make_services(tmp_path_factory.mktemp("past"))
    make_organisation(found)
    make_mentions(found)
    impute(found, register(found, "Pour suite").mail_id, due_on=TODAY)
    with found.engine.begin() as connection:
        connection.execute(text("PRAGMA defer_foreign_keys=ON"))
        for table, changed in (
            (Mail.__table__, {"id": "id + n", "state": "'closed'", "request_token": "NULL"}),
            (
                Assignment.__table__,
                {
                    "id": "id + n",
                    "mail_id": "mail_id + n",
                    "assigned_at": "strftime('%Y-%m-%d %H:%M:%f000', assigned_at, '-' || n || ' days')",
                },
            ),
            (access.MailAccess.__table__, {"mail_id": "mail_id + n"}),
            (
                MailNumber.__table__,
                {
                    "id": "id + n",
                    "mail_id": "mail_id + n",
                    "sequence": "sequence + n",
                    "text": "text || n",
                    "text_key": "text_key || n",
                    "registered_on": "date(registered_on, '-' || n || ' days')",
                },
            ),
        ):
            names = [column.name for column in table.columns]
            values = ", ".join(changed.get(name, name) for name in names)
            connection.execute(
                text(
                    f"INSERT INTO {table.name} ({', '.join(names)}) WITH RECURSIVE steps(n) AS (SELECT 1 UNION ALL "
                    f"SELECT n + 1 FROM steps WHERE n < {PAST}) SELECT {values} FROM {table.name}, steps"
                )
            )
        signatory = connection.scalar(select(Post.id).where(Post.code == "SG-T"))
        copies = connection.scalars(select(Mail.id).where(Mail.state == MailState.CLOSED)).all()
        signed = {"way": SignatureWay.DIGITAL, "signatory_post_id": signatory, "version": 1}
        connection.execute(insert(Draft), [{"mail_id": mail_id, **signed} for mail_id in copies[:SIGNED]])
        kept = {"level": "B-LTA", "due_at": NOW, "updated_at": NOW}
        connection.execute(insert(Preservation), [{"mail_id": mail_id, **kept} for mail_id in copies])
        paper = {"kind": AttachmentKind.SIGNED, "media_type": "application/pdf", "added_at": NOW}
        connection.execute(insert(Attachment), [{"id": PAST, "mail_id": copies[0], **paper}])
        connection.execute(
            insert(SignedRevision),
            [
                {"mail_id": mail_id, "sequence": 1, "digest": "", "attachment_id": PAST, "level": "B-LTA", "at": NOW}
                for mail_id in copies
            ],
        )
        insert_slips(connection)
        read = {"kind": JobKind.RECOGNISE_BACKLOG, "state": JobState.QUEUED, "run_after": NOW, "created_at": NOW}
        connection.execute(insert(Job), [{"subject_id": n, **read} for n in range(PAST)])
    yield found
    found.engine.dispose()


def insert_slips(connection: Connection) -> None:
    """Slips of the mail office in the past: received, a few of them handed to a messenger today."""
    sender = connection.execute(select(Post.id, Post.unit_id).where(Post.code == "BO-A")).one()
    receiver = connection.scalar(select(Unit.id).where(Unit.code == "DGE"))
    given = {
        "state": SlipState.RECEIVED, "purpose": SlipPurpose.INFORMATION, "sender_unit_id": sender.unit_id,
        "sender_post_id": sender.id, "sender_person_id": connection.scalar(select(Person.id).where(Person.account == "agent")),
        "sender_name": "", "sender_title": "", "receiver_unit_id": receiver, "issued_at": NOW, "version": 1,
    }  # fmt: skip
    connection.execute(insert(Slip), [given | {"handed_at": NOW - timedelta(days=n)} for n in range(SLIPS)])


def exchanged(session: Session, who: Actor) -> None:
    """Two pages of a correspondent's letters."""
    sender = session.scalars(select(Mail.sender_id).limit(1)).one()
    assert sender is not None
    _, page = letters.exchanged(session, sender, actor=who)
    if page.next is not None:
        letters.exchanged(session, sender, page.next, actor=who)


def sent_slips(session: Session, who: Actor) -> None:
    """The lists of slips, and the delivery book of a day."""
    slips.sent(session, who, now=NOW, unacknowledged_hours=48)
    slips.overdue_loans(session, who, today=TODAY)
    zone = ZoneInfo("Africa/Lome")
    for unit_id in sorted(parties.units_seen(who)):
        delivery_book.handed_on(session, who, unit_id=unit_id, day=TODAY, zone=zone)


def preserved(session: Session, _who: Actor) -> None:
    """What the page of proofs asks, in all its lists."""
    preservation.counts(session)
    preservation.totals(session)
    for group in preservation.Group:
        _, page = preservation.standings(session, group, limit=50)
        if page.next is not None:
            preservation.standings(session, group, page.next, limit=50)


def done(session: Session, who: Actor) -> None:
    """Two pages of what is done: its count stops at a thousand."""
    rows, page = queries.inbox(session, who, today=TODAY, view=InboxView.DONE)
    if page.next is not None:
        further, _ = queries.inbox(session, who, page.next, today=TODAY, view=InboxView.DONE)
        assert not {one.assignment_id for one in rows} & {one.assignment_id for one in further}


ASKED: dict[str, Callable[[Session, Actor], object]] = {
    "inbox": lambda session, who: queries.inbox(session, who, today=TODAY),
    "late": lambda session, who: queries.inbox(session, who, today=TODAY, view=InboxView.LATE),
    "units": lambda session, who: queries.inbox(session, who, today=TODAY, view=InboxView.UNITS),
    "done": done,
    "count": queries.inbox_count,
    "preserved": preserved,
    "followed": lambda session, who: listing.rows(session, who, FollowFilter(), today=Today(TODAY, TODAY), limit=50),
    "given": lambda session, who: listing.rows(
        session, who, FollowFilter(scope=Scope.GIVEN), today=Today(TODAY, TODAY), limit=50
    ),
    "figures": lambda session, who: listing.figures(
        session, who, FollowFilter(), Grouping.UNIT, today=Today(TODAY, TODAY)
    ),
    "to transmit": lambda session, who: to_transmit.destinations(session, who, post=who.working_posts[0]),
    "papers": lambda session, who: counted(session, who, (to_transmit.count_papers,)),
    "recent units": choices.recent_unit_ids,
    "sent for signature": signbook.signature_book,
    "number": lambda session, who: books.find(session, 1, "7", 2026),
    "closing": lambda session, who: closing.waiting(session, 1, TODAY),
    "scans": lambda session, who: scans.recently_joined(session, who, since=NOW),
    "envelopes": envelopes.envelopes,
    "jobs": lambda session, _who: jobs.due(session, now=NOW, kinds=(JobKind.INDEX, JobKind.RECOGNISE)),
    "jobs of the archive": lambda session, _who: jobs.due(session, now=NOW, kinds=jobs.BACKLOG, limit=1),
    "oldest job": lambda session, _who: job_reports.oldest_due(session, NOW),
    "exchanged": exchanged,
    "slips": sent_slips,
    "desk": lambda session, who: home.home(session, who, today=TODAY, zone=ZoneInfo("Africa/Lome")),
}
OF_THE_PAST = {"done", "preserved", "recent units", "exchanged", "slips"}
"""Lists with a page or a count of the past itself."""


@pytest.mark.in_shares(3)
@pytest.mark.parametrize("is_analysed", [False, True])
@pytest.mark.parametrize("name", ASKED)
def test_a_list_of_what_waits_reads_no_assignments_of_the_past(
    services: Services, name: str, is_analysed: bool
) -> None:
    with services.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # The figures are read when a connection is opened.
        connection.execute(text("ANALYZE" if is_analysed else "DROP TABLE IF EXISTS sqlite_stat1"))
    services.engine.dispose()
    found = {account: steps(services, ASKED[name], account) for account in ("agent", "sg", "dge")}
    assert max(found.values()) < (PAST if name in OF_THE_PAST else PAST / 30), found


def steps(services: Services, ask: Callable[[Session, Actor], object], account: str) -> int:
    """How much the database did, in ``INSTRUCTIONS``."""
    who, found = actor(services, account), [0]

    def count() -> int:
        found[0] += 1
        return 0

    with services.reading() as session:
        ask(session, who)  # what is composed and prepared once
        raw = session.connection().connection.driver_connection
        assert raw is not None
        raw.set_progress_handler(count, INSTRUCTIONS)
        ask(session, who)
        raw.set_progress_handler(None, 0)
    return found[0]


def test_a_letter_that_was_given_to_somebody_is_under_way_until_it_ends() -> None:
    found = {MailState.TO_IMPUTE, *(state for (_, act), state in MOVES.items() if act is MailAct.IMPUTE)}
    # What is reopened as sent was sent by us: it is given to nobody.
    moves = [(state, to) for (state, act), to in MOVES.items() if act is not MailAct.REOPEN_SENT]
    while more := {to for state, to in moves if state in found} - found:
        found |= more
    assert found - ENDED == set(UNDER_WAY)


def test_a_column_by_another_index_is_the_plain_column_but_for_sqlite() -> None:
    asked = select(Assignment.id).where(ByOtherIndex(Assignment.unit_id).in_([1, 2]))
    named = {"compile_kwargs": {"literal_binds": True}}
    assert str(asked.compile(dialect=postgresql.dialect(), **named)).endswith("WHERE assignments.unit_id IN (1, 2)")
    assert str(asked.compile(dialect=sqlite.dialect(), **named)).endswith("WHERE +assignments.unit_id IN (1, 2)")


def test_a_letter_to_sign_again_is_found_by_its_state_not_among_all_that_were_signed(services: Services) -> None:
    with services.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    services.engine.dispose()
    sent: list[tuple[str, tuple[object, ...]]] = []
    event.listen(services.engine, "before_cursor_execute", lambda *args: sent.append(args[2:4]))
    with services.reading() as session:
        signbook.signature_book(session, actor(services, "sg"))
    with services.engine.connect() as connection:
        plans = [
            step[3]
            for statement, given in sent
            if statement.startswith("SELECT drafts.")
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
        ]
    assert any("ix_mails_state" in step for step in plans)
    assert [step for step in plans if "ix_drafts_signatory" in step] == []


def test_an_optional_number_is_joined_by_its_key(services: Services) -> None:
    sent: list[str] = []
    event.listen(services.engine, "before_cursor_execute", lambda *args: sent.append(args[2]))
    with services.reading() as session:
        session.get(Slip, 1)
    plans = []
    with services.engine.connect() as connection:
        for statement in [one for one in sent if one.startswith("SELECT")]:
            plans += [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", (1,))]
    assert plans
    assert [step for step in plans if step.startswith(("SCAN", "MATERIALIZE"))] == []
