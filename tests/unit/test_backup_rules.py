"""The rules of copies that touch no medium: which are kept, when one is due, streams, archives, papers."""

import gzip
import io
import os
import re
import tarfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ged.backup import folders
from ged.backup.clock import is_due
from ged.backup.papers import Book, Held, Index, Manifest, Piece
from ged.backup.retention import Retention, kept, moment_of, name_of
from ged.backup.streams import CHUNK, Gunzipping, Gzipped, Hashed
from ged.errors import EngineFailed

LOME, AUCKLAND = ZoneInfo("Africa/Lome"), ZoneInfo("Pacific/Auckland")
NOW = datetime(2026, 11, 28, 1, 15, tzinfo=UTC)


def nightly(days: int) -> list[str]:
    return [name_of(NOW - timedelta(days=n)) for n in range(days)]


def days_of(names: set[str]) -> list[date]:
    return sorted((moment.date() for one in names if (moment := moment_of(one))), reverse=True)


def test_the_last_of_seven_days_five_weeks_and_two_years_of_months() -> None:
    stays = days_of(kept(nightly(1000), Retention.of("7/5/24"), LOME))
    assert stays[:7] == [date(2026, 11, 28) - timedelta(days=n) for n in range(7)]
    sundays = [date(2026, 11, 22), date(2026, 11, 15), date(2026, 11, 8), date(2026, 11, 1)]
    assert set(sundays) <= set(stays)  # the last of each ISO week; the present week ends today
    assert date(2024, 12, 31) in stays
    assert stays[-1] == date(2024, 12, 31), "24 months with the present one"
    assert len(stays) == 7 + 3 + 23, "the last of a week or of a month may be one of the seven days"


def test_what_is_kept_does_not_change_when_the_rule_is_applied_again() -> None:
    rule = Retention.of("7/5/24")
    once = kept(nightly(900), rule, LOME)
    assert kept(once, rule, LOME) == once


def test_copies_of_the_last_day_all_stay_and_the_latest_always() -> None:
    today = [name_of(NOW + timedelta(hours=n)) for n in range(5)]
    assert kept([*nightly(3), *today[1:]], Retention(0, 0, 0), LOME) == set(today)
    assert kept([name_of(NOW)], Retention(0, 0, 0), LOME) == {name_of(NOW)}
    assert kept([], Retention(7, 5, 24), LOME) == set()


def test_a_day_is_one_of_the_installation_s_zone() -> None:
    late, next_day = datetime(2026, 11, 20, 10, 30, tzinfo=UTC), datetime(2026, 11, 20, 11, 30, tzinfo=UTC)
    names = [name_of(late), name_of(next_day), name_of(NOW)]
    assert name_of(late) in kept(names, Retention(3, 0, 0), AUCKLAND)  # midnight was at 11:00 UTC
    assert name_of(late) not in kept(names, Retention(3, 0, 0), LOME)


