"""Fields of a letter: each rule, and no text makes them fail."""

import time
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ged.ports import RecognisedPage, Word
from ocr.field_dates import dates_in
from ocr.field_labels import label_of
from ocr.field_layout import Piece, fold, sheet_of
from ocr.field_numbers import leading_count, value_of
from ocr.field_places import is_town_line, known_town
from ocr.fields import read_fields
from tests.field_letters import MANY, SINGLE, Count, judge, letters
from tests.sample_kit import examples


def page_of(text: str = "", words: tuple[Word, ...] = (), number: int = 1) -> RecognisedPage:
    return RecognisedPage(number, text, words, 90.0, "fra", Path("page.jpg"))


def read(text: str) -> dict[str, str]:
    return {reading.name: reading.value for reading in read_fields([page_of(text)])}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Lomé, le 3 Mars 1952", date(1952, 3, 3)),
        ("le 1er janvier 2024", date(2024, 1, 1)),
        ("le ler Juillet 1960", date(1960, 7, 1)),
        ("LOME, LE l9 FEVRIER l952", date(1952, 2, 19)),
        ("Porto-Novo, le 7 Févricr 1912", date(1912, 2, 7)),
        ("18 Septembre 1896.", date(1896, 9, 18)),
        ("Lomé, lundi 11 décembre 2023", date(2023, 12, 11)),
        ("3-III-52", date(1952, 3, 3)),
        ("14/5/63", date(1963, 5, 14)),
        ("12/03/24", date(2024, 3, 12)),
        ("2024-03-05", date(2024, 3, 5)),
        ("March 3, 1952", date(1952, 3, 3)),
        ("1st of May, 1950", date(1950, 5, 1)),
        ("le vingt-trois mars mil neuf cent cinquante-deux", date(1952, 3, 23)),
        ("L'an mil neuf cent vingt-quatre et le dix mars", date(1924, 3, 10)),
        ("le deux mai deux mille vingt-quatre", date(2024, 5, 2)),
        ("31 février 2020", None),
        ("B.P. 123/12/2024", None),
        ("le 3 mars", None),
        ("quartier 12, maison 14", None),
    ],
)
def test_dates(text: str, expected: date | None) -> None:
    assert [found.on for found in dates_in(fold(text))] == ([expected] if expected else [])


def test_two_digits_belong_to_the_century_of_the_page() -> None:
    assert [found.on.year for found in dates_in("3/3/24", 1900)] == [1924]
    assert [found.on.year for found in dates_in("3/3/24", 1800)] == [1824]


@pytest.mark.parametrize(
    ("words", "value"),
    [("quatre vingt dix sept", 97), ("mil huit cent quatre vingt seize", 1896), ("trois cent quatre vingt mille", 380_000),
     ("douze millions cinq cent mille", 12_500_000), ("soixante et onze", 71), ("bonjour", None)],
)  # fmt: skip
def test_numbers_in_words(words: str, value: int | None) -> None:
    assert value_of(words.split()) == value


def test_counts_at_the_beginning() -> None:
    counts = [leading_count(text) for text in ("trois (03) dossiers", "(03)", "rapport", "une copie", "12/03/2024")]
    assert counts == [3, 3, None, 1, None]


@pytest.mark.parametrize(
    ("text", "name", "rest"),
    [
        ("Objet : Demande", "subject", "Demande"),
        ("0bjet ; x", "subject", "x"),
        ("Obiet: y", "subject", "y"),
        ("O B J E T : z", "subject", "z"),
        ("Objet:Demande de", "subject", "Demande de"),
        ("A/S de la demande", "subject", "de la demande"),
        ("P. J. - Trois", "enclosures", "Trois"),
        ("Pièces iointes : deux", "enclosures", "deux"),
        ("N/Réf. : 123/DG", "theirs", "123/DG"),
        ("Vos Réf. 45/x", "ours", "45/x"),
        ("Ampliauons :", "copies", ""),
        ("Copie à :", "copies", ""),
        ("Objet de la mission", None, ""),
        ("De la part de", None, ""),
        ("objets trouvés : dix", None, ""),
    ],
)
def test_labels(text: str, name: str | None, rest: str) -> None:
    words = tuple(Word(word, 0.1 + n * 0.1, 0.3, 0.08, 0.01, 90) for n, word in enumerate(text.split()))
    label = label_of(Piece(1, 0, words))
    assert (label and label.name) == name
    if label:
        assert text[label.end :].strip() == rest


