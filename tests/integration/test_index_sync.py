"""The index follows the register: it is rebuilt beside the current one, compared, mended, waited for."""

import dataclasses
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from ged import index_sync, jobs, pipeline
from ged.access import Because, MailAccess, grant
from ged.errors import EngineFailed
from ged.health import work
from ged.health.ground import Ground, SettingsFile
from ged.index_sync import Difference
from ged.jobs import Job, JobKind, JobState
from ged.org.delegations import DelegationForm, delegate
from ged.org.models import DelegationKind, Holding, Person, Unit
from ged.ports import Building, IndexDocument, IndexStatus, MailId, SearchQuery, unit_principal
from ged.register.models import Mail
from ged.search import letter_search
from ged.unit import Services
from indexer.tantivy_index import TantivyIndex
from tests.contracts.letters import letter
from tests.factories import NOW, TODAY, actor
from tests.routing_kit import impute, post_id, register, run_jobs, unit_id
from tests.routing_kit import services_with_mentions as services

__all__ = ["services"]  # a fixture

pytestmark = pytest.mark.slow


def found(services: Services, text: str, account: str = "sg") -> list[int]:
    result = services.index.search(SearchQuery(text), principals=actor(services, account).principals)
    return [int(hit.mail_id) for hit in result.hits]


def noticed(services: Services, text: str, account: str = "sg") -> tuple[list[int], str | None]:
    """What a page of letters found shows, and its notice."""
    with services.reading() as session:
        page = letter_search.search_letters(services, session, actor(services, account), SearchQuery(text))
    return sorted(int(one.mail_id) for one in page.letters), page.notice


def nothing(_done: int, _total: int) -> None:
    """A progress callback that does nothing."""


class Killed(Exception):
    """The process is killed here."""


class Dying:
    """An index whose process is killed after a number of batches of a rebuild."""

    def __init__(self, services: Services, batches: int) -> None:
        self._index = services.index
        self._left = batches

    def __getattr__(self, name: str) -> object:
        return getattr(self._index, name)

    def extend(self, documents: Iterable[IndexDocument], *, position: int | None = None) -> None:
        if self._left == 0:
            raise Killed
        self._left -= 1
        self._index.extend(documents, position=position)


def test_a_killed_rebuild_goes_on_and_misses_nothing(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_sync, "BATCH", 2)
    mails = [register(services, f"Dossier {name}").mail_id for name in ("un", "deux", "trois", "quatre", "cinq")]
    run_jobs(services)
    before = services.index.status().generation
    with pytest.raises(Killed):
        index_sync.rebuild(dataclasses.replace(services, index=Dying(services, 1)), progress=nothing)  # type: ignore[arg-type]
    assert services.index.status().building == Building(services.index.status().building.name, _latest(services), 2)  # type: ignore[union-attr]
    assert sorted(found(services, "dossier")) == sorted(mails)
    late = register(services, "Dossier tardif").mail_id
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Mail, mails[0]).subject = "Renommé"
        uow.reindex(mails[0])
    run_jobs(services)
    assert index_sync.rebuild(services, progress=nothing) == 4
    status = services.index.status()
    assert (status.building, status.documents) == (None, 6)
    assert status.generation != before
    assert found(services, "renommé") == [mails[0]]
    assert late in found(services, "tardif")
    assert index_sync.compare(services, progress=nothing).differences == {}


def _latest(services: Services) -> int:
    with services.reading() as session:
        return jobs.latest_id(session)


def of_another_layout(services: Services) -> None:
    """Leave the index as a release before would: its folder names an earlier layout."""
    services.index.close()  # type: ignore[attr-defined]
    current = Path(services.data_dir) / "index" / "current.json"
    current.write_text(json.dumps({**json.loads(current.read_text()), "layout": 1}))


def rebuilds(services: Services) -> list[JobState]:
    with services.reading() as session:
        return list(session.scalars(select(Job.state).where(Job.kind == JobKind.REBUILD_INDEX).order_by(Job.id)))


def index_check(services: Services) -> tuple[str, dict[str, object]]:
    found = work.index(Ground(NOW, SettingsFile(Path(services.data_dir) / "ged.env"), services=services))
    return found.code, dict(found.figures)


