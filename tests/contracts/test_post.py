"""``Post`` over every plug: a folder and a real SMTP server, with good, wrong, expired and foreign certificates."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from threading import Thread

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from ged.adapters.post_smtp import FolderPost, SmtpPost
from ged.errors import ConfigError, EngineFailed
from ged.ports import Message, Post
from tests.tls_kit import DAY, HOST, TestAuthority, authority, lead_here

LETTER = Message(
    message_id="<depart-7@ged.example>",
    to="prefet.ogou@example.tg",
    subject="Réponse n° 00012/2026 : « poteaux »",
    text="Madame la Préfète,\n\nveuillez trouver ci-joint notre réponse.\n",
    attachment_name="00012-2026.pdf",
    attachment=b"%PDF-1.7\n%%EOF\n",
)
SENDER = "courrier@ministere.example"


class Server:
    """A mail server and the messages that it got."""

    def __init__(self) -> None:
        self.secrets: list[bytes] = []
        self.letters: list[bytes] = []
        self.refused, self.answer = "", "550 no such mailbox"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address == self.refused:
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.letters.append(envelope.content)
        return "250 OK"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.secrets.append(data.password)
        return AuthResult(success=data.password == b"mot de passe", handled=False)


@contextmanager
def serving(
    seen: Server, *, implicit: ssl.SSLContext | None = None, offered: ssl.SSLContext | None = None
) -> Iterator[int]:
    """A mail server on a free port of this machine, with implicit TLS, STARTTLS or no TLS."""
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Server]] = Future()

    def protocol() -> SMTP:
        return SMTP(seen, tls_context=offered, authenticator=seen.authenticate, auth_require_tls=False)

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=implicit)
        started.set_result((loop, server))
        with suppress(asyncio.CancelledError):
            await server.serve_forever()

    thread = Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    loop, server = started.result(timeout=30)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        thread.join(timeout=30)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestAuthority:
    lead_here(monkeypatch, HOST, "imposteur.example")
    return authority(tmp_path, "autorite-du-ministere")


Way = Callable[[int], str]
STARTTLS: Way = lambda port: f"smtp://agent:mot%20de%20passe@{HOST}:{port}"  # noqa: E731
IMPLICIT: Way = lambda port: f"smtps://agent:mot%20de%20passe@{HOST}:{port}"  # noqa: E731


@contextmanager
def _serving(way: Way, seen: Server, context: ssl.SSLContext) -> Iterator[int]:
    with serving(seen, **({"offered": context} if way is STARTTLS else {"implicit": context})) as port:
        yield port


@pytest.fixture(params=["folder", "starttls", "smtps", "loopback"])
def delivered(
    request: pytest.FixtureRequest, tmp_path: Path, house: TestAuthority
) -> Iterator[tuple[Post, Callable[[], bytes]]]:
    """Each plug, and a function that returns its delivered messages."""
    seen = Server()
    if request.param == "folder":
        folder = tmp_path / "outbox"
        yield FolderPost(folder, SENDER), lambda: next(folder.glob("*.eml")).read_bytes()
        return
    if request.param == "loopback":
        with serving(seen) as port:
            yield SmtpPost(f"smtp://127.0.0.1:{port}", SENDER), lambda: seen.letters[0]
        return
    way = STARTTLS if request.param == "starttls" else IMPLICIT
    with _serving(way, seen, house.server(tmp_path, HOST)) as port:
        yield SmtpPost(way(port), SENDER, ca_file=house.file), lambda: seen.letters[0]


def test_a_letter_arrives_whole(delivered: tuple[Post, Callable[[], bytes]]) -> None:
    post, arrived = delivered
    post.send(LETTER)
    mail = message_from_bytes(arrived(), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert (mail["Message-ID"], mail["From"], mail["To"]) == (LETTER.message_id, SENDER, LETTER.to)
    assert mail["Subject"] == LETTER.subject
    body = mail.get_body()
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == LETTER.text
    (attached,) = mail.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == (LETTER.attachment_name, LETTER.attachment)


@pytest.mark.parametrize("way", [STARTTLS, IMPLICIT], ids=["starttls", "smtps"])
@pytest.mark.parametrize("fault", ["another name", "expired", "foreign authority", "self-signed"])
def test_a_certificate_that_is_not_good_gets_neither_password_nor_letter(
    tmp_path: Path, house: TestAuthority, way: Way, fault: str
) -> None:
    foreign = authority(tmp_path, "autorite-etrangere")
    context = {
        "another name": lambda: house.server(tmp_path, "imposteur.example"),
        "expired": lambda: house.server(tmp_path, HOST, ends=-DAY),
        "foreign authority": lambda: foreign.server(tmp_path, HOST),
        "self-signed": lambda: authority(tmp_path, HOST).server(tmp_path, HOST),
    }[fault]()
    seen = Server()
    with _serving(way, seen, context) as port, pytest.raises(EngineFailed) as refused:
        SmtpPost(way(port), SENDER, ca_file=house.file).send(LETTER)
    assert refused.value.code == "post.certificate"
    assert refused.value.retryable, "nothing left"
    assert (seen.secrets, seen.letters) == ([], [])


@pytest.mark.parametrize("way", [STARTTLS, IMPLICIT], ids=["starttls", "smtps"])
def test_without_an_authority_of_its_own_the_systems_are_asked(tmp_path: Path, house: TestAuthority, way: Way) -> None:
    seen = Server()
    with _serving(way, seen, house.server(tmp_path, HOST)) as port, pytest.raises(EngineFailed) as refused:
        SmtpPost(way(port), SENDER).send(LETTER)
    assert (refused.value.code, seen.secrets, seen.letters) == ("post.certificate", [], [])


@pytest.mark.parametrize("user", ["", "agent:secret@"])
def test_beyond_this_machine_nothing_goes_in_clear(house: TestAuthority, user: str) -> None:
    seen = Server()
    with serving(seen) as port, pytest.raises(EngineFailed) as refused:
        SmtpPost(f"smtp://{user}{HOST}:{port}", SENDER, ca_file=house.file).send(LETTER)
    assert (refused.value.code, refused.value.retryable) == ("post.no_tls", True)
    assert (seen.secrets, seen.letters) == ([], [])


def test_a_wrong_password_is_told_and_may_be_tried_again(tmp_path: Path, house: TestAuthority) -> None:
    seen = Server()
    with serving(seen, offered=house.server(tmp_path, HOST)) as port, pytest.raises(EngineFailed) as refused:
        SmtpPost(f"smtp://agent:faux@{HOST}:{port}", SENDER, ca_file=house.file).send(LETTER)
    assert (refused.value.code, refused.value.retryable, seen.letters) == ("post.failed", True, [])


def test_a_refused_address_is_not_tried_again(tmp_path: Path, house: TestAuthority) -> None:
    seen = Server()
    seen.refused = LETTER.to
    with serving(seen, offered=house.server(tmp_path, HOST)) as port, pytest.raises(EngineFailed) as refused:
        SmtpPost(STARTTLS(port), SENDER, ca_file=house.file).send(LETTER)
    assert (refused.value.code, refused.value.retryable) == ("post.refused", False)


@pytest.mark.parametrize("answer", ["450 greylisted, try again later", "421 too busy"])
def test_an_address_that_is_put_off_is_tried_again(answer: str) -> None:
    seen = Server()
    seen.refused, seen.answer = LETTER.to, answer
    with serving(seen) as port, pytest.raises(EngineFailed) as refused:
        SmtpPost(f"smtp://127.0.0.1:{port}", SENDER).send(LETTER)
    assert (refused.value.code, refused.value.retryable) == ("post.failed", True)
    assert seen.letters == []


def test_an_authority_that_cannot_be_read_is_refused_at_start(tmp_path: Path) -> None:
    empty = tmp_path / "vide.pem"
    empty.touch()
    for file in (empty, tmp_path / "absent.pem"):
        with pytest.raises(ConfigError, match="readable PEM"):
            SmtpPost(f"smtps://{HOST}", SENDER, ca_file=file)


@pytest.mark.parametrize("end", ["\r\n", "\v", "\x1c", "\x85", "\u2028"])
def test_a_subject_of_two_lines_is_one_line_and_adds_no_header(tmp_path: Path, end: str) -> None:
    FolderPost(tmp_path, SENDER).send(replace(LETTER, subject=f"Alerte{end}Bcc: voleur@mal.example"))
    (kept,) = tmp_path.iterdir()
    mail = message_from_bytes(kept.read_bytes(), policy=policy.default)
    assert mail["Subject"] == "Alerte Bcc: voleur@mal.example"
    assert mail["Bcc"] is None


def test_an_address_in_other_letters_is_an_address(tmp_path: Path) -> None:
    FolderPost(tmp_path, SENDER).send(replace(LETTER, to="éléonore@lomé.tg"))
    (kept,) = tmp_path.iterdir()
    assert message_from_bytes(kept.read_bytes(), policy=policy.default)["To"] == "éléonore@lomé.tg"


@pytest.mark.parametrize(
    "typed",
    [
        "prefet@example.tg\nBcc: voleur@mal.example",
        "a@example.tg, b@example.tg",
        "a:b@example.tg",
        "(a@example.tg",
        "a@[example.tg",
        "",
    ],
)
def test_what_is_not_one_address_is_sent_nowhere(tmp_path: Path, typed: str) -> None:
    """Else it goes to several, or to another address than the one that the journal names."""
    with pytest.raises(EngineFailed, match=r"post\.refused") as refused:
        FolderPost(tmp_path, SENDER).send(replace(LETTER, to=typed))
    assert not refused.value.retryable
    assert list(tmp_path.iterdir()) == []
