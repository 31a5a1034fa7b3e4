"""Recurrences: their codes, their rules (RFC 5545) and the instants at which a series starts; and
the time zones that they are in.

Pure but for the reading of zones: no clock, no database, no configuration. Local
times are naive datetimes beside the zone they belong to; instants are UNIX seconds.
"""

from __future__ import annotations

import re
import zoneinfo
from collections import deque
from collections.abc import Iterator
from datetime import MAXYEAR, date, datetime, timedelta
from functools import cache
from itertools import count, dropwhile, islice
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import tzdata

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
OFFERED = ("1daily", "weekdays", "1weekly", "2weekly", "4weekly", "1monthly", "1monthlyday")

PACKAGE_ZONES = Path(tzdata.__path__[0], "zoneinfo")
"""The time zone data of PyPI's tzdata."""

# Half a day in seconds: less than lies between two occurrences, more than a zone's rules ever
# changed by.
LARGEST_SHIFT = 12 * 60 * 60

_EPOCH = datetime(1970, 1, 1)

# The beginning of the year 9999: local time and a day's duration still fit into the calendar.
LATEST_START = 253370764800

_CODE = r"([1-9][0-9]?)(daily|weekly|monthly|monthlyday)"
_ORIGINAL_CODE = r"(daily|weekly|monthly)([1-9][0-9]?)?"
_LAST_WEEK = 5
# 54 years of days. A link or an old row may name far more repetitions.
MOST_OCCURRENCES = 20_000


class Recurrence(NamedTuple):
    """How a series repeats: every `interval` units, where unit is daily, weekly, monthly,
    monthlyday or weekdays.
    """

    unit: str
    interval: int


def parse_recurrence(code: str) -> Recurrence:
    """Return the recurrence of a code such as `2weekly`; raises ValueError for any other text."""
    if code == "weekdays":
        return Recurrence("weekdays", 1)
    match = re.fullmatch(_CODE, code)
    if match is None:
        raise ValueError("unknown recurrence")
    return Recurrence(match[2], int(match[1]))


def code_of_original(text: str) -> str | None:
    """Return the code of a recurrence as the PHP original wrote it in any of its versions; None if
    unknown.
    """
    old = re.fullmatch(_ORIGINAL_CODE, text)
    code = f"{old[2] or 1}{old[1]}" if old else text
    try:
        parse_recurrence(code)
    except ValueError:
        return None
    return code


def rule(code: str, first: date, number: int) -> str:
    """Return the RRULE (RFC 5545 section 3.3.10) of the `number` occurrences to come of a
    series that began on `first`.
    """
    unit, interval = parse_recurrence(code)
    count = f"COUNT={number}"
    match unit:
        case "weekdays":
            return f"FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;{count}"
        case "monthlyday":
            ordinal = -1 if week_of_month(first) == _LAST_WEEK else week_of_month(first)
            by_day = f"{ordinal}{WEEKDAYS[first.weekday()]}"
            return f"FREQ=MONTHLY;INTERVAL={interval};BYDAY={by_day};{count}"
        case "monthly" if first.day == 31:
            return f"FREQ=MONTHLY;INTERVAL={interval};BYMONTHDAY=-1;{count}"
        case _:
            return f"FREQ={unit.upper()};INTERVAL={interval};{count}"


def fits(code: str, first: date) -> bool:
    """Say whether a series with this recurrence can begin on `first`."""
    return parse_recurrence(code).unit != "weekdays" or first.weekday() < 5


def starts(code: str, anchor: datetime, zone: ZoneInfo, since: int) -> Iterator[int]:
    """Yield the starts, from `since` on, of a series that began at the local time `anchor`.

    The iterator ends with the year 9999, or after 20,000 occurrences. Two that a
    zone's change of day makes one instant are both yielded, as COUNT counts both.
    """
    clock = anchor.time()
    for day in _days_since(code, anchor, zone, since):
        yield to_instant(datetime.combine(day, clock), zone)


def last_start(code: str, anchor: datetime, zone: ZoneInfo, since: int, count: int) -> int:
    """Return the last of the starts from `since` on, where `count` follow the first; raises
    ValueError where there is none.
    """
    # Days alone cost a tenth of what instants do.
    days = deque(islice(_days_since(code, anchor, zone, since), count + 1), maxlen=1)
    if not days:
        raise ValueError("no occurrence of the series")
    return to_instant(datetime.combine(days[0], anchor.time()), zone)


def local_start(instant: int, anchor: datetime, zone: ZoneInfo) -> datetime:
    """Return the local time of a start of a series that began at the local time `anchor`: the
    series' own clock time, even where a clock change skips it.
    """
    local = to_local(instant, zone)
    by_rule = datetime.combine(local, anchor.time())
    nearby = (by_rule, by_rule - timedelta(days=1))
    return next((start for start in nearby if to_instant(start, zone) == instant), local)


