"""The fiche de transmission, annotated by hand and scanned back: once confirmed, it is attached to its letter."""

from collections.abc import Mapping
from typing import Any

from ged.capture.intake import join
from ged.capture.models import Scan
from ged.ports import AttachmentId
from ged.register.models import AttachmentKind
from ged.unit import Actor, HeldPost, UnitOfWork


def sheet_confirmed(
    uow: UnitOfWork, mail_id: int, scan: Scan, *, actor: Actor, post: HeldPost, came: Mapping[str, Any]
) -> AttachmentId:
    """Join a scanned sheet to the letter that its code names.

    The caller has locked the letter and checked the actor's right. ``came``: who brought the scan.

    Raises:
        Invalid: ``scan.no_pages``.
    """
    attachment_id = join(
        uow, scan, mail_id, kind=AttachmentKind.PROOF, actor=actor, now=uow.now, reason="imputation_sheet", came=came
    )
    uow.record(
        "mail.sheet_returned", "mail", mail_id, actor=actor, post=post, scan=scan.id, attachment=int(attachment_id),
        **came,
    )  # fmt: skip
    return attachment_id
