"""What each number means, word for word: the monthly report and ``docs/dev/figures.md`` have it from here. Pure.

Whoever adds a number or a stage, or changes a text that changes what is counted, raises ``VERSION`` and writes into ``VERSIONS`` what the
new one counts: a sealed report names the version that it was made with, and is proven by it for ever. What stands there stays as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ged.figures.stages import Stage

VERSION = 1


@dataclass(frozen=True)
class Version:
    """What a report of a version counts.

    Attributes:
        names: its numbers, in the order of the file.
        spans: stage -> the days of a letter at which its delay begins and ends.
        steps, longest: the bins of its delays, as ``stages.STEPS`` and ``stages.LONGEST``.
    """

    names: tuple[str, ...]
    spans: Mapping[str, tuple[str, str]]
    steps: tuple[tuple[int, int], ...]
    longest: int


VERSIONS = {
    1: Version(
        names=(
            "received", "numbered", "voided", "imputed", "assigned", "answered", "closed", "returned", "signed", "dispatched",
            "open", "overdue", "imputation", "assignment", "answer", "signature", "dispatch",
        ),
        spans=MappingProxyType({
            "imputation": ("received_on", "imputed_on"), "assignment": ("imputed_on", "assigned_on"),
            "answer": ("given_on", "answered_on"), "signature": ("begun_on", "signed_on"), "dispatch": ("signed_on", "dispatched_on"),
        }),
        steps=((60, 1), (120, 5), (260, 20)),
        longest=261,
    ),
}  # fmt: skip
"""Written out, and not taken from the rules of today: these change."""


def of(version: int) -> Version | None:
    """What a version counts; None: this program does not know it."""
    return VERSIONS.get(version)


@dataclass(frozen=True)
class Definition:
    """A number of the figures.

    Attributes:
        name: its stable name: a counted column, ``open``, ``overdue``, or a stage.
        place: how ``docs/dev/figures.md`` says where it is in the cells.
        french, english: its name on paper and on the screen.
        meaning, meaning_in_english: what is counted, on which day.
    """

    name: str
    place: str
    french: str
    english: str
    meaning: str
    meaning_in_english: str


def _of(name: str, french: str, english: str, meaning: str, meaning_in_english: str, place: str = "") -> Definition:
    return Definition(name, place or f"`{name}`", french, english, meaning, meaning_in_english)


LETTERS = (
    _of(
        "received", "Reçus", "Received",
        "Courriers à l'arrivée ou internes, le jour de leur réception (à défaut, de leur enregistrement).",
        "Letters that came in, and internal ones, on the day of their reception (else of their registration).",
    ),
    _of(
        "numbered", "Numérotés", "Numbered", "Courriers, annulés compris, le jour de leur premier numéro.",
        "Letters, voided ones included, on the day of their first number.",
    ),
    _of(
        "voided", "Annulés", "Voided",
        "Courriers dont tous les numéros sont annulés, le jour où le premier numéro l'a été.",
        "Letters without a valid number, on the day when their first number was voided.",
    ),
    _of(
        "imputed", "Imputés", "Assigned by the authority", "Le jour de la première décision qui n'a pas été annulée.",
        "The day of the first decision that was not undone.",
    ),
    _of(
        "assigned", "Confiés", "Passed on",
        "Le jour où le courrier a été confié pour la première fois à un échelon inférieur, à un service ou à un agent.",
        "The day on which the letter was first passed on below the decision.",
    ),
    _of(
        "answered", "Traités", "Dealt with",
        "Le jour où le service pilote a fini de traiter le courrier, avec ou sans réponse, tant qu'il n'est pas de nouveau en cours.",
        "The day on which the leading unit had dealt with the letter, with or without a reply, unless it is being handled again.",
    ),
    _of(
        "closed", "Clos", "Closed", "Le jour de la clôture, sauf réouverture.",
        "The day of the closing, unless it was reopened.",
    ),
    _of(
        "returned", "Retournés", "Returned", "Retours par le service pilote, chacun le jour où il a été fait.",
        "Returns by the leading unit, each on its day; a letter may count several times.",
    ),
    _of(
        "signed", "Signés", "Signed", "Courriers rédigés ici, le jour de leur signature.",
        "Letters written here, on the day of their signature.",
    ),
    _of(
        "dispatched", "Expédiés", "Dispatched",
        "Courriers partis vers tous leurs destinataires, le jour du dernier départ.",
        "Letters sent to every addressee, on the day when the last copy left.",
    ),
    _of(
        "open", "En instance", "Open",
        "À la fin de la période : reçus, ni traités ni clos ; au départ : numérotés, ni expédiés ni clos.",
        "At the end of the period: received and neither dealt with nor closed; outgoing: numbered and neither dispatched nor closed.",
        "`opened` − `ended`, until a day",
    ),
    _of(
        "overdue", "En retard", "Overdue",
        "À la fin de la période, courriers en instance dont l'échéance est passée.",
        "At the end of the period, open letters whose due date is past.", "`fell_due` − `relieved`, until a day",
    ),
)  # fmt: skip
"""The numbers of letters, in the order of the documents."""

DELAYS = (
    _of(
        Stage.IMPUTATION, "Réception → imputation", "Reception to decision",
        "De la réception à la première décision, le jour de cette décision.",
        "From the reception to the first decision, on the day of that decision.", "`received` → `imputed`",
    ),
    _of(
        Stage.ASSIGNMENT, "Imputation → attribution", "Decision to passing on",
        "De la première décision au jour où le courrier a été confié à un échelon inférieur, ce jour-là.",
        "From the first decision to the day on which the letter was passed on, on that day.", "`imputed` → `assigned`",
    ),
    _of(
        Stage.ANSWER, "Attribution → traitement", "Passing on to completion",
        "Du jour où le courrier a été confié (à défaut, de la décision) à la fin du traitement, ce jour-là.",
        "From the day on which the letter was passed on (else from the decision) until it was dealt with, on that day.",
        "`assigned`, else `imputed` → `answered`",
    ),
    _of(
        Stage.SIGNATURE, "Rédaction → signature", "Writing to signature",
        "Du premier projet du courrier rédigé ici à sa signature, le jour de la signature.",
        "From the first draft of a letter written here to its signature, on the day of the signature.",
        "first draft → `signed`, of the letter that is written",
    ),
    _of(
        Stage.DISPATCH, "Signature → expédition", "Signature to dispatch",
        "De la signature au départ du dernier exemplaire, le jour de ce départ.",
        "From the signature to the departure of the last copy, on the day of that departure.", "`signed` → `dispatched`",
    ),
)  # fmt: skip
"""The delays, in working days: the first day does not count."""

ALL = (*LETTERS, *DELAYS)
