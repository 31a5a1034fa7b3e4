"""Calendar entries: what RFC 5545 and the programs that read them want."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest

from tests.conftest import MakeClient
from tests.support.client import Client
from tests.support.clock import DAY, HOUR, Clock
from wsgi_app.application import Application
from wsgi_app.config import Config
from wsgi_app.database import Database, Row


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
    assert event["DTEND"].dt == datetime(2027, 3, 2, 9, tzinfo=UTC)
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
    assert "DTEND;TZID=Europe/Berlin:20270326T110000\r\n" in text
    # The onset is written in the offset before it (RFC 5545 section 3.6.5).
    assert "DTSTART:20260329T020000\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r\n" in text
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


def test_the_entry_of_a_series_that_moved_on_keeps_its_rule(client: Client, clock: Clock) -> None:
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
