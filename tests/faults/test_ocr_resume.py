"""The reader of a long document is killed, stopped or interrupted. Finished pages stay; no process stays."""

import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pikepdf
import pytest
from sqlalchemy import select

from ged import jobs, pipeline
from ged.errors import EngineFailed
from ged.jobs import Job, JobKind, JobState
from ged.ports import PageRef, RecognisedPage
from ged.register import documents
from ged.register.models import AttachmentKind, PageText
from ged.register.operations import SourcePage, attach
from ocr.engine import TesseractEngine
from sandbox import NONE
from tests import pages, slip_kit
from tests.factories import NOW, actor, make_organisation, make_services
from tests.ocr_pages import draw, scan_pdf

pytestmark = pytest.mark.in_turns(2)

WORDS = ["avril", "bonjour", "courrier", "dossier", "entente", "facture", "gestion", "horaire", "imprimerie", "journal"]
PAGES, JOBS, KILLS = len(WORDS), 2, 4
SMALL = (1240, 1754)
READER = """
import json, sys
from pathlib import Path
from ged.ports import PageRef
from ocr.engine import TesseractEngine
from sandbox import NONE
source, out, program, count, jobs = sys.argv[1:]
engine = TesseractEngine(tesseract=program, jobs=int(jobs), isolation=NONE)
ask = engine._sandbox.ask
def noted(request, **more):
    if request["do"] == "page":
        with open(Path(program).with_name("pages"), "a") as notes:
            notes.write(f"{request['page_no']}\\n")
    return ask(request, **more)
engine._sandbox.ask = noted
refs = [PageRef(Path(source), "application/pdf", n) for n in range(int(count))]
read = engine.recognise(refs, languages=["fra"], timeout_s=300, out=Path(out))
engine.close()
print(json.dumps([page.text for page in read.pages]))
"""


