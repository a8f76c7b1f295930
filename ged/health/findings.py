"""A check of the installation, what it found, and how it is run: it never raises and never hangs."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from queue import Empty, SimpleQueue

from ged.errors import GedError
from ged.health.ground import Ground, Missing

Figure = str | int | float
Figures = dict[str, Figure]

QUICK_S, SLOW_S = 8.0, 45.0
"""How long a check may take. A check that may take more than a second is ``slow``."""


class State(StrEnum):
    """What a check says of its subject."""

    OK = "ok"
    NOT_APPLICABLE = "not_applicable"
    """There is nothing to check here: it is not set, or what it needs is away and has a finding of its own."""
    WARNING = "warning"
    FAULT = "fault"

    @property
    def weight(self) -> int:
        """The exit code of ``ged doctor``."""
        return {State.WARNING: 1, State.FAULT: 2}.get(self, 0)


class Group(StrEnum):
    """Checks that stand together on the page."""

    PROGRAM = "program"
    FILES = "files"
    CLOCK = "clock"
    DATABASE = "database"
    WORK = "work"
    MAIL = "mail"
    PROOF = "proof"
    SITE = "site"


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        code: which of the check's sentences tells it (``web.words.checks``).
        figures: values of the sentences, as JSON. The end of a name tells the unit: ``_bytes``, ``_s`` (seconds), ``_at``
            (ISO 8601 with an offset).
    """

    state: State
    code: str
    figures: Mapping[str, Figure] = field(default_factory=dict)


def ok(code: str = "ok", /, **figures: Figure) -> Finding:
    """All is well."""
    return Finding(State.OK, code, figures)


def warning(code: str, /, **figures: Figure) -> Finding:
    """Works now, and somebody should look at it."""
    return Finding(State.WARNING, code, figures)


def fault(code: str, /, **figures: Figure) -> Finding:
    """Does not work, or will fail at any moment."""
    return Finding(State.FAULT, code, figures)


def refused(error: GedError) -> Finding:
    """The program refuses, and says why."""
    details = ", ".join(f"{key}: {value}" for key, value in error.params.items())
    return fault("refused", error=error.code, details=f" ({details})" if details else "", remedy=error.remedy)


def not_applicable(code: str, /, **figures: Figure) -> Finding:
    """Nothing to check here."""
    return Finding(State.NOT_APPLICABLE, code, figures)


@dataclass(frozen=True)
class Check:
    """A check.

    Attributes:
        name: as in ``ged doctor --only NAME``.
        look: finds it out; may raise.
        slow: may take more than a second; the page shows its last finding and how old that is.
    """

    name: str
    group: Group
    look: Callable[[Ground], Finding]
    slow: bool = False

    @property
    def limit_s(self) -> float:
        """After this time the check is given up."""
        return SLOW_S if self.slow else QUICK_S


def run(check: Check, ground: Ground, *, limit_s: float | None = None) -> Finding:
    """Run one check. It is given up after its limit; its thread ends when it can."""
    limit_s = check.limit_s if limit_s is None else limit_s
    queue: SimpleQueue[Finding] = SimpleQueue()
    # A daemon: a check that hangs in the kernel (a dead network folder) must not keep the process at its end.
    thread = threading.Thread(target=lambda: queue.put(_looked(check, ground)), daemon=True, name=f"check-{check.name}")
    thread.start()
    thread.join(limit_s)
    return fault("late", limit_s=limit_s) if queue.empty() else queue.get()


def _looked(check: Check, ground: Ground) -> Finding:
    try:
        return check.look(ground)
    except Missing as missing:
        return not_applicable(missing.code)
    except GedError as error:
        return refused(error)
    except Exception as error:  # noqa: BLE001  a check tells of whatever is wrong, also in itself
        return fault("broken", error=type(error).__name__, why=" ".join(str(error).split())[:200])


def run_all(
    checks: Sequence[Check], ground: Ground, *, within_s: float | None = None
) -> Iterator[tuple[Check, Finding]]:
    """Run checks, the groups side by side, and give each with its finding in the order of ``checks``.

    Args:
        within_s: after this time in all, the rest is given as late.
    """
    until_s = None if within_s is None else time.monotonic() + within_s
    found: dict[str, Finding] = {}
    news: SimpleQueue[tuple[str, Finding]] = SimpleQueue()

    def go(own: Sequence[Check]) -> None:
        for check in own:
            news.put((check.name, run(check, ground)))

    for group in dict.fromkeys(check.group for check in checks):
        own = [check for check in checks if check.group is group]
        threading.Thread(target=go, args=(own,), daemon=True, name=f"checks-{group}").start()
    for check in checks:
        while check.name not in found:
            try:
                name, finding = news.get(timeout=None if until_s is None else max(0.0, until_s - time.monotonic()))
            except Empty:
                found[check.name] = fault("late", limit_s=within_s or 0.0)
            else:
                found[name] = finding
        yield check, found[check.name]


def worst(findings: Sequence[Finding]) -> State:
    """The state of them all together."""
    return max((one.state for one in findings), key=lambda state: state.weight, default=State.OK)
