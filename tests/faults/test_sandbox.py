"""A hostile child process cannot reach anything. Each attack is tried under each isolation that this machine allows."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import NONE, Busy, ChildFailed, Gone, Isolation, Kind, Late, Limits, Pool, chosen, room
from sandbox.child import SWOLLEN_BYTES
from sandbox.isolation import candidates
from sandbox.pool import holds
from sandbox.room import Room
from tests.worker_kit import eventually

pytestmark = [pytest.mark.in_turns(3), pytest.mark.own_children]

ALLOWED = {candidate.kind.value: candidate for candidate in candidates()}
ROOT = Path(__file__).parents[2]
T = 30.0


def pool(isolation: Isolation | None = None, **more: object) -> Pool:
    return Pool("tests.hostile_child:service", {}, packages=("tests",), isolation=isolation, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=["bubblewrap", "landlock"])
def isolation(request: pytest.FixtureRequest) -> Isolation:
    if request.param not in ALLOWED or not holds(ALLOWED[request.param]):
        pytest.skip(f"this machine does not allow {request.param}")
    return ALLOWED[request.param]


@pytest.fixture(scope="module")
def shut_in(isolation: Isolation) -> Iterator[Pool]:
    made = pool(isolation)
    yield made
    made.stop()


def tried(children: Pool, **request: object) -> object:
    return children.ask(request, timeout_s=T).message["error"]


def test_the_settings_the_data_and_the_passwords_are_not_seen(shut_in: Pool, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    settings, blob = tmp_path / "ged.env", data / "blob"
    for path in (settings, blob):
        path.write_text("secret")
    places = [settings, blob, "/etc/shadow", "/etc/passwd", ROOT / "README.md"]
    assert [path for path in places if not tried(shut_in, do="read", path=str(path))] == []
    assert tried(shut_in, do="list", path=str(data)) != ""


def test_neither_a_socket_nor_a_datagram_leaves(shut_in: Pool) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard,
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX) as local,
    ):
        heard.bind(("127.0.0.1", 0))
        heard.settimeout(0.2)
        local.bind(f"{folder}/socket")
        local.listen()
        assert tried(shut_in, do="connect", address=server.getsockname()) != ""
        assert tried(shut_in, do="connect", address=f"{folder}/socket") != ""
        assert tried(shut_in, do="send", address=heard.getsockname()) != ""
        with pytest.raises(TimeoutError):
            heard.recv(10)


@pytest.mark.parametrize("deed", ["trace", "memory", "kill"])
def test_the_owner_can_be_neither_traced_nor_read_nor_killed(shut_in: Pool, deed: str) -> None:
    # In a user namespace of its own, the file's owner appears as nobody or as the child's user.
    with subprocess.Popen(["sleep", "60"]) as victim:
        assert tried(shut_in, do=deed, pid=victim.pid) != ""
        assert victim.poll() is None
        victim.kill()


def test_nothing_is_written_but_in_its_own_room(shut_in: Pool, tmp_path: Path) -> None:
    for path in (tmp_path / "new", Path("/usr/new"), Path(sys.prefix) / "new", ROOT / "tests" / "new"):
        assert tried(shut_in, do="write", path=str(path)) != ""
        assert not path.exists()
    with shut_in.child(wait_s=T) as child:
        made = child.ask({"do": "write", "path": str(child.room / "made")}, timeout_s=T)
        assert made.message["error"] == ""
        assert child.take("made", tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "x"


def test_no_program_and_no_process_is_started(shut_in: Pool) -> None:
    assert tried(shut_in, do="run", command=["/bin/true"]) == "PermissionError"
    assert shut_in.ask({"do": "fork", "count": 10}, timeout_s=T).message["told"] == 0


def test_forks_without_end_are_bounded_and_ended(isolation: Isolation) -> None:
    made = pool(isolation, limits=Limits(programs=True, processes=40))
    wanted, before = 400, _below(os.getpid())
    forked = made.ask({"do": "fork", "count": wanted}, timeout_s=T).message["told"]
    children = len(_below(os.getpid()) - before)
    made.stop()
    if isolation.counts_apart and os.geteuid():  # the kernel applies this limit only to users other than root
        assert forked < 40
    assert children > 0
    eventually(lambda: not _below(os.getpid()) - before, within_s=10, what="all of them have ended")


@pytest.mark.in_shares(2)
def test_who_leaves_the_group_is_ended_too(isolation: Isolation) -> None:
    made = pool(isolation, limits=Limits(programs=True))
    with pytest.raises((Late, Gone)), made.child(wait_s=T) as child:
        child.ask({"do": "leave"}, timeout_s=T)
        child.ask({"do": "sleep", "s": 60}, timeout_s=0.5)
    made.stop()
    eventually(lambda: not _called("987.5"), within_s=10, what="nothing of it lives")


def test_a_program_sees_no_more_than_the_child(isolation: Isolation, tmp_path: Path) -> None:
    secret = tmp_path / "ged.env"
    secret.write_text("secret")
    made = pool(isolation, limits=Limits(programs=True))
    assert made.ask({"do": "run", "command": ["/bin/echo", "there"]}, timeout_s=T).message["told"] == "there\n"
    with pytest.raises(ChildFailed, match="CalledProcessError"):
        made.ask({"do": "run", "command": ["/bin/cat", str(secret)]}, timeout_s=T)
    made.stop()


def test_a_link_is_never_followed_out_of_the_room(isolation: Isolation, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    made = pool(isolation)
    with made.child(wait_s=T) as child:
        child.ask({"do": "link", "target": str(secret), "name": str(child.room / "made")}, timeout_s=T)
        assert not child.take("made", tmp_path / "taken")
        child.ask({"do": "link", "target": str(tmp_path / "fooled"), "name": str(child.room / "source")}, timeout_s=T)
        assert child.put(secret).read_text() == "secret"
    made.stop()
    assert not (tmp_path / "fooled").exists()
    assert not (tmp_path / "taken").exists()
    assert secret.read_text() == "secret"


def test_nothing_of_one_document_stays_for_the_next(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("first")
    two.write_text("second")
    room = Room()
    assert room.put(one, "source").read_text() == "first"
    (room.path / "made").write_text("of the first")
    assert room.put(one, "source").read_text() == "first"
    assert room.names() == ("made",)
    assert room.put(two, "source").read_text() == "second"
    assert room.names() == ()
    room.remove()
    assert not room.path.exists()


@pytest.mark.parametrize("kind", [*ALLOWED, "none"])
def test_limits_hold_under_each_isolation(kind: str, tmp_path: Path) -> None:
    made = pool(ALLOWED.get(kind, NONE), limits=Limits(memory_bytes=1 << 30, file_bytes=1000))
    with pytest.raises(ChildFailed, match="MemoryError"):
        made.ask({"do": "eat"}, timeout_s=T)
    with made.child(wait_s=T) as child:
        assert child.ask({"do": "write", "path": str(child.room / "a"), "size": 1001}, timeout_s=T).message["error"]
    made.stop()


def test_the_environment_and_the_descriptors_are_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GED_SECRET", "very-secret")
    held = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(held, True)
    made = pool()
    environment, descriptors, _, folder = made.ask({"do": "know"}, timeout_s=T).message["told"]
    made.stop()
    os.close(held)
    assert "very-secret" not in str(environment)
    assert environment["HOME"] == environment["TMPDIR"] == folder
    assert len(descriptors) <= 6


def test_a_late_child_is_ended_and_the_next_request_gets_another() -> None:
    made = pool()
    began_s = time.monotonic()
    with pytest.raises(Late):
        made.ask({"do": "sleep", "s": 60}, timeout_s=0.5)
    assert time.monotonic() - began_s < 20
    assert made.ask({"do": "know"}, timeout_s=T).message["error"] == ""
    made.stop()


def test_a_child_that_ends_floods_or_fails_says_so() -> None:
    made = pool(max_answer_bytes=1 << 20)
    for deed in ("die", "flood"):
        with pytest.raises(Gone):
            made.ask({"do": deed}, timeout_s=T)
    with pytest.raises(ChildFailed, match="KeyError"):
        made.ask({"do": "nothing known"}, timeout_s=T)
    assert made.ask({"do": "know"}, payload=b"abc", timeout_s=T).payload == b"cba"
    made.stop()
    with pytest.raises(Gone):
        made.ask({"do": "know"}, timeout_s=T)
    with pytest.raises(Gone):
        Pool("tests.hostile_child:service", {"start": "never"}, packages=("tests",)).ask({"do": "know"}, timeout_s=T)


def test_a_child_is_replaced_after_its_uses() -> None:
    made = pool(uses=2)
    numbers = [made.ask({"do": "write", "path": "used"}, timeout_s=T) and _rooms(made) for _ in range(3)]
    made.stop()
    assert numbers[0] != numbers[1] == []
    assert numbers[2] != numbers[0]


def test_a_child_that_keeps_much_memory_is_replaced(isolation: Isolation) -> None:
    """Two hostile files took a gigabyte and a half each, and the children that had read them kept it for the day."""
    children = pool(isolation)
    seen = []
    for size in (SWOLLEN_BYTES // 4, SWOLLEN_BYTES, 1):
        with children.child(wait_s=T) as child:
            child.ask({"do": "hold", "size": size}, timeout_s=T)
            seen.append(child)
    children.stop()
    assert seen[0] is seen[1]
    assert seen[2] is not seen[1]
    assert not seen[1].alive


def test_a_child_that_was_killed_while_it_did_nothing_costs_no_request() -> None:
    """The kernel kills for memory whom it likes. The next file was refused, as the one that had ended its reader."""
    children = pool(NONE)
    with children.child(wait_s=T) as child:
        child.ask({"do": "know"}, timeout_s=T)
        first = child.room
    child.kill()
    eventually(lambda: not child.alive, within_s=T, what="the idle child is dead")
    with children.child(wait_s=T) as other:
        other.ask({"do": "know"}, timeout_s=T)
        assert other is not child
    assert not first.exists()
    children.stop()


def _rooms(made: Pool) -> list[Path]:
    return [child.room for child in made._idle]


def test_more_callers_than_places_wait() -> None:
    made = pool(size=1)
    began, done = threading.Event(), threading.Event()

    def hold() -> None:
        with made.child(wait_s=T):
            began.set()
            done.wait(T)

    thread = threading.Thread(target=hold)
    thread.start()
    began.wait(T)
    with pytest.raises(Busy):
        made.ask({"do": "know"}, timeout_s=0.2)
    done.set()
    thread.join()
    assert made.ask({"do": "know"}, timeout_s=T).message["error"] == ""
    made.stop()


@pytest.mark.in_shares(3)
@pytest.mark.parametrize("kind", [*ALLOWED, "none"])
def test_children_end_with_an_owner_that_is_killed_and_their_rooms_too(kind: str, tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, kind],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == "ready\n"
    eventually(lambda: _called("987.25"), within_s=60, what="the child has called the program")
    rooms = list(tmp_path.glob("ged-room-*"))
    assert len(rooms) == 1
    owner.kill()
    owner.communicate()
    eventually(lambda: not _called(str(tmp_path)) and not _called("987.25"), within_s=10, what="the child is gone")
    next_owner = [sys.executable, "-c", "from sandbox.room import Room; Room().remove()"]
    subprocess.run(next_owner, cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)}, check=True)
    assert list(tmp_path.glob("ged-room-*")) == []


OWNER = """
import sys, threading, time
from sandbox import room
from sandbox import NONE, Limits, Pool
from sandbox.isolation import candidates
kinds = {one.kind.value: one for one in candidates()}
limits = Limits(programs=True)
pool = Pool("tests.hostile_child:service", {}, packages=("tests",), isolation=kinds.get(sys.argv[1], NONE), limits=limits)
pool.ask({"do": "know"}, timeout_s=60)
busy = {"do": "run", "command": ["sleep", "987.25"]}
threading.Thread(target=pool.ask, args=(busy,), kwargs={"timeout_s": 900}, daemon=True).start()
print("ready", flush=True)
time.sleep(900)
"""


def test_an_isolation_that_lets_something_through_is_not_chosen() -> None:
    assert not holds(NONE)
    assert not holds(Isolation(Kind.BUBBLEWRAP, "/bin/false"))
    assert chosen() in [*ALLOWED.values(), NONE]
    if chosen().holds:
        assert not chosen().shows(Path("/etc/shadow"))
    assert chosen().shows(Path(sys.prefix) / "data")
    assert NONE.shows(Path("/etc/shadow"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_it_holds_for_a_user_without_any_right() -> None:
    """Uses the system's Python: the Python of the tests may be where another user has no access."""
    python = Path("/usr/bin/python3")
    if not python.exists():
        pytest.skip("no Python of the system")
    done = subprocess.run(
        [python, "-B", "-c", "import sandbox; print(sandbox.chosen().kind)"],
        check=False,
        cwd="/",
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        user=65534,
        group=65534,
        extra_groups=[],
        capture_output=True,
        text=True,
        timeout=120,
    )
    if "ModuleNotFoundError" in done.stderr:
        pytest.skip("the checkout cannot be read by another user")
    assert done.stdout.strip() == chosen().kind.value


def _below(pid: int) -> set[int]:
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            listed = [int(word) for word in task.read_text().split()]
        except OSError:
            continue
        for child in listed:
            found |= {child} | _below(child)
    return found


def _called(word: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() in (path / "cmdline").read_bytes() and int(path.name) != os.getpid():
                found.append(int(path.name))
        except OSError:
            continue
    return found


def test_a_room_swept_away_before_it_is_locked_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def swept(**given: str) -> str:
        made.append(mkdtemp(**given))
        if len(made) == 1:
            room._sweep()  # another user begins at this moment
        return made[-1]

    mkdtemp = tempfile.mkdtemp
    monkeypatch.setattr(room.tempfile, "mkdtemp", swept)
    found = Room()
    try:
        assert (len(made), found.path.is_dir()) == (2, True)
    finally:
        found.remove()
