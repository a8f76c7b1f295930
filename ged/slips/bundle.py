"""The prints of an act with several slips, in one file: each slip, followed by the imputation sheets of its letters.

The sheet of a letter that was not imputed yet is blank: the authority fills it in.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from ged import access
from ged.ports import Confidentiality
from ged.register.models import Direction, Mail
from ged.routing.sheet import imputation_sheet, sheet_pdf
from ged.slips import view
from ged.slips.models import SlipLine
from ged.unit import Actor, Services


def bundle_pdf(services: Services, slip_ids: Sequence[int], *, with_sheets: bool, actor: Actor, now: datetime) -> bytes:
    """The slips in the given order. Sheets of letters above the ordinary level are left out: they are printed separately.

    Raises:
        NotFound, Forbidden: as ``view.slip_pdf``.
        EngineFailed: ``work.busy``, ``typeset.crashed``, ``sign.unreadable``.
    """
    found: list[bytes] = []
    for slip_id in dict.fromkeys(slip_ids):
        found.append(view.slip_pdf(services, slip_id, actor)[0])
        if not with_sheets:
            continue
        with services.reading() as session:
            sheets = [
                imputation_sheet(session, services, mail_id, actor, now=now)
                for mail_id in session.scalars(
                    select(SlipLine.mail_id)
                    .join(Mail, Mail.id == SlipLine.mail_id)
                    .where(
                        SlipLine.slip_id == slip_id,
                        Mail.level == int(Confidentiality.ORDINARY),
                        access.visible_clause(Mail.id, Mail.level, actor.principals),
                        Mail.direction == Direction.INCOMING,
                    )
                    .order_by(SlipLine.position)
                )
                if mail_id is not None
            ]
        found += [sheet_pdf(one, at=one.decided_at or now) for one in sheets]
    return services.signer.for_printing(found)
