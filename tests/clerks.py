"""Clerks who register at the same time, each in a separate process. Some stop half-way, some are killed.

    python -m tests.clerks URL PROCESSES LETTERS FOLDER

One process imports everything, compiles the statements and forks the clerks while no connection is open. After each
commit a clerk appends a line to its own file in FOLDER: the number's id, its text and the letter's subject.
"""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from ged.adapters.queue_polled import PolledQueue
from ged.archive import register_check
from ged.audit import verify_chain
from ged.db import make_engine
from ged.org.actors import Actor, actor_of_account
from ged.org.models import Post
from ged.pipeline import lane_of
from ged.ports import PostId, RegisterId
from ged.register.models import Mail, MailNumber, Register
from ged.register.operations import IncomingForm, register_incoming
from ged.unit import Services
from tests.factories import TODAY, make_organisation, make_tables

MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
"""In the past: a site whose clock is ahead of the database's gives no number."""
ROLLED_BACK, KILLED_BEFORE, KILLED_AFTER = 0.08, 0.02, 0.02
NOT_USED = cast(Any, None)


class GaveUp(Exception):
    """The clerk stopped after the number was allocated and before the commit."""


@dataclass(frozen=True)
class Answer:
    """A line that a clerk wrote: the number that it got."""

    number_id: int
    text: str
    subject: str


def light_services(url: str, folder: Path) -> Services:
    """Services for registration alone. Other adapters are missing, so that a test that uses one fails."""
    return Services(
        engine=make_engine(url), blobs=NOT_USED, index=NOT_USED, synonyms=NOT_USED, queue=PolledQueue(), lane_of=lane_of, ocr=NOT_USED, vault=NOT_USED,
        signer=NOT_USED, checker=NOT_USED, post=NOT_USED, zone=ZoneInfo("Africa/Lome"), country="TG",
        code_key=b"k" * 32, journal_secret=b"j" * 32, factor_secret=b"f" * 32, public_url="", data_dir=str(folder),
    )  # fmt: skip


def prepare(url: str, folder: Path) -> None:
    """Make the tables and the organisation of the tests."""
    services = light_services(url, folder)
    make_tables(services.engine)
    make_organisation(services)
    services.engine.dispose()


def main(url: str, processes: int, letters: int, folder: Path) -> int:
    """Fork the clerks; replace each one that was killed. Returns the number that ended in another way."""
    services = _warmed(url, folder)
    running = {_fork(services, clerk, 0, letters, folder): clerk for clerk in range(processes)}
    failed = 0
    while running:
        pid, status = os.wait()
        clerk = running.pop(pid)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            begun = int((folder / f"{clerk}.begun").read_text())
            running[_fork(services, clerk, begun + 1, letters, folder)] = clerk
        elif status:
            failed += 1
    return failed


def _warmed(url: str, folder: Path) -> Services:
    """Services with compiled statements and no open connection. So the clerks need not compile them again."""
    services = light_services(url, folder)
    actor, register, form = _desk(services, "essai")
    try:
        with services.unit_of_work(MIDNIGHT) as uow:
            register_incoming(uow, register, form, actor=actor, now=MIDNIGHT)
            raise GaveUp
    except GaveUp:
        services.engine.dispose()
    return services


def _desk(services: Services, subject: str) -> tuple[Actor, RegisterId, IncomingForm]:
    with services.reading() as session:
        actor = actor_of_account(session, "agent", on=TODAY)
        register = RegisterId(session.scalars(select(Register.id).where(Register.code == "ARR")).one())
        authority = PostId(session.scalars(select(Post.id).where(Post.code == "SG-T")).one())
    return actor, register, IncomingForm(subject=subject, sender_name="Préfecture de Yoto", addressed_post_id=authority)


