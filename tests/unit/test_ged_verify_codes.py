"""``ged_verify.py --token``: what the printed code of a letter proves, and what it proves about a file beside it."""

import base64
import hashlib
import json
import re
from datetime import date
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.sign.timestamps import DummyTimeStamper

import ged_verify
from tests import verify_kit as kit
from tests.case_kit import overwritten
from tests.pki_kit import NOW, YEAR, Ministry, crl, holder, order_pdf, signed, stamped, with_validation_data
from tests.verify_kit import FrozenClock, ministry

SEAL = "CN=Cachet du ministère"
NOT_SIGNED = "la clé de l'institution ne l'a pas signé"
NO_CODE = ("broken", "code du courrier", "", "ce n'est pas le code d'un courrier")
PAGES = order_pdf()


@pytest.fixture(autouse=True)
def _the_clock_stands(monkeypatch):
    monkeypatch.setattr(ged_verify, "datetime", FrozenClock)


@cache
def key_of(kind):
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    curves = {"p256": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1}
    return ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(curves[kind]())


@cache
def certificate(kind="p256"):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Cachet du ministère")])
    key = key_of(kind)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 5, NOW - YEAR, NOW + YEAR)
    return builder.sign(key, None if kind == "ed25519" else hashes.SHA256())


def content_of(
    kind="p256", *, number="457/MMRE", signer="AMAVI Kossi", day=date(2026, 3, 3), digest=None, version=1
):  # fmt: skip
    """The signed content: version, key, secret, day, digest, number and signer, as in ``docs/dev/signed-code.md``."""
    spki = key_of(kind).public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )  # fmt: skip
    number, signer = (one if isinstance(one, bytes) else one.encode() for one in (number, signer))
    days = (day - date(2000, 1, 1)).days
    return b"".join([
        bytes([version]), hashlib.sha256(spki).digest()[:8], bytes(range(16)), days.to_bytes(2, "big"),
        hashlib.sha256(PAGES).digest() if digest is None else digest,
        bytes([len(number)]), number, bytes([len(signer)]), signer,
    ])  # fmt: skip


def seal(content, kind="p256", *, before=b"GED letter token 1\0", size=None, digest=None):
    """The signature of it: PKCS #1, or r and s one after the other."""
    key = key_of(kind)
    if kind == "rsa":
        return key.sign(before + content, padding.PKCS1v15(), digest or hashes.SHA256())
    if kind == "ed25519":
        return key.sign(before + content)
    size = (key.key_size + 7) // 8 if size is None else size
    used = digest or (hashes.SHA256() if kind == "p256" else hashes.SHA384())
    r, s = decode_dss_signature(key.sign(before + content, ec.ECDSA(used)))
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def spelt(content):
    return base64.b32encode(content).decode().rstrip("=")


def code(kind="p256", **how):
    content = content_of(kind, **how)
    return spelt(content + seal(content, kind))


def findings(text, *, kinds=("p256",), pdf=None, roots=()):
    lines = ged_verify.check_code(text, [certificate(kind) for kind in kinds], pdf, list(roots))
    return [(line.state, line.what, line.by, line.why) for line in lines]


WHAT = (
    "courrier 457/MMRE du 2026-03-03 signé par AMAVI Kossi, SHA-256 avant signature "
    f"{hashlib.sha256(PAGES).hexdigest()}"
)
BESIDE = "le fichier donné est ce courrier"


# --- the code alone


@pytest.mark.parametrize("kind", ["p256", "p384", "p521", "rsa"])
def test_a_true_code_is_proven_with_each_kind_of_key(kind):
    assert findings(code(kind), kinds=("p256", "p384", "p521", "rsa")) == [("proven", WHAT, SEAL, "")]


