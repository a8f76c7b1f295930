"""PDFs typeset by typst from our templates and data: PDF/A-2b (3b where data are attached), the same bytes for the same data.

A page never depends on the fonts of the machine: typst's own fonts are used. A character that no font has is printed as
``typeset_child.STAND_IN``: one name in an unknown script must not stop a register. A document to be signed is set
``strict``: there such a character stops the compiler (PDF/A refuses it), and the error names the character.
"""

import json
import re
import unicodedata
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import zxingcpp

from ged import slots
from ged.errors import EngineFailed, Invalid
from ged.slots import WAIT_S
from ged.typography import on_paper
from sandbox import Answer, Busy, Gone, Limits, Message, Pool, SandboxError

TEMPLATES = Path(__file__).parent / "templates"
_FINAL_NEWLINE = b"\n"
HEAVY_BYTES = 200_000
"""Data of more bytes counts as heavy. Measured with lines of a register, 430 bytes each: 430 kB cost 2.1 s of CPU and
241 MB, 216 kB 1.0 s and 159 MB, 22 kB 0.1 s and 84 MB. Below this limit, one document on each core costs no more than
the two heavy documents that are allowed."""
LARGE_BYTES = 20_000
"""Data of more bytes gets a child of its own. A compiler caches its results, some 240 MB for 800 lines of a register:
the fourth such page would exceed the memory limit of a reused child (``LIMITS``). To start a child costs a tenth of a second."""
TIMEOUT_S = 30.0
_PAGES = re.compile(rb"/Type/Pages/Count (\d{1,6})")
CHILDREN = 2
USES = 100
"""Pages that one child sets before it is replaced: this frees the compiler's cache."""
_MARK = {"training": False}
LIMITS = Limits(memory_bytes=768 << 20, processor_s=300, file_bytes=0)


def mark_training(on: bool) -> None:
    """Say of this process whether all that it prints bears EXERCICE. The wiring calls it, once, from the settings."""
    _MARK["training"] = on


def is_training() -> bool:
    """Whether all that this process prints bears EXERCICE."""
    return _MARK["training"]


def typeset(
    template: Path,
    data: dict[str, Any],
    *,
    at: datetime,
    wait_s: float = WAIT_S,
    strict: bool = False,
    as_written: bool = False,
    standard: str = "a-2b",
) -> bytes:
    """Compile ``template`` with ``data`` (read there by ``json(bytes(sys.inputs.data))``), in French typography.

    Args:
        template: a ``.typ`` file of ``ged/templates``; its imports are in the same folder.
        data: JSON values.
        at: the document's date: the same data and time give the same bytes.
        wait_s: timeout for a slot of heavy work: a job may wait longer than a page.
        strict: a character that cannot be printed is refused.
        as_written: print the texts as they came, because another author wrote them.
        standard: ``a-3b`` for a template that attaches data to the file.

    Raises:
        Invalid: ``typeset.glyph`` when ``strict`` and a character cannot be printed, ``typeset.failed`` otherwise.
        EngineFailed: ``work.busy``, ``typeset.crashed``.
    """
    return _set(template, data if as_written else on_paper(data), at, "", wait_s, strict, standard)[0]


def typeset_with_places(
    template: Path, data: dict[str, Any], *, at: datetime, label: str, strict: bool = False
) -> tuple[bytes, list[dict[str, Any]]]:
    """As ``typeset``, and also return the values of the template's metadata under ``label``: places on the pages.

    Raises:
        Invalid, EngineFailed: as ``typeset``.
    """
    return _set(template, on_paper(data), at, label, WAIT_S, strict)


def typeset_foreign(
    template: Path,
    data: dict[str, Any],
    *,
    at: datetime,
    label: str,
    limit_s: float,
    wait_s: float = WAIT_S,
    standard: str = "a-2b",
) -> tuple[bytes, list[Any]]:
    """As ``typeset_with_places``, with data in which somebody else wrote what the compiler runs.

    It has a child of its own, which ends with it, and a slot of heavy work, so that endless pages keep nobody waiting. The texts are printed as they came.

    Args:
        limit_s: after it the child is ended.

    Raises:
        Invalid, EngineFailed: as ``typeset``; ``typeset.crashed`` also for pages that need too much time or memory.
    """
    return _set(template, data, at, label, wait_s, strict=False, standard=standard, limit_s=limit_s)


@dataclass(frozen=True)
class Mistake:
    """What the compiler says of a text that somebody else wrote. ``line``: from 1; 0: no line of the text."""

    line: int
    said: str


def mistake_in(
    source: str, opening: Path, data: dict[str, Any], *, limit_s: float, wait_s: float = WAIT_S
) -> Mistake | None:
    """The first mistake of a text that a template evaluates. None: the compiler finds none in the text alone.

    Args:
        opening: a ``.typ`` file of ``ged/templates`` that defines the names which the text may use. Its last line ends.
        data: those of the template.
        limit_s: after it the child is ended.

    Raises:
        EngineFailed: ``work.busy``, ``typeset.crashed``.
    """
    payload = json.dumps({"source": source, "data": data}, ensure_ascii=False).encode()
    with slots.heavy(wait_s=wait_s):
        answer = _ask({"opening": opening.name}, payload, limit_s)
    said = str(answer.message["error"])
    return Mistake(int(str(answer.message["line"])), said) if said else None


