"""Proposals by machine, without a database: places, likeness of pages, and what is learned and applied."""

import io
import pickle
import random
from collections.abc import Sequence

import numpy as np
import pytest

from demo.letters import make_letters
from ged.errors import EngineFailed
from ged.suggestions import lessons, lookalike
from ged.suggestions.lessons import Example, measure
from ged.suggestions.linear import IN_LETTERS, Model, from_bytes, vector, words_of
from ged.suggestions.readings import turned as turned_box
from ged.suggestions.readings import unturned
from ged.suggestions.resent import is_likely
from tests.suggestions_kit import noisy


def fit(texts: Sequence[str], labels: Sequence[str]) -> Model | None:
    """Train a model. Only here: scikit-learn takes a second to load, in each process that collects tests."""
    from ged.suggestions import fitting

    return fitting.fit(texts, labels)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_box_on_the_turned_page_is_found_on_the_page_as_it_came(degrees: int) -> None:
    page = np.zeros((40, 20), dtype=int)
    page[4:8, 2:12] = 1  # rows 4..8 of 40, columns 2..12 of 20
    turned = np.rot90(page, k=-degrees // 90)  # clockwise
    rows, columns = np.nonzero(turned)
    height, width = turned.shape
    box = (
        columns.min() / width, rows.min() / height,
        (columns.max() + 1 - columns.min()) / width, (rows.max() + 1 - rows.min()) / height,
    )  # fmt: skip
    assert unturned(box, (f"rotated_{degrees}",)) == pytest.approx((0.1, 0.1, 0.5, 0.1))
    assert turned_box((0.1, 0.1, 0.5, 0.1), degrees) == pytest.approx(box)


def test_a_letter_read_twice_is_recognised_and_no_other_is() -> None:
    texts = [letter.pages_text[0] for letter in make_letters(2026, 10)]
    for n, text in enumerate(texts):
        again = noisy(text, n)
        scores = [lookalike.text_score(again, other) for other in texts]
        assert scores.index(max(scores)) == n
        assert is_likely(scores[n], 0.0)
        assert lookalike.numbers_agree(again, text)
        assert not any(is_likely(score, 0.84) for m, score in enumerate(scores) if m != n)
        shared = sum(a == b for a, b in zip(lookalike.bands_of(again), lookalike.bands_of(text), strict=True))
        assert shared >= 3, "the two meet in the table of bands"


def test_a_letter_of_the_same_model_with_other_figures_is_not_the_same() -> None:
    letters = make_letters(2026, 20)
    for one, other in zip(letters[:10], letters[10:], strict=True):
        a, b = one.pages_text[0], other.pages_text[0]
        assert not (is_likely(lookalike.text_score(a, b), 1.0) and lookalike.numbers_agree(a, b)), one.key


def test_a_page_without_words_is_not_compared_by_them() -> None:
    assert lookalike.bands_of("Vu") == ()
    assert lookalike.text_score("Vu", "Vu") == 0.0
    assert lookalike.image_score("", "0" * 64) == 0.0
    assert lookalike.image_score("0" * 64, "0" * 63 + "1") == pytest.approx(1 - 1 / 128)


WORDS = {
    "mines": "redevance minière permis carrière exploitation gisement orpaillage",
    "energie": "électricité branchement compteur transformateur délestage abonnés tension",
    "eau": "forage pompe adduction nappe potable robinet château réservoir",
}


def examples(count: int, *, seed: int = 1, mixed: bool = False) -> list[Example]:
    """Letters whose words point to their label. In ``mixed`` they point to none."""
    rng = random.Random(seed)
    found = []
    for _ in range(count):
        label = rng.choice(list(WORDS))
        source = rng.choice(list(WORDS)) if mixed else label
        words = [*rng.choices(WORDS[source].split(), k=12), "village", "habitants", "projet"]
        rng.shuffle(words)
        found.append(Example(" ".join(words), label))
    return found


def test_what_is_learned_is_measured_on_letters_it_had_not_seen() -> None:
    found = measure(examples(120))
    assert found.model is not None
    assert (found.letters, found.choices, found.held_out) == (120, 3, 24)
    assert found.proposed_correct == found.proposed > 20
    assert found.most_frequent < found.correct
    guess = found.model.guess("Réclamation au sujet de la Redevance Minière du gisement")
    assert guess is not None
    assert guess.choice == "mines"
    assert set(guess.because) <= {"redevance", "minière", "gisement"}, "words of the letter at hand, as it writes them"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (examples(30), "too_few_letters"),
        ([Example(one.text, "mines") for one in examples(60)], "too_few_choices"),
        (examples(150, mixed=True), "too_unsure"),
    ],
)
def test_nothing_is_proposed_from_too_little_or_from_noise(given: list[Example], reason: str) -> None:
    found = measure(given)
    assert (found.model, found.reason) == (None, reason)


