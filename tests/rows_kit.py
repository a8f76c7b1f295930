"""A session with a few tables in memory and a unit of work over it, for rules that only read and write rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

import ged.models  # noqa: F401  # every table: a key may refer to one of another room
from ged.db import Base
from ged.ports import Confidentiality, PersonId, PostId, Principal, Principals, UnitId
from ged.unit import Actor, HeldPost, Role, UnitOfWork
from tests.tampering import lift_guards

ZONE = ZoneInfo("Pacific/Auckland")  # 12 hours or more ahead of UTC: a test fails where code takes the date from UTC


@contextmanager
def rows(*models: type[Base]) -> Iterator[Session]:
    """A session on empty tables of these models. Foreign keys are not checked, and no trigger protects the tables."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.connect() as connection:
        connection.connection.driver_connection.deserialize(_empty(*models))  # type: ignore[union-attr]
    with Session(engine, expire_on_commit=False) as session:
        # SQLite returns rows in reverse order unless an order is asked for.
        session.execute(text("PRAGMA reverse_unordered_selects=ON"))
        yield session
    engine.dispose()


@cache
def _empty(*models: type[Base]) -> bytes:
    """The database with these tables. It is made once per process: to create a dozen tables takes as long as most tests."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    Base.metadata.create_all(engine, tables=[Base.metadata.tables[model.__tablename__] for model in models])
    lift_guards(engine)  # the table may exist or not: this depends on the modules that the process has loaded
    with engine.connect() as connection:
        made: bytes = connection.connection.driver_connection.serialize()  # type: ignore[union-attr]
    engine.dispose()
    return made


def work(session: Session, now: datetime) -> UnitOfWork:
    """A unit of work that is never committed. ``told`` and ``asked`` return its journal entries and jobs."""
    services: Any = SimpleNamespace(zone=ZONE, timestamper=None)
    return UnitOfWork(services, session, now)


def told(uow: UnitOfWork) -> list[dict[str, Any]]:
    """The entries that the journal would get: each payload with the action, its subject and the actor."""
    return [
        {
            "action": event.action,
            "of": (event.subject_kind, event.subject_id),
            "by": (event.person_id, event.post_id),
            **event.payload,
        }
        for event in uow._events
    ]


def asked(uow: UnitOfWork) -> list[tuple[str, int, str]]:
    """The jobs that would follow, as (kind, subject's id, reason)."""
    return [(job.kind.value, job.subject_id, job.reason) for job in uow._jobs]


def held(post_id: int, *roles: Role, unit_id: int = 1, because: str = "holder") -> HeldPost:
    """A post that a person holds, with these roles."""
    return HeldPost(PostId(post_id), "Poste", UnitId(unit_id), "Unité", frozenset(roles), because)


def person(person_id: int, *posts: HeldPost, sees: Principals | None = None) -> Actor:
    """An actor who holds these posts; ``sees`` are the actor's principals."""
    nothing = Principals(frozenset(), frozenset(), frozenset())
    return Actor(PersonId(person_id), "agent", "Agent", Confidentiality.ORDINARY, posts, frozenset(), sees or nothing)


def principals(ordinary: str, restricted: str = "", secret: str = "") -> Principals:
    """Principals for each level, from names separated by spaces."""
    sets = (frozenset(Principal(name) for name in names.split()) for names in (ordinary, restricted, secret))
    return Principals(*sets)
