"""The signature: number and date, changes on the pages, failures, batches, ink; then the departure."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image, ImageChops, ImageDraw
from sqlalchemy import select, update

from ged import jobs, runner
from ged.audit import AuditEntry, AuditPayload
from ged.codes import CodeKind, make_code
from ged.correspondents import directory
from ged.correspondents.directory import CorrespondentForm
from ged.dispatch import operations as dispatch
from ged.dispatch import print as dispatch_print
from ged.dispatch import queries as dispatch_queries
from ged.dispatch.models import DispatchLine, DispatchState
from ged.dispatch.operations import Departure, Discharge
from ged.errors import EngineFailed, Forbidden, Invalid, InvalidTransition, NotFound
from ged.jobs import ClaimedJob, Job, JobKind, JobState
from ged.org.models import Delegation, DelegationKind, Person
from ged.paper import ink
from ged.ports import Confidentiality, JobId, MailId, Message, Verdict
from ged.register.correspondents import fold
from ged.register.levels import change_level
from ged.register.models import Attachment, AttachmentKind, Channel, Correspondent, Mail, MailNumber
from ged.register.operations import void_number
from ged.register.states import MailState
from ged.routing.models import Assignment
from ged.routing.states import AssignmentState
from ged.runner import Limits
from ged.signbook import drafts, operations, queries
from ged.signbook.models import Draft, SignatureWay, SignedRevision
from ged.signbook.operations import ToSign
from ged.signbook.render import Letter, PageMode, french_day, letter_pages
from tests import paper_kit
from tests.factories import NOW, TODAY
from tests.signbook_kit import CEET, COPY, House, form_of, house, pdf_of
from tests.signing_kit import changed, page_content, pdfsig

__all__ = ["house"]

pytestmark = pytest.mark.in_turns(3)
DPI = 72


def rasters(pdf: bytes, folder: Path, name: str) -> list[Image.Image]:
    (folder / f"{name}.pdf").write_bytes(pdf)
    subprocess.run(
        ["pdftoppm", "-r", str(DPI), "-png", f"{name}.pdf", name], cwd=folder, check=True, capture_output=True
    )
    return [Image.open(path).convert("RGB") for path in sorted(folder.glob(f"{name}-*.png"))]


def blanked(page: Image.Image, boxes: list[tuple[float, float, float, float]]) -> Image.Image:
    page = page.copy()
    for x1, y1, x2, y2 in boxes:
        # A box in points from the lower left corner. A pixel around it is half covered.
        ImageDraw.Draw(page).rectangle((x1 - 1, page.height - y2 - 1, x2 + 1, page.height - y1 + 1), fill="white")
    return page


@pytest.mark.parametrize("long", [False, True])
def test_the_pages_signed_are_those_shown_but_for_number_date_and_mark(
    house: House, tmp_path: Path, long: bool
) -> None:
    mail_id = house.answer()
    if long:
        row = house.show(mail_id, "dge")
        body = row.body.replace("Votre demande", "\n\n".join(["Considérant " + "les pièces du dossier, " * 60] * 4))

        drafts.save(
            house.services, mail_id, form_of(row, body=body), version=row.version, actor=house.who("dge"), now=NOW
        )
    row, shown, signed = house.signed(mail_id)
    with house.services.reading() as session:
        letter = Letter.restored(session.get_one(Draft, mail_id).letter)
    places = letter_pages(letter, mode=PageMode.PREVIEW, at=NOW)
    before, after = rasters(shown, tmp_path, "shown"), rasters(signed, tmp_path, "signed")
    assert len(before) == len(after) == places.page_count == (2 if long else 1)
    differs = []
    for number, (one, other) in enumerate(zip(before, after, strict=True), start=1):
        boxes = [box[1:] for box in (places.number_box, places.mark_box) if box[0] == number]
        assert ImageChops.difference(blanked(one, boxes), blanked(other, boxes)).getbbox() is None, number
        differs.append(ImageChops.difference(one, other).getbbox() is not None)
    # The comparison can fail: both boxes do differ.
    assert differs == ([True, True] if long else [True])
    text = subprocess.run(["pdftotext", "signed.pdf", "-"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert row.number in text.stdout
    assert french_day(TODAY) in text.stdout
    assert row.number not in shown.decode("latin-1")


def test_the_signature_is_accepted_and_refused_after_one_byte(house: House, tmp_path: Path) -> None:
    mail_id = house.ready()
    (result,) = house.sign(mail_id, key=house.key("sg"))
    assert (result.failure, result.number) == (None, "00001/2026/MIN/SG")
    row = house.show(mail_id, "dge")
    assert (row.state, row.is_signed_electronically, row.level_reached) == (MailState.SIGNED, True, "B-B")
    pdf = pdf_of(house, row.signed_id)
    assert pdfsig(pdf, tmp_path) == ["Signature is Valid."]
    (report,) = house.services.checker.check(pdf, at=NOW)
    assert (report.verdict, report.signer) == (Verdict.GREEN, "Sg")
    checked = subprocess.run(
        ["qpdf", "--check", "pdfsig.pdf"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    broken = changed(pdf, page_content(pdf)[10])
    assert pdfsig(broken, tmp_path) == ["Digest Mismatch."]
    assert house.services.checker.check(broken, at=NOW)[0].verdict is Verdict.RED
    with house.services.reading() as session:
        ((label, digests),) = list(queries.issued_letters(session))
        mail = session.get_one(Mail, mail_id)
    assert label == f"letter {mail_id} 00001/2026/MIN/SG"
    assert house.services.checker.check(pdf, at=NOW, issued=digests)[0].verdict is Verdict.GREEN
    assert mail.written_on == TODAY


def test_a_failed_signing_keeps_its_number_and_signs_again_with_it(house: House) -> None:
    mail_id, other, key = house.ready(), house.ready(), house.key("sg")
    house.signer.failures.append(EngineFailed("sign.failed"))
    (result,) = house.sign(mail_id, key=key)
    assert result.failure is not None
    assert (result.failure.code, result.number) == ("sign.failed", "00001/2026/MIN/SG")
    row = house.show(mail_id, "sg")
    assert (row.state, row.failure, row.may.retry) == (MailState.NUMBERED, "sign.failed", True)
    assert row.signed_id is None
    with house.services.reading() as session:
        assert mail_id in [r.mail_id for r in queries.signature_book(session, house.who("sg")).signatures]
        assert list(queries.issued_letters(session)) == []
    assert house.sign(other, key=key)[0].number == "00002/2026/MIN/SG"
    (again,) = house.sign(mail_id, key=key)
    assert (again.failure, again.number) == (None, "00001/2026/MIN/SG")
    assert house.show(mail_id, "sg").failure == ""


def test_a_batch_signs_each_once_and_lists_each_result(house: House) -> None:
    first, second, third = house.ready(), house.answer(), house.ready()
    key = house.key("sg")
    letters = [ToSign(MailId(i), 2) for i in (first, second, first, third)]
    results = operations.sign_many(house.services, letters, key=key, actor=house.who("sg"), now=NOW)
    codes = [(r.mail_id, r.failure.code if r.failure else None) for r in results]
    # The signatory does not know the second one: it is still with its author.
    assert codes == [(first, None), (second, "mail.unknown"), (third, None)]
    assert house.signer.signed == 2
    again = operations.sign_many(house.services, letters[:1], key=key, actor=house.who("sg"), now=NOW)
    assert again[0].failure is not None
    assert again[0].failure.code == "mail.wrong_state"
    assert house.signer.signed == 2
    with house.services.reading() as session:
        texts = session.scalars(select(MailNumber.text).where(MailNumber.mail_id.in_((first, third)))).all()
        assert sorted(texts) == ["00001/2026/MIN/SG", "00002/2026/MIN/SG"]
        assert len(session.scalars(select(SignedRevision)).all()) == 2


def test_more_than_a_book_of_letters_is_refused_and_none_is_signed(house: House) -> None:
    mail_id, key = house.ready(), house.key("sg")
    letters = [ToSign(mail_id, 2), *(ToSign(MailId(10_000 + n), 1) for n in range(operations.MAX_BATCH))]
    with pytest.raises(Invalid) as refused:
        operations.sign_many(house.services, letters, key=key, actor=house.who("sg"), now=NOW)
    assert refused.value.code == "sign.too_many"
    assert house.show(mail_id, "sg").may.sign
    twice = operations.sign_many(house.services, letters[:1] * 300, key=key, actor=house.who("sg"), now=NOW)
    assert [result.failure for result in twice] == [None]


def test_a_secretary_cannot_sign_and_uses_no_number(house: House) -> None:
    mail_id = house.ready()
    (result,) = house.sign(mail_id, key=house.key("secretaire"), account="secretaire")
    assert isinstance(result.failure, Forbidden)
    assert result.failure.code == "sign.not_signatory"
    with house.services.reading() as session:
        assert session.scalars(select(MailNumber).where(MailNumber.mail_id == mail_id)).all() == []
    assert house.show(mail_id, "sg").may.sign


def test_a_locked_key_signs_nothing(house: House) -> None:
    mail_id, key = house.ready(), house.key("sg")
    late = NOW + timedelta(minutes=6)
    letters = [ToSign(mail_id, 2)]
    (result,) = operations.sign_many(house.services, letters, key=key, actor=house.who("sg"), now=late)
    assert result.failure is not None
    assert result.failure.code == "key.locked"
    assert house.show(mail_id, "sg").signed_id is None


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (DelegationKind.DELEGATION, ("Pour le Poste SG-T et par délégation,", "Le Poste DGE-C", "arrêté n° 9")),
        (DelegationKind.INTERIM, ("Le Poste SG-T par intérim", "arrêté n° 9")),
    ],
)
def test_the_mark_says_in_which_capacity(
    house: House, tmp_path: Path, kind: DelegationKind, words: tuple[str, ...]
) -> None:
    mail_id = house.ready()
    dge = house.who("dge")
    with house.services.unit_of_work(NOW) as uow:
        uow.session.add(
            Delegation(
                kind=kind, post_id=house.post("SG-T"), person_id=dge.person_id, act="arrêté n° 9",
                from_on=TODAY, until_on=TODAY,
            )
        )  # fmt: skip
    (result,) = house.sign(mail_id, key=house.key("dge"), account="dge")
    assert result.failure is None
    pdf = pdf_of(house, house.show(mail_id, "dge").signed_id)
    (tmp_path / "s.pdf").write_bytes(pdf)
    text = subprocess.run(
        ["pdftotext", "-layout", "s.pdf", "-"], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    for said in (*words, "Dge", "Signé électroniquement"):
        assert said in text, text
    assert house.show(mail_id, "dge").confirmed_capacity == (words[0] if "Pour" in words[0] else "")


# --- in ink -------------------------------------------------------------------------------------------------------


def printed(house: House) -> MailId:
    mail_id = house.ready()
    ink.confirm_ink(house.services, mail_id, version_no=2, actor=house.who("sg"), now=NOW)
    return mail_id


def test_in_ink_it_is_printed_with_our_code_numbered_by_the_office_and_its_scan_is_the_original(
    house: House, tmp_path: Path
) -> None:
    mail_id = printed(house)
    row = house.show(mail_id, "agent")
    assert (row.state, row.number, row.way, row.may.number) == (MailState.IN_CIRCUIT, "", SignatureWay.INK, True)
    paper = pdf_of(house, row.print_id)

    (tmp_path / "print.pdf").write_bytes(paper)
    subprocess.run(["pdftoppm", "-r", "200", "-png", "print.pdf", "big"], cwd=tmp_path, check=True)
    (code,) = zxingcpp.read_barcodes(Image.open(next(tmp_path.glob("big-*.png"))))
    assert code.text == make_code(CodeKind.OUTGOING, mail_id, key=house.services.code_key)
    early = paper_kit.bring(house.services, CodeKind.OUTGOING, mail_id)
    with pytest.raises(NotFound):
        paper_kit.confirm(house.services, early)  # without its number the original is not complete
    with pytest.raises(Forbidden), house.services.unit_of_work(NOW) as uow:
        ink.number_ink(uow, mail_id, actor=house.who("dge"))
    with house.services.unit_of_work(NOW) as uow:
        assert ink.number_ink(uow, mail_id, actor=house.who("agent")) == "00001/2026/MIN/SG"
    attachment_id = paper_kit.confirm(house.services, early)
    row = house.show(mail_id, "dge")
    assert (row.state, row.signed_id) == (MailState.SIGNED, attachment_id)
    assert not row.is_signed_electronically
    assert row.level_reached == ""
    with house.services.reading() as session:
        assert not session.get_one(Attachment, attachment_id).is_signed
        assert list(queries.issued_letters(session)) == []
        assert len(session.scalars(select(DispatchLine).where(DispatchLine.mail_id == mail_id)).all()) == 2
        signed = session.scalars(select(AuditEntry).where(AuditEntry.action == "mail.signed")).one()
        assert (signed.person_id, signed.subject_id) == (house.who("agent").person_id, mail_id)
    second = paper_kit.bring(house.services, CodeKind.OUTGOING, mail_id)
    with pytest.raises(InvalidTransition, match=r"ink\.not_numbered"):
        paper_kit.confirm(house.services, second)
    assert [row.id for row in paper_kit.waiting(house.services)] == [second]


def test_a_print_is_given_up_without_a_number_and_then_not_signed_twice(house: House) -> None:
    mail_id = printed(house)
    (result,) = house.sign(mail_id, key=house.key("sg"))
    assert result.failure is not None, "what is printed is not signed electronically too"
    with house.services.unit_of_work(NOW) as uow:
        ink.cancel_ink(uow, mail_id, actor=house.who("sg"))
    with pytest.raises(InvalidTransition), house.services.unit_of_work(NOW) as uow:
        ink.number_ink(uow, mail_id, actor=house.who("agent"))
    (result,) = house.sign(mail_id, key=house.key("sg"))
    assert (result.failure, result.number) == (None, "00001/2026/MIN/SG")


# --- departure ----------------------------------------------------------------------------------------------------


LIMITS = Limits(timedelta(minutes=5))


def signed(house: House) -> tuple[MailId, list[int]]:
    mail_id = house.ready()
    (result,) = house.sign(mail_id, key=house.key("sg"))
    assert result.failure is None
    with house.services.reading() as session:
        lines = session.scalars(
            select(DispatchLine.id).where(DispatchLine.mail_id == mail_id).order_by(DispatchLine.position)
        ).all()
    return mail_id, list(lines)


def line(house: House, line_id: int) -> DispatchLine:
    with house.services.reading() as session:
        return session.get_one(DispatchLine, line_id)


def notify(house: House) -> ClaimedJob:
    with house.services.reading() as session:
        (job_id,) = session.scalars(select(Job.id).where(Job.kind == JobKind.NOTIFY, Job.state == JobState.QUEUED))
    with house.services.unit_of_work(NOW) as uow:
        claimed = jobs.claim(uow.session, JobId(job_id), worker="w", now=NOW)
    assert claimed is not None
    return claimed


def test_the_letter_is_dispatched_when_all_its_lines_left_and_then_answers(house: House, tmp_path: Path) -> None:
    mail_id, (first, copy) = signed(house)
    agent = house.who("agent")
    assert (line(house, first).name, line(house, first).is_copy) == (CEET.name, False)
    assert (line(house, copy).name, line(house, copy).is_copy) == (COPY.name, True)
    with house.services.unit_of_work(NOW) as uow:
        dispatch.leave(uow, first, Departure(Channel.COURIER, "C-12", "Mawuli Dzidzo"), version=1, actor=agent)
    with pytest.raises(InvalidTransition, match=r"dispatch\.gone"), house.services.unit_of_work(NOW) as uow:
        dispatch.leave(uow, first, Departure(Channel.COURIER, "C-12", "x"), version=None, actor=agent)
    row = house.show(mail_id, "dge")
    assert row.state is MailState.SIGNED
    incoming = row.answers_id
    with house.services.reading() as session:
        assert session.get_one(Mail, incoming).state is MailState.ASSIGNED
    with house.services.unit_of_work(NOW) as uow:
        dispatch.send_by_email(uow, copy, email=COPY.email, version=1, actor=agent)
    claimed = notify(house)
    dispatch.run_notify(house.services, claimed, now=NOW)
    dispatch.run_notify(house.services, claimed, now=NOW)
    (message,) = (tmp_path / "outbox").glob("*.eml")
    raw = message.read_bytes()
    assert line(house, copy).reference.encode() in raw
    assert b"00001-2026-MIN-SG.pdf" in raw
    assert line(house, copy).state is DispatchState.LEFT
    assert house.show(mail_id, "dge").state is MailState.DISPATCHED
    with house.services.reading() as session:
        assert session.get_one(Mail, incoming).state is MailState.ANSWERED
        (row_,) = session.scalars(select(Assignment).where(Assignment.mail_id == incoming))
        assert (row_.state, row_.outcome) == (AssignmentState.DONE, "Réponse expédiée")


OLD, NEW = CEET.email, "collecte@ceet.example.tg"


def change_address(house: House, email: str, *, at: datetime) -> None:
    """The clerk writes another e-mail address into the directory's entry of the addressee."""
    agent = house.who("agent")
    with house.services.reading() as session:
        entry_id = session.scalars(select(Correspondent.id).where(Correspondent.folded_name == fold(CEET.name))).one()
    with house.services.unit_of_work(at) as uow:
        directory.edit(uow, entry_id, CorrespondentForm(CEET.name, email=email), version=None, actor=agent)


