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

URGENCY: Mapping[Priority, str] = {
    Priority.NORMAL: "", Priority.URGENT: "Urgent", Priority.VERY_URGENT: "Très urgent",
}  # fmt: skip

CONFIDENTIAL_LETTER = "Courrier confidentiel"


def is_told(level: Confidentiality) -> bool:
    """Whether a list, and its print or file, tells what a letter is about and from whom: not of a SECRET one.

    Lists are printed, saved and looked at over a shoulder; the letter's own page, which its reader opens, tells all.
    """
    return level < Confidentiality.SECRET
