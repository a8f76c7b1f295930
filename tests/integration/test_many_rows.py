"""Rows that are written together (``ged.db.write_many``) are the rows that a session would have written one by one."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ged import access, audit
from ged.access import Because, MailAccess
from ged.audit import AuditEntry
from ged.db import COPIED_FROM, Base, misses_a_row, table_of, write_many
from ged.errors import RowGone
from ged.jobs import Job
from ged.ports import Confidentiality, unit_principal
from ged.register.models import Attachment, AttachmentKind, Direction, Mail, PageText
from ged.register.states import MailState
from ged.unit import SYSTEM, Services
from tests.factories import NOW, make_organisation, make_services
from tests.routing_kit import unit_id

pytestmark = pytest.mark.in_turns(3)

DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)]
UGLY = "Préfet\tde l’Ogou\\N \\. \"'\r\n\u202f€ \U0001f4e8"
"""What COPY and files of values part or escape."""


@pytest.fixture(params=DATABASES)
def services(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Services]:
    url = None
    if request.param == "postgresql":
        make: Callable[[], str] = request.getfixturevalue("make_database")
        url = make()
    made = make_services(tmp_path, url=url)
    make_organisation(made)
    yield made
    made.engine.dispose()


def mail(services: Services, **more: Any) -> dict[str, Any]:
    told = {
        "direction": Direction.INCOMING, "state": MailState.CLOSED, "level": int(Confidentiality.RESTRICTED), "subject": UGLY,
        "written_on": date(1899, 2, 28), "unit_id": unit_id(services, "BO"), "created_at": NOW,
    }  # fmt: skip
    return told | more


def stored(services: Services, model: type[Base], key: int) -> dict[str, Any]:
    """What the database holds of a row, without its key; as the driver gives it."""
    table = table_of(model)
    names = [one.name for one in table.columns if one is not table.autoincrement_column and one.name != "attachment_id"]
    column = table.autoincrement_column
    with services.engine.connect() as connection:
        where = f"{'page_no = 1 AND attachment_id' if column is None else column.name} = {key}"
        row = connection.execute(text(f"SELECT {', '.join(names)} FROM {table.name} WHERE {where}")).one()
    return dict(zip(names, row, strict=True))


@pytest.mark.parametrize("count", [1, COPIED_FROM])
def test_a_row_is_the_one_that_a_session_writes(services: Services, count: int) -> None:
    with services.unit_of_work(NOW) as uow:
        mail_id = write_many(uow.session, Mail, [mail(services)] * count)[-1]
        alone = Mail(**mail(services))
        uow.session.add(alone)
        uow.session.flush()
        added = {
            "mail_id": mail_id, "kind": AttachmentKind.DOCUMENT, "filename": UGLY, "media_type": "text/plain", "digest": "a" * 64,
            "size_bytes": 5_000_000_000, "page_count": 1, "is_signed": True, "added_at": NOW,
        }  # fmt: skip
        attached = write_many(uow.session, Attachment, [added] * count)[-1]
        other = Attachment(**added)
        uow.session.add(other)
        uow.session.flush()
        page = {"text": UGLY, "words": [["é", 1, 2.5]], "confidence": 99.5, "flags": [], "read_at": NOW}
        pages = [page | {"attachment_id": attached, "page_no": n} for n in range(1, count + 1)]
        assert write_many(uow.session, PageText, pages) == []
        uow.session.add(PageText(**page, attachment_id=other.id, page_no=1))
    for model, together, one in (
        (Mail, mail_id, alone.id),
        (Attachment, attached, other.id),
        (PageText, attached, other.id),
    ):
        assert stored(services, model, together) == stored(services, model, one), model
    with services.reading() as session:
        assert session.scalar(select(Mail.subject).where(Mail.id == mail_id)) == UGLY


def test_keys_are_in_the_order_of_the_rows_and_the_next_row_gets_the_next_one(services: Services) -> None:
    with services.unit_of_work(NOW) as uow:
        before = Mail(**mail(services))
        uow.session.add(before)
        uow.session.flush()
        keys = write_many(uow.session, Mail, [mail(services, subject=f"Objet {n}") for n in range(300)])
        after = Mail(**mail(services))
        uow.session.add(after)
    assert (keys[0], keys[-1], after.id) == (before.id + 1, before.id + 300, before.id + 301)
    with services.reading() as session:
        rows = session.execute(select(Mail.id, Mail.subject).where(Mail.id.in_(keys)).order_by(Mail.id)).all()
        assert [subject for _id, subject in rows] == [f"Objet {n}" for n in range(300)]


def test_nothing_of_a_unit_of_work_that_fails_stays(services: Services) -> None:
    with pytest.raises(RuntimeError, match="told"), services.unit_of_work(NOW) as uow:
        write_many(uow.session, Mail, [mail(services), mail(services)])
        raise RuntimeError("told")
    with services.reading() as session:
        assert session.scalars(select(Mail.id)).all() == []


@pytest.mark.parametrize("count", [1, COPIED_FROM])
def test_what_the_database_refuses_is_told_as_of_any_statement(services: Services, count: int) -> None:
    nobodys = {
        "mail_id": 999,
        "kind": AttachmentKind.DOCUMENT,
        "filename": "",
        "media_type": "",
        "size_bytes": 1,
        "added_at": NOW,
    }
    is_postgres = services.engine.dialect.name == "postgresql"
    with pytest.raises(RowGone if is_postgres else IntegrityError), services.unit_of_work(NOW) as uow:
        write_many(uow.session, Attachment, [nobodys] * count)
    with Session(services.engine) as session, pytest.raises(IntegrityError) as refused:
        write_many(session, Attachment, [nobodys] * count)
    assert misses_a_row(refused.value) is is_postgres


def test_an_unknown_column_and_keys_that_are_never_used_again_are_refused(services: Services) -> None:
    with pytest.raises(ValueError, match="subjekt"), services.unit_of_work(NOW) as uow:
        write_many(uow.session, Mail, [mail(services, subjekt="x")])
    if services.engine.dialect.name == "sqlite":
        with pytest.raises(ValueError, match="never used again"), services.unit_of_work(NOW) as uow:
            write_many(uow.session, Job, [{"kind": "index"}])


@pytest.mark.parametrize("count", [2, COPIED_FROM])
def test_entries_of_the_journal_that_are_written_together_are_those_written_one_by_one(
    services: Services, count: int
) -> None:
    payload: dict[str, Any] = {"value": UGLY, "list": [1, None, True, 2.5, UGLY], "é": {"b": 1, "a": {}}}
    written = []
    for many in (1, count):
        with services.unit_of_work(NOW) as uow:
            for _ in range(many):
                uow.record("mail.imported", "mail", 7, actor=SYSTEM, **payload)
        with services.engine.connect() as connection:
            row = connection.execute(
                text(
                    "SELECT at, person_id, post_id, acting_for_post_id, action, subject_kind, subject_id, CAST(payload AS TEXT), "
                    "length(salt) FROM audit_entries JOIN audit_payloads USING (sequence) ORDER BY sequence DESC LIMIT 1"
                )
            ).one()
        written.append(tuple(row))
    assert written[0] == written[1]
    with services.snapshot() as session:
        assert (
            session.scalar(select(func.count()).select_from(AuditEntry).where(AuditEntry.subject_id == 7)) == count + 1
        )
        assert list(audit.verify_chain(session)) == []


@pytest.mark.parametrize("count", [1, COPIED_FROM])
def test_first_rights_of_many_letters_are_those_of_one(services: Services, count: int) -> None:
    unit = unit_principal(unit_id(services, "BO"))
    with services.unit_of_work(NOW) as uow:
        mails = write_many(uow.session, Mail, [mail(services)] * (count + 1))
        access.grant_first(uow, dict.fromkeys(mails[:-1], unit), Because.REGISTERED)
        access.grant_new(uow, mails[-1], {Because.REGISTERED: [unit]})
        assert uow.first_granted == set(mails)
    with services.engine.connect() as connection:
        rows = connection.execute(
            text("SELECT principal, because, granted_at, count(*) FROM mail_access GROUP BY 1, 2, 3")
        ).all()
    assert [tuple(one)[:2] + tuple(one)[3:] for one in rows] == [(unit, "registered", count + 1)]
    with services.reading() as session:
        assert set(session.scalars(select(MailAccess.granted_at))) == {NOW}
