"""Behaviour of the embedded index that needs two processes and a real folder."""

import json
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ged.errors import EngineFailed
from ged.ports import MailId, SearchQuery
from indexer import frequent, tantivy_index, tantivy_store
from indexer.fields import SCHEMA_VERSION
from indexer.tantivy_index import TantivyIndex
from tests.contracts.letters import ALL, letter

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


def total(index: TantivyIndex, text: str) -> int:
    return index.search(SearchQuery(text), principals=ALL).total


class Other:
    """Another Python process that reads or writes the folder, one line for each command."""

    def __init__(self, folder: Path, *, writable: bool) -> None:
        program = f"""
            import resource, signal, sys
            from pathlib import Path
            from ged.errors import GedError
            from ged.ports import SearchQuery
            from indexer.tantivy_index import TantivyIndex
            from tests.contracts.letters import ALL, letter
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            index = TantivyIndex(Path({str(folder)!r}), writable={writable})
            for line in sys.stdin:
                command, _, rest = line.strip().partition(" ")
                try:
                    if command == "total":
                        print(index.search(SearchQuery(rest), principals=ALL).total, flush=True)
                    elif command == "put":
                        index.put([letter(int(rest), "école")]); print("done", flush=True)
                    elif command == "limit":
                        resource.setrlimit(resource.RLIMIT_FSIZE, (int(rest), resource.RLIM_INFINITY))
                        print("done", flush=True)
                    elif command == "reset":
                        index.reset(); print("done", flush=True)
                except GedError as error:
                    print(error.code, flush=True)
        """
        self._process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, command: str) -> str:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def end(self) -> None:
        self._process.communicate(timeout=20)

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate(timeout=20)


def test_another_process_sees_every_commit(folder: Path) -> None:
    writer = TantivyIndex(folder, writable=True)
    reader = Other(folder, writable=False)
    for number in range(1, 6):
        writer.put([letter(number, "école")])
        assert reader.ask("total école") == str(number)
    writer.remove([MailId(1)])
    assert reader.ask("total école") == "4"
    writer.reset()
    assert reader.ask("total école") == "0"
    writer.put([letter(9, "école")])
    assert reader.ask("total école") == "1"
    reader.end()
    writer.close()


def test_a_reader_waits_for_the_worker_to_make_the_index(folder: Path) -> None:
    reader = TantivyIndex(folder, writable=False)
    assert reader.status().documents == 0
    with pytest.raises(EngineFailed, match=r"index\.unavailable") as failure:
        total(reader, "école")
    assert failure.value.retryable
    writer = TantivyIndex(folder, writable=True)
    writer.put([letter(1, "école")])
    assert total(reader, "école") == 1
    writer.close()


def test_only_one_process_writes(folder: Path) -> None:
    writer = Other(folder, writable=True)
    assert writer.ask("put 1") == "done"
    second = TantivyIndex(folder, writable=True)
    for call in (lambda: second.put([letter(2)]), second.reset):
        with pytest.raises(EngineFailed, match=r"index\.locked"):
            call()
    assert total(second, "école") == 1
    writer.end()
    second.put([letter(2, "école")])
    assert total(second, "école") == 2
    second.close()


def test_a_killed_writer_leaves_a_whole_index_and_no_lock(folder: Path) -> None:
    writer = Other(folder, writable=True)
    assert writer.ask("put 1") == "done"
    writer.kill()
    second = TantivyIndex(folder, writable=True)
    second.put([letter(2, "école")])
    assert total(second, "école") == 2
    second.close()


