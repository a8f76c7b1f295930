"""The site under gunicorn: waiting bridges, slow clients and dead processes do not block pages for others."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from sqlalchemy import insert

from ged.capture import bridges
from ged.capture import orders as scan_orders
from ged.register.models import MailNumber, RegisterCounter
from tests.factories import actor
from tests.served import TRUST, Served, served
from tests.site import PASSWORD, give_passwords, token
from tests.slip_kit import register_id
from tests.worker_kit import Installation, eventually

pytestmark = [pytest.mark.in_turns(3), pytest.mark.slow]

THREADS = 4
POLLED_S = 8.0
"""Seconds that a bridge waits for an order here: more than the pages beside it take."""
QUICK_S = 4.0
"""Seconds: far below the cost of a wait, and above the need of a busy test machine."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation.make(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def site(place: Installation) -> Iterator[Served]:
    with served(place, threads=THREADS) as running:
        yield running


@pytest.fixture(scope="module")
def hung_up(site: Served) -> Iterator[Future[float]]:
    """The seconds until the site hangs up on a head that never ends. They pass while other tests run.

    Not before the first poll of a bridge was waited for: this is one connection more.
    """

    def send() -> float:
        with socket.create_connection(("127.0.0.1", site.port)) as slow:
            slow.settimeout(60)
            slow.sendall(b"GET /connexion HTTP/1.1\r\n")
            began = time.monotonic()
            assert slow.recv(100) == b""
            return time.monotonic() - began

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(send)


def pair(place: Installation, name: str) -> tuple[str, int]:
    """Pair a bridge at the mail office."""
    now, clerk = datetime.now(UTC), actor(place.services, "agent")
    with place.services.unit_of_work(now) as uow:
        code = bridges.make_pairing_code(uow, clerk.posts[0].unit_id, actor=clerk, now=now)
        token, bridge_id = bridges.pair(uow, code, name, now=now)
    return token, bridge_id


def poll(site: Served, token: str, wait_s: float = 25) -> httpx.Response:
    return httpx.get(
        f"{site.url}/api/bridge/order?wait_s={wait_s}", headers={"Authorization": f"Bearer {token}"}, timeout=60
    )


def known(site: Served, token: str) -> None:
    """Wait until the server holds the polls of this bridge aside."""
    eventually(lambda: "Retry-After" not in poll(site, token, 0.1).headers, within_s=20, what="a poll is laid aside")


