"""Changes of the organisation by dated acts: what they say before, what they do, when, and that they are taken back whole."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import audit
from ged.access import Because, grant, may_see
from ged.administration import consequences, operations, planned, wanted
from ged.administration.apart import Unfit
from ged.administration.states import ActState, state_of
from ged.audit import AuditEntry, AuditPayload
from ged.errors import GedError, Invalid, InvalidTransition
from ged.org.delegations import DelegationForm, delegate
from ged.org.models import Delegation, DelegationKind, Holding, OpenSession, Person, Post, Unit
from ged.org.sessions import open_session
from ged.pipeline import schedule_periodic
from ged.ports import Confidentiality, PersonId, PostId, Principal, post_principal
from ged.routing.load import fill_calendar
from ged.unit import Services
from tests.administration_kit import confirm, do, dump, organisation, propose, the_act, undo
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.routing_kit import impute, post_id, register

pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]
TOMORROW = TODAY + timedelta(days=1)


@pytest.fixture
def services(either_database: str | None, tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path, url=either_database)
    make_organisation(made)
    with made.unit_of_work(NOW) as uow:
        fill_calendar(uow)  # as in every installation that works: no act fills it
    yield made
    made.engine.dispose()


def unit(services: Services, code: str) -> Unit:
    with services.reading() as session:
        return session.scalars(select(Unit).where(Unit.code == code)).one()


def closed(code: str, successor: str, *, keeps_posts: bool = False) -> Any:
    return lambda now: wanted.closed_unit(now, code, successor=successor, keeps_posts=keeps_posts)


def renamed(code: str, name: str) -> Any:
    return lambda now: wanted.changed_unit(now, code, name=name, kind="service")


def given(code: str, holder: str | None) -> Any:
    return lambda now: wanted.given_post(now, code, holder=holder)


def moved(code: str, below: str) -> Any:
    return lambda now: wanted.moved_unit(now, code, below=below)


def codes(refusal: pytest.ExceptionInfo[GedError]) -> set[str]:
    found = refusal.value
    return {one.code for one in found.errors} if isinstance(found, Unfit) else {found.code}


REGISTER: dict[str, Any] = {
    "code": "NS", "name": "Notes de service", "unit": "BO", "nature": "note_service", "direction": "internal",
    "pattern": "NS-{seq:04d}/{year}", "restarts_yearly": True, "paper_number": "", "paper_reason": "",
}  # fmt: skip

ACTS = {
    "new unit": lambda now: wanted.new_unit(now, code="DRH", name="Ressources humaines", kind="service", below="SG", is_entity=False),
    "new entity": lambda now: wanted.new_unit(now, code="ORG", name="Organisme", kind="entity", below="MIN", is_entity=True),
    "renamed": renamed("DGE", "Direction de l'énergie"),
    "given an address": lambda now: wanted.changed_unit(now, "DGE", name="Direction", kind="service", address="BP 335, Lomé"),
    "moved": moved("ETU", "DAF"),
    "merged": closed("DGE", "DAF"),
    "closed": closed("BO", "SG", keeps_posts=True),
    "new post": lambda now: wanted.new_post(now, code="ETU-C", title="Chef", unit="ETU", roles=("head",), holder="etudes", secretary_of=None),
    "changed post": lambda now: wanted.changed_post(now, "BO-A", title="Agent", unit="SG", roles=("clerk", "member"), secretary_of="SG-T"),
    "given": given("ETU-M", "daf"),
    "vacant": given("DGE-C", None),
    "new person": lambda now: wanted.new_person(now, account="nouveau", name="Nouveau Venu", email="n@exemple.tg", clearance="ordinary", post="BO-A"),
    "changed person": lambda now: wanted.changed_person(now, "daf", name="Afi Mensah", email="", clearance="secret"),
    "new register": lambda now: wanted.new_register(now, **(REGISTER | {"paper_number": "812", "paper_reason": "Tome 3"})),
    "new register from 1": lambda now: wanted.new_register(now, **REGISTER),
    "changed register": lambda now: wanted.changed_register(now, "ARR", name="Arrivées", unit="SG", pattern="{seq:04d}/{yy}/{unit}"),
    "continued register": lambda now: wanted.continued_register(now, "ARR-DGE", paper_number="40", paper_reason="Tome 1"),
    "closed register": lambda now: wanted.closed_register(now, "ARR-DGE"),
    "departure": lambda now: wanted.departure(now, "dge", successors={"DGE-C": "etudes"}),
}  # fmt: skip


def test_letters_are_counted_for_a_page_when_nobody_waits_for_it_any_more(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that is only looked at does the act and rolls it back; others write while it counts."""
    act_id = propose(services, given("DGE-C", None))
    count, written = consequences.open_letters, []

    def meanwhile(session: Session, principals: Sequence[Principal]) -> int:
        with services.unit_of_work(NOW) as other:
            waiting = select(Holding).join(Post, Post.id == Holding.post_id).where(Post.code == "DGE-C")
            other.session.scalars(waiting.with_for_update(nowait=True)).all()
            written.append(1)
        return count(session, principals)

    monkeypatch.setattr(consequences, "open_letters", meanwhile)
    shown = operations.preview(services, act_id, actor=actor(services, "admin"), now=NOW)
    assert len(written) > 1
    monkeypatch.undo()
    confirm(services, act_id)
    assert the_act(services, act_id).consequences == shown.consequences, "what was shown is what was done"


