"""Templates of the organisation file are loaded once. A draft fills each name in them or asks for it."""

from pathlib import Path

from sqlalchemy import select

from ged.org.file import read_organisation
from ged.org.load import load_organisation
from ged.org.models import Unit
from ged.signbook import book
from ged.signbook.load import load_signbook
from ged.signbook.queries import templates
from ged.workbook.registry import load_registry
from tests.factories import NOW, TODAY, make_services

DEMO = Path(__file__).parents[2] / "demo" / "ministry.yaml"


def test_a_second_load_changes_nothing_and_each_unit_finds_its_register(tmp_path: Path) -> None:
    services, file = make_services(tmp_path), read_organisation(DEMO)
    with services.unit_of_work(NOW) as uow:
        load_organisation(uow, file, on=TODAY)
        load_registry(uow, file)
        first = load_signbook(uow, file)
    with services.unit_of_work(NOW) as uow:
        again = load_signbook(uow, file)
    assert [change.action for change in first] == ["added"] * len(file.templates)
    assert again == []
    with services.reading() as session:
        assert [row.code for row in templates(session, ())] == [record.code for record in file.templates]
        units = {unit.code: unit.id for unit in session.scalars(select(Unit))}
        registers = {
            code: book.departure_register(session, units[code]).code
            for code in ("MMRE", "CAB", "SG", "DGE-ETUDES", "DSI", "CEET", "CEET-DCLI")
        }
    services.engine.dispose()
    assert registers == {
        "MMRE": "DEP", "CAB": "DEP", "SG": "DEP", "DGE-ETUDES": "DEP-DGE", "DSI": "DEP", "CEET": "DEP-CEET",
        "CEET-DCLI": "DEP-CEET",
    }  # fmt: skip
