"""An entity that is exported from the browser: asked for, written and sealed by a job, fetched once, removed after some days.

It holds all letters of the entity, and the common stock: so whoever runs the whole installation asks for it, and nobody of the
entity alone. That person may not read the letters, so the file is sealed for the installation that takes the entity in
(``ged.transfer.sealed``). The sealed file lies in the data folder under the id of its job, and in no table: nothing of it is
left when it is removed, and what is known of it is in the journal.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate
from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import schema
from ged.capture.files import private_dir
from ged.durable import make_folder, replace_file, sync_folder
from ged.errors import Forbidden, Invalid, InvalidTransition, NotFound
from ged.jobs import LIVE_STATES, Job, JobKind, JobState
from ged.org.actors import load_actor
from ged.org.models import Person, Unit
from ged.org.tree import runs_installation
from ged.space import disk_full_of
from ged.taken import TakenEntity
from ged.transfer import sealed
from ged.transfer.export import export, exportable_id
from ged.unit import SYSTEM, Actor, Role, Services, UnitOfWork

OPENED_BY = "0191"
"""The contraction that opens the job: a program of the release before cannot read it."""
FOLDER = "leaving"
RECEIVERS = "receivers"
"""Folder of the accepted certificates, each under its fingerprint; who removes one accepts it no more."""
KEPT = timedelta(days=7)
"""How long a sealed file waits to be fetched."""
FETCHED_KEPT = timedelta(hours=1)
"""How long it can be fetched once more, where the connection broke."""
SHOWN = 20
TYPED = 16
"""Digits of the fingerprint that a person types."""
_FILE = re.compile(r"\d+\.(?:zip|fetched|part)")


@dataclass(frozen=True)
class LeavingRow:
    """An export that somebody asked for: its job, and its sealed file while that is on the disk.

    Attributes:
        fingerprint: of the receiver's certificate, in hexadecimal digits.
        size_bytes: of the sealed file; None: it is not made yet, or is removed.
        fetched_at: when the file was fetched first; None as ``size_bytes``, or nobody fetched it yet.
        expires_at: when the file is removed; None as ``size_bytes``.
    """

    id: int
    unit_name: str
    person_name: str
    asked_at: datetime
    fingerprint: str
    state: JobState
    progress: str
    error_code: str
    size_bytes: int | None
    fetched_at: datetime | None
    expires_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it waits or is being made."""
        return self.state in LIVE_STATES


def entities(session: Session) -> list[tuple[str, str]]:
    """Code and name of the open entities that were not taken in from elsewhere."""
    taken = select(TakenEntity.unit_id)
    rows = session.execute(
        select(Unit.code, Unit.name)
        .where(Unit.is_entity, Unit.closed_at.is_(None), Unit.id.not_in(taken))
        .order_by(Unit.name, Unit.id)
    )
    return [(code, f"{name} ({code})") for code, name in rows]


def exports(services: Services, session: Session) -> list[LeavingRow]:
    """The last exports, the newest first."""
    rows = session.execute(
        select(Job, Unit.name)
        .join(Unit, Unit.id == Job.subject_id)
        .where(Job.kind == JobKind.ENTITY_EXPORT)
        .order_by(Job.id.desc())
        .limit(SHOWN)
    ).all()
    people = {int(job.params["person"]) for job, _name in rows}
    names = dict(iter(session.execute(select(Person.id, Person.name).where(Person.id.in_(people)))))
    return [_leaving_row(services, job, name, names.get(int(job.params["person"]), "")) for job, name in rows]


def _leaving_row(services: Services, job: Job, unit_name: str, person_name: str) -> LeavingRow:
    size, made, fetched = None, None, None
    for place, is_fetched in ((_place(services, job.id), False), (_fetched(services, job.id), True)):
        try:
            found = place.stat()
        except FileNotFoundError:
            continue
        size, made = found.st_size, datetime.fromtimestamp(found.st_mtime, UTC)
        fetched = made if is_fetched else None
    expires = None if made is None else made + (FETCHED_KEPT if fetched else KEPT)
    return LeavingRow(
        job.id, unit_name, person_name, job.created_at, str(job.params["fingerprint"]), job.state, job.progress or "",
        job.error_code, size, fetched, expires,
    )  # fmt: skip


