"""The prints of an act with several slips, in one file: each slip, followed by the imputation sheets of its letters.

The sheet of a letter that was not imputed yet is blank: the authority fills it in.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import access, slots
from ged.errors import Invalid
from ged.ports import Confidentiality
from ged.register.models import Direction, Mail
from ged.routing.sheet import imputation_sheet, sheet_pdf
from ged.slips import parties, view
from ged.slips.models import SlipLine
from ged.unit import Actor, Services

MOST_DOCUMENTS = 60
"""Slips and sheets of one print: the longest slip with all its sheets. Each sheet is typeset, some 50 ms."""


def bundle_pdf(services: Services, slip_ids: Sequence[int], *, with_sheets: bool, actor: Actor, now: datetime) -> bytes:
    """The slips in the given order. Sheets of letters above the ordinary level are left out: they are printed separately.

    Raises:
        NotFound, Forbidden: as ``view.slip_pdf``.
        Invalid: ``slip.none_chosen``; ``slip.print_long``: more than ``MOST_DOCUMENTS`` slips and sheets.
        EngineFailed: ``work.busy``, ``typeset.crashed``, ``sign.unreadable``.
    """
    wanted = list(dict.fromkeys(slip_ids))
    if not wanted:
        raise Invalid("slip.none_chosen", "choose slips of the list")
    letters: dict[int, list[int]] = {}
    if with_sheets:
        with services.reading() as session:
            letters = {slip_id: _letters(session, slip_id, actor) for slip_id in wanted}
    count = len(wanted) + sum(map(len, letters.values()))
    if count > MOST_DOCUMENTS:
        raise Invalid("slip.print_long", "print the slips one by one", count=count, limit=MOST_DOCUMENTS)
    found: list[bytes] = []
    with slots.heavy():
        for slip_id in wanted:
            found.append(view.slip_pdf(services, slip_id, actor)[0])
            with services.reading() as session:
                sheets = [
                    imputation_sheet(session, services, mail_id, actor, now=now) for mail_id in letters.get(slip_id, ())
                ]
            found += [sheet_pdf(one, at=one.decided_at or now) for one in sheets]
        return services.signer.for_printing(found)


def _letters(session: Session, slip_id: int, actor: Actor) -> list[int]:
    """The letters of a slip whose sheets are printed with it.

    Raises:
        NotFound: ``slip.unknown``.
    """
    parties.require(session, slip_id, actor)
    rows = session.scalars(
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
    return [mail_id for mail_id in rows if mail_id is not None]
