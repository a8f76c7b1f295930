"""An archive is imported: kept numbers, rights, refusals, continuation after a stop, and present letters come first."""

import json
import logging
import multiprocessing
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select, update

from ged import audit, index_sync, jobs, pipeline
from ged.archive import register_check
from ged.closing.operations import broken, close_what_is_over
from ged.errors import EngineFailed
from ged.jobs import Job, JobKind, JobState
from ged.ports import Digest, IndexDocument, JobId, Lane, SearchQuery
from ged.register import documents
from ged.register.models import Attachment, Direction, Mail, MailNumber, Register, RegisterClosing, RegisterNature
from ged.register.states import MailState
from ged.search.letter_search import search_letters
from ged.takeover import operations
from ged.takeover import queries as takeover_queries
from ged.takeover.operations import PIECE_LETTERS, Refusal, Takeover, TakeoverTarget, find_register, take_over
from ged.unit import Services
from tests.factories import NOW, SECRET, actor, make_organisation, make_services
from tests.migration_kit import migrated
from tests.pages import pdf
from tests.routing_kit import register, unit_id
from tests.site import make_settings
from tests.started import GED
from web.commands import imports, main
from web.commands.index_services import worker_runs

pytestmark = pytest.mark.in_turns(3)

DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)]


@pytest.fixture(params=DATABASES)
def services(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Services]:
    url = None
    if request.param == "postgresql":
        make: Callable[[], str] = request.getfixturevalue("make_database")
        url = make()
    made = make_services(tmp_path, url=url)
    make_organisation(made)
    with made.unit_of_work(NOW) as uow:
        uow.session.add(
            Register(
                code="PAPIER", name="Livres", unit_id=unit_id(made, "BO"), direction=Direction.INCOMING,
                nature=RegisterNature.ARCHIVE, pattern="P-{seq:05d}",
            )
        )  # fmt: skip
    yield made
    made.engine.dispose()


def run(
    services: Services, lines: Iterable[dict[str, Any] | bytes], *, into: str = "PAPIER", files: Path | None = None,
    dry_run: bool = False, progress: Callable[[Takeover], None] = lambda _done: None,
) -> tuple[Takeover, list[Refusal]]:  # fmt: skip
    refusals: list[Refusal] = []
    with services.reading() as session:
        place = TakeoverTarget(find_register(session, into).id, "letters.jsonl", files, dry_run)
    raw = (one if isinstance(one, bytes) else json.dumps(one).encode() for one in lines)
    return take_over(services, place, raw, refuse=refusals.append, progress=progress), refusals


def waiting(services: Services, kind: JobKind) -> list[JobId]:
    with services.reading() as session:
        return jobs.due(session, now=datetime.now(UTC), kinds=[kind], limit=500)


def work(services: Services, kind: JobKind) -> None:
    for job_id in waiting(services, kind):
        pipeline.run_job(services, job_id, worker="test")


def found(services: Services, text: str, account: str = "agent") -> list[str]:
    who = actor(services, account)
    with services.reading() as session:
        page = search_letters(services, session, who, SearchQuery(text))
        own = takeover_queries.own_ids(session, [letter.mail_id for letter in page.letters])
    return [own.get(int(letter.mail_id), "") for letter in page.letters]


def holds(services: Services) -> None:
    """The journal, the numbers and the documents agree with each other."""
    with services.snapshot() as session:
        assert list(audit.verify_chain(session)) == []
        assert register_check.gaps(session) == []
        assert list(register_check.differences(session, journal_holds=True)) == []


