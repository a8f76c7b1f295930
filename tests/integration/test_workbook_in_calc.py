"""The workbooks as a spreadsheet program shows, prints and saves them: what a person gets back is what was given."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import zipfile
from datetime import date
from pathlib import Path

import pypdfium2
import pytest
from openpyxl import load_workbook

from ged.org.file import read_organisation
from ged.spreadsheet.marking import Fault
from ged.spreadsheet.marking import marked as marked_list
from ged.spreadsheet.reading import read_apart
from ged.workbook import writing
from ged.workbook.merging import READ_ME, merge
from ged.workbook.sheets import SHEETS
from tests.sample_kit import LONG_RUN

MINISTRY = Path(__file__).parents[2] / "demo" / "ministry.yaml"
SOFFICE = os.environ.get("GED_TEST_SOFFICE") or shutil.which("soffice") or ""
CALC = Path(SOFFICE).resolve().with_name("libsclo.so")
BOOKS = ("template", "marked", "list")

pytestmark = [
    pytest.mark.in_turns(3),
    pytest.mark.slow,
    pytest.mark.skipif(not CALC.is_file(), reason="LibreOffice Calc (libreoffice-calc-nogui) is not installed"),
]


def wrong_cells() -> dict[str, list[list[str]]]:
    """The demonstration ministry with 30 cells that are wrong."""
    rows = read_apart(writing.filled(read_organisation(MINISTRY)))
    places = [
        (title, line, column)
        for title, lines in rows.items() if title != READ_ME
        for line in range(1, len(lines))
        for column in range(len(lines[line]))
        if lines[line][column] in ("oui", "non") or lines[0][column] in ("Type", "Sens", "Habilitation")
    ]  # fmt: skip
    for title, line, column in places[:30]:
        rows[title][line][column] = "???"
    return rows


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the workbooks (``in``), as the program saves them (``ods``, ``xlsx``), and the printed template (``pdf``).
    One start of the program a format: a workbook takes it some seconds."""
    folder = tmp_path_factory.mktemp("calc")
    (folder / "in").mkdir()
    organisation = read_organisation(MINISTRY)
    rows = wrong_cells()
    typed = [["N°", "Date", "Objet"], ["0012", "2026-01-05", "—"], ["13", "31/02/2026", "Idem " * 40]]
    books = {
        "template": filled_in(writing.template()),
        "marked": writing.marked(rows, merge(organisation, rows).findings),
        "list": marked_list({"2026": typed}, "2026", [Fault(3, 2, "Corrigez la date.")]),
    }
    for name, content in books.items():
        (folder / "in" / f"{name}.xlsx").write_bytes(content)
    for to, names in (("ods", BOOKS if LONG_RUN else ("template",)), ("xlsx", BOOKS), ("pdf", ("template",))):
        done = subprocess.run(
            [SOFFICE, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", "--convert-to", to,
             "--outdir", str(folder / to), *(str(folder / "in" / f"{name}.xlsx") for name in names)],
            capture_output=True, text=True, check=False, timeout=200,
        )  # fmt: skip
        assert len(list((folder / to).glob(f"*.{to}"))) == len(names), done.stderr
    return folder


def filled_in(template: bytes) -> bytes:
    """The template as somebody fills it in: a code that begins with zeros, a day, a dash that removes."""
    book = load_workbook(io.BytesIO(template))
    unit, people, given = book["Unités"], book["Personnes"], book["Délégations"]
    for sheet, line in (
        (unit, ["0012", "Service du courrier", "service", "MIN", "non", "—"]),
        (people, ["0034", "Ama"]),
    ):
        for place, text in enumerate(line, start=1):
            cell = sheet.cell(4, place, text)
            cell.number_format = sheet.column_dimensions[cell.column_letter].number_format
    day = [cell.value for cell in given[1]].index("Du") + 1
    given.cell(4, 1, "SG-T")
    given.cell(4, day, date(2026, 12, 1))
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def versions(saved: Path, name: str) -> list[Path]:
    """As saved in either format; in the usual run only the template in that of OpenDocument."""
    both = [saved / "ods" / f"{name}.ods", saved / "xlsx" / f"{name}.xlsx"]
    return both if LONG_RUN or name == "template" else both[1:]


@pytest.mark.in_shares(4)
@pytest.mark.parametrize("name", BOOKS)
def test_what_is_saved_is_read_as_it_was(saved: Path, name: str) -> None:
    before = read_apart((saved / "in" / f"{name}.xlsx").read_bytes(), lists=name == "list")
    for path in versions(saved, name):
        assert read_apart(path.read_bytes(), lists=name == "list") == before, path
    if name == "template":
        assert before["Unités"][3][:6] == ["0012", "Service du courrier", "service", "MIN", "non", "—"]
        assert before["Personnes"][3][0] == "0034"
        assert "2026-12-01" in " ".join(before["Délégations"][3])


@pytest.mark.parametrize("name", BOOKS)
def test_notes_lists_and_red_cells_are_still_there(saved: Path, name: str) -> None:
    before = load_workbook(saved / "in" / f"{name}.xlsx")
    assert sum(1 for sheet in before for row in sheet for cell in row if cell.comment) >= (1 if name == "list" else 30)
    for path in versions(saved, name)[-1:]:
        after = load_workbook(path)
        for sheet in before:
            other = after[sheet.title]
            for row in sheet:
                for cell in row:
                    there = other[cell.coordinate]
                    assert (there.comment is not None) is (cell.comment is not None), (path, cell.coordinate)
                    if cell.comment is not None:
                        assert there.comment.text.split() == cell.comment.text.split()
                    if cell.fill.fgColor.rgb == "00FFC7CE":
                        assert there.fill.fgColor.rgb == "FFFFC7CE"
            rules, kept = sheet.data_validations.dataValidation, other.data_validations.dataValidation
            offered = [sorted(str(one.formula1).replace("'", "") for one in some) for some in (kept, rules)]
            assert offered[0] == offered[1], (path, sheet.title)


def test_what_is_typed_in_a_column_of_codes_stays_a_text(saved: Path) -> None:
    for path in (saved / "in" / "template.xlsx", *versions(saved, "template")[-1:]):
        book = load_workbook(path)
        assert book["Postes"].column_dimensions["A"].number_format == "@", path
        assert book["Délégations"].column_dimensions["E"].number_format != "@", "a day is a day"


def test_each_sheet_is_printed_on_pages_as_wide_as_it_is(saved: Path) -> None:
    with zipfile.ZipFile(saved / "ods" / "template.ods") as packed:
        assert packed.testzip() is None
    pages = pypdfium2.PdfDocument(saved / "pdf" / "template.pdf")
    try:
        assert len(pages) == len(SHEETS) + 1, "one page a sheet, and the explanation"
        width, _height = pages[0].get_size()
        assert pages[1].get_width() > pages[1].get_height()
        for number, sheet in enumerate(SHEETS, start=1):
            text = pages[number].get_textpage().get_text_bounded()
            assert all(column.title.split()[0] in text for column in sheet.columns), sheet.title
        explained = pages[0].get_textpage()
        assert " ".join(explained.get_text_bounded().split()).endswith("que par un autre acte.")
        boxes = [explained.get_rect(n) for n in range(explained.count_rects())]
        assert max(right for _left, _bottom, right, _top in boxes) < width - 20, "nothing is cut"
    finally:
        pages.close()
