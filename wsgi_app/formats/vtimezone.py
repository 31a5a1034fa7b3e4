"""VTIMEZONE: what a calendar entry must say of a time zone (RFC 5545 section 3.6.5).

Made from zoneinfo: a zone whose clocks change by one rule every year gets that
rule, any other one the list of its changes over the span that is asked for.
"""

from __future__ import annotations

from bisect import bisect_left
from calendar import monthcalendar, monthrange
from collections import defaultdict
from datetime import MAXYEAR, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ..domain.recurrence import WEEKDAYS, week_of_month

# Through a year in less than the shortest time between two changes until 2090: seven days, in Gaza.
_STEPS = [timedelta(days=days) for days in range(0, 365, 6)]
_SECOND = timedelta(seconds=1)
# So many years tell "the last Sunday" from "the fourth".
_YEARS_AT_LEAST = 12
# Readers that compare a zone with UTC do so in past years: one that is at UTC now must differ then.
_BEGIN_YEAR = 1970


class _Change(NamedTuple):
    """One change of a zone's clocks; `onset` is local time by the offset before it, as section
    3.6.5 wants it.
    """

    onset: datetime
    before: timedelta
    after: timedelta
    abbreviation: str


def vtimezone(zone: ZoneInfo, first_year: int, last_year: int) -> list[str]:
    """Return the lines of the component that holds from the beginning of `first_year` to the end
    of `last_year`.
    """
    # A year early, so that where there are changes one precedes all occurrences.
    years = range(first_year - 1, max(last_year, first_year + _YEARS_AT_LEAST) + 1)
    changes = [change for year in years for change in _changes(zone.key, year)]
    kinds: defaultdict[tuple[object, ...], list[_Change]] = defaultdict(list)
    for change in changes:
        kinds[change[1:]].append(change)
    observances = [_by_rule(same, years) for same in kinds.values()]
    if len(observances) != 2 or not all(observances):
        observances = [_initial(zone, years, changes), *map(_by_list, kinds.values())]
    lines = (line for observance in observances for line in observance)
    return ["BEGIN:VTIMEZONE", f"TZID:{zone.key}", *lines, "END:VTIMEZONE"]


def _initial(zone: ZoneInfo, years: range, changes: list[_Change]) -> list[str]:
    """Return the observance that holds until the first change."""
    begin = datetime(years[0], 1, 1)
    offset, abbreviation = zone.utcoffset(begin) or timedelta(0), zone.tzname(begin) or zone.key
    if not offset and changes and changes[0].onset.year == years[0]:
        # No occurrence lies before that change, so the offset until then is free.
        offset, abbreviation = changes[0].after, changes[0].abbreviation
    onset = datetime(min(years[0], _BEGIN_YEAR), 1, 1)
    return _observance(_Change(onset, offset, offset, abbreviation), [])


def _by_list(changes: list[_Change]) -> list[str]:
    # The first is DTSTART, but some readers skip that, and all but one value in a line.
    return _observance(changes[0], [f"RDATE:{_local(change.onset)}" for change in changes])


def _by_rule(changes: list[_Change], years: range) -> list[str]:
    """Return the observance with the rule that these changes follow in each of the years, empty
    where they follow none.
    """
    onsets = [change.onset for change in changes]
    ordinal = _common_ordinal(onsets)
    if not ordinal or [onset.year for onset in onsets] != list(years):
        return []
    month, weekday = onsets[0].month, onsets[0].weekday()
    weeks = monthcalendar(_BEGIN_YEAR, month)
    days = [week[weekday] for week in weeks if week[weekday]]
    day = days[ordinal] if ordinal < 0 else days[ordinal - 1]
    first = changes[0]._replace(onset=onsets[0].replace(year=_BEGIN_YEAR, day=day))
    rule = f"RRULE:FREQ=YEARLY;BYMONTH={month};BYDAY={ordinal}{WEEKDAYS[weekday]}"
    return _observance(first, [rule])


def _common_ordinal(onsets: list[datetime]) -> int:
    """Return which of its weekday in the month all onsets are, -1 for the last, if they share
    month, weekday and time; else 0.
    """
    if len({(onset.month, onset.weekday(), onset.time()) for onset in onsets}) != 1:
        return 0
    if all(onset.day > monthrange(onset.year, onset.month)[1] - 7 for onset in onsets):
        return -1
    ordinals = set(map(week_of_month, onsets))
    return ordinals.pop() if len(ordinals) == 1 else 0


def _observance(first: _Change, further: list[str]) -> list[str]:
    kind = "DAYLIGHT" if first.after > first.before else "STANDARD"
    return [
        f"BEGIN:{kind}",
        f"DTSTART:{_local(first.onset)}",
        f"TZOFFSETFROM:{_offset(first.before)}",
        f"TZOFFSETTO:{_offset(first.after)}",
        f"TZNAME:{first.abbreviation}",
        *further,
        f"END:{kind}",
    ]


def _local(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%S}"


def _offset(offset: timedelta) -> str:
    minutes, seconds = divmod(abs(int(offset.total_seconds())), 60)
    sign = "-" if offset < timedelta(0) else "+"
    text = f"{sign}{minutes // 60:02}{minutes % 60:02}"
    return f"{text}{seconds:02}" if seconds else text


# Some 2 MB at most, whatever zones and years strangers ask for.
@lru_cache(maxsize=4096)
def _changes(name: str, year: int) -> tuple[_Change, ...]:
    """Return the changes of a year; none of the last that the calendar has."""
    if year >= MAXYEAR:
        return ()
    zone = ZoneInfo(name)
    begin = datetime(year, 1, 1)
    moments = [*(begin + step for step in _STEPS), datetime(year + 1, 1, 1)]
    offsets = list(map(zone.utcoffset, moments))
    return tuple(
        _change(moments[number], moments[number + 1], zone)
        for number in range(len(_STEPS))
        if offsets[number] != offsets[number + 1]
    )


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> _Change:
    """Return the change between two local times, found by halving."""
    old_offset = zone.utcoffset(before) or timedelta(0)
    new_offset = zone.utcoffset(after) or timedelta(0)
    seconds = range(int((after - before).total_seconds()))
    passed = bisect_left(
        seconds, True, key=lambda second: zone.utcoffset(before + second * _SECOND) != old_offset
    )
    changed = before + passed * _SECOND
    # Times that clocks skip are read by the offset before (PEP 495).
    onset = changed - max(new_offset - old_offset, timedelta(0))
    return _Change(onset, old_offset, new_offset, zone.tzname(changed) or zone.key)
