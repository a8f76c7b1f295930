"""What of the database goes readable onto a disk: lines of registers, and letters of the ordinary level, as JSON values.

One rule (``is_readable``) decides for all of it. A letter that is not readable is named by no other letter.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, func, select, true
from sqlalchemy.orm import Session, aliased

from ged import destroyed
from ged.disk import words
from ged.dispatch.models import DispatchLine
from ged.natures.models import Nature
from ged.org.models import Person, Post, Unit
from ged.ports import Confidentiality, Digest
from ged.register.models import (
    Attachment,
    AttachmentKind,
    AttachmentPage,
    FilingClass,
    Mail,
    MailLink,
    MailNumber,
    PageText,
    Rectification,
    Register,
    RegisterNature,
    Rendition,
)
from ged.register.words import CHANNELS, URGENCY
from ged.reports.register_pages import FIELDS
from ged.routing.models import Assignment, Imputation, Mention
from ged.routing.undoing import gives_nothing, is_undone
from ged.search.indexing import notes_of
from ged.signbook.models import Draft
from ged.slips.models import Slip, SlipLine
from ged.slips.states import SlipState

PDF = "application/pdf"
SHOWN_TYPES = frozenset({PDF, "image/png", "image/jpeg"})
"""Types that a browser shows. Others are saved and opened by a program."""
Json = dict[str, Any]
Event = tuple[str, str, str]
"""(moment, what was done, details)."""


def is_readable() -> ColumnElement[bool]:
    """Whether a letter goes readable onto a disk, as a condition on ``Mail``."""
    return Mail.level == int(Confidentiality.ORDINARY)


@dataclass(frozen=True)
class Book:
    """A register and its years; ``years``: year -> (numbers, the first and the last number as text)."""

    id: int
    code: str
    name: str
    unit: str
    nature: RegisterNature
    years: Mapping[int, tuple[int, str, str]]


@dataclass(frozen=True)
class Piece:
    """A stored file that a letter's page opens. ``size_bytes`` 0: it is not known before it is read."""

    digest: Digest
    name: str
    kind: str
    media_type: str
    size_bytes: int


@dataclass(frozen=True)
class Letter:
    """A letter on the disk.

    Attributes:
        data: JSON values of its page, without its files.
        heading: what is searched first; ``text`` after it.
        numbers: (as written, place in its register).
    """

    id: int
    data: Json
    heading: str
    numbers: tuple[tuple[str, int], ...]
    text: str = field(repr=False)
    pieces: tuple[Piece, ...] = ()


def books(session: Session) -> list[Book]:
    """The registers that have numbers, but those of sealed envelopes."""
    counted = session.execute(
        select(
            MailNumber.register_id,
            MailNumber.year,
            func.count(),
            func.min(MailNumber.sequence),
            func.max(MailNumber.sequence),
        )
        .group_by(MailNumber.register_id, MailNumber.year)
        .order_by(MailNumber.register_id, MailNumber.year)
    ).all()
    years: defaultdict[int, dict[int, tuple[int, str, str]]] = defaultdict(dict)
    for register_id, year, count, first, last in counted:
        texts = dict(
            iter(
                session.execute(
                    select(MailNumber.sequence, MailNumber.text).where(
                        MailNumber.register_id == register_id,
                        MailNumber.year == year,
                        MailNumber.sequence.in_([first, last]),
                    )
                )
            )
        )
        years[register_id][year] = (count, texts[first], texts[last])
    rows = session.scalars(select(Register).order_by(Register.nature, Register.code)).unique().all()
    return [
        Book(one.id, one.code, one.name, one.unit.name, one.nature, years[one.id])
        for one in rows
        if one.id in years and one.nature is not RegisterNature.ENVELOPE
    ]


def letter_ids(session: Session) -> list[int]:
    """The letters that go readable onto the disk, in the order in which they came: those with a number."""
    numbered = exists().where(MailNumber.mail_id == Mail.id)
    return list(session.scalars(select(Mail.id).where(is_readable(), numbered).order_by(Mail.id)))


def lines(
    session: Session, book_id: int, year: int, *, below: int | None, limit: int, zone: ZoneInfo
) -> tuple[list[Json], int]:
    """Lines of a register, the newest first.

    Args:
        below: the lines before this place in the register; None: from the newest.

    Returns:
        (lines, place of the last of them). Of a line: ``n`` number, ``d`` day, ``m`` id of the letter (0: not on the disk), ``p`` the other party, ``s`` subject, or a
        sentence in its place, ``v`` why it was voided.
    """
    receiver, sender = aliased(Unit), aliased(Unit)
    rows = session.execute(
        select(MailNumber, Mail, sender.name, receiver.name)
        .outerjoin(Mail, (Mail.id == MailNumber.mail_id) & is_readable())
        .outerjoin(Slip, Slip.id == MailNumber.slip_id)
        .outerjoin(sender, sender.id == Slip.sender_unit_id)
        .outerjoin(receiver, receiver.id == Slip.receiver_unit_id)
        .where(MailNumber.register_id == book_id, MailNumber.year == year)
        .where(MailNumber.sequence < below if below is not None else true())
        .order_by(MailNumber.sequence.desc())
        .limit(limit)
    ).unique()
    found = rows.all()
    last = found[-1][0].sequence if found else 0
    return [_line(number, mail, (given, taken), zone) for number, mail, given, taken in found], last


