"""A letter that a slip of disposal destroys: its files and their keys are gone for ever, its entry in the register stays."""

import io
import itertools
import os
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, delete, event, insert, or_, select, text, update
from sqlalchemy.orm import Session

from ged import case_export, destroyed, locks
from ged.adapters import blobs_s3
from ged.adapters.keyring import Keyring
from ged.archive import blobs as archive_blobs
from ged.archive.blobs import STAYS, blob_columns, named_digests, of_letters
from ged.audit import AuditEntry, AuditPayload
from ged.capture import pictures
from ged.capture.models import BatchState, Scan, ScanLeaf, ScanState
from ged.db import Base
from ged.destroyed import DestroyedLetter
from ged.disposal import destroying, queries
from ged.disposal.lists import eligible
from ged.disposal.models import Disposal, DisposalLine
from ged.errors import EngineFailed, GedError, Gone, Invalid, InvalidTransition, NotFound
from ged.jobs import Job, JobKind
from ged.natures.models import FinalAct, Nature
from ged.ports import ByDisposal, Digest, MailId
from ged.recognition.jobs import run_recognise
from ged.register import documents
from ged.register.models import Attachment, AttachmentKind, Mail, MailLink, PageText, Register
from ged.register.operations import IncomingForm, SourcePage, attach, register_incoming, reopen
from ged.register.states import MailState
from ged.search.indexing import index_document
from ged.unit import Services
from ged.verify import verify
from tests.destroyed_kit import (
    NATURE,
    batch,
    carry_out,
    confirm,
    decided,
    digests,
    keyring_of,
    laid,
    later,
    left_over,
    letter,
    lose,
    merged,
    opens,
    over,
    propose,
    scanned,
    store_of,
    stored_in_clear,
)
from tests.destroyed_kit import services_in_any_store as services
from tests.exception_kit import imputed
from tests.factories import NOW, TODAY, actor
from tests.together_kit import together

__all__ = ["services"]  # a fixture

pytestmark = pytest.mark.in_turns(3)


def acts(services: Services, mail: int) -> list[str]:
    with services.reading() as session:
        about = select(AuditEntry.action).where(AuditEntry.subject_kind == "mail", AuditEntry.subject_id == mail)
        return list(session.scalars(about.order_by(AuditEntry.sequence)))


def state_of(services: Services, mail: int) -> destroyed.Destroyed | None:
    with services.reading() as session:
        return destroyed.of_letter(session, mail)


def document_of(services: Services, mail: int) -> int:
    with services.reading() as session:
        return session.scalars(select(Attachment.id).where(Attachment.mail_id == mail)).one()


def test_files_and_keys_are_gone_and_the_register_stays(services: Services, tmp_path: Path) -> None:
    gone, stays = letter(services, "Périmée", b"one", b"two"), letter(services, "Gardée", b"three")
    slip = decided(services, [gone])
    found = state_of(services, gone)
    assert found is not None
    assert (found.slip_no, found.decided_at, found.done_at) == (slip, NOW, None)
    assert opens(services, gone), "the job has still to do it"
    before = digests(services, gone)
    assert carry_out(services) == 1
    found = state_of(services, gone)
    assert found is not None
    assert found.done_at is not None
    assert found.files == 2
    assert [services.blobs.exists(one) for one in before] == [False, False]
    assert digests(services, gone) == before, "the register still says which bytes they were"
    kept = {digest for _, digest, _ in keyring_of(tmp_path).listed()}
    assert kept & {*before} == set()
    assert set(digests(services, stays)) <= kept
    assert opens(services, stays)
    told = keyring_of(tmp_path).destroyed()
    assert {(one.because.mail_id, one.because.slip_no) for one in told} == {(gone, slip)}
    assert {one.digest for one in told} > set(before), "of each file, and of the letter as a whole"
    assert {one.digest for one in told if one.is_key} == set(before)
    assert acts(services, gone)[-2:] == ["mail.disposal_decided", "mail.destroyed"]
    with services.reading() as session:
        mail = session.get_one(Mail, gone)
        assert (mail.subject, mail.state, len(mail.numbers)) == ("Périmée", MailState.CLOSED, 1)
        assert session.scalars(select(PageText.text)).all() == ["Texte Gardée"]
    assert carry_out(services) == 0, "a second run changes nothing"
    assert acts(services, gone).count("mail.destroyed") == 1


