"""The directory of correspondents: each entity has its own entries. Others read shared entries and cannot change
them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from ged.audit import AuditEntry
from ged.correspondents import directory, merging
from ged.correspondents.directory import CorrespondentForm, CorrespondentView
from ged.errors import Invalid, NotFound
from ged.org.models import Person, Unit
from ged.ports import Confidentiality, MailId
from ged.register import addresses, correspondents
from ged.register.levels import change_level
from ged.register.models import Correspondent, Mail, Register
from ged.register.operations import IncomingForm, register_incoming
from ged.suggestions import lessons, matching
from ged.unit import Role, Services
from tests.factories import NOW, actor, add_entity, make_organisation, make_services

PRIMATURE = CorrespondentForm("Primature", email="courrier@primature.example", address="Lomé")


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """The ministry, and a second entity below it with its own mail office (account ``ceet``)."""
    made = make_services(tmp_path)
    make_organisation(made)
    with made.unit_of_work(NOW) as uow:
        top = uow.session.scalars(select(Unit).where(Unit.code == "MIN")).one()
        add_entity(uow.session, Role.CLERK, Role.AUTHORITY, parent_id=top.id)
    yield made
    made.engine.dispose()


def register(
    services: Services,
    who: str,
    sender: str,
    *,
    level: Confidentiality = Confidentiality.ORDINARY,
    sender_id: int | None = None,
) -> MailId:
    code = "ARR" if who == "agent" else "ARR-CEET"
    to = "sg" if who == "agent" else "ceet"
    with services.unit_of_work(NOW) as uow:
        arrivals = uow.session.scalars(select(Register.id).where(Register.code == code)).one()
        form = IncomingForm("Objet", sender, actor(services, to).posts[0].post_id, sender_id=sender_id, level=level)
        return register_incoming(uow, arrivals, form, actor=actor(services, who), now=NOW).mail_id  # type: ignore[arg-type]


def listed(services: Services, who: str) -> dict[str, CorrespondentView]:
    with services.reading() as session:
        return {one.name: one for one in directory.listing(session, actor=actor(services, who))[0]}


def edit(services: Services, who: str, entry: CorrespondentView | int, form: CorrespondentForm) -> None:
    with services.unit_of_work(NOW) as uow:
        entry_id = entry if isinstance(entry, int) else entry.id
        directory.edit(uow, entry_id, form, version=None, actor=actor(services, who))


def sender_of(services: Services, mail: MailId) -> Correspondent | None:
    with services.reading() as session:
        return session.get_one(Mail, mail).sender


def test_each_entity_has_a_directory_of_its_own(services: Services) -> None:
    for who in ("agent", "ceet"):
        register(services, who, "Primature")
    ours, theirs = listed(services, "agent")["Primature"], listed(services, "ceet")["Primature"]
    assert ours.id != theirs.id
    assert (ours.is_own, theirs.is_own, ours.owner, theirs.owner) == (True, True, "Ministère", "CEET")
    for act in (
        lambda: edit(services, "ceet", ours, replace(PRIMATURE, email="collecte@attaquant.example")),
        lambda: register(services, "ceet", "Primature", sender_id=ours.id),
    ):
        with pytest.raises((NotFound, Invalid), match=r"correspondent\.unknown"):
            act()
    with services.reading() as session:
        assert [one.id for one in correspondents.suggest(session, "prim", actor=actor(services, "ceet"))] == [theirs.id]
        ceet = correspondents.entities_of(session, actor(services, "ceet"))
        assert [one.id for one in matching.best_matches(session, "Primature", entity_ids=ceet)] == [theirs.id]
        assert lessons.correspondent_name(session, str(ours.id), ceet) is None
        assert lessons.correspondent_name(session, str(theirs.id), ceet) == "Primature"


def test_what_is_shared_is_read_and_its_correction_is_an_entry_of_ones_own(services: Services) -> None:
    register(services, "agent", "Primature")
    edit(services, "agent", listed(services, "agent")["Primature"], replace(PRIMATURE, is_shared=True))
    shared = listed(services, "ceet")["Primature"]
    assert (shared.is_own, shared.owner, shared.email) == (False, "Ministère", PRIMATURE.email)
    first = register(services, "ceet", "Primature")
    assert (sender_of(services, first) or Correspondent()).id == shared.id
    edit(services, "ceet", shared, replace(PRIMATURE, email="autre@primature.example"))
    own = listed(services, "ceet")["Primature"]
    assert (own.is_own, own.email) == (True, "autre@primature.example")
    assert listed(services, "agent")["Primature"].email == PRIMATURE.email, "nobody changes another's address"
    second = register(services, "ceet", "Primature")
    assert (sender_of(services, second) or Correspondent()).id == own.id, "the own entry comes first"
    with services.reading() as session:
        assert len(directory.listing(session, actor=actor(services, "ceet"))[0]) == 1
        assert session.scalars(select(AuditEntry.action).where(AuditEntry.subject_kind == "correspondent")).all() == [
            "correspondent.changed", "correspondent.added",
        ]  # fmt: skip


@pytest.mark.parametrize("level", [Confidentiality.RESTRICTED, Confidentiality.SECRET])
def test_who_writes_in_confidence_is_in_no_list(services: Services, level: Confidentiality) -> None:
    who = "agent"
    if level is Confidentiality.SECRET:
        with services.unit_of_work(NOW) as uow:
            uow.session.scalars(select(Person).where(Person.account == "agent")).one().clearance = 2
    mail = register(services, who, "Lanceur d'alerte", level=level)
    assert sender_of(services, mail) is None
    assert listed(services, who) == {}
    with services.reading() as session:
        assert session.get_one(Mail, mail).sender_name == "Lanceur d'alerte"
        assert correspondents.suggest(session, "lanceur", actor=actor(services, who)) == []


def asked(services: Services, email: str, *, of: str = "agent") -> addresses.AddressToConfirm | None:
    with services.reading() as session:
        unit_id = actor(services, of).posts[0].unit_id
        return addresses.address_to_confirm(session, "PRIMATURE", email, unit_id=unit_id)


def test_an_address_that_took_anothers_place_is_confirmed_first(services: Services) -> None:
    register(services, "agent", "Primature")
    edit(services, "agent", listed(services, "agent")["Primature"], PRIMATURE)
    assert asked(services, PRIMATURE.email) is None, "the first address replaced none"
    edit(services, "agent", listed(services, "agent")["Primature"], replace(PRIMATURE, email="autre@primature.example"))
    found = asked(services, "Autre@primature.example")
    assert found is not None
    assert (found.owner, found.changed_by, found.changed_at) == ("", "Agent", NOW)
    assert asked(services, "tapee@a-la-main.example") is None


def test_an_address_that_only_another_entity_gives_is_confirmed_first(services: Services) -> None:
    register(services, "ceet", "Primature")
    edit(services, "ceet", listed(services, "ceet")["Primature"], replace(PRIMATURE, is_shared=True))
    found = asked(services, PRIMATURE.email)
    assert found is not None
    assert found.owner == "CEET"
    assert asked(services, PRIMATURE.email, of="ceet") is None


def test_the_doubles_of_a_shared_entry_are_told_to_their_own_entity_alone(services: Services) -> None:
    """CEET merges its entry into one that the ministry shares. The ministry does not see the name of CEET's entry
    there."""
    register(services, "agent", "Primature")
    edit(services, "agent", listed(services, "agent")["Primature"], replace(PRIMATURE, is_shared=True))
    kept = listed(services, "ceet")["Primature"]
    register(services, "ceet", "Primature, cellule des plaintes")
    double = listed(services, "ceet")["Primature, cellule des plaintes"]
    with services.unit_of_work(NOW) as uow:
        merging.merge(uow, double.id, kept.id, version=None, actor=actor(services, "ceet"))
    with services.reading() as session:
        told = {
            who: [one.name for one in merging.doubles(session, kept.id, actor=actor(services, who))]
            for who in ("agent", "ceet")
        }
    assert told == {"agent": [], "ceet": ["Primature, cellule des plaintes"]}


def test_who_turns_out_to_write_in_confidence_leaves_every_list(services: Services) -> None:
    """The letter was registered as ordinary, and its level was raised after it had been read."""
    mail = register(services, "agent", "Lanceur d'alerte Koffi")
    register(services, "agent", "Primature")
    assert {"Lanceur d'alerte Koffi", "Primature"} <= listed(services, "agent").keys()
    entry = sender_of(services, mail)
    assert entry is not None
    with services.unit_of_work(NOW) as uow:
        change_level(uow, mail, Confidentiality.RESTRICTED, reason="Dénonciation", actor=actor(services, "sg"))
    assert listed(services, "agent").keys() == {"Primature"}
    who = actor(services, "agent")
    with services.reading() as session:
        own = correspondents.entities_of(session, who)
        assert correspondents.suggest(session, "lanceur", actor=who) == []
        assert not correspondents.is_known(session, "Lanceur d'alerte Koffi", actor=who)
        assert matching.best_matches(session, "Lanceur d'alerte Kofi", entity_ids=own) == []
        assert lessons.correspondent_name(session, str(entry.id), own) is None
        with pytest.raises(NotFound):
            directory.correspondent(session, entry.id, actor=who)
    # A correspondent who also writes openly stays in the lists.
    again = register(services, "agent", "Lanceur d'alerte Koffi")
    assert (sender_of(services, again) or Correspondent()).id == entry.id
    assert "Lanceur d'alerte Koffi" in listed(services, "agent")
