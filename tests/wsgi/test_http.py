"""HTTP: methods, headers, languages, mount points, previews and caches."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote
from wsgiref.util import setup_testing_defaults

import pytest

import planado
from tests.conftest import MakeClient
from tests.support.client import Client, query_of, words
from tests.support.clock import DAY, HOUR, MINUTE, Clock
from tests.support.wsgi import call
from wsgi_app import routes
from wsgi_app.commands.serve import silence_waitress
from wsgi_app.domain.conference import Conference
from wsgi_app.storage.sqlite import SqliteDatabase


def addresses(client: Client) -> dict[str, str]:
    """Return a working address for each route that GET serves."""
    booked = client.book()
    values = {"{iid}": booked.iid, "{aid}": booked.aid}
    found = {}
    for route in (*routes.PLAIN, *routes.STORED):
        path = route.pattern
        for name, value in values.items():
            path = path.replace(name, value)
        path = path.replace("/static/{file}", "/static/planado.css")
        path = path.replace("/qr/{file}", f"/qr/{booked.iid}.svg")
        path = path.replace("/cal/{file}", f"/cal/{booked.iid}.ics?time=1")
        path = path.replace(".php", f".php?id={booked.iid}&room={booked.iid}")
        if route.method == "GET":
            found[route.pattern] = path
    return found


def test_head_works_wherever_get_does(client: Client) -> None:
    for pattern, path in addresses(client).items():
        head, get = client.request("HEAD", path), client.get(path)
        assert head.status == get.status < 400, pattern
        assert head.body == b""
        assert head.headers["Content-Length"] == get.headers["Content-Length"]


def test_other_methods_get_405_with_allow(client: Client) -> None:
    for pattern, path in addresses(client).items():
        answer = client.request("PUT", path)
        assert answer.status == 405, pattern
        assert "GET, HEAD" in answer.headers["Allow"]
    assert client.get("/book").headers["Allow"] == "POST"
    assert client.request("PUT", "/admin/1/2").headers["Allow"] == "GET, HEAD, POST"
    assert client.request("OPTIONS", "/").status == 405


def test_every_answer_has_the_security_headers(client: Client) -> None:
    for path in [*addresses(client).values(), "/nowhere"]:
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"


def test_secret_pages_are_stored_nowhere(client: Client, clock: Clock) -> None:
    booked = client.book()
    assert booked.overview.headers["Cache-Control"] == "no-store"
    for path in (booked.invitation_url, booked.admin_url, booked.calendar_url):
        assert client.get(path).headers["Cache-Control"] == "no-store"
    clock.advance(HOUR)
    assert client.visit(booked.invitation_url).headers["Cache-Control"] == "no-store"
    # The empty form is no secret, and Back shall find it filled in.
    assert "no-store" not in client.get("/").headers["Cache-Control"]


def test_a_static_file_is_kept_for_long(client: Client) -> None:
    url = client.get("/").find("link").get("href", "")
    answer = client.get(url)
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert "max-age=31536000" in answer.headers["Cache-Control"]
    again = client.get(url, If_None_Match=answer.headers["ETag"])
    assert (again.status, again.body) == (304, b"")
    assert again.headers["ETag"] == answer.headers["ETag"]
    for path in ("/static/", "/static/nowhere.css", "/static/%2e%2e", "/static/%2e%2e%2fpage.py"):
        assert client.get(path).status == 404
    for path in ("/planado.ini", "/planado.db", "/wsgi_app/page.py", "/sql/", "/.git/config"):
        assert client.get(path).status == 404


def test_robots_are_kept_out_of_everything_but_the_form(make_client: MakeClient) -> None:
    lines = make_client(mount="/tools/planado").get("/tools/planado/robots.txt").text.splitlines()
    assert lines == ["User-agent: *", "Allow: /tools/planado/$", "Disallow: /tools/planado/"]


def test_all_links_work_below_a_mount_point(make_client: MakeClient, clock: Clock) -> None:
    client = make_client(mount="/tools/planado")
    root = "http://planado.example/tools/planado/"
    booked = client.book()
    pages = [client.get("/tools/planado/"), booked.overview, client.get(booked.admin_url)]
    pages += [client.visit(booked.invitation_url), client.get(f"{root}i")]
    clock.advance(HOUR)
    pages += [client.get(booked.invitation_url), client.visit(booked.invitation_url)]
    for page in pages:
        for attribute in ("href", "src", "action"):
            for element in page.page.iterfind(f".//*[@{attribute}]"):
                address = element.get(attribute, "")
                outside = ("https://", "mailto:", "#", "?")
                assert address.startswith((root, *outside)), address
    assert client.get(f"{root}i?id={booked.iid}").location == booked.invitation_url


def test_links_begin_with_the_configured_address(make_client: MakeClient) -> None:
    client = make_client("[site]\nbase_url = https://meet.example/plan/")
    booked = client.book()
    assert booked.invitation_url == f"https://meet.example/plan/i/{booked.iid}"
    assert booked.admin_url.startswith("https://meet.example/plan/admin/")
    # A proxy may pass the whole path on or take its own part off.
    for url in (booked.calendar_url, booked.calendar_url.replace("/plan/", "/")):
        entry = client.get(url).text.replace("\r\n ", "")
        assert f"URL:{booked.invitation_url}\r\n" in entry
    assert client.get("/plan").heading == client.get("/").heading == "Book a conference"


def test_a_preview_robot_does_not_see_the_room(client: Client, clock: Clock) -> None:
    booked = client.book()
    clock.advance(HOUR)
    for headers in ({}, {"Sec_Fetch_Mode": "no-cors"}, {"Sec_Fetch_Mode": "cors"}):
        answer = client.get(booked.invitation_url, **headers)
        assert answer.status == 200
        assert "meet.jit.si" not in answer.text
        enter = answer.link("/enter")
        assert client.get(enter).link("meet.jit.si/")
    ahead = client.get(
        booked.invitation_url, Sec_Fetch_Mode="navigate", Sec_Purpose="prefetch;prerender"
    )
    assert "meet.jit.si" not in ahead.text


def test_the_door_leads_back_to_the_waiting_screen(client: Client) -> None:
    booked = client.book()
    answer = client.get(f"{booked.invitation_url}/enter")
    assert (answer.status, answer.location) == (302, booked.invitation_url)


@pytest.mark.parametrize(
    ("left", "seconds", "milliseconds"),
    [(HOUR, "29", "29000"), (29, "29", "29000"), (12.25, "13", "12250"), (0.25, "1", "250")],
)
def test_the_waiting_screen_reloads_at_the_opening(
    client: Client, clock: Clock, left: float, seconds: str, milliseconds: str
) -> None:
    booked = client.book()
    clock.advance(HOUR - left)
    answer = client.visit(booked.invitation_url)
    refresh = answer.find("meta[@http-equiv='refresh']").get("content")
    assert refresh == f"{seconds}; url={booked.invitation_url}"
    screen = answer.find("section[@data-reload-in]")
    assert screen.get("data-reload-in") == milliseconds
    assert screen.get("data-opens-in") == str(int(left * 1000))


def test_the_waiting_screen_names_the_start_in_the_instances_zone(
    make_client: MakeClient,
) -> None:
    client = make_client("[site]\ntimezone = Asia/Tokyo")
    time = client.visit(client.book().invitation_url).find("time")
    assert words(time) == "Tuesday, 2 March 2027, 17:00, Asia/Tokyo (UTC+09:00)"
    assert time.get("datetime") == "2027-03-02T08:00:00Z"


def test_the_start_can_be_hidden(make_client: MakeClient) -> None:
    client = make_client("[privacy]\nshow_start = no")
    answer = client.visit(client.book().invitation_url)
    assert answer.page.find(".//time") is None
    assert answer.find("section[@data-reload-in]").get("data-opens-in") == ""


def test_an_invitation_number_that_was_read_out(client: Client) -> None:
    booked = client.book()
    form = client.get("/i").form("/i")
    spaced = f" {booked.iid[:4]} {booked.iid[4:8]}-{booked.iid[8:]} "
    answer = client.submit(form, id=spaced)
    assert (answer.status, answer.location) == (302, booked.invitation_url)
    pasted = client.submit(form, id=f"Join at {booked.invitation_url}.")
    assert (pasted.status, pasted.location) == (302, booked.invitation_url)
    wrong = client.submit(form, id="twelve")
    assert wrong.status == 400
    assert wrong.errors()["id"].startswith("That is not an invitation number")
    assert wrong.form("/i").fields["id"] == "twelve"
    unknown = client.get("/i/1234567890123456")
    assert unknown.status == 404
    assert unknown.form("/i").fields["id"] == "1234567890123456"


@pytest.mark.parametrize("number", ["{}", "http://planado.example/i/{}", "twelve", ""])
def test_a_name_that_came_with_the_number_is_neither_shown_nor_kept(
    client: Client, number: str
) -> None:
    typed = quote(number.format(client.book().iid), safe="")
    plain = f"http://planado.example/i?language=de&id={typed}"
    answer = client.get(f"{plain}%23Secret%20plan")
    assert answer.status == 302
    assert query_of(answer.location) == query_of(plain)
    assert client.get(answer.location).status == client.get(plain).status


def test_unknown_static_files_are_not_remembered(client: Client) -> None:
    for number in range(50):
        assert client.get(f"/static/{number}").status == 404
    assert set(client.application.theme._static_files) == {
        "planado.css",
        "planado.js",
        "planado.svg",
        "waiting.js",
    }


def test_the_form_suggests_no_time_that_a_clock_change_skips(
    make_client: MakeClient, clock: Clock
) -> None:
    clock.now = datetime(2027, 3, 28, 0, 30, tzinfo=UTC).timestamp()
    fields = make_client("[site]\ntimezone = Europe/Berlin").get("/").form("/book").fields
    assert fields["time"] == "03:00"


def test_the_row_is_shown_as_it_is_stored(client: Client, tmp_path: Path) -> None:
    booked = client.book(repeat="2weekly", count="3", name="Nothing of this")
    database = SqliteDatabase(tmp_path / "planado.db", "conferences")
    [row] = database.all("SELECT * FROM {table}")
    database.close()
    for answer in (booked.overview, client.get(booked.admin_url)):
        table = answer.find("table")
        shown = {words(tr[0]): words(tr[1]) for tr in table.iterfind(".//tr")}
        assert shown == dict(zip(Conference._fields, map(str, row), strict=True))
    assert "Wednesday, 14 April 2027, 08:00" in words(booked.overview.find("main"))
    assert b"Nothing of this" not in (tmp_path / "planado.db").read_bytes()


def test_the_texts_to_copy_and_to_mail(client: Client) -> None:
    booked = client.book(name="Ä & 🎉")
    everything = booked.overview.find("textarea[@id='all-text']").text or ""
    for link in (booked.invitation_url, booked.calendar_url, booked.admin_url):
        assert link in everything
    mail = query_of(booked.overview.link("mailto:"))
    assert mail["subject"] == "Ä & 🎉"
    assert booked.invitation_url in mail["body"]
    assert booked.calendar_url in mail["body"]
    assert booked.aid not in mail["body"]
    invitation = booked.overview.find("textarea[@id='guest-text']").text or ""
    assert booked.aid not in invitation


@pytest.mark.parametrize("name", ["x" * 100, "Ä" * 100, "🎉" * 100, "%" * 100, "&" * 100])
def test_a_mail_link_stays_below_2000_characters(client: Client, name: str) -> None:
    booked = client.book(name=name, repeat="1weekly", count="3")
    link = booked.overview.link("mailto:")
    assert len(link) < 2000
    assert booked.invitation_url in query_of(link)["body"]


def test_google_gets_an_end_that_no_clock_change_moves(client: Client) -> None:
    night = {"date": "2027-10-31", "time": "02:30", "duration": "30"}
    once = query_of(client.book(**night).overview.link("calendar.google.com"))
    assert once["dates"] == "20271031T003000Z/20271031T010000Z"
    series = client.book(**night, repeat="1weekly", count="3")
    google = query_of(series.overview.link("calendar.google.com"))
    assert google["dates"] == "20271031T023000/20271031T030000"


def test_google_gets_the_clock_time_of_a_series_on_a_date_that_a_clock_change_moves(
    client: Client, clock: Clock
) -> None:
    booked = client.book(date="2027-03-21", time="02:30", repeat="1weekly", count="3")
    clock.now = datetime(2027, 3, 25, tzinfo=UTC).timestamp()
    google = query_of(client.get(booked.admin_url).link("calendar.google.com"))
    assert google["dates"] == "20270328T023000/20270328T033000"
    assert google["recur"] == "RRULE:FREQ=WEEKLY;INTERVAL=1;COUNT=3"


def test_web_calendars_are_linked_as_the_operator_wants(make_client: MakeClient) -> None:
    client = make_client()
    once, series = client.book(), client.book(repeat="1monthlyday", count="2")
    google = query_of(series.overview.link("calendar.google.com"))
    assert google["dates"] == "20270302T090000/20270302T100000"
    assert google["ctz"] == "Europe/Berlin"
    assert google["recur"] == "RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY=1TU;COUNT=3"
    outlook = query_of(once.overview.link("outlook.live.com"))
    assert outlook["startdt"] == "2027-03-02T08:00:00Z"
    assert "+" not in once.overview.link("outlook.live.com")
    assert "outlook.live.com" not in series.overview.text
    plain = make_client("[look]\ncalendar_links =").book()
    assert "google" not in plain.overview.text


def test_meet_jit_si_organisers_are_told_to_sign_in(make_client: MakeClient) -> None:
    assert "first person in the room" in make_client().book().overview.text
    own = make_client("[jitsi]\nroom_url = https://jitsi.example/{room}").book()
    assert "first person in the room" not in own.overview.text


def test_without_its_database_planado_says_so(
    make_client: MakeClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client()
    booked = client.book()
    database = SqliteDatabase(tmp_path / "planado.db", "conferences")
    database.run("ALTER TABLE {table} RENAME TO elsewhere")
    database.close()
    for answer in (
        client.visit(booked.invitation_url),
        client.get("http://planado.example/health"),
    ):
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "10"
        assert answer.heading == "Please wait a moment"
        # Who was waiting goes on waiting.
        assert answer.find("div[@data-reload-in]").get("data-reload-in") == "10000"
        assert answer.find("meta[@http-equiv='refresh']").get("content") == f"10; url={answer.url}"
    assert client.submit_booking().status == 503
    assert client.get("/").status == 200
    assert client.get(booked.calendar_url).status == 200
    assert "init-db" not in client.get("/health").text
    assert "tables missing" in caplog.text


def test_health(stored_client: Client) -> None:
    answer = stored_client.get("/health")
    assert (answer.status, answer.text) == (200, "ok\n")


def test_nothing_personal_is_logged(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture, tmp_path: Path, clock: Clock
) -> None:
    caplog.set_level(logging.DEBUG)
    client = make_client()
    booked = client.book(name="Secret name")
    clock.advance(2 * MINUTE)
    client.get(booked.admin_url)
    (tmp_path / "look").mkdir()
    broken = make_client("[look]\ndirectory = look")
    (tmp_path / "look/templates").mkdir()
    (tmp_path / "look/templates/overview.html").write_text("$nothing_of_the_kind")
    (tmp_path / "look/templates/admin.html").write_text("$nothing_of_the_kind")
    (tmp_path / "look/templates/waiting.html").write_text("$nothing_of_the_kind")
    assert broken.submit_booking(name="Secret name").status == 500
    assert broken.get(booked.admin_url).status == 500
    assert broken.get(booked.invitation_url).status == 500
    assert "POST /book failed: KeyError" in caplog.text
    assert "GET /admin/{iid}/{aid} failed" in caplog.text
    for secret in ("Secret", booked.iid, booked.aid, "127.0.0.1"):
        assert secret not in caplog.text


def test_where_even_the_report_of_an_error_fails_nothing_personal_is_logged(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def starve(*_: object) -> None:
        raise MemoryError("/admin/1234567812345678")

    monkeypatch.setattr("wsgi_app.application._report", starve)
    answer = client.get("/admin/1234567812345678/8765432187654321?name=Nobody")
    assert (answer.status, answer.text) == (500, "This did not work. Please try again later.\n")
    assert answer.headers["Cache-Control"] == "no-store"
    assert [record.getMessage() for record in caplog.records] == [
        "a request failed, and its report: MemoryError"
    ]


def test_waitress_tells_where_it_failed_and_nothing_of_a_visitor(
    caplog: pytest.LogCaptureFixture,
) -> None:
    waitress = logging.getLogger("waitress")
    silence_waitress()
    text = "Nobody's business"
    try:
        raise ValueError(text)
    except ValueError:
        waitress.exception("Exception while serving %s", "/admin/1234567812345678")
    waitress.warning("Unknown Forwarded token: for=192.0.2.1")
    first, second = (record.getMessage() for record in caplog.records)
    assert re.match(r"waitress, test_http\.test_waitress\w+, line \d+: ValueError\n", first)
    assert re.fullmatch(r"waitress, test_http\.test_waitress\w+, line \d+", second)
    for word in ("Nobody", "1234567812345678", "192.0.2.1"):
        assert word not in caplog.text


def test_a_configuration_that_is_wrong_is_told_without_the_visitor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "planado.ini").write_text("[site]\ntitel = x\n")
    monkeypatch.setenv("PLANADO_CONFIG", str(tmp_path / "planado.ini"))
    environ = {"PATH_INFO": "/admin/1234567812345678/8765432187654321"}
    setup_testing_defaults(environ)
    status, _, body = call(planado.application, environ)
    assert (status, body) == (
        "500 Internal Server Error",
        b"This did not work. Please try again later.\n",
    )
    [record] = caplog.records
    assert "[site] has no setting titel" in record.getMessage()


def test_a_visit_cleans_up_after_its_answer_once_a_minute(
    client: Client, clock: Clock, tmp_path: Path
) -> None:
    def rows() -> int:
        database = SqliteDatabase(tmp_path / "planado.db", "conferences")
        try:
            return len(database.all("SELECT iid FROM {table}"))
        finally:
            database.close()

    client.book()
    client.book(date="2027-03-04")
    clock.advance(HOUR + 23 * HOUR - 1)
    client.get("/health")
    assert rows() == 2
    clock.advance(30)
    client.get("/health")
    assert rows() == 2, "not twice within a minute"
    clock.advance(31)
    client.get("/static/planado.css")
    assert rows() == 2, "only where the database is asked anyway"
    client.get("/health")
    assert rows() == 1


def test_with_cron_visits_clean_up_nothing(make_client: MakeClient, clock: Clock) -> None:
    client = make_client("[cleanup]\nwhen = cron")
    client.book()
    clock.advance(10 * DAY)
    client.get("/health")
    database = client.application.database
    assert len(database.all("SELECT iid FROM {table}")) == 1
