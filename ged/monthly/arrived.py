"""Acts on letters before they came here with an entity: from the journal of the other installation, as it was signed.

The journal here begins with their arrival. A row that was altered since, or before, would else hide behind a true act.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged.archive import taken_check
from ged.monthly import replaying
from ged.monthly.faults import Fault
from ged.monthly.replaying import Act
from ged.register.models import MailNumber
from ged.slips.models import SlipLine
from ged.taken import BEFORE, TakenEntity

_COMES = frozenset({"mail.registered", "mail.imported", "draft.begun"})
"""The first act on a letter. A letter without one in the journal here came with an entity."""
_IDS: Mapping[str, str] = {"imputation": "imputations", "assignment": "assignments", "number_id": "mail_numbers"}
"""Names in an entry's payload whose value is the id of a record in the other installation -> the record's table."""
_CODES = ("unit", "registered_by")
"""Names in an entry's payload whose value is the code of a unit in the other installation."""


def add_acts(session: Session, mail_ids: Collection[int], acts: dict[int, list[Act]]) -> list[Fault]:
    """Put the acts of other journals before those of the journal here. They have numbers below 0.

    Args:
        mail_ids: the letters whose acts are wanted.
        acts: letter -> its acts in the journal here, in order; the earlier ones are added to it.

    Returns:
        What is wrong with the other journals: none of the acts of such a journal is added.
    """
    wanted = {one for one in mail_ids if not any(act.action in _COMES for act in acts.get(one, ()))}
    faults: list[Fault] = []
    for entity in session.scalars(select(TakenEntity).order_by(TakenEntity.id)) if wanted else ():
        here = {one for one in wanted if one > entity.offsets["mails"]}
        found = taken_check.entries(session, entity, replaying.ACTIONS) if here else []
        if isinstance(found, str):
            faults.append(Fault(found, f"entity {entity.code}"))
            continue
        earlier: dict[int, list[Act]] = {}
        about = _Subjects(session, entity, here) if found else None
        for entry in found:
            for mail_id in about.letters(entry) if about is not None else ():
                earlier.setdefault(mail_id, []).append(_act(entity, entry))
        for mail_id, before in earlier.items():
            acts[mail_id] = [*before, *acts.get(mail_id, ())]
        wanted -= earlier.keys()
    return faults


class _Subjects:
    """The letters that an entry of another journal is about."""

    def __init__(self, session: Session, entity: TakenEntity, mail_ids: Collection[int]) -> None:
        self._wanted, self._offsets = set(mail_ids), entity.offsets
        self._by: dict[str, dict[int, list[int]]] = {"number": {}, "slip": {}}
        ids = sorted(mail_ids)
        for start in range(0, len(ids), 400):
            some = ids[start : start + 400]
            numbers = select(MailNumber.id, MailNumber.mail_id).where(MailNumber.mail_id.in_(some))
            lines = select(SlipLine.slip_id, SlipLine.mail_id).where(SlipLine.mail_id.in_(some))
            for kind, query in (("number", numbers), ("slip", lines)):
                for subject_id, mail_id in session.execute(query):
                    self._by[kind].setdefault(subject_id, []).append(mail_id or 0)

    def letters(self, entry: Mapping[str, Any]) -> Collection[int]:
        """Their ids here; an entry about a number or a slip is about its letters."""
        kind, there = str(entry["subject_kind"]), int(entry["subject_id"] or 0)
        if kind == "mail":
            return {there + self._offsets["mails"]} & self._wanted
        tables = {"number": "mail_numbers", "slip": "slips"}
        return self._by[kind].get(there + self._offsets[tables[kind]], ()) if kind in tables else ()


def _act(entity: TakenEntity, entry: Mapping[str, Any]) -> Act:
    """An entry as an act here. It names no post: people may have changed posts there, and the entries that say so did not come here."""
    details, offsets = entry.get("payload"), entity.offsets
    if isinstance(details, dict):
        details = dict(details)
        details |= {
            name: details[name] + offsets[table] for name, table in _IDS.items() if isinstance(details.get(name), int)
        }
        details |= {
            name: entity.prefix + details[name]
            for name in _CODES
            if isinstance(details.get(name), str) and details[name]
        }
        if entry["action"] == "mail.imputed":
            given, units = details.get("assignments"), details.get("units")
            details |= {"assignments": [one + offsets["assignments"] for one in given]} if given else {}
            details |= {"units": [entity.prefix + one for one in units]} if units else {}
    else:
        details = None
    number_id = int(entry["subject_id"]) + offsets["mail_numbers"] if entry["subject_kind"] == "number" else None
    return Act(
        int(entry["sequence"]) - BEFORE, str(entry["action"]), datetime.fromisoformat(entry["at"]), "",
        str((details or {}).get("field", "")), number_id, None, details,
    )  # fmt: skip
