"""Training with scikit-learn. It takes some seconds and 110 MB, so only the training job imports this module."""

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from ged.suggestions.linear import IN_LETTERS, MAX_WORDS, Model, words_of


def fit(texts: Sequence[str], labels: Sequence[str]) -> Model | None:
    """Train a model; None with fewer than two choices, or when no word is in several letters."""
    if len(set(labels)) < 2:
        return None
    # `Model.guess` computes the same weights for one letter, with NumPy alone: change both together.
    vectors = TfidfVectorizer(
        analyzer=words_of, min_df=IN_LETTERS, max_features=MAX_WORDS, sublinear_tf=True, dtype=np.float32
    )
    try:
        matrix = vectors.fit_transform(texts)
    except ValueError:  # no word is in several letters
        return None
    learner = LogisticRegression(C=20.0, max_iter=300, class_weight="balanced")
    learner.fit(matrix, list(labels))
    weights, bias = learner.coef_, learner.intercept_
    if len(learner.classes_) == 2:  # scikit-learn gives one row for two classes
        weights, bias = np.vstack([-weights[0], weights[0]]) / 2, np.array([-bias[0], bias[0]]) / 2
    return Model(
        tuple(str(choice) for choice in learner.classes_),
        {word: int(place) for word, place in vectors.vocabulary_.items()},
        vectors.idf_.astype(np.float32),
        weights.astype(np.float32),
        bias.astype(np.float32),
    )
