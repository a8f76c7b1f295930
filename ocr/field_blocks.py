"""Reads the fields that are known by their position: letterhead, addressee, recipients of copies."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from ged.ports import FieldReading, Word
from ocr.field_labels import Label
from ocr.field_layout import Piece, Sheet, fold, reading
from ocr.field_places import is_town_line

_TITLE = (
    r"(?:monsieur|madame|messieurs|mesdames|mademoiselle|m\.|mm\.|mr\.?|mrs\.?|ms\.?|mme|m[lo]nsieur|mons[il]eur|monsieut|son excellence|s\.?\s?e\.?\s?m|"
    r"his excellency|her excellency|the honou?rable|excellence|maitre|docteur|dr\.?|el hadj)"
)
_TO = re.compile(r"^\W{0,2}(?:[a4]\s?,?\s|to:?\s|a l'attention d[eu']\s?)\W{0,2}(?=" + _TITLE + r")")
_TITLED = re.compile(r"^\W{0,2}" + _TITLE + r"(?=\W|$)")
_OFFICE = re.compile(r"^\W{0,2}(?:au|aux|a la|a l'|a messieurs)\s?(?=\w)")
_ALONE = re.compile(r"^\W{0,2}(?:a|to)\W{0,2}$")
_FROM_TO = re.compile(r"\s?,?\s(?:a|à)\s(?=" + _TITLE + r"\s(?:le|la|l'|les|du|de))")
_THE = re.compile(
    r"^\W{0,2}(?:the)\s(?=minister|director|permanent|secretary|manag|commissioner|governor|head|general|chief|executive|president|chair|resident|ambassador|country|principal)"
)
SALUTATION = re.compile(
    r"^\W{0,2}(?:(?:monsieur|madame|messieurs|mesdames|excellence|mademoiselle|cher|chere|chers)\b.{0,50}[,.;]\s*$|(?:dear|sir|sirs|gentlemen|madam)\b)"
)
OPENING = re.compile(
    r"^\W{0,2}(?:j'ai (?:l'honneur|le|ete)|nous avons|par (?:lettre|la presente|courrier|votre)|en reponse|faisant suite|comme suite|suite a|"
    r"je (?:vous|viens|soussigne)|nous (?:vous|venons)|i (?:have|am|write)|we (?:have|are|write)|with reference|dans le cadre|au nom|conformement|l'ambassade .{5,60}presente|le ministere .{5,60}presente)"
)
_UNDER = re.compile(r"^\W{0,2}(?:s\s?/\s?c|sous couvert|sous le couvert|attn|through)")
_PLACE_LINE = re.compile(
    r"^\W*(?:b\.?\s?p\.?\s?[:n\d]|[A-ZÉÈÀÂÎÔÇŒ' -]{3,26}|\(?[A-ZÉ][\w' -]{2,24}\)|-\s?[A-ZÉ][\w' ]{2,24}\s?-)\W*$"
)
_NUMBER = re.compile(r"^\W{0,2}n\s?[°o*'\"”“?]\s?\W?\s?\d|^\W*\d")
_STATE = re.compile(
    r"^\W*republique\b|travail.{0,6}liberte|liberte.{0,4}patrie|unite.{0,4}travail|union.{0,4}discipline|fraternite|honneur.{0,4}fidelite|burkina faso|^\W*\w+\s?-\s?\w+\s?-\s?\w+\W*$"
)
_CONTACT = re.compile(
    r"\b(?:tel|telephone|fax|telecopie|bp|b\.p|e-?mail|courriel|site|www|http|rccm|nif|siege|capital|boulevard|avenue|rue|quartier|cellulaire|cel|p\.?\s?o\.? box|"
    r"compte|boite postale|telegramme|adresse)\b|@|\+\s?\d{3}|^\W*$|^\W*\d[\d\W]*$"
)
_STAMP = re.compile(
    r"arrivee?\b|\brecu\b|received|enregistre|confidentiel|urgent|\bsecret\b|date d'|recommande|bordereau d'envoi|note de service"
)
_GOING_ON = re.compile(r"^\W{0,2}(?:de|du|des|et|&|en|pour|au|aux|sur|of|and|for)\b|^\W{0,2}d'")
_UNFINISHED = re.compile(
    r"(?:\b(?:de|du|des|et|&|la|le|les|en|pour|au|aux|sur|of|and|for)|[dl]'|-|,"
    r"|\b(?:de la|du|des|d'une?) (?:region|prefecture|commune|ville|province|district|zone|vallee|bassin|canton)s?)$"
)
"""A line that ends like this does not end a name: a region, a commune has a name of its own."""

_HOUSES = (
    "ministere", "prefecture", "sous-prefecture", "commune", "mairie", "municipalite", "ambassade", "compagnie", "societe", "agence", "autorite",
    "banque", "universite", "hopital", "institut", "office", "association", "union", "conseil", "cour", "tribunal",
    "assemblee", "senat", "etablissement", "etablissements", "entreprise", "federation", "syndicat", "eglise", "diocese", "programme",
    "projet", "fonds", "caisse", "port", "chambre", "ecole", "lycee", "college", "cercle", "subdivision", "commissariat",
    "delegation", "groupement", "fondation", "comite", "haut-commissariat", "embassy", "ministry", "company", "bank",
    "consulat", "centrale", "laboratoire", "cooperative", "mission", "organisation", "presidence", "primature", "inspection", "observatoire",
    "collectif", "reseau", "circonscription", "maison", "chemin", "chemins", "regie", "centre", "clinique", "mutuelle", "gendarmerie", "commission", "haute", "garage", "imprimerie", "residence",
)  # fmt: skip
_MINISTRY = re.compile(r"^\W*ministere|^\W*ministry")
_PARTS = (
    "direction",
    "secretariat",
    "division",
    "service",
    "cabinet",
    "section",
    "departement",
    "bureau",
    "comptoir",
    "brigade",
)
_LANDS = ("region", "territoire", "gouvernement", "colonie", "canton", "afrique", "province")
_FIRM = re.compile(
    r"\b(?:s\.?a\.?r\.?l|s\.?a\.?s?|ltd|limited|plc|inc|gmbh|& (?:fils|cie)|et (?:fils|cie)|freres|scp|ong)\b\.?(?:\W|$)"
)
_PERSON = re.compile(
    r"^(?:(?:M\.|Mme|Mlle|Dr|Me|Monsieur|Madame)\s)?[A-ZÉÈÀ][\w'’.-]*(?:\s(?:(?:de|du|da|van|von|el|ben)\s)?[A-ZÉÈÀ(][\w'’.)-]*){1,4}$"
)
# The match begins at the first leader (dots, dashes) and never backtracks into them. Starting it at each leader would
# take time cubic in the line's length.
_COUNT = re.compile(r"(?<![\s.…:_·\-])[\s.…:_·\-]*+\(?\d{0,3}\)?\s*+(?:ex\.?)?$")
_BULLET = re.compile(r"^[\s\-•*·.>«o°]+(?=\S\S)")
MAX_COPIES = 20


@dataclass(frozen=True)
class Marks:
    """The anchors of the rules of position, found beforehand on the first page.

    Attributes:
        labels: label by place in ``Sheet.pieces``.
        head_end: row of the first of reference, date, addressee, subject and salutation.
        body: row of the salutation or of the first sentence.
        date_row, number_row: rows of neither sender nor addressee.
    """

    labels: dict[int, Label]
    dates: frozenset[int]
    numbers: frozenset[int]
    body: int


def body_row(sheet: Sheet, labels: dict[int, Label]) -> int:
    """The row where the text begins: the salutation, or the first sentence."""
    subject = next((sheet.pieces[place].row for place, label in labels.items() if label.name == "subject"), -1)
    for piece in sheet.pieces:
        if piece.row <= subject:
            continue
        short_left = piece.x < 0.45 or subject >= 0
        if (SALUTATION.match(piece.folded) and short_left and len(piece.text) < 70) or OPENING.match(piece.folded):
            return piece.row
    return max((piece.row for piece in sheet.pieces), default=0) + 1


def block_below(sheet: Sheet, start: Piece, *, gap: float, most: int, left: float = 0.06) -> list[Piece]:
    """The pieces that follow below a piece in its column, each at most ``gap`` line distances below its predecessor."""
    block = [start]
    for piece in sheet.pieces:
        last = block[-1]
        if piece.row <= last.row or len(block) > most:
            continue
        if piece.y - last.y > gap * sheet.pitch:
            break
        edge, right = min(p.x for p in block), max(p.right for p in block)
        if piece.x >= edge - left and piece.x < right and piece.right > edge:
            block.append(piece)
    return block[1:]


# --- addressee ----------------------------------------------------------------------------------------------------


def read_addressee(sheet: Sheet, marks: Marks) -> tuple[list[FieldReading], FieldReading | None, Piece | None]:
    """The addressee, the sender of an old ``Le X à Monsieur Y``, and the piece where the addressee begins."""
    for place, piece in enumerate(sheet.pieces):
        if piece.row >= marks.body or piece.y > 0.62:
            break
        label = marks.labels.get(place)
        if label and label.name == "to" and (tail := piece.tail(label.end)) and len(tail.text) > 4:
            return [_addressee(sheet, marks, tail, 90.0)], None, tail
        if label is not None or place in marks.dates:
            continue
        found = _start(sheet, piece, marks)
        if found:
            start, sure, sender = found
            return [_addressee(sheet, marks, start, sure)], sender, start
    return _greeted(sheet, marks), None, None


def _greeted(sheet: Sheet, marks: Marks) -> list[FieldReading]:
    """The addressee named in the salutation, for letters without an address: only a hint."""
    for piece in sheet.row(marks.body):
        value = piece.text.strip(" .,;:")
        if SALUTATION.match(piece.folded) and len(value.split()) > 2:
            return [reading("addressee", value, piece.words, piece, 55.0)]
    return []


def _start(sheet: Sheet, piece: Piece, marks: Marks) -> tuple[Piece, float, FieldReading | None] | None:
    text = piece.folded
    to = _TO.match(text)
    if to and (tail := piece.tail(to.end())):
        return tail, 93.0, _office_above(sheet, piece)
    middle = _FROM_TO.search(text)
    if middle and middle.start() > 4:
        words, tail = piece.words_of(0, middle.start()), piece.tail(middle.end())
        if tail:
            value = piece.text[: middle.start()].strip(" ,.-")
            return tail, 88.0, reading("sender", value, words, piece, 86.0)
    if _ALONE.match(text):
        below = next(
            (p for p in sheet.pieces if p.row > piece.row and p.y - piece.y < 4 * sheet.pitch and p.row < marks.body),
            None,
        )
        if below and (_TITLED.match(below.folded) or below.x > 0.35):
            tail = below.tail(_strip(below))
            return (tail or below), 90.0, _office_above(sheet, piece)
    if _TITLED.match(text) and piece.x > 0.33 and not text.rstrip().endswith(","):
        return piece, 86.0, None
    if _TITLED.match(text) and piece.row < marks.body and _before_town(sheet, piece):
        return piece, 80.0, None
    office = _OFFICE.match(text)
    if office and piece.x > 0.36 and piece.y > 0.08 and len(text) > 8 and not _STAMP.search(text):
        return piece.tail(office.end()) or piece, 80.0, None
    if _THE.match(text) and piece.row < marks.body:
        return piece, 82.0, None
    return None


def _before_town(sheet: Sheet, piece: Piece) -> bool:
    """Whether the lines below end in a town: an address does, a salutation does not."""
    return any(is_town_line(below.folded) for below in block_below(sheet, piece, gap=1.9, most=4))


def _strip(piece: Piece) -> int:
    return len(piece.text) - len(piece.text.lstrip("-– "))


def _office_above(sheet: Sheet, piece: Piece) -> FieldReading | None:
    """``LE COMMISSAIRE DE LA RÉPUBLIQUE`` above the ``à``: the sender of old letters."""
    for other in reversed([p for p in sheet.pieces if p.row < piece.row]):
        if piece.y - other.y > 4.5 * sheet.pitch:
            return None
        if (
            re.match(r"^\W{0,2}(?:le|la|l')\s?\w", other.folded)
            and len(other.words) >= 2
            and not re.search(r"\d", other.folded)
        ):
            lines = [other, *(p for p in block_below(sheet, other, gap=1.7, most=2) if p.row < piece.row)]
            value = " ".join(line.text for line in lines).strip(" ,.-")
            if len(value.split()) >= 4:
                return reading("sender", value, [word for line in lines for word in line.words], other, 82.0)
            return reading("sender", value, [word for line in lines for word in line.words], other, 55.0)
    return None


def _addressee(sheet: Sheet, marks: Marks, start: Piece, sure: float) -> FieldReading:
    lines, shouting = [start], start.text.isupper()
    others = {id(sheet.pieces[place]) for place in (*marks.dates, *marks.numbers, *marks.labels)}
    for piece in block_below(sheet, start, gap=1.9, most=5, left=0.09):
        text = piece.folded
        if piece.row >= marks.body or id(piece) in others or _UNDER.match(text):
            break
        if is_town_line(text) or _CONTACT.search(text) or _STAMP.search(text):
            break
        if _PLACE_LINE.match(piece.text) and not (shouting and _goes_on(lines[-1], piece)):
            break
        if SALUTATION.match(text) or OPENING.match(text) or _NUMBER.match(text) or piece.right - piece.x > 0.72:
            break
        lines.append(piece)
    value = " ".join(line.text for line in lines)
    value = re.sub(r"\s*[,;:.\-–—]+$", "", value)
    town = re.search(r"(?:\s[-–—]+\s?|\s\(|,\s)([A-ZÉÈÔ][A-ZÉÈÔ' -]{2,24})\)?\s?[-–—]*$", value)
    if town and not shouting:
        value = value[: town.start()]
    if len(value) < 9:
        sure -= 25
    return reading("addressee", value, [word for line in lines for word in line.words], start, sure)


def _goes_on(above: Piece, below: Piece) -> bool:
    return bool(_GOING_ON.match(below.folded) or _UNFINISHED.search(above.folded))


# --- sender -------------------------------------------------------------------------------------------------------


def read_sender(sheet: Sheet, marks: Marks, addressee: Piece | None, closing: Sequence[Piece]) -> FieldReading | None:
    """The organisation in the letterhead, or the private person; ``closing``: the last lines of the letter."""
    head = list(_letterhead(sheet, marks, addressee))
    best: tuple[float, int] | None = None
    for place, piece in enumerate(head):
        rank = _rank(piece.folded)
        under = best is not None and _MINISTRY.match(head[best[1]].folded) and not _MINISTRY.match(piece.folded)
        if rank and (best is None or rank > best[0] or (under and rank == best[0])):
            best = (rank, place)
    if best is not None:
        return _house(head, best[1], best[0])
    return _citizen(head, closing)


def _house(head: Sequence[Piece], place: int, sure: float) -> FieldReading:
    """The name of an organisation, with its continuation lines."""
    lines = [head[place]]
    for piece in head[place + 1 : place + 5]:
        if not _goes_on(lines[-1], piece) or piece.row - lines[-1].row > 2 or abs(piece.x - lines[-1].x) > 0.25:
            break
        lines.append(piece)
    value = " ".join(line.text for line in lines).strip(" -–—_*.,:;")
    if _may_go_on(lines[-1], head[place + len(lines) :][:1]):
        sure -= _DOUBTFUL_END
    return reading("sender", value, [word for line in lines for word in line.words], lines[0], sure)


_DOUBTFUL_END = 15.0


def _may_go_on(last: Piece, following: Sequence[Piece]) -> bool:
    """Whether the next line, in the same capitals right below, may still be of the name: several words, no other body."""
    return any(
        below.row == last.row + 1
        and below.text.isupper()
        and last.text.isupper()
        and len(below.words) > 1
        and _rank(below.folded) is None
        and not _GENERIC.match(below.folded)
        for below in following
    )


def _letterhead(sheet: Sheet, marks: Marks, addressee: Piece | None) -> Iterator[Piece]:
    """Lines above the text, on the left or over the whole width, without the State's own name and without addresses."""
    stops = [sheet.pieces[place].row for place, label in marks.labels.items() if label.name == "subject"]
    if addressee is not None and addressee.x < 0.4:
        stops.append(addressee.row)
    end = min([marks.body, *stops])
    for place, piece in enumerate(sheet.pieces):
        if piece.row >= end or piece.y > 0.36:
            return
        text = piece.folded
        if place in marks.labels or place in marks.dates or place in marks.numbers or piece.x > 0.55:
            continue
        if addressee is not None and piece.row >= addressee.row and piece.x > addressee.x - 0.12:
            continue
        if _STATE.search(text) or _CONTACT.search(text) or _STAMP.search(text) or sum(c.isalpha() for c in text) < 3:
            continue
        if len(piece.words) < 10 or piece.text.isupper():
            yield piece


