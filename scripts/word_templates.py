"""Writes the Word templates of the product (``ged/word/templates``): ``python -m scripts.word_templates``.

They are the project's own, made of the fields of ``ged.word.fields``; equal code writes equal bytes.
"""

import zipfile
from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape

TARGET = Path(__file__).parents[1] / "ged" / "word" / "templates"
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
P = "http://schemas.openxmlformats.org/package/2006"
WML = "application/vnd.openxmlformats-officedocument.wordprocessingml"
FONT = "Times New Roman"

Run = str
"""XML of one run or more."""


def text(content: str, *, bold: bool = False, italic: bool = False, under: bool = False, half_points: int = 0) -> Run:
    """A run of text."""
    return f'<w:r>{_forms(bold, italic, under, half_points)}<w:t xml:space="preserve">{escape(content)}</w:t></w:r>'


def merge(name: str, *, bold: bool = False, italic: bool = False, half_points: int = 0) -> Run:
    """A merge field in runs, as Word writes it."""
    forms = _forms(bold, italic, under=False, half_points=half_points)
    parts = (
        '<w:fldChar w:fldCharType="begin"/>',
        f'<w:instrText xml:space="preserve"> MERGEFIELD {name} </w:instrText>',
        '<w:fldChar w:fldCharType="separate"/>',
        f"<w:t>«{name}»</w:t>",
        '<w:fldChar w:fldCharType="end"/>',
    )
    return "".join(f"<w:r>{forms}{part}</w:r>" for part in parts)


def _forms(bold: bool, italic: bool, under: bool, half_points: int) -> str:
    inner = "".join(
        mark
        for asked, mark in (
            (bold, "<w:b/>"), (italic, "<w:i/>"), (under, '<w:u w:val="single"/>'),
            (half_points, f'<w:sz w:val="{half_points}"/>'),
        )
        if asked
    )  # fmt: skip
    return f"<w:rPr>{inner}</w:rPr>" if inner else ""


def paragraph(
    *runs: Run, align: str = "left", after: int = 120, left: int = 0, first: int = 0, keep: bool = False
) -> str:
    """A paragraph; distances in twentieths of a point."""
    kept = "<w:keepNext/><w:keepLines/>" if keep else ""
    return (
        f'<w:p><w:pPr>{kept}<w:spacing w:before="0" w:after="{after}"/>'
        f'<w:ind w:left="{left}" w:firstLine="{first}"/><w:jc w:val="{align}"/></w:pPr>{"".join(runs)}</w:p>'
    )


def table(widths: tuple[int, ...], *rows: tuple[str, ...], ruled: bool = False) -> str:
    """A table of cells that are paragraphs; widths in twentieths of a point."""
    side = 'w:val="single" w:sz="4" w:space="0" w:color="auto"' if ruled else 'w:val="nil"'
    sides = "".join(f"<w:{name} {side}/>" for name in ("top", "left", "bottom", "right", "insideH", "insideV"))
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    body = "".join(
        "<w:tr>"
        + "".join(
            f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr>{cell}</w:tc>'
            for width, cell in zip(widths, row, strict=True)
        )
        + "</w:tr>"
        for row in rows
    )
    return (
        f'<w:tbl><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:tblBorders>{sides}</w:tblBorders>'
        f'<w:tblLayout w:type="fixed"/></w:tblPr><w:tblGrid>{grid}</w:tblGrid>{body}</w:tbl>'
    )


def head() -> str:
    """The letterhead: sender and country, then number, place and date."""
    house = paragraph(merge("organisation", bold=True), align="center", after=60) + paragraph(
        merge("services", half_points=20), align="center"
    )
    country = paragraph(merge("pays", bold=True), align="center", after=60) + paragraph(
        merge("devise", italic=True, half_points=18), align="center"
    )
    number = paragraph(text("N° "), merge("numero", bold=True))
    day = paragraph(merge("lieu"), text(", le "), merge("date_lettre"), align="right")
    return table((4536, 4536), (house, country), (number, day)) + paragraph(after=60)


def to_whom() -> str:
    """Sender and addressee."""
    return (
        paragraph(merge("expediteur", bold=True), left=4536, after=60)
        + paragraph(text("à"), left=6000, after=60)
        + paragraph(merge("destinataires"), left=4536, after=240)
    )


def facts(*names: tuple[str, str]) -> str:
    """Subject, references, enclosures."""
    return "".join(
        paragraph(text(label, bold=True, under=True), text(" : "), merge(name, bold=name == "objet"), after=60)
        for label, name in names
    )


def end() -> str:
    """The place of the signature, and the copies."""
    return (
        paragraph(merge("signature"), after=120)
        + paragraph(text("Ampliations", bold=True, under=True), text(" :"), after=40, keep=True)
        + paragraph(merge("ampliations", half_points=19), left=227, after=0)
    )


REFERENCES = (
    ("Objet", "objet"),
    ("N/Réf.", "notre_reference"),
    ("V/Réf.", "votre_reference"),
    ("P.J.", "pieces_jointes"),
)


def body(*paragraphs: str) -> str:
    """Paragraphs of text, justified."""
    return "".join(
        paragraph(text(one), align="both", first=567, keep=n == len(paragraphs) - 1) for n, one in enumerate(paragraphs)
    )


def written() -> str:
    """The place of the text that the author has begun in the site."""
    return paragraph(merge("texte"), align="both", first=567)


