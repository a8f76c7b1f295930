"""Small files that are rows (``ged.takeover.models.PackedFile``): written with the letters that name them, or not at all."""

from collections.abc import Sequence

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ged.db import table_of
from ged.ports import SealedBlob
from ged.takeover.models import PackedFile

OPENED_BY = "0191"
"""Until this contraction has run, a program of the release before may work, and would miss files that are rows."""
MAX_BYTES = 8_192
"""Of the plain content. A longer file pays for its block of the disk, and the database stays small."""


def write(session: Session, sealed: Sequence[SealedBlob]) -> None:
    """Write files as rows, in the transaction of the letters that name them.

    A row that is there is written anew: with the time of now no removal takes it for left over (``BlobStore.discard``), and its key is
    certainly there.
    """
    rows = {one.digest: {"digest": one.digest, "stored": one.stored, "written_at": one.sealed_at} for one in sealed}
    if not rows:
        return
    make = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = make(table_of(PackedFile))
    new = {name: statement.excluded[name] for name in ("stored", "written_at")}
    # In the order of the keys, so that two transactions cannot wait for each other.
    session.connection().execute(
        statement.on_conflict_do_update(index_elements=["digest"], set_=new), [rows[digest] for digest in sorted(rows)]
    )
