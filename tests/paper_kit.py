"""Helpers for the tests of codes on paper: a file with a code is brought, a clerk confirms what it is."""

import io
from datetime import datetime

from sqlalchemy import select

from ged.capture import files, intake
from ged.capture.models import PaperCode, PaperState, Scan
from ged.codes import CodeKind, OurCode, make_code
from ged.paper import operations
from ged.unit import Role, Services
from tests import pages
from tests.factories import NOW, actor


def sheet(services: Services, kind: CodeKind, subject_id: int, text: str = "feuille") -> bytes:
    """A page with one of our codes and some lines of text, as file bytes."""
    return pages.png(text, code=make_code(kind, subject_id, key=services.code_key))


def clerk_unit(services: Services, account: str) -> int:
    """The id of the unit for which the account is a clerk."""
    post = actor(services, account).post_with(Role.CLERK)
    assert post is not None
    return post.unit_id


def bring(
    services: Services,
    kind: CodeKind,
    subject_id: int,
    *,
    by: str = "agent",
    text: str = "feuille",
    now: datetime = NOW,
) -> int:
    """Bring a file as a clerk, and identify its code. Returns the id of the waiting code."""
    looked_at = files.examine(services, "feuille.png", io.BytesIO(pages.png(text)))
    with services.unit_of_work(now) as uow:
        row = intake.accept_proposal(
            uow, looked_at, OurCode(kind, subject_id), unit_id=clerk_unit(services, by), actor=actor(services, by),
            now=now,
        )  # fmt: skip
        return row.id


def confirm(services: Services, paper_id: int, *, by: str = "agent", now: datetime = NOW) -> int | None:
    """Confirm a waiting code. Returns the id of the attachment that its scan became; None when there is none."""
    with services.unit_of_work(now) as uow:
        operations.confirm(uow, paper_id, version=None, actor=actor(services, by))
    with services.reading() as session:
        return session.scalar(
            select(Scan.attachment_id).join(PaperCode, PaperCode.scan_id == Scan.id).where(PaperCode.id == paper_id)
        )


def waiting(services: Services) -> list[PaperCode]:
    """All waiting codes, of all clerks, in no given order."""
    with services.reading() as session:
        return list(session.scalars(select(PaperCode).where(PaperCode.state == PaperState.WAITING)))
