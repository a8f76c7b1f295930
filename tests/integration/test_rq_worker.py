"""``ged worker`` on the servers: PostgreSQL, RQ on Redis, Elasticsearch. It is killed at every critical moment."""

import io
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image, ImageDraw, ImageFont
from redis import Redis
from sqlalchemy import select, update

from ged.adapters.queue_polled import PolledQueue
from ged.adapters.queue_rq import RqQueue
from ged.jobs import Job, JobKind, JobState
from ged.ports import AttachmentId, JobId, Lane, MailId, SearchQuery
from ged.register.models import AttachmentKind, PageText, Rendition
from ged.register.operations import SourcePage, attach
from ged.search.models import PageReadAgain
from ged.unit import Services
from ocr.second_engine import is_installed
from tests import servers as private
from tests.factories import actor
from tests.servers import elastic
from tests.servers.redis import _start as start_redis
from tests.worker_kit import Installation, alive, children, eventually, kill, kill_below

pytestmark = [pytest.mark.servers, pytest.mark.slow]


def install(folder: Path, database_url: str, redis_url: str, elasticsearch_url: str, alias: str) -> Installation:
    given = elastic.connection(elasticsearch_url)
    extra = {
        "GED_DATABASE_URL": database_url,
        "GED_UNSAFE_DATABASE": "for-tests",
        "GED_REDIS_URL": redis_url,
        "GED_ELASTICSEARCH_URL": elasticsearch_url,
        "GED_ELASTICSEARCH_INDEX": alias,
    }
    if given.api_key:
        extra["GED_ELASTICSEARCH_API_KEY"] = given.api_key
    if given.ca_path:
        extra["GED_ELASTICSEARCH_CA"] = str(given.ca_path)
    return Installation.make(folder, extra)


@pytest.fixture
def here(
    tmp_path: Path, make_database: Callable[[], str], empty_redis_url: str, elasticsearch_url: str
) -> Iterator[Installation]:
    alias = f"ged-worker-{uuid4().hex[:8]}"
    made = install(tmp_path, make_database(), empty_redis_url, elasticsearch_url, alias)
    yield made
    made.close()
    elastic.forget(elastic.connection(elasticsearch_url), alias)


def silent(here: Installation) -> Services:
    """Services of a process that is killed between its commit and its message to the queue."""
    return replace(here.services, queue=PolledQueue())


def is_found(here: Installation, mail_id: MailId, text: str) -> bool:
    principals = actor(here.services, "agent").principals
    result = here.services.index.search(SearchQuery(text), principals=principals)
    return mail_id in [hit.mail_id for hit in result.hits]


def forget_leases(here: Installation) -> None:
    """As after 45 seconds: no dead worker renews its lease."""
    with here.services.engine.begin() as connection:
        connection.execute(
            update(Job)
            .where(Job.state == JobState.RUNNING)
            .values(lease_until=datetime.now(UTC) - timedelta(minutes=1))
        )


def reading(here: Installation, worker: subprocess.Popen[bytes], job_id: JobId) -> list[int]:
    """Wait until the worker reads pages. Returns its processes."""
    here.wait_for(job_id, JobState.RUNNING)
    eventually(lambda: len(children(worker.pid)) >= 2, within_s=30, what="the page is being read", log=here.log)
    return children(worker.pid)


@pytest.mark.long("a letter's way over RQ: tests/journeys/test_main_job.py plays it")
def test_a_registered_letter_is_found_and_each_job_was_done_once(here: Installation) -> None:
    here.start_worker()
    here.start_worker()
    letters = [here.register(f"Raccordement du quartier {n}") for n in range(6)]
    found = [here.wait_for(here.latest(JobKind.INDEX), JobState.DONE, within_s=60)]

    def idle() -> bool:
        with here.services.reading() as session:
            found[:] = session.scalars(select(Job).where(Job.kind == JobKind.INDEX)).all()
        return {job.state for job in found} == {JobState.DONE}

    eventually(idle, within_s=60, what="all letters are indexed", log=here.log)
    assert {job.attempts for job in found} == {1}
    assert len(found) == 6
    assert all(is_found(here, mail_id, "raccordement quartier") for mail_id in letters)
    # The workers ask for the hourly seal at their first sweep, which may follow the letters.
    eventually(lambda: here.latest(JobKind.SEAL), within_s=30, what="a seal is asked for", log=here.log)
    here.wait_for(here.latest(JobKind.SEAL), JobState.DONE, within_s=90)


def test_killed_between_commit_and_message_the_sweep_submits(here: Installation) -> None:
    mail_id = replace(here, services=silent(here)).register()
    assert not any(here.services.queue.waiting(lane) for lane in Lane)
    here.start_worker()
    here.wait_for(here.latest(JobKind.INDEX), JobState.DONE, within_s=30)
    assert is_found(here, mail_id, "audience")