@pytest.mark.parametrize("kind", ["p256", "p384", "p521", "rsa"])
def test_a_changed_bit_of_what_is_signed_or_of_the_signature_is_broken(kind):
    content = content_of(kind)
    signature = seal(content, kind)
    for place in (0, 8, 25, 40, len(signature) - 1):
        changed = signature[:place] + bytes([signature[place] ^ 1]) + signature[place + 1 :]
        assert findings(spelt(content + changed), kinds=(kind,)) == [("broken", WHAT, "", NOT_SIGNED)]
    for place in (9, 24, 26, 27, 58, 61, len(content) - 1):
        changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        ((state, what, by, why),) = findings(spelt(changed + signature), kinds=(kind,))
        assert (state, by, why) == ("broken", "", NOT_SIGNED)
        assert (what == WHAT) == (place in (9, 24)), "the secret alone is not told"


def test_a_signature_of_another_form_is_broken():
    content = content_of()
    for signature in (
        seal(content, before=b""),
        seal(content, before=b"GED letter token 1"),
        seal(content, before=b"ged letter token 1\0"),
        seal(content, size=33),
        seal(content)[:-1],
        seal(content) + b"\0",
        b"\0" + seal(content),
        seal(content, digest=hashes.SHA384()),
        b"\0" * 64,
        b"s",
    ):
        assert findings(spelt(content + signature)) == [("broken", WHAT, "", NOT_SIGNED)]
    content = content_of("rsa")
    assert findings(spelt(content + seal(content, "rsa", digest=hashes.SHA384())), kinds=("rsa",))[0][0] == "broken"
    content = content_of("p384")
    assert findings(spelt(content + seal(content, "p384", digest=hashes.SHA256())), kinds=("p384",))[0][0] == "broken"
    content = content_of("ed25519")
    assert findings(spelt(content + seal(content, "ed25519")), kinds=("ed25519",))[0][0] == "broken"


def test_a_key_that_nobody_gave_leaves_the_code_open():
    key = content_of()[1:9].hex()
    why = f"aucun certificat donné (--cert) n'a la clé {key}"
    assert findings(code(), kinds=()) == [("open", WHAT, "", why)]
    assert findings(code(), kinds=("rsa", "p384")) == [("open", WHAT, "", why)]


@pytest.mark.parametrize(
    "way",
    [
        lambda text: f"HTTPS://GED.EXAMPLE/V/{text}",
        lambda text: f"https://x/v/{text}/",
        lambda text: f"https://x/v/{text}//",
        lambda text: f" {text.lower()}\r\n",
        lambda text: "-".join(text[at : at + 5] for at in range(0, len(text), 5)),
        lambda text: "\n".join(text[at : at + 60] for at in range(0, len(text), 60)),
    ],
)
def test_a_code_is_read_as_people_and_readers_give_it(way):
    assert findings(way(code())) == [("proven", WHAT, SEAL, "")]


@pytest.mark.parametrize("length", range(4))
def test_a_code_of_any_length_is_read(length):
    """Base32 is padded to a multiple of eight characters. Each length of padding is tried."""
    signer = "AMAVI Kossi" + "x" * length
    assert findings(code(signer=signer))[0][:2] == ("proven", WHAT.replace("AMAVI Kossi", signer))


def test_what_is_no_code_of_a_letter_is_broken():
    content = content_of()
    whole = spelt(content + seal(content))
    odd = [
        "", "A", "?" * 200, "0" * 200, "é" * 200, spelt(b"\1" * 59), spelt(b"\1" * 20),
        spelt(content), spelt(content[:70]), whole + "AA", whole[:-1] + "é",
        code(version=0), code(version=2), code(version=3), code(number=b"\xff"), code(signer=b"\xc3"),
        spelt(content[:59] + b"\xff" + content[60:]), spelt(content[:68] + b"\xff" + content[69:] + b"x" * 64),
    ]  # fmt: skip
    for text in odd:
        assert findings(text, pdf=PAGES) == [NO_CODE], text


