"""Names of files from outside. It imports no table: a child that reads a message needs the names too."""

import unicodedata
from pathlib import PurePosixPath

NAME_LENGTH = 120


def harmless_name(name: str) -> str:
    """A display name without folders, control or direction characters, of at most 120 characters.

    >>> harmless_name("../../etc/passwd")
    'passwd'
    """
    last = PurePosixPath(unicodedata.normalize("NFC", name).replace("\\", "/")).name
    clean = " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in last).split()).strip(" .")
    stem, dot, ending = clean.rpartition(".")
    if dot and 0 < len(ending) <= 5 and len(clean) > NAME_LENGTH:
        clean = f"{stem[: NAME_LENGTH - len(ending) - 2]}….{ending}"
    return clean[:NAME_LENGTH] or "document"
