"""What changed between the revision that a signature covers and the file as it lies: compared object by object.

Shadow attacks (Mainka, Mladenov, Rohlmann, 2021) pass where changes are judged by their kind. Here everything that the
catalogue leads to is compared, by QPDF; what differs is named, and only three things are known not to be an alteration:
validation data (ISO 32000-2, 12.8.4.3), time-stamps of the document, a signature in a field that was there and empty.
"""

from collections.abc import Iterator, Sequence
from io import BytesIO

import pikepdf
from pikepdf import Array, Dictionary, Name, Object, Stream

from signing.packets import says_the_same

VALIDATION_DATA = "validation_data"
SIGNED_AGAIN = "signed_again"
HARMLESS = frozenset({VALIDATION_DATA})

_MOST_DIFFERENCES = 40
_UNSEEN = frozenset({"/DSS", "/Extensions", "/Version"})
_FILLED_KEYS = frozenset({"/V", "/AP", "/M", "/F"})
_AREAS = {
    "/Contents": "page_content",
    "/Resources": "page_content",
    "/MediaBox": "page_content",
    "/CropBox": "page_content",
    "/Rotate": "page_content",
    "/Kids": "pages",
    "/Annots": "annotations",
    "/AcroForm": "form_values",
    "/OCProperties": "layers",
    "/OpenAction": "actions",
    "/AA": "actions",
    "/Names": "actions",
    "/Metadata": "metadata",
    "/Encrypt": "structure",
    "/Perms": "structure",
}

Path = tuple[str, ...]


def changes_since(pdf: bytes, end: int) -> tuple[str, ...]:
    """Stable codes of what changed after byte ``end``; empty when nothing that is shown or done differs.

    ``validation_data``, ``signed_again``, ``page_content``, ``pages``, ``annotations``, ``form_values``, ``layers``,
    ``actions``, ``metadata``, ``structure``.

    Raises:
        pikepdf.PdfError: one of the two revisions cannot be read as it stands.
    """
    with _opened(pdf[:end]) as before, _opened(pdf) as after:
        return tuple(sorted(set(_Comparison(before, after).codes())))


def _opened(pdf: bytes) -> pikepdf.Pdf:
    # A file that must be repaired to be read may be read otherwise elsewhere.
    return pikepdf.open(BytesIO(pdf), attempt_recovery=False)


