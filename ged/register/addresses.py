"""E-mail addresses of the directory: their form, and those that a person compares before the first letter is sent there."""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ged.org.models import Person, Unit
from ged.org.tree import entities, ministry_of_units
from ged.register.correspondents import fold, visible
from ged.register.models import Correspondent

EMAIL = re.compile(r"[^@\s<>,;]{1,64}@[^@\s<>,;.]+(\.[^@\s<>,;.]+)+")
"""One plain address, without a name."""


@dataclass(frozen=True)
class AddressToConfirm:
    """An e-mail address that a person must confirm before the first letter is sent there.

    Attributes:
        owner: name of the entity whose shared entry has the address; empty: it was changed in the own directory.
        changed_by: who changed it; empty: unknown.
    """

    email: str
    owner: str = ""
    changed_by: str = ""
    changed_at: datetime | None = None


def address_to_confirm(session: Session, name: str, email: str, *, unit_id: int) -> AddressToConfirm | None:
    """The address to confirm, if it replaced another in the entity's directory, or comes only from another entity.

    The lookup is by the name on the letter: a letter keeps its own copy of the address.
    """
    entity_id = entities(session)[unit_id]
    rows = session.execute(
        select(Correspondent, Unit.name, Person.name)
        .outerjoin(Unit, Unit.id == Correspondent.entity_id)
        .outerjoin(Person, Person.id == Correspondent.email_changed_by_id)
        .where(Correspondent.folded_name == fold(name), func.lower(Correspondent.email) == email.lower())
        .where(visible([entity_id], ministry_of_units(session, [entity_id])))
        .order_by(Correspondent.id)
    ).all()
    trusted = [row for row in rows if row[0].entity_id in (entity_id, None)]
    for entry, _owner, changed_by in trusted:
        if entry.email_changed_at is not None:
            return AddressToConfirm(email, "", changed_by or "", entry.email_changed_at)
    if trusted or not rows:
        return None
    entry, owner, changed_by = rows[0]
    return AddressToConfirm(email, owner or "", changed_by or "", entry.email_changed_at)