@pytest.mark.in_shares(3)
@pytest.mark.parametrize("name", ACTS)
def test_an_act_is_done_as_it_was_shown_and_taken_back_byte_by_byte(services: Services, name: str) -> None:
    before = dump(services)
    act_id = propose(services, ACTS[name])
    shown = operations.preview(services, act_id, actor=actor(services, "admin"), now=NOW)
    assert dump(services) == before, "looking changes nothing"
    confirm(services, act_id)
    assert dump(services) != before
    done = the_act(services, act_id)
    assert [tuple(one) for one in done.differences] == [
        (d.kind, d.code, d.field, d.before, d.after, d.is_new) for d in shown.differences
    ]
    undo(services, act_id, now=NOW + timedelta(hours=1))
    after = dump(services)
    assert {table: rows for table, rows in after.items() if rows != before[table]} == {}
    with services.snapshot() as session:
        assert list(audit.verify_chain(session)) == []


def test_the_journal_has_the_values_before_and_after(services: Services) -> None:
    act_id = do(services, renamed("DGE", "Énergie"))
    undo(services, act_id)
    with services.reading() as session:
        told = session.execute(
            select(AuditEntry.action, AuditEntry.person_id, AuditPayload.payload)
            .join(AuditPayload, AuditPayload.sequence == AuditEntry.sequence)
            .where(AuditEntry.subject_kind == "organisation_act")
            .order_by(AuditEntry.sequence)
        ).all()
    assert [row.action for row in told] == ["organisation.changed", "organisation.undone"]
    assert {row.person_id for row in told} == {int(actor(services, "admin").person_id)}
    assert told[0].payload["differences"] == [
        ["units", "DGE", "name", "Direction générale de l'énergie", "Énergie", False]
    ]


# --- letters follow -------------------------------------------------------------------------------------------------


def test_a_merger_moves_no_letter_and_the_successor_sees_them(services: Services) -> None:
    mail_id = register(services, "Pour l'énergie").mail_id
    impute(services, mail_id, "DGE")
    before = dump(services)["mail_access"]
    jobs_before = _jobs(services)
    act_id = propose(services, closed("DGE", "DAF"))
    shown = operations.preview(services, act_id, actor=actor(services, "admin"), now=NOW)
    assert shown.consequences["letters_to_successor"] == 1
    assert shown.consequences["posts_move"] == 1
    assert shown.consequences["registers_move"] == 1
    assert shown.consequences["units_move"] == 1
    assert not _sees(services, "daf", mail_id)
    confirm(services, act_id)
    assert _sees(services, "daf", mail_id), "the successor"
    assert _sees(services, "dge", mail_id), "who works on it came along"
    assert not _sees(services, "admin", mail_id)
    assert dump(services)["mail_access"] == before
    assert _jobs(services) == jobs_before, "nothing is indexed again"


def _sees(services: Services, account: str, mail_id: int) -> bool:
    with services.reading() as session:
        return may_see(session, mail_id, Confidentiality.ORDINARY, actor(services, account))


