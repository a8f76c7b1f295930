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
