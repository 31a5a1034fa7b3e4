"""What a request costs grows as its length does, whatever stands in whichever of its fields."""

from __future__ import annotations

import gc
import io
import time
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest

from tests.conftest import MakeClient
from tests.support import wsgi
from tests.support.client import Client
from tests.support.clock import Clock
from tests.support.targets import NOW, TARGETS, Target, store
from wsgi_app.application import Application
from wsgi_app.text import messages

UNITS = (
    *(" ", "\t", ",", ";", "-", "/", "=", '"', "'", "1", "0", "a", "é", "\\", "%", "+", "."),
    *("a-", "a,", "*,", ";q=", "; q = 0.1", " a", "1 ", "%20", "%F0", "&a=", "&language=de"),
    *("[", "[[]", "{", '{"a":', '"a":1,', "\\u0041", "\\ud800", '",', 'W/"', "/i/1", "./", "\r\n"),
)
# Bytes, as much as a server or the application passes on at most.
LONGEST = {"path": 30_000, "header": 30_000, "query": 4_000, "form": 16_000, "json": 16_000}
# What no target names: what is not read, or is read of every request in the same way.
OTHERS = (
    *("HTTP_HOST", "HTTP_ACCEPT_LANGUAGE", "HTTP_IF_NONE_MATCH", "HTTP_ORIGIN", "HTTP_COOKIE"),
    *("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO"),
    *("HTTP_TRANSFER_ENCODING", "CONTENT_TYPE", "CONTENT_LENGTH"),
    *("SERVER_NAME", "SCRIPT_NAME", "wsgi.url_scheme"),
)
WITH_OTHERS = ("/", "/book", "/api/v1/conferences")
# Linear is 16 times as long for 16 times as much, quadratic 256 times.
TIMES = 16
MOST = 64

MakeEnviron = Callable[[str], dict[str, Any]]


def in_parameter(target: Target, name: str) -> MakeEnviron:
    harmless = target.parameters[name]
    return lambda text: target.environ({name: f"{harmless}{text}{harmless}"})


def in_environ(target: Target, key: str) -> MakeEnviron:
    def make(text: str) -> dict[str, Any]:
        environ = target.environ({})
        around = environ.get(key, "")
        sent = text.encode("utf-8").decode("latin-1")
        return {**environ, key: f"{around}{sent}{around}"}

    return make


def as_body(target: Target) -> MakeEnviron:
    def make(text: str) -> dict[str, Any]:
        body = text.encode("utf-8")
        return {
            **target.environ({}),
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }

    return make


def fields_of(target: Target) -> Iterator[tuple[str, int, MakeEnviron]]:
    """Yield every field of a request by name, with its most bytes and what writes into it."""
    for name in target.parameters:
        yield name, LONGEST[name.partition(".")[0]], in_parameter(target, name)
    yield "path", LONGEST["path"], in_environ(target, "PATH_INFO")
    yield "query", LONGEST["query"], in_environ(target, "QUERY_STRING")
    for name in OTHERS if target.pattern in WITH_OTHERS else ():
        yield name, LONGEST["header"], in_environ(target, name)
    if target.form or target.json:
        yield "body", LONGEST["form"], as_body(target)


def seconds(application: Application, target: Target, environ: MakeEnviron, text: str) -> float:
    """Return the processor time of a request."""
    asked = environ(text)
    gc.disable()
    begun = time.process_time()
    status, _, _ = wsgi.call(application, asked)
    taken = time.process_time() - begun
    gc.enable()
    # Who is refused has changed nothing.
    if target.method not in ("GET", "OPTIONS") and not status.startswith("4"):
        store(application.database)
    return taken


def is_linear(seconds_of: Callable[[int], float]) -> bool:
    """Say whether the best of three times for much is less than MOST times that for little."""
    little = min(seconds_of(1) for _ in range(3))
    return any(seconds_of(TIMES) < MOST * little for _ in range(3))


@pytest.fixture
def attacked(make_client: MakeClient, clock: Clock) -> Client:
    clock.now = NOW
    client = make_client("[api]\nallowed_origins = https://other.example")
    # What is stored may be lost with the power here, and costs less so.
    client.application.database.run("PRAGMA synchronous = OFF")
    store(client.application.database)
    return client


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: f"{target.method} {target.pattern}")
def test_a_request_costs_no_more_than_its_length(attacked: Client, target: Target) -> None:
    for (name, longest, environ), unit in product(fields_of(target), UNITS):
        text = unit * (longest // (TIMES * len(unit.encode())))

        def seconds_of(times: int, environ: MakeEnviron = environ, text: str = text) -> float:
            return seconds(attacked.application, target, environ, text * times)

        assert is_linear(seconds_of), (name, unit)


@pytest.mark.parametrize("unit", UNITS)
def test_a_range_of_languages_costs_no_more_than_its_length(unit: str) -> None:
    # Behind the limit of the whole header, its pattern keeps no second reading of the same text.
    def seconds_of(times: int) -> float:
        header = f"de{unit * 1000 * times}de"
        begun = time.process_time()
        messages._ranges(header)
        return time.process_time() - begun

    assert is_linear(seconds_of)
