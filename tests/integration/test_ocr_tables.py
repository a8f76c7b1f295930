"""Tables of born-digital PDFs: rows stay together, cells fill the fields, and a hostile page keeps its words."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pdfplumber
import pikepdf
import pytest
import typst

from ged.errors import Invalid
from ged.ports import OcrEngine, PageRef, RecognisedPage, Recognition
from ocr.engine import TesseractEngine
from ocr.limits import Limits
from ocr.page import PageReader
from ocr.tesseract import recogniser
from ocr.wire import PageResult, PageTask, load_result

pytestmark = pytest.mark.in_turns(3)

SHEET = """
#set page(paper: "a4", margin: 2cm)
#set text(size: 10pt)
COMPTOIR DES LAGUNES SA

Monsieur le Directeur, veuillez trouver ci-dessous le détail des fournitures livrées à vos services.

#table(columns: (1fr,) * 3, stroke: STROKE, [N° de facture], [Date], [Votre bon de commande],
  [FA-2026/0141], [12/03/2026], [BC-77/MEF/2026])

#table(columns: (2fr, 1fr, 1fr, 1fr), stroke: STROKE, [Désignation], [Qté], [Prix], [Montant (FCFA)],
  [Ciment en sacs de cinquante kilogrammes pour le chantier de la nouvelle annexe], [12], [5 000], [60 000],
  [Fer à béton], [3], [2 500], [7 500],
  table.cell(colspan: 3)[Total], [67 500])

