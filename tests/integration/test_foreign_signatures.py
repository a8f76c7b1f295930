"""Files that other programs signed, extended and signed again: EU DSS with Apache PDFBox, and pyHanko.

A file that independent judges call sound is never reported as modified.
"""

from datetime import timedelta

import pytest
from pyhanko.sign.fields import SigFieldSpec

from tests.factories import SharedChecker
from tests.judges import eudss, eudss_signer
from tests.pki_kit import NOW, Ministry, order_pdf, signed, stamped, with_validation_data

pytestmark = pytest.mark.in_turns(3)

BLANK = SigFieldSpec("third", on_page=1, box=(300, 200, 500, 260))
OVER_TEXT = SigFieldSpec("third", on_page=1, box=(40, 690, 240, 750))

BY_DSS = [
    "order.pdf,dss.pdf,B,0",
    "dss.pdf,dss_lta.pdf,LTA",  # writes the page, the form and unchanged fields once more
    "dss.pdf,dss_twice.pdf,B,2,300,600,200,60",
    "dss.pdf,dss_unseen.pdf,B,0",
    "dss.pdf,dss_over.pdf,B,2,40,120,200,60",
    "dss_lta.pdf,dss_lta_twice.pdf,LTA,2,300,600,200,60",
    "hanko.pdf,hanko_lta_by_dss.pdf,LTA",
    "hanko.pdf,hanko_twice_by_dss.pdf,B,2,300,600,200,60",
]
GREEN, AGAIN = ("green", "validation_data"), ("amber", "signed_again")
EXPECTED = {
    "dss": [("green", "ok")],
    "dss_lta": [GREEN],
    "dss_twice": [AGAIN, ("green", "ok")],
    "dss_unseen": [AGAIN, ("green", "ok")],
    "dss_over": [("red", "modified_after"), ("green", "ok")],
    "dss_lta_twice": [AGAIN, GREEN],
    "hanko_lta_by_dss": [GREEN],
    "hanko_twice_by_dss": [AGAIN, ("green", "ok")],
    "dss_twice_by_hanko": [AGAIN, ("green", "ok")],
    "dss_lta_by_hanko": [GREEN],
    "dss_over_by_hanko": [("red", "modified_after"), ("green", "ok")],
    "hanko_twice": [AGAIN, ("green", "ok")],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of all files, and the authority."""
    folder, ministry = tmp_path_factory.mktemp("foreign"), Ministry()
    hanko = signed(order_pdf(), ministry.signer)
    (folder / "order.pdf").write_bytes(order_pdf())
    (folder / "hanko.pdf").write_bytes(hanko)
    (folder / "root.pem").write_text(ministry.root.pem)
    eudss_signer.sign(folder, ministry, BY_DSS)
    dss = (folder / "dss.pdf").read_bytes()
    stored = with_validation_data(dss, [ministry.root, ministry.stamper], stamper=ministry.stamps(NOW))
    mixed = {
        "dss_twice_by_hanko": signed(dss, ministry.signer, name="third", place=BLANK),
        "dss_lta_by_hanko": stamped(stored, ministry.stamps(NOW)),
        "dss_over_by_hanko": signed(dss, ministry.signer, name="third", place=OVER_TEXT),
        "hanko_twice": signed(hanko, ministry.signer, name="third", place=BLANK),
    }
    for name, pdf in mixed.items():
        (folder / f"{name}.pdf").write_bytes(pdf)
    return folder, ministry


@pytest.fixture(scope="module")
def ours(made):
    folder, ministry = made
    checker = SharedChecker([ministry.root.pem])
    found = {}
    for name in EXPECTED:
        reports = checker.check((folder / f"{name}.pdf").read_bytes(), at=NOW + timedelta(minutes=1))
        found[name] = [one for one in reports if not one.is_timestamp]
    checker.close()
    return found


@pytest.mark.parametrize("name", EXPECTED)
def test_sound_files_are_not_called_modified(ours, name):
    assert [(one.verdict.value, one.reason) for one in ours[name]] == EXPECTED[name]


@pytest.mark.parametrize("name", [name for name in EXPECTED if "over" in name])
def test_a_mark_over_signed_text_is_named(ours, name):
    assert "covers_content" in ours[name][0].changes


def test_a_packet_that_tells_more_than_who_wrote_is_a_change(made):
    """pyHanko adds a packet where DSS left none."""
    folder, ministry = made
    told = (folder / "dss_twice_by_hanko.pdf").read_bytes()
    assert told.count(b"pdf:Producer") == 1
    checker = SharedChecker([ministry.root.pem])
    report = checker.check(told.replace(b"pdf:Producer", b"pdf:Keywords"), at=NOW + timedelta(minutes=1))[0]
    checker.close()
    assert (report.reason, report.changes) == ("modified_after", ("metadata", "new_field"))


@pytest.mark.long("EU DSS over files that others signed; what we say of them is tested")
def test_eu_dss_calls_them_sound(made):
    folder, _ = made
    said = eudss.check(
        [folder / f"{name}.pdf" for name in EXPECTED], [folder / "root.pem"], at=NOW + timedelta(minutes=2)
    )
    assert {one.file.removesuffix(".pdf") for one in said} == {*EXPECTED}
    assert {(one.indication, one.intact, one.changed) for one in said} == {("TOTAL_PASSED", True, False)}
