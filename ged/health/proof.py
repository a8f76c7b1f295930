"""Checks of what proves later: the journal's seal, the last verification, certificates, the last backup."""

import json
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import audit
from ged.archive import copies
from ged.archive.keeping import seal_folder
from ged.archive.seal import HeadSeal, journal_seal
from ged.audit import AuditEntry
from ged.durable import make_folder, replace_file
from ged.errors import ConfigError, GedError
from ged.health.findings import Figures, Finding, fault, not_applicable, ok, warning
from ged.health.ground import Ground
from ged.org.keys import renewals_asked
from ged.reports.certificates import ENDS_SOON, authority_ends, people_certificates
from ged.resuming.queries import waiting_codes
from ged.unit import Services

UNSEALED_AFTER = timedelta(minutes=20)
"""The journal's head is sealed every five minutes while entries are written."""
VERIFIED_WITHIN = timedelta(days=35)
"""``ged verify`` is to be run each month."""
SHOWN_CODES = 10
VERIFIED = Path("run") / "verified.json"
"""In the data folder: the last end of ``ged verify``. A restored copy has none, and is to be verified."""


def oldest_unsealed(session: Session, services: Services) -> datetime | None:
    """When the oldest entry of the journal that no sealed head covers was written."""
    sealed = HeadSeal(seal_folder(services)).last()
    behind = AuditEntry.sequence > (sealed.count if sealed is not None else 0)
    return session.scalar(select(AuditEntry.at).where(behind).order_by(AuditEntry.sequence).limit(1))


def seal(ground: Ground) -> Finding:
    """Whether the journal's head was sealed lately."""
    services = ground.serving
    # Before the journal: a head that is sealed after its entries were counted would make it look cut.
    sealed = HeadSeal(seal_folder(services)).last()
    with ground.reading() as session:
        oldest, entries = oldest_unsealed(session, services), audit.head(session).count
    figures: Figures = {
        "entries": entries,
        "sealed": sealed.count if sealed else 0,
        "sealed_at": sealed.at if sealed else "",
    }
    if not entries:
        return not_applicable("empty")
    if sealed is not None and sealed.count > entries:
        return fault("cut", **figures)
    if oldest is not None and ground.now - oldest > UNSEALED_AFTER:
        waited_s = round((ground.now - oldest).total_seconds())
        return fault("never" if sealed is None else "old", waited_s=waited_s, **figures)
    return ok(**figures) if sealed is not None else ok("soon", **figures)


def registers(ground: Ground) -> Finding:
    """Whether registers still wait, after a restore, for the last number on paper."""
    with ground.reading() as session:
        codes = waiting_codes(session)
    return warning("waiting", registers=len(codes), names=", ".join(codes[:SHOWN_CODES])) if codes else ok()


def secret(ground: Ground) -> Finding:
    """Whether the secret of the settings is that of the data: it opens the journal's key."""
    services = ground.serving
    if not (seal_folder(services) / "journal.key").exists():
        return not_applicable("no_key")
    try:
        journal_seal(services).sign({"check": "secret"})
    except ConfigError:
        return fault("other")
    return ok()


def verified(ground: Ground) -> Finding:
    """When ``ged verify`` last proved everything, and what it said."""
    try:
        verification = json.loads((ground.data / VERIFIED).read_text(encoding="utf-8"))
        at, problems = datetime.fromisoformat(verification["at"]), int(verification["problems"])
        entries = int(verification["entries"])
    except FileNotFoundError:
        return warning("never")
    except (ValueError, KeyError, TypeError):
        return warning("unreadable")
    figures: Figures = {"verified_at": at.isoformat(), "entries": entries, "problems": problems}
    if problems:
        return fault("wrong", **figures)
    return warning("old", **figures) if ground.now - at > VERIFIED_WITHIN else ok(**figures)


def note_verified(data: Path, *, at: datetime, entries: int, problems: int) -> None:
    """Note the end of ``ged verify`` for ``verified``; a folder that takes no file is no reason to fail."""
    path = data / VERIFIED
    said = json.dumps({"at": at.isoformat(), "entries": entries, "problems": problems})
    try:
        make_folder(path.parent, mode=0o700)
        replace_file(path, said.encode())
    except OSError:
        return


def authority(ground: Ground) -> Finding:
    """The certificates and the revocation list of our own certificate authority."""
    revocation = ground.serving.revocation
    standing = revocation.standing() if revocation is not None else None
    if revocation is None or standing is None:
        return not_applicable("none")
    for which, ends in authority_ends(revocation).items():
        if ends <= ground.now + ENDS_SOON:
            return (fault if ends <= ground.now else warning)("ends", which=which, ends_at=ends.isoformat())
    if standing.list_until is not None and standing.is_protected and standing.list_until <= ground.now:
        return fault("list", ends_at=standing.list_until.isoformat())
    if standing.ends_soon(ground.now):
        return warning("list", ends_at=standing.list_until.isoformat() if standing.list_until else "")
    if not standing.is_protected:
        return warning("trial")
    return ok(ends_at=standing.list_until.isoformat() if standing.list_until else "")


def institution(ground: Ground) -> Finding:
    """The certificate of the institution's seal."""
    sealer = ground.serving.sealer
    if sealer is None:
        return not_applicable("none")
    try:
        found = sealer.certificate()
    except GedError as error:
        return fault("unreadable", error=error.code, remedy=error.remedy)
    if found is None:
        return not_applicable("none")
    figures: Figures = {"subject": found.subject, "ends_at": found.not_after.isoformat()}
    if found.not_after <= ground.now:
        return fault("ended", **figures)
    return warning("ends", **figures) if found.not_after <= ground.now + ENDS_SOON else ok(**figures)


def people(ground: Ground) -> Finding:
    """The certificates of people's keys in use that end soon."""
    soon = ground.now + ENDS_SOON
    with ground.reading() as session:
        ends = people_certificates(session)
        waiting = len(renewals_asked(session))
    if not ends:
        return not_applicable("none")
    ended, ending = sum(one <= ground.now for one in ends), sum(ground.now < one <= soon for one in ends)
    figures: Figures = {
        "keys": len(ends),
        "ended": ended,
        "ending": ending,
        "waiting": waiting,
        "first_at": ends[0].isoformat(),
    }
    if ended:
        return warning("ended", **figures)
    if waiting:
        return warning("waiting", **figures)
    return warning("ending", **figures) if ending else ok(**figures)


def backup(ground: Ground) -> Finding:
    """How old the last good backup is."""
    with ground.reading() as session:
        at = copies.last_made(session)
    if at is None:
        return warning("never")
    age = ground.now - at
    figures: Figures = {"made_at": at.isoformat(), "age_s": round(age.total_seconds())}
    if age > copies.OLD_AFTER:
        return fault("old", **figures)
    return warning("old", **figures) if age > copies.LATE_AFTER else ok(**figures)
