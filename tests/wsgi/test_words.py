"""What the pages say of a conference: when, in which state, and under which name."""

from __future__ import annotations

import io

import pytest
import segno

from tests.conftest import MakeClient
from tests.support.client import Client, query_of, words
from tests.support.clock import DAY, HOUR, Clock


def state(client: Client, admin_url: str) -> str:
    return words(client.get(admin_url).find("p[@class='state']"))


def test_the_form_is_answered_in_the_words_of_the_overview(client: Client) -> None:
    fields = client.fields(repeat="2weekly", count="2")
    del fields["name"]
    answer = client.post("/when", fields)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    span, series = answer.text.splitlines()
    assert span == "Tuesday, 2 March 2027, 09:00 to 10:00, Europe/Berlin (UTC+01:00)"
    assert series == "every 2 weeks on Tuesday, 3 dates, the last on Tuesday, 30 March 2027"
    assert series in words(client.book(repeat="2weekly", count="2").overview.find("dl"))
    german = client.post("/when", fields, Accept_Language="de").text
    assert "alle 2 Wochen am Dienstag, 3 Termine, der letzte am Dienstag, 30. März 2027" in german


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"date": "2027-03-01"}, "This day is over."),
        ({"repeat": "1weekly"}, "Please enter how many times the conference is repeated."),
        (
            {"repeat": "weekdays", "count": "2", "date": "2027-03-06"},
            "A series from Monday to Friday cannot start at a weekend.",
        ),
        ({"date": ""}, "Please enter a date as year-month-day, such as 2026-12-31."),
    ],
)
def test_the_form_is_told_what_is_wrong(
    client: Client, changes: dict[str, str], message: str
) -> None:
    answer = client.post("/when", client.fields(**changes))
    assert (answer.status, answer.text) == (400, message)


def test_asking_for_words_stores_nothing(client: Client) -> None:
    client.post("/when", client.fields())
    assert client.application.database.all("SELECT iid FROM {table}") == []


def test_a_colon_stands_as_the_language_wants_it(client: Client) -> None:
    fields = {**client.fields(), "name": ""}
    wrong = client.post("/book", fields, Accept_Language="fr")
    assert "".join(wrong.find("a[@href='#name']").itertext()).startswith("Nom\u00a0: ")
    booked = client.post("/book", client.fields(), Accept_Language="fr")
    text = booked.find("textarea[@id='all-text']").text or ""
    assert text.count("\u00a0:\n") == 2
    english = client.post("/book", fields)
    assert words(english.find("a[@href='#name']")).startswith("Name: ")


def test_the_admin_page_says_how_things_stand(client: Client, clock: Clock) -> None:
    once = client.book().admin_url
    series = client.book(repeat="1daily", count="2").admin_url
    outside = "Guests wait outside until Tuesday, 2 March 2027, 09:00. You can enter now."
    assert state(client, once) == outside
    assert state(client, series) == f"{outside} 2 more dates follow."
    clock.advance(HOUR)
    opened = "The room has been open since Tuesday, 2 March 2027, 09:00."
    assert state(client, once) == opened
    assert state(client, series) == f"{opened} 2 more dates follow."
    clock.advance(DAY)
    assert state(client, series).endswith(
        "open since Wednesday, 3 March 2027, 09:00. One more date follows."
    )
    clock.advance(DAY)
    assert state(client, series).endswith("This is the last date of the series.")


def test_guests_enter_early_where_the_doors_open_early(make_client: MakeClient) -> None:
    client = make_client("[booking]\nopen_before = 15 min")
    assert "until Tuesday, 2 March 2027, 08:45." in state(client, client.book().admin_url)