def _place(services: Services, job_id: int) -> Path:
    return Path(services.data_dir) / FOLDER / f"{job_id}.zip"


def _fetched(services: Services, job_id: int) -> Path:
    return _place(services, job_id).with_suffix(".fetched")


def _check(actor: Actor, services: Services) -> None:
    if not (actor.has(Role.ADMINISTRATOR) and runs_installation(actor, services.installation_accounts)):
        raise Forbidden("entity.not_yours", "ask who administers the whole installation")


def accept(services: Services, certificate: bytes, typed: str, *, now: datetime) -> str:
    """Let entities be sealed for the holder of a certificate; a command of the server. Returns the fingerprint.

    Raises:
        Invalid: ``entity.certificate``, ``entity.fingerprint``.
    """
    found = sealed.receiver(certificate, now=now)
    digest = _fingerprint(found, typed)
    place = _receiver(services, digest)
    make_folder(place.parent, mode=0o700)
    replace_file(place, found.public_bytes(Encoding.PEM))
    with services.unit_of_work(now) as uow:
        uow.record("entity.receiver_accepted", "installation", None, actor=SYSTEM, receiver=digest)
    return digest


def _fingerprint(certificate: Certificate, typed: str) -> str:
    """The fingerprint of a certificate, of which somebody typed the first digits."""
    digest = sealed.fingerprint(certificate)
    plain = re.sub(r"[^0-9a-f]", "", typed.casefold())
    if len(plain) < TYPED or not digest.startswith(plain):
        raise Invalid("entity.fingerprint", "ask the receiver for it another way", field="fingerprint")
    return digest


def _receiver(services: Services, fingerprint: str) -> Path:
    return Path(services.data_dir) / RECEIVERS / f"{fingerprint}.crt"


def _check_receiver(services: Services, fingerprint: str) -> None:
    if not _receiver(services, fingerprint).exists():
        raise Forbidden("entity.receiver_unknown", "have it accepted on the server: ged entity accept")


def ask(uow: UnitOfWork, code: str, certificate: bytes, typed: str, *, actor: Actor) -> None:
    """Have an entity written and sealed for the holder of a certificate.

    Args:
        typed: the first digits of the certificate's fingerprint, as the receiver told them another way.

    Raises:
        Forbidden: ``entity.not_yours``, ``entity.receiver_unknown``; NotFound: ``entity.unknown``; InvalidTransition: ``entity.entangled``,
            ``entity.came_from_elsewhere``, ``entity.being_written``.
        Invalid: ``entity.certificate``, ``entity.fingerprint``; ``upgrade.not_finished``.
    """
    _check(actor, uow.services)
    schema.require_opened(uow.session, OPENED_BY)
    receiver = sealed.receiver(certificate, now=uow.now)
    digest = _fingerprint(receiver, typed)
    _check_receiver(uow.services, digest)
    unit_id = exportable_id(uow.session, code)
    waiting = select(Job.id).where(
        Job.kind == JobKind.ENTITY_EXPORT, Job.subject_id == unit_id, Job.state.in_(LIVE_STATES)
    )
    if uow.session.scalar(waiting.limit(1)) is not None:
        raise InvalidTransition("entity.being_written", "wait until the other run has ended", path=code)
    params = {
        "code": code,
        "person": int(actor.person_id),
        "fingerprint": digest,
        "certificate": receiver.public_bytes(Encoding.PEM).decode(),
    }
    uow.defer(JobKind.ENTITY_EXPORT, unit_id, params=params)
    uow.record("entity.export_asked", "entity", unit_id, actor=actor, code=code, receiver=digest)


