"""Texts of a sheet that people open in a spreadsheet program. Pure."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def harmless(text: str) -> str:
    """A text that no spreadsheet program takes for a formula.

    >>> harmless("=1+1"), harmless(" =1+1"), harmless("Demande")
    ("'=1+1", "' =1+1", 'Demande')
    """
    # Some programs ignore a leading blank or invisible character and still see a formula.
    is_formula = text.lstrip(" \u00a0\ufeff\u200b").startswith(_FORMULA) or text.startswith(_FORMULA)
    return f"'{text}" if is_formula else text
