#!/usr/bin/env python3
"""``ged-verify``: what an exported case file proves, offline, without the installation that made it.

One file. It needs Python 3.11, the package ``cryptography`` and, for the signatures inside PDFs, ``pyhanko``; nothing of
GED, no network. It reads a folder written by ``ged export case``:

    manifest.json, manifest.sig   what there is, with the SHA-256 of each file; signed by the journal's key
    files/…                       the bytes as they are kept
    journal.jsonl                 the entries about the case: columns, salt, payload, place in the anchored tree
    anchor.json, anchor.tst       the daily anchor over the whole journal, signed, and its RFC 3161 time-stamp
    journal.pub, trust/*.pem      the journal's key, and the roots that the installation trusted

It also reads a folder written by ``ged entity export``, of a whole entity (``ged/transfer/__init__.py`` describes it):

    manifest.json, .sig, .tst     as above, of every file that follows; perhaps time-stamped
    rows/TABLE.jsonl              the records; documents.jsonl, files/…: the stored bytes; signed.jsonl: the signed ones
    destroyed.jsonl               only where there are some: what a disposal destroyed, and the records still name
    journal/hashes.bin            the hash of each entry of the whole journal, and in entries.jsonl the entity's own
    journal/heads.jsonl, anchors  the sealed heads and the anchors over those hashes

    python ged_verify.py FOLDER [--trust ROOT.pem]... [--key journal.pub] [--json]
    python ged_verify.py --token CODE --cert jetons.pem [--file LETTER.pdf] [--trust ROOT.pem]... [--json]

The second form checks the signed code printed on a letter, byte by byte as ``docs/dev/signed-code.md`` has it.

PROUVÉ is printed only for facts that depend on a key or a root that you gave. The key and the roots inside the folder
are only claims of the exporter: without ``--key`` all that the manifest says is "À VÉRIFIER". The exporter also made
the program in the folder. So run your own copy, and compare the SHA-256 that it prints first with the SHA-256 that the
institution publishes.

Exit 0: everything is proven. 1: something is broken. 2: the folder or code cannot be read. 3: nothing is broken, but
something is open.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import logging
import re
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID

FORMAT = "ged-case-1"
ENTITY_FORMAT = "ged-entity-1"
_DESTROYED = "destroyed.jsonl"
_COLUMNS = (
    "sequence",
    "at",
    "person_id",
    "post_id",
    "acting_for_post_id",
    "action",
    "subject_kind",
    "subject_id",
    "payload_digest",
    "previous_hash",
)
_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "2.16.840.1.101.3.4.2.1": hashes.SHA256,
    "2.16.840.1.101.3.4.2.2": hashes.SHA384,
    "2.16.840.1.101.3.4.2.3": hashes.SHA512,
}
_NUMBERING = frozenset({"mail.registered", "mail.imported", "mail.numbered", "envelope.registered", "slip.issued"})
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_TST_INFO = "1.2.840.113549.1.9.16.1.4"
_ISSUER_DEPTH = 8
_INNER_COPIES = frozenset({"b7d52fd245ca9ea8840d27ac059867b7c5c1fb1d5f9e2d6fbb150df04096403e"})
"""Versions of this program that old exports held outside their manifest; newer manifests list their copy."""
_LONGEST = 400
_CUT_FROM = 60
"""A signer's name of more bytes may have been cut in a code (at 64 bytes, before a character of up to four)."""
_BY_FOLDER = "dit par le dossier seul ; donnez la clé du journal que vous tenez (--key)"
_BY_ITS_ROOT = "autorité reconnue par le dossier lui-même ; donnez la vôtre (--trust)"
_NO_CERTIFICATE = (
    "certificat d'aucune autorité reconnue (--trust), expiré sans preuve, ou qui n'est pas fait pour signer"
)
_SIGNING_PURPOSES = frozenset(
    {
        "any_extended_key_usage",
        "email_protection",
        "client_auth",  # what many authorities write into the certificates of people
        "document_signing",
        "adobe_authentic_documents_trust",
        "1.3.6.1.5.5.7.3.36",  # id-kp-documentSigning, RFC 9336
        "microsoft_document_signing",
        "1.3.6.1.4.1.311.10.3.12",
        "1.2.840.113583.1.1.5",
    }
)
"""Purposes for signing. A certificate with other purposes is for a web server, a time-stamp authority, a program."""
_ODD = (ValueError, TypeError, LookupError, StopIteration, OverflowError, NotImplementedError, Warning)
_ODD_TOKEN = (
    *_ODD,
    InvalidSignature,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True)
class Line:
    """The result of one check.

    Attributes:
        state: ``proven``, ``broken``, or ``open`` (neither: something needed for the check is missing).
    """

    state: str
    what: str
    by: str = ""
    when: str = ""
    why: str = ""


def main(arguments: list[str] | None = None) -> int:
    """Check a folder or a code, and print what is proven, by whom, when. Exit codes: see the module docstring."""
    options = _options(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    own = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    own_line = f"ged-verify, SHA-256 {own} : comparez à l'empreinte publiée."
    print(own_line, file=sys.stderr if options.json else sys.stdout)
    try:
        lines = [_harmless(line) for line in _asked(options)]
    except Exception as error:  # noqa: BLE001  a hostile folder can raise anything, and a traceback would print its texts
        print(printable(f"{options.folder or '--token'}: {type(error).__name__}: {error}"), file=sys.stderr)
        return 2
    for line in lines:
        print(json.dumps(asdict(line), ensure_ascii=False) if options.json else _words(line))
    counts = {state: sum(line.state == state for line in lines) for state in ("proven", "open", "broken")}
    if not options.json:
        print(f"{counts['proven']} prouvés, {counts['open']} non vérifiables ici, {counts['broken']} NON CONFORMES.")
        if counts["open"]:
            print("Tout n'est pas prouvé : ce qui est « À VÉRIFIER » ne tient à aucune clé que vous ayez donnée.")
    return 1 if counts["broken"] else 3 if counts["open"] or not lines else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="ged-verify",
        description=(__doc__ or "").split("\n", maxsplit=1)[0],
        epilog="Exit 0: all is proven by what you gave; 1: something is broken; 2: unreadable; 3: something is open.",
    )
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--token", help="the signed code of a letter, instead of a folder")
    parser.add_argument("--cert", type=Path, action="append", default=[], help="a certificate of the institution (PEM)")
    parser.add_argument("--file", type=Path, help="the letter's signed PDF, to compare with its code")
    parser.add_argument("--trust", type=Path, action="append", default=[], help="a root that you trust (PEM)")
    parser.add_argument("--key", type=Path, help="the journal's public key, as you hold it")
    parser.add_argument("--json", action="store_true", help="one JSON line a finding")
    options = parser.parse_args(arguments)
    if (options.folder is None) is (options.token is None):
        parser.error("give a folder, or --token with --cert")
    return options