def test_an_index_of_an_earlier_release_is_rebuilt_by_itself_and_once(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_sync, "BATCH", 2)
    mails = [register(services, f"Dossier {name}").mail_id for name in ("un", "deux", "trois", "quatre", "cinq")]
    run_jobs(services)
    assert index_sync.ask_rebuild_if_outdated(services, now=NOW), "an index in order is looked at, and left alone"
    of_another_layout(services)
    assert index_check(services)[0] == "outdated"
    assert noticed(services, "dossier") == (sorted(mails), letter_search.WITHOUT_INDEX), "nobody rebuilds it yet"
    assert rebuilds(services) == []
    for _worker in range(2):
        assert not index_sync.ask_rebuild_if_outdated(services, now=NOW), "it is looked at until it is in order"
    assert rebuilds(services) == [JobState.QUEUED]
    assert noticed(services, "dossier") == (sorted(mails), letter_search.BEING_REBUILT)
    assert index_check(services) == ("rebuilding", {"engine": "tantivy", "done": 0, "letters": 5})
    with pytest.raises(Killed):
        index_sync.rebuild(dataclasses.replace(services, index=Dying(services, 1)), progress=nothing)  # type: ignore[arg-type]
    assert not index_sync.ask_rebuild_if_outdated(services, now=NOW), "the worker starts again"
    assert rebuilds(services) == [JobState.QUEUED]
    assert index_check(services) == ("rebuilding", {"engine": "tantivy", "done": 2, "letters": 5})
    run_jobs(services, JobKind.REBUILD_INDEX)
    assert rebuilds(services) == [JobState.DONE]
    assert noticed(services, "dossier") == (sorted(mails), None)
    assert index_check(services)[0] == "ok"
    assert index_sync.compare(services, progress=nothing).differences == {}
    assert index_sync.ask_rebuild_if_outdated(services, now=NOW)
    assert rebuilds(services) == [JobState.DONE], "and it stays so"


def end_rebuilds(services: Services, state: JobState) -> None:
    """As if another worker had ended them so."""
    with services.unit_of_work(NOW) as uow:
        for job in uow.session.scalars(select(Job).where(Job.kind == JobKind.REBUILD_INDEX)):
            job.state, job.finished_at = state, NOW


def test_a_rebuild_by_a_worker_of_an_earlier_release_is_asked_for_again(services: Services) -> None:
    """In an upgrade of several hosts such a worker may take the job, and make the index anew as it knows it."""
    register(services, "Dossier")
    run_jobs(services)
    of_another_layout(services)
    index_sync.ask_rebuild_if_outdated(services, now=NOW)
    end_rebuilds(services, JobState.DONE)
    assert not index_sync.ask_rebuild_if_outdated(services, now=NOW)
    assert rebuilds(services) == [JobState.DONE, JobState.QUEUED]
    run_jobs(services, JobKind.REBUILD_INDEX)
    assert index_sync.ask_rebuild_if_outdated(services, now=NOW)
    assert noticed(services, "dossier")[1] is None


@pytest.mark.parametrize("left", [b"", b"\x00" * 60, b'{"schema_ver', b"[]", b"7", b"{}", b"\xff\xfe"])
def test_an_index_whose_file_of_the_living_one_is_damaged_is_rebuilt(
    services: Services, tmp_path: Path, left: bytes
) -> None:
    mail = register(services, "Dossier").mail_id
    run_jobs(services)
    services.index.close()  # type: ignore[attr-defined]
    folder = Path(services.data_dir) / "index"
    for name in ("current.json", "building.json"):
        (folder / name).write_bytes(left)
    assert noticed(services, "dossier") == ([mail], letter_search.WITHOUT_INDEX)
    again = dataclasses.replace(services, index=TantivyIndex(folder, writable=True))
    assert not index_sync.ask_rebuild_if_outdated(again, now=NOW), "the worker starts with it"
    run_jobs(again, JobKind.REBUILD_INDEX)
    assert index_sync.ask_rebuild_if_outdated(again, now=NOW)
    assert noticed(again, "dossier") == ([mail], None)
    again.index.close()  # type: ignore[attr-defined]


