"""Helpers for the tests of signing: an authority, a key, a real PDF/A made by typst, a slip signed at both ends."""

import hashlib
import re
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typst
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from ged.ports import CertifiedPerson, Digest, SignatureField, Signer, SignRequest, UnlockedKey
from signing.keys import LocalVault
from signing.pades import PadesSigner
from signing.pki import Authority
from signing.rawkeys import MemoryKey
from signing.secrets import Argon2Cost
from signing.stamp import signature_mark
from tests.pki_kit import holder

NOW = datetime(2026, 3, 3, 10, 12, tzinfo=UTC)
SECRET = b"a server secret of the tests, 32 bytes or more"
PASSPHRASE = "trois éléphants au marché"
CHEAP = Argon2Cost(iterations=1, memory_kib=1024, lanes=1)
SENDER = SignatureField("sender", 1, (50, 100, 250, 160))
RECEIVER = SignatureField("receiver", 1, (300, 100, 500, 160))


def vault(folder: Path, *, rsa_bits: int | None = None, curve: str = "p256") -> LocalVault:
    """A vault over a new authority in ``folder``."""
    Authority.create(folder, SECRET, "Ministère de l'Économie", NOW)
    return LocalVault(folder, SECRET, rsa_bits=rsa_bits, curve=curve, cost=CHEAP)


def unlocked(keys: LocalVault, name: str = "AMAVI Kossi", *, now: datetime = NOW) -> UnlockedKey:
    """Issue a key for a person, and open it."""
    person = CertifiedPerson(name, "Secrétaire général", "MEF", "k@mef.tg")
    key = keys.issue(person, passphrase=PASSPHRASE, now=now)
    return keys.unlock(key, PASSPHRASE, now=now)


def page_pdf(text: str = "Bordereau n° 12") -> bytes:
    """A page as the product makes it: a PDF/A-2b by typst, without a newline at its end."""
    source = "#set document(date: datetime(year: 2026, month: 3, day: 3))\n= " + text + "\n#lorem(200)"
    made = typst.compile(source.encode(), format="pdf", pdf_standards="a-2b", ignore_system_fonts=True)
    assert isinstance(made, bytes)
    return made


def request(place: SignatureField, *, docmdp_level: int | None = None, at: datetime = NOW) -> SignRequest:
    """A request for a signature with a visible mark as large as the field."""
    x1, y1, x2, y2 = place.box
    mark = signature_mark(name="AMAVI Kossi", title="Secrétaire général", width_pt=x2 - x1, height_pt=y2 - y1)
    return SignRequest(place, "Transmission", "Lomé", "AMAVI Kossi", at, appearance_pdf=mark, docmdp_level=docmdp_level)


def digest(pdf: bytes) -> Digest:
    """The SHA-256 of a PDF, in the form that the product stores."""
    return Digest(hashlib.sha256(pdf).hexdigest())


@dataclass(frozen=True)
class SignedSlip:
    """The revisions of a slip: prepared, signed by the sender, countersigned by the receiver."""

    prepared: bytes
    sent: bytes
    received: bytes
    issued: tuple[Digest, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "issued", tuple(map(digest, (self.prepared, self.sent, self.received))))


def signed_slip(key: UnlockedKey, signer: Signer | None = None) -> SignedSlip:
    """Make both fields; the sender certifies with DocMDP level 2, and the receiver countersigns."""
    pades = signer or PadesSigner()
    prepared = pades.prepare(page_pdf(), [SENDER, RECEIVER])
    sent = pades.sign(prepared, request(SENDER, docmdp_level=2), sealed=key.sealed, cookie_key=key.cookie_key, now=NOW)
    received = pades.sign(sent.pdf, request(RECEIVER), sealed=key.sealed, cookie_key=key.cookie_key, now=NOW)
    return SignedSlip(prepared, sent.pdf, received.pdf)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> LocalVault:
    """A vault over a new authority, for all tests of a module."""
    return vault(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def slip(keys: LocalVault) -> SignedSlip:
    """A slip signed at both ends with a key of ``keys``."""
    return signed_slip(unlocked(keys))


def page_content(pdf: bytes) -> range:
    """Where the bytes of the page's content stream lie in the first revision of ``page_pdf``."""
    first = pdf[: pdf.index(b"%%EOF")]
    number = re.search(rb"/Contents (\d+) 0 R", first)
    assert number is not None
    stream = re.search(rb"\n" + number[1] + rb" 0 obj.*?stream\r?\n(.*?)\r?\nendstream", first, re.DOTALL)
    assert stream is not None
    return range(*stream.span(1))


def changed(pdf: bytes, place: int) -> bytes:
    """The PDF with one byte changed, at ``place``."""
    return pdf[:place] + bytes([pdf[place] ^ 1]) + pdf[place + 1 :]


def pdfsig(pdf: bytes, folder: Path) -> list[str]:
    """The lines of poppler's pdfsig on each signature. Its exit code is 0 even for a digest mismatch."""
    path = folder / "pdfsig.pdf"
    path.write_bytes(pdf)
    done = subprocess.run(["pdfsig", "-nocert", str(path)], capture_output=True, text=True, timeout=60, check=False)
    return re.findall(r"Signature Validation: (.+)", done.stdout)


def institution(kind: str) -> MemoryKey:
    """A key and certificate of the institution in memory; ``kind`` is rsa, p256 or p384."""
    made = holder("Cachet du ministère", rsa_bits=3072 if kind == "rsa" else 0)
    key = ec.generate_private_key(ec.SECP384R1()) if kind == "p384" else None
    if key is None:
        return MemoryKey(made.key, [made.certificate])

    builder = x509.CertificateBuilder(
        made.certificate.subject, made.certificate.subject, key.public_key(), 7,
        made.certificate.not_valid_before_utc, made.certificate.not_valid_after_utc,
    )  # fmt: skip
    return MemoryKey(key, [builder.sign(key, hashes.SHA384())])
