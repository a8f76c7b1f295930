"""A person begins an exercise, or answers one."""

from ged.errors import Invalid, NotFound
from ged.training.exercises import ANSWERED, BY_NUMBER, STARTED, SUBJECT, Exercise
from ged.training.queries import offered, progress_of
from ged.unit import Actor, UnitOfWork


def start(uow: UnitOfWork, number: int, *, actor: Actor) -> None:
    """Begin an exercise, or begin it anew: what was done before no longer counts.

    Raises:
        NotFound: ``training.unknown``: there is none, or it is of another role; this is no training installation.
    """
    exercise = _of(uow, number, actor)
    uow.record(STARTED, SUBJECT, exercise.number, actor=actor)


def answer(uow: UnitOfWork, number: int, text: str, *, actor: Actor) -> None:
    """Answer the exercise that asks for the journal's entry by which it was begun.

    Raises:
        NotFound: ``training.unknown``.
        Invalid: ``training.wrong``, also before it was begun.
    """
    exercise = _of(uow, number, actor)
    entry = next((one.entry for one in progress_of(uow.session, actor) if one.exercise == exercise), 0)
    if not exercise.asks or not entry or text.strip() != str(entry):
        raise Invalid("training.wrong", "look for it in the journal again", field=f"answer-{number}")
    uow.record(ANSWERED, SUBJECT, exercise.number, actor=actor)


def _of(uow: UnitOfWork, number: int, actor: Actor) -> Exercise:
    exercise = BY_NUMBER.get(number)
    if not uow.services.training or exercise is None or exercise not in offered(actor):
        raise NotFound("training.unknown", "open the page of exercises again", id=number)
    return exercise
