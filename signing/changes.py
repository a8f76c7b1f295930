"""What changed between the revision that a signature covers and the current file: compared value by value.

Shadow attacks (Mainka, Mladenov, Rohlmann, 2021) succeed where changes are accepted by their kind. So every object
reachable from the catalogue is compared, by QPDF, and each difference is named. Object numbers, order and spelling do
not count: programs that sign may write unchanged objects again. Four changes are not alterations: validation data
(ISO 32000-2, 12.8.4.3), time-stamps of the document, a signature in a field that existed and was empty, and a
signature with a new field that covers nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO

import pikepdf
from pikepdf import Array, Dictionary, Name, Object, Stream, String

from signing.blank import is_blank
from signing.colours import shows_the_same
from signing.equality import LENGTH, SPELLING, is_container, same_kind, same_scalar, same_when_decoded
from signing.new_fields import (
    NEW_FIELD,
    VALIDATION_DATA,
    Box,
    NewField,
    Number,
    fields_of,
    is_signed_since,
    new_field,
    overlap,
    place_of,
)
from signing.packets import says_nothing, says_the_same

SIGNED_AGAIN = "signed_again"
COVERS = "covers_content"
HARMLESS = frozenset({VALIDATION_DATA})
SIGNATURES = frozenset({SIGNED_AGAIN, NEW_FIELD})

_MOST_DIFFERENCES = 40
_MOST_TWINS = 8
_FEW = 1_000
_MOST_PAGES = 100_000
_DEEPEST = 64
_UNSEEN = frozenset({"/DSS", "/Extensions", "/Version"})
_FILLED_KEYS = frozenset({"/V", "/AP", "/M", "/F"})
_SHARED_FORM_KEYS = frozenset({"/Fields", "/SigFlags", "/DR", "/DA"})
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

Place = tuple[object, object]
"""An object's number and generation; for a direct value, the place of its container and the key in the container."""
_TRAILER: Place = ("trailer", "")


@dataclass(frozen=True)
class Changes:
    """What changed.

    Attributes:
        codes: ``validation_data``, ``signed_again``, ``new_field``, ``covers_content``, ``page_content``, ``pages``,
            ``annotations``, ``form_values``, ``layers``, ``actions``, ``metadata``, ``structure``, sorted. Empty when
            nothing differs that a reader shows or does.
        signed: names of the fields that were signed since, without time-stamps.
        is_seen: one of these fields is new and has a place on a page.
        places: by page (from 0), where a later signature shows something.
    """

    codes: tuple[str, ...]
    signed: tuple[str, ...] = ()
    is_seen: bool = False
    places: Mapping[int, tuple[Box, ...]] = field(default_factory=dict)

    @property
    def harmless(self) -> bool:
        """Whether only signatures and validation data were added."""
        return {*self.codes} <= HARMLESS | SIGNATURES


def changes_since(pdf: bytes, end: int) -> Changes:
    """What changed after byte ``end``.

    Raises:
        pikepdf.PdfError: one of the two revisions cannot be read as it stands.
    """
    with _opened(pdf[:end]) as before, _opened(pdf) as after:
        found = _Comparison(before, after, end)
        codes = {*found.codes()}
        seen = [*found.places, *found.filled]
        if codes <= HARMLESS | SIGNATURES and any(_covers(pdf[:end], before, place) for place in seen):
            codes.add(COVERS)
        places = {one.page: tuple(other.box for other in seen if other.page == one.page) for one in seen}
        return Changes(tuple(sorted(codes)), tuple(found.signed), bool(found.places), places)


def _opened(pdf: bytes) -> pikepdf.Pdf:
    # Other readers may repair a broken file in another way.
    return pikepdf.open(BytesIO(pdf), attempt_recovery=False)


@dataclass(frozen=True)
class _Seen:
    """Where a new or newly filled field shows something, on a page counted from 0."""

    page: int
    box: Box
    widget: Number


def _covers(pdf: bytes, before: pikepdf.Pdf, place: _Seen) -> bool:
    """Whether the field covers something that the signer of the earlier revision saw or could click."""
    pages = _pages(before)
    notes = _list(pages[place.page], "/Annots")
    if any(not isinstance(one, Dictionary) for one in notes):
        return True
    others = [one for one in notes if not (one.is_indirect and one.objgen == place.widget)]  # type: ignore[attr-defined]
    if any(overlap(place.box, one.get("/Rect")) for one in others):  # type: ignore[attr-defined]
        return True
    return not is_blank(pdf, place.page, len(pages), place.box)


