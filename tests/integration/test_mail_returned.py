"""Delivery reports and our own returned e-mails are no letters: over real IMAP and SMTP servers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import select, update

from ged import health, pipeline
from ged.adapters.imap import ImapMailbox
from ged.adapters.post_smtp import SmtpPost
from ged.audit import AuditEntry
from ged.capture.models import MessageState, Scan, ScanBatch
from ged.jobs import Job, JobKind, JobState
from ged.mailbox.messages import read_letter
from ged.notices import queries, returned
from ged.notices.models import DeliveryState, MailLoop, MailReport, NoticeMail
from ged.org.models import Person
from ged.ports import DeliveryReport, JobId
from ged.space import Space
from ged.unit import Services
from tests.factories import NOW, actor, make_organisation, make_services
from tests.mailbox_kit import box, collect, deliver, held, rows
from tests.message_kit import mail
from tests.servers import free_port
from tests.site import give_passwords, open_site, post, sign_in

__all__ = ["box"]  # a fixture

pytestmark = pytest.mark.in_turns(3)

ADDRESS, MESSAGE = "dge@mines.example.tg", "<avis-4-x@ged>"


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = dataclasses.replace(
        make_services(tmp_path), own_address="ged@mines.example.tg", when_collected=((returned.is_ours, returned.note),)
    )
    make_organisation(made)
    yield made
    made.engine.dispose()


def report(*, message_id: str = MESSAGE, to: str = ADDRESS, action: str = "failed", status: str = "5.1.1",
           whole: bool = False) -> bytes:  # fmt: skip
    """A delivery report as Postfix writes it."""
    headers = f"Message-ID: {message_id}\r\nTo: {to}\r\nSubject: Vous avez un avis\r\n\r\n"
    kind = "message/rfc822" if whole else "text/rfc822-headers"
    return (
        "From: MAILER-DAEMON@mx.example.tg\r\nTo: ged@mines.example.tg\r\nSubject: Undelivered Mail\r\n"
        "Message-ID: <1@mx.example.tg>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="B"\r\n\r\n'
        "--B\r\nContent-Type: text/plain\r\n\r\nThe mail system could not deliver.\r\n"
        "--B\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.tg\r\n\r\n"
        f"Final-Recipient: rfc822; {to}\r\nAction: {action}\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; 550 no such user\r\n\r\n"
        f"--B\r\nContent-Type: {kind}\r\n\r\n{headers}\r\n--B--\r\n"
    ).encode()


def sent(services: Services) -> None:
    """An e-mail about notices, which the server accepted."""
    with services.unit_of_work(NOW) as uow:
        person = actor(services, "dge").person_id
        uow.session.execute(update(Person).where(Person.id == person).values(email=ADDRESS))
        uow.session.add(
            NoticeMail(person_id=person, message_id=MESSAGE, address=ADDRESS, state=DeliveryState.SENT, reason="",
                       made_at=NOW, ended_at=NOW)
        )  # fmt: skip


def state(services: Services) -> DeliveryState:
    with services.reading() as session:
        return session.scalars(select(NoticeMail.state)).one()


@pytest.mark.parametrize("whole", [False, True])
def test_a_report_is_read_by_its_form(whole: bool) -> None:
    letter = read_letter(report(whole=whole))
    assert letter.reports == (DeliveryReport(MESSAGE, ADDRESS, "5.1.1", True),)
    assert read_letter(report(action="delayed", status="4.4.1")).reports[0].is_permanent is False


def test_a_letter_is_no_report() -> None:
    assert read_letter(mail().as_bytes()).reports == ()
    forwarded = EmailMessage()
    forwarded["From"], forwarded["Subject"] = "a@example.tg", "Transmis"
    forwarded.set_content("Voici le rapport reçu.")
    forwarded.add_attachment(report(), maintype="application", subtype="octet-stream", filename="rapport.eml")
    assert read_letter(forwarded.as_bytes()).reports == (), "a person sends it on: it is a letter"


def test_a_report_marks_the_address_and_becomes_no_letter(box: ImapMailbox, services: Services) -> None:
    sent(services)
    deliver(box, report(action="delayed", status="4.4.1"), mail())
    collect(services, box)
    assert state(services) is DeliveryState.SENT, "a delay is no failure"
    deliver(box, report())
    collect(services, box)
    assert state(services) is DeliveryState.BOUNCED
    assert held(box, "INBOX") == 0
    assert [row.state for row in rows(services)] == [MessageState.TAKEN] * 3
    with services.reading() as session:
        assert len(session.scalars(select(ScanBatch)).all()) == 1, "the letter beside the reports"
        assert len(session.scalars(select(Scan)).all()) == 1
        assert [one.is_permanent for one in session.scalars(select(MailReport).order_by(MailReport.id))] == [
            False,
            True,
        ]
        failed = queries.undelivered(session, int(actor(services, "dge").person_id), ADDRESS)
    assert failed is not None
    assert failed.reason == "5.1.1"


@pytest.mark.parametrize("strange", [{"message_id": "<autre@ged>"}, {"message_id": ""}])
def test_a_report_about_no_message_of_ours_is_a_letter(
    box: ImapMailbox, services: Services, strange: dict[str, str]
) -> None:
    """Anybody can write a letter in this form: it must not vanish unseen."""
    sent(services)
    deliver(box, report(**strange))
    collect(services, box)
    assert state(services) is DeliveryState.SENT
    with services.reading() as session:
        assert len(session.scalars(select(Scan)).all()) == 1, "a clerk sees it"
        assert session.scalars(select(MailReport)).all() == []


@pytest.mark.parametrize("strange", [{"to": "autre@example.tg"}])
def test_a_strangers_report_marks_nobody(box: ImapMailbox, services: Services, strange: dict[str, str]) -> None:
    sent(services)
    deliver(box, report(**strange))
    collect(services, box)
    assert state(services) is DeliveryState.SENT
    with services.reading() as session:
        assert len(session.scalars(select(MailReport)).all()) == 1, "the administrator sees it"
        assert session.scalars(select(Scan)).all() == []


class Taking:
    """A mail server that accepts every message."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.taken.append(envelope.content)
        return "250 OK"


