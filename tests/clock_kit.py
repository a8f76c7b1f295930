"""Registration at a time that the test chooses, for tests of a clock that jumps."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from ged.errors import InvalidTransition
from ged.register import allocation, clock
from ged.register.models import Register
from ged.unit import SYSTEM, Services
from tests.factories import actor

DAY = timedelta(days=1)


def number(services: Services, now: datetime, register: str = "ARR") -> str:
    """Allocate a number of a register at this time; returns its text, such as ``00001/2026``."""
    clerk = actor(services, "agent")
    with services.unit_of_work(now) as uow:
        register_id = uow.session.scalars(select(Register.id).where(Register.code == register)).one()
        return allocation.allocate(uow, register_id, actor=clerk, post=clerk.posts[0]).text


def refusal(services: Services, now: datetime) -> str:
    """Try to allocate a number at this time; returns the code of the error. Fails when a number is given."""
    with pytest.raises(InvalidTransition) as refused:
        number(services, now)
    return refused.value.code


def confirm(services: Services, now: datetime) -> None:
    """Confirm, as an administrator does, that the clock is right at this time."""
    with services.unit_of_work(now) as uow:
        clock.confirm(uow, reason="horloge du cabinet", actor=SYSTEM)