def hand_over(house: House, line_id: int, email: str, *, at: datetime = NOW, compared: str = "") -> None:
    agent = house.who("agent")
    with house.services.unit_of_work(at) as uow:
        dispatch.send_by_email(uow, line_id, email=email, version=None, actor=agent, compared=compared)


def refused_to(house: House, line_id: int, email: str, *, at: datetime = NOW, compared: str = "") -> None:
    """The address is refused until it is confirmed. The line, the jobs and the journal do not change."""

    def present() -> list[object]:
        with house.services.reading() as session:
            row = session.get_one(DispatchLine, line_id)
            told = session.scalars(select(AuditEntry.sequence).where(AuditEntry.action == "dispatch.sending")).all()
            orders = session.scalars(select(Job.id).where(Job.kind == JobKind.NOTIFY)).all()
            return [row.state, row.channel, row.email, row.reference, row.sent_by_id, row.version, told, orders]

    before = present()
    with pytest.raises(Invalid) as refused:
        hand_over(house, line_id, email, at=at, compared=compared)
    assert (refused.value.code, refused.value.params["field"]) == ("dispatch.email_to_confirm", "compared")
    assert present() == before


def told_of_confirming(house: House, line_id: int) -> list[bool]:
    """For each sending of a line, what the journal says: whether its address was confirmed."""
    with house.services.reading() as session:
        payloads = session.scalars(
            select(AuditPayload.payload)
            .join(AuditEntry, AuditEntry.sequence == AuditPayload.sequence)
            .where(AuditEntry.action == "dispatch.sending")
            .order_by(AuditEntry.sequence)
        ).all()
    return [one["confirmed"] for one in payloads if one["line"] == line_id]


