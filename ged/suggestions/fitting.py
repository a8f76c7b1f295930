"""Training with scikit-learn. The import takes a second and 100 MB, so only the training job imports this module."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from ged.suggestions.linear import IN_LETTERS, MAX_WORDS, Model, vector, words_of


def fit(texts: Sequence[str], labels: Sequence[str]) -> Model | None:
    """Train a model; None with fewer than two choices, or when no word is in several letters."""
    if len(set(labels)) < 2:
        return None
    found = [words_of(text) for text in texts]
    spread = Counter(word for words in found for word in set(words))
    kept = [word for word, letters in spread.most_common(MAX_WORDS) if letters >= IN_LETTERS]
    if not kept:
        return None
    words = {word: place for place, word in enumerate(kept)}
    rarity = np.array([np.log((1 + len(texts)) / (1 + spread[word])) + 1 for word in kept], dtype=np.float32)
    learner = LogisticRegression(C=20.0, max_iter=300, class_weight="balanced")
    learner.fit(_matrix(found, words, rarity), list(labels))
    weights, bias = learner.coef_, learner.intercept_
    if len(learner.classes_) == 2:  # scikit-learn gives one row for two classes
        weights, bias = np.vstack([-weights[0], weights[0]]) / 2, np.array([-bias[0], bias[0]]) / 2
    return Model(
        tuple(str(c) for c in learner.classes_), words, rarity, weights.astype(np.float32), bias.astype(np.float32)
    )


def _matrix(found: Sequence[Sequence[str]], words: dict[str, int], rarity: NDArray[np.float32]) -> csr_matrix:
    data: list[float] = []
    columns: list[int] = []
    starts = [0]
    for one in found:
        row = vector(one, words, rarity)
        columns += row.keys()
        data += row.values()
        starts.append(len(columns))
    return csr_matrix((data, columns, starts), shape=(len(found), len(words)), dtype=np.float32)
