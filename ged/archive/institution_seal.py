"""The institution's seal on documents that no person signs: a PAdES signature (EN 319 412-3) that anybody can check.

The signature field is invisible: a list fills its pages, and its text says that it is sealed.
"""

from datetime import datetime

from ged.errors import ConfigError
from ged.ports import SignatureField, SignedPdf, SignRequest
from ged.unit import Services

SEAL_REASON = "Clôture du registre"
REPORT_REASON = "Rapport mensuel du courrier"
FIELD = SignatureField("Cachet", 1, (0.0, 0.0, 0.0, 0.0))


def institution_seal(services: Services, pdf: bytes, *, reason: str, at: datetime) -> SignedPdf:
    """Seal a PDF. This is slow and may wait for a time-stamp: never call it while holding a lock.

    Raises:
        ConfigError: ``seal.none``: the institution has no seal.
        EngineFailed: ``sign.failed``, ``key.refused``; retryable ``key.unreachable``.
    """
    if services.sealer is None:
        raise ConfigError("seal.none", "Make the seal's key: ged pki seal.", setting="GED_SEAL_CHAIN")
    request = SignRequest(FIELD, reason, "", "", at, appearance_pdf=b"")
    return services.sealer.seal(pdf, request)
