"""Today's letters while the pages of an archive wait to be read, and how reading grows with workers, as JSON lines.

    make bench-backlog     python -m bench.backlog [--pages 1000000] [--letters 12] [--servers] [--workers 1 2]

A letter of today is registered with a scan of one page. Measured are the seconds from its commit until the page is read.
Then as many jobs of an archive as ``--pages`` are written into the queue, as an archive that is taken over writes them: the
first 2,000 have a page of their own to read, the others name these again. The letters of today are measured once more,
while the archive is read. The goal is that the second time is at most 1.5 times the first.

The shape is the embedded one. With ``--servers`` it is PostgreSQL, Redis, Elasticsearch and the workers that
``deploy/install.sh`` starts. There each number of ``--workers`` for the archive then reads pages for half a minute: pages a minute,
and the ratio to the first number.
"""

import argparse
import io
import os
import statistics
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, func, insert, select, text

from bench.relevance import tell
from ged.db import WRITES, table_of
from ged.jobs import Job, JobKind, JobState
from ged.register.models import Attachment, AttachmentKind, AttachmentPage
from ged.register.operations import SourcePage, attach
from tests.factories import actor
from tests.ocr_pages import draw
from tests.servers import close_run, elastic, open_run, postgres, redis
from tests.worker_kit import Installation, kill

MOST_GROWTH = 1.5
OWN_PAGES = 2_000
READ_S = 30.0


def today(made: Installation, letters: int) -> list[float]:
    """Seconds from the commit of each letter until its page is read, one letter after the other."""
    spent = []
    for _ in range(letters):
        _mail, _attachment, job_id = made.letter_with_pages(1)
        began = time.monotonic()
        while made.job(job_id).state is not JobState.DONE:
            if time.monotonic() - began > 300:
                raise RuntimeError(f"job {job_id} is not done after 300 s: {made.log}")
            time.sleep(0.02)
        spent.append(time.monotonic() - began)
    return spent


def fill(made: Installation, pages: int) -> None:
    """The jobs of an archive: the first have pages that nobody has read."""
    own = min(OWN_PAGES, pages)
    out = io.BytesIO()
    draw().save(out, "PNG", dpi=(300, 300))
    digest = made.services.blobs.put(io.BytesIO(out.getvalue())).digest
    now = datetime.now(UTC)
    mail_id = made.register("Archives")
    with made.services.unit_of_work(now) as uow:
        attach(
            uow, mail_id, kind=AttachmentKind.DOCUMENT, pages=[SourcePage(digest, "image/png")], media_type="image/png",
            actor=actor(made.services, "agent"), now=now,
        )  # fmt: skip
    attachments, sources, jobs = table_of(Attachment), table_of(AttachmentPage), table_of(Job)
    with made.services.engine.execution_options(**{WRITES: True}).begin() as connection:
        model = dict(
            connection.execute(select(attachments).order_by(attachments.c.id.desc()).limit(1)).mappings().one()
        )
        page = dict(connection.execute(select(sources).where(sources.c.attachment_id == model["id"])).mappings().one())
        model.pop("id")
        ids = connection.scalars(
            insert(attachments).returning(attachments.c.id, sort_by_parameter_order=True), [model] * own
        ).all()
        connection.execute(insert(sources), [page | {"attachment_id": one} for one in ids])
        for begin in range(0, pages, 50_000):
            connection.execute(
                insert(jobs),
                [
                    {
                        "kind": JobKind.RECOGNISE_BACKLOG, "subject_id": ids[n % own], "reason": "", "params": {},
                        "state": JobState.QUEUED, "attempts": 0, "run_after": now, "worker": "", "error_code": "",
                        "error_detail": "", "progress": "", "created_at": now,
                    }
                    for n in range(begin, min(begin + 50_000, pages))
                ],
            )  # fmt: skip
    with made.services.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def left(engine: Engine) -> int:
    """Jobs of the archive that are not done."""
    with engine.connect() as connection:
        waiting = select(func.count()).where(Job.kind == JobKind.RECOGNISE_BACKLOG, Job.state != JobState.DONE)
        return connection.scalar(waiting) or 0


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=int(os.environ.get("GED_BENCH_PAGES", "1000000")))
    parser.add_argument("--letters", type=int, default=12)
    parser.add_argument("--servers", action="store_true")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    given = parser.parse_args()
    with ExitStack() as stack:
        stack.callback(close_run, *open_run())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ged-bench-")))
        extra = {}
        if given.servers:
            cluster = stack.enter_context(postgres.durable())
            extra = {
                "GED_DATABASE_URL": postgres.create_database(cluster.url, "ged_bench"),
                "GED_REDIS_URL": redis.server().url,
                "GED_ELASTICSEARCH_URL": elastic.server().url,
            }
        made = Installation.make(folder, extra)
        stack.callback(made.close)
        shape = {"bench": "backlog", "database": made.services.engine.dialect.name}
        if given.servers:  # as ``deploy/install.sh``
            for lanes in ("quick:desk", "files:upkeep", "slow"):
                made.start_worker("--lanes", lanes)
            running = [made.start_worker("--lanes", "backlog")]
        else:
            made.start_worker()
        today(made, 2)
        before = today(made, given.letters)
        fill(made, given.pages)
        time.sleep(10)
        waiting = left(made.services.engine)
        after = today(made, given.letters)
        growth = statistics.median(after) / statistics.median(before)
        tell(
            **shape, what="today's letters", pages=given.pages, letters=given.letters, alone_p50_s=round(statistics.median(before), 2),
            alone_worst_s=round(max(before), 2), p50_s=round(statistics.median(after), 2), worst_s=round(max(after), 2), growth=round(growth, 2),
            archive_left=left(made.services.engine), archive_read=waiting - left(made.services.engine),
            is_met=growth <= MOST_GROWTH,
        )  # fmt: skip
        first = 0.0
        for count in given.workers if given.servers else ():
            while len(running) < count:
                running.append(made.start_worker("--lanes", "backlog"))
            while len(running) > count:
                kill(running.pop())
            time.sleep(15)
            begin, began = left(made.services.engine), time.monotonic()
            time.sleep(READ_S)
            a_minute = (begin - left(made.services.engine)) / (time.monotonic() - began) * 60
            first = first or a_minute
            tell(
                **shape, what="reading", workers=count, pages_a_minute=round(a_minute), ratio=round(a_minute / first, 2)
            )


if __name__ == "__main__":
    main()
