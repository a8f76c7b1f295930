"""Two contents of a letter, compared side by side."""

from __future__ import annotations

import time

import pytest

from ged.dispatch.models import Party
from ged.ports import AttachmentId
from ged.richtext import marks
from ged.richtext.document import dump, plain
from ged.signbook.book import Annex, Content
from ged.writing.compare import Change, Field, Line, Part, compare


def content(text: str, **more: object) -> Content:
    document = marks.parse(text)
    return Content("Monsieur", "Objet", plain(document), rich=dump(document), **more)  # type: ignore[arg-type]


def part(parts: tuple[Part, ...], field: Field) -> Part:
    return next(one for one in parts if one.field is field)


def marked(line: Line) -> tuple[str, str]:
    """Both sides, with [ ] around text that the other side lacks."""
    before, after = (
        "".join(f"[{piece.text}]" if piece.is_changed else piece.text for piece in side)
        for side in (line.before, line.after)
    )
    return before, after


def test_words_lines_and_forms_are_told_apart() -> None:
    before = content("Un début commun.\n\nVotre demande est refusée ce jour.\n\n- un\n- deux\n\nFin **grave**.")
    after = content("Un début commun.\n\nVotre demande est acceptée ce jour.\n\n- un\n- deux\n- trois\n\nFin grave.")
    lines = part(compare(before, after), Field.BODY).lines
    assert [line.change for line in lines] == [
        Change.NONE, Change.WORDS, Change.NONE, Change.NONE, Change.ADDED, Change.FORM,
    ]  # fmt: skip
    assert marked(lines[1]) == ("Votre demande est [refusée] ce jour.", "Votre demande est [acceptée] ce jour.")
    assert marked(lines[4]) == ("", "[- trois]")


def test_rows_of_a_table_and_a_page_break_are_lines() -> None:
    table = "| Poste | Montant |\n|---|---|\n| 410 | {} |\n| 411 | 7 |"
    lines = part(
        compare(content(table.format("60")), content(table.format("65") + "\n\n[saut de page]\n\nx")), Field.BODY
    )
    changed = [marked(line) for line in lines.lines if line.change is not Change.NONE]
    assert changed == [("410 | [60]", "410 | [65]"), ("", "[[saut de page]]"), ("", "[x]")]


def test_addressees_annexes_and_the_amount_are_compared() -> None:
    ceet = Party("CEET", "BP 42\nLomé", "")
    before = content("x", addressees=(ceet,), annexes=(Annex(AttachmentId(1), "l5.pdf"),), amount_xof=5_000_000)
    after = content("x", addressees=(ceet, Party("DAF", "", "")), annexes=(Annex(AttachmentId(1), "l5.pdf", "Plan"),))
    parts = compare(before, after)
    assert {one.field for one in parts if one.is_changed} == {Field.ADDRESSEES, Field.ANNEXES, Field.AMOUNT}
    assert marked(part(parts, Field.AMOUNT).lines[0]) == ("[5 000 000]", "")
    assert Field.COPIES not in {one.field for one in parts}, "empty on both sides"


def test_a_text_from_before_forms_is_compared_with_one_that_has_them() -> None:
    old = Content("Monsieur", "Objet", "Un texte\n\n- un\n- deux")
    assert not any(one.is_changed for one in compare(old, content("Un texte\n\n- un\n- deux")))


def test_a_hostile_length_takes_no_time() -> None:
    sides = content("a b " * 14_000), content("b c " * 14_000)
    begin = time.process_time()
    (line,) = part(compare(*sides), Field.BODY).lines
    assert line.change is Change.WORDS
    assert time.process_time() - begin < 5


@pytest.mark.slow
def test_many_lines_that_are_alike_take_no_time() -> None:
    few = "\n".join("- a\n- b" for _ in range(900)), "\n".join("- a\n- c" for _ in range(900))
    many = "\n".join("- a" for _ in range(15_000)), "\n".join("- a" for _ in range(14_900))
    for sides in (few, many):
        begin = time.process_time()
        assert part(compare(content(sides[0]), content(sides[1])), Field.BODY).is_changed
        assert time.process_time() - begin < 5
