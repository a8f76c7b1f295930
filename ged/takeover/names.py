"""Which letter of a register the name of a scanned file means. Pure.

A file is matched only where its name leaves no doubt. Its name holds the whole number as the register writes it
(``0457-MEM-SG.pdf``), or exactly one number that is neither a day nor a year (``2015_0457.pdf``, ``N° 457 du 09-03-2015.pdf``,
``N° 457 du 9 mars.pdf``). A number with bis, ter or quater is another number than the one without.
A year in the name must be the year of the letter; a year in the name of the folder chooses between two letters.

A number with codes of other units is one of another register (``0457-MEM-DGE.pdf`` where 0457/MEM/SG is ours); a page or an
annex has a number of its own (``annexe 2.pdf``); a folder with the whole number of another letter raises a doubt.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from ged.takeover.sheets import plain

_DAYS = re.compile(
    r"(?<!\d)(?:\d{1,2}[-._ /]\d{1,2}[-._ /](?P<end>(?:19|20)\d{2})|(?P<start>(?:19|20)\d{2})[-._ /]\d{1,2}[-._ /]\d{1,2})(?!\d)"
)
_MONTHS = "janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre"
_WRITTEN_DAYS = re.compile(rf"\b(?:[1-9]|0[1-9]|[12]\d|3[01])(?:er)? (?:{_MONTHS})\b(?: (?P<year>(?:19|20)\d{{2}})\b)?")
_PARTS = re.compile(r"\d+(?: ?(?:bis|ter|quater)\b)?|[a-z]+")
_YEAR = re.compile(r"(?:19|20)\d{2}")
_ENDING = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$")
LONGEST = 8
"""Parts of a number as registers write it: 0457/MEM/SG/DAF has four."""


OF_PARTS = frozenset(
    (
        "page",
        "pages",
        "annexe",
        "annexes",
        "annex",
        "pj",
        "piece",
        "pieces",
        "feuille",
        "feuillet",
        "img",
        "dsc",
        "dscn",
    )
)
"""Words, folded, whose number is not that of a letter."""


@dataclass(frozen=True)
class Numbered:
    """A letter and a number of it: as the register writes it, and the year in which it was given."""

    mail_id: int
    text: str
    year: int


@dataclass(frozen=True)
class Meant:
    """What a name means: the letters (exactly one: it is clear) and the number that was read; empty: none was."""

    letters: tuple[Numbered, ...]
    number: str


class Numbers:
    """The numbers of a register, by what may stand in a name."""

    def __init__(self, numbers: Iterable[Numbered], *, codes: Iterable[str] = ()) -> None:
        """Args: codes: of units, which registers write into their numbers."""
        self._codes = {part for code in codes for part in _parts(code) if not part[0].isdigit()}
        self._whole: dict[tuple[str, ...], list[Numbered]] = defaultdict(list)
        self._order: dict[str, list[Numbered]] = defaultdict(list)
        for one in numbers:
            parts = _parts(one.text)
            self._whole[parts].append(one)
            self._codes.update(part for part in parts if not part[0].isdigit())
            order = _order(parts)
            if order:
                self._order[order].append(one)

    def meant(self, path: str) -> Meant:
        """The letters that a path of a file may mean.

        >>> book = Numbers([Numbered(1, "0457/MEM/SG", 2015), Numbered(2, "457", 2016), Numbered(3, "12", 2015)])
        >>> [one.mail_id for one in book.meant("0457-MEM-SG.pdf").letters]
        [1]
        >>> [one.mail_id for one in book.meant("Archives 2016/Arrivée n° 457.jpg").letters]
        [2]
        >>> [one.mail_id for one in book.meant("457.pdf").letters]
        [1, 2]
        >>> book.meant("Scan 12 page 3.pdf")
        Meant(letters=(), number='')
        """
        *folders, name = path.replace("\\", "/").split("/")
        stem = _ENDING.sub("", name)
        bare = plain(_DAYS.sub(" / ", stem))
        days = [*_DAYS.finditer(stem), *_WRITTEN_DAYS.finditer(bare)]
        years = {found for one in days for found in one.groups() if found}
        parts = _parts(_WRITTEN_DAYS.sub(" / ", bare))
        found = self._whole_number(parts)
        if found:
            return self._with_folders(_of_years(found, years, _years(folders)), found[0].text, folders)
        digits = _digits(parts)
        if len(set(digits)) > 1:
            years |= {part for part in digits if _YEAR.fullmatch(part)}
            digits = [part for part in digits if part not in years]
        if len(set(digits)) != 1 or _is_of_part(parts, digits[0]):
            return Meant((), "")
        ordered, written = self._order.get(digits[0], ()), self._codes_after(parts, digits[0])
        fitting = [one for one in ordered if not written or _fits(written, _parts(one.text))]
        number = "/".join([digits[0], *written]).upper() if ordered and not fitting else digits[0]
        return self._with_folders(_of_years(fitting, years, _years(folders)), number, folders)

    def _codes_after(self, parts: Sequence[str], number: str) -> list[str]:
        """The codes that stand behind a number, as in 0457-MEM-SG."""
        behind = parts[parts.index(number) + 1 :]
        return list(takewhile(lambda part: part in self._codes, behind))

    def _with_folders(self, letters: tuple[Numbered, ...], number: str, folders: Sequence[str]) -> Meant:
        """The letters of a name, and other ones whose whole number a folder bears."""
        found_by_id = {one.mail_id: one for one in letters}
        for folder in folders if letters else ():
            found = self._whole_number(_parts(_DAYS.sub(" ", folder)))
            if found and not any(one.mail_id in found_by_id for one in found):
                found_by_id |= {one.mail_id: one for one in found}
        return Meant(tuple(found_by_id.values()), number)

    def _whole_number(self, parts: Sequence[str]) -> Sequence[Numbered]:
        """The letters whose whole number stands in these parts; a number of one part must be all of them."""
        if tuple(parts) in self._whole and len(parts) == 1:
            return ()  # as an order number, so that 457 of another book is not passed over
        for length in range(min(LONGEST, len(parts)), 1, -1):
            for start in range(len(parts) - length + 1):
                found = self._whole.get(tuple(parts[start : start + length]))
                if found:
                    return found
        return ()


def _parts(text: str) -> tuple[str, ...]:
    """Words and numbers, folded; numbers without leading zeros, and one part with their bis, ter or quater."""
    found = (part.replace(" ", "") for part in _PARTS.findall(plain(text)))
    return tuple(re.sub(r"^0+(?=\d)", "", part) for part in found)


def _digits(parts: Sequence[str]) -> list[str]:
    return [part for part in parts if part[0].isdigit()]


def _is_of_part(parts: Sequence[str], number: str) -> bool:
    """Whether a number counts pages, annexes or photographs."""
    place = parts.index(number)
    return place > 0 and parts[place - 1] in OF_PARTS


def _fits(written: Sequence[str], number: Sequence[str]) -> bool:
    """Whether these codes may be those of a number; one without codes bears none."""
    return all(part[0].isdigit() for part in number) or set(written) <= set(number)


def _order(parts: Sequence[str]) -> str:
    """The order number in a number: its first digits that are no year; its only digits are the order number."""
    digits = _digits(parts)
    return next((part for part in digits if not _YEAR.fullmatch(part)), digits[0] if digits else "")


def _years(folders: Sequence[str]) -> set[str]:
    return {part for one in folders for part in _parts(one) if _YEAR.fullmatch(part)}


def _of_years(found: Sequence[Numbered], years: set[str], of_folder: set[str]) -> tuple[Numbered, ...]:
    """Those of a year in the name, which must fit; among several, those of a year of the folder."""
    fitting = [one for one in found if not years or str(one.year) in years]
    near = [one for one in fitting if str(one.year) in of_folder]
    letters = {one.mail_id: one for one in (near if len(fitting) > 1 and near else fitting)}
    return tuple(letters.values())