def test_a_worker_killed_in_the_middle_is_replaced_when_its_lease_ends(here: Installation) -> None:
    _, attachment_id, job_id = here.letter_with_pages(3)
    first = here.start_worker()
    below = reading(here, first, job_id)
    assert any(map(alive, below))
    kill(first, with_children=False)
    eventually(lambda: not any(map(alive, below)), within_s=10, what="what it started ends with it", log=here.log)
    held = here.job(job_id)
    assert held.lease_until is not None
    assert held.lease_until <= datetime.now(UTC) + timedelta(seconds=45)
    forget_leases(here)
    here.start_worker()
    assert here.wait_for(job_id, JobState.DONE, within_s=90).attempts == 2
    with here.services.reading() as session:
        texts = session.scalars(select(PageText.text).where(PageText.attachment_id == attachment_id)).all()
    assert len(texts) == 3
    assert all("véhicules" in text for text in texts)


@pytest.mark.long("a worker that ends in the middle; the killed one is replaced in the usual run")
def test_a_work_horse_that_is_killed_costs_a_lease_and_no_worker(here: Installation) -> None:
    """As when memory runs out: the kernel kills the child of one job, and the worker continues."""
    _, _, job_id = here.letter_with_pages(3)
    worker = here.start_worker()
    reading(here, worker, job_id)
    kill_below(worker)
    other = here.ask(JobKind.SWEEP)
    here.wait_for(other, JobState.DONE)
    forget_leases(here)
    assert here.wait_for(job_id, JobState.DONE, within_s=90).attempts == 2
    assert worker.poll() is None


LINES = ("Le ministre a bien reçu votre lettre", "du gouvernement de la République")
FIRST = "Le rninistre a bien recu votre 1ettre"


def doubtful_letter(here: Installation, pages: int) -> tuple[MailId, AttachmentId, JobId]:
    """A letter whose pages were read doubtfully, and the job that reads them again."""
    image, font = Image.new("L", (1240, 1754), 245), ImageFont.truetype("DejaVuSansMono.ttf", 36)
    for n, line in enumerate(LINES):
        ImageDraw.Draw(image).text((150, 300 + n * 90), line, font=font, fill=30)
    content = io.BytesIO()
    image.save(content, "PNG")
    digest = here.services.blobs.put(io.BytesIO(content.getvalue())).digest
    mail_id, now = here.register(), datetime.now(UTC)
    width, left, words = 21.7 / 1240, 150 / 1240, list[list[object]]()
    for word in FIRST.split():
        words.append([word, left, 300 / 1754, width * len(word), 36 / 1754, 55.0])
        left += width * (len(word) + 1)
    with here.services.unit_of_work(now) as uow:
        row = attach(
            uow, mail_id, kind=AttachmentKind.DOCUMENT, pages=[SourcePage(digest, "image/png")] * pages,
            media_type="image/png", actor=actor(here.services, "agent"), now=now,
        )  # fmt: skip
        attachment_id = AttachmentId(int(row))
        for page_no in range(1, pages + 1):
            uow.session.add(
                PageText(
                    attachment_id=attachment_id, page_no=page_no, text=FIRST, words=words, confidence=55.0,
                    flags=["low_confidence"], read_at=now,
                )
            )  # fmt: skip
        uow.session.add(Rendition(attachment_id=attachment_id, kind="searchable_pdf", page_no=0, digest=digest, media_type="application/pdf", size_bytes=1, made_at=now))  # fmt: skip
    return mail_id, attachment_id, here.ask(JobKind.READ_AGAIN, attachment_id)


@pytest.mark.skipif(not is_installed(), reason="the extra second-reader (290 MB) is not installed here")
def test_a_second_reading_that_is_killed_is_done_by_the_next_worker(here: Installation) -> None:
    """The worker of the servers reads doubtful pages again; what one reader alone read is found; a killed job wrote nothing."""
    mail_id, attachment_id, job_id = doubtful_letter(here, 2)
    first = here.start_worker()
    reading(here, first, job_id)
    kill(first, with_children=False)
    with here.services.reading() as session:
        assert session.scalars(select(PageReadAgain.page_no)).all() == []
    forget_leases(here)
    here.start_worker()
    assert here.wait_for(job_id, JobState.DONE, within_s=240).attempts == 2
    with here.services.reading() as session:
        texts = session.scalars(select(PageText.text).where(PageText.attachment_id == attachment_id)).all()
        again = session.scalars(select(PageReadAgain)).all()
    assert [text.split("\n")[0] for text in texts] == [LINES[0]] * 2
    assert [(row.first_text, row.problem) for row in again] == [(FIRST, "")] * 2
    for words in ("gouvernement République", "rninistre"):
        eventually(partial(is_found, here, mail_id, words), within_s=90, what=f"{words} is found", log=here.log)


