"""Chooses source, colour mode and resolution from what a device offers, never from its maker. Pure functions."""

from collections.abc import Sequence
from typing import Final

from scanner_bridge.faults import ScanFault

_SOURCE_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "feeder": ("adf", "feeder", "automatic"),
    "adf": ("adf", "feeder", "automatic"),
    "duplex": ("duplex",),
    "flatbed": ("flatbed", "platen", "glass", "normal", "document table"),
}
_MODE_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "gray": ("gray", "grey"),
    "grey": ("gray", "grey"),
    "grayscale": ("gray", "grey"),
    "color": ("color", "colour", "rgb"),
    "colour": ("color", "colour", "rgb"),
    "lineart": ("lineart", "binary", "black", "bw", "mono"),
    "bw": ("lineart", "binary", "black", "bw", "mono"),
}


_NOT_PLAIN: Final = ("back", "diffusion", "halftone", "dither", "card")
"""Words of choices that are only used when named outright: the back of the sheet alone, halftone gray, cards."""
PAPER_MM: Final[dict[str, tuple[float, float]]] = {
    "a4": (210.0, 297.0),
    "a5": (148.0, 210.0),
    "a3": (297.0, 420.0),
    "letter": (215.9, 279.4),
    "legal": (215.9, 355.6),
}


def _has(text: str, words: Sequence[str]) -> bool:
    return any(word in text.lower() for word in words)


def _pick(offered: Sequence[str], wanted: str, words: Sequence[str]) -> str | None:
    exact = [name for name in offered if name.lower() == wanted.lower()]
    plain = [name for name in offered if not _has(name, _NOT_PLAIN)]
    starts = [name for name in plain if name.lower().startswith(tuple(words))] if words else []
    close = [name for name in (*plain, *offered) if _has(name, words)]
    return next(iter(exact + starts + close), None)


def is_feeder(source: str | None, device_type: str = "") -> bool:
    """Whether this source takes sheets until it is empty (then ``no_docs`` is the normal end)."""
    if source is None:
        return _has(device_type, ("sheetfed", "sheet-fed", "feeder"))
    return _has(source, (*_SOURCE_WORDS["feeder"], *_SOURCE_WORDS["duplex"]))


def choose_source(offered: Sequence[str], wanted: str | None, *, duplex: bool) -> str | None:
    """Pick the device's source, or None to leave the device as it is.

    Args:
        offered: the names the device gives, empty if it has one fixed source.
        wanted: one of these names, or ``flatbed``, ``adf`` / ``feeder``; None leaves the choice to the device.
        duplex: prefer a source that scans both sides.

    Raises:
        ScanFault: ``unsupported`` when the device has sources, but not this one.
    """
    if not offered:
        return None
    both = [name for name in offered if _has(name, _SOURCE_WORDS["duplex"])]
    if duplex and both and (wanted is None or is_feeder(wanted)):
        return both[0]
    if duplex and wanted is None:
        # Both sides need the feeder; another option of the device then switches duplex on.
        return _pick(offered, "adf", _SOURCE_WORDS["adf"])
    if wanted is None:
        return None
    one_sided = [name for name in offered if name not in both or name.lower() == wanted.lower()]
    found = _pick(one_sided or offered, wanted, _SOURCE_WORDS.get(wanted.lower(), ()))
    if found is None:
        raise ScanFault("unsupported", f"source {wanted!r} is none of {list(offered)}")
    return found


def choose_mode(offered: Sequence[str], wanted: str | None) -> str | None:
    """Pick the device's name for a colour mode (``gray``, ``color``, ``lineart`` or the device's own word).

    Raises:
        ScanFault: ``unsupported`` when the device has modes, but not this one.
    """
    if not offered or not wanted:
        return None
    found = _pick(offered, wanted, _MODE_WORDS.get(wanted.lower(), ()))
    if found is None:
        raise ScanFault("unsupported", f"mode {wanted!r} is none of {list(offered)}")
    return found


def choose_resolution(constraint: Sequence[float] | tuple[float, float, float] | None, dpi: int) -> float:
    """Pick the resolution to set: exact, else the next finer, else the finest.

    Args:
        constraint: as python-sane gives it: a list of values, a (least, most, step) tuple, or None for any.
        dpi: what was asked for.
    """
    if constraint is None:
        return dpi
    if isinstance(constraint, tuple):
        least, most, step = (float(value) for value in constraint)
        value = min(max(dpi, least), most)
        return least + round((value - least) / step) * step if step else value
    finer = [float(value) for value in constraint if value >= dpi]
    return min(finer) if finer else float(max(constraint))


def page_corner(paper: str) -> tuple[float, float] | None:
    """Width and height of a paper in millimetres; None is the whole glass. An unknown word, of a newer site, is A4."""
    return None if paper == "whole" else PAPER_MM.get(paper, PAPER_MM["a4"])


def list_resolutions(constraint: Sequence[float] | tuple[float, float, float] | None) -> list[int]:
    """Resolutions to show to a clerk: the device's own list, or the usual resolutions inside its range."""
    usual = [150, 200, 300, 400, 600]
    if constraint is None:
        return usual
    if isinstance(constraint, tuple):
        return [dpi for dpi in usual if constraint[0] <= dpi <= constraint[1]]
    return sorted(int(value) for value in constraint)
