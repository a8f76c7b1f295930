"""A day of letters while processes and servers are killed: people who repeat what was not confirmed, and a killer."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

import httpx
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from demo.client import Form, Page, read_page
from demo.journey import SEED, Journey, Registered, aged_page, names_number
from demo.letters import DrawnLetter, make_letters
from demo.people import PASSPHRASE
from demo.processes import ProcessEnded
from demo.stage import Stage
from ged.archive.keeping import seal_head
from ged.capture.models import Scan, ScanOrder
from ged.closing import operations as closing
from ged.jobs import UNSETTLED_STATES, Job
from ged.register.models import Attachment, Mail, MailNumber, PageText
from ged.register.states import MailState
from ged.routing.models import Assignment
from ged.slips.models import Slip, SlipLine
from ged.slips.states import SlipState
from ged.unit import Services
from ged.verify import verify

Value = TypeVar("Value")
SETTLED_S = 240.0
LONGEST_STEP_S = 300.0
"""A step that is repeated for so long is stuck."""
BROUGHT_S = 120.0
"""A person whose batch was received waits so long for its page before they scan it again."""


@dataclass
class Told:
    """What people were told, and what they had to repeat."""

    numbers: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Subject -> letter and number that the site displayed."""
    steps: list[tuple[int, str]] = field(default_factory=list)
    """Letter and step that the site confirmed."""
    repeated: list[str] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)
    """When each confirmation came, on the clock of ``time.monotonic``."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self) -> int:
        """All confirmations."""
        return len(self.numbers) + len(self.steps)


class Waiting(Exception):
    """A machine is at work: look again."""


class Lost(AssertionError):
    """Something that a person was told is not there, or a step did not end."""


@dataclass
class Life:
    """One letter after another, each from the mail office to its end, by one group of people.

    Args:
        scans: whether its letters are scanned; the desk has one scanner, so one life at a time does.
    """

    stage: Stage
    services: Services
    told: Told
    name: str
    letter: DrawnLetter
    scans: bool = False
    finished: list[int] = field(default_factory=list)
    fault: BaseException | None = None
    _waits_for: str = ""
    _waits_until: float = 0.0

    def work(self, stop: threading.Event) -> None:
        """Letters until ``stop``; the last one is brought to its end."""
        journey = Journey(self.stage, say=lambda _text: None, start_bridge=lambda: None)
        try:
            n = 0
            while not stop.is_set():
                n += 1
                self.finished.append(self._live(journey, f"lettre {self.name}-{n}"))
        except BaseException as fault:  # noqa: BLE001  # the main thread raises it
            self.fault = fault
        finally:
            journey.leave()

    def _live(self, journey: Journey, subject: str) -> int:
        one = self._register(journey, subject)
        mail_id = int(one.mail_id)
        if self.scans:
            self._insist(mail_id, "scanned", lambda: self._has_text(mail_id), lambda: self._scan(journey, one))
        self._insist(
            mail_id, "imputed", lambda: self._state(mail_id) is not MailState.TO_IMPUTE, lambda: journey.impute(one)
        )
        self._insist(
            mail_id, "sent", lambda: self._slips(mail_id) == [SlipState.SENT], lambda: self._send(journey, one)
        )
        self._insist(
            mail_id,
            "received",
            lambda: self._slips(mail_id) == [SlipState.RECEIVED],
            lambda: self._receive(journey, mail_id),
        )
        self._insist(mail_id, "assigned", lambda: self._assignments(mail_id) > 1, lambda: journey.assign(one))
        self._insist(mail_id, "closed", lambda: self._state(mail_id) is MailState.CLOSED, lambda: journey.close(one))
        return mail_id

    # --- steps ---------------------------------------------------------------------------------------------------

    def _register(self, journey: Journey, subject: str) -> Registered:
        clerk = self._until(subject, lambda: journey.person("bo.agent"))
        page = read_page(self._answered(subject, lambda: clerk.http.get("/enregistrer/"), 200))
        form = page.form("/enregistrer")
        values = {name: list(found) for name, found in form.fields.items()}
        authority = next(v for v, text in form.choices["addressed_post_id"] if "Secrétaire générale" in text)
        values |= {"subject": [subject], "sender_name": ["Préfecture de Yoto"], "addressed_post_id": [authority]}
        post = partial(clerk.http.post, form.action, data=values, follow_redirects=False)
        sent = self._answered(subject, post, 303)
        shown = read_page(self._answered(subject, lambda: clerk.http.get(sent.headers["location"]), 200))
        number = shown.text.split('class="confirmation__detail">', 1)[1].split("<", 1)[0].strip()
        mail = shown.link("/courriers/").split("/courriers/")[1].split("/")[0].split("?")[0]
        entry = shown.link("etiquette").removesuffix("/etiquette.pdf")
        with self.told.lock:
            self.told.numbers[subject] = (int(mail), number)
            self.told.moments.append(time.monotonic())
        return self._until(
            subject, lambda: journey.labelled(self.letter, number=number, mail=f"/courriers/{mail}", entry=entry)
        )

    def _send(self, journey: Journey, one: Registered) -> None:
        clerk, begun = journey.person("bo.agent"), self._slip_ids(int(one.mail_id))
        if begun:  # numbered before the fault: it is signed with the same number
            form = clerk.open(f"/bordereaux/{begun[0]}").form("/signer")
            clerk.send(form, _with_key(form, {}))
            return
        form = clerk.open(f"/bordereaux/nouveau?mail={one.mail_id}").form("/bordereaux/nouveau")
        unit = next(v for v, text in form.choices["receiver_unit_id"] if "Direction générale de l'énergie" in text)
        values = {"receiver_unit_id": unit, "purpose": "handover", "messenger": "Mawuli Dzidzo"}
        clerk.send(form, _with_key(form, values), button="Signer et envoyer")

    def _receive(self, journey: Journey, mail_id: int) -> None:
        head = journey.person("dge.chef")
        form = head.open(f"/bordereaux/{self._slip_ids(mail_id)[0]}/recevoir").form("/recevoir")
        lines = {name: "received" for name in form.names if name.startswith("line-")}  # none when they are kept already
        head.send(form, _with_key(form, lines), button="Signer la réception")

    def _scan(self, journey: Journey, one: Registered) -> None:
        """One page under the lid, as one batch; what was begun before a fault is ended first."""
        clerk, lid = journey.person("bo.agent"), self.stage.scanner
        if self._has_pages(int(one.mail_id)):
            raise Waiting("the page is there, its text is not")
        if self._waits_for == one.mail and time.monotonic() < self._waits_until:
            raise Waiting("machines bring the page to its letter")  # to scan it again and again would keep them from it
        page = clerk.open("/numerisations/")
        if not _open_batch(page):
            lid.lay(aged_page(one, 1))
            form = page.form("/numeriser")
            device = next(v for v, _ in form.choices["device"] if "pnm:0" in v)
            page = clerk.send(form, {"device": device, "mode": "gray", "dpi": "300", "more": "1"})
        ends = time.monotonic() + 20
        while time.monotonic() < ends:
            page = clerk.open("/numerisations/")
            if "1 page reçue" in page.words and [f for f in page.forms if "/terminer" in f.action]:
                clerk.send(page.form("/terminer"), {})
                self._waits_for, self._waits_until = one.mail, time.monotonic() + BROUGHT_S
                raise Waiting("the page is received")
            again = [f for f in page.forms if "page-suivante" in f.action]
            if again and "0 page" in page.words:
                clerk.send(again[0], {})
            time.sleep(0.5)
        raise Waiting("the scanner")

    # --- repeating -----------------------------------------------------------------------------------------------

    def _insist(self, mail_id: int, step: str, is_done: Callable[[], bool], act: Callable[[], object]) -> None:
        """Act until it is done. What was confirmed must be there at once, and stay."""
        ends = time.monotonic() + LONGEST_STEP_S
        while not self._asked(is_done):
            if time.monotonic() > ends:
                raise Lost(f"letter {mail_id}: {step!r} did not end; {self._standing()}; {self.told.repeated[-3:]}")
            try:
                act()
            except Waiting:
                time.sleep(0.3)
                continue
            except (httpx.HTTPError, AssertionError, StopIteration, IndexError, DBAPIError) as fault:
                self._note(step, fault)
                continue
            if not self._asked(is_done):
                raise Lost(f"letter {mail_id}: {step!r} was confirmed and is not there")
        with self.told.lock:
            self.told.steps.append((mail_id, step))
            self.told.moments.append(time.monotonic())

    def _until(self, what: str, look: Callable[[], Value]) -> Value:
        """Look again and again, until site or database answer."""
        ends = time.monotonic() + LONGEST_STEP_S
        while True:
            try:
                return look()
            except (httpx.HTTPError, AssertionError, DBAPIError) as fault:
                if time.monotonic() > ends:
                    raise Lost(f"{what}: {fault}") from fault
                self._note(what, fault)
                time.sleep(0.1)

    def _answered(self, what: str, ask: Callable[[], httpx.Response], wanted: int) -> httpx.Response:
        def once() -> httpx.Response:
            answer = ask()
            assert answer.status_code == wanted, f"{answer.status_code}: {answer.text[:300]}"
            return answer

        return self._until(what, once)

    def _asked(self, look: Callable[[], bool]) -> bool:
        return self._until("the database", look)

    def _note(self, step: str, fault: BaseException) -> None:
        with self.told.lock:
            self.told.repeated.append(f"{step}: {type(fault).__name__} {str(fault)[:160]}")
        time.sleep(0.1)

    # --- what the database says ----------------------------------------------------------------------------------

    def _state(self, mail_id: int) -> MailState:
        with self.services.reading() as session:
            return session.scalars(select(Mail.state).where(Mail.id == mail_id)).one()

    def _slip_ids(self, mail_id: int) -> list[int]:
        with self.services.reading() as session:
            return list(session.scalars(select(SlipLine.slip_id).where(SlipLine.mail_id == mail_id)))

    def _slips(self, mail_id: int) -> list[SlipState]:
        with self.services.reading() as session:
            wanted = select(Slip.state).join(SlipLine, SlipLine.slip_id == Slip.id).where(SlipLine.mail_id == mail_id)
            return list(session.scalars(wanted))

    def _assignments(self, mail_id: int) -> int:
        with self.services.reading() as session:
            return session.scalar(select(func.count()).where(Assignment.mail_id == mail_id)) or 0

    def _standing(self) -> str:
        """What machines have before them, for whoever looks for the fault."""
        with self.services.reading() as session:
            jobs = session.execute(
                select(Job.id, Job.kind, Job.state, Job.attempts, Job.lease_until, Job.error_code)
                .where(Job.state.in_(UNSETTLED_STATES)).order_by(Job.id).limit(8)
            ).all()  # fmt: skip
            orders = session.execute(
                select(ScanOrder.id, ScanOrder.state, ScanOrder.pages, ScanOrder.code)
                .order_by(ScanOrder.id.desc())
                .limit(3)
            ).all()
            scans = session.execute(select(Scan.id, Scan.state).order_by(Scan.id.desc()).limit(3)).all()
        return f"jobs {jobs}, orders {orders}, scans {scans}"

    def _has_pages(self, mail_id: int) -> bool:
        with self.services.reading() as session:
            return bool(session.scalar(select(func.count()).where(Attachment.mail_id == mail_id)))

    def _has_text(self, mail_id: int) -> bool:
        with self.services.reading() as session:
            wanted = (
                select(func.count()).select_from(PageText).join(Attachment, Attachment.id == PageText.attachment_id)
            )
            return bool(session.scalar(wanted.where(Attachment.mail_id == mail_id)))


def _with_key(form: Form, values: dict[str, str]) -> dict[str, str]:
    """With the passphrase, unless the key is still open."""
    return values | ({"passphrase": PASSPHRASE} if "passphrase" in form.names else {})


def _open_batch(page: Page) -> bool:
    return any("/terminer" in form.action or "page-suivante" in form.action for form in page.forms)


@dataclass
class Work:
    """People who work, each in a thread of their own."""

    told: Told

    def after(self, moment: float, *, count: int = 1, within_s: float = 120.0) -> float:
        """Wait for so many confirmations after a moment. Returns when the first one came."""
        until = time.monotonic() + within_s
        while True:
            later = sorted(at for at in list(self.told.moments) if at > moment)
            if len(later) >= count:
                return later[0]
            assert time.monotonic() < until, f"{len(later)} confirmations; {self.told.repeated[-5:]}"
            time.sleep(0.05)


@contextmanager
def people_at_work(stage: Stage, services: Services, mark: str) -> Iterator[Work]:
    """Three groups of people who take letters their whole way until the block ends. What they were told is then there.

    Args:
        mark: begins the names of their letters, and is short: long names that differ in a letter would be doubles.
    """
    told, stop = Told(), threading.Event()
    (letter,) = make_letters(SEED, 1)
    lives = [Life(stage, services, told, f"{mark}{name}", letter) for name in "abc"]
    threads = [threading.Thread(target=life.work, args=(stop,), daemon=True) for life in lives]
    for thread in threads:
        thread.start()
    try:
        yield Work(told)
    finally:
        stop.set()
        for thread in threads:
            thread.join(SETTLED_S)
    require_done(threads, lives)
    settle(services)
    check(services, told, lives)


@dataclass(frozen=True)
class Victim:
    """Something that can be killed, and started again."""

    kill: Callable[[], None]
    start: Callable[[], None]


REFUSED_AT_START = (b"worker.redis_unreachable", b"database.unreachable")


class Units:
    """Starts processes again as their units do (``Restart=always``): a worker or a site that finds no Redis or no database at its start
    ends with a message. No other end is forgiven.

    Attributes:
        again: how often each was started again.
    """

    def __init__(self, stage: Stage, starts: Mapping[str, Callable[[], None]]) -> None:
        self._stage, self._starts, self.again = stage, starts, dict.fromkeys(starts, 0)
        self._began = dict.fromkeys(starts, 0)

    def start(self, name: str) -> None:
        """Start a process."""
        log = self._stage.processes.logs / f"{name}.log"
        self._began[name] = log.stat().st_size if log.exists() else 0
        self._starts[name]()

    def look(self) -> None:
        """Start again what has ended.

        Raises:
            ProcessEnded: one ended otherwise.
        """
        running = self._stage.processes.running
        for name, process in list(running.items()):
            if process.poll() is None:
                continue
            said = (self._stage.processes.logs / f"{name}.log").read_bytes()[self._began.get(name, 0) :]
            if name not in self._starts or not any(one in said for one in REFUSED_AT_START):
                raise ProcessEnded(f"{name}: exit {process.returncode}: {said[-2000:].decode(errors='replace')}")
            del running[name]
            self.again[name] += 1
            self.start(name)

    def wait_for_site(self) -> None:
        """Return when the site answers."""
        ends = time.monotonic() + SETTLED_S
        while True:
            self.look()
            try:
                self._stage.processes.wait_for_site(self._stage.url)
            except ProcessEnded:
                if time.monotonic() > ends:
                    raise
                continue
            return


def kill_at_random(
    victims: Mapping[str, Victim],
    told: Told,
    lives: list[Life],
    *,
    kills: int,
    rng: random.Random,
    look: Callable[[], None],
) -> dict[str, int]:
    """Kill one, at times two at once, while people work. Between two kills they come on by some steps.

    Args:
        victims: in the order in which they start: servers first, because the start of a site waits until it answers.
        look: called again and again, for example to start again what has ended by itself.

    Returns:
        How often each was killed.

    Raises:
        Lost: of a life.
    """
    count = dict.fromkeys(victims, 0)
    while sum(count.values()) < kills:
        begun = told.count()
        ends = time.monotonic() + 60
        while told.count() < begun + 2 and time.monotonic() < ends:
            for life in lives:
                if life.fault is not None:
                    raise life.fault
            look()
            time.sleep(0.05)
        time.sleep(rng.uniform(0, 1.0))
        look()
        chosen = rng.sample(sorted(victims), 2 if rng.random() < 0.25 else 1)
        for name in chosen:
            victims[name].kill()
            count[name] += 1
        time.sleep(rng.uniform(0, 1.5))
        for name in (one for one in victims if one in chosen):
            victims[name].start()
        print(f"{sum(count.values())} kills: {', '.join(chosen)}", flush=True)
    return count


def require_done(threads: Sequence[threading.Thread], lives: Sequence[Life]) -> None:
    """Require that everybody's work has ended, and raise what somebody met."""
    for life in lives:
        if life.fault is not None:
            raise life.fault
    assert not any(thread.is_alive() for thread in threads), "somebody still waits"


