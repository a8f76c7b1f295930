"""Powers, certificates and proofs that end."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, select

from ged.counting import composed
from ged.followup.listing import holders
from ged.morning.base import MOST, NOTHING, Found, Ground, Line, Probe
from ged.org import delegations as powers
from ged.org.delegations import DelegationRow
from ged.org.models import Delegation, DelegationKind, IssuedCertificate, Post
from ged.org.tree import runs_installation
from ged.preservation import queries as preservation
from ged.preservation.queries import Group
from ged.reports.certificates import (
    ENDS_SOON,
    certificates_in_use,
    own_certificate,
    people_ends,
    published_ends,
    seal_ends,
)
from ged.unit import Actor, Role

POWERS_END = timedelta(days=7)
OWN = "own"
"""The code of the reader's own certificate; the others are ``people``, ``institution``, ``root``, ``issuing``, ``list``."""


def probes_of_delegations(ground: Ground) -> tuple[Probe, ...]:
    """The statement that finds the powers of ``delegations``."""
    return ((_powers, (ground.today,)),)


@composed
def _powers(actor: Actor, today: date) -> Select[Any]:
    return (
        select(Delegation.id)
        .join(Post, Post.id == Delegation.post_id)
        .where(powers.is_near(actor), Delegation.withdrawn_at.is_(None), Delegation.from_on <= today)
        .where(Delegation.until_on.between(today, today + POWERS_END))
    )


def delegations(ground: Ground) -> Found:
    """Powers in force that the reader gave, received or may end, and that end within a week."""
    last = ground.today + POWERS_END
    rows = [
        row
        for row in powers.listing(ground.session, ground.actor, on=ground.today)
        if not row.is_withdrawn and row.from_on <= ground.today and row.until_on <= last
    ]
    rows.sort(key=lambda row: (row.until_on, row.id))
    shown = rows[: ground.shown]
    givers = _givers(ground, shown)
    return [
        Line(row.id, row.post_title, row.unit_name, who=givers.get(row.id, ""), to=row.person_name, on=row.until_on, code=row.kind.value)
        for row in shown
    ], min(MOST, len(rows))  # fmt: skip


def _givers(ground: Ground, rows: Sequence[DelegationRow]) -> dict[int, str]:
    """Delegation -> the holders of its post, by name: they alone may give it again. An interim is given by a head above."""
    given = [row.id for row in rows if row.kind is not DelegationKind.INTERIM]
    if not given:
        return {}
    posts = ground.session.execute(select(Delegation.id, Delegation.post_id).where(Delegation.id.in_(given))).all()
    held = holders(ground.session, {post_id for _, post_id in posts}, on=ground.today)
    return {row_id: held[post_id] for row_id, post_id in posts if post_id in held}


def probes_of_certificates(ground: Ground) -> tuple[Probe, ...] | None:
    """A statement that finds a certificate of the reader that ends within ``ENDS_SOON``; None: others are told too."""
    return None if _tells_of_others(ground) else ((_own_that_ends, (ground.next_midnight + ENDS_SOON,)),)


@composed
def _own_that_ends(actor: Actor, before: datetime) -> Select[Any]:
    return certificates_in_use(actor.person_id).where(IssuedCertificate.expires_at < before)


def _tells_of_others(ground: Ground) -> bool:
    return ground.actor.has(Role.ADMINISTRATOR) and runs_installation(
        ground.actor, ground.services.installation_accounts
    )


def certificates(ground: Ground) -> Found:
    """Certificates that end within ``ENDS_SOON``: the reader's own; for whoever runs the installation, the others too."""
    ends = {OWN: own_certificate(ground.session, ground.actor.person_id)}
    lines = []
    if _tells_of_others(ground):
        ends |= {"institution": seal_ends(ground.session)} | published_ends(ground.services.revocation)
        of_people = people_ends(ground.session, now=ground.now, but_of=ground.actor.person_id)
        if count := of_people["ending"] + of_people["ended"]:
            lines.append(Line(code="people", count=count))
    soon = ground.now + ENDS_SOON
    lines = [Line(code=code, on=_day(ground, at)) for code, at in sorted(ends.items(), key=_first) if at is not None and at <= soon] + lines  # fmt: skip
    return (lines[: ground.shown], sum(line.count for line in lines)) if lines else NOTHING


def _first(pair: tuple[str, datetime | None]) -> tuple[bool, float]:
    return pair[0] != OWN, 0.0 if pair[1] is None else pair[1].timestamp()


def _day(ground: Ground, at: datetime) -> date:
    return at.astimezone(ground.services.zone).date()


def timestamps(ground: Ground) -> Found:
    """Signatures whose proof is not kept up: a step that failed, and one that is overdue."""
    failing = preservation.totals(ground.session)[Group.FAILING]
    overdue = preservation.overdue(ground.session, now=ground.now)
    lines = [Line(code=code, count=count) for code, count in (("failing", failing), ("overdue", overdue)) if count]
    return lines, sum(line.count for line in lines)
