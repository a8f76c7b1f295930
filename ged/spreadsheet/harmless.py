"""Texts of a sheet that people open in a spreadsheet program. Pure."""

import unicodedata

_SIGNS = frozenset("=+-@")
_BREAKS = ("\t", "\r", "\n")


def harmless(text: str) -> str:
    """A text that no spreadsheet program takes for a formula.

    >>> harmless("=1+1"), harmless(" =1+1"), harmless("Demande"), harmless("＝1+1"), harmless("")
    ("'=1+1", "' =1+1", 'Demande', "'＝1+1", '')
    """
    # Some programs ignore what is not seen at the begin (blanks, breaks, marks without width), and some know the wide forms of the signs.
    first = next((one for one in text if unicodedata.category(one)[0] not in "ZC"), "")
    is_formula = unicodedata.normalize("NFKC", first) in _SIGNS or text.startswith(_BREAKS)
    return f"'{text}" if is_formula else text