def settle(services: Services) -> None:
    """Wait until no job is left; one that failed or is uncertain is a fault."""
    ends = time.monotonic() + SETTLED_S
    while True:
        with services.reading() as session:
            left = session.execute(
                select(Job.kind, Job.state, Job.attempts, Job.error_code, Job.error_detail)
                .where(Job.state.in_(UNSETTLED_STATES), Job.run_after < datetime.now(UTC) + timedelta(minutes=30))
            ).all()  # fmt: skip
        if not left:
            return
        assert time.monotonic() < ends, f"stuck: {left}"
        time.sleep(0.5)


def check(services: Services, told: Told, lives: list[Life]) -> None:
    """Letters, numbers, slips, pages, journal, closings."""
    with services.reading() as session:
        rows = session.execute(
            select(Mail.subject, Mail.id, MailNumber.text).join(MailNumber, MailNumber.mail_id == Mail.id)
        ).all()
        slips = session.execute(
            select(SlipLine.mail_id, Slip.state)
            .join(Slip, Slip.id == SlipLine.slip_id)
            .where(SlipLine.mail_id.is_not(None))
        ).all()
        scanned = session.execute(select(Attachment.mail_id, func.count()).group_by(Attachment.mail_id)).all()
    there = {subject: (mail_id, number) for subject, mail_id, number in rows if subject.startswith("lettre ")}
    assert len(there) == sum(row.subject.startswith("lettre ") for row in rows), "a form sent twice became two letters"
    assert {subject: there.get(subject) for subject in told.numbers} == told.numbers, "told, and not there"
    assert len({number for _, number in told.numbers.values()}) == len(told.numbers), "a number was told twice"
    whole = {mail_id for life in lives for mail_id in life.finished}
    assert sorted(mail_id for mail_id, _ in slips) == sorted({mail_id for mail_id, _ in slips}), (
        "two slips for one letter"
    )
    assert {mail_id for mail_id, state in slips if state is SlipState.RECEIVED} >= whole
    with_pages = {mail_id for life in lives if life.scans for mail_id in life.finished}
    assert {mail_id: count for mail_id, count in scanned if mail_id in with_pages} == dict.fromkeys(with_pages, 1)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert closing.close_what_is_over(services, now=tomorrow) == []
    seal_head(services, now=tomorrow)
    assert verify(services, now=tomorrow).problems == ()


def assert_found(desk: Journey, told: Told) -> None:
    """Each letter is found by its subject."""
    clerk = desk.person("bo.agent")

    def is_found(subject: str, number: str) -> bool:
        shown = clerk.http.get("/recherche", params={"q": f'"{subject}"'}).text
        return names_number(shown, number)

    for subject, (_, number) in told.numbers.items():
        desk.until(f"{subject} is found", lambda s=subject, n=number: is_found(s, n), seconds=60)  # type: ignore[misc]
