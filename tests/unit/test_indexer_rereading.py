"""Shapes of misread words, and the second comparison by their first letters."""

import re

import pytest

from indexer.analysis import clean
from indexer.passages import Stored
from indexer.query import parse
from indexer.rereading import Rereading, weight
from indexer.shapes import mappings, running, shape

ASKED = "la commission réunie à Débosan propose de réparer"
AS_READ = "La commiss ion réuni,e à clébosan propose dc réparer les travaux"


@pytest.mark.parametrize(
    ("written", "read"),
    [("marche", "rnarche"), ("Lomé", "1ome"), ("ordre", "0rdre"), ("décret", "clecret"), ("wagon", "vvagon"),
     ("réunion", "reunlon"), ("cinq", "cinq"), ("Éclair", "eclalr"), ("base", "ba5e"), ("geste", "qeste")],
)  # fmt: skip
def test_what_scans_confuse_has_one_shape(written: str, read: str) -> None:
    assert shape(written) == shape(read)


@pytest.mark.parametrize(("one", "other"), [("bail", "pain"), ("note", "vote"), ("Kara", "Kala"), ("mai", "mars")])
def test_other_words_keep_other_shapes(one: str, other: str) -> None:
    assert shape(one) != shape(other)


def test_the_pairs_for_a_filter_say_the_same() -> None:
    pairs = dict(mappings())
    assert len(pairs) == len(list(mappings())), "each spelling once"
    for spelled, made in pairs.items():
        assert shape(spelled) == shape(made), spelled


def stored(text: str, subject: str = "") -> Stored:
    return Stored({"subject": subject}, {}, [(1, 1, text)])


def test_a_badly_read_sentence_is_lifted_above_common_words() -> None:
    rereading = Rereading(parse(ASKED))
    weights = {word.stem: weight(1000, 5 if word.folded == "debosan" else 500) for word in rereading.words}
    right, wrong, other = rereading.lifts(
        [stored(AS_READ), stored("La commission réunie à Kara propose de vendre les travaux"), stored("Un bail")],
        weights,
    )
    assert right > wrong > other == 0.0


def test_a_word_inside_a_longer_run_of_letters_is_found() -> None:
    rereading = Rereading(parse("contrats situés Timonné"))
    weights = {word.stem: 1.0 for word in rereading.words}
    [joined, absent] = rereading.lifts(
        [stored("les contrats situés près detimonné"), stored("les contrats situés")], weights
    )
    assert joined > absent


def test_a_short_name_badly_read_is_known_by_the_words_around_it() -> None:
    rereading = Rereading(parse("compteurs de Kpavi restent bloqués"))
    weights = {word.stem: 1.0 for word in rereading.words}
    [there, elsewhere] = rereading.lifts(
        [stored("les compteurs de kpovi restent bloqués"), stored("les compteurs de lomé restent bloqués, kpovi")],
        weights,
    )
    assert there > elsewhere + 0.5


def test_nothing_is_in_doubt_where_the_first_letter_says_it_all() -> None:
    rereading = Rereading(parse(ASKED))
    assert rereading.is_answered(stored(f"Ce jour, {ASKED} les routes."))
    assert not rereading.is_answered(stored(AS_READ))
    assert not rereading.is_answered(stored("réparer, propose, Débosan: la réunie commission"))


@pytest.mark.parametrize(
    "text",
    ["Le marché de l’œuvre, n° 12/34", "a_b—c… €5 |m ª² Straße", "ÉTÉ KÂRIRN ÿ Ÿ", "Éŋlɔ m̀a Ʋ ʊ", "Ænon coeur", ""],
)  # fmt: skip
def test_a_running_text_has_the_shapes_of_its_words(text: str) -> None:
    assert running(text) == " ".join(re.sub(r"[\W_]+", " ", shape(clean(text))).split())
