"""Recognises known towns of senders, so that a misread ``LOMF`` is still Lomé; other places are read as written."""

from rapidfuzz import fuzz, process

from ocr.field_layout import fold

_TOWNS = (
    "Lomé", "Atakpamé", "Aného", "Anécho", "Kara", "Lama-Kara", "Sokodé", "Dapaong", "Dapango", "Tsévié", "Kpalimé",
    "Palimé", "Mango", "Sansanné-Mango", "Bassar", "Bassari", "Notsé", "Nuatja", "Vogan", "Tabligbo", "Tchamba",
    "Sotouboua", "Blitta", "Badou", "Amlamé", "Bafilo", "Niamtougou", "Kandé", "Pagouda", "Cinkassé", "Agbodrafo",
    "Porto-Séguro", "Kpémé", "Cotonou", "Porto-Novo", "Parakou", "Abomey", "Ouidah", "Accra", "Abidjan", "Dakar",
    "Saint-Louis", "Ouagadougou", "Bamako", "Niamey", "Conakry", "Yaoundé", "Douala", "Libreville", "Brazzaville",
    "Kinshasa", "Lagos", "Abuja", "Paris", "Genève", "Bruxelles", "Berlin", "Hambourg", "Washington", "New York",
    "Londres", "Marseille", "Bordeaux", "Rabat", "Tunis", "Alger", "Nouakchott", "Bangui", "N'Djamena", "Bissau",
    "Freetown", "Monrovia",
)  # fmt: skip
_BY_FOLDED = {fold(town): town for town in _TOWNS}
_FOLDED = tuple(_BY_FOLDED)
_COUNTRIES = ("togo", "benin", "ghana", "senegal", "niger", "mali", "france", "republique togolaise", "burkina faso")


def known_town(folded: str) -> str | None:
    """The town that a folded text names, perhaps with one misread letter."""
    if folded in _BY_FOLDED:
        return _BY_FOLDED[folded]
    if not 4 <= len(folded) <= 16:
        return None
    cutoff = 75 if len(folded) == 4 else 82
    best = process.extractOne(folded, _FOLDED, scorer=fuzz.ratio, score_cutoff=cutoff)
    return _BY_FOLDED[best[0]] if best and best[0][0] == folded[0] else None


def is_town_line(folded: str) -> bool:
    """Whether a line is only a town, perhaps with its country or spaced letters: ``- L O M E -``, ``Lomé (Togo)``."""
    plain = folded.strip(" -_=().,;:*")
    if len(plain) > 40:
        return False
    if len(plain) > 4 and plain[1::2].strip() == "":
        plain = plain[::2]
    for country in _COUNTRIES:
        if plain.endswith(country) and plain != country:
            plain = plain[: -len(country)].strip(" -(),/")
    return known_town(plain) is not None
