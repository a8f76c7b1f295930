"""``ged org load``: prints its plan, executes it once, moves holders but no letters, and names the place of a fault."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import func, select

from ged import audit
from ged.db import Base
from ged.errors import GedError, Invalid
from ged.org.load import Change
from ged.org.models import Holding, Person, Post, Unit
from ged.ports import MailId
from ged.register.models import Mail
from ged.register.operations import mail_for
from ged.unit import Services
from tests.factories import NOW, TODAY, actor, make_services
from tests.routing_kit import register
from web.commands.organisation import load_file

pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]  # whole seconds: part of `make test`, not of the quick round

MINISTRY = Path(__file__).parents[2] / "demo" / "ministry.yaml"
TOMORROW = NOW + timedelta(days=1)


def small() -> dict[str, Any]:
    """A ministry of three units, as an organisation file."""
    return {
        "organisation": "Ministère d'essai",
        "units": [
            {"code": "MIN", "name": "Ministère", "entity": True},
            {"code": "SG", "name": "Secrétariat général", "parent": "MIN"},
            {"code": "BO", "name": "Bureau d'ordre", "parent": "SG"},
        ],
        "people": [
            {"account": "sg", "name": "Afi MENSAH", "clearance": "secret"},
            {"account": "agent", "name": "Kossi AMAVI"},
            {"account": "next", "name": "Ama KOFFI", "clearance": "secret"},
        ],
        "posts": [
            {"code": "SG-T", "title": "Secrétaire générale", "unit": "SG", "holder": "sg", "roles": ["authority"]},
            {"code": "BO-A", "title": "Agent", "unit": "BO", "holder": "agent", "roles": ["clerk"]},
        ],
        "registers": [
            {
                "code": "ARR", "name": "Arrivée", "unit": "BO", "direction": "incoming", "nature": "arrivee",
                "pattern": "{seq:05d}/{year}/{entity}",
            }
        ],
        "mentions": [{"code": "opinion", "label": "Étude et avis"}],
        "correspondents": [{"name": "CEET", "kind": "société"}],
        "filing_plan": [{"code": "1", "title": "Administration"}],
        "templates": [{"code": "t", "title": "Réponse", "subject": "Objet", "body": "Monsieur,"}],
    }  # fmt: skip


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


@pytest.fixture
def load(services: Services, tmp_path: Path) -> Callable[..., list[Change]]:
    def run(content: dict[str, Any], *, dry_run: bool = False, now: Any = NOW) -> list[Change]:
        path = tmp_path / "organisation.yaml"
        path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        return load_file(services, path, dry_run=dry_run, now=now)

    return run


Load = Callable[..., list[Change]]


def rows(services: Services) -> dict[str, int]:
    with services.reading() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }


def test_a_dry_run_says_all_and_changes_nothing(services: Services, load: Load) -> None:
    before = rows(services)
    said = load(small(), dry_run=True)
    assert rows(services) == before
    assert load(small()) == said
    assert {change.action for change in said} <= {"added", "changed"}
    after = rows(services)
    assert (after["units"], after["people"], after["posts"], after["registers"]) == (3, 3, 2, 1)
    assert after["holdings"] == 2


@pytest.mark.parametrize("which", ["small", "demonstration"])
def test_a_second_load_changes_nothing(services: Services, load: Load, which: str) -> None:
    content = small() if which == "small" else yaml.safe_load(MINISTRY.read_text(encoding="utf-8"))
    assert load(content)
    before = rows(services)
    assert load(content, now=TOMORROW) == []
    assert rows(services) == before


def test_a_load_is_in_the_journal_and_the_chain_holds(services: Services, load: Load) -> None:
    load(small())
    with services.snapshot() as session:
        actions = session.scalars(select(audit.AuditEntry.action)).all()
        assert "organisation.loaded" in actions
        assert list(audit.verify_chain(session)) == []


def test_a_moved_holder_ends_the_old_holding_and_the_post_keeps_its_mail(services: Services, load: Load) -> None:
    load(small())
    mail_id = register(services).mail_id
    content = small()
    content["posts"][0]["holder"] = "next"
    assert load(content, now=TOMORROW) == [Change("changed", "holder", "SG-T", "next")]
    tomorrow = TODAY + timedelta(days=1)
    with services.reading() as session:
        post = session.scalars(select(Post).where(Post.code == "SG-T")).one()
        held = session.execute(
            select(Person.account, Holding.from_on, Holding.until_on)
            .join(Person, Person.id == Holding.person_id)
            .where(Holding.post_id == post.id)
            .order_by(Holding.id)
        ).all()
        assert [tuple(row) for row in held] == [("sg", TODAY, TODAY), ("next", tomorrow, None)]
        assert session.get_one(Mail, mail_id).addressed_post_id == post.id
    assert post.id in actor(services, "sg", on=TODAY).post_ids
    assert post.id not in actor(services, "sg", on=tomorrow).post_ids
    assert post.id in actor(services, "next", on=tomorrow).post_ids
    assert sees(services, mail_id, "next", tomorrow)
    assert not sees(services, mail_id, "sg", tomorrow)


def sees(services: Services, mail_id: MailId, account: str, on: date) -> bool:
    try:
        with services.unit_of_work(NOW) as uow:
            mail_for(uow, mail_id, actor=actor(services, account, on=on))
    except GedError:
        return False
    return True


def test_a_holder_changed_twice_on_one_day_leaves_one_holder(services: Services, load: Load) -> None:
    load(small())
    content = small()
    content["posts"][0]["holder"] = "next"
    load(content)
    assert [a for a in ("sg", "next") if actor(services, a).posts] == ["next"]
    assert load(content) == []
    load(small())
    assert [a for a in ("sg", "next") if actor(services, a).posts] == ["sg"]
    assert load(small()) == []


def test_a_post_that_loses_its_holder_is_vacant(services: Services, load: Load) -> None:
    load(small())
    content = small()
    content["posts"][0]["holder"] = None
    assert [change.code for change in load(content, now=TOMORROW)] == ["SG-T"]
    assert actor(services, "sg", on=TODAY + timedelta(days=1)).posts == ()
    assert load(content, now=TOMORROW) == []


def test_what_the_file_leaves_out_stays_and_is_told(services: Services, load: Load) -> None:
    load(small())
    content = small()
    content["posts"] = content["posts"][:1]
    assert load(content) == [Change("left", "post", "BO-A")]
    assert actor(services, "agent").posts != ()


def test_changed_names_roles_and_places_are_told_and_done(services: Services, load: Load) -> None:
    load(small())
    content = small()
    content["units"][2].update(name="Bureau du courrier", parent="MIN")
    content["people"][1]["clearance"] = "restricted"
    content["posts"][1]["roles"] = ["clerk", "head"]
    told = {(c.kind, c.code): c.detail for c in load(content)}
    assert set(told) == {("units", "BO"), ("unit", "BO"), ("people", "agent"), ("post", "BO-A")}
    assert load(content) == []
    with services.reading() as session:
        unit = session.scalars(select(Unit).where(Unit.code == "BO")).one()
        assert (unit.name, session.get_one(Unit, unit.parent_id).code) == ("Bureau du courrier", "MIN")


FAULTS: dict[str, tuple[Callable[[dict[str, Any]], object], str, str]] = {
    "unknown parent": (lambda f: f["units"][2].update(parent="X"), "organisation.reference", "units.BO.parent"),
    "unknown successor": (
        lambda f: f["units"][2].update(successor="X"), "organisation.reference", "units.BO.successor",
    ),
    "unknown unit of a post": (lambda f: f["posts"][0].update(unit="X"), "organisation.reference", "posts.SG-T.unit"),
    "unknown holder": (lambda f: f["posts"][0].update(holder="x"), "organisation.reference", "posts.SG-T.holder"),
    "unknown authority": (
        lambda f: f["posts"][1].update(secretary_of="X"), "organisation.reference", "posts.BO-A.secretary_of",
    ),
    "unknown unit of a register": (
        lambda f: f["registers"][0].update(unit="X"), "organisation.reference", "registers.ARR.unit",
    ),
    "cycle": (lambda f: f["units"][0].update(parent="BO"), "organisation.cycle", "units.MIN.parent"),
    "below itself": (lambda f: f["units"][0].update(parent="MIN"), "organisation.cycle", "units.MIN.parent"),
    "unknown key": (lambda f: f["units"][1].update(nmae="SG"), "organisation.field", "units.1.nmae"),
    "unknown section": (lambda f: f.update(persons=[]), "organisation.field", "persons"),
    "unknown role": (lambda f: f["posts"][0].update(roles=["king"]), "organisation.field", "posts.0.roles.0"),
    "unknown clearance": (lambda f: f["people"][0].update(clearance="top"), "organisation.field", "people.0.clearance"),
    "unknown direction": (lambda f: f["registers"][0].update(direction="up"), "organisation.field", "registers.ARR"),
    "missing name": (lambda f: f["units"][0].pop("name"), "organisation.field", "units.0.name"),
    "unit twice": (lambda f: f["units"].append(f["units"][1]), "organisation.twice", "units.SG"),
    "account twice": (lambda f: f["people"].append(f["people"][0]), "organisation.twice", "people.sg"),
    "post twice": (lambda f: f["posts"].append(f["posts"][0]), "organisation.twice", "posts.SG-T"),
    "register twice": (lambda f: f["registers"].append(f["registers"][0]), "organisation.twice", "registers.ARR"),
    "mention twice": (lambda f: f["mentions"].append(f["mentions"][0]), "organisation.twice", "mentions.opinion"),
    "class twice": (lambda f: f["filing_plan"].append(f["filing_plan"][0]), "organisation.twice", "filing_plan.1"),
    "template twice": (lambda f: f["templates"].append(f["templates"][0]), "organisation.twice", "templates.t"),
}  # fmt: skip


@pytest.mark.in_shares(2)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_names_its_place_and_nothing_is_loaded(services: Services, load: Load, fault: str) -> None:
    spoil, code, where = FAULTS[fault]
    content = small()
    spoil(content)
    before = rows(services)
    with pytest.raises(Invalid) as refusal:
        load(content)
    assert refusal.value.code == code
    assert refusal.value.params["where"] == where
    assert rows(services) == before


def test_a_pattern_without_a_sequence_is_refused(services: Services, load: Load) -> None:
    content = small()
    content["registers"][0]["pattern"] = "{year}"
    with pytest.raises(Invalid, match="register.pattern"):
        load(content)
    assert rows(services)["units"] == 0


@pytest.mark.parametrize("content", ["units: [", "- a\n- b\n", "", "organisation: [1]\n", "\x00"])
def test_what_is_no_organisation_is_refused_in_words(services: Services, tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(Invalid, match=r"organisation\.(unreadable|field)"):
        load_file(services, path, dry_run=False, now=NOW)
