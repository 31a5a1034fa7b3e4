"""The JSON API: its calls, its errors, its promises to programs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.conftest import MakeClient
from tests.support.client import Answer, Client, query_of
from tests.support.clock import DAY, HOUR, Clock
from wsgi_app import routes

CONFERENCES = "/api/v1/conferences"
BOOKING = {"start": "2027-03-02T09:00", "timezone": "Europe/Berlin", "duration": 60}


def call(
    client: Client, method: str, path: str, body: object = None, **headers: str
) -> tuple[Answer, Any]:
    """Return the answer and its JSON."""
    sent = b"" if body is None else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = client.request(method, path, sent, "application/json", names)
    return answer, json.loads(answer.body) if answer.body else None


def book(client: Client, **fields: object) -> Any:
    answer, booked = call(client, "POST", CONFERENCES, {**BOOKING, **fields})
    assert answer.status == 201, answer.text
    return booked


def bearer(booked: Mapping[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {booked['admin_id']}"}


def path_of(booked: Mapping[str, str]) -> str:
    return f"{CONFERENCES}/{booked['invitation_id']}"


def errors_of(described: Any) -> dict[str, str]:
    return {error["field"]: error["message"] for error in described["errors"]}


def test_book(stored_client: Client) -> None:
    answer, booked = call(
        stored_client,
        "POST",
        CONFERENCES,
        {**BOOKING, "name": "Choir", "repeat": "1weekly", "count": 4},
    )
    assert answer.status == 201
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Location"] == f"http://planado.example{path_of(booked)}"
    assert booked["start"] == "2027-03-02T09:00:00+01:00"
    assert (booked["timezone"], booked["duration"]) == ("Europe/Berlin", 60)
    assert (booked["repeat"], booked["count"]) == ("1weekly", 4)
    assert re.fullmatch("[0-9]{16}", booked["invitation_id"])
    assert stored_client.visit(booked["invitation_url"]).heading.endswith("not started yet")
    admin = stored_client.get(booked["admin_url"])
    assert admin.form(f"/{booked['admin_id']}").fields["name"] == "Choir"
    assert "SUMMARY:Choir\r\n" in stored_client.get(booked["calendar_url"]).text


def test_only_three_fields_are_needed(client: Client) -> None:
    booked = book(client)
    assert (booked["repeat"], booked["count"]) == (None, 0)
    assert "name" not in query_of(booked["calendar_url"])


@pytest.mark.parametrize(
    "start",
    [
        "2027-03-02T09:00",
        "2027-03-02T09:00:00",
        "2027-03-02T09:00:00+01:00",
        "2027-03-02t08:00:00.000z",
        "2027-03-02T03:00-05:00",
    ],
)
def test_a_start_may_be_local_or_with_an_offset(client: Client, start: str) -> None:
    assert book(client, start=start)["start"] == "2027-03-02T09:00:00+01:00"


def test_look(stored_client: Client, clock: Clock) -> None:
    booked = book(stored_client)
    answer, shown = call(stored_client, "GET", path_of(booked))
    assert shown == {
        "invitation_id": booked["invitation_id"],
        "state": "waiting",
        "start": "2027-03-02T08:00:00+00:00",
        "room_url": None,
    }
    assert "ETag" not in answer.headers
    answer, admin = call(stored_client, "GET", path_of(booked), **bearer(booked))
    assert admin["room_url"].startswith("https://meet.jit.si/")
    assert (admin["repeat"], admin["count"], admin["timezone"]) == (None, 0, None)
    clock.advance(HOUR)
    _, shown = call(stored_client, "GET", path_of(booked))
    assert (shown["state"], shown["room_url"]) == ("open", admin["room_url"])
    clock.advance(DAY)
    assert call(stored_client, "GET", path_of(booked))[0].status == 404


def test_the_operator_hides_the_start(make_client: MakeClient) -> None:
    client = make_client("[privacy]\nshow_start = no")
    booked = book(client)
    assert call(client, "GET", path_of(booked))[1]["start"] is None
    assert call(client, "GET", path_of(booked), **bearer(booked))[1]["start"]


def test_change(stored_client: Client) -> None:
    booked = book(stored_client, repeat="1weekly", count=4)

    def change(**fields: object) -> Any:
        answer, changed = call(stored_client, "PATCH", path_of(booked), fields, **bearer(booked))
        assert answer.status == 200, answer.text
        return changed

    assert change(count=2)["count"] == 2
    changed = change(start="2027-03-03T10:30")
    assert (changed["start"], changed["count"]) == ("2027-03-03T10:30:00+01:00", 2)
    # The clock time of a series stays where only its zone changes.
    assert change(timezone="Europe/London")["start"] == "2027-03-03T10:30:00+00:00"
    assert change(repeat="1monthlyday", count=7)["repeat"] == "1monthlyday"
    once = change(repeat=None)
    assert (once["repeat"], once["count"], once["timezone"]) == (None, 0, None)
    # Of a conference that takes place once, the instant stays.
    assert change(timezone="Asia/Tokyo")["start"] == "2027-03-03T10:30:00+00:00"
    assert change()["start"] == "2027-03-03T10:30:00+00:00"
    for fields in ({"start": "2027-03-03T11:00"}, {"repeat": "1daily", "count": 1}):
        answer, problem = call(stored_client, "PATCH", path_of(booked), fields, **bearer(booked))
        assert (answer.status, list(errors_of(problem))) == (400, ["timezone"])
    series = change(timezone="Asia/Tokyo", repeat="1daily", count=1)
    assert series["start"] == "2027-03-03T19:30:00+09:00"


def test_cancel(stored_client: Client) -> None:
    booked = book(stored_client)
    answer, nothing = call(stored_client, "DELETE", path_of(booked), **bearer(booked))
    assert (answer.status, nothing) == (204, None)
    assert call(stored_client, "GET", path_of(booked))[0].status == 404
    assert stored_client.get(booked["admin_url"]).status == 404


def test_a_room_at_once(client: Client) -> None:
    _, first = call(client, "POST", "/api/v1/rooms")
    _, second = call(client, "POST", "/api/v1/rooms", {})
    assert first["room_url"] != second["room_url"]
    answer, problem = call(client, "POST", "/api/v1/rooms", {"name": "x"})
    assert (answer.status, list(errors_of(problem))) == (400, ["name"])


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"start": "2027-03-02T09:00:30Z"}, "start"),
        ({"start": "2027-03-02 09:00"}, "start"),
        ({"start": "2016-12-31T23:59:60Z"}, "start"),
        ({"start": "2027-03-02T24:00"}, "start"),
        ({"start": "2027-03-02T24:00:00Z"}, "start"),
        ({"start": "2027-03-02T24:00+01:00"}, "start"),
        ({"start": "2027-03-02T09:00+24:00"}, "start"),
        ({"start": "2027-03-02T09:60Z"}, "start"),
        ({"start": "20270302T0900Z"}, "start"),
        ({"start": "2027-W09-2T09:00Z"}, "start"),
        ({"start": "2027-061T09:00Z"}, "start"),
        ({"start": "2027-02-30T09:00"}, "start"),
        ({"start": "0000-01-01T00:00Z"}, "start"),
        ({"start": "0001-01-01T00:00:00+23:59"}, "start"),
        ({"start": "9999-12-31T23:59:00-23:59"}, "start"),
        ({"start": "2027-03-02T09:00+99:99"}, "start"),
        ({"start": "2027-03-02T06:00"}, "start"),
        ({"start": "2027-03-28T02:30"}, "start"),
        ({"start": "2027-10-31T02:30:00+01:00"}, "start"),
        ({"start": 1803978000}, "start"),
        ({"start": None}, "start"),
        ({"timezone": "Mars/Olympus_Mons"}, "timezone"),
        ({"timezone": 1}, "timezone"),
        ({"duration": "60"}, "duration"),
        ({"duration": 60.0}, "duration"),
        ({"duration": True}, "duration"),
        ({"duration": -(10**400)}, "duration"),
        ({"name": ["x"]}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"repeat": "hourly", "count": 1}, "repeat"),
        ({"repeat": ""}, "repeat"),
        ({"repeat": "1daily"}, "count"),
        ({"repeat": "1daily", "count": 101}, "count"),
        ({"repeat": "80monthly", "count": 100}, "count"),
        ({"count": 3}, "repeat"),
        ({"organiser": "me@example.org"}, "organiser"),
        ({"iid": 1}, "iid"),
    ],
)
def test_a_wrong_field_is_named(client: Client, fields: dict[str, object], wrong: str) -> None:
    answer, problem = call(client, "POST", CONFERENCES, {**BOOKING, **fields})
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (problem["status"], problem["title"], problem["type"]) == (
        400,
        "Bad Request",
        "about:blank",
    )
    assert list(errors_of(problem)) == [wrong]


def test_all_wrong_fields_are_named_in_the_callers_language(client: Client) -> None:
    _, problem = call(client, "POST", CONFERENCES, {"x": 1}, Accept_Language="de")
    errors = errors_of(problem)
    assert set(errors) == {"x", "start", "timezone", "duration"}
    assert errors["timezone"] == "Bitte wähle eine Zeitzone aus der Liste."


def test_a_field_of_a_wrong_type_is_told_so(client: Client) -> None:
    _, problem = call(client, "POST", CONFERENCES, {"start": 1, "timezone": 1, "duration": "x"})
    number, text = "This must be a whole number.", "This must be a text."
    assert errors_of(problem) == {"start": text, "timezone": text, "duration": number}


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"count": "3", "x": 1, "name": "\n", "duration": 0}, ["count", "x", "name", "duration"]),
        ({"name": "\n", "timezone": "x", "start": "x"}, ["start", "name", "timezone"]),
        (
            {"timezone": "x", "start": "2027-02-30T09:00", "name": "\n"},
            ["name", "start", "timezone"],
        ),
        ({"start": "2027-02-30T09:00Z", "name": "\n"}, ["start", "name"]),
        (
            {"start": "2027-03-01T09:00", "duration": 0, "count": 101},
            ["duration", "count", "start"],
        ),
        ({"count": 3, "duration": 0, "name": "\n"}, ["name", "duration", "repeat"]),
        ({"repeat": 1, "count": 3, "duration": 0}, ["repeat", "duration"]),
    ],
)
def test_several_wrong_fields_are_named_in_their_order(
    client: Client, fields: dict[str, object], wrong: list[str]
) -> None:
    _, problem = call(client, "POST", CONFERENCES, {**BOOKING, **fields})
    assert list(errors_of(problem)) == wrong


def test_what_is_of_a_wrong_type_hides_no_other_error_of_a_change(client: Client) -> None:
    booked = book(client, repeat="1weekly", count=4)
    fields = {"timezone": 1, "start": "2027-03-01T09:00", "duration": 60}
    _, problem = call(client, "PATCH", path_of(booked), fields, **bearer(booked))
    assert list(errors_of(problem)) == ["timezone", "duration", "start"]


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"1", b'"x"', b"null", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"\xff", b"[" * 16000],
)
def test_what_is_no_json_object_is_refused(client: Client, body: bytes) -> None:
    answer = client.request("POST", CONFERENCES, body, "application/json")
    assert answer.status == 400
    assert json.loads(answer.body)["detail"].startswith("The body is no JSON object")


def test_problems_of_the_api_are_json(client: Client, make_client: MakeClient) -> None:
    booked = book(client)
    form = "application/x-www-form-urlencoded"
    for status, answer in {
        400: client.get("/api/v1/conferences/%ff"),
        415: client.request("POST", CONFERENCES, b"a=b", form),
        413: client.request("POST", CONFERENCES, b"x" * 16385, "application/json"),
        414: client.get(f"{path_of(booked)}?{'x' * 4097}"),
        404: client.get("/api/v1/nothing"),
        405: client.request("PUT", path_of(booked)),
        401: client.request("DELETE", path_of(booked)),
    }.items():
        assert answer.status == status
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert json.loads(answer.body)["status"] == status
    allow = client.request("PUT", path_of(booked)).headers["Allow"]
    assert allow == "OPTIONS, GET, HEAD, PATCH, DELETE"
    off = make_client("[api]\nenabled = no")
    assert call(off, "POST", CONFERENCES, BOOKING)[0].status == 404


def test_who_is_not_the_organiser(client: Client) -> None:
    booked, other = book(client), book(client)
    for method in ("PATCH", "DELETE"):
        answer, _ = call(client, method, path_of(booked), {})
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    for wrong in ("Basic eDp5", "Bearer", "Bearer x", "Bearer １２３", "Bearer 1 2"):
        answer = client.request("GET", path_of(booked), headers={"Authorization": wrong})
        assert answer.status == 401
        assert wrong.rpartition(" ")[2] not in answer.text or wrong == "Bearer"
    unknown = call(client, "GET", f"{CONFERENCES}/1234567890123456", **bearer(other))
    for method in ("GET", "PATCH", "DELETE"):
        wrong_answer = call(client, method, path_of(booked), {}, **bearer(other))
        assert (wrong_answer[0].status, wrong_answer[1]) == (404, unknown[1])
    assert call(client, "GET", path_of(booked))[0].status == 200


def test_two_programs_do_not_overwrite_each_other(stored_client: Client) -> None:
    client = stored_client
    booked = book(client, repeat="1weekly", count=4)
    tag = call(client, "GET", path_of(booked), **bearer(booked))[0].headers["ETag"]
    first, _ = call(client, "PATCH", path_of(booked), {"count": 5}, If_Match=tag, **bearer(booked))
    assert first.status == 200
    for method in ("PATCH", "DELETE"):
        second, _ = call(
            client, method, path_of(booked), {"count": 6}, If_Match=tag, **bearer(booked)
        )
        assert second.status == 412
    _, shown = call(client, "GET", path_of(booked), **bearer(booked))
    assert shown["count"] == 5
    for tags in ('"x,*,y"', "", ",", f"W/{first.headers['ETag']}"):
        weak, _ = call(client, "PATCH", path_of(booked), {}, If_Match=tags, **bearer(booked))
        assert weak.status == 412
    for tags in (first.headers["ETag"], f'"x", {first.headers["ETag"]}', "*"):
        third, _ = call(client, "PATCH", path_of(booked), {}, If_Match=tags, **bearer(booked))
        assert third.status == 200


def test_the_same_request_books_once(stored_client: Client, clock: Clock) -> None:
    client = stored_client
    body = {**BOOKING, "name": "Secret name", "repeat": "1weekly", "count": 2}
    key = {"Idempotency_Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    first, booked = call(client, "POST", CONFERENCES, body, **key)
    again, same = call(client, "POST", CONFERENCES, dict(reversed(body.items())), **key)
    assert (again.status, same) == (first.status, booked)
    other, _ = call(client, "POST", CONFERENCES, {**body, "duration": 30}, **key)
    assert other.status == 422
    _, without = call(client, "POST", CONFERENCES, body)
    assert without["invitation_id"] != booked["invitation_id"]
    # Also when the start has passed.
    clock.advance(2 * HOUR)
    assert call(client, "POST", CONFERENCES, body, **key)[1] == booked

    database = client.application.database
    [row] = database.all("SELECT * FROM {table}_requests")
    assert "8e03978e" not in str(row)
    assert "Secret" not in str(row)

    call(client, "DELETE", path_of(booked), **bearer(booked))
    assert call(client, "POST", CONFERENCES, body, **key)[0].status == 410
    clock.advance(DAY)
    client.get("/health")
    assert database.all("SELECT * FROM {table}_requests") == []


@pytest.mark.parametrize("key", ["a b", "ä", "x" * 256])
def test_a_key_is_visible_ascii(client: Client, key: str) -> None:
    assert call(client, "POST", CONFERENCES, BOOKING, Idempotency_Key=key)[0].status == 400


def test_a_refused_request_does_not_use_its_key_up(client: Client) -> None:
    wrong = {**BOOKING, "timezone": "x"}
    assert call(client, "POST", CONFERENCES, wrong, Idempotency_Key="k")[0].status == 400
    assert call(client, "POST", CONFERENCES, BOOKING, Idempotency_Key="k")[0].status == 201


def test_calls_from_other_sites(make_client: MakeClient) -> None:
    client = make_client("[api]\nallowed_origins = https://club.example, https://www.club.example")
    asked = {"Origin": "https://club.example", "Access-Control-Request-Method": "POST"}
    preflight = client.request("OPTIONS", CONFERENCES, headers=asked)
    assert preflight.status == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://club.example"
    assert "Idempotency-Key" in preflight.headers["Access-Control-Allow-Headers"]
    assert "DELETE" in preflight.headers["Access-Control-Allow-Methods"]
    answer, _ = call(client, "POST", CONFERENCES, BOOKING, Origin="https://www.club.example")
    assert answer.headers["Access-Control-Allow-Origin"] == "https://www.club.example"
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    assert answer.headers["Vary"] == "Origin"
    problem, _ = call(client, "POST", CONFERENCES, {}, Origin="https://club.example")
    assert problem.headers["Access-Control-Allow-Origin"] == "https://club.example"
    assert problem.headers["Vary"] == "Accept-Language, Origin"
    for origin in ("https://evil.example", "null", "https://club.example.evil.example"):
        answer, _ = call(client, "POST", CONFERENCES, BOOKING, Origin=origin)
        assert "Access-Control-Allow-Origin" not in answer.headers
    page = client.get("/", Origin="https://club.example")
    assert "Access-Control-Allow-Origin" not in page.headers


@pytest.mark.parametrize("depth", [10, 900, 990, 2000, 8000])
def test_json_is_refused_however_deep_it_is(client: Client, depth: int) -> None:
    body = b'{"name":' + b"[" * depth + b"]" * depth + b"}"
    for headers in ({}, {"Idempotency-Key": "a-random-key"}):
        answer = client.request("POST", CONFERENCES, body, "application/json", headers)
        assert answer.status in (400, 413)


def test_where_any_site_may_call_none_is_echoed(make_client: MakeClient) -> None:
    client = make_client("[api]\nallowed_origins = *")
    for origin in ("https://club.example", "null", "https://a\x01b"):
        answer, _ = call(client, "POST", CONFERENCES, BOOKING, Origin=origin)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_without_configured_origins_no_site_may_call(client: Client) -> None:
    answer, _ = call(client, "POST", CONFERENCES, BOOKING, Origin="https://club.example")
    assert not [name for name in answer.headers if name.startswith("Access-Control")]


def test_the_description_has_every_route_and_no_other(client: Client) -> None:
    answer, description = call(client, "GET", "/api/v1/openapi.json")
    assert answer.status == 200
    assert description["openapi"] == "3.1.0"
    assert description["servers"] == [{"url": "http://planado.example"}]
    described = {
        (method.upper(), path)
        for path, item in description["paths"].items()
        for method in item
        if method in ("get", "post", "patch", "delete")
    }
    routed = {
        (route.method, route.pattern)
        for route in (*routes.PLAIN, *routes.STORED)
        if route.pattern.startswith("/api/") and route.method != "OPTIONS"
    }
    assert described == routed
    operations = [
        item[method]
        for item in description["paths"].values()
        for method in item
        if method in ("get", "post", "patch", "delete")
    ]
    for operation in operations:
        for response in operation["responses"].values():
            name = response.get("$ref", "").rpartition("/")[2]
            assert not name or name in description["components"]["responses"]
        # Whatever is asked, a query may be too long for it.
        assert operation["responses"]["414"]["$ref"].endswith("/QueryTooLong")
    unused = json.dumps(description["paths"])
    for name in description["components"]["responses"]:
        assert f"#/components/responses/{name}" in unused, name
