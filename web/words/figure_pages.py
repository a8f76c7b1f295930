"""The words of the pages of figures."""

from flask_babel import gettext as _

from ged.figures.letters import What
from ged.figures.stages import Stage


def what(one: What) -> str:
    """What letters of a figure have in common, as a heading."""
    match one:
        case What.RECEIVED:
            return str(_("Reçus"))
        case What.NUMBERED:
            return str(_("Numérotés"))
        case What.VOIDED:
            return str(_("Annulés"))
        case What.IMPUTED:
            return str(_("Imputés"))
        case What.ASSIGNED:
            return str(_("Confiés"))
        case What.ANSWERED:
            return str(_("Répondus"))
        case What.CLOSED:
            return str(_("Clos"))
        case What.RETURNED:
            return str(_("Retournés"))
        case What.SIGNED:
            return str(_("Signés"))
        case What.DISPATCHED:
            return str(_("Expédiés"))
        case What.OPEN:
            return str(_("En instance"))
        case What.OVERDUE:
            return str(_("En retard"))
        case What.WAITING:
            return str(_("En instance aujourd'hui"))
        case What.DELAY:
            return str(_("Délai"))


def stage(one: Stage) -> str:
    """A stage of a letter's path."""
    match one:
        case Stage.IMPUTATION:
            return str(_("Réception → imputation"))
        case Stage.ASSIGNMENT:
            return str(_("Imputation → attribution"))
        case Stage.ANSWER:
            return str(_("Attribution → réponse"))
        case Stage.SIGNATURE:
            return str(_("Rédaction → signature"))
        case Stage.DISPATCH:
            return str(_("Signature → expédition"))


def definition(one: What) -> str:
    """What exactly is counted."""
    match one:
        case What.RECEIVED:
            return str(_("Courriers à l'arrivée ou internes, le jour de leur réception."))
        case What.NUMBERED:
            return str(_("Courriers, annulés compris, le jour de leur premier numéro."))
        case What.ANSWERED:
            return str(_("Courriers dont le service pilote a donné la réponse, le jour de la dernière."))
        case What.CLOSED:
            return str(_("Courriers clos et pas rouverts, le jour de leur clôture."))
        case What.RETURNED:
            return str(_("Retours par le service pilote, chacun le jour où il a été fait."))
        case What.DISPATCHED:
            return str(_("Courriers partis vers tous leurs destinataires, le jour du dernier départ."))
        case What.OPEN:
            return str(_("À la fin du jour : reçus, ni répondus ni clos ; au départ : numérotés, ni expédiés ni clos."))
        case What.OVERDUE:
            return str(_("À la fin du jour : en instance, et leur échéance est passée."))
        case _:
            return ""


def days(number: int) -> str:
    """A delay in working days, as in a table."""
    return str(_("%(num)s j", num=number))


def bin_name(first: int, after: int | None) -> str:
    """The working days of a bin, from the first one up to before the bin behind it."""
    if after is None:
        return str(_("%(num)s j et plus", num=first))
    return days(first) if after == first + 1 else str(_("%(first)s à %(last)s j", first=first, last=after - 1))


def no_nature() -> str:
    """Letters without a nature, as a choice and as a row."""
    return str(_("Sans nature"))


def view(name: str, *, overseen: bool) -> str:
    """A view of a page, by its name in the address."""
    match name:
        case "attente":
            return str(_("Ce qui attend"))
        case "rythme":
            return str(_("Rythme de la semaine"))
        case "delais":
            return str(_("Délais"))
        case "natures":
            return str(_("Natures"))
        case "mois":
            return str(_("Douze mois"))
        case _:
            return str(_("Services") if overseen else _("Arrivées et suites"))
