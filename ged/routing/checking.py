"""Proves that each assignment says of its letter what the letter says of itself."""

from collections.abc import Iterator

from sqlalchemy import inspect, or_, select
from sqlalchemy.orm import Session

from ged.register.models import Mail
from ged.routing.models import Assignment
from ged.routing.rights import UNDER_WAY


def broken(session: Session) -> Iterator[tuple[str, str]]:
    """(code, place) of each fault.

    ``assignment.hidden``: the letter is under way, and the assignment does not say so: no inbox shows it.
    ``assignment.left_over``: the letter has ended, and the assignment says that it is under way. Both come of lost triggers
    (``ged.under_way``).
    """
    columns = inspect(session.connection()).get_columns(Assignment.__tablename__)
    if all(one["name"] != Assignment.is_under_way.key for one in columns):
        return  # a copy of the release before is verified as it comes back, and migrated only then
    is_under_way = Mail.state.in_(UNDER_WAY)
    rows = session.execute(
        select(Assignment.id, Assignment.mail_id, Assignment.is_under_way)
        .join(Mail, Mail.id == Assignment.mail_id)
        .where(or_(Assignment.is_under_way & ~is_under_way, is_under_way & ~Assignment.is_under_way))
        .order_by(Assignment.id)
    )
    for assignment_id, mail_id, says_so in rows:
        yield f"assignment.{'left_over' if says_so else 'hidden'}", f"assignment {assignment_id} of letter {mail_id}"
