"""The administrator's pages: problems, jobs, journal. They show no letters, texts or payloads."""

import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString

import sandbox
from ged import jobs as job_rows
from ged.administration import openings
from ged.archive import copies
from ged.archive.seal import journal_seal
from ged.errors import GedError, Invalid, InvalidTransition
from ged.jobs import LIVE_STATES, UNSETTLED_STATES, JobState
from ged.notices import returned
from ged.org.keys import renewals_asked
from ged.org.tree import runs_installation
from ged.paging import Slice
from ged.ports import JobId, ReaderFacts
from ged.reports import jobs as job_reports
from ged.reports import journal
from ged.reports.journal import JournalFilter
from ged.unit import Role
from ged.word import making
from web.site import context, disk, unknown_filters
from web.site.errors import view_of
from web.site.forms import FormReader
from web.site.pages import place, render_form
from web.views.admin.organisation import reach
from web.wiring import settings_file
from web.words.labels import ACTIONS, REFUSED, SUBJECTS
from web.words.messages import gettext as _

blueprint = Blueprint("admin", __name__, url_prefix="/administration")

PAGE = 50
GROUPS: dict[str, tuple[JobState, ...]] = {
    "problemes": (JobState.FAILED, JobState.UNCERTAIN),
    "en-cours": LIVE_STATES,
    "finies": (JobState.DONE,),
}


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Problems that need attention."""
    services = context.services()
    with services.reading() as session:
        counts = job_reports.counts(session)
        stalled = job_reports.is_stalled(session, now=context.now())
        head = journal.head(session)
        renewals = len(renewals_asked(session))
        deaf = returned.failing(session)
        word_maker = making.maker_of(services, session)
        loop = returned.last_loop(session, now=context.now())
        on, now = context.today(), context.now()
        opened = openings.latest(session, reach(), limit=5, on=on, now=now)
        copied_at = copies.last_made(session)
        copy_is_old = services.is_copied and copies.is_old(session, now=now)
        waiting = openings.waiting(session, context.actor(), services.installation_accounts, on=on, now=now)
    authority = services.revocation.standing() if services.revocation is not None else None
    space = disk.space_of(current_app)
    return render_template(
        "admin/index.html",
        free_bytes=space.free_bytes(),
        reserve_bytes=space.reserve_bytes,
        authority=authority,
        list_ends=authority is not None and authority.ends_soon(context.now()),
        renewals=renewals,
        opened=opened,
        unconfirmed=len(waiting),
        deaf=deaf,
        copied_at=copied_at,
        copy_is_old=copy_is_old,
        loop_is_wrong=loop.state in returned.WRONG,
        counts=counts,
        stalled=stalled,
        head=head,
        sealed=journal_seal(services).last(),
        open_jobs=sum(counts[state.value] for state in UNSETTLED_STATES),
        index=_index_status(),
        open_settings=settings_file.lies_inside(settings_file.find(), Path(services.data_dir)),
        unsafe=context.settings().unsafe_database,
        isolation=sandbox.chosen().kind.value,
        reader=_reader(),
        word_maker=word_maker,
    )


def _reader() -> ReaderFacts | None:
    try:
        return context.services().ocr.reads_with()
    except GedError:
        return None


def _index_status() -> object:
    try:
        return context.services().index.status()
    except GedError:
        return None


@blueprint.get("/taches")
def jobs() -> ResponseReturnValue:
    """Jobs by group."""
    group = unknown_filters.choice("groupe", GROUPS, "problemes")
    with context.services().reading() as session:
        rows, page = job_reports.jobs(session, GROUPS[group], place(), limit=PAGE)
        counts = job_reports.counts(session)
    totals = {name: sum(counts[s.value] for s in states) for name, states in GROUPS.items()}
    return render_template(
        "admin/jobs.html",
        rows=rows,
        reasons={row.id: view_of(GedError(row.error_code)).message for row in rows if row.error_code},
        group=group,
        totals=totals,
        page=page,
    )


@blueprint.post("/taches/<int:job_id>/reprendre")
def retry_job(job_id: int) -> ResponseReturnValue:
    """Try a failed job again."""
    try:
        with context.services().unit_of_work(context.now()) as uow:
            job_rows.retry(uow.session, JobId(job_id), now=uow.now)
            uow.record("job.retried", "job", job_id, actor=context.actor())
        context.services().queue.submit(JobId(job_id))
        flash(_("La tâche %(id)s est relancée.", id=job_id), "success")
    except InvalidTransition:
        flash(_("Cette tâche n'est plus en échec."), "info")
    return redirect(url_for("admin.jobs"), 303)


@blueprint.get("/journal")
def entries() -> ResponseReturnValue:
    """The journal without its payloads."""
    fields = FormReader(request.args)
    since, until = fields.days("du", "au")
    wanted = JournalFilter(
        action=fields.text("acte", maximum=64),
        account=fields.text("compte", maximum=64),
        subject_kind=fields.text("objet", maximum=32),
        subject_id=fields.integer("numero"),
        since=_start_of(since),
        until=_start_of(until + timedelta(days=1)) if until else None,
    )
    error = None
    try:
        fields.check()
    except Invalid as refused:
        error = refused  # an invalid filter shows no entries: all entries would look like its result
    actor, services = context.actor(), context.services()
    reader = None if runs_installation(actor, services.installation_accounts) else actor
    with services.reading() as session:
        shown = error is None
        rows, page = journal.entries(session, wanted, place(), reader=reader, limit=PAGE) if shown else ([], Slice(()))
        head = journal.head(session)
    return render_form(
        "admin/journal.html",
        error=error,
        form=request.args,
        rows=rows,
        page=page,
        head=head,
        since=since,
        until=until,
        actions=_sorted_words(ACTIONS),
        subjects=_sorted_words(SUBJECTS),
        is_administrator=actor.has(Role.ADMINISTRATOR),
        is_auditor=actor.has(Role.AUDITOR),
    )


def _sorted_words(words: Mapping[str, LazyString]) -> list[tuple[str, str]]:
    """Pairs for a choice, sorted by folded names: a plain comparison would sort accents last."""
    return sorted(((code, str(word)) for code, word in words.items()), key=lambda pair: fold(pair[1]))


def fold(text: str) -> str:
    """Fold a text for sorting: lower case, without accents."""
    return "".join(c for c in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(c))


@blueprint.app_template_filter()
def subject_label(kind: str) -> str:
    """The French name of an entry's subject kind. A refused act has the first word of its error's code as its kind."""
    return str(SUBJECTS.get(kind) or REFUSED.get(kind) or SUBJECTS["access"])


def _start_of(day: date | None) -> datetime | None:
    if day is None:
        return None
    return datetime.combine(day, time(), tzinfo=context.services().zone).astimezone(UTC)
