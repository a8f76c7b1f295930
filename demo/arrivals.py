"""Letters that keep arriving in a training installation, while somebody is signed in.

In turn a letter lies scanned at the mail office and waits for its number, and a letter that a made colleague registered waits for
the authority's decision. So a clerk and an authority both have work, whoever learns first.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont
from sqlalchemy import func, select

from demo.ageing import age
from demo.letters import DrawnLetter, make_letters
from ged.capture import files, intake
from ged.capture.models import Scan, ScanState
from ged.org.actors import actor_of_account
from ged.org.models import OpenSession, Post
from ged.ports import PostId, RegisterId
from ged.register.models import Mail, Register
from ged.register.operations import IncomingForm, register_incoming
from ged.unit import Services

COLLEAGUE = "bo.chef"
"""The made colleague who registers; the trainer gives this account to nobody."""
AUTHORITY, ARRIVALS = "SG-TIT", "ARR"
SEED = 2027
DPI = 200
PRESENT = timedelta(minutes=15)
"""Who did something within this time is taken to be there."""
MOST_WAITING = 20
"""Scans that wait: with more, the pile is left to be worked off."""


def is_somebody_there(services: Services, now: datetime) -> bool:
    """Whether a person has opened a page lately."""
    with services.reading() as session:
        seen = session.scalar(select(func.max(OpenSession.seen_at)))
    return seen is not None and now - seen < PRESENT


def arrive(services: Services, now: datetime) -> str:
    """Let the next letter arrive. Returns how: ``scanned``, ``registered``, or ``waits``: the pile is high enough."""
    with services.reading() as session:
        waiting = session.scalar(select(func.count()).where(Scan.state == ScanState.WAITING)) or 0
        so_far = waiting + (session.scalar(select(func.count()).select_from(Mail)) or 0)
    if waiting >= MOST_WAITING:
        return "waits"
    letter = make_letters(SEED, so_far + 1, before=now.astimezone(services.zone).date())[so_far]
    if so_far % 2:
        _register(services, letter, now)
        return "registered"
    _scan(services, letter, now)
    return "scanned"


def _register(services: Services, letter: DrawnLetter, now: datetime) -> None:
    with services.unit_of_work(now) as uow:
        session = uow.session
        authority = session.scalars(select(Post.id).where(Post.code == AUTHORITY)).one()
        register_id = session.scalars(select(Register.id).where(Register.code == ARRIVALS)).one()
        form = IncomingForm(
            letter.subject, letter.sender, PostId(authority), their_reference=letter.their_reference, written_on=letter.written_on
        )  # fmt: skip
        colleague = actor_of_account(session, COLLEAGUE, on=now.astimezone(services.zone).date())
        register_incoming(uow, RegisterId(register_id), form, actor=colleague, now=now)


def _scan(services: Services, letter: DrawnLetter, now: datetime) -> None:
    first, *rest = pages(letter)
    content = BytesIO()
    first.save(content, format="PDF", resolution=DPI, save_all=True, append_images=rest)
    content.seek(0)
    upload = files.examine(services, f"courrier-{letter.key}.pdf", content)
    with services.unit_of_work(now) as uow:
        colleague = actor_of_account(uow.session, COLLEAGUE, on=now.astimezone(services.zone).date())
        intake.accept_upload(uow, upload, unit_id=colleague.posts[0].unit_id, actor=colleague, now=now)


def pages(letter: DrawnLetter) -> Iterator[Image.Image]:
    """The pages as a scanner sees them, aged, each with EXERCICE at its top and its foot."""
    for page_no in range(1, letter.page_count + 1):
        page = age(letter.draw(page_no, DPI), SEED, letter.ageing_kind(page_no)).convert("L")
        pen, font = ImageDraw.Draw(page), ImageFont.load_default(DPI // 4)
        for edge in (DPI // 10, page.height - DPI * 2 // 5):
            pen.text((page.width // 2, edge), "EXERCICE", fill=90, font=font, anchor="ma")
        yield page
