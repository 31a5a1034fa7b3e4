"""The server's clock jumps, and times that no clock here shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.faults.conftest import MakeServer
from tests.support.client import Client
from tests.support.process import Server
from tests.support.visitors import FORM, Visitors, admin_in, booking_form, invitation_in

LIBRARIES = "*/faketime/libfaketime.so.1"

Shift = Callable[[str], None]


@pytest.fixture
def shifted(tmp_path: Path, make_server: MakeServer) -> tuple[Server, Shift]:
    """Planado with a clock of its own, and what shifts it while it runs."""
    library = next(Path("/usr/lib").glob(LIBRARIES), None)
    if library is None:
        missing("libfaketime", "apt-get install faketime")
    offset = tmp_path / "offset"

    def shift(text: str) -> None:
        # Replaced at once: it is read at every look at the clock.
        (tmp_path / "next").write_text(f"{text}\n")
        (tmp_path / "next").rename(offset)

    shift("+0")
    server = make_server(
        LD_PRELOAD=str(library),
        FAKETIME_TIMESTAMP_FILE=str(offset),
        FAKETIME_NO_CACHE="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
    )
    return server, shift


def test_it_jumps_back_an_hour_and_forth_again(shifted: tuple[Server, Shift]) -> None:
    server, shift = shifted
    with Visitors(server) as visitors:
        visitors.wait_for("POST", 200, 10)
        shift("-1h")
        visitors.wait_for("POST", 200, 10)
        shift("+0")
        visitors.wait_for("POST", 200, 10)
    visitors.check()


def test_it_jumps_a_year_ahead(shifted: tuple[Server, Shift]) -> None:
    server, shift = shifted
    overview = server.request("POST", "/book", booking_form(), **FORM)[1]
    series = server.request("POST", "/book", booking_form(repeat="1weekly", count="99"), **FORM)[1]
    shift("+1y")
    # As after a year: the one-off is over, the series goes on.
    assert server.request("GET", invitation_in(overview))[0].status == 404
    assert server.request("GET", invitation_in(series))[0].status == 200
    response, page = server.request("POST", "/book", booking_form(), **FORM)
    assert response.status == 400
    assert "date-error" in page
    shift("+0")
    # The clock of a server that is right again: it books, and the series is there to be changed.
    assert server.request("POST", "/book", booking_form(), **FORM)[0].status == 200
    assert server.request("GET", admin_in(series))[0].status == 200
    assert server.request("GET", "/health")[0].status == 200
    assert len(server.printed().splitlines()) == 1


@pytest.mark.parametrize("time", ["23:59:60", "23:60", "24:00"])
def test_a_leap_second_is_refused_at_its_field(client: Client, time: str) -> None:
    answer = client.submit_booking(time=time)
    assert answer.status == 400
    assert set(answer.errors()) == {"time"}


@pytest.mark.parametrize(
    "start", ["2027-06-30T23:59:60Z", "2027-06-30T23:59:60", "2027-07-01T01:59:60+02:00"]
)
def test_a_program_is_told_of_a_leap_second_at_its_field(client: Client, start: str) -> None:
    body = json.dumps({"start": start, "timezone": "UTC", "duration": 60}).encode()
    answer = client.request("POST", "/api/v1/conferences", body, "application/json")
    assert answer.status == 400
    assert [error["field"] for error in json.loads(answer.text)["errors"]] == ["start"]


@pytest.mark.parametrize("time", ["23:59:60", "2016-12-31T23:59:60Z", "1483228799.5"])
def test_a_calendar_link_with_a_leap_second_is_refused(client: Client, time: str) -> None:
    query = f"name=x&time={time}&duration=60&timezone=UTC&repeat=&count=&sequence=1&status="
    assert client.get(f"/cal/{10**15}.ics?{query}").status == 400