class _Comparison:
    """Walks through both revisions side by side. It visits each pair of values once, so cycles end.

    What may differ depends on the pair (a page may list a new field's widget, the form may hold it), never on the path
    by which the walk reached the pair.
    """

    def __init__(self, before: pikepdf.Pdf, after: pikepdf.Pdf, end: int) -> None:
        self._before, self._after, self._end = before, after, end
        self._seen: set[tuple[Place, Place]] = set()
        self._met: set[Place] = set()
        self._stack: list[tuple[object, object, str, tuple[Place, Place]]] = []
        self._known = {field.objgen for field in fields_of(before)}
        self._layers = _Twins(_layers(before), _layers(after))
        self._new = dict(self._new_fields())
        self._widgets = {field.widget: field for field in self._new.values()}
        old_pages, new_pages = _pages(before), _pages(after)
        self._leaves = list(zip(old_pages, new_pages, strict=False))
        self._pages: dict[tuple[Place, Place], int] = {
            (old.objgen, new.objgen): number for number, (old, new) in enumerate(self._leaves)
        }
        self._current = {page.objgen for page in new_pages}
        self._former = {page.objgen for page in old_pages}
        self._listed: list[tuple[int, NewField]] = []
        self.signed: list[str] = []
        self.places: list[_Seen] = []
        self.filled: list[_Seen] = []

    def codes(self) -> Iterator[str]:
        """Yield the codes, some more than once. At the end ``signed``, ``places`` and ``filled`` are set."""
        yield from self._trailer()
        old, new = self._before.Root, self._after.Root
        yield from self._catalogue(old, new)
        if len(self._former) != len(self._current):
            yield "pages"
        for old_page, new_page in self._leaves:
            self._later(old_page, new_page, "pages", (old_page.objgen, new_page.objgen))
        found = 0
        while self._stack and found < _MOST_DIFFERENCES:
            if len(self._seen) > _FEW + _MOST_TWINS * len(self._met):
                yield "structure"  # each object is paired with many others: the walk would take too long
                return
            for code in self._pair(*self._stack.pop()):
                found += code not in HARMLESS | SIGNATURES
                yield code
        yield from self._signed_fields()

    def _new_fields(self) -> Iterator[tuple[Number, NewField]]:
        """Fields appended to the form's list, by number: each is only a signature field, with a name of its own."""
        before, after = (_list(pdf.Root.get("/AcroForm"), "/Fields") for pdf in (self._before, self._after))
        names = [str(field.get("/T")) for field in before if isinstance(field, Dictionary)]
        for item in after[len(before) :]:
            field = new_field(item, self._end)
            if field and field.name not in names and field.widget not in self._known:
                names.append(field.name)
                yield field.number, field

    def _trailer(self) -> Iterator[str]:
        old, new = self._before.trailer, self._after.trailer
        yield from self._keys(_only(old, "/Encrypt"), _only(new, "/Encrypt"), "structure", (_TRAILER, _TRAILER))
        for key in {*_info(old), *_info(new)} - {"/ModDate", "/Producer"}:
            if str(_info(old).get(key)) != str(_info(new).get(key)):
                yield "metadata"

    def _catalogue(self, old: Object, new: Object) -> Iterator[str]:
        places = (old.objgen, new.objgen)
        self._seen.add(places)
        self._layers.meet(*places)
        came = {key for key in ("/OutputIntents", "/Metadata") if key not in old and key in new}
        mute = {key for key in came if _says_nothing(key, new[key])}
        if _tells_the_same(old.get("/Metadata"), new.get("/Metadata")):
            # Under the catalogue its bytes may differ. Reached by another path, it is compared as any stream.
            mute.add("/Metadata")
            yield from self._keys(
                old.Metadata, new.Metadata, "metadata", _below(places, "/Metadata", None, None), skipped=SPELLING
            )
        yield from self._keys(old, new, "structure", places, skipped=_UNSEEN | {"/AcroForm"} | mute)
        if _shape(old.get("/DSS")) != _shape(new.get("/DSS")):
            yield VALIDATION_DATA
        yield from self._forms(old.get("/AcroForm"), new.get("/AcroForm"))

    def _later(self, old: object, new: object, area: str, places: tuple[Place, Place]) -> None:
        self._stack.append((old, new, area, places))

    def _pair(self, old: object, new: object, area: str, places: tuple[Place, Place]) -> Iterator[str]:
        if not (is_container(old) or is_container(new)):
            if not same_scalar(old, new):
                yield area
            return
        if places in self._seen:
            return
        self._seen.add(places)
        self._met.add(places[0])
        if not self._layers.meet(*places):
            yield "layers"
        elif not same_kind(old, new):
            yield area
        elif isinstance(old, Array) and isinstance(new, Array):
            yield from self._arrays(old, new, area, places)
        elif isinstance(old, Stream) and isinstance(new, Stream):
            yield from self._streams(old, new, area, places)
        elif isinstance(old, Dictionary) and isinstance(new, Dictionary):
            yield from self._dictionaries(old, new, area, places)

    def _streams(self, old: Stream, new: Stream, area: str, places: tuple[Place, Place]) -> Iterator[str]:
        if old.read_raw_bytes() == new.read_raw_bytes():
            # Filters and their parameters say what the bytes mean, and may be separate objects.
            yield from self._keys(old, new, area, places, skipped=LENGTH)
            return
        if not same_when_decoded(old, new):
            yield area
        yield from self._keys(old, new, area, places, skipped=SPELLING)

    def _dictionaries(self, old: Dictionary, new: Dictionary, area: str, places: tuple[Place, Place]) -> Iterator[str]:
        page = self._pages.get(places)
        if page is not None:
            yield from self._keys(old, new, area, places, skipped=frozenset({"/Annots"}))
            yield from self._annotations(old.get("/Annots"), new.get("/Annots"), page, places)
        elif places[0] == places[1] and places[0] in self._former - self._current:
            # The page has a new number now; this reference still names the old object, which no reader shows.
            yield from self._keys(old, new, area, places, skipped=frozenset({"/Annots"}))
        elif old.objgen in self._known and _is_empty_signature(old) and is_signed_since(new, self._end):
            yield SIGNED_AGAIN
            self.signed.append(_full_name(new))
            self.filled += self._filled(old, new)
            yield from self._keys(old, new, area, places, skipped=_FILLED_KEYS)
        else:
            yield from self._keys(old, new, area, places)

    def _filled(self, old: Dictionary, new: Dictionary) -> Iterator[_Seen]:
        """Yield where a field that was empty shows its signature."""
        box = place_of(new)
        for number, (page, _) in enumerate(self._leaves):
            notes = (one for one in _list(page, "/Annots") if isinstance(one, Dictionary))
            if box is not None and any(one.objgen == old.objgen for one in notes):
                yield _Seen(number, box, old.objgen)

    def _keys(
        self, old: Object, new: Object, area: str, places: tuple[Place, Place], *, skipped: frozenset[str] = frozenset()
    ) -> Iterator[str]:
        for key in sorted({*old.keys(), *new.keys()} - skipped):
            here = _AREAS.get(key, area)
            mine, theirs = old.get(key), new.get(key)
            if (mine is None) != (theirs is None):
                yield here
            elif mine is not None:
                self._later(mine, theirs, here, _below(places, key, mine, theirs))

    def _arrays(self, old: Array, new: Array, area: str, places: tuple[Place, Place]) -> Iterator[str]:
        if len(new) != len(old):
            yield area
        self._items(list(old), list(new), area, places)

    def _items(self, old: Sequence[object], new: Sequence[object], area: str, places: tuple[Place, Place]) -> None:
        for number, (mine, theirs) in enumerate(zip(old, new, strict=False)):
            self._later(mine, theirs, area, _below(places, number, mine, theirs))

    def _annotations(self, old: object, new: object, page: int, places: tuple[Place, Place]) -> Iterator[str]:
        """Compare a page's annotations: the earlier ones, then at most the widgets of new fields."""
        before, after = _listed(old), _listed(new)
        if before is None or after is None or len(after) < len(before):
            yield "annotations"
            return
        self._items(before, after, "annotations", _below(places, "/Annots", old, new))
        for item in after[len(before) :]:
            field = self._widgets.get(item.objgen) if isinstance(item, Dictionary) else None
            if field is None:
                yield "annotations"
            else:
                self._listed.append((page, field))

    def _forms(self, old: object, new: object) -> Iterator[str]:
        """Compare the form: what it held, then at most new fields and what only they use."""
        if old is None and new is None:
            return
        if not isinstance(new, Dictionary) or not (old is None or isinstance(old, Dictionary)):
            yield "form_values"
            return
        old = Dictionary() if old is None else old
        places = (old.objgen, new.objgen)
        yield from self._keys(old, new, "form_values", places, skipped=_SHARED_FORM_KEYS)
        yield from self._defaults(old, new, places)
        yield from self._field_lists(old.get("/Fields"), new.get("/Fields"), places)

    def _field_lists(self, old: object, new: object, places: tuple[Place, Place]) -> Iterator[str]:
        before, after = _listed(old), _listed(new)
        if before is None or after is None or len(after) < len(before):
            yield "form_values"
            return
        self._items(before, after, "form_values", _below(places, "/Fields", old, new))
        for item in after[len(before) :]:
            if not isinstance(item, Dictionary) or item.objgen not in self._new:
                yield "form_values"

    def _defaults(self, old: Dictionary, new: Dictionary, places: tuple[Place, Place]) -> Iterator[str]:
        """Compare the fonts and appearances that fields share. Additions are allowed if no earlier field uses them."""
        if "/DA" in old or any(map(_lacks_look, fields_of(self._before))):
            yield from self._keys(_only(old, "/DA"), _only(new, "/DA"), "form_values", places)
        if "/DR" in old or "/DR" in new:
            used = _names_used(self._before)
            yield from self._added_resources(old.get("/DR"), new.get("/DR"), used, _below(places, "/DR", None, None), 0)

    def _added_resources(
        self, old: object, new: object, used: bytes | None, places: tuple[Place, Place], depth: int
    ) -> Iterator[str]:
        """``depth`` 0: a dictionary of kinds of resources; 1: the resources of a kind, by name."""
        old = Dictionary() if old is None else old
        if not (isinstance(old, Dictionary) and isinstance(new, Dictionary)):
            yield "form_values"
            return
        for key in sorted({*old.keys(), *new.keys()}):
            mine, theirs = old.get(key), new.get(key)
            below = _below(places, key, mine, theirs)
            if depth == 0 and isinstance(theirs, Dictionary):
                yield from self._added_resources(mine, theirs, used, below, 1)
            elif mine is not None and theirs is not None:
                self._later(mine, theirs, "form_values", below)
            elif mine is not None or used is None or key.encode() in used:
                yield "form_values"

    def _signed_fields(self) -> Iterator[str]:
        """Check that a new field is listed by one page at most, the page it names; by exactly one if it has a box."""
        for own in self._new.values():
            pages = [page for page, listed in self._listed if listed is own]
            named = [self._leaves[page][1].objgen for page in pages]
            if len(pages) > 1 or (own.box and not pages) or (own.page and named and named != [own.page]):
                yield "annotations"
            if own.kind == NEW_FIELD:
                self.signed.append(own.name)
            self.places += [_Seen(page, own.box, own.widget) for page in pages if own.box]
            yield own.kind


