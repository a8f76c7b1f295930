"""The service of a child that opens the bytes of an upload: called by ``ocr.sandbox``, run by ``sandbox.child``."""

from pathlib import Path

from ocr import office
from ocr.border import message_of_work
from ocr.enclosed import take_out
from ocr.image import Shown, cut, shrink
from ocr.inspection import count, inspect
from ocr.limits import Limits
from ocr.pictures import jpeg, site_webp
from ocr.showing import show
from ocr.tesseract import Recogniser, recogniser
from ocr.wire import Message, PageTask
from ocr.word import served
from sandbox import Service

_THUMBNAIL_QUALITY = 70
FORM_LONG_SIDE_PX = 2339
"""A4 at 200 dpi: to this size a PDF is drawn for its form; a picture is taken as it is."""


def service(settings: Message) -> Service:
    """The handler of requests of ``ocr.sandbox``; all paths in the requests are in the child's room."""
    limits = Limits(settings["max_pixels"], settings["max_pages"], settings["memory_limit_bytes"])
    served = _Service(limits, recogniser(settings["tesseract"], settings["tessdata"]))
    return lambda request, _: (served.answer(request), b"")


class _Service:
    def __init__(self, limits: Limits, reads: Recogniser) -> None:
        self._limits = limits
        self._recogniser = reads

    def answer(self, request: Message) -> Message:
        message = message_of_work(lambda: self._do(request))
        return {**message, "broke_off": self._recogniser.broke_off} if "ok" in message else message

    def _do(self, request: Message) -> object:
        operation = request.pop("do")
        if operation == "inspect":
            return inspect(Path(request["source"]), self._limits, start=request["start"], stop=request["stop"])
        if operation == "count":
            return count(Path(request["source"]), self._limits)
        if operation == "convert":
            source, target = Path(request["source"]), Path(request["out"])
            office.convert(source, request["media_type"], target, self._limits, timeout_s=request["timeout_s"])
            return None
        if operation == "take_out":
            take_out(Path(request["source"]), Path(request["out"]))
            return None
        if operation in served.OPERATIONS:
            return served.do(operation, request, self._limits)
        if operation == "languages":
            return sorted(self._recogniser.languages())
        if operation == "version":
            return self._recogniser.version()
        if operation == "thumbnail":
            self._thumbnail(request)
            return None
        if operation == "part":
            self._part(request)
            return None
        from ocr import slow_start  # noqa: PLC0415 - with scipy half of the start, and a look at a file needs none of it

        if operation in slow_start.ON_PICTURES:
            return slow_start.look(operation, self._shown(request).image, request)
        languages = tuple(request.pop("languages"))
        slow_start.read(PageTask(**request, languages=languages), self._limits, self._recogniser)
        return None

    def _shown(self, request: Message, long_side_px: int = FORM_LONG_SIDE_PX) -> Shown:
        return show(
            Path(request["source"]),
            request["media_type"],
            request["page_index"],
            request["rotation"],
            self._limits,
            long_side_px=long_side_px,
        )

    def _part(self, request: Message) -> None:
        part = cut(self._shown(request).image, request["place"], request["width_px"])
        Path(request["out"]).write_bytes(jpeg(part, _THUMBNAIL_QUALITY))

    def _thumbnail(self, request: Message) -> None:
        width_px = request["width_px"]
        shown = self._shown(request, 4 * width_px)
        long_side_px = width_px * max(shown.image.size) / shown.image.width
        small, limit_bytes = shrink(shown.image, round(long_side_px)), request["limit_bytes"]
        coded = site_webp(small, limit_bytes=limit_bytes) if limit_bytes else jpeg(small, _THUMBNAIL_QUALITY)
        Path(request["out"]).write_bytes(coded)