class _Comparison:
    """One walk through both revisions side by side."""

    def __init__(self, before: pikepdf.Pdf, after: pikepdf.Pdf) -> None:
        self._before, self._after = before, after
        self._seen: set[tuple[tuple[int, int], tuple[int, int]]] = set()
        self._stack: list[tuple[object, object, Path]] = []
        self._known = {field.objgen for field in _fields(before)}

    def codes(self) -> Iterator[str]:
        yield from self._trailer()
        old, new = self._before.Root, self._after.Root
        yield from self._keys(old, new, (), skipped=_UNSEEN)
        if _shape(old.get("/DSS")) != _shape(new.get("/DSS")):
            yield VALIDATION_DATA
        found = 0
        while self._stack and found < _MOST_DIFFERENCES:
            for code in self._pair(*self._stack.pop()):
                found += code not in (VALIDATION_DATA, SIGNED_AGAIN)
                yield code

    def _trailer(self) -> Iterator[str]:
        old, new = self._before.trailer, self._after.trailer
        if ("/Encrypt" in old) != ("/Encrypt" in new) or self._before.Root.objgen != self._after.Root.objgen:
            yield "structure"
        for key in {*_info(old), *_info(new)} - {"/ModDate", "/Producer"}:
            if str(_info(old).get(key)) != str(_info(new).get(key)):
                yield "metadata"

    def _pair(self, old: object, new: object, path: Path) -> Iterator[str]:
        if isinstance(old, Object) and isinstance(new, Object):
            if old.is_indirect or new.is_indirect:
                if new.objgen != (0, 0) and old.objgen not in ((0, 0), new.objgen):
                    yield _area(path)
                    return
                if (old.objgen, new.objgen) in self._seen:
                    return
                self._seen.add((old.objgen, new.objgen))
            if type(old) is not type(new):
                yield _area(path)
            elif isinstance(old, Stream) and isinstance(new, Stream):
                yield from self._streams(old, new, path)
            elif isinstance(old, Dictionary) and isinstance(new, Dictionary):
                yield from self._dictionaries(old, new, path)
            elif isinstance(old, Array) and isinstance(new, Array):
                yield from self._arrays(old, new, path)
            elif old != new:
                yield _area(path)
        elif old != new or type(old) is not type(new):
            yield _area(path)

    def _streams(self, old: Stream, new: Stream, path: Path) -> Iterator[str]:
        same = old.read_raw_bytes() == new.read_raw_bytes()
        if path[:1] == ("/Metadata",):
            # The packet tells when the file was written; a signature's own words are not in it.
            same = says_the_same(old.read_bytes(), new.read_bytes())
            skipped = frozenset({"/Length", "/Filter", "/DecodeParms"})
        else:
            skipped = frozenset({"/Length"})
        if not same:
            yield _area(path)
        yield from self._keys(old, new, path, skipped=skipped)

    def _dictionaries(self, old: Dictionary, new: Dictionary, path: Path) -> Iterator[str]:
        if _is_empty_signature(old) and _value_kind(new) == Name.Sig:
            yield SIGNED_AGAIN
            yield from self._keys(old, new, path, skipped=_FILLED_KEYS)
        elif path == ("/AcroForm",):
            yield from self._keys(old, new, path, skipped=frozenset({"/SigFlags"}))
        else:
            yield from self._keys(old, new, path)

    def _keys(self, old: Object, new: Object, path: Path, *, skipped: frozenset[str] = frozenset()) -> Iterator[str]:
        for key in {*old.keys(), *new.keys()} - skipped:
            here = (*path, key)
            if key in old and key in new:
                self._stack.append((old[key], new[key], here))
            elif key in new and (key in ("/Annots", "/Fields", "/AcroForm")):
                yield from self._came(key, new[key], here)
            else:
                yield _area(here)

    def _came(self, key: str, value: object, path: Path) -> Iterator[str]:
        """A list of annotations, fields, or a form, where there was none."""
        if key == "/AcroForm" and isinstance(value, Dictionary) and {*value.keys()} <= {"/Fields", "/SigFlags", "/DR"}:
            value = value.get("/Fields", Array())
        if isinstance(value, Array):
            yield from self._added(list(value), path)
        else:
            yield _area(path)

    def _arrays(self, old: Array, new: Array, path: Path) -> Iterator[str]:
        before, after = list(old), list(new)
        if len(after) < len(before):
            yield _area(path)
            return
        if len(after) > len(before):
            yield from self._added(after[len(before) :], path)
        self._stack += [(a, b, path) for a, b in zip(before, after, strict=False)]

    def _added(self, items: Sequence[object], path: Path) -> Iterator[str]:
        """Items at the end of a list: a time-stamp's field without any place on the page, or an alteration."""
        for item in items:
            is_list = path[-1] in ("/Annots", "/Fields", "/AcroForm")
            yield VALIDATION_DATA if is_list and self._is_new_timestamp(item) else _area(path)

    def _is_new_timestamp(self, item: object) -> bool:
        if not isinstance(item, Dictionary) or item.objgen in self._known or _value_kind(item) != Name.DocTimeStamp:
            return False
        sides = [float(side) for side in item.get("/Rect", Array())]
        return len(sides) in (0, 4) and (not sides or (sides[0] == sides[2] and sides[1] == sides[3]))


def _shape(store: Object | None) -> dict[str, object] | None:
    """The entries of a dictionary one level deep."""
    if not isinstance(store, Dictionary):
        return None
    return {key: value.unparse(resolved=True) if isinstance(value, Object) else value for key, value in store.items()}


def _info(trailer: Object) -> dict[str, object]:
    found = trailer.get("/Info")
    return dict(found.items()) if isinstance(found, Dictionary) else {}


def _fields(pdf: pikepdf.Pdf) -> Iterator[Object]:
    form = pdf.Root.get("/AcroForm")
    waiting = list(form.get("/Fields", Array())) if isinstance(form, Dictionary) else []
    seen: set[tuple[int, int]] = set()
    while waiting:
        field = waiting.pop()
        if not isinstance(field, Dictionary) or (field.is_indirect and field.objgen in seen):
            continue
        seen.add(field.objgen)
        yield field
        waiting += list(field.get("/Kids", Array()))


def _is_empty_signature(field: Dictionary) -> bool:
    return field.get("/FT") == Name.Sig and "/V" not in field


def _value_kind(field: Dictionary) -> Object | None:
    value = field.get("/V")
    if field.get("/FT") != Name.Sig or not isinstance(value, Dictionary):
        return None
    kind = value.get("/Type", Name.Sig)
    if kind == Name.DocTimeStamp and value.get("/SubFilter") != Name("/ETSI.RFC3161"):
        return None
    return kind


def _area(path: Path) -> str:
    """The code of the innermost part of the file that has a name of its own."""
    return next((_AREAS[key] for key in reversed(path) if key in _AREAS), "structure")
