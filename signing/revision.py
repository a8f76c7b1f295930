"""Appends revisions to a PDF through pyHanko: empty signature fields, and a signature whose value is still missing.

It opens the PDF, so it runs inside ``signing.pdf_child``; no key is needed.
"""

from collections.abc import Sequence
from io import BytesIO

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter, append_signature_field, enumerate_sig_fields
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigAppearanceSetup, SigIOSetup, SigMDPSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import SignatureObject

from ged.ports import SignatureField, SignRequest
from signing.appearance import PageStyle


class _Writer(IncrementalPdfFileWriter):
    """Writes only what it is given. pyHanko would also rewrite the metadata with the current date, which alters content
    that was signed before."""

    def _update_meta(self) -> None:
        """Leave the metadata unchanged."""


def pdf_writer(pdf: bytes) -> IncrementalPdfFileWriter:
    """A writer that appends a revision."""
    # typst's last line has no line end. An object that begins directly behind it breaks PDF/A (ISO 19005-2, 6.1.9).
    return _Writer(BytesIO(pdf if pdf.endswith((b"\n", b"\r")) else pdf + b"\n"))


def with_fields(pdf: bytes, fields: Sequence[SignatureField]) -> bytes:
    """The PDF with empty signature fields."""
    writer = pdf_writer(pdf)
    for field in fields:
        append_signature_field(writer, _field_spec(field))
    output = BytesIO()
    writer.write(output)  # type: ignore[no-untyped-call]
    return output.getvalue()


def with_gap(pdf: bytes, request: SignRequest, *, digest: str, hex_digits: int) -> tuple[bytes, int, int]:
    """The PDF with a signature whose value is zeros, and where this value begins and ends, its brackets included.

    Args:
        digest: name of the hash function.
        hex_digits: the place for the value.

    Raises:
        ValueError: it is to certify, and there is a signature already.
    """
    writer = pdf_writer(pdf)
    fields = {name: value for name, value, _ in enumerate_sig_fields(writer.prev)}
    exists = request.field.name in fields
    # ISO 32000-2, 12.8.2.2: a document has one certification, by its first signature.
    if request.docmdp_level is not None and any(value is not None for value in fields.values()):
        raise ValueError("only the first signature certifies")
    embedding = PdfCMSEmbedder(None if exists else _field_spec(request.field)).write_cms(
        request.field.name, writer, existing_fields_only=exists
    )
    next(embedding)
    embedding.send(_setup(request, digest, hex_digits))
    output = BytesIO()
    prepared, _ = embedding.send(SigIOSetup(digest, output=output))
    return output.getvalue(), prepared.reserved_region_start, prepared.reserved_region_end


def _setup(request: SignRequest, digest: str, hex_digits: int) -> SigObjSetup:
    certifies = request.docmdp_level is not None
    return SigObjSetup(
        SignatureObject(
            timestamp=request.at,  # without it, pyHanko would take the system clock
            subfilter=SigSeedSubFilter.PADES,
            name=request.signer_name or None,
            location=request.location or None,
            reason=request.reason or None,
            bytes_reserved=hex_digits,
        ),
        SigMDPSetup(digest, certify=certifies, docmdp_perms=MDPPerm(request.docmdp_level) if certifies else None),
        SigAppearanceSetup(
            PageStyle(border_width=0, page_pdf=request.appearance_pdf, code=request.code), request.at, None
        ),
    )


def _field_spec(field: SignatureField) -> SigFieldSpec:
    return SigFieldSpec(field.name, on_page=field.page_no - 1, box=field.box)  # type: ignore[arg-type]  # floats are written as they are
