"""Calendar entries: what RFC 5545 and the programs that read them want."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dateutil.tz
import icalendar
import pytest
import recurring_ical_events

from tests.conftest import MakeClient
from tests.support.client import Client
from tests.support.clock import DAY, HOUR, Clock
from wsgi_app.application import Application
from wsgi_app.config import Config
from wsgi_app.formats.vtimezone import vtimezone
from wsgi_app.storage.database import Database, Row


def event_of(stream: bytes) -> Any:
    [event] = icalendar.Calendar.from_ical(stream).walk("VEVENT")
    return event


def test_a_single_entry(client: Client) -> None:
    booked = client.book(name="Plans; ideas, \\ and Ümlaute 🎉")
    answer = client.get(booked.calendar_url)
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8; method=PUBLISH"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{booked.iid}.ics"'
    calendar = icalendar.Calendar.from_ical(answer.body)
    assert calendar["METHOD"] == "PUBLISH"
    event = event_of(answer.body)
    assert event["SUMMARY"] == "Plans; ideas, \\ and Ümlaute 🎉"
    assert event["UID"] == f"{booked.iid}@planado"
    assert event["SEQUENCE"] == 0
    assert event["STATUS"] == "CONFIRMED"
    assert event["LOCATION"] == event["URL"] == booked.invitation_url
    assert booked.invitation_url in event["DESCRIPTION"]
    assert event["DTSTART"].dt == datetime(2027, 3, 2, 8, tzinfo=UTC)
    assert event["DURATION"].dt == timedelta(hours=1)
    assert event["DTSTAMP"].dt == datetime(2027, 3, 2, 7, tzinfo=UTC)
    [alarm] = event.walk("VALARM")
    assert (alarm["ACTION"], alarm["TRIGGER"].dt) == ("DISPLAY", timedelta(minutes=-10))
    assert not calendar.walk("VTIMEZONE")
    assert not event.errors


def test_lines_end_and_fold_as_the_standard_wants(client: Client) -> None:
    stream = client.get(client.book(name="Ü🎉" * 50, repeat="1weekly", count="3").calendar_url).body
    assert stream.endswith(b"END:VCALENDAR\r\n")
    assert stream.count(b"\n") == stream.count(b"\r\n")
    assert all(len(line) <= 75 for line in stream.split(b"\r\n"))
    stream.decode("utf-8")


def test_a_series(client: Client) -> None:
    booked = client.book(repeat="weekdays", count="3", date="2027-03-26", time="10:00")
    stream = client.get(booked.calendar_url).body
    text = stream.decode()
    assert "RRULE:FREQ=WEEKLY;COUNT=4;BYDAY=MO,TU,WE,TH,FR\r\n" in text
    assert "DTSTART;TZID=Europe/Berlin:20270326T100000\r\n" in text
    assert "DURATION:PT60M\r\n" in text
    # The onset is written in the offset before it (RFC 5545 section 3.6.5).
    assert "DTSTART:19700329T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n" in text
    assert "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\n" in text
    assert text.count("BEGIN:STANDARD") == text.count("BEGIN:DAYLIGHT") == 1


@pytest.mark.parametrize(
    ("code", "date", "rule"),
    [
        ("2weekly", "2027-03-09", "RRULE:FREQ=WEEKLY;COUNT=4;INTERVAL=2"),
        ("1monthly", "2027-03-31", "RRULE:FREQ=MONTHLY;COUNT=4;INTERVAL=1;BYMONTHDAY=-1"),
        ("1monthly", "2027-03-30", "RRULE:FREQ=MONTHLY;COUNT=4;INTERVAL=1"),
        ("3monthlyday", "2027-03-09", "RRULE:FREQ=MONTHLY;COUNT=4;INTERVAL=3;BYDAY=2TU"),
        ("1monthlyday", "2027-03-31", "RRULE:FREQ=MONTHLY;COUNT=4;INTERVAL=1;BYDAY=-1WE"),
    ],
)
def test_the_rule_in_the_entry(client: Client, code: str, date: str, rule: str) -> None:
    booked = client.book(repeat=code, count="3", date=date)
    assert f"{rule}\r\n" in client.get(booked.calendar_url).text


def test_the_entry_of_an_advanced_series_keeps_its_rule(client: Client, clock: Clock) -> None:
    booked = client.book(date="2027-03-31", repeat="1monthly", count="5")
    clock.advance(31 * DAY)
    text = client.get(client.get(booked.admin_url).link("/cal/")).text
    assert "DTSTART;TZID=Europe/Berlin:20270430T090000\r\n" in text
    assert "RRULE:FREQ=MONTHLY;COUNT=5;INTERVAL=1;BYMONTHDAY=-1\r\n" in text


def test_the_entry_of_a_date_in_a_gap_keeps_the_time_of_the_series(
    client: Client, clock: Clock
) -> None:
    booked = client.book(date="2027-03-21", time="02:30", repeat="1weekly", count="3")
    clock.now = datetime(2027, 3, 25, tzinfo=UTC).timestamp()
    text = client.get(client.get(booked.admin_url).link("/cal/")).text
    assert "DTSTART;TZID=Europe/Berlin:20270328T023000\r\n" in text
    assert "COUNT=3" in text


def test_a_series_that_begins_before_clocks_are_set_back_lasts_as_long_as_booked(
    client: Client,
) -> None:
    booked = client.book(
        date="2027-10-31", time="02:30", duration="30", repeat="1weekly", count="2"
    )
    event = event_of(client.get(booked.calendar_url).body)
    assert event["DURATION"].dt == timedelta(minutes=30)
    # An end in local time, 02:00, would come before the start.
    assert "DTEND" not in event


NAMES = [
    r"C:\New plan",
    r"C:\new plan",
    r"\\N \\n \\\N \, \; \x",
    "a;b,c:d\"e'",
    "\\" * 100,
    "x" + "\\" * 99,
    "ü" * 100,
    "\N{GRINNING FACE}" * 100,
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_stays_as_it_is(client: Client, name: str) -> None:
    stream = client.get(client.book(name=name).calendar_url).body
    assert str(event_of(stream)["SUMMARY"]) == name
    [event] = recurring_ical_events.of(icalendar.Calendar.from_ical(stream)).all()
    assert str(event["SUMMARY"]) == name
    # By the letter of section 3.3.11, without a library.
    [line] = [line for line in unfolded(stream) if line.startswith("SUMMARY:")]
    assert re.sub(r"\\(.)", r"\1", line.removeprefix("SUMMARY:")) == name
    assert all(len(line) <= 75 for line in stream.split(b"\r\n"))


def unfolded(stream: bytes) -> list[str]:
    return stream.decode().replace("\r\n ", "").split("\r\n")


# By a list, by a list and then by rule, by rule.
@pytest.mark.parametrize("zone", ["Asia/Hebron", "Asia/Jerusalem", "America/Nuuk", "Europe/London"])
@pytest.mark.parametrize("date", ["2027-04-01", "2031-12-01", "2036-01-05"])
def test_readers_that_skip_half_of_a_list_know_every_clock_change(
    make_client: MakeClient, zone: str, date: str
) -> None:
    client = make_client("[booking]\nmax_days_ahead = 3650\nmax_count = 1000")
    booked = client.book(date=date, time="12:00", timezone=zone, repeat="1weekly", count="50")
    zone_lines, _ = "\n".join(unfolded(client.get(booked.calendar_url).body)).split("END:VTIMEZONE")
    onsets = []
    for observance in re.findall(r"DTSTART:(.*)\n[^:]*:.*\n.*\n.*\n((?:R.*\n)*)END", zone_lines):
        first, further = observance[0], observance[1].splitlines()
        onsets.append(first)
        if further and further[0].startswith("RDATE"):
            assert further[0] == f"RDATE:{first}"
            assert all(re.fullmatch("RDATE:[0-9]{8}T[0-9]{6}", line) for line in further)
    assert len(onsets) >= 2
    assert min(onsets) < "19710101"


# By rule, and by a list that begins at UTC.
@pytest.mark.parametrize(
    ("zone", "year"),
    [
        ("Europe/London", 2027),
        ("Europe/London", 2040),
        ("Atlantic/Azores", 2027),
        ("Antarctica/Troll", 2027),
        ("Africa/Casablanca", 2017),
    ],
)
def test_no_zone_whose_clocks_change_is_taken_for_utc(zone: str, year: int) -> None:
    lines = vtimezone(ZoneInfo(zone), year, year + 1)
    described = dateutil.tz.tzical(io.StringIO("\n".join(lines))).get(zone)
    assert described
    # Then vobject compares a zone with UTC.
    days = (datetime(2010, 1, 1) + timedelta(days=10 * number) for number in range(37))
    assert any(described.utcoffset(day) for day in days)


def test_the_list_of_clock_changes_lasts_as_long_as_the_series(client: Client) -> None:
    link = "/cal/1234567890123456.ics?time=1812000000&timezone=Asia/Hebron&repeat=1monthly&count="
    last_years = [
        max(re.findall(r"RDATE:([0-9]{4})", client.get(f"{link}{count}").text))
        for count in ("2", "240", "600")
    ]
    # At least so many years that a rule would be told from a list.
    assert last_years == ["2039", "2047", "2077"]


def test_the_number_of_a_change_never_outgrows_what_calendars_read(
    client: Client, clock: Clock
) -> None:
    clock.now = datetime(2150, 1, 1, tzinfo=UTC).timestamp()
    booked = client.book()
    changed = client.submit(client.get(booked.admin_url).form(f"/{booked.aid}"), duration="30")
    cancelled = client.submit(client.get(booked.admin_url).form("/cancel"))
    for page in (changed, cancelled):
        assert event_of(client.get(page.link("/cal/")).body)["SEQUENCE"] == 2**31 - 1
    assert client.get(f"/cal/{booked.iid}.ics?time=0&sequence={2**31}").status == 400


def test_a_cancelling_entry_names_the_same_event(client: Client) -> None:
    booked = client.book(repeat="1weekly", count="2")
    cancelled = client.submit(client.get(booked.admin_url).form("/cancel"))
    event = event_of(client.get(cancelled.link("/cal/")).body)
    assert event["UID"] == f"{booked.iid}@planado"
    assert event["STATUS"] == "CANCELLED"
    assert event["SEQUENCE"] > 0
    assert not event.walk("VALARM")


def test_line_breaks_in_a_link_never_become_lines(client: Client) -> None:
    for name in ("a%0d%0aX-EVIL:1", "a%0aX-EVIL:1", "a%0dX-EVIL:1", "a%e2%80%a8X-EVIL:1"):
        assert client.get(f"/cal/1234567890123456.ics?time=1&name={name}").status == 400


def test_an_entry_needs_no_name(client: Client) -> None:
    answer = client.get("/cal/1234567890123456.ics?time=1800000000")
    assert event_of(answer.body)["SUMMARY"] == "Conference"
    german = client.get("/cal/1234567890123456.ics?time=1800000000", Accept_Language="de")
    assert event_of(german.body)["SUMMARY"] == "Konferenz"


class Unreachable(Database):
    """A database that fails the test of whoever asks it."""

    dialect = "none"
    _begin = ""

    def backup(self, file: Path) -> None:
        raise AssertionError("the database was asked")

    def _connect(self) -> object:
        raise AssertionError("the database was asked")

    def _execute(self, sql: str, values: dict[str, object]) -> tuple[list[Row], int]:
        raise AssertionError("the database was asked")


def test_no_calendar_entry_can_reach_the_database(make_client: MakeClient, clock: Clock) -> None:
    booked = make_client().book(repeat="1weekly", count="5")
    blind = Client(Application(Config(), Unreachable("none"), clock), clock)
    clock.advance(10 * HOUR)
    assert blind.get(booked.calendar_url).status == 200