def test_a_message_to_ourselves_goes_out_and_comes_back(box: ImapMailbox, services: Services, tmp_path: Path) -> None:
    server = Taking()
    running = Controller(server, hostname="127.0.0.1", port=free_port())
    running.start()
    try:
        object.__setattr__(services, "post", SmtpPost(f"smtp://127.0.0.1:{running.port}", "ged@mines.example.tg"))
        give_passwords(services)
        admin = sign_in(open_site(tmp_path, services), "admin")
        assert "jamais" in admin.get("/administration/courriels/").text
        assert post(admin, "/administration/courriels/boucle", {}, page="/administration/courriels/").status_code == 303
    finally:
        running.stop()
    page = admin.get("/administration/courriels/").text
    assert "Parti, pas encore revenu" in page
    assert "Le dernier envoi n'est pas revenu" not in page
    assert "aller-retour" not in admin.get("/administration/").text.split("Courriels envoyés")[0]
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(MailLoop).values(sent_at=NOW - returned.BACK_AFTER * 3))
    assert "Le dernier envoi n'est pas revenu" in admin.get("/administration/courriels/").text
    assert "Les courriels ne font plus l'aller-retour" in admin.get("/administration/").text
    deliver(box, *server.taken)
    collect(services, box)
    page = admin.get("/administration/courriels/").text
    assert "Le dernier envoi n'est pas revenu" not in page
    assert "Revenu" in page
    with services.reading() as session:
        assert session.scalars(select(MailLoop.seen_at)).one() == NOW
        assert session.scalars(select(Scan)).all() == []
        assert "mailbox.report" in session.scalars(select(AuditEntry.action)).all()


def daily(services: Services, at: datetime) -> None:
    """The jobs that are due at a time, and the run of the loop's job."""
    pipeline.schedule_periodic(services, now=at)
    with services.reading() as session:
        job_id = session.scalar(select(Job.id).where(Job.kind == JobKind.MAIL_LOOP, Job.state == JobState.QUEUED))
    if job_id is not None:
        pipeline.run_job(services, JobId(job_id), worker="w")


def test_the_clock_writes_to_ourselves_once_a_day_and_the_monitor_turns_red(services: Services, tmp_path: Path) -> None:
    space = Space(tmp_path, 0)
    object.__setattr__(services, "own_address", ADDRESS)
    daily(services, NOW)
    with services.reading() as session:
        assert session.scalars(select(MailLoop)).all() == [], "no mailbox is collected: nothing could come back"
    object.__setattr__(services, "mailboxes", (object(),))
    # Noon: the hour of the nightly run must not lie between the two times.
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).replace(hour=12, minute=0)
    for at in (tomorrow, tomorrow + timedelta(minutes=10)):
        daily(services, at)
    with services.reading() as session:
        name, sent_at = session.execute(select(MailLoop.message_id, MailLoop.sent_at)).one()
        session.execute(select(AuditEntry).where(AuditEntry.action == "mailbox.loop")).one()
    codes = [health.problems(services, space, now=sent_at + after) for after in (timedelta(), returned.BACK_AFTER * 2)]
    assert ["post.loop" in found for found in codes] == [False, True]
    with services.unit_of_work(NOW) as uow:
        returned.note(uow, name, ())
    assert "post.loop" not in health.problems(services, space, now=sent_at + returned.BACK_AFTER * 2)


def test_a_failed_loop_and_a_failed_address_are_shown(services: Services, tmp_path: Path) -> None:
    sent(services)
    with services.unit_of_work(NOW) as uow:
        returned.note(uow, "", (DeliveryReport(MESSAGE, ADDRESS, "5.1.1", True),))
    object.__setattr__(services, "post", SmtpPost(f"smtp://127.0.0.1:{free_port()}", "ged@mines.example.tg"))
    give_passwords(services)
    app = open_site(tmp_path, services)
    admin = sign_in(app, "admin")
    page = post(
        admin, "/administration/courriels/boucle", {}, page="/administration/courriels/", follow_redirects=True
    ).text
    assert "Le dernier envoi n'est pas parti" in page
    assert "Le message n'a pas pu être envoyé." in page
    assert "L'administrateur doit vérifier le serveur de messagerie." in page
    assert ADDRESS in page
    assert "Des adresses ne reçoivent pas" in admin.get("/administration/").text
    assert "revenu" in page
    assert sign_in(app, "dge").get("/administration/courriels/").status_code == 403
    assert "Votre adresse ne reçoit pas" in sign_in(app, "dge").get("/avis/").text
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.email == ADDRESS).values(email="dge@autre.example.tg"))
    assert "Des adresses ne reçoivent pas" not in admin.get("/administration/").text, "the address was corrected"
