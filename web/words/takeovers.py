"""French of the take-over of a register kept as a spreadsheet: what a column may hold, and why a line is refused."""

from collections.abc import Mapping

from flask_babel import LazyString

from web.words.messages import lazy_gettext as _l

FIELDS: Mapping[str, LazyString] = {
    "number": _l("Numéro"),
    "registered_on": _l("Date d'enregistrement"),
    "received_on": _l("Date d'arrivée"),
    "written_on": _l("Date de la lettre"),
    "sender": _l("Expéditeur"),
    "addressee": _l("Destinataire"),
    "subject": _l("Objet"),
    "their_reference": _l("Référence de l'expéditeur"),
    "nature": _l("Nature"),
    "unit": _l("Service traitant"),
    "confidentiality": _l("Confidentialité"),
}
"""The fields of ``ged.takeover.sheets.FIELDS``."""


def field_words(name: str) -> str:
    """The name of a field; of one that is not listed, the name itself."""
    return str(FIELDS.get(name, name))
