"""Pages that are cached for many: each visitor gets their own all the same, and their bytes have
an end.
"""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import pytest

from tests.conftest import MakeClient
from tests.support.client import Answer, Client
from tests.support.clock import HOUR, MINUTE, Clock
from wsgi_app.application import Application
from wsgi_app.text import cache, messages
from wsgi_app.text.cache import CacheKey
from wsgi_app.text.html import Page
from wsgi_app.views import form

HOSTS = ("planado.example", "stranger.example")
BROWSERS = ("de", "fr")
QUERIES = ("", "?language=de", "?language=fr", "?language=xx", "?x=1", "?language=de&x=1")


class Asked(NamedTuple):
    """A request; its answer depends on the rest of it and on nothing that was asked before."""

    method: str
    path: str
    query: str
    host: str
    browser: str


def answer(client: Client, asked: Asked) -> Answer:
    client.host = asked.host
    headers = {"Accept-Language": asked.browser}
    return client.request(asked.method, asked.path + asked.query, headers=headers)


def shown(answer: Answer) -> tuple[int, dict[str, str], str]:
    # A room of its own is another one each time.
    body = re.sub(r"meet\.jit\.si/[0-9]+", "meet.jit.si/", answer.text)
    return answer.status, dict(answer.headers), body


def cached_bytes(client: Client) -> int:
    return client.application.page_cache._bytes


@pytest.fixture
def pages(client: Client, clock: Clock) -> list[tuple[str, str]]:
    """The method and path of every page that is cached, and of some that are not."""
    is_open = [client.book(repeat="1weekly", count=str(count)).iid for count in (1, 2)]
    starts = (("12:00", "Europe/Berlin"), ("11:00", "Europe/London"), ("12:30", "Europe/Berlin"))
    waiting = [
        client.book(time=time, timezone=timezone, repeat="1weekly", count="1").iid
        for time, timezone in starts
    ]
    clock.advance(HOUR)
    return [
        *[("GET", path) for path in ("/", "/i", "/nowhere")],
        *[("GET", f"/i/{iid}") for iid in (*waiting, *is_open)],
        *[("GET", f"/i/{is_open[0]}/enter"), ("POST", "/room")],
    ]


def is_door(client: Client, path: str) -> bool:
    return "data-follow" in client.get(path).text


def everything(pages: list[tuple[str, str]]) -> Iterator[Asked]:
    for (method, path), query, host, browser in product(pages, QUERIES, HOSTS, BROWSERS):
        yield Asked(method, path, query, host, browser)


def test_whoever_asked_before_an_answer_is_the_same(
    client: Client, pages: list[tuple[str, str]]
) -> None:
    application = client.application
    for asked in everything(pages):
        fresh = Application(application.config, application.database, client.clock)
        alone = shown(answer(Client(fresh, client.clock), asked))
        assert shown(answer(client, asked)) == alone, asked


def test_links_of_a_strangers_host_are_shown_to_nobody_else(
    client: Client, pages: list[tuple[str, str]]
) -> None:
    for method, path in pages:
        client.host = "stranger.example"
        assert 'href="http://stranger.example/' in client.request(method, path).text
        client.host = "planado.example"
        assert "stranger" not in client.request(method, path).text


def test_one_title_in_two_languages_is_on_two_pages(client: Client) -> None:
    for language in ("es", "pt"):
        path = f"{client.book().admin_path}/cancel"
        answer = client.post(path, Accept_Language=language)
        assert (answer.heading, answer.page.get("lang")) == ("Cancelada", language)


def test_the_form_suggests_another_hour_later(client: Client, clock: Clock) -> None:
    first = client.get("/").form("/book").fields["time"]
    clock.advance(14 * MINUTE)
    assert client.get("/").form("/book").fields["time"] == first
    clock.advance(46 * MINUTE)
    assert client.get("/").form("/book").fields["time"] > first


def test_an_ordinary_page_is_made_once(
    client: Client, pages: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str, language: str) -> None:
        raise AssertionError(f"{name} made again")

    ordinary = [asked for asked in everything(pages) if asked.query in ("", "?language=de")]
    # The door that a robot sees is made each time.
    made = {"/i", "/nowhere", *[path for _, path in pages if is_door(client, path)]}
    cached = [asked for asked in ordinary if asked.path not in made]
    before = [shown(answer(client, asked)) for asked in cached]
    monkeypatch.setattr(client.application.theme, "template_in", refuse)
    assert [shown(answer(client, asked)) for asked in cached] == before