Veuillez agréer, Monsieur le Directeur, l'expression de nos salutations distinguées.
"""
ROWS = [
    "N° de facture | Date | Votre bon de commande",
    "FA-2026/0141 | 12/03/2026 | BC-77/MEF/2026",
    "Désignation | Qté | Prix | Montant (FCFA)",
    "Ciment en sacs de cinquante kilogrammes pour le chantier de la nouvelle annexe | 12 | 5 000 | 60 000",
    "Fer à béton | 3 | 2 500 | 7 500",
    "Total | 67 500",
]


@pytest.fixture(scope="module")
def engine() -> Iterator[OcrEngine]:
    made = TesseractEngine(jobs=1)
    yield made
    made.close()


def set_sheet(folder: Path, *, stroke: str = "0.5pt", sheet: str = SHEET) -> Path:
    (folder / "sheet.typ").write_text(sheet.replace("STROKE", stroke), "utf-8")
    typst.compile(str(folder / "sheet.typ"), output=str(folder / "sheet.pdf"))
    return folder / "sheet.pdf"


def recognise(engine: OcrEngine, path: Path, *, rotation: int = 0) -> Recognition:
    out = path.parent / f"out-{rotation}"
    out.mkdir()
    ref = PageRef(path, "application/pdf", 0, rotation)
    return engine.recognise([ref], languages=["fra"], timeout_s=120, out=out)


def page_of(engine: OcrEngine, path: Path, *, rotation: int = 0) -> RecognisedPage:
    (page,) = recognise(engine, path, rotation=rotation).pages
    return page


def lines(page: RecognisedPage) -> list[str]:
    return [" ".join(line.replace("’", "'").split()) for line in page.text.split("\n") if line]


@pytest.mark.parametrize("stroke", ["0.5pt", "(x: none, y: 0.5pt)"], ids=["all lines", "lines across"])
def test_a_row_is_one_line_and_prose_stays_as_it_is(engine: OcrEngine, tmp_path: Path, stroke: str) -> None:
    page = page_of(engine, set_sheet(tmp_path, stroke=stroke))
    assert page.flags == ("born_digital", "tables")
    found = lines(page)
    assert [line for line in found if "|" in line] == ROWS
    assert found[0] == "COMPTOIR DES LAGUNES SA"
    assert found[-1].startswith("Veuillez agréer, Monsieur le Directeur")
    assert [len(table) for table in page.tables] == [2, 4]
    assert [word.text for word in page.tables[1][1][0]][:2] == ["Ciment", "en"]


def test_numbers_in_cells_reach_the_fields(engine: OcrEngine, tmp_path: Path) -> None:
    fields = recognise(engine, set_sheet(tmp_path)).fields
    found = {one.name: one for one in fields if one.name != "amount"}
    assert found["their_reference"].value == "FA-2026/0141"
    assert found["our_reference"].value == "BC-77/MEF/2026"
    assert 0.1 < found["their_reference"].y < 0.2, "where it stands on the page"
    amounts = [(one.value, one.confidence) for one in fields if one.name == "amount"]
    assert amounts[0] == ("67 500 FCFA", 93.0), "the total first"
    assert "60 000 FCFA" in dict(amounts)
    assert not {"12 FCFA", "3 FCFA"} & set(dict(amounts)), "a count is no sum"


def test_in_the_searchable_file_each_word_lies_where_it_is_seen(engine: OcrEngine, tmp_path: Path) -> None:
    found = recognise(engine, set_sheet(tmp_path))
    seen = {word.text: word.y + word.height for word in found.pages[0].words}
    with pdfplumber.open(found.searchable_pdf) as pdf:
        laid = {word["text"]: word["bottom"] / float(pdf.pages[0].height) for word in pdf.pages[0].extract_words()}
    for word in ("Ciment", "kilogrammes", "annexe", "Désignation", "Monsieur"):
        assert laid[word] == pytest.approx(seen[word], abs=0.006), word


def test_rows_between_shaded_ones_are_rows_too(engine: OcrEngine, tmp_path: Path) -> None:
    alone = SHEET[: SHEET.index("#table")] + SHEET[SHEET.rindex("#table") :]
    sheet = alone.replace("stroke: STROKE", "stroke: none, fill: (_, y) => if calc.odd(y) {luma(230)}")
    found = lines(page_of(engine, set_sheet(tmp_path, sheet=sheet)))
    assert [line for line in found if "|" in line][-4:] == ROWS[2:]


@pytest.mark.in_shares(4)
@pytest.mark.parametrize("turned", [0, 90, 180, 270])
@pytest.mark.parametrize("cropped", [False, True], ids=["whole", "cropped"])
def test_a_page_that_is_turned_or_cropped_has_its_cells_where_they_are_shown(
    engine: OcrEngine, tmp_path: Path, turned: int, cropped: bool
) -> None:
    path = set_sheet(tmp_path)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.pages[0].Rotate = turned
        if cropped:
            pdf.pages[0].CropBox = [30, 20, 580, 830]
        pdf.save(path)
    page = page_of(engine, path, rotation=(360 - turned) % 360)
    # For a page turned by 90 degrees PDFium begins at its foot: the second table may come first.
    assert sorted(line for line in lines(page) if "|" in line) == sorted(ROWS)


def test_no_word_is_lost_and_none_is_added(engine: OcrEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = set_sheet(tmp_path)
    with_tables = read(path)
    monkeypatch.setattr("ocr.page.tables.has_gaps", lambda _: False)
    without = read(path)
    assert with_tables.flags != without.flags
    assert sorted(with_tables.words) == sorted(without.words)


def test_lines_that_part_groups_of_rows_part_no_rows(engine: OcrEngine, tmp_path: Path) -> None:
    sheet = """#set page(paper: "a4")
      #table(columns: (1fr,) * 3, stroke: (x, y) => if y == 0 or y == 1 or y == 4 {(top: 1pt)} else {none},
        [Nom], [Pages], [Prix], [Loi], [2], [30], [Code], [4], [50], [Arrêté], [1], [10], [Total], [], [90])"""
    page = page_of(engine, set_sheet(tmp_path, sheet=sheet))
    assert not [line for line in lines(page) if "Loi" in line and "Code" in line]


INVOICE = """#set page(paper: "a4", margin: 2cm)
#set text(size: 10pt)
IMPRIMERIE DE LA MARINA

Facture n° FA-2026-88 du 12 mars 2026

Date limite de paiement le 11 avril 2026

#table(columns: (1fr, 1fr, 4fr, 1.5fr, 1.5fr), align: (left, right, left, right, right),
  stroke: (x, y) => if y in (0, 1, 4, 6) {(top: 0.7pt)} else {none},
  [Pos.], [Quantité], [Désignation], [Prix], [Montant],
  [1], [2], [Registres \\ reliés en toile \\ Service : comptabilité], [5,00], [10,00],
  [2], [1], [Enveloppes \\ format C5], [5,50], [5,50],
  [3], [4], [Chemises], [2,00], [8,00],
  [], [], [Total HT], [], [23,50],
  [], [], [TVA 18 %], [], [4,23],
  table.cell(colspan: 4)[Total TTC], [27,73 €])
