"""The main job from end to end, through the forms and links of the pages themselves."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.conftest import MakeClient
from tests.support.client import Client, query_of, words
from tests.support.clock import DAY, HOUR, MINUTE, Clock


def room_of(answer_link: str) -> str:
    return urlsplit(answer_link).path.strip("/")


def test_book_wait_enter(stored_client: Client, clock: Clock) -> None:
    booked = stored_client.book(name="Ärzte & Söhne 🎉")
    assert booked.overview.heading == "Your conference is booked"
    assert "Ärzte & Söhne 🎉" in words(booked.overview.find("main"))

    waiting = stored_client.visit(booked.invitation_url)
    assert waiting.status == 200
    assert waiting.heading == "The conference has not started yet"
    clock.advance(HOUR - 1)
    assert stored_client.visit(booked.invitation_url).heading == waiting.heading

    clock.advance(1)
    entry = stored_client.visit(booked.invitation_url)
    assert entry.status == 200
    assert len(room_of(entry.link("https://meet.jit.si/"))) == 16

    clock.advance(23 * HOUR - 1)
    assert stored_client.visit(booked.invitation_url).status == 200
    clock.advance(1)
    assert stored_client.visit(booked.invitation_url).status == 404


def test_the_organiser_changes_everything(stored_client: Client, clock: Clock) -> None:
    booked = stored_client.book()
    admin = stored_client.get(booked.admin_url)
    form = admin.form(booked.admin_path)
    assert form.fields["name"] == "Team meeting"
    assert form.fields["time"] == "09:00"

    changed = stored_client.submit(
        form,
        name="Board",
        date="2027-03-08",
        time="14:30",
        timezone="America/New_York",
        duration="45",
        repeat="2weekly",
        count="3",
    )
    assert changed.status == 200
    assert changed.heading == "Your conference has been changed"
    assert changed.link("/i/") == booked.invitation_url
    facts = words(changed.find("dl"))
    assert "Monday, 8 March 2027, 14:30 to 15:15" in facts
    assert "America/New_York" in facts
    assert "every 2 weeks on Monday, 4 dates" in facts

    again = stored_client.get(changed.link("/admin/")).form(booked.admin_path).fields
    assert again["name"] == "Board"
    assert (again["date"], again["time"]) == ("2027-03-08", "14:30")
    assert (again["timezone"], again["duration"]) == ("America/New_York", "45")
    assert (again["repeat"], again["count"]) == ("2weekly", "3")


def test_a_change_of_name_and_duration_alone_keeps_the_room(client: Client) -> None:
    booked = client.book(repeat="1weekly", count="2")
    room = client.get(f"{booked.admin_path}/enter").link("meet.jit.si/")
    form = client.get(booked.admin_url).form(booked.admin_path)
    client.submit(form, name="Other", duration="30", count="5")
    assert client.get(f"{booked.admin_path}/enter").link("meet.jit.si/") == room


def test_an_advanced_series_can_be_changed_without_losing_its_rule(
    client: Client, clock: Clock
) -> None:
    booked = client.book(date="2027-03-31", repeat="1monthly", count="5")
    clock.advance(31 * DAY)  # April's date, the 30th, is next
    form = client.get(booked.admin_url).form(booked.admin_path)
    assert (form.fields["date"], form.fields["count"]) == ("2027-04-30", "4")
    overview = client.submit(form, count="2")
    dates = [words(item) for item in overview.page.iterfind(".//ol/li")]
    assert [date.split(",")[1] for date in dates] == [
        " 30 April 2027",
        " 31 May 2027",
        " 30 June 2027",
    ]


def test_the_organiser_enters_before_the_start(stored_client: Client, clock: Clock) -> None:
    booked = stored_client.book()
    early = stored_client.get(stored_client.get(booked.admin_url).link("/enter"))
    clock.advance(HOUR)
    assert early.link("meet.jit.si/") == stored_client.visit(booked.invitation_url).link(
        "meet.jit.si/"
    )


def test_a_new_secret_room(stored_client: Client) -> None:
    booked = stored_client.book()
    old = stored_client.get(f"{booked.admin_path}/enter").link("meet.jit.si/")
    answer = stored_client.submit(stored_client.get(booked.admin_url).form("/renew"))
    assert answer.status == 303
    page = stored_client.get(answer.location)
    assert "new secret room" in words(page.find("p[@class='notice']"))
    assert words(page.find("h2")) == "Team meeting"
    assert stored_client.get(f"{booked.admin_path}/enter").link("meet.jit.si/") != old


def test_cancel(stored_client: Client, clock: Clock) -> None:
    booked = stored_client.book()
    cancelled = stored_client.submit(stored_client.get(booked.admin_url).form("/cancel"))
    assert cancelled.heading == "Cancelled"
    assert stored_client.visit(booked.invitation_url).status == 404
    assert stored_client.get(booked.admin_url).status == 404
    assert query_of(cancelled.link("/cal/"))["status"] == "cancelled"
    entry = stored_client.get(cancelled.link("/cal/")).text
    assert "STATUS:CANCELLED\r\n" in entry
    assert f"UID:{booked.iid}@planado\r\n" in entry


def test_a_series_advances_with_a_new_room_each_time(stored_client: Client, clock: Clock) -> None:
    booked = stored_client.book(repeat="1daily", count="2")
    rooms = set()
    clock.advance(HOUR)
    for _ in range(3):
        rooms.add(stored_client.visit(booked.invitation_url).link("meet.jit.si/"))
        clock.advance(23 * HOUR)
        assert "meet.jit.si" not in stored_client.visit(booked.invitation_url).text
        clock.advance(HOUR)
    assert len(rooms) == 3
    assert stored_client.visit(booked.invitation_url).status == 404


def test_a_series_leaves_out_its_next_date(stored_client: Client, clock: Clock) -> None:
    booked = stored_client.book(repeat="1weekly", count="2")
    form = stored_client.get(booked.admin_url).form("/skip")
    page = stored_client.get(stored_client.submit(form).location)
    assert "left out" in words(page.find("p[@class='notice']"))
    assert "Tuesday, 9 March 2027, 09:00" in words(page.find("dl"))
    # Pressed twice, it leaves out one date only.
    page = stored_client.get(stored_client.submit(form).location)
    assert "nothing more was left out" in words(page.find("p[@class='notice']"))
    assert "Tuesday, 9 March 2027, 09:00" in words(page.find("dl"))
    stored_client.post(f"{booked.admin_path}/skip")
    assert stored_client.post(f"{booked.admin_path}/skip").status == 409


def test_the_sequence_rises_with_each_change(client: Client, clock: Clock) -> None:
    booked = client.book()
    sequences = [0]
    for time in ("10:00", "11:00"):
        form = client.get(booked.admin_url).form(booked.admin_path)
        overview = client.submit(form, time=time)
        sequences.append(int(query_of(overview.link("/cal/"))["sequence"]))
        clock.advance(1)
    form = client.get(booked.admin_url).form("/cancel")
    sequences.append(int(query_of(client.submit(form).link("/cal/"))["sequence"]))
    assert sequences == sorted(set(sequences))


def test_start_a_room_at_once(client: Client) -> None:
    form = client.get("/").form("/room")
    rooms = {client.submit(form).link("meet.jit.si/") for _ in range(3)}
    assert len(rooms) == 3


def test_without_the_privacy_page_entry_is_a_redirect(
    make_client: MakeClient, clock: Clock
) -> None:
    client = make_client("[privacy]\npage = no\n[jitsi]\nroom_url = https://meet.example/x-{room}")
    booked = client.book()
    clock.advance(HOUR)
    answer = client.visit(booked.invitation_url)
    assert answer.status == 302
    assert answer.location.startswith("https://meet.example/x-")
    answer = client.post("/room")
    assert answer.status == 303
    assert answer.location.startswith("https://meet.example/x-")


def test_the_doors_open_early_where_the_operator_says_so(
    make_client: MakeClient, clock: Clock
) -> None:
    client = make_client("[booking]\nopen_before = 10 min")
    booked = client.book()
    clock.advance(50 * MINUTE - 1)
    assert client.visit(booked.invitation_url).heading == "The conference has not started yet"
    clock.advance(1)
    assert client.visit(booked.invitation_url).heading == "Into the conference"
