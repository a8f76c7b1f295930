"""A letter as the journal's entries left it: each act on it is done again, in order. Pure.

The rows of a database may be altered by whoever has its password, also behind a true act of the right kind. The journal says more of
an act than that there was one: on which day it was done, to which unit it gave the letter, which date and which level it wrote. A
letter whose numbers changed must be as these entries say. What they do not say (``UNSAID``) is not compared.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from ged.figures.stages import UNTOLD
from ged.monthly import explaining
from ged.monthly.numbers import Letter
from ged.ports import Confidentiality
from ged.register.states import MailState

ONE_DAY = timedelta(days=1)
WAITS = frozenset({MailState.TO_IMPUTE, MailState.ASSIGNED, MailState.NUMBERED, MailState.SIGNED})
ANSWERED = frozenset({MailState.ANSWERED, MailState.CLOSED})
SENT = frozenset({MailState.DISPATCHED, MailState.CLOSED})


@dataclass(frozen=True)
class Act:
    """An entry of the journal about a letter. ``who`` is empty for the program.

    Attributes:
        rectified: the field, of a rectification; empty where its details were erased.
        number_id: the number, of an act on one.
        post_id: the post through which it was done.
        details: what else the entry says; None: erased.
    """

    sequence: int
    action: str
    at: datetime
    who: str
    rectified: str = ""
    number_id: int | None = None
    post_id: int | None = None
    details: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Rows:
    """What is known of a letter beside its acts.

    Attributes:
        numbers: its numbers, in order.
        leading: its assignments that lead, for acts of a release whose entries did not name them.
        units: code of a unit -> id.
        opened: days that followed a closed day of its registers: a number or a void may be dated there instead of on the day of the act.
        home: the unit that registered it, by the post of that act; None: not known.
        texts: a number -> its text.
        of_envelopes: those that a sealed envelope got before it was opened.
    """

    numbers: Sequence[int]
    leading: Collection[int]
    units: Mapping[str, int]
    opened: Collection[date]
    home: int | None = None
    texts: Mapping[int, str] = field(default_factory=dict)
    of_envelopes: Collection[int] = ()


NO_ROWS = Rows((), (), {}, ())


class _Unsaid:
    """A fact that the journal does not say."""


UNSAID: Final = _Unsaid()
Said = _Unsaid | date | int | None


@dataclass
class _Decision:
    """A decision, with what stood before it."""

    day: date
    before: tuple[MailState | None, Said, Said]
    leading: int | None


class _Done(NamedTuple):
    """An act on what a decision gave: the decision, and the day of the act."""

    decision: int
    day: date


class Replayed:
    """A letter after its acts.

    Args:
        acts: all of its acts, in order.
        since: the last entry that the report knew.
        was: the letter in the report; None: the report did not count it.
        zone: that of the report's days.
    """

    def __init__(self, acts: Sequence[Act], rows: Rows, *, since: int, was: Letter | None, zone: ZoneInfo) -> None:
        self._rows, self._was, self._zone, self._home = rows, was, zone, rows.home
        self._later = [act for act in acts if act.sequence > since]
        self._state: MailState | None = None
        self._came, self._is_outgoing, self._is_taken = False, False, False
        self._unit: Said = UNSAID
        self._due: Said = UNSAID
        self.level: int | None = None
        self._received: Said = UNSAID
        self._begun: Said = UNSAID
        self._numbered: date | None = None
        self._signed: date | None = None
        self._closed: Said = None
        self._is_sent_before_closing = False
        self._left: list[date] = []
        self._voided: dict[int, date] = {}
        self._joined: set[int] = set()
        # What its acts say of its numbers; None: an act of an earlier release gave one and does not say which.
        self._texts: list[object] | None = []
        self._told_of_numbers: list[tuple[int, object]] = []
        self._is_of_envelope = False
        self._decisions: dict[int, _Decision] = {}
        self._given: list[_Done] = []
        self._passed_on: set[int] = set()
        # By assignment; where the entries do not name it, by the decision with a minus.
        self._finished: dict[int, _Done] = {}
        self._returned: list[_Done] = []
        self._erased = False
        for act in acts:
            self._act = act
            self._day = act.at.astimezone(zone).date()
            self._erased = self._erased or act.details is None
            step = _STEPS.get(act.action)
            if step is not None:
                step(self)

    # --- the acts

    @property
    def _says(self) -> Mapping[str, Any]:
        return self._act.details or {}

    def _registered(self) -> None:
        self._came, self._state, self._unit = True, MailState.TO_IMPUTE, None
        self.level = self._says.get("level")
        self._received = _day(self._says.get("received_on"), UNSAID) if "received_on" in self._says else UNSAID
        self._due = _day(self._says["due_on"], None) if "due_on" in self._says else UNSAID
        if "signatory" in self._says:  # it was registered already signed
            self._state = MailState.SIGNED
        if "number" in self._says:  # that of a sealed envelope is older
            self._numbered = self._day
            self._gets(self._says["number"])
        else:
            self._is_of_envelope = True

    def _imported(self) -> None:
        self._came, self._is_taken, self._state = True, True, MailState.CLOSED
        says = self._says
        self._gets(says.get("number"))
        if "registered_on" not in says:  # an entry of an earlier release
            self._closed = UNSAID  # a paper book's letter is closed since its own day
            return
        self.level, self._home = says["level"], self._rows.units.get(says["registered_by"])
        self._unit = self._rows.units.get(says["unit"], UNSAID) if says["unit"] else None
        self._numbered, self._closed = date.fromisoformat(says["registered_on"]), _day(says["closed_on"], UNSAID)
        self._received = _day(says["received_on"], None)

    def _begun_here(self) -> None:
        self._came, self._is_outgoing, self._state, self._begun = True, True, MailState.DRAFT, self._day
        self.level = self._says.get("level")

    def _gets(self, text: object) -> None:
        """A number; None: the act does not say which."""
        if text is None:
            self._texts = None
        elif self._texts is not None:
            self._texts.append(text)

    def _got_number(self) -> None:
        self._gets(self._says.get("number"))
        if self._state is MailState.DRAFT:
            self._state, self._numbered = MailState.NUMBERED, self._day

    def _imputed(self) -> None:
        made, units = self._says.get("imputation"), self._says.get("units")
        given = self._says.get("assignments")
        before = (self._state, self._unit, self._due)
        self._state = MailState.ASSIGNED
        self._unit = self._rows.units.get(units[0], UNSAID) if units else UNSAID
        self._due = _day(self._says.get("due_on"), None) if made is not None else UNSAID
        self._decisions[made or -abs(self._act.sequence)] = _Decision(self._day, before, given[0] if given else None)

    def _undone(self) -> None:
        found = self._decisions.pop(self._says.get("imputation") or 0, None)
        if found is None:
            self._state, self._unit, self._due = None, UNSAID, UNSAID
            return
        self._state, self._unit, self._due = found.before
        if isinstance(self._due, date) or "due_on" in self._says:  # counted anew: the calendar may have changed since
            self._due = _day(self._says["due_on"], None) if "due_on" in self._says else UNSAID

    def _assigned(self) -> None:
        self._given.append(_Done(self._decision, self._day))
        self._passed_on.add(self._says.get("assignment") or 0)

    @property
    def _decision(self) -> int:
        return max(self._decisions, default=0)

    def _leads(self, assignment_id: int | None) -> bool:
        last = self._decisions.get(self._decision)
        if last is not None and last.leading is not None:
            return assignment_id == last.leading
        return assignment_id in self._rows.leading and assignment_id not in self._passed_on

    def _was_finished(self) -> None:
        one = self._says.get("assignment")
        if self._leads(one):
            self._state = MailState.ANSWERED
            self._finished[one or 0] = _Done(self._decision, self._day)

    def _answered(self) -> None:
        """By a letter that was sent: the live assignments for action are finished."""
        last = self._decisions.get(self._decision)
        if last is not None and (self._state is MailState.ASSIGNED or self._waits_closed):
            self._finished[last.leading or -self._decision] = _Done(self._decision, self._day)
        if self._state in (MailState.ASSIGNED, MailState.ANSWERED):
            self._state = MailState.ANSWERED

    @property
    def _waits_closed(self) -> bool:
        """Whether the letter was closed before its leading unit had finished: its assignments live on."""
        ended = [one.decision for one in (*self._finished.values(), *self._returned)]
        return self._state is MailState.CLOSED and self._decision not in ended

    def _gave_back(self) -> None:
        if self._leads(self._says.get("assignment")):
            self._returned.append(_Done(self._decision, self._day))
            self._state, self._unit = MailState.TO_IMPUTE, None

    def _was_closed(self) -> None:
        self._is_sent_before_closing = self._state is MailState.DISPATCHED
        self._state, self._closed = MailState.CLOSED, self._day

    def _was_reopened(self) -> None:
        self._closed = None
        if self._is_outgoing or self._is_sent_before_closing:
            self._state = MailState.DISPATCHED
        elif isinstance(self._unit, _Unsaid):
            self._state = MailState.ASSIGNED if self._decisions else None
        else:
            self._state = MailState.TO_IMPUTE if self._unit is None else MailState.ASSIGNED

    def _open_again(self) -> None:
        one = self._says.get("assignment") or 0
        self._finished.pop(one if one in self._finished else -self._decision, None)

    def _was_signed(self) -> None:
        self._state, self._signed = MailState.SIGNED, self._day

    def _has_left(self) -> None:
        self._left.append(self._day)

    def _dispatched(self) -> None:
        self._state = MailState.DISPATCHED

    def _was_voided(self) -> None:
        self._voided[self._act.number_id or 0] = self._day
        if "number" in self._says:
            self._told_of_numbers.append((self._act.number_id or 0, self._says["number"]))

    def _joined_lost(self) -> None:
        self._joined.add(self._says.get("number_id") or 0)
        self._gets(self._says.get("lost_number"))

    def _rectified(self) -> None:
        name, new = self._says.get("field"), self._says.get("new")
        if name == "received_on":
            self._received = _day(new, UNSAID)
        elif name == "due_on":
            self._due = _day(new, None)

    def _due_moved(self) -> None:
        if "new" in self._says:
            self._due = _day(self._says["new"], None)

    def _level_changed(self) -> None:
        self.level = self._says.get("new")

    # --- what they say

    def differs(self, now: Letter) -> bool:
        """Whether the letter is otherwise than its acts left it."""
        if self._erased or not self._came:
            # Details were erased; or no journal has its beginning, which is a fault of its own.
            return self._received_differs(now)
        if self._numbers_differ():
            return True
        if self._is_voided:
            return set(now.days) != {"numbered_on", "voided_on"} or not self._may_be_void_on(now.days["voided_on"])
        return any(not _agrees(said, now.value(name)) for name, said in self._facts(now)) or self._unit_differs(now)

    def _numbers_differ(self) -> bool:
        """Whether the letter's numbers are others than its acts gave it: a number that is put to another letter takes its acts along."""
        texts = self._rows.texts
        if any(text != texts.get(one) for one, text in self._told_of_numbers):
            return True
        if self._texts is None:
            return False
        of_envelopes = self._rows.of_envelopes if self._is_of_envelope else ()
        own = sorted(text for one, text in texts.items() if one not in of_envelopes)
        return own != sorted(map(str, self._texts))

    def _received_differs(self, now: Letter) -> bool:
        is_rectified = any(act.rectified == "received_on" for act in self._later)
        return is_rectified and not _agrees(self._received, now.days.get("received_on", self._received))

    @property
    def _is_voided(self) -> bool:
        numbers = [one for one in self._rows.numbers if one not in self._joined]
        return bool(numbers) and all(one in self._voided for one in numbers)

    def _may_be_void_on(self, day: date) -> bool:
        first = self._rows.numbers[0]
        if first in self._joined:
            return True
        return day == self._voided[first] or (day > self._voided[first] and day in self._rows.opened)

    def _facts(self, now: Letter) -> Iterator[tuple[str, Said | tuple[tuple[date, int], ...]]]:
        days = now.days
        yield "voided_on", None
        if not self._is_outgoing:
            yield "received_on", self._received_on()
        yield "numbered_on", self._numbered_on(now)
        imputed = min((one.day for one in self._decisions.values()), default=None)
        assigned = min((one.day for one in self._given if one.decision in self._decisions), default=None)
        yield "imputed_on", imputed
        yield "assigned_on", assigned
        yield "given_on", assigned or imputed
        yield "returned", self._returns()
        yield "begun_on", self._begun if self._is_outgoing else UNSAID
        yield "signed_on", self._signed if self._is_outgoing else UNSAID
        if self._state is None:
            return
        finished = [one.day for one in self._finished.values() if one.decision in self._decisions]
        yield "answered_on", max(finished, default=None) if self._state in ANSWERED else None
        yield "closed_on", self._closed if self._state is MailState.CLOSED else None
        yield "dispatched_on", self._dispatched_on(now)
        is_out = "received_on" not in days
        opened = None if self._is_taken else days.get("numbered_on" if is_out else "received_on")
        yield "opened_on", opened
        ended = self._ended(days, opened, days.get("dispatched_on" if is_out else "answered_on"))
        yield "ended_on", ended
        yield "fell_due_on", self._fell_due(opened, ended)

    def _received_on(self) -> Said:
        if self._received is not UNSAID:
            return self._received
        return self._unchanged("received_on", {"mail.rectified", "number.retaken"})

    def _numbered_on(self, now: Letter) -> Said:
        if self._joined:
            return UNSAID
        if self._was is not None:
            return self._was.days.get("numbered_on", UNSAID)
        day = now.days.get("numbered_on")
        if self._numbered is None or (day is not None and day > self._numbered and day in self._rows.opened):
            return UNSAID
        return self._numbered

    def _unchanged(self, name: str, acts: Collection[str]) -> Said:
        """The report's day, where no act changed it since."""
        if self._was is None or any(act.action in acts for act in self._later):
            return UNSAID
        return self._was.days.get(name)

    def _returns(self) -> tuple[tuple[date, int], ...]:
        days = [one.day for one in self._returned if one.decision in self._decisions]
        return tuple((day, days.count(day)) for day in sorted(set(days)))

    def _dispatched_on(self, now: Letter) -> Said:
        if self._state not in SENT or not self._left:
            return None
        day = now.days.get("dispatched_on")
        # A rectification may have taken away the line that left last.
        lines = any(act.rectified in ("addressees", "copies") for act in self._later)
        return day if lines and (day is None or day in self._left) else max(self._left)

    def _ended(self, days: Mapping[str, date], opened: date | None, done: date | None) -> Said:
        if opened is None or self._state in WAITS:
            return None
        closed = days.get("closed_on")
        if self._state is MailState.CLOSED:
            ended = min((one for one in (done, closed) if one), default=None)
        else:
            ended = done or days.get("numbered_on")
        return None if ended is None else max(ended, opened)

    def _fell_due(self, opened: date | None, ended: Said) -> Said:
        if isinstance(self._due, _Unsaid) or isinstance(ended, _Unsaid):
            return UNSAID
        if not isinstance(self._due, date) or opened is None:
            return None
        late = max(self._due + ONE_DAY, opened)
        return late if not isinstance(ended, date) or late < ended else None

    def _unit_differs(self, now: Letter) -> bool:
        unit_id = self._unit if self._unit is not None else self._home
        return isinstance(unit_id, int) and now.unit_id != unit_id

    def level_differs(self, level: int) -> bool:
        """Whether the letter has another level than its acts gave it.

        Args:
            level: as it is counted: ``UNTOLD`` where the heads of its unit may not know of it.
        """
        if self._erased or not self._came or self.level is None:
            return False
        if level != UNTOLD:
            return level != self.level
        # A decision gives the leading unit the right to know of a letter of the ordinary level.
        given = [act.action for act in self._later if act.action in explaining.ACTS["told"]]
        gives = given[-1:] == ["mail.imputed"] if given else self._is_taken  # so does the import of an archive
        return self.level == Confidentiality.ORDINARY and gives


