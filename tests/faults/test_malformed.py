"""Hundreds of malformed files. Each is read or refused with words that a clerk understands, and nothing else happens.

``GED_TEST_MALFORMED=500`` makes as many as the project promises (``make malformed``). The usual run makes one with each
builder of a harmful file, and a few damaged ones.
"""

import io
import os
import random
import resource
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
from pathlib import Path

import pikepdf
import pytest
from PIL import Image

from ged.errors import GedError
from ged.ports import PageRef
from ocr.engine import TesseractEngine
from tests.factories import make_services
from tests.faults.malformed import BUILDERS, Maker, Malformed
from tests.ocr_pages import draw, save
from tests.site import make_site, post, sign_in
from web.site.errors import view_of

FILES = int(os.environ.get("GED_TEST_MALFORMED", 2 * len(BUILDERS)))
DAMAGED = 1 if "GED_TEST_MALFORMED" in os.environ else 4
"""One of so many damaged files is made; the harmful ones, of even numbers, are made all."""
UPLOADED = 10
SMALL_BYTES = 80_000
INSPECT_S, PAGE_S = 6.0, 10.0
MEMORY = 1024 * 1024 * 1024
OWN_GROWTH_BYTES = 250 * 1024 * 1024
EXPECTED = {
    "file.empty", "file.type_unknown", "file.truncated", "file.encrypted", "file.image_too_large",
    "file.too_many_pages", "file.too_large", "ocr.timeout", "ocr.crashed", "ocr.out_of_memory", "office.unavailable",
}  # fmt: skip


@pytest.fixture(scope="module")
def seed() -> int:
    return int(os.environ.get("GED_TEST_SEED", random.SystemRandom().randrange(1 << 32)))


@pytest.fixture(scope="module")
def maker(seed: int, tmp_path_factory: pytest.TempPathFactory) -> Maker:
    return Maker(seed, tmp_path_factory.mktemp("originals"))


@pytest.fixture(scope="module")
def engine() -> Iterator[TesseractEngine]:
    made = TesseractEngine(
        max_pixels=40_000_000, max_pages=20, jobs=2, memory_limit_bytes=MEMORY, page_timeout_s=PAGE_S
    )
    yield made
    made.stop()


def read(engine: TesseractEngine, given: Malformed, folder: Path) -> str:
    """The outcome of a file: read, a failed page, or the code of an expected refusal. Anything else fails."""
    folder.mkdir()
    path = folder / "source"
    path.write_bytes(given.content)
    try:
        facts = engine.inspect(path, filename=given.filename, timeout_s=INSPECT_S)
    except GedError as refusal:
        return check_refusal(refusal)
    assert facts.pages
    refs = [PageRef(path, facts.media_type, index) for index in range(min(2, len(facts.pages)))]
    found = engine.recognise(refs, languages=["fra"], timeout_s=4 * PAGE_S, out=folder)
    assert len(found.pages) == len(refs)
    for page in found.pages:
        with Image.open(page.image) as image:
            image.load()
    with pikepdf.open(found.searchable_pdf) as pdf:
        assert len(pdf.pages) == len(refs)
    return "failed page" if any("failed" in page.flags for page in found.pages) else "read"


def check_refusal(refusal: GedError) -> str:
    assert refusal.code in EXPECTED, refusal
    words = view_of(refusal)
    assert words.message[0].isupper()
    assert words.message.endswith(".")
    assert refusal.code not in words.message, "the code has no French"
    assert len(words.remedy) > 10
    return refusal.code


def memory_bytes(whose: int) -> int:
    return resource.getrusage(whose).ru_maxrss * 1024


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_malformed_files_are_read_or_refused(seed: int, maker: Maker, engine: TesseractEngine, tmp_path: Path) -> None:
    good = save(draw(size=(1240, 1754)), tmp_path / "good.png")
    before, largest_before = memory_bytes(resource.RUSAGE_SELF), memory_bytes(resource.RUSAGE_CHILDREN)
    kinds: dict[str, Counter[str]] = {}

    def one(number: int) -> tuple[str, str, float]:
        given = maker.make(number)
        started = time.monotonic()
        try:
            outcome = read(engine, given, tmp_path / str(number))
        except Exception as error:
            raise AssertionError(f"GED_TEST_SEED={seed}, file {number} ({given.kind}): {error!r}") from error
        return given.kind, outcome, time.monotonic() - started

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(one, (n for n in range(FILES) if n % 2 == 0 or n // 2 % DAMAGED == 0)))
    for kind, outcome, _seconds in told:
        kinds.setdefault(outcome, Counter())[kind] += 1
    slowest = max(told, key=lambda row: row[2])
    sums = {outcome: sum(found.values()) for outcome, found in sorted(kinds.items())}
    print(f"\nGED_TEST_SEED={seed} {len(told)} files: {sums}; slowest {slowest}")
    print(f"own growth {(memory_bytes(resource.RUSAGE_SELF) - before) >> 20} MiB, "
          f"largest child {memory_bytes(resource.RUSAGE_CHILDREN) >> 20} MiB")  # fmt: skip
    for code in ("ocr.crashed", "ocr.out_of_memory", "ocr.timeout", "failed page"):
        print(code, dict(kinds.get(code, {})))
    assert slowest[2] < INSPECT_S + 4 * PAGE_S + 10, f"GED_TEST_SEED={seed}: {slowest}"
    assert memory_bytes(resource.RUSAGE_SELF) - before < OWN_GROWTH_BYTES, f"GED_TEST_SEED={seed}"
    # Until it executes its program, a child is as large as this process: more than the limit, late in a run of all tests.
    largest = memory_bytes(resource.RUSAGE_CHILDREN)
    assert largest <= max(MEMORY, largest_before, memory_bytes(resource.RUSAGE_SELF))
    # The outcomes are random, except for this: some files were read, others refused for different reasons.
    assert "read" in kinds, f"GED_TEST_SEED={seed}"
    assert len(EXPECTED & set(kinds)) >= 4, f"GED_TEST_SEED={seed}: {sums}"
    assert engine.inspect(good, filename="good.png", timeout_s=30).pages, "the engine still works"


@pytest.mark.slow
def test_malformed_uploads_are_told_on_the_page(seed: int, maker: Maker, tmp_path: Path) -> None:
    app, services = make_site(tmp_path, services=make_services(tmp_path))
    clerk = sign_in(app, "agent")
    # The test client leaves the temporary files of larger forms open; Python would warn.
    light = (item for item in map(maker.make, count()) if len(item.content) < SMALL_BYTES)
    given = list(islice(light, UPLOADED))
    for start in range(0, UPLOADED, 5):
        sent = given[start : start + 5]
        files = [(io.BytesIO(item.content), f"{n}-{item.filename}") for n, item in enumerate(sent)]
        answer = post(
            clerk,
            "/numerisations/fichiers",
            {"file": files},
            page="/numerisations/",
            content_type="multipart/form-data",
        )
        about = f"GED_TEST_SEED={seed}, files from {start}: {[item.kind for item in sent]}"
        assert answer.status_code in {303, 422}, about
        shown = answer.text if answer.status_code == 422 else ""
        told = sum(f"{n}-{item.filename}" in shown for n, item in enumerate(sent))
        assert told or answer.status_code == 303, about
        assert "(code " not in shown, about
        assert clerk.get("/numerisations/").status_code == 200, about
    services.ocr.close()  # type: ignore[attr-defined]
    services.engine.dispose()
