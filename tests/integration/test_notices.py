"""Notices to people: who gets them, once, by which way, nothing confidential in an e-mail; on both databases."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import select, update

from ged import jobs, pipeline
from ged.errors import EngineFailed
from ged.jobs import Job, JobKind, JobState
from ged.natures.models import Nature
from ged.notices import choices, date_reminders, finding, mail, queries, returned
from ged.notices.models import (
    DateReminder,
    DeliveryState,
    MailLoop,
    MailReport,
    NoticeMail,
    Occasion,
    PersonalNotice,
    Way,
)
from ged.notices.queries import NoticeRow
from ged.org import absences, delegations, people
from ged.org.absences import AbsenceForm
from ged.org.delegations import DelegationForm
from ged.org.models import Delegation, DelegationKind, Person, Post
from ged.ports import Confidentiality, DeliveryReport, JobId, MailId, Message
from ged.register.levels import change_level
from ged.register.models import Direction, Mail
from ged.register.states import MailState
from ged.routing import operations
from ged.routing.models import Assignment, Mention, Purpose
from ged.signbook import operations as signbook
from ged.unit import Services
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.routing_kit import impute, make_mentions, post_id, register, unit_id
from tests.signbook_kit import CEET, House, house
from tests.site import give_passwords, open_site, post, sign_in

__all__ = ["house"]  # a fixture

pytestmark = pytest.mark.in_turns(3)

MORNING = datetime(2026, 11, 25, 7, 0, tzinfo=UTC)
"""A Wednesday. Lomé keeps UTC."""
SATURDAY = datetime(2026, 11, 28, 7, 0, tzinfo=UTC)


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    make_mentions(made)
    begin(made)
    yield made
    made.engine.dispose()


def begin(services: Services) -> None:
    """Everybody has an address. Earlier events cause no notice."""
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).values(email=Person.account + "@mines.example.tg"))
    finding.run(services, now=NOW)


def told(services: Services, account: str) -> list[NoticeRow]:
    with services.reading() as session:
        return queries.page(session, actor(services, account), on=TODAY, now=NOW)[0]


def occasions(services: Services, account: str) -> list[Occasion]:
    return [row.occasion for row in told(services, account)]


def mails(services: Services) -> list[NoticeMail]:
    with services.reading() as session:
        return list(session.scalars(select(NoticeMail).order_by(NoticeMail.id)))


def send_mails(services: Services) -> None:
    with services.reading() as session:
        waiting = jobs.due(session, now=SATURDAY, kinds=(JobKind.NOTICE_MAIL,), limit=100)
    for job_id in waiting:
        pipeline.run_job(services, job_id, worker="test")


def outbox(services: Services) -> list[str]:
    folder = Path(services.data_dir) / "outbox"
    found = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(folder.glob("*.eml"))]
    return [f"{one['To']}\n{one['Subject']}\n{one.get_content()}" for one in found]


def leading(services: Services, mail_id: int) -> int:
    with services.reading() as session:
        return session.scalars(select(Assignment.id).where(Assignment.mail_id == mail_id)).one()


def grant(services: Services, kind: DelegationKind, code: str, account: str, *, by: str, until: date = TODAY) -> int:
    form = DelegationForm(
        post_id(services, code), actor(services, account).person_id, kind, "Note n° 1", TODAY, until  # type: ignore[arg-type]
    )  # fmt: skip
    with services.unit_of_work(NOW) as uow:
        return delegations.delegate(uow, form, actor=actor(services, by))


# --- who gets a notice, and only once


def test_an_imputed_letter_is_told_to_the_head_once(services: Services) -> None:
    letter = register(services)
    impute(services, letter.mail_id)
    assert finding.run(services, now=NOW) == 1
    assert finding.run(services, now=NOW) == 0
    (row,) = told(services, "dge")
    assert (row.occasion, row.number, row.subject) == (Occasion.ASSIGNED, letter.number, "Demande d'audience")
    assert told(services, "etudes") == told(services, "daf") == told(services, "sg") == []


def test_what_was_assigned_returned_and_done_is_told_to_both_ends(services: Services) -> None:
    one, two = register(services), register(services, "Deux")
    for letter in (one, two):
        impute(services, letter.mail_id)
    with services.unit_of_work(NOW) as uow:
        operations.assign(
            uow, one.mail_id, from_assignment_id=leading(services, one.mail_id), to_unit_id=unit_id(services, "ETU"),  # type: ignore[arg-type]
            to_post_id=None, purpose=Purpose.ACTION, instruction="", due_on=None, actor=actor(services, "dge"), now=NOW,
        )  # fmt: skip
        operations.give_back(
            uow, two.mail_id, leading(services, two.mail_id), reason="DAF", actor=actor(services, "dge"), now=NOW
        )
    finding.run(services, now=NOW)
    assert occasions(services, "etudes") == [Occasion.ASSIGNED], "a unit without a head: all who work there"
    assert occasions(services, "sg") == [Occasion.RETURNED]
    with services.unit_of_work(NOW) as uow:
        operations.finish(
            uow,
            one.mail_id,
            leading_of_sg(services, one.mail_id),
            outcome="Fait",
            actor=actor(services, "dge"),
            now=NOW,
        )
    finding.run(services, now=NOW)
    assert sorted(occasions(services, "sg")) == [Occasion.ANSWERED, Occasion.RETURNED]


def leading_of_sg(services: Services, mail_id: int) -> int:
    with services.reading() as session:
        return session.scalars(
            select(Assignment.id).where(Assignment.mail_id == mail_id, Assignment.parent_id.is_(None))
        ).one()


def test_a_delegate_is_told_of_the_delegation_and_acts_for_the_absent(services: Services) -> None:
    given = grant(services, DelegationKind.DELEGATION, "DGE-C", "etudes", by="dge")
    finding.run(services, now=NOW)
    assert occasions(services, "etudes") == [Occasion.DELEGATED]
    post = post_id(services, "DGE-C")
    dge, etudes = actor(services, "dge").person_id, actor(services, "etudes").person_id
    with services.reading() as session:
        assert people.of_post(session, post, on=TODAY) == {dge}, "the holder is there"
    with services.unit_of_work(NOW) as uow:
        absences.declare(uow, AbsenceForm(TODAY, TODAY, given), actor=actor(services, "dge"))
    with services.reading() as session:
        assert people.of_post(session, post, on=TODAY) == {etudes}
        assert people.of_post(session, post, on=TODAY + timedelta(days=1)) == {dge}


def test_an_interim_is_told_instead_of_the_holder(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        absences.declare(uow, AbsenceForm(TODAY, TODAY), actor=actor(services, "dge"))
    post = post_id(services, "DGE-C")
    with services.reading() as session:
        assert people.of_post(session, post, on=TODAY) == {actor(services, "dge").person_id}, (
            "nobody replaces: it waits"
        )
    with services.unit_of_work(NOW) as uow:
        uow.session.add(
            Delegation(
                kind=DelegationKind.INTERIM, post_id=post, person_id=actor(services, "daf").person_id, act="Arrêté",
                may_sign=True, template_codes=[], from_on=TODAY, until_on=TODAY, granted_at=NOW,
            )
        )  # fmt: skip
    letter = register(services)
    impute(services, letter.mail_id)
    finding.run(services, now=NOW)
    assert occasions(services, "daf") == [Occasion.ASSIGNED]
    assert told(services, "dge") == []


def test_an_interim_reads_for_which_post_and_until_when(tmp_path: Path) -> None:
    services = make_services(tmp_path)
    make_organisation(services)
    give_passwords(services)
    begin(services)
    app = open_site(tmp_path, services)
    with services.unit_of_work(NOW) as uow:
        given = Delegation(
            kind=DelegationKind.INTERIM, post_id=post_id(services, "DGE-C"), person_id=actor(services, "daf").person_id,
            act="Note 14", may_sign=True, template_codes=[], from_on=TODAY, until_on=date(2099, 12, 31), granted_at=NOW,
        )  # fmt: skip
        uow.session.add(given)
        uow.session.flush()
        uow.record("delegation.granted", "delegation", given.id, actor=actor(services, "dge"))
        title = uow.session.get_one(Post, given.post_id).title
    finding.run(services, now=NOW)
    shown = sign_in(app, "daf").get("/avis/").text
    assert f"Intérim : {title}" in shown.replace("\N{NARROW NO-BREAK SPACE}", " ").replace("\N{NO-BREAK SPACE}", " ")
    assert "du 24/11/2026 au 31/12/2099" in shown
    assert "Délégation reçue" not in shown


def test_who_may_not_see_the_letter_is_not_told(services: Services) -> None:
    letter = register(services)
    impute(services, letter.mail_id, "ETU")
    with services.unit_of_work(NOW) as uow:
        change_level(uow, letter.mail_id, Confidentiality.RESTRICTED, reason="Enquête", actor=actor(services, "sg"))
    finding.run(services, now=NOW)
    assert told(services, "etudes") == [], "cleared for ordinary letters only"
    with services.reading() as session:
        assert session.scalars(select(PersonalNotice)).all() == []


def test_a_notice_goes_with_the_right_to_its_letter(services: Services) -> None:
    letter = register(services, "Mutation")
    impute(services, letter.mail_id)
    finding.run(services, now=NOW)
    with services.unit_of_work(NOW) as uow:
        change_level(uow, letter.mail_id, Confidentiality.RESTRICTED, reason="Enquête", actor=actor(services, "sg"))
    assert [row.subject for row in told(services, "dge")] == [""], "no subject above ordinary"
    with services.unit_of_work(NOW) as uow:
        change_level(uow, letter.mail_id, Confidentiality.SECRET, reason="Enquête", actor=actor(services, "sg"))
    assert told(services, "dge") == []
    with services.reading() as session:
        assert session.scalar(queries.count_unread(actor(services, "dge"))) == 0


def test_a_draft_is_told_to_who_must_act_and_to_its_author_when_it_comes_back(house: House) -> None:
    services = house.services
    begin(services)
    mail_id = house.answer()
    house.submit(mail_id)
    finding.run(services, now=NOW)
    assert occasions(services, "daf") == [Occasion.TO_SIGN]
    assert [row.addressee for row in told(services, "daf")] == [CEET.name], "drafts of one template are told apart"
    assert Occasion.TO_SIGN not in occasions(services, "sg"), "two visas come first"
    with services.unit_of_work(NOW) as uow:
        version_no = house.show(mail_id, "daf").version_no
        signbook.refuse(uow, mail_id, version_no=version_no, reason="Montant", actor=house.who("daf"))
    finding.run(services, now=NOW)
    (row,) = [one for one in told(services, "dge") if one.occasion is Occasion.RETURNED]
    assert row.is_draft
    house.submit(mail_id)
    finding.run(services, now=NOW)
    assert occasions(services, "daf") == [Occasion.TO_SIGN, Occasion.TO_SIGN], "asked again, told again"
    house.visa(mail_id, "daf")
    house.visa(mail_id, "etudes")
    finding.run(services, now=NOW)
    assert Occasion.TO_SIGN in occasions(services, "sg")


@pytest.mark.servers
def test_of_runs_at_the_same_time_one_tells(tmp_path: Path, make_database: Callable[[], str]) -> None:
    services = make_services(tmp_path, url=make_database())
    make_organisation(services)
    make_mentions(services)
    begin(services)
    letters = [register(services, f"Courrier {n}") for n in range(5)]
    for letter in letters:
        impute(services, letter.mail_id, others=("DAF",))
    found = [finding.Found(int(actor(services, "sg").person_id), Occasion.LATE, "the same", None, 1)]
    together = Barrier(4)

    def run(_: int) -> tuple[int, int]:
        together.wait()
        ran = finding.run(services, now=NOW)
        together.wait()
        with services.unit_of_work(NOW) as uow:
            return ran, finding.tell(uow, found)

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(run, range(4)))
    assert sorted(ran for ran, _ in outcomes) == [0, 0, 0, 10]
    assert sorted(new for _, new in outcomes) == [0, 0, 0, 1]
    assert len(told(services, "dge")) == len(told(services, "daf")) == 5
    services.engine.dispose()


# --- e-mails


def test_an_email_is_written_at_once_and_says_a_number_and_a_link_only(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        choices.choose(uow, {Occasion.ASSIGNED: Way.AT_ONCE}, actor=actor(services, "dge"))
    letter = register(services, "Mutation du directeur", level=Confidentiality.RESTRICTED, sender="Présidence")
    other = register(services, "Objet ordinaire")
    for one in (letter, other):
        impute(services, one.mail_id)
    finding.run(services, now=NOW)
    send_mails(services)
    (text,) = outbox(services)
    assert "dge@mines.example.tg" in text
    assert letter.number in text
    assert other.number in text
    assert "/avis/" in text
    assert not [word for word in ("Mutation", "Présidence", "Objet ordinaire", "Préfecture") if word in text]
    assert [row.state for row in mails(services)] == [DeliveryState.SENT]


def test_the_digest_comes_in_the_morning_of_a_working_day_once(services: Services) -> None:
    letter = register(services)
    impute(services, letter.mail_id)
    finding.run(services, now=NOW)
    assert mails(services) == []
    assert mail.digest(services, now=SATURDAY) == 0
    assert mail.digest(services, now=MORNING) == 1
    mail.digest(services, now=MORNING + timedelta(minutes=5))
    send_mails(services)
    (text,) = outbox(services)
    assert letter.number in text
    assert len(mails(services)) == 1


def test_what_was_read_or_refused_by_choice_is_not_written(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        choices.choose(uow, {Occasion.ASSIGNED: Way.NONE}, actor=actor(services, "daf"))
    letter = register(services)
    impute(services, letter.mail_id, others=("DAF",))
    finding.run(services, now=NOW)
    (row,) = told(services, "dge")
    mail.digest(services, now=MORNING)
    with services.unit_of_work(NOW) as uow:
        queries.mark_read(uow, row.id, actor=actor(services, "dge"))
    send_mails(services)
    assert outbox(services) == []
    assert [one.state for one in mails(services)] == [DeliveryState.NEEDLESS]
    assert len(told(services, "daf")) == 1, "the site shows it"


class RefusingPost:
    """A mail server that refuses every message."""

    def __init__(self, failure: EngineFailed) -> None:
        self.failure = failure

    def send(self, message: Message) -> None:
        raise self.failure


@pytest.mark.parametrize(
    ("failure", "state", "of_job"),
    [
        (EngineFailed("post.refused", "correct the address", retryable=False), DeliveryState.FAILED, JobState.DONE),
        (EngineFailed("post.failed", "see the log"), DeliveryState.UNCERTAIN, JobState.UNCERTAIN),
        (EngineFailed("post.failed", "wait", retryable=True), DeliveryState.QUEUED, JobState.QUEUED),
    ],
)
def test_an_email_that_fails_is_not_silent(
    services: Services, failure: EngineFailed, state: DeliveryState, of_job: JobState
) -> None:
    object.__setattr__(services, "post", RefusingPost(failure))
    impute(services, register(services).mail_id)
    finding.run(services, now=NOW)
    mail.digest(services, now=MORNING)
    send_mails(services)
    (row,) = mails(services)
    assert row.state is state
    with services.reading() as session:
        job = session.scalars(select(Job).where(Job.kind == JobKind.NOTICE_MAIL)).one()
        assert job.state is of_job
        failed = queries.undelivered(session, row.person_id, row.address)
    assert (failed is not None) == (state is DeliveryState.FAILED)


def test_a_person_has_an_uncertain_email_sent_again(services: Services) -> None:
    good = services.post
    object.__setattr__(services, "post", RefusingPost(EngineFailed("post.failed", "see the log")))
    impute(services, register(services).mail_id)
    finding.run(services, now=NOW)
    mail.digest(services, now=MORNING)
    send_mails(services)
    object.__setattr__(services, "post", good)
    with services.unit_of_work(NOW) as uow:
        job_id = uow.session.scalars(select(Job.id).where(Job.kind == JobKind.NOTICE_MAIL)).one()
        jobs.retry(uow.session, JobId(job_id), now=NOW)
    send_mails(services)
    assert [row.state for row in mails(services)] == [DeliveryState.SENT]
    assert len(outbox(services)) == 1


def test_an_email_goes_to_the_address_of_the_moment_when_it_is_sent(services: Services) -> None:
    """The earlier address may be another person's by then: the e-mail names letters by their numbers."""
    impute(services, register(services).mail_id, others=("DAF",))
    finding.run(services, now=NOW)
    mail.digest(services, now=MORNING)
    assert len(mails(services)) == 2
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "dge").values(email="dge@autre.example.tg"))
        uow.session.execute(update(Person).where(Person.account == "daf").values(email=""))
    send_mails(services)
    assert [text.partition("\n")[0] for text in outbox(services)] == ["dge@autre.example.tg"]
    assert {row.address: row.state for row in mails(services)} == {
        "dge@autre.example.tg": DeliveryState.SENT, "daf@mines.example.tg": DeliveryState.NEEDLESS,
    }  # fmt: skip


