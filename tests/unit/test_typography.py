"""French typography: which marks exist, nothing else changes, and a second time changes nothing."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ged.typography import NARROW, NO_BREAK, french, on_paper, plain


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Objet : rapport", "Objet\u00a0: rapport"),
        ("Objet :", "Objet\u00a0:"),
        ("Fini ? Oui ; bien ! Voilà", "Fini\u202f? Oui\u202f; bien\u202f! Voilà"),
        ("le « courrier » d'ici", "le «\u00a0courrier\u00a0» d’ici"),
        ("« Sûr ? »", "«\u00a0Sûr\u202f?\u00a0»"),
        ("le n° 12 et le N° %(number)s", "le n°\u202f12 et le N°\u202f%(number)s"),
        ("12 500 000 F CFA", "12\u202f500\u202f000\u202fF\u00a0CFA"),
        ("à 7 h, puis à 5 h 30", "à 7\u00a0h, puis à 5\u00a0h\u00a030"),
        ("moins de 5, plus de %(num)s jours", "moins de\u00a05, plus de\u00a0%(num)s jours"),
        ("Plus de 1 000, %(num)s j, 12 j", "Plus de\u00a01\u202f000, %(num)s\u00a0j, 12\u00a0j"),
        ("%(num)s p. sur 16 p.", "%(num)s\u202fp. sur 16\u202fp."),
        ("l'%(unit)s, l'<b>original</b>, l'« acte »", "l’%(unit)s, l’<b>original</b>, l’«\u00a0acte\u00a0»"),
    ],
)
def test_marks(typed: str, shown: str) -> None:
    assert french(typed) == shown


@pytest.mark.parametrize(
    "text",
    [
        "à 12:30", "https://ged.example/a?b='c'&d=1 ", "http://ged.example/l'acte", "bureau.d'ordre@mines.example",
        "<a href=\"/x\" data-said='un : deux ; trois'>", "key: value", "'cité'", "N'", "--format='x'", "2026 123",
        "00001/2026 456/A", "le 24 11 2026", "a ?b", ":x :y", "90 12 34 56", "x::y", "?", " : ", "moins de huit", "15 juin", "tous les j",
    ],
)  # fmt: skip
def test_what_is_no_sentence_stays(text: str) -> None:
    assert french(text) == text


_PARTS = st.sampled_from(
    ["'", " ", " :", " ;", " ?", " !", "« ", " »", "n° ", "12", " 345", " F CFA", " p.", " h", " h 30", "l'été", "<b>", "</b>", "%(n)s",
     "https://a.example/l'un ", "a'b@c.example", "\n", "’", "\u00a0", "\u202f", "«", "»", ":", "x"]
)  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(st.one_of(_PARTS, st.text(max_size=3)), max_size=30).map("".join))
_ADDRESSES = re.compile(r"https?://\S+|[\w'.]+@[\w.]+|<[^<>]*>")


@given(TEXTS)
@example("1 234 567 890")
@example("0http://A'0")
@example("« « a » »")
def test_a_second_time_changes_nothing_and_only_marks_change(text: str) -> None:
    once = french(text)
    assert french(once) == once
    assert len(once) == len(text)
    for before, after in zip(text, once, strict=True):
        assert before == after or (before, after) in {(" ", NO_BREAK), (" ", NARROW), ("'", "’")}
    assert plain(once) == plain(text)
    for found in _ADDRESSES.finditer(text):
        assert once[found.start() : found.end()] == found[0]


@given(st.text(alphabet="ab'@:/ <>", max_size=20_000))
def test_a_long_text_costs_no_more_than_its_length(text: str) -> None:
    french(text)  # the time limit of an example is the proof


def test_data_of_a_sheet_keeps_its_code_and_its_numbers() -> None:
    data = {"qr": "<svg a='b : c'>x : y</svg>", "rows": [{"name": "l'un"}, ("n° 1", 3, True, None)], "l'x": "a ; b"}
    assert on_paper(data) == {
        "qr": data["qr"], "rows": [{"name": "l’un"}, ["n°\u202f1", 3, True, None]], "l'x": "a\u202f; b"
    }  # fmt: skip
