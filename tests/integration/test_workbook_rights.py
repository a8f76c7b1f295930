"""A unit with rights to a letter is not undone: SQLite would give its id, and so its rights, to the next unit."""

from pathlib import Path

import pytest
from sqlalchemy import select

from ged.access import may_see, principals_of
from ged.errors import Invalid
from ged.org.models import Unit
from ged.ports import Confidentiality
from ged.workbook import operations
from tests.factories import NOW, actor, make_organisation, make_services
from tests.signed_outside_kit import enter
from tests.workbook_kit import take


@pytest.mark.parametrize("how", ["copy", "writer"])
def test_the_next_unit_does_not_read_letters_copied_to_a_unit_that_was_undone(tmp_path: Path, how: str) -> None:
    services = make_services(tmp_path)
    make_organisation(services)
    take(services, {"Unités": [["DGX", "Inspection générale", "direction", "MIN"]]})
    with services.reading() as session:
        unit_id = session.scalar(select(Unit.id).where(Unit.code == "DGX"))
    named = {"copies": ("DGX",)} if how == "copy" else {"sender_unit_id": unit_id}
    letter = enter(services, **named)
    with services.reading() as session:
        assert f"u{unit_id}" in principals_of(session, letter.mail_id)
    try:
        with services.unit_of_work(NOW) as uow:
            operations.undo(uow)
    except Invalid:
        return
    take(
        services,
        {
            "Unités": [["CANT", "Cantine", "service", "DAF"]],
            "Postes": [["CANT-A", "Agent de la cantine", "CANT", "etudes", "agent"]],
        },
    )
    with services.reading() as session:
        assert not may_see(session, letter.mail_id, Confidentiality.ORDINARY, actor(services, "etudes"))