def test_every_text_that_is_sent_around_has_the_name_in_its_link(client: Client) -> None:
    booked = client.book(name="Ä & b")
    named = f"{booked.invitation_url}#%C3%84%20%26%20b"
    for page in (booked.overview, client.get(booked.admin_url)):
        assert f"{named}\n" in (page.find("textarea[@id='guest-text']").text or "")
        assert named in query_of(page.link("mailto:"))["body"]
        assert page.find("button[@data-share]").get("data-share") == named
        # Without script the link itself stays short enough to be read out.
        link = page.find("p[@class='link']/a")
        assert (link.get("href"), words(link)) == (booked.invitation_url,) * 2
        assert link.get("data-fragment") == "%C3%84%20%26%20b"
    entry = client.get(booked.calendar_url).text.replace("\r\n ", "")
    assert f"URL:{booked.invitation_url}\r\n" in entry
    for calendar in ("calendar.google.com", "outlook.live.com"):
        assert "#" not in query_of(booked.overview.link(calendar))["location"]


def test_the_qr_code_is_the_one_of_the_invitation(client: Client) -> None:
    booked = client.book()
    picture = booked.overview.find("div[@class='qr']/img")
    assert picture.get("alt") == "QR code of the invitation link"
    answer = client.get(picture.get("src", ""))
    assert answer.headers["Content-Type"] == "image/svg+xml"
    drawn = io.BytesIO()
    code = segno.make_qr(booked.invitation_url, error="m")
    code.save(drawn, "svg", omitsize=True, svgclass=None, lineclass=None, light="#fff")
    assert answer.body == drawn.getvalue(), "black on white, in the dark too"
    for file in ("1.png", "x.svg", f"{booked.iid}", f"{booked.iid}.svg.svg"):
        assert client.get(f"/qr/{file}").status == 404


def test_a_redirect_into_the_room_ends_the_fragment(make_client: MakeClient, clock: Clock) -> None:
    rooms = "[privacy]\npage = no\n[jitsi]\nroom_url = https://meet.example/{room}"
    client = make_client(rooms)
    booked = client.book()
    clock.advance(HOUR)
    assert client.visit(booked.invitation_url).location.endswith("#")
    own = make_client(f"{rooms}#config.prejoinPageEnabled=false")
    assert own.visit(booked.invitation_url).location.endswith("#config.prejoinPageEnabled=false")
    passing = make_client(f"{rooms}\npass_name = yes")
    door = passing.visit(booked.invitation_url)
    assert door.heading == "The conference is open"
    assert door.find("a[@data-follow]").get("data-pass-name") is not None
    assert "#" not in passing.get(door.link("/enter")).location


def test_only_an_operator_hands_names_to_rooms(make_client: MakeClient, clock: Clock) -> None:
    quiet, passing = make_client(), make_client("[jitsi]\npass_name = yes")
    booked = quiet.book()
    clock.advance(HOUR)
    assert "data-pass-name" not in quiet.visit(booked.invitation_url).text
    link = passing.visit(booked.invitation_url).find("a[@class='button']")
    assert link.get("data-pass-name") is not None


def test_a_series_is_announced_in_the_zone_it_was_booked_in(client: Client) -> None:
    time = client.visit(client.book(repeat="1weekly", count="1").invitation_url).find("time")
    assert words(time) == "Tuesday, 2 March 2027, 09:00, Europe/Berlin (UTC+01:00)"
    assert time.get("data-booked") == "Europe/Berlin"
    once = client.visit(client.book().invitation_url).find("time")
    assert once.get("data-booked") == "", "no row of a one-off has one"


def test_a_zone_is_listed_once_and_any_can_be_booked(client: Client) -> None:
    zones = [words(option) for option in client.get("/").page.iterfind(".//select/option")]
    assert {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Kolkata"} <= set(zones)
    assert "Asia/Calcutta" not in zones
    assert len(zones) == len(set(zones))
    booked = client.submit_booking(timezone="Asia/Calcutta", date="2027-03-03")
    assert "Asia/Calcutta (UTC+05:30)" in words(booked.find("dl"))


def test_script_may_ask_nobody_but_this_server(client: Client) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "connect-src 'self';" in policy
    assert (
        client.post("/when", {}, Origin="https://elsewhere.example").headers.get(
            "Access-Control-Allow-Origin"
        )
        is None
    )
