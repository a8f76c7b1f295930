"""The print of a code on paper, typeset again or as it was signed: its pages are shown beside the scan's."""

from datetime import datetime

from ged.capture.models import PaperState, Scan, ScanState
from ged.codes import CodeKind
from ged.dispatch.print import discharge_sheet
from ged.errors import NotFound
from ged.paper.queries import require
from ged.routing.sheet import imputation_sheet, sheet_pdf
from ged.slips.view import slip_pdf
from ged.unit import Actor, Services


def print_pdf(services: Services, paper_id: int, actor: Actor, *, now: datetime) -> bytes:
    """The sheet of a waiting code: a discharge, a fiche, a slip.

    Raises:
        NotFound: ``paper.unknown``, also when the code no longer waits, or its print is stored as a document;
            ``slip.no_pdf``.
        Forbidden: ``slip.pdf_confidential``.
        Invalid: ``typeset.glyph``, ``typeset.failed``.
        EngineFailed: ``work.busy``, ``typeset.crashed``.
    """
    with services.reading() as session:
        code = require(session, paper_id, actor)
        kind, subject_id, met_at = code.kind, code.subject_id, code.met_at
        is_settled = code.state is not PaperState.WAITING
        if is_settled or session.get_one(Scan, code.scan_id).state is not ScanState.WAITING:
            raise NotFound("paper.unknown", "reload the list", id=paper_id)
    if kind is CodeKind.DISCHARGE:
        return discharge_sheet(services, subject_id, actor, at=met_at)
    if kind is CodeKind.IMPUTATION:
        with services.reading() as session:
            sheet = imputation_sheet(session, services, subject_id, actor, now=now)
        return sheet_pdf(sheet, at=met_at)
    if kind is CodeKind.SLIP:
        return slip_pdf(services, subject_id, actor)[0]
    raise NotFound("paper.unknown", "reload the list", id=paper_id)
