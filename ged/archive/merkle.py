"""A Merkle tree (RFC 9162, 2.1): its root covers all digests, and a proof for one entry needs none of the others."""

import hashlib
from collections.abc import Collection, Iterable, Sequence


def root(leaves: Iterable[bytes]) -> str:
    """The root over the leaves, in hexadecimal; without leaves, the digest of empty input."""
    found = roots(leaves, ())
    return found[max(found)]


def roots(leaves: Iterable[bytes], counts: Collection[int]) -> dict[int, str]:
    """The root over the first ``count`` leaves for each of ``counts``, and over all leaves, in one pass."""
    peaks: list[bytes] = []
    found: dict[int, str] = {}
    number = 0
    for number, one in enumerate(leaves, start=1):
        value, merges = _leaf(one), number
        while merges % 2 == 0:
            value, merges = _node(peaks.pop(), value), merges // 2
        peaks.append(value)
        if number in counts:
            found[number] = _over(peaks)
    found[number] = _over(peaks)
    return found


def _over(peaks: Sequence[bytes]) -> str:
    if not peaks:
        return hashlib.sha256(b"").hexdigest()
    value = peaks[-1]
    for left in reversed(peaks[:-1]):
        value = _node(left, value)
    return value.hex()


def proofs(leaves: Sequence[bytes], wanted: Collection[int]) -> dict[int, tuple[str, ...]]:
    """For each wanted place (from 0), the siblings from the leaf up to the root, in one pass over the tree."""
    level, height = [_leaf(one) for one in leaves], 0
    steps: dict[int, list[str]] = {place: [] for place in wanted}
    while len(level) > 1:
        for place, found in steps.items():
            sibling = (place >> height) ^ 1
            if sibling < len(level):
                found.append(level[sibling].hex())
        level, height = _above(level), height + 1
    return {place: tuple(found) for place, found in steps.items()}


def _above(level: Sequence[bytes]) -> list[bytes]:
    # An odd last node moves up unchanged: this gives the same tree as the RFC's recursive definition.
    pairs = [_node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
    return pairs if len(level) % 2 == 0 else [*pairs, level[-1]]


def _leaf(value: bytes) -> bytes:
    # Leaves and nodes begin differently (RFC 9162, 2.1.1): no node can pass for a leaf.
    return hashlib.sha256(b"\x00" + value).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
