"""Reads a sheet on which several pieces of paper lie: each piece levelled by itself, one after the other."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from PIL import Image

from ocr import clean
from ocr.image import resized, turn
from ocr.lines import Line, Token, confidence_of
from ocr.paper import freshened
from ocr.pieces import Piece, Strip, cut_out
from ocr.reading import LOW_CONFIDENCE, Reading, moved, tilted, worth
from ocr.skew import skew_degrees
from ocr.unread import Box

_SIDEWAYS = (90, 270)


@dataclass(frozen=True)
class LevelStrip:
    """A piece by itself, ready to be read.

    Attributes:
        strip: the piece as it lies on the sheet, at the size of the scan.
        gray: the strip at the size at which it is read, not levelled.
        fresh: ``gray`` freshened.
        lean: by how many degrees its lines fall to the right.
    """

    strip: Strip
    gray: Image.Image
    fresh: Image.Image
    lean: float

    @property
    def level(self) -> Image.Image:
        """The strip with its lines level."""
        return clean.levelled(self.gray, self.lean)


ReadStrip = Callable[[LevelStrip], Reading]


def level_strip(scanned: Image.Image, piece: Piece, scale: float) -> LevelStrip:
    """A piece of a sheet by itself.

    Args:
        scanned: the sheet, mode ``L``.
        scale: the size at which the sheet is read, as a share of that of ``scanned``.
    """
    strip = cut_out(scanned, piece)
    gray = resized(strip.image, round(scale * max(strip.image.size)))
    fresh = freshened(gray)
    return LevelStrip(strip, gray, fresh, piece.lean + skew_degrees(clean.levelled(fresh, piece.lean)))


def read_pieces(
    scanned: Image.Image, pieces: Sequence[Piece], read: ReadStrip, *, scale: float, level: Image.Image, lean: float
) -> Reading:
    """The text of the pieces one after the other, as one reading of their sheet.

    Where most letters lie on a piece that was turned upright, the sheet is turned as that piece was.

    Args:
        scanned: the sheet, mode ``L``.
        pieces: in the order of reading.
        read: reads a strip.
        scale: as for ``level_strip``.
        level: the sheet as it is shown.
        lean: by how many degrees ``level`` was turned back.

    Raises:
        EngineFailed: as ``read`` does.
    """
    readings: list[Reading] = []
    lines: list[Line] = []
    written: list[Box] = []
    for piece in pieces:
        strip = level_strip(scanned, piece, scale)
        reading = read(strip)
        readings.append(reading)

        def on_sheet(found: Iterable[Line], strip: LevelStrip = strip, reading: Reading = reading) -> list[Line]:
            lean_upright, degrees = reading.turned
            upright = turned(found, -degrees % 360)
            as_scanned = tilted(upright, strip.lean + lean_upright, strip.gray.size)
            placed = [replace(one, tokens=tuple(map(strip.strip.placed, one.tokens))) for one in as_scanned]
            return tilted(placed, -lean, level.size)

        of_piece = on_sheet(reading.lines)
        lines += [replace(line, starts_paragraph=line.starts_paragraph or not n) for n, line in enumerate(of_piece)]
        written += moved(reading.written, on_sheet)
    degrees = max(readings, key=lambda one: worth(one.lines)).turned[1]
    poor = confidence_of(lines) < LOW_CONFIDENCE or any("low_confidence" in one.flags for one in readings)
    flags = ((f"rotated_{degrees}",) if degrees else ()) + (("low_confidence",) if poor else ())
    return Reading(
        turn(level, degrees),
        tuple(turned(lines, degrees)),
        flags,
        moved(written, lambda found: turned(found, degrees)),
        (0.0, degrees),
    )


def turned(lines: Iterable[Line], degrees: int) -> list[Line]:
    """Lines of a page that is turned clockwise by 0, 90, 180 or 270 degrees."""

    def on_turned(token: Token) -> Token:
        left, top = token.x, token.y
        right, bottom = 1 - left - token.width, 1 - top - token.height
        x, y = {0: (left, top), 90: (bottom, left), 180: (right, bottom), 270: (top, right)}[degrees]
        wide, high = (token.height, token.width) if degrees in _SIDEWAYS else (token.width, token.height)
        return replace(token, x=x, y=y, width=wide, height=high)

    return [replace(line, tokens=tuple(map(on_turned, line.tokens))) for line in lines]
