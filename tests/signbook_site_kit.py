"""The signature book as pages: a site over ``signbook_kit.House``, opinions, and circuits in which several people act
at once."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ged.natures.circuit import Step
from ged.natures.steps import StepKind
from ged.ports import MailId
from ged.register.models import Mail
from ged.register.states import MailState
from ged.signbook import drafts, operations
from ged.signbook.models import LetterTemplate, Stance
from ged.unit import Services
from tests.factories import NOW, make_organisation, make_services
from tests.signbook_kit import TEMPLATE, CountingSigner, House
from tests.site import build_app, give_passwords, make_settings, post, sign_in


class Site:
    """The site, with one signed-in client for each account."""

    def __init__(self, folder: Path) -> None:
        self.services: Services = dataclasses.replace(make_services(folder), signer=CountingSigner())
        make_organisation(self.services)
        with self.services.unit_of_work(NOW) as uow:
            uow.session.add(
                LetterTemplate(code=TEMPLATE.code, title=TEMPLATE.title, subject=TEMPLATE.subject, body=TEMPLATE.body)
            )
        give_passwords(self.services)
        self.app: Flask = build_app(self.services, make_settings(folder))
        self.app.testing = False
        signer = self.services.signer
        assert isinstance(signer, CountingSigner)
        self.house = House(self.services, signer)
        self.clients: dict[str, FlaskClient] = {}

    def as_(self, account: str) -> FlaskClient:
        """The client of an account, signed in at its first use."""
        if account not in self.clients:
            self.clients[account] = sign_in(self.app, account)
        return self.clients[account]

    def get(self, account: str, path: str, status: int = 200) -> str:
        """The text of a page. Fails when its status is not ``status``."""
        answer = self.as_(account).get(path)
        assert answer.status_code == status, answer.text[:2000]
        return answer.text

    def send(self, account: str, path: str, status: int = 303, **data: Any) -> str:
        """Post a form with its token. Returns the address of the redirect, or the page's text. Fails on another
        status."""
        answer = post(self.as_(account), path, data)
        assert answer.status_code == status, answer.text[:3000]
        return answer.location or answer.text

    def state(self, mail_id: int) -> MailState:
        """The stored state of a letter."""
        with self.services.reading() as session:
            return session.get_one(Mail, mail_id).state


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.services.engine.dispose()


def hidden(page: str, name: str) -> str:
    """The value of a hidden field of the page. Fails when there is none."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]


def arranged(house: House, *steps: tuple[str, int, StepKind]) -> MailId:
    """A submitted draft. Its circuit consists of these steps (post, stage, kind) and then the signature of SG."""
    mail_id = house.answer()
    asked = [Step(house.post(code), stage, kind) for code, stage, kind in steps]
    with house.services.unit_of_work(NOW) as uow:
        drafts.set_circuit(
            uow, mail_id, asked, house.post("SG-T"), version=house.version(mail_id), actor=house.who("dge")
        )
    house.submit(mail_id)
    return mail_id


def together(house: House) -> MailId:
    """A submitted draft: a visa and an opinion at one stage, then a visa, then the signature."""
    return arranged(house, ("DAF-C", 1, StepKind.VISA), ("ETU-M", 1, StepKind.OPINION), ("BO-A", 2, StepKind.VISA))


def opine(house: House, mail_id: int, account: str, stance: Stance, text: str = "") -> None:
    """Give an opinion as the account."""
    version_no = house.version_no(mail_id)
    with house.services.unit_of_work(NOW) as uow:
        operations.give_opinion(uow, mail_id, stance=stance, text=text, version_no=version_no, actor=house.who(account))
