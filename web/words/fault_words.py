"""French texts for faults of scanners and bridges: what happened and what to do. A test finds missing codes."""

from collections.abc import Mapping

from web.words.error_table import Message
from web.words.messages import lazy_gettext as _l

FAULTS: Mapping[str, Message] = {
    "jammed": Message(
        _l("Bourrage papier."), _l("Ouvrez le chargeur, retirez la feuille coincée, remettez-la, puis reprenez.")
    ),
    "double_feed": Message(
        _l("Deux feuilles sont passées ensemble."), _l("Retirez-les, aérez la pile, remettez-les dessus, puis reprenez.")
    ),
    "no_docs": Message(_l("Le chargeur est vide."), _l("Placez les feuilles dans le chargeur, puis reprenez.")),
    "cover_open": Message(_l("Le capot du scanner est ouvert."), _l("Fermez-le, puis reprenez.")),
    "busy": Message(
        _l("Le scanner est occupé."), _l("Fermez l'autre programme qui s'en sert, ou patientez, puis reprenez.")
    ),
    "io": Message(
        _l("La liaison avec le scanner s'est interrompue."), _l("Vérifiez le câble et l'alimentation, puis reprenez.")
    ),
    "no_mem": Message(_l("La mémoire de l'ordinateur est insuffisante."), _l("Choisissez une résolution plus basse.")),
    "access_denied": Message(
        _l("La station n'a pas le droit d'utiliser ce scanner."),
        _l("Demandez à l'administrateur d'ajouter le compte du programme au groupe « scanner »."),
    ),
    "unplugged": Message(
        _l("Le scanner ne répond pas."), _l("Branchez-le et allumez-le, attendez une minute, puis reprenez.")
    ),
    "timeout": Message(
        _l("Le scanner s'est bloqué."), _l("Éteignez-le, rallumez-le, puis reprenez.")
    ),
    "crashed": Message(
        _l("Le pilote du scanner s'est arrêté."), _l("Éteignez le scanner, rallumez-le, puis reprenez.")
    ),
    "unsupported": Message(
        _l("Ce scanner ne propose pas ce réglage."), _l("Choisissez une autre source, un autre mode ou deux passages.")
    ),
    "disk_full": Message(
        _l("Le disque de la station est plein."), _l("Libérez de la place sur la station, puis reprenez.")
    ),
    "spool_io": Message(
        _l("Le dossier d'attente de la station n'est pas accessible."),
        _l("Demandez à l'administrateur de vérifier le disque et les droits."),
    ),
    "interrupted": Message(
        _l("Le programme de la station s'est arrêté pendant la numérisation."),
        _l("Comptez les pages reçues, remettez les feuilles suivantes, puis reprenez."),
    ),
    "page_lost": Message(
        _l("Une page a été abîmée sur le disque de la station."), _l("Numérisez-la de nouveau.")
    ),
    "refused": Message(
        _l("Le service a refusé les pages, qui restent sur la station."), _l("Appelez l'administrateur.")
    ),
    "no_device": Message(
        _l("Aucun scanner n'est branché à cette station."), _l("Branchez-le et allumez-le, puis reprenez.")
    ),
}  # fmt: skip
OTHER = Message(_l("La numérisation s'est interrompue."), _l("Vérifiez le scanner, puis reprenez."))
