"""What a stranger may send: a clear 4xx, never a 500, and nothing stored."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote
from wsgiref.util import setup_testing_defaults

import pytest

from tests.conftest import MakeClient
from tests.support import wsgi
from tests.support.client import Answer, Client, words
from tests.support.clock import HOUR, Clock
from wsgi_app.storage.sqlite import SqliteDatabase

FORM = "application/x-www-form-urlencoded"

WRONG_FIELDS = [
    ("name", "", "Please give the conference a name."),
    ("name", "   ", "Please give the conference a name."),
    ("name", "\u200b\u2060", "Please give the conference a name."),
    ("name", "a\u202eb", "A name cannot have line breaks or control characters."),
    ("name", "x" * 101, "A name can have up to 100 characters."),
    ("name", "a\r\nBEGIN:VALARM", "A name cannot have line breaks or control characters."),
    ("name", "a\u2028b", "A name cannot have line breaks or control characters."),
    ("name", "a\x00b", "A name cannot have line breaks or control characters."),
    ("date", "", "Please enter a date as year-month-day, such as 2026-12-31."),
    ("date", "0000-01-01", "Please enter a date as year-month-day, such as 2026-12-31."),
    ("date", "2027-02-30", "Please enter a date as year-month-day, such as 2026-12-31."),
    ("date", "20270308", "Please enter a date as year-month-day, such as 2026-12-31."),
    ("date", "2027-W10-1", "Please enter a date as year-month-day, such as 2026-12-31."),
    ("date", "2027-067", "Please enter a date as year-month-day, such as 2026-12-31."),
    ("date", "２０２７-03-08", "Please enter a date as year-month-day, such as 2026-12-31."),
    ("date", "' OR 1=1 --", "Please enter a date as year-month-day, such as 2026-12-31."),
    ("date", "0001-01-01", "This day is over."),
    ("date", "2027-03-01", "This day is over."),
    ("date", "9999-12-31", "Please choose a date within the next 730 days."),
    ("date", "2029-03-02", "Please choose a date within the next 730 days."),
    ("time", "", "Please enter a time as hours and minutes, such as 09:30."),
    ("time", "24:00", "Please enter a time as hours and minutes, such as 09:30."),
    ("time", "09:60", "Please enter a time as hours and minutes, such as 09:30."),
    ("time", "09:30:00", "Please enter a time as hours and minutes, such as 09:30."),
    ("time", "0930", "Please enter a time as hours and minutes, such as 09:30."),
    ("time", "T09:30", "Please enter a time as hours and minutes, such as 09:30."),
    ("time", "23:59:60", "Please enter a time as hours and minutes, such as 09:30."),
    ("time", "9:30", "Please enter a time as hours and minutes, such as 09:30."),
    ("time", "07:58", "This time is over."),
    ("timezone", "", "Please choose a time zone from the list."),
    ("timezone", "Mars/Olympus_Mons", "Please choose a time zone from the list."),
    ("timezone", "../../etc/passwd", "Please choose a time zone from the list."),
    ("timezone", "Europe", "Please choose a time zone from the list."),
    ("timezone", "localtime", "Please choose a time zone from the list."),
    ("duration", "", "Please enter a duration of 1 to 1440 minutes."),
    ("duration", "0", "Please enter a duration of 1 to 1440 minutes."),
    ("duration", "1441", "Please enter a duration of 1 to 1440 minutes."),
    ("duration", "-5", "Please enter a duration of 1 to 1440 minutes."),
    ("duration", "٦٠", "Please enter a duration of 1 to 1440 minutes."),
    ("repeat", "0daily", "Please choose a rhythm from the list."),
    ("repeat", "100daily", "Please choose a rhythm from the list."),
    ("repeat", "hourly", "Please choose a rhythm from the list."),
    ("repeat", "1daily'; DROP TABLE conferences; --", "Please choose a rhythm from the list."),
    ("count", "101", "Please enter a number of repetitions up to 100."),
    ("count", "-1", "Please enter a number of repetitions up to 100."),
    ("count", "1e2", "Please enter a number of repetitions up to 100."),
    ("count", "9" * 400, "Please enter a number of repetitions up to 100."),
    ("count", "", "Please enter how many times the conference is repeated."),
]


@pytest.fixture
def rows(tmp_path: Path) -> SqliteDatabase:
    return SqliteDatabase(tmp_path / "planado.db", "conferences")


def stored(rows: SqliteDatabase) -> int:
    count = rows.one("SELECT count(*) FROM {table}")
    rows.close()
    assert count
    return int(count[0])


@pytest.mark.parametrize(("field", "value", "message"), WRONG_FIELDS)
def test_a_wrong_field_is_told_beside_it_and_what_was_typed_is_kept(
    client: Client, rows: SqliteDatabase, field: str, value: str, message: str
) -> None:
    fields = {**client.fields(repeat="1weekly", count="3"), field: value}
    answer = client.post("/book", fields)
    assert answer.status == 400
    assert answer.errors() == {field: message}
    if "\x00" not in value and "\r" not in value:
        assert answer.form("/book").fields == fields
    assert stored(rows) == 0


def test_all_wrong_fields_are_told_at_once(client: Client) -> None:
    answer = client.post("/book", {})
    assert answer.status == 400
    assert list(answer.errors()) == ["name", "date", "time", "duration", "timezone"]
    summary = words(answer.find("div[@role='alert']"))
    assert "5 fields need another look" in summary


def test_a_start_that_is_over_is_told_beside_what_else_is_wrong(client: Client) -> None:
    answer = client.submit_booking(time="07:00", name="", count="3")
    assert list(answer.errors()) == ["name", "time"]
    assert "2 fields need another look" in words(answer.find("div[@role='alert']"))
    assert list(client.submit_booking(date="2027-03-01", count="x").errors()) == ["date", "count"]


def test_a_clock_change_skips_this_time(client: Client) -> None:
    answer = client.submit_booking(date="2027-03-28", time="02:30")
    assert list(answer.errors()) == ["time"]
    assert client.submit_booking(date="2027-10-31", time="02:30").status == 200


def test_weekdays_cannot_start_at_a_weekend(client: Client) -> None:
    answer = client.submit_booking(date="2027-03-06", repeat="weekdays", count="3")
    assert list(answer.errors()) == ["repeat"]


def test_a_series_ends_within_ten_years(make_client: MakeClient) -> None:
    client = make_client("[booking]\nmax_count = 1000")
    message = "The last date may lie at most 10 years ahead. Please enter fewer repetitions."
    for repeat, most in [("80monthly", 1), ("12monthly", 9), ("1monthly", 119), ("4weekly", 130)]:
        assert client.submit_booking(repeat=repeat, count=str(most)).status == 200
        answer = client.submit_booking(repeat=repeat, count=str(most + 1))
        assert (answer.status, answer.errors()) == (400, {"count": message})
    assert client.submit_booking(repeat="80monthly", count="100").errors() == {"count": message}


def test_a_series_that_was_allowed_to_go_on_for_longer_may_stay(
    client: Client, rows: SqliteDatabase
) -> None:
    booked = client.book(repeat="1monthlyday", count="100")
    rows.run("UPDATE {table} SET rectype = '80monthly'")
    form = client.get(booked.admin_url).form(f"/{booked.aid}")
    assert client.submit(form, name="Another name").status == 200
    assert client.submit(form, count="99").status == 200
    form = client.get(booked.admin_url).form(f"/{booked.aid}")
    assert client.submit(form, repeat="81monthly").errors().keys() == {"count"}
    rows.close()


def test_a_change_may_keep_a_start_that_is_over_and_more_repetitions_than_are_allowed_now(
    client: Client, make_client: MakeClient, clock: Clock
) -> None:
    booked = client.book(repeat="1daily", count="20")
    stricter = make_client("[booking]\nmax_count = 3")
    clock.advance(2 * HOUR)
    form = stricter.get(booked.admin_url).form(f"/{booked.aid}")
    assert stricter.submit(form, count="21").errors().keys() == {"count"}
    assert stricter.submit(form, repeat="2daily").status == 200
    assert stricter.submit(form, repeat="2daily", time="08:30").errors().keys() == {"time"}


def test_repetitions_need_a_rhythm(client: Client) -> None:
    assert list(client.submit_booking(count="3").errors()) == ["repeat"]


def test_doubled_fields_are_refused(client: Client, rows: SqliteDatabase) -> None:
    body = "&".join(f"{name}={quote(value)}" for name, value in client.fields().items())
    answer = client.request("POST", "/book", f"{body}&time=10:00".encode())
    assert answer.status == 400
    assert answer.errors() == {"time": "This field was sent twice."}
    assert client.get("/i?id=1&id=2").status == 400
    assert client.get("/cal/1234567890123456.ics?time=1&time=2").status == 400
    assert stored(rows) == 0


@pytest.mark.parametrize(
    "body",
    [b"name=%ff", b"name=%zz", b"name=%", b"\xff=1", b"name=%C3", b"&".join([b"a=1"] * 200)],
)
def test_a_broken_form_is_refused(client: Client, body: bytes) -> None:
    answer = client.request("POST", "/book", body)
    assert answer.status == 400
    assert answer.heading == "Not understood"


@pytest.mark.parametrize("query", ["id=%ff", "id=%zz", "id=%C3%28"])
def test_a_broken_query_is_refused(client: Client, query: str) -> None:
    assert client.get(f"/i?{query}").status == 400


def test_a_path_that_does_not_begin_with_a_slash_is_unknown(client: Client) -> None:
    # lighttpd cuts a mount point off in the middle of a segment: planado.ini leaves ".ini".
    environ = {"PATH_INFO": ".ini", "SCRIPT_NAME": "/planado"}
    setup_testing_defaults(environ)
    status, _, _ = wsgi.call(client.application, environ)
    assert status == "404 Not Found"


def test_a_path_that_is_not_utf8_is_refused(client: Client) -> None:
    assert client.get("/i/%ff").status == 400
    assert client.get("/%00").status == 404


@pytest.mark.parametrize(
    "number",
    [
        "0",
        "-1234567890123456",
        "1" * 30,
        "9999999999999999999",
        "１２３４５６７８９０１２３４５６",
        "0 UNION SELECT aid FROM conferences",
        "1' OR '1'='1",
        "1234567890123456.0",
        "<script>alert(1)</script>",
        "%00",
    ],
)
def test_an_identifier_is_digits_or_unknown(client: Client, number: str) -> None:
    booked = client.book()
    path = quote(number, safe="")
    for address in (
        f"/i/{path}",
        f"/i/{path}/enter",
        f"/admin/{path}/{booked.aid}",
        f"/admin/{booked.iid}/{path}",
        f"/admin/{booked.iid}/{path}/enter",
        f"/cal/{path}.ics",
    ):
        answer = client.visit(address)
        assert answer.status == 404, address
        assert "<script>alert" not in answer.text
    assert client.get("/i?id=" + path).status in (302, 400)


def test_a_wrong_admin_number_and_an_unknown_conference_look_the_same(client: Client) -> None:
    booked = client.book()
    unknown = client.get("/admin/1234567890123456/1234567890123456")
    wrong = client.get(f"/admin/{booked.iid}/1234567890123456")
    assert (unknown.status, unknown.body) == (wrong.status, wrong.body)
    assert unknown.status == 404
    for action in ("", "/cancel", "/renew", "/skip"):
        assert client.post(f"/admin/{booked.iid}/1234567890123456{action}").status == 404
    assert client.visit(booked.invitation_url).status == 200


def test_a_crafted_admin_form_touches_no_other_row(client: Client) -> None:
    mine, other = client.book(), client.book()
    form = client.get(mine.admin_url).form(mine.admin_path)
    for value in (other.iid, f"{other.iid} OR 1=1", "1; UPDATE conferences SET time=0"):
        client.post(form.action, {**form.fields, "iid": value, "id": value, "time": "23:00"})
    assert "09:00" in words(client.get(other.admin_url).find("dl"))


def test_markup_in_a_name_is_shown_and_does_nothing(client: Client) -> None:
    name = '"><script>alert(1)</script><img src=x onerror=alert(1)>${t.footer}$name{x}'
    booked = client.book(name=name)
    for answer in (booked.overview, client.get(booked.admin_url)):
        assert words(answer.find("h2")) == name
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text


def test_a_link_in_a_name_stays_a_name(client: Client) -> None:
    booked = client.book(name="javascript:alert(1)")
    for element in booked.overview.page.iterfind(".//a"):
        assert not element.get("href", "").startswith("javascript:")


def answers(client: Client, **environ: object) -> Answer:
    return client.request("POST", "/book", environ=environ)


def test_a_large_body_is_refused_before_it_is_read(client: Client) -> None:
    class Unread(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise AssertionError("read")

    answer = answers(client, CONTENT_LENGTH=str(16 * 1024 + 1), **{"wsgi.input": Unread()})
    assert answer.status == 413
    assert answer.heading == "Too much at once"


def test_a_slow_body_holds_up_nobody_elses(client: Client) -> None:
    begun, others_done = threading.Event(), threading.Event()
    in_time = []

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            begun.set()
            in_time.append(others_done.wait(60))
            return super().read(size)

    body = b"name=Team"
    host = {"CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": FORM}
    with ThreadPoolExecutor() as pool:
        # As it comes from a host that reads it only when it is asked for.
        slow = pool.submit(
            answers, client, REQUEST_METHOD="POST", PATH_INFO="/book",
            **host, **{"wsgi.input": Slow(body)},
        )  # fmt: skip
        assert begun.wait(60)
        assert client.post("/book", {}).status == 400
        others_done.set()
        assert slow.result().status == 400
    assert in_time == [True], "the others had to wait"


def test_a_body_that_the_host_cannot_read_is_a_bad_request_and_logged_nowhere(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(io.BytesIO):
        # gunicorn's exceptions for a broken chunk are of no common kind.
        def read(self, size: int | None = -1) -> bytes:
            raise Exception("Invalid chunk size: b'4242424242424242'")

    for ended in ({"CONTENT_LENGTH": "5"}, {"wsgi.input_terminated": True, "CONTENT_LENGTH": None}):
        answer = answers(client, **ended, **{"wsgi.input": Broken()})
        assert (answer.status, answer.heading) == (400, "Not understood")
    assert not caplog.records


def test_a_request_without_a_method_is_refused(client: Client) -> None:
    environ: dict[str, Any] = {"PATH_INFO": "/", "wsgi.input": io.BytesIO()}
    setup_testing_defaults(environ)
    del environ["REQUEST_METHOD"]
    status, _, _ = wsgi.call(client.application, environ)
    assert status == "405 Method Not Allowed"


def test_a_body_of_16_kib_is_read(client: Client) -> None:
    body = b"name=" + b"x" * (16 * 1024 - 5)
    answer = client.request("POST", "/book", body)
    assert "up to 100 characters" in answer.errors()["name"]


def test_a_chunked_body_is_read_where_the_host_ends_it(client: Client) -> None:
    ended = {"CONTENT_LENGTH": None, "wsgi.input_terminated": True}
    assert answers(client, **ended, **{"wsgi.input": io.BytesIO(b"name=x")}).status == 400
    large = answers(client, **ended, **{"wsgi.input": io.BytesIO(b"x" * 20000)})
    assert large.status == 413
    hidden = answers(client, CONTENT_LENGTH=None, HTTP_TRANSFER_ENCODING="chunked")
    assert hidden.status == 411


def test_a_length_that_is_none_or_a_lie_is_refused(client: Client) -> None:
    for length in ("１", "50"):
        assert answers(client, CONTENT_LENGTH=length).status == 400


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data", None])
def test_only_a_form_is_taken(client: Client, content_type: str | None) -> None:
    answer = client.request("POST", "/book", b"{}", content_type=content_type)
    assert answer.status == 415
    assert answer.heading == "Unknown format"


def test_a_host_header_cannot_write_links_of_its_own(client: Client) -> None:
    for host in ('evil"><script>', "a b", "x/y", ""):
        answer = client.get("/", Host=host)
        assert answer.status == 200
        assert answer.form("/book").action == "http://127.0.0.1:80/book"


@pytest.mark.parametrize(
    ("sent", "scheme"),
    [
        *[(scheme, "http") for scheme in ("javascript", "https, http", 'https"><script>', "")],
        *[(scheme, "https") for scheme in ("https", "HTTPS")],
    ],
)
def test_links_begin_with_http_whatever_a_proxy_passes_on(
    client: Client, sent: str, scheme: str
) -> None:
    environ = {"PATH_INFO": "/index.php", "HTTP_HOST": "planado.example", "SERVER_PORT": "80"}
    setup_testing_defaults(environ)
    environ["wsgi.url_scheme"] = sent
    _, headers, _ = wsgi.call(client.application, environ)
    assert dict(headers)["Location"] == f"{scheme}://planado.example/"


@pytest.mark.parametrize("host", ['evil"><script>', "a b", "x/y", "a" * 256, "", "a, b"])
def test_a_forwarded_host_cannot_write_links_of_its_own(client: Client, host: str) -> None:
    # So waitress passes on the X-Forwarded-Host of a proxy that it trusts.
    forwarded = {"HTTP_HOST": host, "SERVER_NAME": host, "SERVER_PORT": "80"}
    for path in ("/", "/robots.txt", "/api/v1/openapi.json", "/i/1"):
        answer = client.request("GET", path, environ=forwarded)
        assert answer.status in (200, 404)
        assert not host or host not in answer.text
    answer = client.request("GET", "/", environ=forwarded)
    assert answer.form("/book").action == "http://localhost/book"


@pytest.mark.parametrize("host", ["[.]", "[:::]", "[::1]:99999"])
def test_a_host_that_is_no_address_breaks_no_page(client: Client, host: str) -> None:
    for path in ("/", "/robots.txt", "/api/v1/openapi.json"):
        assert client.get(path, Host=host).status == 200


@pytest.mark.parametrize(
    "address",
    [
        "/i?id={}",
        "/inv.php?id={}",
        "/inv.php?id=1234567890123456&admin={}",
        "/admin.php?id={}&admin={}",
        "/cal.php?id={}",
        "/cal.php?id=1234567890123456&time=1&name={}",
        "/out.php?room={}",
        "/{}",
        "//{}",
    ],
)
@pytest.mark.parametrize(
    "elsewhere", ["//evil.example", "https://evil.example/", "\\\\evil.example"]
)
def test_no_address_leads_to_a_site_that_it_names(
    client: Client, address: str, elsewhere: str
) -> None:
    environ = {"PATH_INFO": address.replace("{}", elsewhere).partition("?")[0]}
    answer = client.request(
        "GET", address.replace("{}", quote(elsewhere, safe="")), environ=environ
    )
    location = answer.headers.get("Location", "http://planado.example/")
    assert location.startswith("http://planado.example/")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "time=abc",
        "time=-1",
        "time=99999999999999",
        "time=1&duration=0",
        "time=1&timezone=Mars/X",
        "time=1&repeat=hourly",
        "time=1&repeat=1daily&count=1001",
        "time=1&repeat=1daily&count=20000",
        "time=1&name=a%0d%0aATTACH:x",
        "time=1&name=%00",
        "time=1&sequence=-1",
        "time=1&sequence=99999999999",
        "time=1&status=maybe",
        "time=1&repeat=1daily&count=1&anchor=yesterday",
        "time=1&repeat=1daily&count=1&anchor=2027-13-01T00:00",
        "time=86400&repeat=1daily&count=1&anchor=1970-01-01T24:00",
        "time=1&repeat=1daily&count=1&anchor=0001-01-01T00:00",
        "time=1&repeat=1daily&count=1&anchor=9999-12-31T00:00",
    ],
)
def test_a_broken_calendar_link_is_refused(client: Client, query: str) -> None:
    answer = client.get(f"/cal/1234567890123456.ics?{query}")
    assert answer.status == 400
    assert answer.heading == "Not a calendar entry"


def test_now_is_not_over_yet(client: Client, clock: Clock) -> None:
    clock.advance(30)
    assert client.submit_booking(time="08:00").status == 200
    clock.advance(60)
    assert client.submit_booking(time="08:00").errors() == {"time": "This time is over."}
