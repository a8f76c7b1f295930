"""Content of a signed file that can show different things to different people, or that hides what the file is.

No finding here breaks a signature: the signer may have intended it. But the verdict is no longer green, because two
readers may see different content (JavaScript, layers), or because two fields claim one signature.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from io import BytesIO

import pikepdf
from pikepdf import Array, Dictionary, Name, Object

_SCRIPTS = frozenset({"/JavaScript", "/Rendition"})
_ACTIONS = frozenset({"/Launch", "/SubmitForm", "/ImportData", "/SetOCGState", "/Hide", "/RichMediaExecute", "/GoToE"})
_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")
_DEEPEST = 64
_MOST_WAYS = 2  # paths that are followed to one field: two are enough to find a duplicate


def suspects(pdf: bytes) -> tuple[str, ...]:
    """Stable codes: ``javascript``, ``active_content``, ``dynamic_form``, ``hidden_layers``, ``two_readings``.

    Raises:
        pikepdf.PdfError: the file cannot be read as it stands.
    """
    with pikepdf.open(BytesIO(pdf), attempt_recovery=False) as opened:
        return tuple(dict.fromkeys([*_actions(opened), *_dynamic(opened), *_layers(opened), *_hybrids(pdf)]))


def duplicates(pdf: bytes) -> frozenset[str]:
    """Full names of signature fields that share their name or their signature with another field.

    Raises:
        pikepdf.PdfError: the file cannot be read as it stands.
    """
    with pikepdf.open(BytesIO(pdf), attempt_recovery=False) as opened:
        found = list(_signature_fields(opened))
    names = Counter(name for name, _ in found)
    values = Counter(value for _, value in found if value)
    return frozenset(name for name, value in found if names[name] > 1 or (value and values[value] > 1))


def hidden_signatures(pdf: bytes, shown: Sequence[int]) -> int:
    """The number of signatures in the bytes that no field holds. ``shown``: the gap starts of signatures in fields."""
    places = set()
    for found in _BYTE_RANGE.finditer(pdf):
        start, gap, after, tail = map(int, found.groups())
        whole = start == 0 and 0 < gap < after <= after + tail <= len(pdf)
        if whole and pdf[gap : gap + 1] == b"<" and pdf[after - 1 : after] == b">":
            places.add(gap)
    return len(places - set(shown))


def _actions(pdf: pikepdf.Pdf) -> Iterator[str]:
    for holder in pdf.objects:
        for found in _dictionaries(holder):
            kind = str(found.get("/S", ""))
            if kind in _SCRIPTS or "/JS" in found or "/JavaScript" in found:
                yield "javascript"
            elif kind in _ACTIONS:
                yield "active_content"


def _dictionaries(value: object, depth: int = 0) -> Iterator[Object]:
    """The dictionary and the direct (not indirect) dictionaries inside it."""
    if not isinstance(value, Object) or depth > _DEEPEST or (depth and value.is_indirect):
        return
    if isinstance(value, (Dictionary, pikepdf.Stream)):
        yield value
        for _, inner in value.items():
            yield from _dictionaries(inner, depth + 1)
    elif isinstance(value, Array):
        for inner in value:
            yield from _dictionaries(inner, depth + 1)


def _dynamic(pdf: pikepdf.Pdf) -> Iterator[str]:
    form = pdf.Root.get("/AcroForm")
    if isinstance(form, Dictionary) and "/XFA" in form:
        yield "dynamic_form"


def _layers(pdf: pikepdf.Pdf) -> Iterator[str]:
    layers = pdf.Root.get("/OCProperties")
    if not isinstance(layers, Dictionary) or not _filled(layers.get("/OCGs")):
        return
    shown = layers.get("/D", Dictionary())
    starts_hidden = shown.get("/BaseState", Name.ON) != Name.ON or _filled(shown.get("/OFF"))
    if starts_hidden or _filled(shown.get("/AS")) or _filled(layers.get("/Configs")):
        yield "hidden_layers"


def _filled(value: Object | None) -> bool:
    return isinstance(value, Array) and len(value) > 0


def _hybrids(pdf: bytes) -> Iterator[str]:
    """Find hybrid-reference files (ISO 32000-2, 7.5.8.4) that differ for old and new readers. A harmless hybrid marks
    the objects in its stream as free in the old table."""
    for table, trailer in _sections(pdf) if b"/XRefStm" in pdf else ():
        if b"/XRefStm" not in trailer:
            continue
        stream = re.search(rb"/XRefStm\s+(\d{1,19})", trailer)
        if stream is None or _in_use(table) & _in_stream(pdf, int(stream[1])):
            yield "two_readings"


def _sections(pdf: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(table, trailer) of each classic section. The file is scanned only once, whatever its content."""
    end = 0
    while (begin := _table_start(pdf, end)) >= 0:
        trailer = pdf.find(b"trailer", begin)
        end = pdf.find(b"startxref", trailer) if trailer >= 0 else -1
        if end < 0:
            return
        yield pdf[begin:trailer], pdf[trailer:end]


