"""The same story on every host, at the root of a site and below a mount."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.hosts.hosts import LOGGED_BY_THE_HOST
from tests.hosts.malformed import SECRETS, bad_chunks, is_refused, malformed, send, send_and_leave
from tests.hosts.site import NetworkVisitor, Site
from tests.support.client import Answer, booking_fields
from tests.support.clock import DAY, MINUTE
from wsgi_app.web.request import FORM_TYPE, JSON_TYPE, LARGEST_BODY


def soon(visitor: NetworkVisitor) -> dict[str, str]:
    """Return date and time of a start whose doors are open already."""
    start = visitor.clock.local("Europe/Berlin", 10 * MINUTE)
    return {"date": start.date().isoformat(), "time": f"{start:%H:%M}"}


def call(
    visitor: NetworkVisitor, method: str, path: str, body: Any = None, bearer: str = ""
) -> Answer:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    content = json.dumps(body).encode() if body else b""
    return visitor.request(method, f"/api/v1{path}", content, JSON_TYPE, headers)


def links_of(answer: Answer) -> list[str]:
    """Return every address of ours that a page leads to."""
    return re.findall(r'(?:href|src|action)="(http://127\.0\.0\.1[^"]*)"', answer.text)


def test_guests_wait_until_the_doors_open(visitor: NetworkVisitor) -> None:
    booked = visitor.book(name="Ärzte & Söhne")
    assert "Ärzte &amp; Söhne" in booked.overview.text
    waiting = visitor.visit(booked.invitation_url)
    assert (waiting.status, waiting.heading) == (200, "The conference has not started yet")
    early = visitor.visit(f"{booked.invitation_url}/enter")
    assert (early.status, early.location) == (302, booked.invitation_url)


def test_guests_enter_when_the_doors_are_open(visitor: NetworkVisitor) -> None:
    entry = visitor.visit(visitor.book(**soon(visitor)).invitation_url)
    assert entry.status == 200
    assert re.fullmatch("https://meet.example/[0-9]{16}", entry.link("https://meet.example/"))


def test_a_room_is_to_be_had_at_once(visitor: NetworkVisitor) -> None:
    entry = visitor.post("/room")
    assert entry.status == 200
    assert entry.link("https://meet.example/")


def test_the_organiser_changes_and_cancels(visitor: NetworkVisitor) -> None:
    booked = visitor.book()
    admin = visitor.get(booked.admin_url)
    tomorrow = visitor.clock.local("Europe/Berlin", DAY).date().isoformat()
    changed = visitor.submit(admin.form(f"/{booked.aid}"), date=tomorrow, name="Board")
    assert changed.heading == "Your conference has been changed"
    assert changed.link("/i/") == booked.invitation_url
    form = visitor.get(changed.link("/admin/")).form(f"/{booked.aid}")
    assert (form.fields["name"], form.fields["date"]) == ("Board", tomorrow)

    cancelled = visitor.submit(admin.form("/cancel"))
    assert cancelled.status == 200
    assert visitor.visit(booked.invitation_url).status == 404
    assert visitor.get(booked.admin_url).status == 404


def test_the_calendar_entry_names_the_invitation(visitor: NetworkVisitor) -> None:
    booked = visitor.book()
    entry = visitor.get(booked.calendar_url)
    assert entry.status == 200
    assert entry.headers["Content-Type"] == "text/calendar; charset=utf-8; method=PUBLISH"
    assert booked.invitation_url in entry.text.replace("\r\n ", "")


def test_links_lead_below_the_mount(site: Site, visitor: NetworkVisitor) -> None:
    booked = visitor.book()
    for page in (visitor.get("/"), booked.overview, visitor.get(booked.admin_url)):
        links = links_of(page)
        assert len(links) > 2
        for link in links:
            assert link.startswith(f"{site.root}/"), link
    assert visitor.visit(f"/i?id={booked.iid}").location == booked.invitation_url
    assert visitor.visit(f"/inv.php?id={booked.iid}").location == booked.invitation_url
    assert f"Disallow: {site.mount}/\n" in visitor.get("/robots.txt").text


def test_a_program_books_looks_changes_and_cancels(site: Site, visitor: NetworkVisitor) -> None:
    start = visitor.clock.local("UTC", DAY)
    times = {"start": f"{start:%Y-%m-%dT%H:%M}", "timezone": "UTC", "duration": 30}
    answer = call(visitor, "POST", "/conferences", times)
    assert answer.status == 201, answer.text
    booked = json.loads(answer.text)
    path = f"/conferences/{booked['invitation_id']}"
    assert answer.location == f"{site.root}/api/v1{path}"
    assert booked["invitation_url"].startswith(f"{site.root}/i/")

    assert json.loads(call(visitor, "GET", path).text)["room_url"] is None
    bearer = booked["admin_id"]
    seen = json.loads(call(visitor, "GET", path, bearer=bearer).text)
    assert seen["room_url"].startswith("https://meet.example/")

    later = {"start": f"{start:%Y-%m-%dT23:45}", "timezone": "UTC"}
    assert call(visitor, "PATCH", path, later).status == 401
    changed = call(visitor, "PATCH", path, later, bearer)
    assert changed.status == 200, changed.text
    assert "T23:45" in json.loads(changed.text)["start"]
    assert call(visitor, "DELETE", path, bearer=bearer).status == 204
    assert call(visitor, "GET", path, bearer=bearer).status == 404


def test_static_files_are_served_and_kept(visitor: NetworkVisitor) -> None:
    [style] = [link for link in links_of(visitor.get("/")) if "planado.css" in link]
    answer = visitor.get(style)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/css; charset=utf-8")
    again = visitor.get(style, If_None_Match=answer.headers["Etag"])
    assert (again.status, again.body) == (304, b"")


def test_a_file_is_compressed_once(visitor: NetworkVisitor) -> None:
    [style] = [link for link in links_of(visitor.get("/")) if "planado.css" in link]
    answer = visitor.get(style, Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.body) == visitor.get(style).body
    known = answer.headers["Etag"]
    again = visitor.get(style, Accept_Encoding="gzip", If_None_Match=known)
    assert (again.status, again.body) == (304, b"")


def test_what_is_not_there_is_said_in_our_words(visitor: NetworkVisitor) -> None:
    for path in ("/nowhere", "/i/1000000000000000", "/static/none.css"):
        answer = visitor.visit(path)
        assert answer.status == 404
        assert "<title>" in answer.text
        assert "Planado" in answer.text
    assert visitor.request("PUT", "/book").headers["Allow"] == "POST"


@pytest.mark.parametrize(
    "path",
    [
        "/planado.ini", "/planado.db", "/planado.py", "/planado.cgi.bak", "/passenger_wsgi.py",
        "/vendor/planado.py", "/vendor/wsgi_app/web.py", "/vendor/", "/.htaccess", "/.git/config",
        "/wsgi_app/web.py", "/../planado.ini", "/static/../planado.ini",
        "/static/%2e%2e/planado.ini",
    ],
)  # fmt: skip
def test_nothing_but_the_program_is_served(visitor: NetworkVisitor, path: str) -> None:
    answer = visitor.get(path)
    assert answer.status in (400, 403, 404), answer.text


def test_head_says_what_get_would_without_a_body(visitor: NetworkVisitor) -> None:
    booked = visitor.book()
    for url in ("/", booked.invitation_url, booked.calendar_url):
        answer = visitor.request("HEAD", url)
        assert (answer.status, answer.body) == (200, b"")
        assert answer.headers["Content-Type"] == visitor.get(url).headers["Content-Type"]


def test_a_body_that_is_too_large_is_refused(visitor: NetworkVisitor) -> None:
    answer = visitor.request("POST", "/book", b"x" * (LARGEST_BODY + 1), FORM_TYPE)
    assert answer.status == 413
    assert "Too much at once" in answer.text
    assert visitor.request("POST", "/book", b"x" * LARGEST_BODY, FORM_TYPE).status == 400


def test_a_chunked_body_is_read_or_refused_but_never_taken_for_empty(
    visitor: NetworkVisitor,
) -> None:
    body = urlencode(booking_fields(visitor.clock)).encode()
    answer = visitor.request("POST", "/book", body, chunked=True)
    assert answer.status in (200, 411), answer.text
    if answer.status == 200:
        assert answer.heading == "Your conference is booked"


@pytest.fixture
def at_the_root(site: Site) -> None:
    """What a host reads and logs does not depend on where the program is mounted."""
    if site.mount:
        pytest.skip("tried at the root, which tells the same")


@pytest.mark.usefixtures("at_the_root")
def test_a_bad_chunk_is_refused_and_the_host_goes_on(site: Site, visitor: NetworkVisitor) -> None:
    head = (
        f"POST {site.mount}/book HTTP/1.1\r\nHost: planado.example\r\n"
        f"Content-Type: {FORM_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    for what, body in bad_chunks().items():
        answer = send(site, what, head.encode() + body)
        assert is_refused(what, answer), (what, answer)
        assert b"Your conference is booked" not in answer
    assert visitor.get("/health").status == 200
    assert "Traceback" not in site.logs(), site.logs()
    assert " failed: " not in site.logs()


@pytest.mark.usefixtures("at_the_root")
def test_no_log_knows_who_sent_something_malformed_or_what(
    request: pytest.FixtureRequest, site: Site, visitor: NetworkVisitor
) -> None:
    for what, content in malformed(site.mount).items():
        answer = send(site, what, content)
        assert is_refused(what, answer), (what, answer)
        send_and_leave(site, content)
    assert visitor.get("/health").status == 200
    assert "Traceback" not in site.logs(), site.logs()
    if request.node.callspec.params["site"][0] in LOGGED_BY_THE_HOST:
        (site.folder / "apache.log").write_bytes(b"")
    for secret in SECRETS:
        assert secret not in site.logs()


def test_no_log_knows_a_number(site: Site, visitor: NetworkVisitor) -> None:
    booked = visitor.book(name="Nobody's business")
    visitor.visit(booked.invitation_url)
    visitor.get(booked.admin_url)
    visitor.visit("/i/1000000000000000")
    for secret in (booked.iid, booked.aid, "1000000000000000", "Nobody", "127.0.0.1 - "):
        assert secret not in site.logs()