def test_one_byte_of_signature_makes_a_code_and_the_last_character_has_one_spelling():
    content = content_of()
    assert findings(spelt(content + b"x"))[0][3] == NOT_SIGNED
    for filler in range(8):
        whole = spelt(content_of(signer="A" * filler) + b"x")
        if len(whole) % 8:
            other = (
                whole[:-1] + "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"["ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".index(whole[-1]) + 1]
            )
            assert findings(other) == [NO_CODE], "unused bits are zero"


def test_no_letter_at_the_end_of_a_code_is_taken_for_a_bar():
    endings = set()
    for last in range(224, 256):  # without its last letter the code would have surplus bits
        whole = spelt(content_of() + b"four" + bytes([last]))
        endings.add(whole[-1].upper())
        assert findings(whole)[0][3] == findings(whole.upper())[0][3] == NOT_SIGNED
    assert len(endings) == 32


def test_the_day_counts_from_the_year_2000():
    for day in (date(2000, 1, 1), date(2000, 1, 2), date(2026, 11, 24), date(2179, 6, 6)):
        assert f" du {day.isoformat()} " in findings(code(day=day))[0][1]


def test_empty_and_longest_texts():
    assert findings(code(number="", signer=""))[0][1].startswith("courrier  du 2026-03-03 signé par , ")
    ((state, what, *_),) = findings(code(number="N" * 64, signer="é" * 32))
    assert state == "proven"
    assert f"courrier {'N' * 64} du 2026-03-03 signé par {'é' * 32}, " in what


# --- the file beside it


def beside(pdf, *, roots=None, text=None, kinds=("p256",)):
    roots = [ministry().root.certificate] if roots is None else roots
    (_, line) = findings(text or code(), pdf=pdf, roots=roots, kinds=kinds)
    assert line[1:3] == (BESIDE, "")
    return line[0], line[3]


COVERED = "il commence par ses pages, mais ce qui suit peut les recouvrir : donnez la racine que vous tenez (--trust), ou comparez le fichier sur le site de l'institution"
NOBODY = "il commence par ses pages, mais aucune signature reconnue de AMAVI Kossi ne couvre ce qui suit"


@cache
def genuine():
    return signed(PAGES, ministry().signer)


def test_pages_and_the_signed_letter_are_the_letter():
    assert beside(PAGES) == ("proven", "")
    assert beside(PAGES, roots=[]) == ("proven", "")
    assert beside(genuine()) == ("proven", "")
    assert beside(genuine(), roots=[]) == ("open", COVERED)


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_pages_end_behind_their_last_mark_and_its_line(end):
    pages = b"%PDF-1.7\nanother\n%%EOF" + end
    text = code(digest=hashlib.sha256(pages).digest())
    assert beside(pages, text=text) == ("proven", "")
    assert beside(pages + b"%%EOF\n", text=text, roots=[]) == ("open", COVERED)
    assert beside(pages + b"more", text=text, roots=[])[0] == "open"
    assert beside(b"x" + pages, text=text)[0] == "broken"
    assert beside(pages[:-1], text=text)[0] == "broken"
    longer = code(digest=hashlib.sha256(pages + b"abc").digest())
    assert beside(pages + b"abc", text=longer)[0] == "broken"


def test_other_pages_are_another_letter():
    other = order_pdf(lambda pdf: pdf.pages.append(pdf.pages[0]))
    for pdf in (other, signed(other, ministry().signer), b"", b"%PDF"):
        assert beside(pdf) == ("broken", "ce fichier n'est pas ce courrier")


def test_a_file_beside_an_unproven_code_is_not_proven():
    why = "le code lui-même n'est pas prouvé"
    assert beside(PAGES, kinds=()) == ("open", why)
    content = content_of()
    assert beside(PAGES, text=spelt(content + b"x" * 64)) == ("open", why)
    assert beside(b"other", kinds=())[0] == "broken"
    assert beside(genuine(), kinds=(), roots=[]) == ("open", COVERED)


