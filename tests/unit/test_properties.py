"""Rooms open at exactly the instants that independent readers compute, whatever is booked."""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise, takewhile
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import dateutil.tz
import icalendar
import pytest
import recurring_ical_events
from dateutil.rrule import rrulestr
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.conftest import MakeClient
from tests.support.client import Booked, Client
from tests.support.clock import DAY, HOUR, Clock
from wsgi_app.domain import recurrence
from wsgi_app.domain.recurrence import OFFERED

ODD_ZONES = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/El_Aaiun",
    "America/Havana",
    "America/Nuuk",
    "America/Santiago",
    "America/Scoresbysund",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Jerusalem",
    "Asia/Kathmandu",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
]
ZONES = st.sampled_from(ODD_ZONES) | st.sampled_from(sorted(recurrence.zone_names()))
UNITS = st.sampled_from(["daily", "weekly", "monthly", "monthlyday"])
CODES = st.sampled_from([*OFFERED, "1monthly", "12monthly"]) | st.builds(
    "{}{}".format, st.integers(1, 99), UNITS
)
# Clocks change at night: half of all examples start there. Days that some months lack come often.
DAYS = st.dates(date(2027, 4, 1), date(2040, 12, 31)) | st.builds(
    lambda year, month, back: date(year, month, 1) - timedelta(days=back),
    st.integers(2028, 2040),
    st.integers(1, 12),
    st.integers(1, 3),
)
CLOCK_TIMES = st.times() | st.builds(
    lambda minutes: time(minutes // 60, minutes % 60), st.integers(0, 4 * 60)
)
STARTS = st.builds(datetime.combine, DAYS, CLOCK_TIMES).map(
    lambda start: start.replace(second=0, microsecond=0, fold=0)
)
COUNTS = st.integers(1, 8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(zone=ZONES, start=STARTS, code=CODES, count=COUNTS)
def test_doors_open_when_independent_readers_say(
    law_client: Client, clock: Clock, zone: str, start: datetime, code: str, count: int
) -> None:
    assume(recurrence.exists(start, ZoneInfo(zone)) and recurrence.fits(code, start.date()))
    clock.now = start.replace(tzinfo=ZoneInfo(zone)).timestamp() - 2 * DAY
    count = within_ten_years(clock, zone, start, code, count)
    booked = law_client.book(
        date=start.date().isoformat(),
        time=f"{start:%H:%M}",
        timezone=zone,
        repeat=code,
        count=str(count),
    )
    stream = law_client.get(booked.calendar_url).body
    by_calendar = read_by_calendar(stream, count)
    by_rule = read_by_rule(stream, start, ZoneInfo(zone))
    assert by_calendar == by_rule
    assert len(by_rule) == count + 1
    check_doors(law_client, clock, booked, by_rule)
    check_time_zone(stream, zone, by_rule)


def within_ten_years(clock: Clock, zone: str, start: datetime, code: str, count: int) -> int:
    """Return as many of `count` repetitions as may be booked, at least one."""
    first = int(clock.now) + 2 * DAY
    starts = recurrence.starts(code, start, ZoneInfo(zone), first)
    dates = takewhile(lambda instant: instant < clock.now + 3652 * DAY, islice(starts, count + 1))
    allowed = sum(1 for _ in dates) - 1
    assume(allowed)
    return allowed


def check_doors(client: Client, clock: Clock, booked: Booked, instants: list[float]) -> None:
    """Walk along a series: closed a second before each start, open at it, each time a new room."""
    rooms = set()
    for instant in sorted(set(instants)):
        clock.now = instant - 1
        assert client.visit(booked.invitation_url).heading == "The conference has not started yet"
        clock.now = instant
        entry = client.visit(booked.invitation_url)
        assert entry.heading == "Into the conference"
        rooms.add(urlsplit(entry.link("meet.jit.si/")).path)
    assert len(rooms) == len(set(instants))
    clock.advance(HOUR)
    assert client.visit(booked.invitation_url).status == 404


def read_by_calendar(stream: bytes, count: int) -> list[float]:
    """Return the starts that recurring-ical-events finds in the entry."""
    calendar = icalendar.Calendar.from_ical(stream)
    found = recurring_ical_events.of(calendar).after(datetime(2027, 1, 1, tzinfo=UTC))
    starts = []
    for event in found:
        starts.append(event["DTSTART"].dt.astimezone(UTC).timestamp())
        assert len(starts) <= count + 1
    return sorted(starts)


def read_by_rule(stream: bytes, start: datetime, zone: ZoneInfo) -> list[float]:
    """Return the starts that dateutil computes from the RRULE on local time."""
    match = re.search(rb"^RRULE:.*$", stream.split(b"BEGIN:VEVENT")[1], re.MULTILINE)
    assert match
    rule = rrulestr(match[0].decode().strip(), dtstart=start)
    return [local.replace(tzinfo=zone).timestamp() for local in rule]


def check_time_zone(stream: bytes, name: str, instants: list[float]) -> None:
    """Read the VTIMEZONE as a program does that knows no zone by its name."""
    blocks = stream.decode().replace("\r\n ", "").replace("\r\n", "\n")
    described = dateutil.tz.tzical(io.StringIO(blocks)).get(name)
    for instant in instants:
        local = datetime.fromtimestamp(instant, ZoneInfo(name)).replace(tzinfo=None)
        assert (
            local.replace(tzinfo=described).utcoffset()
            == local.replace(tzinfo=ZoneInfo(name)).utcoffset()
        ), (name, local)


@pytest.fixture
def law_client(make_client: MakeClient) -> Client:
    # Kept short, so that each date is seen to close before the next one opens.
    return make_client("[cleanup]\ndelete_after = 1 h\nwhen = cron\n[booking]\nmax_days_ahead=3650")


@given(zone=ZONES, year=st.integers(2026, 2060), span=st.integers(0, 30))
@settings(max_examples=300)
def test_a_time_zone_is_described_truly(zone: str, year: int, span: int) -> None:
    from wsgi_app.formats.vtimezone import vtimezone

    component = vtimezone(ZoneInfo(zone), year, year + span)
    described = dateutil.tz.tzical(io.StringIO("\n".join(component))).get(zone)
    local = datetime(year, 1, 1, 12)
    while local.year <= year + span:
        assert (
            local.replace(tzinfo=described).utcoffset()
            == local.replace(tzinfo=ZoneInfo(zone)).utcoffset()
        ), local
        local += timedelta(days=3)


def test_most_zones_get_one_rule_each() -> None:
    from wsgi_app.formats.vtimezone import vtimezone

    irregular = {
        zone
        for zone in recurrence.zone_names()
        if "RDATE" in (text := "\n".join(vtimezone(ZoneInfo(zone), 2032, 2034)))
        or text.count("BEGIN:STANDARD") > 1
    }
    assert "Europe/Berlin" not in irregular
    assert "America/New_York" not in irregular
    # Twelve with their aliases, says the time zone database of November 2026.
    assert len(irregular) < 25, sorted(irregular)


@given(start=STARTS, code=CODES)
def test_starts_never_go_back(start: datetime, code: str) -> None:
    zone = ZoneInfo("Europe/Berlin")
    since = recurrence.to_instant(start, zone)
    generator = recurrence.starts(code, start, zone, since)
    found = [instant for instant, _ in zip(generator, range(50), strict=False)]
    assert all(earlier <= later for earlier, later in pairwise(found))
