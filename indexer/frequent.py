"""How many mistakes a word is searched with: fewer in a word that many of the reader's letters hold. Both engines use it.

What is counted are the letters that the reader may see, and never all letters: the number of mistakes decides which letters are
found. Counted in all letters, the number of a reader's own hits would tell whether letters of others hold a word.
"""

from collections.abc import Callable

SURE_SHARE, MIN_SURE = 0.3, 1_000
"""A word in more letters than both is typed correctly. Nearly as many letters contain near words, which say nothing."""
FREQUENT_SHARE, MIN_FREQUENT = 0.01, 500
"""A word in more letters than both is searched with one mistake: two cost several times as much, and add few letters."""


def mistakes(most: int, holding: int, letters: Callable[[], int], *, is_long: bool = False) -> int:
    """The most mistakes to search for in a word.

    Args:
        most: those that its length allows.
        holding: how many of the reader's letters hold the word.
        letters: counts the reader's letters; called for a frequent word alone.
        is_long: whether the query has many words. It finds letters by half of them, and the mistakes in its frequent words cost a
            third of the search.
    """
    if not most or holding <= MIN_FREQUENT:
        return most
    whole = letters()
    if holding > max(MIN_SURE, whole * (FREQUENT_SHARE if is_long else SURE_SHARE)):
        return 0
    return 1 if holding > whole * FREQUENT_SHARE else most
