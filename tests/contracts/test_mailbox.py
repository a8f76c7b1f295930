"""``Mailbox`` over a real IMAP server: implicit TLS and STARTTLS, messages moved or deleted after their collection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from ged.adapters.imap import ImapMailbox
from ged.errors import EngineFailed
from ged.ports import Mailbox, OpenMailbox
from tests.mailbox_kit import deliver, held, mailbox_settings
from tests.servers import imap
from tests.wire import Wire

pytestmark = [pytest.mark.in_turns(3), pytest.mark.servers]


@pytest.fixture(params=["moved", "deleted", "starttls"])
def changes(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, object]:
    base = mailbox_settings(tmp_path, "BO")  # skips the test where there is no server
    given: dict[str, dict[str, object]] = {
        "moved": {}, "deleted": {"done": ""}, "starttls": {"tls": "starttls", "port": imap.ports(imap.server())[1]},
    }  # fmt: skip
    return {"user": base.user, **given[request.param]}


@pytest.fixture
def box(tmp_path: Path, changes: dict[str, object]) -> ImapMailbox:
    return ImapMailbox(mailbox_settings(tmp_path, "BO", **changes))


def mail(number: int) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = f"Lettre {number}"
    message["From"] = "prefet@ogou.example"
    message.set_content("Monsieur le Ministre,\n" * (number + 1))
    return message


def test_what_waits_is_told_oldest_first_with_its_size_and_read_as_often_as_wanted(box: ImapMailbox) -> None:
    mails = [mail(number) for number in range(3)]
    deliver(box, *mails)
    port: Mailbox = box
    assert (port.name, port.unit_code) == ("courrier", "BO")
    with port.open() as opened:
        refs = opened.waiting()
        assert [ref.uid for ref in refs] == sorted(ref.uid for ref in refs)
        read = [opened.read(ref) for ref in refs]
        assert [ref.size_bytes for ref in refs] == [len(raw or b"") for raw in read]
        assert [opened.read(ref) for ref in refs] == read
    assert [(raw or b"").replace(b"\r\n", b"\n") for raw in read] == [
        one.as_bytes().replace(b"\r\n", b"\n") for one in mails
    ]
    with port.open() as opened:  # a new connection sees these messages under their earlier numbers, still as new ones
        assert opened.waiting() == refs
        assert opened._client.search(["UNSEEN"]) == [ref.uid for ref in refs]  # type: ignore[attr-defined]


def test_what_is_put_away_waits_no_more_and_what_is_refused_goes_to_the_errors(box: ImapMailbox) -> None:
    deliver(box, *(mail(number) for number in range(3)))
    with box.open() as opened:
        first, second, third = opened.waiting()
        opened.put_away(second, refused=False)
        opened.put_away(first, refused=True)
        assert opened.waiting() == [third]
        assert opened.read(first) is None
        assert opened.read(second) is None
        assert opened.read(third) is not None
    assert held(box, "INBOX") == 1
    assert held(box, box._settings.errors) == 1
    assert not box._settings.done or held(box, box._settings.done) == 1


def test_a_wrong_password_is_no_fault_of_the_network(tmp_path: Path, changes: dict[str, object]) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("inconnu")
    box = ImapMailbox(mailbox_settings(tmp_path, "BO", **changes, password_file=wrong))
    with pytest.raises(EngineFailed) as failed, box.open():
        pytest.fail("a wrong password opens the mailbox")
    assert (failed.value.code, failed.value.retryable) == ("mailbox.login", False)
    assert "inconnu" not in str(failed.value)


@pytest.fixture
def wire(box: ImapMailbox) -> Iterator[Wire]:
    relay = Wire(box._settings.port)
    yield relay
    relay.stop()


@pytest.mark.parametrize(
    "act",
    [
        lambda opened: opened.waiting(),
        lambda opened: opened.read(opened.first),
        lambda opened: opened.put_away(opened.first, refused=False),
    ],
)
def test_a_server_that_goes_is_told_by_every_method_and_the_message_is_still_there(
    tmp_path: Path, changes: dict[str, object], box: ImapMailbox, wire: Wire, act: Callable[[OpenMailbox], object]
) -> None:
    deliver(box, mail(1))
    far = ImapMailbox(mailbox_settings(tmp_path, "BO", **{**changes, "port": wire.port}))

    def use() -> None:
        with far.open() as opened:
            (opened.first,) = opened.waiting()  # type: ignore[attr-defined]
            wire.cut()
            act(opened)

    with pytest.raises(EngineFailed) as failed:
        use()
    assert (failed.value.code, failed.value.retryable) == ("mailbox.unavailable", True)
    with box.open() as opened:
        assert len(opened.waiting()) == 1
