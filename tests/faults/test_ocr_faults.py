"""The reading engine with failing programs and damaged files."""

import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pikepdf
import pytest

from ged.errors import EngineFailed, GedError
from ged.ports import PageRef, Recognition
from ocr.engine import TesseractEngine
from ocr.tesseract import Plug, plug_of
from sandbox import NONE
from tests.ocr_pages import aged, digital_pdf, draw, save, scan_pdf
from tests.sample_kit import LONG_RUN

pytestmark = pytest.mark.in_turns(3)

SMALL = (620, 877)
REAL = "exec tesseract"
MUTATIONS = 72 if LONG_RUN else 36
READERS = ("library", "program")
REFUSALS = {
    "file.empty", "file.truncated", "file.type_unknown", "file.image_too_large", "file.encrypted", "file.too_many_pages",
    "ocr.crashed", "ocr.out_of_memory", "ocr.timeout",
}  # fmt: skip
"""Allowed outcomes of any damage. Once in many thousands of draws it kills the child; that is reported too."""


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], str]:
    """Replace tesseract by a program that lists its languages, treats page 1 as asked, and really reads the others."""

    def make(behaviour: str) -> str:
        path = tmp_path / "tesseract-double"
        first = tmp_path / "first"
        first.touch()
        path.write_text(
            "#!/bin/sh\n"
            f'case "$1" in --list-langs|--version) {REAL} "$@";; esac\n'
            f'if rm "{first}" 2>/dev/null; then {behaviour}; fi\n'
            f'{REAL} "$@"\n'
        )
        path.chmod(0o755)
        return str(path)

    return make


def read(engine: TesseractEngine, folder: Path, *, timeout_s: float = 90) -> Recognition:
    source = save(draw(size=SMALL), folder / "p.png")
    out = folder / "out"
    out.mkdir(exist_ok=True)
    try:
        refs = [PageRef(source, "image/png", 0)] * 3
        return engine.recognise(refs, languages=["fra"], timeout_s=timeout_s, out=out)
    finally:
        engine.close()


@pytest.mark.in_shares(4)
@pytest.mark.parametrize(
    "behaviour",
    [
        "exit 1",
        "kill -SEGV $$",
        "sleep 60",
        "kill -9 $PPID; sleep 60",
        "printf 'level\\n5\\t1\\t1\\t1\\t1\\t1\\tx\\ty\\tz\\tw\\t90\\tmot\\n' >\"$2.tsv\"; exit 0",
        "exit 0",
        "head -c 100000000 /dev/zero | tr '\\0' a >&2; exit 3",
    ],
    ids=["exits", "crashes", "hangs", "takes the child with it", "lies", "writes nothing", "floods"],
)
def test_one_page_fails_and_the_others_are_read(tmp_path: Path, program: Callable[[str], str], behaviour: str) -> None:
    engine = TesseractEngine(tesseract=program(behaviour), jobs=1, page_timeout_s=20, isolation=NONE)
    result = read(engine, tmp_path)
    first, *others = result.pages
    assert first.flags != ()
    assert first.text == ""
    assert all("Lomé" in page.text and page.flags == () for page in others)
    assert first.image.stat().st_size > 5000, "the page is shown although it could not be read"
    with pikepdf.open(result.searchable_pdf) as pdf:
        assert len(pdf.pages) == 3


def test_a_page_on_which_nothing_was_found_is_looked_at_again(tmp_path: Path, program: Callable[[str], str]) -> None:
    engine = TesseractEngine(
        tesseract=program("printf 'not a table' >\"$2.tsv\"; exit 0"), jobs=1, page_timeout_s=20, isolation=NONE
    )
    assert all("Lomé" in page.text and page.flags == () for page in read(engine, tmp_path).pages)


@pytest.mark.in_shares(2)
@pytest.mark.parametrize("reader", READERS)
def test_reading_is_stopped_at_the_pages_time(tmp_path: Path, reader: str) -> None:
    source = save(aged(draw()), tmp_path / "p.png")
    out = tmp_path / "out"
    out.mkdir()
    engine = TesseractEngine(jobs=1, page_timeout_s=0.3, reader=reader)
    slow = engine.recognise([PageRef(source, "image/png", 0)], languages=["fra"], timeout_s=60, out=out).pages
    engine.close()
    assert (slow[0].flags, slow[0].text) == (("failed",), "")
    engine = TesseractEngine(jobs=1, reader=reader)
    again = engine.recognise([PageRef(source, "image/png", 0)], languages=["fra"], timeout_s=60, out=out).pages
    engine.close()
    assert "Lomé" in again[0].text


