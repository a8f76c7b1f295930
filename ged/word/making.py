"""Makes the pages of a Word file and keeps them; prints on them what is known only at the signature."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ged import schema, slots
from ged.capture.files import fetch, private_dir, store_file
from ged.db import insert_if_missing
from ged.errors import EngineFailed, GedError, Invalid
from ged.ports import Digest, MailId, WordEngine
from ged.typeset import TEMPLATES, is_training, qr_svg, typeset
from ged.unit import Services
from ged.word.letters import DAY, NUMBER, PLACES, SIGNATURE, WordSheets
from ged.word.models import WordPages

TIMEOUT_S = 90.0
STAMP_TIMEOUT_S = 30.0
WAIT_S = 15.0
OLD_KEPT = 3
WAITING, UNAVAILABLE = "word.waiting", "office.unavailable"
OPENED_BY = "0190"
"""The contraction that opens writing in Word: a program of the release before cannot read such a letter."""


@dataclass(frozen=True)
class Printed:
    """What is printed on the pages at the signature.

    Attributes:
        mark: lines in the place of the signature, on a print for a signature in ink; none for an electronic one, whose
            appearance is drawn there.
        name: the signatory's, below the place for the hand.
        code: the text of a QR code at the foot of the first page.
    """

    number: str = ""
    day: str = ""
    mark: tuple[str, ...] = ()
    name: str = ""
    code: str = ""


def maker_of(services: Services, session: Session) -> str:
    """The program that makes the pages (``LibreOffice 7.4``); empty: letters cannot be written in Word here."""
    if services.word is None or not schema.is_opened(session, OPENED_BY):
        return ""
    return services.word.version()


def is_missed(session: Session, services: Services) -> bool:
    """Whether letters were written in Word here, and no program makes their pages any more."""
    if session.scalar(select(WordPages.mail_id).limit(1)) is None:
        return False
    return services.word is None or not services.word.version()


def engine_of(services: Services) -> WordEngine:
    """The engine, where LibreOffice is installed.

    Raises:
        Invalid: ``office.unavailable``.
    """
    with services.reading() as session:
        maker = maker_of(services, session)
    if services.word is None or not maker:
        raise Invalid(UNAVAILABLE, "Send the document as PDF.", field="word")
    return services.word


def known(session: Session, services: Services, mail_id: MailId | int, sheets: WordSheets) -> WordSheets:
    """The sheets with their pages, where these were made and are still there."""
    row = session.get(WordPages, (int(mail_id), sheets.key))
    if row is None or (row.pdf and not services.blobs.exists(Digest(row.pdf))):
        return sheets
    places = tuple((name, (box[0], box[1], box[2], box[3], box[4])) for name, box in row.places)
    sizes = tuple((size[0], size[1]) for size in row.sizes)
    return replace(sheets, pdf=row.pdf, sizes=sizes, places=places, failure=row.failure)


def made(
    services: Services, mail_id: MailId | int, sheets: WordSheets, *, now: datetime, wait_s: float = WAIT_S
) -> WordSheets:
    """Make the pages and keep them; a refusal is kept too. Slow, without any lock; made already, they are returned.

    Raises:
        Invalid: ``office.unavailable``; nothing is kept.
        EngineFailed: ``ocr.timeout``, ``work.busy``; nothing is kept. ``ocr.crashed``, ``file.truncated`` (no PDF was
            made) and others: kept so that the author reads it, and tried again at the next call.
    """
    with services.reading() as session:
        sheets = known(session, services, mail_id, sheets)
    if sheets.is_final:
        return sheets
    sheets = replace(sheets, failure="")
    try:
        sheets = _drawn(services, sheets, wait_s)
    except Invalid as refusal:
        if refusal.code == UNAVAILABLE:  # of this server, not of the file: it may be installed again
            raise
        sheets = replace(sheets, failure=refusal.code)
    except EngineFailed as failure:
        if failure.retryable:
            raise
        sheets = replace(sheets, failure=failure.code)
    _keep(services, mail_id, sheets, now)
    if not sheets.is_final:
        raise EngineFailed(sheets.failure, "try again later", retryable=True)
    with services.reading() as session:
        return known(session, services, mail_id, sheets)


def _keep(services: Services, mail_id: MailId | int, sheets: WordSheets, now: datetime) -> None:
    for attempt in services.attempts(now):
        with attempt as uow:
            # A failure that was kept makes way: the insert replaces no row. Of two runs the first one's pages stay.
            uow.session.execute(delete(WordPages).where(WordPages.mail_id == int(mail_id), WordPages.key == sheets.key))
            insert_if_missing(
                uow.session, WordPages, mail_id=int(mail_id), key=sheets.key, pdf=sheets.pdf,
                sizes=[list(size) for size in sheets.sizes], places=[[name, list(box)] for name, box in sheets.places],
                failure=sheets.failure, made_at=now,
            )  # fmt: skip
            _forget_old(uow.session, int(mail_id))


def forget_failure(session: Session, mail_id: MailId | int, sheets: WordSheets) -> None:
    """Forget a failure that may be over: the pages are made again, and the author reads that they are awaited."""
    rows = delete(WordPages).where(WordPages.mail_id == int(mail_id), WordPages.key == sheets.key)
    session.execute(rows.where(WordPages.pdf == ""))


def _forget_old(session: Session, mail_id: int) -> None:
    """Keep the latest pages only; those that a circuit reads are attachments of their own."""
    rows = session.query(WordPages.key).where(WordPages.mail_id == mail_id).order_by(WordPages.made_at.desc())
    old = [key for (key,) in rows.offset(OLD_KEPT)]
    if old:
        session.execute(delete(WordPages).where(WordPages.mail_id == mail_id, WordPages.key.in_(old)))


def _drawn(services: Services, sheets: WordSheets, wait_s: float) -> WordSheets:
    engine = engine_of(services)
    with private_dir(services) as folder, slots.looking(wait_s=wait_s):
        source = fetch(services.blobs, Digest(sheets.source), folder / "letter.docx")
        out = folder / "letter.pdf"
        found = engine.pages(source, out, dict(sheets.values.pairs), PLACES, timeout_s=TIMEOUT_S)
        if is_training():
            out.write_bytes(_marked(engine, out.read_bytes(), found.sizes))
        digest, _ = store_file(services.blobs, out)
    return replace(sheets, pdf=digest, sizes=found.sizes, places=tuple(sorted(found.places.items())))


def _marked(engine: WordEngine, pdf: bytes, sizes: Sequence[tuple[float, float]]) -> bytes:
    """The pages with what a training installation prints over all its own."""
    empty = [{"width": width, "height": height, "items": []} for width, height in sizes]
    # At a fixed date: the same file gives the same bytes, whenever its pages are made.
    over = typeset(TEMPLATES / "word_print.typ", {"pages": empty}, at=datetime(2000, 1, 1, tzinfo=UTC))
    return engine.stamp(pdf, over, tuple(range(1, len(sizes) + 1)), timeout_s=STAMP_TIMEOUT_S)


def read(services: Services, sheets: WordSheets) -> bytes:
    """The pages as they were made.

    Raises:
        Invalid: why they could not be made; ``word.waiting``: they are not made yet.
    """
    if not sheets.pdf:
        raise refusal_of(sheets)
    with services.blobs.open(Digest(sheets.pdf)) as stored:
        return stored.read()


def refusal_of(sheets: WordSheets) -> GedError:
    """Why there are no pages."""
    if sheets.failure:
        return Invalid(sheets.failure, "correct the document in Word", field="word", name="", level="")
    return Invalid(WAITING, "wait a moment", field="word")


def stamped(services: Services, sheets: WordSheets, printed: Printed, *, at: datetime) -> bytes:
    """The pages with number, date and what else is printed; nothing else of them differs.

    Raises:
        Invalid: ``typeset.glyph``; as ``read``.
        EngineFailed: ``ocr.timeout``, ``ocr.crashed``.
    """
    pdf = read(services, sheets)
    numbers, over = _sheets(sheets, printed, at)
    if not numbers or services.word is None:
        return pdf
    return services.word.stamp(pdf, over, numbers, timeout_s=STAMP_TIMEOUT_S)


@lru_cache(maxsize=32)
def _sheets(sheets: WordSheets, printed: Printed, at: datetime) -> tuple[tuple[int, ...], bytes]:
    """Sheets of the pages' sizes that bear what is printed: the pages' numbers, and the PDF."""
    by_page: dict[int, list[dict[str, Any]]] = {}

    def put(place: str, kind: str, **more: object) -> None:
        page, x1, y1, x2, y2 = sheets.box(place)
        height = sheets.sizes[page - 1][1]
        box = {"x": x1, "y": height - y2, "width": x2 - x1, "height": y2 - y1}
        by_page.setdefault(page, []).append({"kind": kind, **box, **more})

    if printed.number:
        put(NUMBER, "line", text=printed.number, bold=True)
    if printed.day:
        put(DAY, "line", text=printed.day, bold=False)
    if printed.mark or printed.name:
        put(SIGNATURE, "mark", lines=list(printed.mark), name=printed.name)
    if printed.code:
        height = sheets.sizes[0][1]
        square = {"x": 20.0, "y": height - 78.0, "width": 48.0, "height": 48.0}
        by_page.setdefault(1, []).append({"kind": "code", **square, "svg": qr_svg(printed.code)})
    numbers = tuple(sorted(by_page))
    if not numbers:
        return (), b""
    pages = [{"width": sheets.sizes[n - 1][0], "height": sheets.sizes[n - 1][1], "items": by_page[n]} for n in numbers]
    return numbers, typeset(TEMPLATES / "word_print.typ", {"pages": pages}, at=at, strict=True)
