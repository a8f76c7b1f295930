"""E-mails about notices: what they say, when they are sent, and what became of them.

The text names numbers, accounts and links, and nothing of what is in a letter: mail servers and telephones show it to others.
"""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from gettext import NullTranslations

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ged import jobs, locks
from ged.errors import EngineFailed
from ged.jobs import ClaimedJob
from ged.notices.finding import Seen, send
from ged.notices.models import DeliveryState, FactorStep, NoticeMail, Occasion, PersonalNotice, Way
from ged.notices.queries import factor_step_of, names_told
from ged.org import openings
from ged.org.models import Person
from ged.org.openings import OpeningRow, OpeningStep
from ged.ports import Message
from ged.register.models import Mail
from ged.register.queries import first_numbers
from ged.routing import calendar
from ged.unit import Services, UnitOfWork

logger = logging.getLogger(__name__)
_CODE = re.compile(r"(post\.[a-z_]+|\d(\.\d{1,3}){0,2})?")

DIGEST_DAYS = timedelta(days=7)
"""Older unread notices are in no digest any more; the site still shows them."""
KEPT = timedelta(days=183)
MOST = 50
"""Lines of an e-mail; the page of notices shows the rest."""


Point = Callable[[Session, Services, int, datetime, NullTranslations], Sequence[str]]
"""What the morning's point tells a person at a moment, one line a kind, in the person's words; empty: nothing is pending."""


def _no_point(
    _session: Session, _services: Services, _person_id: int, _now: datetime, _words: NullTranslations
) -> Sequence[str]:
    return ()


def digest(services: Services, *, now: datetime) -> int:
    """Order the morning e-mails of a working day: one to each person with unread notices for it.

    Returns how many people have such notices, also of those without an address.
    """
    today = now.astimezone(services.zone).date()
    with services.reading() as session:
        if not calendar.calendar(session).is_working(today):
            return 0
        rows = session.execute(
            select(PersonalNotice.person_id, PersonalNotice.key)
            .where(
                PersonalNotice.way == Way.DIGEST, PersonalNotice.sent_in_id.is_(None), PersonalNotice.read_at.is_(None),
                PersonalNotice.at > now - DIGEST_DAYS,
            )
            .order_by(PersonalNotice.person_id, PersonalNotice.id)
        ).all()  # fmt: skip
    keys: dict[int, list[str]] = {}
    for person_id, key in rows:
        keys.setdefault(person_id, []).append(key)
    for person_id, notice_keys in keys.items():
        for attempt in services.attempts(now):
            with attempt as uow:
                send(uow, person_id, notice_keys, stamp=today.isoformat())
    return len(keys)


def run_mail(services: Services, job: ClaimedJob, *, now: datetime, point: Point = _no_point) -> None:
    """Send one e-mail, to the address that its person has now. A refusal for good is stored, and shown to the person and the administrator.

    Args:
        point: tells the morning's point, of a higher room. What a person may know is asked when the e-mail is sent.

    Raises:
        EngineFailed: ``post.failed``, ``post.certificate``, ``post.no_tls``: it is tried again, or the job waits for a
            person, who may have it sent again.
    """
    with services.reading() as session:
        row = session.get_one(NoticeMail, job.subject_id)
        if row.state not in (DeliveryState.QUEUED, DeliveryState.UNCERTAIN):  # uncertain: a person wants it sent again
            return
        message = _message(session, services, row, now, point)
    if message is None:
        _note(services, job.subject_id, DeliveryState.NEEDLESS, now)
        return
    for attempt in services.attempts(now):
        with attempt as uow:
            jobs.mark_irrevocable(uow.session, job, now=now)
            if message.to != row.address:  # reports of mail servers are compared with the address that was written to
                locks.hold_known(uow.session, NoticeMail, job.subject_id).address = message.to
    try:
        services.post.send(message)
    except EngineFailed as failure:
        # The server has not taken it, so nothing is uncertain, and the job is done.
        if failure.code == "post.refused":
            _note(services, job.subject_id, DeliveryState.FAILED, now, failure.code)
            return
        if not failure.retryable:
            _note(services, job.subject_id, DeliveryState.UNCERTAIN, now, failure.code)
        raise
    _note(services, job.subject_id, DeliveryState.SENT, now)


def forget(uow: UnitOfWork, *, now: datetime) -> None:
    """Delete notices that are half a year old, and their e-mails."""
    old = now - KEPT
    # The notices first: they name the e-mails.
    uow.session.execute(delete(PersonalNotice).where(PersonalNotice.at < old))
    still = select(PersonalNotice.id).where(PersonalNotice.sent_in_id == NoticeMail.id)
    uow.session.execute(delete(NoticeMail).where(NoticeMail.made_at < old, ~still.exists()))


