"""Fiches de transmission as they come back: printed by us, ticked by two drawings of strokes, damaged by another project.

The first drawing (``OWN``) was at hand while the reader was written. The second (``OTHER``) is made differently: glyphs of
Debian's handwriting fonts, and brush strokes with changing pressure. The damage is Augraphy's: worn printers,
bad copies, faxes, folds, stains, dirty rollers. Then the sheet is scanned: turned, in perspective, in 150 to 300 dpi.
"""

import io
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import augraphy
import numpy as np
import pypdfium2
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont
from scipy import ndimage

from bench._archive_pages import _FONTS, _HANDS
from ged.codes import CodeKind, make_code
from ged.ports import Confidentiality, FormBox, PrintedForm
from ged.routing.sheet import ImputationSheet, form_data, sheet_pdf
from ged.routing.sheet_form import SheetForm, code_of, offered, places
from ged.typeset import qr_svg

OWN, OTHER = "own", "other"
KEY = b"bench" * 8
DPI = 300
MM = DPI / 25.4
EMPTY, FILLED, TAKEN_BACK = "empty", "filled", "taken_back"
_UNITS = (
    "Direction générale de l'énergie", "Direction des affaires financières", "Secrétariat général",
    "Direction des mines et de la géologie", "Inspection générale des services", "Cellule de communication",
    "Direction de la planification et du suivi-évaluation", "Direction des ressources humaines",
    "Personne responsable des marchés publics", "Direction du contrôle minier",
)  # fmt: skip
_MENTIONS = (
    "Attribution", "Étude et avis", "M'en parler", "Suite à donner", "Projet de réponse", "Me rendre compte",
    "Pour information", "Classement", "Urgent",
)  # fmt: skip


@dataclass(frozen=True)
class Sheet:
    """A sheet that came back: its picture, its form, and what each box truly is."""

    image: Image.Image
    form: PrintedForm
    truth: dict[str, str]
    hand: str
    wear: tuple[str, ...]
    dpi: int


@cache
def _printed(units: int, mentions: int) -> tuple[Image.Image, PrintedForm, tuple[float, float]]:
    """A blank sheet as printed, its form, and the place of its frame in pixels."""
    rows = [(n + 11, f"U{n}", _UNITS[n % len(_UNITS)]) for n in range(units)]
    ticks = [(n + 3, f"m{n}", _MENTIONS[n]) for n in range(mentions)]
    form = SheetForm(
        4000 + units, tuple(offered(i, code) for i, code, _ in rows), tuple(offered(i, code) for i, code, _ in ticks)
    )
    names = {f"copy:{i}": name for i, _, name in rows} | {f"mention:{i}": name for i, _, name in ticks}
    head = {
        "organisation": "Ministère des mines et de l'énergie", "units": ["Cabinet du ministre"], "entity": "MME",
        "country": "République togolaise", "motto": "Travail – Liberté – Patrie", "caption": "2026/ARR/001234",
        "qr": qr_svg(make_code(CodeKind.IMPUTATION, form.mail_id, key=KEY)),
    }  # fmt: skip
    sheet = ImputationSheet(
        mail_id=form.mail_id, level=Confidentiality.ORDINARY, head=head, number="2026/ARR/001234",
        sender="Compagnie énergie électrique du Togo", subject="Demande de crédits pour les postes de transformation",
        their_reference="017/CEET/DG", written_on=date(2026, 11, 18), received_on=date(2026, 11, 20), urgency="",
        addressed_to="Le ministre", enclosures="2", units=(), mentions=(), note="", due_on=None, decided_at=None,
        decided_by="", capacity="", printed_on=date(2026, 11, 20), form=form_data(form, names, key=KEY),
    )  # fmt: skip
    document = pypdfium2.PdfDocument(sheet_pdf(sheet, at=datetime(2026, 11, 20, tzinfo=UTC)))
    try:
        image = document[0].render(scale=DPI / 72).to_pil().convert("L")
    finally:
        document.close()
    printed = places(form, code=code_of(form, key=KEY)).form
    return image, printed, _frame_at(image, printed)