def week_of_month(day: date) -> int:
    """Return which of its weekday in the month `day` is, 1 to 5."""
    return (day.day - 1) // 7 + 1


def to_instant(local: datetime, zone: ZoneInfo) -> int:
    """Return the instant of a local time; one that a clock change skips or doubles is read by RFC
    5545 section 3.3.5.
    """
    # fold=0 is that rule: the first of two, and in a gap the offset from before it.
    local = local.replace(fold=0) if local.fold else local
    # As datetime.timestamp() computes it, in a tenth of the time.
    passed = local - _EPOCH - (zone.utcoffset(local) or timedelta(0))
    return passed.days * 24 * 60 * 60 + passed.seconds


def to_local(instant: float, zone: ZoneInfo) -> datetime:
    """Return the naive local time, to the second, that clocks in `zone` show at `instant`."""
    local = datetime.fromtimestamp(int(instant), zone)
    # Ten times as fast as datetime.replace() before Python 3.13.
    naive = datetime.combine(local, local.time())
    return naive.replace(fold=0) if naive.fold else naive


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


def zone_data() -> tuple[str, Path]:
    """Return the version of the time zone data in force, such as 2026b, and the folder it is in."""
    if str(PACKAGE_ZONES) in zoneinfo.TZPATH:
        return tzdata.IANA_VERSION, PACKAGE_ZONES
    return _system_version(), _system_zones()


def _system_zones() -> Path:
    return next(filter(Path.is_dir, map(Path, zoneinfo.TZPATH)), Path())


def _system_version() -> str:
    """Return the version of the system's data, empty where it says none or has none."""
    try:
        with (_system_zones() / "tzdata.zi").open(encoding="utf-8") as file:
            return file.readline().removeprefix("# version ").strip()
    except OSError:
        return ""


def _zone_file(*path: str) -> str:
    return PACKAGE_ZONES.parent.joinpath(*path).read_text("utf-8")


def _days_since(code: str, anchor: datetime, zone: ZoneInfo, since: int) -> Iterator[date]:
    """Yield the days by the rule whose starts are not before `since`."""
    # A start and its day differ by a day where a gap of the clock moves it past midnight.
    earliest = to_local(since, zone).date() - timedelta(days=2)
    days = islice(_days_by_rule(parse_recurrence(code), anchor.date(), earliest), MOST_OCCURRENCES)
    return dropwhile(
        lambda day: to_instant(datetime.combine(day, anchor.time()), zone) < since, days
    )


def _days_by_rule(recurrence: Recurrence, first: date, earliest: date) -> Iterator[date]:
    """Yield the days from `first` on, beginning not long before `earliest`."""
    try:
        match recurrence.unit:
            case "daily":
                yield from _days(first, recurrence.interval, earliest)
            case "weekly":
                yield from _days(first, 7 * recurrence.interval, earliest)
            case "weekdays":
                yield from (day for day in _days(first, 1, earliest) if day.weekday() < 5)
            case _:
                yield from _months(recurrence, first, earliest)
    except OverflowError:
        return


def _days(first: date, interval: int, earliest: date) -> Iterator[date]:
    passed = max(0, (earliest - first).days // interval)
    return (first + timedelta(days=number * interval) for number in count(passed))


def _months(recurrence: Recurrence, first: date, earliest: date) -> Iterator[date]:
    begun = _month_number(first)
    passed = max(0, (_month_number(earliest) - begun) // recurrence.interval)
    for number in count(begun + passed * recurrence.interval, recurrence.interval):
        year, month = number // 12, number % 12 + 1
        if year > MAXYEAR:
            return
        day = _day_in_month(recurrence, first, year, month)
        if day <= 28 or day <= _length(year, month):
            yield date(year, month, day)


def _month_number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _day_in_month(recurrence: Recurrence, first: date, year: int, month: int) -> int:
    """Return the day by the rule, which the month may lack."""
    if recurrence.unit == "monthlyday":
        weekday = date(year, month, 1).weekday()
        day = 1 + (first.weekday() - weekday) % 7 + 7 * (week_of_month(first) - 1)
        return day if day <= 28 or day <= _length(year, month) else day - 7
    return _length(year, month) if first.day == 31 else first.day


def _length(year: int, month: int) -> int:
    # calendar.monthrange() is slow to load, and only some series step by months.
    return 31 if month == 12 else (date(year, month + 1, 1) - timedelta(days=1)).day


# Before Planado reads any zone. zoneinfo asks the system first, whose data may be older; a host
# program may have read some of it already.
if _system_version() < tzdata.IANA_VERSION:
    zoneinfo.reset_tzpath([str(PACKAGE_ZONES), *zoneinfo.TZPATH])
    ZoneInfo.clear_cache()
