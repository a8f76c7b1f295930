"""Two people change one row without its lock. The second is told that the form is stale, and nothing of it is
stored."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from ged import locks
from ged.errors import StaleVersion
from ged.ports import MailId
from ged.register.models import Correspondent, Mail
from ged.routing import operations
from ged.routing.states import AssignmentState
from ged.unit import Services
from tests.factories import NOW, actor, make_organisation, make_services
from tests.lock_kit import Actor, wait_for_waiters
from tests.routing_kit import impute, make_mentions, register

pytestmark = pytest.mark.servers


@pytest.fixture
def services(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Services]:
    made = make_services(tmp_path, url=request.getfixturevalue("make_database")())
    make_organisation(made)
    make_mentions(made)
    yield made
    made.engine.dispose()


def _rename(services: Services, name: str) -> None:
    with services.unit_of_work(NOW) as uow:
        uow.session.scalars(select(Correspondent)).one().name = name


def test_a_row_changed_by_another_since_it_was_read_is_a_stale_form(services: Services) -> None:
    register(services)
    with pytest.raises(StaleVersion, match=r"form\.stale"), services.unit_of_work(NOW) as uow:
        mine = uow.session.scalars(select(Correspondent)).one()
        _rename(services, "Préfecture de Kloto")
        mine.name = "Préfecture de Vo"
    with services.reading() as session:
        assert session.scalars(select(Correspondent.name)).one() == "Préfecture de Kloto"


def test_an_answer_that_leaves_waits_for_the_letters_row_and_reads_it_anew(services: Services) -> None:
    mail_id = register(services).mail_id
    impute(services, mail_id, "DGE")
    read, begin = threading.Event(), threading.Event()

    def leave() -> None:
        with services.unit_of_work(NOW) as uow:
            uow.session.get_one(Mail, mail_id)  # read before the lock, as the answer's dispatch does
            read.set()
            assert begin.wait(30)
            operations.answered_by(uow, MailId(mail_id), actor=actor(services, "agent"), now=NOW, outcome="Réponse")

    leaving = Actor(leave)
    assert read.wait(30)
    with services.unit_of_work(NOW) as uow:
        mail = locks.hold_known(uow.session, Mail, mail_id)
        begin.set()
        wait_for_waiters(services.engine)
        mail.subject = "Objet rectifié"
    leaving.result()
    with services.reading() as session:
        mail = session.get_one(Mail, mail_id)
        assert (mail.state.value, mail.subject) == ("answered", "Objet rectifié")
        row = session.scalars(select(operations.Assignment)).one()
        assert row.state is AssignmentState.DONE
