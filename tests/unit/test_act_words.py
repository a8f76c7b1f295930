"""What the page of an act shows of a change before somebody confirms it."""

from itertools import permutations, product
from typing import Any

import pytest
from flask import Flask
from flask_babel import Babel

from ged.administration.differences import Difference
from web.words.acts import pair_words


@pytest.fixture(scope="module")
def app() -> Flask:
    made = Flask(__name__)
    Babel(made, default_locale="fr")
    return made


POSTS = {("posts", "DGE-C"): "Directeur", ("posts", "DAF-C"): "Directeur", ("posts", "SG-T"): "Secrétaire général"}


def circuit(*steps: dict[str, Any], signatory: str = "SG-T") -> dict[str, Any]:
    return {"signatory": signatory, "steps": list(steps)}


STEPS = [
    {"post": post, "head": post is None, "kind": kind, "compulsory": compulsory, "with_previous": together}
    for post, kind, compulsory, together in product((None, "DGE-C", "DAF-C"), ("visa", "opinion"), (True, False), (True, False))
]  # fmt: skip
CIRCUITS = [
    None, circuit(), circuit(signatory="DGE-C"), *(circuit(step) for step in STEPS), circuit(STEPS[0], STEPS[8]), circuit(STEPS[8], STEPS[0]),
]  # fmt: skip


def test_two_circuits_never_read_alike(app: Flask) -> None:
    with app.test_request_context():
        for before, after in permutations(CIRCUITS, 2):
            one = Difference("natures", "lettre", "circuit", before, after)
            left, right = pair_words(one, POSTS)
            assert left != right
            assert "{" not in left + right, "in words, not as it is stored"


@pytest.mark.parametrize(
    ("kind", "field", "before", "after"),
    [
        ("units", "kind", "Direction", "directorate"),
        ("natures", "delay_days", None, 0),
        ("natures", "reminders", [], [0]),
        ("natures", "mentions", ["a", "b"], ["b", "a"]),
        ("posts", "roles", ["member"], ["member", "head"]),
        ("people", "clearance", "ordinary", "restricted"),
        ("units", "closed", False, True),
    ],
)
def test_no_change_reads_as_if_nothing_changed(
    app: Flask, kind: str, field: str, before: object, after: object
) -> None:
    with app.test_request_context():
        left, right = pair_words(Difference(kind, "X", field, before, after), {})
    assert left != right
    assert left
    assert right


def test_a_step_says_what_holds_for_it(app: Flask) -> None:
    step = {"post": "DGE-C", "head": False, "kind": "visa", "compulsory": True, "with_previous": False}
    with app.test_request_context():
        before, after = pair_words(
            Difference("natures", "lettre", "circuit", circuit(step), circuit(step | {"kind": "opinion", "compulsory": False})), POSTS
        )  # fmt: skip
    assert before == "Directeur (DGE-C) [Visa, le rédacteur ne peut pas l’ôter] › Secrétaire général (SG-T)"
    assert after == "Directeur (DGE-C) [Avis] › Secrétaire général (SG-T)"
