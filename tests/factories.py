"""The base of most tests: services over real adapters in a private folder, and a small organisation."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, Select, exists, insert, inspect, or_, select, text
from sqlalchemy.orm import Session

from ged.adapters.blobs_fs import FileBlobs
from ged.adapters.blobs_packed import PackedBlobs
from ged.adapters.post_smtp import FolderPost
from ged.adapters.queue_polled import PolledQueue
from ged.codes import derive_secret
from ged.db import make_engine
from ged.models import metadata
from ged.natures.models import Nature
from ged.org.actors import actor_of_account
from ged.org.models import Holding, Person, Post, PostRole, Unit
from ged.pipeline import lane_of
from ged.ports import Confidentiality
from ged.register.models import Direction, FilingClass, Register, RegisterNature
from ged.signbook.answers import answer_left
from ged.unit import Actor, Role, Services
from indexer.synonyms import SHIPPED, SynonymFile
from indexer.tantivy_index import TantivyIndex
from signing.keys import LocalVault
from signing.pades import PadesSigner
from signing.payload import PayloadSealer
from signing.pki import Authority
from signing.sealing import own_seal
from signing.status import AuthorityStatus
from signing.validation import PdfChecker
from tests import kept_authorities
from tests.cheap_cost import FAST
from tests.kept_pages import KeptPages
from tests.servers import postgres

SECRET = "a secret of the tests that is long enough"
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
TODAY = date(2026, 11, 24)
PASSPHRASE = "une phrase de passe"
DATABASE = "ged.sqlite3"
"""The file of a database in the folder of a test."""

READER = KeptPages(jobs=2)
"""One engine for all tests of a process. Its child processes start at the first page and keep no data of a document; what
it read of a page is kept in this process."""


class SharedChecker(PdfChecker):
    """A signature checker whose child process all tests share. Each request carries its roots; a start takes most of a
    second."""

    _of_all = PdfChecker(())

    def __init__(self, trust_roots_pem: Sequence[str], *, crls: Callable[[], Sequence[bytes]] = tuple) -> None:
        super().__init__(trust_roots_pem, crls=crls)
        self._pool = self._of_all._pool

    def close(self) -> None:
        """Do nothing: other tests still use the child."""


def make_services(folder: Path, *, url: str | None = None, create: bool = True) -> Services:
    """Services over real adapters, in ``folder``. The database is a new SQLite file there, or the one that ``url``
    names."""
    engine = make_engine(url or f"sqlite:///{folder / DATABASE}")
    if create:
        make_tables(engine)
    authority = folder / "authority"
    if not authority.exists():
        kept_authorities.write(
            authority, lambda: Authority.create(authority, derive_secret(SECRET, "keystore"), "Ministère d'essai", NOW)
        )
    vault = LocalVault(authority, derive_secret(SECRET, "keystore"), cost=FAST)
    synonyms = SynonymFile(folder / "synonyms.txt", otherwise=SHIPPED)
    return Services(
        when_dispatched=(answer_left,),
        engine=engine,
        blobs=PackedBlobs(FileBlobs(folder / "blobs"), engine),
        index=TantivyIndex(folder / "index", writable=True, zone=ZoneInfo("Africa/Lome"), synonyms=synonyms),
        synonyms=synonyms,
        queue=PolledQueue(),
        lane_of=lane_of,
        ocr=READER,
        vault=vault,
        signer=PadesSigner(()),
        checker=SharedChecker(vault.trust_roots_pem()),
        post=FolderPost(folder / "outbox", "ged@example.tg"),
        zone=ZoneInfo("Africa/Lome"),
        country="TG",
        code_key=derive_secret(SECRET, "codes"),
        journal_secret=derive_secret(SECRET, "journal"),
        factor_secret=derive_secret(SECRET, "second-factor"),
        public_url="http://127.0.0.1:8000",
        data_dir=str(folder),
        revocation=AuthorityStatus(authority, derive_secret(SECRET, "keystore")),
        tokens=PayloadSealer(lambda: own_seal(authority, derive_secret(SECRET, "keystore"))),
    )


def database_file(fill: Callable[[Services], object]) -> bytes:
    """The file of a new SQLite database after ``fill``. Whoever keeps it makes many databases for the price of one."""
    with TemporaryDirectory(prefix="ged-database-") as folder:
        services = make_services(Path(folder))
        fill(services)
        services.engine.dispose()  # closing the last connection writes the write-ahead log into the file
        return (Path(folder) / DATABASE).read_bytes()


def make_tables(engine: Engine) -> None:
    """Make all tables of the models quickly: this is most of the time of a small test.

    Each further new file of SQLite, and each further empty database of a PostgreSQL server, is a copy of the first one
    that this process made.
    """
    path = Path(engine.url.database or "")
    if engine.dialect.name == "sqlite" and not path.exists():
        path.write_bytes(_empty_database())
    elif engine.dialect.name == "postgresql":
        _make_tables_of_postgres(engine)
    else:
        metadata.create_all(engine)


def _make_tables_of_postgres(engine: Engine) -> None:
    there = set(inspect(engine).get_table_names())
    if not there:
        server = engine.url.set(database="postgres").render_as_string(hide_password=False)
        engine.dispose()  # only a database without sessions can be dropped
        postgres.drop_database(server, str(engine.url.database))
        postgres.create_database(server, str(engine.url.database), copy_of=database_with_tables(server))
    elif not there.issuperset(metadata.tables):
        metadata.create_all(engine)


def database_with_tables(server: str) -> str:
    """The database of a PostgreSQL server that has all tables and no row, to be copied; it is made once."""
    return postgres.kept_database(server, "tables", _make_all_tables)


def _make_all_tables(url: str) -> None:
    engine = make_engine(url)
    metadata.create_all(engine)
    engine.dispose()  # only a database without sessions can be copied


@cache
def _empty_database() -> bytes:
    with TemporaryDirectory(prefix="ged-tables-") as folder:
        path = Path(folder) / "ged.sqlite3"
        engine = make_engine(f"sqlite:///{path}")
        metadata.create_all(engine)
        engine.dispose()  # closing the last connection writes the write-ahead log into the file
        assert sorted(Path(folder).iterdir()) == [path]
        return path.read_bytes()


def make_organisation(services: Services) -> None:
    """Add a ministry of seven posts: mail office, secretary general with a secretary, two directions, an administrator.

    Its rows are copied from a template made once per process, unless the database already has rows.
    """
    with services.engine.begin() as connection:
        is_empty = not connection.scalar(_has_rows())
        if is_empty:
            for name, rows in _organisation_rows().items():
                connection.execute(insert(metadata.tables[name]), rows)
            if connection.dialect.name == "postgresql":
                connection.execute(text(_numbering_on()))
    if not is_empty:
        _make_organisation(services)


@cache
def _has_rows() -> Select[tuple[bool]]:
    """The query whether any table of the template has a row."""
    return select(or_(*(exists(select(metadata.tables[name])) for name in _organisation_rows())))


@cache
def _numbering_on() -> str:
    """The statement after which PostgreSQL numbers further rows behind those that came with their numbers."""
    return "SELECT " + ", ".join(
        f"setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))"
        for name in _organisation_rows()
        if "id" in metadata.tables[name].c and metadata.tables[name].c.id.type.python_type is int
    )


@cache
def _organisation_rows() -> dict[str, list[dict[str, object]]]:
    with TemporaryDirectory(prefix="ged-organisation-") as folder:
        services = make_services(Path(folder))
        _make_organisation(services)
        with services.engine.connect() as connection:
            found = {
                table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
                for table in metadata.sorted_tables
            }
        services.engine.dispose()
    return {name: rows for name, rows in found.items() if rows}


def _make_organisation(services: Services) -> None:
    units = {
        "MIN": ("Ministère", None, True),
        "SG": ("Secrétariat général", "MIN", False),
        "BO": ("Bureau d'ordre", "SG", False),
        "DGE": ("Direction générale de l'énergie", "MIN", False),
        "ETU": ("Service des études", "DGE", False),
        "DAF": ("Direction des affaires financières", "MIN", False),
    }
    posts = {
        "SG-T": ("sg", "SG", {Role.AUTHORITY, Role.SIGNATORY, Role.HEAD}, Confidentiality.SECRET),
        "SG-S": ("secretaire", "SG", {Role.SECRETARY, Role.MEMBER}, Confidentiality.SECRET),
        "BO-A": ("agent", "BO", {Role.CLERK}, Confidentiality.ORDINARY),
        "DGE-C": ("dge", "DGE", {Role.HEAD, Role.CLERK}, Confidentiality.RESTRICTED),
        "ETU-M": ("etudes", "ETU", {Role.MEMBER}, Confidentiality.ORDINARY),
        "DAF-C": ("daf", "DAF", {Role.HEAD, Role.CLERK}, Confidentiality.RESTRICTED),
        "ADM": ("admin", "SG", {Role.ADMINISTRATOR}, Confidentiality.ORDINARY),
    }
    with services.unit_of_work(NOW) as uow:
        ids: dict[str, int] = {}
        for code, (name, parent, entity) in units.items():
            unit = Unit(code=code, name=name, kind="service", is_entity=entity, parent_id=ids.get(parent or ""))
            uow.session.add(unit)
            uow.session.flush()
            ids[code] = unit.id
        post_ids: dict[str, int] = {}
        for code, (account, unit_code, roles, clearance) in posts.items():
            person = Person(account=account, name=account.title(), clearance=int(clearance))
            post = Post(
                code=code, title=f"Poste {code}", unit_id=ids[unit_code], roles=[PostRole(role=r) for r in roles]
            )
            uow.session.add_all([person, post])
            uow.session.flush()
            post_ids[code] = post.id
            uow.session.add(Holding(post_id=post.id, person_id=person.id, from_on=date(2020, 1, 1)))
        uow.session.get_one(Post, post_ids["SG-S"]).secretary_of_id = post_ids["SG-T"]
        registers = [
            ("ARR", "BO", Direction.INCOMING, RegisterNature.ARRIVAL, "{seq:05d}/{year}/{entity}"),
            ("DEP", "BO", Direction.OUTGOING, RegisterNature.DEPARTURE, "{seq:05d}/{year}/{entity}/SG"),
            ("BT", "BO", Direction.INTERNAL, RegisterNature.SLIP, "BT-{seq:04d}/{year}"),
            ("PLI", "BO", Direction.INCOMING, RegisterNature.ENVELOPE, "PLI-{seq:04d}/{year}"),
            ("ARR-DGE", "DGE", Direction.INCOMING, RegisterNature.ARRIVAL, "{seq:04d}/{year}/{unit}"),
        ]
        for code, unit_code, direction, nature, pattern in registers:
            uow.session.add(
                Register(
                    code=code, name=code, unit_id=ids[unit_code], direction=direction, nature=nature, pattern=pattern
                )
            )
        uow.session.add(FilingClass(code="1", title="Administration générale"))


def add_entity(session: Session, *roles: Role, parent_id: int | None = None, clearance: int = 1) -> None:
    """Add an entity CEET with a register of arrivals. Its only post has these roles; the account ``ceet`` holds it."""
    unit = Unit(code="CEET", name="CEET", is_entity=True, parent_id=parent_id)
    session.add(unit)
    session.flush()
    post = Post(
        code="CEET-BO", title="Bureau d'ordre CEET", unit_id=unit.id, roles=[PostRole(role=role) for role in roles]
    )
    person = Person(account="ceet", name="Ceet", clearance=clearance)
    arrivals = Register(
        code="ARR-CEET", name="Arrivées CEET", unit_id=unit.id, direction=Direction.INCOMING,
        nature=RegisterNature.ARRIVAL, pattern="{seq:04d}/{year}/CEET",
    )  # fmt: skip
    session.add_all([post, person, arrivals])
    session.flush()
    session.add(Holding(post_id=post.id, person_id=person.id, from_on=date(2020, 1, 1)))


def make_natures(services: Services) -> None:
    """Add the natures of incoming letters."""
    names = {"demande": "Demande", "facture": "Facture", "lettre": "Lettre", "plainte": "Plainte ou réclamation"}
    with services.unit_of_work(NOW) as uow:
        for position, (code, name) in enumerate(names.items(), start=1):
            uow.session.add(Nature(code=code, name=name, direction=Direction.INCOMING, position=position))


def actor(services: Services, account: str, *, on: date = TODAY) -> Actor:
    """The actor of an account, with the posts that its person holds on a day. Fails for an unknown account."""
    with services.reading() as session:
        return actor_of_account(session, account, on=on)
