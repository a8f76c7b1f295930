"""Changes of the organisation, and what must not be given while it changes, take turns."""

from ged import locks
from ged.org.load import INSTALLATION_ID
from ged.org.models import Installation
from ged.unit import UnitOfWork


def one_at_a_time(uow: UnitOfWork) -> None:
    """Wait until no other change of the organisation is under way, and keep others out until the commit.

    Two acts at once would each keep an inverse that the other makes wrong. A delegation that is given while its giver leaves would
    stay. What the caller read before may be out of date.
    """
    if uow.session.get(Installation, INSTALLATION_ID) is not None:
        locks.hold_one(uow.session, Installation, INSTALLATION_ID)
