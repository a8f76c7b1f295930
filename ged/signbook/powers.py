"""What a delegation lets its holder decide in the signature book: types of letters, an amount, days. Pure.

Checked before anything is numbered or signed, and told with the act and the bound that is passed.
"""

from dataclasses import dataclass
from datetime import date

from ged.errors import Invalid
from ged.unit import Actor, HeldPost


@dataclass(frozen=True)
class Stakes:
    """What a letter is about, for those who act within bounds.

    Attributes:
        template_code: its type; empty for one that was begun on an empty page.
        amount_xof: the amount at stake in F CFA; None when the letter commits none.
    """

    template_code: str
    amount_xof: int | None


def beyond(post: HeldPost, stakes: Stakes) -> Invalid | None:
    """Why a post held within bounds does not reach a letter; None when it does."""
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
    """Whether a post is held for some letters only."""
    return bool(post.template_codes) or post.max_amount_xof is not None


def within(actor: Actor, post_id: int, stakes: Stakes) -> HeldPost | Invalid | None:
    """The first of the actor's ways to decide for a post that reaches a letter, or why the first of them does not.

    None: the actor does not decide for the post. Held in two ways, the wider one counts where the narrower ends.
    """
    ways = [post for post in actor.posts if post.post_id == post_id and post.because != "secretary"]
    reaching = next((post for post in ways if beyond(post, stakes) is None), None)
    return reaching or (beyond(ways[0], stakes) if ways else None)


def days(from_on: date, until_on: date) -> str:
    """The days of an act, as marks print them.

    >>> days(date(2026, 11, 24), date(2026, 12, 4))
    'du 24/11/2026 au 04/12/2026'
    """
    return f"du {from_on:%d/%m/%Y} au {until_on:%d/%m/%Y}"


def francs(amount: int) -> str:
    """An amount as people read it, with spaces that do not break.

    >>> francs(5000000).split(chr(0x202F))
    ['5', '000', '000']
    """
    return f"{amount:,}".replace(",", "\u202f")
