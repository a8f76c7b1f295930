"""Whether a signer's certificate is good, and at which time: ETSI EN 319 102-1, in the words of ``SignatureReport``."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from asn1crypto import cms, crl, ocsp, x509
from pyhanko.sign.ades.report import AdESIndeterminate
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import SignatureStatus, TimestampSignatureStatus
from pyhanko_certvalidator import ValidationContext

from signing.revocation import Known, is_revoked

CLOCKS_MAY_DIFFER = timedelta(minutes=5)

KEY_USAGE = KeyUsageConstraints(key_usage={"non_repudiation", "digital_signature"}, match_all_key_usages=False)
"""Certificates of people have one of the two; careful authorities set both."""

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
    """Roots, further certificates, and revocation data."""

    roots: tuple[x509.Certificate, ...]
    certificates: tuple[x509.Certificate, ...] = ()
    crls: tuple[crl.CertificateList, ...] = ()
    ocsps: tuple[ocsp.OCSPResponse, ...] = ()

    def at(self, moment: datetime, *, lists: bool = True) -> ValidationContext:
        """A context for certificates as they stood at a moment; nothing is fetched.

        Args:
            lists: use the revocation data.
        """
        return ValidationContext(
            trust_roots=list(self.roots),
            other_certs=list(self.certificates),
            moment=moment,
            allow_fetching=False,
            crls=list(self.crls) if lists else [],
            ocsps=list(self.ocsps) if lists else [],
            # Nothing is fetched here: without a list at hand each signature of another authority would be refused.
            revocation_mode="soft-fail",
            # A list published later also covers that moment: a certificate revoked after the moment was good then.
            retroactive_revinfo=True,
        )

    def revokes(self, certificate: x509.Certificate, moment: datetime) -> bool:
        """Whether our revocation data revokes the certificate, or a certificate above it, at that moment."""
        issuers = (*self.roots, *self.certificates)
        return is_revoked(certificate, moment, Known(issuers, self.crls, self.ocsps))

    def with_more(
        self,
        certificates: Iterable[x509.Certificate] = (),
        crls: Iterable[crl.CertificateList] = (),
        ocsps: Iterable[ocsp.OCSPResponse] = (),
    ) -> "Trust":
        """A copy with further certificates and revocation data."""
        return Trust(
            self.roots,
            (*self.certificates, *certificates),
            (*self.crls, *crls),
            (*self.ocsps, *ocsps),
        )


def problem_of(status: SignatureStatus, moment: datetime, trust: Trust) -> str:
    """Why the signer's certificate is not good, as a reason of ``SignatureReport``; empty when it is good."""
    certificate = status.signing_cert
    if status.revoked or status.trust_problem_indic in _REVOKED or trust.revokes(certificate, moment):
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
    return "training" if is_of_training(certificate) else "untrusted"


TRAINING = "EXERCICE"
"""How the organisation of a training installation's authority begins: what it certifies is worth nothing."""


def is_of_training(certificate: x509.Certificate) -> bool:
    """Whether an authority of a training installation issued a certificate."""
    return str(certificate.issuer.native.get("organization_name", "")).startswith(TRAINING)


def is_for_signing(certificate: x509.Certificate) -> bool:
    """Whether key usage and extended key usage (RFC 5280, 4.2.1.3 and 4.2.1.12) allow signatures of documents."""
    usage, purposes = certificate.key_usage_value, certificate.extended_key_usage_value
    if usage is not None and not {"digital_signature", "non_repudiation"} & set(usage.native):
        return False
    named = set(purposes.native) if purposes is not None else _SIGNING_PURPOSES
    if "server_auth" in named:
        named = named - {"client_auth"}  # the certificate of a web server names both
    return bool(_SIGNING_PURPOSES & named)


def revocation_in(signed_data: cms.SignedData) -> tuple[list[crl.CertificateList], list[ocsp.OCSPResponse]]:
    """CRLs and OCSP responses that the signer put into the CMS object (adbe-revocationInfoArchival, ISO 32000-2)."""
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
