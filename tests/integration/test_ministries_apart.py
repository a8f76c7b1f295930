"""Two roots in the tree of units are two ministries: neither picks, addresses, names or ends what is of the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ged.administration import apart, first_access, openings, people, wanted
from ged.administration import operations as acts
from ged.administration import queries as administration
from ged.administration.differences import digest
from ged.administration.lines import Line, line
from ged.administration.models import OrganisationAct
from ged.administration.reach import Reach
from ged.administration.rights import rights_of
from ged.administration.seconds import seconds_of
from ged.capture import bridges
from ged.correspondents import directory
from ged.correspondents.directory import CorrespondentForm
from ged.envelopes import operations as envelopes
from ged.errors import Forbidden, GedError, Invalid, NotFound
from ged.natures.circuit import one_by_one
from ged.natures.models import Nature
from ged.org import absences, delegations, names, sessions, tree
from ged.org.absences import AbsenceForm
from ged.org.delegations import DelegationForm
from ged.org.models import Delegation, DelegationKind, Holding, OpenSession, Person, Post, PostRole, Unit
from ged.ports import PersonId, PostId, RegisterId, UnitId
from ged.register import books, entry, rectify_entry
from ged.register.models import Correspondent, Direction, Register, RegisterNature
from ged.register.operations import IncomingForm, register_incoming
from ged.reports import journal
from ged.reports.journal import JournalFilter
from ged.routing import choices
from ged.routing.operations import ImputationForm, impute
from ged.signbook import drafts, queries
from ged.slips import drafting
from ged.slips import queries as slips
from ged.slips.drafting import LineForm, SlipForm
from ged.slips.models import SlipPurpose
from ged.suggestions import matching
from ged.unit import Actor, Role, Services, UnitOfWork, UnitRow
from ged.writing import word_templates
from tests.administration_kit import Wanted, confirm, do, propose, undo
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.routing_kit import post_id, register, unit_id

THEIRS = "Radisson"
"""Stands in each name of the other ministry."""


@pytest.fixture
def services(tmp_path: Path, either_database: str | None) -> Iterator[Services]:
    """The ministry, and another one with an authority, a mail office and an administrator (``autre...``)."""
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    with made.unit_of_work(NOW) as uow:
        top = Unit(code="AUT", name=f"Ministère {THEIRS}", is_entity=True)
        uow.session.add(top)
        uow.session.flush()
        office = Unit(code="AUT-BO", name=f"Bureau {THEIRS}", parent_id=top.id)
        uow.session.add(office)
        uow.session.flush()
        for code, unit, roles in (
            ("AUT-T", top, (Role.AUTHORITY, Role.SIGNATORY, Role.HEAD)),
            ("AUT-B", office, (Role.CLERK,)),
            ("AUT-A", office, (Role.ADMINISTRATOR, Role.AUDITOR)),
        ):
            post = Post(
                code=code, title=f"Poste {THEIRS}", unit_id=unit.id, roles=[PostRole(role=role) for role in roles]
            )
            person = Person(account=code.lower(), name=f"Personne {THEIRS} {code}")
            uow.session.add_all([post, person])
            uow.session.flush()
            uow.session.add(Holding(post_id=post.id, person_id=person.id, from_on=date(2020, 1, 1)))
        uow.session.add(
            Register(
                code="AUT-ARR", name=f"Arrivées {THEIRS}", unit_id=office.id, direction=Direction.INCOMING,
                nature=RegisterNature.ARRIVAL, pattern="{seq:04d}/{year}/AUT",
            )
        )  # fmt: skip
    yield made
    made.engine.dispose()


def person(services: Services, account: str) -> PersonId:
    return actor(services, account).person_id


def register_id(services: Services, code: str) -> RegisterId:
    with services.reading() as session:
        return RegisterId(session.scalars(select(Register.id).where(Register.code == code)).one())


def their_letter(services: Services) -> None:
    form = IncomingForm(f"Demande {THEIRS}", f"Expéditeur {THEIRS}", PostId(post_id(services, "AUT-T")))
    with services.unit_of_work(NOW) as uow:
        register_incoming(uow, register_id(services, "AUT-ARR"), form, actor=actor(services, "aut-b"), now=NOW)


def refused(services: Services, act: Callable[..., object], code: str, error: type[GedError] = Invalid) -> None:
    with pytest.raises(error) as found, services.unit_of_work(NOW) as uow:
        act(uow)
    assert found.value.code == code


def test_a_letter_is_addressed_and_given_within_the_ministry(services: Services) -> None:
    theirs, unit = PostId(post_id(services, "AUT-T")), UnitId(unit_id(services, "AUT"))
    who, sg = actor(services, "agent"), actor(services, "sg")
    form = IncomingForm("Demande", "Préfecture", theirs)
    arrivals = register_id(services, "ARR")
    refused(services, lambda uow: register_incoming(uow, arrivals, form, actor=who, now=NOW), "mail.addressed_unknown")
    mail_id = register(services).mail_id
    refused(
        services,
        lambda uow: rectify_entry.rectify(
            uow, mail_id, {"addressed_post_id": theirs}, reason="erreur", version=None, actor=sg, now=NOW
        ),
        "mail.addressed_unknown",
    )
    for target, code in (
        (ImputationForm(leading_unit_id=unit), "unit.unknown"),
        (ImputationForm(leading_unit_id=None, leading_post_id=theirs), "impute.post"),
        (ImputationForm(UnitId(unit_id(services, "DGE")), (unit,)), "unit.unknown"),
    ):
        refused(
            services, lambda uow, t=target: impute(uow, mail_id, t, version=None, actor=sg, now=NOW), code
        )  # fmt: skip
    refused(
        services,
        lambda uow: envelopes.register_envelope(
            uow, register_id(services, "PLI"), envelopes.EnvelopeForm(NOW, theirs), actor=who, now=NOW
        ),
        "envelope.addressee",
    )


def test_a_slip_and_a_circuit_stay_within_the_ministry(services: Services) -> None:
    who = actor(services, "dge")
    form = SlipForm((LineForm(description="Dossier"),), (UnitId(unit_id(services, "AUT-BO")),), SlipPurpose.HANDOVER)
    post = who.post_with(Role.CLERK)
    assert post is not None
    with services.reading() as session, pytest.raises(NotFound) as found:
        drafting.plan(session, form, post=post, actor=who, today=TODAY)
    assert found.value.code == "unit.unknown"
    with services.unit_of_work(NOW) as uow:
        mail_id = drafts.draft_new(uow, "", actor=who, now=NOW)
    ours, theirs = PostId(post_id(services, "SG-T")), PostId(post_id(services, "AUT-T"))
    for visas, signatory, code in (((theirs,), ours, "circuit.post"), ((), theirs, "circuit.not_signatory")):
        refused(
            services,
            lambda uow, v=visas, s=signatory: drafts.set_circuit(
                uow, mail_id, one_by_one(v), s, version=None, actor=who
            ),
            code,
        )


def test_no_powers_go_to_people_of_another_ministry(services: Services) -> None:
    form = DelegationForm(
        PostId(post_id(services, "DGE-C")), person(services, "aut-b"), DelegationKind.DELEGATION, "Note 12", TODAY,
        TODAY + timedelta(days=9),
    )  # fmt: skip
    dge = actor(services, "dge")
    refused(services, lambda uow: delegations.delegate(uow, form, actor=dge), "delegation.person")


def test_an_administrator_acts_on_the_own_ministry_alone(services: Services) -> None:
    ours, theirs = actor(services, "admin"), actor(services, "aut-a")
    with services.unit_of_work(NOW) as uow:
        for account in ("sg", "aut-b"):
            sessions.open_session(uow, person(services, account), address="10.0.0.1", device="")
    with services.reading() as session:
        rows = {one.account: one.id for one in sessions.listing(session, ours, everybody=True, now=NOW)}
        held = {one.account: one.id for one in sessions.listing(session, theirs, everybody=True, now=NOW)}
        assert rows.keys() == {"sg"}
        assert held.keys() == {"aut-b"}
        assert bridges.pairable_units(session, theirs) == {unit_id(services, "AUT"), unit_id(services, "AUT-BO")}
        assert bridges.desk_units(theirs) & tree.ministry_of_role(ours, Role.ADMINISTRATOR) == set()
    refused(services, lambda uow: sessions.end(uow, held["aut-b"], actor=ours), "session.unknown", NotFound)
    refused(
        services,
        lambda uow: sessions.end_all(uow, person(services, "aut-b"), actor=ours),
        "session.not_yours",
        Forbidden,
    )
    form = AbsenceForm(TODAY, TODAY + timedelta(days=2), person_id=person(services, "aut-b"))
    refused(services, lambda uow: absences.declare(uow, form, actor=ours), "person.unknown", NotFound)
    office = unit_id(services, "AUT-BO")
    refused(
        services, lambda uow: bridges.make_pairing_code(uow, office, actor=ours, now=NOW), "bridge.pair_forbidden",
        Forbidden,
    )  # fmt: skip
    with services.unit_of_work(NOW) as uow:
        sessions.end(uow, rows["sg"], actor=ours)
        assert bridges.make_pairing_code(uow, office, actor=theirs, now=NOW)
    with services.reading() as session:
        assert [one.id for one in session.scalars(select(OpenSession))] == [held["aut-b"]]


def test_what_is_chosen_from_names_nobody_of_another_ministry(services: Services) -> None:
    sg, agent, admin = actor(services, "sg"), actor(services, "agent"), actor(services, "admin")
    with services.reading() as session:
        told = [
            choices.unit_choices(session, sg), choices.find_posts(session, "poste", sg, on=TODAY),
            choices.posts_of_ids(session, [post_id(services, "AUT-T")], sg, on=TODAY),
            entry.authorities(session, agent, on=TODAY), envelopes.addressees(session, agent, on=TODAY),
            slips.receiving_units(session, agent), queries.posts(session, sg, on=TODAY),
            names.person_names(session, sg, on=TODAY), absences.listing(session, admin, on=TODAY, others=[1]),
        ]  # fmt: skip
        theirs = entry.authorities(session, actor(services, "aut-b"), on=TODAY)
        people = names.person_names(session, actor(services, "aut-b"), on=TODAY)
    assert THEIRS not in repr(told)
    assert len(repr(told)) > 1500, "nothing is offered at all"
    assert theirs[1] == []
    assert len(people) == 3


def test_a_shared_entry_of_the_directory_is_shared_within_the_ministry(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        shared = CorrespondentForm(f"Comptoir {THEIRS}", is_shared=True)
        entry_id = directory.add(uow, shared, actor=actor(services, "aut-b"))
        uow.session.add(Correspondent(name="Comptoir commun", folded_name="comptoir commun"))
    ours, theirs = actor(services, "agent"), actor(services, "aut-b")
    with services.reading() as session:
        assert [one.name for one in directory.listing(session, "comptoir", actor=ours)[0]] == ["Comptoir commun"]
        assert len(directory.listing(session, "comptoir", actor=theirs)[0]) == 2
        own = {tree.entity_of(one, ours.units) for one in ours.unit_ids}
        assert THEIRS not in repr(matching.best_matches(session, f"Comptoir {THEIRS}", entity_ids=own))
        with pytest.raises(NotFound):
            directory.correspondent(session, entry_id, actor=ours)
    sent = register(services, sender=f"Comptoir {THEIRS}")  # typed by hand: an entry of the own directory
    with services.reading() as session:
        made = session.scalars(select(Correspondent).where(Correspondent.name.contains(THEIRS))).all()
        assert len(made) == 2
    assert sent.mail_id


def test_the_journal_and_the_registers_are_those_of_the_ministry(services: Services) -> None:
    register(services)
    their_letter(services)
    ours, theirs = actor(services, "admin"), actor(services, "aut-a")
    with services.reading() as session:
        seen = {
            name: [(one.action, one.person) for one in journal.entries(session, JournalFilter(), reader=reader)[0]]
            for name, reader in (("ours", ours), ("theirs", theirs), ("whole", None))
        }
        asked = JournalFilter(account="aut-b")
        assert journal.entries(session, asked, reader=ours)[0] == []
        assert len(journal.entries(session, asked, reader=theirs)[0]) == 1
        assert [one.code for one in books.books(session, theirs)] == ["AUT-ARR"]
    assert seen["ours"] == [("mail.registered", "Agent")]
    assert seen["theirs"] == [("mail.registered", f"Personne {THEIRS} AUT-B")]
    assert len(seen["whole"]) >= 2


def test_the_installation_is_administered_by_the_accounts_that_it_names(services: Services) -> None:
    who = actor(services, "admin")
    assert not tree.runs_installation(who, ())
    assert tree.runs_installation(who, ("admin",))
    alone = {one: unit for one, unit in who.units.items() if not unit.code.startswith("AUT")}
    assert len(tree.ministries(who.units)) == 2
    assert len(tree.ministries(alone)) == 1


def test_a_closed_root_lies_in_the_tree_of_its_successor() -> None:
    units = {
        1: UnitRow(1, None, True, None, None, "A", "A"), 2: UnitRow(2, None, True, NOW, 1, "B", "B"),
        3: UnitRow(3, 2, False, None, None, "B-1", "B-1"), 4: UnitRow(4, None, True, NOW, 5, "C", "C"),
        5: UnitRow(5, None, True, NOW, 4, "D", "D"),
    }  # fmt: skip
    assert [tree.root_of(one, units) for one in (1, 2, 3)] == [1, 1, 1]
    assert tree.root_of(4, units) == 5  # two that name each other: the walk ends


def test_the_administration_shows_and_changes_what_is_of_the_ministry(services: Services) -> None:
    ours, theirs = Reach(actor(services, "admin"), ()), Reach(actor(services, "aut-a"), ())
    whole = Reach(actor(services, "aut-a"), ("aut-a",))
    with services.reading() as session:
        told = [
            administration.tree(session, ours, on=TODAY), people.person_options(session, ours, on=TODAY),
            people.post_options(session, ours), people.people(session, ours, "", on=TODAY, offset=0, limit=99, with_closed=True),
        ]  # fmt: skip
        assert THEIRS not in repr(told)
        assert len(people.person_options(session, theirs, on=TODAY)) == 3
        assert len(people.person_options(session, whole, on=TODAY)) == 10
        for look in (
            lambda: administration.unit_page(session, unit_id(services, "AUT"), ours, on=TODAY),
            lambda: people.person_page(session, person(services, "aut-b"), ours, on=TODAY, now=NOW),
            lambda: people.post_page(session, post_id(services, "AUT-B"), ours, on=TODAY),
            lambda: rights_of(session, person(services, "aut-b"), ours, on=TODAY),
        ):
            with pytest.raises(NotFound):
                look()
        assert "AUT" in repr(rights_of(session, person(services, "aut-b"), theirs, on=TODAY))


def given(post: str, person: str) -> Line:
    act = {"kind": "delegation", "act": "Arrêté n° 1", "from_on": f"{TODAY:%d/%m/%Y}", "until_on": f"{TODAY:%d/%m/%Y}"}
    return line("delegations", {"post": post, "person": person, **act})


WRONG = {
    "unit under theirs": ("parent", lambda now: wanted.moved_unit(now, "DGE", below="AUT")),
    "their unit": ("name", lambda now: wanted.changed_unit(now, "AUT", name="X", kind="service")),
    "post to theirs": ("holder", lambda now: wanted.given_post(now, "DGE-C", holder="aut-b")),
    "their post": ("holder", lambda now: wanted.given_post(now, "AUT-B", holder="dge")),
    "their person": (
        "name", lambda now: wanted.changed_person(now, "aut-b", name="X", email="", clearance="ordinary")
    ),
    "their powers": ("post", lambda _now: [given("AUT-B", "dge")]),
    "our powers": ("person", lambda _now: [given("DGE-C", "aut-b")]),
}  # fmt: skip


@pytest.mark.in_shares(3)
@pytest.mark.parametrize("what", WRONG)
def test_no_act_changes_or_names_what_is_of_another_ministry(services: Services, what: str) -> None:
    field, lines = WRONG[what]
    with pytest.raises(apart.Unfit) as far:
        propose(services, lines)
    assert (far.value.code, far.value.params["field"]) == ("cell.unknown", field)


def _refusals(services: Services, asked: Wanted) -> list[tuple[str, object]]:
    """The codes of a refusal and all that they tell."""
    with pytest.raises(GedError) as found:
        propose(services, asked)
    refusal = found.value
    return [(one.code, sorted(one.params.items())) for one in getattr(refusal, "errors", (refusal,))]


def test_a_refusal_tells_nothing_of_another_ministry(services: Services) -> None:
    """Values that no list offers are sent by hand: what is of the other ministry is as unknown as what is nowhere."""
    with services.unit_of_work(NOW) as uow:
        top = uow.session.scalars(select(Unit).where(Unit.code == "AUT")).one()
        uow.session.add(
            Unit(code="AUT-F", name=f"Fermé {THEIRS}", parent_id=top.id, closed_at=NOW, successor_id=top.id)
        )
        gone = Person(account="aut-parti", name=f"Parti {THEIRS}", is_active=False)
        uow.session.add(gone)
        uow.session.flush()
        past = date(2020, 1, 1)
        uow.session.add(Holding(post_id=post_id(services, "AUT-B"), person_id=gone.id, from_on=past, until_on=past))

    def given(holder: str) -> Wanted:
        return lambda now: wanted.given_post(now, "DGE-C", holder=holder)

    def moved(below: str) -> Wanted:
        return lambda now: wanted.moved_unit(now, "DGE", below=below)

    for field, sheet, ask, values in (
        ("holder", "Personnes", given, ("nulle-part", "AUT-B", "aut-parti", "aut-b")),
        ("parent", "Entités ou Unités", moved, ("NULLE-PART", "aut-bo", "AUT-F", "AUT-BO")),
    ):
        for value in values:
            ((code, told),) = _refusals(services, ask(value))
            params = dict(told) | {"near": "", "sheet": sheet}  # type: ignore[call-overload]
            assert (code, params) == ("cell.unknown", {"field": field, "value": value, "near": "", "sheet": sheet})
    new = {"name": "Nouveau", "email": "", "clearance": "ordinary"}
    ((code, told),) = _refusals(services, lambda now: wanted.new_person(now, account="AUT-B", **new))
    assert (code, told) == ("cell.nearly_twice", [("field", "account"), ("other", "AUT-B")]), "as it was typed"


def test_an_account_that_looks_after_the_installation_is_not_in_the_hands_of_one_ministry(services: Services) -> None:
    """The installation names accounts. Whoever enters one, or opens one, would look after all ministries."""
    named = replace(services, installation_accounts=("grand.admin", "etudes"))
    new = {"name": "Nouveau", "email": "", "clearance": "ordinary"}
    for asked in (
        lambda now: wanted.new_person(now, account="grand.admin", post=None, **new),
        lambda now: wanted.changed_person(now, "etudes", **new),
        lambda now: wanted.departure(now, "etudes", successors={}),
    ):
        assert [one[0] for one in _refusals(named, asked)] == ["act.installation_account"]
    etudes = int(person(services, "etudes"))
    with named.unit_of_work(NOW) as uow, pytest.raises(NotFound, match=r"person\.unknown"):
        first_access.make(uow, etudes, actor=actor(services, "admin"))
    with services.unit_of_work(NOW) as uow:
        uow.session.add(PostRole(post_id=post_id(services, "DAF-C"), role=Role.ADMINISTRATOR))
        uow.session.execute(update(Person).where(Person.account.in_(("daf", "dge"))).values(password_hash="x"))
    with services.reading() as session:
        found = seconds_of(
            session, etudes, maker_id=int(person(services, "sg")), installation_accounts=("etudes",), on=TODAY
        )
    assert found.able == {int(person(services, "dge"))}, "the head above, and no administrator of one ministry"
    whole = replace(services, installation_accounts=("admin", "grand.admin", "etudes"))
    do(whole, lambda now: wanted.new_person(now, account="grand.admin", post=None, **new))
    with whole.unit_of_work(NOW) as uow:
        first_access.make(uow, etudes, actor=actor(services, "admin"))


def test_of_who_went_to_another_ministry_nothing_of_there_is_told(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        mover = int(actor(services, "daf").person_id)
        for holding in uow.session.scalars(select(Holding).where(Holding.person_id == mover)):
            holding.until_on = TODAY - timedelta(1)
        uow.session.add(Holding(post_id=post_id(services, "AUT-T"), person_id=mover, from_on=TODAY))
        sessions.open_session(uow, PersonId(mover), address="10.0.0.1", device="")
        uow.session.add(
            Delegation(
                kind=DelegationKind.DELEGATION, post_id=post_id(services, "AUT-B"), person_id=mover, act=f"Note {THEIRS}",
                from_on=TODAY, until_on=TODAY + timedelta(3), granted_at=NOW,
            )
        )  # fmt: skip
    their_letter(services)
    do(
        services,
        lambda now: wanted.changed_person(now, "daf", name="Daf", email=f"{THEIRS}@exemple.tg", clearance="restricted"),
        who="aut-a",
    )
    with services.unit_of_work(NOW) as uow:
        first_access.make(uow, mover, actor=actor(services, "aut-a"))
    with services.reading() as session:
        for who, is_told in (("admin", False), ("aut-a", True)):
            reach = Reach(actor(services, who), ())
            page = people.person_page(session, mover, reach, on=TODAY, now=NOW)
            told = [
                page.posts, page.held, page.delegations, page.open_at, page.acts,
                people.people(session, reach, "daf", on=TODAY, offset=0, limit=9, with_closed=True),
                openings.listing(session, reach, limit=9, on=TODAY, now=NOW)[0],
                openings.latest(session, reach, limit=9, on=TODAY, now=NOW),
            ]  # fmt: skip
            assert (THEIRS in repr(told)) is is_told, told
            assert (page.sessions, page.seen_at is not None, len(page.acts)) == (
                (1, True, 1) if is_told else (0, False, 0)
            )
            assert [one.post.code for one in page.held] == (["AUT-T"] if is_told else ["DAF-C"])


def test_the_list_of_acts_names_no_act_about_another_ministry(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.add(PostRole(post_id=post_id(services, "DAF-C"), role=Role.ADMINISTRATOR))
    whole, colleague = _all_of_it(services), Reach(actor(services, "daf"), ())
    for far in (
        lambda now: wanted.changed_person(now, "aut-b", name="Secret", email="", clearance="secret"),
        lambda now: wanted.changed_unit(now, "AUT-BO", name="Courrier", kind="service"),
        lambda now: wanted.changed_post(now, "AUT-B", title="X", unit="AUT-BO", roles=("clerk",), secretary_of=None),
        lambda now: wanted.changed_register(now, "AUT-ARR", name="X", unit="AUT-BO", pattern="{seq:04d}/{year}"),
    ):
        do(whole, far)
        confirm(
            whole, propose(whole, lambda now: wanted.given_post(now, "AUT-T", holder=None)), on=TODAY + timedelta(1)
        )
    near = [
        do(whole, lambda now: wanted.changed_unit(now, "ETU", name="Études", kind="service")),
        do(services, lambda now: wanted.given_post(now, "ETU-M", holder="agent"), who="daf"),
        do(services, lambda now: wanted.new_person(now, account="neuf", name="N", email="", clearance="ordinary")),
    ]
    with services.reading() as session:
        shown, _page = administration.acts(session, colleague, limit=50)
        assert [one.id for one in shown] == near[::-1]
        assert administration.waiting_count(session, colleague).planned == 0
        assert len(administration.acts(session, Reach(actor(services, "admin"), ("admin",)), limit=50)[0]) == 11
        for page in (people.person_page, rights_of):
            with pytest.raises(NotFound):
                more = {"now": NOW} if page is people.person_page else {}
                page(session, int(person(services, "aut-b")), colleague, on=TODAY, **more)


def test_an_act_is_seen_and_withdrawn_in_its_ministry(services: Services) -> None:
    moved = propose(services, lambda now: wanted.moved_unit(now, "ETU", below="DAF"))
    theirs = actor(services, "aut-a")
    with services.reading() as session:
        Reach(actor(services, "admin"), ()).require_act(session, moved)
        Reach(theirs, ("aut-a",)).require_act(session, moved)
    refused(services, lambda uow: acts.withdraw(uow, moved, actor=theirs), "act.unknown", NotFound)


def _all_of_it(services: Services) -> Services:
    """The services of an installation that names the account ``admin`` for all of it."""
    return replace(services, installation_accounts=("admin",))


def test_no_code_of_first_access_is_made_for_a_person_of_another_ministry(services: Services) -> None:
    """Whoever has the code chooses the password, and signs in as that person."""
    with services.unit_of_work(NOW) as uow, pytest.raises(NotFound, match=r"person\.unknown"):
        first_access.make(uow, int(actor(services, "aut-t").person_id), actor=actor(services, "admin"))
    with services.unit_of_work(NOW) as uow:
        first_access.make(uow, int(actor(services, "sg").person_id), actor=actor(services, "admin"))


def test_an_account_that_was_only_planned_gives_no_hold_over_the_person_who_gets_it(services: Services) -> None:
    """The other ministry's new account: it was planned here for later, or entered here and taken back."""
    new = {"name": "Nouveau Venu", "email": "", "clearance": "ordinary"}
    confirm(
        services,
        propose(services, lambda now: wanted.new_person(now, account="un.plan", **new)),
        on=TODAY + timedelta(9),
    )
    undo(services, do(services, lambda now: wanted.new_person(now, account="un.repris", **new)))
    for account in ("un.plan", "un.repris"):
        do(
            services,
            lambda now, account=account: wanted.new_person(now, account=account, post=None, **new),
            who="aut-a",
        )
        with pytest.raises(GedError, match=r"cell\.unknown"):
            propose(services, lambda now, account=account: wanted.departure(now, account, successors={}))
    do(services, lambda now: wanted.new_person(now, account="un.notre", **new))
    propose(services, lambda now: wanted.departure(now, "un.notre", successors={}))