def test_towns() -> None:
    assert [known_town(fold(text)) for text in ("LOME", "Lomf", "Atakpame", "Nulle-Part")] == [
        "Lomé", "Lomé", "Atakpamé", None
    ]  # fmt: skip
    assert all(is_town_line(fold(text)) for text in ("- L O M E -", "Lomé (Togo)", "=LOME="))
    assert not is_town_line("monsieur le maire de lome")


def test_amounts() -> None:
    found = read_fields(
        [page_of("Le montant s'élève à 2,5 millions de francs CFA.\n\nCapital : 10 000 000 F CFA\n\nsoit 12.450 F")]
    )
    assert [one.value for one in found if one.name == "amount"] == ["2 500 000 FCFA", "12 450 francs"]


@pytest.mark.parametrize(
    ("line", "amounts"),
    [
        ("Total EUR 34,73", ["34,73 EUR"]),
        ("TOTAL AMOUNT DUE ON August 3, 2014 $4.11", ["4,11 USD"]),
        ("Produit 25,00 € 0,00 € 50,00 €", ["25 EUR", "50 EUR"]),
        ("FCFA 1 250 000", ["1 250 000 FCFA"]),
        ("10 000 FCFA 20 000 FCFA", ["10 000 FCFA", "20 000 FCFA"]),
    ],
)
def test_a_currency_stands_before_or_behind_its_number(line: str, amounts: list[str]) -> None:
    found = [one.value for one in read_fields([page_of(line)]) if one.name == "amount"]
    assert sorted(found) == sorted(amounts)


def test_the_total_with_its_label_in_a_column_of_its_own_is_the_surest() -> None:
    prices = "\n".join(f"Produit {number}          {number}1,00 €          {number}5,00 €" for number in range(1, 8))
    text = prices + "\nTotal HT :          300,00 €\nTotal TTC :          354,00 €"
    found = [one.value for one in read_fields([page_of(text)]) if one.name == "amount"]
    assert found[:2] == ["354 EUR", "300 EUR"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Facture n°562044387 du 02 Juillet 2015", "562044387"),
        ("Devis n° 2024-17", "2024-17"),
        ("Invoice Number:          42183017", "42183017"),
        ("N° de facture : FA-88", "FA-88"),
        ("Invoice No : # BLR_WFLD2015", "BLR_WFLD2015"),
    ],
)
def test_the_number_of_an_invoice_is_its_reference(text: str, number: str) -> None:
    assert read(text + "\nObjet : fournitures")["their_reference"] == number


def test_the_day_until_which_to_pay_is_not_the_date_of_the_invoice() -> None:
    text = "Facture n° 88 du 02 Juillet 2015\nDate limite de paiement le 05 Juillet 2015\nÀ payer avant : 12 mai 2017"
    found = read(text)
    assert found["written_on"] == "2015-07-02"
    assert "place" not in found


def test_the_end_of_a_word_is_no_sign_of_a_number() -> None:
    assert "our_reference" not in read(
        "Pour votre facture, contactez le service.\nTéléphone :32 44 : tarif à la minute"
    )


def test_a_date_within_a_sentence_or_a_stamp_is_none_of_the_letter() -> None:
    text = "COURRIER ARRIVÉ\n12 MARS 2024\n\n\nObjet : x y z\n\nLa réunion du 3 mars 2024 a été reportée au mois suivant par le comité."
    assert "written_on" not in read(text)


def test_boxes_lie_on_the_words_and_text_alone_has_none() -> None:
    words = (
        Word("Objet", 0.1, 0.3, 0.06, 0.01, 95),
        Word(":", 0.17, 0.3, 0.01, 0.01, 95),
        Word("Demande", 0.2, 0.3, 0.1, 0.01, 95),
    )
    found = read_fields([page_of(words=words)])[0]
    assert (found.name, found.value, found.x, found.y) == ("subject", "Demande", 0.2, 0.3)
    assert found.width == pytest.approx(0.1)
    assert read_fields([page_of("Objet : Demande")])[0].width == 0


def test_a_name_on_three_lines_is_whole_or_doubtful() -> None:
    head = "UNION DES COOPÉRATIVES DE LA RÉGION\nMARITIME ET DES PLATEAUX\nPOUR LE DÉVELOPPEMENT RURAL\nN° 12/2026\nObjet : Demande\nMonsieur,\n"
    assert (
        read(head)["sender"]
        == "UNION DES COOPÉRATIVES DE LA RÉGION MARITIME ET DES PLATEAUX POUR LE DÉVELOPPEMENT RURAL"
    )
    cut = [one for one in read_fields([page_of(head.replace("DE LA RÉGION", "RÉUNIES"))]) if one.name == "sender"]
    assert cut[0].value == "UNION DES COOPÉRATIVES RÉUNIES"
    assert cut[0].confidence < 80, "the next line may still be of the name"


