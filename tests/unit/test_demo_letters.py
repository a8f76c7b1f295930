"""The demonstration's letters have known text and fit their pages; the posts and units of its ministry are
consistent."""

import string
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from demo import ageing
from demo.blanks import french_date
from demo.letters import LABEL_BOX_MM, make_letters, paste_label
from demo.texts import SCRIPTS

pytestmark = pytest.mark.slow

MINISTRY = Path(ageing.__file__).with_name("ministry.yaml")
ROLES = {"clerk", "member", "head", "authority", "secretary", "signatory", "administrator", "auditor"}
ACCOUNTS = {
    "bo.agent", "bo.chef", "sg", "sg.secretariat", "ministre", "cab.dir", "dge.chef", "dge.etudes",
    "dge.etudes.chef", "daf.chef", "daf.agent", "admin", "auditeur", "ceet.bo", "ceet.chef",
}  # fmt: skip
PLACEHOLDERS = {
    "civilite", "destinataire", "objet", "votre_reference", "date_courrier", "numero_arrivee", "date_arrivee",
    "service", "delai", "date_reunion", "heure_reunion", "lieu", "pieces", "motif", "contact",
}  # fmt: skip
DPI = 60


@pytest.fixture(scope="module")
def ministry() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(MINISTRY.read_text(encoding="utf-8"))
    return loaded


def test_same_seed_gives_the_same_letters() -> None:
    assert make_letters(5) == make_letters(5)
    assert make_letters(5) != make_letters(6)


def test_ten_letters_of_one_to_four_pages() -> None:
    letters = make_letters(1)
    assert len({letter.key for letter in letters}) == len(letters) == 10
    assert {letter.page_count for letter in letters} == {1, 2, 3, 4}
    assert sum("typescript" in letter.ageing[0] for letter in letters) == 2


def test_more_letters_than_scripts_have_other_figures() -> None:
    letters = make_letters(1, 20)
    assert len({letter.key for letter in letters}) == 20
    assert all(first.pages_text != again.pages_text for first, again in zip(letters[:10], letters[10:], strict=True))


@pytest.mark.parametrize("seed", range(20))
def test_text_is_filled_and_bears_what_is_recorded(seed: int) -> None:
    for letter in make_letters(seed, before=date(2026, 11, 24)):
        text = "\n".join(letter.pages_text)
        assert "{" not in text
        assert "|" not in text
        assert letter.subject in letter.pages_text[0]
        assert letter.their_reference in letter.pages_text[0]
        assert french_date(letter.written_on) in letter.pages_text[0]
        assert letter.signer in letter.pages_text[-1]
        assert date(2026, 11, 1) < letter.written_on < date(2026, 11, 24)
        assert letter.written_on.weekday() < 5


def test_invoice_adds_up() -> None:
    for seed in range(10):
        rows = [line.split("  ") for line in _invoice_text(seed).splitlines() if line.count("  ") == 3]
        numbers = [[int(cell.replace(" ", "") or 0) for cell in row[1:]] for row in rows[1:]]
        goods, (net, tax, total) = numbers[:-3], [row[-1] for row in numbers[-3:]]
        assert all(quantity * price == amount for quantity, price, amount in goods)
        assert net == sum(row[-1] for row in goods)
        assert total == net + tax


@pytest.mark.parametrize("seed", [1, 2])
def test_every_page_fits_and_leaves_the_label_its_place(seed: int) -> None:
    for letter in make_letters(seed):
        for page_no in range(1, letter.page_count + 1):
            page = letter.draw(page_no, dpi=DPI)
            assert page.mode == "L"
            assert abs(page.width - 210 / 25.4 * DPI) < 2
            assert page.getextrema()[0] < 100
        first = letter.draw(1, dpi=DPI)
        box = [round(v * first.width / 210) for v in LABEL_BOX_MM]
        assert first.crop((box[0], box[1], box[2], box[3])).getextrema() == (255, 255)
        with pytest.raises(IndexError):
            letter.draw(letter.page_count + 1)


def test_label_is_pasted_into_its_place_only() -> None:
    page = make_letters(1)[0].draw(1, dpi=DPI)
    labelled = paste_label(page, Image.new("RGBA", (620, 300), (0, 0, 0, 255)))
    changed = np.argwhere(np.asarray(page) != np.asarray(labelled)) / page.width * 210
    assert changed.min(0) == pytest.approx([LABEL_BOX_MM[1], LABEL_BOX_MM[0]], abs=1)
    assert changed.max(0) == pytest.approx([LABEL_BOX_MM[3], LABEL_BOX_MM[2]], abs=1)


@pytest.mark.parametrize("kind", list(ageing.AgeingKind))
def test_ageing_changes_the_page_the_same_way_each_time(kind: ageing.AgeingKind) -> None:
    page = make_letters(1)[0].draw(1, dpi=DPI)
    aged = ageing.age(page, 3, kind)
    assert aged.size == page.size
    assert aged.mode == "L"
    assert np.array_equal(np.asarray(aged), np.asarray(ageing.age(page, 3, kind)))
    assert not np.array_equal(np.asarray(aged), np.asarray(ageing.age(page, 4, kind)))
    # The light darkens the paper, which stays clearly brighter than ink.
    assert 190 < float(np.median(np.asarray(aged))) < 250


