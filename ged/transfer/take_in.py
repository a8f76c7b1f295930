"""Takes an entity in that another installation exported: all of it, in one transaction, or nothing.

The folder is verified first (``package``). Files are stored before the transaction: what a killed run stored and no row
names is swept. While the rows are written nobody else writes; readers go on. Letters keep their numbers, counters
go on, the index is written by the jobs of the letters. The journal here names the folder, the key and the proof; the journal
of the other installation stays whole beside it (``ged.taken``), and ``ged verify`` compares the two.

**Rights.** A folder gives no right to anybody outside of it: rights of letters name units, posts and people of the folder
alone, accounts are new, without password, and none that the settings name for the whole installation. People
who acted there and are not of the entity arrive as closed accounts that hold a name.

**What is not taken as ours**: certificates that another authority issued, keys that signed codes on paper, scanning stations (they
arrive withdrawn), mailboxes. Codes printed on paper there name ids there, and are not read here.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Table, bindparam, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.orm import Session

from ged import locks
from ged.errors import Invalid
from ged.faults import fault_of
from ged.journal_values import JournalDetails
from ged.models import metadata
from ged.org.models import Person, Post, Unit
from ged.progress import Progress
from ged.register.models import FilingClass, Register
from ged.taken import SUBJECTS, TakenEntity, TakenEntry
from ged.transfer.arriving import LATE, Arriving, names_itself, parents_first, taken, unfit
from ged.transfer.belonging import travelling
from ged.transfer.package import Package
from ged.unit import SYSTEM, Actor, Services, UnitOfWork

BATCH = 500
PATIENCE_S = 30.0
"""How long a moment is waited for in which nobody writes. Nobody waits for us meanwhile."""
_LISTS = ("natures", "mentions", "letter_templates", "word_templates", "report_templates")
_REPLACES = {"word_templates": "name", "report_templates": ""}


@dataclass(frozen=True)
class TakenIn:
    """What was taken in, or would be."""

    code: str
    name: str
    letters: int
    documents: int
    entries: int
    manifest_sha256: str


def take_in(
    services: Services, folder: Path, key_pem: bytes, *, prefix: str = "", actor: Actor = SYSTEM, now: datetime,
    dry_run: bool = False, progress: Progress = lambda _: None,
) -> TakenIn:  # fmt: skip
    """Take in the entity of a folder.

    Args:
        key_pem: the public key of the journal of the other installation, which came another way than the folder.
        prefix: is put before all codes of units, posts and registers and before all accounts. Numbers never change.
        dry_run: verify and compare only; nothing is written.

    Raises:
        Invalid: ``entity.unreadable``, ``entity.not_signed``, ``entity.other_schema``, ``entity.broken``,
            ``entity.unfit``: see ``package`` and ``arriving``; ``entity.codes_taken`` (with some of them);
            ``entity.taken_already``; ``entity.training``; ``entity.account_of_installation``.
        DatabaseAway: ``database.busy``: in half a minute there was no moment in which nobody wrote.
    """
    package = Package(folder, key_pem)
    if package.is_training is not services.training:
        raise Invalid("entity.training", "a training installation and a real one never meet", field="folder")
    progress("verify")
    package.verify()
    arrival = _Arrival(services, package, prefix, now)
    with services.reading() as session:
        arrival.check(session)
    manifest = package.manifest
    done = TakenIn(
        prefix + str(manifest["entity"]["code"]), str(manifest["entity"]["name"]), int(manifest["counts"]["mails"]),
        int(manifest["documents"]["count"]), int(manifest["journal"]["entries"]), package.sha256,
    )  # fmt: skip
    if dry_run:
        return done
    progress("files")
    arrival.store()
    for attempt in services.attempts(now):
        with attempt as uow:
            try:
                arrival.write(uow, actor, progress)
            except (DBAPIError, StatementError) as error:
                fault = fault_of(error)
                if fault is not None:
                    raise fault from error
                if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "")[:2] == "40":
                    raise  # the database gave way to another transaction: once more
                raise Invalid(
                    "entity.unfit", "have it sent again", field="folder", where=f"{arrival.at} {error.orig}"[:200]
                ) from error
    return done


class _Arrival:
    def __init__(self, services: Services, package: Package, prefix: str, now: datetime) -> None:
        self._services, self._package, self._prefix, self._now = services, package, prefix, now
        self._strangers = {int(one["id"]): str(one["name"]) for one in package.lines("strangers.jsonl")}
        self._late: list[dict[str, Any]] = []
        self.at = ""
        """The table that is being written."""
        known = {table.name: self._ids(table) for table in travelling() if "id" in table.c}
        known["people"] |= self._strangers.keys()
        self._known = {name: frozenset(ids) for name, ids in known.items()}

    def _rows(self, name: str) -> Iterator[dict[str, Any]]:
        return self._package.lines(f"rows/{name}.jsonl")

    def _ids(self, table: Table) -> set[int]:
        found = [row.get("id") for row in self._rows(table.name)]
        if not all(type(one) is int and 0 < one < 2**40 for one in found) or len(set(found)) != len(found):
            raise unfit(table, "id")
        return {int(one) for one in found if one is not None}

    def check(self, session: Session) -> None:
        """Refuse what is here already, before anything is stored."""
        sha256 = self._package.sha256
        if session.scalar(select(TakenEntity.id).where(TakenEntity.manifest_sha256 == sha256)) is not None:
            raise Invalid("entity.taken_already", "nothing is left to do", field="folder")
        taken_codes: list[str] = []
        for model, column in ((Unit, "code"), (Post, "code"), (Register, "code"), (Person, "account")):
            wanted = {self._prefix + str(row[column]) for row in self._rows(model.__tablename__)}
            held: Any = getattr(model, column)
            taken_codes += [one for one in session.scalars(select(held)) if one in wanted]
        if taken_codes:
            raise Invalid(
                "entity.codes_taken", "give a --prefix for its codes and accounts", field="--prefix",
                codes=", ".join(sorted(taken_codes)[:8]),
            )  # fmt: skip
        accounts = {self._prefix + str(row["account"]) for row in self._rows("people")}
        of_all = sorted(accounts & set(self._services.installation_accounts))
        if of_all:
            raise Invalid(
                "entity.account_of_installation", "give a --prefix for its codes and accounts", field="--prefix",
                codes=", ".join(of_all),
            )  # fmt: skip

    def store(self) -> None:
        """Store the files. Storing the same bytes twice stores them once."""
        for digest, place in self._package.documents():
            with place.open("rb") as content:
                if self._services.blobs.put(content).digest != digest:
                    raise Invalid("entity.unreadable", "have it sent again", field="folder", path=digest)

    def write(self, uow: UnitOfWork, actor: Actor, progress: Progress) -> None:
        """Write all rows. Nobody else writes meanwhile."""
        session = uow.session
        locks.hold_tables(session, {"EXCLUSIVE": [table.name for table in travelling()]}, patience_s=PATIENCE_S)
        # Once more, now that nobody else writes: a code may have been taken since the first look.
        self.check(session)
        offsets = {name: _last_id(session, metadata.tables[name]) for name in self._known}
        arriving = Arriving(self._known, offsets, self._prefix)
        self._filing(session, arriving)
        self._doubles(arriving)
        self._late.clear()
        for table in taken():
            progress(table.name)
            self._insert(session, table, self._moved(table, arriving))
            if table.name == "people":
                self._insert(session, table, (self._stranger(arriving, one) for one in sorted(self._strangers)))
        self._stock(session, arriving)
        slips = metadata.tables[LATE[0]]
        if self._late:
            later = update(slips).where(slips.c.id == bindparam("of")).values({LATE[1]: bindparam("late")})
            session.connection().execute(later, self._late)
        entity = self._keep(session, arriving, offsets)
        _count_on(session, [metadata.tables[name] for name in self._known])
        for mail_id in sorted(self._known["mails"]):
            uow.reindex(mail_id + offsets["mails"])
        uow.record(
            "entity.taken_in", "entity", entity.unit_id, actor=actor, code=entity.code, manifest=entity.manifest_sha256,
            key=hashlib.sha256(entity.key_pem.encode()).hexdigest(), proof=entity.proof_sha256, offsets=offsets, prefix=self._prefix,
        )  # fmt: skip

    def _moved(self, table: Table, arriving: Arriving) -> Iterator[dict[str, Any]]:
        found = (row for old in self._rows(table.name) if (row := self._as_here(table, old, arriving)) is not None)
        if names_itself(table):
            yield from parents_first(table, list(found), arriving.mapped.get(table.name, {}).values())
        else:
            yield from found

    def _as_here(self, table: Table, old: Mapping[str, Any], arriving: Arriving) -> dict[str, Any] | None:
        """A row as it stands here; None for one that does not."""
        if table.name == "correspondents" and old.get("id") in arriving.mapped["correspondents"]:
            return None
        # The keys that signed these codes are not taken, so the codes are read as none of ours.
        if table.name == "letter_tokens":
            old = dict(old) | {"key_id": None, "certificate_id": None, "token_hash": None, "payload": ""}
        row = arriving.row(table, old)
        match table.name:
            case "people":
                row |= {"password_hash": "", "session_epoch": 0, "must_change_password": True}
            case "slips":
                self._late.append({"of": row["id"], "late": row["number_id"]})
                row["number_id"] = None
            case "bridges":
                # The column is unique and may not be empty. No token has this for its hash.
                row |= {"token_hash": f"taken {row['id']}", "revoked_at": row["revoked_at"] or self._now}
            case "correspondents" if row["entity_id"] is None:
                row |= {"entity_id": self._entity_id(arriving), "is_shared": False}
            case "mailbox_messages":
                row["mailbox"] = f"taken {self._package.sha256[:8]} {row['mailbox']}"[:64]
            case "paper_codes" if row["subject_id"] is None:
                return None
        return row

    def _entity_id(self, arriving: Arriving) -> int:
        found = arriving.moved("units", self._package.manifest["entity"]["id"])
        if found is None:
            raise unfit(metadata.tables["units"], "id")
        return found

    def _stranger(self, arriving: Arriving, old: int) -> dict[str, Any]:
        new = arriving.moved("people", old)
        return {
            "id": new, "account": f"hors-entite-{new}", "name": self._strangers[old][:200] or "—", "is_active": False,
            "password_hash": "", "session_epoch": 0,
        }  # fmt: skip

    def _filing(self, session: Session, arriving: Arriving) -> None:
        """Classes of the filing plan are found by their codes; what is missing is added."""
        here = {one.code: one.id for one in session.scalars(select(FilingClass))}
        mapped = arriving.mapped.setdefault("filing_classes", {})
        table = metadata.tables["filing_classes"]
        for old in self._rows(table.name):
            row = arriving.row(table, old)
            if row["code"] in here:
                mapped[old["id"]] = here[row["code"]]
            else:
                session.execute(insert(table), [row])

    def _doubles(self, arriving: Arriving) -> None:
        """Shared correspondents arrive in the entity's own directory: one that it has under the same name stands for it."""
        own: dict[str, int] = {}
        mapped = arriving.mapped.setdefault("correspondents", {})
        shared: list[dict[str, Any]] = []
        entity = self._package.manifest["entity"]["id"]
        for row in self._rows("correspondents"):
            if row["entity_id"] == entity:
                own[row["folded_name"]] = row["id"]
            elif row["entity_id"] is None:
                shared.append(row)
        for row in shared:
            kept = own.setdefault(row["folded_name"], row["id"])
            if kept != row["id"]:
                mapped[row["id"]] = kept + arriving.offsets["correspondents"]

    def _stock(self, session: Session, arriving: Arriving) -> None:
        """Lists: the entity's own rows, and what it saw of the common stock there, for each entity of the folder."""
        entities = sorted(
            {row["id"] for row in self._rows("units") if row.get("is_entity")} | {self._package.manifest["entity"]["id"]}
        )  # fmt: skip
        steps: dict[int, list[dict[str, Any]]] = {}
        for step in self._rows("nature_steps"):
            steps.setdefault(step["nature_id"], []).append(step)
        for name in _LISTS:
            self._list(session, arriving, name, entities, steps if name == "natures" else {})

    def _list(
        self,
        session: Session,
        arriving: Arriving,
        name: str,
        entities: Sequence[int],
        steps: Mapping[int, list[dict[str, Any]]],
    ) -> None:
        table = metadata.tables[name]
        rows = list(self._rows(name))
        # By what a row of an entity stands for the common one; an entity has one template of reports.
        code = _REPLACES.get(name, "code")
        own = {(row["entity_id"], row.get(code)) for row in rows}
        last = max(self._known[name], default=0) + arriving.offsets[name]
        for old in rows:
            wanted = (
                [old["entity_id"]]
                if old["entity_id"] is not None
                else [e for e in entities if (e, old.get(code)) not in own]
            )
            for number, entity_id in enumerate(wanted):
                row = arriving.row(table, dict(old) | {"entity_id": entity_id})
                if number:
                    last += 1
                    row["id"] = last
                self._insert(session, table, [row])
                for step in steps.get(old["id"], []):
                    of = metadata.tables["nature_steps"]
                    self._insert(session, of, [arriving.row(of, step) | {"nature_id": row["id"]}])

    def _insert(self, session: Session, table: Table, rows: Iterable[dict[str, Any]]) -> None:
        self.at = table.name
        batch: list[dict[str, Any]] = []
        for row in rows:
            # Left out, an empty JSON column is NULL; as a parameter it would be the JSON value null.
            whole = {
                name: one
                for name, one in row.items()
                if one is not None or not isinstance(table.c[name].type, JSON | JournalDetails)
            }
            # Rows of one statement name the same columns: SQLAlchemy takes the first row's for all.
            if batch and (len(batch) == BATCH or whole.keys() != batch[0].keys()):
                session.execute(insert(table), batch)
                batch = []
            batch.append(whole)
        if batch:
            session.execute(insert(table), batch)

    def _keep(self, session: Session, arriving: Arriving, offsets: dict[str, int]) -> TakenEntity:
        """The other journal, beside ours."""
        proof = self._package.proof()
        entity = TakenEntity(
            unit_id=self._entity_id(arriving), code=str(self._package.manifest["entity"]["code"]), prefix=self._prefix,
            manifest_sha256=self._package.sha256, key_pem=self._package.key_pem.decode(), offsets=offsets,
            proof_sha256=hashlib.sha256(proof).hexdigest(), proof=proof, taken_at=self._now,
        )  # fmt: skip
        session.add(entity)
        session.flush()
        self._insert(session, metadata.tables[TakenEntry.__tablename__], self._entries(arriving, entity))
        return entity

    def _entries(self, arriving: Arriving, entity: TakenEntity) -> Iterator[dict[str, Any]]:
        def here(there: Any, name: str) -> int | None:
            return int(there) + arriving.offsets[name] if there in self._known[name] else None

        table = metadata.tables[TakenEntry.__tablename__]
        for entry in self._package.lines("journal/entries.jsonl"):
            try:
                yield {
                    "entity_id": entity.id, "sequence": int(entry["sequence"]), "at": datetime.fromisoformat(entry["at"]),
                    "person_id": here(entry["person_id"], "people"),
                    "acting_for_post_id": here(entry["acting_for_post_id"], "posts"),
                    "action": str(entry["action"])[:64], "subject_kind": str(entry["subject_kind"]),
                    "subject_id": here(entry["subject_id"], SUBJECTS[entry["subject_kind"]]), "payload": entry.get("payload"),
                }  # fmt: skip
            except (KeyError, ValueError, TypeError):
                raise unfit(table, "entry") from None


def _last_id(session: Session, table: Table) -> int:
    """The last id that was given in a table, also to a row that is gone: numbers of records are never given twice."""
    highest = session.scalar(select(func.max(table.c.id))) or 0
    if session.get_bind().dialect.name == "postgresql":
        sequence = session.scalar(select(func.pg_get_serial_sequence(table.name, "id")))
        if sequence:
            highest = max(highest, session.scalar(text(f"SELECT last_value FROM {sequence}")) or 0)  # noqa: S608  its name comes from the database
    return int(highest)


def _count_on(session: Session, tables: Sequence[Table]) -> None:
    """Let PostgreSQL give ids behind those that were written. SQLite does so by itself."""
    if session.get_bind().dialect.name != "postgresql":
        return
    for table in tables:
        if "id" in table.c:
            sequence = func.pg_get_serial_sequence(table.name, "id")
            session.execute(
                select(func.setval(sequence, func.coalesce(select(func.max(table.c.id)).scalar_subquery(), 1)))
            )
