"""A form that is sent twice (a double click, a page that is loaded again) is one act."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import IntegrityError

from ged.register.models import Mail, SealedEnvelope
from ged.unit import UnitOfWork

Told = TypeVar("Told")


def add_once(uow: UnitOfWork, row: Mail | SealedEnvelope, sent_before: Callable[[], Told | None]) -> Told | None:
    """Add a new row, unless its form was sent before.

    Args:
        row: bears the form's ``request_token``; without one it is added in any case.
        sent_before: what was said when that token came first, None when it never did; it may take the token from the row.

    Returns:
        What was said then; None when the row was added.
    """
    before = sent_before() if row.request_token is not None else None
    if before is not None:
        return before
    if row.request_token is None:
        uow.session.add(row)
        uow.session.flush()
        return None
    try:
        with uow.session.begin_nested():
            uow.session.add(row)
    except IntegrityError:
        # The two came at the same moment: this one waited for the other's commit.
        before = sent_before()
        if before is None:
            raise
    return before
