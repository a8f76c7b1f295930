"""Reads forms: every field is checked, all errors are shown at once, and typed text is never lost.

fields = FormReader(request.form)
subject = fields.text("subject", required=True, maximum=500)
written_on = fields.day("written_on")
fields.check()                    # raises FormRefused with every error found
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import Enum
from typing import BinaryIO, TypeVar, cast

from flask import request
from werkzeug.datastructures import MultiDict

from ged.days import day_in_words
from ged.errors import EngineFailed, Invalid
from ged.typeset import refuse_unprintable
from ged.typography import visible
from web.site.errors import FormRefused
from web.site.numbers import id_of

Choice = TypeVar("Choice", bound=Enum)
_DAY_FORMATS = (
    "%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d %m %Y", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y", "%d %m %y",
)  # fmt: skip
"""A year of two figures is of 1969 to 2068 (POSIX)."""
_DAY_DIGITS = {8: "%d%m%Y", 6: "%d%m%y"}
_WHOLE = re.compile(r"-?[0-9]+")
_AMOUNT = re.compile(r"[0-9]+|[0-9]{1,3}(?P<gap>[.,])[0-9]{3}(?:(?P=gap)[0-9]{3})*")
_CLOCK = re.compile(
    r"(?P<hour>\d{1,2}(?=\s*[h:])|\d{2}(?=\d{2}$))\s*[h:]?\s*(?P<minute>\d{2})?(:\d{2})?", re.ASCII | re.IGNORECASE
)
_FIRST_YEAR = 1600


@dataclass(frozen=True)
class ChosenFile:
    """A file of a form, with the name that it had on the desk."""

    name: str
    stream: BinaryIO


def chosen_file(field: str = "file") -> ChosenFile:
    """The file that a form must have.

    Raises:
        Invalid: ``file.not_chosen``: a browser sends an empty file without a name where none was chosen.
    """
    file = request.files.get(field)
    if file is None or not file.filename:
        raise Invalid("file.not_chosen", "choose a file", field=field)
    return ChosenFile(file.filename, cast(BinaryIO, file.stream))


class FormReader:
    """Parses a form's fields. After an error a method returns an empty value: call ``check`` before acting."""

    def __init__(self, form: MultiDict[str, str]) -> None:
        self._form = form
        self._errors: list[Invalid] = []

    def check(self) -> None:
        """Raise if any field was wrong.

        Raises:
            FormRefused: with all errors found; each once, also where a field was read twice.
        """
        if (wrong := self.wrong()) is not None:
            raise wrong

    def wrong(self) -> FormRefused | None:
        """What ``check`` would raise: for a page that is shown all the same, with the errors at its filters."""
        if not self._errors:
            return None
        return FormRefused(self._in_order({(one.code, one.params.get("field")): one for one in self._errors}.values()))

    def _in_order(self, errors: Iterable[Invalid]) -> tuple[Invalid, ...]:
        """Errors in the order of the fields on the page: a browser sends them so. One of a box that is not sent follows the error before it."""
        places = {name: n for n, name in enumerate(self._form)}
        placed, at = [], -1
        for error in errors:
            at = places.get(str(error.params.get("field")), at)
            placed.append((at, error))
        return tuple(error for _at, error in sorted(placed, key=lambda one: one[0]))

    def refuse(self, error: Invalid) -> None:
        """Add an error found by the view."""
        self._errors.append(error)

    def _raw(self, name: str, required: bool) -> str:
        # Browsers send the ends of lines as CR LF (HTML, "normalize newlines"): two texts that look alike must be
        # equal.
        value = self._form.get(name, "").replace("\r\n", "\n").strip()
        if required and not value:
            self._errors.append(Invalid("form.required", "fill it in", field=name))
        return value

    def text(self, name: str, *, required: bool = False, maximum: int = 500) -> str:
        """A text without outer spaces, as ``ged.typography.visible``."""
        value = visible(self._raw(name, required=False)).strip()
        if required and not value:  # signs that nobody sees fill no field
            self._errors.append(Invalid("form.required", "fill it in", field=name))
        if len(value) > maximum:
            self._errors.append(Invalid("form.too_long", "shorten it", field=name, maximum=maximum))
        return value

    def on_paper(self, name: str, *, required: bool = False, maximum: int = 500) -> str:
        """As ``text``, for what stands in a register: a character that no font of ours has is refused at its field.

        A received letter is no exception: its receipt, its fiche and the pages of the register are printed.
        """
        value = self.text(name, required=required, maximum=maximum)
        try:
            # Where no child is free to look, the text is taken: a print will show a stand-in.
            with suppress(EngineFailed):
                refuse_unprintable(" ".join(value.split()), field=name)
        except Invalid as refusal:
            self._errors.append(refusal)
        return value

    def printed(self, name: str, *, required: bool = False, maximum: int = 500) -> str:
        """A line to print exactly as typed: invisible characters are kept, so that the operation can refuse them."""
        value = " ".join(self._raw(name, required).split())
        if len(value) > maximum:
            self._errors.append(Invalid("form.too_long", "shorten it", field=name, maximum=maximum))
        return value

    def secret(self, name: str, *, required: bool = True) -> str:
        """A password exactly as typed."""
        value = self._form.get(name, "")
        if required and not value:
            self._errors.append(Invalid("form.required", "fill it in", field=name))
        return value

    def integer(self, name: str, *, required: bool = False, minimum: int = 0, maximum: int = 2**31 - 1) -> int | None:
        """A whole number within bounds."""
        value = self._raw(name, required)
        if not value:
            return None
        if not _WHOLE.fullmatch(value):
            self._errors.append(Invalid("form.not_a_number", "write digits", field=name))
            return None
        # Truncate before parsing: longer numbers are out of every range, and Python refuses thousands of digits.
        number = int(value[:20])
        if not minimum <= number <= maximum:
            self._errors.append(
                Invalid("form.out_of_range", "correct it", field=name, minimum=minimum, maximum=maximum)
            )
            return None
        return number

    def amount(self, name: str, *, maximum: int = 10**14) -> int | None:
        """An amount of money without cents, as people write it (5000000, 5 000 000, 5.000.000 F CFA)."""
        value = "".join(self._raw(name, required=False).split()).casefold().removesuffix("fcfa").removesuffix("f")
        digits = value.replace(".", "").replace(",", "")
        if not value:
            return None
        if not _AMOUNT.fullmatch(value) or int(digits[:16]) > maximum:
            self._errors.append(Invalid("form.not_an_amount", "write digits", field=name))
            return None
        return int(digits)

    def integers(self, name: str) -> tuple[int, ...]:
        """The whole numbers of the ticked boxes."""
        found = [id_of(value) for value in self._form.getlist(name)]
        if None in found:
            self._errors.append(Invalid("form.unknown_choice", "choose from the list", field=name))
            return ()
        return tuple(number for number in found if number is not None)

    def day(self, name: str, *, required: bool = False) -> date | None:
        """A date, as a browser's date field sends it or as people write it (24/11/2026, 24/11/26, 24112026, 24 novembre 2026)."""
        value = self._raw(name, required)
        # strptime is lenient with digits: 2411202 would be a day of the year 1202.
        formats = (_DAY_DIGITS[len(value)],) if value.isdigit() and len(value) in _DAY_DIGITS else _DAY_FORMATS
        for form in formats if value else ():
            try:
                day = datetime.strptime(value, form).date()  # noqa: DTZ007  a day has no zone
            except ValueError:
                continue
            if day.year >= _FIRST_YEAR:
                return day
        named = day_in_words(value)
        if named is not None and named.year >= _FIRST_YEAR:
            return named
        if value:
            self._errors.append(Invalid("form.not_a_date", "write day/month/year", field=name))
        return None

    def days(self, first: str, last: str) -> tuple[date | None, date | None]:
        """A first and a last day; each may be empty, and the last must not be before the first."""
        since, until = self.day(first), self.day(last)
        if since is not None and until is not None and until < since:
            self._errors.append(Invalid("form.days_reversed", "correct one of the two", field=last))
        return since, until

    def clock(self, name: str, *, required: bool = False) -> time | None:
        """An hour and minutes of local time, as people write them (14:05, 14h05, 9 h, 1405)."""
        value = self._raw(name, required)
        found = _CLOCK.fullmatch(value)
        if found is not None and int(found["hour"]) < 24 and int(found["minute"] or 0) < 60:
            return time(int(found["hour"]), int(found["minute"] or 0))
        if value:
            self._errors.append(Invalid("form.not_a_time", "write hours:minutes", field=name))
        return None

    def choice(self, name: str, kind: type[Choice], *, required: bool = False) -> Choice | None:
        """A member of an enumeration, by its value."""
        value = self._raw(name, required)
        found = next((member for member in kind if str(member.value) == value), None)
        if value and found is None:
            self._errors.append(Invalid("form.unknown_choice", "choose from the list", field=name))
        return found

    def ticked(self, name: str) -> bool:
        """Whether a box is ticked."""
        return bool(self._form.get(name))
