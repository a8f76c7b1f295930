"""Makes forms idempotent: a form sent twice (a double click, a page reload) is one act."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import IntegrityError

from ged.register.models import Mail, SealedEnvelope
from ged.unit import UnitOfWork

Told = TypeVar("Told")


def add_once(uow: UnitOfWork, row: Mail | SealedEnvelope, sent_before: Callable[[], Told | None]) -> Told | None:
    """Add a new row, unless its form was sent before.

    Args:
        row: has the form's ``request_token``; without a token the row is always added.
        sent_before: returns the first result of this token, None when there is none. It may clear the row's token.

    Returns:
        The first result; None when the row was added.
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
        # Both requests ran concurrently: this one waited for the other's commit.
        before = sent_before()
        if before is None:
            raise
    return before
