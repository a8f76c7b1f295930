"""French of the page of the decision and the declaration: the papers, what should be set before they are signed, and where."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import LazyString

from ged.compliance.facts import Gap
from ged.compliance.operations import Paper
from web.words.messages import lazy_gettext as _l


@dataclass(frozen=True)
class PaperText:
    """The texts of a paper on the site."""

    title: LazyString
    about: LazyString


@dataclass(frozen=True)
class GapText:
    """What is missing, and what the paper says as long as it is; ``how`` says what to do on the server, where no page does it."""

    title: LazyString
    why: LazyString
    how: LazyString | str = ""


PAPERS: Mapping[Paper, PaperText] = {
    Paper.DECISION: PaperText(
        _l("Décision sur l'archivage et la signature électroniques"),
        _l("Ce que la loi n° 2017-007 (article 127) demande à chaque institution publique de déterminer : mode et format d'archivage, signature, contrôle."),
    ),
    Paper.DECLARATION: PaperText(
        _l("Déclaration du traitement de données à caractère personnel"),
        _l("Les rubriques pour l'autorité de protection des données (IPDCP), au titre de la loi n° 2019-014."),
    ),
}  # fmt: skip

LEADS_TO: Mapping[Gap, str] = {
    Gap.SIGNATORY: "organisation.index", Gap.AUDITOR: "organisation.index", Gap.RETENTION: "nature_settings.index",
    Gap.SHORT_RETENTION: "nature_settings.index", Gap.BACKUP: "checklist.index",
}  # fmt: skip
"""The page where it is set; without one it is set on the server."""

GAPS: Mapping[Gap, GapText] = {
    Gap.SIGNATORY: GapText(
        _l("Aucun signataire en fonction"), _l("La décision nomme ceux qui signent : donnez le rôle de signataire à un poste occupé.")
    ),
    Gap.KEYS: GapText(
        _l("Des signataires sans certificat"), _l("La décision les nomme avec « certificat à délivrer »."), _l("Sur le serveur : ged account key.")
    ),
    Gap.AUDITOR: GapText(
        _l("Aucun auditeur du journal"), _l("Le contrôle que la loi demande n'a personne pour lire le journal.")
    ),
    Gap.RETENTION: GapText(
        _l("Des natures sans durée de conservation"), _l("Leur durée reste à compléter dans les deux documents.")
    ),
    Gap.SHORT_RETENTION: GapText(
        _l("Des natures conservées moins de vingt ans"), _l("L'article 72 demande vingt ans, ou la durée du papier : citez le texte qui permet moins, ou corrigez la durée.")
    ),
    Gap.SEAL: GapText(
        _l("Aucun cachet électronique"), _l("L'article sur le cachet reste à compléter."), _l("Sur le serveur : ged pki seal, ou un certificat acheté.")
    ),
    Gap.TIME_STAMP: GapText(
        _l("Aucune autorité d'horodatage"), _l("La décision ne peut promettre que des signatures sans horodatage (niveau B-B)."), _l("Sur le serveur : le paramètre GED_TSA_URLS.")
    ),
    Gap.TRIAL_AUTHORITY: GapText(
        _l("L'autorité de certification est une autorité d'essai"), _l("Une décision ne se fonde pas sur des certificats d'essai."), _l("Sur le serveur : ged pki protect.")
    ),
    Gap.VIRUS_SCANNER: GapText(
        _l("Aucun antivirus"), _l("La mesure de sécurité reste à compléter."), _l("Sur le serveur : le paramètre GED_CLAMD.")
    ),
    Gap.BACKUP: GapText(
        _l("Aucune sauvegarde restaurée"), _l("La date de la première restauration vérifiée reste à compléter.")
    ),
}  # fmt: skip
