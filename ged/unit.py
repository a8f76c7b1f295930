"""The unit of work: one transaction, with its actor, its changes, and the jobs that follow the commit.

    with services.unit_of_work(now) as uow:
        register_incoming(uow, form, actor=actor, now=now)

At the end of the block the journal's head is locked, the entries are appended, and everything is committed. After the
commit the jobs are submitted to the queue. An exception rolls everything back.

A deadlock is a mistake in the order of locks (``ged.locks``). If it happens all the same, PostgreSQL aborts one of the
transactions, and its caller retries once: a request or a job by ``once_more``, work in several steps by
``Services.attempts``.
"""

import json
import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from gettext import NullTranslations
from typing import Any, NamedTuple, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from ged import audit, jobs, locks, log_context
from ged.db import (
    Base,
    Together,
    keep_rows,
    misses_a_row,
    planned_once,
    read_session,
    snapshot_session,
    waits_for_paper,
    was_given_up,
    write_session,
)
from ged.errors import Forbidden, InvalidTransition, Overtaken, RowGone, StaleVersion
from ged.faults import busy
from ged.jobs import Job, JobKind
from ged.languages import french_only
from ged.ports import (
    BlobStore,
    Confidentiality,
    DeliveryReport,
    Directory,
    IdentityProvider,
    JobId,
    JobQueue,
    KeyVault,
    Lane,
    Mailbox,
    MailId,
    Meter,
    NoMeter,
    OcrEngine,
    PersonId,
    Post,
    PostId,
    Preserver,
    Principals,
    RevocationLists,
    SealedFile,
    Sealer,
    SearchIndex,
    SecondReader,
    SignatureChecker,
    Signer,
    SynonymBook,
    Timestamper,
    TokenSealer,
    UnitId,
    VirusScanner,
    WordEngine,
)

_log = logging.getLogger("ged.unit")

_ENTRY_AND_JOB = Together(*audit.ONE, jobs.ONE)
"""Statements of the usual end of a unit of work: one entry of the journal, and one job."""

TRIES = 2
"""How often a unit of work is tried when the database aborts it in favour of another."""

_COMMITS: ContextVar[int] = ContextVar("commits", default=0)
"""Units of work committed by this thread so far: so ``once_more`` knows whether a part of the work was committed."""

Result = TypeVar("Result")

ReadSession: TypeAlias = Session
"""What ``Services.reading`` gives. Pages hand it to queries of ``ged`` and ask the database nothing themselves."""


class Role(StrEnum):
    """What a post allows its holder."""

    CLERK = "clerk"
    MEMBER = "member"
    HEAD = "head"
    AUTHORITY = "authority"
    SECRETARY = "secretary"
    SIGNATORY = "signatory"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


NO_WORK = frozenset({Role.ADMINISTRATOR, Role.AUDITOR})
"""Roles that neither get nor send letters; all others work."""


@dataclass(frozen=True)
class HeldPost:
    """A post through which somebody may act now.

    Attributes:
        because: ``holder``, ``secretary`` (acts for the authority's post), or how it is given: ``delegation``,
            ``interim``, ``order`` (signs by order of the holder).
        own_post_id: the actor's own post when acting for another's (journal: who, acting for whom).
        act: the reference of the act that grants a delegation.
        from_on, until_on: the days of that act, both included.
        template_codes: the types of letters that the delegation covers; empty: all.
        max_amount_xof: the largest amount at stake in a letter, in F CFA; None: any.
        granted_at: when the act was recorded here; None: a post held, or unknown.
        delegation_id: its row; None: a post held, or that of the authority whose secretary the actor is.
    """

    post_id: PostId
    title: str
    unit_id: UnitId
    unit_name: str
    roles: frozenset[Role]
    because: str = "holder"
    own_post_id: PostId | None = None
    act: str = ""
    from_on: date | None = None
    until_on: date | None = None
    template_codes: tuple[str, ...] = ()
    max_amount_xof: int | None = None
    granted_at: datetime | None = None
    delegation_id: int | None = None

    @property
    def works(self) -> bool:
        """Whether letters come and go through the post: not where it has roles of ``NO_WORK`` alone."""
        return bool(self.roles - NO_WORK)


