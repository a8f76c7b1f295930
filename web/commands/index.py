"""The command line for the search index: ``ged index``."""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from ged import index_sync, jobs, pipeline
from ged.config import Settings
from ged.jobs import JobKind
from ged.ports import JobId
from ged.unit import Services
from web.commands.index_services import LOOK_EVERY_S, reading, worker_runs, writing
from web.commands.shared import settings_of
from web.processes.worker import worker_name
from web.wiring.services import build_services
from web.wiring.snapshots import index_snapshots

SHOWN = 20


@click.group()
def index() -> None:
    """The search index."""


@index.command()
@click.option("--abandon", is_flag=True, help="Drop an unfinished rebuild, and do nothing else.")
def rebuild(abandon: bool) -> None:
    """Build a new index beside the living index, then swap; searching and registering go on meanwhile.

    After an interruption, run it again: it resumes where it stopped. Embedded, a running worker does it.
    """

    settings = settings_of()
    if not settings.elasticsearch_url and worker_runs(settings):
        if abandon:
            raise click.ClickException("stop the worker first: it alone writes the index")
        _by_the_worker(settings)
        return
    _here(settings, abandon=abandon)


def _here(settings: "Settings", *, abandon: bool) -> None:

    with writing(settings) as services:
        if abandon:
            services.index.abandon()
            click.echo("nothing is being built")
            return
        try:
            count = index_sync.rebuild(services, progress=_progress)
        except KeyboardInterrupt:
            click.echo("\nstopped: run it again to go on from here; the living index is as it was")
            sys.exit(130)
    click.echo(f"\n{count} letters")


def _by_the_worker(settings: "Settings") -> None:

    services = build_services(settings)
    with services.unit_of_work(datetime.now(UTC)) as uow:
        waiting = _open_rebuild(services)
        if waiting is None:
            uow.defer(JobKind.REBUILD_INDEX, 0)
    job_id = waiting or _open_rebuild(services)
    try:
        state = _follow(services, job_id) if job_id is not None else "done"
    except KeyboardInterrupt:
        click.echo("\nthe worker goes on with it: see `ged index status`")
        sys.exit(130)
    click.echo(f"\nrebuild by the worker: {state}")
    sys.exit(0 if state == "done" else 1)


def _open_rebuild(services: "Services") -> "JobId | None":

    with services.reading() as session:
        return jobs.live_job(session, jobs.JobKind.REBUILD_INDEX)


def _follow(services: "Services", job_id: "JobId") -> str:
    """Show the progress of a job until it ends; returns its final state."""

    while True:
        with services.reading() as session:
            state, progress = jobs.progress_of(session, job_id)
        if state not in (jobs.JobState.QUEUED, jobs.JobState.RUNNING):
            return state.value
        click.echo(f"\r{progress or state.value}   ", nl=False)
        time.sleep(LOOK_EVERY_S)


@index.command()
@click.option("--check", is_flag=True, help="Only show the differences; exit 1 when there are any.")
def verify(check: bool) -> None:
    """Compare the index with the database, and repair differences by index jobs."""

    settings = settings_of()
    services = build_services(settings)
    report = index_sync.compare(services, progress=_progress)
    click.echo(f"\n{report.letters} letters, {len(report.differences)} differ, {report.waiting} index jobs wait")
    for mail_id, kind in list(report.differences.items())[:SHOWN]:
        click.echo(f"{kind.value:8} {mail_id}")
    if not report.differences or check:
        sys.exit(1 if report.differences else 0)
    asked = index_sync.ask_to_mend(services, report, now=datetime.now(UTC))
    _mend(settings, services, asked)
    ahead = len(report.differences) - len(asked)
    if ahead:
        click.echo(f"{ahead} letters are newer than the database: run `ged index rebuild`", err=True)
    left = index_sync.compare(services, progress=lambda _done, _total: None).differences
    click.echo(f"{len(asked)} mended, {len(left)} differ still")
    sys.exit(1 if left else 0)


def _mend(settings: "Settings", services: "Services", mail_ids: "Sequence[int]") -> None:
    """Run the deferred jobs, or wait for the worker to run them."""

    if settings.elasticsearch_url or not worker_runs(settings):
        with writing(settings) as here:
            while due := _due(here):
                for job_id in due:
                    pipeline.run_job(here, job_id, worker=worker_name())
        return
    while True:
        with services.reading() as session:
            waiting = jobs.waiting_of(session, jobs.JobKind.INDEX, mail_ids)
        if not waiting:
            return
        click.echo(f"\r{waiting} wait for the worker   ", nl=False)
        time.sleep(LOOK_EVERY_S)


def _due(services: "Services") -> "list[JobId]":

    with services.reading() as session:
        return jobs.due(session, now=datetime.now(UTC), kinds=(jobs.JobKind.INDEX,), limit=1)


@index.command()
@click.option("--keep", type=click.IntRange(1, 1000), help="Then remove all but this number of the newest snapshots.")
@click.option("--no-wait", is_flag=True, help="Do not wait for its end: `ged index snapshots` shows the progress.")
def snapshot(keep: int | None, no_wait: bool) -> None:
    """Snapshot the index (Elasticsearch) into the repository GED_ELASTICSEARCH_SNAPSHOTS."""

    settings = settings_of()
    with index_snapshots(settings) as store:
        with reading(settings) as services:
            # Before the snapshot: what is done by then is certainly in it. Behind it, this might tell of more.
            job_id, position = index_sync.covered(services)
        name = store.take(datetime.now(UTC), version=job_id, position=position)
        if no_wait:
            click.echo(name)
            return
        done = store.wait(name, progress=_progress)
        click.echo(f"\n{done.line}")
        for gone in store.thin(keep) if keep and done.state == "SUCCESS" else ():
            click.echo(f"removed: {gone}")
    sys.exit(0 if done.state == "SUCCESS" else 1)


@index.command()
def snapshots() -> None:
    """List the snapshots, the oldest first: name, state, letters, schema, seconds."""

    with index_snapshots(settings_of()) as found:
        for one in found.listed():
            click.echo(one.line)


@index.command()
@click.argument("name", default="latest")
def restore(name: str) -> None:
    """Restore the snapshot NAME (or the latest) beside the living index, catch up with the database, then swap.

    Searching and registering go on meanwhile. After an interruption of the catching up, `ged index rebuild` resumes.
    """

    settings = settings_of()
    with index_snapshots(settings) as store, writing(settings) as services:
        found = store.restore(name, latest=index_sync.latest_job(services), progress=_progress)
        click.echo(f"\n{found.name} is back: {found.letters} letters")
        read = index_sync.rebuild(services, progress=_progress)
        left = index_sync.compare(services, progress=_progress)
    click.echo(f"\n{read} letters were newer, {len(left.differences)} differ still")
    sys.exit(1 if left.differences else 0)


@index.command()
def status() -> None:
    """Show engine, schema, letters, generation being built, waiting jobs."""

    with reading(settings_of()) as services:
        found = services.index.status()
        with services.reading() as session:
            counts = jobs.counts_of(session, jobs.JobKind.INDEX)
    click.echo(f"{found.engine} schema {found.schema_version}: {found.documents} letters in {found.generation or '-'}")
    if found.building is not None:
        click.echo(f"being built: {found.building.name}, filled to letter {found.building.position}")
    waiting = ", ".join(f"{count} {state.value}" for state, count in counts.items())
    click.echo(f"index jobs: {waiting or 'none waits'}")


def _progress(done: int, total: int) -> None:
    click.echo(f"\r{done}/{total}", nl=False)