def test_nothing_is_cached_but_three_pages(client: Client, pages: list[tuple[str, str]]) -> None:
    for asked in everything(pages):
        answer(client, asked)
    names = {key.name.partition(" ")[0] for key in client.application.page_cache._pages}
    assert names == {"form", "waiting", "privacy"}


def test_a_page_with_a_query_of_its_own_is_cached_for_nobody(
    client: Client, pages: list[tuple[str, str]]
) -> None:
    for asked in everything(pages):
        answer(client, asked)
    before = cached_bytes(client)
    for number, (method, path) in product(range(20), pages):
        for query in (f"?x={number}", f"?language=de&x={number}", f"?language=x{number}"):
            answer(client, Asked(method, path, query, *HOSTS[:1], "de"))
    assert cached_bytes(client) == before


def grown(client: Client, numbers: range) -> int:
    """Return how many bytes more there are after as many hosts have asked for pages."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in numbers:
            client.host = f"{number}.{'a' * 200}.example"
            client.get("/")
            client.get("/nowhere")
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return after - before


def test_the_bytes_of_what_is_cached_have_an_end(client: Client) -> None:
    client.get("/")
    before = cached_bytes(client)
    # As many as are surely cached; then more than can be.
    taken = grown(client, range(50))
    assert 0.8 < (cached_bytes(client) - before) / taken < 1.2
    assert grown(client, range(50, 400)) < 1.2 * cache.LARGEST_CACHE
    assert cached_bytes(client) <= cache.LARGEST_CACHE
    # Who comes next is cached as before, in the place of the oldest.
    client.host = "planado.example"
    client.get("/")
    assert "planado.example" in list(client.application.page_cache._pages)[-1].root


def test_two_at_once_count_a_page_once(client: Client) -> None:
    key, page = CacheKey("http://planado.example", "en", "", "page"), Page((b"first",), ())

    def make() -> Page:
        return client.application.page_cache.get(key, lambda: page)

    client.application.page_cache.get(key, make)
    before = cached_bytes(client)
    client.application.page_cache.get(key, make)
    assert cached_bytes(client) == before == cache._bytes_of(key, page)


def test_what_a_visitor_writes_is_not_cached_beside_the_pages(client: Client) -> None:
    def sizes() -> tuple[int, int]:
        return messages._chosen.cache_info().currsize, form._offered_options.cache_info().currsize

    client.post("/book", {"timezone": "Mars"})
    client.get("/", Accept_Language="de," + " " * 500)
    before = sizes()
    for number in range(20):
        assert f"Mars/{number}" in client.post("/book", {"timezone": f"Mars/{number}"}).text
        client.get("/", Accept_Language="de," + " " * 500 + f"{number}")
    assert sizes() == before


def test_languages_beyond_500_characters_are_not_read(client: Client) -> None:
    for accept, language in {
        f"de;q=0.5,{' ' * 489}fr": "fr",
        # Nor is what is left of a range without its weight.
        f"de;q=0.5,{' ' * 489}fr;q=0.1": "de",
        "fr" + " " * 500: "en",
    }.items():
        assert client.get("/", Accept_Language=accept).headers["Content-Language"] == language


def test_a_query_above_4_kib_is_refused(make_client: MakeClient) -> None:
    client = make_client()
    for method, path in (("GET", "/"), ("POST", "/book"), ("GET", "/static/planado.css")):
        assert client.request(method, f"{path}?{'x' * 4096}").status != 414
        refused = client.request(method, f"{path}?{'x' * 4097}", headers={"Accept-Language": "de"})
        assert (refused.status, refused.heading) == (414, "Adresse zu lang")
        assert "xxx" not in refused.text
        assert refused.headers["Cache-Control"] == "no-store"
    # A link to be copied, with a name as long as can be, is far from that.
    assert len(client.book(name="🎉" * 100).admin_url) < 2048


def test_a_host_above_255_bytes_counts_as_none(client: Client) -> None:
    client.host = "a" * 255
    assert client.get("/").form("/book").action == f"http://{client.host}/book"
    client.host = "a" * 256
    assert client.get("/").form("/book").action == "http://127.0.0.1:80/book"
