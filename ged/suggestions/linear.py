"""What is learned and how it is applied: words weighed by how rare they are, and one line of weights a choice.

Pure. ``ged.suggestions.fitting`` learns; what is kept are plain arrays in a NumPy archive, read with ``allow_pickle=False``: bytes from
the store can be wrong, they cannot run. Applying it takes NumPy alone, and says which words of the text decided.
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
"""A word that fewer letters (*courriers*) hold is not kept: names and figures of one of them say nothing of others."""
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
    """The words that may decide, folded: letters only, three and more, without those that every letter has."""
    return [word for word in re.findall(r"[a-z]{3,30}", fold(text[:MAX_TEXT])) if word not in _COMMON]


@dataclass(frozen=True)
class Guess:
    """The likeliest choice, how sure (0..1), and the words of the text that decided, the weightiest first."""

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
    """One line a choice, one column a word."""
    bias: NDArray[np.float32]

    def guess(self, text: str) -> Guess | None:
        """What a text points at; None when it holds no known word."""
        found = words_of(text)
        row = vector(found, self.words, self.rarity)
        if not row:
            return None
        places = np.fromiter(row, dtype=np.int64)
        values = np.fromiter(row.values(), dtype=np.float32)
        scores = self.bias + self.weights[:, places] @ values
        chances = np.exp(scores - scores.max())
        chances /= chances.sum()
        best = int(chances.argmax())
        # What a word says for this choice beyond what it says for all of them.
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
    """A model read back; nothing in it is ever run.

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
    except Exception as error:  # whatever the bytes do to the reader, they are not our model
        raise EngineFailed("learning.damaged", "learn again", error=type(error).__name__) from error
    shape = (len(model.choices), len(model.words))
    if not is_known or model.weights.shape != shape or model.rarity.shape != shape[1:] or model.bias.shape != shape[:1]:
        raise EngineFailed("learning.damaged", "learn again", error="shape")
    return model


def vector(found: Sequence[str], words: dict[str, int], rarity: NDArray[np.float32]) -> dict[int, float]:
    """The text of these words as a line of the matrix: place of a word -> its weight; its length is 1."""
    counts = Counter(words[word] for word in found if word in words)
    row = {place: (1.0 + float(np.log(n))) * float(rarity[place]) for place, n in counts.items()}
    length = float(np.sqrt(sum(value * value for value in row.values())))
    return {place: value / length for place, value in row.items()} if length else {}


def _as_written(folded: Sequence[str], text: str) -> tuple[str, ...]:
    """The words as this text writes them, accents and all."""
    written: dict[str, str] = {}
    for word in re.findall(r"\w+", text[:MAX_TEXT]):
        written.setdefault(fold(word), word.lower())
    return tuple(written.get(word, word) for word in folded)
