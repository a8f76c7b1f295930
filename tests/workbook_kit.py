"""Workbooks of an organisation for tests: some lines are changed, then the workbook is taken in."""

import datetime

from ged.org.load import Change
from ged.spreadsheet.reading import read_apart
from ged.unit import Services
from ged.workbook import operations, writing
from ged.workbook.merging import merge
from ged.workbook.state import organisation_now
from tests.factories import NOW, TODAY


def book(services: Services, changes: dict[str, list[list[str]]]) -> bytes:
    """The workbook of the present organisation; ``changes``: name of a sheet -> all its lines, instead of the present
    ones."""
    with services.reading() as session:
        rows = read_apart(writing.filled(organisation_now(session, on=TODAY)))
    return writing.marked({t: [rows[t][0], *lines] for t, lines in changes.items()}, ())


def take(
    services: Services, changes: dict[str, list[list[str]]], *, now: datetime.datetime = NOW
) -> tuple[Change, ...]:
    """Submit a workbook and take it in at once. Returns its changes."""
    with services.unit_of_work(now) as uow:
        seen = organisation_now(uow.session, on=TODAY)
        merged = merge(seen, read_apart(book(services, changes)))
        assert merged.file is not None, merged.findings
        import_id = operations.hand_in(uow, b"x", "c.xlsx")
        return operations.take_in(uow, import_id, merged.file, seen=seen, on=TODAY)