class UnitRow(NamedTuple):
    """The columns of a unit that decide rights, its code and its name. A plain tuple, for speed: each request reads hundreds."""

    id: int
    parent_id: int | None
    is_entity: bool
    closed_at: datetime | None
    successor_id: int | None
    code: str
    name: str


@dataclass(frozen=True)
class Actor:
    """Who acts, with all rights expanded for this moment; built for each request.

    Attributes:
        posts: posts held, then posts acted for.
        headed_unit_ids: the units of the head's posts and the units below them, down to the next entity; and closed units
            that they follow.
        principals: what an index query may show.
        units: all units at the time of the request; rights that follow the tree need no query.
        language: the language that the person chose (``ged.languages``); empty: none.
    """

    person_id: PersonId
    account: str
    name: str
    clearance: Confidentiality
    posts: tuple[HeldPost, ...]
    headed_unit_ids: frozenset[UnitId]
    principals: Principals
    units: Mapping[int, UnitRow] = field(default_factory=dict, repr=False, compare=False)
    language: str = ""

    @property
    def unit_ids(self) -> frozenset[UnitId]:
        """Units of the posts held or acted for."""
        return frozenset(post.unit_id for post in self.posts)

    @property
    def post_ids(self) -> frozenset[PostId]:
        """Posts held or acted for."""
        return frozenset(post.post_id for post in self.posts)

    def post_with(self, role: Role, *, unit_id: UnitId | None = None) -> HeldPost | None:
        """The first post that has a role (in a unit), own posts first."""
        for post in self.posts:
            if role in post.roles and unit_id in (None, post.unit_id):
                return post
        return None

    def has(self, *roles: Role) -> bool:
        """Whether any post has one of these roles."""
        return any(role in post.roles for post in self.posts for role in roles)

    def holds(self, post_id: int) -> HeldPost | None:
        """The post, when the actor holds it or acts for it; as secretary only if the actor has no stronger right."""
        return self.decides(post_id) or next((post for post in self.posts if post.post_id == post_id), None)

    @property
    def working_posts(self) -> tuple[HeldPost, ...]:
        """Posts through which the actor may send and receive letters."""
        return tuple(post for post in self.posts if post.works)

    @property
    def deciding_post_ids(self) -> frozenset[PostId]:
        """Posts for which the actor decides: held, delegated or by interim. A secretary only prepares."""
        return frozenset(post.post_id for post in self.posts if post.because != "secretary")

    def decides(self, post_id: int) -> HeldPost | None:
        """The post, when the actor decides for it."""
        return next((p for p in self.posts if p.post_id == post_id and p.because != "secretary"), None)


NOBODY = Principals(frozenset(), frozenset(), frozenset())

SYSTEM = Actor(PersonId(0), "system", "Système", Confidentiality.ORDINARY, (), frozenset(), NOBODY)
"""The actor of jobs and of the command line. Its journal entries name no person, and a search shows it nothing."""


class _RolledBack(Exception):
    """Ends a trial."""