def test_an_act_of_who_runs_the_installation_is_not_taken_back_by_a_colleague(services: Services) -> None:
    """``admin`` holds a post here and runs the installation; a colleague of the same ministry does not."""
    with services.unit_of_work(NOW) as uow:
        uow.session.add(PostRole(post_id=post_id(services, "DAF-C"), role=Role.ADMINISTRATOR))
    whole = _all_of_it(services)
    renamed = lambda now: wanted.changed_unit(now, "AUT-BO", name="Courrier", kind="service")  # noqa: E731
    asked = propose(whole, renamed)
    shown = acts.preview(whole, asked, actor=actor(services, "admin"), now=NOW)
    with services.unit_of_work(NOW) as uow, pytest.raises(GedError, match=r"cell\.unknown"):
        acts.confirm(uow, asked, shown=shown.digest, actor=actor(services, "daf"))
    done = confirm(whole, asked)
    with pytest.raises(NotFound, match=r"act\.unknown"):
        undo(services, done, who="daf")
    undo(whole, done)


def test_an_act_about_another_ministry_is_neither_seen_nor_withdrawn_by_a_colleague(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.add(PostRole(post_id=post_id(services, "DAF-C"), role=Role.ADMINISTRATOR))
    whole, colleague = _all_of_it(services), actor(services, "daf")
    named = lambda now: wanted.changed_person(now, "aut-b", name="Secret", email="", clearance="secret")  # noqa: E731
    asked = propose(whole, named)
    with pytest.raises(GedError, match=r"cell\.unknown"):
        acts.preview(services, asked, actor=colleague, now=NOW)
    planned = confirm(whole, propose(whole, named), on=TODAY + timedelta(1))
    for act_id in (asked, planned):
        refused(
            services, lambda uow, act_id=act_id: acts.withdraw(uow, act_id, actor=colleague), "act.unknown", NotFound
        )
    with services.reading() as session:
        found = administration.act_page(session, planned).differences
        assert not apart.may_look(session, found, Reach(colleague, ()))
        assert apart.may_look(session, found, Reach(actor(services, "admin"), ("admin",)))
        assert apart.may_look(session, found, Reach(actor(services, "aut-a"), ()))
    with whole.unit_of_work(NOW) as uow:
        acts.withdraw(uow, planned, actor=actor(services, "admin"))


def test_who_went_to_another_ministry_is_no_longer_changed_here(services: Services) -> None:
    """The page still shows the posts that the person held here; account, address and clearance are the others' matter."""
    with services.unit_of_work(NOW) as uow:
        mover = int(actor(services, "daf").person_id)
        for holding in uow.session.scalars(select(Holding).where(Holding.person_id == mover)):
            holding.until_on = TODAY - timedelta(1)
        uow.session.add(Holding(post_id=post_id(services, "AUT-B"), person_id=mover, from_on=TODAY))
    for asked in (
        lambda now: wanted.departure(now, "daf", successors={}),
        lambda now: wanted.changed_person(now, "daf", name="Daf", email="x@exemple.tg", clearance="secret"),
    ):
        with pytest.raises(GedError, match=r"cell\.unknown"):
            propose(services, asked)
    propose(services, lambda now: wanted.departure(now, "daf", successors={}), who="aut-a")


def test_two_administrators_of_one_ministry_do_not_open_an_account_of_another(services: Services) -> None:
    """``admin`` runs the installation and enters the other ministry's new head; ``agent`` is a colleague who does not."""
    with services.unit_of_work(NOW) as uow:
        uow.session.add(PostRole(post_id=post_id(services, "BO-A"), role=Role.ADMINISTRATOR))
        uow.session.execute(update(Person).where(Person.account.in_(("agent", "admin"))).values(password_hash="x"))
    whole = _all_of_it(services)
    new = {"name": "Nouveau Ministre", "email": "", "clearance": "secret"}
    do(whole, lambda now: wanted.new_person(now, account="ministre", **new))
    do(whole, lambda now: wanted.given_post(now, "AUT-B", holder="ministre"))
    theirs = int(person(services, "ministre"))
    with services.unit_of_work(NOW) as uow, pytest.raises(NotFound, match=r"person\.unknown"):
        first_access.make(uow, theirs, actor=actor(services, "agent"))
    admin = int(person(services, "admin"))
    with services.reading() as session:
        found = seconds_of(session, theirs, maker_id=admin, installation_accounts=("admin",), on=TODAY)
    assert int(person(services, "agent")) not in found.able | found.notified


def test_no_slash_makes_a_code_of_one_list_a_code_of_another(services: Services) -> None:
    """Who looks after one ministry adds nothing to the common stock, and a code of old with a slash is not taken for an own one."""
    nature = {"name": "Nature", "direction": "incoming", "entity": ""}
    with pytest.raises(apart.Unfit) as found:
        do(services, lambda now: wanted.new_listed(now, "natures", nature | {"code": "MIN/x"}))
    assert [one.code for one in found.value.errors] == ["cell.slash"]
    with services.unit_of_work(NOW) as uow:
        uow.session.add(Nature(code="MIN/x", name="Commune", direction=Direction.INCOMING))
    with pytest.raises(Invalid) as refusal:
        do(services, lambda now: wanted.changed_listed(now, "natures", "MIN/x", None, {"name": "Prise"}))
    assert refusal.value.code == "act.common_stock"
    act_id = do(services, lambda now: wanted.new_listed(now, "natures", nature | {"code": "x", "entity": "MIN"}))
    do(services, lambda now: wanted.changed_listed(now, "natures", "x", "MIN", {"name": "Propre"}))
    with services.reading() as session:
        rows = session.execute(select(Nature.code, Nature.name).order_by(Nature.name)).all()
        told = administration.history(session, "natures", "MIN/x")
    assert [tuple(row) for row in rows] == [("MIN/x", "Commune"), ("x", "Propre")]
    assert act_id in {one.id for one in told}


def test_a_section_that_is_of_no_ministry_is_changed_by_none(services: Services) -> None:
    filed = Line("Plan de classement", {"code": "9", "title": "Divers"})
    with pytest.raises(Invalid) as refusal:
        propose(services, lambda _now: [filed])
    assert refusal.value.code == "act.common_stock"
    whole = _all_of_it(services)
    do(whole, lambda _now: [filed])


def _acts_there(services: Services, account: str) -> Actor:
    """A person with the interim of a member's post of the other ministry."""
    with services.unit_of_work(NOW) as uow:
        post = Post(code="AUT-M", title="Membre", unit_id=unit_id(services, "AUT"), roles=[PostRole(role=Role.MEMBER)])
        uow.session.add(post)
        uow.session.flush()
        uow.session.add(
            Delegation(
                kind=DelegationKind.INTERIM, post_id=post.id, person_id=person(services, account),
                act="Note 3", from_on=TODAY, until_on=TODAY + timedelta(days=3), granted_at=NOW,
            )
        )  # fmt: skip
    return actor(services, account)


def test_an_administrator_administers_the_ministries_of_that_role_alone(services: Services) -> None:
    """Not those in which he has another post for some days."""
    ours, theirs = _acts_there(services, "admin"), person(services, "aut-b")
    assert unit_id(services, "AUT") in tree.ministry(ours), "for letters he is of both ministries"
    with pytest.raises(GedError, match=r"cell\.unknown"):
        propose(services, lambda now: wanted.departure(now, "aut-b", successors={}))
    with services.unit_of_work(NOW) as uow:
        sessions.open_session(uow, theirs, address="10.0.0.1", device="")
    with services.reading() as session:
        open_id = session.scalars(select(OpenSession.id)).one()
        reach = Reach(ours, ())
        assert THEIRS not in repr(people.people(session, reach, "", on=TODAY, offset=0, limit=99, with_closed=True))
        assert sessions.listing(session, ours, everybody=True, now=NOW) == []
        assert unit_id(services, "AUT") not in bridges.pairable_units(session, ours) | bridges.desk_units(ours)
        assert unit_id(services, "AUT") not in dict(word_templates.places(session, ours, ()))
        assert "aut" not in repr(journal.entries(session, JournalFilter(), reader=ours)[0]).lower()
    refused(services, lambda uow: sessions.end(uow, open_id, actor=ours), "session.unknown", NotFound)
    form = AbsenceForm(TODAY, TODAY + timedelta(days=2), person_id=theirs)
    refused(services, lambda uow: absences.declare(uow, form, actor=ours), "person.unknown", NotFound)
    office = unit_id(services, "AUT-BO")
    refused(
        services,
        lambda uow: bridges.make_pairing_code(uow, office, actor=ours, now=NOW),
        "bridge.pair_forbidden",
        Forbidden,
    )


def test_an_auditor_audits_the_ministries_of_that_role_alone(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.add(PostRole(post_id=post_id(services, "ETU-M"), role=Role.AUDITOR))
    auditor = _acts_there(services, "etudes")
    with services.reading() as session:
        seen = set(session.scalars(select(Register.code).where(books.readable_clause(auditor))))
        assert "ARR-DGE" in seen
        assert "AUT-ARR" not in seen


def test_each_ministry_keeps_an_administrator_who_can_sign_in(services: Services) -> None:
    gone = lambda now: wanted.departure(now, "aut-a", successors={})  # noqa: E731
    refused(services, lambda uow: _at_once(uow, gone, actor(services, "aut-a")), "act.last_administrator")
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account.in_(("aut-a", "aut-t"))).values(password_hash="x"))
    for successor, is_refused in (("aut-b", True), ("aut-t", False)):
        handed = lambda now, to=successor: wanted.departure(now, "aut-a", successors={"AUT-A": to})  # noqa: E731
        if is_refused:
            refused(
                services,
                lambda uow, asked=handed: _at_once(uow, asked, actor(services, "aut-a")),
                "act.last_administrator",
            )
        else:
            do(services, handed, who="aut-a")


def _at_once(uow: UnitOfWork, asked: Wanted, who: Actor) -> None:
    act_id = acts.propose(uow, "person.leave", "X", asked(acts.current(uow.session, on=TODAY)), actor=who)
    found = acts.look(uow.session, uow.session.get_one(OrganisationAct, act_id).sheets, on=TODAY).differences
    acts.confirm(uow, act_id, shown=digest(found), actor=who)