def test_letters_keep_number_and_day_of_their_book_and_are_found_under_their_rights(services: Services) -> None:
    lines: list[dict[str, Any]] = [
        {"id": 1, "number": "0457/MEM/SG", "registered_on": "2015-03-09", "subject": "Marché de poteaux",
         "sender": "CEET", "text": "La livraison des poteaux\fest retardée", "their_reference": "C/12"},
        {"id": 2, "number": "0457/MEM/SG", "registered_on": "2016-01-05", "text": "Bail du magasin de Kara", "unit": "DAF"},
        {"id": 3, "text": "Une note sans rien d'autre"},
        {"id": 4, "subject": "Enquête discrète", "confidentiality": "restricted", "unit": "DGE"},
    ]  # fmt: skip
    done, refusals = run(services, lines)
    assert (done.taken, done.already, refusals) == (4, 0, [])
    work(services, JobKind.INDEX_BACKLOG)
    assert found(services, "0457/MEM/SG")[:1] in (["1"], ["2"])
    assert found(services, "livraison retardée") == ["1"]
    assert found(services, "bail Kara", "daf") == ["2"]
    assert found(services, "livraison", "daf") == []
    assert found(services, "enquête") == [], "the mail office is not cleared"
    assert found(services, "enquête", "dge") == ["4"]
    with services.reading() as session:
        first = session.scalars(select(Mail).order_by(Mail.id)).unique().first()
        assert first is not None
        assert (first.state, first.numbers[0].text, first.their_reference) == (MailState.CLOSED, "0457/MEM/SG", "C/12")
        assert (first.numbers[0].registered_on, first.numbers[0].sequence) == (date(2015, 3, 9), 1)
        last = session.scalars(select(MailNumber).order_by(MailNumber.id.desc())).first()
        assert last is not None
        assert last.text == "P-00004"
        attached = session.scalars(select(Attachment)).first()
        assert attached is not None
        row = documents.attachment(session, attached.id, actor(services, "agent"))
        assert [page.text for page in row.pages] == ["La livraison des poteaux", "est retardée"]
        report = index_sync.compare(services, progress=lambda _done, _total: None)
    assert report.differences == {}
    holds(services)


def test_of_many_letters_each_has_its_own_number_sender_file_and_text(services: Services) -> None:
    """They are written together: nothing of one may come to another."""
    count = 60
    lines = [
        {"id": n, "number": f"{n}/SG", "subject": f"Objet {n}", "sender": f"Préfet {n % 40}", "text": f"page {n}\fsuite {n}"}
        for n in range(count)
    ]  # fmt: skip
    assert run(services, lines)[0].taken == count
    with services.reading() as session:
        mails = session.scalars(select(Mail).order_by(Mail.id)).unique().all()
        own = takeover_queries.own_ids(session, [mail.id for mail in mails])
        told = []
        for mail in mails:
            attached = session.scalars(select(Attachment).where(Attachment.mail_id == mail.id)).one()
            pages = documents.attachment(session, attached.id, actor(services, "agent")).pages
            with services.blobs.open(Digest(attached.digest or "")) as plain:
                stored = plain.read().decode()
            directory = mail.sender.name if mail.sender else ""
            told.append(
                (own[mail.id], mail.numbers[0].text, mail.subject, directory, stored, [one.text for one in pages])
            )
    assert told == [
        (str(n), f"{n}/SG", f"Objet {n}", f"Préfet {n % 40}", f"page {n}\fsuite {n}", [f"page {n}", f"suite {n}"])
        for n in range(count)
    ]
    holds(services)


def test_any_other_register_gives_its_own_next_numbers(services: Services) -> None:
    before = register(
        services, now=datetime.now(UTC)
    )  # imported letters bear the date of today, and each year begins with 1
    lines = [{"id": n, "number": f"{n}/2011", "subject": f"Courrier {n}"} for n in range(3)]
    assert run(services, lines, into="ARR")[0].taken == 3
    with services.reading() as session:
        numbers = session.scalars(select(MailNumber).order_by(MailNumber.id)).all()
        assert [number.sequence for number in numbers] == [1, 2, 3, 4]
        assert numbers[0].mail_id == before.mail_id
        assert session.scalars(select(Mail.their_reference).order_by(Mail.id.desc())).first() == "2/2011"
    holds(services)


def test_a_closed_book_is_of_today_not_of_an_archive(services: Services) -> None:
    """The nightly closing leaves an archive open. Letters that another register takes over are dated after its
    closing."""
    old = {"registered_on": "2015-03-09", "text": "Une note"}
    run(services, [{"id": 1, **old}])
    run(services, [{"id": 1, **old}], into="ARR")
    late = datetime.now(UTC) + timedelta(days=1)  # imported letters bear the date of today
    assert close_what_is_over(services, now=late) == []
    run(services, [{"id": 2, **old}])
    run(services, [{"id": 2, **old}], into="ARR")
    holds(services)
    with services.reading() as session:
        assert list(broken(session, services)) == []
        assert session.scalars(select(Register.code).join(RegisterClosing)).all() == ["ARR"]


