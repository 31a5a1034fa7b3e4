"""The examples of docs/api.md, run as they are written but for address and date."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.conftest import MakeClient
from tests.support.client import Client
from tests.support.live import Live
from tests.support.mariadb import free_port
from tests.support.process import ROOT

TEXT = (ROOT / "docs/api.md").read_text("utf-8")


def example(language: str, live: Live) -> str:
    """Return the example in a language, with this server in place of the one it names."""
    [code] = re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    return str(code).replace("https://planado.example", live.url)


@pytest.fixture
def rooms_port() -> int:
    return free_port()


@pytest.fixture
def client(make_client: MakeClient, rooms_port: int) -> Client:
    return make_client(f"[api]\nallowed_origins = http://127.0.0.1:{rooms_port}")


@pytest.fixture
def live(client: Client, rooms_port: int) -> Iterator[Live]:
    started = Live(client.application, rooms_port)
    yield started
    started.stop()


def test_curl(live: Live, client: Client) -> None:
    printed = [
        subprocess.run(
            ["sh", "-c", example("sh", live)], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert printed[0] == printed[1], "the key makes them one"
    booked = json.loads(printed[0])
    assert booked["start"] == "2027-03-02T18:30:00+01:00"
    assert client.get(booked["admin_url"]).status == 200


def test_python(live: Live, tmp_path: Path) -> None:
    script = tmp_path / "example.py"
    script.write_text(example("python", live), "utf-8")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "waiting 2027-03-02T17:30:00+00:00",
        "2027-03-02T18:00:00+00:00",
    ]


def test_javascript_from_another_site(browser: Browser, live: Live, client: Client) -> None:
    page = browser.new_page()
    try:
        printed: list[str] = []
        page.on("console", lambda message: printed.append(message.text))
        page.goto(live.rooms_url)
        page.evaluate(f"(async () => {{ {example('js', live)} }})()")
        [invitation_url] = printed
        assert client.visit(invitation_url).heading == "The conference has not started yet"
    finally:
        page.close()


def test_the_form_on_another_site(browser: Browser, live: Live) -> None:
    page = browser.new_page()
    try:
        page.goto(live.rooms_url)
        page.set_content(example("html", live))
        page.get_by_label("Name").fill("From elsewhere")
        page.get_by_label("Date").fill("2027-03-02")
        page.get_by_label("Start").fill("18:30")
        page.get_by_role("button").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your conference is booked")
    finally:
        page.close()