def release() -> tuple[object, ...]:
    """The inputs of typesetting besides the data: the templates and the compiler, as they are on the disk now.

    With one release, the same data and time give the same bytes. During an update, processes of the former release may
    still typeset pages with its templates.
    """
    found = find_spec("typst")
    files = [*sorted(TEMPLATES.iterdir()), *([Path(found.origin)] if found is not None and found.origin else [])]
    return tuple((path.name, (seen := path.stat()).st_mtime_ns, seen.st_size) for path in files)


_MARKS = frozenset("‐‑–—‘’“”„…€")
"""Marks that all our fonts have, and that people type every day."""


def refuse_unprintable(text: str, *, field: str) -> None:
    """Refuse a line that cannot be printed under a signature exactly as it is shown on the screen.

    Refused are characters that no font has, and invisible characters that move others (controls of writing direction).

    Raises:
        Invalid: ``typeset.glyph``.
        EngineFailed: ``work.busy``, ``typeset.crashed``.
    """
    lacking = unprintable(text)
    found = next((c for c in text if c in lacking), "")
    if found:
        shown = found if found.isprintable() else f"U+{ord(found):04X}"
        raise Invalid("typeset.glyph", "remove the character that no font has", field=field, character=shown)


def unprintable(text: str) -> frozenset[str]:
    """The characters of a text, or of many texts joined, that `refuse_unprintable` refuses.

    Raises:
        EngineFailed: ``work.busy``, ``typeset.crashed``.
    """
    signs = set(text)
    hidden = {c for c in signs if unicodedata.category(c)[0] == "C" or c in "\u2028\u2029"}
    asked = sorted(c for c in signs - hidden if c > "\u024f" and c not in _MARKS)  # Latin letters need no child
    if not asked:
        return frozenset(hidden)
    return frozenset(hidden.union(str(_ask({"characters": "".join(asked)}, b"").message["lacking"])))


def _set(
    template: Path,
    data: dict[str, Any],
    at: datetime,
    label: str,
    wait_s: float,
    strict: bool,
    standard: str = "a-2b",
    limit_s: float = 0,
) -> tuple[bytes, list[dict[str, Any]]]:
    payload = json.dumps(data, ensure_ascii=False).encode()
    request: Message = {
        "template": template.name, "timestamp": int(at.timestamp()), "label": label, "strict": strict,
        "training": is_training(), "standard": standard,
    }  # fmt: skip
    with slots.heavy(wait_s=wait_s) if limit_s else _place(len(payload), wait_s):
        answer = _ask(request, payload, limit_s)
    _refuse(answer, template)
    # typst writes no final line end: the first incremental update would begin on the last line (ISO 19005-2, 6.1.9).
    return answer.payload + _FINAL_NEWLINE, list(answer.message["values"])


def _ask(request: Message, payload: bytes, limit_s: float = 0) -> Answer:
    """``limit_s``: a child of its own, for this time."""
    try:
        if limit_s:
            return _children(1).ask(request, payload=payload, timeout_s=limit_s)
        return _answer(request, payload)
    except Busy:
        raise EngineFailed("work.busy", "wait a moment, then ask again", retryable=True) from None
    except SandboxError as error:
        raise EngineFailed("typeset.crashed", "ask for fewer lines", retryable=True, detail=str(error)) from error


def _place(size_bytes: int, wait_s: float) -> AbstractContextManager[None]:
    return slots.heavy(wait_s=wait_s) if size_bytes > HEAVY_BYTES else nullcontext()


def _answer(request: Message, payload: bytes) -> Answer:
    if len(payload) > LARGE_BYTES:
        return _children(1).ask(request, payload=payload, timeout_s=TIMEOUT_S)
    try:
        return _children(USES).ask(request, payload=payload, timeout_s=TIMEOUT_S)
    except Gone:  # perhaps its cache had filled its memory: a new child has an empty cache
        return _children(1).ask(request, payload=payload, timeout_s=TIMEOUT_S)


@cache
def _children(uses: int) -> Pool:
    """The children of this process, each for ``uses`` pages; after a fork each process starts its own."""
    return Pool("ged.typeset_child:service", {}, packages=("ged",), limits=LIMITS, uses=uses, size=CHILDREN)


def _refuse(answer: Answer, template: Path) -> None:
    message = answer.message.get("error")
    if message is None:
        return
    character = str(answer.message["glyph"])
    if character:
        raise Invalid("typeset.glyph", "remove the character that no font has", character=character)
    raise Invalid(
        "typeset.failed", "report this with the template's name", template=template.name, detail=str(message)[:300]
    )


def page_count(pdf: bytes) -> int:
    """The page count of a PDF typeset here: typst writes the page tree first and uncompressed. 0 for any other PDF."""
    found = _PAGES.search(pdf)
    return int(found[1]) if found is not None else 0


def qr_svg(text: str, *, quiet: bool = True) -> str:
    """A QR code as SVG text, for templates (``image(bytes(data.qr), format: "svg")``).

    Args:
        quiet: with the white around that it needs; without it where the template leaves the white itself.
    """
    barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    return str(barcode.to_svg(scale=4, add_quiet_zones=quiet))
