"""An entity's folder, sealed for the installation that is to take it in: nobody else reads it, not even who had it made.

The folder is packed as one tar, cut into pieces, and each piece encrypted by itself as CMS EnvelopedData (RFC 5652, AES-256 and
RSA) for the receiver's certificate, in one ZIP: ``openssl cms -decrypt -inform DER -inkey KEY -in 000001.p7m`` opens a piece
without us. Encryption alone proves no author: the signed manifest inside does (``ged.transfer.package``), so pieces that are
exchanged, repeated or left out are found when the folder is verified.
"""

import io
import os
import re
import shutil
import tarfile
import zipfile
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from ged.errors import Invalid

PIECE_BYTES = 16_000_000
"""Bytes of the tar in one piece. Some copies of one piece are in memory at once."""
ENVELOPE_BYTES = 100_000
"""A sealed piece is at most so much larger."""
KEY_BITS = 3072
SMALLEST_KEY = 2048
KEY_DAYS = 730
MAX_CERTIFICATE = 20_000
READ_ME = "LISEZ-MOI.txt"
_READ_ME = """\
Ce fichier contient une entité entière, chiffrée pour l'installation qui la reprendra. Elle seule peut l'ouvrir :

    ged entity take-in FICHIER --opens CLÉ.pem --key CLÉ_DU_JOURNAL.pub

Chaque pièce est un CMS EnvelopedData (RFC 5652) ; dans l'ordre de leurs noms, elles forment une archive tar.
"""
_PIECE = re.compile(r"(\d{6})\.p7m")
_TWICE = (FileExistsError, NotADirectoryError, IsADirectoryError)
"""What a path that stands twice in the archive ends in."""


def make_key(name: str, passphrase: bytes, *, now: datetime) -> tuple[bytes, bytes, str]:
    """A key that opens what is sealed for it. Returns (key and certificate as PEM, the key under the passphrase; the
    certificate as PEM, to be handed over; its fingerprint)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64] or "GED")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=KEY_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    held = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(passphrase)
    )
    return held + public, public, fingerprint(certificate)


def fingerprint(certificate: x509.Certificate) -> str:
    """The SHA-256 of a certificate, in hexadecimal digits."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def receiver(content: bytes, *, now: datetime) -> x509.Certificate:
    """The certificate of the installation that is to take the entity in.

    Raises:
        Invalid: ``entity.certificate``: no certificate, of no RSA key of 2048 bits, or not valid now.
    """
    try:
        if len(content) > MAX_CERTIFICATE:
            raise ValueError("too long")
        found = x509.load_pem_x509_certificate(content)
        key = found.public_key()
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size < SMALLEST_KEY:
            raise ValueError("no RSA key")
        if not found.not_valid_before_utc <= now <= found.not_valid_after_utc:
            raise ValueError("not valid now")
    except ValueError:
        raise Invalid("entity.certificate", "have one made by: ged entity key", field="certificate") from None
    return found


def seal(folder: Path, place: Path, certificate: x509.Certificate) -> None:
    """Write a folder into a new file that only the holder of the certificate's key opens; its bytes outlast a power cut."""
    with place.open("wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as out:
            out.writestr(READ_ME, _READ_ME)
            pieces = _Sealing(out, certificate)
            with tarfile.open(mode="w|", fileobj=pieces, bufsize=1_000_000, format=tarfile.PAX_FORMAT) as tar:
                for path in sorted(folder.rglob("*")):
                    tar.add(path, arcname=path.relative_to(folder).as_posix(), recursive=False)
            pieces.end()
        file.flush()
        os.fsync(file.fileno())


class _Sealing(io.RawIOBase):
    """Takes bytes, and writes each piece sealed."""

    def __init__(self, out: zipfile.ZipFile, certificate: x509.Certificate) -> None:
        self._out, self._certificate, self._held, self._count = out, certificate, bytearray(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]  # typeshed: ReadableBuffer
        self._held += data
        while len(self._held) >= PIECE_BYTES:
            self._put(bytes(self._held[:PIECE_BYTES]))
            del self._held[:PIECE_BYTES]
        return len(data)

    def end(self) -> None:
        if self._held:
            self._put(bytes(self._held))
            self._held.clear()

    def _put(self, piece: bytes) -> None:
        self._count += 1
        envelope = (
            pkcs7.PKCS7EnvelopeBuilder()
            .set_data(piece)
            .add_recipient(self._certificate)
            .set_content_encryption_algorithm(AES256)
            .encrypt(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])
        )
        self._out.writestr(f"{self._count:06d}.p7m", envelope)


