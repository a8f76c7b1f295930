"""Pages of reserve books that came back, read by the machine: lines and boxes that are right, wrong, and asked.

    python -m bench.reserve [--sheets 20] [--other 20] [--seed 31] [--keep FOLDER]

Pages are printed by us, written by the pens of ``bench._fiche_sheets`` (two drawings of strokes, handwriting fonts), damaged by
Augraphy, and scanned turned, in perspective, in 150 to 300 dpi. A line of JSON for each page, then the sums of each drawing.
Of a line: ``lost`` is a written line that is called empty, the one error by which a letter may be overlooked; ``more`` is any other
error, which costs a look: the clerk sees every line that is not called empty.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pypdfium2
from PIL import Image, ImageDraw, ImageFont

from bench._archive_pages import _FONTS, _HANDS
from bench._fiche_sheets import (
    _PAPERS,
    _PENS,
    _PRINTERS,
    DPI,
    KEY,
    MM,
    OTHER,
    OWN,
    _damaged,
    _frame_at,
    _OtherHand,
    _OwnHand,
    _scanned,
)
from ged.ports import BoxState, PrintedForm
from ged.reserve.codes import PageCode, make_page_code
from ged.reserve.page_form import LAYOUT, LineSaid, places, said_of_page
from ged.reserve.queries import LineRow, ReserveState
from ged.reserve.sheet import page_data
from ged.sheets import Sheet
from ocr.forms import read_form

LINES = 10
WORDS = {
    "date": ("24/11", "24-11-26", "le 24/11"), "clock": ("10 20", "9 05"), "sender": ("Mairie de Kpalimé", "CEET", "Préf. Ogou"),
    "subject": ("Demande d'audience", "Facture", "Pont de Glei"), "reference": ("017/DG", "n° 4 du 20/11"), "enclosures": ("2", "1"),
    "addressee": ("SG", "M. le Ministre"), "depositor": ("Afi",),
}  # fmt: skip


@dataclass(frozen=True)
class Page:
    """A page that came back: its picture, its form, what each line truly is, and the boxes that are ticked."""

    image: Image.Image
    form: PrintedForm
    lines: dict[int, LineSaid]
    ticked: frozenset[str]
    wear: tuple[str, ...]


@cache
def _printed() -> tuple[Image.Image, PrintedForm, tuple[float, float]]:
    rows = [LineRow(n, n, f"CS-ARR-2026-014-{n:02d}", ReserveState.FREE) for n in range(1, LINES + 1)]
    head = {"organisation": "Ministère des mines et de l'énergie", "units": ["Bureau d'ordre"], "entity": "MME", "country": "", "motto": "", "caption": "", "qr": ""}  # fmt: skip
    data = {"head": head, "code": "CS-ARR-2026-014", "register": "Arrivées (ARR)", "made": "24 novembre 2026 à 8 h 00", "pages": [page_data(rows, KEY)]}  # fmt: skip
    document = pypdfium2.PdfDocument(
        Sheet("reserve_book.typ", data, datetime(2026, 11, 24, tzinfo=UTC), "carnet.pdf").pdf()
    )
    try:
        image = document[0].render(scale=DPI / 72).to_pil().convert("L")
    finally:
        document.close()
    code = make_page_code(PageCode(rows[0].text, LINES, LAYOUT), key=KEY)
    form = places(LAYOUT, LINES, code=code).form
    return image, form, _frame_at(image, form)


def draw(rnd: random.Random, hand: str) -> Page:
    """One page that came back."""
    image, form, corner = _printed()
    seed = rnd.randint(0, 2**31 - 1)
    random.seed(seed)  # Augraphy takes its random numbers from both
    np.random.seed(seed)
    wear = []
    if rnd.random() < 0.5:
        wear.append(rnd.choice(tuple(_PRINTERS)))
        image = _damaged(image, _PRINTERS[wear[-1]])
    pen = rnd.choice(tuple(_PENS))
    ink = _OwnHand(rnd, image, pen) if hand == OWN else _OtherHand(rnd, image, pen)
    areas, boxes = {one.key: one for one in form.areas}, {one.key: one for one in form.boxes}
    lines, ticked, used = {}, set(), rnd.randint(2, LINES)
    style = rnd.choice(("tick", "cross", "fill"))
    for n in range(1, LINES + 1):
        lines[n] = LineSaid.EMPTY if n > used else LineSaid.VOID if rnd.random() < 0.1 else LineSaid.WRITTEN
        marks = (
            ["void"]
            if lines[n] is LineSaid.VOID
            else ["urgent"]
            if lines[n] is LineSaid.WRITTEN and rnd.random() < 0.2
            else []
        )
        for name in marks:
            box = boxes[f"{name}:{n}"]
            ink.mark(style, (corner[0] + (box.x + box.size / 2) * MM, corner[1] + (box.y + box.size / 2) * MM), box)
            ticked.add(box.key)
        if lines[n] is LineSaid.EMPTY:
            continue
        font = ImageFont.truetype(str(_FONTS / rnd.choice(_HANDS)), round(rnd.uniform(4, 6.5) * MM))
        for cell, words in WORDS.items():
            if cell in {"reference", "enclosures", "depositor"} and rnd.random() < 0.5:
                continue
            area = areas[f"{cell}:{n}"]
            at = (corner[0] + (area.x + rnd.uniform(0.5, 2)) * MM, corner[1] + (area.y + rnd.uniform(1, 6)) * MM)
            ImageDraw.Draw(ink.mask).text(at, rnd.choice(words), fill=255, font=font)
    image = ink.inked()
    for name in rnd.sample(tuple(_PAPERS), rnd.choice((0, 1, 1, 2))):
        wear.append(name)
        image = _damaged(image, _PAPERS[name])
    return Page(
        _scanned(rnd, image, rnd.choice((150, 200, 200, 300)), wear), form, lines, frozenset(ticked), tuple(wear)
    )


def measure(page: Page) -> dict[str, object]:
    """The figures of one page."""
    started = time.process_time()
    found = read_form(page.image, page.form)
    seconds = time.process_time() - started
    counts: Counter[str] = Counter()
    boxes = {one.key: one.state for one in found.boxes} if found is not None else {}
    ink = {one.key: one.has_ink for one in found.areas} if found is not None else {}
    wrong = []
    for (n, truth), said in zip(page.lines.items(), said_of_page(boxes, ink, LINES), strict=True):
        lost = truth is LineSaid.WRITTEN and said is LineSaid.EMPTY
        verdict = "right" if said is truth else "asked" if said is LineSaid.ASKED else "lost" if lost else "more"
        counts[f"lines {verdict}"] += 1
        if verdict in {"lost", "more"}:
            wrong.append([n, truth.value, said.value])
    for key, state in boxes.items():
        is_ticked = key in page.ticked
        verdict = (
            "asked" if state is BoxState.DOUBTFUL else "right" if (state is BoxState.FILLED) == is_ticked else "wrong"
        )
        counts[f"boxes {verdict}"] += 1
        if verdict == "wrong":
            wrong.append([key, is_ticked, state.value])
    return {"wear": list(page.wear), "is_found": found is not None, **dict(sorted(counts.items())), "wrong": wrong, "cpu_s": round(seconds, 3)}  # fmt: skip


def main() -> None:
    """Run the measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sheets", type=int, default=20)
    parser.add_argument("--other", type=int, default=20)
    parser.add_argument("--seed", type=int, default=31)
    parser.add_argument("--keep", type=Path, help="folder for the pictures")
    given = parser.parse_args()
    for hand, count in ((OWN, given.sheets), (OTHER, given.other)):
        total: Counter[str] = Counter()
        for n in range(count):
            page = draw(random.Random(f"{given.seed} {hand} {n}"), hand)
            if given.keep is not None:
                given.keep.mkdir(parents=True, exist_ok=True)
                page.image.save(given.keep / f"{hand}-{n:02d}.png")
            row = measure(page)
            total.update({key: value for key, value in row.items() if " " in key and isinstance(value, int)})
            total["not_found"] += not row["is_found"]
            print(json.dumps({"hand": hand, "page": n, **row}, ensure_ascii=False), flush=True)
        print(json.dumps({"sum": hand, "pages": count, **dict(sorted(total.items()))}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
