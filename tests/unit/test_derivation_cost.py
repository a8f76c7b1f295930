"""What a guess at a password or at a passphrase costs: the tests pay less, the product does not."""

import pytest
from argon2 import Type, extract_parameters

from ged.org import passwords
from signing import keys
from tests.cheap_cost import FAST

WORDS = "quatre chevaux sous la pluie"


@pytest.mark.real_cost
def test_a_guess_costs_what_rfc_9106_asks_of_little_memory() -> None:
    made = extract_parameters(passwords.hash_password(WORDS))
    assert (made.type, made.time_cost, made.memory_cost, made.parallelism) == (Type.ID, 3, 65_536, 4)
    cost = keys.Argon2Cost()
    assert (cost.iterations, cost.memory_kib, cost.lanes) == (3, 65_536, 4)


def test_the_other_tests_pay_less() -> None:
    assert extract_parameters(passwords.hash_password(WORDS)).memory_cost == 64
    assert keys.Argon2Cost() is FAST
