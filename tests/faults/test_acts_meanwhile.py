"""An act of the administration is under way, on PostgreSQL, while somebody else acts on what was true before it: the second one
waits, and is refused in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from ged.administration import first_access, operations, wanted
from ged.errors import Forbidden, GedError, Invalid, RowGone
from ged.org import delegations
from ged.org.delegations import DelegationForm, delegate
from ged.org.load import INSTALLATION_ID
from ged.org.models import Delegation, DelegationKind, FirstAccess, Installation, Person, Unit
from ged.org.openings import rows
from ged.ports import MailId, PersonId, PostId
from ged.routing import operations as routing
from ged.routing.models import Assignment
from ged.routing.operations import ImputationForm
from ged.spreadsheet.reading import read_apart
from ged.unit import Services, once_more
from ged.workbook import operations as workbooks
from ged.workbook import writing
from ged.workbook.merging import merge
from ged.workbook.state import organisation_now
from tests.administration_kit import Wanted, do, propose
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.lock_kit import Actor, outcomes, wait_for_waiters
from tests.routing_kit import post_id, register, unit_id

pytestmark = pytest.mark.servers


@pytest.fixture
def services(tmp_path: Path, make_database: Callable[[], str]) -> Iterator[Services]:
    made = make_services(tmp_path, url=make_database())
    make_organisation(made)
    with made.unit_of_work(NOW) as uow:
        uow.session.add(Installation(id=INSTALLATION_ID, name="Ministère"))
    yield made
    made.engine.dispose()


def while_under_way(services: Services, asked: Wanted, second: Callable[[], object]) -> Actor:
    """Begin ``second`` while an act is done and not committed yet; the act is committed once the second one waits."""
    act_id = propose(services, asked)
    me = actor(services, "admin")
    shown = operations.preview(services, act_id, actor=me, now=NOW).digest
    with services.unit_of_work(NOW) as uow:
        operations.confirm(uow, act_id, shown=shown, actor=me)
        uow.session.flush()
        late = Actor(second)
        wait_for_waiters(services.engine)
    return late


@pytest.mark.parametrize(("leaves", "told"), [("dge", "person.unknown"), ("etudes", "delegation.person")])
def test_no_delegation_stays_of_or_to_somebody_who_leaves_at_this_moment(
    services: Services, leaves: str, told: str
) -> None:
    giver = actor(services, "dge")
    form = DelegationForm(
        PostId(post_id(services, "DGE-C")), PersonId(int(actor(services, "etudes").person_id)), DelegationKind.DELEGATION,
        "Décision n° 4", TODAY, TODAY + timedelta(days=2),
    )  # fmt: skip

    def give() -> None:
        with services.unit_of_work(NOW) as uow:
            delegate(uow, form, actor=giver)

    late = while_under_way(services, lambda now: wanted.departure(now, leaves, successors={}), give)
    with pytest.raises(GedError, match=told):
        late.result()
    with services.reading() as session:
        assert session.scalar(select(func.count()).select_from(Delegation)) == 0


def test_an_administrator_whose_role_goes_at_this_moment_confirms_nothing(services: Services) -> None:
    do(services, lambda now: wanted.new_post(
        now, code="ADM2", title="Second", unit="SG", roles=("administrator",), holder="agent", secretary_of=None
    ))  # fmt: skip
    other = actor(services, "agent")
    asked = propose(services, lambda now: wanted.changed_unit(now, "DGE", name="Énergie", kind="service"), who="agent")
    shown = operations.preview(services, asked, actor=other, now=NOW).digest

    def confirm() -> None:
        with services.unit_of_work(NOW) as uow:
            operations.confirm(uow, asked, shown=shown, actor=other)

    late = while_under_way(services, lambda now: wanted.given_post(now, "ADM2", holder=None), confirm)
    with pytest.raises(Forbidden, match="access.role_missing"):
        late.result()
    with services.reading() as session:
        assert session.scalars(select(Unit.name).where(Unit.code == "DGE")).one() != "Énergie"


def test_an_imputation_to_a_unit_whose_making_is_undone_is_refused_in_words(services: Services) -> None:
    made = do(
        services, lambda now: wanted.new_unit(now, code="N", name="N", kind="service", below="SG", is_entity=False)
    )
    form = ImputationForm(unit_id(services, "N"), (), (), "", None)  # type: ignore[arg-type]
    mail_id = register(services).mail_id
    tries: list[None] = []

    def once() -> None:
        tries.append(None)
        with services.unit_of_work(NOW) as uow:
            routing.impute(uow, MailId(mail_id), form, version=None, actor=actor(services, "sg"), now=NOW)

    with services.unit_of_work(NOW) as uow:
        operations.undo(uow, made, actor=actor(services, "admin"))
        uow.session.flush()
        late = Actor(lambda: once_more(once))
        wait_for_waiters(services.engine)
    with pytest.raises(GedError) as told:
        late.result()
    assert told.value.code == "unit.unknown"
    assert len(tries) == 1, "it waited before it held anything, and then read that the unit is gone"
    with services.reading() as session:
        assert session.scalar(select(func.count()).where(Assignment.mail_id == mail_id)) == 0


def test_a_row_that_was_never_there_is_a_fault_of_the_program(services: Services) -> None:
    """It is not told to people as a thing to send again."""

    def write() -> None:
        with services.unit_of_work(NOW) as uow:
            uow.session.add(Unit(code="X", name="X", kind="service", parent_id=999))

    with pytest.raises(RowGone):
        write()
    with pytest.raises(Exception, match="ForeignKeyViolation") as fault:
        once_more(write)
    assert not isinstance(fault.value, RowGone | GedError)
    with pytest.raises(Exception, match="ForeignKeyViolation"):
        for attempt in services.attempts(NOW):
            with attempt as uow:
                uow.session.add(Unit(code="X", name="X", kind="service", parent_id=999))


def test_a_code_is_confirmed_or_refused_and_used_once(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Person).where(Person.account.in_(("dge", "sg"))).values(password_hash="x"))
    person = int(actor(services, "etudes").person_id)
    for _ in range(4):
        with services.unit_of_work(NOW) as uow:
            made = first_access.make(uow, person, actor=actor(services, "admin"))
        with services.reading() as session:
            row = session.scalars(select(FirstAccess.id)).one()

        def settle(who: str, is_confirmed: bool, row: int = row) -> None:
            with services.unit_of_work(NOW) as uow:
                shown = rows(uow.session, [row], on=TODAY, now=NOW)[row].mark
                (first_access.confirm if is_confirmed else first_access.refuse)(
                    uow, row, shown=shown, actor=actor(services, who)
                )

        found = outcomes(lambda: settle("dge", True), lambda: settle("sg", False))
        assert sorted(str(type(one)) for one in found if one is not None) == [str(Invalid)]
    with services.unit_of_work(NOW) as uow:
        made = first_access.make(uow, person, actor=actor(services, "admin"))
    settle("dge", True)

    def use(password: str) -> None:
        with services.unit_of_work(NOW) as uow:
            first_access.choose(uow, made.code, password)

    used = outcomes(lambda: use("one"), lambda: use("two"), lambda: use("three"))
    assert sum(isinstance(one, Invalid) for one in used) == 2


@pytest.mark.parametrize("is_holders", [False, True], ids=["by a line of a workbook", "by another holder"])
def test_a_delegation_that_its_giver_ends_at_this_moment_is_not_brought_back(
    services: Services, is_holders: bool
) -> None:
    """The workbook's own ending came second and did nothing: so its undo gives nothing back."""
    with services.unit_of_work(NOW) as uow:
        form = DelegationForm(
            PostId(post_id(services, "DGE-C")), PersonId(int(actor(services, "etudes").person_id)), DelegationKind.DELEGATION,
            "Décision n° 4", TODAY, TODAY + timedelta(days=2),
        )  # fmt: skip
        delegation_id = delegate(uow, form, actor=actor(services, "dge"))
    lines = {
        "Délégations": [["DGE-C", "etudes", "délégation", "Décision n° 4", TODAY.isoformat(), (TODAY + timedelta(days=2)).isoformat(), "", "", "", "oui"]],
        "Postes": [["DGE-C", "", "", "—"]],
    }  # fmt: skip
    title = "Postes" if is_holders else "Délégations"
    with services.reading() as session:
        seen = organisation_now(session, on=TODAY)
    head = read_apart(writing.filled(seen))[title][0]
    merged = merge(
        seen, {title: [head, *lines[title]], "Mentions": [["Code", "Libellé"], ["vu", "Pour information"]]}, on=TODAY
    )
    assert merged.file is not None, merged.findings
    file = merged.file

    def take() -> None:
        with services.unit_of_work(NOW + timedelta(minutes=1)) as uow:
            import_id = workbooks.hand_in(uow, b"x", "c.xlsx")
            workbooks.take_in(uow, import_id, file, seen=seen, on=TODAY)

    with services.unit_of_work(NOW) as uow:
        delegations.withdraw(uow, delegation_id, actor=actor(services, "dge"))
        uow.session.flush()
        late = Actor(take)
        wait_for_waiters(services.engine)
    late.result()
    with services.unit_of_work(NOW + timedelta(minutes=2)) as uow:
        workbooks.undo(uow)
    with services.reading() as session:
        assert session.get_one(Delegation, delegation_id).withdrawn_at == NOW
