"""Repair by hand through the pages: a page is scanned again and takes its place; earlier pages stay; documents too."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, func, select

from ged.audit import AuditEntry, AuditPayload
from ged.capture.models import Scan, ScanPage
from ged.jobs import Job, JobKind
from ged.recognition import jobs as recognition
from ged.register.models import Attachment, AttachmentKind, Mail
from tests import pages
from tests.factories import NOW
from tests.scan_site_kit import Browser, Desk, desk, only_scan, register, site, upload  # noqa: F401 - the fixture  # noqa: F401 - the fixture

pytestmark = pytest.mark.in_turns(3)

CHOICE = {"device": "1|fi:1|ADF Front", "mode": "gray", "dpi": "300"}


def leaves(desk: Desk, scan_id: int) -> list[tuple[str, bool]]:  # noqa: F811
    """For each page: its token, and whether it is taken out."""
    with desk.site.services.reading() as session:
        found = session.get_one(Scan, scan_id).leaves
        return [(f"{leaf.page.token}{leaf.page.page_index or ''}", leaf.removed) for leaf in found]


def scanned(desk: Desk, place: str, *words: str) -> None:  # noqa: F811
    """Order pages at a place of the only scan, scan them, show the result."""
    clerk, scan = desk.site.browser("agent"), only_scan(desk.site)
    assert clerk.post(f"/numerisations/{scan.id}/page-de-plus", **CHOICE, place=place).status_code == 200
    order = desk.order()
    desk.complete(order, desk.send(order, *words))
    desk.tell(order, "done", len(words))
    desk.site.run_intake()


def journal(desk: Desk, action: str) -> dict[str, Any]:  # noqa: F811
    """The payload of the last entry of this action."""
    with desk.site.services.reading() as session:
        found = session.scalars(
            select(AuditPayload.payload)
            .join(AuditEntry, AuditEntry.sequence == AuditPayload.sequence)
            .where(AuditEntry.action == action)
            .order_by(AuditEntry.sequence.desc())
        )
        said = found.first()
    assert said is not None
    return said


@pytest.fixture
def three(desk: Desk) -> Scan:  # noqa: F811
    """A waiting scan of three pages: upload, upload1, upload2."""
    upload(desk.site.browser("agent"), (pages.tiff("un", "deux", "trois"), "trois.tif"))
    return only_scan(desk.site)


def test_a_page_scanned_again_takes_the_place_of_the_bad_one(desk: Desk, three: Scan) -> None:  # noqa: F811
    bad = three.leaves[1].id
    scanned(desk, f"{bad}-replaces", "neuf")
    assert leaves(desk, three.id) == [("upload", False), ("upload1", True), ("neuf", False), ("upload2", False)]
    with desk.site.services.reading() as session:
        assert session.scalar(select(func.count(ScanPage.id))) == 4, "the page as it came stays"
    said = journal(desk, "scan.page_added")
    assert (said["behind"], said["replaces"]) == (bad, True)
    clerk, base = desk.site.browser("agent"), f"/numerisations/{three.id}/arranger"
    new = only_scan(desk.site).leaves[2].id
    clerk.post(base, do="remove", leaf=str(new))
    clerk.post(base, do="restore", leaf=str(bad))
    assert [leaf[1] for leaf in leaves(desk, three.id)] == [False, False, True, False], "undone"


def test_pages_scanned_behind_a_page_and_at_the_end_keep_their_order(desk: Desk, three: Scan) -> None:  # noqa: F811
    scanned(desk, str(three.leaves[0].id), "a", "b")
    scanned(desk, "", "z")
    assert [token for token, _ in leaves(desk, three.id)] == ["upload", "a", "b", "upload1", "upload2", "z"]


def test_a_second_pass_of_the_same_order_follows_the_first(desk: Desk, three: Scan) -> None:  # noqa: F811
    clerk = desk.site.browser("agent")
    place = f"{three.leaves[0].id}-replaces"
    clerk.post(f"/numerisations/{three.id}/page-de-plus", **CHOICE, place=place, more="1")
    order = desk.order()
    desk.send(order, "a")
    desk.tell(order, "done", 1)
    clerk.post(f"/numerisations/ordres/{order['order_id']}/page-suivante")
    again = desk.order()
    assert again["batch_key"] == order["batch_key"]
    desk.send(again, "b")
    desk.tell(again, "done", 1)
    with desk.site.services.reading() as session:
        batch_id = session.scalar(select(ScanPage.batch_id).where(ScanPage.token == "b"))
    clerk.post(f"/numerisations/lots/{batch_id}/terminer")
    desk.site.run_intake()
    tokens = [("upload", True), ("a", False), ("b", False), ("upload1", False), ("upload2", False)]
    assert leaves(desk, three.id) == tokens


def test_a_page_that_went_to_another_scan_is_no_place(desk: Desk, three: Scan) -> None:  # noqa: F811
    clerk, last = desk.site.browser("agent"), three.leaves[2].id
    clerk.post(f"/numerisations/{three.id}/arranger", do="split", leaf=str(last))
    refused = clerk.post(f"/numerisations/{three.id}/page-de-plus", **CHOICE, place=f"{last}-replaces")
    assert refused.status_code == 404
    assert desk.api.get("/api/bridge/order?wait_s=0", headers=desk.headers).status_code == 204


def test_pages_of_a_scan_that_was_joined_meanwhile_are_not_lost(desk: Desk, three: Scan) -> None:  # noqa: F811
    clerk, letter = desk.site.browser("agent"), register(desk.site)
    place = f"{three.leaves[0].id}-replaces"
    clerk.post(f"/numerisations/{three.id}/page-de-plus", **CHOICE, place=place)
    clerk.post(f"/numerisations/{three.id}/joindre", number=letter.number)
    order = desk.order()
    desk.complete(order, desk.send(order, "neuf"))
    desk.site.run_intake()
    assert [leaf.page.token for leaf in only_scan(desk.site).leaves] == ["neuf"]
    assert [taken for _, taken in leaves(desk, three.id)] == [False, False, False], "the letter's document is as joined"


def test_a_stack_is_woven_and_turned_round_from_the_page(desk: Desk) -> None:  # noqa: F811
    clerk = desk.site.browser("agent")
    upload(clerk, (pages.tiff("r1", "r2", "v2", "v1"), "pile.tif"))
    scan = only_scan(desk.site)
    base = f"/numerisations/{scan.id}/arranger"
    assert clerk.post(base, do="interleave").status_code == 200
    assert [token for token, _ in leaves(desk, scan.id)] == ["upload", "upload3", "upload1", "upload2"]
    clerk.post(base, do="reverse")
    assert [token for token, _ in leaves(desk, scan.id)] == ["upload2", "upload1", "upload3", "upload"]
    clerk.post(base, do="remove", leaf=str(scan.leaves[0].id))
    assert clerk.post(base, do="interleave").status_code == 422


# --- after numbering ----------------------------------------------------------------------------------------------


def joined(desk: Desk) -> tuple[Browser, int, int]:  # noqa: F811
    """A letter with a document of two pages that was read. Returns the clerk, the letter, the document."""
    clerk, letter = desk.site.browser("agent"), register(desk.site)
    upload(clerk, (pages.tiff("Premier", "Second"), "deux.tif"))
    clerk.post(f"/numerisations/{only_scan(desk.site).id}/joindre", number=letter.number)
    with desk.site.services.reading() as session:
        first = session.scalars(select(Attachment.id)).one()
    recognition.run_recognise(desk.site.services, first, heartbeat=lambda _: None, now=NOW)
    return clerk, int(letter.mail_id), first


def jobs_of(desk: Desk, kind: JobKind, subject: int) -> int:  # noqa: F811
    with desk.site.services.reading() as session:
        found = select(func.count(Job.id)).where(Job.kind == kind, Job.subject_id == subject)
        return session.scalar(found) or 0


def test_a_repaired_document_is_a_new_version_and_the_old_one_stays_readable(desk: Desk) -> None:  # noqa: F811
    clerk, mail_id, first = joined(desk)
    before = clerk.get(f"/documents/{first}/searchable.pdf").data
    with desk.site.services.unit_of_work(NOW) as uow:
        uow.session.get_one(Mail, mail_id).level = 1
        uow.session.execute(delete(Job).where(Job.kind == JobKind.INDEX))
    form = {"keep-1": "1", "place-1": "2", "turn-1": "90", "keep-2": "1", "place-2": "1"}
    done = clerk.post(f"/documents/{first}/reparer", **form, reason="Pages interverties")
    assert "Pages interverties" in done.text
    with desk.site.services.reading() as session:
        new = session.scalars(select(Attachment).where(Attachment.replaces_id == first)).one()
        assert (new.version_no, new.reason, new.kind) == (2, "Pages interverties", AttachmentKind.DOCUMENT)
    said = journal(desk, "attachment.added")
    assert (said["attachment"], said["reason"]) == (new.id, "Pages interverties")
    assert jobs_of(desk, JobKind.INDEX, mail_id) == 1, "the index is told"
    assert f'href="/documents/{first}"' in done.text, "the version before is one click away"
    assert jobs_of(desk, JobKind.RECOGNISE, new.id) == 1
    recognition.run_recognise(desk.site.services, new.id, heartbeat=lambda _: None, now=NOW)
    made = clerk.get(f"/documents/{new.id}/searchable.pdf").data
    assert made.startswith(b"%PDF")
    assert made != before
    assert "Second" in clerk.get(f"/documents/{new.id}/page/1/texte").text
    assert clerk.get(f"/documents/{first}/searchable.pdf").data == before
    assert "Premier" in clerk.get(f"/documents/{first}/page/1/texte").text
    assert "remplacé par une version plus récente" in clerk.get(f"/documents/{first}").text
    stranger = desk.site.browser("daf")
    assert [stranger.get(f"/documents/{one}").status_code for one in (first, new.id)] == [404, 404]
    late = clerk.post(f"/documents/{first}/reparer", **form, reason="Encore")
    assert late.status_code == 409, "the newest version is repaired, not an old one"


def test_what_was_signed_is_not_rearranged_and_offers_no_form(desk: Desk) -> None:  # noqa: F811
    clerk, _mail_id, first = joined(desk)
    form = {"keep-1": "1", "place-1": "2", "keep-2": "1", "place-2": "1", "reason": "x"}
    assert "Réparer le document" in clerk.get(f"/documents/{first}").text
    for changes in ({"is_signed": True}, {"kind": AttachmentKind.SIGNED}, {"kind": AttachmentKind.RENDERED}):
        with desk.site.services.unit_of_work(NOW) as uow:
            row = uow.session.get_one(Attachment, first)
            row.is_signed, row.kind = False, AttachmentKind.DOCUMENT
            for name, value in changes.items():
                setattr(row, name, value)
        assert "Réparer le document" not in clerk.get(f"/documents/{first}").text, changes
        assert clerk.post(f"/documents/{first}/reparer", **form).status_code == 409, changes
    with desk.site.services.reading() as session:
        assert session.scalar(select(func.count(Attachment.id))) == 1
