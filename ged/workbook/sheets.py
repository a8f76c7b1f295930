"""The sheets of the workbook and their columns: names, explanations and what a cell may hold. Pure.

The names are French and stand in files that people keep: a name that changes makes their workbooks unreadable. So a
column is found by its name without regard to case, accents and spaces, in any order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ged.org.file import MAX_SEQUENCE
from ged.unit import Role

REMOVE = "—"
"""A cell that holds only a dash takes the value away; an empty cell leaves it as it is."""
YES, NO = "oui", "non"
EXAMPLES = 2
"""Lines of example under the names; a line whose first cell begins with `EXAMPLE` is skipped."""
EXAMPLE = "exemple :"


class Holds(StrEnum):
    """What the cells of a column hold."""

    TEXT = "text"
    YES_NO = "yes_no"
    NUMBER = "number"
    CHOICE = "choice"
    CHOICES = "choices"
    REFERENCE = "reference"
    REFERENCES = "references"
    NUMBERS = "numbers"
    DAY = "day"
    LINES = "lines"
    """A text of several lines."""


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        title: its name in the sheet.
        key: the field of the record that it fills.
        help: one sentence for who fills it in.
        choices: French word -> stored value, for `Holds.CHOICE` and `Holds.CHOICES`.
        refers_to: the kinds of records that a reference names, by code.
        is_required: a new record needs it.
        examples: the cells of the lines of example.
        limit: characters of a text; largest number.
    """

    title: str
    key: str
    help: str
    holds: Holds = Holds.TEXT
    choices: Mapping[str, str] = field(default_factory=dict)
    refers_to: str = ""
    is_required: bool = False
    examples: tuple[str, str] = ("", "")
    limit: int = 200


@dataclass(frozen=True)
class Sheet:
    """A sheet: one record a line, found again by the column that is its key.

    Attributes:
        kind: the section of ``ged.org.file`` that its lines belong to.
    """

    title: str
    kind: str
    help: str
    columns: tuple[Column, ...]

    @property
    def key(self) -> Column:
        """The column by which a record is found again: the first."""
        return self.columns[0]


KINDS_OF_UNIT = {
    "ministère": "ministry", "cabinet": "cabinet", "secrétariat général": "general_secretariat",
    "direction": "directorate", "service": "service", "bureau d'ordre": "mail_office", "organisme": "entity",
}  # fmt: skip
LEVELS = {"ordinaire": "ordinary", "confidentiel": "restricted", "secret": "secret"}
ROLES = {
    "enregistrement": Role.CLERK, "agent": Role.MEMBER, "chef": Role.HEAD, "autorité": Role.AUTHORITY,
    "secrétariat": Role.SECRETARY, "signataire": Role.SIGNATORY, "administrateur": Role.ADMINISTRATOR,
    "auditeur": Role.AUDITOR,
}  # fmt: skip
ROLES_EXPLAINED = (
    "Un ou plusieurs, séparés par des virgules. enregistrement : numérote le courrier de son unité ; agent : traite et rédige ; "
    "chef : voit et répartit le courrier de son unité et de celles au-dessous ; autorité : impute le courrier arrivé ; "
    "secrétariat : prépare pour un poste (« Secrétariat de ») ; signataire : signe ; administrateur : règle le service, n'ouvre "
    "aucun courrier ; auditeur : lit le journal."
)
DIRECTIONS = {"arrivée": "incoming", "départ": "outgoing", "interne": "internal"}
REGISTER_NATURES = {
    "courrier arrivée": "arrivee", "courrier départ": "depart", "courrier interne": "interne", "plis fermés": "pli_ferme",
    "bordereaux": "bordereau", "notes de service": "note_service", "décisions": "decision", "archives": "archive",
}  # fmt: skip
SILENCES = {"acceptation": "accepts", "rejet": "refuses"}
FINAL_ACTS = {"destruction": "destroy", "versement aux archives": "transfer", "conservation définitive": "keep"}
DELEGATION_KINDS = {"délégation": "delegation", "intérim": "interim", "par ordre": "order"}
STEP_KINDS = {"visa": "visa", "avis": "opinion", "signature": "signature"}
NEAREST_HEAD = "chef du rédacteur"

