"""French of the checklist of the roll-out: what each line is, who acts, why it matters."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import LazyString

from ged.administration.checklist import Item, Line
from web.words.messages import gettext as _
from web.words.messages import lazy_gettext as _l


@dataclass(frozen=True)
class Text:
    """The texts of a line; ``how`` says what to do on the server, where no page does it."""

    title: LazyString
    who: LazyString
    why: LazyString
    how: LazyString | str = ""


_ADMINISTRATOR, _OPERATOR, _DESK = _l("L'administrateur"), _l("L'exploitant du serveur"), _l("Le bureau d'ordre")

TEXTS: Mapping[Item, Text] = {
    Item.REGISTERS: Text(
        _l("Des registres sont ouverts"), _ADMINISTRATOR, _l("Sans registre, aucun courrier ne reçoit de numéro."),
        _l("« Administration », « Déploiement » : un classeur rempli donne services, personnes, postes et registres en une fois."),
    ),
    Item.HEADS: Text(
        _l("Chaque service a un chef"), _ADMINISTRATOR, _l("Sans chef, personne n'y voit ce qui arrive ni ce qui est en retard.")
    ),
    Item.VACANT: Text(
        _l("Aucun poste n'est vacant"), _ADMINISTRATOR, _l("Le courrier d'un poste vacant attend sans que personne le traite.")
    ),
    Item.CLERKS: Text(
        _l("Chaque registre a un agent"), _ADMINISTRATOR, _l("Sans agent d'enregistrement dans son service, un registre ne donne aucun numéro.")
    ),
    Item.FIRST_ACCESS: Text(
        _l("Chacun a ouvert son compte"), _ADMINISTRATOR, _l("Sans premier accès, une personne ne peut pas se connecter.")
    ),
    Item.SCANNERS: Text(
        _l("Chaque registre d'arrivée a un scanner"), _DESK, _l("Sans station appariée, les pages restent sur papier et ne se cherchent pas.")
    ),
    Item.HOLIDAYS: Text(
        _l("Les jours fériés de l'an prochain sont là"), _ADMINISTRATOR, _l("Sans eux, les délais qui passent le 31 décembre tombent un mauvais jour.")
    ),
    Item.ADDRESS: Text(
        _l("L'adresse du site est réglée"), _OPERATOR, _l("Sans elle, les feuilles de premier accès, les courriels et les codes des lettres mènent à une adresse que personne d'autre n'ouvre."),
        _l("Sur le serveur : le paramètre GED_PUBLIC_URL."),
    ),
    Item.SECOND_STEP: Text(
        _l("La vérification en deux étapes est demandée"), _OPERATOR, _l("Sans elle, le mot de passe d'un signataire, du bureau d'ordre ou d'un administrateur suffit à qui l'a deviné ou lu."),
        _l("Sur le serveur : le paramètre GED_SECOND_FACTOR_ROLES."),
    ),
    Item.SEAL: Text(
        _l("Le cachet du ministère est en place"), _OPERATOR, _l("Sans cachet, les registres arrêtés et les preuves ne portent aucune signature du ministère."),
        _l("Sur le serveur : ged pki seal, ou un certificat acheté."),
    ),
    Item.TIME_STAMP: Text(
        _l("L'horodatage est réglé"), _OPERATOR, _l("Sans autorité d'horodatage, une signature ne se prouve plus quand son certificat expire."),
        _l("Sur le serveur : le paramètre GED_TSA_URLS."),
    ),
    Item.MAIL_LOOP: Text(
        _l("Un courriel d'essai est revenu"), _OPERATOR, _l("Sinon les avis et les rappels partent peut-être dans le vide.")
    ),
    Item.BACKUP: Text(
        _l("Une sauvegarde a été restaurée"), _OPERATOR, _l("Une sauvegarde qui n'a jamais été restaurée n'est qu'un espoir."),
        _l("ged restore --drill le prouve et le note ici. Sinon, restaurez-la sur une autre machine, lancez ged verify, puis dites-le ; la question revient chaque mois."),
    ),
    Item.FIRST_CLOSING: Text(
        _l("Un premier registre est arrêté"), _DESK, _l("L'arrêt fige les numéros du jour : après lui, plus rien ne s'y ajoute.")
    ),
}  # fmt: skip


def names_words(line: Line) -> str:
    """The first names of what is missing, and how many there are besides."""
    names = ", ".join(line.names)
    rest = line.missing - len(line.names)
    return _("%(names)s et %(count)s de plus", names=names, count=rest) if line.names and rest > 0 else names
