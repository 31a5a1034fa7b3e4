"""What somebody wants to book: the fields they sent → a Booking, or what is wrong with each of
them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol, TypeVar
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

# Who books for "now" sends a minute that has already begun.
_GRACE_SECONDS = 60

# They would turn around the text that follows a name in mails and calendars.
_BIDI_CONTROL = re.compile("[\u202a-\u202e\u2066-\u2069]")

Value = TypeVar("Value")


class FieldsLike(Protocol):
    """Named texts, empty where missing; `duplicates` names those that came twice."""

    duplicates: frozenset[str]

    def __getitem__(self, name: str) -> str: ...


@dataclass(frozen=True)
class Booking:
    """An appointment, with what is not stored of it: its name and its duration in minutes."""

    name: str
    duration: int
    appointment: Appointment


class FieldError(ValueError):
    """One field is wrong: the key of the sentence that says why, and the values of its
    placeholders.
    """

    def __init__(self, text: str, **values: object) -> None:
        super().__init__(text)
        self.text = text
        self.values = values


class ValidationError(Exception):
    """The fields cannot be booked; `errors` says why by field."""

    def __init__(self, errors: Mapping[str, FieldError]) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


def read_booking(
    fields: FieldsLike,
    limits: Limits,
    now: float,
    current: Conference | None = None,
    name_required: bool = True,
) -> Booking:
    """Return what the fields ask for; raises ValidationError.

    `current` is the conference that is changed: its start may stay where it is
    even when it has passed, and its repetitions and its last date even above
    today's limits.
    """
    errors: dict[str, FieldError] = {}

    def read(field: str, parse: Callable[[str], Value]) -> Value | None:
        try:
            if field in fields.duplicates:
                raise FieldError("error_doubled")
            return parse(fields[field])
        except FieldError as error:
            errors[field] = error
            return None

    name = read("name", parse_name) if name_required or fields["name"] else ""
    day = read("date", parse_date)
    clock = read("time", parse_time)
    timezone = read("timezone", parse_timezone)
    duration = read("duration", parse_duration)
    rectype = read("repeat", parse_rectype)
    most = max(limits.max_count, current.recev if current else 0)
    count = read("count", lambda text: parse_count(text, most))

    if day and clock and timezone:
        start = datetime.combine(day, clock)
        zone = ZoneInfo(timezone)
        current_time = current.time if current else None
        field, error = _start_error(start, zone, limits.max_days_ahead, now, current_time)
        if error:
            errors[field] = error
        elif rectype is not None and count is not None:
            field, error = _series_error(start, zone, rectype, count, now, current)
            if error:
                errors[field] = error
            elif not errors:
                assert name is not None and duration is not None  # nosec B101: for the type checker
                return Booking(name, duration, Appointment(start, timezone, rectype, count))
    raise ValidationError(errors)


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
    if not re.fullmatch("[0-9]{1,4}", text) or not 1 <= int(text) <= LONGEST_DURATION:
        raise FieldError("error_duration", limit=LONGEST_DURATION)
    return int(text)


def parse_rectype(text: str) -> str:
    """Return a rhythm code, or the empty text of a one-off; raises FieldError."""
    try:
        if text:
            recurrence.parse_rhythm(text)
    except ValueError:
        raise FieldError("error_repeat") from None
    return text


def parse_count(text: str, most: int) -> int:
    """Return a number of repetitions from 0 to `most`, empty for 0; raises FieldError."""
    if not re.fullmatch("[0-9]{0,6}", text) or int(text or 0) > most:
        raise FieldError("error_count", limit=most)
    return int(text or 0)


def _start_error(
    start: datetime, zone: ZoneInfo, max_days_ahead: int, now: float, current_time: int | None
) -> tuple[str, FieldError | None]:
    today = recurrence.to_local(now, zone)
    # Beyond these years an instant may not exist.
    if start < today - timedelta(days=366 * 100):
        return "date", FieldError("error_date_past")
    if start > today + timedelta(days=366 * 100):
        return "date", FieldError("error_date_far", limit=max_days_ahead)
    instant = recurrence.to_instant(start, zone)
    if instant == current_time:
        return "", None
    if not recurrence.exists(start, zone):
        return "time", FieldError("error_time_skipped")
    if instant <= now - _GRACE_SECONDS:
        if start.date() < today.date():
            return "date", FieldError("error_date_past")
        return "time", FieldError("error_time_past")
    if instant > now + max_days_ahead * 86400:
        return "date", FieldError("error_date_far", limit=max_days_ahead)
    return "", None


def _series_error(
    start: datetime,
    zone: ZoneInfo,
    rectype: str,
    count: int,
    now: float,
    current: Conference | None,
) -> tuple[str, FieldError | None]:
    if not rectype:
        return "repeat", FieldError("error_repeat_missing") if count else None
    if not count:
        return "count", FieldError("error_count_missing")
    if not recurrence.fits(rectype, start.date()):
        return "repeat", FieldError("error_repeat_weekdays")
    since = recurrence.to_instant(start, zone)
    last = recurrence.last_start(rectype, start, zone, since, count)
    latest = now + YEARS_AHEAD * _YEAR_SECONDS
    if last > latest and not (current and last <= current.last_start()):
        return "count", FieldError("error_count_far", years=YEARS_AHEAD)
    return "", None
