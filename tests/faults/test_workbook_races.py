"""Workbooks on PostgreSQL while people work: no newer change is overwritten, and no row loses a row that it refers
to."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ged import audit
from ged.audit import AuditEntry
from ged.errors import Forbidden, GedError, Invalid
from ged.natures.models import Nature
from ged.org.models import Delegation, Unit
from ged.ports import RegisterId
from ged.register.models import Correspondent, Mail, Register
from ged.register.operations import IncomingForm, register_incoming
from ged.spreadsheet.reading import read_apart
from ged.unit import HeldPost, Services, UnitOfWork
from ged.workbook import operations, writing
from ged.workbook.merging import merge
from ged.workbook.state import organisation_now
from tests.factories import NOW, TODAY, actor, make_organisation, make_services
from tests.lock_kit import Actor, wait_for_waiters
from tests.routing_kit import post_id

pytestmark = [pytest.mark.servers]


@pytest.fixture
def services(make_database, tmp_path: Path):
    made = make_services(tmp_path, url=make_database())
    make_organisation(made)
    yield made
    made.engine.dispose()


def rows(services: Services, changes):
    with services.reading() as session:
        all_rows = read_apart(writing.filled(organisation_now(session, on=TODAY)))
    return {t: [all_rows[t][0], *lines] for t, lines in changes.items()}


def take(services: Services, changes, now=NOW) -> None:
    book = rows(services, changes)
    with services.unit_of_work(now) as uow:
        seen = organisation_now(uow.session, on=TODAY)
        merged = merge(seen, book)
        assert merged.file is not None, merged.findings
        import_id = operations.hand_in(uow, b"x", "c.xlsx")
        operations.take_in(uow, import_id, merged.file, seen=seen, on=TODAY)


def test_an_import_writes_nothing_back_over_what_others_changed_meanwhile(services: Services) -> None:
    """The workbook was read over an organisation that has changed since. It is refused, and read again."""
    take(services, {"Correspondants": [["Trésor public", "administration", "Lomé", "", ""]]})
    book = rows(services, {"Mentions": [["avis", "Pour avis", ""]]})
    with services.unit_of_work(NOW) as uow:
        seen = organisation_now(uow.session, on=TODAY)
        merged = merge(seen, book)
        assert merged.file is not None
        # meanwhile, another administrator and a clerk
        take(services, {"Unités": [["DGE", "Nouveau nom", "", ""]]}, now=NOW + timedelta(seconds=1))
        with services.unit_of_work(NOW) as other:
            row = other.session.scalars(select(Correspondent).where(Correspondent.name == "Trésor public")).one()
            row.address = "Atakpamé"
        import_id = operations.hand_in(uow, b"y", "d.xlsx")
        with pytest.raises(Invalid) as refusal:
            operations.take_in(uow, import_id, merged.file, seen=seen, on=TODAY)
        assert refusal.value.code == "workbook.overtaken"
    with services.reading() as session:
        name = session.scalar(select(Unit.name).where(Unit.code == "DGE"))
        address = session.scalar(select(Correspondent.address).where(Correspondent.name == "Trésor public"))
    assert (name, address) == ("Nouveau nom", "Atakpamé")


def form(services: Services, nature: str = "", sender: str = "X") -> IncomingForm:
    return IncomingForm(subject="Objet", sender_name=sender, addressed_post_id=post_id(services, "SG-T"), nature=nature)


def test_undo_against_a_registration_with_a_nature_of_the_workbook(services: Services) -> None:
    take(services, {"Natures": [["essai", "Essai", "arrivée", "", "", "", "", "", ""]]})
    with services.reading() as session:
        register_id = session.scalar(select(Register.id).where(Register.code == "ARR"))
    with services.unit_of_work(NOW) as uow:
        register_incoming(
            uow, RegisterId(register_id), form(services, "essai"), actor=actor(services, "agent"), now=NOW
        )
        uow.session.flush()
        failed = []

        def undo() -> None:
            try:
                with services.unit_of_work(NOW) as other:
                    operations.undo(other)
            except GedError as error:
                failed.append(error)

        thread = threading.Thread(target=undo)
        thread.start()
        thread.join(3)
        waited = thread.is_alive()
    thread.join(60)
    assert waited or failed
    with services.reading() as session:
        natures = set(session.scalars(select(Nature.code)))
        used = set(session.scalars(select(Mail.nature)))
    assert used <= natures, (used, natures)


def test_undo_against_a_registration_in_a_register_of_the_workbook(services: Services) -> None:
    take(services, {"Registres": [["ARR2", "Second", "BO", "arrivée", "courrier arrivée", "{seq:05d}/{year}", "oui"]]})
    with services.reading() as session:
        register_id = session.scalar(select(Register.id).where(Register.code == "ARR2"))
    failed: list[BaseException] = []

    def undo() -> None:
        try:
            with services.unit_of_work(NOW) as other:
                operations.undo(other)
        except Exception as error:  # noqa: BLE001  # any, to be told below
            failed.append(error)

    thread = threading.Thread(target=undo)
    with services.unit_of_work(NOW) as uow:
        register_incoming(uow, RegisterId(register_id), form(services), actor=actor(services, "agent"), now=NOW)
        uow.session.flush()
        thread.start()
        thread.join(3)
    thread.join(60)
    assert failed
    assert isinstance(failed[0], GedError), repr(failed[0])[:300]


def test_a_name_of_a_file_with_a_nul_is_kept_or_refused_in_words(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        operations.hand_in(uow, b"x", "classeur\0.xlsx")


def delegated(services: Services) -> HeldPost:
    """A delegation of a workbook. Returns the post as its delegate acts through it."""
    take(services, {"Délégations": [["DGE-C", "etudes", "délégation", "Décision n° 4", "24/11/2026", "31/12/2026"]]})
    held = actor(services, "etudes").holds(post_id(services, "DGE-C"))
    assert held is not None
    return held


def act(uow: UnitOfWork, services: Services, held: HeldPost) -> None:
    uow.record("mail.noted", "mail", None, actor=actor(services, "etudes"), post=held)


def undo(services: Services) -> None:
    with services.unit_of_work(NOW + timedelta(hours=1)) as uow:
        operations.undo(uow)


def test_an_undo_waits_for_the_delegate_who_is_about_to_commit_and_names_what_hangs(services: Services) -> None:
    held = delegated(services)
    with services.unit_of_work(NOW + timedelta(minutes=1)) as uow:
        act(uow, services, held)
        audit.lock(uow.session)
        late = Actor(lambda: undo(services))
        wait_for_waiters(services.engine)
    with pytest.raises(Invalid, match=r"workbook\.hangs") as refusal:
        late.result()
    assert refusal.value.params["obstacles"]
    with services.reading() as session:
        assert session.scalar(select(func.count()).select_from(Delegation)) == 1


def test_a_delegate_whose_delegation_is_undone_before_the_commit_has_done_nothing(services: Services) -> None:
    held = delegated(services)
    with pytest.raises(Forbidden, match=r"delegation\.gone"), services.unit_of_work(NOW + timedelta(minutes=1)) as uow:
        act(uow, services, held)
        undo(services)
    with services.reading() as session:
        assert session.scalar(select(func.count()).select_from(Delegation)) == 0
        acted = select(func.count()).select_from(AuditEntry).where(AuditEntry.action == "mail.noted")
        assert session.scalar(acted) == 0
