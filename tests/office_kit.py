"""The smallest Word file that opens."""

from __future__ import annotations

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
