"""The reading engine alone: for a command that needs no installation."""

from ocr.engine import TesseractEngine as Reader

__all__ = ["Reader", "open_reader"]


def open_reader(*, jobs: int) -> Reader:
    """The engine that reads files; ``jobs`` pages at once, without pictures of them. The caller stops it."""
    return Reader(jobs=jobs, pictures=False)
