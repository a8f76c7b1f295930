"""A first letter in a made installation: registered by HTTPS through its proxy, read, found again.

`deploy/try.sh` calls this beside an installation, with its programs and certificate and without its data. It knows the site
only by its pages; the name of the site is taken to be this machine, whatever the network says.

    python -m demo.first_letter prepare DATA URL      # a made ministry in an empty folder
    python -m demo.first_letter play DATA URL         # when site, worker and proxy run
"""

import io
import re
import socket
import ssl
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from demo.client import Person
from demo.installation import prepare
from demo.letters import make_letters
from demo.people import PASSWORD

WAIT_S = 180.0
SUBJECT = "Une première lettre"


def main(words: list[str]) -> int:
    """Do what the words name; 0, or 1 with the step that failed."""
    what, data, url = words
    try:
        if what == "prepare":
            prepare(Path(data), extra={"GED_PUBLIC_URL": url, "GED_PROXIES": "1"}, say=print)
        else:
            play(url)
    except AssertionError as error:
        print(f"essai : {error}", file=sys.stderr)
        return 1
    return 0


def play(url: str) -> None:
    """Sign in, register a letter with its scan, wait until it is found by a word.

    Raises:
        AssertionError: the step that failed.
    """
    _resolve_to_this_machine(urlsplit(url).hostname or "")
    began = time.monotonic()
    _until("the site", lambda: httpx.get(f"{url}/sante/site", verify=ssl.create_default_context()).status_code == 200)
    clerk = Person(url, "bo.agent", PASSWORD)
    _print_step(began, "connexion par HTTPS")
    safe = any(cookie.name.startswith("__Host-") for cookie in clerk.http.cookies.jar)
    assert safe or url.startswith("http://"), "the session's cookie is not one of https"
    form = clerk.open("/enregistrer/").form("/enregistrer")
    authority = next(value for value, text in form.choices["addressed_post_id"] if "Secrétaire générale" in text)
    letter = make_letters(1, 1)[0]
    word = max(re.findall(r"[a-zéèêà]{6,}", letter.pages_text[0]), key=len)
    page = clerk.send(
        form,
        {
            "addressed_post_id": authority,
            "sender_name": letter.sender,
            "subject": SUBJECT,
            "written_on": letter.written_on.strftime("%d/%m/%Y"),
            "enclosure_count": "0",
        },
    )
    number = page.text.split('class="confirmation__detail">', 1)[1].split("<", 1)[0].strip()
    mail = urlsplit(page.link("/courriers/")).path
    _print_step(began, f"courrier enregistré : {number}")
    scan = _scan(letter.draw(1))
    clerk.send(clerk.open(f"{mail}/fichier").form("/fichier"), {}, files=[("file", ("lettre.tif", scan, "image/tiff"))])
    _print_step(began, f"page jointe, {len(scan) / 1e6:.1f} Mo")
    _until("the letter in the search", lambda: number in clerk.open(f"/recherche/?q={word}").words)
    _print_step(began, f"trouvé par un mot de sa page : « {word} »")
    clerk.close()


def _scan(image: Any) -> bytes:
    # Without compression, as large as scanners make them: more than a proxy lets through by itself.
    out = io.BytesIO()
    image.convert("L").save(out, "TIFF", dpi=(300, 300))
    return out.getvalue()


def _print_step(began: float, what: str) -> None:
    print(f"  {time.monotonic() - began:6.2f} s  {what}", flush=True)


def _until(what: str, condition: Any) -> None:
    ends = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < ends, f"{what}: not within {WAIT_S:.0f} s"
        time.sleep(0.5)


def _resolve_to_this_machine(name: str) -> None:
    """A new server is tried before its name is in the network."""
    ask = socket.getaddrinfo

    def near(host: Any, *words: Any, **named: Any) -> Any:
        return ask("127.0.0.1" if host in (name, name.encode()) else host, *words, **named)

    socket.getaddrinfo = near


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
