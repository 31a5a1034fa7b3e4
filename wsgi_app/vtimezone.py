"""VTIMEZONE: what a calendar entry must say of a time zone (RFC 5545 section 3.6.5).

Made from zoneinfo: a zone whose clocks change by one rule every year gets that
rule, any other one the list of its changes over the span that is asked for.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard
from icalendar.prop import vRecur

from .recurrence import WEEKDAYS

# Shorter than the shortest time between two changes until 2090: seven days, in Gaza.
_STEP = timedelta(days=6)
# So many years tell "the last Sunday" from "the fourth".
_YEARS_AT_LEAST = 12


@dataclass(frozen=True)
class _Change:
    """One change of a zone's clocks."""

    onset: datetime
    """Local time by the offset before, as section 3.6.5 wants it."""
    before: timedelta
    after: timedelta
    abbreviation: str

    @property
    def kind(self) -> tuple[timedelta, timedelta, str]:
        return self.before, self.after, self.abbreviation


@lru_cache(maxsize=64)
def vtimezone(zone: ZoneInfo, first_year: int, last_year: int) -> Timezone:
    """Return the component that holds from the beginning of `first_year` to the end of
    `last_year`.
    """
    component = Timezone()
    component.add("TZID", zone.key)
    last_year = max(last_year, first_year + _YEARS_AT_LEAST)
    begin = datetime(max(first_year - 1, 1), 1, 1, tzinfo=UTC)
    changes = list(_changes(zone, begin, datetime(min(last_year + 1, 9999), 1, 1, tzinfo=UTC)))
    kinds: defaultdict[object, list[_Change]] = defaultdict(list)
    for change in changes:
        kinds[change.kind].append(change)
    if not _covers(changes, begin):
        component.add_component(_initial_observance(zone, begin))
    for same in kinds.values():
        component.add_component(_observance(same, first_year - 1, last_year, len(kinds)))
    return component


def _covers(changes: list[_Change], begin: datetime) -> bool:
    """Say whether some change precedes all dates of the series, the first year being one early."""
    return bool(changes) and changes[0].onset.year == begin.year


def _initial_observance(zone: ZoneInfo, begin: datetime) -> TimezoneStandard:
    local = begin.astimezone(zone)
    offset = local.utcoffset() or timedelta(0)
    component = TimezoneStandard()
    component.add("DTSTART", datetime(1970, 1, 1))
    component.add("TZOFFSETFROM", offset)
    component.add("TZOFFSETTO", offset)
    component.add("TZNAME", local.tzname())
    return component


def _observance(
    changes: list[_Change], first_year: int, last_year: int, kinds: int
) -> TimezoneStandard | TimezoneDaylight:
    first = changes[0]
    component = TimezoneDaylight() if first.after > first.before else TimezoneStandard()
    component.add("DTSTART", first.onset)
    component.add("TZOFFSETFROM", first.before)
    component.add("TZOFFSETTO", first.after)
    component.add("TZNAME", first.abbreviation)
    years = [change.onset.year for change in changes]
    by_day = _common_weekday(changes)
    if kinds == 2 and by_day and years == list(range(first_year, last_year + 1)):
        rule = {"FREQ": "YEARLY", "BYMONTH": first.onset.month, "BYDAY": by_day}
        component.add("RRULE", vRecur(rule))
    elif len(changes) > 1:
        component.add("RDATE", [change.onset for change in changes[1:]])
    return component


def _common_weekday(changes: list[_Change]) -> str | None:
    """Return the BYDAY that all onsets share, such as -1SU or 2SU, if they share month and time as
    well.
    """
    onsets = [change.onset for change in changes]
    if len({(onset.month, onset.weekday(), onset.time()) for onset in onsets}) != 1:
        return None
    weekday = WEEKDAYS[onsets[0].weekday()]
    if all(onset.day > monthrange(onset.year, onset.month)[1] - 7 for onset in onsets):
        return f"-1{weekday}"
    ordinals = {(onset.day - 1) // 7 + 1 for onset in onsets}
    return f"{ordinals.pop()}{weekday}" if len(ordinals) == 1 else None


def _changes(zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[_Change]:
    moments = ((moment, moment.astimezone(zone).utcoffset()) for moment in _steps(begin, end))
    for (before, old_offset), (after, new_offset) in pairwise(moments):
        if old_offset != new_offset:
            yield _change(zone, before, after)


def _steps(begin: datetime, end: datetime) -> Iterator[datetime]:
    while begin < end:
        yield begin
        begin += _STEP
    yield end


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> _Change:
    """Return the change between two moments, found by halving."""
    offset = before.astimezone(zone).utcoffset() or timedelta(0)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    local = after.astimezone(zone)
    onset = (after + offset).replace(tzinfo=None)
    return _Change(onset, offset, local.utcoffset() or timedelta(0), local.tzname() or zone.key)
