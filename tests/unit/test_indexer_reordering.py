"""The order of the first letters: the part of a subject that a query is, and how near its words stand."""

from collections.abc import Sequence

import pytest

from ged.ports import SearchQuery, SortOrder
from indexer import first_page, nearness
from indexer.nearness import Nearness
from indexer.passages import Stored
from indexer.query import parse
from indexer.reordering import reordering_of

LONG = "la commission réunie à Débosan propose de réparer"
FILLER = "des lettres de la direction " * 20


def stored(text: str, subject: str = "") -> Stored:
    return Stored({"subject": subject}, {}, [(1, 1, text)])


def alike(stems: Sequence[str]) -> dict[str, float]:
    """All words are as rare."""
    return dict.fromkeys(stems, 1.0)


def lifts(asked: str, *letters: Stored) -> list[float]:
    return Nearness(parse(asked)).lifts(letters, alike)


def test_a_subject_of_the_words_alone_is_above_a_longer_one() -> None:
    whole, longer, none = lifts(
        "congés payés",
        stored("", "Les congés payés"),
        stored("", "Congés payés, report exceptionnel"),
        stored("", "Bail"),
    )
    assert nearness.SUBJECT == whole > longer > none == 0.0


def test_a_rare_word_that_is_not_asked_for_makes_a_subject_another_matter() -> None:
    usual, rare, *_others = lifts(
        "congés payés",
        stored("", "Note : congés payés"),
        stored("", "Congés payés, amiante"),
        *(stored("", f"Note n° {number}") for number in range(18)),
    )
    assert usual > 2 * rare > 0.0


def test_a_rare_word_of_the_query_says_more_of_a_subject_than_a_usual_one() -> None:
    near = Nearness(parse("demande amiante"))
    letters = [stored("", "Amiante, report"), stored("", "Demande, report")]
    rare, usual = near.lifts(letters, lambda stems: {stem: 5.0 if stem.startswith("am") else 0.5 for stem in stems})
    assert rare > 2 * usual > 0.0


def test_the_subject_of_a_letter_that_lacks_a_word_of_a_short_query_says_less() -> None:
    """« Borne » is all of « borne Ablavi » that its subject has, but the letter that was looked for is the other one."""
    all_words, lacking, of_another = lifts(
        "borne Ablavi",
        stored("KOFFI Ablavi demande un report", "Borne"),
        stored("demande un report", "Borne"),
        Stored({"subject": "Borne", "correspondent": "Mme Ablavi KOFFI"}, {}, [(1, 1, "demande un report")]),
    )
    assert all_words == of_another == nearness.SUBJECT
    assert lacking == nearness.SUBJECT / 2


def test_a_long_query_is_a_description_of_which_a_letter_need_not_have_all() -> None:
    assert lifts("borne litige Ablavi Kara", stored("", "Borne")) == [nearness.SUBJECT]


def test_a_single_word_counts_in_the_subject_alone() -> None:
    whole, part, text = lifts("amiante", stored("", "L'amiante"), stored("", "Amiante, gravier"), stored("l'amiante"))
    assert nearness.SUBJECT == whole > part > text == 0.0


def test_words_of_one_sentence_in_any_order_are_above_words_far_apart() -> None:
    side, sentence, apart, one = lifts(
        "contrat travail",
        stored("un contrat travail"),
        stored("un travail qu'un nouveau contrat prévoit"),
        stored(f"un contrat {FILLER} le travail"),
        stored("un contrat"),
    )
    assert nearness.NEAR == side > sentence > 2 * apart > one == 0.0


def test_inflected_and_badly_read_words_are_near_as_well() -> None:
    [near] = lifts("contrat travail", stored("les c0ntrats travai1"))
    assert near > nearness.NEAR * 0.8


def test_a_synonym_is_near_as_the_word_is() -> None:
    from indexer.synonyms import read

    asked = read("bail = loyer").applied(parse("bail annuel"))
    [near, absent] = Nearness(asked).lifts([stored("un loyer annuel"), stored("une taxe annuelle")], alike)
    assert near > absent == 0.0


