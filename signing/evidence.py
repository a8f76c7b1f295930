"""Fetches revocation data over HTTP from the addresses in certificates: OCSP (RFC 6960) first, then CRLs (RFC 5280).

Nothing is verified here. The caller validates a certification path with the data.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID

_log = logging.getLogger(__name__)
_MAX_BYTES = 16 * 1024 * 1024
_SLOWEST = 6
"""An answer may take so many times the wait for one piece. A server that sends a byte now and then would never end."""


@dataclass(frozen=True)
class Evidence:
    """OCSP responses and CRLs as received, DER."""

    ocsps: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()

    def joined(self, other: "Evidence") -> "Evidence":
        """Return this evidence and the other's together."""
        return Evidence((*self.ocsps, *other.ocsps), (*self.crls, *other.crls))


def gather(chain: Sequence[x509.Certificate], issuers: Sequence[x509.Certificate], *, timeout_s: float) -> Evidence:
    """Fetch evidence for each certificate of ``chain`` that is not self-issued.

    Args:
        issuers: certificates among which the issuers are looked up.
    """
    found = Evidence()
    asked: set[str] = set()
    with httpx.Client(timeout=timeout_s) as client:
        for certificate in dict.fromkeys(chain):
            if certificate.issuer == certificate.subject:
                continue
            issuer = next((one for one in issuers if _issued(one, certificate)), None)
            found = found.joined(_about(client, certificate, issuer, asked))
    return found


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # noqa: BLE001  an unknown kind of key raises in many ways: it did not issue this certificate
        return False
    return True


def _about(
    client: httpx.Client, certificate: x509.Certificate, issuer: x509.Certificate | None, asked: set[str]
) -> Evidence:
    if issuer is not None:
        for url in _ocsp_urls(certificate):
            answer = _ask(client, url, _ocsp_request(certificate, issuer))
            if answer is not None and _is_answer(answer):
                return Evidence(ocsps=(answer,))
    # A list is the same for all certificates of an authority, and may have megabytes.
    crls = [_ask(client, url) for url in _crl_urls(certificate) if url not in asked]
    asked.update(_crl_urls(certificate))
    return Evidence(crls=tuple(crl for crl in map(_as_der, crls) if crl is not None))


def _ocsp_request(certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
    # RFC 6960, B.1: every responder accepts SHA-1 here. It only identifies the issuer; nothing is proven by it.
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1())  # noqa: S303
    return builder.build().public_bytes(serialization.Encoding.DER)


def _is_answer(content: bytes) -> bool:
    try:
        return ocsp.load_der_ocsp_response(content).response_status is ocsp.OCSPResponseStatus.SUCCESSFUL
    except ValueError:
        return False


def _as_der(content: bytes | None) -> bytes | None:
    try:
        if content is None:
            return None
        pem = content.lstrip().startswith(b"-----BEGIN")
        crl = x509.load_pem_x509_crl(content) if pem else x509.load_der_x509_crl(content)
    except ValueError:
        return None
    return crl.public_bytes(serialization.Encoding.DER)


def _ask(client: httpx.Client, url: str, request: bytes | None = None) -> bytes | None:
    method, headers = ("GET", {}) if request is None else ("POST", {"Content-Type": "application/ocsp-request"})
    content = bytearray()
    until_s = time.monotonic() + _SLOWEST * (client.timeout.read or 10.0)
    try:
        with client.stream(method, url, content=request, headers=headers) as response:
            response.raise_for_status()
            for piece in response.iter_bytes():
                content += piece
                if len(content) > _MAX_BYTES or time.monotonic() > until_s:
                    _log.warning("revocation data too large or too slow: %s", url)
                    return None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        _log.warning("revocation data not reached: %s: %s", url, type(error).__name__)
        return None
    return bytes(content)


def _ocsp_urls(certificate: x509.Certificate) -> list[str]:
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return []
    return _web(one.access_location for one in access if one.access_method == AuthorityInformationAccessOID.OCSP)


def _crl_urls(certificate: x509.Certificate) -> list[str]:
    try:
        points = certificate.extensions.get_extension_for_oid(ExtensionOID.CRL_DISTRIBUTION_POINTS).value
    except x509.ExtensionNotFound:
        return []
    if not isinstance(points, x509.CRLDistributionPoints):
        return []
    return _web(name for point in points for name in point.full_name or ())


def _web(names: Iterable[x509.GeneralName]) -> list[str]:
    urls = [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier)]
    # A certificate from outside may name ldap: or file:.
    return [url for url in urls if url.startswith(("http://", "https://"))]
