"""``ged ocr`` as people and scripts call it: no settings, no database, from any folder."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from PIL import Image

from tests.commands import ged
from tests.ocr_pages import digital_pdf, draw, save, scan_pdf
from tests.started import GED, Started, run
from web.commands.batch_reading import plan

pytestmark = pytest.mark.in_turns(3)

SMALL = (1240, 1754)


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("GED_")}


def ged_ocr(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run("ocr", *arguments, cwd=folder, env=environment())


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_pages_then_document_in_the_order_given(tmp_path: Path) -> None:
    letter = draw(size=SMALL)
    save(letter, tmp_path / "b.png")
    scan_pdf([letter, Image.new("L", SMALL, 255)], tmp_path / "a.pdf")
    digital_pdf(tmp_path / "né.pdf")
    done = ged_ocr(tmp_path, "b.png", "a.pdf", "né.pdf", "--out", "sous/out", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = lines(done)
    assert [(line["file"], line.get("page")) for line in told] == [
        ("b.png", 1), ("b.png", None), ("a.pdf", 1), ("a.pdf", 2), ("a.pdf", None), ("né.pdf", 1), ("né.pdf", None)
    ]  # fmt: skip
    first, document = told[:2]
    assert "Objet : demande de véhicules administratifs" in first["text"]
    assert (first["language"], first["flags"], told[3]["flags"], told[5]["flags"]) == (
        "fra", [], ["blank"], ["born_digital"]
    )  # fmt: skip
    word = next(word for word in first["words"] if word["text"].startswith("véhicules"))
    assert 0 < word["x"] < word["x"] + word["width"] < 1
    assert 0 < word["y"] < word["y"] + word["height"] < 1
    assert 50 < word["confidence"] <= 100
    assert (document["pages"], told[4]["pages"]) == (1, 2)
    assert 0 < document["seconds"] < 200
    with pikepdf.open(tmp_path / "sous/out/a.pdf") as pdf, pdf.open_metadata() as metadata:
        assert (len(pdf.pages), metadata["pdfaid:part"]) == (2, "2")
    assert sorted(path.name for path in (tmp_path / "sous/out").iterdir()) == ["a.pdf", "b.pdf", "né.pdf"]


@pytest.mark.long("the command once more; files refused have their own tests")
def test_refused_files_are_told_and_the_others_read(tmp_path: Path) -> None:
    good = save(draw(size=SMALL), tmp_path / "good.png")
    (tmp_path / "cut.png").write_bytes(good.read_bytes()[:9000])
    (tmp_path / "text.pdf").write_text("ceci n'est pas un PDF")
    (tmp_path / "empty.tif").touch()
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    names = ["cut.png", "text.pdf", "empty.tif", "folder.png", "pipe.png", "nobody.png", "good.png"]
    done = ged_ocr(tmp_path, *names, "--out", "out", "--json")
    assert done.returncode == 1
    told = lines(done)
    codes = {line["file"]: line["error"] for line in told if "error" in line}
    assert codes == {
        "cut.png": "file.truncated", "text.pdf": "file.type_unknown", "empty.tif": "file.empty",
        "folder.png": "file.unreadable", "pipe.png": "file.unreadable", "nobody.png": "file.unreadable",
    }  # fmt: skip
    assert "« cut.png » est incomplet ou abîmé. Envoyez-le" in next(line for line in told if "error" in line)["message"]
    assert told[-1]["file"] == "good.png"
    assert told[-1]["pages"] == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.pdf"]


def test_no_file_overwrites_another_nor_what_was_given(tmp_path: Path) -> None:
    for name in ("a.png", "A.tif", "sub/a.png", "a-2.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
    given = [tmp_path / name for name in ("a.pdf", "a.png", "A.tif", "sub/a.png", "a-2.png", "sub/../a.png")]
    targets = [work.target.name for work in plan(given, tmp_path)]
    assert targets == ["a-2.pdf", "a-3.pdf", "A-4.pdf", "a-5.pdf", "a-2-2.pdf", "a-6.pdf"]


def test_people_read_sentences(tmp_path: Path) -> None:
    save(draw(size=SMALL), tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"x")
    done = ged_ocr(tmp_path, "a.png", "b.png", "--out", "out", "--jobs", "1")
    first, second = done.stdout.splitlines()
    assert first.startswith("[1/2] a.png : 1 page, confiance ")
    assert first.endswith("-> out/a.pdf")
    assert second.startswith("[2/2] b.png : REFUSÉ. Le fichier « b.png » n'est ni un PDF")


@pytest.mark.parametrize(
    "arguments",
    [[], ["a.png"], ["--out", "out"], ["a.png", "--out", "out", "--lang", "klingon"], ["a.png", "--out", "a.png"],
     ["a.png", "--out", "out", "--jobs", "0"], ["a.png", "--out", "a.png/out"]],
)  # fmt: skip
def test_usage_is_exit_2(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    done = ged("ocr", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: " in done.stderr


PAGES = 16
"""So many that some are unread when the signal comes, also on a machine where all else works too."""


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long("the other signal"))]
)
def test_interrupted_it_leaves_nothing_half_done(tmp_path: Path, number: signal.Signals) -> None:
    for name in range(PAGES):
        save(draw(), tmp_path / f"{name}.png")
    command = [str(GED), "ocr", *(f"{name}.png" for name in range(PAGES)), "--out", "out", "--json", "--jobs", "2"]
    running = Started(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    assert running.stderr is not None
    first = [running.stdout.readline() for _ in range(2)]
    readers = children_of(running.pid)
    assert len(readers) >= 2
    asked = time.monotonic()
    running.send_signal(number)
    # Not `communicate`: it would lose the data that `readline` has buffered.
    rest, errors = running.stdout.read(), running.stderr.read()
    running.wait(30)
    assert time.monotonic() - asked < 10
    running.stdout.close()
    running.stderr.close()
    assert running.returncode == 130
    assert errors == "Interrompu ; les fichiers déjà annoncés sont entiers.\n"
    announced = {Path(line["pdf"]).name for line in map(json.loads, [*first, *rest.splitlines()]) if "pdf" in line}
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert "0.pdf" in announced <= written
    assert len(written) < PAGES
    for path in written:
        with pikepdf.open(tmp_path / "out" / path) as pdf:
            assert len(pdf.pages) == 1
    assert all(map(gone, readers))


def children_of(pid: int) -> list[int]:
    """The processes that another process started."""
    return [int(word) for path in Path(f"/proc/{pid}/task").glob("*/children") for word in path.read_text().split()]


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