_UNIT_CODE = Column("Sigle", "code", "Court, sans espace, le même partout.", is_required=True, limit=32)


OF_ENTITY = Column(
    "Entité", "entity", "Le sigle de l'entité qui est seule à s'en servir ; vide : commune à toutes.", Holds.REFERENCE,
    refers_to="units",
)  # fmt: skip


def _unit_columns(*, is_entity: bool) -> tuple[Column, ...]:
    examples = ("CEET", "ARSE") if is_entity else ("DGE", "DGE-ETUDES")
    names = (
        ("Compagnie Énergie Électrique du Togo", "Autorité de réglementation du secteur de l'électricité")
        if is_entity
        else ("Direction générale de l'énergie", "Service des études et de la planification")
    )
    return (
        Column(_UNIT_CODE.title, "code", _UNIT_CODE.help, is_required=True, limit=32, examples=examples),
        Column("Nom", "name", "Le nom entier, tel qu'il est imprimé.", is_required=True, examples=names),
        Column(
            "Type", "kind", "Choisissez dans la liste.", Holds.CHOICE, KINDS_OF_UNIT,
            examples=("organisme", "organisme") if is_entity else ("direction", "service"),
        ),
        Column(
            "Rattachée à", "parent", "Le sigle de l'entité ou de l'unité au-dessus ; vide au sommet.", Holds.REFERENCE,
            refers_to="units", examples=("MMRE", "MMRE") if is_entity else ("SG", "DGE"),
        ),
        Column("Fermée", "closed", "oui si elle n'existe plus.", Holds.YES_NO),
        Column(
            "Successeur", "successor", "Le sigle de l'unité qui reçoit le courrier d'une unité fermée.", Holds.REFERENCE,
            refers_to="units",
        ),
        # A new column stands last: findings of acts that were proposed before it name columns by their place.
        Column(
            "Adresse imprimée", "address", "Au bas des lettres et des récépissés : rue, boîte postale, téléphone. Un service qui n'en a pas prend celle du service au-dessus, dans son entité.",
            examples=("Avenue de la Libération, BP 00, Lomé – Tél. +228 22 00 00 00", ""), limit=200,
        ),
    )  # fmt: skip


