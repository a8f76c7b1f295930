"""French names of the members that people see, and the tone of their badge.

Nested by enumeration, because Python treats members of two ``StrEnum`` with the same value (``"signed"``) as equal. A
member without a label is shown by its value; a test checks that every member of these enumerations has a label.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from ged.capture.models import BatchSource, BatchState, OrderState, ScanState
from ged.codes import CodeKind
from ged.dispatch.models import DispatchState
from ged.followup.listing import DueTime
from ged.followup.words import DUE_TIMES
from ged.jobs import JobKind, JobState
from ged.natures.steps import StepKind
from ged.notices.models import DeliveryState, Occasion, Way
from ged.notices.returned import LoopState
from ged.org.models import DelegationKind
from ged.ports import Confidentiality, Verdict
from ged.preservation.documents import SignedKind
from ged.register.models import AttachmentKind, Channel, Direction, Priority, RegisterNature
from ged.register.states import MailState
from ged.register.words import CHANNELS
from ged.routing.models import Purpose
from ged.routing.states import AssignmentState
from ged.signbook.findings import CheckKind
from ged.signbook.models import CircuitAct, NoticeKind, SignatureWay, Stance
from ged.slips.models import ReceiptWay, SlipKind, SlipPurpose, TaskState
from ged.slips.states import LineState, SlipState
from ged.suggestions.models import Lesson
from ged.unit import Role

LABELS: Mapping[type[Enum], Mapping[Any, LazyString]] = {
    CheckKind: {
        CheckKind.REFERENCE: _l("Numéro et référence"),
        CheckKind.DATE: _l("Date"),
        CheckKind.ADDRESSEE: _l("Destinataires"),
        CheckKind.COPIES: _l("Ampliations"),
        CheckKind.ANNEXES: _l("Pièces jointes"),
        CheckKind.VISAS: _l("Visas"),
        CheckKind.POWER: _l("Qualité du signataire"),
        CheckKind.PAGES: _l("Pages montrées"),
        CheckKind.FONTS: _l("Polices incorporées"),
        CheckKind.ARCHIVE: _l("Archivage (PDF/A)"),
        CheckKind.CODE: _l("Code de vérification"),
    },
    Occasion: {
        Occasion.ASSIGNED: _l("Courrier confié"),
        Occasion.RETURNED: _l("Revenu vers vous"),
        Occasion.TO_SIGN: _l("À viser ou à signer"),
        Occasion.DUE_SOON: _l("Échéance proche"),
        Occasion.LATE: _l("En retard"),
        Occasion.ANSWERED: _l("Suite donnée"),
        Occasion.DELEGATED: _l("Délégation reçue"),
    },
    DeliveryState: {
        DeliveryState.QUEUED: _l("en attente"),
        DeliveryState.SENT: _l("envoyé"),
        DeliveryState.NEEDLESS: _l("sans objet"),
        DeliveryState.FAILED: _l("refusé"),
        DeliveryState.UNCERTAIN: _l("incertain"),
        DeliveryState.BOUNCED: _l("revenu"),
    },
    Way: {
        Way.AT_ONCE: _l("À l'instant"),
        Way.DIGEST: _l("Le matin, en un seul courriel"),
        Way.NONE: _l("Pas de courriel"),
    },
    MailState: {
        MailState.TO_IMPUTE: _l("À imputer"),
        MailState.ASSIGNED: _l("Imputé"),
        MailState.ANSWERED: _l("Traité"),
        MailState.DRAFT: _l("Brouillon"),
        MailState.IN_CIRCUIT: _l("Au parapheur"),
        MailState.NUMBERED: _l("Numéroté, à signer"),
        MailState.SIGNED: _l("Signé"),
        MailState.DISPATCHED: _l("Expédié"),
        MailState.CLOSED: _l("Clôturé"),
        MailState.VOIDED: _l("Annulé"),
    },
    Lesson: {
        Lesson.NATURE: _l("Nature"),
        Lesson.UNIT: _l("Service traitant"),
        Lesson.CORRESPONDENT: _l("Expéditeur"),
    },
    Purpose: {
        Purpose.ACTION: _l("Pour attribution"),
        Purpose.OPINION: _l("Pour étude et avis"),
        Purpose.INFORMATION: _l("Pour information"),
        Purpose.FOLLOW_UP: _l("Pour suivi"),
    },
    AssignmentState: {
        AssignmentState.OPEN: _l("À prendre en charge"),
        AssignmentState.TAKEN: _l("Pris en charge"),
        AssignmentState.DONE: _l("Terminé"),
        AssignmentState.RETURNED: _l("Retourné"),
        AssignmentState.SUPERSEDED: _l("Réimputé"),
    },
    Direction: {
        Direction.INCOMING: _l("Arrivée"),
        Direction.OUTGOING: _l("Départ"),
        Direction.INTERNAL: _l("Interne"),
    },
    RegisterNature: {
        RegisterNature.ARRIVAL: _l("Arrivée"),
        RegisterNature.DEPARTURE: _l("Départ"),
        RegisterNature.INTERNAL: _l("Interne"),
        RegisterNature.ENVELOPE: _l("Plis fermés"),
        RegisterNature.SLIP: _l("Bordereaux"),
        RegisterNature.NOTE: _l("Notes de service"),
        RegisterNature.DECISION: _l("Décisions"),
        RegisterNature.ARCHIVE: _l("Archives antérieures"),
    },
    DueTime: {time: _l(words) for time, words in DUE_TIMES.items()},  # the catalogue takes them from there too
    Channel: {channel: _l(words) for channel, words in CHANNELS.items()},  # the catalogue takes them from there too
    Priority: {
        Priority.NORMAL: _l("Normal"),
        Priority.URGENT: _l("Urgent"),
        Priority.VERY_URGENT: _l("Très urgent"),
    },
    AttachmentKind: {
        AttachmentKind.DOCUMENT: _l("Document"),
        AttachmentKind.ANNEX: _l("Annexe"),
        AttachmentKind.PROOF: _l("Preuve"),
        AttachmentKind.RENDERED: _l("Projet mis en page"),
        AttachmentKind.SIGNED: _l("Original signé"),
    },
    Confidentiality: {
        Confidentiality.ORDINARY: _l("Ordinaire"),
        Confidentiality.RESTRICTED: _l("Confidentiel"),
        Confidentiality.SECRET: _l("Secret"),
    },
    Role: {
        Role.CLERK: _l("Agent du bureau d'ordre"),
        Role.MEMBER: _l("Agent"),
        Role.HEAD: _l("Chef de service"),
        Role.AUTHORITY: _l("Autorité"),
        Role.SECRETARY: _l("Secrétaire de l'autorité"),
        Role.SIGNATORY: _l("Signataire"),
        Role.ADMINISTRATOR: _l("Administrateur"),
        Role.AUDITOR: _l("Contrôleur du journal"),
    },
    DelegationKind: {
        DelegationKind.DELEGATION: _l("Délégation"),
        DelegationKind.INTERIM: _l("Intérim"),
        DelegationKind.ORDER: _l("Par ordre (P.O.)"),
    },
    SignatureWay: {
        SignatureWay.DIGITAL: _l("Signature électronique"),
        SignatureWay.INK: _l("Signature manuscrite"),
    },
    CircuitAct: {
        CircuitAct.SUBMIT: _l("Remis au parapheur"),
        CircuitAct.VISA: _l("Visa"),
        CircuitAct.OPINION: _l("Avis"),
        CircuitAct.REFUSE: _l("Renvoyé à l'auteur"),
        CircuitAct.SEND_BACK: _l("Renvoyé à un visa précédent"),
        CircuitAct.TAKE_BACK: _l("Décision retirée"),
        CircuitAct.CIRCUIT: _l("Circuit modifié"),
        CircuitAct.RECALL: _l("Retiré par l'auteur"),
        CircuitAct.ABANDON: _l("Abandonné par l'auteur"),
        CircuitAct.CHANGE: _l("Projet modifié"),
        CircuitAct.CONFIRM: _l("Signature décidée"),
        CircuitAct.CANCEL_INK: _l("Exemplaire imprimé abandonné"),
        CircuitAct.NUMBER: _l("Original numéroté et daté"),
        CircuitAct.SIGN: _l("Signé"),
    },
    StepKind: {
        StepKind.VISA: _l("Visa"),
        StepKind.OPINION: _l("Avis"),
    },
    Stance: {
        Stance.FAVOURABLE: _l("Favorable"),
        Stance.RESERVED: _l("Réservé"),
        Stance.UNFAVOURABLE: _l("Défavorable"),
    },
    NoticeKind: {
        NoticeKind.VISA_CANCELLED: _l("Votre visa ou votre avis est annulé : le projet a changé"),
        NoticeKind.REFUSED: _l("Votre projet est renvoyé"),
        NoticeKind.CAME_BACK: _l("Le projet que vous aviez renvoyé est de nouveau au parapheur"),
        NoticeKind.WITHOUT_YOU: _l("Le projet que vous aviez renvoyé continue sans votre visa"),
        NoticeKind.SENT_BACK: _l("Votre visa est redemandé"),
        NoticeKind.ANNOTATED: _l("Une note est posée sur votre projet"),
        NoticeKind.NOTE_ANSWERED: _l("L'auteur répond à votre note"),
        NoticeKind.SIGNED: _l("Votre projet est signé"),
    },
    DispatchState: {
        DispatchState.TO_SEND: _l("À expédier"),
        DispatchState.SENDING: _l("Envoi en cours"),
        DispatchState.LEFT: _l("Parti"),
        DispatchState.DELIVERED: _l("Remis contre décharge"),
    },
    SignedKind: {
        SignedKind.MAIL: _l("Courrier"),
        SignedKind.SLIP: _l("Bordereau"),
        SignedKind.CLOSING: _l("Clôture"),
    },
    Verdict: {
        Verdict.GREEN: _l("Signature valable"),
        Verdict.AMBER: _l("Signature à vérifier"),
        Verdict.RED: _l("Signature non valable"),
        Verdict.NONE: _l("Sans signature"),
    },
    ScanState: {
        ScanState.WAITING: _l("En attente"),
        ScanState.JOINED: _l("Jointe"),
        ScanState.DISCARDED: _l("Écartée"),
        ScanState.MERGED: _l("Réunie à une autre"),
    },
    OrderState: {
        OrderState.WAITING: _l("Demandée"),
        OrderState.SCANNING: _l("Numérisation en cours"),
        OrderState.UPLOADING: _l("Envoi en cours"),
        OrderState.DONE: _l("Terminée"),
        OrderState.FAILED: _l("Échec"),
        OrderState.CANCELLED: _l("Annulée"),
    },
    BatchState: {
        BatchState.OPEN: _l("Ouvert"),
        BatchState.COMPLETE: _l("À examiner"),
        BatchState.SETTLED: _l("Rangé"),
    },
    BatchSource: {
        BatchSource.BRIDGE: _l("Scanner"),
        BatchSource.UPLOAD: _l("Fichier déposé"),
        BatchSource.EMAIL: _l("Courriel"),
    },
    CodeKind: {
        CodeKind.LABEL: _l("Étiquette de courrier"),
        CodeKind.SLIP: _l("Bordereau de transmission"),
        CodeKind.IMPUTATION: _l("Fiche de transmission"),
        CodeKind.OUTGOING: _l("Original signé à la main"),
        CodeKind.DISCHARGE: _l("Décharge"),
        CodeKind.SEPARATOR: _l("Feuille de séparation"),
    },
    SlipKind: {
        SlipKind.TRANSMITTAL: _l("Bordereau de transmission"),
        SlipKind.RETURN: _l("Bordereau de retour"),
        SlipKind.DISCREPANCY: _l("Constat d'écart"),
    },
    SlipPurpose: {
        SlipPurpose.HANDOVER: _l("Pour attribution"),
        SlipPurpose.INFORMATION: _l("Pour information"),
        SlipPurpose.FOLLOW_UP: _l("Pour suite à donner"),
        SlipPurpose.ON_LOAN: _l("En communication"),
    },
    SlipState: {
        SlipState.ISSUING: _l("À signer"),
        SlipState.SENT: _l("Envoyé"),
        SlipState.RECEIVING: _l("Réception à signer"),
        SlipState.RECEIVED: _l("Reçu"),
        SlipState.VOIDED: _l("Annulé"),
    },
    LineState: {
        LineState.PENDING: _l("En attente"),
        LineState.RECEIVED: _l("Reçu"),
        LineState.MISSING: _l("Manquant"),
        LineState.DAMAGED: _l("Endommagé"),
        LineState.WRONG_UNIT: _l("Mal adressé"),
    },
    ReceiptWay: {
        ReceiptWay.DIGITAL: _l("Signature électronique"),
        ReceiptWay.PAPER: _l("Signature à la main"),
    },
    TaskState: {
        TaskState.OPEN: _l("À régler"),
        TaskState.SETTLED: _l("Réglé"),
    },
    JobKind: {
        JobKind.INTAKE: _l("Examiner un lot numérisé"),
        JobKind.RECOGNISE: _l("Reconnaître le texte"),
        JobKind.INDEX: _l("Indexer un courrier"),
        JobKind.REBUILD_INDEX: _l("Reconstruire l'index de recherche"),
        JobKind.INDEX_BACKLOG: _l("Indexer des courriers d'archives antérieures"),
        JobKind.RECOGNISE_BACKLOG: _l("Reconnaître le texte d'un courrier d'archives antérieures"),
        JobKind.NOTIFY: _l("Envoyer un courriel"),
        JobKind.COLLECT_MAIL: _l("Relever les boîtes électroniques"),
        JobKind.ALERTS: _l("Voir ce que trouvent les recherches suivies"),
        JobKind.REMINDER_MAIL: _l("Envoyer un rappel par courriel"),
        JobKind.ALERT_MAIL: _l("Prévenir par courriel d'un nouveau résultat"),
        JobKind.SEAL: _l("Sceller le journal"),
        JobKind.PRESERVE: _l("Prolonger la preuve d'une signature"),
        JobKind.PRESERVE_DUE: _l("Prolonger la preuve des signatures"),
        JobKind.ANCHOR: _l("Horodater le journal"),
        JobKind.CHECK_SIGNATURES: _l("Vérifier les signatures reçues"),
        JobKind.SWEEP: _l("Supprimer les fichiers sans rattachement"),
        JobKind.CHECK_FIXITY: _l("Vérifier les fichiers conservés"),
        JobKind.CLOSE_DAYS: _l("Arrêter et clore les jours finis des registres"),
        JobKind.READ_SCAN: _l("Lire une numérisation en attente"),
        JobKind.LEARN: _l("Mettre à jour les propositions automatiques"),
        JobKind.EXPORT: _l("Préparer un long fichier"),
        JobKind.NOTICES: _l("Chercher ce qu'il faut faire savoir"),
        JobKind.NOTICE_MAIL: _l("Envoyer des avis par courriel"),
        JobKind.NOTICE_DIGEST: _l("Préparer les courriels du matin"),
        JobKind.REMIND: _l("Rappeler les échéances"),
        JobKind.MAIL_LOOP: _l("Vérifier que les courriels partent et reviennent"),
        JobKind.WORD_PAGES: _l("Mettre en pages un courrier rédigé dans Word"),
        JobKind.PRUNE_JOBS: _l("Résumer en chiffres les anciennes tâches"),
    },
    LoopState: {
        LoopState.NEVER: _l("Aucun envoi"),
        LoopState.UNDER_WAY: _l("Parti, pas encore revenu"),
        LoopState.BACK: _l("Revenu"),
        LoopState.LOST: _l("Parti, pas revenu à temps"),
        LoopState.UNSENT: _l("Pas parti"),
    },
    JobState: {
        JobState.QUEUED: _l("En attente"),
        JobState.RUNNING: _l("En cours"),
        JobState.DONE: _l("Terminée"),
        JobState.FAILED: _l("Échec"),
        JobState.UNCERTAIN: _l("Incertaine"),
    },
}

TONES: Mapping[type[Enum], Mapping[Any, str]] = {
    Occasion: {
        Occasion.ASSIGNED: "info",
        Occasion.RETURNED: "warning",
        Occasion.TO_SIGN: "warning",
        Occasion.DUE_SOON: "warning",
        Occasion.LATE: "danger",
        Occasion.ANSWERED: "success",
        Occasion.DELEGATED: "info",
    },
    MailState: {
        MailState.TO_IMPUTE: "warning",
        MailState.ASSIGNED: "info",
        MailState.ANSWERED: "success",
        MailState.DRAFT: "neutral",
        MailState.IN_CIRCUIT: "info",
        MailState.NUMBERED: "warning",
        MailState.SIGNED: "success",
        MailState.DISPATCHED: "success",
        MailState.CLOSED: "neutral",
        MailState.VOIDED: "danger",
    },
    AssignmentState: {
        AssignmentState.OPEN: "warning",
        AssignmentState.TAKEN: "info",
        AssignmentState.DONE: "success",
        AssignmentState.RETURNED: "danger",
    },
    Priority: {
        Priority.URGENT: "warning",
        Priority.VERY_URGENT: "danger",
    },
    Confidentiality: {
        Confidentiality.RESTRICTED: "warning",
        Confidentiality.SECRET: "danger",
    },
    Stance: {
        Stance.FAVOURABLE: "success",
        Stance.RESERVED: "warning",
        Stance.UNFAVOURABLE: "danger",
    },
    NoticeKind: {
        NoticeKind.VISA_CANCELLED: "warning",
        NoticeKind.REFUSED: "danger",
        NoticeKind.CAME_BACK: "info",
        NoticeKind.WITHOUT_YOU: "warning",
        NoticeKind.SENT_BACK: "warning",
        NoticeKind.ANNOTATED: "info",
        NoticeKind.NOTE_ANSWERED: "info",
        NoticeKind.SIGNED: "success",
    },
    DispatchState: {
        DispatchState.TO_SEND: "warning",
        DispatchState.SENDING: "info",
        DispatchState.LEFT: "success",
        DispatchState.DELIVERED: "success",
    },
    Verdict: {
        Verdict.GREEN: "success",
        Verdict.AMBER: "warning",
        Verdict.RED: "danger",
    },
    SlipState: {
        SlipState.ISSUING: "warning",
        SlipState.SENT: "info",
        SlipState.RECEIVING: "warning",
        SlipState.RECEIVED: "success",
        SlipState.VOIDED: "danger",
    },
    LineState: {
        LineState.RECEIVED: "success",
        LineState.MISSING: "danger",
        LineState.DAMAGED: "warning",
        LineState.WRONG_UNIT: "danger",
    },
    TaskState: {
        TaskState.OPEN: "warning",
        TaskState.SETTLED: "success",
    },
    OrderState: {
        OrderState.WAITING: "info",
        OrderState.SCANNING: "info",
        OrderState.UPLOADING: "info",
        OrderState.DONE: "success",
        OrderState.FAILED: "danger",
    },
    ScanState: {
        ScanState.WAITING: "warning",
        ScanState.JOINED: "success",
    },
    JobState: {
        JobState.RUNNING: "info",
        JobState.DONE: "success",
        JobState.FAILED: "danger",
        JobState.UNCERTAIN: "warning",
    },
}
"""``neutral``, ``info``, ``success``, ``warning`` or ``danger``; a member not listed is neutral."""


SCAN_WARNINGS: Mapping[str, LazyString] = {
    "too_dark": _l("Trop sombre : éclaircissez, puis numérisez de nouveau."),
    "too_light": _l("Trop pâle : augmentez le contraste, puis numérisez de nouveau."),
    "cut_edge": _l("Le texte est coupé au bord : replacez la feuille."),
    "low_resolution": _l("Trop peu de points : numérisez en 200 ou 300 points par pouce."),
    "skewed": _l("Feuille très de travers : replacez-la."),
    "sideways": _l("Page couchée : tournez-la d'un quart de tour."),
}
"""Faults that would spoil the OCR of a page, and their remedy before the letter is numbered."""

FIELDS: Mapping[str, LazyString] = {
    "subject": _l("Objet"),
    "sender_name": _l("Expéditeur"),
    "their_reference": _l("Référence de l'expéditeur"),
    "addressee": _l("Destinataire"),
    "written_on": _l("Date de la lettre"),
    "received_on": _l("Date d'arrivée"),
    "due_on": _l("Échéance"),
    "channel": _l("Mode d'arrivée"),
    "priority": _l("Priorité"),
    "nature": _l("Nature"),
    "enclosure_count": _l("Pièces jointes"),
    "enclosure_note": _l("Détail des pièces"),
    "addressed_post_id": _l("À l'attention de"),
    "signatory": _l("Signataire"),
    "addressees": _l("Destinataires"),
    "copies": _l("Ampliations"),
}
"""Fields of the register that can be rectified."""

READINGS: Mapping[str, LazyString] = {
    "place": _l("lieu"),
    "amount": _l("montant"),
    "copies": _l("ampliation"),
}
"""Fields read on a letter for which the register has no field."""

LESSON_REASONS: Mapping[str, LazyString] = {
    "too_few_letters": _l("trop peu de courriers"),
    "too_few_choices": _l("toujours le même choix"),
    "too_unsure": _l("trop incertain pour proposer"),
}
"""Why a trained model proposes nothing."""

LINKS: Mapping[tuple[str, bool], LazyString] = {
    ("related", True): _l("Voir aussi"),
    ("related", False): _l("Voir aussi"),
    ("reply_to", True): _l("Répond à"),
    ("reply_to", False): _l("Réponse"),
    ("reminder_of", True): _l("Relance de"),
    ("reminder_of", False): _l("Relancé par"),
    ("from_envelope", True): _l("Tiré du pli"),
}
"""Kinds of links, by kind and whether the link starts at the letter shown."""

ACTIONS: Mapping[str, LazyString] = {
    "mail.registered": _l("a enregistré le courrier"),
    "mail.imported": _l("a versé le courrier depuis des archives antérieures"),
    "mail.numbered": _l("a donné un numéro dans un autre registre"),
    "mail.rectified": _l("a rectifié l'inscription au registre"),
    "mail.linked": _l("a lié le courrier à un autre"),
    "mail.level_changed": _l("a changé le niveau de confidentialité"),
    "mail.level_asked": _l("a demandé d'abaisser le niveau de confidentialité"),
    "mail.level_declined": _l("a écarté la demande d'abaisser le niveau de confidentialité"),
    "correspondent.added": _l("a ajouté un correspondant à l'annuaire de son entité"),
    "notices.chosen": _l("a choisi ses avis par courriel"),
    "notice.read": _l("a pris connaissance d'un avis"),
    "mail.due_moved": _l("a déplacé l'échéance par un changement du calendrier"),
    "mail.imputed": _l("a imputé le courrier"),
    "mail.imputation_undone": _l("a annulé son imputation"),
    "mail.assigned": _l("a confié le courrier"),
    "mail.answered": _l("a expédié la réponse à ce courrier"),
    "mail.closed": _l("a clôturé le courrier"),
    "mail.reopened": _l("a rouvert le courrier"),
    "mail.opened": _l("a ouvert le courrier"),
    "mail.printed": _l("a imprimé"),
    "register.file_asked": _l("a demandé un extrait du registre en fichier"),
    "register.file_fetched": _l("a téléchargé un extrait du registre"),
    "mail.exported": _l("a exporté le courrier dans une liste"),
    "search.saved": _l("a enregistré une recherche"),
    "search.followed": _l("suit une recherche enregistrée"),
    "search.unfollowed": _l("ne suit plus une recherche enregistrée"),
    "search.deleted": _l("a supprimé une recherche enregistrée"),
    "document.opened": _l("a ouvert un document"),
    "assignment.taken": _l("a pris le courrier en charge"),
    "assignment.finished": _l("a rendu compte de la suite donnée"),
    "assignment.returned": _l("a retourné le courrier à la personne qui le lui avait confié"),
    "mail.noted": _l("a écrit une note"),
    "mail.asked": _l("a posé une question"),
    "mail.question_answered": _l("a répondu à une question"),
    "assignment.reminded": _l("a rappelé que le courrier attend une suite"),
    "assignment.reopened": _l("a remis le courrier au service traitant"),
    "attachment.added": _l("a joint un document"),
    "signature.checked": _l("a vérifié les signatures d'un document reçu"),
    "attachment.read": _l("a lu le texte d'un document"),
    "number.voided": _l("a annulé un numéro"),
    "paper.proposed": _l("a trouvé un code à confirmer"),
    "paper.confirmed": _l("a confirmé une feuille revenue"),
    "paper.refused": _l("a refusé une feuille revenue"),
    "scan.joined": _l("a joint une numérisation"),
    "scan.virus_found": _l("a trouvé un virus dans une numérisation"),
    "custody.moved": _l("a reçu la garde de l'original"),
    "custody.kept": _l("a gardé l'original sur place"),
    "envelope.opened": _l("a ouvert le pli"),
    "envelope.linked": _l("a rattaché le pli au courrier"),
    "access.refused": _l("s'est vu refuser l'accès"),
    "batch.begun": _l("a commencé un lot de numérisation"),
    "batch.completed": _l("a terminé un lot de numérisation"),
    "bridge.code_made": _l("a obtenu un code pour une station de numérisation"),
    "bridge.devices": _l("a annoncé les scanners d'une station"),
    "bridge.paired": _l("a ajouté une station de numérisation"),
    "bridge.revoked": _l("a retiré une station de numérisation"),
    "calendar.changed": _l("a changé un jour du calendrier"),
    "calendar.filled": _l("a rempli le calendrier"),
    "calendar.week": _l("a changé la semaine de travail"),
    "synonyms.changed": _l("a changé les synonymes"),
    "correspondent.merged": _l("a fusionné deux fiches de correspondants"),
    "correspondent.unmerged": _l("a annulé la fusion de deux fiches de correspondants"),
    "correspondent.changed": _l("a corrigé un correspondant"),
    "absence.declared": _l("a déclaré son absence"),
    "absence.declared_for": _l("a déclaré l'absence d'une autre personne"),
    "absence.ended": _l("a mis fin à son absence"),
    "absence.ended_for": _l("a mis fin à l'absence d'une autre personne"),
    "absence.seen": _l("a pris connaissance de ce qui a été déclaré de son absence"),
    "delegation.granted": _l("a accordé une délégation"),
    "delegation.withdrawn": _l("a retiré une délégation"),
    "dispatch.discharged": _l("a enregistré la décharge"),
    "dispatch.left": _l("a noté le départ"),
    "dispatch.proof": _l("a joint la preuve de remise"),
    "dispatch.sending": _l("a lancé l'envoi par courriel"),
    "dispatch.settled": _l("a tranché un envoi incertain"),
    "draft.begun": _l("a commencé un projet"),
    "draft.nature_set": _l("a dit la nature du projet"),
    "draft.changed": _l("a modifié le projet"),
    "draft.word_taken": _l("a téléchargé le projet pour l'écrire dans Word"),
    "draft.circuit_set": _l("a fixé le circuit du projet"),
    "envelope.kept_sealed": _l("a laissé le pli fermé"),
    "envelope.registered": _l("a enregistré un pli fermé"),
    "envelope.returned": _l("a retourné le pli"),
    "envelope.voided": _l("a annulé le pli"),
    "file.uploaded": _l("a déposé un fichier"),
    "job.retried": _l("a relancé une tâche"),
    "learning.asked": _l("a demandé la mise à jour des propositions automatiques"),
    "learning.made": _l("a mis à jour les propositions automatiques"),
    "key.freed": _l("a débloqué une clé de signature"),
    "key.issued": _l("a remis une clé de signature"),
    "key.refused": _l("s'est trompé de phrase secrète"),
    "key.unlocked": _l("a déverrouillé sa clé de signature"),
    "key.adopted": _l("a adopté une clé de signature d'une autre autorité"),
    "seal.issued": _l("a créé le cachet électronique du ministère"),
    "certificate.revoked": _l("a révoqué un certificat"),
    "key.renewal_asked": _l("attend un nouveau certificat de signature"),
    "key.renewed": _l("a renouvelé un certificat de signature"),
    "authority.protected": _l("a mis la clé de l'autorité de certification sous une phrase secrète"),
    "key.attached": _l("a rattaché une clé de signature dans un jeton"),
    "signature.raise_asked": _l("a demandé de prolonger la preuve de signatures"),
    "signature.raised": _l("a prolongé la preuve d'une signature"),
    "mail.dispatched": _l("a expédié le courrier"),
    "mail.sheet_returned": _l("a joint la fiche de transmission annotée"),
    "mail.signed": _l("a signé le courrier"),
    "mail.token_issued": _l("a gardé l'empreinte du courrier avant signature, et son code de vérification"),
    "natures.loaded": _l("a chargé les natures de courrier"),
    "organisation.loaded": _l("a chargé l'organigramme"),
    "workbook.taken_in": _l("a versé le classeur de l'organisation"),
    "workbook.undone": _l("a annulé un versement du classeur de l'organisation"),
    "person.password_set": _l("a changé un mot de passe"),
    "person.tour_ended": _l("a terminé ou passé la visite du premier jour"),
    "person.language_chosen": _l("a choisi sa langue"),
    "register.closed_until": _l("a arrêté et clos les jours d'un registre"),
    "register.opened": _l("a ouvert un registre à un numéro"),
    "scan.made": _l("a reçu une numérisation"),
    "clock.confirmed": _l("a confirmé l'heure du serveur"),
    "scan.number_missing": _l("a vu un numéro absent du registre"),
    "scan.order_cancelled": _l("a annulé une demande de numérisation"),
    "scan.order_state": _l("a suivi une demande de numérisation"),
    "scan.ordered": _l("a demandé une numérisation"),
    "profile.kept": _l("a enregistré un profil de numérisation"),
    "profile.deleted": _l("a supprimé un profil de numérisation"),
    "scan.page_added": _l("a ajouté une page"),
    "scan.page_received": _l("a reçu une page"),
    "scan.page_removed": _l("a écarté une page"),
    "scan.page_restored": _l("a rétabli une page"),
    "separator.made": _l("a préparé une feuille de séparation"),
    "separator.withdrawn": _l("a retiré une feuille de séparation"),
    "mailbox.taken": _l("a reçu un courriel"),
    "mailbox.report": _l("a reçu un rapport de messagerie"),
    "mailbox.loop": _l("a essayé l'aller-retour du courriel"),
    "dispatch.bounced": _l("signale que l'adresse du destinataire ne reçoit pas"),
    "mailbox.refused": _l("a mis de côté un courriel"),
    "scan.split": _l("a séparé une numérisation"),
    "scan.merged": _l("a réuni deux numérisations"),
    "scan.reordered": _l("a changé l'ordre des pages"),
    "scan.turned": _l("a tourné une page"),
    "scan.discarded": _l("a écarté une numérisation"),
    "scan.brought_back": _l("a rétabli une numérisation écartée"),
    "password.refused": _l("s'est trompé de mot de passe en le confirmant"),
    "session.ended": _l("a fermé une session"),
    "session.throttled": _l("a été ralenti après trop d'essais de connexion"),
    "session.closed": _l("s'est déconnecté"),
    "session.opened": _l("s'est connecté"),
    "session.refused": _l("n'a pas pu se connecter"),
    "signbook.submit": _l("a remis le projet au parapheur"),
    "signbook.visa": _l("a visé le projet"),
    "signbook.opinion": _l("a donné son avis sur le projet"),
    "signbook.refuse": _l("a renvoyé le projet à son auteur"),
    "signbook.send_back": _l("a renvoyé le projet à un visa précédent"),
    "signbook.take_back": _l("a retiré sa décision"),
    "signbook.annotated": _l("a posé une note en marge du projet"),
    "signbook.note_answered": _l("a répondu à une note en marge"),
    "signbook.note_resolved": _l("a traité une note en marge"),
    "signbook.circuit": _l("a modifié le circuit du projet"),
    "signbook.abandon": _l("a abandonné son projet"),
    "signbook.recall": _l("a retiré son projet du parapheur"),
    "signbook.change": _l("a modifié le projet au parapheur"),
    "signbook.confirm": _l("a décidé de signer"),
    "signbook.cancel_ink": _l("a abandonné l'exemplaire imprimé"),
    "signbook.number": _l("a numéroté et daté l'original"),
    "signbook.sign": _l("a signé l'original"),
    "signbook.sign_failed": _l("n'a pas pu signer"),
    "signbook.visa_cancelled": _l("a perdu son visa : le projet a changé"),
    "slip.handed": _l("a remis un bordereau au porteur"),
    "slip.issued": _l("a établi un bordereau"),
    "slip.proof_arrived": _l("a joint le bordereau signé à la main"),
    "slip.received": _l("a reçu un bordereau"),
    "slip.returned": _l("a retourné des pièces par bordereau"),
    "slip.signed": _l("a signé un bordereau"),
    "slip.task_settled": _l("a réglé un écart"),
    "slip.voided": _l("a annulé un bordereau"),
}
"""Actions of the journal, to follow the actor's name; a test finds missing ones."""