def letter() -> str:
    """The template of a letter."""
    return head() + to_whom() + facts(*REFERENCES) + paragraph(after=120) + written() + end()


def note() -> str:
    """The template of a note to services."""
    return (
        head()
        + paragraph(text("NOTE", bold=True, half_points=32), align="center", after=60)
        + paragraph(text("à l'attention de"), align="center", after=60)
        + paragraph(merge("destinataires", bold=True), align="center", after=240)
        + facts(("Objet", "objet"), ("N/Réf.", "notre_reference"), ("P.J.", "pieces_jointes"))
        + paragraph(after=120)
        + written()
        + end()
    )


def slip() -> str:
    """The template of a slip that sends documents in answer to a letter."""
    cells = (("N°", "Désignation des pièces", "Nombre", "Observations"), ("1", " ", " ", " "), ("2", " ", " ", " "))
    widths = (680, 4762, 1134, 2496)
    rows = (
        tuple(paragraph(text(cell, bold=n == 0), align="center" if n == 0 else "left", after=60) for cell in row)
        for n, row in enumerate(cells)
    )
    return (
        head()
        + to_whom()
        + paragraph(text("BORDEREAU D'ENVOI", bold=True, half_points=30), align="center", after=200)
        + facts(("Objet", "objet"), ("N/Réf.", "notre_reference"), ("V/Réf.", "votre_reference"))
        + paragraph(after=80)
        + table(widths, *rows, ruled=True)
        + paragraph(after=120)
        + body(
            "Arrêté le présent bordereau au nombre de pièces indiqué. Un exemplaire est à retourner pour accusé de réception."
        )
        + end()
    )


def certificate() -> str:
    """The template of a certificate."""
    return (
        head()
        + paragraph(text("ATTESTATION", bold=True, half_points=34), align="center", after=360)
        + facts(
            ("Objet", "objet"),
        )
        + paragraph(after=160)
        + paragraph(
            text("Je soussigné(e), "),
            merge("signataire"),
            text(", "),
            merge("signataire_fonction"),
            text(", atteste que "),
            merge("destinataire", bold=True),
            text(" ..."),
            align="both",
            first=567,
        )
        + body("En foi de quoi la présente attestation est délivrée pour servir et valoir ce que de droit.")
        + end()
    )


TEMPLATES = {"lettre": letter, "note": note, "bordereau": slip, "attestation": certificate}


def packed(content: str) -> bytes:
    """A Word file with this text on A4 pages. Its footer numbers the pages."""
    foot = (
        f'<w:ftr xmlns:w="{W}">'
        + paragraph(
            merge("organisation", half_points=16), text(" · Page ", half_points=16),
            '<w:fldSimple w:instr=" PAGE "><w:r><w:rPr><w:sz w:val="16"/></w:rPr><w:t>1</w:t></w:r></w:fldSimple>',
            text("/", half_points=16),
            '<w:fldSimple w:instr=" NUMPAGES "><w:r><w:rPr><w:sz w:val="16"/></w:rPr><w:t>1</w:t></w:r></w:fldSimple>',
            align="center", after=0,
        )
        + "</w:ftr>"
    )  # fmt: skip
    section = (
        '<w:sectPr><w:footerReference w:type="default" r:id="rIdFoot"/><w:pgSz w:w="11906" w:h="16838"/>'
        '<w:pgMar w:top="1021" w:right="1417" w:bottom="1247" w:left="1417" w:header="567" w:footer="567" w:gutter="0"/></w:sectPr>'
    )
    styles = (
        f'<w:styles xmlns:w="{W}"><w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:ascii="{FONT}" w:hAnsi="{FONT}" '
        f'w:cs="{FONT}"/><w:sz w:val="23"/><w:lang w:val="fr-FR"/></w:rPr></w:rPrDefault></w:docDefaults>'
        '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style></w:styles>'
    )
    office = "application/vnd.openxmlformats-package.relationships+xml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{P}/content-types"><Default Extension="rels" ContentType="{office}"/>'
        f'<Override PartName="/word/document.xml" ContentType="{WML}.document.main+xml"/>'
        f'<Override PartName="/word/styles.xml" ContentType="{WML}.styles+xml"/>'
        f'<Override PartName="/word/footer1.xml" ContentType="{WML}.footer+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{P}/relationships"><Relationship Id="rId1" Type="{R}/officeDocument" '
        'Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{P}/relationships"><Relationship Id="rIdStyles" '
        f'Type="{R}/styles" Target="styles.xml"/><Relationship Id="rIdFoot" Type="{R}/footer" Target="footer1.xml"/>'
        "</Relationships>",
        "word/document.xml": f'<w:document xmlns:w="{W}" xmlns:r="{R}"><w:body>{content}{section}</w:body></w:document>',
        "word/footer1.xml": foot,
        "word/styles.xml": styles,
    }
    written = BytesIO()
    with zipfile.ZipFile(written, "w") as target:
        for name, part in parts.items():
            content_of = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>{part}'
            target.writestr(zipfile.ZipInfo(name), content_of.encode(), zipfile.ZIP_DEFLATED)
    return written.getvalue()


def main() -> None:
    """Write the files."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, made in TEMPLATES.items():
        (TARGET / f"{name}.docx").write_bytes(packed(made()))


if __name__ == "__main__":
    main()
