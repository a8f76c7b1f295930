"""Intake: from a bridge's pages to attached letters and waiting scans, with real files, SQLite and a real engine."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from ged import audit, jobs
from ged.capture import arrange, bridges, files, intake
from ged.capture import desks as scan_desks
from ged.capture import letters as scan_letters
from ged.capture import orders as scan_orders
from ged.capture import pictures as scan_pictures
from ged.capture import queries as scan_queries
from ged.capture.models import BatchState, OrderState, Scan, ScanBatch, ScanOrder, ScanPage, ScanState
from ged.codes import CodeKind, make_code
from ged.errors import EngineFailed, Forbidden, Invalid, InvalidTransition, NotFound, StaleVersion
from ged.filenames import NAME_LENGTH, harmless_name
from ged.jobs import Job, JobKind
from ged.org.models import Unit
from ged.ports import Confidentiality, MailId, PageRef, ScanId, SourceFacts
from ged.recognition import jobs as recognition
from ged.register import documents
from ged.register.levels import change_level
from ged.register.models import Attachment, AttachmentKind, MailNumber, PageText, Rendition
from ged.unit import Services
from ged.verify import verify
from tests import pages, paper_kit, signing_kit
from tests.factories import NOW, actor, make_organisation, make_services
from tests.intake_kit import label, pair, quiet, register, send, take_in, upload, waiting

pytestmark = pytest.mark.in_turns(3)


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path)
    make_organisation(made)
    yield made
    made.engine.dispose()


def test_a_pairing_code_works_once_and_not_for_long(services: Services) -> None:
    clerk = actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        first = bridges.make_pairing_code(uow, clerk.posts[0].unit_id, actor=clerk, now=NOW)
        second = bridges.make_pairing_code(uow, clerk.posts[0].unit_id, actor=clerk, now=NOW)
    with services.unit_of_work(NOW) as uow:
        token, _ = bridges.pair(uow, first, "Guichet", now=NOW + timedelta(minutes=14))
    with services.reading() as session:
        assert bridges.authenticate(session, token).name == "Guichet"
        with pytest.raises(Forbidden, match="token_wrong"):
            bridges.authenticate(session, token + "x")
    late = NOW + timedelta(minutes=16)
    for code, when in ((first, NOW), (second, late), ("AAAA-AAAA", NOW)):
        with pytest.raises(NotFound, match="code_wrong"), services.unit_of_work(when) as uow:
            bridges.pair(uow, code, "Guichet", now=when)


def test_only_a_clerk_of_the_unit_or_an_administrator_pairs(services: Services) -> None:
    unit_id = actor(services, "agent").posts[0].unit_id
    with pytest.raises(Forbidden), services.unit_of_work(NOW) as uow:
        bridges.make_pairing_code(uow, unit_id, actor=actor(services, "dge"), now=NOW)
    with services.unit_of_work(NOW) as uow:
        assert bridges.make_pairing_code(uow, unit_id, actor=actor(services, "admin"), now=NOW)


def test_the_last_page_of_a_bridge_is_none_of_another_one(services: Services) -> None:
    first, other, idle = pair(services), pair(services), pair(services)
    send(services, first, "a", pages.png("un"))
    later, content = NOW + timedelta(hours=1), pages.png("deux")
    with services.unit_of_work(later) as uow:
        intake.begin_batch(uow, other, "b", device="pnm:0", started_at=later, now=later)
        intake.begin_batch(uow, first, "c", device="pnm:0", started_at=later, now=later)  # no page comes
    intake.receive_page(
        services, other, "b", "t1", io.BytesIO(content), digest=pages.sha256(content), order="1",
        media_type="image/png", now=later,
    )  # fmt: skip
    with services.reading() as session:
        work = scan_desks.bridge_work(session, [first.id, other.id, idle.id])
    assert [work[one.id].last_page_at for one in (first, other, idle)] == [NOW, later, None]


def test_an_order_is_told_until_begun_and_can_be_cancelled(services: Services) -> None:
    bridge, clerk = pair(services), actor(services, "agent")
    with services.unit_of_work(NOW) as uow:
        settings = scan_orders.Settings(mode="color", dpi=200)
        order_id = scan_orders.order_scan(uow, bridge.id, settings, actor=clerk, now=NOW).id
    for _ in range(2):
        with services.reading() as session:
            told = scan_orders.next_order(session, bridge.id)
        assert told is not None
        assert (told.id, told.dpi, told.mode, told.complete) == (order_id, 200, "color", True)

    def report(state: str, count: int) -> bool:
        with services.unit_of_work(NOW) as uow:
            return scan_orders.order_progress(
                uow, bridge.id, order_id, state=state, pages=count, code="", detail="", now=NOW
            )

    assert report("scanning", 1) is False
    with services.reading() as session:
        assert scan_orders.next_order(session, bridge.id) is None
    with services.unit_of_work(NOW) as uow:
        scan_orders.cancel_order(uow, order_id, actor=clerk, now=NOW)
    assert report("scanning", 2) is True
    assert report("cancelled", 2) is False
    with services.reading() as session:
        order = session.get_one(ScanOrder, order_id)
        assert (order.state, order.pages) == (OrderState.CANCELLED, 2)
    with pytest.raises(Invalid, match=r"order\.state"):
        report("waiting", 0)
    with pytest.raises(Invalid, match=r"order\.dpi"), services.unit_of_work(NOW) as uow:
        scan_orders.order_scan(uow, bridge.id, scan_orders.Settings(dpi=20_000), actor=clerk, now=NOW)


def test_a_page_is_stored_before_it_is_acknowledged_and_once_only(services: Services) -> None:
    bridge, content = pair(services), pages.png("Bonjour")
    with services.unit_of_work(NOW) as uow:
        assert intake.begin_batch(uow, bridge, "k1", device="d", started_at=NOW, now=NOW) is True
    with services.unit_of_work(NOW) as uow:
        assert intake.begin_batch(uow, bridge, "k1", device="d", started_at=NOW, now=NOW) is False

    def put(token: str, data: bytes, digest: str, key: str = "k1") -> tuple[str, int, bool]:
        return intake.receive_page(
            services, bridge, key, token, io.BytesIO(data), digest=digest, order="7.1", media_type="image/png", now=NOW
        )

    digest = pages.sha256(content)
    assert put("t1", content, digest) == (digest, len(content), True)
    assert put("t1", content, digest) == (digest, len(content), False)
    assert services.blobs.verify(digest)  # type: ignore[arg-type]
    other = pages.png("Autre")
    for bad, code in (
        (lambda: put("t2", content[:-1], digest), "digest_mismatch"),
        (lambda: put("t1", other, pages.sha256(other)), "token_reused"),
        (lambda: put("t3", b"", pages.sha256(b"")), r"file\.empty"),
        (lambda: put("../x", content, digest), r"page\.token"),
    ):
        with pytest.raises(Invalid, match=code):
            bad()
    with pytest.raises(NotFound, match=r"batch\.unknown"):
        put("t1", content, digest, key="k2")
    other_bridge = pair(services, "dge")
    with pytest.raises(NotFound, match=r"batch\.unknown"), services.unit_of_work(NOW) as uow:
        intake.begin_batch(uow, other_bridge, "k1", device="", started_at=None, now=NOW)
    with services.reading() as session:
        rows = session.scalars(select(ScanPage)).all()
    assert [(row.token, row.order_id, row.sequence) for row in rows] == [("t1", 7, 1)]


def test_a_page_that_a_bridge_called_another_sort_of_file_is_what_the_look_shows(services: Services) -> None:
    take_in(services, pair(services), "folder", pages.pdf("une lettre"))  # sent as image/png
    with services.reading() as session:
        (page,) = session.scalars(select(ScanPage))
        assert (page.media_type, page.problem) == ("application/pdf", "")


def test_completing_names_the_pages_that_are_missing(services: Services) -> None:
    bridge = pair(services)
    send(services, bridge, "k1", pages.png("un"))
    with services.unit_of_work(NOW) as uow:
        intake.begin_batch(uow, bridge, "k2", device="", started_at=None, now=NOW)
    with services.unit_of_work(NOW) as uow:
        assert intake.complete_batch(uow, bridge, "k2", [("t1", "0" * 64)], now=NOW) == ["t1"]
    with services.reading() as session:
        states = dict(session.execute(select(ScanBatch.key, ScanBatch.state)).all())  # type: ignore[arg-type]
        assert states == {"k1": BatchState.COMPLETE, "k2": BatchState.OPEN}
        assert session.scalar(select(func.count(Job.id)).where(Job.kind == JobKind.INTAKE)) == 1


def test_labels_split_a_batch_and_join_each_letter(services: Services) -> None:
    bridge, first, second = pair(services), register(services, "Premier"), register(services, "Second")
    batch = take_in(
        services,
        bridge,
        "k1",
        pages.png("sans étiquette"),
        pages.png("premier", code=label(services, first)),
        pages.png(),
        pages.png("second", code=label(services, second)),
        pages.png("suite du second", code=label(services, second)),
        pages.png("fin", code="https://example.com/produit"),
    )
    recognition.run_intake(services, batch, heartbeat=quiet, now=NOW)
    with services.snapshot() as session:
        joined = session.execute(select(Attachment.mail_id, Attachment.kind, Attachment.page_count)).all()
        assert [tuple(row) for row in joined] == [
            (first.mail_id, AttachmentKind.DOCUMENT, 2),
            (second.mail_id, AttachmentKind.DOCUMENT, 3),
        ]
        assert session.scalar(select(func.count(Job.id)).where(Job.kind == JobKind.RECOGNISE)) == 2
        assert session.get_one(ScanBatch, batch).state is BatchState.SETTLED
        assert list(audit.verify_chain(session)) == []
        blank = session.scalar(select(ScanPage).where(ScanPage.token == "t3"))
        assert blank is not None
        assert blank.blank_score > 0.9
        foreign = session.scalar(select(ScanPage.codes).where(ScanPage.token == "t6"))
        assert foreign == []
    rows = waiting(services)
    assert [(row.note, row.page_count) for row in rows] == [("", 1)]
    assert waiting(services, "dge") == []


def test_a_label_that_cannot_join_leaves_a_waiting_scan_that_says_why(services: Services) -> None:
    bridge, letter = pair(services), register(services)
    take_in(services, bridge, "k1", pages.png("original", code=label(services, letter)))
    take_in(services, bridge, "k2", pages.png("encore", code=label(services, letter)))
    unknown = make_code(CodeKind.LABEL, 999, key=services.code_key)
    take_in(services, bridge, "k3", pages.png("inconnu", code=unknown))
    slip = make_code(CodeKind.SLIP, 5, key=services.code_key)
    take_in(services, bridge, "k4", pages.png("bordereau", code=slip))
    rows = waiting(services)
    assert [(row.note, row.number, row.proof_kind) for row in rows] == [
        ("document_exists", letter.number, None),
        ("number_unknown", "", None),
        ("code_waits", "", CodeKind.SLIP),
    ]


def test_a_number_on_paper_that_the_register_lost_is_named_by_verify(services: Services) -> None:
    """Only this installation makes this code: the number was given, and then an older backup was restored."""
    bridge = pair(services)
    take_in(services, bridge, "k1", pages.png("perdu", code=make_code(CodeKind.LABEL, 999, key=services.code_key)))
    with services.reading() as session:
        scan_id = session.scalars(select(Scan.id)).one()
    found = [(one.code, one.where) for one in verify(services, now=NOW).problems]
    assert found == [("number.told_and_missing", f"number id 999, label on scan {scan_id}")]


def test_a_code_other_than_a_label_waits_for_a_person_with_all_its_pages(services: Services) -> None:
    bridge = pair(services)
    code = make_code(CodeKind.IMPUTATION, 42, key=services.code_key)
    take_in(services, bridge, "k1", pages.png("fiche", code=code), pages.png("verso"))
    ((row,), (kept,)) = waiting(services), paper_kit.waiting(services)
    assert (row.note, row.page_count, row.mail_id) == ("code_waits", 2, None)
    assert (kept.scan_id, kept.kind, kept.subject_id, kept.bridge_id, kept.uploaded_by_id, kept.reason) == (
        row.id, CodeKind.IMPUTATION, 42, bridge.id, None, "needs_person",
    )  # fmt: skip


def test_a_batch_takes_so_many_pages_and_no_more(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MAX_PAGES", 2)
    bridge = pair(services)
    send(services, bridge, "k1", pages.png("un"), pages.png("deux"))
    late = pages.png("trois")
    with pytest.raises(Invalid, match=r"batch\.full"):
        intake.receive_page(
            services, bridge, "k1", "t3", io.BytesIO(late), digest=pages.sha256(late), order="3",
            media_type="image/png", now=NOW,
        )  # fmt: skip
    again = pages.png("deux")
    assert intake.receive_page(
        services, bridge, "k1", "t2", io.BytesIO(again), digest=pages.sha256(again), order="2", media_type="image/png",
        now=NOW,
    )[2] is False, "a page that is here is acknowledged again"  # fmt: skip
    (scan_id,) = upload(services, "trois.pdf", pages.pdf("un", "deux", "trois"))
    with services.reading() as session:
        kept = session.scalars(
            select(ScanPage).join(ScanBatch, ScanBatch.id == ScanPage.batch_id).where(ScanBatch.source == "upload")
        ).all()
    assert [(page.page_index, page.problem) for page in kept] == [(0, "batch.full")], scan_id


def test_a_page_that_cannot_be_read_is_kept_and_shown(services: Services) -> None:
    bridge = pair(services)
    take_in(services, bridge, "k1", pages.png("un"), pages.png("deux")[:900], pages.png("trois"))
    (row,) = waiting(services)
    assert [bool(leaf.problem) for leaf in row.leaves] == [False, True, False]


def test_pages_that_come_after_the_end_are_not_lost(services: Services) -> None:
    bridge = pair(services)
    batch_id = take_in(services, bridge, "k1", pages.png("un"))
    late = pages.png("en retard")
    intake.receive_page(
        services, bridge, "k1", "late", io.BytesIO(late), digest=pages.sha256(late), order="2", media_type="image/png",
        now=NOW,
    )  # fmt: skip
    with services.unit_of_work(NOW) as uow:
        intake.complete_by_clerk(uow, batch_id, actor=actor(services, "agent"), now=NOW)
    recognition.run_intake(services, batch_id, heartbeat=quiet, now=NOW)
    assert [row.page_count for row in waiting(services)] == [1, 1]


def test_an_engine_that_is_not_there_leaves_the_pages_for_later(services: Services) -> None:
    bridge = pair(services)
    batch_id = send(services, bridge, "k1", pages.png("un"))

    class Away:
        def inspect(self, source: Path, *, filename: str, timeout_s: float) -> SourceFacts:
            raise EngineFailed("ocr.unavailable", "install it", retryable=True)

        def thumbnail(self, page: PageRef, *, width_px: int, out: Path, timeout_s: float, **_: object) -> None:
            raise EngineFailed("ocr.unavailable", "install it", retryable=True)

    broken = replace(services, ocr=Away())  # type: ignore[arg-type]
    with pytest.raises(EngineFailed):
        recognition.run_intake(broken, batch_id, heartbeat=quiet, now=NOW)
    assert waiting(services) == []
    recognition.run_intake(services, batch_id, heartbeat=quiet, now=NOW)
    assert len(waiting(services)) == 1


def test_a_page_scanned_again_goes_into_its_scan(services: Services) -> None:
    bridge, clerk = pair(services), actor(services, "agent")
    take_in(services, bridge, "k1", pages.png("un"), pages.png("deux"))
    (row,) = waiting(services)
    with services.unit_of_work(NOW) as uow:
        key = scan_orders.order_scan(
            uow, bridge.id, actor=clerk, now=NOW, into=scan_orders.ScanTarget(scan_id=row.id)
        ).batch_key
    take_in(services, bridge, key, pages.png("encore"))
    (after,) = waiting(services)
    assert (after.id, after.page_count) == (row.id, 3)
    assert after.version > row.version


def test_a_clerk_rearranges_and_the_scan_as_it_came_stays(services: Services) -> None:
    bridge, clerk, letter = pair(services), actor(services, "agent"), register(services)
    take_in(services, bridge, "k1", *(pages.png(f"page {n}") for n in range(1, 6)))
    (row,) = waiting(services)
    before = _as_it_came(services)
    ids = [leaf.leaf_id for leaf in row.leaves]
    with services.unit_of_work(NOW) as uow:
        arrange.turn(uow, ScanId(row.id), ids[0], by=90, version=row.version, actor=clerk)
    with pytest.raises(StaleVersion), services.unit_of_work(NOW) as uow:
        arrange.turn(uow, ScanId(row.id), ids[0], by=90, version=row.version, actor=clerk)
    with services.unit_of_work(NOW) as uow:
        arrange.shift(uow, ScanId(row.id), ids[0], by=1, version=None, actor=clerk)
        arrange.set_removed(uow, ScanId(row.id), ids[2], True, version=None, actor=clerk)
    with services.unit_of_work(NOW) as uow:
        second = arrange.split(uow, ScanId(row.id), ids[3], version=None, actor=clerk, now=NOW)
    shape = {one.id: [(leaf.leaf_id, leaf.rotation, leaf.removed) for leaf in one.leaves] for one in waiting(services)}
    assert shape == {
        row.id: [(ids[1], 0, False), (ids[0], 90, False), (ids[2], 0, True)],
        second: [(ids[3], 0, False), (ids[4], 0, False)],
    }
    with services.unit_of_work(NOW) as uow:
        arrange.merge(uow, second, ScanId(row.id), version=None, actor=clerk)
    with services.unit_of_work(NOW) as uow:
        arrange.set_removed(uow, ScanId(row.id), ids[2], False, version=None, actor=clerk)
        arrange.reorder(uow, ScanId(row.id), ids, version=None, actor=clerk)
    (one,) = waiting(services)
    assert [leaf.leaf_id for leaf in one.leaves] == ids
    with pytest.raises(Invalid, match="split_first"), services.unit_of_work(NOW) as uow:
        arrange.split(uow, ScanId(row.id), ids[0], version=None, actor=clerk, now=NOW)
    with services.unit_of_work(NOW) as uow:
        arrange.discard(uow, ScanId(row.id), version=None, actor=clerk)
    assert waiting(services) == []
    with services.unit_of_work(NOW) as uow:
        arrange.bring_back(uow, ScanId(row.id), actor=clerk)
    with services.unit_of_work(NOW) as uow:
        arrange.join_to_mail(uow, ScanId(row.id), letter.mail_id, actor=clerk, now=NOW)
    assert _as_it_came(services) == before
    with services.snapshot() as session:
        assert list(audit.verify_chain(session)) == []


def _as_it_came(services: Services) -> list[tuple[object, ...]]:
    columns = [ScanPage.id, ScanPage.digest, ScanPage.position, ScanPage.token, ScanPage.page_index]
    with services.reading() as session:
        return [tuple(row) for row in session.execute(select(*columns).order_by(ScanPage.id))]


def test_somebody_of_another_unit_does_not_even_know_the_scan(services: Services) -> None:
    bridge = pair(services)
    take_in(services, bridge, "k1", pages.png("un"))
    (row,) = waiting(services)
    for account in ("dge", "sg", "admin"):
        stranger = actor(services, account)
        with pytest.raises(NotFound), services.unit_of_work(NOW) as uow:
            arrange.discard(uow, ScanId(row.id), version=None, actor=stranger)
        with services.reading() as session:
            with pytest.raises(NotFound):
                scan_queries.scan(session, row.id, stranger)
            with pytest.raises(NotFound):
                scan_pictures.picture_source(session, row.id, row.leaves[0].leaf_id, stranger, width_px=240)


def refused_scan(services: Services, scan_id: int, leaf_id: int, account: str) -> None:
    who = actor(services, account)
    with services.reading() as session:
        with pytest.raises(NotFound, match=r"scan\.unknown") as told:
            scan_queries.scan(session, scan_id, who)
        assert told.value.params["refused"]
        with pytest.raises(NotFound, match=r"scan\.unknown") as told:
            scan_pictures.picture_source(session, scan_id, leaf_id, who, width_px=240)
        assert told.value.params["refused"]
        assert scan_queries.recently_joined(session, who, since=NOW) == []


def test_a_joined_scan_stands_under_its_letters_rule(services: Services) -> None:
    bridge, clerk, letter = pair(services), actor(services, "agent"), register(services)
    take_in(services, bridge, "k1", pages.png("un", code=label(services, letter)))
    with services.reading() as session:
        (row,) = scan_queries.recently_joined(session, clerk, since=NOW)
        assert scan_queries.scan(session, row.id, clerk).mail_id == letter.mail_id
        leaf_id = row.leaves[0].leaf_id
        assert scan_pictures.picture_source(session, row.id, leaf_id, clerk, width_px=240).source
    with services.unit_of_work(NOW) as uow:
        change_level(uow, letter.mail_id, Confidentiality.SECRET, reason="Enquête", actor=actor(services, "sg"))
    refused_scan(services, row.id, leaf_id, "agent")


def test_the_inside_of_a_sealed_envelope_is_not_for_the_desks_clerks(services: Services) -> None:
    bridge, letter = pair(services), register(services)
    with services.unit_of_work(NOW) as uow:
        change_level(uow, letter.mail_id, Confidentiality.SECRET, reason="Enquête", actor=actor(services, "sg"))
    with services.unit_of_work(NOW) as uow:
        # As the addressee of an envelope orders it: the pages are attached to the letter directly.
        intake.begin_batch(uow, bridge, "k1", device="pnm:0", started_at=NOW, now=NOW)
        uow.session.execute(update(ScanBatch).values(into_mail_id=letter.mail_id))
    take_in(services, bridge, "k1", pages.png("dedans"))
    with services.reading() as session:
        scan = session.scalars(select(Scan)).one()
        assert (scan.state, scan.mail_id) == (ScanState.JOINED, letter.mail_id)
    refused_scan(services, scan.id, scan.leaves[0].id, "agent")


def test_a_second_document_needs_a_reason_and_is_a_new_version(services: Services) -> None:
    bridge, clerk, letter = pair(services), actor(services, "agent"), register(services)
    take_in(services, bridge, "k1", pages.png("mauvais", code=label(services, letter)))
    take_in(services, bridge, "k2", pages.png("meilleur", code=label(services, letter)))
    (row,) = waiting(services)
    with pytest.raises(Invalid, match=r"attachment\.reason"), services.unit_of_work(NOW) as uow:
        arrange.join_to_mail(uow, ScanId(row.id), letter.mail_id, actor=clerk, now=NOW)
    with services.unit_of_work(NOW) as uow:
        new = arrange.join_to_mail(
            uow, ScanId(row.id), letter.mail_id, actor=clerk, now=NOW, reason="Premier passage illisible"
        )
    with services.unit_of_work(NOW) as uow:
        third = arrange.repair(uow, new, [(1, 180)], reason="À l'envers", actor=clerk, now=NOW)
    with pytest.raises(InvalidTransition, match="replaced"), services.unit_of_work(NOW) as uow:
        arrange.repair(uow, new, [(1, 90)], reason="Encore", actor=clerk, now=NOW)
    with services.reading() as session:
        rows = session.scalars(select(Attachment).order_by(Attachment.id)).all()
        assert [(a.version_no, a.replaces_id, a.reason) for a in rows] == [
            (1, None, ""),
            (2, rows[0].id, "Premier passage illisible"),
            (3, rows[1].id, "À l'envers"),
        ]
        assert rows[2].pages[0].rotation == 180
        assert documents.latest_document(session, letter.mail_id) == third


# --- uploads -----------------------------------------------------------------------------------------------------


def test_an_uploaded_pdf_waits_whole_and_joins_with_its_own_bytes(services: Services) -> None:
    content, letter, clerk = pages.pdf("un", "deux", "trois"), register(services), actor(services, "agent")
    (scan_id,) = upload(services, "../../dossier\\Réponse du maire.pdf", content)
    (row,) = waiting(services)
    assert (row.filename, row.page_count) == ("Réponse du maire.pdf", 3)
    with services.unit_of_work(NOW) as uow:
        arrange.join_to_mail(uow, scan_id, letter.mail_id, actor=clerk, now=NOW)
    with services.reading() as session:
        one = session.scalar(select(Attachment))
        assert one is not None
        assert (one.digest, one.media_type, one.page_count) == (pages.sha256(content), "application/pdf", 3)
        with services.blobs.open(one.digest) as stored:  # type: ignore[arg-type]
            assert stored.read() == content


def test_an_upload_rearranged_is_no_longer_the_file(services: Services) -> None:
    content, letter, clerk = pages.tiff("un", "deux", "trois"), register(services), actor(services, "agent")
    (scan_id,) = upload(services, "trois.tif", content)
    (row,) = waiting(services)
    with services.unit_of_work(NOW) as uow:
        arrange.set_removed(uow, scan_id, row.leaves[1].leaf_id, True, version=None, actor=clerk)
    with services.unit_of_work(NOW) as uow:
        arrange.join_to_mail(uow, scan_id, letter.mail_id, actor=clerk, now=NOW)
    with services.reading() as session:
        one = session.scalar(select(Attachment))
        assert one is not None
        assert one.digest is None
        assert [page.page_index for page in one.pages] == [0, 2]


def test_duplicate_bytes_name_the_letter_only_to_those_who_may_see_it(services: Services) -> None:
    content, letter, clerk = pages.pdf("un"), register(services), actor(services, "agent")
    (scan_id,) = upload(services, "un.pdf", content)
    with services.unit_of_work(NOW) as uow:
        arrange.join_to_mail(uow, scan_id, letter.mail_id, actor=clerk, now=NOW)
    digests = {pages.sha256(content)}
    with services.reading() as session:
        assert scan_letters.same_bytes(session, digests, clerk) == [
            scan_letters.EarlierRow(mail_id=letter.mail_id, number=letter.number)
        ]
        assert scan_letters.same_bytes(session, digests, actor(services, "dge")) == [scan_letters.EarlierRow()]
        assert scan_letters.same_bytes(session, {"0" * 64}, clerk) == []
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Unit).where(Unit.code == "DGE").values(is_entity=True))
    with services.reading() as session:
        assert scan_letters.same_bytes(session, digests, actor(services, "dge")) == [], "another entity is told nothing"
    (again,) = upload(services, "copie.pdf", content)
    with services.reading() as session:
        found = scan_letters.same_bytes(session, digests, clerk)
        assert scan_letters.EarlierRow(scan_id=again) in found
        assert scan_letters.same_bytes(session, digests, clerk, except_scan=again) == found[:1]


def test_a_signed_pdf_stays_whole_byte_for_byte(services: Services, tmp_path: Path) -> None:
    key = signing_kit.unlocked(signing_kit.vault(tmp_path / "pki"))
    signed = signing_kit.signed_slip(key).received
    letter, clerk = register(services), actor(services, "agent")
    (scan_id,) = upload(services, "signé.pdf", signed)
    (row,) = waiting(services)
    assert row.is_signed
    with pytest.raises(InvalidTransition, match=r"scan\.signed"), services.unit_of_work(NOW) as uow:
        arrange.set_removed(uow, scan_id, row.leaves[0].leaf_id, True, version=None, actor=clerk)
    with services.unit_of_work(NOW) as uow:
        arrange.turn(uow, scan_id, row.leaves[0].leaf_id, by=90, version=None, actor=clerk)
    with services.unit_of_work(NOW) as uow:
        new = arrange.join_to_mail(uow, scan_id, letter.mail_id, actor=clerk, now=NOW)
    recognition.run_recognise(services, new, heartbeat=quiet, now=NOW)
    with services.reading() as session:
        one = session.get_one(Attachment, new)
        assert (one.digest, one.is_signed) == (pages.sha256(signed), True)
        with services.blobs.open(one.digest) as stored:  # type: ignore[arg-type]
            assert stored.read() == signed
        assert session.scalar(select(func.count()).select_from(PageText)) == one.page_count
    with pytest.raises(InvalidTransition, match=r"scan\.signed"), services.unit_of_work(NOW) as uow:
        arrange.repair(uow, new, [(1, 90)], reason="x", actor=clerk, now=NOW)


def test_refused_files_say_why(services: Services) -> None:
    limited = replace(services, max_upload_bytes=1000)
    for content, code in ((b"", r"file\.empty"), (b"Bonjour, ceci est du texte.", r"file\.type_unknown")):
        with pytest.raises(Invalid, match=code) as refusal:
            files.examine(services, "x" * 300 + ".pdf", io.BytesIO(content))
        assert refusal.value.params["field"] == "file"
        assert len(str(refusal.value.params["filename"])) <= NAME_LENGTH
    with pytest.raises(Invalid, match=r"file\.too_large"):
        files.examine(limited, "gros.pdf", io.BytesIO(pages.pdf("un")))
    assert waiting(services) == []


# --- reading -----------------------------------------------------------------------------------------------------


def test_an_attachment_is_read_once_and_shown_under_the_rule(services: Services) -> None:
    bridge, letter, beats = pair(services), register(services), []
    take_in(services, bridge, "k1", pages.png("Électrification rurale", code=label(services, letter)))
    with services.reading() as session:
        attachment_id = session.scalar(select(Attachment.id)) or 0
    for _ in range(2):
        recognition.run_recognise(services, attachment_id, heartbeat=beats.append, now=NOW)
    assert beats == ["0/1", "1/1"]
    with services.reading() as session:
        text = session.get_one(PageText, (attachment_id, 1))
        assert "lectrification" in text.text
        kinds = session.scalars(select(Rendition.kind).order_by(Rendition.kind)).all()
        assert kinds == ["page_image", "searchable_pdf", "thumbnail"]
        assert jobs.open_access_changes(session) == frozenset()  # nobody had a right before, so nothing must be hidden
        row = documents.attachment(session, attachment_id, actor(services, "sg"))
        assert row.pages[0].is_read
        with pytest.raises(NotFound) as refusal:
            documents.rendition(session, attachment_id, "page_image", actor(services, "daf"), page_no=1)
        assert refusal.value.params["refused"] is True
        with pytest.raises(NotFound, match="no_original"):
            documents.original(session, attachment_id, actor(services, "sg"))
        page = documents.original_page(session, attachment_id, 1, actor(services, "sg"))
        assert page.media_type == "image/png"


def test_a_file_may_go_straight_to_a_letter(services: Services) -> None:
    bridge, letter, chief = pair(services), register(services), actor(services, "sg")
    with services.unit_of_work(NOW) as uow:
        key = scan_orders.order_scan(
            uow, bridge.id, actor=chief, now=NOW, into=scan_orders.ScanTarget(mail_id=letter.mail_id)
        ).batch_key
    take_in(services, bridge, key, pages.png("un"), pages.png("deux"))
    assert waiting(services) == []
    with services.reading() as session:
        joined = session.scalar(select(Attachment).where(Attachment.mail_id == MailId(letter.mail_id)))
        assert joined is not None
        assert joined.page_count == 2
        assert session.scalar(select(func.count(MailNumber.id))) == 1


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\a\\lettre.pdf", "lettre.pdf"),
        ("a\x00b\u202egpj.pdf", "a b gpj.pdf"),
        ("..", "document"),
        ("", "document"),
        ("e" * 300 + ".tiff", "e" * 114 + "….tiff"),
        ("y" * 300, "y" * 120),
    ],
)
def test_a_name_is_made_harmless(given: str, shown: str) -> None:
    assert harmless_name(given) == shown