def make(
    services: Services, job_id: int, params: Mapping[str, Any], *, heartbeat: Callable[[str], None], now: datetime
) -> None:
    """Write an entity and seal it; interrupted, it is begun again from the beginning. What is made stays as it is.

    Raises:
        Forbidden: ``entity.not_yours``: who asked administers the installation no more; ``entity.receiver_unknown``.
        As ``ged.transfer.export.export``; DiskFull: ``disk.full``.
    """
    place = _place(services, job_id)
    if place.exists() or _fetched(services, job_id).exists():
        return
    with services.reading() as session:
        actor = load_actor(session, int(params["person"]), on=now.astimezone(services.zone).date())
    _check(actor, services)
    receiver = sealed.receiver(str(params["certificate"]).encode(), now=now)
    _check_receiver(services, sealed.fingerprint(receiver))
    make_folder(place.parent, mode=0o700)
    part = place.with_suffix(".part")
    try:
        with private_dir(services) as folder:
            export(services, str(params["code"]), folder / "entity", actor=actor, now=now, progress=heartbeat)
            heartbeat("seal")
            part.unlink(missing_ok=True)
            sealed.seal(folder / "entity", part, receiver)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise disk_full_of(error) or error from error
    part.chmod(0o600)
    part.rename(place)
    # Before the job is noted as done: after that nobody would make the file again.
    sync_folder(place.parent)


def fetch(services: Services, job_id: int, *, actor: Actor, now: datetime) -> tuple[BinaryIO, str]:
    """The sealed file and its name. It goes an hour after it was fetched first.

    Raises:
        Forbidden: ``entity.not_yours``; NotFound: ``entity.export_gone``.
    """
    _check(actor, services)
    place, fetched = _place(services, job_id), _fetched(services, job_id)
    with services.reading() as session:
        job = session.get(Job, job_id)
        if job is None or job.kind is not JobKind.ENTITY_EXPORT:
            raise _gone(job_id)
        unit_id, code = job.subject_id, str(job.params["code"])
    _expire(place, fetched, now)
    if not place.exists() and not fetched.exists():
        raise _gone(job_id)
    with services.unit_of_work(now) as uow:
        uow.record("entity.export_fetched", "entity", unit_id, actor=actor, job=job_id)
    try:
        if place.exists():
            os.utime(place, (now.timestamp(), now.timestamp()))
            place.rename(fetched)
        return fetched.open("rb"), f"{code}.ged-entity.zip"
    except FileNotFoundError:
        raise _gone(job_id) from None


def _gone(job_id: int) -> NotFound:
    return NotFound("entity.export_gone", "ask for the export again", id=job_id)


def drop(services: Services, job_id: int, *, actor: Actor, now: datetime) -> None:
    """Remove a sealed file before its time.

    Raises:
        Forbidden: ``entity.not_yours``; NotFound: ``entity.export_gone``.
    """
    _check(actor, services)
    with services.unit_of_work(now) as uow:
        job = uow.session.get(Job, job_id)
        if job is None or job.kind is not JobKind.ENTITY_EXPORT:
            raise _gone(job_id)
        uow.record("entity.export_dropped", "entity", job.subject_id, actor=actor, job=job_id)
    for place in (_place(services, job_id), _fetched(services, job_id)):
        place.unlink(missing_ok=True)


def _expire(place: Path, fetched: Path, now: datetime) -> int:
    removed = 0
    for one, kept in ((place, KEPT), (fetched, FETCHED_KEPT), (place.with_suffix(".part"), KEPT)):
        try:
            if one.stat().st_mtime < (now - kept).timestamp():
                one.unlink()
                removed += 1
        except FileNotFoundError:
            continue
    return removed


def forget(services: Services, *, now: datetime) -> int:
    """Remove the sealed files that nobody fetched in time, and those that were fetched; returns how many."""
    folder = Path(services.data_dir) / FOLDER
    found = {path.with_suffix("") for path in folder.glob("*") if _FILE.fullmatch(path.name)}
    return sum(_expire(one.with_suffix(".zip"), one.with_suffix(".fetched"), now) for one in found)