def _line(number: MailNumber, mail: Mail | None, slip: tuple[str | None, str | None], zone: ZoneInfo) -> Json:
    line: Json = {
        "n": number.text,
        "d": number.registered_at.astimezone(zone).date().isoformat(),
        "m": 0,
        "p": "",
        "s": "",
    }
    if number.voided_at is not None:
        # Of a letter that is not on the disk, the reason may tell what it was about; and so may that of a slip that carried it.
        may_show_reason = mail is not None or {number.mail_id, number.envelope_id, number.slip_id} == {None}
        line["v"] = (number.void_reason if may_show_reason else "") or words.VOIDED
    if mail is not None:
        party = mail.sender_name if mail.direction.value == "incoming" else mail.addressee or mail.sender_name
        line |= {"m": mail.id, "p": party, "s": mail.subject}
    elif number.slip_id is not None:
        line |= {"p": f"{slip[0] or ''} → {slip[1] or ''}", "s": words.SLIP}
    elif number.mail_id is not None or number.envelope_id is not None:
        line["s"] = words.NOT_ON_DISK
    return line


class Letters:
    """Reads letters a few at a time; what is the same for all is read once."""

    def __init__(self, session: Session, zone: ZoneInfo, places: Mapping[int, int]) -> None:
        """
        Args:
            places: letter -> place on the disk, of all letters that are readable.
        """
        self._session, self._zone, self._places = session, zone, places
        self._units = dict(iter(session.execute(select(Unit.id, Unit.name))))
        self._posts = dict(iter(session.execute(select(Post.id, Post.title))))
        self._people = dict(iter(session.execute(select(Person.id, Person.name))))
        self._classes = {
            one.id: f"{one.code} {one.title}".strip() for one in session.scalars(select(FilingClass)).all()
        }
        self._natures = dict(iter(session.execute(select(Nature.code, Nature.name).order_by(Nature.id.desc()))))
        self._mentions = dict(iter(session.execute(select(Mention.code, Mention.label).order_by(Mention.id.desc()))))

    def read(self, ids: Sequence[int]) -> list[Letter]:
        """Letters in the order of their ids."""
        mails = (
            self._session.scalars(select(Mail).where(Mail.id.in_(ids), is_readable()).order_by(Mail.id)).unique().all()
        )
        events, links = self._events(ids), self._links(ids)
        shown = self._shown(ids)
        pieces, texts = self._pieces(shown), self._texts(shown)
        found = []
        for mail in mails:
            data = self._letter_data(mail) | {
                "events": sorted(events[mail.id], key=lambda one: one[0]),
                "links": links[mail.id],
            }
            heading = (mail.subject, mail.sender_name, mail.addressee, mail.their_reference, data["to"])
            numbers = tuple((one.text, one.sequence) for one in mail.numbers)
            found.append(
                Letter(mail.id, data, " ".join(heading), numbers, texts.get(mail.id, ""), tuple(pieces[mail.id]))
            )
        # Nothing is read twice: a hundred thousand letters would fill the memory.
        self._session.expunge_all()
        return found

    def _letter_data(self, mail: Mail) -> Json:
        titled = self._posts.get(mail.addressed_post_id or 0, "")
        return {
            "n": [[n.text, self._at(n.registered_at), n.void_reason or words.VOIDED if n.voided_at else ""] for n in mail.numbers],
            "dir": words.DIRECTIONS[mail.direction],
            "s": mail.subject,
            "from": mail.sender_name,
            "to": mail.addressee or titled,
            "ref": mail.their_reference,
            "written": _day(mail.written_on),
            "received": _day(mail.received_on),
            "due": _day(mail.due_on),
            "nature": self._natures.get(mail.nature, mail.nature),
            "channel": CHANNELS[mail.channel],
            "urgency": URGENCY[mail.priority],
            "enclosures": mail.enclosure_count,
            "enclosure_note": mail.enclosure_note,
            "state": words.STATES[mail.state],
            "unit": self._units.get(mail.unit_id, ""),
            "responsible": self._units.get(mail.responsible_unit_id or 0, ""),
            "filed": self._classes.get(mail.filing_class_id or 0, ""),
            "outcome": mail.outcome,
            "closed": self._at(mail.closed_at) if mail.closed_at else "",
        }  # fmt: skip

    def _at(self, at: datetime) -> str:
        return at.astimezone(self._zone).strftime("%Y-%m-%dT%H:%M:%S")

    # --- its path

    def _events(self, ids: Sequence[int]) -> Mapping[int, list[Event]]:
        found: defaultdict[int, list[Event]] = defaultdict(list)
        for source in (
            self._decided,
            self._given,
            self._carried,
            self._signed,
            self._sent,
            self._rectified,
            self._destroyed,
        ):
            for mail_id, event in source(ids):
                found[mail_id].append(event)
        return found

    def _labels(self, codes: Iterable[str]) -> str:
        return ", ".join(self._mentions.get(code, code) for code in codes)

    def _decided(self, ids: Sequence[int]) -> Iterable[tuple[int, Event]]:
        for one in self._session.scalars(select(Imputation).where(Imputation.mail_id.in_(ids), ~is_undone())):
            who = f"Imputé par {self._posts.get(one.post_id, '')} ({self._people.get(one.person_id, '')})"
            yield one.mail_id, (self._at(one.decided_at), who, _joined(self._labels(one.mentions), one.note))

    def _given(self, ids: Sequence[int]) -> Iterable[tuple[int, Event]]:
        rows = self._session.scalars(select(Assignment).where(Assignment.mail_id.in_(ids), ~gives_nothing())).unique()
        for one in rows:
            post = self._posts.get(one.post_id or 0, "")
            unit = self._units.get(one.unit_id, "")
            whom = f"Confié à {unit}{f' ({post})' if post else ''}, {words.PURPOSES[one.purpose]}"
            due = f"à rendre le {one.due_on:%d/%m/%Y}" if one.due_on else ""
            state = words.ASSIGNMENTS[one.state]
            yield one.mail_id, (self._at(one.assigned_at), whom, _joined(one.instruction, due, state))
            if one.finished_at is not None and one.outcome:
                yield one.mail_id, (self._at(one.finished_at), f"Suite donnée par {unit}", one.outcome)

    def _carried(self, ids: Sequence[int]) -> Iterable[tuple[int, Event]]:
        rows = self._session.execute(
            select(SlipLine.mail_id, Slip).join(Slip, Slip.id == SlipLine.slip_id).where(SlipLine.mail_id.in_(ids))
        ).unique()
        for mail_id, slip in rows:
            if mail_id is None or slip.state is SlipState.ISSUING:
                continue
            what = f"Bordereau {slip.number_text} : de {slip.sender_unit.name} à {slip.receiver_unit.name}"
            received = f"le {slip.received_at.astimezone(self._zone):%d/%m/%Y}" if slip.received_at else ""
            yield mail_id, (self._at(slip.issued_at), what, f"{words.SLIPS[slip.state]} {received}".strip())

    def _signed(self, ids: Sequence[int]) -> Iterable[tuple[int, Event]]:
        rows = self._session.execute(
            select(Draft.mail_id, Draft.signed_at, Draft.confirmed_name, Draft.confirmed_title).where(
                Draft.mail_id.in_(ids), Draft.signed_at.is_not(None)
            )
        )
        for mail_id, at, name, title in rows:
            if at is None:
                continue
            yield mail_id, (self._at(at), "Signé", ", ".join(filter(None, (name, title))))

    def _sent(self, ids: Sequence[int]) -> Iterable[tuple[int, Event]]:
        rows = self._session.execute(
            select(
                DispatchLine.mail_id, DispatchLine.name, DispatchLine.is_copy, DispatchLine.channel, DispatchLine.state,
                DispatchLine.reference, DispatchLine.left_at, DispatchLine.discharge_name, DispatchLine.discharged_at,
            ).where(DispatchLine.mail_id.in_(ids), DispatchLine.left_at.is_not(None))
        )  # fmt: skip
        for mail_id, name, is_copy, channel, state, reference, left_at, taker, discharged_at in rows:
            if left_at is None:
                continue
            what = f"{'Ampliation expédiée' if is_copy else 'Expédié'} à {name}"
            discharge = (
                f"décharge de {taker} du {discharged_at.astimezone(self._zone):%d/%m/%Y}" if discharged_at else ""
            )
            yield (
                mail_id,
                (self._at(left_at), what, _joined(CHANNELS[channel], reference, words.DISPATCHES[state], discharge)),
            )

    def _destroyed(self, ids: Sequence[int]) -> Iterable[tuple[int, Event]]:
        for mail_id, one in destroyed.of_letters(self._session, ids).items():
            slip = f"bordereau d'élimination n° {one.slip_no}"
            if one.done_at is None:
                sentence = f"{slip} : ses fichiers ne s'ouvrent plus, son inscription reste"
                yield mail_id, (self._at(one.decided_at), "Destruction décidée", sentence)
            else:
                sentence = f"{slip} : ses fichiers n'existent plus, son inscription reste"
                yield mail_id, (self._at(one.done_at), "Détruit", sentence)

    def _rectified(self, ids: Sequence[int]) -> Iterable[tuple[int, Event]]:
        for one in self._session.scalars(select(Rectification).where(Rectification.mail_id.in_(ids))):
            what = f"Rectifié : {FIELDS.get(one.field, one.field)}"
            yield (
                one.mail_id,
                (self._at(one.at), what, _joined(f"« {one.old_value} » → « {one.new_value} »", one.reason)),
            )

    def _links(self, ids: Sequence[int]) -> Mapping[int, list[tuple[str, int]]]:
        """Letter -> (word, place of the other letter), of others that are on the disk."""
        found: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
        rows = self._session.execute(
            select(MailLink.from_id, MailLink.to_id, MailLink.kind)
            .where(MailLink.from_id.in_(ids) | MailLink.to_id.in_(ids))
            .order_by(MailLink.id)
        ).all()
        wanted = set(ids)
        for from_id, to_id, kind in rows:
            if from_id not in self._places or to_id not in self._places:
                continue
            for own, other, refers in ((from_id, to_id, True), (to_id, from_id, False)):
                if own in wanted:
                    found[own].append((words.LINKS.get((kind, refers), "Voir aussi"), self._places[other]))
        return found

    # --- its files

    def _shown(self, ids: Sequence[int]) -> Sequence[Attachment]:
        newer = aliased(Attachment)
        return self._session.scalars(
            select(Attachment)
            .where(Attachment.mail_id.in_(ids), ~exists().where(newer.replaces_id == Attachment.id))
            .where(~destroyed.holds(Attachment.mail_id))
            .where(Attachment.kind != AttachmentKind.RENDERED)
            .order_by(Attachment.id)
        ).all()

    def _texts(self, shown: Sequence[Attachment]) -> Mapping[int, str]:
        letter_of = {one.id: one.mail_id for one in shown}
        rows = self._session.execute(
            select(PageText.attachment_id, PageText.text).where(PageText.attachment_id.in_(letter_of))
        )
        found: defaultdict[int, list[str]] = defaultdict(list)
        for attachment_id, text in rows:
            found[letter_of[attachment_id]].append(text)
        for (attachment_id, _page), notes in notes_of(self._session, set(letter_of.values())).items():
            if attachment_id in letter_of:
                found[letter_of[attachment_id]] += notes
        return {mail_id: "\n".join(texts) for mail_id, texts in found.items()}

    def _pieces(self, shown: Sequence[Attachment]) -> Mapping[int, list[Piece]]:
        wanted = [one.id for one in shown]
        made = {
            one.attachment_id: one
            for one in self._session.scalars(
                select(Rendition).where(
                    Rendition.attachment_id.in_(wanted), Rendition.kind == "searchable_pdf", Rendition.page_no == 0
                )
            )
        }
        pages: defaultdict[int, list[AttachmentPage]] = defaultdict(list)
        for page in self._session.scalars(
            select(AttachmentPage)
            .where(AttachmentPage.attachment_id.in_(wanted))
            .order_by(AttachmentPage.attachment_id, AttachmentPage.page_no)
        ):
            pages[page.attachment_id].append(page)
        found: defaultdict[int, list[Piece]] = defaultdict(list)
        for one in shown:
            found[one.mail_id] += _of_attachment(one, made.get(one.id), pages[one.id])
        return found


def _of_attachment(one: Attachment, made: Rendition | None, pages: Sequence[AttachmentPage]) -> Iterable[Piece]:
    """What opens an attachment: the original where a browser shows it, else the PDF made of it, else its pages."""
    kind = words.KINDS[one.kind]
    name = one.filename or kind
    if one.digest is not None and (one.media_type in SHOWN_TYPES or made is None):
        yield Piece(Digest(one.digest), name, kind, one.media_type, one.size_bytes)
        return
    if made is not None:
        yield Piece(Digest(made.digest), f"{name.rpartition('.')[0] or name}.pdf", kind, PDF, made.size_bytes)
    if one.digest is not None:
        yield Piece(Digest(one.digest), name, f"{kind}, fichier d'origine", one.media_type, one.size_bytes)
    elif made is None:
        seen: set[str] = set()
        for page in pages:
            if page.digest not in seen:  # several pages may lie in one file
                seen.add(page.digest)
                yield Piece(Digest(page.digest), f"{name}, page {page.page_no}", kind, page.media_type, 0)


def _day(day: date | None) -> str:
    return day.isoformat() if day is not None else ""


def _joined(*parts: str) -> str:
    return " — ".join(part for part in parts if part)
