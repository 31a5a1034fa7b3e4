"""The language that a visitor chooses at the foot of a page, and how far it travels."""

from __future__ import annotations

from urllib.parse import urljoin

import pytest

from tests.conftest import MakeClient
from tests.support.client import Answer, Client, query_of, words
from tests.support.clock import HOUR, Clock

GERMAN = "?language=de"


def languages(answer: Answer) -> dict[str, str]:
    """Return the links at the foot of a page, by what they say."""
    links = answer.page.iterfind(".//ul[@class='languages']/li/a")
    return {words(link): link.get("href", "") for link in links}


def language_of(answer: Answer) -> str:
    language = answer.page.get("lang", "")
    assert answer.headers["Content-Language"] == language
    assert answer.headers["Vary"] == "Accept-Language"
    return language


def own_addresses(answer: Answer) -> list[str]:
    """Return where a page leads within Planado, but for what it shows to be sent around."""
    found = []
    copied = list(answer.page.iterfind(".//template//a"))
    for attribute in ("href", "action", "data-when"):
        for element in answer.page.iterfind(f".//body//*[@{attribute}]"):
            address = element.get(attribute, "")
            shown = words(element) == address or element in copied
            sent_around = "/cal/" in address or shown
            foreign = not address.startswith("http://planado.example")
            if not (sent_around or foreign or element.get("lang")):
                found.append(address)
    return found


def test_every_page_offers_the_languages_each_named_in_itself(client: Client) -> None:
    page = client.get("/")
    assert list(languages(page)) == sorted(languages(page), key=str.casefold)
    for name, code in {"Deutsch": "de", "English": "en"}.items():
        link = page.find(f"a[@lang='{code}']")
        assert (words(link), link.get("lang")) == (name, code)
        assert (link.get("aria-current") == "true") == (code == "en")
        assert language_of(client.get(link.get("href", ""))) == code


def test_a_chosen_language_goes_before_the_browsers(client: Client) -> None:
    client.headers["Accept-Language"] = "de"
    assert language_of(client.get("/?language=en")) == "en"
    assert language_of(client.get("/nowhere?language=en")) == "en"


@pytest.mark.parametrize(
    "unknown", ["xx", "", "DE", "../de", "%00", "de%20", "en_", "%F0%9F%8E%89"]
)
def test_an_unknown_language_is_as_good_as_none(client: Client, unknown: str) -> None:
    client.headers["Accept-Language"] = "de"
    page = client.get(f"/?language={unknown}")
    assert language_of(page) == "de"
    assert not [address for address in own_addresses(page) if "language" in address]


def test_the_choice_stays_on_every_way_within_planado(client: Client, clock: Clock) -> None:
    booked = client.book(repeat="1weekly", count="2")
    invitation, admin = booked.invitation_url, booked.admin_url
    pages = [
        client.get(f"/{GERMAN}"),
        client.post(f"/book{GERMAN}", {}),
        client.post(f"/book{GERMAN}", client.fields()),
        client.get(f"/i{GERMAN}"),
        client.get(f"/i/1{GERMAN}"),
        client.get(f"/nowhere{GERMAN}"),
        client.visit(f"{invitation}{GERMAN}"),
        client.get(f"{admin}&language=de"),
        client.post(f"{booked.admin_path}{GERMAN}", {}),
    ]
    clock.advance(HOUR)
    pages += [
        client.get(f"{invitation}{GERMAN}"),
        client.visit(f"{invitation}{GERMAN}"),
        client.post(f"/room{GERMAN}"),
        client.post(f"{booked.admin_path}/cancel{GERMAN}"),
    ]
    for page in pages:
        assert language_of(page) == "de", page.url
        for address in own_addresses(page):
            # The query of a form that is sent by GET is what its fields say.
            carried = query_of(address) or page.form("/i").fields
            assert carried["language"] == "de", (page.url, address)
    refresh = pages[6].find("meta[@http-equiv='refresh']").get("content", "")
    assert refresh == f"29; url={invitation}{GERMAN}"