def test_a_rebuild_that_failed_waits_for_a_person_for_a_day(services: Services) -> None:
    register(services, "Dossier")
    run_jobs(services)
    of_another_layout(services)
    index_sync.ask_rebuild_if_outdated(services, now=NOW)
    end_rebuilds(services, JobState.FAILED)
    for hours in (1, 23):
        index_sync.ask_rebuild_if_outdated(services, now=NOW + timedelta(hours=hours))
    assert rebuilds(services) == [JobState.FAILED]
    index_sync.ask_rebuild_if_outdated(services, now=NOW + timedelta(hours=25))
    assert rebuilds(services) == [JobState.FAILED, JobState.QUEUED]


def test_an_engine_that_is_away_is_asked_again(services: Services) -> None:
    class Away(Dying):
        def status(self) -> IndexStatus:
            raise EngineFailed("index.unavailable", retryable=True)

    away = dataclasses.replace(services, index=Away(services, 0))  # type: ignore[arg-type]
    assert not index_sync.ask_rebuild_if_outdated(away, now=NOW)
    assert rebuilds(services) == []


def test_what_is_written_while_a_rebuild_runs_is_in_the_new_one(services: Services) -> None:
    mail = register(services, "Avant").mail_id
    run_jobs(services)

    class Meanwhile(Dying):
        def publish(self) -> None:
            with services.unit_of_work(NOW) as uow:
                uow.session.get_one(Mail, mail).subject = "Pendant"
                uow.reindex(mail)
            run_jobs(services)  # into the generation that will be deleted
            self._index.publish()

    index_sync.rebuild(dataclasses.replace(services, index=Meanwhile(services, 99)), progress=nothing)  # type: ignore[arg-type]
    assert found(services, "pendant") == [mail]


def test_comparison_names_each_difference_and_mends_it(services: Services) -> None:
    mails = [register(services, f"Dossier {name}").mail_id for name in ("un", "deux", "trois", "quatre")]
    run_jobs(services)
    assert index_sync.compare(services, progress=nothing).differences == {}
    services.index.remove([MailId(mails[0])])
    services.index.put([letter(9_000, "étrangère")])
    with services.unit_of_work(NOW) as uow:
        uow.session.get_one(Mail, mails[1]).subject = "Change sans suite"
        uow.reindex(mails[1])
    with services.unit_of_work(NOW) as uow:
        for job in uow.session.scalars(select(Job).where(Job.state == JobState.QUEUED)):
            job.state = JobState.DONE  # the worker reported it as done, and the index lost it
        uow.session.execute(delete(MailAccess).where(MailAccess.mail_id == mails[2]))
    report = index_sync.compare(services, progress=nothing)
    assert report.differences == {
        mails[0]: Difference.MISSING,
        mails[1]: Difference.STALE,
        mails[2]: Difference.ACCESS,
        9_000: Difference.EXTRA,
    }
    assert index_sync.ask_to_mend(services, report, now=NOW) == list(report.differences)
    run_jobs(services)
    assert index_sync.compare(services, progress=nothing).differences == {}
    assert found(services, "change") == [mails[1]]
    assert mails[2] not in found(services, "dossier")


class Counted:
    """Counts the letters written to the index. Unreachable when the test says so."""

    def __init__(self, services: Services) -> None:
        self._index = services.index
        self.asked = self.written = 0
        self.is_away = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._index, name)

    def put(self, documents: Iterable[IndexDocument]) -> None:
        self.asked += 1
        if self.is_away:
            raise EngineFailed("index.unavailable", retryable=True)
        given = list(documents)
        self.written += len(given)
        self._index.put(given)


def test_index_jobs_are_done_in_one_write(services: Services) -> None:
    for number in range(30):
        register(services, f"Dossier {number}")
    counted = Counted(services)
    run_jobs(dataclasses.replace(services, index=counted))  # type: ignore[arg-type]
    assert (counted.asked, counted.written) == (1, 30)


