"""PDFs to be signed, inspected or printed are opened in limited children (``signing.pdf_child``); keys stay here.

A child returns only the bytes that it appends, so it can change none of the bytes that were given. But a child that a file took
over could append another page to a later letter. That is why two kinds of children are kept apart: those that sign open PDFs by pyHanko
alone, which is Python; those that inspect and print read them by libraries in C++, and never sign.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Any

from pyhanko.sign.signers.pdf_byterange import PreparedByteRangeDigest

from ged.errors import EngineFailed
from ged.ports import PdfFacts, SignatureField, SignRequest
from sandbox import Answer, Busy, Isolation, Late, Limits, Message, Pool, SandboxError

TIMEOUT_S = 15.0
"""For one request. A letter of 60 pages takes a tenth of a second."""
PRINT_TIMEOUT_S = 60.0
"""For the slips and sheets of one print, which we made."""
WAIT_S = 15.0
_MEMORY_BYTES = 1536 * 1024 * 1024
_USES = 500
_AT_ONCE = 2
_MAX_ANSWER_BYTES = 256 * 1024 * 1024
_SIGNING = ("prepare", "sign")
"""The requests for which no library in C++ opens the PDF."""
_RANGE = re.compile(rb"/ByteRange \[([0-9 ]{1,100})\]")


@dataclass(frozen=True)
class Gap:
    """A PDF whose signature has no value yet: ``start`` and ``end`` of the value's place, its brackets included."""

    pieces: tuple[bytes, bytes]
    start: int
    end: int

    def digest(self, name: str) -> bytes:
        """The digest of all bytes but those of the value. It is computed here: a child might name another one."""
        before, appended = self.pieces
        found = hashlib.new(name, before)
        view = memoryview(appended)
        found.update(view[: self.start - len(before)])
        found.update(view[self.end - len(before) :])
        return found.digest()

    def filled(self, cms: bytes) -> bytes:
        """The PDF with this signature."""
        output = BytesIO(b"".join(self.pieces))
        PreparedByteRangeDigest(b"", self.start, self.end).fill_with_cms(output, cms)
        return output.getvalue()


class PdfsApart:
    """Children that open PDFs, two at a time to sign and two to inspect or print. They end with this object or the interpreter."""

    def __init__(self, *, isolation: Isolation | None = None, timeout_s: float = TIMEOUT_S) -> None:
        """Start no child yet: the first request does."""
        self._timeout_s = timeout_s
        self._signing, self._looking = self._children(isolation), self._children(isolation)

    @staticmethod
    def _children(isolation: Isolation | None) -> Pool:
        return Pool(
            "signing.pdf_child:service",
            {},
            packages=("ged", "signing"),
            # The answer comes by the pipe: the child writes no file.
            limits=Limits(_MEMORY_BYTES, file_bytes=0),
            isolation=isolation,
            uses=_USES,
            size=_AT_ONCE,
            max_answer_bytes=_MAX_ANSWER_BYTES,
        )

    def prepared(self, pdf: bytes, fields: Sequence[SignatureField]) -> bytes:
        """The PDF with empty signature fields.

        Raises:
            EngineFailed: ``sign.failed``; ``work.busy``.
        """
        answer = self._ask({"do": "prepare", "fields": [asdict(one) for one in fields]}, pdf, "sign.failed")
        return pdf + answer.payload

    def gap(self, pdf: bytes, request: SignRequest, *, digest: str, hex_digits: int) -> Gap:
        """The PDF with a place for the signature's value.

        Raises:
            EngineFailed: as ``prepared``.
        """
        asked: Message = {
            **asdict(request), "do": "sign", "at": request.at.isoformat(), "digest": digest, "hex_digits": hex_digits,
            "appearance_pdf": base64.b64encode(request.appearance_pdf).decode(),
        }  # fmt: skip
        answer = self._ask(asked, pdf, "sign.failed", field=request.field.name)
        try:
            start, end = int(answer.message["start"]), int(answer.message["end"])
        except (KeyError, TypeError, ValueError) as error:  # of a child that a hostile file took over
            raise _failed("sign.failed", type(error).__name__, {"field": request.field.name}) from error
        place = answer.payload[start - len(pdf) : end - len(pdf)] if len(pdf) < start < end else b""
        # A signature that says it covers other bytes than those of the digest would be made, and never be valid.
        is_place = place == b"<" + b"0" * hex_digits + b">"
        if not (is_place and _ranges(answer.payload) == [[0, start, end, len(pdf) + len(answer.payload) - end]]):
            raise EngineFailed("sign.failed", field=request.field.name, cause="bytes_rewritten")
        return Gap((pdf, answer.payload), start, end)

    def inspected(self, pdf: bytes) -> PdfFacts:
        """See ``Signer.inspect``.

        Raises:
            EngineFailed: ``sign.unreadable``; ``work.busy``.
        """
        answer = self._ask({"do": "inspect"}, pdf, "sign.unreadable").message
        try:
            return PdfFacts(str(answer["facts"]["flavour"]), tuple(map(str, answer["facts"]["loose_fonts"])))
        except (KeyError, TypeError) as error:  # of a child that a hostile file took over
            raise _failed("sign.unreadable", type(error).__name__, {}) from error

    def printed(self, pdfs: Sequence[bytes]) -> bytes:
        """See ``Signer.for_printing``.

        Raises:
            EngineFailed: as ``inspected``.
        """
        request: Message = {"do": "print", "sizes": [len(one) for one in pdfs]}
        return self._ask(request, b"".join(pdfs), "sign.unreadable", timeout_s=PRINT_TIMEOUT_S).payload

    def _ask(
        self, request: Message, pdf: bytes, code: str, *, timeout_s: float | None = None, **params: object
    ) -> Answer:
        """Ask a child. If it dies, a second is asked: another file may have caused its end."""
        pool = self._signing if request["do"] in _SIGNING else self._looking
        for is_last in (False, True):
            try:
                with pool.child(wait_s=WAIT_S) as child:
                    answer = child.ask(request, payload=pdf, timeout_s=timeout_s or self._timeout_s)
            except Busy as busy:
                raise EngineFailed("work.busy", "try again in a moment", retryable=True) from busy
            except SandboxError as gone:
                if is_last or isinstance(gone, Late):
                    raise _failed(code, type(gone).__name__, params) from gone
                continue
            if "failed" in answer.message:
                raise _failed(code, str(answer.message["failed"])[:60], params)
            return answer
        raise AssertionError("the second time returns or raises")


def _ranges(appended: bytes) -> list[list[int]]:
    """What each signature in these bytes says it covers: a place and a length, twice."""
    return [[int(number) for number in found.split()] for found in _RANGE.findall(appended)]


def _failed(code: str, cause: str, params: dict[str, Any]) -> EngineFailed:
    return EngineFailed(code, "Look at the log of the server.", cause=cause, **params)
