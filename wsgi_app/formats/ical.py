"""Calendar entries (RFC 5545). The only module that imports icalendar: that is slow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from icalendar import Alarm, Event
from icalendar.prop import vRecur, vText

from ..domain import recurrence
from .vtimezone import vtimezone

CONTENT_TYPE = "text/calendar; charset=utf-8; method=PUBLISH"

# Rules have no end; where a zone has none, the list of its changes ends here: long after what
# may be booked today.
_LONGEST_DESCRIPTION_YEARS = 50
_ALARM_BEFORE = timedelta(minutes=10)

# REQUEST would want an organiser and attendees.
_BEGIN = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Planado//Planado//EN\r\nMETHOD:PUBLISH\r\n"
_END = b"END:VCALENDAR\r\n"


class CalendarEntry(NamedTuple):
    """What a calendar entry says of a conference.

    `time` is its start in UNIX seconds, `duration` in minutes, `recev` the
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
    recev: int
    anchor: datetime | None
    sequence: int
    cancelled: bool


class _Text(vText):
    """TEXT (section 3.3.11). The library makes a line break of a backslash before N."""

    def to_ical(self) -> bytes:
        escaped = self.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
        return "\\n".join(escaped.splitlines()).encode("utf-8")


def calendar(entry: CalendarEntry, now: float) -> bytes:
    """Return the entry as an iCalendar stream; the same conference always has the same UID."""
    event = Event()
    event.add("UID", f"{entry.iid}@planado")
    event.add("DTSTAMP", datetime.fromtimestamp(int(now), UTC))
    event.add("SEQUENCE", entry.sequence)
    event.add("STATUS", "CANCELLED" if entry.cancelled else "CONFIRMED")
    time_zone = _add_dates(event, entry)
    # An end in local time may lie before the start where clocks are set back. The library would
    # write 24 hours as a day, which is longer or shorter where they change (section 3.3.6).
    event["DURATION"] = _Text(f"PT{entry.duration}M")
    event.add("SUMMARY", _Text(entry.name))
    event.add("LOCATION", _Text(entry.invitation_url))
    event.add("URL", entry.invitation_url)
    event.add("DESCRIPTION", _Text(entry.description))
    if not entry.cancelled:
        alarm = Alarm()
        alarm.add("ACTION", "DISPLAY")
        alarm.add("DESCRIPTION", _Text(entry.name))
        alarm.add("TRIGGER", -_ALARM_BEFORE)
        event.add_component(alarm)
    return b"".join(
        [_BEGIN, *(line.encode() + b"\r\n" for line in time_zone), event.to_ical(), _END]
    )


def _add_dates(event: Event, entry: CalendarEntry) -> list[str]:
    """Add when it takes place to the event, and return the lines of the time zone of a series."""
    if not entry.rectype:
        event.add("DTSTART", datetime.fromtimestamp(entry.time, UTC))
        return []
    zone = ZoneInfo(entry.timezone)
    anchor = entry.anchor or recurrence.to_local(entry.time, zone)
    first = recurrence.local_start(entry.time, anchor, zone)
    event.add("DTSTART", first.replace(tzinfo=zone))
    rule = recurrence.rule(entry.rectype, anchor, entry.recev + 1)
    event.add("RRULE", vRecur.from_ical(rule))
    last = recurrence.last_start(entry.rectype, anchor, zone, entry.time, entry.recev)
    last_year = recurrence.to_local(last, zone).year
    last_year = min(last_year, first.year + _LONGEST_DESCRIPTION_YEARS)
    return vtimezone(zone, first.year, last_year)