@pytest.mark.long("a worker that ends in the middle; the killed one is replaced in the usual run")
def test_told_to_stop_in_the_middle_it_ends_and_another_goes_on(here: Installation) -> None:
    _, _, job_id = here.letter_with_pages(40)
    worker = here.start_worker()
    below = reading(here, worker, job_id)
    worker.send_signal(signal.SIGTERM)
    eventually(lambda: worker.poll() is not None, within_s=20, what="the worker ended", log=here.log)
    eventually(lambda: not any(map(alive, below)), within_s=10, what="its processes end with it", log=here.log)
    job = here.job(job_id)
    assert job.state is JobState.QUEUED, here.log.read_text()
    assert job.run_after <= datetime.now(UTC) + timedelta(seconds=5)
    here.start_worker()
    here.wait_for(job_id, JobState.RUNNING, within_s=30)


@pytest.mark.long("twenty seconds of waiting; a job whose message was lost is submitted again in the test beside it")
def test_a_redis_that_went_away_and_came_back_empty_costs_no_job(
    tmp_path: Path, make_database: Callable[[], str], elasticsearch_url: str
) -> None:
    own = tmp_path / "redis"
    own.mkdir()
    redis = start_redis(own)
    redis = replace(redis, started_ticks=private.started_ticks_of(redis.pid))
    alias = f"ged-worker-{uuid4().hex[:8]}"
    here = install(tmp_path, make_database(), redis.url, elasticsearch_url, alias)
    try:
        worker = here.start_worker()
        here.wait_for(here.ask(JobKind.SWEEP), JobState.DONE, within_s=90)
        _, _, long = here.letter_with_pages(3)
        here.wait_for(long, JobState.RUNNING)
        private.stop(redis)
        lost = here.ask(JobKind.SWEEP, 1)
        here.wait_for(long, JobState.DONE, within_s=90)
        assert here.job(lost).state is JobState.QUEUED
        port = redis.url.rpartition(":")[2].partition("/")[0]
        again = subprocess.Popen(
            ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", ""], stdout=subprocess.DEVNULL
        )
        try:
            eventually(lambda: answers(redis.url), within_s=10, what="redis is back")

            eventually(lambda: here.job(lost).state is JobState.DONE, within_s=60, what="done", log=here.log)
            assert worker.poll() is None, "the same worker goes on"
            said = here.log.read_text()
            assert "Traceback" not in said
            assert said.count("worker.redis_away") <= 1, "an outage is said once"
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(timeout=20) == 0
        finally:
            again.terminate()
            again.wait()
    finally:
        here.close()
        private.stop(redis)
        elastic.forget(elastic.connection(elasticsearch_url), alias)


def answers(url: str) -> bool:
    with Redis.from_url(url) as client, suppress(Exception):
        return bool(client.ping())
    return False


def test_a_worker_with_the_name_of_a_killed_one_may_start(here: Installation) -> None:
    """In a container, host name and process id are equal after each start. RQ remembers names for minutes."""
    first = here.start_worker()
    here.wait_for(here.ask(JobKind.SWEEP), JobState.DONE)
    queue = here.services.queue
    assert isinstance(queue, RqQueue)
    with Redis.from_url(here.settings.redis_url or "") as redis:
        names = redis.smembers("rq:workers")
        kill(first)
        assert len(names) == 1
        (name,) = names
        assert f":{first.pid}:".encode() in name, "the name ends with something of this start only"


def test_index_jobs_wait_for_an_elasticsearch_that_is_away(
    tmp_path: Path, make_database: Callable[[], str], empty_redis_url: str
) -> None:
    url = f"http://127.0.0.1:{private.free_port()}"
    here = install(tmp_path, make_database(), empty_redis_url, url, "ged-away")
    try:
        here.start_worker()
        asked_at = datetime.now(UTC)
        here.register()
        job_id = here.latest(JobKind.INDEX)
        eventually(lambda: here.job(job_id).attempts >= 1, within_s=30, what="tried", log=here.log)
        eventually(lambda: here.job(job_id).error_code == "index.unavailable", within_s=30, what="said", log=here.log)
        job = here.job(job_id)
        assert job.state in (JobState.QUEUED, JobState.RUNNING)
        assert job.run_after > asked_at
        here.wait_for(here.ask(JobKind.SWEEP), JobState.DONE)
    finally:
        here.close()
