"""What hands wrote in the margins of a document: regions that the machine found, and their words as people typed them.

The machine reads nothing of a hand. It says where one seems to have written, and a clerk types the words beside the
picture, or says that there is none. A clerk adds a note that the machine missed, with its words and its rough place. Whatever a person did stays: through a second reading, through a reading that is done
anew, and on the same page of a later version of the document. Each state is kept with who made it. The journal names the
note and its version without its words, for the words of a document that is destroyed must not stay there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ged import destroyed
from ged.capture.arrange import attachment_to_change
from ged.capture.bridges import clerk_of
from ged.errors import Invalid, InvalidTransition, NotFound, StaleVersion
from ged.org.models import Person
from ged.ports import RecognisedPage
from ged.recognition.page_shape import A4_RATIO
from ged.register.models import Attachment, AttachmentPage, PageText
from ged.search.models import MarginNote, MarginNoteText
from ged.unit import Actor, UnitOfWork

MAX_TEXT = 2_000
ADDED_TEXT = "added-words"
"""The form's field of a note that a person adds."""
_SAME_PLACE = 0.5
"""Of the smaller of two regions: with so much in common, they are one note."""
_ROUGH = 10
"""A region that is so many times larger than another one is a rough place: it does not stand for what the machine finds in it."""
_TURNED = "rotated_"
_PART = 0.4
"""Width and height of a rough place. Neighbours overlap, so that a note between two is whole in one of them."""


class Area(StrEnum):
    """Where on a page a note stands, as a person says it."""

    TOP_LEFT = "top_left"
    TOP = "top"
    TOP_RIGHT = "top_right"
    LEFT = "left"
    MIDDLE = "middle"
    RIGHT = "right"
    BOTTOM_LEFT = "bottom_left"
    BOTTOM = "bottom"
    BOTTOM_RIGHT = "bottom_right"

    def place(self, page_ratio: float) -> "Place":
        """The region of this area on a page of this shape."""
        row, column = divmod(list(Area).index(self), 3)
        step = (1 - _PART) / 2
        return Place(round(column * step, 4), round(row * step, 4), _PART, _PART, page_ratio)


