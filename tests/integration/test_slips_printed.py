"""Slips with long texts on paper: no row is split, the signatures stand with their table, and nothing is cut or laid over."""

from dataclasses import replace
from datetime import date
from itertools import combinations
from zoneinfo import ZoneInfo

import pypdfium2
import pytest

from ged.letterhead import Letterhead
from ged.slips import render
from ged.slips.models import SlipKind, SlipPurpose
from ged.slips.states import DECISIONS
from tests.factories import NOW

ZONE = ZoneInfo("Africa/Lome")
MM = 72 / 25.4
NAME = "Direction de la coordination des programmes d'électrification rurale et des énergies renouvelables décentralisées du Nord"
REMARK = ("Annexe trois reliée à part, cachet illisible en page quatre, à vérifier avant le classement. " * 3)[
    :200
].strip()


def sheet(count: int) -> render.Sheet:
    """A slip of so many lines, with the longest texts that a form takes; each subject has a first and a last word of its own."""
    middle = ("Renouvellement de l'autorisation d'exploitation de la centrale thermique " * 4)[:280]
    lines = tuple(
        render.SheetLine(no, f"ARR-2026-{no:05}", f"debut{no}. {middle} fin{no}.", 1, REMARK, is_copy=False)
        for no in range(1, count + 1)
    )
    head = Letterhead("Ministère des mines", ("Secrétariat général", NAME), "DGE", "République togolaise")
    return render.Sheet(
        0, head, render.TITLES[SlipKind.TRANSMITTAL], "BT-1", date(2026, 12, 3), "Lomé", f"{NAME} ({NAME})", NAME,
        render.PURPOSES[SlipPurpose.HANDOVER], lines, messenger=NAME, remark=(REMARK * 3)[:500],
    )  # fmt: skip


def texts(pdf: bytes) -> list[str]:
    """The text of each page."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [" ".join(page.get_textpage().get_text_range().split()) for page in document]
    finally:
        document.close()


def page_with(pages: list[str], words: str) -> int:
    """The first page with these words: the table of the reception has the first words of each subject again."""
    return next(no for no, text in enumerate(pages, start=1) if f"{words} " in f"{text} ")


def assert_whole(pdf: bytes) -> str:
    """The text of an appearance; all of it is inside, and no line stands over another one."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        assert len(document) == 1
        width, height = document[0].get_size()
        text = document[0].get_textpage()
        boxes = [text.get_rect(n) for n in range(text.count_rects())]
        for left, bottom, right, top in boxes:
            assert min(left, bottom, width - right, height - top) > -0.5
        for one, other in combinations(boxes, 2):
            wide = min(one[2], other[2]) - max(one[0], other[0])
            high = min(one[3], other[3]) - max(one[1], other[1])
            assert wide < 1 or high < 1, (one, other)
        return " ".join(text.get_text_range().split())
    finally:
        document.close()


@pytest.mark.parametrize("count", [1, 12, 40])
def test_no_row_is_split_and_the_senders_signature_stands_under_the_last_one(count: int) -> None:
    pdf, (sender, receiver) = render.slip_pdf(sheet(count), at=NOW)
    pages = texts(pdf)
    for no in range(1, count + 1):
        assert page_with(pages, f"debut{no}.") == page_with(pages, f"fin{no}."), "a line is split"
    last = page_with(pages, f"fin{count}.")
    assert page_with(pages, "Total des pièces") == page_with(pages, "Arrêté le présent") == sender.page_no == last
    x1, y1, x2, y2 = sender.box
    assert ((x2 - x1) / MM, (y2 - y1) / MM) == pytest.approx((80, 24), abs=0.5)
    assert receiver.page_no == len(pages)
    assert receiver.box[1] > 20 * MM, "above the foot of the page"


@pytest.mark.parametrize("count", [1, 12, 40])
def test_long_names_and_remarks_are_drawn_smaller_in_their_cells(count: int) -> None:
    made = sheet(count)
    _pdf, (sender, receiver) = render.slip_pdf(made, at=NOW)
    mark = render.SignatureMark(NAME, f"{NAME} — {NAME}", f"par intérim de {NAME}", NOW)
    lines = tuple(
        replace(line, decision=DECISIONS[line.no % 4], reception_remark=REMARK if line.no % 2 else "")
        for line in made.lines
    )
    filled = assert_whole(render.reception_table(lines, mark, receiver, ZONE))
    signed = assert_whole(render.sender_mark(mark, sender, ZONE))
    for told in (filled, signed):
        assert told.count("décentralisées du Nord") == 4
        assert "24/11/2026 à 09:00" in told
    assert filled.count("avant le classement") == REMARK.count("avant le classement") * len(lines[::2])


def test_a_row_of_the_delivery_book_stays_on_one_page_with_the_room_for_its_discharge() -> None:
    rows = [render.BookRow(f"BT-{no}", "08:15", f"debut{no}. {NAME} {NAME} fin{no}.", 1) for no in range(1, 41)]
    pages = texts(render.delivery_book(sheet(1).head, date(2026, 12, 3), NAME, rows, at=NOW))
    assert len(pages) > 2
    for no in range(1, 41):
        assert page_with(pages, f"debut{no}.") == page_with(pages, f"fin{no}."), "a row is split"
