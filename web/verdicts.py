"""What a verdict on a signature means, in words: the reasons of ``SignatureReport`` (``ged.ports``)."""

from collections.abc import Mapping

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

REASONS: Mapping[str, LazyString] = {
    "ok": _l("Rien n'a changé depuis cette signature."),
    "countersigned": _l("Rien n'a changé depuis, sauf les signatures suivantes, toutes enregistrées ici."),
    "modified_after": _l("Le fichier a été modifié après cette signature."),
    "broken": _l("Le contenu signé a été altéré."),
    "revoked": _l("Le certificat du signataire est révoqué."),
    "expired": _l("Le certificat du signataire était expiré."),
    "untrusted": _l("Le certificat ne vient d'aucune autorité reconnue ici."),
    "timestamp_broken": _l("L'horodatage est altéré."),
    "byte_range": _l("La signature ne couvre pas tout le fichier."),
    "signature_hidden": _l("Le fichier cache une signature."),
    "too_large": _l("Le fichier est trop lourd pour être vérifié."),
    "timeout": _l("La vérification a pris trop de temps."),
    "unreadable": _l("La signature est illisible."),
}


def reason_words(reason: str) -> str:
    """The French of a reason; an unknown one is shown as it is."""
    return str(REASONS.get(reason, reason))
