"""The domain: recurrences, opening hours and what becomes of a series."""

from __future__ import annotations

from datetime import date, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_app.domain import identifier, recurrence
from wsgi_app.domain.conference import Appointment, Conference, OpeningHours

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3600


def dates(code: str, start: str, number: int = 4, zone: str = "Europe/Berlin") -> list[str]:
    anchor = datetime.fromisoformat(start)
    since = recurrence.to_instant(anchor, ZoneInfo(zone))
    instants = recurrence.starts(code, anchor, ZoneInfo(zone), since)
    return [
        recurrence.to_local(instant, ZoneInfo(zone)).isoformat(timespec="minutes")
        for instant in islice(instants, number)
    ]


@pytest.mark.parametrize(
    ("code", "start", "expected"),
    [
        ("1daily", "2027-12-31T10:00", ["12-31", "01-01", "01-02"]),
        ("3daily", "2027-12-31T10:00", ["12-31", "01-03", "01-06"]),
        ("weekdays", "2027-03-04T10:00", ["03-04", "03-05", "03-08"]),
        ("1weekly", "2027-03-02T10:00", ["03-02", "03-09", "03-16"]),
        ("4weekly", "2027-03-02T10:00", ["03-02", "03-30", "04-27"]),
        ("1monthly", "2027-01-15T10:00", ["01-15", "02-15", "03-15"]),
        ("1monthly", "2027-01-31T10:00", ["01-31", "02-28", "03-31"]),
        ("1monthly", "2027-01-30T10:00", ["01-30", "03-30", "04-30"]),
        ("1monthly", "2028-01-29T10:00", ["01-29", "02-29", "03-29"]),
        ("12monthly", "2028-02-29T10:00", ["2028-02-29", "2032-02-29", "2036-02-29"]),
        ("99monthly", "2027-01-01T10:00", ["2027-01-01", "2035-04-01", "2043-07-01"]),
        ("1monthlyday", "2027-03-09T10:00", ["03-09", "04-13", "05-11"]),
        ("1monthlyday", "2027-03-30T10:00", ["03-30", "04-27", "05-25"]),
        ("2monthlyday", "2027-01-31T10:00", ["01-31", "03-28", "05-30"]),
    ],
)
def test_the_dates_of_a_recurrence(code: str, start: str, expected: list[str]) -> None:
    found = dates(code, start, 3)
    assert [when.split("T")[0][-len(expected[0]) :] for when in found] == expected