SUBJECTS: Mapping[str, LazyString] = {
    "notice": _l("avis à une personne"),
    "absence": _l("absence"),
    "mail": _l("courrier"),
    "envelope": _l("pli"),
    "number": _l("numéro"),
    "search": _l("recherche enregistrée"),
    "register": _l("registre"),
    "slip": _l("bordereau"),
    "scan": _l("numérisation"),
    "learned_version": _l("proposition automatique"),
    "scan_batch": _l("lot numérisé"),
    "separator": _l("feuille de séparation"),
    "mailbox": _l("boîte électronique"),
    "scan_order": _l("demande de numérisation"),
    "scan_profile": _l("profil de numérisation"),
    "bridge": _l("station de numérisation"),
    "pairing_code": _l("code de station"),
    "person": _l("personne"),
    "key": _l("clé de signature"),
    "delegation": _l("délégation"),
    "correspondent": _l("correspondant"),
    "calendar": _l("calendrier"),
    "synonyms": _l("synonymes"),
    "installation": _l("ministère"),
    "organisation": _l("organigramme"),
    "job": _l("tâche"),
    "document": _l("document"),
    "attachment": _l("document"),
    "assignment": _l("imputation"),
    "page": _l("page"),
    "unit": _l("service"),
    "post": _l("poste"),
    "file": _l("fichier"),
    "batch": _l("lot numérisé"),
    "order": _l("demande de numérisation"),
    "draft": _l("projet"),
    "circuit": _l("circuit"),
    "dispatch": _l("départ"),
    "session": _l("session"),
    "access": _l("page réservée"),
}
"""French names of the subjects of journal entries."""


def label(member: Enum | str) -> str:
    """The French name of a member."""
    found = LABELS.get(type(member), {}).get(member) if isinstance(member, Enum) else None
    return str(found or (member.value if isinstance(member, Enum) else member))


def tone(member: Enum | str) -> str:
    """The tone of a member's badge."""
    return TONES.get(type(member), {}).get(member, "neutral") if isinstance(member, Enum) else "neutral"


def scan_warning(code: str) -> str:
    """The French text of a scan warning."""
    return str(SCAN_WARNINGS[code])