def test_every_refusal_has_its_line_and_reason_and_the_rest_is_taken(services: Services, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "empty.pdf").touch()
    lines: list[dict[str, Any] | bytes] = [
        {"id": 1, "subject": "bon", "number": "1"}, b"\n", b"{", {"id": 1, "subject": "double"}, {"subject": "sans id"},
        {"id": 4, "subject": "x", "unit": "RIEN"}, {"id": 5, "subject": "x", "number": "1"},
        {"id": 6, "file": "../../etc/passwd"}, {"id": 7, "file": "absent.pdf"}, {"id": 8, "file": "empty.pdf"},
        {"id": 9, "subject": "x", "confidentiality": "secret", "unit": "ETU"}, {"id": 10, "subject": "bon aussi"},
    ]  # fmt: skip
    expected = {
        3: "import.not_json", 4: "import.own_id_twice", 5: "import.own_id", 6: "import.unit", 7: "import.number_taken",
        8: "import.file_outside", 9: "import.file_missing", 10: "file.empty", 11: "mail.level_nobody",
    }  # fmt: skip
    told, _ = run(services, lines, files=tmp_path / "files", dry_run=True)
    assert (told.taken, told.refused) == (3, len(expected) - 1), "an empty file is seen when it is stored"
    done, refusals = run(services, lines, files=tmp_path / "files")
    assert {one.line_no: one.error.code for one in refusals} == expected
    assert all(one.error.remedy for one in refusals)
    assert done.taken == 2
    again, refusals = run(services, [{"id": 1, "subject": "autre"}, {"id": 10, "subject": "bon aussi"}])
    assert (again.taken, again.already) == (0, 1)
    assert [one.error.code for one in refusals] == ["import.own_id_taken"]
    assert run(services, [{"id": 11, "file": "x"}])[1][0].error.code == "import.no_files_dir"


def test_a_dry_run_changes_nothing(services: Services) -> None:
    with services.reading() as session:
        before = audit.head(session)
    done, _ = run(services, [{"id": n, "text": f"texte {n}"} for n in range(5)], dry_run=True)
    assert done.taken == 5
    with services.reading() as session:
        assert audit.head(session) == before
        assert session.scalar(select(func.count(Mail.id))) == 0
    assert list(services.blobs.digests()) == []


class Killed(Exception):
    """The process is killed here."""


def test_an_import_that_was_stopped_goes_on(services: Services) -> None:
    lines = [{"id": n, "number": f"{n}/SG", "text": f"courrier {n}"} for n in range(2 * PIECE_LETTERS + 10)]

    def dies(_done: Takeover) -> None:
        raise Killed

    with pytest.raises(Killed):
        run(services, lines, progress=dies)
    done, refusals = run(services, lines)
    assert (done.already, done.taken, refusals) == (PIECE_LETTERS, PIECE_LETTERS + 10, [])
    with services.reading() as session:
        assert session.scalar(select(func.count(Mail.id))) == len(lines)
        texts = session.scalars(select(MailNumber.text).order_by(MailNumber.sequence)).all()
    assert list(texts) == [f"{n}/SG" for n in range(len(lines))]
    holds(services)


