"""Helpers for the tests of the signature book: an incoming letter, its answer, a circuit with two visas, opened
keys."""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from ged.codes import derive_secret
from ged.dispatch.models import Party
from ged.natures.circuit import one_by_one
from ged.org.keys import issue_key, load_key
from ged.org.models import Post
from ged.ports import Digest, MailId, PostId, RegisterId, UnitId, UnlockedKey
from ged.register.models import Attachment, Register
from ged.register.operations import IncomingForm, register_incoming
from ged.routing.operations import ImputationForm, impute
from ged.signbook import drafts, operations, queries
from ged.signbook.drafts import DraftForm
from ged.signbook.models import Draft, LetterTemplate
from ged.signbook.operations import ToSign
from ged.signbook.queries import LetterRow
from ged.unit import SYSTEM, Actor, Services
from signing.pades import PadesSigner
from signing.pki import Authority, make_seal
from tests.factories import NOW, SECRET, TODAY, actor, make_organisation, make_services

PASSPHRASE = "trois éléphants au marché"
TEMPLATE = LetterTemplate(
    code="favourable",
    title="Réponse favorable",
    subject="Suite favorable : {objet}",
    body=(
        "{civilite},\n\nPar lettre référencée {votre_reference} du {date_courrier}, enregistrée sous le numéro "
        "{numero_arrivee}, vous m'avez saisi de l'objet suivant : {objet}.\n\nVotre demande est acceptée au motif "
        "suivant : {motif}.\n\nVeuillez agréer, {civilite}, l'expression de ma considération distinguée."
    ),
)
CEET = Party("Compagnie Énergie Électrique du Togo", "BP 42\nLomé", "courrier@ceet.example.tg")
COPY = Party("Direction des affaires financières", "", "daf@mines.example.tg")


class CountingSigner(PadesSigner):
    """The real signer. It counts its signatures in ``signed``, and raises the errors in ``failures`` first."""

    def __init__(self) -> None:
        super().__init__(())
        self.signed = 0
        self.failures: list[Exception] = []

    def sign(self, pdf, request, *, sealed, cookie_key, now):  # type: ignore[no-untyped-def]  # as the port
        if self.failures:
            raise self.failures.pop()
        self.signed += 1
        return super().sign(pdf, request, sealed=sealed, cookie_key=cookie_key, now=now)