def _jobs(services: Services) -> int:
    from sqlalchemy import func

    from ged.jobs import Job

    with services.reading() as session:
        return session.scalar(select(func.count()).select_from(Job)) or 0


def test_what_is_counted_before_a_post_is_handed_over(services: Services) -> None:
    letters = [register(services, subject).mail_id for subject in ("Un", "Deux")]
    with services.unit_of_work(NOW) as uow:
        for mail_id in letters:
            grant(uow, mail_id, [post_principal(post_id(services, "DGE-C"))], Because.ASSIGNED)
    granted = _delegate(services, "dge", "DGE-C", "daf")
    act_id = propose(services, given("DGE-C", "etudes"))
    shown = operations.preview(services, act_id, actor=actor(services, "admin"), now=NOW)
    assert shown.consequences == {"letters_follow_post": 2, "delegations": 1}
    confirm(services, act_id)
    with services.reading() as session:
        assert session.get_one(Delegation, granted).withdrawn_at is not None
    undo(services, act_id)
    with services.reading() as session:
        assert session.get_one(Delegation, granted).withdrawn_at is None


def _delegate(services: Services, who: str, post: str, to: str) -> int:
    with services.unit_of_work(NOW) as uow:
        form = DelegationForm(
            PostId(post_id(services, post)), PersonId(int(actor(services, to).person_id)), DelegationKind.DELEGATION,
            "Décision n° 4", TODAY, TODAY + timedelta(days=30),
        )  # fmt: skip
        return delegate(uow, form, actor=actor(services, who))


# --- a person leaves ------------------------------------------------------------------------------------------------


def test_a_departure_ends_all_that_is_the_persons_own(services: Services) -> None:
    given_by, given_to = _delegate(services, "dge", "DGE-C", "daf"), _delegate(services, "daf", "DAF-C", "dge")
    with services.unit_of_work(NOW) as uow:
        person_id = int(actor(services, "dge").person_id)
        open_session(uow, person_id, address="::1", device="x")
        open_session(uow, person_id, address="::1", device="y")
    act_id = propose(services, ACTS["departure"])
    shown = operations.preview(services, act_id, actor=actor(services, "admin"), now=NOW)
    assert (shown.consequences["delegations"], shown.consequences["sessions"]) == (2, 2)
    confirm(services, act_id)
    with services.reading() as session:
        assert not session.get_one(Person, person_id).is_active
        assert all(session.get_one(Delegation, one).withdrawn_at for one in (given_by, given_to))
        assert session.scalars(select(OpenSession).where(OpenSession.person_id == person_id)).all() == []
    assert next(post for post in organisation(services).posts if post.code == "DGE-C").holder == "etudes"
    undo(services, act_id)
    with services.reading() as session:
        assert session.get_one(Person, person_id).is_active
        assert session.scalars(select(OpenSession).where(OpenSession.person_id == person_id)).all() == [], "never again"


def test_a_closed_account_holds_no_post(services: Services) -> None:
    do(services, ACTS["departure"])
    with pytest.raises(Unfit) as refusal:
        propose(services, given("BO-A", "dge"))
    assert codes(refusal) == {"cell.closed_holder"}


# --- what does not fit ----------------------------------------------------------------------------------------------