def _frame_at(image: Image.Image, form: PrintedForm) -> tuple[float, float]:
    """The corner of the frame, by the first solid square of its size: not by the reader that is measured."""
    labels, _ = ndimage.label(np.asarray(image) < 64)
    side = form.mark_size * MM
    squares = []
    for n, (down, right) in enumerate(ndimage.find_objects(labels), 1):
        height, width = down.stop - down.start, right.stop - right.start
        if abs(height - side) < 3 and abs(width - side) < 3 and (labels[down, right] == n).mean() > 0.95:
            squares.append(((right.start + right.stop) / 2, (down.start + down.stop) / 2))
    x, y = min(squares, key=lambda one: one[0] + one[1])
    first = form.marks[0]
    return x - first[0] * MM, y - first[1] * MM


def draw(rnd: random.Random, hand: str) -> Sheet:
    """One sheet that came back."""
    image, form, corner = _printed(rnd.choice((6, 10, 12, 15)), rnd.choice((6, 9)))
    seed = rnd.randint(0, 2**31 - 1)
    random.seed(seed)  # Augraphy takes its random numbers from both
    np.random.seed(seed)
    wear = []
    if rnd.random() < 0.5:
        name = rnd.choice(tuple(_PRINTERS))
        wear.append(name)
        image = _damaged(image, _PRINTERS[name])
    image, truth = _ticked(rnd, image, form, corner, hand)
    for name in rnd.sample(tuple(_PAPERS), rnd.choice((0, 1, 1, 2))):
        wear.append(name)
        image = _damaged(image, _PAPERS[name])
    dpi = rnd.choice((150, 200, 200, 300))
    return Sheet(_scanned(rnd, image, dpi, wear), form, truth, hand, tuple(wear), dpi)


# --- damage --------------------------------------------------------------------------------------------------------

_Damage = Callable[[], Any]
_PRINTERS: dict[str, _Damage] = {
    "bleeding ink": lambda: augraphy.InkBleed(intensity_range=(0.2, 0.5), kernel_size=(3, 3), p=1),
    "low ink": lambda: augraphy.LowInkRandomLines(count_range=(3, 8), use_consistent_lines=False, p=1),
    "letterpress": lambda: augraphy.Letterpress(
        n_samples=(100, 300), n_clusters=(200, 400), std_range=(500, 2000), value_range=(180, 250),
        value_threshold_range=(128, 128), blur=1, p=1,
    ),
    "drum": lambda: augraphy.DirtyDrum(
        line_width_range=(1, 4), line_concentration=0.1, direction=0, noise_intensity=0.5, noise_value=(64, 224), p=1
    ),
}  # fmt: skip
_PAPERS: dict[str, _Damage] = {
    "noise": lambda: augraphy.SubtleNoise(subtle_range=10, p=1),
    "photocopy": lambda: augraphy.BadPhotoCopy(
        noise_type=-1, noise_value=(100, 200), noise_sparsity=(0.2, 0.5), noise_concentration=(0.02, 0.1), blur_noise=-1,
        wave_pattern=0, edge_effect=0, p=1,
    ),
    "fax": lambda: augraphy.Faxify(
        scale_range=(1.0, 1.25), monochrome=1, monochrome_method="threshold_otsu", halftone=0, p=1
    ),
    "fold": lambda: augraphy.Folding(
        fold_count=rnd_count(), fold_noise=0.0, fold_angle_range=(0, 0), gradient_width=(0.1, 0.2),
        gradient_height=(0.005, 0.01), backdrop_color=(255, 255, 255), p=1,
    ),
    "rollers": lambda: augraphy.DirtyRollers(line_width_range=(4, 10), p=1),
    "stains": lambda: augraphy.Stains(p=1),
    "jpeg": lambda: augraphy.Jpeg(quality_range=(25, 60), p=1),
    "light": lambda: augraphy.LightingGradient(min_brightness=80, p=1),
    "dark": lambda: augraphy.Brightness(brightness_range=(0.75, 1.1), p=1),
}  # fmt: skip


