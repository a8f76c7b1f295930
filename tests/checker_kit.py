"""Fixtures for tests of the product's signature checker: the authorities, and the checker that trusts their root."""

from collections.abc import Iterator

import pytest

from signing.validation import PdfChecker
from tests.factories import SharedChecker
from tests.pki_kit import Ministry


@pytest.fixture(scope="module")
def ministry() -> Ministry:
    """New authorities and a signer, for all tests of a module."""
    return Ministry()


@pytest.fixture(scope="module")
def checker(ministry: Ministry) -> Iterator[PdfChecker]:
    """The product's checker, which works in a child process. It trusts the root of ``ministry``."""
    made = SharedChecker([ministry.root.pem])
    yield made
    made.close()
