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
    # --- page ---
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
