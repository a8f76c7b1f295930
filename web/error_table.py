"""The table of error codes: what happened, and what to do about it, in French.

Blocks stand in the order of the codes' first word. A per cent sign of the text itself is written ``%%``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l


@dataclass(frozen=True)
class Message:
    """The French of one code."""

    what: LazyString
    remedy: LazyString


MESSAGES: Mapping[str, Message] = {
    # --- access ---
    "access.role_missing": Message(
        _l("Votre fonction ne donne pas accès à cette page."),
        _l("Si vous en avez besoin, demandez à l'administrateur de vous donner ce rôle."),
    ),
    # --- api ---
    "api.json": Message(_l("La demande n'a pas la forme attendue."), _l("Mettez le poste de numérisation à jour.")),
    # --- attachment ---
    "attachment.pages": Message(_l("Il faut garder au moins une page."), _l("Cochez une page à garder.")),
    "attachment.reason": Message(
        _l("Le courrier a déjà un document : dites pourquoi il est remplacé."), _l("Écrivez le motif.")
    ),
    "attachment.replaced": Message(
        _l("Une version plus récente de ce document existe."), _l("Ouvrez la version la plus récente.")
    ),
    "attachment.unknown": Message(
        _l("Ce document n'existe pas, ou vous n'y avez pas accès."), _l("Rechargez le courrier.")
    ),
    # --- batch ---
    "batch.complete": Message(_l("Ce lot est déjà terminé."), _l("Commencez un nouveau lot.")),
    "batch.key": Message(_l("La référence du lot n'est pas valable."), _l("Mettez le poste de numérisation à jour.")),
    "batch.unknown": Message(_l("Ce lot n'existe pas."), _l("Commencez un nouveau lot.")),
    # --- blob ---
    "blob.missing": Message(
        _l("Le contenu de ce fichier est introuvable sur le serveur."),
        _l("Prévenez l'administrateur : il doit être restauré."),
    ),
    "blob.write_failed": Message(
        _l("Le serveur n'a pas pu enregistrer le fichier."),
        _l("Prévenez l'administrateur (espace disque), puis renvoyez-le."),
    ),
    # --- bridge ---
    "bridge.code_wrong": Message(
        _l("Ce code d'appairage est inconnu, déjà utilisé ou périmé."), _l("Demandez un nouveau code.")
    ),
    "bridge.devices": Message(
        _l("La liste des numériseurs n'a pas la forme attendue."), _l("Mettez le poste de numérisation à jour.")
    ),
    "bridge.pair_forbidden": Message(
        _l("Vous ne pouvez pas ajouter ou retirer un poste de numérisation dans cette unité."),
        _l("Demandez à son agent du bureau d'ordre ou à l'administrateur."),
    ),
    "bridge.token_wrong": Message(
        _l("Ce poste de numérisation n'est pas connu, ou n'a plus accès."), _l("Appairez-le de nouveau.")
    ),
    "bridge.unknown": Message(
        _l("Ce poste de numérisation n'existe pas ou n'a plus accès."), _l("Choisissez un poste de la liste.")
    ),
    # --- document ---
    "document.no_original": Message(
        _l("Ce document vient d'un numériseur : ses originaux sont ses pages."),
        _l("Ouvrez le PDF, ou l'original d'une page."),
    ),
    "document.not_read": Message(
        _l("Ce document n'a pas encore été lu par la machine."), _l("Attendez un instant, puis rechargez.")
    ),
    "document.page_unknown": Message(
        _l("Cette page n'existe pas dans le document."), _l("Choisissez une page du document.")
    ),
    # --- envelope ---
    "envelope.addressee": Message(_l("Ce destinataire n'existe pas."), _l("Choisissez un poste de la liste.")),
    "envelope.arrived_in_future": Message(
        _l("L'heure d'arrivée est dans l'avenir."), _l("Corrigez la date ou l'heure.")
    ),
    "envelope.count": Message(_l("Le nombre de plis doit être compris entre 1 et 999."), _l("Corrigez-le.")),
    "envelope.decided": Message(_l("La décision a déjà été prise pour ce pli."), _l("Rechargez la page.")),
    "envelope.kind": Message(_l("Ce type de pli n'existe pas."), _l("Choisissez dans la liste.")),
    "envelope.not_addressee": Message(
        _l("Seul le poste destinataire décide d'un pli fermé."), _l("Remettez le pli à son destinataire.")
    ),
    "envelope.not_returned": Message(
        _l("Ce pli n'a pas été rendu comme courrier ordinaire."), _l("Attendez la décision du destinataire.")
    ),
    "envelope.register": Message(
        _l("Ce registre n'est pas un registre de plis fermés."), _l("Choisissez le registre des plis fermés.")
    ),
    "envelope.stale": Message(
        _l("Quelqu'un d'autre a pris une décision pour ce pli entre-temps."),
        _l("Lisez-la, puis recommencez s'il le faut."),
    ),
    "envelope.too_long": Message(_l("Ce texte est trop long : %(limit)s caractères au plus."), _l("Raccourcissez-le.")),
    "envelope.unknown": Message(_l("Ce pli n'existe pas."), _l("Vérifiez le numéro.")),
    # --- file ---
    "file.empty": Message(_l("Le fichier « %(filename)s » est vide."), _l("Choisissez un fichier qui a un contenu.")),
    "file.encrypted": Message(
        _l("Le PDF « %(filename)s » est protégé par un mot de passe."),
        _l("Demandez-en une copie sans protection à l'expéditeur."),
    ),
    "file.image_too_large": Message(
        _l("Une page de « %(filename)s » est démesurée : %(width_px)s × %(height_px)s points."),
        _l("Numérisez-la de nouveau à 300 points par pouce."),
    ),
    "file.none": Message(
        _l("Aucun fichier n'a été choisi."), _l("Choisissez un ou plusieurs fichiers PDF, TIFF, JPEG ou PNG.")
    ),
    "file.not_looked_at": Message(
        _l("Le fichier « %(filename)s » n'a pas pu être examiné à temps."),
        _l("Renvoyez-le ; si l'erreur revient, envoyez-le en plusieurs fois."),
    ),
    "file.too_large": Message(
        _l("Le fichier dépasse la taille permise."), _l("Envoyez un fichier plus léger ou en plusieurs fois.")
    ),
    "file.too_many": Message(
        _l("Trop de fichiers à la fois : %(maximum)s au plus."), _l("Envoyez-les en plusieurs fois.")
    ),
    "file.too_many_pages": Message(
        _l("Le fichier « %(filename)s » a plus de %(max_pages)s pages."), _l("Envoyez-le en plusieurs fichiers.")
    ),
    "file.truncated": Message(
        _l("Le fichier « %(filename)s » est incomplet ou abîmé."), _l("Envoyez-le de nouveau depuis l'original.")
    ),
    "file.type_unknown": Message(
        _l("Le fichier « %(filename)s » n'est ni un PDF, ni une image TIFF, JPEG ou PNG, quel que soit son nom."),
        _l("Envoyez le document dans un de ces formats."),
    ),
    # --- form ---
    "form.expired": Message(
        _l("Le formulaire est resté ouvert trop longtemps : rien n'a été enregistré."),
        _l("Revenez à la page précédente, rechargez-la et envoyez de nouveau."),
    ),
    "form.required": Message(_l("Ce champ est obligatoire."), _l("Remplissez-le.")),
    "form.too_long": Message(_l("Ce texte est trop long : %(maximum)s caractères au plus."), _l("Raccourcissez-le.")),
    "form.not_a_number": Message(_l("Un nombre entier est attendu."), _l("Écrivez-le en chiffres.")),
    "form.out_of_range": Message(
        _l("La valeur doit être comprise entre %(minimum)s et %(maximum)s."), _l("Corrigez-la.")
    ),
    "form.not_a_date": Message(
        _l("Cette date n'existe pas ou n'est pas écrite comme attendu."), _l("Écrivez jour/mois/année : 24/11/2026.")
    ),
    "form.not_a_time": Message(_l("Cette heure n'est pas écrite comme attendu."), _l("Écrivez heure:minutes : 14:05.")),
    "form.unknown_choice": Message(
        _l("Ce choix n'existe pas, ou n'existe plus."), _l("Choisissez dans la liste proposée.")
    ),
    # --- key ---
    "key.damaged": Message(
        _l("La clé de signature enregistrée est illisible."),
        _l("L'administrateur doit la restaurer depuis une sauvegarde ou émettre une nouvelle clé."),
    ),
    "key.expired": Message(
        _l("Votre certificat de signature est arrivé à expiration."), _l("Demandez un nouveau certificat.")
    ),
    "key.locked": Message(
        _l("Votre clé de signature est verrouillée."), _l("Saisissez votre phrase secrète, puis signez.")
    ),
    "key.none": Message(
        _l("Vous n'avez pas de clé de signature."),
        _l("Demandez un certificat à l'administrateur, ou signez à la main l'exemplaire imprimé."),
    ),
    "key.passphrase_short": Message(
        _l("La phrase secrète est trop courte."), _l("Choisissez-la de 12 caractères au moins.")
    ),
    "key.passphrase_wrong": Message(
        _l("La phrase secrète est inexacte ; essais restants : %(tries_left)s."), _l("Saisissez-la de nouveau.")
    ),
    "key.too_many_tries": Message(
        _l("Trop de phrases secrètes inexactes : la clé est bloquée."),
        _l("Demandez à l'administrateur de la débloquer."),
    ),
    # --- mail ---
    "mail.unknown": Message(
        _l("Ce courrier n'existe pas, ou vous n'y avez pas accès."), _l("Vérifiez le numéro ou demandez l'accès.")
    ),
    "mail.wrong_state": Message(
        _l("L'état actuel du courrier ne permet pas cette action."), _l("Rechargez le courrier : il a pu changer.")
    ),
    # --- ocr ---
    "ocr.failed": Message(
        _l("La lecture de la page a échoué."), _l("Réessayez ; si l'erreur revient, prévenez l'administrateur.")
    ),
    "ocr.timeout": Message(_l("La lecture du document a pris trop de temps."), _l("Réessayez plus tard.")),
    "ocr.unavailable": Message(_l("Le moteur de lecture n'est pas disponible."), _l("Prévenez l'administrateur.")),
    # --- order ---
    "order.dpi": Message(
        _l("La résolution doit être comprise entre 50 et 1200 points par pouce."), _l("Choisissez-la dans la liste.")
    ),
    "order.mode": Message(_l("Ce mode de couleur n'existe pas."), _l("Choisissez dans la liste.")),
    "order.state": Message(
        _l("L'état envoyé par le numériseur n'est pas connu."), _l("Mettez le poste de numérisation à jour.")
    ),
    "order.unknown": Message(_l("Cette demande de numérisation n'existe plus."), _l("Commencez un nouveau lot.")),
    # --- page ---
    "page.digest_mismatch": Message(_l("La page est arrivée abîmée."), _l("Elle doit être envoyée de nouveau.")),
    "page.order": Message(_l("Le rang de la page n'est pas valable."), _l("Mettez le poste de numérisation à jour.")),
    "page.token": Message(
        _l("La référence de la page n'est pas valable."), _l("Mettez le poste de numérisation à jour.")
    ),
    "page.token_reused": Message(
        _l("Deux pages différentes portent la même référence."), _l("Mettez le poste de numérisation à jour.")
    ),
    "page.crash": Message(
        _l("Une erreur inattendue s'est produite."),
        _l("Rien n'a été enregistré. Réessayez ; si l'erreur revient, donnez la référence à l'administrateur."),
    ),
    "page.method": Message(
        _l("Cette adresse ne s'ouvre pas directement."), _l("Revenez à la page précédente et utilisez ses boutons.")
    ),
    "page.refused": Message(_l("La demande n'a pas été comprise."), _l("Revenez à la page précédente et réessayez.")),
    "page.unknown": Message(_l("Cette page n'existe pas."), _l("Vérifiez l'adresse, ou repartez de l'accueil.")),
    # --- password ---
    "password.too_short": Message(
        _l("Le mot de passe est trop court."), _l("Choisissez-le de %(minimum)s caractères au moins.")
    ),
    "password.wrong": Message(_l("Le mot de passe actuel est inexact."), _l("Saisissez-le de nouveau.")),
    "password.differs": Message(
        _l("Les deux saisies sont différentes."), _l("Saisissez deux fois le même mot de passe.")
    ),
    # --- person ---
    "person.unknown": Message(_l("Ce compte n'existe pas ou est fermé."), _l("Vérifiez le compte.")),
    # --- scan ---
    "scan.kind": Message(
        _l("Une numérisation ne peut pas être jointe à ce titre."), _l("Choisissez document, annexe ou preuve.")
    ),
    "scan.letter_missing": Message(
        _l("Aucun courrier n'est choisi."), _l("Choisissez un courrier de la liste ou écrivez son numéro.")
    ),
    "scan.merge_itself": Message(
        _l("Une numérisation ne peut pas être réunie à elle-même."), _l("Choisissez-en une autre.")
    ),
    "scan.no_pages": Message(_l("Toutes les pages sont retirées."), _l("Remettez au moins une page.")),
    "scan.not_clerk": Message(
        _l("Les numérisations de cette unité sont l'affaire de son bureau d'ordre."), _l("Adressez-vous à lui.")
    ),
    "scan.not_waiting": Message(
        _l("Cette numérisation n'attend plus : elle a été jointe, réunie ou écartée."), _l("Rechargez la liste.")
    ),
    "scan.number_unknown": Message(
        _l("Aucun courrier que vous pouvez voir ne porte le numéro « %(number)s »."), _l("Vérifiez le numéro.")
    ),
    "scan.order": Message(_l("L'ordre donné ne correspond plus aux pages."), _l("Rechargez la numérisation.")),
    "scan.page_unknown": Message(_l("Cette page n'est plus dans la numérisation."), _l("Rechargez la numérisation.")),
    "scan.signed": Message(_l("Ce fichier est signé : il reste entier, octet pour octet."), _l("Joignez-le tel quel.")),
    "scan.split_first": Message(
        _l("La coupure doit laisser au moins une page avant elle."), _l("Choisissez une page après la première.")
    ),
    "scan.stale": Message(
        _l("Quelqu'un d'autre a modifié cette numérisation entre-temps."),
        _l("Regardez son état ci-dessous, puis recommencez."),
    ),
    "scan.turn": Message(_l("Une page se tourne par quarts de tour."), _l("Choisissez 90, 180 ou 270 degrés.")),
    "scan.unknown": Message(
        _l("Cette numérisation n'existe pas, ou attend dans une autre unité."), _l("Rechargez la liste.")
    ),
    # --- session ---
    "session.refused": Message(_l("Identifiant ou mot de passe inexact."), _l("Vérifiez les deux, puis réessayez.")),
    "session.required": Message(
        _l("Vous n'êtes pas connecté, ou votre session a pris fin : rien n'a été enregistré."),
        _l("Connectez-vous, puis recommencez."),
    ),
    "session.throttled": Message(_l("Trop d'essais infructueux."), _l("Attendez %(minutes)s min avant de réessayer.")),
    # --- upload ---
    "upload.too_large": Message(
        _l("L'envoi dépasse la taille permise."), _l("Envoyez un fichier plus léger ou en plusieurs fois.")
    ),
}