@pytest.mark.parametrize(
    ("query", "expected"),
    [(SearchQuery(LONG), 50), (SearchQuery("bail Kara"), nearness.WINDOW), (SearchQuery("bail"), nearness.WINDOW),
     (SearchQuery("bail", offset=20), None), (SearchQuery("13e bail"), None), (SearchQuery("0123/MEM/SG"), None), (SearchQuery(LONG, sort=SortOrder.NEWEST), None), (SearchQuery(LONG, offset=40), 50),
     (SearchQuery(LONG, offset=50), None), (SearchQuery("bail Kara", offset=20), None), (SearchQuery(LONG, limit=0), None)],
)  # fmt: skip
def test_which_searches_have_first_letters_to_order(query: SearchQuery, expected: int | None) -> None:
    found = reordering_of(query, parse(query.text), window=50)
    assert (found and found.window) == expected


def test_only_a_page_is_ordered_by_nearness() -> None:
    found = reordering_of(SearchQuery("bail Kara"), parse("bail Kara"), window=50)
    assert found is not None
    lifted = found.lifts([stored("un bail Kara")] * (nearness.WINDOW + 1), lambda stems: dict.fromkeys(stems, 1.0))
    assert lifted == [nearness.NEAR] * nearness.WINDOW + [0.0]


def test_nearness_counts_in_the_scores_of_the_engine() -> None:
    found = reordering_of(SearchQuery("bail Kara"), parse("bail Kara"), window=50, scale=2.2)
    assert found is not None
    assert found.lifts([stored("un bail Kara")], lambda stems: {}) == [nearness.NEAR * 2.2]


def test_letters_that_a_rereading_lifts_keep_their_nearness() -> None:
    found = reordering_of(SearchQuery(LONG), parse(LONG), window=50)
    assert found is not None
    near, apart = found.lifts(
        [
            stored("réunie, Débosan, commission, réparer, propose"),
            stored(f"commission Débosan réunie {FILLER} propose réparer"),
        ],
        lambda stems: dict.fromkeys(stems, 0.0),
    )
    assert near > apart > 0.0


SUBJECTS = ("Bail d'un logement", "Bail de locaux", "Bail commercial")


def test_a_letter_that_resembles_the_first_ones_gains_most() -> None:
    first = [stored("le locataire verse un dépôt de garantie au bailleur", subject) for subject in SUBJECTS]
    alike_too, other = stored("dépôt de garantie du locataire", "Bail"), stored("Kara, tracteur, moisson", "Bail")
    gains = first_page.lifts([*first, alike_too, other], [5.0, 4.0, 4.0, 1.0, 1.0], {}, {})
    assert gains[3] > gains[4] > 0.0


def test_a_letter_of_the_words_in_its_beginning_gains_by_how_rare_they_are() -> None:
    asked = Nearness(parse("bail Kara")).begins
    texts = ("Bail à Kara", f"bail {FILLER * 2} Kara", f"Kara {FILLER * 2} bail")
    both, one, rare = (first_page.lifts([stored(text)], [10.0], asked, {"bail": 1.0, "kara": 3.0})[0] for text in texts)
    assert (both - rare, rare - one) == pytest.approx(
        (10 * first_page.BEGINS * 0.25, 10 * first_page.BEGINS * 0.5), abs=1e-6
    )


def test_letters_without_a_word_or_a_score_gain_nothing_by_their_page() -> None:
    assert first_page.lifts([stored(""), stored("...")], [2.0, 1.0], {}, {}) == [0.0, 0.0]
    assert first_page.lifts([stored("un bail")], [0.0], {}, {}) == [0.0]
    assert first_page.lifts([], [], {}, {}) == []


def test_only_the_first_page_is_ordered_by_itself() -> None:
    found = reordering_of(SearchQuery(LONG), parse(LONG), window=50)
    assert found is not None
    letters = [stored("un courrier de Kara", f"Objet {no}") for no in range(50)]
    scores = [50.0 - no for no in range(50)]
    ordered = found.ordered(letters, scores, lambda stems: dict.fromkeys(stems, 1.0))
    assert [place for place, _ in ordered[first_page.PAGE :]] == list(range(first_page.PAGE, 50))
    assert [score for _, score in ordered[first_page.PAGE :]] == scores[first_page.PAGE :]
    assert all(score > scores[place] for place, score in ordered[: first_page.PAGE])


def test_letters_of_one_score_keep_their_order() -> None:
    found = reordering_of(SearchQuery("bail Kara"), parse("bail Kara"), window=20)
    assert found is not None
    ordered = found.ordered([stored("un bail Kara")] * 5, [3.0] * 5, lambda stems: dict.fromkeys(stems, 1.0))
    assert [place for place, _ in ordered] == [0, 1, 2, 3, 4]