def rnd_count() -> int:
    """Folds of a sheet that was put into an envelope or a pocket."""
    return random.randint(1, 3)


def _damaged(image: Image.Image, make: _Damage) -> Image.Image:
    plane = np.stack([np.asarray(image)] * 3, -1)
    found: Any = make()(plane)
    found = found[0] if isinstance(found, tuple) else found
    if found is None:
        return image
    made = Image.fromarray(np.asarray(found).astype(np.uint8)).convert("L")
    return made if made.size == image.size else made.resize(image.size, Image.Resampling.BICUBIC)


def _scanned(rnd: random.Random, image: Image.Image, dpi: int, wear: list[str]) -> Image.Image:
    """Turned up to three degrees, a little in perspective, upside down at times; gray, or black and white."""
    wide, high = image.size
    slip = 0.004 * wide
    corners = [(rnd.uniform(-slip, slip), rnd.uniform(-slip, slip)) for _ in range(4)]
    target = [(0, 0), (wide, 0), (wide, high), (0, high)]
    source = [(x + right, y + down) for (x, y), (right, down) in zip(target, corners, strict=True)]
    turned = image.transform(
        image.size, Image.Transform.PERSPECTIVE, _perspective(target, source), Image.Resampling.BICUBIC, fillcolor=255
    )
    page = turned.rotate(
        rnd.uniform(-3, 3) + rnd.choice((0, 0, 0, 180)), Image.Resampling.BICUBIC, expand=True, fillcolor=255
    )
    page = page.resize((round(page.width * dpi / DPI), round(page.height * dpi / DPI)), Image.Resampling.BOX)
    if rnd.random() < 0.2:
        wear.append("two tones")
        page = page.point(lambda level: 255 if level > 150 else 0)
    data = io.BytesIO()
    page.save(data, "JPEG", quality=rnd.randint(45, 85), dpi=(dpi, dpi))
    return Image.open(io.BytesIO(data.getvalue())).convert("L")