@dataclass(frozen=True)
class Services:
    """The engines of this process, and the facts of the installation that operations need."""

    engine: Engine
    blobs: BlobStore
    index: SearchIndex
    synonyms: SynonymBook
    queue: JobQueue
    lane_of: Callable[[JobKind], Lane]
    """The lane of a kind of job (from ``ged.pipeline``)."""
    ocr: OcrEngine
    vault: KeyVault
    signer: Signer
    checker: SignatureChecker
    post: Post
    zone: ZoneInfo
    country: str
    code_key: bytes
    """Key of the check value in our QR codes."""
    journal_secret: bytes
    """Decrypts the key that signs the journal's heads."""
    factor_secret: bytes
    """32 bytes: encrypts what telephones share with the program (``ged.entry.sealing``)."""
    public_url: str
    data_dir: str
    ocr_languages: tuple[str, ...] = ("fra",)
    max_upload_bytes: int = 200_000_000
    installation_accounts: tuple[str, ...] = ()
    """See ``ged.org.tree.runs_installation``."""
    second_factor_roles: frozenset[Role] = frozenset()
    """Who holds a post with one of these roles signs in with a second step."""
    unacknowledged_hours: int = 24
    reminder_rule: str = "2/1/5"
    """See ``ged.notices.rules``."""
    mailboxes: tuple[Mailbox, ...] = ()
    preserver: Preserver | None = None
    """None: no time-stamp authority is set, and signatures keep their first level."""
    revocation: RevocationLists | None = None
    sealer: Sealer | None = None
    timestamper: Timestamper | None = None
    tokens: TokenSealer | None = None
    """Makes and reads the signed code on letters."""
    directory: Directory | None = None
    """Checks the passwords of linked accounts; None: none is set."""
    provider: IdentityProvider | None = None
    """Signs people in; None: none is set."""
    own_passwords: bool = True
    """Accounts that no directory is linked to sign in with passwords of their own; False: only break-glass accounts do."""
    when_dispatched: tuple[Callable[["UnitOfWork", MailId, Actor], None], ...] = ()
    """What follows, in the same transaction, when a letter's last line has left (rooms above ``ged.dispatch`` know)."""
    own_address: str = ""
    """The sender of our e-mails."""
    when_collected: tuple[
        tuple[
            Callable[[Session, str], bool], Callable[["UnitOfWork", str, tuple[DeliveryReport, ...]], None]
        ], ...
    ] = ()  # fmt: skip
    """Of messages that are no letters: whether a Message-ID is of a message that the program sent; and what follows when
    such a message, or a report about one, was collected."""
    second_reader: SecondReader | None = None
    """None: no page is read a second time."""
    word: WordEngine | None = None
    """None: letters are not written in Word."""
    scanner: VirusScanner | None = None
    """None: no virus scanner is set."""
    open_report: Callable[[bytes], SealedFile] | None = None
    """Reads the data and the certificate of a monthly report whose bytes are proven; None: no report is proven here."""
    translations: Callable[[str], NullTranslations] = french_only
    """The sentences in a person's language (``Person.language``; empty: French), for e-mails to people."""
    is_copied: bool = False
    """``GED_BACKUP_TO`` names a medium: a copy that is too old is a problem of the installation (``ged.health``)."""
    meter: Meter = field(default_factory=NoMeter)
    """What a monitor reads of this process."""
    training: bool = False
    """A training installation: made people, made letters, and nothing of it leaves."""
    fence: Callable[[Session], None] | None = None
    """In a job: called in each unit of work just before its commit; raises when another worker has claimed the job."""

    def reading(self) -> AbstractContextManager[ReadSession]:
        """A session for queries."""
        return read_session(self.engine)

    @contextmanager
    def reading_once(self) -> Iterator[ReadSession]:
        """A session for queries that reads no row twice: for a page of which several parts look at the same letter."""
        with read_session(self.engine) as session:
            keep_rows(session)
            yield session

    @contextmanager
    def reading_sums(self) -> Iterator[ReadSession]:
        """A session for a page of sums: PostgreSQL takes longer to plan its statements than to run them, and keeps one plan for each.

        The statements must be of a kind whose plan hardly depends on the values: sums over cells by day and key, people and units.
        Lists of letters are not: a rare state and a common one need different plans.
        """
        with read_session(self.engine) as session, planned_once(session.connection()):
            yield session

    def snapshot(self) -> AbstractContextManager[Session]:
        """A session whose queries all see one snapshot."""
        return snapshot_session(self.engine)

    def unit_of_work(self, now: datetime) -> AbstractContextManager["UnitOfWork"]:
        """A transaction that commits at the end of the block.

        Raises:
            StaleVersion: ``form.stale``: a row was changed between our read and our write.
            Overtaken: the database aborted the transaction in favour of another; the caller retries.
            InvalidTransition: ``register.waits``: a number was asked of a register that waits (``ged.resuming``).
            LeaseLost: in a job: another worker has claimed the job meanwhile; nothing is committed.
        """
        return _unit_of_work(self, now)

    @contextmanager
    def trial(self, now: datetime) -> Iterator["UnitOfWork"]:
        """A unit of work that is rolled back at the end of the block: what a page shows before a change is done.

        People only look at such a page, so it waits for no lock longer than ``locks.LONGEST_WAIT``.

        Raises:
            As ``unit_of_work``.
        """
        with suppress(_RolledBack), self.unit_of_work(now) as uow:
            locks.wait_briefly(uow.session)
            yield uow
            # The block ends by an error, so that the unit of work rolls back and hands out no job.
            raise _RolledBack

    def attempts(self, now: datetime) -> Iterator[AbstractContextManager["UnitOfWork"]]:
        """A unit of work that is retried when the database aborts it in favour of another.

            for attempt in services.attempts(now):
                with attempt as uow:
                    keep(uow, digest)

        For work in several steps: steps before the loop (storing a file, making a signature) run once. Do not return
        from inside the block: it is committed only after the loop.

        Raises:
            StaleVersion: ``form.stale``, as ``unit_of_work``; GivenUp ``database.overtaken``: aborted twice.
        """
        lost: list[Overtaken] = []
        for n in range(1, TRIES + 1):
            yield _attempt(self, now, lost)
            if len(lost) < n:
                return
            if n < TRIES:
                _give_way()
        raise _given_up(lost[-1]) from lost[-1]