def open_sealed(place: Path, folder: Path, key_pem: bytes, passphrase: bytes | None) -> None:
    """Write what a sealed file holds into a new folder.

    Args:
        key_pem: the key with its certificate, as ``make_key`` returns them.

    Raises:
        Invalid: ``entity.key``: no such key, or a wrong passphrase; ``entity.other_key``: sealed for another one;
            ``entity.unreadable``: no such file, or a broken one.
    """
    try:
        key = serialization.load_pem_private_key(key_pem, passphrase)
        certificate = x509.load_pem_x509_certificate(key_pem)
    except (ValueError, TypeError):
        raise Invalid("entity.key", "give the key and its passphrase", field="--opens") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise Invalid("entity.key", "give the key and its passphrase", field="--opens")
    folder.mkdir(mode=0o700)
    try:
        with zipfile.ZipFile(place) as sealed:
            pieces = cast(BinaryIO, io.BufferedReader(_Opening(sealed, key, certificate)))
            with tarfile.open(mode="r|", fileobj=pieces) as tar:
                for member in tar:
                    _extract(tar, member, folder)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, NotImplementedError, RuntimeError, *_TWICE):
        raise _unreadable(place) from None


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Write a file or make a folder; anything else, and a path that leads outside, is none of ours."""
    path = PurePosixPath(member.name)
    is_plain = member.isreg() and not member.issparse()  # a sparse file of some bytes would fill the disk
    content = tar.extractfile(member) if is_plain else None
    if path.is_absolute() or ".." in path.parts or (content is None and not member.isdir()):
        raise tarfile.TarError(member.name)
    place = folder / path
    if content is None:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with place.open("xb") as out:
        shutil.copyfileobj(content, out)


def _unreadable(place: Path) -> Invalid:
    return Invalid("entity.unreadable", "have it sent again", field="folder", path=place.name[:120])


class _Opening(io.RawIOBase):
    """Gives the bytes of all pieces, in the order of their names."""

    def __init__(self, sealed: zipfile.ZipFile, key: rsa.RSAPrivateKey, certificate: x509.Certificate) -> None:
        self._sealed, self._key, self._certificate = sealed, key, certificate
        self._left = iter(sorted(one for one in sealed.namelist() if one != READ_ME))
        self._held, self._count = memoryview(b""), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]  # typeshed: WriteableBuffer
        while not self._held:
            name = next(self._left, None)
            if name is None:
                return 0
            self._held = memoryview(self._opened(name))
        size = min(len(buffer), len(self._held))
        buffer[:size] = self._held[:size]
        self._held = self._held[size:]
        return size

    def _opened(self, name: str) -> bytes:
        self._count += 1
        numbered = _PIECE.fullmatch(name)
        if numbered is None or int(numbered[1]) != self._count:
            raise zipfile.BadZipFile(name)
        if self._sealed.getinfo(name).file_size > PIECE_BYTES + ENVELOPE_BYTES:
            raise zipfile.BadZipFile(name)
        try:
            return pkcs7.pkcs7_decrypt_der(self._sealed.read(name), self._certificate, self._key, [])
        except ValueError:
            if self._count == 1:
                raise Invalid("entity.other_key", "give the key for which it was sealed", field="--opens") from None
            raise zipfile.BadZipFile(name) from None
