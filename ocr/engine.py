"""The adapter of the port ``OcrEngine``: tesseract, in child processes that a hostile file may crash."""

import hashlib
import shutil
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from PIL import Image

from ged.errors import DiskFull, EngineFailed, GedError, Invalid
from ged.ports import (
    PROGRAMS,
    FormReading,
    PageCode,
    PageFacts,
    PageRef,
    PrintedForm,
    Quad,
    ReaderFacts,
    RecognisedPage,
    Recognition,
    SourceFacts,
    Word,
    WrittenRegion,
    has_programs,
)
from ocr import pdf
from ocr.fields import read_fields
from ocr.limits import MAX_PIXELS, MIB, Limits, truncated
from ocr.office import OFFICE
from ocr.office_folder import OfficeFolder
from ocr.pictures import SITE_FIRST_BYTES, jpeg, site_webp, thumbnail_jpeg
from ocr.resume import FinishedPages
from ocr.sandbox import Sandbox
from ocr.sniff import P7M, PDF, sniff
from ocr.tesseract import PROGRAM, Plug, plug_of
from ocr.wire import Message, PagePart, PageResult, PageTask, as_message, check_drawn, form_reading, load_result
from sandbox import Isolation

PAGES_A_LOOK = 8
MOST_WORDS = 600_000
"""The most words of a document: 500 pages of 1,200 words. Each word takes half a kilobyte until it is stored. A page whose words would
be more keeps its picture and its place in the searchable file, and is flagged ``failed``; its words are not taken."""
_PLACEHOLDER_SIZE = (595, 842)
_GRACE_S = 3.0  # a child that gives up by itself leaves more results than a killed child