def test_checks_of_the_whole_stay_green(services: Services) -> None:
    gone, stays = letter(services, "Périmée"), letter(services, "Gardée")
    decided(services, [gone])
    for _step in range(2):
        with services.reading() as session:
            assert dict(named_digests(session)).keys() == set(digests(services, stays))
            assert list(archive_blobs.broken_blobs(session, services.blobs)) == []
        assert verify(services, now=NOW).problems == ()
        carry_out(services)


def test_a_file_that_a_living_letter_has_too_stays(services: Services) -> None:
    gone, stays = letter(services, "Périmée", b"shared", b"alone"), letter(services, "Gardée", b"shared")
    decided(services, [gone])
    assert carry_out(services) == 1
    shared, alone = digests(services, gone)
    assert services.blobs.verify(shared)
    assert not services.blobs.exists(alone)
    assert opens(services, stays)
    found = state_of(services, gone)
    assert found is not None
    assert found.files == 1
    decided(services, [stays])
    assert carry_out(services) == 1
    assert not services.blobs.exists(shared), "with the last letter that has it"


def test_the_sweep_leaves_to_the_job_what_was_confirmed_meanwhile(services: Services, tmp_path: Path) -> None:
    """A file that goes without the reason why leaves no trace in the keyring: a restored copy would be called broken."""
    gone = letter(services, "Périmée")
    assert carry_out(services) == 0, "the job of the night has looked already"
    slip = decided(services, [gone])
    with services.reading() as session:
        kinds = session.scalars(select(Job.kind).where(Job.kind == JobKind.SWEEP)).all()
        removed = archive_blobs.sweep(session, services.blobs, now=later())
    assert kinds == [JobKind.SWEEP], "and not only at night"
    assert removed == 0
    assert opens(services, gone)
    assert carry_out(services) == 1
    told = {(one.digest, one.because.slip_no) for one in keyring_of(tmp_path).destroyed()}
    assert {(one, slip) for one in digests(services, gone)} <= told


def stored(services: Services, content: bytes) -> Digest:
    return services.blobs.put(io.BytesIO(content)).digest


def test_the_uploaded_file_goes_with_the_last_letter_that_came_in_it(services: Services) -> None:
    first, second = letter(services, "Première"), letter(services, "Seconde")
    pages, file = [stored(services, b"p1"), stored(services, b"p2")], stored(services, b"the file")
    came = batch(services, pages, uploaded=file)
    scanned(services, first, came, pages=1)
    scanned(services, second, came)
    decided(services, [first])
    assert carry_out(services) == 1
    assert [services.blobs.exists(one) for one in (*pages, file)] == [False, True, True]
    decided(services, [second])
    assert carry_out(services) == 1
    assert [services.blobs.exists(one) for one in (*pages, file)] == [False, False, False]


def test_the_uploaded_file_is_asked_for_before_it_is_decided(services: Services) -> None:
    mail = letter(services, "Périmée")
    clear = stored_in_clear(services, b"uploaded in clear")
    scanned(services, mail, batch(services, [stored(services, b"under a key")], uploaded=clear))
    over(services, [mail])
    with pytest.raises(Invalid, match=r"disposal\.in_clear"):
        propose(services)
    with services.reading() as session:
        assert clear in archive_blobs.digests_of(session, select(Mail.id).where(Mail.id == mail))


def test_pages_that_were_merged_into_a_scan_that_waits_stay(services: Services) -> None:
    """Their batch brought the destroyed letter too: the pages are of whoever gets the scan that waits."""
    gone = letter(services, "Périmée")
    own, living, file = stored(services, b"own"), stored(services, b"living"), stored(services, b"file of both")
    came = batch(services, [own, living], uploaded=file)
    scanned(services, gone, came, pages=1)
    moved = scanned(services, None, came, state=ScanState.WAITING)
    waits = scanned(services, None, batch(services, [stored(services, b"other")]), state=ScanState.WAITING)
    merged(services, moved, waits)
    decided(services, [gone])
    assert carry_out(services) == 1
    assert [services.blobs.exists(one) for one in (own, living, file)] == [False, True, True]


