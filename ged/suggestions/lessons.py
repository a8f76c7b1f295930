"""Training models on the register, and their proposals. Restricted and secret letters are never used for training."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from threading import Lock

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session

from ged.errors import EngineFailed, Forbidden, NotFound
from ged.jobs import JobKind
from ged.org.models import Person
from ged.org.tree import ministry_of_units
from ged.ports import Confidentiality, Digest
from ged.register.correspondents import standing, visible
from ged.register.models import Attachment, AttachmentKind, Correspondent, Direction, Mail, PageText, SealedEnvelope
from ged.register.states import MailState
from ged.suggestions.linear import Guess, Model, from_bytes
from ged.suggestions.models import LearnedVersion, Lesson
from ged.unit import SYSTEM, Actor, Role, Services, UnitOfWork

MIN_LETTERS = 40
MIN_OF_A_CHOICE = 5
MAX_CHOICES = 100
MAX_LETTERS = 15_000
"""Only the newest letters are used: recent decisions count, and the night is short."""
HELD_OUT = 0.2
WANTED = 0.85
"""The share of right proposals that the threshold must reach."""
THRESHOLDS = tuple(n / 20 for n in range(6, 20))
ENOUGH_NEW = 25
"""With this many letters since the last training, the nightly job trains again."""
KEPT_VERSIONS = 2
NEVER = 1.01


@dataclass(frozen=True)
class Example:
    """A letter's text and the decision on it."""

    text: str
    label: str


@dataclass(frozen=True)
class Measured:
    """A model, and its figures on letters that it was not trained on."""

    model: Model | None
    reason: str = ""
    letters: int = 0
    choices: int = 0
    threshold: float = NEVER
    held_out: int = 0
    correct: int = 0
    proposed: int = 0
    proposed_correct: int = 0
    most_frequent: int = 0


def measure(examples: Sequence[Example]) -> Measured:
    """Train on examples in order of time, and measure the model.

    The newest fifth is held out for the figures, the fifth before it for the threshold. Each is tested with a model
    trained only on older letters. The final model is trained on all examples.
    """
    counts = Counter(one.label for one in examples)
    common = {label for label, count in counts.most_common(MAX_CHOICES) if count >= MIN_OF_A_CHOICE}
    kept = [one for one in examples if one.label in common]
    if len(kept) < MIN_LETTERS:
        return Measured(None, "too_few_letters", len(kept), len(common))
    if len(common) < 2:
        return Measured(None, "too_few_choices", len(kept), len(common))
    fifth = max(int(len(kept) * HELD_OUT), 1)
    threshold = _threshold(_judged(kept[: -2 * fifth], kept[-2 * fifth : -fifth]))
    older, newest = kept[:-fifth], kept[-fifth:]
    answers = _judged(older, newest)
    proposed = [is_right for sure, is_right in answers if sure >= threshold]
    model = _fit(kept)
    frequent = Counter(one.label for one in older).most_common(1)[0][0]
    is_useful = model is not None and threshold < NEVER
    return Measured(
        model=model if is_useful else None,
        reason="" if is_useful else "too_unsure",
        letters=len(kept),
        choices=len(common),
        threshold=threshold,
        held_out=len(newest),
        correct=sum(is_right for _, is_right in answers),
        proposed=len(proposed),
        proposed_correct=sum(proposed),
        most_frequent=sum(one.label == frequent for one in newest),
    )


def _fit(examples: Sequence[Example]) -> Model | None:
    from ged.suggestions.fitting import fit  # noqa: PLC0415  # takes a second and 100 MB: imported only in the job

    return fit([one.text for one in examples], [one.label for one in examples])


def _judged(older: Sequence[Example], newer: Sequence[Example]) -> list[tuple[float, bool]]:
    """(confidence, whether right) for each newer letter, by a model trained on the older letters."""
    model = _fit(older)
    if model is None:
        return [(0.0, False) for _ in newer]
    guesses = [(model.guess(one.text), one.label) for one in newer]
    return [(guess.sure, guess.choice == label) if guess else (0.0, False) for guess, label in guesses]


