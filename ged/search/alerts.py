"""Alerts of saved searches: each new letter is reported once, with the owner's rights at that moment.

The search runs outside of any write transaction. Its result is compared with earlier results under the lock of the
saved search, so that two concurrent runs report a letter once.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from gettext import NullTranslations

from sqlalchemy import select
from sqlalchemy.orm import Session

from ged import jobs, locks
from ged.errors import NotFound
from ged.jobs import ClaimedJob, JobKind
from ged.org.actors import load_actor
from ged.org.models import Person
from ged.ports import Message, SortOrder
from ged.search import letter_search
from ged.search import saved as saved_searches
from ged.search.letter_search import SearchPage
from ged.search.models import SavedFind, SavedSearch
from ged.unit import Actor, Services, UnitOfWork

logger = logging.getLogger(__name__)

WINDOW = 200
"""Number of newest letters of a search that an alert compares; older letters existed before the alert began."""


def run_alerts(services: Services, saved_id: int, *, heartbeat: Callable[[str], None], now: datetime) -> None:
    """Check one followed search; all followed searches when ``saved_id`` is 0."""
    with services.reading() as session:
        ids = [saved_id] if saved_id else saved_searches.open_follows(session)
    for n, one in enumerate(ids, start=1):
        heartbeat(f"{n}/{len(ids)}")
        check(services, one, now=now)


def check(services: Services, saved_id: int, *, now: datetime) -> int:
    """Report new letters to the owner; returns how many. Reports nothing while the index is unavailable."""
    with services.reading() as session:
        saved = session.get(SavedSearch, saved_id)
        if saved is None or not saved.follows:
            return 0
        owner = _owner(session, saved.person_id, services, now)
        today = now.astimezone(services.zone).date()
        query = replace(
            saved_searches.read_on(saved.query, today), sort=SortOrder.NEWEST, offset=0, limit=WINDOW, highlight=False
        )
        page = letter_search.search_letters(services, session, owner, query) if owner is not None else None
    # SQL finds a part of the letters: the others would be reported as new when the index is back.
    if page is not None and page.is_of_sql:
        logger.warning("alert.index_away search=%s", saved_id)
        return 0
    for attempt in services.attempts(now):
        with attempt as uow:
            reported = _note(uow, saved_id, page)
    return reported


def _owner(session: Session, person_id: int, services: Services, now: datetime) -> Actor | None:
    """The owner with today's rights; None while the account is closed or the person holds no post."""
    try:
        owner = load_actor(session, person_id, on=now.astimezone(services.zone).date())
    except NotFound:
        return None
    return owner if owner.posts else None


def _note(uow: UnitOfWork, saved_id: int, page: SearchPage | None) -> int:
    saved = locks.hold_one(uow.session, SavedSearch, saved_id)
    if saved is None or not saved.follows:
        return 0
    if page is None:
        saved.paused_at = saved.paused_at or uow.now
        return 0
    saved.paused_at = None
    is_first, saved.checked_at = saved.checked_at is None, uow.now
    if is_first and page.total > len(page.letters):
        saved.oldest_on = min((one.registered_on for one in page.letters if one.registered_on), default=None)
    new = _unknown(uow.session, saved, page)
    uow.session.add_all(
        SavedFind(saved_search_id=saved.id, mail_id=mail_id, found_at=uow.now, is_new=not is_first) for mail_id in new
    )
    if not new or is_first:
        return 0
    email = uow.session.scalar(select(Person.email).where(Person.id == saved.person_id))
    if email:
        stamp = f"{saved.id}-{new[0]}-{int(uow.now.timestamp())}"
        uow.defer(JobKind.ALERT_MAIL, saved.id, params={"message_id": f"<alerte-{stamp}@ged>", "letters": new})
    return len(new)


def _unknown(session: Session, saved: SavedSearch, page: SearchPage) -> Sequence[int]:
    """Letters not reported before. A letter older than ``oldest_on`` is skipped: it only moved up as others left."""
    known = set(session.scalars(select(SavedFind.mail_id).where(SavedFind.saved_search_id == saved.id)))
    return [
        int(one.mail_id)
        for one in page.letters
        if one.mail_id not in known
        and (saved.oldest_on is None or one.registered_on is None or one.registered_on >= saved.oldest_on)
    ]


def run_alert_mail(services: Services, job: ClaimedJob, *, now: datetime) -> None:
    """Send the e-mail of an alert. It names the search and the number of letters, nothing about the letters.

    Not sent if the owner meanwhile may see none of the letters, or has ended the alert.

    Raises:
        EngineFailed: ``post.failed``, ``post.refused``.
    """
    with services.reading() as session:
        saved = session.get(SavedSearch, job.subject_id)
        owner = _owner(session, saved.person_id, services, now) if saved is not None and saved.follows else None
        if saved is None or owner is None:
            return
        count = len(letter_search.letters(session, owner, job.params["letters"]))
        person, name = session.get_one(Person, saved.person_id), saved.name
        to, language = person.email, person.language
    if not count or not to:
        return
    for attempt in services.attempts(now):
        with attempt as uow:
            jobs.mark_irrevocable(uow.session, job, now=now)
    url, words = f"{services.public_url}/recherches", services.translations(language)
    # The end of the job is the only note of it. Killed before that, the job waits for a person.
    services.post.send(_message(job.params["message_id"], to, name, count, url, words))


def _message(message_id: str, to: str, name: str, count: int, url: str, words: NullTranslations) -> Message:
    """The e-mail in the words of its reader's language."""
    title = " ".join(name.split())
    subject = words.ngettext(
        "Recherche suivie : %(title)s (%(num)s nouveau courrier)",
        "Recherche suivie : %(title)s (%(num)s nouveaux courriers)",
        count,
    )
    found = words.ngettext(
        "Votre recherche suivie « %(title)s » a trouvé %(num)s nouveau courrier auquel vous avez accès.",
        "Votre recherche suivie « %(title)s » a trouvé %(num)s nouveaux courriers auxquels vous avez accès.",
        count,
    )
    to_read = words.gettext("Pour les lire : %(url)s")
    to_stop = words.gettext("Pour ne plus recevoir ce message, arrêtez de suivre cette recherche sur la même page.")
    text = f"{found}\n\n{to_read}\n\n{to_stop}\n" % {"title": title, "num": count, "url": url}
    return Message(message_id=message_id, to=to, subject=subject % {"title": title, "num": count}, text=text)
