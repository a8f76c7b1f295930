"""The reserve book on paper: a page for each ten lines, with its code.

Printed again it is the same book: the same numbers, codes and day. A line that was used or voided since is struck, so that
nobody writes on it a second time. Boxes and cells stand where ``page_form`` says, so that a scan of the page is read.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from ged.days import hour, long_day
from ged.letterhead import letterhead
from ged.register.models import Register
from ged.register.registers import open_register
from ged.reserve import queries
from ged.reserve.codes import PageCode, make_page_code
from ged.reserve.operations import kept_book
from ged.reserve.page_form import LAYOUT, places
from ged.reserve.queries import LineRow, ReserveState
from ged.sheets import Sheet, slug
from ged.typeset import qr_svg
from ged.unit import Actor, Services


def book_sheet(session: Session, services: Services, book_id: int, actor: Actor) -> Sheet:
    """The pages of a book whose register the actor keeps.

    Raises:
        NotFound: as ``kept_book``.
        InvalidTransition: ``register.closed``: nothing on such pages could be entered.
    """
    book, _post = kept_book(session, book_id, actor)
    open_register(session, book.register_id)
    register = session.get_one(Register, book.register_id)
    rows = queries.lines(session, actor, book.id)
    made = book.made_at.astimezone(services.zone)
    pages = [rows[n : n + book.page_lines] for n in range(0, len(rows), book.page_lines)]
    data = {
        "head": letterhead(session, register.unit_id, country=services.country).data(),
        "code": book.code,
        "register": f"{register.name} ({register.code})",
        "made": f"{long_day(made.date())} à {hour(made)}",
        "pages": [page_data(page, services.code_key) for page in pages],
    }
    return Sheet("reserve_book.typ", data, book.made_at, f"carnet-{slug(book.code)}.pdf")


def page_data(rows: Sequence[LineRow], key: bytes) -> dict[str, Any]:
    """A page as the template reads it: its lines, and the places of what a scan of it is read by."""
    code = make_page_code(PageCode(rows[0].text, len(rows), LAYOUT), key=key)
    placed = places(LAYOUT, len(rows), code=code)
    form = placed.form
    return {
        "qr": qr_svg(code, quiet=False),
        "qr_at": list(form.code_at),
        "columns": list(placed.columns),
        "head": placed.head,
        "pitch": placed.pitch,
        "gutter": placed.gutter,
        "receipt": placed.receipt,
        "labels": list(placed.labels),
        "marks": [list(mark) for mark in form.marks],
        "mark_size": form.mark_size,
        "boxes": [[box.x, box.y, box.size] for box in form.boxes],
        "lines": [_line(row) for row in rows],
    }


def _line(row: LineRow) -> dict[str, Any]:
    """A line as it is printed; ``done`` says why nothing is written on it any more."""
    if row.state is ReserveState.VOID:
        done = "Ligne annulée"
    elif row.state is ReserveState.USED and not row.is_voided:
        done = f"Déjà inscrite sous le n° {row.number}"
    else:
        done = ""
    return {"no": f"{row.line_no:02d}", "text": row.text, "done": done}
