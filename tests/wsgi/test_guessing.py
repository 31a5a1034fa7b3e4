"""Who guesses an admin number learns nothing from an answer, nor from how it came about."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import wsgi_app
from tests.support.client import Answer, Client
from tests.support.clock import Clock
from tests.support.targets import NOW, WAITING, store
from wsgi_app.domain.conference import Conference
from wsgi_app.storage.sqlite import SqliteDatabase

OWN = (str(Path(wsgi_app.__file__).parent), __file__)
UNKNOWN = "1234567890123456"
AID = str(WAITING.aid)
# Ever more of it right, from the first digit to all but the last.
GUESSES = [AID[:right] + ("8" if AID[right] != "8" else "7") * (16 - right) for right in range(16)]
Ask = Callable[[Client, str, str], Answer]


def page(client: Client, iid: str, aid: str) -> Answer:
    return client.get(f"/admin/{iid}/{aid}?name=x")


def cancel(client: Client, iid: str, aid: str) -> Answer:
    return client.post(f"/admin/{iid}/{aid}/cancel")


def call(client: Client, iid: str, aid: str) -> Answer:
    return client.get(f"/api/v1/conferences/{iid}", Authorization=f"Bearer {aid}")


def call_to_cancel(client: Client, iid: str, aid: str) -> Answer:
    headers = {"Authorization": f"Bearer {aid}"}
    return client.request("DELETE", f"/api/v1/conferences/{iid}", headers=headers)


ALL = pytest.mark.parametrize("ask", [page, cancel, call, call_to_cancel])


@pytest.fixture
def booked(client: Client, clock: Clock) -> Client:
    clock.now = NOW
    store(client.application.database)
    return client


def steps(ask: Callable[[], Answer]) -> list[tuple[str, int]]:
    """Return every line of Planado, or of this file, that is run for an answer."""
    lines: list[tuple[str, int]] = []

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        # The standard library keeps caches, which other tests have filled more or less.
        if frame.f_code.co_filename.startswith(OWN):
            lines.append((frame.f_code.co_filename, frame.f_lineno))
        return trace

    # What other tests have left is not to be swept up in between.
    gc.disable()
    traced_before = sys.gettrace()  # By what measures which lines the tests run.
    sys.settrace(trace)
    try:
        ask()
    finally:
        sys.settrace(traced_before)
        gc.enable()
    return lines


def differ(client: Client, ask: Ask) -> bool:
    """Say whether guesses take different steps."""
    ask(client, str(WAITING.iid), UNKNOWN)  # It fills the caches.
    taken = [steps(partial(ask, client, str(WAITING.iid), guess)) for guess in GUESSES]
    return any(lines != taken[0] for lines in taken)


@ALL
def test_a_guess_takes_the_same_steps_however_much_of_it_is_right(booked: Client, ask: Ask) -> None:
    assert not differ(booked, ask)


def test_a_comparison_that_ends_early_would_be_noticed(
    booked: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def admits(conference: Conference, aid: int) -> bool:
        for right, guessed in zip(str(conference.aid), str(aid), strict=True):
            if right != guessed:
                return False
        return True

    monkeypatch.setattr(Conference, "admits", admits)
    assert differ(booked, page)


@ALL
def test_a_wrong_number_and_an_unknown_conference_get_one_answer_from_one_statement(
    booked: Client, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []
    execute = SqliteDatabase._execute

    def noting(db: SqliteDatabase, sql: str, values: dict[str, object]) -> Any:
        statements.append(sql)
        return execute(db, sql, values)

    monkeypatch.setattr(SqliteDatabase, "_execute", noting)
    answers = [ask(booked, str(WAITING.iid), guess) for guess in GUESSES]
    answers.append(ask(booked, UNKNOWN, AID))
    told = {(answer.status, answer.body, *answer.headers.items()) for answer in answers}
    assert len(told) == 1
    assert answers[0].status == 404
    assert len(set(statements)) == 1
    assert len(statements) == len(answers)


def test_the_right_number_is_let_in(booked: Client) -> None:
    assert page(booked, str(WAITING.iid), AID).status == 200
    assert call(booked, str(WAITING.iid), AID).status == 200
