"""The exercises: for which role, what to do, which acts of the journal count, how many. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from ged.unit import Role

STARTED, ANSWERED = "training.started", "training.answered"
SUBJECT = "exercise"
"""Kind of the subject of both entries; its id is the exercise's number."""


@dataclass(frozen=True)
class Exercise:
    """An exercise. It is passed when enough acts were done since it was started, each on another subject.

    Attributes:
        number: stable: the journal names it.
        title: what to do, on the screen and on paper.
        hint: how, in one sentence.
        actions: acts of the journal that count.
        wanted: how many.
        endpoint: the page where it begins.
        guide: page and anchor of the guide that explains it.
        for_another: only acts done for another's post count.
    """

    number: int
    role: Role
    title: str
    hint: str
    actions: frozenset[str]
    wanted: int
    endpoint: str
    guide: tuple[str, str]
    for_another: bool = False

    @property
    def asks(self) -> bool:
        """Whether it is answered on the page of exercises."""
        return ANSWERED in self.actions


def _one(
    number: int,
    role: Role,
    title: str,
    hint: str,
    actions: str,
    wanted: int,
    endpoint: str,
    guide: str,
    *,
    for_another: bool = False,
) -> Exercise:
    page, _, anchor = guide.partition("#")
    return Exercise(
        number, role, title, hint, frozenset(actions.split()), wanted, endpoint, (page, anchor), for_another
    )


EXERCISES: tuple[Exercise, ...] = (
    _one(
        1, Role.CLERK, "Enregistrer dix courriers",
        "Donnez un numéro à dix courriers arrivés, puis imprimez l'étiquette de chacun.",
        "mail.registered", 10, "register.index", "bureau-ordre#enregistrer",
    ),
    _one(
        20, Role.CLERK, "Numériser deux courriers",
        "Une lettre est posée sous le scanner d'entraînement : numérisez-la ; la suivante s'y pose d'elle-même.",
        "scan.ordered", 2, "scans.index", "bureau-ordre#recevoir-et-numeriser",
    ),
    _one(
        2, Role.CLERK, "Rectifier une erreur de saisie",
        "Ouvrez un courrier que vous avez enregistré, corrigez son objet ou son expéditeur, et dites pourquoi.",
        "mail.rectified", 1, "registers.index", "bureau-ordre#le-registre",
    ),
    _one(
        3, Role.CLERK, "Enregistrer un pli fermé",
        "Un pli confidentiel reçoit son numéro sans être ouvert.",
        "envelope.registered", 1, "envelopes.index", "bureau-ordre#enregistrer",
    ),
    _one(
        4, Role.CLERK, "Faire trois bordereaux",
        "Transmettez à trois services les originaux qui les attendent.",
        "slip.issued", 3, "slips.index", "bureau-ordre#transmettre-par-bordereau",
    ),
    _one(
        5, Role.CLERK, "Expédier un courrier signé",
        "Notez le départ d'un courrier : le mode d'envoi, le porteur ou la référence.",
        "dispatch.left dispatch.sending", 1, "dispatch.index", "bureau-ordre#expedier",
    ),
    _one(
        6, Role.SECRETARY, "Imputer trois courriers au nom de l'autorité",
        "Reportez la décision de l'autorité : le service, les mentions, l'échéance.",
        "mail.imputed", 3, "impute.queue", "responsable#imputer", for_another=True,
    ),
    _one(
        7, Role.SECRETARY, "Garder une recherche",
        "Cherchez un courrier par un mot de son objet, puis gardez cette recherche sous un nom.",
        "search.saved", 1, "search.index", "agent#retrouver",
    ),
    _one(
        8, Role.MEMBER, "Présenter un projet de réponse",
        "Répondez à un courrier de votre bannette, puis présentez le projet au parapheur.",
        "signbook.submit", 1, "inbox.index", "agent#repondre",
    ),
    _one(
        9, Role.MEMBER, "Rendre compte de deux courriers",
        "Dites la suite donnée à deux courriers qui vous sont confiés.",
        "assignment.finished", 2, "inbox.index", "agent#ma-bannette",
    ),
    _one(
        10, Role.HEAD, "Confier trois courriers à vos agents",
        "Ouvrez trois courriers de votre bannette, et confiez chacun à un agent ou à un service, avec une instruction.",
        "mail.assigned", 3, "inbox.index", "agent#ma-bannette",
    ),
    _one(
        11, Role.HEAD, "Viser deux projets",
        "Lisez deux projets au parapheur, et donnez votre visa.",
        "signbook.visa", 2, "signbook.index", "responsable#viser-et-signer",
    ),
    _one(
        12, Role.HEAD, "Déclarer une absence",
        "Annoncez les jours où vous ne serez pas là.",
        "absence.declared", 1, "delegations.index", "responsable#etre-absent-deleguer",
    ),
    _one(
        13, Role.AUTHORITY, "Imputer trois courriers",
        "Décidez pour trois courriers : le service qui traite, les mentions, l'échéance.",
        "mail.imputed", 3, "impute.queue", "responsable#imputer",
    ),
    _one(
        14, Role.AUTHORITY, "Signer trois courriers en une fois",
        "Au parapheur, cochez trois courriers lus, et signez-les en une fois.",
        "signbook.sign", 3, "signbook.index", "responsable#viser-et-signer",
    ),
    _one(
        15, Role.AUTHORITY, "Déléguer votre signature",
        "Donnez une délégation à une personne, pour quelques jours, avec la référence de l'acte.",
        "delegation.granted", 1, "delegations.index", "responsable#etre-absent-deleguer",
    ),
    _one(
        16, Role.ADMINISTRATOR, "Changer l'organigramme",
        "Créez ou renommez un service : lisez les conséquences, puis confirmez la modification.",
        "organisation.changed", 1, "organisation.index", "administrateur#lorganigramme",
    ),
    _one(
        17, Role.ADMINISTRATOR, "Annuler une modification",
        "Reprenez une modification qui vient d'être faite, et annulez-la.",
        "organisation.undone", 1, "acts.index", "administrateur#lorganigramme",
    ),
    _one(
        18, Role.ADMINISTRATOR, "Préparer un premier accès",
        "Donnez un premier accès à une personne : une feuille sous enveloppe, ou un lien.",
        "first_access.made", 1, "people.index", "administrateur#premier-acces",
    ),
    _one(
        19, Role.AUDITOR, "Retrouver une écriture du journal",
        "Retrouvez au journal l'écriture qui a commencé cet exercice, et recopiez son numéro ici.",
        ANSWERED, 1, "admin.entries", "administrateur#veiller",
    ),
)  # fmt: skip
"""All exercises, role by role, in the order in which a person does them."""

BY_NUMBER: Mapping[int, Exercise] = {one.number: one for one in EXERCISES}
COUNTED = frozenset(action for one in EXERCISES for action in one.actions) | {STARTED}