def test_nothing_is_sent_to_a_changed_address_until_a_person_compared_it(house: House) -> None:
    _, (first, copy) = signed(house)
    change_address(house, OLD, at=NOW)
    change_address(house, NEW, at=NOW)
    refused_to(house, first, NEW)
    refused_to(house, first, f" {NEW.upper()} ")
    refused_to(house, first, NEW, compared=OLD)  # a confirmation of one address says nothing about another one
    hand_over(house, copy, NEW)
    assert told_of_confirming(house, copy) == [False], "another addressee's line: nothing of its address changed"
    hand_over(house, first, NEW, compared=NEW)
    assert (line(house, first).state, line(house, first).email) == (DispatchState.SENDING, NEW)
    assert told_of_confirming(house, first) == [True]


def test_an_address_is_asked_about_until_a_letter_left_for_it_and_again_when_it_changes(house: House) -> None:
    letters, key = [house.ready(copies=()) for _ in range(2)], house.key("sg")
    assert [one.failure for one in house.sign(*letters, key=key)] == [None, None]
    with house.services.reading() as session:
        first, second = session.scalars(select(DispatchLine.id).order_by(DispatchLine.mail_id)).all()
    change_address(house, OLD, at=NOW)
    change_address(house, NEW, at=NOW)
    hand_over(house, first, NEW, compared=NEW)
    refused_to(house, second, NEW)  # only handed over: the message may still fail
    dispatch.run_notify(house.services, notify(house), now=NOW + timedelta(minutes=1))
    assert line(house, first).state is DispatchState.LEFT
    with house.services.reading() as session:
        assert dispatch.address_to_confirm(session, session.get_one(DispatchLine, second), NEW) is None
    later = NOW + timedelta(hours=1)
    change_address(house, OLD, at=later)
    change_address(house, NEW, at=later)
    refused_to(house, second, NEW, at=later)
    hand_over(house, second, NEW, at=later, compared=NEW)
    assert told_of_confirming(house, second) == [True]


