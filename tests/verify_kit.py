"""Case files for ``ged_verify.py``, sound or forged, made directly with a test's own keys: no letter is registered."""

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from functools import cache
from pathlib import Path
from typing import Any

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ged.archive import merkle
from ged.audit import canonical
from ged.recognition import jobs as recognition
from ged.register.models import AttachmentKind
from ged.register.operations import SourcePage, attach
from ged.unit import Services
from tests import pages
from tests.factories import actor
from tests.pki_kit import NOW, YEAR, Holder, Ministry, holder, order_pdf, signed

COLUMNS = (
    "sequence", "at", "person_id", "post_id", "acting_for_post_id", "action", "subject_kind", "subject_id",
    "payload_digest", "previous_hash",
)  # fmt: skip
STAMPED_AT = datetime(2026, 3, 2, 18, 30, tzinfo=NOW.tzinfo)
STAMPING = (ExtendedKeyUsageOID.TIME_STAMPING,)


class FrozenClock(datetime):
    """Replaces ``ged_verify.datetime``: now is ``NOW``."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """``NOW`` in a zone; without a zone, as naive local time."""
        return NOW.astimezone(tz) if tz else NOW.replace(tzinfo=None)


@cache
def journal_key() -> ed25519.Ed25519PrivateKey:
    """The private key that seals the journal."""
    return ed25519.Ed25519PrivateKey.generate()


@cache
def other_key() -> ed25519.Ed25519PrivateKey:
    """The private key of a forger."""
    return ed25519.Ed25519PrivateKey.generate()


@cache
def ministry() -> Ministry:
    """A root, a signer and a time-stamp authority."""
    return Ministry()


@cache
def stamper(kind: str = "p256") -> Holder:
    """A time-stamp authority under the ministry's root, with a key of this kind."""
    bits = 2048 if kind == "rsa" else 0
    if kind in ("p256", "rsa"):
        return holder("Horodateur", ministry().root, usage="digital_signature", purposes=STAMPING, rsa_bits=bits)
    made: Any = {
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "ed448": ed448.Ed448PrivateKey.generate,
        "dsa": lambda: dsa.generate_private_key(1024),
    }[kind]()
    return Holder(certificate(made.public_key(), "Horodateur", ministry().root), made, ministry().root)


def certificate(public: Any, name: str, issuer: Holder) -> x509.Certificate:
    """A certificate for the time-stamping key ``public``, of any kind."""
    builder = x509.CertificateBuilder(
        issuer.certificate.subject, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), public, 77,
        NOW - YEAR, NOW + YEAR,
    )  # fmt: skip
    builder = builder.add_extension(x509.ExtendedKeyUsage(STAMPING), critical=True)
    return builder.sign(issuer.key, hashes.SHA256())


