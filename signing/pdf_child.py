"""The service of ``signing.apart``: opens PDFs that are to be signed, inspected or printed, in a child of the sandbox.

A PDF that LibreOffice made of a person's Word file may be hostile. No key comes here: the child leaves a gap for the
signature's value, and its owner fills it.
"""

import base64
from dataclasses import asdict
from datetime import datetime

from ged.errors import GedError
from ged.ports import PrintedCode, SignatureField, SignRequest
from sandbox import Message, Service
from signing import no_network  # noqa: F401 - the first, because the others import pyHanko
from signing.inspection import inspect
from signing.printing import for_printing
from signing.quiet import quiet_pyhanko
from signing.revision import with_fields, with_gap


def service(_settings: Message) -> Service:
    """Return the function that answers requests of ``signing.apart``."""
    quiet_pyhanko()
    return _answer


def _answer(request: Message, pdf: bytes) -> tuple[Message, bytes]:
    try:
        return _done(request, pdf)
    except GedError as failure:
        return {"failed": str(failure.params.get("cause", failure.code))}, b""
    except Exception as error:  # noqa: BLE001 - pyHanko raises KeyError, AssertionError and others on malformed files
        return {"failed": type(error).__name__}, b""


def _done(request: Message, pdf: bytes) -> tuple[Message, bytes]:
    operation = request["do"]
    if operation == "inspect":
        return {"facts": asdict(inspect(pdf))}, b""
    if operation == "print":
        return {}, for_printing(_cut(pdf, request["sizes"]))
    if operation == "prepare":
        return {}, _appended(pdf, with_fields(pdf, [_field(one) for one in request["fields"]]))
    made, start, end = with_gap(pdf, _asked(request), digest=request["digest"], hex_digits=request["hex_digits"])
    return {"start": start, "end": end}, _appended(pdf, made)


def _appended(before: bytes, after: bytes) -> bytes:
    """What was appended: of a large file, only this goes back."""
    if not after.startswith(before):
        raise ValueError("bytes_rewritten")
    return after[len(before) :]


def _cut(joined: bytes, sizes: list[int]) -> list[bytes]:
    found, at = [], 0
    for size in sizes:
        found.append(joined[at : at + size])
        at += size
    return found


def _asked(request: Message) -> SignRequest:
    code = request["code"]
    return SignRequest(
        field=_field(request["field"]),
        reason=request["reason"],
        location=request["location"],
        signer_name=request["signer_name"],
        at=datetime.fromisoformat(request["at"]),
        appearance_pdf=base64.b64decode(request["appearance_pdf"]),
        docmdp_level=request["docmdp_level"],
        code=PrintedCode(**code) if code is not None else None,
    )


def _field(data: Message) -> SignatureField:
    x1, y1, x2, y2 = data["box"]
    return SignatureField(data["name"], data["page_no"], (x1, y1, x2, y2))
