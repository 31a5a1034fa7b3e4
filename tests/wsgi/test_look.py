"""What a visitor gets to see: the language, and the operator's own files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import MakeClient
from tests.support.client import Client, words


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr;q=0.9, en;q=0.3, de;q=0.5", "de"),
        ("en;q=0.3, de;q=0.3", "en"),
        ("de;q=0, *", "en"),
        ("en;q=0, *;q=0.1", "de"),
        ("xx", "en"),
        ("de;q=9", "en"),
        ("DE", "de"),
        (",;q=,de;;" + "x," * 1000, "en"),
    ],
)
def test_the_language_follows_accept_language_and_its_weights(
    client: Client, accept: str, language: str
) -> None:
    answer = client.get("/", Accept_Language=accept)
    assert answer.headers["Content-Language"] == language
    assert answer.headers["Vary"] == "Accept-Language"
    assert answer.page.get("lang") == language


def test_a_german_visitor_reads_german_messages(client: Client) -> None:
    client.headers["Accept-Language"] = "de"
    assert client.post("/book", {}).errors()["name"] == "Bitte gib der Konferenz einen Namen."
    assert client.get("/nirgends").heading == "Hier ist nichts"
    booked = client.book(repeat="1monthlyday", count="1", date="2027-03-09")
    facts = words(booked.overview.find("dl"))
    assert "Dienstag, 9. März 2027, 09:00 Uhr bis 10:00 Uhr" in facts
    assert "jeden Monat am zweiten Dienstag, 2 Termine" in facts


def test_the_operator_chooses_languages(make_client: MakeClient) -> None:
    client = make_client("[site]\nlanguages = de")
    assert client.get("/", Accept_Language="en").headers["Content-Language"] == "de"


def test_an_operators_folder_goes_before_the_built_in_files(
    make_client: MakeClient, tmp_path: Path
) -> None:
    for folder in ("translations", "templates", "static"):
        (tmp_path / "look" / folder).mkdir(parents=True)
    (tmp_path / "look/translations/de.json").write_text(json.dumps({"book_title": "Termin!"}))
    (tmp_path / "look/translations/eo.json").write_text(json.dumps({"book_title": "Rezervi"}))
    (tmp_path / "look/templates/door.html").write_text("<p>$enter_url")
    (tmp_path / "look/static/planado.css").write_text("body { color: red }")
    client = make_client("[look]\ndirectory = look")
    german = client.get("/", Accept_Language="de")
    assert german.heading == "Termin!"
    assert words(german.find("form//label[@for='date']")) == "Datum"
    esperanto = client.get("/", Accept_Language="eo")
    assert esperanto.heading == "Rezervi"
    assert words(esperanto.find("form//label[@for='date']")) == "Date"
    assert client.get("/static/planado.css").text == "body { color: red }"
