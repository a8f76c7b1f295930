import io
import zipfile
from pathlib import Path

import pytest

from ged.errors import Invalid
from ged.ports import PROGRAMS, has_programs
from ocr.sniff import DOC, DOCX, JP2, JPEG, ODT, PDF, PNG, PNM, RTF, TIFF, media_type, sniff


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"%PDF-1.7\n", PDF),
        (b"\x00garbage\n%PDF-1.4", PDF),
        (b"\x89PNG\r\n\x1a\n....", PNG),
        (b"\xff\xd8\xff\xe0..", JPEG),
        (b"II*\x00....", TIFF),
        (b"MM\x00*....", TIFF),
        (b"P5\n# scanner\n2480 3508\n255\n", PNM),
        (b"P4 10 10 ", PNM),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n....", JP2),
        (b"\xff\x4f\xff\x51\x00\x2f", JP2),
        (b"{\\rtf1\\ansi", RTF),
        (b"GIF89a", None),
        (b"PK\x03\x04", None),
        (b"Monsieur le Ministre,", None),
        (b"P5 n'est pas une image", None),
        (b" " * 1024 + b"%PDF-1.7", None),
    ],
)
def test_type_comes_from_content(head: bytes, expected: str | None) -> None:
    assert media_type(head) == expected


@pytest.mark.parametrize(("content", "code"), [(b"", "file.empty"), (b"une lettre", "file.type_unknown")])
def test_name_is_not_believed(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "lettre.pdf"
    path.write_bytes(content)
    with pytest.raises(Invalid) as refusal:
        sniff(path)
    assert refusal.value.code == code


_COMPOUND = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"PK\x03\x04" + bytes(26) + b"mimetype" + ODT.encode() + b"PK", ODT),
        (b"PK\x03\x04" + bytes(3000) + b"PK\x01\x02" + bytes(42) + b"word/document.xml" + bytes(22), DOCX),
        (_COMPOUND + "Root Entry".encode("utf-16-le") + bytes(90) + "WordDocument".encode("utf-16-le"), DOC),
    ],
)
def test_text_documents_are_known_by_their_parts(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "stored"
    path.write_bytes(content)
    assert sniff(path) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"PK\x03\x04" + b"word/VBAProject.bin" + bytes(2_000_000) + b"PK\x01\x02word/document.xml", DOCX),
        (b"PK\x03\x04" + bytes(1024 * 1024 - 9) + b"word/vbaProject.bin" + b"word/document.xml", DOCX),
        (b"PK\x03\x04" + b"word/activeX/activeX1.bin" + b"word/document.xml", DOCX),
        (b"PK\x03\x04" + b"word/vbaData.xml" + b"word/document.xml", DOCX),
        (b"PK\x03\x04" + bytes(26) + b"mimetype" + ODT.encode() + b"PKBasic/script-lc.xml", ODT),
        (b"PK\x03\x04" + bytes(26) + b"mimetype" + ODT.encode() + b"PKScripts/python/macro.py", ODT),
        (_COMPOUND + "WordDocument".encode("utf-16-le") + "_VBA_PROJECT".encode("utf-16-le"), DOC),
        (_COMPOUND + "WordDocument".encode("utf-16-le") + "_Vba_Project".encode("utf-16-le"), DOC),
    ],
)
def test_a_text_document_with_programs_is_told_by_its_type(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "stored"
    path.write_bytes(content)
    assert sniff(path) == expected + PROGRAMS
    assert has_programs(sniff(path))
    assert not has_programs(expected)


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04" + bytes(26) + b"xl/workbook.xml" + b"xl/vbaProject.bin",
        b"PK\x03\x04" + bytes(26) + b"xl/workbook.xml" + b"xl/macrosheets/sheet1.xml",
        b"PK\x03\x04" + bytes(26) + b"ppt/presentation.xml" + b"ppt/vbaProject.bin",
        _COMPOUND + "Workbook".encode("utf-16-le") + "_VBA_PROJECT_CUR".encode("utf-16-le"),
    ],
)
def test_other_containers_with_programs_are_refused_by_that_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "budget.xlsx"
    path.write_bytes(content)
    with pytest.raises(Invalid) as refusal:
        sniff(path)
    assert refusal.value.code == "file.programs"


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04" + bytes(26) + b"xl/workbook.xml" + bytes(50),
        b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
        _COMPOUND + "Workbook".encode("utf-16-le"),
    ],
)
def test_other_containers_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "lettre.docx"
    path.write_bytes(content)
    with pytest.raises(Invalid) as refusal:
        sniff(path)
    assert refusal.value.code == "file.type_unknown"


VBA = '<Override PartName="/word/notes.bin" ContentType="application/vnd.ms-office.vbaProject"/>'


def _of_types(types: str | bytes, how: int = zipfile.ZIP_DEFLATED, name: str = "[Content_Types].xml") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", how) as parts:
        parts.writestr(name, types)
        parts.writestr("word/document.xml", "<x/>")
        parts.writestr("word/notes.bin", bytes(50))
    return made.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        _of_types(VBA),
        _of_types(VBA, zipfile.ZIP_STORED),
        _of_types(VBA.encode("utf-16")),
        _of_types(VBA.replace("vba", "&#118;ba")),
        _of_types(VBA, name="[content_types].XML"),
        _of_types(f"<Types>{VBA}</Types>".replace("vbaProject", "VBAProject")),
        _of_types("<Types>" + " " * 2_000_000 + VBA),
        _of_types('<Override ContentType="application/vnd.ms-word.document.macroEnabled.main+xml"/>'),
        _of_types("<Types/>").replace(b"[Content_Types].xml", b"-Content-Types-.xml", 1),
    ],
    ids=[
        "renamed",
        "stored",
        "utf-16",
        "by number",
        "case of the part",
        "case of the type",
        "far away",
        "main",
        "hidden",
    ],
)
def test_programs_are_found_by_their_type_whatever_their_part_is_called(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "stored"
    path.write_bytes(content)
    assert sniff(path) == DOCX + PROGRAMS


@pytest.mark.parametrize("how", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_a_document_in_a_document_and_no_list_of_types_are_no_programs(tmp_path: Path, how: int) -> None:
    plain = _of_types("<Types/>", how)
    for n, content in enumerate(
        (plain, plain[:-22] + _of_types("<Types/>", how), plain.replace(b"[Content_Types]", b"-Content-Types-"))
    ):
        (tmp_path / str(n)).write_bytes(content)
        assert sniff(tmp_path / str(n)) == DOCX
