"""Every page in every state, for those who look at all of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

from tests.support.client import Answer, Booked, Client
from tests.support.clock import DAY, HOUR, Clock

# Pages on which script leads on at once, so that they are seen only without it.
WITHOUT_SCRIPT = {"door"}


def every_page(make_client: Callable[[str], Client], clock: Clock) -> dict[str, Answer]:
    """Return every page in every state, by name; the clock stands as before."""
    start = clock.now
    client, quiet = make_client(""), make_client("[privacy]\nshow_start = no")
    pages = {
        **_booking(client),
        **_numbers(client),
        **_waiting(client, clock),
        **_admin(client, clock),
        **_problems(client),
    }
    clock.now = start
    pages["waiting-hidden"] = quiet.visit(quiet.book().invitation_url)
    templates = client.application.config.folder / "broken" / "templates"
    templates.mkdir(parents=True, exist_ok=True)
    (templates / "number.html").write_text("$nothing_of_the_kind", "utf-8")
    broken = make_client("[look]\ndirectory = broken")
    broken.headers |= client.headers
    pages["problem-internal"] = broken.get("/i")
    return pages


def _booking(client: Client) -> dict[str, Answer]:
    series = {"repeat": "1monthlyday", "count": "11"}
    # What a browser of today can send.
    wrong = {"name": "", "date": "2027-01-01", "time": "", "duration": "0", "count": "-1"}
    return {
        "booking": client.get("/"),
        "booking-errors": client.submit_booking(**wrong, timezone="x", repeat="x"),
        "overview": client.book().overview,
        "overview-series": client.book(**series).overview,
        "overview-changed": _change(client, client.book()),
        "entry": client.post("/room"),
    }


def _change(client: Client, booked: Booked) -> Answer:
    return client.submit(client.get(booked.admin_url).form(booked.admin_path), time="10:30")


def _numbers(client: Client) -> dict[str, Answer]:
    return {
        "number": client.get("/i"),
        "number-wrong": client.get("/i?id=twelve"),
        "number-unknown": client.get("/i/1234567890123456"),
    }


def _waiting(client: Client, clock: Clock) -> dict[str, Answer]:
    once, series = client.book(), client.book(repeat="1weekly", count="3")
    pages = {
        "waiting": client.visit(once.invitation_url),
        "waiting-series": client.visit(series.invitation_url),
    }
    clock.advance(HOUR - 50)
    pages["waiting-last-minute"] = client.visit(once.invitation_url)
    clock.advance(50)
    pages["door"] = client.get(once.invitation_url)
    return pages


def _admin(client: Client, clock: Clock) -> dict[str, Answer]:
    tomorrow = (clock.local("Europe/Berlin") + timedelta(days=1)).date().isoformat()
    once = client.book(date=tomorrow)
    series = client.book(date=tomorrow, repeat="2weekly", count="5")
    form = client.get(series.admin_url).form("/skip")
    pages = {
        "admin": client.get(once.admin_url),
        "admin-series": client.get(series.admin_url),
        "admin-errors": client.submit(client.get(once.admin_url).form(once.admin_path), time=""),
        "admin-renewed": client.get(f"{once.admin_url}&done=renewed"),
        "admin-skipped": client.get(client.submit(form).location),
        "admin-moved-on": client.get(client.submit(form).location),
    }
    clock.advance(DAY + HOUR)
    pages["admin-open"] = client.get(once.admin_url)
    pages["cancelled"] = client.submit(client.get(once.admin_url).form("/cancel"))
    return pages


def _problems(client: Client) -> dict[str, Answer]:
    once = client.book(date=client.clock.local("Europe/Berlin", DAY).date().isoformat())
    chunked = {"Transfer-Encoding": "chunked"}
    pages = {
        "bad-request": client.get("/i?%zz"),
        "not-found": client.get("/nowhere"),
        "no-conference": client.get("/admin/1/2"),
        "method": client.get("/book"),
        "last-date": client.post(f"{once.admin_path}/skip"),
        "length-required": client.request(
            "POST", "/book", headers=chunked, environ={"CONTENT_LENGTH": None}
        ),
        "too-large": client.post("/book", {"name": "x" * 20000}),
        "media-type": client.request("POST", "/book", b"x", "text/plain"),
        "calendar": client.get("/cal/1234567890123456.ics?time=x"),
    }
    database = client.application.database
    database.run("ALTER TABLE {table} RENAME TO elsewhere")
    pages["unavailable"] = client.get(urlsplit(once.invitation_url).path)
    database.run("ALTER TABLE elsewhere RENAME TO {table}")
    return {f"problem-{name}": page for name, page in pages.items()}