def test_what_follows_the_pages_hangs_on_the_named_signers_trusted_signature():
    root = ministry().root
    altered = overwritten(genuine())
    for pdf in (
        altered,
        stamped(altered, ministry().stamps(NOW)),
        signed(overwritten(PAGES), holder("AYÉVA Afi", root)),
        signed(overwritten(PAGES), holder("AMAVI Kossi", Ministry().root)),
        signed(overwritten(PAGES), holder("AMAVI Kossi", root, usage="key_encipherment")),
        signed(PAGES, holder("AMAVI Kossi", root, purposes=(ExtendedKeyUsageOID.SERVER_AUTH,))),
        signed(PAGES, holder("AMAVI Kossi", root, end=NOW - YEAR / 2)),
        signed(genuine(), holder("AYÉVA Afi", root), name="second"),
    ):
        assert beside(pdf) == ("open", NOBODY)
    assert beside(genuine(), roots=[Ministry().root.certificate]) == ("open", NOBODY)
    for pdf in (genuine() + b"\n%%EOF\n", PAGES + b"\n%%EOF\n"):
        assert beside(pdf)[0] == "open"


def test_a_signature_whose_bytes_changed_covers_nothing():
    changed = genuine().replace(b"/T (signature)", b"/T (signaturf)")
    assert changed != genuine()
    assert beside(changed) == ("open", NOBODY)


def test_nothing_is_written_into_the_padding_of_the_letters_signature():
    found = re.search(rb"/Contents <(3082[0-9a-fA-F]+)>", genuine())
    # DER: the two bytes after the tag and the kind of length say how many follow. A signature may itself end with zeros.
    end = found.start(1) + 2 * (4 + int(found[1][4:8], 16))
    words = b"> /Reason (Approuve par le ministre) /X <".ljust(found.end(1) - end, b"0")
    assert beside(genuine()[:end] + words + genuine()[found.end(1) :]) == ("open", NOBODY)


def test_validation_data_and_time_stamps_may_follow_the_signature():
    raised = with_validation_data(genuine(), [ministry().root], [crl(ministry().root, {})])
    assert beside(raised) == ("proven", "")
    assert beside(stamped(raised, ministry().stamps(NOW))) == ("proven", "")
    forms = signed(genuine(), holder("AYÉVA Afi", ministry().root), name="second")
    assert beside(forms) == ("open", NOBODY)


def test_a_time_stamp_authority_of_the_signers_name_signs_nothing():
    named = holder("AMAVI Kossi", ministry().root, usage="digital_signature", purposes=kit.STAMPING, rsa_bits=2048)
    stamps = DummyTimeStamper(named.asn1, named.asn1_key, certs_to_embed=named.store, fixed_dt=NOW)
    assert beside(stamped(overwritten(PAGES), stamps)) == ("open", NOBODY)


def test_a_signature_within_the_pages_covers_nothing_behind_them():
    text = code(digest=hashlib.sha256(genuine()).digest())
    assert beside(genuine(), text=text) == ("proven", "")
    assert beside(with_validation_data(genuine(), [ministry().root]), text=text) == ("open", NOBODY)


def test_the_letter_is_judged_today():
    """The day is that of the program's clock, which the test sets. The machine's clock is later."""
    short = holder("AMAVI Kossi", ministry().root, end=NOW + YEAR / 365)
    assert beside(signed(PAGES, short)) == ("proven", "")


def test_a_later_true_signature_of_the_named_signer_covers_what_came_before():
    first = signed(PAGES, holder("AYÉVA Afi", ministry().root))
    assert beside(signed(first, ministry().signer, name="second")) == ("proven", "")


