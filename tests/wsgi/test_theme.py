"""What a visitor gets to see: the language, and the operator's own files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.conftest import MakeClient
from tests.support.client import Client, words

PACKAGE = Path(__file__).parents[2] / "wsgi_app"
STATIC = PACKAGE / "static"
LANGUAGES = sorted(file.stem for file in (PACKAGE / "translations").glob("*.json"))
# What must be told from what, and by which contrast (WCAG 2.2, 1.4.3 and 1.4.11).
TEXT_CONTRAST, EDGE_CONTRAST = 4.5, 3.0
PAIRS = [
    *[
        (ink, ground, TEXT_CONTRAST)
        for ink in ("ink", "soft", "accent", "accent-strong", "warn")
        for ground in ("ground", "card", "secret-tint")
    ],
    ("ink", "tint", TEXT_CONTRAST),
    ("accent-strong", "tint", TEXT_CONTRAST),
    ("ink", "warn-tint", TEXT_CONTRAST),
    ("on-accent", "accent", TEXT_CONTRAST),
    ("on-accent", "accent-strong", TEXT_CONTRAST),
    ("card", "warn", TEXT_CONTRAST),
    ("edge", "card", EDGE_CONTRAST),
    ("edge", "ground", EDGE_CONTRAST),
]


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("ja;q=0.9, en;q=0.3, de;q=0.5", "de"),
        ("en;q=0.3, de;q=0.3", "en"),
        ("de;q=0, *", "en"),
        ("en;q=0, *;q=0.1", "ar"),
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
    (tmp_path / "look/translations/la.json").write_text(json.dumps({"book_title": "Constituere"}))
    (tmp_path / "look/templates/door.html").write_text("<p>$enter_url")
    (tmp_path / "look/static/planado.css").write_text("body { color: red }")
    client = make_client("[look]\ndirectory = look")
    german = client.get("/", Accept_Language="de")
    assert german.heading == "Termin!"
    assert words(german.find("form//label[@for='date']")) == "Datum"
    latin = client.get("/", Accept_Language="la")
    assert latin.heading == "Constituere"
    assert words(latin.find("form//label[@for='date']")) == "Date"
    assert client.get("/static/planado.css").text == "body { color: red }"


def colours() -> dict[str, dict[str, str]]:
    """Return the colours of the style sheet by name, light and dark."""
    css = (STATIC / "planado.css").read_text("utf-8")
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
        for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]
    )
    assert set(light) == set(dark)
    return {"light": light, "dark": dark}


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour, 0 to 1 (WCAG 2.2, glossary)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("front", "ground", "least"), PAIRS)
def test_colours_can_be_told_apart(scheme: str, front: str, ground: str, least: float) -> None:
    scheme_colours = colours()[scheme]
    darker, lighter = sorted(luminance(scheme_colours[name]) for name in (front, ground))
    assert (lighter + 0.05) / (darker + 0.05) >= least


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_page_is_below_22_kilobytes_and_32_where_nothing_is_compressed(
    client: Client, language: str
) -> None:
    for encoding, most in {"gzip, deflate, br": 22_000, "": 32_000}.items():
        client.headers["Accept-Encoding"] = encoding
        page = client.get("/", Accept_Language=language)
        files = [page.find("link[@rel='stylesheet']"), page.find("link[@rel='icon']")]
        urls = [file.get("href", "") for file in files] + [page.find("script").get("src", "")]
        assert len(page.body) + sum(len(client.get(url).body) for url in urls) < most


def test_only_logical_properties_so_that_every_page_can_be_mirrored() -> None:
    css = (STATIC / "planado.css").read_text("utf-8")
    assert not re.search(r"\b(margin|padding|border)-(left|right|top|bottom)\b", css)
    assert not re.search(r"(?<![\w-])(left|right|top|bottom|float)\s*:", css)
    assert not re.search(r"text-align:\s*(left|right)", css)


def test_an_operators_own_rules_come_after_ours(make_client: MakeClient, tmp_path: Path) -> None:
    (tmp_path / "look/static").mkdir(parents=True)
    (tmp_path / "look/static/own.css").write_text(":root { --accent: purple }\n")
    page = make_client("[look]\ndirectory = look").get("/")
    assert "font-src 'self';" in page.headers["Content-Security-Policy"]
    assert "font-src" not in make_client().get("/").headers["Content-Security-Policy"]
    styles = [link.get("href", "") for link in page.page.iterfind(".//link[@rel='stylesheet']")]
    assert [style.rsplit("/", 1)[1].split("?")[0] for style in styles] == ["planado.css", "own.css"]
