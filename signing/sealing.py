"""The institution's seal: a key in a file, in a token or with a signing service, as the settings say."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from pyhanko.pdf_utils.reader import PdfFileReader

from ged.errors import ConfigError
from ged.ports import Certificate, SignedPdf, SignRequest
from signing.keys import describe
from signing.pades import PadesSigner
from signing.pki import open_seal
from signing.rawkeys import MemoryKey, RawKey


class PadesSealer:
    """Implements the port ``Sealer``.

    Args:
        signer: makes the signatures, with the same time-stamps as for people.
        key: opens the seal's key, or returns None; called each time, for a token may be plugged in later.
    """

    def __init__(self, signer: PadesSigner, key: Callable[[], RawKey | None]) -> None:
        self._signer = signer
        self._key = key

    def seal(self, pdf: bytes, request: SignRequest) -> SignedPdf:
        """Seal by an incremental update (see the port)."""
        key = self._key()
        if key is None:
            raise ConfigError("seal.none", "Make the seal's key: ged pki seal.", setting="GED_SEAL_CHAIN")
        return self._signer.sign_with(key, pdf, request)

    def certificate(self) -> Certificate | None:
        """Public facts of the seal's certificate (see the port)."""
        key = self._key()
        return None if key is None else describe(key.chain[0])


def certificate_of(pdf: bytes) -> Certificate | None:
    """The certificate of a PDF's first signature; None: it has none.

    Only for a file whose bytes are proven: it is opened in this process.
    """
    signatures = PdfFileReader(BytesIO(pdf)).embedded_regular_signatures
    return describe(x509.load_der_x509_certificate(signatures[0].signer_cert.dump())) if signatures else None


def own_seal(authority_dir: Path, server_secret: bytes) -> MemoryKey | None:
    """The key that ``ged pki seal`` made."""
    found = open_seal(authority_dir, server_secret)
    return None if found is None else MemoryKey(*found)


def seal_in_file(path: Path, passphrase: str) -> MemoryKey:
    """Read a key that an accredited authority delivered as PKCS#12.

    Raises:
        ConfigError: ``seal.unreadable``.
    """
    try:
        bundle = pkcs12.load_pkcs12(path.read_bytes(), passphrase.encode())
    except (OSError, ValueError) as error:
        raise _unreadable("GED_SEAL_PKCS12", error) from None
    if bundle.cert is None or not isinstance(bundle.key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise _unreadable("GED_SEAL_PKCS12", TypeError())
    return MemoryKey(bundle.key, [bundle.cert.certificate, *(one.certificate for one in bundle.additional_certs)])


def chain_of(path: Path) -> list[x509.Certificate]:
    """Certificates of a PEM file, the seal's own first.

    Raises:
        ConfigError: ``seal.unreadable``.
    """
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise _unreadable("GED_SEAL_CHAIN", error) from None


def _unreadable(setting: str, error: Exception) -> ConfigError:
    return ConfigError(
        "seal.unreadable", "Correct the file or its passphrase.", setting=setting, cause=type(error).__name__
    )
