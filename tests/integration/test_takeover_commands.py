"""`ged import` and `ged search` as processes on PostgreSQL, Redis and Elasticsearch, as an outsider calls them."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from ged.register.models import Direction, Register, RegisterNature
from ged.takeover.operations import PIECE_LETTERS
from tests.factories import NOW, SECRET, make_organisation, make_services
from tests.migration_kit import migrated
from tests.routing_kit import unit_id
from tests.servers import elastic as servers
from tests.site import make_settings
from tests.started import GED, Started

pytestmark = pytest.mark.servers
FIRST_PIECE = PIECE_LETTERS
LETTERS = FIRST_PIECE + 50
WAIT_S = 200

Answers = list[dict[str, Any]]


class Installation:
    """An installation on the servers, and its commands."""

    def __init__(self, folder: Path, url: str, **settings: str) -> None:
        self.folder, self.url = folder, url
        self.environment = os.environ | {
            "GED_ENV_FILE": str(folder / "none"), "GED_DATA_DIR": str(folder), "GED_SECRET": SECRET,
            "GED_DATABASE_URL": url, **{f"GED_{name.upper()}": value for name, value in settings.items()},
        }  # fmt: skip

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return Started(
            [str(GED), *arguments], env=self.environment, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    def ged(self, *arguments: str, code: int = 0) -> Answers:
        """The JSON lines that a command prints."""
        with self.start(*arguments) as process:
            told, wrong = process.communicate(timeout=WAIT_S)
        assert process.returncode == code, told + wrong
        return [json.loads(line) for line in told.splitlines() if line.startswith("{")]

    def letters(self) -> int:
        engine = create_engine(self.url)
        with engine.connect() as connection:
            count = int(connection.execute(text("SELECT count(*) FROM mails")).scalar_one())
        engine.dispose()
        return count


@pytest.fixture
def house(
    elasticsearch_url: str, empty_redis_url: str, make_database: Callable[[], str], tmp_path: Path
) -> Iterator[Installation]:
    server, url, alias = servers.connection(elasticsearch_url), make_database(), f"ged-test-{uuid4().hex}"
    migrated(make_settings(tmp_path, database_url=url))
    services = make_services(tmp_path, url=url, create=False)
    make_organisation(services)
    with services.unit_of_work(NOW) as uow:
        uow.session.add(
            Register(
                code="PAPIER", name="Livres", unit_id=unit_id(services, "BO"), direction=Direction.INCOMING,
                nature=RegisterNature.ARCHIVE, pattern="P-{seq:05d}",
            )
        )  # fmt: skip
    services.engine.dispose()
    security = {"elasticsearch_api_key": server.api_key, "elasticsearch_ca": server.ca_path and str(server.ca_path)}
    yield Installation(
        tmp_path, url, redis_url=empty_redis_url, elasticsearch_url=server.url, elasticsearch_index=alias,
        elasticsearch_replicas="0", unsafe_database="for-tests", **{name: value for name, value in security.items() if value},
    )  # fmt: skip
    servers.forget(server, alias)


def archive() -> list[bytes]:
    """Letters of many years. Each tenth is restricted, of the energy direction; the last one is secret."""
    made: list[dict[str, Any]] = [
        {
            "id": f"B12-{no:04}", "number": f"{no:04}/MEM/SG", "registered_on": f"{2010 + no % 12}-03-{1 + no % 28:02}",
            "subject": f"Marché de poteaux, lot {no}", "sender": "CEET", "text": f"Livraison du lot {no}\fà Sokodé",
        }
        for no in range(LETTERS)
    ]  # fmt: skip
    for one in made[::10]:
        one |= {"confidentiality": "restricted", "unit": "DGE", "subject": f"Enquête sur le {one['number']}"}
    made[-1] |= {"confidentiality": "secret", "unit": "SG", "subject": "Succession"}
    return [json.dumps(one).encode() + b"\n" for one in made]


REFUSED = {
    LETTERS + 1: "import.not_json",
    LETTERS + 2: "import.own_id_twice",
    LETTERS + 3: "import.own_id",
    LETTERS + 4: "import.unit",
    LETTERS + 5: "import.date",
    LETTERS + 6: "import.file_missing",
}
FAULTY: tuple[object, ...] = (
    "non", {"id": "B12-0000", "text": "double"}, {"text": "sans id"}, {"id": "x1", "text": "x", "unit": "RIEN"},
    {"id": "x2", "text": "x", "registered_on": "hier"}, {"id": "x3", "file": "absent.pdf"},
)  # fmt: skip


def _killed_after_the_first_piece(house: Installation, lines: list[bytes], *arguments: str) -> None:
    """The file comes through a pipe, so that the moment of the kill is known: one part is stored, the next has
    begun."""
    pipe = house.folder / "pipe.jsonl"
    os.mkfifo(pipe)
    with house.start("import", str(pipe), *arguments) as process:
        with pipe.open("wb", buffering=0) as feed:
            feed.writelines(lines[: FIRST_PIECE + 5])
            while house.letters() < FIRST_PIECE:
                assert process.poll() is None, process.communicate()
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=WAIT_S)
    pipe.unlink()


def test_an_archive_comes_in_and_is_found_under_the_rights_of_who_asks(house: Installation) -> None:
    lines = archive()
    whole = house.folder / "letters.jsonl"
    whole.write_bytes(b"".join([*lines, *(json.dumps(one).encode() + b"\n" for one in FAULTY)]))
    (house.folder / "files").mkdir()
    arguments = ("--into", "PAPIER", "--files", str(house.folder / "files"), "--json")

    *refusals, figures = house.ged("import", str(whole), "--dry-run", *arguments, code=1)
    assert {one["line"]: one["refused"] for one in refusals} == REFUSED
    assert all(one["remedy"] for one in refusals)
    assert (figures["dry_run"], figures["taken"], house.letters()) == (True, LETTERS, 0)

    _killed_after_the_first_piece(house, lines, *arguments)
    taken = house.letters()
    assert FIRST_PIECE <= taken < LETTERS, "killed in the middle"
    *refusals, figures = house.ged("import", str(whole), *arguments, code=1)
    assert {one["line"]: one["refused"] for one in refusals} == REFUSED
    assert (figures["already"], figures["taken"], figures["index_jobs_waiting"]) == (taken, LETTERS - taken, 0)
    assert house.letters() == LETTERS

    own = _as(house, "agent", "livraison lot 7", "0007/MEM/SG", "enquête", "Succession", '"objet')
    assert [one[:1] for one in own] == [["B12-0007"], ["B12-0007"], [], [], []]
    restricted = {f"B12-{no:04}" for no in range(0, LETTERS, 10)}
    cleared = _as(house, "dge", "enquête", "0010/MEM/SG", "livraison")
    assert [set(one) for one in cleared] == [restricted, {"B12-0010"}, restricted]
    house.ged("index", "verify", "--check")


def _as(house: Installation, account: str, *asked: str) -> list[list[str]]:
    """Search by a file of queries. Returns the ids of the hits of each; a hit by words has a passage."""
    batch = house.folder / "asked.txt"
    batch.write_text("".join(json.dumps({"query": one, "id": no}) + "\n" for no, one in enumerate(asked)))
    answers = house.ged("search", "--as", account, "--limit", "200", "--batch", str(batch))
    assert [one["id"] for one in answers] == list(range(len(asked)))
    assert all(hit["passages"] and hit["score"] > 0 for one in answers for hit in one["hits"])
    return [[hit["own_id"] for hit in one["hits"]] for one in answers]
