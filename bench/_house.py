"""An installation for the benchmarks: PostgreSQL, Elasticsearch, letters written directly into both, and the real site.

Part of ``bench.search``.
"""

import os
import re
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import insert

from bench import index_bulk
from bench.relevance import tell
from ged.access import Because, MailAccess
from ged.org.models import Unit
from ged.ports import IndexDocument, Principal, unit_principal
from ged.register.models import Channel, Direction, Mail, MailNumber, Priority, Register, RegisterNature
from ged.register.states import MailState
from ged.unit import Services
from tests.factories import SECRET, make_organisation, make_services
from tests.routing_kit import unit_id
from tests.servers import Running, free_port, started_ticks_of, stop
from tests.site import PASSWORD, give_passwords, make_settings
from web.processes.migrate import migrate_database

GED = str(Path(sys.executable).with_name("ged"))
UNITS = 300
SEEN_UNITS = 60
"""Units below the head who searches: a fifth of all. A letter is visible to three units, so the head sees half of the
letters."""
READER = "dge"
PIECE = 5_000
AT_ONCE = 2
TELL_EVERY = 50_000
WAIT_S = 180
_HELD = threading.local()


@dataclass(frozen=True)
class House:
    """An installation: its folder, its services in this process, and the settings of its commands."""

    folder: Path
    services: Services
    environment: dict[str, str]
    register_id: int
    first_unit: int

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start one of its commands as a process."""
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [GED, *arguments], env=self.environment, cwd=self.folder, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip


def make_house(folder: Path, *, database_url: str = "", **settings: str) -> House:
    """The organisation of the tests with 300 additional units, and an archive's register."""
    migrate_database(make_settings(folder, database_url=database_url))
    services = make_services(folder, url=database_url or None, create=False)
    make_organisation(services)
    give_passwords(services)
    with services.unit_of_work(index_bulk.START) as uow:
        above = {True: unit_id(services, "DGE"), False: unit_id(services, "DAF")}
        units = [
            Unit(code=f"U{no}", name=f"Bureau {no}", kind="service", parent_id=above[no <= SEEN_UNITS])
            for no in range(1, UNITS + 1)
        ]
        book = Register(
            code="PAPIER", name="Livres", unit_id=unit_id(services, "BO"), direction=Direction.INCOMING,
            nature=RegisterNature.ARCHIVE, pattern="P-{seq:07d}", restarts_yearly=False,
        )  # fmt: skip
        uow.session.add_all([*units, book])
        uow.session.flush()
        first, register_id = units[0].id, book.id
    named = {"data_dir": str(folder), "secret": SECRET, "database_url": database_url, **settings}
    given = {f"GED_{name.upper()}": value for name, value in named.items() if value}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GED_")}
    return House(folder, services, environment | {"GED_ENV_FILE": str(folder / "none")} | given, register_id, first)


def letters(house: House, count: int, seed: int) -> Iterator[IndexDocument]:
    """The letters that ``index_bulk`` generates, with rights of this installation's units."""
    for one in index_bulk.letters(count, seed):
        granted = (unit_principal(house.first_unit + int(str(name)[1:]) - 1) for name in one.principals)
        yield replace(one, principals=frozenset(map(Principal, granted)), registers=("PAPIER",))


def fill(house: House, made: Iterator[IndexDocument], count: int) -> None:
    """Write the next letters to the database and the index, and print lines of progress.

    Several bulks are sent concurrently, because each keeps only one core of the server busy while we wait.
    """
    began, done, waiting = time.monotonic(), 0, deque[Future[int]]()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while done < count:
            piece = list(islice(made, max(0, min(PIECE, count - done - PIECE * len(waiting)))))
            if piece:
                waiting.append(pool.submit(_take, house, piece))
            if not piece or len(waiting) > AT_ONCE:
                taken = waiting.popleft().result()
                done += taken
                if done % TELL_EVERY < taken or done == count:
                    tell(bench="fill", letters=done, letters_per_s=round(done / (time.monotonic() - began)))