@pytest.mark.parametrize("stopped", [JobState.UNCERTAIN, JobState.FAILED])
def test_an_email_whose_job_stopped_is_not_said_to_wait(services: Services, stopped: JobState) -> None:
    impute(services, register(services).mail_id)
    finding.run(services, now=NOW)
    mail.digest(services, now=MORNING)
    with services.reading() as session:
        assert returned.health(session).waiting == 1
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(
            update(Job)
            .where(Job.kind == JobKind.NOTICE_MAIL)
            .values(state=stopped, finished_at=NOW, error_code="job.worker_lost")
        )
    with services.reading() as session:
        health = returned.health(session)
    assert health.waiting == 0
    assert [(row.state, row.reason, row.at) for row in health.failed] == [
        (DeliveryState.UNCERTAIN, "job.worker_lost", NOW)
    ]


def finish(services: Services, mail_id: int) -> None:
    with services.unit_of_work(NOW) as uow:
        operations.finish(
            uow, MailId(mail_id), leading(services, mail_id), outcome="Fait", actor=actor(services, "dge"), now=NOW
        )


def close(services: Services, mail_id: int) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == mail_id).values(state=MailState.CLOSED))


def test_the_digest_does_not_say_what_is_over(services: Services) -> None:
    done, closed = register(services), register(services)
    for letter in (done, closed):
        impute(services, letter.mail_id, due_on=TODAY)
    finding.run(services, now=NOW)
    date_reminders.run(services, heartbeat=lambda _: None, now=MORNING)
    given = grant(services, DelegationKind.DELEGATION, "DGE-C", "etudes", by="dge", until=date(2026, 12, 31))
    finding.run(services, now=NOW)
    assert sorted(occasions(services, "dge")) == [Occasion.ASSIGNED] * 2 + [Occasion.LATE] * 2
    assert occasions(services, "etudes") == [Occasion.DELEGATED]
    finish(services, done.mail_id)
    close(services, closed.mail_id)
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Delegation, given).withdrawn_at = NOW
    mail.digest(services, now=MORNING)
    send_mails(services)
    assert outbox(services) == []
    assert [row.state for row in mails(services)] == [DeliveryState.NEEDLESS] * 2