@pytest.fixture(scope="module")
def enormous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of a hundred million pixels: to draw it takes two seconds."""
    return save(draw(size=(9000, 12000)).convert("RGB"), tmp_path_factory.mktemp("enormous") / "big.png")


@pytest.mark.in_shares(2)
@pytest.mark.parametrize("reader", READERS)
def test_out_of_memory_is_one_page_not_the_worker(tmp_path: Path, enormous: Path, reader: str) -> None:
    engine = TesseractEngine(memory_limit_bytes=400 * 1024 * 1024, jobs=1, max_pixels=120_000_000, reader=reader)
    small = save(draw(), tmp_path / "s.png")
    out = tmp_path / "out"
    out.mkdir()
    refs = [PageRef(enormous, "image/png", 0), PageRef(small, "image/png", 0)]
    result = engine.recognise(refs, languages=["fra"], timeout_s=90, out=out)
    engine.close()
    assert result.pages[0].flags == ("failed",)
    assert "Lomé" in result.pages[1].text


def test_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EngineFailed) as failure:
        read(TesseractEngine(tesseract="tesseract-of-nobody"), tmp_path)
    assert (failure.value.code, failure.value.retryable) == ("ocr.unavailable", False)


def test_time_out_leaves_no_process_behind(tmp_path: Path, program: Callable[[str], str]) -> None:
    marker = f"{300 + os.getpid() % 100}.5"
    engine = TesseractEngine(tesseract=program(f"sleep {marker}"), jobs=1, isolation=NONE)
    started = time.monotonic()
    with pytest.raises(EngineFailed) as failure:
        read(engine, tmp_path, timeout_s=5)
    assert failure.value.code == "ocr.timeout"
    assert time.monotonic() - started < 15
    assert not [pid for pid in processes() if marker in pid]


@pytest.mark.long("a second page that took too long: `test_time_out_leaves_no_process_behind` shows one")
def test_a_page_that_took_too_long_leaves_no_process_behind_and_the_next_is_read(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    """pytesseract ends its program, but not the processes that the program started. They end with the child."""
    marker = f"{400 + os.getpid() % 100}.5"
    engine = TesseractEngine(tesseract=program(f"sleep {marker}"), jobs=1, page_timeout_s=6, isolation=NONE)
    source = save(draw(size=(1240, 1754)), tmp_path / "p.png")
    out = tmp_path / "out"
    out.mkdir()
    refs = [PageRef(source, "image/png", 0)] * 2
    left: list[list[str]] = []
    found = engine.recognise(
        refs,
        languages=["fra"],
        timeout_s=90,
        out=out,
        on_page=lambda _: left.append([one for one in processes() if marker in one]),
    )
    engine.close()
    assert left == [[], []]
    assert [page.flags for page in found.pages] == [("failed",), ()]
    assert "Lomé" in found.pages[1].text


@pytest.mark.in_shares(2)
@pytest.mark.parametrize("reader", READERS)
def test_a_child_that_is_killed_while_it_reads_costs_its_page_alone(
    tmp_path: Path, reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = tmp_path / "rooms"  # its own: children of other tests read beside it
    rooms.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(rooms))
    engine = TesseractEngine(jobs=1, reader=reader, isolation=NONE)
    source = save(aged(draw(size=(1240, 1754))), tmp_path / "p.png")
    out = tmp_path / "out"
    out.mkdir()
    killed = threading.Event()

    def kill_the_reading_child() -> None:
        """Kill the child while it reads words: this begins when the image of the first page is made."""
        while not killed.is_set():
            for room in rooms.glob("ged-room-*"):
                if (room / "page-0001.json").exists():
                    for pid in children_in(room):
                        os.kill(pid, signal.SIGKILL)
                        killed.set()

    watcher = threading.Thread(target=kill_the_reading_child, daemon=True)
    watcher.start()
    found = engine.recognise([PageRef(source, "image/png", 0)] * 2, languages=["fra"], timeout_s=90, out=out)
    engine.close()
    assert killed.wait(20)
    watcher.join()
    assert [page.flags for page in found.pages] == [("failed",), ()]
    assert found.pages[0].image.stat().st_size > 5000, "what was made before is shown"
    assert "Lomé" in found.pages[1].text


def children_in(room: Path) -> list[int]:
    """The Python processes that work in this folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if Path(os.readlink(place / "cwd")) == room and b"serve.py" in (place / "cmdline").read_bytes():
                found.append(int(place.name))
    return found


