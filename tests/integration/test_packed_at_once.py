"""Two imports of the same texts into two registers, and removals of these texts, at one moment: nothing is lost, nobody waits for ever."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from ged.adapters.blobs_packed import PackedBlobs
from ged.archive import blobs as archive_blobs
from ged.register.models import Direction, Register, RegisterNature
from ged.takeover.models import PackedFile
from ged.takeover.operations import TakeoverTarget, find_register, take_over
from tests.destroyed_kit import keyed, keyring_of, opens, store_of
from tests.factories import NOW, database_with_tables, make_organisation, make_services
from tests.packed_kit import letters
from tests.routing_kit import unit_id

pytestmark = pytest.mark.servers
LONG_AGO = datetime.now(UTC) - timedelta(days=9)


def test_two_imports_and_removals_of_the_same_texts(
    make_database: Callable[..., str], postgres_url: str, tmp_path: Path
) -> None:
    made = keyed(make_services(tmp_path, url=make_database(copy_of=database_with_tables(postgres_url))), tmp_path)
    make_organisation(made)
    services = replace(made, blobs=PackedBlobs(store_of(made), made.engine, keyring_of(tmp_path)))
    with services.unit_of_work(NOW) as uow:
        for code in ("A", "B"):
            uow.session.add(
                Register(
                    code=code, name=code, unit_id=unit_id(services, "BO"), direction=Direction.INCOMING,
                    nature=RegisterNature.ARCHIVE, pattern=f"{code}-{{seq:05d}}",
                )
            )  # fmt: skip
    texts = [f"texte {n % 40}" for n in range(400)]
    sealed = services.blobs.sealed([one.encode() for one in texts[:40]]) or []
    from ged.takeover import packed

    with services.unit_of_work(NOW) as uow:
        packed.write(uow.session, sealed)
        uow.session.execute(update(PackedFile).values(written_at=LONG_AGO))
    stop: list[int] = []

    def import_into(code: str) -> list[Any]:
        refused: list[Any] = []
        order = texts if code == "A" else texts[::-1]
        with services.reading() as session:
            place = TakeoverTarget(find_register(session, code).id, "l.jsonl", None, dry_run=False)
        lines = (json.dumps({"id": f"{code}{n}", "text": one}).encode() for n, one in enumerate(order))
        take_over(services, place, lines, refuse=refused.append, progress=lambda _d: None)
        return refused

    def sweeps() -> int:
        removed = 0
        while not stop:
            with services.snapshot() as session:
                removed += archive_blobs.sweep(session, services.blobs, now=datetime.now(UTC))
        return removed

    with ThreadPoolExecutor(3) as pool:
        sweeping = pool.submit(sweeps)
        both = [pool.submit(import_into, code) for code in ("A", "B")]
        try:
            assert [one.result(timeout=200) for one in both] == [[], []]
        finally:
            stop.append(1)
        print("removed", sweeping.result(timeout=60))
    found = letters(services)
    assert len(found) == 800
    assert all(opens(services, one) for one in found)
    with services.reading() as session:
        assert len(session.scalars(select(PackedFile.digest)).all()) == 40
        assert list(archive_blobs.broken_blobs(session, services.blobs)) == []
    services.engine.dispose()
