"""What somebody wants to book: its fields → a Booking, or what is wrong with each of them.

A form and a JSON object become a BookingInput, each in its own module; `validate` checks what
does not depend on where it came from.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import NamedTuple, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from . import recurrence
from .conference import Appointment, Conference, Limits

LONGEST_NAME = 100
LONGEST_DURATION = 24 * 60
YEARS_AHEAD = 10

# 24:00 is none: Python 3.14 would take it for the midnight before.
CLOCK_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"

# With its share of leap days.
_YEAR_SECONDS = 365.25 * 24 * 60 * 60

# A booking for "now" names a minute that has already begun.
_GRACE_SECONDS = 60

# They would turn around the text that follows a name in mails and calendars.
_BIDI_CONTROL = re.compile("[\u202a-\u202e\u2066-\u2069]")

Value = TypeVar("Value")
P = ParamSpec("P")


class FieldError(ValueError):
    """One field is wrong: the key of the sentence that says why, and the values of its
    placeholders.
    """

    def __init__(self, text: str, **values: object) -> None:
        super().__init__(text)
        self.text = text
        self.values = values


class TimeOfDayError(FieldError):
    """A start is wrong by its time of day, not by its date."""


class FieldErrors(dict[str, FieldError]):
    """The first error of each field that is wrong, in the order in which they are told."""

    def read(
        self, field: str, parse: Callable[P, Value], *values: P.args, **named: P.kwargs
    ) -> Value | None:
        """Return what `parse` makes of the values; None where it finds an error of this field."""
        try:
            return parse(*values, **named)
        except FieldError as error:
            self.setdefault(field, error)
            return None


class ValidationError(Exception):
    """The fields cannot be booked; `errors` says why by field."""

    def __init__(self, errors: FieldErrors) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


class BookingInput(NamedTuple):
    """What somebody asks for, each field by itself; one that is wrong is None, and `errors` says
    why.

    The name may be empty, and the duration 0 where nobody is asked for it.
    """

    name: str | None
    start: datetime | None
    timezone: str | None
    duration: int | None
    rectype: str | None
    recev: int | None
    errors: FieldErrors


class Booking(NamedTuple):
    """An appointment, with what is not stored of it: its name and its duration in minutes."""

    name: str
    duration: int
    appointment: Appointment


def validate(
    wanted: BookingInput, limits: Limits, now: float, current: Conference | None = None
) -> Booking:
    """Return what is asked for; raises ValidationError with all errors, `start` for date and time.

    `current` is the conference that is changed: its start may stay where it is even when it has
    passed, and its last occurrence even above today's limits.
    """
    errors = FieldErrors(wanted.errors)
    if wanted.start and wanted.timezone:
        zone = ZoneInfo(wanted.timezone)
        if error := _start_error(wanted.start, zone, limits, now, current):
            errors.setdefault("start", error)
        elif wanted.rectype is not None and wanted.recev is not None:
            appointment = Appointment(wanted.start, wanted.timezone, wanted.rectype, wanted.recev)
            field, error = _series_error(appointment, now, current)
            if error:
                errors.setdefault(field, error)
            elif not errors:
                return Booking(wanted.name or "", wanted.duration or 0, appointment)
    raise ValidationError(errors)


def largest_count(limits: Limits, current: Conference | None) -> int:
    """Return how many repetitions may be asked for; `current` may keep more than today's limit."""
    return max(limits.max_count, current.recev if current else 0)


def parse_name(text: str) -> str:
    """Return a name of 1 to 100 characters without control characters and line breaks; raises
    FieldError.
    """
    categories = [unicodedata.category(character) for character in text]
    if not {"Cc", "Cs", "Zl", "Zp"}.isdisjoint(categories) or _BIDI_CONTROL.search(text):
        raise FieldError("error_name_characters")
    name = text.strip()
    if not any(category[0] in "LNPS" for category in categories):
        raise FieldError("error_name_missing")
    if len(name) > LONGEST_NAME:
        raise FieldError("error_name_long", limit=LONGEST_NAME)
    return name


def parse_date(text: str) -> date:
    """Return the date of a text such as 2026-12-31; raises FieldError."""
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise FieldError("error_date")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise FieldError("error_date") from None


def parse_time(text: str) -> time:
    """Return the time of a text such as 09:30; raises FieldError."""
    if not re.fullmatch(CLOCK_TIME, text):
        raise FieldError("error_time")
    return time.fromisoformat(text)


def parse_timezone(text: str) -> str:
    """Return the name of an IANA time zone; raises FieldError."""
    if text not in recurrence.zone_names():
        raise FieldError("error_timezone")
    return text


def parse_duration(text: str) -> int:
    """Return a duration of 1 to 1440 minutes; raises FieldError."""
    # What is no number is refused like one out of range.
    return check_duration(int(text) if re.fullmatch("[0-9]{1,4}", text) else 0)


def check_duration(minutes: int) -> int:
    """Return a duration of 1 to 1440 minutes; raises FieldError."""
    if not 1 <= minutes <= LONGEST_DURATION:
        raise FieldError("error_duration", limit=LONGEST_DURATION)
    return minutes


def parse_rectype(text: str) -> str:
    """Return a recurrence code, or the empty text of a one-off; raises FieldError."""
    try:
        if text:
            recurrence.parse_recurrence(text)
    except ValueError:
        raise FieldError("error_repeat") from None
    return text


def parse_count(text: str, most: int) -> int:
    """Return a number of repetitions from 0 to `most`, empty for 0; raises FieldError."""
    return check_count(int(text or 0) if re.fullmatch("[0-9]{0,6}", text) else -1, most)


def check_count(number: int, most: int) -> int:
    """Return a number of repetitions from 0 to `most`; raises FieldError."""
    if not 0 <= number <= most:
        raise FieldError("error_count", limit=most)
    return number


def _start_error(
    start: datetime, zone: ZoneInfo, limits: Limits, now: float, current: Conference | None
) -> FieldError | None:
    today = recurrence.to_local(now, zone)
    # Beyond these years an instant may not exist.
    if start < today - timedelta(days=366 * 100):
        return FieldError("error_date_past")
    if start > today + timedelta(days=366 * 100):
        return FieldError("error_date_far", limit=limits.max_days_ahead)
    instant = recurrence.to_instant(start, zone)
    if current and instant == current.time:
        return None
    if not recurrence.exists(start, zone):
        return TimeOfDayError("error_time_skipped")
    if instant <= now - _GRACE_SECONDS:
        if start.date() >= today.date():
            return TimeOfDayError("error_time_past")
        return FieldError("error_date_past")
    if instant > now + limits.max_days_ahead * 86400:
        return FieldError("error_date_far", limit=limits.max_days_ahead)
    return None


def _series_error(
    appointment: Appointment, now: float, current: Conference | None
) -> tuple[str, FieldError | None]:
    start, _, rectype, recev = appointment
    if not rectype:
        return "repeat", FieldError("error_repeat_missing") if recev else None
    if not recev:
        return "count", FieldError("error_count_missing")
    if not recurrence.fits(rectype, start.date()):
        return "repeat", FieldError("error_repeat_weekdays")
    last = recurrence.last_start(rectype, start, appointment.zone, appointment.time, recev)
    latest = now + YEARS_AHEAD * _YEAR_SECONDS
    if last > latest and not (current and last <= current.last_start()):
        return "count", FieldError("error_count_far", years=YEARS_AHEAD)
    return "", None