@pytest.mark.long("a worker more is started; the order of jobs has its own tests")
def test_a_file_is_read_later_than_the_mail_of_today(services: Services, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    (folder / "sous").mkdir(parents=True)
    (folder / "sous" / "a.pdf").write_bytes(pdf("Marché de câbles pour Sokodé"))
    (folder / "b.txt").write_bytes("Réponse à la préfecture".encode("cp1252"))
    lines = [{"id": "a", "file": "sous/a.pdf"}, {"id": "b", "file": "b.txt"}]
    assert run(services, lines, files=folder)[0].taken == 2
    with services.reading() as session:
        kinds = session.scalars(select(Job.kind).order_by(Job.id)).all()
    assert sorted(kinds) == [JobKind.INDEX_BACKLOG, JobKind.RECOGNISE_BACKLOG]
    assert {pipeline.lane_of(kind) for kind in kinds} == {Lane.BACKLOG}
    work(services, JobKind.INDEX_BACKLOG)
    assert found(services, "préfecture") == ["b"]
    work(services, JobKind.RECOGNISE_BACKLOG)
    work(services, JobKind.INDEX)
    assert found(services, "câbles Sokodé") == ["a"]
    holds(services)


class Refusing:
    """An index that refuses a bulk with a given letter, or that is unreachable."""

    def __init__(self, services: Services, failure: EngineFailed) -> None:
        self._index, self._failure = services.index, failure

    def __getattr__(self, name: str) -> object:
        return getattr(self._index, name)

    def put(self, _documents: object) -> None:
        raise self._failure


def test_the_index_away_or_refusing_one_letter(services: Services) -> None:
    run(services, [{"id": n, "text": f"courrier {n}"} for n in range(3)])

    def states() -> dict[JobKind, list[JobState]]:
        with services.reading() as session:
            rows = session.execute(select(Job.kind, Job.state).where(Job.state != JobState.DONE))
            told: dict[JobKind, list[JobState]] = {}
            for kind, state in rows:
                told.setdefault(kind, []).append(state)
            return told

    [job_id] = waiting(services, JobKind.INDEX_BACKLOG)
    away = EngineFailed("index.unavailable", retryable=True)
    pipeline.run_job(replace(services, index=Refusing(services, away)), job_id, worker="w")  # type: ignore[arg-type]
    assert states() == {JobKind.INDEX_BACKLOG: [JobState.QUEUED]}
    report = index_sync.compare(services, progress=lambda _done, _total: None)
    assert report.differences == {}, "what waits is no difference"
    refuses = EngineFailed("index.rejected")
    pipeline.run_job(replace(services, index=Refusing(services, refuses)), job_id, worker="w")  # type: ignore[arg-type]
    assert states() == {JobKind.INDEX: [JobState.QUEUED] * 3}, "each letter has a job of its own"


class Counting:
    """An index that counts its writes, and refuses those with a letter of this text."""

    def __init__(self, services: Services, refused: str = "") -> None:
        self._index, self._refused, self.writes = services.index, refused, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._index, name)

    def put(self, documents: Sequence[IndexDocument]) -> None:
        self.writes += 1
        if self._refused and any(self._refused in page.text for one in documents for page in one.pages):
            raise EngineFailed("index.rejected")
        self._index.put(documents)


def test_several_batches_are_indexed_in_one_write(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "PIECE_LETTERS", 2)
    run(services, [{"id": n, "text": f"Le barrage {n}"} for n in range(8)])
    first, *others = waiting(services, JobKind.INDEX_BACKLOG)
    index = Counting(services)
    assert pipeline.run_job(replace(services, index=index), first, worker="w", batches=3)  # type: ignore[arg-type]
    assert index.writes == 1
    assert waiting(services, JobKind.INDEX_BACKLOG) == others[2:], "the oldest come first"
    assert sorted(found(services, "barrage")) == [str(n) for n in range(6)]


def test_a_refused_letter_stops_only_its_own_batch(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "PIECE_LETTERS", 2)
    run(services, [{"id": n, "text": f"Le barrage {n}"} for n in range(6)])
    refusing = replace(services, index=Counting(services, "barrage 3"))  # type: ignore[arg-type]
    pipeline.run_job(refusing, waiting(services, JobKind.INDEX_BACKLOG)[0], worker="w", batches=3)
    assert waiting(services, JobKind.INDEX_BACKLOG) == []
    assert sorted(found(services, "barrage")) == ["0", "1", "4", "5"]
    assert len(waiting(services, JobKind.INDEX)) == 2, "each letter of the refused batch has a job of its own"


