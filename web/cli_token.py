"""``ged token``: the signed code on a letter, checked on any machine, without a network."""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ged.ports import TokenCheck

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
    """Say what CODE (the text of the QR code, or - to read it) states, and whether the institution signed it.

    Exit 0: it did, and the file bears the same letter; 1: not proven.
    """
    from web.bootstrap import build_token_reader

    text = sys.stdin.read() if code == "-" else code
    held = [path.read_text("ascii") for path in certificates] or _published()
    found = build_token_reader().check(text, held)
    same = _bears(pdf.read_bytes(), found) if pdf is not None else None
    click.echo(json.dumps(_values(found, same), ensure_ascii=False) if as_json else _words(found, same))
    sys.exit(0 if found.state == "proven" and same is not False else 1)


def _published() -> list[str]:
    from ged.signbook.tokens import published_keys
    from web.bootstrap import build_services
    from web.cli import settings_of

    services = build_services(settings_of())
    try:
        with services.reading() as session:
            return list(published_keys(session))
    finally:
        services.engine.dispose()


def _bears(pdf: bytes, found: "TokenCheck") -> bool:
    """Whether the file begins with the letter as it was before mark and signature."""
    wanted = found.facts.digest if found.facts is not None else ""
    return any(hashlib.sha256(pdf[:end]).hexdigest() == wanted for end in _ends(pdf))


def _ends(pdf: bytes) -> Iterator[int]:
    """Where a revision of the file may end."""
    at = pdf.find(_END)
    while at >= 0:
        end = at + len(_END)
        yield from (end + length for length in range(3) if not pdf[end : end + length].strip(b"\r\n"))
        at = pdf.find(_END, end)


def _values(found: "TokenCheck", same: bool | None) -> dict[str, object]:
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
    }


def _words(found: "TokenCheck", same: bool | None) -> str:
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
        said = "begins with that letter; judge what follows by: ged signatures" if same else "is NOT that letter"
        lines.append(f"file    {said}")
    return "\n".join(lines)
