"""Acts on letters before they came here with an entity: from the journal of the other installation, as it was signed.

The journal here begins with their arrival. A row that was altered since, or before, would else hide behind a true act.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
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

UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)
"""What is raised where a signed entry says what no entry of this program says."""
MOST_NAMED = 50
"""So many entries without details are named."""
_IDS: Mapping[str, str] = {"imputation": "imputations", "assignment": "assignments", "number_id": "mail_numbers"}
"""Names in an entry's payload whose value is the id of a record in the other installation -> the record's table."""
_CODES = ("unit", "registered_by")
"""Names in an entry's payload whose value is the code of a unit in the other installation."""


def add_acts(
    session: Session, mail_ids: Collection[int], acts: dict[int, list[Act]]
) -> tuple[list[Fault], Collection[int]]:
    """Put the acts of other journals before those of the journal here. They have numbers below 0.

    Args:
        mail_ids: the letters whose acts are wanted.
        acts: letter -> its acts in the journal here, in order; the earlier ones are added to it.

    Returns:
        What is wrong with the other journals: none of the acts of such a journal is added. And the entries of the journal here that were
        read: those of the arrivals.
    """
    wanted = {one for one in mail_ids if not replaying.has_begun(acts.get(one, ()))}
    if not wanted:
        return [], ()
    arrivals = taken_check.arrivals(session)
    faults = [Fault(code, where) for code, where in arrivals.faults]
    for entity in arrivals.entities:
        earlier: dict[int, list[Act]] = {}
        try:
            odd, bare = _read(session, entity, {one for one in wanted if one > entity.offsets["mails"]}, earlier)
        except taken_check.UNPROVEN:
            faults.append(Fault("taken.proof_altered", f"entity {entity.code}"))
            continue
        if odd:
            faults.append(Fault("taken.entry_unreadable", f"entity {entity.code}: entry {odd[0]}"))
        faults += [Fault("taken.payload_missing", f"entity {entity.code}: entry {one}") for one in bare[:MOST_NAMED]]
        for mail_id, before in earlier.items():
            acts[mail_id] = [*before, *acts.get(mail_id, ())]
        wanted -= earlier.keys()
    return faults, arrivals.sequences


def _read(
    session: Session, entity: TakenEntity, mail_ids: Collection[int], earlier: dict[int, list[Act]]
) -> tuple[list[object], list[object]]:
    """Add the acts of an entity's journal on these letters to ``earlier``; return the numbers of its entries that cannot be read, and of
    those that came without their details.

    Raises:
        one of ``taken_check.UNPROVEN``
    """
    odd, bare = list[object](), list[object]()
    if not mail_ids:
        return odd, bare
    about = _Subjects(session, entity, mail_ids)
    for entry in taken_check.signed_entries(entity, replaying.ACTIONS):
        try:
            letters = about.letters(entry)
            for mail_id in letters:
                earlier.setdefault(mail_id, []).append(_act(entity, entry))
            bare += [entry["sequence"]] if letters and "payload" not in entry else []
        except UNREADABLE:
            odd.append(entry["sequence"])
    return odd, bare


def unreadable(session: Session, mail_id: int, acts: Sequence[Act]) -> Iterator[Fault]:
    """The fault of a letter whose acts cannot be done again, where some are in the journal of the entity with which it came."""
    if any(act.sequence < 0 for act in acts):
        below = {one.code: one.offsets["mails"] for one in taken_check.arrivals(session).entities}
        code = max((one for one in below if below[one] < mail_id), key=below.__getitem__, default="")
        yield Fault("taken.entry_unreadable", f"entity {code}: letter {mail_id}")


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
    at = datetime.fromisoformat(entry["at"])
    if at.tzinfo is None:
        raise ValueError("a moment of no zone")
    number_id = int(entry["subject_id"]) + offsets["mail_numbers"] if entry["subject_kind"] == "number" else None
    return Act(
        int(entry["sequence"]) - BEFORE, str(entry["action"]), at, "",
        str((details or {}).get("field", "")), number_id, None, details,
    )  # fmt: skip
