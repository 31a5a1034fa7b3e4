"""Calendar entries (RFC 5545)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from . import recurrence
from .vtimezone import vtimezone

CONTENT_TYPE = "text/calendar; charset=utf-8; method=PUBLISH"

# Rules go on for ever; where a zone has none, the list of its changes ends here: long after what
# may be booked today.
_LONGEST_DESCRIPTION_YEARS = 50
_LONGEST_LINE_OCTETS = 75
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True)
class CalendarEntry:
    """What a calendar entry says of a conference.

    `time` is its start in UNIX seconds, `duration` in minutes, `count` the
    repetitions that follow, `anchor` the local time at which a series first started.
    """

    iid: int
    name: str
    invitation_url: str
    description: str
    time: int
    duration: int
    timezone: str
    rectype: str
    count: int
    anchor: datetime | None
    sequence: int
    cancelled: bool


def calendar(entry: CalendarEntry, now: float) -> bytes:
    """Return the entry as an iCalendar stream; the same conference always has the same UID."""
    time_zone, start = _series(entry) if entry.rectype else _once(entry)
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Planado//Planado//EN",
        # REQUEST would want an organiser and attendees.
        "METHOD:PUBLISH",
        *time_zone,
        *_event(entry, now, start),
        "END:VCALENDAR",
    ]
    return b"".join(map(_folded, lines))


def _event(entry: CalendarEntry, now: float, start: list[str]) -> list[str]:
    return [
        "BEGIN:VEVENT",
        f"UID:{entry.iid}@planado",
        f"DTSTAMP:{_utc(now)}",
        f"SEQUENCE:{entry.sequence}",
        f"STATUS:{'CANCELLED' if entry.cancelled else 'CONFIRMED'}",
        *start,
        # An end in local time may lie before the start where clocks are set back.
        f"DURATION:PT{entry.duration}M",
        f"SUMMARY:{_text(entry.name)}",
        f"LOCATION:{_text(entry.invitation_url)}",
        f"URL:{entry.invitation_url}",
        f"DESCRIPTION:{_text(entry.description)}",
        *([] if entry.cancelled else _alarm(entry.name)),
        "END:VEVENT",
    ]


def _once(entry: CalendarEntry) -> tuple[list[str], list[str]]:
    return [], [f"DTSTART:{_utc(entry.time)}"]


def _series(entry: CalendarEntry) -> tuple[list[str], list[str]]:
    """Return the time zone that the dates of a series are in, and its first date with its rule."""
    zone = ZoneInfo(entry.timezone)
    anchor = entry.anchor or recurrence.to_local(entry.time, zone)
    first = recurrence.local_start(entry.time, anchor, zone)
    start = [
        f"DTSTART;TZID={zone.key}:{first:%Y%m%dT%H%M%S}",
        f"RRULE:{recurrence.rule(entry.rectype, anchor, entry.count + 1)}",
    ]
    last = recurrence.last_start(entry.rectype, anchor, zone, entry.time, entry.count)
    last_year = recurrence.to_local(last, zone).year
    last_year = min(last_year, first.year + _LONGEST_DESCRIPTION_YEARS)
    return vtimezone(zone, first.year, last_year), start


def _alarm(name: str) -> list[str]:
    return [
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{_text(name)}",
        "TRIGGER:-PT10M",
        "END:VALARM",
    ]


def _utc(instant: float) -> str:
    return f"{recurrence.to_local(instant, _UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    """Return the value as TEXT (section 3.3.11)."""
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return "\\n".join(escaped.splitlines())


def _folded(line: str) -> bytes:
    """Return the line as one or more of at most 75 octets (section 3.1)."""
    rest, lines = line.encode("utf-8"), []
    while len(rest) > _LONGEST_LINE_OCTETS:
        end = _LONGEST_LINE_OCTETS
        while rest[end] & 0xC0 == 0x80:
            end -= 1
        lines.append(rest[:end])
        rest = b" " + rest[end:]
    return b"\r\n".join([*lines, rest, b""])
