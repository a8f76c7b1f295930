"""Faults of LibreOffice and its machine are temporary: later the pages of the Word letter are made."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from ged.errors import EngineFailed, Invalid
from ged.jobs import Job, JobKind
from ged.writing import word
from ged.writing.word import Status
from ocr.word import engine as office
from ocr.word.engine import LibreOfficeWord
from tests.factories import NOW
from tests.signbook_kit import House
from tests.word_kit import ENGINE, given, needs_office, taken, word_house

__all__ = ["word_house"]

pytestmark = pytest.mark.in_turns(3)


class Failing:
    """The engine, which makes no pages. With ``failure`` None its program is missing."""

    def __init__(self, failure: Exception | None) -> None:
        self._failure = failure

    def version(self) -> str:
        return ENGINE.version() if self._failure is not None else ""

    def pages(self, *_args: object, **_values: object) -> None:
        assert self._failure is not None
        raise self._failure

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return getattr(ENGINE, name)  # type: ignore[no-any-return]


def status_of(house: House, mail_id: int) -> Status:
    with house.services.reading() as session:
        return word.status(session, house.services, mail_id, house.who("dge"))


def failed(house: House, failure: Exception | None) -> int:
    """A draft in Word whose pages could not be made."""
    mail_id = house.answer()
    given(house, mail_id, taken(house, mail_id))
    broken = dataclasses.replace(house.services, word=Failing(failure))  # type: ignore[arg-type]
    with pytest.raises((EngineFailed, Invalid)):
        word.run_pages(broken, mail_id, now=NOW)
    return mail_id


@pytest.mark.in_shares(4)
@pytest.mark.parametrize(
    "failure",
    [
        EngineFailed("ocr.crashed"),  # the worker was stopped
        EngineFailed("ocr.out_of_memory"),
        Invalid("file.truncated", ""),  # LibreOffice made no PDF: it was killed, or the disk was full
        None,
    ],
    ids=["crashed", "memory", "no-pdf", "not-installed"],
)
def test_pages_are_made_once_a_fault_of_the_server_is_over(word_house: House, failure: Exception | None) -> None:
    mail_id = failed(word_house, failure)
    word.run_pages(word_house.services, mail_id, now=NOW)
    assert status_of(word_house, mail_id).is_made


def test_the_author_reads_such_a_fault_and_handing_in_tries_again(word_house: House) -> None:
    mail_id = failed(word_house, EngineFailed("ocr.crashed"))
    told = status_of(word_house, mail_id)
    assert told.failure is not None
    assert told.failure.code == "ocr.crashed"
    with word_house.services.unit_of_work(NOW) as uow:
        for job in uow.session.scalars(select(Job).where(Job.kind == JobKind.WORD_PAGES)):
            uow.session.delete(job)
    with pytest.raises(Invalid, match=r"word\.waiting"):
        word_house.submit(mail_id)
    assert status_of(word_house, mail_id).is_waiting
    with word_house.services.reading() as session:
        assert session.scalars(select(Job.id).where(Job.kind == JobKind.WORD_PAGES)).all()


def test_a_document_that_is_refused_is_not_tried_again(word_house: House) -> None:
    mail_id = word_house.answer()
    given(word_house, mail_id, taken(word_house, mail_id))
    refusing = Failing(Invalid("word.place_lost", "", name="numero"))
    word.run_pages(dataclasses.replace(word_house.services, word=refusing), mail_id, now=NOW)  # type: ignore[arg-type]
    word.run_pages(word_house.services, mail_id, now=NOW)
    told = status_of(word_house, mail_id)
    assert told.failure is not None
    assert told.failure.code == "word.place_lost"


def test_a_program_that_was_slow_once_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_office()
    asked = LibreOfficeWord()

    def late(*_args: object, **_values: object) -> None:
        raise subprocess.TimeoutExpired("soffice", 20)

    with monkeypatch.context() as slow:
        slow.setattr(subprocess, "run", late)
        assert asked.version() == ""
    assert asked.version() == ""  # not at once: each opened page of the draft asks for it
    monkeypatch.setattr(office, "time", SimpleNamespace(monotonic=lambda: float("inf")))
    assert asked.version() == ENGINE.version()
