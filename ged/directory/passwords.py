"""Which password opens an account: the directory's for whoever is in it, the account's own for others, and for break-glass accounts.

Both are looked at each time, so that the time of an answer tells neither whether an account is there nor whose password counts.
"""

from dataclasses import dataclass
from datetime import datetime

from ged.directory import glass, links, outages
from ged.entry import factors
from ged.errors import EngineFailed, Invalid
from ged.org import accounts
from ged.org.accounts import Caller, by_own_password
from ged.org.models import Person
from ged.ports import Directory, PersonId, Proof, Proved
from ged.unit import Services


def sign_in(services: Services, account: str, password: str, *, caller: Caller, now: datetime) -> PersonId:
    """Check a password and write the sign-in (or its refusal) to the journal.

    Raises:
        Invalid: as ``accounts.sign_in``; ``session.directory_away``: refused, and the directory does not answer.
        NotRecorded: the password is right, and the database's disk is full.
    """
    asked = _Asked(services, now)
    try:
        person_id = accounts.sign_in(
            services, account, password, caller=caller, now=now, asks_more=factors.is_armed, proves=asked.proves
        )
    except Invalid as refused:
        if asked.is_away and refused.code == "session.refused":
            raise Invalid(
                "session.directory_away", "wait, or ask who has a break-glass account", field="account"
            ) from None
        raise
    asked.note(int(person_id), address=caller.address)
    return person_id


def check(services: Services, person_id: PersonId | int, password: str, *, now: datetime) -> None:
    """Check a person's password again in an open session.

    Raises:
        Invalid: as ``accounts.check_password``.
    """
    accounts.check_password(services, person_id, password, now=now, proves=_Asked(services, now).proves)


@dataclass
class _Asked:
    """One question to the directory, and what came of it."""

    services: Services
    now: datetime
    subject: str = ""
    """Of the entry that proved the password; empty: none did."""
    is_glass: bool = False
    is_away: bool = False
    epoch: int = 0
    """That of the person before the password was checked."""

    def proves(self, account: str, person: Person | None, password: str) -> bool:
        """Whether the password opens the account."""
        self.epoch = person.session_epoch if person is not None else 0
        is_own = by_own_password(account, person, password)
        proved = self._asked_of_directory(account, person, password)
        if person is None:
            return False
        if proved is not None and proved.proof is Proof.PROVED and self._is_same(person, proved.subject):
            self.subject = proved.subject
            return True
        return is_own and self._may_use_own(person, proved)

    def _asked_of_directory(self, account: str, person: Person | None, password: str) -> Proved | None:
        directory = self.services.directory
        if directory is None:
            return None
        subject = ""
        if person is not None:
            with self.services.reading() as session:
                subject = links.subject_of(session, person.id, directory.name)
        try:
            return directory.prove(account, password, subject=subject)
        except EngineFailed as error:
            self.is_away = True
            outages.note_away(self.services, directory.name, error, now=self.now)
            return None

    def _is_same(self, person: Person, subject: str) -> bool:
        """Whether the entry is this person, or may become it: an entry that is linked to another never does."""
        directory = _directory(self.services)
        with self.services.reading() as session:
            owner = links.person_of(session, directory.name, subject)
        if owner in (None, person.id):
            return True
        links.note_mismatch(self.services, person.id, directory.name, subject, now=self.now)
        return False

    def _may_use_own(self, person: Person, proved: Proved | None) -> bool:
        services = self.services
        if services.directory is None and services.provider is None:
            return True
        with services.reading() as session:
            if glass.is_named(session, person.id):
                self.is_glass = glass.opens(session, person.id)
                return self.is_glass
            if not links.has_own_password(session, services, person.id):
                return False
        return proved is None or proved.proof is Proof.UNKNOWN

    def note(self, person_id: int, *, address: str) -> None:
        """After a sign-in: bind the link, or tell of the break-glass account.

        Raises:
            Invalid: ``directory.mismatch``: another request has bound it meanwhile.
        """
        if self.is_glass:
            with accounts.told_when_full(PersonId(person_id), self.epoch), self.services.unit_of_work(self.now) as uow:
                glass.note_use(uow, person_id, address=address)
        if self.subject:
            directory = _directory(self.services)
            with accounts.told_when_full(PersonId(person_id), self.epoch), self.services.unit_of_work(self.now) as uow:
                links.bind(uow, person_id, directory.name, self.subject)
            outages.note_back(self.services, directory.name, now=self.now)


def _directory(services: Services) -> Directory:
    if services.directory is None:
        raise AssertionError("asked of no directory")
    return services.directory
