"""Pages are typeset in child processes that are ended and replaced; at most two heavy ones over all processes."""

import multiprocessing
import os
import signal
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pypdfium2 as pdfium
import pytest

from ged import typeset as setting
from ged import typeset_child
from ged.errors import EngineFailed, Invalid
from ged.reports.register_pages import ARRIVALS
from ged.slots import Slots
from ged.typeset import typeset

pytestmark = pytest.mark.in_turns(3)

TEMPLATES = Path(setting.__file__).parent / "templates"
AT = datetime(2026, 11, 26, tzinfo=UTC)
LABEL = {
    "number": "00001/2026", "register": "Arrivée", "received": "25/11/2026", "day": "26/11/2026", "clock": "08:00", "entity": "MEM",
    "qr": setting.qr_svg("x"),
}  # fmt: skip


def memory_kb() -> int:
    """The memory of this process alone, in kB, as the kernel counts it."""
    lines = Path(f"/proc/{os.getpid()}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def test_the_same_data_gives_the_same_bytes_and_this_process_keeps_none_of_it() -> None:
    first = typeset(TEMPLATES / "label.typ", LABEL, at=AT)
    assert first.startswith(b"%PDF-1.7")
    before = memory_kb()
    assert all(typeset(TEMPLATES / "label.typ", LABEL, at=AT) == first for _ in range(20))
    assert memory_kb() - before < 20_000


@pytest.mark.long("large pages one after another")
def test_large_pages_one_after_another_do_not_end_the_child_that_sets_them() -> None:
    for n in range(6):
        rows = [
            {"cells": [
                f"{n}-{i}/2026", "25/11/2026", "26/11/2026 08:00", f"Direction {i % 97}\nN° {i}/DDE",
                f"Demande de raccordement {n} de la commune {i} et pièces du dossier, à transmettre " * 2,
                "Secrétaire général", "2", "Direction de l'énergie, le 26/11/2026", "", "", "", "",
             ],
             "plain": True, "voided": i % 9 == 0, "voided_on": "26/11/2026", "reason": "Erreur de saisie"}
            for i in range(800)
        ]  # fmt: skip
        head = {"country": "", "organisation": "Ministère", "entity": "", "units": []}
        data = {
            "head": head, "register": "Arrivée", "span": "2026", "facts": [], "rows": rows,
            "columns": [asdict(column) for column in ARRIVALS], "proof": "", "stopped": "", "made": "", "printed": "",
        }  # fmt: skip
        assert typeset(TEMPLATES / "register_list.typ", data, at=AT).startswith(b"%PDF")


def printed(pdf: bytes) -> str:
    """The text of the pages, without spaces and line ends."""
    with pdfium.PdfDocument(pdf) as document:
        return "".join("".join(page.get_textpage().get_text_range().split()) for page in document)


def test_a_sign_without_a_font_is_named_where_the_page_is_signed() -> None:
    with pytest.raises(Invalid) as refused:
        typeset(TEMPLATES / "label.typ", {**LABEL, "entity": "\U00013000"}, at=AT, strict=True)
    assert refused.value.code == "typeset.glyph"
    assert refused.value.params["character"] == "\U00013000"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("Société 漢字 & fils", "Société\ufffd\ufffd&fils"),
        ("Vœux 🎉 de l’Union", "Vœux\ufffddel’Union"),
        ("Общество Ελλάς", "ОбществоΕλλάς"),  # characters that one of our fonts has do not change
        ('cloche\x07 \\ " \uffff', 'cloche\ufffd\\"\ufffd'),
    ],
)
def test_a_sign_without_a_font_is_printed_as_a_stand_in(typed: str, told: str) -> None:
    assert told in printed(typeset(TEMPLATES / "label.typ", {**LABEL, "entity": typed}, at=AT))


@pytest.mark.parametrize("typed", ["a\u20dd", "👨\u200d👩\u200d👧 ❤\ufe0f", "e\u0301\u20dd \u0334\u20e0x"])
def test_signs_that_no_font_puts_together_stop_nothing(typed: str) -> None:
    with pytest.raises(Invalid, match=r"typeset\.glyph"):
        typeset(TEMPLATES / "label.typ", {**LABEL, "entity": typed}, at=AT, strict=True)
    assert "\ufffd" in printed(typeset(TEMPLATES / "label.typ", {**LABEL, "entity": f"{typed} fin"}, at=AT))


def test_what_is_printed_without_a_look_has_a_font() -> None:
    plain = {sign for sign in map(chr, range(0x3000)) if not typeset_child._UNUSUAL.match(sign)}
    assert len(plain) > 500
    assert typeset_child._Characters().lacking(plain) == set()
    signs = typeset_child._Characters()
    assert signs.lacking({"é", "漢", "🎉", "Ω", "\x07"}) == {"漢", "🎉", "\x07"}
    assert signs.lacking({"é", "字", "漢", "Σ"}) == {"字", "漢"}  # also the second time, and for known characters


def test_a_template_that_lacks_its_data_is_a_failure_of_ours() -> None:
    with pytest.raises(Invalid, match=r"typeset\.failed"):
        typeset(TEMPLATES / "label.typ", {}, at=AT)


def _hold(folder: Path, held: object) -> None:
    with Slots(folder, 2).taken(wait_s=5):
        held.release()  # type: ignore[attr-defined]
        signal.pause()  # until killed


def test_two_processes_hold_the_places_of_all(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held = context.Semaphore(0)
    others = [context.Process(target=_hold, args=(tmp_path, held)) for _ in range(2)]
    for other in others:
        other.start()
        assert held.acquire(timeout=60)
    slots = Slots(tmp_path, 2)
    began = time.monotonic()
    with pytest.raises(EngineFailed, match=r"work\.busy"), slots.taken(wait_s=0.5):
        pass
    assert 0.5 <= time.monotonic() - began < 10
    others[0].kill()  # the place is free again whatever happened to its holder
    with slots.taken(wait_s=10):
        pass
    for other in others:
        other.kill()
        other.join(30)


def test_more_callers_than_may_wait_are_told_at_once(tmp_path: Path) -> None:
    slots = Slots(tmp_path, 1, waiting=0)
    with slots.taken(wait_s=1), pytest.raises(EngineFailed, match=r"work\.busy"), slots.taken(wait_s=30):
        pass