def _take(house: House, piece: list[IndexDocument]) -> int:
    into_sql(house, piece)
    house.services.index.put(piece)
    return len(piece)


def into_sql(house: House, piece: list[IndexDocument]) -> None:
    tables: list[tuple[Any, list[dict[str, Any]]]] = [
        (Mail, [_mail(house, one) for one in piece]),
        (MailNumber, [_number(house, one) for one in piece]),
        (MailAccess, [right for one in piece for right in _rights(one)]),
    ]
    with house.services.engine.begin() as connection:
        for table, rows in tables:
            connection.execute(insert(table), rows)


def _mail(house: House, one: IndexDocument) -> dict[str, Any]:
    return {
        "id": int(one.mail_id), "direction": Direction.INCOMING, "state": MailState.CLOSED, "level": int(one.level),
        "nature": one.nature, "channel": Channel.HAND, "priority": Priority.NORMAL, "subject": one.subject,
        "sender_name": one.sender, "addressee": "", "their_reference": "", "enclosure_count": 0, "enclosure_note": "",
        "outcome": "", "unit_id": house.first_unit, "created_at": one.registered_at, "version": 1,
    }  # fmt: skip


def _number(house: House, one: IndexDocument) -> dict[str, Any]:
    return {
        "id": int(one.mail_id), "register_id": house.register_id, "year": 0, "sequence": int(one.mail_id),
        "text": one.numbers[0], "registered_at": one.registered_at, "registered_on": one.registered_at.date(),
        "mail_id": int(one.mail_id), "void_reason": "",
    }  # fmt: skip


def _rights(one: IndexDocument) -> Iterator[dict[str, Any]]:
    for principal in one.principals:
        yield {
            "mail_id": int(one.mail_id), "principal": str(principal), "because": Because.REGISTERED,
            "granted_at": one.registered_at.astimezone(UTC) + timedelta(seconds=1),
        }  # fmt: skip


@dataclass(frozen=True)
class Site:
    """The served site, and the cookie of a signed-in person."""

    port: int
    pid: int
    cookie: str

    def cpu_s(self) -> float:
        """CPU seconds that the site's processes have used so far."""
        ticks = 0
        for process in (self.pid, *_children(self.pid)):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def served(house: House, account: str = READER) -> Iterator[Site]:
    """Run `ged serve`, with one person signed in."""
    port = free_port()
    process = house.start("serve", "--bind", f"127.0.0.1:{port}", "--threads", "24")
    running = Running("", process.pid, started_ticks=started_ticks_of(process.pid))
    try:
        yield Site(port, process.pid, _sign_in(port, account, process))
    finally:
        stop(running)
        process.wait()


def _sign_in(port: int, account: str, process: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until and process.poll() is None:
        try:
            page, cookie = ask(port, "/connexion")
            break
        except OSError:
            time.sleep(0.2)
    else:
        raise RuntimeError("the site does not start")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    form = {"csrf_token": token[1] if token else "", "account": account, "password": PASSWORD}
    return ask(port, "/connexion", cookie=cookie, form=form)[1]


def ask(port: int, path: str, *, cookie: str = "", form: dict[str, str] | None = None) -> tuple[str, str]:
    """Send a request on this thread's open connection. Returns the text and the cookie of the response."""
    headers = {"Cookie": cookie} if cookie else {}
    if form:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    asked = ("POST" if form else "GET", path, urlencode(form) if form else None, headers)
    link = _link(port)
    for is_last in (False, True):
        try:
            link.request(*asked)
            answer = link.getresponse()
            break
        except ConnectionError:  # perhaps the connection was idle for too long
            link.close()
            if is_last:
                raise
    body = answer.read().decode()
    if answer.status >= 400:
        raise RuntimeError(f"{path}: {answer.status}")
    return body, "; ".join(one.partition(";")[0] for one in answer.headers.get_all("Set-Cookie") or ())


def _link(port: int) -> HTTPConnection:
    links: dict[int, HTTPConnection] = vars(_HELD)
    if port not in links:
        links[port] = HTTPConnection("127.0.0.1", port, timeout=120)
    return links[port]