def test_unknown_ageing_is_refused() -> None:
    with pytest.raises(ValueError, match="coffee"):
        ageing.age(Image.new("L", (210, 297), 255), 1, "coffee")


def test_a_stamp_adds_ink_but_never_in_the_labels_corner() -> None:
    blank = Image.new("L", (1240, 1754), 255)
    for seed in range(5):
        plain, stamped = (np.asarray(ageing.age(blank, seed, kind)) for kind in ("office", "stamped"))
        left, top, right, bottom = (round(v * 1240 / 210) for v in LABEL_BOX_MM)
        assert (stamped < 130).sum() > (plain < 130).sum() + 2000
        assert (stamped[top:bottom, left:right] < 130).sum() < 60


def test_ministry_has_the_size_and_accounts_of_the_demonstration(ministry: dict[str, Any]) -> None:
    assert 28 <= len(ministry["units"]) <= 40
    assert 55 <= len(ministry["people"]) <= 65
    assert len([unit for unit in ministry["units"] if unit.get("entity")]) == 6
    assert {person["account"] for person in ministry["people"]} >= ACCOUNTS
    assert len(ministry["mentions"]) == 11
    assert len(ministry["correspondents"]) == 25
    assert len(ministry["filing_plan"]) == 15


@pytest.mark.parametrize(
    ("part", "key"),
    [("units", "code"), ("people", "account"), ("people", "name"), ("people", "email"), ("posts", "code"),
     ("registers", "code"), ("registers", "name"), ("mentions", "code"), ("correspondents", "name"),
     ("filing_plan", "code"), ("templates", "code")],
)  # fmt: skip
def test_codes_are_unique(ministry: dict[str, Any], part: str, key: str) -> None:
    assert [value for value, n in Counter(entry[key] for entry in ministry[part]).items() if n > 1] == []


def test_units_form_one_tree(ministry: dict[str, Any]) -> None:
    parents = {unit["code"]: unit["parent"] for unit in ministry["units"]}
    assert [code for code, parent in parents.items() if parent is None] == ["MMRE"]
    for code in parents:
        path = [code]
        while (parent := parents[path[-1]]) is not None:
            assert parent not in path
            path.append(parent)
        assert path[-1] == "MMRE"


def test_every_entity_has_a_mail_office_with_a_clerk_and_its_registers(ministry: dict[str, Any]) -> None:
    offices = {u["parent"]: u["code"] for u in ministry["units"] if u["kind"] == "mail_office"}
    for entity in (u["code"] for u in ministry["units"] if u.get("entity")):
        office = offices["SG" if entity == "MMRE" else entity]
        assert any(post["unit"] == office and "clerk" in post["roles"] and post["holder"] for post in ministry["posts"])
        assert {r["direction"] for r in ministry["registers"] if r["unit"] == office} >= {"incoming", "outgoing"}
        assert any(post["unit"] == entity and "authority" in post["roles"] for post in ministry["posts"])


def test_posts_stand_in_units_and_are_held_by_people(ministry: dict[str, Any]) -> None:
    units = {unit["code"] for unit in ministry["units"]}
    people = {person["account"]: person for person in ministry["people"]}
    posts = {post["code"]: post for post in ministry["posts"]}
    assert {person["clearance"] for person in people.values()} == {"ordinary", "restricted", "secret"}
    assert people["ministre"]["clearance"] == "secret"
    assert {post["holder"] for post in posts.values()} == {*people, None}
    for post in posts.values():
        assert post["unit"] in units
        assert post["roles"]
        assert set(post["roles"]) <= ROLES
        assert ("secretary" in post["roles"]) == ("secretary_of" in post)
        if "secretary_of" in post:
            assert "authority" in posts[post["secretary_of"]]["roles"]
    assert {role for post in posts.values() for role in post["roles"]} == ROLES
    assert all(any(post["unit"] == unit for post in posts.values()) for unit in units)


def test_registers_number_readably_and_apart(ministry: dict[str, Any]) -> None:
    units = {unit["code"] for unit in ministry["units"]}
    first = [register["pattern"].format(seq=42, year=2026) for register in ministry["registers"]]
    assert len(set(first)) == len(first)
    assert "00042/2026/MMRE" in first
    for register in ministry["registers"]:
        assert register["unit"] in units
        assert register["direction"] in {"incoming", "outgoing", "internal"}


def test_senders_of_the_letters_are_correspondents(ministry: dict[str, Any]) -> None:
    known = {entry["name"]: entry["kind"] for entry in ministry["correspondents"]}
    assert {script.sender: script.sender_kind for script in SCRIPTS}.items() <= known.items()


def test_templates_use_known_placeholders_only(ministry: dict[str, Any]) -> None:
    for template in ministry["templates"]:
        used = {name for _, name, _, _ in string.Formatter().parse(template["subject"] + template["body"]) if name}
        assert used
        assert used <= PLACEHOLDERS


def _invoice_text(seed: int) -> str:
    return next(letter for letter in make_letters(seed) if letter.nature == "facture").pages_text[0]
