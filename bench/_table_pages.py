"""Invoices with tables, typeset by all PDF producers of this machine. A seed always gives the same invoices."""

import html
import importlib.util
import json
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import typst

Row = tuple[str, ...]
HEAD: Row = ("Désignation", "Référence", "Qté", "Prix unitaire", "Montant (FCFA)")
_GOODS = (
    "Ciment CPJ 42,5 en sacs de 50 kg", "Fer à béton", "Ramettes de papier A4 80 g, qualité supérieure, blancheur 161",
    "Toner pour imprimante laser noir et blanc, grande capacité", "Table de bureau", "Fauteuil de direction en cuir",
    "Entretien des climatiseurs du bâtiment administratif, y compris le remplacement des filtres", "Gasoil",
    "Location de véhicules tout terrain avec chauffeur", "Câble réseau catégorie 6", "Onduleur 1500 VA",
)  # fmt: skip
_SENDERS = ("SOCIÉTÉ DU GOLFE SARL", "ETS KOFFI ET FILS", "COMPTOIR DES LAGUNES SA")


@dataclass(frozen=True)
class MadeInvoice:
    """One page: its producer, its file, the rows of its tables from the top, its fields."""

    producer: str
    path: Path
    rows: tuple[Row, ...]
    number: str
    order: str
    total: str


@dataclass(frozen=True)
class _Content:
    sender: str
    known: tuple[Row, ...]
    items: tuple[Row, ...]
    total: int


def draw(folder: Path, seed: int, count: int) -> Iterator[MadeInvoice]:
    """``count`` different invoices by each producer."""
    for name, make in producers().items():
        chance = random.Random(f"{seed} {name}")
        for number in range(count):
            content = _content(chance)
            path = folder / f"{name}-{number}.pdf"
            make(content, path)
            values = content.known[1]
            yield MadeInvoice(
                name,
                path,
                (*content.known, *content.items),
                values[0],
                values[2],
                f"{content.total:,}".replace(",", " "),
            )


def producers() -> dict[str, Callable[[_Content, Path], None]]:
    """The PDF producers of this machine."""
    found: dict[str, Callable[[_Content, Path], None]] = {
        "typst, all lines": lambda content, path: _typst(content, path, "1pt"),
        "typst, lines across": lambda content, path: _typst(content, path, "(x: none, y: 0.5pt)"),
        "typst, head and total": lambda content, path: _typst(
            content, path, "(x, y) => if y < 2 or y == n - 1 {(top: 0.7pt)} else {none}"
        ),
        "typst, no lines": lambda content, path: _typst(content, path, "none"),
        "typst, shaded": lambda content, path: _typst(
            content, path, "none", fill="(_, y) => if calc.odd(y) {luma(230)}"
        ),
    }
    if shutil.which("soffice"):
        found["LibreOffice, all lines"] = lambda content, path: _office(content, path, 1)
        found["LibreOffice, no lines"] = lambda content, path: _office(content, path, 0)
    if importlib.util.find_spec("reportlab"):
        found["reportlab, all lines"] = lambda content, path: _reportlab(content, path, "GRID")
        found["reportlab, lines across"] = lambda content, path: _reportlab(content, path, "LINEBELOW")
    if importlib.util.find_spec("fpdf"):
        found["fpdf2, all lines"] = _fpdf
    if shutil.which("chromium"):
        found["chromium, all lines"] = lambda content, path: _chromium(content, path, 1)
    return found


def _content(chance: random.Random) -> _Content:
    year = chance.randint(2024, 2026)
    number, order = f"FA-{year}/{chance.randint(100, 9999):04d}", f"BC-{chance.randint(100, 999)}/MEF/{year}"
    known = (
        ("N° de facture", "Date", "Votre bon de commande", "Échéance"),
        (number, f"{chance.randint(1, 28):02d}/{chance.randint(1, 12):02d}/{year}", order, "30 jours"),
    )
    total, items = 0, [HEAD]
    for goods in chance.sample(_GOODS, chance.randint(3, 9)):
        pieces, price = chance.randint(1, 40), 500 * chance.randint(1, 300)
        total += pieces * price
        items.append((goods, f"ART-{chance.randint(100, 999)}", str(pieces), _money(price), _money(pieces * price)))
    items.append(("Total TTC", _money(total)))
    return _Content(chance.choice(_SENDERS), known, tuple(items), total)


def _money(value: int) -> str:
    return f"{value:,}".replace(",", " ")


