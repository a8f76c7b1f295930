"""Which level of ETSI EN 319 142-1 a signature has reached, read from the revisions of the file.

A time-stamp over the whole document proves a signature as well as a time-stamp inside it (EN 319 142-1, 6.3, B-T). So a
signature made while no authority answered can reach a higher level without any change to signed bytes.
"""

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

_PADES = "/ETSI.CAdES.detached"
_TOKEN_ATTRIBUTE = "signature_time_stamp_token"  # noqa: S105  the name of an attribute of RFC 3161, appendix A


def level_of(embedded: EmbeddedPdfSignature, *, own_stamp: bool) -> str:
    """The level of one signature. For another kind than PAdES: the name of the kind.

    Args:
        own_stamp: the signature has a valid time-stamp of its own.
    """
    subfilter = str(embedded.sig_object.get("/SubFilter", ""))
    if subfilter != _PADES:
        return subfilter.removeprefix("/")
    made_in = embedded.signed_revision
    stamps = [one for one in stamp_revisions(embedded.reader) if one > made_in]
    evidence = [one for one in evidence_revisions(embedded.reader) if one > made_in]
    if not (own_stamp or stamps):
        return "B-B"
    if not evidence:
        return "B-T"
    return "B-LTA" if any(stamp >= evidence[0] for stamp in stamps) else "B-LT"


def has_token(embedded: EmbeddedPdfSignature) -> bool:
    """Whether a signature carries a time-stamp of its own, valid or not."""
    attributes = embedded.signer_info["unsigned_attrs"]
    return any(one["type"].native == _TOKEN_ATTRIBUTE for one in (attributes or ()))


def stamp_revisions(reader: PdfFileReader) -> list[int]:
    """The revisions that a time-stamp over the whole document ends, in order."""
    return sorted(stamp.signed_revision for stamp in reader.embedded_timestamp_signatures)


def evidence_revisions(reader: PdfFileReader) -> list[int]:
    """The revisions that wrote certificates and revocation data into the document (its /DSS), in order."""
    if "/DSS" not in reader.root:
        return []
    store = reader.root.raw_get("/DSS")
    place = store.reference if isinstance(store, generic.IndirectObject) else reader.root_ref
    return [n for n in range(reader.xrefs.total_revisions) if place in reader.xrefs.explicit_refs_in_revision(n)]