def _threshold(answers: Sequence[tuple[float, bool]]) -> float:
    """The lowest confidence at which enough proposals are right; ``NEVER`` when there is none."""
    for threshold in THRESHOLDS:
        sure = [is_right for confidence, is_right in answers if confidence >= threshold]
        if len(sure) >= 3 and sum(sure) >= WANTED * len(sure):
            return threshold
    return NEVER


# --- the job -----------------------------------------------------------------------------------------------------


def run_learn(services: Services, *, asked_by: int | None, heartbeat: Callable[[str], None], now: datetime) -> None:
    """Train all lessons. Without ``asked_by`` (the nightly job), only if enough letters came since the last time."""
    with services.reading() as session:
        newest = session.scalar(select(func.max(LearnedVersion.made_at)))
        if asked_by is None and newest is not None and _since(session, newest) < ENOUGH_NEW:
            return
        lessons = {lesson: _examples(session, lesson) for lesson in Lesson}
    for lesson, examples in lessons.items():
        heartbeat(lesson.value)
        found = measure(examples)
        digest = services.blobs.put(BytesIO(found.model.to_bytes())).digest if found.model is not None else None
        for attempt in services.attempts(now):
            with attempt as uow:
                _note(uow, lesson, found, digest, asked_by)


def _since(session: Session, moment: datetime) -> int:
    return session.scalar(select(func.count(Mail.id)).where(Mail.created_at > moment)) or 0


def _examples(session: Session, lesson: Lesson) -> list[Example]:
    """The letters for training, oldest first: ordinary, incoming, decided, not from a sealed envelope."""
    label = {Lesson.NATURE: Mail.nature, Lesson.UNIT: Mail.responsible_unit_id, Lesson.CORRESPONDENT: Mail.sender_id}[
        lesson
    ]
    document = (
        select(func.max(Attachment.id))
        .where(Attachment.mail_id == Mail.id, Attachment.kind == AttachmentKind.DOCUMENT)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Mail.subject, PageText.text, label)
        .outerjoin(PageText, (PageText.attachment_id == document) & (PageText.page_no == 1))
        .where(
            Mail.direction == Direction.INCOMING,
            Mail.level == int(Confidentiality.ORDINARY),
            Mail.state != MailState.VOIDED,
            label.is_not(None),
            ~exists().where(SealedEnvelope.mail_id == Mail.id),
        )
        .order_by(Mail.id.desc())
        .limit(MAX_LETTERS)
    ).all()
    return [Example(f"{subject}\n{text or ''}", str(value)) for subject, text, value in reversed(rows) if value != ""]


def _note(uow: UnitOfWork, lesson: Lesson, found: Measured, digest: Digest | None, asked_by: int | None) -> None:
    row = LearnedVersion(
        lesson=lesson,
        made_at=uow.now,
        digest=digest,
        reason=found.reason,
        letters=found.letters,
        choices=found.choices,
        threshold=found.threshold,
        held_out=found.held_out,
        correct=found.correct,
        proposed=found.proposed,
        proposed_correct=found.proposed_correct,
        most_frequent=found.most_frequent,
        asked_by_id=asked_by,
    )
    uow.session.add(row)
    uow.session.flush()
    # Old versions are deleted: they may contain words of letters that have become restricted since.
    latest = select(LearnedVersion.id).where(LearnedVersion.lesson == lesson).order_by(LearnedVersion.id.desc())
    kept = list(uow.session.scalars(latest.limit(KEPT_VERSIONS)))
    uow.session.execute(
        update(LearnedVersion)
        .where(LearnedVersion.lesson == lesson, LearnedVersion.id.not_in(kept))
        .values(digest=None)
    )
    uow.record(
        "learning.made", "learned_version", row.id, actor=SYSTEM, lesson=lesson.value, letters=found.letters,
        held_out=found.held_out, correct=found.correct, reason=found.reason,
    )  # fmt: skip


