"""A right by exception in the one rule of access: it counts where a person reads, and nowhere else.

The right is a principal of the letter that names a person and a last day (``ged.ports.exception_principal``). Who reads has the
principals of today and of the days after it: so the right ends at midnight even where no job runs. They are added for requests that
read. A request that changes something, a job, a notice: all are without them, and a letter that is seen by exception alone is not there for them.
"""

from dataclasses import replace
from datetime import date, timedelta

from ged.ports import Principals, exception_principal
from ged.unit import Actor

LONGEST = timedelta(days=15)
"""How long such a right may last."""


def reads(actor: Actor, until: date | None, *, on: date) -> Actor:
    """The actor with the rights by exception of a day.

    Args:
        until: ``Person.excepted_until``.
    """
    if until is None or until < on:
        return actor
    days = range(min((until - on).days, LONGEST.days) + 1)
    more = {exception_principal(int(actor.person_id), on + timedelta(days=n)) for n in days}
    held = actor.principals
    return replace(actor, principals=Principals(held.ordinary | more, held.restricted | more, held.secret | more))
