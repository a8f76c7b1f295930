"""A receiver without a certificate signs the print by hand. Its scan returns by the code, and a clerk enters the
reception."""

import io
from datetime import timedelta

import pypdfium2
import pytest
import zxingcpp
from sqlalchemy import select

from ged.capture import queries as scan_queries
from ged.capture.models import PaperCode, Scan, ScanState
from ged.codes import CodeKind, make_code, read_code
from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound
from ged.ports import Digest
from ged.register.operations import SourcePage
from ged.slips import custody, receive, view
from ged.slips.drafting import LineForm
from ged.slips.models import ReceiptWay
from ged.slips.receive import Decision, PaperReceipt
from ged.slips.states import LineState, SlipState
from tests import paper_kit
from tests import slip_kit as kit
from tests.factories import NOW, actor, make_organisation, make_services

pytestmark = pytest.mark.in_turns(3)

LATER = NOW + timedelta(hours=2)


@pytest.fixture
def services(tmp_path):
    made = make_services(tmp_path)
    make_organisation(made)
    yield made
    made.checker.close()
    made.engine.dispose()


def _page(services):
    stored = services.blobs.put(io.BytesIO(b"a page as scanned"))
    return SourcePage(Digest(stored.digest), "image/png")


def _arrive(services, slip_id, by="agent"):
    paper_id = paper_kit.bring(services, CodeKind.SLIP, slip_id, now=LATER)
    paper_kit.confirm(services, paper_id, by=by, now=LATER)
    with services.reading() as session:
        return session.get_one(PaperCode, paper_id).scan_id


def _record(services, slip_id, decisions, who="agent", **more):
    receipt = PaperReceipt(
        name=more.pop("name", "Afi DOSSOU"),
        received_at=more.pop("at", NOW + timedelta(hours=1)),
        decisions=decisions,
        capacity="Secrétaire",
    )
    with services.unit_of_work(LATER) as uow:
        receive.record_paper_receipt(uow, slip_id, receipt, actor=actor(services, who), now=LATER, **more)


def test_the_code_on_every_printed_page_leads_to_the_slip(services):
    sent = kit.send(services, *(LineForm(f"Pièce {n}") for n in range(30)))
    document = pypdfium2.PdfDocument(kit.stored_pdf(services, sent.slip_id))
    try:
        for page in document:
            found = zxingcpp.read_barcodes(page.render(scale=300 / 72, grayscale=True).to_numpy().squeeze())
            codes = [read_code(code.text, key=services.code_key) for code in found]
            # The page of the reception has a second one, of its boxes.
            assert {(code.kind, code.subject_id) for code in codes} == {(CodeKind.SLIP, sent.slip_id)}
        assert len(document) >= 2
    finally:
        document.close()


def test_the_scan_is_kept_with_its_slip_and_the_clerk_writes_the_reception_down(services):
    letter = kit.letter(services)
    sent = kit.send(services, LineForm(mail_id=letter), LineForm("Plan"))
    scan_id = _arrive(services, sent.slip_id)
    with services.reading() as session:
        scan = session.get_one(Scan, scan_id)
        assert (scan.state, scan.note) == (ScanState.JOINED, "")
        assert len(view.slip_view(session, sent.slip_id, actor(services, "dge")).proofs) == 1
        # It names letters with different readers. From now on it is read on the slip's page, under the slip's access
        # rule.
        with pytest.raises(NotFound, match=r"scan\.unknown"):
            scan_queries.scan(session, scan_id, actor(services, "agent"))
    _record(services, sent.slip_id, {1: Decision(LineState.RECEIVED), 2: Decision(LineState.MISSING)})
    with services.reading() as session:
        shown = view.slip_view(session, sent.slip_id, actor(services, "agent"))
        assert shown.row.state is SlipState.RECEIVED
        assert (shown.receipt.way, shown.receipt.name, shown.receipt.capacity) == (
            ReceiptWay.PAPER,
            "Afi DOSSOU",
            "Secrétaire",
        )
        assert shown.receipt.received_at == NOW + timedelta(hours=1)
        assert [task.kind for task in shown.tasks] == [LineState.MISSING]
        assert custody.custody_of(session, letter)[-1].because == custody.PAPER_SLIP
    # The file has the sender's signature alone: ink is never shown as an electronic signature.
    with services.reading() as session:
        shown = view.slip_view(session, sent.slip_id, actor(services, "agent"))
    assert [r.field for r in view.signatures(services, shown, now=LATER)] == ["sender"]


def test_nothing_is_written_down_without_the_proof_or_against_time(services):
    sent = kit.send(services, LineForm("Plan"))
    ok = {1: Decision(LineState.RECEIVED)}
    with pytest.raises(Invalid) as unproved:
        _record(services, sent.slip_id, ok)
    assert unproved.value.code == "slip.proof_missing"
    _arrive(services, sent.slip_id)
    for wrong, code in (
        ({"at": LATER + timedelta(days=1)}, "slip.received_at"),
        ({"at": NOW - timedelta(days=1)}, "slip.received_at"),
        ({"name": " "}, "slip.receiver_name"),
    ):
        with pytest.raises(Invalid) as refused:
            _record(services, sent.slip_id, ok, **wrong)
        assert refused.value.code == code
    assert kit.slip(services, sent.slip_id).state is SlipState.SENT
    _record(services, sent.slip_id, ok, who="dge")
    with pytest.raises(InvalidTransition) as twice:
        _record(services, sent.slip_id, ok)
    assert twice.value.code == "slip.received"


def test_pages_can_come_with_the_call_and_strangers_cannot_make_it(services):
    sent = kit.send(services, LineForm("Plan"))
    ok = {1: Decision(LineState.RECEIVED)}
    with pytest.raises((NotFound, Forbidden)):
        _record(services, sent.slip_id, ok, who="daf", pages=(_page(services),))
    _record(services, sent.slip_id, ok, pages=(_page(services),))
    assert kit.slip(services, sent.slip_id).state is SlipState.RECEIVED


def test_a_code_of_no_slip_leaves_the_scan_waiting(services):
    with pytest.raises(NotFound, match=r"paper\.unknown"):
        _arrive(services, 987)
    with services.reading() as session:
        assert session.scalars(select(Scan.state)).all() == [ScanState.WAITING]
    assert make_code(CodeKind.SLIP, 987, key=services.code_key).startswith("GED1/B/987/")