def _perspective(target: list[tuple[int, int]], source: list[tuple[float, float]]) -> list[float]:
    """The eight numbers by which Pillow takes each target from its source."""
    rows, values = [], []
    for (x, y), (u, v) in zip(target, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return [float(one) for one in np.linalg.solve(np.array(rows), np.array(values))]


# --- pens ----------------------------------------------------------------------------------------------------------

_PENS = {"ballpoint": (0.35, 0.6, 70), "felt": (0.7, 1.0, 25), "pencil": (0.4, 0.6, 120), "fine": (0.28, 0.4, 50)}
"""Least and greatest width in millimetres, and the gray of its line."""


def _ticked(
    rnd: random.Random, image: Image.Image, form: PrintedForm, corner: tuple[float, float], hand: str
) -> tuple[Image.Image, dict[str, str]]:
    """Ticks as somebody would set them, each box by itself; and handwriting where it belongs."""
    pen = rnd.choice(tuple(_PENS))
    pen_hand: _OwnHand | _OtherHand = _OwnHand(rnd, image, pen) if hand == OWN else _OtherHand(rnd, image, pen)
    style = rnd.choice(("tick", "cross", "fill", "mixed"))
    truth = {}
    for box in form.boxes:
        at = (corner[0] + (box.x + box.size / 2) * MM, corner[1] + (box.y + box.size / 2) * MM)
        lot = rnd.random()
        truth[box.key] = FILLED if lot < 0.22 else TAKEN_BACK if lot < 0.25 else EMPTY
        if truth[box.key] != EMPTY:
            kind = style if style != "mixed" else rnd.choice(("tick", "cross", "fill", "slash"))
            pen_hand.mark(kind if truth[box.key] == FILLED or kind != "fill" else "cross", at, box)
        if truth[box.key] == TAKEN_BACK:
            pen_hand.strike(at, box)
    note = next(area for area in form.areas if area.key == "note")
    if rnd.random() < 0.6:
        pen_hand.write("Me préparer une réponse", (corner[0] + (note.x + 6) * MM, corner[1] + (note.y + 3) * MM))
    return pen_hand.inked(), truth


_GLYPHS = {"tick": "vVv", "cross": "xX×", "slash": "/"}


class _Ink:
    """Ink on its own sheet, laid on the page at the end."""

    def __init__(self, rnd: random.Random, image: Image.Image, pen: str) -> None:
        self.rnd, self.image, self.pen = rnd, image, pen
        self.mask = Image.new("L", image.size, 0)
        least, greatest, self.gray = _PENS[pen]
        self.width = rnd.uniform(least, greatest) * MM

    def inked(self) -> Image.Image:
        """The page with the ink: a pencil leaves grains of the paper white."""
        mask = self.mask.filter(ImageFilter.GaussianBlur(0.8))
        if self.pen == "pencil":
            grain = np.random.default_rng(self.rnd.randint(0, 2**31)).uniform(0.35, 1.0, (mask.height, mask.width))
            mask = Image.fromarray((np.asarray(mask) * ndimage.uniform_filter(grain, 2)).astype(np.uint8))
        ink = Image.new("L", self.image.size, self.gray)
        return ImageChops.darker(self.image, Image.composite(ink, self.image, mask))

    def write(self, text: str, at: tuple[float, float]) -> None:
        """A line in a handwriting font."""
        font = ImageFont.truetype(str(_FONTS / self.rnd.choice(_HANDS)), round(8 * MM))
        ImageDraw.Draw(self.mask).text(at, text, fill=255, font=font)


class _OwnHand(_Ink):
    """Polygons with a tremor."""

    def _line(self, points: list[tuple[float, float]]) -> None:
        shaken = [(x + self.rnd.gauss(0, 0.05 * MM), y + self.rnd.gauss(0, 0.05 * MM)) for x, y in points]
        ImageDraw.Draw(self.mask).line(shaken, fill=255, width=max(2, round(self.width)), joint="curve")

    def _placed(self, points: list[tuple[float, float]], at: tuple[float, float], scale: float) -> None:
        angle = math.radians(self.rnd.gauss(0, 8))
        self._line(
            [
                (
                    at[0] + scale * MM * (x * math.cos(angle) - y * math.sin(angle)),
                    at[1] + scale * MM * (x * math.sin(angle) + y * math.cos(angle)),
                )
                for x, y in points
            ]
        )

    def mark(self, kind: str, at: tuple[float, float], box: FormBox) -> None:
        rnd = self.rnd
        at = (at[0] + rnd.gauss(0, 0.35) * MM, at[1] + rnd.gauss(0, 0.35) * MM)
        scale = rnd.uniform(0.8, 1.35)
        if kind == "tick":
            self._placed([(-1.1, -0.1), (-0.9, 0.1), (-0.35, 0.95), (0.4, -0.4), (1.5, -1.6)], at, scale)
        elif kind == "cross":
            self._placed([(-1.2, -1.2), (0, 0), (1.2, 1.2)], at, scale)
            self._placed([(1.2, -1.2), (0, 0), (-1.2, 1.2)], at, scale)
        elif kind == "slash":
            self._placed([(-1.2, 1.3), (0, 0), (1.2, -1.3)], at, scale)
        else:
            step, side = 0.3, box.size / 2 - 0.3
            rows = np.arange(-side, side, step)
            self._placed([(side * (-1) ** n, float(y)) for n, y in enumerate(rows)], at, 1.0)

    def strike(self, at: tuple[float, float], box: FormBox) -> None:
        rnd = self.rnd
        half = box.size / 2 + rnd.uniform(3.0, 4.5)
        slope, lift = rnd.uniform(-0.15, 0.15), rnd.gauss(0, 0.4)
        self._line([(at[0] + x * MM, at[1] + (slope * x + lift) * MM) for x in np.linspace(-half, half, 5)])


class _OtherHand(_Ink):
    """Glyphs of handwriting fonts, and brush strokes with pressure."""

    def _brush(self, points: list[tuple[float, float]]) -> None:
        pen = ImageDraw.Draw(self.mask)
        known = np.array(points)
        t = np.linspace(0, 1, len(known))
        fine = np.linspace(0, 1, 160)
        degree = min(3, len(known) - 1)
        xs, ys = (np.polyval(np.polyfit(t, known[:, n], degree), fine) for n in (0, 1))
        wobble = self.rnd.uniform(0.1, 0.35) * MM
        phase = self.rnd.uniform(0, 6)
        for n, (x, y) in enumerate(zip(xs, ys, strict=True)):
            press = 0.65 + 0.35 * math.sin(phase + 3 * fine[n])
            off = wobble * math.sin(phase + 7 * fine[n])
            radius = max(1.0, press * self.width / 2)
            pen.ellipse((x - radius, y + off - radius, x + radius, y + off + radius), fill=255)

    def mark(self, kind: str, at: tuple[float, float], box: FormBox) -> None:
        rnd = self.rnd
        at = (at[0] + rnd.uniform(-0.7, 0.7) * MM, at[1] + rnd.uniform(-0.7, 0.7) * MM)
        if kind == "fill":
            side = box.size / 2 * MM
            corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
            blob = [
                (at[0] + x * side * rnd.uniform(0.6, 1.05), at[1] + y * side * rnd.uniform(0.6, 1.05))
                for x, y in corners
            ]
            ImageDraw.Draw(self.mask).polygon(blob, fill=255)
        elif rnd.random() < 0.5:
            glyph = rnd.choice(_GLYPHS[kind])
            font = ImageFont.truetype(str(_FONTS / rnd.choice(_HANDS)), round(rnd.uniform(6.5, 9.5) * MM))
            stamp = Image.new("L", (round(14 * MM), round(14 * MM)), 0)
            ImageDraw.Draw(stamp).text((stamp.width / 2, stamp.height / 2), glyph, fill=255, font=font, anchor="mm")
            bounds = stamp.getbbox()
            if bounds is None:
                return self._free(kind, at)
            cut = stamp.crop(bounds).rotate(rnd.uniform(-15, 15), expand=True)
            least = 2.2 * MM / max(cut.size)
            if least > 1:
                cut = cut.resize((round(cut.width * least), round(cut.height * least)))
            if self.width > 0.5 * MM:
                cut = cut.filter(ImageFilter.MaxFilter(3))
            place = (round(at[0] - cut.width / 2), round(at[1] - cut.height / 2))
            ImageChops.lighter(self.mask.crop((*place, place[0] + cut.width, place[1] + cut.height)), cut)
            self.mask.paste(255, place, cut)
        else:
            self._free(kind, at)
        return None

    def _free(self, kind: str, at: tuple[float, float]) -> None:
        rnd = self.rnd
        size = rnd.uniform(1.0, 2.0) * MM
        x, y = at
        if kind == "tick":
            turn = (x - 0.3 * size, y + 0.8 * size)
            self._brush([(x - 0.9 * size, y - 0.1 * size), turn])
            self._brush([turn, (x + 0.4 * size, y - 0.5 * size), (x + 1.3 * size, y - 1.1 * size)])
        else:
            self._brush([(x - size, y + 0.9 * size), (x + 0.1 * size, y), (x + size, y - 0.9 * size)])
            if kind == "cross":
                self._brush([(x - 0.9 * size, y - size), (x, y + 0.1 * size), (x + 0.9 * size, y + size)])

    def strike(self, at: tuple[float, float], box: FormBox) -> None:
        rnd = self.rnd
        left, right = (box.size / 2 + rnd.uniform(3.0, 5.0) for _ in "lr")
        for _again in range(rnd.choice((1, 1, 2))):
            tilt, lift = rnd.uniform(-0.2, 0.2), rnd.uniform(-0.6, 0.6)
            points = [(at[0] + x * MM, at[1] + (lift + tilt * x) * MM) for x in (-left, -left / 2, 0, right / 2, right)]
            self._brush(points)