class TesseractEngine:
    """Reads pages with tesseract, ``jobs`` at a time."""

    def __init__(
        self,
        *,
        max_pixels: int = MAX_PIXELS,
        max_pages: int = 500,
        jobs: int = 2,
        memory_limit_bytes: int = 2048 * MIB,
        page_timeout_s: float = 120.0,
        reader: str = "automatic",
        tesseract: str | None = None,
        tessdata: str | None = None,
        pictures: bool = True,
        isolation: Isolation | None = None,
    ) -> None:
        """Set the limits; nothing is started before the first call.

        Args:
            max_pixels: of a page, as its header says.
            max_pages: of a file.
            jobs: pages of all documents read at the same time, each by one single-threaded process.
            memory_limit_bytes: address space of each process.
            page_timeout_s: after this time a page is given up and flagged ``failed``; the other pages go on.
            reader: ``library`` (faster); ``program`` (the system's); ``automatic``: the library if it is installed.
            tesseract: name or path of another program than the system's. It overrides ``reader``.
            tessdata: folder of its models, if not the usual folder.
            pictures: also make images of the pages and a thumbnail, for the site.
            isolation: of the children; unless given, the best that this machine allows.
        """
        self._limits = Limits(max_pixels, max_pages, memory_limit_bytes)
        self._jobs = jobs
        self._page_timeout_s = page_timeout_s
        self._program = tesseract or (PROGRAM if plug_of(reader) is Plug.PROGRAM else None)
        self._pictures = pictures
        settings: Message = {
            "max_pixels": max_pixels,
            "max_pages": max_pages,
            "memory_limit_bytes": memory_limit_bytes,
            "tesseract": self._program,
            "tessdata": tessdata,
        }
        self._sandbox = Sandbox(settings, inspections=max(2, jobs), isolation=isolation)
        self._office = OfficeFolder()
        self._slots = threading.BoundedSemaphore(max(1, jobs))
        self._reading = (self._program, tessdata, max_pixels, pictures)  # a page's text and image depend on these
        self._languages: frozenset[str] | None = None
        self._version = ""

    def close(self) -> None:
        """End the idle processes; the engine can still be used."""
        self._sandbox.close()

    def stop(self) -> None:
        """End all processes, also busy ones: current readings fail, and nothing more is read."""
        self._sandbox.stop()

    def count_pages(self, source: Path, *, filename: str, timeout_s: float) -> tuple[str, int]:
        """Media type and number of pages, only from headers: a page may still turn out to be damaged.

        Raises:
            Invalid, EngineFailed: as ``inspect``.
        """
        media_type, shown = self._shown(source, filename, timeout_s)
        answer = self._asked_of_file("count", shown, filename=filename, timeout_s=timeout_s)
        return media_type, int(answer["pages"])

    def inspect(self, source: Path, *, filename: str, timeout_s: float) -> SourceFacts:
        """First look at a file, as ``OcrEngine.inspect``."""
        end_s = time.monotonic() + timeout_s
        media_type, shown = self._shown(source, filename, timeout_s)
        inspect_from = partial(self._look_at, shown, filename, end_s)
        first = inspect_from(0)
        starts = range(PAGES_A_LOOK, int(first["count"]), PAGES_A_LOOK)
        with ThreadPoolExecutor(max_workers=max(1, self._jobs), thread_name_prefix="look") as pool:
            answers = [first, *pool.map(inspect_from, starts)]
        pages = tuple(_page_facts(page) for answer in answers for page in answer["pages"])
        if not any(page.width_px for page in pages):
            refusal = truncated()
            raise Invalid(refusal.code, refusal.remedy, filename=filename)
        return SourceFacts(media_type, pages, media_type.removesuffix(PROGRAMS) == P7M or bool(first["signed"]))

    def _look_at(self, source: Path, filename: str, end_s: float, start: int) -> dict[str, Any]:
        left_s = max(0.0, end_s - time.monotonic())
        return self._asked_of_file(
            "inspect", source, filename=filename, timeout_s=left_s, start=start, stop=start + PAGES_A_LOOK
        )

    def _asked_of_file(
        self, operation: str, source: Path, *, filename: str, timeout_s: float, **more: int
    ) -> dict[str, Any]:
        request: Message = {"do": operation, "source": str(source.resolve()), **more}
        with _about(filename):
            return cast(dict[str, Any], self._sandbox.ask(request, timeout_s=timeout_s))

    def _shown(self, source: Path, filename: str, timeout_s: float) -> tuple[str, Path]:
        """The media type of a file, and the file with its pages: itself, an office file's PDF, the signed document."""
        with _about(filename):
            media_type = sniff(source)
            if media_type == P7M:
                media_type += self._programs_inside(source, timeout_s)
            return media_type, self._plain(source, media_type, None, timeout_s)[0]

    def _programs_inside(self, source: Path, timeout_s: float) -> str:
        """``PROGRAMS``, if the document of a signed file carries programs.

        Raises:
            Invalid: ``file.programs``, with ``signed``: it is of a type that we do not read.
        """
        try:
            inside = sniff(self._made("take_out", source, P7M, None, timeout_s))
        except Invalid as refusal:
            if refusal.code != "file.programs":
                raise
            raise Invalid(refusal.code, refusal.remedy, **refusal.params, signed=True) from None
        return PROGRAMS if has_programs(inside) else ""

    def _plain(self, source: Path, media_type: str, folder: Path | None, timeout_s: float) -> tuple[Path, str]:
        """The file with the pages, and its type."""
        if media_type.removesuffix(PROGRAMS) == P7M:
            inside = self._made("take_out", source, media_type, folder, timeout_s)
            return self._plain(inside, sniff(inside), folder, timeout_s)
        if media_type in OFFICE:
            return self._made("convert", source, media_type, folder, timeout_s), PDF
        return source, media_type

    def _made(self, operation: str, source: Path, media_type: str, folder: Path | None, timeout_s: float) -> Path:
        """The file that a child makes of ``source``, in ``folder``, or in the engine's own folder, which caches the
        last few."""
        with source.open("rb") as file:
            name = hashlib.file_digest(file, "sha256").hexdigest()[:32]
        target = (folder or self._office.folder()) / f"office-{name}.pdf"
        if not target.exists():
            self._office.make_room()
            request: Message = {"do": operation, "source": str(source.resolve()), "media_type": media_type}
            limit_s = min(timeout_s, self._page_timeout_s)
            self._sandbox.ask({**request, "out": str(target), "timeout_s": limit_s}, timeout_s=limit_s + _GRACE_S)
        return target

    def _drawn(self, page: PageRef, folder: Path | None, timeout_s: float) -> PageRef:
        """The page in the plain file, if its file must be converted first; any other page unchanged."""
        source, media_type = self._plain(page.source, page.media_type, folder, timeout_s)
        return replace(page, source=source, media_type=media_type)

    def thumbnail(
        self, page: PageRef, *, width_px: int, out: Path, timeout_s: float, limit_bytes: int | None = None
    ) -> None:
        """Write a picture of one page, as ``OcrEngine.thumbnail``."""
        page = self._drawn(page, None, timeout_s)
        request: Message = {
            "do": "thumbnail",
            "source": str(page.source.resolve()),
            "media_type": page.media_type,
            "page_index": page.page_index,
            "rotation": page.rotation % 360,
            "width_px": width_px,
            "limit_bytes": limit_bytes,
            "out": str(out.resolve()),
        }
        self._sandbox.ask(request, timeout_s=timeout_s)
        _check_drawn(out, webp=bool(limit_bytes))

    def draw_part(self, page: PageRef, place: Quad, *, width_px: int, out: Path, timeout_s: float) -> None:
        """Write a picture of a place of a page, as ``OcrEngine.draw_part``."""
        more = {"place": place, "width_px": width_px, "out": str(out.resolve())}
        self._ask_of(page, "part", timeout_s, **more)
        _check_drawn(out, webp=False)

    def read_codes(self, page: PageRef, *, timeout_s: float) -> tuple[str, ...]:
        """Texts of all codes of a page, as ``OcrEngine.read_codes``."""
        return tuple(str(text) for text in cast(list[object], self._ask_of(page, "page_codes", timeout_s)))

    def read_form(self, page: PageRef, form: PrintedForm, *, timeout_s: float) -> FormReading | None:
        """Find a printed form and measure its boxes, as ``OcrEngine.read_form``."""
        found = self._ask_of(page, "form", timeout_s, form=asdict(form))
        try:
            return None if found is None else form_reading(found, form)
        except (ValueError, KeyError, TypeError) as error:
            raise EngineFailed("ocr.crashed", "The file ended the reading process.") from error

    def _ask_of(self, page: PageRef, operation: str, timeout_s: float, **more: object) -> object:
        page = self._drawn(page, None, timeout_s)
        request: Message = {
            "do": operation,
            "source": str(page.source.resolve()),
            "media_type": page.media_type,
            "page_index": page.page_index,
            "rotation": page.rotation % 360,
            **more,
        }
        return self._sandbox.ask(request, timeout_s=timeout_s)

    def recognise(
        self,
        pages: Sequence[PageRef],
        *,
        languages: Sequence[str],
        timeout_s: float,
        out: Path,
        on_page: Callable[[RecognisedPage], None] = lambda _: None,
    ) -> Recognition:
        """Read pages in order, as ``OcrEngine.recognise``."""
        if not pages:
            raise ValueError("no pages to read")
        end_s = time.monotonic() + timeout_s
        self._check_program(languages, timeout_s)
        folder = out.resolve()
        drawn = [self._drawn(page, folder, timeout_s) for page in pages]
        tasks = [self._task(page, number, languages, folder) for number, page in enumerate(drawn, 1)]
        parts, read, words_left = list[PagePart](), list[RecognisedPage](), MOST_WORDS
        thumbnail: Path | None = None
        with closing(self._all_read(tasks, end_s)) as reading:
            for task, found in zip(tasks, reading, strict=True):
                result = found if len(found.words) <= words_left else _without_words(found)
                words_left -= len(result.words)
                thumbnail = thumbnail if parts else result.thumbnail
                parts.append(result.part)
                read.append(_page(task, result))
                on_page(read[-1])
        # Pages were given up for lack of time, not by their own fault: nothing is told, and the next call reads the
        # rest.
        if time.monotonic() >= end_s:
            raise EngineFailed("ocr.timeout", "Try again later.", retryable=True, pages=len(pages))
        searchable = folder / "searchable.pdf"
        pdf.assemble(parts, searchable)
        return Recognition(tuple(read), searchable, thumbnail, read_fields(read))

    def _all_read(self, tasks: Sequence[PageTask], end_s: float) -> Generator[PageResult]:
        """Read pages, several at a time, yielded in order. Pages that an earlier call finished are not read again.

        A caller that closes the generator, or is interrupted, ends the processes at work on these pages.
        """
        work = FinishedPages(tasks, self._reading)
        pool = ThreadPoolExecutor(max_workers=max(1, self._jobs), thread_name_prefix="ocr")
        try:
            for future in [pool.submit(self._read, task, end_s, work) for task in tasks]:
                yield future.result()
        except BaseException:
            work.given_up = True
            pool.shutdown(wait=False, cancel_futures=True)
            self._sandbox.interrupt(work)
            raise
        finally:
            pool.shutdown()

    def check_languages(self, languages: Sequence[str]) -> None:
        """Check that these languages can be read.

        Raises:
            EngineFailed: ``ocr.unavailable``; ``params["languages"]`` names the missing models.
        """
        self._check_program(languages, 30.0)

    def reads_with(self) -> ReaderFacts:
        """The reader of this installation, as ``OcrEngine.reads_with``."""
        self._check_there()
        if not self._version:
            self._version = str(self._sandbox.ask({"do": "version"}, timeout_s=30.0))
        return ReaderFacts(Plug.PROGRAM if self._program else Plug.LIBRARY, self._version)

    def _check_there(self) -> None:
        if self._program is not None and shutil.which(self._program) is None:
            raise EngineFailed("ocr.unavailable", "Install tesseract-ocr.", program=self._program)

    def _check_program(self, languages: Sequence[str], timeout_s: float) -> None:
        """Raise for a missing program or model: it is a fault of the installation, not of a page."""
        self._check_there()
        if self._languages is None:
            answer = self._sandbox.ask({"do": "languages"}, timeout_s=min(timeout_s, 30.0))
            self._languages = frozenset(map(str, cast(list[object], answer)))
        missing = [name for name in languages if name not in self._languages]
        if missing or not languages:
            raise EngineFailed("ocr.unavailable", "Install the language of tesseract.", languages=missing)

    def _task(self, page: PageRef, number: int, languages: Sequence[str], folder: Path) -> PageTask:
        return PageTask(
            source=str(page.source.resolve()),
            media_type=page.media_type,
            page_index=page.page_index,
            rotation=page.rotation % 360,
            page_no=number,
            languages=tuple(languages),
            out=str(folder),
            deadline_s=self._page_timeout_s,
            pictures=self._pictures,
        )

    def _read(self, task: PageTask, end_s: float, work: FinishedPages) -> PageResult:
        """Read one page; if the child failed, use the results that it left."""
        finished = work.find(task)
        if finished is not None:
            return finished
        # Of an earlier call, perhaps under other settings: it must not pass for what this child leaves.
        task.result_path.unlink(missing_ok=True)
        try:
            with self._slots:
                left_s = end_s - time.monotonic()
                timed = replace(task, deadline_s=min(self._page_timeout_s, left_s))
                if left_s > 0 and not work.given_up:
                    limit_s = min(self._page_timeout_s + _GRACE_S, left_s)
                    self._sandbox.ask(as_message("page", timed), timeout_s=limit_s, work=work)
            result = load_result(task)
            work.keep(task, result)
        except DiskFull:
            raise  # no fault of the page: it is read once there is room
        except (GedError, ValueError, KeyError, TypeError, OSError):
            return _what_is_left(task)
        return result


