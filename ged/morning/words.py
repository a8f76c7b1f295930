"""What a kind of the morning's point counts, in a person's words: for the page and for the e-mail. Nothing of a letter."""

from gettext import NullTranslations

from ged.morning.base import Kind, Part
from ged.paging import MOST_COUNTED


def counted(part: Part, words: NullTranslations) -> str:
    """How many there are of a kind, with its words; or that this is not known."""
    if part.is_unknown:
        return words.gettext("%(kind)s : la lecture a échoué") % {"kind": named(part.kind, words)}
    if part.is_cut and part.total > MOST_COUNTED:
        phrase = _plural(part.kind, part.total, words) % {"num": words.gettext("plus de 1 000")}
        return phrase[:1].upper() + phrase[1:]
    phrase = _plural(part.kind, part.total, words) % {"num": part.total}
    return words.gettext("Au moins %(counted)s") % {"counted": phrase} if part.is_cut else phrase


def named(kind: Kind, words: NullTranslations) -> str:
    """The words of a kind without a count: its plural, which begins with the number in each language."""
    several = _plural(kind, 2, words).replace("%(num)s", "", 1).strip()
    return several[:1].upper() + several[1:]


def _plural(kind: Kind, n: int, words: NullTranslations) -> str:
    match kind:
        case Kind.UNREAD:
            return words.ngettext(
                "%(num)s courrier en retard que personne n'a ouvert",
                "%(num)s courriers en retard que personne n'a ouverts",
                n,
            )
        case Kind.LATE:
            return words.ngettext(
                "%(num)s courrier en retard, ouvert et pas encore traité",
                "%(num)s courriers en retard, ouverts et pas encore traités",
                n,
            )
        case Kind.UNDECIDED:
            return words.ngettext(
                "%(num)s courrier qui attend encore d'être imputé",
                "%(num)s courriers qui attendent encore d'être imputés",
                n,
            )
        case Kind.EMPTY_POSTS:
            return words.ngettext("%(num)s courrier à un poste vacant", "%(num)s courriers à un poste vacant", n)
        case Kind.TO_DISPATCH:
            return words.ngettext(
                "%(num)s courrier signé qui n'est pas parti", "%(num)s courriers signés qui ne sont pas partis", n
            )
        case Kind.SLIPS:
            return words.ngettext("%(num)s bordereau sans réception", "%(num)s bordereaux sans réception", n)
        case Kind.DISCREPANCIES:
            return words.ngettext("%(num)s écart de bordereau à régler", "%(num)s écarts de bordereaux à régler", n)
        case Kind.LOANS:
            return words.ngettext(
                "%(num)s prêt d'originaux qui n'est pas rendu", "%(num)s prêts d'originaux qui ne sont pas rendus", n
            )
        case Kind.PAPERS:
            return words.ngettext("%(num)s original à transmettre", "%(num)s originaux à transmettre", n)
        case Kind.NO_SCAN:
            return words.ngettext(
                "%(num)s courrier numéroté sans numérisation", "%(num)s courriers numérotés sans numérisation", n
            )
        case Kind.SCANS:
            return words.ngettext("%(num)s numérisation sans numéro", "%(num)s numérisations sans numéro", n)
        case Kind.DAYS:
            return words.ngettext(
                "%(num)s registre dont des jours ne sont pas clos",
                "%(num)s registres dont des jours ne sont pas clos",
                n,
            )
        case Kind.DELEGATIONS:
            return words.ngettext(
                "%(num)s délégation ou intérim qui prend fin", "%(num)s délégations ou intérims qui prennent fin", n
            )
        case Kind.CERTIFICATES:
            return words.ngettext("%(num)s certificat qui prend fin", "%(num)s certificats qui prennent fin", n)
        case Kind.TIMESTAMPS:
            return words.ngettext(
                "%(num)s signature dont la preuve n'est plus prolongée",
                "%(num)s signatures dont la preuve n'est plus prolongée",
                n,
            )
        case Kind.JOBS:
            return words.ngettext("%(num)s tâche à examiner", "%(num)s tâches à examiner", n)
        case Kind.MAILS:
            return words.ngettext(
                "%(num)s personne dont l'adresse ne reçoit pas", "%(num)s personnes dont l'adresse ne reçoit pas", n
            )
        case Kind.DESKS:
            return words.ngettext(
                "%(num)s station de numérisation muette", "%(num)s stations de numérisation muettes", n
            )
