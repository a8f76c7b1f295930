"""The kinds of the morning's point: who is told of each, and its query. To add one: a member of ``Kind`` and a line here.

Its words stand in ``ged.morning.words``, its addresses in ``web.views.morning``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ged.morning import ending, letters, machines, papers
from ged.morning.base import MOST, Found, Ground, Kind, Probe
from ged.org.tree import runs_installation
from ged.paging import MOST_COUNTED
from ged.routing.rights import HEADS
from ged.unit import Role


@dataclass(frozen=True)
class Source:
    """A kind's reader and query.

    Attributes:
        concerns: whether the reader is told of this kind at all. The query then follows the reader's rights.
        find: the first lines, and how many there are.
        most: from this number on ``find`` may have counted no further; None: it always counts all.
        probes: statements that find a row each time that ``find`` tells something; they may find more. One statement asks those of
            all kinds at once, and ``find`` is asked where it must be: on most mornings most kinds have nothing to tell. None: ask ``find``.
    """

    concerns: Callable[[Ground], bool]
    find: Callable[[Ground], Found]
    most: int | None = MOST
    probes: Callable[[Ground], Sequence[Probe] | None] = lambda _ground: None


def _works(ground: Ground) -> bool:
    return bool(ground.actor.working_posts)


def _anybody(_ground: Ground) -> bool:
    return True


def _has(*roles: Role) -> Callable[[Ground], bool]:
    return lambda ground: ground.actor.has(*roles)


def _runs(*roles: Role) -> Callable[[Ground], bool]:
    """One of these roles, for the whole installation: what is told is of all its ministries."""
    return lambda ground: (
        ground.actor.has(*roles) and runs_installation(ground.actor, ground.services.installation_accounts)
    )


KINDS: Mapping[Kind, Source] = {
    Kind.UNREAD: Source(_works, letters.unread),
    Kind.LATE: Source(_works, letters.late),
    Kind.UNDECIDED: Source(_has(*HEADS, Role.SECRETARY), letters.undecided),
    Kind.EMPTY_POSTS: Source(
        _has(*HEADS, Role.SECRETARY, Role.CLERK), letters.empty_posts, probes=letters.probes_of_empty_posts
    ),
    Kind.TO_DISPATCH: Source(_has(*HEADS, Role.CLERK), letters.to_dispatch, probes=letters.probes_of_dispatch),
    Kind.SLIPS: Source(_works, papers.unacknowledged, probes=papers.probes_of_unacknowledged),
    Kind.DISCREPANCIES: Source(_works, papers.discrepancies, probes=papers.probes_of_tasks),
    Kind.LOANS: Source(_works, papers.loans, probes=papers.probes_of_loans),
    Kind.PAPERS: Source(_has(Role.CLERK), letters.papers),
    Kind.NO_SCAN: Source(_has(Role.CLERK), letters.without_scan),
    Kind.SCANS: Source(_has(Role.CLERK), papers.waiting_scans, probes=papers.probes_of_scans),
    Kind.DAYS: Source(_has(Role.CLERK), papers.open_days),
    Kind.DELEGATIONS: Source(_anybody, ending.delegations, probes=ending.probes_of_delegations),
    Kind.CERTIFICATES: Source(_anybody, ending.certificates, most=None, probes=ending.probes_of_certificates),
    Kind.TIMESTAMPS: Source(_runs(Role.ADMINISTRATOR, Role.AUDITOR), ending.timestamps, most=MOST_COUNTED + 1),
    Kind.JOBS: Source(_runs(Role.ADMINISTRATOR), machines.jobs, most=MOST_COUNTED + 1),
    Kind.MAILS: Source(_runs(Role.ADMINISTRATOR), machines.mails, most=None),
    Kind.DESKS: Source(_has(Role.CLERK, Role.ADMINISTRATOR), machines.silent_desks, probes=machines.probes_of_desks),
}