class _Twins:
    """Readers identify layers by object number alone. Here each old layer is paired with one new layer for good."""

    def __init__(self, old: frozenset[Number], new: frozenset[Number]) -> None:
        self._old, self._new = old, new
        self._pairs: dict[Place, Place] = {}
        self._back: dict[Place, Place] = {}

    def meet(self, old: Place, new: Place) -> bool:
        """Whether the two may be the same layer. Records the pair."""
        if old not in self._old and new not in self._new:
            return True
        if old not in self._old or new not in self._new:
            return False
        return self._pairs.setdefault(old, new) == new and self._back.setdefault(new, old) == old


def _layers(pdf: pikepdf.Pdf) -> frozenset[Number]:
    """All numbered objects reachable from the layers' properties: readers differ on which lists make a layer."""
    waiting: list[object] = [pdf.Root.get("/OCProperties")]
    found: set[Number] = set()
    while waiting:
        value = waiting.pop()
        if not isinstance(value, (Dictionary, Array)) or (value.is_indirect and value.objgen in found):
            continue
        if value.is_indirect:
            found.add(value.objgen)
        waiting += list(value.values()) if isinstance(value, Dictionary) else list(value)
    return frozenset(found)


def _pages(pdf: pikepdf.Pdf) -> list[Dictionary]:
    """The pages in order. The tree is not trusted: cycles end, and the count is bounded."""
    waiting: list[object] = [pdf.Root.get("/Pages")]
    seen: set[Number] = set()
    found: list[Dictionary] = []
    while waiting and len(found) < _MOST_PAGES:
        node = waiting.pop()
        if not isinstance(node, Dictionary) or not node.is_indirect or node.objgen in seen:
            continue
        seen.add(node.objgen)
        if "/Kids" in node:
            waiting += reversed(_list(node, "/Kids"))
        else:
            found.append(node)
    return found