REFUSED = {
    "below itself": (moved("DGE", "DGE"), "cell.cycle"),
    "below what is below it": (moved("DGE", "ETU"), "cell.cycle"),
    "a unit that is not there": (moved("DGE", "NULLE-PART"), "cell.unknown"),
    "a code that exists": (lambda now: wanted.new_unit(now, code="dge", name="X", kind="service", below="SG", is_entity=False), "cell.nearly_twice"),
    "exactly a code that exists": (lambda now: wanted.new_unit(now, code="DAF", name="X", kind="service", below="SG", is_entity=False), "cell.nearly_twice"),
    "exactly an account that exists": (lambda now: wanted.new_person(now, account="dge", name="X", email="", clearance="ordinary"), "cell.nearly_twice"),
    "exactly a post that exists": (lambda now: wanted.new_post(now, code="BO-A", title="X", unit="SG", roles=(), holder=None, secretary_of=None), "cell.nearly_twice"),
    "a code with a space": (lambda now: wanted.new_unit(now, code="D G", name="X", kind="service", below="SG", is_entity=False), "cell.space"),
    "a long name": (renamed("DGE", "x" * 201), "cell.too_long"),
    "an invisible sign": (renamed("DGE", "Ener\u202egie"), "cell.control"),
    "its own successor": (closed("DGE", "DGE"), "cell.itself"),
    "the top": (closed("MIN", "SG"), "act.top"),
    "nothing changes": (renamed("DAF", "Direction des affaires financières"), "act.nothing"),
    "an account that is not there": (given("BO-A", "personne"), "cell.unknown"),
    "exactly a register that exists": (lambda now: wanted.new_register(now, **(REGISTER | {"code": "ARR"})), "cell.nearly_twice"),
    "a pattern without a number": (lambda now: wanted.new_register(now, **(REGISTER | {"pattern": "{year}/NS"})), "cell.pattern"),
    "a yearly pattern without a year": (lambda now: wanted.new_register(now, **(REGISTER | {"pattern": "NS-{seq}"})), "act.year_missing"),
    "another direction": (lambda now: wanted.new_register(now, **(REGISTER | {"nature": "arrivee"})), "act.other_direction"),
    "a paper book without a name": (lambda now: wanted.new_register(now, **(REGISTER | {"paper_number": "12"})), "cell.no_paper"),
    "a number that is none": (lambda now: wanted.new_register(now, **(REGISTER | {"paper_number": "-3", "paper_reason": "x"})), "cell.number"),
    "no email": (lambda now: wanted.changed_person(now, "daf", name="Daf", email="daf", clearance="ordinary"), "cell.email"),
}  # fmt: skip


@pytest.mark.in_shares(4)
@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_and_nothing_is_kept(tmp_path: Path, name: str) -> None:
    services = make_services(tmp_path)
    make_organisation(services)
    asked, code = REFUSED[name]
    with pytest.raises(Invalid) as refusal:
        propose(services, asked)
    assert code in codes(refusal)


def test_a_unit_is_closed_into_one_that_stands_below_it(services: Services) -> None:
    do(services, closed("DGE", "ETU"))
    now = organisation(services)
    of = {one.code: one for one in now.units}
    assert of["ETU"].parent == "MIN", "it takes the place"
    assert of["DGE"].closed
    assert {post.unit for post in now.posts if post.code == "DGE-C"} == {"ETU"}


def test_nothing_is_put_under_or_in_a_closed_unit(services: Services) -> None:
    do(services, closed("DGE", "DAF"))
    for asked, code in (
        (moved("BO", "DGE"), "act.closed_parent"),
        (closed("BO", "DGE"), ""),
        (lambda now: wanted.new_post(now, code="P", title="P", unit="DGE", roles=(), holder=None, secretary_of=None), "act.closed_unit"),
    ):  # fmt: skip
        if code:
            with pytest.raises(Unfit) as refusal:
                propose(services, asked)
            assert codes(refusal) == {code}


# --- rights ---------------------------------------------------------------------------------------------------------

OWN = {
    "a post": given("DGE-C", "admin"),
    "a role": lambda now: wanted.changed_post(now, "ADM", title="Poste ADM", unit="SG", roles=("administrator", "head"), secretary_of=None),
    "a clearance": lambda now: wanted.changed_person(now, "admin", name="Admin", email="", clearance="secret"),
    "a secretary's rights": lambda now: wanted.changed_post(now, "ADM", title="Poste ADM", unit="SG", roles=("administrator", "secretary"), secretary_of="SG-T"),
}  # fmt: skip


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("name", OWN)
def test_an_administrator_gives_himself_nothing(tmp_path: Path, name: str, later: bool) -> None:
    services = make_services(tmp_path)
    make_organisation(services)
    act_id = propose(services, OWN[name])
    before = dump(services)
    me = actor(services, "admin")
    with services.reading() as session:
        shown = operations.digest(operations.look(session, the_act(services, act_id).sheets, on=TODAY).differences)
    with pytest.raises(Invalid) as refusal:
        if later:
            operations.plan(services, act_id, on=TOMORROW, shown=shown, actor=me, now=NOW)
        else:
            with services.unit_of_work(NOW) as uow:
                operations.confirm(uow, act_id, shown=shown, actor=me)
    assert refusal.value.code == "act.own_rights"
    assert dump(services) == before