_SHEET = """
#set page(margin: 2cm)
#set text(font: "Libertinus Serif", size: 10pt, lang: "fr")
#let d = json(bytes(sys.inputs.data))
#let n = d.items.len()
#strong(d.sender) #h(1fr) Lomé

Monsieur le Directeur, veuillez trouver ci-dessous le détail des fournitures livrées à vos services.

#table(columns: (1fr,) * 4, stroke: STROKE, ..d.known.flatten())

#table(columns: (2fr, 1fr, auto, 1fr, 1fr), stroke: STROKE, fill: FILL, align: (x, y) => if x < 2 { left } else { right },
  ..for row in d.items { if row.len() == 2 { (table.cell(colspan: 4, row.at(0)), row.at(1)) } else { row } })

Nous vous prions d'agréer, Monsieur le Directeur, l'expression de nos salutations distinguées.
"""


def _typst(content: _Content, path: Path, stroke: str, fill: str = "none") -> None:
    source = path.with_suffix(".typ")
    source.write_text(_SHEET.replace("STROKE", stroke).replace("FILL", fill), "utf-8")
    data = json.dumps({"sender": content.sender, "known": content.known, "items": content.items})
    typst.compile(str(source), output=str(path), sys_inputs={"data": data})


def _page(content: _Content, border: int) -> str:
    def table(rows: Sequence[Row]) -> str:
        lines = []
        for row in rows:
            span = ' colspan="4"' if len(row) == 2 else ""
            cells = "".join(
                f"<td{span if place == 0 else ''}><p>{html.escape(cell)}</p></td>" for place, cell in enumerate(row)
            )
            lines.append(f"<tr>{cells}</tr>")
        style = 'style="border-collapse:collapse"'
        return f'<table border="{border}" width="100%" cellpadding="4" {style}>{"".join(lines)}</table>'

    return (
        f'<html><head><meta charset="utf-8"></head><body><p><b>{html.escape(content.sender)}</b></p>'
        "<p>Monsieur le Directeur, veuillez trouver ci-dessous le détail des fournitures livrées à vos services.</p>"
        f"{table(content.known)}<p>&nbsp;</p>{table(content.items)}"
        "<p>Nous vous prions d'agréer, Monsieur le Directeur, nos salutations distinguées.</p></body></html>"
    )


def _office(content: _Content, path: Path, border: int) -> None:
    source = path.with_suffix(".html")
    source.write_text(_page(content, border), "utf-8")
    command = ["soffice", f"-env:UserInstallation=file://{path.parent / 'profile'}", "--headless"]
    options = ["--infilter=HTML (StarWriter)", "--convert-to", "pdf:writer_pdf_Export", "--outdir", str(path.parent)]
    subprocess.run([*command, *options, str(source)], check=True, capture_output=True, timeout=120)


def _chromium(content: _Content, path: Path, border: int) -> None:
    source = path.with_suffix(".html")
    source.write_text(_page(content, border), "utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={path.parent / 'chromium'}"]
    command = ["chromium", *options, f"--print-to-pdf={path}", source.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def _reportlab(content: _Content, path: Path, lines: str) -> None:
    from reportlab.lib import colors  # noqa: PLC0415 - only where it is installed
    from reportlab.lib.pagesizes import A4  # noqa: PLC0415
    from reportlab.lib.styles import getSampleStyleSheet  # noqa: PLC0415
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table  # noqa: PLC0415

    style = getSampleStyleSheet()["Normal"]

    def table(rows: Sequence[Row]) -> Table:
        full = [(row[0], "", "", "", row[1]) if len(row) == 2 else row for row in rows]
        cells = [[Paragraph(html.escape(cell), style) if cell else "" for cell in row] for row in full]
        spans = [("SPAN", (0, place), (3, place)) for place, row in enumerate(rows) if len(row) == 2]
        widths = [170, 75, 35, 80, 90] if len(rows[0]) == 5 else [112] * 4
        return Table(cells, colWidths=widths, style=[(lines, (0, 0), (-1, -1), 0.5, colors.black), *spans])

    head = [Paragraph(content.sender, style), Paragraph("Veuillez trouver le détail des fournitures livrées.", style)]
    story = [*head, Spacer(1, 12), table(content.known), Spacer(1, 12), table(content.items)]
    SimpleDocTemplate(str(path), pagesize=A4).build(story)


def _fpdf(content: _Content, path: Path) -> None:
    from fpdf import FPDF  # noqa: PLC0415 - only where it is installed

    page = FPDF()
    page.add_page()
    page.set_font("Helvetica", size=10)
    page.multi_cell(
        0, 6, f"{content.sender}\nVeuillez trouver le détail des fournitures livrées.\n", new_x="LMARGIN", new_y="NEXT"
    )
    for rows, widths in ((content.known, (45, 45, 45, 45)), (content.items, (66, 28, 14, 34, 38))):
        with page.table(col_widths=widths) as table:
            for row in rows:
                made = table.row()
                for place, cell in enumerate(row):
                    made.cell(cell, colspan=4 if len(row) == 2 and place == 0 else 1)
        page.ln(5)
    page.output(str(path))