def test_a_model_comes_back_from_its_bytes_the_same() -> None:
    made = examples(60)
    model = fit([one.text for one in made], [one.label for one in made])
    assert model is not None
    again = from_bytes(model.to_bytes())
    for one in examples(20, seed=5):
        assert again.guess(one.text) == model.guess(one.text)
    assert again.guess("12 34") is None, "no word that is known"


def test_two_choices_are_learned_too() -> None:
    made = [one for one in examples(90) if one.label != "eau"]
    model = fit([one.text for one in made], [one.label for one in made])
    assert model is not None
    guess = model.guess("un branchement et un compteur pour le transformateur")
    assert guess is not None
    assert (guess.choice, guess.sure > 0.8) == ("energie", True)


def test_what_is_proposed_weighs_words_as_they_were_learned() -> None:
    """Learning weighs words with scikit-learn, proposing with NumPy alone: both must give one letter equal weights."""
    texts = [one.text for one in examples(60)]
    model = fit(texts, [one.label for one in examples(60)])
    assert model is not None
    from sklearn.feature_extraction.text import TfidfVectorizer

    learned = TfidfVectorizer(analyzer=words_of, min_df=IN_LETTERS, sublinear_tf=True).fit(texts)
    for one in examples(20, seed=5):
        proposed = vector(words_of(one.text), model.words, model.rarity)
        line = learned.transform([one.text]).tocoo()
        expected = {
            model.words[learned.get_feature_names_out()[place]]: value
            for place, value in zip(line.col, line.data, strict=True)
        }
        assert proposed == pytest.approx(expected, abs=1e-5)


def test_where_no_word_is_shared_nothing_is_learned() -> None:
    assert fit(["alpha", "beta", "gamma"], ["a", "b", "a"]) is None
    assert fit(["alpha"] * 5, ["a"] * 5) is None
    assert fit(["12 34"] * 6, ["a", "b"] * 3) is None


class _Trap:
    ran = False

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (_spring, ("sprung",))


def _spring(_word: str) -> str:
    _Trap.ran = True
    return "sprung"


def _archive(**arrays: object) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


GOOD = {
    "format": np.array([1]), "choices": np.array(["a", "b"]), "words": np.array(["mot"]),
    "rarity": np.ones(1, np.float32), "weights": np.ones((2, 1), np.float32), "bias": np.zeros(2, np.float32),
}  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 torn",
        pickle.dumps(_Trap()),
        _archive(**{**GOOD, "choices": np.array([_Trap(), "b"], dtype=object)}),
        _archive(**{**GOOD, "weights": np.ones((2, 5), np.float32)}),
        _archive(**{**GOOD, "format": np.array([2])}),
        _archive(format=np.array([1])),
    ],
    ids=["empty", "torn", "pickle", "objects", "shape", "format", "incomplete"],
)
def test_bytes_that_are_no_model_are_refused_and_nothing_in_them_runs(data: bytes) -> None:
    with pytest.raises(EngineFailed) as refused:
        from_bytes(data)
    assert refused.value.code == "learning.damaged"
    assert not _Trap.ran


def test_common_words_and_figures_decide_nothing() -> None:
    assert words_of("Monsieur le Ministre, votre lettre 0123/2026 du 12 mars") == ["lettre"]
    assert lessons.NEVER > 1
