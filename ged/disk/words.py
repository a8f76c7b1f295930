"""The French of codes as the pages of a disk bear it; a test holds the tables to the members and to the words of the site."""

from collections.abc import Mapping

from ged.dispatch.models import DispatchState
from ged.register.models import AttachmentKind, Direction, RegisterNature
from ged.register.states import MailState
from ged.routing.models import Purpose
from ged.routing.states import AssignmentState
from ged.slips.states import SlipState

STATES: Mapping[MailState, str] = {
    MailState.TO_IMPUTE: "À imputer",
    MailState.ASSIGNED: "Imputé",
    MailState.ANSWERED: "Traité",
    MailState.DRAFT: "Brouillon",
    MailState.IN_CIRCUIT: "Au parapheur",
    MailState.NUMBERED: "Numéroté, à signer",
    MailState.SIGNED: "Signé",
    MailState.DISPATCHED: "Expédié",
    MailState.CLOSED: "Clôturé",
    MailState.VOIDED: "Annulé",
}
DIRECTIONS: Mapping[Direction, str] = {
    Direction.INCOMING: "Arrivée", Direction.OUTGOING: "Départ", Direction.INTERNAL: "Interne",
}  # fmt: skip
PURPOSES: Mapping[Purpose, str] = {
    Purpose.ACTION: "pour attribution", Purpose.OPINION: "pour étude et avis", Purpose.INFORMATION: "pour information",
    Purpose.FOLLOW_UP: "pour suivi",
}  # fmt: skip
ASSIGNMENTS: Mapping[AssignmentState, str] = {
    AssignmentState.OPEN: "À prendre en charge", AssignmentState.TAKEN: "Pris en charge", AssignmentState.DONE: "Terminé",
    AssignmentState.RETURNED: "Retourné", AssignmentState.SUPERSEDED: "Réimputé",
}  # fmt: skip
SLIPS: Mapping[SlipState, str] = {
    SlipState.ISSUING: "à signer", SlipState.SENT: "envoyé", SlipState.RECEIVING: "réception à signer",
    SlipState.RECEIVED: "reçu", SlipState.VOIDED: "annulé",
}  # fmt: skip
DISPATCHES: Mapping[DispatchState, str] = {
    DispatchState.TO_SEND: "À expédier", DispatchState.SENDING: "Envoi en cours", DispatchState.LEFT: "Parti",
    DispatchState.DELIVERED: "Remis contre décharge",
}  # fmt: skip
KINDS: Mapping[AttachmentKind, str] = {
    AttachmentKind.DOCUMENT: "Document", AttachmentKind.ANNEX: "Annexe", AttachmentKind.PROOF: "Preuve",
    AttachmentKind.RENDERED: "Projet mis en page", AttachmentKind.SIGNED: "Original signé",
}  # fmt: skip
NATURES: Mapping[RegisterNature, str] = {
    RegisterNature.ARRIVAL: "Arrivée", RegisterNature.DEPARTURE: "Départ", RegisterNature.INTERNAL: "Interne",
    RegisterNature.ENVELOPE: "Plis fermés", RegisterNature.SLIP: "Bordereaux", RegisterNature.NOTE: "Notes de service",
    RegisterNature.DECISION: "Décisions", RegisterNature.ARCHIVE: "Archives antérieures",
}  # fmt: skip
LINKS: Mapping[tuple[str, bool], str] = {
    ("reply_to", True): "Répond à", ("reply_to", False): "Réponse",
    ("reminder_of", True): "Relance de", ("reminder_of", False): "Relancé par",
    ("related", True): "Voir aussi", ("related", False): "Voir aussi",
}  # fmt: skip
"""(kind, whether the letter refers) -> word."""
NOT_ON_DISK = "Contenu non repris sur ce disque"
"""One sentence for every line without content: what it hides is not told."""
SLIP, VOIDED = "Bordereau de transmission", "Numéro annulé"
