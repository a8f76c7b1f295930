"""Derives keys and hashes passwords in a thousandth of the time: in the tests' own processes, for what they make.

A hash and a key keep the cost they were made with. So a process of the program, which makes them at the real cost, opens
those of the tests cheaply too. The mark ``real_cost`` gives a test the cost of the product.
"""

import pytest
from argon2 import PasswordHasher

from ged.org import passwords
from signing import authority_key, keys
from signing.secrets import Argon2Cost

FAST = Argon2Cost(iterations=1, memory_kib=8, lanes=1)
_PATCH = pytest.MonkeyPatch()


def install() -> None:
    """From now on, each derivation of this process is cheap."""
    _PATCH.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    _PATCH.setattr(keys, "Argon2Cost", lambda: FAST)
    _PATCH.setattr(authority_key, "COST", FAST)
    passwords._nobodys_hash.cache_clear()


def remove() -> None:
    """From now on, each derivation of this process costs what it costs in the product."""
    _PATCH.undo()
    passwords._nobodys_hash.cache_clear()