def test_the_digest_says_a_turn_until_it_is_taken(house: House) -> None:
    services = house.services
    begin(services)
    taken, waiting = house.answer(), house.answer()
    for mail_id in (taken, waiting):
        house.submit(mail_id)
    finding.run(services, now=NOW)
    assert occasions(services, "daf") == [Occasion.TO_SIGN] * 2
    house.visa(taken, "daf")
    mail.digest(services, now=MORNING)
    send_mails(services)
    (text,) = [one for one in outbox(services) if "daf@" in one]
    assert text.count("/avis/") == 2, "one notice, and the page of all"


def test_who_gave_a_letter_is_told_of_its_end_though_it_was_closed_at_once(services: Services) -> None:
    letter, void = register(services), register(services)
    for one in (letter, void):
        impute(services, one.mail_id)
        finish(services, one.mail_id)
    close(services, letter.mail_id)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == void.mail_id).values(state=MailState.VOIDED))
    finding.run(services, now=NOW)
    assert occasions(services, "sg") == [Occasion.ANSWERED]
    assert occasions(services, "dge") == []


def test_reports_and_loops_are_kept_half_a_year(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        for at in (NOW, NOW - mail.KEPT - timedelta(days=1)):
            uow.session.add(MailLoop(message_id=f"<{at}>", sent_at=at))
            uow.session.add(MailReport(message_id="", recipient="", status="5.1.1", is_permanent=True, at=at))
    with services.unit_of_work(NOW) as uow:
        returned.forget(uow, now=NOW)
    with services.reading() as session:
        assert session.scalars(select(MailLoop.sent_at)).all() == [NOW]
        assert session.scalars(select(MailReport.at)).all() == [NOW]


# --- reminders


def reminded(services: Services, day: datetime) -> int:
    return date_reminders.run(services, heartbeat=lambda _: None, now=day)


def test_a_date_is_reminded_of_before_and_after_once_each(services: Services) -> None:
    letter = register(services)
    impute(services, letter.mail_id, due_on=date(2026, 11, 26))
    monday, tuesday = datetime(2026, 11, 23, 6, tzinfo=UTC), datetime(2026, 11, 24, 6, tzinfo=UTC)
    assert reminded(services, monday) == 0
    assert reminded(services, tuesday) == 1
    assert reminded(services, tuesday + timedelta(hours=1)) == 0
    assert reminded(services, SATURDAY) == 0, "not on a day off"
    assert reminded(services, datetime(2026, 11, 27, 6, tzinfo=UTC)) == 1
    assert reminded(services, datetime(2026, 11, 30, 6, tzinfo=UTC)) == 0
    assert reminded(services, datetime(2026, 12, 4, 6, tzinfo=UTC)) == 1, "a week later"
    assert sorted(occasions(services, "dge")) == [Occasion.DUE_SOON, Occasion.LATE, Occasion.LATE]
    with services.reading() as session:
        rows = date_reminders.of_letter(session, letter.mail_id, actor(services, "dge")) or ()
    assert [row.is_late for row in rows] == [True, True, False]


def test_what_is_done_is_reminded_of_no_more_and_a_mention_has_its_own_rule(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mention).where(Mention.code == "information").values(reminder="-"))
    quiet, done = register(services), register(services)
    impute(services, quiet.mail_id, due_on=TODAY, mentions=("information",))
    impute(services, done.mail_id, due_on=TODAY)
    with services.unit_of_work(NOW) as uow:
        operations.finish(
            uow, done.mail_id, leading(services, done.mail_id), outcome="Fait", actor=actor(services, "dge"), now=NOW
        )
    assert reminded(services, NOW) == 0
    with services.reading() as session:
        assert session.scalars(select(DateReminder)).all() == []