def ask(uow: UnitOfWork, *, actor: Actor) -> None:
    """Start the training now, for an administrator.

    Raises:
        Forbidden: ``learning.not_administrator``.
    """
    post = actor.post_with(Role.ADMINISTRATOR)
    if post is None:
        raise Forbidden("learning.not_administrator", "ask an administrator")
    uow.defer(JobKind.LEARN, 0, params={"asked_by": int(actor.person_id)})
    uow.record("learning.asked", "learned_version", None, actor=actor, post=post)


# --- applying ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Learned:
    """A lesson's proposal for a letter: the chosen label as text, confidence 0..100, the deciding words."""

    lesson: Lesson
    choice: str
    confidence: int
    because: tuple[str, ...]


_MODELS: dict[Digest, Model] = {}
_LOCK = Lock()


def propose(session: Session, services: Services, lesson: Lesson, text: str) -> Learned | None:
    """The latest model's proposal for a text that the actor may read; None below its threshold, or without a model."""
    version = session.scalar(
        select(LearnedVersion).where(LearnedVersion.lesson == lesson).order_by(LearnedVersion.id.desc()).limit(1)
    )
    if version is None or version.digest is None or not text.strip():
        return None
    guess: Guess | None = _model(services, Digest(version.digest)).guess(text)
    if guess is None or guess.sure < version.threshold or not guess.because:
        return None
    return Learned(lesson, guess.choice, round(100 * guess.sure), guess.because)


def _model(services: Services, digest: Digest) -> Model:
    with _LOCK:
        if digest not in _MODELS:
            while len(_MODELS) >= 2 * len(Lesson):
                del _MODELS[next(iter(_MODELS))]
            with services.blobs.open(digest) as file:
                _MODELS[digest] = from_bytes(file.read())
        return _MODELS[digest]


def safely(session: Session, services: Services, lesson: Lesson, text: str) -> Learned | None:
    """As ``propose``, but None for a lost or damaged model: the letter must be registered all the same."""
    try:
        return propose(session, services, lesson, text)
    except (EngineFailed, NotFound):
        return None


def text_of_letter(session: Session, mail_id: int) -> str:
    """Subject and first page of a letter that the actor may see: the input of the models."""
    mail = session.get_one(Mail, mail_id)
    page = session.scalar(
        select(PageText.text)
        .join(Attachment, Attachment.id == PageText.attachment_id)
        .where(Attachment.mail_id == mail_id, Attachment.kind == AttachmentKind.DOCUMENT, PageText.page_no == 1)
        .order_by(Attachment.id.desc())
        .limit(1)
    )
    return f"{mail.subject}\n{page or ''}"


def correspondent_name(session: Session, choice: str, entity_ids: Collection[int]) -> str | None:
    """The name of the correspondent chosen by a model, if these entities still see it in a directory."""
    if not choice.isdigit():
        return None
    seen = visible(entity_ids, ministry_of_units(session, entity_ids))
    entry = session.scalar(select(Correspondent).where(Correspondent.id == int(choice), seen))
    found = None if entry is None else standing(session, entry)
    return found.name if found is not None and found.is_active else None


# --- the administrator's page --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class VersionRow:
    """A version with its figures."""

    id: int
    lesson: Lesson
    made_at: datetime
    is_used: bool
    reason: str
    letters: int
    choices: int
    threshold: float
    held_out: int
    correct: int
    proposed: int
    proposed_correct: int
    most_frequent: int
    asked_by: str


def versions(session: Session, *, limit: int = 30) -> list[VersionRow]:
    """The versions, newest first. Figures only: no word of any letter."""
    rows = session.execute(
        select(LearnedVersion, Person.name)
        .outerjoin(Person, Person.id == LearnedVersion.asked_by_id)
        .order_by(LearnedVersion.id.desc())
        .limit(limit)
    ).all()
    latest: dict[Lesson, int] = {}
    for row, _ in rows:
        latest.setdefault(row.lesson, row.id)
    return [
        VersionRow(
            row.id, row.lesson, row.made_at, row.digest is not None and latest[row.lesson] == row.id, row.reason,
            row.letters, row.choices, row.threshold, row.held_out, row.correct, row.proposed, row.proposed_correct,
            row.most_frequent, name or "",
        )
        for row, name in rows
    ]  # fmt: skip