def test_an_undo_gives_an_administrator_no_post_back(services: Services) -> None:
    do(services, given("DAF-C", None))
    with services.unit_of_work(NOW) as uow:
        person = int(actor(services, "admin").person_id)
        uow.session.add(Holding(post_id=post_id(services, "DAF-C"), person_id=person, from_on=date(2026, 1, 1)))
    act_id = do(services, given("DAF-C", "daf"))
    with pytest.raises(Invalid) as refusal:
        undo(services, act_id)
    assert refusal.value.code == "act.own_rights"


# --- two hands ------------------------------------------------------------------------------------------------------


def test_nobody_confirms_what_was_not_shown(services: Services) -> None:
    mine, other = propose(services, renamed("DGE", "Alpha")), propose(services, renamed("DGE", "Bêta"))
    me = actor(services, "admin")
    shown = operations.preview(services, mine, actor=me, now=NOW)
    confirm(services, other)
    with services.unit_of_work(NOW) as uow, pytest.raises(Invalid) as refusal:
        operations.confirm(uow, mine, shown=shown.digest, actor=me)
    assert refusal.value.code == "act.overtaken"
    assert unit(services, "DGE").name == "Bêta"
    confirm(services, mine)
    assert unit(services, "DGE").name == "Alpha"
    with services.unit_of_work(NOW) as uow, pytest.raises(InvalidTransition):
        operations.confirm(uow, mine, shown=shown.digest, actor=me)


# --- undo -----------------------------------------------------------------------------------------------------------


def test_what_changed_since_is_named_and_nothing_is_undone(services: Services) -> None:
    first = do(services, renamed("DGE", "Alpha"))
    second = do(services, renamed("DGE", "Bêta"))
    with pytest.raises(Invalid) as refusal:
        undo(services, first)
    assert [(one.table, one.key) for one in refusal.value.params["obstacles"]] == [("units", "DGE")]
    undo(services, second)
    undo(services, first)
    assert unit(services, "DGE").name == "Direction générale de l'énergie"


def test_a_post_through_which_its_new_holder_acted_is_not_given_back(services: Services) -> None:
    act_id = do(services, given("DGE-C", "etudes"))
    register(services, "Arrivé depuis")
    with services.unit_of_work(NOW + timedelta(hours=1)) as uow:
        who = actor(services, "etudes")
        uow.record("mail.read", "mail", 1, actor=who, post=who.holds(post_id(services, "DGE-C")))
    with pytest.raises(Invalid) as refusal:
        undo(services, act_id)
    assert refusal.value.code == "act.hangs"
    assert "audit_entries" in {one.by for one in refusal.value.params["obstacles"]}


def test_an_undo_makes_no_circle(services: Services) -> None:
    first = do(services, moved("ETU", "DAF"))
    do(services, moved("DGE", "ETU"))
    with pytest.raises(Invalid) as refusal:
        undo(services, first)
    assert refusal.value.code == "act.undo_unfit"
    assert {one.code: one.parent for one in organisation(services).units}["ETU"] == "DAF"


# --- a later day ----------------------------------------------------------------------------------------------------


def at(day: date, hour: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, 1, tzinfo=UTC)


def test_a_planned_act_is_done_once_at_its_day_even_if_the_worker_was_down(services: Services) -> None:
    act_id = confirm(services, propose(services, renamed("DGE", "Énergie")), on=TOMORROW)
    assert state_of(the_act(services, act_id)) is ActState.PLANNED
    planned.run(services, now=at(TODAY, 23))
    assert unit(services, "DGE").name != "Énergie"
    late = at(TOMORROW + timedelta(days=3), 10)
    planned.run(services, now=late)
    planned.run(services, now=late)
    assert unit(services, "DGE").name == "Énergie"
    with services.reading() as session:
        told = session.scalars(select(AuditEntry.action).where(AuditEntry.subject_kind == "organisation_act")).all()
    assert told.count("organisation.changed") == 1
    undo(services, act_id, now=late)
    assert unit(services, "DGE").name == "Direction générale de l'énergie"


