"""The model and its application: words weighted by rarity (TF-IDF), and one row of weights for each choice.

Pure. ``ged.suggestions.fitting`` trains it. The model is stored as plain arrays in a NumPy archive, and read with
``allow_pickle=False``: damaged bytes cannot run code. Applying a model needs only NumPy, and returns the words that
decided.
"""

import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ged.errors import EngineFailed
from ged.register.correspondents import fold

FORMAT = 1
MAX_WORDS = 20_000
IN_LETTERS = 3
"""A word must be in at least this many letters (*courriers*): names and figures of a single letter predict nothing."""
MAX_TEXT = 6000
_COMMON_WORDS = (
    "les des une dans par pour que qui sur avec son ses est sont aux vous nous votre vos notre nos cette ces ce cet leur "
    "leurs mais donc ainsi plus tout tous toute toutes bien etre avoir ont ete fait monsieur madame messieurs ministre "
    "honneur haute consideration distinguee objet agreer assurance veuillez expression sentiments salutations lome togo "
    "republique travail liberte patrie suite dont elle ils elles afin sous entre depuis lors meme aussi comme sans "
    "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre"
)
_COMMON = frozenset(_COMMON_WORDS.split())


def words_of(text: str) -> list[str]:
    """The folded words that may decide: letters only, at least three, without words common to all letters."""
    return [word for word in re.findall(r"[a-z]{3,30}", fold(text[:MAX_TEXT])) if word not in _COMMON]


@dataclass(frozen=True)
class Guess:
    """The likeliest choice, its confidence (0..1), and the deciding words of the text, the weightiest first."""

    choice: str
    sure: float
    because: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """Weights of words for each choice."""

    choices: tuple[str, ...]
    words: dict[str, int]
    rarity: NDArray[np.float32]
    weights: NDArray[np.float32]
    """One row for each choice, one column for each word."""
    bias: NDArray[np.float32]

    def guess(self, text: str) -> Guess | None:
        """The best choice for a text; None when it contains no known word."""
        found = words_of(text)
        row = vector(found, self.words, self.rarity)
        if not row:
            return None
        places = np.fromiter(row, dtype=np.int64)
        values = np.fromiter(row.values(), dtype=np.float32)
        scores = self.bias + self.weights[:, places] @ values
        # ``exp`` of a large score is infinite: the greatest one is taken away from all, which changes no share.
        chances = np.exp(scores - scores.max())
        chances /= chances.sum()
        best = int(chances.argmax())
        # The weight of a word for this choice, minus its mean weight over all choices.
        gains = (self.weights[best, places] - self.weights[:, places].mean(axis=0)) * values
        order = [int(places[i]) for i in np.argsort(-gains)[:3] if gains[i] > 0]
        names = {place: word for word, place in self.words.items() if place in order} if order else {}
        return Guess(self.choices[best], float(chances[best]), _as_written([names[i] for i in order], text))

    def to_bytes(self) -> bytes:
        """The model as a NumPy archive."""
        file = io.BytesIO()
        np.savez_compressed(
            file,
            format=np.array([FORMAT]),
            choices=np.array(self.choices, dtype=np.str_),
            words=np.array(sorted(self.words, key=self.words.__getitem__), dtype=np.str_),
            rarity=self.rarity,
            weights=self.weights,
            bias=self.bias,
        )
        return file.getvalue()


def from_bytes(data: bytes) -> Model:
    """Read a model from bytes; no code in it is ever run.

    Raises:
        EngineFailed: ``learning.damaged``.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as found:
            words = [str(word) for word in found["words"]]
            model = Model(
                tuple(str(choice) for choice in found["choices"]),
                {word: place for place, word in enumerate(words)},
                found["rarity"].astype(np.float32),
                found["weights"].astype(np.float32),
                found["bias"].astype(np.float32),
            )
            is_known = int(found["format"][0]) == FORMAT
    except Exception as error:  # damaged bytes can raise anything in the reader
        raise EngineFailed("learning.damaged", "learn again", error=type(error).__name__) from error
    shape = (len(model.choices), len(model.words))
    if not is_known or model.weights.shape != shape or model.rarity.shape != shape[1:] or model.bias.shape != shape[:1]:
        raise EngineFailed("learning.damaged", "learn again", error="shape")
    return model


def vector(found: Sequence[str], words: dict[str, int], rarity: NDArray[np.float32]) -> dict[int, float]:
    """The vector of a text: word's column -> weight, normalised to length 1."""
    counts = Counter(words[word] for word in found if word in words)
    row = {place: (1.0 + float(np.log(n))) * float(rarity[place]) for place, n in counts.items()}
    length = float(np.sqrt(sum(value * value for value in row.values())))
    return {place: value / length for place, value in row.items()} if length else {}


def _as_written(folded: Sequence[str], text: str) -> tuple[str, ...]:
    """The folded words in the spelling of this text, with accents."""
    written: dict[str, str] = {}
    for word in re.findall(r"\w+", text[:MAX_TEXT]):
        written.setdefault(fold(word), word.lower())
    return tuple(written.get(word, word) for word in folded)
