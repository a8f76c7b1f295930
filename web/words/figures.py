"""What the figures of the day count, in words."""

from ged.reports.home import Fact
from web.words.messages import ngettext


def figure_words(fact: Fact, count: int) -> str:
    """The words that follow a figure, in agreement with it."""
    words: str
    match fact:
        case Fact.RECEIVED:
            words = ngettext("arrivée enregistrée", "arrivées enregistrées", count)
        case Fact.NUMBERED:
            words = ngettext("numéro donné", "numéros donnés", count)
        case Fact.TRANSMITTED:
            words = ngettext("pièce transmise", "pièces transmises", count)
        case Fact.WAITING_SCANS:
            words = ngettext("numérisation en attente", "numérisations en attente", count)
        case Fact.IMPUTED:
            words = ngettext("courrier imputé ou confié", "courriers imputés ou confiés", count)
        case Fact.LATE_BELOW:
            words = ngettext("courrier en retard dans vos services", "courriers en retard dans vos services", count)
        case Fact.TO_SIGN:
            words = ngettext("courrier à signer", "courriers à signer", count)
        case Fact.ASSIGNED:
            words = ngettext("courrier dans votre bannette", "courriers dans votre bannette", count)
        case Fact.DUE_THIS_WEEK:
            words = ngettext("courrier à rendre cette semaine", "courriers à rendre cette semaine", count)
        case Fact.RETURNED:
            words = ngettext("courrier revenu vers vous", "courriers revenus vers vous", count)
    return words
