"""The smallest Word file that opens, and one with macros."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from ocr.sniff import DOCX

TEXT = "Demande de deux véhicules pour la région des Savanes"
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def docx(path: Path, *, paragraphs: int = 3, body: str = "", rels: str = "") -> Path:
    """Write a Word document with few parts. Returns the path."""
    lines = "".join(f"<w:p><w:r><w:t>{TEXT} {n}</w:t></w:r></w:p>" for n in range(paragraphs))
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" '
        f'ContentType="{DOCX}.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{R}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{rels}</Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{W}" xmlns:r="{R}"><w:body>{body}{lines}</w:body></w:document>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as content:
        for name, text in parts.items():
            content.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + text)
    return path


def with_macros(path: Path, *, of: Path) -> Path:
    """The file ``of`` as Office saves it with macros. Returns the path."""
    main = "application/vnd.ms-word.document.macroEnabled.main+xml"
    with zipfile.ZipFile(of) as plain, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as content:
        for name in plain.namelist():
            content.writestr(name, plain.read(name).replace(f"{DOCX}.main+xml".encode(), main.encode()))
        content.writestr("word/vbaProject.bin", b"\xd0\xcf\x11\xe0" + bytes(200))
    return path


def spreadsheet_with_macros() -> bytes:
    """What stands in an .xlsm, as far as anybody looks at it here."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as content:
        for name in ("[Content_Types].xml", "xl/workbook.xml", "xl/vbaProject.bin"):
            content.writestr(name, "<x/>")
    return made.getvalue()