def test_a_rebuild_that_was_killed_behind_its_publication_is_over(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = TantivyIndex(folder, writable=True)
    building = worker.begin_rebuild(7)
    worker.extend([letter(1, "école")], position=1)

    def killed(_path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(tantivy_store, "forget_building", killed)
        with pytest.raises(KeyboardInterrupt):
            worker.publish()
    worker.close()
    again = TantivyIndex(folder, writable=True)
    again.put([letter(2, "école")])
    assert (again.status().generation, again.status().building, total(again, "école")) == (building.name, None, 2)
    assert again.begin_rebuild(8).name != building.name, "the next one begins beside the living index"
    again.close()


def test_a_full_disk_loses_nothing_and_is_got_over(folder: Path) -> None:
    writer = Other(folder, writable=True)
    assert writer.ask("put 1") == "done"
    writer.ask("limit 60")  # bytes for each file: every write fails as on a full disk
    assert writer.ask("put 2") == "index.unavailable"
    assert writer.ask("put 2") == "index.unavailable"
    writer.ask("limit -1")
    assert writer.ask("total école") == "1"
    assert writer.ask("put 2") == "done"
    assert writer.ask("total école") == "2"
    writer.end()


def test_a_reader_may_not_write(folder: Path) -> None:
    TantivyIndex(folder, writable=True).close()
    reader = TantivyIndex(folder, writable=False)
    calls: list[Callable[[], None]] = [
        lambda: reader.put([letter(1)]),
        lambda: reader.remove([MailId(1)]),
        reader.reset,
    ]
    for call in calls:
        with pytest.raises(EngineFailed, match=r"index\.read_only"):
            call()


@pytest.mark.parametrize("asked", ["2025", "avis"])
def test_where_more_letters_have_one_score_than_are_read_the_newest_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setattr(tantivy_index, "EQUAL", 10)
    monkeypatch.setattr(tantivy_index, "NEWEST", 40)
    index = TantivyIndex(tmp_path / "index", writable=True)
    numbers = [n * 37 % 211 for n in range(1, 211)]
    for start in range(0, 210, 70):
        index.put([letter(n, "Divers", "avis" if n % 10 else "avis avis") for n in numbers[start : start + 70]])
    pages = [index.search(SearchQuery(asked, offset=at, limit=20), principals=ALL) for at in range(0, 80, 20)]
    told = [int(hit.mail_id) for page in pages for hit in page.hits]
    above = list(range(210, 0, -10)) if asked == "avis" else []
    assert told == [*above, *(n for n in range(210, 0, -1) if n not in above)][:80]
    assert {page.total for page in pages} == {210}


@pytest.mark.parametrize(("name", "value"), [("schema_version", SCHEMA_VERSION + 1), ("layout", 1)])
def test_an_index_of_another_schema_is_refused_until_reset(folder: Path, name: str, value: int) -> None:
    TantivyIndex(folder, writable=True).close()
    current = folder / "current.json"
    current.write_text(json.dumps({**json.loads(current.read_text()), name: value}))
    index = TantivyIndex(folder, writable=True)
    assert (index.status().schema_version, index.status().documents) == ({"layout": SCHEMA_VERSION}.get(name, value), 0)
    assert not index.status().generation, "the checks ask for it: else they say that this index is in order"
    for call in (lambda: index.put([letter(1)]), lambda: index.search(SearchQuery(""), principals=ALL)):
        with pytest.raises(EngineFailed, match=r"index\.schema_outdated"):
            call()
    index.reset()
    index.put([letter(1, "école")])
    assert total(index, "école") == 1
    assert [path.name for path in sorted(folder.iterdir())] == ["current.json", "g000002"]
    index.close()


@pytest.mark.parametrize(
    "held", ["lectricité", "zlectricité", "électricitz", "électrlcltè", "lelectricite", "éelctricité"]
)
def test_a_misread_word_is_found_wherever_the_mistake_stands(folder: Path, held: str) -> None:
    index = TantivyIndex(folder, writable=True)
    index.put([letter(1, f"Facture de {held}"), letter(2, "Facture du marché")])
    found = index.search(SearchQuery("électricité"), principals=ALL)
    assert [int(hit.mail_id) for hit in found.hits] == [1]
    index.close()


def test_a_word_that_very_many_letters_hold_is_not_looked_for_with_its_mistakes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = TantivyIndex(folder, writable=True)
    index.put([*(letter(no, "Facture") for no in range(1, 5)), letter(5, "Fcature")])
    assert total(index, "facture") == 5
    monkeypatch.setattr(frequent, "MIN_FREQUENT", 2)
    monkeypatch.setattr(frequent, "MIN_SURE", 3)
    assert total(index, "facture") == 4
    found = SearchQuery("facture", facets=("register",))
    assert sum(count for _value, count in index.facets(found, principals=ALL)["register"]) == 4
    index.close()


def test_a_damaged_folder_is_one_failure_of_ours(folder: Path) -> None:
    writer = TantivyIndex(folder, writable=True)
    writer.put([letter(1, "école")])
    writer.close()
    (folder / "g000001" / "meta.json").unlink()
    for index in (TantivyIndex(folder, writable=False), TantivyIndex(folder, writable=True)):
        with pytest.raises(EngineFailed, match=r"index\.unavailable"):
            total(index, "école")


def test_a_folder_that_cannot_be_read_does_not_keep_the_worker_from_its_other_work(folder: Path) -> None:
    """Its rights are another account's, or a sector is lost: a directory stands for both, also for an administrator."""
    made = TantivyIndex(folder, writable=True)
    made.close()
    (folder / tantivy_store.CURRENT).unlink()
    (folder / tantivy_store.CURRENT).mkdir()
    index = TantivyIndex(folder, writable=True)
    for act in (index.status, lambda: index.put([letter(1, "école")]), lambda: total(index, "école")):
        with pytest.raises(EngineFailed, match=r"index\.unavailable"):
            act()
    index.close()
    (folder / tantivy_store.CURRENT).rmdir()
    again = TantivyIndex(folder, writable=True)
    again.put([letter(1, "école")])
    assert total(again, "école") == 1
    again.close()


def test_an_index_opens_again_with_what_it_held(folder: Path) -> None:
    first = TantivyIndex(folder, writable=True)
    first.put([letter(number, "école") for number in range(1, 31)])
    first.close()
    again = TantivyIndex(folder, writable=True)
    assert total(again, "école") == 30
    again.put([letter(1, "hôpital", version=2)])
    assert total(again, "école") == 29
    again.close()


def test_searching_goes_on_while_letters_are_put(folder: Path) -> None:
    writer = TantivyIndex(folder, writable=True)
    writer.put([letter(1, "école")])
    failures: list[BaseException] = []
    done = threading.Event()

    def search(reader: TantivyIndex) -> None:
        try:
            while not done.is_set():
                assert total(reader, "école") >= 1
        except BaseException as failure:  # noqa: BLE001  (shown by the test below)
            failures.append(failure)

    readers = [TantivyIndex(folder, writable=False), writer]
    threads = [threading.Thread(target=search, args=(reader,)) for reader in readers]
    for thread in threads:
        thread.start()
    for number in range(2, 25):
        writer.put([letter(number, "école"), letter(1, "école", version=number)])
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert total(readers[0], "école") == 24
    writer.close()