def _fork(services: Services, clerk: int, first: int, letters: int, folder: Path) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            work(services, clerk, first, letters, folder)
        except BaseException as error:  # noqa: BLE001  a forked child must never return into the parent's code
            print(f"clerk {clerk}: {error!r}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return pid


def work(services: Services, clerk: int, first: int, letters: int, folder: Path) -> None:
    """Register the letters ``first`` .. ``letters`` - 1. The second half gets a time in the following year."""
    actor, register, usual = _desk(services, "")
    chance = random.Random(clerk * 1000 + first)
    with (folder / f"{clerk}.answers").open("a", encoding="utf-8") as answers:
        for n in range(first, letters):
            (folder / f"{clerk}.begun").write_text(str(n))
            fate, subject = chance.random(), f"lettre {clerk}-{n}"
            form = replace(usual, subject=subject)
            now = MIDNIGHT + timedelta(milliseconds=(n - letters // 2) * 50)
            try:
                with services.unit_of_work(now) as uow:
                    done = register_incoming(uow, register, form, actor=actor, now=now)
                    if fate < ROLLED_BACK:
                        raise GaveUp
                    if fate < ROLLED_BACK + KILLED_BEFORE:
                        os.kill(os.getpid(), signal.SIGKILL)
            except GaveUp:
                continue
            if fate > 1 - KILLED_AFTER:
                os.kill(os.getpid(), signal.SIGKILL)
            answers.write(f"{done.number_id}\t{done.number}\t{subject}\n")
            answers.flush()


def answers(folder: Path) -> Iterator[Answer]:
    """The lines of all clerks."""
    for path in folder.glob("*.answers"):
        for line in path.read_text(encoding="utf-8").splitlines():
            number_id, text, subject = line.split("\t")
            yield Answer(int(number_id), text, subject)


def work_and_check(url: str, processes: int, letters: int, folder: Path, *, timeout_s: int) -> None:
    """Let clerks work in processes of their own over prepared tables, then ``check`` the numbers.

    Also checks that both years got numbers, and that most letters were confirmed. ``letters``: for each process.
    """
    words = [sys.executable, "-m", "tests.clerks", url, str(processes), str(letters), str(folder)]
    run = subprocess.run(words, capture_output=True, text=True, check=False, timeout=timeout_s)
    assert run.returncode == 0, run.stderr
    given = check(url, folder, tried=processes * letters)
    assert set(given) == {2025, 2026}
    assert sum(given.values()) > processes * letters * 0.8


def check(url: str, folder: Path, *, tried: int) -> dict[int, int]:
    """Check that the numbers of each year are 1..n without a gap, and that each confirmed letter is stored once.

    Returns:
        Year -> n.
    """
    services = light_services(url, folder)
    with services.snapshot() as session:
        rows = session.execute(
            select(MailNumber.id, MailNumber.year, MailNumber.sequence, MailNumber.registered_on, MailNumber.text,
                   Mail.subject)
            .join(Mail, Mail.id == MailNumber.mail_id).order_by(MailNumber.year, MailNumber.sequence)
        ).all()  # fmt: skip
        by_year: dict[int, list[int]] = {}
        for row in rows:
            by_year.setdefault(row.year, []).append(row.sequence)
            assert row.registered_on.year == row.year, "a number bears the date of its year"
        for year, sequences in by_year.items():
            assert sequences == list(range(1, len(sequences) + 1)), f"gap or double in {year}: {sequences}"
        days = [row.registered_on for row in rows]
        assert days == sorted(days), "a number is dated before the one given just before it"
        there = {(row.id, row.text, row.subject) for row in rows}
        told = [(answer.number_id, answer.text, answer.subject) for answer in answers(folder)]
        assert len(told) == len(set(told)), "answered twice"
        assert set(told) <= there, "answered 'registered' but not there"
        assert len({row.subject for row in rows}) == len(rows), "a letter is there twice"
        assert session.scalar(select(func.count(Mail.id))) == len(rows), "a letter without number"
        assert len(told) < len(rows) < tried, "nobody was killed after a commit, or nothing was rolled back"
        assert register_check.gaps(session) == []
        assert list(verify_chain(session)) == []
    services.engine.dispose()
    return {year: len(sequences) for year, sequences in by_year.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])))
