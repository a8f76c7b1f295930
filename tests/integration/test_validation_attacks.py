"""Every attack is tried on the product's checker, which works in a child process."""

from datetime import timedelta

import pytest

from tests.attacks_kit import *  # noqa: F403 - the attacks themselves, and the file that they attack
from tests.checker_kit import checker, ministry
from tests.factories import SharedChecker
from tests.pki_kit import NOW, crl

__all__ = ["checker", "ministry"]  # fixtures

pytestmark = pytest.mark.in_turns(3)


def test_revocation_known_here_counts_for_files_that_say_nothing(ministry, order):
    known = crl(ministry.root, {ministry.signer.certificate: NOW - timedelta(days=1)})
    checker = SharedChecker([ministry.root.pem], crls=lambda: [known])
    (report,) = checker.check(order, at=NOW)
    checker.close()
    assert (report.verdict.value, report.reason) == ("red", "revoked")