SHEETS = (
    Sheet("Entités", "units", "Le ministère et les organismes qui tiennent leurs propres registres.", _unit_columns(is_entity=True)),
    Sheet("Unités", "units", "Directions, services et bureaux d'ordre, sous une entité ou sous une autre unité.", _unit_columns(is_entity=False)),
    Sheet(
        "Personnes", "people", "Une ligne par agent qui a un compte.",
        (
            Column("Compte", "account", "Ce que la personne tape pour se connecter : minuscules, sans espace.", is_required=True, limit=64, examples=("k.ametepe", "s.afatsawo")),
            Column("Nom et prénoms", "name", "Tels qu'ils sont imprimés sur les bordereaux.", is_required=True, examples=("Kodjo Ametépé", "Sénam Afatsawo")),
            Column("Courriel", "email", "Pour les avis ; vide s'il n'y en a pas.", examples=("k.ametepe@exemple.tg", "")),
            Column("Habilitation", "clearance", "Le niveau le plus élevé que la personne peut lire.", Holds.CHOICE, LEVELS, examples=("ordinaire", "secret")),
            Column("Compte fermé", "closed", "oui si la personne est partie : ses postes ont alors un autre titulaire, ou sont vacants.", Holds.YES_NO),
        ),
    ),
    Sheet(
        "Postes", "posts", "Une ligne par poste. Les droits vont au poste, jamais à la personne. Chaque entité et chaque unité a un chef ; l'unité qui tient un registre, un agent d'enregistrement.",
        (
            Column("Code", "code", "Court, sans espace.", is_required=True, limit=64, examples=("BO-AGENT", "DGE-CHEF")),
            Column("Intitulé", "title", "Tel qu'il est imprimé sous une signature, sans article.", is_required=True, examples=("Agent d'enregistrement", "Directeur général de l'énergie")),
            Column("Unité", "unit", "Le sigle de son unité.", Holds.REFERENCE, refers_to="units", is_required=True, examples=("BO", "DGE")),
            Column("Titulaire", "holder", "Le compte de la personne qui l'occupe ; — pour un poste vacant.", Holds.REFERENCE, refers_to="people", examples=("k.ametepe", "s.afatsawo")),
            Column("Rôles", "roles", ROLES_EXPLAINED, Holds.CHOICES, ROLES, examples=("enregistrement", "chef, signataire")),
            Column("Secrétariat de", "secretary_of", "Le code du poste dont il est le secrétariat.", Holds.REFERENCE, refers_to="posts"),
        ),
    ),
    Sheet(
        "Registres", "registers", "Une ligne par registre tenu.",
        (
            Column("Code", "code", "Court, sans espace.", is_required=True, limit=32, examples=("ARR", "DEP")),
            Column("Nom", "name", "Le nom sur la couverture du registre.", is_required=True, examples=("Courrier arrivée du ministère", "Courrier départ du ministère")),
            Column("Unité", "unit", "Le sigle de l'unité qui le tient.", Holds.REFERENCE, refers_to="units", is_required=True, examples=("BO", "BO")),
            Column("Sens", "direction", "Choisissez dans la liste.", Holds.CHOICE, DIRECTIONS, is_required=True, examples=("arrivée", "départ")),
            Column("Nature", "nature", "Ce qui y est numéroté ; choisissez dans la liste.", Holds.CHOICE, REGISTER_NATURES, is_required=True, examples=("courrier arrivée", "courrier départ")),
            Column("Modèle de numéro", "pattern", "{seq:05d} : le numéro sur cinq chiffres, toujours là ; {year} : l'année ; {entity}, {unit}, {register} : les sigles de l'entité, de l'unité, du registre. {seq:05d}/{year}/{entity} donne 00042/2026/MMRE.", is_required=True, limit=64, examples=("{seq:05d}/{year}/{entity}", "{seq:05d}/{year}/{entity}/SG")),
            Column("Recommence chaque année", "restarts_yearly", "oui ou non ; oui si la cellule est vide.", Holds.YES_NO, examples=("oui", "oui")),
            Column("Dernier numéro du papier", "paper_number", "Le numéro où le registre papier est arrêté ; le prochain le suit. Avant le premier numéro seulement.", Holds.NUMBER, limit=MAX_SEQUENCE, examples=("812", "")),
            Column("Registre papier", "paper_reason", "Le registre papier continué : tome, jour de l'arrêt. Obligatoire avec un dernier numéro.", limit=300, examples=("Tome 3, arrêté le 30 juin", "")),
            Column("Fermé", "closed", "oui si l'on n'y numérote plus.", Holds.YES_NO),
        ),
    ),
    Sheet(
        "Mentions", "mentions", "Ce que l'autorité coche quand elle impute un courrier.",
        (
            Column("Code", "code", "Court, sans espace.", is_required=True, limit=64, examples=("opinion", "information")),
            Column("Libellé", "label", "Ce qui est imprimé sur la fiche.", is_required=True, examples=("Étude et avis", "Pour information")),
            Column("Rappels", "reminder", "Jours ouvrés : avant la date / après / puis tous les ; 2/1/3 par exemple ; un tiret court (-) : aucun rappel.", limit=8, examples=("2/1/3", "")),
            OF_ENTITY,
        ),
    ),
    Sheet(
        "Modèles de lettres", "templates", "Les textes par lesquels un projet de lettre commence. Ce qui est entre accolades est rempli alors.",
        (
            Column("Code", "code", "Court, sans espace.", is_required=True, limit=64, examples=("accuse", "refus")),
            Column("Titre", "title", "Ce que le rédacteur choisit dans la liste.", is_required=True, examples=("Accusé de réception", "Réponse défavorable")),
            Column("Objet", "subject", "L'objet de la lettre.", is_required=True, limit=500, examples=("Accusé de réception de votre courrier", "Suite réservée à votre demande : {objet}")),
            Column("Texte", "body", "Plusieurs lignes ; {civilite}, {objet}, {votre_reference}, {date_courrier}, {numero_arrivee}, {date_arrivee}, {service}.", Holds.LINES, is_required=True, limit=20_000, examples=("{civilite}, j'ai l'honneur d'accuser réception…", "{civilite}, votre lettre a retenu toute mon attention…")),
            OF_ENTITY,
        ),
    ),
    Sheet(
        "Natures", "natures", "Ce qui distingue les courriers, et ce que chaque nature propose.",
        (
            Column("Code", "code", "Court, sans espace.", is_required=True, limit=32, examples=("demande", "lettre")),
            Column("Nom", "name", "Ce que l'agent choisit dans la liste.", is_required=True, limit=100, examples=("Demande", "Lettre")),
            Column("Sens", "direction", "Choisissez dans la liste.", Holds.CHOICE, DIRECTIONS, is_required=True, examples=("arrivée", "départ")),
            Column("Registre", "register", "Le code du registre proposé.", Holds.REFERENCE, refers_to="registers", examples=("ARR", "")),
            Column("Délai", "delay_days", "En jours ouvrés ; vide : aucun.", Holds.NUMBER, limit=366, examples=("10", "")),
            Column("Mentions", "mentions", "Les codes des mentions cochées d'avance, séparés par des virgules.", Holds.REFERENCES, refers_to="mentions", examples=("opinion", "")),
            Column("Rappels", "reminders", "Jours ouvrés autour de l'échéance, séparés par des virgules : -2, 1, 5.", Holds.NUMBERS, limit=366, examples=("-2, 1", "")),
            Column("Modèle de lettre", "template", "Le code du modèle par lequel un projet commence.", Holds.REFERENCE, refers_to="templates"),
            Column("Confidentialité", "level", "Le niveau proposé à l'enregistrement.", Holds.CHOICE, LEVELS),
            Column("Silence", "silence", "Ce que vaut le silence quand le délai est passé ; vide : rien.", Holds.CHOICE, SILENCES),
            Column("Conservation", "retention_years", "En années, après la clôture.", Holds.NUMBER, limit=200, examples=("10", "")),
            Column("Sort final", "final_act", "Ce que deviennent les fichiers après ces années ; vide : ils restent.", Holds.CHOICE, FINAL_ACTS),
            Column("Classement", "filing_class", "Le code du plan de classement proposé à la clôture.", limit=32),
            Column("Fermée", "closed", "oui si on ne la choisit plus.", Holds.YES_NO),
            OF_ENTITY,
        ),
    ),
    Sheet(
        "Circuits", "circuits", "Une ligne par étape, dans l'ordre ; la dernière étape d'une nature est la signature.",
        (
            Column("Nature", "nature", "Le code de la nature.", Holds.REFERENCE, refers_to="natures", is_required=True, examples=("lettre", "lettre")),
            Column("Poste", "post", f"Le code du poste, ou « {NEAREST_HEAD} ».", Holds.REFERENCE, refers_to="posts", examples=(NEAREST_HEAD, "SG")),
            Column("Étape", "kind", "visa, avis ou signature.", Holds.CHOICE, STEP_KINDS, examples=("visa", "signature")),
            Column("Obligatoire", "compulsory", "oui : le rédacteur ne peut pas l'ôter.", Holds.YES_NO, examples=("oui", "")),
            Column("Avec la précédente", "with_previous", "oui : les deux étapes s'ouvrent ensemble.", Holds.YES_NO),
            Column("Entité", "entity", "Le sigle de l'entité de la nature, si elle en a une.", Holds.REFERENCE, refers_to="units"),
        ),
    ),
    Sheet(
        "Correspondants", "correspondents", "L'annuaire commun.",
        (
            Column("Nom", "name", "Le nom entier.", is_required=True, examples=("Préfecture de l'Ogou", "Trésor public")),
            Column("Type", "kind", "Par exemple : administration, entreprise, particulier.", limit=32, examples=("administration", "administration")),
            Column("Adresse", "address", "Sur une ligne.", limit=1000, examples=("BP 12, Atakpamé", "Lomé")),
            Column("Courriel", "email", "Pour les envois par courriel.", examples=("prefecture.ogou@exemple.tg", "")),
            Column("Téléphone", "phone", "Avec l'indicatif.", limit=50, examples=("+228 24 40 00 00", "")),
        ),
    ),
    Sheet(
        "Plan de classement", "filing_plan", "Les classes où les courriers clos sont rangés.",
        (
            Column("Code", "code", "Par exemple 4.1.", is_required=True, limit=32, examples=("4.1", "4.2")),
            Column("Intitulé", "title", "Ce que l'agent choisit à la clôture.", is_required=True, examples=("Énergie électrique : concessions", "Énergie électrique : tarifs")),
            Column("Fermée", "closed", "oui si l'on n'y classe plus.", Holds.YES_NO),
        ),
    ),
    Sheet(
        "Délégations", "delegations", "Une ligne par délégation, intérim ou signature par ordre, en cours ou à venir. Elle se donne ou se retire ; elle ne se modifie pas, et ne se redonne que par un autre acte.",
        (
            Column("Poste", "post", "Le code du poste dont les pouvoirs sont confiés.", Holds.REFERENCE, refers_to="posts", is_required=True, examples=("DGE-CHEF", "SG")),
            Column("Délégataire", "person", "Le compte de la personne qui les reçoit ; jamais celui qui importe le classeur.", Holds.REFERENCE, refers_to="people", is_required=True, examples=("k.ametepe", "s.afatsawo")),
            Column("Titre", "kind", "délégation, intérim (d'un poste vacant) ou par ordre.", Holds.CHOICE, DELEGATION_KINDS, is_required=True, examples=("délégation", "par ordre")),
            Column("Acte", "act", "Numéro et date de l'arrêté ou de la note qui l'accorde.", is_required=True, examples=("Arrêté n° 12/MMRE du 20/11/2026", "Note n° 4/SG du 02/01/2027")),
            Column("Du", "from_on", "Premier jour : jour/mois/année.", Holds.DAY, is_required=True, examples=("01/12/2026", "04/01/2027")),
            Column("Au", "until_on", "Dernier jour : jour/mois/année, un an au plus après le premier.", Holds.DAY, is_required=True, examples=("31/12/2026", "30/06/2027")),
            Column("Signature", "may_sign", "non : tous les pouvoirs du poste, sauf la signature ; oui si la cellule est vide.", Holds.YES_NO, examples=("oui", "")),
            Column("Types de lettres", "templates", "Les codes des modèles de lettres couverts, séparés par des virgules ; vide : toutes les lettres.", Holds.REFERENCES, refers_to="templates"),
            Column("Montant maximal", "max_amount_xof", "En F CFA ; vide : sans limite.", Holds.NUMBER, limit=10**15, examples=("", "5000000")),
            Column("Retirée", "withdrawn", "oui : elle prend fin le jour de l'import.", Holds.YES_NO),
        ),
    ),
)  # fmt: skip