def test_the_file_of_pages_that_were_merged_or_rescanned_goes_with_their_letter(services: Services) -> None:
    gone = letter(services, "Périmée")
    one, two, three = (stored(services, text) for text in (b"one", b"two", b"three"))
    files = [stored(services, text) for text in (b"file of two", b"file of three")]
    scan = scanned(services, gone, batch(services, [one]))
    other = batch(services, [two], uploaded=files[0])
    merged(services, scanned(services, None, other, state=ScanState.WAITING), scan)
    laid(services, scan, batch(services, [three], uploaded=files[1], into=scan))
    decided(services, [gone])
    assert carry_out(services) == 1
    assert [services.blobs.exists(name) for name in (one, two, three, *files)] == [False] * 5


def as_in_an_older_copy(services: Services, *, slip_waits: int | None = None) -> None:
    """Take back what the database says of all destructions; the slip is lost, or waits again."""
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(delete(DestroyedLetter))
        if slip_waits is not None:
            uow.session.execute(
                update(Disposal).where(Disposal.id == slip_waits).values(confirmed_at=None, second_id=None)
            )
            return
        uow.session.execute(delete(DisposalLine))
        uow.session.execute(delete(Disposal))


def test_a_letter_of_which_no_key_went_is_destroyed_again_too(services: Services) -> None:
    bare, shared = imputed(services, "Sans fichier"), letter(services, "Partagée", b"shared")
    first, second = letter(services, "Une", b"of two"), letter(services, "Autre", b"of two")
    stays = letter(services, "Gardée", b"shared")
    all_gone = sorted([bare, shared, first, second])
    decided(services, all_gone)
    assert carry_out(services) == 4
    as_in_an_older_copy(services)
    with services.unit_of_work(NOW) as uow:
        for mail in (shared, second, stays):
            document = uow.session.scalars(select(Attachment.id).where(Attachment.mail_id == mail)).one()
            uow.session.merge(
                PageText(attachment_id=document, page_no=1, text="Relu", words=[], confidence=1.0, read_at=NOW)
            )
    assert sorted(destroying.again(services, services.blobs.tombstones(), now=NOW)) == all_gone
    with services.reading() as session:
        assert session.scalars(select(PageText.attachment_id)).all() == [document_of(services, stays)]
    assert destroying.again(services, services.blobs.tombstones(), now=NOW) == ()


def test_after_a_restore_a_destroyed_letter_is_not_proposed_again(services: Services) -> None:
    gone = letter(services, "Périmée")
    slip = decided(services, [gone])
    carry_out(services)
    as_in_an_older_copy(services, slip_waits=slip)
    assert destroying.again(services, services.blobs.tombstones(), now=NOW) == (gone,)
    with pytest.raises(Invalid, match=r"disposal\.changed"):
        confirm(services, slip)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(delete(DisposalLine))
        uow.session.execute(delete(Disposal))
    assert proposed(services) == []


def test_nobody_opens_joins_or_reopens_it(services: Services) -> None:
    gone = letter(services, "Périmée")
    one, document = actor(services, "dge"), document_of(services, gone)
    with services.reading() as session:
        assert documents.original_page(session, document, 1, one).mail_id == gone
    decided(services, [gone])
    with services.reading() as session:
        for ask in (
            lambda: documents.attachment(session, document, one),
            lambda: documents.original_page(session, document, 1, one),
            lambda: documents.words(session, document, 1, one),
            lambda: documents.page_source(session, document, 1, one),
        ):
            with pytest.raises(Gone, match=r"mail\.destroyed"):
                ask()
        with pytest.raises(NotFound, match=r"attachment\.unknown"):
            documents.attachment(session, document, actor(services, "daf"))
    with pytest.raises(InvalidTransition, match=r"mail\.destroyed"), services.unit_of_work(NOW) as uow:
        attach(
            uow, gone, kind=AttachmentKind.ANNEX, pages=[SourcePage(Digest("a" * 64), "image/png")],
            media_type="image/png", actor=one, now=NOW,
        )  # fmt: skip
    with pytest.raises(InvalidTransition, match=r"mail\.destroyed"), services.unit_of_work(NOW) as uow:
        reopen(uow, gone, reason="Encore utile", actor=one)


