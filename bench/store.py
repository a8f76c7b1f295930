"""Storing and opening a file of 300 kB, encrypted: in an S3 store (versitygw on this machine) against a folder.

``python -m bench.store [COUNT]``; the program of the store is built by ``python -m tests.servers.versitygw``.
"""

import io
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ged.adapters.blobs_fs import FileBlobs
from ged.adapters.blobs_s3 import S3Blobs
from ged.adapters.keyring import Keyring
from ged.adapters.s3 import Bucket
from ged.ports import BlobStore
from tests import s3_kit
from tests.servers import close_run, open_run, versitygw

SIZE = 300_000


def median_ms(act: Callable[[int], object], count: int) -> float:
    """The median of ``count`` calls, in milliseconds."""
    taken = []
    for n in range(count):
        begun = time.perf_counter()
        act(n)
        taken.append(time.perf_counter() - begun)
    return 1000 * statistics.median(taken)


def measured(blobs: BlobStore, count: int) -> tuple[float, float]:
    """(storing, opening and reading), in milliseconds."""
    contents = [os.urandom(SIZE) for _ in range(count + 1)]
    blobs.put(io.BytesIO(contents.pop()))  # connections are made
    digests = []
    store_ms = median_ms(lambda n: digests.append(blobs.put(io.BytesIO(contents[n])).digest), count)

    def read(n: int) -> None:
        with blobs.open(digests[n]) as plain:
            plain.read()

    return store_ms, median_ms(read, count)


def main() -> None:
    """Print both, and the ratio."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    run = open_run()
    try:
        place = s3_kit.new_place(versitygw.server().url)
        with tempfile.TemporaryDirectory(dir=run[0]) as folder:
            keyring = Keyring(Path(folder) / "keyring")
            keyring.prepare()
            there = measured(S3Blobs(Bucket(place), Path(folder) / "sending", keyring), count)
            here = measured(FileBlobs(Path(folder) / "blobs", keyring), count)
    finally:
        close_run(*run)
    for what, ours, theirs in zip(("store", "open"), here, there, strict=True):
        print(f"{what} {SIZE // 1000} kB: folder {ours:.1f} ms, S3 {theirs:.1f} ms, {theirs / ours:.1f} times")


if __name__ == "__main__":
    main()
