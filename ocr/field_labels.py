"""Finds the labels of a letter's fields (``OBJET :``, ``N/Réf.``, ``P.J.``), also with a misread letter or two."""

import re
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz, process

from ocr.field_layout import Piece

_FORMS = {
    "subject": ("objet", "objets", "obj", "object", "sujet", "subject", "ausujetde", "ausujet", "concerne", "re", "as", "objetdelalettre"),
    "enclosures": ("pj", "piecesjointes", "piecejointe", "piecesjointe", "piecesannexees", "annexes", "pieces", "enclosures",
                   "enclosure", "encls", "encl", "enc", "piecesjointesalalettre", "nombredepiecesjointes"),
    "ours": ("vref", "vosref", "votreref", "vreference", "vosreferences", "vosreference", "votrereference", "vreferences",
             "yourref", "yourreference", "vlettre", "votrelettre", "vl", "yref"),
    "theirs": ("nref", "nosref", "notreref", "nosreferences", "notrereference", "nreference", "ourref", "ourreference", "nreferences", "oref",
               "ndefacture", "nfacture", "numerodefacture", "numerofacture", "facturen", "factureno", "referencefacture", "invoiceno",
               "invoicenumber", "invoicenr", "rechnungsnr", "rechnungsnummer"),
    "reference": ("ref", "reference", "references", "refer", "refs", "refno"),
    "copies": ("ampliations", "ampliation", "copies", "copie", "copiea", "cc", "copiepourinformation", "copiespourinformation", "diffusion",
               "copy", "copyto", "copiesto", "ampliationsa", "copiesa", "destinataires", "encopie", "copiespour", "copiepour"),
    "date": ("date", "dated", "datedefacture", "datedelafacture", "datefacture", "datedefacturation", "invoicedate", "dateofinvoice"),
    "from": ("expediteur", "from", "emetteur", "de", "origine"),
    "to": ("destinataire", "to", "a", "pour", "attn"),
}  # fmt: skip
_NAMES = {form: name for name, forms in _FORMS.items() for form in forms}
_LONG = tuple(form for form in _NAMES if len(form) >= 5)
_MOST_WORDS = 6
_END = re.compile(r"\s*[:;=.\-»>*_]+\s*$")
_MARK = re.compile(r"[:;=»]")
_CONFUSED = str.maketrans({"0": "o", "1": "i", "l": "i", "|": "i", "!": "i", "5": "s", "8": "b"})
_BARE = frozenset({"objet", "ampliations", "ampliation", "piecesjointes", "copies"})


@dataclass(frozen=True)
class Label:
    """A label at the beginning of a piece; the value begins at position ``end``. ``sure``: 0..1."""

    name: str
    end: int
    sure: float


def label_of(piece: Piece) -> Label | None:
    """The label with which a piece begins, in its surest form."""
    text, words = piece.folded, piece.words[:_MOST_WORDS]
    ends, place = [], 0
    for word in words:
        place += len(word.text)
        ends.append(place)
        place += 1
    found = [_label(text, end, alone=end == len(text)) for end in ends]
    best = max((label for label in found if label), key=lambda label: (label.sure, label.end), default=None)
    if best:
        return best
    inside = re.match(r"([^:;]{2,24})\s?[:;](?=\S)", text)  # "Objet:Demande": no blank behind the mark
    named = _named(_letters(inside[1])) if inside else None
    return Label(named[0], inside.end(), named[1]) if named and inside else None


def _label(text: str, end: int, *, alone: bool) -> Label | None:
    head = text[:end]
    named = _named(_letters(head))
    if named is None:
        return None
    name, sure, form = named[0], named[1], named[2]
    after = re.match(r"\s?[:;=\-».]+\s?", text[end:])
    marked = bool(_MARK.search(head[-2:]) or (after and _MARK.search(after[0])))
    if not marked:
        dotted = head.rstrip().endswith((".", "-")) or (after is not None)
        upper_alone = alone and form in _BARE
        slashed = "/" in head and name in {"subject", "ours", "theirs"}
        counted = form == "pj" and text[end:].lstrip()[:1].isdigit()
        if (
            not counted
            and not (dotted and form not in {"de", "a", "to", "re", "from", "pour", "as"})
            and not upper_alone
            and not slashed
        ):
            return None
        sure *= 0.93
    if form == "as" and not re.match(r"\W*a\s?(?:[/.]\s?s|s[/.])", head):
        return None
    return Label(name, end + (after.end() if after else 0), sure)


def _letters(head: str) -> str:
    return re.sub(r"[^a-z0-9|!]", "", head)


@lru_cache(maxsize=8192)
def _named(letters: str) -> tuple[str, float, str] | None:
    if letters in _NAMES:
        return _NAMES[letters], 1.0, letters
    if not 4 <= len(letters) <= 24:
        return None
    plain = letters.translate(_CONFUSED)
    for form in _LONG:
        if form.translate(_CONFUSED) == plain:
            return _NAMES[form], 0.97, form
    cutoff = 80 if len(letters) < 8 else 84
    best = process.extractOne(letters, _LONG, scorer=fuzz.ratio, score_cutoff=cutoff)
    return (_NAMES[best[0]], 0.9, best[0]) if best and best[0][0] in letters[:2] + "oq" else None