@pytest.mark.parametrize("text", ["", "7/5", "7/5/24/1", "a/b/c", "-1/5/24", "7/5/2400"])
def test_what_is_no_rule(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        Retention.of(text)


def test_other_names_are_no_copies() -> None:
    assert [moment_of(one) for one in ("lost+found", "2026-11-28T011500Z.half", "2026-11-28")] == [None] * 3
    assert moment_of(name_of(NOW)) == NOW


@pytest.mark.parametrize(
    ("last", "due"),
    [
        (None, True),
        (NOW - timedelta(hours=1), True),
        (NOW, False),
        (NOW + timedelta(hours=22), False),
        (NOW + timedelta(days=400), True),
    ],
)
def test_a_copy_is_due_once_after_its_time(last: datetime | None, due: bool) -> None:
    assert is_due("01:15", last, now=NOW + timedelta(hours=22), zone=LOME) is due
    assert not is_due("", last, now=NOW, zone=LOME)


def test_a_night_that_was_missed_is_made_up_once() -> None:
    assert is_due("01:15", NOW - timedelta(days=3), now=NOW + timedelta(hours=9), zone=LOME)


@pytest.mark.parametrize("size", [0, 1, 300_000, 2_000_001])
def test_what_is_compressed_on_the_way_comes_back(size: int) -> None:
    content = os.urandom(size // 2) + b"a" * (size - size // 2)
    source, out = Hashed(io.BytesIO(content)), io.BytesIO()
    packed, back = Gzipped(source), Gunzipping(out)
    while piece := packed.read(7_001):
        assert len(piece) <= 7_001
        back.write(piece)
    assert (out.getvalue(), back.sha256, back.size) == (content, source.sha256, source.size)


def test_what_is_not_compressed_is_refused() -> None:
    with pytest.raises(EngineFailed, match="backup.altered"):
        Gunzipping(io.BytesIO()).write(b"no gzip")


def test_what_follows_the_end_of_a_stream_is_refused_and_not_gathered() -> None:
    back = Gunzipping(io.BytesIO())
    back.write(gzip.compress(b"plain"))
    with pytest.raises(EngineFailed, match="altered"):
        back.write(b"\0" * CHUNK)


def test_a_few_bytes_that_stand_for_many_are_unpacked_piece_by_piece() -> None:
    """Who writes them may have a limit: it counts before the next piece is unpacked."""
    sizes: list[int] = []

    class Out(io.RawIOBase):
        def write(self, content: Any, /) -> int:
            sizes.append(len(content))
            return len(content)

    zeros = gzip.compress(b"\0" * 20_000_000)
    assert len(zeros) < 30_000
    back = Gunzipping(Out())
    assert back.write(zeros) == len(zeros)
    assert back.size == 20_000_000 == sum(sizes)
    assert max(sizes) <= CHUNK


def index_of(folder: Path) -> Index:
    index = Index("2026-11-28T011500Z", (Piece("database.age", 10, "a" * 64),), ("b" * 40,), "c" * 16)
    (folder / "index.json.gz").write_bytes(index.written())
    return index


def test_an_index_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert index_of(tmp_path) == Index.read(tmp_path)


@pytest.mark.parametrize("at", [0, 12, 40, -5])
def test_an_index_with_another_byte_is_refused(tmp_path: Path, at: int) -> None:
    index_of(tmp_path)
    content = bytearray((tmp_path / "index.json.gz").read_bytes())
    content[at] ^= 0x55
    (tmp_path / "index.json.gz").write_bytes(content)
    with pytest.raises(EngineFailed, match="backup.index_damaged"):
        Index.read(tmp_path)


def test_a_manifest_is_read_as_it_was_written() -> None:
    manifest = Manifest(
        "2026-11-28T011500Z", NOW.isoformat(), "0061", "sqlite", 0, "d" * 64, 4096, 12, "e" * 64,
        (Book("ARR", 2026, 12, "00012/2026"),), ("f" * 64,), (Held("1" * 64, 5, "2" * 40), Held("3" * 64, 0, "4" * 40)),
    )  # fmt: skip
    assert Manifest.read(manifest.lines()) == manifest
    with pytest.raises(EngineFailed, match="backup.altered"):
        Manifest.read(list(manifest.lines())[:-1])


def test_keys_and_small_files_are_kept_apart(tmp_path: Path) -> None:
    for name in (
        "authority/issuing.key", "authority/root.pem", "seal/journal.key", "seal/journal.pub", "seal/heads.jsonl",
        "synonyms.txt", "word-templates/a.docx", "ged.sqlite3", "ged.sqlite3-wal", "blobs/ab/cd/x", "run/unlocked/x",
        "tmp/x", "index/x", "ged.env", "later/new", "worker.lock",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    small = {one.relative_to(tmp_path).as_posix() for one in folders.small_files(tmp_path, tmp_path / "ged.sqlite3")}
    keys = {one.relative_to(tmp_path).as_posix() for one in folders.key_files(tmp_path)}
    assert small == {"seal/journal.pub", "seal/heads.jsonl", "synonyms.txt", "word-templates/a.docx", "later/new"}
    assert keys == {
        "authority/issuing.key", "authority/root.pem", "seal/journal.key", "seal/journal.pub", "ged.env",
    }  # fmt: skip


def test_the_digest_of_the_keys_changes_with_a_key_alone(tmp_path: Path) -> None:
    (tmp_path / "authority").mkdir()
    (tmp_path / "authority" / "a.key").write_text("a")
    (tmp_path / "synonyms.txt").write_text("a")

    def digest() -> str:
        return folders.pack_keys(tmp_path, {"ged.env": b"GED_SECRET=x"}, secret=b"s")[1]

    before = digest()
    (tmp_path / "synonyms.txt").write_text("b")
    assert digest() == before
    (tmp_path / "authority" / "a.key").write_text("b")
    assert digest() != before


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "data/../../outside"])
def test_an_archive_writes_nothing_outside_of_its_folder(tmp_path: Path, name: str) -> None:
    archive, told = io.BytesIO(), tarfile.TarInfo(name)
    with tarfile.open(fileobj=archive, mode="w:gz") as packed:
        told.size = 1
        packed.addfile(told, io.BytesIO(b"x"))
    archive.seek(0)
    with pytest.raises(EngineFailed, match="backup.altered"):
        folders.unpack(archive, tmp_path / "inside")
    assert not (tmp_path / "outside").exists()


def test_an_archive_makes_no_link(tmp_path: Path) -> None:
    archive, told = io.BytesIO(), tarfile.TarInfo("data/link")
    with tarfile.open(fileobj=archive, mode="w:gz") as packed:
        told.type, told.linkname = tarfile.SYMTYPE, "/etc"
        packed.addfile(told)
    archive.seek(0)
    with pytest.raises(EngineFailed, match="backup.altered"):
        folders.unpack(archive, tmp_path)


def test_what_was_packed_is_unpacked_private_to_its_owner(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "seal").mkdir(parents=True)
    (data / "seal" / "heads.jsonl").write_bytes(b"heads")
    out = io.BytesIO()
    folders.pack(data, folders.small_files(data, None), out)
    out.seek(0)
    folders.unpack(out, tmp_path / "back")
    back = tmp_path / "back" / "data" / "seal" / "heads.jsonl"
    assert back.read_bytes() == b"heads"
    assert back.stat().st_mode & 0o077 == 0
