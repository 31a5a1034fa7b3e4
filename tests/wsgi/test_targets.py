"""The list of what may be attacked is complete: every route, and every parameter read there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeClient
from tests.support import wsgi
from tests.support.client import Client
from tests.support.clock import Clock
from tests.support.targets import NOW, TARGETS, WAITING, Target, store
from wsgi_app import routes
from wsgi_app.web.request import Fields

DESCRIPTION = json.loads((Path(routes.__file__).parent / "openapi.json").read_text("utf-8"))
# Of a conference or a room, stored or drawn anew; of a conference in the targets.
NUMBER_OR_NAME = re.compile("[1-9][0-9]{15}|Team")
# What the server makes of a request, rather than a header that a visitor chooses.
FRAMING = {"HTTP_TRANSFER_ENCODING"}


class Environ(dict[str, Any]):
    """An environ that notes which headers are read."""

    def __init__(self, environ: dict[str, Any]) -> None:
        super().__init__(environ)
        self.headers_read: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        if key.startswith("HTTP_"):
            self.headers_read.add(key)
        return super().get(key, default)


@pytest.fixture
def attacked(make_client: MakeClient, clock: Clock) -> Client:
    clock.now = NOW
    client = make_client("[api]\nallowed_origins = https://other.example")
    store(client.application.database)
    return client


@pytest.fixture
def fields_read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of all fields of queries and forms that are read."""
    names: set[str] = set()
    read = Fields.__getitem__

    def noting(fields: Fields, name: str) -> str:
        names.add(name)
        return read(fields, name)

    monkeypatch.setattr(Fields, "__getitem__", noting)
    return names


def call(client: Client, target: Target) -> tuple[int, Environ]:
    environ = Environ(target.environ({}))
    status, _, _ = wsgi.call(client.application, environ)
    return int(status[:3]), environ


def test_every_route_is_a_target() -> None:
    routed = {(route.method, route.pattern) for route in (*routes.PLAIN, *routes.STORED)}
    assert {(target.method, target.pattern) for target in TARGETS} == routed


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: f"{target.method} {target.pattern}")
def test_a_target_names_everything_that_is_read(
    attacked: Client, fields_read: set[str], target: Target
) -> None:
    status, environ = call(attacked, target)
    assert status in (200, 201, 204, 302, 303), status
    assert set(target.path) == set(re.findall(r"\{(\w+)\}", target.pattern))
    if not target.json:
        assert fields_read <= {*target.query, *target.form}
    named = {"HTTP_" + name.upper().replace("-", "_") for name in target.header}
    assert environ.headers_read - FRAMING <= named


def answers(client: Client, target: Target) -> Iterator[tuple[dict[str, str], bytes]]:
    """Yield headers and body of the answers to a target as it is, with a query of its own, and with
    each of its parameters missing or wrong.
    """
    environ = target.environ({})
    own = f"{environ['QUERY_STRING']}&id={WAITING.iid}&name=Team%20meeting".lstrip("&")
    asked = [environ, {**target.environ({}), "QUERY_STRING": own}]
    asked += [target.environ({name: value}) for name in target.parameters for value in ("", "x")]
    for each in asked:
        _, headers, body = wsgi.call(client.application, each)
        store(client.application.database)
        yield dict(headers), body


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: f"{target.method} {target.pattern}")
def test_an_answer_with_a_number_or_a_name_is_stored_nowhere(
    attacked: Client, target: Target
) -> None:
    asked = " ".join(target.parameters.values())
    for headers, body in answers(attacked, target):
        told = body.decode("utf-8") + headers.get("Location", "")
        # A QR code does not show its number.
        if any(NUMBER_OR_NAME.search(text) for text in (told, asked)):
            assert headers["Cache-Control"] == "no-store"


def test_only_the_empty_form_and_our_own_files_are_stored(attacked: Client) -> None:
    stored = {
        target.pattern
        for target in TARGETS
        for headers, _ in answers(attacked, target)
        if headers["Cache-Control"] != "no-store"
    }
    assert stored == {"/", "/static/{file}"}


def test_a_target_of_the_api_has_the_fields_that_its_description_names() -> None:
    described = {}
    for pattern, item in DESCRIPTION["paths"].items():
        for method, operation in item.items():
            if "requestBody" in operation:
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                name = schema.get("$ref", "").rpartition("/")[2]
                schema = DESCRIPTION["components"]["schemas"].get(name, schema)
                described[method.upper(), pattern] = set(schema.get("properties", {}))
    assert {
        (target.method, target.pattern): set(target.json) for target in TARGETS if target.json
    } == {call: fields for call, fields in described.items() if fields}
