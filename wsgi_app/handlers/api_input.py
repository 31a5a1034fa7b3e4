"""What a program asks for in JSON: its values → a BookingInput."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ..domain.conference import Conference
from ..domain.recurrence import to_instant, to_local, zone_names
from ..domain.validation import (
    CLOCK_TIME,
    BookingInput,
    FieldError,
    FieldErrors,
    check_count,
    check_duration,
    parse_name,
    parse_rectype,
    parse_timezone,
)

# What a program may send, each of the type of what it means to leave it out.
_DEFAULTS = {"start": "", "timezone": "", "duration": 0, "name": "", "repeat": "", "count": 0}
_CHANGED = ("start", "timezone", "repeat", "count")
# RFC 3339 section 5.6, and local time to the minute; every start is on a minute.
_START = re.compile(
    rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})[Tt]({CLOCK_TIME})(?::00(?:\.0+)?)?"
    rf"([Zz]|[+-]{CLOCK_TIME})?"
)


def parse_booking(
    values: Mapping[str, object], current: Conference | None, most: int
) -> BookingInput:
    """Return what `values` ask for; what they leave out or have in a wrong type stays as it is.

    `current` is the conference that they change, and `most` the largest number of repetitions.
    """
    errors = FieldErrors()
    read = errors.read
    allowed = _CHANGED if current else _DEFAULTS
    known: dict[str, Any] = dict(_DEFAULTS)
    if current:
        known |= _current_values(current, values)
    for field, value in values.items():
        typed = read(field, _typed, field, value, allowed)
        if typed is not None:
            known[field] = typed
    if values.get("repeat", "") is None and "count" not in values:
        known["count"] = 0
    start = read("start", _local_start, known["start"], known["timezone"])
    name = read("name", parse_name, known["name"]) if known["name"] else ""
    if start is None:
        # With no error so far, its month lacks this day.
        errors.setdefault("start", FieldError("error_date"))
    return BookingInput(
        name=name,
        start=start,
        timezone=read("timezone", parse_timezone, known["timezone"]),
        duration=0 if current else read("duration", check_duration, known["duration"]),
        rectype=read("repeat", parse_rectype, known["repeat"]),
        recev=read("count", check_count, known["count"], most),
        errors=errors,
    )


def _current_values(conference: Conference, values: Mapping[str, object]) -> dict[str, object]:
    """Return a conference as a request would ask for it, for what `values` do not name.

    Of a series the clock time stays. A one-off is an instant and has no zone
    that a local start or a recurrence could be meant in.
    """
    zone = ZoneInfo(conference.timezone or "UTC")
    appointment = conference.appointment(zone.key)
    start = appointment.start.isoformat(timespec="minutes")
    new_start = _START.fullmatch(str(values.get("start", "Z")))
    needs_zone = values.get("repeat") or (new_start and not new_start[3])
    return {
        "start": start if conference.timezone else f"{start}Z",
        "timezone": conference.timezone if needs_zone else zone.key,
        "repeat": appointment.rectype,
        "count": appointment.recev,
    }


def _typed(field: str, value: object, allowed: Container[str]) -> object:
    """Return the value where the field is allowed and its type right; raises FieldError."""
    if field not in allowed:
        raise FieldError("error_unknown_field")
    if field == "repeat" and value is None:
        return ""
    if field == "repeat" and value == "":
        raise FieldError("error_repeat")
    expected = type(_DEFAULTS[field])
    if type(value) is not expected:
        raise FieldError("error_no_number" if expected is int else "error_no_text")
    return value


def _local_start(text: str, timezone: str) -> datetime | None:
    """Return the start in the zone, None where no month has its day; raises FieldError."""
    match = _START.fullmatch(text)
    if not match:
        raise FieldError("error_start")
    day, clock, offset = match.groups()
    if not offset or timezone not in zone_names():
        with suppress(ValueError):
            return datetime.fromisoformat(f"{day}T{clock}")
        return None
    zone = ZoneInfo(timezone)
    try:
        instant = datetime.fromisoformat(f"{day}T{clock}{offset.upper()}").timestamp()
        local = to_local(instant, zone)
    except (ValueError, OverflowError):
        raise FieldError("error_start") from None
    if to_instant(local, zone) != instant:
        raise FieldError("error_start_doubled")
    return local
