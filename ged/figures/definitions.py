"""What each number means, word for word: the monthly report and ``docs/dev/figures.md`` have it from here. Pure.

Whoever changes a text that changes what is counted raises ``VERSION``: a sealed report names the version that it was made with.
"""

from dataclasses import dataclass

from ged.figures.stages import Stage

VERSION = 1


@dataclass(frozen=True)
class Definition:
    """A number of the figures.

    Attributes:
        name: its stable name: a counted column, ``open``, ``overdue``, or a stage.
        told_by: how ``docs/dev/figures.md`` says where it is in the cells.
        french, english: its name on paper and on the screen.
        meaning, meaning_in_english: what is counted, on which day.
    """

    name: str
    told_by: str
    french: str
    english: str
    meaning: str
    meaning_in_english: str


def _of(name: str, french: str, english: str, meaning: str, meaning_in_english: str, told_by: str = "") -> Definition:
    return Definition(name, told_by or f"`{name}`", french, english, meaning, meaning_in_english)


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
        "Le jour où le courrier a été confié pour la première fois plus bas, à un service ou à un agent.",
        "The day on which the letter was first passed on below the decision.",
    ),
    _of(
        "answered", "Répondus", "Answered",
        "Le jour de la dernière réponse du service pilote, tant que le courrier n'est pas de nouveau en cours.",
        "The day of the leading unit's last answer, unless the letter is being handled again.",
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
        "À la fin de la période : reçus, ni répondus ni clos ; au départ : numérotés, ni expédiés ni clos.",
        "At the end of the period: received and neither answered nor closed; outgoing: numbered and neither dispatched nor closed.",
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
        "De la première décision au jour où le courrier a été confié plus bas, ce jour-là.",
        "From the first decision to the day on which the letter was passed on, on that day.", "`imputed` → `assigned`",
    ),
    _of(
        Stage.ANSWER, "Attribution → réponse", "Passing on to answer",
        "Du jour où le courrier a été confié (à défaut, de la décision) à la réponse, le jour de la réponse.",
        "From the day on which the letter was passed on (else from the decision) to the answer, on the day of the answer.",
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
