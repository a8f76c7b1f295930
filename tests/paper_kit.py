"""What tests of codes on paper share: a file that bears a code, brought by somebody, and what waits because of it."""

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
    """A page that bears a code of ours and some lines of text."""
    return pages.png(text, code=make_code(kind, subject_id, key=services.code_key))


def clerk_unit(services: Services, account: str) -> int:
    """The unit whose clerk somebody is."""
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
    """A file brought by a clerk of which somebody said what it is; the id under which it waits."""
    looked_at = files.examine(services, "feuille.png", io.BytesIO(pages.png(text)))
    with services.unit_of_work(now) as uow:
        row = intake.accept_proposal(
            uow, looked_at, OurCode(kind, subject_id), unit_id=clerk_unit(services, by), actor=actor(services, by),
            now=now,
        )  # fmt: skip
        return row.id


def confirm(services: Services, paper_id: int, *, by: str = "agent", now: datetime = NOW) -> int | None:
    """Confirm what waits; the attachment that came of it."""
    with services.unit_of_work(now) as uow:
        operations.confirm(uow, paper_id, version=None, actor=actor(services, by))
    with services.reading() as session:
        return session.scalar(
            select(Scan.attachment_id).join(PaperCode, PaperCode.scan_id == Scan.id).where(PaperCode.id == paper_id)
        )


def waiting(services: Services) -> list[PaperCode]:
    """All codes that wait, of whomever."""
    with services.reading() as session:
        return list(session.scalars(select(PaperCode).where(PaperCode.state == PaperState.WAITING)))
