"""The limits of a delegation: types of letters, an amount; of two delegations the wider one. No database."""

import dataclasses

import pytest

from ged.errors import Invalid
from ged.org.powers import Stakes, beyond, is_bound, within
from ged.ports import Confidentiality, PersonId, PostId, UnitId
from ged.unit import NOBODY, Actor, HeldPost, Role

POST = HeldPost(PostId(1), "Ministre", UnitId(1), "Ministère", frozenset({Role.SIGNATORY}), "delegation", act="Note 7")
BOUND = dataclasses.replace(POST, template_codes=("favourable",), max_amount_xof=5_000_000)


def actor(*posts: HeldPost) -> Actor:
    return Actor(PersonId(1), "x", "X", Confidentiality.ORDINARY, posts, frozenset(), NOBODY)


@pytest.mark.parametrize(
    ("post", "template", "amount", "code"),
    [
        (POST, "", 10**12, None),
        (BOUND, "favourable", 5_000_000, None),
        (BOUND, "favourable", None, None),
        (BOUND, "favourable", 5_000_001, "power.amount"),
        (BOUND, "refusal", None, "power.type"),
        (BOUND, "", 1, "power.type"),
    ],
)
def test_how_far_it_reaches(post: HeldPost, template: str, amount: int | None, code: str | None) -> None:
    found = beyond(post, Stakes(template, amount))
    assert (found.code if found is not None else None) == code
    assert is_bound(post) is (post is BOUND)


def test_the_reason_names_the_act_the_amount_and_the_limit() -> None:
    found = beyond(BOUND, Stakes("favourable", 7_500_000))
    assert found is not None
    assert found.params == {"act": "Note 7", "amount": "7\u202f500\u202f000", "limit": "5\u202f000\u202f000"}


def test_of_two_ways_to_hold_a_post_the_wider_counts_and_a_secretary_is_none() -> None:
    wider = dataclasses.replace(BOUND, max_amount_xof=9_000_000, act="Note 8")
    assert within(actor(BOUND, wider), 1, Stakes("favourable", 6_000_000)) is wider
    assert within(actor(BOUND, wider), 1, Stakes("favourable", 5_000_000)) is BOUND
    refused = within(actor(BOUND, wider), 1, Stakes("favourable", 10_000_000))
    assert isinstance(refused, Invalid)
    assert refused.params["act"] == "Note 7"
    assert within(actor(dataclasses.replace(POST, because="secretary")), 1, Stakes("", None)) is None
    assert within(actor(POST), 2, Stakes("", None)) is None