def test_redirects_between_our_pages_keep_the_choice(client: Client) -> None:
    booked = client.book(repeat="1weekly", count="2")
    typed = client.submit(client.get(f"/i{GERMAN}").form("/i"), id=booked.iid)
    assert typed.location == f"{booked.invitation_url}{GERMAN}"
    early = client.get(f"{booked.invitation_url}/enter{GERMAN}")
    assert early.location == f"{booked.invitation_url}{GERMAN}"
    for action, notice in {"renew": "neuen geheimen Raum", "skip": "fällt aus"}.items():
        form = client.get(f"{booked.admin_url}&language=de").form(f"/{action}")
        answer = client.get(client.submit(form).location)
        assert language_of(answer) == "de"
        assert notice in words(answer.find("p[@role='status']"))
    old = client.get(f"/inv.php?id={booked.iid}&language=de")
    assert old.location == f"{booked.invitation_url}{GERMAN}"
    assert client.get(f"/index.php{GERMAN}").location == f"http://planado.example/{GERMAN}"


def test_links_that_are_sent_around_name_no_language(client: Client) -> None:
    overview = client.post(f"/book{GERMAN}", client.fields())
    admin = client.get(overview.link("/admin/") + "&language=de")
    for page in (overview, admin):
        invitation = page.find("p[@class='link']/a").get("href", "")
        sent = [
            invitation,
            page.link("/cal/"),
            *map(page.link, ("mailto:", "calendar.google.com", "outlook.live.com")),
            page.find("button[@data-share]").get("data-share", ""),
            page.find("template[@id='guest-rich']//a").get("href", ""),
            *[text.text or "" for text in page.page.iterfind(".//textarea")],
        ]
        assert not [link for link in sent if "language" in link]
        guest = client.get(invitation, Accept_Language="en")
        assert language_of(guest) == "en", "a guest reads the language of their own browser"
    assert "language" not in overview.link("/admin/")


def test_the_rest_of_an_address_stays_in_another_language(client: Client) -> None:
    admin_url = client.book(name="Ä & b").admin_url
    english = client.get(f"{admin_url}&done=renewed")
    german = client.get(urljoin(english.url, languages(english)["Deutsch"]))
    assert words(german.find("h2")) == "Ä & b"
    assert german.find("p[@role='status']") is not None
    back = languages(german)["English"]
    assert query_of(back) == {**query_of(admin_url), "done": "renewed", "language": "en"}


def test_an_answer_to_a_form_cannot_be_asked_for_again(client: Client) -> None:
    for answer in (client.book().overview, client.post("/book", {}), client.post("/room")):
        assert languages(answer) == {}
    assert languages(client.get("/?%zz")) == {}


def test_the_operator_restricts_what_is_offered(make_client: MakeClient) -> None:
    alone = make_client("[site]\nlanguages = de")
    assert languages(alone.get("/")) == {}
    assert language_of(alone.get("/?language=en")) == "de"
    both = make_client("[site]\nlanguages = en, de")
    assert list(languages(both.get("/"))) == ["Deutsch", "English"]


def test_the_links_work_below_a_mount_point(make_client: MakeClient) -> None:
    client = make_client(mount="/tools/planado")
    page = client.get(f"/tools/planado/i{GERMAN}")
    assert languages(page)["English"] == "?language=en", "this page, wherever it stands"
    assert f"http://planado.example/tools/planado/{GERMAN}" in own_addresses(page)


def test_calendar_entries_and_programs_go_by_accept_language_alone(client: Client) -> None:
    booked = client.book()
    chosen = client.get(f"{booked.calendar_url}&language=de")
    assert chosen.body == client.get(booked.calendar_url).body
    unknown = client.get(f"/api/v1/conferences/1{GERMAN}")
    assert unknown.headers["Content-Language"] == "en"
