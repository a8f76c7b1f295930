"""Files and names that a power cut does not undo once they are written.

POSIX promises no more than this: the content of a file is safe after its ``fsync``, a new, renamed or removed name after
the ``fsync`` of its folder. ``tests/journeys/test_power_cut.py`` takes away everything else.
"""

import os
import secrets
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path, *, mode: int = 0o777) -> None:
    """Make a folder and its missing parents, durable.

    What is synced in a folder whose own name is lost is lost with it.
    """
    # Looked up before `mkdir`: afterwards nothing tells which names are new.
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(mode=mode, parents=True, exist_ok=True)
    for one in reversed(missing):
        sync_folder(one.parent)


def replace_file(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Write a file, or a new one in its place: whole or not at all, durable when this returns.

    Args:
        mode: the exact rights of the file; None: as the process's mask gives them.

    Raises:
        OSError: it was not written, and the file is as it was; or, when the disk fails at the very end, the new file is
            there, and a power cut may still undo it.
    """
    # In the folder of the file: a rename is one step only within a file system.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        # The rights are there before the content: nobody else may read a key for a moment.
        opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else 0o600)
        with os.fdopen(opened, "wb") as out:
            if mode is not None:
                # Here, as the mask of the process may have taken rights away at the opening.
                os.fchmod(out.fileno(), mode)
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    # Outside of the block above: the file has its name by now, so a failure must not remove anything.
    sync_folder(path.parent)
