"""Calendar entries (RFC 5545). The only module, with vtimezone, that imports icalendar: that is
slow.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event, Timezone
from icalendar.prop import vRecur

from . import recurrence
from .vtimezone import vtimezone

CONTENT_TYPE = "text/calendar; charset=utf-8; method=PUBLISH"

# Rules go on for ever; where a zone has none, the list of its changes ends here.
_LONGEST_DESCRIPTION_YEARS = 100
_ALARM_BEFORE = timedelta(minutes=10)


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
    result = Calendar()
    result.add("PRODID", "-//Planado//Planado//EN")
    result.add("VERSION", "2.0")
    # REQUEST would want an organiser and attendees.
    result.add("METHOD", "PUBLISH")
    event = Event()
    event.add("UID", f"{entry.iid}@planado")
    event.add("DTSTAMP", datetime.fromtimestamp(int(now), UTC))
    event.add("SEQUENCE", entry.sequence)
    event.add("STATUS", "CANCELLED" if entry.cancelled else "CONFIRMED")
    event.add("SUMMARY", entry.name)
    event.add("LOCATION", entry.invitation_url)
    event.add("URL", entry.invitation_url)
    event.add("DESCRIPTION", entry.description)
    if entry.rectype:
        result.add_component(_add_series(event, entry))
    else:
        start = datetime.fromtimestamp(entry.time, UTC)
        event.add("DTSTART", start)
        event.add("DTEND", start + timedelta(minutes=entry.duration))
    if not entry.cancelled:
        event.add_component(_alarm(entry.name))
    result.add_component(event)
    stream: bytes = result.to_ical()
    return stream


def _add_series(event: Event, entry: CalendarEntry) -> Timezone:
    """Write the dates of a series into its event and return the time zone they are in."""
    zone = ZoneInfo(entry.timezone)
    first = _first_date(entry, zone)
    event.add("DTSTART", first.replace(tzinfo=zone))
    end = recurrence.to_local(entry.time + entry.duration * 60, zone)
    event.add("DTEND", end.replace(tzinfo=zone))
    anchor = entry.anchor or first
    rule = recurrence.rule(entry.rectype, anchor)
    parts = {name: str(value).split(",") for name, value in rule.items()}
    event.add("RRULE", vRecur({**parts, "COUNT": entry.count + 1}))
    starts = recurrence.starts(entry.rectype, anchor, zone, entry.time)
    *_, last = islice(starts, entry.count + 1)
    last_year = min(recurrence.to_local(last, zone).year, first.year + _LONGEST_DESCRIPTION_YEARS)
    return vtimezone(zone, first.year, last_year)


def _first_date(entry: CalendarEntry, zone: ZoneInfo) -> datetime:
    """Return the local start of the first date, by the series' own clock time even where a clock
    change skips it.
    """
    local = recurrence.to_local(entry.time, zone)
    if entry.anchor is None:
        return local
    by_rule = datetime.combine(local, entry.anchor.time())
    nearby = (by_rule, by_rule - timedelta(days=1))
    return next(
        (start for start in nearby if recurrence.to_instant(start, zone) == entry.time), local
    )


def _alarm(name: str) -> Alarm:
    alarm = Alarm()
    alarm.add("ACTION", "DISPLAY")
    alarm.add("DESCRIPTION", name)
    alarm.add("TRIGGER", -_ALARM_BEFORE)
    return alarm