def _note(services: Services, row_id: int, state: DeliveryState, now: datetime, reason: str = "") -> None:
    for attempt in services.attempts(now):
        with attempt as uow:
            set_state(uow, row_id, state, reason)


def set_state(uow: UnitOfWork, row_id: int, state: DeliveryState, reason: str = "") -> None:
    """Store what became of an e-mail."""
    row = locks.hold_known(uow.session, NoticeMail, row_id)
    row.state, row.reason, row.ended_at = state, reason[:200], uow.now
    # A report of another server may say anything in place of a number.
    logger.info("notice_mail.%s id=%s reason=%s", state.value, row_id, reason if _CODE.fullmatch(reason) else "other")


def _message(session: Session, services: Services, row: NoticeMail, now: datetime, point: Point) -> Message | None:
    """None when there is nothing to say any more, or the person has no address any more.

    The address is the present one: the earlier one may be another person's by now.
    """
    person = session.get_one(Person, row.person_id)
    if not person.email:
        return None
    seen = Seen(session, now.astimezone(services.zone).date())
    found = session.execute(
        select(PersonalNotice, Mail)
        .outerjoin(Mail, Mail.id == PersonalNotice.mail_id)
        .where(PersonalNotice.sent_in_id == row.id, PersonalNotice.read_at.is_(None))
        .order_by(PersonalNotice.id)
    ).unique()
    notices = [
        notice
        for notice, mail in found
        if seen.actor(row.person_id)
        and (mail is None or seen.may(row.person_id, mail))
        and not seen.is_over(notice, mail)
    ]
    url, words = services.public_url, services.translations(person.language)
    is_of_morning = any(notice.occasion is Occasion.MORNING for notice in notices)
    lies_about = point(session, services, row.person_id, now, words) if is_of_morning else ()
    notices = [notice for notice in notices if lies_about or notice.occasion is not Occasion.MORNING]
    if not notices:
        return None
    numbers = first_numbers(session, [notice.mail_id for notice in notices if notice.mail_id is not None])
    opened = openings.rows(
        session, [one.subject_id for one in notices if one.occasion is Occasion.ACCOUNT], on=seen.today, now=now
    )  # fmt: skip
    count = words.ngettext("%(num)s avis", "%(num)s avis", len(notices)) % {"num": len(notices)}
    more = len(notices) - MOST
    left = words.ngettext("Et %(num)s autre : %(url)s", "Et %(num)s autres : %(url)s", more) if more > 0 else ""
    place = {"num": more, "url": f"{url}/avis/"}
    text = "\n".join([
        words.gettext("Ce qui vous attend (%(count)s) :") % {"count": count}, "", *_lines(notices, numbers, opened, names_told(session, notices), lies_about, url, words),
        *((left % place, "") if left else ()),
        words.gettext("Tous vos avis, et le choix de ceux que vous recevez par courriel : %(url)s") % place, "",
    ])  # fmt: skip
    subject = words.gettext("Courrier et documents : %(count)s") % {"count": count}
    return Message(row.message_id, person.email, subject, text)


def _lines(
    notices: Sequence[PersonalNotice],
    numbers: dict[int, str],
    opened: Mapping[int, OpeningRow],
    names: Mapping[int, str],
    lies_about: Sequence[str],
    url: str,
    words: NullTranslations,
) -> list[str]:
    lines: list[str] = []
    for notice in notices[:MOST]:
        opening = opened.get(notice.subject_id) if notice.occasion is Occasion.ACCOUNT else None
        if opening is not None:
            said = opening_sentence(openings.step_of(notice.key), opening, words)
        elif notice.occasion is Occasion.SECOND_STEP:
            said = factor_sentence(factor_step_of(notice.key), names.get(notice.id, ""), words)
        elif notice.occasion is Occasion.SUPERVISES and names.get(notice.id):
            said = supervisor_sentence(names[notice.id], words)
        else:
            said = sentence(notice.occasion, numbers.get(notice.mail_id or 0, ""), words)
        details = [f"  - {one}" for one in lies_about] if notice.occasion is Occasion.MORNING else []
        lines += [f"- {said}", *details, f"  {url}/avis/{notice.id}", ""]
    return lines


