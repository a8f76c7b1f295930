"""The public page of a signed letter: with its code, anybody can see who signed it, and compare a file with it.

No account and no session are needed. Only the number of requests of each address is stored; the file is never stored.
A register number is no code: it gets the same response as any other text.
"""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ged import case_export
from ged.errors import GedError, Invalid
from ged.org.throttle import Limit
from ged.paper import public
from ged.paper.public import FileState, PublicLetter
from web.site import context, throttle
from web.site.errors import status_of, views_of
from web.site.hashed_upload import hashed_upload

blueprint = Blueprint("check", __name__)

MAX_FILE_BYTES = 30_000_000
MAX_CODE_CHARACTERS = 2_000
LOOKUPS = Limit("lookups", 30, 2)
"""Thirty at once for an address, then one every two seconds: enough for a service that checks a morning's mail."""
UPLOADS = Limit("uploads", 10, 6)


@blueprint.get("/verifier")
def form() -> ResponseReturnValue:
    """The form to type, paste or scan a code."""
    return _page()


@blueprint.post("/verifier")
def look_up() -> ResponseReturnValue:
    """Go to the page of a code."""
    # Before the form is read: here nobody has an account, and the limit of the site is that of uploads.
    request.max_content_length = 4 * MAX_CODE_CHARACTERS
    code = request.form.get("code", "")
    text = "".join(code.split()).rstrip("/").rpartition("/")[2][:MAX_CODE_CHARACTERS]
    if not text:
        return _page(error=Invalid("form.required", "fill it in", field="code"))
    return redirect(url_for("check.letter", code=text), 303)


@blueprint.get("/v/<code>")
# As the QR code has it: an address in capitals needs fewer modules (``ged.signed_codes.operations``).
@blueprint.get("/V/<code>")
def letter(code: str) -> ResponseReturnValue:
    """Number, date, signer, capacity and state of the letter with this code."""
    if not throttle.allows(LOOKUPS):
        return _page(error=_too_often(), status=429)
    found = public.find(context.services(), code[:MAX_CODE_CHARACTERS])
    return _page(found=found, code=code if found else "", unknown=found is None)


@blueprint.post("/v/<code>")
@blueprint.post("/V/<code>")
def compare(code: str) -> ResponseReturnValue:
    """Whether a file is the letter as it was issued."""
    # Before the body is read: a refused address must not cost the hash of a whole file.
    if not throttle.allows(UPLOADS):
        return _page(error=_too_often(), status=429)
    services, text = context.services(), code[:MAX_CODE_CHARACTERS]
    try:
        file = hashed_upload(request, "file", max_bytes=MAX_FILE_BYTES)
    except Invalid as error:
        found = public.find(services, text)
        return _page(found=found, code=code if found else "", unknown=found is None, error=error)
    answer = public.compare(services, text, file.digest)
    if answer is None:
        return _page(unknown=True)
    return _page(found=answer[0], code=code, file=answer[1], digest=file.digest)


def _too_often() -> Invalid:
    return Invalid("check.too_often", "wait a minute, then try again")


def _page(
    *,
    found: PublicLetter | None = None,
    code: str = "",
    unknown: bool = False,
    file: FileState | None = None,
    digest: str = "",
    error: GedError | None = None,
    status: int | None = None,
) -> ResponseReturnValue:
    page = render_template(
        "check/page.html", found=found, code=code, unknown=unknown, file=file, digest=digest,
        errors=views_of(error) if error is not None else (), megabytes=MAX_FILE_BYTES // 1_000_000,
        verifier_digest=case_export.verifier()[1],
    )  # fmt: skip
    status = status or (404 if unknown else status_of(error) if error is not None else 200)
    headers = {"X-Robots-Tag": "noindex, nofollow"}
    return page, status, {**headers, "Retry-After": "60"} if status == 429 else headers
