"""The words of the morning's point: what a line says, who must act, what to do."""

from ged.jobs import JobState
from ged.morning.base import Kind, Line
from ged.morning.ending import OWN
from ged.org.models import DelegationKind
from ged.paging import MOST_COUNTED
from ged.slips.states import LineState
from web.words.labels import label
from web.words.messages import gettext as _
from web.words.messages import ngettext

OFFICE = (Kind.TO_DISPATCH, Kind.PAPERS, Kind.NO_SCAN, Kind.SCANS)
"""Kinds on which the mail office acts where a line names no unit."""


def hint(kind: Kind) -> str:
    """What a kind asks for."""
    match kind:
        case Kind.UNREAD:
            return str(
                _(
                    "L'échéance est passée et personne du service n'a ouvert le courrier : l'ouvrir, ou le confier à un autre."
                )
            )
        case Kind.LATE:
            return str(
                _("L'échéance est passée : répondre, ou dire ce qui a été fait ; sinon demander un autre délai.")
            )
        case Kind.UNDECIDED:
            return str(
                _(
                    "L'échéance est passée ; ou il n'y en a pas, et le courrier attend depuis plus d'une semaine : l'imputer."
                )
            )
        case Kind.EMPTY_POSTS:
            return str(
                _(
                    "Personne n'occupe le poste et personne n'agit pour lui : nommer un intérim, ou confier le courrier à un autre."
                )
            )
        case Kind.TO_DISPATCH:
            return str(_("Signés avant aujourd'hui, et pas encore partis : le bureau d'ordre les expédie."))
        case Kind.SLIPS:
            return str(
                _("Envoyés depuis trop longtemps sans décharge : le service qui reçoit pointe les pièces et signe.")
            )
        case Kind.DISCREPANCIES:
            return str(_("Une pièce manquait, était endommagée ou mal adressée : dire ce qui a été fait."))
        case Kind.LOANS:
            return str(_("La date de retour est passée : le service qui a reçu rend les originaux."))
        case Kind.PAPERS:
            return str(_("L'original est encore ici et doit rejoindre un autre service : le mettre sur un bordereau."))
        case Kind.NO_SCAN:
            return str(_("Enregistrés avant aujourd'hui, sans page numérisée : numériser et joindre."))
        case Kind.SCANS:
            return str(_("Numérisées avant aujourd'hui : enregistrer, ou joindre à un courrier."))
        case Kind.DAYS:
            return str(_("Chaque nuit les jours passés sont clos ; ceux-ci ne l'ont pas été."))
        case Kind.DELEGATIONS:
            return str(_("Prend fin dans la semaine : à renouveler s'il le faut."))
        case Kind.CERTIFICATES:
            return str(_("Sans nouveau certificat, il ne sera plus possible de signer."))
        case Kind.TIMESTAMPS:
            return str(_("La preuve de ces signatures n'est plus prolongée : voir la raison."))
        case Kind.JOBS:
            return str(_("Une tâche a échoué ou a été interrompue : la reprendre, ou corriger sa cause."))
        case Kind.MAILS:
            return str(_("Le dernier courriel a été refusé : corriger l'adresse."))
        case Kind.DESKS:
            return str(_("La station n'a pas donné signe depuis plusieurs jours : est-elle allumée et reliée ?"))


def on_words(kind: Kind) -> str:
    """What the day of a kind's lines is."""
    match kind:
        case Kind.UNREAD | Kind.LATE:
            return str(_("Échéance"))
        case Kind.LOANS:
            return str(_("À rendre le"))
        case Kind.DELEGATIONS | Kind.CERTIFICATES:
            return str(_("Fin"))
        case Kind.DESKS:
            return str(_("Vue le"))
        case _:
            return str(_("Depuis le"))


def who(kind: Kind, line: Line) -> str:
    """Who must act, where the line names nobody."""
    if kind is Kind.CERTIFICATES and line.code == OWN:
        return str(_("Vous"))
    if kind is Kind.DELEGATIONS:  # an interim; or who gave the power holds the post no more
        return str(_("Le responsable au-dessus du poste"))
    return str(_("Bureau d'ordre") if kind in OFFICE else _("Administrateur"))


def what(kind: Kind, line: Line) -> str:
    """The words of a line's link."""
    match kind:
        case Kind.SCANS:
            return str(_("Numérisation %(id)s", id=line.subject_id))
        case Kind.CERTIFICATES:
            return _certificate(line)
        case Kind.TIMESTAMPS if line.code == "failing":
            return str(ngettext("%(num)s étape en échec", "%(num)s étapes en échec", line.count, **_bound(line)))
        case Kind.TIMESTAMPS:
            return str(ngettext("%(num)s étape en retard", "%(num)s étapes en retard", line.count, **_bound(line)))
        case Kind.JOBS if line.code == JobState.FAILED.value:
            return str(ngettext("%(num)s tâche en échec", "%(num)s tâches en échec", line.count, **_bound(line)))
        case Kind.JOBS:
            return str(ngettext("%(num)s tâche incertaine", "%(num)s tâches incertaines", line.count, **_bound(line)))
        case Kind.MAILS:
            return str(ngettext("%(num)s adresse", "%(num)s adresses", line.count))
        case _:
            return line.name or _("Sans numéro")


def _bound(line: Line) -> dict[str, str]:
    """What stands in the place of the number of a line whose count is a bound: it was counted no further."""
    if line.count <= MOST_COUNTED:
        return {}
    words = str(_("plus de 1 000"))
    return {"num": words[:1].upper() + words[1:]}


def _certificate(line: Line) -> str:
    match line.code:
        case "own":
            return str(_("Votre certificat de signature"))
        case "people":
            return str(ngettext("%(num)s certificat d'agent", "%(num)s certificats d'agents", line.count))
        case "institution":
            return str(_("Le cachet électronique"))
        case "list":
            return str(_("La liste des certificats révoqués"))
        case "root":
            return str(_("L'autorité de certification (racine)"))
        case _:
            return str(_("L'autorité de certification (émission)"))


def text(kind: Kind, line: Line) -> str:
    """What else a line says; empty of a letter above the ordinary level."""
    match kind:
        case Kind.DISCREPANCIES:
            return label(LineState(line.code))
        case Kind.DELEGATIONS:
            return " · ".join(one for one in (label(DelegationKind(line.code)), line.to, line.text) if one)
        case Kind.EMPTY_POSTS:
            return " · ".join(one for one in (line.code, line.text) if one)
        case Kind.DAYS if line.code:
            return str(_("%(name)s : des numéros attendent leur signature", name=line.text))
        case Kind.SLIPS | Kind.LOANS:
            return str(_("envoyé par : %(unit)s", unit=line.text))
        case _:
            return line.text