def connections(site: Served) -> list[str]:
    """The number of open connections to the site's port, as the kernel reports it."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    wanted = f":{site.port:04X}"
    return [line for line in lines if line.split()[1].endswith(wanted) and line.split()[3] == "01"]


def _is_open(connection: socket.socket) -> bool:
    """Whether the site has neither said anything on a connection nor closed it."""
    try:
        connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return True
    except ConnectionError:
        return False
    return False


def test_a_bridge_waits_once_and_a_foreign_token_not_at_all(place: Installation, site: Served) -> None:
    token, _ = pair(place, "Guichet double")
    known(site, token)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(poll, site, token, 25)
        eventually(lambda: len(connections(site)) >= 1, within_s=20, what="the first poll is there")
        began = time.monotonic()
        second = pool_of_one(site, token)
        assert first.result().status_code == 204
        assert time.monotonic() - began < 8.0
        second.join()
    began = time.monotonic()
    assert poll(site, "a token of nobody").status_code == 401
    assert time.monotonic() - began < 12, "of the 25 s it waits for none"


def pool_of_one(site: Served, token: str) -> threading.Thread:
    """The same bridge asks a second time."""
    thread = threading.Thread(target=poll, args=(site, token, 3))
    thread.start()
    return thread


@pytest.mark.usefixtures("hung_up")
def test_waiting_bridges_leave_the_pages_alone(place: Installation, site: Served) -> None:
    bridges_there = [pair(place, f"Guichet {number}") for number in range(24)]
    known(site, bridges_there[-1][0])  # one query for orders reveals all paired bridges
    with ThreadPoolExecutor(len(bridges_there)) as pool:
        polls = [pool.submit(poll, site, token, POLLED_S) for token, _ in bridges_there]
        eventually(lambda: len(connections(site)) >= 24, within_s=10, what="all bridges wait")
        times = [site.sign_in_page_s() for _ in range(5)]
        waiting = sum(not one.done() for one in polls)
        bridge_id = bridges_there[7][1]
        began = time.monotonic()
        clerk, now = actor(place.services, "agent"), datetime.now(UTC)
        with place.services.unit_of_work(now) as uow:
            order_id = scan_orders.order_scan(uow, bridge_id, actor=clerk, now=now).id
        told = polls[7].result()
        reached_s = time.monotonic() - began
        answers = [one.result() for one in polls]
    assert waiting == 24
    assert max(times) < QUICK_S, times
    assert (told.status_code, told.json()["order_id"]) == (200, order_id)
    assert reached_s < 5.0
    assert [one.status_code for one in answers].count(204) == 23
    with place.services.unit_of_work(datetime.now(UTC)) as uow:
        scan_orders.cancel_order(uow, order_id, actor=clerk, now=now)


def test_unfinished_heads_and_bodies_hold_no_page(site: Served) -> None:
    with ExitStack() as stack:
        for number in range(60):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", site.port)))
            if number % 2:
                slow.sendall(b"GET /connexion HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
            else:
                slow.sendall(b"POST /connexion HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\naccount=")
        times = [site.sign_in_page_s() for _ in range(10)]
    assert max(times) < QUICK_S, times


def test_a_head_that_never_ends_is_hung_up_on(hung_up: Future[float]) -> None:
    assert hung_up.result() < 25


@pytest.mark.parametrize(
    "said",
    [
        b"GET /connexion HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"GET /connexion HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: other\r\n\r\n",
        b"POST /connexion HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000000000\r\n\r\n",
    ],
    ids=["two lengths", "a foreign encoding", "a large body"],
)
def test_what_is_refused_before_the_application_bears_the_sites_headers(site: Served, said: bytes) -> None:
    with socket.create_connection(("127.0.0.1", site.port)) as other:
        other.settimeout(10)
        other.sendall(said)
        told = b""
        while piece := other.recv(65_536):
            told += piece
    head, _empty, _body = told.decode().lower().partition("\r\n\r\n")
    assert head.split()[1][0] in "45"
    for header in ("x-content-type-options: nosniff", "cache-control: no-store", "referrer-policy: same-origin"):
        assert head.count(header) == 1, header
    assert head.count("content-security-policy") == 1
    assert "frame-ancestors 'none'" in head


def test_one_address_has_so_many_connections_and_idle_ones_make_room(site: Served) -> None:
    for _ in range(5):
        with ExitStack() as stack:
            slow = [stack.enter_context(socket.create_connection(("127.0.0.1", site.port))) for _ in range(100)]
            for one in slow:
                one.sendall(b"GET /connexion HTTP/1.1\r\n")
            eventually(lambda: len(connections(site)) >= 100, within_s=10, what="all are taken")
            try:
                httpx.get(f"{site.url}/connexion", timeout=5)
            except httpx.TransportError:
                break
            # On a busy machine one may be closed before: headers may take 15 s, and a connection whose first bytes the site
            # has not read yet is idle, so it makes room.
            assert not all(map(_is_open, slow)), "one more was taken in beside a hundred"
    else:
        pytest.fail("one more was taken in, five times")
    eventually(lambda: len(connections(site)) < 50, within_s=10, what="they are gone")

    def answered() -> bool:
        try:
            return site.sign_in_page_s() < QUICK_S
        except httpx.TransportError:  # before the site notices that they are closed
            return False

    eventually(answered, within_s=20, what="there is room again")


def test_a_slow_link_brings_a_large_page_in_pieces(place: Installation, site: Served) -> None:
    token, _ = pair(place, "Guichet lent")
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.put(f"{site.url}/api/bridge/batch/lent", json={}, headers=headers).status_code == 201
    body = os.urandom(96_000)
    head = (
        f"PUT /api/bridge/batch/lent/page/t1?offset=0 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\nX-Content-Size: {len(body) * 2}\r\n"
        f"X-Content-SHA256: {'0' * 64}\r\nX-Page-Order: 1\r\nContent-Type: image/png\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", site.port)) as slow:
        slow.settimeout(20)
        slow.sendall(head.encode())
        for start in range(0, len(body), 16_000):  # 32 kB a second
            slow.sendall(body[start : start + 16_000])
            time.sleep(0.5)
        assert slow.recv(1000).startswith(b"HTTP/1.1 202")


def test_a_process_that_dies_is_replaced_and_the_others_go_on(tmp_path: Path) -> None:
    place = Installation.make(tmp_path)
    try:
        with served(place, processes=2) as site:
            before = site.children()
            assert len(before) == 2
            os.kill(before[0], signal.SIGKILL)
            for _ in range(5):
                assert site.sign_in_page_s() < 5.0
            eventually(lambda: len(site.children()) == 2 and before[0] not in site.children(), within_s=20, what="two")
            assert before[1] in site.children()
    finally:
        place.close()


OFTEN = """
from web.commands import program
from web.processes import server
server.RECYCLED_AFTER = 30
program()
"""


@pytest.mark.long("fourteen seconds of requests; a process that dies is replaced in the test beside it")
def test_processes_that_are_replaced_after_many_requests_lose_none(tmp_path: Path) -> None:
    """People keep their connections open, and send a request when they please."""
    place, ended = Installation.make(tmp_path), threading.Event()

    def person(url: str) -> int:
        with httpx.Client(base_url=url, verify=TRUST, timeout=30) as client:
            asked = 0
            while not ended.is_set():
                assert client.get("/connexion").status_code == 200
                asked += 1
        return asked

    def replaced(site: Served) -> bool:
        seen.update(site.children())
        return len(seen) >= 4 or any(one.done() for one in people)

    try:
        with served(place, processes=2, program=[sys.executable, "-c", OFTEN]) as site, ThreadPoolExecutor(6) as pool:
            seen = set(site.children())
            people = [pool.submit(person, site.url) for _ in range(6)]
            try:
                eventually(lambda: replaced(site), within_s=90, what="two processes have been replaced")
            finally:
                ended.set()
            assert sum(one.result() for one in people) > 50
    finally:
        place.close()


def test_the_number_of_processes_is_a_setting(tmp_path: Path) -> None:
    place = Installation.make(tmp_path, {"GED_PROCESSES": "3"})
    try:
        with served(place, processes=0) as site:
            eventually(lambda: len(site.children()) == 3, within_s=20, what="three processes")
    finally:
        place.close()


WARM, PRINTS, PRINTED = 6, 24, 300


@pytest.mark.long("hundreds of heavy prints")
def test_the_memory_of_the_site_stays_flat_over_heavy_prints(tmp_path: Path) -> None:
    place = Installation.make(tmp_path)
    try:
        give_passwords(place.services)
        book = fill_book(place)
        with served(place) as site, signed_in(site, "agent") as client, ThreadPoolExecutor(2) as pool:
            paths = [
                f"/registres/{book}/pages.pdf?annee=2026&premier={n}&dernier={n + PRINTED - 1}"
                for n in range(1, WARM + PRINTS + 1)
            ]
            assert set(pool.map(lambda path: printed(client, path), paths[:WARM])) == {True}
            before = [rss_mb(pid) for pid in site.children()]
            assert set(pool.map(lambda path: printed(client, path), paths[WARM:])) == {True}
            after = [rss_mb(pid) for pid in site.children()]
    finally:
        place.close()
    assert len(before) == len(after) == 1
    assert after[0] <= 1.2 * before[0], (before, after)


def fill_book(place: Installation) -> int:
    """A register with as many numbers as a print may contain."""
    now, book = datetime.now(UTC), register_id(place.services, "ARR")
    with place.services.unit_of_work(now) as uow:
        rows = [
            {"register_id": book, "year": 2026, "sequence": n, "text": f"{n:05d}/2026/MIN", "registered_at": now, "registered_on": now.date()}
            for n in range(1, WARM + PRINTS + PRINTED + 1)
        ]  # fmt: skip
        uow.session.execute(insert(MailNumber), rows)
        uow.session.add(RegisterCounter(register_id=book, year=2026, last_sequence=len(rows), last_on=now.date()))
    return int(book)


@contextmanager
def signed_in(site: Served, account: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site.url, timeout=60) as client:
        form = {"csrf_token": token(client.get("/connexion").text), "account": account, "password": PASSWORD}
        assert client.post("/connexion", data=form).status_code == 303
        yield client


def printed(client: httpx.Client, path: str) -> bool:
    """Request a print, and repeat as long as the site asks to come back."""
    for _ in range(30):
        answer = client.get(path)
        if answer.status_code != 503:
            return answer.status_code == 200 and answer.content.startswith(b"%PDF")
        time.sleep(1)
    return False


def rss_mb(pid: int) -> float:
    """Resident memory of a process, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024