@contextmanager
def _about(filename: str) -> Iterator[None]:
    """Add the name of the file to errors."""
    try:
        yield
    except Invalid as refusal:
        raise Invalid(refusal.code, refusal.remedy, **{**refusal.params, "filename": filename}) from refusal
    except DiskFull:
        raise
    except EngineFailed as failure:
        params = {**failure.params, "filename": filename}
        raise EngineFailed(failure.code, failure.remedy, retryable=failure.retryable, **params) from failure


def _check_drawn(out: Path, *, webp: bool) -> None:
    """Refuse a picture of a hostile child: a page of the site would send it to a browser."""
    try:
        check_drawn(out, webp=webp)
    except (ValueError, OSError) as error:
        out.unlink(missing_ok=True)
        raise EngineFailed("ocr.crashed", "The file ended the reading process.") from error


def _page_facts(data: dict[str, Any]) -> PageFacts:
    codes = tuple(PageCode(str(code["text"]), str(code["format"])) for code in data["codes"])
    score = float(data["blank_score"])
    warnings = tuple(str(warning) for warning in data.get("warnings", ()))
    return PageFacts(int(data["width_px"]), int(data["height_px"]), int(data["dpi"]), score, codes, warnings)


def _page(task: PageTask, result: PageResult) -> RecognisedPage:
    words = tuple(Word(*word) for word in result.words)
    likeness = "" if "failed" in result.flags else result.likeness
    tables = tuple(tuple(tuple(words[start:end] for start, end in row) for row in table) for table in result.tables)
    ratio = result.part.height_pt / result.part.width_pt
    written = tuple(
        WrittenRegion(round(left, 4), round(top, 4), round(right - left, 4), round(bottom - top, 4), round(ratio, 4))
        for left, top, right, bottom in result.written
    )
    return RecognisedPage(
        task.page_no,
        result.text,
        words,
        result.confidence,
        result.language,
        result.site_image,
        result.flags,
        likeness,
        tables,
        written,
    )


def _without_words(result: PageResult) -> PageResult:
    """The picture of a page whose words would be too many."""
    return replace(result, text="", words=(), tables=(), confidence=0.0, flags=(*result.flags, "failed"))


def _what_is_left(task: PageTask) -> PageResult:
    """The image that the child made before it failed; an empty sheet where there is none."""
    try:
        return load_result(task)
    except (ValueError, KeyError, TypeError, OSError):
        sheet = Image.new("L", _PLACEHOLDER_SIZE, 225)
        image = task.stem.with_suffix(".jpeg")
        site_image, thumbnail = task.site_image_path, task.thumbnail_path if task.page_no == 1 else None
        site_image.write_bytes(site_webp(sheet, limit_bytes=SITE_FIRST_BYTES))
        if thumbnail is not None:
            thumbnail.write_bytes(thumbnail_jpeg(sheet))
        image.write_bytes(jpeg(sheet, 60))
        width, height = _PLACEHOLDER_SIZE
        part = PagePart(image, "jpeg", width, height, True, width, height, None)
        return PageResult("", (), 0.0, task.languages[0], ("failed",), site_image, part, thumbnail=thumbnail)
