"""The table of error codes: what happened, and what to do about it, in French.

Blocks stand in the order of the codes' first word. A per cent sign of the text itself is written ``%%``. The texts are those of
the catalogue: whoever shows one on a page translates it there. So ``ged ocr`` tells an error without loading the site.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """The French of one code."""

    what: str
    remedy: str


class Params(dict[str, object]):
    """The values of an error for its text; one that is missing is shown as "…"."""

    def __missing__(self, key: str) -> str:
        return "…"


def _l(text: str) -> str:
    """Marks a text for the catalogue, which is translated where it is shown."""
    return text


_IMPUTE_AGAIN = _l("Pour changer la décision, réimputez le courrier.")

MESSAGES: Mapping[str, Message] = {
    # --- access ---
    "access.role_missing": Message(
        _l("Votre fonction ne donne pas accès à cette page."),
        _l("Si vous en avez besoin, demandez à l'administrateur de vous donner ce rôle."),
    ),
    "access.not_administrators": Message(
        _l("Cette page est celle d'un autre rôle que l'administration."),
        _l("Elle s'ouvre à qui occupe un poste doté de ce rôle."),
    ),
    "access.not_installations": Message(
        _l("Cette page concerne toute l'installation, qui sert plusieurs ministères."),
        _l("Elle s'ouvre aux comptes que nomme le paramètre GED_INSTALLATION_ACCOUNTS."),
    ),
    # --- account ---
    "account.not_first": Message(
        _l("Cette installation a déjà des comptes."), _l("Un administrateur inscrit les autres personnes.")
    ),
    "account.refused": Message(_l("Ce compte ne peut pas être créé : %(detail)s"), _l("Corrigez, puis recommencez.")),
    # --- act ---
    "act.closed_parent": Message(_l("« %(unit)s » est fermé."), _l("Choisissez un service ouvert.")),
    "act.closed_unit": Message(_l("« %(unit)s » est fermé."), _l("Choisissez un service ouvert.")),
    "act.day": Message(
        _l("La date doit être postérieure à aujourd'hui, et dans moins d'un an."),
        _l("Choisissez un jour à venir, ou videz ce champ pour agir maintenant."),
    ),
    "act.hangs": Message(
        _l("Cette modification ne peut pas être annulée : quelque chose en dépend, ou a changé depuis."),
        _l("Défaites d'abord ce qui est nommé ici, ou proposez la modification contraire."),
    ),
    "act.closed_holder": Message(
        _l("« %(post)s » reviendrait à une personne dont le compte est fermé depuis."),
        _l("Annulez d'abord son départ."),
    ),
    "act.held_twice": Message(
        _l("« %(post)s » aurait deux titulaires : il a été attribué depuis."),
        _l("Annulez d'abord la modification plus récente."),
    ),
    "act.installation_account": Message(
        _l("Ce compte administre toute l'installation, avec ses autres ministères."),
        _l("Demandez cette modification à un administrateur de toute l'installation."),
    ),
    "act.last_administrator": Message(
        _l("Après cette modification, plus personne n'administrerait l'application."),
        _l("Donnez d'abord le rôle d'administrateur à une autre personne, qui a déjà son mot de passe."),
    ),
    "act.common_stock": Message(
        _l("Cet élément est commun à tous les ministères : l'administrateur de l'installation le tient."),
        _l("Créez le vôtre, pour votre entité, avec le même code."),
    ),
    "act.no_signatory": Message(
        _l("Le circuit a des étapes, mais personne ne signe."), _l("Choisissez le signataire, ou ôtez les étapes.")
    ),
    "act.nothing": Message(
        _l("Aucune modification demandée : tout est déjà ainsi."), _l("Changez un champ, ou annulez.")
    ),
    "act.other_direction": Message(
        _l("Cette nature de registre est d'un autre sens."), _l("Choisissez le sens qui lui convient.")
    ),
    "act.planner_gone": Message(
        _l("La personne qui avait prévu cette modification est partie, ou n'est plus administrateur."),
        _l("Si la modification est toujours voulue, proposez-la de nouveau."),
    ),
    "act.overtaken": Message(
        _l("L'organisation a changé depuis que cette modification a été montrée."),
        _l("Relisez ce qui va changer, puis confirmez."),
    ),
    "act.own_rights": Message(
        _l("Cette modification vous donnerait à vous-même un poste, un rôle ou une habilitation."),
        _l("Un administrateur n'ouvre aucun courrier : un autre administrateur peut le faire."),
    ),
    "act.posts_within": Message(
        _l("Des postes occupés resteraient dans le service fermé : %(posts)s."),
        _l("Déplacez-les, ou laissez-les vacants."),
    ),
    "act.registers_within": Message(
        _l("Des registres resteraient au service fermé : %(registers)s."), _l("Confiez-les d'abord à un autre service.")
    ),
    "act.settled": Message(
        _l("Cette modification a déjà été confirmée, abandonnée ou annulée."), _l("Son état est écrit sur cette page.")
    ),
    "act.top": Message(
        _l("« %(unit)s » est au sommet : il ne se ferme pas."), _l("Fermez les services placés dessous.")
    ),
    "act.undo_unfit": Message(
        _l("Des modifications plus récentes s'appuient sur celle-ci (%(detail)s)."),
        _l("Annulez d'abord les plus récentes."),
    ),
    "act.units_below": Message(
        _l("Des services ouverts resteraient sous le service fermé : %(units)s."), _l("Déplacez-les d'abord.")
    ),
    "act.unknown": Message(
        _l("Cet élément n'existe pas, ou a été supprimé."), _l("Ouvrez-le de nouveau depuis la liste.")
    ),
    "paper.entity": Message(_l("Aucune entité ouverte n'a ce code."), _l("Donnez le code d'une entité ouverte.")),
    "act.year_missing": Message(
        _l("Le registre recommence chaque année, mais son numéro ne dit pas l'année."),
        _l("Ajoutez {year}, sinon chaque numéro reviendra l'an prochain."),
    ),
    # --- api ---
    "api.json": Message(_l("La demande n'a pas la forme attendue."), _l("Mettez la station de numérisation à jour.")),
    # --- assign ---
    "assign.forbidden": Message(
        _l("Seul le chef du service imputé peut confier ce courrier."), _l("Demandez-le au chef de ce service.")
    ),
    "assign.not_below": Message(
        _l("Ce service n'est pas placé sous le vôtre."), _l("Choisissez un service placé sous le vôtre.")
    ),
    "assign.post": Message(_l("Ce poste n'appartient pas au service choisi."), _l("Choisissez un poste du service.")),
    "assign.twice": Message(
        _l("Ce courrier est déjà confié à ce service ou à ce poste."), _l("Choisissez quelqu'un d'autre.")
    ),
    # --- absence ---
    "absence.dates": Message(
        _l("La période n'est pas valable."),
        _l("Elle ne finit ni avant son début ni avant aujourd'hui, et dure un an au plus."),
    ),
    "absence.ended": Message(_l("Cette absence a déjà pris fin."), _l("Rechargez la liste.")),
    "absence.not_covered": Message(
        _l("Cette délégation ne couvre pas toute l'absence."),
        _l("Donnez une délégation pour toute la période, ou choisissez-en une autre."),
    ),
    "absence.not_for_them": Message(
        _l("Vous ne pouvez pas déclarer l'absence de cette personne, ni y mettre fin."),
        _l("Adressez-vous à son supérieur hiérarchique ou à un administrateur."),
    ),
    "absence.not_yours": Message(_l("Cette absence n'est pas la vôtre."), _l("Rechargez la page.")),
    "absence.overlap": Message(_l("Une autre absence est déjà déclarée à ces dates."), _l("Mettez-y fin d'abord.")),
    "absence.replacement": Message(
        _l("Ce remplacement n'est pas possible."), _l("Choisissez une délégation de la liste.")
    ),
    "absence.unknown": Message(_l("Cette absence n'existe pas."), _l("Rechargez la liste.")),
    # --- annotation ---
    "annotation.empty": Message(_l("La note est vide."), _l("Écrivez votre remarque.")),
    "annotation.not_in_circuit": Message(
        _l("Les notes en marge sont réservées au circuit de ce projet."),
        _l("Adressez-vous à l'auteur ou à un poste du circuit."),
    ),
    "annotation.not_open": Message(
        _l("Cette note ne change plus : elle est traitée, ou le projet n'est plus dans le circuit."),
        _l("Rechargez la page."),
    ),
    "annotation.place": Message(
        _l("Cet endroit n'est pas sur les pages du projet."), _l("Choisissez une page du projet.")
    ),
    "annotation.too_long": Message(_l("Cette note dépasse %(limit)s caractères."), _l("Raccourcissez-la.")),
    "annotation.too_many": Message(_l("Ce projet porte déjà %(limit)s notes."), _l("Faites-en traiter quelques-unes.")),
    "annotation.unknown": Message(_l("Cette note n'existe pas."), _l("Rechargez la page.")),
    # --- assignment ---
    "assignment.reason": Message(
        _l("Le motif du retour est obligatoire."), _l("Écrivez pourquoi ce courrier ne relève pas de votre service.")
    ),
    "assignment.unknown": Message(_l("Cette imputation n'existe pas, ou n'existe plus."), _l("Rechargez le courrier.")),
    "assignment.wrong_state": Message(
        _l("Quelqu'un a agi avant vous sur cette imputation."), _l("Rechargez la page : elle montre ce qui a changé.")
    ),
    # --- attachment ---
    "attachment.pages": Message(_l("Une page au moins doit être gardée."), _l("Cochez une page à garder.")),
    "attachment.present": Message(
        _l("Ce fichier est déjà joint à ce courrier, sous le nom « %(filename)s »."),
        _l("Choisissez un autre fichier, ou revenez au courrier."),
    ),
    "attachment.reason": Message(
        _l("Le courrier a déjà un document : le motif du remplacement est obligatoire."), _l("Écrivez le motif.")
    ),
    "attachment.replaced": Message(
        _l("Une version plus récente de ce document existe."), _l("Ouvrez la version la plus récente.")
    ),
    "attachment.unknown": Message(
        _l("Ce document n'existe pas, ou vous n'y avez pas accès."), _l("Rechargez le courrier.")
    ),
    # --- authority ---
    "authority.exists": Message(
        _l("Une autorité de certification existe déjà à cet endroit."),
        _l("Gardez celle qui existe, ou indiquez un dossier vide."),
    ),
    "authority.none": Message(
        _l("Le ministère n'a pas d'autorité de certification."),
        _l("Adressez-vous à l'autorité qui a délivré le certificat."),
    ),
    "authority.passphrase_wrong": Message(
        _l("La phrase secrète de l'autorité est inexacte."), _l("Retapez la phrase secrète.")
    ),
    "authority.root_passphrase": Message(
        _l("La phrase secrète de l'autorité racine est inexacte."), _l("Retapez la phrase secrète.")
    ),
    # --- batch ---
    "batch.complete": Message(_l("Ce lot est déjà terminé."), _l("Commencez un nouveau lot.")),
    "batch.full": Message(_l("Ce lot a atteint %(limit)s pages."), _l("Terminez-le, puis commencez un nouveau lot.")),
    "batch.key": Message(_l("La référence du lot n'est pas valable."), _l("Mettez la station de numérisation à jour.")),
    "batch.unknown": Message(_l("Ce lot n'existe pas."), _l("Commencez un nouveau lot.")),
    # --- blob ---
    "backup.altered": Message(
        _l("Ce fichier de la sauvegarde n'est pas celui qui a été écrit."),
        _l("Prenez une sauvegarde plus ancienne, ou un autre support."),
    ),
    "backup.broken": Message(
        _l("Ce fichier de la sauvegarde est abîmé ou absent : %(where)s."),
        _l("Prenez une autre sauvegarde, ou un autre support."),
    ),
    "disk.key_damaged": Message(
        _l("La clé du disque commencé est abîmée : %(where)s."), _l("Recommencez le disque (--anew).")
    ),
    "disk.manifest_damaged": Message(
        _l("Le manifeste du disque est abîmé : %(where)s."), _l("Prenez un autre disque.")
    ),
    "disk.none": Message(
        _l("Il n'y a pas de disque complet dans ce dossier."),
        _l("Indiquez le dossier GED-…, ou reprenez « ged disk make » s'il n'est pas terminé."),
    ),
    "disk.part_altered": Message(
        _l("Ce fichier du disque a été altéré : %(where)s."), _l("Prenez un autre disque, ou restaurez sa sauvegarde.")
    ),
    "disk.passphrase_weak": Message(
        _l("Cette phrase est trop facile à trouver pour un disque."),
        _l("Tapez six mots ou plus, sans lien entre eux."),
    ),
    "disk.passphrase_wrong": Message(
        _l("Ce n'est pas la phrase avec laquelle le disque a été commencé."),
        _l("Tapez celle-là, ou recommencez le disque (--anew)."),
    ),
    "backup.client_missing": Message(
        _l("Les programmes de PostgreSQL manquent, ou sont plus anciens que le serveur."),
        _l("Installez postgresql-client de la version du serveur."),
    ),
    "backup.database_not_empty": Message(
        _l("La base de données n'est pas vide."),
        _l("Indiquez une base vide : rien n'est jamais restauré par-dessus des données."),
    ),
    "backup.dump_failed": Message(
        _l("PostgreSQL n'a pas pu copier ou reprendre la base : %(said)s"),
        _l("Consultez le journal de PostgreSQL."),
    ),
    "backup.identity_invalid": Message(
        _l("Ce fichier ne contient pas de clé privée."),
        _l("Indiquez le fichier qui contient une ligne AGE-SECRET-KEY-1…."),
    ),
    "backup.index_damaged": Message(
        _l("Le sommaire de la sauvegarde est abîmé : %(where)s."),
        _l("Prenez une autre sauvegarde, ou un autre support."),
    ),
    "backup.keys_beside_data": Message(
        _l("Les clés iraient à côté de ce qu'elles ouvrent : %(folder)s."),
        _l("Choisissez un autre support pour les clés."),
    ),
    "backup.keys_medium_away": Message(
        _l("Le support des clés n'est pas là : %(folder)s."),
        _l("Branchez-le, ou sauvegardez sans les clés cette fois."),
    ),
    "backup.live_accounts": Message(
        _l("Les comptes de l'installation en service peuvent être lus."), _l("Deux de ses administrateurs consentent.")
    ),
    "backup.live_unreadable": Message(
        _l("Les comptes de l'installation en service ne peuvent pas être lus."),
        _l("Réparez-la, ou dites à la commande qu'il n'y a personne : le journal restauré le dira."),
    ),
    "backup.no_live": Message(
        _l("Il n'y a pas d'installation en service à cet endroit."), _l("Restaurez dans des dossiers neufs.")
    ),
    "backup.not_movable": Message(
        _l("Ce dossier ne peut pas être mis de côté : %(setting)s."),
        _l("Arrêtez ce qui s'en sert ; si un disque y est monté, restaurez dans d'autres dossiers."),
    ),
    "backup.over_halfway": Message(
        _l("Une restauration à la place de cette installation a été interrompue."),
        _l("Appelez-la de nouveau avec --over : l'installation mise de côté revient d'abord."),
    ),
    "backup.still_running": Message(
        _l("L'installation en service travaille encore."), _l("Arrêtez le site et les tâches de fond d'abord.")
    ),
    "backup.medium_away": Message(
        _l("Le support de sauvegarde n'est pas là : %(folder)s."),
        _l("Branchez-le ; la première fois, créez le dossier."),
    ),
    "backup.medium_damaged": Message(
        _l("Ce qui vient d'être écrit sur le support se relit autrement."),
        _l("Remplacez le disque : %(folder)s."),
    ),
    "backup.no_keyring": Message(
        _l("Le trousseau des documents n'est pas là : %(place)s."),
        _l("Mettez le dernier ged-keyring-….age à côté de l'archive des clés : les fichiers sont chiffrés avec lui."),
    ),
    "backup.no_keys": Message(
        _l("L'archive des clés n'est pas là : %(place)s."),
        _l("Indiquez le fichier ged-keys-….age, ou son dossier."),
    ),
    "backup.no_medium": Message(
        _l("Ce dossier ne contient pas de sauvegarde : %(folder)s."),
        _l("Indiquez le dossier où « ged backup » a écrit."),
    ),
    "backup.no_room": Message(
        _l("Le support de sauvegarde n'a pas assez de place."),
        _l("Libérez-en, prenez un support plus grand ou gardez moins de sauvegardes ; les précédentes sont entières."),
    ),
    "backup.no_room_here": Message(
        _l("Le disque n'a pas assez de place : il manque %(missing_bytes)s octets."),
        _l("Libérez de la place, ou choisissez un autre disque."),
    ),
    "backup.no_snapshot": Message(
        _l("Cette sauvegarde n'est pas sur le support."),
        _l("« ged backup list » donne celles qui y sont."),
    ),
    "backup.not_empty": Message(
        _l("Le dossier n'est pas vide : %(folder)s."),
        _l("Indiquez un dossier neuf : rien n'est jamais restauré par-dessus des données."),
    ),
    "backup.not_ours": Message(
        _l("La clé du journal n'a pas signé cette sauvegarde : %(where)s."),
        _l("Quelqu'un d'autre l'a faite, ou les clés sont celles d'une autre installation."),
    ),
    "backup.not_set": Message(
        _l("La sauvegarde n'est pas réglée : %(setting)s."),
        _l("Donnez le support et la clé publique."),
    ),
    "backup.other_database": Message(
        _l("La sauvegarde est d'une autre sorte de base de données."),
        _l("Restaurez SQLite dans le dossier des données, PostgreSQL dans une base vide."),
    ),
    "backup.recipient_invalid": Message(
        _l("Cette clé publique n'est pas valable."),
        _l("Copiez-la en entier : elle commence par age1."),
    ),
    "backup.restored": Message(
        _l("Cette tâche a peut-être été faite après la sauvegarde qui a été restaurée."),
        _l("Demandez au destinataire, puis relancez-la ou laissez-la."),
    ),
    "backup.running": Message(
        _l("Une autre sauvegarde ou restauration est en cours."),
        _l("Attendez qu'elle soit finie."),
    ),
    "backup.unsteady": Message(
        _l("Des fichiers ont été supprimés pendant la sauvegarde."),
        _l("Recommencez quand le nettoyage de nuit est fini."),
    ),
    "backup.medium_in_data": Message(
        _l("Ce support est dans le dossier des données : %(folder)s."),
        _l("Choisissez un dossier d'un autre disque : ce qui emporte les données emporterait aussi la copie."),
    ),
    "backup.medium_read_only": Message(
        _l("Ce support ne se laisse pas écrire : %(folder)s."),
        _l("Montez-le en écriture, pour le compte qui lance cette commande."),
    ),
    "backup.no_public_key": Message(
        _l("Ce fichier n'est pas la clé publique du journal."),
        _l("Indiquez une copie de seal/journal.pub, du dossier des données."),
    ),
    "backup.wrong_key": Message(
        _l("Cette clé, ou cette phrase secrète, n'ouvre pas la sauvegarde."),
        _l("Donnez celle pour laquelle elle a été chiffrée."),
    ),
    "blob.altered": Message(
        _l("Le contenu de ce fichier a été altéré sur le serveur."),
        _l("Prévenez l'administrateur : le fichier doit être restauré depuis la sauvegarde."),
    ),
    "blob.missing": Message(
        _l("Le contenu de ce fichier est introuvable sur le serveur."),
        _l("Prévenez l'administrateur : le fichier doit être restauré depuis la sauvegarde."),
    ),
    "blob.write_failed": Message(
        _l("Le serveur n'a pas pu enregistrer le fichier."),
        _l("Prévenez l'administrateur (le disque du serveur refuse d'écrire), puis déposez de nouveau le fichier."),
    ),
    "blob.header": Message(
        _l("Un fichier enregistré est endommagé."), _l("L'administrateur doit le restaurer depuis une sauvegarde.")
    ),
    "blob.no_key": Message(
        _l("La clé de ce document est absente du trousseau."),
        _l("Prévenez l'administrateur : le document a été éliminé, ou le trousseau doit être restauré."),
    ),
    "blob.no_keyring": Message(
        _l("Ce document est chiffré, et le serveur n'a pas de trousseau."),
        _l("Prévenez l'administrateur : le réglage GED_KEYRING manque."),
    ),
    "blob.unreadable": Message(
        _l("Le contenu chiffré de ce fichier a été altéré sur le serveur."),
        _l("Prévenez l'administrateur : le fichier doit être restauré depuis la sauvegarde."),
    ),
    # --- bridge ---
    "bridge.code_wrong": Message(
        _l("Ce code d'appairage est inconnu, déjà utilisé ou périmé."), _l("Demandez un nouveau code.")
    ),
    "bridge.devices": Message(
        _l("La liste des scanners n'a pas la forme attendue."), _l("Mettez la station de numérisation à jour.")
    ),
    "bridge.pair_forbidden": Message(
        _l("Vous ne pouvez pas ajouter ou retirer une station de numérisation dans ce service."),
        _l("Adressez-vous à l'agent du bureau d'ordre de ce service, ou à l'administrateur."),
    ),
    "bridge.token_wrong": Message(
        _l("Cette station de numérisation n'est pas connue, ou n'a plus accès."), _l("Appairez-la de nouveau.")
    ),
    "bridge.unknown": Message(
        _l("Cette station de numérisation n'existe pas ou n'a plus accès."), _l("Choisissez une station de la liste.")
    ),
    # --- calendar ---
    "calendar.forbidden": Message(
        _l("Seul l'administrateur tient le calendrier."), _l("Adressez-vous à l'administrateur.")
    ),
    "calendar.unknown": Message(_l("Ce changement du calendrier n'existe pas."), _l("Rechargez le calendrier.")),
    "calendar.changed_since": Message(
        _l("Ce jour a changé depuis : rien n'est annulé."), _l("Corrigez-le par « Ajouter ou corriger un jour ».")
    ),
    "calendar.nothing": Message(
        _l("Le calendrier est déjà ainsi : rien ne changerait."), _l("Changez quelque chose, ou revenez au calendrier.")
    ),
    "calendar.overtaken": Message(
        _l("Quelqu'un a changé le calendrier depuis votre aperçu ; rien n'est enregistré."),
        _l("Comparez, puis confirmez ou annulez."),
    ),
    "calendar.week_changed_since": Message(
        _l("La semaine de travail a changé depuis : rien n'est annulé."), _l("Corrigez-la par « Semaine de travail ».")
    ),
    "calendar.year": Message(_l("Le jour est trop éloigné."), _l("Donnez un jour entre l'année 2000 et l'année 2100.")),
    "calendar.name": Message(
        _l("Le nom du jour manque, ou dépasse 200 caractères."), _l("Écrivez le nom du jour férié.")
    ),
    # --- check ---
    "check.unavailable": Message(
        _l("La vérification des signatures n'a pas pu démarrer."),
        _l("Réessayez ; si l'erreur revient, prévenez l'administrateur."),
    ),
    "check.too_often": Message(
        _l("Trop de vérifications ont été demandées depuis votre réseau en peu de temps."),
        _l("Attendez une minute, puis réessayez."),
    ),
    # --- cell ---
    "cell.already_holds": Message(_l("Cette personne occupe déjà ce poste."), _l("Choisissez-en une autre.")),
    "cell.amount": Message(_l("Le montant n'est pas valable."), _l("Donnez un montant en F CFA, ou laissez vide.")),
    "cell.as_given": Message(
        _l("Une délégation ne se modifie pas."), _l("Retirez-la, puis donnez-en une autre par un autre acte.")
    ),
    "cell.cannot_remove": Message(_l("Cette valeur est obligatoire."), _l("Elle se change, mais ne s'ôte pas.")),
    "cell.choice": Message(_l("Cette valeur n'est pas de la liste."), _l("Choisissez : %(choices)s.")),
    "cell.closed_holder": Message(_l("Ce compte est fermé."), _l("Choisissez une autre personne.")),
    "cell.closed_person": Message(_l("Ce compte est fermé."), _l("Choisissez une autre personne.")),
    "cell.closed_successor": Message(
        _l("Ce successeur est fermé lui-même, et aucun service ouvert ne le suit."), _l("Choisissez-en un autre.")
    ),
    "cell.letters": Message(
        _l("Un compte s'écrit avec des lettres sans accent, des chiffres, des points et des tirets."),
        _l("Écrivez-le ainsi : k.ametepe."),
    ),
    "cell.capitals": Message(_l("Un compte s'écrit en minuscules."), _l("Écrivez « %(account)s ».")),
    "cell.control": Message(_l("Ce texte contient un caractère invisible."), _l("Retapez-le.")),
    "cell.cycle": Message(
        _l("Un service ne se place pas sous lui-même, ni sous un service placé sous lui."),
        _l("Choisissez-en un autre."),
    ),
    "cell.day": Message(_l("Ce n'est pas une date."), _l("Écrivez jour/mois/année.")),
    "cell.glyph": Message(
        _l("Le caractère « %(character)s » ne peut pas être imprimé."), _l("Retirez ou remplacez ce caractère.")
    ),
    "cell.interim_held": Message(
        _l("Ce poste a un titulaire."), _l("Son intérim s'inscrit à la page « Délégations », avec son absence.")
    ),
    "cell.email": Message(
        _l("Cette adresse électronique n'est pas complète."), _l("Elle contient une arobase : nom@domaine.tg.")
    ),
    "cell.itself": Message(_l("Ce ne peut pas être lui-même."), _l("Choisissez-en un autre.")),
    "cell.missing": Message(_l("« %(column)s » est obligatoire."), _l("Remplissez ce champ.")),
    "cell.nearly_twice": Message(
        _l("« %(other)s » existe déjà."),
        _l("Choisissez un autre code, qui n'en diffère pas que par les majuscules ou les accents."),
    ),
    "cell.no_paper": Message(
        _l("Le registre papier continué n'est pas nommé."), _l("Donnez son tome et le jour où il est arrêté.")
    ),
    "cell.no_successor": Message(
        _l("Un service fermé a un successeur, qui reçoit son courrier."), _l("Choisissez ce successeur.")
    ),
    "cell.number": Message(_l("Ce n'est pas un nombre entier."), _l("Écrivez un nombre de 0 à %(limit)s.")),
    "cell.numbers": Message(
        _l("Ce ne sont pas des nombres entiers séparés par des virgules."), _l("Écrivez par exemple -2, 1, 5.")
    ),
    "cell.no_entity": Message(_l("Ce service n'est pas une entité."), _l("Choisissez une entité.")),
    "cell.no_signatory": Message(
        _l("Ce poste ne signe pas."), _l("Donnez-lui le rôle de signataire, ou choisissez un autre poste.")
    ),
    "cell.other_direction": Message(
        _l("Ce registre est d'un autre sens que la nature."), _l("Choisissez un registre du même sens.")
    ),
    "cell.not_given": Message(_l("Cette délégation n'est pas en cours."), _l("Rien à retirer.")),
    "cell.other_ministry": Message(
        _l("Cette personne n'occupe aucun poste du ministère de ce poste."), _l("Choisissez-en une autre.")
    ),
    "cell.period": Message(
        _l("La période n'est pas valable."),
        _l("Elle ne finit ni avant son début ni avant aujourd'hui, et dure un an au plus."),
    ),
    "cell.post_twice": Message(_l("Ce poste est deux fois dans le circuit."), _l("Gardez une seule étape.")),
    "cell.signature_last": Message(
        _l("Une signature, une seule, termine le circuit."), _l("Choisissez un seul signataire.")
    ),
    "cell.pattern": Message(
        _l("Le modèle de numéro n'est pas valable."),
        _l("Il contient {seq:05d} ; il peut contenir {year}, {entity}, {unit}, {register}."),
    ),
    "cell.pattern_long": Message(
        _l("Un numéro du registre %(register)s dépasserait %(maximum)s caractères."),
        _l("Abrégez le modèle, ou écrivez-y un sigle court à la place de {entity}, {unit} ou {register}."),
    ),
    "cell.refused": Message(_l("Ce changement est refusé : %(detail)s."), _l("Corrigez d'abord ce qui en dépend.")),
    "cell.slash": Message(_l("Ce code s'écrit sans barre oblique (/)."), _l("Écrivez-le avec un trait d'union.")),
    "cell.space": Message(
        _l("Un code ou un compte s'écrit sans espace."), _l("Écrivez-le sans espace, ou avec un trait d'union.")
    ),
    "cell.still_holds": Message(
        _l("Cette personne occupe encore : %(posts)s."), _l("Donnez ces postes à une autre, ou laissez-les vacants.")
    ),
    "cell.too_long": Message(_l("Ce texte a %(length)s caractères : c'est trop."), _l("Écrivez-en %(limit)s au plus.")),
    "cell.unknown": Message(_l("« %(value)s » n'existe pas."), _l("Choisissez dans la liste.")),
    "cell.unknown_near": Message(_l("« %(value)s » n'existe pas."), _l("Vouliez-vous dire « %(near)s » ?")),
    # --- certificate ---
    "certificate.reason": Message(_l("Ce motif de révocation n'existe pas."), _l("Choisissez un motif proposé.")),
    "certificate.revoked": Message(_l("Ce certificat est déjà révoqué."), _l("Rien à faire.")),
    "certificate.unknown": Message(
        _l("Ce certificat n'a pas été délivré par le ministère."), _l("Vérifiez le numéro de série.")
    ),
    # --- circuit ---
    "circuit.acted_already": Message(
        _l("Quelqu'un a déjà agi dans le circuit."),
        _l("Demandez à la personne qui vise ensuite de renvoyer le projet."),
    ),
    "circuit.compulsory": Message(
        _l("Pour la nature « %(nature)s », un visa ou un avis obligatoire manque au circuit : %(posts)s."),
        _l("Ajoutez-le, ou reprenez le circuit type de cette nature."),
    ),
    "circuit.no_offer": Message(
        _l("Aucun circuit n'est connu pour cette nature."), _l("Choisissez les postes dans les listes.")
    ),
    "circuit.no_signatory": Message(_l("Le signataire manque."), _l("Choisissez le signataire.")),
    "circuit.not_your_turn": Message(
        _l("Ce n'est pas votre tour dans le circuit."),
        _l("Rechargez la page : quelqu'un a agi avant vous, ou passe avant vous."),
    ),
    "circuit.not_yours": Message(
        _l("Ce courrier n'est pas à votre visa ni à votre signature."),
        _l("Seuls les postes du circuit agissent sur le courrier."),
    ),
    "circuit.replace_asked": Message(
        _l("Cette nature a son circuit type ; vous en avez choisi un autre."),
        _l("Indiquez lequel garder : rien n'est encore remplacé."),
    ),
    "circuit.too_long": Message(
        _l("Le circuit demande trop de visas et d'avis : %(limit)s au plus."), _l("Demandez-en moins.")
    ),
    "circuit.twice": Message(
        _l("Un poste figure deux fois dans le circuit."),
        _l("Nommez chaque poste une fois : le signataire ne vise pas."),
    ),
    "circuit.not_earlier": Message(
        _l("Ce poste n'a pas de visa à redonner."), _l("Choisissez l'auteur, ou un visa donné à une étape précédente.")
    ),
    "circuit.nothing_to_take_back": Message(
        _l("Il n'y a rien que vous puissiez retirer : la personne suivante a agi."),
        _l("Demandez-lui de renvoyer le projet."),
    ),
    "circuit.not_signatory": Message(_l("Ce poste ne signe pas."), _l("Choisissez un poste qui signe.")),
    "circuit.opinion_reason": Message(
        _l("Un avis réservé ou défavorable se motive."), _l("Écrivez ce qui le motive : les suivants le liront.")
    ),
    "circuit.post": Message(_l("Ce poste n'est pas dans la liste."), _l("Choisissez des postes de la liste.")),
    "circuit.reason_missing": Message(_l("Le motif du renvoi est obligatoire."), _l("Écrivez le motif.")),
    "circuit.text_long": Message(_l("Ce texte dépasse %(limit)s caractères."), _l("Raccourcissez-le.")),
    # --- monthly reports ---
    "monthly.no_report": Message(
        _l("Ce fichier n'est pas un rapport mensuel."), _l("Choisissez le PDF d'un rapport mensuel.")
    ),
    "open_data.act_in_future": Message(
        _l("La date de l'acte est à venir."), _l("Écrivez le jour où l'acte a été pris.")
    ),
    "open_data.not_publisher": Message(
        _l("Ces données ne sont pas à vous de les publier."),
        _l("Demandez-le au chef du ministère ou à un administrateur."),
    ),
    "open_data.nothing": Message(
        _l("Aucun nombre n'atteint %(least)s : il n'y a rien à publier."), _l("Attendez qu'il y ait plus de courriers.")
    ),
    "open_data.overtaken": Message(_l("Quelqu'un vient de publier ces mois."), _l("Relisez la page.")),
    "open_data.unknown": Message(_l("Cette publication n'existe pas."), _l("Choisissez-en une de la liste.")),
    "monthly.made_already": Message(_l("Ce rapport vient d'être établi."), _l("Relisez la liste.")),
    "monthly.made_before": Message(
        _l("Ce mois a déjà un rapport avec les mêmes nombres, établi le %(at)s."),
        _l("Ouvrez-le, ou dites pourquoi il en faut un autre : le journal garde le motif."),
    ),
    "monthly.no_pdf": Message(_l("Ce fichier n'est pas un PDF."), _l("Choisissez le PDF d'un rapport mensuel.")),
    "monthly.no_reader": Message(
        _l("Ce programme ne sait pas lire un rapport."), _l("Faites faire la tâche par un service de l'installation.")
    ),
    "monthly.not_made": Message(
        _l("Le rapport du mois de l'entité %(entity)s n'a pas pu être établi (%(cause)s)."),
        _l("Établissez-le sur la page des rapports mensuels : la cause y est dite. Sinon, la nuit suivante réessaie."),
    ),
    "monthly.not_counted": Message(
        _l("Les chiffres du registre sont en cours de calcul."), _l("Demandez le rapport de nouveau un peu plus tard.")
    ),
    "monthly.not_maker": Message(
        _l("Ce rapport n'est pas à vous de l'établir."), _l("Demandez-le au chef de l'entité ou à un administrateur.")
    ),
    "monthly.not_reader": Message(
        _l("Ce rapport dit des nombres exacts, que vous ne pouvez pas lire."),
        _l("Demandez-le au chef de l'entité. Vous pouvez le faire vérifier."),
    ),
    "monthly.not_over": Message(
        _l("Ce mois n'est pas fini."), _l("Choisissez un mois fini : son rapport ne se fait qu'après son dernier jour.")
    ),
    "monthly.reason": Message(_l("Ce motif est trop long : %(limit)s signes au plus."), _l("Raccourcissez-le.")),
    "monthly.unknown": Message(_l("Ce rapport n'existe pas."), _l("Choisissez-en un de la liste.")),
    "monthly.unknown_entity": Message(_l("Cette entité n'existe pas."), _l("Choisissez-en une de la liste.")),
    # --- closing ---
    "closing.changed": Message(_l("Le registre a changé pendant la clôture."), _l("Demandez-la de nouveau.")),
    "closing.closed": Message(
        _l("Ces dates sont déjà closes, jusqu'au %(until_on)s."), _l("Choisissez un jour après.")
    ),
    "closing.days_open": Message(
        _l("Des jours de %(year)s ne sont pas encore clos."), _l("Arrêtez d'abord les jours, jusqu'au 31 décembre.")
    ),
    "closing.not_over": Message(
        _l("Un jour ou une année se clôt quand il est fini."), _l("Choisissez la veille, ou une année passée.")
    ),
    "closing.nothing": Message(
        _l("Rien n'est à clore dans le registre %(register)s à ces dates."), _l("Choisissez une date plus récente.")
    ),
    "closing.register_waits": Message(
        _l(
            "Le registre %(register)s attend le dernier numéro donné avant la panne : ses jours ne se closent pas encore."
        ),
        _l("Donnez d'abord ce numéro, à la page « Reprise après une panne »."),
    ),
    "closing.unknown": Message(_l("Cette clôture n'existe pas."), _l("Choisissez-en une de la liste.")),
    "closing.waiting": Message(
        _l("Des numéros attendent encore leur signature : %(numbers)s."),
        _l("Faites-les signer ou annuler, puis demandez la clôture."),
    ),
    # --- correspondent ---
    "correspondent.email": Message(
        _l("L'adresse électronique n'est pas valable."), _l("Écrivez une seule adresse, ou laissez le champ vide.")
    ),
    "correspondent.forbidden": Message(
        _l("L'annuaire est tenu par le bureau d'ordre."), _l("Demandez la correction à un agent du bureau d'ordre.")
    ),
    "correspondent.merge_itself": Message(
        _l("Une fiche ne se fusionne pas avec elle-même."), _l("Choisissez-en une autre.")
    ),
    "correspondent.merge_not_own": Message(
        _l("Cette fiche n'est pas celle de votre entité."), _l("Fusionnez seulement une fiche de votre entité.")
    ),
    "correspondent.merge_shared": Message(
        _l("La fiche en double est visible des autres entités, celle qui reste ne l'est pas."),
        _l("Partagez d'abord la fiche qui reste."),
    ),
    "correspondent.stands_for_others": Message(
        _l("D'autres entités ont fusionné une de leurs fiches avec celle-ci."),
        _l("Laissez-la visible des autres entités."),
    ),
    "correspondent.merge_used": Message(
        _l("Un nouveau courrier se rattache à la fiche qui reste : la fusion ne s'annule plus."),
        _l("Rectifiez d'abord l'expéditeur des nouveaux courriers."),
    ),
    "correspondent.merged": Message(_l("L'une des deux fiches est déjà fusionnée."), _l("Rechargez la page.")),
    "correspondent.not_merged": Message(_l("Cette fiche n'est pas fusionnée."), _l("Rechargez la page.")),
    "correspondent.name_missing": Message(_l("Le nom du correspondant manque."), _l("Écrivez le nom.")),
    "correspondent.name_taken": Message(
        _l("Un autre correspondant porte déjà ce nom."), _l("Distinguez-les : ajoutez la ville ou la direction.")
    ),
    "correspondent.stale": Message(
        _l("Quelqu'un a changé cette fiche pendant votre saisie : rien n'a été enregistré."),
        _l("Lisez sa modification, puis envoyez de nouveau."),
    ),
    "correspondent.unknown": Message(
        _l("Ce correspondant n'existe pas dans l'annuaire."), _l("Choisissez de nouveau l'expéditeur.")
    ),
    # --- database, disk ---
    "database.away": Message(
        _l("Le service ne peut pas lire ses données en ce moment."),
        _l(
            "Rien n'a été enregistré. Attendez une minute, puis envoyez de nouveau ; la page d'avant garde votre saisie."
        ),
    ),
    "database.busy": Message(
        _l("Trop de personnes enregistrent en même temps."),
        _l("Rien n'a été enregistré. Attendez quelques secondes, puis envoyez de nouveau."),
    ),
    "database.slow": Message(
        _l("La base de données ne répond pas assez vite : votre demande a été arrêtée."),
        _l(
            "Rien n'est perdu : ce qui était enregistré le reste, et la page d'avant garde votre saisie. Attendez une minute, puis "
            "recommencez ; si cela dure, prévenez l'administrateur."
        ),
    ),
    "disk.full": Message(
        _l("Le serveur n'a plus de place : rien n'a été enregistré."),
        _l("Prévenez l'administrateur (espace disque insuffisant), puis envoyez de nouveau."),
    ),
    "disk.low": Message(
        _l("Le serveur n'a plus assez de place pour cet envoi : rien n'en a été pris."),
        _l("Prévenez l'administrateur (espace disque insuffisant), puis envoyez de nouveau."),
    ),
    "database.overtaken": Message(
        _l("Plusieurs personnes agissent au même moment sur les mêmes courriers : rien n'a été enregistré."),
        _l("Envoyez de nouveau dans un instant."),
    ),
    # --- deadline ---
    "deadline.days": Message(
        _l("Le délai n'est pas un nombre de jours ouvrés entre 0 et 366."), _l("Corrigez le délai.")
    ),
    "deadline.later_than_above": Message(
        _l("L'échéance dépasse celle qui vous est donnée : %(limit)s."),
        _l("Choisissez une date qui ne la dépasse pas."),
    ),
    "deadline.no_working_day": Message(_l("La semaine de travail n'a aucun jour."), _l("Cochez au moins un jour.")),
    # --- discharge ---
    "discharge.before_departure": Message(
        _l("La décharge est antérieure au départ du courrier."), _l("Corrigez la date et l'heure.")
    ),
    "discharge.capacity": Message(
        _l("La qualité du réceptionnaire manque."), _l("Écrivez en quelle qualité il a reçu.")
    ),
    "discharge.in_future": Message(_l("Cette date est dans l'avenir."), _l("Corrigez la date et l'heure.")),
    "discharge.name": Message(_l("Le nom du réceptionnaire manque."), _l("Écrivez qui a reçu le courrier.")),
    "discharge.not_left": Message(_l("Cette ligne n'est pas encore partie."), _l("Notez d'abord le départ.")),
    # --- delegation ---
    "delegation.act": Message(
        _l("Nommez l'acte qui accorde la délégation."), _l("Numéro et date de l'arrêté ou de la note.")
    ),
    "delegation.amount": Message(
        _l("Le montant n'est pas valable."), _l("Donnez un montant en F CFA, ou laissez vide pour ne pas limiter.")
    ),
    "delegation.until_twice": Message(
        _l("La fin est donnée deux fois : le nombre de jours conduit au %(counted)s."),
        _l("Gardez la date ou le nombre de jours."),
    ),
    "delegation.dates": Message(
        _l("La période n'est pas valable."),
        _l("Elle ne finit ni avant son début ni avant aujourd'hui, et dure un an au plus."),
    ),
    "delegation.forbidden": Message(
        _l("Vous ne pouvez pas confier ce poste."),
        _l("Seul son titulaire délègue ; pour un intérim, adressez-vous à la hiérarchie du poste."),
    ),
    "delegation.gone": Message(
        _l("La délégation par laquelle vous agissiez vient d'être annulée ; rien n'est enregistré."),
        _l("Rechargez la page : elle montre ce que vous pouvez faire."),
    ),
    "delegation.itself": Message(_l("Cette personne tient déjà le poste."), _l("Choisissez quelqu'un d'autre.")),
    "delegation.oneself": Message(
        _l("Vous ne pouvez pas vous confier vous-même l'intérim de ce poste."),
        _l("Le titulaire, ou un autre chef, doit vous désigner."),
    ),
    "delegation.person": Message(_l("Cette personne n'a pas de compte ouvert."), _l("Choisissez dans la liste.")),
    "delegation.present": Message(
        _l("Le titulaire du poste n'est pas déclaré absent le %(day)s."),
        _l("Déclarez d'abord son absence, ou limitez l'intérim à ses jours d'absence."),
    ),
    "delegation.held": Message(
        _l("Ce poste a un titulaire (%(post)s)."),
        _l("Son intérim s'inscrit à la page « Délégations », avec son absence."),
    ),
    "delegation.as_given": Message(
        _l("Une délégation ne se modifie pas (%(act)s)."), _l("Retirez-la, puis donnez-en une autre par un autre acte.")
    ),
    "delegation.ended_before": Message(
        _l("Cette délégation du poste %(post)s a déjà pris fin (%(act)s)."),
        _l("Donnez-la par un autre acte, ou ôtez sa ligne."),
    ),
    "delegation.unknown": Message(_l("Cette délégation n'existe pas."), _l("Rechargez la liste.")),
    "delegation.withdrawn": Message(_l("Cette délégation a déjà pris fin."), _l("Rechargez la liste.")),
    # --- supervisors ---
    "supervisor.unit": Message(_l("Ce service n'est pas ouvert."), _l("Choisissez dans la liste.")),
    "supervisor.one": Message(
        _l("L'acte nomme une personne, ou un poste."), _l("Choisissez l'une ou l'autre, et pas les deux.")
    ),
    "supervisor.person": Message(_l("Cette personne n'a pas de compte ouvert."), _l("Choisissez dans la liste.")),
    "supervisor.post": Message(_l("Ce poste n'existe pas."), _l("Choisissez dans la liste.")),
    "supervisor.oneself": Message(
        _l("Vous ne pouvez pas vous nommer vous-même superviseur."), _l("Un autre administrateur enregistre cet acte.")
    ),
    "supervisor.act": Message(
        _l("L'acte manque, ou dépasse %(limit)s caractères."), _l("Donnez son numéro et sa date.")
    ),
    "supervisor.dates": Message(
        _l("La période n'est pas valable."),
        _l("Elle commence il y a un an au plus, et ne finit ni avant son début ni avant aujourd'hui."),
    ),
    "supervisor.already": Message(
        _l("Un autre acte donne déjà cette supervision, pour une partie de ces jours."),
        _l("Mettez-y fin d'abord, ou choisissez d'autres jours."),
    ),
    "supervisor.unknown": Message(_l("Cette supervision n'existe pas."), _l("Rechargez la liste.")),
    "supervisor.ended": Message(_l("Cette supervision a déjà pris fin."), _l("Rechargez la liste.")),
    # --- directory, provider, break_glass ---
    "directory.away": Message(
        _l("L'annuaire du ministère ne répond pas."),
        _l("Réessayez dans un instant. En cas d'urgence, un compte de secours se connecte ici par son mot de passe."),
    ),
    "directory.base": Message(
        _l("L'annuaire n'a pas l'entrée %(base)s."), _l("L'administrateur doit corriger GED_LDAP_BASE.")
    ),
    "directory.bind": Message(
        _l("L'annuaire refuse le compte qui cherche."),
        _l("L'administrateur doit corriger GED_LDAP_BIND_DN ou GED_LDAP_BIND_PASSWORD."),
    ),
    "directory.certificate": Message(
        _l("Le certificat de l'annuaire %(url)s est refusé."),
        _l("L'administrateur doit corriger le nom du serveur, son certificat ou GED_LDAP_CA."),
    ),
    "directory.filter": Message(
        _l("Un filtre de l'annuaire ne se lit pas."),
        _l("L'administrateur doit corriger GED_LDAP_FILTER ou GED_LDAP_CLOSED_FILTER."),
    ),
    "directory.mismatch": Message(
        _l("Ce compte est lié à une autre fiche de l'annuaire."), _l("Adressez-vous à l'administrateur.")
    ),
    "directory.nobody": Message(
        _l("L'annuaire ne connaît plus aucune des personnes connectées."),
        _l("L'administrateur doit vérifier le droit de lecture de GED_LDAP_BIND_DN, et GED_LDAP_FILTER."),
    ),
    "directory.no_link": Message(_l("Ce lien n'existe plus."), _l("Relisez la liste.")),
    "provider.away": Message(
        _l("Le site qui gère les comptes du ministère ne répond pas."),
        _l("Réessayez dans un instant. En cas d'urgence, un compte de secours se connecte ici par son mot de passe."),
    ),
    "provider.cancelled": Message(_l("La connexion n'a pas abouti."), _l("Recommencez.")),
    "provider.issuer": Message(
        _l("Le site qui gère les comptes du ministère se présente sous un autre nom."),
        _l("L'administrateur doit écrire GED_OIDC_ISSUER comme ce site l'écrit."),
    ),
    "provider.no_account": Message(
        _l("Aucun compte d'ici n'est le vôtre."),
        _l("Demandez à l'administrateur qu'il ouvre un compte à votre nom, ou qu'il refasse le lien."),
    ),
    "provider.none": Message(
        _l("Aucun site ne gère les comptes du ministère ici."), _l("Connectez-vous par identifiant et mot de passe.")
    ),
    "provider.other_person": Message(
        _l("Vous vous êtes connecté là-bas au nom d'une autre personne."), _l("Recommencez sous votre nom.")
    ),
    "provider.over": Message(
        _l("Cette connexion est trop ancienne, a déjà servi, ou vient d'un autre navigateur."), _l("Recommencez.")
    ),
    "provider.refused": Message(
        _l("La réponse du site qui gère les comptes du ministère n'est pas valable."),
        _l("Recommencez. Si cela se répète, prévenez l'administrateur."),
    ),
    "break_glass.known": Message(_l("Ce compte est déjà un compte de secours."), _l("Rien n'est à faire.")),
    "break_glass.no_password": Message(
        _l("Ce compte n'a pas de mot de passe d'ici."), _l("Faites-lui d'abord un premier accès.")
    ),
    "break_glass.too_many": Message(_l("Il y a déjà %(most)s comptes de secours."), _l("Retirez-en un d'abord.")),
    "break_glass.unarmed": Message(
        _l("Ce compte n'a pas de vérification en deux étapes."),
        _l("Son titulaire ajoute d'abord un téléphone ou une clé d'accès."),
    ),
    "break_glass.unknown": Message(_l("Ce compte de secours n'existe plus."), _l("Relisez la liste.")),
    # --- dispatch ---
    "dispatch.by_email": Message(
        _l("Un envoi par courriel ne se note pas comme un départ sur papier."),
        _l("Utilisez le bouton qui envoie le message."),
    ),
    "dispatch.carrier": Message(
        _l("Le porteur manque."), _l("Nommez la personne ou la société qui porte le courrier.")
    ),
    "dispatch.email": Message(_l("L'adresse électronique n'est pas valable."), _l("Corrigez l'adresse.")),
    "dispatch.email_to_confirm": Message(
        _l("Cette adresse a changé, ou vient d'une autre entité : rien n'a été envoyé."),
        _l("Comparez-la avec le courrier reçu, puis cochez « J'ai vérifié cette adresse »."),
    ),
    "dispatch.email_confidential": Message(
        _l("Un courrier confidentiel ne part pas par courriel."), _l("Expédiez-le sur papier.")
    ),
    "dispatch.gone": Message(
        _l("Cette ligne est déjà partie, ou son envoi est en cours."), _l("Rechargez la liste des départs.")
    ),
    "dispatch.none_chosen": Message(_l("Aucun pli n'est coché."), _l("Cochez au moins un pli de la liste.")),
    "dispatch.too_many": Message(_l("Une tournée porte %(limit)s plis au plus."), _l("Faites-en deux.")),
    "dispatch.not_clerk": Message(
        _l("Seul le bureau d'ordre qui a numéroté ce courrier l'expédie."), _l("Adressez-vous à ce bureau.")
    ),
    "dispatch.not_ready": Message(
        _l("L'original numérisé n'est pas encore lu."), _l("Attendez quelques instants, puis réessayez.")
    ),
    "dispatch.not_signed": Message(_l("Ce courrier n'est pas signé."), _l("Un courrier part une fois signé.")),
    "dispatch.not_uncertain": Message(
        _l("Cet envoi est encore en cours."), _l("Attendez qu'il soit terminé, puis rechargez la page.")
    ),
    "dispatch.reference": Message(
        _l("Le numéro du recommandé manque."), _l("Recopiez le numéro de la preuve de dépôt.")
    ),
    "dispatch.stale": Message(
        _l("Quelqu'un a modifié cette ligne entre-temps."), _l("Relisez la ligne, puis recommencez.")
    ),
    "dispatch.too_long": Message(_l("Ce texte dépasse %(limit)s caractères."), _l("Raccourcissez-le.")),
    "dispatch.unknown": Message(
        _l("Cette ligne de départ n'existe pas, ou vous n'y avez pas accès."), _l("Rechargez la liste des départs.")
    ),
    # --- disposal ---
    "disposal.changed": Message(
        _l("La liste n'est plus celle qui était montrée."),
        _l("Relisez-la ; un bordereau proposé se refuse et se refait."),
    ),
    "disposal.in_clear": Message(
        _l(
            "Des fichiers de ces courriers (%(count)s) ne sont pas chiffrés : détruits ici, d'anciennes copies les rendraient."
        ),
        _l(
            "Demandez à l'administrateur d'activer le trousseau et de chiffrer les fichiers (ged blobs encrypt). Si un verrou du stockage en garde une version en clair, attendez sa fin."
        ),
    ),
    "disposal.empty": Message(_l("Aucun courrier n'est à éliminer."), _l("Rien n'est à faire.")),
    "disposal.first_lost": Message(
        _l("Qui a proposé ce bordereau n'est plus responsable du service."), _l("Faites-le proposer de nouveau.")
    ),
    "disposal.not_head": Message(_l("Vous n'êtes pas responsable de ce service."), _l("Demandez à son responsable.")),
    "disposal.not_second": Message(
        _l("Vous ne pouvez pas confirmer ce bordereau : il faut deux personnes distinctes."),
        _l("Un autre responsable, qui n'agit pas pour le premier, le confirme."),
    ),
    "disposal.reason": Message(_l("La règle ou le visa manque, ou est trop long."), _l("Écrivez 300 signes au plus.")),
    "disposal.settled": Message(_l("Ce bordereau n'attend plus."), _l("Relisez-le.")),
    "disposal.unknown": Message(_l("Ce bordereau n'existe pas."), _l("Ouvrez-le de nouveau depuis la liste.")),
    # --- hold ---
    "hold.above": Message(
        _l("Ce courrier est gelé au nom d'un service au-dessus du vôtre."),
        _l("Demandez à la personne qui l'a gelé, ou au responsable de son service."),
    ),
    "hold.none": Message(_l("Ce courrier n'est pas gelé."), _l("Relisez le courrier.")),
    "hold.reason": Message(_l("Le motif du gel manque, ou est trop long."), _l("Écrivez 300 signes au plus.")),
    "hold.standing": Message(_l("Ce courrier est gelé déjà."), _l("Relisez le courrier.")),
    # --- document ---
    "document.no_original": Message(
        _l("Ce document vient d'un scanner : ses originaux sont ses pages."),
        _l("Ouvrez le PDF, ou l'original d'une page."),
    ),
    "document.not_read": Message(
        _l("Ce document n'a pas encore été lu par la machine."), _l("Attendez un instant, puis rechargez.")
    ),
    "document.page_unknown": Message(
        _l("Cette page n'existe pas dans le document."), _l("Choisissez une page du document.")
    ),
    # --- draft ---
    "draft.abandon_reason": Message(_l("Le motif de l'abandon est obligatoire."), _l("Écrivez le motif.")),
    "draft.not_author": Message(
        _l("Seul l'auteur du projet, ou le chef au-dessus, peut le modifier."),
        _l("Adressez-vous à l'auteur du projet ou à son chef."),
    ),
    "draft.amount": Message(
        _l("Le montant en jeu n'est pas valable."), _l("Donnez un montant en F CFA, ou laissez vide s'il n'y en a pas.")
    ),
    "draft.unknown": Message(
        _l("Ce projet de courrier n'existe pas, ou vous n'y avez pas accès."), _l("Choisissez un courrier au départ.")
    ),
    "draft.stale": Message(
        _l("Quelqu'un a modifié ce projet pendant que vous l'aviez ouvert."),
        _l("Lisez ce qui a changé, puis recommencez : votre saisie est gardée."),
    ),
    "draft.nature_missing": Message(
        _l("La nature du courrier n'est pas choisie."), _l("Choisissez-la : elle dit quels visas sont obligatoires.")
    ),
    "draft.no_post": Message(_l("Vous n'écrivez pas par ce poste."), _l("Choisissez un poste que vous occupez.")),
    "draft.closed": Message(
        _l("Ce courrier est confirmé par le signataire : il ne change plus."),
        _l("Préparez un nouveau courrier s'il faut corriger."),
    ),
    "draft.subject_missing": Message(_l("L'objet manque."), _l("Écrivez l'objet du courrier.")),
    "draft.parties": Message(
        _l("Trop de destinataires, ou trop longs : %(limit)s au plus."), _l("Nommez-en moins, ou raccourcissez.")
    ),
    "draft.annexes": Message(_l("Trop de pièces jointes : %(limit)s au plus."), _l("Joignez moins de pièces.")),
    "draft.too_long": Message(_l("Ce texte dépasse %(limit)s caractères."), _l("Raccourcissez-le.")),
    "draft.rich_unknown": Message(
        _l("Ce texte n'a pas pu être lu."), _l("Rechargez la page, puis saisissez de nouveau ce qui manque.")
    ),
    "draft.table_large": Message(
        _l("Un tableau dépasse %(rows)s lignes ou %(columns)s colonnes."), _l("Partagez-le en plusieurs tableaux.")
    ),
    "draft.no_version": Message(_l("Cette version n'existe pas."), _l("Choisissez deux versions de la liste.")),
    "draft.untitled": Message(
        _l("La pièce « %(name)s » n'a pas d'intitulé."),
        _l("Écrivez son intitulé : la lettre l'imprime après « P.J. »."),
    ),
    "draft.copy_elsewhere": Message(
        _l("Ce projet est ouvert dans un autre onglet, où la saisie est plus récente."),
        _l("Continuez dans l'autre onglet, ou rechargez cette page."),
    ),
    "draft.copy_large": Message(
        _l("Cette saisie est trop longue pour être gardée d'elle-même."), _l("Enregistrez le projet.")
    ),
    "draft.email": Message(_l("L'adresse électronique %(email)s n'est pas valable."), _l("Corrigez l'adresse.")),
    "draft.placeholders": Message(
        _l("Le texte garde des champs à remplir : %(names)s."), _l("Remplacez les noms entre accolades.")
    ),
    "draft.no_addressee": Message(_l("Le destinataire manque."), _l("Nommez un destinataire.")),
    "draft.body_missing": Message(_l("Le texte du courrier manque."), _l("Écrivez la lettre.")),
    "draft.changed": Message(
        _l("Le courrier a changé depuis que vous l'avez lu."), _l("Relisez-le, puis recommencez.")
    ),
    # --- envelope ---
    "entity.account_of_installation": Message(
        _l("Des comptes de ce dossier portent le nom de ceux qui administrent toute l'installation : %(codes)s."),
        _l("Donnez un préfixe à ses codes et à ses comptes (--prefix)."),
    ),
    "entity.being_written": Message(
        _l("Une autre exportation écrit ce dossier en ce moment."), _l("Attendez qu'elle soit terminée.")
    ),
    "entity.broken": Message(
        _l("Ce dossier n'est plus celui qui a été signé : %(where)s."), _l("Faites-le envoyer de nouveau.")
    ),
    "entity.came_from_elsewhere": Message(
        _l("Cette entité a été reprise d'une autre installation."),
        _l("Exportez-la là où elle était : ses preuves tiennent à l'autre journal."),
    ),
    "entity.certificate": Message(
        _l("Ce fichier n'est pas un certificat de réception valable."),
        _l("Demandez à l'installation qui reprend l'entité celui que fait la commande « ged entity key »."),
    ),
    "entity.fingerprint": Message(
        _l("L'empreinte ne correspond pas à ce certificat."),
        _l(
            "Demandez-la de vive voix à l'installation qui reprend l'entité : ce certificat vient peut-être de quelqu'un d'autre."
        ),
    ),
    "entity.receiver_unknown": Message(
        _l("Ce certificat n'est pas admis sur ce serveur."),
        _l("Demandez à l'exploitant du serveur de l'admettre (ged entity accept), puis envoyez de nouveau."),
    ),
    "entity.key": Message(
        _l("La clé de réception ne peut pas être ouverte."),
        _l("Donnez la clé que « ged entity key » a faite, et sa phrase secrète."),
    ),
    "entity.other_key": Message(
        _l("Ce fichier est chiffré pour une autre clé de réception."),
        _l("Donnez la clé dont le certificat a servi au chiffrement."),
    ),
    "entity.not_yours": Message(
        _l("Seul l'administrateur de toute l'installation exporte une entité."), _l("Adressez-vous à lui.")
    ),
    "entity.export_gone": Message(_l("Ce fichier n'est plus disponible."), _l("Demandez de nouveau l'export.")),
    "entity.codes_taken": Message(
        _l("Des codes ou des comptes de ce dossier existent déjà ici : %(codes)s."),
        _l("Donnez un préfixe à ses codes et à ses comptes (--prefix)."),
    ),
    "entity.entangled": Message(
        _l("Des enregistrements de cette entité nomment ceux d'une autre entité : %(where)s."),
        _l("Exportez l'entité qui est au-dessus des deux."),
    ),
    "entity.not_signed": Message(
        _l("Ce dossier n'est pas signé par la clé donnée."), _l("Donnez la clé de l'installation qui l'a écrit.")
    ),
    "entity.other_schema": Message(
        _l("Ce dossier vient d'une autre version du programme (%(theirs)s, ici %(ours)s)."),
        _l("Mettez les deux installations à la même version."),
    ),
    "entity.taken_already": Message(_l("Ce dossier a déjà été repris."), _l("Il n'y a plus rien à faire.")),
    "entity.training": Message(
        _l("Une installation d'exercice et une vraie ne se mêlent pas."),
        _l("Exportez d'une installation de même sorte."),
    ),
    "entity.unfit": Message(
        _l("Une ligne de ce dossier n'est pas recevable : %(where)s."), _l("Faites-le envoyer de nouveau.")
    ),
    "entity.unknown": Message(_l("Aucune entité ne porte ce code."), _l("Donnez le code d'une entité.")),
    "entity.unreadable": Message(
        _l("Ce dossier est illisible ou incomplet : %(path)s."), _l("Faites-le envoyer de nouveau.")
    ),
    "envelope.addressee": Message(_l("Ce destinataire n'existe pas."), _l("Choisissez un poste de la liste.")),
    "envelope.arrived_in_future": Message(
        _l("L'heure d'arrivée est dans l'avenir."), _l("Corrigez la date ou l'heure.")
    ),
    "envelope.before_interim": Message(
        _l("Ce pli est arrivé avant votre intérim : il reste fermé."), _l("Il attend le titulaire du poste.")
    ),
    "envelope.count": Message(_l("Le nombre de plis doit être compris entre 1 et 999."), _l("Corrigez-le.")),
    "envelope.decided": Message(_l("La décision a déjà été prise pour ce pli."), _l("Rechargez la page.")),
    "envelope.kind": Message(_l("Ce type de pli n'existe pas."), _l("Choisissez dans la liste.")),
    "envelope.not_addressee": Message(
        _l("Seul le poste destinataire décide d'un pli fermé."), _l("Remettez le pli à son destinataire.")
    ),
    "envelope.not_opened": Message(_l("Ce pli n'est pas ouvert."), _l("Ouvrez-le d'abord.")),
    "envelope.not_returned": Message(
        _l("Ce pli n'a pas été retourné comme courrier ordinaire."), _l("Attendez la décision du destinataire.")
    ),
    "envelope.opened": Message(
        _l("Ce pli est ouvert : son numéro est celui du courrier."), _l("Annulez le numéro depuis le courrier.")
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
    # --- export ---
    "export.empty": Message(_l("Cet extrait n'a aucune ligne."), _l("Choisissez d'autres jours ou d'autres numéros.")),
    "export.rights_changed": Message(
        _l("Ce fichier contient un courrier auquel vous n'avez plus accès."), _l("Demandez de nouveau cet extrait.")
    ),
    "export.too_many": Message(
        _l("%(limit)s de vos fichiers se préparent déjà."), _l("Attendez-les, ou annulez-en un dans « Mes fichiers ».")
    ),
    "export.unknown": Message(
        _l("Ce fichier n'est plus là, ou n'est pas le vôtre."), _l("Rechargez « Mes fichiers », ou redemandez-le.")
    ),
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
    "file.not_chosen": Message(
        _l("Aucun fichier n'a été choisi."), _l("Choisissez le fichier, puis envoyez de nouveau.")
    ),
    "file.not_looked_at": Message(
        _l("Le fichier « %(filename)s » n'a pas pu être examiné à temps."),
        _l("Renvoyez-le ; si l'erreur revient, envoyez-le en plusieurs fois."),
    ),
    "file.signature_apart": Message(
        _l("« %(filename)s » est une signature séparée : elle signe un autre fichier."),
        _l("Joignez-la au même courrier que le fichier qu'elle signe."),
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
    "file.programs": Message(
        _l(
            "Le fichier « %(filename)s » contient des macros (des programmes), et n'est pas d'un format qui se lit ici."
        ),
        _l("Ne l'ouvrez pas ; demandez à l'expéditeur un PDF ou un texte sans macros."),
    ),
    "file.virus": Message(
        _l("Un virus a été trouvé dans « %(filename)s » : %(virus)s. Le fichier n'a pas été pris."),
        _l("N'ouvrez pas ce fichier ; prévenez son expéditeur et l'administrateur."),
    ),
    "file.truncated": Message(
        _l("Le fichier « %(filename)s » est incomplet ou abîmé."), _l("Envoyez-le de nouveau depuis l'original.")
    ),
    "file.type_unknown": Message(
        _l(
            "Le fichier « %(filename)s » n'est ni un PDF, ni une image TIFF, JPEG ou PNG, ni un texte Word, OpenDocument "
            "ou RTF, quel que soit son nom."
        ),
        _l("Envoyez le document dans un de ces formats."),
    ),
    "file.not_written": Message(
        _l("Le résultat « %(filename)s » n'a pas pu être écrit : %(reason)s."),
        _l("Libérez de la place ou choisissez un autre dossier, puis recommencez."),
    ),
    "file.unreadable": Message(
        _l("Le fichier « %(filename)s » n'existe pas ou ne peut pas être ouvert."),
        _l("Vérifiez son nom, son dossier et le droit de le lire."),
    ),
    # --- figures ---
    "figures.ahead": Message(
        _l(
            "Le fichier n'est pas fait : la période demandée (%(period)s) n'a pas encore commencé, rien n'y est compté."
        ),
        _l("Choisissez une période qui a commencé."),
    ),
    "figures.filters": Message(
        _l("Le fichier n'est pas fait : ce filtre n'est pas parmi vos choix, ou n'est pas compris : %(filters)s."),
        _l("Revenez à la page des chiffres et choisissez de nouveau."),
    ),
    "figures.left_ahead": Message(
        _l("Ces jours ne sont pas encore venus."), _l("Choisissez des jours passés : le dernier est hier au plus tard.")
    ),
    "figures.left_many": Message(
        _l("%(most)s périodes au plus sont laissées de côté."), _l("Comptez-en d'abord une de nouveau.")
    ),
    "figures.left_old": Message(
        _l("La prévision ne regarde plus ces jours."), _l("Choisissez des jours des %(weeks)s dernières semaines.")
    ),
    # --- filing ---
    "filing.closed": Message(
        _l("On ne classe plus dans « %(filing_class)s » : cette classe est fermée."),
        _l("Choisissez une classe de la liste."),
    ),
    "filing.unknown": Message(
        _l("Cette classe du plan de classement n'existe pas."), _l("Choisissez une classe de la liste.")
    ),
    # --- fixity ---
    "fixity.broken": Message(
        _l("Un fichier enregistré ne correspond plus à son empreinte."),
        _l("L'administrateur doit le restaurer depuis une sauvegarde."),
    ),
    # --- exception ---
    "exception.already": Message(
        _l("Une lecture par exception est déjà proposée ou ouverte à cette personne."), _l("Réglez-la d'abord.")
    ),
    "exception.first_lost": Message(
        _l("Qui l'a proposée n'a plus le droit de le faire."), _l("Proposez de nouveau la lecture.")
    ),
    "exception.many": Message(
        _l("Vous avez déjà fait %(most)s demandes depuis hier."),
        _l("Attendez demain, ou voyez la personne qui traite le courrier."),
    ),
    "exception.no_second": Message(
        _l("Aucune seconde personne ne peut confirmer cette lecture."),
        _l("Faites habiliter une seconde personne, ou demandez d'abaisser le niveau du courrier."),
    ),
    "exception.not_holder": Message(
        _l("Vous ne traitez pas ce courrier."), _l("Demandez à une personne qui le traite.")
    ),
    "exception.not_second": Message(
        _l(
            "Vous ne pouvez pas décider de cette lecture : il faut deux personnes distinctes, dont une qui décide du courrier."
        ),
        _l("Une autre personne qui traite le courrier la confirme."),
    ),
    "exception.not_secret": Message(_l("Ce courrier n'est pas secret."), _l("Confiez-le comme à l'ordinaire.")),
    "exception.person": Message(
        _l("Ce compte n'est pas celui d'une personne en poste dans ce ministère."), _l("Vérifiez le nom du compte.")
    ),
    "exception.reason": Message(
        _l("Le motif manque, ou il est trop long."), _l("Dites pourquoi, en 500 signes au plus.")
    ),
    "exception.sees": Message(_l("Cette personne voit déjà ce courrier."), _l("Rien n'est à faire.")),
    "exception.settled": Message(_l("Cette lecture par exception n'attend plus."), _l("Relisez le courrier.")),
    "exception.unknown": Message(_l("Cette lecture par exception n'existe pas."), _l("Relisez le courrier.")),
    "exception.until": Message(
        _l("Le dernier jour est passé, ou trop lointain."), _l("Choisissez un jour, dans %(days)s jours au plus.")
    ),
    # --- first_access ---
    "first_access.settled": Message(
        _l("Ce premier accès n'attend plus."),
        _l(
            "Il a été confirmé, refusé, utilisé ou remplacé, ou la personne, ses postes ou son habilitation ont changé. Relisez-le."
        ),
    ),
    "first_access.unknown": Message(_l("Ce premier accès n'existe pas."), _l("Ouvrez-le de nouveau depuis la liste.")),
    "first_access.waiting": Message(
        _l("Ce code attend une confirmation."),
        _l("Votre chef de service, ou un second administrateur, le confirme ; essayez ensuite de nouveau."),
    ),
    "first_access.closed": Message(_l("Ce compte est fermé."), _l("Rouvrez-le d'abord.")),
    "first_access.gone": Message(
        _l("Ce code n'est pas valable : il a déjà servi, il est trop ancien, ou il est mal tapé."),
        _l("Relisez-le, ou demandez-en un autre à l'administrateur."),
    ),
    "first_access.not_second": Message(
        _l("Vous n'êtes pas la seconde personne de ce premier accès."),
        _l("Un autre administrateur, ou un chef au-dessus de ce poste, le confirme."),
    ),
    "first_access.opened": Message(
        _l("Cette personne a déjà un mot de passe."),
        _l("S'il est oublié, l'exploitant en donne un nouveau (ged account password)."),
    ),
    # --- form ---
    "form.expired": Message(
        _l("Le formulaire est resté ouvert trop longtemps : rien n'a été enregistré."),
        _l("Revenez à la page précédente, rechargez-la et envoyez de nouveau."),
    ),
    "form.days_reversed": Message(_l("Le dernier jour est avant le premier."), _l("Corrigez l'un des deux jours.")),
    "form.numbers_reversed": Message(
        _l("Le dernier numéro est avant le premier."), _l("Corrigez l'un des deux numéros.")
    ),
    "form.required": Message(_l("Ce champ est obligatoire."), _l("Remplissez-le.")),
    "form.stale": Message(
        _l("Quelqu'un d'autre a enregistré une modification au même moment : rien n'a été enregistré de la vôtre."),
        _l("Lisez sa modification, puis envoyez de nouveau."),
    ),
    "form.too_long": Message(_l("Ce texte est trop long : %(maximum)s caractères au plus."), _l("Raccourcissez-le.")),
    "form.not_an_amount": Message(_l("Ce n'est pas un montant."), _l("Écrivez des chiffres, par exemple 5 000 000.")),
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
    # --- hold: registers that wait after a restore ---
    "hold.below": Message(
        _l("La copie contient déjà des numéros jusqu'au %(stands)s."),
        _l("Écrivez le plus grand numéro du papier, ou cochez qu'aucun n'a été donné depuis la copie."),
    ),
    "hold.both": Message(
        _l("Un numéro est écrit, et il est coché qu'aucun n'a été donné."), _l("Gardez l'un des deux.")
    ),
    "hold.far": Message(
        _l("De %(stands)s à %(told)s, %(lost)s numéros seraient perdus : c'est beaucoup."),
        _l("Relisez le papier ; si le numéro est juste, cochez que vous l'avez vérifié."),
    ),
    "hold.neither": Message(
        _l("Le dernier numéro donné manque."),
        _l("Écrivez-le, ou cochez qu'aucun numéro n'a été donné depuis la copie."),
    ),
    "hold.none_chosen": Message(_l("Aucun registre n'est coché."), _l("Cochez-en au moins un.")),
    "hold.number": Message(
        _l("Ce n'est pas un numéro du registre « %(register)s »."),
        _l("Écrivez le rang seul (457), ou le numéro tel qu'il est imprimé."),
    ),
    "hold.released": Message(
        _l("« %(register)s » a déjà été remis en service, avec le dernier numéro %(last)s (%(by)s)."),
        _l("Si ce numéro est faux, prévenez l'administrateur avant d'enregistrer."),
    ),
    "hold.too_far": Message(
        _l("De %(stands)s à ce numéro, plus de %(most)s numéros seraient perdus."), _l("Corrigez le numéro.")
    ),
    "hold.unknown": Message(
        _l("Ce registre n'attend pas, ou vous ne le tenez pas."), _l("Choisissez un registre de la liste.")
    ),
    # --- reserve: books for the hours without the program ---
    "reserve.after_line": Message(
        _l("La ligne %(line)s porte le %(moment)s : cette ligne-ci serait reçue après."),
        _l("Relisez le jour et l'heure ; s'ils sont justes, cochez la case."),
    ),
    "reserve.before_book": Message(
        _l("Ce moment est avant l'ouverture du carnet %(book)s (%(made)s)."), _l("Corrigez le jour ou l'heure.")
    ),
    "reserve.before_line": Message(
        _l("La ligne %(line)s porte le %(moment)s : cette ligne-ci serait reçue avant."),
        _l("Relisez le jour et l'heure : après minuit, le jour change. S'ils sont justes, cochez la case."),
    ),
    "reserve.line_unknown": Message(_l("Cette ligne n'existe pas."), _l("Choisissez une ligne du carnet.")),
    "reserve.line_used": Message(
        _l("La ligne %(line)s est déjà inscrite, sous le n° %(number)s (%(by)s)."),
        _l("Comparez avec le papier, puis choisissez la bonne ligne."),
    ),
    "reserve.line_void": Message(
        _l("La ligne %(line)s est annulée."),
        _l("Si un courrier y est écrit, enregistrez-le sans le carnet, avec sa date d'arrivée."),
    ),
    "reserve.key": Message(_l("La clé de la ligne n'est pas valable."), _l("Saisissez la ligne de nouveau.")),
    "reserve.key_reused": Message(
        _l("Une autre ligne est déjà venue avec cette clé."),
        _l("Comparez avec le site, puis saisissez la ligne de nouveau."),
    ),
    "reserve.lines_left": Message(
        _l("Il reste des lignes à saisir sur cette feuille : %(lines)s."), _l("Saisissez-les, ou annulez-les.")
    ),
    "reserve.not_found": Message(
        _l("Ce n'est pas le numéro d'un carnet que vous tenez."),
        _l("Écrivez le numéro imprimé en tête du carnet, ou lisez le code de la page."),
    ),
    "reserve.nothing_free": Message(_l("Le carnet %(book)s n'a aucune ligne libre ici."), _l("Relisez le carnet.")),
    "reserve.other_day": Message(
        _l("La date d'arrivée n'est pas le jour écrit au carnet."), _l("Donnez une seule date.")
    ),
    "reserve.other_register": Message(
        _l("Le carnet %(book)s n'est pas de ce registre."), _l("Choisissez le registre du carnet.")
    ),
    "reserve.pages": Message(_l("Un carnet a de 1 à %(most)s pages."), _l("Corrigez le nombre de pages.")),
    "reserve.received_in_future": Message(_l("Ce moment est dans l'avenir."), _l("Corrigez le jour ou l'heure.")),
    "reserve.sheet_unknown": Message(
        _l("Cette feuille n'existe pas, ou vous ne tenez pas son registre."), _l("Choisissez une feuille du carnet.")
    ),
    "reserve.typed_before": Message(
        _l("La ligne %(line)s a déjà été saisie à un poste."), _l("Comparez les deux avec le papier.")
    ),
    "reserve.typed_field": Message(_l("Un champ de la ligne ne convient pas : %(name)s."), _l("Corrigez-le.")),
    "reserve.typing_unknown": Message(_l("Cette saisie n'attend plus."), _l("Relisez le carnet.")),
    "reserve.used_meanwhile": Message(
        _l("Des lignes semblent avoir servi, ce que le formulaire ne disait pas encore : %(lines)s."),
        _l("Regardez-les, puis annulez de nouveau."),
    ),
    "reserve.unknown": Message(
        _l("Ce carnet n'existe pas, ou vous ne tenez pas son registre."), _l("Choisissez un carnet de la liste.")
    ),
    "reserve.void_reason": Message(_l("Le motif manque."), _l("Dites pourquoi ces lignes n'ont pas servi.")),
    # --- import ---
    "import.date": Message(_l("« %(value)s » n'est pas un jour."), _l("Écrivez le jour ainsi : 09/03/2015.")),
    "import.date_future": Message(_l("« %(value)s » est dans l'avenir."), _l("Corrigez le jour.")),
    "import.direction": Message(
        _l("Le sens « %(value)s » est inconnu."),
        _l("Écrivez « incoming » (arrivée), « outgoing » (départ) ou « internal » (interne)."),
    ),
    "import.empty": Message(_l("La ligne ne dit rien du courrier."), _l("Donnez un objet, un texte ou un fichier.")),
    "import.field_kind": Message(
        _l("Le champ %(field)s n'est ni un texte ni un nombre."), _l("Donnez un texte ou un nombre.")
    ),
    "import.field_long": Message(_l("Le champ %(field)s dépasse %(maximum)s caractères."), _l("Raccourcissez-le.")),
    "import.file_missing": Message(
        _l("Le fichier « %(value)s » est introuvable."), _l("Mettez-le dans le dossier, ou corrigez son nom.")
    ),
    "import.file_outside": Message(
        _l("Le fichier « %(value)s » est hors du dossier des fichiers."), _l("Nommez un fichier de ce dossier.")
    ),
    "import.file_unreadable": Message(
        _l("Le fichier « %(value)s » ne peut pas être lu."), _l("Donnez le droit de le lire.")
    ),
    "import.level": Message(
        _l("Le niveau « %(value)s » est inconnu."),
        _l("Écrivez « ordinaire », « confidentiel » ou « secret »."),
    ),
    "import.line_long": Message(_l("La ligne est trop longue."), _l("Donnez le texte par un fichier.")),
    "import.no_files_dir": Message(
        _l("La ligne nomme un fichier, et aucun dossier n'est donné."), _l("Donnez le dossier par --files.")
    ),
    "import.not_json": Message(
        _l("La ligne n'a pas la forme attendue (un objet « JSON » en UTF-8)."),
        _l("Écrivez un objet « JSON » par ligne."),
    ),
    "import.number_taken": Message(
        _l("Le numéro « %(value)s » existe déjà dans ce registre pour %(year)s."), _l("Corrigez le numéro.")
    ),
    "import.own_id": Message(
        _l("L'identifiant du courrier dans l'ancien système manque."), _l("Donnez-le dans le champ « id ».")
    ),
    "import.own_id_taken": Message(
        _l("Un autre courrier de ce registre porte l'identifiant « %(value)s »."), _l("Donnez-en un autre.")
    ),
    "import.own_id_twice": Message(
        _l("L'identifiant « %(value)s » se trouve deux fois dans le fichier."),
        _l("Donnez à chaque courrier le sien."),
    ),
    "import.register_nature": Message(
        _l("Ce registre ne numérote pas de courriers."), _l("Choisissez un registre de courriers.")
    ),
    "takeover.unit": Message(
        _l("Le service « %(value)s » est inconnu."),
        _l("Écrivez son code, ou son nom comme dans l'organisation ; ou videz la cellule."),
    ),
    "takeover.unknown": Message(_l("Ce tableur n'est pas ou n'est plus là."), _l("Déposez-le de nouveau.")),
    "takeover.asked": Message(
        _l("La reprise de ce tableur est déjà lancée."), _l("Pour changer les colonnes, déposez-le de nouveau.")
    ),
    "upgrade.not_finished": Message(
        _l("La mise à jour du programme n'est pas terminée."), _l("Recommencez quand elle le sera.")
    ),
    "takeover.not_archive": Message(
        _l("Ce registre n'est pas un registre d'archives antérieures."),
        _l("Choisissez un registre d'archives antérieures."),
    ),
    "takeover.empty": Message(_l("Cette feuille est vide."), _l("Déposez un tableur dont une feuille a des lignes.")),
    "takeover.too_long": Message(
        _l("Cette feuille a plus de %(maximum)s lignes."), _l("Partagez-la en plusieurs fichiers.")
    ),
    "takeover.field_twice": Message(
        _l("Deux colonnes donnent le même renseignement."), _l("Gardez-en une ; ne reprenez pas l'autre.")
    ),
    "takeover.no_subject": Message(
        _l("Aucune colonne ne donne l'objet du courrier."), _l("Dites quelle colonne le donne.")
    ),
    "takeover.no_day_column": Message(
        _l("Aucune colonne ne donne une date."),
        _l(
            "Dites quelle colonne donne la date d'enregistrement, d'arrivée ou de la lettre ; s'il n'y en a pas, ajoutez-la au tableur."
        ),
    ),
    "takeover.no_day": Message(
        _l("La ligne n'a pas de date."),
        _l("Écrivez la date du courrier, ou « idem » si c'est celle de la ligne du dessus."),
    ),
    "takeover.ditto": Message(
        _l("« %(value)s » ne répète rien ici."),
        _l("Écrivez la valeur elle-même : un numéro ne se répète pas, et la première ligne n'a rien au-dessus d'elle."),
    ),
    "takeover.no_number_no_day": Message(
        _l("La ligne n'a ni numéro ni date."),
        _l("Complétez-la ; si elle n'est pas un courrier, par exemple un total ou un titre, ôtez-la."),
    ),
    "takeover.line_without_subject": Message(
        _l("La ligne n'a pas d'objet."), _l("Écrivez l'objet du courrier, ou ôtez la ligne.")
    ),
    "takeover.number_twice": Message(
        _l("Le numéro « %(value)s » se trouve deux fois dans le tableur."),
        _l("Donnez à chaque courrier le sien, ou ôtez la ligne en double."),
    ),
    "takeover.number_changed": Message(
        _l("Le courrier « %(value)s » est déjà au registre, inscrit autrement."),
        _l("Rectifiez-le sur sa page, ou corrigez le numéro de cette ligne."),
    ),
    "takeover.folder_unknown": Message(_l("Ce dossier de scans est introuvable."), _l("Commencez-en un autre.")),
    "takeover.scan_unknown": Message(
        _l("Ce fichier n'est plus dans la liste des fichiers refusés."), _l("Relisez la liste.")
    ),
    "takeover.too_many_files": Message(
        _l("Ce dossier contient plus de %(maximum)s fichiers."), _l("Partagez-le en plusieurs dossiers.")
    ),
    "takeover.scan_no_number": Message(
        _l("Le nom du fichier ne donne pas clairement un numéro."), _l("Donnez le numéro du courrier.")
    ),
    "takeover.scan_no_letter": Message(
        _l("Aucun courrier du registre ne porte le numéro %(value)s."),
        _l("Corrigez le numéro, ou reprenez d'abord cette ligne du registre."),
    ),
    "takeover.scan_two_letters": Message(
        _l("Plusieurs courriers portent ce numéro : %(letters)s."),
        _l("Donnez le numéro avec son année, par exemple « 457/2015 »."),
    ),
    "takeover.scan_has_document": Message(
        _l("Le courrier %(value)s a déjà son document."),
        _l("Rattachez ce fichier comme annexe, ou remplacez le document sur la page du courrier."),
    ),
    "takeover.scan_elsewhere": Message(
        _l("Ce fichier est déjà rattaché au courrier %(letters)s."),
        _l("S'il appartient aussi à un autre, donnez le numéro ; sinon, retirez-le de la liste."),
    ),
    "import.unit": Message(_l("L'unité « %(value)s » est inconnue."), _l("Chargez-la d'abord, ou corrigez son code.")),
    # --- imputation ---
    "imputation.answered": Message(
        _l("Une réponse à ce courrier est déjà en préparation : l'imputation ne s'annule plus."), _IMPUTE_AGAIN
    ),
    "imputation.due_rectified": Message(
        _l("L'échéance du courrier a été rectifiée depuis : l'imputation ne s'annule plus."), _IMPUTE_AGAIN
    ),
    "imputation.finished": Message(
        _l("La suite est déjà donnée (%(who)s) : l'imputation ne s'annule plus."), _IMPUTE_AGAIN
    ),
    "imputation.letter_changed": Message(
        _l("Le courrier a changé depuis : l'imputation ne s'annule plus."), _IMPUTE_AGAIN
    ),
    "imputation.not_last": Message(
        _l("Une décision plus récente la remplace : l'imputation ne s'annule plus."), _IMPUTE_AGAIN
    ),
    "imputation.not_yours": Message(
        _l("Seule la personne qui a imputé ce courrier peut annuler l'imputation."),
        _l("Réimputez-le, ou adressez-vous à elle."),
    ),
    "imputation.noted": Message(
        _l("%(who)s a écrit une note sur ce courrier depuis : l'imputation ne s'annule plus."), _IMPUTE_AGAIN
    ),
    "imputation.on_slip": Message(
        _l("Ce courrier est déjà sur le bordereau %(number)s : l'imputation ne s'annule plus."), _IMPUTE_AGAIN
    ),
    "imputation.opened": Message(
        _l("%(who)s a déjà ouvert ce courrier, le %(at)s : l'imputation ne s'annule plus."), _IMPUTE_AGAIN
    ),
    "imputation.passed_on": Message(
        _l("Ce courrier est déjà confié plus loin (%(who)s) : l'imputation ne s'annule plus."), _IMPUTE_AGAIN
    ),
    "imputation.reminded": Message(_l("Un rappel est déjà parti : l'imputation ne s'annule plus."), _IMPUTE_AGAIN),
    "imputation.returned": Message(
        _l("Ce courrier est déjà retourné (%(who)s) : l'imputation ne s'annule plus."), _IMPUTE_AGAIN
    ),
    "imputation.taken": Message(
        _l("Ce courrier est déjà pris en charge (%(who)s) : l'imputation ne s'annule plus."), _IMPUTE_AGAIN
    ),
    "imputation.undone": Message(
        _l("Cette imputation est déjà annulée."), _l("La page montre le courrier comme il est.")
    ),
    "imputation.unknown": Message(_l("Cette imputation n'existe pas, ou n'existe plus."), _l("Rechargez le courrier.")),
    # --- impute ---
    "impute.post": Message(_l("Ce poste ne reçoit pas de courrier."), _l("Choisissez un poste de la liste.")),
    "impute.due_past": Message(_l("L'échéance est déjà passée."), _l("Choisissez une date à venir.")),
    "impute.due_twice": Message(
        _l("L'échéance est donnée deux fois : le délai conduit au %(counted)s."),
        _l("Gardez la date ou le délai en jours ouvrés."),
    ),
    "readers.forbidden": Message(
        _l(
            "Seuls le chef d'un service par où ce courrier est passé et le contrôleur du journal voient qui peut le lire."
        ),
        _l("Demandez au chef du service."),
    ),
    "impute.forbidden": Message(
        _l("Seuls l'autorité destinataire ou son délégataire peuvent imputer ce courrier."),
        _l("Adressez-vous au secrétariat de cette autorité."),
    ),
    "impute.mention": Message(
        _l("Une mention cochée n'est pas dans la liste."), _l("Cochez des mentions de la liste.")
    ),
    "impute.none_ticked": Message(_l("Aucun courrier n'est coché."), _l("Cochez au moins un courrier.")),
    "impute.sheet_doubtful": Message(
        _l("Une case douteuse de la fiche attend votre réponse."),
        _l("Regardez l'image de la case, puis dites si elle est cochée."),
    ),
    "impute.sheet_gone": Message(
        _l(
            "La fiche affichée ne propose plus rien : une décision l'a suivie, elle a été refusée, ou une autre est arrivée."
        ),
        _l("Regardez le courrier tel qu'il est, puis envoyez de nouveau : votre saisie est gardée."),
    ),
    "impute.unit_missing": Message(_l("Le service traitant manque."), _l("Choisissez le service traitant.")),
    "impute.unit_twice": Message(_l("Un service figure deux fois."), _l("Choisissez chaque service une seule fois.")),
    # --- index ---
    "index.forbidden": Message(
        _l("Le moteur de recherche refuse la connexion."),
        _l("L'administrateur doit vérifier la clé d'accès du moteur."),
    ),
    "index.locked": Message(
        _l("L'index de recherche est tenu par un autre processus."),
        _l("L'administrateur doit arrêter le second processus."),
    ),
    "index.not_building": Message(
        _l("Aucune reconstruction de l'index n'est en cours."),
        _l("L'administrateur doit relancer la reconstruction."),
    ),
    "index.read_only": Message(
        _l("Ce processus ne peut pas écrire dans l'index de recherche."), _l("Prévenez l'administrateur.")
    ),
    "index.rejected": Message(
        _l("Le moteur de recherche a refusé un courrier."),
        _l("L'administrateur doit lire la tâche d'indexation de ce courrier."),
    ),
    "index.schema_outdated": Message(
        _l("L'index de recherche est d'une autre version du programme."),
        _l("Les traitements de fond le reconstruisent ; sinon, l'administrateur doit le faire."),
    ),
    "index.snapshot_place": Message(
        _l("Elasticsearch ne peut pas écrire ses copies dans %(location)s."),
        _l("Ajoutez ce dossier à path.repo de chaque nœud ; tous doivent le partager."),
    ),
    "index.unavailable": Message(
        _l("La recherche est momentanément indisponible."),
        _l("Réessayez dans un instant ; les registres restent consultables."),
    ),
    # --- ink ---
    "ink.not_numbered": Message(
        _l("L'original signé à la main n'est pas encore numéroté."), _l("Numérotez-le d'abord.")
    ),
    "ink.not_waiting": Message(_l("Ce courrier n'attend pas de numéro."), _l("Rechargez la page.")),
    # --- job ---
    "job.not_failed": Message(_l("Seule une tâche en échec peut être relancée."), _l("Rechargez la liste.")),
    "job.unknown": Message(_l("Cette tâche n'existe plus."), _l("Rechargez la liste.")),
    "job.crashed": Message(
        _l("La tâche s'est arrêtée sur une erreur imprévue."),
        _l("Relancez-la ; si l'erreur revient, donnez son numéro à l'administrateur."),
    ),
    "job.too_long": Message(
        _l("La tâche a dépassé la durée permise."),
        _l("Regardez le journal technique, puis relancez-la ; la durée permise dépend du genre de tâche."),
    ),
    "job.lease_lost": Message(
        _l("Une autre machine s'est chargée de cette tâche entre-temps."), _l("Rien n'est à faire : elle s'en occupe.")
    ),
    "job.worker_lost": Message(
        _l("Le traitement de fond s'est arrêté plusieurs fois pendant cette tâche."),
        _l("Regardez la mémoire du serveur, puis relancez la tâche."),
    ),
    # --- keyring ---
    "keyring.altered": Message(
        _l("La clé de ce document a été altérée dans le trousseau."),
        _l("Prévenez l'administrateur : le trousseau doit être restauré depuis sa dernière sauvegarde."),
    ),
    "keyring.no_master": Message(
        _l("La clé maîtresse de ce document est absente du trousseau."),
        _l("Prévenez l'administrateur : le trousseau doit être restauré depuis sa dernière sauvegarde."),
    ),
    "keyring.unreadable": Message(
        _l("Le trousseau des documents ne peut pas être lu."),
        _l("Prévenez l'administrateur : le trousseau doit être restauré depuis sa dernière sauvegarde."),
    ),
    # --- key ---
    "key.changed": Message(_l("Cette clé a été remplacée ou révoquée entre-temps."), _l("Relisez la liste des clés.")),
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
        _l("Demandez-en une à l'administrateur."),
    ),
    "key.file_unreadable": Message(
        _l("Ce fichier de clé ne peut pas être lu."), _l("Vérifiez le fichier PKCS#12 et son mot de passe.")
    ),
    "key.refused": Message(
        _l("Le dispositif ou le service qui détient la clé a refusé de signer."),
        _l("Faites vérifier le code PIN ou le compte par l'administrateur."),
    ),
    "key.unreachable": Message(
        _l("Le dispositif ou le service qui détient la clé ne répond pas."),
        _l("Branchez le dispositif, ou attendez le service, puis réessayez."),
    ),
    "key.passphrase_short": Message(
        _l("La phrase secrète est trop courte."), _l("Choisissez une phrase de 12 caractères au moins.")
    ),
    "key.passphrase_wrong": Message(
        _l("La phrase secrète est inexacte ; essais restants : %(tries_left)s."), _l("Saisissez-la de nouveau.")
    ),
    "key.token_last_try": Message(
        _l("Il ne reste qu'un essai avant que votre jeton se bloque."),
        _l("Saisissez d'abord le code PIN dans le programme fourni avec le jeton."),
    ),
    "key.token_locked": Message(
        _l("Votre jeton est bloqué : trop de codes PIN inexacts."), _l("Faites redéfinir le code PIN du jeton.")
    ),
    "key.token_mismatch": Message(
        _l("Le certificat donné n'est pas celui de la clé du jeton."), _l("Donnez le certificat de cette clé.")
    ),
    "key.too_many_tries": Message(
        _l("Trop de phrases secrètes inexactes : la clé attend."),
        _l("Attendez %(minutes)s min, puis saisissez la phrase secrète."),
    ),
    # --- language ---
    "language.unknown": Message(_l("Cette langue n'est pas proposée."), _l("Choisissez une langue de la liste.")),
    # --- learning ---
    "learning.damaged": Message(
        _l("Les données des propositions automatiques sont illisibles."),
        _l("Demandez une nouvelle mise à jour des propositions."),
    ),
    "learning.not_administrator": Message(
        _l("Seul un administrateur peut demander la mise à jour des propositions automatiques."),
        _l("Demandez-le à l'administrateur."),
    ),
    # --- link ---
    "link.itself": Message(_l("Un courrier ne se lie pas à lui-même."), _l("Écrivez le numéro d'un autre courrier.")),
    # --- level ---
    "level.no_request": Message(
        _l("Aucun abaissement n'est demandé pour ce courrier."), _l("Rechargez la page du courrier.")
    ),
    "level.second_person": Message(
        _l("Une autre personne doit accepter l'abaissement d'un courrier secret."),
        _l("Il revient à une personne habilitée qui traite ce courrier, et qui ne l'a pas demandé."),
    ),
    # --- machine ---
    "machine.no_role": Message(
        _l("Ce compte n'a pas de poste d'administrateur."), _l("Un administrateur se fait reconnaître.")
    ),
    "machine.one_person": Message(
        _l("C'est deux fois la même personne."), _l("Une autre personne se fait reconnaître.")
    ),
    # --- mail ---
    "mail.due_before_arrival": Message(_l("L'échéance précède l'arrivée du courrier."), _l("Corrigez la date limite.")),
    "mail.registered_before": Message(
        _l("Ce courrier semble déjà enregistré ; rien n'a été numéroté."),
        _l("Comparez-le aux courriers cités ; si c'est un autre, cochez la case et enregistrez."),
    ),
    "mail.unknown": Message(
        _l("Ce courrier n'existe pas, ou vous n'y avez pas accès."), _l("Vérifiez le numéro ou demandez l'accès.")
    ),
    "mail.wrong_state": Message(
        _l("L'état actuel du courrier ne permet pas cette action."), _l("Rechargez le courrier : il a pu changer.")
    ),
    "mail.close_forbidden": Message(
        _l("Seul le service qui détient le courrier peut le clôturer."), _l("Demandez-le à ce service.")
    ),
    "mail.enclosures": Message(_l("Le nombre de pièces jointes n'est pas valable."), _l("Écrivez un nombre.")),
    "mail.level_above_clearance": Message(
        _l("Ce niveau de confidentialité dépasse votre habilitation."), _l("Choisissez un niveau que vous pouvez lire.")
    ),
    "mail.level_lower": Message(
        _l("Vous ne pouvez pas abaisser la confidentialité de ce courrier."),
        _l("Demandez-le au destinataire, à l'auteur ou au chef au-dessus."),
    ),
    "mail.addressed_unknown": Message(
        _l("Ce poste n'est pas celui d'une autorité qui impute."), _l("Choisissez une autorité de la liste.")
    ),
    "mail.addressee_missing": Message(_l("Aucun destinataire n'est indiqué."), _l("Écrivez au moins un destinataire.")),
    "mail.file_forbidden": Message(
        _l("Vous ne joignez pas de fichier à ce courrier."), _l("Demandez-le au service qui le traite.")
    ),
    "mail.parties": Message(_l("Il y a plus de %(limit)s noms."), _l("Réduisez la liste.")),
    "mail.signatory_unknown": Message(_l("Ce poste ne signe pas dans votre entité."), _l("Choisissez dans la liste.")),
    "mail.written_long_ago": Message(_l("La date de la lettre remonte à plus de dix ans."), _l("Corrigez l'année.")),
    "mail.level_nobody": Message(
        _l("À ce niveau, plus personne ne pourrait lire ce courrier : aucun de ses destinataires n'y est habilité."),
        _l("Choisissez un niveau moins élevé, ou faites habiliter d'abord un destinataire."),
    ),
    "mail.level_asked": Message(
        _l("Un abaissement a déjà été demandé pour ce courrier."), _l("Une seconde personne doit d'abord y répondre.")
    ),
    "mail.level_raise": Message(
        _l("Vous ne pouvez pas relever la confidentialité de ce courrier."), _l("Demandez-le au service traitant.")
    ),
    "mail.level_same": Message(
        _l("Ce courrier a déjà ce niveau, rien n'est changé."),
        _l("Choisissez un autre niveau, ou revenez au courrier."),
    ),
    "mail.level_reason": Message(_l("Le motif du changement de niveau est obligatoire."), _l("Écrivez le motif.")),
    "mail.outcome_missing": Message(_l("La suite donnée manque."), _l("Écrivez ce qui a été fait.")),
    "mail.received_in_future": Message(_l("La date d'arrivée est dans l'avenir."), _l("Corrigez la date d'arrivée.")),
    "mail.received_long_ago": Message(
        _l("La date d'arrivée remonte à plus de dix ans."),
        _l("Corrigez l'année ; les courriers d'archives antérieures sont versés par l'administrateur."),
    ),
    "mail.reopen_reason": Message(_l("Le motif de la réouverture est obligatoire."), _l("Écrivez le motif.")),
    "mail.sender_long": Message(_l("Le nom de l'expéditeur dépasse %(limit)s caractères."), _l("Raccourcissez-le.")),
    "mail.destroyed": Message(
        _l(
            "Les fichiers de ce courrier ne s'ouvrent plus : destruction décidée le %(on)s, bordereau d'élimination n° %(slip)s."
        ),
        _l("Son inscription au registre et son journal restent ; rien ne s'y ajoute plus."),
    ),
    "mail.sender_missing": Message(_l("L'expéditeur manque."), _l("Écrivez ou choisissez l'expéditeur.")),
    "mail.stale": Message(
        _l("Quelqu'un a modifié ce courrier pendant que vous l'aviez ouvert."),
        _l("Lisez sa modification, puis envoyez de nouveau : votre saisie est gardée."),
    ),
    "mail.subject_long": Message(_l("L'objet dépasse %(limit)s caractères."), _l("Raccourcissez l'objet.")),
    "mail.subject_missing": Message(_l("L'objet manque."), _l("Écrivez l'objet du courrier.")),
    "mail.written_in_future": Message(
        _l("La date de la lettre est dans l'avenir."), _l("Corrigez la date de la lettre.")
    ),
    # --- margin_note ---
    "margin_note.stale": Message(
        _l(
            "Une autre personne a changé cette annotation pendant que vous l'aviez ouverte ; son texte est montré sous le vôtre."
        ),
        _l("Lisez-le, puis enregistrez de nouveau : votre saisie est gardée et le remplacera."),
    ),
    "margin_note.too_long": Message(_l("Cette annotation dépasse %(limit)s caractères."), _l("Raccourcissez-la.")),
    "margin_note.unknown": Message(
        _l("Cette annotation n'est plus sur la page : le document a été relu entre-temps."),
        _l("Rechargez le document."),
    ),
    # --- mailbox, message ---
    "mailbox.login": Message(
        _l("La boîte « %(mailbox)s » refuse le compte ou son secret."),
        _l("Vérifiez le compte et renouvelez le secret."),
    ),
    "mailbox.token": Message(
        _l("Le secret de la boîte « %(mailbox)s » ne peut pas être lu (%(cause)s)."),
        _l("Vérifiez le fichier ou la commande qui donne le jeton."),
    ),
    "mailbox.unavailable": Message(
        _l("La boîte « %(mailbox)s » ne répond pas (%(detail)s)."), _l("Vérifiez le serveur et le réseau.")
    ),
    "mailbox.unit": Message(
        _l("La boîte « %(mailbox)s » est destinée à l'unité %(unit)s, qui n'existe pas."),
        _l("Corrigez le code de l'unité dans le fichier des boîtes."),
    ),
    "message.encrypted": Message(
        _l("Le message est chiffré : il ne peut pas être lu."), _l("Demandez à l'expéditeur de l'envoyer en clair.")
    ),
    "message.malformed": Message(
        _l("Le message est mal formé."),
        _l("Ouvrez-le dans la boîte électronique ; au besoin, demandez un nouvel envoi."),
    ),
    "message.too_large": Message(
        _l("Le message dépasse la taille admise."), _l("Demandez à l'expéditeur d'envoyer ses fichiers autrement.")
    ),
    "message.too_many_parts": Message(
        _l("Le message contient plus de %(maximum)s parties."), _l("Demandez à l'expéditeur de le partager.")
    ),
    "message.winmail": Message(
        _l("Le fichier winmail.dat ne s'ouvre que dans Outlook."),
        _l("Demandez à l'expéditeur un nouvel envoi au format HTML ou texte."),
    ),
    # --- note ---
    "note.answered": Message(_l("Quelqu'un a déjà répondu à cette question."), _l("Lisez sa réponse.")),
    "note.empty": Message(_l("La note est vide."), _l("Écrivez votre note ou votre question.")),
    "note.not_asked": Message(_l("Cette question est posée à un autre poste."), _l("Écrivez plutôt une note.")),
    "note.not_on_path": Message(
        _l("Ce poste n'est pas sur le parcours de ce courrier."), _l("Choisissez un poste de la liste.")
    ),
    "note.too_long": Message(_l("La note dépasse %(limit)s caractères."), _l("Raccourcissez-la.")),
    "note.too_many": Message(
        _l("Ce courrier porte déjà %(limit)s notes."), _l("Répondez aux questions en attente, ou écrivez un projet.")
    ),
    "note.unknown": Message(_l("Cette question n'existe pas."), _l("Rechargez le courrier.")),
    # --- notice ---
    "notice.not_yours": Message(_l("Cet avis n'est pas le vôtre, ou n'existe plus."), _l("Rechargez la page.")),
    "notice.unknown": Message(
        _l("Cet avis n'existe pas, ou vous n'avez plus accès à son courrier."), _l("Retournez à la liste des avis.")
    ),
    # --- nature ---
    "nature.unknown": Message(
        _l("Cette nature de courrier n'existe pas ou n'est plus proposée."), _l("Choisissez-en une de la liste.")
    ),
    "nature.fixed": Message(
        _l("La nature d'un projet ne change plus après sa première remise au parapheur."),
        _l("Abandonnez ce projet et préparez un autre courrier si la nature est fausse."),
    ),
    # --- number ---
    "number.unknown": Message(_l("Ce numéro n'existe pas, ou vous n'y avez pas accès."), _l("Vérifiez le numéro.")),
    "number.void_reason": Message(_l("Le motif de l'annulation est obligatoire."), _l("Écrivez le motif.")),
    "number.voided": Message(
        _l("Le numéro %(number)s est annulé."),
        _l("Un numéro annulé ne sert plus : il reste au registre avec son motif."),
    ),
    "number.not_again": Message(
        _l("Ce courrier n'a pas été ressaisi dans « %(register)s »."),
        _l("Enregistrez-le de nouveau dans ce registre, puis donnez son nouveau numéro."),
    ),
    "number.not_lost": Message(
        _l("Le numéro %(number)s n'est pas un numéro perdu, ou son courrier est déjà ressaisi."),
        _l("Regardez le registre."),
    ),
    "number.several": Message(
        _l("Plusieurs courriers portent ce numéro (%(number)s)."), _l("Choisissez le bon dans la liste.")
    ),
    "number.none_visible": Message(
        _l("Aucun courrier de ce numéro (%(number)s) ne vous est visible."), _l("Vérifiez le numéro.")
    ),
    # --- ocr ---
    "ocr.crashed": Message(
        _l("Le contenu de ce fichier a arrêté la lecture : il est sans doute abîmé."),
        _l("Numérisez le document de nouveau, ou demandez un autre fichier à l'expéditeur."),
    ),
    "ocr.failed": Message(
        _l("La lecture de la page a échoué."), _l("Réessayez ; si l'erreur revient, prévenez l'administrateur.")
    ),
    "ocr.not_read_again": Message(
        _l("Ce document n'est pas relu par le second lecteur."),
        _l("Rien à faire : il garde sa première lecture."),
    ),
    "ocr.out_of_memory": Message(
        _l("Une page de ce fichier est trop lourde pour être lue."),
        _l("Numérisez-la de nouveau à 300 points par pouce."),
    ),
    "office.unavailable": Message(
        _l("Les documents Word, OpenDocument et RTF ne peuvent pas être lus : LibreOffice n'est pas installé."),
        _l("Enregistrez le document en PDF et envoyez ce PDF."),
    ),
    "ocr.second_unavailable": Message(
        _l("Le second lecteur n'est pas installé."),
        _l("Installez le complément second-reader, ou mettez GED_OCR_SECOND_READER sur off."),
    ),
    "ocr.timeout": Message(_l("La lecture du document a pris trop de temps."), _l("Réessayez plus tard.")),
    "ocr.unavailable": Message(_l("Le moteur de lecture n'est pas disponible."), _l("Prévenez l'administrateur.")),
    "scanner.refused": Message(
        _l("La recherche de virus n'a pas pu examiner le fichier en entier : il n'a pas été pris."),
        _l("Envoyez un fichier plus léger, ou prévenez l'administrateur."),
    ),
    "scanner.unavailable": Message(
        _l("La recherche de virus ne répond pas : le fichier n'a pas été pris."),
        _l("Réessayez dans quelques minutes ; si l'erreur revient, prévenez l'administrateur."),
    ),
    # --- order ---
    "order.dpi": Message(
        _l("La résolution doit être comprise entre 50 et 1200 points par pouce."), _l("Choisissez-la dans la liste.")
    ),
    "order.mode": Message(_l("Ce mode de couleur n'existe pas."), _l("Choisissez dans la liste.")),
    "order.not_ended": Message(
        _l("Cette demande de numérisation n'est pas finie."), _l("Attendez sa fin ou arrêtez-la.")
    ),
    "order.paper": Message(_l("Ce format de papier n'existe pas."), _l("Choisissez dans la liste.")),
    "order.sides": Message(_l("Ce choix de faces n'existe pas."), _l("Choisissez dans la liste.")),
    "order.state": Message(
        _l("L'état envoyé par le scanner n'est pas connu."), _l("Mettez la station de numérisation à jour.")
    ),
    "order.unknown": Message(_l("Cette demande de numérisation n'existe plus."), _l("Commencez un nouveau lot.")),
    # --- organisation ---
    "organisation.cycle": Message(
        _l("Une unité serait placée sous elle-même (%(where)s)."), _l("Corrigez le fichier.")
    ),
    "organisation.field": Message(_l("Un champ du fichier n'est pas valable (%(where)s)."), _l("Corrigez ce champ.")),
    "organisation.lists_later": Message(
        _l("Une liste propre à une entité attend la fin de la mise à jour (%(where)s)."),
        _l("Terminez la mise à jour : ged migrate --finish."),
    ),
    "organisation.reference": Message(
        _l("Le fichier cite %(value)s, qui n'y figure pas (%(where)s)."), _l("Citez ce qui figure dans le fichier.")
    ),
    "organisation.twice": Message(
        _l("Un code figure deux fois (%(where)s)."), _l("Chaque code ne figure qu'une fois.")
    ),
    "organisation.unreadable": Message(
        _l("Le fichier de l'organigramme est illisible."), _l("Donnez un fichier YAML en UTF-8.")
    ),
    # --- page ---
    "page.digest_mismatch": Message(_l("La page est arrivée abîmée."), _l("Elle doit être envoyée de nouveau.")),
    "page.digest": Message(
        _l("L'empreinte de la page n'est pas valable."), _l("Mettez la station de numérisation à jour.")
    ),
    "page.order": Message(_l("Le rang de la page n'est pas valable."), _l("Mettez la station de numérisation à jour.")),
    "page.size": Message(_l("La page est plus longue qu'annoncé."), _l("Mettez la station de numérisation à jour.")),
    "page.token": Message(
        _l("La référence de la page n'est pas valable."), _l("Mettez la station de numérisation à jour.")
    ),
    "page.token_reused": Message(
        _l("Deux pages différentes portent la même référence."), _l("Mettez la station de numérisation à jour.")
    ),
    "page.crash": Message(
        _l("Une erreur inattendue s'est produite."),
        _l("Rien n'a été enregistré. Réessayez ; si l'erreur revient, donnez la référence à l'administrateur."),
    ),
    "page.host": Message(
        _l("Le site n'est pas servi sous ce nom."),
        _l("Utilisez l'adresse habituelle ; l'administrateur ajoute un nom par GED_PUBLIC_URL ou GED_HOSTS."),
    ),
    "page.method": Message(
        _l("Cette adresse ne s'ouvre pas directement."), _l("Revenez à la page précédente et utilisez ses boutons.")
    ),
    "page.refused": Message(_l("La demande n'a pas été comprise."), _l("Revenez à la page précédente et réessayez.")),
    "page.unknown": Message(_l("Cette page n'existe pas."), _l("Vérifiez l'adresse, ou repartez de l'accueil.")),
    # --- password ---
    "password.too_short": Message(
        _l("Le mot de passe est trop court."), _l("Choisissez un mot de passe de %(minimum)s caractères au moins.")
    ),
    "password.too_long": Message(
        _l("Le mot de passe est trop long."), _l("Choisissez un mot de passe de %(maximum)s caractères au plus.")
    ),
    "password.common": Message(
        _l("Ce mot de passe se devine : trop courant, ou fait de votre nom ou de mots du service."),
        _l("Choisissez une phrase de plusieurs mots que vous seul connaissez."),
    ),
    "password.same": Message(_l("C'est votre mot de passe actuel."), _l("Choisissez-en un autre.")),
    "password.of_directory": Message(
        _l("Votre mot de passe est celui de l'annuaire du ministère."),
        _l("Changez-le là où vous l'avez choisi : sur votre poste de travail, ou auprès du service informatique."),
    ),
    "password.wrong": Message(_l("Le mot de passe actuel est inexact."), _l("Saisissez-le de nouveau.")),
    "password.differs": Message(
        _l("Les deux saisies sont différentes."), _l("Saisissez deux fois le même mot de passe.")
    ),
    # --- proof ---
    "proof.needed": Message(
        _l("Cette opération demande votre mot de passe."), _l("Saisissez-le, puis refaites votre demande.")
    ),
    # --- person ---
    "person.unknown": Message(_l("Ce compte n'existe pas ou est fermé."), _l("Vérifiez le compte.")),
    # --- paper ---
    "paper.decided": Message(
        _l("Quelqu'un d'autre a déjà tranché."), _l("Revenez à la liste de ce qui reste à confirmer.")
    ),
    "paper.put_away": Message(
        _l("Le service qui l'a apportée a écarté, réuni ou joint cette numérisation."),
        _l("Adressez-vous à ce service."),
    ),
    "paper.reason": Message(
        _l("Le motif du refus est obligatoire."), _l("Écrivez le motif : le service qui a numérisé le lira.")
    ),
    "paper.stale": Message(
        _l("Les pages ont été arrangées autrement depuis que vous les regardez."), _l("Comparez-les de nouveau.")
    ),
    "paper.unknown": Message(_l("Rien n'attend votre confirmation."), _l("Revenez à la liste.")),
    "paper.voided": Message(
        _l("Ce courrier, ce numéro ou ce bordereau est annulé : rien ne s'y joint plus."),
        _l("Refusez, avec ce motif."),
    ),
    # --- post ---
    "post.certificate": Message(
        _l("Le certificat du serveur de messagerie %(host)s n'est pas reconnu : rien n'a été envoyé."),
        _l("L'administrateur doit corriger le nom du serveur, son certificat ou GED_SMTP_CA."),
    ),
    "post.no_tls": Message(
        _l("Le serveur de messagerie %(host)s ne propose pas de liaison chiffrée : rien n'a été envoyé."),
        _l("L'administrateur doit y activer STARTTLS ou utiliser smtps://."),
    ),
    "post.failed": Message(
        _l("Le message n'a pas pu être envoyé."), _l("L'administrateur doit vérifier le serveur de messagerie.")
    ),
    "post.refused": Message(_l("Le serveur de messagerie a refusé l'adresse."), _l("Corrigez l'adresse.")),
    # --- profile ---
    "profile.name": Message(_l("Le profil n'a pas de nom."), _l("Donnez-lui un nom court.")),
    "profile.too_many": Message(
        _l("Le service a déjà %(maximum)s profils de numérisation."), _l("Supprimez-en un d'abord.")
    ),
    "profile.unknown": Message(_l("Ce profil n'existe plus."), _l("Rechargez la page.")),
    # --- receipt ---
    "receipt.no_letter": Message(
        _l("Ce numéro ne porte pas de courrier reçu."), _l("Le récépissé de dépôt s'imprime pour un courrier.")
    ),
    # --- rectify ---
    "rectify.dispatched": Message(
        _l("Ce courrier est déjà parti chez tous ses destinataires."),
        _l("Pour un destinataire de plus, enregistrez un autre courrier."),
    ),
    "rectify.due_over": Message(
        _l("Ce courrier n'attend plus de réponse : son échéance ne change plus."),
        _l("Laissez l'échéance comme elle est."),
    ),
    "rectify.imputed": Message(
        _l("Ce courrier est déjà imputé."), _l("L'autorité le réimpute ; l'inscription ne change plus son chemin.")
    ),
    "rectify.line_left": Message(
        _l("« %(name)s » a déjà reçu ce courrier, ou il est en route."), _l("Laissez ce nom dans la liste.")
    ),
    "rectify.field": Message(_l("Ce champ ne se rectifie pas."), _l("Choisissez un champ rectifiable.")),
    "rectify.forbidden": Message(
        _l("Seul le bureau d'ordre qui a enregistré le courrier peut le rectifier."),
        _l("Adressez-vous à ce bureau d'ordre."),
    ),
    "rectify.voided": Message(
        _l("Le numéro de ce courrier est annulé : son inscription reste telle qu'elle est."),
        _l("S'il le faut, enregistrez de nouveau le courrier."),
    ),
    "rectify.nothing": Message(
        _l("Rien n'est changé : l'inscription dit déjà cela."), _l("Corrigez au moins un champ.")
    ),
    "rectify.reason": Message(_l("Le motif de la rectification est obligatoire."), _l("Écrivez le motif.")),
    # --- remind ---
    "remind.forbidden": Message(
        _l("Le rappel revient à qui a confié ce courrier, ou au chef dont dépend le service."),
        _l("Adressez-vous à l'un d'eux."),
    ),
    "remind.today": Message(
        _l("Ce courrier a déjà été rappelé aujourd'hui."), _l("Attendez demain, ou appelez le service.")
    ),
    # --- preserve ---
    "preserve.expired": Message(
        _l("Le certificat du signataire a pris fin avant que la signature ne soit horodatée."),
        _l("Faites signer à nouveau."),
    ),
    "preserve.failed": Message(
        _l("La preuve de cette signature n'a pas pu être prolongée."),
        _l("Prévenez l'administrateur : la raison est dans le journal du serveur."),
    ),
    "preserve.no_authority": Message(
        _l("Aucune autorité d'horodatage n'est configurée : aucune demande ne peut partir."),
        _l("Renseignez le paramètre GED_TSA_URLS, puis redémarrez."),
    ),
    "preserve.no_revocation": Message(
        _l("L'état des certificats (CRL, OCSP) ne peut pas être obtenu."),
        _l("Rien à faire : un nouvel essai suivra ; publiez la liste de la racine si elle est échue."),
    ),
    "preserve.revoked": Message(
        _l("Le certificat d'un signataire est révoqué."), _l("Faites signer à nouveau avec un autre certificat.")
    ),
    "preserve.stale": Message(_l("Ce document vient d'être signé à nouveau."), _l("Rien à faire : un essai suivra.")),
    "preserve.unknown": Message(_l("Ce document n'est pas signé."), _l("Choisissez un document de la liste.")),
    "preserve.untrusted": Message(
        _l("L'autorité d'un certificat n'est pas reconnue par le ministère."),
        _l("Ajoutez sa racine aux autorités reconnues."),
    ),
    # --- presign ---
    "presign.no_addressee": Message(
        _l("Ce courrier n'a pas de destinataire."), _l("Renvoyez-le à son auteur pour qu'il en nomme un.")
    ),
    "presign.no_address": Message(
        _l("Sans adresse postale ni électronique : %(names)s."),
        _l("Le bureau d'ordre devra la trouver avant l'envoi ; l'auteur peut l'ajouter."),
    ),
    "presign.copies_twice": Message(
        _l("Nommés deux fois, comme destinataire ou pour ampliation : %(names)s."),
        _l("Faites rayer la ligne en double, ou signez si c'est voulu."),
    ),
    "presign.annex_missing": Message(
        _l("Le contenu de pièces jointes est introuvable : %(names)s."), _l("Faites-les joindre de nouveau.")
    ),
    "presign.annexes_printed": Message(
        _l("La lettre annonce %(printed)s pièces jointes, %(joined)s le sont."),
        _l("Renvoyez-la à son auteur, qui la remet au parapheur."),
    ),
    "presign.annexes_differ": Message(
        _l("Le texte semble annoncer %(announced)s pièces jointes, %(joined)s le sont."),
        _l("Vérifiez ; au besoin, renvoyez le projet à son auteur pour qu'il joigne les pièces ou corrige le texte."),
    ),
    "presign.annexes_none": Message(
        _l("Le texte parle de pièces jointes, aucune ne l'est."),
        _l("Vérifiez ; au besoin, renvoyez le projet à son auteur pour qu'il joigne les pièces ou corrige le texte."),
    ),
    "presign.refused": Message(
        _l("%(name)s (%(post)s) a renvoyé ce projet et ne l'a pas visé depuis. Motif : %(reason)s"),
        _l("Lisez ce motif avant de signer ; au besoin, demandez de nouveau ce visa."),
    ),
    "presign.visas_withdrawn": Message(
        _l("Visas retirés du circuit par l'auteur : %(posts)s."),
        _l("Demandez-en la raison, ou renvoyez le projet pour que ces visas soient redemandés."),
    ),
    "presign.visas_missing": Message(
        _l("Il manque le visa de : %(posts)s."), _l("Attendez ce visa, ou renvoyez le projet à son auteur.")
    ),
    "presign.reference_changed": Message(
        _l("Le courrier auquel on répond porte maintenant une autre référence que celle que citent les pages."),
        _l("Renvoyez le projet à son auteur, ou signez s'il ne faut pas la citer."),
    ),
    "presign.dated_later": Message(
        _l("La journée est close au registre : le courrier serait daté du %(on)s."),
        _l("Signez-le ce jour-là, ou acceptez cette date."),
    ),
    "presign.answers_later": Message(
        _l("Le courrier auquel on répond porte une date postérieure à celle de la signature."),
        _l("Faites rectifier la date du courrier reçu, ou vérifiez la réponse."),
    ),
    "presign.pages_changed": Message(
        _l("Les pages montrées ne sont plus celles qui seraient signées : la mise en page a changé depuis."),
        _l("Renvoyez le projet à son auteur ; il le remet tel quel, les visas donnés restent."),
    ),
    "presign.fonts": Message(
        _l("Des caractères ne sont pas contenus dans le fichier : %(fonts)s."),
        _l("Prévenez l'administrateur ; aucun numéro n'est utilisé."),
    ),
    "presign.not_archive": Message(
        _l("Le fichier n'est pas un PDF/A : il ne se conserverait pas."),
        _l("Prévenez l'administrateur ; aucun numéro n'est utilisé."),
    ),
    "presign.not_archivable": Message(
        _l("Le fichier signé n'est plus un PDF/A : il n'a pas été retenu."),
        _l("Le numéro et la date restent. Prévenez l'administrateur, puis signez à nouveau."),
    ),
    "presign.seal_unreadable": Message(
        _l(
            "Le cachet électronique du ministère ne peut pas être ouvert : le code de vérification ne pourrait pas être signé."
        ),
        _l("Prévenez l'administrateur ; aucun numéro n'est utilisé."),
    ),
    "presign.no_code": Message(
        _l("Aucun code de vérification ne sera imprimé : le cachet électronique du ministère n'est pas encore créé."),
        _l("L'administrateur le crée une fois (ged pki seal). La signature n'en dépend pas."),
    ),
    "seal.none": Message(
        _l("Le cachet électronique du ministère n'est pas encore créé."),
        _l("L'administrateur le fait par la commande ged pki seal."),
    ),
    "seal.unreadable": Message(
        _l("La clé du cachet électronique du ministère ne s'ouvre pas."),
        _l("L'administrateur doit corriger son fichier ou ce qui l'ouvre (GED_SEAL_…)."),
    ),
    # --- register ---
    "database.malformed": Message(
        _l("La base de données ne peut pas être lue : le fichier est endommagé."),
        _l("Rétablissez une sauvegarde ; copiez la base par « .backup » de sqlite3, jamais pendant qu'on y écrit."),
    ),
    "database.unreachable": Message(
        _l("La base de données ne répond pas."), _l("Démarrez-la ou corrigez GED_DATABASE_URL.")
    ),
    "clock.ahead": Message(
        _l("L'heure du serveur est en avance : il dit %(on)s, le dernier numéro est du %(last)s."),
        _l("Prévenez l'administrateur : il règle l'horloge, ou confirme l'heure par « ged clock confirm »."),
    ),
    "clock.jump": Message(
        _l("Aucun numéro n'a été donné depuis le %(last)s, et le serveur dit %(on)s."),
        _l("Prévenez l'administrateur : il vérifie l'horloge et confirme l'heure par « ged clock confirm »."),
    ),
    "clock.reason": Message(
        _l("Rien ne dit comment l'heure a été vérifiée."), _l("Écrivez d'après quelle horloge vous la confirmez.")
    ),
    "register.closed": Message(_l("Le registre %(register)s est clos."), _l("Choisissez un registre ouvert.")),
    "register.nature": Message(
        _l("Ce registre n'est pas un registre d'arrivée."), _l("Choisissez un registre d'arrivée.")
    ),
    "register.not_clerk": Message(
        _l("Le registre %(register)s est tenu par un autre bureau d'ordre."),
        _l("Adressez-vous au bureau d'ordre qui tient ce registre."),
    ),
    "register.in_use": Message(
        _l("Le registre %(register)s a déjà des numéros : son sens, sa nature et son rythme ne changent plus."),
        _l("Fermez-le, puis ouvrez un autre registre."),
    ),
    "register.opening_number": Message(
        _l("Le dernier numéro du registre papier manque."), _l("Écrivez le dernier numéro du registre papier.")
    ),
    "register.opening_reason": Message(
        _l("La désignation du registre papier est obligatoire."), _l("Nommez le registre papier.")
    ),
    "register.pattern": Message(
        _l("Le modèle de numéro n'est pas valable : il doit contenir {seq}."), _l("Corrigez le modèle.")
    ),
    "register.pattern_long": Message(
        _l("Avec ce modèle, un numéro pourrait dépasser %(maximum)s caractères."),
        _l("Écrivez les sigles dans le modèle au lieu de {entity}, {unit} ou {register}, ou abrégez-le."),
    ),
    "register.reserved": Message(
        _l("Un numéro qui commence par « EX- » est celui d'un exercice."),
        _l("Choisissez un autre modèle de numéro pour le registre %(register)s."),
    ),
    "register.training": Message(
        _l("Dans l'installation d'entraînement, tous les numéros commencent par « EX- »."),
        _l("Commencez le modèle de numéro du registre %(register)s par « EX- »."),
    ),
    "register.waits": Message(
        _l("Ce registre attend le dernier numéro donné avant la panne : aucun numéro n'a été donné."),
        _l(
            "Le bureau d'ordre qui le tient lit ce numéro sur le papier et l'inscrit à la page « Reprise après une panne » ; recommencez ensuite."
        ),
    ),
    "register.started": Message(
        _l("Le registre %(register)s a déjà des numéros."),
        _l("Un registre ne s'ouvre à un numéro qu'avant le premier."),
    ),
    "register.twice": Message(
        _l("Ce courrier a déjà un numéro dans ce registre."), _l("Choisissez un autre registre.")
    ),
    "register.unknown": Message(
        _l("Ce registre n'existe pas, ou vous n'y avez pas accès."), _l("Choisissez un registre de la liste.")
    ),
    "register.print_too_many": Message(
        _l("L'extrait demandé compte %(total)s lignes : %(limit)s au plus."), _l("Imprimez une période plus courte.")
    ),
    # --- reminder ---
    "reminder.rule": Message(
        _l("La règle de rappel n'est pas valable."), _l("Écrivez trois nombres de jours ouvrés, comme 2/1/5.")
    ),
    # --- report_template ---
    "report_template.endless": Message(
        _l("Ligne %(line)s : ce calcul ne finit pas."), _l("Bornez la boucle ou l'appel, puis regardez l'aperçu.")
    ),
    "report_template.entity": Message(
        _l("Cette entité n'est pas de celles que vous administrez."), _l("Choisissez une entité de la liste.")
    ),
    "report_template.forbidden": Message(
        _l("Ligne %(line)s : « %(name)s » n'est pas permis dans un modèle."),
        _l("Retirez-le : un modèle ne lit aucun fichier et ne change que ses propres pages."),
    ),
    "report_template.heavy": Message(
        _l("Ces pages demandent trop de temps ou de mémoire : elles ne sont pas composées en %(seconds)s secondes."),
        _l("Raccourcissez les boucles et les images."),
    ),
    "report_template.long": Message(_l("Ce modèle dépasse %(limit)s caractères."), _l("Raccourcissez-le.")),
    "report_template.mistake": Message(
        _l("Ligne %(line)s : le compositeur n'accepte pas ce texte. Il dit, en anglais : « %(said)s »"),
        _l("Corrigez cette ligne, puis regardez l'aperçu."),
    ),
    "report_template.name": Message(
        _l("Ligne %(line)s : « %(name)s » n'est le nom de rien."),
        _l("Prenez un nom de la liste, ou écrivez \\# devant un dièse qui n'appelle rien."),
    ),
    "report_template.number": Message(
        _l("Ligne %(line)s : aucun nombre du rapport ne s'appelle « %(name)s »."),
        _l("Prenez un nom de la liste, avec ses accents."),
    ),
    "report_template.open": Message(
        _l(
            "Ligne %(line)s : une parenthèse, un crochet, une accolade, un guillemet, une étoile ou un dollar reste ouvert."
        ),
        _l("Fermez-le."),
    ),
    "report_template.pages": Message(
        _l("Ce modèle fait %(pages)s pages : %(limit)s au plus précèdent les nombres."), _l("Écrivez moins de pages.")
    ),
    "report_template.refused": Message(
        _l("Le compositeur n'accepte pas ce modèle. Il dit, en anglais : « %(said)s »"),
        _l("Revenez à la dernière version qui convenait, puis changez-la peu à peu."),
    ),
    "report_template.size": Message(_l("Le fichier composé est trop lourd."), _l("Réduisez les images du modèle.")),
    "report_template.stale": Message(
        _l("Ce modèle vient d'être changé par une autre personne."), _l("Relisez la page avant d'enregistrer.")
    ),
    "report_template.unknown": Message(_l("Cette version n'existe pas."), _l("Choisissez-en une de la liste.")),
    "report_template.zero": Message(
        _l("Ligne %(line)s : une division par zéro."),
        _l("Un mois peut ne compter aucun courrier : demandez d'abord si le nombre est plus grand que zéro."),
    ),
    # --- root ---
    "root.not_holder": Message(
        _l("Cette part n'est pas à ce compte."), _l("Son porteur la tape ; un administrateur ouvre l'enveloppe.")
    ),
    "root.part_twice": Message(
        _l("C'est deux fois la même part."), _l("Deux personnes tapent deux parts différentes.")
    ),
    "root.part_wrong": Message(
        _l("Ces parts n'ouvrent pas la clé."),
        _l("Retapez-les signe par signe ; celles d'un partage antérieur n'ouvrent rien."),
    ),
    "root.parts_damaged": Message(
        _l("Le fichier des parts est abîmé."), _l("Remettez-le depuis une copie du support de la racine.")
    ),
    # --- scan ---
    "scan.interleave_odd": Message(
        _l("Il y a %(count)s pages : un recto n'a pas son verso."),
        _l("Retirez la page en trop ou numérisez celle qui manque, puis recommencez."),
    ),
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
        _l("Les numérisations de ce service relèvent de son bureau d'ordre."), _l("Adressez-vous à ce bureau d'ordre.")
    ),
    "scan.not_waiting": Message(
        _l("Cette numérisation n'attend plus : elle a été jointe, réunie ou écartée."), _l("Rechargez la liste.")
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
    "scan.virus": Message(
        _l("Un virus a été trouvé dans une page de cette numérisation."),
        _l("Retirez les pages marquées, ou écartez la numérisation ; prévenez l'administrateur."),
    ),
    "scan.unknown": Message(
        _l("Cette numérisation n'existe pas, ou attend dans un autre service."), _l("Rechargez la liste.")
    ),
    # --- separator ---
    "separator.copies": Message(
        _l("De 1 à %(maximum)s exemplaires s'impriment à la fois."), _l("Corrigez le nombre d'exemplaires.")
    ),
    "separator.level": Message(
        _l("Votre habilitation ne va pas jusqu'à ce niveau."), _l("Choisissez un niveau moins élevé.")
    ),
    "separator.unknown": Message(
        _l("Cette feuille de séparation n'existe pas, ou n'existe plus."), _l("Rechargez la liste.")
    ),
    # --- search ---
    "saved_search.empty": Message(
        _l("Rien n'est cherché : il n'y a rien à enregistrer."), _l("Faites d'abord une recherche.")
    ),
    "saved_search.name_taken": Message(_l("Une de vos recherches porte déjà ce nom."), _l("Choisissez un autre nom.")),
    "saved_search.too_many": Message(
        _l("Vous avez déjà %(maximum)s recherches enregistrées."), _l("Supprimez celles qui ne servent plus.")
    ),
    "saved_search.unknown": Message(
        _l("Cette recherche enregistrée n'existe pas, ou n'existe plus."), _l("Rechargez la liste de vos recherches.")
    ),
    "search.unknown_field": Message(_l("Ce filtre n'existe pas."), _l("Choisissez un filtre proposé.")),
    # --- second_step ---
    "second_step.code_wrong": Message(
        _l("Ce code n'est pas celui que votre téléphone montre maintenant, ou il a déjà servi."),
        _l("Attendez le code suivant, puis tapez-le."),
    ),
    "second_step.codes_gone": Message(
        _l("Ces codes ne sont plus les vôtres : rien n'a été imprimé."), _l("Faites dix nouveaux codes.")
    ),
    "second_step.drift_early": Message(
        _l("L'horloge de votre téléphone avance d'environ %(minutes)s min : ses codes ne seraient pas acceptés."),
        _l("Réglez-la sur l'heure automatique, puis tapez le code suivant."),
    ),
    "second_step.drift_late": Message(
        _l("L'horloge de votre téléphone retarde d'environ %(minutes)s min : ses codes ne seraient pas acceptés."),
        _l("Réglez-la sur l'heure automatique, puis tapez le code suivant."),
    ),
    "second_step.needed": Message(
        _l("Votre fonction demande une seconde étape, et c'est la dernière que vous avez."),
        _l("Ajoutez d'abord un autre téléphone ou une autre clé."),
    ),
    "second_step.no_passkeys": Message(
        _l("L'adresse de ce site ne permet pas de clé d'accès."), _l("Prenez un téléphone.")
    ),
    "second_step.no_second": Message(
        _l("Personne ne peut confirmer cette réinitialisation."),
        _l("L'exploitant la fait à la machine : ged account reset-second-step %(account)s."),
    ),
    "second_step.none": Message(_l("Ce téléphone ou cette clé n'est plus là."), _l("Relisez la page.")),
    "second_step.not_second": Message(
        _l("Cette réinitialisation n'est pas à vous de la décider."),
        _l("Un autre administrateur, ou un chef au-dessus de la personne, la confirme."),
    ),
    "second_step.nothing": Message(_l("Ce compte n'a pas de vérification en deux étapes."), _l("Rien n'est à faire.")),
    "second_step.other_square": Message(
        _l("Ce carré a été remplacé par celui d'une autre page que vous avez ouverte."),
        _l(
            "Retirez de l'application le compte que vous venez d'ajouter, visez le carré de cette page-ci, puis tapez son code."
        ),
    ),
    "second_step.over": Message(
        _l("Le délai est passé, ou cette étape a déjà servi."), _l("Recommencez depuis le début.")
    ),
    "second_step.own_reset": Message(
        _l("Personne ne réinitialise sa propre vérification."), _l("Adressez-vous à un autre administrateur.")
    ),
    "second_step.passkey_copied": Message(
        _l("Cette clé d'accès a pu être copiée : son compteur est revenu en arrière."),
        _l("Connectez-vous autrement, retirez-la, et prévenez l'administrateur."),
    ),
    "second_step.passkey_known": Message(
        _l("Cette clé d'accès est déjà ajoutée."), _l("Prenez un autre appareil, ou gardez celle-ci.")
    ),
    "second_step.passkey_refused": Message(
        _l("Cette clé d'accès n'a pas été acceptée."),
        _l("Réessayez, ou connectez-vous par votre identifiant et votre mot de passe."),
    ),
    "second_step.recovery_wrong": Message(
        _l("Ce code de secours est inexact, ou il a déjà servi."),
        _l("Vérifiez-le, ou prenez le suivant de la feuille."),
    ),
    "second_step.reset_settled": Message(
        _l("Cette demande n'attend plus : elle est décidée, refaite ou trop ancienne."), _l("Relisez la liste.")
    ),
    "second_step.reset_unknown": Message(
        _l("Cette demande n'existe pas."), _l("Ouvrez-la de nouveau depuis la liste.")
    ),
    "second_step.too_many": Message(_l("Vous avez déjà %(most)s clés d'accès."), _l("Retirez-en une d'abord.")),
    "second_step.unreadable": Message(
        _l("Le secret de votre téléphone ne se lit plus : celui de l'installation a changé."),
        _l("Prenez un code de secours, ou demandez la réinitialisation."),
    ),
    # --- session ---
    "session.by_directory": Message(
        _l("Votre compte se connecte par l'annuaire du ministère."),
        _l(
            "Donnez votre mot de passe, ou passez par le compte du ministère ; la clé d'accès sert ensuite de seconde étape."
        ),
    ),
    "session.directory_away": Message(
        _l("L'annuaire du ministère ne répond pas : votre mot de passe ne peut pas être vérifié."),
        _l(
            "Réessayez dans un instant. En cas d'urgence, un compte de secours se connecte ici par son propre mot de passe."
        ),
    ),
    "session.refused": Message(_l("Identifiant ou mot de passe inexact."), _l("Vérifiez les deux, puis réessayez.")),
    "session.required": Message(
        _l("Vous n'êtes pas connecté, ou votre session a pris fin : rien n'a été enregistré."),
        _l("Connectez-vous, puis recommencez."),
    ),
    "session.throttled": Message(
        _l("Trop d'essais infructueux : la connexion est ralentie, votre compte n'est pas bloqué."),
        _l("Attendez %(seconds)s s, puis réessayez."),
    ),
    "session.unknown": Message(_l("Cette session n'existe plus."), _l("Relisez la liste.")),
    "session.not_yours": Message(_l("Cette session n'est pas la vôtre."), _l("Adressez-vous à l'administrateur.")),
    "signature.revision_unknown": Message(
        _l("Cette partie signée n'existe pas."), _l("Rouvrez les signatures du document.")
    ),
    # --- sign ---
    "sign.no_timestamp": Message(
        _l("Aucune autorité d'horodatage ne répond."), _l("Rien à faire : la preuve sera prolongée dès son retour.")
    ),
    "sign.failed": Message(
        _l("La signature n'a pas pu être faite."), _l("Réessayez ; si l'erreur revient, prévenez l'administrateur.")
    ),
    "sign.unreadable": Message(
        _l("Le fichier du courrier n'a pas pu être relu."),
        _l("Réessayez ; si l'erreur revient, prévenez l'administrateur."),
    ),
    "sign.done": Message(_l("Ce courrier est déjà signé."), _l("Il n'y a rien à refaire.")),
    "sign.nothing": Message(_l("Aucun courrier n'est coché."), _l("Cochez les courriers à signer.")),
    "sign.too_many": Message(
        _l("%(limit)s courriers au plus peuvent être signés en une fois."), _l("Cochez-en moins, puis signez le reste.")
    ),
    "sign.not_signatory": Message(
        _l("Seuls le signataire ou son délégataire peuvent signer."), _l("Adressez-vous au signataire.")
    ),
    "sign.no_register": Message(
        _l("Le service %(unit)s n'a pas de registre de départ."), _l("Un administrateur doit en ouvrir un.")
    ),
    "sign.in_ink": Message(
        _l("Ce courrier se signe à la main."), _l("Imprimez-le pour la signature, puis numérisez l'original signé.")
    ),
    # --- power: what a delegation reaches ---
    "power.amount": Message(
        _l("Montant en jeu : %(amount)s F CFA ; votre délégation (%(act)s) s'arrête à %(limit)s F CFA."),
        _l("Le titulaire doit agir lui-même, ou une personne dont la délégation va plus loin."),
    ),
    "power.not_in_force": Message(
        _l("Votre délégation (%(act)s, %(days)s) n'est pas en vigueur."),
        _l("Le titulaire doit signer lui-même, ou déléguer de nouveau."),
    ),
    "power.type": Message(
        _l("Votre délégation (%(act)s) ne porte pas sur ce type de lettre."),
        _l("Le titulaire doit agir lui-même, ou une personne dont la délégation va plus loin."),
    ),
    # --- slip ---
    "slip.code_several": Message(
        _l("Plusieurs pièces de la liste portent ce numéro (%(number)s)."),
        _l("Lisez le code de l'étiquette, ou cochez la ligne à la main."),
    ),
    "slip.code_foreign": Message(
        _l("Ce code n'a pas été imprimé par le ministère."),
        _l("Lisez le code imprimé sur le bordereau, ou tapez son numéro."),
    ),
    "slip.code_other": Message(
        _l("Ce code n'est ni celui d'un bordereau, ni celui d'une étiquette de courrier."),
        _l("Lisez le code du bordereau."),
    ),
    "slip.label_first": Message(
        _l("Ce courrier est sur le bordereau %(number)s, qui n'est pas encore lu."), _l("Lisez d'abord le bordereau.")
    ),
    "slip.label_elsewhere": Message(
        _l("Ce courrier n'est sur aucun des bordereaux lus."), _l("Lisez le bordereau avec lequel il est arrivé.")
    ),
    "slip.none_read": Message(
        _l("Aucun bordereau n'est à recevoir dans la liste."), _l("Lisez le code d'un bordereau.")
    ),
    "slip.partly_read": Message(
        _l("Une partie seulement des lettres du bordereau %(number)s a été lue."),
        _l(
            "Indiquez si toutes les pièces sont reçues ou si les autres manquent ; sinon, retirez ce bordereau de la liste."
        ),
    ),
    "slip.too_many_read": Message(
        _l("La liste est limitée à %(limit)s bordereaux."), _l("Signez la réception de ceux-ci, puis continuez.")
    ),
    "slip.being_received": Message(
        _l("Le destinataire a pointé ce bordereau et le signe."), _l("Rechargez-le : il ne s'annule plus.")
    ),
    "slip.book_empty": Message(
        _l("Aucun bordereau pour ce jour et ce porteur."),
        _l("Choisissez un jour et un porteur qui ont des bordereaux."),
    ),
    "slip.claim_remark": Message(
        _l("Le constat est obligatoire à la ligne %(line)s."), _l("Écrivez ce qui a été constaté.")
    ),
    "slip.count": Message(
        _l("Le nombre de pièces de la ligne %(line)s n'est pas valable."),
        _l("Écrivez un nombre entre 1 et %(maximum)s."),
    ),
    "slip.description_missing": Message(_l("La désignation de la ligne %(line)s manque."), _l("Désignez la pièce.")),
    "slip.envelope_once": Message(
        _l("Le pli fermé %(number)s ne peut aller qu'à un seul service."),
        _l("Choisissez un seul service, ou retirez le pli."),
    ),
    "slip.line_not_here": Message(
        _l("L'original de la ligne %(line)s n'est pas détenu par votre service."),
        _l("Choisissez une ligne dont votre service détient l'original."),
    ),
    "slip.line_returned": Message(_l("La ligne %(line)s est déjà sur un bordereau de retour."), _l("Retirez-la.")),
    "slip.line_twice": Message(_l("Le courrier %(number)s figure deux fois."), _l("Retirez l'une des lignes.")),
    "slip.line_undecided": Message(
        _l("La ligne %(line)s n'est pas pointée."),
        _l("Pointez chaque ligne : reçu, manquant, endommagé ou mal adressé."),
    ),
    "slip.line_unknown": Message(
        _l("Le bordereau n'a pas de ligne %(line)s."), _l("Choisissez une ligne du bordereau.")
    ),
    "slip.messenger_missing": Message(_l("Le nom du porteur manque."), _l("Écrivez le nom du porteur.")),
    "slip.no_lines": Message(_l("Le bordereau n'a aucune ligne."), _l("Choisissez au moins une ligne.")),
    "slip.no_pdf": Message(
        _l("Ce bordereau n'a pas encore de document signé."), _l("L'expéditeur doit d'abord le signer.")
    ),
    "slip.no_receiver": Message(_l("Le service destinataire manque."), _l("Choisissez au moins un service.")),
    "slip.no_register": Message(
        _l("Le service %(unit)s n'a pas de registre de bordereaux."), _l("Un administrateur doit en ouvrir un.")
    ),
    "slip.none_chosen": Message(_l("Aucun bordereau n'est choisi."), _l("Cochez au moins un bordereau de la liste.")),
    "slip.nothing_chosen": Message(
        _l("Aucun courrier n'est choisi."), _l("Cochez au moins un courrier à transmettre.")
    ),
    "slip.nothing_kept": Message(
        _l("Aucun original n'est coché."), _l("Cochez au moins un original que votre service garde.")
    ),
    "slip.chosen_left": Message(
        _l("Aucun des courriers cochés n'attend plus ici."),
        _l("Ils ont été envoyés, gardés ou imputés ailleurs entre-temps. Regardez la liste."),
    ),
    "slip.not_received": Message(_l("Ce bordereau n'est pas encore reçu."), _l("Recevez-le d'abord.")),
    "slip.not_receiver": Message(
        _l("Seul un poste du service destinataire reçoit ce bordereau."), _l("Adressez-vous à ce service.")
    ),
    "slip.not_sender": Message(_l("Vous n'envoyez pas par ce poste."), _l("Choisissez un poste que vous occupez.")),
    "slip.not_sent": Message(
        _l("Ce bordereau n'est pas encore signé par son expéditeur."), _l("L'expéditeur doit d'abord le signer.")
    ),
    "slip.paper_elsewhere": Message(
        _l("L'original de %(number)s est détenu par : %(unit)s."),
        _l("Envoyez une copie, ou demandez l'original à ce service."),
    ),
    "slip.paper_on_the_way": Message(
        _l("L'original de %(number)s est en route (bordereau %(slip)s)."), _l("Attendez sa réception.")
    ),
    "slip.print_long": Message(
        _l("Cette impression réunirait %(count)s documents ; elle en compte %(limit)s au plus."),
        _l("Imprimez les bordereaux un par un."),
    ),
    "slip.pdf_confidential": Message(
        _l("Ce bordereau porte un courrier auquel vous n'avez pas accès."),
        _l("Demandez l'accès au service traitant."),
    ),
    "slip.proof_missing": Message(
        _l("L'exemplaire signé à la main n'est pas encore numérisé."), _l("Numérisez d'abord l'exemplaire signé.")
    ),
    "slip.proof_unknown": Message(_l("Cette preuve n'existe plus."), _l("Rechargez le bordereau.")),
    "slip.received": Message(
        _l("Ce bordereau est déjà reçu : rien n'a été changé."),
        _l("Ouvrez-le pour voir qui l'a reçu ; un écart constaté depuis se signale par un nouveau document."),
    ),
    "slip.received_at": Message(
        _l("La date ou l'heure de réception n'est pas valable."), _l("Corrigez la date et l'heure.")
    ),
    "slip.receiver_name": Message(
        _l("Le nom de la personne qui a reçu manque."), _l("Écrivez le nom porté sur l'exemplaire.")
    ),
    "slip.remark_missing": Message(
        _l("L'observation est obligatoire à la ligne %(line)s."), _l("Écrivez ce qui est endommagé.")
    ),
    "slip.reason_unticked": Message(
        _l("Un motif est écrit pour un courrier qui n'est pas coché."), _l("Cochez ce courrier, ou effacez le motif.")
    ),
    "slip.refused_before": Message(
        _l("L'original de %(number)s a été refusé par %(unit)s comme mal adressé (bordereau %(slip)s)."),
        _l("Choisissez un autre service, ou écrivez pourquoi il y retourne : le bordereau le dira."),
    ),
    "slip.return_by_missing": Message(_l("La date de retour manque."), _l("Indiquez la date de retour.")),
    "slip.return_by_past": Message(_l("La date de retour est passée."), _l("Choisissez un jour à venir.")),
    "slip.same_unit": Message(_l("%(unit)s ne peut pas s'envoyer un bordereau."), _l("Choisissez un autre service.")),
    "slip.sheet_changed": Message(
        _l("Les numérisations de ce bordereau ont changé depuis l'affichage."),
        _l("Ce que vous avez saisi est gardé : comparez avec les images, puis enregistrez."),
    ),
    "slip.signed": Message(_l("Ce bordereau est déjà signé et envoyé."), _l("Rechargez-le.")),
    "slip.stale": Message(
        _l("Une autre personne reçoit ce bordereau."), _l("Rechargez le bordereau : votre saisie est gardée.")
    ),
    "slip.task_remark": Message(_l("La suite donnée est obligatoire."), _l("Écrivez ce qui a été fait.")),
    "slip.task_settled": Message(_l("Cet écart est déjà réglé."), _l("Rechargez la liste.")),
    "slip.task_unknown": Message(_l("Cet écart n'existe plus."), _l("Rechargez la liste.")),
    "slip.text_long": Message(_l("Ce texte dépasse %(limit)s caractères."), _l("Raccourcissez-le.")),
    "slip.too_many_lines": Message(
        _l("Le bordereau a trop de lignes : %(limit)s au plus."), _l("Faites plusieurs bordereaux.")
    ),
    "slip.unit_closed": Message(_l("Le service %(unit)s est fermé."), _l("Choisissez le service qui lui succède.")),
    "slip.unknown": Message(_l("Ce bordereau n'existe pas, ou vous n'y avez pas accès."), _l("Vérifiez le numéro.")),
    "slip.voided": Message(_l("Ce bordereau est annulé."), _l("Faites un nouveau bordereau.")),
    # --- snapshot ---
    "snapshot.ahead": Message(
        _l("La copie %(name)s est plus récente que la base de données."), _l("Reconstruisez l'index.")
    ),
    "snapshot.not_whole": Message(_l("La copie %(name)s n'est pas entière (%(state)s)."), _l("Faites-en une autre.")),
    "snapshot.schema": Message(
        _l("La copie %(name)s a la forme d'une autre version du programme."), _l("Reconstruisez l'index.")
    ),
    "snapshot.unknown": Message(_l("Il n'y a pas de copie %(name)s."), _l("Regardez la liste des copies.")),
    # --- stamp ---
    "stamp.failed": Message(
        _l("La marque de signature n'a pas pu être dessinée."),
        _l("Réessayez ; si l'erreur revient, prévenez l'administrateur."),
    ),
    # --- store ---
    "store.away": Message(
        _l("Le stockage des fichiers ne répond pas. Rien n'est perdu."),
        _l("Recommencez dans une minute ; si cela dure, prévenez l'administrateur."),
    ),
    "store.slow": Message(
        _l("Le stockage des fichiers répond trop lentement. Rien n'est perdu."),
        _l("Recommencez dans une minute ; si cela dure, prévenez l'administrateur."),
    ),
    "store.busy": Message(
        _l("Le stockage des fichiers est occupé. Rien n'est perdu."),
        _l("Recommencez dans une minute ; si cela dure, prévenez l'administrateur."),
    ),
    "store.full": Message(
        _l("Le stockage des fichiers est plein : le fichier n'a pas été pris."),
        _l("Prévenez l'administrateur : il faut plus de place ou un quota plus large. Puis recommencez."),
    ),
    "store.refused": Message(
        _l("Le stockage des fichiers refuse le serveur."),
        _l("Prévenez l'administrateur : la clé d'accès ou ses droits sont à corriger (ged doctor --only store)."),
    ),
    "store.clock": Message(
        _l("L'heure du serveur et celle du stockage des fichiers diffèrent trop."),
        _l("Prévenez l'administrateur : les horloges sont à régler."),
    ),
    "store.no_bucket": Message(
        _l("L'emplacement des fichiers n'existe pas dans le stockage."),
        _l("Prévenez l'administrateur : le nom est à corriger dans GED_BLOBS."),
    ),
    "store.certificate": Message(
        _l("Le certificat du stockage des fichiers n'est pas reconnu."),
        _l("Prévenez l'administrateur : son autorité est à nommer dans GED_S3_CA."),
    ),
    "store.damaged": Message(
        _l("Le fichier est arrivé altéré au stockage, qui l'a refusé."),
        _l("Recommencez ; si cela se répète, prévenez l'administrateur : le réseau altère ce qui passe."),
    ),
    "store.changed": Message(
        _l("Le fichier a été réécrit pendant la lecture."),
        _l("Ouvrez-le de nouveau."),
    ),
    "store.locked": Message(
        _l("Le stockage garde ce fichier sous verrou, et il n'est pas chiffré : il ne peut pas encore être éliminé."),
        _l("Attendez la fin du verrou, puis recommencez."),
    ),
    "store.failed": Message(
        _l("Le stockage des fichiers a répondu par une erreur."),
        _l("Prévenez l'administrateur : le journal du stockage dit laquelle."),
    ),
    # --- synonyms ---
    "synonyms.no_word": Message(
        _l("Ligne %(line)s, « %(text)s » : un membre ne contient aucun mot."),
        _l("Chaque membre du groupe contient au moins une lettre ou un chiffre."),
    ),
    "synonyms.not_written": Message(
        _l("La liste des synonymes n'a pas pu être écrite ; l'ancienne reste en usage."),
        _l("Vérifiez la place et les droits du dossier des données."),
    ),
    "synonyms.nothing_new": Message(_l("Ces groupes sont déjà dans la liste."), _l("Écrivez un autre groupe.")),
    "synonyms.one_member": Message(
        _l("Ligne %(line)s, « %(text)s » : il faut au moins deux membres différents."),
        _l("Un groupe a au moins deux membres différents, séparés par = ou par une virgule."),
    ),
    "synonyms.stale": Message(
        _l("Quelqu'un a changé la liste des synonymes entre-temps ; votre changement n'est pas enregistré."),
        _l("Regardez la liste, puis recommencez."),
    ),
    "synonyms.too_long": Message(
        _l("Ligne %(line)s, « %(text)s » : un membre a plus de huit mots."),
        _l("Chaque membre du groupe a huit mots au plus."),
    ),
    "synonyms.too_many": Message(
        _l("Ligne %(line)s, « %(text)s » : il y en a trop."),
        _l("Un groupe a douze membres au plus, et la liste deux mille groupes."),
    ),
    "synonyms.changed_since": Message(
        _l("Ces groupes ont changé depuis : rien n'est annulé."), _l("Corrigez-les dans la liste.")
    ),
    "synonyms.unknown": Message(_l("Ce groupe n'est plus dans la liste."), _l("Regardez la liste des synonymes.")),
    # --- copies of the journal's heads, kept elsewhere ---
    "copy.altered": Message(
        _l("Cette copie des têtes du journal n'est pas signée par la clé donnée, ou elle n'est pas entière."),
        _l("Donnez la clé qui a signé cette copie, et le fichier tel qu'il a été copié."),
    ),
    "copy.empty": Message(
        _l("Cette copie des têtes du journal est vide."), _l("Donnez une copie de heads.jsonl d'une ligne au moins.")
    ),
    "copy.key_unreadable": Message(
        _l("Cette clé publique du journal ne peut pas être lue."),
        _l("Donnez le fichier journal.pub tel qu'il a été copié."),
    ),
    # --- template ---
    "template.none": Message(
        _l("Cette nature de courrier ne propose aucun modèle de lettre."), _l("Choisissez-en un dans la liste.")
    ),
    "template.unknown": Message(_l("Ce modèle de lettre n'existe pas."), _l("Choisissez un modèle de la liste.")),
    # --- text ---
    "text.glyph_missing": Message(
        _l("Le caractère « %(character)s » ne peut pas être imprimé."), _l("Remplacez ce caractère.")
    ),
    # --- training ---
    "training.unknown": Message(
        _l("Cet exercice n'existe pas pour votre rôle."), _l("Ouvrez de nouveau la page des exercices.")
    ),
    "training.wrong": Message(
        _l("Ce n'est pas cette écriture."),
        _l(
            "Cherchez au journal l'écriture « a commencé un exercice » à votre nom, la plus récente, et recopiez son numéro."
        ),
    ),
    # --- typeset, work ---
    "work.busy": Message(
        _l("Plusieurs travaux lourds sont déjà en cours : celui-ci n'a pas pu commencer."),
        _l(
            "Rien n'est perdu. Une page que vous avez ouverte se recharge d'elle-même dans dix secondes ; ce que vous avez "
            "envoyé est à renvoyer."
        ),
    ),
    "typeset.crashed": Message(
        _l("La mise en page s'est arrêtée avant la fin."),
        _l(
            "Réessayez ; si elle s'arrête de nouveau, demandez moins de lignes à la fois, ou prévenez l'administrateur."
        ),
    ),
    "typeset.failed": Message(
        _l("La mise en page du document a échoué."), _l("Réessayez ; si l'erreur revient, prévenez l'administrateur.")
    ),
    "typeset.glyph": Message(
        _l("Le caractère « %(character)s » ne peut pas être imprimé."), _l("Retirez ou remplacez ce caractère.")
    ),
    "typeset.glyph_near": Message(
        _l("Le caractère « %(character)s » ne peut pas être imprimé ; il est ici : « %(near)s »."),
        _l("Retirez ou remplacez ce caractère."),
    ),
    # --- unit ---
    "unit.unknown": Message(_l("Ce service n'existe pas."), _l("Choisissez un service de la liste.")),
    "unit.ambiguous": Message(
        _l("Plusieurs services s'appellent « %(name)s » : %(codes)s."), _l("Écrivez le sigle du service voulu.")
    ),
    # --- upload ---
    "upload.missing": Message(_l("Aucun fichier n'a été envoyé."), _l("Choisissez un fichier.")),
    "upload.too_large": Message(
        _l("L'envoi dépasse la taille permise."), _l("Envoyez un fichier plus léger ou en plusieurs fois.")
    ),
    "upload.unreadable": Message(_l("L'envoi n'a pas pu être lu."), _l("Envoyez de nouveau le fichier.")),
    # --- visa ---
    "visa.nothing": Message(_l("Aucun courrier n'est coché."), _l("Cochez les courriers à viser.")),
    "visa.too_many": Message(
        _l("%(limit)s courriers au plus peuvent être visés en une fois."), _l("Cochez-en moins, puis visez le reste.")
    ),
    # --- word ---
    "word.embedded": Message(
        _l("Le document contient un objet incorporé (fichier joint, tableur, contrôle) : il n'a pas été pris."),
        _l("Remplacez cet objet par une image ou un tableau Word, ou joignez le fichier comme pièce."),
    ),
    "word.external": Message(
        _l("Le document va chercher un élément ailleurs : %(target)s"),
        _l("Dans Word, incorporez cet élément au document (image collée, texte recopié), puis déposez-le de nouveau."),
    ),
    "word.field_forbidden": Message(
        _l("Le document contient un champ « %(name)s », qui va chercher un contenu ailleurs."),
        _l("Remplacez ce champ par le texte lui-même (Ctrl+Maj+F9 dans Word)."),
    ),
    "word_template.entity": Message(
        _l("Cette entité n'est pas de celles que vous administrez."), _l("Choisissez une entité de la liste.")
    ),
    "word_template.name": Message(
        _l("Ce nom de modèle ne convient pas."),
        _l("Écrivez 60 caractères au plus : lettres, chiffres, espaces, points, tirets et parenthèses."),
    ),
    "word_template.no_text": Message(
        _l("Il manque au modèle le champ de fusion « texte »."),
        _l("Insérez-le dans Word à la place du texte du courrier (Insertion, QuickPart, Champ, MergeField)."),
    ),
    "word_template.stale": Message(
        _l("Le modèle « %(name)s » vient d'être changé par une autre personne."), _l("Regardez de nouveau la liste.")
    ),
    "word_template.unknown": Message(_l("Ce modèle n'est plus dans la liste."), _l("Regardez de nouveau la liste.")),
    "word.field_missing": Message(
        _l("Il manque au document ce qui est rempli à la signature : %(names)s."),
        _l(
            "Insérez de nouveau ce champ de fusion dans Word (Insertion, QuickPart, Champ, MergeField), ou repartez du "
            "modèle."
        ),
    ),
    "word.field_twice": Message(
        _l("Le champ « %(name)s » figure plusieurs fois dans le document."), _l("N'en gardez qu'un.")
    ),
    "word.field_unknown": Message(
        _l("Champ de fusion inconnu : %(names)s."),
        _l("Corrigez son nom d'après la liste des champs du guide, ou retirez-le."),
    ),
    "word.macros": Message(
        _l("Le document contient des macros : il n'a pas été pris."),
        _l("Enregistrez-le au format « Document Word (.docx) », sans macros."),
    ),
    "word.not_archive": Message(
        _l("Le document n'a pas pu être mis au format d'archivage PDF/A."),
        _l("Prévenez l'administrateur : LibreOffice 7.4 ou plus récent est nécessaire."),
    ),
    "word.not_docx": Message(
        _l("Ce fichier n'est pas un document Word (.docx)."),
        _l("Dans Word, enregistrez-le au format « Document Word (.docx) », puis déposez-le de nouveau."),
    ),
    "word.not_filled": Message(
        _l("Ce fichier est un modèle vide, et non le document de ce projet."),
        _l("Téléchargez le document rempli, écrivez dedans, puis déposez-le."),
    ),
    "word.other_draft": Message(
        _l("Ce fichier est celui d'un autre projet."), _l("Choisissez le document téléchargé de ce projet.")
    ),
    "word.place_lost": Message(
        _l("La place du numéro, de la date ou de la signature sort de la page."),
        _l("Dans Word, remettez ce champ dans le texte de la page, puis déposez le document de nouveau."),
    ),
    "word.stale": Message(
        _l("Le texte a été modifié depuis que vous avez téléchargé ce document."),
        _l("Lisez les deux textes, puis décidez."),
    ),
    "word.template_unknown": Message(_l("Ce modèle n'existe pas."), _l("Choisissez un modèle de la liste.")),
    "word.too_complex": Message(
        _l("Le document a trop de liens, de signets ou d'images pour être signé."),
        _l("Dans Word, retirez les liens et les signets, compressez les images, puis déposez-le de nouveau."),
    ),
    "word.unsettled": Message(
        _l("Le document contient encore des modifications suivies (%(changes)s) ou des commentaires (%(comments)s)."),
        _l(
            "Dans Word, acceptez ou refusez les modifications et supprimez les commentaires, puis déposez-le de nouveau."
        ),
    ),
    "word.waiting": Message(
        _l("Le document Word est en cours de mise en pages."),
        _l("Attendez quelques secondes, puis remettez le projet au parapheur."),
    ),
    # --- workbook ---
    "workbook.hangs": Message(
        _l("Cet import ne peut pas être annulé : quelque chose en dépend, ou a changé depuis."),
        _l("Défaites d'abord ce qui suit."),
    ),
    "workbook.not_last": Message(_l("Un autre classeur a été importé depuis."), _l("Annulez d'abord le dernier.")),
    "workbook.nothing_to_undo": Message(_l("Aucun import n'est à annuler."), _l("Rechargez la page.")),
    "workbook.overtaken": Message(
        _l("L'organisation a changé depuis ce contrôle."), _l("Relisez ce qui va changer, puis importez.")
    ),
    "workbook.own_rights": Message(
        _l("Ce classeur vous donnerait à vous-même un poste, un rôle ou une habilitation."),
        _l("Un administrateur n'ouvre aucun courrier : demandez-le à l'exploitant (ged org import)."),
    ),
    "workbook.too_big": Message(
        _l("Ce classeur est trop lourd."), _l("Partagez-le en plusieurs classeurs de 20 Mo au plus.")
    ),
    "workbook.unknown": Message(
        _l("Ce classeur n'attend plus : il a été importé, ou il est trop ancien."), _l("Contrôlez-le de nouveau.")
    ),
    "workbook.unreadable": Message(
        _l("Ce fichier n'est pas un classeur lisible."),
        _l("Partez du modèle, et enregistrez-le en .xlsx ou .ods, sans mot de passe."),
    ),
    "move.file": Message(
        _l("Un fichier n'est pas arrivé tel qu'il a été lu : %(file)s."),
        _l("Regardez le disque du nouveau dossier, puis rappelez la commande."),
    ),
    "move.in_use": Message(
        _l("La base est encore ouverte par un programme : %(file)s."),
        _l("Arrêtez tout programme qui l'a ouverte."),
    ),
    "move.index_in_use": Message(
        _l("Un index de ce nom contient déjà des courriers : %(index)s."),
        _l("Choisissez un autre nom d'index."),
    ),
    "move.not_empty": Message(
        _l("La nouvelle base n'est pas vide : %(tables)s."),
        _l("Indiquez une base neuve et vide."),
    ),
    "move.refused": Message(
        _l("PostgreSQL refuse une ligne de %(table)s : %(said)s"),
        _l("Corrigez-la dans l'ancienne installation, puis rappelez la commande."),
    ),
    "move.running": Message(
        _l("Un autre déménagement vers cette base est en cours."),
        _l("Attendez qu'il soit fini."),
    ),
    "move.sequence": Message(
        _l("Le numéro suivant de %(table)s est déjà pris."),
        _l("Signalez-le : c'est un défaut du programme."),
    ),
    "move.servers_run": Message(
        _l("Les serveurs sont encore en marche : %(programs)s."),
        _l("Arrêtez leurs sites et leurs services de travail."),
    ),
    "move.source_changed": Message(
        _l("L'ancienne installation a été modifiée depuis le début du déménagement."),
        _l("Recommencez avec --anew."),
    ),
    "move.target_in_use": Message(
        _l("Un programme est connecté à la nouvelle base : %(programs)s."),
        _l("Arrêtez-le."),
    ),
    "move.unfit": Message(
        _l("PostgreSQL n'accepterait pas %(values)s valeurs : %(first)s"),
        _l("Corrigez-les dans l'ancienne installation."),
    ),
    "move.unknown": Message(
        _l("Les réglages des serveurs ne se lisent pas : %(settings)s."),
        _l("Remettez-les, ou ajoutez --lose."),
    ),
    "move.worked_on": Message(
        _l("On a travaillé sur les serveurs depuis : %(entries)s entrées du journal."),
        _l("Ajoutez --lose pour les laisser là."),
    ),
    "upgrade.finished": Message(
        _l("La base a oublié la version d'avant."),
        _l("Seule une sauvegarde y ramène."),
    ),
    "upgrade.migration": Message(
        _l("La base n'a pas pu être préparée : %(said)s"),
        _l("Suivez le message ; la version d'avant sert toujours."),
    ),
    "upgrade.no_copy": Message(
        _l("La sauvegarde n'a pas été faite : %(said)s"),
        _l("Réglez les sauvegardes, ou ajoutez --no-backup."),
    ),
    "upgrade.not_well": Message(
        _l("L'installation ne va pas bien : %(checks)s."),
        _l("Réparez d'abord : ged doctor."),
    ),
    "upgrade.nothing_before": Message(
        _l("Il n'y a pas de version d'avant."),
        _l("Installez d'abord une version."),
    ),
    "upgrade.older_runs": Message(
        _l("Des processus de la version d'avant vivent encore : %(processes)s."),
        _l("Arrêtez-les."),
    ),
    "upgrade.stuck": Message(
        _l("Des services ne démarrent plus : %(services)s."),
        _l("Regardez leurs journaux tout de suite."),
    ),
    "upgrade.unfinished": Message(
        _l("La dernière mise à jour n'est pas close."),
        _l("Fermez-la (--finish), ou revenez en arrière (--back)."),
    ),
    "upgrade.went_back": Message(
        _l("La nouvelle version a été quittée : %(why)s."),
        _l("Regardez le journal du service ; la version d'avant sert."),
    ),
    "upgrade.went_back_before": Message(
        _l("La version la plus récente a été quittée."),
        _l("Refaites d'abord la mise à jour."),
    ),
}