_GENERIC = re.compile(
    r"^\W*(?:l[ae'] ?)?(?:direction|secretariat|cabinet|service|bureau|division|section|departement)(?: generale?| technique| commerciale?| du ministre| executif| permanent)?\W*$"
)


def _rank(folded: str) -> float | None:
    if _GENERIC.match(folded):
        return None  # it does not say of whom
    first = re.match(r"\W*(?:(?:la|le|l'|les)\s?)?([a-z-]{3,})", folded)
    if first is None:
        return None
    word = first[1]
    for names, sure in ((_HOUSES, 89.0), (_PARTS, 76.0), (_LANDS, 60.0)):
        if word in names:
            return sure
        if len(word) >= 6 and process.extractOne(word, names, scorer=fuzz.ratio, score_cutoff=86):
            return sure - 4
    return 85.0 if _FIRM.search(folded) else None


def _citizen(head: Sequence[Piece], closing: Sequence[Piece]) -> FieldReading | None:
    """A person's name at the top left, surer when the signature repeats it; else the first line of capitals."""
    for piece in head[:4]:
        text = piece.text.strip(" ,.-:")
        if piece.x > 0.45 or not _PERSON.match(text):
            continue
        signed = max((fuzz.token_sort_ratio(fold(text), line.folded) for line in closing), default=0.0)
        return reading("sender", text, piece.words, piece, 90.0 if signed > 85 else 64.0)
    for place, piece in enumerate(head[:3]):
        if piece.text.isupper() and len(piece.text) > 5:
            return _house(head, place, 72.0 if len(piece.words) > 1 else 58.0)
    return None


