"""Checks what came with entities that were taken in: their journal as it was signed, and the entries that are shown of it."""

import hashlib
import json
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import audit
from ged.audit import GENESIS, AuditEntry, AuditPayload
from ged.taken import SUBJECTS, TakenEntity, TakenEntry

TAKEN_IN = "entity.taken_in"
UNPROVEN = (
    OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError,
    InvalidSignature, UnsupportedAlgorithm, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error,
)  # fmt: skip
"""What is raised where a stored proof is not what the key signed: it may be any bytes. ``NotImplementedError`` (another way of packing)
and ``RecursionError`` are a ``RuntimeError``."""
_TIMES = 64
"""A part that is read whole is at most so many times larger than it is packed: the texts of a manifest pack less than 10 times."""
_LINE_BYTES = 1 << 21
"""An entry is one line, and no larger: its parsed values take some 20 times its bytes."""
_CHUNK_BYTES = 1 << 20


@dataclass
class Arrivals:
    """The entities that were taken in, as the journal here names them.

    Attributes:
        entities: those whose row is what the journal's entry of their arrival says.
        faults: (``taken.unrecorded``, place) of each entry that was altered, of each whose entity has no such row, and of each row that no
            entry names.
        sequences: the entries that were read.
    """

    entities: list[TakenEntity]
    faults: list[tuple[str, str]]
    sequences: list[int]


def broken(session: Session) -> Iterator[tuple[str, str]]:
    """(code, place) of each fault: ``taken.unrecorded``: the journal here does not name this entity as its row is, or its row is gone;
    ``taken.proof_altered``: the stored proof is not what the key signed; ``taken.entry_altered``: a shown entry differs from
    it; ``taken.entry_missing``."""
    yield from arrivals(session).faults
    for one in _entities(session):
        where = f"entity {one.code}"
        try:
            yield from _compared(session, one, where)
        except UNPROVEN:
            yield "taken.proof_altered", where


def signed_entries(one: TakenEntity, actions: Collection[str]) -> Iterator[dict[str, Any]]:
    """The entries of these actions in the journal of an entity of ``Arrivals``, in its order and with the ids there. The rows that
    are shown of it are not read: the stored proof is, as it was signed. Only after the last entry is all of it proven.

    Raises:
        one of ``UNPROVEN``: the stored proof is not what the key signed.
    """
    return (entry for entry in _proven(one) if entry["action"] in actions)


def arrivals(session: Session) -> Arrivals:
    """Read the arrivals of entities from the journal, and compare them with the rows of the entities."""
    rows = {one.manifest_sha256: one for one in _entities(session)}
    found: dict[int, TakenEntity] = {}
    places, sequences = list[str](), list[int]()
    entries = session.execute(
        select(AuditEntry, AuditPayload)
        .outerjoin(AuditPayload, AuditPayload.sequence == AuditEntry.sequence)
        .where(AuditEntry.action == TAKEN_IN)
        .order_by(AuditEntry.sequence)
    )
    for entry, details in entries:
        sequences.append(entry.sequence)
        # No act erases the details of an arrival, so details that are gone were deleted by hand.
        if (
            entry.sequence < 1  # no chain holds it
            or not audit.holds_hash(entry)
            or details is None
            or not audit.holds_digest(entry.payload_digest, details.salt, details.payload)
        ):
            places.append(f"entry {entry.sequence}")
            continue
        one = rows.get(str(details.payload.get("manifest")))
        if one is None:
            places.append(f"manifest {details.payload.get('manifest')}")
        elif _is_as_named(one, details.payload):
            found[one.id] = one
    places += [f"entity {one.code}" for one in rows.values() if one.id not in found]
    return Arrivals(list(found.values()), [("taken.unrecorded", place) for place in places], sequences)


def _entities(session: Session) -> Sequence[TakenEntity]:
    return session.scalars(select(TakenEntity).order_by(TakenEntity.id)).all()


def _is_as_named(one: TakenEntity, payload: dict[str, Any]) -> bool:
    """Whether a row is what the entry of its arrival says. An entry of an earlier release may say less."""
    proven = (payload.get("key"), payload.get("proof")) == (_key_digest(one.key_pem), one.proof_sha256)
    said = {"code": one.code, "prefix": one.prefix, "offsets": one.offsets}
    return proven and all(payload[name] == value for name, value in said.items() if name in payload)


def seals(session: Session) -> Callable[[dict[str, Any], str], bool]:
    """Return a function that says whether a closing's seal was made by the installation from which its register came."""
    known = [
        (key, offsets.get("registers", 0))
        for pem, offsets in session.execute(select(TakenEntity.key_pem, TakenEntity.offsets))
        if isinstance(key := _key(pem), Ed25519PublicKey)
    ]

    def is_signed(body: dict[str, Any], signature: str) -> bool:
        for key, offset in known:
            try:
                key.verify(
                    bytes.fromhex(signature), audit.canonical(body | {"register": int(body["register"]) - offset})
                )
            except (ValueError, InvalidSignature):
                continue
            return True
        return False

    return is_signed


def _key(pem: str) -> object:
    try:
        return serialization.load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        return None


def _key_digest(pem: str) -> str:
    return hashlib.sha256(pem.encode()).hexdigest()