class Crash(Exception):
    """A worker that dies while it sends."""


class Broken:
    """A mail server connection that dies."""

    def __init__(self, failure: Exception) -> None:
        self.failure = failure

    def send(self, message: Message) -> None:
        raise self.failure


def test_an_email_that_was_interrupted_waits_for_a_person(house: House) -> None:
    mail_id, (_, copy) = signed(house)
    agent = house.who("agent")
    with house.services.unit_of_work(NOW) as uow:
        dispatch.send_by_email(uow, copy, email=COPY.email, version=1, actor=agent)
    claimed = notify(house)
    with pytest.raises(Crash):
        dispatch.run_notify(replace(house.services, post=Broken(Crash())), claimed, now=NOW)
    later = NOW + timedelta(hours=1)
    with house.services.unit_of_work(later) as uow:
        assert jobs.claim(uow.session, claimed.id, worker="other", now=later) is None
    with house.services.reading() as session:
        assert session.get_one(Job, claimed.id).state is JobState.UNCERTAIN
        (row,) = [r for r in dispatch_queries.lines(session, mail_id, agent) if r.id == copy]
        assert row.is_uncertain
    old = line(house, copy).reference
    with house.services.unit_of_work(later) as uow:
        dispatch.settle_email(uow, copy, was_sent=False, version=None, actor=agent)
    assert line(house, copy).state is DispatchState.TO_SEND
    with house.services.unit_of_work(later) as uow:
        dispatch.send_by_email(uow, copy, email=COPY.email, version=None, actor=agent)
    assert line(house, copy).reference != old
    # The old job sends nothing, whichever worker takes it again.
    with_old = ClaimedJob(claimed.id, claimed.kind, copy, {"message_id": old}, 2, claimed.worker)
    dispatch.run_notify(replace(house.services, post=Broken(Crash())), with_old, now=later)