@pytest.mark.parametrize(
    ("code", "first", "rule"),
    [
        ("2daily", date(2027, 3, 2), "FREQ=DAILY;INTERVAL=2"),
        ("1weekly", date(2027, 3, 2), "FREQ=WEEKLY;INTERVAL=1"),
        ("weekdays", date(2027, 3, 2), "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        ("1monthly", date(2027, 3, 30), "FREQ=MONTHLY;INTERVAL=1"),
        ("1monthly", date(2027, 3, 31), "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=-1"),
        ("1monthlyday", date(2027, 3, 9), "FREQ=MONTHLY;INTERVAL=1;BYDAY=2TU"),
        ("1monthlyday", date(2027, 3, 30), "FREQ=MONTHLY;INTERVAL=1;BYDAY=-1TU"),
    ],
)
def test_the_rule_of_a_recurrence(code: str, first: date, rule: str) -> None:
    assert recurrence.rule(code, first, 4) == f"{rule};COUNT=4"


@pytest.mark.parametrize(
    "code",
    ["", "daily", "weekly1", "0daily", "01daily", "100daily", "1Daily", "١daily", "1daily\n"],
)
def test_other_recurrences_are_unknown(code: str) -> None:
    with pytest.raises(ValueError, match="unknown recurrence"):
        recurrence.parse_recurrence(code)


def test_wall_clock_time_stays_across_clock_changes() -> None:
    assert dates("1weekly", "2027-03-23T10:00", 2) == ["2027-03-23T10:00", "2027-03-30T10:00"]
    # In the gap of spring the offset from before holds; after it, the series is back at its time.
    assert dates("1daily", "2027-03-27T02:30", 3) == [
        "2027-03-27T02:30",
        "2027-03-28T03:30",
        "2027-03-29T02:30",
    ]
    # Of the two in autumn the first counts.
    twice = recurrence.to_instant(datetime(2027, 10, 31, 2, 30), BERLIN)
    assert datetime.fromtimestamp(twice, BERLIN).utcoffset() == BERLIN.utcoffset(
        datetime(2027, 7, 1)
    )


def booked(start: str, code: str = "", count: int = 0, zone: str = "Europe/Berlin") -> Conference:
    return Conference.booked(Appointment(datetime.fromisoformat(start), zone, code, count))


def test_identifiers_are_independent_draws_of_sixteen_digits() -> None:
    drawn = [booked("2027-03-02T10:00") for _ in range(500)]
    numbers = {number for each in drawn for number in (each.iid, each.aid, each.rid)}
    assert len(numbers) == 1500
    assert all(identifier.SMALLEST <= number <= identifier.LARGEST for number in numbers)
    # Uniform: each first digit comes, none more than twice as often as it should.
    firsts = [int(str(number)[0]) for number in numbers]
    assert all(80 < firsts.count(digit) < 330 for digit in range(1, 10))


@given(st.text() | st.integers().map(str))
def test_an_identifier_is_nothing_but_digits(text: str) -> None:
    parsed = identifier.parse(text)
    assert parsed is None or (str(parsed) == text and 0 < parsed < 2**63)


def test_doors() -> None:
    conference = booked("2027-03-02T10:00")
    hours = OpeningHours(open_before=600, delete_after=23 * HOUR)
    assert not conference.is_open(conference.time - 601, hours)
    assert conference.is_open(conference.time - 600, hours)
    assert conference.at(conference.time + 23 * HOUR - 1, hours) == conference
    assert conference.at(conference.time + 23 * HOUR, hours) is None


def test_the_next_date_opens_on_time_however_long_conferences_are_kept() -> None:
    series = booked("2027-03-02T10:00", "1daily", 3)
    hours = OpeningHours(open_before=600, delete_after=100 * HOUR)
    before = series.at(series.time + 24 * HOUR - 601, hours)
    assert before == series
    after = series.at(series.time + 24 * HOUR - 600, hours)
    assert after is not None
    assert (after.time, after.recev) == (series.time + 24 * HOUR, 2)
    assert after.rid != series.rid


def test_a_series_is_over_when_its_last_date_is() -> None:
    series = booked("2027-03-02T10:00", "1weekly", 2)
    hours = OpeningHours(0, 23 * HOUR)
    last = series.time + 14 * 24 * HOUR
    assert series.last_start() == last
    at_last = series.at(last + 23 * HOUR - 1, hours)
    assert at_last is not None
    assert at_last.recev == 0
    assert series.at(last + 23 * HOUR, hours) is None
    assert at_last.skipped() is None


def test_two_dates_that_a_zone_makes_one_open_one_door() -> None:
    # Samoa had no 30 December 2011: read by its old offset, that day's start is the next day's.
    series = booked("2011-12-28T10:00", "1daily", 4, "Pacific/Apia")
    occurrences = list(series.occurrences())
    assert [recev for _, recev in occurrences] == [4, 3, 2, 0]
    hours = OpeningHours(0, HOUR)
    current = series
    for start, recev in occurrences:
        moved = current.at(start, hours)
        assert moved is not None
        current = moved
        assert (current.time, current.recev) == (start, recev)


def test_only_a_moved_start_changes_the_room() -> None:
    conference = booked("2027-03-02T10:00")
    series = Appointment(datetime(2027, 3, 2, 10), "Europe/Berlin", "1weekly", 4)
    assert conference.changed(series).rid == conference.rid
    assert conference.changed(series).anchor == "2027-03-02T10:00"
    later = Appointment(datetime(2027, 3, 2, 11), "Europe/Berlin", "", 0)
    assert conference.changed(later).rid != conference.rid
    unchanged = Appointment(datetime(2027, 3, 2, 9), "UTC", "", 0)
    assert conference.changed(unchanged) is conference


@pytest.mark.parametrize(
    ("code", "first", "current", "dates_after"),
    [
        ("1monthly", "2027-01-31T10:00", "2027-02-28", ["2027-03-31", "2027-04-30"]),
        ("1monthlyday", "2027-01-29T10:00", "2027-02-26", ["2027-03-26", "2027-04-30"]),
        ("1weekly", "2027-01-26T10:00", "2027-02-23", ["2027-03-02", "2027-03-09"]),
    ],
)
@pytest.mark.parametrize(("time", "zone"), [("11:30", "Europe/Berlin"), ("10:00", "Europe/Athens")])
def test_who_changes_only_the_hour_keeps_the_days(
    code: str, first: str, current: str, dates_after: list[str], time: str, zone: str
) -> None:
    series = booked(first, code, 30)
    now = recurrence.to_instant(datetime.fromisoformat(current), BERLIN)
    moved = series.at(now, OpeningHours(0, HOUR))
    assert moved is not None
    start = datetime.fromisoformat(f"{current}T{time}")
    changed = moved.changed(Appointment(start, zone, code, 5))
    found = [
        recurrence.to_local(instant, ZoneInfo(zone)).isoformat(timespec="minutes")
        for instant, _ in islice(changed.occurrences(), 3)
    ]
    assert found == [f"{day}T{time}" for day in (current, *dates_after)]


def test_who_changes_the_day_begins_a_new_series() -> None:
    series = booked("2027-01-31T10:00", "1monthly", 30)
    changed = series.changed(Appointment(datetime(2027, 2, 27, 10), "Europe/Berlin", "1monthly", 5))
    assert changed.anchor == "2027-02-27T10:00"


@pytest.mark.parametrize("shift", [-HOUR, HOUR])
def test_a_zone_that_gets_other_rules_moves_the_doors_of_a_series_with_it(shift: int) -> None:
    now_right = booked("2027-03-02T10:00", "1weekly", 3)
    stored = now_right._replace(time=now_right.time + shift)
    for moment in (-2 * HOUR, -1, 0, HOUR):
        current = stored.at(now_right.time + moment, OpeningHours(0, 23 * HOUR))
        assert current == now_right
