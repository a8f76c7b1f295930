"""Independent judges agree on our signatures: poppler's pdfsig, EU DSS, veraPDF."""

from datetime import timedelta

import pytest

from tests.checker_kit import ministry
from tests.factories import SharedChecker
from tests.judges import eudss, verapdf
from tests.pki_kit import NOW, Ministry, holder, order_pdf, signed, stamped, with_validation_data
from tests.signing_kit import changed, page_content, page_pdf, pdfsig, signed_slip, unlocked, vault

__all__ = ["ministry"]  # a fixture

PASSED, FAILED = "TOTAL_PASSED", "TOTAL_FAILED"


@pytest.fixture(scope="module")
def made(ministry, tmp_path_factory):
    """The written files by name, and the roots."""
    folder = tmp_path_factory.mktemp("judged")
    keys = {kind: vault(folder / kind, rsa_bits=bits) for kind, bits in (("p256", None), ("rsa", 3072))}
    slips = {kind: signed_slip(unlocked(one)) for kind, one in keys.items()}
    plain = order_pdf()
    stamp = ministry.stamps(NOW)
    t_level = signed(plain, ministry.signer, stamper=stamp)
    files = {
        "p256_sent": slips["p256"].sent,
        "p256_received": slips["p256"].received,
        "rsa_sent": slips["rsa"].sent,
        "rsa_received": slips["rsa"].received,
        "stamped": t_level,
        "archived": stamped(with_validation_data(t_level, [ministry.root]), stamp),
        "broken": changed(slips["p256"].sent, page_content(slips["p256"].sent)[10]),
        "expired": signed(plain, holder("Ancien", ministry.root, end=NOW - timedelta(days=1))),
        "stranger": signed(plain, Ministry().signer),
    }
    for name, content in files.items():
        (folder / f"{name}.pdf").write_bytes(content)
    roots = [pem for one in keys.values() for pem in one.trust_roots_pem()] + [ministry.root.pem]
    places = [folder / f"root{number}.pem" for number in range(len(roots))]
    for place, pem in zip(places, roots, strict=True):
        place.write_text(pem)
    return folder, files, slips, roots, places


@pytest.fixture(scope="module")
def ours(made):
    _, files, slips, roots, _ = made
    checker = SharedChecker(roots)
    issued = {f"{kind}_received": slips[kind].issued for kind in slips}
    found = {name: checker.check(pdf, at=NOW, issued=issued.get(name, ())) for name, pdf in files.items()}
    checker.close()
    return found


@pytest.mark.long("EU DSS over every kind of signature; it judges our own kinds in tests/integration/test_house_judges")
def test_eu_dss_agrees_on_every_signature(made, ours):
    folder, files, _, _, places = made
    said = eudss.check([folder / f"{name}.pdf" for name in files], places, at=NOW + timedelta(minutes=1))
    for name in files:
        people = [report for report in ours[name] if not report.is_timestamp]
        theirs = {one.field: one for one in said if one.file == f"{name}.pdf"}
        assert len(theirs) == len(people), name
        for report in people:
            dss = theirs[report.field]
            expected = {"green": PASSED, "amber": "INDETERMINATE", "red": FAILED}[report.verdict.value]
            assert dss.indication == expected, (name, report, dss)
            assert dss.intact or report.verdict.value == "red", (name, dss)
            # DSS cannot name every change of a later revision (dates in XMP); only the last revision must have none.
            assert not dss.changed or report.reason != "ok", (name, dss)


def test_pdfsig_agrees_on_the_digests(made, ours, tmp_path):
    _, files, _, _, _ = made
    for name, pdf in files.items():
        people = [report for report in ours[name] if not report.is_timestamp]
        lines = pdfsig(pdf, tmp_path)[: len(people)]
        assert lines == ["Digest Mismatch." if name == "broken" else "Signature is Valid."] * len(people), name


def test_verapdf_passes_everything_that_we_sign(made):
    folder, _, _, _, _ = made
    names = ["p256_sent", "p256_received", "rsa_sent", "rsa_received"]
    (folder / "unsigned.pdf").write_bytes(page_pdf())
    for name, verdict in zip(names, verapdf.check([folder / f"{name}.pdf" for name in names]), strict=True):
        assert (verdict.flavour, verdict.compliant) == ("2b", True), (name, verdict.failures)