def _table_start(pdf: bytes, start: int) -> int:
    """Where the next table begins, -1 where there is none."""
    found = pdf.find(b"xref", start)
    while found >= 0 and (pdf[max(0, found - 5) : found] == b"start" or not pdf[found + 4 : found + 5].isspace()):
        found = pdf.find(b"xref", found + 4)
    return found


def _in_use(table: bytes) -> set[int]:
    """Numbers of the objects that a classic table places."""
    used: set[int] = set()
    number = 0
    for line in re.finditer(rb"(\d{10}) (\d{5}) ([nf])|(?<!\d)(\d{1,10})\s{1,64}(\d{1,10})\s{0,64}[\r\n]", table):
        if line[4] is not None:
            number = int(line[4])
            continue
        if line[3] == b"n":
            used.add(number)
        number += 1
    return used


def _in_stream(pdf: bytes, offset: int) -> set[int]:
    """Numbers of the objects that a cross-reference stream places, but for its own."""
    own = re.match(rb"\s*(\d+)\s+\d+\s+obj", pdf[offset : offset + 64])
    index = re.search(rb"/Index\s*\[([\d\s]+)\]", pdf[offset : offset + 1024])
    size = re.search(rb"/Size\s+(\d+)", pdf[offset : offset + 1024])
    pairs = list(map(int, index[1].split())) if index else [0, int(size[1]) if size else 0]
    ranges = zip(pairs[::2], pairs[1::2], strict=False)
    placed = {number for first, count in ranges for number in range(first, first + min(count, 1_000_000))}
    return placed - {0, int(own[1]) if own else 0}


def _signature_fields(pdf: pikepdf.Pdf) -> Iterator[tuple[str, tuple[int, int] | None]]:
    """(full name, place of its signature) of each signature field."""
    form = pdf.Root.get("/AcroForm")
    roots = list(form.get("/Fields", Array())) if isinstance(form, Dictionary) else []
    waiting: list[tuple[object, str, int]] = [(field, "", 0) for field in roots]
    met: Counter[tuple[int, int]] = Counter()
    while waiting:
        field, above, depth = waiting.pop()
        if not isinstance(field, Dictionary) or depth > _DEEPEST:
            continue
        if field.is_indirect:
            met[field.objgen] += 1
            if met[field.objgen] > _MOST_WAYS:
                continue
        own = str(field["/T"]) if "/T" in field else ""
        name = f"{above}.{own}".strip(".") if own else above
        if field.get("/FT") == Name.Sig and (own or not above):
            value = field.get("/V")
            yield name, value.objgen if isinstance(value, Dictionary) and value.is_indirect else None
        waiting += [(kid, name, depth + 1) for kid in field.get("/Kids", Array())]
