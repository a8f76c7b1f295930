"""The map of the keys (the dialog of ``?``) is complete: it lists each key that a script binds. Exceptions have a
reason here."""

import re
from pathlib import Path

from web.words import keys

STATIC = Path(__file__).parents[2] / "web" / "static" / "js"
BOUND = re.compile(r"\.key(?:\.toLowerCase\(\))? [!=]== \"([^\"]+)\"")

IN_THE_MAP = {
    "/": "/",
    "?": "?",
    "g": "g",
    "Enter": "Entrée",
    "ArrowDown": "↓",
    "ArrowUp": "↑",
    "ArrowRight": "→",
    "Escape": "Échap",
    "a": "A",
    "z": "Z",
}
WORKS = {"a": "#duplicates", "z": "[data-suggest=takes]"}
"""Letters that mean something else on other pages: the part of a page in which they do what the script binds."""
AS_EVERYWHERE = {
    " ": "presses the menu's button, as the space bar presses every button",
    "ArrowLeft": "goes back in the typed text: what is offered for its end is closed",
    "Home": "goes to the beginning of the typed text: what is offered for its end is closed",
    "Tab": "leaves a list of suggestions with the marked one, as in every such list",
}


def test_each_key_that_a_script_binds_is_told() -> None:
    bound = {key for path in STATIC.glob("*.js") for key in BOUND.findall(path.read_text(encoding="utf-8"))}
    assert bound == IN_THE_MAP.keys() | AS_EVERYWHERE.keys()
    told = {str(key) for one in (*keys.FIRST, *keys.LAST) for key in one.keys}
    assert set(IN_THE_MAP.values()) - told == set()
    for key, where in WORKS.items():
        assert [one for one in keys.LAST if IN_THE_MAP[key] in one.keys and one.when.startswith(where)], key


def test_what_depends_on_the_page_says_on_what() -> None:
    assert len([one for one in keys.LAST if one.when]) == 10
    for name in ("data-hot", "accesskey"):
        assert f"[{name}]" in (STATIC / "ged.js").read_text(encoding="utf-8"), "the page's own keys are added to it"
