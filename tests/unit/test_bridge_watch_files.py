"""Which files of a watched folder are taken, and when a file is complete."""

import os
from pathlib import Path

import pytest

from scanner_bridge.watch_files import MEDIA_TYPES, candidates, examine
from tests.watch_kit import PDF, office, picture

WHOLE = {
    "pdf": (PDF, "application/pdf"),
    "pdf-padded": (PDF + b"\0" * 900, "application/pdf"),
    "pdf-late-head": (b"\n\n" + PDF, "application/pdf"),
    "jpeg": (picture("JPEG"), "image/jpeg"),
    "jpeg-padded": (picture("JPEG") + b"\0\0\r\n", "image/jpeg"),
    "png": (picture("PNG"), "image/png"),
    "jp2": (picture("JPEG2000"), "image/jp2"),
    "rtf": (b"{\\rtf1\\ansi Lettre\\par}\r\n\0", "application/rtf"),
    "tiff": (picture("TIFF"), "image/tiff"),
    "tiff-pages": (picture("TIFF", 4), "image/tiff"),
    "tiff-lzw": (picture("TIFF", 3, compression="tiff_lzw"), "image/tiff"),
    "tiff-big": (picture("TIFF", 2, big_tiff=True), "image/tiff"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_file_is_known_by_its_bytes(tmp_path: Path, name: str) -> None:
    data, media_type = WHOLE[name]
    (tmp_path / "x.bin").write_bytes(data)
    verdict = examine(tmp_path / "x.bin")
    assert (verdict.is_whole, verdict.media_type) == (True, media_type)


@pytest.mark.parametrize("name", ["pdf", "jpeg", "png", "jp2", "tiff", "tiff-pages", "tiff-lzw", "tiff-big"])
def test_a_file_cut_anywhere_is_waited_for(tmp_path: Path, name: str) -> None:
    data, path = WHOLE[name][0], tmp_path / "x"
    last = len(data) - (16 if name.startswith("tiff") else 2)  # a TIFF ends in padding, a PDF in a line end
    for length in [*range(16, last, max(1, len(data) // 60)), last]:
        path.write_bytes(data[:length])
        assert examine(path).problem == "growing", length


@pytest.mark.parametrize("ending", ["docx", "odt", "doc"])
def test_a_text_is_known_by_bytes_and_ending_and_waited_for(tmp_path: Path, ending: str) -> None:
    data, path = office(ending), tmp_path / f"Lettre.{ending.upper()}"
    path.write_bytes(data)
    verdict = examine(path)
    assert verdict.is_whole
    assert MEDIA_TYPES[verdict.media_type] == f".{ending}"
    last = len(data) - (513 if ending == "doc" else 1)
    for length in [*range(16, last, 100), last]:
        path.write_bytes(data[:length])
        assert examine(path).problem == "growing", length
    (tmp_path / "x.zip").write_bytes(data)
    assert examine(tmp_path / "x.zip").problem == "type"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "empty"),
        (b"\0" * 5000, "empty"),
        (b"hello", "type"),
        (b"PK\x03\x04" + b"x" * 99, "type"),
        (b"II*\0", "growing"),
    ],
)
def test_what_is_no_document(tmp_path: Path, data: bytes, problem: str) -> None:
    (tmp_path / "x.pdf").write_bytes(data)
    assert examine(tmp_path / "x.pdf").problem == problem


def test_a_tiff_whose_directories_go_round_ends(tmp_path: Path) -> None:
    data = bytearray(picture("TIFF"))
    ifd = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[ifd : ifd + 2], "little")
    link = ifd + 2 + 12 * count
    data[link : link + 4] = ifd.to_bytes(4, "little")
    (tmp_path / "x").write_bytes(data)
    assert examine(tmp_path / "x").problem == "growing"


def test_only_plain_visible_finished_names_count_the_oldest_first(tmp_path: Path) -> None:
    for at, name in enumerate(["z.pdf", "a.pdf", "é (2).tif"]):
        (tmp_path / name).write_bytes(PDF)
        os.utime(tmp_path / name, (at + 1, at + 1))
    for name in [".hidden.pdf", "a.pdf.part", "b.TMP", "~$c.pdf", "Thumbs.db", "d.filepart", "e.pdf~"]:
        (tmp_path / name).write_bytes(PDF)
    (tmp_path / "folder.pdf").mkdir()
    (tmp_path / "link.pdf").symlink_to(tmp_path / "a.pdf")
    (tmp_path / "dangling.pdf").symlink_to("/nowhere")
    os.mkfifo(tmp_path / "pipe.pdf")
    assert [seen.path.name for seen in candidates(tmp_path)] == ["z.pdf", "a.pdf", "é (2).tif"]


def test_a_file_replaced_by_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.pdf").write_bytes(PDF)
    (tmp_path / "x.pdf").symlink_to(tmp_path / "secret.pdf")
    with pytest.raises(OSError, match="symbolic"):
        examine(tmp_path / "x.pdf")