class Slow:
    """A server that accepts the message only after the worker's lease has ended and a clerk has decided."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self.meanwhile = meanwhile

    def send(self, message: Message) -> None:
        self.meanwhile()


@pytest.mark.parametrize("fenced", [True, False])
def test_a_late_worker_does_not_overtake_the_clerk_who_settled_its_email(house: House, fenced: bool) -> None:
    _, (_, copy) = signed(house)
    agent = house.who("agent")
    with house.services.unit_of_work(NOW) as uow:
        dispatch.send_by_email(uow, copy, email=COPY.email, version=1, actor=agent)
    claimed = notify(house)
    first, later = line(house, copy).reference, NOW + timedelta(hours=1)

    def meanwhile() -> None:
        with house.services.unit_of_work(later) as uow:
            # The heartbeat could not reach the database for longer than the lease.
            uow.session.execute(update(Job).where(Job.id == claimed.id).values(lease_until=NOW))
        with house.services.unit_of_work(later) as uow:
            assert jobs.claim(uow.session, claimed.id, worker="other", now=later) is None
        with house.services.unit_of_work(later) as uow:
            dispatch.settle_email(uow, copy, was_sent=False, version=None, actor=agent)
        with house.services.unit_of_work(later) as uow:
            dispatch.send_by_email(uow, copy, email=COPY.email, version=None, actor=agent)

    slow = replace(house.services, post=Slow(meanwhile))
    if fenced:
        runner.run(slow, claimed, lambda run: dispatch.run_notify(run.services, run.job, now=NOW), LIMITS)
    else:
        dispatch.run_notify(slow, claimed, now=NOW)
    assert line(house, copy).state is DispatchState.SENDING, "the second message has not left yet"
    assert line(house, copy).reference != first
    with house.services.reading() as session:
        assert session.get_one(Job, claimed.id).state is JobState.DONE


def test_a_letter_made_confidential_after_the_order_is_not_sent(house: House, tmp_path: Path) -> None:
    mail_id, (_, copy) = signed(house)
    with house.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "agent").values(clearance=1))
    agent = house.who("agent")
    with house.services.unit_of_work(NOW) as uow:
        dispatch.send_by_email(uow, copy, email=COPY.email, version=1, actor=agent)
    claimed = notify(house)
    with house.services.unit_of_work(NOW) as uow:
        change_level(uow, mail_id, Confidentiality.RESTRICTED, reason="Enquête", actor=house.who("dge"))
    with pytest.raises(Invalid, match=r"dispatch\.email_confidential") as stopped:
        dispatch.run_notify(house.services, claimed, now=NOW)
    with house.services.unit_of_work(NOW) as uow:
        jobs.fail(uow.session, claimed, stopped.value, now=NOW)
    assert not list((tmp_path / "outbox").glob("*.eml"))
    with house.services.reading() as session:
        assert session.get_one(Job, claimed.id).state is JobState.FAILED
        (row,) = [r for r in dispatch_queries.lines(session, mail_id, agent) if r.id == copy]
        assert (row.is_uncertain, row.was_stopped, row.cause) == (True, True, "dispatch.email_confidential")
    with house.services.unit_of_work(NOW) as uow:
        dispatch.settle_email(uow, copy, was_sent=False, version=None, actor=agent)
    assert line(house, copy).state is DispatchState.TO_SEND


def test_a_letter_voided_after_the_order_is_not_sent(house: House, tmp_path: Path) -> None:
    mail_id, (_, copy) = signed(house)
    agent = house.who("agent")
    with house.services.unit_of_work(NOW) as uow:
        dispatch.send_by_email(uow, copy, email=COPY.email, version=1, actor=agent)
    claimed = notify(house)
    with house.services.reading() as session:
        number_id = session.scalars(select(MailNumber.id).where(MailNumber.mail_id == mail_id)).one()
    with house.services.unit_of_work(NOW) as uow:
        void_number(uow, number_id, reason="Erreur", actor=agent, now=NOW)
    with pytest.raises(InvalidTransition, match=r"dispatch\.not_signed"):
        dispatch.run_notify(house.services, claimed, now=NOW)
    assert not list((tmp_path / "outbox").glob("*.eml"))


def test_a_discharge_says_who_when_and_under_which_number(house: House) -> None:
    mail_id, (first, _) = signed(house)
    agent = house.who("agent")
    given = Discharge("Ama Lawson", "Secrétaire du DG", NOW + timedelta(hours=2), "0981/CEET")
    with pytest.raises(InvalidTransition, match=r"discharge\.not_left"), house.services.unit_of_work(NOW) as uow:
        dispatch.discharge(uow, first, given, version=None, actor=agent)
    with house.services.unit_of_work(NOW) as uow:
        dispatch.leave(uow, first, Departure(Channel.HAND, "", "Mawuli"), version=None, actor=agent)
    later = NOW + timedelta(hours=3)
    with house.services.unit_of_work(later) as uow:
        dispatch.discharge(uow, first, given, version=None, actor=agent)
    proof = paper_kit.confirm(
        house.services, paper_kit.bring(house.services, CodeKind.DISCHARGE, first, now=later), now=later
    )
    second = paper_kit.confirm(
        house.services, paper_kit.bring(house.services, CodeKind.DISCHARGE, first, text="autre", now=later), now=later
    )
    with house.services.reading() as session:
        (row, _copy) = dispatch_queries.lines(session, mail_id, agent)
        assert session.get_one(Attachment, proof).kind is AttachmentKind.PROOF
    assert (row.state, row.discharge_name, row.discharge_number, row.proof_ids) == (
        DispatchState.DELIVERED, "Ama Lawson", "0981/CEET", (proof, second),
    )  # fmt: skip
    assert row.discharged_at == given.received_at


def test_the_departure_book_and_the_discharge_sheet_print(house: House, tmp_path: Path) -> None:
    mail_id, (first, _) = signed(house)
    agent = house.who("agent")
    with house.services.unit_of_work(NOW) as uow:
        dispatch.leave(uow, first, Departure(Channel.RECORDED_DELIVERY, "RR 12 TG"), version=None, actor=agent)
    with house.services.reading() as session:
        (row,) = dispatch_queries.left_on(session, agent, TODAY, zone=house.services.zone)
        assert (row.number, row.reference, row.name) == ("00001/2026/MIN/SG", "RR 12 TG", CEET.name)
        assert dispatch_queries.left_on(session, house.who("daf"), TODAY, zone=house.services.zone) == []
        waiting = dispatch_queries.to_dispatch(session, agent)
        assert [(w.mail_id, w.waiting, w.total) for w in waiting] == [(mail_id, 1, 2)]
    for name, pdf in (
        ("book", dispatch_print.departure_book(house.services, agent, TODAY, at=NOW)),
        ("sheet", dispatch_print.discharge_sheet(house.services, first, agent, at=NOW)),
    ):
        (tmp_path / f"{name}.pdf").write_bytes(pdf)
        text = subprocess.run(
            ["pdftotext", f"{name}.pdf", "-"], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout
        assert "00001/2026/MIN/SG" in text
        checked = subprocess.run(["qpdf", "--check", f"{name}.pdf"], cwd=tmp_path, capture_output=True, check=False)
        assert checked.returncode == 0


def test_paper_that_passes_through_many_hands_does_not_tell_a_confidential_subject(
    house: House, tmp_path: Path
) -> None:
    mail_id, (first, _) = signed(house)
    with house.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account == "agent").values(clearance=1))
    agent = house.who("agent")
    with house.services.unit_of_work(NOW) as uow:
        dispatch.leave(uow, first, Departure(Channel.RECORDED_DELIVERY, "RR 12 TG"), version=None, actor=agent)

    def printed() -> list[str]:
        made = (
            dispatch_print.departure_book(house.services, agent, TODAY, at=NOW),
            dispatch_print.discharge_sheet(house.services, first, agent, at=NOW),
        )
        return [subprocess.run(["pdftotext", "-", "-"], input=pdf, check=True, capture_output=True).stdout.decode()
                for pdf in made]  # fmt: skip

    word = house.show(mail_id, "dge").subject.split()[0]
    assert all(word in text for text in printed())
    with house.services.unit_of_work(NOW) as uow:
        change_level(uow, mail_id, Confidentiality.RESTRICTED, reason="Enquête", actor=house.who("dge"))
    for text in printed():
        assert word not in text
        assert "Courrier confidentiel" in " ".join(text.split())
        assert "00001/2026/MIN/SG" in text


def test_only_the_office_that_numbered_it_dispatches(house: House) -> None:
    _, (first, _) = signed(house)
    with pytest.raises(Forbidden, match=r"dispatch\.not_clerk"), house.services.unit_of_work(NOW) as uow:
        dispatch.leave(uow, first, Departure(Channel.HAND, "", "x"), version=None, actor=house.who("dge"))
