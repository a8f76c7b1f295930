"""The circuit's revision and letters in their circuit: a chain of visas stays a chain; opinions vanish on the way
down."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from ged.models import metadata
from ged.natures.circuit import Step
from ged.natures.steps import StepKind
from ged.org.models import Delegation, DelegationKind
from ged.signbook import drafts, operations
from ged.signbook.models import Stance
from tests.factories import NOW, TODAY
from tests.migration_kit import downgrade, engine, make_at_head, tables, upgrade, url
from tests.signbook_kit import House, make_house

__all__ = ["engine", "url"]

pytestmark = pytest.mark.in_turns(3)


def rows(engine: Engine, query: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def delegation(house: House, **bounds: object) -> Delegation:
    values: dict[str, object] = {
        "kind": DelegationKind.INTERIM, "post_id": house.post("SG-T"), "person_id": house.who("dge").person_id,
        "act": "Note", "from_on": TODAY, "until_on": TODAY,
    }  # fmt: skip
    return Delegation(**{**values, **bounds})


def fill(url: str, folder: Path) -> tuple[int, int]:
    """Add a letter with two visas one after the other, and one whose visa and opinion are asked for together."""
    house = make_house(folder, url=url)
    chain, both = house.answer(), house.answer()
    dge = house.who("dge")
    steps = [Step(house.post("DAF-C"), 1), Step(house.post("ETU-M"), 1, StepKind.OPINION)]
    version = house.show(both, "dge").version
    with house.services.unit_of_work(NOW) as uow:
        drafts.set_circuit(uow, both, steps, house.post("SG-T"), version=version, actor=dge)
    house.submit(both)
    with house.services.unit_of_work(NOW) as uow:
        operations.give_opinion(uow, both, stance=Stance.FAVOURABLE, version_no=2, actor=house.who("etudes"))
        for bounds in ({"max_amount_xof": 5}, {"template_codes": ["x"]}, {"kind": DelegationKind.ORDER}, {}):
            uow.session.add(delegation(house, **bounds))
    house.services.engine.dispose()
    return chain, both


def test_visas_one_after_the_other_stay_so_and_opinions_are_no_visas(url: str, engine: Engine, tmp_path: Path) -> None:
    make_at_head(url, tmp_path)
    chain, both = fill(url, tmp_path)
    downgrade(engine, "0006")
    found = "SELECT mail_id, position FROM circuit_steps ORDER BY mail_id, position"
    assert rows(engine, found) == [(chain, 1), (chain, 2), (both, 1)]
    assert rows(engine, "SELECT act FROM circuit_entries ORDER BY id") == [("submit",)]
    # A delegation with limits does not become one without limits: after the downgrade it gives no right to sign.
    found = "SELECT kind, may_sign FROM delegations ORDER BY id"
    assert [(kind, bool(signs)) for kind, signs in rows(engine, found)] == [
        ("interim", False), ("interim", False), ("delegation", False), ("interim", True),
    ]  # fmt: skip
    upgrade(url, tmp_path)
    found = "SELECT position, stage, kind FROM circuit_steps ORDER BY mail_id, position"
    assert rows(engine, found) == [(1, 1, "visa"), (2, 2, "visa"), (1, 1, "visa")]
    assert tables(engine) == set(metadata.tables)
