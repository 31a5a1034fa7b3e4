"""The links of the PHP original lead where they led, and its holes are closed."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import icalendar
import pytest

from tests.conftest import MakeClient
from tests.support.client import Answer, Client
from tests.support.clock import HOUR, Clock
from wsgi_app.storage.sqlite import SqliteDatabase


def follow(client: Client, url: str) -> Answer:
    """Open a link and go on as browsers do."""
    answer = client.visit(url)
    while answer.status in (301, 302, 303):
        answer = client.visit(answer.location)
    return answer


def test_pages(client: Client, clock: Clock) -> None:
    booked = client.book()
    invitation = f"/inv.php?id={booked.iid}"
    assert follow(client, "/index.php").heading == "Book a conference"
    assert follow(client, invitation).heading == "The conference has not started yet"
    early = follow(client, f"{invitation}&admin={booked.aid}")
    room = early.link("meet.jit.si/")
    assert follow(client, f"/admin.php?id={booked.iid}&admin={booked.aid}").heading == (
        "Your conference"
    )
    clock.advance(HOUR)
    assert follow(client, invitation).link("meet.jit.si/") == room


def test_below_a_mount_point(make_client: MakeClient) -> None:
    client = make_client(mount="/planado")
    booked = client.book()
    answer = client.get(f"/planado/inv.php?id={booked.iid}")
    assert answer.location == booked.invitation_url


def test_out_leads_to_a_room_of_digits_only(client: Client) -> None:
    answer = client.visit("/out.php?room=1234567890123456789")
    assert answer.link("meet.jit.si/") == "https://meet.jit.si/1234567890123456789"
    for room in ("<script>alert(1)</script>", "/../x", "//evil.example", "1;2", ""):
        answer = client.visit(f"/out.php?room={quote(room)}")
        assert answer.status == 404
        assert "<script>alert" not in answer.text


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("rec=4&rtype=1weekly", "RRULE:FREQ=WEEKLY;COUNT=5;INTERVAL=1"),
        ("rec=4&rtype=weekly2", "RRULE:FREQ=WEEKLY;COUNT=5;INTERVAL=2"),
        ("rec=1&rtype=daily", "RRULE:FREQ=DAILY;COUNT=2;INTERVAL=1"),
        ("rec=150&rtype=1daily", "RRULE:FREQ=DAILY;COUNT=151;INTERVAL=1"),
        # An entry of the original had no limit; the dates beyond ours come as the series advances.
        ("rec=5000&rtype=1daily", "RRULE:FREQ=DAILY;COUNT=1001;INTERVAL=1"),
        ("rec=20000&rtype=1daily", "RRULE:FREQ=DAILY;COUNT=1001;INTERVAL=1"),
        ("rec=0&rtype=1weekly", ""),
        ("rec=-1&rtype=1weekly", ""),
        ("rec=&rtype=", ""),
        ("", ""),
    ],
)
def test_calendar_entries_of_old_mails(make_client: MakeClient, query: str, rule: str) -> None:
    client = make_client("[site]\ntimezone = Europe/Berlin")
    name = quote("Chor\r\nX-EVIL:1")
    answer = follow(client, f"/cal.php?name={name}&time=1803974400&id=123456789012345&{query}")
    assert answer.url.split("?")[0].endswith("/cal/123456789012345.ics")
    events: list[Any] = icalendar.Calendar.from_ical(answer.body).walk("VEVENT")
    [event] = events
    assert event["SUMMARY"] == "Chor X-EVIL:1"
    assert event["DTSTART"].dt.timestamp() == 1803974400
    assert (rule in answer.text) if rule else ("RRULE:" not in answer.text.split("VEVENT")[1])
    assert "\r\nX-EVIL" not in answer.text


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/inv.php?id=0%20UNION%20SELECT%20aid%20FROM%20conferences", 400),
        ("/inv.php?id=1&id=2", 404),
        ("/inv.php?id=1234567890123456&admin=x", 404),
        ("/admin.php", 404),
        ("/admin.php?id=1&admin=1%20OR%201=1", 404),
        ("/cal.php?id=x", 404),
        ("/cal.php?id=1&time=x", 400),
        ("/out.php", 404),
    ],
)
def test_broken_links_are_refused(client: Client, url: str, status: int) -> None:
    assert follow(client, url).status == status


def test_an_invitation_without_its_number_asks_for_it(client: Client) -> None:
    assert follow(client, "/inv.php").heading == "Invitation number"


def test_a_series_of_the_original_has_an_entry_however_long_it_is(
    client: Client, tmp_path: Path
) -> None:
    booked = client.book(repeat="1daily", count="100")
    rows = SqliteDatabase(tmp_path / "planado.db", "conferences")
    rows.run("UPDATE {table} SET recev = 5000")
    rows.close()
    entry = client.get(client.get(booked.admin_url).link("/cal/"))
    assert ";COUNT=1001;" in entry.text
