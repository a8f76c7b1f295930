"""Words that both papers use of the same facts, and their tables."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from ged.compliance.facts import Facts, Kept, Office, Reached
from ged.compliance.text import Rows, plain
from ged.links import is_loopback
from ged.org.words import LEVELS
from ged.ports import Confidentiality
from ged.register.models import Direction, RegisterNature
from ged.unit import Role

ROLES: Mapping[Role, str] = {
    Role.AUTHORITY: "Autorité qui impute le courrier",
    Role.SIGNATORY: "Signataire",
    Role.SECRETARY: "Secrétariat",
    Role.CLERK: "Bureau d'ordre",
    Role.ADMINISTRATOR: "Administrateur, qui n'ouvre aucun courrier",
    Role.AUDITOR: "Auditeur du journal",
}
DIRECTIONS: Mapping[Direction, str] = {
    Direction.INCOMING: "arrivée", Direction.OUTGOING: "départ", Direction.INTERNAL: "interne",
}  # fmt: skip
BOOKS: Mapping[RegisterNature, str] = {
    RegisterNature.ARRIVAL: "arrivée", RegisterNature.DEPARTURE: "départ", RegisterNature.INTERNAL: "interne",
    RegisterNature.ENVELOPE: "plis fermés", RegisterNature.SLIP: "bordereaux",
    RegisterNature.NOTE: "notes de service", RegisterNature.DECISION: "décisions", RegisterNature.ARCHIVE: "archives",
}  # fmt: skip
KEYS: Mapping[str, str] = {
    "p256": "courbe elliptique P-256", "p384": "courbe elliptique P-384", "rsa3072": "RSA de 3 072 bits",
}  # fmt: skip
SEAL_KINDS: Mapping[str, str] = {
    "own": "gardée, chiffrée, sur le serveur",
    "file": "gardée dans un fichier protégé (PKCS#12) du serveur",
    "token": "gardée dans un support matériel (PKCS#11)",
    "service": "gardée par un service de signature distant",
}
SERVERS: Mapping[str, str] = {
    "database": "Base de données", "queue": "File des tâches", "index": "Moteur de recherche",
    "mail": "Serveur de courriel", "time_stamp": "Autorité d'horodatage", "seal": "Service de signature du cachet",
    "scanner": "Antivirus",
}  # fmt: skip
RECEIVES: Mapping[str, str] = {
    "database": "les registres, les textes lus et les comptes",
    "queue": "des numéros de tâches",
    "index": "le texte des courriers, pour la recherche",
    "mail": "les courriels adressés aux correspondants et les avis aux agents",
    "time_stamp": "des empreintes (SHA-256), dont aucun texte ne se retrouve",
    "seal": "des empreintes (SHA-256), dont aucun texte ne se retrouve",
    "scanner": "les fichiers reçus, le temps de leur contrôle",
}
"""What a server gets from the program."""


def years(kept: Kept) -> str:
    """For how long letters of a nature are kept."""
    return "[[durée de conservation]]" if kept.years is None else f"{kept.years} an{'s' if kept.years > 1 else ''}"


def retention(facts: Facts) -> Rows:
    """Natures and for how long their letters are kept."""
    rows = tuple((plain(one.name), DIRECTIONS[one.direction], years(one)) for one in facts.natures)
    empty = ("[[natures de courrier]]", "", "[[durée de conservation]]")
    return Rows(("Nature du courrier", "Sens", "Conservation après clôture"), rows or (empty,), (6, 2, 3))


def holder(office: Office) -> str:
    """Who holds a post."""
    return plain(office.holder) if office.holder else "[[poste vacant : nom du titulaire]]"


def offices(facts: Facts) -> Rows:
    """Roles, posts and who holds them."""
    rows = tuple(
        (ROLES[one.role], f"{plain(one.title)} ({plain(one.unit)})", holder(one)) for one in facts.offices
    )  # fmt: skip
    missing = tuple((word, "[[poste]]", "[[titulaire]]") for role, word in ROLES.items() if not facts.of(role))
    return Rows(("Rôle", "Poste", "Titulaire à ce jour"), rows + missing, (4, 5, 3))


def site(facts: Facts) -> str:
    """The address of the site; a blank while it is one that only the server itself can open."""
    if is_loopback(urlsplit(facts.public_url).hostname or ""):
        return "[[adresse du site]]"
    return plain(facts.public_url)


def books(facts: Facts) -> Rows:
    """The registers, and what their numbers look like."""
    rows = tuple(
        (plain(one.name), BOOKS[one.nature], plain(one.number) + (f", à la suite du registre papier ({plain(one.paper)})" if one.paper else ""))
        for one in facts.books
    )  # fmt: skip
    return Rows(("Registre", "Nature", "Premier numéro de l'année"), rows or (("[[registres]]", "", ""),), (5, 3, 4))


def levels(facts: Facts) -> str:
    """The levels for which somebody of the entity is cleared."""
    said = [LEVELS[one] or "ordinaire" for one in facts.clearances or (Confidentiality.ORDINARY,)]
    return ", ".join(one.lower() for one in said)


def place(server: Reached) -> str:
    """Where a server is: this machine, or a host by its name."""
    return "sur la même machine" if server.is_near else f"{plain(server.host)}, [[lieu et pays]]"
