"""Checks what came with entities that were taken in: their journal as it was signed, and the entries that are shown of it."""

import hashlib
import json
import zipfile
from collections.abc import Callable, Collection, Iterator
from io import BytesIO
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import audit
from ged.audit import GENESIS, AuditEntry, AuditPayload
from ged.taken import SUBJECTS, TakenEntity, TakenEntry

TAKEN_IN = "entity.taken_in"
UNPROVEN = (OSError, ValueError, KeyError, TypeError, InvalidSignature, zipfile.BadZipFile)
"""What is raised where a stored proof is not what the key signed."""


def broken(session: Session) -> Iterator[tuple[str, str]]:
    """(code, place) of each fault: ``taken.unrecorded``: the journal here does not name this entity, its key and its proof;
    ``taken.proof_altered``: the stored proof is not what the key signed; ``taken.entry_altered``: a shown entry differs from
    it; ``taken.entry_missing``."""
    recorded = _recorded(session)
    entities = list(session.scalars(select(TakenEntity).order_by(TakenEntity.id)))
    for one in entities:
        where = f"entity {one.code}"
        if _named(one) not in recorded:
            yield "taken.unrecorded", where
        try:
            lines = {entry["sequence"]: entry for entry in _proven(one)}
        except UNPROVEN:
            yield "taken.proof_altered", where
            continue
        yield from _compared(session, one, lines, where)
    missing = recorded - {_named(one) for one in entities}
    yield from (("taken.unrecorded", f"manifest {manifest}") for manifest, _key, _proof in sorted(missing, key=str))


def entries(session: Session, one: TakenEntity, actions: Collection[str]) -> list[dict[str, Any]] | str:
    """The entries of these actions in the other journal, in its order and with the ids there; or the code of what is wrong with it, as in
    ``broken``. The rows that are shown of it are not read: the stored proof is, as it was signed."""
    if _named(one) not in _recorded(session):
        return "taken.unrecorded"
    try:
        return [entry for entry in _proven(one) if entry["action"] in actions]
    except UNPROVEN:
        return "taken.proof_altered"


def _recorded(session: Session) -> set[tuple[object, ...]]:
    """Manifest, key and proof of each entity, as the journal here names them."""
    rows = session.scalars(
        select(AuditPayload.payload)
        .join(AuditEntry, AuditEntry.sequence == AuditPayload.sequence)
        .where(AuditEntry.action == TAKEN_IN)
    )
    return {(payload.get("manifest"), payload.get("key"), payload.get("proof")) for payload in rows}


def _named(one: TakenEntity) -> tuple[object, ...]:
    return one.manifest_sha256, _key_digest(one.key_pem), one.proof_sha256


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
    except ValueError:
        return None


def _key_digest(pem: str) -> str:
    return hashlib.sha256(pem.encode()).hexdigest()


def _proven(one: TakenEntity) -> Iterator[dict[str, Any]]:
    """The entries of the stored proof, in order.

    Raises:
        ValueError, KeyError, InvalidSignature, ...: it is not what the key signed.
    """
    if hashlib.sha256(one.proof).hexdigest() != one.proof_sha256:
        raise ValueError("other bytes")
    with zipfile.ZipFile(BytesIO(one.proof)) as packed:
        manifest = packed.read("manifest.json")
        key = serialization.load_pem_public_key(one.key_pem.encode())
        if not isinstance(key, Ed25519PublicKey) or hashlib.sha256(manifest).hexdigest() != one.manifest_sha256:
            raise ValueError("another manifest")
        key.verify(bytes.fromhex(packed.read("manifest.sig").decode("ascii")), manifest)
        listed = {part["path"]: part["sha256"] for part in json.loads(manifest)["files"]}
        parts = {path: packed.read(path) for path in ("journal/hashes.bin", "journal/entries.jsonl")}
    if any(hashlib.sha256(content).hexdigest() != listed[path] for path, content in parts.items()):
        raise ValueError("another journal")
    hashes = parts["journal/hashes.bin"]
    for line in parts["journal/entries.jsonl"].splitlines():
        entry = json.loads(line)
        number = entry["sequence"]
        before = hashes[32 * (number - 2) : 32 * (number - 1)].hex() if number > 1 else GENESIS
        digest = hashlib.sha256(audit.canonical([entry[name] for name in audit.HASHED])).hexdigest()
        if (digest, before) != (hashes[32 * (number - 1) : 32 * number].hex(), entry["previous_hash"]):
            raise ValueError("an entry is not at its place")
        if "payload" in entry and audit.payload_digest(entry["salt"], entry["payload"]) != entry["payload_digest"]:
            raise ValueError("another payload")
        yield entry


def _compared(
    session: Session, one: TakenEntity, lines: dict[int, dict[str, Any]], where: str
) -> Iterator[tuple[str, str]]:
    left = dict(lines)
    rows = session.scalars(select(TakenEntry).where(TakenEntry.entity_id == one.id).order_by(TakenEntry.sequence))
    for row in rows.yield_per(1_000):
        signed_entry = left.pop(row.sequence, None)
        if signed_entry is None or not _is_same(one, row, signed_entry):
            yield "taken.entry_altered", f"{where} {row.sequence}"
    for number in sorted(left):
        yield "taken.entry_missing", f"{where} {number}"


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
