"""Generated letters, OCR errors, and the queries of people who remember a letter; all from one seed.

This module does not use the analysers: it splits words at spaces and adds endings by its own rules.
"""

import random
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_SYLLABLES = [
    "ko",
    "dzo",
    "a",
    "gbé",
    "lo",
    "mé",
    "kpa",
    "li",
    "ma",
    "ta",
    "ti",
    "so",
    "dé",
    "na",
    "wa",
    "ya",
    "kou",
    "fo",
    "ga",
    "bo",
    "sé",
    "nou",
    "ba",
    "zi",
    "to",
    "gan",
    "vi",
    "ho",
    "hé",
    "do",
    "va",
    "ka",
    "ra",
    "bi",
    "san",
    "lam",
    "dja",
    "po",
    "tcha",
    "mon",
    "tè",
    "ou",
    "da",
    "sa",
    "fi",
    "gui",
    "né",
    "pé",
    "ro",
    "an",
    "yo",
]
_TASKS = (
    "raccordement électrique", "contrat de concession", "permis d'exploitation", "facture impayée", "poste transformateur",
    "marché de fournitures", "recrutement d'agents", "formation des techniciens", "étude d'impact environnemental",
    "carrière de gravier", "panneau solaire", "ligne haute tension", "contrôle des stations", "inventaire du matériel",
    "mission d'inspection", "projet de décret", "convention de financement", "réclamation des abonnés", "bail administratif",
    "indemnisation des riverains", "entretien des véhicules", "rapport d'activité", "plan de délestage", "audit comptable",
)  # fmt: skip
_NATURES = ("Demande", "Transmission", "Rapport", "Plainte", "Invitation", "Avis", "Rappel", "Note", "Proposition")
_VERBS = (
    "examiner",
    "signaler",
    "confirmer",
    "reporter",
    "annuler",
    "financer",
    "contrôler",
    "réparer",
    "suspendre",
    "prolonger",
)
_THINGS = (
    "travaux", "dossiers", "compteurs", "poteaux", "paiements", "marchés", "réunions", "délais", "transformateurs", "salaires",
    "véhicules", "terrains", "contrats", "forages", "pannes", "factures", "câbles", "lampadaires", "groupes électrogènes",
)  # fmt: skip
_SIGHTS = (
    "{who} signale que les {things} de {place} restent bloqués depuis {n} jours",
    "la commission réunie à {place} propose de {verb} les {things} confiés à {who}",
    "un montant de {sum} francs a été versé à {who} pour les {things} de {place}",
    "nous vous prions de {verb} les {things} situés près de {place} avant la saison des pluies",
    "{who} sollicite une audience afin de {verb} le {task} de {place}",
    "le retard du {task} à {place} a causé la perte de {n} {things}",
    "les habitants de {place} et {who} demandent que le {task} soit confié à une autre entreprise",
)
_FILLER = (
    "j'ai l'honneur de vous transmettre le présent courrier", "veuillez agréer l'expression de ma haute considération",
    "les services compétents restent à votre disposition", "conformément aux textes en vigueur dans notre pays",
    "une copie est adressée à la direction régionale", "les pièces justificatives sont jointes à la présente lettre",
)  # fmt: skip
_LOOKS_LIKE = {"m": "rn", "l": "1", "o": "0", "e": "c", "c": "e", "i": "l", "h": "b", "n": "ri", "u": "ii", "g": "q", "é": "e",
               "è": "e", "s": "5", "a": "o", "t": "f", "r": "v", "d": "cl", "w": "vv", "b": "6"}  # fmt: skip


@dataclass(frozen=True)
class MadeLetter:
    """A letter as written. The text is in the scan; the mail office types the other fields."""

    no: int
    subject: str
    sender: str
    reference: str
    text: str
    remembered: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """A query of a person who looks for one letter."""

    kind: str
    text: str
    letter: int


