"""Helpers for letters that were signed before the mail office registers them: registers, a form, a registration."""

from dataclasses import replace
from typing import Any

from sqlalchemy import select

from ged.dispatch import signed_outside
from ged.dispatch.signed_outside import OutgoingForm
from ged.org.models import Unit
from ged.ports import PostId, UnitId
from ged.register.models import Direction, Register, RegisterNature
from ged.register.operations import Registered
from ged.unit import Services
from tests.factories import NOW, TODAY, actor
from tests.routing_kit import post_id, unit_id
from tests.slip_kit import register_id


def make_books(services: Services) -> None:
    """Add registers of internal letters, notes and decisions at the mail office."""
    with services.unit_of_work(NOW) as uow:
        office = uow.session.scalars(select(Unit.id).where(Unit.code == "BO")).one()
        for code, nature in (
            ("INT", RegisterNature.INTERNAL), ("NS", RegisterNature.NOTE), ("DEC", RegisterNature.DECISION),
        ):  # fmt: skip
            uow.session.add(
                Register(
                    code=code, name=f"Livre {code}", unit_id=office, direction=Direction.INTERNAL, nature=nature,
                    pattern=code + "-{seq:03d}/{year}",
                )
            )  # fmt: skip


def form(services: Services, **changes: Any) -> OutgoingForm:
    """The form of a letter from the energy direction to the electricity company, signed by the secretary general."""
    usual = OutgoingForm(
        subject="Tarifs de l'année",
        sender_unit_id=UnitId(unit_id(services, "DGE")),
        signatory_post_id=PostId(post_id(services, "SG-T")),
        addressees=("Compagnie d'électricité", "Préfecture du Zio"),
        copies=("DAF",),
        written_on=TODAY,
    )
    return replace(usual, **changes)


def enter(services: Services, book: str = "DEP", account: str = "agent", **changes: Any) -> Registered:
    """Register a letter that was signed outside of the program, in the register ``book``."""
    with services.unit_of_work(NOW) as uow:
        return signed_outside.register(
            uow, register_id(services, book), form(services, **changes), actor=actor(services, account), now=NOW
        )
