"""The map of the keys (the dialog of ``?``) is complete: it lists each key that a script binds. Exceptions have a
reason here."""

import re
from pathlib import Path

STATIC = Path(__file__).parents[2] / "web" / "static" / "js"
MAP = (Path(__file__).parents[2] / "web" / "templates" / "components" / "display.html").read_text(encoding="utf-8")
BOUND = re.compile(r"\.key === \"([^\"]+)\"")

IN_THE_MAP = {"/": "<kbd>/</kbd>", "?": "<kbd>?</kbd>", "g": "<kbd>g</kbd>", "Enter": '{{ _("Entrée") }}',
              "ArrowDown": "<kbd>↓</kbd>", "ArrowUp": "<kbd>↑</kbd>", "Escape": '{{ _("Échap") }}'}  # fmt: skip
AS_EVERYWHERE = {
    " ": "presses the menu's button, as the space bar presses every button",
    "Tab": "leaves a list of suggestions with the marked one, as in every such list",
}


def test_each_key_that_a_script_binds_is_told() -> None:
    bound = {key for path in STATIC.glob("*.js") for key in BOUND.findall(path.read_text(encoding="utf-8"))}
    assert bound == IN_THE_MAP.keys() | AS_EVERYWHERE.keys()
    dialog = MAP[MAP.index("macro dialog_shortcuts") :]
    assert [key for key, words in IN_THE_MAP.items() if words not in dialog] == []


def test_what_depends_on_the_page_says_on_what() -> None:
    dialog = MAP[MAP.index("macro dialog_shortcuts") :]
    whens = re.findall(r'data-when="([^"]+)"', dialog)
    assert len(whens) == 6
    for name in ("data-hot", "accesskey"):
        assert f"[{name}]" in (STATIC / "ged.js").read_text(encoding="utf-8"), "the page's own keys are added to it"
