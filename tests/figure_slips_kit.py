"""Rows of slips for the figures."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from ged.org.models import Person, Post
from ged.slips.models import Slip, SlipKind, SlipLine, SlipPurpose
from ged.slips.states import LineState, SlipState
from ged.unit import Services
from tests.routing_kit import unit_id

UNITS = ("DGE", "DAF", "ETU", "SG")


def many_slips(services: Services, count: int, seed: int = 4, *, units: Sequence[str] = UNITS) -> None:
    """Slips at random moments around midnights, some void, some without an answer; lines with faults.

    Args:
        units: the codes of those that send and receive them.
    """
    chance = random.Random(seed)
    ids = [int(unit_id(services, code)) for code in units]
    with services.unit_of_work(datetime(2026, 12, 1, tzinfo=UTC)) as uow:
        post_id, person_id = (
            uow.session.scalars(select(Post.id)).first(),
            uow.session.scalars(select(Person.id)).first(),
        )
        for _ in range(count):
            sent = datetime(2026, 10, 25, tzinfo=UTC) + timedelta(minutes=chance.randrange(60 * 24 * 45))
            received = sent + timedelta(hours=chance.choice([1, 3, 20, 60, 200])) if chance.random() < 0.8 else None
            state = chance.choice([SlipState.VOIDED, *[SlipState.RECEIVED if received else SlipState.SENT] * 9])
            slip = Slip(
                kind=chance.choice([SlipKind.DISCREPANCY, *[SlipKind.TRANSMITTAL] * 6, SlipKind.RETURN]), state=state,
                purpose=SlipPurpose.HANDOVER, sender_unit_id=chance.choice(ids), receiver_unit_id=chance.choice(ids),
                sender_post_id=post_id, sender_person_id=person_id, sender_name="A", sender_title="B", issued_at=sent,
                sent_at=sent, received_at=received,
            )  # fmt: skip
            uow.session.add(slip)
            uow.session.flush()
            for position in range(1, chance.randrange(2, 4)):
                uow.session.add(
                    SlipLine(
                        slip_id=slip.id, position=position, description="Pièce", is_confidential=chance.random() < 0.2,
                        state=chance.choice(list(LineState)) if received else LineState.PENDING,
                    )
                )  # fmt: skip
