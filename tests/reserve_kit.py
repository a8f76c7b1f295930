"""Reserve books: made before a cut, filled by hand during it, entered and voided after it."""

from __future__ import annotations

import io
import secrets
from datetime import datetime, timedelta

from sqlalchemy import select

from ged.capture.models import BOOK_PAGE, BatchSource, BatchState, Scan, ScanBatch, ScanLeaf, ScanPage, ScanState
from ged.org.models import Holding, Person, Post, PostRole, Unit
from ged.ports import PostId, RegisterId
from ged.register.models import Direction, Register, RegisterNature
from ged.register.operations import IncomingForm, Registered, register_incoming
from ged.reserve import operations, queries
from ged.reserve.models import ReserveLine, ReserveSheet
from ged.reserve.operations import MadeBook
from ged.reserve.page_form import CELLS, ROW
from ged.unit import Role, Services
from tests import pages
from tests.factories import NOW, TODAY, actor

CUT = NOW + timedelta(hours=1)
"""The current goes away an hour after the books were made."""
BACK = CUT + timedelta(hours=3)
_QUAD = [[0.1, 0.1], [0.4, 0.1], [0.4, 0.2], [0.1, 0.2]]


def register_id(services: Services, code: str) -> RegisterId:
    """The id of a register."""
    with services.reading() as session:
        return RegisterId(session.scalars(select(Register.id).where(Register.code == code)).one())


def make(
    services: Services, code: str = "ARR", *, account: str = "agent", pages: int = 1, token: str | None = None, now: datetime = NOW
) -> MadeBook:  # fmt: skip
    """Make a book."""
    with services.unit_of_work(now) as uow:
        return operations.make_book(
            uow, register_id(services, code), pages=pages, request_token=token, actor=actor(services, account)
        )


def line_ids(services: Services, book_id: int) -> list[int]:
    """The lines of a book, in order."""
    with services.reading() as session:
        return list(
            session.scalars(select(ReserveLine.id).where(ReserveLine.book_id == book_id).order_by(ReserveLine.line_no))
        )


def enter(
    services: Services, line_id: int, subject: str = "Demande d'audience", *, code: str = "ARR", account: str = "agent",
    received_at: datetime = CUT, token: str | None = None, now: datetime = BACK,
) -> Registered:  # fmt: skip
    """Register a letter from a line, as the site does it: in one unit of work."""
    clerk, to = actor(services, account), actor(services, "sg").posts[0].post_id
    form = IncomingForm(
        subject, "Préfecture de l'Ogou", PostId(to), received_on=received_at.astimezone(services.zone).date(),
        request_token=token,
    )  # fmt: skip
    with services.unit_of_work(now) as uow:
        done = register_incoming(uow, register_id(services, code), form, actor=clerk, now=now)
        if not done.is_repeated:
            operations.enter(uow, line_id, done.mail_id, done.number_id, received_at=received_at, actor=clerk)
    return done


def void(
    services: Services, book_id: int, *, reason: str = "Coupure terminée", account: str = "agent", now: datetime = BACK,
    first: int | None = None, last: int | None = None,
) -> list[int]:  # fmt: skip
    """Void the free lines of a book."""
    with services.unit_of_work(now) as uow:
        return operations.void_lines(
            uow, book_id, first=first, last=last, reason=reason, actor=actor(services, account)
        )


def sheet(
    services: Services, book_id: int, *, first: int = 1, written: int = 3, now: datetime = NOW, waits: bool = True
) -> int:
    """A scanned page of a book that begins with the line at this place: so many lines are written, the others empty. Returns
    its scan."""
    boxes = [[f"{name}:{n}", "empty", 0.0, _QUAD] for n in range(1, 11) for name in ("urgent", "void")]
    areas = [[f"{cell}:{n}", n <= written, _QUAD] for n in range(1, 11) for cell in (*CELLS, ROW)]
    with services.unit_of_work(now) as uow:
        unit_id = uow.session.scalars(select(Unit.id).where(Unit.code == "BO")).one()
        digest = services.blobs.put(io.BytesIO(pages.png("Carnet de secours"))).digest
        page = ScanPage(
            token="p1", digest=digest, media_type="image/png", size_bytes=1, received_at=now, inspected_at=now
        )  # fmt: skip
        batch = ScanBatch(
            key=secrets.token_hex(8), unit_id=unit_id, source=BatchSource.UPLOAD, state=BatchState.SETTLED, created_at=now,
            pages=[page],
        )  # fmt: skip
        uow.session.add(batch)
        uow.session.flush()
        scan = Scan(
            batch_id=batch.id, unit_id=unit_id, created_at=now, note=BOOK_PAGE if waits else "",
            state=ScanState.WAITING if waits else ScanState.JOINED, leaves=[ScanLeaf(page=page, position=1)],
        )  # fmt: skip
        uow.session.add(scan)
        uow.session.flush()
        uow.session.add(
            ReserveSheet(
                scan_id=scan.id,
                scan_page_id=page.id,
                book_id=book_id,
                first_line=first,
                line_count=10,
                boxes=boxes,
                areas=areas,
                read_at=now,
                kept_at=None if waits else now,
            )
        )
        return scan.id


def states(services: Services, book_id: int, account: str = "agent") -> list[tuple[str, str]]:
    """(state, number of the register) of each line of a book."""
    with services.reading() as session:
        rows = queries.lines(session, actor(services, account), book_id)
    return [(row.state.value, row.number) for row in rows]


def third_desk(services: Services) -> None:
    """A register of arrivals for the direction of finance, whose head is its clerk."""
    with services.unit_of_work(NOW) as uow:
        unit_id = uow.session.scalars(select(Unit.id).where(Unit.code == "DAF")).one()
        uow.session.add(
            Register(
                code="ARR-DAF", name="Arrivées DAF", unit_id=unit_id, direction=Direction.INCOMING,
                nature=RegisterNature.ARRIVAL, pattern="{seq:04d}/{year}/{unit}",
            )
        )  # fmt: skip


def second_clerk(services: Services) -> None:
    """A second clerk of the mail office, with the account ``agent2``."""
    with services.unit_of_work(NOW) as uow:
        unit_id = uow.session.scalars(select(Unit.id).where(Unit.code == "BO")).one()
        post = Post(code="BO-B", title="Poste BO-B", unit_id=unit_id, roles=[PostRole(role=Role.CLERK)])
        person = Person(account="agent2", name="Agent2")
        uow.session.add_all([post, person])
        uow.session.flush()
        uow.session.add(Holding(post_id=post.id, person_id=person.id, from_on=TODAY - timedelta(days=10)))