def test_a_picture_of_a_page_is_not_drawn_any_more(services: Services) -> None:
    gone, clerk = letter(services, "Périmée"), actor(services, "agent")
    with services.reading() as session:
        scan_id, leaf_id = session.execute(
            select(Scan.id, ScanLeaf.id).join(ScanLeaf, ScanLeaf.scan_id == Scan.id).where(Scan.mail_id == gone)
        ).one()
        assert pictures.picture_source(session, scan_id, leaf_id, clerk, width_px=800).mail_id == gone
    decided(services, [gone])
    with services.reading() as session, pytest.raises(Gone, match=r"mail\.destroyed"):
        pictures.picture_source(session, scan_id, leaf_id, clerk, width_px=800)


def test_the_index_keeps_its_number_and_dates_alone(services: Services) -> None:
    gone, stays = letter(services, "Périmée"), letter(services, "Gardée")
    decided(services, [gone])
    with services.reading() as session:
        bare = index_document(session, gone, version=1, units=("DGE",))
        whole = index_document(session, stays, version=1, units=("DGE",))
    assert bare is not None
    assert whole is not None
    assert (bare.subject, bare.sender, bare.pages, bare.units, len(bare.numbers)) == ("", "", (), (), 1)
    assert (whole.subject, len(whole.pages)) == ("Gardée", 1)


def test_a_reading_that_comes_late_writes_no_text(services: Services) -> None:
    gone = letter(services, "Périmée")
    document = document_of(services, gone)
    decided(services, [gone])
    carry_out(services)
    run_recognise(services, document, heartbeat=lambda _: None, now=NOW)
    with services.reading() as session:
        assert session.scalars(select(PageText.attachment_id)).all() == []


# --- which letters, and what the slip says


def proposed(services: Services) -> list[tuple[int, str]]:
    with services.reading() as session:
        one = actor(services, "dge")
        found = eligible(session, int(one.posts[0].unit_id), one, on=TODAY, zone=services.zone)
        return [(line.mail_id, line.final_act) for line in found]


@pytest.mark.parametrize(
    ("act", "is_on_a_slip"),
    [(FinalAct.PAPER, True), (FinalAct.DESTROY, True), (FinalAct.TRANSFER, False), (FinalAct.KEEP, False)],
)
def test_the_final_act_decides_who_is_on_a_slip(services: Services, act: FinalAct, is_on_a_slip: bool) -> None:
    mail = letter(services, "Périmée")
    over(services, [mail], act)
    assert proposed(services) == ([(mail, act)] if is_on_a_slip else [])


def test_where_the_paper_alone_goes_the_files_stay(services: Services) -> None:
    mail = letter(services, "Périmée")
    over(services, [mail], FinalAct.PAPER)
    confirm(services, propose(services))
    assert state_of(services, mail) is None
    assert carry_out(services) == 0
    assert opens(services, mail)
    with services.reading() as session:
        found = queries.of_letter(session, mail)
    assert found is not None
    assert found.destroyed is None


def test_the_final_act_stands_in_the_digest_of_the_list(services: Services) -> None:
    mail = letter(services, "Périmée")
    over(services, [mail], FinalAct.PAPER)
    slip = propose(services)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Nature).where(Nature.code == NATURE).values(final_act=FinalAct.DESTROY))
    with pytest.raises(Invalid, match=r"disposal\.changed"):
        confirm(services, slip)
    assert state_of(services, mail) is None


