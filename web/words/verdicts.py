"""French texts of verdicts on signatures: the reasons of ``SignatureReport`` (``ged.ports``)."""

from collections.abc import Mapping

from flask_babel import LazyString

from web.words.messages import lazy_gettext as _l

REASONS: Mapping[str, LazyString] = {
    "ok": _l("Rien n'a changé depuis cette signature."),
    "countersigned": _l("Rien n'a changé depuis, sauf les signatures suivantes, toutes enregistrées par le ministère."),
    "validation_data": _l("Rien n'a changé depuis ; seules des preuves de validité ont été ajoutées."),
    "signed_again": _l("Le fichier a été signé une nouvelle fois après ; rien d'autre n'a changé."),
    "bytes_after": _l("Des données sans effet visible suivent la partie signée."),
    "modified_after": _l("Le fichier a été modifié après cette signature."),
    "broken": _l("Le contenu signé a été altéré."),
    "revoked": _l("Le certificat du signataire est révoqué."),
    "not_issued": _l("Le certificat porte le nom de notre autorité, mais le ministère ne l'a pas émis."),
    "expired": _l("Le certificat du signataire était expiré."),
    "not_yet_valid": _l("Le certificat du signataire n'était pas encore valable."),
    "wrong_purpose": _l("Le certificat n'est pas fait pour signer des documents."),
    "weak_algorithm": _l("La signature emploie un procédé trop faible."),
    "untrusted": _l("Le certificat ne vient d'aucune autorité reconnue par le ministère."),
    "training": _l("C'est un exercice : le certificat vient d'une installation d'entraînement, il ne vaut rien."),
    "timestamp_broken": _l("L'horodatage est altéré."),
    "timestamp_future": _l("L'horodatage porte une date à venir."),
    "signed_in_future": _l("La date de signature annoncée est à venir."),
    "duplicate_field": _l("Deux cadres se réclament de la même signature."),
    "javascript": _l("Le fichier contient un programme (JavaScript) qui peut changer ce qu'il montre."),
    "active_content": _l("Le fichier contient une action qui peut changer ce qu'il montre."),
    "dynamic_form": _l("Le fichier contient un formulaire dynamique, qui peut changer ce qu'il montre."),
    "hidden_layers": _l("Le fichier a des calques masqués : tous les lecteurs n'y voient pas la même chose."),
    "two_readings": _l("Le fichier peut être lu de deux façons différentes."),
    "unsupported": _l("Ce genre de signature n'est pas pris en charge."),
    "content_missing": _l("Le fichier signé manque : cette signature en est séparée."),
    "message_parts": _l("La signature ne couvre pas tout ce que montre le message."),
    "byte_range": _l("La signature ne couvre pas tout le fichier."),
    "signature_hidden": _l("Le fichier cache une signature."),
    "too_large": _l("Le fichier est trop lourd pour être vérifié."),
    "timeout": _l("La vérification a pris trop de temps."),
    "unreadable": _l("La signature est illisible."),
}


CHANGES: Mapping[str, LazyString] = {
    "validation_data": _l("preuves de validité ajoutées"),
    "signed_again": _l("nouvelle signature dans un cadre prévu"),
    "new_field": _l("nouvelle signature dans un cadre ajouté par elle"),
    "covers_content": _l("contenu recouvert par une nouvelle signature"),
    "page_content": _l("contenu d'une page"),
    "pages": _l("pages ajoutées ou retirées"),
    "annotations": _l("annotations ou champs affichés"),
    "form_values": _l("formulaire"),
    "layers": _l("calques"),
    "actions": _l("programmes ou actions"),
    "metadata": _l("titre ou autres indications du fichier"),
    "structure": _l("structure du fichier"),
}


LEVELS: Mapping[str, LazyString] = {
    "B-B": _l("sans horodatage"),
    "B-T": _l("avec horodatage"),
    "B-LT": _l("avec horodatage et preuves jointes"),
    "B-LTA": _l("avec horodatage, preuve tenue dans le temps"),
}
"""What the levels of ETSI EN 319 142-1 mean to who reads a letter: their names are words of auditors and administrators."""


def level_words(level: str) -> str:
    """What the level of a signature or of a seal means; another kind of signature is shown by its name."""
    return str(LEVELS.get(level, level))


def change_words(change: str) -> str:
    """The French text of a change; an unknown code is shown itself."""
    return str(CHANGES.get(change, change))


def reason_words(reason: str) -> str:
    """The French text of a reason; an unknown code is shown itself."""
    return str(REASONS.get(reason, reason))
