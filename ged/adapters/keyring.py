"""The keyring: a key for each stored file, under a master key; both outside of the data folder and of its backups.

A backup of the data alone opens no document. When a document's key is destroyed, no earlier backup of the document can be read
any more: backups of the keyring replace one another, and hold the keys of today only. A new master key re-encrypts the keys, and
no file.

The master keys are in a file of the keyring's folder (``master_keys``). The documents' keys are rows: of an SQLite file in that folder, or of a
schema of its own in PostgreSQL, which ``ged backup`` keeps with the keys.
"""

import fcntl
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    NullPool,
    RowMapping,
    String,
    Table,
    and_,
    create_engine,
    event,
    func,
    inspect,
    select,
    text,
)

from ged.adapters.blob_frames import ID_BYTES
from ged.adapters.master_keys import KEY_BYTES, MASTER, MasterKeys
from ged.db import UtcDateTime
from ged.durable import make_folder
from ged.errors import ConfigError, EngineFailed, NotFound
from ged.ports import ByDisposal, Digest, Tombstone, mark_of

BOOK = "documents.sqlite3"
SCHEMA = "ged_keys"
NONCE_BYTES = 12
AT_ONCE = 500
WRITERS, RENEWERS = 0x6765646B, 0x6765646D
"""Of PostgreSQL's advisory locks: that of who writes keys (shared) and of who removes a master key (alone); that of who makes one."""


