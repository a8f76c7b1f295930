"""Makes forms idempotent: a form sent twice (a double click, a page reload) is one act."""

from collections.abc import Callable
from typing import TypeVar

from ged.db import write_new
from ged.register.models import Mail, SealedEnvelope
from ged.unit import UnitOfWork

Earlier = TypeVar("Earlier")


def add_once(uow: UnitOfWork, row: Mail | SealedEnvelope, sent_before: Callable[[], Earlier | None]) -> Earlier | None:
    """Add a new row, unless its form was sent before.

    Args:
        row: has the form's ``request_token``; without a token the row is always added.
        sent_before: returns the first result of this token. Or it returns None after it has set ``row.request_token`` to
            None: then the form was filled in anew, and the row is added.

    Returns:
        The first result; None when the row was added.
    """
    if write_new(uow.session, row, unless="request_token" if row.request_token is not None else ""):
        return None
    before = sent_before()
    if before is None:  # the token is cleared
        write_new(uow.session, row)
    return before