def pem_of(key: Any) -> bytes:
    """A public key as PEM."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


# --- time-stamps, built field by field


@dataclass
class Token:
    """An RFC 3161 token to build, with the faults that a test wants.

    Attributes:
        told: the time that the token states, as the bytes of a GeneralizedTime.
        digest: name of the algorithm of the imprint and of the signed attributes.
        imprint: replaces the true digest of the stamped bytes.
        message_digest: replaces the true digest of the token's content.
        embedded: certificates in the token; by default the signer's and those of its issuers.
    """

    signer: Holder
    stamped: bytes
    told: bytes = b"20260302183000Z"
    digest: str = "sha256"
    imprint: bytes | None = None
    message_digest: bytes | None = None
    content_type: str = "tst_info"
    embedded: Sequence[Holder] | None = None
    infos: int = 1

    def made(self) -> bytes:
        """The token as DER."""
        content = self._content().dump()
        attributes = self._attributes(content)
        info = cms.SignerInfo({
            "version": "v1",
            "sid": cms.SignerIdentifier({"issuer_and_serial_number": self._serial()}),
            "digest_algorithm": {"algorithm": self.digest},
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha256_rsa"},
            "signature": signature(self.signer.key, attributes.untag().dump(), self.digest),
        })  # fmt: skip
        held = self._chain() if self.embedded is None else self.embedded
        value = cms.SignedData({
            "version": "v3",
            "digest_algorithms": [{"algorithm": self.digest}],
            "encap_content_info": {"content_type": self.content_type, "content": core.ParsableOctetString(content)},
            "signer_infos": [info] * self.infos,
        })  # fmt: skip
        if held:
            value["certificates"] = [one.asn1 for one in held]
        return cms.ContentInfo({"content_type": "signed_data", "content": value}).dump()

    def _content(self) -> tsp.TSTInfo:
        found = self.imprint if self.imprint is not None else hashlib.new(self.digest, self.stamped).digest()
        return tsp.TSTInfo({
            "version": "v1",
            "policy": "1.2.3.4",
            "message_imprint": {"hash_algorithm": {"algorithm": self.digest}, "hashed_message": found},
            "serial_number": 5,
            "gen_time": core.GeneralizedTime(contents=self.told),
        })  # fmt: skip

    def _attributes(self, content: bytes) -> cms.CMSAttributes:
        told = self.message_digest
        told = hashlib.new(self.digest, content).digest() if told is None else told
        return cms.CMSAttributes([
            cms.CMSAttribute({"type": "content_type", "values": [self.content_type]}),
            cms.CMSAttribute({"type": "message_digest", "values": [told]}),
        ])  # fmt: skip

    def _serial(self) -> cms.IssuerAndSerialNumber:
        mine: asn1_x509.Certificate = self.signer.asn1
        return cms.IssuerAndSerialNumber({"issuer": mine.issuer, "serial_number": mine.serial_number})

    def _chain(self) -> list[Holder]:
        found, one = [self.signer], self.signer.issuer
        while one is not None:
            found.append(one)
            one = one.issuer
        return found[:-1] if len(found) > 1 else found


def signature(key: Any, content: bytes, digest: str) -> bytes:
    """A signature over the content, in the form that belongs to the kind of key."""
    algorithm = {"sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512, "sha1": hashes.SHA1}[
        digest
    ]()  # fmt: skip
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(content, padding.PKCS1v15(), algorithm)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(content, ec.ECDSA(algorithm))
    if isinstance(key, dsa.DSAPrivateKey):
        return key.sign(content, algorithm)
    found: bytes = key.sign(content)
    return found


def algorithm_of(digest: str) -> bytes:
    """The DER of an algorithm identifier."""
    found: bytes = algos.DigestAlgorithm({"algorithm": digest}).dump()
    return found


# --- signed letters


@cache
def letter() -> bytes:
    """A letter signed by AMAVI Kossi, as PDF bytes."""
    return signed(order_pdf(), ministry().signer)


# --- folders


def entry(number: int, action: str, *, person: int | None = 7, payload: dict[str, Any] | None = None) -> dict[str, Any]:
    """An entry of the journal, before it is chained."""
    found: dict[str, Any] = {
        "sequence": number, "at": f"2026-03-0{number}T08:00:00+00:00", "person_id": person, "post_id": 3,
        "acting_for_post_id": None, "action": action, "subject_kind": "mail", "subject_id": "12",
        "payload_digest": "0" * 64,
    }  # fmt: skip
    if payload is not None:
        found |= {"salt": f"salt{number}", "payload": payload}
    return found


@dataclass
class Folder:
    """A case file to write. Changes before ``write`` are covered by the signature; later changes are not."""

    path: Path
    entries: list[dict[str, Any]] = field(default_factory=list)
    others: dict[int, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    case: dict[str, Any] = field(default_factory=lambda: {"number": "457/MMRE", "mail_id": 12})
    manifest: dict[str, Any] = field(default_factory=dict)
    anchor: dict[str, Any] = field(default_factory=dict)
    is_anchored: bool = True
    is_stamped: bool = True

    def chained(self, count: int = 5, shown: Sequence[int] = (1, 2, 4, 5), anchored: int | None = None) -> None:
        """Make a journal of ``count`` entries.

        Args:
            shown: numbers of the entries that the case file contains.
            anchored: how many entries the anchor covers; by default all.
        """
        everyone = [
            entry(number, f"mail.action{number}", person=7 if number < 4 else None,
                  payload={"subject": f"Objet {number} é"} if number % 2 else None)
            for number in range(1, count + 1)
        ]  # fmt: skip
        previous = "0" * 64
        for one in everyone:
            if "payload" in one:
                salted = str(one["salt"]).encode() + canonical(one["payload"])
                one["payload_digest"] = hashlib.sha256(salted).hexdigest()
            one["previous_hash"] = previous
            previous = one["hash"] = digest_of(one)
        anchored = count if anchored is None else anchored
        leaves = [bytes.fromhex(one["hash"]) for one in everyone[:anchored]]
        proofs = merkle.proofs(leaves, range(anchored))
        for number, one in enumerate(everyone):
            one["proof"] = list(proofs[number]) if number < anchored else []
        self.entries = [one for one in everyone if one["sequence"] in shown]
        self.anchor = {
            "count": anchored, "root": merkle.root(leaves), "head": everyone[anchored - 1]["hash"],
            "at": "2026-03-02T18:29:00+00:00", "previous": "0" * 64,
        }  # fmt: skip

    def write(self, key: Any = None, *, anchor_key: Any = None, token: bytes | None = None) -> Path:
        """Write all files. The journal's key signs them unless another key is given. Returns the folder."""
        key = key or journal_key()
        if not self.entries:
            self.chained()
        self.path.mkdir(exist_ok=True)
        self.files["journal.jsonl"] = b"".join(canonical(one) + b"\n" for one in self.entries)
        self.files["journal.pub"] = pem_of(key)
        self.files["trust/root.pem"] = ministry().root.pem.encode()
        if self.is_anchored:
            sealed = (anchor_key or key).sign(canonical(self.anchor)).hex()
            self.files["anchor.json"] = json.dumps({"anchor": self.anchor, "signature": sealed}).encode()
        if self.is_stamped and self.is_anchored:
            made = Token(stamper(), canonical(self.anchor)).made() if token is None else token
            self.files["anchor.tst"] = made
        for name, content in self.files.items():
            place = self.path / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        manifest = {
            "format": "ged-case-1",
            "case": self.case,
            "exported_at": "2026-03-03T09:00:00+00:00",
            "people": {"7": "AMAVI Kossi"},
            "signed": [],
            "files": [
                {"path": name, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
                | ({"name": self.names[name]} if name in self.names else {})
                for name, content in self.files.items()
            ],
        } | self.manifest  # fmt: skip
        self.sign(manifest, key)
        return self.path

    def sign(self, manifest: dict[str, Any], key: Any = None) -> None:
        """Write a manifest and its signature."""
        content = json.dumps(manifest).encode()
        (self.path / "manifest.json").write_bytes(content)
        (self.path / "manifest.sig").write_text((key or journal_key()).sign(content).hex() + "\n")


def digest_of(one: dict[str, Any]) -> str:
    """The hash of an entry, over its columns."""
    return hashlib.sha256(canonical([one[name] for name in COLUMNS])).hexdigest()


def chain(names: int, end: datetime = NOW + 9 * YEAR, start: datetime = NOW - YEAR) -> list[Holder]:
    """A chain of certificates: a root, ``names`` authorities below each other, then a time-stamp authority."""
    found = [holder("Racine", authority=True, start=start, end=end)]
    for number in range(names):
        found.append(holder(f"Autorité {number}", found[-1], authority=True, start=start, end=end))
    found.append(holder("Horodateur", found[-1], usage="digital_signature", purposes=STAMPING, start=start, end=end))
    return found


SECOND = timedelta(seconds=1)


def read_document(services: Services, mail_id: int, now: datetime) -> None:
    """Store a document of one page, and read it as the job does."""
    content = pages.pdf("Demande de raccordement")
    stored = services.blobs.put(io.BytesIO(content))
    page = services.blobs.put(io.BytesIO(pages.png("Une page du scanner")))
    sources = [SourcePage(stored.digest, "application/pdf"), SourcePage(page.digest, "image/png")]
    with services.unit_of_work(now) as uow:
        attachment_id = attach(
            uow, mail_id, kind=AttachmentKind.DOCUMENT, pages=sources, media_type="application/pdf",
            actor=actor(services, "agent"), now=now, digest=stored.digest, size_bytes=stored.size_bytes,
        )  # fmt: skip
    recognition.run_recognise(services, attachment_id, heartbeat=lambda _progress: None, now=now)


# --- entities


def sha(content: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


SCAN, REPLY = b"a scan", b"a reply"


def number(register: int, year: int, sequence: int, text: str, day: str, **holder: int) -> dict[str, Any]:
    """A row of ``mail_numbers`` that a letter, an envelope or a slip holds."""
    found = {"register_id": register, "year": year, "sequence": sequence, "text": text, "registered_on": day}
    return found | {"mail_id": None, "envelope_id": None, "slip_id": None} | holder


def closing(register: int, period: str, sequence: int, days: tuple[str, str], numbers: int) -> dict[str, Any]:
    """A row of ``register_closings``, before it is chained and sealed."""
    return {
        "register_id": register, "period": period, "sequence": sequence, "from_on": days[0], "until_on": days[1],
        "content_hash": sha(f"{register}{period}{sequence}".encode()), "number_count": numbers, "void_count": 1,
        "rectification_count": 2, "closed_at": f"{days[1]}T18:00:00+00:00",
    }  # fmt: skip


def _entity_rows() -> dict[str, list[dict[str, Any]]]:
    return {
        "mails": [{"id": 12}, {"id": 13}],
        "registers": [{"id": 1, "code": "ARR"}, {"id": 2, "code": "DEP"}, {"id": 3, "code": "SUI"}],
        "register_counters": [
            {"register_id": 1, "year": 2026, "opening_sequence": 456, "last_sequence": 459},
            {"register_id": 2, "year": 2026, "opening_sequence": 0, "last_sequence": 0},
            {"register_id": 3, "year": 0, "opening_sequence": 0, "last_sequence": 1},
        ],
        "mail_numbers": [
            number(1, 2026, 457, "457/ARR", "2026-03-01", mail_id=12),
            number(1, 2026, 459, "459/ARR", "2026-03-02", envelope_id=4),
            number(1, 2026, 458, "458/ARR", "2026-03-02", mail_id=13),
            number(3, 0, 1, "1/SUI", "2026-03-02", slip_id=9),
        ],
        "attachments": [
            {"id": 31, "mail_id": 12, "digest": sha(SCAN), "read_digest": None},
            {"id": 32, "mail_id": 13, "digest": sha(REPLY), "read_digest": sha(SCAN)},
        ],
        "register_closings": [
            closing(1, "day", 2, ("2026-03-02", "2026-03-02"), 2),
            closing(1, "day", 1, ("2026-03-01", "2026-03-01"), 1),
            closing(1, "year", 1, ("2026-01-01", "2026-12-31"), 99),
            closing(3, "day", 1, ("2026-03-01", "2026-03-02"), 1),
            closing(2, "day", 1, ("2026-03-02", "2026-03-02"), 0),
        ],
    }  # fmt: skip


def told_entry(number: int, action: str, kind: str, of: int, payload: dict[str, Any] | None = None) -> dict[str, Any]:
    """An entry of an entity's journal; its payload was erased where there is none."""
    return entry(number, action, payload=payload) | {"subject_kind": kind, "subject_id": of}


def _entity_entries() -> list[dict[str, Any]]:
    return [
        told_entry(1, "mail.registered", "mail", 12, {"number": "457/ARR"}),
        told_entry(2, "attachment.added", "mail", 12, {"attachment": 31, "digest": sha(SCAN)}),
        told_entry(3, "mail.imported", "mail", 13, {"number": "458/ARR"}),
        told_entry(4, "attachment.added", "mail", 13),
        told_entry(5, "envelope.registered", "envelope", 4, {"number": "459/ARR"}),
        told_entry(6, "mail.registered", "mail", 99, {"number": "7/OTHER"}),  # another entity's: it does not leave
        told_entry(7, "slip.issued", "slip", 9, {"number": "1/SUI"}),
        told_entry(8, "mail.read", "mail", 12, {"number": "no number is given by this act"}),
        told_entry(9, "mail.numbered", "mail", 12, {"other": 1}),
    ]


@dataclass
class Entity:
    """An exported entity to write. Changes before ``write`` are covered by all seals; later changes are not.

    Attributes:
        heads: (number of entries, replacement of fields) for each sealed head.
        anchors: the same for each anchor.
        stamped: numbers of entries of the anchors that have a time-stamp.
        hidden: numbers of the entries of another entity.
    """

    path: Path
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=_entity_rows)
    entries: list[dict[str, Any]] = field(default_factory=_entity_entries)
    documents: list[bytes] = field(default_factory=lambda: [SCAN, REPLY])
    signed: list[dict[str, Any]] = field(default_factory=list)
    heads: list[tuple[int, dict[str, Any]]] = field(default_factory=lambda: [(0, {}), (5, {}), (9, {})])
    anchors: list[tuple[int, dict[str, Any]]] = field(default_factory=lambda: [(5, {}), (7, {}), (8, {})])
    stamped: dict[int, bytes] = field(default_factory=lambda: {7: b""})
    hidden: frozenset[int] = frozenset({6})
    manifest: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    key: Any = field(default_factory=journal_key)
    forged: frozenset[str] = frozenset()
    """What the forger's key seals: ``head 5``, ``anchor 7``, ``closing 1 day 2``."""

    def write(self, *, is_stamped: bool = True) -> Path:
        """Write all files, chained and sealed. Returns the folder."""
        hashed = self._chain()
        self.documents += self._close()
        listed = [{"sha256": sha(one), "size": len(one)} for one in self.documents]
        self.files = {
            **{f"rows/{table}.jsonl": _jsonl(rows) for table, rows in self.rows.items()},
            "documents.jsonl": _jsonl(listed),
            "signed.jsonl": _jsonl(self.signed),
            "journal/entries.jsonl": _jsonl([one for one in self.entries if one["sequence"] not in self.hidden]),
            "journal/hashes.bin": b"".join(map(bytes.fromhex, hashed)),
            "journal/heads.jsonl": self._sealed_heads(hashed),
            "journal/anchors.jsonl": self._sealed_anchors(hashed),
            "journal.pub": pem_of(self.key),
            "trust/root.pem": ministry().root.pem.encode(),
        } | self.files  # fmt: skip
        for name, content in self.files.items():
            self.put(name, content)
        for one in self.documents:
            self.put(f"files/{sha(one)[:2]}/{sha(one)}", one)
        self.sign(is_stamped=is_stamped)
        return self.path

    def put(self, name: str, content: bytes) -> None:
        """Write a file of the folder."""
        place = self.path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)

    def sign(self, *, is_stamped: bool = True) -> None:
        """Write the manifest over the files as they are in ``files``, with its signature and its time-stamp."""
        told = {
            "format": "ged-entity-1",
            "entity": {"code": "MIN", "name": "Ministère"},
            "exported_at": "2026-03-03T09:00:00+00:00",
            "counts": {table: len(rows) for table, rows in self.rows.items()},
            "journal": {
                "count": len(self.entries),
                "head": self.entries[-1]["hash"] if self.entries else "0" * 64,
                "entries": len(self.entries) - len(self.hidden),
            },
            "files": [{"path": name, "sha256": sha(one), "size": len(one)} for name, one in self.files.items()],
        } | self.manifest
        content = json.dumps(told).encode()
        self.put("manifest.json", content)
        self.put("manifest.sig", self.key.sign(content).hex().encode() + b"\n")
        if is_stamped:
            self.put("manifest.tst", Token(stamper(), content).made())

    def _seal(self, what: str, content: bytes) -> str:
        sealed: bytes = (other_key() if what in self.forged else self.key).sign(content)
        return sealed.hex()

    def _chain(self) -> list[str]:
        previous = "0" * 64
        for one in self.entries:
            if "payload" in one:
                one["payload_digest"] = sha(str(one["salt"]).encode() + canonical(one["payload"]))
            one["previous_hash"] = previous
            previous = one["hash"] = digest_of(one)
        return [one["hash"] for one in self.entries]

    def _close(self) -> list[bytes]:
        """Chain and seal the closings. Returns their documents."""
        before: dict[tuple[int, str], str] = {}
        made = []
        for row in sorted(self.rows["register_closings"], key=lambda row: row["sequence"]):
            of = row["register_id"], row["period"]
            row.setdefault("previous_digest", before.get(of))
            made.append(f"closing {of} {row['sequence']}".encode())
            row["digest"] = before[of] = sha(made[-1])
            body = {
                "register": row["register_id"], "period": row["period"], "sequence": row["sequence"],
                "from_on": row["from_on"], "until_on": row["until_on"], "digest": row["digest"],
                "content": row["content_hash"], "previous": row["previous_digest"] or "",
                "counts": [row["number_count"], row["void_count"], row["rectification_count"]],
            }  # fmt: skip
            row["seal"] = self._seal(f"closing {of[0]} {of[1]} {row['sequence']}", canonical(body))
        return made

    def _sealed_heads(self, hashed: list[str]) -> bytes:
        lines, previous = [], "0" * 64
        for count, other in self.heads:
            head = {"count": count, "hash": hashed[count - 1] if count else "0" * 64, "previous": previous}
            head |= {"at": f"2026-03-0{count or 1}T19:00:00+00:00"} | other
            lines.append(canonical({"head": head, "signature": self._seal(f"head {count}", canonical(head))}))
            previous = sha(lines[-1])
        return b"".join(line + b"\n" for line in lines)

    def _sealed_anchors(self, hashed: list[str]) -> bytes:
        lines, previous = [], "0" * 64
        for count, other in self.anchors:
            root = merkle.root([bytes.fromhex(one) for one in hashed[:count]])
            anchor = {"count": count, "root": root, "previous": previous, "at": f"2026-03-0{count}T20:00:00+00:00"}
            anchor |= other
            lines.append(canonical({"anchor": anchor, "signature": self._seal(f"anchor {count}", canonical(anchor))}))
            previous = sha(lines[-1])
            if count in self.stamped:
                token = Token(stamper(), self.stamped[count] or canonical(anchor)).made()
                self.files[f"journal/anchors/{count}.tst"] = token
        return b"".join(line + b"\n" for line in lines)


def _jsonl(rows: Sequence[dict[str, Any]]) -> bytes:
    return b"".join(canonical(row) + b"\n" for row in rows)
