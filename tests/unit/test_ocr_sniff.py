from pathlib import Path

import pytest

from ged.errors import Invalid
from ocr.sniff import JPEG, PDF, PNG, PNM, TIFF, media_type, sniff


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