def printable(text: str) -> str:
    """The text on one line, without characters that control a terminal: controls, direction overrides, separators.

    These are shown as ``\\u202e``. Several blanks become one, so that no text can push a word to the next line's start.
    """
    shown = "".join(
        " " if kind == "Zs" else f"\\u{ord(one):04x}" if kind[0] == "C" or kind in ("Zl", "Zp") else one
        for one, kind in ((one, unicodedata.category(one)) for one in text[:_LONGEST])
    )
    return re.sub(" {2,}", " ", shown) + ("…" if len(text) > _LONGEST else "")


def _harmless(line: Line) -> Line:
    return Line(line.state, *(printable(str(one)) for one in (line.what, line.by, line.when, line.why)))


def _asked(options: argparse.Namespace) -> Iterator[Line]:
    if options.token is None:
        return _folder(options.folder)(options.folder, options.trust, options.key).check()
    held = [one for path in options.cert for one in x509.load_pem_x509_certificates(path.read_bytes())]
    roots = [one for path in options.trust for one in x509.load_pem_x509_certificates(path.read_bytes())]
    return check_code(options.token, held, options.file.read_bytes() if options.file else None, roots)


def check_code(
    text: str, held: list[x509.Certificate], pdf: bytes | None = None, roots: Sequence[x509.Certificate] = ()
) -> Iterator[Line]:
    """Check the signed code of a letter with the institution's certificates ``held``.

    Args:
        pdf: the letter. The bytes behind the pages that the code names need a signature trusted by one of ``roots``.
    """
    code = re.sub(r"[\s-]", "", text).rstrip("/").rpartition("/")[2].upper()
    try:
        content = base64.b32decode(code + "=" * (-len(code) % 8))
        signer_at = 60 + content[59]
        end = signer_at + 1 + content[signer_at]
        number, signer = content[60:signer_at].decode(), content[signer_at + 1 : end].decode()
        is_whole = base64.b32encode(content).decode().rstrip("=") == code and content[0] == 1 and end < len(content)
    except (ValueError, IndexError):
        is_whole = False
    if not is_whole:
        yield Line("broken", "code du courrier", why="ce n'est pas le code d'un courrier")
        return
    day = date(2000, 1, 1) + timedelta(days=int.from_bytes(content[25:27]))
    what = f"courrier {number} du {day.isoformat()} signé par {signer}, SHA-256 avant signature {content[27:59].hex()}"
    known = [one for one in held if _spki_digest(one)[:8] == content[1:9]]
    line = Line("broken", what, why="la clé de l'institution ne l'a pas signé")
    if not known:
        line = Line("open", what, why=f"aucun certificat donné (--cert) n'a la clé {content[1:9].hex()}")
    elif _token_holds(known[0].public_key(), content[:end], content[end:]):
        line = Line("proven", what, known[0].subject.rfc4514_string())
    yield line
    if pdf is not None:
        state, why = _file_beside(pdf, content[27:59], signer, list(roots))
        if state == "proven" and line.state != "proven":
            state, why = "open", "le code lui-même n'est pas prouvé"
        yield Line(state, "le fichier donné est ce courrier", why=why)


def _file_beside(pdf: bytes, unsigned: bytes, signer: str, roots: list[x509.Certificate]) -> tuple[str, str]:
    """State and reason of a file, checked against the digest of a letter's pages before mark and signature.

    A file that begins with these pages may still show anything: an appended update can draw over every page. The file
    is the letter if it holds nothing but these pages, or if the named signer's trusted signature covers the rest.
    """
    stops = {min(found.end() + n, len(pdf)) for found in re.finditer(rb"%%EOF", pdf) for n in range(3)}
    begins = [stop for stop in stops if hashlib.sha256(pdf[:stop]).digest() == unsigned]
    if not begins:
        return "broken", "ce fichier n'est pas ce courrier"
    if len(pdf) in begins:
        return "proven", ""
    if not roots:
        return "open", (
            "il commence par ses pages, mais ce qui suit peut les recouvrir : donnez la racine que vous tenez (--trust), ou "
            "comparez le fichier sur le site de l'institution"
        )
    try:
        is_signed = _is_signed_letter(pdf, max(begins), signer, roots)
    except ImportError:
        return "open", "il commence par ses pages ; installez pyhanko pour juger ce qui suit"
    except Exception as error:  # noqa: BLE001  pyHanko raises anything on malformed files
        return "open", f"il commence par ses pages, mais ce qui suit est illisible ({type(error).__name__})"
    if is_signed:
        return "proven", ""
    return "open", f"il commence par ses pages, mais aucune signature reconnue de {signer} ne couvre ce qui suit"


def _spki_digest(certificate: x509.Certificate) -> bytes:
    public = certificate.public_key()
    spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).digest()


