"""The second reading of an attachment: what it replaces, what it keeps, and that it may be run twice or be overtaken."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ged import jobs, pipeline
from ged.errors import EngineFailed
from ged.jobs import Job, JobKind, JobState
from ged.ports import JobId, Lane, PageRef, ReadBy, RecognisedPage, SecondReading, Word
from ged.recognition import again, second
from ged.register.models import AttachmentKind, PageText
from ged.register.operations import SourcePage, attach
from ged.search.indexing import index_document
from ged.search.models import PageReadAgain
from ged.unit import Services
from tests import pages, slip_kit
from tests.factories import NOW, actor, make_organisation, make_services
from web.processes import worker

FIRST = "le rninistre a reçu"
LATER = NOW + timedelta(days=36_500)  # a job defers the next one by the real clock


class Double:
    """A second reader that returns one text, or fails; it counts the pages that it was asked for."""

    def __init__(self, text: str = "le ministre a reçu", failure: EngineFailed | None = None) -> None:
        self.text, self.failure, self.asked = text, failure, 0
        self.meanwhile: Callable[[], object] = lambda: None

    def check(self) -> str:
        return "double"

    def read_again(
        self, page: PageRef, *, text: str, words: Sequence[Word], flags: Sequence[str], timeout_s: float
    ) -> SecondReading:
        self.asked += 1
        assert (page.source.is_file(), text, len(words)) == (True, FIRST, 4)
        self.meanwhile()
        if self.failure is not None:
            raise self.failure
        return SecondReading(self.text, word_list(self.text, 70), 70.0, (ReadBy.BOTH,), ("rninistre",))


def word_list(text: str, confidence: float) -> tuple[Word, ...]:
    return tuple(Word(word, 0.1 * n, 0.1, 0.08, 0.02, confidence) for n, word in enumerate(text.split()))


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = replace(make_services(tmp_path), second_reader=Double())
    make_organisation(made)
    yield made
    made.engine.dispose()


def read_letter(services: Services, *, count: int = 1, confidence: float = 60.0, flags: tuple[str, ...] = ()) -> int:
    """A letter whose pages were read once; returns its attachment."""
    digests = [services.blobs.put(io.BytesIO(pages.png(f"Page {n}"))).digest for n in range(count)]
    mail_id = slip_kit.letter(services)
    with services.unit_of_work(NOW) as uow:
        row = attach(
            uow, mail_id, kind=AttachmentKind.DOCUMENT,
            pages=[SourcePage(digest, "image/png") for digest in digests], media_type="image/png",
            actor=actor(services, "agent"), now=NOW,
        )  # fmt: skip
        attachment_id = int(row if isinstance(row, int) else row.id)
        for number in range(1, count + 1):
            uow.session.add(
                PageText(
                    attachment_id=attachment_id, page_no=number, text=FIRST, confidence=confidence, flags=list(flags),
                    words=[[w.text, w.x, w.y, w.width, w.height, w.confidence] for w in word_list(FIRST, confidence)],
                    read_at=NOW,
                )
            )  # fmt: skip
        uow.defer(JobKind.READ_AGAIN, attachment_id)
    return attachment_id


def run(services: Services) -> JobState:
    """Run the job that is due; returns its state."""
    with services.reading() as session:
        job_id: JobId = jobs.due(session, now=LATER, kinds=[JobKind.READ_AGAIN])[0]
    pipeline.run_job(services, job_id, worker="w")
    with services.reading() as session:
        return session.get_one(Job, job_id).state


def test_new_letters_are_read_before_any_page_is_read_again(services: Services) -> None:
    """The worker of a lane takes its oldest job: second readings that wait from before hold up no first reading."""
    read_letter(services)  # whose document is also queued for its first reading

    def due(lane: Lane) -> list[JobKind]:
        with services.reading() as session:
            return [session.get_one(Job, job_id).kind for job_id in worker._due(session, lane)]

    assert due(Lane.SLOW) == [JobKind.RECOGNISE]
    assert due(Lane.BACKLOG) == []
    with services.unit_of_work(NOW) as uow:
        uow.session.execute(update(Job).where(Job.kind != JobKind.READ_AGAIN).values(state=JobState.DONE))
    assert due(Lane.BACKLOG) == [JobKind.READ_AGAIN]


def again_rows(services: Services) -> list[PageReadAgain]:
    with services.reading() as session:
        return list(session.scalars(select(PageReadAgain).order_by(PageReadAgain.page_no)))


def text_of(services: Services, attachment_id: int) -> str:
    with services.reading() as session:
        return session.get_one(PageText, (attachment_id, 1)).text


def waiting(services: Services) -> list[JobKind]:
    with services.reading() as session:
        return list(session.scalars(select(Job.kind).where(Job.state == JobState.QUEUED)))


def test_the_surer_text_replaces_the_first_which_is_kept_and_both_are_indexed(services: Services) -> None:
    attachment_id = read_letter(services)
    assert run(services) is JobState.DONE
    assert text_of(services, attachment_id) == "le ministre a reçu"
    (row,) = again_rows(services)
    assert (row.first_text, row.others, row.read_by, row.problem) == (FIRST, "rninistre", ["both"], "")
    assert [word[0] for word in row.first_words] == FIRST.split()
    assert JobKind.INDEX in waiting(services)
    with services.reading() as session:
        mail_id = session.scalar(select(Job.subject_id).where(Job.kind == JobKind.INDEX).order_by(Job.id.desc())) or 0
        document = index_document(session, mail_id, version=1, units=())
    assert document is not None
    assert [(page.text, page.beside) for page in document.pages] == [("le ministre a reçu", "rninistre")]


def test_a_page_is_read_again_once(services: Services) -> None:
    attachment_id = read_letter(services)
    run(services)
    with services.unit_of_work(NOW) as uow:
        uow.defer(JobKind.READ_AGAIN, attachment_id)
    assert run(services) is JobState.DONE
    assert services.second_reader.asked == 1  # type: ignore[union-attr]  # the double
    assert len(again_rows(services)) == 1


@pytest.mark.parametrize(
    ("confidence", "flags"), [(97.0, ()), (60.0, ("born_digital",)), (60.0, ("blank",)), (60.0, ("failed",))]
)
def test_a_page_that_was_read_well_or_has_its_own_words_is_left(
    services: Services, confidence: float, flags: tuple[str, ...]
) -> None:
    read_letter(services, confidence=confidence, flags=flags)
    assert run(services) is JobState.DONE
    assert services.second_reader.asked == 0  # type: ignore[union-attr]  # the double


def test_a_page_that_cannot_be_read_again_keeps_its_text_and_is_not_tried_for_ever(services: Services) -> None:
    services = replace(services, second_reader=Double(failure=EngineFailed("ocr.timeout", retryable=True)))
    attachment_id = read_letter(services)
    assert run(services) is JobState.DONE
    assert text_of(services, attachment_id) == FIRST
    assert [(row.problem, row.others) for row in again_rows(services)] == [("ocr.timeout", "")]


@pytest.mark.parametrize(("crashes", "text", "problem"), [(1, "le ministre a reçu", ""), (2, FIRST, "ocr.crashed")])
def test_a_reader_that_crashes_is_tried_once_more(services: Services, crashes: int, text: str, problem: str) -> None:
    reader = Double()

    def crash() -> None:
        if reader.asked <= crashes:
            raise EngineFailed("ocr.crashed")

    reader.meanwhile = crash
    services = replace(services, second_reader=reader)
    attachment_id = read_letter(services)
    assert run(services) is JobState.DONE
    assert (text_of(services, attachment_id), [row.problem for row in again_rows(services)]) == (text, [problem])


def test_a_killed_job_has_written_nothing_and_is_done_again(services: Services) -> None:
    class Killed(BaseException):
        """The worker's process ends here."""

    reader = Double()

    def kill() -> None:
        if reader.asked == 2:
            raise Killed

    reader.meanwhile = kill
    services = replace(services, second_reader=reader)
    attachment_id = read_letter(services, count=2)
    with pytest.raises(Killed):
        again.run(services, attachment_id, kind=JobKind.READ_AGAIN, heartbeat=lambda _: None, now=NOW)
    assert (again_rows(services), text_of(services, attachment_id)) == ([], FIRST)
    assert run(services) is JobState.DONE
    assert [row.page_no for row in again_rows(services)] == [1, 2]
    assert text_of(services, attachment_id) == "le ministre a reçu"