def _below(places: tuple[Place, Place], key: object, old: object, new: object) -> tuple[Place, Place]:
    return _place(places[0], key, old), _place(places[1], key, new)


def _place(holder: Place, key: object, value: object) -> Place:
    return value.objgen if isinstance(value, Object) and value.is_indirect else (holder, key)


def _list(holder: object, key: str) -> list[object]:
    return _listed(holder.get(key) if isinstance(holder, Dictionary) else None) or []


def _listed(value: object) -> list[object] | None:
    """The items of an array; empty when the value is missing, None when it is not an array."""
    if value is None:
        return []
    return list(value) if isinstance(value, Array) else None


def _tells_the_same(old: object, new: object) -> bool:
    """Whether both are XMP packets with the same statements, apart from when and by what the file was written."""
    both = isinstance(old, Stream) and isinstance(new, Stream)
    return both and says_the_same(old.read_bytes(), new.read_bytes())  # type: ignore[attr-defined]


def _says_nothing(key: str, value: object) -> bool:
    """Whether an entry of the catalogue that programs add when they sign changes nothing of the document."""
    if key == "/OutputIntents":
        return shows_the_same(value)
    plain = isinstance(value, Stream) and {*value.keys()} <= SPELLING | {"/Type", "/Subtype"}
    return plain and isinstance(value, Stream) and says_nothing(value.read_bytes())