def test_a_certificate_that_ended_counts_at_the_time_that_a_stamp_proves():
    short = holder("AMAVI Kossi", ministry().root, end=NOW - YEAR / 2)
    before = NOW - YEAR * 0.75
    assert beside(signed(PAGES, short, at=before, stamper=ministry().stamps(before))) == ("proven", "")
    assert beside(signed(PAGES, short, at=before, stamper=Ministry().stamps(before))) == ("open", NOBODY)
    assert beside(signed(PAGES, short, at=before, stamper=ministry().stamps(NOW - YEAR / 4))) == ("open", NOBODY)
    altered = overwritten(signed(PAGES, short, at=before, stamper=ministry().stamps(before)))
    assert beside(altered) == ("open", NOBODY)


def test_a_certificate_that_holds_now_needs_no_stamp():
    young = holder("AMAVI Kossi", ministry().root, start=NOW - YEAR / 4)
    early = ministry().stamps(NOW - YEAR / 2)
    assert beside(signed(PAGES, young, stamper=early)) == ("proven", "")


def test_what_cannot_be_read_or_judged_is_open(monkeypatch):
    odd = PAGES + b"\n7 0 obj\n" + b"[" * 5_000 + b"\nendobj\nstartxref\n1\n%%EOF\n"
    state, why = beside(odd)
    assert state == "open"
    assert why == NOBODY or why.startswith("il commence par ses pages, mais ce qui suit est illisible (")

    def fails(error):
        def fail(_pdf):
            raise error

        return fail

    monkeypatch.setattr(ged_verify, "_embedded", fails(ImportError("pyhanko")))
    assert beside(genuine()) == ("open", "il commence par ses pages ; installez pyhanko pour juger ce qui suit")
    monkeypatch.setattr(ged_verify, "_embedded", fails(RecursionError("deep")))
    assert beside(genuine()) == ("open", "il commence par ses pages, mais ce qui suit est illisible (RecursionError)")


@pytest.mark.parametrize(
    ("name", "told", "is_named"),
    [
        ("AMAVI Kossi", "AMAVI Kossi", True),
        ("AMAVI Kossi", "AMAVI", False),
        ("AMAVI", "AMAVI Kossi", False),
        ("", "", False),
        ("AMAVI", "", False),
        ("x" * 70, "x" * 64, True),
        ("x" * 70, "x" * 61, True),
        ("x" * 70, "x" * 60, False),
        ("é" * 40, "é" * 31, True),
        ("é" * 40, "é" * 30, False),
        ("y" + "x" * 70, "x" * 64, False),
    ],
)
def test_a_long_name_may_be_cut_at_the_end_of_its_place(name, told, is_named):
    assert ged_verify._is_named(name, told) is is_named


# --- as a command


def test_the_command_reads_certificates_roots_and_the_file(tmp_path, capsys):
    cert, letter, root = tmp_path / "c.pem", tmp_path / "l.pdf", tmp_path / "r.pem"
    pem = [certificate(kind).public_bytes(serialization.Encoding.PEM) for kind in ("rsa", "p256")]
    cert.write_bytes(b"".join(pem))
    letter.write_bytes(genuine())
    root.write_text(Ministry().root.pem + ministry().root.pem)

    def told(*arguments):
        exit_code = ged_verify.main(["--token", code(), *map(str, arguments), "--json"])
        return exit_code, [json.loads(line)["state"] for line in capsys.readouterr().out.splitlines()]

    assert told("--cert", cert) == (0, ["proven"])
    assert told() == (3, ["open"])
    other = tmp_path / "o.pem"
    other.write_bytes(pem[0])
    assert told("--cert", other, "--cert", cert) == (0, ["proven"])
    assert told("--cert", cert, "--file", letter) == (3, ["proven", "open"])
    assert told("--cert", cert, "--file", letter, "--trust", root) == (0, ["proven", "proven"])
    letter.write_bytes(b"other")
    assert told("--cert", cert, "--file", letter, "--trust", root) == (1, ["proven", "broken"])


def test_the_kits_clock_is_the_programs():
    assert kit.NOW == NOW == ged_verify.datetime.now(ged_verify.UTC)
