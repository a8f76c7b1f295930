"""Each step of signing loads its data once, before the locks, and typesets each page once."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from ged import typeset
from ged.errors import Invalid, StaleVersion
from ged.ports import UnlockedKey
from ged.register.models import MailNumber
from ged.signbook import book, operations, presign, render
from ged.signbook.models import Draft
from ged.slips import drafting
from ged.slips import operations as slips
from ged.slips.drafting import LineForm
from tests import slip_kit
from tests.factories import NOW, actor, make_organisation, make_services
from tests.signbook_kit import House, house
from web.site.errors import status_of

__all__ = ["house"]

pytestmark = pytest.mark.in_turns(3)


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count typeset pages by template, and reads of letters and plans."""
    found: Counter[str] = Counter()
    count(monkeypatch, found, typeset, "_set", lambda template, *_: template.name)
    count(monkeypatch, found, book, "require", lambda *_: "letter read")
    count(monkeypatch, found, book, "locked", lambda *_: "letter locked")
    count(monkeypatch, found, drafting, "plan", lambda *_: "slip planned")
    render._mark.cache_clear()
    return found


def count(
    monkeypatch: pytest.MonkeyPatch, found: Counter[str], module: object, name: str, called: Callable[..., str]
) -> None:
    real = getattr(module, name)

    def counting(*words: object, **named: object) -> object:
        found[called(*words)] += 1
        return real(*words, **named)

    monkeypatch.setattr(module, name, counting)


def ready(house: House) -> operations.ToSign:
    mail_id = house.ready()
    return operations.ToSign(mail_id, house.version_no(mail_id))


def sign(house: House, letter: operations.ToSign, key: UnlockedKey) -> operations.SignResult:
    (result,) = operations.sign_many(house.services, [letter], key=key, actor=house.who("sg"), now=NOW)
    return result


def test_a_signature_reads_the_letter_once_before_its_locks_and_sets_it_once(
    house: House, counts: Counter[str]
) -> None:
    letter, key = ready(house), house.key("sg")
    checked = presign.check(house.services, letter.mail_id, actor=house.who("sg"), now=NOW)  # the page with the button
    assert not checked.blocks
    counts.clear()
    assert sign(house, letter, key).failure is None
    # One read for the check, one under the lock that numbers the letter, one under the lock that completes the
    # signature.
    assert counts == {"letter read": 1, "letter locked": 2, "letter.typ": 1, "letter_mark.typ": 1}


def test_pages_that_this_process_has_not_proven_are_set_again_and_compared(house: House, counts: Counter[str]) -> None:
    letter, key = ready(house), house.key("sg")
    render._preview.cache_clear()
    counts.clear()
    assert sign(house, letter, key).failure is None
    assert counts == {"letter read": 1, "letter locked": 2, "letter.typ": 2, "letter_mark.typ": 1}


def test_another_release_proves_the_pages_anew(
    house: House, counts: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mail_id = house.ready()
    monkeypatch.setattr(render, "release", lambda: ("another",))
    counts.clear()
    for _ in range(2):
        assert not presign.check(house.services, mail_id, actor=house.who("sg"), now=NOW).blocks
    assert counts["letter.typ"] == 1


def test_the_release_is_that_of_the_templates_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "letter.typ").write_text("one")
    monkeypatch.setattr(typeset, "TEMPLATES", tmp_path)
    before = typeset.release()
    assert typeset.release() == before
    (tmp_path / "letter.typ").write_text("another")
    assert typeset.release() != before


def changed_while_looked_at(house: House, monkeypatch: pytest.MonkeyPatch, mail_id: int, **values: object) -> None:
    """Between the check and the lock, a change of the draft's row that raises no version: the worst case."""
    real = presign.judge

    def late(*words: Any) -> presign.Checked:
        checked = real(*words)
        with house.services.unit_of_work(NOW) as uow:
            uow.session.execute(update(Draft).where(Draft.mail_id == mail_id).values(**values))
        return checked

    monkeypatch.setattr(presign, "judge", late)


@pytest.mark.parametrize("what", ["pages", "words"])
def test_what_changed_between_the_look_and_the_lock_is_refused_and_costs_no_number(
    house: House, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    letter, other, key = ready(house), house.ready(), house.key("sg")
    mail_id = letter.mail_id
    with house.services.reading() as session:
        own, foreign = session.get_one(Draft, mail_id), session.get_one(Draft, other)
        values = {"pages": {"preview_id": foreign.preview_id}, "words": {"letter": {**own.letter, "subject": "Autre"}}}
    changed_while_looked_at(house, monkeypatch, mail_id, **values[what])
    result = sign(house, letter, key)
    assert isinstance(result.failure, StaleVersion)
    assert (result.failure.code, status_of(result.failure), result.number) == ("draft.changed", 409, "")
    assert house.signer.signed == 0
    with house.services.reading() as session:
        assert session.query(MailNumber).filter_by(mail_id=mail_id).count() == 0


def test_a_signature_over_words_that_are_not_the_letters_any_more_is_not_kept(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter, key = ready(house), house.key("sg")
    mail_id = letter.mail_id
    real = house.signer.sign

    def late(*words: Any, **named: Any) -> Any:
        with house.services.unit_of_work(NOW) as uow:
            draft = uow.session.get_one(Draft, mail_id)
            draft.letter = {**draft.letter, "subject": "Autre"}
        return real(*words, **named)

    monkeypatch.setattr(house.signer, "sign", late)
    result = sign(house, letter, key)
    assert result.failure is not None
    assert (result.failure.code, result.number) == ("draft.changed", "00001/2026/MIN/SG")
    assert house.show(mail_id, "sg").signed_id is None


def test_a_slip_is_planned_once_and_set_once(tmp_path: Path, counts: Counter[str]) -> None:
    services = make_services(tmp_path)
    make_organisation(services)
    letter = slip_kit.letter(services)
    counts.clear()
    sent = slip_kit.send(services, LineForm(mail_id=letter))
    assert counts == {"slip planned": 1, "slip.typ": 1, "slip_mark.typ": 1}
    with services.blobs.open(slip_kit.slip(services, sent.slip_id).revisions[-1].digest) as stored:
        assert stored.read().startswith(b"%PDF")
    services.engine.dispose()


def test_a_slip_that_no_font_can_print_costs_no_number(tmp_path: Path) -> None:
    services = make_services(tmp_path)
    make_organisation(services)
    form = slip_kit.form(services, LineForm("Plan \U00013000"))
    with pytest.raises(Invalid, match=r"typeset\.glyph"):
        slips.issue(services, form, key=slip_kit.opened_key(services, "agent"), actor=actor(services, "agent"), now=NOW)
    with services.reading() as session:
        assert session.query(MailNumber).count() == 0
    services.engine.dispose()


def test_the_longest_slip_can_be_set(tmp_path: Path) -> None:
    services = make_services(tmp_path)
    make_organisation(services)
    line = LineForm("É" * drafting.MAX_DESCRIPTION, remark="W" * drafting.MAX_LINE_REMARK)
    sent = slip_kit.send(services, *[line] * drafting.MAX_LINES, remark="É" * drafting.MAX_REMARK)
    assert sent.failure is None
    services.engine.dispose()