def test_while_the_index_is_away_all_claimed_batches_wait(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "PIECE_LETTERS", 2)
    run(services, [{"id": n, "text": f"Le barrage {n}"} for n in range(6)])
    away = replace(services, index=Refusing(services, EngineFailed("index.unavailable", retryable=True)))  # type: ignore[arg-type]
    pipeline.run_job(away, waiting(services, JobKind.INDEX_BACKLOG)[0], worker="w", batches=3)
    with services.reading() as session:
        rows = session.execute(
            select(Job.state, Job.error_code, Job.worker).where(Job.kind == JobKind.INDEX_BACKLOG)
        ).all()
        assert {(row.state, row.error_code) for row in rows} == {(JobState.QUEUED, jobs.AWAY)}
        assert len(rows) == 3


def test_transactions_stand_apart_and_the_work_between_them_counts(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "PIECE_LETTERS", 2)
    slept: list[float] = []
    monkeypatch.setattr(operations.time, "sleep", slept.append)
    run(services, [{"id": n, "text": f"courrier {n}"} for n in range(4)])
    monkeypatch.setattr(operations, "PAUSE_S", 1_000.0)
    run(services, [{"id": n, "text": f"courrier {n}"} for n in range(4, 8)])
    at_once, short, fresh, long = slept
    assert at_once == fresh == 0.0, "nobody was kept waiting by this import yet"
    assert 0.0 <= short < 0.03
    assert 900.0 < long < 1_000.0, "less what reading and storing took"


def test_a_rebuild_sees_what_is_imported_meanwhile(services: Services) -> None:
    run(services, [{"id": 1, "text": "premier"}])
    ran = False

    def meanwhile(_done: int, _total: int) -> None:
        nonlocal ran
        if not ran:
            ran = True
            run(services, [{"id": 2, "text": "second"}])

    index_sync.rebuild(services, progress=meanwhile)
    assert found(services, "second") == ["2"]


@pytest.fixture
def quiet() -> Iterator[None]:
    """The commands change the log level of the whole process: restore it afterwards."""
    names = (None, "elastic_transport")
    levels = [logging.getLogger(name).level for name in names]
    yield
    for name, level in zip(names, levels, strict=True):
        logging.getLogger(name).setLevel(level)


def test_letters_are_indexed_while_later_ones_are_written(tmp_path: Path, quiet: None) -> None:
    settings = make_settings(tmp_path)
    migrated(settings)
    services = make_services(tmp_path, create=False)
    make_organisation(services)
    services.index.close()  # type: ignore[attr-defined]  # one process writes it: here the second one does
    with imports._indexing(settings, wanted=True):
        run(services, [{"id": n, "text": f"Le barrage {n}"} for n in range(3)], into="ARR")
        until = time.monotonic() + 180
        while not found(services, "barrage") and time.monotonic() < until:
            time.sleep(0.05)
        assert sorted(found(services, "barrage")) == ["0", "1", "2"]
        run(services, [{"id": 3, "text": "Le dernier barrage"}], into="ARR")
    assert sorted(found(services, "barrage")) == ["0", "1", "2", "3"]
    with pytest.raises(KeyboardInterrupt), imports._indexing(settings, wanted=True):
        raise KeyboardInterrupt
    assert multiprocessing.active_children() == []
    with imports._indexing(settings, wanted=False):
        run(services, [{"id": 4, "text": "Personne ne cherche ce barrage"}], into="ARR")
    assert len(waiting(services, JobKind.INDEX_BACKLOG)) == 1
    services.engine.dispose()


def test_what_a_killed_second_process_leaves_is_indexed_at_the_end(tmp_path: Path, quiet: None) -> None:
    settings = make_settings(tmp_path)
    migrated(settings)
    services = make_services(tmp_path, create=False)
    make_organisation(services)
    services.index.close()  # type: ignore[attr-defined]
    with imports._indexing(settings, wanted=True):
        run(services, [{"id": n, "text": f"Le barrage {n}"} for n in range(3)], into="ARR")
        until = time.monotonic() + 180
        while not found(services, "barrage") and time.monotonic() < until:
            time.sleep(0.05)
        (second,) = multiprocessing.active_children()
        second.kill()
        run(services, [{"id": 3, "text": "Le dernier barrage"}], into="ARR")
    past = datetime.now(UTC) - timedelta(seconds=1)
    with services.unit_of_work(NOW) as uow:  # perhaps it was killed between the index and the end of its job
        uow.session.execute(update(Job).where(Job.state == JobState.RUNNING).values(lease_until=past))
    assert imports._indexed(settings, services) == 0
    assert sorted(found(services, "barrage")) == ["0", "1", "2", "3"]
    assert index_sync.compare(services, progress=lambda _done, _total: None).differences == {}
    services.engine.dispose()