def test_the_clock_asks_for_the_acts_of_the_day(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    from ged import schema
    from ged.jobs import Job, JobKind

    monkeypatch.setattr(schema, "is_opened", lambda _session, _revision: True)

    def asked() -> int:
        with services.reading() as session:
            return len(session.scalars(select(Job.id).where(Job.kind == JobKind.ORGANISATION_ACTS)).all())

    confirm(services, propose(services, renamed("DGE", "Énergie")), on=TOMORROW)
    schedule_periodic(services, now=at(TODAY, 23))
    assert asked() == 0
    schedule_periodic(services, now=at(TOMORROW))
    assert asked() == 1


def test_what_does_not_fit_any_more_is_refused_on_its_day(services: Services) -> None:
    act_id = confirm(services, propose(services, moved("ETU", "DAF")), on=TOMORROW)
    other = confirm(services, propose(services, given("BO-A", "etudes")), on=TOMORROW)
    do(services, closed("DAF", "DGE"))
    before = dump(services)
    planned.run(services, now=at(TOMORROW))
    refused = the_act(services, act_id)
    assert state_of(refused) is ActState.REFUSED
    assert [code for code, _params in refused.refusal] == ["act.closed_parent"]
    assert state_of(the_act(services, other)) is ActState.DONE, "the others are done"
    assert {name for name, rows in dump(services).items() if rows != before[name]} == {"holdings", "personal_notices"}


def test_a_value_that_changed_meanwhile_refuses_the_planned_act(services: Services) -> None:
    act_id = confirm(services, propose(services, given("BO-A", "etudes")), on=TOMORROW)
    do(services, given("BO-A", "daf"))
    planned.run(services, now=at(TOMORROW))
    assert [code for code, _params in the_act(services, act_id).refusal] == ["act.overtaken"]


def test_a_planned_act_is_withdrawn(services: Services) -> None:
    act_id = confirm(services, propose(services, renamed("DGE", "Énergie")), on=TOMORROW)
    with services.unit_of_work(NOW) as uow:
        operations.withdraw(uow, act_id, actor=actor(services, "admin"))
    planned.run(services, now=at(TOMORROW))
    assert unit(services, "DGE").name != "Énergie"
    with services.unit_of_work(NOW) as uow, pytest.raises(InvalidTransition):
        operations.withdraw(uow, act_id, actor=actor(services, "admin"))


def test_a_day_that_is_past_or_far_is_refused(services: Services) -> None:
    act_id = propose(services, renamed("DGE", "Énergie"))
    for day in (TODAY, TODAY - timedelta(days=1), TODAY + timedelta(days=400)):
        with pytest.raises(Invalid) as refusal:
            operations.plan(services, act_id, on=day, shown="", actor=actor(services, "admin"), now=NOW)
        assert refusal.value.code == "act.day"


def test_a_departure_revokes_what_the_house_issued_and_no_undo_takes_that_back(tmp_path: Path) -> None:
    from ged.org.keys import issue_key
    from ged.org.models import IssuedCertificate, SigningKey
    from ged.unit import SYSTEM

    services = make_services(tmp_path)
    make_organisation(services)
    person = int(actor(services, "dge").person_id)
    with services.unit_of_work(NOW) as uow:
        issue_key(uow, person, passphrase="une phrase de passe assez longue", actor=SYSTEM)
    act_id = propose(services, ACTS["departure"])
    shown = operations.preview(services, act_id, actor=actor(services, "admin"), now=NOW)
    assert shown.consequences["certificates"] == 1

    def in_force() -> tuple[int, int]:
        with services.reading() as session:
            issued = select(IssuedCertificate.id).where(
                IssuedCertificate.person_id == person, IssuedCertificate.revoked_at.is_(None)
            )
            keys = select(SigningKey.id).where(SigningKey.person_id == person, SigningKey.revoked_at.is_(None))
            return len(session.scalars(issued).all()), len(session.scalars(keys).all())

    assert in_force() == (1, 1), "looking revokes nothing"
    confirm(services, act_id)
    assert in_force() == (0, 0)
    undo(services, act_id)
    assert in_force() == (0, 0), "a revocation is published"
    assert actor(services, "dge").account == "dge"
