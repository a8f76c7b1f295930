"""One signature's facts, and the verdict that follows from them: the rules, in one place, for PDF and CMS alike."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pyhanko.sign.validation.status import SignatureStatus, TimestampSignatureStatus
from pyhanko_certvalidator import ValidationContext

from ged.ports import Verdict
from signing.changes import HARMLESS, SIGNATURES
from signing.trust import CLOCKS_MAY_DIFFER, Trust, problem_of

Validate = Callable[[ValidationContext, ValidationContext], Awaitable[SignatureStatus]]
"""Validates a signature: contexts for the signer and for the time-stamp."""

_SEVERITY = {Verdict.GREEN: 0, Verdict.AMBER: 1, Verdict.RED: 2}


@dataclass(frozen=True)
class Facts:
    """The facts of a signature once the cryptography is checked.

    Attributes:
        moment: the time at which the signer's certificate was checked.
        problem: why this certificate is not good; empty when it is good.
        stamp_revoked: our revocation data revokes the authority of the time-stamp.
    """

    status: SignatureStatus
    moment: datetime
    stamp: TimestampSignatureStatus | None
    problem: str
    stamp_revoked: bool = False

    @property
    def is_sound(self) -> bool:
        """Whether the signature matches the bytes."""
        return bool(self.status.intact and self.status.valid)

    @property
    def stamp_broken(self) -> bool:
        """Whether there is a time-stamp, but over other bytes, or altered."""
        return self.stamp is not None and not (self.stamp.intact and self.stamp.valid)

    @property
    def stamp_time(self) -> datetime | None:
        """The time in the time-stamp; None when there is none or it is broken."""
        return None if self.stamp is None or self.stamp_broken else self.stamp.timestamp

    @property
    def stamp_trusted(self) -> bool:
        """Whether the time-stamp comes from an authority that we trust."""
        trusted = self.stamp is not None and bool(self.stamp.trusted)
        return trusted and not (self.stamp_broken or self.stamp_revoked)

    @property
    def claimed(self) -> datetime | None:
        """The time that the signer claims."""
        reported = getattr(self.status, "signer_reported_dt", None)
        return reported if isinstance(reported, datetime) and reported.tzinfo is not None else None


async def facts_of(validate: Validate, trust: Trust, at: datetime, proven: datetime | None = None) -> Facts:
    """Check the signer's certificate at the earliest time at which the signature is known to have existed.

    Args:
        proven: a later, trusted time-stamp of the whole document, if there is one.
    """
    known = min(at, proven) if proven else at
    status = await _validated(validate, trust, known, known)
    stamp = getattr(status, "timestamp_validity", None)
    revoked = stamp is not None and trust.revokes(stamp.signing_cert, known)
    found = Facts(status, known, stamp, problem_of(status, known, trust), revoked)
    stamp_time = found.stamp_time
    if stamp_time is None or not found.stamp_trusted or stamp_time >= known:
        return found
    status = await _validated(validate, trust, stamp_time, known)
    return Facts(status, stamp_time, found.stamp, problem_of(status, stamp_time, trust))


async def _validated(validate: Validate, trust: Trust, signed: datetime, stamped: datetime) -> SignatureStatus:
    """Validate the signer's certificate as of ``signed``, the time-stamp's certificate as of ``stamped``.

    pyHanko ignores revocation data made long before the moment, or by a responder certified long after it. It then
    trusts no certificate that such data is about. We leave such data out instead; ``Trust.revokes`` checks all of it.
    """
    status = await validate(trust.at(signed), trust.at(stamped))
    stamp = getattr(status, "timestamp_validity", None)
    with_own = bool(status.trusted or status.revoked)
    with_stamps = stamp is None or bool(stamp.trusted or stamp.revoked)
    if with_own and with_stamps:
        return status
    return await validate(trust.at(signed, lists=with_own), trust.at(stamped, lists=with_stamps))


@dataclass(frozen=True)
class Surroundings:
    """What is known besides the cryptography.

    Attributes:
        covers_all: the signed bytes are the whole file.
        issued: the later revisions are ours: we stored them.
        changes: codes of the later changes, if the revisions are not ours.
        docmdp_allows: whether the certification allows the later changes.
        suspects: codes of ``signing.suspects`` for the file.
    """

    covers_all: bool = True
    issued: bool = False
    changes: tuple[str, ...] = ()
    docmdp_allows: bool = True
    suspects: tuple[str, ...] = ()
    is_duplicate: bool = False
    is_well_formed: bool = True


def judge(facts: Facts, around: Surroundings, at: datetime) -> tuple[Verdict, str]:
    """Return the worst finding; among equals, the first. Green needs that there is no finding against it."""
    found = list(_findings(facts, around, at))
    worst = max(found, key=lambda one: _SEVERITY[one[0]], default=None)
    if worst is not None:
        return worst
    if around.covers_all:
        return Verdict.GREEN, "ok"
    return Verdict.GREEN, "countersigned" if around.issued else "validation_data"


def _findings(facts: Facts, around: Surroundings, at: datetime) -> Iterator[tuple[Verdict, str]]:
    if not (facts.is_sound and around.is_well_formed):
        yield Verdict.RED, "broken"
    if around.is_duplicate:
        yield Verdict.RED, "duplicate_field"
    if not (around.covers_all or around.issued):
        yield from _after(around.changes, allowed=around.docmdp_allows)
    yield from _times(facts, at)
    if facts.problem:
        yield (
            (Verdict.RED if facts.problem in ("revoked", "wrong_purpose", "training") else Verdict.AMBER),
            facts.problem,
        )
    for suspect in around.suspects:
        yield Verdict.AMBER, suspect


def _after(changes: Sequence[str], *, allowed: bool) -> Iterator[tuple[Verdict, str]]:
    if not set(changes) <= HARMLESS | SIGNATURES or not allowed:
        yield Verdict.RED, "modified_after"
    elif SIGNATURES & set(changes):
        yield Verdict.AMBER, "signed_again"
    elif not changes:
        yield Verdict.AMBER, "bytes_after"


def _times(facts: Facts, at: datetime) -> Iterator[tuple[Verdict, str]]:
    latest = at + CLOCKS_MAY_DIFFER
    if facts.stamp_broken:
        yield Verdict.AMBER, "timestamp_broken"
    elif facts.stamp_time is not None and facts.stamp_time > latest:
        yield Verdict.RED, "timestamp_future"
    if facts.claimed is not None and facts.claimed > latest:
        yield Verdict.AMBER, "signed_in_future"