def test_a_letter_that_is_linked_to_one_at_work_is_on_no_slip(services: Services) -> None:
    mail, other = letter(services, "Périmée"), imputed(services, "En cours")
    over(services, [mail])
    for ends in ({"from_id": other, "to_id": mail}, {"from_id": mail, "to_id": other}):
        with services.unit_of_work(NOW) as uow:
            link = MailLink(kind="related", **ends)
            uow.session.add(link)
            uow.session.flush()
            link_id = link.id
        assert proposed(services) == []
        with services.unit_of_work(NOW) as uow:
            uow.session.delete(uow.session.get_one(MailLink, link_id))
    assert proposed(services) == [(mail, "destroy")]
    slip = propose(services)
    with services.unit_of_work(NOW) as uow:
        uow.session.add(MailLink(kind="reply_to", from_id=other, to_id=mail))
    with pytest.raises(Invalid, match=r"disposal\.changed"):
        confirm(services, slip)
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Mail).where(Mail.id == other).values(state=MailState.CLOSED, closed_at=NOW))
    confirm(services, slip)


def test_files_in_clear_are_refused(services: Services, tmp_path: Path) -> None:
    """A file without a key of its own would be read from any earlier copy."""
    mail = letter(services, "Périmée", b"under a key")
    clear = stored_in_clear(services, b"in clear")
    with services.unit_of_work(NOW) as uow:
        attach(
            uow, mail, kind=AttachmentKind.ANNEX, pages=[SourcePage(clear, "image/png")], media_type="image/png",
            actor=actor(services, "agent"), now=NOW, recognise=False,
        )  # fmt: skip
    over(services, [mail])
    with pytest.raises(Invalid, match=r"disposal\.in_clear") as refused:
        propose(services)
    assert refused.value.params["count"] == 1
    assert store_of(services).encrypt(clear)
    slip = propose(services)
    os.remove(tmp_path / "keyring" / "documents.sqlite3")
    keyring_of(tmp_path).prepare()
    with pytest.raises(Invalid, match=r"disposal\.in_clear"):
        confirm(services, slip)
    assert state_of(services, mail) is None


def test_what_came_since_the_store_was_asked_is_asked_for_too(services: Services) -> None:
    mail = letter(services, "Périmée", b"under a key")
    looked = destroying.look(services, [mail])
    assert (set(looked.files), set(looked.clear)) == (set(digests(services, mail)), set())
    clear = stored_in_clear(services, b"in clear")
    with services.unit_of_work(NOW) as uow:
        attach(
            uow, mail, kind=AttachmentKind.ANNEX, pages=[SourcePage(clear, "image/png")], media_type="image/png",
            actor=actor(services, "agent"), now=NOW, recognise=False,
        )  # fmt: skip
    for before in (looked, destroying.look(services, [mail])):
        with services.unit_of_work(NOW) as uow, pytest.raises(Invalid, match=r"disposal\.in_clear") as refused:
            destroying.require_possible(uow, [mail], before)
        assert refused.value.params["count"] == 1
    assert store_of(services).encrypt(clear)
    with services.unit_of_work(NOW) as uow:
        destroying.require_possible(uow, [mail], looked)


def test_a_clear_file_beside_a_key_of_its_bytes_is_refused(services: Services) -> None:
    mail = letter(services, "Périmée", b"under a key")
    (digest,) = digests(services, mail)
    lose(services, digest)
    assert stored_in_clear(services, b"under a key") == digest
    over(services, [mail])
    with pytest.raises(Invalid, match=r"disposal\.in_clear"):
        propose(services)


@pytest.mark.parametrize("is_lost", [False, True])
def test_no_earlier_key_of_the_bytes_is_left(services: Services, tmp_path: Path, is_lost: bool) -> None:
    """A file that was written twice has two keys, and an older copy holds the first writing."""
    mail = letter(services, "Périmée", b"written twice")
    (digest,) = digests(services, mail)
    lose(services, digest)
    if not is_lost:
        services.blobs.put(io.BytesIO(b"written twice"))
    keys = [key for key, named, _ in keyring_of(tmp_path).listed() if named == digest]
    assert len(keys) == 1 + (not is_lost)
    decided(services, [mail])
    assert carry_out(services) == 1
    assert [one for one in keyring_of(tmp_path).listed() if one[1] == digest] == []
    assert {one.key_id for one in keyring_of(tmp_path).destroyed() if one.digest == digest and one.is_key} == set(keys)