@dataclass
class UnitOfWork:
    """The session, the jobs to submit after the commit, and the journal's new entries."""

    services: Services
    session: Session
    now: datetime
    first_granted: set[int] = field(default_factory=set)
    """Letters that nobody could see before this unit of work (kept by ``ged.access``)."""
    _events: list[audit.Event] = field(default_factory=list)
    _delegations: set[int] = field(default_factory=set)
    """The delegations by which the journal's entries say that somebody acted."""
    _jobs: list[Job] = field(default_factory=list)
    _asked: dict[tuple[JobKind, int, str], Job] = field(default_factory=dict)

    def defer(
        self,
        kind: JobKind,
        subject_id: int,
        *,
        reason: str = "",
        run_after: datetime | None = None,
        params: dict[str, Any] | None = None,
    ) -> None:
        """Defer a job: a row of this transaction. A second call with the same arguments adds no second job.

        The row keeps the id of the request that asks for it (``ged.log_context``): so the worker's lines bear it.
        """
        key = (kind, subject_id, json.dumps(params or {}, sort_keys=True))
        known = self._asked.get(key)
        if known is not None:
            known.reason = known.reason or reason
            return
        request_id = log_context.request_id()
        given = {**(params or {}), log_context.REQUEST: request_id} if request_id else params
        job = jobs.new(kind, subject_id, now=self.now, reason=reason, run_after=run_after, params=given)
        self._asked[key] = job
        self._jobs.append(job)

    def reindex(self, mail_id: MailId | int, *, access: bool = False) -> None:
        """Defer an index job for a changed letter. With ``access``, searches hide the letter until the job is done."""
        self.defer(JobKind.INDEX, mail_id, reason="access" if access else "")

    def preserve(self, of: str, subject_id: int) -> None:
        """Defer the job of a new signature of a ``mail``, ``slip``, ``closing`` or ``report``: it notes the level, and raises it
        where an authority is set."""
        self.defer(JobKind.PRESERVE, subject_id, params={"of": of})

    def record(
        self,
        action: str,
        subject_kind: str,
        subject_id: int | None,
        *,
        actor: Actor,
        post: HeldPost | None = None,
        **payload: Any,
    ) -> None:
        """Add a journal entry, written at the commit: who (through which post, acting for whom), what, on what.

        ``post`` is the post through which the actor acts; if it is another person's post, the entry names both posts.
        """
        acting_for = post.post_id if post is not None and post.because != "holder" else None
        own = post.own_post_id if acting_for is not None and post is not None else (post.post_id if post else None)
        if post is not None and post.delegation_id is not None:
            self._delegations.add(post.delegation_id)
        self._events.append(
            audit.Event(
                at=self.now,
                person_id=actor.person_id or None,
                post_id=own,
                acting_for_post_id=acting_for,
                action=action,
                subject_kind=subject_kind,
                subject_id=subject_id,
                payload=payload,
            )
        )

    def _commit(self) -> list[Job]:
        self.session.flush()
        # The fence locks rows of jobs, so it stands before the head (`ged.locks.ORDER`). It holds them to the commit:
        # nobody else claims the job in between.
        if self.services.fence is not None:
            self.services.fence(self.session)
        # Under the head's lock, job ids follow the order of commits: a job with a higher id sees all changes behind a
        # lower id. The index relies on this: a job's id is the version of the document that it writes.
        if len(self._events) == len(self._jobs) == 1:  # a registration: one message, because others wait for the lock
            (event,), (job,) = self._events, self._jobs
            values = audit.next_one(self.session, event) | jobs.values_of_one(job)
            job.id = _ENTRY_AND_JOB.run(self.session, values).scalar_one()
        else:
            if self._events:
                audit.append(self.session, self._events)
            elif self._jobs:
                audit.lock(self.session)
            if self._jobs:
                jobs.write(self.session, self._jobs)
        if self._delegations:
            self._check_delegations()
        self.session.commit()
        return list(self._jobs)

    def _check_delegations(self) -> None:
        """Refuse acts by a delegation whose making was undone meanwhile. An undo looks at the journal under the head's
        lock, which is held here: one of the two sees the other.

        Raises:
            Forbidden: ``delegation.gone``.
        """
        rows = Base.metadata.tables["delegations"]
        given = set(self.session.scalars(select(rows.c.id).where(rows.c.id.in_(sorted(self._delegations)))))
        if given != self._delegations:
            raise Forbidden("delegation.gone", "act through another post")


