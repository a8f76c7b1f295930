"""Public data of the ministry's own authority: certificates, revocation lists, OCSP (RFC 5280, RFC 6960).

Programs of other people call these endpoints to check our signatures; they have no session and no token.
"""

import base64
import binascii

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from ged import case_export
from ged.archive.seal import journal_seal
from ged.errors import NotFound
from ged.org import certificates
from ged.signed_codes import queries as signed_codes
from web.site import context

blueprint = Blueprint("pki", __name__, url_prefix="/pki")

MAX_REQUEST_BYTES = 4096
"""Limit of an OCSP request; a request about one certificate has some hundred bytes."""


@blueprint.get("/<which>.crl")
def revocation_list(which: str) -> ResponseReturnValue:
    """The newest list of the authority ``issuing`` or ``root``."""
    found = certificates.newest_list(context.services(), which, now=context.now())
    if found is None:
        raise NotFound("authority.none", "ask the authority that issued the certificate")
    return _published(found, "application/pkix-crl")


@blueprint.get("/<which>.cer")
def certificate(which: str) -> ResponseReturnValue:
    """The certificate of the authority ``issuing`` or ``root``."""
    publisher = context.services().revocation
    found = publisher.certificate(which) if publisher is not None else None
    if found is None:
        raise NotFound("authority.none", "ask the authority that issued the certificate")
    return _published(found, "application/pkix-cert")


@blueprint.get("/jetons.pem")
def token_keys() -> ResponseReturnValue:
    """The certificates of all keys that ever signed codes on letters, for checks without a network."""
    with context.services().reading() as session:
        pem = "".join(signed_codes.published_keys(session))
    return _published(pem.encode("ascii"), "application/x-pem-file")


@blueprint.get("/journal.pub")
def journal_key() -> ResponseReturnValue:
    """The public key of the journal, to be stored elsewhere: for ``ged verify --key``, ``ged_verify.py --key``."""
    path = journal_seal(context.services()).public_path
    if not path.exists():
        raise NotFound("authority.none", "the journal has not been sealed yet")
    return _published(path.read_bytes(), "application/x-pem-file")


@blueprint.get("/ged_verify.py")
def verifier() -> ResponseReturnValue:
    """The program that checks a case file or a code independently of us."""
    response = _published(case_export.verifier()[0], "text/x-python")
    response.headers["Content-Disposition"] = "attachment; filename=ged_verify.py"
    return response


@blueprint.get("/ged_verify.sha256")
def verifier_digest() -> ResponseReturnValue:
    """The SHA-256 of the verifier, in the format of ``sha256sum --check``."""
    return _published(f"{case_export.verifier()[1]}  ged_verify.py\n".encode("ascii"), "text/plain")


@blueprint.post("/ocsp")
def ocsp() -> ResponseReturnValue:
    """Answer an OCSP request: whether one of our certificates is revoked."""
    # No more is read: what is cut off is malformed, and is answered as such.
    return _answer(request.stream.read(MAX_REQUEST_BYTES))


# ``path``, because base64 has slashes.
@blueprint.get("/ocsp/<path:encoded>")
def ocsp_get(encoded: str) -> ResponseReturnValue:
    """As ``ocsp``, with the request in the URL (RFC 6960, appendix A.1)."""
    try:
        content = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        # Clients of OCSP read no page of errors: empty bytes get the answer malformedRequest (RFC 6960, 2.3).
        content = b""
    return _answer(content[:MAX_REQUEST_BYTES])


def _answer(content: bytes) -> Response:
    answer = certificates.ocsp_answer(context.services(), content, now=context.now())
    return Response(answer, mimetype="application/ocsp-response", headers={"Cache-Control": "no-store"})


def _published(content: bytes, mimetype: str) -> Response:
    return Response(content, mimetype=mimetype)