@pytest.fixture
def document(tmp_path: Path) -> Path:
    return scan_pdf([draw(f"Rapport annuel\n{word}", size=SMALL) for word in WORDS], tmp_path / "long.pdf")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Replace tesseract by a program that also records the digest of each page that it begins."""
    path = tmp_path / "noting"
    path.write_text(
        '#!/bin/sh\ncase "$1" in --list-langs|--version) exec tesseract "$@";; esac\n'
        f'md5sum < "$1" >> {tmp_path}/begun\ntesseract "$@"\n'
    )
    path.chmod(0o755)
    return path


def begin(document: Path, out: Path, program: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", READER, str(document), str(out), str(program), str(PAGES), str(JOBS)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])


def finished(out: Path) -> int:
    return len(list(out.glob("*.done")))


def alive(word: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() in (path / "cmdline").read_bytes() and int(path.name) != os.getpid():
                found.append(int(path.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def gone(word: str, within_s: float = 20.0) -> bool:
    end_s = time.monotonic() + within_s
    while alive(word) and time.monotonic() < end_s:
        time.sleep(0.05)
    return not alive(word)


@pytest.mark.long("a reader that is killed again and again; once, in the tests beside it")
@pytest.mark.slow
def test_a_reader_killed_again_and_again_reads_hardly_a_page_twice(
    tmp_path: Path, document: Path, program: Path
) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    dice, out = random.Random(seed), tmp_path / "out"
    out.mkdir()
    for _ in range(KILLS):
        reader = begin(document, out, program)
        wanted = finished(out) + dice.randrange(1, 3)
        while finished(out) < min(wanted, PAGES - 1) and reader.poll() is None:
            time.sleep(0.01)
        time.sleep(dice.random() * 0.4)
        reader.kill()
        reader.communicate()
        assert gone(str(program)), f"seed {seed}: what the reader started outlives it"
    last = begin(document, out, program)
    texts = json.loads(last.communicate(timeout=120)[0])
    assert [text.split()[-1] for text in texts] == WORDS, f"seed {seed}"
    with pikepdf.open(out / "searchable.pdf") as pdf:
        assert len(pdf.pages) == PAGES
    begun = Counter((tmp_path / "pages").read_text().split())
    assert sum(begun.values()) <= PAGES + KILLS * JOBS, f"seed {seed}: {begun}"


@pytest.mark.in_shares(2)
@pytest.mark.slow
@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_a_reader_that_is_told_to_stop_ends_at_once_with_all_it_started(
    tmp_path: Path, document: Path, program: Path, kind: signal.Signals
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    reader = begin(document, out, program)
    while not finished(out) and reader.poll() is None:
        time.sleep(0.01)
    told_s = time.monotonic()
    reader.send_signal(kind)
    reader.communicate(timeout=20)
    assert time.monotonic() - told_s < 8
    assert reader.returncode
    assert gone(str(program))
    assert not (out / "searchable.pdf").exists()
    assert not list(out.glob("*.tmp"))


def test_an_error_while_reading_ends_the_processes(tmp_path: Path, document: Path, program: Path) -> None:
    def stop(page: RecognisedPage) -> None:
        raise InterruptedError(page.page_no)

    engine = TesseractEngine(tesseract=str(program), jobs=JOBS, isolation=NONE)
    refs = [PageRef(document, "application/pdf", n) for n in range(PAGES)]
    with pytest.raises(InterruptedError):
        engine.recognise(refs, languages=["fra"], timeout_s=60, out=tmp_path, on_page=stop)
    assert gone(f"{program}\0", 0.5)
    assert finished(tmp_path) < PAGES
    assert engine.recognise(refs[:1], languages=["fra"], timeout_s=60, out=tmp_path).pages[0].text
    engine.close()


CHANGES: dict[str, Callable[[PageRef, Path], tuple[PageRef, list[str]]]] = {
    "turned": lambda ref, _: (replace(ref, rotation=180), ["fra"]),
    "another page": lambda ref, _: (replace(ref, page_index=1), ["fra"]),
    "another language": lambda ref, _: (ref, ["eng"]),
    "another file": lambda ref, folder: (
        replace(ref, source=scan_pdf([draw("Autre", size=SMALL)], folder / "other.pdf")),
        ["fra"],
    ),
}


@pytest.mark.in_shares(4)
@pytest.mark.parametrize("change", CHANGES)
def test_a_page_asked_otherwise_is_read_anew(tmp_path: Path, document: Path, program: Path, change: str) -> None:
    engine = TesseractEngine(tesseract=str(program), jobs=1, isolation=NONE)
    ref = PageRef(document, "application/pdf", 0)

    def begun() -> int:
        return len((tmp_path / "begun").read_text().split("\n")) - 1

    engine.recognise([ref], languages=["fra"], timeout_s=60, out=tmp_path)
    once = begun()
    engine.recognise([ref], languages=["fra"], timeout_s=60, out=tmp_path)
    assert begun() == once
    other, languages = CHANGES[change](ref, tmp_path)
    engine.recognise([other], languages=languages, timeout_s=60, out=tmp_path)
    assert begun() > once
    engine.close()


@pytest.mark.long("another reason to read a page anew: one is shown beside it")
def test_a_finished_page_whose_file_was_lost_is_read_anew(tmp_path: Path, document: Path, program: Path) -> None:
    engine = TesseractEngine(tesseract=str(program), jobs=1, isolation=NONE)
    ref = PageRef(document, "application/pdf", 0)
    first = engine.recognise([ref], languages=["fra"], timeout_s=60, out=tmp_path)
    first.pages[0].image.write_bytes(b"")  # as after a power cut
    again = engine.recognise([ref], languages=["fra"], timeout_s=60, out=tmp_path)
    engine.close()
    assert again.pages[0].image.stat().st_size > 1000
    assert again.pages[0].text == first.pages[0].text


class Stopping(TesseractEngine):
    """The real engine. It stops after a page the first time, as a worker does that gets SIGTERM."""

    calls = 0

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]
        self.read: list[int] = []
        ask = self._sandbox.ask

        def noted(request, **more):  # type: ignore[no-untyped-def]
            if request["do"] == "page":
                self.read.append(request["page_no"])
            return ask(request, **more)

        self._sandbox.ask = noted  # type: ignore[method-assign]

    def recognise(self, pages, *, on_page, **more):  # type: ignore[no-untyped-def]  # as the port
        def stop(page: RecognisedPage) -> None:
            on_page(page)
            if self.calls == 1:
                raise EngineFailed("ocr.timeout")

        self.calls += 1
        return super().recognise(pages, on_page=stop, **more)


def test_a_job_goes_on_where_it_stopped_and_says_how_far_it_is(
    tmp_path: Path, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Stopping(tesseract=str(program), jobs=1)
    services = replace(make_services(tmp_path), ocr=engine)
    make_organisation(services)
    digests = [services.blobs.put(io.BytesIO(pages.png(f"Page {n} du rapport"))).digest for n in range(3)]
    with services.unit_of_work(NOW) as uow:
        attachment = attach(
            uow, slip_kit.letter(services), kind=AttachmentKind.DOCUMENT,
            pages=[SourcePage(digest, "image/png") for digest in digests], media_type="image/png",
            actor=actor(services, "agent"), now=NOW,
        )  # fmt: skip
    with services.reading() as session:
        job_id = jobs.due(session, now=NOW, kinds=[JobKind.RECOGNISE])[0]
    assert pipeline.run_job(services, job_id, worker="w")
    engine.read.clear()
    said: list[tuple[str, object]] = []
    renew = jobs.renew

    def noted(session, *more, progress=None, **rest):  # type: ignore[no-untyped-def]
        renew(session, *more, progress=progress, **rest)
        if progress is None or (said and said[-1][0] == progress):
            return  # refused at a commit, or by a heartbeat while a page takes long
        said.append((progress, documents.attachment(session, int(attachment), actor(services, "agent")).progress))

    monkeypatch.setattr(jobs, "renew", noted)
    monkeypatch.setattr("ged.runner.SAY_EVERY_S", 0.0)
    with services.unit_of_work(NOW) as uow:
        jobs.retry(uow.session, job_id, now=NOW)
    assert pipeline.run_job(services, job_id, worker="w")
    engine.close()
    assert 1 not in engine.read, "the first page is not read again"
    assert 3 in engine.read
    assert [progress for progress, _ in said] == ["0/3", "1/3", "2/3", "3/3"]
    assert said[2][1] == (2, 3), "what the letter's page shows"
    with services.reading() as session:
        assert session.get_one(Job, job_id).state is JobState.DONE
        assert len(session.scalars(select(PageText)).all()) == 3
    assert not list((Path(services.data_dir) / "tmp").iterdir()), "nothing is left behind"
    services.engine.dispose()