def test_marks_of_quotation_go_in_pairs() -> None:
    assert read("Objet : « Demande de subvention »\nMonsieur,")["subject"] == "« Demande de subvention »"
    assert read("Objet : Demande de subvention »\nMonsieur,")["subject"] == "Demande de subvention"


@pytest.mark.parametrize(
    ("text", "count"), [("2", "2"), ("z", None), ("o2", None), ("un plan", "1"), ("— 2 —", "2"), ("plan ; devis", "2")]
)
def test_enclosures_are_counted_or_left_open(text: str, count: str | None) -> None:
    assert read(f"SOCIETE X\nObjet : Demande\nMonsieur,\nP.J. : {text}\n").get("enclosures") == count


def test_what_was_read_badly_is_less_sure() -> None:
    def sure(confidence: float) -> float:
        words = tuple(
            Word(text, 0.1 + n * 0.1, 0.3, 0.08, 0.01, confidence) for n, text in enumerate(("Objet", ":", "Demande"))
        )
        return read_fields([page_of(words=words)])[0].confidence

    assert sure(95) > 80 > sure(50)


def test_a_leaning_page_is_read_as_a_straight_one() -> None:
    straight = sheet_of(letters()[0].page())
    leaning = tuple(
        Word(w.text, w.x, w.y + 0.03 * w.x, w.width, w.height, w.confidence)
        for piece in straight.pieces
        for w in piece.words
    )
    found = {one.name: one for one in read_fields([page_of(words=leaning)])}
    expected = {one.name: one for one in read_fields([letters()[0].page()])}
    assert {name: one.value for name, one in found.items()} == {name: one.value for name, one in expected.items()}
    place = next(word for word in leaning if word.text == "recensement")
    assert found["subject"].y == pytest.approx(place.y, abs=0.01)


def test_other_hands_are_read() -> None:
    """The letters of ``tests/letters``, as text. A value read with confidence must be right."""
    sure: dict[str, Count] = {}
    every: dict[str, Count] = {}
    told = []
    for letter in letters():
        readings = read_fields([letter.page()])
        told += [f"{letter.name}: {wrong}" for wrong in judge(sure, readings, letter.fields, sure=80)]
        judge(every, readings, letter.fields)
    assert len(letters()) >= 40
    assert sum(count.wrong for count in sure.values()) == 0, told
    for name in (*SINGLE, *MANY):
        assert every[name].recall >= 0.94, (name, told)


def test_a_long_letter_takes_little_time() -> None:
    pages = [RecognisedPage(n, letters()[7].sheet * 3, (), 90, "fra", Path("p")) for n in range(1, 301)]
    started = time.process_time()
    assert read_fields(pages)
    assert time.process_time() - started < 1


_TEXT = st.text(
    st.sampled_from("Objet:P.J.N°/Réf 0123456789leà,\n -()'éM€ÀFCATıß\u0130\ufb01١²"), max_size=400
) | st.text(max_size=200)
_NUMBER = st.floats(-1, 2, allow_nan=False)
_WORD = st.builds(
    Word,
    st.text(min_size=0, max_size=20) | st.sampled_from(["Objet", ":", "Lomé,", "le", "3", "mars", "1952", "À", "Monsieur", "N°", "P.J.", "Réf."]),
    _NUMBER, _NUMBER, _NUMBER, _NUMBER, st.floats(0, 100),
)  # fmt: skip


@settings(max_examples=examples(150))
@given(st.lists(_TEXT, max_size=4))
def test_no_text_makes_it_fail(texts: list[str]) -> None:
    check(read_fields([page_of(text, number=number) for number, text in enumerate(texts, 1)]))


@settings(max_examples=examples(150))
@given(st.lists(st.lists(_WORD, max_size=40), max_size=3))
def test_no_words_make_it_fail(pages: list[list[Word]]) -> None:
    check(read_fields([page_of(words=tuple(words), number=number) for number, words in enumerate(pages, 1)]))


def check(readings: tuple[object, ...]) -> None:
    for one in readings:
        assert one.name in (*SINGLE, *MANY)  # type: ignore[attr-defined]
        assert one.value.strip()  # type: ignore[attr-defined]
        assert 0 < one.confidence <= 100  # type: ignore[attr-defined]
