"""Whether a signer's certificate is good, and at which time: ETSI EN 319 102-1, in the words of ``SignatureReport``."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from asn1crypto import cms, crl, ocsp, x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_der_x509_certificate, load_der_x509_crl
from pyhanko.sign.ades.report import AdESIndeterminate
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import SignatureStatus, TimestampSignatureStatus
from pyhanko_certvalidator import ValidationContext

_LONGEST_CHAIN = 8
CLOCKS_MAY_DIFFER = timedelta(minutes=5)

KEY_USAGE = KeyUsageConstraints(key_usage={"non_repudiation", "digital_signature"}, match_all_key_usages=False)
"""Certificates of people bear one of the two, those of careful authorities both."""

_SIGNING_PURPOSES = frozenset(
    {
        "any_extended_key_usage",
        "email_protection",
        "client_auth",  # what many authorities write into the certificates of people
        "document_signing",
        "adobe_authentic_documents_trust",
        "1.3.6.1.5.5.7.3.36",  # id-kp-documentSigning, RFC 9336
        "microsoft_document_signing",
        "1.3.6.1.4.1.311.10.3.12",
        "1.2.840.113583.1.1.5",
    }
)
_EXPIRED = frozenset(
    {AdESIndeterminate.EXPIRED, AdESIndeterminate.OUT_OF_BOUNDS_NO_POE, AdESIndeterminate.OUT_OF_BOUNDS_NOT_REVOKED}
)
_REVOKED = frozenset({AdESIndeterminate.REVOKED_NO_POE, AdESIndeterminate.REVOKED_CA_NO_POE})
_WEAK = frozenset({AdESIndeterminate.CRYPTO_CONSTRAINTS_FAILURE, AdESIndeterminate.CRYPTO_CONSTRAINTS_FAILURE_NO_POE})


@dataclass(frozen=True)
class Trust:
    """Roots, and what is known of revocation."""

    roots: tuple[x509.Certificate, ...]
    certificates: tuple[x509.Certificate, ...] = ()
    crls: tuple[crl.CertificateList, ...] = ()
    ocsps: tuple[ocsp.OCSPResponse, ...] = ()

    def at(self, moment: datetime) -> ValidationContext:
        """A context for certificates as they stood at a moment; nothing is fetched."""
        return ValidationContext(
            trust_roots=list(self.roots),
            other_certs=list(self.certificates),
            moment=moment,
            allow_fetching=False,
            crls=list(self.crls),
            ocsps=list(self.ocsps),
            revocation_mode="soft-fail",
            # A list published later tells of that moment too; what was revoked after it was good at it.
            retroactive_revinfo=True,
        )

    def with_more(
        self,
        certificates: Iterable[x509.Certificate] = (),
        crls: Iterable[crl.CertificateList] = (),
        ocsps: Iterable[ocsp.OCSPResponse] = (),
    ) -> "Trust":
        """These and more."""
        return Trust(
            self.roots,
            (*self.certificates, *certificates),
            (*self.crls, *crls),
            (*self.ocsps, *ocsps),
        )


def problem_of(status: SignatureStatus, moment: datetime, trust: Trust) -> str:
    """Why the signer's certificate is not good, as a reason of ``SignatureReport``; empty when it is."""
    certificate = status.signing_cert
    if status.revoked or status.trust_problem_indic in _REVOKED or is_revoked(certificate, moment, trust):
        return "revoked"
    if not isinstance(status, TimestampSignatureStatus) and not is_for_signing(certificate):
        return "wrong_purpose"
    if status.trust_problem_indic in _WEAK:
        return "weak_algorithm"
    if status.trusted:
        return ""
    if certificate.not_valid_before > moment:
        return "not_yet_valid"
    if status.trust_problem_indic in _EXPIRED or certificate.not_valid_after < moment:
        return "expired"
    return "untrusted"


def is_revoked(certificate: x509.Certificate, moment: datetime, trust: Trust) -> bool:
    """Whether a list that we hold revokes the certificate, or one above it, at that moment.

    pyHanko looks at lists only where a certificate names their address.
    """
    for _ in range(_LONGEST_CHAIN):
        issuer = _issuer_of(certificate, trust)
        if issuer is None:
            return False
        if any(_revokes(one, issuer, certificate, moment) for one in trust.crls if one.issuer == certificate.issuer):
            return True
        certificate = issuer
    return False


def _issuer_of(certificate: x509.Certificate, trust: Trust) -> x509.Certificate | None:
    if certificate.self_issued:
        return None
    child = load_der_x509_certificate(certificate.dump())
    for candidate in (*trust.roots, *trust.certificates):
        if candidate.subject == certificate.issuer:
            try:
                child.verify_directly_issued_by(load_der_x509_certificate(candidate.dump()))
            except (ValueError, TypeError, InvalidSignature):
                continue
            return candidate
    return None


def _revokes(
    listed: crl.CertificateList, issuer: x509.Certificate, certificate: x509.Certificate, moment: datetime
) -> bool:
    known = load_der_x509_crl(listed.dump())
    key = load_der_x509_certificate(issuer.dump()).public_key()
    entry = known.get_revoked_certificate_by_serial_number(certificate.serial_number)
    if entry is None or entry.revocation_date_utc > moment:
        return False
    return isinstance(key, (RSAPublicKey, EllipticCurvePublicKey, Ed25519PublicKey)) and known.is_signature_valid(key)


def is_for_signing(certificate: x509.Certificate) -> bool:
    """Whether key usage and extended key usage (RFC 5280, 4.2.1.3 and 4.2.1.12) allow signatures of documents."""
    usage, purposes = certificate.key_usage_value, certificate.extended_key_usage_value
    if usage is not None and not {"digital_signature", "non_repudiation"} & set(usage.native):
        return False
    return purposes is None or bool(_SIGNING_PURPOSES & set(purposes.native))


def revocation_in(signed_data: cms.SignedData) -> tuple[list[crl.CertificateList], list[ocsp.OCSPResponse]]:
    """CRLs and OCSP answers that the signer put into the CMS object (adbe-revocationInfoArchival, ISO 32000-2)."""
    crls: list[crl.CertificateList] = []
    ocsps: list[ocsp.OCSPResponse] = []
    for info in signed_data["signer_infos"]:
        for attribute in info["signed_attrs"] or ():
            if attribute["type"].native == "adobe_revocation_info_archival":
                for value in attribute["values"]:
                    crls += list(value["crl"] or ())
                    ocsps += list(value["ocsp"] or ())
    for other in signed_data["crls"] or ():
        chosen = getattr(other, "chosen", other)
        if isinstance(chosen, crl.CertificateList):
            crls.append(chosen)
    return crls, ocsps


def name_of(certificate: x509.Certificate) -> str:
    """The signer as people know it."""
    names = certificate.subject.native
    return str(names.get("common_name") or names.get("organization_name") or "")