def test_a_reader_that_is_missing_fails_the_job_and_says_so(services: Services) -> None:
    services = replace(services, second_reader=Double(failure=EngineFailed("ocr.second_unavailable")))
    read_letter(services)
    assert run(services) is JobState.FAILED
    assert again_rows(services) == []


def test_a_document_that_was_read_anew_meanwhile_is_not_overwritten(services: Services) -> None:
    reader = Double()
    services = replace(services, second_reader=reader)
    attachment_id = read_letter(services)

    def read_anew() -> None:
        with services.unit_of_work(NOW) as uow:
            page = uow.session.get_one(PageText, (attachment_id, 1))
            page.text, page.read_at = "une autre lecture", NOW + timedelta(seconds=1)

    reader.meanwhile = read_anew
    assert run(services) is JobState.DONE
    assert text_of(services, attachment_id) == "une autre lecture"
    assert again_rows(services) == []


def test_a_long_document_is_read_in_slices(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(again, "SLICE_S", 0.0)
    read_letter(services, count=3)
    for done in (1, 2, 3):
        assert run(services) is JobState.DONE
        assert len(again_rows(services)) == done
    assert JobKind.READ_AGAIN not in waiting(services)


@pytest.mark.parametrize("is_backlog", [False, True])
def test_a_reading_asks_for_the_second_one(services: Services, is_backlog: bool) -> None:
    doubtful = RecognisedPage(1, FIRST, word_list(FIRST, 60), 60.0, "fra", None)
    sure = replace(doubtful, words=word_list(FIRST, 96))
    off = replace(services, second_reader=None)
    for installation, page, asked in ((off, doubtful, 0), (services, sure, 0), (services, doubtful, 1)):
        with installation.unit_of_work(NOW) as uow:
            again.ask(uow, 7, [page], is_backlog=is_backlog)
        kind = JobKind.READ_AGAIN_BACKLOG if is_backlog else JobKind.READ_AGAIN
        assert waiting(services).count(kind) == asked


def test_the_page_says_by_whom_each_line_was_read(services: Services) -> None:
    attachment_id = read_letter(services)
    run(services)
    with services.reading() as session:
        shown = second.of_page(session, attachment_id, 1, "le ministre a reçu")
        other = second.of_page(session, attachment_id, 1, "deux\nlignes")
    assert shown is not None
    assert ([(line.text, line.by) for line in shown.lines], shown.replaced) == (
        [("le ministre a reçu", ReadBy.BOTH)],
        1,
    )
    assert (shown.first_text, shown.others) == (FIRST, "rninistre")
    assert other is None, "the text is another by now"