def sentence(occasion: Occasion, number: str, words: NullTranslations) -> str:
    """What a notice says, without anything of what is in the letter. A draft has no number."""
    draft = words.gettext("Un projet de courrier")
    what = words.gettext("Le courrier n° %(number)s") % {"number": number} if number else draft
    match occasion:
        case Occasion.ASSIGNED:
            said = words.gettext("%(what)s vous est confié.")
        case Occasion.RETURNED:
            said = words.gettext("%(what)s est revenu vers vous.")
        case Occasion.TO_SIGN:
            said = words.gettext("%(what)s attend votre visa ou votre signature.")
        case Occasion.DUE_SOON:
            said = words.gettext("%(what)s arrive à échéance.")
        case Occasion.LATE:
            said = words.gettext("%(what)s est en retard.")
        case Occasion.ANSWERED:
            said = words.gettext("%(what)s a reçu sa suite.")
        case Occasion.DELEGATED:
            return words.gettext("Vous avez reçu une délégation ou un intérim.")
        case Occasion.ACCOUNT:
            return words.gettext("Un compte reçoit son premier accès.")
        case Occasion.CHANGE_REFUSED:
            return words.gettext("Une modification de l'organisation prévue pour ce jour a été refusée.")
        case Occasion.SECOND_STEP:
            return words.gettext("Votre vérification en deux étapes a changé.")
        case Occasion.EXCEPTION:
            return words.gettext("Une lecture par exception vous concerne.")
        case Occasion.DISPOSAL:
            return words.gettext("Un bordereau d'élimination vous concerne.")
        case Occasion.SUPERVISES:
            return words.gettext("Un acte vous nomme superviseur : vous voyez les chiffres d'un service.")
        case Occasion.MORNING:
            return words.gettext("Le point du matin : ce qui est en souffrance, et qui doit agir.")
    return said % {"what": what}


def supervisor_sentence(unit: str, words: NullTranslations) -> str:
    """What a notice of an act says that shows the figures of a unit."""
    return words.gettext("Un acte vous nomme superviseur : vous voyez les chiffres de ce service (%(unit)s).") % {
        "unit": unit
    }


def factor_sentence(step: FactorStep, name: str, words: NullTranslations) -> str:
    """What a notice of a second step says. ``name``: whose second step it is."""
    match step:
        case FactorStep.ADDED:
            said = words.gettext(
                "Un téléphone ou une clé d'accès est ajouté à votre compte. Si ce n'est pas vous, prévenez l'administrateur."
            )
        case FactorStep.REMOVED:
            said = words.gettext(
                "Un téléphone ou une clé d'accès est retiré de votre compte. Si ce n'est pas vous, prévenez l'administrateur."
            )
        case FactorStep.CODE_USED:
            said = words.gettext(
                "Un code de secours a ouvert votre compte. Si ce n'est pas vous, prévenez l'administrateur."
            )
        case FactorStep.GUESSED:
            said = words.gettext(
                "Plusieurs codes faux ont été essayés après votre mot de passe exact : si ce n'est pas vous, changez-le."
            )
        case FactorStep.RESET:
            said = words.gettext(
                "Votre vérification en deux étapes est réinitialisée. Si vous ne l'avez pas demandé, prévenez l'administrateur."
            )
        case FactorStep.ASKED:
            said = words.gettext(
                "La réinitialisation de la vérification en deux étapes de %(name)s attend votre accord."
            )
        case FactorStep.REFUSED:
            said = words.gettext("La réinitialisation de la vérification en deux étapes de %(name)s est refusée.")
        case FactorStep.GLASS_USED:
            said = words.gettext(
                "Le mot de passe du compte de secours de %(name)s vient d'être donné, sans passer par l'annuaire. Si vous ne savez pas pourquoi, fermez ses sessions."
            )
        case FactorStep.GLASS_NAMED:
            said = words.gettext("Le compte de %(name)s devient un compte de secours : il se connecte sans l'annuaire.")
    return said % {"name": name} if "%(name)s" in said else said


def opening_sentence(step: OpeningStep, row: OpeningRow, words: NullTranslations) -> str:
    """What a notice of a first access says."""
    match step:
        case OpeningStep.WAITING:
            said = words.gettext(
                "Le compte %(account)s (%(posts)s) attend votre confirmation : %(by)s a fait son premier accès."
            )
        case OpeningStep.MADE:
            said = words.gettext("Un premier accès est fait pour le compte %(account)s (%(posts)s), par %(by)s.")
        case OpeningStep.REFUSED:
            said = words.gettext(
                "Le premier accès du compte %(account)s (%(posts)s), fait par %(by)s, est refusé par %(second)s."
            )
        case OpeningStep.USED:
            said = words.gettext("Le compte %(account)s est ouvert (%(posts)s), par un premier accès de %(by)s.")
        case OpeningStep.GIVEN:
            said = words.gettext(
                "Le compte %(account)s, ouvert sans seconde personne par %(by)s, reçoit un poste : %(posts)s."
            )
    posts = ", ".join(row.titles) or words.gettext("sans poste")
    return said % {"account": row.account, "posts": posts, "by": row.by_name, "second": row.second_name}