def test_a_nature_has_its_own_days_and_a_mention_comes_first(services: Services) -> None:
    due_on = date(2026, 11, 26)
    plain, mentioned = register(services), register(services)
    impute(services, plain.mail_id, due_on=due_on)
    impute(services, mentioned.mail_id, due_on=due_on, mentions=("opinion",))
    with services.unit_of_work(NOW) as uow:
        uow.session.add(
            Nature(code="acte", name="Acte de justice", direction=Direction.INCOMING, reminders=[-1, 0], position=1)
        )
        uow.session.execute(update(Mail).values(nature="acte"))
        uow.session.execute(update(Mention).where(Mention.code == "opinion").values(reminder="-"))
    found = [reminded(services, datetime(2026, 11, day, 6, tzinfo=UTC)) for day in (24, 25, 26, 27)]
    assert found == [0, 1, 1, 0], "not two days before, as the installation's rule says"


# --- the site


def test_the_bell_counts_and_the_page_leads_on(tmp_path: Path) -> None:
    services = make_services(tmp_path)
    make_organisation(services)
    make_mentions(services)
    give_passwords(services)
    begin(services)
    app = open_site(tmp_path, services)
    client, stranger = sign_in(app, "dge"), sign_in(app, "daf")
    assert "Aucun avis" in client.get("/avis/").text
    letters = [register(services, f"Objet {n}") for n in range(3)]
    for letter in letters:
        impute(services, letter.mail_id)
    finding.run(services, now=NOW)
    page = client.get("/avis/").text
    assert "3 non lus" in page
    assert "Objet 2" in page
    row = told(services, "dge")[0]
    assert stranger.get(f"/avis/{row.id}").status_code == 404
    answer = client.get(f"/avis/{row.id}")
    assert (answer.status_code, answer.location) == (303, f"/bannette/{row.subject_id}")
    assert "2 non lus" in client.get("/").text
    assert post(client, "/avis/tout-lu", {"upto": str(row.id)}, page="/avis/").status_code == 303
    assert "Tout est lu" in client.get("/avis/?voir=non-lus").text
    assert "bell__count" not in client.get("/avis/").text
    chosen = {occasion.value: "none" for occasion in Occasion} | {"late": "at_once"}
    assert post(client, "/avis/choix", chosen, page="/avis/choix").status_code == 303
    with services.reading() as session:
        person = int(actor(services, "dge").person_id)
        assert choices.ways_of(session, [person])[person][Occasion.LATE] is Way.AT_ONCE
    assert post(client, "/avis/choix", {"late": "sometimes"}).status_code == 422
    services.engine.dispose()