@dataclass(frozen=True)
class Place:
    """A region in fractions of the upright page; ``page_ratio``: height of the page, in its widths."""

    x: float
    y: float
    width: float
    height: float
    page_ratio: float

    def turned(self, degrees: int) -> "Place":
        """The region on the page turned clockwise by quarter turns."""
        place = self
        for _ in range(degrees // 90 % 4):
            left = round(1 - place.y - place.height, 4)
            place = Place(left, place.x, place.height, place.width, round(1 / place.page_ratio, 4))
        return place

    def is_at(self, other: "Place") -> bool:
        """Whether both are about one place. A rough place and a note in it are two: else a note that is found later is lost."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        least, most = sorted((self.width * self.height, other.width * other.height))
        return width > 0 and height > 0 and width * height > _SAME_PLACE * least and most < _ROUGH * least


@dataclass(frozen=True)
class NoteRow:
    """A margin note on the page of a document.

    Attributes:
        number: its place among the notes of the page, from 1.
        version: that a form sends back.
        by_name, at: who changed it last, and when; empty, None: nobody yet.
    """

    id: int
    number: int
    place: Place
    text: str
    is_dismissed: bool
    version: int
    by_name: str
    at: datetime | None


@dataclass(frozen=True)
class Typed:
    """What a person says of a note.

    Attributes:
        version: of the note that this person saw.
        seen: the words and the dismissal that this person saw; what is still so was not touched, and leaves the note as it is,
            whatever a colleague made of it meanwhile. None: unknown.
    """

    note_id: int
    text: str
    is_dismissed: bool
    version: int
    seen: tuple[str, bool] | None = None

    @property
    def is_untouched(self) -> bool:
        """Whether this person changed nothing of the note."""
        return self.seen == (self.text, self.is_dismissed)


@dataclass(frozen=True)
class Added:
    """A note that the machine missed, as a person saw it. ``page_ratio``: height of the page, in its widths."""

    page_no: int
    area: Area
    text: str
    page_ratio: float = A4_RATIO


def of_page(session: Session, attachment_id: int, page_no: int) -> tuple[NoteRow, ...]:
    """The notes of a page from its top, also the dismissed ones. The caller has checked access to the letter."""
    rows = session.execute(
        select(MarginNote, Person.name, MarginNoteText.at)
        .outerjoin(
            MarginNoteText,
            (MarginNoteText.note_id == MarginNote.id) & (MarginNoteText.version == MarginNote.version),
        )
        .outerjoin(Person, Person.id == MarginNoteText.person_id)
        .where(MarginNote.attachment_id == attachment_id, MarginNote.page_no == page_no)
        .order_by(MarginNote.y, MarginNote.x, MarginNote.id)
    )
    return tuple(
        NoteRow(row.id, number, _place(row), row.text, row.is_dismissed, row.version, name or "", at)
        for number, (row, name, at) in enumerate(rows, 1)
    )


def words(notes: Iterable[NoteRow]) -> list[list[str | float]]:
    """The typed words of notes in the form of ``PageText.words``, each at the place of its note: a search marks them."""
    return [
        [word, note.place.x, note.place.y, note.place.width, note.place.height, 100.0]
        for note in notes
        if not note.is_dismissed
        for word in note.text.split()
    ]


# --- acts


def write(
    uow: UnitOfWork, attachment_id: int, typed: Sequence[Typed], *, added: Added | None = None, actor: Actor
) -> int:
    """Store what a person typed or decided of notes, and the note that this person added; all of it, or nothing. Returns how
    many notes changed or came.

    Raises:
        NotFound: ``attachment.unknown``; ``margin_note.unknown``: the document was read anew meanwhile;
            ``document.not_read``: not read yet, or no such page.
        Forbidden: ``scan.not_clerk``.
        Invalid: ``margin_note.too_long``.
        InvalidTransition: ``attachment.replaced``.
        StaleVersion: ``margin_note.stale``: another person changed a note meanwhile.
    """
    attachment, mail = attachment_to_change(uow, attachment_id, actor=actor)
    destroyed.require_readable(uow.session, mail.id)
    post = clerk_of(actor, mail.unit_id)
    newer = uow.session.scalar(select(Attachment.id).where(Attachment.replaces_id == attachment.id).limit(1))
    if newer is not None:
        raise InvalidTransition("attachment.replaced", "open the newest version", id=attachment.id)
    changed = [row for one in typed if (row := _change(uow, attachment.id, one, actor)) is not None]
    new = _add(uow, attachment, added, actor) if added is not None else None
    changed += [new] if new is not None else []
    if changed:
        uow.record(
            "attachment.margin_noted", "mail", mail.id, actor=actor, post=post, attachment=attachment.id,
            notes={str(row.id): row.version for row in changed},
            dismissed=[row.id for row in changed if row.is_dismissed], added=[new.id] if new is not None else [],
        )  # fmt: skip
        uow.reindex(mail.id)
    return len(changed)


def _change(uow: UnitOfWork, attachment_id: int, typed: Typed, actor: Actor) -> MarginNote | None:
    """Change a note, whose letter is locked; None where nothing is new."""
    if typed.is_untouched:
        return None
    row = uow.session.get(MarginNote, typed.note_id, populate_existing=True)
    if row is None or row.attachment_id != attachment_id:
        raise NotFound("margin_note.unknown", "reload the document", id=typed.note_id)
    text = _checked(typed.text, f"words-{row.id}")
    if (row.text, row.is_dismissed) == (text, typed.is_dismissed):
        return None  # also a form that was sent twice
    if row.version != typed.version:
        raise StaleVersion("margin_note.stale", "read it, then send again", field=f"words-{row.id}")
    row.text, row.is_dismissed, row.version = text, typed.is_dismissed, row.version + 1
    _keep(uow, row, actor)
    return row


def _add(uow: UnitOfWork, attachment: Attachment, added: Added, actor: Actor) -> MarginNote | None:
    """Make a note; None where a note with these words stands at this place already: a form that was sent twice."""
    text = _checked(added.text, ADDED_TEXT)
    if not text:
        raise Invalid("form.required", "fill it in", field=ADDED_TEXT)
    # A page that is not read yet has no notes of its own; what people did on the version before comes over with the reading.
    if uow.session.get(PageText, (attachment.id, added.page_no)) is None:
        raise NotFound("document.not_read", "wait until the document is read", id=attachment.id, page=added.page_no)
    place = added.area.place(added.page_ratio)
    there = select(MarginNote).where(
        MarginNote.attachment_id == attachment.id, MarginNote.page_no == added.page_no, MarginNote.text == text
    )
    if any(_place(row) == place and not row.is_dismissed for row in uow.session.scalars(there)):
        return None
    row = _new_note(attachment.id, added.page_no, place, uow.now)
    row.text, row.version = text, 1
    uow.session.add(row)
    uow.session.flush()
    _keep(uow, row, actor)
    return row


def _checked(text: str, field: str) -> str:
    text = text.strip()
    if len(text) > MAX_TEXT:
        raise Invalid("margin_note.too_long", "shorten it", field=field, limit=MAX_TEXT)
    return text


def _keep(uow: UnitOfWork, row: MarginNote, actor: Actor) -> None:
    """Keep a note's present state as one of its versions."""
    uow.session.add(
        MarginNoteText(
            note_id=row.id, version=row.version, attachment_id=row.attachment_id, text=row.text,
            is_dismissed=row.is_dismissed, person_id=actor.person_id, at=uow.now,
        )
    )  # fmt: skip


# --- what the machine found


def note_found(uow: UnitOfWork, attachment: Attachment, pages: Sequence[RecognisedPage]) -> None:
    """Store the regions of a document that was just read. The caller holds the letter's lock.

    Regions of an earlier reading that nobody touched are replaced. What people did stays, and is taken over from the
    version before, where the page is still there.
    """
    uow.session.execute(delete(MarginNote).where(MarginNote.attachment_id == attachment.id, MarginNote.version == 0))
    flags = {page.page_no: page.flags for page in pages}
    kept: dict[int, list[Place]] = {}
    for row in uow.session.scalars(select(MarginNote).where(MarginNote.attachment_id == attachment.id)):
        kept.setdefault(row.page_no, []).append(_place(row))
    if not kept and attachment.replaces_id is not None:
        kept = _taken_over(uow, attachment, attachment.replaces_id, flags)
    for page in pages:
        for found in page.written:
            place = Place(found.x, found.y, found.width, found.height, found.page_ratio)
            if not any(place.is_at(other) for other in kept.get(page.page_no, ())):
                uow.session.add(_new_note(attachment.id, page.page_no, place, uow.now))


def _taken_over(
    uow: UnitOfWork, attachment: Attachment, before_id: int, flags: Mapping[int, Sequence[str]]
) -> dict[int, list[Place]]:
    """Copy what people did on pages of the version before, with its history; returns the places by page."""
    session = uow.session
    rows: Sequence[MarginNote] = []
    older: int | None = before_id
    while not rows and older is not None:  # a version that was replaced before it was read has no notes of its own
        before_id = older
        touched = select(MarginNote).where(MarginNote.attachment_id == before_id, MarginNote.version > 0)
        rows = session.scalars(touched.order_by(MarginNote.id)).all()
        older = session.get_one(Attachment, before_id).replaces_id
    if not rows:
        return {}
    texts = session.execute(select(PageText.page_no, PageText.flags).where(PageText.attachment_id == before_id))
    read = dict(iter(texts))
    before = session.get_one(Attachment, before_id).pages
    places: dict[int, list[Place]] = {}
    for page in attachment.pages:
        same = [one for one in before if (one.digest, one.page_index) == (page.digest, page.page_index)]
        for row in rows:
            if not same or row.page_no != same[0].page_no:
                continue
            degrees = _upright(page, flags.get(page.page_no, ())) - _upright(same[0], read.get(row.page_no, ()))
            place = _place(row).turned(degrees % 360)
            copy = _new_note(attachment.id, page.page_no, place, row.found_at)
            copy.text, copy.is_dismissed, copy.version = row.text, row.is_dismissed, row.version
            session.add(copy)
            session.flush()
            _copy_history(uow, row.id, copy)
            places.setdefault(page.page_no, []).append(place)
    return places


def _copy_history(uow: UnitOfWork, note_id: int, copy: MarginNote) -> None:
    for one in uow.session.scalars(select(MarginNoteText).where(MarginNoteText.note_id == note_id)):
        uow.session.add(
            MarginNoteText(
                note_id=copy.id, version=one.version, attachment_id=copy.attachment_id, text=one.text,
                is_dismissed=one.is_dismissed, person_id=one.person_id, at=one.at,
            )
        )  # fmt: skip


def _upright(page: AttachmentPage, flags: Iterable[str]) -> int:
    """The degrees by which a page was turned until it stood upright, by a person and by the reading."""
    return page.rotation + sum(int(flag.removeprefix(_TURNED)) for flag in flags if flag.startswith(_TURNED))


def _place(row: MarginNote) -> Place:
    return Place(row.x, row.y, row.width, row.height, row.page_ratio)


def _new_note(attachment_id: int, page_no: int, place: Place, found_at: datetime) -> MarginNote:
    return MarginNote(
        attachment_id=attachment_id, page_no=page_no, x=place.x, y=place.y, width=place.width, height=place.height,
        page_ratio=place.page_ratio, text="", is_dismissed=False, version=0, found_at=found_at,
    )  # fmt: skip