def test_a_key_that_was_made_within_the_day_is_of_who_stores_the_file_again(services: Services, tmp_path: Path) -> None:
    (digest,) = digests(services, letter(services, "Périmée", b"again"))
    why = ByDisposal(1, 1, NOW)
    keyring_of(tmp_path).destroy_all(digest, made_before=datetime.now(UTC) - timedelta(hours=24), because=why)
    assert keyring_of(tmp_path).without_key({digest}) == set()
    keyring_of(tmp_path).destroy_all(digest, made_before=datetime.now(UTC) + timedelta(hours=1), because=why)
    assert keyring_of(tmp_path).without_key({digest}) == {digest}


def test_a_letter_that_cannot_be_destroyed_stops_no_other(
    services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = letter(services, "Une"), letter(services, "Autre")
    decided(services, [first, second])
    (locked,) = digests(services, first)
    discard = store_of(services).discard

    def refuses(digest: Digest, **named: object) -> bool:
        if digest == locked:
            raise EngineFailed("store.away", "wait", digest=digest)
        return discard(digest, **named)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(store_of(services), "discard", refuses)
        assert carry_out(services) == 1
    assert f"destroy.failed mail={first} code=store.away" in caplog.text
    of_first, of_second = state_of(services, first), state_of(services, second)
    assert of_first is not None
    assert of_second is not None
    assert (of_first.done_at is None, of_second.done_at is None) == (True, False)
    assert carry_out(services) == 1


# --- interrupted, and at one moment


class _Killed(BaseException):
    pass


@pytest.mark.parametrize("at", ["discard", "key", "note"])
def test_killed_in_the_middle_the_next_run_goes_on(
    services: Services, tmp_path: Path, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = letter(services, "Périmée", b"one", b"two", b"three")
    decided(services, [gone])
    before, calls = digests(services, gone), []

    def dies(real: object) -> object:
        def call(*args: object, **named: object) -> object:
            calls.append(at)
            if len(calls) == (1 if at == "note" else 2):
                raise _Killed
            return real(*args, **named)  # type: ignore[operator]

        return call

    owner, name = {
        "discard": (type(services.blobs), "discard"), "key": (Keyring, "destroy"), "note": (destroying, "_note"),
    }[at]  # fmt: skip
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, dies(getattr(owner, name)))
        with pytest.raises(_Killed):
            carry_out(services)
    found = state_of(services, gone)
    assert found is not None
    assert found.done_at is None
    monkeypatch.setattr(
        blobs_s3, "GOING_S", -5.0
    )  # in an S3 store the next run waits ten minutes: no removal is still to come
    assert carry_out(services) == 1
    found = state_of(services, gone)
    assert found is not None
    assert found.files == 3
    assert keyring_of(tmp_path).count() == 0
    assert {one.digest for one in keyring_of(tmp_path).destroyed()} > set(before)
    assert left_over(services) == []
    assert verify(services, now=NOW).problems == ()


def test_bytes_that_are_handed_in_again_stay_for_who_brought_them(services: Services) -> None:
    gone = letter(services, "Périmée", b"handed in again")
    (digest,) = digests(services, gone)
    decided(services, [gone])
    assert destroying.run(services, now=NOW - timedelta(days=3650)) == 0, "stored within the day: somebody may need it"
    assert services.blobs.verify(digest)
    stays = letter(services, "Nouvelle", b"handed in again")
    assert carry_out(services) == 1
    assert opens(services, stays)


def test_of_a_confirmation_and_a_reopening_at_one_moment_one_wins(services: Services) -> None:
    for n in range(4):
        mail = letter(services, f"Périmée {n}")
        over(services, [mail])
        slip = propose(services)

        def again(mail: MailId = mail) -> None:
            with services.unit_of_work(NOW) as uow:
                reopen(uow, mail, reason="Encore utile", actor=actor(services, "dge"))

        results = together(lambda slip=slip: confirm(services, slip), again)  # type: ignore[misc]
        refused = [one.code for one in results if isinstance(one, GedError)]
        with services.reading() as session:
            is_open = session.get_one(Mail, mail).state is not MailState.CLOSED
        assert refused == (["disposal.changed"] if is_open else ["mail.destroyed"])
        assert (state_of(services, mail) is None) == is_open


def related(services: Services, mail: MailId) -> MailId:
    """Register a letter that is linked to another one."""
    with services.unit_of_work(NOW) as uow:
        arrivals = uow.session.scalars(select(Register.id).where(Register.code == "ARR")).one()
        post = actor(services, "sg").posts[0].post_id
        form = IncomingForm("Suite", "Un agent", post, related_to=mail, related_as="related")
        return MailId(int(register_incoming(uow, arrivals, form, actor=actor(services, "agent"), now=NOW).mail_id or 0))


def test_nobody_links_a_letter_to_it(services: Services) -> None:
    gone, stays = letter(services, "Périmée"), letter(services, "Gardée")
    assert related(services, stays)
    decided(services, [gone])
    with pytest.raises(InvalidTransition, match=r"mail\.destroyed"):
        related(services, gone)


def test_of_a_confirmation_and_a_link_at_one_moment_one_wins(services: Services) -> None:
    for n in range(4):
        mail = letter(services, f"Périmée {n}")
        over(services, [mail])
        slip = propose(services)
        results = together(lambda slip=slip: confirm(services, slip), lambda mail=mail: related(services, mail))  # type: ignore[misc]
        refused = [one.code for one in results if isinstance(one, GedError)]
        assert refused in (["disposal.changed"], ["mail.destroyed"])
        assert (state_of(services, mail) is None) == (refused == ["disposal.changed"])


def test_of_a_confirmation_and_a_file_that_is_joined_nothing_living_is_lost(services: Services) -> None:
    for n in range(4):
        mail = letter(services, f"Périmée {n}")
        over(services, [mail])
        slip = propose(services)

        def joins(mail: MailId = mail, n: int = n) -> Digest:
            digest = services.blobs.put(io.BytesIO(f"annexe {n}".encode())).digest
            with services.unit_of_work(NOW) as uow:
                locks.hold(uow.session, Mail, [mail])
                attach(
                    uow, mail, kind=AttachmentKind.ANNEX, pages=[SourcePage(digest, "image/png")],
                    media_type="image/png", actor=actor(services, "agent"), now=NOW, recognise=False,
                )  # fmt: skip
            return digest

        confirmed, joined = together(lambda slip=slip: confirm(services, slip), joins)  # type: ignore[misc]
        codes = [one.code for one in (confirmed, joined) if isinstance(one, GedError)]
        assert codes in (["disposal.changed"], ["mail.destroyed"])
        if codes == ["disposal.changed"]:
            assert services.blobs.verify(Digest(str(joined)))


def test_while_it_is_destroyed_people_read_others_and_an_export_is_whole_or_refused(services: Services) -> None:
    gone, stays = letter(services, "Périmée"), letter(services, "Gardée")
    over(services, [gone])
    slip = propose(services)

    def destroys() -> None:
        confirm(services, slip)
        carry_out(services)

    def exports(mail: MailId, name: str) -> bytes:
        case = case_export.collect(services, mail, actor=None, now=NOW)
        out = io.BytesIO()
        case_export.write_zip(services, case, out)
        return out.getvalue()

    _done, other, own = together(destroys, lambda: exports(stays, "stays"), lambda: exports(gone, "gone"))
    assert isinstance(other, bytes)
    # Whoever had opened the file already when its key went is told so.
    assert isinstance(own, bytes) or (isinstance(own, NotFound) and own.code in ("blob.missing", "blob.no_key"))
    assert state_of(services, gone) is not None


def test_no_statement_reads_all_destroyed_letters_for_each_row(services: Services) -> None:
    """NOT IN over the rows of a hundred thousand letters ended in no time at all: a sweep, a check or a copy would never have ended."""
    decided(services, [letter(services, "Périmée")])
    asked = list[str]()
    event.listen(services.engine, "before_cursor_execute", lambda _c, _u, said, *_: asked.append(said))
    with services.snapshot() as session:
        found = dict(named_digests(session))
        archive_blobs.still_named(session, found)
        proposed(services)
    about = [one for one in asked if "destroyed_letters" in one and "WHERE" in one]
    assert len(about) > 10
    assert [one for one in about if "NOT IN (SELECT" in one] == []
    assert [one for one in about if "IN (SELECT destroyed_letters" in one] == []


def test_what_is_of_a_destroyed_letter_is_said_alike_for_few_letters_and_for_all() -> None:
    """Over rows of every sort: scans of no letter, merged pages, batches of several letters."""
    chance, engine = random.Random(7), create_engine("sqlite://")
    Base.metadata.create_all(engine)
    seen: Counter[tuple[str, bool]] = Counter()
    asked = {}  # put together once: that costs more than to run them sixty times
    for name, condition in of_letters(destroyed.ids()).items():
        table = Base.metadata.tables[name]
        keys, of_all = list(table.primary_key.columns), archive_blobs._is_of_destroyed(table)
        asked[name] = (
            select(*keys),
            (select(*keys).where(condition), select(*keys).where(or_(*of_all))),
            (select(*keys).where(~condition), select(*keys).where(*(~one for one in of_all))),
        )
    for _ in range(60):
        with Session(engine) as session:  # rolled back
            _strew(session, chance)
            for name, (all_of_it, gone, living) in asked.items():
                rows = set(session.execute(all_of_it))
                found, found_for_all = (set(session.execute(one)) for one in gone)
                assert found_for_all == found, name
                for one in living:
                    assert set(session.execute(one)) == rows - found, name
                seen.update({(name, True): len(found), (name, False): len(rows - found)})
    assert min(seen.values()) > 20, seen
    engine.dispose()


def _strew(session: Session, chance: random.Random) -> None:
    """Some rows of each table that bears blobs, related by chance. Foreign keys are off: other tables are empty."""
    count = {"mail_id": 4, "batch_id": 4, "scan_id": 6, "scan_page_id": 8, "attachment_id": 5}
    states = {
        "scan_batches": [BatchState.SETTLED] * 3 + [BatchState.OPEN],
        "scans": list(ScanState),
    }
    rows = {"scan_batches": 4, "scans": 6, "scan_pages": 8, "scan_leaves": 8, "attachments": 5}
    numbers = itertools.count(1000)
    for name in ("scan_leaves", *of_letters(destroyed.ids())):
        table = Base.metadata.tables[name]
        for n in range(1, rows.get(name, 6) + 1):
            values: dict[str, object] = {"id": n} if "id" in table.c else {}
            for column in table.columns:
                if column.name in count and not (column.nullable and chance.random() < 0.3):
                    values[column.name] = chance.randint(1, count[column.name])
                elif column.name == "state" and name in states:
                    values["state"] = chance.choice(states[name]).value
                elif not column.nullable and column.name not in values:
                    values[column.name] = next(numbers)
            columns = ", ".join(f'"{one}"' for one in values)
            marks = ", ".join(f":{one}" for one in values)
            session.execute(text(f"INSERT OR IGNORE INTO {name} ({columns}) VALUES ({marks})"), values)
    for mail_id in chance.sample(range(1, 5), chance.randint(1, 3)):
        session.execute(insert(DestroyedLetter).values(mail_id=mail_id, slip_no=1, decided_at=NOW, files=0))


def test_every_table_with_a_file_says_whose_it_is() -> None:
    own = of_letters(select(DestroyedLetter.mail_id)).keys()
    named = {table.name for table, _ in blob_columns()}
    assert own | STAYS.keys() == named
    assert own & STAYS.keys() == set()


def test_the_journal_says_of_each_letter_what_becomes_of_it(services: Services) -> None:
    gone = letter(services, "Périmée")
    slip = decided(services, [gone])
    with services.reading() as session:
        told = session.scalars(
            select(AuditPayload.payload)
            .join(AuditEntry, AuditEntry.sequence == AuditPayload.sequence)
            .where(AuditEntry.action == "mail.disposal_decided")
        ).one()
        line = session.scalars(select(DisposalLine.final_act)).one()
        row = session.get_one(Disposal, slip)
    assert told["final_act"] == line == "destroy"
    assert row.confirmed_at == NOW
