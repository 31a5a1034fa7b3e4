"""Rhythms: rhythm code ↔ rule of RFC 5545 ↔ the instants at which a series starts.

Pure: no clock, no database, no configuration. Local times are naive datetimes
beside the zone they belong to; instants are UNIX seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import MAXYEAR, date, datetime, timedelta
from functools import cache
from itertools import count, islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
OFFERED = ("1daily", "weekdays", "1weekly", "2weekly", "4weekly", "1monthly", "1monthlyday")

# Half a day in seconds: less than lies between two dates, more than a zone's rules ever changed by.
LARGEST_SHIFT = 12 * 60 * 60

# The beginning of the year 9999: local time and a day's duration still fit into the calendar.
LATEST_START = 253370764800

_CODE = r"([1-9][0-9]?)(daily|weekly|monthly|monthlyday)"
_ORIGINAL_CODE = r"(daily|weekly|monthly)([1-9][0-9]?)?"
_LAST_WEEK = 5
# 54 years of days. A link or an old row may name far more repetitions.
MOST_DATES = 20_000


class Rhythm(NamedTuple):
    """How a series repeats: every `interval` units, where unit is daily, weekly, monthly,
    monthlyday or weekdays.
    """

    unit: str
    interval: int


def parse_rhythm(code: str) -> Rhythm:
    """Return the rhythm of a code such as `2weekly`; raises ValueError for any other text."""
    if code == "weekdays":
        return Rhythm("weekdays", 1)
    match = re.fullmatch(_CODE, code)
    if match is None:
        raise ValueError("unknown rhythm")
    return Rhythm(match[2], int(match[1]))


def code_of_original(text: str) -> str | None:
    """Return the code of a rhythm as the PHP original wrote it, today or once; None if unknown."""
    old = re.fullmatch(_ORIGINAL_CODE, text)
    code = f"{old[2] or 1}{old[1]}" if old else text
    try:
        parse_rhythm(code)
    except ValueError:
        return None
    return code


def rule(code: str, first: date) -> dict[str, str | int]:
    """Return the parts of the RRULE (RFC 5545 section 3.3.10), without COUNT, of a series that
    began on `first`.
    """
    rhythm = parse_rhythm(code)
    match rhythm.unit:
        case "weekdays":
            return {"FREQ": "WEEKLY", "BYDAY": "MO,TU,WE,TH,FR"}
        case "monthlyday":
            ordinal = -1 if week_of_month(first) == _LAST_WEEK else week_of_month(first)
            by_day = f"{ordinal}{WEEKDAYS[first.weekday()]}"
            return {"FREQ": "MONTHLY", "INTERVAL": rhythm.interval, "BYDAY": by_day}
        case "monthly" if first.day == 31:
            return {"FREQ": "MONTHLY", "INTERVAL": rhythm.interval, "BYMONTHDAY": -1}
        case unit:
            return {"FREQ": unit.upper(), "INTERVAL": rhythm.interval}


def fits(code: str, first: date) -> bool:
    """Say whether a series with this rhythm can begin on `first`."""
    return parse_rhythm(code).unit != "weekdays" or first.weekday() < 5


def starts(code: str, anchor: datetime, zone: ZoneInfo, since: int) -> Iterator[int]:
    """Yield the starts, from `since` on, of a series that began at the local time `anchor`.

    The iterator ends with the year 9999, or after 20,000 dates. Two dates that a
    zone's change of day makes one instant are both yielded, as COUNT counts both.
    """
    # A start and its date differ by a day where a gap of the clock moves it past midnight.
    earliest = to_local(since, zone).date() - timedelta(days=2)
    for day in islice(_dates(parse_rhythm(code), anchor.date(), earliest), MOST_DATES):
        instant = to_instant(datetime.combine(day, anchor.time()), zone)
        if instant >= since:
            yield instant


def week_of_month(day: date) -> int:
    """Return which of its weekday in the month `day` is, 1 to 5."""
    return (day.day - 1) // 7 + 1


def to_instant(local: datetime, zone: ZoneInfo) -> int:
    """Return the instant of a local time; one that a clock change skips or doubles is read by RFC
    5545 section 3.3.5.
    """
    # fold=0 is that rule: the first of two, and in a gap the offset from before it.
    return int(local.replace(tzinfo=zone, fold=0).timestamp())


def to_local(instant: float, zone: ZoneInfo) -> datetime:
    """Return the naive local time, to the second, that clocks in `zone` show at `instant`."""
    return datetime.fromtimestamp(int(instant), zone).replace(tzinfo=None, fold=0)


def exists(local: datetime, zone: ZoneInfo) -> bool:
    """Say whether clocks in `zone` ever show the local time, rather than skip it."""
    return to_local(to_instant(local, zone), zone) == local


@cache
def zone_names() -> frozenset[str]:
    """Return the names of all IANA time zones that can be booked in."""
    # zoneinfo.available_timezones() opens each of 600 files: 80 ms against 1 ms.
    return frozenset(_zone_file("zones").split()) - {"Factory", "localtime"}


def listed_zone_names() -> list[str]:
    """Return the time zones to choose from, by name: without the old names of other zones, which
    are valid, but only noise in a list.
    """
    table = _zone_file("zoneinfo", "zone.tab").splitlines()
    return sorted(line.split("\t")[2] for line in table if not line.startswith("#"))


def _zone_file(*path: str) -> str:
    from importlib import resources  # Slow to load, and most requests look up no name.

    return resources.files("tzdata").joinpath(*path).read_text("utf-8")


def _dates(rhythm: Rhythm, first: date, earliest: date) -> Iterator[date]:
    """Yield the dates from `first` on, beginning not long before `earliest`."""
    try:
        match rhythm.unit:
            case "daily":
                yield from _days(first, rhythm.interval, earliest)
            case "weekly":
                yield from _days(first, 7 * rhythm.interval, earliest)
            case "weekdays":
                yield from (day for day in _days(first, 1, earliest) if day.weekday() < 5)
            case _:
                yield from _months(rhythm, first, earliest)
    except OverflowError:
        return


def _days(first: date, interval: int, earliest: date) -> Iterator[date]:
    passed = max(0, (earliest - first).days // interval)
    return (first + timedelta(days=number * interval) for number in count(passed))


def _months(rhythm: Rhythm, first: date, earliest: date) -> Iterator[date]:
    begun = _month_number(first)
    passed = max(0, (_month_number(earliest) - begun) // rhythm.interval)
    for month in count(begun + passed * rhythm.interval, rhythm.interval):
        year = month // 12
        if year > MAXYEAR:
            return
        day = _day_in_month(rhythm, first, date(year, month % 12 + 1, 1))
        if day:
            yield day


def _month_number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _day_in_month(rhythm: Rhythm, first: date, month: date) -> date | None:
    from calendar import monthrange  # Slow to load, and only some series step by months.

    length = monthrange(month.year, month.month)[1]
    if rhythm.unit == "monthlyday":
        day = 1 + (first.weekday() - month.weekday()) % 7 + 7 * (week_of_month(first) - 1)
        return month.replace(day=day if day <= length else day - 7)
    if first.day == 31:
        return month.replace(day=length)
    return month.replace(day=first.day) if first.day <= length else None
