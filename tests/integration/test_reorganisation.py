"""Thirty units moved, merged and closed in one act: no letter is written or indexed, and each is found by who should and nobody else."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ged.administration import operations, planned
from ged.org.models import Unit
from ged.unit import Services
from tests.administration_kit import dump
from tests.factories import NOW, TODAY, actor, make_services
from tests.reorganisation_kit import (
    UNITS_CHANGED,
    add_letters,
    check,
    jobs_of,
    make_ministry,
    reorganisation,
    rows_written,
    watched,
)

pytestmark = pytest.mark.slow
TOMORROW = NOW + timedelta(days=1)
OF_LETTERS = {"mails", "mail_access", "mail_numbers", "imputations", "assignments"}


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    with made.unit_of_work(NOW) as uow:
        make_ministry(uow, on=TODAY)
    yield made
    made.engine.dispose()


def test_a_reorganisation_moves_no_letter_and_each_is_found_by_who_should(services: Services) -> None:
    sample = add_letters(services, 300, sample=90, now=NOW)
    services, index = watched(services)
    index.writes.clear()
    before = check(services, sample, on=TODAY)
    assert (before.wrong, before.people) == ((), 200)
    with services.reading() as session:
        last = sum(jobs_of(session).values())
        codes = {unit.code: (unit.parent_id, unit.closed_at) for unit in session.scalars(select(Unit))}
    rows_before = dump(services)

    with services.unit_of_work(NOW) as uow:
        lines = reorganisation(operations.current(uow.session, on=TODAY))
        act_id = operations.propose(uow, "unit.move", "MIN", lines, actor=actor(services, "admin"))
    shown = operations.preview(services, act_id, actor=actor(services, "admin"), now=NOW, on=TOMORROW.date())
    assert shown.consequences["letters_to_successor"] > 0
    operations.plan(services, act_id, on=TOMORROW.date(), shown=shown.digest, actor=actor(services, "admin"), now=NOW)
    with rows_written(services.engine) as written:
        planned.run(services, now=TOMORROW)
    with services.reading() as session:
        after_it = {unit.code: (unit.parent_id, unit.closed_at) for unit in session.scalars(select(Unit))}
        assert "index" not in jobs_of(session)
        assert sum(jobs_of(session).values()) - last <= UNITS_CHANGED
    assert sum(codes[code] != after_it[code] for code in codes) == UNITS_CHANGED
    assert not OF_LETTERS & written.keys(), written
    assert written["units"] >= UNITS_CHANGED
    assert not index.writes

    after = check(services, sample, on=TOMORROW.date())
    assert after.wrong == ()
    assert sum(before.by[one] != after.by[one] for one in before.by) > len(sample) // 3, "nothing changed hands"

    with services.unit_of_work(TOMORROW) as uow:
        operations.undo(uow, act_id, actor=actor(services, "admin", on=TOMORROW.date()))
    assert dump(services) == rows_before
    undone = check(services, sample, on=TOMORROW.date())
    assert (undone.wrong, undone.by, undone.found) == ((), before.by, before.found)
    assert not index.writes
