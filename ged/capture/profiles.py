"""Named settings for 'Numériser': three common profiles, and each unit's own."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Boolean, ForeignKey, Integer, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ged.capture.bridges import clerk_of, handling_post
from ged.capture.models import ScanOrder
from ged.capture.orders import Settings
from ged.db import Base, Id, UtcDateTime
from ged.errors import Invalid, NotFound
from ged.unit import Actor, UnitOfWork

MAX_PROFILES = 30


class ScanProfile(Base):
    """Settings named by a unit's clerks; the scanner itself is chosen at the desk."""

    __tablename__ = "scan_profiles"
    __table_args__ = (UniqueConstraint("unit_id", "name"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    name: Mapped[str] = mapped_column(String(60))
    source: Mapped[str] = mapped_column(String(100))
    mode: Mapped[str] = mapped_column(String(32))
    dpi: Mapped[int] = mapped_column(Integer)
    sides: Mapped[str] = mapped_column(String(16))
    paper: Mapped[str] = mapped_column(String(16))
    more: Mapped[bool] = mapped_column(Boolean, default=False)
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True)
class Profile:
    """A unit's own profile, as the form shows it."""

    id: int
    unit_id: int
    name: str
    settings: Settings


@dataclass(frozen=True)
class LastChoice:
    """A person's last scan order: scanner and settings."""

    bridge_id: int
    device: str
    settings: Settings


def profiles(session: Session, unit_ids: Collection[int]) -> list[Profile]:
    """The profiles that these units keep, by name."""
    found = session.scalars(
        select(ScanProfile).where(ScanProfile.unit_id.in_(unit_ids)).order_by(func.lower(ScanProfile.name))
    )
    return [
        Profile(row.id, row.unit_id, row.name, Settings(row.source, row.mode, row.dpi, row.sides, row.paper, row.more))
        for row in found
    ]


def keep(uow: UnitOfWork, unit_id: int, name: str, settings: Settings, *, actor: Actor, now: datetime) -> int:
    """Store settings under a name; an existing name is overwritten. Returns the profile's id.

    Raises:
        Forbidden: ``scan.not_clerk``.
        Invalid: ``profile.name``, ``profile.too_many`` and those of ``Settings.check``.
    """
    post = clerk_of(actor, unit_id)
    title = " ".join(name.split())[:60]
    if not title:
        raise Invalid("profile.name", "give the profile a name", field="profile_name")
    settings.check()
    row = uow.session.scalar(select(ScanProfile).where(ScanProfile.unit_id == unit_id, ScanProfile.name == title))
    if row is None:
        here = uow.session.scalar(select(func.count()).select_from(ScanProfile).where(ScanProfile.unit_id == unit_id))
        if (here or 0) >= MAX_PROFILES:
            raise Invalid("profile.too_many", "delete one first", field="profile_name", maximum=MAX_PROFILES)
        row = ScanProfile(unit_id=unit_id, name=title)
        uow.session.add(row)
    row.source, row.mode, row.dpi = settings.source[:100], settings.mode, settings.dpi
    row.sides, row.paper, row.more = settings.sides, settings.paper, settings.more
    row.made_by_id, row.made_at = actor.person_id or None, now
    uow.session.flush()
    uow.record("profile.kept", "scan_profile", row.id, actor=actor, post=post, name=title)
    return row.id


def forget(uow: UnitOfWork, profile_id: int, *, actor: Actor) -> None:
    """Delete a profile.

    Raises:
        NotFound: ``profile.unknown``, also for a profile of another mail office.
    """
    row = uow.session.get(ScanProfile, profile_id)
    post = handling_post(actor, row.unit_id) if row is not None else None
    if row is None or post is None:
        raise NotFound("profile.unknown", "reload the page", id=profile_id)
    uow.record("profile.deleted", "scan_profile", row.id, actor=actor, post=post, name=row.name)
    uow.session.delete(row)


def last_choice(session: Session, actor: Actor) -> LastChoice | None:
    """The actor's last order; None when there is none."""
    row = session.scalar(
        select(ScanOrder).where(ScanOrder.ordered_by_id == actor.person_id).order_by(ScanOrder.id.desc()).limit(1)
    )
    if row is None:
        return None
    sides = "two_pass" if row.side else "duplex" if row.duplex else "one"
    settings = Settings(row.source or "", row.mode, row.dpi, sides, row.paper, not row.complete and not row.side)
    return LastChoice(row.bridge_id, row.device or "", settings)
