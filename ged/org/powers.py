"""The limits of a delegation in the signature book: types of letters, an amount, days. Pure.

They are checked before a letter is numbered or signed. The error names the act and the exceeded limit.
"""

from dataclasses import dataclass
from datetime import date

from ged.errors import Invalid
from ged.unit import Actor, HeldPost


@dataclass(frozen=True)
class Stakes:
    """The facts of a letter that a delegation may limit.

    Attributes:
        template_code: type of the letter; empty for a letter begun on an empty page.
        amount_xof: the amount at stake in F CFA; None when the letter commits no money.
    """

    template_code: str
    amount_xof: int | None


def beyond(post: HeldPost, stakes: Stakes) -> Invalid | None:
    """Why the limits of a post do not cover a letter; None when they do."""
    if post.template_codes and stakes.template_code not in post.template_codes:
        return Invalid("power.type", "have the holder act, or somebody with another delegation", act=post.act)
    if post.max_amount_xof is not None and (stakes.amount_xof or 0) > post.max_amount_xof:
        return Invalid(
            "power.amount",
            "have the holder act, or somebody with another delegation",
            act=post.act,
            amount=francs(stakes.amount_xof or 0),
            limit=francs(post.max_amount_xof),
        )
    return None


def is_bound(post: HeldPost) -> bool:
    """Whether a post has limits."""
    return bool(post.template_codes) or post.max_amount_xof is not None


def within(actor: Actor, post_id: int, stakes: Stakes) -> HeldPost | Invalid | None:
    """The first of the actor's titles to a post that covers a letter; otherwise, why the first title does not.

    None: the actor does not decide for the post. If the actor has two titles, the wider one covers more letters.
    """
    ways = [post for post in actor.posts if post.post_id == post_id and post.because != "secretary"]
    reaching = next((post for post in ways if beyond(post, stakes) is None), None)
    return reaching or (beyond(ways[0], stakes) if ways else None)


def days(from_on: date, until_on: date) -> str:
    """The days of an act in the format of marks.

    >>> days(date(2026, 11, 24), date(2026, 12, 4))
    'du 24/11/2026 au 04/12/2026'
    """
    return f"du {from_on:%d/%m/%Y} au {until_on:%d/%m/%Y}"


def francs(amount: int) -> str:
    """An amount with non-breaking spaces between groups of digits.

    >>> francs(5000000).split(chr(0x202F))
    ['5', '000', '000']
    """
    return f"{amount:,}".replace(",", "\u202f")