"""


def test_rows_of_several_lines_without_lines_between_them_are_told_apart_by_their_sums(
    engine: OcrEngine, tmp_path: Path
) -> None:
    found = recognise(engine, set_sheet(tmp_path, sheet=INVOICE))
    rows = [line for line in lines(found.pages[0]) if "|" in line]
    assert rows[:4] == [
        "Pos. | Quantité | Désignation | Prix | Montant",
        "1 | 2 | Registres reliés en toile Service : comptabilité | 5,00 | 10,00",
        "2 | 1 | Enveloppes format C5 | 5,50 | 5,50",
        "3 | 4 | Chemises | 2,00 | 8,00",
    ]
    assert rows[4:] == ["Total HT | 23,50", "TVA 18 % | 4,23", "Total TTC | 27,73 €"]
    fields = {one.name: one.value for one in reversed(found.fields)}
    assert fields["their_reference"] == "FA-2026-88"
    assert fields["written_on"] == "2026-03-12", "not the day until which to pay"
    assert {"27,73 EUR", "23,50 EUR"} <= {one.value for one in found.fields if one.name == "amount"}


def test_boxes_of_the_whole_width_are_rows_and_the_sum_at_their_end_is_a_cell(
    engine: OcrEngine, tmp_path: Path
) -> None:
    sheet = """#set page(paper: "a4")
      #table(columns: 1fr, stroke: 0.5pt, [Summary], [Service Charges #h(1fr) \\$4.11], [Credits #h(1fr) \\$0.00],
        [Tax #h(1fr) \\$0.00], [Total for this invoice #h(1fr) \\$4.11])
      All charges are sold by the company and are in dollars, as the contract says it."""
    page = page_of(engine, set_sheet(tmp_path, sheet=sheet))
    assert [line for line in lines(page) if "|" in line] == [
        "Service Charges | $4.11", "Credits | $0.00", "Tax | $0.00", "Total for this invoice | $4.11",
    ]  # fmt: skip


def test_two_tables_that_touch_keep_columns_of_their_own(engine: OcrEngine, tmp_path: Path) -> None:
    rule = "(x, y) => if y < 2 or y == n - 1 {(top: 0.7pt)} else {none}"
    first, second = SHEET.split("#table")[1:]
    sheet = "#table".join([
        SHEET[: SHEET.index("#table")],
        first.replace("STROKE", rule.replace("n - 1", "1")),
        second.replace("STROKE", rule.replace("n - 1", "3")),
    ])  # fmt: skip
    page = page_of(engine, set_sheet(tmp_path, sheet=sheet))
    assert [line for line in lines(page) if "|" in line] == ROWS


ADDRESSES = """#set page(paper: "a4")
#line(length: 100%)
#grid(columns: (1fr, 1fr, 1fr), [Facturer à \\ M. Amouzou \\ 12 rue des Cocotiers \\ Lomé],
  [Livrer à \\ Mme Lawson \\ Quartier Nyékonakpoè \\ Kara], [Téléphone \\ 22 21 20 19 \\ le matin \\ seulement])
#line(length: 100%)
Merci de votre confiance.
#line(length: 100%)
#grid(columns: (1fr, 1fr, 1fr), [Compagnie du Golfe \\ Lomé], [Banque \\ Ecobank], [Registre \\ 2019 B 12])"""


def test_addresses_side_by_side_between_lines_are_no_rows(engine: OcrEngine, tmp_path: Path) -> None:
    page = page_of(engine, set_sheet(tmp_path, sheet=ADDRESSES))
    assert not [line for line in lines(page) if "|" in line]


PROSE = """#set page(paper: "a4")
  RÉPUBLIQUE TOGOLAISE #h(1fr) MINISTÈRE DES FINANCES

  Travail - Liberté - Patrie #h(1fr) Lomé, le 12 mars 2026

  #line(length: 100%)
  Monsieur le Directeur, j'ai l'honneur de vous transmettre le rapport annuel de la direction."""


def test_a_letter_without_a_table_is_not_looked_at_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = set_sheet(tmp_path, sheet=PROSE)
    monkeypatch.setattr(pdfplumber, "open", lambda *_, **__: pytest.fail("a table was looked for"))
    assert read(path).flags == ("born_digital",)


def test_the_later_pages_of_a_long_list_keep_the_order_of_their_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdfplumber, "open", lambda *_, **__: pytest.fail("a table was looked for"))
    assert read(set_sheet(tmp_path), page_no=101).flags == ("born_digital",)


def read(path: Path, *, page_no: int = 1) -> PageResult:
    """Read a page as the child process does, in this process."""
    out = path.parent / "read"
    out.mkdir(exist_ok=True)
    task = PageTask(str(path), "application/pdf", 0, 0, page_no, ("fra",), str(out), 60.0)
    PageReader(Limits(), recogniser(None, None)).run(task)
    return load_result(task)


def fails(error: BaseException) -> Callable[..., object]:
    def opened(*_: object, **__: object) -> object:
        raise error

    return opened


def never_ends(*_: object, **__: object) -> object:
    while True:
        time.sleep(0.01)


