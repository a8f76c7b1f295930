"""Every single-byte change of a signed PDF, of a blob or of the journal's rows is found.

The stored digest finds it everywhere; the signature alone finds it wherever its byte range covers the place. Not
covered is the padding of zeros after the CMS object in /Contents: a signature cannot cover itself; the digest finds it
there. ``GED_TEST_PLACES`` (2,000 in ``make bench-bytes``) is the number of random places at which the signature is
tried.
"""

import io
import json
import os
import random
import re
import sqlite3
import time
from contextlib import closing

import pytest

from ged.adapters.blobs_fs import FileBlobs
from ged.errors import EngineFailed
from ged.verify import verify
from signing.validation import PdfChecker
from tests.factories import NOW as TODAY
from tests.factories import make_organisation, make_services
from tests.routing_kit import register
from tests.signing_kit import NOW, digest, keys, slip
from tests.tampering import lift_guards

__all__ = ["keys", "slip"]  # fixtures

PLACES = 2_000
ASKED = int(os.environ.get("GED_TEST_PLACES", "60"))
SEED = os.environ.get("GED_TEST_SEED") or str(random.SystemRandom().randrange(10**9))


@pytest.fixture(scope="module")
def checker(keys):
    checker = PdfChecker(keys.trust_roots_pem())
    yield checker
    checker.close()


def _structural(pdf):
    """Places that define how the file is read: marks of objects, references, byte ranges, ends of revisions."""
    marks = rb"%PDF-|%%EOF|startxref\s+\d+|/ByteRange \[[^\]]*\]|/Contents <|/Root \d+|/Prev \d+|/SubFilter /\S+|endobj|/AcroForm"
    return [place for found in re.finditer(marks, pdf) for place in (found.start(), found.end() - 1)]


def _contents(pdf):
    """The place of /Contents, which no byte range covers: (the CMS object, the padding of zeros after it)."""
    found = re.search(rb"/Contents <([0-9a-fA-F]+)>", pdf)
    end = found.start(1) + len(found[1].rstrip(b"0")) + 1
    return range(found.start(1), end), range(end, found.end(1))


def _flipped(pdf, place, dice):
    return pdf[:place] + bytes([pdf[place] ^ dice.randrange(1, 256)]) + pdf[place + 1 :]


def test_the_stored_digest_finds_every_place(slip, tmp_path):
    dice, pdf = random.Random(SEED), slip.received
    blobs = FileBlobs(tmp_path)
    stored = blobs.put(io.BytesIO(pdf))
    (path,) = [one for one in tmp_path.rglob("*") if one.is_file()]
    whole = path.read_bytes()
    places = [*dice.sample(range(len(pdf)), PLACES), *_structural(pdf)]
    for place in places:
        assert digest(_flipped(pdf, place, dice)) != stored.digest, (SEED, place)
    path.chmod(0o600)
    for place in [*range(len(whole) - len(pdf)), *dice.sample(range(len(whole)), 40)]:  # the header too
        path.write_bytes(_flipped(whole, place, dice))
        assert not blobs.verify(stored.digest), (SEED, place)
    path.write_bytes(whole)
    assert blobs.verify(stored.digest)


def test_the_signature_alone_finds_every_place_that_it_covers(slip, checker):
    """Red wherever it covers. In the CMS object never green, except for a digit written as an equal number."""
    dice, pdf = random.Random(SEED), slip.sent
    cms, padding = _contents(pdf)
    structural = _structural(pdf)
    places = dice.sample(range(len(pdf)), ASKED) + (structural if ASKED >= PLACES else dice.sample(structural, 20))
    started, missed, silent = time.perf_counter(), [], 0
    for place in places:
        altered = _flipped(pdf, place, dice)
        verdicts = {report.verdict.value for report in checker.check(altered, at=NOW)}
        silent += verdicts == {"green"}
        same = altered[place : place + 1].lower() == pdf[place : place + 1].lower()
        if place in padding or (place in cms and (same or (verdicts and "green" not in verdicts))):
            continue
        if verdicts != {"red"}:
            missed.append(place)
    told = {"bench": "bytes", "seed": SEED, "places": len(places), "in_padding": sum(p in padding for p in places)}
    seconds = round(time.perf_counter() - started, 1)
    print(json.dumps(told | {"green": silent, "missed": len(missed), "seconds": seconds}))
    assert missed == [], SEED


def test_every_cell_of_the_journal_is_held(tmp_path):
    """One byte of each cell of the entries, the payloads and the head, one after the other."""
    dice = random.Random(SEED)
    services = make_services(tmp_path)
    make_organisation(services)
    register(services)
    assert verify(services, now=TODAY).problems == ()
    lift_guards(services.engine)
    services.engine.dispose()
    silent = []
    for table in ("audit_entries", "audit_payloads", "audit_head"):
        with closing(sqlite3.connect(tmp_path / "ged.sqlite3")) as database:
            database.execute("PRAGMA foreign_keys = OFF")
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            rows = database.execute(f"SELECT rowid, {', '.join(columns)} FROM {table}").fetchall()
        for rowid, *values in rows:
            for column, value in zip(columns, values, strict=True):
                other = _other(value, dice)
                if other is None or column == "id":
                    continue
                _write(tmp_path, table, column, rowid, other)
                if not _finds(services):
                    silent.append((table, column, value, other))
                _write(tmp_path, table, column, rowid if column != "sequence" else other, value)
    services.engine.dispose()
    services.checker.close()
    assert silent == [], SEED


def _other(value, dice):
    if value is None:
        return 1
    if isinstance(value, int):
        return value + 1_000
    if not value:
        return "x"
    place = dice.randrange(len(value))
    return value[:place] + ("0" if value[place] != "0" else "1") + value[place + 1 :]


def _write(folder, table, column, rowid, value):
    with closing(sqlite3.connect(folder / "ged.sqlite3")) as database:
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (value, rowid))
        database.commit()


def _finds(services):
    try:
        return bool(verify(services, now=TODAY).problems)
    except (EngineFailed, LookupError):  # a cell that cannot be read any more: found too
        return True
    finally:
        services.engine.dispose()