def test_while_the_index_is_away_jobs_wait_without_a_flood_and_without_an_end(services: Services) -> None:
    for number in range(10):
        register(services, f"Dossier {number}")
    counted = Counted(services)
    counted.is_away = True
    away = dataclasses.replace(services, index=counted)  # type: ignore[arg-type]
    at = datetime.now(UTC)
    for _ in range(12):
        began = datetime.now(UTC)
        _run_all(away, began)
        _run_all(away, began)  # a waiting job is not queued again, however slow this machine is
        with services.unit_of_work(at) as uow:
            for job in uow.session.scalars(select(Job).where(Job.kind == JobKind.INDEX)):
                assert job.state is JobState.QUEUED
                assert job.run_after - datetime.now(UTC) <= timedelta(seconds=31)
                job.run_after = datetime.now(UTC) - timedelta(seconds=1)
    assert counted.asked == 12
    counted.is_away = False
    _run_all(away)
    with services.reading() as session:
        assert jobs.counts_of(session, JobKind.INDEX) == {}
    assert len(found(services, "dossier")) == 10


def _run_all(services: Services, now: datetime | None = None) -> None:
    with services.reading() as session:
        due = jobs.due(session, now=now or datetime.now(UTC), kinds=[JobKind.INDEX])
    for job_id in due:
        pipeline.run_job(services, job_id, worker="test")


def test_a_letter_that_is_refused_holds_up_no_other(services: Services) -> None:
    bad, good = register(services, "Refusé").mail_id, register(services, "Admis").mail_id

    class Refusing(Counted):
        def put(self, documents: Iterable[IndexDocument]) -> None:
            given = list(documents)
            if any(one.mail_id == bad for one in given):
                raise EngineFailed("index.rejected", mail_id=bad)
            super().put(given)

    _run_all(dataclasses.replace(services, index=Refusing(services)))  # type: ignore[arg-type]
    assert found(services, "admis") == [good]
    with services.reading() as session:
        assert jobs.counts_of(session, JobKind.INDEX) == {JobState.FAILED: 1}


def test_a_right_given_hides_the_letter_until_the_index_knows(services: Services) -> None:
    mail = register(services, "Marché").mail_id
    run_jobs(services)
    with services.unit_of_work(NOW) as uow:
        grant(uow, mail, [unit_principal(unit_id(services, "DAF"))], Because.SHARED)
    with services.reading() as session:
        hidden = jobs.open_access_changes(session)
    assert hidden == {mail}
    principals = actor(services, "sg").principals
    asked = SearchQuery("marché", exclude=hidden, facets=("year",))
    assert services.index.search(asked, principals=principals).total == 0
    assert services.index.facets(asked, principals=principals) == {"year": ()}
    assert services.index.suggest("march", principals=principals, exclude=hidden) == ()
    assert services.index.suggest("march", principals=principals) != ()
    assert services.index.similar(MailId(mail), principals=principals, exclude=hidden) == ()


def test_reorganisation_a_new_holder_and_a_delegation_write_nothing_to_the_index(services: Services) -> None:
    mails = [register(services, f"Dossier {number}").mail_id for number in range(3)]
    impute(services, mails[0], "DAF")
    run_jobs(services)
    counted = Counted(services)
    here = dataclasses.replace(services, index=counted)  # type: ignore[arg-type]
    assert found(here, "dossier", "daf") == [mails[0]]
    assert found(here, "dossier", "dge") == []
    with services.unit_of_work(NOW) as uow:
        # a unit moves under another one: from now on the head there sees its letters
        uow.session.get_one(Unit, unit_id(services, "DAF")).parent_id = unit_id(services, "DGE")
    assert found(here, "dossier", "dge") == [mails[0]]
    with services.unit_of_work(NOW) as uow:
        holding = uow.session.scalars(select(Holding).where(Holding.post_id == post_id(services, "DAF-C"))).one()
        holder = uow.session.scalars(select(Person).where(Person.account == "etudes")).one()
        holding.person_id = holder.id
    assert found(here, "dossier", "daf") == []
    assert found(here, "dossier", "etudes") == [mails[0]]
    with services.unit_of_work(NOW) as uow:
        agent = uow.session.scalars(select(Person.id).where(Person.account == "daf")).one()
        given = DelegationForm(post_id(services, "SG-T"), agent, DelegationKind.DELEGATION, "n° 1", TODAY, TODAY, False)
        delegate(uow, given, actor=actor(services, "sg"))
    assert sorted(found(here, "dossier", "daf")) == sorted(mails)
    run_jobs(here)
    assert (counted.asked, counted.written) == (0, 0)