_metadata = MetaData()
_keys = Table(
    "document_keys",
    _metadata,
    Column("id", LargeBinary(ID_BYTES), primary_key=True),
    Column("digest", String(64), nullable=False, index=True),
    Column("master_no", Integer, nullable=False, index=True),
    Column("wrapped", LargeBinary(NONCE_BYTES + KEY_BYTES + 16), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    schema=SCHEMA,
)
_destroyed = Table(
    "destroyed_keys",
    _metadata,
    Column("id", LargeBinary(ID_BYTES), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("mail_id", BigInteger, nullable=False),
    Column("slip_no", BigInteger, nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("destroyed_at", UtcDateTime, nullable=False),
    schema=SCHEMA,
)
"""Keys that a disposal destroyed, and why. A restored database learns from here what was destroyed since it was copied."""


class Keyring:
    """The documents' keys."""

    def __init__(self, folder: Path, engine: Engine | None = None) -> None:
        """
        Args:
            engine: PostgreSQL, for several hosts; None: an SQLite file in the folder.
        """
        self._folder = folder
        self.master = MasterKeys(folder / MASTER)
        self._engine = engine if engine is not None else _book(folder / BOOK)

    def prepare(self) -> None:
        """Make what is missing: the folder, the first master key, the table. A second call changes nothing."""
        make_folder(self._folder, mode=0o700)
        with self._writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            _metadata.create_all(connection)
        if (self._folder / BOOK).exists():
            (self._folder / BOOK).chmod(0o600)  # it names documents, and somebody may have made the folder before
        if not self.master.is_there:
            # With keys in the book, a new master key would open none of them, and hide what is wrong.
            if self.count():
                self.master.all()
            with self._alone():
                if not self.master.is_there:  # of two who start at once, the second finds the first one's
                    self.master.make()

    def keep(self, key_id: bytes, digest: Digest, key: bytes) -> None:
        """Keep a new document's key; durable when this returns."""
        self.keep_all([(key_id, digest, key)])

    def keep_all(self, keys: Sequence[tuple[bytes, Digest, bytes]]) -> None:
        """Keep the keys of new documents, all or none; durable when this returns.

        Args:
            keys: (id, digest of the document, key).
        """
        if not keys:
            return
        with self._writing() as connection:
            # Read under the lock: no master key is removed between here and the rows.
            made_at, rows = datetime.now(UTC), []
            for key_id, digest, key in keys:
                number, wrapped = self._wrap(key_id, digest, key)
                rows.append(
                    {"id": key_id, "digest": digest, "master_no": number, "wrapped": wrapped, "made_at": made_at}
                )
            connection.execute(_keys.insert(), rows)

    def key(self, key_id: bytes, digest: Digest) -> bytes:
        """A document's key.

        Raises:
            NotFound: ``blob.no_key``: it was destroyed, or the keyring is older than the document.
            EngineFailed: ``keyring.altered``; ConfigError: ``keyring.unreadable``.
        """
        with self._reading() as connection:
            row = connection.execute(select(_keys.c.master_no, _keys.c.wrapped).where(_keys.c.id == key_id)).first()
        if row is None:
            raise NotFound(
                "blob.no_key", "put the keyring back from its latest backup, unless it was destroyed", digest=digest
            )
        return self._unwrap(key_id, digest, row.master_no, row.wrapped)

    def destroy(self, key_id: bytes, digest: Digest | None = None, *, because: ByDisposal | None = None) -> None:
        """Destroy a document's key: no copy of the document can be read any more, once the keyring's backups are replaced.

        Args:
            digest: only if the key is this document's. What a store says of a file may name the key of another one.
            because: a disposal; in the same moment it is noted for the key.
        """
        meant = _keys.c.id == key_id if digest is None else and_(_keys.c.id == key_id, _keys.c.digest == digest)
        with self._writing() as connection:
            gone = connection.scalar(_keys.delete().where(meant).returning(_keys.c.digest))
            if gone is not None and because is not None:
                tombstone = Tombstone(key_id, Digest(gone), because, datetime.now(UTC))
                connection.execute(_destroyed.insert(), _row_of(tombstone))

    def destroy_all(self, digest: Digest, *, made_before: datetime, because: ByDisposal) -> None:
        """Destroy every key of a document that was made before a moment: also one whose file was lost, or was written again under
        another key. An earlier copy may hold the file under it."""
        meant = and_(_keys.c.digest == digest, _keys.c.made_at < made_before)
        with self._writing() as connection:
            gone = connection.scalars(_keys.delete().where(meant).returning(_keys.c.id)).all()
            for key_id in gone:
                tombstone = Tombstone(bytes(key_id), digest, because, datetime.now(UTC))
                connection.execute(_destroyed.insert(), _row_of(tombstone))

    def tell(self, digests: Collection[Digest], because: ByDisposal) -> None:
        """Note that a destroyed letter bore these documents, whatever becomes of their keys; a second call changes nothing."""
        self.destroy_again(
            [Tombstone(mark_of(because.mail_id, one), one, because, datetime.now(UTC)) for one in sorted(digests)]
        )

    def destroyed(self) -> list[Tombstone]:
        """The keys that disposals destroyed, by letter."""
        with self._reading() as connection:
            # A keyring of an earlier release, in a copy, knows none.
            if not inspect(connection).has_table(_destroyed.name, schema=_schema(connection)[SCHEMA]):
                return []
            rows = connection.execute(select(_destroyed).order_by(_destroyed.c.mail_id, _destroyed.c.id)).all()
        return [
            Tombstone(bytes(row.id), Digest(row.digest), ByDisposal(row.mail_id, row.slip_no, row.decided_at), row.destroyed_at)
            for row in rows
        ]  # fmt: skip

    def destroy_again(self, tombstones: Collection[Tombstone]) -> int:
        """Destroy what disposals had destroyed, as another keyring tells; a second call changes nothing. Returns how many keys."""
        wanted, count = {one.key_id: one for one in tombstones}, 0
        with self._writing() as connection:
            known = set[bytes]()
            for start in range(0, len(wanted), AT_ONCE):
                some = list(wanted)[start : start + AT_ONCE]
                query = select(_destroyed.c.id).where(_destroyed.c.id.in_(some))
                known.update(bytes(one) for one in connection.scalars(query))
            for key_id, tombstone in wanted.items():
                if key_id in known:
                    continue
                count += connection.execute(_keys.delete().where(_keys.c.id == key_id)).rowcount
                connection.execute(_destroyed.insert(), _row_of(tombstone))
        return count

    def without_key(self, digests: Collection[Digest]) -> set[Digest]:
        """Those of some documents for which there is no key."""
        wanted, found = sorted(digests), set[str]()
        with self._reading() as connection:
            for start in range(0, len(wanted), AT_ONCE):
                some = wanted[start : start + AT_ONCE]
                found.update(connection.scalars(select(_keys.c.digest).where(_keys.c.digest.in_(some))))
        return {one for one in wanted if one not in found}

    def count(self, *, not_under: int | None = None) -> int:
        """How many keys there are; ``not_under``: of these, those under other master keys than this."""
        query = select(func.count()).select_from(_keys)
        if not_under is not None:
            query = query.where(_keys.c.master_no != not_under)
        with self._reading() as connection:
            return int(connection.scalar(query) or 0)

    def listed(self) -> Iterator[tuple[bytes, Digest, datetime]]:
        """(id, digest of the document, when it was made) of each key."""
        for rows in self._pages():
            for row in rows:
                yield bytes(row["id"]), Digest(row["digest"]), row["made_at"]

    def rows(self) -> list[tuple[bytes, tuple[object, ...]]]:
        """(id, everything else) of each key as it is stored, by id: to compare two keyrings."""
        return [
            (bytes(row["id"]), (row["digest"], row["master_no"], bytes(row["wrapped"]), row["made_at"]))
            for rows in self._pages()
            for row in rows
        ]

    def copy_to(self, folder: Path) -> None:
        """Write the master keys and the documents' keys into an empty folder, for a backup: all that there were at the start.

        The copy is the same with both kinds of database: ``bring`` takes either.
        """
        before = self.master.all()
        copy = _book(folder / BOOK)
        with copy.begin() as there:
            _metadata.create_all(there.execution_options(schema_translate_map=_schema(there)))
        (folder / BOOK).chmod(0o600)
        for rows in self._pages():
            with copy.begin() as there:
                there.execution_options(schema_translate_map=_schema(there))
                there.execute(_keys.insert(), [dict(row) for row in rows])
        # After the keys: what is destroyed from here on is in the copy as a key, and the next copy tells of it.
        Keyring(folder).destroy_again(self.destroyed())
        # A rotation meanwhile adds a master key first, and removes the earlier one last.
        MasterKeys(folder / MASTER).write({**before, **self.master.all()})

    def _pages(self) -> Iterator[Sequence[RowMapping]]:
        """All rows by their ids, in short readings: nobody who stores a file waits for the whole."""
        after = b""
        while True:
            query = select(_keys).where(_keys.c.id > after).order_by(_keys.c.id).limit(AT_ONCE)
            with self._reading() as connection:
                rows = connection.execute(query).mappings().all()
            if rows:
                yield rows
            if len(rows) < AT_ONCE:
                return
            after = bytes(rows[-1]["id"])

    def bring(self, folder: Path) -> int:
        """Take over the keys of a copy; those that are here stay. Makes what is missing (``prepare``). What a disposal destroyed, here
        or there, does not come back.

        Returns:
            How many keys were missing.

        Raises:
            ConfigError: ``keyring.other``: the copy is of another keyring, or of one before a new master key;
                ``keyring.unreadable``.
        """
        theirs = MasterKeys(folder / MASTER).all()
        if not self.master.is_there:
            make_folder(self._folder, mode=0o700)
            self.master.write(theirs)
        self.prepare()
        ours = self.master.all()
        if any(ours.get(number) != key for number, key in theirs.items()):
            raise ConfigError(
                "keyring.other", "bring the keyring back into an empty folder (GED_KEYRING)", setting="GED_KEYRING"
            )
        brought, copy = 0, Keyring(folder)
        # Before any key comes in, and then from both sides: what one of the two destroyed does not come back.
        self.destroy_again(copy.destroyed())
        gone = {one.key_id for one in self.destroyed()}
        for rows in copy._pages():
            ids = [bytes(row["id"]) for row in rows]
            with self._writing() as here:
                known = {bytes(one) for one in here.scalars(select(_keys.c.id).where(_keys.c.id.in_(ids)))}
                missing = [dict(row) for row in rows if bytes(row["id"]) not in known | gone]
                if missing:
                    here.execute(_keys.insert(), missing)
            brought += len(missing)
        return brought

    def rotate(self) -> Iterator[int]:
        """Encrypt all keys under a new master key, then remove the earlier ones. Can be interrupted and called again. A second
        one waits until the first has ended: each would write its own master key over the other's.

        Returns:
            After each batch, how many keys are left.
        """
        with self._alone():
            yield from self._rotated()

    def _rotated(self) -> Iterator[int]:
        keys = self.master.all()
        current = max(keys)
        # Keys under an earlier one are left of a rotation that was interrupted: it goes on, without one master key more.
        if not self.count(not_under=current):
            current = self.master.make()
        while True:
            query = select(_keys).where(_keys.c.master_no != current).limit(AT_ONCE)
            with self._writing() as connection:
                rows = connection.execute(query).all()
                for row in rows:
                    key_id, digest = bytes(row.id), Digest(row.digest)
                    key = self._unwrap(key_id, digest, row.master_no, row.wrapped)
                    number, wrapped = self._wrap(key_id, digest, key)
                    values = {"master_no": number, "wrapped": wrapped}
                    # On PostgreSQL others write meanwhile: what was changed since it was read stays as it is.
                    unchanged = (_keys.c.id == key_id, _keys.c.master_no == row.master_no)
                    connection.execute(_keys.update().where(*unchanged).values(values))
            left = self.count(not_under=current)
            yield left
            # A file that was stored since may still have its key under the earlier one.
            if not left and self._removed_others(current):
                break

    def _removed_others(self, current: int) -> bool:
        """Remove all master keys but this, while nobody writes a key; False: an earlier one is still in use."""
        with self._writing(alone=True) as connection:
            query = select(func.count()).select_from(_keys).where(_keys.c.master_no != current)
            if connection.scalar(query):
                return False
            for number in sorted(self.master.all()):
                if number != current:
                    self.master.drop(number)
            return True

    def _wrap(self, key_id: bytes, digest: Digest, key: bytes) -> tuple[int, bytes]:
        keys = self.master.all()
        number, nonce = max(keys), os.urandom(NONCE_BYTES)
        # Id and digest are authenticated with the key: a row that was moved to another document opens nothing.
        return number, nonce + AESGCM(keys[number]).encrypt(nonce, key, key_id + digest.encode())

    def _unwrap(self, key_id: bytes, digest: Digest, number: int, wrapped: bytes) -> bytes:
        keys = self.master.all()
        if number not in keys:
            raise ConfigError(
                "keyring.no_master", "put the keyring's folder back from its latest backup", setting="GED_KEYRING"
            )
        try:
            cipher = AESGCM(keys[number])
            return cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], key_id + digest.encode())
        except InvalidTag:
            raise EngineFailed(
                "keyring.altered", "put the keyring back from its latest backup", digest=digest
            ) from None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else adds a master key, on none of the hosts; the lock ends with the process."""
        with self._alone_on_servers() if self._engine.dialect.name == "postgresql" else self._alone_here():
            # A killed writer left what it had written: it holds keys that are removed later.
            for draft in self._folder.glob(f".{MASTER}.*"):
                draft.unlink()
            yield

    @contextmanager
    def _alone_on_servers(self) -> Iterator[None]:
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"SELECT pg_advisory_lock({RENEWERS})"))
            try:
                yield
            finally:
                connection.execute(text(f"SELECT pg_advisory_unlock({RENEWERS})"))

    @contextmanager
    def _alone_here(self) -> Iterator[None]:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    @contextmanager
    def _writing(self, *, alone: bool = False) -> Iterator[Connection]:
        """A transaction that writes; ``alone``: nobody else writes meanwhile, and whoever comes later reads the master keys anew."""
        with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                shared = "" if alone else "_shared"
                connection.execute(text(f"SELECT pg_advisory_xact_lock{shared}({WRITERS})"))
            else:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection.execution_options(schema_translate_map=_schema(connection))

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """For single queries. PostgreSQL gets no transaction: to end one, its driver forgets the statements that it has prepared,
        and every page after this one would have its statements planned anew."""
        is_server = self._engine.dialect.name == "postgresql"
        engine = self._engine.execution_options(isolation_level="AUTOCOMMIT") if is_server else self._engine
        with engine.connect() as connection:
            yield connection.execution_options(schema_translate_map=_schema(connection))


def _row_of(tombstone: Tombstone) -> dict[str, object]:
    why = tombstone.because
    return {
        "id": tombstone.key_id, "digest": tombstone.digest, "mail_id": why.mail_id, "slip_no": why.slip_no,
        "decided_at": why.decided_at, "destroyed_at": tombstone.destroyed_at,
    }  # fmt: skip


def _schema(connection: Connection) -> dict[str | None, str | None]:
    return {SCHEMA: SCHEMA if connection.dialect.name == "postgresql" else None}


def _book(path: Path) -> Engine:
    """An SQLite file; a connection for each use, since a use is short and rare beside that of the document."""
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool, connect_args={"timeout": 30.0})

    @event.listens_for(engine, "connect")
    def _settle(connection: object, _record: object) -> None:
        # EXTRA: the end of a transaction is the removal of its journal, and FULL does not sync the folder after it. A
        # power cut could bring the journal back; it would undo the transaction, and a document would have no key.
        for pragma in ("journal_mode=DELETE", "synchronous=EXTRA", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]

    return engine
