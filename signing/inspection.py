"""Whether a PDF can be read in twenty years: the PDF/A level it claims, and visible violations of that claim.

This is not a full PDF/A validator (the tests use veraPDF). It finds what a mark, a template or a library can break.
"""

from collections.abc import Iterator
from io import BytesIO

import pikepdf
from pikepdf import Array, Dictionary, Name, Object, Stream

from ged.errors import EngineFailed
from ged.ports import PdfFacts

_DEEPEST = 16
_FONT_FILES = (Name.FontFile, Name.FontFile2, Name.FontFile3)


def inspect(pdf: bytes) -> PdfFacts:
    """Inspect a PDF that we made.

    Raises:
        EngineFailed: ``sign.unreadable``.
    """
    try:
        with pikepdf.open(BytesIO(pdf), attempt_recovery=False) as opened:
            return PdfFacts(_flavour(opened), tuple(sorted(set(_loose_fonts(opened)))))
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise EngineFailed("sign.unreadable", "Look at the log of the server.", cause=type(error).__name__) from error


def _flavour(pdf: pikepdf.Pdf) -> str:
    with pdf.open_metadata(set_pikepdf_as_editor=False) as metadata:
        claimed = str(metadata.pdfa_status).lower()
    has_profile = Name.OutputIntents in pdf.Root
    return claimed if has_profile and not pdf.is_encrypted else ""


def _loose_fonts(pdf: pikepdf.Pdf) -> Iterator[str]:
    """Names of fonts that the file uses and does not embed, on its pages and in the appearances of their fields."""
    seen: set[tuple[int, int]] = set()
    for page in pdf.pages:
        yield from _of_resources(page.obj.get(Name.Resources), seen, 0)
        for annotation in page.obj.get(Name.Annots, Array()):
            shown = annotation.get(Name.AP, Dictionary()).get(Name.N)
            for form in [shown] if isinstance(shown, Stream) else list((shown or {}).values()):
                yield from _of_resources(form.get(Name.Resources), seen, 0)


def _of_resources(resources: Object | None, seen: set[tuple[int, int]], depth: int) -> Iterator[str]:
    if resources is None or depth > _DEEPEST:
        return
    for font in resources.get(Name.Font, Dictionary()).values():
        if not _is_carried(font):
            yield str(font.get(Name.BaseFont, "?")).lstrip("/")
    for form in resources.get(Name.XObject, Dictionary()).values():
        if form.objgen not in seen:
            seen.add(form.objgen)
            yield from _of_resources(form.get(Name.Resources), seen, depth + 1)


def _is_carried(font: Object) -> bool:
    if font.get(Name.Subtype) == Name.Type3:  # drawn by the file itself
        return True
    below = font.get(Name.DescendantFonts)
    described = (below[0] if below is not None else font).get(Name.FontDescriptor)
    return described is not None and any(name in described for name in _FONT_FILES)
