"""What processes count: a slot each, sums that never fall, and no page that fails for them."""

import errno
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from web.wiring import meter as meters
from web.wiring.meter import MEASURES, FileMeter, sums_of

PAGES, SLOW = "ged_ocr_pages_total", "ged_http_request_seconds"


@pytest.fixture
def make() -> Iterator[Callable[[Path], FileMeter]]:
    """Makes meters, each as of a process of its own, and ends them."""
    made: list[FileMeter] = []

    def new(folder: Path) -> FileMeter:
        made.append(FileMeter(folder))
        return made[-1]

    yield new
    for one in made:
        one.close()


Make = Callable[[Path], FileMeter]


def test_each_process_has_a_slot_and_the_next_goes_on(make: Make, tmp_path: Path) -> None:
    first, second = make(tmp_path), make(tmp_path)
    first.count(PAGES, by=3)
    second.count(PAGES)
    first.flush(at_once=True)
    second.flush(at_once=True)
    assert sums_of(tmp_path) == {(PAGES,): [4.0]}
    assert sorted(path.name for path in tmp_path.glob("*.json")) == ["0.json", "1.json"]
    first.close()
    third = make(tmp_path)
    third.count(PAGES)
    third.flush(at_once=True)
    assert sums_of(tmp_path) == {(PAGES,): [5.0]}
    assert len(list(tmp_path.glob("*.json"))) == 2


def test_a_time_falls_into_the_first_bucket_that_holds_it(make: Make, tmp_path: Path) -> None:
    meter = make(tmp_path)
    for seconds in (0.004, 0.05, 0.0500001, 99.0):
        meter.time(SLOW, seconds, "inbox.index", "GET", "2xx")
    meter.flush(at_once=True)
    ((key, numbers),) = sums_of(tmp_path).items()
    assert key == (SLOW, "inbox.index", "GET", "2xx")
    assert numbers[:-1] == [1, 0, 1, 1, 0, 0, 0, 0, 1]
    assert numbers[-1] == pytest.approx(99.1040001)


def test_it_writes_now_and_then(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meters.time, "monotonic", iter([100.0, 100.0, 100.1, 103.0, 103.0]).__next__)
    meter = make(tmp_path)
    for _ in range(2):
        meter.count(PAGES)
    assert sums_of(tmp_path) == {(PAGES,): [1.0]}, "the second waits"
    meter.count(PAGES)
    assert sums_of(tmp_path) == {(PAGES,): [3.0]}


def test_a_full_disk_loses_figures_and_nothing_else(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = make(tmp_path)
    meter.count(PAGES)

    def full(*_args: object, **_named: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(Path, "write_text", full)
        meter.count(PAGES)
        meter.flush(at_once=True)
    meter.count(PAGES)
    meter.flush(at_once=True)
    assert sums_of(tmp_path) == {(PAGES,): [3.0]}
    refused = make(tmp_path / "file" / "below")
    (tmp_path / "file").write_text("no folder")
    refused.count(PAGES)
    refused.flush(at_once=True)


def test_labels_without_end_end(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meters, "MOST_SERIES", 3)
    meter = make(tmp_path)
    for n in range(9):
        meter.time(SLOW, 0.1, f"page{n}", "GET", "2xx")
    meter.flush(at_once=True)
    assert len(sums_of(tmp_path)) == 3


@pytest.mark.parametrize(
    "damaged",
    ["", "{", "[1]", '[["ged_ocr_pages_total", "x"]]', '[["no.such", [1.0]]]', '[["ged_ocr_pages_total", [1.0, 2.0]]]'],
)
def test_a_damaged_file_counts_nothing(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "0.json").write_text(damaged)
    (tmp_path / "1.json").write_text(json.dumps([[PAGES, [2.0]]]))
    assert sums_of(tmp_path) == {(PAGES,): [2.0]}


def test_the_buckets_serve_the_limits() -> None:
    for limit_s in (0.05, 0.3, 1.0):
        assert limit_s in MEASURES[SLOW].buckets