def test_a_killed_import_leaves_no_process_and_goes_on_where_it_was(tmp_path: Path, quiet: None) -> None:
    settings = make_settings(tmp_path)
    migrated(settings)
    services = make_services(tmp_path, create=False)
    make_organisation(services)
    services.index.close()  # type: ignore[attr-defined]
    environment = os.environ | {
        "GED_ENV_FILE": str(tmp_path / "none"), "GED_DATA_DIR": str(tmp_path), "GED_SECRET": SECRET,
    }  # fmt: skip
    lines = [json.dumps({"id": n, "text": f"Le barrage {n}"}).encode() + b"\n" for n in range(PIECE_LETTERS + 5)]
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)
    process = subprocess.Popen([str(GED), "import", str(pipe), "--into", "ARR"], env=environment)
    with process, pipe.open("wb", buffering=0) as feed:
        feed.writelines(lines)
        until = time.monotonic() + 180
        while not found(services, "barrage") and time.monotonic() < until:
            assert process.poll() is None
            time.sleep(0.05)
        assert worker_runs(settings), "the second process indexes"
        process.kill()
    until = time.monotonic() + 180
    while worker_runs(settings) and time.monotonic() < until:
        time.sleep(0.05)
    assert not worker_runs(settings), "the second process ends by itself"
    whole = tmp_path / "letters.jsonl"
    whole.write_bytes(b"".join(lines))
    again = subprocess.run(
        [str(GED), "import", str(whole), "--into", "ARR", "--json"], env=environment, stdout=subprocess.PIPE, check=True
    )  # fmt: skip
    figures = json.loads(again.stdout.splitlines()[-1])
    assert (figures["already"], figures["taken"]) == (PIECE_LETTERS, 5)
    with services.reading() as session:
        assert session.scalar(select(func.count(Mail.id))) == len(lines)
    assert index_sync.compare(services, progress=lambda _done, _total: None).differences == {}
    services.engine.dispose()


def test_the_two_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet: None) -> None:
    """A file in, results out, as an outsider calls them."""
    migrated(make_settings(tmp_path))
    services = make_services(tmp_path, create=False)
    make_organisation(services)
    services.engine.dispose()
    monkeypatch.setenv("GED_ENV_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("GED_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("GED_SECRET", SECRET)

    def ged(*arguments: str, code: int = 0, given: str = "") -> list[dict[str, Any]]:
        done = CliRunner().invoke(main, arguments, input=given)
        assert done.exit_code == code, done.output
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    letters = tmp_path / "letters.jsonl"
    letters.write_text(
        '{"id": "B12", "text": "Le barrage de Nangbéto"}\n{"id": "B13", "title": "Bail", "confidentiality": 1}\nnon\n'
    )
    refusal, figures = ged("import", str(letters), "--into", "ARR", "--json", code=1)
    assert (refusal["line"], refusal["refused"]) == (3, "import.not_json")
    assert (figures["taken"], figures["index_jobs_waiting"]) == (2, 0)
    [answer] = ged("search", "barage nangbeto", "--as", "agent", "--limit", "3", "--json")
    assert [hit["own_id"] for hit in answer["hits"]] == ["B12"]
    assert answer["hits"][0]["score"] > 0
    assert answer["hits"][0]["passages"][0]["marked"]
    told = ged(
        "search", "--as", "agent", "--batch", "-", given='barrage\n{"query": "rien du tout", "id": "q2"}\nbail\n'
    )
    assert [len(one["hits"]) for one in told] == [1, 0, 0]
    assert told[1]["id"] == "q2"
    ged("search", "barrage", "--as", "nobody", code=1)
    ged("import", str(letters), "--into", "BT", code=1)