def has_begun(acts: Iterable[Act]) -> bool:
    """Whether an act among these begins a letter. Each letter has one, in the journal here or in that of the installation it came from."""
    return any(act.action in _BEGINS for act in acts)


def _agrees(said: object, value: object) -> bool:
    return said is UNSAID or said == value


def _day(text: object, otherwise: Said) -> Said:
    """A day as an entry says it."""
    return date.fromisoformat(str(text)) if text not in (None, "", "None") else otherwise


_BEGINS = frozenset({"mail.registered", "mail.imported", "draft.begun"})
"""The first act on a letter. A letter without one in the journal here came with an entity."""
_STEPS = {
    "mail.registered": Replayed._registered,
    "mail.imported": Replayed._imported,
    "draft.begun": Replayed._begun_here,
    "mail.numbered": Replayed._got_number,
    "mail.imputed": Replayed._imputed,
    "mail.imputation_undone": Replayed._undone,
    "mail.assigned": Replayed._assigned,
    "assignment.finished": Replayed._was_finished,
    "mail.answered": Replayed._answered,
    "assignment.returned": Replayed._gave_back,
    "assignment.reopened": Replayed._open_again,
    "mail.closed": Replayed._was_closed,
    "mail.reopened": Replayed._was_reopened,
    "mail.signed": Replayed._was_signed,
    "dispatch.left": Replayed._has_left,
    "mail.dispatched": Replayed._dispatched,
    "number.voided": Replayed._was_voided,
    "number.retaken": Replayed._joined_lost,
    "mail.rectified": Replayed._rectified,
    "mail.due_moved": Replayed._due_moved,
    "mail.level_changed": Replayed._level_changed,
}
ACTIONS = explaining.EVERY | frozenset(_STEPS)
"""The acts that are read: those that change a letter, and those that explain a change."""