def swallows_the_clock(*_: object, **__: object) -> object:
    rung = 0
    while True:
        try:
            time.sleep(0.01)
        except BaseException:
            rung += 1
            if rung > 1:
                raise


@pytest.mark.in_shares(3)
@pytest.mark.parametrize(
    "opened",
    [
        fails(ValueError("damaged")), fails(RecursionError()), fails(MemoryError()), fails(KeyError("Rotate")),
        never_ends, swallows_the_clock, lambda *_, **__: SimpleNamespace(),
    ],
    ids=["damaged", "too deep", "too large", "a key", "never ends", "swallows the clock", "nonsense"],
)  # fmt: skip
def test_a_page_that_pdfplumber_cannot_read_keeps_its_words_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: Callable[..., object]
) -> None:
    path = set_sheet(tmp_path)
    monkeypatch.setattr("ocr.page._TABLES_LIMIT_S", 0.2)
    monkeypatch.setattr(pdfplumber, "open", opened)
    began = time.monotonic()
    result = read(path)
    assert time.monotonic() - began < 10
    assert result.flags == ("born_digital", "tables_unread")
    assert "FA-2026/0141" in result.text
    assert result.tables == ()


def test_a_page_that_ends_its_process_has_its_words_kept_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = set_sheet(tmp_path)
    seen: list[PageResult] = []

    def opened(*_: object, **__: object) -> object:
        task = PageTask(str(path), "application/pdf", 0, 0, 1, ("fra",), str(path.parent / "read"), 60.0)
        seen.append(load_result(task))
        raise ValueError

    monkeypatch.setattr(pdfplumber, "open", opened)
    read(path)
    assert seen[0].flags == ("born_digital", "tables_unread")
    assert "FA-2026/0141" in seen[0].text


@pytest.mark.slow  # its time is the limit
# The timer may ring inside a callback of Python whose errors are only reported; it rings again half a second later.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_page_of_very_many_lines_is_given_up_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = set_sheet(tmp_path)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        rules = b"".join(b"%d %d m %d %d l S\n" % (n % 500, n % 800, n % 500 + 60, n % 800) for n in range(150_000))
        pdf.pages[0].contents_add(rules)
        pdf.save(path)
    monkeypatch.setattr("ocr.page._TABLES_LIMIT_S", 1.0)
    began = time.monotonic()
    page = read(path)
    assert time.monotonic() - began < 30
    assert page.flags == ("born_digital", "tables_unread")
    assert "FA-2026/0141" in page.text


def test_a_signed_file_is_read_and_not_touched(engine: OcrEngine, tmp_path: Path) -> None:
    path = set_sheet(tmp_path)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        value = pikepdf.Dictionary(
            Type=pikepdf.Name.Sig, Contents=pikepdf.String(b"\x30\x80"), ByteRange=[0, 10, 20, 30]
        )
        field = pikepdf.Dictionary(FT=pikepdf.Name.Sig, T=pikepdf.String("Signature1"), V=value)
        pdf.Root.AcroForm = pikepdf.Dictionary(Fields=[pdf.make_indirect(field)], SigFlags=3)
        pdf.save(path)
    before = path.read_bytes()
    assert "tables" in page_of(engine, path).flags
    assert path.read_bytes() == before


def test_the_value_of_a_filled_field_without_a_look_is_read(tmp_path: Path) -> None:
    path = set_sheet(tmp_path)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        field = pikepdf.Dictionary(
            Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Widget, FT=pikepdf.Name.Tx, T=pikepdf.String("order"),
            V=pikepdf.String("BC-4711"), DA=pikepdf.String("/Helv 10 Tf 0 g"), Rect=[60, 60, 300, 80], F=4,
        )  # fmt: skip
        font = pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica,
            Encoding=pikepdf.Name.WinAnsiEncoding,
        )  # fmt: skip
        made = pdf.make_indirect(field)
        pdf.pages[0].Annots = pikepdf.Array([made])
        pdf.Root.AcroForm = pikepdf.Dictionary(
            Fields=[made], NeedAppearances=True, DA=pikepdf.String("/Helv 10 Tf 0 g"),
            DR=pikepdf.Dictionary(Font=pikepdf.Dictionary(Helv=pdf.make_indirect(font))),
        )  # fmt: skip
        pdf.save(path)
    assert "BC-4711" in read(path).text


def test_a_password_that_only_the_reader_of_pages_asks_for_is_named(tmp_path: Path) -> None:
    path = set_sheet(tmp_path)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.save(path, encryption=pikepdf.Encryption(owner="owner", user="user", R=6))
    with pytest.raises(Invalid) as refused:
        read(path)
    assert refused.value.code == "file.encrypted"
