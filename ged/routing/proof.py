"""The fiche de transmission annotated by hand and scanned back: it joins its letter as proof."""

from ged.ports import AttachmentId
from ged.registry.intake import ProofScan
from ged.registry.models import AttachmentKind, Mail
from ged.registry.operations import attach
from ged.registry.states import MailState
from ged.unit import SYSTEM, UnitOfWork


def sheet_arrived(uow: UnitOfWork, proof: ProofScan) -> AttachmentId | None:
    """Attach a scanned sheet to the letter that its code names (a ``ged.registry.intake.ProofHandler``).

    None, and the scan waits for a person: there is no such letter, it is voided, or the scan has no page left.
    """
    mail = uow.session.get(Mail, proof.subject_id)
    if mail is None or mail.state is MailState.VOIDED or not proof.pages:
        return None
    attachment_id = attach(
        uow,
        mail.id,
        kind=AttachmentKind.PROOF,
        pages=proof.pages,
        media_type=proof.pages[0].media_type,
        actor=SYSTEM,
        now=uow.now,
        reason="imputation_sheet",
    )
    uow.record(
        "mail.sheet_returned", "mail", mail.id, actor=SYSTEM, scan=int(proof.scan_id), attachment=int(attachment_id)
    )
    return attachment_id
