"""Numbers asked for at a time of the test, and what a clock that jumped is told."""

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
    clerk = actor(services, "agent")
    with services.unit_of_work(now) as uow:
        register_id = uow.session.scalars(select(Register.id).where(Register.code == register)).one()
        return allocation.allocate(uow, register_id, actor=clerk, post=clerk.posts[0]).text


def refusal(services: Services, now: datetime) -> str:
    with pytest.raises(InvalidTransition) as refused:
        number(services, now)
    return refused.value.code


def confirm(services: Services, now: datetime) -> None:
    with services.unit_of_work(now) as uow:
        clock.confirm(uow, reason="horloge du cabinet", actor=SYSTEM)