def _proven(one: TakenEntity) -> Iterator[dict[str, Any]]:
    """The entries of the stored proof, in order.

    Each is verified as it is read, and the digest of all of them after the last.

    Raises:
        one of ``UNPROVEN``: it is not what the key signed.
    """
    if hashlib.sha256(one.proof).hexdigest() != one.proof_sha256:
        raise ValueError("other bytes")
    with zipfile.ZipFile(BytesIO(one.proof)) as packed:
        manifest = _part(packed, "manifest.json")
        key = serialization.load_pem_public_key(one.key_pem.encode())
        if not isinstance(key, Ed25519PublicKey) or hashlib.sha256(manifest).hexdigest() != one.manifest_sha256:
            raise ValueError("another manifest")
        key.verify(bytes.fromhex(_part(packed, "manifest.sig").decode("ascii")), manifest)
        listed = {part["path"]: part["sha256"] for part in json.loads(manifest)["files"]}
        hashes = _part(packed, "journal/hashes.bin")
        if hashlib.sha256(hashes).hexdigest() != listed["journal/hashes.bin"]:
            raise ValueError("another journal")
        digest, last = hashlib.sha256(), 0
        for line in _lines(packed, "journal/entries.jsonl"):
            digest.update(line)
            entry = _at_its_place(json.loads(line), hashes)
            if entry["sequence"] <= last:  # a line may be repeated without end
                raise ValueError("not in order")
            last = entry["sequence"]
            yield entry
        if digest.hexdigest() != listed["journal/entries.jsonl"]:
            raise ValueError("another journal")


def _part(packed: zipfile.ZipFile, path: str) -> bytes:
    """The bytes of a part that is read whole. A few bytes may else unpack to more than the memory holds."""
    info = _info(packed, path)
    if info.file_size > _TIMES * info.compress_size + _CHUNK_BYTES:
        raise ValueError("too large")
    return packed.read(info)


def _lines(packed: zipfile.ZipFile, path: str) -> Iterator[bytes]:
    with packed.open(_info(packed, path)) as part:
        while line := part.readline(_LINE_BYTES):
            if len(line) == _LINE_BYTES:
                raise ValueError("too long a line")
            yield line


def _info(packed: zipfile.ZipFile, path: str) -> zipfile.ZipInfo:
    """A part as it was packed (``ged.transfer.package``). Other ways of packing unpack without a bound."""
    info = packed.getinfo(path)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("packed in another way")
    return info


def _at_its_place(entry: dict[str, Any], hashes: bytes) -> dict[str, Any]:
    number = entry["sequence"]
    before = hashes[32 * (number - 2) : 32 * (number - 1)].hex() if number > 1 else GENESIS
    digest = hashlib.sha256(audit.canonical([entry[name] for name in audit.HASHED])).hexdigest()
    if (digest, before) != (hashes[32 * (number - 1) : 32 * number].hex(), entry["previous_hash"]):
        raise ValueError("an entry is not at its place")
    if "payload" in entry and audit.payload_digest(entry["salt"], entry["payload"]) != entry["payload_digest"]:
        raise ValueError("another payload")
    return entry


def _compared(session: Session, one: TakenEntity, where: str) -> Iterator[tuple[str, str]]:
    """The shown entries beside the signed ones, both in their order: no journal is held in memory.

    Raises:
        one of ``UNPROVEN``
    """
    query = select(TakenEntry).where(TakenEntry.entity_id == one.id).order_by(TakenEntry.sequence)
    # Closed also where the proof is not what was signed: PostgreSQL keeps the rows that nobody asked for.
    with session.scalars(query.execution_options(yield_per=1_000)) as shown:
        rows = iter(shown)
        row = next(rows, None)
        for entry in _proven(one):
            while row is not None and row.sequence < entry["sequence"]:
                yield "taken.entry_altered", f"{where} {row.sequence}"
                row = next(rows, None)
            if row is None or row.sequence != entry["sequence"]:
                yield "taken.entry_missing", f"{where} {entry['sequence']}"
                continue
            if not _is_same(one, row, entry):
                yield "taken.entry_altered", f"{where} {row.sequence}"
            row = next(rows, None)
        while row is not None:
            yield "taken.entry_altered", f"{where} {row.sequence}"
            row = next(rows, None)


def _is_same(one: TakenEntity, row: TakenEntry, signed_entry: dict[str, Any]) -> bool:
    """Whether an entry is shown as it was signed. A person or post that did not come with the entity is shown as nobody."""

    def is_here(shown: int | None, there: int | None, table: str) -> bool:
        return shown is None or (there is not None and shown == there + one.offsets.get(table, 0))

    return (
        (row.at.isoformat(timespec="microseconds"), row.action, row.subject_kind, row.payload)
        == (signed_entry["at"], signed_entry["action"], signed_entry["subject_kind"], signed_entry.get("payload"))
        and is_here(row.person_id, signed_entry["person_id"], "people")
        and is_here(row.acting_for_post_id, signed_entry["acting_for_post_id"], "posts")
        and row.subject_id is not None
        and is_here(row.subject_id, signed_entry["subject_id"], SUBJECTS[signed_entry["subject_kind"]])
    )