def _only(holder: Object, key: str) -> Dictionary:
    return Dictionary({key: holder[key]}) if key in holder else Dictionary()


def _shape(store: Object | None) -> dict[str, object] | None:
    """The entries of a dictionary one level deep."""
    if not isinstance(store, Dictionary):
        return None
    return {key: value.unparse(resolved=True) if isinstance(value, Object) else value for key, value in store.items()}


def _info(trailer: Object) -> dict[str, object]:
    found = trailer.get("/Info")
    return dict(found.items()) if isinstance(found, Dictionary) else {}


def _names_used(pdf: pikepdf.Pdf) -> bytes | None:
    """The strings in which earlier fields name the form's resources; None where readers may look up others there."""
    form, fields = pdf.Root.get("/AcroForm"), list(fields_of(pdf))
    if any(_borrows(field) for field in fields):
        return None
    appearances = [holder.get("/DA") for holder in [form, *fields] if isinstance(holder, Dictionary)]
    used = b" ".join(bytes(one) for one in appearances if isinstance(one, String))
    return None if b"#" in used else used  # ``#`` escapes: one name may be spelt in two ways


def _lacks_look(field: Dictionary) -> bool:
    """Whether the field uses the form's default appearance: it shows text, and no field on its path has one."""
    node: object = field
    for _ in range(_DEEPEST):
        if not isinstance(node, Dictionary):
            return True
        if "/DA" in node or node.get("/FT") == Name.Sig:
            return False
        node = node.get("/Parent")
    return True


def _borrows(field: Dictionary) -> bool:
    """Whether the field draws something without resources of its own."""
    appearance = field.get("/AP")
    forms = list(appearance.values()) if isinstance(appearance, Dictionary) else []
    forms += [inner for one in forms if isinstance(one, Dictionary) for inner in one.values()]
    return any(isinstance(one, Stream) and "/Resources" not in one and one.read_raw_bytes().strip() for one in forms)


def _is_empty_signature(field: Dictionary) -> bool:
    return field.get("/FT") == Name.Sig and "/V" not in field


def _full_name(field: Dictionary) -> str:
    """The fully qualified field name (ISO 32000-2, 12.7.4.2)."""
    parts: list[str] = []
    node: object = field
    while isinstance(node, Dictionary) and len(parts) < _DEEPEST:
        parts.append(str(node.get("/T", "")))
        node = node.get("/Parent")
    return ".".join(reversed([part for part in parts if part]))
