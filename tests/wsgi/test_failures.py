"""Something fails where nobody looks: after an answer has gone out, and while an error is told."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from tests.conftest import MakeClient
from tests.support.client import Client
from tests.support.clock import DAY, MINUTE, Clock
from wsgi_app.storage import requests
from wsgi_app.storage.database import Database
from wsgi_app.storage.sqlite import SqliteDatabase

SECRET = "8765432187654321"
LAST_TEXT = "This did not work. Please try again later.\n"


def number_of_rows(client: Client) -> int:
    return len(client.application.database.all("SELECT iid FROM {table}"))


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


@pytest.fixture
def past(client: Client, clock: Clock) -> Client:
    """A visitor who comes when a conference is over."""
    client.book()
    clock.advance(3 * DAY)
    return client


def rename(folder: Path, table: str, name: str) -> None:
    database = SqliteDatabase(folder / "planado.db", table)
    database.run(f"ALTER TABLE {{table}} RENAME TO {name}")
    database.close()


def test_a_clean_up_that_its_database_refuses_costs_no_answer(
    past: Client, clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    booked = past.book()
    assert number_of_rows(past) == 1
    clock.advance(3 * DAY)
    # What only the clean-up asks for is away.
    rename(tmp_path, "conferences_requests", "elsewhere")
    assert past.get("/health").text == "ok\n"
    [message] = messages(caplog)
    assert message.startswith("clean-up: database: SQLITE_ERROR: tables missing")
    assert number_of_rows(past) == 1
    caplog.clear()
    # Who comes next is served, and a minute later it is tried again.
    assert past.get("/health").text == "ok\n"
    assert messages(caplog) == []
    rename(tmp_path, "elsewhere", "conferences_requests")
    clock.advance(MINUTE)
    assert past.get(booked.invitation_url).status == 404
    assert messages(caplog) == []
    assert number_of_rows(past) == 0


def test_a_clean_up_that_fails_otherwise_costs_no_answer_and_tells_no_value(
    past: Client, clock: Clock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)

    def starve(db: Database, before: int) -> None:
        raise MemoryError(f"/admin/{SECRET}")

    with monkeypatch.context() as broken:
        broken.setattr(requests, "remove_requests", starve)
        assert past.get("/health").text == "ok\n"
    [message] = messages(caplog)
    assert message.startswith("clean-up failed: MemoryError\n")
    assert "in clean_up" in message
    assert SECRET not in caplog.text
    assert number_of_rows(past) == 1
    clock.advance(MINUTE)
    assert past.get("/health").text == "ok\n"
    assert len(messages(caplog)) == 1
    assert number_of_rows(past) == 0


@pytest.fixture
def look(tmp_path: Path) -> Path:
    """The folder of an operator's own templates and translations."""
    for name in ("templates", "translations"):
        (tmp_path / "look" / name).mkdir(parents=True)
    return tmp_path / "look"


WITH_LOOK = "[look]\ndirectory = look"


@pytest.mark.parametrize("template", ["problem.html", "layout.html"])
def test_an_error_is_told_in_a_bare_page_where_the_templates_are_broken(
    make_client: MakeClient,
    look: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    template: str,
) -> None:
    (look / "templates" / template).write_text("$nothing_of_the_kind")
    client = make_client(WITH_LOOK)
    answer = client.get(f"/admin/{SECRET}/{SECRET}?name=Nobody")
    assert answer.status == 404
    assert answer.text == "<!doctype html><title>404 Not Found</title><p>404 Not Found</p>"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert client.request("PUT", "/").headers["Allow"] == "GET, HEAD"
    rename(tmp_path, "conferences", "elsewhere")
    away = client.get("/health")
    assert (away.status, away.headers["Retry-After"]) == (503, "10")
    assert "<p>503 Service Unavailable</p>" in away.text
    assert SECRET not in caplog.text
    assert "Nobody" not in caplog.text


def test_an_error_is_told_in_a_line_where_the_translations_are_broken(
    make_client: MakeClient, look: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = make_client(WITH_LOOK)
    # Broken before it started, it would not have.
    (look / "translations/en.json").write_text(f'{{"home": "{SECRET}"')
    for path in ("/", "/nowhere", f"/admin/{SECRET}/{SECRET}?name=Nobody", "/api/v1/nowhere"):
        answer = client.get(path)
        assert (answer.status, answer.text) == (500, LAST_TEXT), path
        assert answer.headers == {
            "Content-Type": "text/plain; charset=utf-8",
            "Content-Length": str(len(LAST_TEXT)),
            "Cache-Control": "no-store",
        }
    assert messages(caplog)[-1] == "a request failed, and its report: JSONDecodeError"
    assert SECRET not in caplog.text
    assert "Nobody" not in caplog.text
    # Put right, it serves.
    (look / "translations/en.json").unlink()
    assert client.get("/").status == 200


def test_not_even_a_log_that_cannot_be_written_keeps_the_last_line_back(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starve(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(logging.Logger, "error", starve)
    monkeypatch.setattr(client.application, "clock", starve)
    answer = client.get("/")
    assert (answer.status, answer.text) == (500, LAST_TEXT)


def test_the_last_line_takes_the_place_of_an_answer_that_was_begun(client: Client) -> None:
    begun: list[tuple[str, bool]] = []

    def start_response(status: str, headers: list[tuple[str, str]], error: Any = None) -> Any:
        begun.append((status, error is not None))
        if error is None:
            raise OSError("the host cannot send it")

    environ: dict[str, Any] = {"PATH_INFO": "/"}
    setup_testing_defaults(environ)
    body = client.application(environ, start_response)
    assert begun == [("200 OK", False), ("500 Internal Server Error", True)]
    assert b"".join(body).decode() == LAST_TEXT