def _given_up(lost: Overtaken) -> Exception:
    """What is raised when work was aborted twice."""
    fault = lost.__cause__
    return fault if isinstance(lost, RowGone) and isinstance(fault, Exception) else busy()


def _give_way() -> None:
    """Wait a moment, so that the winner can lock the rows. An immediate retry could lock them first and lose again."""
    time.sleep(random.uniform(0.02, 0.08))  # noqa: S311  # random, so that two losers do not retry at the same moment


def once_more(work: Callable[[], Result], *, may_repeat: Callable[[], bool] = lambda: True) -> Result:
    """Run work that opens its own units of work (a request, a job). Retry once if the database aborted a transaction.

    Work that is partly committed is not retried: the commit may include a signature, an e-mail or a number.

    Args:
        may_repeat: prepares the retry (for instance, rewinds the request's body); False when a retry is impossible.

    Raises:
        GivenUp: ``database.overtaken``: aborted twice, or a part of the work was committed.
    """
    before = _COMMITS.get()
    try:
        return work()
    except Overtaken as lost:
        if _COMMITS.get() != before or not may_repeat():
            raise busy() from lost
        _log.info("unit.once_more %s", lost)
    _give_way()
    try:
        return work()
    except Overtaken as lost:
        raise _given_up(lost) from lost


@contextmanager
def _attempt(services: Services, now: datetime, lost: list[Overtaken]) -> Iterator[UnitOfWork]:
    try:
        with _unit_of_work(services, now) as uow:
            yield uow
    except Overtaken as error:
        _log.info("unit.once_more %s", error)
        lost.append(error)


@contextmanager
def _unit_of_work(services: Services, now: datetime) -> Iterator[UnitOfWork]:
    session = write_session(services.engine)
    try:
        uow = UnitOfWork(services, session, now)
        yield uow
        committed = uow._commit()
    except StaleDataError as lost:
        # We did not hold the row's lock, so the other transaction finished first. For a person this is a stale form.
        session.rollback()
        raise StaleVersion("form.stale", "read the other person's change, then send again") from lost
    except DBAPIError as error:
        session.rollback()
        if was_given_up(error):
            raise Overtaken(str(error.orig)) from error
        if misses_a_row(error):
            raise RowGone(str(error.orig)) from error
        if waits_for_paper(error):
            raise InvalidTransition("register.waits", "say the last number that the paper bears") from error
        raise
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()
    _COMMITS.set(_COMMITS.get() + 1)
    # After the commit only: a worker that heard of a job before would find no row. A crash here loses nothing, for the
    # sweep finds rows that nobody handed over.
    for job in committed:
        lane = services.lane_of(job.kind)
        # The sweep hands out an archive's jobs, some hundred at a time: a million would fill the queue's memory.
        if lane is not Lane.BACKLOG:
            services.queue.submit(JobId(job.id), lane=lane)
