"""``ged token``: the signed code on a letter, checked on any machine, without a network."""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from ged.case_export import verifier
from ged.paper import public
from ged.ports import TokenCheck
from ged.signed_codes.queries import published_keys
from ged_verify import printable
from web.commands.shared import settings_of
from web.wiring.services import build_services, build_token_reader

_END = b"%%EOF"


@click.group()
def token() -> None:
    """The signed code printed on letters."""


@token.command("verify")
@click.argument("code")
@click.option(
    "--cert",
    "certificates",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Certificates of the institution (PEM), such as its site's /pki/jetons.pem; may be repeated. "
    "Without any: those of this installation.",
)
@click.option(
    "--file", "pdf", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The signed PDF, to compare."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def token_verify(code: str, certificates: tuple[Path, ...], pdf: Path | None, as_json: bool) -> None:
    """Show what CODE (the text of the QR code, or - to read it) states, and whether the institution signed it.

    Exit 0: it did, and the file is an issued file; 1: not proven; 3: the file begins with the letter's pages, but
    whether the rest of the file changes them is not known here.
    """

    text = sys.stdin.read() if code == "-" else code
    held = [path.read_text("ascii") for path in certificates] or _published()
    found = build_token_reader().check(text, held)
    content = pdf.read_bytes() if pdf is not None else None
    same = _bears(content, found) if content is not None else None
    issued = bool(
        same and content is not None and (_is_all_of_it(content, found) or _issued(text, content, certificates))
    )
    click.echo(json.dumps(_values(found, same, issued), ensure_ascii=False) if as_json else _words(found, same, issued))
    sys.exit(1 if found.state != "proven" or same is False else 3 if same and not issued else 0)


def _published() -> list[str]:

    services = build_services(settings_of())
    try:
        with services.reading() as session:
            return list(published_keys(session))
    finally:
        services.engine.dispose()


def _is_all_of_it(pdf: bytes, found: "TokenCheck") -> bool:
    """Whether the file is the letter before mark and signature, and nothing else."""
    return found.facts is not None and hashlib.sha256(pdf).hexdigest() == found.facts.digest


def _issued(text: str, pdf: bytes, certificates: tuple[Path, ...]) -> bool:
    """Whether this installation issued exactly this file; False outside of the issuing installation."""

    if certificates:
        return False
    services = build_services(settings_of())
    try:
        code = "".join(text.split()).rstrip("/").rpartition("/")[2]
        answer = public.compare(services, code, hashlib.sha256(pdf).hexdigest())
    finally:
        services.engine.dispose()
    return answer is not None and answer[1] is not public.FileState.OTHER


def _bears(pdf: bytes, found: "TokenCheck") -> bool:
    """Whether the file begins with the letter's bytes before mark and signature."""
    wanted = found.facts.digest if found.facts is not None else ""
    return any(hashlib.sha256(pdf[:end]).hexdigest() == wanted for end in _ends(pdf))


def _ends(pdf: bytes) -> Iterator[int]:
    """Offsets at which a revision of the file may end."""
    at = pdf.find(_END)
    while at >= 0:
        end = at + len(_END)
        yield from (end + length for length in range(3) if not pdf[end : end + length].strip(b"\r\n"))
        at = pdf.find(_END, end)


def _values(found: "TokenCheck", same: bool | None, issued: bool) -> dict[str, object]:
    facts = found.facts
    return {
        "state": found.state.value,
        "number": facts.number if facts else "",
        "date": facts.on.isoformat() if facts else "",
        "signer": facts.signer if facts else "",
        "sha256": facts.digest if facts else "",
        "key": found.key_id,
        "by": found.by,
        "file_bears_it": same,
        "file_issued": issued if same is not None else None,
    }


def _words(found: "TokenCheck", same: bool | None, issued: bool) -> str:

    verdicts = {
        "proven": f"PROVEN: signed by {found.by}",
        "forged": "FORGED: it names the key of the institution, which did not sign it",
        "unknown_key": f"NOT PROVEN: no certificate given for the key {found.key_id}",
        "unreadable": "UNREADABLE: this is no code of a letter",
    }
    lines = [verdicts[found.state.value]]
    if found.facts is not None:
        facts = found.facts
        lines += [f"number  {facts.number}", f"date    {facts.on.isoformat()}", f"signer  {facts.signer}"]
        lines += [f"sha256  {facts.digest} (before mark and signature)"]
    if same is not None:
        begins = "begins with that letter; what follows may cover its pages, judge it by: ged signatures"
        said = ("is that letter, as issued" if issued else begins) if same else "is NOT that letter"
        lines.append(f"file    {said}")
    lines.append(f"ged_verify.py checks this without us; SHA-256 of the genuine one: {verifier()[1]}")
    return "\n".join(map(printable, lines))
