"""What must go with a destroyed letter, and what must not: files and pages that came together, keys, texts, ways to its files."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ged.archive import blobs as archive_blobs
from ged.capture import arrange
from ged.capture import pictures as scan_pictures
from ged.capture.models import Scan, ScanBatch, ScanPage, ScanState
from ged.dispatch.operations import signed_pdf
from ged.disposal import destroying
from ged.errors import Gone, Invalid, InvalidTransition
from ged.ports import ByDisposal, Digest, MailId, ScanId, Tombstone
from ged.recognition import jobs as recognition
from ged.register.models import AttachmentKind
from ged.register.operations import SourcePage, attach
from ged.unit import Services
from ged.verify import verify
from ged.writing import versions
from tests import pages
from tests.destroyed_kit import (
    carry_out,
    decided,
    digests,
    keyring_of,
    later,
    letter,
    lose,
    opens,
    over,
    propose,
    stored_in_clear,
)
from tests.destroyed_kit import services_in_any_store as services
from tests.exception_kit import imputed
from tests.factories import NOW, actor
from tests.intake_kit import pair, quiet, send, take_in, upload, waiting

__all__ = ["services"]  # a fixture

pytestmark = pytest.mark.in_turns(3)


def told(tmp_path: Path) -> set[tuple[int, str]]:
    """(letter, digest) of which the keyring tells."""
    return {(one.because.mail_id, one.digest) for one in keyring_of(tmp_path).destroyed()}


# --- keys


def test_the_keyring_tells_of_each_letter_that_bore_a_file(services: Services, tmp_path: Path) -> None:
    one, two = letter(services, "Périmée", b"shared"), letter(services, "Périmée aussi", b"shared")
    stays = letter(services, "Gardée", b"with a living one")
    three = letter(services, "Périmée encore", b"with a living one")
    decided(services, [one, two, three])
    assert carry_out(services) == 3
    (shared,), (living,) = digests(services, one), digests(services, stays)
    assert told(tmp_path) >= {(one, shared), (two, shared), (three, living)}
    assert {(row.because.mail_id, row.is_key) for row in keyring_of(tmp_path).destroyed()} >= {
        (two, False),
        (three, False),
    }
    assert [row.digest for row in keyring_of(tmp_path).destroyed() if row.is_key] == [shared]
    assert opens(services, stays)
    known = keyring_of(tmp_path).destroyed()
    assert carry_out(services) == 0
    assert keyring_of(tmp_path).destroyed() == known


def test_the_sweep_leaves_what_is_decided_to_who_tells_of_it(services: Services, tmp_path: Path) -> None:
    gone = letter(services, "Périmée")
    decided(services, [gone])
    (digest,) = digests(services, gone)
    with services.snapshot() as session:
        assert archive_blobs.sweep(session, services.blobs, now=later()) == 0
    assert services.blobs.exists(digest)
    assert carry_out(services) == 1
    assert (gone, digest) in told(tmp_path)


def test_the_keys_of_a_file_that_was_lost_or_written_twice_go_too(services: Services, tmp_path: Path) -> None:
    """An earlier copy holds the file, and perhaps under an earlier key."""
    gone = letter(services, "Périmée", b"lost", b"twice")
    lost, twice = digests(services, gone)
    keyring = keyring_of(tmp_path)
    keyring.keep(b"an earlier key 1", twice, b"k" * 32)
    lose(services, lost)
    decided(services, [gone])
    assert keyring.without_key([lost, twice]) == set()
    assert carry_out(services) == 1
    assert keyring.without_key([lost, twice]) == {lost, twice}
    assert sum(one.is_key for one in keyring.destroyed()) == 3


def test_the_key_of_bytes_that_come_meanwhile_stays(services: Services, tmp_path: Path) -> None:
    gone = letter(services, "Périmée", b"again")
    (digest,) = digests(services, gone)
    blobs, keyring = services.blobs, keyring_of(tmp_path)
    because = ByDisposal(gone, 1, NOW)
    lose(services, digest)
    keyring.keep(b"of a new writing", digest, b"k" * 32)
    assert not blobs.discard(digest, written_before=datetime.now(UTC) - timedelta(hours=24), because=because)
    assert keyring.without_key([digest]) == set(), "its file comes in a moment"


def test_a_clear_file_is_refused_although_there_is_a_key_of_its_bytes(services: Services) -> None:
    """It was put back from a copy from before the encryption, or the encryption was killed after the key."""
    mail = letter(services, "Périmée", b"both")
    (digest,) = digests(services, mail)
    lose(services, digest)
    assert stored_in_clear(services, b"both") == digest
    over(services, [mail])
    with pytest.raises(Invalid, match=r"disposal\.in_clear"):
        propose(services)


def test_an_id_that_was_given_again_is_another_letter_with_the_same_file_too(services: Services) -> None:
    """The clerks register again what a restore has lost, with the same scan."""
    mail = letter(services, "Inscrite de nouveau", b"the same scan")
    (digest,) = digests(services, mail)
    before, after = NOW - timedelta(days=1), NOW + timedelta(days=1)
    for decided_at, destroyed in ((before, ()), (after, (mail,))):
        tombstone = Tombstone(b"k" * 16, digest, ByDisposal(int(mail), 7, decided_at), decided_at)
        assert destroying.again(services, [tombstone], now=NOW) == destroyed


# --- pages that came together


def joined(services: Services, scan: int, subject: str) -> MailId:
    """Join a waiting scan to a new letter."""
    mail, agent = imputed(services, subject), actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        arrange.join_to_mail(uow, ScanId(scan), mail, actor=agent, now=NOW)
    return mail


def test_the_file_of_a_scan_that_was_merged_into_the_letter_s_goes_too(services: Services) -> None:
    (first,), (second,) = upload(services, "un.png", pages.png("un")), upload(services, "deux.png", pages.png("deux"))
    agent = actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        arrange.merge(uow, second, first, version=None, actor=agent)
    gone = joined(services, first, "Périmée")
    with services.reading() as session:
        files = set(session.scalars(select(ScanBatch.digest))) | set(session.scalars(select(ScanPage.digest)))
    decided(services, [gone])
    assert carry_out(services) == 1
    assert [one for one in files if one and services.blobs.exists(Digest(one))] == []
    assert verify(services, now=NOW).problems == ()


def test_a_page_that_was_brought_into_another_scan_stays(services: Services) -> None:
    """It came in the batch of the letter that goes, and waits in a scan of another batch."""
    bridge = pair(services)
    take_in(services, bridge, "a", pages.png("une"), pages.png("autre"))
    take_in(services, bridge, "b", pages.png("ailleurs"))
    one, elsewhere = waiting(services)
    agent = actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        moved = arrange.split(uow, ScanId(one.id), one.leaves[1].leaf_id, version=None, actor=agent, now=NOW)
    with services.unit_of_work(NOW) as uow:
        arrange.merge(uow, moved, ScanId(elsewhere.id), version=None, actor=agent)
    gone = joined(services, one.id, "Périmée")
    with services.reading() as session:
        wanted = [leaf.page.digest for leaf in session.get_one(Scan, elsewhere.id).leaves]
    assert len(wanted) == 2
    (own,) = digests(services, gone)
    decided(services, [gone])
    assert carry_out(services) == 1
    assert not services.blobs.exists(own)
    assert [services.blobs.verify(Digest(one)) for one in wanted] == [True, True]
    assert verify(services, now=NOW).problems == ()
    stays = joined(services, elsewhere.id, "Gardée")
    assert opens(services, stays)


def test_a_scan_that_was_discarded_beside_it_does_not_come_back(services: Services) -> None:
    bridge, agent = pair(services), actor(services, "agent")
    take_in(services, bridge, "a", pages.png("une"), pages.png("écartée"))
    (one,) = waiting(services)
    with services.unit_of_work(NOW) as uow:
        moved = arrange.split(uow, ScanId(one.id), one.leaves[1].leaf_id, version=None, actor=agent, now=NOW)
    with services.unit_of_work(NOW) as uow:
        arrange.discard(uow, moved, version=None, actor=agent)
    gone = joined(services, one.id, "Périmée")
    with services.unit_of_work(NOW) as uow:
        arrange.bring_back(uow, moved, actor=agent)
        uow.session.get_one(Scan, moved).state = ScanState.DISCARDED
    decided(services, [gone])
    assert carry_out(services) == 1
    with pytest.raises(InvalidTransition, match=r"mail\.destroyed"), services.unit_of_work(NOW) as uow:
        arrange.bring_back(uow, moved, actor=agent)
    assert verify(services, now=NOW).problems == ()


def test_a_batch_that_was_begun_for_it_waits_for_a_clerk(services: Services) -> None:
    gone = letter(services, "Périmée")
    batch = send(services, pair(services), "late", pages.png("tardive"))
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(ScanBatch).where(ScanBatch.id == batch).values(into_mail_id=gone))
    decided(services, [gone])
    recognition.run_intake(services, batch, heartbeat=quiet, now=NOW)
    assert len(waiting(services)) == 1


# --- ways to its files


def test_no_page_of_its_scan_is_shown(services: Services) -> None:
    (scan,) = upload(services, "un.png", pages.png("un"))
    gone, agent = joined(services, scan, "Périmée"), actor(services, "agent")
    with services.reading() as session:
        leaf = session.get_one(Scan, scan).leaves[0].id
        assert scan_pictures.picture_source(session, scan, leaf, agent, width_px=240).mail_id == gone
    decided(services, [gone])
    with services.reading() as session, pytest.raises(Gone, match=r"mail\.destroyed"):
        scan_pictures.picture_source(session, scan, leaf, agent, width_px=240)


def test_no_mail_carries_it_away(services: Services) -> None:
    gone = letter(services, "Périmée")
    digest = services.blobs.put(io.BytesIO(b"signed")).digest
    with services.unit_of_work(NOW) as uow:
        attach(
            uow, gone, kind=AttachmentKind.DOCUMENT, pages=[SourcePage(digest, "application/pdf")], digest=digest,
            media_type="application/pdf", actor=actor(services, "agent"), now=NOW, recognise=False, is_signed=True,
        )  # fmt: skip
    with services.reading() as session:
        assert signed_pdf(session, gone)[0] == digest
    decided(services, [gone])
    with services.reading() as session, pytest.raises(InvalidTransition, match=r"mail\.destroyed"):
        signed_pdf(session, gone)


def test_an_answer_is_written_without_its_pages_beside(services: Services) -> None:
    gone = letter(services, "Périmée")
    with services.reading() as session:
        assert versions.pages_beside(session, gone) is not None
    decided(services, [gone])
    with services.reading() as session:
        assert versions.pages_beside(session, gone) is None