# --- copies -------------------------------------------------------------------------------------------------------


def read_copies(sheet: Sheet, labels: dict[int, Label]) -> list[FieldReading]:
    """The recipients under ``Ampliations`` or ``Copies``, one reading each."""
    found: list[FieldReading] = []
    for place, label in labels.items():
        start = sheet.pieces[place]
        if label.name != "copies" or (start.y < 0.3 and sheet.page_no == 1):
            continue
        rest = start.tail(label.end)
        if rest is not None:
            found += _inline(rest, 84.0 * label.sure)
        known = {sheet.pieces[other].row for other, other_label in labels.items() if other_label.name != "copies"}
        for piece in block_below(sheet, start, gap=1.8, most=MAX_COPIES):
            if piece.row in known or piece.x > start.x + 0.25 or piece.right - piece.x > 0.7 or piece.bottom > 0.97:
                break
            found += _inline(piece, 86.0 * label.sure) if _listed(piece.text) else _one(piece, 88.0 * label.sure)
    return found[:MAX_COPIES]


def _listed(text: str) -> bool:
    return text.count(",") + text.count(";") >= 1 and all(len(part.split()) < 9 for part in re.split(r"[;,]", text))


def _inline(piece: Piece, sure: float) -> list[FieldReading]:
    parts = [(match.start(), match.end()) for match in re.finditer(r"[^;,]+", piece.text)]
    return [one for start, end in parts for one in _recipient(piece, start, end, sure)]


def _one(piece: Piece, sure: float) -> list[FieldReading]:
    return _recipient(piece, 0, len(piece.text), sure)


def _recipient(piece: Piece, start: int, end: int, sure: float) -> list[FieldReading]:
    text = _COUNT.sub("", _BULLET.sub("", piece.text[start:end].strip()))
    text = text.strip(" .,;:-–—_/")
    words: tuple[Word, ...] = piece.words_of(start, end)
    if sum(letter.isalpha() for letter in text) < 2 or not words:
        return []
    return [reading("copies", text, words, piece, sure)]