def test_an_address_that_receives_nothing_is_told_to_its_owner(tmp_path: Path) -> None:
    services = make_services(tmp_path)
    make_organisation(services)
    make_mentions(services)
    give_passwords(services)
    begin(services)
    app = open_site(tmp_path, services)
    object.__setattr__(services, "post", RefusingPost(EngineFailed("post.refused", "correct it")))
    impute(services, register(services).mail_id)
    finding.run(services, now=NOW)
    mail.digest(services, now=MORNING)
    send_mails(services)
    assert "Votre adresse ne reçoit pas" in sign_in(app, "dge").get("/avis/").text
    assert "Votre adresse ne reçoit pas" not in sign_in(app, "daf").get("/avis/").text
    services.engine.dispose()


def test_a_forged_report_stops_no_email_and_marks_no_address(services: Services) -> None:
    """A forger who knows a person's address and the day cannot name the e-mail. An e-mail not yet sent cannot have
    returned."""
    impute(services, register(services).mail_id)
    finding.run(services, now=NOW)
    mail.digest(services, now=MORNING)
    (row,) = mails(services)
    guessed = f"<avis-{row.person_id}-{MORNING.date()}@ged>"
    assert row.message_id.startswith(guessed.removesuffix("@ged>"))
    for name in (guessed, row.message_id):
        with services.unit_of_work(NOW) as uow:
            returned.note(uow, "", (DeliveryReport(name, row.address, "5.1.1", True),))
    send_mails(services)
    assert len(outbox(services)) == 1
    with services.unit_of_work(NOW) as uow:
        returned.note(uow, "", (DeliveryReport(guessed, row.address, "5.1.1", True),))
    assert mails(services)[0].state is DeliveryState.SENT