@pytest.mark.parametrize("reader", READERS)
def test_a_language_that_is_missing_is_named(tmp_path: Path, reader: str) -> None:
    engine = TesseractEngine(jobs=1, reader=reader)
    with pytest.raises(EngineFailed) as failure:
        engine.check_languages(["fra", "tlh"])
    engine.close()
    assert (failure.value.code, failure.value.params["languages"]) == ("ocr.unavailable", ["tlh"])


def test_a_machine_without_the_librarys_wheel_reads_with_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    assert plug_of("automatic") is Plug.LIBRARY
    monkeypatch.setattr("ocr.tesseract.find_spec", lambda _: None)
    assert plug_of("automatic") is Plug.PROGRAM
    engine = TesseractEngine(jobs=1)
    facts = engine.reads_with()
    engine.close()
    assert facts.plug == "program"


def processes() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except (FileNotFoundError, ProcessLookupError):
            continue


def test_secrets_do_not_reach_the_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GED_SECRET_KEY", "very-secret")
    double = tmp_path / "double"
    double.write_text(f'#!/bin/sh\nenv > "{tmp_path}/seen"\n{REAL} "$@"\n')
    double.chmod(0o755)
    read(TesseractEngine(tesseract=str(double), isolation=NONE), tmp_path)
    seen = (tmp_path / "seen").read_text()
    assert "OMP_THREAD_LIMIT=1" in seen
    assert "very-secret" not in seen


def test_engine_works_again_after_a_fork(tmp_path: Path) -> None:
    """A queue worker forks for each job. The forked process must not use the child processes of its parent."""
    source = save(draw(size=SMALL), tmp_path / "f.png")
    engine = TesseractEngine()
    engine.inspect(source, filename="f", timeout_s=60)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = 0 if engine.inspect(source, filename="f", timeout_s=60).pages else 1
            engine.close()
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    assert engine.inspect(source, filename="f", timeout_s=60).pages
    engine.close()


def originals(folder: Path) -> list[bytes]:
    page = aged(draw(size=SMALL))
    digital = digital_pdf(folder / "d.pdf")
    kinds = [save(page, folder / name) for name in ("p.png", "p.jpg", "p.tif")]
    kinds.append(save(page.convert("1"), folder / "g4.tif", compression="group4"))
    page.save(folder / "p.pgm")
    return [path.read_bytes() for path in [*kinds, folder / "p.pgm", digital, scan_pdf([page], folder / "s.pdf")]]


def mutated(original: bytes, dice: random.Random) -> bytes:
    data = bytearray(original)
    kind = dice.randrange(5)
    if kind == 0:
        return bytes(data[: dice.randrange(1, len(data))])
    if kind == 1:
        for _ in range(dice.randrange(1, 40)):
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    elif kind == 2:
        for _ in range(dice.randrange(1, 12)):
            data[dice.randrange(min(len(data), 400))] = dice.randrange(256)
    elif kind == 3:
        start = dice.randrange(len(data))
        del data[start : start + dice.randrange(1, 2000)]
    else:
        start = dice.randrange(len(data))
        data[start:start] = dice.randbytes(dice.randrange(1, 500))
    return bytes(data)


@pytest.mark.slow
def test_mutated_files_are_accepted_or_refused(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    dice, sources = random.Random(seed), originals(tmp_path)
    engine = TesseractEngine(max_pages=20)
    outcomes: dict[str, int] = {}
    path = tmp_path / "mutant"
    for number in range(MUTATIONS):
        path.write_bytes(mutated(sources[number % len(sources)], dice))
        try:
            facts = engine.inspect(path, filename="mutant", timeout_s=20)
            engine.thumbnail(PageRef(path, facts.media_type, 0), width_px=80, out=tmp_path / "t.jpg", timeout_s=20)
        except GedError as refusal:
            outcome = refusal.code
        except Exception as error:
            raise AssertionError(f"seed {seed}, file {number}: {error!r}") from error
        else:
            assert facts.pages
            outcome = "accepted"
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    engine.close()
    assert set(outcomes) <= {"accepted"} | REFUSALS, f"seed {seed}: {outcomes}"
    assert outcomes.get("accepted")
    assert outcomes.get("file.truncated")