def _token_holds(public: object, signed: bytes, signature: bytes) -> bool:
    content = b"GED letter token 1\0" + signed
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, content, padding.PKCS1v15(), hashes.SHA256())
            return True
        if not isinstance(public, ec.EllipticCurvePublicKey) or len(signature) != 2 * ((public.key_size + 7) // 8):
            return False
        half = len(signature) // 2
        r, s = int.from_bytes(signature[:half]), int.from_bytes(signature[half:])
        digest = hashes.SHA384() if public.key_size > 256 else hashes.SHA256()
        public.verify(encode_dss_signature(r, s), content, ec.ECDSA(digest))
    except InvalidSignature:
        return False
    return True


def _words(line: Line) -> str:
    mark = {"proven": "PROUVÉ     ", "open": "À VÉRIFIER ", "broken": "NON CONFORME"}[line.state]
    parts = [line.what, f"par {line.by}" if line.by else "", f"le {line.when}" if line.when else ""]
    text = f"{mark} {', '.join(part for part in parts if part)}" + (f" : {line.why}" if line.why else "")
    if not sys.stdout.isatty():
        return text
    # Wrapped here, with an indent wider than the marks: so no text of the folder can stand where a mark does.
    return textwrap.fill(text, max(40, shutil.get_terminal_size().columns), subsequent_indent=" " * 13)


def _folder(folder: Path) -> "type[Case]":
    """What reads this folder."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    return Entity if manifest["format"] == ENTITY_FORMAT else Case


class Case:
    """An exported case file."""

    FORMAT = FORMAT
    BESIDE = frozenset({"manifest.json", "manifest.sig"})
    """Files that the manifest cannot list."""

    def __init__(self, folder: Path, roots: list[Path], key: Path | None) -> None:
        self._folder = folder
        given = [path.read_bytes() for path in roots]
        self._own_roots = bool(given)
        inside = [path.read_bytes() for path in sorted((folder / "trust").glob("*.pem"))]
        self._roots = [one for pem in given or inside for one in x509.load_pem_x509_certificates(pem)]
        self._own_key = key is not None
        found = serialization.load_pem_public_key((key or folder / "journal.pub").read_bytes())
        if not isinstance(found, ed25519.Ed25519PublicKey):
            raise ValueError("the journal's key is no Ed25519 key")
        self._key = found
        self._manifest_bytes = (folder / "manifest.json").read_bytes()
        self._manifest: dict[str, Any] = json.loads(self._manifest_bytes)
        if self._manifest["format"] != self.FORMAT:
            raise ValueError(f"format {self._manifest['format']}, not {self.FORMAT}")
        self._is_signed = self._signed(self._manifest_bytes, _text(folder / "manifest.sig"))
        self._is_proven = self._own_key and self._is_signed
        self._now = datetime.now(UTC)

    def check(self) -> Iterator[Line]:
        """Run all checks in order."""
        yield from self._the_manifest()
        yield from self._the_files()
        yield from self._the_signatures()
        yield from self._the_anchor()
        yield from self._the_journal()

    def _by_manifest(self, what: str, by: str = "", when: str = "") -> Line:
        """The result of a check that is proven if the manifest is proven."""
        return Line("proven" if self._is_proven else "open", what, by, when, "" if self._is_proven else _BY_FOLDER)

    # --- bytes

    def _the_manifest(self) -> Iterator[Line]:
        what = self._title()
        if not self._is_signed:
            yield Line("broken", what, why="le manifeste n'est pas signé par la clé du journal")
        elif self._own_key:
            yield Line("proven", what, "la clé du journal que vous avez donnée", self._manifest["exported_at"])
        else:
            why = f"clé jointe au dossier, empreinte {self._fingerprint()} : comparez-la à celle publiée (--key)"
            yield Line("open", what, "la clé du journal", self._manifest["exported_at"], why)

    def _title(self) -> str:
        case = self._manifest["case"]
        return f"dossier {case.get('number') or case['mail_id']} exporté"

    def _fingerprint(self) -> str:
        raw = self._key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return hashlib.sha256(raw).hexdigest()[:32]

    def _signed(self, content: bytes, signature: str) -> bool:
        try:
            self._key.verify(bytes.fromhex(signature), content)
        except (InvalidSignature, ValueError):
            return False
        return True

    def _the_files(self) -> Iterator[Line]:
        listed = {one["path"]: one for one in self._manifest["files"]}
        for path, one in listed.items():
            what = f"fichier {one.get('name') or path}"
            try:
                content = self._read(path)
            except OSError:
                yield Line("broken", what, why="manque")
                continue
            digest = hashlib.sha256(content).hexdigest()
            if digest == one["sha256"] and len(content) == one["size"]:
                yield self._by_manifest(f"{what}, {len(content)} octets inchangés, SHA-256 {digest}")
            else:
                yield Line("broken", what, why=f"les octets ont changé (SHA-256 {digest})")
        yield from self._the_unlisted(listed)

    def _the_unlisted(self, listed: Iterable[str]) -> Iterator[Line]:
        known = {*self.BESIDE, *listed}
        for place in sorted(self._folder.rglob("*")):
            name = place.relative_to(self._folder).as_posix()
            if name in known or not (place.is_file() or place.is_symlink()):
                continue
            if name != "ged_verify.py":
                yield Line("broken", f"fichier {name}", why="ne figure pas au manifeste")
            elif place.is_symlink() or hashlib.sha256(place.read_bytes()).hexdigest() not in _INNER_COPIES:
                yield Line("open", f"programme {name} joint au dossier", why="nul ne l'a signé : ne l'exécutez pas")

    def _place(self, path: str) -> Path:
        place = (self._folder / path).resolve()
        if not place.is_relative_to(self._folder.resolve()) or not place.is_file():
            raise FileNotFoundError(path)
        return place

    def _read(self, path: str) -> bytes:
        return self._place(path).read_bytes()

    # --- signatures

    def _the_signatures(self) -> Iterator[Line]:
        for document in self._listed_signed():
            name, revisions = document["name"], document["revisions"]
            try:
                pdf = self._read(document["path"])
            except OSError:
                continue  # already reported among the files
            if not self._is_proven:
                # The name and the later revisions are claims of the exporter; the bytes and their signature are not.
                name, revisions = f"fichier de SHA-256 {hashlib.sha256(pdf).hexdigest()}", None
            try:
                yield from check_pdf(pdf, name, revisions, self._roots, self._now, own_roots=self._own_roots)
            except ImportError:
                yield Line("open", f"signatures de {name}", why="installez pyhanko pour les vérifier")

    def _listed_signed(self) -> Iterable[dict[str, Any]]:
        found: list[dict[str, Any]] = self._manifest["signed"]
        return found

    # --- journal

    def _the_anchor(self) -> Iterator[Line]:
        found = self._anchor()
        if found is None:
            yield Line("open", "ancrage du journal", why="le journal n'était pas encore ancré à l'exportation")
            return
        anchor, signature = found
        what = f"ancrage du journal ({anchor['count']} inscriptions)"
        if not self._signed(canonical(anchor), signature):
            yield Line("broken", what, why="n'est pas signé par la clé du journal")
            return
        yield self._by_manifest(what, "la clé du journal", anchor["at"])
        if not (self._folder / "anchor.tst").exists():
            yield Line("open", f"horodatage de l'{what}", why="pas encore obtenu à l'exportation")
            return
        line = check_token(
            self._read("anchor.tst"),
            canonical(anchor),
            f"horodatage de l'{what}",
            self._roots,
            own_roots=self._own_roots,
        )
        yield line if line.state != "proven" or self._is_proven else replace(line, state="open", why=_BY_FOLDER)

    def _anchor(self) -> tuple[dict[str, Any], str] | None:
        if not (self._folder / "anchor.json").exists():
            return None
        record = json.loads(self._read("anchor.json"))
        return record["anchor"], record["signature"]

    def _the_journal(self) -> Iterator[Line]:
        found = self._anchor()
        is_anchored = found is not None and self._signed(canonical(found[0]), found[1])
        entries = [json.loads(line) for line in self._read("journal.jsonl").splitlines()]
        previous: dict[str, Any] | None = None
        people = self._manifest.get("people", {})
        for entry in entries:
            what = f"journal n° {entry['sequence']} : {entry['action']}"
            why = self._wrong(entry, previous, found[0] if found else None)
            by, previous = people.get(str(entry["person_id"]), ""), entry
            if why:
                yield Line("broken", what, by, entry["at"], why)
            elif found is None or entry["sequence"] > found[0]["count"]:
                yield Line("open", what, by, entry["at"], "plus récent que l'ancrage joint")
            elif not is_anchored:
                yield Line("open", what, by, entry["at"], "l'ancrage joint n'est pas signé par la clé du journal")
            else:
                yield self._by_manifest(what, by, entry["at"])

    def _wrong(self, entry: dict[str, Any], before: dict[str, Any] | None, anchor: dict[str, Any] | None) -> str:
        columns = [entry[name] for name in _COLUMNS]
        if hashlib.sha256(canonical(columns)).hexdigest() != entry["hash"]:
            return "l'inscription a été modifiée"
        if before is not None and entry["sequence"] <= before["sequence"]:
            return "l'ordre des inscriptions a été modifié"
        if (
            before is not None
            and entry["sequence"] == before["sequence"] + 1
            and entry["previous_hash"] != before["hash"]
        ):
            return "la chaîne est rompue"
        if "payload" in entry:
            digest = hashlib.sha256(entry["salt"].encode() + canonical(entry["payload"])).hexdigest()
            if digest != entry["payload_digest"]:
                return "le détail de l'inscription a été modifié"
        if anchor is None or entry["sequence"] > anchor["count"]:
            return ""
        if root_from(entry["hash"], entry["sequence"] - 1, anchor["count"], entry["proof"]) != anchor["root"]:
            return "l'inscription n'est pas à cette place du journal ancré"
        if entry["sequence"] == anchor["count"] and entry["hash"] != anchor["head"]:
            return "l'ancrage nomme une autre dernière inscription"
        return ""


class Entity(Case):
    """An entity that was exported whole: records, files, and the journal's chain of hashes."""

    FORMAT = ENTITY_FORMAT
    BESIDE = Case.BESIDE | {"manifest.tst"}

    def check(self) -> Iterator[Line]:
        """Run all checks in order. What cannot be read is broken, and the other checks still run."""
        yield from self._the_manifest()
        for what, check in (
            ("horodatage du manifeste", self._the_stamp),
            ("parties du dossier", self._the_parts),
            ("documents", self._the_documents),
            ("enregistrements", self._the_counts),
            ("journal", self._the_chain),
            ("registres", self._the_registers),
            ("documents joints aux courriers", self._the_attachments),
            ("clôtures", self._the_closings),
            ("signatures", self._the_signatures),
        ):
            try:
                yield from check()
            except Exception as error:  # noqa: BLE001  a hostile folder can raise anything
                yield Line("broken", what, why=f"illisible ({type(error).__name__})")

    def _title(self) -> str:
        entity = self._manifest["entity"]
        return f"entité {entity['code']} ({entity['name']}) exportée entière"

    def _the_stamp(self) -> Iterator[Line]:
        if not (self._folder / "manifest.tst").exists():
            return  # the authority did not answer, or there is none: the anchors are time-stamped for themselves
        line = check_token(
            self._read("manifest.tst"),
            self._manifest_bytes,
            "horodatage du manifeste",
            self._roots,
            own_roots=self._own_roots,
        )
        yield line if line.state != "proven" or self._is_proven else replace(line, state="open", why=_BY_FOLDER)

    # --- bytes

    def _the_parts(self) -> Iterator[Line]:
        listed = self._manifest["files"]
        wrong = [line for one in listed for line in self._wrong_bytes(one["path"], one["sha256"], one["size"])]
        yield from wrong
        known = {one["path"] for one in listed} | {
            _document_path(one["sha256"]) for one in self._lines("documents.jsonl")
        }
        unlisted = list(self._the_unlisted(known))
        yield from unlisted
        if not wrong and not unlisted:
            yield self._by_manifest(f"{len(listed)} parties du dossier inchangées")

    def _the_documents(self) -> Iterator[Line]:
        listed = list(self._lines("documents.jsonl"))
        wrong = [
            line
            for one in listed
            for line in self._wrong_bytes(_document_path(one["sha256"]), one["sha256"], one["size"])
        ]
        yield from wrong
        gone = set()
        if any(one["path"] == _DESTROYED for one in self._manifest["files"]):
            gone = {one["sha256"] for one in self._lines(_DESTROYED)}
        named, missing = {one["sha256"] for one in listed} | gone, 0
        for table in self._manifest["counts"]:
            for row in self._rows(table):
                missing += sum(1 for column, value in row.items() if _is_file(column) and value and value not in named)
        if missing:
            yield Line("broken", "documents", why=f"{missing} enregistrements nomment un document qui manque")
        elif not wrong:
            destroyed = f", {len(gone)} détruits par une élimination" if gone else ""
            yield self._by_manifest(f"{len(listed)} documents inchangés{destroyed}")

    def _wrong_bytes(self, path: str, sha256: str, size: int) -> Iterator[Line]:
        try:
            place = self._place(path)
        except OSError:
            yield Line("broken", f"fichier {path}", why="manque")
            return
        digest = hashlib.sha256()
        with place.open("rb") as content:
            while piece := content.read(1 << 20):
                digest.update(piece)
        if (digest.hexdigest(), place.stat().st_size) != (sha256, size):
            yield Line("broken", f"fichier {path}", why=f"les octets ont changé (SHA-256 {digest.hexdigest()})")

    # --- records

    def _lines(self, path: str) -> Iterator[dict[str, Any]]:
        with self._place(path).open("rb") as lines:
            for line in lines:
                yield json.loads(line)

    def _rows(self, table: str) -> Iterator[dict[str, Any]]:
        return self._lines(f"rows/{table}.jsonl")

    def _the_counts(self) -> Iterator[Line]:
        counts: dict[str, int] = self._manifest["counts"]
        wrong = {
            table: found for table, count in counts.items() if (found := sum(1 for _ in self._rows(table))) != count
        }
        for table, found in wrong.items():
            yield Line("broken", f"enregistrements {table}", why=f"{found} au lieu de {counts[table]}")
        if not wrong:
            yield self._by_manifest(f"{sum(counts.values())} enregistrements, dont {counts['mails']} courriers")

    def _the_registers(self) -> Iterator[Line]:
        """Numbers without a gap, and those that the journal gave."""
        registers = {row["id"]: row["code"] for row in self._rows("registers")}
        given: dict[tuple[int, int], list[int]] = {}
        standing: set[tuple[str, int, str]] = set()
        for row in self._rows("mail_numbers"):
            given.setdefault((row["register_id"], row["year"]), []).append(row["sequence"])
            standing |= {
                (kind, row[name], row["text"])
                for kind, name in (("mail", "mail_id"), ("envelope", "envelope_id"), ("slip", "slip_id"))
                if row[name] is not None
            }
        for row in self._rows("register_counters"):
            first, last = row["opening_sequence"] + 1, row["last_sequence"]
            found = sorted(given.pop((row["register_id"], row["year"]), []))
            what = f"registre {registers[row['register_id']]} {row['year'] or ''}".strip()
            if found != list(range(first, last + 1)):
                yield Line("broken", what, why=f"{len(found)} numéros au lieu de {first} à {last}")
            else:
                yield self._by_manifest(f"{what} : {f'{first} à {last}' if found else 'aucun numéro'}, sans trou")
        for (register_id, year), found in given.items():
            yield Line("broken", f"registre {register_id} {year}", why=f"{len(found)} numéros sans compteur")
        for entry in self._entries():
            payload = entry.get("payload", {})
            named = (entry["subject_kind"], entry["subject_id"], payload.get("number"))
            if entry["action"] in _NUMBERING and "number" in payload and named not in standing:
                what = f"numéro {payload['number']}"
                yield Line("broken", what, why=f"donné au journal (n° {entry['sequence']}), et il manque au registre")

    def _the_attachments(self) -> Iterator[Line]:
        rows = {row["id"]: row for row in self._rows("attachments")}
        recorded: dict[int, tuple[int, str | None]] = {}
        erased: set[int] = set()
        for entry in self._entries():
            if entry["action"] != "attachment.added":
                continue
            if "payload" in entry:
                recorded[entry["payload"]["attachment"]] = (entry["subject_id"], entry["payload"].get("digest"))
            else:
                erased.add(entry["subject_id"])
        wrong = 0
        for one, row in rows.items():
            if recorded.get(one, (row["mail_id"], row["digest"]) if row["mail_id"] in erased else None) != (
                row["mail_id"],
                row["digest"],
            ):
                wrong += 1
                yield Line(
                    "broken",
                    f"document n° {one} du courrier n° {row['mail_id']}",
                    why="n'est pas celui que dit le journal",
                )
        for one in sorted(recorded.keys() - rows.keys()):
            wrong += 1
            yield Line("broken", f"document n° {one}", why="le journal le dit, et il manque")
        if not wrong:
            yield self._by_manifest(f"{len(rows)} documents joints sont ceux que dit le journal")

    def _the_closings(self) -> Iterator[Line]:
        registers = {row["id"]: row["code"] for row in self._rows("registers")}
        before: dict[tuple[int, str], dict[str, Any]] = {}
        days: dict[int, list[str]] = {}
        for row in self._rows("mail_numbers"):
            days.setdefault(row["register_id"], []).append(row["registered_on"])
        for row in sorted(self._rows("register_closings"), key=lambda row: row["sequence"]):
            of = (row["register_id"], row["period"])
            what = f"clôture du registre {registers[row['register_id']]} au {row['until_on']}"
            body = {
                "register": row["register_id"], "period": row["period"], "sequence": row["sequence"],
                "from_on": row["from_on"], "until_on": row["until_on"], "digest": row["digest"],
                "content": row["content_hash"], "previous": row["previous_digest"] or "",
                "counts": [row["number_count"], row["void_count"], row["rectification_count"]],
            }  # fmt: skip
            last = before.get(of)
            expected = (last["sequence"] + 1, last["digest"]) if last else (1, None)
            numbers = sum(row["from_on"] <= day <= row["until_on"] for day in days.get(row["register_id"], []))
            if not self._signed(canonical(body), row["seal"]):
                yield Line("broken", what, why="n'est pas scellée par la clé du journal")
            elif (row["sequence"], row["previous_digest"]) != expected:
                yield Line("broken", what, why="ne suit pas la clôture d'avant")
            elif row["period"] == "day" and numbers != row["number_count"]:
                yield Line("broken", what, why=f"{numbers} numéros de ces jours au lieu de {row['number_count']}")
            else:
                yield self._by_manifest(what, "la clé du journal", row["closed_at"])
            before[of] = row

    def _listed_signed(self) -> Iterable[dict[str, Any]]:
        return self._lines("signed.jsonl")

    # --- journal

    def _entries(self) -> Iterator[dict[str, Any]]:
        return self._lines("journal/entries.jsonl")

    def _the_chain(self) -> Iterator[Line]:
        content = self._read("journal/hashes.bin")
        hashed = [content[at : at + 32].hex() for at in range(0, len(content), 32)]
        journal = self._manifest["journal"]
        if (len(hashed), hashed[-1] if hashed else "0" * 64) != (journal["count"], journal["head"]):
            yield Line("broken", "journal", why="la chaîne des empreintes n'a pas la fin que dit le manifeste")
        yield from self._the_heads(hashed)
        yield from self._the_anchors(hashed)
        yield from self._own_entries(hashed)

    def _the_heads(self, hashed: Sequence[str]) -> Iterator[Line]:
        previous, count, last = "0" * 64, 0, ""
        for number, line in enumerate(self._read("journal/heads.jsonl").splitlines(), start=1):
            record = json.loads(line)
            head, what = record["head"], f"tête scellée n° {number}"
            if not self._signed(canonical(head), record["signature"]):
                yield Line("broken", what, why="n'est pas signée par la clé du journal")
            elif head["previous"] != previous or not _stands(hashed, head["count"], head["hash"]):
                yield Line("broken", what, why="ne tient pas au journal")
            else:
                count, last = count + 1, head["at"]
            previous = hashlib.sha256(line).hexdigest()
        if count:
            yield self._by_manifest(f"{count} têtes scellées du journal", "la clé du journal", last)

    def _the_anchors(self, hashed: Sequence[str]) -> Iterator[Line]:
        previous = "0" * 64
        lines = self._read("journal/anchors.jsonl").splitlines()
        records = [json.loads(line) for line in lines]
        roots = _roots(hashed, {record["anchor"]["count"] for record in records})
        for line, record in zip(lines, records, strict=True):
            anchor = record["anchor"]
            what = f"ancrage du journal ({anchor['count']} inscriptions)"
            if not self._signed(canonical(anchor), record["signature"]):
                yield Line("broken", what, why="n'est pas signé par la clé du journal")
            elif anchor["previous"] != previous or roots.get(anchor["count"]) != anchor["root"]:
                yield Line("broken", what, why="ne tient pas au journal")
            else:
                yield self._by_manifest(what, "la clé du journal", anchor["at"])
            previous = hashlib.sha256(line).hexdigest()
            path = f"journal/anchors/{int(anchor['count'])}.tst"
            if (self._folder / path).exists():
                stamped = check_token(
                    self._read(path),
                    canonical(anchor),
                    f"horodatage de l'{what}",
                    self._roots,
                    own_roots=self._own_roots,
                )
                yield (
                    stamped
                    if stamped.state != "proven" or self._is_proven
                    else replace(stamped, state="open", why=_BY_FOLDER)
                )

    def _own_entries(self, hashed: Sequence[str]) -> Iterator[Line]:
        count, last = 0, 0
        for entry in self._entries():
            number = entry["sequence"]
            what = f"journal n° {number} : {entry['action']}"
            why = self._wrong(entry, None, None)
            before = hashed[number - 2] if number > 1 else "0" * 64
            if not why and (
                number <= last or not _stands(hashed, number, entry["hash"]) or entry["previous_hash"] != before
            ):
                why = "l'inscription n'est pas à cette place du journal"
            if why:
                yield Line("broken", what, "", entry["at"], why)
            count, last = count + 1, number
        if count != self._manifest["journal"]["entries"]:
            yield Line(
                "broken", "journal", why=f"{count} inscriptions au lieu de {self._manifest['journal']['entries']}"
            )
        else:
            yield self._by_manifest(
                f"{count} inscriptions de l'entité, à leur place parmi les {len(hashed)} du journal"
            )


def _document_path(sha256: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise ValueError("a document's name is no SHA-256")
    return f"files/{sha256[:2]}/{sha256}"


def _is_file(column: str) -> bool:
    return column == "digest" or column.endswith("_digest")


def _stands(hashed: Sequence[str], number: int, value: str) -> bool:
    """Whether the entry with this number has this hash; no entry is number 0."""
    return (0 < number <= len(hashed) and hashed[number - 1] == value) or (number == 0 and value == "0" * 64)


def _roots(hashed: Sequence[str], counts: set[int]) -> dict[int, str]:
    """The root of the Merkle tree (RFC 9162, 2.1) over the first ``count`` hashes, for each of ``counts``."""
    peaks: list[bytes] = []
    found: dict[int, str] = {}
    for number, one in enumerate(hashed, start=1):
        value, merges = hashlib.sha256(b"\x00" + bytes.fromhex(one)).digest(), number
        while merges % 2 == 0:
            value, merges = hashlib.sha256(b"\x01" + peaks.pop() + value).digest(), merges // 2
        peaks.append(value)
        if number in counts:
            whole = peaks[-1]
            for left in reversed(peaks[:-1]):
                whole = hashlib.sha256(b"\x01" + left + whole).digest()
            found[number] = whole.hex()
    return found


def _text(path: Path) -> str:
    return path.read_bytes().decode("ascii", errors="replace").strip()


def canonical(value: object) -> bytes:
    """The canonical bytes of a JSON value: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def root_from(leaf: str, place: int, count: int, siblings: list[str]) -> str:
    """The tree's root computed from a leaf, its place and the leaf count (RFC 9162, 2.1.3.2); empty if impossible."""
    value = hashlib.sha256(b"\x00" + bytes.fromhex(leaf)).digest()
    at, last = place, count - 1
    for sibling in map(bytes.fromhex, siblings):
        if last == 0:
            return ""
        if at & 1 or at == last:
            value = hashlib.sha256(b"\x01" + sibling + value).digest()
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            value = hashlib.sha256(b"\x01" + value + sibling).digest()
        at, last = at >> 1, last >> 1
    return value.hex() if last == 0 else ""


# --- RFC 3161 tokens, by hand: a few structures of DER


def _der(data: bytes, at: int = 0) -> tuple[int, int, int]:
    """(tag, where the content begins, where it ends) of the element at a place."""
    tag, length, start = data[at], data[at + 1], at + 2
    if length & 0x80:
        octets = length & 0x7F
        length, start = int.from_bytes(data[start : start + octets]), start + octets
    if start + length > len(data):
        raise ValueError("DER: too short")
    return tag, start, start + length


def _children(data: bytes) -> list[bytes]:
    """The elements inside an element."""
    _, at, end = _der(data)
    found = []
    while at < end:
        _, _, stop = _der(data, at)
        found.append(data[at:stop])
        at = stop
    return found


def _content(element: bytes) -> bytes:
    _, start, end = _der(element)
    return element[start:end]


def _oid(element: bytes) -> str:
    octets = _content(element)
    numbers, value = [str(min(octets[0] // 40, 2)), str(octets[0] - 40 * min(octets[0] // 40, 2))], 0
    for octet in octets[1:]:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            numbers.append(str(value))
            value = 0
    return ".".join(numbers)


def check_token(
    token: bytes, stamped: bytes, what: str, roots: list[x509.Certificate], *, own_roots: bool = True
) -> Line:
    """Check a time-stamp token over some bytes: imprint, signature, certificate, authority, time."""
    try:
        signed = _children(_content(_children(token)[1]))
        info = _content(_children(_children(signed[2])[1])[0])
        certificates = [one for one in signed if one[0] == 0xA0]
        found = [x509.load_der_x509_certificate(one) for one in _children(certificates[0])] if certificates else []
        fields = _children(info)
        imprint, when = _children(fields[2]), _time(fields[4])
        algorithm = _HASHES[_oid(_children(imprint[0])[0])]()
        if _oid(_children(signed[2])[0]) != _TST_INFO or _digest(algorithm, stamped) != _content(imprint[1]):
            return Line("broken", what, why="l'horodatage porte sur d'autres octets")
        signer = _signer_of(_children(_children(signed[-1])[0]) if signed[-1][0] == 0x31 else [], info, found)
        who = signer.subject.rfc4514_string()
        recognised = _is_for_stamping(signer) and _reaches(signer, found, roots, when)
    except _ODD_TOKEN as error:
        return Line("broken", what, why=f"l'horodatage est altéré ({type(error).__name__})")
    if not recognised:
        return Line("open", what, who, when.isoformat(), "autorité d'horodatage non reconnue (--trust)")
    state = "proven" if own_roots else "open"
    return Line(state, what, who, when.isoformat(), "" if own_roots else _BY_ITS_ROOT)


def _time(element: bytes) -> datetime:
    text = _content(element).decode("ascii").rstrip("Z")
    whole, _, fraction = text.partition(".")
    found = datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return found.replace(microsecond=int(fraction.ljust(6, "0")[:6])) if fraction else found


def _digest(algorithm: hashes.HashAlgorithm, content: bytes) -> bytes:
    found = hashes.Hash(algorithm)
    found.update(content)
    return found.finalize()


def _signer_of(info: list[bytes], content: bytes, certificates: list[x509.Certificate]) -> x509.Certificate:
    """The certificate whose key made the SignerInfo (RFC 5652, 5.3) over the content.

    Raises:
        InvalidSignature: no certificate fits.
    """
    attributes = next(one for one in info if one[0] == 0xA0)
    place = info.index(attributes)
    algorithm = _HASHES[_oid(_children(info[place - 1])[0])]()
    signed_digest = next(
        _content(_children(_children(one)[1])[0])
        for one in _children(attributes)
        if _oid(_children(one)[0]) == _MESSAGE_DIGEST
    )
    if signed_digest != _digest(algorithm, content):
        raise InvalidSignature
    signature = _content(info[place + 2])
    for certificate in certificates:
        if _verifies(certificate, signature, b"\x31" + attributes[1:], algorithm):
            return certificate
    raise InvalidSignature


def _verifies(certificate: x509.Certificate, signature: bytes, content: bytes, algorithm: hashes.HashAlgorithm) -> bool:
    key = certificate.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, content, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, content, ec.ECDSA(algorithm))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, content)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _is_for_stamping(certificate: x509.Certificate) -> bool:
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return ExtendedKeyUsageOID.TIME_STAMPING in purposes


def _reaches(
    certificate: x509.Certificate, others: list[x509.Certificate], roots: list[x509.Certificate], at: datetime
) -> bool:
    """Whether a chain of certificates valid at that time leads from this certificate to a root."""
    for _ in range(_ISSUER_DEPTH):
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            return False
        if certificate in roots:
            return True
        issuer = next((one for one in [*roots, *others] if _issued(certificate, one)), None)
        if issuer is None:
            return False
        certificate = issuer
    return False


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    if certificate == issuer or certificate.issuer != issuer.subject or not _is_authority(issuer):
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


# --- PDF signatures, by pyHanko


def check_pdf(
    pdf: bytes,
    name: str,
    revisions: list[str] | None,
    roots: list[x509.Certificate],
    now: datetime,
    *,
    own_roots: bool = True,
) -> Iterator[Line]:
    """Check each signature of a PDF: its bytes, its signer, and that only listed revisions follow.

    Args:
        revisions: SHA-256 of the file at each step of its issue, from a trusted source. None without a trusted source:
            the bytes behind a signature are then open.

    Raises:
        ImportError: pyHanko is not installed.
    """
    try:
        embedded = _embedded(pdf)
    except ImportError:
        raise
    except Exception as error:  # noqa: BLE001  pyHanko raises anything on malformed files
        yield Line("broken", f"signatures de {name}", why=f"illisible ({type(error).__name__})")
        return
    if not embedded:
        yield Line("broken", f"signatures de {name}", why="le document n'en porte plus")
    for one in embedded:
        try:
            yield _pdf_line(one, pdf, name, revisions, roots, now, own_roots=own_roots)
        except Exception as error:  # noqa: BLE001  as above
            yield Line("broken", f"signature {one.field_name} de {name}", why=f"illisible ({type(error).__name__})")


def _embedded(pdf: bytes) -> list[Any]:
    from pyhanko.pdf_utils.reader import PdfFileReader

    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
    logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)
    return list(PdfFileReader(BytesIO(pdf), strict=False).embedded_signatures)


def _status(embedded: Any, roots: list[x509.Certificate], moment: datetime, *, skip_diff: bool = True) -> Any:
    """pyHanko's status of a signature as of that moment."""
    from asn1crypto import x509 as asn1
    from pyhanko.sign.validation.pdf_embedded import async_validate_pdf_signature, async_validate_pdf_timestamp
    from pyhanko.sign.validation.settings import KeyUsageConstraints
    from pyhanko_certvalidator import ValidationContext

    usage = KeyUsageConstraints(key_usage={"non_repudiation", "digital_signature"}, match_all_key_usages=False)
    anchors = [asn1.Certificate.load(one.public_bytes(serialization.Encoding.DER)) for one in roots]
    context = ValidationContext(trust_roots=anchors, moment=moment, allow_fetching=False)
    if embedded.sig_object_type == "/DocTimeStamp":
        return asyncio.run(async_validate_pdf_timestamp(embedded, context, skip_diff=skip_diff))
    return asyncio.run(async_validate_pdf_signature(embedded, context, key_usage_settings=usage, skip_diff=skip_diff))


def _is_trusted(embedded: Any, status: Any) -> bool:
    """Whether a chain from a root reaches the certificate, and its purposes allow this signature."""
    purposes = embedded.signer_cert.extended_key_usage_value
    is_stamp = embedded.sig_object_type == "/DocTimeStamp"  # pyHanko checks the purpose itself
    named = set(purposes.native) if purposes is not None else _SIGNING_PURPOSES
    if "server_auth" in named:
        named = named - {"client_auth"}  # the certificate of a web server names both
    return bool(status.trusted) and (is_stamp or bool(_SIGNING_PURPOSES & named))


def _signer_name(embedded: Any) -> str:
    return str(embedded.signer_cert.subject.native.get("common_name", ""))


def _times(status: Any) -> tuple[datetime | None, datetime | None]:
    """(time that a trusted time-stamp proves, time that the signer claims)."""
    stamp = getattr(status, "timestamp_validity", None) or (status if hasattr(status, "timestamp") else None)
    proven = stamp.timestamp if stamp is not None and stamp.intact and stamp.valid and stamp.trusted else None
    return proven, getattr(status, "signer_reported_dt", None)


def _signed_end(embedded: Any, pdf: bytes) -> int:
    """The end of the signed bytes; 0 when they leave out more than the signature itself.

    The gap between the two signed parts must be the signature in hexadecimal and nothing else. The signature does not
    cover the gap: else the padding could hide any entry of the dictionary around it.
    """
    start, gap, after, tail = (int(one) for one in embedded.byte_range)
    left_out = pdf[gap:after]
    if start or not (left_out.startswith(b"<") and left_out.endswith(b">")):
        return 0
    try:
        is_whole = bytes.fromhex(left_out[1:-1].decode("ascii")) == embedded.pkcs7_content
    except ValueError:
        return 0
    return after + tail if is_whole else 0


def _is_signed_letter(pdf: bytes, begin: int, signer: str, roots: list[x509.Certificate]) -> bool:
    """Whether the named signer's trusted signature covers the pages and all that changes them.

    Only validation data and time-stamps may follow the signature (pyHanko's difference policy, level LTA).
    """
    from pyhanko.sign.diff_analysis import ModificationLevel

    now = datetime.now(UTC)
    for embedded in _embedded(pdf):
        end = _signed_end(embedded, pdf)
        if end <= begin or embedded.sig_object_type == "/DocTimeStamp" or not _is_named(_signer_name(embedded), signer):
            continue
        status = _status(embedded, roots, now, skip_diff=False)
        proven, _ = _times(status)
        if not status.trusted and proven is not None:
            status = _status(embedded, roots, proven, skip_diff=False)
        level = status.modification_level or ModificationLevel.OTHER
        only_proof = end == len(pdf) or level <= ModificationLevel.LTA_UPDATES
        if status.intact and status.valid and _is_trusted(embedded, status) and only_proof:
            return True
    return False


def _is_named(name: str, signer: str) -> bool:
    """Whether a certificate's name is the signer named in a code; a code cuts long names."""
    return bool(signer) and (name == signer or (len(signer.encode()) > _CUT_FROM and name.startswith(signer)))


def _pdf_line(
    embedded: Any,
    pdf: bytes,
    name: str,
    revisions: list[str] | None,
    roots: list[x509.Certificate],
    now: datetime,
    *,
    own_roots: bool,
) -> Line:
    status = _status(embedded, roots, now)
    who = _signer_name(embedded)
    what = f"signature {embedded.field_name} de {name}"
    end = _signed_end(embedded, pdf)
    if not (status.intact and status.valid and end):
        return Line("broken", what, who, why="le contenu signé a été altéré")
    if end != len(pdf) and revisions is not None and not _only_listed(pdf, end, revisions):
        return Line("broken", what, who, why="le fichier a été modifié après cette signature")
    proven, claimed = _times(status)
    when = proven or claimed
    if not status.trusted and when is not None and (proven or revisions is not None):
        # Without a time-stamp, the signer only claims the time; the journal's anchor gives the latest possible time.
        status = _status(embedded, roots, when)
    moment = "" if when is None else f"{when.isoformat()} ({'horodaté' if proven else 'heure du signataire'})"
    if not _is_trusted(embedded, status):
        return Line("open", what, who, moment, _NO_CERTIFICATE)
    if not own_roots:
        return Line("open", what, who, moment, _BY_ITS_ROOT)
    if end != len(pdf) and revisions is None:
        return Line("open", what, who, moment, f"des octets la suivent, qui peuvent tout changer : {_BY_FOLDER}")
    return Line("proven", what, who, moment)


def _only_listed(pdf: bytes, end: int, revisions: list[str]) -> bool:
    """Whether the file up to the end of the signed bytes, and the whole file, are listed revisions, in order."""
    listed = {digest: place for place, digest in enumerate(revisions)}
    first = listed.get(hashlib.sha256(pdf[:end]).hexdigest())
    whole = listed.get(hashlib.sha256(pdf).hexdigest())
    return first is not None and whole is not None and first < whole


if __name__ == "__main__":
    sys.exit(main())