@dataclass
class House:
    """A small ministry with a template for answers."""

    services: Services
    signer: CountingSigner

    def who(self, account: str, *, on: date = TODAY) -> Actor:
        """The actor of an account."""
        return actor(self.services, account, on=on)

    def post(self, code: str) -> PostId:
        """The id of the post with this code."""
        with self.services.reading() as session:
            return PostId(session.scalars(select(Post.id).where(Post.code == code)).one())

    def show(self, mail_id: int, account: str) -> LetterRow:
        """The letter as the page of the signature book shows it to the account."""
        with self.services.reading() as session:
            return queries.letter(session, mail_id, self.who(account), on=TODAY)

    def version(self, mail_id: int) -> int:
        """The row version of a draft, which its page sends along. To read the whole page for it was half of a ready draft."""
        with self.services.reading() as session:
            return session.scalars(select(Draft.version).where(Draft.mail_id == mail_id)).one()

    def version_no(self, mail_id: int) -> int:
        """The number of the present version of a draft's content."""
        with self.services.reading() as session:
            return session.scalars(select(Draft.version_no).where(Draft.mail_id == mail_id)).one()

    def key(self, account: str) -> UnlockedKey:
        """Issue a key to the person of the account, and open it."""
        who = self.who(account)
        with self.services.unit_of_work(NOW) as uow:
            issue_key(uow, who.person_id, passphrase=PASSPHRASE, actor=SYSTEM)
        with self.services.reading() as session:
            stored = load_key(session, who.person_id)
        return self.services.vault.unlock(stored, PASSPHRASE, now=NOW)

    def incoming(self, *, impute_to: str = "DGE-C") -> MailId:
        """Register an incoming letter and assign it to the unit of the post ``impute_to``."""
        with self.services.unit_of_work(NOW) as uow:
            register_id = uow.session.scalars(select(Register.id).where(Register.code == "ARR")).one()
            form = IncomingForm(
                "Demande de raccordement", CEET.name, self.post("SG-T"), their_reference="453/CEET",
                written_on=date(2026, 3, 1),
            )  # fmt: skip
            mail_id = register_incoming(uow, RegisterId(register_id), form, actor=self.who("agent"), now=NOW).mail_id
        with self.services.reading() as session:
            unit_id = session.scalars(select(Post.unit_id).where(Post.code == impute_to)).one()
        with self.services.unit_of_work(NOW) as uow:
            decision = ImputationForm(leading_unit_id=UnitId(unit_id))
            impute(uow, mail_id, decision, version=None, actor=self.who("sg"), now=NOW)
        return mail_id

    def answer(self, *, copies: tuple[Party, ...] = (COPY,), author: str = "dge") -> MailId:
        """A complete draft that answers a letter. Its circuit: visas of DAF and ETU, then the signature of SG."""
        incoming = self.incoming()
        who = self.who(author)
        with self.services.unit_of_work(NOW) as uow:
            mail_id = drafts.draft_reply(uow, incoming, "favourable", actor=who, now=NOW)
        shown = self.show(mail_id, author)
        form = DraftForm(
            "Monsieur le Directeur général", shown.subject, shown.body.replace("{motif}", "dossier complet"),
            shown.addressees, copies,
        )  # fmt: skip
        drafts.save(self.services, mail_id, form, version=shown.version, actor=who, now=NOW)
        with self.services.unit_of_work(NOW) as uow:
            drafts.set_circuit(
                uow, mail_id, one_by_one([self.post("DAF-C"), self.post("ETU-M")]), self.post("SG-T"),
                version=self.version(mail_id), actor=who,
            )  # fmt: skip
        return mail_id

    def submit(self, mail_id: int, *, author: str = "dge", now: datetime = NOW) -> None:
        """Submit a draft to its circuit."""
        operations.submit(self.services, mail_id, version=self.version(mail_id), actor=self.who(author), now=now)

    def visa(self, mail_id: int, account: str, remark: str = "") -> None:
        """Give the visa of an account to the present version of a draft."""
        version_no = self.version_no(mail_id)
        with self.services.unit_of_work(NOW) as uow:
            operations.visa(uow, mail_id, version_no=version_no, remark=remark, actor=self.who(account))

    def ready(self, **values: object) -> MailId:
        """A draft with all its visas: only the signature is missing."""
        mail_id = self.answer(**values)  # type: ignore[arg-type]
        self.submit(mail_id)
        self.visa(mail_id, "daf")
        self.visa(mail_id, "etudes")
        return mail_id

    def signed(self, mail_id: MailId) -> tuple[LetterRow, bytes, bytes]:
        """Submit a draft of the usual circuit, give both visas and sign it with a new key.

        Returns:
            The signed letter; the PDF that its signers read; the signed PDF.
        """
        self.submit(mail_id)
        self.visa(mail_id, "daf")
        self.visa(mail_id, "etudes")
        shown = pdf_of(self, self.show(mail_id, "sg").preview_id)
        (result,) = self.sign(mail_id, key=self.key("sg"))
        assert result.failure is None
        row = self.show(mail_id, "sg")
        return row, shown, pdf_of(self, row.signed_id)

    def sign(self, *mail_ids: int, key: UnlockedKey, account: str = "sg") -> tuple[operations.SignResult, ...]:
        """Sign letters in one act, as the account. Returns a result for each letter."""
        letters = [ToSign(MailId(i), self.version_no(i)) for i in mail_ids]
        return operations.sign_many(self.services, letters, key=key, actor=self.who(account), now=NOW)


def make_house(folder: Path, *, url: str | None = None) -> House:
    """The organisation of ``tests.factories`` with one template. ``url`` names a database other than SQLite."""
    signer = CountingSigner()
    services = dataclasses.replace(make_services(folder, url=url), signer=signer)
    make_organisation(services)
    with services.unit_of_work(NOW) as uow:
        uow.session.add(
            LetterTemplate(code=TEMPLATE.code, title=TEMPLATE.title, subject=TEMPLATE.subject, body=TEMPLATE.body)
        )
    return House(services, signer)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A new ministry for each test."""
    made = make_house(tmp_path)
    yield made
    made.services.engine.dispose()


@pytest.fixture
def house_on_postgres(tmp_path: Path, make_database: Callable[[], str]) -> Iterator[House]:
    """A new ministry on PostgreSQL for each test."""
    made = make_house(tmp_path, url=make_database())
    yield made
    made.services.engine.dispose()


@pytest.fixture
def house_on_either(tmp_path: Path, either_database: str | None) -> Iterator[House]:
    """A new ministry for each test, which runs once on each database."""
    made = make_house(tmp_path, url=either_database)
    yield made
    made.services.engine.dispose()


def make_institution(house: House) -> None:
    """Make the institution's seal: a key with a certificate of the ministry's authority."""
    folder, secret = Path(house.services.data_dir) / "authority", derive_secret(SECRET, "keystore")
    make_seal(Authority.open(folder, secret), folder, secret, identifier="", now=NOW)


def form_of(row: LetterRow, **changes: object) -> DraftForm:
    """The form of a draft with the draft's present values; ``changes`` replace single fields."""
    values = {
        "civility": row.civility, "subject": row.subject, "body": row.body, "addressees": row.addressees,
        "copies": row.copies,
    }  # fmt: skip
    return DraftForm(**{**values, **changes})  # type: ignore[arg-type]


def pdf_of(house: House, attachment_id: int | None) -> bytes:
    """The stored bytes of an attachment."""
    with house.services.reading() as session:
        digest = session.get_one(Attachment, attachment_id).digest
    assert digest is not None
    with house.services.blobs.open(Digest(digest)) as stored:
        return stored.read()
