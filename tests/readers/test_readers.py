"""Calendar entries as two more readers understand them that we did not write: ical.js, which reads
for Thunderbird, and vobject; both know a time zone only by what the entry says of it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeClient, missing
from tests.support.client import Client
from tests.support.process import ROOT
from wsgi_app.storage import conferences

FOLDER = Path(__file__).parent
PYTHON = ROOT / ".venv-readers/bin/python"

# Every zone whose clocks follow no rule that an entry could say, and some that follow one.
ZONES = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/El_Aaiun",
    "America/Nuuk",
    "America/Santiago",
    "America/Scoresbysund",
    "Asia/Gaza",
    "Asia/Hebron",
    "Asia/Jerusalem",
    "America/New_York",
    "Asia/Kolkata",
    "Atlantic/Azores",
    "Atlantic/Reykjavik",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/London",
]


def icaljs() -> list[str]:
    """Return the command that reads with ical.js."""
    if not shutil.which("node") or not (FOLDER / "node_modules/ical.js").exists():
        missing("ical.js", f"(cd {FOLDER} && npm ci)")
    return ["node", str(FOLDER / "read_icaljs.mjs")]


def vobject() -> list[str]:
    """Return the command that reads with vobject."""
    if not PYTHON.exists():
        missing("vobject", "script/test all")
    return [str(PYTHON), str(FOLDER / "read_vobject.py")]


@pytest.fixture(params=[icaljs, vobject])
def reader(request: pytest.FixtureRequest) -> list[str]:
    command: list[str] = request.param()
    return command


@pytest.fixture
def far_client(make_client: MakeClient) -> Client:
    return make_client("[booking]\nmax_days_ahead = 3650\nmax_count = 1000")


def read(command: list[str], streams: list[str]) -> list[dict[str, Any]]:
    result = subprocess.run(
        command, input=json.dumps(streams), capture_output=True, text=True, check=False
    )
    assert not result.returncode, result.stderr
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def starts(client: Client, iid: int) -> list[int]:
    """Return the instants at which the doors open."""
    application = client.application
    hours, now = application.config.opening_hours, client.clock.now
    conference = conferences.find(application.database, iid, hours, now)
    assert conference
    return [start for start, _ in conference.occurrences()]


@pytest.mark.parametrize("date", ["2027-03-05", "2029-07-02", "2032-01-30"])
@pytest.mark.parametrize(("code", "count"), [("1weekly", 160), ("1monthly", 50), ("9daily", 90)])
def test_every_date_is_read_as_it_was_booked(
    far_client: Client, reader: list[str], date: str, code: str, count: int
) -> None:
    streams, expected = [], []
    for zone in ZONES:
        # At noon no clock is changed: what readers make of that hour is told in docs/faults.md.
        booked = far_client.book(
            date=date, time="12:00", timezone=zone, repeat=code, count=str(count)
        )
        streams.append(far_client.get(booked.calendar_url).text)
        expected.append(starts(far_client, int(booked.iid)))
    for zone, found, instants in zip(ZONES, read(reader, streams), expected, strict=True):
        assert found["starts"] == instants, zone
        assert found["seconds"] == 3600


def test_names_are_read_as_they_were_typed(client: Client, reader: list[str]) -> None:
    names = [r"C:\New plan", r"\\N \n \\\N \, \; x", "a; b, c: \"d\" 'e'", "\\" * 99, "🎉" * 100]
    streams = [client.get(client.book(name=name).calendar_url).text for name in names]
    assert [found["name"] for found in read(reader, streams)] == names


def test_an_end_after_clocks_are_set_back_is_read(client: Client, reader: list[str]) -> None:
    fields = {"date": "2027-10-31", "time": "02:30", "duration": "30"}
    booked = client.book(**fields, repeat="1weekly", count="2")
    [found] = read(reader, [client.get(booked.calendar_url).text])
    assert found["seconds"] == 30 * 60
