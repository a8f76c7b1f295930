"""The French of codes as paper bears it. One table for each: the site's labels of channels are made of it too.

Paper is written by ``ged``, which knows no catalogue; a test holds the tables to the members.
"""

from collections.abc import Mapping

from ged.ports import Confidentiality
from ged.register.models import Channel, Priority

CHANNELS: Mapping[Channel, str] = {
    Channel.HAND: "Remise en main propre",
    Channel.POST: "Voie postale",
    Channel.RECORDED_DELIVERY: "Recommandé",
    Channel.EMAIL: "Courriel",
    Channel.COURIER: "Société de courrier",
    Channel.FAX: "Télécopie",
}
"""How a letter comes (mode d'arrivée) and how it leaves (mode d'envoi)."""

LEVELS: Mapping[Confidentiality, str] = {
    Confidentiality.ORDINARY: "",
    Confidentiality.RESTRICTED: "Confidentiel",
    Confidentiality.SECRET: "Secret",
}
"""What is stamped on a sheet; an ordinary letter bears no stamp."""

URGENCY: Mapping[Priority, str] = {
    Priority.NORMAL: "", Priority.URGENT: "Urgent", Priority.VERY_URGENT: "Très urgent",
}  # fmt: skip

CAPACITIES: Mapping[str, str] = {
    "secretary": "Saisi par le secrétariat, pour le titulaire",
    "delegation": "Par délégation",
    "interim": "Par intérim (P.I.)",
    "order": "Par ordre (P.O.)",
}
"""How somebody acted for a post, by ``HeldPost.because``; its holder acted as such."""

FIELDS: Mapping[str, str] = {
    "subject": "objet",
    "sender_name": "expéditeur",
    "their_reference": "référence",
    "addressee": "destinataire",
    "written_on": "date de la lettre",
    "received_on": "date d'arrivée",
}
"""Fields of the register that a rectification changes."""

CONFIDENTIAL_LETTER = "Courrier confidentiel"
SEALED_ENVELOPE = "Pli fermé"
