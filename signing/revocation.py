"""Whether our CRLs (RFC 5280) and OCSP responses (RFC 6960), of any age, revoke a certificate at a moment.

pyHanko uses a CRL only if a certificate names its address, and rejects data that was not valid at the moment in
question. Here the age of data does not matter: a revoked certificate stays revoked. But the data's own signature must
have been valid when the data was made.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_der_x509_certificate, load_der_x509_crl, ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

_LONGEST_CHAIN = 8
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature)


@dataclass(frozen=True)
class Known:
    """Certificates among which issuers are looked up, CRLs and OCSP responses."""

    issuers: tuple[asn1_x509.Certificate, ...]
    crls: tuple[asn1_crl.CertificateList, ...]
    ocsps: tuple[asn1_ocsp.OCSPResponse, ...]


def is_revoked(certificate: asn1_x509.Certificate, moment: datetime, known: Known) -> bool:
    """Whether the certificate, or a certificate above it, was revoked at that moment."""
    for _ in range(_LONGEST_CHAIN):
        issuer = _issuer_of(certificate, known)
        if issuer is None:
            return False
        found = load_der_x509_certificate(issuer.dump())
        if any(
            _lists(one, found, certificate.serial_number, moment)
            for one in known.crls
            if one.issuer == certificate.issuer
        ):
            return True
        if any(_answers(one, found, certificate.serial_number, moment) for one in known.ocsps):
            return True
        certificate = issuer
    return False


def _issuer_of(certificate: asn1_x509.Certificate, known: Known) -> asn1_x509.Certificate | None:
    if certificate.self_issued:
        return None
    child = load_der_x509_certificate(certificate.dump())
    for candidate in known.issuers:
        if candidate.subject == certificate.issuer:
            try:
                child.verify_directly_issued_by(load_der_x509_certificate(candidate.dump()))
            except _UNREADABLE:
                continue
            return candidate
    return None


def _lists(listed: asn1_crl.CertificateList, issuer: x509.Certificate, serial: int, moment: datetime) -> bool:
    known = load_der_x509_crl(listed.dump())
    entry = known.get_revoked_certificate_by_serial_number(serial)
    if entry is None or entry.revocation_date_utc > moment:
        return False
    key = issuer.public_key()
    return isinstance(key, (RSAPublicKey, ec.EllipticCurvePublicKey, Ed25519PublicKey)) and known.is_signature_valid(
        key
    )


def _answers(response: asn1_ocsp.OCSPResponse, issuer: x509.Certificate, serial: int, moment: datetime) -> bool:
    try:
        answer = ocsp.load_der_ocsp_response(response.dump())
        if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return False
        updated_at = [
            one.this_update_utc
            for one in answer.responses
            if one.serial_number == serial
            and one.certificate_status is ocsp.OCSPCertStatus.REVOKED
            and one.revocation_time_utc is not None
            and one.revocation_time_utc <= moment
        ]
        if not updated_at:
            return False
        return any(
            _signed_by(answer, key) for key in _responders(answer, issuer, (*updated_at, answer.produced_at_utc))
        )
    except _UNREADABLE:
        return False


def _responders(answer: ocsp.OCSPResponse, issuer: x509.Certificate, made_at: Sequence[datetime]) -> Iterator[object]:
    """Keys that may sign responses for an issuer: its own, and keys it certified for OCSP (RFC 6960, 4.2.2.2)."""
    yield issuer.public_key()
    for one in answer.certificates:
        if not any(one.not_valid_before_utc <= at <= one.not_valid_after_utc for at in made_at):
            continue
        try:
            one.verify_directly_issued_by(issuer)
            purposes = one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except (*_UNREADABLE, x509.ExtensionNotFound):
            continue
        if ExtendedKeyUsageOID.OCSP_SIGNING in purposes:
            yield one.public_key()


def _signed_by(answer: ocsp.OCSPResponse, key: object) -> bool:
    digest = answer.signature_hash_algorithm
    try:
        if isinstance(key, RSAPublicKey) and digest is not None:
            key.verify(answer.signature, answer.tbs_response_bytes, padding.PKCS1v15(), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey) and digest is not None:
            key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(digest))
        elif isinstance(key, Ed25519PublicKey):
            key.verify(answer.signature, answer.tbs_response_bytes)
        else:
            return False
    except InvalidSignature:
        return False
    return True
