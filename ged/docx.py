"""Small Word files (.docx) written from code: paragraphs, tables, a footer that numbers the pages. Equal calls give equal bytes.

It writes and never reads: what people send is opened by ``ocr.word`` in a limited child. Distances are in twentieths of a point.
"""

import re
import zipfile
from io import BytesIO
from xml.sax.saxutils import escape

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
P = "http://schemas.openxmlformats.org/package/2006"
WML = "application/vnd.openxmlformats-officedocument.wordprocessingml"
FONT = "Times New Roman"

_NO_XML = re.compile("[^ -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML can hold, and tabs and ends of lines, which a run of text has no place for."""
Run = str
"""XML of one run or more."""


def text(
    content: str,
    *,
    bold: bool = False,
    italic: bool = False,
    under: bool = False,
    half_points: int = 0,
    marked: bool = False,
) -> Run:
    """A run of text; ``marked`` as with a yellow pen. Characters that no XML can hold are left out."""
    kept = escape(_NO_XML.sub("", content))
    return f'<w:r>{forms(bold, italic, under, half_points, marked)}<w:t xml:space="preserve">{kept}</w:t></w:r>'


def forms(
    bold: bool = False, italic: bool = False, under: bool = False, half_points: int = 0, marked: bool = False
) -> str:
    """The properties of a run."""
    inner = "".join(
        mark
        for asked, mark in (
            (bold, "<w:b/>"), (italic, "<w:i/>"), (under, '<w:u w:val="single"/>'),
            (half_points, f'<w:sz w:val="{half_points}"/>'), (marked, '<w:highlight w:val="yellow"/>'),
        )
        if asked
    )  # fmt: skip
    return f"<w:rPr>{inner}</w:rPr>" if inner else ""


def paragraph(
    *runs: Run,
    align: str = "left",
    after: int = 120,
    left: int = 0,
    first: int = 0,
    keep: bool = False,
    style: str = "",
) -> str:
    """A paragraph; distances in twentieths of a point.

    Args:
        keep: it stays on the page of the next one.
        style: the id of a style that ``packed`` was given.
    """
    kept = (f'<w:pStyle w:val="{style}"/>' if style else "") + ("<w:keepNext/><w:keepLines/>" if keep else "")
    return (
        f'<w:p><w:pPr>{kept}<w:spacing w:before="0" w:after="{after}"/>'
        f'<w:ind w:left="{left}" w:firstLine="{first}"/><w:jc w:val="{align}"/></w:pPr>{"".join(runs)}</w:p>'
    )


def table(widths: tuple[int, ...], *rows: tuple[str, ...], ruled: bool = False, headed: bool = False) -> str:
    """A table of cells that are paragraphs; widths in twentieths of a point.

    Args:
        headed: the first row is a head, repeated on each page; no row is broken over two pages.
    """
    side = 'w:val="single" w:sz="4" w:space="0" w:color="auto"' if ruled else 'w:val="nil"'
    sides = "".join(f"<w:{name} {side}/>" for name in ("top", "left", "bottom", "right", "insideH", "insideV"))
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    whole = "<w:trPr><w:cantSplit/></w:trPr>" if headed else ""
    head = "<w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>" if headed else ""
    body = "".join(
        f"<w:tr>{whole if n else head}"
        + "".join(
            f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr>{cell}</w:tc>'
            for width, cell in zip(widths, row, strict=True)
        )
        + "</w:tr>"
        for n, row in enumerate(rows)
    )
    return (
        f'<w:tbl><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:tblBorders>{sides}</w:tblBorders>'
        f'<w:tblLayout w:type="fixed"/></w:tblPr><w:tblGrid>{grid}</w:tblGrid>{body}</w:tbl>'
    )


HEADING = "Titre1"
"""The style of headings, in a file that is packed ``with_headings``: programs show an outline of them."""
_HEADING_STYLE = (
    f'<w:style w:type="paragraph" w:styleId="{HEADING}"><w:name w:val="heading 1"/><w:basedOn w:val="Normal"/>'
    '<w:next w:val="Normal"/><w:qFormat/><w:pPr><w:keepNext/><w:keepLines/><w:outlineLvl w:val="0"/></w:pPr>'
    "<w:rPr><w:b/></w:rPr></w:style>"
)


def packed(content: str, *, foot_name: Run, with_headings: bool = False) -> bytes:
    """A Word file with this text on A4 pages. Its footer bears ``foot_name`` and numbers the pages."""
    foot = (
        f'<w:ftr xmlns:w="{W}">'
        + paragraph(
            foot_name, text(" · Page ", half_points=16),
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
        '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>'
        f"{_HEADING_STYLE if with_headings else ''}</w:styles>"
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
