"""A hostile PDF that is to be signed, inspected or printed exhausts a child, not the process that holds the keys.

LibreOffice makes such PDFs of people's Word files; what takes LibreOffice over chooses their bytes.
"""

import json
import re
import resource
import time

import pytest

from ged.errors import EngineFailed
from ged.ports import Verdict
from sandbox import Answer, Pool
from signing.apart import PdfsApart
from signing.pades import PadesSigner
from signing.validation import PdfChecker
from tests.hostile_pdf_kit import many_numbers, swollen_objects
from tests.signing_kit import NOW, SENDER, page_pdf, request, unlocked, vault

pytestmark = pytest.mark.in_turns(3)
MIB_KIB = 1024


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return vault(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def key(keys):
    return unlocked(keys)


def _sign(signer: PadesSigner, key, pdf: bytes):
    return signer.sign(pdf, request(SENDER), sealed=key.sealed, cookie_key=key.cookie_key, now=NOW)


@pytest.mark.parametrize("operation", ["inspect", "print"])
def test_what_unpacks_to_gigabytes_takes_none_of_our_memory(operation):
    signer, pdf = PadesSigner(), swollen_objects(2048)
    assert len(pdf) < 4_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(EngineFailed, match=r"sign\.unreadable"):
        signer.inspect(pdf) if operation == "inspect" else signer.for_printing([pdf])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * MIB_KIB


def test_what_takes_long_to_open_is_given_up_and_the_next_letter_is_signed(keys, key):
    signer = PadesSigner(apart=PdfsApart(timeout_s=3))
    _sign(signer, key, page_pdf())  # the child is there: only the hostile file is measured
    pdf, before = many_numbers(5_000_000), time.process_time()
    with pytest.raises(EngineFailed) as caught:
        _sign(signer, key, pdf)
    assert (caught.value.code, caught.value.params["cause"]) == ("sign.failed", "Late")
    assert time.process_time() - before < 2
    checker = PdfChecker(keys.trust_roots_pem())
    (report,) = checker.check(_sign(signer, key, page_pdf()).pdf, at=NOW)
    checker.close()
    assert report.verdict is Verdict.GREEN


class _Heard(PdfsApart):
    """Notes what a child is asked, and may answer in its stead."""

    asked: str = ""
    told: Answer | None = None

    def _ask(self, request, pdf, code, **params):
        self.asked += json.dumps(request)
        return self.told or super()._ask(request, pdf, code, **params)


def test_no_key_goes_to_the_child(key):
    apart = _Heard()
    _sign(PadesSigner(apart=apart), key, page_pdf())
    assert '"do": "sign"' in apart.asked
    assert key.cookie_key not in apart.asked
    assert key.sealed.hex() not in apart.asked


@pytest.mark.parametrize("place", [(0, 12), (9, 21), (10**6, 10**6 + 12), (-5, 7)])
def test_a_child_that_names_another_place_for_the_value_is_not_believed(key, place):
    pdf = page_pdf()
    apart = _Heard()
    apart.told = Answer({"start": place[0], "end": place[1]}, b"\n" + b"<" + b"0" * 10 + b">" + b" " * 100)
    with pytest.raises(EngineFailed, match=r"sign\.failed"):
        _sign(PadesSigner(apart=apart), key, pdf)


def test_a_child_that_inspected_or_printed_a_pdf_never_signs(key, monkeypatch):
    used, child = set(), Pool.child

    def noted(pool, *given, **more):
        used.add(pool)
        return child(pool, *given, **more)

    monkeypatch.setattr(Pool, "child", noted)
    signer = PadesSigner()
    pdf = _sign(signer, key, page_pdf()).pdf
    signing = set(used)
    used.clear()
    signer.inspect(pdf)
    signer.for_printing([pdf])
    assert len(signing) == len(used) == 1
    assert signing.isdisjoint(used)


class _Rewrites(PdfsApart):
    """A child that a file took over: it says of the signature that it covers other bytes, or more than one part."""

    def __init__(self, old, new):
        super().__init__()
        self._old, self._new = old, new

    def _ask(self, request, pdf, code, **params):
        answer = super()._ask(request, pdf, code, **params)
        rewritten = re.sub(self._old, self._new, answer.payload, count=1)
        assert rewritten != answer.payload
        assert len(rewritten) == len(answer.payload)
        return Answer(answer.message, rewritten)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (rb"/ByteRange \[0 ", b"/ByteRange [1 "),
        (rb"/ByteRange \[0 (\d)", rb"/ByteRange [0 9"),
        (rb"/ByteRange", b"/BiteRange"),
    ],
)
def test_a_child_whose_signature_would_cover_other_bytes_is_not_believed(key, old, new):
    with pytest.raises(EngineFailed, match=r"sign\.failed") as caught:
        _sign(PadesSigner(apart=_Rewrites(old, new)), key, page_pdf())
    assert caught.value.params["cause"] == "bytes_rewritten"


@pytest.mark.parametrize("message", [{}, {"start": None, "end": 4}, {"start": "far", "end": 4}])
def test_places_that_are_none_are_no_places(key, message):
    apart = _Heard()
    apart.told = Answer(message)
    with pytest.raises(EngineFailed, match=r"sign\.failed"):
        _sign(PadesSigner(apart=apart), key, page_pdf())


@pytest.mark.parametrize(
    "message", [{}, {"facts": None}, {"facts": {"flavour": "2b"}}, {"facts": {"flavour": "2b", "loose_fonts": 3}}]
)
def test_facts_that_are_none_are_no_facts(message):
    apart = _Heard()
    apart.told = Answer(message)
    with pytest.raises(EngineFailed, match=r"sign\.unreadable"):
        PadesSigner(apart=apart).inspect(page_pdf())
