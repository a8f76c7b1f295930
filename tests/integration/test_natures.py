"""Natures of letters: loaded from the organisation file, proposed when a letter is registered and when it is
assigned."""

import html
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select, update

from ged.audit import AuditEntry
from ged.errors import Invalid
from ged.natures import queries
from ged.natures.models import Nature
from ged.org.load import Change
from ged.register.models import Direction, Mail, Register
from ged.unit import Services
from tests.factories import NOW, make_natures, make_services
from tests.routing_kit import make_mentions, register
from tests.signbook_site_kit import Site, site
from web.commands.organisation import load_file

__all__ = ["site"]  # a fixture

pytestmark = pytest.mark.in_turns(3)
MINISTRY = Path(__file__).parents[2] / "demo" / "ministry.yaml"
Load = Callable[[dict[str, Any]], list[Change]]


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    yield made
    made.engine.dispose()


@pytest.fixture
def load(services: Services, tmp_path: Path) -> Load:
    def run(content: dict[str, Any]) -> list[Change]:
        path = tmp_path / "organisation.yaml"
        path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        return load_file(services, path, dry_run=False, now=NOW)

    return run


def ministry() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(MINISTRY.read_text(encoding="utf-8"))
    return content


def nature(content: dict[str, Any], code: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in content["natures"] if one["code"] == code)
    return found


def test_natures_are_loaded_once_changed_and_journalled(services: Services, load: Load) -> None:
    content = ministry()
    load(content)
    assert load(content) == []
    with services.reading() as session:
        offered = {one.code: one for one in queries.offered(session, Direction.INCOMING, ())}
        leaving = [one.code for one in queries.offered(session, Direction.OUTGOING, ())]
    assert (offered["demande"].delay_days, offered["demande"].mentions) == (15, ("draft_reply",))
    assert leaving == ["lettre_depart", "reponse_plainte", "engagement"], "in the order of the file"

    nature(content, "demande")["delay_days"] = 20
    nature(content, "engagement")["circuit"]["steps"].pop()
    nature(content, "autre")["closed"] = True
    gone = content["natures"].pop(0)
    changes = load(content)
    assert Change("changed", "natures", "engagement", "circuit") in changes
    assert Change("left", "natures", gone["code"]) in changes
    assert [change.detail for change in changes if change.code == "demande"] == ["delay_days, position"]
    with services.reading() as session:
        entries = session.scalars(select(AuditEntry.action)).all()
        assert entries.count("natures.loaded") == 2, "what changes nothing is not in the journal"
        assert "autre" not in [one.code for one in queries.offered(session, Direction.INCOMING, ())]
        assert queries.names(session, (), ())["autre"] == "Autre", "letters keep what they have"


@pytest.mark.in_shares(2)
@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({"register": "DEP"}, "organisation.field", "natures.demande.register"),
        ({"register": "RIEN"}, "organisation.reference", "natures.demande.register"),
        ({"mentions": ["rien"]}, "organisation.reference", "natures.demande.mentions"),
        ({"template": "rien"}, "organisation.reference", "natures.demande.template"),
        ({"direction": "sideways"}, "organisation.field", "direction"),
        ({"circuit": {"signatory": "BO-AG1"}}, "organisation.field", "natures.demande.circuit.signatory"),
        ({"circuit": {"signatory": "SG-TIT", "steps": [{}]}}, "organisation.field", "natures.demande.circuit.steps"),
        (
            {"circuit": {"signatory": "SG-TIT", "steps": [{"post": "DAF-DIR"}, {"post": "DAF-DIR"}]}},
            "organisation.twice",
            "natures.demande.circuit.DAF-DIR",
        ),
        (
            {"circuit": {"signatory": "SG-TIT", "steps": [{"head": True}, {"head": True}]}},
            "organisation.twice",
            "natures.demande.circuit.head",
        ),
    ],
)
def test_a_fault_of_the_file_is_named_with_its_place(load: Load, change: dict[str, Any], code: str, where: str) -> None:
    content = ministry()
    nature(content, "demande").update(change)
    with pytest.raises(Invalid) as refused:
        load(content)
    assert refused.value.code == code
    assert where in str(refused.value.params["where"])


def test_a_nature_proposes_delay_and_register_to_the_clerk(site: Site) -> None:
    make_natures(site.services)
    with site.services.unit_of_work(NOW) as uow:
        register_id = uow.session.scalars(select(Register.id).where(Register.code == "ARR")).one()
        uow.session.execute(
            update(Nature).where(Nature.code == "plainte").values(delay_days=10, register_id=register_id)
        )
        uow.session.execute(update(Nature).where(Nature.code == "facture").values(is_closed=True))
    page = site.get("agent", "/enregistrer/")
    offers = json.loads(html.unescape(re.search(r'data-natures="([^"]+)"', page)[1]))  # type: ignore[index]
    assert offers["plainte"] == {"delay_days": 10, "register_id": register_id, "level": 0}
    assert "facture" not in offers
    assert "Proposé selon la nature" in page, "who has no script reads the delays"
    assert "Plainte ou réclamation 10" in page
    assert "Ministère" in page, "an authority is written with unit and entity"
    wrong = site.send("agent", "/enregistrer/", 422, register_id=register_id, nature="facture")
    assert "Cette nature de courrier n'existe pas ou n'est plus proposée." in html.unescape(wrong)


def test_a_nature_proposes_mentions_and_delay_to_the_authority(site: Site) -> None:
    make_natures(site.services)
    make_mentions(site.services)
    first, dated = register(site.services).mail_id, register(site.services, due_on=NOW.date()).mail_id
    with site.services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Nature).where(Nature.code == "plainte").values(delay_days=10, mentions=["opinion"]))
        uow.session.execute(update(Mail).where(Mail.id.in_((first, dated))).values(nature="plainte"))
    page = site.get("sg", f"/a-imputer/{first}")
    assert re.findall(r'name="mentions" value="(\w+)" checked', page) == ["opinion"]
    assert re.search(r'name="due_days"[^>]*value="10"', page)
    assert "Mentions et délai proposés d'après la nature : Plainte ou réclamation." in html.unescape(page)
    page = site.get("sg", f"/a-imputer/{dated}")
    assert re.search(r'name="due_days"[^>]*value=""', page), "a deadline given at the registration stands"
