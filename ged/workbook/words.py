"""The French of the workbook: a sentence for each finding, and the text of the first sheet."""

from ged.workbook.cells import Finding
from ged.workbook.sheets import NEAREST_HEAD, REMOVE

SENTENCES = {
    "workbook.unknown_sheet": "Cette feuille n'est pas du classeur : renommez-la d'après le modèle, ou supprimez-la.",
    "workbook.no_sheet": "Aucune feuille du modèle ne se trouve dans ce classeur : partez du modèle.",
    "workbook.too_many_lines": "Au plus {limit} lignes par feuille : le reste n'est pas lu. Partagez la feuille en deux classeurs.",
    "workbook.unknown_column": "Cette colonne n'est pas du modèle. Colonnes de la feuille : {columns}.",
    "workbook.column_twice": "Cette colonne se trouve deux fois : gardez-en une.",
    "workbook.missing_column": "La colonne « {column} » manque : remettez son nom sur la première ligne.",
    "workbook.missing": "« {column} » est obligatoire pour une nouvelle ligne.",
    "workbook.cannot_remove": "Cette valeur est obligatoire : elle se change, mais ne s'ôte pas.",
    "workbook.too_long": "{length} caractères : au plus {limit}.",
    "workbook.control": "La cellule contient un caractère invisible : retapez-la.",
    "workbook.yes_no": "Écrivez oui ou non.",
    "workbook.number": "Écrivez un nombre entier de 0 à {limit}.",
    "workbook.numbers": "Écrivez des nombres entiers séparés par des virgules, par exemple -2, 1, 5.",
    "workbook.day": "Écrivez une date : jour/mois/année, par exemple 24/11/2026.",
    "workbook.choice": "Choisissez : {choices}.",
    "workbook.beyond": "Cette cellule n'a pas de colonne : donnez-lui un nom du modèle, ou videz-la.",
    "workbook.twice": "Déjà à la ligne {row} de « {sheet} » : gardez une seule ligne.",
    "workbook.nearly_twice": "« {other} » existe déjà et ne diffère que par les majuscules ou les accents : écrivez le même.",
    "workbook.capitals": "Un compte s'écrit en minuscules : « {account} ».",
    "workbook.letters": "Un compte s'écrit avec des lettres sans accent, des chiffres, des points et des tirets.",
    "workbook.same_name": "Une nature « {name} » du même sens a déjà le code « {other} » : reprenez ce code, ou changez le nom.",
    "workbook.space": "Un code ou un compte s'écrit sans espace.",
    "workbook.slash": "Ce code s'écrit sans barre oblique (/).",
    "workbook.unknown": "« {value} » ne se trouve ni dans « {sheet} », ni parmi ce qui existe déjà.",
    "workbook.unknown_near": "« {value} » n'existe pas. Vouliez-vous dire « {near} » ?",
    "workbook.pattern": "Le modèle doit contenir {{seq:05d}} ; il peut contenir {{year}}, {{entity}}, {{unit}}, {{register}}.",
    "workbook.pattern_long": "Un numéro du registre {register} dépasserait {maximum} caractères : abrégez le modèle, ou écrivez-y un sigle court à la place de {{entity}}, {{unit}} ou {{register}}.",
    "workbook.no_paper": "Dites quel registre papier est continué : tome, jour de l'arrêt.",
    "workbook.other_direction": "Ce registre est d'un autre sens que la nature.",
    "workbook.no_entity": "Cette unité n'est pas une entité : donnez le sigle d'une entité, ou laissez la cellule vide.",
    "workbook.itself": "Ce ne peut pas être elle-même.",
    "workbook.email": "Une adresse électronique contient une arobase : nom@domaine.tg.",
    "workbook.other_sheet": "Cette unité est de la feuille « {sheet} » : mettez-y sa ligne. Une entité ne cesse pas de l'être par un classeur.",
    "workbook.cycle": "En remontant, on revient à cette même unité : corrigez l'un des rattachements.",
    "workbook.no_successor": "Une unité fermée a un successeur, qui reçoit son courrier : indiquez son sigle.",
    "workbook.closed_successor": "Ce successeur est fermé lui-même, et aucune unité ouverte ne le suit : choisissez-en une autre.",
    "workbook.closed_holder": "Ce compte est fermé : choisissez une autre personne.",
    "workbook.still_holds": "Cette personne occupe encore : {posts}. Donnez d'abord ces postes à une autre, ou laissez-les vacants (—).",
    "workbook.already_holds": "Cette personne occupe déjà ce poste : choisissez-en une autre.",
    "workbook.closed_person": "Ce compte est fermé : choisissez une autre personne.",
    "workbook.other_ministry": "Cette personne n'occupe aucun poste du ministère de ce poste : choisissez-en une autre.",
    "workbook.interim_held": "Ce poste a un titulaire : son intérim s'inscrit à la page « Délégations », avec son absence.",
    "workbook.period": "La période est finie, trop longue ou à l'envers : un an au plus, et pas encore passée. Ôtez la ligne d'une délégation finie.",
    "workbook.as_given": "Une délégation ne se modifie pas : retirez-la (oui dans « Retirée »), puis donnez-en une autre par un autre acte.",
    "workbook.not_given": "Aucune délégation en cours n'a ce poste, cette personne, ce titre, cet acte et ce premier jour : rien à retirer.",
    "workbook.amount": "Écrivez un montant en F CFA, ou laissez la cellule vide pour ne pas limiter.",
    "workbook.glyph": "Le caractère « {character} » ne s'imprime pas : ôtez-le.",
    "workbook.signature_last": "Une signature, une seule, termine le circuit.",
    "workbook.no_signatory": "Ce poste ne signe pas : donnez-lui le rôle « signataire », ou choisissez un autre poste.",
    "workbook.post_twice": "Ce poste est déjà dans le circuit.",
    "workbook.refused": "Refusé : {detail}",
}  # fmt: skip

EXPLAINED = (
    "Classeur de déploiement de la GED",
    "",
    "Remplissez les feuilles dans l'ordre, une ligne par élément. La première ligne donne le nom des colonnes ; une note sur "
    "chaque nom dit ce qu'on y écrit. Les lignes qui commencent par « exemple : » ne sont pas lues : elles peuvent rester.",
    "",
    "Une feuille que vous laissez vide ne change rien. De même une cellule vide : elle laisse la valeur comme elle est.",
    f"Un tiret long ({REMOVE}) ôte la valeur. Une ligne absente ne supprime rien.",
    "Ce qui existe déjà dans le système n'a pas à être répété : les lignes le nomment par son sigle, son code ou son compte.",
    f"Dans un circuit, « {NEAREST_HEAD} » désigne le premier chef au-dessus de celui qui écrit le courrier.",
    "",
    "Contrôlez d'abord : vous recevez ce même classeur, les cellules à corriger en rouge, avec une note qui dit quoi faire.",
    "Rien n'est enregistré tant qu'il reste une cellule rouge.",
)


def sentence(finding: Finding) -> str:
    """The French sentence that says what to do about a finding."""
    code = finding.code
    if code == "workbook.unknown" and finding.params.get("near"):
        code = "workbook.unknown_near"
    return SENTENCES[code].format(**finding.params)