def letters(count: int, seed: int) -> list[MadeLetter]:
    """Letters about few subjects, many people and many places."""
    rng = random.Random(f"letters {seed}")
    people = [f"{_name(rng)} {_name(rng)}" for _ in range(max(count // 5, 50))]
    places = [_name(rng) for _ in range(max(count // 20, 30))]
    return [_letter(rng, no, people, places) for no in range(1, count + 1)]


def _name(rng: random.Random) -> str:
    return "".join(rng.choice(_SYLLABLES) for _ in range(rng.choice((2, 3, 3, 4)))).capitalize()


def _letter(rng: random.Random, no: int, people: list[str], places: list[str]) -> MadeLetter:
    task, place, who = rng.choice(_TASKS), rng.choice(places), rng.choice(people)

    def said() -> str:
        blanks = {"who": rng.choice(people), "place": rng.choice(places), "task": rng.choice(_TASKS)}
        blanks |= {"n": str(rng.randrange(3, 400)), "sum": f"{rng.randrange(100, 90_000)} 000"}
        return rng.choice(_SIGHTS).format(**blanks, verb=rng.choice(_VERBS), things=rng.choice(_THINGS))

    remembered = tuple(said() for _ in range(rng.randrange(3, 7)))
    lines = [*remembered, *rng.sample(_FILLER, 4), f"objet : {task} à {place}"]
    rng.shuffle(lines)
    year = rng.randrange(2015, 2026)
    reference = f"{rng.randrange(1, 9999):04}/{rng.choice(('MEM', 'CEET', 'ARSE', 'SG', 'PREF'))}/{rng.choice(('DAF', 'DG', 'DT', 'CAB'))}/{year}"
    subject = f"{rng.choice(_NATURES)} relative au {task} de {place}"
    return MadeLetter(no, subject, who, reference, ". ".join(line.capitalize() for line in lines) + ".", remembered)


def read(text: str, rate: float, rng: random.Random) -> str:
    """A text as from poor OCR: a share ``rate`` of its characters is wrong."""
    out: list[str] = []
    for char in text:
        if rng.random() >= rate:
            out.append(char)
            continue
        kind = rng.random()
        if kind < 0.6:
            out.append(_LOOKS_LIKE.get(char.lower(), rng.choice("aeinrstlou")))
        elif kind < 0.75:
            continue
        elif kind < 0.9:
            out.append(char + rng.choice("iltr.,'"))
        else:
            out.append("" if char == " " else char + " ")
    return "".join(out)


def queries(made: list[MadeLetter], count: int, seed: int) -> Iterator[Asked]:
    """``count`` queries of five kinds, which take turns."""
    rng = random.Random(f"queries {seed}")
    kinds = (_sentence, _misspelled, _partial, _unaccented, _inflected)
    for at in range(count):
        letter = rng.choice(made)
        kind = kinds[at % len(kinds)]
        yield Asked(kind.__name__.lstrip("_"), kind(letter, rng), letter.no)


def _half(sentence: str, rng: random.Random) -> str:
    words = sentence.split()
    length = max(5, len(words) // 2 + 1)
    start = rng.randrange(len(words) - length + 1)
    return " ".join(words[start : start + length])


def _sentence(letter: MadeLetter, rng: random.Random) -> str:
    """Half of one sentence, and the place or the person of another."""
    remembered = rng.choice(letter.remembered)
    return f"{_half(remembered, rng)} {letter.subject.split()[-1]}"


def _misspelled(letter: MadeLetter, rng: random.Random) -> str:
    first, last = letter.sender.split()
    at = rng.randrange(1, len(last) - 1)
    wrong = (
        last[:at] + last[at + 1] + last[at] + last[at + 2 :],
        last[:at] + last[at + 1 :],
        last[:at] + last[at] + last[at:],
    )
    return f"{first} {rng.choice(wrong)} {' '.join(letter.subject.split()[3:])}"


def _partial(letter: MadeLetter, rng: random.Random) -> str:
    parts = letter.reference.split("/")
    sign = rng.choice(("/", "-", " "))
    return sign.join(rng.choice((parts[:3], [parts[0].lstrip("0"), *parts[1:3]], [*parts[:2], parts[3]])))


def _unaccented(letter: MadeLetter, rng: random.Random) -> str:
    apart = unicodedata.normalize("NFD", _sentence(letter, rng))
    return "".join(char for char in apart if not unicodedata.combining(char)).lower()


def _inflected(letter: MadeLetter, rng: random.Random) -> str:
    """The remembered sentence, with singulars for plurals and plurals for singulars."""

    def other(match: "re.Match[str]") -> str:
        word = match.group()
        if word[0].isupper() or len(word) < 5:
            return word
        if word.endswith("aux"):
            return word
        return word[:-1] if word.endswith("s") else word + ("s" if word[-1] in "eétn" else "")

    return re.sub(r"[^\W\d_]+", other, _sentence(letter, rng))
