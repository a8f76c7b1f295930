"""French of why somebody sees a letter, or may not although it passed them."""

from collections.abc import Mapping

from flask_babel import LazyString

from ged.access import Because
from ged.administration.letter_readers import ActNote, Kept, Way
from ged.unit import HeldPost
from web.words.acts import because_words
from web.words.messages import gettext as _
from web.words.messages import lazy_gettext as _l

GIVEN: Mapping[Because, LazyString] = {
    Because.REGISTERED: _l("a enregistré le courrier"),
    Because.ADDRESSED: _l("le courrier lui est adressé"),
    Because.IMPUTED: _l("le courrier lui est imputé"),
    Because.ASSIGNED: _l("le courrier lui est confié"),
    Because.COPIED: _l("en copie"),
    Because.AUTHORED: _l("a écrit le courrier"),
    Because.VISA: _l("appelé à viser"),
    Because.SIGNATORY: _l("signataire"),
    Because.SLIP: _l("l'a reçu par bordereau"),
    Because.SHARED: _l("le courrier lui est communiqué"),
}
"""Why a unit, a post or a person has a right to a letter."""
KEPT: Mapping[Kept, LazyString] = {
    Kept.CLEARANCE: _l("Habilitation trop basse pour ce niveau"),
    Kept.RESERVED: _l("Réservé au titulaire, ou à ceux qui décident pour le poste"),
    Kept.LEVEL: _l("À ce niveau, seuls le poste destinataire et le chef du service lui-même voient le courrier"),
}


def way_words(way: Way) -> str:
    """What gives the right, in words: the unit, the post or the person, and why it has the right."""
    if way.until is not None:
        return str(_("la personne elle-même, par exception, jusqu'au %(day)s", day=f"{way.until:%d/%m/%Y}"))
    reason = str(GIVEN[way.because])
    if way.post is None:
        return str(_("la personne elle-même : %(reason)s", reason=reason))
    if way.unit is None:
        return str(_("ce poste : %(reason)s", reason=reason))
    if way.is_headed:
        return str(_("responsable du service « %(unit)s » : %(reason)s", unit=way.unit, reason=reason))
    return str(_("service « %(unit)s » : %(reason)s", unit=way.unit, reason=reason))


def through_words(post: HeldPost) -> str:
    """A post and how it is held: its reference stands beside a delegation."""
    return f"{post.title} ({because_words(post.because)})"


def act_words(act: ActNote) -> str:
    """An act of the administration: its number, its day, the decision."""
    said = str(_("modification n° %(number)s du %(day)s", number=act.number, day=f"{act.on:%d/%m/%Y}"))
    return f"{said} ({act.reference})" if act.reference else said


def kept_words(why: Kept) -> str:
    """Why somebody may not see the letter."""
    return str(KEPT[why])
